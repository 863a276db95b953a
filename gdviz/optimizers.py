"""Update rules: an optimizer is its formula.

A rule is a frozen dataclass. Its fields are the hyperparameters, `init(params)` is the state at t = 0, and
`update(params, grads, state)` is the textbook line. A rule only broadcasts: it never branches on a hyperparameter and
never changes a tensor in place. So a hyperparameter may be a number or a tensor, and a tensor is a sweep: many runs
at once.
"""

from dataclasses import dataclass, fields, is_dataclass, replace
from numbers import Number
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

Hyperparameter = float | Tensor


class Rule(Protocol):
    """What `minimize` asks of an optimizer: w_0 gives the state at t = 0; w_t, g_t and the state give w_{t+1}."""

    def init(self, params: Tensor) -> Any:
        """The state at t = 0, a NamedTuple of tensors that broadcast against params (..., d)."""

    def update(self, params: Tensor, grads: Tensor, state: Any) -> tuple[Tensor, Any]:
        """One step: the new params (..., d) and the new state."""


class GradientDescentState(NamedTuple):
    """Empty: gradient descent remembers nothing between two steps."""


@dataclass(frozen=True, eq=False)
class GradientDescent:
    """w <- w - lr * g

    lr: learning rate η, positive; a number, or a tensor that broadcasts against params (..., d).
    Equals torch.optim.SGD without momentum. Reference: Cauchy 1847; Nesterov 2004, section 1.2.3.
    """

    lr: Hyperparameter

    def init(self, params):
        return GradientDescentState()

    def update(self, params, grads, state):
        return params - self.lr * grads, state


ACCEPTED = {
    "lr": (lambda lr: lr > 0, "positive or a tensor of positive rates"),
}


def as_tensor(numbers: Any) -> Tensor:
    """Numbers, lists and arrays as a tensor in full precision: torch alone makes float32 of a list of floats."""
    return numbers if isinstance(numbers, Tensor) else torch.as_tensor(np.asarray(numbers))


def hyperparameters(rule: Rule) -> dict[str, Tensor]:
    """The numbers and tensors among the fields of a rule, by name; empty for a rule that is not a dataclass."""
    if not is_dataclass(rule):
        return {}
    values = {field.name: getattr(rule, field.name) for field in fields(rule)}
    return {name: as_tensor(value) for name, value in values.items() if isinstance(value, Number | Tensor)}


def checked(rule: Rule, dtype: torch.dtype = torch.float64) -> Rule:
    """The same rule, its known hyperparameters numbers or tensors of this type that carry no gradient.

    Refused: what has no `init` and `update`, a class in place of a rule, and hyperparameters of ACCEPTED that are no
    numbers, not finite, or out of range. A hyperparameter of another name is the business of the rule that has it.
    """
    if isinstance(rule, type):
        raise TypeError(f"rule is the class {rule.__name__}; write a rule, such as {rule.__name__}(lr=0.1)")
    if not (callable(getattr(rule, "init", None)) and callable(getattr(rule, "update", None))):
        raise TypeError(
            "a rule has init(params) -> state and update(params, grads, state) -> (params, state), "
            f"such as GradientDescent(lr=0.1); got {rule!r}"
        )
    names = [field.name for field in fields(rule) if field.name in ACCEPTED] if is_dataclass(rule) else []
    given = {name: getattr(rule, name) for name in names}
    tensors = {name: _in_range(name, value) for name, value in given.items()}
    changed = {name: tensors[name].detach().to(dtype) for name in names if not isinstance(given[name], int | float)}
    return replace(rule, **changed) if changed else rule


def _in_range(name: str, value: Any) -> Tensor:
    inside, accepted = ACCEPTED[name]
    given = repr(value) if len(repr(value)) <= 80 else repr(value)[:77] + "..."
    refusal = f"{name} must be {accepted}, got {given}"
    try:
        tensor = as_tensor(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise TypeError(refusal) from error
    if tensor.dtype == torch.bool or tensor.is_complex():
        raise TypeError(refusal)
    if tensor.numel() == 0 or not bool((torch.isfinite(tensor) & inside(tensor)).all()):
        raise ValueError(refusal)
    return tensor
