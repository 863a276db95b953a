"""Directions in the space of a network's weights, and a path seen in the plane that they span."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parameters_to_vector

from gdviz.hyperparameters import as_tensor
from gdviz.surfaces import Window

CHUNK = 32  # networks that are evaluated at once, where torch can


def random_directions(model: nn.Module, *, generator: torch.Generator, normalize: bool = True) -> Tensor:
    """Two directions with normal entries; d <- d ||theta_f|| / ||d_f|| for each filter f, 0 for biases

    A filter is what one unit of a layer weighs its inputs with: a row of a matrix, or a convolution's kernels for one
    channel. What has one dimension, biases and the parameters of batch normalisation, stays as it is (0).

    Args:
        model: its weights give the lengths.
        generator: of the CPU.
        normalize: False leaves the entries of the filters normal, and the picture then depends on the scale of the
            layers.

    Returns:
        (2, parameters).

    Raises:
        TypeError: generator is not a torch.Generator.
        ValueError: weights that are not finite.

    Example:
        >>> model = nn.Linear(3, 2)
        >>> two = random_directions(model, generator=torch.Generator().manual_seed(0))
        >>> bool(torch.allclose(two[0, :3].norm(), model.weight[0].norm())), two[0, 6:].tolist()
        (True, [0.0, 0.0])

    Reference: Li, Xu, Taylor, Studer & Goldstein 2018, Visualizing the loss landscape of neural nets, section 4.
    """
    weights_of(model)
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
    """The two directions of length 1 along which a path varies most, and their shares of its variance

    Those of the differences to the last point, as the paper takes them.

    Args:
        path: (k, parameters), or a list such as history.weights.

    Returns:
        (2, parameters) and (2,).

    Raises:
        ValueError: fewer than 3 points, what is not finite, a path that does not leave a line by more than rounding.

    Example:
        >>> directions, shares = principal_directions([[0.0, 0, 0], [1, 0, 0], [3, 1, 0], [4, 0, 0]])
        >>> tuple(directions.shape), bool(shares[0] > shares[1])
        ((2, 3), True)

    Reference: Li et al. 2018, section 7.
    """
    given = path_of(path)
    path, rounding = given.double(), 10 * len(given) ** 0.5 * torch.finfo(given.dtype).eps * float(given.abs().max())
    away = (path - path[-1])[:-1]
    _, lengths, directions = torch.linalg.svd(away, full_matrices=False)
    if len(lengths) < 2 or lengths[1] <= rounding:
        raise ValueError("the path does not leave a line; record more steps")
    return directions[:2], lengths[:2] ** 2 / (lengths**2).sum()


def project(path: Any, model: nn.Module, directions: Any) -> Tensor:
    """The points of a path in the plane through the weights of the model, by least squares.

    Args:
        path: (k, parameters).
        model: its weights are the origin.
        directions: (2, parameters).

    Returns:
        (k, 2).

    Raises:
        ValueError: a path or directions of another size.

    Example:
        >>> model = nn.Linear(1, 1)
        >>> here = nn.utils.parameters_to_vector(model.parameters()).detach()
        >>> project([here + torch.tensor([2.0, 3.0])], model, torch.eye(2)).round(decimals=4).tolist()
        [[2.0, 3.0]]
    """
    path, theta, directions = path_of(path).double(), weights_of(model).double(), as_tensor(directions).double()
    if path.shape[1:] != theta.shape or directions.shape != (2, len(theta)) or not torch.isfinite(directions).all():
        given = f"{tuple(path.shape)} and {tuple(directions.shape)}"
        raise ValueError(f"path must be (k, {len(theta)}) and directions (2, {len(theta)}), finite; got {given}")
    return torch.linalg.lstsq(directions.T, (path - theta).T).solution.T


def window(path: Any) -> dict[str, Window]:
    """xlim and ylim that hold a projected path, with a quarter of its width and height on each side.

    Args:
        path: (k, 2).

    Returns:
        The two limits, as keywords for plane.

    Example:
        >>> window(torch.tensor([[0.0, 0.0], [4.0, 8.0]]))
        {'xlim': (-1.0, 5.0), 'ylim': (-2.0, 10.0)}
    """
    path = path_of(path)
    ends = zip(path.amin(0).tolist(), path.amax(0).tolist())
    limits = [
        (low - (high - low) / 4, high + (high - low) / 4) if high > low else (low - 1, low + 1) for low, high in ends
    ]
    return dict(zip(("xlim", "ylim"), limits))


def path_of(path: Any) -> Tensor:
    """A list of weights, such as history.weights, as one tensor.

    Args:
        path: a list of vectors, or a tensor (k, parameters).

    Returns:
        (k, parameters).

    Raises:
        ValueError: another shape.

    Example:
        >>> path_of([torch.zeros(3), torch.ones(3)]).shape
        torch.Size([2, 3])
    """
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


def weights_of(model: nn.Module) -> Tensor:
    """The weights that the model has now, as one vector (parameters,)."""
    if not isinstance(model, nn.Module) or not list(model.parameters()):
        raise ValueError(f"a slice needs a torch.nn.Module with parameters, got {type(model).__name__}")
    theta = parameters_to_vector(model.parameters()).detach().clone()
    if not bool(torch.isfinite(theta).all()):
        raise ValueError("the model has weights that are not finite; train it anew with a smaller learning rate")
    return theta
