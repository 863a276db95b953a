"""The edge of stability: all curvatures of the loss of a small network along its descent."""

from typing import Any

import matplotlib.pyplot as plt
import torch
from torch import Tensor

from gdviz import theory
from gdviz.descent import Trajectory
from gdviz.hyperparameters import as_tensor, whole
from gdviz.optimizers import GradientDescent, Momentum
from gdviz.pictures.limits import log_axis, step_limits
from gdviz.pictures.words import label
from gdviz.player import Player
from gdviz.player.sliders import labels_of
from gdviz.style import BLUE, GREY, PALE, VERMILLION, ink
from gdviz.views.frames import highest, loss_limits, lost

SWEPT = {"lr": "learning rate", "momentum": "momentum"}


def sharpness(trajectory: Trajectory, *, every: int = 25, **options: Any) -> Player:
    """All eigenvalues of the Hessian along a descent, with the edge 2 (1 + momentum) / lr, beside its loss.

    The largest is thick, the others are thin. A slider for each hyperparameter that is swept; the eigenvalues of all
    runs are computed here.

    Args:
        trajectory: of full-batch GradientDescent or Momentum, a single run or a sweep by grid(lr=...), of some tens of
            parameters.
        every: how many steps lie between two that are shown; odd, for at the edge every second step is on the same
            side.
        options: at=..., as for Player.

    Returns:
        The player.

    Raises:
        ValueError: another rule, a schedule, minibatches, no step, many starts.

    Example:
        >>> from gdviz.descent import grid, minimize
        >>> from gdviz.networks.landscape import tanh_loss
        >>> from gdviz.optimizers import GradientDescent
        >>> x = torch.linspace(-1, 1, 20).double()
        >>> loss, rates = tanh_loss(x, torch.sin(3 * x), units=4), grid(lr=[0.1, 0.3])
        >>> start = torch.randn(13, generator=torch.Generator().manual_seed(0)).double() / 3
        >>> player = sharpness(minimize(loss, GradientDescent(**rates), start, steps=100), every=5)
    """
    every = whole("every", every)
    sliders = {"step": range(0, trajectory.steps + 1, every)} | _swept(trajectory)
    params, losses = trajectory.params[::every], trajectory.losses[::every]
    curvatures = theory.curvatures(trajectory.loss, params)  # (shown, *runs, d)
    beta = getattr(trajectory.rule, "momentum", 0.0)
    limit = theory.edge(
        *(value[..., 0] if value.ndim else value for value in map(as_tensor, (trajectory.rule.lr, beta)))
    )
    limit = limit.expand(trajectory.runs)
    figure, (left, right) = plt.subplots(1, 2, figsize=(12.5, 5), width_ratios=(3, 2), layout="constrained")
    held = curvatures[:, ~trajectory.diverged] if not bool(trajectory.diverged.all()) else curvatures[:1]
    high, low = highest(held), -highest(-held)
    label(left, title="eigenvalues of the Hessian", xlabel="step", ylabel="curvature")
    left.set(xlim=step_limits(sliders["step"]), ylim=(min(1.1 * low, -0.04 * high), 1.3 * high))
    left.axhline(0, color=ink(left, GREY), linewidth=1)
    label(right, title="loss", xlabel="step", ylabel="loss", xlim=step_limits(sliders["step"]))
    floor, first = loss_limits(losses, trajectory.diverged)
    log_axis(right, 0.5 * floor, 8 * first)
    last = theory.curvatures(trajectory.loss, trajectory.params[-1])[..., -1]
    player = Player(
        figure, sliders, caption=_told(trajectory, limit, last), opening=_told(trajectory, limit), **options
    )
    ends = torch.tensor(left.get_xlim(), dtype=torch.float64).expand(*trajectory.runs, 2)
    edge = torch.stack([ends, limit[..., None].expand(ends.shape)], -1)[None]  # (1, *runs, 2, 2)
    for each in curvatures.unbind(-1)[:-1]:
        player.curve(left, each, color=PALE, width=1, size=6)
    player.line(left, edge, color=VERMILLION, dash=(2, 1), width=2)
    player.curve(left, curvatures[..., -1], color=BLUE)
    words = {"at": (0.97, 0.98), "align": "right"}
    name = "2(1 + β)/lr" if isinstance(trajectory.rule, Momentum) else "2/lr"
    player.text(left, limit[None], f"{name} = {{:.2f}}", color=VERMILLION, **words)
    player.text(left, curvatures[..., -1], "largest {:.2f}", color=BLUE, **words | {"at": (0.97, 0.89)})
    player.curve(right, losses)
    player.text(right, losses, "loss {:.3g}", diverged=lost(trajectory)[::every], **words)
    return player


def _swept(trajectory: Trajectory) -> dict[str, list[str]]:
    """A slider for each axis of the runs; refused: what has no edge that is known."""
    rule = trajectory.rule
    if not isinstance(rule, GradientDescent | Momentum) or trajectory.scheduled or trajectory.sampled_loss is not None:
        kind = "a schedule" if trajectory.scheduled else "minibatches" if trajectory.sampled_loss else ""
        given = " with ".join(filter(None, [type(rule).__name__, kind]))
        raise ValueError(f"the edge is that of full-batch GradientDescent or Momentum at constant rates; got {given}")
    if not trajectory.steps:
        raise ValueError("sharpness shows a descent; give minimize one step or more")
    found: dict[int, tuple[str, Tensor]] = {}
    for name, title in SWEPT.items():
        value = as_tensor(getattr(rule, name, 0.0))
        shape = value.shape[:-1]
        found |= {k - len(shape): (title, value.flatten()) for k, n in enumerate(shape) if n > 1}
    axes = range(-len(trajectory.runs), 0)
    if set(found) != set(axes):
        raise ValueError(f"sharpness needs an axis of runs for each swept number, as grid makes; got {trajectory.runs}")
    return {found[k][0]: labels_of(found[k][1], 3) for k in axes}


def _told(trajectory: Trajectory, limit: Tensor, last: Tensor | None = None) -> str:
    """The edge of each run, and where its sharpness ends."""
    ends = limit.flatten().tolist() if last is None else zip(limit.flatten().tolist(), last.flatten().tolist())
    words = [f"{end:.3g}" if isinstance(end, float) else f"{end[1]:.3g} at the edge {end[0]:.3g}" for end in ends]
    begun = f"{type(trajectory.rule).__name__}, {trajectory.steps} steps"
    return f"{begun}. {'Edges' if last is None else 'The largest eigenvalues at the end'}: {', '.join(words)}."
