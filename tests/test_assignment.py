"""Problem sheets for nbgrader: what they hold and hide, and the points of right, wrong and endless work."""

import contextlib
import importlib
import io
import json
import linecache
import re
import sys
from importlib.util import find_spec
from pathlib import Path

import answers
import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from gdviz.exercises import Feedback, attempted, my, score

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT / "notebooks" / "tools"))
needed, sheets, write_assignment = map(importlib.import_module, ("needed", "sheet", "write_assignment"))
PATHS = sorted((ROOT / "notebooks").glob("*.ipynb"))
each = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
MADE_UP = Path("09_made_up.ipynb")
QUESTION = "Before.\n\n## Exercises\n\n### 2. Fill in\n\nWhat is six times [seven](01_more.ipynb#seven)?"
CHECK = "# This checks it.\nhints = {'That is the sum.': 13}\ncheck_number(my.a, 42, mistakes=hints)"
SOLUTION = "<details><summary>Solution</summary>\n\n```python\na = six * 7\n```\n\nSeven sixes.\n</details>\n\n## Next"


def made_up(check=CHECK, solution=SOLUTION):
    """A notebook with one exercise."""
    cells = [new_markdown_cell("# Made up: a notebook"), new_code_cell("%pip install this\nimport math, cmath as c")]
    cells += [new_code_cell("from gdviz.exercises import check_number, my, predict\npredict('09-1', '?')\nsix = 6")]
    cells += [new_code_cell("unused = 7\nprint(unused)"), new_markdown_cell(QUESTION)]
    cells += [new_code_cell("a = ...", metadata={"tags": ["exercise"]}), new_code_cell(check)]
    cells[-1].metadata["tags"] = ["check"] if check else []
    return new_notebook(cells=[*cells, new_markdown_cell(solution)])


def test_a_sheet_is_the_exercise_with_what_it_needs_and_nbgrader_s_metadata():
    cells = {cell.id: cell for cell in sheets.sheet(made_up(), MADE_UP).cells}
    marks = {name: cell.metadata.nbgrader for name, cell in cells.items()}
    assert list(cells) == ["09-title", "09-tools", "09-question-1", "09-exercise-1", "09-check-1", "09-why-1"]
    assert all(mark.grade_id == name and mark.schema_version == 3 for name, mark in marks.items())
    assert {name for name, mark in marks.items() if not mark.locked} == {"09-exercise-1", "09-why-1"}
    assert {name: mark.points for name, mark in marks.items() if mark.grade} == {"09-check-1": 2, "09-why-1": 1}
    assert {name for name, mark in marks.items() if mark.solution} == {"09-exercise-1", "09-why-1"}
    assert cells["09-title"].source.startswith("# Problem sheet 09: Made up\n")
    tools = "import math, cmath as c\nfrom gdviz.exercises import attempted, my\n\nsix = 6"
    assert cells["09-tools"].source == tools
    assert cells["09-question-1"].source == "### 2. Fill in\n\nWhat is six times seven?"


def test_the_students_see_the_stub_and_the_lecturer_the_rest():
    whole = sheets.sheet(made_up(), MADE_UP)
    cells = {cell.id: cell.source for cell in students(whole).cells}
    assert cells["09-exercise-1"].strip() == "a = ..."
    assert cells["09-check-1"].splitlines()[1:] == ["attempted(my.a)"]
    assert cells["09-why-1"].split() == ["**In", "two", "sentences:**", "why", "is", "your", "answer", "right?"]
    for hidden in ("a = six * 7", "That is the sum.", "score(2, check_number(my.a, 42", "Seven sixes."):
        assert hidden in json.dumps(whole)
        assert hidden not in json.dumps(cells)


def test_several_names_share_the_points():
    two = "first = check_number(my.a, 1)\nfirst & check_number(my.b, 2)"
    notebook = made_up(check=two)
    notebook.cells[5].source = "a = ...\nb = ..."
    (exercise,) = sheets.exercises(notebook, MADE_UP)
    assert exercise.names == ["a", "b"]
    assert "score(2, first, check_number(my.b, 2))" in sheets.test_of(exercise, notebook)
    one = sheets.exercises(made_up(check=two), MADE_UP)[0]
    assert "score(2, first & check_number(my.b, 2))" in sheets.test_of(one, notebook)


