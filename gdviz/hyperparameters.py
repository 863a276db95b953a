"""What a rule's hyperparameters may be: numbers or tensors in their ranges, checked at the door."""

from dataclasses import fields, is_dataclass, replace
from numbers import Number
from typing import Any

import numpy as np
import torch
from torch import Tensor

Hyperparameter = float | Tensor


def _share(value):
    return (value >= 0) & (value < 1)


def _count(value):
    return (value >= 1) & (value == value.round()) & (value.ndim == 0)


ACCEPTED = {  # hyperparameter: whether all of a tensor lies inside, and the words for it
    "lr": (lambda lr: lr >= 0, "positive, or 0 to rest, or a tensor of such rates"),
    "eps": (lambda eps: eps >= 0, "0 or more"),
    "weight_decay": (lambda decay: decay >= 0, "0 or more"),
    "history_size": (_count, "a whole number, 1 or more"),
    **dict.fromkeys(("momentum", "alpha", "rho", "beta1", "beta2"), (_share, "in [0, 1), or a tensor of such")),
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


def hyperparameters(rule: Any) -> dict[str, Tensor]:
    """The numbers and tensors among the fields of a rule, by name; empty for a rule that is not a dataclass."""
    if not is_dataclass(rule):
        return {}
    values = {field.name: getattr(rule, field.name) for field in fields(rule) if field.init}
    return {name: as_tensor(value) for name, value in values.items() if isinstance(value, Number | Tensor)}


def checked(rule: Any, dtype: torch.dtype = torch.float64, where: str = "") -> Any:
    """The same rule, its known hyperparameters numbers or tensors of this type that carry no gradient.

    where: what a refusal says at its end, such as "at step 3".
    Refused: what has no `init` and `update`, a class instead of a rule, and hyperparameters of ACCEPTED that are not
    numbers, not finite, out of range, or torch's two betas in one. What a hyperparameter of another name may be is up
    to the rule that has it.
    """
    if isinstance(rule, type):
        raise TypeError(f"rule is the class {rule.__name__}; write a rule, such as {rule.__name__}(lr=0.1)")
    if not (callable(getattr(rule, "init", None)) and callable(getattr(rule, "update", None))):
        raise TypeError(
            "a rule has init(params) -> state and update(params, grads, state) -> (params, state), "
            f"such as GradientDescent(lr=0.1); got {rule!r}{where and ' ' + where}"
        )
    names = [field.name for field in fields(rule) if field.name in ACCEPTED] if is_dataclass(rule) else []
    given = {name: getattr(rule, name) for name in names}
    tensors = {name: in_range(name, value, where) for name, value in given.items()}
    if tensors.get("beta1", torch.empty(0)).shape == (2,):
        first, second = tensors["beta1"].tolist()
        cure = f"torch's betas are two numbers here, beta1={first:g}, beta2={second:g}; a sweep is **grid(beta1=[...])"
        raise ValueError(f"beta1 must be one number, got two: {cure}")
    changed = {name: tensors[name].detach().to(dtype) for name in names if not isinstance(given[name], int | float)}
    if "history_size" in given:
        changed["history_size"] = int(given["history_size"])  # a size: never a tensor
    return replace(rule, **changed) if changed else rule


def in_range(name: str, value: Any, where: str = "") -> Tensor:
    """The value of a hyperparameter of ACCEPTED as a tensor; refused, with what is accepted, out of its range."""
    inside, accepted = ACCEPTED[name]
    given = repr(value) if len(repr(value)) <= 80 else repr(value)[:77] + "..."
    refusal = f"{name} must be {accepted}, got {given}{where and ' ' + where}"
    try:
        tensor = as_tensor(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise TypeError(refusal) from error
    if tensor.dtype == torch.bool or tensor.is_complex():
        raise TypeError(refusal)
    if tensor.numel() == 0 or not bool((torch.isfinite(tensor) & inside(tensor)).all()):
        raise ValueError(refusal)
    return tensor
