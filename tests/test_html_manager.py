"""A player in the HTML manager of ipywidgets, as in Colab: the controls move the view, and no kernel is there.

The page asks a made-up host for packages of npm, and the test answers out of the pinned ones.
"""

import importlib
import io
import re
import sys
import tarfile
from html.parser import HTMLParser
from pathlib import Path

import anywidget
import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
import pytest
from ipywidgets.embed import dependency_state, embed_minimal_html

from gdviz.player import Player
from gdviz.player.sliders import DOLLAR, JOINER, inert

sys.path.append(str(Path(__file__).parents[1] / "notebooks" / "tools"))
npm_files = importlib.import_module("npm_files")
pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore:Deprecated in traitlets 4.1")]  # by ipywidgets 7

MANAGER = "@jupyter-widgets/html-manager"
PACKAGES = {  # name and version, sha512
    ("requirejs", "2.3.8"): "7/cTSLOdYkNBNJcDMWf+luFvMriVm7eYxp4BcFCsAX0wF421Vyce5SXP17c+Jd5otXKGNehIonFlyQXSowL6Mw==",
    (MANAGER, "0.20.9"): "GzwmQB5VFGPu+QsJJxYyLOvHdAtnXrOHG0zfFzSD32wu0ZYBG72p2EERP3av9EqE6NlSe570muudhKwHtsJH9w==",
    (MANAGER, "1.0.15"): "5thBIV6ymNgmPVOHvzx+gGy8ZSKmSazhtGw4/c4xJDVzRhG9PTeQsRjF3FUTopvFi//SABeNz1yp47bCrJ3CQA==",
    ("anywidget", "0.9.21"): "0uQ9/zZmig/2DuI2OXTDI97msdfRH7cMKK+pxxFqArfNdXXCWalvsKGvl896EyNROXPVuqZB1r7T+RZN9ruQNg==",
    ("anywidget", "0.11.0"): "LHZgW2j5UjyerZSZcO+BtZPXGMSORQV2bUT480hOR5x/BXS8sOradi/71amJfMueSEnKX0dqPwTfsOGHTsyZpQ==",
}
# For each version of ipywidgets here: the HTML manager, and the controls in the browser. Colab's own manager, from
# googlecolab/colab-cdn-widget-manager, shows the models of ipywidgets 7 with a preview of the controls of ipywidgets 8.
CASES = {"7": [("0.20.9", 7), ("1.0.15", 8)], "8": [("1.0.15", 8)]}[ipywidgets.__version__[0]]
HOST = "http://npm.invalid"
PAGE = f"""<!DOCTYPE html>
<title>{{title}}</title><body>
<script data-jupyter-widgets-cdn="{HOST}/" src="{HOST}/requirejs@2.3.8/require.js"></script>
{{snippet}}"""
LISTEN = """(canvas) => {
  window.said = [];
  let last = canvas.ariaLabel;  // drawn once more with the same words, it says nothing new
  const note = () => { if (last !== canvas.ariaLabel) said.push((last = canvas.ariaLabel)); };
  new MutationObserver(note).observe(canvas, { attributeFilter: ["aria-label"] });
}"""


def walk():
    """A player of 21 steps and three rates."""
    figure, ax = plt.subplots(figsize=(6, 4))
    ax.set(xlim=(0, 21), ylim=(0, 21))
    player = Player(figure, {"step": range(21), "rate": [0.1, 0.2, 0.3]}, at={"step": -1})
    x = np.arange(21.0)[:, None] * np.array([0.5, 0.75, 1.0])
    player.path(ax, np.stack([x, x**2 / 21], -1))
    player.text(ax, x, "x {:.2f}")
    return player


def html(player, manager, controls):
    """The page that ipywidgets writes for a player, to be shown by this HTML manager with these controls."""
    text, address = io.StringIO(), f"{HOST}/{MANAGER}@{manager}/dist/embed-amd.js"
    state = dependency_state(player.box, drop_defaults=False)
    embed_minimal_html(text, player.box, state=state, template=PAGE, embed_url=address, requirejs=False)
    return (
        text.getvalue() if controls == 7 else re.sub(r'(_module_version": )"1\.[25]\.0"', r'\1"2.0.0"', text.getvalue())
    )


def answer(route, page, versions):
    """The page itself, a file of a package in the version that is installed here, or nothing."""
    package = re.fullmatch(rf"{HOST}/(@[^@]+|[^@]+)@[^/]+/(.+)", route.request.url)
    if not package:
        return route.fulfill(body=page, content_type="text/html") if route.request.url == f"{HOST}/" else route.abort()
    name, file = package.groups()
    key = name, versions[name]
    with tarfile.open(npm_files.tarball(*key, PACKAGES[key])) as archive:
        route.fulfill(body=archive.extractfile(f"package/{file}").read())


