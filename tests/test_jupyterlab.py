"""The course in JupyterLab, in headless Chromium: run all, drag, press keys, read pixels, kill the kernel, drag on."""

import contextlib
import os
import signal

import nbformat
import psutil
import pytest
from lab import run_all

pytestmark = pytest.mark.browser

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


def players(count):
    return f"document.querySelectorAll('.gdviz-player canvas').length >= {count}"


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


def test_notebook_01_follows_clicks_and_moves_with_the_kernel_alive_busy_and_dead(lab):
    page = lab("01_linear_regression.ipynb")
    run_all(page, players(5))
    a_click_recomputes_the_descent_from_there(page)
    player = Shown(page, 3)
    first = player.pixels()
    assert first[1] > 500
    assert "Shown: step 40; learning rate 0.1; loss 3890" in player.says()

    player.drag(0, 0.25)
    assert "Shown: step 10; learning rate 0.1" in player.says()
    dragged = player.pixels()
    assert dragged[0] != first[0]

    player.press(0, "ArrowRight")
    assert "Shown: step 11; " in player.says()
    assert player.pixels()[0] != dragged[0]
    handle = player.box.locator(".noUi-handle").first
    assert handle.get_attribute("aria-label") == "step"
    assert handle.get_attribute("aria-valuetext").startswith("11; loss ")

    player.drag(1, 1.0)
    assert player.says().endswith("(diverged)")
    player.drag(1, 0.0)
    assert "learning rate 0.02" in player.says()
    assert "diverged" not in player.says().split("Shown")[1]

    kernel = the_kernel(page)
    kernel.suspend()  # busy, as far as the browser can tell
    before = player.pixels()
    player.drag(0, 0.8)
    assert "Shown: step 32; " in player.says()
    busy = player.pixels()
    assert busy[0] != before[0]

    kernel.send_signal(signal.SIGKILL)
    gone, _ = psutil.wait_procs([kernel], timeout=20)
    assert gone
    page.locator(".jp-Dialog button.jp-mod-accept").click()  # "The kernel appears to have died."
    player.press(0, "ArrowLeft")
    assert "Shown: step 31; " in player.says()
    assert player.pixels()[0] != busy[0]
    player.drag(0, 0.5)
    assert "Shown: step 20; " in player.says()


def the_kernel(page):
    kernel = page.evaluate("jupyterapp.shell.currentWidget.sessionContext.session.kernel.id")
    for process in psutil.Process(os.getpid()).children(recursive=True):
        with contextlib.suppress(psutil.Error):  # a helper of Chromium that has just gone
            if any(kernel in part for part in process.cmdline()):
                return process
    raise LookupError(f"no process of kernel {kernel}")


def a_click_recomputes_the_descent_from_there(page):
    player = Shown(page, 4)
    player.drag(0, 0.0)
    before = player.says()
    area = player.canvas.bounding_box()
    player.canvas.click(position={"x": area["width"] * 0.62, "y": area["height"] * 0.2})
    player.says_other_than(before)  # the loss at step 0, from the kernel
    clicked = player.says()
    page.keyboard.press("ArrowLeft")
    player.says_other_than(clicked)
    assert player.box.locator(".message").text_content() == ""


CELLS = [
    """
import matplotlib.pyplot as plt
import torch
from gdviz.player import Player
figure, ax = plt.subplots()
ax.set(xlim=(0, 20), ylim=(0, 20))
player = Player(figure, {"step": range(21)}, at={"step": 0})
player.path(ax, torch.arange(21.0)[:, None].expand(21, 2))
player
""",
    "player",
]


