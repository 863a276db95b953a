"""The texts of static/: styles, templates, and the JavaScript modules, joined to the one that a notebook or page takes.

anywidget takes one module, and a page that is opened from a file may load none. So the files of static/ are joined,
each after those it imports, without the words import and export. They are modules of their own for node's tests.
"""

import hashlib
import re
from html import escape
from pathlib import Path
from string import Template

STATIC = Path(__file__).parent / "static"
IMPORT = re.compile(r'^import .+? from "\./(\w+)\.mjs";\n', re.M | re.S)
COMMENT = re.compile(r"^ *(?://.*|/\*\*(?s:.*?)\*/)\n", re.M)  # on lines of its own
INDENT = re.compile(r"^ +", re.M)  # no text in static/ goes over several lines
DEFAULT = re.compile(r"^export default .+\n", re.M)


def text(*names: str) -> str:
    """The text of these files, one after the other."""
    return "".join((STATIC / name).read_text(encoding="utf-8") for name in names)


def joined(name: str) -> str:
    """A module with all that it imports, as one, without comments and indents; what it exports by default stays."""
    order: list[str] = []
    _after_its_imports(name, order)
    parts = [text(f"{one}.mjs") for one in order]
    parts = [*(DEFAULT.sub("", part) for part in parts[:-1]), parts[-1]]
    script = "".join(re.sub(r"^export (?!default)", "", IMPORT.sub("", part), flags=re.M) for part in parts)
    return INDENT.sub("", COMMENT.sub("", script))


def shared(name: str) -> str:
    """The same as joined, run once for all players of a page: a browser never lets go of what a module has made."""
    script, _, returned = joined(name).rpartition("export default ")
    key = f"gdviz-{hashlib.sha256(script.encode()).hexdigest()[:16]}"  # another release beside it has its own
    run = f"(() => {{\n{script}return {returned.strip()}\n}})()"
    return f'export default globalThis["{key}"] ??= {run};\n'


def _after_its_imports(name: str, order: list[str]) -> None:
    for other in IMPORT.findall(text(f"{name}.mjs")):
        if other not in order:
            _after_its_imports(other, order)
    order.append(name)


def asleep(picture: str, words: str) -> str:
    """The output behind a player, unseen while that lives; else its picture (base64), its words, and how to wake it.

    For JupyterLab and Notebook; elsewhere, and where a notebook's styles are not trusted, nobody sees it.
    """
    return Template(text("asleep.html")).substitute(picture=picture, words=escape(words))
