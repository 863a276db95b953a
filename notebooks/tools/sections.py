"""Sections of a notebook, run with living players: each with what it needs, and again only when that has changed."""

import ast
import json
import os
import symtable
from collections.abc import Iterable, Sequence
from pathlib import Path

import nbformat
from IPython.core.inputtransformer2 import TransformerManager
from living import alive, cut, sections
from nbformat import NotebookNode
from nbformat.v4 import new_notebook
from unchanged import key_of

ROOT = Path(__file__).parents[2]
CACHE = ROOT / ".cache" / "sections"
NEVER = {"exercise", "check"}  # what a learner runs


def run_sections(path: Path, titles: Sequence[str], kept: Path = CACHE) -> dict[str, list[NotebookNode]]:
    """The cells of these sections of a notebook with their outputs, from `kept` where no code they need has changed."""
    cells = parts_of(path)
    places = places_of(cells)
    wanted = {title: [i for i in needed(cells, places[title]) if cells[i].cell_type == "code"] for title in titles}
    files = {title: kept / f"{key_of(*(cells[i].source for i in wanted[title]))}.json" for title in titles}
    if stale := [title for title in titles if not files[title].exists()]:
        which = sorted({i for title in stale for i in wanted[title]})
        ran = dict(zip(which, alive(new_notebook(cells=[cells[i] for i in which]), path.parent).cells))
        kept.mkdir(parents=True, exist_ok=True)
        for title in stale:
            part = files[title].with_suffix(f".{os.getpid()}")
            part.write_text(json.dumps([ran[i].outputs for i in own(wanted[title], places[title])]), encoding="utf-8")
            part.replace(files[title])
    shown = {}
    for title in titles:
        for i, outputs in zip(own(wanted[title], places[title]), json.loads(files[title].read_text(encoding="utf-8"))):
            cells[i].outputs = nbformat.from_dict(outputs)
        shown[title] = [cells[i] for i in places[title]]
    return shown


def own(wanted: Iterable[int], section: range) -> list[int]:
    return [i for i in wanted if i in section]


def refuse_strange(path: Path, titles: Sequence[str]) -> None:
    """Refuse a title that is no section of the notebook."""
    places = places_of(parts_of(path))
    if strange := [title for title in titles if title not in places]:
        raise ValueError(f"{path.name} has no section {strange[0]!r}; its sections are {', '.join(map(repr, places))}")


def parts_of(path: Path) -> list[NotebookNode]:
    return [part for cell in nbformat.read(path, as_version=4).cells for part in cut(cell)]


def places_of(cells: Sequence[NotebookNode]) -> dict[str, range]:
    """Of each section, by its title, where its cells are."""
    heads = [(i, title) for i, cell in enumerate(cells) for _, title in sections(cell)[:1]]
    ends = [i for i, _ in heads[1:]] + [len(cells)]
    return {title: range(start, end) for (start, title), end in zip(heads, ends)}


def needed(cells: Sequence[NotebookNode], section: Iterable[int]) -> list[int]:
    """The section's cells, and before them those code cells that give it a name which it uses; without exercises."""
    own = [i for i in section if not is_learners(cells[i])]
    wanted, found = set(), set(own)
    for i in reversed(range(max(own) + 1)):
        if cells[i].cell_type != "code" or is_learners(cells[i]):
            continue
        used, given, changed = names_of(cells[i].source)
        if i in found or wanted & (given | changed) or "plt.style" in cells[i].source:
            found.add(i)
            wanted = wanted - given | used
    return sorted(found)


def is_learners(cell: NotebookNode) -> bool:
    return bool(NEVER & set(cell.metadata.get("tags", [])))


def names_of(code: str) -> tuple[set[str], set[str], set[str]]:
    """The names that a cell needs from before, those that it gives, and those whose things it changes."""
    used, given, changed = set(), set(), set()
    for line in ast.parse(plain(code)).body:
        table = symtable.symtable(ast.unparse(line), "cell", "exec")
        mine = table.get_symbols()
        loops = {name.id for loop in ast.walk(line) if isinstance(loop, ast.For) for name in names_in(loop.target)}
        reads = {one.get_name() for one in mine if one.is_referenced()} | set().union(
            *map(globals_of, table.get_children())
        )
        used |= reads - given - loops
        given |= {one.get_name() for one in mine if one.is_assigned() or one.is_imported() or one.is_namespace()}
        for part in ast.walk(line):
            if isinstance(part, ast.AugAssign):
                changed |= {name.id for name in names_in(part.target)}
            elif isinstance(part, ast.Subscript | ast.Attribute) and not isinstance(part.ctx, ast.Load):
                changed |= {name.id for name in names_in(part.value)}
    return used | changed, given - changed, changed


def names_in(tree: ast.AST) -> list[ast.Name]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.Name)]


def globals_of(table: symtable.SymbolTable) -> set[str]:
    """The names from outside that a function, and those in it, use."""
    own = {one.get_name() for one in table.get_symbols() if one.is_global() and one.is_referenced()}
    return own.union(*map(globals_of, table.get_children()))


def plain(code: str) -> str:
    """The code without magics."""
    return TransformerManager().transform_cell(code)