def test_shown_twice_and_run_again_there_is_one_clock_and_nothing_is_left(lab):
    page = lab("twice.ipynb", notebook=twice(), script=WATCH)
    run_all(page, players(2))
    one, two = Shown(page, 0), Shown(page, 1)
    one.drag(0, 0.5)
    assert one.says() == two.says() == "step 10"
    assert one.pixels()[1] == two.pixels()[1] > 0

    page.evaluate("timeouts.length = 0")
    one.drag(0, 0.0)
    two.box.locator("button:has(.fa-play)").click()
    page.wait_for_function("document.querySelector('.gdviz-player canvas').getAttribute('aria-label') === 'step 20'")
    pace = 8000 // 21
    ticks = page.evaluate(f"timeouts.filter((ms) => ms === {pace}).length")
    assert 19 <= ticks <= 21, f"{ticks} ticks for 20 steps: one clock, however often the player is shown"

    assert page.evaluate("watching.size") == 2
    one.drag(0, 0.0)
    one.box.locator("button:has(.fa-play)").click()
    for _ in range(2):
        page.evaluate("jupyterapp.commands.execute('notebook:run-all-cells')")
        page.wait_for_function("document.querySelectorAll('.gdviz-player canvas').length === 2")
        page.wait_for_function("jupyterapp.shell.currentWidget.sessionContext.session.kernel.status === 'idle'")
    page.wait_for_function("watching.size === 2")
    assert page.locator(".gdviz-player").count() == 2
    page.wait_for_timeout(pace)  # a tick that was under way
    page.evaluate("timeouts.length = 0")
    page.wait_for_timeout(3 * pace)
    assert page.evaluate(f"timeouts.filter((ms) => ms === {pace}).length") == 0, "a clock outlived its views"


TYPED = """
import torch
from gdviz.views_names import typed

def probabilities(word):
    if "!" in word:
        raise ValueError("no letters")
    return torch.tensor([min(len(word), 10), 10 - min(len(word), 10)]) / 10

typed(probabilities, ["long", "short"], "abc")
"""


def test_every_letter_of_a_typed_word_moves_the_bars(lab):
    page = lab("typed.ipynb", notebook=notebook_of([TYPED]))
    run_all(page, players(1))
    player = Shown(page, 0)
    assert player.says().endswith("Shown: long 30 %; short 70 %")
    seen = {player.pixels()[0]}
    field = player.box.get_by_role("textbox", name="a name")
    field.focus()
    page.keyboard.press("End")
    for share, letter in enumerate("dé北", start=4):
        page.keyboard.type(letter)
        player.says_eventually(f"long {share}0 %; short {10 - share}0 %")
        seen.add(player.pixels()[0])
    assert len(seen) == 4
    page.keyboard.type("!")
    player.box.get_by_text("Not shown: no letters").wait_for()
    assert "long 60 %" in player.says()
    field.fill("")
    player.says_eventually("long 0 %; short 100 %")
    field.fill("x" * 100_000)
    player.says_eventually("long 100 %; short 0 %")


GUESSED = """
import matplotlib.pyplot as plt
import torch
from gdviz.player import Player
figure, ax = plt.subplots()
ax.set(xlim=(0, 20), ylim=(0, 20))
player = Player(figure, {"step": range(21), "rate": [0.1, 0.2]})
player.path(ax, torch.arange(21.0)[:, None, None].expand(21, 2, 2))
player.on_guess(lambda x, y: f"{x:.0f} and {y:.0f}")
player
"""


def test_a_guess_lets_the_controls_go_also_while_the_kernel_is_busy(lab):
    page = lab("guessed.ipynb", notebook=notebook_of([GUESSED]))
    run_all(page, players(1))
    player = Shown(page, 0)
    play = player.box.locator("button:has(.fa-play)")
    assert play.is_disabled()
    player.drag(0, 0.5)
    assert player.says().endswith("step 0; rate 0.2")  # where it began
    kernel = the_kernel(page)
    kernel.suspend()
    player.canvas.click()
    page.wait_for_function("(button) => !button.disabled", arg=play.element_handle())
    player.drag(0, 0.5)
    player.press(1, "ArrowLeft")
    assert player.says().endswith("step 10; rate 0.1")
    kernel.resume()
    player.box.get_by_text(" and ").wait_for()


def twice():
    return notebook_of(CELLS)


def notebook_of(sources):
    cells = [nbformat.v4.new_code_cell(source.strip()) for source in sources]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
