"""A gradient that is cut to a length: its path, and its length before and after."""

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
import torch
from torch import Tensor

from gdviz import plots
from gdviz.descent import Trajectory
from gdviz.pictures.limits import log_axis, step_limits
from gdviz.pictures.words import label
from gdviz.player import Player
from gdviz.surfaces import Surface
from gdviz.views.alive import follow, said
from gdviz.views.frames import beneath, highest
from gdviz.views.rate.schedules import LOOKS


def clipping(surface: Surface, runs: Mapping[str, Trajectory], **options: Any) -> Player:
    """The paths of descents with and without clipping, the length of each gradient, and what is left of it.

    The start can be dragged, and what is a Range be turned.

    Args:
        surface: of two parameters.
        runs: by name, single runs of equally many steps; of ClippedByNorm or ClippedByValue, or of another rule, whose
            gradient is left as it is.
        options: at=..., as for Player.

    Returns:
        The player.

    Raises:
        ValueError: none, or more than eight; a sweep, unequal steps.

    Example:
        >>> from gdviz.descent import minimize
        >>> from gdviz.optimizers import ClippedByNorm, GradientDescent, Range
        >>> from gdviz.surfaces import beale
        >>> lr, most = Range(0.001, 0.1, 0.02, log=True), Range(0.1, 10, 1.0, log=True)
        >>> rules = {"plain": GradientDescent(lr), "clipped": ClippedByNorm(lr, most)}
        >>> player = clipping(beale(), {name: minimize(beale(), rule, (3.0, 1.5), 40) for name, rule in rules.items()})
    """
    _refuse(runs)
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(13, 4.6), layout="constrained")
    steps = range(next(iter(runs.values())).steps + 1)
    plots.contours(surface, ax=left, levels=10)
    label(left, title=surface.name, xlabel="parameter x", ylabel="parameter y")
    label(middle, title="length of the gradient", xlabel="step", ylabel="length", xlim=step_limits(steps))
    label(right, title="its length after clipping", xlabel="step", ylabel="length", xlim=step_limits(steps))
    longest = highest(torch.stack([run.grads[0].norm() for run in runs.values()])) or 1.0
    for ax in (middle, right):
        log_axis(ax, 1e-4 * longest, 50 * longest)
    looks = {name: {"dash": (), **given} for name, given in zip(runs, LOOKS)}
    beneath(figure, looks)

    def before(run: Trajectory) -> Tensor:
        return _length(run.grads)

    def after(run: Trajectory) -> Tensor:
        return _length(run.rule.clipped(run.grads) if hasattr(run.rule, "clipped") else run.grads)

    player = Player(figure, {"step": steps}, caption=said(runs), **options)
    drawn: dict[str, dict[Any, Any]] = {
        name: {
            player.path(left, run.params, **looks[name], dots=4): lambda run: run.params,
            player.curve(middle, before(run), **looks[name]): before,
            player.curve(right, after(run), **looks[name]): after,
        }
        for name, run in runs.items()
    }
    follow(player, left, runs, drawn)
    return player


def _length(grads: Tensor) -> Tensor:
    """(steps + 1,): the lengths of the gradients; at the end the last one."""
    lengths = grads.square().sum(-1).sqrt().clamp(min=1e-12)
    return torch.cat([lengths, lengths[-1:]])


def _refuse(runs: Mapping[str, Trajectory]) -> None:
    if not 0 < len(runs) <= len(LOOKS):
        raise ValueError(f"give 1 to {len(LOOKS)} runs by name, got {len(runs)}")
    steps = {name: run.steps for name, run in runs.items()}
    if len(set(steps.values())) > 1 or 0 in steps.values():
        raise ValueError(f"clipping needs runs of equally many steps, at least one; got {steps}")
    for name, run in runs.items():
        if run.runs or run.params.shape[-1] != 2:
            given = f"runs {run.runs} of {run.params.shape[-1]} parameters"
            raise ValueError(f"{name!r} must be a single descent of two parameters, got {given}")
