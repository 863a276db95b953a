"""Numbers and data that a loss is made of: what cannot move stands still, and what moves is drawn as it is."""

import numpy as np
import pandas as pd
import pytest
import torch

from gdviz import data, surfaces, theory, views
from gdviz.clinic import from_columns
from gdviz.descent import minimize
from gdviz.optimizers import GradientDescent, Range
from gdviz.player import Player
from gdviz.plots import contours

POINTS = data.own([-1.5, -1.0, 0.0, 0.5, 2.0], [1.0, 3.0, 2.0, 4.0, 5.0])
LINE = surfaces.linear_model(POINTS)


def descended(loss, steps=20):
    return minimize(loss, GradientDescent(0.1), [0.0, 0.0], steps)


def kinds(player):
    return [handle["kind"] for handle in player.handles]


def moving(player):
    return any(mark.kind == "contours" for mark in player._marks)


def ridge(**more):
    """(w x + b - y)^2 on average, and lam w^2; the range of lam moves its minimum."""
    lam = Range(0, 5, 1)
    tensor = torch.tensor(float(lam)).double()
    line = {"xlim": (-3.0, 5.0), "ylim": (-1.0, 6.0), "start": (0.0, 0.0), "ranges": {"lam": (lam, tensor)}}
    return surfaces.Surface(lambda w: LINE(w) + tensor * w[..., 0] ** 2, **(line | {"name": "ridge"} | more)), tensor


def test_a_loss_that_is_a_plain_function_of_the_data_is_fitted_and_dragged():
    def loss(w):
        return ((w[..., :1] * POINTS.x + w[..., 1:] - POINTS.y) ** 2).mean(-1)

    player = views.line_fit(POINTS, LINE, descended(loss), at={"step": -1})
    assert not player.unfollowed
    assert kinds(player) == ["start", "ends", "points"]
    player.placed = [0, 1.0, 1.0]
    x, y = POINTS.x.clone(), POINTS.y.clone()
    x[0] = y[0] = 1.0
    wanted = descended(surfaces.linear_model(data.own(x, y))).losses[-1].item()
    assert f"loss {wanted:.5g}" in player.describe()


def test_a_plain_function_without_the_data_leaves_contours_and_points_where_they_are():
    player = views.line_fit(POINTS, LINE, descended(lambda w: (w - 1).square().sum(-1)))
    assert kinds(player) == ["start", "ends"]
    assert not moving(player)


@pytest.mark.parametrize(("shift", "scale"), [(1.0, 1.0), (0.0, 0.0), (0.5, 1)])
def test_rescaled_data_without_a_range_are_fitted(shift, scale):
    some = POINTS.rescaled(shift=shift, scale=scale)
    loss = surfaces.linear_model(some)
    player = views.line_fit(some, loss, descended(loss))
    assert kinds(player) == ["start", "ends"]
    assert player.dials == []


def test_the_curvature_that_is_shown_is_that_of_the_loss():
    loss, tensor = ridge(minima=())

    def lowest():
        x, y = POINTS.x - POINTS.x.mean(), POINTS.y
        w = (x * (y - y.mean())).mean() / (x.square().mean() + tensor)
        return torch.stack([w, y.mean() - w * POINTS.x.mean()])[None]

    loss, tensor = ridge(minima=(), find_minima=lowest)
    player = views.line_fit(POINTS, loss, descended(loss))
    assert any(mark.look.get("marker") == "+" for mark in player._marks), "the cross where find_minima says"
    for lam in (1.0, 3.0):
        player.dialed = [] if lam == 1 else [lam]
        tensor.fill_(lam)
        hessian = torch.autograd.functional.hessian(loss, torch.zeros(2).double())
        flat, steep = torch.linalg.eigvalsh(hessian).tolist()
        tensor.fill_(1.0)
        said = player.describe()
        assert f"2/L = {2 / steep:.3g}" in said
        assert f"κ = {steep / flat:.0f}" in said


def test_a_minimum_that_moves_in_a_way_nobody_knows_has_no_cross_and_the_contours_follow():
    loss, _ = ridge(minima=LINE.minima)
    player = views.line_fit(POINTS, loss, descended(loss))
    assert moving(player)
    assert not any(mark.look.get("marker") == "+" for mark in player._marks)
    assert "2/L" not in player.describe()
    bowl = surfaces.bowl(Range(1, 30, 10))
    rolled = views.descents(bowl, minimize(bowl, GradientDescent(0.05), bowl.start, 20))
    assert any(mark.look.get("marker") == "+" for mark in rolled._marks), "the bowl's stays at 0"


def test_a_view_that_does_not_follow_keeps_its_contours():
    bowl = surfaces.bowl(Range(1, 30, 5))
    player = views.noise.clouds(bowl, torch.randn(5, 20, 2).double(), {"step": range(5)})
    assert not moving(player)
    assert any(len(ax.collections) for ax in player.figure.axes)


def test_contours_that_come_late_lie_below_and_move_no_other_mark():
    bowl = surfaces.bowl(10)
    player = views.descents(bowl, minimize(bowl, GradientDescent(0.05), bowl.start, 20))
    kinds_before = [mark.kind for mark in player._marks]
    player.contours(player.figure.axes[0], bowl)
    assert [mark.kind for mark in player._marks] == [*kinds_before, "contours"]


