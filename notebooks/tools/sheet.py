"""A problem sheet: the exercises of one notebook, with nbgrader's metadata, as the lecturer keeps it.

nbgrader makes the students' version of it: it takes out what stands between BEGIN and END.
"""

import ast
import re
from itertools import takewhile
from pathlib import Path
from typing import NamedTuple

from living import title_of
from nbformat import NotebookNode, from_dict
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from needed import Statement, bound_by, needed, reads, statements
from write_editions import SOLUTION, is_exercise, refuse, with_solutions

NOT_USED = ("matplotlib", "gdviz.views", "gdviz.plots", "gdviz.pictures", "importlib")  # pictures, and what Colab needs
POINTS = {"Tweak": 1, "Fill in": 2, "Write your own": 3}
OTHER_POINTS = 2  # of an exercise with another heading
CHECKS = "gdviz.exercises"
FOLDED = re.compile(re.escape(SOLUTION) + r".*?</details>\s*", re.S)
NOT_HERE = [  # what a question says of its notebook alone
    r"\s*\(The code of a check is folded away[^)]*\)",
    r"\s*Then, below the solution, [^.]*\.",
    r"\s*When it is right, it trains on [^.]*\.",
    r"\s*The check draws your [^.]*\.",
]
HEAD = """# Problem sheet {number}: {title}

The questions refer to the notebook `{name}`: keep it open beside this sheet. In each exercise replace the three
dots, run the cell, and then the check below it. Here the check only says whether there is an answer; your points
will tell whether it is right. Then say why it is right, in two sentences. You may add cells of your own.

Before you hand in the sheet, choose *Restart Kernel and Run All Cells* in the menu *Kernel*. When it is graded, a cell
that takes longer than five seconds is stopped."""
WHY = "**In two sentences:** why is your answer right?\n\n<!-- BEGIN SOLUTION -->\n{words}\n<!-- END SOLUTION -->"
STUB = "{stub}\n### BEGIN SOLUTION\n{solution}\n### END SOLUTION"
TEST = """# Is there an answer? Your points will tell whether it is right.
attempted({things})
### BEGIN HIDDEN TESTS
{code}

score({points}, {parts})
### END HIDDEN TESTS"""


class Exercise(NamedTuple):
    """An exercise of a notebook, and the number of the cell in which its question begins."""

    begins: int
    question: str
    stub: str
    check: str
    solution: str
    why: str

    @property
    def points(self) -> int:
        """By its heading, "### 1. Tweak"."""
        heading = re.match(r"#+ [\d. ]*(.*)", self.question)
        return POINTS.get(heading[1].strip() if heading else "", OTHER_POINTS)

    @property
    def names(self) -> list[str]:
        """What the learner is to define."""
        bound = [part.names.bound for part in statements(self.stub, 0)]
        return list(dict.fromkeys(name for names in bound for name in sorted(names)))


def sheet(notebook: NotebookNode, path: Path) -> NotebookNode:
    """The problem sheet of a notebook, with solutions, tests and model answers."""
    found = exercises(notebook, path)
    if not found:
        refuse(f'{path.name} has no exercise: none of its code cells has the tag "exercise"')
    number = path.stem.split("_")[0]
    tools = tools_of(notebook, found)
    title = title_of(notebook).partition(":")[0] or path.stem
    cells = [words(f"{number}-title", HEAD.format(number=number, title=title, name=path.name))]
    cells += [code(f"{number}-tools", tools[0], locked=True)]
    for k, exercise in enumerate(found, 1):
        cells.append(words(f"{number}-question-{k}", exercise.question))
        if tools[k]:
            cells.append(code(f"{number}-tools-{k}", tools[k], locked=True))
        filled = STUB.format(stub=exercise.stub, solution=exercise.solution)
        cells.append(code(f"{number}-exercise-{k}", filled, solution=True))
        cells.append(code(f"{number}-check-{k}", test_of(exercise, notebook), points=exercise.points, locked=True))
        if exercise.why:
            model = WHY.format(words=exercise.why)
            cells.append(words(f"{number}-why-{k}", model, points=1, solution=True, locked=False))
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return new_notebook(cells=cells, metadata={"kernelspec": kernel, "language_info": {"name": "python"}})


def exercises(notebook: NotebookNode, path: Path) -> list[Exercise]:
    """The exercises in their order; refused where one lacks its check or its solution."""
    solved, found, last = with_solutions(notebook, path), [], 0
    for i, cell in enumerate(notebook.cells):
        if is_exercise(cell):
            rest = list(takewhile(lambda other: not is_exercise(other), notebook.cells[i + 1 :]))
            check = next((other.source for other in rest if "check" in other.metadata.get("tags", [])), "")
            if not ends_with_value(check):
                refuse(
                    f"{path.name}: the exercise in cell {i} has no check: before the next exercise a code cell with the"
                    f' tag "check" must end with its Feedback; the cell is {cell.source!r}'
                )
            begins, question = question_of(notebook.cells, last, i)
            found.append(Exercise(begins, question, cell.source, check, solved.cells[i].source, why(rest)))
            last = i
    return found


def ends_with_value(source: str) -> bool:
    body = ast.parse(source).body
    return bool(body) and isinstance(body[-1], ast.Expr)


def question_of(cells: list[NotebookNode], start: int, end: int) -> tuple[int, str]:
    """The words from the last heading ### before the exercise on, or of the last cell; and the number of their cell."""
    words = {i: FOLDED.sub("", cells[i].source) for i in range(start, end) if cells[i].cell_type == "markdown"}
    begins = max((i for i in words if re.search("^### ", words[i], re.M)), default=max(words, default=end))
    question = "\n\n".join(words[i] for i in words if i >= begins)
    question = re.split("^(?=### )", question, flags=re.M)[-1]
    for sentence in NOT_HERE:
        question = re.sub(sentence, "", question)
    return begins, unlinked(question).strip()


