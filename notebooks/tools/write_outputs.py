"""Run every notebook (or those named) and write its outputs: text and PNG, no widget state. `make notebooks`.

GitHub, a PDF and nbval need the outputs; a dead widget view would hide them in JupyterLab. The first player of each
notebook is also written to images/ as it ends, one as a film for the README, and the pictures of AUTHORING.md.
"""

import asyncio
import base64
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from books import is_own, notebooks
from documents import guide, guide_pictures
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell

VIEW = "application/vnd.jupyter.widget-view+json"
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


def pictures(notebook: nbformat.NotebookNode) -> Iterator[bytes]:
    """The pictures among the outputs, in order, as PNG."""
    for output in (output for cell in notebook.cells for output in cell.get("outputs", [])):
        if png := output.get("data", {}).get("image/png"):
            yield base64.b64decode(png)


def executed(notebook: nbformat.NotebookNode, folder: Path, **more: object) -> nbformat.NotebookNode:
    """The notebook with the outputs of a fresh kernel that works in this folder, cleaned."""
    resources = {"metadata": {"path": str(folder)}}
    options = {"timeout": 600, "startup_timeout": 600, "store_widget_state": False, "coalesce_streams": True}
    options["extra_arguments"] = ["--log-level=ERROR"]
    run = NotebookClient(notebook, resources=resources, **options, **more).async_execute()
    with ThreadPoolExecutor(1) as thread:  # asyncio.run closes its loop; in a thread of its own no other one is running
        thread.submit(asyncio.run, run).result()
    return cleaned(notebook)


def cleaned(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The notebook without what changes from run to run or machine to machine, and without dead views."""
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook.metadata = nbformat.from_dict({"kernelspec": kernel, "language_info": {"name": "python"}})
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(VIEW, None)
    return notebook


if __name__ == "__main__":
    main(sys.argv[1:])
