"""Surfaces that are made of something: a condition number, a tilt, data."""

import math
from typing import Any, Protocol

import torch
from torch import Tensor

from gdviz.hyperparameters import Range
from gdviz.surfaces.surface import Surface, Window


class Examples(Protocol):
    """What a loss of data needs: x and y (n,), such as gdviz.data.Data."""

    @property
    def x(self) -> Tensor:
        """The feature of each example (n,)."""
        ...

    @property
    def y(self) -> Tensor:
        """The target of each example (n,)."""
        ...


def bowl(condition: float | Tensor = 10.0, *, smallest: float = 1.0, angle: float = 0.0) -> Surface:
    """f(w) = 1/2 w^T A w, where A has the eigenvalues mu = smallest and L = condition * smallest

    Args:
        condition: kappa = L / mu, at least 1; a tensor broadcasts against params[..., 0], one bowl for each run; a
            Range is a slider of the player.
        smallest: mu, positive.
        angle: degrees by which the long axis is turned from the x axis, counter-clockwise; or a Range.

    Returns:
        The surface.

    Raises:
        ValueError: a number that is not finite or out of range.

    Example:
        >>> float(bowl(10)(torch.tensor([2.0, 1.0])))
        7.0

    Reference: Boyd & Vandenberghe 2004, section 9.3.2.
    """
    kappa, turn = (torch.as_tensor(value, dtype=torch.float64) for value in (condition, angle))
    ends = torch.as_tensor([condition.low, condition.high] if isinstance(condition, Range) else kappa)
    if kappa.numel() == 0 or not bool((torch.isfinite(ends) & (ends >= 1)).all()):
        raise ValueError(f"condition must be at least 1 and finite, got {_shown(condition)}")
    if not (math.isfinite(smallest) and smallest > 0):
        raise ValueError(f"smallest must be positive, got {smallest!r}")
    if not math.isfinite(angle):
        raise ValueError(f"angle must be finite, in degrees, got {angle!r}")

    def fn(w: Tensor) -> Tensor:
        radians = turn * (math.pi / 180)
        cos, sin = radians.cos(), radians.sin()
        along = cos * w[..., 0] + sin * w[..., 1]
        across = cos * w[..., 1] - sin * w[..., 0]
        return 0.5 * smallest * (along**2 + kappa * across**2)

    shown = f"{float(kappa):g}" if kappa.ndim == 0 else f"{float(kappa.min()):g} to {float(kappa.max()):g}"
    name = "bowl" if isinstance(condition, Range) else f"bowl, condition number {shown}"
    place: Any = {"xlim": (-11.0, 11.0), "ylim": (-6.0, 6.0), "start": (10.0, 4.0), "minima": ((0.0, 0.0),)}
    return Surface(fn, **place, name=name, ranges=_ranges(condition=(condition, kappa), angle=(angle, turn)))


def _shown(value: Any) -> str:
    return f"a range from {value.low:g} to {value.high:g}" if isinstance(value, Range) else repr(value)


def _ranges(**given: tuple[Any, Tensor]) -> dict[str, tuple[Range, Tensor]]:
    return {name: (value, tensor) for name, (value, tensor) in given.items() if isinstance(value, Range)}


def linear_model(data: Examples, *, xlim: Window | None = None, ylim: Window | None = None) -> Surface:
    """J(w, b) = 1/n sum_i (w x_i + b - y_i)^2, the mean squared error of a line over the data

    Its gradient is 2/n sum_i (w x_i + b - y_i) (x_i, 1). The minimum is the least-squares line, by the normal equations
    of the centred x.

    Args:
        data: has x (n,) and y (n,), such as gdviz.data.diabetes(), and where they can be changed their `ranges`.
        xlim: the window of w; left out, it is centred on the minimum and holds the start (0, 0).
        ylim: the window of b, likewise.

    Returns:
        The surface, with examples and example_loss.

    Raises:
        TypeError: data without x and y.

    Example:
        >>> from gdviz import data
        >>> line = linear_model(data.own([0.0, 1.0, 2.0], [1.0, 3.0, 5.0]))
        >>> [round(value, 6) for value in line.minima[0]]
        [2.0, 1.0]

    Reference: Bishop 2006, equation 3.15.
    """
    if not (hasattr(data, "x") and hasattr(data, "y")):
        raise TypeError(f"data must have x and y, such as data.own(x, y); got {type(data).__name__}")

    def least_squares() -> Tensor:
        x, y = data.x, data.y
        centred = x - x.mean()
        w = (centred * (y - y.mean())).sum() / (centred**2).sum()
        return torch.stack([w, y.mean() - w * x.mean()])[None]

    def example_loss(params: Tensor, i: Tensor | slice) -> Tensor:
        return (params[..., :1] * data.x[i] + params[..., 1:] - data.y[i]) ** 2  # (..., B)

    w, b = least_squares()[0].tolist()
    return Surface(
        lambda params: example_loss(params, slice(None)).mean(-1),
        xlim or _around(w),
        ylim or _around(b),
        start=(0.0, 0.0),
        minima=((w, b),),
        name="mean squared error",
        examples=len(data.x),
        example_loss=example_loss,
        ranges=getattr(data, "ranges", {}),
        find_minima=least_squares,
    )


