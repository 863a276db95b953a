"""Rules that see a matrix where the others see its numbers: they turn by what is left and right of it."""

import math
from dataclasses import dataclass
from typing import Annotated, ClassVar, NamedTuple

import torch
from torch import Tensor

from gdviz.hyperparameters import Accepted, Count, Hyperparameter, NotNegative, Rate, Share
from gdviz.optimizers.adam import at_first

QUINTIC = (3.4445, -4.775, 2.0315)  # Jordan et al. 2024
ADJUST = {  # torch's names: by what the rate is multiplied for a matrix (m, n)
    "original": lambda m, n: math.sqrt(max(1, m / n)),
    "match_rms_adamw": lambda m, n: 0.2 * math.sqrt(max(m, n)),
}


class MatrixMomentum(NamedTuple):
    """The state of Muon.

    Attributes:
        M: the running mean of the gradient, begun at zero; shape of params.

    Example:
        >>> Muon().init(torch.zeros(2, 3)).M.shape
        torch.Size([2, 3])
    """

    M: Tensor


class RowsAndColumns(NamedTuple):
    """The state of Adafactor.

    Attributes:
        R: the running mean of the squared gradients of each row, (..., m, 1).
        C: that of each column, (..., 1, n).
        t: the steps so far.

    Example:
        >>> state = Adafactor().init(torch.zeros(2, 3))
        >>> state.R.shape, state.C.shape
        (torch.Size([2, 1]), torch.Size([1, 3]))
    """

    R: Tensor
    C: Tensor
    t: Tensor


class LeftAndRight(NamedTuple):
    """The state of Shampoo.

    Attributes:
        L: eps I and the sum of G G' so far, (..., m, m).
        R: eps I and the sum of G' G so far, (..., n, n).

    Example:
        >>> state = Shampoo(lr=0.1).init(torch.zeros(2, 3))
        >>> state.L.shape, state.R.shape
        (torch.Size([2, 2]), torch.Size([3, 3]))
    """

    L: Tensor
    R: Tensor


def newton_schulz(G: Tensor, steps: int = 5, eps: Hyperparameter = 1e-7) -> Tensor:
    """X <- a X + (b A + c A A) X with A = X X', from X = G / |G|: every singular value s becomes a s + b s^3 + c s^5

    The same polynomial five times brings singular values between 0.003 and 1 near 1, and never turns a singular vector:
    G = U S V' becomes almost U V', by products of matrices alone.

    Args:
        G: (..., m, n); a matrix of zeros stays one.
        steps: 0 or more.
        eps: the least |G| (Frobenius) that is divided by.

    Returns:
        The shape of G.

    Raises:
        ValueError: a vector.

    Example:
        >>> newton_schulz(torch.diag(torch.tensor([3.0, 1.0]))).diag()
        tensor([0.7530, 1.1337])

    Reference: Jordan et al. 2024, Muon.
    """
    if G.ndim < 2:
        raise ValueError(f"Newton-Schulz takes matrices (..., m, n), got shape {tuple(G.shape)}; one row is v[None]")
    a, b, c = QUINTIC
    X = G.mT if G.shape[-2] > G.shape[-1] else G
    X = X / _at_least(X.square().sum((-2, -1), keepdim=True).sqrt(), eps)
    for _ in range(steps):
        A = X @ X.mT
        X = a * X + (b * A + c * A @ A) @ X
    return X.mT if G.shape[-2] > G.shape[-1] else X


def _in_bfloat16(G: Tensor, steps: int, eps: Hyperparameter) -> Tensor:
    """newton_schulz as torch.optim.Muon computes it: eight bits of each number, rounded once for each line."""
    if G.ndim > 2:
        least = torch.as_tensor(eps, dtype=G.dtype).expand(*G.shape[:-2], 1, 1).flatten(0, -3)
        many = [_in_bfloat16(one, steps, own) for one, own in zip(G.flatten(0, -3), least)]
        return torch.stack(many).view_as(G)
    a, b, c = QUINTIC
    X = G.bfloat16().T if G.shape[0] > G.shape[1] else G.bfloat16()
    X = X / _at_least(X.norm(), eps)
    for _ in range(steps):
        A = X @ X.T
        X = torch.addmm(X, torch.addmm(A, A, A, beta=b, alpha=c), X, beta=a)
    return (X.T if G.shape[0] > G.shape[1] else X).to(G.dtype)


