"""The player of a line that is fitted to data: data, the loss of every line, and the loss after each step."""

from collections.abc import Callable, Mapping
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
from gdviz.player.marks import Mark
from gdviz.style import BLACK, GREEN, GREY
from gdviz.surfaces import Surface
from gdviz.views.alive import follow
from gdviz.views.frames import equal_scales, loss_limits, lost
from gdviz.views.given import at_the_ends


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
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(12.6, 4.4), layout="constrained")
    few = _frame(data, surface, left, middle)
    equal_scales(middle)
    low, first = loss_limits(trajectory.losses, trajectory.diverged, least=1e-12)
    label(right, title="loss after each step", xlabel="step", ylabel=surface.name)
    log_axis(right, 0.7 * low, 3 * first)
    plain_ticks(right, few=first > 1e4 * low)
    right.yaxis.set_minor_formatter(NullFormatter())
    steps = {"step": range(trajectory.steps + 1)}
    player = Player(figure, steps | dict(sliders or {}), caption=trajectory.describe(), **options)
    drawn, dots = _data_marks(player, left, data, surface, trajectory, few)
    line = player.line(left, plots.lines(data, trajectory.params))
    path, curve = player.path(middle, trajectory.params), player.curve(right, trajectory.losses)
    place = {"at": (0.97, 0.98), "align": "right"}
    words = player.text(right, trajectory.losses, "loss {:.5g}", diverged=lost(trajectory), **place)
    drawn |= {
        line: lambda run: plots.lines(data, run.params),
        path: lambda run: run.params,
        curve: lambda run: run.losses,
        words: lambda run: (run.losses, lost(run)),
    }
    if surface.ranges and surface.find_minima is not None:
        drawn |= _curvature_marks(player, middle, surface)
    handles: list[dict[str, Any]] = [{"kind": "ends", "ax": left, "mark": line}]
    if dots and surface.find_minima is not None and data.x is data.x:  # rescaled data are computed from others
        handles.append({"kind": "points", "ax": left, "mark": dots, "data": data})
    follow(player, middle, trajectory, drawn, handles=handles)
    return player


FEW = 12  # examples whose residuals are drawn


def _frame(data: Any, surface: Surface, left: Axes, middle: Axes) -> bool:
    """Draw what stands still of data and loss; returns whether the residuals have their squares."""
    moves = _moves(data, surface)
    few = moves and len(data.x) <= FEW
    plots.examples(data, ax=left, alpha=0 if moves else 0.7)
    if few:
        left.margins(0.25)
        left.set(box_aspect=1, xlim=left.get_xlim(), ylim=left.get_ylim())
    left.set_xlim(*_reach(data, left))
    plots.contours(surface, ax=middle, n=101)
    label(left, title="data and line")
    label(middle, title="loss of every line", xlabel="slope w", ylabel="intercept b")
    return few


def _moves(data: Any, surface: Surface) -> bool:
    """Whether the examples may move: dragged, or by a range of the data."""
    return surface.find_minima is not None or bool(getattr(data, "ranges", {}))


def _data_marks(
    player: Player, ax: Axes, data: Any, surface: Surface, trajectory: Trajectory, few: bool
) -> tuple[dict[Mark, Callable], Mark | None]:
    """The examples, and the squares of few residuals, where the examples may move; and the mark that can be dragged."""
    if not _moves(data, surface):
        return {}, None
    ahead, drawn = (None,) * len(player.sliders), {}

    def places(_: Trajectory) -> Tensor:
        return torch.stack([data.x, data.y], -1)[ahead]

    def squares(run: Trajectory) -> Tensor:
        return _squares(ax, data, run.params)

    if few:
        drawn[player.line(ax, squares(trajectory), color=GREEN, width=2)] = squares
    size = {"size": 11} if few else {"size": 7, "casing": 1}
    dots = player.points(ax, places(trajectory), color=GREY, **size)
    return drawn | {dots: places}, dots


def _curvature_marks(player: Player, ax: Axes, surface: Surface) -> dict[Mark, Callable]:
    """2/L and the condition number, where L and mu are the eigenvalues of the Hessian at the minimum."""
    ahead = (None,) * len(player.sliders)

    def curvatures() -> tuple[Tensor, Tensor]:
        with torch.enable_grad():
            w = surface.find_minima()[0].detach().requires_grad_()  # pyright: ignore[reportOptionalCall]  asked before
            (slope,) = torch.autograd.grad(surface(w), w, create_graph=True)
            (across,) = torch.autograd.grad(slope[0], w, retain_graph=True)
            (along,) = torch.autograd.grad(slope[1], w)
        a, b, c = across[0], along[0], along[1]
        steep = (a + c) / 2 + (((a - c) / 2) ** 2 + b**2).sqrt()
        return steep, (a * c - b**2) / steep  # of the difference of two roots fewer digits would be left

    def limit(_: Any) -> Tensor:
        return (2 / curvatures()[0])[ahead]

    def condition(_: Any) -> Tensor:
        steep, flat = curvatures()
        return (steep / flat)[ahead]

    def text(number: Callable, words: str, height: float) -> Mark:
        return player.text(ax, number(None), words, at=(0.97, height), align="right", color=BLACK)

    return {text(limit, "2/L = {:.3g}", 0.98): limit, text(condition, "κ = {:.0f}", 0.88): condition}


def _reach(data: Any, ax: Axes) -> tuple[float, float]:
    """The window of the feature, that of all that the ranges of the data make of it."""
    low, high = ax.get_xlim()
    turned = getattr(data, "ranges", {})
    for _ in at_the_ends(turned) if turned else ():
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
