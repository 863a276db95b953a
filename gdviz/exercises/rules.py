"""Compare a learner's update rule with the right one, and with all known mistakes, by the steps that they take."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from numbers import Number
from typing import Any

import torch
from torch import Tensor

from gdviz.exercises import keys
from gdviz.exercises.diagnosis import diagnosed, no_number
from gdviz.exercises.mistakes import variants
from gdviz.exercises.page import on_copies, read_for_another, read_from_the_page
from gdviz.exercises.sandbox import Blank, Trouble
from gdviz.exercises.walks import (
    FromFunction,
    Problem,
    agree,
    as_rule,
    hyperparameters,
    is_rule,
    misnamed,
    named,
    problems,
    walk,
    walk_on,
    way,
)
from gdviz.optimizers import Rule

_KEPT: dict[Any, list[tuple[str, Callable[[int], Tensor], str]]] = {}
AGAIN = "A second descent with it would continue where the first one ended: keep everything in the state."


@dataclass(frozen=True, eq=False)
class Comparison:
    """hint: "" where the learner's rule is right. yours, right: their ways (steps + 1, 2) on the bowl.

    key: of the mistake, where it is a known one.
    """

    hint: str
    yours: Tensor
    right: Tensor
    key: str = ""


def compare(thing: Any, reference: Rule, mistakes: Mapping[str, Rule] | None = None) -> Comparison:
    """Walk through all problems with the learner's thing and with the reference.

    thing: a rule; a class of rules; a function (params, grads, *state) -> (params, *state); a function or class that
    makes a torch.optim.Optimizer of parameters. Classes and functions get the reference's hyperparameters by name.
    mistakes: hint -> the rule that makes this mistake; they come before the known ones.
    Raises Blank, and Trouble where the thing does not run; and whatever its own code raises.
    """
    tried = problems(reference)
    right = [way(reference)(*problem) for problem in tried]
    try:
        yours = [walk(thing, reference)(*problem) for problem in tried]
    except Exception as error:
        if isinstance(error, Trouble | Blank) or not (said := _of_the_page(thing, reference)):
            raise
        raise Trouble(said) from error
    done, key = [agree(*pair) for pair in zip(yours, right)], ""
    if all(n == problem.steps for n, problem in zip(done, tried)):
        hint = _hard_coded(thing, reference, tried) or _taken_from_the_page(thing, reference)
    elif not (hint := _of_the_page(thing, reference)):
        hint, key = _listed(yours, mistakes or {}, tried)
        hint, key = (hint, key) if hint else _known(yours, right, reference, tried, min(done))
        hint = hint or _renamed(thing, reference) or _unknown(thing, reference, tried, yours, right)
    return Comparison(hint, yours[-1], right[-1], key)


def remembers(thing: Any, reference: Rule) -> bool:
    """Whether a second walk with the same rule differs from the first: it keeps something outside of its state."""
    problem, take = problems(reference)[0], walk_on(thing, reference)
    with on_copies(thing):
        return not torch.allclose(take(*problem), take(*problem), equal_nan=True)


def _listed(yours: list[Tensor], mistakes: Mapping[str, Rule], tried: list[Problem]) -> tuple[str, str]:
    """The hint of the first of these mistakes whose steps these are, and its key."""
    for hint, wrong in mistakes.items():
        ways = (way(wrong)(*problem) for problem in tried)
        if all(agree(one, way) == problem.steps for one, way, problem in zip(yours, ways, tried)):
            return keys.split(hint)
    return "", ""


def _known(
    yours: list[Tensor], right: list[Tensor], reference: Rule, tried: list[Problem], known: int
) -> tuple[str, str]:
    """The mistakes that take exactly these steps, and the key of the first.

    Where there are none: the one that takes the most of them, if three or more and more than the right rule.
    """
    exact, keyed, best, first, key = [], [], max(2, known), "", ""
    sizes = right[0].diff(dim=0).abs()
    signs = bool(torch.isclose(sizes, sizes[0, 0]).all())  # then a few equal steps are chance
    for phrase, ways, its_key in _walked(reference):
        if agree(yours[0], ways(0)) <= best:
            continue
        done = [agree(one, ways(k)) for k, one in enumerate(yours)]
        if all(n == problem.steps for n, problem in zip(done, tried)):
            exact.append(phrase)
            keyed.append(its_key)
        if min(done) > best and (not signs or all(2 * n >= problem.steps for n, problem in zip(done, tried))):
            best, first, key = min(done), phrase, its_key
    size = _first_step(yours[0], right[0])
    if exact and bool(yours[0][1:].isnan().all()):  # so is every other way that is not a number
        return f"{no_number(yours[0][1], 1)} Perhaps this is {', or '.join(exact)}.", keyed[0]
    if exact:
        also = f" Or it is {', or '.join(exact[1:])}: its steps are the same." if exact[1:] else ""
        return f"This is {exact[0]}.{also}{size}", keyed[0]
    then = f"For the first {best} steps this is {first}. Then something else differs as well.{size}"
    return (then, key) if first else ("", "")


def _walked(reference: Rule) -> list[tuple[str, Callable[[int], Tensor], str]]:
    """Of each known mistake its phrase, the places it goes through in a problem, walked when first asked for, its key.

    They depend on the kind of the reference and its numbers alone, and are kept: a check is run again and again.
    """
    numbers = tuple(hyperparameters(reference).items())
    kind = (type(reference), numbers) if all(isinstance(value, Number) for _, value in numbers) else None
    if kind in _KEPT:
        return _KEPT[kind]
    tried = problems(reference)

    def ways(wrong: Rule) -> Callable[[int], Tensor]:
        return cache(lambda k: way(wrong)(*tried[k]))

    walked = [(phrase, ways(wrong), key) for phrase, wrong, key in variants(reference)]
    if kind:
        while len(_KEPT) >= 16:
            _KEPT.pop(next(iter(_KEPT)))
        _KEPT[kind] = walked
    return walked


def _unknown(thing: Any, reference: Rule, tried: list[Problem], yours: list[Tensor], right: list[Tensor]) -> str:
    """What is wrong with the steps; and whether something is kept outside of the state, which may be all that is."""
    keeps = remembers(thing, reference)
    if keeps and agree(yours[0], right[0]) == tried[0].steps:
        return AGAIN
    said = diagnosed(thing, reference, tried, yours, right)
    return f"{said} {AGAIN}" if keeps else said


def _first_step(yours: Tensor, right: Tensor) -> str:
    """How long the first step is, where all coordinates agree on it."""
    ratio = (yours[1] - yours[0]) / (right[1] - right[0])
    times = float(ratio[0]) if bool(torch.isclose(ratio, ratio[0], rtol=1e-3).all()) else 0.0
    told = times and abs(times - 1) > 1e-3
    return f" Your first step is {times:.3g} times the right one." if told else ""


def _hard_coded(thing: Any, reference: Any, tried: list[Problem]) -> str:
    """Whether a class or function that is right has a number where a hyperparameter belongs."""
    if is_rule(thing) and not isinstance(thing, type):
        return ""
    for name, value in hyperparameters(reference).items():
        counts = isinstance(getattr(type(reference), name, None), int)  # ns_steps, nesterov
        if counts or name not in named(thing) or not isinstance(value, Number):
            continue
        half: Any = value / 2  # pyright: ignore[reportOperatorIssue]  a real number
        other = replace(reference, **{name: half})
        ways = [(walk(thing, other)(*problem), way(other)(*problem)) for problem in tried]
        if any(agree(*pair) < problem.steps for pair, problem in zip(ways, tried)):
            said = f"With {name}={value:g} it is right, with {name}={half:g} it is not: is it written as a number?"
            return _of_the_page(thing, other) or said
    return ""


def _of_the_page(thing: Any, reference: Rule) -> str:
    """Whether one of its numbers is read from the page, where another one has that name."""
    rule = as_rule(thing, reference)
    if rule is None or isinstance(rule, FromFunction):
        return read_from_the_page(thing, hyperparameters(reference))
    return read_from_the_page(rule, hyperparameters(reference) | getattr(rule, "__dict__", {}))


def _taken_from_the_page(thing: Any, reference: Rule) -> str:
    """Whether a class or function that is right has only found a hyperparameter on the page, which may change."""
    rule = as_rule(thing, reference)
    if rule is None or rule is thing or is_rule(thing):
        return ""
    own = thing if isinstance(rule, FromFunction) else rule
    return read_from_the_page(own, dict.fromkeys(hyperparameters(reference)))


def _renamed(thing: Any, reference: Rule) -> str:
    """Whether a hyperparameter has another name in a class or function, or on the page from which it is read."""
    if is_rule(thing) or not (isinstance(thing, type) or inspect.isfunction(thing)):
        return ""
    if as_rule(thing, reference) is None:
        return ""
    return misnamed(thing, reference) or read_for_another(thing, named(thing))
