"""Vital signs of a training run: what one step does to each layer, measured around it."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

RECTIFIERS = (nn.ReLU, nn.ReLU6)


class Layer(NamedTuple):
    """What one step does to one parameter tensor, named as in model.named_parameters().

    Attributes:
        name: such as "0.weight".
        weight: its length, before the step.
        gradient: the length of the gradient that the step uses; 0 where there is none.
        added: the length of what the backward passes of this step add to the gradient: the same number, unless an older
            gradient was still there.
        update: the length of the change.
        shrunk: how much of the weight the change takes away, -(update . weight) / |weight|^2.
        still: the share of its numbers that do not move, among those with a gradient.
        matrix: whether it has two axes or more; biases and scales have one.
        bits: of each of its numbers, 32 for float32; 0 where it is not known.

    Example:
        >>> Layer("0.weight", weight=2.0, update=0.1).ratio
        0.05
    """

    name: str
    weight: float = 0.0
    gradient: float = 0.0
    added: float = 0.0
    update: float = 0.0
    shrunk: float = 0.0
    still: float = 0.0
    matrix: bool = True
    bits: int = 0

    @property
    def ratio(self) -> float:
        """|update| / |weight|; 0 where both are 0."""
        return self.update / self.weight if self.weight else float("inf") if self.update else 0.0


class Vitals(NamedTuple):
    """What one step does to a network.

    Attributes:
        step: its number, from 0.
        layers: a Layer for each parameter tensor that is trained; one that layers share is there once.
        dead: module -> the share of its ReLU units that are 0 on all examples of the step.
        parts: (examples, mean loss) of each micro-batch, where the step accumulates several.

    Example:
        >>> Vitals(0, (Layer("0.weight", weight=2.0, update=0.1),)).layers[0].ratio
        0.05
    """

    step: int
    layers: tuple[Layer, ...] = ()
    dead: dict[str, float] = {}  # noqa: RUF012  a NamedTuple copies no default; nobody writes into it
    parts: tuple[tuple[int, float], ...] = ()


@contextmanager
def examined(model: nn.Module, into: list[Vitals], step: int, parts: list[tuple[int, float]] | None = None) -> Iterator:
    """Around one step, from zero_grad to optimizer.step(): appends its Vitals to a list.

    A parameter tensor is what is called a layer here, as in most tools that log ratios: a matrix and its bias live on
    different scales. Frozen ones are left out.

    Args:
        model: the network.
        into: the list, such as history.vitals.
        step: its number.
        parts: a list to which the step appends (examples, mean loss) of each micro-batch.

    Yields:
        A function: the gradients that were added so far are forgotten, where a step evaluates the model anew.

    Example:
        >>> model, seen = nn.Linear(2, 1), []
        >>> sgd = torch.optim.SGD(model.parameters(), lr=0.1)
        >>> with examined(model, seen, 0):
        ...     sgd.zero_grad()
        ...     model(torch.ones(4, 2)).mean().backward()
        ...     sgd.step()
        >>> [layer.name for layer in seen[0].layers], round(seen[0].layers[1].gradient, 6)
        (['weight', 'bias'], 1.0)
    """
    trained = {name: p for name, p in model.named_parameters() if p.requires_grad}
    before = [p.detach().clone() for p in trained.values()]
    added: dict[int, Tensor] = {}
    zero: dict[str, Tensor] = {}

    def fresh(k: int, gradient: Tensor) -> None:
        gradient = _dense(gradient)
        added[k] = added[k] + gradient if k in added else gradient.clone()

    def silent(name: str, module: nn.Module, inputs: Any, output: Tensor) -> None:
        now = output.detach().flatten(1).amax(0) <= 0 if output.ndim > 1 else output.detach() <= 0
        zero[name] = zero[name] & now if name in zero else now

    hooks: list[Any] = [
        p.register_hook(lambda gradient, k=k: fresh(k, gradient)) for k, p in enumerate(trained.values())
    ]
    for name, module in model.named_modules():
        if isinstance(module, RECTIFIERS):
            hooks.append(module.register_forward_hook(partial(silent, name)))
    try:
        yield added.clear
    finally:
        for hook in hooks:
            hook.remove()
    dead = {name: float(unit.float().mean()) for name, unit in zero.items()}
    layers = _layers(trained, before, added)
    into.append(Vitals(step, layers, dead, tuple(parts or ()) if len(parts or ()) > 1 else ()))


@torch.no_grad()
def _layers(trained: dict[str, nn.Parameter], before: list[Tensor], added: dict[int, Tensor]) -> tuple[Layer, ...]:
    """The numbers of all layers, fetched at once."""
    rows = []
    for k, (p, old) in enumerate(zip(trained.values(), before)):
        gradient = torch.zeros_like(old) if p.grad is None else _dense(p.grad)
        update = p - old
        lengths = [_length(t) for t in (old, gradient, added[k] if k in added else torch.zeros_like(old), update)]
        pulled = torch.dot(update.float().flatten(), old.float().flatten())
        moving = torch.count_nonzero(gradient), torch.count_nonzero(torch.logical_and(gradient, update))
        rows.append(torch.stack([*lengths, pulled, *moving]))
    numbers = torch.stack(rows).tolist() if rows else []
    made = zip(trained.items(), numbers)
    return tuple(
        Layer(
            name,
            w,
            g,
            a,
            u,
            -pulled / w**2 if w else 0.0,
            (asked - moved) / max(asked, 1),
            p.ndim > 1,
            8 * p.element_size(),
        )
        for (name, p), (w, g, a, u, pulled, asked, moved) in made
    )


def _dense(gradient: Tensor) -> Tensor:
    return gradient.to_dense() if gradient.is_sparse else gradient


def _length(t: Tensor) -> Tensor:
    return torch.linalg.vector_norm(t, dtype=torch.float32 if t.element_size() < 4 else None).float()


def drift(buffers: Iterable[Tensor], before: Iterable[Tensor]) -> float:
    """The length by which statistics have moved, such as those of a batch normalisation during a validation.

    Args:
        buffers: of the model, now.
        before: copies from before.

    Returns:
        A length; 0 where the model was in eval mode.

    Example:
        >>> drift([torch.tensor([3.0, 4.0])], [torch.zeros(2)])
        5.0
    """
    both = [((now - old).double() ** 2).sum() for now, old in zip(buffers, before) if now.is_floating_point()]
    return float(torch.stack(both).sum().sqrt()) if both else 0.0


def facts(fitted: tuple[Tensor, Tensor], held_out: tuple[Tensor, Tensor] | None = None) -> dict[str, Any]:
    """What the data themselves tell before the first step: three fields of a History.

    Args:
        fitted: inputs (n, ...) and targets (n, ...) to train on.
        held_out: likewise, to validate.

    Returns:
        classes, spread and shared, as History explains them.

    Example:
        >>> x, y = torch.tensor([[0.0, 100.0], [2.0, 300.0]]), torch.tensor([0, 1])
        >>> facts((x, y), (x[:1], y[:1]))
        {'classes': (0.5, 0.5), 'spread': (1.0, 100.0, 200.0), 'shared': 1.0}
    """
    inputs, targets = fitted
    whole = targets.ndim == 1 and not targets.is_floating_point() and len(targets) > 0 and int(targets.min()) >= 0
    shares = tuple((torch.bincount(targets).double() / len(targets)).tolist()) if whole else ()
    return {
        "classes": shares,
        "spread": _spread(inputs),
        "shared": None if held_out is None else _shared(held_out, fitted),
    }


def _spread(inputs: Tensor) -> tuple[float, float, float] | None:
    """The least and the greatest deviation of features that vary, and the greatest |mean|; None of whole numbers."""
    if not inputs.is_floating_point() or len(inputs) < 2:
        return None
    features = inputs.detach().reshape(len(inputs), -1).double()
    deviations = features.std(0, correction=0)
    varied = deviations[deviations > 0]
    ends = (float(varied.min()), float(varied.max())) if len(varied) else (0.0, 0.0)
    return *ends, float(features.mean(0).abs().max())


def _shared(held_out: tuple[Tensor, Tensor], fitted: tuple[Tensor, Tensor]) -> float:
    """The share of the held-out examples, inputs and targets, that are among those to train on, number by number."""

    def rows(pair: tuple[Tensor, Tensor]) -> list[bytes]:
        both = (t.detach().cpu().float().reshape(len(t), -1).numpy() for t in pair)
        return [x.tobytes() + y.tobytes() for x, y in zip(*both)]

    known = set(rows(fitted))
    return sum(row in known for row in rows(held_out)) / max(1, len(held_out[0]))
