"""Rules that ask a gradient for its sign alone."""

from dataclasses import dataclass
from typing import Annotated, NamedTuple

import torch
from torch import Tensor

from gdviz.hyperparameters import Accepted, Hyperparameter, NotNegative, Rate, Share

Shrinking = Annotated[Hyperparameter, Accepted(lambda eta: (eta > 0) & (eta < 1), "more than 0 and less than 1")]
Growing = Annotated[Hyperparameter, Accepted(lambda eta: eta > 1, "more than 1")]


class OwnSteps(NamedTuple):
    """The state of Rprop.

    Attributes:
        prev: the last gradient, 0 where its sign had just changed; shape of params.
        step_size: how far each coordinate moves.

    Example:
        >>> Rprop(lr=0.5).init(torch.zeros(2)).step_size
        tensor([0.5000, 0.5000])
    """

    prev: Tensor
    step_size: Tensor


class MeanGradient(NamedTuple):
    """The state of Lion.

    Attributes:
        m: the running mean of the gradient, begun at zero; shape of params.

    Example:
        >>> Lion().init(torch.zeros(2)).m
        tensor([0., 0.])
    """

    m: Tensor


@dataclass(frozen=True, eq=False)
class Rprop:
    """s <- etaplus * s where g keeps its sign, etaminus * s where it changes;  w <- w - s * sign(g)

    Each coordinate has its own step size s. Where the sign has changed, the coordinate waits for one step, and the next
    one counts as no change. Equals torch.optim.Rprop; the paper also takes back the step that went too far. It needs
    the full gradient: of minibatches it sees the signs, whose mean is not the sign of their mean.

    Args:
        lr: the first step size, 0 or more; after the first step it has no effect, so a schedule changes nothing.
        etaminus: more than 0 and less than 1.
        etaplus: more than 1.
        step_size_min: the smallest step size.
        step_size_max: the largest.

    Example:
        >>> rule, w, g = Rprop(lr=0.5), torch.tensor([2.0, 2.0]), torch.tensor([4.0, 0.01])
        >>> w, state = rule.update(w, g, rule.init(w))
        >>> w, rule.update(w, g, state)[0]
        (tensor([1.5000, 1.5000]), tensor([0.9000, 0.9000]))

    Reference: Riedmiller & Braun 1993; Igel & Hüsken 2000, iRprop-.
    """

    lr: NotNegative = 1e-2
    etaminus: Shrinking = 0.5
    etaplus: Growing = 1.2
    step_size_min: NotNegative = 1e-6
    step_size_max: NotNegative = 50.0

    def init(self, params: Tensor) -> OwnSteps:
        return OwnSteps(prev=torch.zeros_like(params), step_size=torch.zeros_like(params) + self.lr)

    def update(self, params: Tensor, grads: Tensor, state: OwnSteps) -> tuple[Tensor, OwnSteps]:
        kept, s = grads * state.prev, state.step_size
        s = torch.where(kept > 0, self.etaplus * s, torch.where(kept < 0, self.etaminus * s, s))
        s = s.clamp(min=self.step_size_min).clamp(max=self.step_size_max)
        g = torch.where(kept < 0, 0.0, grads)
        return params - s * g.sign(), OwnSteps(prev=g, step_size=s)


@dataclass(frozen=True, eq=False)
class Lion:
    """w <- (1 - lr * weight_decay) * w - lr * sign(beta1 m + (1 - beta1) g);  m <- beta2 m + (1 - beta2) g

    Every coordinate moves by lr in every step, so Lion never rests, and its lr is chosen 3 to 10 times smaller than
    Adam's. torch.optim does not have it; it equals Lion of lion-pytorch.

    Args:
        lr: positive.
        beta1: in [0, 1): what m weighs against the newest gradient in a step.
        beta2: in [0, 1): how long m remembers.
        weight_decay: 0 or more.

    Example:
        >>> rule, w, g = Lion(lr=0.1), torch.tensor([2.0, 2.0]), torch.tensor([4.0, -0.01])
        >>> rule.update(w, g, rule.init(w))[0]
        tensor([1.9000, 2.1000])

    Reference: Chen et al. 2023, algorithm 2.
    """

    lr: Rate = 1e-4
    beta1: Share = 0.9
    beta2: Share = 0.99
    weight_decay: NotNegative = 0.0

    def init(self, params: Tensor) -> MeanGradient:
        return MeanGradient(m=torch.zeros_like(params))

    def update(self, params: Tensor, grads: Tensor, state: MeanGradient) -> tuple[Tensor, MeanGradient]:
        direction = (self.beta1 * state.m + (1 - self.beta1) * grads).sign()
        m = self.beta2 * state.m + (1 - self.beta2) * grads
        return (1 - self.lr * self.weight_decay) * params - self.lr * direction, MeanGradient(m)
