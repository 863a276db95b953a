"""The Python side of the player: shapes, pixels, controls, the twin and its sentence, and bad input."""

import html
import io
import json
import warnings

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from mpl_toolkits.mplot3d import proj3d
from PIL import Image

from gdviz import data, plots, surfaces, views
from gdviz.descent import grid, minimize
from gdviz.optimizers import GradientDescent
from gdviz.pictures import ellipses
from gdviz.player import Player
from gdviz.player.geometry import PX, to_pixels
from gdviz.player.stage import LIMIT

RATES = [0.01, 0.1, 0.5]
BOWL = surfaces.bowl(2)
DESCENT = minimize(BOWL, GradientDescent(**grid(lr=RATES)), [8.0, 4.0], 10)
SLIDERS = {"step": range(11), "learning rate": RATES}


@pytest.fixture
def axes():
    _, axes = plt.subplots(1, 2, figsize=(8, 4))
    plots.contours(BOWL, ax=axes[0])
    axes[1].set(yscale="log")
    return axes


@pytest.fixture
def player(axes):
    return Player(axes[0].figure, SLIDERS, caption="Three runs.")


@pytest.mark.slow
def test_marks_travel_as_the_pixels_of_their_data(player, axes):
    path = player.path(axes[0], DESCENT.params)
    curve = player.curve(axes[1], DESCENT.losses)
    player.twin()
    height = player.size[1]
    for mark, ax, values in ((path, axes[0], DESCENT.params.numpy()), (curve, axes[1], None)):
        if values is None:
            steps = np.broadcast_to(np.arange(11.0)[:, None], (11, 3))
            values = np.stack([steps, DESCENT.losses.numpy()], -1)
        display = ax.transData.transform(values.reshape(-1, 2)).reshape(values.shape) * PX / ax.figure.dpi
        display[..., 1] = height - display[..., 1]
        assert np.allclose(mark.pixels(), display, atol=1e-3)
    sent = player.marks[0]
    assert np.array_equal(np.frombuffer(sent["data"], np.float32).reshape(sent["shape"]), path.pixels())


def test_marks_on_a_3d_axes_are_projected_at_its_view():
    figure = plt.figure()
    ax = figure.add_subplot(projection="3d")
    plots.surface3d(BOWL, ax=ax)
    player = Player(figure, {"step": range(11)})
    points = torch.cat([DESCENT.params[:, 0], DESCENT.losses[:, :1]], -1).numpy()
    mark = player.path(ax, points)
    player.twin()
    x, y, _ = proj3d.proj_transform(*points.T, ax.get_proj())
    display = ax.transData.transform(np.column_stack([x, y])) * PX / figure.dpi
    assert np.allclose(mark.pixels()[:, 0], display[:, 0], atol=1e-3)
    assert np.allclose(player.size[1] - mark.pixels()[:, 1], display[:, 1], atol=1e-3)


def crossing(pixels, x):
    """Where the straight line through two pixels is at this x."""
    (x0, y0), (x1, y1) = pixels
    return y0 + (x - x0) * (y1 - y0) / (x1 - x0)


@pytest.mark.parametrize("size", [1e3, 1e6, 1e30, 1e84, 1e300])
def test_what_leaves_the_window_keeps_its_slope_however_far_it_goes(axes, size):
    player = Player(axes[0].figure, {"step": range(3)})
    points = np.array([[8.0, 4.0], [8.0 - size, 4.0 + size / 7], [8.0 + size, 4.0 - size / 5]])
    path = player.path(axes[0], points)
    line = player.line(axes[0], np.array([[[-9.0, -size], [9.0, size]]]))
    bent = player.line(axes[0], np.array([[[-size, -size / 3 + 1], [0, 1.0], [size, 1 - size / 2]]]))
    alone = player.points(axes[0], points[None])
    near = to_pixels(
        axes[0], np.array([[8.0, 4.0], [1.0, 5.0], [-6.0, -1.0], [6.0, 3.0], [0.0, 1.0], [4.0, -1.0], [0.0, 0.0]])
    )
    middle = near[4, 0]
    assert np.abs(path.pixels()[:2]).max() < 2e4
    assert crossing(path.pixels()[:2], middle) == pytest.approx(crossing(near[:2], middle), abs=0.01)
    assert crossing(line.pixels()[0][:, ::-1], near[6, 1]) == pytest.approx(near[6, 0], abs=0.01)
    left, right = bent.pixels()[0, :2], bent.pixels()[0, 1:]
    assert crossing(left, near[2, 0]) == pytest.approx(near[2, 1], abs=0.01)
    assert crossing(right, near[5, 0]) == pytest.approx(near[5, 1], abs=0.01)
    assert np.isnan(alone.pixels()[0]).any(-1).tolist() == [False, True, True]
    assert len(path.at((2,))) == 3


