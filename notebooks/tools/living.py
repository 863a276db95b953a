"""What lectures and pages of the site have in common: a notebook run with living players, as HTML for no network."""

import re
from collections.abc import Callable
from copy import deepcopy
from itertools import pairwise
from pathlib import Path

from bs4 import BeautifulSoup
from nbconvert import HTMLExporter
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell
from running import executed

from gdviz.player import pages

SETUP = "from gdviz.player import Player, pages\n\npages.embed(Player)\ndel Player, pages"  # players as HTML


def alive(notebook: NotebookNode, folder: Path, done: Callable[[int], object] = lambda i: None) -> NotebookNode:
    """The notebook, run in this folder with players that show themselves as HTML. done: told how many cells are."""
    notebook.cells.insert(0, new_code_cell(SETUP))
    executed(notebook, folder, on_cell_complete=lambda cell, cell_index: done(cell_index))
    del notebook.cells[0]
    return notebook


def html_of(
    notebook: NotebookNode, template: Path, title: str, kind: type[HTMLExporter] = HTMLExporter, **given: object
) -> BeautifulSoup:
    """The notebook as HTML with the code of its players; a picture of another host, such as a badge, is its words.

    given: what the template takes besides.
    """
    options = {"exclude_input_prompt": True, "exclude_output_prompt": True}
    exporter = kind(template_file=str(template), **options)  # embed_images would unfold <details>
    resources = {"metadata": {"name": title}, "player_code": pages.code(), **given}
    html = BeautifulSoup(exporter.from_notebook_node(notebook, resources)[0], "html.parser")
    for link in html.select("a.anchor-link"):  # the heading keeps its id
        link.decompose()
    for image in html.select('img[src^="http"]'):
        image.replace_with(image["alt"])
    for table in html.select("table"):
        table.wrap(html.new_tag("div", attrs={"class": "table"}))
    return html


def title_of(notebook: NotebookNode) -> str:
    """The heading of the first cell, or nothing."""
    found = re.search(r"^# +(.+?)[ #]*$", notebook.cells[0].source, re.M) if notebook.cells else None
    return found[1] if found else ""


def cut(cell: NotebookNode) -> list[NotebookNode]:
    """The cell, cut before the headings of sections."""
    parts = []
    for start, end in pairwise(sorted({0, len(cell.source), *(start for start, _ in sections(cell))})):
        part = deepcopy(cell)
        part.id, part.source = f"{cell.id}-{start}", cell.source[start:end]
        parts.append(part)
    return parts


def sections(cell: NotebookNode) -> list[tuple[int, str]]:
    """Where each H2 heading of a markdown cell begins, and its title; a line in a code fence is none."""
    if cell.cell_type != "markdown":
        return []
    plain = re.sub(r"^```.*?^```", lambda fence: " " * len(fence[0]), cell.source, flags=re.S | re.M)
    return [(heading.start(), heading[1]) for heading in re.finditer(r"^## +(.+?)[ #]*$", plain, re.M)]
