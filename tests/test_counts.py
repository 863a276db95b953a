"""Letters and mistakes of handed-in notebooks, counted: nothing is run, nothing is trusted, a learner counts once."""

import importlib
import json
import os
import sys
from pathlib import Path

import nbformat
import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from traitlets.config import Config

from gdviz.exercises import check_number, check_rule
from gdviz.exercises.mistakes import suspect
from gdviz.optimizers import Adam, AdamW, Momentum

TOOLS = Path(__file__).parents[1] / "notebooks" / "tools"
sys.path.append(str(TOOLS))
read_answers = importlib.import_module("read_answers")
write_counts = importlib.import_module("write_counts")
HOSTILE = "<img src=x onerror=alert(1)>"


def hand_in(path, *sources, outputs=()):
    path.parent.mkdir(parents=True, exist_ok=True)
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    if outputs:
        cells.append(nbformat.v4.new_code_cell("check", outputs=list(outputs)))
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return path


def shown(*found):
    """What a notebook keeps of these Feedbacks, as it would be saved."""
    InteractiveShell.instance(config=Config({"HistoryManager": {"enabled": False}}))
    with capture_output() as captured:
        for one in found:
            one._ipython_display_()
    InteractiveShell.clear_instance()
    new = nbformat.v4.new_output
    outputs = [output for output in captured.outputs if "text/html" in output.data]
    return [new("display_data", data=output.data, metadata=output.metadata) for output in outputs]


def letters(folder):
    found = read_answers.submissions(folder)
    asked = write_counts.questions(list(found.answers.values()))
    return {one.name: {k: n for k, n in (one.letters | one.other).items() if n} for one in asked}


@pytest.mark.parametrize(
    ("source", "letter"),
    [
        ('predict("02-1", "b")  # put your letter between the quotation marks', "b"),
        ("predict('02-1', ' (B) ')\nx = 1", "b"),
        ('predict("02-1", letter="b")', "b"),
        ('from gdviz import exercises\nexercises.predict("02-1", "b")', "b"),
        ('%matplotlib inline\n!ls\npredict("02-1", "b")\nfigure?', "b"),
        ('%%time\npredict("02-1", "b")', ""),  # the whole cell is the magic's, text and not code
        ('predict("02-1", "b")\nfor x in:\n    broken(', "b"),
        ('predict("02-1", "a")\npredict("02-1", "b")', "b"),
        ('predict("02-1", b)', "b"),
        ('if True:\n    predict("02-1", "b")', "b"),
    ],
)
def test_a_letter_is_found_however_its_cell_is_written(tmp_path, source, letter):
    hand_in(tmp_path / "one.ipynb", source)
    assert letters(tmp_path).get("02-1", {}) == ({letter: 1} if letter else {})


@pytest.mark.parametrize(
    "source", ['predict("02-1", "?")', 'predict("02-1", "")', 'predict("02-1", ...)', 'predict("02-1")']
)
def test_no_letter_yet_is_not_an_answer(tmp_path, source):
    hand_in(tmp_path / "one.ipynb", source)
    (found,) = read_answers.submissions(tmp_path).answers.values()
    (asked,) = write_counts.questions([found])
    assert (asked.all, asked.open) == (0, 1)


@pytest.mark.parametrize(
    "source", ['model.predict("text", "b")', "predict(2, 'b')", 'x = \'predict("02-1", "b")\'', "", "("]
)
def test_what_is_no_prediction_is_none(tmp_path, source):
    hand_in(tmp_path / "one.ipynb", source)
    assert letters(tmp_path) == {}


@pytest.mark.parametrize("strange", ['"d"', '"ab"', "3", "b'a'", repr(HOSTILE), "letter", '"\\ud800"', '"\\x1b[31m"'])
def test_what_is_no_letter_counts_as_other_and_stays_text(tmp_path, strange, monkeypatch, capsys):
    hand_in(tmp_path / "one.ipynb", f'predict("02-1", {strange})')
    hand_in(tmp_path / "two.ipynb", 'predict("02-1", "b")')
    monkeypatch.chdir(tmp_path)
    write_counts.main([str(tmp_path)])
    said, page = capsys.readouterr().out, (tmp_path / "counts.html").read_text(encoding="utf-8")
    assert "other" in said
    assert "2 answered, 0 not" in said
    assert "\x1b" not in said
    assert HOSTILE not in page
    assert ">other</th>" in page


def test_a_question_of_ones_own_is_counted_with_its_choices(tmp_path):
    hand_in(tmp_path / "one.ipynb", 'predict("mine-1", "c", choices=4, right="b")\npredict("mine-10", "a", choices=2)')
    hand_in(tmp_path / "two.ipynb", 'predict("mine-1", "d", choices=4)\npredict("mine-2", "x", choices=2)')
    found = [read for read in read_answers.submissions(tmp_path).answers.values()]
    asked = write_counts.questions(found)
    assert [one.name for one in asked] == ["mine-1", "mine-2", "mine-10"]
    assert asked[0].letters == {"a": 0, "b": 0, "c": 1, "d": 1}
    assert (asked[1].letters, asked[1].other) == ({"a": 0, "b": 0}, {"x": 1})


