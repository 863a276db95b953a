"""A loss of one or two parameters that can be drawn, with the window to draw it in."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from gdviz.hyperparameters import Range
from gdviz.progress import watched

Window = tuple[float, float]


Place = tuple[float, ...]


@dataclass(frozen=True, eq=False)
class Surface:
    """A loss of two parameters (or of one) with what is needed to show it. Calling the surface calls fn.

    Args:
        fn: Tensor (..., d) -> Tensor (...), d = 2 or 1.
        xlim: the window, (low, high).
        ylim: likewise; for d = 1 it is that of the loss.
        start: a place to begin (d,), which may lie outside of the window.
        minima: the place of each minimum, global and local.
        name: for titles and captions.
        examples: how many examples of data one gradient touches (1 where there are no data).
        example_loss: the loss of each, (params, i) -> (*runs, B) of params (*runs, d) and indices (*runs, B); fn is its
            mean over all of them.
        ranges: name -> (range, tensor) of each number of the loss that a player may turn: fn computes with the tensor,
            which holds the value of the range.
        find_minima: the minima (k, 2) of what fn computes with now, where data or ranges move them.

    Raises:
        ValueError: three parameters or more, a window whose ends are not finite or not in ascending order.

    Example:
        >>> cup = Surface(lambda w: w.square().sum(-1), (-1, 1), (-1, 1), (0.5, 0.5), ((0.0, 0.0),), "cup")
        >>> float(cup(torch.tensor([3.0, 4.0])))
        25.0
    """

    fn: Callable[[Tensor], Tensor]
    xlim: Window
    ylim: Window
    start: Place
    minima: tuple[Place, ...]
    name: str
    examples: int = 1
    example_loss: Callable[[Tensor, Tensor], Tensor] | None = None
    ranges: Mapping[str, tuple[Range, Tensor]] = field(default_factory=dict)
    find_minima: Callable[[], Tensor] | None = None

    def __post_init__(self):
        places: Any = self.minima
        places = places.tolist() if hasattr(places, "tolist") else places  # of an array or a tensor
        object.__setattr__(self, "minima", tuple(tuple(map(float, place)) for place in places))
        if len(self.start) not in (1, 2):
            raise ValueError(f"a surface has one or two parameters; the start of {self.name} has {len(self.start)}")
        for name, ends in (("xlim", self.xlim), ("ylim", self.ylim)):
            if not _is_window(ends):
                raise ValueError(f"{name} of {self.name} must be (low, high), two finite numbers; got {ends!r}")

    def __call__(self, params: Tensor) -> Tensor:
        """The loss (...) of params (..., d)."""
        return self.fn(self._checked(params))

    def mesh(self, n: int = 121) -> tuple[Tensor, Tensor, Tensor]:
        """The loss over the window; rows are y, as contour plots want.

        Args:
            n: points along each side.

        Returns:
            x (n,), y (n,) and the loss (n, n), float64.

        Raises:
            ValueError: d = 1, fewer than two points a side, a loss that is not one number for each point.
        """
        if len(self.start) != 2:
            raise ValueError(f"{self.name} has one parameter; plots.profile draws it")
        if not n >= 2:
            raise ValueError(f"a mesh has at least 2 points along each side, got {n!r}")
        x = torch.linspace(*self.xlim, n, dtype=torch.float64)
        y = torch.linspace(*self.ylim, n, dtype=torch.float64)
        z = torch.empty(n, n, dtype=torch.float64)  # filled: a list of rows would keep what lies between them in memory
        with torch.no_grad():
            for k, height in enumerate(watched(list(y), "mesh", "row")):  # one by one: data may be long
                row = self._row(torch.stack([x, height.expand(n)], -1))
                if row.shape != (n,):
                    given = tuple(row.shape)
                    raise ValueError(f"{self.name} must give a loss for each of {n} points, ({n},); it gave {given}")
                z[k] = row
        return x, y, z

    def _row(self, points: Tensor) -> Tensor:
        try:
            return self(points)
        except RuntimeError as error:
            if "must match the size" not in str(error):
                raise
            why = (
                f"{self.name} gives no loss for {len(points)} points at once; is one of its numbers a list of several?"
            )
            raise ValueError(f"{why} Draw a surface for each, or give a Range ({error})") from error

    def basin(self, params: Tensor) -> Tensor:
        """Which minimum is the nearest.

        Args:
            params: (..., d).

        Returns:
            Its index in minima (...), whole numbers.

        Raises:
            ValueError: there are no minima.
        """
        if not self.minima:
            raise ValueError(f"{self.name} has no minimum")
        places = torch.tensor(self.minima, dtype=params.dtype)
        return (self._checked(params)[..., None, :] - places).norm(dim=-1).argmin(-1)

    def _checked(self, params: Tensor) -> Tensor:
        d = len(self.start)
        if params.shape[-1:] != (d,):
            many = "two parameters" if d == 2 else "one parameter"
            raise ValueError(f"{self.name} has {many}, so params are (..., {d}); got shape {tuple(params.shape)}")
        return params


def _is_window(ends: Any) -> bool:
    try:
        low, high = map(float, ends)
    except (TypeError, ValueError):
        return False
    return -math.inf < low < high < math.inf
