"""L-BFGS: curvature from the last steps, by the recursion of two loops."""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from gdviz.hyperparameters import Count, Rate


class History(NamedTuple):
    """The state of LBFGS.

    Attributes:
        s: movements, (history_size, *params.shape), the newest last.
        y: changes of the gradient, likewise.
        scale: s.y / y.y of the newest, (..., 1).
        g: the last gradient.
        move: the last step.
        t: the steps so far, (..., 1).

    Example:
        >>> LBFGS(history_size=3).init(torch.zeros(2)).s.shape
        torch.Size([3, 2])
    """

    s: Tensor
    y: Tensor
    scale: Tensor
    g: Tensor
    move: Tensor
    t: Tensor


@dataclass(frozen=True, eq=False)
class LBFGS:
    """w <- w - lr * H g, where H g comes from the last movements s and gradient changes y by the two-loop recursion

    The first step is min(1, 1 / sum|g|) * lr * g. A pair (s, y) is kept when s.y > 1e-10, the newest history_size of
    them, for each run on its own. A run whose largest |g| is at most 1e-7, or whose step would not descend (g.d >
    -1e-9), rests. Equals torch.optim.LBFGS(max_iter=1) without line search: one gradient for each step.

    Args:
        lr: positive, 1 is usual.
        history_size: a whole number, 1 or more; it is not swept.

    Example:
        >>> rule, w, g = LBFGS(), torch.tensor([2.0]), torch.tensor([4.0])
        >>> rule.update(w, g, rule.init(w))[0]
        tensor([1.])

    Reference: Nocedal & Wright 2006, algorithms 7.4 and 7.5.
    """

    lr: Rate = 1.0
    history_size: Count = 10
    elementwise: ClassVar[bool] = False  # the parameters of a network are one vector to it

    def init(self, params: Tensor) -> History:
        pairs = params.new_zeros((self.history_size, *params.shape))
        one = torch.ones_like(params[..., :1])
        return History(
            s=pairs, y=pairs, scale=one, g=torch.zeros_like(params), move=torch.zeros_like(params), t=0 * one
        )

    def update(self, params: Tensor, grads: Tensor, state: History) -> tuple[Tensor, History]:
        rests = grads.abs().amax(-1, keepdim=True) <= 1e-7
        s, y = state.move, grads - state.g
        sy = _dot(s, y)
        learns = (sy > 1e-10) & (state.t > 0) & ~rests
        s_all = torch.where(learns, torch.cat([state.s[1:], s[None]]), state.s)  # oldest first
        y_all = torch.where(learns, torch.cat([state.y[1:], y[None]]), state.y)
        scale = torch.where(learns, sy / _dot(y, y), state.scale)
        direction = _two_loop(-grads, s_all, y_all, scale)
        first = torch.where(state.t > 0, 1.0, (1 / grads.abs().sum(-1, keepdim=True)).clamp(max=1))
        climbs = _dot(grads, direction) > -1e-9
        move = self.lr * first * direction
        moved = params + torch.where(rests | climbs, 0, move)
        kept = (
            torch.where(rests, old, new) for old, new in ((state.g, grads), (state.move, move), (state.t, state.t + 1))
        )
        return moved, History(s_all, y_all, scale, *kept)


def _dot(a: Tensor, b: Tensor) -> Tensor:
    """The scalar product over the last axis, kept as an axis of 1."""
    return (a * b).sum(-1, keepdim=True)


def _two_loop(q: Tensor, s_all: Tensor, y_all: Tensor, scale: Tensor) -> Tensor:
    """The inverse Hessian that the pairs suggest, times q (Nocedal & Wright 2006, algorithm 7.4)."""
    sy = _dot(s_all, y_all)
    pairs = list(zip(s_all, y_all, torch.where(sy > 0, 1 / sy, 0)))
    shares = []
    for s, y, rho in reversed(pairs):
        shares.append(rho * _dot(s, q))
        q = q - shares[-1] * y
    q = scale * q
    for (s, y, rho), share in zip(pairs, reversed(shares)):
        q = q + s * (share - rho * _dot(y, q))
    return q
