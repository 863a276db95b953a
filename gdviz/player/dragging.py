"""What the browser computes anew: descents from a start, over data that one drags, at a number that one turns."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from torch import Tensor

from gdviz.player.formula import NotFollowed
from gdviz.player.marks import Mark
from gdviz.player.stage import Stage


class Dragging(Stage):
    """A stage whose descents follow the hand. The browser needs no kernel for it."""

    unfollowed = ""  # why the browser cannot, in a sentence
    _again: Callable | None = None

    def live(
        self,
        handles: Sequence[Mapping[str, Any]],
        formulas: Sequence[Mapping[str, Any]],
        marks: Sequence[Mapping[Mark, Callable]],
        dials: Sequence[Mapping[str, Any]],
        again: Callable[[list[float], list[float], list[float]], tuple[dict[Mark, tuple], str]],
        alone: Collection[Mark] = (),
    ) -> None:
        """Let one drag the start of descents, and data, and turn hyperparameters; marks and readouts follow.

        Args:
            handles: what can be dragged, each with its `kind` and its `ax`, a 2-D Axes of this player. "start": along
                the axes are the first and the second parameter, or of one parameter the first alone; `chosen` are the
                numbers of the sliders that choose it, too: when one is moved, the start is let go. "turn": along them
                are two `dials`, given by their numbers. "ends": of a `mark`, the line y = w x + b whose w and b are the
                start. "points": of a `mark`, points whose x and y are given with descents; `feeds` says with which, and
                as which of its rates.
            formulas: of each descent what views.formula.formula returns, and `shown`, the only position of the last
                slider at which its marks are, or None. The first slider is the step, the next ones are the axes of the
                rates.
            marks: of each descent, what its marks draw: functions of params (steps + 1, d), losses (steps + 1,),
                gradients (steps, d), learning rates (steps,), each rate, and each part of the state (steps + 1, ...)
                that return a tuple of the array, with an axis for each further slider, and, of a text, where it has
                diverged.
            dials: of each hyperparameter that is a range its slider, and `feeds`: which descents and rates it sets.
            again: given a start, the dialed values, and the points that were dragged, [number, x, y, number, ...], or
                of each an empty list where it is untouched, the arrays of all these marks and the caption: what twin,
                films and describe show.
            alone: marks that draw each step by itself, of params (1, d), the loss (1,) and the state (1, ...): the
                browser computes them at the step that is shown.

        Raises:
            NotFollowed: a mark that cannot be computed in the browser.
            ValueError: an ax that is not a 2-D Axes of this player, linear or log, or the first slider is not the step.

        Example:
            >>> from gdviz import views
            >>> from gdviz.descent import minimize
            >>> from gdviz.optimizers import GradientDescent
            >>> from gdviz.surfaces import ravine
            >>> views.descents(ravine(), minimize(ravine(), GradientDescent(lr=0.4), (-5, -2), 20)).handles
            [{'kind': 'start', 'axes': 0}]
        """
        if self.trail != 0:
            raise ValueError("the first slider must be the step, a range")
        sent = [self._sent(formula, drawn, alone) for formula, drawn in zip(formulas, marks, strict=True)]
        self.handles = [self._handle(**handle) for handle in handles]
        self.descents, self.dials, self._again = sent, list(dials), again

    def _handle(self, kind: str, ax: Axes, mark: Mark | None = None, **more: Any) -> dict[str, Any]:
        place = {} if mark is None else {"mark": self._marks.index(mark)}
        return {"kind": kind, "axes": self._clicked_axes("live", ax), **place, **more}

    def _sent(
        self, formula: Mapping[str, Any], marks: Mapping[Mark, Callable], alone: Collection[Mark]
    ) -> dict[str, Any]:
        (d, *rates), given = formula["init"]["inputs"], formula["given"]
        states, steps = formula["advance"]["inputs"][1 + len(rates) :], formula["steps"]

        def trace(mark: Mark, draw: Callable) -> dict[str, Any]:
            places, moves = (1, 0) if mark in alone else (steps + 1, steps)
            before = [(places, *d), (places,), (moves, *d), (moves,), *rates[: len(rates) - len(given)]]
            after = [(places, *state) for state in states]
            if mark.ax.name == "3d" or {mark.ax.get_xscale(), mark.ax.get_yscale()} - {"linear", "log"}:
                raise NotFollowed(f"the Axes {mark.ax.get_title()!r} is not a 2-D one, linear or log")
            first, last = ([torch.ones(shape, dtype=torch.float64) for shape in some] for some in (before, after))
            return mark.traced(draw, [*first, *given, *last], given)

        return {
            "init": formula["init"],
            "advance": formula["advance"],
            "steps": steps,
            "start": _array(formula["start"]),
            "rates": [_array(rate) for rate in formula["rates"]],
            "lr": formula["lr"],
            "shown": formula["shown"],
            "schedule": formula["schedule"],
            "extra": len(self.sliders) - formula["start"].ndim,  # sliders that are no axes of the runs
            "marks": [[self._marks.index(mark), trace(mark, draw), mark in alone] for mark, draw in marks.items()],
        }

    @contextmanager
    def moved(self) -> Iterator[str]:
        """While the block lasts, the marks are those of what has been dragged; it gives the caption of these."""
        changed = [[float(one) for one in trait] for trait in (self.start, self.dialed, self.placed)]
        if not any(changed) or self._again is None:
            yield self.caption
            return
        arrays, caption = self._again(*changed)
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
    """As bytes of float64, or of int16 where many whole numbers fit in."""
    numbers = tensor.double().contiguous().numpy()
    small = numbers.astype(np.int16) if numbers.size > 1000 and np.abs(numbers).max() < 2**15 else numbers
    whole = small is not numbers and bool((small == numbers).all())
    return {"shape": list(tensor.shape), "data": (small if whole else numbers).tobytes(), "whole": whole}
