"""A learner's own surface: is it a loss of two parameters, and is its gradient what its heights say?"""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from gdviz.descent import gradient
from gdviz.exercises.feedback import Feedback, attempt
from gdviz.exercises.sandbox import Blank, Trouble
from gdviz.hyperparameters import short
from gdviz.surfaces import Surface

H = 1e-6  # of the differences: rounding and curvature both stay below a millionth
INNER = torch.tensor([0.13, 0.31, 0.49, 0.67, 0.85], dtype=torch.float64)  # off the middle, where kinks like to be
HIGHEST = 1e30  # beyond it, nothing can be drawn, and no usual rate descends


def check_surface(
    function: Any,
    *,
    xlim: tuple[float, float] = (-3.0, 3.0),
    ylim: tuple[float, float] = (-3.0, 3.0),
    start: tuple[float, float] | None = None,
    show: Callable[[Surface], None] | None = None,
) -> Feedback:
    """Whether a function of params (..., 2) is a surface: one finite height for each point, and a gradient.

    The gradient by torch is compared with central differences, (f(w + h) - f(w - h)) / 2h, at 25 places of the window.
    A surface may be flat along one coordinate, and have plateaus and kinks; it may not be flat everywhere, or jump.

    Args:
        function: the learner's.
        xlim: the window, (low, high).
        ylim: likewise.
        start: where a descent begins; left out, near the upper left corner.
        show: called with the surface where it is right.

    Returns:
        The Feedback.

    Example:
        >>> check_surface(lambda w: w.square().sum(-1)).correct
        True
    """
    low, high = (torch.tensor(ends, dtype=torch.float64) for ends in zip(xlim, ylim))
    place = tuple((low + torch.tensor([0.15, 0.85]) * (high - low)).tolist()) if start is None else start
    surface = Surface(fn=function, xlim=xlim, ylim=ylim, start=place, minima=(), name="your surface")

    def work() -> Feedback:
        if not callable(function):
            raise Trouble(f"A surface is a function (def ...); yours is {short(repr(function), 40)}.")
        points = low + torch.cartesian_prod(INNER, INNER) * (high - low)  # (25, 2)
        _heights(function, points)
        fine = (torch.arange(24, dtype=torch.float64) + 0.5) / 24
        _descends(function, low + torch.cartesian_prod(fine, fine) * (high - low))
        _agrees(function, points)
        _jumps(function, low, high)
        said = "torch's gradient agrees with central differences at 25 places."
        return Feedback(True, said, picture=None if show is None else partial(show, surface))

    return attempt(work, function)


def _heights(function: Callable, points: Tensor) -> Tensor:
    """One finite height for each point, the same for all at once as for one alone."""
    many = function(points.clone())
    if many is ...:
        raise Blank
    if not isinstance(many, Tensor):
        raise Trouble(f"It must return a tensor, made by torch's operations; yours returns {short(repr(many), 40)}.")
    if many.shape != points.shape[:1]:
        given = tuple(many.shape)
        raise Trouble(
            f"25 points (25, 2) must give 25 heights (25,), yours gives {given}: use p[..., 0] and p[..., 1]."
        )
    _finite(many, points)
    if not torch.equal(many, function(points.clone())):
        raise Trouble("It gives other heights when it is called again: are there random numbers in it?")
    if not torch.allclose(many, torch.stack([function(point) for point in points]).to(many.dtype)):
        raise Trouble("All points at once give other heights than one by one: does a sum or a mean mix them?")
    return many


def _finite(values: Tensor, points: Tensor, what: str = "it", nan: str = "") -> None:
    """Refuse NaN and infinity, and say where. nan: how it comes about."""
    bad = ~torch.isfinite(values)
    if not bool(bad.any()):
        return
    k = int(bad.nonzero()[0, 0])
    if bool(values[k].isnan().any()):
        why = nan or "the root or the logarithm of something negative, or 0 divided by 0?"
        raise Trouble(f"At {_place(points[k])} {what} is NaN (not a number): {why}")
    raise Trouble(f"At {_place(points[k])} {what} is infinite: a division by zero, or the logarithm of zero?")


