"""Checks that recognise a mistake by what it does, and say it kindly.

A check runs the learner's work on a few problems and compares what comes out with the right result and with those of
known mistakes; it does not read the code. Whatever the learner has left in the cell (nothing, three dots, text, code
that raises, never ends, or eats the memory), the answer is a Feedback, and nothing is raised. Pass `my.name` in the
place of `name`, and a name that does not exist is no error either. For nbgrader: `assert check_rule(...).correct`.
"""

import copy
import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from numbers import Number
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gdviz import rule_checks
from gdviz.check_pictures import two_ways
from gdviz.descent import gradient
from gdviz.feedback import Feedback, attempt, my
from gdviz.guard import Blank, Trouble, fits, short
from gdviz.optimizers import Rule
from gdviz.predictions import predict, predict_by_click, revisit
from gdviz.surface_check import check_surface

__all__ = [
    "Feedback",
    "check_choice",
    "check_function",
    "check_gradient",
    "check_number",
    "check_outcome",
    "check_rule",
]
__all__ += ["check_surface", "my", "predict", "predict_by_click", "revisit"]


def check_rule(rule: Any, reference: Rule, *, mistakes: Mapping[str, Rule] | None = None) -> Feedback:
    """Whether a rule takes the steps of the reference; else which known mistake takes the learner's steps.

    rule: an object with init and update; a class of such; a function (params, grads, *state) -> (params, *state), where
    state are the reference's fields, one by one; or a function of the parameters (or a class) that makes a
    torch.optim.Optimizer. Classes and functions get the reference's hyperparameters by their names. A right rule may
    keep another state and compute in another order: only the places are compared, to a millionth of the way.
    reference: a rule of gdviz, each hyperparameter one number, such as Adam(lr=0.1).
    mistakes: hint -> the rule that makes this mistake; they come before the known ones of gdviz.mistakes.
    The picture has both ways on a bowl. The mistakes: gdviz.mistakes.
    """
    if not rule_checks.is_rule(reference) or isinstance(reference, type):
        raise TypeError(f"reference must be a rule such as Adam(lr=0.1), got {reference!r}")

    def work() -> Feedback:
        found = rule_checks.compare(rule, reference, mistakes)
        picture = two_ways(found, reference)
        if found.hint:
            return Feedback(False, found.hint, picture=picture)
        return Feedback(True, rule_checks.AGAIN if rule_checks.remembers(rule, reference) else "", picture=picture)

    return attempt(work, rule)


def check_number(
    number: Any,
    right: float,
    *,
    tolerance: float = 1e-3,
    unit: str = "",
    mistakes: Mapping[str, float] | None = None,
) -> Feedback:
    """Whether a number is right, to a share `tolerance` of it (0: exactly).

    unit: in which it is asked, for the hint. mistakes: hint -> the number to which the mistake leads.
    """
    expected = float(right)

    def near(value: float, other: float, within: float = tolerance) -> bool:
        return abs(value - other) <= max(within * abs(other), 1e-12)

    def work() -> Feedback:
        value = _one_number(number, unit)
        if near(value, expected):
            return Feedback(True)
        for hint, wrong in (mistakes or {}).items():
            if near(value, float(wrong)):
                return Feedback(False, hint)
        said = f" It is asked in {unit}." if unit else ""
        if near(value, expected, 10 * tolerance) and tolerance:
            return Feedback(False, "Almost. Give one or two digits more: compute it here, in place of rounding." + said)
        if near(value, -expected):
            return Feedback(False, "The size is right, the sign is not.")
        if expected and value and near(1 / value, expected):
            return Feedback(False, "Turned upside down: it is 1 over yours.")
        both = value and expected and (value > 0) == (expected > 0)
        power = math.log10(abs(value)) - math.log10(abs(expected)) if both else 0.0
        if 0.5 < abs(power) < 6.5 and near(10.0 ** round(power), 10.0**power):
            times = f"1{'0' * abs(round(power))} times too {'large' if power > 0 else 'small'}"
            return Feedback(False, f"It is {times}: is the unit another one, or a per cent meant?{said}")
        return Feedback(False, f"It is too {'large' if value > expected else 'small'}.{said}")

    return attempt(work, number)


def check_choice(
    choice: Any, right: str, choices: Sequence[str], *, mistakes: Mapping[str, str] | None = None
) -> Feedback:
    """Whether a word is the right one of the choices; case and spaces around it do not count.

    mistakes: choice -> why it is not this one.
    """
    if right not in choices:
        raise ValueError(f"right must be one of the choices {list(choices)}, got {right!r}")

    def work() -> Feedback:
        known = {word.strip().lower(): word for word in choices}
        chosen = known.get(choice.strip().lower()) if isinstance(choice, str) else None
        if chosen is None:
            words = ", ".join(f'"{word}"' for word in choices)
            raise Trouble(f"Choose one of {words}, with its quotation marks; you have {short(repr(choice), 40)}.")
        hint = (mistakes or {}).get(chosen, "It is another one.")
        return Feedback(chosen == right, "" if chosen == right else hint)

    return attempt(work, choice)


