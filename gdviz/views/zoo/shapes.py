"""Bowls that are turned, weights that shrink, edges and ridges."""

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import Tensor

from gdviz import plots
from gdviz.descent import Trajectory
from gdviz.hyperparameters import as_tensor
from gdviz.pictures.limits import HIGHEST, log_axis, step_limits
from gdviz.pictures.words import label
from gdviz.player import Player
from gdviz.player.sliders import labels_of
from gdviz.player.templates import escaped
from gdviz.style import BLUE, GREY, PALE, VERMILLION, ink
from gdviz.surfaces import Surface
from gdviz.views.alive import follow, said
from gdviz.views.frames import below, highest, loss_limits, lost, mark_looks, pair


def level_lines(curvatures: tuple[float, float], degrees: Any) -> Tensor:
    """Lines of equal height of 1/2 (a x^2 + b y^2), turned by each angle, with NaN between two of them.

    Args:
        curvatures: a, b; a positive; ellipses for b > 0, hyperbolas for b < 0.
        degrees: the angles, a number or (...).

    Returns:
        (..., n, 2).

    Example:
        >>> lines = level_lines((1.0, 10.0), [0, 45])
        >>> len(lines), lines.shape[-1]
        (2, 2)
    """
    a, b = curvatures
    u = np.append(np.linspace(-np.pi, np.pi, 61), np.nan)
    if b > 0:
        shapes = [(np.cos(u), np.sin(u))]
    else:
        shapes = [
            (sign * x, sign * y) for x, y in ((np.cosh(u), np.sinh(u)), (np.sinh(u), np.cosh(u))) for sign in (1, -1)
        ]
    shapes = [np.stack([x, y * np.sqrt(a / abs(b))], -1) for x, y in shapes]
    flat = np.concatenate([size * one for size in (0.3, 0.6, 0.9, 1.2, 1.5, 1.8) for one in shapes])
    return _turned(torch.as_tensor(flat), as_tensor(degrees).double()[..., None])


def _turned(places: Tensor, degrees: Tensor) -> Tensor:
    """Places (..., 2), turned by angles (...)."""
    angles = degrees * (math.pi / 180)
    (x, y), cos, sin = places.unbind(-1), torch.cos(angles), torch.sin(angles)
    return torch.stack([cos * x - sin * y, sin * x + cos * y], -1)


