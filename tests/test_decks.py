"""The lectures: each screen fits, asks before it shows, and lives without a network; a wrong plan is refused."""

import importlib
import os
import re
import shutil
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from rooms import Room

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT / "notebooks" / "tools"))
write_decks, sections, screens, npm_files, printing = map(
    importlib.import_module, ("write_decks", "sections", "screens", "npm_files", "printing")
)
DECKS = write_decks.read_decks(ROOT / "notebooks" / "decks.toml")

LOOK = """() => {
  const screen = Reveal.getCurrentSlide(), style = getComputedStyle(screen);
  const shown = [...screen.querySelectorAll("*")].filter((e) => !e.closest("aside, mjx-assistive-mml, .stage *"));
  const boxes = shown.filter((e) => e.getClientRects().length && getComputedStyle(e).visibility !== "hidden");
  const rects = boxes.map((e) => e.getBoundingClientRect()), number = document.querySelector(".slide-number");
  const stage = screen.querySelector(".stage"), say = screen.querySelector(".say");
  const page = number.getBoundingClientRect();
  return {
    title: screen.querySelector("h1, h2").textContent,
    bottom: Math.max(...rects.map((r) => r.bottom)) / innerHeight,
    right: Math.max(...rects.map((r) => r.right)) / innerWidth,
    left: Math.min(...rects.map((r) => r.left)),
    under: rects.some((r) => r.bottom > page.top + 1),
    words: screen.innerText.trim().length,
    text: say && parseFloat(getComputedStyle(say).fontSize),
    width: stage && stage.clientWidth / innerWidth,
    ratio: stage && stage.clientWidth / stage.clientHeight,
    label: stage && (13 / 72) * 100 * stage.clientWidth / parseFloat(stage.style.getPropertyValue("--width")),
    answers: [...screen.querySelectorAll(".answer, .printed, .count")].map((e) => getComputedStyle(e).visibility),
    marked: [...screen.querySelectorAll("[data-right]")].map((e) => getComputedStyle(e).borderColor),
    scroll: [document.documentElement.scrollWidth - innerWidth, document.documentElement.scrollHeight - innerHeight],
  };
}"""


@pytest.fixture(scope="module")
def lecture(tmp_path_factory):
    """The lecture of 45 minutes, in a folder with a space in its name."""
    folder = tmp_path_factory.mktemp("a stick")
    try:
        for name in write_decks.ASSETS:
            npm_files.tarball(name, *npm_files.PACKAGES[name][:2])
    except ConnectionError as error:
        pytest.fail(str(error)) if os.environ.get("CI") else pytest.skip(f"needs npm's registry once: {error}")
    write_decks.write([DECKS["one_lecture"]], ROOT / "INSTRUCTORS.md", folder, kept=tmp_path_factory.mktemp("kept"))
    assert sorted(path.name for path in folder.iterdir()) == ["assets", "one_lecture.html", "questions"]
    return folder / "one_lecture.html"


@pytest.fixture
def deck(lecture, browser, request):
    """The lecture, at 1280 x 720 or a size, opened from the file without a network; page.asked: what it asked for."""
    width, height = getattr(request, "param", (1280, 720))
    context = browser.new_context(viewport={"width": width, "height": height}, offline=True)
    page = context.new_page()
    page.errors, page.asked = [], []
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    page.on("console", lambda message: page.errors.append(message.text) if message.type == "error" else None)
    page.on("request", lambda request: page.asked.append(request.url))
    page.goto(lecture.as_uri())
    page.wait_for_function("'ready' in document.documentElement.dataset")
    yield page
    context.close()


