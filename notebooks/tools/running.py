"""A notebook, run in a fresh kernel and cleaned: without what changes from run to run, and without dead views."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
from nbclient import NotebookClient

VIEW = "application/vnd.jupyter.widget-view+json"


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
