"""Formulas of a learning rate, for Schedule: warm-up, then cosine, a straight line, or stable with a decay at its end.

Each is of the step t = 0, 1, ... and of numbers that may be Ranges.
"""

from typing import Any

import torch
from torch import Tensor


def warm(t: Tensor, warmup: Any) -> Tensor:
    """min(1, (t + 1) / (warmup + 1)): the share of the rate in the first steps.

    Args:
        t: the steps.
        warmup: how many steps have less than the whole rate; 0 is none.

    Returns:
        The shares, in the shape of t.

    Example:
        >>> warm(torch.arange(5.0), 3).tolist()
        [0.25, 0.5, 0.75, 1.0, 1.0]
    """
    return ((t + 1) / (warmup + 1)).clamp(max=1)


def cosine(t: Tensor, lr: Any, steps: Any, warmup: Any = 0) -> Tensor:
    """lr * (1 + cos(pi t / steps)) / 2, and 0 from then on; with a warm-up before it, t and steps count from its end

    Args:
        t: the steps.
        lr: the highest rate.
        steps: for how many it is planned, in all.
        warmup: steps of it.

    Returns:
        The rates, in the shape of t.

    Raises:
        ValueError: a warm-up as long as the plan.

    Example:
        >>> [round(rate, 4) for rate in cosine(torch.arange(0, 5.0), lr=1.0, steps=4).tolist()]
        [1.0, 0.8536, 0.5, 0.1464, 0.0]

    Reference: Loshchilov & Hutter 2017.
    """
    _check_plan(steps, warmup)
    share = ((t - warmup) / (steps - warmup)).clamp(0, 1)
    return lr * warm(t, warmup) * (1 + torch.cos(torch.pi * share)) / 2


def linear(t: Tensor, lr: Any, steps: Any, warmup: Any = 0) -> Tensor:
    """lr * (1 - t / steps), and 0 from then on; with a warm-up as for cosine

    Args:
        t: the steps.
        lr: the highest rate.
        steps: for how many it is planned, in all.
        warmup: steps of it.

    Returns:
        The rates, in the shape of t.

    Raises:
        ValueError: a warm-up as long as the plan.

    Example:
        >>> linear(torch.arange(0, 5.0), lr=1.0, steps=4).tolist()
        [1.0, 0.75, 0.5, 0.25, 0.0]
    """
    _check_plan(steps, warmup)
    return lr * warm(t, warmup) * (1 - ((t - warmup) / (steps - warmup)).clamp(0, 1))


def warmup_stable_decay(t: Tensor, lr: Any, steps: Any, warmup: Any = 0, decay: Any = 0.1) -> Tensor:
    """lr, constant until the last share `decay` of the steps, in which it falls in a straight line to 0

    Until then it does not depend on `steps`: the same training may be ended at any time, by a decay of its own.

    Args:
        t: the steps.
        lr: the highest rate.
        steps: when it ends.
        warmup: steps of warm-up.
        decay: a share of the steps, more than 0; 1 is a straight line.

    Returns:
        The rates, in the shape of t.

    Raises:
        ValueError: a warm-up as long as the plan, a decay that is no share.

    Example:
        >>> warmup_stable_decay(torch.arange(0, 9.0), lr=1.0, steps=8, warmup=1, decay=0.5).tolist()
        [0.5, 1.0, 1.0, 1.0, 1.0, 0.75, 0.5, 0.25, 0.0]

    Reference: Hu et al. 2024 (MiniCPM), section 4; Wen et al. 2024.
    """
    _check_plan(steps, warmup)
    if isinstance(decay, int | float) and not 0 < decay <= 1:
        cure = f"; {decay:g} steps are {decay / steps:g}" if decay > 1 else ""
        raise ValueError(f"decay is a share of the steps, more than 0 and at most 1; got {decay:g}{cure}")
    return lr * warm(t, warmup) * ((steps - t) / (decay * steps)).clamp(0, 1)


def _check_plan(steps: Any, warmup: Any) -> None:
    """Refused: a warm-up that is negative, or as long as the plan; of numbers that are turned, nothing is known yet."""
    if isinstance(steps, int | float) and isinstance(warmup, int | float) and not 0 <= warmup < steps:
        raise ValueError(f"warmup must be 0 or more, and less than steps; got warmup={warmup:g}, steps={steps:g}")
