"""What a player is under its marks: the traits that the view reads, the picture that stands still, and the twin."""

import base64
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import anywidget
import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
import traitlets as t
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gdviz.pictures.figure import canvas, png, written
from gdviz.player import lifetime, scripts
from gdviz.player.geometry import PX, box, panel
from gdviz.player.marks import Mark, Path, Text
from gdviz.player.pen import Pen
from gdviz.player.sliders import controls, first_values, positions_of, slider_specs
from gdviz.player.space import space
from gdviz.style import ground, inks

LIMIT = 4_000_000  # bytes of marks
ROW = {"flex_flow": "row wrap", "align_items": "center"}


class Stage(anywidget.AnyWidget):
    """A figure and its sliders, with the marks that are put on it. Player says what it takes."""

    _esm = scripts.shared("view")  # as text: given a path, anywidget would keep every player alive
    _css = scripts.text("player.css")
    picture = t.Bytes().tag(sync=True)  # PNG of all that stands still, two dots for each CSS pixel
    size = t.List().tag(sync=True)  # width and height in CSS pixels
    axes = t.List().tag(sync=True)  # of each Axes: box and panel in pixels, limits and scales
    sliders = t.List().tag(sync=True)  # of each slider: name, first value, stride, labels
    trail = t.Int(-1).tag(sync=True)  # the slider along which a path grows, and Play moves
    marks = t.List().tag(sync=True)  # kind, look, shape and bytes (float32; of a text float64), drawn in this order
    caption = t.Unicode().tag(sync=True)
    opening = t.Unicode().tag(sync=True)  # in its place before anything has moved
    clickable = t.Int(-1).tag(sync=True)  # the Axes where a click sets the start
    click = t.List().tag(sync=True)  # x, y and a count, set by the view
    answered = t.Int(0).tag(sync=True)  # the count of the last click that the kernel has dealt with
    heard = t.Int(0).tag(sync=True)  # how many clicks, guesses and letters it has dealt with
    message = t.Unicode().tag(sync=True)
    asks = t.Int(-1).tag(sync=True)  # the Axes where a guess is wanted before anything moves
    guess = t.List().tag(sync=True)  # x and y, set by the view once
    truth = t.List().tag(sync=True)  # what was to be guessed: x, y and how near is a hit; empty where nobody judges
    locked = t.List().tag(sync=True)  # the models of the controls that wait for it
    descents = t.List().tag(sync=True)  # what the browser computes anew from a start that is dragged
    handles = t.List().tag(sync=True)  # what can be dragged: of each its kind, its Axes, and which dials a place sets
    # the dragged start, set by the view, empty where it is untouched; an echo would come in the middle of the next drag
    start = t.List().tag(sync=True, echo_update=False)
    dials = t.List().tag(sync=True)  # of each hyperparameter that is a range: its slider, and which rates it sets
    dialed = t.List().tag(sync=True, echo_update=False)  # their values, set by the view, empty where untouched
    placed = t.List().tag(sync=True, echo_update=False)  # number, x and y of each data point that was dragged
    solids = t.List().tag(sync=True)  # of each 3-D Axes that can be turned: its surface
    turned = t.List().tag(sync=True, echo_update=False)  # elevation and azimuth, set by the view, empty where untouched
    kept = t.Dict().tag(sync=True, echo_update=False)  # start, dials, points and sliders of what is pale

    def __init__(self, figure: Figure, sliders: Mapping[str, Any], *, caption: str, at: Mapping[str, int] | None):
        if not isinstance(figure, Figure):
            raise TypeError(f"figure must be a matplotlib Figure (figure, ax = plt.subplots()), got {figure!r}")
        specs = slider_specs(sliders)
        first = first_values(specs, at or {})
        self._positions = positions_of(specs)
        self.add_traits(**{f"slider_{i}": t.Int(value).tag(sync=True) for i, value in enumerate(first)})
        super().__init__(sliders=specs, caption=caption, trail=self._positions.trail)
        plt.close(figure)  # the player shows it, not the end of the cell once more
        self.figure, self._marks, self._busy, self._stale = figure, [], False, True
        self._words: dict[str, str] = {}  # of each text field, by its label
        self._controls = controls(self)
        row = ipywidgets.HBox([control.widget for control in self._controls], layout=ROW)
        self._box = ipywidgets.VBox([self, row])

    @property
    def box(self) -> ipywidgets.VBox:
        """The picture with its controls, to be laid out beside other widgets; ready to be shown."""
        self._pack()
        for widget in self._widgets():
            widget.open()
        for control in self._controls:  # where Python has moved a slider, its control follows
            setattr(control.widget, control.trait, getattr(self, f"slider_{control.slider}"))
        return self._box

    def close(self) -> None:
        """Take the player and its controls away from the browser; when it is shown again, it is there again."""
        for widget in self._widgets():
            super().close() if widget is self else widget.close()
            for silenced in ("_ipython_display_", "_repr_mimebundle_"):  # ipywidgets would show it no more
                vars(widget).pop(silenced, None)

    def _widgets(self) -> list[Any]:
        """All that it consists of, each after what it refers to."""
        if "_box" not in vars(self):  # refused
            return [self]
        seen = [*(control.widget for control in self._controls), *self._box.children, self._box]
        looks = [getattr(widget, name) for widget in seen for name in ("layout", "style") if hasattr(widget, name)]
        return [*looks, *seen, *(control.link for control in self._controls)]

    @property
    def index(self) -> tuple[int, ...]:
        """The position of each slider, counted from 0."""
        values = (getattr(self, f"slider_{i}") for i in range(len(self.sliders)))
        return tuple(round((value - s["first"]) / s["stride"]) for value, s in zip(values, self.sliders))

    def describe(self) -> str:
        """The caption (or what opens), the sliders and the readouts at the current positions."""
        with self.moved() as caption:
            return self._described(caption)

    def _described(self, caption: str) -> str:
        ends = [f"{spec['name']} {spec['labels'][0]} to {spec['labels'][-1]}" for spec in self.sliders]
        ends += [f"{dial['name']} {dial['low']:g} to {dial['high']:g}" for dial in self.dials]
        now = [f"{label} {word!r}" for label, word in self._words.items()]
        now += [f"{spec['name']} {spec['labels'][i]}" for spec, i in zip(self.sliders, self.index)]
        turned = self.dialed or [dial["value"] for dial in self.dials]
        now += [f"{dial['name']} {value:.4g}" for dial, value in zip(self.dials, turned)]
        now += filter(None, [mark.readout(self.index) for mark in self._marks if isinstance(mark, Text)])
        begins = bool(self.index) and self.index[max(self.trail, 0)] == 0
        if begins:
            moved = caption != self.caption and self.opening
            caption = f"As it was first: {self.opening}" if moved else self.opening
        sentences = [caption, f"Sliders: {', '.join(ends)}." if ends else ""]
        return " ".join(filter(None, [*sentences, f"Shown: {', '.join(now)}." if now else ""]))

    __repr__ = describe

    @contextmanager
    def moved(self) -> Iterator[str]:
        """While the block lasts, the marks are those of what has been dragged; it gives the caption of these."""
        yield self.caption

    def twin(self, dpi: float = PX, colors: int = 256) -> bytes:
        """The static twin: the figure with the marks at the current positions, drawn by matplotlib, as a PNG."""
        self._pack()
        with self.moved(), self._drawn(self.index):
            return png(self.figure, dpi, colors)

    @contextmanager
    def drawing(self, slider: int, width: int | None = None) -> Iterator[Callable[[int], np.ndarray]]:
        """draw(k) -> the picture with this slider at position k, uint8 (height, width, 3): the frames of a film.

        What stands still is drawn once. width: px; left out, the figure's.
        """
        self._pack()
        with self.moved(), canvas(self.figure, (width or self.size[0]) / self.figure.get_figwidth()) as agg:
            agg.draw()
            still = agg.copy_from_bbox(self.figure.bbox)

            def draw(k: int) -> np.ndarray:
                agg.restore_region(still)
                with self._drawn((*self.index[:slider], k, *self.index[slider + 1 :])) as artists:
                    for artist in artists:
                        artist.draw(agg.get_renderer())
                return np.array(agg.buffer_rgba())[..., :3]

            yield draw

    @contextmanager
    def _drawn(self, index: tuple[int, ...]) -> Iterator[list[Artist]]:
        """The marks at these positions as artists on the figure, while the block lasts."""
        pens = [Pen(mark.ax, mark.seen(), 10 + i) for i, mark in enumerate(self._marks)]
        artists = [artist for mark, pen in zip(self._marks, pens) for artist in mark.draw(pen, index)]
        try:
            yield artists
        finally:
            for artist in artists:
                artist.remove()

    def _ipython_display_(self) -> None:
        from IPython.display import display

        keeps = lifetime.note(self)
        twin = base64.b64encode(self.twin(colors=48)).decode()  # a notebook of twelve is under 500 kB
        view = {"version_major": 2, "version_minor": 0, "model_id": self.box.model_id}
        bundle = {"text/plain": self.describe(), "image/png": twin, "application/vnd.jupyter.widget-view+json": view}
        display(bundle, raw=True, metadata={"image/png": {"alt": self.describe()}})
        if keeps:
            display({"text/html": scripts.asleep(twin, self.describe()), "text/plain": ""}, raw=True)

    def _add(self, kind: type[Mark], ax: Axes, *given: Any, **more: Any) -> Any:
        """Make a mark of this kind and take it on; its array is observed from now on."""
        if not isinstance(ax, Axes) or ax not in self.figure.axes:
            raise ValueError(f"a {kind.kind} needs an Axes of this player's figure, got {ax!r}")
        mark = kind(self._positions, ax, *given, **more)
        _refuse_too_large([*self._marks, mark])
        self._marks.append(mark)
        mark.observe(self._changed, "array")
        self._follow()
        return mark

    def _clicked_axes(self, what: str, ax: Axes | None) -> int:
        ax = ax or next((mark.ax for mark in self._marks if isinstance(mark, Path) and mark.look["dots"]), None)
        known = ax is not None and ax in self.figure.axes and ax.name != "3d"
        if ax is None or not known or {ax.get_xscale(), ax.get_yscale()} - {"linear", "log"}:
            raise ValueError(f"{what} needs a 2-D Axes of this player, linear or log: add a path first or give ax")
        return self.figure.axes.index(ax)

    def _changed(self, change: Any) -> None:
        """A mark has another array: refused where they grow too large together, else shown."""
        try:
            _refuse_too_large(self._marks)
        except ValueError:
            change.owner.unobserve(self._changed, "array")
            change.owner.array = change.old
            change.owner.observe(self._changed, "array")
            raise
        self._follow()

    def _follow(self) -> None:
        """Let the view follow at once, where it is already shown and nothing else is being changed."""
        self._stale = True
        if self.picture and not self._busy:
            self._pack()

    def _pack(self) -> None:
        """Send what the view needs: the picture and the axes once, the marks whenever they have changed."""
        with self.hold_sync():
            if not self.picture:
                with canvas(self.figure, 2 * PX) as agg:
                    agg.draw()
                    self.figure.set_layout_engine("none")
                    self.size = [self.figure.get_figwidth() * PX, self.figure.get_figheight() * PX]
                    self.axes = [_axes_spec(ax) for ax in self.figure.axes]
                    self.picture = written(agg)
            if self._stale:
                self.marks, self._stale = [mark.spec() for mark in self._marks], False