def _around(centre: float) -> Window:
    half = 1.3 * max(abs(centre), 1.0)
    return centre - half, centre + half


def tone(data: Examples) -> Surface:
    """J(w) = 1/n sum_i (sin(w x_i) - y_i)^2: how badly a tone of frequency w fits the data; many local minima

    The minima with 0.3 < w < 5.4 are found on a grid of 1,001 frequencies and refined by Newton's method.

    Args:
        data: has times x (n,) and heights y (n,), such as gdviz.data.toy_tone().

    Returns:
        The surface, of one parameter.

    Example:
        >>> from gdviz import data
        >>> wave = tone(data.toy_tone(frequency=2.0))
        >>> print(f"{min(wave.minima, key=lambda w: float(wave(torch.tensor(w).double())))[0]:.1f}")
        2.0

    Reference: Quinn & Hannan 2001, The estimation and tracking of frequency, on why its loss has many.
    """
    x, y, xlim = data.x, data.y, (0.3, 5.4)

    def example_loss(params: Tensor, i: Tensor | slice) -> Tensor:
        return (torch.sin(params * x[i]) - y[i]) ** 2

    def fn(params: Tensor) -> Tensor:
        return example_loss(params, slice(None)).mean(-1)

    w = torch.linspace(*xlim, 1001, dtype=torch.float64)[:, None]
    losses = fn(w)
    lower = (losses[1:-1] < losses[:-2]) & (losses[1:-1] < losses[2:])
    w = w[1:-1][lower].requires_grad_()
    with torch.enable_grad():
        for _ in range(8):
            slope = torch.autograd.grad(fn(w).sum(), w, create_graph=True)[0]
            w = (w - slope / torch.autograd.grad(slope.sum(), w)[0]).detach().requires_grad_()
    minima = tuple((place,) for place in w.flatten().tolist())
    height = (0.0, 1.1 * float(losses.max()))
    return Surface(fn, xlim, height, (3.9,), minima, "loss of a tone", len(x), example_loss)


def double_well(tilt: float = 0.2, *, parameters: int = 1) -> Surface:
    """f(x) = x^4 / 4 - x^2 / 2 + tilt * x, and + y^2 / 2 with two parameters; the deeper well lies against the tilt

    The minima are the outer roots of x^3 - x + tilt.

    Args:
        tilt: below 2 / sqrt(27) = 0.385 in size, above it there is only one well.
        parameters: 1 or 2.

    Returns:
        The surface.

    Raises:
        ValueError: a tilt that leaves one well, or another number of parameters.

    Example:
        >>> float(double_well(0.0)(torch.tensor([1.0])))
        -0.25

    Reference: Strogatz 2015, section 3.6 (the pitchfork with an imperfection).
    """
    if not abs(tilt) < 2 / math.sqrt(27):
        raise ValueError(f"tilt must be below 2 / sqrt(27) = 0.385 in size, or one well is lost; got {tilt!r}")
    if parameters not in (1, 2):
        raise ValueError(f"parameters must be 1 or 2, got {parameters!r}")
    angle = math.acos(-tilt * math.sqrt(27) / 2)  # Viete: the three real roots of x^3 - x + tilt
    right, left = (2 / math.sqrt(3) * math.cos((angle + turn) / 3) for turn in (0, 2 * math.pi))

    def fn(w: Tensor) -> Tensor:
        x = w[..., 0]
        return x**4 / 4 - x**2 / 2 + tilt * x + (w[..., 1:] ** 2).sum(-1) / 2

    rest, ylim = ((), (-0.6, 1.0)) if parameters == 1 else ((0.0,), (-1.5, 1.5))
    return Surface(fn, (-1.8, 1.8), ylim, (1.7, *rest), ((left, *rest), (right, *rest)), "double well")
