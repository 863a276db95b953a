"""The other editions: solutions and notes in the instructor's notebook, and slides that live without a network."""

import importlib
import os
import sys
from itertools import pairwise
from pathlib import Path

import nbformat
import pytest
from lab import PIXELS
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT / "notebooks" / "tools"))
write_editions, slides, npm_files = map(importlib.import_module, ("write_editions", "slides", "npm_files"))

HEAD = "| section | minutes | ask before | expect |\n|---|---|---|---|\n"
ROWS = "| One | 8 | What is $a$? | 2 \\| 3 |\n| Two | 12 | Why? | It is. |\n"
NOTES = f"# Notes\n\n### 09 Made up\n\n{HEAD}{ROWS}\n## More\n"
SOLUTION = "<details><summary>Solution</summary>\n\nBecause:\n\n```python\na = 6 * 7\n```\n</details>\n\n## Two\n\n"
BUILT_IN = "```python\n## no heading\n```\n[more](../README.md), [next](10_next.ipynb#two), [site](https://example.org)"


def made_up(**replaced):
    """A notebook of an exercise, its check and its solution, below which the next section begins."""
    texts = {"solution": SOLUTION + BUILT_IN, "title": "# Made up\n\n$x^2$"} | replaced
    cells = [new_markdown_cell(texts["title"]), new_markdown_cell("## One")]
    cells += [new_code_cell("a = ...", metadata={"tags": ["exercise"]}), new_code_cell("print(a)")]
    cells += [new_markdown_cell("Think."), new_markdown_cell(texts["solution"])]
    for cell in cells:
        cell.metadata["slideshow"] = {"slide_type": "slide" if cell.source.startswith("## ") else "-"}
    return new_notebook(cells=cells)


PATH = Path("09_made_up.ipynb")


def test_an_exercise_gets_the_code_of_its_solution_and_is_run(tmp_path):
    committed = made_up()
    notebook = write_editions.annotated(write_editions.with_solutions(committed, PATH), NOTES, PATH)
    write_editions.write_instructor(notebook, tmp_path / PATH.name, tmp_path / "instructor")
    written = nbformat.read(tmp_path / "instructor" / PATH.name, as_version=4)
    exercise, check = (cell for cell in written.cells if cell.cell_type == "code")
    assert exercise.source == "a = 6 * 7"
    assert check.outputs[0].text == "42\n"
    assert set(written.metadata) == {"kernelspec", "language_info"}
    assert committed.cells[2].source == "a = ..."
    assert "[more](../../README.md)" in written.cells[-2].source


def test_the_notes_stand_behind_the_headings_of_their_sections():
    cells = write_editions.annotated(made_up(), NOTES, PATH).cells
    notes = {i: cell.source for i, cell in enumerate(cells) if "lecturer" in cell.metadata.get("tags", [])}
    assert notes == {
        2: "> **For the lecturer** (8 min). *Ask:* What is $a$? *Expect:* 2 | 3",
        7: "> **For the lecturer** (12 min). *Ask:* Why? *Expect:* It is.",
    }
    assert cells[1].source == "## One"
    assert "## Two" in cells[6].source


@pytest.mark.parametrize(
    ("notes", "complaint"),
    [
        (NOTES.replace("### 09 Made up", "### 08 Made up"), r'"### 09 made up": there is no such heading'),
        (NOTES.replace("| Two |", "| Three |"), r"there is no row for the section 'Two'"),
        (
            NOTES.replace("## More", "| Three | 1 | a | b |"),
            r"no section for the row 'Three'; the sections are \['One', 'Two'\]",
        ),
        (NOTES.replace("| 12 |", "| long |"), r"minutes as a whole number; got \['Two', 'long', 'Why\?', 'It is\.'\]"),
        (NOTES.replace("ask before", "ask"), r"the columns \['section', 'minutes', 'ask before', 'expect'\]"),
        ("### 09 Made up\n\nNo table.\n", r"a table with the columns .*; got \[\]"),
    ],
)
def test_notes_that_do_not_fit_are_refused_before_anything_is_run(tmp_path, notes, complaint):
    nbformat.write(made_up(), tmp_path / PATH)
    (tmp_path / "INSTRUCTORS.md").write_text(notes)
    with pytest.raises(ValueError, match=complaint):
        write_editions.write([tmp_path / PATH], tmp_path / "INSTRUCTORS.md", tmp_path / "editions")
    assert not (tmp_path / "editions").exists()


