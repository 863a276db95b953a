"""The start that one drags, by mouse, finger and keys, without a kernel: the numbers are those of minimize."""

import io
import re
from functools import cache

import numpy as np
import pytest
from PIL import Image
from test_export import moved

from gdviz import data, surfaces, views
from gdviz.descent import grid, minimize
from gdviz.optimizers import Adam, GradientDescent, Momentum
from gdviz.player import pages

RATES = [0.05, 0.1, 0.3]
TOY = data.toy_line(30)
LOSS = surfaces.linear_model(TOY)
FRAMES = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"  # what changed is drawn
pytestmark = pytest.mark.browser


def descent(start):
    return minimize(LOSS, GradientDescent(**grid(lr=RATES)), start, 40)


@cache
def line_fit():
    return views.line_fit(TOY, LOSS, descent([0.0, 0.0]), sliders={"learning rate": RATES}, at={"step": 0})


def page_of(opened, player):
    return opened(pages.code() + pages.body(player))


def pixel(page, player, place):
    """Where a place in the data of the draggable Axes is on the page."""
    axes, box = player.axes[player.handles[0]["axes"]], page.locator("canvas").bounding_box()
    left, top, width, height = axes["box"]
    (x0, x1), (y0, y1) = axes["xlim"], axes["ylim"]
    scale = box["width"] / player.size[0]
    x = left + width * (place[0] - x0) / (x1 - x0)
    y = top + height * (1 - (place[1] - y0) / (y1 - y0))
    return box["x"] + x * scale, box["y"] + y * scale


def start(page):
    """The start that the picture names; None where it has not been dragged."""
    page.evaluate(FRAMES)
    found = re.search(r"from the start \((.*?)\)", page.locator("canvas").get_attribute("aria-label"))
    return found and [float(number) for number in found[1].split(", ")]


def says(page):
    page.evaluate(FRAMES)
    return page.locator("canvas").get_attribute("aria-label").split("Shown: ")[1]


def loss_said(place, index):
    run = descent(place)
    return f"loss {run.losses[index].item():.5g}"


@pytest.mark.slow
def test_a_drag_moves_path_and_readout_in_the_same_frame_and_stays_at_the_edge(opened):
    player = line_fit()
    page = page_of(opened, player)
    (x0, x1), (y0, y1) = (player.axes[1][name] for name in ("xlim", "ylim"))
    page.mouse.move(*pixel(page, player, (0, 0)))
    page.mouse.down()
    there = (x0 + 0.9 * (x1 - x0), y0 + 0.75 * (y1 - y0))
    assert moved(page, lambda: page.mouse.move(*pixel(page, player, there), steps=4))
    assert says(page)
    assert start(page) == pytest.approx(there, rel=0.02)
    page.mouse.move(*pixel(page, player, (x1 + (x1 - x0), 0.5 * (y0 + y1))))
    page.mouse.up()
    says(page)
    assert start(page)[0] == pytest.approx(x1, rel=0.02), "beyond the edge it stays at the edge"
    page.mouse.dblclick(*pixel(page, player, there))
    says(page)
    assert start(page) is None
    assert page.errors == []


@pytest.mark.slow
def test_the_numbers_are_those_of_minimize_at_every_position(opened):
    player = line_fit()
    page = page_of(opened, player)
    page.evaluate("document.querySelector('canvas').focus()")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("ArrowUp")
    page.wait_for_function("/from the start/.test(document.querySelector('canvas').getAttribute('aria-label'))")
    (x0, x1), (y0, y1) = (player.axes[1][name] for name in ("xlim", "ylim"))
    there = [(x1 - x0) / 16, (y1 - y0) / 80]
    assert loss_said(there, (0, 1)) in says(page)
    page.get_by_label("step", exact=True).press("End")
    assert loss_said(there, (40, 1)) in says(page)
    page.get_by_label("learning rate", exact=True).press("Home")
    assert loss_said(there, (40, 0)) in says(page)
    assert loss_said(there, (40, 0)) in page.get_by_label("step", exact=True).get_attribute("aria-valuetext")
    page.evaluate("document.querySelector('canvas').focus()")
    page.keyboard.press("Home")
    assert loss_said([0.0, 0.0], (40, 0)) in says(page)


