"""Data that one drags: the line, the valley, its minimum and the descent follow, without a kernel."""

import io
import re

import numpy as np
import pytest
from PIL import Image
from test_export import moved

from gdviz import data, surfaces, views
from gdviz.descent import minimize
from gdviz.optimizers import GradientDescent
from gdviz.player import pages

X, Y = [-1.5, -1.0, 0.0, 0.5, 2.0], [1.0, 3.0, 2.0, 4.0, 5.0]


def fitted(x=X, y=Y):
    points = data.own(x, y)
    loss = surfaces.linear_model(points)
    return views.line_fit(points, loss, minimize(loss, GradientDescent(0.1), [0.0, 0.0], 60), at={"step": -1})


def place(page, player, point, axes=0):
    box, of = page.locator("canvas").bounding_box(), player.axes[axes]
    left, top, width, height = of["box"]
    (x0, x1), (y0, y1) = of["xlim"], of["ylim"]
    scale = box["width"] / player.size[0]
    x, y = left + width * (point[0] - x0) / (x1 - x0), top + height * (1 - (point[1] - y0) / (y1 - y0))
    return box["x"] + scale * x, box["y"] + scale * y


def says(page):
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return page.locator("canvas").get_attribute("aria-label")


def shown(said):
    return said.split("Shown: ")[1]


def loss_of(said):
    return float(re.search(r"loss ([\d.e+-]+)", shown(said))[1])


def drag(page, player, start, end):
    page.mouse.move(*place(page, player, start))
    page.mouse.down()
    page.mouse.move(*place(page, player, end), steps=4)
    page.mouse.up()


@pytest.mark.slow
@pytest.mark.browser
def test_a_dragged_point_moves_the_descent_and_comes_back(opened):
    player = fitted()
    page = opened(pages.code() + pages.body(player))
    first = says(page)
    page.mouse.move(*place(page, player, (0.5, 4)))
    page.mouse.down()
    assert moved(page, lambda: page.mouse.move(*place(page, player, (1, 1.5)), steps=3))
    page.mouse.up()
    said = says(page)
    k, x, y = (float(one) for one in re.search(r"Data point (\d) is now at \((.*?), (.*?)\)", said).groups())
    assert (k, x, y) == (4, pytest.approx(1, abs=0.05), pytest.approx(1.5, abs=0.05))
    assert said.startswith("As it was first: ")
    points = data.own([*X[:3], x, X[4]], [*Y[:3], y, Y[4]])
    loss = surfaces.linear_model(points)
    wanted = minimize(loss, GradientDescent(0.1), [0.0, 0.0], 60).losses[-1].item()
    assert loss_of(said) == pytest.approx(wanted, rel=0.02)
    page.mouse.dblclick(*place(page, player, (x, y)))
    assert shown(says(page)) == shown(first)
    assert "As it was first" not in says(page)
    assert page.errors == []


@pytest.mark.slow
@pytest.mark.browser
def test_two_points_are_kept_apart_and_keys_move_them(opened):
    player = fitted()
    page = opened(pages.code() + pages.body(player))
    drag(page, player, (0.5, 4), (1, 1.5))
    drag(page, player, (-1.5, 1), (-1.5, 100))
    said = says(page)
    top = player.axes[0]["ylim"][1]
    assert "Data point 4 is now at" in said
    assert re.search(rf"Data point 1 is now at \(-1\.5\d*, {top:.3g}\)", said), "at the edge"
    page.keyboard.press("Home")  # the one that was moved last
    assert "Data point 1" not in says(page)
    assert "Data point 4 is now at" in says(page)
    page.keyboard.press("n")
    page.keyboard.press("Shift+ArrowUp")
    assert "Data point 2 is now at (-1, " in says(page)
    assert page.errors == []


@pytest.mark.slow
@pytest.mark.browser
def test_a_copied_link_has_the_points_and_a_wrong_one_says_so(opened):
    player = fitted()
    page = opened(pages.code() + pages.body(player))
    page.evaluate("navigator.clipboard.writeText = (text) => { window.copied = text; return Promise.resolve(); }")
    drag(page, player, (0.5, 4), (1, 1.5))
    said = says(page)
    page.get_by_role("button", name="Copy link").click()
    end = re.search("#.*", page.evaluate("copied"))[0]
    assert end.startswith("#points=3,")
    page.goto(page.url + end)
    page.reload()
    assert shown(says(page)) == shown(said)
    assert "Data point 4 is now at" in says(page)
    for wrong in ("#points=9,1,1", "#points=1,2", "#points=0.5,1,1", "#points="):
        page.goto(page.url.partition("#")[0] + wrong)
        page.reload()
        assert "As it was first" not in says(page)
        assert page.locator(".message").inner_text().endswith("It is shown as at first.")


@pytest.mark.slow
@pytest.mark.browser
def test_canvas_and_matplotlib_draw_the_same_contours_cross_and_squares(opened):
    player = fitted()
    player.placed = [0, -1.0, 5.0, 4, 1.5, 0.5]
    page = opened(pages.code() + pages.body(player))
    says(page)
    shot = np.array(Image.open(io.BytesIO(page.locator("canvas").screenshot())).convert("L"), int)
    twin = np.array(Image.open(io.BytesIO(player.twin())).convert("L").resize(shot.shape[1::-1]), int)
    left, top, width, height = (int(one * shot.shape[1] / player.size[0]) for one in player.axes[1]["box"])
    window = slice(top, top + height), slice(left, left + width)
    ours, theirs = (one[window] < 200 for one in (shot, twin))
    assert theirs.sum() > 1000
    grown = [np.roll(theirs, (dy, dx), (0, 1)) for dx in range(-2, 3) for dy in range(-2, 3)]
    assert (ours & np.logical_or.reduce(grown)).sum() > 0.9 * ours.sum()  # the rest is the ring and its word


@pytest.mark.slow
def test_twin_and_words_are_those_of_the_dragged_data_and_the_data_stay_whole():
    player = fitted()
    before, words = player.twin(), player.describe()
    player.placed = [3, 1.0, 1.5]
    moved_to = fitted([*X[:3], 1.0, X[4]], [*Y[:3], 1.5, Y[4]])
    assert player.describe() == moved_to.describe() != words
    player.placed = []
    assert (player.describe(), player.twin()) == (words, before)


@pytest.mark.slow
def test_points_stand_still_where_the_loss_does_not_compute_with_them():
    points = data.own(X, Y)
    other = surfaces.linear_model(data.own(X, Y))
    run = minimize(other, GradientDescent(0.1), [0.0, 0.0], 20)
    assert [handle["kind"] for handle in views.line_fit(points, other, run).handles] == ["start", "ends"]
    fixed = surfaces.Surface(lambda w: other(w), other.xlim, other.ylim, (0.0, 0.0), other.minima, "mine")
    run = minimize(fixed, GradientDescent(0.1), [0.0, 0.0], 20)
    player = views.line_fit(points, fixed, run)
    assert [handle["kind"] for handle in player.handles] == ["start", "ends"]
    assert not any(mark.kind == "contours" for mark in player._marks), "they are in the picture that stands still"


def test_the_learners_own_numbers_are_as_they_were():
    x, y = np.array(X), np.array(Y)
    points = data.own(x, y)
    loss = surfaces.linear_model(points)
    player = views.line_fit(points, loss, minimize(loss, GradientDescent(0.1), [0.0, 0.0], 20))
    player.placed = [0, 7.0, 7.0]
    player.describe()
    assert (x.tolist(), y.tolist()) == (X, Y)
    assert (points.x.tolist(), points.y.tolist()) == (X, Y)
