"""A mistake in an update rule is recognised by its steps, and a right rule is right however it is written."""

import dataclasses
import random
import re
from dataclasses import dataclass, replace
from itertools import combinations
from typing import NamedTuple

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gdviz import exercises, optimizers
from gdviz.exercises.mistakes import MISTAKES, OTHERS, Mistake, mistaken, variants
from gdviz.exercises.rules import compare, remembers
from gdviz.exercises.walks import CURVATURES, agree, problems, way
from gdviz.optimizers import LBFGS, AdaGrad, Adam, AdamW, GradientDescent, Momentum, Nesterov, RMSProp
from gdviz.optimizers.rule import is_for_matrices

RANGES = {  # lr below 1 - beta and sqrt(1 - beta2): else "lr twice" is also another mistake
    "lr": (0.001, 0.02),
    "momentum": (0.6, 0.95),
    "alpha": (0.9, 0.99),
    "beta1": (0.8, 0.95),
    "beta2": (0.97, 0.999),
    "eps": (1e-10, 1e-7),
    "weight_decay": (0.01, 0.1),
    "momentum_decay": (0.002, 0.01),
    "etaminus": (0.4, 0.6),
    "etaplus": (1.1, 1.3),
}
rules = pytest.mark.parametrize("name", MISTAKES)


def fields(name):
    return [field.name for field in dataclasses.fields(getattr(optimizers, name))]  # without those of the class


def drawn(name):
    """A rule with hyperparameters that hypothesis chooses."""
    numbers = {field: st.floats(*RANGES[field]) for field in fields(name) if field in RANGES}
    return st.builds(getattr(optimizers, name), **numbers)


def some(name, seed=0):
    """A rule with random hyperparameters."""
    dice = random.Random(f"{name} {seed}")
    return getattr(optimizers, name)(
        **{field: dice.uniform(*RANGES[field]) for field in fields(name) if field in RANGES}
    )


def hint(thing, reference):
    return compare(thing, reference).hint


def ways(rule, tried):
    return [way(rule)(*problem) for problem in tried]


def same_steps(one, other):
    return all(agree(*pair) == len(pair[1]) - 1 for pair in zip(one, other))


# the rules and the table


@rules
@settings(max_examples=5)
@given(data=st.data())
def test_the_rule_itself_is_right(name, data):
    rule = data.draw(drawn(name))
    assert hint(rule, rule) == ""
    assert hint(type(rule), rule) == ""


SAME = {  # one function under two names: every pair of variants that no walk could tell apart
    # a velocity that is always forgotten is the gradient
    ("Momentum, but each step starts afresh: use the old velocity, and return the new one", "GradientDescent"),
    # momentum v_old + g is the new v
    ("Nesterov with the old velocity: look ahead with the new one", "Momentum"),
    # a decay of 0
    ("AdamW without the decay: weights shrink by lr * weight_decay of themselves", "Adam"),
    # with t = 1 it is always momentum, and m_hat is the gradient
    ("RAdam, but each step starts afresh: use the old m, v and t, and return the new ones", "GradientDescent"),
    # the larger of 0 and v
    ("AMSGrad, but it forgets v_max: return the new one", "Adam"),
}


BY_CHANCE = {  # where only signs are compared: pairs that are alike for some hyperparameters
    "Lion with beta1 in the memory, too: m has beta2",
    "Lion with the mix of the step as the old m in the memory: keep the mix under another name",
    "Lion with the direction in the memory: m is a mean of gradients, without a sign",
    "Lion with the sign of the new m in the memory: m keeps its size",
}


@pytest.mark.slow
@rules
@settings(max_examples=3)
@given(data=st.data())
def test_any_two_variants_take_other_steps_unless_they_are_one_function(name, data):
    rule = data.draw(drawn(name))
    tried = problems(rule)
    walked = [(phrase, ways(wrong, tried)) for phrase, wrong, *_ in [(name, rule), *variants(rule)]]
    same = {(a, b) for (a, one), (b, other) in combinations(walked, 2) if same_steps(one, other)}
    same = {pair for pair in same if not BY_CHANCE.issuperset(pair)}
    assert same == {pair for pair in SAME if re.split("[ ,]", pair[0])[0] == name}


