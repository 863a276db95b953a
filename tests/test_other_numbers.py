"""Pictures of numbers, names and settings that no notebook has: nothing is cut, empty or called what it is not."""

from io import BytesIO

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from gdviz import clinic, data, plots, views
from gdviz.descent import grid, minimize
from gdviz.exercises import check_surface
from gdviz.networks import Epoch, History, Step, fit
from gdviz.optimizers import AdamW, GradientDescent, Lion, Range
from gdviz.pictures.figure import png
from gdviz.pictures.limits import usual
from gdviz.player import Player
from gdviz.surfaces import Surface, bowl, himmelblau, linear_model, ravine, six_hump_camel, styblinski_tang

BOWL = bowl(10)
CAMEL = six_hump_camel()  # down to -1.03


def run_of(surface=BOWL, lr=0.1, start=None, steps=20):
    return minimize(surface, GradientDescent(lr), surface.start if start is None else start, steps)


def drawn(player):
    """The player, when its picture has been made."""
    player.twin()
    return player


def inside(player, k, values):
    """Whether all these heights are within Axes k."""
    low, high = player.axes[k]["ylim"]
    return bool((torch.as_tensor(values) >= low).all() and (torch.as_tensor(values) <= high).all())


# --- windows ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("between", [lambda figure: None, lambda figure: figure.canvas.draw()])
def test_contours_keep_the_window_of_their_surface_whatever_comes_on_top(between):
    figure, ax = plt.subplots()
    plots.contours(BOWL, ax=ax)
    between(figure)
    plots.path(run_of(lr=0.25), ax=ax)  # diverges
    plots.ellipse([[0.0, 0.0]], [[[400.0, 0.0], [0.0, 400.0]]], ax=ax)
    assert (ax.get_xlim(), ax.get_ylim()) == (BOWL.xlim, BOWL.ylim)


def test_contours_take_limits_that_somebody_has_set_and_no_others():
    _, ax = plt.subplots()
    ax.set_xlim(-2, 2)
    plots.contours(linear_model(data.toy_line(30), xlim=(-1, 1), ylim=(-1, 1)), ax=ax)  # its minimum is outside
    assert (ax.get_xlim(), ax.get_ylim()) == ((-2, 2), (-1, 1))


def test_a_path_or_an_ellipse_alone_is_seen_whole():
    _, (left, right) = plt.subplots(1, 2)
    plots.path(run_of(), ax=left)
    assert left.get_xlim()[1] > BOWL.start[0]
    plots.ellipse([[0.0, 0.0]], [[[4.0, 0.0], [0.0, 1.0]]], ax=right)
    assert right.get_xlim()[1] > 4


@pytest.mark.parametrize(
    ("values", "kept"),
    [
        ([1e-17, 0.5, 1.0, 1.5], 4),  # rises, and ends calmly
        ([1.0, 1e3, 1e6, 1e9, 1e12], 2),  # runs away
        ([1.0, 0.1, 1e10, 0.1, 0.1, 0.1, 0.1], 6),  # a spike
        ([1.0, 2.0, np.nan, np.inf], 2),
        ([0.0, 5.0, 9.0], 3),
    ],
)
def test_a_window_leaves_out_what_runs_away_and_not_what_rises_from_little(values, kept):
    assert usual(np.array(values)).sum() == kept


@pytest.mark.slow
def test_a_curve_that_rises_from_little_is_seen_to_its_end():
    told = {"accuracy": {"Adam": torch.linspace(0.005, 0.9, 20)}, "norm": {"w": torch.linspace(0.001, 3, 20)}}
    player = drawn(views.training.panels(told, {"epoch": range(20)}))
    assert [inside(player, k, ends) for k, ends in enumerate(([0.005, 0.9], [0.001, 3.0]))] == [True, True]
    deep = minimize(styblinski_tang(), GradientDescent(0.01), [0.01, 0.0], 60)
    _, ax = plt.subplots()
    plots.loss_curve(deep, ax=ax)
    assert ax.get_ylim()[0] < deep.losses[-1] < -78


