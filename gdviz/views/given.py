"""What a loss is made of, numbers and data, where a hand may change it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from matplotlib.axes import Axes
from torch import Tensor

from gdviz.descent import Trajectory
from gdviz.hyperparameters import Range
from gdviz.player import Player
from gdviz.player.marks import Mark
from gdviz.style import BLACK


def ranges(run: Trajectory) -> dict[str, tuple[Range, Tensor]]:
    """Of each range in the loss and in the schedule of a descent the tensor that holds its value."""
    return {**getattr(run.loss, "ranges", {}), **getattr(run.asked, "ranges", {})}


def given(run: Trajectory, data: Sequence[Any]) -> list[Tensor]:
    """The tensors that a descent computes with, and a hand may change."""
    return [tensor for _, tensor in ranges(run).values()] + [tensor for one in data for tensor in (one.x, one.y)]


def with_loss(player: Player, ax: Axes, runs: Mapping[str, Trajectory], marks: Mapping, levels: Any) -> dict:
    """The marks with contours and minima of the first loss."""
    (name, run), *_ = runs.items()
    surface, ahead = run.loss, (None,) * len(player.sliders)
    contours = player.contours(ax, surface, levels=levels)
    more: dict[Mark, Callable] = {contours: lambda _: contours.mesh()}
    if surface.minima:
        places = torch.tensor(surface.minima, dtype=torch.float64)

        def lowest(_: Trajectory) -> Tensor:
            return (places if surface.find_minima is None else surface.find_minima())[ahead]

        more[player.points(ax, lowest(run), color=BLACK, marker="+", size=16)] = lowest
    return {**marks, name: more | dict(marks[name])}


@contextmanager
def changed(values: Sequence[tuple[Tensor, Any]]) -> Iterator[None]:
    """While the block lasts, these tensors hold other numbers.

    Args:
        values: of each tensor the numbers that it holds meanwhile.

    Example:
        >>> x = torch.tensor([1.0, 2.0])
        >>> with changed([(x, torch.tensor([3.0, 4.0]))]):
        ...     print(x.tolist())
        [3.0, 4.0]
        >>> x.tolist()
        [1.0, 2.0]
    """
    kept = [(tensor, tensor.clone()) for tensor, _ in values]
    try:
        for tensor, value in values:
            tensor.copy_(torch.as_tensor(value, dtype=tensor.dtype))
        yield
    finally:
        for tensor, value in kept:
            tensor.copy_(value)


def turned(runs: Mapping[str, Trajectory], values: Mapping[int, float]) -> list[tuple[Tensor, float]]:
    """The tensors of losses and schedules with what their ranges were turned to, by the ids of these."""
    pairs = [pair for run in runs.values() for pair in ranges(run).values()]
    return [(tensor, values[id(value)]) for value, tensor in pairs if id(value) in values]


def dragged(data: Sequence[Any], points: Sequence[float]) -> list[tuple[Tensor, Tensor]]:
    """x and y of the data with their numbers after some points were dragged: [number, x, y, number, ...]."""
    if not points or not data:
        return []
    number = [int(k) for k in points[::3]]
    pairs = []
    for tensor, places in ((data[0].x, points[1::3]), (data[0].y, points[2::3])):
        moved = tensor.clone()
        moved[number] = torch.tensor(places, dtype=moved.dtype)
        pairs.append((tensor, moved))
    return pairs


def number_of(made: Mapping[str, Any], what: Any) -> int:
    """Which rate of a formula a hyperparameter, by its name, or a given tensor is."""
    if isinstance(what, str):
        return made["names"].index(what)
    return len(made["names"]) + made["batches"] + [id(one) for one in made["given"]].index(id(what))


def fed(formulas: Sequence[Mapping[str, Any]], data: Any) -> list[list[int]]:
    """Of each descent whose loss computes with x and with y of these data: its number, and which rates they are."""
    feeds = []
    for i, made in enumerate(formulas):
        x, y = (number_of(made, one) for one in (data.x, data.y))
        used = {number for step in made["advance"]["steps"] for number in step[3]}
        if {1 + x, 1 + y} <= used:
            feeds.append([i, x, y])
    return feeds
