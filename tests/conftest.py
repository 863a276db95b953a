"""Fixtures: the browser, a page that hosts a player as a notebook does, and warnings as errors."""

import base64
import json
import os
import runpy
import shutil
import sys
from pathlib import Path

import cost
import engines
import matplotlib
import proof
import pytest
import torch
from hypothesis import settings
from lab import FLAGS, NOTEBOOKS, jupyter_server, open_notebook

from gdviz.player import scripts

matplotlib.use("agg")
if "PYTEST_XDIST_WORKER" in os.environ:  # a worker has one core, and threads that wait for each other take the others
    torch.set_num_threads(1)
    os.environ["OMP_NUM_THREADS"] = "1"  # of its kernels


def pytest_addoption(parser):
    parser.addoption("--proof", action="store_true", help="write what the tests of equality found (make proof)")


def pytest_terminal_summary(terminalreporter, exitstatus, config):
    if proof.complete():
        terminalreporter.write_line(proof.table())
        if config.getoption("--proof") and exitstatus == 0:
            proof.write()


def pytest_collection_modifyitems(items):
    """What the driver of an engine cannot do is no test of that engine."""
    items[:] = [
        item
        for item in items
        if getattr(item, "callspec", None) is None
        or item.callspec.params.get("engine") not in engines.CANNOT.get(item.originalname, {})
    ]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """With -n, groups are spread over the cores: a notebook and its tests, the proof and its table, any other file."""
    from xdist.scheduler import LoadScopeScheduling

    stems = {path.stem for path in NOTEBOOKS.glob("*.ipynb")}
    together = {"test_equals_torch": "proof", "test_formula": "proof", "test_readme": "proof"}

    class Groups(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            path, _, name = nodeid.partition("::")
            file, parameter = Path(path).stem, name.partition("[")[2].removesuffix("]")
            return next((stem for stem in (file, parameter) if stem in stems), together.get(file, file))

    config.option.loadscopereorder = False  # it would keep for the end what has few tests: the longest groups
    return Groups(config, log)


cost.watch_nbval()
settings.register_profile("gdviz", derandomize=True, deadline=None)
settings.load_profile("gdviz")

HOST = """
  // what anywidget gives a view, and a count of what is listening
  window.makeModel = (state) => {
    const listeners = [];
    return {
      state, listeners, saved: 0,
      get: (name) => state[name],
      set(name, value) {
        state[name] = value;
        for (const [event, fn] of [...listeners]) if (event === `change:${name}`) fn();
      },
      save_changes() { this.saved += 1; },
      on: (event, fn) => listeners.push([event, fn]),
      off(event, fn) {
        const i = listeners.findIndex(([e, f]) => e === event && f === fn);
        if (i >= 0) listeners.splice(i, 1);
      },
    };
  };
  window.bytes = (text) => new DataView(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
  window.frames2 = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
"""


@pytest.fixture(autouse=True)
def closed():
    """A test leaves no figure of pyplot behind: thousands of them would make every later test slow."""
    yield
    if plt := sys.modules.get("matplotlib.pyplot"):
        plt.close("all")


@pytest.fixture
def learner(tmp_path):
    """learner(source) -> the work() of a learner's file, whose lines are known."""

    def write(source):
        (tmp_path / "cell.py").write_text(source)
        return runpy.run_path(str(tmp_path / "cell.py"))["work"]

    return write


@pytest.fixture(scope="session")
def browser():
    """Headless Chromium from the system; without it the test is skipped, except in CI."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        message = "needs Chromium: apt-get install chromium"
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def host(browser):
    """host(player, width=..., density=...) -> a page that shows the player's view, without Jupyter or a kernel."""
    contexts = []

    def show(player, *, width=1280, density=1):
        player.twin()  # packs
        context = browser.new_context(viewport={"width": width, "height": 900}, device_scale_factor=density)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(120_000)  # beside other work a browser may be slow
        errors = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.errors = errors
        page.set_content(f"<style>body {{ margin: 0 }} {scripts.text('player.css')}</style><div id=out></div>")
        page.evaluate(HOST)
        state = {name: getattr(player, name) for name in player.keys if not name.startswith("_")}
        names = ["size", "axes", "sliders", "trail", "caption", "opening", "clickable", "click", "answered", "message"]
        names += ["asks", "guess", "truth", "locked", "descents", "handles", "start", "dials", "dialed", "placed"]
        names += ["kept", "solids", "turned"]
        names += [name for name in state if name.startswith("slider_")]
        plain = {name: state[name] for name in names}
        plain["picture"] = base64.b64encode(player.picture).decode()
        plain["marks"] = [
            {name: base64.b64encode(v).decode() if isinstance(v, bytes) else v for name, v in m.items()}
            for m in player.marks
        ]
        page.evaluate(
            """async ([source, words, text]) => {
              const state = JSON.parse(text);
              state.picture = bytes(state.picture);
              const whole = (mark) => ({ data: bytes(mark.data), space: mark.space && bytes(mark.space) });
              state.marks = state.marks.map((mark) => ({ ...mark, ...whole(mark) }));
              const load = (text) => import(URL.createObjectURL(new Blob([text], { type: "text/javascript" })));
              [window.view, window.words] = await Promise.all([load(source), load(words)]);
              window.model = makeModel(state);
              window.end_ = view.default.initialize({ model }); // once for each model
              window.close_ = view.default.render({ model, el: document.querySelector("#out") });
              await document.querySelector("img").decode();
              await frames2();
            }""",
            [scripts.joined("view"), scripts.text("words.mjs"), json.dumps(plain)],
        )
        return page

    yield show
    for context in contexts:
        context.close()


@pytest.fixture
def opened(browser, tmp_path):
    """opened(html) -> a page that shows it from a file, without a network; page.asked: what it asked for."""
    contexts = []

    def show(html, *, width=1280, scheme="light"):
        file = html if isinstance(html, Path) else tmp_path / "page.html"
        if file is not html:
            file.write_text(f"<!doctype html><meta charset=utf-8><body>{html}", encoding="utf-8")
        context = browser.new_context(viewport={"width": width, "height": 900}, offline=True, color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(120_000)  # beside other work a browser may be slow
        page.errors, page.asked = [], []
        page.on("pageerror", lambda error: page.errors.append(str(error)))
        page.on("request", lambda request: page.asked.append(request.url))
        page.goto(file.as_uri())
        page.wait_for_function("[...document.querySelectorAll('canvas')].every((c) => c.ariaLabel)")
        return page

    yield show
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def lab_server(tmp_path_factory):
    """The folder and the address of a JupyterLab that serves a copy of the notebooks."""
    folder = tmp_path_factory.mktemp("lab")
    with jupyter_server(folder) as address:
        yield folder, address


@pytest.fixture
def lab(browser, lab_server):
    """lab(name) -> a page of JupyterLab with this notebook of the course open; it is closed after the test."""
    (folder, address), contexts = lab_server, []

    def show(name, *, notebook=None, copy_of=None, script=""):
        if copy_of:
            shutil.copy(folder / copy_of, folder / name)
        if notebook:
            (folder / name).write_text(json.dumps(notebook))
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(120_000)  # beside other work a browser may be slow
        page.add_init_script(script)
        open_notebook(page, address, name)
        return page

    yield show
    for context in contexts:
        context.close()