def questions(page):
    return page.evaluate(
        "[...document.querySelectorAll('.slides > section')].flatMap((s, i) => s.dataset.prediction ? [i] : [])"
    )


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.parametrize("deck", [(1280, 720), (1920, 1080)], ids=["720p", "1080p"], indirect=True)
def test_every_screen_fits_and_gives_nothing_away(deck, lecture):
    home = lecture.parent.as_uri()
    assert [url for url in deck.asked if not url.startswith((home, "blob:", "data:"))] == []
    assert deck.evaluate("Reveal.getTotalSlides()") > 14
    for i in range(deck.evaluate("Reveal.getTotalSlides()")):
        deck.evaluate(f"Reveal.slide({i})")
        seen = deck.evaluate(LOOK)
        where = f"screen {i}, {seen['title']!r}"
        assert seen["bottom"] <= 1, where
        assert seen["right"] <= 1, where
        assert seen["left"] >= 0, where
        assert seen["scroll"] == [0, 0], where
        assert not seen["under"], f"{where}: something is under the page number"
        assert seen["words"] > 20, where
        assert set(seen["answers"]) <= {"hidden"}, where
        assert "rgb(0, 122, 85)" not in seen["marked"], where
        if seen["width"]:
            assert seen["width"] >= (0.835 if seen["ratio"] > 2.2 else 0.5), where
            assert seen["label"] >= 0.6 * seen["text"], where
    assert deck.locator("[data-mml-node=merror]").count() == 0
    assert deck.errors == []


@pytest.mark.slow
@pytest.mark.browser
def test_the_count_comes_first_and_then_the_answer_in_the_place_of_the_question(deck):
    asked = questions(deck)
    assert len(asked) == 7
    for i in asked:
        deck.evaluate(f"Reveal.slide({i})")
        now = "section.present "
        assert deck.locator(f"{now}.asked").is_visible()
        assert not deck.locator(f"{now}.count").first.is_visible()
        before = deck.evaluate(LOOK)
        deck.keyboard.press("PageDown")
        assert deck.locator(f"{now}.count").first.is_visible()
        assert not deck.locator(f"{now}.answer").is_visible()
        deck.locator(f"{now}.count input").nth(1).fill("30")
        assert deck.locator(f"{now}li").nth(1).evaluate("(e) => e.style.getPropertyValue('--share')") == "100%"
        deck.keyboard.press("PageDown")
        after = deck.evaluate(LOOK)
        assert deck.locator(f"{now}.answer").is_visible()
        assert deck.locator(f"{now}.answer").inner_text().strip()[:4] in ("(a).", "(b).", "(c).")
        assert after["marked"] == ["rgb(0, 122, 85)"]
        assert after["width"] == before["width"], "nothing moves when the answer comes"
        assert after["bottom"] <= 1
        assert deck.evaluate("Reveal.getState().indexh") == i


@pytest.mark.slow
@pytest.mark.browser
def test_a_player_begins_at_the_first_step_and_keeps_its_keys(deck):
    labels = deck.locator(".stage canvas").evaluate_all("(all) => all.map((canvas) => canvas.ariaLabel)")
    assert sum("step 0" in label for label in labels) >= 5
    assert not [label for label in labels if "step " in label and "step 0" not in label]
    i = questions(deck)[0]
    deck.evaluate(f"Reveal.slide({i})")
    step = deck.locator("section.present").get_by_label("step", exact=True)
    step.press("ArrowRight")
    deck.wait_for_function("document.querySelector('section.present canvas').ariaLabel.includes('step 1')")
    deck.locator("section.present").get_by_role("button", name="Play").press(" ")
    deck.wait_for_function("document.querySelector('section.present canvas').ariaLabel.includes('step 2')")
    assert deck.evaluate("Reveal.getState().indexh") == i
    ring = deck.locator("section.present canvas")
    before = ring.get_attribute("aria-label")
    ring.press("ArrowLeft")
    deck.wait_for_function("(was) => document.querySelector('section.present canvas').ariaLabel !== was", arg=before)
    assert deck.evaluate("Reveal.getState().indexh") == i
    step.press("Escape")
    assert deck.evaluate("document.activeElement === document.body")
    step.press("PageDown")
    step.press("PageDown")
    step.press("PageDown")
    assert deck.evaluate("Reveal.getState().indexh") == i + 1


@pytest.mark.slow
@pytest.mark.browser
def test_the_speaker_has_the_notes_a_clock_and_the_pace(deck):
    deck.evaluate(f"Reveal.slide({questions(deck)[0]})")
    with deck.context.expect_page() as opened:
        deck.keyboard.press("s")
    speaker = opened.value
    speaker.wait_for_function("document.body.innerText.includes('why should the steps?')")
    text = speaker.inner_text("body")
    assert "5 minutes." in text
    assert "Expect:" in text
    assert "00:0" in text
    assert "PACING" in text.upper()


