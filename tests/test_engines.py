"""The same in three engines: a page, a site, a slide; by mouse, finger and keys; on screen and paper; for the ear."""

import base64
import importlib
import io
import os
import re
import sys
import tarfile
from pathlib import Path

import engines
import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pypdfium2
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image
from scipy.ndimage import binary_dilation
from test_accessible import AXE, LEVELS
from test_export import ends_at, regions
from test_view import near

from gdviz import data, surfaces, views
from gdviz.descent import minimize
from gdviz.hyperparameters import Range
from gdviz.optimizers import GradientDescent, Momentum
from gdviz.player import pages

ROOT = Path(__file__).parents[1]
sys.path += [str(ROOT / "notebooks" / "tools"), str(ROOT / "benchmarks")]
three_engines = importlib.import_module("three_engines")
slider_latency = importlib.import_module("slider_latency")
npm_files, write_site, write_decks = map(importlib.import_module, ("npm_files", "write_site", "write_decks"))
pytestmark = pytest.mark.browser
BOWL = surfaces.bowl(6)
STEPS = 40
POINTS = data.own([-2.0, -1.0, 0.5, 1.0, 2.0], [-3.0, -1.0, 4.0, 2.0, 5.0])
BLUE = "#0072b2"
EARS = (
    "@guidepup/virtual-screen-reader",
    "0.33.0",
    "CXMkIx19oFZ7BS7TcvDibXn6A2RsEs8nVX9IijHW7HQ0qTGHgc2WErkaMi12YPQi1Zypxr36NfRYWgBxUNvMtQ==",
    "lib/esm/index.browser.js",
)
SAID = "() => document.querySelector('canvas')?.getAttribute('aria-label') ?? ''"
BOX = """(css, nth) => {
  const { x, y, width, height } = document.querySelectorAll(css)[nth].getBoundingClientRect();
  return [x, y, width, height];
}"""
SLIDE = """(k) => {
  const slider = document.querySelector(".slider input");
  slider.value = k;
  slider.dispatchEvent(new Event("input"));
}"""
FRAMES = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))"


def descents(rate=0.1, start=None):
    """A descent whose start is dragged and whose rate is any number, or one with this rate and start."""
    rule = GradientDescent(Range(0.01, 1.2, 0.1, log=True) if start is None else rate)
    return views.descents(BOWL, minimize(BOWL, rule, BOWL.start if start is None else start, STEPS))


def line_fit():
    loss = surfaces.linear_model(POINTS)
    return views.line_fit(POINTS, loss, minimize(loss, GradientDescent(0.1), [0.0, 0.0], STEPS))


def asking():
    player = views.descents(BOWL, minimize(BOWL, Momentum(0.05, 0.8), BOWL.start, STEPS))
    player.on_guess(lambda x, y: None)
    return player


@pytest.fixture(scope="module", params=list(engines.NEEDS))
def engine(request):
    """A window of each of the three, one after the other."""
    engines.missing(request.param)
    if request.param == "chromium":
        window = engines.Chromium(request.getfixturevalue("browser"), has_touch=True)
    else:
        window = engines.OTHERS[request.param]()
    yield window
    window.close()


@pytest.fixture(scope="module")
def players():
    return {"start": descents(), "data": line_fit(), "asking": asking(), "target": ends_at()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory, players):
    """Pages in a folder whose name has spaces and letters that no ASCII has."""
    folder = tmp_path_factory.mktemp("Кривая на доске")
    for name, player in players.items():
        player.save(folder / f"{name} ü.html", title=name)
    both = pages.code() + pages.body(players["start"]) + pages.body(players["data"])
    (folder / "two ü.html").write_text(f"<!doctype html><meta charset=utf-8>{both}", encoding="utf-8")
    return folder


@pytest.fixture
def shown(engine, folder):
    """shown(name, width=..., density=...) -> the engine, which shows that page."""

    def show(name, width=1280, height=900, density=1):
        engine.resize(width, height, density)
        engine.open((folder / f"{name} ü.html").as_uri())
        engine.until("() => document.querySelector('canvas')?.getAttribute('aria-label')")
        return engine

    return show


@pytest.fixture
def free_page(engine, folder, tmp_path):
    """free_page(name, change) -> the engine, which shows that page without its policy, its text changed."""

    def show(name, change=lambda text: text, width=1280):
        text = (folder / f"{name} ü.html").read_text(encoding="utf-8")
        text = change(re.sub("<meta http-equiv=.*?>\n", "", text))
        (tmp_path / "page.html").write_text(text, encoding="utf-8")
        engine.resize(width, 900)
        engine.open((tmp_path / "page.html").as_uri())
        engine.until("() => document.querySelector('canvas')?.getAttribute('aria-label')")
        return engine

    return show


def said(engine):
    engine.run(FRAMES)
    return engine.run(SAID)


def focus(engine, css):
    engine.run("(css) => document.querySelector(css).focus()", css)


def box(engine, css, nth=0):
    return engine.run(BOX, css, nth)


def middle(engine, css, nth=0):
    x, y, width, height = box(engine, css, nth)
    return x + width / 2, y + height / 2