def test_a_learner_counts_once_with_the_newest_copy(tmp_path):
    old = hand_in(tmp_path / "anna" / "02.ipynb", 'predict("02-1", "a")')
    new = hand_in(tmp_path / "anna" / "02-Copy1.ipynb", 'predict("02-1", "b")')
    older = hand_in(tmp_path / "anna" / "backup" / "02 (1).ipynb", 'predict("02-1", "c")')
    for age, path in enumerate((new, old, older)):
        os.utime(path, (1e9 - age, 1e9 - age))
    hand_in(tmp_path / "ben" / "02.ipynb", 'predict("02-1", "c")')
    hand_in(tmp_path / "ben" / ".ipynb_checkpoints" / "02-checkpoint.ipynb", 'predict("02-1", "a")')
    assert letters(tmp_path) == {"02-1": {"b": 1, "c": 1}}
    assert set(read_answers.submissions(tmp_path).copies) == {old, older}


def test_files_side_by_side_are_learners_of_their_own(tmp_path):
    for name, letter in (("anna_02", "a"), ("ben_02", "b"), ("ben_02(1)", "b"), ("02", "c")):
        hand_in(tmp_path / f"{name}.ipynb", f'predict("02-1", "{letter}")')
    hand_in(tmp_path / "deeper" / "down" / "02.ipynb", 'predict("02-1", "c")')
    assert letters(tmp_path) == {"02-1": {"a": 1, "b": 1, "c": 2}}


def test_of_nbgraders_course_the_submitted_notebooks_count(tmp_path):
    for student, letter in (("s1", "a"), ("s2", "b"), ("s3", "b")):
        hand_in(tmp_path / "submitted" / student / "sheet1" / "02.ipynb", f'predict("02-1", "{letter}")')
        hand_in(tmp_path / "autograded" / student / "sheet1" / "02.ipynb", f'predict("02-1", "{letter}")')
    hand_in(tmp_path / "release" / "sheet1" / "02.ipynb", 'predict("02-1", "?")')
    assert letters(tmp_path) == {"02-1": {"a": 1, "b": 2}}
    assert letters(tmp_path / "submitted") == {"02-1": {"a": 1, "b": 2}}


def test_mistakes_are_counted_by_key_once_for_each_notebook(tmp_path):
    hints = {"[no-half] Carry the 1/2.": 6, "The unit is wrong.": 7}
    half, unit = check_number(6, 3, mistakes=hints), check_number(7, 3, mistakes=hints)
    rule = check_rule(suspect("D", lr=0.1), AdamW(lr=0.1))
    hand_in(tmp_path / "a.ipynb", 'predict("02-1", "a")', outputs=shown(half, half, check_number(3, 3)))
    hand_in(tmp_path / "b.ipynb", 'predict("02-1", "a")', outputs=shown(half, unit))
    hand_in(tmp_path / "c.ipynb", 'predict("04-1", "a")', outputs=shown(rule))
    cleaned = hand_in(tmp_path / "d.ipynb", outputs=shown(half))
    cleaned.write_text(cleaned.read_text().replace("data-mistake", "class"))  # a front end that cleans HTML
    found = write_counts.mistakes(list(read_answers.submissions(tmp_path).answers.values()))
    assert found == [("", "no-half", 1), ("02", "no-half", 2), ("02", "the-unit-is-wrong", 1), ("04", "AdamW: l2", 1)]