@pytest.mark.parametrize(
    ("notebook", "complaint"),
    [
        (made_up(check=""), r"09_made_up\.ipynb: the exercise in cell 5 has no check"),
        (made_up(check="a = 1"), r"the exercise in cell 5 has no check.* must end with its Feedback"),
        (made_up(solution="## Next"), r"09_made_up\.ipynb: the exercise in cell 5 has no solution"),
        (new_notebook(cells=[new_code_cell("a = 1")]), r"09_made_up\.ipynb has no exercise"),
    ],
)
def test_what_is_no_whole_exercise_is_refused_and_nothing_is_written(tmp_path, notebook, complaint):
    nbformat.write(made_up(), tmp_path / "08_before.ipynb")
    nbformat.write(notebook, tmp_path / MADE_UP)
    with pytest.raises(ValueError, match=complaint):
        write_assignment.write([tmp_path / "08_before.ipynb", tmp_path / MADE_UP], tmp_path / "assignment")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["08_before.ipynb", MADE_UP.name]


def test_a_notebook_that_is_not_there_is_refused_with_those_that_are():
    with pytest.raises(ValueError, match=r"there is no '02_rate'; there are 00_start_here, 01_linear"):
        write_assignment.main(["02_rate"])


def test_settings_of_one_s_own_stay(tmp_path, monkeypatch):
    nbformat.write(made_up(), tmp_path / MADE_UP)
    monkeypatch.setattr(write_assignment, "find_spec", lambda name: None)
    for _ in range(2):
        write_assignment.write([tmp_path / MADE_UP], tmp_path / "assignment")
        settings = tmp_path / "assignment" / "nbgrader_config.py"
        settings.write_text(settings.read_text() + "# mine\n")
    assert settings.read_text().count("# mine\n") == 2
    assert sorted(file.name for file in (tmp_path / "assignment").iterdir()) == ["nbgrader_config.py", "source"]


@pytest.mark.parametrize(
    ("source", "wanted", "kept"),
    [
        ("a = 1\nb = a\nc = 2", "b", "a = 1\nb = a"),
        ("a = 1\na = 2", "a", "a = 2"),
        ("a = []\na.append(1)\nprint(a)", "a", "a = []\na.append(1)"),
        ("a = 1\na += 1", "a", "a = 1\na += 1"),
        ("a = [0]\na[0] = 1\nb = 2", "a", "a = [0]\na[0] = 1"),
        ("f = lambda: g()\ng = lambda: 1\nh = f", "f", "f = lambda: g()\ng = lambda: 1"),
        ("n = 1\nf = lambda: n\nn = 2", "f", "n = 1\nf = lambda: n\nn = 2"),
        ("a = 1\nif a:\n    b = 1\nelse:\n    pass", "b", "a = 1\nif a:\n    b = 1\nelse:\n    pass"),
        ("b = 0\nfor i in range(3):\n    b = i", "b", "b = 0\nfor i in range(3):\n    b = i"),
        ("i = 0\na = [i for i in range(3)]", "a", "a = [i for i in range(3)]"),
        ("import os, sys\nos.getcwd()\na = sys.path", "a", "import sys\na = sys.path"),
        ("@cache\ndef f():\n    pass", "f", "@cache\ndef f():\n    pass"),
    ],
)
def test_what_a_name_needs_is_what_binds_or_changes_it_and_what_that_reads(source, wanted, kept):
    parts, names = needed.needed(needed.statements(source, 0), {wanted})
    assert "\n".join(part.only(names) for part in parts) == kept


def test_three_dots_are_no_answer_and_those_of_an_index_are_one():
    def first(p):
        return p[..., 0]

    def empty(p):
        return p[..., 0], ...

    class Rule:
        def update(self, params):
            return ...

    assert attempted(0.45, first, "word").startswith("●")
    for thing in (..., None, empty, Rule, Rule()):
        assert attempted(0.45, thing).startswith("○ Not attempted yet. Replace the three dots")
    assert "There is no `frist` here yet" in attempted(my.frist)


