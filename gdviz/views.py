"""Ready-made players of the course: one call for the pictures that come back in several notebooks."""

import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.ticker import NullFormatter
from matplotlib.transforms import ScaledTranslation
from torch import Tensor

from gdviz import plots
from gdviz.descent import Trajectory
from gdviz.limits import HIGHEST, log_axis, plain_ticks
from gdviz.player import Player
from gdviz.style import VERMILLION, ground, look, seen
from gdviz.surfaces import Surface
from gdviz.words import label, plain, quiet


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
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(12.6, 4.4), layout="constrained")
    plots.examples(data, ax=left)
    plots.contours(surface, ax=middle, n=101)
    label(left, title="data and line")
    label(middle, title="loss surface", xlabel="slope w", ylabel="intercept b")
    low, first = loss_limits(trajectory.losses, trajectory.diverged, least=1e-12)
    label(right, title="loss curve", xlabel="step")
    label(right, ylabel=surface.name)
    log_axis(right, 0.7 * low, 3 * first)
    plain_ticks(right, few=first > 1e4 * low)
    right.yaxis.set_minor_formatter(NullFormatter())

    steps = {"step": range(trajectory.steps + 1)}
    player = Player(figure, steps | dict(sliders or {}), caption=trajectory.describe(), **options)
    marks = [
        player.line(left, plots.lines(data, trajectory.params)),
        player.path(middle, trajectory.params),
        player.curve(right, trajectory.losses),
        player.text(right, trajectory.losses, "loss {:.5g}", diverged=lost(trajectory), at=(0.97, 0.98), align="right"),
    ]

    def from_there(w: float, b: float) -> None:
        run = restart([w, b])
        arrays = [plots.lines(data, run.params), run.params, run.losses]
        for mark, array in zip(marks, arrays):
            mark.set_data(array)
        marks[-1].set_data(run.losses, diverged=lost(run))
        player.caption = run.describe()

    if restart is not None:
        player.on_click(from_there, ax=middle)
    return player


def over_surface(
    surface: Surface, trajectory: Trajectory, *, elev: float = 38, azim: float = -60, **options: Any
) -> Player:
    """The path of one run over the loss in 3-D, seen from elev and azim (degrees), with the step on a slider."""
    figure, ax = plt.subplots(figsize=(8, 5.8), subplot_kw={"projection": "3d"}, layout="constrained")
    plots.surface3d(surface, ax=ax)
    label(ax, xlabel="slope w", ylabel="intercept b", zlabel="loss")
    ax.view_init(elev=elev, azim=azim)
    player = Player(figure, {"step": range(trajectory.steps + 1)}, caption=trajectory.describe(), **options)
    player.path(ax, torch.cat([trajectory.params, trajectory.losses[..., None]], -1), color=VERMILLION)
    return player


def descents(
    surface: Surface,
    runs: Trajectory | Mapping[str, Trajectory],
    *,
    sliders: Mapping[str, Any] | None = None,
    restart: Callable[[list[float]], Trajectory | Mapping[str, Trajectory]] | None = None,
    levels: Any = 12,
    **options: Any,
) -> Player:
    """Descents over one surface, joined by the step: their paths, and beside them their losses.

    runs: a trajectory, or several by name, each drawn with the look of its optimizer; with one axis of runs for each of
    the sliders (name -> values). The loss is shown on a log axis above the lowest minimum, where there is one.
    restart: given a start (x, y), minimizes again and returns what runs is; the surface then takes clicks.
    levels: as for plots.contours. Other options (at=...) are Player's.
    """
    named = dict(runs) if isinstance(runs, Mapping) else {"": runs}
    if not named:
        raise ValueError("runs is empty; give a trajectory, or several by name")
    first = next(iter(named.values()))
    figure, left, right = pair(surface, levels=levels)
    heights = _loss_axes(surface, list(named.values()), right)
    caption = _said(named)
    steps = {"step": range(first.steps + 1)}
    player = Player(figure, steps | dict(sliders or {}), caption=caption, **options)
    marks = []
    for run in named.values():
        drawn = mark_look(run.rule)
        marks.append(player.path(left, run.params, **drawn))
        marks.append(player.curve(right, heights(run.losses), **drawn))
    if len(named) == 1:
        marks.append(
            player.text(right, first.losses, "loss {:.4g}", diverged=lost(first), at=(0.97, 0.98), align="right")
        )
    else:
        key(right, {name: run.rule for name, run in named.items()})

    def from_there(x: float, y: float) -> None:
        again = restart([x, y])
        again = dict(again) if isinstance(again, Mapping) else {"": again}
        if set(again) != set(named):
            raise ValueError(f"restart must return the runs {', '.join(named)}; got {', '.join(again)}")
        for name, path, curve in zip(named, marks[::2], marks[1::2]):
            path.set_data(again[name].params)
            curve.set_data(heights(again[name].losses))
        if len(named) == 1:
            (run,) = again.values()
            marks[-1].set_data(run.losses, diverged=lost(run))
        player.caption = _said(again)

    if restart is not None:
        player.on_click(from_there, ax=left)
    return player


def pair(surface: Surface, *, figsize=(12, 4.8), width_ratios=(1, 1), **kwargs: Any) -> tuple[Figure, Axes, Axes]:
    """A figure with the contours of a surface (kwargs are those of contours) left, and an empty Axes on the right."""
    figure, (left, right) = plt.subplots(1, 2, figsize=figsize, width_ratios=width_ratios, layout="constrained")
    plots.contours(surface, ax=left, **kwargs)
    label(left, title=surface.name, xlabel="parameter x", ylabel="parameter y")
    return figure, left, right