def pixel(engine, player, axes, place):
    """Where a place in the data is in the window, where the Axes stand beside or below each other."""
    left, top, width, height = player.axes[axes]["box"]
    (x0, x1), (y0, y1) = player.axes[axes]["xlim"], player.axes[axes]["ylim"]
    stacked = engine.run("() => document.querySelectorAll('.stage img').length") > 1
    x, y, wide, _ = box(engine, ".stage > div > div", axes if stacked else 0)
    from_x, from_y, whole, _ = player.axes[axes]["panel"] if stacked else (0, 0, player.size[0], 0)
    u, v = left + width * (place[0] - x0) / (x1 - x0), top + height * (1 - (place[1] - y0) / (y1 - y0))
    return x + (u - from_x) * wide / whole, y + (v - from_y) * wide / whole


def picture(engine):
    """The stage as it is seen."""
    engine.run("() => scrollTo(0, 0)")
    engine.run("() => Promise.all([...document.images].map((image) => image.decode().catch(() => 0))).then(() => 1)")
    engine.run(FRAMES)
    x, y, width, height = (round(part) for part in box(engine, ".stage"))
    return engine.shot()[y : y + height, x : x + width].astype(int)


def missed(engine, twin, color, panel=(0, 0, 10_000, 10_000)):
    """The share of the pixels of a colour that the window or the twin has, and the other has not near."""
    still = np.asarray(Image.open(io.BytesIO(twin)).convert("RGB")).astype(int)
    seen = picture(engine)
    height, width = (min(a, b) for a, b in zip(still.shape[:2], seen.shape[:2]))
    assert abs(still.shape[0] - height) <= 1
    left, top, right, bottom = (round(part) for part in (*panel[:2], panel[0] + panel[2], panel[1] + panel[3]))
    still, seen = (one[:height, :width][top:bottom, left:right] for one in (still, seen))
    lost = 0
    for one, other in ((still, seen), (seen, still)):
        ink, there = near(one, color, 40), binary_dilation(near(other, color, 150), iterations=3)
        assert ink.sum() > 100
        lost = max(lost, (ink & ~there).sum() / ink.sum())
    return lost


@pytest.mark.slow
def test_keys_and_drags_move_a_slider_and_the_picture_is_the_twins(shown, players):
    engine, player = shown("start"), players["start"]
    focus(engine, ".slider input")
    engine.press("ArrowRight", times=12)
    assert "step 12;" in said(engine)
    player.slider_0 = 12
    try:
        right = missed(engine, player.twin(), BLUE)
        player.slider_0 = 9
        planted = missed(engine, player.twin(), BLUE)
        assert right < 0.02
        assert planted > 0.06
    finally:
        player.slider_0 = 0
    x, y, width, height = box(engine, ".slider input")
    engine.drag(
        (x + width * 12 / STEPS, y + height / 2), (x + width / 2, y + height / 2), (x + width - 4, y + height / 2)
    )
    assert f"step {STEPS};" in said(engine)
    engine.press("ArrowLeft")
    assert f"step {STEPS - 1};" in said(engine)


@pytest.mark.slow
def test_play_pauses_ends_begins_anew_and_says_so(shown):
    engine = shown("start")
    heard, name = (
        "() => document.querySelector('.heard').textContent",
        "() => document.querySelector('.play').textContent",
    )
    engine.click(*middle(engine, ".play"))
    assert engine.run(name) == "Pause"
    assert engine.run(heard) == "Playing."
    engine.until("() => Number(document.querySelector('.slider input').value) > 2")
    engine.click(*middle(engine, ".play"))
    at = engine.run("() => document.querySelector('.slider input').value")
    assert engine.run(name) == "Play"
    assert engine.run(heard).startswith(f"Paused. step {at}; loss ")
    engine.until("() => new Promise((done) => setTimeout(() => done(true), 700))")
    assert engine.run("() => document.querySelector('.slider input').value") == at
    engine.run(SLIDE, STEPS - 2)
    engine.click(*middle(engine, ".play"))
    engine.until(f"() => document.querySelector('.heard').textContent.startsWith('The end. step {STEPS}; loss ')")
    assert engine.run(name) == "Play"
    engine.click(*middle(engine, ".play"))
    engine.until("() => [2, 3, 4, 5, 6, 7, 8].includes(Number(document.querySelector('.slider input').value))")
    engine.click(*middle(engine, ".clock button", 1))
    assert engine.run(heard).startswith("Back at the start. step 0; loss 98")


@pytest.mark.slow
@pytest.mark.parametrize("finger", [False, True], ids=["mouse", "finger"])
def test_a_start_is_dragged_and_put_back(shown, players, finger):
    engine = shown("start")
    focus(engine, ".slider input")
    engine.press("End")
    ways = [pixel(engine, players["start"], 0, place) for place in ([10, 4], [0, 1], [-6, -3])]
    engine.drag(*ways, finger=finger)
    words, start = said(engine), start_said(engine)
    assert start == pytest.approx([-6, -3], abs=0.15)
    run = minimize(BOWL, GradientDescent(0.1), start, STEPS)
    loss = float(re.search(r"; loss ([\d.e+-]+)", words)[1])
    assert loss == pytest.approx(run.losses[-1].item(), rel=0.1)  # the start is said with three digits
    again = descents(0.1, start)
    again.slider_0 = STEPS
    assert missed(engine, again.twin(), BLUE, again.axes[0]["panel"]) < 0.02
    focus(engine, "canvas")
    engine.press("Home")
    assert "from the start" not in said(engine)


