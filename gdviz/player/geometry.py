"""Places on a figure in CSS pixels: PX for each inch, y downwards. The canvas draws the same numbers."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from mpl_toolkits.mplot3d import Axes3D, proj3d

PX = 100
FAR = 1e4  # px from the middle of the Axes: what lies beyond does not travel


def figure_of(ax: Axes) -> Figure:
    """The whole figure that an Axes is on."""
    figure: Any = ax.get_figure(root=True)
    return figure


def dims(ax: Axes) -> int:
    """How many coordinates a point on this Axes has."""
    return 3 if ax.name == "3d" else 2


def to_pixels(ax: Axes, points: np.ndarray) -> np.ndarray:
    """Data coordinates (..., 2), or (..., 3) on a 3-D Axes, as pixels (..., 2); NaN where not finite."""
    flat, figure = points.reshape(-1, points.shape[-1]), figure_of(ax)
    with np.errstate(all="ignore"):
        if isinstance(ax, Axes3D):
            x, y, z = flat.T
            flat = np.column_stack(proj3d.proj_transform(x, y, z, ax.get_proj())[:2])
        pixels = ax.transData.transform(flat) * (PX / figure.dpi)
        pixels[:, 1] = figure.get_figheight() * PX - pixels[:, 1]
    pixels[~np.isfinite(pixels).all(-1)] = np.nan
    return pixels.reshape(*points.shape[:-1], 2)


def packed(points: np.ndarray) -> np.ndarray:
    """Lines (..., n, 2) without what is not drawn: of several NaN in a row one is the gap; n is that of the longest."""
    there = np.asarray(np.isfinite(points).all(-1))
    if there.all():
        return points
    there[..., 1:] |= there[..., :-1]  # the gap behind a piece
    order = np.argsort(~there, axis=-1, kind="stable")[..., : max(int(there.sum(-1).max(initial=0)), 1)]
    return np.take_along_axis(np.where(there[..., None], points, np.nan), order[..., None], -2)


def clipped(pixels: np.ndarray, ax: Axes, axis: int | None) -> np.ndarray:
    """The pixels with segments along this axis cut where they leave the square of FAR, so that no slope changes.

    What is farther becomes NaN; separate points (axis None) that are farther do, too.
    """
    left, top, width, height = box(ax)
    middle = [left + width / 2, top + height / 2]
    away = pixels - middle
    far = ~(np.abs(away).max(-1) <= FAR)  # also where not a number
    result = np.where(far[..., None], np.nan, away)
    if axis is not None and far.any():
        order = axis % away.ndim
        away, far, cut = (np.moveaxis(array, order, 0) for array in (away, far, result))  # cut is a view of result
        before, after = away[:-1], away[1:]
        leaving, out = _edge(before, after)
        returning, back = _edge(after, before)
        inside = [~far[:-1], ~far[1:]]
        if len(away) == 2:  # a segment from far to far may cross the square
            inside = [inside[0] | (leaving > 0) & (leaving + returning >= 1)] * 2
        cut[1:][far[1:] & inside[0]] = out[far[1:] & inside[0]]
        cut[:-1][far[:-1] & inside[1]] = back[far[:-1] & inside[1]]
    return result + middle


def _edge(start: np.ndarray, end: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where the way from start to end leaves the square of FAR: as a part of the way (...), and the point (..., 2)."""
    with np.errstate(all="ignore"):
        way = end - start
        border = FAR * np.sign(way)
        parts = (border - start) / way
        part = np.fmin(parts[..., 0], parts[..., 1])
        point = np.where(parts == part[..., None], border, start + part[..., None] * way)
    return part, point


def box(ax: Axes) -> list[float]:
    """Left, top, width and height of the Axes in pixels."""
    figure = figure_of(ax)
    x0, y0, width, height = (value * PX / figure.dpi for value in ax.bbox.bounds)
    return [x0, figure.get_figheight() * PX - y0 - height, width, height]


def panel(ax: Axes, pad: float = 6) -> list[float]:
    """Left, top, width and height in pixels of the Axes with its labels and title, within the figure."""
    figure = figure_of(ax)
    scale, size = PX / figure.dpi, np.array([figure.get_figwidth(), figure.get_figheight()]) * PX
    (x0, y0), (x1, y1) = (ax.get_tightbbox() or ax.bbox).get_points() * scale
    left, right = np.clip([x0 - pad, x1 + pad], 0, size[0])
    top, bottom = np.clip([size[1] - y1 - pad, size[1] - y0 + pad], 0, size[1])
    return [float(left), float(top), float(right - left), float(bottom - top)]
