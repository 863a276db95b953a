"""The test functions of the literature, as published."""

import math
from itertools import product

import torch
from torch import Tensor

from gdviz.surfaces.parametric import bowl
from gdviz.surfaces.surface import Surface


def ravine(angle: float = 0.0) -> Surface:
    """f(x, y) = 0.1 x^2 + 2 y^2: a bowl of condition number 20, with L = 4 and mu = 0.2

    Args:
        angle: degrees by which it is turned, counter-clockwise; or a Range, a slider of the player.

    Returns:
        The surface.

    Raises:
        ValueError: an angle that is not finite.

    Example:
        >>> float(ravine()(torch.tensor([10.0, 1.0])))
        12.0

    Reference: Zhang et al., Dive into Deep Learning 2023, section 12.6.
    """
    turned = bowl(20.0, smallest=0.2, angle=angle)

    def fn(w: Tensor) -> Tensor:
        return turned(w) if angle or turned.ranges else 0.1 * w[..., 0] ** 2 + 2 * w[..., 1] ** 2

    ranges = turned.ranges
    return Surface(fn, (-6.0, 6.0), (-3.0, 3.0), (-5.0, -2.0), ((0.0, 0.0),), "ravine", ranges=ranges)


def rosenbrock() -> Surface:
    """f(x, y) = (1 - x)^2 + 100 (y - x^2)^2, minimum 0 at (1, 1) in a curved valley.

    Returns:
        The surface.

    Example:
        >>> float(rosenbrock()(torch.tensor([0.0, 1.0])))
        101.0

    Reference: Rosenbrock 1960.
    """

    def fn(w: Tensor) -> Tensor:
        x, y = w.unbind(-1)
        return (1 - x) ** 2 + 100 * (y - x**2) ** 2

    return Surface(fn, (-2.0, 2.0), (-1.0, 3.0), (-1.2, 1.0), ((1.0, 1.0),), "Rosenbrock")


