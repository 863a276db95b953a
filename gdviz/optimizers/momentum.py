"""Gradient descent, and with a memory of its direction: one rate for all coordinates."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from gdviz.hyperparameters import Rate, Share


class GradientDescentState(NamedTuple):
    """Empty: gradient descent remembers nothing between two steps."""


class Velocity(NamedTuple):
    """velocity: what the steps so far add up to, each older one times momentum; shape of params."""

    velocity: Tensor


@dataclass(frozen=True, eq=False)
class GradientDescent:
    """w <- w - lr * g

    lr: learning rate η, positive (0 rests); a number, or, as a sweep, a tensor with a last axis of 1: descent.grid.
    Equals torch.optim.SGD without momentum. Reference: Cauchy 1847; Nesterov 2004, section 1.2.3.
    """

    lr: Rate

    def init(self, params: Tensor) -> GradientDescentState:
        return GradientDescentState()

    def update(self, params: Tensor, grads: Tensor, state: GradientDescentState) -> tuple[Tensor, GradientDescentState]:
        return params - self.lr * grads, state


@dataclass(frozen=True, eq=False)
class Momentum:
    """v <- momentum * v + g;  w <- w - lr * v

    Heavy ball: the velocity v remembers past gradients. lr: positive. momentum: beta in [0, 1), 0.9 is usual.
    Equals torch.optim.SGD(momentum=...): the new gradient enters v whole, and lr multiplies v. Other texts put lr
    inside v, or average with (1 - beta) g: `convert_lr` converts. Reference: Polyak 1964; Sutskever et al. 2013.
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

    The step looks ahead: it adds what the velocity is about to do. lr: positive. momentum: beta in [0, 1).
    Equals torch.optim.SGD(momentum=..., nesterov=True), whose w is Nesterov's point that looks ahead.
    Reference: Nesterov 1983; Sutskever et al. 2013, equations 3 and 4.
    """

    lr: Rate
    momentum: Share = 0.9

    def init(self, params: Tensor) -> Velocity:
        return Velocity(velocity=torch.zeros_like(params))

    def update(self, params: Tensor, grads: Tensor, state: Velocity) -> tuple[Tensor, Velocity]:
        velocity = self.momentum * state.velocity + grads
        return params - self.lr * (grads + self.momentum * velocity), Velocity(velocity)
