"""What a training refuses before its first step, with the cure."""

import math
from numbers import Integral
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import OneCycleLR

from gdviz.calls import said
from gdviz.examples import check_model, copied
from gdviz.hyperparameters import in_range
from gdviz.minibatches import Minibatches

LARGEST = 1e9  # bytes of recorded weights


def check_training(model: nn.Module, optimizer: Any) -> None:
    """Refused: nothing to train, spoilt weights, no optimizer or another model's, a rate out of its range."""
    check_model(model)
    if not any(p.requires_grad for p in model.parameters()):
        raise ValueError(f"the model has no parameters to train: {type(model).__name__}")
    if not isinstance(optimizer, torch.optim.Optimizer):
        cure = "write TorchOptimizer(model.parameters(), Adam(lr=0.01))"
        raise TypeError(f"optimizer must be a TorchOptimizer or one of torch.optim, got {optimizer!r}; {cure}")
    own = {id(p) for p in model.parameters()}
    if any(id(p) not in own for group in optimizer.param_groups for p in group["params"]):
        raise ValueError("the optimizer belongs to another model; make it with this model.parameters()")
    spoilt = [name for name, p in model.named_parameters() if not bool(torch.isfinite(p).all())]
    spoilt += [name for name, b in model.named_buffers() if bool(b.isnan().any())]
    if spoilt:
        raise ValueError(f"the model was spoilt by an earlier training, {spoilt[0]} is not finite; make the model anew")
    check_rates(optimizer)


def check_rates(optimizer: torch.optim.Optimizer, where: str = "") -> None:
    """Refused: a learning rate, of any optimizer, that is negative or not finite; 0 rests."""
    for group in optimizer.param_groups:
        lr = group.get("lr", 0)
        if not (isinstance(lr, float) and 0 <= lr < math.inf):  # in_range takes longer
            in_range("lr", lr, where)


def check_loop(
    model: nn.Module, inputs: Tensor, batches: Minibatches, scheduler: Any, optimizer: Any, epochs: int
) -> None:
    """Refused: a scheduler that is of another optimizer or ends too early, a last batch that the model cannot train on.

    The model is tried as a copy in train mode: batch normalisation cannot take a single example.
    """
    steps = epochs * batches.steps_per_epoch
    if scheduler is not None and (isinstance(scheduler, type) or getattr(scheduler, "optimizer", 0) is not optimizer):
        given = f"{repr(scheduler).splitlines()[0]}; write, say, lr_scheduler.StepLR(optimizer, 10)"
        raise ValueError(f"scheduler must be of torch.optim.lr_scheduler and of this optimizer, got {given}")
    if isinstance(scheduler, OneCycleLR) and scheduler.total_steps < scheduler.last_epoch + steps:
        raise ValueError(f"OneCycleLR ends after {scheduler.total_steps} steps: make it with total_steps={steps}")
    smallest = batches.examples(batches.steps_per_epoch - 1)
    tried = copied(model).train()
    try:
        with torch.random.fork_rng(devices=[]), torch.enable_grad():
            output = tried(inputs[: min(smallest, 2)])
    except Exception as error:
        where = f"the last batch of an epoch, of {smallest}"
        raise ValueError(f"the model cannot train on {where}: {said(error)}") from error
    if not isinstance(output, Tensor):
        raise ValueError(f"the model must return one tensor in train mode as well, got {type(output).__name__}")
    if not output.requires_grad:
        raise ValueError("the output of the model has no gradient: is something in it detached, or under no_grad?")


def check_record(model: nn.Module, record: int | None, steps: int) -> None:
    """Refused: weights recorded so often that they take more than LARGEST bytes."""
    weights = sum(p.numel() for p in model.parameters())
    size = sum(p.numel() * p.element_size() for p in model.parameters())
    copies = 0 if record is None else steps // record + 2  # at the start and at the end
    if copies * size > LARGEST:
        fitting = max(LARGEST / size - 2, 0)
        cure = f"record={-(-steps // int(fitting))}" if fitting >= 1 else "leave record out"
        many = f"{copies} copies of the {weights} weights, {copies * size / 1e6:.0f} MB"
        raise ValueError(f"record={record} would keep {many}; up to {LARGEST / 1e6:g} MB are kept: {cure}")


def check_whole(**numbers: Any) -> None:
    """Refused: numbers that are not whole, or below 1."""
    for name, number in numbers.items():
        if isinstance(number, bool) or not isinstance(number, Integral) or number < 1:
            raise ValueError(f"{name} must be a whole number, 1 or more, got {number!r}")