@pytest.mark.parametrize(("name", "row"), [(name, row) for name, rows in MISTAKES.items() for row in range(len(rows))])
def test_each_row_of_the_table_is_recognised_with_its_own_phrase(name, row):
    rule, mistake = some(name, row), MISTAKES[name][row]
    said, phrase = hint(mistaken(rule, mistake), rule), mistake.of(name)
    if ways(mistaken(rule, mistake), problems(rule))[0][1:].isnan().all():
        assert said.startswith("Step 1 is NaN (not a number)")
        assert f"Perhaps this is {phrase}" in said
    elif any(phrase == one for one, _ in SAME):
        assert said.startswith(f"This is {phrase}. Or it is ")
        assert "its steps are the same." in said
    elif phrase in BY_CHANCE:
        assert phrase in said
    else:
        assert said.startswith(f"This is {phrase}.")
        assert "Or it is" not in said


def test_a_rule_has_no_two_mistakes_of_one_key():
    for name, rows in MISTAKES.items():
        keys = [mistake.key for mistake in rows]
        assert len(set(keys)) == len(keys), name


def test_no_phrase_is_there_twice():
    for rows in MISTAKES.values():
        assert len({row.phrase for row in rows}) == len(rows)


def test_hyperparameters_for_which_two_mistakes_are_one_name_both():
    rule = Momentum(lr=0.1, momentum=0.9)  # lr twice, and (1 - momentum) g, both divide the step by ten
    said = hint(mistaken(rule, MISTAKES["Momentum"][0]), rule)
    assert "averaged velocity" in said
    assert "Or it is Momentum with the learning rate multiplied in twice: its steps are the same." in said


@rules
def test_another_rule_is_named(name):
    rule = some(name)
    for kind in OTHERS:
        other = kind.__name__
        if other != name and (is_for_matrices(rule) or not is_for_matrices(kind)):
            known = {field: getattr(rule, field) for field in fields(other) if field in fields(name)}
            assert re.search(rf"This is ([^.]*\. Or it is )?{other}[.:]", hint(kind(**known), rule))


def test_rmsprop_with_adams_correction_is_told_so():
    rule = RMSProp(lr=0.01, alpha=0.9)
    assert "a bias correction, which is Adam's" in hint(Adam(lr=0.01, beta1=0, beta2=0.9), rule)


def test_a_rule_without_a_row_has_the_other_rules():
    rule = LBFGS(lr=0.01)
    assert hint(rule, rule) == ""
    assert hint(GradientDescent(lr=0.01), rule).startswith("This is GradientDescent.")


def test_a_row_that_does_not_fit_the_source_is_refused():
    with pytest.raises(LookupError, match="the source of Adam has no 'sin'"):
        mistaken(Adam(), Mistake("sine", "with a sine", {"sin": "cos"}))


def test_the_wrong_rule_keeps_its_name_and_its_hyperparameters():
    wrong = mistaken(Momentum(lr=0.3, momentum=0.4), MISTAKES["Momentum"][0])
    assert (type(wrong).__name__, wrong.lr, wrong.momentum) == ("Momentum", 0.3, 0.4)
    assert isinstance(wrong, Momentum)


# the mistakes of NUMBERS.md, written by hand


def adam(m_hat="m / (1 - beta1**t)", v_hat="v / (1 - beta2**t)", step="m_hat / (v_hat.sqrt() + eps)", t="t + 1"):
    """An update function of a learner, with these parts."""
    source = f"""
def update(params, grads, m, v, t, lr, beta1, beta2, eps):
    t = {t}
    m = beta1 * m + (1 - beta1) * grads
    v = beta2 * v + (1 - beta2) * grads * grads
    m_hat, v_hat = {m_hat}, {v_hat}
    return params - lr * ({step}), m, v, t
"""
    made = {}
    exec(source, made)
    return made["update"]


