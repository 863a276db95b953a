"""Lines of equal loss as a mark: where a loss can be changed, they follow. On the canvas: static/levels.mjs."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from torch import Tensor

from gdviz.pictures.levels import heights, labels, without
from gdviz.pictures.limits import HIGHEST
from gdviz.player.formula import traced
from gdviz.player.geometry import to_pixels
from gdviz.player.marks import Mark
from gdviz.player.pen import PT, Pen
from gdviz.player.sliders import Positions
from gdviz.style import GREY, PALE, seen

HEIGHT = 16  # px of the words


class Contours(Mark):
    """Lines of equal loss for each position: (*sliders, n, n), the loss on a mesh whose rows are y."""

    kind = "contours"
    usual: ClassVar = {"color": PALE, "width": 1.0, "levels": 12}

    def __init__(self, positions: Positions, ax: Axes, surface: Any, look: dict[str, Any], n: int):
        self.surface, self.n, self.ahead = surface, n, (None,) * len(positions.counts)
        super().__init__(positions, ax, self.mesh(), look)
        levels = self.look["levels"]
        asked = heights(levels, self.array if np.isfinite(self.array).any() else np.zeros(1))  # refused here, if at all
        self.look["levels"] = int(levels) if np.ndim(levels) == 0 else asked.tolist()

    def mesh(self) -> Tensor:
        """The loss as it is now, with an axis of 1 for each slider."""
        return self.surface.mesh(self.n)[2][self.ahead]

    def prepare(self, array: Any) -> np.ndarray:
        """(*sliders, n, n); NaN where it is not finite or too large to be drawn."""
        array = self.positions.fitting("mesh", array, self.n, self.n)
        return np.where(np.abs(array) <= HIGHEST, array, np.nan)

    def traced(self, draw: Callable[..., tuple], run: Sequence[Tensor], given: Sequence[Tensor]) -> dict[str, Any]:
        """The loss along one row of the mesh."""
        return traced(lambda row, *_: self.surface(row), torch.ones(self.n, 2, dtype=torch.float64), *given)

    def bytes(self) -> int:
        """A float64 for each point of the mesh."""
        return 8 * self.array.size

    def pixels(self) -> np.ndarray:
        """The losses themselves, float64."""
        return self.array

    def seen(self) -> dict[str, Any]:
        """The look, with the window of the mesh: its corners in the data and in pixels."""
        (x0, x1), (y0, y1) = self.surface.xlim, self.surface.ylim
        corners = to_pixels(self.ax, np.array([(x0, y0), (x1, y1)], dtype=float)).tolist()
        more = {"window": [x0, x1, y0, y1], "corners": corners, "quadratic": self.quadratic()}
        return super().seen() | more | {"ink": seen(GREY, self.ground())}

    def quadratic(self) -> bool:
        """Whether the mesh is that of a polynomial of degree two: then the browser tries to find it at six points."""
        z, side = self.array.reshape(-1, self.n * self.n)[0], np.linspace(-1, 1, self.n)
        v, u = (one.ravel() for one in np.meshgrid(side, side, indexing="ij"))
        terms = np.stack([np.ones_like(u), u, v, u * u, u * v, v * v], 1)
        if not np.isfinite(z).all():
            return False
        rest = z - terms @ np.linalg.lstsq(terms, z, rcond=None)[0]
        return bool(np.abs(rest).max() <= 1e-10 * np.abs(z).max())

    def draw(self, pen: Pen, index: tuple[int, ...]) -> list[Artist]:
        """The lines, by matplotlib, and some of their heights."""
        z = self.at(index)
        if np.isnan(z).all():
            return []
        x, y = (np.linspace(low, high, self.n) for low, high in (self.surface.xlim, self.surface.ylim))
        look = {"colors": pen.look["color"], "linewidths": pen.look["width"] * PT, "negative_linestyles": "solid"}
        at = heights(self.look["levels"], z)
        with without("No contour levels were found"):  # no line at a height that the loss does not reach
            lines = self.ax.contour(x, y, z, levels=at, **look)
        (left, bottom), (right, top) = pen.look["corners"]
        written = [((left + u * (right - left), bottom + v * (top - bottom)), words) for u, v, words in labels(z, at)]
        ink = pen.look["ink"]
        return [lines, *(pen.words(words, place, "center", "center", ink, HEIGHT) for place, words in written)]
