"""A hyperparameter that may be any number of a range: at the door, in a rule, and as a slider of a player."""

import copy
import math
import pickle
import re

import pytest
import torch

from gdviz import surfaces, views
from gdviz.descent import minimize
from gdviz.optimizers import Adam, GradientDescent, Momentum, Range
from gdviz.player import Player, pages

SURFACE = surfaces.bowl(10)
LR = Range(0.01, 0.5, 0.1, log=True, named={"2/L": 0.2})


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (dict(low=1, high=1, value=1), "goes from low up to high, both finite; got low 1 and high 1"),
        (dict(low=2, high=1, value=1.5), "got low 2 and high 1"),
        (dict(low=0, high=math.inf, value=1), "both finite; got low 0 and high inf"),
        (dict(low=math.nan, high=1, value=1), "both finite; got low nan and high 1"),
        (dict(low=0, high=1, value=0.5, log=True), "a log slider must be positive, got low 0; or leave log=True out"),
        (dict(low=0.1, high=1, value=2), "value must be in the range, from 0.1 to 1; got 2"),
        (dict(low=0.1, high=1, value=math.nan), "value must be in the range, from 0.1 to 1; got nan"),
        (dict(low=0.1, high=1, value=0.2, named={"2/L": 3}), "2/L must be in the range, from 0.1 to 1; got 3"),
    ],
)
def test_a_range_that_is_none_is_refused_at_the_door(given, says):
    with pytest.raises(ValueError, match=re.escape(says)):
        Range(**given)


@pytest.mark.parametrize("number", ["0.1", None, True, [0.1], torch.ones(2), 1j])
def test_ends_and_value_are_numbers(number):
    for name in ("low", "high", "value"):
        with pytest.raises(TypeError, match=f"{name} of a range must be "):
            Range(**(dict(low=0, high=1, value=0.5) | {name: number}))


def test_a_range_is_its_value_wherever_a_number_is_wanted():
    at_range, at_number = (minimize(SURFACE, Adam(lr), SURFACE.start, 30) for lr in (Range(0.1, 2, 0.4), 0.4))
    assert torch.equal(at_range.params, at_number.params)
    assert LR == 0.1
    assert math.sqrt(LR) == math.sqrt(0.1)
    assert f"{LR:.2f}" == "0.10"


def test_a_copied_range_is_one_still():
    for copied in (copy.deepcopy(LR), copy.copy(LR), pickle.loads(pickle.dumps(LR))):
        assert vars(copied) == vars(LR)
        assert copied == LR


def test_a_value_outside_what_the_rule_accepts_is_refused_as_any_number_is():
    with pytest.raises(ValueError, match="momentum"):
        minimize(SURFACE, Momentum(0.1, momentum=Range(0, 2, 1.5)), SURFACE.start, 3)


def player_of(rules=None, **options):
    rules = rules or GradientDescent(LR)
    named = rules if isinstance(rules, dict) else {"": rules}
    runs = {name: minimize(SURFACE, rule, SURFACE.start, 40) for name, rule in named.items()}
    return views.descents(SURFACE, runs if len(runs) > 1 else runs[""], **options)


def test_describe_names_the_dials_and_follows_them():
    player = player_of(at={"step": -1})
    assert "learning rate 0.01 to 0.5" in player.describe()
    assert "learning rate 0.1," in player.describe()
    player.dialed = [0.15]
    run = minimize(SURFACE, GradientDescent(0.15), SURFACE.start, 40)
    assert f"loss {run.losses[-1].item():.4g}" in player.describe()
    assert run.describe() in player.describe()


@pytest.mark.slow
def test_a_range_that_two_rules_share_has_one_slider_and_the_others_their_own():
    shared, beta = Range(0.01, 0.5, 0.1), Range(0, 0.99, 0.9, name="β")
    rules = {"Momentum": Momentum(shared, momentum=beta), "plain": GradientDescent(shared)}
    player = player_of(rules)
    assert [(dial["name"], dial["key"]) for dial in player.dials] == [
        ("learning rate", "lr"),
        ("β", "Momentum.momentum"),
    ]
    assert player.dials[0]["feeds"] == [[0, 0], [1, 0]]
    some = player_of(rules | {"Adam": Adam(0.1)})
    assert [dial["name"] for dial in some.dials] == ["Momentum: learning rate", "β"]


