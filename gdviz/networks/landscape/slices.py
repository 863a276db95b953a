"""A slice through the loss of a network, as a Surface, and the loss with other weights."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from gdviz.doors.calls import called
from gdviz.hyperparameters import as_tensor
from gdviz.networks.inputs import Loss, copied
from gdviz.networks.landscape.directions import weights_of
from gdviz.networks.pairs import checked_pair
from gdviz.surfaces import Surface, Window

CHUNK = 32  # networks that are evaluated at once, where torch can


def plane(
    model: nn.Module,
    loss: Loss,
    data: tuple[Any, Any],
    directions: Any,
    *,
    xlim: Window = (-1.0, 1.0),
    ylim: Window = (-1.0, 1.0),
) -> Surface:
    """f(a, b) = loss at theta + a d_1 + b d_2, where theta are the weights that the model has now

    The surface is differentiable and takes any batch (..., 2). Its minimum is not known: `minima` is empty. The model
    is evaluated in eval mode, on all the data.

    Args:
        model: as for fit.
        loss: as for fit.
        data: as for fit.
        directions: d_1 and d_2, (2, parameters), such as those of random_directions or principal_directions.
        xlim: the window of a; that of a path must hold it.
        ylim: the window of b.

    Returns:
        The surface.

    Raises:
        ValueError: what fit refuses of model, loss and data; weights or directions that are not finite, directions of
            another size.

    Example:
        >>> from torch.nn.functional import mse_loss
        >>> model, x = nn.Linear(1, 1).double(), torch.linspace(-1, 1, 9).double()[:, None]
        >>> slice_ = plane(model, mse_loss, (x, 2 * x), torch.eye(2))
        >>> here = slice_(torch.zeros(2, dtype=torch.float64))
        >>> bool(torch.isclose(here, mse_loss(model(x), 2 * x)))
        True
    """
    theta = weights_of(model)
    along, of = as_tensor(directions).detach(), losses_at(model, loss, data)
    if along.shape != (2, len(theta)) or not bool(torch.isfinite(along).all()):
        raise ValueError(f"directions must be finite and (2, {len(theta)}), got shape {tuple(along.shape)}")
    along = along.to(theta)

    def fn(params: Tensor) -> Tensor:
        losses = of(theta + params.to(theta) @ along)
        return losses.to(params) if params.is_floating_point() else losses

    return Surface(fn, xlim, ylim, (0.0, 0.0), (), "slice of the loss", len(data[1]))


def losses_at(model: nn.Module, loss: Loss, data: tuple[Any, Any]) -> Callable[[Any], Tensor]:
    """f(weights) = the loss of the model with other weights: (..., parameters), or a list of such -> (...)

    Evaluated in eval mode on all the data, with a gradient: many networks at once, or one after the other where
    torch.func cannot (recurrent layers, .item(), a branch on a value). Dropout that is on in eval mode, too, drops the
    same units everywhere, and buffers stay as they are now. It keeps a copy of the model, so it stays as it is when the
    model is trained further.

    Args:
        model: as for fit.
        loss: as for fit.
        data: as for fit.

    Returns:
        The function.

    Raises:
        ValueError: a model that torch.func cannot give other weights, or that gives another loss at each call.

    Example:
        >>> from torch.nn.functional import mse_loss
        >>> model, x = nn.Linear(1, 1), torch.tensor([[1.0], [2.0]])
        >>> float(losses_at(model, mse_loss, (x, 3 * x))(torch.tensor([3.0, 0.0])))
        0.0
    """
    theta = weights_of(model)
    inputs, targets = checked_pair(model, loss, data)
    output = _output_of(model, inputs)
    return _many(lambda weights: loss(output(weights), targets), theta, model)


def outputs_at(model: nn.Module, inputs: Tensor) -> Callable[[Any], Tensor]:
    """f(weights) = what the model gives for inputs with other weights, as losses_at

    Args:
        model: as for fit.
        inputs: (n, ...).

    Returns:
        The function: (..., parameters) -> (..., n, outputs).

    Example:
        >>> outputs_at(nn.Linear(1, 1), torch.tensor([[2.0]]))(torch.tensor([3.0, 1.0])).tolist()
        [[7.0]]
    """
    theta = weights_of(model)
    return _many(_output_of(model, inputs), theta, model)


def _output_of(model: nn.Module, inputs: Tensor) -> Callable[[Tensor], Tensor]:
    """The output of a still copy of the model with the weights of one vector."""
    still = copied(model).eval()
    for part in still.modules():
        if hasattr(part, "sparse"):
            setattr(part, "sparse", False)  # noqa: B010  a gradient along a plane is not sparse; torch types it as a tensor
    names, shapes = zip(*[(name, p.shape) for name, p in still.named_parameters()])
    sizes = [shape.numel() for shape in shapes]

    def output(weights: Tensor) -> Tensor:
        parts = {name: part.view(shape) for name, part, shape in zip(names, weights.split(sizes), shapes)}
        buffers = {name: buffer.clone() for name, buffer in still.named_buffers()}  # which forward may change
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            return functional_call(still, parts | buffers, (inputs,))

    return output


def _many(one: Callable[[Tensor], Tensor], theta: Tensor, model: nn.Module) -> Callable[[Any], Tensor]:
    """A function of one vector of weights as one of any batch of them; theta: a vector to try it on."""
    every = _every(one, theta, model)

    def fn(weights: Any) -> Tensor:
        weights = torch.stack(list(weights)) if isinstance(weights, list | tuple) else as_tensor(weights)
        if weights.shape[-1:] != theta.shape:
            raise ValueError(f"weights must be (..., {len(theta)}), as the model has; got {tuple(weights.shape)}")
        if weights.ndim == 1:
            return one(weights)  # as it is written: what follows its operations sees these and no others
        flat = weights.reshape(-1, weights.shape[-1])
        found = every(flat) if len(flat) else flat.sum(-1)
        return found.reshape(weights.shape[:-1] + found.shape[1:])

    return fn


def _every(one: Callable[[Tensor], Tensor], theta: Tensor, model: nn.Module) -> Callable[[Tensor], Tensor]:
    """One for each row: by vmap where it gives the same, else one after the other."""

    def by_turns(rows: Tensor) -> Tensor:
        return torch.stack([one(row) for row in rows])

    at_once, pair = vmap(one, chunk_size=CHUNK, randomness="same"), torch.stack([theta, theta])
    with torch.no_grad():
        wanted = called(f"the {type(model).__name__}", "with its weights as one vector", by_turns, pair)
        if not torch.allclose(*wanted, equal_nan=True):
            name = type(model).__name__
            raise ValueError(f"the {name} gives another output at each call; a slice needs one of its weights alone")
        try:
            same = torch.allclose(at_once(pair), wanted, rtol=1e-3, atol=1e-5, equal_nan=True)
        except Exception:  # what torch.func cannot do
            same = False
    return at_once if same else by_turns
