"""Matrices: their singular values under Newton-Schulz, the keys of a memory, and the numbers that a rule keeps."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import Tensor

from gdviz.descent import Trajectory, minimize
from gdviz.hyperparameters import as_tensor
from gdviz.optimizers import GradientDescent
from gdviz.optimizers.matrices import QUINTIC
from gdviz.pictures.limits import log_axis, step_limits
from gdviz.pictures.words import label, plain
from gdviz.player import Player
from gdviz.player.templates import escaped
from gdviz.style import BLUE, GREEN, GREY, PALE, VERMILLION, ink
from gdviz.theory import numbers_kept
from gdviz.views.alive import follow, said
from gdviz.views.frames import below, mark_looks

POLYNOMIALS: dict[str, tuple[tuple[float, float, float], float]] = {  # a, b, c, and the length that it begins at
    "Muon's": (QUINTIC, 1.0),
    "cubic": ((1.5, -0.5, 0.0), 1.0),
    "cubic from √3": ((1.5, -0.5, 0.0), 3**0.5),
}
OWN = (0.01,)  # the value that can be dragged


def spectrum(matrices: Mapping[str, Tensor], *, steps: int = 8, **options: Any) -> Player:
    """Singular values before and after each step of Newton-Schulz, on the curve of what it makes of every number.

    One more value, in green, can be dragged: the browser repeats the polynomial on it.

    Args:
        matrices: by name, each (m, n).
        steps: of Newton-Schulz.
        options: at=..., as for Player.

    Returns:
        The player.

    Raises:
        ValueError: no matrix, or one that is all 0 or not finite.

    Example:
        >>> player = spectrum({"diag(3, 1)": torch.diag(torch.tensor([3.0, 1.0])), "a vector": torch.ones(1, 2)})
    """
    figure, ax = plt.subplots(figsize=(7, 4.4), layout="constrained")
    label(ax, title="what becomes of a singular value", xlabel="before (the matrix divided by its length)")
    label(ax, ylabel="after", ylim=(-0.05, 1.8))
    ax.set(xscale="log", xlim=(1e-3, 1.2))
    ax.axhline(1, color=ink(ax, GREY), linewidth=1, linestyle=":")
    empty = [name for name, matrix in matrices.items() if not matrix.any() or not matrix.isfinite().all()]
    if empty or not matrices:
        raise ValueError(f"give at least one matrix by name, finite and not all 0; got {empty or 'none'}")
    x = torch.logspace(-3, 0, 400, dtype=torch.float64)
    values = [torch.linalg.svdvals(matrix.double() / matrix.double().norm()) for matrix in matrices.values()]
    most = max(map(len, values))
    values = torch.stack([torch.cat([some, some[-1:].expand(most - len(some))]) for some in values])  # (matrices, n)
    curves = torch.stack([_iterated(x, *kind, steps) for kind in POLYNOMIALS.values()], 1)[:, :, None]
    after = torch.stack([_iterated(values, *kind, steps) for kind in POLYNOMIALS.values()], 1)
    sliders = {"Newton-Schulz steps": range(steps + 1), "polynomial": list(POLYNOMIALS), "gradient": list(matrices)}
    low, high = after[-1, 0].min(), after[-1, 0].max()
    many = {1: "one step", 5: "five steps"}.get(steps, f"{steps} steps")
    caption = f"After {many} of Muon's polynomial all singular values are between {low:.3f} and {high:.3f}."
    player = Player(figure, sliders, caption=caption, opening="", **options)
    player.line(ax, torch.stack([x.expand_as(curves), curves], -1), color=BLUE, width=2)
    places = torch.stack([values.clamp(min=1e-3).expand_as(after), after], -1)
    player.points(ax, places, color=VERMILLION, size=12)
    ends = torch.stack([after.amin(-1), after.amax(-1)], -1)
    player.text(ax, ends, "singular values from {:.4f} to {:.4f}", at=(0.03, 0.98), color=VERMILLION)
    kinds = torch.tensor([[*terms, length] for terms, length in POLYNOMIALS.values()], dtype=torch.float64)
    own = minimize(lambda s: (1 - s).square().sum(-1), _Polynomial(*kinds.T[..., None]), OWN, steps)
    path = player.path(ax, _both(own), color=GREEN)
    words = player.text(ax, _both(own), "yours: {:.4f}, now {:.4f}", at=(0.03, 0.89), color=GREEN)
    follow(player, ax, own, {path: _both, words: _both}, lambda _: caption)
    player.opening = ""
    return player


@dataclass(frozen=True)
class _Polynomial:
    """A rule for single values, whatever their gradient: the polynomial of the value times the length."""

    a: Tensor
    b: Tensor
    c: Tensor
    length: Tensor

    def init(self, params: Tensor) -> tuple[()]:
        return ()

    def update(self, params: Tensor, grads: Tensor, state: tuple[()]) -> tuple[Tensor, tuple[()]]:
        return _step(self.length * params, self.a, self.b, self.c) / self.length, state


def _both(run: Trajectory) -> Tensor:
    """The value before and after each step, with an axis for the gradients: (steps + 1, ..., 1, 2)."""
    after = run.rule.length * run.params
    return torch.stack([run.params[:1].expand_as(after), after], -1)


def _iterated(x: Tensor, coefficients: Sequence[float], length: float, steps: int) -> Tensor:
    """(steps + 1, *x.shape): x times the length, and the polynomial applied to it again and again."""
    found = [length * x]
    for _ in range(steps):
        found.append(_step(found[-1], *coefficients))
    return torch.stack(found)


def _step(s: Tensor, a: Any, b: Any, c: Any) -> Tensor:
    """The polynomial of each value."""
    return a * s + b * s**3 + c * s**5


def keys(runs: Mapping[str, Trajectory], shares: Tensor, errors: Callable[[Tensor], Tensor], **options: Any) -> Player:
    """A memory of keys, each with its share of the examples: the error of every key, and the largest one so far.

    Thin and grey is what is predicted of gradient descent, (1 - lr share)^t. What is given as a Range can be turned.

    Args:
        runs: by name, each a single run of a matrix.
        shares: of each key, (n,).
        errors: of a matrix, or many, the error of each key (..., n).
        options: at=..., as for Player.

    Returns:
        The player.

    Example:
        >>> from gdviz.descent import minimize
        >>> from gdviz.optimizers import GradientDescent, Range
        >>> shares, target = torch.tensor([0.7, 0.2, 0.1]).double(), torch.eye(3).double()
        >>> def errors(W):
        ...     return (target - W).square().sum(-2).sqrt()
        >>> def loss(W):
        ...     return (shares * (target - W).square().sum(-2)).sum(-1) / 2
        >>> rule = GradientDescent(Range(0.1, 4, 1.0))
        >>> run = minimize(loss, rule, torch.zeros(3, 3).double(), 20, matrix=True)
        >>> player = keys({"GradientDescent": run}, shares, errors)
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 5), layout="constrained")
    count, steps = len(shares), range(next(iter(runs.values())).steps + 1)
    label(left, title="error of each key", xlabel="key, from frequent to rare", ylabel="error", ylim=(-0.05, 1.3))
    left.set(xlim=(0.4, count + 0.6), xticks=range(1, count + 1))
    label(right, title="the largest error", xlabel="step", ylabel="error", xlim=step_limits(steps))
    log_axis(right, 0.02, 3)
    right.axhline(0.1, color=ink(right, GREY), linewidth=1, linestyle=":")
    looks = mark_looks({name: run.rule for name, run in runs.items()})
    below(right, looks)
    place = torch.arange(1, count + 1, dtype=torch.float64)
    t = torch.arange(len(steps), dtype=torch.float64)[:, None]

    def each(run: Trajectory, aside: float) -> Tensor:
        heights = errors(run.params)
        return torch.stack([(place + aside).expand_as(heights), heights], -1)

    def predicted(run: Trajectory) -> Tensor:
        heights = (1 - as_tensor(run.rule.lr).double() * shares).abs() ** t
        return torch.stack([place.expand_as(heights), heights], -1)

    def worst(run: Trajectory) -> Tensor:
        return errors(run.params).amax(-1)

    player = Player(figure, {"step": steps}, caption=said(runs), **options)
    drawn: dict[str, dict] = {}
    for row, (name, run) in enumerate(runs.items()):
        aside = partial(each, aside=0.16 * (row - (len(runs) - 1) / 2))
        style = {"color": looks[name]["color"], "marker": looks[name]["marker"]}
        drawn[name] = {}
        if isinstance(run.rule, GradientDescent):
            drawn[name][player.line(left, predicted(run), color=PALE, width=2)] = predicted
        drawn[name][player.points(left, aside(run), size=13, **style)] = aside
        drawn[name][player.curve(right, worst(run), **looks[name])] = worst
        at = {"at": (0.98, 0.98 - 0.09 * row), "align": "right", "color": looks[name]["color"]}
        drawn[name][player.text(right, worst(run), f"{escaped(name)}: {{:.3f}}", **at)] = worst
    follow(player, None, runs, drawn)
    return player


