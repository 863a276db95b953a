"""What a player asks the kernel: a click that sets the start, a guess before anything moves, a word in a field."""

import math
from collections.abc import Callable, Iterable
from typing import Any

import ipywidgets
from matplotlib.axes import Axes

from gdviz.player.sliders import inert
from gdviz.player.stage import Stage


class Asking(Stage):
    """A stage that hears clicks, guesses and words. What a function raises becomes a sentence under the picture."""

    def on_click(self, fn: Callable[[float, float], None], *, ax: Axes | None = None) -> None:
        """Call fn(x, y) in the kernel for a click (or arrow key).

        fn computes anew and gives the marks their arrays by mark.set_data(array); the picture changes once, when it
        returns.

        Args:
            fn: takes the place in data coordinates.
            ax: the Axes that is clicked; left out, that of the first path with dots.

        Raises:
            TypeError: fn is not a function.
            ValueError: ax is not a 2-D Axes of this player, linear or log.
        """
        if not callable(fn):
            raise TypeError(f"on_click takes a function of x and y, got {fn!r}")
        self.clickable = self._clicked_axes("on_click", ax)
        self.unobserve_all("click")

        def clicked(change: Any) -> None:
            x, y, count = change["new"]
            self._answer(lambda: fn(x, y), f"No path from ({x:.3g}, {y:.3g})", count)

        self.observe(clicked, "click")

    def on_guess(
        self,
        fn: Callable[[float, float], str | None],
        *,
        ax: Axes | None = None,
        place: Any = None,
        near: float | None = None,
    ) -> None:
        """Play and the sliders wait, at the first step, for a click: a guess. Then fn(x, y) is called, once.

        By keyboard: arrow keys and Enter. The view marks the guess and lets the controls go by itself, also without a
        kernel. Where place is given, it says "hit" or "miss" once the last step has been shown. A text that fn returns
        is shown under the picture.

        Args:
            fn: takes the place in data coordinates; may return a text.
            ax: as for on_click.
            place: (x, y), what is to be guessed; left out, the guess is not judged.
            near: up to this distance from place, in data coordinates, a guess is a hit.

        Raises:
            TypeError: fn is not a function.
            ValueError: a guess is asked for already, ax is as on_click refuses it, place is not two finite numbers, or
                near is not a positive distance.
        """
        if not callable(fn):
            raise TypeError(f"on_guess takes a function of x and y, got {fn!r}")
        truth = _truth(place, near)
        if self.asks >= 0:
            raise ValueError("this player waits for a guess already; a second one would come too late")
        self.asks, self.truth = self._clicked_axes("on_guess", ax), truth
        self.message = "First your guess: click the place in the picture (or arrow keys and Enter)."
        if self.trail >= 0:
            setattr(self, f"slider_{self.trail}", self.sliders[self.trail]["first"])
        self.locked = [control.widget.model_id for control in self._controls]

        def answer(change: Any) -> None:
            self._lock(False)
            self._answer(lambda: fn(*change["new"]), "Your guess is noted, and not judged")

        self._lock(True)
        self.observe(answer, "guess")

    def on_text(self, fn: Callable[[str], None], *, label: str, value: str = "") -> None:
        """A field above the picture for a word: fn(text) is called in the kernel with every letter.

        fn gives the marks their arrays by mark.set_data(array); the picture changes once, when it returns.

        Args:
            fn: takes the text.
            label: the name of the field; no two alike.
            value: the text that the marks show now.

        Raises:
            TypeError: fn is not a function.
            ValueError: label or value is not text, or label is taken or blank.
        """
        if not callable(fn):
            raise TypeError(f"on_text takes a function of the text, got {fn!r}")
        if not isinstance(label, str) or not isinstance(value, str) or label in self._words or not label.strip():
            raise ValueError(f"label and value must be text, no two labels alike; got {label!r} and {value!r}")
        style, layout = {"description_width": "initial"}, {"max_width": "560px"}
        field = ipywidgets.Text(value, description=inert(label), style=style, layout=layout)
        self._words[label] = value

        def work(text: str) -> None:
            fn(text)
            self._words[label] = text  # what the marks show

        field.observe(lambda change: self._answer(lambda: work(change["new"]), "Not shown"), "value")
        self._box.children = [*self._box.children[:-2], field, *self._box.children[-2:]]

    def on_dials(self, dials: list[dict[str, Any]], fn: Callable[[list[float]], None]) -> None:
        """Call fn(values) in the kernel when one of these sliders is let go: for what the browser cannot compute."""
        self.dials = dials
        self.observe(lambda change: self._answer(lambda: fn(change["new"]), "Not shown"), "dialed")

    def _lock(self, on: bool) -> None:
        for control in self._controls:
            control.widget.disabled = on

    def _answer(self, work: Callable[[], str | None], complaint: str, count: int | None = None) -> None:
        """Let work change the marks: all at once, or, where it raises, none of them and a sentence."""
        arrays, self._busy, message = [mark.array for mark in self._marks], True, ""
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
            self._busy = False
            with self.hold_sync():
                self._pack()
                self.message, self.answered = message, self.answered if count is None else count
                self.heard = self.heard + 1


def _truth(place: Any, near: float | None) -> list[float]:
    """x, y and how near is a hit; empty without a place."""
    if place is None and near is None:
        return []
    numbers = [float(number) for number in place] if isinstance(place, Iterable) else []
    if len(numbers) != 2 or not all(map(math.isfinite, numbers)):
        raise ValueError(f"place must be two finite numbers, x and y, got {place!r}")
    if near is None or not 0 < near < math.inf:
        raise ValueError(f"near must be a positive distance, in the units of the picture, got {near!r}")
    return [*numbers, float(near)]