def test_a_schedule_that_moves_the_rate_has_no_slider_for_it():
    run = minimize(SURFACE, lambda step: Momentum(0.1 / (1 + step), Range(0, 0.9, 0.5)), SURFACE.start, 20)
    assert [dial["name"] for dial in views.descents(SURFACE, run).dials] == ["momentum"]


@pytest.mark.slow
def test_where_the_browser_cannot_follow_the_kernel_turns_the_dial():
    def branching(w):
        return SURFACE(w) if float(w.sum().detach()) > -1e9 else 2 * SURFACE(w)

    run = minimize(branching, GradientDescent(LR), SURFACE.start, 40)
    player = views.descents(SURFACE, run, at={"step": -1})
    assert player.unfollowed
    assert not player.descents
    assert player.dials
    player.dialed = [0.2]
    assert f"loss {minimize(SURFACE, GradientDescent(0.2), SURFACE.start, 40).losses[-1].item():.4g}" in repr(player)
    assert '"dials": []' in pages.body(player)


@pytest.fixture
def page(opened):
    return opened(pages.code() + pages.body(player_of(at={"step": 40})))


def says(page):
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return page.locator("canvas").get_attribute("aria-label").split("Shown: ")[1]


def left(lr, start=SURFACE.start):
    return f"loss {minimize(SURFACE, GradientDescent(lr), start, 40).losses[-1].item():.4g}"


@pytest.mark.slow
@pytest.mark.browser
def test_a_slider_a_typed_number_and_a_named_button_turn_it_and_the_numbers_are_those_of_minimize(page):
    slider, field = page.get_by_label("learning rate", exact=True), page.get_by_label("learning rate, typed")
    assert left(0.1) in says(page)
    assert field.input_value() == "0.1"
    slider.press("ArrowRight")
    now = says(page)
    assert field.input_value() == "0.101"
    assert left(0.101) in now
    field.fill("0.137")
    field.press("Enter")
    assert left(0.137) in says(page)
    assert left(0.137) in slider.get_attribute("aria-valuetext")
    page.get_by_role("button", name="2/L").click()
    assert left(0.2) in says(page)
    assert field.input_value() == "0.2"
    page.get_by_label("step", exact=True).press("Home")
    assert f"loss {SURFACE(torch.tensor(SURFACE.start)).item():.4g}" in says(page)
    page.get_by_role("button", name="Back to 0.1").click()
    says(page)
    assert field.input_value() == "0.1"
    assert not page.get_by_role("button", name="Back to 0.1").is_visible()
    assert page.errors == []


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.parametrize("typed", ["0.7", "abc", "", "-1", "NaN"])
def test_a_wrong_number_is_named_and_the_old_one_stays(page, typed):
    field = page.get_by_label("learning rate, typed")
    field.fill(typed)
    field.press("Enter")
    given = typed or "nothing"
    assert page.locator(".message").inner_text() == f"learning rate is a number from 0.01 to 0.5; {given} is not."
    assert field.input_value() == "0.1"
    assert left(0.1) in says(page)


@pytest.mark.slow
@pytest.mark.browser
def test_a_comma_is_a_point(page):
    field = page.get_by_label("learning rate, typed")
    field.fill("0,15")
    field.press("Enter")
    assert left(0.15) in says(page)
    assert field.input_value() == "0.15"


@pytest.mark.slow
@pytest.mark.browser
def test_start_and_rate_go_together_and_are_saved_with_the_page(opened):
    player = player_of(at={"step": 40})
    player.start, player.dialed = [3.0, -2.0], [0.17]
    page = opened(pages.code() + pages.body(player))
    assert left(0.17, (3.0, -2.0)) in says(page)
    assert left(0.17, (3.0, -2.0)) in player.describe()
    assert page.get_by_label("learning rate, typed").input_value() == "0.17"