def test_the_right_ones_make_their_share_of_the_points(capsys):
    assert score(3, Feedback(True), Feedback(False, "Carry the 2."), Feedback(True)) == 2
    assert capsys.readouterr().out == "✓ Right.\n✗ Not yet. Carry the 2.\n✓ Right.\n"


def students(notebook):
    """The sheet as students get it, without nbgrader."""
    notebook = nbformat.from_dict(json.loads(json.dumps(notebook)))
    for cell in notebook.cells:
        cell.source = re.sub(r"^\S+ BEGIN .*?^\S+ END [^\n]*", "", cell.source, flags=re.S | re.M).strip()
    return notebook


def secrets(path):
    """The lines of checks, solutions and model answers, but for what the question says or begins with."""
    notebook = nbformat.read(path, as_version=4)
    found = sheets.exercises(notebook, path)
    seen = "\n".join(exercise.stub + exercise.question for exercise in found)
    for exercise in found:
        for line in f"{exercise.check}\n{exercise.solution}\n{exercise.why}".splitlines():
            values = re.findall(r"^(?:return |\w+ = )(.{4,})", line.strip())
            words = [value for value in values if re.fullmatch(r'"[\w ]+"', value)]  # one of several that are given
            parts = {line.strip(), *values} - {*words}
            yield from (part for part in parts if len(part) > 5 and part not in seen and part[0] != "#")


@each
def test_every_exercise_is_there_and_nothing_is_given_away(path):
    whole = sheets.sheet(nbformat.read(path, as_version=4), path)
    nbformat.validate(whole)
    assert len({cell.id for cell in whole.cells}) == len(whole.cells)
    assert [cell.metadata.nbgrader.points for cell in whole.cells if cell.metadata.nbgrader.grade] == [1, 1, 2, 1, 3, 1]
    text = "\n".join(cell.source for cell in students(whole).cells)
    for title in ("### 1. Tweak", "### 2. Fill in", "### 3. Write your own"):
        assert text.count(title) == 1
    assert all(exercise.empty.strip() in text for exercise in answers.exercises(nbformat.read(path, as_version=4)))
    assert text.count("<summary>Hint</summary>") == 3
    assert [line for line in secrets(path) if line in text] == []
    assert [word for word in ("predict(", "revisit(", "%pip", "views.", "folded", "solution") if word in text] == []


def run(notebook):
    """What each cell prints, then the value of its last line, by the cell's name; run here, without a kernel."""
    page, said = {"__name__": "a page"}, {}
    for cell in (cell for cell in notebook.cells if cell.cell_type == "code"):
        *_, last = needed.statements(cell.source, 0)
        name = f"<{id(notebook)} {cell.id}>"
        linecache.cache[name] = (len(cell.source), None, cell.source.splitlines(keepends=True), name)
        printed, tree = io.StringIO(), sheets.ast.parse(cell.source)
        ends = isinstance(last.node, sheets.ast.Expr) and tree.body.pop()
        with contextlib.redirect_stdout(printed):
            exec(compile(tree, name, "exec"), page)
            value = eval(compile(sheets.ast.Expression(ends.value), name, "eval"), page) if ends else None
        said[cell.id] = printed.getvalue(), value
    return said


@each
def test_solutions_get_all_points_and_three_dots_none_without_an_error(path):
    whole = sheets.sheet(nbformat.read(path, as_version=4), path)
    points = {cell.id: cell.metadata.nbgrader.points for cell in whole.cells if "-check-" in cell.id}
    solved = run(whole)
    assert {name: solved[name][1] for name in points} == points
    assert all(set(solved[name][0].splitlines()) == {"✓ Right."} for name in points)
    empty = students(whole)
    tried = run(empty)
    assert all(tried[name][1].startswith("○ Not attempted yet.") for name in points)
    for cell, full in zip(empty.cells, whole.cells):
        cell.source = full.source if cell.id in points else cell.source
    graded = run(empty)
    assert all(graded[name][1] == 0 for name in points)
    assert all("○ Not attempted yet." in graded[name][0] for name in points)


