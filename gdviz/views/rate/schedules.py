"""Rates that change on the way, and many starts."""

from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import torch
from matplotlib.ticker import MaxNLocator
from torch import Tensor

from gdviz import plots
from gdviz.descent import Trajectory
from gdviz.pictures.limits import log_axis
from gdviz.pictures.words import label
from gdviz.player import Player
from gdviz.style import BLACK, BLUE, GREY, VERMILLION
from gdviz.surfaces import Surface
from gdviz.views.alive import follow
from gdviz.views.frames import highest, loss_limits, lost, pair


def schedules(surface: Surface, trajectory: Trajectory, rates: Tensor, names: Sequence[str], **options: Any) -> Player:
    """Schedules on one problem: the rate of each step, the path and the loss, a schedule for each position of a slider.

    The start can be dragged on the surface.

    Args:
        surface: of two parameters.
        trajectory: one axis of runs, the schedules.
        rates: (steps, schedules).
        names: of the schedules.
        options: at=..., as for Player.

    Returns:
        The player.

    Raises:
        ValueError: no step: the rate of each is shown.

    Example:
        >>> from gdviz.descent import minimize
        >>> from gdviz.optimizers import GradientDescent
        >>> from gdviz.surfaces import bowl
        >>> surface = bowl(10)
        >>> rates = torch.stack([torch.full((40,), 0.1), 0.18 * 0.95 ** torch.arange(40.0)], -1).double()
        >>> run = minimize(surface, lambda step: GradientDescent(lr=rates[step, :, None]), surface.start, steps=40)
        >>> player = schedules(surface, run, rates, ["constant", "decaying"])
    """
    if not len(rates):
        raise ValueError("schedules need at least one step: the rate of each is shown")
    figure, (top, left, right) = plt.subplots(1, 3, figsize=(13, 4.4), layout="constrained")
    plots.contours(surface, ax=left)
    label(top, title="learning rate", xlabel="step", ylabel="learning rate", ylim=(0, 1.15 * highest(rates) or 1))
    label(left, title=surface.name, xlabel="parameter x", ylabel="parameter y")
    floor, first = loss_limits(trajectory.losses, trajectory.diverged, least=1e-5)
    label(right, title="loss", xlabel="step", ylabel="loss")
    log_axis(right, 0.5 * floor, 8 * first)
    player = Player(
        figure, {"step": range(trajectory.steps + 1), "schedule": list(names)}, caption=trajectory.describe(), **options
    )
    used = torch.cat([rates, rates[-1:]])  # the last rate is shown at the last step, too
    player.curve(top, used, color=VERMILLION)
    path = player.path(left, trajectory.params)
    curve = player.curve(right, trajectory.losses.clamp(min=0.6 * floor))
    place = {"at": (0.97, 0.98), "align": "right"}
    words = player.text(right, trajectory.losses, "loss {:.3g}", diverged=lost(trajectory), **place)
    drawn = {
        path: lambda run: run.params,
        curve: lambda run: run.losses.clamp(min=1e-9 * floor),
        words: lambda run: (run.losses, lost(run)),
    }
    follow(player, left, trajectory, drawn)
    return player


def restarts(surface: Surface, trajectory: Trajectory, **options: Any) -> Player:
    """Random restarts: the descents from the first k starts, and the best loss that any of them has found.

    Args:
        surface: of two parameters.
        trajectory: one axis of runs, the restarts. The slider is k.
        options: at=..., as for Player.

    Returns:
        The player.

    Example:
        >>> from gdviz.descent import minimize
        >>> from gdviz.optimizers import GradientDescent
        >>> from gdviz.surfaces import himmelblau
        >>> starts = 8 * torch.rand(12, 2, generator=torch.Generator().manual_seed(0)).double() - 4
        >>> player = restarts(himmelblau(), minimize(himmelblau(), GradientDescent(lr=0.01), starts, steps=40))
    """
    many, ends = trajectory.runs[0], trajectory.losses[-1].where(~trajectory.diverged, torch.nan)
    ends = ends.nan_to_num(highest(trajectory.losses[0]))  # a restart that diverged has found nothing better
    figure, left, right = pair(surface)
    label(right, title="the best so far", xlabel="restarts", ylabel="loss", xlim=(0.5, many + 0.5))
    right.xaxis.set_major_locator(MaxNLocator(integer=True))
    spread = float(ends.max() - ends.min()) or 1.0
    right.set(ylim=(float(ends.min()) - 0.15 * spread, float(ends.max()) + 0.3 * spread))
    player = Player(figure, {"restarts": range(1, many + 1)}, caption=trajectory.describe(), **options)
    breaks = torch.full((1, many, 2), torch.nan, dtype=torch.float64)
    routes = torch.cat([trajectory.params, breaks]).transpose(0, 1)  # (restarts, steps + 2, 2), NaN between two paths
    begun = torch.ones(many, many).tril().bool()  # (k, restart): whether it is among the first k
    player.line(left, routes.where(begun[..., None, None], torch.nan).flatten(1, 2), color=BLUE, width=2)
    player.points(left, trajectory.params[-1].where(begun[..., None], torch.nan), color=BLACK, size=11)
    tries = torch.stack([torch.arange(1.0, many + 1).double(), ends], -1)
    player.points(right, tries.where(begun[..., None], torch.nan), color=GREY, size=9)
    player.curve(right, ends.cummin(0).values, color=BLUE)
    player.text(right, ends.cummin(0).values, "best loss {:.4g}", at=(0.97, 0.98), align="right")
    return player