@pytest.fixture(scope="module", params=CASES, ids=lambda case: f"html-manager {case[0]}, controls of {case[1]}")
def opened(request, browser):
    """opened(player) -> a page with it."""
    manager, controls = request.param
    versions, pages = {MANAGER: manager, "requirejs": "2.3.8", "anywidget": anywidget.__version__}, []

    def show(player):
        text = html(player, manager, controls)
        pages.append(browser.new_page())
        pages[-1].route("**", lambda route: answer(route, text, versions))
        pages[-1].goto(f"{HOST}/")
        pages[-1].wait_for_selector(".gdviz-player canvas")
        return pages[-1]

    yield show
    for page in pages:
        page.close()


@pytest.fixture(scope="module")
def page(opened):
    """A page with the walk."""
    return opened(walk())


def says(page, words):
    """Wait until the canvas says so to a screen reader, which it does when it has drawn."""
    page.wait_for_function("(words) => document.querySelector('canvas').ariaLabel?.endsWith(words)", arg=words)


def pixels(page):
    return page.locator("canvas").evaluate("(canvas) => canvas.toDataURL()")


def handle(page, number):
    return page.locator(".noUi-handle, .ui-slider-handle").nth(number)


@pytest.mark.slow
def test_both_sliders_move_the_view_without_a_kernel(page):
    says(page, "step 20; rate 0.2; x 15.00")
    seen = [pixels(page)]
    handle(page, 1).press("ArrowLeft")
    says(page, "step 20; rate 0.1; x 10.00")
    seen.append(pixels(page))
    start = handle(page, 0).bounding_box()
    page.mouse.move(start["x"] + start["width"] / 2, start["y"] + start["height"] / 2)
    page.mouse.down()
    page.mouse.move(0, start["y"], steps=5)
    page.mouse.up()
    says(page, "step 0; rate 0.1; x 0.00")
    seen.append(pixels(page))
    handle(page, 0).press("ArrowRight")
    says(page, "step 1; rate 0.1; x 0.50")
    seen.append(pixels(page))
    assert len(set(seen)) == 4
    assert handle(page, 0).get_attribute("aria-label") == "step"
    assert handle(page, 1).get_attribute("aria-valuetext") == "0.1; x 0.50"


@pytest.mark.slow
def test_play_moves_slider_and_view_to_the_end_and_then_from_the_start(page):
    for key in ("End", "ArrowLeft", "ArrowLeft"):
        handle(page, 0).press(key)
    handle(page, 1).press("Home")
    says(page, "step 18; rate 0.1; x 9.00")
    page.locator("canvas").evaluate(LISTEN)
    page.locator(".play").click()
    says(page, "step 20; rate 0.1; x 10.00")
    assert page.locator(".widget-readout").first.inner_text() == "20"
    page.locator(".play").click()
    page.wait_for_function("said.length >= 4")
    assert page.evaluate("said.slice(0, 4)") == [f"step {k}; rate 0.1; x {k / 2:.2f}" for k in (19, 20, 0, 1)]


NASTY = [
    "<img src=x onerror='window.hurt = 1'>",
    "a < b & c, &lt;b&gt; and &amp;",
    "from $5 to $10, \\(x\\) and $$y$$",
    "<!-- <script>window.hurt = 1</script>",
]


@pytest.mark.slow
def test_words_stay_text_in_every_control(opened):
    figure, ax = plt.subplots(figsize=(6, 4))
    sliders = {"step": range(3), NASTY[0]: NASTY, NASTY[1]: range(2), NASTY[2]: [1, 2]}
    player = Player(figure, sliders, caption=NASTY[3], at={NASTY[1]: 1})
    player.path(ax, np.zeros((3, 1, 1, 1, 2)))
    player.on_text(lambda text: None, label=NASTY[3], value=NASTY[0])
    player.on_click(lambda x, y: None)
    player.message = NASTY[0]
    page = opened(player)
    words = [NASTY[3], "step", *NASTY[:3]]
    labels = "[...document.querySelectorAll('.widget-label')].map((label) => label.textContent)"
    page.wait_for_function(f"(words) => JSON.stringify({labels}) === JSON.stringify(words)", arg=words)
    assert page.locator(".message").text_content() == NASTY[0]
    assert page.locator("input[type=text]").input_value() == NASTY[0]
    for k, key in enumerate(["Home", "ArrowRight", "ArrowRight", "ArrowRight"]):
        handle(page, 1).press(key)
        says(page, f"; {NASTY[0]} {NASTY[k]}; {NASTY[1]} 1; {NASTY[2]} 2; path (0, 0)")
        assert page.locator(".widget-readout").nth(1).text_content() == NASTY[k]
    assert page.locator("img[onerror], script:has-text('hurt'):not([type])").count() == 0
    assert page.evaluate("window.hurt") is None


@pytest.mark.parametrize("words", NASTY)
def test_a_name_that_the_view_has_not_mended_yet_is_no_markup_and_no_formula(words):
    found, parser = [], HTMLParser(convert_charrefs=False)
    parser.handle_starttag = parser.handle_comment = parser.handle_entityref = lambda *what: found.append(what)
    parser.feed(inert(words))
    parser.close()
    assert found == []
    assert not re.search(r"\$|\\[(\[]", inert(words))
    assert plain(inert(words)) == words


def plain(words):
    """As words.mjs has it."""
    return words.replace(DOLLAR + JOINER, "$").replace(JOINER, "")
