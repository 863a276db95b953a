"""What a learner's work gives: is it numbers, and which right or known wrong ones are they?"""

import copy
import inspect
import math
import re
from collections.abc import Mapping, Sequence
from itertools import combinations
from numbers import Number
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gdviz.exercises.sandbox import Blank, Trouble, fits
from gdviz.exercises.walks import named
from gdviz.hyperparameters import short


def one_number(number: Any, unit: str) -> float:
    """A finite number; refused where it is anything else."""
    said = f" (in {unit})" if unit else ""
    whole = [part for part in number if type(part) is int] if isinstance(number, tuple) else []
    if isinstance(number, tuple) and (len(whole) == len(number) == 2 or len(number) == 1):
        raise Trouble(f"Write a decimal point{said}, as in 0.45: with a comma Python reads several numbers.")
    if isinstance(number, str):
        raise Trouble(
            f"Write the number alone{said}, without quotation marks; you have text, {short(repr(number), 40)}."
        )
    if isinstance(number, Tensor | np.ndarray | np.generic) and math.prod(number.shape) == 1:
        number = number.item()
    if isinstance(number, Tensor | np.ndarray):
        raise Trouble(f"One number is wanted{said}; yours has the shape {tuple(number.shape)}.")
    if isinstance(number, bool) or not isinstance(number, Number) or isinstance(number, complex):
        raise Trouble(f"One number is wanted{said}; yours is {short(repr(number), 40)} ({type(number).__name__}).")
    try:
        value = float(number)  # pyright: ignore[reportArgumentType]  of every real number
    except OverflowError:
        value = math.inf
    if not math.isfinite(value):
        yours = "NaN (not a number)" if math.isnan(value) else "infinite"
        raise Trouble(f"A finite number is wanted{said}; yours is {yours}.")
    return value


def returned(function: Any, args: tuple) -> list[Tensor]:
    """What a learner's function returns for these arguments, as tensors."""
    callable_with(function, args)
    given = copy.deepcopy(args)
    value = function(*given)
    for before, after in zip(_parts(args), _parts(given)):
        if isinstance(before, Tensor | np.ndarray) and not np.array_equal(before, after):
            raise Trouble("It changes its arguments in place; leave them as they are, and return something new.")
    return numbers(value)


def callable_with(function: Any, args: tuple) -> None:
    """Refuse what is no function of so many arguments."""
    if not callable(function):
        raise Trouble(
            f"It must be a function (def ...); yours is {short(repr(function), 40)} ({type(function).__name__})."
        )
    if not fits(function, args):
        count = "one argument" if len(args) == 1 else f"{len(args)} arguments"
        raise Trouble(f"It is called with {count}, and yours takes {inspect.signature(function)}.")


def _parts(args: Any) -> list[Any]:
    """The arguments, and of a list or a tuple what is in it."""
    return [part for arg in args for part in (_parts(arg) if isinstance(arg, list | tuple) else [arg])]


def numbers(value: Any) -> list[Tensor]:
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


def flat(parts: list[Tensor], d: int) -> list[Tensor]:
    """d numbers, as one tensor (d,)."""
    single = all(part.ndim == 0 for part in parts)
    vector = torch.stack(parts) if single else parts[0] if len(parts) == 1 else None
    shapes = ", ".join(str(tuple(part.shape)) for part in parts)
    if vector is None or vector.shape != (d,):
        mean = " A mean or a sum over the examples is missing." if any(part.numel() > d for part in parts) else ""
        raise Trouble(f"The gradient has {d} numbers, one for each parameter; yours has the shape {shapes}.{mean}")
    return [vector]


def same_shape(yours: list[Tensor], right: list[Tensor]) -> list[Tensor]:
    """What is returned, one element as one number; refused where it has not as many parts, or not the right shapes."""
    if len(yours) != len(right):
        wanted = "one thing" if len(right) == 1 else f"{len(right)} things"
        rows = len(right) == 1 and right[0].ndim and right[0].shape == (len(yours), *yours[0].shape)
        stack = " torch.stack makes one tensor of a list." if rows else ""
        raise Trouble(f"It must return {wanted}; yours returns {len(yours)}.{stack}")
    yours = [one.view(()) if one.numel() == 1 and other.ndim == 0 else one for one, other in zip(yours, right)]
    shapes = [[tuple(part.shape) for part in parts] for parts in (yours, right)]
    if shapes[0] == shapes[1]:
        return yours
    one, other = next(pair for pair in zip(*shapes) if pair[0] != pair[1])
    wanted = f"the shape {other}" if other else "one number"
    raise Trouble(f"It must return {wanted}; yours has the shape {one}. Over which axis must it sum or average?")


