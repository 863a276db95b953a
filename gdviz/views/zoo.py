"""Ready-made players of notebook 07: pictures to distrust, and what stands beside them."""

import math
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from torch import Tensor

from gdviz import plots
from gdviz.descent import Trajectory
from gdviz.pictures.limits import log_axis, step_limits
from gdviz.pictures.words import label
from gdviz.player import Player
from gdviz.player.sliders import labels_of
from gdviz.player.templates import escaped
from gdviz.style import BLUE, GREY, PALE, VERMILLION, ink
from gdviz.surfaces import Surface
from gdviz.views.frames import key, loss_limits, lost, mark_look, pair


def lucky(
    surface: Surface,
    runs: Mapping[str, Trajectory],
    shares: Mapping[str, Sequence[float]],
    sliders: Mapping[str, Sequence],
    **options: Any,
) -> Player:
    """Descents from one start at one rate, and what they hide: the share of many starts that arrive, for every rate.

    runs: by name, each with two axes of runs, starts and rates; sliders: the names and values of both, in this order.
    shares: by name, one for each rate. The dots on the right are at the rate of the left side.
    """
    figure, left, right = pair(surface)
    first, rates = next(iter(runs.values())), np.asarray(list(sliders.values())[1], dtype=float)
    label(right, title="starts that find the lowest minimum", xlabel="learning rate", ylim=(0, 1), xscale="log")
    label(right, ylabel="share of the starts")
    best = {name: (rates[np.argmax(share)], max(share)) for name, share in shares.items()}
    caption = " ".join(
        f"{name}: at best {share:.0%} of the starts, with lr {lr:g}." for name, (lr, share) in best.items()
    )
    player = Player(figure, {"step": range(first.steps + 1), **sliders}, caption=caption, **options)
    for place, (name, run) in enumerate(runs.items()):
        drawn, share = mark_look(run.rule), np.asarray(shares[name], dtype=float)
        right.plot(rates, share, color=ink(right, drawn["color"]))
        player.path(left, run.params, **drawn)
        spots = np.stack([rates, share], -1)[None, None, :, None]
        player.points(right, spots, color=drawn["color"], marker=drawn["marker"], size=16)
        at = (0.03, 0.98 - 0.1 * place)
        player.text(right, 100 * share[None, None], f"{escaped(name)}: {{:.0f}} %", color=drawn["color"], at=at)
    return player


def along(
    surface: Surface,
    runs: Mapping[str, Trajectory],
    sliders: Mapping[str, Sequence],
    *,
    every: int = 1,
    levels: Sequence[float] = (),
    **options: Any,
) -> Player:
    """Descents of one parameter: where they are on the curve of the loss, and the parameter against the step.

    runs: by name, each with an axis of runs for each of the sliders; a name that is an optimizer's has its look. every:
    how many steps the slider moves at once. levels: parameters at which a thin line is drawn on the right.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4.8), layout="constrained")
    plots.profile(surface, ax=left)
    label(left, title=surface.name)
    left.locator_params("x", nbins=6)
    steps = range(0, next(iter(runs.values())).steps + 1, every)
    label(right, title="where it is", xlabel="step", ylabel="parameter w", xlim=step_limits(steps), ylim=surface.xlim)
    for level in levels:
        right.axhline(level, color=ink(right, GREY), linewidth=1, linestyle=":")
    key(right, {name: name for name in runs})
    caption = " ".join(f"{name} after {steps[-1]} steps: {_ends(run, sliders)}." for name, run in runs.items())
    player = Player(figure, {"step": steps, **sliders}, caption=caption, **options)
    for name, run in runs.items():
        places = run.params[::every]
        player.path(left, torch.cat([places, surface(places)[..., None]], -1), width=1, **mark_look(name))
        player.curve(right, places[..., 0], **mark_look(name))
    return player


def _ends(run: Trajectory, sliders: Mapping[str, Sequence]) -> str:
    """Where the runs of one parameter end, in words: "w = 0.00 at start 1, w = -1.80 at start 3.3"."""
    labels = [
        " ".join(f"{name} {value}" for name, value in zip(sliders, values)) for values in product(*sliders.values())
    ]
    ends = run.params[-1, ..., 0].flatten().tolist()
    return ", ".join(f"w = {round(end, 2) + 0.0:.2f} at {label}" for end, label in zip(ends, labels, strict=True))


def level_lines(curvatures: tuple[float, float], degrees: Sequence[float]) -> np.ndarray:
    """(angles, n, 2): lines of equal height of 1/2 (a x^2 + b y^2), turned by each angle, with NaN between two of them.

    curvatures: a, b; a positive; ellipses for b > 0, hyperbolas for b < 0.
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

    curvatures: a, b. runs: by name, each with an axis of runs for each of the sliders, or of 1.
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

    runs: by name, each with an axis of runs for each of the sliders. every: how many steps the slider moves at once.
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


