"""What a noisy step sees, and what it costs."""

from collections.abc import Callable, Mapping
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
from gdviz.pictures.limits import HIGHEST, log_axis, span
from gdviz.pictures.words import label
from gdviz.player import Player
from gdviz.style import BLACK, BLUE, GREEN, PALE, VERMILLION, ink
from gdviz.surfaces import Surface
from gdviz.theory import covariance, gradient_covariance
from gdviz.views.alive import follow
from gdviz.views.frames import below, between, highest, loss_limits, pair

COSTS = ("steps", "epochs", "examples", "milliseconds")
RUNNERS = ((BLUE, (), "o"), (GREEN, (3, 1.5), "s"), (VERMILLION, (1, 1), "D"), (BLACK, (5, 1), "^"))


def wobble(data: Any, surface: Surface, runs: Trajectory, sampled: SampledLoss, **options: Any) -> Player:
    """The examples of a minibatch in the data, the line, and the step that they ask for beside that of all examples.

    The start can be dragged, and a rate given as a Range can be turned.

    The black arrow is the step that comes next, against the minibatch's mean gradient; the green one that which all
    examples would ask for.

    Args:
        data: has x, y and their labels.
        surface: the loss over (w, b).
        runs: of GradientDescent at a constant rate; its axes are the batch sizes of sampled and, where its Minibatches
            have an axis of runs, the draws, which become a slider.
        sampled: the loss that the steps differentiated.
        options: at=..., as for Player.

    Returns:
        The player.

    Raises:
        ValueError: other runs.

    Example:
        >>> from gdviz import surfaces
        >>> from gdviz.data import toy_line
        >>> from gdviz.descent import minimize
        >>> from gdviz.minibatches import Minibatches, sampled_loss
        >>> from gdviz.optimizers import GradientDescent
        >>> examples = toy_line(30)
        >>> loss = surfaces.linear_model(examples)
        >>> chance = torch.Generator().manual_seed(0)
        >>> f = sampled_loss(loss, [Minibatches(30, size, runs=3, generator=chance) for size in (1, 5, 30)])
        >>> run = minimize(loss, GradientDescent(lr=0.1), loss.start, steps=20, sampled_loss=f)
        >>> player = wobble(examples, loss, run, f)
    """
    _means_of(sampled)
    fits = sampled.runs == runs.runs and sampled.many and len(runs.runs) <= 2
    if not isinstance(runs.rule, GradientDescent) or runs.scheduled or not fits:
        wanted = "a run for each batch size, or for each and each draw"
        raise ValueError(f"the arrows are of GradientDescent at a constant rate, {wanted}; got {runs}")
    sizes = [batches.batch_size for batches in sampled.batches]
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4.8), layout="constrained")
    plots.examples(data, ax=left)
    plots.contours(surface, ax=right)
    label(left, title="which examples does the step see?")
    label(right, title="where do they send it?", xlabel="slope w", ylabel="intercept b")
    draws = runs.runs[1:]
    sliders = {"step": range(runs.steps), "batch size": sizes} | ({"draw": range(1, draws[0] + 1)} if draws else {})
    each = f"{draws[0]} runs" if draws else "One run"
    caption = f"{each} for each batch size, {runs.steps} steps; the losses end {between(runs.losses[-1])}."
    player = Player(figure, sliders, caption=caption, opening="", **options)
    spots = torch.full((runs.steps, *runs.runs, max(sizes), 2), torch.nan, dtype=torch.float64)
    for k, batches in enumerate(sampled.batches):
        for step in range(runs.steps):
            chosen = batches(step)
            spots[step, k, ..., : chosen.shape[-1], :] = torch.stack([data.x[chosen], data.y[chosen]], -1)

    def now(run: Trajectory) -> Tensor:
        return run.params[:-1]

    def asked(run: Trajectory) -> Tensor:
        with torch.enable_grad():
            leaf = now(run).detach().requires_grad_()
            (full,) = torch.autograd.grad(surface(leaf).sum(), leaf)  # also where gradient() refuses what has diverged
        return torch.stack([now(run), now(run) - run.rule.lr * full], -2)

    drawn: dict[Any, Callable] = {
        "line": lambda run: plots.lines(data, now(run)),
        "path": now,
        "all": asked,
        "batch": lambda run: torch.stack([now(run), run.params[1:]], -2),
        "loss": lambda run: run.losses[:-1],
    }
    first = {name: draw(runs) for name, draw in drawn.items()}
    player.points(left, spots, color=VERMILLION, size=9, casing=2)
    marks = [
        player.line(left, first["line"], color=BLUE),
        player.path(right, first["path"], color=BLUE, width=2),
        player.arrow(right, first["all"], color=GREEN),
        player.arrow(right, first["batch"], color=BLACK),
        player.text(right, first["loss"], "loss {:.0f}" if highest(first["loss"]) >= 1000 else "loss {:.3g}"),
    ]
    follow(player, right, runs, dict(zip(marks, drawn.values())), lambda _: caption)
    return player


