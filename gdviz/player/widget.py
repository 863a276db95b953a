"""The player: everything is computed once, and the browser does the moving.

matplotlib draws the axes once; a canvas above that picture draws the marks; the ipywidgets sliders are joined to it by
jslink, so that a drag never asks the kernel.
"""

import base64
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anywidget
import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
import traitlets as t
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gdviz.pictures.arrays import as_array
from gdviz.pictures.ellipses import ellipses
from gdviz.pictures.figure import canvas, png
from gdviz.pictures.limits import hold_log, hold_steps, usual
from gdviz.pictures.words import legible
from gdviz.player import lifetime, pages
from gdviz.player.marks import PX, WORDS, Mark, box, checked_look, dims, panel, template_parts
from gdviz.player.sliders import controls, first_values, inert, slider_specs
from gdviz.player.twin import draw
from gdviz.style import BLACK, BLUE, RUST, VERMILLION, ground, inks

STATIC = Path(__file__).parent / "static"
LIMIT = 4_000_000  # bytes of marks
ROW = {"flex_flow": "row wrap", "align_items": "center"}
PATH = {"color": BLUE, "dash": (), "marker": "o", "width": 3, "size": 15, "dots": 7, "label": ""}


class Player(anywidget.AnyWidget):
    """A matplotlib figure with marks that move when a slider does.

    figure: draw on it what stands still first; its layout and limits are frozen when the player is shown.
    sliders: name -> values, in the order of the arrays' leading axes. A range (such as "step": range(201)) gets an
    IntSlider, the first range also Play; any other sequence a SelectionSlider that shows the numbers or words.
    caption: one sentence with the numbers, such as trajectory.describe(): alt text, and what the tests compare.
    at: name -> first position, counted from 0 (negative: from the end). Left out: a range at its end, others midway.

    A mark takes an array (or tensor) with one axis for each slider, of the slider's length or 1, then its own axes.
    Refused: an array of another shape (the shape that fits is named), a slider without values, over 4 MB of marks.
    """

    _esm = (STATIC / "player.mjs").read_text(encoding="utf-8")  # of a path anywidget would keep every player
    _css = (STATIC / "player.css").read_text(encoding="utf-8")
    picture = t.Bytes().tag(sync=True)  # PNG of all that stands still, two dots for each CSS pixel
    size = t.List().tag(sync=True)  # width and height in CSS pixels
    axes = t.List().tag(sync=True)  # of each Axes: box and panel in pixels, limits and scales
    sliders = t.List().tag(sync=True)  # of each slider: name, first value, stride, labels
    trail = t.Int(-1).tag(sync=True)  # the slider along which a path grows
    marks = t.List().tag(sync=True)  # kind, look, shape and bytes (float32; of a text float64), drawn in this order
    caption = t.Unicode().tag(sync=True)
    clock = t.Unicode().tag(sync=True)  # the model of Play
    clickable = t.Int(-1).tag(sync=True)  # the Axes where a click sets the start
    click = t.List().tag(sync=True)  # x, y and a count, set by the view
    answered = t.Int(0).tag(sync=True)  # the count of the last click that the kernel has dealt with
    heard = t.Int(0).tag(sync=True)  # how many clicks, guesses and letters it has dealt with
    message = t.Unicode().tag(sync=True)
    asks = t.Int(-1).tag(sync=True)  # the Axes where a guess is wanted before anything moves
    guess = t.List().tag(sync=True)  # x and y, set by the view once
    locked = t.List().tag(sync=True)  # the models of the controls that wait for it

    def __init__(
        self, figure: Figure, sliders: Mapping[str, Any], *, caption: str = "", at: Mapping[str, int] | None = None
    ):
        if not isinstance(figure, Figure):
            raise TypeError(f"figure must be a matplotlib Figure (figure, ax = plt.subplots()), got {figure!r}")
        specs = slider_specs(sliders)
        traits = {f"slider_{i}": t.Int(first).tag(sync=True) for i, first in enumerate(first_values(specs, at or {}))}
        self._lengths = {spec["name"]: len(spec["labels"]) for spec in specs}
        self.add_traits(**traits)
        trail = next((i for i, spec in enumerate(specs) if spec["is_range"]), -1)
        super().__init__(sliders=specs, caption=caption, trail=trail)
        plt.close(figure)  # the player shows it, not the end of the cell once more
        self.figure, self._marks, self._on_click, self._clicking, self._stale = figure, [], None, False, True
        self._words: dict[str, str] = {}  # of each text field, by its label
        parts = controls(self)
        self._joined = {
            widget.model_id: (trait, lambda i=i: getattr(self, f"slider_{i}")) for i, widget, trait, _ in parts
        }
        self._controls, self._links = [part[1] for part in parts], [part[3] for part in parts]
        self.clock = next((w.model_id for w in self._controls if isinstance(w, ipywidgets.Play)), "")
        self._box = ipywidgets.VBox([self, ipywidgets.HBox(self._controls, layout=ROW)])
        self.observe(self._clicked, "click")

    def path(self, ax: Axes, array: Any, **look: Any) -> Mark:
        """The way up to the current step with a head: array (*sliders, 2), or (*sliders, 3) on a 3-D Axes.

        It grows along the first slider that is a range. look: color; dash, on and off in line widths; marker, one of
        o s ^ D; width of the line, size of the head and dots for the steps (0: none) in px; label, a word at the head.
        """
        self._steps("path")
        return self._add("path", ax, array, lambda array: self._fitting("path", array, dims(ax)), PATH, look)

    def curve(self, ax: Axes, array: Any, **look: Any) -> Mark:
        """Numbers against the step, drawn up to the current one: array (*sliders,), such as trajectory.losses.

        look: as for path. Limits that nobody has set hold all steps, and values up to 1000 times the largest first.
        """
        steps = self._steps("curve")

        def prepare(array):
            return np.stack(np.broadcast_arrays(steps, self._fitting("curve", array)), -1)

        if not self.picture:
            _fit(ax, prepare(array), self.trail)
        return self._add("path", ax, array, prepare, PATH | {"dots": 0}, look)

    def line(self, ax: Axes, array: Any, **look: Any) -> Mark:
        """A whole line for each position: array (*sliders, n, 2), such as the fitted one; NaN makes a gap.

        look: color, dash, width; cap, round or butt, how its ends are drawn.
        """
        usual = {"color": VERMILLION, "dash": (), "width": 3, "cap": "round"}
        return self._add("line", ax, array, lambda array: self._fitting("line", array, None, dims(ax)), usual, look)

    def ellipse(self, ax: Axes, centre: Any, covariance: Any, *, share: float = 0.95, **look: Any) -> Mark:
        """The ellipse that holds this share of a normal cloud: centre (*sliders, 2), covariance (*sliders, 2, 2).

        Of either array each slider's axis may be 1. What is not finite is not drawn. look: color, dash, width.
        """
        centre = self._fitting("centre", centre, 2)
        covariance = self._fitting("covariance", covariance, 2, 2)
        return self.line(ax, ellipses(centre, covariance, share), **look)

    def points(self, ax: Axes, array: Any, **look: Any) -> Mark:
        """Separate points for each position: array (*sliders, n, 2).

        look: color, marker, size; casing, the px of halo around each, which separate them from what they lie on.
        """
        usual = {"color": BLACK, "marker": "o", "size": 8, "casing": 0}
        return self._add("points", ax, array, lambda array: self._fitting("points", array, None, dims(ax)), usual, look)

    def arrow(self, ax: Axes, array: Any, **look: Any) -> Mark:
        """An arrow for each position: array (*sliders, 2, 2), its tail and its tip. look: color, width."""
        usual = {"color": BLACK, "dash": (), "width": 3}
        return self._add("arrow", ax, array, lambda array: self._fitting("arrow", array, 2, dims(ax)), usual, look)

    def text(self, ax: Axes, array: Any, template: str = "{:.3g}", *, diverged: Any = False, **look: Any) -> Mark:
        """Words with numbers: array (*sliders,) for one field such as {:.3g} in the template, else (*sliders, fields).

        A field {:no|yes} is a choice: its number, counted from 0 and never NaN, says which of the words is shown.
        diverged: bool (*sliders), each axis may be 1; where it holds, or a number is not finite, the readout says so.
        look: color; size in px; at, the place in the Axes from (0, 0) lower left to (1, 1) of the text's top and of its
        align (left, center, right). set_data(array, diverged=...) replaces both.
        """
        parts = template_parts(template)
        fields = sum(spec is not None for _, spec in parts)

        def prepare(array, diverged=False):
            numbers = self._fitting("text", array, *([] if fields == 1 else [fields]))
            numbers = numbers[..., None] if fields == 1 else numbers
            for spec, values in zip(filter(None, (spec for _, spec in parts)), np.moveaxis(numbers, -1, 0)):
                if "|" in spec and not np.isin(values, range(spec.count("|") + 1)).all():
                    given = f"got {float(values.min()):g} to {float(values.max()):g}"
                    raise ValueError(f"the numbers of {{:{spec}}} choose a word: 0 to {spec.count('|')}; {given}")
            flag = as_array("diverged", diverged)
            flag = self._fitting("diverged", flag) if flag.ndim else flag
            flag = (flag != 0) | ~np.isfinite(numbers).all(-1)
            return np.concatenate([np.broadcast_to(numbers, (*flag.shape, fields)), flag[..., None]], -1)

        usual = {"color": BLACK, "warn": RUST, "size": WORDS, "at": (0.03, 0.98), "align": "left", "parts": parts}
        return self._add("text", ax, array, prepare, usual, look, diverged=diverged)

    def on_click(self, fn: Callable[[float, float], None], *, ax: Axes | None = None) -> None:
        """Call fn(x, y) in the kernel for a click (or arrow key) on ax; left out, the Axes of the first path with dots.

        fn computes anew and gives the marks their arrays by mark.set_data(array); the picture changes once, when it
        returns. What it raises is shown as a sentence under the picture.
        """
        if not callable(fn):
            raise TypeError(f"on_click takes a function of x and y, got {fn!r}")
        self._on_click, self.clickable = fn, self._clicked_axes("on_click", ax)

    def on_guess(self, fn: Callable[[float, float], str | None], *, ax: Axes | None = None) -> None:
        """Play and the sliders wait, at the first step, for a click on ax: a guess. Then fn(x, y) is called, once.

        By keyboard: arrow keys and Enter. The view marks the guess and lets the controls go by itself, also without a
        kernel. A text that fn returns is shown under the picture. ax: as for on_click.
        """
        if not callable(fn):
            raise TypeError(f"on_guess takes a function of x and y, got {fn!r}")
        if self.asks >= 0:
            raise ValueError("this player waits for a guess already; a second one would come too late")
        self.asks = self._clicked_axes("on_guess", ax)
        self.message = "First your guess: click the place in the picture (or arrow keys and Enter)."
        if self.trail >= 0:
            setattr(self, f"slider_{self.trail}", self.sliders[self.trail]["first"])
        self.locked = [control.model_id for control in self._controls]

        def answer(change: Any) -> None:
            for control in self._controls:
                control.disabled = False
            self._answer(lambda: fn(*change["new"]), "Your guess is noted, and not judged")

        for control in self._controls:
            control.disabled = True
        self.observe(answer, "guess")

    def _clicked_axes(self, what: str, ax: Axes | None) -> int:
        ax = ax or next((mark.ax for mark in self._marks if mark.kind == "path" and mark.look["dots"]), None)
        if ax not in self.figure.axes or ax.name == "3d" or {ax.get_xscale(), ax.get_yscale()} - {"linear", "log"}:
            raise ValueError(f"{what} needs a 2-D Axes of this player, linear or log: add a path first or give ax")
        return self.figure.axes.index(ax)

    def on_text(self, fn: Callable[[str], None], *, label: str, value: str = "") -> None:
        """A field above the picture for a word: fn(text) is called in the kernel with every letter.

        fn gives the marks their arrays by mark.set_data(array); the picture changes once, when it returns. What it
        raises is shown as a sentence under the picture. value: the text that the marks show now.
        """
        if not callable(fn):
            raise TypeError(f"on_text takes a function of the text, got {fn!r}")
        if not isinstance(label, str) or not isinstance(value, str) or label in self._words or not label.strip():
            raise ValueError(f"label and value are texts, each label another; got {label!r} and {value!r}")
        style, layout = {"description_width": "initial"}, {"max_width": "560px"}
        field = ipywidgets.Text(value, description=inert(label), style=style, layout=layout)
        self._words[label] = value

        def work(text):
            fn(text)
            self._words[label] = text  # what the marks show

        field.observe(lambda change: self._answer(lambda: work(change["new"]), "Not shown"), "value")
        self._box.children = [*self._box.children[:-2], field, *self._box.children[-2:]]

    @property
    def box(self) -> ipywidgets.VBox:
        """The picture with its controls, to be laid out beside other widgets; ready to be shown."""
        self._pack()
        for widget in self._widgets():
            widget.open()
        for control in self._controls:  # where Python has moved a slider, its control follows
            trait, value = self._joined[control.model_id]
            setattr(control, trait, value())
        return self._box

    def close(self) -> None:
        """Take the player and its controls away from the browser; when it is shown again, it is there again."""
        for widget in self._widgets():
            super(Player, widget).close() if widget is self else widget.close()
            for silenced in ("_ipython_display_", "_repr_mimebundle_"):  # ipywidgets would show it no more
                vars(widget).pop(silenced, None)

    def _widgets(self) -> list[ipywidgets.Widget]:
        """All that it consists of, each after what it refers to."""
        if "_box" not in vars(self):  # refused
            return [self]
        seen = [*self._controls, *self._box.children, self._box]
        looks = [getattr(widget, name) for widget in seen for name in ("layout", "style") if hasattr(widget, name)]
        return [*looks, *seen, *self._links]

    @property
    def index(self) -> tuple[int, ...]:
        """The position of each slider, counted from 0."""
        values = (getattr(self, f"slider_{i}") for i in range(len(self.sliders)))
        return tuple(round((value - s["first"]) / s["stride"]) for value, s in zip(values, self.sliders))

    def describe(self) -> str:
        """The caption, the sliders and the readouts at the current positions."""
        ends = [f"{spec['name']} {spec['labels'][0]} to {spec['labels'][-1]}" for spec in self.sliders]
        now = [f"{spec['name']} {spec['labels'][i]}" for spec, i in zip(self.sliders, self.index)]
        now = [f"{label} {word!r}" for label, word in self._words.items()] + now
        now += [mark.readout(self.index) for mark in self._marks if mark.kind == "text"]
        sentences = [self.caption, f"Sliders: {', '.join(ends)}." if ends else ""]
        return " ".join(filter(None, [*sentences, f"Shown: {', '.join(now)}." if now else ""]))

    __repr__ = describe

    def save(
        self,
        file: str | bytes | Path,
        *,
        title: str | None = None,
        along: str | None = None,
        fps: float | None = None,
        width: int | None = None,
    ) -> None:
        """Write the player as a file, by its ending; whole, or not at all. ~ is your home folder.

        .html: one page with the sliders, which moves without a kernel, a network or another file. title: its heading;
        left out, the file's name.
        .gif, .mp4: a film along one slider, the others where they are; the last picture stays for two seconds. along:
        the slider's name; left out, the one that a path grows along. fps: pictures a second, 1 to 50; left out, about
        eight seconds in all. width: 100 to 3840 px, the height follows; left out, the figure's. An MP4 needs ffmpeg.
        .png: the picture at the current positions, two dots for each CSS pixel.

        Refused: another ending, an option of another ending, a folder that is not there. An older file stays until the
        new one is written and has been read back.
        """
        pages.save(self, file, title=title, along=along, fps=fps, width=width)

    def state(self) -> dict[str, Any]:
        """What a page shows: the `traits` that the view reads, the `pace` of Play in ms a step (0: none), a `note`.

        The note says what the fields of on_text hold.
        """
        self._pack()
        pace = next((control.interval for control in self._controls if isinstance(control, ipywidgets.Play)), 0)
        words = [f"{label.rstrip(':')}: {word}." for label, word in self._words.items()]
        note = " ".join([*words, "Typing another word needs the notebook."] if words else [])
        names = set(self.keys) - set(anywidget.AnyWidget.class_trait_names())
        traits = {name: getattr(self, name) for name in sorted(names) if not name.startswith("_")}
        return {"traits": traits, "pace": pace, "note": note}

    def twin(self, dpi: float = PX, colors: int = 256) -> bytes:
        """The static twin: the figure with the marks at the current positions, drawn by matplotlib, as a PNG."""
        self._pack()
        with self._drawn(self.index):
            return png(self.figure, dpi, colors)

    @contextmanager
    def drawing(self, slider: int, width: int | None = None) -> Iterator[Callable[[int], np.ndarray]]:
        """draw(k) -> the picture with this slider at position k, uint8 (height, width, 3): the frames of a film.

        What stands still is drawn once. width: px; left out, the figure's.
        """
        self._pack()
        with canvas(self.figure, (width or self.size[0]) / self.figure.get_figwidth()) as agg:
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
        artists = [artist for i, mark in enumerate(self._marks) for artist in draw(mark, index, 10 + i)]
        try:
            yield artists
        finally:
            for artist in artists:
                artist.remove()

    def _ipython_display_(self):
        from IPython.display import display

        keeps = lifetime.note(self)
        twin = base64.b64encode(self.twin(colors=48)).decode()  # a notebook of twelve is under 500 kB
        view = {"version_major": 2, "version_minor": 0, "model_id": self.box.model_id}
        bundle = {"text/plain": self.describe(), "image/png": twin, "application/vnd.jupyter.widget-view+json": view}
        display(bundle, raw=True, metadata={"image/png": {"alt": self.describe()}})
        if keeps:
            display({"text/html": pages.asleep(twin, self.describe()), "text/plain": ""}, raw=True)

    def _steps(self, what: str) -> np.ndarray:
        """The values of the slider along which a path grows, shaped to broadcast against the sliders."""
        if self.trail < 0:
            raise ValueError(f'a {what} grows along a slider that is a range, such as "step": range(201); got none')
        spec = self.sliders[self.trail]
        steps = spec["first"] + spec["stride"] * np.arange(len(spec["labels"]), dtype=float)
        return steps.reshape([-1 if i == self.trail else 1 for i in range(len(self.sliders))])

    def _fitting(self, what: str, array: Any, *own: int | None) -> np.ndarray:
        """The array as float64; refused unless its axes are the sliders' (or 1), then its own (None: any length)."""
        array = as_array(what, array)
        wanted = [(1, count) for count in self._lengths.values()]
        wanted += [(n,) if n else range(1, array.size + 1) for n in own]
        if array.ndim != len(wanted) or any(n not in fits for n, fits in zip(array.shape, wanted)):
            shape = [f"{count} ({name})" for name, count in self._lengths.items()] + [str(n or "n") for n in own]
            fits = f"({', '.join(shape)}), where a slider's axis may also be 1"
            raise ValueError(f"the array of a {what} must have the shape {fits}; got {array.shape}")
        return array

    def _add(self, kind: str, ax: Axes, array: Any, prepare: Callable, usual: dict, look: dict, **more: Any) -> Mark:
        if not isinstance(ax, Axes) or ax not in self.figure.axes:
            raise ValueError(f"a {kind} needs an Axes of this player's figure, got {ax!r}")
        axis = {"path": self.trail, "line": -2, "arrow": -2}.get(kind)
        mark = Mark(kind, ax, np.empty(0), checked_look(kind, usual, look), axis, prepare, self._put)
        mark.set_data(array, **more)
        return mark

    def _put(self, mark: Mark, array: np.ndarray) -> None:
        """Give a mark its array, and a new mark its place; the view follows at once where it is already shown."""
        others = [other for other in self._marks if other is not mark]
        size = sum(other.bytes(other.array) for other in others) + mark.bytes(array)
        if size > LIMIT:
            k = -(-size // LIMIT)
            hint = f"keep every {k}th step (params[::{k}] with a range of stride {k}) or give a slider fewer values"
            raise ValueError(f"the marks take {size / 1e6:.1f} MB, at most {LIMIT / 1e6:.0f} MB travel: {hint}")
        mark.array = array
        if mark not in self._marks:
            self._marks.append(mark)
        self._stale = True
        if self.picture and not self._clicking:
            self._pack()

    def _pack(self) -> None:
        """Send what the view needs: the picture and the axes once, the marks whenever they have changed."""
        with self.hold_sync():
            if not self.picture:
                with legible(self.figure):
                    self.figure.draw_without_rendering()
                    self.figure.set_layout_engine("none")
                    self.size = [self.figure.get_figwidth() * PX, self.figure.get_figheight() * PX]
                    self.axes = [_axes_spec(ax) for ax in self.figure.axes]
                self.picture = png(self.figure, 2 * PX)
            if self._stale:
                self.marks, self._stale = [mark.spec() for mark in self._marks], False

    def _clicked(self, change: Any) -> None:
        x, y, count = change["new"]
        self._answer(lambda: self._on_click(x, y), f"No path from ({x:.3g}, {y:.3g})", count)

    def _answer(self, work: Callable[[], str | None], complaint: str, count: int | None = None) -> None:
        """Let work change the marks: all at once, or, where it raises, none of them and a sentence."""
        arrays, self._clicking, message = [mark.array for mark in self._marks], True, ""
        try:
            returned = work()
            message = returned if isinstance(returned, str) else ""
        except BaseException as error:
            message = f"{complaint}: {error}"
            del self._marks[len(arrays) :]
            for mark, array in zip(self._marks, arrays):  # nothing half-done
                mark.array = array
            if not isinstance(error, Exception):  # the stop button
                raise
        finally:
            self._clicking = False
            with self.hold_sync():
                self._pack()
                self.message, self.answered = message, self.answered if count is None else count
                self.heard += 1


def _fit(ax: Axes, points: np.ndarray, trail: int) -> None:
    """Widen limits that nobody has set to hold a curve: all of its steps, and the numbers that a window holds."""
    hold_steps(ax, points[..., 0])
    ax.update_datalim(points[usual(points[..., 1], trail)])
    if ax.get_yscale() == "log":
        hold_log(ax)
    else:
        ax.autoscale_view(scalex=False)


def _axes_spec(ax: Axes) -> dict:
    """What the view must know of an Axes; its panel is the box with the words around it, to be shown alone."""
    limits = {"xlim": [*map(float, ax.get_xlim())], "ylim": [*map(float, ax.get_ylim())]}
    ink, halo = inks(ground(ax))  # of what the view itself draws: the place of a click
    colors = {"ink": ink, "halo": halo, "paper": ground(ax, outside=True)}
    return {"box": box(ax), "panel": panel(ax), "scales": [ax.get_xscale(), ax.get_yscale()], **limits, **colors}
