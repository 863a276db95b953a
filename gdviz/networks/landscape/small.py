"""A network that is small enough for its whole Hessian, as a loss of one vector, many networks at once."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from gdviz.hyperparameters import as_tensor, whole


def tanh_loss(inputs: Any, targets: Any, units: int) -> Callable[[Tensor], Tensor]:
    """f(w) = 1/n sum_i (c tanh(a x_i + b) + d - y_i)^2: the mean squared error of a network of one hidden layer

    The vector w is a, b, c (of `units` each) and d, as parameters_to_vector has them of
    nn.Sequential(nn.Linear(1, units), nn.Tanh(), nn.Linear(units, 1)). losses_at takes any network; this is several
    times as fast where a sweep makes many small ones at once.

    Args:
        inputs: x, (n,).
        targets: y, (n,).
        units: of the hidden layer.

    Returns:
        The loss: (..., 3 units + 1) -> (...).

    Raises:
        ValueError: x and y that are not two vectors of the same length, weights of another number.

    Example:
        >>> loss = tanh_loss([-1.0, 1.0], [-3.0, 3.0], units=1)
        >>> round(loss(torch.tensor([9.0, 0.0, 3.0, 0.0]).double()).item(), 6)
        0.0
    """
    units = whole("units", units)
    x, y = as_tensor(inputs).double(), as_tensor(targets).double()
    if x.ndim != 1 or x.shape != y.shape or not len(x):
        raise ValueError(f"inputs and targets must both be (n,), got {tuple(x.shape)} and {tuple(y.shape)}")

    def loss(weights: Tensor) -> Tensor:
        if weights.shape[-1] != 3 * units + 1:
            raise ValueError(f"weights must be (..., {3 * units + 1}) for {units} units; got {tuple(weights.shape)}")
        a, b, c, d = weights[..., None, :].split([units, units, units, 1], -1)
        hidden = torch.tanh(a * x[:, None] + b)  # (..., n, units)
        return ((hidden * c).sum(-1) + d[..., 0] - y).square().mean(-1)

    return loss
