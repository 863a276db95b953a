"""What single steps look like: what Lion hears, how long the first steps are, and the three points of schedule-free."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import matplotlib.pyplot as plt
import torch
from torch import Tensor

from gdviz.descent import Trajectory
from gdviz.hyperparameters import as_tensor
from gdviz.optimizers import Lion, Schedule, ScheduleFreeSGD
from gdviz.pictures.limits import HIGHEST, log_axis, step_limits
from gdviz.pictures.words import label
from gdviz.player import Player
from gdviz.player.templates import escaped
from gdviz.style import BLACK, BLUE, GREY, VERMILLION, ink
from gdviz.theory.rates import refuse_other_runs
from gdviz.views.alive import follow, said
from gdviz.views.frames import below, highest, mark_look, mark_looks


def heard(trajectory: Trajectory, **options: Any) -> Player:
    """Lion on gradients of one parameter: beta1 m + (1 - beta1) g, whose sign it steps by, and where it is.

    What is given as a Range can be turned.

    Args:
        trajectory: a single run of Lion, of one parameter.
        options: at=..., as for Player.

    Returns:
        The player.

    Raises:
        ValueError: other runs.

    Example:
        >>> from gdviz.descent import minimize
        >>> from gdviz.optimizers import Lion, Range
        >>> rule = Lion(lr=0.1, beta2=Range(0.5, 0.999, 0.99))
        >>> player = heard(minimize(lambda w: w.square().sum(-1), rule, [1.0], steps=40))
    """
    refuse_other_runs("what Lion hears", trajectory, Lion)
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4.8), layout="constrained")
    steps = range(trajectory.steps + 1)
    label(left, title="what it takes the sign of", xlabel="step", ylabel="β₁m + (1 − β₁)g")
    left.axhline(0, color=ink(left, GREY), linewidth=1)
    label(right, title="where it is", xlabel="step", ylabel="parameter w")
    left.set_xlim(step_limits(steps))

    def signed(run: Trajectory) -> Tensor:
        beta1 = as_tensor(run.rule.beta1).double()
        mixed = (beta1 * run.states.m[:-1] + (1 - beta1) * run.grads)[:, 0]
        return torch.cat([mixed[:1], mixed])  # at step t, what led there

    def place(run: Trajectory) -> Tensor:
        return run.params[:, 0]

    most = 1.05 * max(1.0, highest(signed(trajectory).abs()))
    left.set_ylim(-most, most)
    player = Player(figure, {"step": steps}, caption=trajectory.describe(), **options)
    drawn = {
        player.curve(left, signed(trajectory), **mark_look(trajectory.rule)): signed,
        player.curve(right, place(trajectory), **mark_look(trajectory.rule)): place,
        player.text(left, signed(trajectory), "{:+.3f}", at=(0.97, 0.14), align="right", color=VERMILLION): signed,
    }
    follow(player, None, trajectory, drawn)
    return player


def first_steps(runs: Mapping[str, Trajectory], **options: Any) -> Player:
    """The size of each step down a slope of 1 with the rate 1, so in rates: how each rule begins.

    What is given as a Range can be turned. A schedule has a look of its own, whatever its rule.

    Args:
        runs: by name, each a single run of one parameter.
        options: at=..., as for Player.

    Returns:
        The player.

    Example:
        >>> from gdviz.descent import minimize
        >>> from gdviz.optimizers import Adam, AdamW, Range
        >>> beta2 = Range(0.9, 0.999, 0.99)
        >>> rules = {"Adam": Adam(lr=1.0, beta2=beta2), "AdamW": AdamW(lr=1.0, beta2=beta2)}
        >>> player = first_steps({name: minimize(lambda w: w.sum(-1), rule, [0.0], 30) for name, rule in rules.items()})
    """
    figure, ax = plt.subplots(figsize=(7, 5), layout="constrained")
    steps = range(next(iter(runs.values())).steps + 1)
    label(ax, title="size of each step", xlabel="step", ylabel="size in lr", xlim=step_limits(steps))
    looks = mark_looks({name: name if isinstance(run.asked, Schedule) else run.rule for name, run in runs.items()})
    below(ax, looks, columns=2, at=(-0.05, -0.17))

    def size(run: Trajectory) -> Tensor:
        sizes = run.params.diff(dim=0).abs()[:, 0]
        return torch.cat([sizes[:1], sizes])

    ax.set_ylim(0, max(1.9, *(1.4 * min(highest(size(run)), HIGHEST / 2) for run in runs.values())))
    player = Player(figure, {"step": steps}, caption=said(runs), **options)
    drawn: dict[str, dict] = {}
    for row, (name, run) in enumerate(runs.items()):
        words: dict[str, Any] = {"color": looks[name]["color"], "at": (0.98, 0.98 - 0.09 * row), "align": "right"}
        text = player.text(ax, size(run), f"{escaped(name)}: {{:.4f}} lr", **words)
        drawn[name] = {player.curve(ax, size(run), **looks[name]): size, text: size}
    follow(player, None, runs, drawn)
    return player


def three_points(trajectory: Trajectory, curvature: float = 1.0, **options: Any) -> Player:
    """Schedule-free descent in a parabola around 0: how far z, y and x are from the minimum, and the limit of the rate.

    What is given as a Range can be turned.

    Args:
        trajectory: a single run of ScheduleFreeSGD, of one parameter.
        curvature: of the parabola.
        options: at=..., as for Player.

    Returns:
        The player.

    Raises:
        ValueError: other runs.

    Example:
        >>> from gdviz.descent import minimize
        >>> from gdviz.optimizers import Range, ScheduleFreeSGD
        >>> rule = ScheduleFreeSGD(lr=Range(0.1, 25, 1.0, log=True), beta=0.9)
        >>> player = three_points(minimize(lambda w: w[..., 0] ** 2 / 2, rule, [5.0], steps=60))
    """
    refuse_other_runs("the three points", trajectory, ScheduleFreeSGD)
    figure, ax = plt.subplots(figsize=(7, 5.6), layout="constrained")
    steps = range(trajectory.steps + 1)
    label(ax, title="distance from the minimum", xlabel="step", ylabel="distance", xlim=step_limits(steps))
    log_axis(ax, 1e-3, 1e5)
    looks = {
        "z, where the steps are made": {"color": GREY, "dash": (1, 1), "marker": "s"},
        "y, where the gradient is taken": {"color": BLUE, "dash": (3, 1.5), "marker": "D"},
        "x, the mean of all z": {"color": VERMILLION, "dash": (), "marker": "o"},
    }
    below(ax, looks, columns=3)

    def distance(run: Trajectory, point: str) -> Tensor:
        place = run.params if point == "y" else getattr(run.states, point)
        return place[:, 0].abs().clamp(min=1e-9)

    def limit(run: Trajectory) -> Tensor:
        lr, beta = (as_tensor(value).double() for value in (run.rule.lr, run.rule.beta))
        return torch.stack([lr, 2 / ((1 - beta) * curvature)]).reshape(1, 2)

    player = Player(figure, {"step": steps}, caption=trajectory.describe(), **options)
    drawn: dict[Any, Callable] = {}
    for row, (name, look) in enumerate(looks.items()):
        point = partial(distance, point=name[0])
        drawn[player.curve(ax, point(trajectory), **look)] = point
        at = {"at": (0.98, 0.98 - 0.09 * row), "align": "right", "color": look["color"]}
        drawn[player.text(ax, point(trajectory), f"|{name[0]}| = {{:.3g}}", **at)] = point
    words = player.text(ax, limit(trajectory), "rate {:.3g}, limit {:.3g}", at=(0.03, 0.98), color=BLACK)
    follow(player, None, trajectory, drawn | {words: limit})
    return player
