"""The players of the edge and its remedies show what the formulas say, and the browser can compute them."""

import matplotlib.pyplot as plt
import pytest
import torch
from node import case, repeated
from shown import arrays, look_of_the_course, readouts  # noqa: F401

from gdviz import data, surfaces, theory, views
from gdviz.descent import grid, minimize
from gdviz.minibatches import Minibatches, sampled_loss
from gdviz.networks import landscape
from gdviz.optimizers import (
    Adam,
    ClippedByNorm,
    ClippedByValue,
    GradientDescent,
    Momentum,
    Range,
    Schedule,
    cosine,
    warmup_stable_decay,
)
from gdviz.surfaces import beale, bowl

f64 = torch.float64


def network(rule, steps=20):
    x = torch.linspace(-1, 1, 8, dtype=f64)
    start = torch.randn(10, generator=torch.Generator().manual_seed(0)).double() / 3
    return minimize(landscape.tanh_loss(x, torch.sin(3 * x), 3), rule, start, steps)


def test_sharpness_shows_every_eigenvalue_of_every_run_and_the_edge():
    run = network(GradientDescent(**grid(lr=[0.1, 0.2])))
    player = views.edge.sharpness(run, every=5)
    shown = theory.curvatures(run.loss, run.params[::5])
    *curves, losses = arrays(player, "path")
    found = torch.stack([torch.as_tensor(curve[..., 1]) for curve in curves], -1)
    assert torch.equal(found, shown)
    assert torch.equal(torch.as_tensor(losses[..., 1]), run.losses[::5])
    (line,) = arrays(player, "line")
    assert line[0, :, :, 1].tolist() == [[20, 20], [10, 10]]
    assert "2/lr = 10.00" in player.describe()
    assert player.sliders[1]["labels"] == ["0.1", "0.2"]


def test_sharpness_of_momentum_has_its_own_edge_and_a_slider_for_each_sweep():
    player = views.edge.sharpness(network(Momentum(**grid(lr=[0.1, 0.2], momentum=[0.0, 0.5]))), every=5)
    assert [spec["name"] for spec in player.sliders] == ["step", "learning rate", "momentum"]
    assert readouts(player, (0, 1, 1))[0] == "2(1 + β)/lr = 15.00"
    single = views.edge.sharpness(network(Momentum(lr=0.2, momentum=0.5)), every=5)
    assert "2(1 + β)/lr = 15.00" in single.describe()
    reached = views.edge.sharpness(network(Momentum(**grid(momentum=[0.0, 0.5]), lr=0.2)), every=5)
    assert readouts(reached, (0, 0))[0] == "2(1 + β)/lr = 10.00"


@pytest.mark.slow
def test_sharpness_tells_the_end_only_at_the_end():
    player = views.edge.sharpness(network(GradientDescent(lr=0.2)), every=5)
    assert "at the end" not in player.describe()
    player.slider_0 = 20
    assert "largest eigenvalues at the end" in player.describe()


@pytest.mark.slow
def test_sharpness_takes_a_sweep_in_which_every_run_diverges():
    player = views.edge.sharpness(network(GradientDescent(**grid(lr=[50.0, 90.0])), 60), every=5)
    player.slider_0 = 60
    assert "diverged" in player.describe()
    assert player.twin()


def sampled_run():
    loss = surfaces.linear_model(data.toy_line(30))
    batches = Minibatches(30, 5, generator=torch.Generator().manual_seed(0))
    return minimize(loss, GradientDescent(0.1), loss.start, 5, sampled_loss=sampled_loss(loss, batches))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: network(Adam(lr=0.1)), "got Adam"),
        (lambda: network(lambda step: GradientDescent(0.1 / (1 + step))), "GradientDescent with a schedule"),
        (sampled_run, "GradientDescent with minibatches"),
        (lambda: network(GradientDescent(0.1), 0), "one step or more"),
        (lambda: minimize(bowl(5), GradientDescent(0.1), torch.ones(3, 2).double(), 5), "an axis of runs for each"),
    ],
)
def test_what_has_no_known_edge_is_refused(make, message):
    run = make()
    with pytest.raises(ValueError, match=message):
        views.edge.sharpness(run)


def valleys():
    lr, noise = Range(0.05, 1.9, 0.5), Range(0.0, 4.0, 1.0)
    valley = theory.RiverValley(lr=0.5, noise=noise)
    rules = {
        "cosine": Schedule(valley, cosine, lr=lr, steps=40),
        "stable": Schedule(valley, warmup_stable_decay, lr=lr, steps=40, warmup=Range(0, 20, 4), decay=0.25),
    }
    return {name: minimize(valley.loss, rule, [0.0, 100.0], 40) for name, rule in rules.items()}


