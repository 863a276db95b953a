"""A player as a file for where no kernel is: an HTML page that moves, a film, a picture.

A page is the view of the notebook with the browser's own sliders. Its state travels as JSON, the bytes in it as base64;
view and controls are one inline module, because a page that is opened from a file may load none.
"""

import base64
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from gdviz import film
from gdviz.marks import PX

STATIC = Path(__file__).parent / "static"
DEAD = {"clickable": -1, "clock": "", "locked": []}  # what asks the kernel or ipywidgets
OPTIONS = {".html": {"title"}, ".gif": {"along", "fps", "width"}, ".mp4": {"along", "fps", "width"}, ".png": set()}


def save(player: Any, file: str | Path, **options: Any) -> None:
    """Write the player as a file, by its ending, whole or not at all; Player.save says which option is what."""
    path, given = Path(file), {name: value for name, value in options.items() if value is not None}
    if path.suffix not in OPTIONS:
        raise ValueError(f"a player is saved as .html, .gif, .mp4 or .png, got {str(file)!r}")
    if unknown := set(given) - OPTIONS[path.suffix]:
        takes = ", ".join(sorted(OPTIONS[path.suffix])) or "no option"
        raise ValueError(f"a {path.suffix} takes {takes}; got {', '.join(sorted(unknown))}")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {str(path.parent)!r} for {path.name}")
    if path.suffix == ".html":
        text = page(player, given.get("title", path.stem.replace("_", " ")))
        with whole(path) as part:
            part.write_text(text, encoding="utf-8")
    elif path.suffix == ".png":
        with whole(path) as part:
            part.write_bytes(player.twin(2 * PX))
    else:
        shots = film.plan(player, **given)
        with whole(path) as part:
            film.WRITERS[path.suffix](part, shots)


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A file beside the path that takes its place when the block has ended well, and else is gone."""
    part = path.with_name(f".{path.stem}-{os.getpid()}{path.suffix}")
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def page(player: Any, title: str) -> str:
    """The player as one HTML page of its own, which forbids itself every other file and host."""
    if not isinstance(title, str) or not title.strip():
        raise ValueError(f"title is the heading of the page, a text; got {title!r}")
    template = Template((STATIC / "page.html").read_text(encoding="utf-8"))
    words = {"title": escape(title), "caption": escape(player.caption)}
    return template.substitute(words, code=code(), body=body(player))


def code() -> str:
    """The styles and the module that brings every body of a page to life, for anywhere in it; it sets no global."""
    styles, modules = _texts("player.css", "page.css"), _texts("player.mjs", "page.mjs")
    modules += "showAll({ render, unpack, readout, stills });\n"
    return f'<style>\n{styles}</style>\n<script type="module">\n{modules}</script>\n'


def body(player: Any) -> str:
    """The place of a player in a page and its state; without scripts it is the sentence of describe().

    What needs the kernel is not offered there: a click that sets the start, the field of on_text (a sentence says what
    it holds). A guess is asked for as usual.
    """
    state = player.state()
    state["traits"] |= DEAD
    state = json.dumps(state, default=_base64, allow_nan=False).replace("<", "\\u003c")  # "</script>" in a label
    words = f"<noscript><p>{escape(player.describe())}</p></noscript>"
    return f'<div class="gdviz-page">{words}<script type="application/json">{state}</script></div>\n'


def embed(cls: type) -> None:
    """From now on the players of this class show themselves as their body; the page has to bring code()."""

    def display_body(player: Any) -> None:
        from IPython.display import display

        display({"text/plain": player.describe(), "text/html": body(player)}, raw=True)

    cls._ipython_display_ = display_body


def _texts(*names: str) -> str:
    return "".join((STATIC / name).read_text(encoding="utf-8") for name in names)


def _base64(value: bytes) -> dict[str, str]:
    return {"base64": base64.b64encode(value).decode()}
