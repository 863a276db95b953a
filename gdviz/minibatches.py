"""Minibatches: which examples a step sees, and the loss of them for `minimize`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from gdviz.numbers import as_tensor, is_whole, whole


class Minibatches:
    """Which examples each step sees: batches(step) holds indices in 0 ... n - 1, of shape (*runs, batch size).

    A step sees the same examples at every call. Minibatches with generators in the same state share their chances.

    Args:
        n: how many examples there are.
        batch_size: how many of them a step sees, 1 to n (the full batch).
        runs: sizes of the axes of runs, each run with batches of its own. An axis of 1 is for a sweep, whose runs share
            them: runs=(40, 1) with a rate of shape (5, 1) are 40 x 5 runs, while runs=5 would pair them.
        replacement: False shuffles the examples anew for each epoch and deals them out, so that each comes once and the
            last batch may be smaller; True draws each index from all n.
        generator: a torch.Generator of the CPU. One number is drawn from it now.

    Raises:
        ValueError: n or batch_size is not whole or out of range.
        TypeError: replacement is not a bool, generator is none.

    Example:
        >>> batches = Minibatches(10, 4, generator=torch.Generator().manual_seed(0))
        >>> batches.steps_per_epoch, [len(batches(step)) for step in range(3)]
        (3, [4, 4, 2])
        >>> sorted(torch.cat([batches(step) for step in range(3)]).tolist()) == list(range(10))
        True
    """

    def __init__(
        self,
        n: int,
        batch_size: int,
        runs: int | tuple[int, ...] = (),
        replacement: bool = False,
        *,
        generator: torch.Generator,
    ):
        if not is_whole(n) or n < 1:
            raise ValueError(f"n must be how many examples there are, 1 or more, got {n!r}")
        if not is_whole(batch_size) or batch_size < 1:
            raise ValueError(f"batch_size must be a whole number from 1 to {n}, got {batch_size!r}")
        if batch_size > n:
            full = f"all {n} are the full batch, batch_size={n}"
            raise ValueError(f"batch_size must be at most the number of examples, got {batch_size}; {full}")
        if not isinstance(replacement, bool):
            raise TypeError(f"replacement must be True or False, got {replacement!r}")
        self.n, self.batch_size, self.replacement = int(n), int(batch_size), replacement
        self.runs: tuple[int, ...] = axes_of_runs(runs)
        self.seed = seed_from(generator)

    @property
    def steps_per_epoch(self) -> int:
        """How many batches deal out all examples once: n / batch_size, rounded up."""
        return -(-self.n // self.batch_size)

    def examples(self, step: int) -> int:
        """How many examples this step sees, in each run.

        Args:
            step: counted from 0.

        Returns:
            batch_size, or what is left of the epoch.
        """
        left = self.n - whole("step", step, 0) % self.steps_per_epoch * self.batch_size
        return self.batch_size if self.replacement else min(self.batch_size, left)

    def __call__(self, step: int) -> Tensor:
        """The indices (*runs, batch size) of this step."""
        step = whole("step", step, 0)
        if self.replacement:
            return torch.randint(self.n, (*self.runs, self.batch_size), generator=generator_of(self.seed, step))
        epoch, batch = divmod(step, self.steps_per_epoch)
        dealt = _dealt(self.seed, epoch, (*self.runs, self.n))
        return dealt[..., batch * self.batch_size : (batch + 1) * self.batch_size].clone()


@lru_cache(maxsize=16)  # the steps of an epoch share it, and the sizes of a sweep
def _dealt(seed: int, epoch: int, shape: tuple[int, ...]) -> Tensor:
    """The examples of an epoch in the order in which they are dealt out, for each run: (*runs, n)."""
    return torch.rand(shape, generator=generator_of(seed, epoch), dtype=torch.float64).argsort(-1)


@dataclass(frozen=True, eq=False)
class SampledLoss:
    """What `sampled_loss` returns: f(params, step), with the axes of runs and the examples that minimize asks for."""

    loss: Any
    batches: tuple[Minibatches, ...]
    many: bool
    reduce: str

    @property
    def runs(self) -> tuple[int, ...]:
        """The axes of runs that minimize gives to the start."""
        return (len(self.batches),) * self.many + self.batches[0].runs

    def examples(self, step: int) -> Tensor:
        """How many examples this step touches in a run: (), or (batch sizes, 1, ...) which broadcasts against runs."""
        counts = torch.tensor([batches.examples(step) for batches in self.batches])
        return counts.reshape(-1, *[1] * len(self.batches[0].runs)) if self.many else counts[0]

    def __call__(self, params: Tensor, step: int) -> Tensor:
        if self.many:
            axis = params.ndim - 1 - len(self.runs)  # of the batch sizes; those of a sweep may stand before it
            return torch.stack([self.one(k, some, step) for k, some in enumerate(params.unbind(axis))], axis)
        return self.one(0, params, step)

    def one(self, k: int, params: Tensor, step: int) -> Tensor:
        """The loss of a minibatch of the k-th of the batch sizes alone, for params (*runs, d): (*runs)."""
        losses = of_each_example(self.loss, params, self.batches[k](step))
        return losses.mean(-1) if self.reduce == "mean" else losses.sum(-1)


def sampled_loss(loss: Any, batches: Minibatches | Sequence[Minibatches], *, reduce: str = "mean") -> SampledLoss:
    """f(params, step) = 1/B sum over the minibatch of the losses of its examples, for minimize(..., sampled_loss=f)

    loss: of data, such as surfaces.linear_model(data): has `examples`, how many there are, and `example_loss`, which
    takes params (*runs, d) and indices (*runs, B) and returns the loss of each example, (*runs, B).
    batches: Minibatches; or a list of them that share n and runs: a first axis of runs, one for each batch size.
    reduce: "mean"; or "sum" without the 1/B, which makes a step B times as long, as would a rate B times as large.
    Its expectation is the loss of the full batch ("sum": B times that). Reference: Bottou, Curtis & Nocedal 2018, 3.7.
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


