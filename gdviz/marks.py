"""The marks of a player: arrays in data units, sent as pixels, and drawn by matplotlib as the static twin.

All geometry is in CSS pixels of the figure, PX for each inch, y downwards; the canvas draws the same numbers.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from string import Formatter
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Polygon
from matplotlib.patheffects import Normal, Stroke
from matplotlib.text import Text
from mpl_toolkits.mplot3d import proj3d

PX = 100
FAR = 1e5  # px: a point beyond is drawn there, in the same direction
MARKERS = ("o", "s", "^", "D")
SPEC = re.compile(r"\+?(\.\d{1,2})?[feg]")
HALO = [Stroke(linewidth=4, foreground="white"), Normal()]


@dataclass(eq=False)
class Mark:
    """What moves on one Axes. Its array has an axis for each slider, of the slider's length or 1, then its own axes.

    kind: path (*sliders, 2), line and points (*sliders, n, 2), arrow (*sliders, 2, 2) from tail to tip, text
    (*sliders, k + 1): k numbers and whether the run has diverged. look: what the canvas must know beside.
    prepare: checks what the user gives and makes the array of it; put: hands the array to the player.
    """

    kind: str
    ax: Axes
    array: np.ndarray
    look: dict[str, Any]
    prepare: Callable[..., np.ndarray] = field(repr=False)
    put: Callable[["Mark", np.ndarray], None] = field(repr=False)

    def set_data(self, array: Any, **more: Any) -> None:
        """Replace the array, by the rules of the method that made the mark. The picture follows, the axes stay."""
        self.put(self, self.prepare(array, **more))

    def bytes(self, array: np.ndarray) -> int:
        """What an array of this mark weighs on its way to the browser."""
        return 4 * array.size if self.kind == "text" else 8 * array.size // array.shape[-1]

    def pixels(self) -> np.ndarray:
        """float32: the array in pixels, or the numbers themselves for a text."""
        return self.array.astype(np.float32) if self.kind == "text" else to_pixels(self.ax, self.array)

    def spec(self) -> dict[str, Any]:
        """What the view gets."""
        pixels = self.pixels()
        axes = self.ax.figure.axes.index(self.ax)
        return {"kind": self.kind, "axes": axes, "shape": list(pixels.shape), "data": pixels.tobytes(), **self.look}

    def at(self, index: tuple[int, ...], trail: int) -> np.ndarray:
        """The pixels that these slider positions select; of a path the whole trail up to the position on its axis."""
        where = [i if n > 1 else 0 for i, n in zip(index, self.array.shape, strict=False)]
        if self.kind == "path":
            where[trail] = slice(where[trail] + 1)
        return self.pixels()[tuple(where)]

    def readout(self, index: tuple[int, ...]) -> str:
        """The words of a text at these slider positions."""
        *numbers, diverged = (float(value) for value in self.at(index, 0))
        parts = (text + (format(numbers.pop(0), spec) if spec else "") for text, spec in self.look["parts"])
        return "".join(parts) + (" (diverged)" if diverged else "")


def dims(ax: Axes) -> int:
    """How many coordinates a point on this Axes has."""
    return 3 if ax.name == "3d" else 2


def as_array(what: str, values: Any) -> np.ndarray:
    """Numbers as float64, from tensors (also those that carry a gradient), arrays and lists."""
    try:
        array = np.asarray(values.detach() if hasattr(values, "detach") else values)
    except ValueError:
        array = np.empty(0, dtype=object)
    if array.dtype.kind not in "iufb":
        raise TypeError(f"the array of a {what} must hold real numbers, got {type(values).__name__}")
    return array.astype(np.float64)


def to_pixels(ax: Axes, points: np.ndarray) -> np.ndarray:
    """Data coordinates (..., 2), or (..., 3) on a 3-D Axes, as float32 pixels (..., 2); NaN where not finite."""
    flat = points.reshape(-1, points.shape[-1])
    with np.errstate(all="ignore"):
        if ax.name == "3d":
            flat = np.column_stack(proj3d.proj_transform(*flat.T, ax.get_proj())[:2])
        pixels = ax.transData.transform(flat) * (PX / ax.figure.dpi)
        pixels[:, 1] = ax.figure.get_figheight() * PX - pixels[:, 1]
        left, top, width, height = box(ax)
        centre = np.array([left + width / 2, top + height / 2])
        away = pixels - centre
        far = np.abs(away).max(-1, keepdims=True, initial=0)
        pixels = centre + away * np.where(far > FAR, FAR / far, 1)
    pixels[~np.isfinite(pixels).all(-1)] = np.nan
    return pixels.reshape(*points.shape[:-1], 2).astype(np.float32)


def box(ax: Axes) -> list[float]:
    """Left, top, width and height of the Axes in pixels."""
    x0, y0, width, height = (value * PX / ax.figure.dpi for value in ax.bbox.bounds)
    return [x0, ax.figure.get_figheight() * PX - y0 - height, width, height]


def panel(ax: Axes, pad: float = 6) -> list[float]:
    """Left, top, width and height in pixels of the Axes with its labels and title, within the figure."""
    scale, size = PX / ax.figure.dpi, np.array([ax.figure.get_figwidth(), ax.figure.get_figheight()]) * PX
    (x0, y0), (x1, y1) = ax.get_tightbbox().get_points() * scale
    left, right = np.clip([x0 - pad, x1 + pad], 0, size[0])
    top, bottom = np.clip([size[1] - y1 - pad, size[1] - y0 + pad], 0, size[1])
    return [float(left), float(top), float(right - left), float(bottom - top)]


def template_parts(template: str) -> list[tuple[str, str | None]]:
    """'loss {:.3g}' as [('loss ', '.3g')]: words, each with the format of the number that follows it, or None."""
    try:
        parsed = list(Formatter().parse(template))
    except (TypeError, ValueError) as error:
        raise ValueError(f"template must be text with fields such as {{:.3g}}, got {template!r}") from error
    for _, name, spec, conversion in parsed:
        if name is not None and (name or conversion or not SPEC.fullmatch(spec)):
            raise ValueError(
                f"a field of a template is {{:.3f}}, {{:.3e}} or {{:.3g}}, + before it for a sign; got {template!r}"
            )
    return [(words, spec) for words, _, spec, _ in parsed]


def arrow_head(tail: np.ndarray, tip: np.ndarray, length: float = 15, half: float = 7) -> np.ndarray:
    """The triangle (3, 2) at the tip; as long as the arrow where that is short. Its base is where the shaft ends."""
    away = tip - tail
    size = max(float(np.hypot(*away)), 1e-9)
    along = away / size * min(length, size)
    aside = np.array([-along[1], along[0]]) * (half / length)
    return np.array([tip, tip - along + aside, tip - along - aside])


def draw(mark: Mark, index: tuple[int, ...], trail: int, zorder: float) -> list:
    """The mark at these slider positions as matplotlib artists on its figure, pixel for pixel what the canvas draws."""
    figure, look, (left, top, width, height) = mark.ax.figure, mark.look, box(mark.ax)

    def inches(points):
        return np.asarray(points, float) / PX * [1, -1] + [0, figure.get_figheight()]

    def line(points, clip=True, **style):
        artist = Line2D(*inches(points).T, transform=figure.dpi_scale_trans, zorder=zorder, **style)
        if clip:
            artist.set_clip_box(mark.ax.bbox)
        return figure.add_artist(artist)

    def text(words, at, ha, va, color, size):
        where = inches([at])[0]
        style = {"color": color, "fontsize": size * 72 / PX, "weight": "bold", "path_effects": HALO, "zorder": zorder}
        return figure.add_artist(Text(*where, words, ha=ha, va=va, transform=figure.dpi_scale_trans, **style))

    if mark.kind == "text":
        place = (left + look["at"][0] * width, top + (1 - look["at"][1]) * height)
        words = mark.readout(index)
        color = look["warn"] if words.endswith("(diverged)") else look["color"]
        return [text(words, place, look["align"], "top", color, look["size"])]

    points = mark.at(index, trail)
    pt = 72 / PX
    dot = {"linestyle": "none", "color": look["color"]}
    if mark.kind == "points":
        return [line(points, marker=look["marker"], markersize=look["size"] * pt, markeredgewidth=0, **dot)]
    ends = np.flatnonzero(~np.isfinite(points).all(-1))
    points = points[: ends[0]] if len(ends) else points
    if not len(points):
        return []
    shaft = points
    if mark.kind == "arrow":
        if len(points) < 2:
            return []
        head = arrow_head(*points)
        shaft = np.array([points[0], head[1:].mean(0)])
    artists = [
        line(shaft, color="white", linewidth=(look["width"] + 3) * pt),
        line(
            shaft,
            color=look["color"],
            linewidth=look["width"] * pt,
            linestyle=(0, look["dash"]) if look["dash"] else "-",
        ),
    ]
    if mark.kind == "arrow":
        triangle = Polygon(inches(head), color=look["color"], lw=0, transform=figure.dpi_scale_trans, zorder=zorder)
        triangle.set_clip_box(mark.ax.bbox)
        artists.append(figure.add_artist(triangle))
    if look.get("dots"):
        artists.append(line(points, marker="o", markersize=look["dots"] * pt, markeredgewidth=0, **dot))
    x, y = points[-1]
    if mark.kind == "path" and left - 1 <= x <= left + width + 1 and top - 1 <= y <= top + height + 1:
        head = {
            "marker": look["marker"],
            "markersize": look["size"] * pt,
            "markeredgecolor": "white",
            "markeredgewidth": 2 * pt,
        }
        artists.append(line([points[-1]], clip=False, **dot, **head))
        if look["label"]:
            aside, ha = (-12, "right") if x > left + 0.7 * width else (12, "left")
            artists.append(text(look["label"], (x + aside, y), ha, "center", look["color"], 18))
    return artists