ADAMS = {
    ", but it multiplies by 1 - beta^t where the paper divides. Your first step is 10 times the right one.": adam(
        "m * (1 - beta1**t)", "v * (1 - beta2**t)"
    ),
    "without bias correction: m and v begin at zero, and 1 - beta^t undoes it. Your first step is 3.16 times": adam(
        "m", "v"
    ),
    "with sqrt(v) where sqrt(v_hat) is meant": adam(v_hat="v"),
    "with m where m_hat is meant": adam(m_hat="m"),
    "with eps inside the root": adam(step="m_hat / (v_hat + eps) ** 0.5"),
    "without eps under the fraction line": adam(step="m_hat / v_hat.sqrt()"),
    ", but its step counter t stays at 1": adam(t="t + 1 - t"),
    ", but it counts its steps from 2": adam("m / (1 - beta1 ** (t + 1))", "v / (1 - beta2 ** (t + 1))"),
    "with a plus where the minus belongs": adam(step="-m_hat / (v_hat.sqrt() + eps)"),
    "without the root": adam(step="m_hat / (v_hat + eps)"),
    "with beta * t where beta to the power of t": adam("m / (1 - beta1 * t)", "v / (1 - beta2 * t)"),
    "with beta1 and beta2 exchanged": lambda params, grads, m, v, t, lr, beta1, beta2, eps: adam()(
        params, grads, m, v, t, lr, beta2, beta1, eps
    ),
}


@pytest.mark.parametrize("phrase", ADAMS)
def test_adam_by_hand_is_told_its_mistake(phrase):
    comma = "" if phrase.startswith(",") else " "
    assert hint(ADAMS[phrase], Adam(lr=0.003)).startswith(f"This is Adam{comma}{phrase}")


def test_adam_by_hand_without_a_mistake_is_right():
    assert hint(adam(), Adam(lr=0.003)) == ""


@pytest.mark.parametrize("lr", [0.0003, 0.003, 0.1])
@pytest.mark.parametrize("step", ["m_hat / v_hat.sqrt() + eps", "m_hat / v_hat.sqrt() - eps / lr"])
def test_adam_with_eps_added_to_the_fraction_or_to_the_parameter_divides_by_zero(step, lr):
    said = hint(adam(step=step), Adam(lr=lr))
    missing = "without eps under the fraction line (or without its brackets): where the gradient is zero it is 0 / 0"
    divided = "Where gradients are tiny it goes wrong. Step 1 is NaN (not a number): is 0 divided by 0"
    assert missing in said or divided in said


def test_adam_with_an_eps_of_its_own_goes_wrong_only_where_gradients_are_tiny():
    said = hint(adam(step="m_hat / (v_hat.sqrt() + 1e-7)"), Adam(lr=0.003))
    assert said.startswith("Where gradients are tiny it goes wrong. From w = 0 with the gradient ")


def test_adam_whose_counter_never_leaves_zero_is_told_so():
    said = hint(adam(t="t"), Adam(lr=0.003))
    assert said.startswith("Step 1 is NaN (not a number): ")
    assert "Perhaps this is Adam, but its step counter t stays at 0, so that it divides by 0" in said
    assert "times" not in said  # nan times


def test_of_a_first_step_that_is_right_no_size_is_told():
    assert hint(adam(t="t + 1 - t"), Adam(lr=0.003)).endswith("but its step counter t stays at 1: count each step.")


def test_a_step_without_learning_rate_is_told_its_size():
    said = hint(lambda params, grads: params - grads, GradientDescent(lr=0.02))
    assert "GradientDescent without the learning rate" in said
    assert said.endswith("Your first step is 50 times the right one.")


