"""What is known about the steps of rules since Adam: RAdam's warm-up, Muon's polynomial, the numbers that are kept."""

from typing import Any

import torch
from torch import Tensor

from gdviz.hyperparameters import as_tensor


def rectification(t: Any, beta2: float = 0.999) -> tuple[Tensor, Tensor]:
    """rho_t = rho_inf - 2 t beta2^t / (1 - beta2^t), and r_t, by which RAdam multiplies Adam's step where rho_t > 4

    Args:
        t: steps, counted from 1.
        beta2: in (0, 1).

    Returns:
        rho_t and r_t, float64; r_t is NaN up to rho_t = 4.

    Example:
        >>> rho, r = rectification([6, 100])
        >>> [round(one, 3) for one in r.tolist()]
        [0.026, 0.215]

    Reference: Liu et al. 2020.
    """
    t, full = as_tensor(t).double(), 2 / (1 - beta2) - 1
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

    Example:
        >>> round(muon_value(0.01).item(), 3)
        0.699

    Reference: Jordan et al. 2024.
    """
    s = as_tensor(s).double()
    for _ in range(steps):
        s = 3.4445 * s - 4.775 * s**3 + 2.0315 * s**5
    return s


def numbers_kept(rule: Any, n: int) -> int:
    """How many numbers the state of a rule holds for a layer of n x n weights; what counts the steps is left out.

    Args:
        rule: whose init works on tensors without storage (device="meta").
        n: the width.

    Returns:
        The number.

    Example:
        >>> from gdviz.optimizers import Adam
        >>> numbers_kept(Adam(), 10)
        200
    """
    return sum(part.numel() for part in rule.init(torch.empty(n, n, device="meta")) if part.ndim)
