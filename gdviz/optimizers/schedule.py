"""A learning rate that changes by a formula of the step, with numbers in it that a player may turn."""

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import is_dataclass, replace
from typing import Any

import torch
from torch import Tensor

from gdviz.hyperparameters import Range, real, short


class Schedule:
    """lr_t = rate(t, ...): a rule whose learning rate follows a formula of the step, for minimize.

    Args:
        rule: a dataclass with the field lr.
        rate: takes the step t = 0, 1, ... as a tensor (steps,) of float64, and the numbers by name; returns the rates
            (steps,). It broadcasts, as a rule does: torch.where instead of if.
        numbers: by name; a Range has a slider in the player.

    Raises:
        TypeError: rate is not callable, or a value is not a number.
        ValueError: a rule that is not a dataclass with lr, or with several values of it; a number that is not finite;
            rates of another shape, or that depend on which other steps are asked for.

    Example:
        >>> from gdviz.optimizers import GradientDescent
        >>> halved = Schedule(GradientDescent(lr=0.4), lambda t, factor: 0.4 * factor**t, factor=0.5)
        >>> [halved(step).lr for step in range(3)]
        [0.4, 0.2, 0.1]
    """

    def __init__(self, rule: Any, rate: Callable[..., Tensor], **numbers: float):
        if not callable(rate):
            raise TypeError(f"rate must be a function of the step, got {rate!r}")
        if not is_dataclass(rule) or isinstance(rule, type) or not hasattr(rule, "lr"):
            raise ValueError(f"rule must be a dataclass with a field lr, got {short(repr(rule))}")
        lr: Any = getattr(rule, "lr", None)
        if isinstance(lr, Tensor) and lr.numel() > 1:
            sweep = f"its {lr.numel()} values of lr would be lost: give it one, and run minimize once for each"
            raise ValueError(f"rate takes the place of the rule's lr, so {sweep}")
        self.rule, self.rate = rule, rate
        self.numbers: Mapping[str, Tensor] = {
            name: torch.tensor(real(name, value), dtype=torch.float64) for name, value in numbers.items()
        }
        self.ranges: Mapping[str, tuple[Range, Tensor]] = {
            name: (value, self.numbers[name]) for name, value in numbers.items() if isinstance(value, Range)
        }

    def rates(self, steps: Tensor) -> Tensor:
        """The learning rates of these steps.

        Args:
            steps: (n,), float64.

        Returns:
            (n,), float64.

        Raises:
            ValueError: rate returns anything else than a number for each step.
        """
        with _doubles():  # what torch.where makes of two plain numbers
            rates = self.rate(steps, **self.numbers)
        if not isinstance(rates, Tensor) or rates.shape not in ((), steps.shape):
            given = tuple(rates.shape) if isinstance(rates, Tensor) else type(rates).__name__
            raise ValueError(f"rate must return a number for each step, {tuple(steps.shape)}; it returned {given}")
        return rates.double().expand(steps.shape)

    def __call__(self, step: int) -> Any:
        """The rule of this step."""
        rate = float(self._alone(step))
        if step == 1 and not math.isclose(rate, both := float(self.rates(torch.tensor([0.0, 1.0]).double())[1])):
            alone = f"step 1 has {rate:.4g} alone and {both:.4g} together with step 0"
            raise ValueError(f"rate must give each step its own, however many are asked for at once, but {alone}")
        return replace(self.rule, lr=rate)

    def _alone(self, step: int) -> Tensor:
        return self.rates(torch.tensor([float(step)], dtype=torch.float64))


@contextmanager
def _doubles() -> Iterator[None]:
    """While the block lasts, new numbers are float64."""
    usual = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(usual)