def test_what_is_not_finite_is_lost(axes):
    player = Player(axes[0].figure, {"step": range(2)})
    assert np.isnan(player.path(axes[0], np.array([[np.inf, 0.0], [np.nan, 1.0]])).pixels()).all()


@pytest.mark.slow
def test_the_controls_are_joined_without_the_kernel(player):
    step, rate = player.box.children[1].children
    assert isinstance(step, ipywidgets.IntSlider)
    assert isinstance(rate, ipywidgets.SelectionSlider)
    assert [label for label, _ in rate.options] == ["0.01", "0.1", "0.5"]
    assert (step.min, step.max, step.value, rate.index) == (0, 10, 0, 1)
    links = [w for w in ipywidgets.Widget.get_manager_state()["state"].values() if w["model_name"] == "LinkModel"]
    pairs = {json.dumps([w["state"]["source"], w["state"]["target"]]) for w in links}
    for source, target in (
        ((step, "value"), (player, "slider_0")),
        ((rate, "index"), (player, "slider_1")),
    ):
        ends = [[f"IPY_MODEL_{widget.model_id}", trait] for widget, trait in (source, target)]
        assert json.dumps(ends) in pairs


def test_labels_may_be_words_and_a_range_may_have_a_stride(axes):
    player = Player(
        axes[0].figure, {"step": range(5, 31, 5), "lr": ["0.1, slow", "2, diverges"]}, at={"step": 1, "lr": 1}
    )
    curve = player.curve(axes[1], np.ones((6, 2)))
    assert player.index == (1, 1)
    assert (player.slider_0, player.slider_1) == (10, 1)
    assert curve.array[:, 0, 0].tolist() == [5, 10, 15, 20, 25, 30]
    assert player.describe().endswith("Shown: step 10, lr 2, diverges.")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ([0.12341, 0.12342, 0.12343], ["0.12341", "0.12342", "0.12343"]),
        ([0.1, 0.123456, 0.12345], ["0.1", "0.12346", "0.12345"]),
        ([1.0000001, 1.0000002], ["1.0000001", "1.0000002"]),
        ([0.1 * 3, 0.3], ["0.30000000000000004", "0.3"]),
        ([1 / 3, 2 / 3], ["0.3333", "0.6667"]),
        ([10000, 12345, 10**6, 10**20], ["10000", "12345", "1000000", "1e+20"]),
        ([12345.0, 20000.25, 1e6], ["12345", "20000.2", "1e+06"]),
        ([0.0, -0.0, np.nan, -np.inf], ["0", "0 (2)", "NaN", "-inf"]),
        ([0.1, 0.1, 0.2, 0.1], ["0.1", "0.1 (2)", "0.2", "0.1 (3)"]),
        (["a", "a", "a (2)"], ["a", "a (3)", "a (2)"]),
        ([False, True], ["False", "True"]),
        (torch.tensor([0.1, 0.2], requires_grad=True), ["0.1", "0.2"]),
        ([torch.tensor(0.1), np.float32(0.2), np.int64(30000)], ["0.1", "0.2", "30000"]),
        (np.logspace(-9, 300, 2), ["1e-09", "1e+300"]),
        ([1e-5, 1.00001e-5], ["1e-05", "1.00001e-05"]),
        (["", "two\nlines"], ["", "two\nlines"]),
    ],
)
def test_labels_differ_and_have_as_few_digits_as_that_takes(axes, values, labels):
    player = Player(axes[0].figure, {"a": values})
    assert player.sliders[0]["labels"] == labels
    (slider,) = player.box.children[1].children
    for k in range(len(labels)):  # ipywidgets finds a position by its label
        slider.index = k
        assert (slider.index, slider.label, slider.value) == (k, labels[k], k)


