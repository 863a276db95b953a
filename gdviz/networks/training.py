"""The training loop: fit a network to examples by minibatches, and keep everything that happened."""

import copy
import math
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parameters_to_vector
from torch.optim.lr_scheduler import CyclicLR, OneCycleLR, ReduceLROnPlateau

from gdviz.doors.calls import called, said
from gdviz.doors.threads import one_thread
from gdviz.minibatches import Minibatches
from gdviz.networks.history import Epoch, History, Step
from gdviz.networks.inputs import (
    Loss,
    check_loop,
    check_rates,
    check_record,
    check_training,
    check_whole,
    count_hits,
    evaluating,
)
from gdviz.networks.pairs import checked_pair
from gdviz.networks.standing import answering, turned
from gdviz.networks.vitals import examined, facts
from gdviz.progress import watched

SMALL = 1_000_000  # products of a step: below, threads wait for each other longer than they compute


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
    vitals: int | None = None,
    generator: torch.Generator | None = None,
) -> History:
    """w <- optimizer(w, gradient of the minibatch's loss), for each minibatch of each epoch of the shuffled examples

    The model is left in train mode; parts that were in eval mode alone stay there. A loss that is not finite, or a rate
    that a scheduler has made negative, stops the training before its update, and so do a scheduler that raises and the
    stop button (KeyboardInterrupt); history.stopped says so, and model and history stay usable. Only within a step of
    LBFGS may the weights be spoilt.

    An optimizer with eval() and train(), such as one of ScheduleFreeSGD, trains other weights than those to evaluate.
    It is in eval mode for the validation, the recorded weights, those of the best epoch, and at the end; the losses of
    steps and epochs are those of the training.

    Args:
        model: takes inputs (B, ...).
        loss: takes its output and the targets (B, ...) and returns their mean loss, such as
            torch.nn.functional.cross_entropy.
        data: inputs (n, ...) and targets (n, ...), tensors or arrays; whole numbers as targets are classes, where the
            output is (B, 2 classes or more).
        optimizer: a TorchOptimizer or any of torch.optim, over parameters of this model; LBFGS and SAM get their
            closure.
        epochs: 1 or more.
        batch_size: 1 to n, the full batch; the last batch of an epoch may be smaller.
        scheduler: of torch, called after each epoch; OneCycleLR and CyclicLR (not those inside another one) after each
            step, and ReduceLROnPlateau with the epoch's loss (of the validation data, where there are any).
        validation: as data, looked at after each epoch.
        patience: stop when that loss has not fallen for so many epochs; however it ends, the model then gets the
            weights of the best epoch.
        record: keep the weights after every so many steps, up to 1 GB of them.
        vitals: examine every so many steps, the first included, for gdviz.clinic.diagnose: gradient, update, weight of
            each layer, dead units; and the data, once. Each tenth step costs a few per cent of the time.
        generator: of the CPU, for the shuffling; left out, one of seed 0.

    Returns:
        The History.

    Raises:
        ValueError: before the first step, as far as a few examples show it, with a cure: above all a loss in which
            outputs (B, 1) meet targets (B,).
        TypeError: model, loss, data or optimizer is of the wrong kind.

    Example:
        >>> from torch.nn.functional import mse_loss
        >>> model = nn.Linear(1, 1)
        >>> x = torch.linspace(-1, 1, 32)[:, None]
        >>> sgd = torch.optim.SGD(model.parameters(), lr=0.2)
        >>> history = fit(model, mse_loss, (x, 2 * x + 1), sgd, epochs=30, batch_size=8)
        >>> len(history.losses), history.epoch_losses[-1] < 1e-3
        (120, True)
    """
    check_training(model, optimizer)
    train = checked_pair(model, loss, data, trains=True, in_parts=True)
    held_out = None if validation is None else checked_pair(model, loss, validation, "validation")
    optional = {"patience": patience, "record": record, "vitals": vitals}
    check_whole(epochs=epochs, **{name: number for name, number in optional.items() if number is not None})
    generator = torch.Generator().manual_seed(0) if generator is None else generator
    batches = Minibatches(len(train[0]), batch_size, generator=generator)
    check_loop(model, train[0], batches, scheduler, optimizer, epochs)
    check_record(model, record, epochs * batches.steps_per_epoch)
    history, stopping = History(weights=[_vector(model)] if record else []), EarlyStopping(model, patience)
    if vitals:
        decays = [group["weight_decay"] for group in optimizer.param_groups if "weight_decay" in group]
        unknown = 0.0 if hasattr(optimizer, "rules") else None  # a rule without the field has none
        history = replace(history, weight_decay=max(decays, default=unknown), **facts(train, held_out))
    each_step = scheduler if isinstance(scheduler, OneCycleLR | CyclicLR) else None
    began = time.perf_counter()
    if not model.training:  # else its parts are as they are wanted, such as a frozen one in eval mode
        model.train()
    turned(optimizer, "train")
    small = _work(model, train[0]) * batch_size <= SMALL
    try:
        for step in watched(range(epochs * batches.steps_per_epoch), "fit"):
            chosen = batches(step)
            watching = examined(model, history.vitals, step) if vitals and step % vitals == 0 else nullcontext()
            with one_thread() if small else nullcontext(), watching as anew:
                made = _step(model, loss, train[0][chosen], train[1][chosen], optimizer, history.steps, anew)
            history.steps.append(made._replace(seconds=time.perf_counter() - began))
            if record and (step + 1) % record == 0:
                with answering(optimizer):
                    history.weights.append(_vector(model))
            if each_step:
                _moved(each_step, len(history.steps))
            if (step + 1) % batches.steps_per_epoch == 0:
                with answering(optimizer):
                    history.epochs.append(_epoch(model, loss, held_out, batches, history.steps))
                    last = history.epochs[-1]
                    watched_loss = last.loss if last.validation_loss is None else last.validation_loss
                    if isinstance(scheduler, ReduceLROnPlateau):
                        _moved(scheduler, len(history.steps), watched_loss)
                    elif scheduler and not each_step:
                        _moved(scheduler, len(history.steps))
                    stopping.watch(watched_loss)
    except Stopped as reason:
        history.stopped = str(reason)
    except KeyboardInterrupt:
        history.stopped = f"Stopped by hand after {len(history.steps)} steps."
    turned(optimizer, "eval")
    stopping.restore()
    if record and not torch.equal(history.weights[-1], _vector(model)):
        history.weights.append(_vector(model))
    if not (history.stopped or bool(torch.isfinite(_vector(model)).all())):
        history.stopped = "The weights are not finite after the last step; try a smaller rate."
    return history


