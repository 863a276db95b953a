"""The slides of a notebook: reveal.js with living players, beside the files in assets/ that they need."""

import re
from copy import deepcopy
from itertools import pairwise
from pathlib import Path

from nbconvert import SlidesExporter
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell
from write_outputs import executed

from gdviz import export

TEMPLATE = Path(__file__).parent / "slides.html.j2"
SETUP = "from gdviz.export import embed\n\nembed()\ndel embed"  # players show themselves as HTML


def write_slides(notebook: NotebookNode, path: Path, folder: Path) -> None:
    """Run the notebook with players as HTML, and write its slides beside their assets/."""
    notebook.cells.insert(0, new_code_cell(SETUP))
    executed(notebook, path.parent)
    notebook.cells = [part for cell in notebook.cells[1:] for part in slides_of(cell)]
    title = re.search(r"^# (.+)$", notebook.cells[0].source, re.M)
    metadata = {"name": title[1] if title else path.stem, "path": str(path.parent)}
    exporter = SlidesExporter(template_file=str(TEMPLATE))  # embed_images would unfold <details>
    html, _ = exporter.from_notebook_node(notebook, {"metadata": metadata, "player_code": export.code()})
    (folder / f"{path.stem}.html").write_text(html, encoding="utf-8")


def slides_of(cell: NotebookNode) -> list[NotebookNode]:
    """The cell, cut before the headings of sections, each of which begins a slide; a folded cell is hidden."""
    if cell.metadata.get("jupyter", {}).get("source_hidden"):  # a check: its code holds the answers
        cell.metadata["transient"] = {"remove_source": True}
    if cell.cell_type != "markdown" or cell.metadata.get("slideshow", {}).get("slide_type") in ("skip", "notes"):
        return [cell]
    starts, parts = [start for start, _ in sections(cell)], []
    for start, end in pairwise(sorted({0, *starts, len(cell.source)})):
        part = deepcopy(cell)
        part.id, part.source = f"{cell.id}-{start}", linked(cell.source[start:end])
        if start in starts or parts:
            part.metadata["slideshow"] = {"slide_type": "slide"}
        parts.append(part)
    return parts


def linked(source: str) -> str:
    """Links to notebooks lead to their slides; those to other files, which are not there, become text."""
    source = re.sub(r"\]\((\w+)\.ipynb[^)]*\)", r"](\1.html)", source)
    return re.sub(r"(?<!!)\[([^][]+)\]\((?!https?:|#|\w+\.html\))[^)]*\)", r"\1", source)


def sections(cell: NotebookNode) -> list[tuple[int, str]]:
    """Where each H2 heading of a markdown cell begins, and its title; a line in a code fence is none."""
    if cell.cell_type != "markdown":
        return []
    plain = re.sub(r"^```.*?^```", lambda fence: " " * len(fence[0]), cell.source, flags=re.S | re.M)
    return [(heading.start(), heading[1]) for heading in re.finditer(r"^## +(.+?)[ #]*$", plain, re.M)]
