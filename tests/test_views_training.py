"""The players of notebook 05 show the networks that were trained, by the data of their marks."""

import copy

import contourpy
import numpy as np
import pytest
import torch
from shown import arrays, look_of_the_course, readouts  # noqa: F401
from torch import nn
from torch.nn.functional import cross_entropy

from gdviz import data, views
from gdviz.descent import minimize
from gdviz.networks import landscape, training
from gdviz.optimizers import Adam, Range
from gdviz.style import PALE, look
from gdviz.views.training.curves import LINE
from gdviz.views.training.networks import lines_of_zero


def trained(units, epochs=6):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(2, units), nn.Tanh(), nn.Linear(units, 2)).double()
    adam = torch.optim.Adam(model.parameters(), lr=0.1)
    history = training.fit(model, cross_entropy, data.toy_moons(), adam, epochs=epochs, batch_size=200, record=1)
    return model, history


def with_weights(model, weights):
    nn.utils.vector_to_parameters(weights.clone(), (other := copy.deepcopy(model)).parameters())
    return other


def test_a_panel_holds_the_curves_and_their_numbers():
    loss, other = [3.0, 1.0, 0.5], [4.0, 2.0, 1.0]
    player = views.training.panels({"loss": {"mine": loss, "torch's": other}}, {"step": range(3)}, log=["loss"])
    one, two = arrays(player, "path")
    assert np.array_equal(one, [[0, 3], [1, 1], [2, 0.5]])
    assert np.array_equal(two, [[0, 4], [1, 2], [2, 1]])
    assert readouts(player, (1,)) == ["● mine 1", "■ torch's 2"]
    assert player.caption == "At the end, loss: mine at 0.5, torch's at 1."
    assert player.figure.axes[0].get_yscale() == "log"


def test_a_curve_of_an_optimizer_has_its_look():
    player = views.training.panels({"loss": {"Momentum": [1.0, 0.5]}}, {"step": range(2)})
    (mark,) = (mark for mark in player._marks if mark.kind == "path")
    assert (mark.look["color"], mark.look["marker"]) == (look("Momentum").color.lower(), "s")


def test_other_positions_stay_in_grey_where_a_panel_has_one_curve():
    losses = np.array([[4.0, 3.0], [2.0, 1.0]])
    sliders = {"step": range(2), "rate": [0.1, 0.2]}
    player = views.training.panels({"one": {"a": losses}, "two": {"a": losses, "b": losses}}, sliders)
    one, two = player.figure.axes
    grey = [mark for mark in player._marks if mark.look["color"] == PALE]
    assert {mark.ax for mark in grey} == {one}
    assert [mark.array[:, 0, 1].tolist() for mark in grey] == [[4, 2], [3, 1]]
    assert not one.lines
    assert not two.lines
    assert player.caption.startswith("At the end, one: a between 1 and 2; two:")


def test_all_curves_and_the_words_above_them_are_in_the_window():
    curves = {"loss": {"a": [100.0, 1.0, 1e-3], "b": [50.0, 20.0, 10.0]}, "share": {"c": [0.1, 0.9, 0.95]}}
    player = views.training.panels(curves, {"step": range(3)}, log=["loss"])
    left, right = player.figure.axes
    low, high = left.get_ylim()
    top = (np.log(100) - np.log(low)) / (np.log(high) - np.log(low))  # of the highest curve, in the Axes
    assert low < 1e-3
    assert top < 0.98 - 2 * LINE
    assert right.get_ylim()[0] < 0.1
    assert right.get_ylim()[1] > 0.95
    assert max(right.get_yticks()) <= 0.95  # no tick where no share can be


def test_what_diverges_is_said_and_does_not_stretch_the_window():
    player = views.training.panels({"loss": {"a": [1.0, 1e30, np.nan]}}, {"step": range(3)})
    assert player.figure.axes[0].get_ylim()[1] < 200
    assert readouts(player, (2,)) == ["● a NaN (diverged)"]


