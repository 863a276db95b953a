"""What the players of the course share: a pair of Axes, a key, the limits of losses."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.transforms import ScaledTranslation
from torch import Tensor

from gdviz import plots
from gdviz.descent import Trajectory
from gdviz.pictures.limits import HIGHEST
from gdviz.pictures.words import label, plain, quiet
from gdviz.player import Player
from gdviz.style import PALE, ground, ink, look, looks_of, seen
from gdviz.surfaces import Surface


def pair(
    surface: Surface,
    *,
    figsize: tuple[float, float] = (12, 4.8),
    width_ratios: tuple[float, float] = (1, 1),
    **kwargs: Any,
) -> tuple[Figure, Axes, Axes]:
    """A figure with the contours of a surface (kwargs are those of contours) left, and an empty Axes on the right."""
    figure, (left, right) = plt.subplots(1, 2, figsize=figsize, width_ratios=width_ratios, layout="constrained")
    plots.contours(surface, ax=left, **kwargs)
    equal_scales(left)
    label(left, title=surface.name, xlabel="parameter x", ylabel="parameter y")
    return figure, left, right


def panels(surface: Surface, names: Sequence[str], **kwargs: Any) -> tuple[Figure, list[Axes], Axes]:
    """A figure: the contours of a surface once for each name, in two columns, and an empty Axes on the right."""
    rows = -(-len(names) // 2)
    figure = plt.figure(figsize=(12, max(4.8, 2.7 * rows)), layout="constrained")
    grid = figure.add_gridspec(rows, 3, width_ratios=(1, 1, 1.7))
    left = [figure.add_subplot(grid[divmod(k, 2)]) for k in range(len(names))]
    for ax, name in zip(left, names):
        plots.contours(surface, ax=ax, **kwargs)
        label(ax, title=name)
    return figure, left, figure.add_subplot(grid[:, 2])  # last, also where they are shown one below the other


def equal_scales(ax: Axes) -> None:
    """Draw a round bowl round, where that leaves the Axes most of its size."""
    (left, right), (low, high) = ax.get_xlim(), ax.get_ylim()
    box = ax.get_window_extent()
    shape = box.width / box.height
    if 0.6 < (right - left) / (high - low) / shape < 1.65:
        ax.set_aspect("equal", adjustable="box")


def faint(player: Player, ax: Axes, heights: Any) -> None:
    """Pale curves of all settings, (steps, *settings): they grow with the step, so that none tells the end before."""
    for each in np.asarray(heights).reshape(len(heights), -1).T:
        place = [len(each), *[1] * (len(player.sliders) - 1)]
        player.curve(ax, each.reshape(place), color=ink(ax, PALE), width=1.5, size=1)


def mark_looks(rules: Mapping[str, Any], told: Mapping[str, Any] | None = None) -> dict[str, dict[str, Any]]:
    """The looks of several descents, by name, as the keywords of a player's path or curve; told: as for looks_of."""
    return {name: look._asdict() for name, look in looks_of(rules, told).items()}


def below(
    ax: Axes,
    looks: Mapping[str, Mapping[str, Any]],
    *,
    columns: int = 2,
    at: tuple[float, float] = (-0.1, -0.17),
    **kwargs: Any,
) -> None:
    """Below an Axes a legend of names and their looks; at: its upper left corner in the Axes.

    It stays within the figure: where it is too wide it has one column, then smaller words; for many rows the figure
    grows.
    """
    figure: Any = ax.figure
    room = figure.bbox.width * (1 - ax.get_position().x0)
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
    more, high = extent.height - 0.35 * figure.bbox.height, float(ax.xaxis.label.get_fontsize()) + ticks
    if more > 0 or high > 27:  # for a low Axes, or larger words than the course has, a share of it is no measure
        figure.set_figheight(figure.get_figheight() + max(more, 0) / figure.dpi)
        lower = ScaledTranslation(0, -(1.2 * high + 14) / 72, figure.dpi_scale_trans)
        legend.set_bbox_to_anchor((at[0], 0), ax.transAxes + lower)


def beneath(figure: Figure, looks: Mapping[str, Mapping[str, Any]], *, columns: int = 3) -> None:
    """Below all Axes of a figure a legend of names and their looks, as wide as the figure."""
    handles = [_handle(figure.axes[0], **drawn) for drawn in looks.values()]
    where = {"loc": "outside lower center", "ncols": columns, "frameon": False, "handlelength": 2.6}
    legend = figure.legend(handles, ["" for _ in handles], **where)
    for text, name in zip(legend.get_texts(), looks):
        plain(text, textwrap.fill(name, 48))


def _handle(ax: Axes, color: str, dash: Sequence[float], **style: Any) -> Line2D:
    color = seen(color, ground(ax, outside=True))
    return Line2D([], [], color=color, linestyle=(0, dash) if dash else "-", markersize=9, **style)


def _points(size: str) -> float:
    """A font size of rcParams, which may be a word, in points."""
    return FontProperties(size=plt.rcParams[size]).get_size_in_points()  # pyright: ignore[reportArgumentType]  a name


def mark_look(rule: Any) -> dict[str, Any]:
    """The look of a rule as the keywords of a player's path or curve."""
    return look(rule)._asdict()


def loss_limits(losses: Tensor, diverged: Tensor, *, least: float = 1e-9) -> tuple[float, float]:
    """The lowest loss of the runs that do not diverge, but at least this share of the largest first one; and that one.

    losses (steps + 1, *runs), diverged (*runs); where all diverge, the lowest loss before. Both limits are positive,
    also for a run that begins at the minimum.
    """
    first = highest(losses[0])
    high = min(first, HIGHEST) if first > 0 else 1.0
    good = losses if diverged.all() else losses[:, ~diverged]
    good = good[torch.isfinite(good)]
    return min(max(float(good.min()) if len(good) else high, least * high), high), high


def depth(surface: Surface) -> float:
    """What to subtract from the losses for a log axis: the loss of the lowest minimum that is known, where negative."""
    if not surface.minima:
        return 0.0
    return min(0.0, float(surface(torch.tensor(surface.minima, dtype=torch.float64)).min()))


def highest(values: Tensor) -> float:
    """The largest of the values that are finite; 0 without any."""
    finite = values[torch.isfinite(values)]
    return float(finite.max()) if len(finite) else 0.0


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
