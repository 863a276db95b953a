"""Update rules: an optimizer is its formula.

A rule is a frozen dataclass. Its fields are the hyperparameters, `init(params)` is the state at t = 0, and
`update(params, grads, state)` is the textbook line. A rule only broadcasts: it never branches on a hyperparameter and
never changes a tensor in place. So a hyperparameter may be a number or a tensor (..., 1), and a tensor is a sweep: many
runs at once.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Protocol

import torch
from torch import Tensor

from gdviz.hyperparameters import Hyperparameter, in_range


class Rule(Protocol):
    """What `minimize` asks of an optimizer: w_0 gives the state at t = 0; w_t, g_t and the state give w_{t+1}.

    A rule that mixes the coordinates of params says so with a class attribute, elementwise = False: see TorchOptimizer.
    """

    def init(self, params: Tensor) -> Any:
        """The state at t = 0, a NamedTuple of tensors that broadcast against params (..., d)."""

    def update(self, params: Tensor, grads: Tensor, state: Any) -> tuple[Tensor, Any]:
        """One step: the new params (..., d) and the new state."""


class GradientDescentState(NamedTuple):
    """Empty: gradient descent remembers nothing between two steps."""


class Velocity(NamedTuple):
    """velocity: what the steps so far add up to, each older one times momentum; shape of params."""

    velocity: Tensor


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


class Moments(NamedTuple):
    """m, v: the running means of the gradient and of its square, begun at zero; t: the steps so far."""

    m: Tensor
    v: Tensor
    t: Tensor


class MaxMoments(NamedTuple):
    """m, v, t as in Moments; v_max: the largest v so far."""

    m: Tensor
    v: Tensor
    v_max: Tensor
    t: Tensor


class History(NamedTuple):
    """s, y: (history_size, *params.shape), movements and changes of the gradient, the newest last.

    scale: s.y / y.y of the newest (..., 1); g, move: the last gradient and step; t: the steps so far (..., 1).
    """

    s: Tensor
    y: Tensor
    scale: Tensor
    g: Tensor
    move: Tensor
    t: Tensor


@dataclass(frozen=True, eq=False)
class GradientDescent:
    """w <- w - lr * g

    lr: learning rate η, positive (0 rests); a number, or, as a sweep, a tensor with a last axis of 1: descent.grid.
    Equals torch.optim.SGD without momentum. Reference: Cauchy 1847; Nesterov 2004, section 1.2.3.
    """

    lr: Hyperparameter

    def init(self, params):
        return GradientDescentState()

    def update(self, params, grads, state):
        return params - self.lr * grads, state


@dataclass(frozen=True, eq=False)
class Momentum:
    """v <- momentum * v + g;  w <- w - lr * v

    Heavy ball: the velocity v remembers past gradients. lr: positive. momentum: beta in [0, 1), 0.9 is usual.
    Equals torch.optim.SGD(momentum=...): the new gradient enters v whole, and lr multiplies v. Other texts put lr
    inside v, or average with (1 - beta) g: `convert_lr` converts. Reference: Polyak 1964; Sutskever et al. 2013.
    """

    lr: Hyperparameter
    momentum: Hyperparameter = 0.9

    def init(self, params):
        return Velocity(velocity=torch.zeros_like(params))

    def update(self, params, grads, state):
        velocity = self.momentum * state.velocity + grads
        return params - self.lr * velocity, Velocity(velocity)


@dataclass(frozen=True, eq=False)
class Nesterov:
    """v <- momentum * v + g;  w <- w - lr * (g + momentum * v)

    The step looks ahead: it adds what the velocity is about to do. lr: positive. momentum: beta in [0, 1).
    Equals torch.optim.SGD(momentum=..., nesterov=True), whose w is Nesterov's point that looks ahead.
    Reference: Nesterov 1983; Sutskever et al. 2013, equations 3 and 4.
    """

    lr: Hyperparameter
    momentum: Hyperparameter = 0.9

    def init(self, params):
        return Velocity(velocity=torch.zeros_like(params))

    def update(self, params, grads, state):
        velocity = self.momentum * state.velocity + grads
        return params - self.lr * (grads + self.momentum * velocity), Velocity(velocity)


@dataclass(frozen=True, eq=False)
class AdaGrad:
    """G <- G + g^2;  w <- w - lr * g / (sqrt(G) + eps)

    Each coordinate has its own rate, which shrinks with all the gradients it has seen. lr, eps: positive.
    Equals torch.optim.Adagrad. Reference: Duchi, Hazan & Singer 2011, the diagonal form.
    """

    lr: Hyperparameter = 1e-2
    eps: Hyperparameter = 1e-10

    def init(self, params):
        return SquaredSum(G=torch.zeros_like(params))

    def update(self, params, grads, state):
        G = state.G + grads**2
        return params - self.lr * grads / (G.sqrt() + self.eps), SquaredSum(G)


@dataclass(frozen=True, eq=False)
class RMSProp:
    """v <- alpha * v + (1 - alpha) * g^2;  w <- w - lr * g / (sqrt(v) + eps)

    AdaGrad that forgets: a running mean in place of the sum. lr, eps: positive. alpha: in [0, 1).
    Equals torch.optim.RMSprop (eps outside the root; some texts put it inside).
    Reference: Tieleman & Hinton 2012, lecture 6.5.
    """

    lr: Hyperparameter = 1e-2
    alpha: Hyperparameter = 0.99
    eps: Hyperparameter = 1e-8

    def init(self, params):
        return SquaredMean(v=torch.zeros_like(params))

    def update(self, params, grads, state):
        v = self.alpha * state.v + (1 - self.alpha) * grads**2
        return params - self.lr * grads / (v.sqrt() + self.eps), SquaredMean(v)


@dataclass(frozen=True, eq=False)
class Adadelta:
    """v <- rho v + (1 - rho) g^2;  d = sqrt(u + eps) / sqrt(v + eps) * g;  u <- rho u + (1 - rho) d^2;  w <- w - lr * d

    The steps have the unit of w, because a running mean of their own squares, u, replaces the rate. lr: positive, 1 in
    the paper. rho: in [0, 1). eps: positive, inside both roots.
    Equals torch.optim.Adadelta. Reference: Zeiler 2012, algorithm 1 (v is E[g^2], u is E[dx^2]).
    """

    lr: Hyperparameter = 1.0
    rho: Hyperparameter = 0.9
    eps: Hyperparameter = 1e-6

    def init(self, params):
        return SquaredMeans(v=torch.zeros_like(params), u=torch.zeros_like(params))

    def update(self, params, grads, state):
        v = self.rho * state.v + (1 - self.rho) * grads**2
        d = (state.u + self.eps).sqrt() / (v + self.eps).sqrt() * grads
        u = self.rho * state.u + (1 - self.rho) * d**2
        return params - self.lr * d, SquaredMeans(v, u)


@dataclass(frozen=True, eq=False)
class Adam:
    """m <- beta1 m + (1 - beta1) g;  v <- beta2 v + (1 - beta2) g^2;  w <- w - lr * m_hat / (sqrt(v_hat) + eps)

    m_hat = m / (1 - beta1^t) and v_hat = v / (1 - beta2^t) undo that m and v begin at zero; t counts from 1.
    lr, eps: positive. beta1, beta2: in [0, 1). Equals torch.optim.Adam.
    Reference: Kingma & Ba 2015, algorithm 1.
    """

    lr: Hyperparameter = 1e-3
    beta1: Hyperparameter = 0.9
    beta2: Hyperparameter = 0.999
    eps: Hyperparameter = 1e-8

    def init(self, params):
        return Moments(m=torch.zeros_like(params), v=torch.zeros_like(params), t=_at_first())

    def update(self, params, grads, state):
        t = state.t + 1
        m = self.beta1 * state.m + (1 - self.beta1) * grads
        v = self.beta2 * state.v + (1 - self.beta2) * grads**2
        m_hat = m / (1 - self.beta1**t)
        v_hat = v / (1 - self.beta2**t)
        return params - self.lr * m_hat / (v_hat.sqrt() + self.eps), Moments(m, v, t)


@dataclass(frozen=True, eq=False)
class AMSGrad:
    """Adam with v_max <- max(v_max, v) in the place of v under the root, so that no rate ever grows again

    lr, eps: positive. beta1, beta2: in [0, 1). Equals torch.optim.Adam(amsgrad=True), which corrects v_max for its bias
    after the maximum; the paper corrects nothing. Reference: Reddi, Kale & Kumar 2018, algorithm 2.
    """

    lr: Hyperparameter = 1e-3
    beta1: Hyperparameter = 0.9
    beta2: Hyperparameter = 0.999
    eps: Hyperparameter = 1e-8

    def init(self, params):
        zeros = torch.zeros_like(params)
        return MaxMoments(m=zeros, v=zeros, v_max=zeros, t=_at_first())

    def update(self, params, grads, state):
        t = state.t + 1
        m = self.beta1 * state.m + (1 - self.beta1) * grads
        v = self.beta2 * state.v + (1 - self.beta2) * grads**2
        v_max = torch.maximum(state.v_max, v)
        m_hat, v_hat = m / (1 - self.beta1**t), v_max / (1 - self.beta2**t)
        return params - self.lr * m_hat / (v_hat.sqrt() + self.eps), MaxMoments(m, v, v_max, t)


@dataclass(frozen=True, eq=False)
class AdamW:
    """w <- (1 - lr * weight_decay) * w, then the step of Adam: the decay does not pass through m and v

    lr, eps: positive. beta1, beta2: in [0, 1). weight_decay: 0 or more. Equals torch.optim.AdamW; it is not Adam on a
    loss with an L2 penalty. Reference: Loshchilov & Hutter 2019, algorithm 2.
    """

    lr: Hyperparameter = 1e-3
    beta1: Hyperparameter = 0.9
    beta2: Hyperparameter = 0.999
    eps: Hyperparameter = 1e-8
    weight_decay: Hyperparameter = 1e-2

    def init(self, params):
        return Moments(m=torch.zeros_like(params), v=torch.zeros_like(params), t=_at_first())

    def update(self, params, grads, state):
        t = state.t + 1
        m = self.beta1 * state.m + (1 - self.beta1) * grads
        v = self.beta2 * state.v + (1 - self.beta2) * grads**2
        m_hat, v_hat = m / (1 - self.beta1**t), v / (1 - self.beta2**t)
        decayed = (1 - self.lr * self.weight_decay) * params
        return decayed - self.lr * m_hat / (v_hat.sqrt() + self.eps), Moments(m, v, t)


@dataclass(frozen=True, eq=False)
class LBFGS:
    """w <- w - lr * H g, where H g comes from the last movements s and gradient changes y by the two-loop recursion

    The first step is min(1, 1 / sum|g|) * lr * g. A pair (s, y) is kept when s.y > 1e-10, the newest history_size of
    them, for each run on its own. A run whose largest |g| is at most 1e-7, or whose step would not descend
    (g.d > -1e-9), rests.
    lr: positive, 1 is usual. history_size: a whole number, 1 or more; it is not swept.
    Equals torch.optim.LBFGS(max_iter=1) without line search: one gradient for each step.
    Reference: Nocedal & Wright 2006, algorithms 7.4 and 7.5.
    """

    lr: Hyperparameter = 1.0
    history_size: int = 10
    elementwise: ClassVar[bool] = False  # the parameters of a network are one vector to it

    def init(self, params):
        pairs = params.new_zeros((self.history_size, *params.shape))
        one = torch.ones_like(params[..., :1])
        return History(
            s=pairs, y=pairs, scale=one, g=torch.zeros_like(params), move=torch.zeros_like(params), t=0 * one
        )

    def update(self, params, grads, state):
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


def _at_first() -> Tensor:
    """t = 0, in float64 also for float32 params: 1 - beta2^t would lose its digits."""
    return torch.zeros((), dtype=torch.float64)


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


MOMENTUM_LR = {  # what lr is multiplied by, to say the same in torch's convention
    "torch": lambda momentum: 1.0,
    "tensorflow": lambda momentum: 1.0,
    "averaged": lambda momentum: 1 - momentum,
}


def convert_lr(lr: Hyperparameter, momentum: Hyperparameter, *, source: str, target: str) -> Hyperparameter:
    """The lr with which the target convention of momentum takes the steps that the source takes, while lr is constant

    "torch": v <- momentum v + g; w <- w - lr v. "tensorflow" (also Sutskever's): v <- momentum v - lr g; w <- w + v.
    "averaged": v <- momentum v + (1 - momentum) g; w <- w - lr v, which needs lr / (1 - momentum) of torch's.
    When lr changes on the way, torch's old velocity follows it at once, tensorflow's does not: no lr makes them equal.
    Reference: the note of torch.optim.SGD; Sutskever et al. 2013.
    """
    for name in (source, target):
        if name not in MOMENTUM_LR:
            raise ValueError(f"a convention of momentum is one of {', '.join(MOMENTUM_LR)}; got {name!r}")
    in_range("lr", lr)
    in_range("momentum", momentum)
    return lr * MOMENTUM_LR[source](momentum) / MOMENTUM_LR[target](momentum)
