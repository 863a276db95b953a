"""Run every notebook (or those named) and write its outputs: text and PNG, no widget state. `make notebooks`.

GitHub, a PDF and nbval need the outputs; a dead widget view would hide them in JupyterLab. The first player of each
notebook is also written to images/ as it ends, one as a film for the README, the pictures of AUTHORING.md, and the
checklist for the wall.
"""

import base64
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
import wall
from books import is_own, notebooks
from documents import guide, guide_pictures
from nbformat.v4 import new_code_cell
from running import executed

FILMED = "01_linear_regression"  # the notebook whose first player the README shows
LAST = """from gdviz.player import Player

player = next(thing for thing in Out.values() if isinstance(thing, Player))
trail = player.sliders[player.trail]
setattr(player, f"slider_{{player.trail}}", trail["first"] + (len(trail["labels"]) - 1) * trail["stride"])
player.save("images/{}.png")"""
FILM = f"""player.save("images/{FILMED}.gif", along="step", fps=8, width=760)"""


def main(names: list[str]) -> None:
    here = Path(__file__).parents[1]
    os.environ["TQDM_DISABLE"] = "1"  # no progress bar among the outputs
    for path in [Path(name) for name in names] or notebooks(here):
        print(path.name)
        notebook = nbformat.read(path, as_version=4)
        if not is_own(path):
            last = LAST.format(path.stem) + (f"\n{FILM}" if path.stem == FILMED else "")
            notebook.cells.append(new_code_cell(last))
        executed(notebook, path.parent)
        if not is_own(path):
            del notebook.cells[-1]
        nbformat.write(notebook, path)
    if not names:
        with TemporaryDirectory() as folder:
            shown = pictures(executed(guide(), Path(folder)))
        for name, picture in zip(guide_pictures(), shown, strict=True):
            (here / name).write_bytes(picture)
        (here / "checklist.html").write_text(wall.page(), encoding="utf-8")


def pictures(notebook: nbformat.NotebookNode) -> Iterator[bytes]:
    """The pictures among the outputs, in order, as PNG."""
    for output in (output for cell in notebook.cells for output in cell.get("outputs", [])):
        if png := output.get("data", {}).get("image/png"):
            yield base64.b64decode(png)


if __name__ == "__main__":
    main(sys.argv[1:])
