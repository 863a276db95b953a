"""A rule whose answer is the mean of the points on its way."""

from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor

from gdviz.hyperparameters import NotNegative, Rate
from gdviz.optimizers.adam import at_first


class ASGDState(NamedTuple):
    """The state of ASGD.

    Attributes:
        ax: the mean of the points from step t0 + 2 on; until then the newest point; shape of params.
        eta: the rate of the next step.
        t: the steps so far.

    Example:
        >>> import torch
        >>> ASGD().init(torch.ones(2)).ax
        tensor([1., 1.])
    """

    ax: Tensor
    eta: Tensor
    t: Tensor


@dataclass(frozen=True, eq=False)
class ASGD:
    """w <- (1 - lambd * eta) * w - eta * g;  ax <- ax + (w - ax) / max(1, t - 1 - t0)

    eta is lr at first, then lr / (1 + lambd * lr * t)^alpha; t counts from 1. Gradient descent with a rate that decays,
    and beside it the mean of its points, which noise moves less: ax is the answer, and is kept in the state. Equals
    torch.optim.ASGD, which computes eta for the next step: a schedule takes effect one step later.

    Args:
        lr: positive.
        lambd: 0 or more: how fast the rate decays, and a weight decay, too.
        alpha: 0 or more, the power of the decay.
        t0: 0 or more: how many steps pass before the mean begins.

    Example:
        >>> import torch
        >>> rule, w, g = ASGD(lr=0.5, lambd=0.0, t0=0.0), torch.tensor([2.0]), torch.tensor([1.0])
        >>> w, state = rule.update(w, g, rule.init(w))
        >>> w, state = rule.update(w, g, state)
        >>> rule.update(w, g, state)[1].ax  # the mean of 1 and 0.5, without 1.5
        tensor([0.7500])

    Reference: Polyak & Juditsky 1992; the rate: Xu 2011.
    """

    lr: Rate = 1e-2
    lambd: NotNegative = 1e-4
    alpha: NotNegative = 0.75
    t0: NotNegative = 1e6

    def init(self, params: Tensor) -> ASGDState:
        return ASGDState(ax=params, eta=self._eta(at_first()), t=at_first())

    def update(self, params: Tensor, grads: Tensor, state: ASGDState) -> tuple[Tensor, ASGDState]:
        w = (1 - self.lambd * state.eta) * params - state.eta * grads
        ax = state.ax + (w - state.ax) / (state.t - self.t0).clamp(min=1)
        t = state.t + 1
        return w, ASGDState(ax, self._eta(t), t)

    def _eta(self, t: Tensor) -> Tensor:
        return self.lr / (1 + self.lambd * self.lr * t) ** self.alpha
