"""Players of descents: over one surface, over data, over a loss in three dimensions."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import torch
from matplotlib.axes import Axes
from torch import Tensor

from gdviz import plots
from gdviz.descent import Trajectory
from gdviz.pictures.limits import HIGHEST, log_axis
from gdviz.pictures.words import label
from gdviz.player import Player
from gdviz.style import BLACK, PALE, VERMILLION
from gdviz.surfaces import Surface
from gdviz.views.alive import follow, said
from gdviz.views.frames import below, highest, loss_limits, lost, mark_looks, pair, panels


def valley(
    loss: Callable[[Tensor], Tensor],
    trajectory: Trajectory,
    rates: Sequence[float] | None = None,
    *,
    xlim: tuple[float, float] = (-12, 12),
    **options: Any,
) -> Player:
    """A descent of one parameter in the valley of its loss, with slope and next step, and the loss after each step.

    The ball can be dragged, and a rate given as a Range can be turned.

    Args:
        loss: of one parameter, (..., 1) -> (...), 0 on its floor.
        trajectory: a single run, or one axis of runs, the rates.
        rates: their values, for a slider over the runs.
        xlim: the window of the parameter.
        options: at=..., as for Player.

    Returns:
        The player.

    Example:
        >>> from gdviz.descent import minimize
        >>> from gdviz.optimizers import GradientDescent, Range
        >>> def loss(w):
        ...     return w[..., 0] ** 2
        >>> player = valley(loss, minimize(loss, GradientDescent(Range(0.02, 1.1, 0.2)), [10.0], steps=20))
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.6))
    w = torch.linspace(*xlim, 200, dtype=torch.float64)
    heights = loss(w[:, None]).detach()
    left.plot(w, heights, color=PALE)
    top = highest(heights)
    label(left, title="the valley", xlabel="parameter w", ylabel="loss", ylim=(-top / 18, top * 25 / 24))
    left.set(xlim=(1.05 * xlim[0] - 0.05 * xlim[1], 1.05 * xlim[1] - 0.05 * xlim[0]))
    label(
        right,
        title="the loss after each step",
        xlabel="step",
        ylabel="loss",
        yscale="log",
        ylim=_hundredfold(trajectory.losses),
    )
    sliders = {"step": range(trajectory.steps + 1)} | ({} if rates is None else {"learning rate": rates})
    player = Player(figure, sliders, caption=trajectory.describe(), **options)

    def places(run: Trajectory) -> Tensor:
        return torch.stack([run.params[..., 0], run.losses], -1)

    def slopes(run: Trajectory) -> Tensor:
        with torch.enable_grad():
            w = run.params.detach().requires_grad_()
            return torch.autograd.grad(loss(w).sum(), w)[0][..., 0]  # also where gradient() refuses what has diverged

    def tangent(run: Trajectory) -> Tensor:
        along = (xlim[1] - xlim[0]) / 8 * torch.tensor([-1.0, 1.0], dtype=torch.float64)
        ends = along.reshape(2, *[1] * (run.params.ndim - 1))
        line = torch.stack([run.params[..., 0] + ends, run.losses + ends * slopes(run)], -1)  # (2, steps + 1, *runs, 2)
        return line.movedim(0, -2)

    def step(run: Trajectory) -> Tensor:
        tips = torch.stack([run.params[1:, ..., 0], run.losses[:-1]], -1)  # at the height that it starts from
        ways = torch.stack([places(run)[:-1], tips], -2)
        return torch.cat([ways, torch.full_like(ways[:1], torch.nan)])  # no step follows the last place

    drawn: dict[Any, Callable] = {
        player.line(left, tangent(trajectory), color=VERMILLION, width=2): tangent,
        player.path(left, places(trajectory)): places,
        player.arrow(left, step(trajectory), color=BLACK): step,
        player.curve(right, trajectory.losses): lambda run: run.losses,
    }
    first = {"at": (0.5, 0.98), "align": "center", "color": BLACK}
    second = first | {"at": (0.5, 0.88), "color": VERMILLION}

    def at(run: Trajectory) -> tuple[Tensor, Tensor]:
        return run.params[..., 0], ~(run.losses <= run.losses[0])  # where the loss is not a number, too

    number, worse = at(trajectory)
    drawn[player.text(left, number, "w = {:.4g}", diverged=worse, **first)] = at
    drawn[player.text(left, slopes(trajectory), "slope {:+.4g}", **second)] = slopes
    follow(player, left, trajectory, drawn)
    return player


def _hundredfold(losses: Tensor) -> tuple[float, float]:
    """The ends of a log axis: a hundred times the largest first loss, and twelve powers of ten below."""
    first = highest(losses[0])
    top = 100 * min(first, HIGHEST / 100) if first > 0 else 1e4
    return 1e-12 * top, top


