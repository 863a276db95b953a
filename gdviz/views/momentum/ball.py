"""The heavy ball: its rate, and Nesterov's look ahead."""

from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.patheffects import Normal, Stroke

from gdviz import plots
from gdviz.descent import Trajectory
from gdviz.optimizers import Momentum, Nesterov
from gdviz.pictures.words import label
from gdviz.player import Player
from gdviz.plots.levels import without
from gdviz.style import BLACK, GREEN, VERMILLION, ink
from gdviz.surfaces import Surface
from gdviz.theory import heavy_ball_rate
from gdviz.theory.rates import refuse_other_runs
from gdviz.views.frames import lost, mark_look, pair


def rate_map(
    surface: Surface,
    trajectory: Trajectory,
    rates: Sequence[float],
    momenta: Sequence[float],
    curvatures: Sequence[float],
    **options: Any,
) -> Player:
    """The heavy ball on a quadratic, with lr and momentum on sliders, and the map of its rate with the current point.

    At the head two arrows, that add up to the next step: against the gradient, and along the velocity. On the map
    bright is slow, and beyond the thick line the ball diverges.

    Args:
        surface: a quadratic of two parameters.
        trajectory: two axes of runs, the rates and the momenta.
        rates: the values of the first.
        momenta: the values of the second.
        curvatures: the smallest and the largest.
        options: at=..., as for Player.

    Returns:
        The player.

    Raises:
        ValueError: other runs.

    Example:
        >>> from gdviz.descent import grid, minimize
        >>> from gdviz.optimizers import Momentum
        >>> from gdviz.surfaces import bowl
        >>> rates, momenta = [0.02, 0.1, 0.2], [0.0, 0.5, 0.9]
        >>> run = minimize(bowl(10), Momentum(**grid(lr=rates, momentum=momenta)), (-8.0, 3.0), steps=40)
        >>> player = rate_map(bowl(10), run, rates, momenta, (1, 10))
    """
    refuse_other_runs("the map", trajectory, Momentum)
    figure, left, right = pair(surface)
    lr, beta = torch.linspace(0, 1.08 * max(rates), 181).double(), torch.linspace(0, 0.99, 181).double()
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
    label(right, title="share of the error left by a step", xlabel="learning rate", ylabel="momentum", ylim=(0, 0.99))

    sliders = {"step": range(trajectory.steps + 1), "learning rate": rates, "momentum": momenta}
    player = Player(figure, sliders, caption=trajectory.describe(), **options)
    player.path(left, trajectory.params, **mark_look(trajectory.rule))
    lrs, betas = (torch.as_tensor(values, dtype=torch.float64) for values in (rates, momenta))
    still = torch.zeros_like(trajectory.params[:1])
    slope = torch.cat([-lrs[:, None, None] * trajectory.grads, still])  # of the step that comes next
    carried = -lrs[:, None, None] * betas[:, None] * trajectory.states.velocity
    player.arrow(left, torch.stack([trajectory.params, trajectory.params + slope], -2), color=BLACK)
    player.arrow(left, torch.stack([trajectory.params, trajectory.params + carried], -2), color=GREEN)
    player.text(left, trajectory.losses, "loss {:.3g}", diverged=lost(trajectory))
    spots = torch.stack(torch.broadcast_tensors(lrs[:, None], betas), -1)[None, ..., None, :]
    player.points(right, spots, color=VERMILLION, size=13, casing=3.5)
    here = heavy_ball_rate(lrs[:, None, None], betas[:, None], torch.tensor(curvatures)).amax(-1)
    player.text(right, here[None], "factor {:.3f}", at=(0.97, 0.98), align="right")
    return player


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
    sliders = {"step": range(ball.steps)}
    player = Player(figure, sliders, caption=f"{ball.describe()} {nesterov.describe()}", **options)
    for ax, run, name in zip(panels, (ball, nesterov), ("heavy ball", "Nesterov")):
        plots.contours(surface, ax=ax)
        label(ax, title=name, xlabel="parameter x")
        carried = -run.rule.lr * run.rule.momentum * run.states.velocity[:-1]
        slope = -run.rule.lr * run.grads
        measured = run.params[:-1]
        place = measured if run is ball else measured - carried  # torch's params of Nesterov look ahead already
        player.path(ax, place, **mark_look(run.rule) | {"size": 9})
        player.arrow(ax, torch.stack([place, place + carried], -2), color=GREEN)
        player.arrow(ax, torch.stack([place + carried, place + carried + slope], -2), color=BLACK)
        player.points(ax, measured[:, None], color=BLACK, size=11)
    label(panels[0], ylabel="parameter y")
    return player