def made_up():
    """A notebook with two sections, of which the second needs a name of the first and one of before."""
    output = new_output("stream", text="42\n")
    texts = ["# Made up", "a = 6", "## One", "b = 7\nprint(1 / 0)", "c = 0", "## Two"]
    ask = (
        "So far so good. **Predict 3.** Put your letter there. Is it **(a)** 41, **(b)** 42, or **(c)** 0.5? And then?"
    )
    told = "**What happened: (b).** It is. And more of it.\n\nThe rule:\n\n$$y = 2$$\n\nSaid, not shown."
    folded = "<details><summary><b>Explain:</b> why?</summary>\n\nBecause.\n</details>"
    texts += [ask, 'predict("mine-1", "?")\nd = minimize(c)\nprint(d)', told, folded]
    cells = [
        (new_code_cell if "=" in text.splitlines()[-1][:3] or "(" in text[:8] else new_markdown_cell)(text)
        for text in texts
    ]
    cells[7] = new_code_cell(texts[7], outputs=[output])
    return new_notebook(cells=cells)


def test_a_section_needs_the_cells_that_give_its_names_and_no_others():
    cells = made_up().cells
    assert sections.places_of(cells) == {"One": (2, 5), "Two": (5, 10)}
    assert sections.before(cells, (5, 10)) == "c = 0"
    changed = [new_code_cell(source) for source in ("w = []", "w = [0]", "w[0] = 1", "u = 2", "print(w)")]
    assert sections.before(changed, (4, 5)) == "w = [0]\nw[0] = 1"
    look = [new_code_cell("import matplotlib.pyplot as plt\nplt.style.use('gdviz.course')"), new_code_cell("3")]
    assert sections.before(look, (1, 2)) == look[0].source
    assert sections.before([new_markdown_cell("# M"), new_code_cell("print(1)")], (1, 2)) == ""


@pytest.mark.parametrize(
    ("lines", "shown", "kept"),
    [
        ("import torch\ntorch.manual_seed(0)\na = 1", "torch.rand(1)", "import torch\ntorch.manual_seed(0)"),
        ("x = 1\ndef f(): return x\ny = f()\nx = 2", "y", "x = 1\ndef f(): return x\ny = f()\nx = 2"),
        ("n = 1\nn += 1; m = n", "m", "n = 1\nn += 1\nm = n"),
        ("from math import *\na = 1", "pi", "from math import *"),
        ("run = 1\nruns = [2]", "for run in runs:\n    print(run)", "runs = [2]"),
        ("x = 1", "if y:\n    x = 2\nprint(x)", "x = 1"),
        ('t = """\n%d\n"""', "t", 't = """\n%d\n"""'),
    ],
    ids=["a seed", "a name that changes", "two in a line", "all names", "a loop", "a branch", "text"],
)
def test_the_lines_before_a_section_are_those_that_it_needs(lines, shown, kept):
    assert sections.before([new_code_cell(lines), new_code_cell(shown)], (1, 2)) == kept


def test_all_that_comes_before_is_run_for_a_notebook_of_ones_own():
    cells = [new_code_cell("model = [1]\nfit(model)"), new_code_cell("model")]
    assert sections.before(cells, (1, 2), whole=True) == "model = [1]\nfit(model)"


def test_a_section_becomes_screens_that_ask_before_they_show():
    cells = made_up().cells
    lead, ask, rule, why = screens.screens_of("Two", cells[5:])
    assert lead.texts == ["So far so good."]
    assert ask.question == screens.Question("Is it", {"a": "41", "b": "42", "c": "0.5"}, "And then?", "mine-1")
    assert (ask.right, ask.answer, ask.printed) == ("b", "It is. And more of it.", "42")
    assert rule.texts == ["The rule:", "$$y = 2$$"]
    assert rule.notes == ["Said, not shown."]
    assert (why.question.stem, why.answer) == ("Why?", "Because.")


def test_what_a_reader_may_skip_is_not_said_to_a_room():
    text = "## Own\n\n*Optional, 5 minutes.*\n\nA loss of your own."
    (screen,) = screens.screens_of("Own", [new_markdown_cell(text)])
    assert "Optional" not in str(screen)
    assert "A loss of your own." in str(screen)


