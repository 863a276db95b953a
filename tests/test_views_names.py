"""The players of notebook 06 show what the recogniser says, by the data of their marks."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from shown import arrays, look_of_the_course, readouts  # noqa: F401

from gdviz import views
from gdviz.networks import Epoch, History, Step
from gdviz.style import BLUE, VERMILLION, look

CLASSES = ["cs", "de", "en"]
SAID = torch.tensor([[[0.3, 0.3, 0.4], [0.4, 0.4, 0.2]], [[0.0, 0.1, 0.9], [0.7, 0.2, 0.1]]])  # steps, names, classes


def bars(array, classes=3):
    """The lengths of the bars that a line with gaps draws: (..., classes), NaN for no bar."""
    ends = array.reshape(*array.shape[:-2], -1, 3, 2)
    assert np.isnan(ends[..., 2, :]).all()
    assert np.array_equal(ends[..., 0, 1], ends[..., 1, 1], equal_nan=True)
    lengths = np.full((*ends.shape[:-3], classes), np.nan)
    for (*place, k), length in np.ndenumerate(ends[..., 1, 0]):
        if np.isfinite(length):
            lengths[(*place, int(ends[(*place, k, 1, 1)]))] = length
    return lengths


def test_the_bars_are_the_probabilities_and_the_right_one_is_of_another_colour():
    player = views.names.guesses(SAID, CLASSES, [2, 1], {"step": range(2), "name": ["York", "Ulm"]})
    wrong, right = arrays(player, "line")
    is_right = np.array([[False, False, True], [False, True, False]])
    assert np.allclose(bars(wrong), np.where(is_right, np.nan, SAID), equal_nan=True)
    assert np.allclose(bars(right), np.where(is_right, SAID, np.nan), equal_nan=True)
    assert [m.look["color"] for m in player._marks if m.kind == "line"] == [VERMILLION.lower(), BLUE.lower()]
    low, high = player.figure.axes[0].get_ylim()
    for k, text in enumerate([m for m in player._marks if m.kind == "text"][:3]):  # each beside its bar
        assert abs(text.look["at"][1] - (k - low) / (high - low)) < 0.1
    assert readouts(player, (1, 0)) == ["cs 0 %", "de 10 %", "en 90 %", "York, step 1"]
    assert player.caption == "At the end York: en 90%; Ulm: cs 70%."


def test_a_typed_word_asks_for_its_probabilities_and_moves_the_bars():
    asked = []

    def predict(word):
        asked.append(word)
        if word == "?":
            raise ValueError("no letters")
        return torch.tensor([len(word), 0.0, 0.0]) / 10

    player = views.names.typed(predict, CLASSES, "Ulm")
    assert bars(arrays(player, "line")[0])[0] == pytest.approx(0.3)
    assert "a name 'Ulm', cs 30 %" in player.describe()
    field = player.box.children[0]
    field.value = "Praha"
    assert asked == ["Ulm", "Praha"]
    assert bars(arrays(player, "line")[0])[0] == pytest.approx(0.5)
    assert readouts(player, ()) == ["cs 50 %", "de 0 %", "en 0 %"]
    field.value = "?"
    assert player.message == "Not shown: no letters"
    assert readouts(player, ())[0] == "cs 50 %"
    field.value = ""
    assert (player.message, readouts(player, ())[0]) == ("", "cs 0 %")


@pytest.mark.parametrize("wrong", [torch.full((3,), torch.nan), [0.5, 0.5], [0.2] * 4, [-1.0, 1, 1], 0.5])
def test_what_are_no_probabilities_of_the_classes_is_refused_and_shown_as_a_sentence(wrong):
    with pytest.raises(ValueError, match=r"probabilities are numbers from 0 to 1 \(..., 3\), a class each"):
        views.names.typed(lambda word: wrong, CLASSES, "Ulm")
    player = views.names.typed(lambda word: wrong if word else [0.2, 0.3, 0.5], CLASSES, "")
    player.box.children[0].value = "x"
    assert player.message.startswith("Not shown: probabilities are numbers")
    assert "a name '', cs 20 %" in player.describe()


def test_probabilities_may_carry_a_gradient_and_classes_any_letters():
    said = torch.tensor([0.2, 0.3, 0.5], requires_grad=True)
    player = views.names.typed(lambda word: said, ["{a}", "b", "c"], "")
    assert readouts(player, ())[0] == "{a} 20 %"


def test_the_truth_is_one_class_for_each_name():
    with pytest.raises(ValueError, match="truth must be one class, 0 to 2, for each of the 2 names"):
        views.names.guesses(SAID, CLASSES, [2], {"step": range(2), "name": ["York", "Ulm"]})
    with pytest.raises(ValueError, match="truth must be one class, 0 to 2"):
        views.names.guesses(SAID, CLASSES, [2, -1], {"step": range(2), "name": ["York", "Ulm"]})
    with pytest.raises(ValueError, match=r"probabilities are \(steps, names, classes\) for two sliders"):
        views.names.guesses(SAID[:, :1], CLASSES, [2, 1], {"step": range(2), "name": ["York", "Ulm"]})
    with pytest.raises(ValueError, match="a name must not contain"):
        views.names.guesses(SAID, CLASSES, [2, 1], {"step": range(2), "name": ["Yo|rk", "Ulm"]})


def test_a_single_name_is_named_too():
    player = views.names.guesses(SAID[:, :1], CLASSES, [2], {"step": range(2), "name": ["York"]})
    assert readouts(player, (1, 0))[-1] == "York, step 1"


def history(seconds, shares):
    """Of steps that took these seconds; shares: the end of each epoch -> its accuracy on the validation data."""
    steps = [Step(1.0, seconds=second) for second in seconds]
    return History(steps, [Epoch(end, validation_accuracy=share) for end, share in shares.items()])


def test_a_race_is_against_the_seconds_at_which_each_epoch_ended():
    fast = history([0.1, 0.2, 0.3, 0.4], {2: 0.6, 4: 0.8})
    slow = history([1.0, 2.0], {1: 0.3, 2: 0.5})
    player = views.names.race({"minibatches, Adam": fast, "full batch, Momentum": slow}, start=0.1, parts=20)
    one, two = arrays(player, "path")
    times = np.geomspace(0.2 / 3, 2, 21)
    assert np.allclose(one[:, 0], times)
    some = times < 0.4
    assert np.allclose(one[some, 1], np.interp(times[some], [0.2 / 3, 0.2, 0.4], [0.1, 0.6, 0.8]))
    after = one[~some, 1]
    assert after[0] == 0.8
    assert np.isnan(after[1:]).all()  # it has arrived
    assert np.allclose(two[:, 1], np.interp(times, [0.2 / 3, 1, 2], [0.1, 0.3, 0.5]))
    paths = [mark.look for mark in player._marks if mark.kind == "path"]
    assert [(drawn["color"], drawn["dash"]) for drawn in paths] == [
        (look("Adam").color.lower(), ()),
        (look("Momentum").color.lower(), (3, 1.5)),
    ]
    assert [dots.tolist() for dots in arrays(player, "points")] == [
        [[[0.2, 0.6], [0.4, 0.8]]],
        [[[1, 0.3], [2, 0.5]]],
    ]
    # no second, which differ from run to run
    assert player.caption == "minibatches, Adam: 0.60 to 0.80. full batch, Momentum: 0.30 to 0.50."


def test_a_race_without_an_epoch_or_a_runner_is_refused():
    with pytest.raises(ValueError, match="slow has no held-out accuracy"):
        views.names.race({"slow": history([1.0], {})}, start=0.1)
    with pytest.raises(ValueError, match="a race needs histories, got none"):
        views.names.race({}, start=0.1)


@pytest.mark.parametrize("seconds", [{}, {"a": 0.0}, {"a": -1}, {"a": float("inf")}])
def test_durations_that_are_none_are_refused(seconds):
    with pytest.raises(ValueError, match="durations must be positive seconds"):
        views.names.durations(seconds)


def test_a_confusion_matrix_shows_shares_of_the_rows_and_writes_the_counts():
    counts = np.array([[8, 2, 0], [0, 5, 0], [0, 0, 0]])
    image = views.names.confusion(counts, CLASSES)
    assert np.allclose(image.get_array(), [[0.8, 0.2, 0], [0, 1, 0], [0, 0, 0]])
    ax = plt.gca()
    assert {text.get_position(): text.get_text() for text in ax.texts} == {(0, 0): "8", (1, 0): "2", (1, 1): "5"}
    assert {text.get_text(): text.get_color() for text in ax.texts} == {"8": "white", "2": "black", "5": "white"}
    assert [label.get_text() for label in ax.get_yticklabels()] == CLASSES


def test_durations_are_on_a_log_axis_with_their_numbers():
    drawn = views.names.durations({"loop": 3.2, "tensor": 0.0012})
    assert [bar.get_width() for bar in drawn] == [3.2, 0.0012]
    ax = plt.gca()
    assert ax.get_xscale() == "log"
    assert [text.get_text().strip() for text in ax.texts] == ["3.2 s", "1.2 ms"]
    assert ax.yaxis_inverted()  # the first on top
    assert ax.get_xlim()[0] < 0.0012