@pytest.mark.slow
def test_a_slider_of_one_value_has_no_control(axes):
    player = Player(axes[0].figure, {"step": range(11), "lr": [0.1]})
    assert len(player.box.children[1].children) == 1
    player.path(axes[0], DESCENT.params[:, :1])


@pytest.mark.slow
def test_axes_of_length_one_serve_every_position(player, axes):
    player.path(axes[0], DESCENT.params[:, :1])
    line = player.line(axes[0], np.zeros((1, 3, 5, 2)))
    assert line.at((7, 2)).shape == (5, 2)


def test_the_sentence_has_the_readouts(player, axes):
    player.text(axes[1], DESCENT.losses, "loss {:.3g}")
    player.text(axes[0], DESCENT.params, "w = ({:+.1f}, {:.1f})")
    loss, (x, y) = DESCENT.losses[10, 1].item(), DESCENT.params[10, 1].tolist()
    player.slider_0 = 10
    assert player.describe() == (
        "Three runs. Sliders: step 0 to 10, learning rate 0.01 to 0.5. "
        f"Shown: step 10, learning rate 0.1, loss {loss:.3g}, w = ({x:+.1f}, {y:.1f})."
    )
    assert repr(player) == player.describe()


def test_a_readout_says_diverged(player, axes):
    losses = DESCENT.losses.clone()
    losses[5:, 2] = torch.inf
    mark = player.text(axes[1], losses, "loss {:.3g}", diverged=torch.tensor([[False, True, False]]))
    assert mark.readout((4, 0)) == f"loss {losses[4, 0]:.3g}"
    assert mark.readout((4, 1)).endswith(" (diverged)")
    assert mark.readout((5, 2)) == "loss inf (diverged)"


def test_a_field_may_choose_among_words(axes):
    player = Player(axes[0].figure, {"way": ["a", "b", "c"]})
    mark = player.text(axes[0], np.array([[0, 10], [1, 20], [2, 30]]), "{:none|one|} of {:.0f}")
    assert [mark.readout((k,)) for k in range(3)] == ["none of 10", "one of 20", " of 30"]
    for wrong in (3, -1, 0.5, np.nan):
        with pytest.raises(ValueError, match=r"the numbers of \{:a\|b\|c\} choose a word: 0 to 2"):
            player.text(axes[0], np.array([wrong, 1, 2.0]), "{:a|b|c}")


@pytest.mark.slow
def test_an_ellipse_is_a_line_around_its_centre(player, axes):
    centre, covariance = np.ones((1, 3, 2)), np.diag([4.0, 1.0])[None, None]
    mark = player.ellipse(axes[0], centre, covariance, share=0.5, color="green")
    assert mark.kind == "line"
    assert np.allclose(mark.array, ellipses.ellipses(centre, covariance, 0.5))
    player.ellipse(axes[0], centre, np.full((1, 1, 2, 2), np.nan))  # no ball: nothing is drawn
    player.twin()
    for wrong in [(np.ones(2), covariance), (centre, np.eye(2)), (centre, np.ones((1, 3, 2, 3)))]:
        with pytest.raises(ValueError, match="must have the shape"):
            player.ellipse(axes[0], *wrong)


@pytest.mark.slow
def test_displaying_is_one_bundle_of_view_picture_and_sentence(player, axes, monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda *args, **kwargs: shown.append((args, kwargs)))
    player.path(axes[0], DESCENT.params)
    player._ipython_display_()
    (((bundle,), options),) = shown
    assert options["raw"]
    assert set(bundle) == {"text/plain", "image/png", "application/vnd.jupyter.widget-view+json"}
    assert bundle["application/vnd.jupyter.widget-view+json"]["model_id"] == player.box.model_id
    assert options["metadata"]["image/png"]["alt"] == bundle["text/plain"] == player.describe()


