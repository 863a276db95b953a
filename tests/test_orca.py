"""Orca, a screen reader that people use, says a page; what it would say is read from its log."""

import re

import engines
import orca
import pytest
from test_engines import BOWL, SLIDE, STEPS, asking, descents, focus, line_fit

from gdviz.descent import minimize
from gdviz.exercises.feedback import Feedback
from gdviz.optimizers import GradientDescent

pytestmark = [pytest.mark.browser, pytest.mark.slow]
VALUE = "() => document.querySelector('.placing input').getAttribute('aria-valuetext')"
LOSSES = [f"{loss:.4g}" for loss in minimize(BOWL, GradientDescent(0.1), BOWL.start, STEPS).losses.tolist()]


@pytest.fixture(scope="module")
def reader():
    engines.missing("orca", orca.NEEDS)
    reader = orca.Orca()
    yield reader
    reader.close()


@pytest.fixture
def listening(reader, tmp_path):
    """listening(player) -> Orca, which has read the page of this player from beginning to end."""

    def open_(player):
        player.save(tmp_path / "page.html", title="A bowl")
        reader.open((tmp_path / "page.html").as_uri())
        reader.hears(r"0; loss \d+$")  # the value of the last slider
        return reader

    return open_


def test_orca_says_the_picture_and_makes_a_guess_by_keys_alone(listening):
    reader = listening(asking())
    assert reader.hears("Momentum with lr").endswith("make your guess. Shown: step 0; loss 98")
    said = reader.said()
    assert said[said.index("Play") :][2] == "grayed"
    reader.press("Tab", "Tab")
    reader.hears(r"parameter x slider 10\b")
    reader.hears("Focus mode")  # its keys are the slider's now
    reader.press(*["Left"] * 4)
    reader.hears(r"8\.8$")
    assert reader.firefox.run(VALUE) == "8.8"
    reader.press("Tab", "Tab")
    reader.hears("Guess here .*button")
    reader.press("Return")
    reader.hears("Your guess is noted. Now move it.")
    reader.hears("Play .*button[^g]*$")  # where the focus is; not grayed
    reader.press("Return")
    reader.hears("Playing.")


def test_orca_says_each_step_with_its_loss_and_after_a_pause_what_changed(listening):
    reader = listening(descents())
    focus(reader.firefox, ".slider input")
    reader.hears("step slider 0; loss 98")
    reader.hears("Focus mode")
    reader.press(*["Right"] * 3)
    reader.hears(re.escape(f"3; loss {LOSSES[3]}"))
    reader.hears(re.escape(f"step 3; loss {LOSSES[3]}, falling; the path goes down and left"))
    assert sum(one.startswith("step 3;") for one in reader.said()) == 1


def test_orca_says_that_play_plays_pauses_and_ends(listening):
    reader = listening(descents())
    focus(reader.firefox, ".play")
    reader.hears("Play .*button")
    reader.press("Return")
    reader.hears("Playing.")
    reader.firefox.until("() => document.querySelector('.slider input').value > 2")
    reader.press("Return")
    step, loss = re.match(r"Paused. step (\d+); loss (\S+), falling", reader.hears("Paused.")).groups()
    assert loss == LOSSES[int(step)]
    reader.firefox.run(SLIDE, STEPS - 3)
    reader.press("Return")
    reader.hears(re.escape(f"The end. step {STEPS}; loss {LOSSES[-1]}"))


def test_orca_says_of_a_place_only_the_number_that_is_moved(listening):
    reader = listening(line_fit())
    focus(reader.firefox, ".placing input")
    reader.hears(r"slope w slider 0\.$")
    reader.hears("Focus mode")
    reader.press("Left")
    reader.hears(r"-0\.\d+$")
    reader.press("Tab")
    reader.hears(r"intercept b slider 0\.$")


def test_orca_says_what_is_wrong_with_a_typed_number(listening):
    reader = listening(descents())
    focus(reader.firefox, ".dial input[type=text]")
    reader.hears("learning rate, typed entry 0.1")
    reader.press("ctrl+a", *"seven", "Return")
    reader.hears("learning rate is a number from 0.01 to 1.2; seven is not.")


def test_orca_says_the_answer_of_a_check_once(listening, monkeypatch):
    """It comes as an output comes in a notebook: a new element, whole."""
    reader, given = listening(descents()), []
    monkeypatch.setattr("IPython.display.display", lambda data, **_: given.append(data))
    Feedback(False, "Your first step goes up.")._ipython_display_()
    add = "(html) => document.body.append(Object.assign(document.createElement('div'), { innerHTML: html }))"
    reader.firefox.run(add, given[0]["text/html"])
    reader.hears(".*Not yet. Your first step goes up.")
    assert sum("goes up" in one for one in reader.said()) == 1
