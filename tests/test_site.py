"""The course as pages: they live without a kernel and a network, lead to one another, and fit a narrow screen."""

import importlib
import os
import re
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT / "notebooks" / "tools"))
write_site, npm_files = map(importlib.import_module, ("write_site", "npm_files"))
START = ROOT / "notebooks" / "00_start_here.ipynb"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR42mP4DwABAQEAG7buVgAAAABJRU5ErkJggg=="
ALT = 'A dot, "white" & small.'
GOALS = "After this page you will be able to\n\n- say $x^2$;\n- use `links`\n  of two lines.\n\n**Time:** 7 minutes."
LINKS = (
    "[back](00_start_here.ipynb#What-a-step-is), [there](../README.md#begin), [later](09_later.ipynb), `[a](b.ipynb)`,"
    " [site](https://example.org) and [![a badge](https://example.org/badge.svg)](https://example.org/run)"
)
SUM = " + ".join(f"x_{{{i}}}^2" for i in range(40))
WIDE = f"Inline ${SUM}$.\n\n$${SUM}$$\n\n|{' a_long_word |' * 9}\n|{'---|' * 9}\n|{' b |' * 9}"
ANSWER = "**What happened: (b).** The end is $y^2$, as in\n\n$$y = 2$$\n\nwhich is two:\n\n- *small*\n- even"
EXERCISE = "## Exercises\n\nDo it.\n\n<details><summary>Solution</summary>\n\n`secret`\n</details>\n\n"
SHOW = f"from IPython.display import display\n\ndisplay({{'image/png': {PNG!r}}}, raw=True, metadata={{'image/png': "
SHOW += f"{{'alt': {ALT!r}}}}})\nrevisit = print"


def made_up(**replaced):
    """A notebook of all that a page treats in its own way; replaced: other texts of its cells."""
    picture = new_output("display_data", {"image/png": PNG}, metadata={"image/png": {"alt": ALT}})
    texts = {"first": f"# Made up\n\n{GOALS}", "show": SHOW, "outputs": [picture]} | replaced
    cells = [new_markdown_cell(texts["first"]), new_markdown_cell(f"{LINKS}\n\n{WIDE}")]
    cells += [new_markdown_cell(f"**Predict 1.** Is it (a) or (b)?\n\n{ANSWER}\n\nNext question.")]
    cells += [new_code_cell(texts["show"], outputs=texts["outputs"])]
    revisited = "## What did you expect?\n\nThe predictions."
    cells += [new_markdown_cell(EXERCISE + revisited), new_code_cell('revisit("answer")')]
    hidden = {"tags": ["check"], "jupyter": {"source_hidden": True}}
    return new_notebook(cells=[*cells, new_code_cell("print('not attempted' + ' yet')", metadata=hidden)])


def written(folder, **replaced):
    path = folder / "08_made_up.ipynb"
    nbformat.write(made_up(**replaced), path)
    return path


@pytest.mark.parametrize(
    ("replaced", "complaint"),
    [
        ({"first": GOALS}, r"08_made_up\.ipynb: the first cell must hold a title .* it is 'After"),
        ({"first": "# Made up\n\n**Time:** 7 minutes"}, "a list under a line that ends with 'will be able to'"),
        ({"first": f"# Made up\n\n{GOALS.replace('7', 'some')}"}, r"'\*\*Time:\*\* \.\.\. minutes'; it is"),
        ({"outputs": []}, "no picture is among its outputs; `make notebooks` writes them"),
    ],
)
def test_a_notebook_that_the_contents_cannot_name_is_refused_before_anything_is_run(tmp_path, replaced, complaint):
    path = written(tmp_path, **replaced)
    with pytest.raises(ValueError, match=complaint):
        write_site.write([path], tmp_path / "site")
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.slow
def test_a_run_that_fails_leaves_the_old_page_as_it_was(tmp_path, monkeypatch):
    path = written(tmp_path, show="1 / 0")
    (tmp_path / "site" / "assets").mkdir(parents=True)
    (tmp_path / "site" / "08_made_up.html").write_text("old")
    monkeypatch.setattr(write_site, "write_files", lambda names, folder, cache: None)
    monkeypatch.setattr("living.SETUP", "")
    with pytest.raises(ValueError, match=r"08_made_up\.ipynb: (.|\n)*ZeroDivisionError"):
        write_site.write([path], tmp_path / "site")
    assert sorted(path.name for path in (tmp_path / "site").iterdir()) == ["08_made_up.html", "assets", "index.html"]
    assert (tmp_path / "site" / "08_made_up.html").read_text() == "old"


