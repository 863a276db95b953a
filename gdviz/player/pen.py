"""What marks are drawn with in the static twin: artists of matplotlib at places in pixels, as on the canvas."""

from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Polygon
from matplotlib.patheffects import Normal, Stroke

from gdviz.pictures.words import bold, wide
from gdviz.player.geometry import PX, box, figure_of

PT = 72 / PX  # points in a pixel
WORDS = 19  # px of words: bold and above 14 pt they are large, and 3:1 is contrast enough (WCAG 2.2)
ASIDE = 12  # px from a head to its label
HEAD = 15  # px from the base of an arrow's head to its tip
ARM = 1 / 6  # of a cross: half the width of its arms, where each is 1 long
CROSS = [(-ARM, 1), (ARM, 1), (ARM, ARM), (1, ARM), (1, -ARM), (ARM, -ARM)]
CROSS = [*CROSS, *((-x, -y) for x, y in CROSS), (-ARM, 1)]


class Pen:
    """Draws what one mark consists of, at places in pixels, with the colours of its ground.

    look: the mark's, as it is seen on its ground. zorder: the later, the more in front.
    """

    def __init__(self, ax: Axes, look: dict[str, Any], zorder: float):
        self.figure, self.ax, self.look, self.zorder = figure_of(ax), ax, look, zorder

    def inches(self, points: Any) -> np.ndarray:
        """Pixels as inches from the lower left corner of the figure."""
        return np.asarray(points, float) / PX * [1, -1] + [0, self.figure.get_figheight()]

    def add(self, artist: Artist, clip: bool = True) -> Artist:
        """Put an artist on the figure, within the Axes or not."""
        if clip:
            artist.set_clip_box(self.ax.bbox)
        return self.figure.add_artist(artist)

    def line(self, points: Any, *, clip: bool = True, **style: Any) -> Artist:
        """A plain line through points."""
        x, y = self.inches(points).T
        where: dict[str, Any] = {"transform": self.figure.dpi_scale_trans, "zorder": self.zorder}
        return self.add(Line2D(x, y, **(where | style)), clip)

    def spots(self, points: Any, size: float, marker: str, **style: Any) -> Artist:
        """Separate markers, size in px."""
        style = {"color": self.look["color"], "markeredgewidth": 0} | style
        outline = CROSS if marker == "+" else marker
        return self.line(points, linestyle="none", marker=outline, markersize=size * PT, **style)

    def stroke(self, points: Any) -> list[Artist]:
        """A line, dashed or not, on its halo."""
        look, cap = self.look, self.look.get("cap", "round")
        dash = (0, look["dash"]) if look["dash"] else "-"
        layers = ((look["halo"], look["width"] + 3, "-"), (look["color"], look["width"], dash))
        return [
            self.line(points, color=color, linewidth=width * PT, linestyle=dash, solid_capstyle=cap)
            for color, width, dash in layers
        ]

    def filled(self, corners: np.ndarray) -> Artist:
        """A polygon in the mark's colour."""
        where = {"transform": self.figure.dpi_scale_trans, "zorder": self.zorder}
        return self.add(Polygon(self.inches(corners), color=self.look["color"], lw=0, **where))

    def words(self, words: str, place: tuple[float, float], align: str, va: str, color: str, size: float) -> Artist:
        """Words with their halo; down to half as large where they would leave the figure."""
        x, span = place[0], self.look["span"]
        room = {"left": span - x, "right": x, "center": 2 * min(x, span - x)}[align]
        points = size * PT
        points *= min(1, max(room * PT / max(wide(self.figure, words, points), 1e-9), 0.5))
        halo = [Stroke(linewidth=4, foreground=self.look["halo"]), Normal()]
        style = {"color": color, "ha": align, "va": va, "path_effects": halo, "zorder": self.zorder}
        return self.add(bold(self.figure, words, points, *self.inches([place])[0], **style), clip=False)

    def head(self, x: float, y: float) -> list[Artist]:
        """The marker at the end of a path, with its label; nothing outside the Axes."""
        look, (left, top, width, height) = self.look, box(self.ax)
        if not (left - 1 <= x <= left + width + 1 and top - 1 <= y <= top + height + 1):
            return []
        edge = {"markeredgecolor": look["halo"], "markeredgewidth": 2 * PT}
        head = [self.spots([(x, y)], look["size"], look["marker"], clip=False, **edge)]
        aside, align = (-ASIDE, "right") if x > look.get("turn", x) else (ASIDE, "left")
        if look["label"]:
            head.append(self.words(look["label"], (x + aside, y), align, "center", look["color"], WORDS))
        return head


def arrow_head(tail: np.ndarray, tip: np.ndarray, length: float = HEAD, half: float = 7) -> np.ndarray:
    """The triangle (3, 2) at the tip; as long as the arrow where that is short. Its base is where the shaft ends."""
    away = tip - tail
    size = max(float(np.hypot(*away)), 1e-9)
    along = away / size * min(length, size)
    aside = np.array([-along[1], along[0]]) * (half / length)
    return np.array([tip, tip - along + aside, tip - along - aside])