@pytest.mark.slow
def test_losses_below_0_are_drawn_above_the_lowest_minimum():
    lowest = float(CAMEL(torch.tensor(CAMEL.minima, dtype=torch.float64)).min())
    both = {"a": run_of(CAMEL, 0.02, [0.5, -0.5], 40), "b": run_of(CAMEL, 0.01, [0.5, -0.5], 40)}
    schedules = drawn(views.rate.schedules(CAMEL, both))
    assert inside(schedules, 2, both["b"].losses - lowest)
    fall = run_of(CAMEL, 0.02, [1.9, -1.0], 40)
    curvature = drawn(views.rate.curvature(CAMEL, fall))
    assert inside(curvature, 2, fall.losses[:20] - lowest)
    assert schedules.axes[2]["names"][1] == curvature.axes[2]["names"][1] == "loss above the lowest minimum"
    deep, lr = styblinski_tang(), Range(0.001, 0.05, 0.01)
    sweep = drawn(views.rate.sweep(deep, minimize(deep, GradientDescent(lr), deep.start, 40), largest=60))
    assert inside(sweep, 1, run_of(deep, 0.002, steps=40).losses[-1] + 2 * 39.16616570377142)
    assert "loss " in sweep.describe()


@pytest.mark.slow
def test_a_run_that_falls_before_it_blows_up_is_seen_falling():
    up = minimize(BOWL, lambda k: GradientDescent(0.01 * 1.1**k), BOWL.start, 60)  # a test of rates
    assert up.diverged
    player = drawn(views.descents(BOWL, up))
    assert inside(player, 1, [up.losses.min(), up.losses[0]])


@pytest.mark.slow
def test_a_surface_whose_minima_nobody_has_named_has_a_window_that_fits():
    cup = Surface(lambda w: 0.003 * (w**2).sum(-1), (-1, 1), (-1, 1), (0.9, 0.9), (), "cup")
    fall = run_of(cup, 20.0, steps=40)
    player = drawn(views.descents(cup, fall))
    assert player.axes[1]["scales"][1] == "log"
    assert inside(player, 1, fall.losses)
    below = Surface(lambda w: 0.003 * (w**2).sum(-1) - 0.1, (-1, 1), (-1, 1), (0.9, 0.9), (), "below 0")
    low, high = drawn(views.descents(below, run_of(below, 20.0, steps=40))).axes[1]["ylim"]
    assert high - low < 0.02


@pytest.mark.slow
def test_windows_grow_with_what_they_show():
    def steep(w):
        return 1e6 * w[..., 0] ** 2

    fall = minimize(steep, GradientDescent(1e-7), [10.0], 20)
    assert inside(drawn(views.valley(steep, fall)), 1, fall.losses)
    lion = minimize(lambda w: w.square().sum(-1), Lion(lr=0.1), [20.0], 40)
    mixed = 0.9 * lion.states.m[:-1] + 0.1 * lion.grads
    assert inside(drawn(views.since_adam.heard(lion)), 0, mixed)
    far = minimize(lambda w: 5 * w.sum(-1), GradientDescent(1.0), [0.0], 30)
    assert inside(drawn(views.since_adam.first_steps({"GD": far})), 0, [5.0])
    floor = Surface(lambda w: (1 - w[..., 0] * w[..., 1]) ** 2 / 2, (0, 8), (0, 4), (6.0, 0.3), (), "xy = 1")
    assert inside(drawn(views.zoo.edge(floor, run_of(floor, 0.02, steps=60))), 1, [36.09])


