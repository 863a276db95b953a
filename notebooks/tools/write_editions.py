"""Write the lecturer's edition of every notebook, and all decks, or those that are named. `make editions`.

instructor/: the exercises solved, everything run, and behind each section's heading its note from INSTRUCTORS.md.
decks/: the lectures of notebooks/decks.toml. What is there already and has not changed is not made again.
"""

import os
import re
import sys
from collections.abc import Sequence
from copy import deepcopy
from itertools import takewhile
from pathlib import Path

import nbformat
import write_decks
from books import is_own, named, notebooks
from instructors import refuse, table
from living import sections
from made import key_of, unchanged, write_whole
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell
from running import executed
from tqdm import tqdm

ROOT = Path(__file__).parents[2]
SOLUTION = "<details><summary>Solution</summary>"


def main(names: list[str]) -> None:
    os.environ |= {"TQDM_DISABLE": "1", "OMP_NUM_THREADS": "1"}  # in the notebooks; the bars below were there before
    paths, decks = notebooks(), write_decks.read_decks(ROOT / "notebooks" / "decks.toml")
    chosen = named(names, {path.stem: path for path in paths} | decks)
    instructors, editions = ROOT / "INSTRUCTORS.md", ROOT / "editions"
    write([one for one in chosen if isinstance(one, Path)], instructors, editions)
    write_decks.write([one for one in chosen if not isinstance(one, Path)], instructors, editions / "decks")


def write(paths: Sequence[Path], instructors: Path, editions: Path) -> None:
    """Write the lecturer's edition of these notebooks, each when it is done; nothing is run where notes do not fit."""
    text = instructors.read_text(encoding="utf-8")
    books = [nbformat.read(path, as_version=4) for path in paths]
    solved = [annotated(with_solutions(book, path), text, path) for book, path in zip(books, paths)]
    bar = tqdm(list(zip(paths, solved)), unit="notebook", disable=not paths)
    for path, solution in bar:
        bar.set_description(path.stem)
        target = editions / "instructor" / path.name
        key = key_of(nbformat.writes(solution))
        if not unchanged(target, key):
            write_instructor(solution, path, target, key)


def write_instructor(notebook: NotebookNode, path: Path, target: Path, key: str = "") -> None:
    """Run the notebook with its solutions and write it; it lies one folder deeper than the committed one."""
    up = "](../../notebooks/" if is_own(path) else "](../../"
    for cell in markdown(notebook):
        cell.source = cell.source.replace("](../", up)
    write_whole(target, nbformat.writes(executed(notebook, path.parent)), key)


def with_solutions(notebook: NotebookNode, path: Path) -> NotebookNode:
    """A copy in which each code cell with the tag "exercise" holds the code of its solution."""
    solved = deepcopy(notebook)
    for i, cell in enumerate(solved.cells):
        if is_exercise(cell):
            found = solution(notebook.cells[i + 1 :])
            if not found and not is_own(path):
                refuse(
                    f"{path.name}: the exercise in cell {i} has no solution: before the next exercise a markdown cell"
                    f" must begin with {SOLUTION} and hold a ```python fence; the cell is {cell.source!r}"
                )
            cell.source = found or cell.source
    return solved


def is_exercise(cell: NotebookNode) -> bool:
    return cell.cell_type == "code" and "exercise" in cell.metadata.get("tags", [])


def solution(cells: list[NotebookNode]) -> str:
    """The code of the first solution before the next exercise; empty where there is none."""
    near = takewhile(lambda cell: not is_exercise(cell), cells)
    folded = next((c.source for c in near if c.cell_type == "markdown" and c.source.startswith(SOLUTION)), "")
    fence = re.search(r"^```python\n(.*?)\n```", folded.partition("</details>")[0], re.S | re.M)
    return fence[1] if fence else ""


def annotated(notebook: NotebookNode, text: str, path: Path) -> NotebookNode:
    """The notebook with the lecturer's note behind each cell that holds the heading of a section."""
    if is_own(path):  # INSTRUCTORS.md knows those of the course
        return notebook
    titles = [title for cell in notebook.cells for _, title in sections(cell)]
    rows = table(text, path)
    where = f"INSTRUCTORS.md and {path.name}"
    if missing := [title for title in titles if title not in rows]:
        refuse(f"{where}: there is no row for the section {', '.join(map(repr, missing))}")
    if extra := [title for title in rows if title not in titles]:
        refuse(f"{where}: there is no section for the row {', '.join(map(repr, extra))}; the sections are {titles}")
    cells = []
    for cell in notebook.cells:
        cells += [cell, *(lecturer(title, rows[title], titles) for _, title in sections(cell))]
    notebook.cells = cells
    return notebook


def lecturer(title: str, row: list[str], titles: list[str]) -> NotebookNode:
    minutes, ask, expect = row
    source = f"> **For the lecturer** ({minutes} min). *Ask:* {ask} *Expect:* {expect}"
    metadata = {"slideshow": {"slide_type": "notes"}, "tags": ["lecturer"]}
    return new_markdown_cell(source, id=f"lecturer-{titles.index(title)}", metadata=metadata)


def markdown(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "markdown"]


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (ValueError, OSError) as error:
        sys.exit(f"no edition is written: {error}")
