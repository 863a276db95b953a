"""A player as HTML on a page opened from a file: it moves, it asks no host, and what it is called is never markup."""

import re
from functools import cache

import matplotlib.pyplot as plt
import pytest
import torch

from gdviz import export, surfaces
from gdviz.descent import grid, minimize
from gdviz.optimizers import GradientDescent
from gdviz.player import Player

RATES = [0.05, 0.45, 0.9, 1.1]
DESCENT = minimize(surfaces.bowl(2), GradientDescent(**grid(lr=RATES)), [8.0, 4.0], 30)
NASTY = ["</script><b>x</b>", "0.12, oscillates", "<!--", "\u2028 & '\""]
pytestmark = pytest.mark.browser


def player(name="learning rate", values=RATES, **more):
    figure, axes = plt.subplots(1, 2, figsize=(10, 4))
    axes[0].set(xlim=(-11, 11), ylim=(-6, 6))
    shown = Player(figure, {"step": range(31), name: values}, **({"at": {"step": 3}} | more))
    shown.path(axes[0], DESCENT.params)
    shown.curve(axes[1], DESCENT.losses.clamp(max=1e3))
    shown.text(axes[0], DESCENT.losses, "loss {:.3g}")
    return shown


def parts(shown):
    return export.code() + export.body(shown)


@cache
def plain():
    """HTML of one player, for the tests that only move it."""
    return parts(player())


def moved(page, action, nth=0):
    """Whether the pixels of a canvas are others after the action and a frame."""
    look = (
        "(i) => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done("
        "document.querySelectorAll('canvas')[i].toDataURL()))))"
    )
    before = page.evaluate(look, nth)
    action()
    return page.evaluate(look, nth) != before


def test_a_drag_and_keys_move_the_picture(opened):
    page = opened(plain())
    step, rate = page.get_by_label("step", exact=True), page.get_by_label("learning rate", exact=True)
    box = rate.bounding_box()
    assert (step.input_value(), rate.input_value()) == ("3", "2")
    assert moved(page, lambda: page.mouse.click(box["x"] + 1, box["y"] + box["height"] / 2))
    assert page.locator(".value").all_text_contents() == ["3", "0.05"]
    assert moved(page, lambda: step.press("End"))
    assert "step 30; learning rate 0.05" in page.locator("canvas").get_attribute("aria-label")
    loss = re.search("loss .*", step.get_attribute("aria-valuetext"))[0]
    assert step.get_attribute("aria-valuetext") == f"30; {loss}"
    assert moved(page, lambda: rate.press("ArrowRight"))
    assert rate.get_attribute("aria-valuetext").startswith("0.45; loss ")
    assert loss not in step.get_attribute("aria-valuetext")  # the readouts follow every slider
    assert page.errors == []


