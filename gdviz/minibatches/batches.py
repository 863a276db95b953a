"""Which examples each step sees."""

from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from gdviz.hyperparameters import is_whole, whole


class Minibatches:
    """Which examples each step sees: batches(step) holds indices in 0 ... n - 1, of shape (*runs, batch size).

    A step sees the same examples at every call. Minibatches whose generators are in the same state draw the same.

    Args:
        n: how many examples there are.
        batch_size: how many of them a step sees, 1 to n (the full batch).
        runs: sizes of the axes of runs, each run with batches of its own. An axis of 1 is for a sweep, whose runs share
            them: runs=(40, 1) with a rate of shape (5, 1) are 40 x 5 runs, while runs=5 would pair them.
        replacement: False shuffles the examples anew for each epoch and deals them out, so that each comes once and the
            last batch may be smaller; True draws each index from all n.
        shuffle: False deals them out in their own order, the same in each epoch, with nothing left to chance.
        generator: a torch.Generator of the CPU, unless shuffle=False. One number is drawn from it now.

    Raises:
        ValueError: n or batch_size is not whole or out of range; replacement without shuffling.
        TypeError: replacement or shuffle is not a bool, generator is not a torch.Generator.

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
        shuffle: bool = True,
        generator: torch.Generator | None = None,
    ):
        if not is_whole(n) or n < 1:
            raise ValueError(f"n must be how many examples there are, 1 or more, got {n!r}")
        if not is_whole(batch_size) or batch_size < 1:
            raise ValueError(f"batch_size must be a whole number from 1 to {n}, got {batch_size!r}")
        if batch_size > n:
            full = f"all {n} are the full batch, batch_size={n}"
            raise ValueError(f"batch_size must be at most the number of examples, got {batch_size}; {full}")
        for name, given in (("replacement", replacement), ("shuffle", shuffle)):
            if not isinstance(given, bool):
                raise TypeError(f"{name} must be True or False, got {given!r}")
        if replacement and not shuffle:
            raise ValueError("replacement draws by chance; shuffle=False has an order: choose one of them")
        self.n, self.batch_size, self.replacement, self.shuffle = int(n), int(batch_size), replacement, shuffle
        self.runs: tuple[int, ...] = axes_of_runs(runs)
        self.seed = seed_from(generator) if shuffle else 0

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
        shape = (*self.runs, self.n)
        dealt = _dealt(self.seed, epoch, shape) if self.shuffle else torch.arange(self.n).expand(shape)
        return dealt[..., batch * self.batch_size : (batch + 1) * self.batch_size].clone()


@lru_cache(maxsize=16)  # the steps of an epoch share it, and the sizes of a sweep
def _dealt(seed: int, epoch: int, shape: tuple[int, ...]) -> Tensor:
    """The examples of an epoch in the order in which they are dealt out, for each run: (*runs, n)."""
    return torch.rand(shape, generator=generator_of(seed, epoch), dtype=torch.float64).argsort(-1)


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