@pytest.mark.slow
def test_a_ball_in_a_valley_keeps_to_its_curve(opened):
    def loss(w):
        return w[..., 0] ** 2

    player = views.valley(loss, minimize(loss, GradientDescent(**grid(lr=RATES)), [10.0], 20), RATES, at={"step": 0})
    page = page_of(opened, player)
    page.mouse.move(*pixel(page, player, (10, 100)))
    page.mouse.down()
    page.mouse.move(*pixel(page, player, (-6, 100)), steps=3)
    page.mouse.up()
    assert "w = -6" in says(page)
    assert start(page) == pytest.approx([-6], abs=0.1)


@pytest.mark.slow
def test_the_line_is_turned_by_its_ends_and_descends_from_there(opened):
    player = line_fit()
    page = page_of(opened, player)
    handle = next(handle for handle in player.handles if handle["kind"] == "ends")
    axes, scale = player.axes[handle["axes"]], page.locator("canvas").bounding_box()["width"] / player.size[0]
    left, top, width, height = axes["box"]
    (x0, x1), (y0, y1) = axes["xlim"], axes["ylim"]

    def there(x, y):
        box = page.locator("canvas").bounding_box()
        return (
            box["x"] + scale * (left + width * (x - x0) / (x1 - x0)),
            box["y"] + scale * (top + height * (1 - (y - y0) / (y1 - y0))),
        )

    right = float(TOY.x.max())  # the line of the start (0, 0) lies along y = 0
    page.mouse.move(*there(right, 0))
    page.mouse.down()
    assert moved(page, lambda: page.mouse.move(*there(right, 1.5), steps=3))
    page.mouse.up()
    says(page)
    w, b = start(page)
    assert w * right + b == pytest.approx(1.5, abs=0.05)
    assert w * float(TOY.x.min()) + b == pytest.approx(0, abs=0.05), "it turns about the other end"
    said = float(re.search(r"loss ([\d.e+-]+)", says(page))[1])
    assert said == pytest.approx(descent([w, b]).losses[0, 1].item(), rel=0.01)
    page.mouse.dblclick(*there(right, 1.5))
    says(page)
    assert start(page) is None
    assert page.errors == []


@pytest.mark.slow
def test_where_the_loss_is_infinite_the_ring_stays_at_the_edge_and_the_words_say_so(opened):
    def loss(w):
        return w[..., 0] - w[..., 0].log()

    player = views.valley(loss, minimize(loss, GradientDescent(0.1), [5.0], 20), xlim=(-2, 8), at={"step": 0})
    page = page_of(opened, player)
    assert "w = 5" in says(page)
    page.mouse.move(*pixel(page, player, (5, 5 - float(np.log(5)))))
    page.mouse.down()
    page.mouse.move(*pixel(page, player, (-1, 3)), steps=3)
    page.mouse.up()
    assert re.search(r"w = -[01]\.?\d* \(diverged\)", says(page))
    assert start(page) == pytest.approx([-1], abs=0.1)
    player.start = [-1.0]
    assert "w = -1 (diverged)" in player.describe()
    player.start = []
    top = player.axes[0]["ylim"][1]
    page.mouse.move(*pixel(page, player, (start(page)[0], top)))
    page.mouse.down()  # the ring is there, and can be held
    page.mouse.move(*pixel(page, player, (6, 3)), steps=3)
    page.mouse.up()
    assert "w = 6" in says(page)
    assert page.errors == []


