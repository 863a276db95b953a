"""One setting kept pale beside another, and the address of a page as a setting."""

import re

import pytest

from gdviz import surfaces, views
from gdviz.descent import grid, minimize
from gdviz.optimizers import GradientDescent, Range
from gdviz.player import pages

pytestmark = pytest.mark.browser
SURFACE = surfaces.bowl(10)
RATES = [0.05, 0.1]


def loss(lr, start=SURFACE.start, step=40):
    return f"loss {minimize(SURFACE, GradientDescent(lr), start, 40).losses[step].item():.4g}"


def turning(**options):
    run = minimize(SURFACE, GradientDescent(Range(0.01, 0.5, 0.1)), SURFACE.start, 40)
    return views.descents(SURFACE, run, **({"at": {"step": -1}} | options))


def sliding():
    run = minimize(SURFACE, GradientDescent(**grid(lr=RATES)), SURFACE.start, 40)
    return views.descents(SURFACE, run, sliders={"learning rate": RATES}, at={"step": -1})


@pytest.fixture
def visit(opened):
    """Open a page of players at an address."""

    def visit(end, *players):
        page = opened(pages.code() + "".join(pages.body(player) for player in players))
        page.goto(page.url + end)
        page.reload()  # a change of the hash alone loads nothing
        settle(page)
        return page

    return visit


def settle(page):
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def says(page, n=0):
    settle(page)
    return page.locator("canvas").nth(n).get_attribute("aria-label").split("Shown: ")[1]


def ink(page):
    """How many dots of the canvas at rest have any ink: what has just moved is drawn with fewer dots."""
    settle(page)
    page.wait_for_function("[...document.querySelectorAll('canvas')].every((c) => c.width === 2 * c.clientWidth)")
    return page.evaluate("""() => {
        const canvas = document.querySelector("canvas");
        const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        let found = 0;
        for (let i = 3; i < data.length; i += 4) found += data[i] > 0;
        return found;
    }""")


def type_rate(page, value):
    page.get_by_label("learning rate, typed").fill(value)
    page.get_by_label("learning rate, typed").press("Enter")
    settle(page)


@pytest.mark.slow
def test_a_kept_setting_stays_pale_with_its_numbers_at_the_same_step_and_is_let_go(visit):
    page = visit("", turning())
    words, keep = page.locator(".kept"), page.get_by_role("button", name="Keep")
    keep.click()
    type_rate(page, "0.19")
    assert words.inner_text() == f"Kept, pale: learning rate 0.1; {loss(0.1)}"
    assert loss(0.19) in says(page)
    both = ink(page)
    page.get_by_label("step", exact=True).press("Home")
    settle(page)
    assert loss(0.1, step=0) in words.inner_text()
    page.get_by_label("step", exact=True).press("End")
    page.get_by_role("button", name="Let go").click()
    assert ink(page) < both
    assert not words.is_visible()
    assert loss(0.19) in says(page)
    assert page.errors == []


@pytest.mark.slow
def test_what_a_slider_chose_is_kept_too(visit):
    page = visit("", sliding())
    page.get_by_label("learning rate", exact=True).press("Home")
    page.get_by_role("button", name="Keep").click()
    page.get_by_label("learning rate", exact=True).press("End")
    settle(page)
    assert page.locator(".kept").inner_text() == f"Kept, pale: learning rate 0.05; {loss(0.05)}"


@pytest.mark.slow
def test_a_player_with_nothing_to_compare_offers_no_keep(visit):
    page = visit("", views.over_surface(SURFACE, minimize(SURFACE, GradientDescent(0.1), SURFACE.start, 5)))
    assert not page.locator(".keep").is_visible()


@pytest.mark.slow
def test_an_address_sets_step_rate_and_start(visit):
    page = visit("#step=12&lr=0.15&start=3,-2", turning())
    assert says(page) == f"step 12; learning rate 0.15; {loss(0.15, (3.0, -2.0), 12)}"
    assert page.get_by_label("learning rate, typed").input_value() == "0.15"
    page = visit("#learning-rate=0.05&step=7", sliding())
    assert says(page) == f"step 7; learning rate 0.05; {loss(0.05, step=7)}"


