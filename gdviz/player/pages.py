"""A player as a file for where no kernel is: an HTML page that moves, a film, a picture.

A page is the view of the notebook with the browser's own sliders. Its state travels as JSON, the bytes in it as base64;
view and controls are one inline module, because a page that is opened from a file may load none.
"""

import base64
import errno
import json
import os
import threading
from collections.abc import Callable
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from gdviz.player import film, scripts
from gdviz.player.geometry import PX

DEAD = {"clickable": -1, "locked": []}  # what asks the kernel or ipywidgets
ASLEEP = (
    "The picture stands still: this place blocks scripts or canvases, or the browser is older than Chrome 92, "
    "Firefox 90 or Safari 15.4. Open the page itself in another one."
)
OPTIONS = {".html": {"title"}, ".gif": {"along", "fps", "width"}, ".mp4": {"along", "fps", "width"}, ".png": set()}


def save(player: Any, file: str | bytes | Path, **options: Any) -> None:
    """Write the player as a file, by its ending, whole or not at all; Player.save says which option is what."""
    path, given = destination(file), {name: value for name, value in options.items() if value is not None}
    suffix = path.suffix.lower()
    if unknown := set(given) - OPTIONS[suffix]:
        takes = ", ".join(sorted(OPTIONS[suffix])) or "no option"
        raise ValueError(f"a {suffix} takes {takes}; got {', '.join(sorted(unknown))}")
    if suffix == ".html":
        usual = path.stem.replace("_", " ").strip() or path.stem
        data = page(player, given.get("title", usual)).encode(errors="replace")  # a name may hold what is no text
        write_whole(path, lambda: data)
    elif suffix == ".png":
        write_whole(path, lambda: player.twin(2 * PX))
    else:
        shots = film.plan(player, **given)
        write_whole(path, lambda: film.WRITERS[suffix](shots))


def destination(file: str | bytes | Path) -> Path:
    """The path of a file to be written, ~ being one's home; refused: other endings, a folder that is not there."""
    try:
        path = Path(os.path.expanduser(os.fsdecode(file)))
    except TypeError as error:
        raise TypeError(f"file is a path such as 'race.html', got {file!r}") from error
    if path.suffix.lower() not in OPTIONS or "\0" in path.name:
        raise ValueError(f"a player is saved as .html, .gif, .mp4 or .png, got {str(file)!r}")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {str(path.parent)!r} for {path.name}")
    if path.is_dir():
        raise IsADirectoryError(f"{str(file)!r} is a folder; give the name of a file in it")
    return path


def write_whole(path: Path, make: Callable[[], bytes]) -> None:
    """Write what make() returns; only when it reads back the same does it take the place of an older file.

    Where no file can be, make is not called. What goes wrong names this path, and nothing of the new file stays.
    """
    part = path.with_name(f".gdviz-{os.getpid()}-{threading.get_ident()}")  # short: the name may be as long as it gets
    try:
        part.touch()
        data = make()
        with part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if part.read_bytes() != data:
            raise OSError(errno.EIO, "it does not read back as it was written")
        part.replace(path)
    except OSError as error:
        reason = f"nothing is saved: {error.strerror or error}"
        raise OSError(error.errno or errno.EIO, reason, str(path)) from None  # that one names the part
    finally:
        part.unlink(missing_ok=True)


def page(player: Any, title: str) -> str:
    """The player as one HTML page of its own, which forbids itself every other file and host."""
    if not isinstance(title, str) or not title.strip():
        raise ValueError(f"title is the heading of the page, a text; got {title!r}")
    template = Template(scripts.text("page.html"))
    words = {"title": escape(title), "caption": escape(player.opening)}
    return template.substitute(words, code=code(), body=body(player))


def code() -> str:
    """The styles and the module that brings every body of a page to life, for anywhere in it; it sets no global."""
    styles, module = scripts.text("player.css", "page.css"), scripts.joined("page") + "showAll();\n"
    return f'<style>\n{styles}</style>\n<script type="module">\n{module}</script>\n'


def body(player: Any) -> str:
    """The place of a player in a page and its state; where no script runs, the still picture, describe() and why.

    What needs the kernel is not offered there: a click that sets the start, the field of on_text (a sentence says what
    it holds). A guess is asked for as usual.
    """
    state = player.state()
    state["traits"] |= DEAD if state["traits"]["descents"] else DEAD | {"dials": []}
    state = json.dumps(state, default=_base64, allow_nan=False).replace("<", "\\u003c")  # "</script>" in a label
    still, words = base64.b64encode(player.twin(colors=48)).decode(), escape(player.describe())
    picture = f'<img alt="The picture, standing still." src="data:image/png;base64,{still}">'
    asleep = f'<div class="asleep">{picture}<p>{words} {ASLEEP}</p></div>'  # which the script takes away
    return f'<div class="gdviz-page">{asleep}<script type="application/json">{state}</script></div>\n'


def embed(cls: type) -> None:
    """From now on the players of this class show themselves as their body; the page has to bring code()."""

    def display_body(player: Any) -> None:
        from IPython.display import display

        display({"text/plain": player.describe(), "text/html": body(player)}, raw=True)

    cls._ipython_display_ = display_body


def _base64(value: bytes) -> dict[str, str]:
    return {"base64": base64.b64encode(value).decode()}