def turned(curvatures: tuple[float, float], runs: Mapping[str, Trajectory], **options: Any) -> Player:
    """Descents on a bowl 1/2 (a x^2 + b y^2), shown as their rules see it: turned; the paths, and the losses.

    What is given as a Range can be turned.

    Args:
        curvatures: a, b.
        runs: by name, each a single run of a rule with the hyperparameter `degrees`: how far it sees the bowl turned. A
            name that is an optimizer's has its look.
        options: at=..., as for Player.

    Returns:
        The player.

    Example:
        >>> from dataclasses import dataclass
        >>> from gdviz.descent import minimize
        >>> from gdviz.optimizers import GradientDescent, Range
        >>> from gdviz.surfaces import bowl
        >>> @dataclass(frozen=True)
        ... class Turned(GradientDescent):  # to which it is all the same
        ...     degrees: float = 0.0
        >>> run = minimize(bowl(10), Turned(lr=0.05, degrees=Range(0, 90, 45)), (1.0, 1.0), steps=30)
        >>> player = turned((1.0, 10.0), {"GradientDescent": run})
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4.8), layout="constrained")
    label(left, title="the bowl, turned", xlabel="parameter x", ylabel="parameter y")
    left.set(xlim=(-1.8, 1.8), ylim=(-1.8, 1.8), aspect="equal")
    left.plot(0, 0, "+", markersize=12, **plots.cross(left))
    losses = torch.stack([run.losses for run in runs.values()], 1)
    low, high = loss_limits(losses, torch.zeros(len(runs)).bool(), least=1e-6)
    label(right, title="loss", xlabel="step", ylabel="loss")
    log_axis(right, 0.5 * low, 30 * high)
    looks = mark_looks({name: name for name in runs})
    below(right, looks)

    def rings(run: Trajectory) -> Tensor:
        return level_lines(curvatures, run.rule.degrees)[None]

    def seen(run: Trajectory) -> Tensor:
        return _turned(run.params, as_tensor(run.rule.degrees).double())

    def loss(run: Trajectory) -> Tensor:
        return run.losses.clamp(min=1e-9 * low)

    def told(run: Trajectory) -> tuple[Tensor, Tensor]:
        return run.losses, lost(run)

    player = Player(figure, {"step": range(next(iter(runs.values())).steps + 1)}, caption=said(runs), **options)
    first = next(iter(runs))
    drawn: dict[str, dict] = {name: {} for name in runs}
    drawn[first][player.line(left, rings(runs[first]), color=PALE, width=1)] = rings
    for row, (name, run) in enumerate(runs.items()):
        look, (numbers, diverged) = looks[name], told(run)
        words: dict[str, Any] = {"color": look["color"], "at": (0.97, 0.98 - 0.1 * row), "align": "right"}
        text = player.text(right, numbers, f"{escaped(name)}: loss {{:.3g}}", diverged=diverged, **words)
        path, curve = player.path(left, seen(run), **look), player.curve(right, loss(run), **look)
        drawn[name] |= {path: seen, curve: loss, text: told}
    follow(player, None, runs, drawn)
    return player


def shrinking(surface: Surface, runs: Mapping[str, Trajectory], *, every: int = 1, **options: Any) -> Player:
    """Weights that decay: their path, and the share of each of the two that is left against the step.

    The start can be dragged, and what is given as a Range can be turned.

    Args:
        surface: of two parameters.
        runs: by name, each a single run.
        every: how many steps the slider moves at once.
        options: at=..., as for Player.

    Returns:
        The player.

    Example:
        >>> from gdviz.descent import minimize
        >>> from gdviz.optimizers import AdamW, Range
        >>> from gdviz.surfaces import bowl
        >>> run = minimize(bowl(10), AdamW(lr=0.05, weight_decay=Range(0, 0.3, 0.1)), (4.0, 4.0), steps=40)
        >>> player = shrinking(bowl(10), {"AdamW": run})
    """
    figure, left, right = pair(surface)
    label(left, xlabel="weight x", ylabel="weight y")
    steps = range(0, next(iter(runs.values())).steps + 1, every)
    label(right, title="share that is left", xlabel="step", ylabel="share", ylim=(-0.05, 1.1))
    right.set_xlim(0, 1.12 * step_limits(steps)[1])
    looks = mark_looks({name: run.rule for name, run in runs.items()})
    below(right, looks)

    def place(run: Trajectory) -> Tensor:
        return run.params[::every]

    def share(run: Trajectory, i: int) -> Tensor:
        return place(run)[:, i] / run.params[0, i]

    player = Player(figure, {"step": steps}, caption=said(runs), **options)
    drawn: dict[str, dict] = {}
    for name, run in runs.items():
        look = looks[name]
        drawn[name] = {player.path(left, place(run), **look | {"dots": 0}): place}
        for i, weight in enumerate(("x\u2003", "\u2003y")):  # of curves that coincide both can be read
            left_of = partial(share, i=i)
            drawn[name][player.curve(right, left_of(run), **look | {"label": weight, "size": 10})] = left_of
    follow(player, left, runs, drawn)
    return player


def edge(surface: Surface, trajectory: Trajectory, rates: Sequence[float] | None = None, **options: Any) -> Player:
    """A descent on 1/2 (1 - xy)^2: the path, and x^2 + y^2 against the step, with the limit 2 / lr.

    On the floor xy = 1 the larger curvature is x^2 + y^2. The start can be dragged, and a rate given as a Range can be
    turned.

    Args:
        surface: 1/2 (1 - xy)^2.
        trajectory: a single run, or one axis of runs, the rates.
        rates: their values, for a slider over the runs.
        options: at=..., as for Player.

    Returns:
        The player.

    Example:
        >>> from gdviz.descent import minimize
        >>> from gdviz.optimizers import GradientDescent, Range
        >>> from gdviz.surfaces import Surface
        >>> floor = Surface(lambda w: (1 - w[..., 0] * w[..., 1]) ** 2 / 2, (0, 4), (0, 4), (3.5, 0.6), (), "xy = 1")
        >>> player = edge(floor, minimize(floor, GradientDescent(Range(0.05, 0.3, 0.2)), floor.start, steps=60))
    """
    figure, left, right = pair(surface, levels=[0.02, 0.125, 0.5, 2, 8, 18])
    x = np.linspace(0.05, 5, 200)
    for side in (1, -1):
        left.plot(side * x, side / x, color=ink(left), linewidth=1, scalex=False, scaley=False)
    label(right, title="curvature of the floor", xlabel="step", ylabel="x² + y²")
    start = torch.as_tensor(trajectory.params[0]).double().square().sum(-1)
    right.set_ylim(0, max(27.0, 1.3 * min(highest(start), HIGHEST / 2)))
    right.set_xlim(step_limits([0, trajectory.steps]))

    def curvature(run: Trajectory) -> Tensor:
        return (run.params**2).sum(-1)  # (steps + 1, *runs)

    def limit(run: Trajectory) -> Tensor:
        return 2 / as_tensor(run.rule.lr).double().reshape(1, *run.runs)

    def level(run: Trajectory) -> Tensor:
        ends = [torch.stack([torch.full_like(limit(run), step), limit(run)], -1) for step in (0, run.steps)]
        return torch.stack(ends, -2)  # (1, *runs, 2, 2)

    def gone(run: Trajectory) -> tuple[Tensor, Tensor]:
        return curvature(run), run.diverged & (run.losses > 100)

    sliders = {"step": range(trajectory.steps + 1)} | ({} if rates is None else {"learning rate": rates})
    player = Player(figure, sliders, caption=_rests(trajectory, rates), **options)
    at = {"at": (0.97, 0.98), "align": "right"}
    numbers, diverged = gone(trajectory)
    drawn: dict[Any, Any] = {
        player.line(right, level(trajectory), color=VERMILLION, width=2): level,
        player.path(left, trajectory.params, color=BLUE): lambda run: run.params,
        player.curve(right, curvature(trajectory), color=BLUE): curvature,
        player.text(right, numbers, "x² + y² = {:.2f}", diverged=diverged, color=BLUE, **at): gone,
    }
    at["at"] = (0.97, 0.88)
    drawn[player.text(right, limit(trajectory), "limit 2/lr = {:.2f}", color=VERMILLION, **at)] = limit
    follow(player, left, trajectory, drawn, lambda runs: _rests(runs[""], rates))
    return player


def _rests(trajectory: Trajectory, rates: Sequence[float] | None = None) -> str:
    sizes = (trajectory.params[[0, -1]] ** 2).sum(-1)  # (2, *runs); the loss that is left would be rounding
    first, ends = sizes[0].flatten()[0], sizes[1].where(~trajectory.diverged, torch.nan).flatten().tolist()
    words = ["diverges" if math.isnan(end) else f"{end:.2f}" for end in ends]
    said = [f"{rate}: {end}" for rate, end in zip(labels_of(rates), words)] if rates else words
    lead = "for each learning rate: " if rates else f"with lr {float(trajectory.rule.lr):.4g}, from {first:.2f}: "
    return f"x² + y² after {trajectory.steps} steps {lead}{', '.join(said)}."


def ridge(
    params: Tensor,
    offsets: Tensor,
    sliders: Mapping[str, Sequence],
    *,
    every: int = 1,
    **options: Any,
) -> Player:
    """The saddle, turned by the first of the sliders (degrees): the path down its ridge, and how far off it is.

    Args:
        params: (steps + 1, *runs, 2).
        offsets: (steps + 1, *runs), of which only the size counts: on the log axis 0 is not shown.
        sliders: name -> values; the runs have an axis for each of them.
        every: how many steps the slider moves at once.
        options: at=..., as for Player.

    Returns:
        The player.

    Example:
        >>> from gdviz.descent import minimize
        >>> from gdviz.optimizers import GradientDescent
        >>> from gdviz.surfaces import saddle
        >>> run = minimize(saddle(), GradientDescent(lr=0.1), torch.tensor([[1.0, 1e-9]]).double(), steps=60)
        >>> player = ridge(run.params, run.params[..., 1], {"turned by": [0]})
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4.8), layout="constrained")
    label(left, title="the saddle, turned", xlabel="parameter x", ylabel="parameter y")
    left.set(xlim=(-1.6, 1.6), ylim=(-1.6, 1.6), aspect="equal")
    sizes, steps = offsets.abs()[::every], range(0, len(params), every)
    label(right, title="distance from the ridge", xlabel="step", ylabel="distance", yscale="log", ylim=(1e-18, 1e3))
    right.axhline(1, color=ink(right, GREY), linewidth=1, linestyle=":")
    left_it = (sizes > 1).to(sizes.dtype)
    stays = int((left_it[-1] == 0).sum())
    caption = (
        f"{stays} of {left_it[-1].numel()} runs stay on the ridge for {len(params) - 1} steps; all others leave it."
    )
    player = Player(figure, {"step": steps, **sliders}, caption=caption, opening="", **options)
    rings = level_lines((1, -1), next(iter(sliders.values())))
    rings = rings.reshape(1, len(rings), *[1] * (len(sliders) - 1), *rings.shape[1:])
    player.line(left, rings, color=PALE, width=1)
    player.path(left, params[::every], color=BLUE)
    player.curve(right, sizes.clamp(min=1e-30), color=BLUE)
    player.text(right, left_it, "{:on the ridge|has left it}", at=(0.03, 0.98))
    return player