def check_function(
    function: Any,
    reference: Callable,
    at: Sequence[tuple],
    *,
    tolerance: float = 1e-6,
    mistakes: Mapping[str, Callable] | None = None,
) -> Feedback:
    """Whether a function returns, for each tuple of arguments of `at`, what the reference returns.

    It may return a number, a tensor, or a tuple of these, of the shapes of the reference's. tolerance: relative to the
    largest number. mistakes: hint -> the function that makes this mistake.
    """

    right = [_numbers(reference(*args)) for args in at]
    wrong = {hint: [_numbers(other(*args)) for args in at] for hint, other in (mistakes or {}).items()}

    def work() -> Feedback:
        yours = [_returned(function, args) for args in at]
        for one, other in zip(yours, right):
            _same_shape(one, other)
        return Feedback(*_judged(yours, right, at, tolerance, wrong))

    return attempt(work, function)


def check_gradient(
    function: Any,
    loss: Callable[[Tensor], Tensor],
    at: Sequence[Sequence[float]],
    *,
    extra: tuple = (),
    mistakes: Mapping[str, Callable[[Tensor], Tensor]] | None = None,
) -> Feedback:
    """Whether a function returns the gradient of the loss, dL/dw_i, at each point of `at`.

    function: takes the point as one tensor (d,), or its d coordinates one by one, then `extra`; returns d numbers, as a
    tensor or one by one. loss: (..., d) -> (...), as for minimize; torch differentiates it.
    mistakes: hint -> the loss whose gradient this mistake computes.
    """
    points = [torch.as_tensor(point, dtype=torch.float64) for point in at]
    right = [[gradient(loss, point)] for point in points]
    wrong = {hint: [[gradient(other, point)] for point in points] for hint, other in (mistakes or {}).items()}
    wrong |= {
        "That is the gradient of half the loss: carry the 2 of the square.": [[g[0] / 2] for g in right],
        "The coordinates have changed places.": [[g[0].flip(0)] for g in right],
    }

    def call(point: Tensor) -> list[Tensor]:
        whole = (point, *extra)
        return _returned(function, whole if fits(function, whole) else (*point.tolist(), *extra))

    def work() -> Feedback:
        yours = [_flat(call(point), len(point)) for point in points]
        correct, hint = _judged(yours, right, at, 1e-6, wrong)
        if not correct and _judged(yours, right, at, 1e-3, {})[0]:
            hint = "Right to some digits only: by differences over a step that is too small, or too large? Derive it."
        return Feedback(correct, hint)

    return attempt(work, function)


def check_outcome(thing: Any, run: Callable[[Any], Any], wanted: Mapping[str, Callable[[Any], bool]]) -> Feedback:
    """Whether what run(thing) returns has each of the wanted properties: hint -> a function of it that should hold.

    The first that does not hold is the hint, in which {} stands for the outcome: "{:.1f} above the minimum", and
    {0.name} for a part of it. An outcome of three dots is "not attempted yet".
    """

    def work() -> Feedback:
        outcome = run(thing)
        if outcome is ...:
            raise Blank
        hint = next((hint for hint, holds in wanted.items() if not holds(outcome)), "")
        return Feedback(not hint, hint.format(outcome))

    return attempt(work, thing)


def _one_number(number: Any, unit: str) -> float:
    said = f" (in {unit})" if unit else ""
    if isinstance(number, str):
        raise Trouble(
            f"Write the number alone{said}, without quotation marks; you have text, {short(repr(number), 40)}."
        )
    if isinstance(number, Tensor | np.ndarray | np.generic) and math.prod(number.shape) == 1:
        number = number.item()
    if isinstance(number, Tensor | np.ndarray):
        raise Trouble(f"One number is asked{said}; yours has the shape {tuple(number.shape)}.")
    if isinstance(number, bool) or not isinstance(number, Number) or isinstance(number, complex):
        raise Trouble(f"One number is asked{said}; yours is {short(repr(number), 40)} ({type(number).__name__}).")
    try:
        value = float(number)
    except OverflowError:
        value = math.inf
    if not math.isfinite(value):
        raise Trouble(f"A finite number is asked{said}; yours is {value}.")
    return value


def _returned(function: Any, args: tuple) -> list[Tensor]:
    """What a learner's function returns for these arguments, as tensors."""
    if not callable(function):
        raise Trouble(
            f"It must be a function (def ...); yours is {short(repr(function), 40)} ({type(function).__name__})."
        )
    if not fits(function, args):
        count = "one argument" if len(args) == 1 else f"{len(args)} arguments"
        raise Trouble(f"It is called with {count}, and yours takes {inspect.signature(function)}.")
    given = copy.deepcopy(args)
    value = function(*given)
    for before, after in zip(args, given):
        if isinstance(before, Tensor | np.ndarray) and not np.array_equal(before, after):
            raise Trouble("It changes its arguments in place; leave them as they are, and return something new.")
    return _numbers(value)


