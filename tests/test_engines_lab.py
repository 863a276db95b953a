"""Notebooks in JupyterLab, in each engine: moved, its kernel alive and dead; under the dark theme; printed."""

import base64
import json
import re
import signal

import engines
import nbformat
import numpy as np
import psutil
import pypdfium2
import pytest
from lab import NOTEBOOKS, SETTINGS, jupyter_server, notebook_of, the_kernel_called
from PIL import Image

from gdviz.style import contrast

pytestmark = [pytest.mark.browser, pytest.mark.slow]
TRIED = {"01_linear_regression": 23, "04_momentum_and_adam": 18}  # the cells with the first two players
IDLE = "() => globalThis.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'"
LABEL = "(n) => document.querySelectorAll('.gdviz-player canvas')[n]?.getAttribute('aria-label')"
ONE = '(css, n) => document.querySelectorAll(".widget-vbox:has(.gdviz-player)")[n].querySelector(css)'
IN_VIEW = f"(css, n) => {{ const one = ({ONE})(css, n); one.scrollIntoView({{ block: 'center' }}); return one; }}"
RECT = f"""(css, n) => {{
  const {{ x, y, width, height }} = ({IN_VIEW})(css, n).getBoundingClientRect();
  return [x, y, width, height];
}}"""
ON = f"(css, n) => {{ const one = ({IN_VIEW})(css, n); one.focus(), one.select?.(); }}"
HAS = f"(css, n) => Boolean(({ONE})(css, n))"
TEXT = f"(css, n) => ({ONE})(css, n).textContent"
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


@pytest.mark.parametrize("name", engines.NEEDS)
def test_notebooks_live_with_their_kernel_and_without(request, lab_server, name):
    """The first players of some, in one notebook; test_jupyterlab does more, with all of 01, in Chromium alone."""
    folder, address = lab_server
    cut, last = notebook_of([]), []
    for notebook, cells in TRIED.items():
        cut.cells += nbformat.read(NOTEBOOKS / f"{notebook}.ipynb", 4).cells[:cells]
        shown = sum("image/png" in output.get("data", {}) for cell in cut.cells for output in cell.get("outputs", []))
        last.append(shown - 1)
    for k, cell in enumerate(cut.cells):
        cell.id = f"cell-{k}"
    (folder / f"{name}.ipynb").write_text(nbformat.writes(cut))
    window = window_of(request, name)
    try:
        window.patience = 900  # JupyterLab drawn in software, beside other work
        window.resize(1280, 900)
        window.open(f"{address}/lab/tree/{name}.ipynb?reset")
        window.until(IDLE)
        window.run("() => { jupyterapp.commands.execute('notebook:run-all-cells'); }")
        window.until(f"() => document.querySelectorAll('.gdviz-player canvas[aria-label]').length > {last[-1]}")
        window.until(IDLE)
        for nth in last:
            moved(window, nth)
        kernel = the_kernel_called(window.run("() => jupyterapp.shell.currentWidget.sessionContext.session.kernel.id"))
        kernel.send_signal(signal.SIGKILL)
        assert psutil.wait_procs([kernel], timeout=120)[0]
        window.run(DIED)
        for nth in last:
            moved(window, nth)
    finally:
        window.close()


def moved(window, nth):
    """Move the first slider of a player by key and mouse, play it, then drag what can be dragged, or type a number."""
    window.run(ON, ".noUi-handle", nth)
    window.press("Home")
    window.until(f"(n) => ({LABEL})(n).includes('Shown: step 0')", nth)
    window.press("ArrowRight", times=3)
    window.until(f"(n) => ({LABEL})(n).includes('Shown: step 3')", nth)
    way, at = window.run(RECT, ".noUi-target", nth), window.run(RECT, ".noUi-handle", nth)
    y = at[1] + at[3] / 2
    window.drag((at[0] + at[2] / 2, y), (way[0] + way[2] * 0.3, y), (way[0] + way[2] * 0.5, y))
    window.until(f"(n) => parseInt(({LABEL})(n).split('Shown: step ')[1]) > 8", nth)
    words = window.run(LABEL, nth)
    window.click(*centre(window, ".play", nth))
    window.until(f"([n, words]) => ({LABEL})(n) !== words", [nth, words])
    window.click(*centre(window, ".play", nth))
    if window.run(HAS, ".dial", nth):
        kept_and_typed(window, nth)
    else:
        dragged(window, nth)


def dragged(window, nth):
    """Drag the start, in the middle panel, and a data point, in the left one; each is put back."""
    for across, says in ((0.5, "Now from the start ("), (0.17, "is now at (")):
        x, y, width, height = window.run(RECT, "canvas", nth)
        places = [(x + width * (across + 0.02 * k), y + height * (0.5 - 0.04 * k)) for k in range(4)]
        window.drag(*places)
        window.until(f"([n, says]) => ({LABEL})(n).includes(says)", [nth, says])
        window.run(ON, "canvas", nth)
        window.press("Home")
        window.until(f"([n, says]) => !({LABEL})(n).includes(says)", [nth, says])


