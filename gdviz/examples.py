"""What a training may be given: examples as tensors, and clear refusals before the first step."""

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from numbers import Integral
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import OneCycleLR

from gdviz.hyperparameters import as_tensor
from gdviz.minibatches import Minibatches

Loss = Callable[[Tensor, Tensor], Tensor]
Pair = tuple[Tensor, Tensor]


def examples_of(model: nn.Module, pair: Any, name: str = "data") -> Pair:
    """Inputs and targets as tensors on the model's device: floating numbers in the type of its weights, whole ones as
    they are, but targets as int64."""
    if not isinstance(model, nn.Module):
        raise TypeError(f"model must be a torch.nn.Module, got {model!r}")
    if not (isinstance(pair, tuple | list) and len(pair) == 2):
        raise TypeError(f"{name} must be a pair (inputs, targets), got {type(pair).__name__}")
    try:
        inputs, targets = (as_tensor(values) for values in pair)
    except (TypeError, ValueError, RuntimeError) as error:
        kinds = " and ".join(type(values).__name__ for values in pair)
        raise TypeError(f"{name} must hold tensors or arrays of numbers, got {kinds}: {error}") from error
    if inputs.ndim == 0 or targets.ndim == 0 or len(inputs) != len(targets):
        given = f"{tuple(inputs.shape)} and {tuple(targets.shape)}"
        raise ValueError(f"{name}: inputs and targets must be of one length, got shapes {given}")
    if inputs.is_sparse or targets.is_sparse:
        raise TypeError(f"{name} must be dense tensors: x.to_dense()")
    if len(inputs) == 0:
        raise ValueError(f"{name} holds no examples")
    weights = next((p for p in model.parameters() if p.is_floating_point()), torch.empty(0))
    inputs, targets = (
        t.detach().to(weights.device, weights.dtype if t.is_floating_point() else t.dtype) for t in (inputs, targets)
    )
    for what, values in (("inputs", inputs), ("targets", targets)):
        if not bool(torch.isfinite(values).all()):
            raise ValueError(f"{name}: {what} must be finite; drop the examples with NaN or infinities")
    return inputs, targets if targets.is_floating_point() else targets.long()


def check_training(model: nn.Module, loss: Loss, optimizer: Any, pairs: list[Pair]) -> None:
    """Refused: nothing to train, no optimizer or another model's, and what check_pair refuses."""
    if not any(p.requires_grad for p in model.parameters()):
        raise ValueError(f"the model has no parameters to train: {type(model).__name__}")
    if not isinstance(optimizer, torch.optim.Optimizer):
        raise TypeError(f"optimizer must be a TorchOptimizer or one of torch.optim, got {optimizer!r}")
    own = {id(p) for p in model.parameters()}
    if any(id(p) not in own for group in optimizer.param_groups for p in group["params"]):
        raise ValueError("the optimizer belongs to another model; make it with this model.parameters()")
    for pair in pairs:
        check_pair(model, loss, *pair)


def check_pair(model: nn.Module, loss: Loss, inputs: Tensor, targets: Tensor) -> None:
    """Refused: a model that does not take the inputs, labels outside its classes, a loss that is not one number.

    The model is asked for two examples in eval mode, which changes nothing.
    """
    if not callable(loss):
        raise TypeError(f"loss must be a function of the output and the targets, got {loss!r}")
    with evaluating(model), torch.no_grad(), torch.random.fork_rng(devices=[]):
        try:
            output = model(inputs[:2])
        except Exception as error:
            given = f"{tuple(inputs.shape)}, {inputs.dtype}"
            raise ValueError(f"the model does not take inputs of shape {given}: {error}") from error
        if not isinstance(output, Tensor):
            raise ValueError(f"the model must return one tensor, got {type(output).__name__}")
        if are_classes(output, targets):
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


def check_loop(model: nn.Module, inputs: Tensor, batches: Minibatches, scheduler: Any, optimizer: Any, epochs: int):
    """Refused: a scheduler that is of another optimizer or ends too early, a last batch that the model cannot train on.

    The model is tried as a copy in train mode: batch normalisation cannot take a single example.
    """
    steps = epochs * batches.steps_per_epoch
    if scheduler is not None and (isinstance(scheduler, type) or getattr(scheduler, "optimizer", 0) is not optimizer):
        raise ValueError(f"scheduler must be of torch.optim.lr_scheduler and of this optimizer, got {scheduler!r}")
    if isinstance(scheduler, OneCycleLR) and scheduler.total_steps < scheduler.last_epoch + steps:
        raise ValueError(f"OneCycleLR ends after {scheduler.total_steps} steps: make it with total_steps={steps}")
    smallest = batches.examples(batches.steps_per_epoch - 1)
    try:
        with torch.random.fork_rng(devices=[]):
            output = copy.deepcopy(model).train()(inputs[: min(smallest, 2)])
    except Exception as error:
        raise ValueError(f"the model cannot train on the last batch of an epoch, of {smallest}: {error}") from error
    if not output.requires_grad:
        raise ValueError("the output of the model has no gradient: is something in it detached, or under no_grad?")


def check_whole(**numbers: Any) -> None:
    """Refused: numbers that are not whole, or below 1."""
    for name, number in numbers.items():
        if isinstance(number, bool) or not isinstance(number, Integral) or number < 1:
            raise ValueError(f"{name} must be a whole number, 1 or more, got {number!r}")


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """The model in eval mode; afterwards each of its parts is in the mode that it had."""
    modes = {part: part.training for part in model.modules()}
    model.eval()
    try:
        yield
    finally:
        for part, mode in modes.items():
            part.training = mode


def are_classes(output: Tensor, targets: Tensor) -> bool:
    """Whether whole numbers (n,) name one of two or more classes of the output (n, classes)."""
    return output.ndim == 2 and output.shape[1] > 1 and targets.ndim == 1 and not targets.is_floating_point()


def count_hits(output: Tensor, targets: Tensor) -> int | None:
    """How many classes the output finds; None where the targets are no classes."""
    return int((output.detach().argmax(-1) == targets).sum()) if are_classes(output, targets) else None
