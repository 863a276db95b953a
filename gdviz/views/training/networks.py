"""What a network has learned, and the way of its weights through a slice of its loss."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from gdviz import plots
from gdviz.descent import Trajectory
from gdviz.networks.landscape import losses_at, outputs_at
from gdviz.pictures.limits import log_axis, plain_ticks
from gdviz.pictures.words import label
from gdviz.player import Player
from gdviz.style import BLACK, GREY, PURPLE, VERMILLION, ink
from gdviz.surfaces import Surface
from gdviz.views.alive import follow
from gdviz.views.frames import faint
from gdviz.views.training.curves import CURVES

MESH = 31  # points along each side, between which the boundary is found


def decision(
    data: tuple[Tensor, Tensor],
    networks: Mapping[str, tuple[nn.Module, Any]],
    steps: range,
    **options: Any,
) -> Player:
    """How networks of two inputs learn to separate two classes: the line of each hidden unit, and their boundary.

    A hidden unit divides the plane where w x + b = 0 (thin lines). The thick line is where both classes get 1/2. Where
    all networks were trained by minimize, on the vector of their weights, what is given as a Range can be turned.

    Args:
        data: inputs (n, 2) and classes 0 or 1.
        networks: label of the second slider -> a model whose first layer is an nn.Linear(2, units), and its recorded
            weights, one for each of the steps, such as fit(..., record=...).weights; or a run of minimize.
        steps: of the record, or those of the run that are shown.
        options: at=..., as for Player.

    Returns:
        The player.

    Raises:
        ValueError: another model, or weights that are not one for each step.

    Example:
        >>> from torch import nn
        >>> from torch.nn.functional import cross_entropy
        >>> from torch.nn.utils import parameters_to_vector
        >>> from gdviz.data import toy_moons
        >>> from gdviz.descent import minimize
        >>> from gdviz.networks import landscape
        >>> from gdviz.optimizers import Adam, Range
        >>> model = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 2)).double()
        >>> loss, adam = landscape.losses_at(model, cross_entropy, toy_moons()), Adam(Range(0.01, 1, 0.1, log=True))
        >>> run = minimize(loss, adam, parameters_to_vector(model.parameters()), steps=40)
        >>> player = decision(toy_moons(), {"4": (model, run)}, range(0, 41, 4))
    """
    inputs, classes = (torch.as_tensor(part) for part in data)
    (x0, y0), (x1, y1) = (inputs.amin(0) - 0.4).tolist(), (inputs.amax(0) + 0.4).tolist()
    models, trained = {name: pair[0] for name, pair in networks.items()}, {n: pair[1] for n, pair in networks.items()}
    x, y = (torch.linspace(*ends, MESH, dtype=torch.float64) for ends in ((x0, x1), (y0, y1)))
    outputs = {name: outputs_at(model, torch.cartesian_prod(x, y).to(inputs)) for name, model in models.items()}
    most, reach = max(len(_units(model).weight) for model in models.values()), x1 - x0 + y1 - y0

    def lines(rows: Tensor, name: str) -> Tensor:
        each = torch.stack([_lines_of_units(models[name], row, reach) for row in rows])  # (steps, 3 units, 2)
        rest = each.new_full((len(each), 3 * most - each.shape[1], 2), torch.nan)
        return torch.cat([each, rest], 1)[:, None]

    def edge(rows: Tensor, name: str) -> Tensor:
        both = torch.stack([outputs[name](row) for row in rows])  # (steps, places, classes)
        return lines_of_zero(x, y, (both[..., 1] - both[..., 0]).reshape(-1, MESH, MESH))[:, None]

    runs = {name: run for name, run in trained.items() if isinstance(run, Trajectory)}
    rows = {
        name: run.params[:: steps.step] if name in runs else torch.stack(list(run)) for name, run in trained.items()
    }
    losses = [
        runs[name].losses[:: steps.step] if name in runs else losses_at(model, cross_entropy, data)(rows[name])
        for name, model in models.items()
    ]
    heights = torch.stack(losses, 1).detach().double().numpy()  # (steps, networks)
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 5), layout="constrained")
    for value, (color, marker) in enumerate(CURVES[:2]):
        style = {"color": ink(left, color), "markersize": 6, "alpha": 0.7, "markeredgewidth": 0}
        left.plot(*inputs[classes == value].T, marker, **style)
    label(left, title="two classes", xlabel="input 1", ylabel="input 2", xlim=(x0, x1), ylim=(y0, y1))
    label(right, title="loss, by hidden units", xlabel="epoch", yscale="log")
    known = heights[np.isfinite(heights) & (heights > 0)]
    if len(known):
        log_axis(right, 0.8 * float(known.min()), 1.25 * float(known.max()))
    plain_ticks(right, few=known.max(initial=0) > 100 * known.min(initial=np.inf))
    right.minorticks_off()

    def told(ends: Sequence[float]) -> str:
        said = ", ".join(f"{name}: {end:.3g}" for name, end in zip(networks, ends))
        return f"Loss after the last of {steps[-1]} epochs, by the number of hidden units: {said}."

    sliders = {"epoch": steps, "hidden units": list(networks)}
    player = Player(figure, sliders, caption=told(heights[-1].tolist()), **options)
    thin = player.line(left, torch.cat([lines(rows[name], name) for name in networks], 1), color=GREY, width=2)
    thick = player.line(
        left, torch.cat([edge(rows[name], name) for name in networks], 1).detach(), color=BLACK, width=5
    )
    faint(player, right, heights)
    curve = player.curve(right, heights, color=PURPLE)
    text = player.text(right, heights, "loss {:.3g}", at=(0.97, 0.98), align="right")
    if len(runs) < len(networks):
        return player

    def of(run: Trajectory, draw: Callable[[Tensor, str], Tensor], name: str) -> Tensor:
        return draw(run.params[:: steps.step], name)

    def loss(run: Trajectory) -> Tensor:
        return run.losses[:: steps.step][:, None]

    marks = {
        name: {mark: partial(of, draw=draw, name=name) for mark, draw in ((thin, lines), (thick, edge))}
        | {curve: loss, text: loss}
        for name in networks
    }

    def after(runs: Mapping[str, Trajectory]) -> str:
        return told([float(run.losses[-1]) for run in runs.values()])

    shown = {name: k for k, name in enumerate(networks)}
    follow(player, None, runs, marks, after, shown=shown, alone=[thin, thick])
    return player


def in_slice(
    surface: Surface, path: Tensor, losses: Sequence[float], steps: range, shares: Sequence[float], **options: Any
) -> Player:
    """A training run in the plane that holds most of it: over the loss in 3-D, and through its contours.

    Args:
        surface: from landscape.plane.
        path: (k, 2), from landscape.project.
        losses: of the network at the k recorded weights, which lie beside the plane, so that they are not quite the
            heights of the path.
        steps: of the record.
        shares: from landscape.principal_directions.
        options: at=..., as for Player.

    Returns:
        The player.

    Example:
        >>> from torch import nn
        >>> from torch.nn.functional import mse_loss
        >>> from gdviz.networks import fit, landscape
        >>> x = torch.linspace(-2, 2, 20).double()
        >>> model = nn.Sequential(nn.Linear(1, 3), nn.Tanh(), nn.Linear(3, 1)).double()
        >>> data, sgd = (x[:, None], x[:, None].sin()), torch.optim.SGD(model.parameters(), lr=0.1)
        >>> walk = fit(model, mse_loss, data, sgd, epochs=20, batch_size=20, record=2).weights
        >>> directions, shares = landscape.principal_directions(walk)
        >>> path = landscape.project(walk, model, directions)
        >>> surface = landscape.plane(model, mse_loss, data, directions, **landscape.window(path))
        >>> losses = landscape.losses_at(model, mse_loss, data)(walk)
        >>> player = in_slice(surface, path, losses, range(0, 21, 2), shares)
    """
    figure = plt.figure(figsize=(12.6, 5.4), layout="constrained")
    left, right = figure.add_subplot(1, 2, 1, projection="3d"), figure.add_subplot(1, 2, 2)
    plots.surface3d(surface, ax=left, n=45)
    label(left, title="loss over the slice", xlabel="direction 1", ylabel="direction 2")
    left.view_init(elev=38, azim=-60)
    plots.contours(surface, ax=right, n=33, levels=16)
    names = [f"direction {k}, {share:.0%} of the variance" for k, share in enumerate(shares, 1)]
    label(right, title="slice of the loss", xlabel=names[0], ylabel=names[1])
    caption = f"{len(path)} points of a training run; the loss goes from {losses[0]:.3g} to {losses[-1]:.3g}."
    player = Player(figure, {"step": steps}, caption=caption, opening="", **options)
    heights = surface(path).detach()
    player.path(left, torch.cat([path, heights[:, None]], 1), color=VERMILLION)
    player.solid(left, *surface.mesh(31))
    player.path(right, path, color=VERMILLION)
    both = np.stack([np.asarray(losses), heights.numpy()], -1)
    player.text(right, both, "loss {:.3g}, in the slice {:.3g}", at=(0.97, 0.98), align="right")
    return player


def lines_of_zero(x: Tensor, y: Tensor, heights: Tensor) -> Tensor:
    """Where heights over a mesh are zero, between two of its points along a straight line: a piece in each cell.

    Args:
        x: (n,).
        y: (m,).
        heights: (..., n, m).

    Returns:
        (..., 6 (n - 1) (m - 1), 2): of each cell two points and NaN, twice, and all NaN where no line goes through.

    Example:
        >>> x = torch.tensor([0.0, 1.0])
        >>> lines_of_zero(x, x, torch.tensor([[-1.0, -1.0], [1.0, 3.0]])).tolist()[:2]
        [[0.5, 0.0], [0.25, 1.0]]
    """

    def crossing(low: Tensor, high: Tensor) -> Tensor:  # which part of the way, or NaN
        return torch.where((low > 0) != (high > 0), low / (low - high), torch.nan)

    along = crossing(heights[..., :-1, :], heights[..., 1:, :])
    across = crossing(heights[..., :-1], heights[..., 1:])
    flat = torch.stack([x[:-1, None] + along * x.diff()[:, None], y + 0 * along], -1)  # (..., n - 1, m, 2)
    steep = torch.stack([x[:, None] + 0 * across, y[:-1] + across * y.diff()], -1)  # (..., n, m - 1, 2)
    south, north, west, east = flat[..., :-1, :], flat[..., 1:, :], steep[..., :-1, :, :], steep[..., 1:, :, :]

    def first(*sides: Tensor) -> Tensor:
        found = sides[-1]
        for side in sides[-2::-1]:
            found = torch.where(side.isnan(), found, side)
        return found

    gap = torch.full_like(south, torch.nan)
    through = [first(south, east, north, west), first(west, north, east, south), gap]
    crossed = (south + east + north + west).isnan()  # else all four sides are: two pieces
    pieces = torch.stack([*through, east.where(~crossed, gap), north.where(~crossed, gap), gap], -2)
    return pieces.flatten(-4, -2)


def _units(model: nn.Module) -> nn.Linear:
    """The first layer, that of the hidden units."""
    first = next((layer for layer in model.modules() if isinstance(layer, nn.Linear)), None)
    begins = [first.weight, first.bias] if first is not None else []
    if first is None or first.in_features != 2 or any(a is not b for a, b in zip(begins, model.parameters())):
        raise ValueError("the lines are of hidden units: the model must begin with an nn.Linear(2, units) with bias")
    return first


def _lines_of_units(model: nn.Module, weights: Tensor, reach: float) -> Tensor:
    """(3 units, 2): of each hidden unit two far points of the line w x + b = 0, then NaN."""
    first = _units(model)
    size = first.weight.numel()
    w, b = weights[:size].view(-1, 2), weights[size : size + len(first.weight)]
    foot = -b[:, None] * w / w.square().sum(1, keepdim=True)
    along = reach * torch.stack([-w[:, 1], w[:, 0]], 1) / w.norm(dim=1, keepdim=True)
    return torch.stack([foot - along, foot + along, torch.full_like(foot, torch.nan)], 1).flatten(0, 1)
