"""Ready-made players of notebook 02: what a learning rate does."""

from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from gdviz import plots
from gdviz.descent import Trajectory
from gdviz.pictures.limits import HIGHEST, log_axis, step_limits
from gdviz.pictures.words import label
from gdviz.player import Player
from gdviz.player.sliders import labels_of
from gdviz.style import BLACK, BLUE, GREY, PALE, VERMILLION, ink
from gdviz.surfaces import Surface
from gdviz.theory import regime
from gdviz.views.alive import follow
from gdviz.views.frames import highest, loss_limits, lost, pair


def sweep(
    surface: Surface, trajectory: Trajectory, rates: Sequence[float], *, largest: float, **options: Any
) -> Player:
    """A sweep of the learning rate: the path, and the loss that is left, against the rate, with the limit 2 / L.

    The slider of the rate says what theory predicts; the drawn loss is what happened.

    Args:
        surface: of two parameters.
        trajectory: one axis of runs, the rates.
        rates: their values.
        largest: L, the largest curvature.
        options: at=..., as for Player.

    Returns:
        The player.

    Raises:
        ValueError: rates that are not those of the runs.

    Example:
        >>> from gdviz.descent import grid, minimize
        >>> from gdviz.optimizers import GradientDescent
        >>> from gdviz.surfaces import bowl
        >>> surface, rates = bowl(10), [0.02, 0.1, 0.19, 0.21]
        >>> run = minimize(surface, GradientDescent(**grid(lr=rates)), surface.start, steps=40)
        >>> player = sweep(surface, run, rates, largest=10)
    """
    figure, left, right = pair(surface)
    spots = _loss_left(right, trajectory, rates, largest, 1e-9)
    sliders = {"step": range(trajectory.steps + 1), "learning rate": _labels(rates, largest)}
    player = Player(figure, sliders, caption=trajectory.describe(), **options)
    right.plot(*spots.T, color=ink(right, BLUE), scalex=False, scaley=False)
    first = highest(trajectory.losses[0])
    right.axhline(first, color=ink(right, GREY), linewidth=1)
    right.text(0.02 * right.get_xlim()[1], 1.5 * first, "loss at the start", color=ink(right, GREY))
    player.path(left, trajectory.params)
    player.points(right, spots[None, :, None], color=BLACK, size=14)
    player.text(left, trajectory.losses, "loss {:.3g}", diverged=lost(trajectory))
    return player