@pytest.mark.slow
def test_a_link_brings_back_what_it_was_copied_from(visit):
    page = visit("", turning(), sliding())
    page.evaluate("navigator.clipboard.writeText = (text) => { window.copied = text; return Promise.resolve(); }")
    assert page.evaluate("location.hash") == ""
    page.get_by_role("button", name="Copy link").first.click()
    assert "#" not in page.evaluate("copied")
    type_rate(page, "0.17")
    page.locator("canvas").first.focus()
    page.keyboard.press("Shift+ArrowLeft")
    page.get_by_label("step", exact=True).nth(1).press("Home")
    settle(page)
    page.get_by_role("button", name="Copy link").first.click()
    assert page.locator(".message").first.inner_text() == "The link is copied: whoever opens it sees this setting."
    end, said = re.search("#.*", page.evaluate("copied"))[0], [says(page), says(page, 1)]
    again = visit(end, turning(), sliding())
    assert [says(again), says(again, 1)] == said
    assert "step 0" in said[1]
    assert "2.step=0" in end


@pytest.mark.slow
def test_where_nothing_can_be_copied_the_address_bar_has_it(visit):
    page = visit("", turning(at={"step": 3}))
    page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('no')); }")
    page.get_by_label("step", exact=True).press("ArrowRight")
    page.get_by_role("button", name="Copy link").click()
    assert page.locator(".message").inner_text() == "The link to this setting is in the address bar."
    assert page.evaluate("location.hash") == "#step=4"


@pytest.mark.slow
@pytest.mark.parametrize(
    "end", ["step=99", "step=", "lr=7", "lr=abc", "start=1", "start=1,x", "start=inf,1", "speed=2", "step=3&lr=-1"]
)
def test_a_bad_or_old_address_shows_the_start_and_says_so(visit, end):
    page = visit(f"#{end}", turning())
    assert says(page) == f"step 40; learning rate 0.1; {loss(0.1)}"
    wrong = end.split("&")[-1]
    told = f"The address of this page asks for what this player has not: {wrong}. It is shown as at first."
    assert page.locator(".message").inner_text() == told
    assert page.errors == []


@pytest.mark.slow
def test_another_address_begins_anew_and_an_anchor_leaves_all_as_it_is(visit):
    page = visit("#step=12&lr=0.15&start=3,-2", turning())
    page.evaluate("location.hash = 'step=5'")
    page.wait_for_function("document.querySelector('canvas').ariaLabel.includes('step 5')")
    assert says(page) == f"step 5; learning rate 0.1; {loss(0.1, step=5)}"
    page.evaluate("location.hash = 'which-minimum'")
    page.get_by_label("step", exact=True).press("ArrowRight")
    assert says(page).startswith("step 6")
    page.evaluate("location.hash = 'step=99'")
    page.wait_for_function("document.querySelector('.message').textContent.includes('step=99')")
    assert says(page) == f"step 40; learning rate 0.1; {loss(0.1)}"


@pytest.mark.slow
def test_an_anchor_is_no_setting(visit):
    page = visit("#which-minimum", turning())
    assert not page.locator(".message").is_visible()


@pytest.mark.slow
def test_slides_have_the_setting_before_their_own_part(visit):
    page = visit("?step=12#/3", turning())
    assert says(page) == f"step 12; learning rate 0.1; {loss(0.1, step=12)}"
    page.evaluate("navigator.clipboard.writeText = (text) => { window.copied = text; return Promise.resolve(); }")
    page.get_by_label("step", exact=True).press("ArrowRight")
    page.get_by_role("button", name="Copy link").click()
    settle(page)
    assert page.evaluate("copied").endswith("?step=13#/3")


@pytest.mark.slow
def test_a_lecturer_hides_controls_by_the_address(visit):
    page = visit("#hide=lr", turning())
    assert not page.get_by_label("learning rate, typed").is_visible()
    assert page.get_by_label("step", exact=True).is_visible()
    page = visit("#hide=controls&step=3", turning())
    for control in page.locator("input, button").all():
        assert not control.is_visible()
    assert says(page).startswith("step 3")
