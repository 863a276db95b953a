"""What a training run saw: one record for each step and one for each epoch, added when it is complete."""

from collections.abc import Iterable, Sized
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor

from gdviz.networks.vitals import Vitals


class Step(NamedTuple):
    """One update.

    Attributes:
        loss: of its minibatch, before the update.
        accuracy: likewise; None where the targets are not classes.
        lr: of the first parameter group.
        examples: how many gradients of examples had been computed, this step's included.
        seconds: since the start.
        number: of the step in a log, which may hold every fiftieth only; None where it is its place in the history.

    Example:
        >>> Step(loss=0.7, accuracy=0.5, lr=0.1, examples=32, seconds=0.01).lr
        0.1
    """

    loss: float
    accuracy: float | None = None
    lr: float = 0.0
    examples: int = 0
    seconds: float = 0.0
    number: int | None = None


class Epoch(NamedTuple):
    """One pass over the examples.

    Attributes:
        end: how many steps had been made at its end.
        loss: the mean over its examples.
        accuracy: likewise; None where the targets are not classes.
        validation_loss: after it; None without validation data.
        validation_accuracy: after it; None without validation data, or where the targets are not classes.
        drift: how far the model's statistics moved during that look, 0 in eval mode; None where it was not measured.

    Example:
        >>> Epoch(end=10, loss=0.4).validation_loss is None
        True
    """

    end: int
    loss: float = 0.0
    accuracy: float | None = None
    validation_loss: float | None = None
    validation_accuracy: float | None = None
    drift: float | None = None


