"""The training loop: fit a network to examples by minibatches, and keep all that happened."""

import copy
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from numbers import Integral
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parameters_to_vector
from torch.optim.lr_scheduler import CyclicLR, OneCycleLR, ReduceLROnPlateau
from tqdm.auto import tqdm

from gdviz.hyperparameters import as_tensor
from gdviz.minibatches import Minibatches

Loss = Callable[[Tensor, Tensor], Tensor]


@dataclass(eq=False)
class History:
    """What `fit` saw, as lists.

    For each step: losses and accuracies (of its minibatch, before the update), lrs (of the first parameter group),
    examples (of how many the gradient had been computed, with this step's) and seconds (since the start).
    For each finished epoch: epoch_losses and epoch_accuracies, the means of those over its examples;
    validation_losses and validation_accuracies, after it.
    Accuracies are there where the targets are classes, those of validation where there are such data.
    weights: all parameters as one vector, at the start and then as often as `record` says.
    stopped: why it ended before its last epoch, a sentence; empty where it did not.
    """

    losses: list[float] = field(default_factory=list)
    accuracies: list[float] = field(default_factory=list)
    lrs: list[float] = field(default_factory=list)
    examples: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    epoch_losses: list[float] = field(default_factory=list)
    epoch_accuracies: list[float] = field(default_factory=list)
    validation_losses: list[float] = field(default_factory=list)
    validation_accuracies: list[float] = field(default_factory=list)
    weights: list[Tensor] = field(default_factory=list)
    stopped: str = ""

    def describe(self) -> str:
        """One sentence with the numbers, without the seconds: the same on every machine."""
        words = [f"{len(self.losses)} steps, {len(self.epoch_losses)} epochs"]
        for name, losses, shares in (
            ("", self.epoch_losses, self.epoch_accuracies),
            ("validation ", self.validation_losses, self.validation_accuracies),
        ):
            words += [f"{name}loss {losses[0]:.3g} to {losses[-1]:.3g}"] if losses else []
            words += [f"{name}accuracy {shares[0]:.1%} to {shares[-1]:.1%}"] if shares else []
        return "; ".join(words) + "." + (f" {self.stopped}" if self.stopped else "")

    __repr__ = __str__ = describe


def fit(
    model: nn.Module,
    loss: Loss,
    data: tuple[Any, Any],
    optimizer: torch.optim.Optimizer,
    *,
    epochs: int,
    batch_size: int,
    scheduler: Any = None,
    validation: tuple[Any, Any] | None = None,
    patience: int | None = None,
    record: int | None = None,
    generator: torch.Generator | None = None,
) -> History:
    """w <- optimizer(w, gradient of the minibatch's loss), for each minibatch of each epoch of the shuffled examples

    model: takes inputs (B, ...). loss: takes its output and the targets (B, ...) and returns their mean loss, such as
    torch.nn.functional.cross_entropy. data: inputs (n, ...) and targets (n, ...), tensors or arrays; whole numbers as
    targets are classes, where the output is (B, classes). validation: the same, looked at after each epoch.
    optimizer: a TorchOptimizer or any of torch.optim, over parameters of this model; LBFGS gets its closure.
    epochs: 1 or more. batch_size: 1 to n, the full batch; the last batch of an epoch may be smaller.
    scheduler: of torch, called after each epoch; OneCycleLR and CyclicLR after each step, and ReduceLROnPlateau with
    the epoch's loss (of the validation data, where there are any).
    patience: stop when that loss has not fallen for so many epochs; the model gets the weights of the best epoch.
    record: keep the weights after every so many steps. generator: of the CPU, for the shuffling; left out, one of
    seed 0.

    A loss that is not finite stops the training before the update, and so does the stop button (KeyboardInterrupt);
    history.stopped says so, and model and history stay usable. Bad input is refused before the first step.
    """
    inputs, targets = examples_of(model, data)
    held_out = None if validation is None else examples_of(model, validation, "validation")
    batches = Minibatches(len(inputs), batch_size, generator=generator or torch.Generator().manual_seed(0))
    _check(model, loss, optimizer, [(inputs, targets)] + [held_out] * (held_out is not None))
    _check_numbers(epochs=epochs, patience=patience, record=record)
    history, best, per_epoch, began = History(), _Best(model, patience), batches.steps_per_epoch, time.perf_counter()
    each_step = scheduler if isinstance(scheduler, OneCycleLR | CyclicLR) else None
    model.train()
    try:
        for step in tqdm(range(epochs * per_epoch), "fit", delay=2, leave=False, mininterval=0.5):
            if record and step % record == 0:
                history.weights.append(parameters_to_vector(model.parameters()).detach())
            chosen = batches(step)
            _step(model, loss, inputs[chosen], targets[chosen], optimizer, history)
            history.seconds.append(time.perf_counter() - began)
            if each_step:
                each_step.step()
            if (step + 1) % per_epoch == 0:
                watched = _end_epoch(model, loss, held_out, batches, history)
                if scheduler and not each_step:
                    scheduler.step(*[watched] * isinstance(scheduler, ReduceLROnPlateau))
                best.watch(watched)
    except _Stopped as reason:
        history.stopped = str(reason)
    except KeyboardInterrupt:
        history.stopped = f"Stopped by hand after {len(history.losses)} steps."
    best.restore()
    if record:
        history.weights.append(parameters_to_vector(model.parameters()).detach())
    return history


