"""Axes hold all their steps, and of the numbers what can be drawn, however large, small or unknown those are."""

import math
from dataclasses import dataclass

import matplotlib.pyplot as plt
import numpy as np
import pytest
from shown import look_of_the_course  # noqa: F401

from gdviz import data, plots, surfaces, views
from gdviz.descent import grid, minimize
from gdviz.optimizers import Adam, GradientDescent, Momentum
from gdviz.pictures import limits
from gdviz.player import Player

RAVINE = surfaces.ravine()
LINE = surfaces.linear_model(data.toy_line())


def sweep(steps, rates=(0.1, 9.0)):
    return minimize(RAVINE, GradientDescent(**grid(lr=list(rates))), RAVINE.start, steps)


def single(steps, rate=9.0):
    return minimize(RAVINE, GradientDescent(lr=rate), RAVINE.start, steps)


@dataclass(frozen=True)
class Turned(GradientDescent):
    degrees: float = 30.0


def fitted(rate, steps):
    return views.line_fit(data.toy_line(), LINE, minimize(LINE, GradientDescent(lr=rate), LINE.start, steps))


VIEWS = {  # each with a run that diverges, far beyond all numbers
    "line_fit": lambda n: fitted(100.0, n),
    "descents": lambda n: views.descents(RAVINE, {"a": single(n, 0.1), "b": single(n)}),
    "descents of one": lambda n: views.descents(RAVINE, single(n)),
    "a saddle": lambda n: views.descents(surfaces.saddle(), single(n)),
    "modes": lambda n: views.rate.modes(RAVINE, sweep(n), [0.1, 9.0]),
    "schedules": lambda n: views.rate.schedules(RAVINE, {"a": single(n, 0.1), "b": single(n)}),
    "curvature": lambda n: views.rate.curvature(RAVINE, single(n)),
    "ladder": lambda n: views.momentum.ladder(RAVINE, {"a": single(n), "b": single(n, 0.1)}),
    "step sizes": lambda n: views.momentum.step_sizes({"a": sweep(n)}, {"learning rate": [0.1, 9.0]}),
    "panels": lambda n: views.training.panels({"loss": {"a": single(n).losses}}, {"step": range(n + 1)}, log=["loss"]),
    "turned": lambda n: views.zoo.turned((1, 4), {"a": minimize(RAVINE, Turned(lr=9.0), RAVINE.start, n)}),
    "shrinking": lambda n: views.zoo.shrinking(RAVINE, {"a": single(n), "b": single(n, 9.0)}),
    "edge": lambda n: views.zoo.edge(RAVINE, sweep(n), [0.1, 9.0]),
    "ridge": lambda n: views.zoo.ridge(sweep(n).params, sweep(n).params[..., 0], {"degrees": [0, 90]}),
    "suspects": lambda n: views.zoo.suspects(RAVINE, {"A": (single(n, 9.0), single(n)), "B": (single(n), single(n))}),
}


@pytest.mark.slow
@pytest.mark.parametrize("steps", [1, 15, 400])
@pytest.mark.parametrize("view", VIEWS)
def test_the_axis_of_the_steps_is_the_sliders_whatever_becomes_of_the_runs(view, steps):
    player = VIEWS[view](steps)
    assert player.twin()
    spec = player.sliders[player.trail]
    first, last = spec["first"], spec["first"] + (len(spec["labels"]) - 1) * spec["stride"]
    axes = [ax for ax in player.figure.axes if ax.get_xlabel() == "step"]
    assert axes
    for ax in axes:
        low, high = ax.get_xlim()
        assert low <= first < last <= high or first == last
        assert high - low <= 1.13 * max(last - first, 1) + first
        bottom, top = ax.get_ylim()
        assert -math.inf < bottom < top < math.inf


def test_a_fit_at_rate_100_shows_all_of_its_steps():
    *_, right = fitted(100.0, 15).figure.axes
    assert right.get_xlim() == pytest.approx((-0.75, 15.75))


@pytest.mark.parametrize(
    "values", [[math.nan] * 3, [math.inf] * 3, [1, math.nan, 2], [0, 0.5, 1], [1, 1e200, math.inf]]
)
@pytest.mark.parametrize("scale", ["linear", "log"])
def test_a_curve_of_a_player_holds_all_steps(values, scale):
    figure, ax = plt.subplots()
    ax.set_yscale(scale)
    player = Player(figure, {"step": range(3)})
    player.curve(ax, values)
    assert player.twin()
    assert ax.get_xlim() == pytest.approx((-0.1, 2.1))


def test_a_curve_that_begins_at_zero_is_held_as_a_whole():
    figure, ax = plt.subplots()
    Player(figure, {"step": range(3)}).curve(ax, [0, 0.5, 1])
    assert ax.get_ylim() == pytest.approx((-0.05, 1.05))


