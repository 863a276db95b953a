"""Adam and what was made of it: a mean of the gradients over the root of the mean of their squares."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from gdviz.hyperparameters import NotNegative, Rate, Share


class Moments(NamedTuple):
    """The state of Adam and AdamW.

    Attributes:
        m: the running mean of the gradient, begun at zero; shape of params.
        v: the running mean of its square, begun at zero.
        t: the steps so far.

    Example:
        >>> Adam().init(torch.zeros(2)).m
        tensor([0., 0.])
    """

    m: Tensor
    v: Tensor
    t: Tensor


class MaxMoments(NamedTuple):
    """The state of AMSGrad.

    Attributes:
        m: as in Moments.
        v: as in Moments.
        v_max: the largest v so far.
        t: the steps so far.

    Example:
        >>> AMSGrad().init(torch.zeros(2)).v_max
        tensor([0., 0.])
    """

    m: Tensor
    v: Tensor
    v_max: Tensor
    t: Tensor


@dataclass(frozen=True, eq=False)
class Adam:
    """m <- beta1 m + (1 - beta1) g;  v <- beta2 v + (1 - beta2) g^2;  w <- w - lr * m_hat / (sqrt(v_hat) + eps)

    m_hat = m / (1 - beta1^t) and v_hat = v / (1 - beta2^t) undo that m and v begin at zero; t counts from 1. Equals
    torch.optim.Adam.

    Args:
        lr: positive.
        beta1: in [0, 1).
        beta2: in [0, 1).
        eps: 0 or more.

    Example:
        >>> rule, w, g = Adam(lr=0.1), torch.tensor([2.0, 2.0]), torch.tensor([4.0, -0.01])
        >>> rule.update(w, g, rule.init(w))[0]
        tensor([1.9000, 2.1000])

    Reference: Kingma & Ba 2015, algorithm 1.
    """

    lr: Rate = 1e-3
    beta1: Share = 0.9
    beta2: Share = 0.999
    eps: NotNegative = 1e-8

    def init(self, params: Tensor) -> Moments:
        return Moments(m=torch.zeros_like(params), v=torch.zeros_like(params), t=at_first())

    def update(self, params: Tensor, grads: Tensor, state: Moments) -> tuple[Tensor, Moments]:
        t = state.t + 1
        m = self.beta1 * state.m + (1 - self.beta1) * grads
        v = self.beta2 * state.v + (1 - self.beta2) * grads**2
        m_hat = m / (1 - self.beta1**t)
        v_hat = v / (1 - self.beta2**t)
        return params - self.lr * m_hat / (v_hat.sqrt() + self.eps), Moments(m, v, t)


@dataclass(frozen=True, eq=False)
class AMSGrad:
    """Adam with v_max <- max(v_max, v) instead of v under the root, so that no rate ever grows again

    Equals torch.optim.Adam(amsgrad=True), which corrects v_max for its bias after the maximum; the paper corrects
    nothing.

    Args:
        lr: positive.
        beta1: in [0, 1).
        beta2: in [0, 1).
        eps: 0 or more.

    Example:
        >>> rule, w, g = AMSGrad(lr=0.1), torch.tensor([2.0]), torch.tensor([4.0])
        >>> rule.update(w, g, rule.init(w))[0]
        tensor([1.9000])

    Reference: Reddi, Kale & Kumar 2018, algorithm 2.
    """

    lr: Rate = 1e-3
    beta1: Share = 0.9
    beta2: Share = 0.999
    eps: NotNegative = 1e-8

    def init(self, params: Tensor) -> MaxMoments:
        zeros = torch.zeros_like(params)
        return MaxMoments(m=zeros, v=zeros, v_max=zeros, t=at_first())

    def update(self, params: Tensor, grads: Tensor, state: MaxMoments) -> tuple[Tensor, MaxMoments]:
        t = state.t + 1
        m = self.beta1 * state.m + (1 - self.beta1) * grads
        v = self.beta2 * state.v + (1 - self.beta2) * grads**2
        v_max = torch.maximum(state.v_max, v)
        m_hat, v_hat = m / (1 - self.beta1**t), v_max / (1 - self.beta2**t)
        return params - self.lr * m_hat / (v_hat.sqrt() + self.eps), MaxMoments(m, v, v_max, t)


@dataclass(frozen=True, eq=False)
class AdamW:
    """w <- (1 - lr * weight_decay) * w, then the step of Adam: the decay does not pass through m and v

    Equals torch.optim.AdamW; it is not Adam on a loss with an L2 penalty.

    Args:
        lr: positive.
        beta1: in [0, 1).
        beta2: in [0, 1).
        eps: 0 or more.
        weight_decay: 0 or more.

    Example:
        >>> rule, w, g = AdamW(lr=0.1, weight_decay=0.5), torch.tensor([2.0]), torch.tensor([4.0])
        >>> rule.update(w, g, rule.init(w))[0]  # 0.95 * 2 - 0.1
        tensor([1.8000])

    Reference: Loshchilov & Hutter 2019, algorithm 2.
    """

    lr: Rate = 1e-3
    beta1: Share = 0.9
    beta2: Share = 0.999
    eps: NotNegative = 1e-8
    weight_decay: NotNegative = 1e-2

    def init(self, params: Tensor) -> Moments:
        return Moments(m=torch.zeros_like(params), v=torch.zeros_like(params), t=at_first())

    def update(self, params: Tensor, grads: Tensor, state: Moments) -> tuple[Tensor, Moments]:
        t = state.t + 1
        m = self.beta1 * state.m + (1 - self.beta1) * grads
        v = self.beta2 * state.v + (1 - self.beta2) * grads**2
        m_hat, v_hat = m / (1 - self.beta1**t), v / (1 - self.beta2**t)
        decayed = (1 - self.lr * self.weight_decay) * params
        return decayed - self.lr * m_hat / (v_hat.sqrt() + self.eps), Moments(m, v, t)


def at_first() -> Tensor:
    """t = 0, in float64 also for float32 params: 1 - beta2^t would lose its digits."""
    return torch.zeros((), dtype=torch.float64)
