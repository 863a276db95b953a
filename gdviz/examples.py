"""Examples as tensors for a model, and what a model and its examples are."""

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from gdviz.calls import called, tensors_in
from gdviz.hyperparameters import as_tensor

Loss = Callable[[Tensor, Tensor], Tensor]
Pair = tuple[Tensor, Tensor]


def examples_of(model: nn.Module, pair: Any, name: str = "data") -> Pair:
    """Inputs and targets as tensors on the model's device: floating numbers in the type of its weights, whole ones as
    they are, but targets as int64."""
    check_model(model)
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
    if (inputs.is_complex() or targets.is_complex()) and not any(p.is_complex() for p in model.parameters()):
        raise TypeError(f"{name} must be real numbers: torch.view_as_real(x) makes two of each")
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


def check_model(model: Any) -> None:
    """Refused: what is no model, and a model whose parameters have no numbers yet."""
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
    """How many classes the output finds, none where it is nan; None where the targets are no classes."""
    if not are_classes(output, targets):
        return None
    found = output.detach().argmax(-1)
    return int(((found == targets) & ~output.isnan().any(-1)).sum())
