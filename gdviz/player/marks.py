"""The marks of a player: arrays in data units, sent as pixels. twin.py draws them, and on the canvas player.mjs.

All geometry is in CSS pixels of the figure, PX for each inch, y downwards; the canvas draws the same numbers.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Number
from string import Formatter
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from mpl_toolkits.mplot3d import proj3d

from gdviz.pictures.words import wide
from gdviz.style import ground, inks, seen

PX = 100
WORDS = 19  # px of words: bold and above 14 pt they are large, and 3:1 is contrast enough (WCAG 2.2)
FAR = 1e4  # px from the middle of the Axes: what lies beyond does not travel
MARKERS = ("o", "s", "^", "D")
SPEC = re.compile(r"\+?(\.\d{1,2})?[feg]|[^{}]*\|[^{}]*")
ASIDE = 12  # px from a head to its label


@dataclass(eq=False, repr=False)
class Mark:
    """What moves on one Axes. Its array has an axis for each slider, of the slider's length or 1, then its own axes.

    kind: path (*sliders, 2), line and points (*sliders, n, 2), arrow (*sliders, 2, 2) from tail to tip, text
    (*sliders, k + 1): k numbers and whether the run has diverged. look: what the canvas must know beside.
    axis: along which its points are joined, for a path that of the steps; None for separate points and texts.
    prepare: checks what the user gives and makes the array of it; put: hands the array to the player.
    """

    kind: str
    ax: Axes
    array: np.ndarray
    look: dict[str, Any]
    axis: int | None
    prepare: Callable[..., np.ndarray]
    put: Callable[["Mark", np.ndarray], None]

    def __repr__(self) -> str:
        return f"{self.kind} on Axes {self.ax.get_title()!r}, array {self.array.shape}"

    def set_data(self, array: Any, **more: Any) -> None:
        """Replace the array, by the rules of the method that made the mark. The picture follows, the axes stay."""
        self.put(self, self.prepare(array, **more))

    def bytes(self, array: np.ndarray) -> int:
        """What an array of this mark weighs on its way to the browser."""
        return 8 * array.size if self.kind == "text" else 8 * array.size // array.shape[-1]

    def pixels(self) -> np.ndarray:
        """float32: the array in pixels, clipped FAR outside the window; of a text the numbers themselves, float64."""
        if self.kind == "text":
            return self.array
        return clipped(to_pixels(self.ax, self.array), self.ax, self.axis).astype(np.float32)

    def spec(self) -> dict[str, Any]:
        """What the view gets."""
        pixels = self.pixels()
        axes = self.ax.figure.axes.index(self.ax)
        return {"kind": self.kind, "axes": axes, "shape": list(pixels.shape), "data": pixels.tobytes(), **self.seen()}

    def seen(self) -> dict[str, Any]:
        """The look as it is drawn on its ground: colours that can be seen there, and where words must end.

        halo: the colour around lines, heads and words. span: the px of the figure from left to right. turn: the px
        right of which the label of a head stands on its left.
        """
        figure, look = self.ax.figure, dict(self.look)
        under = ground(self.ax, outside=self.kind == "text" and not 0 < look["at"][1] <= 1)
        look |= {name: seen(look[name], under) for name in ("color", "warn") if name in look}
        look |= {"halo": inks(under)[1], "span": figure.get_figwidth() * PX}
        if look.get("label"):
            left, _, width, _ = box(self.ax)
            room = ASIDE + wide(figure, look["label"], WORDS * 72 / PX) * PX / 72
            look["turn"] = min(left + 0.7 * width, max(look["span"] - room, look["span"] / 2))
        return look

    def at(self, index: tuple[int, ...]) -> np.ndarray:
        """The pixels that these slider positions select; of a path the whole trail up to the position on its axis."""
        where = [i if n > 1 else 0 for i, n in zip(index, self.array.shape, strict=False)]
        if self.kind == "path":
            where[self.axis] = slice(where[self.axis] + 1)
        return self.pixels()[tuple(where)]

    def readout(self, index: tuple[int, ...]) -> str:
        """The words of a text at these slider positions."""
        *numbers, diverged = (float(value) for value in self.at(index))
        parts = (text + (_shown(numbers.pop(0), spec) if spec else "") for text, spec in self.look["parts"])
        return "".join(parts) + (" (diverged)" if diverged else "")


def _shown(number: float, spec: str) -> str:
    if "|" in spec:
        return spec.split("|")[int(number)]
    return "NaN" if np.isnan(number) else format(number, spec)


def dims(ax: Axes) -> int:
    """How many coordinates a point on this Axes has."""
    return 3 if ax.name == "3d" else 2


def to_pixels(ax: Axes, points: np.ndarray) -> np.ndarray:
    """Data coordinates (..., 2), or (..., 3) on a 3-D Axes, as pixels (..., 2); NaN where not finite."""
    flat = points.reshape(-1, points.shape[-1])
    with np.errstate(all="ignore"):
        if ax.name == "3d":
            flat = np.column_stack(proj3d.proj_transform(*flat.T, ax.get_proj())[:2])
        pixels = ax.transData.transform(flat) * (PX / ax.figure.dpi)
        pixels[:, 1] = ax.figure.get_figheight() * PX - pixels[:, 1]
    pixels[~np.isfinite(pixels).all(-1)] = np.nan
    return pixels.reshape(*points.shape[:-1], 2)


def clipped(pixels: np.ndarray, ax: Axes, axis: int | None) -> np.ndarray:
    """The pixels with segments along this axis cut where they leave the square of FAR, so that no slope changes.

    What is farther becomes NaN; separate points (axis None) that are farther do, too.
    """
    left, top, width, height = box(ax)
    middle = [left + width / 2, top + height / 2]
    away = pixels - middle
    far = ~(np.abs(away).max(-1) <= FAR)  # also where not a number
    result = np.where(far[..., None], np.nan, away)
    if axis is not None and far.any():
        order = axis % away.ndim
        away, far, cut = (np.moveaxis(array, order, 0) for array in (away, far, result))  # cut is a view of result
        before, after = away[:-1], away[1:]
        leaving, out = _edge(before, after)
        returning, back = _edge(after, before)
        inside = [~far[:-1], ~far[1:]]
        if len(away) == 2:  # a segment from far to far may cross the square
            inside = [inside[0] | (leaving > 0) & (leaving + returning >= 1)] * 2
        cut[1:][far[1:] & inside[0]] = out[far[1:] & inside[0]]
        cut[:-1][far[:-1] & inside[1]] = back[far[:-1] & inside[1]]
    return result + middle


def _edge(start: np.ndarray, end: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where the way from start to end leaves the square of FAR: as a part of the way (...), and the point (..., 2)."""
    with np.errstate(all="ignore"):
        way = end - start
        border = FAR * np.sign(way)
        parts = (border - start) / way
        part = np.fmin(parts[..., 0], parts[..., 1])
        point = np.where(parts == part[..., None], border, start + part[..., None] * way)
    return part, point


