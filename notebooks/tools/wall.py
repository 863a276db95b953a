"""The checklist of notebook 09 as one page for the wall, made of the list whose order diagnose follows."""

from itertools import groupby
from pathlib import Path

from jinja2 import Environment
from made import write_whole
from printing import print_page

from gdviz.clinic import CHECKLIST

TEMPLATE = Path(__file__).parent / "checklist.html.j2"
HEADS = {
    "before the first step": "Before the first step",
    "one step": "In a single step",
    "the whole curve": "In the whole curve",
}


def page() -> str:
    """The page, which needs no other file."""
    lines = enumerate(CHECKLIST, 1)
    groups = [(when, list(some)) for when, some in groupby(lines, key=lambda line: line[1].when)]
    template = Environment(autoescape=True).from_string(TEMPLATE.read_text(encoding="utf-8"))
    return template.render(groups=groups, heads=HEADS) + "\n"


def write(folder: Path) -> None:
    """Write checklist.html and, where there is a Chromium, checklist.pdf, unless both are there as they should be."""
    target, text = folder / "checklist.html", page()
    if target.exists() and target.with_suffix(".pdf").exists() and target.read_text(encoding="utf-8") == text:
        return
    write_whole(target, text)
    print_page(target)
