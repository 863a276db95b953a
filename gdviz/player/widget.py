"""The player: everything is computed once, and the browser does the moving.

matplotlib draws the axes once; a canvas above that picture draws the marks; the ipywidgets sliders are joined to it by
jslink, so that a drag never asks the kernel.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anywidget
from matplotlib.figure import Figure

from gdviz.player import pages
from gdviz.player.asking import Asking
from gdviz.player.dragging import Dragging
from gdviz.player.drawing import Drawing
from gdviz.player.turning import Turning


class Player(Drawing, Asking, Turning, Dragging):
    """A matplotlib figure with marks that move when a slider does.

    A mark takes an array (or tensor) with one axis for each slider, of the slider's length or 1, then its own axes.

    Args:
        figure: draw on it what stands still first; its layout and limits are frozen when the player is shown.
        sliders: name -> values, in the order of the arrays' leading axes. A range (such as "step": range(201)) gets an
            IntSlider, and Play moves the first range; any other sequence gets a SelectionSlider that shows the numbers
            or words.
        caption: one sentence with the numbers, such as trajectory.describe(): alt text, and what the tests compare.
        opening: what is said in its place while the first range (where there is none, the first slider) is at its first
            position, so that the end is not given away before anything has moved; left out, the caption.
        at: name -> first position, counted from 0 (negative: from the end). Left out: a range at its first, others
            midway.

    Raises:
        TypeError: figure is not a Figure, sliders is not a dict, a slider's values are neither a range nor a list.
        ValueError: a slider without values, an array of another shape (the shape that fits is named), over 4 MB of
            marks.

    Example:
        >>> figure, ax = plt.subplots()
        >>> player = Player(figure, {"step": range(3), "rate": [0.1, 0.2]}, caption="Two rates.")
        >>> _ = player.curve(ax, [[4.0, 4.0], [2.0, 1.0], [1.0, 0.25]])
        >>> player
        Two rates. Sliders: step 0 to 2, rate 0.1 to 0.2. Shown: step 0, rate 0.2.
    """

    def __init__(
        self,
        figure: Figure,
        sliders: Mapping[str, Any],
        *,
        caption: str = "",
        opening: str | None = None,
        at: Mapping[str, int] | None = None,
    ):
        super().__init__(figure, sliders, caption=caption, at=at)
        self.opening = caption if opening is None else opening

    def save(
        self,
        file: str | bytes | Path,
        *,
        title: str | None = None,
        along: str | None = None,
        fps: float | None = None,
        width: int | None = None,
    ) -> None:
        """Write the player as a file, by its ending; whole, or not at all. An older file stays until then.

        Args:
            file: ending in .html, a page that moves without a kernel, a network or another file; .gif or .mp4, a film
                along one slider, the others where they are, whose last picture stays for two seconds (an MP4 needs
                ffmpeg); .png, the picture at the current positions, two dots for each CSS pixel. ~ is your home folder.
            title: of a page, its heading; left out, the file's name.
            along: of a film, the slider's name; left out, the one that a path grows along.
            fps: of a film, pictures a second, 1 to 50; left out, about eight seconds in all.
            width: of a film, 100 to 3840 px, the height follows; left out, the figure's.

        Raises:
            ValueError: an unknown ending, an option of another ending, an unknown slider, a number out of range.
            FileNotFoundError: a folder that is not there.
        """
        pages.save(self, file, title=title, along=along, fps=fps, width=width)

    def state(self) -> dict[str, Any]:
        """What a page shows.

        Returns:
            The `traits` that the view reads, and a `note` that says what the fields of on_text hold.
        """
        self._pack()
        words = [f"{label.rstrip(':')}: {word}." for label, word in self._words.items()]
        note = " ".join([*words, "Typing another word needs the notebook."] if words else [])
        names = set(self.keys) - set(anywidget.AnyWidget.class_trait_names())
        traits = {name: getattr(self, name) for name in sorted(names) if not name.startswith("_")}
        return {"traits": traits, "note": note}
