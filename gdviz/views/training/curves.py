"""Ready-made players of notebook 05: networks while they are trained."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import contourpy
import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from gdviz import plots
from gdviz.networks.landscape import outputs_at
from gdviz.pictures.arrays import as_array
from gdviz.pictures.limits import ENDS, HIGHEST, log_axis, plain_ticks, span
from gdviz.pictures.words import label, plain
from gdviz.player import Player
from gdviz.player.templates import escaped
from gdviz.style import BLACK, BLUE, GREEN, GREY, LOOKS, PALE, PURPLE, VERMILLION, ink, look
from gdviz.surfaces import Surface
from gdviz.views.frames import between

CURVES = [(BLUE, "o"), (VERMILLION, "s"), (GREEN, "D"), (BLACK, "^")]  # what has no look of its own
LINE = 0.1  # height of a line of words in a panel
GLYPHS = {"o": "●", "s": "■", "D": "◆", "^": "▲"}


def panels(
    curves: Mapping[str, Mapping[str, Any]],
    sliders: Mapping[str, Any],
    *,
    log: Collection[str] = (),
    rows: int = 1,
    ylabel: str = "",
    x: Mapping[str, tuple[str, Sequence[float]]] | None = None,
    **options: Any,
) -> Player:
    """Named curves in several panels, with their numbers at the current position: a picture of a training.

    Up to four names a panel; an optimizer's has its look. Up to six positions of the other sliders leave their curves
    in grey, to compare.

    Args:
        curves: title of a panel -> name of a curve -> its array (*sliders, each axis may be 1), drawn up to the
            position of the first slider, which is a range.
        sliders: name -> values.
        log: the titles of the panels with a log axis.
        rows: of panels, which then share their y axis.
        ylabel: its label.
        x: for a panel whose curves are whole lines, arrays (*sliders, n): the label of its x axis and the n places, in
            order; places that grow by a factor get a log axis. The number is then that of the last place.
        options: at=..., as for Player.

    Returns:
        The player.

    Raises:
        ValueError: arrays that do not fit the sliders.

    Example:
        >>> loss, accuracy = 2 * 0.8 ** torch.arange(10.0), 1 - 0.7 ** torch.arange(10.0)
        >>> curves = {"loss": {"Adam": loss.double()}, "accuracy": {"Adam": accuracy.double()}}
        >>> player = panels(curves, {"epoch": range(1, 11)}, log=["loss"])
    """
    arrays = {title: {name: as_array(name, array) for name, array in named.items()} for title, named in curves.items()}
    for title, named in arrays.items():
        if not 1 <= len(named) <= len(CURVES):
            raise ValueError(f"a panel holds 1 to {len(CURVES)} curves; {title} has {len(named)}")
    x, log = x or {}, list(log)
    if not arrays or not sliders or not set(log) | set(x) <= set(arrays) or not 1 <= rows <= len(arrays):
        asked = f"log {log}, x {list(x)}, {rows} rows, sliders {list(sliders)}"
        raise ValueError(f"panels needs curves and sliders; log and x name panels ({', '.join(arrays)}); got {asked}")
    time, columns = next(iter(sliders)), -(-len(arrays) // rows)
    size = (12.6 if columns > 1 else 6.6, 4.5 * rows)
    figure, grid = plt.subplots(rows, columns, figsize=size, sharey=rows > 1, squeeze=False, layout="constrained")
    for ax in list(grid.flat)[len(arrays) :]:
        ax.remove()
    ends = {
        title: {name: a[..., -1] if title in x else a[-1] for name, a in named.items()}
        for title, named in arrays.items()
    }
    said = [
        f"{title}: {', '.join(f'{name} {between(end)}' for name, end in named.items())}"
        for title, named in ends.items()
    ]
    player = Player(figure, sliders, caption=f"At the end, {'; '.join(said)}.", **options)
    for k, (ax, (title, named)) in enumerate(zip(grid.flat, arrays.items())):
        words, places = x.get(title, (time, None))
        places = None if places is None else np.asarray(places, dtype=float)
        label(ax, title=title, xlabel=words if k >= len(curves) - columns else "", ylabel=ylabel)
        ax.set_yscale("log" if title in log else "linear")
        ax.tick_params(labelleft=True)  # each panel may be shown alone
        together = arrays.values() if rows > 1 else [named]
        _frame(ax, [array for each in together for array in each.values()], max(map(len, together)), places)
        _panel(player, ax, named, next(iter(sliders.values())), places)
    return player


def _panel(player: Player, ax: Axes, named: Mapping[str, np.ndarray], steps: Sequence[float], places: Any) -> None:
    """The curves of one panel, against the steps or as whole lines over the places, and above them their numbers."""
    for row, (name, array) in enumerate(named.items()):
        drawn: dict[str, Any] = look(name)._asdict() if name in LOOKS else dict(zip(("color", "marker"), CURVES[row]))
        words: dict[str, Any] = {"at": (0.98, 0.98 - LINE * row), "align": "right", "color": drawn["color"]}
        player.text(
            ax,
            array if places is None else array[..., -1],
            f"{GLYPHS[drawn['marker']]} {escaped(name)} {{:.3g}}",
            **words,
        )
        if places is not None:
            points = np.stack([np.broadcast_to(places, array.shape), array], -1)
            if len(named) == 1 and 1 < array.size // len(places) <= 6:
                ax.plot(places, array.reshape(-1, len(places)).T, color=ink(ax, PALE), linewidth=1.5, scaley=False)
            player.line(ax, points, color=drawn["color"], dash=drawn.get("dash", ()))
            player.points(ax, points[..., :: -(-len(places) // 12), :], color=drawn["color"], marker=drawn["marker"])
            continue
        if len(named) == 1 and 1 < array[0].size <= 6:
            ax.plot(list(steps), array.reshape(len(array), -1), color=ink(ax, PALE), linewidth=1.5, scaley=False)
        player.curve(ax, array, **drawn, size=15 + 5 * (len(named) - 1 - row))  # of coinciding heads each is seen


def _frame(ax: Axes, arrays: Sequence[np.ndarray], lines: int, places: np.ndarray | None) -> None:
    """The window: what is finite and at most 100 times as large as the first values; above it room for words."""
    values, first = (np.concatenate([a.ravel() for a in some]) for some in (arrays, [array[0] for array in arrays]))
    largest = np.abs(first[np.isfinite(first)]).max(initial=0)
    values = values[(np.abs(values) <= HIGHEST) & ((values <= 100 * largest) | (largest == 0))]
    log = ax.get_yscale() == "log"
    values = np.log(values[values > 0]) if log else values
    low, high = (values.min(), values.max()) if len(values) else (0, 1)  # where nothing can be drawn
    height = max(high - low, 1e-3)
    ends = low - 0.05 * height, high + height * (0.08 + 1.25 * LINE * lines)
    if log:
        log_axis(ax, *np.exp(np.clip(ends, *np.log(ENDS))))
        plain_ticks(ax, few=high - low > np.log(100))
        ax.minorticks_off()
    else:  # no tick beyond the data, such as a share above 1
        ax.set_ylim(*ends)
        ax.set_yticks([tick for tick in ax.get_yticks() if low - 0.05 * height <= tick <= high + 1e-9 * height])
    if places is not None:
        ax.set_xlim(*(places[[0, -1]] if places[0] != places[-1] else span(places)))
        if len(places) > 1 and places[0] > 0 and np.allclose(np.diff(np.log(places), 2), 0):
            ax.set_xscale("log")


def decision(
    data: tuple[Tensor, Tensor],
    networks: Mapping[str, tuple[nn.Module, Sequence[Tensor]]],
    steps: range,
    **options: Any,
) -> Player:
    """How networks of two inputs learn to separate two classes: the line of each hidden unit, and their boundary.

    A hidden unit divides the plane where w x + b = 0 (thin lines). The thick line is where both classes get 1/2.

    Args:
        data: inputs (n, 2) and classes 0 or 1.
        networks: label of the second slider -> a model whose first layer is an nn.Linear(2, units), and its
            recorded
            weights, one for each of the steps, such as fit(..., record=...).weights.
        steps: of the record.
        options: at=..., as for Player.

    Returns:
        The player.

    Raises:
        ValueError: another model, or weights that are not one for each step.

    Example:
        >>> from torch import nn
        >>> from torch.nn.functional import cross_entropy
        >>> from gdviz.data import toy_moons
        >>> from gdviz.networks import fit
        >>> model = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 2)).double()
        >>> adam = torch.optim.Adam(model.parameters(), lr=0.1)
        >>> history = fit(model, cross_entropy, toy_moons(), adam, epochs=40, batch_size=200, record=4)
        >>> player = decision(toy_moons(), {"4": (model, history.weights)}, range(0, 41, 4))
    """
    inputs, classes = (torch.as_tensor(part) for part in data)
    (x0, y0), (x1, y1) = (inputs.amin(0) - 0.4).tolist(), (inputs.amax(0) + 0.4).tolist()
    mesh = [torch.linspace(*ends, 61) for ends in ((x0, x1), (y0, y1))]
    places = torch.cartesian_prod(*mesh).to(inputs.dtype)
    edges, units, losses = [], [], []
    for model, weights in networks.values():
        outputs = outputs_at(model, torch.cat([places, inputs]))(list(weights)).detach()  # (steps, places + n, 2)
        gap = (outputs[..., 1] - outputs[..., 0])[:, : len(places)].reshape(len(weights), 61, 61)
        edges.append([_line_of_zero(mesh, now) for now in gap])
        units.append(torch.stack([_lines_of_units(model, now, x1 - x0 + y1 - y0) for now in weights]))
        losses.append([float(cross_entropy(now, classes)) for now in outputs[:, len(places) :]])
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 5), layout="constrained")
    for value, (color, marker) in enumerate(CURVES[:2]):
        style = {"color": ink(left, color), "markersize": 6, "alpha": 0.7, "markeredgewidth": 0}
        left.plot(*inputs[classes == value].T, marker, **style)
    label(left, title="two classes", xlabel="input 1", ylabel="input 2", xlim=(x0, x1), ylim=(y0, y1))
    label(right, title="loss, by hidden units", xlabel="epoch", yscale="log")
    heights = np.array(losses).T  # (steps, networks)
    known = heights[np.isfinite(heights) & (heights > 0)]
    plain_ticks(right, few=known.max(initial=0) > 100 * known.min(initial=np.inf))
    right.minorticks_off()
    ends = [f"{name}: {loss[-1]:.3g}" for name, loss in zip(networks, losses)]
    caption = f"Loss after the last of {steps[-1]} epochs, by the number of hidden units: {', '.join(ends)}."
    player = Player(figure, {"epoch": steps, "hidden units": list(networks)}, caption=caption, **options)
    player.line(left, _stacked(units), color=GREY, width=2)
    player.line(left, _stacked(edges), color=BLACK, width=5)
    right.plot(list(steps), heights, color=ink(right, PALE), linewidth=1.5)
    for rank, k in enumerate(np.argsort(-heights[-1])):  # of two that are near, one above and one below
        va = "top" if rank % 2 else "bottom"
        if np.isfinite(heights[-1, k]):
            style = {"color": ink(right, GREY), "size": 14, "va": va}
            plain(right.text(1.02 * steps[-1], heights[-1, k], list(networks)[k], **style))
    player.curve(right, heights, color=PURPLE)
    player.text(right, heights, "loss {:.3g}", at=(0.97, 0.98), align="right")
    return player


def in_slice(
    surface: Surface, path: Tensor, losses: Sequence[float], steps: range, shares: Sequence[float], **options: Any
) -> Player:
    """A training in the plane that holds most of it: over the loss in 3-D, and through its contours.

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
    right.clabel(plots.contours(surface, ax=right, n=33, levels=16), fmt="%.2g", fontsize=14, colors=ink(right, GREY))
    names = [f"direction {k}, {share:.0%} of the variance" for k, share in enumerate(shares, 1)]
    label(right, title="slice of the loss", xlabel=names[0], ylabel=names[1])
    caption = f"{len(path)} points of a training; the loss goes from {losses[0]:.3g} to {losses[-1]:.3g}."
    player = Player(figure, {"step": steps}, caption=caption, **options)
    heights = surface(path).detach()
    player.path(left, torch.cat([path, heights[:, None]], 1), color=VERMILLION)
    player.solid(left, *surface.mesh(31))
    player.path(right, path, color=VERMILLION)
    both = np.stack([np.asarray(losses), heights.numpy()], -1)
    player.text(right, both, "loss {:.3f}, in the slice {:.3f}", at=(0.97, 0.98), align="right")
    return player


