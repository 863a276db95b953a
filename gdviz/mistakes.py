"""Known mistakes in update rules. A mistake is a line of the formula, changed.

So each row of the table is what was changed, and the sentence for it; the wrong rule is made from the source of the
right one. Sources: published tutorials and courses; each is a kind of mistake that several of them have made.
"""

import inspect
import textwrap
from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from typing import Any, NamedTuple

from gdviz import optimizers
from gdviz.optimizers import Rule


class Mistake(NamedTuple):
    """phrase completes "the steps of Adam ..."; changes: parts of the source of `update`, old -> new."""

    phrase: str
    changes: dict[str, str]


def _step(old: str) -> list[Mistake]:
    """What goes wrong with the step of any rule; old: how it begins, "params - self.lr"."""
    uphill, squared = old.replace(" - ", " + "), old + " * self.lr"
    return [
        Mistake("with a plus where the minus belongs: a step goes against the gradient", {old + " *": uphill + " *"}),
        Mistake("without the learning rate: it multiplies the step", {old + " * ": old.replace("self.lr", "")}),
        Mistake("with the learning rate multiplied in twice", {old + " *": squared + " *"}),
    ]


def _forgets(line: str, what: str) -> Mistake:
    return Mistake(f"that always begins anew: return the new {what}, so that the next step gets it", {line: "state"})


VELOCITY = "self.momentum * state.velocity + grads"
VELOCITIES = [
    Mistake(
        "with an averaged velocity, momentum * v + (1 - momentum) * g: here the gradient enters whole",
        {VELOCITY: "self.momentum * state.velocity + (1 - self.momentum) * grads"},
    ),
    Mistake(
        "with momentum and 1 - momentum exchanged in the velocity",
        {VELOCITY: "(1 - self.momentum) * state.velocity + self.momentum * grads"},
    ),
    Mistake("with a velocity that nothing slows down: momentum * v", {VELOCITY: "state.velocity + grads"}),
    Mistake(
        "with momentum on the gradient as well: momentum * v + g, not momentum * (v + g)",
        {VELOCITY: "self.momentum * (state.velocity + grads)"},
    ),
    Mistake(
        "with momentum on the gradient and not on the velocity: momentum * v + g",
        {VELOCITY: "state.velocity + self.momentum * grads"},
    ),
    _forgets("Velocity(velocity)", "velocity"),
]

ROOT = "(G.sqrt() + self.eps)"
V = "self.alpha * state.v + (1 - self.alpha) * grads**2"


def _root(name: str, mean: str = "v") -> list[Mistake]:
    """What goes wrong under the fraction line of a rule that divides by name.sqrt() + eps."""
    root = f"({name}.sqrt() + self.eps)"
    return [
        Mistake("without the root: divide by the root of the mean of squares", {root: f"({name} + self.eps)"}),
        Mistake("with eps inside the root; here it is added outside", {root: f"({name} + self.eps).sqrt()"}),
        Mistake(
            "without eps under the fraction line: where the gradient is zero it is 0 / 0", {root: f"{name}.sqrt()"}
        ),
    ]


