"""Whether a loss compares each output with its own target, or by broadcasting with the target of every example."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from gdviz.doors.calls import tensors_in

DIFFERENCES = ("sub", "rsub", "subtract", "__sub__", "__rsub__", "mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss")
PRODUCTS, LOGARITHMS = ("mul", "multiply", "__mul__", "__rmul__"), ("Log", "Log1P", "LogSigmoid", "Softplus", "Neg")


class Watch(TorchFunctionMode):
    """Sees each torch function that a loss calls; `met` is the first in which an (n, 1) meets an (n,): shapes and name;
    `sums`, whether the last was a sum; `senseless`, a loss of torch that means nothing for the numbers it got.

    n: how many examples there are. It divides no other size in outputs and targets, so an axis whose size it divides is
    one of examples. Deliberate broadcasting passes: an axis that is written out, t[None, :]; axes that are not of
    examples; outputs against outputs, or targets against targets.
    """

    def __init__(self, n: int, output: Tensor, targets: Tensor):
        super().__init__()
        self.n, self.met, self.sums = n, None, False
        self.senseless, self.shapes = "", {output.shape, targets.shape}
        self.known = {id(output): (output, {"output"}), id(targets): (targets, {"targets"})}  # tensor and what is in it

    def __torch_function__(self, func: Callable, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        given = [*tensors_in((args, kwargs or {}))]
        returned = func(*args, **(kwargs or {}))
        self.sums = getattr(func, "__name__", "") == "sum" or (kwargs or {}).get("reduction") == "sum"
        within = set().union(*(self.within(t) for t in given))
        results = [*tensors_in(returned)] or given[:1]  # what returns nothing changes its first: t[0] = o[0]
        if within:
            self.known |= {id(t): (t, within | self.within(t)) for t in results}
        name = getattr(func, "__name__", "")
        if name in MEANS and len(given) > 1 and not self.senseless:
            self.senseless = MEANS[name](given[0].detach(), given[1].detach())
        if within == {"output", "targets"} and not self.met:
            reduces = results[0].ndim == 0 or hasattr(F, name)  # a loss of torch's own
            pairs = ((a, b, name) for a, b, both in self.crossed(given) if reduces or results[0].shape == both)
            self.met = next(pairs, None)
        return returned

    def within(self, t: Tensor) -> set[str]:
        """Of output and targets, those that a tensor was computed from."""
        return self.known.get(id(t), (t, set()))[1]

    def crossed(self, given: list[Tensor]) -> Iterator[tuple]:
        """Pairs of tensors whose axes of examples broadcast against other axes, which makes one more of them; and
        outputs and targets as they came that both grow.
        """
        for k, a in enumerate(given):
            for b in given[:k]:
                both, mixed = _broadcast(a, b), self.within(a) | self.within(b) == {"output", "targets"}
                if mixed and {a.shape, b.shape} == self.shapes and _both_grow(a, b):
                    yield tuple(b.shape), tuple(a.shape), torch.broadcast_shapes(a.shape, b.shape)
                if both and mixed and self.axes(both) > max(self.axes(a.shape), self.axes(b.shape)) and not _same(a, b):
                    yield tuple(b.shape), tuple(a.shape), both

    def axes(self, shape: tuple[int, ...]) -> int:
        """How many axes of examples there are."""
        return sum(size > 0 and size % self.n == 0 for size in shape)


class Differences(TorchFunctionMode):
    """Sees each difference that a loss of params (d,) takes, and each product with a logarithm, as in a cross-entropy;
    `met` is the first of an (n, 1) and an (n,), both shapes.

    One of them comes from the params, and the other does not: predictions and data. n = d passes: that may be the
    distance of every parameter from every point.
    """

    def __init__(self, d: int):
        super().__init__()
        self.d, self.met = d, None

    def __torch_function__(self, func: Callable, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        given = [*tensors_in((args, kwargs or {}))][:2]
        name, apart = getattr(func, "__name__", ""), len(given) == 2 and len({t.requires_grad for t in given}) == 2
        if apart and (name in DIFFERENCES or (name in PRODUCTS and any(map(_logarithm, given)))):
            a, b = given
            n = max(len(t) if t.ndim else 1 for t in given)
            if {a.shape, b.shape} == {(n,), (n, 1)} and n not in (1, self.d):
                self.met = self.met or (tuple(a.shape), tuple(b.shape))
        return func(*args, **(kwargs or {}))


class Reductions(TorchFunctionMode):
    """Sees what an update computes of params (*runs, d); `met` is the first reduction over all runs at once."""

    def __init__(self, params: Tensor):
        super().__init__()
        self.shape, self.many, self.met = params.shape, params[..., 0].numel() > 1, ""

    def __torch_function__(self, func: Callable, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        result = func(*args, **(kwargs or {}))
        one = isinstance(result, Tensor) and result.ndim == 0 and result.is_floating_point()
        if one and self.many and not self.met and args and getattr(args[0], "shape", None) == self.shape:
            self.met = getattr(func, "__name__", "")
        return result


def _logarithm(t: Tensor) -> bool:
    """Whether it is one, or one with the other sign; a product with anything else may be a layer."""
    made = "" if t.grad_fn is None else t.grad_fn.name().removesuffix("Backward0")
    return made in LOGARITHMS


def _broadcast(a: Tensor, b: Tensor) -> tuple[int, ...] | None:
    """The shape that the two make, where one gets axes that it did not have; None where it gets none or they clash."""
    try:
        return np.broadcast_shapes(a.shape, b.shape) if a.ndim != b.ndim else None
    except ValueError:
        return None


def _both_grow(a: Tensor, b: Tensor) -> bool:
    """Whether two tensors of equally many axes make one that is larger than either, as (n, 1, t) and (n, t, 1)."""
    apart = [(x, y) for x, y in zip(a.shape, b.shape) if x != y]
    return a.ndim == b.ndim and all(1 in pair for pair in apart) and len({x == 1 for x, _ in apart}) == 2


def _one_class(output: Tensor, targets: Tensor) -> str:
    """Of cross_entropy: what it makes of a single number for each example."""
    if output.ndim == 2 and output.shape[1] == 1:
        return "cross_entropy of one class is always 0: give the model an output for each class"
    if output.ndim == 1 and len(output) > 1:
        return "cross_entropy takes the examples for classes: outputs are (n, classes), and these are (n,)"
    return ""


def _no_logarithms(output: Tensor, targets: Tensor) -> str:
    """Of nll_loss: whether its input is no logarithm of probabilities."""
    axis = 1 if output.ndim > 1 else 0
    sums = output.double().logsumexp(axis)
    return "" if bool((sums.abs() < 0.01).all()) else "nll_loss wants log_softmax of the outputs; or take cross_entropy"


def _no_shares(output: Tensor, targets: Tensor) -> str:
    """Of a binary cross-entropy: whether its targets are outside 0 to 1."""
    low, high = float(targets.min()), float(targets.max())
    if low >= 0 and high <= 1:
        return ""
    cure = "(t + 1) / 2" if (low, high) == (-1, 1) else f"t / {high:g}" if low >= 0 else "0 and 1"
    return f"a binary cross-entropy wants targets from 0 to 1, and these go from {low:g} to {high:g}: give {cure}"


def _repeated(output: Tensor, targets: Tensor) -> str:
    """Of a loss of differences: whether torch would repeat one side, and only warn."""
    if output.ndim != targets.ndim or output.shape == targets.shape:
        return ""
    both = f"each example has outputs {tuple(output.shape[1:])} and targets {tuple(targets.shape[1:])}"
    return f"{both}, and torch would repeat the smaller: give both the same shape"


MEANS = {
    **dict.fromkeys(("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"), _repeated),
    "cross_entropy": _one_class,
    "nll_loss": _no_logarithms,
    "binary_cross_entropy_with_logits": _no_shares,
}


def _same(a: Tensor, b: Tensor) -> bool:
    """Whether they are views of the same numbers, as in e[:, None] - e."""
    return a.untyped_storage().data_ptr() == b.untyped_storage().data_ptr()
