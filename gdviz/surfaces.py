"""Losses of two parameters that can be drawn, with the window to draw them in."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

Window = tuple[float, float]


@dataclass(frozen=True, eq=False)
class Surface:
    """A loss of two parameters with what is needed to show it.

    fn: Tensor (..., 2) -> Tensor (...); xlim, ylim: the window; start: a place to begin; minima: the place of each
    minimum, its value is surface(place); name: for titles and captions. Calling the surface calls fn.
    """

    fn: Callable[[Tensor], Tensor]
    xlim: Window
    ylim: Window
    start: tuple[float, float]
    minima: tuple[tuple[float, float], ...]
    name: str

    def __call__(self, params: Tensor) -> Tensor:
        if params.shape[-1:] != (2,):
            raise ValueError(f"{self.name} has two parameters, so params are (..., 2); got shape {tuple(params.shape)}")
        return self.fn(params)

    def mesh(self, n: int = 121) -> tuple[Tensor, Tensor, Tensor]:
        """x (n,), y (n,) and the loss (n, n) over the window; rows are y, as contour plots want it."""
        x = torch.linspace(*self.xlim, n, dtype=torch.float64)
        y = torch.linspace(*self.ylim, n, dtype=torch.float64)
        with torch.no_grad():
            rows = (self(torch.stack([x, height.expand(n)], -1)) for height in y)  # one by one: data may be long
            return x, y, torch.stack(list(rows))


def bowl(condition: float | Tensor = 10.0, *, smallest: float = 1.0, angle: float = 0.0) -> Surface:
    """f(w) = 1/2 w^T A w, where A has the eigenvalues mu = smallest and L = condition * smallest

    condition: kappa = L / mu, at least 1; a tensor broadcasts against params[..., 0], one bowl for each run.
    smallest: mu, positive. angle: degrees by which the long axis is turned from the x axis, counter-clockwise.
    Reference: Boyd & Vandenberghe 2004, section 9.3.2.
    """
    kappa = torch.as_tensor(condition, dtype=torch.float64)
    if not bool((torch.isfinite(kappa) & (kappa >= 1)).all()):
        raise ValueError(f"condition must be at least 1 and finite, got {condition!r}")
    if not (math.isfinite(smallest) and smallest > 0):
        raise ValueError(f"smallest must be positive, got {smallest!r}")
    if not math.isfinite(angle):
        raise ValueError(f"angle must be finite, in degrees, got {angle!r}")
    cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))

    def fn(w):
        along = cos * w[..., 0] + sin * w[..., 1]
        across = cos * w[..., 1] - sin * w[..., 0]
        return 0.5 * smallest * (along**2 + kappa * across**2)

    shown = f"{float(kappa):g}" if kappa.ndim == 0 else f"{float(kappa.min()):g} to {float(kappa.max()):g}"
    name = f"bowl, condition number {shown}"
    return Surface(fn, (-11.0, 11.0), (-6.0, 6.0), start=(10.0, 4.0), minima=((0.0, 0.0),), name=name)


def linear_model(data, *, xlim: Window | None = None, ylim: Window | None = None) -> Surface:
    """J(w, b) = 1/n sum_i (w x_i + b - y_i)^2, the mean squared error of a line over the data

    data: has x (n,) and y (n,), such as gdviz.data.diabetes(). Its gradient is 2/n sum_i (w x_i + b - y_i) (x_i, 1).
    xlim, ylim: the window of w and of b; left out, it is centred on the minimum and holds the start (0, 0).
    The minimum is the least-squares line, by the normal equations of the centred x (Bishop 2006, equation 3.15).
    """
    x, y = data.x, data.y
    centred = x - x.mean()
    w = float((centred * (y - y.mean())).sum() / (centred**2).sum())
    b = float(y.mean() - w * x.mean())

    def fn(params):
        residual = params[..., :1] * x + params[..., 1:] - y  # (..., n)
        return (residual**2).mean(-1)

    return Surface(
        fn, xlim or _around(w), ylim or _around(b), start=(0.0, 0.0), minima=((w, b),), name="mean squared error"
    )


def _around(centre: float) -> Window:
    half = 1.3 * max(abs(centre), 1.0)
    return centre - half, centre + half