@pytest.mark.parametrize(
    ("update", "reference", "phrase"),
    [
        (lambda w, g, v, lr, momentum: (w - lr * (0.9 * v + 0.1 * g), 0.9 * v + 0.1 * g), Momentum(0.02), "averaged"),
        (lambda w, g, v, lr: (w + lr * (0.9 * v + g), 0.9 * v + g), Momentum(0.02), "a plus where the minus"),
        (lambda w, g, v, lr: (w - lr * (v + g), v + g), Momentum(0.02), "that nothing slows down"),
        (lambda w, g, v, lr: (w - lr * v, 0.9 * v + g), Momentum(0.02), "the velocity of the step before"),
        (lambda w, g, v, lr: (w - lr * (0.9 * v + g), v), Momentum(0.02), "each step starts afresh"),
        (lambda w, g, v, lr: w - lr * (0.9 * v + g), Momentum(0.02), "each step starts afresh"),  # the state is lost
        (lambda w, g, v, lr: (w - lr * (g + 0.9 * v + g), 0.9 * v + g), Nesterov(0.02), "the whole velocity on top"),
        (lambda w, g, v, lr: (w - lr * (g + 0.9 * v), 0.9 * v + g), Nesterov(0.02), "with the old velocity"),
        (lambda w, g, v, lr: (w - lr * 1.9 * (0.9 * v + g), 0.9 * v + g), Nesterov(0.02), "(1 + momentum) * v"),
        (lambda w, g, v, lr: (w - lr * (g - 0.9 * (0.9 * v + g)), 0.9 * v + g), Nesterov(0.02), "another convention"),
        (lambda w, g, G, lr: (w - lr * g / (G + g * g), G + g * g), AdaGrad(0.02, 0.0), "without the root"),
        (lambda w, g, v, lr: (w - lr * g / (v + 1e-8) ** 0.5, v), RMSProp(0.02), "the first step must lead"),
        (lambda w, g: w + 0.02 * g, GradientDescent(0.02), "a step goes against the gradient"),
        (lambda w, g: -0.02 * g, GradientDescent(0.02), "returns the step alone"),
        (lambda w, g: w - 0.02 * g.sum(), GradientDescent(0.02), "each has its own slope"),
        (lambda w, g: w - 0.02 * g / g.norm(), GradientDescent(0.02), "a gradient of length 1"),
    ],
)
def test_a_mistake_by_hand_is_told(update, reference, phrase):
    assert phrase in hint(update, reference)


def test_the_l2_penalty_of_torchs_adam_is_not_adamw():
    assert "Adam with an L2 penalty" in hint(torch.optim.Adam, AdamW(lr=0.01, weight_decay=0.1))


# right, and written otherwise


class OnSelf:
    """Adam that keeps all on self and begins anew in init."""

    def init(self, params):
        self.m, self.v, self.t = 0, 0, 0

    def update(self, params, grads, state):
        params, self.m, self.v, self.t = adam()(params, grads, self.m, self.v, self.t, 0.003, 0.9, 0.999, 1e-8)
        return params, None


class AsDict:
    def init(self, params):
        return {"m": torch.zeros_like(params), "v": torch.zeros_like(params), "t": 0}

    def update(self, params, grads, state):
        t, m, v = state["t"] + 1, 0.9 * state["m"] + 0.1 * grads, 0.999 * state["v"] + 0.001 * grads**2
        m_hat, v_hat = m / (1 - 0.9**t), v / (1 - 0.999**t)
        return params - 0.003 * m_hat / (v_hat.sqrt() + 1e-8), {"m": m, "v": v, "t": t}


class Roots(NamedTuple):
    root: torch.Tensor
    mean: torch.Tensor
    done: int


@dataclass
class AsRoot:
    """Another NamedTuple, the root of v in it, lr * sqrt(1 - beta2^t) / (1 - beta1^t), and eps adjusted to that."""

    lr: float
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8

    def init(self, params):
        return Roots(torch.zeros_like(params), torch.zeros_like(params), 0)

    def update(self, params, grads, state):
        t = state.done + 1
        mean = state.mean + (1 - self.beta1) * (grads - state.mean)
        root = (state.root**2 + (1 - self.beta2) * (grads**2 - state.root**2)).sqrt()
        bias = (1 - self.beta2**t) ** 0.5
        rate = self.lr * bias / (1 - self.beta1**t)
        return params - rate * mean / (root + self.eps * bias), Roots(root, mean, t)


class InPlace:
    """Momentum that changes its own velocity in place."""

    def init(self, params):
        return torch.zeros_like(params)

    def update(self, params, grads, state):
        state *= 0.9
        state += grads
        return params - 0.003 * state, state


