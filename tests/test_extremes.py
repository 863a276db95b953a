"""Whatever the numbers are, they are drawn where they can be; else one sentence says why not."""

import dataclasses
import math

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from gdviz import data, pictures, plots, surfaces
from gdviz.descent import minimize
from gdviz.optimizers import GradientDescent
from gdviz.pictures import ellipses

BOWL = surfaces.bowl(4)
INF, NAN = math.inf, math.nan


@pytest.fixture
def ax():
    figure, ax = plt.subplots()
    yield ax
    plt.close(figure)


def losses(values):
    """A trajectory with these losses."""
    values = torch.tensor(values, dtype=torch.float64)
    params = torch.zeros(*values.shape, 2, dtype=torch.float64)
    return dataclasses.replace(
        minimize(BOWL, GradientDescent(lr=0.1), [1.0, 1.0], 1), losses=values, params=params, grads=params[1:]
    )


CURVES = {  # losses: the scale of their axis, and which of them lie within the window
    "huge": ([1e290, 1e300, 1.7e308], "log", [1e290, 1e300]),
    "rising to inf": ([1.0, 1e100, 1e300, INF, NAN], "log", [1.0, 1e100, 1e300]),
    "with zeros": ([1.0, 0.5, 0.0, 0.0], "log", [1.0, 0.5]),
    "zero": ([0.0, 0.0, 0.0], "linear", [0.0]),
    "negative": ([1.0, -2.0, -78.0], "linear", [1.0, -2.0, -78.0]),
    "always negative": ([-1.0, -2.0, -3.0], "linear", [-1.0, -2.0, -3.0]),
    "falling to -inf": ([-1.0, -2.0, -1e300, -INF], "linear", [-1.0, -2.0]),
    "constant": ([3.0, 3.0], "log", [3.0]),
    "subnormal": ([1e-320, 1e-321], "log", [1e-320, 1e-321]),
    "of a single step": ([3.0], "log", [3.0]),
    "NaN": ([NAN, NAN], "linear", []),
    "inf": ([INF, INF], "linear", []),
    "of two runs": ([[1.0, 2.0], [1e300, 1.0], [INF, 0.5]], "log", [1.0, 1e300, 0.5]),
}


@pytest.mark.slow
@pytest.mark.parametrize("which", CURVES)
def test_losses_are_drawn_where_they_can_be_and_the_axis_holds_all_steps(ax, which):
    values, scale, shown = CURVES[which]
    plots.loss_curve(losses(values), ax=ax)
    assert pictures.png(ax.figure)
    assert ax.get_yscale() == scale
    low, high = ax.get_ylim()
    assert all(low <= value <= high for value in shown)
    first, last = ax.get_xlim()
    assert first < 0 < max(len(values) - 1, 0.5) < last <= 1.1 * max(len(values) - 1, 1)


def test_a_loss_with_no_neighbour_is_a_dot(ax):
    lonely, joined = plots.loss_curve(losses([[1.0, 1.0], [NAN, 0.5], [2.0, NAN]]), ax=ax)
    assert (lonely.get_marker(), joined.get_marker()) == (".", "None")


def test_a_loss_curve_leaves_limits_that_are_set_alone(ax):
    ax.set(xlim=(0, 7), ylim=(0.1, 9))
    plots.loss_curve(losses([1.0, 1e300]), ax=ax)
    assert (ax.get_xlim(), ax.get_ylim()) == ((0, 7), (0.1, 9))


@pytest.mark.parametrize("rates", [[0.0, 0.1], [1e-320, 1e300], [NAN, 1.0], [0.1, 0.1]])
@pytest.mark.parametrize("ends", [[NAN, INF], [0.0, 0.0], [-1.0, 0.5], [1e-320, 1.7e308]])
def test_final_losses_are_drawn_where_they_can_be(ax, rates, ends):
    plots.final_loss(rates, losses([[1.0, 1.0], ends]), ax=ax)
    assert pictures.png(ax.figure)
    assert np.isfinite([*ax.get_xlim(), *ax.get_ylim()]).all()


@pytest.mark.parametrize("filled", [False, True])
@pytest.mark.parametrize(
    ("levels", "heights"),
    [
        ([5, 1], [1, 5]),
        ([3, 3, 1], [1, 3]),
        ([1, NAN, 5, INF], [1, 5]),
        (torch.tensor([2.0, 1.0]), [1, 2]),
        ([[1, 2], [4, 3]], [1, 2, 3, 4]),
    ],
)
def test_heights_are_taken_in_any_order_where_they_are_finite(ax, levels, heights, filled):
    assert plots.contours(BOWL, ax=ax, levels=levels, filled=filled, n=21).levels.tolist() == heights


@pytest.mark.parametrize("levels", [8.0, np.float64(8), torch.tensor(8)])
def test_a_number_of_lines_may_be_any_whole_number(ax, levels):
    assert np.array_equal(
        plots.contours(BOWL, ax=ax, levels=levels).levels, plots.contours(BOWL, ax=ax, levels=8).levels
    )


