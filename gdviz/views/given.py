"""What a descent is made of, numbers and data, where a hand may change it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import product
from typing import Any

import torch
from matplotlib.axes import Axes
from torch import Tensor

from gdviz.descent import Trajectory
from gdviz.hyperparameters import Range
from gdviz.optimizers import Schedule
from gdviz.player import Player
from gdviz.player.marks import Mark
from gdviz.plots.surfaces import take_away
from gdviz.style import BLACK
from gdviz.surfaces import Surface


def ranges(run: Trajectory) -> dict[str, tuple[Range, Tensor]]:
    """Each range in the loss and in the schedule of a descent.

    Args:
        run: from minimize.

    Returns:
        name -> (range, the tensor that holds its value).
    """
    return {**getattr(run.loss, "ranges", {}), **getattr(run.asked, "ranges", {})}


def given(run: Trajectory, data: Any) -> list[Tensor]:
    """The tensors that a descent may compute with, and a hand may change.

    Args:
        run: from minimize.
        data: has x and y; or None.

    Returns:
        Those of the ranges, then x and y.
    """
    return [tensor for _, tensor in ranges(run).values()] + ([] if data is None else [data.x, data.y])


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


def at_the_ends(turned: Mapping[str, tuple[Range, Tensor]]) -> Iterator[None]:
    """Go through all ends of these ranges: while one is looked at, the tensors hold it.

    Args:
        turned: name -> (range, tensor).

    Yields:
        None, once for each corner.
    """
    for ends in product(*((value.low, value.high) for value, _ in turned.values())):
        with changed([(tensor, end) for (_, tensor), end in zip(turned.values(), ends)]):
            yield


def turned(runs: Mapping[str, Trajectory], values: Mapping[int, float]) -> list[tuple[Tensor, float]]:
    """What losses and schedules compute with, after their ranges were turned.

    Args:
        runs: descents by name.
        values: what a range was turned to, by its id.

    Returns:
        Each tensor with its number.
    """
    pairs = [pair for run in runs.values() for pair in ranges(run).values()]
    return [(tensor, values[id(value)]) for value, tensor in pairs if id(value) in values]


def dragged(data: Any, points: Sequence[float]) -> list[tuple[Tensor, Tensor]]:
    """The data after some points were dragged.

    Args:
        data: has x and y; or None.
        points: [number, x, y, number, ...].

    Returns:
        x and y, each with its new numbers.
    """
    if not points or data is None:
        return []
    number, pairs = [int(k) for k in points[::3]], []
    for tensor, places in ((data.x, points[1::3]), (data.y, points[2::3])):
        moved = tensor.clone()
        moved[number] = torch.tensor(places, dtype=moved.dtype)
        pairs.append((tensor, moved))
    return pairs


def number_of(made: Mapping[str, Any], what: Any) -> int:
    """Which rate of a formula this is.

    Args:
        made: from views.formula.formula.
        what: the name of a hyperparameter, or a given tensor.

    Returns:
        Its number.
    """
    if isinstance(what, str):
        return made["names"].index(what)
    return len(made["names"]) + made["batches"] + [id(one) for one in made["given"]].index(id(what))


def fed(formulas: Sequence[Mapping[str, Any]], data: Any) -> list[list[int]]:
    """Where the x and the y of these data are used by a loss itself: both, for else a dragged point would move half.

    Args:
        formulas: of each descent.
        data: has x and y.

    Returns:
        Of each such descent its number, and which rates x and y are.
    """
    feeds = []
    for i, made in enumerate(formulas):
        x, y = (number_of(made, one) for one in (data.x, data.y))
        used = {number for step in made["advance"]["steps"] for number in step[3]}
        if {1 + x, 1 + y} <= used:
            feeds.append([i, x, y])
    return feeds


def with_loss(
    player: Player, ax: Axes | None, runs: Mapping[str, Trajectory], marks: Mapping, *, all_of_them: bool = False
) -> Mapping:
    """Let the contours and minima that stand still on an Axes become marks, which follow their loss.

    Args:
        player: the Axes is on its figure.
        ax: where plots.contours has drawn; where it has not, nothing changes.
        runs: descents by name.
        marks: of each what it draws.
        all_of_them: whether each draws the loss, for they are not shown together; else one does.

    Returns:
        The marks, with those of the loss among them.
    """
    if ax is None or (still := take_away(ax)) is None:
        return marks
    surface, ahead = still.surface, (None,) * len(player.sliders)
    name = next((name for name, run in runs.items() if run.loss is surface), next(iter(runs)))
    contours = player.contours(ax, surface, levels=still.levels)
    more: dict[Mark, Callable] = {contours: lambda _: contours.mesh()}
    if surface.find_minima is not None or (surface.minima and _rest(surface)):
        places = torch.tensor(surface.minima, dtype=torch.float64)

        def lowest(_: Trajectory) -> Tensor:
            return (places if surface.find_minima is None else surface.find_minima())[ahead]

        more[player.points(ax, lowest(next(iter(runs.values()))), color=BLACK, marker="+", size=16)] = lowest
    return {one: more | dict(drawn) if all_of_them or one == name else drawn for one, drawn in marks.items()}


def _rest(surface: Surface) -> bool:
    """Whether the minima stay where they are, whatever the ranges are turned to: there no slope is left."""
    places, steepest = torch.tensor(surface.minima, dtype=torch.float64), 0.0
    for _ in at_the_ends(surface.ranges):
        with torch.enable_grad():
            leaf = places.clone().requires_grad_()
            (slopes,) = torch.autograd.grad(surface(leaf).sum(), leaf)
        steepest = max(steepest, float(slopes.abs().nan_to_num(torch.inf).max()))
    return steepest <= 1e-6


def refuse_negative_rates(run: Trajectory) -> None:
    """Refused at the door: a range of a schedule at whose ends a learning rate is negative or not finite.

    Args:
        run: from minimize.

    Raises:
        ValueError: such a range.
    """
    if not isinstance(run.asked, Schedule) or not run.asked.ranges:
        return
    steps, found = torch.arange(run.steps, dtype=torch.float64), ""
    for _ in at_the_ends(run.asked.ranges):
        rates = run.asked.rates(steps)
        wrong = ~(torch.isfinite(rates) & (rates >= 0))
        if wrong.any() and not found:
            k, at = int(wrong.nonzero()[0]), {name: float(one) for name, one in run.asked.numbers.items()}
            setting = ", ".join(f"{name} = {value:g}" for name, value in at.items())
            found = f"with {setting} the learning rate of step {k} is {float(rates[k]):g}; narrow the range"
    if found:  # only here, where the numbers are as they were
        raise ValueError(found)