@pytest.mark.parametrize(
    "text", ["<details><summary>Solution</summary>\n\n`a = 42`\n</details>\n\n```python\nb\n```", "## Two"]
)
def test_an_exercise_without_a_solution_is_refused(text):
    with pytest.raises(ValueError, match=r"09_made_up\.ipynb: the exercise in cell 2 has no solution.* 'a = \.\.\.'"):
        write_editions.with_solutions(made_up(solution=text), PATH)
    two = made_up()
    two.cells.insert(3, two.cells[2])
    with pytest.raises(ValueError, match="the exercise in cell 2 has no solution"):  # that of cell 3 is not its own
        write_editions.with_solutions(two, PATH)


def test_a_run_that_fails_leaves_nothing_behind(tmp_path, monkeypatch):
    nbformat.write(made_up(solution=SOLUTION.replace("6 * 7", "1 / 0")), tmp_path / PATH)
    (tmp_path / "INSTRUCTORS.md").write_text(NOTES)
    monkeypatch.setattr(write_editions, "write_files", lambda names, folder, cache: folder.mkdir(parents=True))
    with pytest.raises(Exception, match="ZeroDivisionError"):
        write_editions.write([tmp_path / PATH], tmp_path / "INSTRUCTORS.md", tmp_path / "editions")
    assert list((tmp_path / "editions").iterdir()) == []


def test_every_section_begins_a_slide_and_links_lead_to_slides():
    folded = slides.slides_of(made_up().cells[-1])
    assert [cell.metadata.slideshow.slide_type for cell in folded] == ["-", "slide"]
    assert folded[0].source.startswith("<details>")
    assert folded[1].source.startswith("## Two")
    assert folded[1].source.endswith("```\nmore, [next](10_next.html), [site](https://example.org)")
    hidden = new_markdown_cell("a\n\n## b", metadata={"slideshow": {"slide_type": "skip"}})
    assert slides.slides_of(hidden) == [hidden]


