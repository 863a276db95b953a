"""What one drags in the picture: the start of a descent, which the browser then computes anew."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from matplotlib.axes import Axes
from torch import Tensor

from gdviz.player.formula import NotFollowed, traced
from gdviz.player.marks import Mark
from gdviz.player.stage import Stage


class Dragging(Stage):
    """A stage whose start can be dragged. The browser needs no kernel for it."""

    unfollowed = ""  # why the browser cannot, in a sentence
    _again: Callable | None = None

    def drag_start(
        self,
        ax: Axes,
        formulas: Sequence[Mapping[str, Any]],
        marks: Sequence[Mapping[Mark, Callable]],
        again: Callable[[list[float]], tuple[dict[Mark, tuple], str]],
    ) -> None:
        """Let one drag the start of descents on an Axes; marks and readouts follow in the same frame.

        Args:
            ax: a 2-D Axes of this player. Along its axes are the first and the second parameter, or of one parameter
                the first alone.
            formulas: of each descent what views.alive.formula returns. The first slider is the step, and each other
                one an axis of the rates.
            marks: of each descent, what its marks draw: functions of params (steps + 1, d), losses (steps + 1,) and
                gradients (steps, d) that return a tuple of the array and, of a text, where it has diverged.
            again: given a start, the arrays of all these marks and the caption: what twin, films and describe show.

        Raises:
            NotFollowed: a mark that cannot be computed in the browser.
            ValueError: ax is not a 2-D Axes of this player, linear or log, or the first slider is not the step.

        Example:
            >>> from gdviz import views
            >>> from gdviz.descent import minimize
            >>> from gdviz.optimizers import GradientDescent
            >>> from gdviz.surfaces import ravine
            >>> views.descents(ravine(), minimize(ravine(), GradientDescent(lr=0.4), (-5, -2), 20)).draggable
            0
        """
        if self.trail != 0:
            raise ValueError("the first slider must be the step, a range")
        sent = [self._sent(formula, drawn) for formula, drawn in zip(formulas, marks, strict=True)]
        self.descents, self.draggable, self._again = sent, self._clicked_axes("drag_start", ax), again

    def _sent(self, formula: Mapping[str, Any], marks: Mapping[Mark, Callable]) -> dict[str, Any]:
        d = formula["init"]["inputs"][0]
        shapes = [(formula["steps"] + 1, *d), (formula["steps"] + 1,), (formula["steps"], *d)]

        def trace(mark: Mark, draw: Callable) -> dict[str, Any]:
            if mark.ax.name == "3d" or {mark.ax.get_xscale(), mark.ax.get_yscale()} - {"linear", "log"}:
                raise NotFollowed(f"the Axes {mark.ax.get_title()!r} is not a 2-D one, linear or log")
            whole = [torch.ones(shape, dtype=torch.float64) for shape in shapes]
            return traced(lambda *run: mark.follow(*draw(*run)), *whole)

        return {
            "init": formula["init"],
            "advance": formula["advance"],
            "steps": formula["steps"],
            "rates": [_array(rate) for rate in formula["rates"]],
            "marks": [[self._marks.index(mark), trace(mark, draw)] for mark, draw in marks.items()],
        }

    @contextmanager
    def moved(self) -> Iterator[str]:
        """While the block lasts, the marks are those of the dragged start; it gives the caption of these."""
        if not self.start or self._again is None:
            yield self.caption
            return
        arrays, caption = self._again([float(value) for value in self.start])
        kept, stale, self._busy = [(mark, mark.array) for mark in arrays], self._stale, True
        try:
            for mark, (array, *diverged) in arrays.items():
                mark.set_data(array, **({"diverged": diverged[0]} if diverged else {}))
            yield caption
        finally:
            for mark, array in kept:
                mark.array = array
            self._busy, self._stale = False, stale


def _array(tensor: Tensor) -> dict[str, Any]:
    return {"shape": list(tensor.shape), "data": tensor.double().contiguous().numpy().tobytes()}