@pytest.mark.slow
def test_where_a_notebook_keeps_outputs_a_hidden_one_holds_the_picture_for_later(axes, monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda bundle, **options: shown.append(bundle))
    monkeypatch.setattr("gdviz.player.lifetime.note", lambda thing: True)
    player = Player(axes[0].figure, {"a": [1, 2]}, caption="<img src=x onerror='hurt()'> & \"$y$\"")
    player._ipython_display_()
    first, second = shown
    assert set(second) == {"text/html", "text/plain"}
    assert second["text/html"].startswith('<div class="gdviz-asleep mathjax_ignore" hidden style="display: none">')
    assert f"base64,{first['image/png']}" in second["text/html"]
    assert "<img src=x" not in second["text/html"]
    assert html.unescape(second["text/html"]).count(first["text/plain"]) == 2  # to be seen and to be heard


def test_the_figure_is_not_shown_a_second_time(player):
    assert not plt.fignum_exists(player.figure.number)


@pytest.mark.slow
def test_limits_are_chosen_for_every_run_and_then_stay(axes):
    player = Player(axes[0].figure, SLIDERS)
    losses = DESCENT.losses.clone()
    losses[3:, 2] = 1e80
    mark = player.curve(axes[1], losses)
    player.twin()
    low, high = axes[1].get_ylim()
    assert low < losses.min()
    assert losses[0].max() < high < 1e6
    mark.set_data(DESCENT.losses * 1000)
    assert axes[1].get_ylim() == (low, high)
    axes[1].set(ylim=(1e-3, 1e3))
    player.curve(axes[1], losses)
    assert axes[1].get_ylim() == (1e-3, 1e3)


def test_a_mark_says_what_it_is_in_a_line(player, axes):
    axes[0].set_title("loss surface")
    shape = tuple(DESCENT.params.shape)
    assert repr(player.path(axes[0], DESCENT.params)) == f"path on Axes 'loss surface', array {shape}"


@pytest.mark.slow
def test_save_writes_the_positions_now(player, axes, tmp_path):
    player.path(axes[0], DESCENT.params)
    player.save(tmp_path / "a.png")
    player.slider_0 = 2
    player.save(tmp_path / "b.png")
    a, b = (np.asarray(Image.open(tmp_path / name).convert("RGB")) for name in ("a.png", "b.png"))
    assert a.shape == (800, 1600, 3)
    assert (a != b).any()


@pytest.mark.slow
def test_the_twin_leaves_nothing_on_the_figure(player, axes):
    player.path(axes[0], DESCENT.params, label="GD")
    before = player.figure.get_children()
    first = player.twin()
    assert player.figure.get_children() == before
    assert player.twin() == first


@pytest.mark.slow
def test_a_click_calls_the_function_once_and_changes_the_marks_at_once(player, axes):
    mark, calls = player.path(axes[0], DESCENT.params), []

    def from_there(x, y):
        calls.append((x, y))
        mark.set_data(DESCENT.params + 1)

    player.on_click(from_there)
    player.twin()
    before = player.marks
    player.click = [2.0, 3.0, 1]
    assert calls == [(2.0, 3.0)]
    assert player.clickable == 0
    assert player.answered == 1
    assert player.marks[0]["data"] != before[0]["data"]


def test_a_click_goes_to_the_path_and_not_to_a_curve(axes):
    player = Player(axes[0].figure, SLIDERS)
    player.curve(axes[1], DESCENT.losses)
    player.path(axes[0], DESCENT.params)
    player.on_click(print)
    assert player.clickable == 0


@pytest.mark.slow
def test_a_click_that_is_interrupted_leaves_the_player_working(player, axes):
    mark = player.path(axes[0], DESCENT.params)

    def interrupted(x, y):
        raise KeyboardInterrupt

    player.on_click(interrupted)
    player.twin()
    with pytest.raises(KeyboardInterrupt):
        player.click = [2.0, 3.0, 1]
    assert player.answered == 1
    mark.set_data(DESCENT.params + 1)
    assert player.marks[0]["data"] == mark.pixels().tobytes()


