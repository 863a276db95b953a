"""Losses on an Axes: contours, profiles, basins, three dimensions."""

from dataclasses import dataclass
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.cbook import normalize_kwargs
from matplotlib.colors import ListedColormap
from matplotlib.lines import Line2D
from matplotlib.patheffects import Normal, Stroke
from matplotlib.ticker import MaxNLocator
from mpl_toolkits.mplot3d import Axes3D

from gdviz.pictures.arrays import as_array
from gdviz.pictures.levels import edges, heights, labels, without
from gdviz.pictures.limits import HIGHEST
from gdviz.pictures.words import label
from gdviz.style import BLACK, GREEN, GREY, ORANGE, PALE, SKY, YELLOW, ground, ink, inks
from gdviz.surfaces import Surface

STILL = "gdviz_still"  # the attribute of a ContourSet that says of what it is


@dataclass
class Still:
    """A loss that stands on an Axes: the surface, its levels, and what was drawn of it."""

    surface: Surface
    levels: Any
    artists: list[Artist]


def take_away(ax: Axes) -> Still | None:
    """Remove from an Axes what contours has drawn, for it will move.

    Args:
        ax: the Axes.

    Returns:
        What it was; None where contours has drawn nothing.
    """
    still = next((getattr(one, STILL) for one in ax.collections if hasattr(one, STILL)), None)
    for artist in still.artists if still else ():
        artist.remove()
    return still


def contours(
    surface: Surface,
    *,
    ax: Axes | None = None,
    levels: int | Any = 12,
    filled: bool = False,
    n: int = 201,
    **kwargs: Any,
):
    """Lines of equal loss with some of their heights; a cross on each global minimum, a small one on each local one.

    The Axes shows the window of the surface, unless somebody has set its limits.

    Where the loss is not finite, nothing is drawn.

    Args:
        surface: of two parameters.
        ax: left out, the current Axes.
        levels: how many lines, spaced so that those of a round bowl lie at equal distances; or their heights, in any
            order.
        filled: a map (cividis) instead, for pictures with no path on top.
        n: points of the mesh along each side; fewer where a loss is slow.
        kwargs: of matplotlib's contour.

    Returns:
        The ContourSet.

    Raises:
        ValueError: a loss that is finite nowhere; levels that are neither a number of lines nor heights.

    Example:
        >>> from gdviz.surfaces import himmelblau
        >>> contours(himmelblau(), levels=[1.0, 10.0, 100.0]).levels.tolist()
        [1.0, 10.0, 100.0]
    """
    ax = plt.gca() if ax is None else ax
    x, y, z = _finite_mesh(surface, n)
    at = edges(heights(levels, z), z) if filled else heights(levels, z)
    look_of: dict[str, Any] = (
        {"cmap": "cividis"} if filled else {"colors": ink(ax, PALE), "negative_linestyles": "solid"}
    )
    for other in {"colors", "cmap"} & {*kwargs}:  # matplotlib takes one of them
        look_of.pop({"colors": "cmap", "cmap": "colors"}[other], None)
    for name, ends in (("x", surface.xlim), ("y", surface.ylim)):
        if getattr(ax, f"get_autoscale{name}_on")():  # else whatever comes later would make it another
            getattr(ax, f"set_{name}lim")(ends)
    with without("No contour levels were found"):  # no line at a height that the loss does not reach
        drawn = (ax.contourf if filled else ax.contour)(x, y, z, levels=at, **(look_of | kwargs))
    still = Still(surface, levels, [drawn])
    if not filled:
        setattr(drawn, STILL, still)
        still.artists += _written(ax, surface, labels(z, at))
    if surface.minima:
        places = np.array(surface.minima, dtype=float)
        values = surface(torch.tensor(places)).detach().numpy()
        lowest = values <= values.min() + 1e-9 * (np.nanmax(z) - np.nanmin(z))
        for some, size in ((lowest, 12), (~lowest, 6)):
            still.artists += ax.plot(*places[some].T, "+", markersize=size, **cross(ax, on_map=filled))
    return drawn