def test_a_key_that_somebody_has_written_stays_text(tmp_path, monkeypatch, capsys):
    output = nbformat.v4.new_output("display_data", data={"text/html": f'<b data-mistake="{HOSTILE}\x1b">'})
    hand_in(tmp_path / "a.ipynb", 'predict("02-1", "a")', outputs=[output])
    monkeypatch.chdir(tmp_path)
    write_counts.main([str(tmp_path)])
    assert "\x1b" not in capsys.readouterr().out
    assert HOSTILE not in (tmp_path / "counts.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"cells": 3}', '{"nbformat": 4, "cells": [{}]}', "\x00\xff", "{" * 9999]
)
def test_a_broken_notebook_is_named_and_left_out(tmp_path, text, monkeypatch, capsys):
    (tmp_path / "broken.ipynb").write_text(text, encoding="latin-1")
    hand_in(tmp_path / "whole.ipynb", 'predict("02-1", "b")')
    monkeypatch.chdir(tmp_path)
    write_counts.main([str(tmp_path)])
    said = capsys.readouterr().out
    assert "1 notebook\n" in said
    assert "Left out, it cannot be read: broken.ipynb" in said
    assert "broken.ipynb" in (tmp_path / "counts.html").read_text(encoding="utf-8")


def test_a_folder_with_nothing_to_count_is_said_and_no_page_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match=r"no notebook in .* could be counted"):
        write_counts.main([str(tmp_path)])
    with pytest.raises(SystemExit, match="there is no folder"):
        write_counts.main([str(tmp_path / "elsewhere")])
    with pytest.raises(SystemExit, match="make counts FOLDER=path"):
        write_counts.main([""])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_the_page_needs_no_other_file_and_shows_bars(tmp_path, opened, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for k, letter in enumerate("aabbbbc"):
        hand_in(tmp_path / f"{k}.ipynb", f'predict("02-1", "{letter}")')
    write_counts.main([str(tmp_path)])
    page = opened(tmp_path / "counts.html", width=320)
    bars = page.locator(".bar")
    widths = [bar.bounding_box()["width"] / bar.locator("..").bounding_box()["width"] for bar in bars.all()]
    assert widths == pytest.approx([2 / 7, 4 / 7, 1 / 7], abs=0.02)
    assert page.locator(".right th").inner_text() == "(b) ✓"
    assert page.asked == [(tmp_path / "counts.html").as_uri()]
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


@pytest.mark.slow
def test_the_courses_own_notebooks_are_read(tmp_path):
    found = read_answers.submissions(TOOLS.parent)
    assert (found.broken, found.copies) == ({}, [])
    assert {read.notebook for read in found.answers.values()} == {f"0{k}" for k in range(10)}
    assert not any(letter for read in found.answers.values() for letter in read.letters.values())


# the keys


def test_a_known_mistake_in_a_rule_has_the_key_of_its_row():
    assert check_rule(suspect("A", lr=0.1), Adam(lr=0.1)).key == "Adam: t-stays-one"
    assert check_rule(suspect("B", lr=0.1), Momentum(lr=0.1)).key == "Momentum: averaged-velocity"
    assert check_rule(suspect("D", lr=0.1), AdamW(lr=0.1)).about("mine").key == "mine: AdamW: l2"
    assert check_rule(Momentum(lr=0.1), Adam(lr=0.1)).key == "Adam: is Momentum"


def test_a_key_in_brackets_is_not_shown():
    found = check_number(6, 3, mistakes={"[no-half] Carry the 1/2.": 6})
    assert (found.hint, found.key) == ("Carry the 1/2.", "no-half")


def test_a_key_is_the_same_whatever_was_measured():
    from gdviz.exercises import check_choice, check_function, check_outcome

    wanted = {"Your rates carry you {0:.1f} along x, and the way is 5.": lambda x: x > 5}
    keys = {check_outcome(x, lambda x: x, wanted).key for x in (1, 2.5)}
    assert keys == {"your-rates-carry-you-along-x-and-the"}
    assert {check_number(x, 3).key for x in (300, 3000)} == {"wrong-power-of-ten"}
    assert {check_number(x, 3).key for x in (4, 5)} == {"it-is-too-large"}
    assert {check_number(x, 3).key for x in ("4", "5")} == {"write-the-number-alone-without-quotation-marks"}
    assert check_choice("up", "down", ["up", "down"]).key == "chose up"
    errors = (lambda x: undefined, lambda x: other)  # noqa: F821
    assert {check_function(one, abs, [(1.0,)]).key for one in errors} == {"nameerror-in-your-line"}


def test_what_is_right_or_not_attempted_has_no_key():
    assert [check_number(x, 3).key for x in (3, ..., None)] == ["", "", ""]
    (output,) = shown(check_number(..., 3))
    assert "data-mistake" not in output.data["text/html"]
    assert output.metadata == {}


def test_the_text_of_a_feedback_is_the_same_with_a_key():
    (output,) = shown(check_number(6, 3, mistakes={"[no-half] Carry the 1/2.": 6}))
    assert output.data["text/plain"] == "✗ Not yet. Carry the 1/2."
    assert json.dumps(output.metadata) == '{"gdviz": {"mistake": "no-half"}}'
    assert 'data-mistake="no-half"' in output.data["text/html"]


def test_the_hints_of_an_exercise_have_different_keys():
    import ast

    from gdviz.exercises import keys

    for path in sorted(TOOLS.parent.glob("*.ipynb")):
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.metadata.get("tags") == ["check"]:
                dicts = [node for node in ast.walk(ast.parse(cell.source)) if isinstance(node, ast.Dict)]
                for one in dicts:
                    hints = [key.value for key in one.keys if isinstance(key, ast.Constant)]
                    found = [keys.split(hint)[1] for hint in hints if " " in hint]
                    assert len(set(found)) == len(found), (path.stem, found)
