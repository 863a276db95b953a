"""Examples of one feature and one target: as they are, standardised, or somewhere in between."""

import re
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from gdviz.hyperparameters import Range, real
from gdviz.tables import column


@dataclass(frozen=True, eq=False)
class Data:
    """One feature x (n,) and one target y (n,), float64, with the words for the axes.

    Args:
        x: the feature.
        y: the target.
        x_label: for the axis of x.
        y_label: for the axis of y.

    Raises:
        ValueError: x and y of different lengths, fewer than two points, values that are not finite numbers, an x that
            is constant up to rounding.

    Example:
        >>> len(Data(torch.tensor([1.0, 2.0, 3.0]), torch.tensor([2.0, 4.0, 7.0])))
        3
    """

    x: Tensor
    y: Tensor
    x_label: str = "x"
    y_label: str = "y"

    def __post_init__(self):
        object.__setattr__(self, "x", column("x", self.x, varies=True))
        object.__setattr__(self, "y", column("y", self.y))
        if len(self.x) != len(self.y):
            raise ValueError(f"x and y must have the same length, got {len(self.x)} and {len(self.y)}")
        if len(self.x) < 2:
            raise ValueError(f"a line needs at least two points, got {len(self.x)}")

    def __len__(self) -> int:
        return len(self.x)

    def __repr__(self) -> str:
        ends = ", ".join(
            f"{label} from {float(v.min()):.4g} to {float(v.max()):.4g}"
            for label, v in ((self.x_label, self.x), (self.y_label, self.y))
        )
        return f"{len(self)} examples: {ends}"

    def standardized(self) -> "Data":
        """z = (x - mean(x)) / std(x): the same examples with x of mean 0 and (population) standard deviation 1.

        Returns:
            A new Data.
        """
        z = (self.x - self.x.mean()) / self.x.std(correction=0)
        return replace(self, x=z, x_label=re.sub(r" \([^()]*\)$", "", self.x_label) + " (standardised)")

    def rescaled(self, *, shift: float, scale: float) -> "Rescaled":
        """The way from raw to standardised, with a slider for each Range.

        Args:
            shift: how much of the mean is taken away, a number or a Range.
            scale: the power of the standard deviation that divides, likewise.

        Returns:
            The data with another x.

        Raises:
            TypeError: something that is not a number.
            ValueError: a number that is not finite.
        """
        return Rescaled(self, shift, scale)


@dataclass(frozen=True, eq=False)
class Rescaled:
    """z = (x - shift mean(x)) / std(x)^scale: (0, 0) is the raw feature, (1, 1) the standardised one.

    Args:
        raw: the data.
        shift: a number or a Range.
        scale: likewise.

    Raises:
        TypeError: something that is not a number.
        ValueError: a number that is not finite.

    Example:
        >>> from gdviz import data
        >>> patients = data.diabetes().rescaled(shift=1.0, scale=0.0)
        >>> abs(round(float(patients.x.mean()), 9)), round(float(patients.x.std(correction=0)), 2)
        (0.0, 4.41)
    """

    raw: Data
    shift: float
    scale: float
    numbers: tuple[Tensor, Tensor] = field(init=False, repr=False)  # what x is computed with

    def __post_init__(self):
        shift, scale = real("shift", self.shift), real("scale", self.scale)
        object.__setattr__(self, "numbers", (torch.tensor(shift).double(), torch.tensor(scale).double()))

    @property
    def x(self) -> Tensor:
        """The feature z (n,), as shift and scale are now."""
        shift, scale = self.numbers
        mean = self.raw.x.mean()
        return (self.raw.x - shift * mean) / (self.raw.x - mean).square().mean().sqrt() ** scale

    @property
    def y(self) -> Tensor:
        """The target (n,)."""
        return self.raw.y

    @property
    def ranges(self) -> dict[str, tuple[Range, Tensor]]:
        """The tensor of each Range, as in a Surface."""
        pairs = {"shift": self.shift, "scale": self.scale}
        return {name: (v, one) for (name, v), one in zip(pairs.items(), self.numbers) if isinstance(v, Range)}

    @property
    def x_label(self) -> str:
        """For the axis of z."""
        return f"{self.raw.x_label}, rescaled"

    @property
    def y_label(self) -> str:
        """For the axis of y."""
        return self.raw.y_label

    def __len__(self) -> int:
        return len(self.raw)
