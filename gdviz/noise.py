"""The noise of a gradient: its covariance, the ball that it keeps the descent in, and averaging it away."""

from collections.abc import Callable
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import torch
from torch import Tensor

from gdviz.hyperparameters import as_tensor, in_range
from gdviz.minibatches import (
    Minibatches,
    axes_of_runs,
    generator_of,
    of_each_example,
    refuse_no_data,
    refuse_other_data,
    seed_from,
)


@dataclass(frozen=True, eq=False)
class NoisyLoss:
    """What `noisy_loss` returns: f(params, step), with the axes of runs that minimize asks it for."""

    loss: Callable[[Tensor], Tensor]
    deviation: Tensor
    runs: tuple[int, ...]
    seed: int

    @property
    def examples(self) -> int:
        """How many examples one gradient of the loss touches."""
        return getattr(self.loss, "examples", 1)

    def __call__(self, params: Tensor, step: int) -> Tensor:
        shape, generator = (*self.runs, params.shape[-1]), generator_of(self.seed, step)
        noise = self.deviation * torch.randn(shape, generator=generator, dtype=torch.float64)
        return self.loss(params) + (noise.to(params.dtype) * params).sum(-1)


def noisy_loss(
    loss: Callable[[Tensor], Tensor], variance: Any, *, runs: int | tuple[int, ...] = (), generator: torch.Generator
) -> NoisyLoss:
    """f(w, step) = loss(w) + xi . w with xi ~ N(0, variance I): a loss whose gradient has noise xi, the same everywhere

    variance: of each coordinate, 0 or more, for a minibatch s2 / B; a tensor broadcasts against (*runs, d).
    runs: sizes of the axes of runs, each with noise of its own; an axis of size 1 shares it.
    generator: a torch.Generator of the CPU. One number is drawn from it now; f(w, step) is the same at every call.
    """
    if not callable(loss):
        raise TypeError(f"loss must be a function of params (..., d), got {loss!r}")
    try:
        deviation = as_tensor(variance).detach().double().sqrt()
    except (TypeError, ValueError, RuntimeError) as error:
        raise TypeError(f"variance must be a number or a tensor of them, 0 or more, got {variance!r}") from error
    if deviation.numel() == 0 or not bool(torch.isfinite(deviation).all()):
        raise ValueError(f"variance must be 0 or more and finite, got {variance!r}")
    return NoisyLoss(loss, deviation, axes_of_runs(runs), seed_from(generator))


def example_gradients(loss: Any, params: Any) -> Tensor:
    """g_i, the gradient of each example's loss at params (..., d): (..., n, d); the mean is that of the full batch.

    loss: of data, such as surfaces.linear_model(data): has `examples` (n) and `example_loss`. float64.
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

    The covariance of the mean gradient of one minibatch at params (..., d), predicted from the gradients g_i of all
    examples and their mean g: (..., d, d). Of the sum it is B^2 times that. B is the batch size, also where the last
    batch is smaller. Reference: Cochran 1977, theorem 2.2.
    """
    refuse_other_data(loss, batches)
    gradients = example_gradients(loss, params)
    away = gradients - gradients.mean(-2, keepdim=True)
    drawn_from = 1.0 if batches.replacement else (batches.n - batches.batch_size) / max(batches.n - 1, 1)
    return drawn_from / batches.batch_size * away.mT @ away / batches.n


def covariance(cloud: Any) -> Tensor:
    """1/(k - 1) sum_j (w_j - mean)(w_j - mean)^T over the k points of a cloud (..., k, d), 2 or more: (..., d, d)."""
    cloud = as_tensor(cloud).detach()
    if cloud.ndim < 2 or cloud.shape[-2] < 2:
        raise ValueError(f"a cloud has the shape (..., points, d) with 2 points or more, got {tuple(cloud.shape)}")
    away = cloud - cloud.mean(-2, keepdim=True)
    return away.mT @ away / (cloud.shape[-2] - 1)


def ball(hessian: Any, covariance: Any, lr: Any, momentum: Any = 0.0) -> Tensor:
    """Sigma = A Sigma A^T + Q: the covariance of w in the long run, on a quadratic with this Hessian H and noise C

    hessian, covariance (..., d, d): of the gradient noise at the minimum; lr and momentum (...) are those of Momentum
    and broadcast against the leading axes (no last axis of 1). A is one step of (w, velocity) without noise, Q the
    noise of one step.
    Along a direction of curvature lambda, for one gradient's variance s2 and batch size B, this is
    lr s2 (1 + momentum) / (B lambda (1 - momentum) (2 (1 + momentum) - lr lambda)). NaN where the step diverges or
    rests, or a direction has no curvature to hold it.
    Exact where the noise is the same everywhere and fresh at every step. Reference: Mandt, Hoffman & Blei 2017, eq. 13.
    """
    H, C, lr, beta = (as_tensor(value).detach().double() for value in (hessian, covariance, lr, momentum))
    in_range("lr", lr), in_range("momentum", beta)
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
    """1/(t - since + 1) sum_{k = since}^{t} w_k from step `since` on, and w_t before: (steps + 1, *runs, d)

    The average of the iterates so far, for params (steps + 1, *runs, d), such as trajectory.params. Reference: Polyak &
    Juditsky 1992.
    """
    params = as_tensor(params).detach()
    if isinstance(since, bool) or not isinstance(since, Integral) or not 0 <= since < len(params):
        raise ValueError(f"since must be a step of the {len(params) - 1}, 0 or more, got {since!r}")
    tail = params[since:].cumsum(0)
    counts = torch.arange(1, len(tail) + 1, dtype=params.dtype).reshape(-1, *[1] * (params.ndim - 1))
    return torch.cat([params[:since], tail / counts])
