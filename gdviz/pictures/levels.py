"""The heights at which lines of equal loss lie, and where on them their numbers stand."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from gdviz.pictures.arrays import as_array

MANY = 1000  # lines
CORNERS = np.array([(1, 0), (1, 1), (0, 0), (0, 1)])  # of the window; the first ones are free of the course's starts
APART = 0.1  # of the window: between two numbers, and from the lowest point
MARGIN = 0.05  # of the window


def heights(levels: Any, z: np.ndarray) -> np.ndarray:
    """The heights of lines, ascending: as many as asked for, quantiles of z; or those that are given and finite."""
    wrong = ValueError(f"levels are how many lines, 1 to {MANY}, or their heights, such as [1, 5]; got {levels!r}")
    try:
        given = as_array("contour", levels)
    except TypeError as error:
        raise wrong from error
    if given.ndim == 0:
        if isinstance(levels, bool) or not (1 <= given <= MANY and given == np.round(given)):
            raise wrong
        given = np.nanquantile(z, np.linspace(0, 1, int(given) + 1) ** 2)
    chosen = np.unique(given[np.isfinite(given)])
    if not len(chosen):
        raise wrong
    return chosen


def edges(levels: np.ndarray, z: np.ndarray) -> np.ndarray:
    """The heights between which a map has one colour, at least two; a single one divides it into below and above."""
    if len(levels) == 1:
        levels = np.unique([np.nanmin(z), *levels, np.nanmax(z)])
    if len(levels) == 1:  # flat
        levels = levels + max(1.0, abs(levels[0])) * np.array([-0.5, 0.5])
    return levels


def labels(z: np.ndarray, levels: np.ndarray) -> list[tuple[float, float, str]]:
    """The numbers that say which side is up: x and y as shares of the window, and the height to two digits.

    They stand where the straight way from the lowest point to the farthest corner crosses lines upwards, each height
    once; where one would be too near the one before, it is left out. In the browser: labelsAt in static/levels.mjs.
    """
    n = len(z)
    row, column = np.unravel_index(np.nanargmin(z), z.shape)
    low = np.array([column, row]) / (n - 1)
    away = np.hypot(*(CORNERS - low).T)
    length, corner = away.max(), CORNERS[np.argmax(away > away.max() - 1e-9)]
    t = np.arange(401) / 400
    along = _between(z, (n - 1) * (low + t[:, None] * (corner - low)))
    found, last = {}, 0.0
    crossed = [
        (t[k] + (height - along[k]) / (along[k + 1] - along[k]) / 400, height)
        for height in levels
        for k in np.flatnonzero((along[:-1] <= height) & (along[1:] > height))
    ]
    for here, height in sorted(crossed):
        place = low + here * (corner - low)
        within = place.min() >= MARGIN and place.max() <= 1 - MARGIN
        if within and (here - last) * length >= APART and height not in found:
            found[height], last = (float(place[0]), float(place[1]), f"{float(f'{height:.2g}'):g}"), here
    return list(found.values())


def _between(z: np.ndarray, points: np.ndarray) -> np.ndarray:
    """The height at places between the points of a mesh, which are counted in its cells."""
    cells = np.minimum(points.astype(int), len(z) - 2)
    (i, j), (u, v) = cells.T, (points - cells).T
    return (1 - v) * ((1 - u) * z[j, i] + u * z[j, i + 1]) + v * ((1 - u) * z[j + 1, i] + u * z[j + 1, i + 1])


@contextmanager
def without(warning: str) -> Iterator[None]:
    """While the block draws: not this warning, of what is meant."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", warning)
        yield