def evaluate(model: nn.Module, loss: Loss, data: tuple[Any, Any]) -> tuple[float, float | None]:
    """The mean loss over the data and the share of examples whose class the model finds, with the model in eval mode.

    data: inputs (n, ...) and targets (n, ...). The share is None where the targets are no classes.
    """
    inputs, targets = examples_of(model, data)
    was_training = model.training
    model.eval()
    with torch.no_grad():
        output = model(inputs)
        value, hits = float(loss(output, targets)), _hits(output, targets)
    model.train(was_training)
    return value, None if hits is None else hits / len(targets)


def _step(
    model: nn.Module, loss: Loss, x: Tensor, y: Tensor, optimizer: torch.optim.Optimizer, history: History
) -> None:
    """Zero the gradients, forward, loss, backward, update, on the examples x with the targets y."""
    seen, lr = [], float(optimizer.param_groups[0].get("lr", math.nan))

    def closure():
        optimizer.zero_grad()
        output = model(x)
        value = loss(output, y)
        seen.append((value.item(), _hits(output, y)))
        if not math.isfinite(seen[0][0]):
            at = f"in step {len(history.losses)} (the first is 0) with learning rate {lr:.3g}"
            raise _Stopped(f"The loss is {seen[0][0]} {at}; try a smaller rate.")
        value.backward()
        return value

    optimizer.step(closure)
    value, hits = seen[0]  # before the update; LBFGS has looked more often
    history.losses.append(value)
    history.accuracies += [] if hits is None else [hits / len(y)]
    history.lrs.append(lr)
    history.examples.append((history.examples or [0])[-1] + len(y) * len(seen))


def _end_epoch(model: nn.Module, loss: Loss, held_out: Any, batches: Minibatches, history: History) -> float:
    """The means over the epoch and the look at the validation data; returns the loss to be watched."""
    last = batches.steps_per_epoch
    sizes = [batches.examples(step) for step in range(last)]
    for values, means in ((history.losses, history.epoch_losses), (history.accuracies, history.epoch_accuracies)):
        if values:
            means.append(sum(value * size for value, size in zip(values[-last:], sizes)) / batches.n)
    if held_out is None:
        return history.epoch_losses[-1]
    value, share = evaluate(model, loss, held_out)
    history.validation_losses.append(value)
    history.validation_accuracies += [] if share is None else [share]
    return value


class _Stopped(Exception):
    """Why a training ends early, in a sentence."""


class _Best:
    """The weights of the epoch with the lowest loss; ends a training in which that no longer falls."""

    def __init__(self, model: nn.Module, patience: int | None):
        self.model, self.patience = model, patience
        self.loss, self.waited, self.state = math.inf, 0, None

    def watch(self, loss: float) -> None:
        if self.patience is None:
            return
        self.waited += 1
        if loss < self.loss:
            self.loss, self.waited, self.state = loss, 0, copy.deepcopy(self.model.state_dict())
        if self.waited >= self.patience:
            raise _Stopped(f"Stopped early: the loss has not fallen below {self.loss:.4g} for {self.waited} epochs.")

    def restore(self) -> None:
        if self.state is not None:
            self.model.load_state_dict(self.state)