@pytest.mark.slow
def test_a_data_point_is_dragged_and_line_and_numbers_follow(shown, players):
    engine, player = shown("data"), players["data"]
    handle = next(handle for handle in player.handles if handle["kind"] == "points")
    focus(engine, ".slider input")
    engine.press("End")
    before = said(engine)
    ways = [pixel(engine, player, handle["axes"], place) for place in ([0.5, 4], [0.5, 1], [0.5, 0])]
    engine.drag(*ways)
    words = said(engine)
    moved = re.search(r"Data point 3 is now at \((.*?), (.*?)\)", words)
    assert [float(number) for number in moved.groups()] == pytest.approx([0.5, 0], abs=0.15)
    (x, y), (xs, ys) = (
        (float(number) for number in moved.groups()),
        (values.tolist() for values in (POINTS.x, POINTS.y)),
    )
    xs[2], ys[2] = x, y
    loss = minimize(surfaces.linear_model(data.own(xs, ys)), GradientDescent(0.1), [0.0, 0.0], STEPS).losses[-1].item()
    assert float(re.search(r"; loss ([\d.e+-]+)", words)[1]) == pytest.approx(loss, rel=1e-3)
    assert float(re.search(r"; loss ([\d.e+-]+)", before)[1]) != pytest.approx(loss, rel=0.1)


@pytest.mark.slow
def test_a_number_is_typed_a_wrong_one_is_named_and_a_setting_is_kept(shown):
    engine = shown("start")
    field = ".dial input[type=text]"
    focus(engine, ".slider input")
    engine.press("End")
    engine.click(*middle(engine, ".keep"))
    engine.until("() => document.querySelector('.kept').textContent.startsWith('Kept, pale: learning rate 0.1; loss ')")

    def typed(words):
        focus(engine, field)
        engine.run("(css) => document.querySelector(css).select()", field)
        engine.press(*words, "Enter")

    typed("0.3")
    words = said(engine)
    assert "learning rate 0.3" in words
    loss = minimize(BOWL, GradientDescent(0.3), BOWL.start, STEPS).losses[-1].item()
    assert f"loss {loss:.4g}" in words
    typed("7")
    message = engine.run("() => document.querySelector('.message').textContent")
    assert message == "learning rate is a number from 0.01 to 1.2; 7 is not."
    assert "learning rate 0.3" in said(engine)
    engine.click(*middle(engine, ".keep"))
    engine.until("() => document.querySelector('.kept').textContent === ''")


@pytest.mark.parametrize(("width", "density"), [(400, 1), (640, 2), (320, 2), (1280, 2)])
def test_narrow_dense_and_at_twice_the_size_nothing_is_lost(shown, width, density):
    engine = shown("start", width=width, height=800, density=density)
    engine.until("(width) => innerWidth === width && Boolean(document.querySelector('canvas').width)", width)
    engine.run(FRAMES)
    assert engine.run("() => document.documentElement.scrollWidth") <= width
    controls = engine.run(
        """() => [...document.querySelectorAll("input, button")]
          .filter((e) => !e.closest(".placing") && e.checkVisibility())
          .map((e) => e.getBoundingClientRect()).map((r) => [r.x, r.right, r.height])"""
    )
    assert len(controls) >= 8
    for left, right, height in controls:
        assert left >= 0
        assert right <= width
        assert height >= 24
    dots = engine.run("() => { const c = document.querySelector('canvas'); return c.width / c.clientWidth; }")
    assert dots == pytest.approx(2, abs=0.02)
    panels = engine.run("() => document.querySelectorAll('.stage img').length")
    assert panels == (2 if width < 700 else 1)


@pytest.mark.parametrize(
    ("page", "css"), [("data", ".slider input"), ("start", ".slider input"), ("start", ".dial input")]
)
def test_on_a_phone_the_slider_stays_in_sight_of_each_panel(shown, page, css):
    engine = shown(page, width=390, height=664)
    engine.run(FRAMES)
    assert engine.run("() => document.documentElement.scrollHeight") > 664
    for nth in range(engine.run("() => document.querySelectorAll('.stage img').length")):
        engine.run(
            "(nth) => document.querySelectorAll('.stage > div > div')[nth].scrollIntoView({ block: 'end' })", nth
        )
        engine.run(FRAMES)
        _, top, _, height = box(engine, css)
        assert top > 0
        assert top + height <= 664
        middle_of = "const one = document.querySelector(css), { x, y, width, height } = one.getBoundingClientRect();"
        on_top = "document.elementFromPoint(x + width / 2, y + height / 2) === one"
        assert engine.run(f"(css) => {{ {middle_of} return {on_top}; }}", css), "nothing lies above it"