def test_an_interrupted_answer_changes_nothing_and_leaves_no_new_mark(player, axes):
    mark = player.path(axes[0], DESCENT.params)

    def interrupted(text):
        mark.set_data(DESCENT.params + 1)
        player.path(axes[0], DESCENT.params)
        raise KeyboardInterrupt

    player.on_text(interrupted, label="a word")
    with pytest.raises(KeyboardInterrupt):
        player.box.children[0].value = "x"
    assert np.array_equal(mark.array, DESCENT.params)
    assert player._marks == [mark]
    assert "a word ''" in player.describe()


def test_a_guess_comes_before_anything_moves(player, axes):
    player.path(axes[0], DESCENT.params)
    guesses = []
    player.on_guess(lambda x, y: guesses.append((x, y)) or "Noted.")
    controls = player.box.children[-1].children
    assert player.asks == 0
    assert player.index[0] == 0
    assert all(control.disabled for control in controls)
    assert player.locked == [control.model_id for control in controls]
    assert player.message.startswith("First your guess")
    player.guess = [2.0, 3.0]
    assert guesses == [(2.0, 3.0)]
    assert player.message == "Noted."
    assert not any(control.disabled for control in controls)


@pytest.mark.slow
def test_a_guess_that_cannot_be_judged_lets_the_controls_go(player, axes):
    player.path(axes[0], DESCENT.params)
    player.on_guess(lambda x, y: 1 / 0)
    player.guess = [2.0, 3.0]
    assert player.message == "Your guess is noted, and not judged: division by zero"
    assert not any(control.disabled for control in player.box.children[-1].children)


def test_a_guess_is_asked_once_and_by_a_function(player, axes):
    with pytest.raises(TypeError, match="on_guess takes a function"):
        player.on_guess("here")
    with pytest.raises(ValueError, match="on_guess needs a 2-D Axes"):
        player.on_guess(print)
    player.path(axes[0], DESCENT.params)
    player.on_guess(print)
    with pytest.raises(ValueError, match="waits for a guess already"):
        player.on_guess(print)


@pytest.mark.parametrize(
    ("judged", "said"),
    [
        ({"place": (1.0, 2.0)}, "near must be a positive distance"),
        ({"place": (1.0, 2.0), "near": 0.0}, "near must be a positive distance"),
        ({"place": (1.0, 2.0), "near": float("nan")}, "near must be a positive distance"),
        ({"place": 3.0, "near": 1.0}, "place must be two finite numbers"),
        ({"place": (1.0, float("inf")), "near": 1.0}, "place must be two finite numbers"),
        ({"near": 1.0}, "place must be two finite numbers"),
    ],
)
def test_a_place_that_cannot_be_guessed_is_refused_and_nothing_waits(player, axes, judged, said):
    player.path(axes[0], DESCENT.params)
    with pytest.raises(ValueError, match=said):
        player.on_guess(print, **judged)
    assert player.asks == -1
    assert player.message == ""


@pytest.mark.parametrize("cap", ["square", 3])
def test_a_cap_is_round_or_butt(player, axes, cap):
    with pytest.raises(ValueError, match="cap must be round or butt"):
        player.line(axes[0], np.zeros((1, 1, 2, 2)), cap=cap)


@pytest.mark.slow
def test_a_text_field_stands_above_the_picture_and_calls_the_function(player, axes):
    mark, asked = player.path(axes[0], DESCENT.params), []
    player.on_text(
        lambda text: (asked.append(text), mark.set_data(DESCENT.params + len(text)))[1], label="a word", value="ab"
    )
    assert player.describe().count("a word 'ab'") == 1
    field, view, row = player.box.children
    assert (field.description, field.value, view) == ("a word", "ab", player)
    assert row.children[-1].description == "learning rate"
    before = player.marks
    field.value = "abc"
    assert asked == ["abc"]
    assert np.array_equal(mark.array, DESCENT.params + 3)
    assert player.marks != before
    assert "a word 'abc'" in player.describe()


