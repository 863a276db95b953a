"""What one learning rate does: sweeps, ravines, the parts of the error."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from torch import Tensor

from gdviz import plots
from gdviz.descent import Trajectory, minimize
from gdviz.hyperparameters import Range, as_tensor
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
    surface: Surface,
    trajectory: Trajectory,
    rates: Sequence[float] | None = None,
    *,
    largest: float,
    **options: Any,
) -> Player:
    """A sweep of the learning rate: the path, and the loss that is left, against the rate, with the limit 2 / L.

    The words are what theory predicts; the drawn loss is what happened. The start can be dragged, and a rate that is a
    Range be turned; the curve of the loss that is left stays that of the first start.

    Args:
        surface: of two parameters.
        trajectory: a single run whose lr is a Range, or one axis of runs, the rates.
        rates: their values, for a slider over the runs.
        largest: L, the largest curvature.
        options: at=..., as for Player.

    Returns:
        The player.

    Raises:
        ValueError: rates that are not those of the runs; none, and no Range.

    Example:
        >>> from gdviz.descent import minimize
        >>> from gdviz.optimizers import GradientDescent, Range
        >>> from gdviz.surfaces import bowl
        >>> surface, lr = bowl(10), Range(0.01, 0.25, 0.05, named={"2/L": 0.2})
        >>> player = sweep(surface, minimize(surface, GradientDescent(lr), surface.start, steps=40), largest=10)
    """
    figure, left, right = pair(surface)
    sliders: dict[str, Any] = {"step": range(trajectory.steps + 1)}
    if rates is None:
        places, swept = _every(trajectory)
    else:
        places, swept, sliders["learning rate"] = rates, trajectory, _labels(rates, largest)
    spots, low = _loss_left(right, swept, places, largest, 1e-9)
    player = Player(figure, sliders, caption=trajectory.describe(), **options)
    right.plot(*spots.T, color=ink(right, BLUE), scalex=False, scaley=False)
    first = highest(trajectory.losses[0])
    right.axhline(first, color=ink(right, GREY), linewidth=1)
    look = {"color": ink(right, GREY), "path_effects": plots.halo(right, 4)}
    right.text(0.02 * right.get_xlim()[1], 1.5 * first, "loss at the first start", **look)

    def spot(run: Trajectory) -> Tensor:
        height = run.losses[-1].double().clamp(low, HIGHEST)
        return torch.stack([as_tensor(run.rule.lr).reshape(run.runs), height], -1)[None, ..., None, :]

    def predicted(run: Trajectory) -> Tensor:
        share = as_tensor(run.rule.lr).reshape(run.runs) * largest
        return ((share >= 1).double() + (share >= 2).double())[None]

    words = player.text(left, trajectory.losses, "loss {:.3g}", diverged=lost(trajectory))
    drawn = {
        player.path(left, trajectory.params): lambda run: run.params,
        player.points(right, spot(trajectory), color=BLACK, size=14): spot,
        words: lambda run: (run.losses, lost(run)),
    }
    if rates is None:
        drawn[player.text(right, predicted(trajectory), "{:converges|zig-zags|diverges}")] = predicted
    follow(player, left, trajectory, drawn)
    return player


def _every(trajectory: Trajectory) -> tuple[list[float], Trajectory]:
    """201 rates of the range that lr is, and the descents at all of them."""
    lr = getattr(trajectory.rule, "lr", None)
    if not isinstance(lr, Range) or trajectory.runs or trajectory.scheduled:
        raise ValueError("give the rates of the runs, or a single run whose lr is a Range")
    rates = torch.linspace(lr.low, lr.high, 201, dtype=torch.float64)
    rule: Any = replace(trajectory.asked, lr=rates[:, None])
    return rates.tolist(), minimize(trajectory.loss, rule, trajectory.params[0], trajectory.steps)


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
    spots, _ = _loss_left(right, trajectory, rates, 1.0, 1e-12)  # (rates, conditions, 2)
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


def _loss_left(
    ax: Axes, trajectory: Trajectory, rates: Sequence[float], curvature: float, least: float
) -> tuple[np.ndarray, float]:
    """Label an Axes for the last losses against the rate, with 1 / L and 2 / L; the spots (rates, ..., 2), the lowest.

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
    return np.stack(np.broadcast_arrays(places, heights), -1), 0.2 * floor


