"""A learner's own surface: is it a loss of two parameters, and is its gradient what its heights say?"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from gdviz.descent import gradient
from gdviz.feedback import Feedback, attempt
from gdviz.guard import Blank, Trouble, short
from gdviz.surfaces import Surface

H = 1e-6  # of the differences: rounding and curvature both stay below a millionth


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
    start: where a descent begins; left out, near the upper left corner. show(surface) is called where it is right.
    """
    low, high = (torch.tensor(ends, dtype=torch.float64) for ends in zip(xlim, ylim))
    place = tuple((low + torch.tensor([0.15, 0.85]) * (high - low)).tolist()) if start is None else start
    surface = Surface(fn=function, xlim=xlim, ylim=ylim, start=place, minima=(), name="your surface")

    def work() -> Feedback:
        if not callable(function):
            raise Trouble(f"A surface is a function (def ...); yours is {short(repr(function), 40)}.")
        inner = torch.tensor([0.13, 0.31, 0.49, 0.67, 0.85], dtype=torch.float64)
        points = low + torch.cartesian_prod(inner, inner) * (
            high - low
        )  # (25, 2), off the middle, where kinks like to be
        _heights(function, points)
        worst, where = _disagreement(function, points)
        if not worst <= 1e-5:  # NaN, too
            there = ", ".join(f"{value:.2f}" for value in where.tolist())
            said = f"At ({there}) torch's gradient is not what the heights around say: a jump, a rounding, a detach?"
            return Feedback(False, said)
        said = "torch's gradient agrees with central differences at 25 places."
        return Feedback(True, said, picture=show and (lambda: show(surface)))

    return attempt(work, function)


def _heights(function: Callable, points: Tensor) -> Tensor:
    """One finite height for each point, the same for all at once as for one alone."""
    many = function(points.clone())
    if many is ...:
        raise Blank
    if not isinstance(many, Tensor):
        raise Trouble(f"It must return a tensor, by torch's operations; yours returns {short(repr(many), 40)}.")
    if many.shape != points.shape[:1]:
        given = tuple(many.shape)
        raise Trouble(
            f"25 points (25, 2) must give 25 heights (25,), yours gives {given}: use p[..., 0] and p[..., 1]."
        )
    if not bool(torch.isfinite(many).all()):
        x, y = points[(~torch.isfinite(many)).nonzero()[0, 0]].tolist()
        raise Trouble(f"At ({x:.2f}, {y:.2f}) it is not a finite number: a logarithm or a root of something negative?")
    if not torch.allclose(many, torch.stack([function(point) for point in points]).to(many.dtype)):
        raise Trouble("All points at once give other heights than one by one: does a sum or a mean mix them?")
    return many


def _disagreement(function: Callable, points: Tensor) -> tuple[float, Tensor]:
    """By how much torch's gradient and central differences disagree, as a share of the largest slope; and where."""
    try:
        exact = gradient(function, points)
    except ValueError as error:
        if "no gradient" not in str(error):
            raise
        why = "is it constant, or is there a .item(), .detach() or numpy inside?"
        raise Trouble(f"torch finds no gradient: {why}") from error
    nudges = H * torch.eye(2, dtype=torch.float64)
    by_differences = torch.stack([(function(points + h) - function(points - h)) / (2 * H) for h in nudges], -1)
    apart = (exact - by_differences).abs().amax(-1) / exact.abs().max().clamp(min=1e-3)
    return float(apart.max()), points[apart.argmax()]