@pytest.mark.slow
def test_where_nothing_is_finite_or_positive_the_panel_is_empty_and_says_so():
    for log in ([], ["loss"]):
        player = views.training.panels({"loss": {"a": [np.nan, np.inf]}}, {"step": range(2)}, log=log)
        assert readouts(player, (1,)) == ["● a inf (diverged)"]
    player = views.training.panels({"loss": {"a": [0.0, 0.0]}}, {"step": range(2)}, log=["loss"])
    assert readouts(player, (1,)) == ["● a 0"]
    assert player.twin()


def test_panels_in_rows_share_their_axis_and_a_panel_of_places_has_whole_lines():
    both = {"a": {"x": [1.0, 2.0]}, "b": {"x": [10.0, 20.0]}}
    player = views.training.panels(both, {"step": range(2)}, rows=2, ylabel="loss")
    assert len({ax.get_ylim() for ax in player.figure.axes}) == 1
    assert [ax.get_ylabel() for ax in player.figure.axes] == ["loss", "loss"]
    places, heights = [0.1, 1.0, 10.0], np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    player = views.training.panels({"c": {"x": heights}}, {"factor": [1, 2]}, x={"c": ("length", places)})
    assert np.array_equal(arrays(player, "line")[-1][1], [[0.1, 4], [1, 5], [10, 6]])
    assert readouts(player, (0,)) == ["● x 3"]
    (ax,) = player.figure.axes
    assert (ax.get_xscale(), ax.get_xlabel()) == ("log", "length")
    assert player.caption == "At the end, c: x between 3 and 6."


def test_five_curves_in_a_panel_are_refused():
    with pytest.raises(ValueError, match="a panel holds 1 to 4 curves; loss has 5"):
        views.training.panels({"loss": {str(k): [1.0, 2.0] for k in range(5)}}, {"step": range(2)})


def test_the_thick_line_is_where_the_network_is_undecided():
    networks = {str(units): trained(units, epochs=20) for units in (1, 3)}
    seen = {label: (model, history.weights) for label, (model, history) in networks.items()}
    player = views.training.decision(data.toy_moons(), seen, range(21))
    _, boundary = arrays(player, "line")  # (steps, networks, points, 2)
    for k, (model, history) in enumerate(networks.values()):
        for step in (16, 20):
            points = torch.tensor(boundary[step, k])
            points = points[torch.isfinite(points).all(-1)]
            gap = with_weights(model, history.weights[step])(points).diff(dim=-1)
            assert gap.abs().max() < 0.02


def test_a_thin_line_is_where_the_inside_of_a_hidden_unit_is_zero():
    model, history = trained(3)
    player = views.training.decision(data.toy_moons(), {"3": (model, history.weights)}, range(7))
    lines = torch.tensor(arrays(player, "line")[0])  # (steps, 1, 3 * units, 2)
    for step in (0, 6):
        ends = lines[step, 0].reshape(3, 3, 2)[:, :2]  # of each unit two points, then NaN
        inside = with_weights(model, history.weights[step])[0](ends)  # (units, 2, units)
        assert inside.diagonal(dim1=0, dim2=2).abs().max() < 1e-9
    assert torch.isnan(lines[0, 0].reshape(3, 3, 2)[:, 2]).all()


def test_the_losses_beside_the_lines_are_those_of_the_recorded_weights():
    model, history = trained(3)
    player = views.training.decision(data.toy_moons(), {"3": (model, history.weights)}, range(7))
    shown = arrays(player, "path")[0][..., 0, 1]
    expected = [training.evaluate(with_weights(model, w), cross_entropy, data.toy_moons())[0] for w in history.weights]
    assert np.allclose(shown, expected, rtol=1e-12)
    assert f"3: {expected[-1]:.3g}" in player.caption


@pytest.mark.slow
def test_a_path_lies_on_its_slice():
    model, history = trained(3)
    directions, shares = landscape.principal_directions(history.weights)
    path = landscape.project(history.weights, model, directions)
    surface = landscape.plane(model, cross_entropy, data.toy_moons(), directions, **landscape.window(path))
    losses = [2.0, *[1.0] * 5, 0.5]
    player = views.training.in_slice(surface, path, losses, range(7), shares.tolist())
    above, flat = arrays(player, "path")
    assert np.array_equal(flat, path)
    assert np.allclose(above[:, 2], surface(path).detach())
    end = training.evaluate(model, cross_entropy, data.toy_moons())[0]
    assert readouts(player, (6,)) == [f"loss 0.5, in the slice {end:.3g}"]
    right = player.figure.axes[1]
    assert right.get_xlabel() == f"direction 1, {shares[0]:.0%} of the variance"
    (x0, x1), (y0, y1) = right.get_xlim(), right.get_ylim()
    assert ((path > torch.tensor([x0, y0])) & (path < torch.tensor([x1, y1]))).all()


