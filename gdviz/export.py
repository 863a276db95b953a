"""A player as HTML: the view of the notebook with the browser's own sliders; no kernel, no other file, no other host.

The state travels as JSON, its bytes as base64. View and controls are one inline module, because a page that is opened
from a file may load none.
"""

import base64
import json
from html import escape
from pathlib import Path
from typing import Any

import ipywidgets
from anywidget import AnyWidget

from gdviz.player import Player

STATIC = Path(__file__).parent / "static"
DEAD = {"clickable": -1, "clock": "", "locked": []}  # what asks the kernel or ipywidgets


def fragment(player: Player) -> str:
    """HTML that shows the player in any page: code(), then body(player).

    For several players of a page give code() once, then the body of each. What needs the kernel is not offered there: a
    click that sets the start, the field of on_text (a sentence says what it holds). A guess is asked for as usual.
    """
    return code() + body(player)


def code() -> str:
    """The styles and the module that brings every body of a page to life, for anywhere in it; it sets no global."""
    styles, modules = _texts("player.css", "page.css"), _texts("player.mjs", "page.mjs")
    modules += "showAll({ render, unpack, readout });\n"
    return f'<style>\n{styles}</style>\n<script type="module">\n{modules}</script>\n'


def body(player: Player) -> str:
    """The place of a player in a page and its state; without scripts it is the sentence of describe()."""
    state = json.dumps(_state(player), default=_bytes, allow_nan=False).replace(
        "<", "\\u003c"
    )  # "</script>" in a label
    words = f"<noscript><p>{escape(player.describe())}</p></noscript>"
    return f'<div class="gdviz-page">{words}<script type="application/json">{state}</script></div>\n'


def embed() -> None:
    """From now on a player of this kernel shows itself as its body; the page has to bring code()."""
    Player._ipython_display_ = _display


def _texts(*names: str) -> str:
    return "".join((STATIC / name).read_text(encoding="utf-8") for name in names)


def _display(player: Player) -> None:
    from IPython.display import display

    display({"text/plain": player.describe(), "text/html": body(player)}, raw=True)


def _state(player: Player) -> dict[str, Any]:
    """The traits that the view reads, the pace of Play in ms a step (0: none), and what the fields of on_text hold."""
    controls = player.box.children[-1].children  # the box packs the picture
    pace = next((control.interval for control in controls if isinstance(control, ipywidgets.Play)), 0)
    words = [f"{label.rstrip(':')}: {word}." for label, word in player._words.items()]
    note = " ".join([*words, "Typing another word needs the notebook."] if words else [])
    names = set(player.keys) - set(AnyWidget.class_trait_names())
    traits = {name: getattr(player, name) for name in sorted(names) if not name.startswith("_")}
    return {"traits": traits | DEAD, "pace": pace, "note": note}


def _bytes(value: bytes) -> dict[str, str]:
    return {"base64": base64.b64encode(value).decode()}
