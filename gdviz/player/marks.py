"""The marks of a player, one class for each kind: what it takes, its pixels, and its artists in the static twin.

The canvas draws the same pixels: a kind has one entry in static/marks.mjs.
"""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np
import torch
import traitlets as t
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from torch import Tensor

from gdviz.pictures.arrays import as_array
from gdviz.pictures.words import wide
from gdviz.player.formula import traced
from gdviz.player.geometry import PX, box, clipped, dims, figure_of, packed, to_pixels
from gdviz.player.looks import checked_look
from gdviz.player.pen import ASIDE, HEAD, WORDS, Pen, arrow_head
from gdviz.player.sliders import Positions
from gdviz.player.templates import shown, template_parts
from gdviz.style import BLACK, BLUE, RUST, VERMILLION, ground, inks, seen


class Mark(t.HasTraits):
    """What moves on one Axes. Whoever draws it observes `array`, which has an axis for each slider, then its own axes.

    kind: its entry in the view. usual: its look, where nothing else is given. joined: the axis along which its points
    are joined; None for separate ones.
    """

    kind: ClassVar[str]
    usual: ClassVar[dict[str, Any]]
    joined: int | None = None
    array = t.Any()

    def __init__(self, positions: Positions, ax: Axes, array: Any, look: dict[str, Any], **more: Any):
        super().__init__()
        self.positions, self.ax, self.look = positions, ax, checked_look(self.kind, self.usual, look)
        self.set_data(array, **more)

    def __repr__(self) -> str:
        return f"{self.kind} on Axes {self.ax.get_title()!r}, array {self.array.shape}"

    def prepare(self, array: Any) -> np.ndarray:
        """What the user gives as float64, its axes the sliders' and its own; refused where it does not fit."""
        raise NotImplementedError

    def draw(self, pen: Pen, index: tuple[int, ...]) -> list[Artist]:
        """Its artists at these positions of the sliders."""
        raise NotImplementedError

    def set_data(self, array: Any, **more: Any) -> None:
        """Replace the array, by the rules of the method that made the mark. The picture follows, the axes stay."""
        self.array = self.prepare(array, **more)

    def follow(self, values: Tensor, *_: Tensor) -> Tensor:
        """The same as prepare, for what the browser computes: values of torch, (steps, further sliders, own axes)."""
        return values

    def traced(self, draw: Callable[..., tuple], run: Sequence[Tensor], given: Sequence[Tensor]) -> dict[str, Any]:
        """What the browser computes: of a run, and of what is given with it, the values of this mark."""
        return traced(lambda *of: self.follow(*draw(*of)), *run)

    def bytes(self) -> int:
        """What the array weighs on its way to the browser: for each point two float32, and in 3-D its place, three."""
        return (20 if dims(self.ax) == 3 else 8) * self.array.size // self.array.shape[-1]

    def pixels(self) -> np.ndarray:
        """float32: the array in pixels, clipped FAR outside the window."""
        with np.errstate(over="ignore"):
            return clipped(to_pixels(self.ax, self.array), self.ax, self.joined).astype(np.float32)

    def at(self, index: tuple[int, ...]) -> np.ndarray:
        """The pixels that these positions of the sliders select."""
        return self.pixels()[tuple(i if n > 1 else 0 for i, n in zip(index, self.array.shape, strict=False))]

    def spec(self) -> dict[str, Any]:
        """What the view gets."""
        pixels, axes = self.pixels(), figure_of(self.ax).axes.index(self.ax)
        with np.errstate(over="ignore"):  # as inf it is not drawn
            places = self.array.astype(np.float32).tobytes() if dims(self.ax) == 3 and self.kind != "text" else b""
        more = {"space": places} if places else {}
        sent = {"kind": self.kind, "axes": axes, "shape": list(pixels.shape), "data": pixels.tobytes()}
        return sent | more | self.seen()

    def ground(self) -> str:
        """The colour that it lies on."""
        return ground(self.ax)

    def seen(self) -> dict[str, Any]:
        """The look as it is drawn on its ground: colours that can be seen there, and where words must end.

        halo: the colour around lines, heads and words. span: the px of the figure from left to right. turn: the px
        right of which the label of a head stands on its left.
        """
        figure, under = figure_of(self.ax), self.ground()
        look = self.look | {name: seen(self.look[name], under) for name in ("color", "warn") if name in self.look}
        span = figure.get_figwidth() * PX
        look |= {"halo": inks(under)[1], "span": span}
        if look.get("label"):
            left, _, width, _ = box(self.ax)
            room = ASIDE + wide(figure, look["label"], WORDS * 72 / PX) * PX / 72
            look["turn"] = min(left + 0.7 * width, max(span - room, span / 2))
        return look