def test_a_second_curve_widens_the_axis_and_takes_no_ticks_away():
    figure, ax = plt.subplots()
    player = Player(figure, {"step": range(2)})
    limits.hold_log(ax)
    player.curve(ax, [1.0, 2.0])
    ax.set_yticks([2.0])
    player.curve(ax, [4.0, 8.0])
    assert ax.get_ylim() == pytest.approx((8**-0.05, 8**1.05))
    assert ax.get_yticks().tolist() == [2.0]


@pytest.mark.parametrize(
    ("low", "high", "wanted"),
    [
        (1, 100, (1, 100)),
        (100, 1, (1, 100)),
        (0, 5, (0.5, 50)),
        (-3, 5, (0.5, 50)),
        (7, 7, (0.7, 70)),
        (0, 0, (0.1, 10)),
        (math.nan, math.nan, (0.1, 10)),
        (math.inf, -math.inf, (0.1, 10)),
        (1, math.inf, (0.1, 10)),
        (1e-323, 1.7e308, (1e-322, 1e307)),
        (1e-320, 1e-310, (1e-320, 1e-310)),
    ],
)
@pytest.mark.parametrize("axis", ["x", "y"])
def test_a_log_axis_is_upright_and_within_what_can_be_drawn(low, high, wanted, axis):
    figure, ax = plt.subplots()
    limits.log_axis(ax, low, high, axis=axis)
    assert getattr(ax, f"get_{axis}lim")() == pytest.approx(wanted, rel=0.01)
    assert getattr(ax, f"get_{axis}scale")() == "log"
    figure.draw_without_rendering()


@pytest.mark.parametrize("decades", [1, 4, 13, 100, 300, 600])
def test_a_log_axis_of_any_length_has_ticks_that_do_not_crowd(decades):
    figure, ax = plt.subplots(figsize=(4, 4.4))
    limits.log_axis(ax, 10.0 ** (-decades / 2), 10.0 ** (decades / 2))
    limits.plain_ticks(ax, few=decades > 2)
    figure.draw_without_rendering()
    low, high = ax.get_ylim()
    shown = [tick for tick in ax.get_yticks() if low <= tick <= high]
    assert 2 <= len(shown) <= 14


def test_a_loss_that_falls_by_many_decades_has_numbers_beside_it():
    *_, right = fitted(0.4, 40).figure.axes
    low, high = right.get_ylim()
    assert len([tick for tick in right.get_yticks() if low <= tick <= high]) >= 2


@pytest.mark.slow
@pytest.mark.parametrize(
    "show",
    [
        lambda: views.descents(RAVINE, minimize(RAVINE, GradientDescent(lr=0.1), [1e153, 1e153], 5)),
        lambda: views.descents(RAVINE, minimize(RAVINE, GradientDescent(lr=0.1), [1e-160, 1e-160], 5)),
        lambda: views.descents(
            surfaces.saddle(), minimize(surfaces.saddle(), GradientDescent(lr=0.1), [1e150, 1.0], 5)
        ),
        lambda: views.over_surface(RAVINE, single(400)),
        lambda: views.momentum.xray(RAVINE, minimize(RAVINE, Adam(lr=1e200), RAVINE.start, 5)),
        lambda: views.momentum.rate_map(
            RAVINE,
            minimize(RAVINE, Momentum(**grid(lr=[0.01, 0.02], momentum=[0.0, 0.1])), RAVINE.start, 2),
            [0.2, 4.0],
            sliders={"lr": [0.01, 0.02], "momentum": [0.0, 0.1]},
        ),
        lambda: views.rate.restarts(RAVINE, sweep(400, (5.0, 9.0))),
    ],
    ids=["huge", "tiny", "saddle", "3-D", "x-ray", "no rate diverges", "all restarts are lost"],
)
def test_runs_at_the_end_of_all_numbers_are_drawn(show):
    player = show()
    assert player.twin()
    for ax in player.figure.axes:
        assert np.isfinite([*ax.get_xlim(), *ax.get_ylim()]).all()


def test_views_of_single_steps_need_one():
    with pytest.raises(ValueError, match="schedules need runs of equally many steps, at least one"):
        views.rate.schedules(RAVINE, {"a": single(0)})
    with pytest.raises(ValueError, match="with at least one step; got 0 steps"):
        views.rate.curvature(RAVINE, single(0))
    with pytest.raises(ValueError, match="suspects need at least one step"):
        views.zoo.suspects(RAVINE, {"A": (single(0), single(0))})


def test_the_ends_of_steps_and_of_numbers_are_apart():
    assert limits.step_limits(range(5)) == (0, 4)
    assert limits.step_limits([3]) == (3, 4)
    assert limits.span([math.nan, 2, math.inf, 5]) == (2, 5)
    assert limits.span([2, 2]) == (1, 3)
    assert limits.span([math.nan]) == (-1, 1)


def test_a_loss_curve_after_another_holds_both():
    ax = plt.figure().add_subplot()
    for run in (single(3, 0.1), single(400)):
        plots.loss_curve(run, ax=ax)
    assert ax.get_xlim() == pytest.approx((-20, 420))
    assert ax.get_ylim()[0] < float(single(3, 0.1).losses.min())
    assert ax.get_ylim()[1] > 1e300