def evaluate(model: nn.Module, loss: Loss, data: tuple[Any, Any]) -> tuple[float, float | None]:
    """The mean loss over the data and the share of examples whose class the model finds, with the model in eval mode.

    Args:
        model: as for fit.
        loss: as for fit.
        data: inputs (n, ...) and targets (n, ...).

    Returns:
        The loss, and the share; None where the targets are not classes.

    Example:
        >>> from torch.nn.functional import cross_entropy
        >>> inputs, targets = torch.eye(3) * 9, torch.tensor([0, 1, 2])
        >>> evaluate(nn.Identity(), cross_entropy, (inputs, targets))[1]
        1.0
    """
    return _look(model, loss, *checked_pair(model, loss, data))


def _look(model: nn.Module, loss: Loss, inputs: Tensor, targets: Tensor) -> tuple[float, float | None]:
    """What evaluate returns, of examples that have passed the door."""
    with evaluating(model), torch.no_grad():
        output = model(inputs)
        value, hits = float(loss(output, targets)), count_hits(output, targets)
    return value, None if hits is None else hits / len(targets)


def _step(
    model: nn.Module,
    loss: Loss,
    x: Tensor,
    y: Tensor,
    optimizer: torch.optim.Optimizer,
    before: list[Step],
    anew: Callable[[], None] | None,
) -> Step:
    """Zero the gradients, forward, loss, backward, update, on the examples x with the targets y; what it saw.

    anew: called before each evaluation, of which LBFGS and SAM make several.
    """
    seen, step, lr = [], len(before), optimizer.param_groups[0].get("lr", math.nan)
    probes = any(hasattr(rule, "probe") for rule in getattr(optimizer, "rules", ()))
    where = f"in step {step} (the first is 0)"
    try:
        check_rates(optimizer, where)
    except (ValueError, TypeError) as error:
        raise Stopped(f"Refused: {error}.") from error

    def closure() -> Tensor:
        optimizer.zero_grad()
        if anew:
            anew()
        output = called("the model", where, model, x)
        value = called("the loss", where, loss, output, y)
        seen.append((value.item(), count_hits(output, y)))
        if not math.isfinite(seen[0][0]):
            raise Stopped(_not_finite(seen[0][0], step, float(lr)))
        if probes and not math.isfinite(seen[-1][0]):
            where_it_is = f"where step {step} takes its second gradient (the first step is 0)"
            raise Stopped(f"The loss is {seen[-1][0]} {where_it_is}; try a smaller rho or a smaller rate.")
        called("the gradient of the loss", where, value.backward)
        return value

    optimizer.step(closure)  # pyright: ignore[reportArgumentType, reportCallIssue]  torch takes a tensor, as it says
    value, hits = seen[0]  # before the update; LBFGS and SAM have looked more often
    examples = (before[-1].examples if before else 0) + len(y) * len(seen)
    return Step(value, None if hits is None else hits / len(y), float(lr), examples)


