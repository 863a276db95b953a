"""The static twin: marks as artists of matplotlib, pixel for pixel what the canvas of the browser draws."""

from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.lines import Line2D
from matplotlib.patches import Polygon
from matplotlib.patheffects import Normal, Stroke

from gdviz.pictures.words import bold, wide
from gdviz.player.marks import ASIDE, PX, WORDS, Mark, box

PT = 72 / PX  # points in a pixel


def draw(mark: Mark, index: tuple[int, ...], zorder: float) -> list[Artist]:
    """The mark at these slider positions as artists on its figure."""
    how = {"text": _text, "points": _points, "arrow": _arrow}.get(mark.kind, _line)
    return how(_Pen(mark, zorder), mark, index)


class _Pen:
    """Draws what one mark consists of, at places in pixels, with the colours of its ground."""

    def __init__(self, mark: Mark, zorder: float):
        self.figure, self.ax, self.look, self.zorder = mark.ax.figure, mark.ax, mark.seen(), zorder

    def inches(self, points: Any) -> np.ndarray:
        return np.asarray(points, float) / PX * [1, -1] + [0, self.figure.get_figheight()]

    def add(self, artist: Artist, clip: bool = True) -> Artist:
        if clip:
            artist.set_clip_box(self.ax.bbox)
        return self.figure.add_artist(artist)

    def line(self, points: Any, *, clip: bool = True, **style: Any) -> Artist:
        where = {"transform": self.figure.dpi_scale_trans, "zorder": self.zorder}
        return self.add(Line2D(*self.inches(points).T, **where, **style), clip)

    def spots(self, points: Any, size: float, marker: str, **style: Any) -> Artist:
        style = {"color": self.look["color"], "markeredgewidth": 0} | style
        return self.line(points, linestyle="none", marker=marker, markersize=size * PT, **style)

    def stroke(self, points: Any) -> list[Artist]:
        """A line, dashed or not, on its halo."""
        look, cap = self.look, self.look.get("cap", "round")
        dash = (0, look["dash"]) if look["dash"] else "-"
        layers = ((look["halo"], look["width"] + 3, "-"), (look["color"], look["width"], dash))
        return [
            self.line(points, color=color, linewidth=width * PT, linestyle=dash, solid_capstyle=cap)
            for color, width, dash in layers
        ]

    def words(self, words: str, place: tuple[float, float], align: str, va: str, color: str, size: float) -> Artist:
        """Words with their halo; down to half as large where they would leave the figure."""
        x, span = place[0], self.look["span"]
        room = {"left": span - x, "right": x, "center": 2 * min(x, span - x)}[align]
        points = size * PT
        points *= min(1, max(room * PT / max(wide(self.figure, words, points), 1e-9), 0.5))
        halo = [Stroke(linewidth=4, foreground=self.look["halo"]), Normal()]
        style = {"color": color, "ha": align, "va": va, "path_effects": halo, "zorder": self.zorder}
        return self.add(bold(self.figure, words, points, *self.inches([place])[0], **style), clip=False)


HEAD = 15  # px from the base of an arrow's head to its tip


def arrow_head(tail: np.ndarray, tip: np.ndarray, length: float = HEAD, half: float = 7) -> np.ndarray:
    """The triangle (3, 2) at the tip; as long as the arrow where that is short. Its base is where the shaft ends."""
    away = tip - tail
    size = max(float(np.hypot(*away)), 1e-9)
    along = away / size * min(length, size)
    aside = np.array([-along[1], along[0]]) * (half / length)
    return np.array([tip, tip - along + aside, tip - along - aside])


def _text(pen: _Pen, mark: Mark, index: tuple[int, ...]) -> list[Artist]:
    look, (left, top, width, height), words = pen.look, box(mark.ax), mark.readout(index)
    place = (left + look["at"][0] * width, top + (1 - look["at"][1]) * height)
    color = look["warn"] if words.endswith("(diverged)") else look["color"]
    return [pen.words(words, place, look["align"], "top", color, look["size"])]


def _points(pen: _Pen, mark: Mark, index: tuple[int, ...]) -> list[Artist]:
    points, look = mark.at(index), pen.look
    layers = [(look["size"] + 2 * look["casing"], look["halo"])] if look["casing"] else []
    layers.append((look["size"], look["color"]))
    return [pen.spots(points, size, look["marker"], color=color) for size, color in layers]


def _arrow(pen: _Pen, mark: Mark, index: tuple[int, ...]) -> list[Artist]:
    points = mark.at(index)
    if not np.isfinite(points).all():
        return []
    head, shaft = arrow_head(*points), []
    if np.hypot(*(points[1] - points[0])) > HEAD:  # a shorter one is all head: what rounding leaves of a shaft is none
        shaft = pen.stroke([points[0], head[1:].mean(0)])
    where = {"transform": pen.figure.dpi_scale_trans, "zorder": pen.zorder}
    triangle = Polygon(pen.inches(head), color=pen.look["color"], lw=0, **where)
    return [*shaft, pen.add(triangle)]


def _line(pen: _Pen, mark: Mark, index: tuple[int, ...]) -> list[Artist]:
    """A line with its gaps; or a path, which ends where it is not finite, with its dots and its head."""
    points, look = mark.at(index), pen.look
    lost = np.flatnonzero(~np.isfinite(points).all(-1))
    if mark.kind == "path" and len(lost):
        points = points[: lost[0]]
    if not len(points):
        return []
    artists = pen.stroke(points)
    if look.get("dots"):
        artists.append(pen.spots(points, look["dots"], "o"))
    return artists + (_head(pen, *points[-1]) if mark.kind == "path" else [])


def _head(pen: _Pen, x: float, y: float) -> list[Artist]:
    look, (left, top, width, height) = pen.look, box(pen.ax)
    if not (left - 1 <= x <= left + width + 1 and top - 1 <= y <= top + height + 1):
        return []
    edge = {"markeredgecolor": look["halo"], "markeredgewidth": 2 * PT}
    head = [pen.spots([(x, y)], look["size"], look["marker"], clip=False, **edge)]
    aside, align = (-ASIDE, "right") if x > look.get("turn", x) else (ASIDE, "left")
    if look["label"]:
        head.append(pen.words(look["label"], (x + aside, y), align, "center", look["color"], WORDS))
    return head