def test_the_line_that_is_the_lesson_is_shown_and_what_frames_it_is_not():
    code = "import torch\nrun = minimize(loss, rule)\nviews.descents(minimize(loss, rule))\nprint(run)\nx = 2"
    assert screens.lesson(new_code_cell(code)) == "run = minimize(loss, rule)"
    tagged = new_code_cell(code, metadata={"tags": ["lesson"]})
    assert screens.lesson(tagged) == "run = minimize(loss, rule)\nx = 2"


@pytest.mark.parametrize(("tags", "classes"), [([], "picture"), (["answer"], "picture fragment")])
def test_a_picture_that_is_the_answer_comes_with_it(tags, classes):
    output = new_output("display_data", {"text/html": "<p>a player</p>"})
    cells = [new_markdown_cell("**Predict 1.** Is it **(a)** so, or **(b)** so?")]
    cells += [new_code_cell('predict("mine-1", "?")', outputs=[output], metadata={"tags": tags})]
    (screen,) = screens.screens_of("T", [*cells, new_markdown_cell("**What happened: (a).** It is.")])
    page = write_decks.page_of(write_decks.TEMPLATE, DECKS["one_lecture"], screens=[write_decks.as_html(screen, 60)])
    assert f'<div class="{classes}"' in page


@pytest.mark.parametrize("path", write_decks.notebooks(), ids=lambda path: path.stem)
def test_no_screen_tears_a_sentence_or_leaves_out_a_choice(path):
    cells = sections.parts_of(path)
    for title, place in sections.places_of(cells).items():
        for screen in screens.screens_of(title, cells[slice(*place)]):
            if screen.answer:
                assert re.search(r"[.!?)*`]$", screen.answer), screen.answer
                assert screen.answer.count("(") == screen.answer.count(")")
            if screen.question and screen.question.name not in ("", "02-7", "04-5"):
                assert len(screen.question.choices) > 1, screen.question
                assert not any(re.search(r"(,|\bor|^)$", one) for one in screen.question.choices.values())
            for text in screen.texts[1:]:
                assert screen.texts[0] != text
            if screen.texts and screen.texts[0].startswith("$$"):
                assert title == "Adam, line by line"  # which begins with one


def test_choices_may_stand_in_a_list_or_in_a_paragraph_of_their_own():
    listed = screens.question("Which one?\n\n- **(a)** x, or\n- **(b)** i.e. the second;\n- **(c)** 0.5?")
    assert listed == screens.Question("Which one?", {"a": "x", "b": "i.e. the second", "c": "0.5"})
    cells = [new_markdown_cell("## T\n\n**Predict 1.** Which?\n\n**(a)** one, or **(b)** two?")]
    (asked,) = screens.screens_of("T", cells)
    assert asked.question == screens.Question("Which?", {"a": "one", "b": "two"})


@pytest.mark.parametrize("name", DECKS)
def test_the_plans_add_up_with_time_for_every_prediction(name):
    deck = DECKS[name]
    asked = 0
    for path, title, minutes in deck.sections:
        cells = sections.parts_of(path)
        shown = screens.screens_of(title, cells[slice(*sections.places_of(cells)[title])])
        many = sum(bool(screen.question and screen.question.choices) for screen in shown)
        assert minutes >= 3 * many, f"{title}: {many} predictions of three minutes each"
        asked += many
    assert sum(minutes for *_, minutes in deck.sections) == (40 if name == "one_lecture" else 85)
    assert asked >= 7


def test_the_lecturers_page_has_the_plans_of_the_decks():
    text = (ROOT / "INSTRUCTORS.md").read_text(encoding="utf-8")
    for deck in DECKS.values():
        rows = [f"| {minutes:g} | {path.stem[:2]}, *{title}* |" for path, title, minutes in deck.sections]
        assert "\n".join(rows) in text, deck.name


@pytest.mark.slow
def test_the_questions_are_on_paper_with_the_letters_at_the_end(lecture):
    page = (lecture.parent / "questions" / lecture.name).read_text(encoding="utf-8")
    assert page.count("<section>") == 7
    assert "The letters: 1 b, 2 c, 3 b, 4 a, 5 b, 6 b, 7 a." in page
    if any(map(shutil.which, printing.BROWSERS)):
        assert (lecture.parent / "questions" / "one_lecture.pdf").read_bytes()[:5] == b"%PDF-"