def _written(ax: Axes, surface: Surface, found: list[tuple[float, float, str]]) -> list[Artist]:
    """Heights on their lines."""
    (x0, x1), (y0, y1) = surface.xlim, surface.ylim
    style: dict[str, Any] = {"color": ink(ax, GREY), "ha": "center", "va": "center", "weight": "bold", "clip_on": True}
    style |= {"fontsize": 12, "path_effects": halo(ax, 4)}
    return [ax.text(x0 + u * (x1 - x0), y0 + v * (y1 - y0), words, **style) for u, v, words in found]


def cross(ax: Axes, *, on_map: bool = False) -> dict[str, Any]:
    """How a minimum is marked on this Axes; on a map, which may have any colour, with a halo.

    Args:
        ax: the Axes.
        on_map: whether a map lies below.

    Returns:
        Keywords of matplotlib's plot.

    Example:
        >>> cross(plt.figure().add_subplot())["color"]
        '#000000'
    """
    return {"color": ink(ax), "markeredgewidth": 2, "path_effects": halo(ax) if on_map else None}


def line_style(kwargs: dict[str, Any]) -> dict[str, Any]:
    """Keywords of matplotlib's plot by their long names: c is color, ls is linestyle.

    Args:
        kwargs: the keywords.

    Returns:
        The same.

    Raises:
        TypeError: one is there under two names.

    Example:
        >>> line_style({"ls": "--", "c": "red"})
        {'linestyle': '--', 'color': 'red'}
    """
    return normalize_kwargs(kwargs, Line2D)


def halo(ax: Axes, width: float = 5.5) -> list:
    """Path effects that separate a line, or words, from what they lie on.

    Args:
        ax: the Axes.
        width: of the halo, in points.

    Returns:
        The effects, for `path_effects`.

    Example:
        >>> len(halo(plt.figure().add_subplot()))
        2
    """
    return [Stroke(linewidth=width, foreground=inks(ground(ax))[1]), Normal()]


def profile(surface: Surface, *, ax: Axes | None = None, **kwargs: Any) -> list:
    """The loss of a surface of one parameter as a curve over its window.

    Args:
        surface: of one parameter.
        ax: left out, the current Axes.
        kwargs: of matplotlib's plot.

    Returns:
        The line.

    Raises:
        ValueError: a surface of two parameters.

    Example:
        >>> from gdviz.surfaces import double_well
        >>> len(profile(double_well()))
        1
    """
    if len(surface.start) != 1:
        raise ValueError(f"a profile is of one parameter; {surface.name} has two: contours draws it")
    ax = plt.gca() if ax is None else ax
    x = torch.linspace(*surface.xlim, 401, dtype=torch.float64)
    label(ax, xlim=surface.xlim, ylim=surface.ylim, xlabel="parameter w", ylabel="loss")
    style: dict[str, Any] = {"color": ink(ax, GREY)}
    return ax.plot(x, surface(x[:, None]).detach(), **(style | line_style(kwargs)))


