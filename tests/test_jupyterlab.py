"""The course in JupyterLab, in headless Chromium: run all, drag, press keys, read pixels, kill the kernel, drag on."""

import signal

import psutil
import pytest
from lab import WATCH, Shown, notebook_of, open_notebook, players, run_all, the_kernel

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_notebook_01_is_dragged_and_moves_with_the_kernel_alive_busy_and_dead(lab):
    page = lab("01_linear_regression.ipynb")
    run_all(page, players(9))
    the_start_is_moved(page)
    player = Shown(page, 6)
    first = player.pixels()
    assert first[1] > 50
    assert "Shown: step 0; learning rate 0.1; loss 43001" in player.says()

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

    dial, before = player.box.locator(".dial input[type=range]"), player.says()
    dial.press("End")
    player.says_other_than(before)
    assert player.says().endswith("(diverged)")
    before = player.says()
    dial.press("Home")
    player.says_other_than(before)
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
    gone, _ = psutil.wait_procs([kernel], timeout=120)
    assert gone
    page.locator(".jp-Dialog button.jp-mod-accept").click()  # "The kernel appears to have died."
    player.press(0, "ArrowLeft")
    assert "Shown: step 31; " in player.says()
    assert player.pixels()[0] != busy[0]
    player.drag(0, 0.5)
    assert "Shown: step 20; " in player.says()
    the_start_is_moved(page)


def the_start_is_moved(page):
    player = Shown(page, 7)
    player.drag(0, 0.0)
    before = player.says()
    area = player.canvas.bounding_box()
    player.canvas.click(position={"x": area["width"] * 0.62, "y": area["height"] * 0.2})
    player.says_other_than(before)  # the loss at step 0
    clicked = player.says()
    page.keyboard.press("ArrowLeft")
    player.says_other_than(clicked)
    page.keyboard.press("Home")
    player.says_eventually(before.split("Shown: ")[1])
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
    assert one.says() == two.says() == "step 10; path (10, 10)"
    page.wait_for_timeout(600)  # at rest both are sharp
    assert one.pixels()[1] == two.pixels()[1] > 0

    page.evaluate("timeouts.length = 0")
    one.drag(0, 0.0)
    two.box.locator(".play").click()
    page.wait_for_function(
        "document.querySelector('.gdviz-player canvas').getAttribute('aria-label').startsWith('step 20;')"
    )
    pace = 8000 // 21
    ticks = page.evaluate(f"timeouts.filter((ms) => ms === {pace}).length")
    assert 19 <= ticks <= 21, f"{ticks} ticks for 20 steps: one clock, however often the player is shown"

    assert page.evaluate("watching.size") == 2
    one.drag(0, 0.0)
    one.box.locator(".play").click()
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
from gdviz.views.names import typed

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
    play = player.box.locator(".play")
    assert play.is_disabled()
    player.drag(0, 0.5)
    assert "Shown: step 0; rate 0.2" in player.says()  # where it began
    kernel = the_kernel(page)
    kernel.suspend()
    player.canvas.click()
    page.wait_for_function("(button) => !button.disabled", arg=play.element_handle())
    player.drag(0, 0.5)
    player.press(1, "ArrowLeft")
    assert player.says().startswith("step 10; rate 0.1;")
    kernel.resume()
    player.box.locator(".message").get_by_text(" and ").wait_for()


def test_a_letter_that_a_dead_kernel_cannot_read_is_answered_by_a_sentence(lab):
    page = lab("typed_on.ipynb", notebook=notebook_of([TYPED]))
    run_all(page, players(1))
    player, kernel = Shown(page, 0), the_kernel(page)
    kernel.send_signal(signal.SIGKILL)
    psutil.wait_procs([kernel], timeout=20)
    page.locator(".jp-Dialog button.jp-mod-accept").click()
    player.box.get_by_role("textbox", name="a name").fill("abcd")
    player.box.get_by_text("No answer from the kernel yet: is it running?").wait_for()


NAMED = """
figure, ax = plt.subplots()
player = Player(figure, {"from $5 to $10": range(3), "<img src=x onerror='hurt = 1'>": [1, 2], "&lt;": [1, 2]})
player.path(ax, torch.zeros(3, 2, 2, 2))
player.on_text(print, label="$x$ <b>")
player
"""


def test_in_a_zoomed_notebook_a_click_is_where_the_pointer_is_and_names_are_text(lab):
    page = lab("clicked.ipynb", notebook=notebook_of([GUESSED.replace("on_guess", "on_click"), NAMED]))
    run_all(page, players(2))
    named = Shown(page, 1)
    page.wait_for_function("document.querySelectorAll('.widget-label').length === 6")
    labels = ["$x$ <b>", "from $5 to $10", "<img src=x onerror='hurt = 1'>", "&lt;"]
    seen = "[...box.querySelectorAll('.widget-label')].map((label) => label.textContent).join()"
    page.wait_for_function(f"([box, labels]) => {seen} === labels.join()", arg=[named.box.element_handle(), labels])
    assert page.evaluate("window.hurt") is None
    assert named.box.locator("mjx-container").count() == 0
    player = Shown(page, 0)
    for _ in range(4):
        page.evaluate("jupyterapp.commands.execute('application:zoom-in-widget')")
    player.box.scroll_into_view_if_needed()
    area = player.canvas.bounding_box()
    page.mouse.click(area["x"] + area["width"] * 0.5125, area["y"] + area["height"] * 0.505)  # the middle of the Axes
    player.box.get_by_text("10 and 10", exact=True).wait_for()


def test_a_notebook_opened_again_shows_the_picture_and_says_how_to_wake_it(lab):
    page = lab("again.ipynb", notebook=notebook_of([GUESSED, "'the end'"]))
    run_all(page, players(1))
    asleep = page.locator(".gdviz-asleep")
    assert not asleep.is_visible()
    page.evaluate("jupyterapp.commands.execute('docmanager:save')")
    page.wait_for_function("!jupyterapp.shell.currentWidget.context.model.dirty")
    address, name = page.url.split("/lab")[0], "again.ipynb"
    page.evaluate("jupyterapp.serviceManager.sessions.shutdownAll()")
    open_notebook(page, address, name)
    wakes = page.get_by_text("The sliders are asleep: run the cell to wake them.")
    wakes.wait_for()
    assert asleep.get_by_text("Shown: step 0, rate 0.2.").is_visible()
    assert asleep.locator("img").evaluate("(image) => image.naturalWidth") == 640
    assert asleep.locator("img").bounding_box()["height"] > 300
    assert not page.get_by_text("model not found").is_visible()
    run_all(page, players(1))
    wakes.wait_for(state="hidden")
    Shown(page, 0).drag(0, 0.5)

    page.evaluate("jupyterapp.commands.execute('docmanager:save')")
    page.wait_for_function("!jupyterapp.shell.currentWidget.context.model.dirty")
    page.route("**/extensions/anywidget/**", lambda route: route.abort())
    page.evaluate("jupyterapp.serviceManager.sessions.shutdownAll()")
    open_notebook(page, address, name)
    page.evaluate("jupyterapp.commands.execute('notebook:run-all-cells')")
    page.wait_for_function("jupyterapp.shell.currentWidget.content.widgets[1].model.executionCount")
    wakes.wait_for()
    assert "JupyterLab lacks the package anywidget" in asleep.text_content()
    assert asleep.locator("img").is_visible()
    assert not page.locator(".widget-slider").first.is_visible()


def twice():
    return notebook_of(CELLS)
