"""A player as HTML on a page opened from a file: it moves, it asks no host, and what it is called is never markup."""

import errno
import io
import os
import re
import shutil
import sys
from functools import cache
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from PIL import Image
from scipy.ndimage import label as regions

from gdviz import surfaces
from gdviz.descent import grid, minimize
from gdviz.optimizers import GradientDescent
from gdviz.player import Player, pages

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
    return pages.code() + pages.body(shown)


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


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
def test_a_page_asks_no_host_and_sets_no_global(opened):
    empty = opened("<canvas aria-label=none>")
    usual = set(empty.evaluate("Object.keys(window)"))
    page = opened(plain())
    assert set(page.evaluate("Object.keys(window)")) <= usual
    assert [url for url in page.asked if not url.startswith(("file:", "blob:"))] == []
    assert len([url for url in page.asked if url.startswith("file:")]) == 1


@pytest.fixture
def served(browser):
    """served(html, policy) -> a page that a server sends with this content security policy."""
    pages = []

    def show(html, policy):
        pages.append(browser.new_page())
        headers = {"Content-Security-Policy": policy, "Content-Type": "text/html; charset=utf-8"}
        pages[-1].route("**", lambda route: route.fulfill(body=html, headers=headers))
        pages[-1].goto("http://course.invalid/")
        return pages[-1]

    yield show
    for page in pages:
        page.close()


@pytest.mark.slow
@pytest.mark.parametrize("policy", ["script-src 'self'", "default-src 'self'", "sandbox"])
def test_where_no_script_may_run_a_sentence_says_so(served, policy):
    shown = player(caption="a < b")
    page = served(parts(shown), policy)
    words = page.get_by_text(f"{shown.describe()} {pages.ASLEEP}")
    words.wait_for()
    assert words.is_visible()


@pytest.mark.slow
def test_where_a_script_runs_the_sentence_is_gone_and_was_never_seen(opened, served):
    assert opened(plain()).locator(".asleep").count() == 0
    page = served(pages.code() + '<div class="gdviz-page"><p class="asleep">Asleep.</p></div>', "script-src 'none'")
    assert not page.get_by_text("Asleep.").is_visible()
    page.get_by_text("Asleep.").wait_for()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("images", "seen"), [("blob:", "blob:"), ("data:", "data:"), ("'self'", "")], ids=["blob", "data", "none"]
)
def test_the_picture_comes_by_another_way_where_a_policy_bars_one_or_a_sentence_says_so(served, images, seen):
    page = served(plain(), f"img-src {images}")
    said = "document.querySelector('.message')?.textContent.startsWith('The picture behind the marks is missing')"
    there = f"document.querySelector('img')?.naturalWidth && document.querySelector('img').src.startsWith('{seen}')"
    page.wait_for_function(there if seen else said)
    assert page.evaluate(said) == (not seen)
    assert moved(page, lambda: page.get_by_label("step", exact=True).press("End"))


def ends_at():
    """A player on grey ground whose paths end where a green square stands, in two Axes."""
    plt.rcParams["figure.facecolor"] = "#b0b0b0"
    figure, axes = plt.subplots(1, 2, figsize=(10, 4))
    plt.rcParams["figure.facecolor"] = "white"
    shown = Player(figure, {"step": range(31)}, at={"step": -1})
    for ax, end in zip(axes, ([6.0, -3.0], [-7.0, 2.0])):
        ax.set(xlim=(-11, 11), ylim=(-6, 6))
        ax.plot(*end, "s", color="#009e73", markersize=24)
        shown.path(ax, torch.linspace(0, 1, 31)[:, None] * torch.tensor(end), color="#d55e00", dots=0)
    return shown


@pytest.mark.slow
@pytest.mark.parametrize("paper", [717, 1000, 300])
@pytest.mark.parametrize("width", [1280, 400])
def test_on_paper_the_path_ends_where_the_minimum_is_and_nothing_is_cut(opened, width, paper):
    page = opened(parts(ends_at()), width=width)
    page.wait_for_function("document.querySelector('img').naturalWidth")
    page.evaluate("window.requestAnimationFrame = () => 1")  # paper tells no script of its width
    page.emulate_media(media="print")
    page.set_viewport_size({"width": paper, "height": 1046})
    stage = page.locator(".stage").bounding_box()
    assert stage["x"] + stage["width"] <= paper
    shot = np.asarray(Image.open(io.BytesIO(page.locator(".stage").screenshot())).convert("RGB")).astype(int)
    squares, many = regions(np.abs(shot - [0, 0x9E, 0x73]).sum(-1) < 60, np.ones((3, 3)))
    places = [np.nonzero(squares == k) for k in range(1, many + 1)]
    places = [(ys, xs) for ys, xs in places if len(ys) > 9]  # not of an edge
    assert len(places) == 2
    for ys, xs in places:
        assert (np.ptp(ys) + 1) / (np.ptp(xs) + 1) == pytest.approx(1, abs=0.15)
        y, x = (ys.min() + ys.max()) // 2, (xs.min() + xs.max()) // 2
        assert np.abs(shot[y, x] - [0xD5, 0x5E, 0]).sum() < 60, "the head of the path lies on the square"
    assert page.evaluate("getComputedStyle(document.querySelector('.stage')).breakInside") == "avoid"


