"""The heavy ball: its rate, and Nesterov's look ahead."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.patheffects import Normal, Stroke
from torch import Tensor

from gdviz import plots
from gdviz.descent import Trajectory
from gdviz.hyperparameters import Range, as_tensor
from gdviz.optimizers import Momentum, Nesterov
from gdviz.pictures.levels import without
from gdviz.pictures.words import label
from gdviz.player import Player
from gdviz.style import BLACK, GREEN, VERMILLION, ink
from gdviz.surfaces import Surface
from gdviz.theory import heavy_ball_rate
from gdviz.theory.rates import larger_root, refuse_other_runs
from gdviz.views.alive import follow, said
from gdviz.views.frames import lost, mark_look, mark_looks, pair


def rate_map(
    surface: Surface,
    trajectory: Trajectory,
    curvatures: Sequence[float],
    *,
    sliders: Mapping[str, Sequence[float]] | None = None,
    **options: Any,
) -> Player:
    """The heavy ball on a quadratic, and the map of its rate over lr and momentum with the current point.

    At the head two arrows, that add up to the next step: against the gradient, and along the velocity. On the map
    bright is slow, and beyond the thick line the ball diverges. The start can be dragged on the surface. Of an lr and a
    momentum that are Ranges the point can be dragged on the map.

    Args:
        surface: a quadratic of two parameters.
        trajectory: of Momentum, with one axis of runs for each of the sliders.
        curvatures: the smallest and the largest.
        sliders: name -> values.
        options: at=..., as for Player.

    Returns:
        The player.

    Raises:
        ValueError: other runs.

    Example:
        >>> from gdviz.descent import minimize
        >>> from gdviz.optimizers import Momentum, Range
        >>> from gdviz.surfaces import bowl
        >>> rule = Momentum(Range(0.01, 0.35, 0.1), Range(0, 0.97, 0.5))
        >>> player = rate_map(bowl(10), minimize(bowl(10), rule, (-8.0, 3.0), steps=40), (1, 10))
    """
    refuse_other_runs("the map", trajectory, Momentum)
    figure, left, right = pair(surface)
    rule: Any = trajectory.rule
    highest_rate = rule.lr.high if isinstance(rule.lr, Range) else float(as_tensor(rule.lr).max())
    lr, beta = torch.linspace(0, 1.08 * highest_rate, 181).double(), torch.linspace(0, 0.99, 181).double()
    worst = heavy_ball_rate(lr[None, :, None], beta[:, None, None], torch.tensor(curvatures)).amax(-1)
    stable = worst.where(worst <= 1, torch.nan)
    right.contourf(lr, beta, stable, levels=np.linspace(0.5, 1, 11), cmap="viridis", extend="min")
    with without("No contour levels were found"):  # where no rate of these is slow, or none diverges
        lines = right.contour(lr, beta, stable, levels=[0.7, 0.8, 0.9], colors="#ffffff", linewidths=1)
        right.contour(lr, beta, worst, levels=[1 - 1e-9], colors=ink(right), linewidths=3)
    for number in right.clabel(lines, fmt="%.1f", fontsize=15, colors=BLACK):
        number.set_path_effects([Stroke(linewidth=4, foreground="white"), Normal()])
    words = {"color": ink(right), "path_effects": plots.halo(right, 4), "weight": "bold", "size": 16}
    right.text(0.97, 0.05, "diverges", transform=right.transAxes, ha="right", **words)
    label(left, title="where does the ball roll?")
    label(right, title="what share of the error does a step leave?", ylim=(0, 0.99))
    label(right, xlabel="learning rate", ylabel="momentum")

    steps = {"step": range(trajectory.steps + 1)}
    player = Player(figure, steps | dict(sliders or {}), caption=trajectory.describe(), **options)

    def slope(run: Trajectory) -> Tensor:
        way = -as_tensor(run.rule.lr) * run.grads  # of the step that comes next
        return _ways(run.params, torch.cat([way, torch.zeros_like(run.params[:1])]))

    def carried(run: Trajectory) -> Tensor:
        return _ways(run.params, -as_tensor(run.rule.lr) * as_tensor(run.rule.momentum) * run.states.velocity)

    def both(run: Trajectory) -> tuple[Tensor, ...]:
        values = map(as_tensor, (run.rule.lr, run.rule.momentum))
        return tuple(torch.broadcast_tensors(*(one[..., 0] if one.ndim else one for one in values)))  # (*runs)

    def spot(run: Trajectory) -> Tensor:
        return torch.stack(both(run), -1)[None, ..., None, :]

    def factor(run: Trajectory) -> Tensor:
        lr, beta = (value[..., None] for value in both(run))
        return larger_root(lr, beta, torch.tensor(curvatures, dtype=torch.float64)).amax(-1)[None]

    words = player.text(left, trajectory.losses, "loss {:.3g}", diverged=lost(trajectory))
    drawn = {
        player.path(left, trajectory.params, **mark_look(rule)): lambda run: run.params,
        player.arrow(left, slope(trajectory), color=BLACK): slope,
        player.arrow(left, carried(trajectory), color=GREEN): carried,
        words: lambda run: (run.losses, lost(run)),
        player.points(right, spot(trajectory), color=VERMILLION, size=13, casing=3.5): spot,
        player.text(right, factor(trajectory), "factor {:.3f}", at=(0.97, 0.98), align="right"): factor,
    }
    spots = [{"kind": "turn", "ax": right, "dials": ("lr", "momentum")}]
    follow(player, left, trajectory, drawn, handles=spots)
    return player


def _ways(places: Tensor, ways: Tensor) -> Tensor:
    """Arrows (..., 2, 2) from these places along these ways."""
    return torch.stack([places, places + ways], -2)


def look_ahead(surface: Surface, ball: Trajectory, nesterov: Trajectory, **options: Any) -> Player:
    """Heavy ball and Nesterov side by side: the way along the velocity, then the way against the gradient.

    The black dot is where the gradient is measured: where the ball is, or where its velocity is about to carry it.

    Args:
        surface: of two parameters.
        ball: a run of Momentum.
        nesterov: a run of Nesterov.
        options: at=..., as for Player.

    Returns:
        The player.

    Raises:
        ValueError: other runs.

    Example:
        >>> from gdviz.descent import minimize
        >>> from gdviz.optimizers import Momentum, Nesterov
        >>> from gdviz.surfaces import ravine
        >>> surface = ravine()
        >>> both = [minimize(surface, kind(0.1, 0.8), surface.start, steps=30) for kind in (Momentum, Nesterov)]
        >>> player = look_ahead(surface, *both)
    """
    refuse_other_runs("the left side", ball, Momentum)
    refuse_other_runs("the right side", nesterov, Nesterov)
    figure, panels = plt.subplots(1, 2, figsize=(12, 4.8), sharey=True, layout="constrained")
    runs = {"heavy ball": ball, "Nesterov": nesterov}

    def place(run: Trajectory) -> Tensor:
        measured = run.params[:-1]
        if isinstance(run.rule, Momentum):
            return measured
        return measured - carried(run)  # torch's params of Nesterov look ahead already

    def carried(run: Trajectory) -> Tensor:
        return -as_tensor(run.rule.lr) * as_tensor(run.rule.momentum) * run.states.velocity[:-1]

    def along(run: Trajectory) -> Tensor:
        return _ways(place(run), carried(run))

    def slope(run: Trajectory) -> Tensor:
        return _ways(place(run) + carried(run), -as_tensor(run.rule.lr) * run.grads)

    def measured(run: Trajectory) -> Tensor:
        return run.params[:-1, None]

    player = Player(figure, {"step": range(ball.steps)}, caption=said(runs), **options)
    drawn: dict[str, dict] = {}
    looks = mark_looks({name: run.rule for name, run in runs.items()})
    for ax, (name, run) in zip(panels, runs.items()):
        plots.contours(surface, ax=ax)
        label(ax, title=name, xlabel="parameter x")
        drawn[name] = {
            player.path(ax, place(run), **looks[name] | {"size": 9}): place,
            player.arrow(ax, along(run), color=GREEN): along,
            player.arrow(ax, slope(run), color=BLACK): slope,
            player.points(ax, measured(run), color=BLACK, size=11): measured,
        }
    label(panels[0], ylabel="parameter y")
    follow(player, panels[0], runs, drawn)
    return player
