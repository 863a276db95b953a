"""The heights at which a surface is drawn: what is finite of it, and where its lines of equal loss lie."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from gdviz.pictures.arrays import as_array
from gdviz.pictures.limits import HIGHEST
from gdviz.surfaces import Surface

MANY = 1000  # lines


def finite_mesh(surface: Surface, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The mesh of a surface, NaN where it is not finite or too large to be drawn; refused where nothing is left."""
    x, y, z = (as_array("surface", values) for values in surface.mesh(n))
    z = np.where(np.abs(z) <= HIGHEST, z, np.nan)
    if np.isnan(z).all():
        raise ValueError(f"the loss of {surface.name} is finite nowhere in its window: there is nothing to draw")
    return x, y, z


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


@contextmanager
def without(warning: str) -> Iterator[None]:
    """While the block draws: not this warning, of what is meant."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", warning)
        yield
