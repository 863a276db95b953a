"""Ready-made players show what the formulas say."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from shown import arrays, look_of_the_course, readouts  # noqa: F401

from gdviz import surfaces, theory, views
from gdviz.descent import grid, minimize
from gdviz.optimizers import (
    LBFGS,
    Adadelta,
    AdaGrad,
    Adam,
    AMSGrad,
    GradientDescent,
    Momentum,
    Nesterov,
    Range,
    RMSProp,
    Schedule,
)
from gdviz.style import LOOKS, OWN

RAVINE = surfaces.ravine()
RATES = [0.1, 0.3, 0.51]


@pytest.mark.slow
def test_paths_apart_have_a_panel_each_with_the_contours_and_share_the_loss():
    rules = {"plain": GradientDescent(0.1), "ball": Momentum(0.1, 0.5), "Adam": Adam(0.1)}
    runs = {name: minimize(RAVINE, rule, RAVINE.start, 5) for name, rule in rules.items()}
    player = views.descents(RAVINE, runs, apart=True)
    places = [mark.ax for mark in player._marks if mark.kind == "path"]
    paths, curves = places[::2], places[1::2]
    assert [ax.get_title(loc="left") for ax in paths] == list(runs)
    assert len(set(curves)) == 1
    assert len({*paths, *curves}) == len(player.figure.axes) == 4
    assert all(ax.collections and ax.get_xlim() == RAVINE.xlim for ax in paths)


@pytest.mark.parametrize(("lr", "word"), [(0.2, "converges"), (0.3, "zig-zags"), (0.5, "diverges"), (0.6, "diverges")])
def test_the_words_of_theory_change_at_one_and_two_over_L(lr, word):
    assert theory.regime(lr, largest=4) == word


def test_the_words_on_the_slider_are_what_happens():
    rates = [0.05, 0.2, 0.3, 0.45, 0.49, 0.51, 0.6]
    descents = minimize(RAVINE, GradientDescent(**grid(lr=rates)), RAVINE.start, 400)
    player = views.rate.sweep(RAVINE, descents, rates, largest=4)
    crosses = (descents.params[1:10, :, 1] * descents.params[:9, :, 1] < 0).all(0)
    for label, diverged, crossed in zip(player.sliders[1]["labels"], descents.diverged, crosses, strict=True):
        assert ("diverges" in label) == bool(diverged)
        assert ("converges" in label) == (not crossed)
    (spots,) = arrays(player, "points")
    assert np.allclose(spots[0, :, 0, 0], rates)
    assert np.allclose(
        spots[0, :5, 0, 1], descents.losses[-1, :5].clamp(min=0.2 * max(descents.losses[-1].min(), 1e-8))
    )


@pytest.mark.slow
def test_the_loss_that_is_left_follows_the_start_and_what_is_turned_in_the_loss():
    now = torch.tensor(4.0).double()
    bed = surfaces.Surface(
        lambda w: (w[..., 0] ** 2 / now + w[..., 1] ** 2) / 2,
        *((-6, 6), (-4, 4), (-5.0, -2.0), ((0.0, 0.0),), "bed"),
        ranges={"kappa": (Range(1, 300, 4, log=True), now)},
    )
    player = views.rate.sweep(bed, minimize(bed, GradientDescent(Range(0.1, 2.1, 1.6)), bed.start, 20), largest=1)
    rates = np.linspace(0.1, 2.1, 201)
    for start, (lr, kappa) in ([], [1.6, 4]), ([3.0, 1.0], [0.4, 100.0]), ([3.0, 1.0], [1.9, 2.0]):
        player.start, player.dialed = start or [], [lr, kappa] if start else []
        x, y = start or bed.start
        with player.moved():
            curve, spot = arrays(player, "line")[0], arrays(player, "points")[0]
        wanted = (x**2 / kappa * (1 - rates / kappa) ** 40 + y**2 * (1 - rates) ** 40) / 2
        assert np.allclose(curve[0, :, 0], rates)
        shown = wanted > curve[0, :, 1].min()
        assert np.allclose(curve[0, shown, 1], wanted[shown])
        assert spot[0, 0].tolist() == pytest.approx([lr, np.interp(lr, rates, wanted)], rel=1e-6)
    low, high = player.figure.axes[1].get_ylim()
    assert low < 1e-7, "at kappa = 1 rate 1 is there in one step"
    assert high > 3.25


@pytest.mark.slow
def test_the_modes_of_a_run_lie_on_the_formula():
    descents = minimize(RAVINE, GradientDescent(**grid(lr=RATES)), RAVINE.start, 40)
    player = views.rate.modes(RAVINE, descents, RATES)
    for curve, dots, curvature, first in zip(arrays(player, "path")[1:], arrays(player, "points"), (0.2, 4), (5, 2)):
        for i, lr in enumerate(RATES):
            wanted = first * abs(1 - lr * curvature) ** np.arange(41)
            assert np.allclose(curve[:, i, 1], wanted.clip(5e-12), rtol=1e-9)
            assert np.allclose(dots[0, i, :, 1], wanted[::2], rtol=1e-9)
    assert readouts(player, (0, 1)) == ["flat: factor +0.94", "steep: factor -0.20"]


def test_the_best_of_the_restarts_only_falls():
    surface = surfaces.styblinski_tang()
    starts = torch.rand(9, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64) * 10 - 5
    runs = minimize(surface, GradientDescent(lr=0.01), starts, 60)
    player = views.rate.restarts(surface, runs)
    best = arrays(player, "path")[0][:, 1]
    assert np.allclose(best, [runs.losses[-1, : k + 1].min() for k in range(9)])
    assert readouts(player, (8,)) == [f"best loss {runs.losses[-1].min():.4g}"]
    assert np.allclose(arrays(player, "points")[1][-1, :, 1], runs.losses[-1])
    shown = np.isfinite(arrays(player, "points")[0]).all(-1)  # (restarts, ends)
    assert shown.sum(-1).tolist() == list(range(1, 10))


def test_a_schedule_shows_the_rate_of_every_step():
    rules = {"constant": GradientDescent(0.4), "halved": lambda step: GradientDescent(lr=0.4 * 0.5**step)}
    player = views.rate.schedules(RAVINE, {name: minimize(RAVINE, r, RAVINE.start, 3) for name, r in rules.items()})
    assert [arrays(player, "path")[k][:, 1].tolist() for k in (0, 3)] == [[0.4] * 4, [0.4, 0.2, 0.1, 0.1]]
    legend = player.figure.axes[0].get_legend()
    assert [text.get_text() for text in legend.get_texts()] == ["constant", "halved"]


def test_a_schedule_that_is_turned_moves_its_rates_and_its_path_and_no_other():
    factor = Range(0.5, 1.0, 0.9)
    rules = {"constant": GradientDescent(0.1), "decaying": Schedule(GradientDescent(0.1), decaying, factor=factor)}
    player = views.rate.schedules(RAVINE, {name: minimize(RAVINE, r, RAVINE.start, 3) for name, r in rules.items()})
    assert [dial["name"] for dial in player.dials] == ["decaying: factor"]
    still, moved = (arrays(player, "path")[k] for k in (0, 3))
    player.dialed = [0.5]
    with player.moved():
        assert (arrays(player, "path")[0] == still).all()
        assert arrays(player, "path")[3][:, 1].tolist() == [0.2, 0.1, 0.05, 0.05]
    assert (arrays(player, "path")[3] == moved).all()


def decaying(t, factor):
    return 0.2 * factor**t


@pytest.mark.parametrize(
    ("runs", "words"),
    [
        ({}, "give 1 to 8 runs by name, got 0"),
        ({"a": minimize(RAVINE, GradientDescent(**grid(lr=[0.1, 0.2])), (1.0, 1.0), 3)}, r"got runs \(2,\)"),
        ({str(n): minimize(RAVINE, GradientDescent(0.1), (1.0, 1.0), n) for n in (3, 4)}, r"got \[3, 4\]"),
    ],
)
def test_what_are_no_schedules_is_refused(runs, words):
    with pytest.raises(ValueError, match=words):
        views.rate.schedules(RAVINE, runs)


def test_a_descent_is_shown_against_the_curvature_that_its_rate_can_bear():
    surface = surfaces.rosenbrock()
    run = minimize(surface, GradientDescent(0.0019), surface.start, 6)
    player = views.rate.curvature(surface, run)
    limit, largest = (arrays(player, "path")[k][:, 1] for k in (1, 2))
    assert limit.tolist() == pytest.approx([2 / 0.0019] * 7)
    for found, place in zip(largest, run.params):
        assert found == pytest.approx(torch.linalg.eigvalsh(torch.autograd.functional.hessian(surface, place))[1])
    assert largest[0] > limit[0] > largest[1], "thrown out of what is too steep"


@pytest.mark.slow
def test_the_end_of_a_dragged_path_has_the_colour_of_its_basin():
    surface = surfaces.himmelblau()
    runs = {str(lr): minimize(surface, GradientDescent(lr), (2.0, 3.5), 200) for lr in (0.004, 0.0145)}
    player = views.rate.basins(surface, runs)
    assert [handle["axes"] for handle in player.handles] == [0, 1]
    player.start = [4.9, 4.9]
    with player.moved() as caption:
        ends = [torch.as_tensor(path[-1]) for path in arrays(player, "path")]
    assert (
        surface.basin(torch.stack(ends)).tolist()
        == surface.basin(
            torch.stack([minimize(surface, GradientDescent(lr), (4.9, 4.9), 200).params[-1] for lr in (0.004, 0.0145)])
        ).tolist()
    )
    assert caption.startswith("0.004: 200 steps from (4.9, 4.9) lead to (3, 2). 0.0145: 200 steps from (4.9, 4.9)")
    with pytest.raises(ValueError, match="give single runs of equally many steps"):
        views.rate.basins(surface, {})


def test_descents_of_several_optimizers_each_with_its_look():
    runs = {"a": minimize(RAVINE, GradientDescent(lr=0.1), RAVINE.start, 5),
            "b": minimize(RAVINE, Adam(lr=0.1), RAVINE.start, 5)}  # fmt: skip
    player = views.descents(RAVINE, runs)
    colors = {mark.look["color"] for mark in player._marks}
    assert len(colors) == 2
    assert player.caption == f"a: {runs['a'].describe()} b: {runs['b'].describe()}"
    key = player.figure.axes[1].get_legend()
    assert [text.get_text() for text in key.get_texts()] == ["a", "b"]


def test_descents_follow_a_dragged_start():
    runs = {
        name: minimize(RAVINE, rule(lr=0.1), [1.0, 1.0], 5) for name, rule in {"a": GradientDescent, "b": Adam}.items()
    }
    player = views.descents(RAVINE, runs)
    assert (player.handles[0]["axes"], player.unfollowed) == (0, "")
    player.start = [3.0, -1.0]
    with player.moved():
        for path in arrays(player, "path")[::2]:
            assert path[0].tolist() == [3.0, -1.0]


def test_the_loss_is_shown_above_the_lowest_minimum():
    surface = surfaces.two_wells()
    run = minimize(surface, GradientDescent(lr=0.02), [-1.2, 0.3], 40)
    player = views.descents(surface, run)
    heights = arrays(player, "path")[1][:, 1]
    assert np.allclose(heights[:5], run.losses[:5] - surface(torch.tensor(surface.minima[0]).double()))
    assert player.figure.axes[1].get_ylabel() == "loss above the lowest minimum"


def test_a_surface_without_minimum_has_a_linear_axis_that_holds_the_start():
    ridge = surfaces.saddle()
    player = views.descents(ridge, minimize(ridge, GradientDescent(lr=0.1), [1.0, 0.1], 200))
    ax = player.figure.axes[1]
    assert ax.get_yscale() == "linear"
    assert ax.get_ylim()[0] < 0.495 < ax.get_ylim()[1]


@given(st.floats(0, 4), st.floats(0, 0.99), st.floats(0.01, 10))
def test_the_rate_of_the_heavy_ball_is_the_largest_eigenvalue(lr, momentum, curvature):
    step = torch.tensor([[1 + momentum - lr * curvature, -momentum], [1, 0]], dtype=torch.float64)
    found = theory.heavy_ball_rate(lr, momentum, curvature).item()
    assert found == pytest.approx(torch.linalg.eigvals(step).abs().max().item(), abs=1e-6)


def test_the_rate_of_the_heavy_ball_is_that_of_a_run():
    descent = minimize(lambda w: 4 * w[..., 0] ** 2 / 2, Momentum(lr=0.15, momentum=0.8), [1.0], 400)
    size = torch.hypot(descent.params[1:, 0], descent.params[:-1, 0])
    found = (size[-1] / size[100]) ** (1 / (len(size) - 101))
    assert found.item() == pytest.approx(theory.heavy_ball_rate(0.15, 0.8, 4.0).item(), abs=1e-3)
    assert found.item() == pytest.approx(math.sqrt(0.8), abs=1e-3)  # and not 2 sqrt(beta)


@pytest.mark.slow
def test_the_two_arrows_of_the_heavy_ball_add_up_to_its_next_step():
    momenta = [0.0, 0.8]
    runs = minimize(RAVINE, Momentum(**grid(lr=RATES, momentum=momenta)), RAVINE.start, 12)
    player = views.momentum.rate_map(RAVINE, runs, [0.2, 4.0], sliders={"lr": RATES, "momentum": momenta})
    slope, carried = (tip - tail for tail, tip in (np.moveaxis(arrow, -2, 0) for arrow in arrays(player, "arrow")))
    assert np.allclose((slope + carried)[:-1], np.diff(runs.params, axis=0))
    assert readouts(player, (0, 2, 1))[-1] == f"factor {theory.heavy_ball_rate(0.51, 0.8, 4.0):.3f}"


def test_looking_ahead_ends_where_the_next_step_begins():
    ball, looks = (minimize(RAVINE, Rule(lr=0.1, momentum=0.8), RAVINE.start, 9) for Rule in (Momentum, Nesterov))
    player = views.momentum.look_ahead(RAVINE, ball, looks)
    paths, arrows, dots = arrays(player, "path"), arrays(player, "arrow"), arrays(player, "points")
    for i in (0, 1):
        carried, slope = arrows[2 * i : 2 * i + 2]
        assert np.allclose(carried[:, 0], paths[i])
        assert np.allclose(carried[:, 1], slope[:, 0])
        assert np.allclose(slope[:-1, 1], paths[i][1:])
    assert np.allclose(dots[0][:, 0], paths[0])  # here
    assert np.allclose(dots[1][:, 0], arrows[2][:, 1])  # where the velocity leads


@pytest.mark.parametrize(
    "rule", [AdaGrad(lr=0.3), RMSProp(lr=0.1), GradientDescent(lr=0.1)], ids=lambda r: type(r).__name__
)
def test_the_effective_rate_times_the_gradient_is_the_step(rule):
    run = minimize(RAVINE, rule, RAVINE.start, 20)
    assert torch.allclose(-theory.effective_rate(run) * run.grads, run.params.diff(dim=0), rtol=1e-12)


def test_the_x_ray_of_adam_adds_up():
    run = minimize(RAVINE, Adam(lr=0.4), RAVINE.start, 20)
    player = views.momentum.xray(RAVINE, run)
    numbers = [mark.array for mark in player._marks if mark.kind == "text"]
    t, g = numbers[0][..., 0], numbers[0][..., 1]
    m, v, m_hat, v_hat, rate, step = (array[..., -2] for array in numbers[1:7])  # the last number is "diverged"
    assert np.allclose(rate, 0.4 / (np.sqrt(v_hat) + 1e-8))
    assert np.allclose(numbers[7][..., 0], -0.4 * g)
    assert np.allclose(m, 0.9 * numbers[1][..., 1] + 0.1 * g)
    assert np.allclose(v, 0.999 * numbers[2][..., 1] + 0.001 * g**2)
    assert np.allclose(m_hat, m / (1 - 0.9**t))
    assert np.allclose(v_hat, v / (1 - 0.999**t))
    assert np.allclose(step, -0.4 * m_hat / (np.sqrt(v_hat) + 1e-8))
    assert np.allclose(step, run.params.diff(dim=0))
    assert readouts(player, (0, 1))[3] == "m̂ = -0.8 / (1 − 0.9^1) = -8"


def test_the_ladder_shows_the_rates_of_each_rule():
    runs = {
        "a": minimize(RAVINE, AdaGrad(lr=0.4), RAVINE.start, 8),
        "b": minimize(RAVINE, Adam(lr=0.1), RAVINE.start, 8),
    }
    player = views.momentum.ladder(RAVINE, runs)
    flat, steep = (curve[..., 1] for curve in arrays(player, "path")[1:])
    for i, run in enumerate(runs.values()):
        rates = theory.effective_rate(run)
        assert np.allclose(flat[1:, i], rates[:, 0])
        assert np.allclose(steep[1:, i], rates[:, 1])


def test_the_bars_of_the_race_are_the_shares():
    wells = surfaces.two_wells()
    runs = {
        n: minimize(wells, R(**grid(lr=[0.01, 0.02])), [[1.0, 1.5]], 9) for n, R in {"a": Momentum, "b": Adam}.items()
    }
    player = views.momentum.race(wells, runs, {"a": [0.25, 0.5], "b": [1.0, 0.0]}, ["by hand", "swept"])
    assert [bar[0, :, 1, 0].tolist() for bar in arrays(player, "line")] == [[0.25, 0.5], [1.0, 0.0]]
    assert "a: 25%, 50%. b: 100%, 0%." in player.caption


@pytest.mark.slow
def test_a_rule_of_ones_own_is_told_apart_in_the_race():
    class Halving(GradientDescent):
        pass

    wells, rules = surfaces.two_wells(), {"L-BFGS": LBFGS, "yours": Halving}
    runs = {name: minimize(wells, Rule(**grid(lr=[0.01, 0.02])), [[1.0, 1.5]], 9) for name, Rule in rules.items()}
    player = views.momentum.race(wells, runs, {"L-BFGS": [0.25, 0.5], "yours": [1.0, 0.0]}, ["by hand", "swept"])
    known, own = (mark.look for mark in player._marks if mark.kind == "path")
    assert (known["dash"], known["label"]) == (LOOKS["LBFGS"].dash, "")
    assert ((own["color"], own["dash"], own["marker"]), own["label"]) == (OWN[0], "Halving")
    told = {"Halving": {"color": "#0072b2", "marker": "D"}}
    shares = {"L-BFGS": [0.25, 0.5], "yours": [1.0, 0.0]}
    player = views.momentum.race(wells, runs, shares, ["by hand", "swept"], looks=told)
    own = next(mark.look for mark in player._marks if mark.kind == "path" and mark.look["label"])
    assert (own["color"], own["dash"], own["marker"]) == ("#0072b2", (), "D")


@pytest.mark.slow
def test_a_curve_that_falls_below_the_axis_leaves_it_and_a_round_bowl_is_round():
    hills = surfaces.himmelblau()
    run = minimize(hills, GradientDescent(lr=0.01), (-1.0, -1.0), steps=60)
    assert run.losses[-1] < 1e-10
    player = views.descents(hills, run)
    ax = player.figure.axes[1]
    curve = player._marks[1]
    assert curve.ax is ax
    assert float(np.min(curve.array[..., 1])) < ax.get_ylim()[0]
    for surface in (hills, surfaces.bowl(1), surfaces.plateau()):
        shown = views.descents(surface, minimize(surface, GradientDescent(lr=0.01), surface.start, steps=2))
        shown._pack()
        left = shown.axes[0]
        (_, _, width, height), (x0, x1), (y0, y1) = left["box"], left["xlim"], left["ylim"]
        assert width / (x1 - x0) == pytest.approx(height / (y1 - y0), rel=1e-6)


def test_step_sizes_are_in_units_of_the_rate():
    runs = {"Adam": minimize(lambda w: w.sum(-1), Adam(**grid(lr=[0.1, 2.0])), [0.0], 10)}
    player = views.momentum.step_sizes(runs, {"learning rate": [0.1, 2.0]})
    assert np.allclose(arrays(player, "path")[0][..., 1], 1.0)


def test_the_limits_stand_at_one_and_two_over_L():
    descents = minimize(RAVINE, GradientDescent(**grid(lr=RATES)), RAVINE.start, 5)
    ax = views.rate.sweep(RAVINE, descents, RATES, largest=4).figure.axes[1]
    upright = [line.get_xdata()[0] for line in ax.lines if len(set(line.get_xdata())) == 1]
    assert upright == [0.25, 0.5]
    assert [text.get_text() for text in ax.texts][:2] == ["1/L", "2/L"]


def test_the_modes_of_a_turned_bowl_that_is_not_at_zero():
    turned, place = surfaces.bowl(20, angle=30), torch.tensor([1.0, -2.0]).double()
    moved = surfaces.Surface(lambda w: turned(w - place), (-9, 9), (-9, 9), (5, 3), ((1.0, -2.0),), "moved")
    descents = minimize(moved, GradientDescent(**grid(lr=[0.02, 0.09])), moved.start, 10)
    player = views.rate.modes(moved, descents, [0.02, 0.09])
    cos, sin = math.cos(math.pi / 6), math.sin(math.pi / 6)
    along = torch.tensor([[cos, sin], [-sin, cos]], dtype=torch.float64)
    for curve, way, curvature in zip(arrays(player, "path")[1:], along, (1, 20)):
        first = abs(float((torch.tensor(moved.start).double() - place) @ way))
        for i, lr in enumerate((0.02, 0.09)):
            assert np.allclose(curve[:, i, 1], first * abs(1 - lr * curvature) ** np.arange(11), rtol=1e-9)


@pytest.mark.slow
def test_the_map_shows_the_worse_direction_at_its_own_place():
    runs = minimize(RAVINE, Momentum(**grid(lr=RATES, momentum=[0.0, 0.8])), RAVINE.start, 3)
    player = views.momentum.rate_map(RAVINE, runs, [0.2, 4.0], sliders={"lr": RATES, "momentum": [0.0, 0.8]})
    for i, lr in enumerate(RATES):
        worse = max(abs(1 - lr * 0.2), abs(1 - lr * 4))
        assert readouts(player, (0, i, 0))[-1] == f"factor {worse:.3f}"
        assert arrays(player, "points")[0][0, i, 1, 0].tolist() == [lr, 0.8]
    edge = [path.vertices for c in player.figure.axes[1].collections for path in c.get_paths() if len(path.vertices)]
    assert any(np.isclose(points[:, 0].max(), 0.54, atol=0.02) for points in edge)  # lr runs along x


def sorted_bowl(w):
    return w.sort(-1).values.square().sum(-1)


@pytest.mark.slow
def test_where_the_browser_cannot_follow_a_click_asks_the_kernel():
    surface = surfaces.Surface(sorted_bowl, (-4, 4), (-4, 4), (1.0, 1.0), ((0.0, 0.0),), "sorted")
    player = views.descents(surface, minimize(surface, GradientDescent(lr=1.01), [1.0, 1.0], 5))
    assert (player.handles, player.clickable) == ([], 0)
    assert player.unfollowed.startswith("the browser has no sort in line")
    player.twin()
    player.click = [3.0, -1.0, 1]
    again = minimize(surface, GradientDescent(lr=1.01), [3.0, -1.0], 5)
    path, curve = arrays(player, "path")
    assert np.allclose(path, again.params)
    assert np.allclose(curve[:, 1], again.losses)
    assert readouts(player, (5,)) == [f"loss {again.losses[-1]:.4g} (diverged)"]
    assert player.caption == again.describe()


@pytest.mark.slow
def test_schedules_and_racers_start_where_one_drags_them():
    rules = {"constant": GradientDescent(0.1), "decaying": lambda step: GradientDescent(lr=0.2 * 0.9**step)}
    schedules = views.rate.schedules(RAVINE, {name: minimize(RAVINE, r, [1.0, 1.0], 9) for name, r in rules.items()})
    runs = {rule.__name__: minimize(RAVINE, rule(**grid(lr=[0.1])), [1.0, 1.0], 9) for rule in (GradientDescent, Adam)}
    race = views.momentum.race(RAVINE, runs, {name: [0.5] for name in runs}, ["one"])
    assert (schedules.unfollowed, race.unfollowed) == ("", "")
    assert [player.handles[0]["axes"] for player in (schedules, race)] == [1, 0]
    assert [[rate["shape"] for rate in one["rates"]] for one in schedules.descents] == [[[1]], [[9]]]
    for player in (schedules, race):
        player.start = [3.0, -1.0]
        with player.moved():
            paths = [mark for mark in player._marks if type(mark).__name__ == "Path"]
            assert all((path.array[0] == [3.0, -1.0]).all() for path in paths)


def test_a_start_that_a_slider_chooses_can_be_dragged_and_is_that_of_all_then():
    run = minimize(RAVINE, GradientDescent(lr=0.1), [[1.0, 1.0], [2.0, 1.0]], 5)
    player = views.descents(RAVINE, run, sliders={"start": ["near", "far"]})
    assert player.handles == [{"kind": "start", "axes": 0, "chosen": [1]}]
    player.start = [-3.0, 2.0]
    with player.moved():
        both = arrays(player, "path")[0]
        assert np.allclose(both, minimize(RAVINE, GradientDescent(lr=0.1), [-3.0, 2.0], 5).params[:, None])
    with pytest.raises(ValueError, match="runs is empty"):
        views.descents(RAVINE, {})


@pytest.mark.slow
def test_where_the_browser_cannot_follow_only_the_slider_chooses_the_start():
    def branching(w):
        return (w**2).sum(-1) if float(w.detach().abs().max()) < 1e9 else w.sum(-1)

    surface = surfaces.Surface(branching, (-2, 2), (-2, 2), (1.0, 1.0), ((0.0, 0.0),), "with a branch")
    for starts, clickable in (([[1.0, 1.0], [2.0, 1.0]], -1), ([[1.0, 1.0], [1.0, 1.0]], 0)):
        run = minimize(surface, GradientDescent(lr=0.1), starts, 5)
        player = views.descents(surface, run, sliders={"start": ["near", "far"]})
        assert "a branch" in player.unfollowed
        assert (player.handles, player.clickable) == ([], clickable)


def test_the_names_stand_at_their_bars():
    wells = surfaces.two_wells()
    runs = {
        name: minimize(wells, Rule(lr=[[0.01]]), [[1.0, 1.5]], 3) for name, Rule in {"a": Momentum, "b": Adam}.items()
    }
    player = views.momentum.race(wells, runs, {"a": [0.25], "b": [1.0]}, ["swept"])
    ax = player.figure.axes[1]
    heights = dict(zip([label.get_text() for label in ax.get_yticklabels()], ax.get_yticks()))
    assert [bar[0, 0, 0, 1] for bar in arrays(player, "line")] == [heights["a"], heights["b"]]


def run(rule, start=RAVINE.start, steps=3):
    return minimize(RAVINE, rule, start, steps)


TWO_RATES = GradientDescent(**grid(lr=[0.1, 9.0]))
FAR = minimize(RAVINE, GradientDescent(**grid(lr=[0.6, 5.0])), RAVINE.start, 400)  # both lost, one not finite


@pytest.mark.slow
@pytest.mark.parametrize(
    "show",
    [
        lambda: views.rate.sweep(RAVINE, FAR, [0.6, 5.0], largest=4),
        lambda: views.rate.modes(RAVINE, FAR, [0.6, 5.0]),
        lambda: views.descents(RAVINE, FAR, sliders={"learning rate": [0.6, 5.0]}),
        lambda: views.rate.restarts(RAVINE, FAR),
        lambda: views.rate.schedules(RAVINE, {"a": run(GradientDescent(lr=5.0)), "b": run(GradientDescent(lr=0.1))}),
        lambda: views.momentum.step_sizes({"a": FAR}, {"learning rate": [0.6, 5.0]}),
        lambda: views.descents(RAVINE, run(GradientDescent(lr=0.1), [0.0, 0.0])),
        lambda: views.descents(RAVINE, run(GradientDescent(lr=0.1), steps=0)),
        lambda: views.rate.sweep(RAVINE, run(GradientDescent(**grid(lr=[0.1])), [0.0, 0.0]), [0.1], largest=4),
        lambda: views.descents(surfaces.monkey_saddle(), minimize(surfaces.monkey_saddle(), Adam(), [1.5, 1.5], 3)),
        lambda: views.descents(surfaces.saddle(), minimize(surfaces.saddle(), Adam(), [0.0, 0.0], 3)),
        lambda: views.rate.sweep(RAVINE, run(TWO_RATES, torch.ones(2), 90), [0.1, 9.0], largest=4),
    ],
    ids=[
        "sweep",
        "modes",
        "descents",
        "restarts",
        "schedules",
        "sizes",
        "minimum",
        "no step",
        "sweep there",
        "monkey",
        "saddle",
        "float32",
    ],
)
def test_what_diverges_or_stands_still_is_drawn_with_upright_limits(show):
    player = show()
    assert player.twin()
    for ax in player.figure.axes:
        for low, high in (ax.get_xlim(), ax.get_ylim()):
            assert low < high


@pytest.mark.parametrize(
    ("show", "message"),
    [
        (lambda: views.momentum.xray(RAVINE, run(Momentum(lr=0.1))), "run of Adam .* got 3 steps of Momentum"),
        (lambda: views.momentum.xray(RAVINE, run(Adam(), steps=0)), "got 0 steps of Adam"),
        (lambda: theory.effective_rate(run(lambda t: Adam(lr=1 / (1 + t)))), "with a schedule"),
        (lambda: theory.effective_rate(run(AMSGrad())), "not of AMSGrad"),
        (lambda: theory.effective_rate(run(LBFGS())), "not of LBFGS"),
        (lambda: views.rate.modes(surfaces.saddle(), FAR, RATES), "saddle has none"),
        (lambda: views.rate.sweep(RAVINE, FAR, RATES, largest=4), "rates must be those of the first axis"),
    ],
)
def test_a_view_of_another_rule_says_so(show, message):
    with pytest.raises(ValueError, match=message):
        show()


def test_adadelta_has_no_effective_rate_of_its_kind():
    with pytest.raises(ValueError, match="Adadelta"):
        theory.effective_rate(minimize(RAVINE, Adadelta(), RAVINE.start, 3))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([2.0, 2.0], "at 2"),
        ([3.0, 1.0], "between 1 and 3"),
        ([1.0, math.inf], "between 1 and inf"),
        ([math.nan], "at nan"),
        ([2.0, math.nan], "at 2 or nan"),
        ([[1.0, math.nan], [3.0, 2.0]], "between 1 and 3 or nan"),
    ],
)
def test_a_range_of_numbers_in_words_calls_nan_nan(values, words):
    assert views.frames.between(values) == words


@pytest.mark.slow
def test_a_readout_and_a_caption_call_nan_nan():
    lost = minimize(surfaces.booth(), GradientDescent(lr=1.0), [1.0, 2.0], 2000)
    player = views.descents(surfaces.booth(), lost)
    assert readouts(player, (2000,)) == ["loss NaN (diverged)"]
    assert "nan" in player.caption


@pytest.mark.slow
def test_rates_that_are_alike_have_labels_that_differ():
    rates = [0.12341, 0.12342, 0.12343]
    run = minimize(surfaces.bowl(2), GradientDescent(**grid(lr=rates)), [1.0, 1.0], 3)
    player = views.rate.sweep(surfaces.bowl(2), run, rates, largest=2, at={"learning rate": 0})
    labels = player.sliders[1]["labels"]
    assert [label.split(":")[0] for label in labels] == ["0.12341", "0.12342", "0.12343"]


def test_a_valley_shows_each_rate_and_says_where_a_run_climbs_out():
    def loss(w):
        return w[..., 0] ** 2

    rates = [0.2, 0.9, 1.02]
    run = minimize(loss, GradientDescent(**grid(lr=rates)), [-6.0], steps=20)
    player = views.valley(loss, run, rates, at={"step": -1, "learning rate": 2})
    assert player.describe().endswith("Shown: step 20, learning rate 1.02, w = -13.15 (diverged), slope -26.29.")
    player.slider_0, player.slider_1 = 1, 0
    assert player.describe().endswith("Shown: step 1, learning rate 0.2, w = -3.6, slope -7.2.")
    assert [ax.get_xlabel() for ax in player.figure.axes] == ["parameter w", "step"]
    low, high = player.figure.axes[0].get_ylim()
    assert low < 0 < 144 < high  # the floor, and 12 squared