@pytest.mark.parametrize("levels", [0, -3, 8.5, NAN, INF, 10**9, True, [], [NAN], "abc", None, [1j], ["1"]])
def test_what_are_no_levels_is_refused_in_one_sentence(ax, levels):
    with pytest.raises(ValueError, match="levels are how many lines, 1 to 1000, or their heights, such as"):
        plots.contours(BOWL, ax=ax, levels=levels)


@pytest.mark.parametrize("levels", [[1e9], [-5, -3], [2]])
@pytest.mark.parametrize("filled", [False, True])
def test_heights_that_the_loss_does_not_reach_have_no_line(ax, levels, filled):
    plots.contours(BOWL, ax=ax, levels=levels, filled=filled, n=21)
    assert pictures.png(ax.figure)


def surface(fn, **more):
    given = {"xlim": (-3, 3), "ylim": (-3, 3), "start": (1.0, 1.0), "minima": ((0.0, 0.0),), "name": "own"} | more
    return surfaces.Surface(fn, **given)


PARTLY = {
    "half NaN": lambda w: torch.where(w[..., 0] > 0, NAN, (w**2).sum(-1)),
    "half inf": lambda w: torch.where(w[..., 0] > 0, INF, (w**2).sum(-1)),
    "half -inf": lambda w: torch.where(w[..., 0] > 0, -INF, (w**2).sum(-1)),
    "flat": lambda w: 0 * w.sum(-1),
    "flat and far": lambda w: 0 * w.sum(-1) - 1e300,
    "huge": lambda w: 5.9e307 * w[..., 0],
    "1e300": lambda w: 1e299 * (w**2).sum(-1),
    "tiny": lambda w: 1e-320 * (w**2).sum(-1),
    "exploding": lambda w: torch.exp(300 * (w**2).sum(-1)),
    "float32": lambda w: (w.float() ** 2).sum(-1),
    "whole": lambda w: (w.round().long() ** 2).sum(-1),
}


@pytest.mark.slow
@pytest.mark.parametrize("which", PARTLY)
def test_a_surface_is_drawn_where_it_is_finite(which):
    own = surface(PARTLY[which])
    for filled in (False, True):
        plots.contours(own, ax=plt.figure().add_subplot(), filled=filled, n=21)
        assert pictures.png(plt.gcf())
    ax = plt.figure().add_subplot(projection="3d")
    plots.surface3d(own, ax=ax, n=21)
    assert pictures.png(ax.figure)
    low, high = ax.get_zlim()
    assert -INF < low < high < INF


def test_holes_of_a_surface_take_no_part_in_its_heights(ax):
    half = surface(PARTLY["half inf"])
    assert plots.contours(half, ax=ax).levels.max() == pytest.approx(18)
    three = plt.figure().add_subplot(projection="3d")
    plots.surface3d(half, ax=three)
    assert three.get_zlim() == pytest.approx((0, 18), abs=0.01)
    plt.close(three.figure)


@pytest.mark.parametrize("value", [NAN, INF, -INF])
def test_a_surface_that_is_finite_nowhere_is_refused_in_one_sentence(ax, value):
    nowhere = surface(lambda w: 0 * w.sum(-1) + value)
    with pytest.raises(ValueError, match="the loss of own is finite nowhere in its window: there is nothing to draw"):
        plots.contours(nowhere, ax=ax)
    with pytest.raises(ValueError, match="finite nowhere"):
        plots.surface3d(nowhere, ax=plt.figure().add_subplot(projection="3d"))


@pytest.mark.slow
def test_a_path_ends_where_it_is_lost_and_one_of_other_parameters_is_refused(ax):
    descent = minimize(BOWL, GradientDescent(lr=9.0), [5.0, 3.0], 400)
    plots.path(descent, ax=ax)
    assert pictures.png(ax.figure)
    single = minimize(lambda w: (w**2).sum(-1), GradientDescent(lr=0.1), [1.0], 2)
    with pytest.raises(ValueError, match="drawn for two parameters, got 1; loss_curve draws any number"):
        plots.path(single, ax=ax)
    with pytest.raises(
        ValueError, match=r"a line is of two parameters, w and b: params are \(..., 2\), got shape \(3,\)"
    ):
        plots.lines(data.toy_line(), [1.0, 2.0, 3.0])


@pytest.mark.parametrize("draw", [
    lambda bad: plots.lines(data.toy_line(), bad), lambda bad: ellipses.ellipses(bad, np.eye(2)),
    lambda bad: plots.basins(surfaces.two_wells(), bad, bad),
])  # fmt: skip
def test_complex_numbers_are_refused_in_words(draw):
    with pytest.raises(TypeError, match="must hold real numbers"):
        draw(np.zeros(2, dtype=complex))


def test_a_fitted_line_is_shown_in_the_window_of_the_examples(ax):
    toy = data.toy_line()
    plots.fitted_line(toy, [100.0, 2.0], ax=ax)
    assert ax.get_xlim()[0] <= toy.x.min() < toy.x.max() <= ax.get_xlim()[1]
    assert ax.get_ylim()[1] - ax.get_ylim()[0] < 1.2 * float(toy.y.max() - toy.y.min())


def test_a_single_digit_is_a_row_of_one():
    (image,) = plots.digits(np.zeros((1, 64)), ["7"])
    assert image.get_array().shape == (8, 8)
