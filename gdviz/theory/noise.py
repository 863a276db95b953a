"""What the formulas say of noisy gradients: their covariance, and the ball in which they keep the descent."""

from typing import Any

import torch
from torch import Tensor

from gdviz.hyperparameters import as_tensor, in_range, whole
from gdviz.minibatches import Minibatches
from gdviz.minibatches.losses import of_each_example, refuse_no_data, refuse_other_data
from gdviz.surfaces import Surface


def example_gradients(loss: Any, params: Any) -> Tensor:
    """g_i, the gradient of each example's loss; their mean is that of the full batch.

    Args:
        loss: of data, such as surfaces.linear_model(data): has `examples` (n) and `example_loss`.
        params: (..., d).

    Returns:
        (..., n, d), float64.

    Raises:
        TypeError: a loss without data.
        ValueError: params without an axis.

    Example:
        >>> from gdviz import data, surfaces
        >>> line = surfaces.linear_model(data.toy_line(30))
        >>> tuple(example_gradients(line, [1.0, 0.0]).shape)
        (30, 2)
    """
    refuse_no_data(loss)
    params = as_tensor(params).detach().double()
    if params.ndim == 0:
        raise ValueError(f"params must have shape (..., d), got {params.item()}; one parameter is [3.0]")
    each = params[..., None, :].expand(*params.shape[:-1], loss.examples, params.shape[-1]).clone().requires_grad_()
    with torch.enable_grad():
        total = of_each_example(loss, each, torch.arange(loss.examples)[:, None]).sum()  # params of its own for each
    return torch.autograd.grad(total, each)[0]


def gradient_covariance(loss: Any, params: Any, batches: Minibatches) -> Tensor:
    """S / B with S = 1/n sum_i (g_i - g)(g_i - g)^T; without replacement times (n - B) / (n - 1), which is 0 for B = n

    The covariance of the mean gradient of one minibatch, predicted from the gradients g_i of all examples and their
    mean g. Of the sum it is B^2 times that. B is the batch size, also where the last batch is smaller.

    Args:
        loss: of data.
        params: (..., d).
        batches: the Minibatches.

    Returns:
        (..., d, d).

    Raises:
        TypeError: a loss without data.
        ValueError: Minibatches of another number of examples.

    Example:
        >>> from gdviz import data, surfaces
        >>> line, chance = surfaces.linear_model(data.toy_line(30)), torch.Generator().manual_seed(0)
        >>> bool((gradient_covariance(line, [1.0, 0.0], Minibatches(30, 30, generator=chance)) == 0).all())
        True

    Reference: Cochran 1977, theorem 2.2.
    """
    refuse_other_data(loss, batches)
    gradients = example_gradients(loss, params)
    away = gradients - gradients.mean(-2, keepdim=True)
    drawn_from = 1.0 if batches.replacement else (batches.n - batches.batch_size) / max(batches.n - 1, 1)
    return drawn_from / batches.batch_size * away.mT @ away / batches.n


def covariance(cloud: Any) -> Tensor:
    """1/(k - 1) sum_j (w_j - mean)(w_j - mean)^T over the k points of a cloud

    Args:
        cloud: (..., k, d), 2 points or more.

    Returns:
        (..., d, d).

    Raises:
        ValueError: fewer points, or another shape.

    Example:
        >>> covariance([[0.0, 0.0], [2.0, 0.0]]).tolist()
        [[2.0, 0.0], [0.0, 0.0]]
    """
    cloud = as_tensor(cloud).detach().double()
    if cloud.ndim < 2 or cloud.shape[-2] < 2:
        raise ValueError(f"a cloud has the shape (..., points, d) with 2 points or more, got {tuple(cloud.shape)}")
    away = cloud - cloud.mean(-2, keepdim=True)
    return away.mT @ away / (cloud.shape[-2] - 1)