class Path(Mark):
    """The way up to the current step with a head: (*sliders, 2)."""

    kind = "path"
    usual: ClassVar = {"color": BLUE, "dash": (), "marker": "o", "width": 3, "size": 15, "dots": 7, "label": ""}

    def __init__(self, positions: Positions, *given: Any, **more: Any):
        self.joined = positions.trail
        super().__init__(positions, *given, **more)

    def prepare(self, array: Any) -> np.ndarray:
        """(*sliders, 2), or 3 on a 3-D Axes."""
        return self.positions.fitting("path", array, dims(self.ax))

    def at(self, index: tuple[int, ...]) -> np.ndarray:
        """The whole trail up to the position on its axis."""
        where: list[Any] = [i if n > 1 else 0 for i, n in zip(index, self.array.shape, strict=False)]
        where[self.positions.trail] = slice(where[self.positions.trail] + 1)
        return self.pixels()[tuple(where)]

    def draw(self, pen: Pen, index: tuple[int, ...]) -> list[Artist]:
        """The line, its dots and its head; it ends before the first point that is not finite."""
        points, look = self.at(index), pen.look
        lost = np.flatnonzero(~np.isfinite(points).all(-1))
        points = points[: lost[0]] if len(lost) else points
        if not len(points):
            return []
        artists = pen.stroke(points)  # what is made later lies above
        artists += [pen.spots(points, look["dots"], "o")] if look["dots"] else []
        return artists + pen.head(*points[-1])


class Curve(Path):
    """Numbers against the step, drawn as a path: (*sliders,)."""

    usual: ClassVar = Path.usual | {"dots": 0}

    def prepare(self, array: Any) -> np.ndarray:
        """The points (step, number)."""
        both = np.broadcast_arrays(self.positions.steps("curve"), self.positions.fitting("curve", array))
        return np.stack(both, -1)

    def seen(self) -> dict[str, Any]:
        """The look; of what is said of it only the height counts, since the step is the slider's."""
        return super().seen() | {"curve": True}

    def follow(self, values: Tensor, *_: Tensor) -> Tensor:
        """The points (step, number)."""
        steps = torch.from_numpy(self.positions.values).reshape(-1, *[1] * (values.ndim - 1))
        return torch.stack([steps.expand(values.shape), values], -1)


class Line(Mark):
    """A whole line for each position: (*sliders, n, 2); NaN makes a gap."""

    kind, joined = "line", -2
    usual: ClassVar = {"color": VERMILLION, "dash": (), "width": 3, "cap": "round"}

    def prepare(self, array: Any) -> np.ndarray:
        """(*sliders, n, 2), without what is not drawn: of several NaN in a row one is the gap."""
        return packed(self.positions.fitting("line", array, None, dims(self.ax)))

    def draw(self, pen: Pen, index: tuple[int, ...]) -> list[Artist]:
        """The line on its halo."""
        points = self.at(index)
        return pen.stroke(points) if len(points) else []


class Points(Mark):
    """Separate points for each position: (*sliders, n, 2)."""

    kind = "points"
    usual: ClassVar = {"color": BLACK, "marker": "o", "size": 8, "casing": 0}

    def prepare(self, array: Any) -> np.ndarray:
        """(*sliders, n, 2)."""
        return self.positions.fitting("points", array, None, dims(self.ax))

    def draw(self, pen: Pen, index: tuple[int, ...]) -> list[Artist]:
        """The markers, with their casing below."""
        points, look = self.at(index), pen.look
        layers = [(look["size"] + 2 * look["casing"], look["halo"])] if look["casing"] else []
        layers.append((look["size"], look["color"]))
        return [pen.spots(points, size, look["marker"], color=color) for size, color in layers]


