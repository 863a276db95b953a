"""Whether model, loss and examples fit together. A cure that is named has been tried, and works."""

import contextlib
import math
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import torch
from torch import Tensor, nn

from gdviz.doors.broadcasts import Watch
from gdviz.doors.calls import said
from gdviz.networks.inputs import Loss, Pair, are_classes, copied, examples_of

PRIMES = (7, 11, 13, 17, 19, 23)  # how many examples are tried: a number that divides no other size can be told apart
SHAPES = {"": lambda t: t, "[:, None]": lambda t: t[:, None], "[:, 0]": lambda t: t[:, 0]}
SHAPES |= {"[..., None]": lambda t: t[..., None], "[..., 0]": lambda t: t[..., 0]}
SHAPES |= {".flatten(1)": lambda t: t.flatten(1)}
CLASSES = ("cross_entropy", "nll_loss", "multi_margin_loss")
OF_CLASSES = ("class probabilities", "out of bounds", "out of range", "target dtype")  # what these say of one output
ONE_OUTPUT = "; classes need an output for each, and the model has one output"


@dataclass(frozen=True)
class Given:
    """Inputs or targets as they were given, to say what to write in their place."""

    letter: str
    values: Any

    def written(self, axes: str, kind: str) -> str:
        """With other axes, or of another type: what is no tensor must become one where torch's words are used."""
        pandas = hasattr(self.values, "to_numpy")
        word = self.letter + ".to_numpy()" * pandas
        as_it_is = isinstance(self.values, Tensor)
        numpy = pandas or hasattr(self.values, "__array__")
        if not as_it_is and (kind or axes == ".flatten(1)" or not numpy):
            word = f"torch.tensor({word})"
        return word + axes + kind


