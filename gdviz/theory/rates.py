"""What the formulas say of a rate: conventions, factors, what multiplies each gradient."""

from typing import Any

import torch
from torch import Tensor

from gdviz.descent import Loss, Trajectory
from gdviz.hyperparameters import Hyperparameter, as_tensor, in_range, real

MOMENTUM_LR = {  # what lr is multiplied by, to say the same in torch's convention
    "torch": lambda momentum: 1.0,
    "tensorflow": lambda momentum: 1.0,
    "averaged": lambda momentum: 1 - momentum,
}
SCALED = (
    "GradientDescent",
    "Momentum",
    "Nesterov",
    "AdaGrad",
    "RMSProp",
    "Adam",
    "AdamW",
    "SAM",
)  # and rules of one's own


def convert_lr(lr: Hyperparameter, momentum: Hyperparameter, *, source: str, target: str) -> Hyperparameter:
    """The lr with which the target convention of momentum takes the steps that the source takes, while lr is constant

    "torch": v <- momentum v + g; w <- w - lr v. "tensorflow" (also Sutskever's): v <- momentum v - lr g; w <- w + v.
    "averaged": v <- momentum v + (1 - momentum) g; w <- w - lr v, which needs lr / (1 - momentum) of torch's. When lr
    changes on the way, torch's old velocity follows it at once, tensorflow's does not: no lr makes them equal.

    Args:
        lr: of the source.
        momentum: beta in [0, 1).
        source: one of the three conventions.
        target: another one.

    Returns:
        The lr of the target.

    Raises:
        ValueError: an unknown convention, or a number out of range.

    Example:
        >>> convert_lr(0.5, 0.75, source="torch", target="averaged")
        2.0

    Reference: the note of torch.optim.SGD; Sutskever et al. 2013.
    """
    for name in (source, target):
        if name not in MOMENTUM_LR:
            raise ValueError(f"a convention of momentum is one of {', '.join(MOMENTUM_LR)}; got {name!r}")
    rates, betas = in_range("lr", lr), in_range("momentum", momentum)
    lr, momentum = (
        given if isinstance(given, int | float) else found for given, found in ((lr, rates), (momentum, betas))
    )
    return lr * MOMENTUM_LR[source](momentum) / MOMENTUM_LR[target](momentum)


def heavy_ball_rate(lr: Any, momentum: Any, curvature: Any) -> Tensor:
    """max |sigma|, the larger size of the roots of s^2 - (1 + momentum - lr * curvature) s + momentum = 0

    What a step of the heavy ball leaves of the error along a direction of this curvature, in the long run; above 1 it
    diverges. The arguments broadcast.

    Args:
        lr: that of Momentum.
        momentum: beta.
        curvature: along the direction.

    Returns:
        The factor.

    Raises:
        ValueError: a rate or a momentum out of range.

    Example:
        >>> float(heavy_ball_rate(0.5, 0.0, 1.0))
        0.5

    Reference: Goh 2017, Why momentum really works.
    """
    lr, momentum = in_range("lr", lr).double(), in_range("momentum", momentum).double()
    return larger_root(lr, momentum, as_tensor(curvature).double())


def larger_root(lr: Tensor, momentum: Tensor, curvature: Tensor) -> Tensor:
    """heavy_ball_rate of tensors, without its door: while a browser's formula is traced, no value is known."""
    middle = (1 + momentum - lr * curvature).abs()
    under_root = middle**2 - 4 * momentum
    real = (middle + under_root.clamp(min=0).sqrt()) / 2
    return torch.where(under_root < 0, momentum.sqrt(), real)  # two roots that are conjugate have the product momentum