def price(
    runs: Mapping[str, Trajectory | Mapping[float, Trajectory]],
    n: int,
    lowest: float,
    *,
    parts: int = 100,
    **options: Any,
) -> Player:
    """Mean losses above the lowest against what they cost: a switch chooses steps, epochs, examples or milliseconds.

    An axis ends with what all steps of the first one cost.

    Args:
        runs: up to four by name, each with one axis of runs that differ by their noise and were computed together; or
            of a name several, by their learning rates, which become a slider.
        n: how many examples an epoch has.
        lowest: the lowest loss.
        parts: into how many the slider divides the cost.
        options: at=..., as for Player.

    Returns:
        The player.

    Raises:
        ValueError: no run or more than four, or one without steps or without its one axis of runs.

    Example:
        >>> from gdviz import surfaces
        >>> from gdviz.data import toy_line
        >>> from gdviz.descent import minimize
        >>> from gdviz.minibatches import Minibatches, sampled_loss
        >>> from gdviz.optimizers import GradientDescent
        >>> loss, runs = surfaces.linear_model(toy_line(30)), {}
        >>> for size in (3, 30):
        ...     batches = Minibatches(30, size, runs=8, generator=torch.Generator().manual_seed(0))
        ...     f = sampled_loss(loss, batches)
        ...     runs[f"batch {size}"] = minimize(loss, GradientDescent(lr=0.1), loss.start, 30, sampled_loss=f)
        >>> player = price(runs, 30, float(loss(torch.tensor(loss.minima[0]).double())))
    """
    swept = {name: run if isinstance(run, Mapping) else {0.0: run} for name, run in runs.items()}
    every = [run for of_name in swept.values() for run in of_name.values()]
    fit = all(len(run.runs) == 1 and run.steps for run in every) and all(swept.values())
    if not 1 <= len(runs) <= len(RUNNERS) or not fit:
        raise ValueError(f"runs must be 1 to {len(RUNNERS)} trajectories, each with steps and one axis of runs")
    budget = _costs(next(iter(every)), n)[:, -1:]  # (costs, 1)
    spent = budget * torch.linspace(0, 1, parts + 1, dtype=torch.float64)  # (costs, parts + 1)
    above = [run.losses.mean(1) - lowest for run in every]
    first = max(float(loss[0]) for loss in above)
    low, high = loss_limits(torch.cat([torch.tensor([first]), *above])[:, None], torch.zeros(1).bool(), least=1e-6)
    figure, ax = plt.subplots(figsize=(6.6, 5.2), layout="constrained")
    label(ax, title="who is lower for the same price?", ylabel="loss above the minimum", xlim=(0, 1))
    log_axis(ax, 0.5 * low, 3 * high)
    ax.set_xticks([0, 0.5, 1], ["   ", "   ", "   "])  # room for the numbers, which change with the switch
    ax.set_xlabel(" ", labelpad=12)
    rates = {f"rate of {name}": list(of_name) for name, of_name in swept.items() if len(of_name) > 1}
    kinds = {name: next(iter(of_name.values())) for name, of_name in swept.items()}
    caption = " ".join(f"{name}: {r.steps} steps, {int(r.examples[-1, 0])} examples." for name, r in kinds.items())
    sliders = {"spent, in %": range(parts + 1), "measured in": COSTS, **rates}
    player = Player(figure, sliders, caption=caption, opening="", **options)

    def known(run: Trajectory) -> np.ndarray:
        """(parts + 1, costs, 2): where its curve is."""
        logs = (run.losses.mean(1) - lowest).clamp(1e-9 * low, HIGHEST).nan_to_num(HIGHEST).log()
        heights = [np.interp(*both, logs, right=np.nan) for both in zip(spent, _costs(run, n) * (1 + 1e-9))]
        return np.stack([(spent / budget).T, np.exp(heights).T], -1)

    looks = {}
    for (color, dash, marker), (name, of_name) in zip(RUNNERS, swept.items()):
        places = np.stack([known(run) for run in of_name.values()], 2)  # (parts + 1, costs, rates, 2)
        shape = [len(places[0, 0]) if one == f"rate of {name}" else 1 for one in rates]
        looks[name] = {"color": color, "dash": dash, "marker": marker}
        player.path(ax, places.reshape(parts + 1, len(COSTS), *shape, 2), dots=0, **looks[name])
    below(ax, looks, columns=1, at=(1, 1), loc="upper right")
    ones = [1] * len(rates)
    for share, align in ((0, "left"), (0.5, "center"), (1, "right")):
        shown = (share * budget)[None, :, 0].round(decimals=2).reshape(1, -1, *ones)
        player.text(ax, shown, "{:.5g}", at=(share, -0.02), align=align, size=17)
    unit = np.arange(len(COSTS)).reshape(1, -1, *ones)
    player.text(ax, unit, f"{{:{'|'.join(COSTS)}}}", at=(0.5, -0.1), align="center", size=18)
    return player