@dataclass(frozen=True, eq=False)
class Muon:
    """M <- momentum M + (1 - momentum) G;  W <- (1 - lr weight_decay) W - lr s NS(momentum M + (1 - momentum) G)

    NS is `newton_schulz`: all singular values of the step are near 1, so that what the gradient says seldom and faintly
    is learned as quickly as what it says loudly. Equals torch.optim.Muon: with nesterov=False the step is s NS(M); s is
    sqrt(max(1, m / n)) for a matrix (m, n), or with adjust_lr_fn="match_rms_adamw" 0.2 sqrt(max(m, n)).

    Args:
        lr: positive.
        momentum: in [0, 1).
        weight_decay: 0 or more, beside the step as in AdamW.
        eps: 0 or more: matrices shorter than that are not made longer.
        ns_steps: of Newton-Schulz, 1 or more.
        nesterov: whether the step looks ahead.
        adjust_lr_fn: "original" or "match_rms_adamw".
        bfloat16: whether Newton-Schulz is computed with eight bits, as torch does; else with all.

    Raises:
        ValueError: an unknown adjust_lr_fn.

    Example:
        >>> rule, W = Muon(lr=0.1, weight_decay=0), torch.zeros(2, 2)
        >>> rule.update(W, torch.diag(torch.tensor([3.0, 1.0])), rule.init(W))[0].diag()
        tensor([-0.0753, -0.1134])

    Reference: Jordan et al. 2024; Liu et al. 2025 for match_rms_adamw.
    """

    lr: Rate = 1e-3
    momentum: Share = 0.95
    weight_decay: NotNegative = 0.1
    eps: NotNegative = 1e-7
    ns_steps: Count = 5
    nesterov: bool = True
    adjust_lr_fn: str = "original"
    bfloat16: bool = False
    matrix: ClassVar[bool] = True

    def __post_init__(self):
        if self.adjust_lr_fn not in ADJUST:
            raise ValueError(f"adjust_lr_fn must be one of {', '.join(ADJUST)}; got {self.adjust_lr_fn!r}")

    def init(self, params: Tensor) -> MatrixMomentum:
        return MatrixMomentum(M=torch.zeros_like(params))

    def update(self, params: Tensor, grads: Tensor, state: MatrixMomentum) -> tuple[Tensor, MatrixMomentum]:
        M = self.momentum * state.M + (1 - self.momentum) * grads
        ahead = self.momentum * M + (1 - self.momentum) * grads if self.nesterov else M
        orthogonal = (_in_bfloat16 if self.bfloat16 else newton_schulz)(ahead, self.ns_steps, self.eps)
        scale = ADJUST[self.adjust_lr_fn](*params.shape[-2:])
        return (1 - self.lr * self.weight_decay) * params - self.lr * scale * orthogonal, MatrixMomentum(M)


NotPositive = Annotated[Hyperparameter, Accepted(lambda value: value <= 0, "0 or less")]
OneOrMore = Annotated[Hyperparameter, Accepted(lambda value: value >= 1, "1 or more")]