def test_play_runs_to_the_end_pauses_and_goes_back(opened):
    page = opened(plain())
    step, play = page.get_by_label("step", exact=True), page.get_by_role("button", name="Play", exact=True)
    page.clock.install()
    page.clock.pause_at(page.evaluate("Date.now() / 1000 + 1"))  # else it runs on beside run_for
    play.press("Enter")
    page.clock.run_for(3 * 8000 // 31 + 50)
    assert step.input_value() == "6"
    page.get_by_role("button", name="Pause").click()
    page.clock.run_for(2000)
    assert step.input_value() == "6"
    play.click()
    page.clock.run_for(10_000)
    assert step.input_value() == "30"
    play.click()  # begins anew, with one clock
    page.clock.run_for(8000 // 31 + 20)
    assert step.input_value() == "1"
    page.get_by_role("button", name="Back to the start").click()
    page.clock.run_for(2000)
    assert step.input_value() == "0"
    assert play.is_visible()


def test_for_less_motion_play_shows_stills(opened):
    page = opened(plain())
    page.emulate_media(reduced_motion="reduce")
    step = page.get_by_label("step", exact=True)
    page.clock.install()
    page.clock.pause_at(page.evaluate("Date.now() / 1000 + 1"))
    page.get_by_role("button", name="Play", exact=True).click()
    seen = []
    for _ in range(8):
        page.clock.run_for(1000)
        seen.append(step.input_value())
    assert seen == ["7", "11", "15", "19", "23", "27", "30", "30"]  # from 3, and the end is not missed
    assert page.get_by_role("button", name="Play", exact=True).is_visible()


def test_labels_are_text(opened):
    name = "<img src=x onerror='window.hurt = 1'>"
    page = opened(parts(player(name, NASTY, caption="<script>window.hurt = 1</script>")))
    slider = page.get_by_label(name, exact=True)
    for k, label in enumerate(NASTY):
        slider.fill(str(k))
        assert page.locator(".value").last.text_content() == label
    assert page.evaluate("window.hurt") is None
    assert page.locator("img[onerror], b").count() == 0
    assert page.errors == []


def test_a_page_asks_no_host_and_sets_no_global(opened):
    empty = opened("<canvas aria-label=none>")
    usual = set(empty.evaluate("Object.keys(window)"))
    page = opened(plain())
    assert set(page.evaluate("Object.keys(window)")) <= usual
    assert [url for url in page.asked if not url.startswith(("file:", "blob:"))] == []
    assert len([url for url in page.asked if url.startswith("file:")]) == 1


def test_two_players_on_a_page_move_apart(opened):
    both = plain() + export.body(player("rate"))
    page = opened(both + export.code())  # once more does no harm
    assert page.locator(".gdviz-player").count() == 2
    assert not moved(page, lambda: page.get_by_label("rate", exact=True).press("Home"), nth=0)
    assert moved(page, lambda: page.get_by_label("rate", exact=True).press("End"), nth=1)
    assert page.get_by_label("learning rate", exact=True).input_value() == "2"


def test_the_controls_wait_for_a_guess(opened):
    asking = player()
    asking.on_guess(lambda x, y: None)
    page = opened(parts(asking))
    step = page.get_by_label("step", exact=True)
    assert step.is_disabled()
    assert page.get_by_role("button", name="Play", exact=True).is_disabled()
    left, top, width, height = asking.axes[0]["box"]
    place = {"x": left + width / 4, "y": top + height / 4}
    assert moved(page, lambda: page.locator("canvas").click(position=place))
    assert step.is_enabled()
    assert moved(page, lambda: step.press("End"))
    assert page.errors == []


def test_what_needs_the_kernel_is_not_offered(opened):
    shown = player()
    shown.on_click(lambda x, y: None)
    shown.on_text(lambda text: None, label="Name:", value="<i>Wien</i>")
    page = opened(parts(shown))
    canvas = page.locator("canvas")
    assert canvas.get_attribute("role") == "img"
    assert "clickable" not in (canvas.get_attribute("class") or "")
    assert not moved(page, lambda: canvas.click(position={"x": 200, "y": 200}))
    assert page.locator(".note").text_content() == "Name: <i>Wien</i>. Typing another word needs the notebook."
    assert page.locator("input[type=text]").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_narrow_page_holds_long_labels_and_the_words_stand_out(opened, scheme):
    html = "<style>:root { color-scheme: light dark }</style>" + parts(player("a name " * 9, NASTY))
    page = opened(html, width=400, scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    assert page.locator(".stage img").count() == 2  # one Axes below the other
    color = page.locator(".slider").first.evaluate("(row) => getComputedStyle(row).color")
    assert color == {"light": "rgb(0, 0, 0)", "dark": "rgb(255, 255, 255)"}[scheme]
    assert page.locator(".stage").evaluate("(e) => getComputedStyle(e).backgroundColor") == "rgb(255, 255, 255)"


def test_a_slider_of_one_value_has_no_control_and_other_ranges_count_by_their_stride(opened):
    figure, ax = plt.subplots()
    shown = Player(figure, {"one": ["x"], "step": range(0, 41, 4), "batch": range(8, 33, 8)}, at={"step": 0})
    shown.path(ax, torch.rand(1, 11, 4, 2, generator=torch.Generator().manual_seed(0)))
    page = opened(parts(shown))
    assert page.locator("input").count() == 2
    assert page.locator("button").count() == 2  # one Play, of the first range
    assert moved(page, lambda: page.get_by_label("step", exact=True).press("ArrowRight"))
    page.get_by_label("batch", exact=True).press("ArrowLeft")
    assert page.locator(".value").all_text_contents() == ["4", "24"]


def test_an_embedded_player_shows_html_and_text_alone(monkeypatch):
    shown, bundles = player(), []
    monkeypatch.setattr(Player, "_ipython_display_", Player._ipython_display_)
    monkeypatch.setattr("IPython.display.display", lambda bundle, **how: bundles.append(bundle))
    export.embed(Player)
    shown._ipython_display_()
    assert bundles == [{"text/plain": shown.describe(), "text/html": export.body(shown)}]
    assert "gdviz-page" not in export.code().split("<script")[0].replace(".gdviz-page", "")
    assert export.code().count("</script") == 1


def test_the_state_weighs_a_third_more_than_its_bytes():
    shown = player()
    shown.twin()  # packs
    size = len(shown.picture) + sum(len(mark["data"]) for mark in shown.marks)
    assert len(export.body(shown)) < 4 / 3 * size + 10_000


def test_a_saved_page_moves_from_one_file_and_forbids_itself_every_other(opened, tmp_path):
    player(caption="a < b").save(tmp_path / "my_race.html")
    page = opened(tmp_path / "my_race.html")
    assert [url for url in page.asked if not url.startswith("blob:")] == [(tmp_path / "my_race.html").as_uri()]
    assert (page.title(), page.locator("h1").text_content()) == ("my race", "my race")
    assert page.get_by_text("a < b", exact=True).is_visible()
    assert moved(page, lambda: page.get_by_label("step", exact=True).press("End"))
    refused = """() => new Promise((done) => {
        addEventListener("securitypolicyviolation", (event) => done(event.effectiveDirective));
        document.body.append(Object.assign(new Image(), { src: "https://example.org/a.png" }));
    })"""
    assert page.evaluate(refused) == "img-src"
    assert page.errors == []


def test_the_heading_of_a_page_is_text(opened, tmp_path):
    title = "</title><img src=x onerror='window.hurt = 1'> $body"
    player().save(tmp_path / "a.html", title=title)
    page = opened(tmp_path / "a.html")
    assert (page.title(), page.locator("h1").text_content()) == (title, title)
    assert page.evaluate("window.hurt") is None


@pytest.mark.parametrize(
    ("file", "options", "error", "complaint"),
    [
        ("a.txt", {}, ValueError, r"saved as \.html, \.gif, \.mp4 or \.png, got '.*a\.txt'"),
        ("a", {}, ValueError, r"saved as \.html"),
        ("a.html", {"fps": 10}, ValueError, r"a \.html takes title; got fps"),
        ("a.png", {"width": 10, "title": "b"}, ValueError, r"a \.png takes no option; got title, width"),
        ("a.gif", {"title": "b"}, ValueError, r"a \.gif takes along, fps, width; got title"),
        ("a.html", {"title": " "}, ValueError, r"title is the heading of the page, a text; got ' '"),
        ("no/a.html", {}, FileNotFoundError, r"there is no folder '.*no' for a\.html"),
    ],
)
def test_what_cannot_be_saved_is_refused_and_nothing_stays(tmp_path, file, options, error, complaint):
    with pytest.raises(error, match=complaint):
        player().save(tmp_path / file, **options)
    assert list(tmp_path.iterdir()) == []