def over_surface(
    surface: Surface, trajectory: Trajectory, *, elev: float = 38, azim: float = -60, **options: Any
) -> Player:
    """The path of one run over the loss in 3-D, with the step on a slider; it can be turned by dragging.

    Args:
        surface: of two parameters.
        trajectory: a single run.
        elev: how far above the plane one looks from, in degrees.
        azim: from which side, in degrees.
        options: at=..., as for Player.

    Returns:
        The player.

    Example:
        >>> from gdviz.descent import minimize
        >>> from gdviz.optimizers import GradientDescent
        >>> from gdviz.surfaces import bowl
        >>> player = over_surface(bowl(4), minimize(bowl(4), GradientDescent(lr=0.2), (-8.0, 4.0), steps=20))
    """
    figure = plt.figure(figsize=(8, 5.8), layout="constrained")
    ax: Any = figure.add_subplot(projection="3d")
    plots.surface3d(surface, ax=ax)
    if surface.example_loss is None:
        label(ax, title=surface.name, xlabel="parameter x", ylabel="parameter y", zlabel="loss")
    else:  # each point is a line through the examples
        label(ax, title="loss of every line", xlabel="slope w", ylabel="intercept b", zlabel="loss")
    ax.view_init(elev=elev, azim=azim)
    player = Player(
        figure,
        {"step": range(trajectory.steps + 1)},
        caption=trajectory.describe(),
        opening=trajectory.describe(ended=False),
        **options,
    )
    player.path(ax, torch.cat([trajectory.params, trajectory.losses[..., None]], -1), color=VERMILLION)
    player.text(ax, trajectory.losses, "loss {:.4g}", at=(0.98, 0.97), align="right", diverged=lost(trajectory))
    player.solid(ax, *surface.mesh(31))
    return player


def descents(
    surface: Surface,
    runs: Trajectory | Mapping[str, Trajectory],
    *,
    sliders: Mapping[str, Any] | None = None,
    levels: Any = 12,
    looks: Mapping[str, Any] | None = None,
    apart: bool = False,
    **options: Any,
) -> Player:
    """Descents over one surface, joined by the step: their paths, and beside them their losses.

    The loss is shown on a log axis above the lowest minimum, where there is one. The start can be dragged on the
    surface.

    Args:
        surface: of two parameters.
        runs: a trajectory, or several by name, each drawn with the look of its optimizer; with one axis of runs for
            each of the sliders.
        sliders: name -> values.
        levels: as for plots.contours.
        looks: of a run or a rule by its name, such as {"Lynx": {"color": "#0072b2", "dash": (3, 1.5)}}; left out,
            rules of your own differ by themselves.
        apart: each path in a panel of its own, for paths that would hide one another; the start is dragged in the
            first.
        options: at=..., as for Player.

    Returns:
        The player.

    Raises:
        ValueError: no run, runs of unequal length, or an unknown look.

    Example:
        >>> from gdviz.descent import minimize
        >>> from gdviz.optimizers import Adam, Momentum
        >>> from gdviz.surfaces import himmelblau
        >>> rules = {"Momentum": Momentum(lr=0.003, momentum=0.8), "Adam": Adam(lr=0.2)}
        >>> runs = {name: minimize(himmelblau(), rule, (-1.0, -1.0), steps=60) for name, rule in rules.items()}
        >>> player = descents(himmelblau(), runs)
    """
    named = dict(runs) if isinstance(runs, Mapping) else {"": runs}
    if not named:
        raise ValueError("runs is empty; give a trajectory, or several by name")
    if len(steps := {run.steps for run in named.values()}) > 1:
        raise ValueError(f"the runs share one slider and need equally many steps; got {sorted(steps)}")
    first, seen = next(iter(named.values())), mark_looks({name: run.rule for name, run in named.items()}, looks)
    if apart:
        figure, lefts, right = panels(surface, list(named), levels=levels)
    else:
        figure, left, right = pair(surface, levels=levels)
        lefts = [left] * len(named)
    heights = _loss_axes(surface, list(named.values()), right)
    caption = said(named)
    player = Player(figure, {"step": range(first.steps + 1)} | dict(sliders or {}), caption=caption, **options)
    drawn: dict[str, dict] = {}
    for left, (name, run) in zip(lefts, named.items()):
        path, curve = (
            player.path(left, run.params, **seen[name]),
            player.curve(right, heights(run.losses), **seen[name]),
        )
        drawn[name] = {path: lambda run: run.params, curve: lambda run: heights(run.losses)}
    if len(named) == 1:
        place = {"at": (0.97, 0.98), "align": "right"}
        words = player.text(right, first.losses, "loss {:.4g}", diverged=lost(first), **place)
        next(iter(drawn.values()))[words] = lambda run: (run.losses, lost(run))
    else:
        below(right, seen)
    follow(player, lefts[0], named, drawn)
    return player


def _loss_axes(surface: Surface, runs: Sequence[Trajectory], ax: Axes) -> Callable[..., Tensor]:
    """Label and limit an Axes for the losses of these runs; returns what makes heights on it of losses.

    What is lower than the window, or zero, is just below it: the curve leaves at the bottom.
    """
    losses = torch.cat([run.losses.reshape(len(run.losses), -1) for run in runs], 1)
    diverged = torch.cat([run.diverged.flatten() for run in runs])
    label(ax, title="loss after each step", xlabel="step", ylabel="loss")
    known = losses[losses.isfinite()]
    if not surface.minima and not (len(known) and known.min() >= 0 and known.max() > 0):
        high, deep = highest(losses[0]), 6 * min(max(highest(losses[0].abs()), 0.1), HIGHEST)
        if len(known) and 0 < (spread := highest(losses[:, ~diverged]) - float(known.min())) < deep / 60:
            deep = 1.2 * spread
        ax.set(ylim=(high - deep, high + 0.4 * deep))
        return lambda losses: losses
    lowest = min((float(surface(torch.tensor(place, dtype=torch.float64))) for place in surface.minima), default=0.0)
    low, high = loss_limits(losses - lowest, diverged)
    label(ax, ylabel="loss above the lowest minimum" if lowest else "loss")
    log_axis(ax, 0.5 * low, 4 * high)
    return lambda losses: (losses - lowest).clamp(min=1e-9 * low)
