"""Write lectures into editions/decks/: the first of notebooks/decks.toml, or those that are named. `make deck`.

Beside each lecture lie its questions on paper, as a page and, where there is a Chromium, Chrome or Edge, as a PDF.
"""

import os
import re
import sys
import tomllib
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

from books import named, notebooks
from instructors import table
from living import html_of
from made import write_whole
from nbconvert.filters.markdown import markdown2html
from nbformat.v4 import new_notebook
from npm_files import CACHE, write_files
from printing import print_page
from screens import Screen, screens_of
from sections import CACHE as SECTIONS
from sections import Section, refuse_strange, run_sections

ROOT = Path(__file__).parents[2]
TEMPLATE, QUESTIONS = (Path(__file__).parent / f"{name}.html.j2" for name in ("deck", "questions"))
ASSETS = ("reveal.js", "mathjax")
KEYS = {"title": str, "course": str, "imprint": str, "sections": list}


class Deck(NamedTuple):
    """sections: of each the notebook, the heading and the minutes."""

    name: str
    title: str
    course: str
    imprint: str
    sections: list[tuple[Path, str, float]]


def main(names: list[str]) -> None:
    os.environ |= {"TQDM_DISABLE": "1", "OMP_NUM_THREADS": "1"}  # in the notebooks, of which two run at once
    decks = read_decks(ROOT / "notebooks" / "decks.toml")
    write(named(names or list(decks)[:1], decks), ROOT / "INSTRUCTORS.md", ROOT / "editions" / "decks")


def read_decks(file: Path) -> dict[str, Deck]:
    """The decks of a file by name; refused where a section, a key or a kind is none."""
    with file.open("rb") as opened:
        try:
            given = tomllib.load(opened)
        except tomllib.TOMLDecodeError as error:
            raise ValueError(f"{file.name}: {error}") from None
    return {name: deck_of(name, deck, file) for name, deck in given.items()}


def deck_of(name: str, given: Any, file: Path) -> Deck:
    where = f"{file.name}, [{name}]"
    if not isinstance(given, dict) or not {"title", "sections"} <= set(given) <= set(KEYS):
        raise ValueError(f"{where}: a deck has the keys {', '.join(KEYS)}; got {given!r}")
    if wrong := [key for key, kind in KEYS.items() if not isinstance(given.get(key, kind()), kind)]:
        raise ValueError(f"{where}: {wrong[0]} must be a {KEYS[wrong[0]].__name__}, got {given[wrong[0]]!r}")
    sections = []
    for row in given["sections"]:
        kinds = [type(part) for part in row] if isinstance(row, list) else []
        if kinds not in ([str, str, int], [str, str, float]) or not 0 < row[2] < 1000:
            raise ValueError(f'{where}: a section is ["02", "One slider", 7]: notebook, heading, minutes; got {row!r}')
        sections.append((notebook(row[0], file.parent, where), row[1], row[2]))
    return Deck(name, given["title"], given.get("course", ""), given.get("imprint", ""), sections)


def notebook(name: str, folder: Path, where: str) -> Path:
    """The notebook whose name this is, or begins with it."""
    try:
        found = named([name], {path.stem: path for path in notebooks(folder)})
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None
    if len(found) > 1:
        raise ValueError(f"{where}: {name!r} may be {' or '.join(path.stem for path in found)}")
    return found[0]


def write(decks: Sequence[Deck], instructors: Path, folder: Path, cache: Path = CACHE, kept: Path = SECTIONS) -> None:
    """Write these decks beside their assets, each when it is done. kept: the sections that were run."""
    notes = instructors.read_text(encoding="utf-8")
    for deck in decks:
        for path, title, _ in deck.sections:
            refuse_strange(path, title)
    write_files(ASSETS, folder / "assets", cache)
    for deck in decks:
        ran = run_sections([(path, title) for path, title, _ in deck.sections], kept)
        write_deck(deck, ran, notes, folder)
        print(folder / f"{deck.name}.html")


def write_deck(deck: Deck, ran: Mapping[Section, list], notes: str, folder: Path) -> None:
    shown = []
    for path, title, minutes in deck.sections:
        screens = screens_of(title, ran[path, title])
        if not screens:
            raise ValueError(f"{path.name}: the section {title!r} has nothing to show")
        asks = next((screen for screen in screens if screen.question), screens[0])
        asks.notes.insert(0, told(path, title, minutes, notes))
        shown += [as_html(screen, 60 * minutes / len(screens)) for screen in screens]
    write_whole(folder / f"{deck.name}.html", page_of(TEMPLATE, deck, screens=shown))
    asked = {one["name"]: one for one in shown if one["name"]}  # of a question on two screens the one with the answer
    paper = folder / "questions" / f"{deck.name}.html"
    page = page_of(QUESTIONS, deck, asked=list(asked.values()), assets="../assets")
    if not (paper.with_suffix(".pdf").exists() and paper.exists() and paper.read_text(encoding="utf-8") == page):
        write_whole(paper, page)
        print_page(paper)


def page_of(template: Path, deck: Deck, **given: Any) -> str:
    return str(html_of(new_notebook(), template, deck.title, deck=deck, **given))


def told(path: Path, title: str, minutes: float, notes: str) -> str:
    """What the lecturer's page says of a section, as Markdown."""
    try:
        _, ask, expect = table(notes, path)[title]
    except (ValueError, KeyError):  # a notebook of one's own
        return f"**{minutes:g} minutes.**"
    return f"**{minutes:g} minutes.** *Ask:* {ask}\n\n*Expect:* {expect}"


def as_html(screen: Screen, seconds: float) -> dict[str, Any]:
    """What the template shows of a screen."""
    asked = screen.question
    right = f"**({screen.right}).** " if screen.right else ""
    return {
        "title": markdown(screen.title, inline=True),
        "texts": markdown("\n\n".join(screen.texts)),
        "stem": markdown(asked.stem) if asked else "",
        "after": markdown(asked.after) if asked else "",
        "choices": {letter: markdown(words) for letter, words in asked.choices.items()} if asked else {},
        "name": asked.name if asked else "",
        "answer": markdown(right + screen.answer) if right or screen.answer else "",
        "right": screen.right,
        "code": screen.code,
        "picture": picture(screen),
        "late": screen.late,
        "printed": screen.printed,
        "notes": markdown("\n\n".join(screen.notes)),
        "seconds": round(seconds),
    }


def picture(screen: Screen) -> str:
    data = screen.picture or {}
    if "text/html" in data:
        return data["text/html"]
    return (
        f'<img class="still" src="data:image/png;base64,{data["image/png"]}" alt="{escape(screen.alt)}">'
        if data
        else ""
    )


def markdown(text: str, inline: bool = False) -> str:
    html = markdown2html(linked(text)).strip() if text else ""
    return html.removeprefix("<p>").removesuffix("</p>") if inline else html


def linked(text: str) -> str:
    """Links, which lead nowhere from a lecture, become text."""
    return re.sub(r"(?<!!)\[([^][]+)\]\((?!https?:)[^)]*\)", r"\1", text)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (ValueError, OSError) as error:
        sys.exit(f"no deck is written: {error}")
