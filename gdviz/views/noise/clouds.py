"""Many runs that differ by their noise alone, as clouds."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import torch
from torch import Tensor

from gdviz import plots
from gdviz.pictures.limits import log_axis, span, step_limits
from gdviz.pictures.words import label
from gdviz.player import Player
from gdviz.style import BLACK, BLUE, GREEN, VERMILLION
from gdviz.surfaces import Surface
from gdviz.theory import covariance, lowest_valley
from gdviz.views.frames import between, faint, loss_limits, pair

COSTS = ("steps", "epochs", "examples", "milliseconds")
RUNNERS = ((BLUE, (), "o"), (GREEN, (3, 1.5), "s"), (VERMILLION, (1, 1), "D"), (BLACK, (5, 1), "^"))


def clouds(
    surface: Surface,
    params: Tensor | Mapping[str, Tensor],
    sliders: Mapping[str, Any],
    *,
    ball: Tensor | None = None,
    names: tuple[str, str] = ("slope w", "intercept b"),
    **options: Any,
) -> Player:
    """Many runs that differ by their noise alone, as a cloud over the surface; beside it the mean of their losses.

    Up to six positions of the other sliders leave their curves in grey, to compare. Diverged is what is farther up than
    the start and the corners of the window.

    Args:
        surface: with a minimum.
        params: (steps, *sliders, runs, 2); or several by name, which become a last slider, "way".
        sliders: name -> values, the first a range, the steps.
        ball: covariances (*sliders without the steps, 2, 2), each axis may be 1, that theory gives in the long run: the
            ellipse that should hold 95 % of the cloud, and the loss above the minimum that it costs. Without it, the
            path of the first run is drawn.
        names: of the two parameters.
        options: at=..., as for Player.

    Returns:
        The player.

    Raises:
        ValueError: a surface without a minimum.

    Example:
        >>> from gdviz.descent import minimize
        >>> from gdviz.minibatches import noisy_loss
        >>> from gdviz.optimizers import GradientDescent
        >>> from gdviz.surfaces import bowl
        >>> f = noisy_loss(bowl(4), 9.0, runs=60, generator=torch.Generator().manual_seed(0))
        >>> run = minimize(bowl(4), GradientDescent(lr=0.1), [8.0, 4.0], steps=40, sampled_loss=f)
        >>> player = clouds(bowl(4), run.params, {"step": range(41)}, names=("x", "y"))
    """
    if isinstance(params, Mapping):
        sliders, params = {**sliders, "way": list(params)}, torch.stack(list(params.values()), -3)
    if not surface.minima:
        raise ValueError(f"clouds are drawn around a minimum; {surface.name} has none")
    minimum = torch.tensor(surface.minima, dtype=torch.float64)
    minimum = minimum[surface(minimum).argmin()]
    lowest, corners = surface(minimum), torch.cartesian_prod(*torch.tensor([surface.xlim, surface.ylim]).double())
    above = torch.stack([surface(now).mean(-1) for now in params]) - lowest  # (steps, *sliders)
    above = above.where(~(above.abs() <= 1e-12 * lowest.abs()), 0.0)  # no digits of rounding noise
    lost = ~torch.isfinite(above) | (above > torch.maximum(above[0].max(), surface(corners).max() - lowest))
    figure, left, right = pair(surface)
    label(left, title="where are the runs?", xlabel=names[0], ylabel=names[1])
    time, steps = next(iter(sliders.items()))
    low, high = loss_limits(above, lost[-1], least=1e-6)
    title = f"how far above the minimum? (mean of {params.shape[-2]})"
    label(right, title=title, xlabel=time, ylabel="loss above the minimum")
    right.set_xlim(step_limits(steps))
    log_axis(right, 0.5 * low, 8 * high)
    heights = above.clamp(min=1e-9 * low)
    caption = f"{params.shape[-2]} runs each; their mean loss above the minimum ends {between(above[-1])}."
    player = Player(figure, sliders, caption=caption, opening="", **options)
    player.points(left, params, color=BLUE, size=7)
    if ball is None:
        player.path(left, params[..., 0, :], color=VERMILLION, width=2, dots=0, size=11)
    else:
        hessian: Any = torch.autograd.functional.hessian(surface, minimum)
        floor = (hessian * ball).sum((-2, -1)) / 2  # (*sliders without the steps)
        lost = lost & ~torch.isfinite(floor)  # where theory has a ball, a large one is no divergence
        player.ellipse(left, minimum.expand(*floor.shape, 2)[None], ball[None])
        ends = torch.tensor([float(steps[0]), float(steps[-1])], dtype=torch.float64)
        level = torch.stack(torch.broadcast_tensors(ends, floor[..., None]), -1)
        player.line(right, level[None], color=VERMILLION, dash=(3, 2), width=2)
        player.text(right, floor[None], "theory {:.3g}", at=(0.97, 0.88), align="right", color=VERMILLION)
    if 1 < heights[0].numel() <= 6:
        faint(player, right, heights)
    player.curve(right, heights, color=BLUE)
    player.text(right, above, "mean {:.3g}", diverged=lost, at=(0.97, 0.98), align="right", color=BLUE)
    return player


def dial(
    surface: Surface, cloud: Tensor, ball: Tensor, ratios: Sequence[float], names: Sequence[str], **options: Any
) -> Player:
    """Clouds of runs with one ratio of learning rate and batch size, side by side; the slider is the ratio.

    Args:
        surface: of two parameters.
        cloud: (panels, ratios, points, 2).
        ball: covariances (panels, ratios, 2, 2) of theory.
        ratios: their values.
        names: of the panels.
        options: at=..., as for Player.

    Returns:
        The player.

    Raises:
        ValueError: names that are not one for each panel.

    Example:
        >>> from gdviz.surfaces import bowl
        >>> ratios = torch.tensor([0.5, 1.0, 2.0])
        >>> noise = torch.randn(2, 3, 150, 2, generator=torch.Generator().manual_seed(0)).double()
        >>> ball = ratios.double()[:, None, None] * torch.eye(2).double().expand(2, 3, 2, 2)
        >>> player = dial(bowl(4), noise * ratios.sqrt()[:, None, None], ball, ratios.tolist(), ["batch 1", "batch 8"])
    """
    centre = torch.tensor(surface.minima[0], dtype=torch.float64)
    half = 3.2 * ball.diagonal(dim1=-2, dim2=-1).sqrt().flatten(0, 1)  # (panels x ratios, 2)
    (x0, x1), (y0, y1) = map(span, torch.cat([centre - half, centre + half]).T)
    if len(names) != len(cloud):
        raise ValueError(f"names must be one for each of the {len(cloud)} panels, got {len(names)}")
    figure, (panels,) = plt.subplots(1, len(names), figsize=(13, 4), sharey=True, squeeze=False, layout="constrained")
    measured, theirs = (C[..., 0, 0].sqrt() for C in (covariance(cloud), ball))  # (panels, ratios)
    caption = f"Deviation of w in the clouds: {'; '.join(f'{n}: {between(d)}' for n, d in zip(names, measured))}."
    player = Player(figure, {"learning rate / batch size": ratios}, caption=caption, opening="", **options)
    digits = ".2f" if float(measured.min()) > 0.05 else ".2g"
    for ax, name, points, theory, *spread in zip(panels, names, cloud, ball, measured, theirs):
        label(ax, title=name, xlabel="slope w")
        ax.set(xlim=(x0, x1), ylim=(y0, y1))
        player.points(ax, points, color=BLUE, size=5)
        player.ellipse(ax, centre.expand(len(ratios), 2), theory)
        player.text(
            ax,
            torch.stack(spread, -1),
            f"w ± {{:{digits}}}, theory {{:{digits}}}",
            at=(0.97, 0.98),
            align="right",
            size=16,
        )
    label(panels[0], ylabel="intercept b")
    return player


def escape(surface: Surface, params: Tensor, sliders: Mapping[str, Any], **options: Any) -> Player:
    """Many runs in the valleys of a loss of one parameter, and the share of them in the valley of the lowest minimum.

    Args:
        surface: of one parameter.
        params: (steps, batch sizes, runs, 1).
        sliders: name -> values, the steps (a range) and the batch sizes.
        options: at=..., as for Player.

    Returns:
        The player.

    Example:
        >>> from gdviz.descent import minimize
        >>> from gdviz.optimizers import GradientDescent
        >>> from gdviz.surfaces import double_well
        >>> starts = torch.linspace(-1.7, 1.7, 15)[:, None].double()
        >>> run = minimize(double_well(0.1), GradientDescent(lr=0.1), starts, steps=30)
        >>> player = escape(double_well(0.1), run.params[:, None], {"step": range(31), "starts": [15]})
    """
    left_end, right_end = lowest_valley(surface)
    arrived = ((params > left_end) & (params < right_end)).double().mean((-2, -1))  # (steps, sizes)
    heights = torch.stack([surface(now) for now in params])
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4.8), layout="constrained")
    plots.profile(surface, ax=left)
    steps, sizes = sliders.values()
    label(left, title="where are the runs?")
    label(right, title="how many are in the lowest valley?", xlabel="step", ylabel="share of the runs")
    right.set(xlim=step_limits(steps), ylim=(-0.03, 1.03), yticks=[0, 0.5, 1])
    right.set_yticklabels(["0", "50 %", "100 %"])
    many = ", ".join(f"{share:.0%} with {size}" for share, size in zip(arrived[-1], sizes))
    caption = f"{params.shape[2]} runs for each batch size; in the lowest valley after {steps[-1]} steps: {many}."
    player = Player(figure, sliders, caption=caption, opening="", **options)
    player.points(left, torch.cat([params, heights[..., None]], -1), color=BLUE, size=7)
    faint(player, right, arrived)
    player.curve(right, arrived, color=BLUE)
    player.text(right, 100 * arrived, "{:.0f} %", color=BLUE, at=(0.03, 0.98))
    return player
