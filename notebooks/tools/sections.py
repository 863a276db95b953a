"""Sections of a notebook, run with living players: each with what it needs, and again only when that has changed."""

import ast
import hashlib
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
from books import is_own
from living import alive, cut, sections
from made import key_of, write_whole
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook
from needed import changes, needed, reads, statements
from tqdm import tqdm

ROOT = Path(__file__).parents[2]
CACHE = ROOT / ".cache" / "sections"
Section = tuple[Path, str]  # a notebook, and the heading
KERNELS = 2  # at once
NEVER = {"exercise", "check"}  # what a learner runs


def run_sections(wanted: Sequence[Section], kept: Path = CACHE) -> dict[Section, list[NotebookNode]]:
    """The cells of these sections with their outputs, from `kept` where no code that they need has changed."""
    wanted = list(dict.fromkeys(wanted))
    parts = {one: part_of(*one) for one in wanted}
    files = {
        one: kept / f"{key_of(lines, *around(one[0]), *(cell.source for cell in own(cells)))}.json"
        for one, (lines, cells) in parts.items()
    }
    stale = [one for one in wanted if not files[one].exists()]
    with ThreadPoolExecutor(KERNELS) as pool, tqdm(total=len(stale), unit="section", disable=not stale) as bar:

        def run(some: Sequence[Section]) -> None:
            for folder in dict.fromkeys(path.parent for path, _ in some):
                there = [one for one in some if one[0].parent == folder]
                run_in_one(folder, {files[one]: parts[one] for one in there}, bar)

        list(pool.map(run, [stale[k::KERNELS] for k in range(KERNELS)]))
    for one, (_, cells) in parts.items():
        for cell, outputs in zip(own(cells), json.loads(files[one].read_text(encoding="utf-8"))):
            cell.outputs = nbformat.from_dict(outputs)
    return {one: cells for one, (_, cells) in parts.items()}


def run_in_one(folder: Path, parts: dict[Path, tuple[str, list[NotebookNode]]], bar: tqdm) -> None:
    """Run these sections one after the other in one kernel, which forgets all names between them."""
    texts = [[f"%reset -f\n{lines}", *(cell.source for cell in own(some))] for lines, some in parts.values()]
    cells = [new_code_cell(text) for some in texts for text in some]
    ends = {sum(1 + len(own(some)) for _, some in list(parts.values())[: k + 1]) for k in range(len(parts))}
    try:
        ran = alive(new_notebook(cells=cells), folder, lambda i: bar.update(i in ends)).cells
    except CellExecutionError as error:
        raise ValueError(str(error)) from error
    for file, (_, some) in parts.items():
        ran, mine = ran[1 + len(own(some)) :], ran[1 : 1 + len(own(some))]
        write_whole(file, json.dumps([cell.outputs for cell in mine]))


def around(path: Path) -> list[str]:
    """What a notebook of one's own may read beside it: the folder, and its files as they are."""
    files = sorted(file for file in path.parent.iterdir() if file.is_file() and file.suffix != ".ipynb")
    seen = [f"{file.name} {hashlib.sha256(file.read_bytes()).hexdigest()}" for file in files]
    return [str(path.parent), *seen] if is_own(path) else []


def part_of(path: Path, title: str) -> tuple[str, list[NotebookNode]]:
    """The lines that a section needs from before, and its cells."""
    cells = parts_of(path)
    place = places_of(cells)[title]
    return before(cells, place, is_own(path)), cells[slice(*place)]


def own(cells: Sequence[NotebookNode]) -> list[NotebookNode]:
    """Those of the cells that are run."""
    return [cell for cell in cells if is_run(cell)]


def refuse_strange(path: Path, title: str) -> None:
    """Refuse a title that is no section of the notebook."""
    places = places_of(parts_of(path))
    if title not in places:
        raise ValueError(f"{path.name} has no section {title!r}; its sections are {', '.join(map(repr, places))}")


def parts_of(path: Path) -> list[NotebookNode]:
    return [part for cell in nbformat.read(path, as_version=4).cells for part in cut(cell)]


def places_of(cells: Sequence[NotebookNode]) -> dict[str, tuple[int, int]]:
    """Of each section, by its title, where its cells begin and end."""
    heads = [(i, title) for i, cell in enumerate(cells) for _, title in sections(cell)[:1]]
    ends = [i for i, _ in heads[1:]] + [len(cells)]
    return {title: (start, end) for (start, title), end in zip(heads, ends)}


def before(cells: Sequence[NotebookNode], place: tuple[int, int], whole: bool = False) -> str:
    """The lines above a section that give the names which it uses, and what is set for all; or, where whole, all."""
    start, end = place
    above = [line for i in range(start) if is_run(cells[i]) for line in statements(cells[i].source, i)]
    modules = {name for line in above if isinstance(line.node, ast.Import) for name in line.names.bound}
    settings = [line for line in above if changes(line.node) & modules]  # a style, a seed
    wanted = reads("\n".join(cell.source for cell in cells[start:end] if is_run(cell)))
    kept, _ = needed(above, wanted.union(*(line.names.now for line in settings)))
    return "\n".join(line.source for line in above if whole or line in kept or line in settings)


def is_run(cell: NotebookNode) -> bool:
    return cell.cell_type == "code" and not NEVER & set(cell.metadata.get("tags", []))
