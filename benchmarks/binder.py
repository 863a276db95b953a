"""What Binder must hold: the memory of a kernel with notebook 01 open and of the server beside it. `make bench`.

One kernel for each number of threads, looked at as it goes along. Own memory is what nobody else can have; with files
adds the libraries that are mapped: a container is charged for them, too, and can drop and read them again.
"""

import os
import subprocess
import sys
import tempfile
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import nbformat
import psutil
from jupyter_client.manager import start_new_kernel

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from lab import NOTEBOOKS, jupyter_server

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
GUARANTEED = 450  # MB, by mybinder.org


def main():
    with tempfile.TemporaryDirectory() as folder, jupyter_server(folder) as address:
        for path in ("lab", "api/contents/01_linear_regression.ipynb"):
            urllib.request.urlopen(f"{address}/{path}").read()
        server = megabytes(psutil.Process().children()[0])
    print("| | threads of a pool | own memory | with files | threads | CPU |\n|---|---|---|---|---|---|")
    row("server", "", *server, "", "")
    for count in (None, 1):
        pool = f"{count or psutil.cpu_count()}{'' if count else ', as many as cores'}"
        for stage, process in stages(count):
            now = megabytes(process)
            row(f"kernel: {stage}", pool, *now, process.num_threads(), f"{sum(process.cpu_times()[:2]):.1f} s")
            if "picture" in stage or "cells" in stage:
                both = [a + b for a, b in zip(now, server)]
                row(f"with the server, of {GUARANTEED} MB", pool, *both, "", "")


def stages(threads):
    """One kernel, after more and more of notebook 01."""
    with kernel(threads) as (run, process):
        yield "started", process
        run("import torch, matplotlib")
        yield "import torch, matplotlib", process
        code = iter(cells())
        run(next(code))
        yield "the imports of notebook 01", process
        while not run(next(code)):
            pass
        yield "its first picture", process
        for source in code:
            run(source)
        yield "all its cells", process


@contextmanager
def kernel(threads=None):
    """A fresh kernel: run(source), which says whether a picture was shown, and its process."""
    bound = {name: str(threads) for name in THREADS} if threads else {}
    free = {name: value for name, value in os.environ.items() if name not in THREADS}
    options = {"env": free | bound, "cwd": NOTEBOOKS, "stderr": subprocess.DEVNULL}
    manager, client = start_new_kernel(kernel_name="python3", **options)

    def run(source):
        shown = []
        reply = client.execute_interactive(source, output_hook=shown.append, timeout=300)["content"]
        if reply["status"] != "ok":
            raise RuntimeError(f"{reply['ename']}: {reply['evalue']} in\n{source}")
        return any("image/png" in message["content"].get("data", {}) for message in shown)

    try:
        yield run, psutil.Process(manager.provisioner.process.pid)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def cells():
    notebook = nbformat.read(NOTEBOOKS / "01_linear_regression.ipynb", 4)
    return [cell.source for cell in notebook.cells if cell.cell_type == "code"]


def megabytes(process):
    memory = process.memory_info()
    return (memory.rss - memory.shared) / 1e6, memory.rss / 1e6


def row(what, pool, own, with_files, threads, seconds):
    print(f"| {what} | {pool} | {own:.0f} MB | {with_files:.0f} MB | {threads} | {seconds} |")


if __name__ == "__main__":
    main()
