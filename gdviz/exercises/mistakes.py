"""Rules that are wrong in a known way. A mistake is a line of the formula, changed.

So the wrong rule is made from the source of the right one, and a row of the table of known_mistakes.
"""

import inspect
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from typing import Any, NamedTuple

from gdviz import optimizers
from gdviz.exercises.known_mistakes import MISTAKES, Mistake
from gdviz.exercises.since_adam_mistakes import SINCE_ADAM
from gdviz.optimizers import Rule
from gdviz.optimizers.rule import is_for_matrices

__all__ = ["MISTAKES", "Mistake", "Variant", "mistaken", "suspect", "variants"]


class Variant(NamedTuple):
    """A known mistake in a rule: the phrase that completes "This is ...", the rule that makes it, and its key."""

    phrase: str
    rule: Rule
    key: str


def variants(rule: Any) -> Iterator[Variant]:
    """Each known mistake in a rule of gdviz, with a key such as "Adam: t-stays-one".

    First those of the table, in its order, then the other rules with the same hyperparameters. A rule that is not in
    the table has only the latter.
    """
    name = type(rule).__name__
    for mistake in MISTAKES.get(name, []):
        yield Variant(mistake.of(name), mistaken(rule, mistake), f"{name}: {mistake.key}")
    numbers = {field.name: getattr(rule, field.name) for field in fields(rule)}
    if name == "RMSProp":
        correction = optimizers.Adam(rule.lr, beta1=0.0, beta2=rule.alpha, eps=rule.eps)
        yield Variant("RMSProp with a bias correction, which is Adam's", correction, "RMSProp: bias-correction")
    for other in OTHERS:
        if other.__name__ != name and (is_for_matrices(rule) or not is_for_matrices(other)):
            known = {field.name: numbers[field.name] for field in fields(other) if field.name in numbers}
            yield Variant(other.__name__, other(**known), f"{name}: is {other.__name__}")


OTHERS = [
    getattr(optimizers, name) for name in (*MISTAKES, "Adadelta") if name not in SINCE_ADAM
]  # what a learner may take for it


def mistaken(rule: Any, mistake: Mistake) -> Rule:
    """The rule with this mistake in its `init` or `update`, and the same hyperparameters."""
    wrong = _wrong(type(rule), tuple(mistake.changes.items()))
    return wrong(**{field.name: getattr(rule, field.name) for field in fields(rule)})


SUSPECTS = {  # the rule that each claims to be, and its mistake
    "A": ("Adam", "t-stays-one"),
    "B": ("Momentum", "averaged-velocity"),
    "C": ("Adam", "multiplies"),
    "D": ("AdamW", "l2"),
}


def suspect(letter: str, **hyperparameters: Any) -> Rule:
    """An optimizer of gdviz with one mistake of the table planted in its formula, to be found in notebook 07.

    Args:
        letter: "A" and "C" claim to be Adam, "B" Momentum, "D" AdamW.
        hyperparameters: those of that rule, which may be swept.

    Returns:
        The rule. check_rule(suspect("A"), Adam()) says which mistake it is.

    Raises:
        ValueError: an unknown letter.

    Example:
        >>> type(suspect("B", lr=0.1)).__name__
        'Momentum'
    """
    if letter not in SUSPECTS:
        raise ValueError(f"the suspects are {', '.join(SUSPECTS)}; got {letter!r}")
    name, key = SUSPECTS[letter]
    mistake = next(mistake for mistake in MISTAKES[name] if mistake.key == key)
    return mistaken(getattr(optimizers, name)(**hyperparameters), mistake)


@cache
def _wrong(kind: type, changes: tuple[tuple[str, str], ...]) -> type:
    sources = [textwrap.dedent(inspect.getsource(method)) for method in (kind.init, kind.update)]
    for old, new in changes:
        if not any(old in source for source in sources):
            raise LookupError(f"the source of {kind.__name__} has no {old!r}")
        sources = [source.replace(old, new) for source in sources]
    made: dict[str, Any] = {}
    exec("\n".join(sources), vars(sys.modules[kind.__module__]), made)  # the source is our own
    return type(kind.__name__, (kind,), made)
