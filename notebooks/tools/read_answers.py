"""Letters and mistakes of a folder of notebooks that learners have handed in. Nothing of them is run."""

import ast
import html
import re
import warnings
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import nbformat
from IPython.core.inputtransformer2 import TransformerManager
from nbformat import NotebookNode

from gdviz.exercises.questions import LETTERS, MOST, OWN, heard, row

COPY = re.compile(r"(-Copy\d*|[ _]?\(\d+\)| copy(?: \d+)?)+$", re.I)  # as JupyterLab, a browser and a Mac name copies
MISTAKE = re.compile(r'data-mistake="([^"]*)"')


class Answers(NamedTuple):
    """What a notebook holds.

    letters: question -> the letter, or what stands in its place. choices: those of questions of one's own.
    mistakes: their keys. notebook: the number of the course's notebook, or the word of one's own questions.
    """

    letters: dict[str, str]
    choices: dict[str, int]
    mistakes: set[str]
    notebook: str


class Submissions(NamedTuple):
    """answers: of each notebook that counts. copies: left out for a newer one. broken: file -> what is wrong."""

    answers: dict[Path, Answers]
    copies: list[Path]
    broken: dict[Path, str]


def submissions(folder: Path) -> Submissions:
    """The notebooks below a folder; of nbgrader's course folder, those in submitted/.

    Each file is a learner of its own, but copies count once, the newest: files in one folder whose names differ by
    "-Copy1", " (1)" or " copy" alone, and files of one name of which one lies in a folder below the other's.
    """
    folder = folder / "submitted" if (folder / "submitted").is_dir() else folder
    read, broken = {}, {}
    for path in sorted(folder.rglob("*.ipynb")):
        if any(part.startswith(".") for part in path.relative_to(folder).parts):
            continue  # .ipynb_checkpoints
        try:
            with warnings.catch_warnings(action="ignore"):  # of old formats
                read[path] = answers(nbformat.read(path, as_version=4))
        except Exception as error:  # whatever a file holds that is no notebook
            broken[path] = f"{type(error).__name__}: {error}".split("\n")[0]
    groups: dict[tuple[Path, str], list[Path]] = defaultdict(list)
    for path in read:
        groups[_place(path, folder, read), _stem(path)].append(path)
    newest = {max(same, key=lambda path: (path.stat().st_mtime, path.name)) for same in groups.values()}
    return Submissions({p: read[p] for p in read if p in newest}, [p for p in read if p not in newest], broken)


def _stem(path: Path) -> str:
    return COPY.sub("", path.stem)


def _place(path: Path, folder: Path, others: Any) -> Path:
    """The highest folder above a notebook that has one of its name, below the folder that all are in."""
    above = [parent for parent in path.parents if parent != folder and parent.is_relative_to(folder)]
    found = [parent for parent in above if any(p.parent == parent and _stem(p) == _stem(path) for p in others)]
    return found[-1] if found else path.parent


def answers(notebook: NotebookNode) -> Answers:
    """What one notebook holds. Of two lines about one question the last counts."""
    letters, choices, mistakes = {}, {}, set()
    for cell in notebook.cells:
        if cell.cell_type == "code":
            for name, letter, of_own in predicted(cell.source):
                letters[name] = letter
                choices |= {name: of_own} if of_own else {}
            mistakes |= {key for output in cell.get("outputs", []) for key in keys(output)}
    names = [name.rpartition("-")[0] for name in letters]
    return Answers(letters, choices, mistakes, max(names, key=names.count, default=""))


def predicted(source: str) -> Iterator[tuple[str, str, int]]:
    """Of each predict(...) in a cell its name, its letter ("" is none yet) and, of one's own, the number of choices."""
    for call in sorted(_calls(source), key=lambda call: (call.lineno, call.col_offset)):
        given = dict(zip(("name", "letter"), call.args)) | {word.arg: word.value for word in call.keywords}
        name, of_own = _value(given.get("name")), _value(given.get("choices"))
        if isinstance(name, str) and (row(name) or OWN.fullmatch(name)):
            letter = heard(_value(given["letter"])) if "letter" in given else None
            whole = isinstance(of_own, int) and 2 <= of_own <= MOST and not row(name)
            yield name, "" if letter is None else str(letter), of_own if whole else 0


def _calls(source: str) -> list[ast.Call]:
    """The calls of predict; in a cell that is no Python, those in the lines that are."""
    try:
        tree = ast.parse(TransformerManager().transform_cell(source))
    except (SyntaxError, ValueError, RecursionError):
        lines = [line.strip() for line in source.splitlines()]
        return [call for line in lines if "predict" in line and len(lines) > 1 for call in _calls(line)]
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call) and _called(node.func) == "predict"]


def _called(function: ast.expr) -> str:
    return getattr(function, "id", getattr(function, "attr", ""))


def _value(node: ast.expr | None) -> Any:
    """What is written there: a constant, or else its source: a letter without its quotation marks is meant as one."""
    return node.value if isinstance(node, ast.Constant) else None if node is None else ast.unparse(node)


def keys(output: Any) -> Iterator[str]:
    """The keys of mistakes in an output: in its metadata, or in its HTML."""
    key = output.get("metadata", {}).get("gdviz", {}).get("mistake")
    shown = output.get("data", {}).get("text/html", "")
    if isinstance(key, str) and key:
        yield key
    elif isinstance(shown, str):
        yield from (html.unescape(key) for key in MISTAKE.findall(shown) if key)


def choices_of(name: str, given: int) -> str:
    """The letters of a question: the course's, else as many as its notebooks say."""
    found = row(name)
    return LETTERS[: found.choices if found else given]