def judged(
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
    for args, parts in zip(at, yours):
        if any(bool(part.isnan().any()) for part in parts):
            return (
                False,
                f"{_place(args)} it gives NaN (not a number): 0 divided by 0, or the root of a negative number?",
            )
        if any(bool(part.isinf().any()) for part in parts):
            return False, f"{_place(args)} it gives infinity: a division by zero, or an overflow?"
    one, other = (torch.cat([part.flatten() for part in _all(parts)]) for parts in (yours, right))
    ratio = (one / other)[other.abs() > 1e-12]
    if (
        len(ratio)
        and torch.allclose(ratio, ratio[0], rtol=1e-5)
        and bool((one[other.abs() <= 1e-12].abs() < 1e-9).all())
    ):
        return False, _factor(float(ratio[0]))
    k = next(i for i, (ones, others) in enumerate(zip(yours, right)) if not agree([ones], [others]))
    return False, f"{_place(at[k])} it must be {_shown(right[k])}; yours is {_shown(yours[k])}."


def ignored(function: Any, yours: list, right: list, at: Sequence[tuple]) -> str:
    """A sentence if two examples differ in one number, and what a function returns for them does not; else ""."""
    for (args, one, wanted), (others, other, otherwise) in combinations(zip(at, yours, right), 2):
        same = [a is b or (isinstance(a, Number) and isinstance(b, Number) and a == b) for a, b in zip(args, others)]
        if len(args) != len(others) or same.count(False) != 1 or all(map(torch.equal, wanted, otherwise)):
            continue
        if isinstance(args[k := same.index(False)], Number) and all(map(torch.equal, one, other)):
            name = dict(enumerate(named(function))).get(k, f"argument {k + 1}")
            return f"Another {name} makes no difference: is a number written in its place?"
    return ""


def one_by_one(yours: list, right: list, at: Sequence[tuple]) -> str:
    """Which numbers of a gradient are right at all points, and what is wrong with the first that is not."""
    one, other = torch.stack(_all(yours)), torch.stack(_all(right))  # (points, d)
    near = (one - other).abs().amax(0) <= 1e-6 * other.abs().amax(0)
    if not bool(one.isfinite().all()) or bool(near.all()) or not bool(near.any()):
        return ""
    places = ["first", "second", "third", *(f"{i + 1}th" for i in range(3, len(near)))]
    fine, k = [place for place, is_right in zip(places, near) if is_right], int((~near).nonzero()[0])
    said = f"The {' and '.join(fine)} {'number is' if len(fine) == 1 else 'numbers are'} right; the {places[k]}"
    ratio = one[:, k] / other[:, k]
    if len(ratio) > 1 and torch.allclose(ratio, ratio[0], rtol=1e-5):
        wrong_sign = abs(ratio[0] + 1) < 1e-5
        return f"{said} {'has the wrong sign' if wrong_sign else f'is always {ratio[0]:.4g} times the right one'}."
    i = int(((one - other)[:, k].abs() > 1e-6 * other[:, k].abs()).nonzero()[0])
    return f"{said} is not. {_place(at[i])} it must be {other[i, k]:.6g}; yours is {one[i, k]:.6g}."


def nearly(value: float, right: float, tolerance: float) -> str:
    """What is said of a number that is not quite the right one: that it is rounded, if it has few digits."""
    rounded = any(float(f"{right:.{digits}g}") == value for digits in (1, 2, 3))
    few = float(f"{value:.4g}") == value and abs(value - right) <= min(10 * tolerance, 0.01) * abs(right)
    if rounded or few:
        return "Almost. Give one or two more digits: compute it here instead of rounding."
    return "Near, but not equal: is something rounded on the way, or a descent not at its end?"


def _all(outputs: list[list[Tensor]]) -> list[Tensor]:
    return [part for parts in outputs for part in parts]


def _factor(ratio: float) -> str:
    if abs(ratio + 1) < 1e-5:
        return "The sign is wrong, everything else is right."
    if abs(ratio - 1) < 1e-3:
        return "It is right to a few digits only: is something rounded, or float32?"
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
    shown = (np.array2string(part.numpy(), precision=4, separator=", ") for part in parts)
    return short(", ".join(re.sub(r"(?<=\d)\.(?!\d)", "", one) for one in shown), 60)