GOOD = '[mine]\ntitle = "T"\nsections = [["00", "What a step is", 5]]\n'


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[mine", r"decks\.toml: "),
        (GOOD.replace("title", "titel"), r"\[mine\]: a deck has the keys title, course, imprint, sections; got"),
        (GOOD.replace('"T"', "3"), r"\[mine\]: title must be a str, got 3"),
        (GOOD.replace(", 5", ""), r'a section is \["02", "One slider", 7\]: notebook, heading, minutes; got \[.00., '),
        (GOOD.replace('"00"', '"99"'), r"\[mine\]: there is no '99'; there are 00_start_here, 01_"),
        (
            GOOD.replace("What a step is", "What"),
            r"00_start_here\.ipynb has no section 'What'; its sections are 'Which",
        ),
    ],
)
def test_a_plan_that_cannot_be_held_is_refused_before_anything_is_run(tmp_path, text, complaint):
    (tmp_path / "decks.toml").write_text(text)
    nbformat.write(nbformat.read(ROOT / "notebooks" / "00_start_here.ipynb", 4), tmp_path / "00_start_here.ipynb")
    nbformat.write(new_notebook(), tmp_path / "01_other.ipynb")

    def written():
        decks = write_decks.read_decks(tmp_path / "decks.toml")
        write_decks.write(list(decks.values()), ROOT / "INSTRUCTORS.md", tmp_path / "decks")

    with pytest.raises(ValueError, match=complaint):
        written()
    assert not (tmp_path / "decks").exists()


def test_a_deck_that_is_not_there_is_named_with_those_that_are():
    with pytest.raises(ValueError, match="there is no 'three'; there are one_lecture, two_1"):
        write_decks.main(["three"])


@pytest.mark.slow
def test_text_in_a_title_stays_text_and_unchanged_code_is_not_run_again(tmp_path, monkeypatch):
    bad = "<script>alert(1)</script>"
    cells = [new_markdown_cell("# M"), new_markdown_cell("## One\n\nText."), new_code_cell("print(6 * 7)")]
    nbformat.write(new_notebook(cells=cells), tmp_path / "mine.ipynb")
    deck = write_decks.Deck("mine", bad, bad, bad, [(tmp_path / "mine.ipynb", "One", 5)])
    monkeypatch.setattr(
        write_decks, "write_files", lambda names, folder, cache: folder.mkdir(parents=True, exist_ok=True)
    )
    write_decks.write([deck], ROOT / "INSTRUCTORS.md", tmp_path / "decks", kept=tmp_path / "kept")
    text = (tmp_path / "decks" / "mine.html").read_text()
    assert bad not in text
    assert text.count("&lt;script&gt;alert(1)&lt;/script&gt;") == 4
    monkeypatch.setattr(sections, "alive", lambda *_: pytest.fail("it runs again"))
    cells[1].source = "## One\n\nOther text."
    nbformat.write(new_notebook(cells=cells), tmp_path / "mine.ipynb")
    write_decks.write([deck], ROOT / "INSTRUCTORS.md", tmp_path / "decks", kept=tmp_path / "kept")
    assert "Other text." in (tmp_path / "decks" / "mine.html").read_text()


@pytest.mark.slow
@pytest.mark.browser
def test_a_served_lecture_opens_its_questions_on_the_phones_and_counts_their_letters(lecture, browser, tmp_path):
    room = Room(tmp_path / "room.sqlite", None, "--deck", lecture.parent)
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    try:
        assert f"deck/one_lecture.html?token={room.token}" in "".join(room.printed)
        page.goto(f"{room.address}deck/one_lecture.html?token={room.token}")
        page.wait_for_function("document.querySelector('.qr')?.naturalWidth > 0")
        assert room.token not in page.url
        page.evaluate(f"Reveal.slide({questions(page)[0]})")
        page.wait_for_function("fetch('../open').then((answer) => answer.json()).then(({ name }) => name === '00-1')")
        assert room.note("00-1", "b")[0] == room.note("00-1", "a")[0] == room.note("00-1", "b")[0] == 200
        field = page.locator("section.present .count input").nth(1)
        page.wait_for_function("document.querySelectorAll('section.present .count input')[1].value === '2'")
        assert not field.is_visible()
        assert page.locator("section.present .message").inner_text() == ""
        page.keyboard.press("PageDown")
        assert field.is_visible()
        assert field.get_attribute("readonly") is not None
    finally:
        page.close()
        room.end()
