"""Ready-made players of the course: one call for the pictures that come back in several notebooks."""

from collections.abc import Callable, Mapping
from typing import Any

import matplotlib.pyplot as plt
import torch
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from gdviz import plots
from gdviz.descent import Trajectory
from gdviz.player import Player
from gdviz.style import VERMILLION
from gdviz.surfaces import Surface


def line_fit(
    data: Any,
    surface: Surface,
    trajectory: Trajectory,
    *,
    sliders: Mapping[str, Any] | None = None,
    restart: Callable[[list[float]], Trajectory] | None = None,
    **options: Any,
) -> Player:
    """One descent seen three ways, joined by the step: the line in the data, the path on the loss, the loss curve.

    data: has x, y and their labels; surface: the loss over (w, b); trajectory: from minimize, with one axis of runs for
    each of the sliders (name -> values). restart: given a start (w, b), minimizes again; the loss surface then takes
    clicks. Other options (at=...) are Player's.
    """
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(12.6, 4.4))
    plots.examples(data, ax=left)
    plots.contours(surface, ax=middle)
    left.set(title="data and line")
    middle.set(title="loss surface", xlabel="slope w", ylabel="intercept b")
    first = float(trajectory.losses[0].max())
    low = max(float(trajectory.losses[torch.isfinite(trajectory.losses)].min()), 1e-12 * first)
    right.set(title="loss curve", xlabel="step", ylabel=surface.name, yscale="log", ylim=(0.7 * low, 3 * first))
    right.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    right.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    right.yaxis.set_minor_formatter(NullFormatter())

    steps = {"step": range(trajectory.steps + 1)}
    player = Player(figure, steps | dict(sliders or {}), caption=trajectory.describe(), **options)
    marks = [
        player.line(left, plots.lines(data, trajectory.params)),
        player.path(middle, trajectory.params),
        player.curve(right, trajectory.losses),
        player.text(
            right, trajectory.losses, "loss {:.5g}", diverged=_worse(trajectory), at=(0.97, 0.98), align="right"
        ),
    ]

    def from_there(w: float, b: float) -> None:
        run = restart([w, b])
        arrays = [plots.lines(data, run.params), run.params, run.losses]
        for mark, array in zip(marks, arrays):
            mark.set_data(array)
        marks[-1].set_data(run.losses, diverged=_worse(run))

    if restart is not None:
        player.on_click(from_there, ax=middle)
    return player


def over_surface(
    surface: Surface, trajectory: Trajectory, *, elev: float = 38, azim: float = -60, **options: Any
) -> Player:
    """The path of one run over the loss in 3-D, seen from elev and azim (degrees), with the step on a slider."""
    figure, ax = plt.subplots(figsize=(8, 5.8), subplot_kw={"projection": "3d"})
    plots.surface3d(surface, ax=ax)
    ax.set(xlabel="slope w", ylabel="intercept b", zlabel="loss")
    ax.view_init(elev=elev, azim=azim)
    player = Player(figure, {"step": range(trajectory.steps + 1)}, caption=trajectory.describe(), **options)
    player.path(ax, torch.cat([trajectory.params, trajectory.losses[..., None]], -1), color=VERMILLION)
    return player


def _worse(trajectory: Trajectory) -> torch.Tensor:
    """(steps + 1, *runs): where a run that diverges has left its start behind."""
    return trajectory.diverged & (trajectory.losses > trajectory.losses[0])
