"""Numbers as they come, as tensors in full precision; whole numbers; and what a thing says of itself, not for long."""

from numbers import Integral
from typing import Any

import numpy as np
import torch
from torch import Tensor

NO_NUMBERS = {"U": "text", "S": "text", "T": "text", "M": "dates", "m": "times", "O": "objects"}  # by numpy's letter


def as_tensor(numbers: Any) -> Tensor:
    """Numbers, lists, arrays and columns of pandas as a tensor in full precision: torch makes float32 of lists.

    It shares the memory of an array that torch can write to; one that is read-only, reversed or of the other byte
    order is copied. What an array masks is nan. Refused, as a TypeError: text, dates, and other things that are not
    numbers.
    """
    if isinstance(numbers, Tensor):
        return numbers
    if np.ma.is_masked(numbers):
        numbers = numbers.astype(float).filled(np.nan)
    array = np.asarray(numbers)
    if array.dtype == object:  # a column of pandas with a type of its own: numbers are found again one by one
        array = np.asarray(array.tolist())
    if array.dtype.kind not in "biufc":
        raise TypeError(f"{NO_NUMBERS.get(array.dtype.kind, array.dtype)} instead of numbers")
    dtype = np.float64 if array.dtype == np.longdouble else array.dtype.newbyteorder("=")
    return torch.as_tensor(np.require(array, dtype, ["C_CONTIGUOUS", "WRITEABLE"]))


def is_whole(number: Any) -> bool:
    """Whether a thing is a whole number, of Python or numpy; True and False are none."""
    return isinstance(number, Integral) and not isinstance(number, bool)


def whole(name: str, number: Any, least: int = 1, most: int | None = None) -> int:
    """The number; refused where it is not whole, below least or above most."""
    if not is_whole(number) or number < least or (most is not None and number > most):
        limits = f", {least} or more" if most is None else f" from {least} to {most}"
        raise ValueError(f"{name} must be a whole number{limits}, got {number!r}")
    return int(number)


def short(thing: object, length: int = 80) -> str:
    """What a thing says of itself, on one line and not for long."""
    try:
        text = " ".join(str(thing).split())
    except (Exception, SystemExit):
        text = f"a {type(thing).__name__}"
    return text if len(text) <= length else text[: length - 3] + "..."
