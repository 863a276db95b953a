"""3-D pictures can be turned by dragging: the projection is matplotlib's, and the first picture stays matplotlib's."""

import json
import re
import subprocess

import numpy as np
import pytest
import torch
from node import HERE, node
from test_export import moved

from gdviz import surfaces, views
from gdviz.descent import minimize
from gdviz.optimizers import GradientDescent
from gdviz.player import Player, pages, scripts
from gdviz.player.geometry import to_pixels

BOWL = surfaces.bowl(4)


def over():
    run = minimize(BOWL, GradientDescent(lr=0.2), (-8.0, 4.0), steps=20)
    return views.over_surface(BOWL, run, at={"step": 6})


def says(page):
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return page.locator("canvas").get_attribute("aria-label")


def seen_from(page):
    found = re.search(r"Elevation (-?[\d.]+) degrees, azimuth (-?[\d.]+) degrees", says(page))
    return found and [float(number) for number in found.groups()]


@pytest.mark.slow
@pytest.mark.browser
def test_the_projection_is_matplotlibs_from_every_side():
    player, random = over(), np.random.default_rng(0)
    player.state()
    sides = [[38.0, -60.0], [0.0, 0.0], [89.0, 179.0], [20.0, 30.0], [65.5, -140.0]]
    ax, places = player.figure.axes[0], random.uniform([-11, -6, 0], [11, 6, 130], (40, 3))
    told = json.dumps({"space": player.axes[0]["space"], "views": sides, "places": places.tolist()})
    command = [node(), str(HERE / "turn.node.mjs"), str(scripts.STATIC)]
    ran = subprocess.run(command, input=told, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    for (elev, azim), ours in zip(sides, json.loads(ran.stdout), strict=True):
        ax.view_init(elev=elev, azim=azim)
        np.testing.assert_allclose(ours, to_pixels(ax, places), atol=1e-6)


@pytest.mark.slow
@pytest.mark.browser
def test_a_drag_turns_surface_and_path_and_a_double_click_shows_the_first_picture(opened):
    page = opened(pages.code() + pages.body(over()))
    box = page.locator("canvas").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    assert seen_from(page) is None
    dots = page.evaluate("document.querySelector('canvas').width")
    first = page.locator("canvas").screenshot()
    page.mouse.move(x, y)
    page.mouse.down()
    assert moved(page, lambda: page.mouse.move(x + 60, y - 30, steps=4))
    page.mouse.up()
    elevation, azimuth = seen_from(page)
    assert elevation < 38
    assert azimuth < -60
    assert not says(page).startswith("As it was first"), "no number has changed"
    page.mouse.dblclick(x, y)
    assert seen_from(page) is None
    page.wait_for_function(f"document.querySelector('canvas').width === {dots}")  # sharp, after a moment
    again = page.locator("canvas").screenshot() == first  # pytest would compare the bytes for minutes
    assert again
    assert page.errors == []


@pytest.mark.slow
@pytest.mark.browser
def test_keys_turn_it_as_far_as_straight_from_above_and_home_puts_it_back(opened):
    page = opened(pages.code() + pages.body(over()))
    page.locator("canvas").focus()
    page.keyboard.press("ArrowLeft")
    assert seen_from(page) == [38, -55]
    page.keyboard.press("Shift+ArrowDown")
    assert seen_from(page) == [53, -55]
    for _ in range(5):
        page.keyboard.press("Shift+ArrowDown")
    assert seen_from(page) == [89, -55]
    for _ in range(9):
        page.keyboard.press("Shift+ArrowUp")
    assert seen_from(page) == [0, -55]
    page.keyboard.press("Home")
    assert seen_from(page) is None
    assert page.errors == []


@pytest.mark.slow
@pytest.mark.browser
def test_a_link_keeps_the_side_and_a_finger_turns_only_on_the_surface(opened):
    page = opened(pages.code() + pages.body(over()))
    page.evaluate("navigator.clipboard.writeText = (text) => { window.copied = text; return Promise.resolve(); }")
    page.goto(page.url + "#view=20,30")
    page.reload()
    assert seen_from(page) == [20, 30]
    stopped = """(part) => {
        const canvas = document.querySelector("canvas"), box = canvas.getBoundingClientRect();
        const place = { clientX: box.left + part * box.width, clientY: box.top + part * box.height };
        const touch = new Touch({ identifier: 1, target: canvas, ...place });
        const event = new TouchEvent("touchstart", { touches: [touch], cancelable: true, bubbles: true });
        return !canvas.dispatchEvent(event);
    }"""
    assert page.evaluate(stopped, 0.5)
    assert not page.evaluate(stopped, 0.001)
    page.goto(page.url.partition("#")[0] + "#view=20")
    page.reload()
    assert seen_from(page) is None
    assert page.locator(".message").inner_text().endswith("It is shown as at first.")


@pytest.mark.slow
def test_twin_and_film_look_from_the_side_that_was_turned_to_and_the_figure_stays(tmp_path):
    player = over()
    first = player.twin()
    player.turned = [20.0, 30.0]
    turned = player.twin()
    assert turned != first
    player.save(tmp_path / "turned.png")
    ax = player.figure.axes[0]
    assert (ax.elev, ax.azim) == (38, -60)
    player.turned = []
    assert player.twin() == first


def test_what_is_no_surface_in_space_is_refused():
    player = over()
    x, y, z = BOWL.mesh(5)
    with pytest.raises(ValueError, match="3-D Axes of this player's figure"):
        player.solid(None, x, y, z)
    with pytest.raises(ValueError, match=r"z \(n, n\); got \(5,\), \(5,\) and \(5, 4\)"):
        player.solid(player.figure.axes[0], x, y, z[:, :4])
    assert isinstance(player, Player)


@pytest.mark.slow
@pytest.mark.parametrize("view", ["rolled", "orthographic", "near"])
def test_another_projection_than_the_usual_is_refused(view):
    player = over()
    ax = player.figure.axes[0]
    if view == "rolled":
        ax.view_init(38, -60, roll=20)
    else:
        ax.set_proj_type(
            "ortho" if view == "orthographic" else "persp", **({} if view != "near" else {"focal_length": 0.4})
        )
    with pytest.raises(ValueError, match="solid turns the usual perspective"):
        player.solid(ax, *BOWL.mesh(5))


def test_what_is_infinite_is_a_hole_and_a_factor_of_the_ticks_is_named():
    def fn(w):
        return 1e7 * w.square().sum(-1) + torch.where(w[..., 0] > 0.5, torch.inf, 0.0)

    wall = surfaces.Surface(fn, (-1, 1), (-1, 1), (-0.5, 0.5), ((0.0, 0.0),), "wall")
    player = views.over_surface(wall, minimize(wall, GradientDescent(1e-9), wall.start, 5))
    player.state()
    heights = np.frombuffer(player.solids[0]["data"], np.float32).reshape(31, 31)
    assert np.isnan(heights[:, -5:]).all()
    assert np.isfinite(heights[:, :20]).all()
    assert player.solids[0]["zlim"][1] <= 2e7
    assert player.axes[0]["space"]["names"][2] == "loss (1e7)"


@pytest.mark.slow
@pytest.mark.browser
def test_a_first_view_from_below_is_where_turning_begins(opened):
    run = minimize(BOWL, GradientDescent(lr=0.2), (-8.0, 4.0), steps=20)
    page = opened(pages.code() + pages.body(views.over_surface(BOWL, run, elev=-20)))
    page.locator("canvas").focus()
    page.keyboard.press("ArrowLeft")
    assert seen_from(page) == [-20, -55]
    assert page.errors == []
