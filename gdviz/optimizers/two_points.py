"""Rules with two points: one where the gradient is taken, and another for the weights themselves."""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from gdviz.hyperparameters import NotNegative, Rate, Share
from gdviz.optimizers.adam import at_first


class SAMState(NamedTuple):
    """Empty: sharpness-aware minimisation remembers nothing between two steps.

    Example:
        >>> len(SAM(lr=0.1).init(torch.zeros(2)))
        0
    """


class Averaged(NamedTuple):
    """The state of ScheduleFreeSGD.

    Attributes:
        z: where the steps are made; shape of params.
        x: the mean of all z since the first step, the weights to evaluate.
        t: the steps so far.

    Example:
        >>> ScheduleFreeSGD(lr=0.1).init(torch.ones(2)).x
        tensor([1., 1.])
    """

    z: Tensor
    x: Tensor
    t: Tensor


class AveragedMoment(NamedTuple):
    """The state of ScheduleFreeAdamW.

    Attributes:
        z: as in Averaged.
        x: as in Averaged.
        v: the running mean of the squared gradient, begun at zero.
        t: the steps so far.

    Example:
        >>> ScheduleFreeAdamW().init(torch.ones(2)).v
        tensor([0., 0.])
    """

    z: Tensor
    x: Tensor
    v: Tensor
    t: Tensor


@dataclass(frozen=True, eq=False)
class SAM:
    """w <- w - lr * g(w + rho * g(w) / |g(w)|)

    Sharpness-aware minimisation: the gradient is taken where the loss is about highest within rho of w, and moves w.
    That costs two gradients a step. |g| is the Euclidean length, for each run on its own; in a network, over all
    parameters of a group. Where g = 0 both gradients are taken at w. Equals pytorch_optimizer.SAM with torch.optim.SGD
    and perturb_eps=0.

    Args:
        lr: positive.
        rho: how far away the second gradient is taken, 0 or more; 0 is gradient descent.

    Example:
        >>> rule, w, g = SAM(lr=0.1, rho=0.5), torch.tensor([2.0, 0.0]), torch.tensor([3.0, 4.0])
        >>> rule.probe(w, g)
        tensor([2.3000, 0.4000])

    Reference: Foret et al. 2021, algorithm 1 with p = 2.
    """

    lr: Rate
    rho: NotNegative = 0.05
    elementwise: ClassVar[bool] = False  # the parameters of a network are one vector to it

    def init(self, params: Tensor) -> SAMState:
        return SAMState()

    def probe(self, params: Tensor, grads: Tensor) -> Tensor:
        length = grads.square().sum(-1, keepdim=True).sqrt()
        return params + self.rho * torch.where(length > 0, grads / length, 0)

    def update(self, params: Tensor, grads: Tensor, state: SAMState) -> tuple[Tensor, SAMState]:
        return params - self.lr * grads, state


@dataclass(frozen=True, eq=False)
class ScheduleFreeSGD:
    """z <- z - lr * g(y);  x <- (1 - c) * x + c * z with c = 1 / t;  y <- (1 - beta) * z + beta * x

    x is the mean of all z, which replaces a falling learning rate. params is y, where the gradient is taken; the
    weights to evaluate and to keep are x: `answer`. t counts from 1, so the start does not enter the mean. At a
    constant rate this equals schedulefree.SGDScheduleFree, which calls beta momentum; at a changing rate the package
    weights each z by the square of the largest rate so far, and here all weigh the same.

    Args:
        lr: positive; on a quadratic of curvature lambda it may be up to 2 / ((1 - beta) * lambda).
        beta: in [0, 1); 0 is SGD and the mean of its weights.

    Example:
        >>> rule, y, g = ScheduleFreeSGD(lr=0.1), torch.tensor([2.0]), torch.tensor([4.0])
        >>> y, state = rule.update(y, g, rule.init(y))
        >>> y, state = rule.update(y, g, state)
        >>> state.z, rule.answer(y, state), y
        (tensor([1.2000]), tensor([1.4000]), tensor([1.3800]))

    Reference: Defazio et al. 2024; c as in their algorithm 1, where the start has no weight.
    """

    lr: Rate
    beta: Share = 0.9

    def init(self, params: Tensor) -> Averaged:
        return Averaged(z=params, x=params, t=at_first())

    def update(self, params: Tensor, grads: Tensor, state: Averaged) -> tuple[Tensor, Averaged]:
        t = state.t + 1
        z = state.z - self.lr * grads
        x = state.x + (z - state.x) / t
        return z + self.beta * (x - z), Averaged(z, x, t)

    def answer(self, params: Tensor, state: Averaged) -> Tensor:
        return state.x


@dataclass(frozen=True, eq=False)
class ScheduleFreeAdamW:
    """v <- beta2 v + (1 - beta2) g^2;  z <- z - lr * (g / (sqrt(v_hat) + eps) + weight_decay * y)

    x <- (1 - 1 / t) * x + z / t;  y <- (1 - beta1) * z + beta1 * x. The mean x replaces both the schedule and
    Adam's m; v_hat = v / (1 - beta2^t). As in ScheduleFreeSGD params is y, and the answer is x; the decay is that of y.
    Equals schedulefree.AdamWScheduleFree at a constant rate and without warm-up.

    Args:
        lr: positive.
        beta1: in [0, 1).
        beta2: in [0, 1).
        eps: 0 or more.
        weight_decay: 0 or more.

    Example:
        >>> rule, y, g = ScheduleFreeAdamW(lr=0.1), torch.tensor([2.0]), torch.tensor([4.0])
        >>> y, state = rule.update(y, g, rule.init(y))
        >>> y, rule.answer(y, state)
        (tensor([1.9000]), tensor([1.9000]))

    Reference: Defazio et al. 2024, algorithm 1.
    """

    lr: Rate = 2.5e-3
    beta1: Share = 0.9
    beta2: Share = 0.999
    eps: NotNegative = 1e-8
    weight_decay: NotNegative = 0.0

    def init(self, params: Tensor) -> AveragedMoment:
        return AveragedMoment(z=params, x=params, v=torch.zeros_like(params), t=at_first())

    def update(self, params: Tensor, grads: Tensor, state: AveragedMoment) -> tuple[Tensor, AveragedMoment]:
        t = state.t + 1
        v = self.beta2 * state.v + (1 - self.beta2) * grads**2
        v_hat = v / (1 - self.beta2**t)
        z = state.z - self.lr * (grads / (v_hat.sqrt() + self.eps) + self.weight_decay * params)
        x = state.x + (z - state.x) / t
        return z + self.beta1 * (x - z), AveragedMoment(z, x, v, t)

    def answer(self, params: Tensor, state: AveragedMoment) -> Tensor:
        return state.x