def examples_of(model: nn.Module, pair: Any, name: str = "data") -> tuple[Tensor, Tensor]:
    """Inputs and targets as tensors; floating numbers in the type of the model's weights."""
    if not isinstance(model, nn.Module):
        raise TypeError(f"model must be a torch.nn.Module, got {model!r}")
    if not (isinstance(pair, tuple | list) and len(pair) == 2):
        raise TypeError(f"{name} must be a pair (inputs, targets), got {type(pair).__name__}")
    try:
        inputs, targets = (as_tensor(values) for values in pair)
    except (TypeError, ValueError, RuntimeError) as error:
        raise TypeError(f"{name} must hold tensors or arrays of numbers") from error
    if inputs.ndim == 0 or targets.ndim == 0 or len(inputs) != len(targets):
        given = f"{tuple(inputs.shape)} and {tuple(targets.shape)}"
        raise ValueError(f"{name}: inputs and targets must be of one length, got shapes {given}")
    if len(inputs) == 0:
        raise ValueError(f"{name} holds no examples")
    weights = next((p for p in model.parameters() if p.is_floating_point()), torch.empty(0))
    moved = [
        t.to(weights.device, weights.dtype) if t.is_floating_point() else t.to(weights.device)
        for t in (inputs, targets)
    ]
    for what, values in zip(("inputs", "targets"), moved):
        if not bool(torch.isfinite(values).all()):
            raise ValueError(f"{name}: {what} must be finite; drop the examples with NaN or infinities")
    return moved[0], moved[1]


def _check(model: nn.Module, loss: Callable, optimizer: Any, pairs: list[tuple[Tensor, Tensor]]) -> None:
    """Refused: what cannot be trained. The model is asked for two examples in eval mode, which changes nothing."""
    own = {id(p) for p in model.parameters() if p.requires_grad}
    if not own:
        raise ValueError(f"the model has no parameters to train: {type(model).__name__}")
    if not isinstance(optimizer, torch.optim.Optimizer):
        raise TypeError(f"optimizer must be a TorchOptimizer or one of torch.optim, got {optimizer!r}")
    if any(id(p) not in own for group in optimizer.param_groups for p in group["params"]):
        raise ValueError("the optimizer belongs to another model; make it with this model.parameters()")
    if not callable(loss):
        raise TypeError(f"loss must be a function of the output and the targets, got {loss!r}")
    was_training = model.training
    model.eval()
    try:
        for inputs, targets in pairs:
            _check_pair(model, loss, inputs, targets)
    finally:
        model.train(was_training)


@torch.no_grad()
def _check_pair(model: nn.Module, loss: Callable, inputs: Tensor, targets: Tensor) -> None:
    try:
        output = model(inputs[:2])
    except Exception as error:
        raise ValueError(f"the model does not take inputs of shape {tuple(inputs.shape)}: {error}") from error
    if _are_classes(output, targets):
        wrong = ((targets < 0) | (targets >= output.shape[-1])).nonzero()
        if len(wrong):
            k = int(wrong[0])
            many = f"the model has {output.shape[-1]} classes, 0 to {output.shape[-1] - 1}"
            raise ValueError(f"{many}; the target of example {k} is {int(targets[k])} ({len(wrong)} such)")
    try:
        value = loss(output, targets[:2])
    except Exception as error:
        shapes = f"{tuple(output.shape)} and targets {tuple(targets[:2].shape)}"
        raise ValueError(f"the loss does not take outputs {shapes}: {error}") from error
    if not (isinstance(value, Tensor) and value.ndim == 0):
        raise ValueError("the loss must return one number, the mean over the minibatch")


def _check_numbers(**numbers: Any) -> None:
    for name, number in numbers.items():
        if number is None and name != "epochs":
            continue
        if isinstance(number, bool) or not isinstance(number, Integral) or number < 1:
            raise ValueError(f"{name} must be a whole number, 1 or more, got {number!r}")


def _are_classes(output: Tensor, targets: Tensor) -> bool:
    return output.ndim == 2 and targets.ndim == 1 and not targets.is_floating_point()


def _hits(output: Tensor, targets: Tensor) -> int | None:
    """How many classes the output finds; None where the targets are no classes."""
    return int((output.detach().argmax(-1) == targets).sum()) if _are_classes(output, targets) else None
