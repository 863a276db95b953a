"""A slice through the loss of a network: a plane in the space of its weights, as a Surface."""

import copy
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap
from torch.nn.utils import parameters_to_vector

from gdviz.hyperparameters import as_tensor
from gdviz.surfaces import Surface, Window
from gdviz.training import Loss, examples_of

CHUNK = 32  # networks that are evaluated at once


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
    Refused: weights or directions that are not finite, directions of another size.
    """
    inputs, targets = examples_of(model, data)
    still = copy.deepcopy(model).eval()  # the slice stays when the model is trained on
    theta, directions = _weights(still), as_tensor(directions).detach()
    if directions.shape != (2, len(theta)) or not bool(torch.isfinite(directions).all()):
        raise ValueError(f"directions must be finite and (2, {len(theta)}), got shape {tuple(directions.shape)}")
    directions = directions.to(theta.dtype)
    names, shapes = zip(*[(name, p.shape) for name, p in still.named_parameters()])
    sizes = [shape.numel() for shape in shapes]

    def at(weights: Tensor) -> Tensor:
        parts = {name: part.view(shape) for name, part, shape in zip(names, weights.split(sizes), shapes)}
        return loss(functional_call(still, parts, (inputs,)), targets)

    def fn(params: Tensor) -> Tensor:
        weights = theta + params.to(theta.dtype).reshape(-1, 2) @ directions
        return vmap(at, chunk_size=CHUNK)(weights).reshape(params.shape[:-1]).to(params.dtype)

    return Surface(fn, xlim, ylim, (0.0, 0.0), (), "slice of the loss", len(inputs))


def random_directions(model: nn.Module, *, generator: torch.Generator, normalize: bool = True) -> Tensor:
    """Two directions with normal entries; d <- d ||theta_f|| / ||d_f|| for each filter f, 0 for biases: (2, parameters)

    A filter is what one unit of a layer weighs its inputs with: a row of a matrix, or a convolution's kernels for one
    channel. What has one dimension, biases and the parameters of batch normalisation, stays as it is (0).
    normalize: False leaves the entries of the filters normal, and the picture then depends on the scale of the layers.
    Reference: Li, Xu, Taylor, Studer & Goldstein 2018, Visualizing the loss landscape of neural nets, section 4.
    """
    _weights(model)
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
    Refused: fewer than 3 points, what is not finite, a path that does not move in two directions.
    """
    path = path_of(path)
    away = (path - path[-1])[:-1]
    _, lengths, directions = torch.linalg.svd(away, full_matrices=False)
    if len(lengths) < 2 or lengths[1] <= 1e-12 * lengths[0]:
        raise ValueError("the path does not leave a line; record more steps")
    return directions[:2], lengths[:2] ** 2 / (lengths**2).sum()


def project(path: Any, model: nn.Module, directions: Any) -> Tensor:
    """The points of a path (k, parameters) in the plane through the weights of the model: (k, 2), by least squares."""
    path, directions = path_of(path), as_tensor(directions)
    theta = _weights(model).to(path.dtype)
    return torch.linalg.lstsq(directions.to(path.dtype).T, (path - theta).T).solution.T


def path_of(path: Any) -> Tensor:
    """A list of weights, such as history.weights, as (k, parameters)."""
    path = (torch.stack(list(path)) if isinstance(path, list | tuple) else as_tensor(path)).detach().double()
    if path.ndim != 2 or len(path) < 3 or not bool(torch.isfinite(path).all()):
        raise ValueError(f"a path is (k, parameters), finite, with 3 points or more; got {tuple(path.shape)}")
    return path


def _weights(model: nn.Module) -> Tensor:
    theta = parameters_to_vector(model.parameters()).detach().clone()
    if not bool(torch.isfinite(theta).all()):
        raise ValueError("the model has weights that are not finite; train it anew with a smaller learning rate")
    return theta