M_HAT, V_HAT = "m / (1 - self.beta1**t)", "v / (1 - self.beta2**t)"
M, SQUARE = "(1 - self.beta1) * grads", "(1 - self.beta2) * grads**2"
MOMENTS = [
    Mistake(
        "that multiplies by 1 - beta^t where the paper divides",
        {M_HAT: "m * (1 - self.beta1**t)", V_HAT: "v * (1 - self.beta2**t)"},
    ),
    Mistake("that multiplies m by 1 - beta1^t where the paper divides", {M_HAT: "m * (1 - self.beta1**t)"}),
    Mistake("that multiplies v by 1 - beta2^t where the paper divides", {V_HAT: "v * (1 - self.beta2**t)"}),
    Mistake("without bias correction: m and v begin at zero, and 1 - beta^t undoes it", {M_HAT: "m", V_HAT: "v"}),
    Mistake("with m where m_hat is meant: its bias is not corrected", {M_HAT: "m"}),
    Mistake("with sqrt(v) where sqrt(v_hat) is meant: its bias is not corrected", {V_HAT: "v"}),
    Mistake("whose step counter t stays at 1: count each step", {"state.t + 1": "state.t * 0 + 1"}),
    Mistake("whose step counter t stays at 0, so that it divides by 0", {"state.t + 1": "state.t"}),
    Mistake("that counts its steps from 2: the first is t = 1", {"state.t + 1": "state.t + 1 + (state.t == 0)"}),
    Mistake("that counts each step twice", {"state.t + 1": "state.t + 2"}),
    Mistake("with beta * t where beta to the power of t is meant", {"beta1**t": "beta1 * t", "beta2**t": "beta2 * t"}),
    Mistake(
        "with beta1 and beta2 exchanged",
        {"self.beta1": "self.BETA", "self.beta2": "self.beta1", "self.BETA": "self.beta2"},
    ),
    Mistake("with the whole gradient in m: (1 - beta1) * g", {M: "grads"}),
    Mistake("with the whole square in v: (1 - beta2) * g^2", {SQUARE: "grads**2"}),
    Mistake("with the gradient in v where its square belongs", {SQUARE: "(1 - self.beta2) * grads"}),
    Mistake("with the square of m in v; it is the square of the gradient", {SQUARE: "(1 - self.beta2) * m**2"}),
    Mistake(
        "that keeps the corrected m_hat and v_hat for the next step: keep m and v",
        {"Moments(m, v": "Moments(m_hat, v_hat"},
    ),
    _forgets("Moments(m, v, t)", "m, v and t"),
    *_root("v_hat"),
]
DECAYED = "(1 - self.lr * self.weight_decay) * params"
TAIL = "return decayed - self.lr * m_hat / (v_hat.sqrt() + self.eps)"

MISTAKES: dict[str, list[Mistake]] = {
    "GradientDescent": [
        *_step("params - self.lr"),
        Mistake("with a gradient of length 1: its size counts, too", {"* grads": "* grads / grads.norm()"}),
        Mistake("with the sign of the gradient alone: its size counts, too", {"* grads": "* grads.sign()"}),
        Mistake("with one number for all coordinates: each has its own slope", {"* grads": "* grads.sum()"}),
        Mistake("with the mean slope for all coordinates: each has its own", {"* grads": "* grads.mean()"}),
        Mistake("that returns the step in place of the place: params - lr * g", {"params - self.lr": "-self.lr"}),
    ],
    "Momentum": [
        *VELOCITIES,
        *_step("params - self.lr"),
        Mistake("with the velocity of the step before", {"self.lr * velocity": "self.lr * state.velocity"}),
    ],
    "Nesterov": [
        *VELOCITIES,
        *_step("params - self.lr"),
        Mistake(
            "with the old velocity: look ahead with the new one",
            {"self.momentum * velocity)": "self.momentum * state.velocity)"},
        ),
        Mistake(
            "with the whole velocity on top of the gradient: g + momentum * v",
            {"self.momentum * velocity)": "velocity)"},
        ),
        Mistake(
            "without the gradient in the step: g + momentum * v",
            {"(grads + self.momentum * velocity)": "self.momentum * velocity"},
        ),
    ],
    "AdaGrad": [
        *_step("params - self.lr"),
        *_root("G"),
        Mistake("that adds up gradients and not their squares", {"grads**2": "grads"}),
        Mistake("that adds up the sizes of the gradients and not their squares", {"grads**2": "grads.abs()"}),
        Mistake("with one sum of squares for all coordinates: each has its own", {"grads**2": "(grads**2).sum()"}),
        Mistake("that divides by the sum before this gradient is in it", {ROOT: "(state.G.sqrt() + self.eps)"}),
        _forgets("SquaredSum(G)", "sum G"),
    ],
    "RMSProp": [
        *_step("params - self.lr"),
        *_root("v"),
        Mistake("with alpha and 1 - alpha exchanged", {V: "(1 - self.alpha) * state.v + self.alpha * grads**2"}),
        Mistake("with the whole square in v: (1 - alpha) * g^2", {V: "self.alpha * state.v + grads**2"}),
        Mistake(
            "with the gradient in v where its square belongs", {V: "self.alpha * state.v + (1 - self.alpha) * grads"}
        ),
        Mistake("that divides by the mean before this gradient is in it", {"(v.sqrt()": "(state.v.sqrt()"}),
        _forgets("SquaredMean(v)", "mean v"),
    ],
    "Adam": [*_step("params - self.lr"), *MOMENTS],
    "AdamW": [
        *_step("decayed - self.lr"),
        Mistake(
            "with the decay in the gradient: that is Adam with an L2 penalty, and m and v swallow it",
            {"t = state.t + 1": "t = state.t + 1; grads = grads + self.weight_decay * params", DECAYED: "params"},
        ),
        Mistake("without the decay: weights shrink by lr * weight_decay of themselves", {DECAYED: "params"}),
        Mistake("whose decay lacks the learning rate", {"self.lr * self.weight_decay": "self.weight_decay"}),
        Mistake("with a plus in the decay: weights grow", {"(1 - self.lr * self.w": "(1 + self.lr * self.w"}),
        Mistake(
            "that decays after the step, and so the step as well",
            {
                DECAYED: "params",
                TAIL: "return (1 - self.lr * self.weight_decay) * (" + TAIL.removeprefix("return ") + ")",
            },
        ),
        *MOMENTS,
    ],
}