def ravines(trajectory: Trajectory, rates: Sequence[float], conditions: Sequence[float], **options: Any) -> Player:
    """The same sweep over f(x, y) = 1/2 (x^2 / kappa + y^2), with the condition number kappa on a second slider.

    Args:
        trajectory: two axes of runs, the rates and the condition numbers. The largest curvature is 1 in each of them.
        rates: the values of the first.
        conditions: the values of the second.
        options: at=..., as for Player.

    Returns:
        The player.

    Example:
        >>> from gdviz.descent import minimize
        >>> from gdviz.optimizers import GradientDescent
        >>> rates, kappas = [0.2, 1.0, 1.9, 2.1], torch.tensor([2.0, 10.0, 50.0]).double()
        >>> rule, starts = GradientDescent(torch.tensor(rates)[:, None, None]), torch.tensor([[8.0, 4.0]] * 3).double()
        >>> run = minimize(lambda w: (w[..., 0] ** 2 / kappas + w[..., 1] ** 2) / 2, rule, starts, steps=40)
        >>> player = ravines(run, rates, kappas.tolist())
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4.8), layout="constrained")
    label(left, title="f = ½ (x² / κ + y²)", xlabel="parameter x", ylabel="parameter y", xlim=(-6, 6), ylim=(-4.4, 4.4))
    left.set_aspect("equal")  # so that the rings of kappa = 1 are round
    spots = _loss_left(right, trajectory, rates, 1.0, 1e-12)  # (rates, conditions, 2)
    sliders = {
        "step": range(trajectory.steps + 1),
        "learning rate": _labels(rates, 1.0),
        "condition number": conditions,
    }
    many = f"{len(rates)} learning rates x {len(conditions)} condition numbers, {trajectory.steps} steps each"
    caption = f"{many}: {int(trajectory.diverged.sum())} of {trajectory.diverged.numel()} diverge."
    player = Player(figure, sliders, caption=caption, **options)
    player.line(left, _ellipses(conditions)[None, None], color=PALE, width=1)
    left.plot(0, 0, "+", markersize=12, **plots.cross(left))
    player.path(left, trajectory.params)
    player.line(right, spots.swapaxes(0, 1)[None, None], color=BLUE)
    player.points(right, spots[None, ..., None, :], color=BLACK, size=14)
    player.text(left, trajectory.losses, "loss {:.3g}", diverged=lost(trajectory))
    return player


def _ellipses(conditions: Sequence[float]) -> np.ndarray:
    """(conditions, points, 2): lines of equal loss of 1/2 (x^2 / kappa + y^2), with NaN between two of them."""
    angle = np.append(np.linspace(0, 2 * np.pi, 60), np.nan)
    circle = np.stack([np.cos(angle), np.sin(angle)], -1)
    height = np.arange(0.6, 4.3, 0.6)[:, None, None] * circle
    wide = np.sqrt(np.asarray(conditions, dtype=float))[:, None, None, None] * [1.0, 0.0] + [0.0, 1.0]
    return (wide * height).reshape(len(conditions), -1, 2)


def _labels(rates: Sequence[float], largest: float) -> list[str]:
    return [f"{label}: {regime(rate, largest)}" for label, rate in zip(labels_of(rates, 3), rates)]


def _loss_left(ax: Axes, trajectory: Trajectory, rates: Sequence[float], curvature: float, least: float) -> np.ndarray:
    """Label an Axes for the last losses against the rate, with 1 / L and 2 / L; the spots (rates, ..., 2) on it.

    curvature: L. A loss below this share of the first one, least, is shown there.
    """
    places, losses = np.asarray(rates, dtype=float), trajectory.losses[-1].double().numpy()
    if trajectory.runs[:1] != places.shape:
        raise ValueError(
            f"rates must be those of the first axis of the runs {trajectory.runs}, got {len(rates)} of them"
        )
    floor, first = loss_limits(trajectory.losses[[0, -1]], trajectory.diverged, least=least)
    label(ax, title=f"loss after {trajectory.steps} steps", xlabel="learning rate", ylabel="loss")
    ax.set(xlim=(0, 1.05 * max(places.max(), 2 / curvature)))
    log_axis(ax, 0.05 * floor, 100 * first)
    for factor, name, color in ((1, "1/L", ink(ax, GREY)), (2, "2/L", ink(ax, VERMILLION))):
        ax.axvline(factor / curvature, color=color, linestyle=":", linewidth=2.5)
        ax.text(0.98 * factor / curvature, 0.08 * floor, name, color=color, ha="right", weight="bold", size=16)
    heights = np.where(np.isfinite(losses), losses, HIGHEST).clip(0.2 * floor, HIGHEST)
    places = places.reshape(-1, *[1] * (losses.ndim - 1))
    return np.stack(np.broadcast_arrays(places, heights), -1)


def modes(surface: Surface, trajectory: Trajectory, rates: Sequence[float], **options: Any) -> Player:
    """The error of a descent on a quadratic, split along the eigenvectors: |(1 - lr lambda)^t c_0| for each.

    Left the path with the two directions, right the two parts of the error against the step: lines are what the run
    did, black dots what the formula says.

    Args:
        surface: a quadratic of two parameters.
        trajectory: one axis of runs, the rates.
        rates: their values.
        options: at=..., as for Player.

    Returns:
        The player.

    Raises:
        ValueError: a surface without a minimum.

    Example:
        >>> from gdviz.descent import grid, minimize
        >>> from gdviz.optimizers import GradientDescent
        >>> from gdviz.surfaces import bowl
        >>> surface, rates = bowl(10, angle=30), [0.05, 0.15]
        >>> run = minimize(surface, GradientDescent(**grid(lr=rates)), surface.start, steps=30)
        >>> player = modes(surface, run, rates)
    """
    if not surface.minima:
        raise ValueError(f"modes needs a quadratic with a minimum; {surface.name} has none")
    place = torch.tensor(surface.minima[0], dtype=torch.float64)
    curvatures, vectors = torch.linalg.eigh(torch.autograd.functional.hessian(surface, place))
    parts = (trajectory.params - place) @ vectors  # (steps + 1, rates, 2): the error along each eigenvector
    t = torch.arange(trajectory.steps + 1, dtype=torch.float64)
    factors = 1 - torch.as_tensor(rates, dtype=torch.float64)[:, None] * curvatures  # (rates, 2)
    theory = factors ** t[:, None, None] * parts[0]

    figure, left, right = pair(surface)
    first = highest(parts[0].abs()) or 1.0
    label(right, title="error along each eigenvector", xlabel="step", ylabel="distance from the minimum")
    right.set(xlim=step_limits([0, trajectory.steps]))
    log_axis(right, 1e-4 * first, 30 * first)
    sliders = {"step": range(trajectory.steps + 1), "learning rate": labels_of(rates, 3)}
    player = Player(figure, sliders, caption=trajectory.describe(), **options)
    player.path(left, trajectory.params, color=BLACK)
    every = slice(None, None, max(trajectory.steps // 20, 1))
    looks = ((0, BLUE, "flat"), (1, VERMILLION, "steep"))
    for i, color, name in looks:
        ends = torch.stack([place - 9 * vectors[:, i], place + 9 * vectors[:, i]])
        left.plot(*ends.T, color=ink(left, color), linewidth=1.5, scalex=False, scaley=False)
        player.curve(right, parts[..., i].abs().clamp(min=1e-12 * first), color=color)
        dots = torch.stack(torch.broadcast_tensors(t[every, None], theory[every, :, i].abs()), -1)
        player.points(right, dots.transpose(0, 1)[None], color=BLACK, size=6)
        place_of = (0.97, 0.98 - 0.1 * i)
        template = f"{name}: factor {{:+.2f}}"
        player.text(right, factors[None, :, i], template, color=color, at=place_of, align="right")
    return player


def schedules(
    surface: Surface, trajectory: Trajectory, rates: torch.Tensor, names: Sequence[str], **options: Any
) -> Player:
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
    follow(player, left, {"": trajectory}, {"": drawn}, lambda runs: runs[""].describe())
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
