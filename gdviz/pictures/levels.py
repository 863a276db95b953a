"""The heights at which lines of equal loss lie."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from gdviz.pictures.arrays import as_array

MANY = 1000  # lines


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