@pytest.mark.slow
def test_what_is_stacked_is_no_higher_than_a_sheet(opened):
    figure, axes = plt.subplots(2, 2, figsize=(10, 9))
    shown = Player(figure, {"step": range(3)})
    for ax in axes.flat:
        shown.path(ax, np.zeros((3, 2)))
    page = opened(parts(shown), width=400)
    assert page.locator(".stage img").count() == 4
    assert page.locator(".stage").bounding_box()["height"] > 1046
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 717, "height": 1046})
    page.wait_for_function("document.querySelector('.stage').clientHeight < 1046")
    page.set_viewport_size({"width": 400, "height": 600})
    page.wait_for_function("document.querySelectorAll('.stage img').length === 4")
    size = page.locator(".stage").bounding_box()
    assert size["height"] <= 0.9 * 600 + 1
    ratio = "(([img, panel]) => img.width / img.height)([document.querySelector('img')])"
    assert page.evaluate(ratio) == pytest.approx(10 / 9, rel=0.01)


@pytest.mark.slow
def test_two_players_on_a_page_move_apart(opened):
    both = plain() + pages.body(player("rate"))
    page = opened(both + pages.code())  # once more does no harm
    assert page.locator(".gdviz-player").count() == 2
    assert not moved(page, lambda: page.get_by_label("rate", exact=True).press("Home"), nth=0)
    assert moved(page, lambda: page.get_by_label("rate", exact=True).press("End"), nth=1)
    assert page.get_by_label("learning rate", exact=True).input_value() == "2"


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_narrow_page_holds_long_labels_and_the_words_stand_out(opened, scheme):
    html = "<style>:root { color-scheme: light dark }</style>" + parts(player("a name " * 9, NASTY))
    page = opened(html, width=400, scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    assert page.locator(".stage img").count() == 2  # one Axes below the other
    color = page.locator(".slider").first.evaluate("(row) => getComputedStyle(row).color")
    assert color == {"light": "rgb(0, 0, 0)", "dark": "rgb(255, 255, 255)"}[scheme]
    assert page.locator(".stage").evaluate("(e) => getComputedStyle(e).backgroundColor") == "rgb(255, 255, 255)"


@pytest.mark.slow
def test_a_slider_of_one_value_has_no_control_and_other_ranges_count_by_their_stride(opened):
    figure, ax = plt.subplots()
    shown = Player(figure, {"one": ["x"], "step": range(0, 41, 4), "batch": range(8, 33, 8)}, at={"batch": -1})
    shown.path(ax, torch.rand(1, 11, 4, 2, generator=torch.Generator().manual_seed(0)))
    page = opened(parts(shown))
    assert page.locator(".slider input").count() == 2
    assert page.locator("button.play").count() == 1  # of the first range
    assert moved(page, lambda: page.get_by_label("step", exact=True).press("ArrowRight"))
    page.get_by_label("batch", exact=True).press("ArrowLeft")
    assert page.locator(".value").all_text_contents() == ["4", "24"]


@pytest.mark.slow
def test_an_embedded_player_shows_html_and_text_alone(monkeypatch):
    shown, bundles = player(), []
    monkeypatch.setattr(Player, "_ipython_display_", Player._ipython_display_)
    monkeypatch.setattr("IPython.display.display", lambda bundle, **how: bundles.append(bundle))
    pages.embed(Player)
    shown._ipython_display_()
    assert bundles == [{"text/plain": shown.describe(), "text/html": pages.body(shown)}]
    assert "gdviz-page" not in pages.code().split("<script")[0].replace(".gdviz-page", "")
    assert pages.code().count("</script") == 1


@pytest.mark.slow
def test_the_state_weighs_a_third_more_than_its_bytes():
    shown = player()
    shown.twin()  # packs
    size = len(shown.picture) + len(shown.twin(colors=48)) + sum(len(mark["data"]) for mark in shown.marks)
    assert len(pages.body(shown)) < 4 / 3 * size + 10_000


@pytest.mark.slow
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


@pytest.mark.slow
def test_the_heading_of_a_page_is_text(opened, tmp_path):
    title = "</title><img src=x onerror='window.hurt = 1'> $body"
    player().save(tmp_path / "a.html", title=title)
    page = opened(tmp_path / "a.html")
    assert (page.title(), page.locator("h1").text_content()) == (title, title)
    assert page.evaluate("window.hurt") is None


NAMES = ["x.HTML", "x.Png", "-x.gif", "a%03d.mp4", "lr: 0.1.mp4", "concat:a|b.mp4", "a 'b' \"c\"\n.gif", ".a.png"]
NAMES += ["ü 北 \u202e.MP4", f"{'b' * 250}.html", f"{'b' * 251}.mp4", "_.html", "$x {y}.html"]


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_whatever_a_file_is_called_it_is_written_and_nothing_else(tmp_path, name):
    if name.lower().endswith(".mp4"):
        needs_ffmpeg()
    player().save(tmp_path / name)
    assert [file.name for file in tmp_path.iterdir()] == [name]
    starts = {".html": b"<!doctype html>", ".png": b"\x89PNG", ".gif": b"GIF89a", ".mp4": b"\0\0\0 ftyp"}
    assert (tmp_path / name).read_bytes().startswith(starts[Path(name).suffix.lower()])


@pytest.mark.slow
def test_a_path_may_be_text_or_bytes_relative_or_at_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    for name in ("a.html", b"b.html", "~/c.html", "-d.html", os.fsencode(tmp_path / "e.png")):
        player().save(name)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["-d.html", "a.html", "b.html", "c.html", "e.png"]


def needs_ffmpeg():
    if shutil.which("ffmpeg") is None:
        message = "needs ffmpeg: apt-get install ffmpeg"
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)