@pytest.mark.parametrize("levels", [0, -1, "x", 2.5, [], [np.inf]])
def test_levels_that_are_none_are_refused(levels):
    bowl = surfaces.bowl(10)
    run = minimize(bowl, GradientDescent(0.05), bowl.start, 5)
    player = views.descents(bowl, run)
    with pytest.raises(ValueError, match="levels are how many lines"):
        player.contours(player.figure.axes[0], bowl, levels=levels)


@pytest.mark.parametrize("levels", [8, 8.0, np.int64(8), torch.tensor(8)])
def test_a_number_of_levels_is_one_in_every_type(levels):
    bowl = surfaces.bowl(10)
    player = views.descents(bowl, minimize(bowl, GradientDescent(0.05), bowl.start, 5))
    assert player.contours(player.figure.axes[0], bowl, levels=levels).seen()["levels"] == 8


def test_what_stood_still_is_given_back_once():
    import matplotlib.pyplot as plt

    from gdviz.plots.surfaces import take_away

    figure, ax = plt.subplots()
    contours(surfaces.bowl(10), ax=ax, levels=5)
    assert take_away(ax).levels == 5
    assert not ax.collections
    assert not ax.lines
    assert take_away(ax) is None
    assert isinstance(Player(figure, {"step": range(2)}), Player)


def test_a_narrow_well_in_a_plain_is_no_quadratic():
    def fn(w):
        return 1 - torch.exp(-200 * (w - torch.tensor([1.3, 0.7]).double()).square().sum(-1))

    well = surfaces.Surface(fn, (-4, 4), (-4, 4), (0.0, 0.0), ((1.3, 0.7),), "well")
    player = views.descents(well, minimize(well, GradientDescent(0.01), (1.2, 0.6), 5))
    assert not player.contours(player.figure.axes[0], well).quadratic()
    bowl = surfaces.bowl(26333.0, angle=12)
    assert player.contours(player.figure.axes[0], bowl).quadratic()


UNFIT = {
    "means and counts": (lambda: theory.mean_of_means([1.0, 2.0], [3]), ValueError, "one loss and one count"),
    "no examples": (lambda: theory.mean_of_means([1.0, 2.0], [0, 4]), ValueError, "counts must be positive"),
    "a rate below 0": (lambda: theory.regime(-0.1, 2), ValueError, "rate must be 0 or more"),
    "a curvature of 0": (lambda: theory.regime(0.1, 0), ValueError, "largest curvature positive"),
    "several rates": (lambda: theory.regime(torch.ones(2), 1), TypeError, "rate must be one number"),
    "no width": (lambda: theory.first_change(0, 0.1), ValueError, "width must be positive"),
    "step 0": (lambda: theory.rectification(0), ValueError, "a step, counted from 1"),
    "beta2 of 1": (lambda: theory.rectification(5, 1.0), ValueError, "beta2 must be between 0 and 1"),
    "half a step": (lambda: theory.muon_value(0.5, 2.5), ValueError, "steps must be a whole number, 0 or more"),
    "no rule": (lambda: theory.numbers_kept(1, 2), TypeError, "rule must be a rule"),
    "momentum of 1.5": (lambda: theory.heavy_ball_rate(0.1, 1.5, 1), ValueError, "momentum must be in"),
    "no loss": (lambda: theory.curvatures(3, [1.0, 2.0]), TypeError, "loss must be a function"),
    "a loss that is a vector": (lambda: theory.curvatures(lambda w: w, [1.0, 2.0]), ValueError, r"it returned \(2,\)"),
}


@pytest.mark.parametrize(("call", "error", "words"), UNFIT.values(), ids=UNFIT)
def test_what_a_formula_is_not_for_is_refused(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_rates_are_converted_as_a_list_too():
    converted = theory.convert_lr([0.1, 0.2], 0.5, source="torch", target="averaged")
    assert converted.tolist() == pytest.approx([0.2, 0.4])


COLUMNS = {
    "a frame": pd.DataFrame({"loss": [0.9, 0.8]}),
    "missing": {"loss": [0.9, pd.NA, 0.8]},
    "whole numbers that may be missing": {"loss": pd.array([9, None, 8], dtype="Int64")},
    "a tensor": {"loss": torch.tensor([0.9, 0.8])},
}


@pytest.mark.parametrize("values", COLUMNS.values(), ids=COLUMNS)
def test_a_log_comes_in_any_columns(values):
    assert len(from_columns(values).losses) == 2


@pytest.mark.parametrize(
    ("values", "classes", "words"),
    [
        ({"loss": [0.9, "0.8"]}, None, "loss in row 1 .* must be a number, got '0.8'"),
        ({"loss": np.ones((3, 1))}, None, "loss in row 0 .* must be a number"),
        ([0.9, 0.8], None, "a log has columns by name"),
        ({"loss": [0.9]}, 2.5, "classes must be a whole number, 2 or more"),
        ({"loss": [0.9]}, 1, "classes must be a whole number, 2 or more"),
    ],
)
def test_what_is_no_log_is_told(values, classes, words):
    with pytest.raises((TypeError, ValueError), match=words):
        from_columns(values, classes=classes)
