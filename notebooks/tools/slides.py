"""The slides of a notebook: reveal.js with living players, beside the files in assets/ that they need."""

import re
from pathlib import Path

from living import alive, cut, html_of, sections, title_of
from nbconvert import SlidesExporter
from nbformat import NotebookNode

TEMPLATE = Path(__file__).parent / "slides.html.j2"
ASSETS = ("reveal.js", "mathjax")


def write_slides(notebook: NotebookNode, path: Path, folder: Path) -> None:
    """Run the notebook with players as HTML, and write its slides beside their assets/."""
    alive(notebook, path.parent)
    title = title_of(notebook) or path.stem
    notebook.cells = [part for cell in notebook.cells for part in slides_of(cell)]
    html = html_of(notebook, TEMPLATE, title, SlidesExporter)
    (folder / f"{path.stem}.html").write_text(str(html), encoding="utf-8")


def slides_of(cell: NotebookNode) -> list[NotebookNode]:
    """The cell, cut before the headings of sections, each of which begins a slide; a folded cell is hidden."""
    if cell.metadata.get("jupyter", {}).get("source_hidden"):  # a check: its code holds the answers
        cell.metadata["transient"] = {"remove_source": True}
    if cell.cell_type != "markdown" or cell.metadata.get("slideshow", {}).get("slide_type") in ("skip", "notes"):
        return [cell]
    parts = cut(cell)
    for part in parts:
        part.source = linked(part.source)
        if sections(part):
            part.metadata["slideshow"] = {"slide_type": "slide"}
    return parts


def linked(source: str) -> str:
    """Links to notebooks lead to their slides; those to other files, which are not there, become text."""
    source = re.sub(r"\]\((\w+)\.ipynb[^)]*\)", r"](\1.html)", source)
    return re.sub(r"(?<!!)\[([^][]+)\]\((?!https?:|#|\w+\.html\))[^)]*\)", r"\1", source)
