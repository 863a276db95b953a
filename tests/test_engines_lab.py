"""Notebooks in JupyterLab, in each engine: moved with the kernel alive and dead, and under the dark theme."""

import json
import re
import signal

import engines
import psutil
import pytest
from lab import SETTINGS, jupyter_server, notebook_of, the_kernel_called

from gdviz.style import contrast

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

WITH_ALL = """
import matplotlib.pyplot as plt
from gdviz import optimizers, surfaces, views
from gdviz.descent import minimize
from gdviz.hyperparameters import Range
plt.style.use("gdviz.course")
bowl = surfaces.bowl(6)
rule = optimizers.Momentum(Range(0.01, 1.2, 0.1, log=True), 0.8)
views.descents(bowl, minimize(bowl, rule, bowl.start, 40))
"""
SHOW_ALL = """() => {  // a typed number that is refused, the sentence of Keep, the table
  const player = document.querySelector(".gdviz-player"), field = player.querySelector(".dial input[type=text]");
  const named = (name) => [...player.querySelectorAll("button")].find((button) => button.textContent === name);
  player.querySelector(".keep").click(), named("Table").click();
  field.value = "7";
  field.dispatchEvent(new Event("change"));
}"""
SHOWN = """() => [".message", ".kept", ".steps"]
  .every((css) => document.querySelector(`.gdviz-player ${css}`)?.textContent)"""
COLORS = """() => {  // of all that has words of its own and of the handles: the words, their colour, the colours behind
  const words = (e) => [...e.childNodes].filter((n) => n.nodeType === 3).map((n) => n.data).join("").trim() || e.value;
  const told = (e) => e.matches(":not(input), input[type=text]") && words(e);
  return [...document.querySelector(".widget-vbox:has(.gdviz-player)").querySelectorAll("*")]
    .filter((e) => e.checkVisibility() && (told(e) || e.matches(".noUi-handle")))
    .map((e) => {
      const grounds = [];
      for (let one = told(e) ? e : e.parentElement.closest(".widget-vbox"); one; one = one.parentElement)
        grounds.push(getComputedStyle(one).backgroundColor);
      return [told(e) || "handle", getComputedStyle(e)[told(e) ? "color" : "backgroundColor"], grounds];
    });
}"""
GROUND = """() => {  // of the picture, drawn on nothing: its corners; and of what it stands on
  const image = document.querySelector(".gdviz-player .stage img"), canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
  const ctx = canvas.getContext("2d"), { width, height } = canvas;
  ctx.drawImage(image, 0, 0);
  const corners = [[0, 0], [width - 1, 0], [0, height - 1], [width - 1, height - 1]];
  const stage = getComputedStyle(document.querySelector(".gdviz-player .stage")).backgroundColor;
  return [stage, ...corners.map(([x, y]) => `rgb(${[...ctx.getImageData(x, y, 1, 1).data].slice(0, 3).join(", ")})`)];
}"""


def window_of(request, name):
    engines.missing(name)
    if name == "chromium":
        return engines.Chromium(request.getfixturevalue("browser"))
    return engines.Firefox() if name == "firefox" else engines.WebKit(quick=True)


@pytest.mark.parametrize(("name", "notebook"), TRIED)
def test_a_notebook_lives_with_its_kernel_and_without(request, lab_server, name, notebook):
    _, address = lab_server
    window = window_of(request, name)
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


@pytest.fixture(scope="module")
def dark_lab(tmp_path_factory):
    """The address of a JupyterLab whose theme is dark, with a notebook of one player."""
    folder = tmp_path_factory.mktemp("dark")
    (folder / "dark.ipynb").write_text(json.dumps(notebook_of([WITH_ALL])))
    chosen = folder / SETTINGS / "@jupyterlab" / "apputils-extension" / "themes.jupyterlab-settings"
    chosen.parent.mkdir(parents=True)
    chosen.write_text('{"theme": "JupyterLab Dark"}')
    with jupyter_server(folder) as address:
        yield address


@pytest.mark.parametrize("name", engines.NEEDS)
def test_under_the_dark_theme_words_and_handles_stand_out_and_the_picture_has_its_own_ground(request, dark_lab, name):
    window = window_of(request, name)
    try:
        window.patience = 300
        window.resize(1280, 900)
        window.open(f"{dark_lab}/lab/tree/dark.ipynb?reset")
        window.until(IDLE)
        window.run(
            "() => jupyterapp.commands.execute('apputils:change-theme', { theme: 'JupyterLab Dark' }).then(() => 1)"
        )
        window.until("() => document.body.dataset.jpThemeLight === 'false'")
        window.run("() => { jupyterapp.commands.execute('notebook:run-all-cells'); }")
        window.until("() => document.querySelectorAll('.gdviz-player canvas[aria-label]').length")
        window.run(SHOW_ALL)
        window.until(SHOWN)
        found = window.run(COLORS)
        ground = window.run(GROUND)
    finally:
        window.close()
    words = [word for word, _, _ in found]
    assert {"Play", "Let go", "Table", "learning rate", "step", "7", "handle"} <= set(words)
    for word, color, grounds in found:
        behind = seen(*reversed(grounds))
        assert contrast(hexed(behind), "#ffffff") > 10 or word.startswith("learning rate is a number"), word  # dark
        assert contrast(hexed(seen(f"rgb{behind}", color)), hexed(behind)) >= (3 if word == "handle" else 4.5), word
    assert ground == ["rgb(255, 255, 255)"] * 5


def seen(*colors):
    """What is seen of CSS colours, the lowest first."""
    below = (255.0, 255.0, 255.0)
    for color in colors:
        *rgb, alpha = [*map(float, re.findall(r"[\d.]+", color)), 1.0][:4]
        below = tuple(alpha * over + (1 - alpha) * under for over, under in zip(rgb, below))
    return below


def hexed(rgb):
    return "#{:02x}{:02x}{:02x}".format(*map(round, rgb))