class Arrow(Mark):
    """An arrow for each position: (*sliders, 2, 2), its tail and its tip."""

    kind, joined = "arrow", -2
    usual: ClassVar = {"color": BLACK, "dash": (), "width": 3}

    def prepare(self, array: Any) -> np.ndarray:
        """(*sliders, 2, 2)."""
        return self.positions.fitting("arrow", array, 2, dims(self.ax))

    def draw(self, pen: Pen, index: tuple[int, ...]) -> list[Artist]:
        """Its head and its shaft; one no longer than the head is all head: what rounding leaves of a shaft is none."""
        points = self.at(index)
        if not np.isfinite(points).all():
            return []
        head, shaft = arrow_head(*points), []
        if np.hypot(*(points[1] - points[0])) > HEAD:
            shaft = pen.stroke([points[0], head[1:].mean(0)])
        return [*shaft, pen.filled(head)]


class Text(Mark):
    """Words with numbers: (*sliders, k + 1), k numbers and whether the run has diverged."""

    kind = "text"
    usual: ClassVar = {"color": BLACK, "warn": RUST, "size": WORDS, "at": (0.03, 0.98), "align": "left"}

    def __init__(self, positions: Positions, ax: Axes, array: Any, look: dict[str, Any], template: str, **more: Any):
        self.parts = template_parts(template)
        super().__init__(positions, ax, array, look, **more)

    def prepare(self, array: Any, diverged: Any = False) -> np.ndarray:
        """(*sliders,) for one field, else (*sliders, fields); diverged (*sliders) or one truth for all."""
        specs = [spec for _, spec in self.parts if spec is not None]
        numbers = self.positions.fitting("text", array, *([] if len(specs) == 1 else [len(specs)]))
        numbers = numbers[..., None] if len(specs) == 1 else numbers
        for spec, values in zip(filter(None, specs), np.moveaxis(numbers, -1, 0)):
            if "|" in spec and not np.isin(values, range(spec.count("|") + 1)).all():
                given = f"got {float(values.min()):g} to {float(values.max()):g}"
                raise ValueError(f"the numbers of {{:{spec}}} choose a word: 0 to {spec.count('|')}; {given}")
        flag = as_array("diverged", diverged)
        flag = self.positions.fitting("diverged", flag) if flag.ndim else flag
        flag = (flag != 0) | ~np.isfinite(numbers).all(-1)
        return np.concatenate([np.broadcast_to(numbers, (*flag.shape, len(specs))), flag[..., None]], -1)

    def follow(self, values: Tensor, *diverged: Tensor) -> Tensor:
        """The numbers, and whether the run has diverged."""
        numbers = values[..., None] if sum(spec is not None for _, spec in self.parts) == 1 else values
        flag = ~torch.isfinite(numbers).all(-1)
        flag = flag | diverged[0] if diverged else flag
        return torch.cat([numbers, flag[..., None].double()], -1)

    def bytes(self) -> int:
        """A float64 for each number."""
        return 8 * self.array.size

    def pixels(self) -> np.ndarray:
        """The numbers themselves, float64."""
        return self.array

    def ground(self) -> str:
        """That of the figure, where it stands above or below the Axes."""
        return ground(self.ax, outside=not 0 < self.look["at"][1] <= 1)

    def seen(self) -> dict[str, Any]:
        """The look, with the words around the numbers."""
        return super().seen() | {"parts": self.parts}

    def readout(self, index: tuple[int, ...]) -> str:
        """The words at these positions of the sliders."""
        *numbers, diverged = (float(value) for value in self.at(index))
        parts = (text + (shown(numbers.pop(0), spec) if spec else "") for text, spec in self.parts)
        return "".join(parts) + (" (diverged)" if diverged else "")

    def draw(self, pen: Pen, index: tuple[int, ...]) -> list[Artist]:
        """The words at their place in the Axes."""
        look, (left, top, width, height), words = pen.look, box(self.ax), self.readout(index)
        place = (left + look["at"][0] * width, top + (1 - look["at"][1]) * height)
        color = look["warn"] if words.endswith("(diverged)") else look["color"]
        return [pen.words(words, place, look["align"], "top", color, look["size"])]
