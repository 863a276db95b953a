"""Losses of one or two parameters that can be drawn, with the window to draw them in.

Those without a parameter in their docstring are the test functions of the literature, as published.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import Any

import torch
from torch import Tensor

from gdviz.progress import watched

Window = tuple[float, float]
Place = tuple[float, ...]


@dataclass(frozen=True, eq=False)
class Surface:
    """A loss of two parameters (or of one) with what is needed to show it.

    fn: Tensor (..., d) -> Tensor (...), d = 2 or 1; xlim, ylim: the window, where for d = 1 ylim is the loss, each
    (low, high); start: a place to begin (d,), which may lie outside of it; minima: the place of each minimum, global
    and local; name: for titles and captions.
    examples: how many examples of data one gradient touches (1 where there are no data); example_loss(params, i) is
    the loss of each, (*runs, d) and indices (*runs, B) -> (*runs, B), and fn its mean over all of them.
    Calling the surface calls fn: surface(place) is the value of a minimum.
    Refused: three parameters or more, a window whose ends are not finite or not in ascending order.
    """

    fn: Callable[[Tensor], Tensor]
    xlim: Window
    ylim: Window
    start: Place
    minima: tuple[Place, ...]
    name: str
    examples: int = 1
    example_loss: Callable[[Tensor, Tensor], Tensor] | None = None

    def __post_init__(self):
        if len(self.start) not in (1, 2):
            raise ValueError(f"a surface has one or two parameters; the start of {self.name} has {len(self.start)}")
        for name, ends in (("xlim", self.xlim), ("ylim", self.ylim)):
            if not _is_window(ends):
                raise ValueError(f"{name} of {self.name} must be (low, high), two finite numbers; got {ends!r}")

    def __call__(self, params: Tensor) -> Tensor:
        return self.fn(self._checked(params))

    def mesh(self, n: int = 121) -> tuple[Tensor, Tensor, Tensor]:
        """x (n,), y (n,) and the loss (n, n) over the window; rows are y, as contour plots want.

        Refused: d = 1, fewer than two points a side, a loss that is not one number for each point.
        """
        if len(self.start) != 2:
            raise ValueError(f"{self.name} has one parameter; plots.profile draws it")
        if not n >= 2:
            raise ValueError(f"a mesh has at least 2 points along each side, got {n!r}")
        x = torch.linspace(*self.xlim, n, dtype=torch.float64)
        y = torch.linspace(*self.ylim, n, dtype=torch.float64)
        with torch.no_grad():
            rows = watched(y, "mesh", "row")  # one by one: data may be long
            z = torch.stack([self(torch.stack([x, height.expand(n)], -1)) for height in rows])
        if z.shape != (n, n):
            given = tuple(z.shape[1:])
            raise ValueError(f"{self.name} must give a loss for each of {n} points, ({n},); it gave {given}")
        return x, y, z

    def basin(self, params: Tensor) -> Tensor:
        """The index in minima of the one nearest to params (..., d): (...), whole numbers. Refused without minima."""
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


def bowl(condition: float | Tensor = 10.0, *, smallest: float = 1.0, angle: float = 0.0) -> Surface:
    """f(w) = 1/2 w^T A w, where A has the eigenvalues mu = smallest and L = condition * smallest

    condition: kappa = L / mu, at least 1; a tensor broadcasts against params[..., 0], one bowl for each run.
    smallest: mu, positive. angle: degrees by which the long axis is turned from the x axis, counter-clockwise.
    Reference: Boyd & Vandenberghe 2004, section 9.3.2.
    """
    kappa = torch.as_tensor(condition, dtype=torch.float64)
    if kappa.numel() == 0 or not bool((torch.isfinite(kappa) & (kappa >= 1)).all()):
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

    def example_loss(params, i):
        return (params[..., :1] * x[i] + params[..., 1:] - y[i]) ** 2  # (..., B)

    return Surface(
        lambda params: example_loss(params, slice(None)).mean(-1),
        xlim or _around(w),
        ylim or _around(b),
        start=(0.0, 0.0),
        minima=((w, b),),
        name="mean squared error",
        examples=len(x),
        example_loss=example_loss,
    )


def _around(centre: float) -> Window:
    half = 1.3 * max(abs(centre), 1.0)
    return centre - half, centre + half


def tone(data) -> Surface:
    """J(w) = 1/n sum_i (sin(w x_i) - y_i)^2: how badly a tone of frequency w fits the data; many local minima

    data: has times x (n,) and heights y (n,), such as gdviz.data.toy_tone(). The minima with 0.3 < w < 5.4 are found on
    a grid of 1,001 frequencies and refined by Newton's method.
    Reference: Quinn & Hannan 2001, The estimation and tracking of frequency, on why its loss has many.
    """
    x, y, xlim = data.x, data.y, (0.3, 5.4)

    def example_loss(params, i):
        return (torch.sin(params * x[i]) - y[i]) ** 2

    def fn(params):
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


def ravine() -> Surface:
    """f(x, y) = 0.1 x^2 + 2 y^2: a bowl of condition number 20, with L = 4 and mu = 0.2

    Reference: Zhang et al., Dive into Deep Learning 2023, section 12.6.
    """

    def fn(w):
        return 0.1 * w[..., 0] ** 2 + 2 * w[..., 1] ** 2

    return Surface(fn, (-6.0, 6.0), (-3.0, 3.0), (-5.0, -2.0), ((0.0, 0.0),), "ravine")


def rosenbrock() -> Surface:
    """f(x, y) = (1 - x)^2 + 100 (y - x^2)^2, minimum 0 at (1, 1) in a curved valley. Reference: Rosenbrock 1960."""

    def fn(w):
        x, y = w.unbind(-1)
        return (1 - x) ** 2 + 100 * (y - x**2) ** 2

    return Surface(fn, (-2.0, 2.0), (-1.0, 3.0), (-1.2, 1.0), ((1.0, 1.0),), "Rosenbrock")


def himmelblau() -> Surface:
    """f(x, y) = (x^2 + y - 11)^2 + (x + y^2 - 7)^2, four minima of value 0. Reference: Himmelblau 1972."""

    def fn(w):
        x, y = w.unbind(-1)
        return (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2

    minima = (
        (3.0, 2.0),
        (-2.805118086952745, 3.131312518250573),
        (-3.779310253377747, -3.283185991286169),
        (3.5844283403304917, -1.8481265269644034),
    )
    return Surface(fn, (-5.0, 5.0), (-5.0, 5.0), (0.0, 0.0), minima, "Himmelblau")


def beale() -> Surface:
    """f(x, y) = (1.5 - x + xy)^2 + (2.25 - x + xy^2)^2 + (2.625 - x + xy^3)^2, minimum 0 at (3, 0.5)

    Flat in the middle, walls of 1e5 in the corners. Reference: Beale 1958; More, Garbow & Hillstrom 1981, problem 5.
    """

    def fn(w):
        x, y = w.unbind(-1)
        return (1.5 - x + x * y) ** 2 + (2.25 - x + x * y**2) ** 2 + (2.625 - x + x * y**3) ** 2

    return Surface(fn, (-4.5, 4.5), (-4.5, 4.5), (1.0, 1.0), ((3.0, 0.5),), "Beale")


def booth() -> Surface:
    """f(x, y) = (x + 2y - 7)^2 + (2x + y - 5)^2, minimum 0 at (1, 3); condition number 9

    Reference: Jamil & Yang 2013.
    """

    def fn(w):
        x, y = w.unbind(-1)
        return (x + 2 * y - 7) ** 2 + (2 * x + y - 5) ** 2

    return Surface(fn, (-10.0, 10.0), (-10.0, 10.0), (-8.0, -6.0), ((1.0, 3.0),), "Booth")


def rastrigin() -> Surface:
    """f(w) = 10 d + sum_i (w_i^2 - 10 cos(2 pi w_i)), minimum 0 at (0, 0) among 121 in the window

    Reference: Rastrigin 1974; Jamil & Yang 2013.
    """
    positive = (0.9949586376523348, 1.9899122337085497, 2.984855701039481, 3.9797838603007536, 4.974691390895051)
    places = (0.0, *positive, *(-place for place in positive))

    def fn(w):
        return 10 * w.shape[-1] + (w**2 - 10 * torch.cos(2 * math.pi * w)).sum(-1)

    return Surface(fn, (-5.12, 5.12), (-5.12, 5.12), (-3.3, 4.2), tuple(product(places, places)), "Rastrigin")


def styblinski_tang() -> Surface:
    """f(w) = 1/2 sum_i (w_i^4 - 16 w_i^2 + 5 w_i), minimum -78.33233 at -2.903534 for each w_i; three local ones

    Reference: Styblinski & Tang 1990.
    """
    places = (-2.903534027771177, 2.746802770990837)

    def fn(w):
        return (w**4 - 16 * w**2 + 5 * w).sum(-1) / 2

    return Surface(fn, (-5.0, 5.0), (-5.0, 5.0), (0.5, 4.5), tuple(product(places, places)), "Styblinski-Tang")


def six_hump_camel() -> Surface:
    """f(x, y) = (4 - 2.1 x^2 + x^4 / 3) x^2 + xy + 4 (y^2 - 1) y^2, minimum -1.0316285 twice; four local ones

    Reference: Dixon & Szego 1978.
    """

    def fn(w):
        x, y = w.unbind(-1)
        return (4 - 2.1 * x**2 + x**4 / 3) * x**2 + x * y + 4 * (y**2 - 1) * y**2

    upper = (
        (-0.08984201310031806, 0.7126564030207396),
        (1.6071047529201974, 0.5686514548841314),
        (-1.7036067149699807, 0.7960835686726251),
    )
    minima = upper + tuple((-x, -y) for x, y in upper)
    return Surface(fn, (-2.2, 2.2), (-1.3, 1.3), (1.9, 1.0), minima, "six-hump camel")


def saddle() -> Surface:
    """f(x, y) = (x^2 - y^2) / 2: a minimum along x, a maximum along y, no minimum. Reference: Lee et al. 2016."""

    def fn(w):
        return (w[..., 0] ** 2 - w[..., 1] ** 2) / 2

    return Surface(fn, (-1.5, 1.5), (-1.5, 1.5), (1.0, 1e-6), (), "saddle")


def monkey_saddle() -> Surface:
    """f(x, y) = x^3 - 3 x y^2: three ways down from (0, 0), where all curvature vanishes; no minimum

    Reference: Hilbert & Cohn-Vossen 1932, section 29.
    """

    def fn(w):
        return w[..., 0] ** 3 - 3 * w[..., 0] * w[..., 1] ** 2

    return Surface(fn, (-1.5, 1.5), (-1.5, 1.5), (1.0, 1e-6), (), "monkey saddle")


def plateau() -> Surface:
    """f(w) = 1 - exp(-|w|^2 / 2): one well, minimum 0 at (0, 0), and around it a plain where the gradient vanishes

    Reference: Welsch's loss, Dennis & Welsch 1978.
    """

    def fn(w):
        return 1 - torch.exp(-(w**2).sum(-1) / 2)

    return Surface(fn, (-5.0, 5.0), (-5.0, 5.0), (3.5, 1.0), ((0.0, 0.0),), "plateau")


def double_well(tilt: float = 0.2, *, parameters: int = 1) -> Surface:
    """f(x) = x^4 / 4 - x^2 / 2 + tilt * x, and + y^2 / 2 with two parameters; the deeper well lies against the tilt

    tilt: below 2 / sqrt(27) = 0.385 in size, for above it there is one well only. The minima are the outer roots of
    x^3 - x + tilt. Reference: Strogatz 2015, section 3.6 (the pitchfork with an imperfection).
    """
    if not abs(tilt) < 2 / math.sqrt(27):
        raise ValueError(f"tilt must be below 2 / sqrt(27) = 0.385 in size, or one well is lost; got {tilt!r}")
    if parameters not in (1, 2):
        raise ValueError(f"parameters must be 1 or 2, got {parameters!r}")
    angle = math.acos(-tilt * math.sqrt(27) / 2)  # Viete: the three real roots of x^3 - x + tilt
    right, left = (2 / math.sqrt(3) * math.cos((angle + turn) / 3) for turn in (0, 2 * math.pi))

    def fn(w):
        x = w[..., 0]
        return x**4 / 4 - x**2 / 2 + tilt * x + (w[..., 1:] ** 2).sum(-1) / 2

    rest, ylim = ((), (-0.6, 1.0)) if parameters == 1 else ((0.0,), (-1.5, 1.5))
    return Surface(fn, (-1.8, 1.8), ylim, (1.7, *rest), ((left, *rest), (right, *rest)), "double well")


def two_wells() -> Surface:
    """f(x, y) = x^2 + y^2 - 2 exp(-5 ((x - 1)^2 + y^2)) - 3 exp(-5 ((x + 1)^2 + y^2)): a bowl with two Gaussian wells

    The left one is the global minimum, -2.0631; the right one -1.0927. Reference: Dupont 2018, Interactive
    visualization of optimization algorithms in deep learning.
    """

    def fn(w):
        x, y = w.unbind(-1)
        left, right = (torch.exp(-5 * ((x - centre) ** 2 + y**2)) for centre in (-1, 1))
        return x**2 + y**2 - 2 * right - 3 * left

    minima = ((-0.9363006340109187, 0.0), (0.905317899160115, 0.0))
    return Surface(fn, (-2.5, 2.5), (-2.0, 2.0), (0.6, 1.7), minima, "bowl with two wells")