def variants(rule: Rule) -> Iterator[tuple[str, Rule]]:
    """Of a rule of gdviz each known mistake: the phrase that completes "the steps of ...", and the rule that makes it.

    First those of the table, in its order, then the other rules with the same hyperparameters. A rule that is not in
    the table has only these.
    """
    name = type(rule).__name__
    for mistake in MISTAKES.get(name, []):
        yield f"{name} {mistake.phrase}", mistaken(rule, mistake)
    numbers = {field.name: getattr(rule, field.name) for field in fields(rule)}
    if name == "RMSProp":
        correction = optimizers.Adam(rule.lr, beta1=0.0, beta2=rule.alpha, eps=rule.eps)
        yield "RMSProp with a bias correction, which is Adam's", correction
    for other in OTHERS:
        if other.__name__ != name:
            known = {field.name: numbers[field.name] for field in fields(other) if field.name in numbers}
            yield other.__name__, other(**known)


OTHERS = [getattr(optimizers, name) for name in (*MISTAKES, "Adadelta", "AMSGrad")]


def mistaken(rule: Rule, mistake: Mistake) -> Rule:
    """The rule with this mistake made in its `update`, and the same hyperparameters."""
    wrong = _wrong(type(rule), tuple(mistake.changes.items()))
    return wrong(**{field.name: getattr(rule, field.name) for field in fields(rule)})


SUSPECTS = {"A": ("Adam", 9), "B": ("Momentum", 0), "C": ("Adam", 3), "D": ("AdamW", 3)}  # rows of the table


def suspect(letter: str, **hyperparameters: Any) -> Rule:
    """An optimizer of gdviz with one mistake of the table planted in its formula: to be found out in notebook 07.

    letter: "A" and "C" claim to be Adam, "B" Momentum, "D" AdamW; hyperparameters: those of that rule, which may be
    swept. `check_rule(suspect("A"), Adam())` says which mistake it is. Refused: another letter.
    """
    if letter not in SUSPECTS:
        raise ValueError(f"the suspects are {', '.join(SUSPECTS)}; got {letter!r}")
    name, row = SUSPECTS[letter]
    return mistaken(getattr(optimizers, name)(**hyperparameters), MISTAKES[name][row])


@cache
def _wrong(kind: type, changes: tuple[tuple[str, str], ...]) -> type:
    source = textwrap.dedent(inspect.getsource(kind.update))
    for old, new in changes:
        if old not in source:
            raise LookupError(f"the source of {kind.__name__}.update has no {old!r}")
        source = source.replace(old, new)
    made: dict[str, Any] = {}
    exec(source, vars(optimizers), made)  # the source is our own
    return type(kind.__name__, (kind,), made)