def _moved(scheduler: Any, steps: int, *given: float) -> None:
    """The scheduler's step; what it raises ends the training, and costs nothing of what is known."""
    try:
        scheduler.step(*given)
    except Exception as error:
        raise Stopped(f"The scheduler raised {type(error).__name__} after {steps} steps: {said(error)}") from error


def _not_finite(loss: float, step: int, lr: float) -> str:
    """Why training stops at a loss that is not finite: a rate is to blame only where it has acted."""
    if step == 0:
        cure = "make the model anew, if earlier training spoilt it, or look at the loss and the data"
        return f"The loss is {loss} before the first step, where no rate has acted: {cure}."
    return f"The loss is {loss} in step {step} (the first is 0) with learning rate {lr:.3g}; try a smaller rate."


def _epoch(model: nn.Module, loss: Loss, held_out: Any, batches: Minibatches, steps: list[Step]) -> Epoch:
    """The means over the last epoch, and the look at the validation data."""
    last = batches.steps_per_epoch
    both = [(step, batches.examples(k)) for k, step in enumerate(steps[-last:])]
    mean = sum(step.loss * size for step, size in both) / batches.n
    hits = [step.accuracy * size for step, size in both if step.accuracy is not None]
    share = sum(hits) / batches.n if hits else None
    return Epoch(len(steps), mean, share, *((None, None) if held_out is None else _look(model, loss, *held_out)))


def _work(model: nn.Module, inputs: Tensor) -> float:
    """About how many products one example takes: the parameters, at each place of a sequence or a picture."""
    each = inputs[0].numel() or 1
    places = each if not inputs.is_floating_point() else each / (inputs.shape[1] if inputs.ndim > 1 else 1)
    return places * sum(p.numel() for p in model.parameters())


def _vector(model: nn.Module) -> Tensor:
    return parameters_to_vector(model.parameters()).detach()


class Stopped(Exception):
    """Why training ends early, in a sentence."""


class EarlyStopping:
    """The weights of the epoch with the lowest loss; ends the training when that loss no longer falls."""

    def __init__(self, model: nn.Module, patience: int | None):
        self.model, self.patience = model, patience
        self.loss, self.waited, self.state = math.inf, 0, None

    def watch(self, loss: float) -> None:
        """Look at the loss of an epoch; raise Stopped when it has not fallen for too long."""
        if self.patience is None:
            return
        if not math.isfinite(loss):
            raise Stopped(f"The loss of the epoch is {loss}; try a smaller rate.")
        self.waited += 1
        if loss < self.loss:
            self.loss, self.waited, self.state = loss, 0, copy.deepcopy(self.model.state_dict())
        if self.waited >= self.patience:
            raise Stopped(f"Stopped early: the loss has not fallen below {self.loss:.4g} for {self.waited} epochs.")

    def restore(self) -> None:
        """Give the model the weights of the best epoch, where there was one."""
        if self.state is not None:
            self.model.load_state_dict(self.state)
