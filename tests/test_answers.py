"""Every exercise: the empty cell is told so, the solution passes, each listed mistake gets its hint."""

from pathlib import Path

import answers
import nbformat
import pytest

PATHS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))
each = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)


@each
def test_empty_cells_solutions_and_mistakes_are_told_apart(path):
    found = answers.of(path)
    wrong = [answer for answer in found if answer.expected not in answer.said]
    assert wrong == []


@each
def test_three_graded_exercises_with_hint_solution_and_listed_mistakes(path):
    notebook = nbformat.read(path, as_version=4)
    assert len(answers.exercises(notebook)) == 3
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    for title in ("### 1. Tweak", "### 2. Fill in", "### 3. Write your own"):
        assert text.count(title) == 1
    assert text.count("<summary>Hint</summary>") == 3
    assert all(len(answers.WRONG[path.stem][number]) >= 3 for number in (1, 2, 3))


@each
def test_exercise_cells_are_empty_and_checks_are_folded_away(path):
    notebook = nbformat.read(path, as_version=4)
    for exercise in answers.exercises(notebook):
        assert "..." in exercise.empty
        assert exercise.empty != exercise.solution
    checks = [cell for cell in notebook.cells if cell.metadata.get("tags") == ["check"]]
    assert all(cell.metadata.jupyter.source_hidden for cell in checks)