SUFFIXES = [".html", ".png", ".gif", ".mp4"]


@pytest.fixture
def older(tmp_path, request):
    """A file that is there already, in a folder with nothing else."""
    if request.param == ".mp4":
        needs_ffmpeg()
    file = tmp_path / f"r{request.param}"
    file.write_text("older")
    return file


@pytest.mark.slow
@pytest.mark.parametrize("older", SUFFIXES, indirect=True)
@pytest.mark.parametrize("fails", ["touch", "write", "read", "replace"])
def test_what_cannot_be_written_names_the_file_and_leaves_the_older_one(older, monkeypatch, fails):
    """A folder that is read-only, a disk that fills, one that forgets, a file that is open elsewhere."""

    def failing(self, *args, **kwargs):
        if not self.name.startswith(".gdviz-"):
            return real(self, *args, **kwargs)
        if fails == "read":
            return b"half"
        raise OSError(errno.ENOSPC, "No space left on device", str(self))

    name = {"write": "open", "read": "read_bytes"}.get(fails, fails)
    real = getattr(Path, name)
    monkeypatch.setattr(Path, name, failing)
    with pytest.raises(OSError, match=r"nothing is saved: .*r\.") as raised:
        player().save(older)
    assert raised.value.filename == str(older)
    assert ".gdviz-" not in str(raised.value)
    assert [(file.name, file.read_text()) for file in older.parent.iterdir()] == [(older.name, "older")]


def test_a_folder_that_takes_no_file_is_refused_before_anything_is_drawn(tmp_path, monkeypatch):
    monkeypatch.setattr(Path, "touch", lambda self: (_ for _ in ()).throw(PermissionError(13, "Permission denied")))
    monkeypatch.setattr(pages.film, "gif", lambda shots: pytest.fail("drawn"))
    with pytest.raises(PermissionError, match="nothing is saved: Permission denied"):
        player().save(tmp_path / "r.gif")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs RLIMIT_FSIZE, which Windows has not")
@pytest.mark.parametrize("older", [".html", ".png", ".gif"], indirect=True)
def test_a_disk_that_fills_leaves_the_older_file(older):
    import resource

    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    shown = player()
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, limit[1]))
    try:
        with pytest.raises(OSError, match=r"nothing is saved: .*r\."):
            shown.save(older)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert [(file.name, file.read_text()) for file in older.parent.iterdir()] == [(older.name, "older")]


@pytest.mark.parametrize(
    ("file", "options", "error", "complaint"),
    [
        ("a.txt", {}, ValueError, r"saved as \.html, \.gif, \.mp4 or \.png, got '.*a\.txt'"),
        ("a", {}, ValueError, r"saved as \.html"),
        ("a.jpg", {}, ValueError, r"got '.*a\.jpg'"),
        ("a.html ", {}, ValueError, r"got '.*a\.html '"),
        (".html", {}, ValueError, r"saved as \.html.*html'"),
        ("a\0.html", {}, ValueError, r"saved as \.html"),
        (f"{'ä' * 250}.gif", {}, OSError, r"too long: '.*/ä{250}\.gif'"),
        (".", {}, ValueError, r"saved as \.html"),
        ("a.html", {"fps": 10}, ValueError, r"a \.html takes title; got fps"),
        ("a.png", {"width": 10, "title": "b"}, ValueError, r"a \.png takes no option; got title, width"),
        ("a.gif", {"title": "b"}, ValueError, r"a \.gif takes along, fps, width; got title"),
        ("a.html", {"title": " "}, ValueError, r"title is the heading of the page, a text; got ' '"),
        ("no/a.html", {}, FileNotFoundError, r"there is no folder '.*no' for a\.html"),
    ],
)
def test_what_cannot_be_saved_is_refused_and_nothing_stays(tmp_path, file, options, error, complaint):
    with pytest.raises(error, match=complaint):
        player().save(f"{tmp_path}/{file}", **options)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_and_what_is_no_path_are_refused(tmp_path):
    (tmp_path / "a.html").mkdir()
    with pytest.raises(IsADirectoryError, match=r"'.*a\.html' is a folder; give the name of a file in it"):
        player().save(tmp_path / "a.html")
    for wrong in (None, 3.0, ["a.html"]):
        with pytest.raises(TypeError, match=r"file is a path such as 'race\.html', got"):
            player().save(wrong)