@pytest.mark.slow
def test_a_swipe_scrolls_the_page_and_sets_nothing(shown, players):
    engine = shown("start", width=390, height=664)
    engine.run("() => { window.kinds = []; addEventListener('pointerdown', (e) => kinds.push(e.pointerType), true); }")
    for css in (".slider input", "canvas"):
        engine.run("() => scrollTo(0, 0)")
        engine.run(FRAMES)
        before = engine.run("() => [scrollY, document.querySelector('.slider input').value]")
        x, y = pixel(engine, players["start"], 0, [-4, -2]) if css == "canvas" else middle(engine, css)
        engine.drag((x, y), *((x, y - k) for k in range(12, 97, 12)), finger=True)
        engine.until("() => new Promise((done) => setTimeout(() => done(true), 300))")
        after = engine.run("() => [scrollY, document.querySelector('.slider input').value]")
        assert after[1] == before[1], css
        if engine.name == "chromium":  # Firefox's driver sends touches, and no page scrolls by them
            assert abs(after[0] - before[0]) > 30, css
    assert engine.run("() => kinds") == ["touch", "touch"]
    assert start_said(engine) is None


def start_said(engine):
    found = re.search(r"from the start \((.*?), (.*?)\)", said(engine))
    return found and [float(number) for number in found.groups()]


@pytest.mark.slow
def test_a_tap_sets_and_so_does_a_long_press(shown, players):
    engine = shown("start", width=390, height=664)
    engine.drag(pixel(engine, players["start"], 0, [-8, 3]), finger=True)
    assert start_said(engine) == pytest.approx([-8, 3], abs=0.2)
    x, y = pixel(engine, players["start"], 0, [-2, -3])
    pause = [{"type": "pause", "duration": 900}]
    press = [{"type": "pointerDown", "button": 0}, *pause, {"type": "pointerUp", "button": 0}]
    actions = [{"type": "pointerMove", "x": round(x), "y": round(y), "duration": 0}, *press]
    engine.act({"type": "pointer", "id": "touch", "parameters": {"pointerType": "touch"}, "actions": actions})
    assert start_said(engine) == pytest.approx([-2, -3], abs=0.2)
    style = "getComputedStyle(document.querySelector('canvas'))"
    assert engine.run(f"() => {style}.userSelect ?? {style}.webkitUserSelect") == "none"  # a long press selects nothing


def test_two_fingers_are_left_to_the_browser(shown, players):
    engine = shown("start", width=390, height=664)
    engine.run("() => { window.kept = []; addEventListener('touchstart', (e) => kept.push(e.defaultPrevented)); }")
    x, y = pixel(engine, players["start"], 0, [10, 4])
    engine.drag((x, y), (x - 9, y), finger=True)
    assert engine.run("() => kept") == [True]  # one finger on the handle drags it
    x, y = pixel(engine, players["start"], 0, [-2, -2])
    for kind, far in [("touchStart", 30), ("touchMove", 60), ("touchMove", 90), ("touchEnd", None)]:
        points = [] if far is None else [{"x": x, "y": y, "id": 0}, {"x": x - far, "y": y + far, "id": 1}]
        engine.session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    assert engine.run("() => kept") == [True, False, False]  # and then the page may be larger
    assert engine.run("() => getComputedStyle(document.querySelector('canvas')).touchAction") == "manipulation"


def test_what_is_moved_while_nobody_sees_it_is_shown_as_it_is(shown):
    engine = shown("start")
    other = engine.ask("browsingContext.create", type="tab")["context"]
    engine.ask("browsingContext.activate", context=other)
    engine.until("() => document.hidden")
    for k in (3, 30, 17):
        engine.run(SLIDE, k)
    engine.ask("browsingContext.close", context=other)
    engine.ask("browsingContext.activate", context=engine.tab)
    engine.until("() => document.querySelector('canvas').getAttribute('aria-label').includes('step 17;')")


@pytest.mark.slow
def test_a_window_made_narrow_in_the_midst_of_a_drag_and_a_pointer_that_is_lost(shown, players):
    engine = shown("start")
    ways = [pixel(engine, players["start"], 0, place) for place in ([10, 4], [4, 2])]
    engine.drag(*ways, up=False)
    engine.resize(640, 900)
    engine.until("() => innerWidth === 640")
    engine.run(FRAMES)
    x, y = pixel(engine, players["start"], 0, [-4, 1])
    move = {"type": "pointerMove", "x": round(x), "y": round(y), "duration": 20}
    hand = {"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}}
    engine.act(hand | {"actions": [move, {"type": "pointerUp", "button": 0}]})
    assert start_said(engine) == pytest.approx([-4, 1], abs=0.3)
    x, y = pixel(engine, players["start"], 0, [-4, 1])
    engine.run("() => addEventListener('pointerdown', (e) => { window.pointer = e.pointerId; })")
    engine.drag((x, y), (x + 1, y), up=False)
    engine.run("() => document.querySelector('canvas').releasePointerCapture(pointer)")
    engine.run(FRAMES)
    before = start_said(engine)
    engine.act(hand | {"actions": [move | {"x": round(x) + 60}]})
    assert start_said(engine) == before  # it was let go
    engine.act(hand | {"actions": [{"type": "pointerUp", "button": 0}]})


@pytest.mark.slow
def test_two_players_of_a_page_move_apart(shown):
    engine = shown("two")
    labels = (
        "() => [...document.querySelectorAll('canvas')].map((c) => c.getAttribute('aria-label').split('Shown: ')[1])"
    )
    engine.until("() => document.querySelectorAll('canvas[aria-label]').length === 2")
    first, second = engine.run(labels)
    focus(engine, ".slider input")
    engine.press("ArrowRight", times=3)
    engine.run(FRAMES)
    assert engine.run(labels)[1] == second
    assert engine.run(labels)[0] != first


@pytest.fixture(scope="module")
def scripts_from_elsewhere():
    """The source of axe-core, and that of the virtual screen reader as a data: address that a page can import."""
    found = []
    try:
        for name, version, sha512, inside in [(*AXE, "axe.min.js"), EARS]:
            with tarfile.open(npm_files.tarball(name, version, sha512)) as archive:
                found.append(archive.extractfile(f"package/{inside}").read())
    except ConnectionError as error:
        pytest.fail(str(error)) if os.environ.get("CI") else pytest.skip(f"needs npm's registry once: {error}")
    return found[0].decode(), "data:text/javascript;base64," + base64.b64encode(found[1]).decode()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["start", "asking"])
