"""What one learning rate does: sweeps, the parts of the error."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from matplotlib.axes import Axes
from torch import Tensor

from gdviz import plots
from gdviz.descent import Trajectory
from gdviz.hyperparameters import Range, as_tensor
from gdviz.pictures.limits import HIGHEST, log_axis, step_limits
from gdviz.pictures.words import label
from gdviz.player import Player
from gdviz.player.sliders import labels_of
from gdviz.style import BLACK, BLUE, GREY, VERMILLION, ink
from gdviz.surfaces import Surface
from gdviz.theory import regime
from gdviz.views.alive import follow
from gdviz.views.frames import depth, highest, loss_limits, lost, pair
from gdviz.views.given import at_the_ends


def sweep(
    surface: Surface,
    trajectory: Trajectory,
    rates: Sequence[float] | None = None,
    *,
    largest: float,
    **options: Any,
) -> Player:
    """A sweep of the learning rate: the path, and the loss that is left, against the rate, with the limit 2 / L.

    The words are what theory predicts; the drawn loss is what happened. The start can be dragged, and what is a Range
    be turned, in the rule or in the loss: the curve of the loss that is left follows.

    Args:
        surface: of two parameters.
        trajectory: a single run whose lr is a Range, or one axis of runs, the rates.
        rates: their values, for a slider over the runs; the curve is then that of the first start.
        largest: L, the largest curvature, which no Range may change.
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
    places = _places(trajectory) if rates is None else torch.tensor(list(rates), dtype=torch.float64)
    ends = _ends(trajectory, places) if rates is None else trajectory.losses[-1].double()
    if ends.shape != places.shape:
        given = f"got {len(places)} of them"
        raise ValueError(f"rates must be those of the first axis of the runs {trajectory.runs}, {given}")
    turned = [_ends(trajectory, places) for _ in at_the_ends(surface.ranges)] if rates is None else []
    below_zero = depth(surface)
    low = _loss_left(right, trajectory, places, torch.stack([ends, *turned]), largest, below_zero)
    if rates is not None:
        sliders["learning rate"] = _labels(rates, largest)
    player = Player(figure, sliders, caption=trajectory.describe(), **options)
    first = highest(trajectory.losses[0]) - below_zero
    right.axhline(first, color=ink(right, GREY), linewidth=1)
    look = {"color": ink(right, GREY), "path_effects": plots.halo(right, 4)}
    right.text(0.02 * right.get_xlim()[1], 1.5 * first, "loss at the first start", **look)

    def shown(losses: Tensor) -> Tensor:
        return torch.where(losses.isnan(), HIGHEST, (losses - below_zero).clamp(low, HIGHEST))

    def left_over(run: Trajectory) -> Tensor:
        return torch.stack([places, shown(_ends(run, places))], -1)[None]

    def spot(run: Trajectory) -> Tensor:
        places = torch.stack([as_tensor(run.rule.lr).reshape(run.runs), shown(run.losses[-1].double())], -1)
        return places[None, ..., None, :]

    def predicted(run: Trajectory) -> Tensor:
        share = as_tensor(run.rule.lr).reshape(run.runs) * largest
        return ((share >= 1).double() + (share >= 2).double())[None]

    drawn: dict[Any, Any] = {}
    if rates is None:
        drawn[player.line(right, left_over(trajectory), color=BLUE)] = left_over
    else:
        right.plot(places, shown(ends), color=ink(right, BLUE), scalex=False, scaley=False)
    words = player.text(left, trajectory.losses, "loss {:.3g}", diverged=lost(trajectory))
    drawn |= {
        player.path(left, trajectory.params): lambda run: run.params,
        player.points(right, spot(trajectory), color=BLACK, size=14): spot,
        words: lambda run: (run.losses, lost(run)),
    }
    if rates is None:
        drawn[player.text(right, predicted(trajectory), "{:converges|zig-zags|diverges}")] = predicted
    follow(player, left, trajectory, drawn)
    return player


def _places(trajectory: Trajectory) -> Tensor:
    """201 rates of the range that lr is."""
    lr = getattr(trajectory.rule, "lr", None)
    if not isinstance(lr, Range) or trajectory.runs or trajectory.scheduled:
        raise ValueError("give the rates of the runs, or a single run whose lr is a Range")
    return torch.linspace(lr.low, lr.high, 201, dtype=torch.float64)


def _ends(trajectory: Trajectory, rates: Tensor) -> Tensor:
    """The losses after all steps of the same descent at other rates; in operations that a browser can follow."""
    rule: Any = replace(trajectory.rule, lr=rates[:, None])
    params = trajectory.params[0].double().expand(len(rates), -1)
    state = rule.init(params)

    def gradient(params: Tensor) -> Tensor:
        leaf = params.detach().requires_grad_()
        with torch.enable_grad():
            return torch.autograd.grad(trajectory.loss(leaf).sum(), leaf)[0]

    for _ in range(trajectory.steps):
        grads = gradient(params)
        if hasattr(rule, "probe"):
            grads = gradient(rule.probe(params, grads))
        params, state = rule.update(params, grads, state)
    return trajectory.loss(params).detach()


def _labels(rates: Sequence[float], largest: float) -> list[str]:
    return [f"{label}: {regime(rate, largest)}" for label, rate in zip(labels_of(rates, 3), rates)]


def _loss_left(
    ax: Axes, trajectory: Trajectory, rates: Tensor, ends: Tensor, curvature: float, below_zero: float
) -> float:
    """Label an Axes for the last losses against the rate, with 1 / L and 2 / L; the lowest that is shown.

    ends: (settings, rates). curvature: L. below_zero: what is subtracted from all losses.
    """
    losses = torch.stack([trajectory.losses[0].expand(ends.shape), ends]).flatten(1) - below_zero
    floor, first = loss_limits(losses, ~(losses[1] <= losses[0]))
    words = "loss above the lowest minimum" if below_zero else "loss"
    label(ax, title=f"loss after {trajectory.steps} steps", xlabel="learning rate", ylabel=words)
    ax.set(xlim=(0, 1.05 * max(float(rates.max()), 2 / curvature)))
    log_axis(ax, 0.05 * floor, 100 * first)
    for factor, name, color in ((1, "1/L", ink(ax, GREY)), (2, "2/L", ink(ax, VERMILLION))):
        ax.axvline(factor / curvature, color=color, linestyle=":", linewidth=2.5)
        ax.text(0.98 * factor / curvature, 0.08 * floor, name, color=color, ha="right", weight="bold", size=16)
    return 0.2 * floor


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
