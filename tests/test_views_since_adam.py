"""The players of notebook 08 show what the formulas say, and the browser can compute them."""

import pytest
import torch
from shown import arrays, look_of_the_course  # noqa: F401

from gdviz import theory, views
from gdviz.descent import minimize
from gdviz.optimizers import (
    Adafactor,
    Adam,
    GradientDescent,
    Lion,
    Muon,
    NAdam,
    RAdam,
    Range,
    Schedule,
    ScheduleFreeSGD,
    Shampoo,
)
from gdviz.views.since_adam.race import chosen

f64 = torch.float64


def slope(w):
    return w.sum(-1)


def parabola(w):
    return w[..., 0] ** 2 / 2


def memory():
    shares = torch.tensor([0.5, 0.3, 0.2], dtype=f64)
    target = torch.eye(3, dtype=f64)

    def errors(W):
        return (target - W).norm(dim=-2)

    return shares, errors, lambda W: (shares * (target - W).square().sum(-2)).sum(-1) / 2


def test_the_rectification_is_that_of_the_paper():  # NUMBERS 32
    rho, r = theory.rectification([1, 2, 3, 4, 5, 6, 100, 1000])
    assert rho[:6].tolist() == pytest.approx([1, 1.999, 2.999, 3.997, 4.996, 5.994], abs=6e-4)
    assert r[5:].tolist() == pytest.approx([0.0258, 0.215, 0.645], abs=5e-4)
    assert r[:4].isnan().all()


def test_radam_s_steps_are_multiplied_by_the_rectification():
    steps = -minimize(slope, RAdam(lr=1.0), [0.0], 100).params.diff(dim=0)[:, 0]
    assert torch.allclose(steps[5:], theory.rectification(torch.arange(6, 101))[1], rtol=1e-6)


def test_the_polynomial_of_muon():  # NUMBERS 26
    found = theory.muon_value([0.01, 0.1, 0.3162, 0.9487, 1.0])
    assert found.tolist() == pytest.approx([0.699, 0.712, 1.134, 0.753, 0.696], abs=5e-4)
    assert theory.muon_value(0.3, steps=0) == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("rule", "many"), [(GradientDescent(1.0), 0), (Lion(), 100), (Adam(), 200), (Adafactor(), 20), (Muon(), 100)]
)
def test_numbers_kept_are_those_of_the_state(rule, many):
    assert theory.numbers_kept(rule, 10) == many


def test_what_lion_hears_has_the_sign_of_its_steps_and_is_alive():
    run = minimize(parabola, Lion(lr=0.1, beta2=Range(0.5, 0.999, 0.99)), [1.0], 40)
    player = views.since_adam.heard(run)
    assert player.unfollowed == ""
    heard = torch.as_tensor(arrays(player, "path")[0][..., 1]).flatten()[1:]
    assert torch.equal(heard.sign(), -run.params.diff(dim=0)[:, 0].sign())


def test_first_steps_are_the_sizes_of_the_steps_and_alive():
    runs = {"RAdam": minimize(slope, RAdam(lr=1.0, beta2=Range(0.9, 0.999, 0.999)), [0.0], 30)}
    player = views.since_adam.first_steps(runs)
    assert player.unfollowed == ""
    player.slider_0 = 6
    assert "RAdam: 0.0258 lr" in player.describe()


def test_first_steps_are_told_apart_by_their_colours():
    rules = {Rule.__name__: Rule(lr=1.0) for Rule in (Adam, NAdam, RAdam)}
    rules["warm-up"] = Schedule(Adam(lr=1.0), lambda t, length: ((t + 1) / length).clamp(max=1), length=10)
    player = views.since_adam.first_steps({name: minimize(slope, rule, [0.0], 30) for name, rule in rules.items()})
    colors = [mark.look["color"] for mark in player._marks if mark.kind == "path"]
    assert len(set(colors)) == len(colors) == 4


def test_three_points_say_the_limit_and_are_alive():
    run = minimize(parabola, ScheduleFreeSGD(lr=Range(0.1, 25, 1.0), beta=0.8), [5.0], 30)
    player = views.since_adam.three_points(run, curvature=4.0)
    assert player.unfollowed == ""
    assert "rate 1, limit 2.5" in player.describe()


