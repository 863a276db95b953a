"""Rules with a rate for each coordinate, from the squares of its gradients."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from gdviz.hyperparameters import NotNegative, Rate, Share


class SquaredSum(NamedTuple):
    """G: the sum of the squared gradients so far; shape of params."""

    G: Tensor


class SquaredMean(NamedTuple):
    """v: the running mean of the squared gradients; shape of params."""

    v: Tensor


class SquaredMeans(NamedTuple):
    """v, u: the running means of the squared gradients and of the squared steps; shape of params."""

    v: Tensor
    u: Tensor


@dataclass(frozen=True, eq=False)
class AdaGrad:
    """G <- G + g^2;  w <- w - lr * g / (sqrt(G) + eps)

    Each coordinate has its own rate, which shrinks with all the gradients it has seen. lr, eps: positive.
    Equals torch.optim.Adagrad. Reference: Duchi, Hazan & Singer 2011, the diagonal form.
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

    AdaGrad that forgets: a running mean in place of the sum. lr, eps: positive. alpha: in [0, 1).
    Equals torch.optim.RMSprop (eps outside the root; some texts put it inside).
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

    The steps have the unit of w, because a running mean of their own squares, u, replaces the rate. lr: positive, 1 in
    the paper. rho: in [0, 1). eps: positive, inside both roots.
    Equals torch.optim.Adadelta. Reference: Zeiler 2012, algorithm 1 (v is E[g^2], u is E[dx^2]).
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
