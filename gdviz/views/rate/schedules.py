"""Rates that change on the way."""

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
import torch
from torch import Tensor

from gdviz import plots
from gdviz.descent import Trajectory
from gdviz.pictures.limits import log_axis
from gdviz.pictures.words import label
from gdviz.player import Player
from gdviz.style import BLACK, BLUE, GREEN, PURPLE, VERMILLION
from gdviz.surfaces import Surface
from gdviz.views.alive import follow
from gdviz.views.frames import below, depth, highest, loss_limits

LOOKS = (  # one for each schedule: told apart without colours, too
    {"color": BLACK, "marker": "o"},
    {"color": BLUE, "marker": "s"},
    {"color": VERMILLION, "marker": "D"},
    {"color": GREEN, "marker": "^"},
    {"color": PURPLE, "marker": "o"},
    {"color": BLUE, "dash": (2, 1), "marker": "^"},
    {"color": VERMILLION, "dash": (2, 1), "marker": "o"},
    {"color": GREEN, "dash": (2, 1), "marker": "s"},
)


def schedules(surface: Surface, runs: Mapping[str, Trajectory], **options: Any) -> Player:
    """Schedules on one problem, laid over each other: the rate of each step, the paths and the losses.

    The start can be dragged on the surface, and a number of a Schedule that is a Range can be turned.

    Args:
        surface: of two parameters.
        runs: single descents, by the names of their schedules; of equally many steps.
        options: at=..., as for Player.

    Returns:
        The player.

    Raises:
        ValueError: none, or more than eight; no step; a sweep; a rule without a learning rate.

    Example:
        >>> from gdviz.descent import minimize
        >>> from gdviz.optimizers import GradientDescent, Range, Schedule
        >>> from gdviz.surfaces import bowl
        >>> surface, factor = bowl(10), Range(0.8, 1.0, 0.95)
        >>> rules = {"constant": GradientDescent(lr=0.1)}
        >>> rules["decaying"] = Schedule(rules["constant"], lambda t, factor: 0.18 * factor**t, factor=factor)
        >>> runs = {name: minimize(surface, rule, surface.start, steps=40) for name, rule in rules.items()}
        >>> player = schedules(surface, runs)
    """
    _refuse(runs)
    figure, (top, left, right) = plt.subplots(1, 3, figsize=(13, 4.4), layout="constrained")
    plots.contours(surface, ax=left, levels=8)
    rates, losses = (torch.stack([getattr(run, name) for run in runs.values()], -1) for name in ("lrs", "losses"))
    label(top, title="rate of each step", xlabel="step", ylabel="learning rate", ylim=(0, 1.15 * highest(rates) or 1))
    label(left, title=surface.name, xlabel="parameter x", ylabel="parameter y")
    diverged = torch.stack([run.diverged for run in runs.values()])
    below_zero = depth(surface)
    floor, first = loss_limits(losses - below_zero, diverged, least=1e-5)
    words = "loss above the lowest minimum" if below_zero else "loss"
    label(right, title="loss after each step", xlabel="step", ylabel=words)
    log_axis(right, 0.5 * floor, 8 * first)
    below(
        top,
        {name: {"dash": (), **given} for name, given in zip(runs, LOOKS)},
        at=(-0.25, -0.2),
        handlelength=1.6,
        columnspacing=1,
    )
    player = Player(figure, {"step": range(len(losses))}, caption=_ends(runs), **options)

    def used(run: Trajectory) -> Tensor:
        lrs: Any = run.lrs
        return torch.cat([lrs, lrs[-1:]])  # the last rate is shown at the last step, too

    def heights(run: Trajectory, share: float = 1e-9) -> Tensor:
        return (run.losses - below_zero).clamp(min=share * floor)

    drawn: dict[str, dict[Any, Any]] = {}
    for (name, run), given in zip(runs.items(), LOOKS):
        drawn[name] = {
            player.curve(top, used(run), **given): used,
            player.path(left, run.params, **given | {"width": 2, "dots": 0}): lambda run: run.params,
            player.curve(right, heights(run, 0.6), **given): heights,
        }
    follow(player, left, runs, drawn, _ends)
    return player


def _ends(runs: Mapping[str, Trajectory]) -> str:
    first = next(iter(runs.values()))
    place = ", ".join(f"{value:.4g}" for value in first.params[0].tolist())
    ends = (f"{name}: {float(run.losses[-1]):.3g}{' (diverged)' * bool(run.diverged)}" for name, run in runs.items())
    return f"{first.steps} steps from ({place}), loss {float(first.losses[0]):.3g}. At the end: {', '.join(ends)}."


def _refuse(runs: Mapping[str, Trajectory]) -> None:
    if not 0 < len(runs) <= len(LOOKS):
        raise ValueError(f"give 1 to {len(LOOKS)} runs by name, got {len(runs)}")
    if len({run.steps for run in runs.values()}) > 1 or not next(iter(runs.values())).steps:
        steps = [run.steps for run in runs.values()]
        raise ValueError(
            f"schedules need runs of equally many steps, at least one: the rate of each is shown; got {steps}"
        )
    for name, run in runs.items():
        if run.runs or run.lrs is None:
            given = f"runs {run.runs}" if run.runs else f"{type(run.rule).__name__}, which has no single learning rate"
            raise ValueError(f"{name!r} must be a single descent of a rule with lr, got {given}")