def test_axe_finds_no_violation(shown, free_page, scripts_from_elsewhere, name):
    engine = free_page(name)
    engine.run(
        "(source) => { const s = document.createElement('script'); s.textContent = source; document.head.append(s); }",
        scripts_from_elsewhere[0],
    )
    if name == "start":
        engine.run("() => [...document.querySelectorAll('button')].find((b) => b.textContent === 'Table').click()")
        engine.until("() => document.querySelectorAll('.steps tr').length > 5")
    found = engine.run(
        """async (levels) => {
          const { violations, passes } = await axe.run(document, { runOnly: levels });
          return [violations.map(({ id, nodes }) => [id, nodes[0].html]), passes.length];
        }""",
        LEVELS,
    )
    assert found[0] == []
    assert found[1] > 10


# --- ears -------------------------------------------------------------------------------------------------------------

HEARD = "() => virtual.spokenPhraseLog()"


@pytest.fixture
def listening(free_page, scripts_from_elsewhere):
    """listening(name) -> the engine, where a screen reader says that page."""

    def listen(name):
        engine = free_page(name)
        engine.run("async (url) => { window.virtual = (await import(url)).virtual; }", scripts_from_elsewhere[1])
        engine.run("() => virtual.start({ container: document.body })")
        return engine

    return listen


def phrases(engine, many):
    """What one hears going on so far."""
    return engine.run(f"async (many) => {{ while (many--) await virtual.next(); return await ({HEARD})(); }}", many)


def polite(engine, begins):
    """The announcements that begin so, as soon as there is one."""
    return engine.until(
        """async (begins) => {
          const said = (await virtual.spokenPhraseLog()).filter((one) => one.startsWith("polite: " + begins));
          return said.length ? said.map((one) => one.slice(8)) : null;
        }""",
        begins,
    )


@pytest.mark.slow
def test_going_along_a_page_one_hears_the_picture_and_each_control_with_its_name(listening):
    said = phrases(listening("start"), 20)
    shown = next(one for one in said if one.startswith("image, "))
    assert shown.startswith("image, GradientDescent with lr 0.1, from (10, 4), 40 steps. ")
    assert "Shown: step 0; learning rate 0.1; loss 98" in shown
    assert sum("from (10, 4), 40 steps" in one for one in said) == 1  # the caption below is not read again
    placing = ["group, Place the start", "slider, parameter x, ", "slider, parameter y, ", "button, Put it back"]
    buttons = ["button, Play", "button, Back to the start", "button, Keep", "button, Table"]
    sliders = ["slider, learning rate, ", "textbox, learning rate, typed, 0.1", "slider, step, "]
    for control in placing + buttons + sliders:
        assert sum(one.startswith(control) for one in said) == 1, control
    assert any("current value 0; loss 98" in one for one in said)


@pytest.mark.slow
def test_after_a_pause_one_hears_once_what_changed(listening):
    engine = listening("start")
    for k in (3, 7, 12):
        engine.run(SLIDE, k)
    loss = minimize(BOWL, GradientDescent(0.1), BOWL.start, STEPS).losses[12].item()
    assert polite(engine, "step ") == [f"step 12; loss {loss:.4g}, falling; the path goes left"]
    focus(engine, ".dial input[type=text]")
    engine.run("(css) => document.querySelector(css).select()", ".dial input[type=text]")
    engine.press(*"1.2", "Enter")
    assert "; loss " in polite(engine, "step 12; learning rate 1.2")[0]
    assert "rising (diverged)" in polite(engine, "step 12; learning rate 1.2")[0]
    engine.run("(css) => document.querySelector(css).select()", ".dial input[type=text]")
    engine.press(*"seven", "Enter")
    assert polite(engine, "learning rate is") == ["learning rate is a number from 0.01 to 1.2; seven is not."]


@pytest.mark.slow
def test_play_says_that_it_plays_and_where_it_ends(listening):
    engine = listening("start")
    engine.run(SLIDE, STEPS - 3)
    focus(engine, ".play")
    engine.press("Enter")
    assert polite(engine, "Playing.") == ["Playing."]
    said = polite(engine, "The end.")
    assert len(said) == 1
    assert said[0].startswith(f"The end. step {STEPS}; loss ")


