"""What is known about the steps of rules since Adam: RAdam's warm-up, Muon's polynomial, the numbers that are kept."""

from typing import Any

import torch
from torch import Tensor

from gdviz.hyperparameters import Accepted, as_tensor, in_range, real, whole


def rectification(t: Any, beta2: float = 0.999) -> tuple[Tensor, Tensor]:
    """rho_t = rho_inf - 2 t beta2^t / (1 - beta2^t), and r_t, by which RAdam multiplies Adam's step where rho_t > 4

    Args:
        t: steps, counted from 1.
        beta2: in (0, 1).

    Returns:
        rho_t and r_t, float64; r_t is NaN up to rho_t = 4.

    Raises:
        ValueError: numbers out of range.

    Example:
        >>> rho, r = rectification([6, 100])
        >>> [round(one, 3) for one in r.tolist()]
        [0.026, 0.215]

    Reference: Liu et al. 2020.
    """
    t = in_range("t", t, accepted=Accepted(lambda t: t >= 1, "a step, counted from 1")).double()
    if not 0 < real("beta2", beta2) < 1:
        raise ValueError(f"beta2 must be between 0 and 1, got {beta2!r}")
    full = 2 / (1 - beta2) - 1
    rho = full - 2 * t * beta2**t / (1 - beta2**t)
    r = ((rho - 4) * (rho - 2) * full / ((full - 4) * (full - 2) * rho)).sqrt()
    return rho, torch.where(rho > 4, r, torch.nan)


def muon_value(s: Any, steps: int = 5) -> Tensor:
    """s <- 3.4445 s - 4.775 s^3 + 2.0315 s^5: what the steps of Newton-Schulz make of a singular value.

    Args:
        s: singular values of a matrix that was divided by its length.
        steps: 0 or more.

    Returns:
        float64, the shape of s.

    Raises:
        ValueError: steps that are no whole number.

    Example:
        >>> round(muon_value(0.01).item(), 3)
        0.699

    Reference: Jordan et al. 2024.
    """
    s = as_tensor(s).double()
    for _ in range(whole("steps", steps, 0)):
        s = 3.4445 * s - 4.775 * s**3 + 2.0315 * s**5
    return s


def numbers_kept(rule: Any, n: int) -> int:
    """How many numbers the state of a rule holds for a layer of n x n weights; what counts the steps is left out.

    Args:
        rule: whose init works on tensors without storage (device="meta").
        n: the width.

    Returns:
        The number.

    Raises:
        TypeError: something else than a rule.
        ValueError: a width that is no whole number.

    Example:
        >>> from gdviz.optimizers import Adam
        >>> numbers_kept(Adam(), 10)
        200
    """
    if not hasattr(rule, "init"):
        raise TypeError(f"rule must be a rule, such as Adam(), got {rule!r}")
    n = whole("n", n)
    return sum(part.numel() for part in rule.init(torch.empty(n, n, device="meta")) if part.ndim)
