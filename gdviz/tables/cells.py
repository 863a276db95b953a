"""The numbers of a list, an array, a tensor or a column of pandas; and what is said of a cell that holds none."""

import re
import unicodedata
from collections.abc import Iterator, Mapping, MappingView, Set, Sized
from decimal import Decimal
from math import inf, isinf
from numbers import Real
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gdviz.hyperparameters import short

NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)  # float() takes 1_000, nan
BREAK = re.compile(r"\r\n|\r|\n")
MONTHS = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
CURES = {  # what stands where a number should (the first that fits) -> what to do about it
    r"|nan|<na>|nat|n\.?/?a\.?|none|null|-+|[.?]|#.*": "the value is missing; fill it in, or leave this example out",
    r"[+-]?(inf|infinity|∞)": "it must be finite; leave this example out",
    r"true|false": "write 1 for True and 0 for False",
    r"\(?.*\dj\)?": "it is complex; take its real part or its absolute value",
    r"\d{1,4}([-/.])\d{1,2}\1\d{1,4}([T ].*)?|\d{1,4}[-/]\d{1,2}|.*\d:\d\d.*|-?\d+ (day|hour|minute|\w*second)s?( .*)?"
    rf"|(?=.*\d).*\b({MONTHS})[a-z]*\b.*": "a date or a time? Write a number instead, such as the days since the first",
    r"[+-]?\d+\.?\d*": "write it with the digits 0 to 9",
    r".*%.*": "leave out the per cent sign, in every row alike",
    r"[−–—‐‑]\s*[\d.].*|.*\de[−–—‐‑]\d+|-\s+\d.*|\(\s*\d.*\)|\d\S*-": "type a plain minus (-) before the number",
    r"[+-]?(\d+,\d*|,\d+)(e[+-]?\d+)?": "a decimal comma? Write a point (and nothing between thousands)",
    r"[+-]?\d[\d.,'’ _]*\d(e[+-]?\d+)?": "write nothing between thousands, and a point for a decimal comma: 1234.5",
    r"[^\d;|\t]*\d[\d.,'’ _]*[^\d;|\t]*([^\W\d]\d)?": "write the number alone; put unit and currency in the header",
    r".*[;|\t].*": "it holds another separator than the first row",
}
CONTAINERS = (  # what is no column -> the cure
    (str, "; if that names a column of a file, add csv=..."),
    (MappingView | Iterator, "; make a list of it: list(...)"),
    (Mapping, "; give its values: list(d.values())"),
    (Set, "; a set has no order, so give a list"),
)


def column(name: str, values: Any, *, varies: bool = False) -> Tensor:
    """The numbers of a list, an array, a tensor or a pandas column, one for each example.

    Ints, floats, fractions and decimals are numbers, also in a frame or an array of one column, (n, 1).

    Args:
        name: what a refusal calls it.
        values: whatever holds them.
        varies: also refuse values that are constant up to rounding.

    Returns:
        A copy (n,), float64.

    Raises:
        TypeError: text, bools, dates, complex numbers.
        ValueError: missing values, NaN, infinities, another shape.

    Example:
        >>> column("x", [1, 2.5, "3"])
        Traceback (most recent call last):
        ...
        TypeError: ...
        >>> column("x", [1, 2.5, 3]).tolist()
        [1.0, 2.5, 3.0]
    """
    array = _array(f"{name} must be numbers, one for each example", values)
    if array.dtype.kind not in "iuf":
        array = np.array([_number(name, i, value) for i, value in enumerate(array)], dtype=np.float64)
    with np.errstate(over="ignore"):  # a long double may be too large
        numbers = np.array(array, dtype=np.float64, order="C")
    bad = np.flatnonzero(~np.isfinite(numbers))
    if len(bad):
        raise ValueError(
            f"{name} must be finite, got {numbers[bad[0]]} at position {bad[0]} ({len(bad)} such); drop those"
        )
    if varies and len(numbers) > 1 and _constant(numbers, array.dtype):
        rounding = "" if (numbers == numbers[0]).all() else ", up to rounding"
        what = f"{name} is constant ({numbers[0]:g}{rounding})"
        raise ValueError(f"{what}: every slope fits as well as any other; vary {name}")
    return torch.from_numpy(numbers)


def _array(refusal: str, values: Any) -> np.ndarray:
    """(n,), of the dtype in which it is held; a list as objects, so that no True becomes 1."""
    try:
        if isinstance(values, Tensor):
            small = values.is_floating_point() and values.element_size() < 4  # NumPy has no bfloat16
            array = (values.float() if small else values).numpy(force=True)
        elif hasattr(values, "__array__") and not np.ma.is_masked(values):
            array = np.asarray(values)
        else:  # of a masked array, tolist() makes None where there is no value
            items = values.tolist() if np.ma.is_masked(values) else values
            bare = [_bare(item) for item in items] if isinstance(items, list | tuple) else items
            array = np.array(bare, dtype=object)
    except (TypeError, ValueError, RuntimeError):
        raise TypeError(f"{refusal}, got {short(repr(values), 60)}") from None
    if array.ndim == 0:
        cure = next((cure for kind, cure in CONTAINERS if isinstance(values, kind)), "")
        raise TypeError(f"{refusal}: shape (n,), got shape (): {short(repr(values), 60)}{cure}")
    if array.ndim > 1 and array.shape[1:] != (1,):
        cure = "choose one column, such as x[:, 0], or x['size'] of a frame"
        raise ValueError(f"{refusal}: shape (n,), got shape {array.shape}; {cure}")
    return array.reshape(len(array))


def _bare(item: Any) -> Any:
    """The number within a tensor or an array without axes."""
    if isinstance(item, Tensor):
        return item.tolist()
    return item[()] if isinstance(item, np.ndarray) else item


def _number(name: str, position: int, value: Any) -> float:
    if isinstance(value, float | int | Real | Decimal) and not isinstance(value, bool | np.timedelta64):
        try:
            return float(value)
        except OverflowError:
            return inf
    given = value.decode(errors="replace") if isinstance(value, bytes) else str(value)
    shown = short(repr(given) if isinstance(value, str | bytes) else given, 60)
    cure = cure_of(given) if isinstance(value, str | bytes) or not isinstance(value, Sized) else ""
    raise TypeError(f"{name} must be numbers, one for each example, got {shown} at position {position}{cure}")


def _constant(numbers: np.ndarray, held: np.dtype) -> bool:
    """Whether the values differ by rounding alone: floats by a few units in the last place, whole numbers never."""
    least, most = float(numbers.min()), float(numbers.max())
    eps = float(np.finfo(held if held.kind == "f" else np.float64).eps)
    largest = max(-least, most)
    exact = held.kind in "iu" or (largest <= 2 / eps and bool((numbers == numbers.round()).all()))
    return most - least <= (0 if exact else 4 * eps * largest)


def cure_of(cell: str) -> str:
    """What to do about a text where a number should be."""
    if NUMBER.fullmatch(cell.strip()):
        return ": too large for a float" if isinf(float(cell)) else ": it is text; float(...) makes a number of it"
    shape = unicodedata.normalize("NFKC", cell).strip()[:80]
    return next((f": {cure}" for known, cure in CURES.items() if re.fullmatch(known, shape, re.IGNORECASE)), "")