@pytest.mark.slow
def test_a_guess_is_made_without_the_picture_and_the_focus_goes_on_to_play(listening, players):
    engine = listening("asking")
    assert any(one == "group, Place your guess" for one in phrases(engine, 12))
    focus(engine, ".placing input")
    engine.press("ArrowLeft", times=20)
    assert engine.run("() => document.querySelector('.placing input').getAttribute('aria-valuetext')") == "4.4"
    engine.run("() => document.querySelector('.placing button').focus()")
    assert engine.run("() => document.querySelector('.play').disabled")
    engine.press("Enter")
    assert polite(engine, "Your guess") == ["Your guess is noted. Now move it."]
    assert engine.run("() => document.activeElement.className") == "play"
    assert not engine.run("() => document.querySelector('.play').disabled")
    engine.until("() => document.querySelector('.placing legend').textContent === 'Place the start'")


@pytest.mark.slow
def test_a_start_and_a_data_point_are_placed_by_two_sliders(listening):
    engine = listening("data")
    choices = engine.run("() => [...document.querySelector('.placing select').options].map((o) => o.text)")
    ends = ["one end of the line", "the other end of the line"]
    assert choices == ["the start", *ends, *(f"data point {k}" for k in range(1, 6))]
    engine.run("(k) => { document.querySelector('.placing select').selectedIndex = k; }", choices.index("data point 3"))
    engine.run("() => document.querySelector('.placing select').dispatchEvent(new Event('change'))")
    engine.run("() => document.querySelectorAll('.placing input')[1].focus()")
    engine.press("ArrowDown", times=3)
    assert "Data point 3 is now at (0.5" in said(engine)
    engine.run("() => document.querySelector('.placing button').focus()")
    engine.press("Enter")
    assert "is now at" not in said(engine)


@pytest.mark.slow
def test_all_steps_are_a_table_of_numbers(shown):
    engine = shown("start")
    engine.run("() => [...document.querySelectorAll('button')].find((b) => b.textContent === 'Table').click()")
    rows = engine.until(
        """() => {
          const rows = [...document.querySelectorAll(".steps tr")];
          return rows.length ? rows.map((row) => [...row.children].map((cell) => cell.textContent)) : null;
        }"""
    )
    run = minimize(BOWL, GradientDescent(0.1), BOWL.start, STEPS)
    assert len(rows) == STEPS + 2
    assert rows[0] == ["step", "loss", "bowl, condition number 6"]
    assert [row[1] for row in rows[1:]] == [f"{loss:.4g}" for loss in run.losses.tolist()]
    x, y = run.params[5].tolist()
    assert rows[6][2] == f"({x:.3g}, {y:.3g})"
    assert engine.run("() => document.querySelector('[aria-current]').rowIndex") == 1


# --- where scripts may not --------------------------------------------------------------------------------------------

