"""3-D pictures that turn: what the browser needs to draw a surface from another side."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import to_hex
from mpl_toolkits.mplot3d import Axes3D

from gdviz.player.space import usual_view
from gdviz.player.stage import Stage

SHADES = 64  # of the map of colours
LARGEST = 1e38  # of a float32, nearly


class Turning(Stage):
    """A stage whose 3-D Axes can be turned by dragging. The browser needs no kernel for it."""

    def solid(self, ax: Any, x: Any, y: Any, z: Any, *, cmap: str = "cividis") -> None:
        """Let one turn a 3-D Axes, by mouse, finger or keys: the browser draws this surface and the marks on it.

        Untouched, it is shown as matplotlib has drawn it.

        Args:
            ax: a 3-D Axes of the player's figure, on which the surface is drawn.
            x: (n,), in equal steps.
            y: (n,), likewise.
            z: (n, n), rows are y, such as of Surface.mesh.
            cmap: a map of colours that matplotlib knows.

        Raises:
            ValueError: an Axes that is not 3-D, or of another figure, or seen in another projection; other shapes.

        Example:
            >>> from gdviz.descent import minimize
            >>> from gdviz.optimizers import GradientDescent
            >>> from gdviz.surfaces import bowl
            >>> from gdviz.views import over_surface
            >>> player = over_surface(bowl(4), minimize(bowl(4), GradientDescent(lr=0.2), (-8.0, 4.0), steps=20))
            >>> player.turned = [50.0, 20.0]  # as the hand does: degrees above the plane, and round it
        """
        if not isinstance(ax, Axes3D) or ax not in self.figure.axes:
            raise ValueError(f"solid needs a 3-D Axes of this player's figure, got {ax!r}")
        x, y, z = (np.asarray(values, dtype=float) for values in (x, y, z))
        if z.shape != (len(y), len(x)) or len(x) != len(y) or len(x) < 2:
            raise ValueError(f"solid takes x (n,), y (n,) and z (n, n); got {x.shape}, {y.shape} and {z.shape}")
        if not usual_view(ax):
            raise ValueError("solid turns the usual perspective; leave proj_type, focal_length and roll as they are")
        z = np.where(np.isfinite(z), np.clip(z, -LARGEST, LARGEST), np.nan)  # elsewhere the surface has a hole
        known = z[np.isfinite(z)]
        heights = [known.min(), known.max()] if len(known) else [0, 1]
        colors = [to_hex(color) for color in plt.get_cmap(cmap)(np.linspace(0, 1, SHADES))]
        ends = {"xlim": x[[0, -1]], "ylim": y[[0, -1]], "zlim": heights}
        limits = {name: [float(value) for value in pair] for name, pair in ends.items()}
        data = z.astype(np.float32).tobytes()
        place = self.figure.axes.index(ax)
        self.solids = [*self.solids, {"axes": place, "n": len(x), "data": data, "colors": colors, **limits}]

    @contextmanager
    def moved(self) -> Iterator[str]:
        """While the block lasts, one looks from where it was turned to."""
        turned = [self.figure.axes[solid["axes"]] for solid in self.solids if self.turned]
        kept: list[tuple[Any, float, float]] = [(ax, ax.elev, ax.azim) for ax in turned if isinstance(ax, Axes3D)]
        try:
            for ax, *_ in kept:
                ax.view_init(elev=self.turned[0], azim=self.turned[1])
            with super().moved() as caption:
                yield caption
        finally:
            for ax, elev, azim in kept:
                ax.view_init(elev=elev, azim=azim)