def ball(hessian: Any, covariance: Any, lr: Any, momentum: Any = 0.0) -> Tensor:
    """Sigma = A Sigma A^T + Q: the covariance of w in the long run, on a quadratic with this Hessian H and noise C

    A is one step of (w, velocity) without noise, Q the noise of one step. Along a direction of curvature lambda, for
    one gradient's variance s2 and batch size B, this is lr s2 (1 + momentum) / (B lambda (1 - momentum) (2 (1 +
    momentum) - lr lambda)). Exact where the noise is the same everywhere and fresh at every step.

    Args:
        hessian: (..., d, d), symmetric.
        covariance: (..., d, d), of the gradient noise at the minimum.
        lr: (...), that of Momentum; it broadcasts against the leading axes (no last axis of 1).
        momentum: likewise.

    Returns:
        (..., d, d); NaN where the step diverges or rests, or a direction has no curvature to hold it.

    Raises:
        ValueError: other shapes, a matrix that is not symmetric, a number out of range.

    Example:
        >>> ball([[1.0]], [[3.0]], lr=0.5).tolist()  # 0.5 * 3 / (2 - 0.5)
        [[1.0]]

    Reference: Mandt, Hoffman & Blei 2017, eq. 13.
    """
    H, C, lr, beta = (as_tensor(value).detach().double() for value in (hessian, covariance, lr, momentum))
    in_range("lr", lr)
    in_range("momentum", beta)
    if H.ndim < 2 or H.shape[-2:] != C.shape[-2:] or H.shape[-1] != H.shape[-2]:
        raise ValueError(f"hessian and covariance must both be (..., d, d), got {tuple(H.shape)} and {tuple(C.shape)}")
    if not (torch.isfinite(H).all() and torch.allclose(H, H.mT) and torch.allclose(C, C.mT, equal_nan=True)):
        raise ValueError("hessian and covariance must be symmetric, and the hessian finite")
    d, lr, beta = H.shape[-1], lr[..., None, None], beta[..., None, None]
    one = torch.eye(d, dtype=torch.float64)
    blocks = torch.broadcast_tensors(one - lr * H, -lr * beta * one, H, beta * one, lr**2 * C, -lr * C, C)
    stay, drift, push, fade, Q_w, Q_wv, Q_v = blocks
    A = torch.cat([torch.cat([stay, drift], -1), torch.cat([push, fade], -1)], -2)
    Q = torch.cat([torch.cat([Q_w, Q_wv], -1), torch.cat([Q_wv, Q_v], -1)], -2)
    stable = torch.linalg.eigvals(A).abs().amax(-1)[..., None, None] < 1
    A = A.where(stable, 0.0)
    both = torch.einsum("...ij,...kl->...ikjl", A, A).flatten(-4, -3).flatten(-2)  # vec(A S A^T) = (A kron A) vec(S)
    still = torch.eye(4 * d * d, dtype=torch.float64) - both
    solved = torch.linalg.solve(still, Q.flatten(-2)[..., None]).reshape(Q.shape)
    return solved[..., :d, :d].where(stable, torch.nan)


def averaged(params: Any, since: int = 0) -> Tensor:
    """1/(t - since + 1) sum_{k = since}^{t} w_k from step `since` on, and w_t before

    The average of the iterates so far.

    Args:
        params: (steps + 1, *runs, d), such as trajectory.params.
        since: the first step of the average.

    Returns:
        (steps + 1, *runs, d).

    Raises:
        ValueError: a step that is not there.

    Example:
        >>> averaged([[4.0], [2.0], [0.0]]).flatten().tolist()
        [4.0, 3.0, 2.0]

    Reference: Polyak & Juditsky 1992.
    """
    params = as_tensor(params).detach()
    since = whole("since", since, 0, len(params) - 1)
    tail = params[since:].cumsum(0)
    counts = torch.arange(1, len(tail) + 1, dtype=params.dtype).reshape(-1, *[1] * (params.ndim - 1))
    return torch.cat([params[:since], tail / counts])


def lowest_valley(surface: Surface) -> tuple[float, float]:
    """The two ends of the valley of the lowest minimum of a loss of one parameter: the nearest maxima in the window.

    Args:
        surface: of one parameter.

    Returns:
        Its left and its right end.

    Example:
        >>> from gdviz.surfaces import double_well
        >>> left, right = lowest_valley(double_well(0.1))
        >>> left < 0 < right
        True
    """
    w = torch.linspace(*surface.xlim, 2001, dtype=torch.float64)
    losses = surface(w[:, None])
    best = min(surface.minima, key=lambda place: float(surface(torch.tensor(place, dtype=torch.float64))))[0]
    higher = (losses[1:-1] >= losses[:-2]) & (losses[1:-1] >= losses[2:])
    tops = torch.cat([w[:1], w[1:-1][higher], w[-1:]])
    return float(tops[tops < best].max()), float(tops[tops > best].min())