def stored(rules: Sequence[Any], widths: Sequence[int], **options: Any) -> Player:
    """How many numbers each rule keeps beside the weights of one layer, n x n, for every width n.

    Args:
        rules: as for theory.numbers_kept.
        widths: of the layer.
        options: at=..., as for Player.

    Returns:
        The player.

    Example:
        >>> from gdviz.optimizers import Adafactor, Adam
        >>> player = stored([Adam(), Adafactor()], [64, 256, 1024, 4096])
    """
    figure, ax = plt.subplots(figsize=(7, 4.4), layout="constrained")
    numbers = [type(rule).__name__ for rule in rules]
    counts = np.array([[numbers_kept(rule, n) for rule in rules] for n in widths], float)  # (widths, rules)
    rows = np.arange(len(numbers))[::-1]
    label(ax, title="numbers kept beside n × n weights", xlabel="numbers", xscale="log")
    ax.set(xlim=(1, 30 * counts.max()), ylim=(-0.6, len(numbers) - 0.4))
    ax.set_yticks(rows, numbers)
    for tick in ax.get_yticklabels():
        plain(tick)
    ax.tick_params("y", length=0)
    caption = " ".join(f"{name}: {count:,.0f} numbers." for name, count in zip(numbers, counts[-1]))
    sliders = {"width n": [str(n) for n in widths]}
    player = Player(
        figure, sliders, caption=f"At width {widths[-1]}: {caption}", opening="", **{"at": {"width n": 0}} | options
    )
    looks = mark_looks({name: name for name in numbers})
    for row, name, each in zip(rows, numbers, counts.T):
        shown = np.maximum(each, 1)
        ends = np.stack([np.stack([np.ones_like(shown), shown], -1), np.full((len(each), 2), row)], -1)
        player.line(ax, ends, color=looks[name]["color"], width=14)
        at = {"at": (0.98, (row + 0.6) / (len(numbers) + 0.2) + 0.04), "align": "right", "color": looks[name]["color"]}
        player.text(ax, each, "{:.0f}", **at)
    return player