def test_a_curve_that_begins_at_zero_is_in_the_window():
    player = views.training.panels({"share": {"a": [0.0, 0.5, 1.0]}, "b": {"b": [-5.0, 0.0, 5.0]}}, {"step": range(3)})
    for ax, low, high in zip(player.figure.axes, (0, -5), (1, 5)):
        assert ax.get_ylim()[0] <= low
        assert ax.get_ylim()[1] > high


def test_values_far_above_the_first_stretch_no_window():
    player = views.training.panels({"loss": {"a": [1.0, 500.0]}}, {"step": range(2)})
    assert player.figure.axes[0].get_ylim()[1] < 50


def test_three_panels_in_two_rows_are_three_axes_with_one_window_and_the_x_label_below():
    named = {title: {"a": [1.0, high]} for title, high in (("one", 2.0), ("two", 20.0), ("three", 0.1))}
    player = views.training.panels(named, {"step": range(2)}, rows=2)
    assert [ax.get_title(loc="left") or ax.get_title() for ax in player.figure.axes] == list(named)
    assert [ax.get_xlabel() for ax in player.figure.axes] == ["", "step", "step"]
    for ax in player.figure.axes:
        assert ax.get_ylim()[0] < 0.1
        assert ax.get_ylim()[1] > 20


@pytest.mark.parametrize("positions", [2, 6, 7])
def test_up_to_six_other_positions_are_grey(positions):
    values, places = np.arange(1.0, 3 * positions + 1).reshape(3, positions), [0, 1, 2]
    player = views.training.panels({"a": {"x": values}}, {"step": range(3), "rate": list(range(positions))})
    assert sum(mark.look["color"] == PALE for mark in player._marks) == positions * (positions <= 6)
    player = views.training.panels({"a": {"x": values.T}}, {"rate": list(range(positions))}, x={"a": ("w", places)})
    before = [mark for mark in player._marks if mark.look["color"] == PALE]
    assert len(before) == (positions <= 6)
    for mark in before:  # the positions before the one that is shown
        assert [int(np.isfinite(line).all(-1).sum()) for line in mark.array] == [3 * k for k in range(positions)]
    assert player.figure.axes[0].get_xscale() == "linear"


def test_many_places_have_few_points_and_coinciding_heads_are_all_seen():
    line = np.linspace(1, 2, 100)[None]
    player = views.training.panels({"a": {"x": line}}, {"rate": [1]}, x={"a": ("w", np.arange(100.0))})
    assert arrays(player, "points")[0].shape[-2] <= 13
    player = views.training.panels({"a": {"x": [1.0, 2.0], "y": [1.0, 2.0]}}, {"step": range(2)})
    assert [mark.look["size"] for mark in player._marks if mark.kind == "path"] == [20, 15]


@pytest.mark.parametrize(("low", "between"), [(0.5, True), (1e-3, False)])
def test_numbers_stand_between_powers_of_ten_only_where_those_are_few(low, between):
    player = views.training.panels({"a": {"x": [5.0, low]}}, {"step": range(2)}, log=["a"])
    ax = player.figure.axes[0]
    ticks = [tick for tick in ax.get_yticks() if ax.get_ylim()[0] < tick < ax.get_ylim()[1]]
    assert (2 in ticks) == between


@pytest.mark.parametrize(
    "wrong", [{"log": ["b"]}, {"log": "a loss"}, {"x": {"b": ("w", [1, 2])}}, {"rows": 0}, {"rows": 3}]
)
def test_panels_that_are_not_there_are_refused_and_leave_no_figure(wrong):
    with pytest.raises(ValueError, match=r"panels needs curves and sliders; log and x name panels \(a\)"):
        views.training.panels({"a": {"x": [1.0, 2.0]}}, {"step": range(2)}, **wrong)
    with pytest.raises(ValueError, match="panels needs curves"):
        views.training.panels({}, {"step": range(2)})
    with pytest.raises(ValueError, match="a panel holds 1 to 4"):
        views.training.panels({"a": {}}, {"step": range(2)})
    import matplotlib.pyplot as plt

    assert not plt.get_fignums()


