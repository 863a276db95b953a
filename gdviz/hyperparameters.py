"""Numbers at the door: as tensors in full precision, whole, and as the hyperparameters of a rule in their ranges."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import lru_cache
from numbers import Integral, Number
from typing import Annotated, Any, get_type_hints

import numpy as np
import torch
from torch import Tensor

__all__ = ["Accepted", "Count", "Hyperparameter", "NotNegative", "Range", "Rate", "Share"]

Hyperparameter = float | Tensor


@dataclass(frozen=True)
class Accepted:
    """Which numbers a hyperparameter may be. It stands in the type of a rule's field: lr: Rate.

    Args:
        inside: whether each number of a tensor is accepted.
        words: what is accepted, for the refusal.

    Example:
        >>> Half = Annotated[Hyperparameter, Accepted(lambda value: (value > 0) & (value < 0.5), "between 0 and 0.5")]
        >>> Half.__metadata__[0].words
        'between 0 and 0.5'
    """

    inside: Callable[[Tensor], Tensor]
    words: str


def _share(value: Tensor) -> Tensor:
    return (value >= 0) & (value < 1)


def _count(value: Tensor) -> Tensor:
    return (value >= 1) & (value == value.round()) & (value.ndim == 0)


class Range(float):
    """A number anywhere from low to high: minimize computes with its value, a player gives it a slider.

    It acts as its value wherever a number is wanted. A range that several rules share has one slider for all of them.

    Args:
        low: the left end of the slider.
        high: the right end.
        value: where it stands first.
        log: whether equal distances on the slider are equal factors; otherwise they are equal differences.
        unit: a word behind the number, such as "steps".
        name: of the slider; left out, that of the hyperparameter.
        named: name -> value, for those that are worth a click, such as {"2/L": 0.2}.

    Raises:
        TypeError: something that is not a number.
        ValueError: ends that are not finite, equal or reversed, or on a log slider not positive; a value beyond them.

    Example:
        >>> from gdviz.descent import minimize
        >>> from gdviz.optimizers import GradientDescent
        >>> lr = Range(0.01, 1.2, value=0.25, log=True)
        >>> minimize(lambda w: w.square().sum(-1), GradientDescent(lr), [8.0], steps=2).params.flatten().tolist()
        [8.0, 4.0, 2.0]
    """

    low: float
    high: float
    log: bool
    unit: str
    name: str
    named: dict[str, float]

    def __new__(
        cls,
        low: float,
        high: float,
        value: float,
        *,
        log: bool = False,
        unit: str = "",
        name: str = "",
        named: Mapping[str, float] | None = None,
    ) -> "Range":
        """The number, with its range."""
        self = super().__new__(cls, _real("value of a range", value))
        self.low, self.high = _real("low of a range", low), _real("high of a range", high)
        self.log, self.unit, self.name = log, unit, name
        self.named = {str(word): _real(f"named[{word!r}] of a range", number) for word, number in (named or {}).items()}
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise ValueError(f"a range goes from low up to high, both finite; got low {low!r} and high {high!r}")
        if log and self.low <= 0:
            raise ValueError(f"a range on a log slider must be positive, got low {low!r}; or leave log=True out")
        for word, number in {"value": float(self), **self.named}.items():
            if not self.low <= number <= self.high:
                raise ValueError(f"{word} must be in the range, from {self.low:g} to {self.high:g}; got {number:g}")
        return self

    def __reduce__(self) -> tuple:
        """A copy of it is one, too."""
        more = {name: getattr(self, name) for name in ("log", "unit", "name", "named")}
        return _range, (self.low, self.high, float(self), more)


def _range(low: float, high: float, value: float, more: dict[str, Any]) -> Range:
    return Range(low, high, value, **more)


def real(name: str, number: Any) -> float:
    """One finite number; refused, as a TypeError or a ValueError: anything else."""
    value = _real(name, number)
    if not math.isfinite(value):
        raise ValueError(f"{name} must be finite, got {number!r}")
    return value


def _real(name: str, number: Any) -> float:
    if isinstance(number, bool | str) or not isinstance(number, Number | np.ndarray | Tensor):
        raise TypeError(f"{name} must be a number, got {number!r}")
    try:
        return float(number)  # pyright: ignore[reportArgumentType]  refused below
    except (TypeError, ValueError, RuntimeError) as error:
        raise TypeError(f"{name} must be one number, got {short(repr(number))}") from error


Rate = Annotated[Hyperparameter, Accepted(lambda lr: lr >= 0, "positive, or 0 to rest, or a tensor of such rates")]
Share = Annotated[Hyperparameter, Accepted(_share, "in [0, 1), or a tensor of such")]
NotNegative = Annotated[Hyperparameter, Accepted(lambda value: value >= 0, "0 or more")]
Count = Annotated[int, Accepted(_count, "a whole number, 1 or more")]

USUAL = {  # what torch's names mean in a rule of the learner's own, whose fields say no more than float
    "lr": Rate,
    "eps": NotNegative,
    "weight_decay": NotNegative,
    "history_size": Count,
    **dict.fromkeys(("momentum", "alpha", "rho", "beta1", "beta2"), Share),
}


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


def check_rows(x: Any, y: Any) -> None:
    """Refused: columns of pandas whose rows have other labels, or another order: side by side they are no pairs."""
    labels: list[Any] = [getattr(column, "index", None) for column in (x, y)]
    both = all(hasattr(index, "equals") for index in labels) and len(labels[0]) == len(labels[1])
    if both and not labels[0].equals(labels[1]):
        cure = "take both from one frame, after df.dropna() or sorting; or .to_numpy() of each, if their order is right"
        raise ValueError(f"x and y have rows with different labels (their index): {cure}")


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
    """The text of a thing, on one line and kept short."""
    try:
        text = " ".join(str(thing).split())
    except (Exception, SystemExit):
        text = f"a {type(thing).__name__}"
    return text if len(text) <= length else text[: length - 3] + "..."


def hyperparameters(rule: Any) -> dict[str, Tensor]:
    """The numbers and tensors among the fields of a rule, by name; empty for a rule that is not a dataclass."""
    if not is_dataclass(rule):
        return {}
    values = {field.name: getattr(rule, field.name) for field in fields(rule) if field.init}
    numbers = {name: value for name, value in values.items() if isinstance(value, Number | Tensor)}
    return {name: as_tensor(value) for name, value in numbers.items() if not isinstance(value, bool)}


def ranges(rule: Any) -> dict[str, Accepted]:
    """The range of each hyperparameter of a rule: that of its field's type, else what torch's name for it means."""
    return dict(_ranges(type(rule))) if is_dataclass(rule) else {}


@lru_cache(maxsize=64)  # a schedule makes a rule for each step
def _ranges(kind: type) -> dict[str, Accepted]:
    try:
        types = get_type_hints(kind, include_extras=True)
    except (NameError, TypeError):  # of a type that is written as text and not to be found
        types = {}
    found = {field.name: _range_of(types.get(field.name)) or _range_of(USUAL.get(field.name)) for field in fields(kind)}
    return {name: accepted for name, accepted in found.items() if accepted}


def _range_of(kind: Any) -> Accepted | None:
    return next((extra for extra in getattr(kind, "__metadata__", ()) if isinstance(extra, Accepted)), None)


def checked(rule: Any, dtype: torch.dtype = torch.float64, where: str = "") -> Any:
    """The same rule, its known hyperparameters numbers or tensors of this type that carry no gradient.

    where: what a refusal says at its end, such as "at step 3".
    Refused: what has no `init` and `update`, a class instead of a rule, and hyperparameters with a range that are not
    numbers, not finite, out of range, or torch's two betas in one. What a hyperparameter without a range may be is up
    to the rule that has it.
    """
    if isinstance(rule, type):
        raise TypeError(f"rule is the class {rule.__name__}; write a rule, such as {rule.__name__}(lr=0.1)")
    if not (callable(getattr(rule, "init", None)) and callable(getattr(rule, "update", None))):
        raise TypeError(
            "a rule has init(params) -> state and update(params, grads, state) -> (params, state), "
            f"such as GradientDescent(lr=0.1); got {rule!r}{where and ' ' + where}"
        )
    accepted = ranges(rule)
    given = {name: getattr(rule, name) for name in accepted}
    for name, value in given.items():
        if isinstance(value, tuple) and name != "beta1":
            cure = f"a pair of torch's is two numbers here, of {', '.join(given)}; a sweep is **grid({name}=[...])"
            raise ValueError(f"{name} must be one number, got {short(repr(value))}: {cure}")
    tensors = {name: in_range(name, value, where, accepted[name]) for name, value in given.items()}
    if tensors.get("beta1", torch.empty(0)).shape == (2,):
        first, second = tensors["beta1"].tolist()
        cure = f"torch's betas are two numbers here, beta1={first:g}, beta2={second:g}; a sweep is **grid(beta1=[...])"
        raise ValueError(f"beta1 must be one number, got two: {cure}")
    changed: dict[str, Any] = {
        name: tensors[name].detach().to(dtype) for name, value in given.items() if not isinstance(value, int | float)
    }
    changed |= {
        name: int(given[name]) for name, limits in accepted.items() if limits.inside is _count
    }  # never a tensor
    if not is_dataclass(rule) or isinstance(rule, type):
        return rule
    made = replace(rule, **changed)
    kept = {name: value for name, value in vars(rule).items() if name not in changed}
    other = [name for name, value in kept.items() if not _same(value, vars(made).get(name))]
    if other:
        cure = "it is made anew for each setting: compute that in init or update, and leave __post_init__ out"
        raise ValueError(f"a copy of {short(repr(rule), 60)} has another {other[0]}: {cure}")
    return made if changed else rule


def _same(a: Any, b: Any) -> bool:
    """Whether two values of a field are equal, as far as that can be told."""
    try:
        return a is b or bool(np.all(a == b)) or a != a
    except Exception:
        return True


def in_range(name: str, value: Any, where: str = "", accepted: Accepted | None = None) -> Tensor:
    """The value of a hyperparameter as a tensor; refused, with what is accepted, out of its range.

    accepted: its range; left out, what torch's name for it means.
    """
    accepted = accepted or _range_of(USUAL[name])
    assert accepted is not None
    refusal = f"{name} must be {accepted.words}, got {short(repr(value))}{where and ' ' + where}"
    try:
        tensor = as_tensor(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise TypeError(refusal) from error
    if tensor.dtype == torch.bool or tensor.is_complex():
        raise TypeError(refusal)
    if tensor.numel() == 0 or not bool((torch.isfinite(tensor) & accepted.inside(tensor)).all()):
        raise ValueError(refusal)
    return tensor