def himmelblau() -> Surface:
    """f(x, y) = (x^2 + y - 11)^2 + (x + y^2 - 7)^2, four minima of value 0.

    Returns:
        The surface.

    Example:
        >>> float(himmelblau()(torch.tensor([3.0, 2.0])))
        0.0

    Reference: Himmelblau 1972.
    """

    def fn(w: Tensor) -> Tensor:
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

    Flat in the middle, walls of 1e5 in the corners.

    Returns:
        The surface.

    Example:
        >>> float(beale()(torch.tensor([3.0, 0.5])))
        0.0

    Reference: Beale 1958; More, Garbow & Hillstrom 1981, problem 5.
    """

    def fn(w: Tensor) -> Tensor:
        x, y = w.unbind(-1)
        return (1.5 - x + x * y) ** 2 + (2.25 - x + x * y**2) ** 2 + (2.625 - x + x * y**3) ** 2

    return Surface(fn, (-4.5, 4.5), (-4.5, 4.5), (1.0, 1.0), ((3.0, 0.5),), "Beale")


def booth() -> Surface:
    """f(x, y) = (x + 2y - 7)^2 + (2x + y - 5)^2, minimum 0 at (1, 3); condition number 9

    Returns:
        The surface.

    Example:
        >>> float(booth()(torch.tensor([0.0, 0.0])))
        74.0

    Reference: Jamil & Yang 2013.
    """

    def fn(w: Tensor) -> Tensor:
        x, y = w.unbind(-1)
        return (x + 2 * y - 7) ** 2 + (2 * x + y - 5) ** 2

    return Surface(fn, (-10.0, 10.0), (-10.0, 10.0), (-8.0, -6.0), ((1.0, 3.0),), "Booth")


def rastrigin() -> Surface:
    """f(w) = 10 d + sum_i (w_i^2 - 10 cos(2 pi w_i)), minimum 0 at (0, 0) among 121 in the window

    Returns:
        The surface.

    Example:
        >>> len(rastrigin().minima)
        121

    Reference: Rastrigin 1974; Jamil & Yang 2013.
    """
    positive = (0.9949586376523348, 1.9899122337085497, 2.984855701039481, 3.9797838603007536, 4.974691390895051)
    places = (0.0, *positive, *(-place for place in positive))

    def fn(w: Tensor) -> Tensor:
        return 10 * w.shape[-1] + (w**2 - 10 * torch.cos(2 * math.pi * w)).sum(-1)

    return Surface(fn, (-5.12, 5.12), (-5.12, 5.12), (-3.3, 4.2), tuple(product(places, places)), "Rastrigin")


def styblinski_tang() -> Surface:
    """f(w) = 1/2 sum_i (w_i^4 - 16 w_i^2 + 5 w_i), minimum -78.33233 at -2.903534 for each w_i; three local ones

    Returns:
        The surface.

    Example:
        >>> float(styblinski_tang()(torch.tensor([1.0, 1.0])))
        -10.0

    Reference: Styblinski & Tang 1990.
    """
    places = (-2.903534027771177, 2.746802770990837)

    def fn(w: Tensor) -> Tensor:
        return (w**4 - 16 * w**2 + 5 * w).sum(-1) / 2

    return Surface(fn, (-5.0, 5.0), (-5.0, 5.0), (0.5, 4.5), tuple(product(places, places)), "Styblinski-Tang")


def six_hump_camel() -> Surface:
    """f(x, y) = (4 - 2.1 x^2 + x^4 / 3) x^2 + xy + 4 (y^2 - 1) y^2, minimum -1.0316285 twice; four local ones

    Returns:
        The surface.

    Example:
        >>> float(six_hump_camel()(torch.tensor([0.0, 0.5])))
        -0.75

    Reference: Dixon & Szego 1978.
    """

    def fn(w: Tensor) -> Tensor:
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
    """f(x, y) = (x^2 - y^2) / 2: a minimum along x, a maximum along y, no minimum.

    Returns:
        The surface.

    Example:
        >>> float(saddle()(torch.tensor([0.0, 2.0])))
        -2.0

    Reference: Lee et al. 2016.
    """

    def fn(w: Tensor) -> Tensor:
        return (w[..., 0] ** 2 - w[..., 1] ** 2) / 2

    return Surface(fn, (-1.5, 1.5), (-1.5, 1.5), (1.0, 1e-6), (), "saddle")


def monkey_saddle() -> Surface:
    """f(x, y) = x^3 - 3 x y^2: three ways down from (0, 0), where all curvature vanishes; no minimum

    Returns:
        The surface.

    Example:
        >>> float(monkey_saddle()(torch.tensor([1.0, 1.0])))
        -2.0

    Reference: Hilbert & Cohn-Vossen 1932, section 29.
    """

    def fn(w: Tensor) -> Tensor:
        return w[..., 0] ** 3 - 3 * w[..., 0] * w[..., 1] ** 2

    return Surface(fn, (-1.5, 1.5), (-1.5, 1.5), (1.0, 1e-6), (), "monkey saddle")


def plateau() -> Surface:
    """f(w) = 1 - exp(-|w|^2 / 2): one well, minimum 0 at (0, 0), and around it a plain where the gradient vanishes

    Returns:
        The surface.

    Example:
        >>> float(plateau()(torch.tensor([0.0, 0.0])))
        0.0

    Reference: Welsch's loss, Dennis & Welsch 1978.
    """

    def fn(w: Tensor) -> Tensor:
        return 1 - torch.exp(-(w**2).sum(-1) / 2)

    return Surface(fn, (-5.0, 5.0), (-5.0, 5.0), (3.5, 1.0), ((0.0, 0.0),), "plateau")


def two_wells() -> Surface:
    """f(x, y) = x^2 + y^2 - 2 exp(-5 ((x - 1)^2 + y^2)) - 3 exp(-5 ((x + 1)^2 + y^2)): a bowl with two Gaussian wells

    The left one is the global minimum, -2.0631; the right one -1.0927.

    Returns:
        The surface.

    Example:
        >>> print(f"{float(two_wells()(torch.tensor([-0.9363, 0.0]))):.4f}")
        -2.0631

    Reference: Dupont 2018, Interactive visualization of optimization algorithms in deep learning.
    """

    def fn(w: Tensor) -> Tensor:
        x, y = w.unbind(-1)
        left, right = (torch.exp(-5 * ((x - centre) ** 2 + y**2)) for centre in (-1, 1))
        return x**2 + y**2 - 2 * right - 3 * left

    minima = ((-0.9363006340109187, 0.0), (0.905317899160115, 0.0))
    return Surface(fn, (-2.5, 2.5), (-2.0, 2.0), (0.6, 1.7), minima, "bowl with two wells")
