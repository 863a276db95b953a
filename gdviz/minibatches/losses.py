"""The loss that a step differentiates: that of its minibatch, or the full one with noise of our own."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from gdviz.hyperparameters import as_tensor
from gdviz.minibatches.batches import Minibatches, axes_of_runs, generator_of, seed_from


@dataclass(frozen=True, eq=False)
class SampledLoss:
    """What `sampled_loss` returns: f(params, step), with the axes of runs and the examples that minimize asks for.

    Args:
        loss: of data.
        batches: one for each batch size.
        many: whether the batch sizes are an axis of runs.
        reduce: "mean" or "sum".

    Example:
        >>> from gdviz import data, surfaces
        >>> line = surfaces.linear_model(data.toy_line(30))
        >>> f = sampled_loss(line, Minibatches(30, 8, runs=5, generator=torch.Generator().manual_seed(0)))
        >>> f.runs, int(f.examples(0))
        ((5,), 8)
    """

    loss: Any
    batches: tuple[Minibatches, ...]
    many: bool
    reduce: str

    @property
    def runs(self) -> tuple[int, ...]:
        """The axes of runs that minimize gives to the start."""
        return (len(self.batches),) * self.many + self.batches[0].runs

    def examples(self, step: int) -> Tensor:
        """How many examples this step touches in a run.

        Args:
            step: counted from 0.

        Returns:
            (), or (batch sizes, 1, ...) which broadcasts against runs.
        """
        counts = torch.tensor([batches.examples(step) for batches in self.batches])
        return counts.reshape(-1, *[1] * len(self.batches[0].runs)) if self.many else counts[0]

    def __call__(self, params: Tensor, step: int) -> Tensor:
        """The loss of the minibatch of this step, for params (*runs, d): (*runs)."""
        if self.many:
            axis = params.ndim - 1 - len(self.runs)  # of the batch sizes; those of a sweep may stand before it
            return torch.stack([self.one(k, some, step) for k, some in enumerate(params.unbind(axis))], axis)
        return self.one(0, params, step)

    def one(self, k: int, params: Tensor, step: int) -> Tensor:
        """The loss of a minibatch of one of the batch sizes alone.

        Args:
            k: which of them.
            params: (*runs, d).
            step: counted from 0.

        Returns:
            (*runs).
        """
        losses = of_each_example(self.loss, params, self.batches[k](step))
        return losses.mean(-1) if self.reduce == "mean" else losses.sum(-1)


def sampled_loss(loss: Any, batches: Minibatches | Sequence[Minibatches], *, reduce: str = "mean") -> SampledLoss:
    """f(params, step) = 1/B sum over the minibatch of the losses of its examples, for minimize(..., sampled_loss=f)

    Its expectation is the loss of the full batch ("sum": B times that).

    Args:
        loss: of data, such as surfaces.linear_model(data): has `examples`, how many there are, and `example_loss`,
            which takes params (*runs, d) and indices (*runs, B) and returns the loss of each example, (*runs, B).
        batches: Minibatches; or a list of them that share n and runs: a first axis of runs, one for each batch size.
        reduce: "mean"; or "sum" without the 1/B, which makes a step B times as long, as would a rate B times as large.

    Returns:
        The loss that a step differentiates.

    Raises:
        TypeError: loss is not one of data, or batches are not Minibatches.
        ValueError: Minibatches of another n or other runs, an unknown reduce.

    Example:
        >>> from gdviz import data, surfaces
        >>> line = surfaces.linear_model(data.toy_line(30))
        >>> f = sampled_loss(line, Minibatches(30, 30, generator=torch.Generator().manual_seed(0)))
        >>> w = torch.tensor([1.0, 0.0], dtype=torch.float64)
        >>> bool(torch.isclose(f(w, 0), line(w)))
        True

    Reference: Bottou, Curtis & Nocedal 2018, 3.7.
    """
    many = isinstance(batches, Sequence)
    each = tuple(batches) if many else (batches,)
    if not each or not all(isinstance(one, Minibatches) for one in each):
        raise TypeError(f"batches must be Minibatches or a list of them, got {batches!r}")
    if len({(one.n, one.runs) for one in each}) > 1:
        given = ", ".join(f"n {one.n} with runs {one.runs}" for one in each)
        raise ValueError(f"the Minibatches of a list must share n and runs, got {given}")
    for one in each:
        refuse_other_data(loss, one)
    if reduce not in ("mean", "sum"):
        raise ValueError(f'reduce must be "mean" or "sum", got {reduce!r}')
    return SampledLoss(loss, each, many, reduce)


def refuse_other_data(loss: Any, batches: Minibatches) -> None:
    """Refused: a loss that has no examples, and Minibatches of another number of them."""
    refuse_no_data(loss)
    if loss.examples != batches.n:
        raise ValueError(f"the loss has {loss.examples} examples and the Minibatches {batches.n}; n={loss.examples}")


def refuse_no_data(loss: Any) -> None:
    """Refused: a loss that is not the mean of one for each example."""
    if not callable(getattr(loss, "example_loss", None)):
        raise TypeError(f"the loss must be one of data, with examples and example_loss(params, i), got {loss!r}")


def of_each_example(loss: Any, params: Tensor, chosen: Tensor) -> Tensor:
    """The losses of the chosen examples, (*runs, B); refused where example_loss returns anything else."""
    losses, wanted = loss.example_loss(params, chosen), (*params.shape[:-1], chosen.shape[-1])
    if not isinstance(losses, Tensor) or losses.shape != wanted:
        given = tuple(losses.shape) if isinstance(losses, Tensor) else type(losses).__name__
        cure = "have inputs and targets one shape? (a column (n, 1) meets all of (n,))"
        raise ValueError(f"example_loss must return the loss of each example, shape {wanted}, got {given}; {cure}")
    return losses


@dataclass(frozen=True, eq=False)
class NoisyLoss:
    """What `noisy_loss` returns: f(params, step), with the axes of runs that minimize asks it for.

    Args:
        loss: without noise.
        deviation: of the noise, the root of its variance.
        runs: sizes of the axes of runs.
        seed: of the noise.

    Example:
        >>> f = noisy_loss(lambda w: w.square().sum(-1), 4.0, generator=torch.Generator().manual_seed(0))
        >>> float(f.deviation)
        2.0
    """

    loss: Callable[[Tensor], Tensor]
    deviation: Tensor
    runs: tuple[int, ...]
    seed: int

    @property
    def examples(self) -> int:
        """How many examples one gradient of the loss touches."""
        return getattr(self.loss, "examples", 1)

    def __call__(self, params: Tensor, step: int) -> Tensor:
        """The loss with the noise of this step, for params (*runs, d): (*runs)."""
        shape, generator = (*self.runs, params.shape[-1]), generator_of(self.seed, step)
        noise = self.deviation * torch.randn(shape, generator=generator, dtype=torch.float64)
        return self.loss(params) + (noise.to(params.dtype) * params).sum(-1)


def noisy_loss(
    loss: Callable[[Tensor], Tensor], variance: Any, *, runs: int | tuple[int, ...] = (), generator: torch.Generator
) -> NoisyLoss:
    """f(w, step) = loss(w) + xi . w with xi ~ N(0, variance I): a loss whose gradient has noise xi, the same everywhere

    f(w, step) is the same at every call.

    Args:
        loss: takes params (..., d) and returns (...).
        variance: of each coordinate, 0 or more, for a minibatch s2 / B; a tensor broadcasts against (*runs, d).
        runs: sizes of the axes of runs, each with noise of its own; an axis of size 1 shares it.
        generator: a torch.Generator of the CPU. One number is drawn from it now.

    Returns:
        The loss that a step differentiates.

    Raises:
        TypeError: loss is not a function, or variance is not a number.
        ValueError: a variance that is negative or not finite.

    Example:
        >>> from gdviz.descent import minimize
        >>> from gdviz.optimizers import GradientDescent
        >>> from gdviz.surfaces import bowl
        >>> f = noisy_loss(bowl(10), 1.0, runs=50, generator=torch.Generator().manual_seed(0))
        >>> minimize(bowl(10), GradientDescent(lr=0.05), [10.0, 4.0], steps=20, sampled_loss=f).runs
        (50,)
    """
    if not callable(loss):
        raise TypeError(f"loss must be a function of params (..., d), got {loss!r}")
    try:
        deviation = as_tensor(variance).detach().double().sqrt()
    except (TypeError, ValueError, RuntimeError) as error:
        raise TypeError(f"variance must be a number or a tensor of them, 0 or more, got {variance!r}") from error
    if deviation.numel() == 0 or not bool(torch.isfinite(deviation).all()):
        raise ValueError(f"variance must be 0 or more and finite, got {variance!r}")
    return NoisyLoss(loss, deviation, axes_of_runs(runs), seed_from(generator))