def key(ax: Axes, rules: Mapping[str, Any]) -> None:
    """Below an Axes: which colour, dash and marker belongs to which name."""
    below(ax, {name: mark_look(rule) for name, rule in rules.items()})


def below(ax: Axes, looks: Mapping[str, Mapping[str, Any]], *, columns: int = 2, at=(-0.1, -0.17), **kwargs) -> None:
    """Below an Axes a legend of names and their looks; at: its upper left corner in the Axes.

    It stays within the figure: where it is too wide it has one column, then smaller words; for many rows the figure
    grows.
    """
    figure, room = ax.figure, ax.figure.bbox.width * (1 - ax.get_position().x0)
    handles = [_handle(ax, **drawn) for drawn in looks.values()]
    words, ticks = (_points(name) for name in ("legend.fontsize", "xtick.labelsize"))
    style = {"loc": "upper left", "bbox_to_anchor": at, "frameon": False, "handlelength": 2.6} | kwargs
    for ncols, share in ((columns, 1), (1, 1), (1, 0.8), (1, 0.6)):
        legend = ax.legend(handles, ["" for _ in handles], ncols=ncols, fontsize=share * words, **style)
        for text, name in zip(legend.get_texts(), looks):
            plain(text, textwrap.fill(name, 48))  # here, for a legend leaves out names that begin with _
        with quiet():
            extent = legend.get_window_extent()
        if extent.width <= room:
            break
    more, high = extent.height - 0.35 * figure.bbox.height, ax.xaxis.label.get_size() + ticks
    if more > 0 or high > 27:  # for a low Axes, or larger words than the course has, a share of it is no measure
        figure.set_figheight(figure.get_figheight() + max(more, 0) / figure.dpi)
        lower = ScaledTranslation(0, -(1.2 * high + 14) / 72, figure.dpi_scale_trans)
        legend.set_bbox_to_anchor((at[0], 0), ax.transAxes + lower)


def _handle(ax: Axes, color: str, dash: Sequence[float], **style: Any) -> Line2D:
    color = seen(color, ground(ax, outside=True))
    return Line2D([], [], color=color, linestyle=(0, dash) if dash else "-", markersize=9, **style)


def _points(size: str) -> float:
    """A font size of rcParams, which may be a word, in points."""
    return FontProperties(size=plt.rcParams[size]).get_size_in_points()


def mark_look(rule: Any) -> dict[str, Any]:
    """The look of a rule as the keywords of a player's path or curve."""
    return look(rule)._asdict()


def loss_limits(losses: Tensor, diverged: Tensor, *, least: float = 1e-9) -> tuple[float, float]:
    """The lowest loss of the runs that do not diverge, but at least this share of the largest first one; and that one.

    losses (steps + 1, *runs), diverged (*runs). Both limits are positive, also for a run that begins at the minimum.
    """
    first = highest(losses[0])
    high = min(first, HIGHEST) if first > 0 else 1.0
    good = losses[:, ~diverged]
    good = good[torch.isfinite(good)]
    return min(max(float(good.min()) if len(good) else high, least * high), high), high


def highest(values: Tensor) -> float:
    """The largest of the values that are finite; 0 without any."""
    finite = values[torch.isfinite(values)]
    return float(finite.max()) if len(finite) else 0.0


def _said(runs: Mapping[str, Trajectory]) -> str:
    return " ".join(f"{name}: {run.describe()}" if name else run.describe() for name, run in runs.items())


def _loss_axes(surface: Surface, runs: Sequence[Trajectory], ax: Axes) -> Callable[[Tensor], Tensor]:
    """Label and limit an Axes for the losses of these runs; returns what makes heights on it of losses."""
    losses = torch.cat([run.losses.reshape(len(run.losses), -1) for run in runs], 1)
    diverged = torch.cat([run.diverged.flatten() for run in runs])
    label(ax, title="loss", xlabel="step", ylabel="loss")
    if not surface.minima:
        high, depth = highest(losses[0]), 6 * min(max(highest(losses[0].abs()), 0.1), HIGHEST)
        ax.set(ylim=(high - depth, high + 0.4 * depth))
        return lambda losses: losses
    lowest = min(float(surface(torch.tensor(place, dtype=torch.float64))) for place in surface.minima)
    low, high = loss_limits(losses - lowest, diverged)
    label(ax, ylabel="loss above the lowest minimum" if lowest else "loss")
    log_axis(ax, 0.5 * low, 4 * high)
    return lambda losses: (losses - lowest).clamp(min=0.6 * low)


def lost(trajectory: Trajectory) -> Tensor:
    """(steps + 1, *runs): where a run that diverges has left its start behind."""
    return trajectory.diverged & (trajectory.losses > trajectory.losses[0])


def between(values: Any) -> str:
    """Of numbers: "at 2", "between 1 and 3", "between 1 and inf", and where some of them are NaN "at 2 or nan"."""
    values = torch.as_tensor(values, dtype=torch.float64).flatten()
    known = values[~values.isnan()]
    if not len(known):
        return "at nan"
    low, high = f"{float(known.min()):.3g}", f"{float(known.max()):.3g}"
    said = f"at {low}" if low == high else f"between {low} and {high}"
    return said + " or nan" * (len(known) < len(values))