@pytest.mark.parametrize(
    ("html", "complaint"),
    [
        ('<a href="b.html">b</a>', r"a\.html: b\.html is not on the site"),
        ('<a href="#b">b</a><p id="c">', r"a\.html: #b is not on the site"),
        ('<a href="a.html#b%20c">b</a><p id="b c"><img src="a.png" alt="a">', r"a\.png is not on the site"),
        ('<script src="https://example.org/a.js"></script>', r"https://example\.org/a\.js is not on the site"),
        ('<img alt="" src="data:image/png;base64,AA">', "<img alt=.*> has no alt"),
        ('<img src="data:image/png;base64,AA">', "<img src=.*> has no alt"),
    ],
)
def test_pages_with_loose_ends_are_refused(tmp_path, html, complaint):
    (tmp_path / "a.html").write_text(html)
    with pytest.raises(ValueError, match=complaint):
        write_site.refuse_loose_ends(tmp_path)


def test_what_happened_is_folded_as_far_as_its_sentence_goes():
    text = write_site.folded(f"Before.\n\n{ANSWER}\n\nNext question.\n\n**What happened.** A click.\n")
    fold = "<details><summary><b>What happened?</b></summary>\n\n{}\n\n</details>"
    click = fold.format("**What happened.** A click.\n")
    assert text == f"Before.\n\n{fold.format(ANSWER)}\n\nNext question.\n\n{click}"
    assert write_site.folded("See **What happened: (a).** above.") == "See **What happened: (a).** above."


def test_a_section_before_the_revisit_stays_where_it_says_more():
    more = "## Exercises\n\nOne.\n\nTwo."
    cells = write_site.cells_of(new_notebook(cells=[new_markdown_cell(more), new_code_cell('revisit("00")')]))
    assert [cell.source for cell in cells] == [more]


