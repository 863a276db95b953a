"""The players of notebook 03 show what was run and what theory says, by the data of their marks."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from shown import arrays, look_of_the_course, readouts  # noqa: F401

from gdviz import data, minibatches, plots, surfaces, theory, views
from gdviz.descent import gradient, grid, minimize
from gdviz.minibatches import Minibatches, sampled_loss
from gdviz.optimizers import GradientDescent, Momentum
from gdviz.pictures.ellipses import ellipses
from gdviz.style import PALE

PATIENTS = data.diabetes().standardized()
LOSS = surfaces.linear_model(PATIENTS)
BEST = torch.tensor(LOSS.minima[0]).double()
N = len(PATIENTS)
LOWEST = LOSS(BEST).item()


def batches(size, runs=(), **options):
    return Minibatches(N, size, runs, generator=torch.Generator().manual_seed(size), **options)


def students(sizes, runs, steps, lr=0.1):
    f = sampled_loss(LOSS, [batches(size, runs) for size in sizes])
    return minimize(LOSS, GradientDescent(lr), LOSS.start, steps, sampled_loss=f)


def test_a_cloud_is_the_runs_and_its_curve_their_mean_loss_above_the_minimum():
    sizes = [1, 32, N]
    run = students(sizes, 7, 12)
    player = views.noise.clouds(LOSS, run.params[::3], {"step": range(0, 13, 3), "batch size": sizes})
    assert np.array_equal(arrays(player, "points")[0], run.params[::3])
    path, *pale, curve = arrays(player, "path")
    assert [one.shape for one in pale] == [(5, 1, 2)] * 3
    above = (run.losses[::3] - LOWEST).mean(-1)
    assert np.array_equal(path, run.params[::3, :, 0])
    assert np.allclose(curve[..., 1], above, rtol=1e-9)
    assert readouts(player, (2, 1)) == [f"mean {above[2, 1]:.3g}"]
    assert f"ends between {above[-1].min():.3g} and {above[-1].max():.3g}" in player.caption


def test_clouds_by_name_become_a_slider_and_leave_their_curves_in_grey():
    run = students([1, 32], 7, 12)
    ways = {"one": run.params[:, 0], "many": run.params[:, 1]}
    player = views.noise.clouds(LOSS, ways, {"step": range(13)})
    assert player.sliders[1]["labels"] == ["one", "many"]
    assert np.array_equal(arrays(player, "points")[0], run.params)
    grey = [mark for mark in player._marks if mark.look["color"] == PALE]
    assert len(grey) == 2
    assert np.allclose(grey[1].array[:, 0, 1], (run.losses[:, 1] - LOWEST).mean(-1), rtol=1e-9)
    assert not player.figure.axes[1].lines, "nothing tells the end before the step has moved"


def test_the_theory_in_a_cloud_is_the_noise_ball_and_half_the_trace_of_H_times_it():
    bowl, rates, momenta = surfaces.bowl(2, smallest=2), [0.02, 0.1], [0, 0.9]
    swept = {name: values[..., None] for name, values in grid(lr=rates, momentum=momenta).items()}
    noisy = minibatches.noisy_loss(bowl, 1.0, runs=(1, 1, 9), generator=torch.Generator().manual_seed(0))
    run = minimize(bowl, Momentum(**swept), [1.0, 1.0], 20, sampled_loss=noisy)
    ball = theory.ball(
        torch.diag(torch.tensor([2.0, 4.0])), torch.eye(2), torch.tensor(rates)[:, None], torch.tensor(momenta)
    )
    sliders = {"step": range(21), "learning rate": rates, "momentum": momenta}
    player = views.noise.clouds(bowl, run.params, sliders, ball=ball)
    ellipse, level = arrays(player, "line")
    assert np.allclose(ellipse[0, 1, 0], ellipses([0, 0], ball[1, 0]))
    floor = 0.1 / (2 * 1.8) + 2 * 0.1 / (4 * 1.6)  # NUMBERS 7: .0590
    assert np.allclose(level[0, 1, 0], [[0, floor], [20, floor]])
    assert f"theory {floor:.3g}" in readouts(player, (20, 1, 0))
    assert not any(mark.kind == "path" and mark.ax is player.figure.axes[0] for mark in player._marks)


@pytest.mark.slow
def test_a_cloud_that_starts_in_the_minimum_or_is_thrown_out_is_shown():
    still = BEST.expand(5, 4, 2).clone()
    player = views.noise.clouds(LOSS, still, {"step": range(5)})
    assert readouts(player, (4,)) == ["mean 0"]
    player = views.noise.clouds(LOSS, still + torch.arange(5)[:, None, None], {"step": range(5)}, ball=torch.eye(2))
    assert "mean 32" in readouts(player, (4,))  # it grows, but theory has a ball
    run = students([1], 6, 40, lr=1.2)
    player = views.noise.clouds(LOSS, run.params[:, 0], {"step": range(41)})
    assert readouts(player, (40,))[0].endswith("(diverged)")
    player.twin()


def test_the_wobbling_line_shows_its_batch_and_both_steps():
    sizes = [3, N]
    f = sampled_loss(LOSS, [batches(size) for size in sizes])
    run = minimize(LOSS, GradientDescent(0.1), LOSS.start, 5, sampled_loss=f)
    player = views.noise.wobble(PATIENTS, LOSS, run, f)
    (spots,) = arrays(player, "points")
    for step in range(5):
        chosen = f.batches[0](step)
        assert np.array_equal(spots[step, 0, :3], torch.stack([PATIENTS.x[chosen], PATIENTS.y[chosen]], -1))
        assert np.isnan(spots[step, 0, 3:]).all()
    assert not np.isnan(spots[:, 1]).any()
    asked, taken = arrays(player, "arrow")
    assert [mark.look["color"] for mark in player._marks if mark.kind == "arrow"] == ["#009e73", "#000000"]
    assert np.array_equal(taken[:, :, 1], run.params[1:])
    assert np.allclose(asked[:, :, 1], run.params[:-1] - 0.1 * gradient(LOSS, run.params[:-1]))
    assert np.allclose(asked[:, 1], taken[:, 1])  # all examples ask for what the full batch does
    assert not np.allclose(asked[:, 0], taken[:, 0])
    assert np.allclose(arrays(player, "line")[0], plots.lines(PATIENTS, run.params[:-1]))


@pytest.mark.slow
def test_the_wobbling_line_can_be_drawn_again():
    f = sampled_loss(LOSS, [batches(size, 3) for size in (2, 5)])
    run = minimize(LOSS, GradientDescent(0.1), LOSS.start, 4, sampled_loss=f)
    player = views.noise.wobble(PATIENTS, LOSS, run, f)
    assert [spec["name"] for spec in player.sliders] == ["step", "batch size", "draw"]
    assert player.sliders[2]["labels"] == ["1", "2", "3"]
    (spots,), (_, taken) = arrays(player, "points"), arrays(player, "arrow")
    for draw, chosen in enumerate(f.batches[0](2)):
        assert np.array_equal(spots[2, 0, draw, :2], torch.stack([PATIENTS.x[chosen], PATIENTS.y[chosen]], -1))
    assert np.isnan(spots[:, 0, :, 2:]).all()
    assert np.array_equal(taken[..., 1, :], run.params[1:])
    assert not player.unfollowed


def test_the_price_has_a_rate_for_each_name():
    def run(size, lr):
        f = sampled_loss(LOSS, batches(size, 3))
        return minimize(LOSS, GradientDescent(lr), LOSS.start, 400 // size, sampled_loss=f)

    runs = {
        "a": {0.1: run(100, 0.1), 0.3: run(100, 0.3)},
        "b": run(50, 0.1),
        "c": {0.01: run(50, 0.01), 0.2: run(50, 0.2)},
    }
    player = views.noise.price(runs, N, LOWEST, parts=4)
    assert [spec["name"] for spec in player.sliders] == ["spent, in %", "measured in", "rate of a", "rate of c"]
    a, b, c = arrays(player, "path")
    assert [path.shape for path in (a, b, c)] == [(5, 4, 2, 1, 2), (5, 4, 1, 1, 2), (5, 4, 1, 2, 2)]
    for k, lr in enumerate((0.1, 0.3)):
        assert np.allclose(a[:, 0, k, 0, 1], runs["a"][lr].losses.mean(1) - LOWEST)
    assert np.allclose(c[:, 0, 0, 1, 1], (runs["c"][0.2].losses.mean(1) - LOWEST)[:5])


def test_the_price_is_counted_in_steps_epochs_examples_and_milliseconds():
    runs = {"all": minimize(LOSS, GradientDescent(0.1), torch.zeros(3, 2).double(), 4)}
    runs["100"] = minimize(LOSS, GradientDescent(0.1), LOSS.start, 8,
                           sampled_loss=sampled_loss(LOSS, batches(100, 3)))  # fmt: skip
    player = views.noise.price(runs, N, LOWEST, parts=4)
    full, some = arrays(player, "path")  # (parts + 1, costs, 2)
    above = {name: (run.losses.mean(1) - LOWEST).numpy() for name, run in runs.items()}
    for k in range(3):
        assert np.allclose(full[:, k, 1], above["all"])
        assert np.allclose(full[:, k, 0], [0, 0.25, 0.5, 0.75, 1])
    assert np.allclose(some[:, 0, 1], above["100"][:5])
    count = runs["100"].examples[:, 0].numpy()
    assert count.tolist() == [0, 100, 200, 300, 400, 442, 542, 642, 742]
    for k in (1, 2):  # epochs are examples in another unit
        assert np.allclose(np.log(some[:2, k, 1]), np.interp([0, 442], count, np.log(above["100"])))
        assert np.isnan(some[2:, k, 1]).all()  # it has not looked at more than 742
    seconds = [run.seconds.numpy() for run in runs.values()]
    wanted = np.interp(np.linspace(0, seconds[0][-1], 5), seconds[1], np.log(above["100"]), right=np.nan)
    assert np.allclose(np.log(some[:, 3, 1]), wanted, equal_nan=True)
    ends = [readouts(player, (4, k))[2:] for k in range(4)]
    milliseconds = f"{round(1000 * float(seconds[0][-1]), 2):.5g}"
    assert readouts(player, (4, 2)) == ["0", "884", "1768", "examples"]
    assert ends == [["4", "steps"], ["4", "epochs"], ["1768", "examples"], [milliseconds, "milliseconds"]]


def test_the_gradients_lie_around_the_full_gradient_and_the_ellipse_is_theirs():
    descent = minimize(LOSS, GradientDescent(0.1), LOSS.start, 3)
    f = sampled_loss(LOSS, [batches(size, 300) for size in (4, 64, N)])
    player = views.noise.gradients(LOSS, descent, f)
    (cloud,), (ellipse,), (arrow,) = (arrays(player, kind) for kind in ("points", "line", "arrow"))
    each = theory.example_gradients(LOSS, descent.params)
    full = gradient(LOSS, descent.params)
    assert np.allclose(cloud[:, 0], each[:, f.batches[0](0)].mean(2))
    assert np.allclose(arrow[:, 0], np.stack([np.zeros((4, 2)), full], 1))
    C = theory.gradient_covariance(LOSS, descent.params, f.batches[1])
    assert np.allclose(ellipse[:, 1], ellipses(full, C))
    assert np.allclose(ellipse[:, 2], full[:, None])  # all examples: no noise
    found, predicted = np.std(np.asarray(cloud[2, 1, :, 0]), ddof=1), C[2, 0, 0] ** 0.5
    assert readouts(player, (2, 1)) == [f"deviation of dJ/dw {found:.3g}, theory {predicted:.3g}"]
    assert readouts(player, (2, 2)) == ["deviation of dJ/dw 0, theory 0"]


def test_the_dial_shows_each_cloud_with_its_deviation_and_theory():
    generator = torch.Generator().manual_seed(0)
    ball = torch.eye(2) * torch.tensor([[1.0, 4.0], [1.0, 9.0]])[..., None, None]
    cloud = BEST + 2 * torch.randn(2, 2, 500, 2, generator=generator, dtype=torch.float64)
    player = views.noise.dial(LOSS, cloud, ball, [0.1, 0.2], ["B = 4", "B = 8"])
    for k, (points, ellipse) in enumerate(zip(arrays(player, "points"), arrays(player, "line"))):
        assert np.array_equal(points, cloud[k])
        assert np.allclose(ellipse, ellipses(BEST.expand(2, 2), ball[k]))
    assert readouts(player, (1,))[1] == f"w ± {cloud[1, 1, :, 0].std():.2f}, theory 3.00"
    assert [ax.get_title(loc="left") or ax.get_title() for ax in player.figure.axes] == ["B = 4", "B = 8"]


def test_the_escape_counts_the_runs_in_the_lowest_valley():
    wave = surfaces.tone(data.toy_tone())
    places = torch.tensor(
        [[1.9, 3.7, 4.8, 2.2], [2.0, 2.9, 1.1, 3.8]]
    ).double()  # 1.1 and 2.9 are inside, near the tops
    params = places[:, None, :, None].repeat(1, 3, 1, 1)
    params[1, 1], params[1, 2, :2] = torch.nan, 3.9
    player = views.noise.escape(wave, params, {"step": range(0, 20, 10), "batch size": [1, 2, 4]})
    assert arrays(player, "path")[-1][..., 1].tolist() == [[0.5] * 3, [0.75, 0, 0.25]]
    points = arrays(player, "points")[0]
    assert np.array_equal(points[..., 0], params[..., 0], equal_nan=True)
    assert np.allclose(points[..., 1], wave(params), equal_nan=True)
    assert readouts(player, (1, 0)) == ["75 %"]
    assert "after 10 steps: 75% with 1, 0% with 2, 25% with 4" in player.caption


def test_the_cloud_is_around_the_lowest_minimum_wherever_it_is():
    wells = surfaces.double_well(-0.2, parameters=2)
    low = torch.tensor(min(wells.minima, key=lambda place: wells(torch.tensor(place)).item())).double()
    player = views.noise.clouds(wells, low.expand(3, 5, 2) + 0.1, {"step": range(3)}, ball=0.01 * torch.eye(2))
    assert np.allclose(arrays(player, "line")[0].mean(axis=(0, 1))[:1], low[0], atol=0.01)
    assert readouts(player, (2,))[-1] == f"mean {wells(low + 0.1) - wells(low):.3g}"
    with pytest.raises(ValueError, match="clouds are drawn around a minimum; saddle has none"):
        views.noise.clouds(surfaces.saddle(), torch.zeros(3, 5, 2).double(), {"step": range(3)})
    assert not plt.get_fignums()


@pytest.mark.slow
def test_clouds_by_name_come_after_the_other_sliders():
    run = students([1, 8, 32], 7, 4)
    player = views.noise.clouds(LOSS, {"a": run.params, "b": run.params + 1}, {"step": range(5), "size": [1, 8, 32]})
    assert [len(slider["labels"]) for slider in player.sliders] == [5, 3, 2]
    assert np.array_equal(arrays(player, "points")[0][:, :, 1], run.params + 1)


def test_a_cloud_that_spreads_from_its_minimum_has_not_diverged():
    f = sampled_loss(LOSS, batches(8, 30, replacement=True))
    run = minimize(LOSS, GradientDescent(0.05), BEST, 30, sampled_loss=f)
    player = views.noise.clouds(LOSS, run.params, {"step": range(31)})
    assert "diverged" not in readouts(player, (30,))[0]


def test_the_lowest_valley_ends_at_the_tops_beside_it():
    left, right = theory.lowest_valley(surfaces.tone(data.toy_tone()))
    assert (left, right) == pytest.approx((1.035, 2.963), abs=0.005)


@pytest.mark.parametrize("rule", [Momentum(0.1), lambda step: GradientDescent(0.1)])
def test_the_arrows_are_of_gradient_descent_at_a_constant_rate(rule):
    f = sampled_loss(LOSS, [batches(8), batches(N)])
    with pytest.raises(ValueError, match="the arrows are of GradientDescent at a constant rate"):
        views.noise.wobble(PATIENTS, LOSS, minimize(LOSS, rule, LOSS.start, 3, sampled_loss=f), f)


def test_pictures_of_means_refuse_sums():
    f = sampled_loss(LOSS, [batches(8, 3)], reduce="sum")
    with pytest.raises(ValueError, match="this picture is of the mean gradients"):
        views.noise.gradients(LOSS, minimize(LOSS, GradientDescent(0.1), LOSS.start, 2), f)


def test_a_price_has_up_to_four_runs_and_a_dial_a_name_for_each_panel():
    one = minimize(LOSS, GradientDescent(0.1), torch.zeros(2, 2).double(), 2)
    for wrong in ({}, dict.fromkeys("abcde", one), {"a": minimize(LOSS, GradientDescent(0.1), LOSS.start, 2)}):
        with pytest.raises(ValueError, match="runs must be 1 to 4 trajectories"):
            views.noise.price(wrong, N, LOWEST)
    with pytest.raises(ValueError, match="names must be one for each of the 2 panels, got 1"):
        views.noise.dial(LOSS, torch.zeros(2, 1, 9, 2), torch.ones(2, 1, 2, 2), [0.1], ["B = 4"])


@pytest.mark.slow
def test_a_price_of_runs_that_diverge_is_drawn():
    wild = minimize(LOSS, GradientDescent(3.0), torch.zeros(2, 2).double(), 400)
    views.noise.price({"wild": wild}, N, LOWEST).twin()
