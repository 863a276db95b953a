"""Gradient descent, and with a memory of its direction: one rate for all coordinates."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from gdviz.hyperparameters import Rate, Share


class GradientDescentState(NamedTuple):
    """Empty: gradient descent remembers nothing between two steps.

    Example:
        >>> len(GradientDescent(lr=0.1).init(torch.zeros(2)))
        0
    """


class Velocity(NamedTuple):
    """The state of Momentum and Nesterov.

    Attributes:
        velocity: what the steps so far add up to, each older one times momentum; shape of params.

    Example:
        >>> Momentum(lr=0.1).init(torch.zeros(2)).velocity
        tensor([0., 0.])
    """

    velocity: Tensor


@dataclass(frozen=True, eq=False)
class GradientDescent:
    """w <- w - lr * g

    Equals torch.optim.SGD without momentum.

    Args:
        lr: learning rate η, positive (0 rests); a number, or, as a sweep, a tensor with a last axis of 1: descent.grid.

    Example:
        >>> w, state = GradientDescent(lr=0.1).update(torch.tensor([2.0]), torch.tensor([4.0]), ())
        >>> w
        tensor([1.6000])

    Reference: Cauchy 1847; Nesterov 2004, section 1.2.3.
    """

    lr: Rate

    def init(self, params: Tensor) -> GradientDescentState:
        return GradientDescentState()

    def update(self, params: Tensor, grads: Tensor, state: GradientDescentState) -> tuple[Tensor, GradientDescentState]:
        return params - self.lr * grads, state


@dataclass(frozen=True, eq=False)
class Momentum:
    """v <- momentum * v + g;  w <- w - lr * v

    Heavy ball: the velocity v remembers past gradients. Equals torch.optim.SGD(momentum=...): the new gradient enters v
    whole, and lr multiplies v. Other texts put lr inside v, or average with (1 - beta) g: `theory.convert_lr` converts.

    Args:
        lr: positive.
        momentum: beta in [0, 1), 0.9 is usual.

    Example:
        >>> rule, g = Momentum(lr=0.1, momentum=0.5), torch.tensor([1.0])
        >>> w, state = rule.update(torch.tensor([2.0]), g, Velocity(torch.tensor([2.0])))
        >>> w, state.velocity
        (tensor([1.8000]), tensor([2.]))

    Reference: Polyak 1964; Sutskever et al. 2013.
    """

    lr: Rate
    momentum: Share = 0.9

    def init(self, params: Tensor) -> Velocity:
        return Velocity(velocity=torch.zeros_like(params))

    def update(self, params: Tensor, grads: Tensor, state: Velocity) -> tuple[Tensor, Velocity]:
        velocity = self.momentum * state.velocity + grads
        return params - self.lr * velocity, Velocity(velocity)


@dataclass(frozen=True, eq=False)
class Nesterov:
    """v <- momentum * v + g;  w <- w - lr * (g + momentum * v)

    The step looks ahead: it adds what the velocity is about to do. Equals torch.optim.SGD(momentum=..., nesterov=True),
    whose w is Nesterov's point that looks ahead.

    Args:
        lr: positive.
        momentum: beta in [0, 1).

    Example:
        >>> rule, g = Nesterov(lr=0.1, momentum=0.5), torch.tensor([1.0])
        >>> rule.update(torch.tensor([2.0]), g, Velocity(torch.tensor([2.0])))[0]
        tensor([1.8000])

    Reference: Nesterov 1983; Sutskever et al. 2013, equations 3 and 4.
    """

    lr: Rate
    momentum: Share = 0.9

    def init(self, params: Tensor) -> Velocity:
        return Velocity(velocity=torch.zeros_like(params))

    def update(self, params: Tensor, grads: Tensor, state: Velocity) -> tuple[Tensor, Velocity]:
        velocity = self.momentum * state.velocity + grads
        return params - self.lr * (grads + self.momentum * velocity), Velocity(velocity)
