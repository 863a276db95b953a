"""Predictions: noted, scored kindly in the end, and the same in the table as in the notebooks."""

import re
import runpy
from pathlib import Path

import matplotlib.pyplot as plt
import nbformat
import pytest
import torch
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from gdviz.exercises import predictions
from gdviz.exercises.predictions import TABLE, predict, predict_by_click, revisit
from gdviz.player import Player

PATHS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))
ASKED = re.compile(r'predict(?:_by_click)?\(\s*"(\d\d)-(\d+)"')


@pytest.fixture(autouse=True)
def forgotten():
    predictions._guesses.clear()
    predictions._own.clear()
    yield
    predictions._guesses.clear()
    predictions._own.clear()


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_a_notebook_asks_answers_and_scores_each_prediction_of_the_table(path):
    cells, number = nbformat.read(path, as_version=4).cells, path.stem[:2]
    text = "\n".join(f"<{cell.cell_type}>\n{cell.source}" for cell in cells)
    asked = [(int(match[2]), match.start()) for match in ASKED.finditer(text)]
    assert [k for k, _ in asked] == list(range(1, len(TABLE[number]) + 1))
    assert {match[1] for match in ASKED.finditer(text)} == {number}
    ends = [place for _, place in asked[1:]] + [len(text)]
    for (k, place), end, row in zip(asked, ends, TABLE[number], strict=True):
        question = text[:place].rpartition(f"**Predict {k}")[2]
        if row.right:
            assert "<code>\n" in question[-80:], f"{k}: the cell that answers begins with it"
        else:  # a click needs its player, which the cell makes first
            assert question.count("<code>\n") == 1, f"{k}: the next cell asks"
        offered = [letter for letter in predictions.LETTERS if f"**({letter})**" in question]
        assert offered == list(predictions.LETTERS[: row.choices])
        happened = f"**What happened: ({row.right}).**" if row.right else "**What happened.**"
        assert happened in text[place:end], f"{k}: {row.about}"
    assert text.rstrip().find(f'revisit("{number}")') > asked[-1][1]


def test_every_row_of_the_table_is_complete():
    for notebook, rows in TABLE.items():
        assert len({row.about for row in rows}) == len(rows), notebook
        for row in rows:
            assert row.why.endswith((".", "?"))
            assert not row.about.endswith(".")
            assert (row.choices == 0) if not row.right else (row.right in predictions.LETTERS[: row.choices])
            assert row.choices != 1


def test_a_letter_is_noted_and_a_question_mark_is_none_yet(capsys):
    predict("01-1", "?")
    assert capsys.readouterr().out == ""
    predict("01-1", " (C) ")
    assert capsys.readouterr().out == "Prediction 1: (c).\n"
    assert revisit("01").right == [1]
    predict("01-1", "?")
    assert revisit("01").right == []


@pytest.mark.parametrize("answer", ["d", "ab", "tilt", 3, 2.5, ["a"], b"a", float("nan")])
def test_what_is_no_letter_is_told_the_letters(answer, capsys):
    predict("01-1", answer)
    assert capsys.readouterr().out == 'Prediction 1: choose "a", "b" or "c", in quotation marks.\n'
    assert 1 in revisit("01").open


@pytest.mark.parametrize("answer", ["", "?", None, ...])
def test_nothing_is_no_prediction(answer, capsys):
    predict("01-8", answer)
    assert capsys.readouterr().out == ""
    assert 8 in revisit("01").open


@pytest.fixture
def notebook():
    """A shell of IPython in which gdviz.predictions has just been imported, as in a notebook."""
    shell = InteractiveShell.instance(config=Config({"HistoryManager": {"enabled": False}}))
    shell.user_ns["predict"] = runpy.run_path(predictions.__file__)["predict"]
    yield shell
    InteractiveShell.clear_instance()


@pytest.mark.parametrize(
    "cell",
    [
        'predict("01-3", c)',
        'x = 1\npredict( "01-3" ,c )\nx = 2',
        'predict("01-3", c)  # ?',
        'predict("mine-3", c, choices=3)',
    ],
)
def test_a_letter_without_its_quotation_marks_is_told_so(notebook, capsys, cell):
    notebook.run_cell(cell)
    assert capsys.readouterr().out.endswith('Prediction 3: put the letter in quotation marks, "c".\n')


@pytest.mark.parametrize("cell", ["d", 'predict("01-3", "c"); d', 'predict("01-3", "c")', "1 / 0"])
def test_of_another_error_no_letter_is_told(notebook, capsys, cell):
    notebook.run_cell(cell)
    assert "quotation marks" not in capsys.readouterr().out


def test_two_choices_are_named_without_a_comma(capsys):
    predict("01-8", "c")
    assert '"a" or "b"' in capsys.readouterr().out


def test_the_summary_says_what_to_look_at_again_and_what_is_open():
    predict("01-1", "c")
    predict("01-2", "a")
    said = str(revisit("01"))
    assert said.startswith("You made 2 of 12 predictions, and 1 came true.")
    assert "- 2: The sign of a slope. You said (a), it was (b). A line that is too low" in said
    assert said.endswith("Not predicted: 3, 4, 5, 6, 7, 8, 9, 10, 11, 12.")
    assert "The first steps" not in said


def test_without_predictions_the_summary_invites():
    assert str(revisit("01")) == "○ No predictions yet: 12 are waiting. A wrong one teaches more than none."


