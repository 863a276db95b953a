"""The view of the player in Chromium, on a page of its own: the canvas against the twin, keyboard, sizes, clean-up."""

import io
import math
import random
import re
import shutil
import subprocess
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from PIL import Image
from scipy.ndimage import binary_dilation

from gdviz import plots, style, surfaces
from gdviz.descent import grid, minimize
from gdviz.optimizers import GradientDescent
from gdviz.player import Player

RATES = [0.05, 0.45, 0.9, 1.1]
BOWL = surfaces.bowl(2, angle=20)
DESCENT = minimize(BOWL, GradientDescent(**grid(lr=RATES)), [8.0, 4.0], 30)
SLIDERS = {"step": range(31), "learning rate": RATES}
pytestmark = pytest.mark.browser


@pytest.mark.slow
def test_the_geometry_passes_in_node():
    node = shutil.which("node")
    if node is None:
        from playwright._impl._driver import compute_driver_executable

        node = compute_driver_executable()[0]  # playwright brings its own
    file = Path(__file__).parent / "geometry.test.mjs"
    ran = subprocess.run([node, "--test", str(file)], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout
    assert re.search(r"pass [1-9]", ran.stdout)


def drawn(kind, ground="#b0b0b0"):
    """A player with one mark of this kind on grey ground, light or dark, where white or black casing shows."""
    plt.rcParams["figure.facecolor"] = ground
    figure = plt.figure(figsize=(6, 4))
    ax = figure.add_axes((0.1, 0.1, 0.8, 0.8), projection="3d" if kind.startswith("3d") else None)
    plt.rcParams["figure.facecolor"] = "white"
    ax.set_axis_off()
    ax.set(xlim=(-10, 10), ylim=(-10, 10))
    player = Player(figure, SLIDERS)
    params, losses = DESCENT.params, DESCENT.losses
    if kind == "path":
        player.path(ax, params, color="#0072b2", size=24)
    elif kind.startswith("path "):
        player.path(ax, params, color="#d55e00", marker=kind[-1], dash=(4, 2), size=40, width=5, dots=0)
    elif kind == "curve on a log axis":
        ax.set(xlim=(0, 30), ylim=(1e-6, 1e3), yscale="log")
        player.curve(ax, losses, width=6)
    elif kind == "line":
        x = torch.linspace(-10, 10, 50, dtype=torch.float64)
        y = params[..., :1] * torch.sin(x)
        player.line(ax, torch.stack([x.expand(y.shape), y], -1), width=5)
    elif kind == "bars":
        ends = torch.stack([torch.full_like(losses, -10), losses.clamp(max=80) / 4 - 10], -1)
        rows = torch.tensor([-5.0, 0, 5]).double()[:, None].expand(3, 2)
        bars = torch.stack([ends[..., None, :].expand(*losses.shape, 3, 2), rows.expand(*losses.shape, 3, 2)], -1)
        gaps = torch.cat([bars, torch.full_like(bars[..., :1, :], torch.nan)], -2)
        player.line(ax, gaps.flatten(-3, -2), width=16, cap="butt")
    elif kind.startswith("points"):
        look = {"marker": "o", "casing": 4} if kind == "points in white" else {"marker": "s"}
        player.points(ax, params[..., None, :] * torch.linspace(-1, 1, 7)[:, None], size=14, **look)
    elif kind == "arrow":
        player.arrow(ax, torch.stack([torch.zeros_like(params), params], -2), width=6, color="#cc0000")
    elif kind == "3d path":
        ax.set(zlim=(0, 100))
        player.path(ax, torch.cat([params, losses[..., None]], -1), width=6)
    return player


KINDS = [
    "path",
    "path s",
    "path ^",
    "path D",
    "curve on a log axis",
    "line",
    "bars",
    "points",
    "points in white",
    "arrow",
]
KINDS += ["3d path"]


@pytest.mark.slow
@pytest.mark.parametrize("ground", ["#b0b0b0", "#404040"])
@pytest.mark.parametrize("kind", KINDS)
def test_canvas_draws_each_mark_as_matplotlib_does(host, kind, ground):
    player = drawn(kind, ground)
    page = host(player)
    seen, inked = set(), ()
    for index in [(0, 0), (3, 1), (12, 2), (30, 0), (6, 3), (30, 3)]:
        player.slider_0, player.slider_1 = index
        page.evaluate(
            "async ([a, b]) => { model.set('slider_0', a); model.set('slider_1', b); await frames2(); }", index
        )
        twin = np.asarray(Image.open(io.BytesIO(player.twin())).convert("RGB")).astype(int)
        shot = Image.open(io.BytesIO(page.locator(".stage").screenshot())).convert("RGB")
        canvas = np.asarray(shot).astype(int)
        assert canvas.shape == twin.shape
        seen.add(canvas.tobytes())
        for name, color in {"casing": style.inks(ground)[1], "mark": player.marks[0]["color"]}.items():
            inked += (name,) * bool(near(twin, color, 40).sum())
            for one, other in ((twin, canvas), (canvas, twin)):
                ink, there = near(one, color, 40), binary_dilation(near(other, color, 130), iterations=2)
                missed = int((ink & ~there).sum())
                assert missed <= 10 + 0.005 * ink.sum(), f"{kind} at {index}: {missed} of {ink.sum()} pixels of {name}"
    assert set(inked) >= ({"mark"} if kind == "points" else {"mark", "casing"})
    assert len(seen) >= 5
    assert page.errors == []


def near(image, color, distance):
    """Where an image has a colour, up to a distance in RGB; small leaves out the pixels that an edge only touches."""
    off = (image[..., k] - int(color[2 * k + 1 : 2 * k + 3], 16) for k in range(3))
    return sum(part * part for part in off) < distance**2


@pytest.mark.slow
def test_words_stand_where_the_twin_has_them_and_say_the_same(host):
    plt.style.use("default")
    figure = plt.figure(figsize=(6, 4))
    ax = figure.add_axes((0.1, 0.1, 0.8, 0.8))
    ax.set_axis_off()
    player = Player(figure, SLIDERS)
    losses = DESCENT.losses
    text = player.text(ax, losses, "loss {:.4g}", diverged=losses > losses[0], at=(0.5, 0.6), align="center")
    page = host(player)
    for index in [(0, 0), (17, 1), (30, 3)]:
        player.slider_0, player.slider_1 = index
        page.evaluate(
            "async ([a, b]) => { model.set('slider_0', a); model.set('slider_1', b); await frames2(); }", index
        )
        assert page.locator("canvas").get_attribute("aria-label").endswith(text.readout(index))
        twin = np.asarray(Image.open(io.BytesIO(player.twin())).convert("L")) < 160
        canvas = np.asarray(Image.open(io.BytesIO(page.locator(".stage").screenshot())).convert("L")) < 160
        for axis in (0, 1):
            a, b = (np.flatnonzero(ink.any(axis)) for ink in (twin, canvas))
            assert abs(a[0] - b[0]) <= 8
            assert abs(a[-1] - b[-1]) <= 8


@pytest.mark.slow
def test_numbers_are_written_as_python_writes_them(host):
    page = host(drawn("path"))
    draw = random.Random(0)
    numbers = [
        0.0,
        -0.0,
        1.0,
        0.5,
        1.5,
        2.5,
        0.125,
        1e21,
        -1e300,
        1e-300,
        9.9995,
        999999.5,
        0.00012345,
        math.inf,
        -math.inf,
    ]
    numbers += [math.copysign(10 ** draw.uniform(-12, 12), draw.uniform(-1, 1)) for _ in range(400)]
    numbers += [float(np.float32(x)) for x in numbers[-200:]] + [k / 64 for k in range(-300, 300)]
    specs = ["f", "e", "g", ".0f", ".1f", ".3f", "+.2f", ".0e", ".2e", "+.3e", ".0g", ".1g", ".3g", "+.4g", ".10g"]
    cases = [(x, spec) for spec in specs for x in numbers if math.isfinite(x) or "e" in spec]
    read = "({ inf: Infinity, '-inf': -Infinity })[x] ?? x"
    sent = [[x if math.isfinite(x) else str(x), spec] for x, spec in cases]
    texts = page.evaluate(f"(cases) => cases.map(([x, spec]) => words.formatNumber({read}, spec))", sent)
    assert [case for case, text in zip(cases, texts) if text != format(*case)] == []


@pytest.mark.slow
def test_a_rate_that_diverges_leaves_through_the_edge_and_the_next_position_works(host):
    figure, ax = plt.subplots(figsize=(6, 4))
    plots.contours(BOWL, ax=ax)
    player = Player(figure, SLIDERS, at={"step": -1, "learning rate": 3})
    player.path(ax, DESCENT.params)
    player.text(ax, DESCENT.losses, "loss {:.3g}", diverged=DESCENT.losses > DESCENT.losses[0])
    page = host(player)
    assert page.locator("canvas").get_attribute("aria-label").endswith("(diverged)")
    left, top, width, height = player.axes[0]["box"]
    ink = [place / 2 for place in page.evaluate(INK)]  # two dots for each CSS pixel
    assert left - 10 < ink[0]
    assert ink[2] < left + width + 10
    assert ink[3] < top + height + 10
    page.evaluate("async () => { model.set('slider_1', 0); await frames2(); }")
    assert "diverged" not in page.locator("canvas").get_attribute("aria-label")
    assert page.errors == []


INK = """() => {
  const canvas = document.querySelector('canvas'), { width, height } = canvas;
  const data = canvas.getContext('2d').getImageData(0, 0, width, height).data;
  const xs = [], ys = [];
  for (let i = 0; i < width * height; i++) if (data[4 * i + 3]) xs.push(i % width), ys.push(Math.floor(i / width));
  const least = (values) => values.reduce((a, b) => Math.min(a, b)), most = (values) => -least(values.map((v) => -v));
  return [least(xs), least(ys), most(xs), most(ys)];
}"""


def two_axes():
    figure, axes = plt.subplots(1, 2, figsize=(10, 4))
    plots.contours(BOWL, ax=axes[0])
    player = Player(figure, SLIDERS)
    path = player.path(axes[0], DESCENT.params)
    player.curve(axes[1], DESCENT.losses)
    player.on_click(lambda x, y: path.set_data(DESCENT.params + 1))
    return player


@pytest.mark.slow
def test_the_canvas_is_sharp_on_a_dense_screen(host):
    page = host(two_axes(), density=2)
    assert page.evaluate("[document.querySelector('canvas').width, document.querySelector('canvas').clientWidth]") == [
        2000,
        1000,
    ]


@pytest.mark.slow
def test_a_narrow_window_shows_one_axes_below_the_other(host):
    page = host(two_axes(), width=400)
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    assert page.locator(".stage img").count() == 2
    boxes = [page.locator(".stage > div > div").nth(i).bounding_box() for i in (0, 1)]
    assert boxes[1]["y"] >= boxes[0]["y"] + boxes[0]["height"]
    ink = page.evaluate(INK)
    assert ink[3] > boxes[1]["y"]
    page.evaluate("window.loops = 0, window.addEventListener('error', () => { window.loops += 1; })")
    for size in (1200, 900, 500, 1200):
        page.set_viewport_size({"width": size, "height": 900})
        page.wait_for_function(f"document.querySelectorAll('.stage img').length === {1 if size > 600 else 2}")
    assert page.evaluate("loops") == 0  # no "ResizeObserver loop completed with undelivered notifications"


@pytest.mark.slow
@pytest.mark.parametrize("density", [0.5, 3])
def test_the_canvas_has_the_dots_of_the_screen_and_no_fewer_than_two_and_a_very_wide_figure_is_drawn(host, density):
    size = "[document.querySelector('canvas').width, document.querySelector('canvas').height]"
    assert host(two_axes(), density=density).evaluate(size) == [1000 * max(density, 2), 400 * max(density, 2)]
    figure, ax = plt.subplots(figsize=(90, 1))
    ax.set(xlim=(0, 30), ylim=(-1, 1))
    player = Player(figure, {"step": range(31)}, at={"step": -1})
    player.path(ax, np.stack([np.arange(31.0), np.zeros(31)], -1))
    page = host(player, width=9100, density=density)
    assert page.evaluate(INK)[2] > 0.9 * page.evaluate(size)[0]
    assert page.evaluate(size)[0] <= 8192
    assert page.errors == []


@pytest.mark.slow
@pytest.mark.parametrize(("density", "moving"), [(1, 1), (1.5, 1.5), (3, 3)])
def test_what_moves_is_drawn_with_the_dots_of_the_screen_and_at_rest_sharp_again(host, density, moving):
    page = host(two_axes(), density=density)
    dots = "document.querySelector('canvas').width / 1000"
    shown = "async () => { model.set('slider_0', 7); await frames2(); return DOTS; }".replace("DOTS", dots)
    assert page.evaluate(dots) == max(density, 2)
    assert page.evaluate(shown) == moving
    words = page.locator("canvas").get_attribute("aria-label")
    page.wait_for_function(f"{dots} === {max(density, 2)}")
    page.wait_for_timeout(600)
    assert page.evaluate(dots) == max(density, 2)
    assert page.locator("canvas").get_attribute("aria-label") == words
    assert page.errors == []


ZOOMS = [
    "transform: scale(0.7)",
    "transform: translate(30px, 20px) scale(1.6); transform-origin: 10px 0",
    "transform: scale(0.5, 0.8)",
    "zoom: 0.7",
    "zoom: 1.4",
]


@pytest.mark.slow
@pytest.mark.parametrize("css", ZOOMS)
@pytest.mark.parametrize("width", [1280, 400])
def test_within_a_zoom_or_a_scaled_slide_the_start_is_under_the_pointer_and_sharp(host, width, css):
    player = two_axes()
    page = host(player, width=width)
    page.evaluate("(css) => { document.querySelector('#out').style.cssText = css; }", css)
    page.evaluate("frames2()")
    left, top, w, h = player.axes[0]["box"]
    whole = page.locator(".stage img").count() == 1
    px, py, pw, ph = (0, 0, *player.size) if whole else player.axes[0]["panel"]
    shown = page.locator(".stage > div > div").first.bounding_box()
    x = shown["x"] + (left + 0.25 * w - px) / pw * shown["width"]
    y = shown["y"] + (top + 0.25 * h - py) / ph * shown["height"]
    page.mouse.click(x, y)
    page.evaluate("frames2()")
    px_x, px_y = 22 / (w / pw * shown["width"]), 12 / (h / ph * shown["height"])  # of the data, to a px
    assert page.evaluate("model.get('click')")[:2] == pytest.approx([-11 + 0.25 * 22, 6 - 0.25 * 12], abs=2 * px_x)
    assert abs(page.evaluate("model.get('click')")[1] - 3) < 2 * px_y
    shot = np.asarray(Image.open(io.BytesIO(page.screenshot())).convert("L"))
    assert shot[round(y) - 2 : round(y) + 3, round(x) - 2 : round(x) + 3].min() < 60  # the cross
    dots = "((canvas) => canvas.width / canvas.getBoundingClientRect().width)(document.querySelector('canvas'))"
    assert page.evaluate(dots) >= 0.99


@pytest.mark.slow
@pytest.mark.parametrize("width", [1280, 700, 400])
def test_a_click_gives_the_place_in_the_data(host, width):
    player = two_axes()
    page = host(player, width=width)
    left, top, w, h = player.axes[0]["box"]
    px, py, pw, _ = player.axes[0]["panel"] if width == 400 else (0, 0, player.size[0], 0)
    scale = min(1, width / pw)
    page.mouse.click((left + 0.25 * w - px) * scale, (top + 0.25 * h - py) * scale)
    x, y, count = page.evaluate("model.get('click')")
    assert count == 1
    assert page.evaluate("model.saved") == 1
    assert x == pytest.approx(-11 + 0.25 * 22, abs=0.1 / scale)
    assert y == pytest.approx(6 - 0.25 * 12, abs=0.1 / scale)
    page.mouse.click((left + 1.5 * w) * scale, 5)
    assert page.evaluate("model.saved") == 1


@pytest.mark.slow
@pytest.mark.parametrize("width", [1280, 400])
def test_a_guess_is_marked_where_it_was_clicked_and_only_once(host, width):
    player = two_axes()
    player.on_guess(print)
    page = host(player, width=width)
    canvas = page.locator("canvas")
    assert "Arrow keys and Enter, a click, or the sliders that follow make your guess." in canvas.get_attribute(
        "aria-label"
    )
    assert page.locator(".message").text_content().startswith("First your guess")
    page.evaluate(
        "window.unlocked = []; model.widget_manager = { get_model: async (id) => "
        "({ set: (...args) => unlocked.push([id, ...args]), save_changes() {} }) }"
    )
    left, top, w, h = player.axes[0]["box"]
    (px, py, pw, _), scale = player.axes[0]["panel"], min(1, width / player.size[0])
    if scale < 0.6:
        scale = min(1, width / pw)
    else:
        px = py = 0
    page.mouse.click((left + 0.25 * w - px) * scale, (top + 0.25 * h - py) * scale)
    x, y = page.evaluate("model.get('guess')")
    (x0, x1), (y0, y1) = player.axes[0]["xlim"], player.axes[0]["ylim"]
    assert abs((x - x0) / (x1 - x0) - 0.25) < 0.02
    assert abs((y - y0) / (y1 - y0) - 0.75) < 0.02
    assert page.evaluate("model.get('click')") == []
    assert page.evaluate("unlocked") == [[name, "disabled", False] for name in player.locked]
    page.evaluate("frames2()")
    at = [(left + 0.25 * w - px) * scale, (top + 0.25 * h - py) * scale]
    ink = """([x, y]) => {
      const canvas = document.querySelector("canvas"), dots = canvas.width / canvas.clientWidth;
      return [...canvas.getContext("2d").getImageData(dots * x, dots * y, 1, 1).data];
    }"""
    assert page.evaluate(ink, at) == [0, 0, 0, 255]
    page.mouse.click((left + 0.75 * w - px) * scale, (top + 0.25 * h - py) * scale)
    assert page.evaluate("model.get('guess')") == [x, y]
    assert len(page.evaluate("model.get('click')")) == 3, "the next click sets the start"
    assert page.errors == []


@pytest.mark.slow
def test_a_guess_by_keys_is_made_with_enter(host):
    player = two_axes()
    player.on_guess(print)
    page = host(player)
    page.locator("canvas").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("model.get('guess')") == []
    page.keyboard.press("Enter")
    x, y = page.evaluate("model.get('guess')")
    assert x == pytest.approx(8 + 2 * 22 / 40, abs=0.05)
    assert y == pytest.approx(4, abs=0.05)
    assert page.errors == []


@pytest.mark.slow
@pytest.mark.parametrize(("near", "verdict"), [(30.0, "hit"), (0.001, "miss")])
def test_a_guess_is_called_a_hit_or_a_miss_when_the_last_step_has_been_shown(host, near, verdict):
    player = two_axes()
    player.on_guess(print, place=(1.0, -2.0), near=near)
    page = host(player)
    canvas = page.locator("canvas")
    canvas.click(position={"x": 200, "y": 200})
    said = "() => document.querySelector('canvas').getAttribute('aria-label')"
    page.evaluate("frames2()")
    assert "Your guess: " not in page.evaluate(said)
    before = page.evaluate(AROUND_THE_GUESS)
    last = len(player.sliders[player.trail]["labels"]) - 1
    page.evaluate(f"model.set('slider_{player.trail}', {last}), frames2()")
    words = "Your guess: a hit." if verdict == "hit" else "Your guess: a miss. The place is (1, -2)."
    assert page.locator(".message").text_content() == words
    assert page.evaluate(said).endswith(words)
    marked = page.evaluate(AROUND_THE_GUESS)
    assert marked != before
    centre = [0, 0, 0, 255]
    assert before["centre"] == marked["centre"] == centre
    assert before["left"] != centre
    assert (marked["left"] == centre) == (verdict == "hit"), "the ring of a hit"
    assert (marked["slant"] == centre) == (verdict == "miss"), "the X of a miss"
    page.evaluate(f"model.set('slider_{player.trail}', 0), frames2()")
    assert page.evaluate(said).endswith(words), "once known, it stays"
    assert page.errors == []


AROUND_THE_GUESS = """() => {  // ink in the middle, on the ring to its left, and on the slant of an X
  const canvas = document.querySelector("canvas"), ctx = canvas.getContext("2d");
  const dots = canvas.width / canvas.clientWidth;
  const ink = (x, y) => [...ctx.getImageData(dots * x, dots * y, 1, 1).data];
  return { centre: ink(200, 200), left: ink(187, 200), slant: ink(193, 193) };
}"""


@pytest.mark.slow
def test_arrow_keys_move_the_start_and_a_silent_kernel_is_named(host):
    page = host(two_axes())
    canvas = page.locator("canvas")
    assert canvas.get_attribute("role") == "img"
    assert "Arrow keys, a click or the sliders that follow move the start" in canvas.get_attribute("aria-label")
    canvas.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowUp")
    x, y, count = page.evaluate("model.get('click')")
    assert (count, page.evaluate("scrollY")) == (2, 0)
    assert x == pytest.approx(8 + 22 / 40, abs=0.05)
    assert y == pytest.approx(4 + 12 / 40, abs=0.05)
    page.wait_for_function("document.querySelector('.message').textContent.startsWith('No answer from the kernel')")
    page.evaluate("model.set('answered', 2)")
    assert page.locator(".message").text_content() == ""


SILENT = "document.querySelector('.message').textContent.startsWith('No answer from the kernel yet: is it running?')"


@pytest.mark.slow
def test_a_silent_kernel_is_named_after_a_guess_and_after_a_letter(host):
    player = two_axes()
    player.on_guess(print)
    page = host(player)
    page.locator("canvas").click(position={"x": 200, "y": 200})
    assert page.locator(".message").text_content() == "Your guess is noted. Now move it."
    page.wait_for_function(SILENT)
    page.evaluate("model.set('message', 'A good one.')")
    assert page.locator(".message").text_content() == "A good one."
    page.evaluate("""async () => {  // as in a notebook, where the field of on_text is beside the view
      const box = document.querySelector("#out");
      box.className = "widget-vbox";
      box.append(Object.assign(document.createElement("input"), { type: "text" }));
      model.set("slider_0", 3);
      await frames2();
    }""")
    page.locator("input[type=text]").press("a")
    page.wait_for_function(SILENT)
    page.evaluate("model.set('message', ''), model.set('heard', 1)")
    assert page.locator(".message").text_content() == ""


@pytest.mark.slow
def test_a_removed_view_leaves_no_listener_behind(host):
    page = host(two_axes())
    assert page.evaluate("model.listeners.length") > 5
    page.evaluate("close_(), end_()")
    assert page.evaluate("model.listeners.length") == 0
    assert page.locator(".gdviz-player").count() == 0
    page.evaluate("async () => { model.set('slider_0', 3); await frames2(); }")
    assert page.errors == []


@pytest.mark.slow
def test_a_hundred_events_in_a_frame_draw_once_and_the_last_wins(host):
    page = host(two_axes())
    draws = page.evaluate("""async () => {
      let draws = 0;
      const clear = CanvasRenderingContext2D.prototype.clearRect;
      CanvasRenderingContext2D.prototype.clearRect = function (...args) { draws += 1; return clear.apply(this, args); };
      for (let k = 0; k < 100; k++) model.set('slider_0', k % 31);
      await frames2();
      return draws;
    }""")
    assert draws == 1
    assert "step 6" in page.locator("canvas").get_attribute("aria-label")  # 99 % 31
