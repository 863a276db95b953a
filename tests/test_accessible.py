"""For everybody: names and keys for every control, contrast, twice the size, eyes that see other colours."""

import importlib
import os
import re
import sys
import tarfile
from itertools import combinations
from pathlib import Path

import colorspacious
import cost
import matplotlib.pyplot as plt
import numpy as np
import pytest
from lab import run_all
from matplotlib.colors import to_rgb

from gdviz import style, surfaces
from gdviz.descent import grid, minimize
from gdviz.optimizers import GradientDescent
from gdviz.player import Player
from gdviz.player.geometry import PX

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT / "notebooks" / "tools"))
npm_files = importlib.import_module("npm_files")
AXE = (
    "axe-core",
    "4.14.1",
    "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ==",
)
LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
RATES = [0.05, 0.45, 0.9, 1.1]
DESCENT = minimize(surfaces.bowl(2), GradientDescent(**grid(lr=RATES)), [8.0, 4.0], 30)
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


# --- what is read and pressed -----------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def axe():
    """axe(page, where) -> the violations of WCAG's levels A and AA there, rule and element, and how many rules pass."""
    try:
        package = npm_files.tarball(*AXE)
    except ConnectionError as error:
        pytest.fail(str(error)) if os.environ.get("CI") else pytest.skip(f"needs npm's registry once: {error}")
    with tarfile.open(package) as archive:
        source = archive.extractfile("package/axe.min.js").read().decode()

    def run(page, where=None):
        page.evaluate(source)
        found = page.evaluate("([where, levels]) => axe.run(where ?? document, { runOnly: levels })", [where, LEVELS])
        wrong = [(rule["id"], node["html"][:200]) for rule in found["violations"] for node in rule["nodes"]]
        return wrong, len(found["passes"])

    return run


@pytest.fixture
def saved(browser, tmp_path):
    """saved(width, scheme) -> an exported page, opened from its file without a network."""
    figure, axes = plt.subplots(1, 2, figsize=(10, 4))
    axes[0].set(xlim=(-11, 11), ylim=(-6, 6))
    player = Player(figure, {"step": range(31), "learning rate": RATES}, caption=DESCENT.describe(), at={"step": 3})
    player.path(axes[0], DESCENT.params)
    player.curve(axes[1], DESCENT.losses.clamp(max=1e3))
    player.text(axes[0], DESCENT.losses, "loss {:.3g}")
    player.save(tmp_path / "race.html")
    contexts = []

    def show(width=1280, height=900, scheme="light", density=1):
        size = {"width": width, "height": height}
        options = {"viewport": size, "color_scheme": scheme, "device_scale_factor": density, "offline": True}
        contexts.append(browser.new_context(**options, bypass_csp=True))  # axe is a script from elsewhere
        page = contexts[-1].new_page()
        page.goto((tmp_path / "race.html").as_uri())
        page.wait_for_function("document.querySelector('canvas')?.ariaLabel")
        return page

    yield show
    for context in contexts:
        context.close()


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (400, "dark")])
def test_an_exported_page_has_no_violation(saved, axe, width, scheme):
    wrong, passed = axe(saved(width, scheme=scheme))
    assert wrong == []
    assert passed > 10


@pytest.mark.slow
@pytest.mark.browser
def test_axe_sees_a_control_without_a_name(saved, axe):
    page = saved()
    page.evaluate("document.querySelector('.slider input').removeAttribute('aria-label')")
    page.evaluate("document.querySelector('.slider > span').remove()")
    assert "label" in [rule for rule, _ in axe(page)[0]]


FOCUSED = """() => {
  const { activeElement: e } = document;
  return e === document.body ? null : e.getAttribute("aria-label") || e.textContent;
}"""