def test_with_all_right_nothing_is_to_be_looked_at_again():
    for k, row in enumerate(TABLE["01"], 1):
        predict(f"01-{k}", row.right)
    assert str(revisit("01")) == "You made 12 of 12 predictions, and 12 came true."


@pytest.mark.parametrize("name", ["01-0", "01-99", "99-1", "01", "x", "01-1.5"])
def test_a_prediction_that_is_not_in_the_table_is_an_error_of_the_author(name):
    with pytest.raises(ValueError, match="in the table"):
        predict(name, "a")
    with pytest.raises(ValueError, match="notebook is one of"):
        revisit("99")


def test_a_question_of_ones_own_needs_nothing_but_its_line(capsys):
    predict("mine-1", choices=3, right="b")
    assert capsys.readouterr().out == ""
    assert revisit("mine").open == [1]
    predict("mine-1", " (A) ", choices=3, right="B", why="Steep is fast.", about="Which is steeper?")
    predict("mine-2", "b", choices=2)
    predict("mine-10", "c", choices=8, right="c")
    assert capsys.readouterr().out == "Prediction 1: (a).\nPrediction 2: (b).\nPrediction 10: (c).\n"
    found = revisit("mine")
    assert (found.right, found.counted, found.open) == ([10], (2,), [])
    assert found.again == {1: "Which is steeper? You said (a), it was (b). Steep is fast."}
    assert str(found).startswith("You made 3 of 3 predictions, and 1 came true.\nWithout a right letter: 2.\n")
    predict("mine-1", "d", choices=3)
    assert capsys.readouterr().out == 'Prediction 1: choose "a", "b" or "c", in quotation marks.\n'


def test_questions_of_ones_own_are_apart_from_the_courses():
    predict("mine-1", "a", choices=2, right="a")
    predict("yours-1", "a", choices=2, right="b")
    assert revisit("mine").right == [1]
    assert list(revisit("yours").again) == [1]
    assert 1 in revisit("01").open
    predict("mine-1", "b")
    assert list(revisit("mine").again) == [1]


@pytest.mark.parametrize("choices", [1, 9, 0, -2, 2.0, "3", True, (2, 3)])
def test_choices_are_two_to_eight(choices):
    with pytest.raises(ValueError, match="choices must be a whole number from 2 to 8, got "):
        predict("mine-1", "a", choices=choices)


@pytest.mark.parametrize("right", ["d", "ab", 3, ["a"]])
def test_the_right_letter_is_one_of_the_letters(right):
    with pytest.raises(ValueError, match="right must be one of the letters a, b, c, got "):
        predict("mine-1", "a", choices=3, right=right)


@pytest.mark.parametrize("name", ["mine", "mine-0", "mine-01", "-1", "mine 1", "a/b-1", "mine-1\n", "", "é-1"])
def test_the_name_of_ones_own_question_is_a_word_and_a_number(name):
    with pytest.raises(ValueError, match="is a word and a number, such as"):
        predict(name, "a", choices=3)


@pytest.mark.parametrize(
    "more", [{"choices": 4}, {"choices": 3, "right": "b"}, {"why": "So."}, {"choices": 3, "about": "The first"}]
)
def test_a_question_of_the_course_is_given_by_its_name_alone(more):
    with pytest.raises(ValueError, match="prediction 01-1 is the course's, with 3 choices, and is given by its name"):
        predict("01-1", "a", **more)
    with pytest.raises(ValueError, match="name your own question otherwise than the course's"):
        predict("01-99", "a", choices=3)
    predict("01-1", "a", choices=3)
    assert 1 in revisit("01").again


def test_revisit_of_nothing_says_what_there_could_be():
    with pytest.raises(ValueError, match="or the word of your own questions when their cells have run; got 'mine'"):
        revisit("mine")


@pytest.fixture
def a_click(monkeypatch):
    monkeypatch.setitem(TABLE, "88", [predictions.Prediction("The end of the path", "", 0, "It follows the slope.")])


def path_player():
    figure, ax = plt.subplots()
    ax.set(xlim=(0, 10), ylim=(0, 10))
    player = Player(figure, {"step": range(3)}, caption="From one to four.")
    player.path(ax, torch.tensor([[1.0, 1], [2, 2], [4, 4]]))
    return player


def test_a_click_near_the_place_comes_out(a_click):
    player = predict_by_click("88-1", path_player(), (4, 4), near=1.0)
    assert player.index == (0,)
    assert player.truth == [4, 4, 1], "the view judges, also without a kernel"
    assert "It waits for your guess." in player.describe()
    player.guess = [4.5, 4.5]
    assert player.message == "Your guess is noted. Now move it."
    assert player.caption == "From one to four."
    assert revisit("88").right == [1]


def test_a_click_far_away_is_told_how_far(a_click):
    player = predict_by_click("88-1", path_player(), (4, 4), near=1.0)
    player.guess = [7.0, 8.0]
    again = revisit("88").again[1]
    assert again == "The end of the path. You said a click 5 away from it. It follows the slope."


def test_letters_and_clicks_are_not_mixed(a_click):
    with pytest.raises(ValueError, match="predict_by_click"):
        predict("88-1", "a")
    with pytest.raises(ValueError, match="predict"):
        predict_by_click("01-1", path_player(), (4, 4), near=1.0)
    with pytest.raises(ValueError, match="positive"):
        predict_by_click("88-1", path_player(), (4, 4), near=0.0)
