"""The lecturer's edition: solutions and notes in the notebook, made again where something has changed."""

import importlib
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT / "notebooks" / "tools"))
write_editions, npm_files = map(importlib.import_module, ("write_editions", "npm_files"))

HEAD = "| section | minutes | ask before | expect |\n|---|---|---|---|\n"
ROWS = "| One | 8 | What is $a$? | 2 \\| 3 |\n| Two | 12 | Why? | It is. |\n"
NOTES = f"# Notes\n\n### 09 Made up\n\n{HEAD}{ROWS}\n## More\n"
SOLUTION = "<details><summary>Solution</summary>\n\nBecause:\n\n```python\na = 6 * 7\n```\n</details>\n\n## Two\n\n"
BUILT_IN = "```python\n## no heading\n```\n[more](../README.md), [next](10_next.ipynb#two), [site](https://example.org)"


def made_up(**replaced):
    """A notebook of an exercise, its check and its solution, below which the next section begins."""
    texts = {"solution": SOLUTION + BUILT_IN, "title": "# Made up\n\n$x^2$"} | replaced
    cells = [new_markdown_cell(texts["title"]), new_markdown_cell("## One")]
    cells += [new_code_cell("a = ...", metadata={"tags": ["exercise"]}), new_code_cell("print(a)")]
    cells += [new_markdown_cell("Think."), new_markdown_cell(texts["solution"])]
    for cell in cells:
        cell.metadata["slideshow"] = {"slide_type": "slide" if cell.source.startswith("## ") else "-"}
    return new_notebook(cells=cells)


PATH = Path("09_made_up.ipynb")


@pytest.mark.slow
def test_an_exercise_gets_the_code_of_its_solution_and_is_run(tmp_path):
    committed = made_up()
    notebook = write_editions.annotated(write_editions.with_solutions(committed, PATH), NOTES, PATH)
    write_editions.write_instructor(notebook, tmp_path / PATH.name, tmp_path / "instructor" / PATH.name)
    written = nbformat.read(tmp_path / "instructor" / PATH.name, as_version=4)
    exercise, check = (cell for cell in written.cells if cell.cell_type == "code")
    assert exercise.source == "a = 6 * 7"
    assert check.outputs[0].text == "42\n"
    assert set(written.metadata) == {"kernelspec", "language_info"}
    assert committed.cells[2].source == "a = ..."
    assert "[more](../../README.md)" in written.cells[-2].source


def test_the_notes_stand_behind_the_headings_of_their_sections():
    cells = write_editions.annotated(made_up(), NOTES, PATH).cells
    notes = {i: cell.source for i, cell in enumerate(cells) if "lecturer" in cell.metadata.get("tags", [])}
    assert notes == {
        2: "> **For the lecturer** (8 min). *Ask:* What is $a$? *Expect:* 2 | 3",
        7: "> **For the lecturer** (12 min). *Ask:* Why? *Expect:* It is.",
    }
    assert cells[1].source == "## One"
    assert "## Two" in cells[6].source


@pytest.mark.parametrize(
    ("notes", "complaint"),
    [
        (NOTES.replace("### 09 Made up", "### 08 Made up"), r'"### 09 made up": there is no such heading'),
        (NOTES.replace("| Two |", "| Three |"), r"there is no row for the section 'Two'"),
        (
            NOTES.replace("## More", "| Three | 1 | a | b |"),
            r"no section for the row 'Three'; the sections are \['One', 'Two'\]",
        ),
        (NOTES.replace("| 12 |", "| long |"), r"minutes as a whole number; got \['Two', 'long', 'Why\?', 'It is\.'\]"),
        (NOTES.replace("ask before", "ask"), r"the columns \['section', 'minutes', 'ask before', 'expect'\]"),
        ("### 09 Made up\n\nNo table.\n", r"a table with the columns .*; got \[\]"),
    ],
)
def test_notes_that_do_not_fit_are_refused_before_anything_is_run(tmp_path, notes, complaint):
    nbformat.write(made_up(), tmp_path / PATH)
    (tmp_path / "INSTRUCTORS.md").write_text(notes)
    with pytest.raises(ValueError, match=complaint):
        write_editions.write([tmp_path / PATH], tmp_path / "INSTRUCTORS.md", tmp_path / "editions")
    assert not (tmp_path / "editions").exists()


