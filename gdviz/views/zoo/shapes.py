"""Bowls that are turned, weights that shrink, edges and ridges."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from torch import Tensor

from gdviz import plots
from gdviz.descent import Trajectory
from gdviz.hyperparameters import as_tensor
from gdviz.pictures.limits import log_axis, step_limits
from gdviz.pictures.words import label
from gdviz.player import Player
from gdviz.player.sliders import labels_of
from gdviz.player.templates import escaped
from gdviz.style import BLUE, GREY, PALE, VERMILLION, ink
from gdviz.surfaces import Surface
from gdviz.views.alive import follow
from gdviz.views.frames import key, loss_limits, lost, mark_look, pair


def level_lines(curvatures: tuple[float, float], degrees: Sequence[float]) -> np.ndarray:
    """Lines of equal height of 1/2 (a x^2 + b y^2), turned by each angle, with NaN between two of them.

    Args:
        curvatures: a, b; a positive; ellipses for b > 0, hyperbolas for b < 0.
        degrees: the angles.

    Returns:
        (angles, n, 2).

    Example:
        >>> level_lines((1.0, 10.0), [0, 45]).shape[::2]
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
    angle = np.deg2rad(np.asarray(degrees, dtype=float))[:, None]
    x, y = flat.T
    return np.stack([np.cos(angle) * x - np.sin(angle) * y, np.sin(angle) * x + np.cos(angle) * y], -1)


def turned(
    curvatures: tuple[float, float], runs: Mapping[str, Trajectory], sliders: Mapping[str, Sequence], **options: Any
) -> Player:
    """A bowl 1/2 (a x^2 + b y^2), turned by the first of the sliders (degrees): the paths over it, and the losses.

    Args:
        curvatures: a, b.
        runs: by name, each with an axis of runs for each of the sliders, or of 1.
        sliders: name -> values.
        options: at=..., as for Player.

    Returns:
        The player.

    Example:
        >>> from gdviz.descent import minimize
        >>> from gdviz.optimizers import Adam
        >>> from gdviz.surfaces import bowl
        >>> degrees = [0, 45]
        >>> starts = torch.tensor([[-4.0, 2.0], [-4.0, 2.0]]).double()
        >>> run = minimize(bowl(10, angle=45), Adam(lr=0.2), starts, steps=30)
        >>> player = turned((1.0, 10.0), {"Adam": run}, {"turned by": degrees})
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4.8), layout="constrained")
    label(left, title="the bowl, turned", xlabel="parameter x", ylabel="parameter y")
    left.set(xlim=(-1.8, 1.8), ylim=(-1.8, 1.8), aspect="equal")
    left.plot(0, 0, "+", markersize=12, **plots.cross(left))
    losses = torch.cat([run.losses.flatten(1) for run in runs.values()], 1)
    low, high = loss_limits(losses, torch.zeros(losses.shape[1]).bool(), least=1e-6)
    label(right, title="loss", xlabel="step", ylabel="loss")
    log_axis(right, 0.5 * low, 30 * high)
    key(right, {name: run.rule for name, run in runs.items()})
    steps = next(iter(runs.values())).steps
    caption = " ".join(f"{name}: {run.describe()}" for name, run in runs.items())
    player = Player(figure, {"step": range(steps + 1), **sliders}, caption=caption, **options)
    _draw_turned(player, left, curvatures, sliders)
    for place, (name, run) in enumerate(runs.items()):
        drawn = mark_look(run.rule)
        player.path(left, run.params, **drawn)
        player.curve(right, run.losses.clamp(min=0.6 * low), **drawn)
        at = (0.97, 0.98 - 0.1 * place)
        template = f"{escaped(name)}: loss {{:.3g}}"
        player.text(right, run.losses, template, diverged=lost(run), color=drawn["color"], at=at, align="right")
    return player


def shrinking(
    surface: Surface, runs: Mapping[str, Trajectory], sliders: Mapping[str, Sequence], *, every: int = 1, **options: Any
) -> Player:
    """Weights that decay: their path, and the share of each of the two that is left against the step.

    Args:
        surface: of two parameters.
        runs: by name, each with an axis of runs for each of the sliders.
        sliders: name -> values.
        every: how many steps the slider moves at once.
        options: at=..., as for Player.

    Returns:
        The player.

    Example:
        >>> from gdviz.descent import grid, minimize
        >>> from gdviz.optimizers import AdamW
        >>> from gdviz.surfaces import bowl
        >>> decays = [0.0, 0.1]
        >>> run = minimize(bowl(10), AdamW(lr=0.05, **grid(weight_decay=decays)), (4.0, 4.0), steps=40)
        >>> player = shrinking(bowl(10), {"AdamW": run}, {"decay": decays})
    """
    figure, left, right = pair(surface)
    label(left, xlabel="weight x", ylabel="weight y")
    steps = range(0, next(iter(runs.values())).steps + 1, every)
    label(right, title="share that is left", xlabel="step", ylabel="share", ylim=(-0.05, 1.1))
    right.set_xlim(0, 1.12 * step_limits(steps)[1])
    key(right, {name: run.rule for name, run in runs.items()})
    caption = " ".join(f"{name}: {run.describe()}" for name, run in runs.items())
    player = Player(figure, {"step": steps, **sliders}, caption=caption, **options)
    for run in runs.values():
        drawn, places = mark_look(run.rule), run.params[::every]
        player.path(left, places, **drawn | {"dots": 0})
        x, y = (places / places[0]).unbind(-1)
        curves = {"x, y": x} if bool(torch.allclose(x, y, atol=0.01)) else {"x": x, "y": y}
        for name, curve in curves.items():
            player.curve(right, curve, **drawn | {"label": name, "size": 10})
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
    label(right, title="curvature of the floor", xlabel="step", ylabel="x² + y²", ylim=(0, 27))
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
    player = Player(figure, {"step": steps, **sliders}, caption=caption, **options)
    _draw_turned(player, left, (1, -1), sliders)
    player.path(left, params[::every], color=BLUE)
    player.curve(right, sizes.clamp(min=1e-30), color=BLUE)
    player.text(right, left_it, "{:on the ridge|has left it}", at=(0.03, 0.98))
    return player


def _draw_turned(player: Player, ax: Axes, curvatures: tuple[float, float], sliders: Mapping[str, Sequence]) -> None:
    """The level lines, one set for each value of the first slider."""
    rings = level_lines(curvatures, next(iter(sliders.values())))
    player.line(ax, rings.reshape(1, len(rings), *[1] * (len(sliders) - 1), *rings.shape[1:]), color=PALE, width=1)
