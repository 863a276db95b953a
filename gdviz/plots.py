"""Draw on an Axes and return the artists: never plt.show(), never rcParams.

Each function takes ax=None (the current Axes) and passes its other keywords to matplotlib.
"""

import base64
import io
import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patheffects import Normal, Stroke
from matplotlib.ticker import MaxNLocator
from PIL import Image, ImageColor

from gdviz.descent import Trajectory
from gdviz.levels import edges, finite_mesh, heights, without
from gdviz.limits import HIGHEST, hold_log, hold_steps, loss_axis
from gdviz.marks import as_array
from gdviz.style import BLACK, GREEN, GREY, ORANGE, PALE, PALETTE, SKY, VERMILLION, YELLOW, ground, ink, inks, look
from gdviz.surfaces import Surface
from gdviz.words import label, legible, plain

ELLIPSE = 61  # points of the curve


def contours(
    surface: Surface, *, ax: Axes | None = None, levels: int | Any = 12, filled: bool = False, n: int = 201, **kwargs
):
    """Lines of equal loss; a cross on each global minimum, a small one on each local minimum.

    levels: how many lines, spaced so that those of a round bowl lie at equal distances; or their heights, in any order.
    n: points of the mesh along each side; fewer where a loss is slow. Where the loss is not finite, nothing is drawn.
    filled=True gives a map (cividis), for pictures with no path on top. Returns the ContourSet.
    Refused: a loss that is finite nowhere; levels that are neither a number of lines nor heights.
    """
    ax = plt.gca() if ax is None else ax
    x, y, z = finite_mesh(surface, n)
    at = edges(heights(levels, z), z) if filled else heights(levels, z)
    look_of = {"cmap": "cividis"} if filled else {"colors": ink(ax, PALE), "negative_linestyles": "solid"}
    with without("No contour levels were found"):  # no line at a height that the loss does not reach
        drawn = (ax.contourf if filled else ax.contour)(x, y, z, levels=at, **(look_of | kwargs))
    if surface.minima:
        places = np.array(surface.minima, dtype=float)
        values = surface(torch.tensor(places)).detach().numpy()
        lowest = values <= values.min() + 1e-9 * (np.nanmax(z) - np.nanmin(z))
        for some, size in ((lowest, 12), (~lowest, 6)):
            ax.plot(*places[some].T, "+", markersize=size, **cross(ax, on_map=filled))
    ax.set(xlim=surface.xlim, ylim=surface.ylim)
    return drawn


def cross(ax: Axes, *, on_map: bool = False) -> dict:
    """How a minimum is marked on this Axes; on a map, which may have any colour, with a halo."""
    return {"color": ink(ax), "markeredgewidth": 2, "path_effects": halo(ax) if on_map else None}


def halo(ax: Axes, width: float = 5.5) -> list:
    """Path effects that separate a line, or words, from what they lie on."""
    return [Stroke(linewidth=width, foreground=inks(ground(ax))[1]), Normal()]


def profile(surface: Surface, *, ax: Axes | None = None, **kwargs) -> list:
    """The loss of a surface of one parameter as a curve over its window. Returns the line."""
    if len(surface.start) != 1:
        raise ValueError(f"a profile is of one parameter; {surface.name} has two: contours draws it")
    ax = plt.gca() if ax is None else ax
    x = torch.linspace(*surface.xlim, 401, dtype=torch.float64)
    label(ax, xlim=surface.xlim, ylim=surface.ylim, xlabel="parameter w", ylabel="loss")
    return ax.plot(x, surface(x[:, None]).detach(), **({"color": ink(ax, GREY)} | kwargs))