def test_a_package_with_another_checksum_is_refused_and_not_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(npm_files, "fetched", lambda address: b"something else")
    with pytest.raises(ValueError, match=r"reveal\.js-5.* must have the sha512 abc==, got .*nothing of it was kept"):
        npm_files.tarball("reveal.js", "5", "abc==", tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


START = ROOT / "notebooks" / "00_start_here.ipynb"


def notebook_00():
    return nbformat.read(START, as_version=4)


@pytest.fixture(scope="module")
def editions(tmp_path_factory):
    """Both editions of notebook 00, in a folder with a space in its name."""
    folder = tmp_path_factory.mktemp("a stick")
    try:
        for name in slides.ASSETS:
            npm_files.tarball(name, *npm_files.PACKAGES[name][:2])
    except ConnectionError as error:
        pytest.fail(str(error)) if os.environ.get("CI") else pytest.skip(f"needs npm's registry once: {error}")
    titles = [title for cell in notebook_00().cells for _, title in write_editions.sections(cell)]
    rows = "".join(f"| {title} | 3 | what? | that |\n" for title in titles)
    (folder / "INSTRUCTORS.md").write_text(f"### 00 Start here\n\n{HEAD}{rows}")
    write_editions.write([START], folder / "INSTRUCTORS.md", folder / "editions")
    return folder / "editions"


def test_a_real_notebook_has_its_notes_and_pictures(editions):
    assert sorted(entry.name for entry in editions.iterdir()) == ["instructor", "slides"]
    (path,) = (editions / "instructor").iterdir()
    written = nbformat.read(path, as_version=4)
    outputs = [output for cell in written.cells for output in cell.get("outputs", [])]
    assert any("image/png" in output.get("data", {}) for output in outputs)
    assert not any("gdviz-page" in output.get("data", {}).get("text/html", "") for output in outputs)
    assert sum("For the lecturer" in cell.source for cell in written.cells) >= 3
    assert len({cell.id for cell in written.cells}) == len(written.cells)


@pytest.fixture
def deck(editions, browser):
    """The slides of notebook 00, opened from the file without a network; page.asked: what they asked for."""
    context = browser.new_context(viewport={"width": 1280, "height": 720}, offline=True)
    page = context.new_page()
    page.errors, page.asked = [], []
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    page.on("console", lambda message: page.errors.append(message.text) if message.type == "error" else None)
    page.on("request", lambda request: page.asked.append(request.url))
    page.goto((editions / "slides" / "00_start_here.html").as_uri())
    page.wait_for_function("Reveal.isReady() && document.querySelector('mjx-container svg')")
    yield page
    context.close()


@pytest.mark.browser
def test_slides_open_from_a_stick_and_ask_for_nothing_else(deck, editions):
    home = (editions / "slides").as_uri()
    assert [url for url in deck.asked if not url.startswith((home, "blob:"))] == []
    assert deck.title() == "Start here: one step at a time"
    deck.wait_for_function("!document.body.innerText.includes('$')")
    assert deck.locator("mjx-container").count() > 5
    assert deck.locator("[data-mml-node=merror]").count() == 0
    assert deck.errors == []


@pytest.mark.browser
def test_a_player_on_a_slide_moves_and_its_keys_do_not_turn_the_slide(deck):
    step = deck.get_by_label("step", exact=True).first
    while not step.is_visible():
        deck.keyboard.press("ArrowRight")
    slide, canvas = deck.evaluate("Reveal.getState().indexh"), deck.locator("section.present canvas").first
    step.press("Home")
    deck.wait_for_function("document.querySelector('section.present canvas').ariaLabel.includes('step 0;')")
    start = canvas.screenshot()
    step.press("ArrowRight")
    deck.wait_for_function("document.querySelector('section.present canvas').ariaLabel.includes('step 1;')")
    assert canvas.screenshot() != start
    deck.get_by_role("button", name="Play").first.press(" ")
    deck.wait_for_function("document.querySelector('section.present canvas').ariaLabel.includes('step 2;')")
    assert deck.evaluate("Reveal.getState().indexh") == slide


@pytest.mark.browser
def test_on_paper_every_player_is_whole_also_of_slides_that_were_not_shown(deck):
    stages = "[...document.querySelectorAll('.stage')]"
    deck.wait_for_function(f"{stages}.every((stage) => stage.querySelector('canvas').ariaLabel)")
    assert deck.locator(".stage").count() > 0
    assert not deck.locator(".stage").first.is_visible()
    deck.emulate_media(media="print")
    deck.set_viewport_size({"width": 717, "height": 1046})
    deck.wait_for_function(f"{stages}.every((stage) => stage.clientWidth > 300)")
    for stage in deck.locator(".stage").all():
        box, ratio = stage.bounding_box(), float(stage.evaluate("(e) => e.style.getPropertyValue('--ratio')"))
        assert box["width"] / box["height"] == pytest.approx(ratio, rel=0.01)
        assert stage.locator("canvas").bounding_box() == box
        assert stage.locator("img").bounding_box() == box
        assert stage.locator("canvas").evaluate(PIXELS)[1] > 500


@pytest.mark.browser
def test_forward_shows_everything_once_down_to_the_last_slide(deck):
    look = "((s) => [Reveal.getSlidePastCount(), s.scrollTop, s.scrollHeight])(Reveal.getCurrentSlide())"
    views = [deck.evaluate(look)]
    while views[-1:] != views[-2:-1]:
        deck.keyboard.press("PageDown")
        views.append(deck.evaluate(look))
    ends = {number: (top, height) for number, top, height in views}
    assert len(ends) == deck.evaluate("Reveal.getTotalSlides()")
    assert all(top + 720 >= height - 2 for top, height in ends.values())
    assert all(after[1] - before[1] <= 720 for before, after in pairwise(views) if before[0] == after[0])
    assert deck.evaluate("document.documentElement.scrollWidth") <= 1280


@pytest.mark.browser
def test_slides_are_readable_from_the_last_row_and_answers_stay_folded(deck):
    sizes = deck.evaluate("""[...document.querySelectorAll('section p:not(.message), section li, pre, .slider')]
      .map((element) => parseFloat(getComputedStyle(element).fontSize))""")
    assert min(sizes) * 72 / 96 >= 14
    for answer in ("details > :not(summary)", "details .highlight"):
        assert deck.locator(answer).count() > 0
        assert not any(part.is_visible() for part in deck.locator(answer).all())
    checks = [cell for cell in notebook_00().cells if "check" in cell.metadata.get("tags", [])]
    assert checks
    text = deck.evaluate("document.body.textContent")
    assert not any(line in text for cell in checks for line in cell.source.splitlines() if len(line) > 20)