@pytest.mark.slow
def test_a_chart_of_losses_that_reach_0_or_go_below():
    x, y = torch.cat([torch.full((20, 2), -30.0), torch.full((20, 2), 30.0)]), torch.tensor([0] * 20 + [1] * 20)
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(2, 2))
    sgd = torch.optim.SGD(model.parameters(), lr=1.0)
    parted = fit(model, nn.functional.cross_entropy, (x, y), sgd, epochs=60, batch_size=40, vitals=10)
    assert parted.losses[-1] == 0
    low, high = drawn(views.clinic.chart({"parted": parted})).axes[0]["ylim"]
    assert 0 < low < high
    below = clinic.trained(data="wine", width=8)
    below = History([step._replace(loss=-step.loss) for step in below.steps], [], vitals=below.vitals)
    assert inside(drawn(views.clinic.chart({"below": below})), 0, below.losses)
    flat = clinic.trained("rate too low", data="wine", width=8)
    player = drawn(views.clinic.chart({"flat": flat}))
    low, high = player.axes[0]["ylim"]
    assert np.log(max(flat.losses) / low) < 0.8 * np.log(high / low), "room for the words"


@pytest.mark.slow
def test_the_paths_of_many_restarts_travel():
    starts = 8 * torch.rand(50, 2, generator=torch.Generator().manual_seed(0)).double() - 4
    many = minimize(himmelblau(), GradientDescent(0.01), starts, 200)
    assert len(drawn(views.rate.restarts(himmelblau(), many)).marks) == 5


def test_a_log_axis_whose_ticks_would_all_be_equal_is_linear():
    nearly = minimize(lambda w: 1 + 1e-5 * w.sum(-1) ** 2, GradientDescent(1.0), [1.0], 5)
    _, ax = plt.subplots()
    plots.loss_curve(nearly, ax=ax)
    assert ax.get_yscale() == "linear"


# --- words ------------------------------------------------------------------------------------------------------------


def test_a_sweep_over_a_parameter_that_is_0_or_no_rate_is_labelled_as_what_it_is():
    values = [0.0, 0.01, 0.1]
    run = minimize(BOWL, AdamW(lr=0.1, **grid(weight_decay=values)), BOWL.start, 50)
    _, ax = plt.subplots()
    (line, *_) = plots.final_loss(values, run, ax=ax)
    assert (ax.get_xlabel(), ax.get_xscale()) == ("weight decay", "linear")
    assert ax.get_xlim()[0] <= 0 == line.get_xdata()[0]


def test_a_sentence_has_the_digits_that_tell_runs_apart():
    rates = minimize(ravine(), GradientDescent(**grid(lr=[0.12341, 0.12342, 0.12343])), ravine().start, 20)
    assert "lr 0.12341 to 0.12343" in rates.describe()
    assert "at lr 0.12343" in rates.describe()
    starts = torch.tensor([[1.00001, 2.0], [1.00002, 2.0]], dtype=torch.float64)
    assert "at start (1.00001, 2)" in minimize(ravine(), GradientDescent(0.1), starts, 20).describe()
    plain = minimize(ravine(), GradientDescent(**grid(lr=[0.1, 0.2])), ravine().start, 20)
    assert "lr 0.1 to 0.2" in plain.describe()


def test_a_readout_does_not_round_its_number_away():
    assert "curvature 4, 2/lr 4.444" in views.rate.curvature(ravine(), run_of(ravine(), 0.45)).describe()
    assert "4e-05" in views.edge.accumulation([4e-5, 4e-5, 4e-5]).describe()


@pytest.mark.slow
def test_over_a_surface_without_data_nothing_is_called_a_line():
    assert drawn(views.over_surface(BOWL, run_of())).axes[0]["title"] == BOWL.name
    lines = linear_model(data.toy_line(30))
    assert drawn(views.over_surface(lines, run_of(lines))).axes[0]["title"] == "loss of every line"


