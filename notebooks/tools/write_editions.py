"""Write two more editions of every notebook (or of those named) into editions/. `make editions`.

instructor/: the exercises solved, everything run, and behind each section's heading its note from INSTRUCTORS.md.
slides/: slides whose players move, for any browser without a network; every section begins a slide.
"""

import os
import re
import sys
from copy import deepcopy
from itertools import takewhile
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from living import sections
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell
from npm_files import CACHE, write_files
from slides import ASSETS, write_slides
from tqdm import tqdm
from write_outputs import executed

ROOT = Path(__file__).parents[2]
SOLUTION = "<details><summary>Solution</summary>"
COLUMNS = ["section", "minutes", "ask before", "expect"]


def main(names: list[str]) -> None:
    os.environ["TQDM_DISABLE"] = "1"  # in the notebooks; the bar below was there before
    paths = [Path(name) for name in names] or sorted((ROOT / "notebooks").glob("*.ipynb"))
    write(paths, ROOT / "INSTRUCTORS.md", ROOT / "editions")


def write(paths: list[Path], instructors: Path, editions: Path, cache: Path = CACHE) -> None:
    """Write both editions of these notebooks: all of them, or where one fails none. cache: for npm's packages."""
    books = [nbformat.read(path, as_version=4) for path in paths]
    notes = instructors.read_text(encoding="utf-8")
    solved = [annotated(with_solutions(book, path), notes, path) for book, path in zip(books, paths)]
    editions.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".unfinished-", dir=editions) as folder:
        write_files(ASSETS, Path(folder, "slides", "assets"), cache)
        with tqdm(total=2 * len(paths), unit="edition") as bar:
            for path, book, solution in zip(paths, books, solved):
                bar.set_description(path.stem)
                write_instructor(solution, path, Path(folder, "instructor"))
                bar.update()
                write_slides(book, path, Path(folder, "slides"))
                bar.update()
        for file in (file for file in Path(folder).rglob("*") if file.is_file()):
            target = editions / file.relative_to(folder)
            target.parent.mkdir(exist_ok=True, parents=True)
            file.replace(target)


def write_instructor(notebook: NotebookNode, path: Path, folder: Path) -> None:
    """Run the notebook with its solutions and write it; it lies one folder deeper than the committed one."""
    for cell in markdown(notebook):
        cell.source = cell.source.replace("](../", "](../../")
    folder.mkdir(exist_ok=True)
    nbformat.write(executed(notebook, path.parent), folder / path.name)


def with_solutions(notebook: NotebookNode, path: Path) -> NotebookNode:
    """A copy in which each code cell with the tag "exercise" holds the code of its solution."""
    solved = deepcopy(notebook)
    for i, cell in enumerate(solved.cells):
        if is_exercise(cell):
            cell.source = solution(notebook.cells[i + 1 :]) or refuse(
                f"{path.name}: the exercise in cell {i} has no solution: before the next exercise a markdown cell must"
                f" begin with {SOLUTION} and hold a ```python fence; the cell is {cell.source!r}"
            )
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


def table(text: str, path: Path) -> dict[str, list[str]]:
    """Section -> minutes, what to ask before, what to expect: from the table under "### 01 Linear regression"."""
    parts = re.split(r"^#+ +(.+?) *$", text, flags=re.M)
    bodies = {title.lower().replace(" ", "_"): body for title, body in zip(parts[1::2], parts[2::2])}
    place = f'INSTRUCTORS.md, "### {path.stem.replace("_", " ")}"'
    if path.stem not in bodies:
        refuse(f"{place}: there is no such heading (upper and lower case are the same)")
    first, *rest = [row_of(line) for line in bodies[path.stem].splitlines() if line.startswith("|")] or [[]]
    rows = rest[1:]  # behind the line of dashes
    wrong = [first] if first != COLUMNS else [row for row in rows if len(row) != 4 or not row[1].isdecimal()]
    if wrong:
        refuse(f"{place}: a table with the columns {COLUMNS} is needed, minutes as a whole number; got {wrong[0]}")
    return {row[0]: row[1:] for row in rows}


def row_of(line: str) -> list[str]:
    cells = re.split(r"(?<!\\)\|", line.strip().removeprefix("|").removesuffix("|"))
    return [cell.strip().replace(r"\|", "|") for cell in cells]


def markdown(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "markdown"]


def refuse(message: str) -> None:
    raise ValueError(message)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (ValueError, OSError) as error:
        sys.exit(f"no edition is written: {error}")