def _line_of_zero(mesh: Sequence[Tensor], gap: Tensor) -> np.ndarray:
    """Where gap (n of x, n of y) is 0, as points (k, 2) with NaN between two lines."""
    x, y = (axis.numpy() for axis in mesh)
    found: Any = contourpy.contour_generator(x, y, gap.T.numpy()).lines(0.0)
    return np.concatenate([[[np.nan, np.nan]], *(part for line in found for part in (line, [[np.nan, np.nan]]))])


def _lines_of_units(model: nn.Module, weights: Tensor, reach: float) -> Tensor:
    """(3 units, 2): of each hidden unit two far points of the line w x + b = 0, then NaN."""
    first = next((layer for layer in model.modules() if isinstance(layer, nn.Linear)), None)
    begins = [first.weight, first.bias] if first is not None else []
    if first is None or first.in_features != 2 or any(a is not b for a, b in zip(begins, model.parameters())):
        raise ValueError("the lines are of hidden units: the model must begin with an nn.Linear(2, units) with bias")
    size = first.weight.numel()
    w, b = weights[:size].view(-1, 2), weights[size : size + len(first.weight)]
    foot = -b[:, None] * w / w.square().sum(1, keepdim=True)
    along = reach * torch.stack([-w[:, 1], w[:, 0]], 1) / w.norm(dim=1, keepdim=True)
    return torch.stack([foot - along, foot + along, torch.full_like(foot, torch.nan)], 1).flatten(0, 1)


def _stacked(lines: Sequence[Sequence[Any]]) -> np.ndarray:
    """Lines of different length, by network and step, as (steps, networks, longest, 2), filled with NaN."""
    longest = max(len(line) for network in lines for line in network)
    array = np.full((len(lines[0]), len(lines), longest, 2), np.nan)
    for k, network in enumerate(lines):
        for step, line in enumerate(network):
            array[step, k, : len(line)] = line
    return array