def _place(point: Tensor) -> str:
    return f"({', '.join(f'{value:.2f}' for value in point.tolist())})"


def _descends(function: Callable, points: Tensor) -> None:
    """Refuse a surface that is flat, or whose heights are too large or too alike to compute with."""
    heights = function(points).detach().double()
    _finite(heights, points)
    largest, span = float(heights.abs().max()), float(heights.max() - heights.min())
    if largest > HIGHEST:
        raise Trouble(
            f"Its heights reach {largest:.0e}: too large to draw or to descend on. Divide it by a large number."
        )
    try:
        slopes = gradient(function, points)
    except ValueError as error:
        if "no gradient" not in str(error):
            raise
        why = "is it constant, or is there a .item(), .detach() or numpy inside?"
        raise Trouble(f"torch finds no gradient: {why}") from error
    if span <= 1e-12 * largest:
        raise Trouble("It has the same height everywhere: nothing descends on it.")
    if not bool(slopes.any()):
        why = "a round, floor, sign or comparison has the slope 0, and between its steps nothing descends."
        raise Trouble(f"Its heights differ, but it is flat almost everywhere: {why}")
    if span < 1e-7 * largest:
        raise Trouble(f"Its heights differ by {span:.0e} only, at a height of {largest:.0e}: subtract what they share.")


def _agrees(function: Callable, points: Tensor) -> None:
    """Refuse a gradient that is not what central differences say, in one of the coordinates."""
    exact = gradient(function, points)
    _finite(exact, points, "torch's gradient", "torch.where computes both branches, and one of them has no slope here?")
    nudges = H * torch.eye(2, dtype=torch.float64)
    with torch.no_grad():
        by_differences = torch.stack([(function(points + h) - function(points - h)) / (2 * H) for h in nudges], -1)
        rounding = torch.finfo(torch.float64).eps * float(function(points).abs().max()) / H
    apart = (exact - by_differences).abs()
    allowed = 1e-5 * torch.maximum(exact.abs(), by_differences.abs()).amax(0) + 4 * rounding
    if bool((apart > allowed).any()):
        where = _place(points[(apart / allowed).amax(-1).argmax()])
        why = "a jump, a rounding, a detach?"
        if function(points).dtype != torch.float64:
            why = "your heights are rounded to 7 digits. Leave out .float(), and give tensors of your own float64."
        raise Trouble(f"At {where} torch's gradient is not what the heights around say: {why}")


def _jumps(function: Callable, low: Tensor, high: Tensor) -> None:
    """Refuse heights that jump along one of ten lines: its largest change is halved until it is at a point."""
    axes = torch.eye(2, dtype=torch.float64).repeat_interleave(5, 0)  # (10, 2)
    start, way = low + (1 - axes) * INNER.repeat(2)[:, None] * (high - low), axes * (high - low)
    steps = torch.linspace(0.002, 0.998, 301, dtype=torch.float64)

    def heights(steps: Tensor) -> Tensor:  # (10, n) -> (10, n)
        points = (start[:, None] + steps[..., None] * way[:, None]).flatten(0, 1)
        with torch.no_grad():
            found = function(points)
        _finite(found, points)
        return found.view(10, -1)

    along = heights(steps.expand(10, -1))
    span, k = along.amax(-1) - along.amin(-1), along.diff().abs().argmax(-1)
    a, b = steps[k], steps[k + 1]
    for _ in range(40):
        left, right = heights(torch.stack([a, (a + b) / 2, b], -1)).diff().abs().unbind(-1)
        a, b = torch.where(left > right, a, (a + b) / 2), torch.where(left > right, (a + b) / 2, b)
    three = heights(torch.stack([a, (a + b) / 2, b], -1))
    jumps = (three[:, 2] - three[:, 0]).abs() > 1e-3 * span
    if bool(jumps.any()):
        i = int(jumps.nonzero()[0])
        raise Trouble(f"At {_place(start[i] + a[i] * way[i])} its height jumps, which no gradient can tell.")