@dataclass(frozen=True, eq=False)
class Adafactor:
    """U = G / sqrt(R C / mean(R)), R and C the means of G^2 along the rows and the columns;  W <- W - alpha U

    Adam's v of m n numbers, from m + n of them. R and C are running means with beta2 = 1 - t^beta2_decay, alpha =
    max(eps2, rms(W)) min(lr, 1 / sqrt(t)) / max(1, rms(U) / d), and W shrinks by 1 - lr weight_decay before. Equals
    torch.optim.Adafactor. A vector is a matrix of one row, on which nothing is saved.

    Args:
        lr: positive: the largest step relative to the weights.
        beta2_decay: 0 or less.
        eps1: 0 or more; the least root of R C / mean(R) and, for the mean, itself.
        eps2: 0 or more; the least size of the weights that a step is relative to.
        d: 1 or more; the largest rms(U).
        weight_decay: 0 or more.

    Example:
        >>> rule, W = Adafactor(lr=0.01), torch.eye(2)
        >>> rule.update(W, torch.tensor([[1.0, 2.0], [3.0, 4.0]]), rule.init(W))[0]
        tensor([[ 0.9945, -0.0077],
                [-0.0073,  0.9931]])

    Reference: Shazeer & Stern 2018, algorithms 4 and 5.
    """

    lr: Rate = 1e-2
    beta2_decay: NotPositive = -0.8
    eps1: NotNegative = 2.220446049250313e-16
    eps2: NotNegative = 1e-3
    d: OneOrMore = 1.0
    weight_decay: NotNegative = 0.0
    matrix: ClassVar[bool] = True
    vectors: ClassVar[bool] = True  # of a network, such as a bias: one row

    def init(self, params: Tensor) -> RowsAndColumns:
        R, C = torch.zeros_like(params[..., :1]), torch.zeros_like(params[..., :1, :])
        return RowsAndColumns(R=R, C=C, t=at_first())

    def update(self, params: Tensor, grads: Tensor, state: RowsAndColumns) -> tuple[Tensor, RowsAndColumns]:
        t = state.t + 1
        share = t**self.beta2_decay
        R = state.R + share * (grads.square().mean(-1, keepdim=True) - state.R)
        C = state.C + share * (grads.square().mean(-2, keepdim=True) - state.C)
        v = R * C / _at_least(R.mean(-2, keepdim=True), self.eps1)
        U = grads / _at_least(v.sqrt(), self.eps1)
        alpha = _at_least(_rms(params), self.eps2) * _at_most(t**-0.5, self.lr) / _at_least(_rms(U) / self.d, 1)
        return (1 - self.lr * self.weight_decay) * params - alpha * U, RowsAndColumns(R, C, t)


@dataclass(frozen=True, eq=False)
class Shampoo:
    """L <- L + G G';  R <- R + G' G;  W <- W - lr L^(-1/4) G R^(-1/4)

    AdaGrad for a matrix: what its gradients were is remembered for every direction of its rows and of its columns, not
    for every number. From eps = 0 the first step is exactly U V' of G = U S V', which Muon approaches.

    Args:
        lr: positive.
        eps: 0 or more: L and R begin as eps times the identity. At 0, directions without any gradient rest.

    Example:
        >>> rule, W = Shampoo(lr=1.0, eps=0.0), torch.zeros(2, 2).double()
        >>> (-rule.update(W, torch.tensor([[3.0, 1.0], [1.0, 2.0]]).double(), rule.init(W))[0]).round(decimals=6).abs()
        tensor([[1., 0.],
                [0., 1.]], dtype=torch.float64)

    Reference: Gupta, Koren & Singer 2018, algorithm 1.
    """

    lr: Rate
    eps: NotNegative = 1e-4
    matrix: ClassVar[bool] = True

    def init(self, params: Tensor) -> LeftAndRight:
        m, n = (torch.eye(size, dtype=params.dtype) for size in params.shape[-2:])
        runs = torch.zeros_like(params[..., :1, :1])
        return LeftAndRight(L=runs + self.eps * m, R=runs + self.eps * n)

    def update(self, params: Tensor, grads: Tensor, state: LeftAndRight) -> tuple[Tensor, LeftAndRight]:
        L, R = state.L + grads @ grads.mT, state.R + grads.mT @ grads
        return params - self.lr * _fourth_root_inverse(L) @ grads @ _fourth_root_inverse(R), LeftAndRight(L, R)


def _fourth_root_inverse(matrix: Tensor) -> Tensor:
    """matrix^(-1/4) of symmetric matrices, 0 in directions in which they are 0 to rounding."""
    if not bool(torch.isfinite(matrix).all()):
        return torch.full_like(matrix, torch.nan)  # a run that has diverged
    values, vectors = torch.linalg.eigh(matrix)
    least = values.amax(-1, keepdim=True) * matrix.shape[-1] * torch.finfo(matrix.dtype).eps
    powers = torch.where(values > least, values.clamp(min=torch.finfo(matrix.dtype).tiny) ** -0.25, 0)
    return vectors * powers[..., None, :] @ vectors.mT


def _rms(matrix: Tensor) -> Tensor:
    return matrix.square().mean((-2, -1), keepdim=True).sqrt()


def _at_least(value: Tensor, least: Hyperparameter) -> Tensor:
    return torch.maximum(value, torch.as_tensor(least, dtype=value.dtype))


def _at_most(value: Tensor, most: Hyperparameter) -> Tensor:
    return torch.minimum(value, torch.as_tensor(most, dtype=value.dtype))
