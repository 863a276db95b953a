"""A JupyterLab of one's own on a free port, serving a copy of the notebooks: for the tests and the benchmarks."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import nbformat
import psutil

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
PIXELS = """(canvas) => {
  const { width, height } = canvas, data = canvas.getContext('2d').getImageData(0, 0, width, height).data;
  let hash = 0, ink = 0;
  for (let i = 0; i < data.length; i += 4) if (data[i + 3]) { ink += 1; hash = (hash * 31 + i + data[i]) | 0; }
  return [hash, ink];
}"""
WATCH = """
  // the clocks and observers of the page, counted
  window.timeouts = [], window.watching = new Set();
  const setTimeout_ = window.setTimeout;
  window.setTimeout = (fn, ms, ...args) => { window.timeouts.push(ms); return setTimeout_(fn, ms, ...args); };
  const { observe, disconnect } = ResizeObserver.prototype;
  ResizeObserver.prototype.observe = function (el, ...args) {
    if (el.closest?.('.gdviz-player')) window.watching.add(this);
    return observe.call(this, el, ...args);
  };
  ResizeObserver.prototype.disconnect = function () { window.watching.delete(this); return disconnect.call(this); };
"""
SETTINGS = ".settings"  # of this JupyterLab alone
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


@contextlib.contextmanager
def jupyter_server(folder):
    """Copy the notebooks to the folder, serve it, and give the address; the server ends with the block."""
    for notebook in NOTEBOOKS.glob("*.ipynb"):
        shutil.copy(notebook, folder)
    port = free_port()
    options = [
        f"--LabApp.user_settings_dir={Path(folder) / SETTINGS}",
        f"--ServerApp.root_dir={folder}",
        f"--port={port}",
        "--IdentityProvider.token=",
        "--allow-root",
    ]
    options += ["--no-browser", "--LabApp.expose_app_in_browser=True", "--ServerApp.port_retries=0"]
    log = Path(folder) / "server.log"
    with log.open("w") as out:
        server = subprocess.Popen([sys.executable, "-m", "jupyterlab", *options], stdout=out, stderr=out)
    try:
        address, end = f"http://127.0.0.1:{port}", time.monotonic() + 240
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
    page.set_default_timeout(240_000)
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


def players(count):
    return f"document.querySelectorAll('.gdviz-player canvas').length >= {count}"


def notebook_of(sources):
    cells = [nbformat.v4.new_code_cell(source.strip()) for source in sources]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})


def the_kernel(page):
    return the_kernel_called(page.evaluate("jupyterapp.shell.currentWidget.sessionContext.session.kernel.id"))


def the_kernel_called(kernel):
    """The process of a kernel, by its id."""
    for process in psutil.Process(os.getpid()).children(recursive=True):
        with contextlib.suppress(psutil.Error):  # a helper of Chromium that has just gone
            if any(kernel in part for part in process.cmdline()):
                return process
    raise LookupError(f"no process of kernel {kernel}")


class Shown:
    """One player as a person meets it: its sliders by their handles, its canvas by its pixels."""

    def __init__(self, page, number):
        self.page = page
        self.box = page.locator(".widget-vbox:has(.gdviz-player)").nth(number)
        self.canvas = self.box.locator("canvas")
        self.box.scroll_into_view_if_needed()
        self.page.wait_for_function("(canvas) => canvas.width > 0", arg=self.canvas.element_handle())

    def pixels(self):
        self.wait_a_frame()
        return self.canvas.evaluate(PIXELS)

    def says(self):
        self.wait_a_frame()
        return self.canvas.get_attribute("aria-label")

    def wait_a_frame(self):
        self.page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def says_other_than(self, words):
        self.page.wait_for_function(
            "([canvas, words]) => canvas.getAttribute('aria-label') !== words",
            arg=[self.canvas.element_handle(), words],
        )

    def says_eventually(self, words):
        self.page.wait_for_function(
            "([canvas, words]) => canvas.getAttribute('aria-label').includes(words)",
            arg=[self.canvas.element_handle(), words],
        )

    def drag(self, slider, part):
        """Take the handle of a slider with the mouse and pull it to a part (0 to 1) of its way."""
        handle = self.box.locator(".noUi-handle").nth(slider)
        handle.scroll_into_view_if_needed()
        at, way = handle.bounding_box(), self.box.locator(".noUi-target").nth(slider).bounding_box()
        y = at["y"] + at["height"] / 2
        self.page.mouse.move(at["x"] + at["width"] / 2, y)
        self.page.mouse.down()
        self.page.mouse.move(way["x"] + way["width"] * part, y, steps=8)
        self.page.mouse.up()

    def press(self, slider, key):
        self.box.locator(".noUi-handle").nth(slider).focus()
        self.page.keyboard.press(key)