def test_schedules_show_rates_and_losses_and_are_alive():
    runs = valleys()
    player = views.edge.schedules(runs, every=4)
    assert player.unfollowed == ""
    assert len(player.dials) == 3
    curves = [torch.as_tensor(curve[..., 1]) for curve in arrays(player, "path")]
    assert torch.equal(curves[0][:-1], runs["cosine"].lrs[::4])
    assert torch.equal(curves[3], runs["stable"].losses[::4])
    player.slider_0 = 40
    assert f"stable: {runs['stable'].losses[-1]:.3g}" in player.describe()


@pytest.mark.slow
def test_the_clipped_rules_are_in_the_browser_what_they_are_in_torch():
    runs = [minimize(beale(), rule, (3.0, 1.5), 50) for rule in (ClippedByNorm(0.05, 1.0), ClippedByValue(0.05, 1.0))]
    (found,) = repeated([[case(run) for run in runs]])
    assert max(found) <= 1e-12


def clipped_runs(start=(3.0, 1.5), steps=20, lr=0.02):
    rate, most = Range(0.001, 0.1, lr, log=True), Range(0.1, 10, 1.0, name="cut at")
    rules = {"plain": GradientDescent(rate), "norm": ClippedByNorm(rate, most), "value": ClippedByValue(rate, most)}
    return {name: minimize(beale(), rule, start, steps) for name, rule in rules.items()}


@pytest.mark.slow
def test_clipping_shows_the_lengths_before_and_after_and_is_alive():
    runs = clipped_runs()
    player = views.edge.clipping(beale(), runs)
    assert player.unfollowed == ""
    assert [dial["name"] for dial in player.dials] == ["learning rate", "cut at"]
    drawn = [torch.as_tensor(mark) for mark in arrays(player, "path")]
    before, after = drawn[4][:-1, 1], drawn[5][:-1, 1]  # of "norm"
    assert torch.allclose(before, runs["norm"].grads.norm(dim=-1))
    assert before.max() > 1
    assert torch.allclose(after, before.clamp(max=1))
    assert torch.allclose(drawn[1][..., 1], drawn[2][..., 1], equal_nan=True)  # of "plain", which diverges


@pytest.mark.parametrize(
    ("view", "runs", "message"),
    [
        (views.edge.schedules, {}, "give 1 to 8 runs by name, got 0"),
        (
            views.edge.schedules,
            {"a": network(GradientDescent(0.1), 3), "b": network(GradientDescent(0.1), 4)},
            "equally",
        ),
        (views.edge.schedules, {"a": network(GradientDescent(**grid(lr=[0.1, 0.2])), 3)}, r"got runs \(2,\)"),
        (lambda runs: views.edge.clipping(beale(), runs), {}, "give 1 to 8 runs by name, got 0"),
        (lambda runs: views.edge.clipping(beale(), runs), {"a": network(GradientDescent(0.1), 3)}, "of 10 parameters"),
    ],
)
def test_runs_that_do_not_fit_are_refused(view, runs, message):
    with pytest.raises(ValueError, match=message):
        view(runs)


def test_bfloat16_shows_the_weight_that_stands_still():
    player = views.edge.bfloat16([0.0019, 0.004], steps=50, generator=torch.Generator().manual_seed(0))
    player.slider_0 = 50
    words = readouts(player, (50, 0))
    assert words[0] == f"float32: {1 - 50 * 0.0019:.4f}"
    assert words[1] == "bfloat16: 1.0000"
    assert "bfloat16: 1.0000" not in readouts(player, (50, 1))
    assert "after 50 steps" in player.describe()


def test_accumulation_shows_both_means_at_each_cut():
    player = views.edge.accumulation([4.0, 1.0, 1.0, 1.0])
    assert readouts(player, (0,)) == ["mean of means 2.5", "mean of all 1.75"]
    assert readouts(player, (1,)) == ["mean of means 1.75", "mean of all 1.75"]
    assert readouts(player, (2,)) == ["mean of means 1.5", "mean of all 1.75"]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: views.edge.accumulation([1.0]), "2 tokens or more"),
        (lambda: views.edge.bfloat16(0.1, generator=torch.Generator()), "updates must be a list"),
        (lambda: views.edge.widths([1, 2], {}), "one or two lists of 2 changes"),
        (lambda: views.edge.widths([1, 2], {"a": [1.0]}), "one or two lists of 2 changes"),
    ],
)
def test_numbers_that_do_not_fit_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_widths_draw_what_was_measured_and_what_was_predicted():
    _, ax = plt.subplots()
    sizes, measured = [64, 256], {"one rate": [0.05, 0.2], "rate ~ 1/n": [0.05, 0.05]}
    views.edge.widths(sizes, measured, {"one rate": theory.first_change(sizes, 0.001)}, ax=ax)
    predicted, one, falling = (line.get_ydata().tolist() for line in ax.lines)
    assert predicted == pytest.approx([0.0511, 0.2043], abs=1e-4)
    assert (one, falling) == ([0.05, 0.2], [0.05, 0.05])
    assert [text.get_text() for text in ax.texts] == list(measured)