@dataclass(frozen=True)
class Named:
    """How a refusal calls the data, their inputs and their targets, and how many there are."""

    data: str
    x: Given
    y: Given
    many: int

    def whole(self, shape: tuple[int, ...], n: int) -> tuple[int, ...]:
        """The shape that n of them have, as if all had been tried."""
        return tuple(size // n * self.many if size and size % n == 0 else size for size in shape)


def checked_pair(
    model: nn.Module, loss: Loss, pair: Any, name: str = "data", *, trains: bool = False, in_parts: bool = False
) -> Pair:
    """Inputs and targets as examples_of gives them, where model, loss and examples fit together.

    Refused, beside what examples_of refuses: a model that does not take the inputs, labels outside its classes, a loss
    that is not one number, or that compares every output with every target. trains: also a loss without a gradient.
    in_parts, as minibatches are: also a sum over the examples, and a model that mixes them.
    A copy of the model is asked for a few examples in eval mode, and the loss is called once.
    """
    inputs, targets = examples_of(model, pair, name)
    if not callable(loss) or isinstance(loss, type):
        cure = f"; write {loss.__name__}()" if isinstance(loss, type) else ""
        raise TypeError(f"loss must be a function of the output and the targets, got {loss!r}{cure}")
    named = Named(name, Given("x", pair[0]), Given("y", pair[1]), len(inputs))
    with torch.random.fork_rng(devices=[]):
        tried = ((rows, _output(copied(model).eval(), inputs[rows], named).detach()) for rows in _few(inputs))
        rows, output = next(
            (rows, output)
            for rows, output in tried
            if len(rows) == PRIMES[-1] or all(size % len(rows) for size in (*output.shape[1:], *targets.shape[1:]))
        )
        if in_parts:
            _check_apart(copied(model).eval(), inputs[rows], output, name)
        if are_classes(output, targets):
            _check_classes(targets, output.shape[1], name, loss)
        _check_loss(loss, output, targets[rows], named, trains, in_parts)
    return inputs, targets


def _few(inputs: Tensor) -> Iterator[Tensor]:
    """The numbers of a few examples, as many as each of PRIMES: one of them divides no other size."""
    return (torch.arange(n, device=inputs.device) % len(inputs) for n in PRIMES)


@torch.no_grad()
def _output(model: nn.Module, inputs: Tensor, named: Named) -> Tensor:
    """What the model makes of a few inputs; refused: inputs that it does not take, with those that it would take."""

    def cure() -> str:
        dtype = next((p.dtype for p in model.parameters() if p.is_floating_point()), torch.float32)
        return _cure(named.x, inputs, dtype, lambda x: _has_examples(model(x), len(x)))

    who = f"{named.data}: the model"
    try:
        output = model(inputs)
    except Exception as error:
        given = f"{named.whole(inputs.shape, len(inputs))}, {inputs.dtype}"
        raise ValueError(f"{who} does not take inputs of shape {given}: {said(error)}{cure()}") from error
    if not isinstance(output, Tensor):
        first = "; an RNN returns its state, too: take the first" if isinstance(output, tuple) else ""
        raise ValueError(f"{who} must return one tensor, got {type(output).__name__}{first}")
    if not _has_examples(output, len(inputs)):
        given = f"{len(inputs)} inputs {tuple(inputs.shape)} gave an output {tuple(output.shape)}"
        raise ValueError(f"{who} must return an output for each example; {given}{cure()}")
    return output


@torch.no_grad()
def _check_apart(model: nn.Module, inputs: Tensor, output: Tensor, name: str) -> None:
    """Refused: a model that mixes the examples of a batch, also in eval mode, unless it draws random numbers."""
    half = len(inputs) // 2
    kept = (getattr(part, "track_running_stats", True) for part in model.modules())
    if len(output) != len(inputs) or not all(kept) or not bool(output.isfinite().all()):
        return
    try:
        alone, again = model(inputs[half:]), model(inputs)
    except Exception:  # it may want as many
        return
    if alone.shape == output[half:].shape and _close(again, output) and not _close(alone, output[half:]):
        cure = "is batch_first=True missing, or dim=0 in a softmax?"
        raise ValueError(f"{name}: what the model makes of an example depends on the others in its batch; {cure}")


def _close(a: Tensor, b: Tensor) -> bool:
    return torch.allclose(a, b, rtol=1e-2, atol=1e-3 * float(b.abs().max()), equal_nan=True)


def _has_examples(output: Any, n: int) -> bool:
    """Whether the output has an axis of n examples (or of n times something); one number may be a loss."""
    output = output[0] if isinstance(output, tuple) else output  # of an RNN
    return isinstance(output, Tensor) and (output.ndim == 0 or any(size % n == 0 for size in output.shape))


def _check_classes(targets: Tensor, classes: int, name: str, loss: Loss) -> None:
    skipped = getattr(loss, "ignore_index", -100)  # what torch's losses of classes leave out
    wrong = (((targets < 0) | (targets >= classes)) & (targets != skipped)).nonzero()
    if len(wrong):
        k = int(wrong[0])
        many = f"{name}: the model has {classes} classes, 0 to {classes - 1}"
        numbers = "; if the targets are numbers and no classes, give them as floats"
        raise ValueError(f"{many}; the target of example {k} is {int(targets[k])} ({len(wrong)} such){numbers}")


def _check_loss(loss: Loss, output: Tensor, targets: Tensor, named: Named, trains: bool, in_parts: bool) -> None:
    n = len(targets)

    def takes(t: Tensor) -> bool:
        value, met, *_ = _tried(loss, output, t, trains)
        fits = t.shape == output.shape or t.ndim < output.ndim  # as many numbers, or classes
        return fits and not met and isinstance(value, Tensor) and value.ndim == 0

    given = f"outputs {named.whole(output.shape, n)} with targets {named.whole(targets.shape, n)}"
    try:
        value, met, sums, senseless = _tried(loss, output, targets, trains)
    except Exception as error:
        cure = ONE_OUTPUT if _wants_classes(output, error) else _cure(named.y, targets, output.dtype, takes)
        tried = f"{named.data}: the loss does not take {given} (tried with {n} of them)"
        raise ValueError(f"{tried}: {said(error)}{cure}") from error
    if met and met[-1] in CLASSES:
        raise ValueError(f"{named.data}: {met[-1]} does not take {given}{ONE_OUTPUT}")
    if met:
        both = f"where {named.whole(met[0], n)} meets {named.whole(met[1], n)}"
        cure = _cure(named.y, targets, output.dtype, takes)
        within = f"{both}, every output is compared with every target{cure}"
        raise ValueError(f"{named.data}: the loss takes {given}, but {within}")
    if not (isinstance(value, Tensor) and value.ndim == 0 and not value.is_complex()):
        raise ValueError(f"{named.data}: the loss must return one number, the mean over the minibatch; {_kind(value)}")
    if trains and not value.requires_grad:
        raise ValueError(
            "the loss has no gradient: it does not depend on the output through torch operations "
            "(.item(), .detach(), argmax, a comparison or numpy in it?)"
        )
    if senseless:
        raise ValueError(f"{named.data}: {senseless}")
    if in_parts and sums and _is_sum(loss, output, targets, value.item()):
        twice = f"{named.data}: the loss must be the mean over the minibatch; this one doubles when each example is"
        raise ValueError(f"{twice} there twice, so it is a sum: take .mean(), or reduction='mean'")


@torch.no_grad()
def _is_sum(loss: Loss, output: Tensor, targets: Tensor, value: float) -> bool:
    """Whether the loss of all examples twice is twice the loss; where it does not take them, it is not known."""
    if output.shape[:1] != targets.shape[:1] or not math.isfinite(value) or not value:
        return False
    with contextlib.suppress(Exception):
        return math.isclose(
            float(loss(output.repeat_interleave(2, 0), targets.repeat_interleave(2, 0))), 2 * value, rel_tol=1e-3
        )
    return False


def _tried(loss: Loss, output: Tensor, targets: Tensor, trains: bool) -> tuple[Any, tuple | None, bool, str]:
    """The value of the loss, and what a Watch has seen in it."""
    with warnings.catch_warnings(), torch.enable_grad():
        warnings.filterwarnings("ignore", "Using a target size")  # said in other words
        leaf = output.clone().requires_grad_(output.is_floating_point())
        output, targets = leaf.clone(), targets.clone()  # which the loss may change
        with Watch(len(targets), output, targets) as watch:
            value = loss(output, targets)
        if trains and isinstance(value, Tensor) and value.requires_grad and value.ndim == 0 and not value.is_complex():
            torch.autograd.grad(value, leaf, allow_unused=True)
    return value, watch.met, watch.sums, watch.senseless


def _cure(given: Given, t: Tensor, dtype: torch.dtype, takes: Callable[[Tensor], bool]) -> str:
    """What to write instead of x or y, tried: other axes, another type, or both; empty where nothing helps."""
    types = {"": t.dtype, ".float()": dtype, ".long()": torch.int64}
    if t.is_floating_point() and not torch.equal(t, t.trunc()):
        del types[".long()"]  # it would lose the digits
    both = sorted(product(SHAPES, types), key=lambda change: sum(map(bool, change)))  # the simplest first
    for axes, kind in both:
        try:
            if takes(SHAPES[axes](t).to(types[kind])):
                return f"; give {given.written(axes, kind)}"
        except Exception:  # no cure
            continue
    return ""


def _wants_classes(output: Tensor, error: Exception) -> bool:
    """Whether it was cross_entropy that failed, on a single output for each example."""
    return output.shape[1:] in ((), (1,)) and any(words in str(error) for words in OF_CLASSES)


def _kind(value: Any) -> str:
    if isinstance(value, Tensor):
        return f"got {tuple(value.shape)}, take .mean()" if value.ndim else f"got {value.dtype}, take .abs()"
    if isinstance(value, int | float):
        return "got a plain number, which has no gradient: leave out .item() or float()"
    return f"got {type(value).__name__}" + (": is the return missing?" if value is None else "")
