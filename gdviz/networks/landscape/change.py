"""How much the gradient of a network, and its output, change along a step."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from gdviz.hyperparameters import in_range
from gdviz.networks.inputs import Loss, check_training, copied
from gdviz.networks.landscape.directions import weights_of
from gdviz.networks.pairs import checked_pair


def gradient_change(model: nn.Module, loss: Loss, data: tuple[Any, Any], rates: Any) -> Tensor:
    """||grad J(w - lr g) - g|| / ||g|| for each rate lr, where g = grad J(w): the change of the gradient along a step

    How much of its gradient a step uses up: 0 on a plane, lr * lambda along a direction of curvature
    lambda of a quadratic. The model is taken in train mode, where batch normalisation uses the means of these data, and
    stays as it is.

    Args:
        model: as for fit.
        loss: as for fit.
        data: as for fit.
        rates: 0 or more; a number is one of them.

    Returns:
        (rates,), 0 where g is 0.

    Raises:
        ValueError: rates out of their range, and what fit refuses.

    Example:
        >>> from torch.nn.functional import mse_loss
        >>> model, x = nn.Linear(1, 1, bias=False).double(), torch.ones(4, 1).double()
        >>> [round(change, 6) for change in gradient_change(model, mse_loss, (x, 3 * x), [0.0, 0.25]).tolist()]
        [0.0, 0.5]

    Reference: Santurkar, Tsipras, Ilyas & Madry 2018, section 3.1, who do not divide by the length of g.
    """
    rates = in_range("lr", rates).flatten()
    inputs, targets = checked_pair(model, loss, data, trains=True)
    still, w = copied(model).train().requires_grad_(), weights_of(model)

    def gradient(weights: Tensor) -> Tensor:
        torch.manual_seed(0)  # dropout drops the same units each time
        vector_to_parameters(weights, still.parameters())
        value, parameters = loss(still(inputs), targets), list(still.parameters())
        return parameters_to_vector(torch.autograd.grad(value, parameters, materialize_grads=True))

    with torch.random.fork_rng(devices=[]):
        g = gradient(w)
        change = torch.stack([(gradient(w - lr * g) - g).norm() for lr in rates])
    return change / g.norm() if g.norm() > 0 else change


def output_change(
    model: nn.Module, loss: Loss, data: tuple[Any, Any], optimizer: Callable[[nn.Module], torch.optim.Optimizer]
) -> float:
    """mean |f_1(x) - f_0(x)|: by how much the outputs change in the first step of an optimizer

    Args:
        model: as for fit; it stays as it is.
        loss: as for fit.
        data: as for fit, one batch.
        optimizer: makes the optimizer of a model, such as lambda model: Adam(model.parameters(), lr=0.001).

    Returns:
        The mean over examples and outputs.

    Raises:
        ValueError: what fit refuses.

    Example:
        >>> from torch.nn.functional import mse_loss
        >>> model, h = nn.Linear(64, 1).double(), torch.ones(1, 64).double()
        >>> def adam(model):
        ...     return torch.optim.Adam([model.weight], lr=0.001)
        >>> round(output_change(model, mse_loss, (h, torch.tensor([[9.0]]).double()), adam), 6)
        0.064
    """
    inputs, targets = checked_pair(model, loss, data, trains=True)
    moved = copied(model).train()
    stepping = optimizer(moved)
    check_training(moved, stepping)
    with torch.random.fork_rng(devices=[]):
        before = moved(inputs)
        loss(before, targets).backward()
        stepping.step()
        with torch.no_grad():
            return float((moved(inputs) - before).abs().mean())