def gradients(surface: Surface, descent: Trajectory, sampled: SampledLoss, **options: Any) -> Player:
    """The gradients of many minibatches at each point of a descent, and the ellipse that theory draws around them.

    The ellipse should hold 95 % of the cloud; the arrow is the gradient of the full batch. The window holds the
    ellipses of the third size.

    Args:
        surface: the loss over (w, b).
        descent: a single run.
        sampled: of a list of Minibatches with one axis of runs, the draws.
        options: at=..., as for Player.

    Returns:
        The player.

    Example:
        >>> from gdviz import surfaces
        >>> from gdviz.data import toy_line
        >>> from gdviz.descent import minimize
        >>> from gdviz.minibatches import Minibatches, sampled_loss
        >>> from gdviz.optimizers import GradientDescent
        >>> loss = surfaces.linear_model(toy_line(30))
        >>> chance = torch.Generator().manual_seed(0)
        >>> f = sampled_loss(loss, [Minibatches(30, size, runs=80, generator=chance) for size in (1, 3, 10)])
        >>> player = gradients(loss, minimize(loss, GradientDescent(lr=0.1), loss.start, steps=20), f)
    """
    _means_of(sampled)
    params = descent.params
    sizes = [batches.batch_size for batches in sampled.batches]
    cloud = torch.stack([gradient(lambda p, k=k: sampled.one(k, p, 0), params[:, None].expand(-1, many.runs[0], 2))
                         for k, many in enumerate(sampled.batches)], 1)  # (steps, sizes, draws, 2)  # fmt: skip
    predicted = torch.stack([gradient_covariance(sampled.loss, params, many) for many in sampled.batches], 1)
    full = gradient(surface, params)[:, None]  # (steps, 1, 2)
    figure, left, right = pair(surface)
    label(left, title="where is the descent?", xlabel="slope w", ylabel="intercept b")
    right.axhline(0, color=ink(right, PALE), linewidth=1)
    right.axvline(0, color=ink(right, PALE), linewidth=1)
    rings = ellipses.ellipses(full, predicted[:, min(2, len(sizes) - 1), None]).reshape(-1, 2)
    (x0, x1), (y0, y1) = map(span, rings.T)
    room_x, room_y = 0.05 * (x1 - x0), 0.15 * (y1 - y0)
    label(right, title="which gradients do minibatches give here?", xlabel="dJ/dw", ylabel="dJ/db")
    right.set_xlim(x0 - room_x, x1 + room_x)
    right.set_ylim(y0 - room_y / 3, y1 + room_y)
    deviations = torch.stack([C[..., 0, 0].sqrt() for C in (covariance(cloud), predicted)], -1)
    deviations = deviations.where(deviations > 1e-9 * deviations.max(), 0.0)  # no digits of rounding noise
    caption = f"Gradients of {cloud.shape[2]} minibatches of each size at {len(params)} points of a descent."
    sliders = {"step": range(len(params)), "batch size": sizes}
    player = Player(figure, sliders, caption=caption, opening="", **options)
    player.path(left, params[:, None], color=BLUE)
    player.points(right, cloud, color=BLUE, size=6)
    player.ellipse(right, full.expand(-1, len(sizes), 2), predicted)
    player.arrow(right, torch.stack([torch.zeros_like(full), full], -2), color=GREEN, width=5)
    template = "deviation of dJ/dw {:.3g}, theory {:.3g}"
    player.text(right, deviations, template, at=(0.97, 0.98), align="right", size=16)
    return player


def _costs(run: Trajectory, n: int) -> Tensor:
    """(costs, steps + 1): what had been spent before each step, in the order of COSTS."""
    examples = run.examples[:, 0].double()
    return torch.stack([torch.arange(run.steps + 1).double(), examples / n, examples, 1000 * run.seconds])


def _means_of(sampled: SampledLoss) -> None:
    if sampled.reduce != "mean":
        raise ValueError("this picture is of the mean gradients of minibatches; got a sampled loss of their sums")
