"""What a notebook costs: gigabytes, and kilobytes to the browser for each of its players.

`make test` runs every notebook by nbval, and this measures there; a notebook that nbval has not run is run here.
"""

import json
from pathlib import Path

import answers
import grounds
import nbformat
from nbclient import NotebookClient
from nbval.plugin import IPyNbFile

ASK = """
import gc, json, re, resource, sys
from pathlib import Path
from gdviz.player import Player

if sys.platform == "linux":  # there ru_maxrss begins with that of the process that started the kernel
    peak = int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1e6
else:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e9
shown = [thing for thing in gc.get_objects() if issubclass(type(thing), Player)]  # isinstance would ask torch's proxies
payloads = [(len(p.picture) + sum(len(mark["data"]) for mark in p.marks)) // 1000 for p in shown]
told = lambda mark: mark["kind"] == "text" or mark["kind"] == "path" and not mark.get("space")
silent = [p.describe() for p in shown if any(len(s["labels"]) > 1 for s in p.sliders) and not any(map(told, p.marks))]
print(json.dumps([peak, payloads, silent]))
"""
seen = {}  # stem of a notebook -> (gigabytes, kilobytes of each player, those whose sliders say no more than a place)


def of(path: Path) -> tuple[float, list[int], list[str]]:
    """The cost of a notebook, as nbval has just seen it, or by running it in a kernel of its own."""
    if path.stem not in seen:
        ask(path)
    return seen[path.stem]


def marks(path: Path) -> list[list]:
    """The marks of its players and what they stand out against, in the same way."""
    if path.stem not in grounds.seen:
        ask(path)
    return grounds.seen[path.stem]


def ask(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    notebook.cells += [nbformat.v4.new_code_cell(question) for question in (ASK, grounds.ASK)]
    NotebookClient(
        notebook, timeout=600, startup_timeout=600, resources={"metadata": {"path": str(path.parent)}}
    ).execute()
    seen[path.stem], grounds.seen[path.stem] = (json.loads(cell.outputs[0].text) for cell in notebook.cells[-2:])


def watch_nbval() -> None:
    """Ask each kernel of nbval before it stops, and let it answer the exercises."""
    teardown = IPyNbFile.teardown

    def end(self):
        if self.kernel is not None and self.kernel.is_alive():
            seen[self.path.stem] = json.loads(run(self.kernel, ASK))
            grounds.seen[self.path.stem] = json.loads(run(self.kernel, grounds.ASK))
            answers.seen[self.path.stem] = answers.run_all(self.path, lambda code: run(self.kernel, code))
        teardown(self)

    IPyNbFile.teardown = end


def run(kernel, code: str) -> str:
    """What this code prints and shows in a kernel of nbval."""
    asked, text = kernel.execute_cell_input(code, allow_stdin=False), ""
    while True:
        message = kernel.get_message("iopub", timeout=600)
        if message["parent_header"].get("msg_id") != asked:
            continue
        if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
            return text
        if message["content"].get("name") == "stderr":
            continue
        if message["msg_type"] in ("stream", "display_data", "execute_result", "error"):
            text += answers.words(message["content"])