SHEET = "02_learning_rate"
LATE = {
    "02-exercise-1": "limit = 2 / 6\nbest_rate = 2 / 6\nwhile True:\n    best_rate = 2 / 7",
    "02-exercise-2": "def steps_needed(kappa, share=1e-6):\n    while True:\n        pass",
}
WRONG = {
    "02-exercise-1": "limit = 1 / 6\nbest_rate = 2 / 7",
    "02-exercise-2": "def steps_needed(k, share=1e-6):\n    return math.log(share) / math.log((k - 1) / (k + 1))",
    "02-exercise-3": "def my_rate(step):\n    return 0.05",
    "02-why-1": "The limit is one over the curvature.",
}


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A course folder in which nbgrader has graded three submissions of sheet 02."""
    if not find_spec("nbgrader"):
        pytest.skip("needs nbgrader: make assignment installs it")
    course = tmp_path_factory.mktemp("a course") / "assignment"
    write_assignment.write([ROOT / "notebooks" / f"{SHEET}.ipynb"], course)
    whole = nbformat.read(course / "source" / SHEET / f"{SHEET}.ipynb", as_version=4)
    right = {cell.id: cell.source.partition("SOLUTION\n")[2].partition("\n###")[0] for cell in whole.cells}
    right = {name: source for name, source in right.items() if "-exercise-" in name}
    for student, work in {"right": right, "wrong": WRONG, "endless": right | LATE}.items():
        notebook = nbformat.read(course / "release" / SHEET / f"{SHEET}.ipynb", as_version=4)
        for cell in notebook.cells:
            cell.source = work.get(cell.id, cell.source)
        (course / "submitted" / student / SHEET).mkdir(parents=True)
        nbformat.write(notebook, course / "submitted" / student / SHEET / f"{SHEET}.ipynb")
    write_assignment.nbgrader(course, "autograde", SHEET)
    write_assignment.write([ROOT / "notebooks" / f"{SHEET}.ipynb"], course)  # once more: points stay
    write_assignment.nbgrader(course, "generate_feedback", SHEET)
    return course


def test_nbgrader_takes_out_what_the_students_must_not_see(course):
    text = (course / "release" / SHEET / f"{SHEET}.ipynb").read_text(encoding="utf-8")
    released = nbformat.reads(text, as_version=4)
    assert [line for line in secrets(ROOT / "notebooks" / f"{SHEET}.ipynb") if json.dumps(line)[1:-1] in text] == []
    ours = students(nbformat.read(course / "source" / SHEET / f"{SHEET}.ipynb", as_version=4)).cells
    assert [cell.source.strip() for cell in released.cells if "-why-" not in cell.id] == [
        cell.source for cell in ours if "-why-" not in cell.id
    ]
    assert all(cell.metadata.nbgrader.checksum for cell in released.cells)


def test_nbgrader_gives_points_for_what_is_right_and_goes_on_after_what_never_ends(course):
    from nbgrader.api import Gradebook

    points = {}
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}", "gdviz") as book:
        for submission in book.assignment_submissions(SHEET):
            grades = [grade for notebook in submission.notebooks for grade in notebook.grades]
            points[submission.student.id] = [grade.auto_score for grade in grades if "-check-" in grade.name]
            by_hand = {grade.name for grade in grades if grade.needs_manual_grade}
            assert by_hand == ({"02-why-1"} if submission.student.id == "wrong" else set())
    assert points == {"right": [1, 2, 3], "wrong": [0.5, 0, 0], "endless": [1, 0, 3]}


def test_the_feedback_names_the_mistake_and_keeps_the_answers(course):
    def feedback(student):
        return (course / "feedback" / student / SHEET / f"{SHEET}.html").read_text(encoding="utf-8")

    assert "limit: That is 1 / L, where the zig-zag begins." in feedback("wrong")
    assert "It is not rounded yet: math.ceil." in feedback("wrong")
    assert "It was not finished after 5 seconds" in feedback("endless")
    assert "CellTimeoutError" in feedback("endless")
    for student in ("right", "wrong", "endless"):
        assert "BEGIN HIDDEN TESTS" not in feedback(student)
        assert "At 1 / L the steep part is gone in one step" not in feedback(student)
