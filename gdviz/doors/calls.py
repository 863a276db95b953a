"""Calling what a learner has written, a loss, an update or a model, and saying in words what went wrong."""

from collections.abc import Callable, Iterator
from typing import Any

from torch import Tensor

CURES = {  # a part of what torch says: what it does not say
    "leaf Variable that requires grad": "a tensor is changed in place while its gradient is recorded; "
    "write that line inside `with torch.no_grad():`",
    "modified by an inplace operation": "make a new tensor, z = z + 1, where z += 1 changes it in place",
    "through the graph a second time": "something computed in an earlier call is used again; compute it anew, "
    "or keep it with .detach()",
    "Can't call numpy() on Tensor": "but numpy knows no gradients: use torch's own functions",
    "converted to Python scalars": "math knows no tensors: use torch's own functions",
    "be used with Jitted modules": "give the module from before torch.jit",
    "index out of range in self": "a whole number in the inputs is beyond the table of an embedding",
}


def tensors_in(thing: Any) -> Iterator[Tensor]:
    """The tensors of tuples, lists and dicts, in their order."""
    if isinstance(thing, Tensor):
        yield thing
    elif isinstance(thing, tuple | list | dict):
        for part in thing.values() if isinstance(thing, dict) else thing:
            yield from tensors_in(part)


def said(error: Exception) -> str:
    """What an error says, and the cure where torch does not name it."""
    words = str(error)
    cure = next((f" ({cure})" for torchs, cure in CURES.items() if torchs in words), "")
    return words + cure


def called(what: str, where: str, function: Callable, *args: Any) -> Any:
    """function(*args); what it raises becomes a ValueError that says who raised it, and where."""
    try:
        return function(*args)
    except Exception as error:
        raise ValueError(f"{what} raised {type(error).__name__} {where}: {said(error)}") from error


def probed(rule: Any, params: Tensor, grads: Tensor, where: str) -> Tensor:
    """rule.probe(params, grads); refused where it changes them in place or returns no params."""
    untouched = params._version, grads._version
    shape = tuple(params.shape)
    point = called("probe", f"{where} with params of shape {shape}", rule.probe, params, grads)
    if (params._version, grads._version) != untouched:
        raise ValueError(f"probe changed params or grads in place {where}; return a new tensor: params + rho * grads")
    if not isinstance(point, Tensor) or tuple(point.shape) != shape:
        given = tuple(point.shape) if isinstance(point, Tensor) else type(point).__name__
        raise ValueError(f"probe must return params of shape {shape}, got {given} {where}")
    return point


def updated(
    rule: Any, params: Tensor, grads: Tensor, state: Any, where: str, *, keeps: bool = False
) -> tuple[Tensor, Any]:
    """rule.update(params, grads, state); refused where it changes them in place or returns the wrong thing.

    keeps: whether the state of each step is kept, so that it may not be changed in place either.
    """
    untouched, kept = (params._version, grads._version), [*tensors_in(state)] if keeps else []
    before = [t._version for t in kept]
    shape = tuple(params.shape)
    returned = called("update", f"{where} with params of shape {shape}", rule.update, params, grads, state)
    if (params._version, grads._version) != untouched:
        raise ValueError(f"update changed params or grads in place {where}; return new tensors: params - lr * grads")
    if [t._version for t in kept] != before:
        raise ValueError(f"update changed its state in place {where}, and the old one is kept: return a new state")
    if not (isinstance(returned, tuple) and len(returned) == 2 and isinstance(returned[0], Tensor)):
        raise TypeError(f"update must return (params, state), got {type(returned).__name__} {where}")
    if tuple(returned[0].shape) != shape:
        raise ValueError(f"update must keep the shape of params {shape}, got {tuple(returned[0].shape)} {where}")
    return returned