def test_the_lines_for_colab_are_left_out_where_nothing_else_needs_them():
    lines = write_site.bring(write_site.PLACE)
    assert write_site.without_colab(f"{lines}\nimport torch") == "import torch"
    assert write_site.without_colab("import torch") == "import torch"
    needed = f"{lines}\nfound = find_spec('torch')"
    assert write_site.without_colab(needed) == needed


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The site of notebook 00 and the made-up one, in a folder with a space in its name where an older one was."""
    folder = tmp_path_factory.mktemp("a stick")
    try:
        for name in ("axe-core", *write_site.ASSETS):
            npm_files.tarball(name, *npm_files.PACKAGES[name][:2])
    except ConnectionError as error:
        pytest.fail(str(error)) if os.environ.get("CI") else pytest.skip(f"needs npm's registry once: {error}")
    (folder / "site").mkdir()
    (folder / "site" / "05_stale.html").touch()
    write_site.write([START, written(folder)], folder / "site")
    assert sorted(path.name for path in folder.iterdir()) == ["08_made_up.ipynb", "site"]
    return folder / "site"


@pytest.fixture
def opened(site, browser):
    """opened(name) -> the page, from its file and without a network; page.asked: what it asked for."""
    contexts = []

    def show(name, *, width=1280, scheme="light"):
        context = browser.new_context(viewport={"width": width, "height": 900}, offline=True, color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        page.errors, page.asked = [], []
        page.on("pageerror", lambda error: page.errors.append(str(error)))
        page.on("console", lambda message: page.errors.append(message.text) if message.type == "error" else None)
        page.on("request", lambda request: page.asked.append(request.url))
        page.goto((site / f"{name}.html").as_uri())
        page.wait_for_function("window.MathJax.startup.promise")
        page.evaluate("MathJax.startup.promise.then(() => true)")
        page.wait_for_function("[...document.querySelectorAll('canvas')].every((canvas) => canvas.ariaLabel)")
        return page

    yield show
    for context in contexts:
        context.close()


NAMES = ["index", "00_start_here", "08_made_up"]
UNFOLD = "for (const part of document.querySelectorAll('details')) part.open = true"


@pytest.mark.slow
def test_an_older_site_is_gone_and_what_is_needed_is_there(site):
    assert sorted(path.stem for path in site.glob("*.html")) == sorted(NAMES)
    assert {path.name for path in (site / "assets").iterdir()} >= {"tex-svg-full.js", "mathjax.LICENSE"}


@pytest.mark.slow
def test_a_notebook_of_ones_own_has_a_page_and_what_has_not_changed_is_not_made_again(tmp_path, monkeypatch):
    made = []
    monkeypatch.setattr(
        write_site, "write_files", lambda names, folder, cache: folder.mkdir(parents=True, exist_ok=True)
    )
    monkeypatch.setattr(write_site, "refuse_loose_ends", lambda *_: None)
    monkeypatch.setattr(write_site, "alive", lambda notebook, folder: made.append(folder) or notebook)
    (tmp_path / "own").mkdir()
    mine, site = tmp_path / "own" / "mine.ipynb", tmp_path / "site"
    nbformat.write(new_notebook(cells=[new_markdown_cell("## Only a section")]), mine)
    paths = [written(tmp_path), mine]
    write_site.write(paths, site)
    assert sorted(made) == [tmp_path, tmp_path / "own"]
    page = (site / "mine.html").read_text()
    assert "<h1" in page
    assert ">mine</a>" in (site / "index.html").read_text()
    write_site.write(paths, site)
    assert len(made) == 2
    (site / "mine.html").write_text("changed by hand")
    write_site.write(paths, site, only=["08"])
    assert len(made) == 2
    write_site.write(paths, site, only=["mine"])
    assert made[2:] == [tmp_path / "own"]
    assert "Only a section" in (site / "mine.html").read_text()
    with pytest.raises(ValueError, match="there is no '12'; there are 08_made_up, mine"):
        write_site.write(paths, site, only=["12"])


@pytest.mark.slow
def test_no_address_of_another_host_is_loaded(site):
    for page in site.glob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert not re.search(r'\ssrc="(?!data:|assets/)|<link[^>]*href="(?!data:)|@import|url\(', text)


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.parametrize("name", NAMES)
def test_a_page_opens_from_a_stick_and_fits_a_narrow_screen(opened, site, name):
    page = opened(name, width=400)
    assert [url for url in page.asked if not url.startswith((site.as_uri(), "blob:", "data:"))] == []
    assert (page.locator("html").get_attribute("lang"), page.locator("h1").count()) == ("en", 1)
    assert page.locator("main").count() == 1
    page.evaluate(UNFOLD)
    parts = "[...document.querySelectorAll('main :is(pre, .table, .wide, mjx-container[display])')]"
    for width in (400, 320):
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_function(f"{parts}.every((p) => (p.scrollWidth > p.clientWidth) === (p.tabIndex === 0))")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("img:not([alt])").count() == 0
    assert all(heading.get_attribute("id") for heading in page.locator("h2, h3").all())
    assert page.errors == []


@pytest.mark.slow
@pytest.mark.browser
def test_what_is_too_wide_scrolls_within_itself_by_keys(opened):
    page = opened("08_made_up", width=400)
    wide = ".table, .wide, mjx-container[display], .highlight pre"
    page.wait_for_function("(css) => document.querySelectorAll(`:is(${css})[tabindex]`).length === 4", arg=wide)
    for part in page.locator(wide).all():
        part.press("ArrowRight")
        page.wait_for_function("() => document.activeElement.scrollLeft > 0")


@pytest.mark.slow
@pytest.mark.browser
def test_the_contents_list_every_notebook_with_its_goals_time_and_picture(opened):
    page = opened("index")
    titles = ["00 Start here: one step at a time", "08 Made up"]
    assert page.get_by_role("heading", level=2).all_text_contents() == titles
    made_up = page.locator(".contents").last
    assert made_up.locator("p").text_content() == "After 7 minutes you will be able to"
    assert made_up.locator("li").nth(1).inner_text() == "use links of two lines."
    assert made_up.locator("li mjx-container svg").count() == 1
    assert page.evaluate("[...document.images].every((image) => image.naturalWidth > 0)")
    assert made_up.get_by_role("img", name=ALT, exact=True).count() == 1


@pytest.mark.slow
@pytest.mark.browser
def test_pages_lead_to_the_one_before_the_next_and_the_contents(opened):
    page = opened("index")
    page.get_by_role("link", name="00 Start here").click()
    ways = page.get_by_role("navigation")
    assert [way.get_by_role("link").all_text_contents() for way in ways.all()] == [["Contents", "08 Made up"]] * 2
    ways.last.get_by_role("link", name="08 Made up").click()
    assert page.title() == "08 Made up | Gradient descent you can drag"
    assert ways.first.get_by_role("link").all_text_contents() == ["00 Start here: one step at a time", "Contents"]
    ways.first.get_by_role("link", name="00 Start here").click()
    assert page.locator("h1").text_content() == "Start here: one step at a time"
    ways.first.get_by_role("link", name="Contents").click()
    assert page.locator("h1").text_content() == "Gradient descent you can drag"


@pytest.mark.slow
@pytest.mark.browser
def test_links_lead_to_pages_to_their_sections_or_into_the_repository(opened):
    page = opened("08_made_up")
    links = {link.text_content(): link.get_attribute("href") for link in page.locator("main a").all()}
    page_of = write_site.PLACE.page
    assert links == {
        "back": "00_start_here.html#What-a-step-is",
        "there": page_of("README.md") + "#begin",
        "later": page_of("notebooks/09_later.ipynb"),
        "site": "https://example.org",
        "a badge": "https://example.org/run",
        "notebook": page_of("notebooks/08_made_up.ipynb"),
    }
    assert page.locator("main code", has_text="[a](b.ipynb)").count() == 1
    page.get_by_role("link", name="back").click()
    assert page.locator(":target").text_content() == "What a step is"


@pytest.mark.slow
@pytest.mark.browser
def test_a_player_moves_by_keys(opened):
    page = opened("00_start_here")
    step, canvas = page.get_by_label("step", exact=True).first, page.locator("canvas").first
    step.press("Home")
    page.wait_for_function("document.querySelector('canvas').ariaLabel.includes('step 0;')")
    page.wait_for_timeout(600)  # at rest it is sharp
    start = canvas.screenshot()
    step.press("ArrowRight")
    page.wait_for_function("document.querySelector('canvas').ariaLabel.includes('step 1;')")
    page.wait_for_timeout(600)
    assert canvas.screenshot() != start


@pytest.mark.slow
@pytest.mark.browser
def test_one_predicts_before_one_unfolds_what_happened(opened):
    page = opened("08_made_up")
    answer = page.locator("details", has_text="What happened?")
    assert page.get_by_text("Predict 1.").is_visible()
    assert page.get_by_text("Next question.").is_visible()
    inside = [answer.locator(css) for css in ("p strong", "mjx-container:not([display]) svg", "li em")]
    assert [part.is_visible() for part in inside] == [False] * 3
    answer.locator("summary").press("Enter")
    assert [part.is_visible() for part in inside] == [True] * 3
    assert all(part.bounding_box()["height"] > 8 for part in inside)
    assert answer.locator("summary").text_content() == "What happened?"


@pytest.mark.slow
@pytest.mark.browser
def test_checks_and_revisits_are_left_out_and_exercises_stay(opened):
    page = opened("08_made_up")
    text = page.locator("main").text_content()
    assert not any(words in text for words in ("not attempted", "What did you expect?", "The predictions.", '"answer"'))
    assert page.locator("h2").all_text_contents() == ["Exercises"]
    assert "to do the exercises, open the notebook itself" in " ".join(text.split())
    assert not page.get_by_text("secret").is_visible()
    page.locator("summary", has_text="Solution").click()
    assert page.get_by_text("secret").is_visible()


@pytest.mark.slow
@pytest.mark.browser
def test_a_picture_keeps_its_words(opened):
    picture = opened("08_made_up").get_by_role("img", name=ALT, exact=True)
    assert picture.is_visible()


@pytest.mark.slow
@pytest.mark.browser
def test_formulas_are_drawn_and_none_is_left_as_text(opened):
    page = opened("00_start_here")
    assert page.locator("mjx-container svg").count() > 15
    assert page.locator("[data-mml-node=merror]").count() == 0
    assert "$" not in page.locator("main").inner_text()


@pytest.mark.slow
@pytest.mark.browser
def test_the_keyboard_skips_to_the_text_and_shows_where_it_is(opened):
    page = opened("00_start_here")
    page.keyboard.press("Tab")
    assert page.locator(":focus").text_content() == "Skip to the text"
    assert page.locator(":focus").bounding_box()["x"] >= 0
    assert page.evaluate("parseFloat(getComputedStyle(document.activeElement).outlineWidth)") >= 2
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


@pytest.mark.slow
@pytest.mark.browser
def test_on_paper_everything_is_unfolded_and_afterwards_folded_again(opened):
    page = opened("00_start_here")
    count = "document.querySelectorAll('details[open]').length"
    page.evaluate(f"addEventListener('beforeprint', () => {{ window.printed = {count} }})")
    page.locator("summary").first.click()
    page.pdf()
    assert page.evaluate("window.printed") == page.locator("details").count() > 3
    assert page.evaluate(count) == 1


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.parametrize(("scheme", "ground"), [("light", "rgb(255, 255, 255)"), ("dark", "rgb(22, 24, 27)")])
def test_axe_finds_no_violation_of_level_a_or_aa_in_light_and_dark(opened, tmp_path, scheme, ground):
    npm_files.write_files(["axe-core"], tmp_path)
    page = opened("00_start_here", width=400, scheme=scheme)
    page.evaluate(UNFOLD)
    page.add_script_tag(path=tmp_path / "axe.min.js")
    found = page.evaluate("(tags) => axe.run({ runOnly: tags })", TAGS)
    assert [(rule["id"], rule["nodes"][0]["html"]) for rule in found["violations"]] == []
    assert "color-contrast" in [rule["id"] for rule in found["passes"]]
    grounds = (
        "[document.documentElement, document.querySelector('.stage')].map((e) => getComputedStyle(e).backgroundColor)"
    )
    assert page.evaluate(grounds) == [ground, "rgb(255, 255, 255)"]