def curvatures(loss: Loss, params: Any) -> Tensor:
    """The eigenvalues of the Hessian of a loss, the smallest first: how it is curved along its own directions.

    For two parameters (lambda = m - r and m + r, with m = (a + c) / 2 and r = sqrt(((a - c) / 2)^2 + b^2) of the
    Hessian's a, b, b, c) a player can follow them.

    Args:
        loss: as for minimize.
        params: (..., d).

    Returns:
        (..., d); of a plane, and of a constant, zeros; NaN where a descent has left all numbers behind.

    Raises:
        TypeError: loss is no function.
        ValueError: it returns something else than a number for each run.

    Example:
        >>> curvatures(lambda w: 3 * w[..., 0] ** 2 + w[..., 1] ** 2, [1.0, 2.0]).tolist()
        [2.0, 6.0]
    """
    if not callable(loss):
        raise TypeError(f"loss must be a function of params (..., d), got {loss!r}")
    place = as_tensor(params).double().detach()
    with torch.enable_grad():
        w = place.requires_grad_()
        value = loss(w)
        if not isinstance(value, Tensor) or value.shape != place.shape[:-1]:
            given = tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__
            wanted = f"{tuple(place.shape[:-1])}, a number for each run of params {tuple(place.shape)}"
            raise ValueError(f"loss must return {wanted}; it returned {given}")
        value = value.sum()
        slopes = torch.autograd.grad(value, w, create_graph=True)[0] if value.requires_grad else value
        if not slopes.requires_grad:
            return torch.zeros_like(place)
        rows = [torch.autograd.grad(slopes[..., i].sum(), w, retain_graph=True)[0] for i in range(w.shape[-1])]
    if len(rows) != 2:
        hessian = torch.stack(rows, -2)
        finite = torch.isfinite(hessian).flatten(-2).all(-1)[..., None]
        return torch.linalg.eigvalsh(hessian.where(finite[..., None], 0.0)).where(finite, torch.nan)
    a, b, c = rows[0][..., 0], rows[0][..., 1], rows[1][..., 1]
    middle, half = (a + c) / 2, (((a - c) / 2) ** 2 + b**2).sqrt()
    return torch.stack([middle - half, middle + half], -1)


def effective_rate(trajectory: Trajectory) -> Tensor:
    """What multiplies the gradient (or m_hat) in each coordinate at each step.

    lr for rules without a scale; lr / (sqrt(G) + eps), lr / (sqrt(v) + eps) or lr / (sqrt(v_hat) + eps) for AdaGrad,
    RMSProp and Adam.

    Args:
        trajectory: of one of these rules.

    Returns:
        (steps, *runs, d).

    Raises:
        ValueError: another rule; a schedule.

    Example:
        >>> from gdviz.descent import minimize
        >>> from gdviz.optimizers import GradientDescent
        >>> run = minimize(lambda w: w.square().sum(-1), GradientDescent(lr=0.25), [8.0], steps=2)
        >>> effective_rate(run).flatten().tolist()
        [0.25, 0.25]
    """
    refuse_other_runs("an effective rate", trajectory, object)
    rule: Any = trajectory.rule
    state = trajectory.states
    if type(rule).__module__.startswith("gdviz.optimizers") and type(rule).__name__ not in SCALED:
        raise ValueError(f"the effective rate is that of AdaGrad, RMSProp or Adam, not of {type(rule).__name__}")
    if not all(hasattr(rule, name) for name in ("eps", *(["beta2"] if hasattr(state, "t") else []))):
        scale = torch.ones_like(trajectory.grads)
    elif hasattr(state, "G"):
        scale = state.G[1:].sqrt() + rule.eps
    elif hasattr(state, "t") and hasattr(state, "v"):
        t = state.t[1:].reshape(-1, *[1] * (state.v.ndim - 1))
        scale = (state.v[1:] / (1 - rule.beta2**t)).sqrt() + rule.eps
    elif hasattr(state, "v"):
        scale = state.v[1:].sqrt() + rule.eps
    else:
        scale = torch.ones_like(trajectory.grads)
    return rule.lr / scale


def regime(rate: float, largest: float) -> str:
    """What theory says of a rate on a quadratic of this largest curvature.

    Args:
        rate: the learning rate.
        largest: L.

    Returns:
        "converges" below 1/L, "zig-zags" below 2/L, else "diverges".

    Raises:
        ValueError: a negative rate, a curvature that is not positive, and what is not finite.

    Example:
        >>> [regime(rate, largest=10) for rate in (0.05, 0.15, 0.25)]
        ['converges', 'zig-zags', 'diverges']
    """
    rate, largest = real("rate", rate), real("largest", largest)
    if rate < 0 or largest <= 0:
        raise ValueError(f"rate must be 0 or more and the largest curvature positive, got {rate:g} and {largest:g}")
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