def kept_and_typed(window, nth):
    """Keep a setting, then type another number, and one that is refused."""
    window.click(*centre(window, ".keep", nth))
    window.until(f"(n) => ({TEXT})('.kept', n).startsWith('Kept, pale: ')", nth)
    for words, says in (("0.3", "learning rate 0.3"), ("7", "learning rate is a number from")):
        window.run(ON, ".dial input[type=text]", nth)
        window.press(*words, "Enter")
        window.until(f"([n, says]) => (({LABEL})(n) + ({TEXT})('.message', n)).includes(says)", [nth, says])
    window.click(*centre(window, ".keep", nth))
    window.until(f"(n) => ({TEXT})('.kept', n) === ''", nth)


def centre(window, css, nth):
    x, y, width, height = window.run(RECT, css, nth)
    return x + width / 2, y + height / 2


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


VIEW = "application/vnd.jupyter.widget-view+json"
PRINTED = "async (name) => (await fetch(`/nbconvert/html/${name}`)).text()"  # as JupyterLab does for File > Print
WAITING = "() => [...document.images].every((image) => image.complete)"


@pytest.mark.parametrize("name", ["chromium", "firefox"])
def test_a_notebook_printed_from_jupyterlab_has_each_picture_whole_and_its_values_in_words(
    request, lab_server, tmp_path, name
):
    folder, address = lab_server
    filling = nbformat.v4.new_markdown_cell("\n\n".join(["A line."] * 8))  # so that a picture comes to a sheet's end
    notebook = notebook_of([WITH_ALL, WITH_ALL, WITH_ALL])
    notebook.cells.insert(1, filling)
    (folder / f"printed {name}.ipynb").write_text(nbformat.writes(notebook))
    window = window_of(request, name)
    try:
        window.patience = 300
        window.resize(1280, 900)
        window.open(f"{address}/lab/tree/printed {name}.ipynb?reset")
        window.until(IDLE)
        window.run("() => jupyterapp.commands.execute('notebook:run-all-cells').then(() => 1)")
        window.until("() => document.querySelectorAll('.gdviz-player canvas[aria-label]').length === 3")
        window.run("() => jupyterapp.commands.execute('docmanager:save').then(() => 1)")
        for one in (f"printed {name}", "00_start_here"):
            html = window.run(PRINTED, f"{one}.ipynb")
            (tmp_path / f"{one}.html").write_text(html, encoding="utf-8")
        papers = []
        for one in (f"printed {name}", "00_start_here"):
            window.open((tmp_path / f"{one}.html").as_uri())
            window.until(WAITING)
            papers.append(window.pdf())
    finally:
        window.close()
    saved = nbformat.read(folder / f"printed {name}.ipynb", 4)
    assert sum(VIEW in output.data for cell in saved.cells for output in cell.get("outputs", [])) == 3
    words = " ".join(" ".join(printed(papers[0], saved, 3)).split())
    assert (
        words.count("Sliders: step 0 to 40, learning rate 0.01 to 1.2. Shown: step 0, learning rate 0.1, loss 98.") == 3
    )
    assert "asleep" not in words
    printed(papers[1], nbformat.read(folder / "00_start_here.ipynb", 4), 1)


def printed(pdf, notebook, least):
    """The words of each sheet, when each PNG of the notebook has been found there, whole, with its own pixels."""
    data = [output.get("data", {}) for cell in notebook.cells for output in cell.get("outputs", [])]
    twins = [base64.b64decode(one["image/png"]) for one in data if "image/png" in one]
    found, words = [], []
    with pypdfium2.PdfDocument(pdf) as document:
        for page in document:
            words.append(page.get_textpage().get_text_range())
            sheet, height = page.render(scale=3).to_pil().convert("RGB"), page.get_height()
            for picture in page.get_objects(filter=[pypdfium2.raw.FPDF_PAGEOBJ_IMAGE]):
                if max(picture.get_px_size()) < 100:
                    continue  # a symbol of a font
                left, low, right, high = picture.get_bounds()
                assert 0 <= left < right <= page.get_width()
                assert 0 <= low < high <= height
                found.append(sheet.crop(tuple(round(3 * x) for x in (left, height - high, right, height - low))))
    assert len(found) == len(twins) >= least
    for shown, twin in zip(map(inked, found), map(inked, map(Image.fromarray, map(engines.image, twins)))):
        assert shown.width / shown.height == pytest.approx(twin.width / twin.height, rel=0.01)
        assert strips_apart(shown, twin) < 1.2
    return words


def inked(picture):
    """A picture without its white edges."""
    return picture.crop(picture.convert("L").point(lambda value: 255 * (value < 235)).getbbox())


def strips_apart(one, other):
    """How much of 255 two pictures, seen from afar, differ by in that eighth of them where they differ most."""
    size = other.width // 16, other.height // 16
    one, other = (np.asarray(picture.resize(size, Image.Resampling.BOX), float) for picture in (one, other))
    return max(strip.mean() for axis in (0, 1) for strip in np.array_split(np.abs(one - other), 8, axis))