def _refuse_too_large(marks: list[Mark]) -> None:
    size = sum(mark.bytes() for mark in marks)
    if size > LIMIT:
        k = -(-size // LIMIT)
        hint = f"keep one step in {k} (params[::{k}] with a range of stride {k}) or give a slider fewer values"
        raise ValueError(f"the marks take {size / 1e6:.1f} MB, at most {LIMIT / 1e6:.0f} MB travel: {hint}")


def _axes_spec(ax: Axes) -> dict[str, Any]:
    """What the view must know of an Axes; its panel is the box with the words around it, to be shown alone."""
    limits = {"xlim": [*map(float, ax.get_xlim())], "ylim": [*map(float, ax.get_ylim())]}
    ink, halo = inks(ground(ax))  # of what the view itself draws: the place of a click
    colors = {"ink": ink, "halo": halo, "paper": ground(ax, outside=True)}
    more: dict[str, Any] = {"space": seen_from} if (seen_from := space(ax)) else {}
    titles = (ax.get_title(loc) for loc in ("center", "left", "right"))
    title, *names = (" ".join(words.split()) for words in (" ".join(titles), ax.get_xlabel(), ax.get_ylabel()))
    more |= {"title": title, "names": names}  # for what is said of it
    return more | {"box": box(ax), "panel": panel(ax), "scales": [ax.get_xscale(), ax.get_yscale()], **limits, **colors}
