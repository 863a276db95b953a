"""The player of a line that is fitted to data: data, loss surface and loss curve, joined by the step."""

from collections.abc import Collection, Mapping
from itertools import product
from typing import Any

import matplotlib.pyplot as plt
import torch
from matplotlib.axes import Axes
from matplotlib.ticker import NullFormatter
from torch import Tensor

from gdviz import plots
from gdviz.descent import Trajectory
from gdviz.pictures.limits import log_axis, plain_ticks
from gdviz.pictures.words import label
from gdviz.player import Player
from gdviz.style import BLACK, GREEN, GREY
from gdviz.surfaces import Surface
from gdviz.views.alive import follow
from gdviz.views.frames import loss_limits, lost
from gdviz.views.given import changed


def line_fit(
    data: Any,
    surface: Surface,
    trajectory: Trajectory,
    *,
    sliders: Mapping[str, Any] | None = None,
    **options: Any,
) -> Player:
    """One descent seen three ways, joined by the step: the line in the data, the path on the loss, the loss curve.

    The start can be dragged on the loss, and in the data as the two ends of the first line; of a surface that finds its
    minima anew, such as surfaces.linear_model(data), each data point. Up to 12 residuals are drawn with their squares.

    Args:
        data: has x, y and their labels.
        surface: the loss over (w, b).
        trajectory: from minimize, with one axis of runs for each of the sliders.
        sliders: name -> values.
        options: at=..., as for Player.

    Returns:
        The player.

    Example:
        >>> from gdviz import data, surfaces
        >>> from gdviz.descent import minimize
        >>> from gdviz.optimizers import GradientDescent
        >>> examples = data.toy_line(30)
        >>> loss = surfaces.linear_model(examples)
        >>> player = line_fit(examples, loss, minimize(loss, GradientDescent(lr=0.1), loss.start, steps=30))
    """
    moving = surface.find_minima is not None
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(12.6, 4.4), layout="constrained")
    plots.examples(data, ax=left, alpha=0 if moving else 0.7)
    few = moving and len(data.x) <= FEW
    if few:
        left.margins(0.25)
        left.set(box_aspect=1, xlim=left.get_xlim(), ylim=left.get_ylim())
    middle.set(xlim=surface.xlim, ylim=surface.ylim)
    if not moving:
        plots.contours(surface, ax=middle, n=101)
    label(left, title="data and line")
    label(middle, title="loss surface", xlabel="slope w", ylabel="intercept b")
    left.set_xlim(*_reach(data, left))
    low, first = loss_limits(trajectory.losses, trajectory.diverged, least=1e-12)
    label(right, title="loss curve", xlabel="step")
    label(right, ylabel=surface.name)
    log_axis(right, 0.7 * low, 3 * first)
    plain_ticks(right, few=first > 1e4 * low)
    right.yaxis.set_minor_formatter(NullFormatter())

    steps = {"step": range(trajectory.steps + 1)}
    player = Player(figure, steps | dict(sliders or {}), caption=trajectory.describe(), **options)
    squares = player.line(left, _squares(left, data, trajectory.params), color=GREEN, width=2) if few else None
    size = {"size": 11} if few else {"size": 7, "casing": 1}
    dots = player.points(left, _dots(data, player.sliders), color=GREY, **size) if moving else None
    line = player.line(left, plots.lines(data, trajectory.params))
    path, curve = player.path(middle, trajectory.params), player.curve(right, trajectory.losses)
    place = {"at": (0.97, 0.98), "align": "right"}
    words = player.text(right, trajectory.losses, "loss {:.5g}", diverged=lost(trajectory), **place)
    drawn = {
        line: lambda run: plots.lines(data, run.params),
        path: lambda run: run.params,
        curve: lambda run: run.losses,
        words: lambda run: (run.losses, lost(run)),
    }
    handles: list[dict[str, Any]] = [{"kind": "ends", "ax": left, "mark": line}]
    if surface.ranges:
        for k, (what, number) in enumerate((("2/L = {:.3g}", _limit), ("κ = {:.0f}", _condition))):
            place = {"at": (0.97, 0.98 - 0.1 * k), "align": "right", "color": BLACK}
            drawn[player.text(middle, number(data, player.sliders), what, **place)] = lambda _, number=number: number(
                data, player.sliders
            )
    if squares:
        drawn[squares] = lambda run: _squares(left, data, run.params)
    if dots:
        drawn[dots] = lambda _: _dots(data, player.sliders)
    if dots and not surface.ranges:
        handles.append({"kind": "points", "ax": left, "mark": dots, "data": data})
    follow(player, middle, trajectory, drawn, handles=handles)
    return player


FEW = 12  # examples whose residuals are drawn


def _dots(data: Any, sliders: Collection[Any]) -> Tensor:
    """The examples as points with an axis of 1 for each slider."""
    return torch.stack([data.x, data.y], -1)[(None,) * len(sliders)]


def _curvatures(data: Any, sliders: Collection[Any]) -> tuple[Tensor, Tensor]:
    """L and mu of the mean squared error of a line, (*ones): the eigenvalues of its Hessian."""
    square, mean = data.x.square().mean(), data.x.mean()  # the Hessian is 2 [[square, mean], [mean, 1]]
    steep = square + 1 + ((square - 1) ** 2 + 4 * mean**2).sqrt()
    flat = 4 * (square - mean**2) / steep  # the determinant over it: of a difference no digits would be left
    return steep[(None,) * len(sliders)], flat[(None,) * len(sliders)]


def _limit(data: Any, sliders: Collection[Any]) -> Tensor:
    return 2 / _curvatures(data, sliders)[0]


def _condition(data: Any, sliders: Collection[Any]) -> Tensor:
    steep, flat = _curvatures(data, sliders)
    return steep / flat


def _reach(data: Any, ax: Axes) -> tuple[float, float]:
    """The window of the feature, that of all that the ranges of the data make of it."""
    low, high = ax.get_xlim()
    ranges = list(getattr(data, "ranges", {}).values())
    for ends in product(*((value.low, value.high) for value, _ in ranges)) if ranges else ():
        with changed([(tensor, end) for (_, tensor), end in zip(ranges, ends)]):
            margin = 0.05 * float(data.x.max() - data.x.min())
            low, high = min(low, float(data.x.min()) - margin), max(high, float(data.x.max()) + margin)
    return low, high


def _squares(ax: Axes, data: Any, params: Tensor) -> Tensor:
    """The square on each residual, (..., n * 6, 2): as wide as high on an Axes that is itself a square."""
    (x0, x1), (y0, y1) = ax.get_xlim(), ax.get_ylim()
    residuals = params[..., :1] * data.x + params[..., 1:] - data.y
    aside, none = data.x + (x1 - x0) / (y1 - y0) * residuals, torch.full_like(residuals, torch.nan)
    x, y, line = data.x.expand(residuals.shape), data.y.expand(residuals.shape), data.y + residuals
    corners = [(x, y), (x, line), (aside, line), (aside, y), (x, y), (none, none)]
    return torch.stack([torch.stack(corner, -1) for corner in corners], -2).flatten(-3, -2)
