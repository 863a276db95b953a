"""A JupyterLab of one's own on a free port, serving a copy of the notebooks: for the tests and the benchmarks."""

import contextlib
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


@contextlib.contextmanager
def jupyter_server(folder):
    """Copy the notebooks to the folder, serve it, and give the address; the server ends with the block."""
    for notebook in NOTEBOOKS.glob("*.ipynb"):
        shutil.copy(notebook, folder)
    port = free_port()
    options = [f"--ServerApp.root_dir={folder}", f"--port={port}", "--IdentityProvider.token=", "--allow-root"]
    options += ["--no-browser", "--LabApp.expose_app_in_browser=True", "--ServerApp.port_retries=0"]
    log = Path(folder) / "server.log"
    with log.open("w") as out:
        server = subprocess.Popen([sys.executable, "-m", "jupyterlab", *options], stdout=out, stderr=out)
    try:
        address, end = f"http://127.0.0.1:{port}", time.monotonic() + 60
        while not answers(f"{address}/api"):
            if time.monotonic() > end or server.poll() is not None:
                raise TimeoutError(log.read_text())
            time.sleep(0.1)
        yield address
    finally:
        server.terminate()
        server.wait(30)


def open_notebook(page, address, name):
    """Open a notebook on a page and wait until its kernel is idle."""
    page.set_default_timeout(60_000)
    page.goto(f"{address}/lab/tree/{name}?reset")
    page.wait_for_function("window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'")


def run_all(page, ready):
    """Run all cells, to their end, and wait until the JavaScript condition holds."""
    page.evaluate("jupyterapp.commands.execute('notebook:run-all-cells')")
    page.wait_for_function(ready)


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def answers(address):
    try:
        return urllib.request.urlopen(address, timeout=2).status == 200
    except OSError:
        return False
