"""Ready-made players of notebook 08: what was repaired since Adam."""

from gdviz.views.since_adam.matrices import keys, spectrum, stored
from gdviz.views.since_adam.race import race
from gdviz.views.since_adam.steps import first_steps, heard, three_points

__all__ = ["first_steps", "heard", "keys", "race", "spectrum", "stored", "three_points"]