@pytest.mark.slow
def test_half_an_answer_to_a_word_changes_nothing_and_is_a_sentence(player, axes):
    first, second = player.path(axes[0], DESCENT.params), player.path(axes[0], DESCENT.params)

    def half(text):
        first.set_data(DESCENT.params + 1)
        second.set_data(np.zeros(3))

    player.on_text(half, label="a word")
    player.box.children[0].value = "x"
    assert np.array_equal(first.array, DESCENT.params)
    assert player.message.startswith("Not shown: the array of a path must have the shape")
    assert "a word ''" in player.describe()  # what is shown
    for wrong in ({"label": "a word"}, {"label": 3}, {"label": ""}, {"label": "b", "value": 3}):
        with pytest.raises(ValueError, match="label and value must be text, no two labels alike"):
            player.on_text(half, **wrong)
    player.on_text(half, label="another")
    assert [field.description for field in player.box.children[:2]] == ["a word", "another"]
    assert player.answered == 0


@pytest.mark.slow
def test_half_a_click_changes_nothing(player, axes):
    path, curve = player.path(axes[0], DESCENT.params), player.curve(axes[1], DESCENT.losses)

    def half(x, y):
        path.set_data(DESCENT.params + 1)
        curve.set_data("no numbers")

    player.on_click(half)
    player.click = [2.0, 3.0, 1]
    assert np.array_equal(path.array, DESCENT.params)


@pytest.mark.slow
def test_controls_follow_where_python_moves_a_slider(player):
    player.slider_0, player.slider_1 = 2, 0
    step, rate = player.box.children[1].children
    assert (step.value, rate.index) == (2, 0)
    assert player.picture


@pytest.mark.slow
def test_an_error_in_the_clicked_function_is_a_sentence(player, axes):
    mark = player.path(axes[0], DESCENT.params)
    player.on_click(lambda x, y: mark.set_data(np.zeros(3)))
    player.twin()
    player.click = [2.0, 3.0, 1]
    assert player.message.startswith(
        "No path from (2, 3): the array of a path must have the shape (11 (step), 3 (learn"
    )
    assert np.array_equal(mark.array, DESCENT.params)
    player.on_click(lambda x, y: None)
    player.click = [2.0, 3.0, 2]
    assert player.message == ""


@pytest.mark.slow
def test_set_data_reaches_a_player_that_is_shown(player, axes):
    mark = player.path(axes[0], DESCENT.params)
    player.twin()
    mark.set_data(DESCENT.params + 1)
    assert player.marks[0]["data"] == mark.pixels().tobytes()


@pytest.mark.slow
def test_readouts_of_new_data_say_who_diverged(player, axes):
    mark = player.text(axes[0], DESCENT.losses, "{:.1f}", diverged=True)
    mark.set_data(DESCENT.losses)
    assert not mark.readout((3, 0)).endswith("(diverged)")


def test_tensors_with_gradients_are_taken(player, axes):
    player.path(axes[0], DESCENT.params.clone().requires_grad_())


SHAPE = r"must have the shape \(11 \(step\), 3 \(learning rate\)"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "array", "message"),
    [
        ("path", DESCENT.params[:10], rf"path {SHAPE}, 2\), where a slider's axis may also be 1; got \(10, 3, 2\)"),
        ("path", DESCENT.params[:, 0], rf"path {SHAPE}"),
        ("path", np.zeros((11, 3, 3)), rf"path {SHAPE}"),
        ("curve", DESCENT.losses.T, rf"curve {SHAPE}"),
        ("line", DESCENT.params, rf"line {SHAPE}, n, 2\)"),
        ("line", np.zeros((11, 3, 0, 2)), rf"line {SHAPE}"),
        ("arrow", np.zeros((11, 3, 3, 2)), rf"arrow {SHAPE}, 2, 2\)"),
        ("text", DESCENT.params, rf"text {SHAPE}\)"),
        ("path", "here", "path must hold real numbers, got str"),
        ("path", np.zeros((11, 3, 2), complex), "path must hold real numbers"),
        ("path", None, "path must hold real numbers"),
    ],
)
def test_an_array_that_does_not_fit_is_refused_and_leaves_nothing(player, axes, method, array, message):
    with pytest.raises((ValueError, TypeError), match=message):
        getattr(player, method)(axes[0], array)
    player.twin()
    assert player.marks == []


