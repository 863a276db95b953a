"""Run every notebook (or those named) and write its outputs: text and PNG, no widget state. `make notebooks`.

GitHub, a PDF and nbval need the outputs; a dead widget view would hide them in JupyterLab. The first picture of each
notebook is also written to images/, for the README.
"""

import asyncio
import base64
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
from nbclient import NotebookClient

VIEW = "application/vnd.jupyter.widget-view+json"


def main(names: list[str]) -> None:
    here = Path(__file__).parents[1]
    os.environ["TQDM_DISABLE"] = "1"  # no progress bar among the outputs
    for path in [Path(name) for name in names] or sorted(here.glob("*.ipynb")):
        print(path.name)
        notebook = executed(nbformat.read(path, as_version=4), path.parent)
        nbformat.write(notebook, path)
        images = (
            output.get("data", {}).get("image/png") for cell in notebook.cells for output in cell.get("outputs", [])
        )
        first = here / "images" / f"{path.stem}.png"
        first.parent.mkdir(exist_ok=True)
        first.write_bytes(base64.b64decode(next(filter(None, images))))


def executed(notebook: nbformat.NotebookNode, folder: Path) -> nbformat.NotebookNode:
    """The notebook with the outputs of a fresh kernel that works in this folder, cleaned."""
    resources = {"metadata": {"path": str(folder)}}
    options = {"timeout": 600, "store_widget_state": False, "coalesce_streams": True}
    options["extra_arguments"] = ["--log-level=ERROR"]
    run = NotebookClient(notebook, resources=resources, **options).async_execute()
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
