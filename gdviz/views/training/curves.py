"""Named curves in panels: a picture of a training run."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from gdviz.pictures.arrays import as_array
from gdviz.pictures.limits import ENDS, HIGHEST, log_axis, plain_ticks, span, usual
from gdviz.pictures.words import label
from gdviz.player import Player
from gdviz.player.templates import escaped
from gdviz.style import BLACK, BLUE, GREEN, LOOKS, PALE, VERMILLION, ink, look
from gdviz.views.frames import between, faint

CURVES = [(BLUE, "o"), (VERMILLION, "s"), (GREEN, "D"), (BLACK, "^")]  # what has no look of its own
LINE = 0.1  # height of a line of words in a panel
GLYPHS = {"o": "●", "s": "■", "D": "◆", "^": "▲"}


def panels(
    curves: Mapping[str, Mapping[str, Any]],
    sliders: Mapping[str, Any],
    *,
    log: Collection[str] = (),
    rows: int = 1,
    ylabel: str = "",
    x: Mapping[str, tuple[str, Sequence[float]]] | None = None,
    **options: Any,
) -> Player:
    """Named curves in several panels, with their numbers at the current position: a picture of a training run.

    Up to four names a panel; an optimizer's has its look. Up to six positions of the other sliders leave their curves
    in grey, to compare.

    Args:
        curves: title of a panel -> name of a curve -> its array (*sliders, each axis may be 1), drawn up to the
            position of the first slider, which is a range.
        sliders: name -> values.
        log: the titles of the panels with a log axis.
        rows: of panels, which then share their y axis.
        ylabel: its label.
        x: for a panel whose curves are whole lines, arrays (*sliders, n): the label of its x axis and the n places, in
            order; places that grow by a factor get a log axis. The number is then that of the last place.
        options: at=..., as for Player.

    Returns:
        The player.

    Raises:
        ValueError: arrays that do not fit the sliders.

    Example:
        >>> loss, accuracy = 2 * 0.8 ** torch.arange(10.0), 1 - 0.7 ** torch.arange(10.0)
        >>> curves = {"loss": {"Adam": loss.double()}, "accuracy": {"Adam": accuracy.double()}}
        >>> player = panels(curves, {"epoch": range(1, 11)}, log=["loss"])
    """
    arrays = {title: {name: as_array(name, array) for name, array in named.items()} for title, named in curves.items()}
    for title, named in arrays.items():
        if not 1 <= len(named) <= len(CURVES):
            raise ValueError(f"a panel holds 1 to {len(CURVES)} curves; {title} has {len(named)}")
    x, log = x or {}, list(log)
    if not arrays or not sliders or not set(log) | set(x) <= set(arrays) or not 1 <= rows <= len(arrays):
        asked = f"log {log}, x {list(x)}, {rows} rows, sliders {list(sliders)}"
        raise ValueError(f"panels needs curves and sliders; log and x name panels ({', '.join(arrays)}); got {asked}")
    time, columns = next(iter(sliders)), -(-len(arrays) // rows)
    size = (12.6 if columns > 1 else 6.6, 4.5 * rows)
    figure, grid = plt.subplots(rows, columns, figsize=size, sharey=rows > 1, squeeze=False, layout="constrained")
    for ax in list(grid.flat)[len(arrays) :]:
        ax.remove()
    ends = {
        title: {name: a[..., -1] if title in x else a[-1] for name, a in named.items()}
        for title, named in arrays.items()
    }
    said = [
        f"{title}: {', '.join(f'{name} {between(end)}' for name, end in named.items())}"
        for title, named in ends.items()
    ]
    player = Player(figure, sliders, caption=f"At the end, {'; '.join(said)}.", opening="", **options)
    for k, (ax, (title, named)) in enumerate(zip(grid.flat, arrays.items())):
        words, places = x.get(title, (time, None))
        places = None if places is None else np.asarray(places, dtype=float)
        label(ax, title=title, xlabel=words if k >= len(curves) - columns else "", ylabel=ylabel)
        ax.set_yscale("log" if title in log else "linear")
        ax.tick_params(labelleft=True)  # each panel may be shown alone
        together = arrays.values() if rows > 1 else [named]
        _frame(ax, [array for each in together for array in each.values()], max(map(len, together)), places)
        _panel(player, ax, named, next(iter(sliders.values())), places)
    return player


def _panel(player: Player, ax: Axes, named: Mapping[str, np.ndarray], steps: Sequence[float], places: Any) -> None:
    """The curves of one panel, against the steps or as whole lines over the places, and above them their numbers."""
    for row, (name, array) in enumerate(named.items()):
        drawn: dict[str, Any] = look(name)._asdict() if name in LOOKS else dict(zip(("color", "marker"), CURVES[row]))
        words: dict[str, Any] = {"at": (0.98, 0.98 - LINE * row), "align": "right", "color": drawn["color"]}
        player.text(
            ax,
            array if places is None else array[..., -1],
            f"{GLYPHS[drawn['marker']]} {escaped(name)} {{:.3g}}",
            **words,
        )
        if places is not None:
            points = np.stack([np.broadcast_to(places, array.shape), array], -1)
            if len(named) == 1 and 1 < array.size // len(places) <= 6:
                _before(player, ax, points)
            player.line(ax, points, color=drawn["color"], dash=drawn.get("dash", ()))
            player.points(ax, points[..., :: -(-len(places) // 12), :], color=drawn["color"], marker=drawn["marker"])
            continue
        if len(named) == 1 and 1 < array[0].size <= 6:
            faint(player, ax, array)
        player.curve(ax, array, **drawn, size=15 + 5 * (len(named) - 1 - row))  # of coinciding heads each is seen


def _before(player: Player, ax: Axes, points: np.ndarray) -> None:
    """Of one slider, pale, the lines of the positions before: points (positions, places, 2)."""
    if points.ndim == 3:
        gap = np.full((len(points), 1, 2), np.nan)
        joined = np.concatenate([points, gap], 1)  # one line with gaps for each position
        seen = np.tri(len(points), k=-1, dtype=bool)[:, :, None, None]
        player.line(ax, np.where(seen, joined, np.nan).reshape(len(points), -1, 2), color=ink(ax, PALE), width=1.5)


def _frame(ax: Axes, arrays: Sequence[np.ndarray], lines: int, places: np.ndarray | None) -> None:
    """The window: what is finite and at most 100 times as large as the first values; above it room for words."""
    firsts = np.concatenate([array[0].ravel() for array in arrays])
    largest = np.abs(firsts[np.isfinite(firsts)]).max(initial=0)
    found = [a[(np.abs(a) <= HIGHEST) & ((a <= 100 * largest) | (largest == 0) | usual(a, times=100))] for a in arrays]
    values = np.concatenate(found)
    log = ax.get_yscale() == "log"
    values = np.log(values[values > 0]) if log else values
    low, high = (values.min(), values.max()) if len(values) else (0, 1)  # where nothing can be drawn
    height = max(high - low, 1e-3)
    ends = low - 0.05 * height, high + height * (0.08 + 1.25 * LINE * lines)
    if log:
        log_axis(ax, *np.exp(np.clip(ends, *np.log(ENDS))))
        plain_ticks(ax, few=high - low > np.log(100))
        ax.minorticks_off()
    else:  # no tick beyond the data, such as a share above 1
        ax.set_ylim(*ends)
        ax.set_yticks([tick for tick in ax.get_yticks() if low - 0.05 * height <= tick <= high + 1e-9 * height])
    if places is not None:
        ax.set_xlim(*(places[[0, -1]] if places[0] != places[-1] else span(places)))
        if len(places) > 1 and places[0] > 0 and np.allclose(np.diff(np.log(places), 2), 0):
            ax.set_xscale("log")
