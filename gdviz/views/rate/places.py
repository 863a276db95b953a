"""What a place decides: how the loss is curved there, and which minimum a descent reaches from it."""

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
import torch
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from torch import Tensor

from gdviz import plots, theory
from gdviz.descent import Trajectory, minimize
from gdviz.hyperparameters import Range
from gdviz.pictures.limits import HIGHEST, log_axis
from gdviz.pictures.words import label
from gdviz.player import Player
from gdviz.style import BLACK, BLUE, GREY, VERMILLION
from gdviz.surfaces import Surface
from gdviz.views.alive import follow
from gdviz.views.frames import depth, highest, loss_limits, lost, pair


def curvature(surface: Surface, trajectory: Trajectory, *, levels: Any = 12, **options: Any) -> Player:
    """A descent and the largest curvature where it is, against the limit 2 / lr: its path, both, and its loss.

    The start can be dragged, and a rate that is a Range be turned.

    Args:
        surface: of two parameters.
        trajectory: a single run of a rule with lr.
        levels: as for plots.contours.
        options: at=..., as for Player.

    Returns:
        The player.

    Raises:
        ValueError: a sweep, no step, or a rule without a learning rate.

    Example:
        >>> from gdviz.descent import minimize
        >>> from gdviz.optimizers import GradientDescent, Range
        >>> from gdviz.surfaces import rosenbrock
        >>> lr = Range(0.0005, 0.0025, 0.0019)
        >>> player = curvature(rosenbrock(), minimize(rosenbrock(), GradientDescent(lr), rosenbrock().start, steps=60))
    """
    if trajectory.runs or trajectory.lrs is None or not trajectory.steps:
        given = f"{trajectory.steps} steps of {type(trajectory.rule).__name__}, runs {trajectory.runs}"
        raise ValueError(f"curvature is of a single run of a rule with lr, with at least one step; got {given}")
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(13, 4.4), layout="constrained")
    plots.contours(surface, ax=left, levels=levels)
    label(left, title=surface.name, xlabel="parameter x", ylabel="parameter y")
    label(middle, title="curvature under the point", xlabel="step", ylabel="largest curvature")
    below_zero = depth(surface)
    words = "loss above the lowest minimum" if below_zero else "loss"
    label(right, title="loss after each step", xlabel="step", ylabel=words)
    floor, first = loss_limits(trajectory.losses - below_zero, trajectory.diverged)
    log_axis(right, min(0.5 * floor, 1e-4 * first), 8 * first)
    lr = trajectory.rule.lr
    ends = torch.tensor([lr.low, lr.high], dtype=torch.float64) if isinstance(lr, Range) else trajectory.lrs
    _curvature_axis(middle, surface, ends)
    player = Player(figure, {"step": range(trajectory.steps + 1)}, caption=trajectory.describe(), **options)

    def largest(run: Trajectory) -> Tensor:
        return theory.curvatures(surface, run.params)[..., 1]

    def limit(run: Trajectory) -> Tensor:
        lrs: Any = run.lrs
        return 2 / torch.cat([lrs, lrs[-1:]])

    def heights(run: Trajectory) -> Tensor:
        return (run.losses - below_zero).clamp(min=1e-9 * floor)

    place = {"at": (0.97, 0.98), "align": "right"}
    drawn = {
        player.path(left, trajectory.params): lambda run: run.params,
        player.curve(middle, limit(trajectory), color=VERMILLION, dash=(2, 1)): limit,
        player.curve(middle, largest(trajectory), color=BLUE): largest,
        player.text(middle, largest(trajectory), "curvature {:.4g}", color=BLUE, **place): largest,
        player.text(middle, limit(trajectory), "2/lr {:.4g}", color=VERMILLION, **place | {"at": (0.97, 0.88)}): limit,
        player.curve(right, heights(trajectory)): heights,
        player.text(right, trajectory.losses, "loss {:.4g}", diverged=lost(trajectory), **place): lambda run: (
            run.losses,
            lost(run),
        ),
    }
    follow(player, left, trajectory, drawn)
    return player


def _curvature_axis(ax: Axes, surface: Surface, rates: Tensor) -> None:
    """Limits that hold the curvatures of the window and 2 / rate of these; log where all are positive."""
    x, y, _ = surface.mesh(31)
    found = theory.curvatures(surface, torch.stack(torch.meshgrid(x, y, indexing="xy"), -1))[..., 1]
    every = torch.cat([found.flatten(), 2 / rates])
    every = every[torch.isfinite(every)]
    low, high = float(every.min()), min(highest(every), HIGHEST)
    if low > 0:
        log_axis(ax, low / 1.5, 1.5 * high)
    else:
        room = 0.1 * (high - low) or 1
        ax.set(ylim=(low - room, high + room))