@pytest.mark.slow
def test_racers_start_from_one_place(opened):
    surface = surfaces.ravine()
    rules = {"Momentum": Momentum(lr=0.1, momentum=0.9), "Adam": Adam(lr=0.2)}
    player = views.descents(surface, {name: minimize(surface, rule, (-5, -2), 50) for name, rule in rules.items()})
    page = page_of(opened, player)
    page.mouse.move(*pixel(page, player, (-5, -2)))
    page.mouse.down()
    assert moved(page, lambda: page.mouse.move(*pixel(page, player, (4, 2)), steps=3))
    page.mouse.up()
    assert start(page) == pytest.approx([4, 2], rel=0.02)
    assert page.errors == []


@pytest.mark.slow
def test_a_slider_that_chooses_the_start_takes_it_back(opened):
    saddle, starts = surfaces.saddle(), [[1.0, 0.1], [1.0, 0.01]]
    run = minimize(saddle, GradientDescent(lr=0.1), starts, 30)
    page = page_of(
        opened, views.descents(saddle, run, sliders={"offset": ["0.1", "0.01"]}, at={"step": -1, "offset": 1})
    )
    page.locator("canvas").focus()
    page.keyboard.press("ArrowUp")
    moved = start(page)
    assert moved[1] > 0.01
    page.get_by_role("slider", name="offset").focus()
    page.keyboard.press("ArrowLeft")
    assert f"loss {run.losses[-1, 0].item():.4g}" in says(page)
    assert start(page) is None


@pytest.mark.slow
def test_a_finger_on_the_ring_drags_and_elsewhere_scrolls(opened):
    player = line_fit()
    page = page_of(opened, player)
    stopped = """([x, y]) => {
        const canvas = document.querySelector("canvas");
        const touch = new Touch({identifier: 1, target: canvas, clientX: x, clientY: y});
        return !canvas.dispatchEvent(new TouchEvent("touchstart", {touches: [touch], cancelable: true, bubbles: true}));
    }"""
    says(page)
    assert page.evaluate(stopped, list(pixel(page, player, (0, 0))))
    (x0, x1), (y0, y1) = (player.axes[1][name] for name in ("xlim", "ylim"))
    assert not page.evaluate(stopped, list(pixel(page, player, (x1 - 0.1 * (x1 - x0), y1 - 0.1 * (y1 - y0)))))


@pytest.mark.slow
def test_the_dragged_start_is_saved_with_the_page(opened):
    player = views.line_fit(TOY, LOSS, descent([0.0, 0.0]), sliders={"learning rate": RATES}, at={"step": -1})
    player.start = [1.0, 0.5]
    page = page_of(opened, player)
    assert start(page) == [1.0, 0.5]
    assert loss_said([1.0, 0.5], (40, 1)) in says(page)


@pytest.mark.slow
def test_what_the_browser_draws_is_what_matplotlib_draws(opened):
    """Canvas and twin of the same dragged start: their blue curves lie on each other."""
    player = views.line_fit(TOY, LOSS, descent([0.0, 0.0]), sliders={"learning rate": RATES}, at={"step": -1})
    (x0, x1), (y0, y1) = LOSS.xlim, LOSS.ylim
    player.start = [x0 + 0.8 * (x1 - x0), y0 + 0.3 * (y1 - y0)]
    page = page_of(opened, player)
    says(page)
    shot = np.array(Image.open(io.BytesIO(page.locator("canvas").screenshot())).convert("RGB"), int)
    twin = Image.open(io.BytesIO(player.twin())).convert("RGB").resize(shot.shape[1::-1])
    blue = np.array([0x00, 0x72, 0xB2])
    ours, theirs = (np.abs(np.array(one, int) - blue).sum(-1) < 60 for one in (shot, twin))
    left = slice(int(player.axes[2]["box"][0] * shot.shape[1] / player.size[0]), None)
    ours, theirs = ours[:, left], theirs[:, left]  # the loss curve: the ring lies on the path
    assert theirs.sum() > 300
    grown = np.zeros_like(theirs)
    for dx in range(-2, 3):
        for dy in range(-2, 3):
            grown |= np.roll(theirs, (dy, dx), (0, 1))
    assert (ours & grown).sum() > 0.97 * ours.sum()
