"""What the formulas predict: factors, limits, conventions and the ball in which noise keeps the descent."""

from typing import Any

import torch
from torch import Tensor

from gdviz.descent import Trajectory
from gdviz.hyperparameters import Hyperparameter, in_range
from gdviz.minibatches import (
    Minibatches,
    of_each_example,
    refuse_no_data,
    refuse_other_data,
)
from gdviz.numbers import as_tensor, whole
from gdviz.surfaces import Surface

MOMENTUM_LR = {  # what lr is multiplied by, to say the same in torch's convention
    "torch": lambda momentum: 1.0,
    "tensorflow": lambda momentum: 1.0,
    "averaged": lambda momentum: 1 - momentum,
}


def convert_lr(lr: Hyperparameter, momentum: Hyperparameter, *, source: str, target: str) -> Hyperparameter:
    """The lr with which the target convention of momentum takes the steps that the source takes, while lr is constant

    "torch": v <- momentum v + g; w <- w - lr v. "tensorflow" (also Sutskever's): v <- momentum v - lr g; w <- w + v.
    "averaged": v <- momentum v + (1 - momentum) g; w <- w - lr v, which needs lr / (1 - momentum) of torch's.
    When lr changes on the way, torch's old velocity follows it at once, tensorflow's does not: no lr makes them equal.
    Reference: the note of torch.optim.SGD; Sutskever et al. 2013.
    """
    for name in (source, target):
        if name not in MOMENTUM_LR:
            raise ValueError(f"a convention of momentum is one of {', '.join(MOMENTUM_LR)}; got {name!r}")
    in_range("lr", lr)
    in_range("momentum", momentum)
    return lr * MOMENTUM_LR[source](momentum) / MOMENTUM_LR[target](momentum)


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
    """1/(t - since + 1) sum_{k = since}^{t} w_k from step `since` on, and w_t before: (steps + 1, *runs, d)

    The average of the iterates so far, for params (steps + 1, *runs, d), such as trajectory.params. Reference: Polyak &
    Juditsky 1992.
    """
    params = as_tensor(params).detach()
    since = whole("since", since, 0, len(params) - 1)
    tail = params[since:].cumsum(0)
    counts = torch.arange(1, len(tail) + 1, dtype=params.dtype).reshape(-1, *[1] * (params.ndim - 1))
    return torch.cat([params[:since], tail / counts])


def heavy_ball_rate(lr: Any, momentum: Any, curvature: Any) -> Tensor:
    """max |sigma|, the larger size of the roots of s^2 - (1 + momentum - lr * curvature) s + momentum = 0

    What a step of the heavy ball leaves of the error along a direction of this curvature, in the long run; above 1 it
    diverges. The arguments broadcast. Reference: Goh 2017, Why momentum really works.
    """
    lr, momentum, curvature = (torch.as_tensor(value, dtype=torch.float64) for value in (lr, momentum, curvature))
    middle = 1 + momentum - lr * curvature
    root = torch.sqrt((middle**2 - 4 * momentum).to(torch.complex128))
    return torch.maximum((middle + root).abs(), (middle - root).abs()) / 2


def effective_rate(trajectory: Trajectory) -> Tensor:
    """What multiplies the gradient (or m_hat) in each coordinate at each step: (steps, *runs, d).

    lr for rules without a scale; lr / (sqrt(G) + eps), lr / (sqrt(v) + eps) or lr / (sqrt(v_hat) + eps) for AdaGrad,
    RMSProp and Adam. Refused: Adadelta, AMSGrad and LBFGS, whose scales are others; a schedule.
    """
    refuse_other_runs("an effective rate", trajectory, object)
    rule: Any = trajectory.rule
    state = trajectory.states
    if {"u", "v_max", "s"} & set(dir(state)):
        raise ValueError(f"the effective rate is that of AdaGrad, RMSProp or Adam, not of {type(rule).__name__}")
    if hasattr(state, "G"):
        scale = state.G[1:].sqrt() + rule.eps
    elif hasattr(state, "t"):
        t = state.t[1:].reshape(-1, *[1] * (state.v.ndim - 1))
        scale = (state.v[1:] / (1 - rule.beta2**t)).sqrt() + rule.eps
    elif hasattr(state, "v"):
        scale = state.v[1:].sqrt() + rule.eps
    else:
        scale = torch.ones_like(trajectory.grads)
    return rule.lr / scale


def lowest_valley(surface: Surface) -> tuple[float, float]:
    """The two ends of the valley of the lowest minimum of a loss of one parameter: the nearest maxima in the window."""
    w = torch.linspace(*surface.xlim, 2001, dtype=torch.float64)
    losses = surface(w[:, None])
    best = min(surface.minima, key=lambda place: float(surface(torch.tensor(place, dtype=torch.float64))))[0]
    higher = (losses[1:-1] >= losses[:-2]) & (losses[1:-1] >= losses[2:])
    tops = torch.cat([w[:1], w[1:-1][higher], w[-1:]])
    return float(tops[tops < best].max()), float(tops[tops > best].min())


def regime(rate: float, largest: float) -> str:
    """What theory says of a rate on a quadratic of this largest curvature L: converges, zig-zags or diverges."""
    if rate * largest < 1:
        return "converges"
    return "zig-zags" if rate * largest < 2 else "diverges"


def refuse_other_runs(what: str, trajectory: Trajectory, rule: type) -> None:
    """Refused at the door: another rule than this, a schedule, no step at all."""
    if isinstance(trajectory.rule, rule) and not trajectory.scheduled and trajectory.steps:
        return
    of = "" if rule is object else f" of {rule.__name__}"
    given = f"{trajectory.steps} steps of {type(trajectory.rule).__name__}{' with a schedule' * trajectory.scheduled}"
    raise ValueError(f"{what} is of a run{of} with a constant rate and at least one step; got {given}")
