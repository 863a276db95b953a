"""A slice through the loss of a network: a plane in the space of its weights, as a Surface."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from gdviz.doors.calls import called
from gdviz.hyperparameters import in_range
from gdviz.networks.inputs import Loss, copied
from gdviz.networks.pairs import checked_pair
from gdviz.numbers import as_tensor
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

    model, loss, data: as for training.fit; the model is evaluated in eval mode, on all the data. directions: d_1 and
    d_2, (2, parameters), such as those of random_directions or principal_directions. xlim, ylim: the window
    of a and b; that of a path must hold it.
    The surface is differentiable and takes any batch (..., 2). Its minimum is not known: `minima` is empty.
    Refused: what training.fit refuses of model, loss and data; weights or directions that are not finite, directions of
    another size.
    """
    theta = _weights(model)
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

    model, loss, data: as for training.fit; evaluated in eval mode on all the data, with a gradient: CHUNK networks at
    once, or one after the other where torch.func cannot (recurrent layers, .item(), a branch on a value). Dropout that
    is on in eval mode, too, drops the same units everywhere, and buffers stay as they are now.
    It keeps a copy of the model, and stays when that is trained on.
    Refused: a model that torch.func cannot give other weights, or that gives another loss at each call.
    """
    theta = _weights(model)
    inputs, targets = checked_pair(model, loss, data)
    output = _output_of(model, inputs)
    return _many(lambda weights: loss(output(weights), targets), theta, model)


def outputs_at(model: nn.Module, inputs: Tensor) -> Callable[[Any], Tensor]:
    """f(weights) = what the model gives for inputs (n, ...) with other weights, as losses_at: (..., n, outputs)"""
    theta = _weights(model)
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


def random_directions(model: nn.Module, *, generator: torch.Generator, normalize: bool = True) -> Tensor:
    """Two directions with normal entries; d <- d ||theta_f|| / ||d_f|| for each filter f, 0 for biases: (2, parameters)

    A filter is what one unit of a layer weighs its inputs with: a row of a matrix, or a convolution's kernels for one
    channel. What has one dimension, biases and the parameters of batch normalisation, stays as it is (0).
    normalize: False leaves the entries of the filters normal, and the picture then depends on the scale of the layers.
    Reference: Li, Xu, Taylor, Studer & Goldstein 2018, Visualizing the loss landscape of neural nets, section 4.
    """
    _weights(model)
    if not isinstance(generator, torch.Generator):
        raise TypeError(f"generator must be a torch.Generator, torch.Generator().manual_seed(0), got {generator!r}")
    both = []
    for _ in range(2):
        parts = []
        for p in model.parameters():
            d = torch.randn(p.shape, generator=generator, dtype=torch.float64).to(p.dtype)
            if normalize and p.ndim > 1:
                scale = p.detach().flatten(1).norm(dim=1) / d.flatten(1).norm(dim=1)
                d = d * scale.reshape(-1, *[1] * (p.ndim - 1))
            parts.append(d.flatten() if p.ndim > 1 else torch.zeros(p.numel(), dtype=p.dtype))
        both.append(torch.cat(parts))
    return torch.stack(both)


def principal_directions(path: Any) -> tuple[Tensor, Tensor]:
    """The two directions of length 1 along which a path (k, parameters) varies most, and their shares of its variance

    Those of the differences to the last point, as the paper takes them: (2, parameters) and (2,). Reference: Li et al.
    2018, section 7.
    Refused: fewer than 3 points, what is not finite, a path that does not leave a line by more than rounding.
    """
    given = path_of(path)
    path, rounding = given.double(), 10 * len(given) ** 0.5 * torch.finfo(given.dtype).eps * float(given.abs().max())
    away = (path - path[-1])[:-1]
    _, lengths, directions = torch.linalg.svd(away, full_matrices=False)
    if len(lengths) < 2 or lengths[1] <= rounding:
        raise ValueError("the path does not leave a line; record more steps")
    return directions[:2], lengths[:2] ** 2 / (lengths**2).sum()


def project(path: Any, model: nn.Module, directions: Any) -> Tensor:
    """The points of a path (k, parameters) in the plane through the weights of the model: (k, 2), by least squares."""
    path, theta, directions = path_of(path).double(), _weights(model).double(), as_tensor(directions).double()
    if path.shape[1:] != theta.shape or directions.shape != (2, len(theta)) or not torch.isfinite(directions).all():
        given = f"{tuple(path.shape)} and {tuple(directions.shape)}"
        raise ValueError(f"path must be (k, {len(theta)}) and directions (2, {len(theta)}), finite; got {given}")
    return torch.linalg.lstsq(directions.T, (path - theta).T).solution.T


def window(path: Any) -> dict[str, Window]:
    """xlim and ylim that hold a projected path (k, 2), with a quarter of its width and height on each side."""
    path = path_of(path)
    ends = zip(path.amin(0).tolist(), path.amax(0).tolist())
    limits = [
        (low - (high - low) / 4, high + (high - low) / 4) if high > low else (low - 1, low + 1) for low, high in ends
    ]
    return dict(zip(("xlim", "ylim"), limits))


def gradient_change(model: nn.Module, loss: Loss, data: tuple[Any, Any], rates: Any) -> Tensor:
    """||grad J(w - lr g) - g|| / ||g|| for each rate lr, where g = grad J(w): the change of the gradient along a step

    How little of a step's gradient is left after the step: 0 on a plane, lr * lambda along a direction of curvature
    lambda of a quadratic. model, loss, data: as for training.fit; the model is taken in train mode, where batch
    normalisation uses the means of these data, and stays as it is. rates: 0 or more; a number is one of them.
    Returns (rates,), 0 where g is 0.
    Reference: Santurkar, Tsipras, Ilyas & Madry 2018, section 3.1, who do not divide by the length of g.
    """
    rates = in_range("lr", rates).flatten()
    inputs, targets = checked_pair(model, loss, data, trains=True)
    still, w = copied(model).train().requires_grad_(), _weights(model)

    def gradient(weights: Tensor) -> Tensor:
        torch.manual_seed(0)  # dropout drops the same units each time
        vector_to_parameters(weights, still.parameters())
        value, parameters = loss(still(inputs), targets), list(still.parameters())
        return parameters_to_vector(torch.autograd.grad(value, parameters, materialize_grads=True))

    with torch.random.fork_rng(devices=[]):
        g = gradient(w)
        change = torch.stack([(gradient(w - lr * g) - g).norm() for lr in rates])
    return change / g.norm() if g.norm() > 0 else change


def path_of(path: Any) -> Tensor:
    """A list of weights, such as history.weights, as (k, parameters)."""
    try:
        path = torch.stack([as_tensor(point) for point in path]).detach() if len(path) else path
    except (TypeError, ValueError, RuntimeError) as error:
        given = f"got {type(path).__name__}: {error}"
        raise TypeError(f"a path is numbers (k, parameters), such as history.weights; {given}") from error
    if len(path) == 0:
        raise ValueError("the path is empty; fit(..., record=10) keeps the weights of every tenth step")
    if path.ndim != 2 or not path.is_floating_point():
        raise ValueError(f"a path is numbers (k, parameters); got {path.dtype} of shape {tuple(path.shape)}")
    if not bool(torch.isfinite(path).all()):
        raise ValueError("the path has points that are not finite; train anew with a smaller learning rate")
    return path


def _weights(model: nn.Module) -> Tensor:
    if not isinstance(model, nn.Module) or not list(model.parameters()):
        raise ValueError(f"a slice needs a torch.nn.Module with parameters, got {type(model).__name__}")
    theta = parameters_to_vector(model.parameters()).detach().clone()
    if not bool(torch.isfinite(theta).all()):
        raise ValueError("the model has weights that are not finite; train it anew with a smaller learning rate")
    return theta
