"""Ready-made players of notebook 03: what the noise of minibatches does to a descent."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import Tensor

from gdviz import plots
from gdviz.descent import Trajectory, gradient
from gdviz.minibatches import SampledLoss
from gdviz.optimizers import GradientDescent
from gdviz.pictures import ellipses
from gdviz.pictures.limits import log_axis, span, step_limits
from gdviz.pictures.words import label, plain
from gdviz.player import Player
from gdviz.style import BLACK, BLUE, GREEN, GREY, PALE, VERMILLION, ink
from gdviz.surfaces import Surface
from gdviz.theory import covariance, gradient_covariance, lowest_valley
from gdviz.views.frames import between, loss_limits, pair

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

    params: (steps, *sliders, runs, 2); sliders: name -> values, the first a range, the steps. Or several by name, which
    become a last slider, "way". Up to six positions of the other sliders leave their curves in grey, to compare.
    names: of the two parameters.
    ball: covariances (*sliders without the steps, 2, 2), each axis may be 1, that theory gives in the long run: the
    ellipse that should hold 95 % of the cloud, and the loss above the minimum that it costs. Without it, the path of
    the first run is drawn. Diverged is what is farther up than the start and the corners of the window.
    Refused: a surface without a minimum.
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
    label(left, xlabel=names[0], ylabel=names[1])
    time, steps = next(iter(sliders.items()))
    low, high = loss_limits(above, lost[-1], least=1e-6)
    label(right, title=f"mean loss of {params.shape[-2]} runs", xlabel=time, ylabel="loss above the minimum")
    right.set_xlim(step_limits(steps))
    log_axis(right, 0.5 * low, 8 * high)
    heights = above.clamp(min=0.6 * low)
    if 1 < heights[0].numel() <= 6:
        right.plot(list(steps), heights.flatten(1), color=ink(right, PALE), linewidth=1.5)
        if len(sliders) == 2:  # each curve has a name
            look = {"size": 13, "color": ink(right, GREY), "ha": "right", "va": "bottom"}
            for name, end in zip(list(sliders.values())[1], heights[-1].clamp(max=6 * high).tolist()):
                where = 0.97 * steps[-1] + 0.03 * steps[0], 1.25 * end if end > 0 else 6 * high
                plain(right.text(*where, name, path_effects=plots.halo(right), **look))
    caption = f"{params.shape[-2]} runs each; their mean loss above the minimum ends {between(above[-1])}."
    player = Player(figure, sliders, caption=caption, **options)
    player.points(left, params, color=BLUE, size=7)
    if ball is None:
        player.path(left, params[..., 0, :], color=VERMILLION, width=2, dots=0, size=11)
    else:
        hessian = torch.autograd.functional.hessian(surface, minimum)
        floor = (hessian * ball).sum((-2, -1)) / 2  # (*sliders without the steps)
        lost = lost & ~torch.isfinite(floor)  # where theory has a ball, a large one is no divergence
        player.ellipse(left, minimum.expand(*floor.shape, 2)[None], ball[None])
        ends = torch.tensor([float(steps[0]), float(steps[-1])], dtype=torch.float64)
        level = torch.stack(torch.broadcast_tensors(ends, floor[..., None]), -1)
        player.line(right, level[None], color=VERMILLION, dash=(3, 2), width=2)
        player.text(right, floor[None], "theory {:.3g}", at=(0.97, 0.88), align="right", color=VERMILLION)
    player.curve(right, heights, color=BLUE)
    player.text(right, above, "mean {:.3g}", diverged=lost, at=(0.97, 0.98), align="right", color=BLUE)
    return player


def wobble(data: Any, surface: Surface, runs: Trajectory, sampled: SampledLoss, **options: Any) -> Player:
    """The examples of a minibatch in the data, the line, and the step that they ask for beside that of all examples.

    runs: of GradientDescent at a constant rate, with one axis, the batch sizes of sampled. The black arrow is the step
    that comes next, against the minibatch's mean gradient; the green one that which all examples would ask for.
    """
    _means_of(sampled)
    if not isinstance(runs.rule, GradientDescent) or runs.scheduled or sampled.runs != runs.runs or not sampled.many:
        raise ValueError(f"the arrows are of GradientDescent at a constant rate, a run for each batch size; got {runs}")
    sizes = [batches.batch_size for batches in sampled.batches]
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4.8), layout="constrained")
    plots.examples(data, ax=left)
    plots.contours(surface, ax=right)
    label(left, title="data, minibatch and line")
    label(right, title="loss surface", xlabel="slope w", ylabel="intercept b")
    sliders = {"step": range(runs.steps), "batch size": sizes}
    caption = f"One run for each batch size, {runs.steps} steps; the losses end {between(runs.losses[-1])}."
    player = Player(figure, sliders, caption=caption, **options)
    spots = torch.full((runs.steps, len(sizes), max(sizes), 2), torch.nan, dtype=torch.float64)
    for k, batches in enumerate(sampled.batches):
        for step in range(runs.steps):
            chosen = batches(step)
            spots[step, k, : len(chosen)] = torch.stack([data.x[chosen], data.y[chosen]], -1)
    params = runs.params[:-1]
    wanted = params - runs.rule.lr * gradient(surface, params)
    player.points(left, spots, color=VERMILLION, size=9, casing=2)
    player.line(left, plots.lines(data, params), color=BLUE)
    player.path(right, params, color=BLUE, width=2)
    player.arrow(right, torch.stack([params, wanted], -2), color=GREEN)
    player.arrow(right, torch.stack([params, runs.params[1:]], -2), color=BLACK)
    player.text(right, runs.losses[:-1], "loss {:.0f}")
    return player


def price(runs: Mapping[str, Trajectory], n: int, lowest: float, *, parts: int = 100, **options: Any) -> Player:
    """Mean losses above the lowest against what they cost: a switch chooses steps, epochs, examples or milliseconds.

    runs: up to four by name, each with one axis of runs that differ by their noise and were computed together. An axis
    ends with what all steps of the first one cost; an epoch has n examples. The slider spends it, in so many parts.
    """
    if not 1 <= len(runs) <= len(RUNNERS) or any(len(run.runs) != 1 or not run.steps for run in runs.values()):
        raise ValueError(f"runs must be 1 to {len(RUNNERS)} trajectories, each with steps and one axis of runs")
    costs = {name: _costs(run, n) for name, run in runs.items()}
    budget = next(iter(costs.values()))[:, -1:]  # (costs, 1)
    spent = budget * torch.linspace(0, 1, parts + 1, dtype=torch.float64)  # (costs, parts + 1)
    above = {name: run.losses.mean(1) - lowest for name, run in runs.items()}
    first = max(float(loss[0]) for loss in above.values())
    every = torch.cat([torch.tensor([first]), *above.values()])[:, None]
    low, high = loss_limits(every, torch.zeros(1).bool(), least=1e-6)
    figure, ax = plt.subplots(figsize=(6.6, 5.2), layout="constrained")
    label(ax, title="the price of a descent", ylabel="loss above the minimum", xlim=(0, 1))
    log_axis(ax, 0.5 * low, 3 * high)
    ax.set_xticks([0, 0.5, 1], ["   ", "   ", "   "])  # room for the numbers, which change with the switch
    ax.set_xlabel(" ", labelpad=12)
    caption = " ".join(f"{name}: {run.steps} steps, {int(run.examples[-1, 0])} examples." for name, run in runs.items())
    player = Player(figure, {"spent, in %": range(parts + 1), "measured in": COSTS}, caption=caption, **options)
    for (color, dash, marker), (name, cost) in zip(RUNNERS, costs.items()):
        logs = above[name].clamp(min=0.6 * low).log()
        known = [np.interp(*both, logs, right=np.nan) for both in zip(spent, cost * (1 + 1e-9))]
        places = np.stack([(spent / budget).T, np.exp(known).T], -1)
        player.path(ax, places, color=color, dash=dash, marker=marker, dots=0, label=name)
    for share, align in ((0, "left"), (0.5, "center"), (1, "right")):
        shown = (share * budget)[None, :, 0].round(decimals=2)
        player.text(ax, shown, "{:.5g}", at=(share, -0.02), align=align, size=17)
    unit = np.arange(len(COSTS))[None]
    player.text(ax, unit, f"{{:{'|'.join(COSTS)}}}", at=(0.5, -0.1), align="center", size=18)
    return player


def _costs(run: Trajectory, n: int) -> Tensor:
    """(costs, steps + 1): what had been spent before each step, in the order of COSTS."""
    examples = run.examples[:, 0].double()
    return torch.stack([torch.arange(run.steps + 1).double(), examples / n, examples, 1000 * run.seconds])


def gradients(surface: Surface, descent: Trajectory, sampled: SampledLoss, **options: Any) -> Player:
    """The gradients of many minibatches at each point of a descent, and the ellipse that theory draws around them.

    descent: a single run; sampled: of a list of Minibatches with one axis of runs, the draws. The ellipse should hold
    95 % of the cloud; the arrow is the gradient of the full batch. The window holds the ellipses of the third size.
    """
    _means_of(sampled)
    params = descent.params
    sizes = [batches.batch_size for batches in sampled.batches]
    cloud = torch.stack([gradient(lambda p, k=k: sampled.one(k, p, 0), params[:, None].expand(-1, many.runs[0], 2))
                         for k, many in enumerate(sampled.batches)], 1)  # (steps, sizes, draws, 2)  # fmt: skip
    predicted = torch.stack([gradient_covariance(sampled.loss, params, many) for many in sampled.batches], 1)
    full = gradient(surface, params)[:, None]  # (steps, 1, 2)
    figure, left, right = pair(surface)
    label(left, xlabel="slope w", ylabel="intercept b")
    right.axhline(0, color=ink(right, PALE), linewidth=1)
    right.axvline(0, color=ink(right, PALE), linewidth=1)
    rings = ellipses.ellipses(full, predicted[:, min(2, len(sizes) - 1), None]).reshape(-1, 2)
    (x0, x1), (y0, y1) = map(span, rings.T)
    room_x, room_y = 0.05 * (x1 - x0), 0.15 * (y1 - y0)
    label(right, title="gradients of minibatches here", xlabel="dJ/dw", ylabel="dJ/db", xlim=(x0 - room_x, x1 + room_x))
    right.set_ylim(y0 - room_y / 3, y1 + room_y)
    deviations = torch.stack([C[..., 0, 0].sqrt() for C in (covariance(cloud), predicted)], -1)
    deviations = deviations.where(deviations > 1e-9 * deviations.max(), 0.0)  # no digits of rounding noise
    caption = f"Gradients of {cloud.shape[2]} minibatches of each size at {len(params)} points of a descent."
    sliders = {"step": range(len(params)), "batch size": sizes}
    player = Player(figure, sliders, caption=caption, **options)
    player.path(left, params[:, None], color=BLUE)
    player.points(right, cloud, color=BLUE, size=6)
    player.ellipse(right, full.expand(-1, len(sizes), 2), predicted)
    player.arrow(right, torch.stack([torch.zeros_like(full), full], -2), color=GREEN, width=5)
    template = "deviation of dJ/dw {:.3g}, theory {:.3g}"
    player.text(right, deviations, template, at=(0.97, 0.98), align="right", size=16)
    return player


def dial(
    surface: Surface, cloud: Tensor, ball: Tensor, ratios: Sequence[float], names: Sequence[str], **options: Any
) -> Player:
    """Clouds of runs with one ratio of learning rate and batch size, side by side; the slider is the ratio.

    cloud: (panels, ratios, points, 2), ball: covariances (panels, ratios, 2, 2) of theory; names: of the panels.
    """
    centre = torch.tensor(surface.minima[0], dtype=torch.float64)
    half = 3.2 * ball.diagonal(dim1=-2, dim2=-1).sqrt().flatten(0, 1)  # (panels x ratios, 2)
    (x0, x1), (y0, y1) = map(span, torch.cat([centre - half, centre + half]).T)
    if len(names) != len(cloud):
        raise ValueError(f"names must be one for each of the {len(cloud)} panels, got {len(names)}")
    figure, (panels,) = plt.subplots(1, len(names), figsize=(13, 4), sharey=True, squeeze=False, layout="constrained")
    measured, theirs = (C[..., 0, 0].sqrt() for C in (covariance(cloud), ball))  # (panels, ratios)
    caption = f"Deviation of w in the clouds: {'; '.join(f'{n}: {between(d)}' for n, d in zip(names, measured))}."
    player = Player(figure, {"learning rate / batch size": ratios}, caption=caption, **options)
    for ax, name, points, theory, *spread in zip(panels, names, cloud, ball, measured, theirs):
        label(ax, title=name, xlabel="slope w")
        ax.set(xlim=(x0, x1), ylim=(y0, y1))
        player.points(ax, points, color=BLUE, size=5)
        player.ellipse(ax, centre.expand(len(ratios), 2), theory)
        player.text(ax, torch.stack(spread, -1), "w ± {:.2f}, theory {:.2f}", at=(0.97, 0.98), align="right", size=16)
    label(panels[0], ylabel="intercept b")
    return player


def escape(surface: Surface, params: Tensor, sliders: Mapping[str, Any], **options: Any) -> Player:
    """Many runs in the valleys of a loss of one parameter, and the share of them in the valley of the lowest minimum.

    params: (steps, batch sizes, runs, 1); sliders: name -> values, the steps (a range) and the batch sizes.
    """
    left_end, right_end = lowest_valley(surface)
    arrived = ((params > left_end) & (params < right_end)).double().mean((-2, -1))  # (steps, sizes)
    heights = torch.stack([surface(now) for now in params])
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4.8), layout="constrained")
    plots.profile(surface, ax=left)
    steps, sizes = sliders.values()
    label(left, title=surface.name)
    label(right, title="in the lowest valley", xlabel="step", ylabel="share of the runs", ylim=(-0.03, 1.03))
    right.set(xlim=step_limits(steps), yticks=[0, 0.5, 1])
    right.set_yticklabels(["0", "50 %", "100 %"])
    right.plot(steps, arrived, color=ink(right, PALE), linewidth=1.5)
    many = ", ".join(f"{share:.0%} with {size}" for share, size in zip(arrived[-1], sizes))
    caption = f"{params.shape[2]} runs for each batch size; in the lowest valley after {steps[-1]} steps: {many}."
    player = Player(figure, sliders, caption=caption, **options)
    player.points(left, torch.cat([params, heights[..., None]], -1), color=BLUE, size=7)
    player.curve(right, arrived, color=BLUE)
    player.text(right, 100 * arrived, "{:.0f} %", color=BLUE, at=(0.03, 0.98))
    return player


def _means_of(sampled: SampledLoss) -> None:
    if sampled.reduce != "mean":
        raise ValueError("this picture is of the mean gradients of minibatches; got a sampled loss of their sums")