def basins(surface: Surface, runs: Mapping[str, Trajectory], **options: Any) -> Player:
    """Which minimum each start leads to, for each of some rules, and the descent of each from a start that one drags.

    Args:
        surface: of two parameters, with minima.
        runs: single runs by name; their rules are followed from 101 x 101 starts for as many steps.
        options: at=..., as for Player.

    Returns:
        The player.

    Raises:
        ValueError: none, a sweep, or runs of unequal steps.

    Example:
        >>> from gdviz.descent import minimize
        >>> from gdviz.optimizers import GradientDescent
        >>> from gdviz.surfaces import himmelblau
        >>> rules = {f"learning rate {lr}": GradientDescent(lr) for lr in (0.004, 0.0145)}
        >>> runs = {name: minimize(himmelblau(), rule, (-1.0, 2.0), steps=40) for name, rule in rules.items()}
        >>> player = basins(himmelblau(), runs)
    """
    steps = {run.steps for run in runs.values()}
    if len(steps) != 1 or any(run.runs for run in runs.values()):
        raise ValueError(f"give single runs of equally many steps, by name; got {len(runs)} of {sorted(steps)} steps")
    figure, (panels,) = plt.subplots(1, len(runs), figsize=(5.5 * len(runs), 5), squeeze=False, layout="constrained")
    x, y, _ = surface.mesh(101)
    starts = torch.stack(torch.meshgrid(x, y, indexing="xy"), -1)
    for ax, (name, run) in zip(panels, runs.items()):
        plots.basins(surface, starts, minimize(surface, run.asked, starts, run.steps).params[-1], ax=ax)
        label(ax, title=name)
    player = Player(figure, {"step": range(steps.pop() + 1)}, caption=_where(runs), **options)
    drawn: dict[str, dict[Any, Any]] = {
        name: {player.path(ax, run.params, color=BLACK): lambda run: run.params}
        for ax, (name, run) in zip(panels, runs.items())
    }
    follow(player, panels[0], runs, drawn, _where, handles=[{"kind": "start", "ax": ax} for ax in panels[1:]])
    return player


def _where(runs: Mapping[str, Trajectory]) -> str:
    ends = {
        name: ["(" + ", ".join(f"{value:.3g}" for value in place) + ")" for place in run.params[[0, -1]].tolist()]
        for name, run in runs.items()
    }
    steps = next(iter(runs.values())).steps
    return " ".join(f"{name}: {steps} steps from {start} lead to {end}." for name, (start, end) in ends.items())


def restarts(surface: Surface, trajectory: Trajectory, **options: Any) -> Player:
    """Random restarts: the descents from the first k starts, and the best loss that any of them has found.

    Args:
        surface: of two parameters.
        trajectory: one axis of runs, the restarts. The slider is k.
        options: at=..., as for Player.

    Returns:
        The player.

    Raises:
        ValueError: a single run, or more axes of runs.

    Example:
        >>> from gdviz.descent import minimize
        >>> from gdviz.optimizers import GradientDescent
        >>> from gdviz.surfaces import himmelblau
        >>> starts = 8 * torch.rand(12, 2, generator=torch.Generator().manual_seed(0)).double() - 4
        >>> player = restarts(himmelblau(), minimize(himmelblau(), GradientDescent(lr=0.01), starts, steps=40))
    """
    if len(trajectory.runs) != 1:
        raise ValueError(
            f"restarts are one axis of runs, give several starts (restarts, 2); got runs {trajectory.runs}"
        )
    many, ends = trajectory.runs[0], trajectory.losses[-1].where(~trajectory.diverged, torch.nan)
    ends = ends.nan_to_num(highest(trajectory.losses[0]))  # a restart that diverged has found nothing better
    figure, left, right = pair(surface, levels=8)
    label(right, title="the best so far", xlabel="restarts", ylabel="loss", xlim=(0.5, many + 0.5))
    right.xaxis.set_major_locator(MaxNLocator(integer=True))
    spread = float(ends.max() - ends.min()) or 1.0
    right.set(ylim=(float(ends.min()) - 0.15 * spread, float(ends.max()) + 0.3 * spread))
    player = Player(
        figure,
        {"restarts": range(1, many + 1)},
        caption=trajectory.describe(),
        opening=trajectory.describe(ended=False),
        **options,
    )
    breaks = torch.full((1, many, 2), torch.nan, dtype=torch.float64)
    every = -(-many * many * trajectory.steps // 200_000) or 1  # each k has the paths of all before, and 4 MB travel
    ways = torch.cat([trajectory.params[:-1:every], trajectory.params[-1:]])
    routes = torch.cat([ways, breaks]).transpose(0, 1)  # (restarts, steps + 2, 2), NaN between two paths
    begun = torch.ones(many, many).tril().bool()  # (k, restart): whether it is among the first k
    player.line(left, routes.where(begun[..., None, None], torch.nan).flatten(1, 2), color=BLUE, width=2)
    player.points(left, trajectory.params[-1].where(begun[..., None], torch.nan), color=BLACK, size=11)
    tries = torch.stack([torch.arange(1.0, many + 1).double(), ends], -1)
    player.points(right, tries.where(begun[..., None], torch.nan), color=GREY, size=9)
    player.curve(right, ends.cummin(0).values, color=BLUE)
    player.text(right, ends.cummin(0).values, "best loss {:.4g}", at=(0.97, 0.98), align="right")
    return player