def basins(surface: Surface, starts: Any, ends: Any, *, ax: Axes | None = None, **kwargs: Any):
    """Where descents end, as the colour of where they start: a colour for each minimum, white where none was reached.

    A descent has reached a minimum when it is nearer than a hundredth of the window.

    Args:
        surface: with up to four minima.
        starts: (n, n, 2), the points of a mesh, rows are y.
        ends: (n, n, 2), params[-1] of the descents from there.
        ax: left out, the current Axes.
        kwargs: of matplotlib's pcolormesh.

    Returns:
        The QuadMesh.

    Raises:
        ValueError: more than four minima, other shapes.

    Example:
        >>> from gdviz.surfaces import himmelblau
        >>> side = torch.linspace(-5, 5, 4)
        >>> starts = torch.stack(torch.meshgrid(side, side, indexing="xy"), -1)
        >>> basins(himmelblau(), starts, starts).get_array().shape
        (4, 4)
    """
    colors = [SKY, ORANGE, GREEN, YELLOW]
    if not 1 <= len(surface.minima) <= len(colors):
        raise ValueError(f"basins has colours for 1 to {len(colors)} minima; {surface.name} has {len(surface.minima)}")
    starts, ends = as_array("map", starts), torch.as_tensor(as_array("map", ends))
    if starts.ndim != 3 or starts.shape != tuple(ends.shape):
        raise ValueError(f"starts and ends are both (n, m, 2), got {starts.shape} and {tuple(ends.shape)}")
    ax = plt.gca() if ax is None else ax
    reached = surface.basin(ends)
    gap = (ends - torch.tensor(surface.minima, dtype=ends.dtype)[reached]).norm(dim=-1)
    near = gap < 0.01 * (surface.xlim[1] - surface.xlim[0])
    shown = np.where(near, reached, np.nan)
    style: dict[str, Any] = {
        "cmap": ListedColormap(colors[: len(surface.minima)]).with_extremes(bad="white"),
        "vmin": -0.5,
        "vmax": len(surface.minima) - 0.5,
        "rasterized": True,
    }
    drawn = ax.pcolormesh(starts[..., 0], starts[..., 1], shown, **(style | kwargs))
    ax.plot(*np.array(surface.minima).T, "+", color=BLACK, markersize=12, markeredgewidth=2)
    label(ax, xlim=surface.xlim, ylim=surface.ylim, xlabel="start x", ylabel="start y")
    return drawn


def surface3d(surface: Surface, *, ax: Axes | None = None, n: int = 61, **kwargs: Any):
    """The loss as a height above the plane of its two parameters.

    Args:
        surface: of two parameters.
        ax: a 3-D Axes; left out, one on the current figure.
        n: points of the mesh along each side; fewer where a loss is slow.
        kwargs: of matplotlib's plot_surface.

    Returns:
        The Poly3DCollection.

    Raises:
        ValueError: an Axes that is not 3-D.

    Example:
        >>> from gdviz.surfaces import saddle
        >>> surface3d(saddle(), n=21).axes.name
        '3d'
    """
    if ax is None:
        ax = plt.gcf().add_subplot(projection="3d")
    if not isinstance(ax, Axes3D):
        raise ValueError('surface3d needs a 3-D Axes: plt.subplots(subplot_kw={"projection": "3d"})')
    x, y, z = _finite_mesh(surface, n)
    x, y = np.meshgrid(x, y)
    look_of: dict[str, Any] = {"cmap": "cividis", "linewidth": 0, "antialiased": False}
    if not {"rstride", "cstride"} & {*kwargs}:
        look_of |= {"rcount": 60, "ccount": 60}
    if "color" in kwargs:
        del look_of["cmap"]
    with without("Z contains NaN values"):  # there the surface has a hole
        drawn = ax.plot_surface(x, y, z, **(look_of | kwargs))
    low, *_, high = edges(np.unique([np.nanmin(z), np.nanmax(z)]), z)
    ax.set(xlim=surface.xlim, ylim=surface.ylim, zlim=(low, high))
    for axis, pad in ((ax.xaxis, 12), (ax.yaxis, 12), (ax.zaxis, 22)):  # room between the numbers and the words
        axis.set_major_locator(MaxNLocator(5))
        axis.labelpad = pad
    ax.zaxis.set_tick_params(pad=9)
    return drawn


def _finite_mesh(surface: Surface, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The mesh of a surface, NaN where it is not finite or too large to be drawn; refused where nothing is left."""
    x, y, z = (as_array("surface", values) for values in surface.mesh(n))
    z = np.where(np.abs(z) <= HIGHEST, z, np.nan)
    if np.isnan(z).all():
        raise ValueError(f"the loss of {surface.name} is finite nowhere in its window: there is nothing to draw")
    return x, y, z