@pytest.mark.slow
@pytest.mark.browser
def test_every_control_of_a_page_is_reached_and_moved_by_keys(saved):
    page, names = saved(), []
    page.keyboard.press("Tab")
    while (name := page.evaluate(FOCUSED)) and len(names) < 9:
        names.append(name)
        page.keyboard.press("Tab")
    assert names == ["Play", "Back to the start", "Keep", "Table", "Copy link", "step", "learning rate"]
    for name, key, value in [("step", "End", "30"), ("step", "ArrowLeft", "29"), ("learning rate", "Home", "0")]:
        page.get_by_label(name, exact=True).press(key)
        assert page.get_by_label(name, exact=True).input_value() == value
    page.wait_for_function("document.querySelector('canvas').ariaLabel.includes('step 29; learning rate 0.05')")


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 400])
def test_at_twice_the_size_nothing_is_lost(saved, width):
    page = saved(width // 2, 450, density=2)
    assert page.evaluate("document.documentElement.scrollWidth") <= width // 2
    for control in page.locator("input:visible, button:visible").all():
        box = control.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width // 2
        assert box["height"] >= 24  # WCAG 2.2, target size
    assert page.locator("canvas").evaluate("(c) => c.width / c.clientWidth") == pytest.approx(2, abs=0.01)


@pytest.mark.slow
@pytest.mark.browser
def test_a_rendered_notebook_has_no_violation_and_keys_reach_its_controls(lab, axe):
    page = lab("00_start_here.ipynb")
    run_all(page, "document.querySelectorAll('.gdviz-player canvas').length > 0")
    page.locator(".gdviz-player").first.scroll_into_view_if_needed()
    page.wait_for_selector(".gdviz-player canvas[aria-label]")
    wrong, passed = axe(page, [[".jp-OutputArea:has(.gdviz-player)"], [".jp-MarkdownOutput"]])
    assert wrong == []
    assert passed > 5
    names = []
    page.locator(".widget-vbox:has(.gdviz-player)").first.locator(".clock button").first.focus()
    for _ in range(8):
        names.append(page.evaluate(FOCUSED))
        page.keyboard.press("Tab")
    rate = ["learning rate", "learning rate, typed"]
    assert names == ["Play", "Back to the start", "Keep", "Table", *rate, "step", "0"]  # 0: where one may type the step


# --- what is seen -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_mark_stands_out_from_its_ground(path):
    """3:1; words of a text 4.5:1, or 3:1 where they are large: bold and of 14 pt (WCAG 2.2, 1.4.3 and 1.4.11)."""
    marks = cost.marks(path)
    assert marks
    for kind, color, warn, size, contrast in marks:
        assert contrast >= (4.5 if kind == "text" and size < 14 / 72 * 96 else 3), (kind, color, size)
        assert warn is None or style.contrast(warn) >= 4.5


def test_no_two_optimizers_have_the_same_dash_and_marker():
    assert len({(look.dash, look.marker) for look in style.LOOKS.values()}) == len(style.LOOKS)


@pytest.mark.parametrize("kind", ["protanomaly", "deuteranomaly", "tritanomaly"])
def test_in_other_eyes_the_optimizers_of_the_race_are_told_apart(kind):
    """By colour, as a dichromat sees it (Machado and others 2009), or else by dash or marker, which have no colour."""
    space = {"name": "sRGB1+CVD", "cvd_type": kind, "severity": 100}

    def seen(color):
        return colorspacious.cspace_convert(np.clip(to_rgb(color), 0, 1), space, "CAM02-UCS")

    alike = 0
    for one, other in combinations(style.LOOKS.values(), 2):
        if np.linalg.norm(seen(one.color) - seen(other.color)) < 15:
            alike += 1
            assert (one.dash, one.marker) != (other.dash, other.marker)
    assert alike >= 6  # one colour serves a family, so that dash and marker are needed


def test_a_head_is_large_enough_to_see_its_shape():
    figure, ax = plt.subplots()
    player = Player(figure, {"step": range(31), "learning rate": RATES})
    path = player.path(ax, DESCENT.params)
    assert path.look["size"] >= 0.15 * PX
    plt.close(figure)


def test_every_picture_of_the_readme_has_words():
    text = (ROOT / "README.md").read_text()
    pictures = re.findall(r"!\[([^\]]*)\]", text)
    assert pictures
    assert all(len(words) >= 10 for words in pictures)