def edge(surface: Surface, trajectory: Trajectory, rates: Sequence[float], **options: Any) -> Player:
    """A descent on 1/2 (1 - xy)^2 for each rate: the path, and x^2 + y^2 against the step, with the limit 2 / lr.

    On the floor xy = 1 the larger curvature is x^2 + y^2. trajectory: one axis of runs, the rates.
    """
    figure, left, right = pair(surface, levels=[0.02, 0.125, 0.5, 2, 8, 18])
    x = np.linspace(0.05, 5, 200)
    for side in (1, -1):
        left.plot(side * x, side / x, color=ink(left), linewidth=1, scalex=False, scaley=False)
    curvature = (trajectory.params**2).sum(-1)  # (steps + 1, rates)
    steps, limits = trajectory.steps, 2 / np.asarray(rates, dtype=float)
    label(right, title="curvature of the floor", xlabel="step", ylabel="x² + y²", ylim=(0, 27))
    right.set_xlim(step_limits([0, steps]))
    ends = curvature[-1].where(~trajectory.diverged, torch.nan)
    ends = ["diverges" if math.isnan(end) else f"{end:.2f}" for end in ends.tolist()]
    said = [f"{rate}: {end}" for rate, end in zip(labels_of(rates), ends)]
    caption = f"x² + y² after {steps} steps for each learning rate: {', '.join(said)}."
    player = Player(figure, {"step": range(steps + 1), "learning rate": rates}, caption=caption, **options)
    line = np.stack(np.broadcast_arrays([0.0, steps], limits[:, None]), -1)  # (rates, 2, 2)
    player.line(right, line[None], color=VERMILLION, width=2)
    player.path(left, trajectory.params, color=BLUE)
    player.curve(right, curvature, color=BLUE)
    gone = trajectory.diverged & (trajectory.losses > 100)
    at = {"at": (0.97, 0.98), "align": "right"}
    player.text(right, curvature, "x² + y² = {:.2f}", diverged=gone, color=BLUE, **at)
    at["at"] = (0.97, 0.88)
    player.text(right, limits[None], "limit 2/lr = {:.2f}", color=VERMILLION, **at)
    return player


def _draw_turned(player: Player, ax: Axes, curvatures: tuple[float, float], sliders: Mapping[str, Sequence]) -> None:
    """The level lines, one set for each value of the first slider."""
    rings = level_lines(curvatures, next(iter(sliders.values())))
    player.line(ax, rings.reshape(1, len(rings), *[1] * (len(sliders) - 1), *rings.shape[1:]), color=PALE, width=1)


def ridge(
    params: Tensor,
    offsets: Tensor,
    sliders: Mapping[str, Sequence],
    *,
    every: int = 1,
    **options: Any,
) -> Player:
    """The saddle, turned by the first of the sliders (degrees): the path down its ridge, and how far off it is.

    params (steps + 1, *runs, 2); offsets (steps + 1, *runs), of which
    only the size counts: on the log axis 0 is not shown. The runs have an axis for each of the sliders.
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


def suspects(
    surface: Surface,
    pairs: Mapping[str, tuple[Trajectory, Trajectory]],
    rates: Sequence[float],
    **options: Any,
) -> Player:
    """An optimizer under suspicion beside the right one: both paths, and the size of each step as a multiple of lr.

    pairs: letter -> (the suspect's, the right one's), each with one axis of runs, the rates. The size of a step is that
    of its larger coordinate.
    """
    figure, left, right = pair(surface)
    names = [type(rule.rule).__name__ for _, rule in pairs.values()]
    steps = next(iter(pairs.values()))[0].steps
    if not steps:
        raise ValueError("suspects need at least one step: the size of each is shown")
    lr = torch.as_tensor(rates, dtype=torch.float64)
    label(right, title="size of each step", xlabel="step", ylabel="size in lr", yscale="log", ylim=(1e-2, 100))
    right.set_xlim(step_limits([0, steps]))
    worse = [int((one.losses[-1] > other.losses[-1]).sum()) for one, other in pairs.values()]
    caption = ", ".join(f"{letter} {n} of {len(rates)}" for letter, n in zip(pairs, worse))
    caption = f"Rates at which a suspect ends with a higher loss than the right rule: {caption}."
    sliders = {"step": range(steps + 1), "suspect": list(pairs), "learning rate": rates}
    player = Player(figure, sliders, caption=caption, **options)
    looks = ({"color": VERMILLION, "marker": "s", "dash": (3, 1.5)}, {"color": BLUE})
    which = torch.arange(len(names), dtype=torch.float64)[:, None].expand(-1, len(rates))
    for k in (1, 0):
        params, losses = (
            torch.stack([getattr(two[k], what) for two in pairs.values()], 1) for what in ("params", "losses")
        )
        sizes = params.diff(dim=0).abs().amax(-1) / lr  # (steps, suspects, rates)
        sizes = torch.cat([sizes[:1], sizes])  # at step t the size of the step that led there
        player.path(left, params, **looks[k])
        player.curve(right, sizes.clamp(min=1e-30), **looks[k])
        word = "suspect" if k == 0 else f"{{:{'|'.join([*names, ''])}}}"  # a choice, also of one
        numbers = [sizes, losses] if k == 0 else [which.expand(len(sizes), -1, -1), sizes, losses]
        template = f"{word}: step {{:.2f}} lr, loss {{:.2g}}"
        at = (0.97, 0.98 - 0.1 * (1 - k))
        player.text(right, torch.stack(numbers, -1), template, color=looks[k]["color"], at=at, align="right")
    return player