def basins(surface: Surface, starts: Any, ends: Any, *, ax: Axes | None = None, **kwargs):
    """Where descents end, as the colour of where they start: a colour for each minimum, white where none was reached.

    starts (n, n, 2): the points of a mesh, rows are y; ends (n, n, 2): params[-1] of the descents from there. A descent
    has reached a minimum when it is nearer than a hundredth of the window. Returns the QuadMesh.
    Refused: more than four minima, other shapes.
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
    style = {
        "cmap": ListedColormap(colors[: len(surface.minima)]).with_extremes(bad="white"),
        "vmin": -0.5,
        "vmax": len(surface.minima) - 0.5,
        "rasterized": True,
    }
    drawn = ax.pcolormesh(starts[..., 0], starts[..., 1], shown, **(style | kwargs))
    ax.plot(*np.array(surface.minima).T, "+", color=BLACK, markersize=12, markeredgewidth=2)
    label(ax, xlim=surface.xlim, ylim=surface.ylim, xlabel="start x", ylabel="start y")
    return drawn


def surface3d(surface: Surface, *, ax: Axes | None = None, n: int = 61, **kwargs):
    """The loss as a height above the plane of its two parameters, on a 3-D Axes. Returns the Poly3DCollection.

    n: points of the mesh along each side; fewer where a loss is slow.
    """
    if ax is None:
        ax = plt.gcf().add_subplot(projection="3d")
    if ax.name != "3d":
        raise ValueError('surface3d needs a 3-D Axes: plt.subplots(subplot_kw={"projection": "3d"})')
    x, y, z = finite_mesh(surface, n)
    x, y = np.meshgrid(x, y)
    look_of = {"cmap": "cividis", "rcount": 60, "ccount": 60, "linewidth": 0, "antialiased": False}
    with without("Z contains NaN values"):  # there the surface has a hole
        drawn = ax.plot_surface(x, y, z, **(look_of | kwargs))
    low, *_, high = edges(np.unique([np.nanmin(z), np.nanmax(z)]), z)
    ax.set(xlim=surface.xlim, ylim=surface.ylim, zlim=(low, high))
    for axis, pad in ((ax.xaxis, 12), (ax.yaxis, 12), (ax.zaxis, 22)):  # room between the numbers and the words
        axis.set_major_locator(MaxNLocator(5))
        axis.labelpad = pad
    ax.tick_params("z", pad=9)
    return drawn


def path(trajectory: Trajectory, *, ax: Axes | None = None, **kwargs) -> list:
    """The way of each run through the plane of its two parameters, a dot for each step. Returns the lines."""
    params = trajectory.params.numpy()
    if (d := params.shape[-1]) != 2:
        cure = "choose two: params[..., [0, 1]]" if d > 2 else "loss_curve draws any number"
        raise ValueError(f"a path is drawn for two parameters, got {d}; {cure}")
    ax = plt.gca() if ax is None else ax
    params = np.where(np.abs(params) <= HIGHEST, params, np.nan)
    style = _style(ax, trajectory) | {"marker": ".", "path_effects": halo(ax), "scalex": False, "scaley": False}
    style |= kwargs
    return [ax.plot(*run.T, **style)[0] for run in params.reshape(len(params), -1, 2).swapaxes(0, 1)]


def loss_curve(trajectory: Trajectory, *, ax: Axes | None = None, **kwargs) -> list:
    """The loss of each run against the step, on an axis that holds all steps. Returns the lines.

    The loss has a log axis where one can show it: where none is negative, and one is positive.
    """
    ax = plt.gca() if ax is None else ax
    losses = trajectory.losses.numpy().reshape(trajectory.steps + 1, -1)
    lines = [ax.plot(run, **(_style(ax, trajectory) | _alone(run) | kwargs))[0] for run in losses.T]
    loss_axis(ax, losses)
    hold_steps(ax, [0, trajectory.steps])
    label(ax, xlabel="step", ylabel="loss")
    return lines


def _alone(run: np.ndarray) -> dict:
    """A dot for each number, where no two finite ones follow each other and so no line is drawn."""
    known = np.isfinite(run)
    return {} if (known[1:] & known[:-1]).any() else {"marker": "."}


def examples(data: Any, *, ax: Axes | None = None, **kwargs):
    """The examples as grey dots with their axis labels. Returns the PathCollection."""
    ax = plt.gca() if ax is None else ax
    drawn = ax.scatter(data.x, data.y, **({"s": 22, "color": ink(ax, GREY), "alpha": 0.7, "linewidths": 0} | kwargs))
    label(ax, xlabel=data.x_label, ylabel=data.y_label)
    return drawn


def digits(inputs: Any, words: Any, *, axes: Any = None, **kwargs) -> list:
    """Handwritten digits (n, 64) as pictures in a row, each with a word above it. Returns the images.

    axes: n of them; left out, those of a new figure.
    """
    axes = np.atleast_1d(plt.subplots(1, len(inputs), figsize=(12, 1.8))[1] if axes is None else axes)
    for ax, word in zip(axes, words, strict=True):
        plain(ax.set_title(word, loc="center"))
        ax.axis("off")
    look_of = {"cmap": "gray_r", "vmin": 0, "vmax": 1}
    return [ax.imshow(np.reshape(x, (8, 8)), **(look_of | kwargs)) for ax, x in zip(axes, inputs, strict=True)]


def fitted_line(data: Any, params: Any, *, ax: Axes | None = None, **kwargs) -> list:
    """The examples and the line y = w x + b for params (w, b), or a line for each row of (n, 2). Returns the lines."""
    ax = plt.gca() if ax is None else ax
    examples(data, ax=ax)
    ax.autoscale_view()  # to the examples; the line is cut
    ax.set_autoscale_on(False)
    style = {"color": ink(ax, VERMILLION)} | kwargs
    return [ax.plot(*line.T, **style)[0] for line in lines(data, params).reshape(-1, 2, 2)]


def lines(data: Any, params: Any) -> np.ndarray:
    """The two ends of y = w x + b over the range of x: params (..., 2) -> (..., 2, 2), points (x, y)."""
    params = as_array("line", params)
    if params.shape[-1:] != (2,):
        raise ValueError(f"a line is of two parameters, w and b: params are (..., 2), got shape {params.shape}")
    x = np.array([float(data.x.min()), float(data.x.max())])
    y = params[..., :1] * x + params[..., 1:]
    return np.stack([np.broadcast_to(x, y.shape), y], -1)


def ellipse(centre: Any, covariance: Any, *, share: float = 0.95, ax: Axes | None = None, **kwargs) -> list:
    """The ellipse that holds this share of a normal cloud, one for each of (n, 2), (n, 2, 2). Returns the lines."""
    ax = plt.gca() if ax is None else ax
    curves = ellipses(centre, covariance, share).reshape(-1, ELLIPSE, 2)
    style = {"color": ink(ax), "linewidth": 2.5, "scalex": False, "scaley": False}
    return [ax.plot(*curve.T, **(style | kwargs))[0] for curve in curves]


def ellipses(centre: Any, covariance: Any, share: float = 0.95) -> np.ndarray:
    """(w - centre)^T C^-1 (w - centre) = -2 ln(1 - share), as 61 points: centre (..., 2), C (..., 2, 2) -> (..., 61, 2)

    The curve inside which this share of a normal cloud of two parameters lies: 0.95 is 2.45 standard deviations. Where
    C is 0 it is a point, where C is not finite NaN. Refused: a C with a negative variance, a share outside (0, 1).
    Reference: Bishop 2006, section 2.3.
    """
    if not 0 < share < 1:
        raise ValueError(f"share must be between 0 and 1, got {share!r}")
    centre, covariance = (as_array("cloud", value) for value in (centre, covariance))
    if centre.shape[-1:] != (2,) or covariance.shape[-2:] != (2, 2):
        given = f"{centre.shape} and {covariance.shape}"
        raise ValueError(f"an ellipse is of two parameters: centre (..., 2) and covariance (..., 2, 2), got {given}")
    if not np.allclose(covariance, covariance.swapaxes(-2, -1), equal_nan=True):
        raise ValueError(f"covariance must be symmetric, got {covariance.tolist()}")
    known = (np.abs(covariance) <= HIGHEST).all((-2, -1), keepdims=True)
    variances, axes = np.linalg.eigh(np.where(known, covariance, 0))
    if (variances < -1e-9 * np.abs(variances).max(-1, keepdims=True)).any():
        raise ValueError(f"covariance must have no negative variance, got {float(variances.min()):.3g}")
    angle = np.linspace(0, 2 * np.pi, ELLIPSE)
    circle = math.sqrt(-2 * math.log(1 - share)) * np.stack([np.cos(angle), np.sin(angle)])  # (2, 61)
    around = axes * np.sqrt(variances.clip(0))[..., None, :] @ circle
    return centre[..., None, :] + np.where(known, around, np.nan).swapaxes(-2, -1)


def final_loss(values: Any, trajectory: Trajectory, *, ax: Axes | None = None, **kwargs) -> list:
    """The last loss of each run against its hyperparameter, log axes; a run that diverged is an x at the top edge.

    values: (n,), one for each run of the one swept axis. Returns the line and the crosses.
    """
    values = as_array("sweep", values)
    if trajectory.runs != values.shape:
        raise ValueError(f"values must be one for each run {trajectory.runs}, got shape {values.shape}")
    ax = plt.gca() if ax is None else ax
    bad = trajectory.diverged.numpy()
    good = np.where(bad, np.nan, trajectory.losses[-1].numpy())
    drawn = ax.plot(values, good, **(_style(ax, trajectory) | {"marker": "."} | kwargs))
    at_the_top = {"transform": ax.get_xaxis_transform(), "color": ink(ax, VERMILLION), "clip_on": False}
    drawn += ax.plot(values[bad], np.full(bad.sum(), 0.97), "x", **at_the_top)
    label(ax, xlabel="learning rate", ylabel=f"loss after {trajectory.steps} steps")
    loss_axis(ax, good[None])
    hold_log(ax, "x")
    return drawn


def picture(figure: Figure, alt: str) -> None:
    """Show a finished figure in a notebook with its sentence, which a screen reader says and the tests compare."""
    from IPython.display import display

    plt.close(figure)
    bundle = {"image/png": base64.b64encode(png(figure)).decode(), "text/plain": alt}
    display(bundle, raw=True, metadata={"image/png": {"alt": alt}})


def png(figure: Figure, dpi: float = 100, colors: int = 256) -> bytes:
    """The figure as the bytes of a PNG, dpi dots for each inch; with 256 colours a third of the size of a full one.

    The colours of the palette are always among them: a small mark keeps its own.
    """
    with canvas(figure, dpi) as agg:
        agg.draw()
        image = Image.fromarray(np.asarray(agg.buffer_rgba())).convert("RGB")
    small = io.BytesIO()
    few = image.quantize(palette=palette(image, colors), dither=Image.Dither.NONE)
    few.save(small, "PNG", compress_level=8, dpi=(dpi, dpi))
    return small.getvalue()


@contextmanager
def canvas(figure: Figure, dpi: float) -> Iterator[FigureCanvasAgg]:
    """A canvas with dpi dots for each inch, while the block lasts: then the figure has its own again, and its dpi."""
    own = figure.dpi, figure.canvas
    figure.set_dpi(dpi)
    try:
        with legible(figure):
            yield FigureCanvasAgg(figure)
    finally:
        figure.set_dpi(own[0])
        figure.set_canvas(own[1])


def palette(image: Image.Image, colors: int) -> Image.Image:
    """The palette of the course and the most common other colours of an RGB image, as the image that quantize takes."""
    ours = np.array([ImageColor.getrgb(color) for color in PALETTE])
    common = np.reshape(image.reduce(2).quantize(colors - len(ours)).getpalette(), (-1, 3))
    common = common[np.abs(common[:, None] - ours).max(-1).min(-1) > 8]
    kept = Image.new("P", (1, 1))
    kept.putpalette(np.concatenate([ours, common]).astype(np.uint8).tobytes())
    return kept


def _style(ax: Axes, trajectory: Trajectory) -> dict:
    drawn = look(trajectory.rule)
    return {"color": ink(ax, drawn.color), "linestyle": drawn.linestyle}