def _numbers(value: Any) -> list[Tensor]:
    """A number, a tensor or several of them as float64 tensors."""
    parts = list(value) if isinstance(value, tuple | list) else [value]
    if any(part is ... for part in parts):
        raise Blank
    if any(part is None for part in parts) or not parts:
        raise Trouble("It returns nothing (None): is there a `return`?")
    for part in parts:
        if not isinstance(part, Tensor | np.ndarray | np.generic | Number):
            raise Trouble(f"It must return numbers; yours returns {short(repr(part), 40)} ({type(part).__name__}).")
    tensors = [torch.as_tensor(part).detach() for part in parts]
    if any(tensor.is_complex() for tensor in tensors):
        raise Trouble("It must return real numbers; yours are complex.")
    return [tensor.double() for tensor in tensors]


def _flat(parts: list[Tensor], d: int) -> list[Tensor]:
    """d numbers, as one tensor (d,)."""
    single = all(part.ndim == 0 for part in parts)
    numbers = torch.stack(parts) if single else parts[0] if len(parts) == 1 else None
    shapes = ", ".join(str(tuple(part.shape)) for part in parts)
    if numbers is None or numbers.shape != (d,):
        mean = " A mean or a sum over the examples is missing." if any(part.numel() > d for part in parts) else ""
        raise Trouble(f"The gradient has {d} numbers, one for each parameter; yours has the shape {shapes}.{mean}")
    return [numbers]


def _same_shape(yours: list[Tensor], right: list[Tensor]) -> None:
    shapes = [[tuple(part.shape) for part in parts] for parts in (yours, right)]
    if shapes[0] == shapes[1]:
        return
    if len(yours) != len(right):
        wanted = "one thing" if len(right) == 1 else f"{len(right)} things"
        raise Trouble(f"It must return {wanted}; yours returns {len(yours)}.")
    one, other = next(pair for pair in zip(*shapes) if pair[0] != pair[1])
    wanted = f"the shape {other}" if other else "one number"
    raise Trouble(f"It must return {wanted}; yours has the shape {one}. Over which axis is to be summed or averaged?")


def _judged(
    yours: list, right: list, at: Sequence[tuple], tolerance: float, wrong: Mapping[str, list]
) -> tuple[bool, str]:
    """Whether all agree; else the hint of the mistake that agrees with all, or what can be measured."""

    def agree(ones: list, others: list) -> bool:
        return all(_close(*pair, tolerance) for pair in zip(_all(ones), _all(others)))

    if agree(yours, right):
        return True, ""
    for hint, values in wrong.items():
        shapes = [part.shape for part in _all(values)] == [part.shape for part in _all(yours)]
        if shapes and agree(yours, values):
            return False, hint
    one, other = (torch.cat([part.flatten() for part in _all(parts)]) for parts in (yours, right))
    if not bool(torch.isfinite(one).all()):
        return False, "It gives something that is not a finite number: a division by zero, or an overflow?"
    ratio = (one / other)[other.abs() > 1e-12]
    if (
        len(ratio)
        and torch.allclose(ratio, ratio[0], rtol=1e-5)
        and bool((one[other.abs() <= 1e-12].abs() < 1e-9).all())
    ):
        return False, _factor(float(ratio[0]))
    k = next(i for i, (ones, others) in enumerate(zip(yours, right)) if not agree([ones], [others]))
    return False, f"{_place(at[k])} it must be {_shown(right[k])}; yours is {_shown(yours[k])}."


def _all(outputs: list[list[Tensor]]) -> list[Tensor]:
    return [part for parts in outputs for part in parts]


def _factor(ratio: float) -> str:
    if abs(ratio + 1) < 1e-5:
        return "The sign is wrong, everything else is right."
    if abs(ratio - 1) < 1e-3:
        return "It is right to some digits only: is something rounded, or float32?"
    if abs(ratio) < 1e-12:
        return "It is always zero."
    sign = " and has the wrong sign" if ratio < 0 else ""
    return f"It is always {abs(ratio):.4g} times the right one{sign}: a factor is missing, or is there twice."


def _close(one: Tensor, other: Tensor, tolerance: float) -> bool:
    scale = float(other.abs().max()) if other.numel() else 0.0
    return torch.allclose(one, other, rtol=0, atol=max(tolerance * scale, 1e-12), equal_nan=True)


def _place(args: Any) -> str:
    small = all(isinstance(arg, Number) for arg in args)
    return f"At ({', '.join(f'{arg:g}' for arg in args)})" if small else "For the first example that goes wrong"


def _shown(parts: list[Tensor]) -> str:
    return short(", ".join(np.array2string(part.numpy(), precision=4, separator=", ") for part in parts), 60)