@pytest.mark.parametrize(
    ("sliders", "message"),
    [
        ({"step": range(0)}, "slider 'step' has no values"),
        ({"step": []}, "slider 'step' has no values"),
        ({"step": 10}, "must be a range or a list, got 10"),
        ({"step": "0123"}, "must be a range or a list"),
        ({"step": range(5, 0, -1)}, "must ascend"),
        ({3: range(5)}, "name of a slider is text"),
        ({" ": range(5)}, "name of a slider is text, got ' '"),
        ([range(5)], "sliders must be a dict"),
        ({"lr": [[0.1], [0.2]]}, "the values of slider 'lr'"),
        ({"lr": [0.1, None]}, "the values of slider 'lr' must be numbers or words"),
        ({"lr": [1j]}, "the values of slider 'lr' must be numbers or words"),
        ({"lr": [10**400]}, "the values of slider 'lr' must be numbers or words"),
        ({"lr": [torch.ones(2), torch.ones(2)]}, "the values of slider 'lr' must be numbers or words"),
    ],
)
def test_bad_sliders_are_refused(axes, sliders, message):
    with pytest.raises((ValueError, TypeError), match=message):
        Player(axes[0].figure, sliders)


def test_other_bad_input_is_refused(player, axes):
    with pytest.raises(TypeError, match="figure must be a matplotlib Figure"):
        Player(axes[0], SLIDERS)
    with pytest.raises(ValueError, match="at names a slider 'lr'; the sliders are step, learning rate"):
        Player(axes[0].figure, SLIDERS, at={"lr": 0})
    with pytest.raises(ValueError, match="slider 'step' has 11 positions, counted from 0; got 11"):
        Player(axes[0].figure, SLIDERS, at={"step": 11})
    with pytest.raises(ValueError, match="needs an Axes of this player's figure"):
        player.path(plt.figure().add_subplot(), DESCENT.params)
    with pytest.raises(ValueError, match="grows along a slider that is a range"):
        Player(axes[0].figure, {"lr": RATES}).curve(axes[1], RATES)
    for template in ("{", "{0}", "{:d}", "{:>9.2f}", "{x}", "{:word}"):
        with pytest.raises(ValueError, match="template"):
            player.text(axes[0], DESCENT.losses, template)
    with pytest.raises(TypeError, match="on_click takes a function"):
        player.on_click("here")
    with pytest.raises(TypeError, match="on_text takes a function of the text, got 'here'"):
        player.on_text("here", label="a word")
    with pytest.raises(ValueError, match="on_click needs a 2-D Axes"):
        player.on_click(print)


@pytest.mark.parametrize(
    ("look", "message"),
    [
        ({"color": "nonsense"}, "color must be one that matplotlib knows, got 'nonsense'"),
        ({"marker": "x"}, r"marker must be one of o s \^ D \+, got 'x'"),
        ({"dash": "--"}, "dash must be a tuple of 0 or 2 or 4 or 6 numbers, got '--'"),
        ({"width": -1}, "width must be a number of pixels, got -1"),
        ({"colour": "red"}, "a path has no colour; it has color, dash"),
    ],
)
def test_a_look_that_canvas_and_matplotlib_do_not_share_is_refused(player, axes, look, message):
    with pytest.raises((ValueError, TypeError), match=message):
        player.path(axes[0], DESCENT.params, **look)
    with pytest.raises((ValueError, TypeError)):
        player.text(axes[0], DESCENT.losses, "{:.1f}", at=5)


def test_every_colour_of_matplotlib_is_sent_as_css(player, axes):
    assert player.path(axes[0], DESCENT.params, color="C1").look["color"].startswith("#")
    assert player.path(axes[0], DESCENT.params, color=(0, 0.6, 0)).look["color"] == "#009900"


@pytest.mark.slow
def test_a_hidden_axes_and_a_tight_rc_do_no_harm(axes):
    axes[1].set_visible(False)
    player = Player(axes[0].figure, SLIDERS)
    player.path(axes[0], DESCENT.params)
    with plt.rc_context({"savefig.bbox": "tight"}):
        assert Image.open(io.BytesIO(player.twin())).size == (800, 400)


