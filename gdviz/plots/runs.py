"""Descents, data and fits on an Axes."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.cbook import normalize_kwargs
from matplotlib.collections import Collection

from gdviz.descent import Trajectory
from gdviz.pictures.arrays import as_array
from gdviz.pictures.ellipses import ELLIPSE, ellipses
from gdviz.pictures.limits import HIGHEST, hold_log, hold_steps, loss_axis
from gdviz.pictures.words import label, plain
from gdviz.plots.surfaces import halo, line_style
from gdviz.style import GREY, VERMILLION, ink, look


def path(trajectory: Trajectory, *, ax: Axes | None = None, **kwargs: Any) -> list:
    """The path of each run through the plane of its two parameters, a dot for each step.

    On contours it keeps within their window; alone it is shown whole.

    Args:
        trajectory: from minimize.
        ax: left out, the current Axes.
        kwargs: of matplotlib's plot.

    Returns:
        The lines.

    Raises:
        ValueError: a trajectory of one parameter, or of three and more.

    Example:
        >>> from gdviz.descent import minimize
        >>> from gdviz.optimizers import GradientDescent
        >>> from gdviz.surfaces import bowl
        >>> len(path(minimize(bowl(10), GradientDescent(lr=0.1), [10.0, 4.0], steps=20)))
        1
    """
    params = _seen("path", trajectory).params.numpy()
    if (d := params.shape[-1]) != 2:
        cure = "choose two: params[..., [0, 1]]" if d > 2 else "loss_curve draws any number"
        raise ValueError(f"a path is drawn for two parameters, got {d}; {cure}")
    ax = plt.gca() if ax is None else ax
    params = np.where(np.abs(params) <= HIGHEST, params, np.nan)
    style = _style(ax, trajectory) | {"marker": ".", "path_effects": halo(ax)} | line_style(kwargs)
    return [ax.plot(*run.T, **style)[0] for run in params.reshape(len(params), -1, 2).swapaxes(0, 1)]


def loss_curve(trajectory: Trajectory, *, ax: Axes | None = None, **kwargs: Any) -> list:
    """The loss of each run against the step, on an axis that holds all steps.

    The loss has a log axis where one can show it: where none is negative, and one is positive.

    Args:
        trajectory: from minimize.
        ax: left out, the current Axes.
        kwargs: of matplotlib's plot.

    Returns:
        The lines.

    Example:
        >>> from gdviz.descent import minimize
        >>> from gdviz.optimizers import GradientDescent
        >>> from gdviz.surfaces import bowl
        >>> (line,) = loss_curve(minimize(bowl(10), GradientDescent(lr=0.1), [10.0, 4.0], steps=20))
        >>> line.axes.get_yscale()
        'log'
    """
    ax = plt.gca() if ax is None else ax
    losses = _seen("loss_curve", trajectory).losses.numpy().reshape(trajectory.steps + 1, -1)
    lines = [ax.plot(run, **(_style(ax, trajectory) | _alone(run) | line_style(kwargs)))[0] for run in losses.T]
    loss_axis(ax, losses)
    hold_steps(ax, [0, trajectory.steps])
    label(ax, xlabel="step", ylabel="loss")
    return lines


def _alone(run: np.ndarray) -> dict:
    """A dot for each number, where no two finite ones follow each other and so no line is drawn."""
    known = np.isfinite(run)
    return {} if (known[1:] & known[:-1]).any() else {"marker": "."}


def examples(data: Any, *, ax: Axes | None = None, **kwargs: Any):
    """The examples as grey dots with their axis labels.

    Args:
        data: has x, y and their labels.
        ax: left out, the current Axes.
        kwargs: of matplotlib's scatter.

    Returns:
        The PathCollection.

    Raises:
        TypeError: data without x and y.

    Example:
        >>> from gdviz import data
        >>> len(examples(data.toy_line(30)).get_offsets())
        30
    """
    if not (hasattr(data, "x") and hasattr(data, "y")):
        raise TypeError(f"data must have x and y, such as data.own(x, y); got {type(data).__name__}")
    ax = plt.gca() if ax is None else ax
    style: dict[str, Any] = {"s": 22, "color": ink(ax, GREY), "alpha": 0.7, "linewidth": 0}
    kwargs = normalize_kwargs(kwargs, Collection)
    if {"c", "facecolor"} & {*kwargs}:
        del style["color"]
    drawn = ax.scatter(data.x, data.y, **(style | kwargs))
    label(ax, xlabel=data.x_label, ylabel=data.y_label)
    return drawn


def digits(inputs: Any, words: Any, *, axes: Any = None, **kwargs: Any) -> list:
    """Handwritten digits as pictures in a row, each with a word above it.

    Args:
        inputs: (n, 64).
        words: n of them.
        axes: n of them; left out, those of a new figure.
        kwargs: of matplotlib's imshow.

    Returns:
        The images.

    Example:
        >>> len(digits(torch.rand(3, 64), ["1", "2", "3"]))
        3
    """
    axes = np.atleast_1d(plt.subplots(1, len(inputs), figsize=(12, 1.8))[1] if axes is None else axes)
    for ax, word in zip(axes, words, strict=True):
        plain(ax.set_title(word, loc="center"))
        ax.axis("off")
    look_of: dict[str, Any] = {"cmap": "gray_r", "vmin": 0, "vmax": 1}
    grey = as_array("digits", inputs).reshape(-1, 8, 8)
    return [ax.imshow(x, **(look_of | kwargs)) for ax, x in zip(axes, grey, strict=True)]


def fitted_line(data: Any, params: Any, *, ax: Axes | None = None, **kwargs: Any) -> list:
    """The examples and the line y = w x + b, or a line for each row of params.

    Args:
        data: has x, y and their labels.
        params: (w, b), or (n, 2).
        ax: left out, the current Axes.
        kwargs: of matplotlib's plot.

    Returns:
        The lines.

    Example:
        >>> from gdviz import data
        >>> len(fitted_line(data.toy_line(30), [2.0, 1.0]))
        1
    """
    ax = plt.gca() if ax is None else ax
    examples(data, ax=ax)
    ax.autoscale_view()  # to the examples; the line is cut
    ax.set_autoscale_on(False)
    style: dict[str, Any] = {"color": ink(ax, VERMILLION)} | line_style(kwargs)
    return [ax.plot(*line.T, **style)[0] for line in lines(data, params).numpy().reshape(-1, 2, 2)]


def lines(data: Any, params: Any) -> torch.Tensor:
    """The two ends of y = w x + b over the range of x.

    Args:
        data: has x.
        params: (..., 2).

    Returns:
        (..., 2, 2), points (x, y).

    Raises:
        ValueError: params of another shape.

    Example:
        >>> from gdviz import data
        >>> lines(data.own([0.0, 4.0], [1.0, 2.0]), [2.0, 1.0]).tolist()
        [[0.0, 1.0], [4.0, 9.0]]
    """
    params = params if isinstance(params, torch.Tensor) else torch.from_numpy(as_array("line", params))
    if params.shape[-1:] != (2,):
        raise ValueError(f"a line is of two parameters, w and b: params are (..., 2), got shape {tuple(params.shape)}")
    x = torch.as_tensor(data.x, dtype=torch.float64)
    x = torch.stack([x.amin(), x.amax()])
    y = params[..., :1] * x + params[..., 1:]
    return torch.stack([x.expand(y.shape), y], -1)


def ellipse(centre: Any, covariance: Any, *, share: float = 0.95, ax: Axes | None = None, **kwargs: Any) -> list:
    """The ellipse that holds this share of a normal cloud, one for each centre.

    Args:
        centre: (n, 2).
        covariance: (n, 2, 2).
        share: between 0 and 1.
        ax: left out, the current Axes.
        kwargs: of matplotlib's plot.

    Returns:
        The lines.

    Example:
        >>> len(ellipse([[0.0, 0.0]], [[[4.0, 0.0], [0.0, 1.0]]]))
        1
    """
    ax = plt.gca() if ax is None else ax
    curves = ellipses(centre, covariance, share).reshape(-1, ELLIPSE, 2)
    style: dict[str, Any] = {"color": ink(ax), "linewidth": 2.5} | line_style(kwargs)
    return [ax.plot(*curve.T, **style)[0] for curve in curves]


def final_loss(values: Any, trajectory: Trajectory, *, ax: Axes | None = None, **kwargs: Any) -> list:
    """The last loss of each run against its hyperparameter; a run that diverged is an x at the top edge.

    The axes are logarithmic where all values are positive, and where all losses are.

    Args:
        values: (n,), one for each run of the one swept axis.
        trajectory: from minimize.
        ax: left out, the current Axes.
        kwargs: of matplotlib's plot.

    Returns:
        The line and the crosses.

    Raises:
        ValueError: values that are not one for each run.

    Example:
        >>> from gdviz.descent import grid, minimize
        >>> from gdviz.optimizers import GradientDescent
        >>> from gdviz.surfaces import bowl
        >>> rates = [0.01, 0.1, 0.5]
        >>> len(final_loss(rates, minimize(bowl(10), GradientDescent(**grid(lr=rates)), [10.0, 4.0], steps=20)))
        2
    """
    values = as_array("sweep", values)
    if _seen("final_loss", trajectory).runs != values.shape:
        raise ValueError(f"values must be one for each run {trajectory.runs}, got shape {values.shape}")
    ax = plt.gca() if ax is None else ax
    bad = trajectory.diverged.numpy()
    good = np.where(bad, np.nan, trajectory.losses[-1].numpy())
    style: dict[str, Any] = _style(ax, trajectory) | {"marker": "."} | line_style(kwargs)
    drawn = ax.plot(values, good, **style)
    at_the_top: dict[str, Any] = {"transform": ax.get_xaxis_transform(), "color": ink(ax, VERMILLION), "clip_on": False}
    drawn += ax.plot(values[bad], np.full(bad.sum(), 0.97), "x", **at_the_top)
    name = trajectory.swept[0] if trajectory.swept else "lr"
    name = "learning rate" if name == "lr" else name.replace("_", " ")
    label(ax, xlabel=name, ylabel=f"loss after {trajectory.steps} steps")
    loss_axis(ax, good[None])
    if (values > 0).all():
        hold_log(ax, "x")
    return drawn


def _seen(what: str, trajectory: Any) -> Trajectory:
    if isinstance(trajectory, Trajectory):
        return trajectory
    given = type(trajectory).__name__
    cure = "one call for each of several" if isinstance(trajectory, list | tuple | dict) else "give the whole of it"
    if hasattr(trajectory, "epochs"):
        cure = "views.training.panels shows what fit recorded"
    raise TypeError(f"{what} draws a Trajectory, as minimize returns it; got {given}: {cure}")


def _style(ax: Axes, trajectory: Trajectory) -> dict[str, Any]:
    drawn = look(trajectory.rule)
    return {"color": ink(ax, drawn.color), "linestyle": drawn.linestyle}
