"""Rules with a rate for each coordinate, from the squares of its gradients."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from gdviz.hyperparameters import NotNegative, Rate, Share


class SquaredSum(NamedTuple):
    """The state of AdaGrad.

    Attributes:
        G: the sum of the squared gradients so far; shape of params.

    Example:
        >>> AdaGrad().init(torch.zeros(2)).G
        tensor([0., 0.])
    """

    G: Tensor


class SquaredMean(NamedTuple):
    """The state of RMSProp.

    Attributes:
        v: the running mean of the squared gradients; shape of params.

    Example:
        >>> RMSProp().init(torch.zeros(2)).v
        tensor([0., 0.])
    """

    v: Tensor


class SquaredMeans(NamedTuple):
    """The state of Adadelta.

    Attributes:
        v: the running mean of the squared gradients; shape of params.
        u: the running mean of the squared steps.

    Example:
        >>> Adadelta().init(torch.zeros(2)).u
        tensor([0., 0.])
    """

    v: Tensor
    u: Tensor


@dataclass(frozen=True, eq=False)
class AdaGrad:
    """G <- G + g^2;  w <- w - lr * g / (sqrt(G) + eps)

    Each coordinate has its own rate, which shrinks with all the gradients it has seen. Equals torch.optim.Adagrad.

    Args:
        lr: positive.
        eps: 0 or more.

    Example:
        >>> rule, w, g = AdaGrad(lr=0.1), torch.tensor([2.0, 2.0]), torch.tensor([4.0, 0.01])
        >>> rule.update(w, g, rule.init(w))[0]
        tensor([1.9000, 1.9000])

    Reference: Duchi, Hazan & Singer 2011, the diagonal form.
    """

    lr: Rate = 1e-2
    eps: NotNegative = 1e-10

    def init(self, params: Tensor) -> SquaredSum:
        return SquaredSum(G=torch.zeros_like(params))

    def update(self, params: Tensor, grads: Tensor, state: SquaredSum) -> tuple[Tensor, SquaredSum]:
        G = state.G + grads**2
        return params - self.lr * grads / (G.sqrt() + self.eps), SquaredSum(G)


@dataclass(frozen=True, eq=False)
class RMSProp:
    """v <- alpha * v + (1 - alpha) * g^2;  w <- w - lr * g / (sqrt(v) + eps)

    AdaGrad that forgets: a running mean instead of the sum. Equals torch.optim.RMSprop (eps outside the root; some
    texts put it inside).

    Args:
        lr: positive.
        alpha: in [0, 1).
        eps: 0 or more.

    Example:
        >>> rule, w, g = RMSProp(lr=0.1, alpha=0.75), torch.tensor([2.0]), torch.tensor([4.0])
        >>> rule.update(w, g, rule.init(w))[0]
        tensor([1.8000])

    Reference: Tieleman & Hinton 2012, lecture 6.5.
    """

    lr: Rate = 1e-2
    alpha: Share = 0.99
    eps: NotNegative = 1e-8

    def init(self, params: Tensor) -> SquaredMean:
        return SquaredMean(v=torch.zeros_like(params))

    def update(self, params: Tensor, grads: Tensor, state: SquaredMean) -> tuple[Tensor, SquaredMean]:
        v = self.alpha * state.v + (1 - self.alpha) * grads**2
        return params - self.lr * grads / (v.sqrt() + self.eps), SquaredMean(v)


@dataclass(frozen=True, eq=False)
class Adadelta:
    """v <- rho v + (1 - rho) g^2;  d = sqrt(u + eps) / sqrt(v + eps) * g;  u <- rho u + (1 - rho) d^2;  w <- w - lr * d

    The steps have the unit of w, because a running mean of their own squares, u, replaces the rate. Equals
    torch.optim.Adadelta.

    Args:
        lr: positive, 1 in the paper.
        rho: in [0, 1).
        eps: 0 or more, inside both roots.

    Example:
        >>> rule, w, g = Adadelta(rho=0.75, eps=1.0), torch.tensor([2.0]), torch.tensor([0.0])
        >>> rule.update(w, g, rule.init(w))[0]
        tensor([2.])

    Reference: Zeiler 2012, algorithm 1 (v is E[g^2], u is E[dx^2]).
    """

    lr: Rate = 1.0
    rho: Share = 0.9
    eps: NotNegative = 1e-6

    def init(self, params: Tensor) -> SquaredMeans:
        return SquaredMeans(v=torch.zeros_like(params), u=torch.zeros_like(params))

    def update(self, params: Tensor, grads: Tensor, state: SquaredMeans) -> tuple[Tensor, SquaredMeans]:
        v = self.rho * state.v + (1 - self.rho) * grads**2
        d = (state.u + self.eps).sqrt() / (v + self.eps).sqrt() * grads
        u = self.rho * state.u + (1 - self.rho) * d**2
        return params - self.lr * d, SquaredMeans(v, u)