def why(cells: list[NotebookNode]) -> str:
    """What the solution says after its code."""
    folded = next(cell.source for cell in cells if cell.source.startswith(SOLUTION)).partition("</details>")[0]
    return unlinked(re.split(r"^```python\n.*?\n```", folded, maxsplit=1, flags=re.S | re.M)[1]).strip()


def unlinked(source: str) -> str:
    """A link to another page of the course is its words: a sheet lies somewhere else."""
    return re.sub(r"(?<!!)\[([^][]+)\]\((?!https?:)[^)]*\)", r"\1", source)


def tools_of(notebook: NotebookNode, found: list[Exercise]) -> list[str]:
    """What the exercises need of the notebook: first of what comes before them all, then before each of them."""
    places = [i for i, cell in enumerate(notebook.cells) if is_exercise(cell)]
    kept: dict[int, set[str]] = {}
    all_parts = earlier(notebook, places[-1])
    for place, exercise in zip(places, found):
        before = [part for part in all_parts if part.cell < place and not hands_on_checks(part)]
        free = reads("\n".join([exercise.stub, exercise.solution, exercise.check]))
        parts, names = needed(before, free | {name for part in before if part.imports for name in usable(part.node)})
        for part in parts:
            kept.setdefault(all_parts.index(part), set()).update(names)
    texts: list[list[tuple[Statement, str]]] = [[] for _ in range(len(found) + 1)]
    for i in sorted(kept, key=lambda i: (not all_parts[i].imports, i)):
        part = all_parts[i]
        k = 0 if part.cell < found[0].begins else next(k for k, place in enumerate(places, 1) if part.cell < place)
        texts[k].append((part, part.only(kept[i])))
    own = f"from {CHECKS} import attempted, my"
    return [laid_out(parts, first) for parts, first in zip(texts, [own, *[""] * len(found)])]


def usable(node: ast.Import | ast.ImportFrom) -> set[str]:
    """The names of an import that an answer may use, whether or not the solution does."""
    module = getattr(node, "module", None)
    modules = {bound_by(alias): f"{module}.{alias.name}" if module else alias.name for alias in node.names}
    return {name for name, whole in modules.items() if not whole.startswith(NOT_USED)}


def earlier(notebook: NotebookNode, end: int) -> list[Statement]:
    """The statements of the notebook before this cell, but for its exercises and checks."""
    cells = [(i, cell) for i, cell in enumerate(notebook.cells[:end]) if cell.cell_type == "code"]
    plain = [(i, cell) for i, cell in cells if not {"exercise", "check"} & set(cell.metadata.get("tags", []))]
    return [part for i, cell in plain for part in statements(cell.source, i)]


def hands_on_checks(part: Statement) -> bool:
    """Whether it imports checks, or asks for a prediction: a test imports its own, and a sheet asks for none."""
    return isinstance(part.node, ast.ImportFrom) and part.node.module == CHECKS


def laid_out(parts: list[tuple[Statement, str]], first: str) -> str:
    """Imports, then the rest, with two blank lines around functions and classes."""
    imports = [text for part, text in parts if part.imports] + [first] * bool(first)
    lines = "\n".join(dict.fromkeys(imports))
    blocks = [(isinstance(part.node, ast.FunctionDef | ast.ClassDef), text) for part, text in parts if not part.imports]
    above = False
    for block, text in blocks:
        lines += ("\n\n\n" if block or above else "\n" if lines and lines != "\n".join(imports) else "\n\n") + text
        above = block
    return lines.strip()


def test_of(exercise: Exercise, notebook: NotebookNode) -> str:
    """The test: whether there is an answer, and hidden from the student the check, whose verdict makes the points."""
    *steps, last = statements(exercise.check, 0)
    parts = joined(last.node.value)
    if not 1 < len(parts) == len(exercise.names):  # one part for each name: each has its share of the points
        parts = [last.node.value]
    plain = earlier(notebook, len(notebook.cells))
    known = {name for part in plain if hands_on_checks(part) for name in part.names.bound}
    imports = ", ".join(sorted({"score"} | known & reads(exercise.check)))
    return TEST.format(
        things=", ".join(f"my.{name}" for name in exercise.names),
        code=f"from {CHECKS} import {imports}\n{code_of(exercise.check, len(steps))}".strip(),
        parts=", ".join(ast.get_source_segment(exercise.check, part) for part in parts),
        points=exercise.points,
    )


def joined(node: ast.expr) -> list[ast.expr]:
    """The parts of one & other & third."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitAnd):
        return [*joined(node.left), *joined(node.right)]
    return [node]


def code_of(source: str, count: int) -> str:
    """The lines of the first statements of a check, without its first comment."""
    body = ast.parse(source).body
    begin = min([node.lineno for node in [body[0], *getattr(body[0], "decorator_list", [])]])
    end = body[count - 1].end_lineno if count else begin - 1
    return "\n".join(source.splitlines()[begin - 1 : end])


def words(name: str, source: str, **marks: object) -> NotebookNode:
    return marked(new_markdown_cell(source), name, **{"locked": True} | marks)


def code(name: str, source: str, **marks: object) -> NotebookNode:
    return marked(new_code_cell(source), name, **marks)


def marked(cell: NotebookNode, name: str, points: int = 0, **marks: object) -> NotebookNode:
    """The cell with nbgrader's metadata; one that has points is graded."""
    plain = {"grade": bool(points), "grade_id": name, "locked": False, "solution": False, "task": False}
    whole = plain | {"schema_version": 3} | ({"points": points} if points else {}) | marks
    cell.id, cell.metadata = name, from_dict({"nbgrader": whole})
    return cell
