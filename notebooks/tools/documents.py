"""The guide AUTHORING.md and the gallery of players as notebooks, and the reference: further pages of the site."""

import doctest
import importlib
import inspect
import re
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pdoc
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from pdoc import render

from gdviz import data, exercises, surfaces, views
from gdviz.player import Player

ROOT = Path(__file__).parents[2]
TEMPLATES = Path(__file__).parent / "reference"
ROOMS = "optimizers hyperparameters surfaces data tables minibatches descent theory style progress pictures plots"
WINGS = "networks networks.landscape networks.ngrams clinic player exercises"
VIEWS = "views views.rate views.noise views.momentum views.training views.names views.zoo"
VIEWS += " views.since_adam views.clinic views.edge"
PUBLIC = [f"gdviz.{name}" for name in f"{ROOMS} {WINGS} {VIEWS}".split()]  # what the reference shows
GUIDE = ROOT / "AUTHORING.md"
BLOCK = re.compile(r"```python\n(.*?)\n```\n(?:```\n(.*?)```\n)?", re.S)  # its code, and what it prints
PICTURE = re.compile(r"!\[([^\]]*)\]\(notebooks/(images/\S+?)\)\n")
MARKS = ("path", "curve", "line", "ellipse", "points", "arrow", "contours", "text")
GALLERY = """# Gallery

Every mark, view and surface as a living player, beside the lines that make it. `torch` and `plt`
(matplotlib.pyplot) are imported."""
DESCENT = """from gdviz import data, surfaces, views
from gdviz.descent import minimize
from gdviz.optimizers import Adam

surface = surfaces.{}
run = minimize(surface, Adam(lr={:.1g}), {}, steps=60)
player = {}
player"""
HOW = {  # how many parameters: where a descent begins, and the view of it
    1: (
        "torch.linspace(*surface.xlim, 20)[:, None]",
        'views.noise.escape(surface, run.params[:, None], {"step": range(61), "starts": [20]})',
    ),
    2: ("surface.start", "views.descents(surface, run)"),
}
MADE_OF = {  # the surfaces that are made of something
    "bowl": "bowl(10)",
    "linear_model": "linear_model(data.toy_line())",
    "tone": "tone(data.toy_tone())",
    "double_well": "double_well(parameters=2)",
}


def guide() -> NotebookNode:
    """AUTHORING.md as a notebook: its text, and a code cell for each block; the pictures are what the cells show."""
    cells, rest = [], GUIDE.read_text(encoding="utf-8")
    rest = PICTURE.sub("", rest)
    while found := BLOCK.search(rest):
        cells += [new_markdown_cell(rest[: found.start()].strip()), new_code_cell(found[1])]
        rest = rest[found.end() :]
    return new_notebook(cells=[*cells, new_markdown_cell(rest.strip())])


def guide_pictures() -> list[str]:
    """Of each block of the guide, in order, the file of its picture, below notebooks/."""
    return [found[2] for found in PICTURE.finditer(GUIDE.read_text(encoding="utf-8"))]


def gallery() -> NotebookNode:
    """One code cell for each mark, view and surface: the example of its docstring, which ends in its player."""
    cells = [new_markdown_cell(GALLERY), new_code_cell("import matplotlib.pyplot as plt\nimport torch")]
    for title, entries in (("Marks", marks()), ("Views", ready_made()), ("Surfaces", losses())):
        cells.append(new_markdown_cell(f"## {title}"))
        for name, sentence, code in entries:
            cells += [new_markdown_cell(f"### {name}\n\n{sentence}"), new_code_cell(code)]
    return new_notebook(cells=cells)


def marks() -> Iterator[tuple[str, str, str]]:
    """Name, sentence and lines of each mark."""
    for name in MARKS:
        method = getattr(Player, name)
        if code := example(method):
            yield f"Player.{name}", sentence(method), code


def ready_made() -> Iterator[tuple[str, str, str]]:
    """Name, sentence and lines of each view."""
    for room in ("views", *(f"views.{name}" for name in views.__all__ if inspect.ismodule(getattr(views, name)))):
        module = importlib.import_module(f"gdviz.{room}")
        for name, view in inspect.getmembers(module, inspect.isfunction):
            ours = view.__module__.startswith("gdviz.views") and inspect.signature(view).return_annotation is Player
            if ours and name[0] != "_" and (code := example(view)):
                yield f"{room}.{name}", sentence(view), f"from gdviz.{room} import {name}\n\n{code}"


def losses() -> Iterator[tuple[str, str, str]]:
    """Name, sentence and lines of each surface: a descent over it."""
    for name in surfaces.__all__:
        make = getattr(surfaces, name)
        if inspect.isfunction(make):
            call = MADE_OF.get(name, f"{name}()")
            surface = eval(call, vars(surfaces) | {"data": data})
            low, high = surface.xlim
            code = DESCENT.format(call, (high - low) / 80, *HOW[len(surface.start)])
            yield f"surfaces.{name}", sentence(make), code


def sentence(thing: Callable) -> str:
    """The first paragraph of a docstring."""
    return inspect.getdoc(thing).split("\n\n")[0]


def example(thing: Callable) -> str:
    """The lines of the example, without what only a test must see, and with the player at the end; or nothing."""
    lines = [one.source.rstrip() for one in doctest.DocTestParser().get_examples(inspect.getdoc(thing))]
    return "\n".join([line for line in lines if not line.startswith("print(")] + ["player"]) if lines else ""


def write_reference(folder: Path) -> None:
    """Write the reference of all that is public, by pdoc, into a folder of its own."""
    for name in exercises.__all__:  # pdoc finds what is there, not what comes when it is asked for
        vars(exercises)[name] = getattr(exercises, name)
    render.configure(docformat="google", template_directory=TEMPLATES)
    with warnings.catch_warnings(action="ignore"):  # that a module is named twice, by its package and here
        pdoc.pdoc("gdviz", *PUBLIC, output_directory=folder)
    for page in folder.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        named = text.replace('<a class="headerlink"', '<a class="headerlink" aria-label="Link to this place"')
        page.write_text(named, encoding="utf-8")