def test_names_may_have_braces_and_curves_a_gradient():
    values = torch.tensor([1.0, 2.0], requires_grad=True)
    player = views.training.panels({"a": {"x{y}": values}}, {"step": range(2)})
    assert readouts(player, (1,)) == ["● x{y} 2"]


def test_dropout_is_off_in_the_lines_and_the_window_holds_the_data():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(2, 4), nn.Dropout(0.5), nn.Tanh(), nn.Linear(4, 2)).double()
    weights = [nn.utils.parameters_to_vector(model.parameters()).detach()] * 7
    inputs, _ = data.toy_moons()
    player = views.training.decision(data.toy_moons(), {"4": (model, weights)}, range(0, 70, 10))
    expected = training.evaluate(model, cross_entropy, data.toy_moons())[0]
    assert np.allclose(arrays(player, "path")[0][..., 1], expected)
    assert "after the last of 60 epochs" in player.caption
    x0, x1 = player.figure.axes[0].get_xlim()
    assert (x0, x1) == pytest.approx((inputs[:, 0].min().item() - 0.4, inputs[:, 0].max().item() + 0.4))
    ends = arrays(player, "line")[0][0, 0].reshape(4, 3, 2)[:, :2]
    assert (np.linalg.norm(ends[:, 1] - ends[:, 0], axis=-1) > x1 - x0).all()


@pytest.mark.parametrize(
    "model",
    [nn.Sequential(nn.Linear(2, 3, bias=False), nn.Linear(3, 2)), nn.Sequential(nn.BatchNorm1d(2), nn.Linear(2, 2))],
)
def test_lines_of_units_are_refused_where_the_first_layer_is_another(model):
    model = model.double()
    weights = [nn.utils.parameters_to_vector(model.parameters()).detach()] * 2
    with pytest.raises(ValueError, match="the model must begin with"):
        views.training.decision(data.toy_moons(), {"3": (model, weights)}, range(2))


@pytest.mark.parametrize("seed", range(5))
def test_lines_of_zero_go_through_the_points_that_contourpy_finds(seed):
    random = np.random.default_rng(seed)
    x, y, heights = np.sort(random.random(7)), np.sort(random.random(6)), random.standard_normal((7, 6))
    lines = contourpy.contour_generator(x, y, heights.T).lines(0.0)
    pieces = lines_of_zero(*(torch.from_numpy(one) for one in (x, y, heights))).reshape(-1, 3, 2)
    pieces = pieces[torch.isfinite(pieces[:, 0, 0])]
    assert torch.isnan(pieces[:, 2]).all()
    assert len(pieces) == sum(len(line) - 1 for line in lines)
    found, wanted = np.unique(pieces[:, :2].reshape(-1, 2).numpy().round(12), axis=0), np.concatenate(lines).round(12)
    assert np.allclose(found, np.unique(wanted, axis=0))


@pytest.mark.slow
def test_networks_that_minimize_trains_are_those_that_torch_trains():
    model, history = trained(3)
    start, loss = history.weights[0], landscape.losses_at(model, cross_entropy, data.toy_moons())
    run = minimize(loss, Adam(Range(0.01, 1, 0.1)), start, 6)
    ours = views.training.decision(data.toy_moons(), {"3": (model, run)}, range(7))
    theirs = views.training.decision(data.toy_moons(), {"3": (model, history.weights)}, range(7))
    for one, other in zip(ours._marks, theirs._marks, strict=True):
        assert np.allclose(one.array, other.array, rtol=1e-6, atol=1e-9, equal_nan=True)
    assert ours.caption == theirs.caption
    assert [dial["name"] for dial in ours.dials] == ["learning rate"]
    assert not theirs.dials
    ours.dialed = [0.03]
    again = minimize(loss, Adam(0.03), start, 6)
    with ours.moved() as caption:
        assert caption.endswith(f"3: {again.losses[-1]:.3g}.")
        assert np.allclose(arrays(ours, "path")[-1][:, 0, 1], again.losses)