@pytest.mark.slow
@pytest.mark.browser
def test_the_sentence_of_the_first_setting_says_so_when_another_is_shown(page):
    assert page.locator("canvas").get_attribute("aria-label").startswith("GradientDescent with lr 0.1")
    page.get_by_role("button", name="2/L").click()
    says(page)
    assert page.locator("canvas").get_attribute("aria-label").startswith("As it was first: GradientDescent with lr 0.1")
    assert page.locator(".gdviz-page").get_attribute("data-moved") is not None


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 400])
def test_a_dial_fits_its_page(opened, width):
    beta = Range(0, 0.99, 0.9)
    page = opened(pages.code() + pages.body(player_of({"Momentum": Momentum(LR, beta), "Adam": Adam(0.1)})))
    page.set_viewport_size({"width": width, "height": 900})
    says(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for field in page.locator(".dial input[type=text]").all():
        assert field.bounding_box()["width"] < 140
    for slider in page.locator(".dial input[type=range]").all():
        assert slider.bounding_box()["width"] > 100
        assert slider.bounding_box()["height"] >= 24


def test_a_player_without_a_range_has_no_dial():
    assert player_of(GradientDescent(0.1)).dials == []
    assert isinstance(player_of(), Player)


def ball_map():
    rule = Momentum(Range(0.01, 0.35, 0.1), Range(0, 0.95, 0.5))
    return views.momentum.rate_map(SURFACE, minimize(SURFACE, rule, SURFACE.start, 40), [1, 10], at={"step": 40})


@pytest.mark.slow
@pytest.mark.browser
def test_the_point_on_the_map_of_rates_sets_both_dials_by_a_click_a_drag_and_keys(opened):
    player = ball_map()
    page = opened(pages.code() + pages.body(player))
    fields = [page.get_by_label(f"{name}, typed") for name in ("learning rate", "momentum")]
    box, (left, top, width, height) = page.locator("canvas").bounding_box(), player.axes[1]["box"]
    scale, (x1, y1) = box["width"] / player.size[0], (player.axes[1][limits][1] for limits in ("xlim", "ylim"))

    def place(lr, beta):
        x, y = left + width * lr / x1, top + height * (1 - beta / y1)
        return box["x"] + x * scale, box["y"] + y * scale

    def turned():
        says(page)
        return [float(field.input_value()) for field in fields]

    page.mouse.click(*place(0.2, 0.8))
    assert turned() == pytest.approx([0.2, 0.8], abs=0.01)
    page.mouse.move(*place(0.2, 0.8))
    page.mouse.down()
    page.mouse.move(*place(0.05, 0.3), steps=3)
    page.mouse.up()
    lr, beta = turned()
    assert [lr, beta] == pytest.approx([0.05, 0.3], abs=0.01)
    run = minimize(SURFACE, Momentum(lr, beta), SURFACE.start, 40)
    assert f"loss {run.losses[-1].item():.3g}" in says(page)
    page.keyboard.press("ArrowUp")
    assert turned()[1] > beta
    page.mouse.move(*place(0.05, 0.3))
    page.mouse.down()
    page.mouse.move(*place(0.37, 3), steps=3)
    page.mouse.up()
    assert turned() == [0.35, 0.95], "beyond the range it stays at its end"
    page.mouse.dblclick(*place(0.1, 0.1))
    assert turned() == [0.1, 0.5]
    assert page.errors == []


@pytest.mark.slow
@pytest.mark.browser
def test_the_key_n_chooses_what_the_arrows_move(opened):
    page = opened(pages.code() + pages.body(ball_map()))
    canvas = page.locator("canvas")
    canvas.focus()
    assert says(page)
    assert "move the start" in canvas.get_attribute("aria-label")
    page.keyboard.press("n")
    says(page)
    assert "move learning rate and momentum" in canvas.get_attribute("aria-label")
    page.keyboard.press("ArrowRight")
    says(page)
    assert page.get_by_label("learning rate, typed").input_value() != "0.1"
    page.keyboard.press("Home")
    says(page)
    assert page.get_by_label("learning rate, typed").input_value() == "0.1"