def test_words_beside_the_points_of_widths_stay_within_the_axes():
    names = {"one rate for all widths of the network": [0.05, 0.2, 0.8], "n$": [0.05, 0.05, 0.0]}
    artists = views.edge.widths([64, 256, 1024], names)
    figure = artists[0].figure
    png(figure)
    frame = figure.axes[0].get_window_extent()
    assert frame.width > 0.7 * figure.bbox.width
    assert all(text.get_window_extent().x1 <= figure.bbox.x1 for text in artists[-1:])
    assert artists[-1].get_text() == "n$"


# --- at the door ------------------------------------------------------------------------------------------------------

RUN = run_of()
SWEEP = minimize(BOWL, GradientDescent(**grid(lr=[0.1, 0.2])), BOWL.start, 5)


@pytest.mark.parametrize(
    "draw",
    [
        lambda: plots.loss_curve(RUN, ls="--", lw=2),
        lambda: plots.path(RUN, c="red"),
        lambda: plots.fitted_line(data.toy_line(30), [2, 1], c="k"),
        lambda: plots.examples(data.toy_line(30), c="red", lw=1),
        lambda: plots.final_loss([0.1, 0.2], SWEEP, c="red"),
        lambda: plots.contours(BOWL, cmap="viridis"),
        lambda: plots.contours(BOWL, filled=True, colors=["red", "green"]),
        lambda: plots.surface3d(BOWL, rstride=2),
        lambda: plots.surface3d(BOWL, color="red"),
        lambda: plots.ellipse([[0, 0]], [[[1, 0], [0, 1]]], lw=1),
    ],
)
def test_the_short_names_of_matplotlib_are_taken(draw):
    plt.figure()
    assert draw()


REFUSED = {
    "unequal": (lambda: views.descents(BOWL, {"a": run_of(), "b": run_of(steps=30)}), ValueError, "20, 30"),
    "losses": (lambda: plots.loss_curve(RUN.losses), TypeError, "draws a Trajectory.*got Tensor"),
    "list": (lambda: plots.path([RUN, RUN]), TypeError, "one call for each"),
    "history": (lambda: plots.loss_curve(History([Step(1.0)], [Epoch(1, 1.0)])), TypeError, "panels"),
    "one run": (lambda: views.rate.restarts(BOWL, RUN), ValueError, "several starts"),
    "zero": (lambda: views.since_adam.spectrum({"a": torch.zeros(3, 3)}), ValueError, "not all 0.*'a'"),
    "several": (lambda: plots.contours(bowl(torch.tensor([1.0, 10.0]))), ValueError, "a surface for each"),
    "a choice": (
        lambda: views.since_adam.race({"A|b": torch.ones(3, 2, 2, 2)}, [1.0], {"A|b": 1.0}, every=1),
        ValueError,
        "must not contain",
    ),
}


@pytest.mark.parametrize(("draw", "kind", "words"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_drawn_is_refused_in_words(draw, kind, words):
    with pytest.raises(kind, match=words):
        draw()


def test_minima_may_be_an_array_and_steps_few():
    places = np.array([[0.0, 0.0], [1.0, 1.0]])
    assert Surface(lambda w: (w**2).sum(-1), (-1, 1), (-1, 1), (0.5, 0.5), places, "a").minima == ((0, 0), (1, 1))
    assert "After 3 steps" in views.since_adam.spectrum({"a": torch.eye(3)}, steps=3).caption


def test_an_axes_of_a_part_of_a_figure_has_a_player():
    figure = plt.figure()
    player = Player(figure, {"step": range(3)})
    player.curve(figure.subfigures(1, 2)[0].subplots(), [1, 2, 3])
    assert drawn(player).picture


def test_a_figure_without_a_ground_is_drawn_on_white():
    figure = plt.figure(figsize=(1, 1), facecolor="none")
    assert Image.open(BytesIO(png(figure))).convert("RGB").getpixel((5, 5)) == (255, 255, 255)


def test_heights_in_float32_are_named():
    said = str(check_surface(lambda p: (p.float() ** 2).sum(-1)))
    assert "rounded to 7 digits" in said
