"""Gradient descent whose gradient is cut to a length."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from torch import Tensor

from gdviz.hyperparameters import Accepted, Hyperparameter, Rate
from gdviz.optimizers.momentum import GradientDescentState

Length = Annotated[Hyperparameter, Accepted(lambda value: value > 0, "more than 0, or a tensor of such")]


@dataclass(frozen=True, eq=False)
class ClippedByNorm:
    """w <- w - lr * min(1, max_norm / ||g||) * g

    Only the length changes, and only that of long gradients: the direction stays. Equals
    torch.nn.utils.clip_grad_norm_ before torch.optim.SGD, but for the 1e-6 that torch adds to the length.

    Args:
        lr: positive.
        max_norm: the largest length of a gradient.

    Example:
        >>> rule = ClippedByNorm(lr=1.0, max_norm=1.0)
        >>> rule.update(torch.zeros(2), torch.tensor([-3.0, -4.0]), ())[0]
        tensor([0.6000, 0.8000])

    Reference: Pascanu, Mikolov & Bengio 2013, algorithm 1.
    """

    lr: Rate
    max_norm: Length = 1.0

    elementwise: ClassVar[bool] = False  # the length is that of all parameters of a network together

    def init(self, params: Tensor) -> GradientDescentState:
        return GradientDescentState()

    def clipped(self, grads: Tensor) -> Tensor:
        """min(1, max_norm / ||g||) * g

        Args:
            grads: (..., d).

        Returns:
            The same shape.
        """
        length = grads.square().sum(-1, keepdim=True).sqrt()
        return grads * self.max_norm / torch.maximum(length, torch.ones_like(length) * self.max_norm)

    def update(self, params: Tensor, grads: Tensor, state: GradientDescentState) -> tuple[Tensor, GradientDescentState]:
        return params - self.lr * self.clipped(grads), state


@dataclass(frozen=True, eq=False)
class ClippedByValue:
    """w <- w - lr * max(-max_value, min(max_value, g)), each coordinate by itself

    It turns the gradient towards the diagonals. Equals torch.nn.utils.clip_grad_value_ before torch.optim.SGD.

    Args:
        lr: positive.
        max_value: the largest size of a coordinate.

    Example:
        >>> rule = ClippedByValue(lr=1.0, max_value=1.0)
        >>> rule.update(torch.zeros(2), torch.tensor([-3.0, -4.0]), ())[0]
        tensor([1., 1.])

    Reference: Mikolov 2012.
    """

    lr: Rate
    max_value: Length = 1.0

    def init(self, params: Tensor) -> GradientDescentState:
        return GradientDescentState()

    def clipped(self, grads: Tensor) -> Tensor:
        """Each coordinate, cut to max_value.

        Args:
            grads: (..., d).

        Returns:
            The same shape.
        """
        most = torch.ones_like(grads) * self.max_value
        return torch.maximum(torch.minimum(grads, most), -most)

    def update(self, params: Tensor, grads: Tensor, state: GradientDescentState) -> tuple[Tensor, GradientDescentState]:
        return params - self.lr * self.clipped(grads), state