def tensorflow(params, grads, velocity, lr, momentum):
    velocity = momentum * velocity - lr * grads
    return params + velocity, velocity


class ByHand(torch.optim.Optimizer):
    """Momentum as torch would have it from a learner."""

    def __init__(self, params, lr=0.1, momentum=0.9):
        super().__init__(params, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                v = self.state[p].setdefault("v", torch.zeros_like(p))
                v.mul_(group["momentum"]).add_(p.grad)
                p.sub_(group["lr"] * v)


ADAM, SGD = Adam(lr=0.003), Momentum(lr=0.003)
RIGHT = {
    "state on self": (OnSelf(), ADAM),
    "state as dict": (AsDict(), ADAM),
    "root of v, by class": (AsRoot, ADAM),
    "root of v, as object": (AsRoot(lr=0.003), ADAM),
    "in place on its own state": (InPlace(), SGD),
    "TensorFlow's convention": (tensorflow, SGD),
    "another order": (lambda w, g, v: (-(0.9 * v + g) * 0.003 + w, g + v * 0.9), SGD),
    "float32": (lambda w, g: (w - 0.003 * g).float(), GradientDescent(lr=0.003)),
    "torch's SGD by class": (torch.optim.SGD, SGD),
    "torch's Adam by class": (torch.optim.Adam, ADAM),
    "torch's AdamW by class": (torch.optim.AdamW, AdamW(lr=0.003, beta2=0.99, weight_decay=0.05)),
    "torch's RMSprop by class": (torch.optim.RMSprop, RMSProp(lr=0.003, alpha=0.9)),
    "torch's Adagrad by class": (torch.optim.Adagrad, AdaGrad(lr=0.003)),
    "torch's SGD by function": (lambda params: torch.optim.SGD(params, lr=0.003), GradientDescent(lr=0.003)),
    "torch's Nesterov by function": (
        lambda params: torch.optim.SGD(params, lr=0.003, momentum=0.9, nesterov=True),
        Nesterov(lr=0.003),
    ),
    "torch's Adam by function, with lr": (lambda params, lr: torch.optim.Adam(params, lr=lr), ADAM),
    "torch's AdamW by function": (
        lambda params: torch.optim.AdamW(params, lr=0.003, weight_decay=0.05),
        AdamW(lr=0.003, weight_decay=0.05),
    ),
    "torch's Adagrad by function": (lambda params: torch.optim.Adagrad(params, lr=0.003), AdaGrad(lr=0.003)),
    "torch's RMSprop by function": (
        lambda params: torch.optim.RMSprop(params, lr=0.003, alpha=0.9),
        RMSProp(lr=0.003, alpha=0.9),
    ),
    "an optimizer by hand, by class": (ByHand, SGD),
    "an optimizer by hand, by function": (lambda params: ByHand(params, 0.003), SGD),
}


@pytest.mark.parametrize("how", RIGHT)
def test_a_right_rule_is_right_however_it_is_written(how):
    thing, reference = RIGHT[how]
    assert hint(thing, reference) == ""
    assert (hint(thing, replace(reference, lr=0.004)) == "") == (how in BY_NAME)


BY_NAME = [how for how in RIGHT if "by class" in how or "with lr" in how or "TensorFlow" in how]


# neither right nor a known mistake


def until(steps, then):
    """Momentum that is right for so many steps, and then moves by `then` times the right step."""

    class Rule:
        def init(self, params):
            return torch.zeros_like(params), 0

        def update(self, params, grads, state):
            v, t = 0.9 * state[0] + grads, state[1] + 1
            return params - 0.003 * v * (1 if t <= steps else then), (v, t)

    return Rule()


def test_a_rule_that_is_right_for_three_steps_is_told_where_it_goes_wrong():
    said = hint(until(3, 1.01), SGD)
    assert said == (
        "Step 4 is the first that is wrong. Look at what is kept from one step to the next, "
        "and at what is done with it."
    )
    assert hint(until(12, 1.01), SGD).startswith("Step 13 is the first that is wrong")  # only the bowl goes so far
    assert hint(until(100, 1.01), SGD) == ""


def test_a_known_mistake_and_something_else_are_told():
    class Rule:
        def init(self, params):
            return torch.zeros_like(params), 0

        def update(self, params, grads, state):
            v, t = 0.9 * state[0] + 0.1 * grads, state[1] + 1
            return params - 0.003 * v * (1 if t <= 3 else 2), (v, t)

    said = hint(Rule(), SGD)
    assert said.startswith("For the first 3 steps this is Momentum with an averaged velocity")
    assert "Then something else differs as well. Your first step is 0.1 times the right one." in said


def test_two_steps_alone_are_not_called_a_known_mistake():
    class Rule:
        def init(self, params):
            return torch.zeros_like(params), 0

        def update(self, params, grads, state):
            v, t = 0.9 * state[0] + 0.1 * grads, state[1] + 1
            return params - 0.003 * v * (1 if t <= 2 else 2), (v, t)

    assert hint(Rule(), SGD).startswith("From w = 1 with the gradient ")


@pytest.mark.parametrize(
    ("update", "said"),
    [
        (lambda w, g: w - 0.0006 * g, "Each of your steps is 0.2 times the right one."),
        (lambda w, g: w + 0.006 * g, "Each of your steps is -2 times the right one."),
        (lambda w, g: w - 0.003 * g[0], "Coordinate 1 is right, 2 and 3 are not: does each use its own gradient?"),
        (lambda w, g: w - 0.003 * torch.stack([g[1], *g[1:]]), "Coordinates 2 and 3 are right, 1 is not: does each"),
        (
            lambda w, g: w - 0.003 * torch.cat([g[:2], 0 * g[2:]]),
            "Coordinate 3 stays where it is: is it written for 2 only?",
        ),
        (lambda w, g: w - 0.003 * g * (g == g[0]), "Coordinates 2 and 3 stay where they are: is it written for 1"),
        (lambda w, g: w - 0.003 * g.roll(1), "the first step must lead to "),
        (lambda w, g: w - 0.003 * g.abs(), "Where a gradient is negative it goes wrong: is its size taken somewhere"),
        (lambda w, g: w - 0.003 * g.clamp(min=0), "Where a gradient is negative it goes wrong"),
        (lambda w, g: w + 0.003 * g.abs(), "Where a gradient is positive it goes wrong"),
        (lambda w, g: w, "Nothing moves: the new params are the old ones."),
        (lambda w, g: w / 0 * 0, "Step 1 is NaN (not a number): is 0 divided by 0, or the root of a negative"),
        (
            lambda w, g: w - 0.003 * g.sqrt() ** 2,
            "Step 1 is NaN (not a number): is 0 divided by 0, or the root of a neg",
        ),
        (lambda w, g: w - 0.003 * g.sign() / 0, "Step 1 is infinite: is something divided by zero?"),
        (lambda w, g: w - 0.003 * g * w / w, "Where a parameter is 0 it goes wrong. Step 1 is NaN (not a number)"),
        (lambda w, g: w - 0.003 * g**3 / g**2, "Where a gradient is zero it goes wrong. Step 1 is NaN (not a number)"),
        (
            lambda w, g: w - 0.003 * g - 1e-15 * (g == 0),
            "Where a gradient is zero it goes wrong. From w = 0 with the gr",
        ),
        (lambda w, g: w - 0.003 * g * (g.abs() > 1e-6), "Where gradients are tiny it goes wrong. Nothing moves"),
    ],
)
def test_steps_that_no_mistake_makes_are_measured(update, said):
    assert said in hint(update, GradientDescent(lr=0.003))
    assert "1 times" not in hint(update, GradientDescent(lr=0.003))


def test_the_first_step_is_told_with_its_numbers():
    said = hint(lambda w, g: w - 0.5 * g * g, GradientDescent(lr=0.1))
    gradient = problems(GradientDescent(lr=0.1))[0].gradients(None, 0)[0].item()
    assert said == (
        f"From w = 1 with the gradient {gradient:.3g} the first step must lead to {1 - 0.1 * gradient:.6g}; "
        f"yours leads to {1 - 0.5 * gradient**2:.6g}."
    )


def test_a_number_in_the_place_of_a_hyperparameter_is_told():
    def update(params, grads, velocity, lr, momentum=0.9):
        velocity = 0.9 * velocity + grads
        return params - lr * velocity, velocity

    said = hint(update, SGD)
    assert said == "With momentum=0.9 it is right, with momentum=0.45 it is not: is it written as a number?"
    assert hint(update, replace(SGD, momentum=0.8)) != said


@dataclass
class Fixed:
    lr: float = 0.1

    def init(self, params):
        return ()

    def update(self, params, grads, state):
        return params - 0.003 * grads, state


def test_a_class_that_ignores_a_hyperparameter_is_told_an_object_is_not():
    assert "With lr=0.003 it is right" in hint(Fixed, GradientDescent(lr=0.003))
    assert hint(Fixed(), GradientDescent(lr=0.003)) == ""


@pytest.mark.slow
def test_a_rule_that_keeps_something_outside_of_its_state_is_noticed():
    class Keeps:
        v = 0

        def init(self, params):
            return ()

        def update(self, params, grads, state):
            self.v = 0.9 * self.v + grads
            return params - 0.003 * self.v, state

    assert hint(Keeps(), SGD) == ""
    assert remembers(Keeps(), SGD)
    assert remembers(Keeps, SGD)
    assert not any(remembers(thing, reference) for thing, reference in RIGHT.values())
    assert not remembers(lambda w, g: w / 0 * 0, GradientDescent(lr=0.003))  # nan is as nan


def test_a_function_that_counts_its_steps_in_a_global_is_told_to_keep_them_in_the_state():
    count, right = iter(range(1, 1000)), adam()

    def update(params, grads, m, v, t):
        return right(params, grads, m, v, next(count) - 1, 0.003, 0.9, 0.999, 1e-8)

    assert hint(update, ADAM).startswith("A second descent with it would continue where the first one ended")


def test_the_learners_object_is_left_as_it_was():
    rule = OnSelf()
    rule.mark = "mine"
    hint(rule, ADAM)
    assert vars(rule) == {"mark": "mine"}


def test_a_comparison_has_both_ways_on_the_bowl():
    found = compare(Fixed(), GradientDescent(lr=0.1))
    assert found.hint == "Each of your steps is 0.03 times the right one."
    assert found.yours.shape == found.right.shape == (21, 2)
    assert torch.equal(found.yours[0], found.right[0])
    assert torch.allclose(found.right[1], found.right[0] * (1 - torch.tensor(CURVATURES, dtype=torch.float64)))


def test_a_mistake_that_the_author_lists_comes_before_the_known_ones():
    mistakes = {"Nothing at all.": Adam(lr=0.3), "No momentum, in my words.": GradientDescent(lr=0.05)}
    assert compare(GradientDescent(lr=0.05), Momentum(lr=0.05), mistakes).hint == "No momentum, in my words."
    assert compare(Momentum(lr=0.05), Momentum(lr=0.05), mistakes).hint == ""


@pytest.mark.parametrize("kind", [1.0, -1.0])
def test_of_a_rule_that_takes_signs_a_few_equal_steps_are_chance(kind):
    def update(params, grads, m, lr, beta1, beta2):
        direction = (beta1 * m + (1 - beta1) * grads).sign()
        return params - lr * direction, beta2 * m + (1 - beta2) * grads.sign() * kind

    said = hint(update, optimizers.Lion(lr=0.1))
    assert "For the first" not in said
    assert said


def test_betas_are_no_other_name_and_a_rate_is():
    class Given:
        def __init__(self, rate, betas, eps):
            self.rate = rate

        def init(self, params):
            return ()

        def update(self, params, grads, state):
            return params, state

    assert check(Given, Adam()) == "__init__ is given lr by its name, and yours takes rate: call it lr."


def check(thing, reference):
    return exercises.check_rule(thing, reference).hint
