"""Adam with one thing changed: how it scales, how it looks ahead, how it warms up, or what it touches."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from gdviz.hyperparameters import NotNegative, Rate, Share
from gdviz.optimizers.adam import Moments, at_first


class MaxNorm(NamedTuple):
    """The state of Adamax.

    Attributes:
        m: as in Moments.
        u: the largest gradient so far, each older one times beta2; shape of params.
        t: the steps so far.

    Example:
        >>> Adamax().init(torch.zeros(2)).u
        tensor([0., 0.])
    """

    m: Tensor
    u: Tensor
    t: Tensor


class NAdamState(NamedTuple):
    """The state of NAdam.

    Attributes:
        m: as in Moments.
        v: as in Moments.
        mu_product: the product of all mu so far.
        t: the steps so far.

    Example:
        >>> NAdam().init(torch.zeros(2)).mu_product
        tensor(1., dtype=torch.float64)
    """

    m: Tensor
    v: Tensor
    mu_product: Tensor
    t: Tensor


@dataclass(frozen=True, eq=False)
class Adamax:
    """m <- beta1 m + (1 - beta1) g;  u <- max(beta2 u, |g| + eps);  w <- w - lr * m / ((1 - beta1^t) u)

    Adam with the largest recent gradient instead of the root of the mean square. u begins at the first gradient, so
    it needs no correction. Equals torch.optim.Adamax; the paper has no eps.

    Args:
        lr: positive.
        beta1: in [0, 1).
        beta2: in [0, 1).
        eps: 0 or more.

    Example:
        >>> rule, w, g = Adamax(lr=0.1), torch.tensor([2.0, 2.0]), torch.tensor([4.0, -0.01])
        >>> rule.update(w, g, rule.init(w))[0]
        tensor([1.9000, 2.1000])

    Reference: Kingma & Ba 2015, algorithm 2.
    """

    lr: Rate = 2e-3
    beta1: Share = 0.9
    beta2: Share = 0.999
    eps: NotNegative = 1e-8

    def init(self, params: Tensor) -> MaxNorm:
        return MaxNorm(m=torch.zeros_like(params), u=torch.zeros_like(params), t=at_first())

    def update(self, params: Tensor, grads: Tensor, state: MaxNorm) -> tuple[Tensor, MaxNorm]:
        t = state.t + 1
        m = self.beta1 * state.m + (1 - self.beta1) * grads
        u = torch.maximum(self.beta2 * state.u, grads.abs() + self.eps)
        return params - self.lr * m / ((1 - self.beta1**t) * u), MaxNorm(m, u, t)


@dataclass(frozen=True, eq=False)
class NAdam:
    """Adam with m_hat = mu_{t+1} m / (1 - mu_1 ... mu_{t+1}) + (1 - mu_t) g / (1 - mu_1 ... mu_t)

    mu_t = beta1 * (1 - 0.96^(t * momentum_decay) / 2). As in Nesterov's momentum, the newest gradient counts once more,
    and mu is already that of the next step. Equals torch.optim.NAdam.

    Args:
        lr: positive.
        beta1: in [0, 1): mu grows from about half of it to all of it.
        beta2: in [0, 1).
        eps: 0 or more.
        momentum_decay: 0 or more: how fast mu grows.

    Example:
        >>> rule, w, g = NAdam(lr=0.1), torch.tensor([2.0, 2.0]), torch.tensor([4.0, -0.01])
        >>> rule.update(w, g, rule.init(w))[0]  # 0.1056 and not 0.1
        tensor([1.8944, 2.1056])

    Reference: Dozat 2016, algorithm 2.
    """

    lr: Rate = 2e-3
    beta1: Share = 0.9
    beta2: Share = 0.999
    eps: NotNegative = 1e-8
    momentum_decay: NotNegative = 4e-3

    def init(self, params: Tensor) -> NAdamState:
        zeros = torch.zeros_like(params)
        return NAdamState(m=zeros, v=zeros, mu_product=torch.ones_like(self._mu(at_first())), t=at_first())

    def update(self, params: Tensor, grads: Tensor, state: NAdamState) -> tuple[Tensor, NAdamState]:
        t = state.t + 1
        mu, mu_next = self._mu(t), self._mu(t + 1)
        product = state.mu_product * mu
        m = self.beta1 * state.m + (1 - self.beta1) * grads
        v = self.beta2 * state.v + (1 - self.beta2) * grads**2
        m_hat = mu_next * m / (1 - product * mu_next) + (1 - mu) * grads / (1 - product)
        v_hat = v / (1 - self.beta2**t)
        return params - self.lr * m_hat / (v_hat.sqrt() + self.eps), NAdamState(m, v, product, t)

    def _mu(self, t: Tensor) -> Tensor:
        return self.beta1 * (1 - 0.5 * 0.96 ** (t * self.momentum_decay))


@dataclass(frozen=True, eq=False)
class RAdam:
    """Momentum, w <- w - lr * m_hat, as long as rho <= 5;  then w <- w - lr * r * m_hat / sqrt(v_hat)

    rho = rho_inf - 2 t beta2^t / (1 - beta2^t), with rho_inf = 2 / (1 - beta2) - 1, is how many gradients v is a mean
    of: with few, 1 / sqrt(v) is hardly known. r = sqrt((rho - 4) (rho - 2) rho_inf / ((rho_inf - 4) (rho_inf - 2) rho))
    grows from near 0 to 1: a warm-up that no one has to choose. Equals torch.optim.RAdam; the paper switches at rho >
    4. eps is added to sqrt(v) before the correction.

    Args:
        lr: positive; at first it multiplies the gradient itself.
        beta1: in [0, 1).
        beta2: in [0, 1); up to 2/3 it stays momentum.
        eps: 0 or more.

    Example:
        >>> rule, w, g = RAdam(lr=0.1), torch.tensor([2.0, 2.0]), torch.tensor([4.0, -0.01])
        >>> rule.update(w, g, rule.init(w))[0]
        tensor([1.6000, 2.0010])

    Reference: Liu et al. 2020, algorithm 2.
    """

    lr: Rate = 1e-3
    beta1: Share = 0.9
    beta2: Share = 0.999
    eps: NotNegative = 1e-8

    def init(self, params: Tensor) -> Moments:
        return Moments(m=torch.zeros_like(params), v=torch.zeros_like(params), t=at_first())

    def update(self, params: Tensor, grads: Tensor, state: Moments) -> tuple[Tensor, Moments]:
        t, full = state.t + 1, 2 / (1 - self.beta2) - 1  # rho_inf
        m = self.beta1 * state.m + (1 - self.beta1) * grads
        v = self.beta2 * state.v + (1 - self.beta2) * grads**2
        rho = full - 2 * t * self.beta2**t / (1 - self.beta2**t)
        r = ((rho - 4) * (rho - 2) * full / ((full - 4) * (full - 2) * rho)).sqrt()
        scale = torch.where(rho > 5, r * (1 - self.beta2**t).sqrt() / (v.sqrt() + self.eps), 1.0)
        return params - self.lr * scale * m / (1 - self.beta1**t), Moments(m, v, t)


@dataclass(frozen=True, eq=False)
class SparseAdam:
    """Adam where g is not 0; where it is 0, w, m and v stay as they are

    Adam's m carries on with a coordinate that has no gradient, such as the vector of a word that the minibatch does not
    hold; here it waits. t counts all steps, also those that it waits through. Equals torch.optim.SparseAdam, which
    touches the coordinates that a sparse gradient lists; here they are those whose gradient is not exactly 0. eps is
    added to sqrt(v) before the correction; m and v are written as torch rounds them, m + (1 - beta1) (g - m).

    Args:
        lr: positive.
        beta1: in [0, 1).
        beta2: in [0, 1).
        eps: 0 or more.

    Example:
        >>> rule, w, g = SparseAdam(lr=0.1), torch.tensor([2.0, 2.0]), torch.tensor([4.0, 4.0])
        >>> w, state = rule.update(w, g, rule.init(w))
        >>> rule.update(w, torch.tensor([4.0, 0.0]), state)[0]
        tensor([1.8000, 1.9000])

    Reference: Kingma & Ba 2015, algorithm 1; torch.optim.SparseAdam.
    """

    lr: Rate = 1e-3
    beta1: Share = 0.9
    beta2: Share = 0.999
    eps: NotNegative = 1e-8

    def init(self, params: Tensor) -> Moments:
        return Moments(m=torch.zeros_like(params), v=torch.zeros_like(params), t=at_first())

    def update(self, params: Tensor, grads: Tensor, state: Moments) -> tuple[Tensor, Moments]:
        t, touched = state.t + 1, grads != 0
        m = torch.where(touched, state.m + (1 - self.beta1) * (grads - state.m), state.m)
        v = torch.where(touched, state.v + (1 - self.beta2) * (grads**2 - state.v), state.v)
        step = self.lr * (1 - self.beta2**t).sqrt() / (1 - self.beta1**t) * m / (v.sqrt() + self.eps)
        return torch.where(touched, params - step, params), Moments(m, v, t)
