"""Notebooks 01 and 04 in JupyterLab, in each engine: moved with the kernel alive and with the kernel dead."""

import signal

import engines
import psutil
import pytest
from lab import the_kernel_called

pytestmark = pytest.mark.browser
PLAYERS = {"01_linear_regression": (8, 5), "04_momentum_and_adam": (9, 0)}  # how many, and the one that is moved
TRIED = [(name, notebook) for name in engines.NEEDS for notebook in PLAYERS]
TRIED.remove(("chromium", "01_linear_regression"))  # test_jupyterlab does more of it
IDLE = "() => globalThis.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'"
LABEL = "(n) => document.querySelectorAll('.gdviz-player canvas')[n]?.getAttribute('aria-label')"
RECT = """(css, n) => {
  const box = document.querySelectorAll(".widget-vbox:has(.gdviz-player)")[n].querySelector(css);
  box.scrollIntoView({ block: "center" });
  const { x, y, width, height } = box.getBoundingClientRect();
  return [x, y, width, height];
}"""
FOCUS = """(n) => {
  const knob = document.querySelectorAll(".widget-vbox:has(.gdviz-player)")[n].querySelector(".noUi-handle");
  knob.scrollIntoView({ block: "center" });
  knob.focus();
}"""
DIED = """async () => {  // the notice that the kernel has died may come, in some seconds
  for (let k = 0; k < 40; k++) {
    const button = document.querySelector(".jp-Dialog button.jp-mod-accept");
    if (button) return button.click();
    await new Promise((done) => setTimeout(done, 150));
  }
}"""


@pytest.mark.parametrize(("name", "notebook"), TRIED)
def test_a_notebook_lives_with_its_kernel_and_without(request, lab_server, name, notebook):
    engines.missing(name)
    _, address = lab_server
    window = {
        "chromium": lambda: engines.Chromium(request.getfixturevalue("browser")),
        "firefox": engines.Firefox,
        "webkit": lambda: engines.WebKit(quick=True),
    }[name]()
    try:
        window.patience = 900  # JupyterLab drawn in software, beside other work
        window.resize(1280, 900)
        window.open(f"{address}/lab/tree/{notebook}.ipynb?reset")
        window.until(IDLE)
        window.run("() => { jupyterapp.commands.execute('notebook:run-all-cells'); }")
        many, nth = PLAYERS[notebook]
        window.until(f"() => document.querySelectorAll('.gdviz-player canvas[aria-label]').length >= {many}")
        window.until(IDLE)
        moved(window, nth)
        kernel = the_kernel_called(window.run("() => jupyterapp.shell.currentWidget.sessionContext.session.kernel.id"))
        kernel.send_signal(signal.SIGKILL)
        assert psutil.wait_procs([kernel], timeout=120)[0]
        window.run(DIED)
        moved(window, nth)
    finally:
        window.close()


def moved(window, nth):
    """Move the first slider of a player to its start by key, on by the mouse, and play it."""
    window.run(FOCUS, nth)
    window.press("Home")
    window.until(f"(n) => ({LABEL})(n).includes('Shown: step 0')", nth)
    window.press("ArrowRight", times=3)
    window.until(f"(n) => ({LABEL})(n).includes('Shown: step 3')", nth)
    way, at = window.run(RECT, ".noUi-target", nth), window.run(RECT, ".noUi-handle", nth)
    y = at[1] + at[3] / 2
    window.drag((at[0] + at[2] / 2, y), (way[0] + way[2] * 0.3, y), (way[0] + way[2] * 0.5, y))
    words = window.run(LABEL, nth)
    assert int(words.split("Shown: step ")[1].split(";")[0]) > 8
    x, y, width, height = window.run(RECT, ".play", nth)
    window.click(x + width / 2, y + height / 2)
    window.until(f"([n, words]) => ({LABEL})(n) !== words", [nth, words])
    x, y, width, height = window.run(RECT, ".play", nth)
    window.click(x + width / 2, y + height / 2)
