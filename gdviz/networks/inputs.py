"""What training may be given: a model, examples and targets, a loop; refused at the door."""

import copy
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy
from torch.optim.lr_scheduler import OneCycleLR, ReduceLROnPlateau

from gdviz.doors.calls import called, said, tensors_in
from gdviz.hyperparameters import as_tensor, check_rows, in_range, whole
from gdviz.minibatches import Minibatches

Loss = Callable[[Tensor, Tensor], Tensor]
NO_NUMBERS = {  # what as_tensor says -> the cure
    "text": "; labels become numbers by pandas.factorize(y)[0], numbers in text by .astype(float)",
    "objects": "; drop rows with a missing value (df.dropna()), then .astype(float)",
}

Pair = tuple[Tensor, Tensor]


def examples_of(model: nn.Module, pair: Any, name: str = "data") -> Pair:
    """Inputs and targets as tensors on the model's device: floating numbers in the type of its weights, whole ones as
    they are, but targets as int64.
    """
    check_model(model)
    if not (isinstance(pair, tuple | list) and len(pair) == 2):
        dataset = getattr(pair, "dataset", pair)
        cure = "; give its tensors, dataset.tensors" if hasattr(dataset, "tensors") else ""
        cure = cure or ("; stack what it holds into two tensors" if hasattr(dataset, "__getitem__") else "")
        raise TypeError(f"{name} must be a pair (inputs, targets), got {type(pair).__name__}{cure}")
    try:
        inputs, targets = (as_tensor(values) for values in pair)
    except (TypeError, ValueError, RuntimeError) as error:
        kinds = " and ".join(type(values).__name__ for values in pair)
        cure = next((cure for words, cure in NO_NUMBERS.items() if words in str(error)), "")
        raise TypeError(f"{name} must hold tensors or arrays of numbers, got {kinds}: {error}{cure}") from error
    check_rows(*pair)
    if inputs.ndim == 0 or targets.ndim == 0 or len(inputs) != len(targets):
        given = f"{tuple(inputs.shape)} and {tuple(targets.shape)}"
        raise ValueError(f"{name}: inputs and targets must have the same length, got shapes {given}")
    if inputs.is_sparse or targets.is_sparse:
        raise TypeError(f"{name} must be dense tensors: x.to_dense()")
    if (inputs.is_complex() or targets.is_complex()) and not any(p.is_complex() for p in model.parameters()):
        raise TypeError(f"{name} must be real numbers: torch.view_as_real(x) makes two of each")
    if len(inputs) == 0:
        raise ValueError(f"{name} holds no examples")
    weights = next((p for p in model.parameters() if p.is_floating_point()), torch.empty(0))
    given = inputs
    inputs, targets = (
        t.detach().to(weights.device, weights.dtype if t.is_floating_point() else t.dtype) for t in (inputs, targets)
    )
    _check_narrowed(given, inputs, name)
    for what, values in (("inputs", inputs), ("targets", targets)):
        if not bool(torch.isfinite(values).all()):
            raise ValueError(f"{name}: {what} must be finite; drop the examples with NaN or infinities")
    return inputs, targets if targets.is_floating_point() else targets.long()


def _check_narrowed(given: Tensor, kept: Tensor, name: str) -> None:
    """Refused: inputs of which most become equal in the type of the weights, such as seconds since 1970."""
    if kept.element_size() >= given.element_size() or not given.is_floating_point():
        return
    rows = (t.detach()[:1000].double() for t in (given, kept))
    before, after = (some.reshape(len(some), -1).T for some in rows)
    for old, new in zip(before[:100], after[:100]):
        many, left = len(old.unique()), len(new.unique())
        if left < many / 2:
            cure = "subtract the mean, or model.double()"
            raise ValueError(f"{name}: in {kept.dtype}, {many} different inputs become {left}; {cure}")


def check_model(model: Any) -> None:
    """Refused: anything but a model, and a model whose parameters have no numbers yet."""
    if not isinstance(model, nn.Module):
        raise TypeError(f"model must be a torch.nn.Module, got {model!r}")
    for name, p in model.named_parameters():
        if is_lazy(p):
            raise ValueError(f"the model has {name} without a size yet; call it once, model(x[:2])")
        if p.is_meta:
            raise ValueError(f"the model has {name} on the meta device, which holds no numbers; make it on the cpu")


def copied(model: nn.Module) -> nn.Module:
    """A copy of the model, to try things on: what it remembers of that, the model does not.

    What a part keeps of an earlier output is copied without its graph, which torch alone refuses to copy.
    """
    kept = tensors_in([list(vars(part).values()) for part in model.modules()])
    known = {id(t): t.detach().clone() for t in kept if not t.is_leaf}
    return called("copying the model", "before the first step", copy.deepcopy, model, known)


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
    """How many classes the output finds, none where it is nan; None where the targets are not classes."""
    if not are_classes(output, targets):
        return None
    found = output.detach().argmax(-1)
    return int(((found == targets) & ~output.isnan().any(-1)).sum())


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
    if not any(p.requires_grad for group in optimizer.param_groups for p in group["params"]):
        raise ValueError("all parameters of the optimizer are frozen; give it those that require a gradient")
    spoilt = [name for name, p in model.named_parameters() if not bool(torch.isfinite(p).all())]
    spoilt += [name for name, b in model.named_buffers() if bool(b.isnan().any())]
    if spoilt:
        raise ValueError(f"the model was spoilt by earlier training, {spoilt[0]} is not finite; make the model anew")
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
    if isinstance(scheduler, ReduceLROnPlateau) and scheduler.mode != "min":
        cure = f"make it with mode='min', not {scheduler.mode!r}"
        raise ValueError(f"fit gives ReduceLROnPlateau the loss, which falls: {cure}")
    if isinstance(scheduler, OneCycleLR) and scheduler.total_steps < scheduler.last_epoch + steps:
        used = scheduler.last_epoch
        spent = f", of which {used} are over: make it anew, with" if used else ": make it with"
        raise ValueError(f"OneCycleLR ends after {scheduler.total_steps} steps{spent} total_steps={steps}")
    planned = [getattr(scheduler, name, None) for name in ("T_max", "total_iters")]
    if steps > epochs and steps in planned and not isinstance(scheduler, OneCycleLR):
        name = ("T_max", "total_iters")[planned.index(steps)]
        raise ValueError(f"fit calls {type(scheduler).__name__} once for each epoch: make it with {name}={epochs}")
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
    known = {id(p) for p in tried.parameters()}
    stray = next((leaf for leaf in _leaves(output) if id(leaf) not in known), None)
    if stray is not None:
        unknown = f"a tensor {tuple(stray.shape)} that is not among model.parameters(), so it would never be trained"
        cure = "keep layers as attributes, or in nn.ModuleList instead of a list, and make them in __init__"
        raise ValueError(f"the model computes with {unknown}: {cure}")


def _leaves(output: Tensor) -> Iterator[Tensor]:
    """The tensors that a gradient would reach, going back from an output."""
    seen, open_ends = set(), list[Any]([output.grad_fn])
    while open_ends:
        node = open_ends.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if hasattr(node, "variable"):
            yield node.variable
        open_ends += [before for before, _ in node.next_functions]


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
        whole(name, number)