def test_keys_show_their_errors_and_the_prediction_and_are_alive():
    shares, errors, loss = memory()
    rules = {"GradientDescent": GradientDescent(Range(0.1, 4, 1.0)), "Muon": Muon(lr=0.1, weight_decay=0.0)}
    runs = {name: minimize(loss, rule, torch.zeros(3, 3).double(), 10, matrix=True) for name, rule in rules.items()}
    player = views.since_adam.keys(runs, shares, errors)
    assert player.unfollowed == ""
    player.slider_0 = 10
    assert f"GradientDescent: {0.8**10:.3f}" in player.describe()


def test_the_spectrum_is_that_of_newton_schulz():
    player = views.since_adam.spectrum({"G": torch.diag(torch.tensor([3.0, 1.0]))}, at={"polynomial": 0})
    player.slider_0 = 5
    assert "singular values from 0.7530 to 1.1337" in player.describe()


def test_one_value_of_the_spectrum_is_the_learners_own():
    player = views.since_adam.spectrum({"G": torch.diag(torch.tensor([3.0, 1.0]))}, at={"polynomial": 0})
    assert player.unfollowed == ""
    player.slider_0 = 5
    assert "yours: 0.0100, now 0.6989" in player.describe()
    player.start = [0.1]
    player.slider_0 = 5
    assert f"yours: 0.1000, now {theory.muon_value(0.1):.4f}" in player.describe()
    player.slider_1 = 2
    once = 3**0.5 * 0.1
    player.slider_0 = 1
    assert f"now {(3 * once - once**3) / 2:.4f}" in player.describe()


def test_from_the_root_of_three_the_cubic_takes_a_gradient_of_rank_one_to_zero():
    player = views.since_adam.spectrum({"G": torch.ones(2, 2)}, at={"polynomial": 2})
    player.slider_0 = 1
    assert "singular values from -0.0000 to" in player.describe() or "from 0.0000 to" in player.describe()


def test_stored_counts_for_every_width():
    player = views.since_adam.stored([Adam(), Adafactor()], [4, 8])
    assert "32, 8" in player.describe()


def test_the_race_judges_on_the_second_part_at_the_rate_that_is_best_on_the_first():
    scores = torch.tensor([[[[3.0, 3.0], [1.0, 2.0]], [[0.1, 0.1], [0.5, 0.7]]]]).repeat(4, 1, 1, 1)
    assert chosen(scores)[1].tolist() == [1] * 4
    player = views.since_adam.race({"Shampoo": scores}, {"Shampoo": [0.1, 0.2]}, {"Shampoo": 1.0}, every=10)
    assert "lowest: Shampoo 0.600" in player.describe()
    assert Shampoo(lr=0.1).matrix


@pytest.mark.slow
@pytest.mark.parametrize(("least", "most"), [(0.1, 20.0), (1.4, 2.5)])
def test_the_axes_of_the_race_hold_the_losses_at_the_chosen_rates_and_have_ticks(least, most):
    falls = torch.linspace(most, least, 8)[:, None, None, None] * torch.tensor([[1.0], [50.0]])  # (8, 1, 2, 1)
    player = views.since_adam.race({"Muon": falls.expand(8, 2, 2, 1)}, {"Muon": [0.1, 1.0]}, {"Muon": 1.0})
    for ends, ticks in ((player.figure.axes[0].yaxis, "y"), (player.figure.axes[1].xaxis, "x")):
        low, high = ends.get_view_interval()
        assert low < least < most < high < 2 * most
        assert len([tick for tick in ends.get_majorticklocs() if low < tick < high]) >= 2, ticks


def test_for_the_same_work_an_expensive_rule_is_shown_at_an_earlier_check():
    falls = torch.arange(8, 0, -1.0)[:, None, None, None].expand(8, 2, 1, 1)
    player = views.since_adam.race({"Muon": falls}, {"Muon": [0.1]}, {"Muon": 2.0}, at={"same": 1})
    player.slider_0 = 8
    assert "lowest: Muon 5.000" in player.describe()