def axes_of_runs(runs: Any) -> tuple[int, ...]:
    """How many runs, as a tuple with one size for each axis; a number is one axis."""
    sizes = (runs,) if is_whole(runs) else runs
    if not (isinstance(sizes, tuple | list) and all(is_whole(size) and size > 0 for size in sizes)):
        raise ValueError(f"runs must be how many runs there are, or a tuple with a number for each axis, got {runs!r}")
    return tuple(int(size) for size in sizes)


def seed_from(generator: Any) -> int:
    """One number drawn from a generator of the CPU, the seed of all that follows."""
    if not isinstance(generator, torch.Generator):
        raise TypeError(f"generator must be a torch.Generator, torch.Generator().manual_seed(0), got {generator!r}")
    if generator.device.type != "cpu":
        raise ValueError(f"generator must be of the CPU, where the examples are, got one of {generator.device}")
    return int(torch.randint(2**31, (), generator=generator))


def generator_of(seed: int, turn: int) -> torch.Generator:
    """A generator for this turn (a step, an epoch), the same at every call."""
    return torch.Generator().manual_seed(seed + turn)


@dataclass(frozen=True, eq=False)
class NoisyLoss:
    """What `noisy_loss` returns: f(params, step), with the axes of runs that minimize asks it for."""

    loss: Callable[[Tensor], Tensor]
    deviation: Tensor
    runs: tuple[int, ...]
    seed: int

    @property
    def examples(self) -> int:
        """How many examples one gradient of the loss touches."""
        return getattr(self.loss, "examples", 1)

    def __call__(self, params: Tensor, step: int) -> Tensor:
        shape, generator = (*self.runs, params.shape[-1]), generator_of(self.seed, step)
        noise = self.deviation * torch.randn(shape, generator=generator, dtype=torch.float64)
        return self.loss(params) + (noise.to(params.dtype) * params).sum(-1)


def noisy_loss(
    loss: Callable[[Tensor], Tensor], variance: Any, *, runs: int | tuple[int, ...] = (), generator: torch.Generator
) -> NoisyLoss:
    """f(w, step) = loss(w) + xi . w with xi ~ N(0, variance I): a loss whose gradient has noise xi, the same everywhere

    variance: of each coordinate, 0 or more, for a minibatch s2 / B; a tensor broadcasts against (*runs, d).
    runs: sizes of the axes of runs, each with noise of its own; an axis of size 1 shares it.
    generator: a torch.Generator of the CPU. One number is drawn from it now; f(w, step) is the same at every call.
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