def box(ax: Axes) -> list[float]:
    """Left, top, width and height of the Axes in pixels."""
    x0, y0, width, height = (value * PX / ax.figure.dpi for value in ax.bbox.bounds)
    return [x0, ax.figure.get_figheight() * PX - y0 - height, width, height]


def panel(ax: Axes, pad: float = 6) -> list[float]:
    """Left, top, width and height in pixels of the Axes with its labels and title, within the figure."""
    scale, size = PX / ax.figure.dpi, np.array([ax.figure.get_figwidth(), ax.figure.get_figheight()]) * PX
    (x0, y0), (x1, y1) = (ax.get_tightbbox() or ax.bbox).get_points() * scale
    left, right = np.clip([x0 - pad, x1 + pad], 0, size[0])
    top, bottom = np.clip([size[1] - y1 - pad, size[1] - y0 + pad], 0, size[1])
    return [float(left), float(top), float(right - left), float(bottom - top)]


def template_parts(template: str) -> list[tuple[str, str | None]]:
    """'loss {:.3g}' as [('loss ', '.3g')]: words, each with the format of the number that follows it, or None.

    A format with | in it is a choice of words: {:no|yes} shows "no" for 0 and "yes" for 1.
    """
    try:
        parsed = list(Formatter().parse(template))
    except (TypeError, ValueError) as error:
        raise ValueError(f"template must be text with fields such as {{:.3g}}, got {template!r}") from error
    for _, name, spec, conversion in parsed:
        if name is not None and (name or conversion or not SPEC.fullmatch(spec)):
            raise ValueError(
                "a field of a template is {:.3f}, {:.3e} or {:.3g}, + before it for a sign, or words, {:no|yes}; "
                f"got {template!r}"
            )
    return [(words, spec) for words, _, spec, _ in parsed]


def escaped(words: str) -> str:
    """Words for a template that may hold braces."""
    return words.replace("{", "{{").replace("}", "}}")


def checked_look(kind: str, look: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """The look with what was given, in the words that canvas and matplotlib share; refused: what they do not."""
    if unknown := set(given) - set(look):
        raise TypeError(f"a {kind} has no {', '.join(sorted(unknown))}; it has {', '.join(look)}")
    look = look | given
    try:
        look["color"] = to_hex(look["color"])
    except ValueError as error:
        raise ValueError(f"color must be one that matplotlib knows, got {look['color']!r}") from error
    if look.get("marker", "o") not in MARKERS:
        raise ValueError(f"marker must be one of {' '.join(MARKERS)}, got {look['marker']!r}")
    if look.get("cap", "round") not in ("round", "butt"):
        raise ValueError(f"cap must be round or butt, got {look['cap']!r}")
    if look.get("align", "left") not in ("left", "center", "right"):
        raise ValueError(f"align must be left, center or right, got {look['align']!r}")
    for name in {"width", "size", "dots", "casing"} & set(look):
        if not (isinstance(look[name], Number) and 0 <= look[name] < 1000):
            raise ValueError(f"{name} must be a number of pixels, got {look[name]!r}")
    for name, count in (("dash", (0, 2, 4, 6)), ("at", (2,))):
        value = look.get(name, (0, 0))
        if not (isinstance(value, tuple | list) and len(value) in count and all(isinstance(v, Number) for v in value)):
            raise ValueError(f"{name} must be a tuple of {' or '.join(map(str, count))} numbers, got {value!r}")
    return look