def modes(surface: Surface, trajectory: Trajectory, rates: Sequence[float] | None = None, **options: Any) -> Player:
    """The error of a descent on a quadratic, split along the eigenvectors: |(1 - lr lambda)^t c_0| for each.

    Left the path with the two directions, right the two parts of the error against the step: lines are what the run
    did, black dots what the formula says. The start can be dragged, and a rate given as a Range can be turned.

    Args:
        surface: a quadratic of two parameters.
        trajectory: a single run, or one axis of runs, the rates.
        rates: their values, for a slider over the runs.
        options: at=..., as for Player.

    Returns:
        The player.

    Raises:
        ValueError: a surface without a minimum.

    Example:
        >>> from gdviz.descent import minimize
        >>> from gdviz.optimizers import GradientDescent, Range
        >>> from gdviz.surfaces import bowl
        >>> surface, lr = bowl(10, angle=30), Range(0.01, 0.21, 0.05)
        >>> player = modes(surface, minimize(surface, GradientDescent(lr), surface.start, steps=30))
    """
    if not surface.minima:
        raise ValueError(f"modes needs a quadratic with a minimum; {surface.name} has none")
    place = torch.tensor(surface.minima[0], dtype=torch.float64)
    curvatures, vectors = torch.linalg.eigh(torch.autograd.functional.hessian(surface, place))
    t = torch.arange(trajectory.steps + 1, dtype=torch.float64)

    def parts(run: Trajectory) -> Tensor:
        return (run.params - place) @ vectors  # (steps + 1, *runs, 2): the error along each eigenvector

    def factors(run: Trajectory) -> Tensor:
        return 1 - as_tensor(run.rule.lr).reshape(*run.runs, 1) * curvatures  # (*runs, 2)

    figure, left, right = pair(surface)
    first = highest(parts(trajectory)[0].abs()) or 1.0
    label(right, title="error along each eigenvector", xlabel="step", ylabel="distance from the minimum")
    right.set(xlim=step_limits([0, trajectory.steps]))
    log_axis(right, 1e-4 * first, 30 * first)
    sliders = {"step": range(trajectory.steps + 1)} | ({} if rates is None else {"learning rate": labels_of(rates, 3)})
    player = Player(figure, sliders, caption=trajectory.describe(), **options)
    drawn: dict[Any, Any] = {player.path(left, trajectory.params, color=BLACK): lambda run: run.params}
    every = slice(None, None, max(trajectory.steps // 20, 1))
    for i, color, name in ((0, BLUE, "flat"), (1, VERMILLION, "steep")):
        ends = torch.stack([place - 9 * vectors[:, i], place + 9 * vectors[:, i]])
        left.plot(*ends.T, color=ink(left, color), linewidth=1.5, scalex=False, scaley=False)

        def error(run: Trajectory, i: int = i) -> Tensor:
            return parts(run)[..., i].abs().clamp(min=1e-12 * first)

        def dots(run: Trajectory, i: int = i) -> Tensor:
            dates = t[every].reshape(-1, *[1] * len(run.runs))
            theory = factors(run)[..., i] ** dates * parts(run)[0, ..., i]
            points = torch.stack([dates.expand(theory.shape), theory.abs()], -1)
            return points.movedim(0, -2)[None]  # (1, *runs, dots, 2)

        def factor(run: Trajectory, i: int = i) -> Tensor:
            return factors(run)[None, ..., i]

        words = {"color": color, "at": (0.97, 0.98 - 0.1 * i), "align": "right"}
        drawn[player.curve(right, error(trajectory), color=color)] = error
        drawn[player.points(right, dots(trajectory), color=BLACK, size=6)] = dots
        drawn[player.text(right, factor(trajectory), f"{name}: factor {{:+.2f}}", **words)] = factor
    follow(player, left, trajectory, drawn)
    return player