@pytest.mark.parametrize(
    "text", ["<details><summary>Solution</summary>\n\n`a = 42`\n</details>\n\n```python\nb\n```", "## Two"]
)
def test_an_exercise_without_a_solution_is_refused(text):
    with pytest.raises(ValueError, match=r"09_made_up\.ipynb: the exercise in cell 2 has no solution.* 'a = \.\.\.'"):
        write_editions.with_solutions(made_up(solution=text), PATH)
    two = made_up()
    two.cells.insert(3, two.cells[2])
    with pytest.raises(ValueError, match="the exercise in cell 2 has no solution"):  # that of cell 3 is not its own
        write_editions.with_solutions(two, PATH)


@pytest.mark.slow
def test_a_run_that_fails_leaves_nothing_behind(tmp_path):
    nbformat.write(made_up(solution=SOLUTION.replace("6 * 7", "1 / 0")), tmp_path / PATH)
    (tmp_path / "INSTRUCTORS.md").write_text(NOTES)
    with pytest.raises(Exception, match="ZeroDivisionError"):
        write_editions.write([tmp_path / PATH], tmp_path / "INSTRUCTORS.md", tmp_path / "editions")
    assert not (tmp_path / "editions").exists()


def test_a_package_with_another_checksum_is_refused_and_not_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(npm_files, "fetched", lambda address: b"something else")
    with pytest.raises(ValueError, match=r"reveal\.js-5.* must have the sha512 abc==, got .*nothing of it was kept"):
        npm_files.tarball("reveal.js", "5", "abc==", tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


@pytest.mark.slow
def test_a_real_notebook_has_its_notes_and_pictures_and_is_not_run_again(tmp_path, monkeypatch):
    start = ROOT / "notebooks" / "00_start_here.ipynb"
    write_editions.write([start], ROOT / "INSTRUCTORS.md", tmp_path / "editions")
    (path,) = (tmp_path / "editions" / "instructor").iterdir()
    written = nbformat.read(path, as_version=4)
    outputs = [output for cell in written.cells for output in cell.get("outputs", [])]
    assert any("image/png" in output.get("data", {}) for output in outputs)
    assert sum("For the lecturer" in cell.source for cell in written.cells) >= 3
    assert len({cell.id for cell in written.cells}) == len(written.cells)
    monkeypatch.setattr(write_editions, "executed", lambda *_: pytest.fail("it runs again"))
    write_editions.write([start], ROOT / "INSTRUCTORS.md", tmp_path / "editions")
    path.write_text("changed by hand")
    with pytest.raises(pytest.fail.Exception):
        write_editions.write([start], ROOT / "INSTRUCTORS.md", tmp_path / "editions")


def test_names_choose_and_a_name_that_is_none_is_refused():
    books = {path.stem: path for path in write_editions.notebooks()}
    assert [path.stem for path in write_editions.named(["02", "notebooks/00_start_here.ipynb"], books)] == [
        "02_learning_rate",
        "00_start_here",
    ]
    with pytest.raises(ValueError, match="there is no '12'; there are 00_start_here, 01_"):
        write_editions.named(["12"], books)


def test_a_notebook_of_ones_own_may_not_take_the_name_of_another_page(tmp_path):
    (tmp_path / "own").mkdir()
    for path in (tmp_path / "01_a.ipynb", tmp_path / "own" / "02_b.ipynb"):
        nbformat.write(new_notebook(), path)
    assert [path.stem for path in write_editions.notebooks(tmp_path)] == ["01_a", "02_b"]
    for name in ("01_a", "gallery"):
        nbformat.write(new_notebook(), tmp_path / "own" / f"{name}.ipynb")
        with pytest.raises(ValueError, match=rf"own/{name}\.ipynb: another page has this name already"):
            write_editions.notebooks(tmp_path)
        (tmp_path / "own" / f"{name}.ipynb").unlink()


@pytest.mark.slow
def test_a_notebook_of_ones_own_needs_no_notes_and_no_solutions(tmp_path):
    path = tmp_path / "own" / PATH.name
    path.parent.mkdir()
    nbformat.write(made_up(solution="## Two"), path)
    write_editions.write([path], ROOT / "INSTRUCTORS.md", tmp_path / "editions")
    written = nbformat.read(tmp_path / "editions" / "instructor" / PATH.name, as_version=4)
    assert written.cells[2].source == "a = ..."
    assert written.cells[3].outputs[0].text == "Ellipsis\n"
