"""What is known about a training before it begins: its edge, its expected loss, what 8 bits lose, what a width does."""

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from gdviz.hyperparameters import Accepted, NotNegative, Rate, as_tensor, in_range, whole

POSITIVE = Accepted(lambda value: value > 0, "positive")


def edge(lr: Any, momentum: Any = 0.0) -> Tensor:
    """2 (1 + momentum) / lr: the largest curvature at which a descent, or the heavy ball, does not climb the walls

    Full-batch descent of a network brings its sharpness, the largest eigenvalue of the Hessian, up to there and no
    further.

    Args:
        lr: of GradientDescent or Momentum.
        momentum: of Momentum, 0 of GradientDescent. The arguments broadcast.

    Returns:
        The curvature, float64.

    Raises:
        ValueError: numbers out of range.

    Example:
        >>> edge([0.25, 0.5]).tolist(), edge(0.5, momentum=0.5).item()
        ([8.0, 4.0], 6.0)

    Reference: Cohen, Kaur, Li, Kolter & Talwalkar 2021.
    """
    lr, momentum = in_range("lr", as_tensor(lr)).double(), in_range("momentum", as_tensor(momentum)).double()
    return 2 * (1 + momentum) / lr


@dataclass(frozen=True, eq=False)
class RiverValley:
    """E[x^2] <- (1 - lr hill)^2 E[x^2] + lr^2 noise;  E[y^2] <- (1 - lr river)^2 E[y^2]

    Gradient descent between steep hills along a slow river, exactly: x is across, where the gradient is noisy, y along.
    As a rule its params are the two expected squares; `loss` is the expected loss of them.

    Args:
        lr: positive; of a Schedule, each step's.
        noise: the variance of the gradient across.
        hill: the curvature across.
        river: the curvature along.

    Example:
        >>> from gdviz.descent import minimize
        >>> valley = RiverValley(lr=0.5)
        >>> round(minimize(valley.loss, valley, [0.0, 100.0], steps=1000).losses[-1].item(), 3)
        0.174

    Reference: Wen, Li, Wang, Hall, Liang & Ma 2024.
    """

    lr: Rate
    noise: NotNegative = 1.0
    hill: float = 1.0
    river: float = 0.003

    def loss(self, params: Tensor) -> Tensor:
        """(hill E[x^2] + river E[y^2]) / 2

        Args:
            params: (..., 2).

        Returns:
            (...).
        """
        return (self.hill * params[..., 0] + self.river * params[..., 1]) / 2

    def init(self, params: Tensor) -> tuple:
        """Nothing is remembered."""
        return ()

    def update(self, params: Tensor, grads: Tensor, state: tuple) -> tuple[Tensor, tuple]:
        """One step of both expected squares."""
        across = (1 - self.lr * self.hill) ** 2 * params[..., :1] + self.lr**2 * self.noise
        along = (1 - self.lr * self.river) ** 2 * params[..., 1:]
        return torch.cat([across, along], -1), state


def bfloat16(x: Any, generator: torch.Generator | None = None) -> Tensor:
    """The number of 8 bits that is next to x; with a generator one of the two beside x, right on average

    Args:
        x: numbers; they are taken as float32.
        generator: for stochastic rounding: up with the probability (x - below) / (above - below).

    Returns:
        float32, each a number of bfloat16.

    Example:
        >>> bfloat16([1 - 0.0019, 256 + 1, 3.14159]).tolist()
        [1.0, 256.0, 3.140625]
        >>> many = bfloat16(torch.full((10_000,), 1 - 0.0019), torch.Generator().manual_seed(0))
        >>> sorted(set(many.tolist())), round(many.mean().item(), 3)
        ([0.99609375, 1.0], 0.998)

    Reference: Gupta, Agrawal, Gopalakrishnan & Narayanan 2015.
    """
    x = as_tensor(x).float()
    if generator is None:
        return x.bfloat16().float()
    below = torch.randint(0, 1 << 16, x.shape, generator=generator, dtype=torch.int32)
    return ((x.contiguous().view(torch.int32) + below) & ~0xFFFF).view(torch.float32)


def swallowed(update: Any, steps: int, *, start: float = 1.0, generator: torch.Generator) -> dict[str, Tensor]:
    """w <- w - update, the same at each step, in four ways of keeping w

    Args:
        update: numbers, (...).
        steps: 0 or more.
        start: the first w.
        generator: for stochastic rounding.

    Returns:
        By name, (steps + 1, ...), float32: in float32; in bfloat16; in bfloat16 rounded at random; and what a network
        sees in bfloat16 of a master copy in float32.

    Raises:
        ValueError: steps that are no whole number.

    Example:
        >>> ways = swallowed(0.001, steps=100, generator=torch.Generator().manual_seed(0))
        >>> {name: round(w[-1].item(), 2) for name, w in ways.items() if "random" not in name}
        {'float32': 0.9, 'bfloat16': 1.0, 'float32 master copy': 0.9}
    """
    steps, update = whole("steps", steps, 0), as_tensor(update).float()
    w = torch.full_like(update, start)
    kept = {"float32": [w], "bfloat16": [bfloat16(w)], "bfloat16, rounded at random": [bfloat16(w)]}
    for _ in range(steps):
        for name, ws in kept.items():
            moved, chance = ws[-1] - update, generator if "random" in name else None
            ws.append(moved if name == "float32" else bfloat16(moved, chance))
    found = {name: torch.stack(ws) for name, ws in kept.items()}
    return found | {"float32 master copy": bfloat16(found["float32"])}


def mean_of_means(losses: Any, counts: Any) -> tuple[Tensor, Tensor]:
    """mean over the micro-batches of their mean losses, and the mean over all: sum_k n_k l_k / sum_k n_k

    Args:
        losses: the mean loss of each micro-batch, (..., k).
        counts: of how many tokens, or examples, each is the mean, (..., k).

    Returns:
        Both, (...).

    Raises:
        ValueError: not one count for each loss, or a count that is not positive.

    Example:
        >>> [mean.item() for mean in mean_of_means([4.0, 1.0], [1, 3])]
        [2.5, 1.75]
    """
    losses, counts = as_tensor(losses).double(), in_range("counts", counts, accepted=POSITIVE).double()
    if not losses.ndim or losses.shape[-1:] != counts.shape[-1:]:
        given = f"losses {tuple(losses.shape)} and counts {tuple(counts.shape)}"
        raise ValueError(f"each micro-batch has one loss and one count; got {given}")
    return losses.mean(-1), (losses * counts).sum(-1) / counts.sum(-1)


def first_change(width: Any, lr: Any) -> Tensor:
    """lr n sqrt(2 / pi): by how much Adam's first step on a last layer of n normal inputs changes its output

    Each of the n weights moves by lr, in the direction that helps, and the mean of |h| is sqrt(2 / pi). With lr ~ 1 / n
    the change does not depend on the width.

    Args:
        width: n.
        lr: of Adam. Both broadcast.

    Returns:
        The change, float64.

    Raises:
        ValueError: a width that is not positive, or a negative rate.

    Example:
        >>> [round(change, 3) for change in first_change([64, 4096], 0.001).tolist()]
        [0.051, 3.268]

    Reference: Yang & Hu 2021; Yang et al. 2022, Tensor programs V.
    """
    return in_range("width", width, accepted=POSITIVE).double() * in_range("lr", lr).double() * math.sqrt(2 / math.pi)