STILL = """() => {
  const still = document.querySelector(".asleep img"), words = document.querySelector(".asleep p");
  const shown = still && getComputedStyle(still).visibility === "visible" && still.naturalWidth;
  return shown && !document.querySelector("canvas") ? words.textContent : null;
}"""
NO_SCRIPT = '<meta http-equiv="Content-Security-Policy" content="script-src \'none\'">'
NO_CANVAS = "<script>HTMLCanvasElement.prototype.getContext = () => null;</script>"
LIMITS = {
    "a strict policy": lambda text: text.replace("<title>", f"{NO_SCRIPT}<title>"),
    "no canvas": lambda text: text.replace("<title>", f"{NO_CANVAS}<title>"),
    "an old engine": lambda text: text.replace('<script type="module">', '<script type="module">let let = 1;'),
    "a method that is not there yet": lambda text: text.replace(
        "<title>", "<script>delete Array.prototype.at;</script><title>"
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("limit", LIMITS)
def test_where_scripts_may_not_there_is_the_still_picture_and_a_sentence(engine, folder, tmp_path, limit):
    text = re.sub("<meta http-equiv=.*?>\n", "", (folder / "start ü.html").read_text(encoding="utf-8"))
    assert LIMITS[limit](text) != text
    (tmp_path / "limited.html").write_text(LIMITS[limit](text), encoding="utf-8")
    engine.resize(1280, 900)
    engine.open((tmp_path / "limited.html").as_uri())
    words = engine.until(STILL)
    assert words.startswith("GradientDescent with lr 0.1, from (10, 4), 40 steps. ")
    assert words.endswith(pages.ASLEEP)
    assert engine.run("() => document.querySelectorAll('.gdviz-page > :not(script, .asleep)').length") == 0


@pytest.mark.slow
def test_in_a_frame_without_rights_there_is_the_still_picture(engine, folder, tmp_path):
    address = (folder / "start ü.html").as_uri()
    (tmp_path / "frame.html").write_text(f'<iframe sandbox width=1200 height=800 src="{address}"></iframe>')
    engine.resize(1280, 900)
    engine.open((tmp_path / "frame.html").as_uri())
    engine.until("() => new Promise((done) => setTimeout(() => done(true), 1500))")
    seen = engine.shot()
    assert near(seen, BLUE, 40).sum() > 50  # the head of the path, drawn by matplotlib
    assert near(seen, "#000000", 40).sum() > 2000  # its words


@pytest.mark.slow
def test_where_no_blob_may_be_an_image_the_picture_is_whole(free_page):
    policy = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:"
    head = f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    engine = free_page("start", lambda text: text.replace("<title>", f"{head}<title>"))
    engine.until(
        "() => ((image) => image.src.startsWith('data:') && image.naturalWidth)(document.querySelector('.stage img'))"
    )
    assert near(picture(engine), "#000000", 60).sum() > 1500  # the words of the axes


@pytest.mark.slow
def test_the_benchmark_times_keys_and_drags(shown, players):
    engine = shown("start")
    focus(engine, ".slider input")
    engine.press("End")
    engine.run(FRAMES)
    times = three_engines.keys(engine, 5)
    assert len(times) == 5
    assert min(times) > 0
    assert f"step {STEPS - 1};" in said(engine)
    times = three_engines.drags(engine, pixel(engine, players["start"], 0, [10, 4]), 4)
    assert len(times) == 4
    assert min(times) > 0
    assert start_said(engine)[0] > 10


@pytest.mark.slow
@pytest.mark.parametrize("first", [0, 100])
def test_the_benchmark_of_the_slider_moves_the_step_and_nothing_else(browser, tmp_path, monkeypatch, first):
    monkeypatch.setattr(slider_latency, "PRESSES", 6)
    player = slider_latency.made()
    player.slider_0 = first
    page = slider_latency.saved_page(browser, player, tmp_path / "page.html")
    assert min(slider_latency.keys(page)) > 0
    page.keyboard.press("ArrowRight")
    page.wait_for_function(f"document.querySelector('canvas').ariaLabel.includes('Shown: step {first + 1};')")
    assert page.evaluate("document.activeElement.closest('.slider, .dial, .placing').className") == "slider"


# --- eyes and paper ---------------------------------------------------------------------------------------------------

WORDS = "h1, .caption, button, .slider span, .dial span, .dial input[type=text], .message"
BOXES = """(css) => [...document.querySelectorAll(css)]
  .filter((e) => !e.closest(".placing") && e.checkVisibility({ visibilityProperty: true }))
  .map((e) => [e, e.getBoundingClientRect()])
  .map(([e, { x, y, width, height }]) => [e.textContent || e.value || "", x, y, width, height])
  .filter(([words]) => words.trim())"""


def contrast(pixels):
    """Between the lightest and the darkest of these, as WCAG has it."""
    parts = pixels.reshape(-1, 3) / 255
    light = np.where(parts <= 0.03928, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722]
    return (light.max() + 0.05) / (light.min() + 0.05)


@pytest.mark.slow
def test_in_the_dark_every_word_stands_out(request, folder, engine):
    if engine.name == "chromium":
        dark = engines.Chromium(request.getfixturevalue("browser"), color_scheme="dark")
    else:
        dark = engines.OTHERS[engine.name](dark=True)
    try:
        dark.resize(1280, 900)
        dark.open((folder / "start ü.html").as_uri())
        dark.until("() => document.querySelector('canvas')?.getAttribute('aria-label')")
        assert dark.run("() => matchMedia('(prefers-color-scheme: dark)').matches")
        shot, boxes = dark.shot(), dark.run(BOXES, WORDS)
        assert shot[-5:, :5].mean() < 80  # the page itself is dark
        assert len(boxes) >= 11
        for words, *box_ in boxes:
            x, y, width, height = (round(part) for part in box_)
            inner = (
                shot[y + 4 : y + height - 4, x + 4 : x + width - 4]
                if height > 30
                else shot[y : y + height, x : x + width]
            )
            assert contrast(inner) >= 4.5, words
    finally:
        dark.close()


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_where_colours_are_forced_words_and_focus_stand_out_and_the_picture_keeps_its_own(
    browser, folder, players, scheme
):
    window = engines.Chromium(browser, forced_colors="active", color_scheme=scheme)
    try:
        window.resize(1280, 900)
        window.open((folder / "start ü.html").as_uri())
        window.until(SAID)
        assert window.run("() => matchMedia('(forced-colors: active)').matches")
        for words, x, y, width, height in window.run(BOXES, WORDS):
            inside = 4 * (height > 30)
            rows, columns = (slice(round(a) + inside, round(a + b) - inside) for a, b in ((y, height), (x, width)))
            assert contrast(window.shot()[rows, columns]) >= 4.5, words
        assert missed(window, players["start"].twin(), BLUE) < 0.02
        for css in ("canvas", ".play", ".slider input"):
            x, y, width, height = box(window, css)
            around = slice(round(y) - 8, round(y + height) + 8), slice(round(x) - 8, round(x + width) + 8)
            before = window.shot()[around]
            focus(window, css)
            window.press("Shift")  # by keys, so that the focus is shown
            assert np.abs(before.astype(int) - window.shot()[around]).max() > 100, css
    finally:
        window.close()


def test_a_page_has_the_size_of_words_that_its_reader_has_set(shown):
    engine = shown("start")
    size = "() => parseFloat(getComputedStyle(document.querySelector('.caption')).fontSize)"
    assert engine.run(size) == 18
    text = (ROOT / "gdviz" / "player" / "static" / "page.html").read_text()
    assert "font: 112.5%/1.45" in text  # of what the reader has set; a test cannot set it in all three


def sheets(pdf):
    """The pages of a PDF as pixels, uint8 (height, width, 3), 144 to the inch, and their words."""
    with pypdfium2.PdfDocument(pdf) as document:
        return [
            (np.asarray(page.render(scale=2).to_pil().convert("RGB")).astype(int), page.get_textpage().get_text_range())
            for page in document
        ]


@pytest.mark.slow
@pytest.mark.parametrize("width", [1280, 400])
def test_on_paper_path_and_picture_agree_and_values_are_words(shown, players, width):
    engine = shown("target", width=width)
    focus(engine, ".slider input")
    engine.press("End")
    engine.run(FRAMES)
    printed = engine.pdf()
    pages_of, words = zip(*sheets(printed))
    assert len(pages_of) <= (1 if width == 1280 else 2)
    found = 0
    for sheet in pages_of:
        squares, many = regions(near(sheet, "#009e73", 60), np.ones((3, 3)))
        for k in range(1, many + 1):
            ys, xs = np.nonzero(squares == k)
            if len(ys) < 60:
                continue
            found += 1
            assert (np.ptp(ys) + 1) / (np.ptp(xs) + 1) == pytest.approx(1, abs=0.2)
            y, x = (ys.min() + ys.max()) // 2, (xs.min() + xs.max()) // 2
            assert near(sheet[y - 1 : y + 2, x - 1 : x + 2], "#d55e00", 90).any(), "the head lies on the square"
    assert found == 2
    assert "step 30" in " ".join(words)


# --- a site, a slide --------------------------------------------------------------------------------------------------

GOALS = "# Made up\n\nAfter this page you will be able to\n\n- drag.\n\n**Time:** 5 minutes"
CODE = f"""
import matplotlib.pyplot as plt
from gdviz import surfaces, views
from gdviz.descent import minimize
from gdviz.optimizers import GradientDescent
plt.style.use("gdviz.course")
bowl = surfaces.bowl(6)
run = minimize(bowl, GradientDescent(0.1), bowl.start, {STEPS})
views.descents(bowl, run)
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory, players):
    """The addresses of a site's page and of a lecture, both of one made-up notebook with one player."""
    folder = tmp_path_factory.mktemp("made")
    png = base64.b64encode(players["start"].twin()).decode()
    picture = new_output("display_data", {"image/png": png}, metadata={"image/png": {"alt": "A bowl."}})
    cells = [
        new_markdown_cell(GOALS),
        new_markdown_cell("## The bowl\n\nWhere does it end?"),
        new_code_cell(CODE, outputs=[picture]),
    ]
    nbformat.write(new_notebook(cells=cells), folder / "08_made_up.ipynb")
    write_site.write([folder / "08_made_up.ipynb"], folder / "site")
    deck = write_decks.Deck("mine", "Mine", "A course", "Nobody", [(folder / "08_made_up.ipynb", "The bowl", 5)])
    write_decks.write([deck], ROOT / "INSTRUCTORS.md", folder / "decks", kept=folder / "kept")
    return {"site": folder / "site" / "08_made_up.html", "slide": folder / "decks" / "mine.html"}


@pytest.mark.slow
@pytest.mark.parametrize("where", ["site", "slide"])
def test_a_site_and_a_slide_are_moved_by_keys_and_dragged(engine, made, where):
    with plt.style.context("gdviz.course"):
        player = descents(0.1, BOWL.start)
        player.twin()
    engine.resize(1280, 720)
    engine.open(made[where].as_uri())
    if where == "slide":
        engine.until("() => globalThis.Reveal?.isReady() && document.documentElement.dataset.ready !== undefined")
        engine.run(
            "() => Reveal.slide([...document.querySelectorAll('section')].findIndex((s) => s.querySelector('canvas')))"
        )
    engine.until("() => document.querySelector('canvas')?.getAttribute('aria-label')")
    engine.run("() => document.querySelector('canvas').scrollIntoView({ block: 'center' })")
    engine.until(
        """() => {
          const { left, right, width } = document.querySelector("canvas").getBoundingClientRect();
          return width > 400 && right <= innerWidth && left >= 0;
        }"""
    )
    engine.until("() => new Promise((done) => setTimeout(() => done(true), 900))")  # a slide glides in
    focus(engine, ".slider input")
    engine.press("End")
    assert f"step {STEPS};" in said(engine)
    engine.run("() => document.querySelector('canvas').scrollIntoView({ block: 'center' })")
    engine.drag(*(pixel(engine, player, 0, place) for place in ([10, 4], [3, 2], [-6, -3])))
    assert start_said(engine) == pytest.approx([-6, -3], abs=0.2)
    loss = minimize(BOWL, GradientDescent(0.1), start_said(engine), STEPS).losses[-1].item()
    assert float(re.search(r"; loss ([\d.e+-]+)", said(engine))[1]) == pytest.approx(loss, rel=0.1)
    printed = engine.pdf()
    if printed is not None:
        blue = [near(sheet, BLUE, 40).sum() for sheet, _ in sheets(printed)]
        assert max(blue) > 200  # the path, with the picture
