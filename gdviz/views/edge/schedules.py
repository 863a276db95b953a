"""Rates by a formula of the step, and what they leave of the loss."""

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
import torch
from torch import Tensor

from gdviz.descent import Trajectory
from gdviz.hyperparameters import whole
from gdviz.pictures.limits import log_axis, step_limits
from gdviz.pictures.words import label
from gdviz.player import Player
from gdviz.player.templates import escaped
from gdviz.views.alive import follow
from gdviz.views.frames import beneath, highest, loss_limits
from gdviz.views.rate.schedules import LOOKS

ROW = 0.08  # of the height of an Axes, for a line of words


def schedules(runs: Mapping[str, Trajectory], *, every: int = 10, **options: Any) -> Player:
    """The rates of some schedules, and the losses that they lead to.

    A number of a Schedule, or of its rule, that is a Range can be turned.

    Args:
        runs: by name, single runs of equally many steps, such as those of theory.RiverValley.
        every: how many steps lie between two that are shown.
        options: at=..., as for Player.

    Returns:
        The player.

    Raises:
        ValueError: none, or more than eight; a sweep, a rule without a rate, unequal steps.

    Example:
        >>> from gdviz.descent import minimize
        >>> from gdviz.optimizers import Range, Schedule, cosine, warmup_stable_decay
        >>> from gdviz.theory import RiverValley
        >>> lr, valley = Range(0.05, 1.9, 0.5), RiverValley(lr=0.5)
        >>> rules = {"cosine": Schedule(valley, cosine, lr=lr, steps=100)}
        >>> rules["stable, then decay"] = Schedule(valley, warmup_stable_decay, lr=lr, steps=100)
        >>> player = schedules({name: minimize(valley.loss, rule, [0.0, 100.0], 100) for name, rule in rules.items()})
    """
    every = whole("every", every)
    _refuse(runs)
    steps = range(0, next(iter(runs.values())).steps + 1, every)
    figure, (left, right) = plt.subplots(1, 2, figsize=(12.5, 5), layout="constrained")
    rates, losses = (torch.stack([getattr(run, name) for run in runs.values()], -1) for name in ("lrs", "losses"))
    label(left, title="learning rate", xlabel="step", ylabel="learning rate", ylim=(0, 1.15 * highest(rates) or 1))
    label(right, title="loss", xlabel="step", ylabel="loss", xlim=step_limits(steps))
    left.set_xlim(step_limits(steps))
    diverged = torch.stack([run.diverged for run in runs.values()])
    floor, first = loss_limits(losses, diverged, least=1e-5)
    low, high = 0.5 * floor, max(first, highest(losses[:, ~diverged]))
    log_axis(right, low, low * (high / low) ** (1 / (0.94 - ROW * len(runs))))  # room for the words above
    looks = {name: {"dash": (), **given} for name, given in zip(runs, LOOKS)}
    beneath(figure, looks)

    def used(run: Trajectory) -> Tensor:
        lrs: Any = run.lrs
        return torch.cat([lrs, lrs[-1:]])[::every]

    def heights(run: Trajectory) -> Tensor:
        return run.losses[::every]

    player = Player(figure, {"step": steps}, caption=_ends(runs), **options)
    drawn: dict[str, dict[Any, Any]] = {}
    for row, (name, run) in enumerate(runs.items()):
        words: dict[str, Any] = {"color": looks[name]["color"], "at": (0.97, 0.98 - ROW * row), "align": "right"}
        drawn[name] = {
            player.curve(left, used(run), **looks[name]): used,
            player.curve(right, heights(run), **looks[name]): heights,
            player.text(right, heights(run), f"{escaped(name)}: {{:.3g}}", **words): heights,
        }
    follow(player, None, runs, drawn, _ends)
    return player


def _ends(runs: Mapping[str, Trajectory]) -> str:
    ends = ", ".join(f"{name}: {float(run.losses[-1]):.3g}" for name, run in runs.items())
    return f"Losses after {next(iter(runs.values())).steps} steps: {ends}."


def _refuse(runs: Mapping[str, Trajectory]) -> None:
    if not 0 < len(runs) <= len(LOOKS):
        raise ValueError(f"give 1 to {len(LOOKS)} runs by name, got {len(runs)}")
    steps = {name: run.steps for name, run in runs.items()}
    if len(set(steps.values())) > 1 or 0 in steps.values():
        raise ValueError(f"schedules need runs of equally many steps, at least one; got {steps}")
    for name, run in runs.items():
        if run.runs or run.lrs is None:
            given = f"runs {run.runs}" if run.runs else f"{type(run.rule).__name__}, which has no single learning rate"
            raise ValueError(f"{name!r} must be a single descent of a rule with lr, got {given}")
