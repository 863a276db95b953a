"""What the width of a network does to the first step."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import torch
from matplotlib.axes import Axes

from gdviz.hyperparameters import as_tensor
from gdviz.pictures.limits import log_axis
from gdviz.pictures.words import label, plain
from gdviz.style import BLUE, GREY, VERMILLION, ink


def widths(
    sizes: Sequence[int],
    changes: Mapping[str, Any],
    predicted: Mapping[str, Any] | None = None,
    *,
    ax: Axes | None = None,
) -> list[Any]:
    """The change of the output in the first step against the width, on log axes: measured, and as predicted.

    Args:
        sizes: the widths.
        changes: by name, up to two, such as "one rate for all widths": for each width what was measured.
        predicted: likewise, such as theory.first_change(sizes, lr); a grey line.
        ax: the Axes; left out, of a new figure.

    Returns:
        The artists.

    Raises:
        ValueError: no change, more than two, or not one for each width.

    Example:
        >>> from gdviz.theory import first_change
        >>> _, ax = plt.subplots()
        >>> measured = {"one rate": [0.05, 0.21, 0.81], "rate ~ 1/n": [0.05, 0.05, 0.05]}
        >>> len(widths([64, 256, 1024], measured, {"one rate": first_change([64, 256, 1024], 0.001)}, ax=ax))
        5
    """
    every = {**changes, **{f"predicted of {name}": some for name, some in (predicted or {}).items()}}
    if not 0 < len(changes) <= 2 or any(len(some) != len(sizes) for some in every.values()):
        given = {name: len(some) for name, some in every.items()}
        raise ValueError(f"give one or two lists of {len(sizes)} changes, by name; got {given}")
    if ax is None:
        _, ax = plt.subplots(figsize=(7, 4.4), layout="constrained")
    label(ax, title="change of the output in one step", xlabel="width n", ylabel="change")
    numbers = torch.cat([as_tensor(some).double() for some in every.values()])
    ax.set_xscale("log", base=2)
    few = sizes[:: -(-len(sizes) // 8)]
    ax.set_xticks(list(few), [str(n) for n in few])
    ax.set_xlim(sizes[0] / 1.3, sizes[-1] * 4)
    numbers = numbers[(numbers > 0) & numbers.isfinite()]  # the others have no place on a log axis
    log_axis(ax, *((0.5 * float(numbers.min()), 2 * float(numbers.max())) if len(numbers) else (0.1, 10)))
    artists: list[Any] = []
    for some in (predicted or {}).values():
        artists += ax.plot(sizes, as_tensor(some), color=ink(ax, GREY), linestyle="--")
    for (name, some), color, marker in zip(changes.items(), (VERMILLION, BLUE), "so"):
        artists += ax.plot(sizes, as_tensor(some), marker, color=ink(ax, color), markersize=10)
        place = (sizes[-1] * 1.15, float(as_tensor(some)[-1]))
        artists.append(ax.text(*place, "", color=ink(ax, color), va="center", weight="bold"))
        plain(artists[-1], textwrap.fill(name, 24))
    return artists