@dataclass(eq=False)
class History:
    """What `fit` saw. Each field of its records is a list, too: losses, epoch_losses, validation_accuracies and others.

    Attributes:
        steps: a Step for each update.
        epochs: an Epoch for each that was finished.
        weights: all parameters as one vector, at the start, then as often as `record` says, and at the end, those that
            the model keeps.
        stopped: why it ended before its last epoch, a sentence; empty where it did not.
        vitals: what single steps did to each layer, where that was recorded.
        classes: the share of each class among the targets to train on; empty where it is not known.
        spread: of the inputs' features the least and the greatest standard deviation, and the greatest |mean|.
        shared: the share of the validation examples that are among those to train on.
        weight_decay: the largest of the optimizer's parameter groups, coupled or decoupled; None where it is not known.

    Example:
        >>> history = History([Step(0.7), Step(0.5)], [Epoch(2, 0.6)])
        >>> history.losses, history.epoch_losses
        ([0.7, 0.5], [0.6])
        >>> history
        2 steps, 1 epoch; loss 0.6 to 0.6.
    """

    steps: list[Step] = field(default_factory=list)
    epochs: list[Epoch] = field(default_factory=list)
    weights: list[Tensor] = field(default_factory=list)
    stopped: str = ""
    vitals: list[Vitals] = field(default_factory=list)
    classes: tuple[float, ...] = ()
    spread: tuple[float, float, float] | None = None
    shared: float | None = None
    weight_decay: float | None = None

    @property
    def losses(self) -> list[float]:
        """Of each step, the loss of its minibatch before the update."""
        return [step.loss for step in self.steps]

    @property
    def accuracies(self) -> list[float]:
        """Of each step, the accuracy on its minibatch before the update; empty where the targets are not classes."""
        return [step.accuracy for step in self.steps if step.accuracy is not None]

    @property
    def lrs(self) -> list[float]:
        """Of each step, the rate of the first parameter group."""
        return [step.lr for step in self.steps]

    @property
    def examples(self) -> list[int]:
        """Of each step, how many gradients of examples had been computed by then."""
        return [step.examples for step in self.steps]

    @property
    def seconds(self) -> list[float]:
        """Of each step, the seconds since the start."""
        return [step.seconds for step in self.steps]

    @property
    def epoch_ends(self) -> list[int]:
        """Of each finished epoch, how many steps had been made."""
        return [epoch.end for epoch in self.epochs]

    @property
    def epoch_seconds(self) -> list[float]:
        """Of each finished epoch, the seconds at its end."""
        return [self.steps[epoch.end - 1].seconds for epoch in self.epochs]

    @property
    def epoch_losses(self) -> list[float]:
        """Of each finished epoch, the mean loss over its examples."""
        return [epoch.loss for epoch in self.epochs]

    @property
    def epoch_accuracies(self) -> list[float]:
        """Of each finished epoch, the mean accuracy over its examples; empty where the targets are not classes."""
        return [epoch.accuracy for epoch in self.epochs if epoch.accuracy is not None]

    @property
    def validation_losses(self) -> list[float]:
        """Of each finished epoch, the loss on the validation data after it; empty without them."""
        return [epoch.validation_loss for epoch in self.epochs if epoch.validation_loss is not None]

    @property
    def validation_accuracies(self) -> list[float]:
        """Of each finished epoch, the accuracy on the validation data after it; empty without them."""
        return [epoch.validation_accuracy for epoch in self.epochs if epoch.validation_accuracy is not None]

    def describe(self) -> str:
        """One sentence with the numbers, without the seconds: the same on every machine.

        Returns:
            The steps and epochs, and the first and last losses and accuracies.
        """
        words = [f"{_many(self.steps, 'step')}, {_many(self.epochs, 'epoch')}"]
        for name, losses, shares in (
            ("", self.epoch_losses, self.epoch_accuracies),
            ("validation ", self.validation_losses, self.validation_accuracies),
        ):
            words += [f"{name}loss {losses[0]:.3g} to {losses[-1]:.3g}"] if losses else []
            words += [f"{name}accuracy {shares[0]:.1%} to {shares[-1]:.1%}"] if shares else []
        return "; ".join(words) + "." + (f" {self.stopped}" if self.stopped else "")

    def examples_until(self, accuracy: float) -> int | None:
        """How many gradients of an example it took to the end of the first epoch with this validation accuracy.

        Args:
            accuracy: a share, 0 to 1.

        Returns:
            The number of examples; None where no epoch reached it, or nobody counted, as in a log.
        """
        reached = (epoch.end for epoch in self.epochs if (epoch.validation_accuracy or 0.0) >= accuracy)
        return next((self.steps[end - 1].examples or None for end in reached), None)

    __repr__ = __str__ = describe


def _many(records: Sized, what: str) -> str:
    return f"{len(records)} {what}{'s' * (len(records) != 1)}"


LISTS = [name for name, thing in vars(History).items() if isinstance(thing, property)]


def stacked(histories: Iterable[History], name: str) -> Tensor:
    """One of the lists of several histories of equal length, side by side.

    Args:
        histories: from `fit`.
        name: which list, such as "epoch_losses".

    Returns:
        (time, runs), float64.

    Raises:
        ValueError: there is no such list, it is empty, or the histories differ in length.

    Example:
        >>> two = [History(epochs=[Epoch(1, 0.5), Epoch(2, 0.25)]), History(epochs=[Epoch(1, 4.0), Epoch(2, 2.0)])]
        >>> stacked(two, "epoch_losses").tolist()
        [[0.5, 4.0], [0.25, 2.0]]
    """
    if isinstance(histories, History) or name not in LISTS:
        given = f"got {type(histories).__name__} and {name!r}"
        raise ValueError(f"stacked takes a list of histories and one of {', '.join(LISTS)}; {given}")
    lists = [getattr(history, name) for history in histories]
    if not lists or not any(lists):
        raise ValueError(f"there are no {name} in {len(lists)} histories")
    if len({len(values) for values in lists}) > 1:
        raise ValueError(
            f"the histories must have the same length; their {name} have {[len(values) for values in lists]}"
        )
    return torch.tensor(lists, dtype=torch.float64).T