def test_large_numbers_are_read_out_in_full(player, axes):
    mark = player.text(axes[0], np.full((1, 1), 7e84), "loss {:.3g}")
    assert mark.readout((0, 0)) == "loss 7e+84"
    assert player.text(axes[0], np.full((1, 1), 123456789.0), "{:.10g}").readout((0, 0)) == "123456789"


@pytest.mark.slow
def test_the_three_views_weigh_under_a_megabyte_and_follow_a_dragged_start():
    toy = data.toy_line(noise=0)
    loss = surfaces.linear_model(toy)
    rates = [0.01, 0.1, 0.3, 3.0]

    def run(start):
        return minimize(loss, GradientDescent(**grid(lr=rates)), start, 200)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        player = views.line_fit(toy, loss, run([0.0, 0.0]), sliders={"learning rate": rates})
        player.twin()
    assert len(player.picture) + sum(len(mark["data"]) for mark in player.marks) < 1_000_000
    words = next(mark for mark in player._marks if mark.kind == "text")
    before, sent = player.twin(), player.marks
    player.start = [1.0, 2.0]
    with player.moved() as caption:
        assert words.readout((0, 3)) == f"loss {loss(torch.tensor([1.0, 2.0])).item():.5g}"
        assert words.readout((200, 3)).endswith("(diverged)")
    assert caption == run([1.0, 2.0]).describe()
    assert player.describe().startswith(f"{run([1.0, 2.0]).describe(ended=False)} Sliders")
    player.slider_0 = 200
    assert player.describe().startswith(caption)
    player.slider_0 = 0
    assert player.twin() != before
    assert player.marks is sent, "the browser computes its own"
    player.start = []
    assert player.twin() == before


def test_the_opening_is_said_at_the_first_step_alone_and_of_what_was_there_first(axes):
    run = minimize(BOWL, GradientDescent(0.1), BOWL.start, 5)
    player = views.descents(BOWL, run)
    assert player.describe().startswith(f"{run.describe(ended=False)} Sliders")
    player.start = [1.0, 2.0]
    assert player.describe().startswith(f"As it was first: {run.describe(ended=False)} Sliders")
    player.slider_0 = 5
    assert player.describe().startswith(minimize(BOWL, GradientDescent(0.1), [1.0, 2.0], 5).describe())


@pytest.mark.slow
def test_too_much_to_send_is_refused_and_says_how_to_thin(axes):
    player = Player(axes[0].figure, {"step": range(1001)})
    player.path(axes[0], np.zeros((1001, 2)))
    with pytest.raises(ValueError, match=r"the marks take 12.0 MB, at most 4 MB travel: keep one step in 4 \(params"):
        player.line(axes[0], np.zeros((1001, 1500, 2)))
    player.twin()
    assert [mark["kind"] for mark in player.marks] == ["path"]
    assert LIMIT == 4_000_000


@pytest.mark.slow
def test_a_readout_of_nan_and_a_rate_beyond_the_limit_raise_no_warning(axes):
    descent = minimize(BOWL, GradientDescent(**grid(lr=[0.1, 1e200])), [8.0, 4.0], 10)
    player = Player(
        axes[0].figure, {"step": range(11), "learning rate": [0.1, 1e200]}, at={"step": -1, "learning rate": 1}
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        player.path(axes[0], descent.params)
        player.curve(axes[1], descent.losses)
        player.text(axes[1], descent.losses, "loss {:.2g}")
        assert Image.open(io.BytesIO(player.twin())).size == (800, 400)
        assert player.describe().endswith("loss NaN (diverged).")
        player.slider_1 = 0
        player.twin()
        assert "diverged" not in player.describe()


def test_the_view_is_told_the_names_of_each_axes_wherever_its_title_stands():
    figure, axes = plt.subplots(1, 2)
    axes[0].set(xlabel="two\nlines", ylabel="w")
    axes[0].set_title("on the left", loc="left")
    player = Player(figure, {"step": range(2)})
    player.twin()
    assert [(one["title"], one["names"]) for one in player.axes] == [
        ("on the left", ["two lines", "w"]),
        ("", ["", ""]),
    ]
