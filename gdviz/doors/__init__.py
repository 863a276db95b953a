"""What a learner hands in, a loss, a rule, a start, is checked here before the first step, and while it is called."""
