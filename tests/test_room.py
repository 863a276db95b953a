"""The room answers: every letter that is acknowledged is counted, once for each browser, and seen within a second."""

import contextlib
import json
import re
import socket
import sqlite3
import threading
import time
import urllib.request
from collections import Counter

import pytest
from playwright.sync_api import expect
from rooms import Room, burst, learner
from test_accessible import axe

__all__ = ["axe"]
HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A room for all tests of this file, each of which has it empty."""
    room = Room(tmp_path_factory.mktemp("room") / "room.sqlite")
    yield room
    assert room.end() == "", "nothing but its addresses is printed, whatever it was asked"


@pytest.fixture
def room(served):
    assert served.ask("anew", {"all": True}, token=served.token)[0] == 200
    served.open("02-1")
    return served


# letters


@pytest.mark.slow
def test_120_letters_within_a_second_are_all_counted(room):
    letters = "abc" * 40
    start = time.perf_counter()
    noted = burst(room, letters)
    seconds = time.perf_counter() - start
    assert len(noted) == 120
    assert room.counts("02-1") == {"a": 40, "b": 40, "c": 40}
    print(f"120 letters noted in {seconds:.2f} s")


def test_one_browser_counts_once_and_its_last_letter_counts(room):
    who = learner()
    for letter in ("a", "b", " (C) "):
        assert room.note("02-1", letter, who)[0] == 200
    assert room.note("02-1", "a")[1] == {"name": "02-1", "noted": "a"}
    counted = {"counts": {"a": 1, "b": 0, "c": 1}, "all": 2}
    asked = {"name": "02-1", "choices": 3, "about": "Where it misbehaves first"}
    assert room.ask("counts.json?name=02-1")[1] == asked | counted


@pytest.mark.parametrize("letter", ["d", "ab", "", "?", None, 3, ["a"], {"a": 1}, HOSTILE, "é", "a" * 3000])
def test_what_is_no_letter_of_the_question_is_refused_by_a_sentence(room, letter):
    assert room.note("02-1", letter) == (400, {"error": "Choose one of the letters a, b, c."})
    assert room.counts("02-1") == {"a": 0, "b": 0, "c": 0}


@pytest.mark.parametrize("name", ["99-1", "02-99", "mine-7", HOSTILE, "", None, 2, ["02-1"], "02-1; DROP TABLE own"])
def test_a_question_that_is_not_there_is_refused(room, name):
    assert room.note(name, "a") == (404, {"error": "There is no such question in this room."})


@pytest.mark.parametrize("who", ["", "me", HOSTILE, None, 1234567890123456, "0" * 65, ["0" * 32]])
def test_a_sender_is_a_random_number_and_never_a_name(room, who):
    status, answer = room.ask("letter", {"name": "02-1", "letter": "a", "who": who})
    assert (status, "random number" in answer["error"]) == (400, True)


@pytest.mark.parametrize("body", [b"", b"[]", b'"a"', b"{", b"\xff\xfe", b"[" * 2000, b"null"])
def test_a_body_that_is_no_json_object_is_refused(room, body):
    assert room.ask("letter", body=body) == (400, {"error": "Send one JSON object."})


def test_a_form_of_another_site_cannot_send(room):
    for kind in ("text/plain", "application/x-www-form-urlencoded", ""):
        assert room.ask("letter", {"name": "02-1"}, headers={"Content-Type": kind})[0] == 415


def test_an_oversized_body_is_refused(room):
    try:
        status, _ = room.ask("letter", {"name": "02-1", "letter": "a", "who": learner(), "more": "x" * 100_000})
    except OSError:  # it has hung up
        status = 400
    assert status in (400, 413)
    assert room.counts("02-1") == {"a": 0, "b": 0, "c": 0}


@pytest.mark.slow
def test_a_killed_service_has_every_letter_that_it_acknowledged(tmp_path):
    room = Room(tmp_path / "room.sqlite")
    room.open("02-1")
    noted = burst(room, "abc" * 60, within=0.3, killed_after=60)
    room.kill()  # once more: to wait for its end
    assert 60 <= len(noted) < 180, "it was killed in the midst of it"
    again = Room(room.store, room.port)
    assert again.token == room.token
    assert again.ask("open")[1]["name"] == "02-1"
    with contextlib.closing(sqlite3.connect(room.store)) as base:
        kept = dict(base.execute("SELECT who, letter FROM letters").fetchall())
    counts = again.counts("02-1")
    again.end()
    assert {who: kept.get(who) for who, _, _ in noted} == {who: letter for who, letter, _ in noted}
    assert Counter(kept.values()) == Counter(counts)


# the lecturer


@pytest.mark.parametrize("token", ["", "wrong", "0" * 32, "é"])
def test_only_the_lecturer_opens_starts_anew_and_sees_mistakes(room, token):
    said = {"error": "Only the lecturer may do this: open the address that make room has printed."}
    quoted = urllib.request.quote(token)
    for path, words in (("open", {"name": "02-3"}), ("anew", {"all": True}), ("mistakes.json", None), ("counts", None)):
        assert room.ask(f"{path}?token={quoted}", words) == (403, said)
    assert room.ask("open")[1]["name"] == "02-1"


def test_the_token_goes_by_header_address_or_cookie(room):
    cookie = {"Cookie": f"room-{room.port}={room.token}"}
    assert room.ask("open", {"name": "02-3"}, token=room.token)[0] == 200
    assert room.ask(f"open?token={room.token}", {"name": "02-2"})[0] == 200
    assert room.ask("open", {"name": "02-4"}, headers=cookie)[1]["name"] == "02-4"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"name": "02-1", "choices": 5}, "Question 02-1 is the course's and has 3 choices, not 5."),
        ({"name": "02-7"}, "Question 02-7 is a click in the picture, which has no letters."),
        ({"name": "02-99", "choices": 3}, "Name your own question otherwise than the course's"),
        ({"name": "mine-1"}, "Choices must be a whole number from 2 to 8, got None."),
        ({"name": "mine-1", "choices": 9}, "Choices must be a whole number from 2 to 8, got 9."),
        ({"name": "mine-1", "choices": True}, "Choices must be a whole number from 2 to 8, got True."),
        ({"name": HOSTILE, "choices": 3}, "The name of a question of your own is a word and a number"),
        ({"name": None}, "The name of a question of your own is a word and a number"),
        ({"name": "mine-1", "choices": 3, "about": 7}, "About must be text of at most 200 characters."),
    ],
)
def test_a_question_that_cannot_be_opened_is_refused_by_a_sentence(room, words, said):
    status, answer = room.ask("open", words, token=room.token)
    assert (status, answer["error"][: len(said)]) == (400, said)
    assert room.ask("open")[1]["name"] == "02-1"


def test_a_question_of_ones_own_has_as_many_letters_as_it_says(room):
    assert room.open("mine-1", 2, HOSTILE)["about"] == HOSTILE
    assert room.note("mine-1", "b")[0] == 200
    assert room.note("mine-1", "c")[0] == 400
    assert room.counts("mine-1") == {"a": 0, "b": 1}
    room.open("02-1")
    assert room.open("mine-1")["choices"] == 2


def test_a_notebook_may_answer_a_question_before_it_is_opened(room):
    assert room.note("mine-2", "c", choices=3)[0] == 200
    room.open("mine-2", 3)
    assert room.counts("mine-2") == {"a": 0, "b": 0, "c": 1}


def test_starting_anew_forgets_the_letters_of_that_question_alone(room):
    room.note("02-1", "a")
    room.note("02-2", "b")
    before = room.ask("open")[1]["round"]
    assert room.ask("anew", {"name": "02-1"}, token=room.token)[1]["round"] == before + 1
    assert sum(room.counts("02-1").values()) == 0
    assert room.counts("02-2")["b"] == 1
    assert room.ask("anew", {"name": "nothing"}, token=room.token)[0] == 404


def test_mistakes_are_counted_once_for_each_learner(room):
    who = learner()
    for key, sender in (("Adam: l2", who), ("Adam: l2", who), ("Adam: l2", learner()), (HOSTILE, who)):
        assert room.ask("mistake", {"key": key, "who": sender})[0] == 200
    found = room.ask("mistakes.json", token=room.token)[1]["mistakes"]
    assert found == [["Adam: l2", 2], [HOSTILE, 1]]
    for key in ("", "a" * 121, "two\nlines", 3, None):
        assert room.ask("mistake", {"key": key, "who": who})[0] == 400


def test_the_stream_tells_the_question_and_its_counts(room):
    with urllib.request.urlopen(f"{room.address}events", timeout=10) as stream:
        told = (json.loads(line.removeprefix(b"data: ")) for line in stream if line.startswith(b"data: "))
        first = next(told)
        assert (first["name"], first["choices"], first["all"]) == ("02-1", 3, 0)
        room.note("02-1", "b")
        assert next(told)["counts"] == {"a": 0, "b": 1, "c": 0}
        room.open("02-3")
        assert next(told)["name"] == "02-3"
    with urllib.request.urlopen(f"{room.address}events?only=question", timeout=10) as stream:
        told = (json.loads(line.removeprefix(b"data: ")) for line in stream if line.startswith(b"data: "))
        assert set(next(told)) == {"name", "choices", "about", "round"}


def test_what_is_not_there_is_said_kindly_and_no_file_of_the_machine_is_served(room):
    assert room.ask("nothing") == (404, {"error": "There is no such page."})
    for path in ("pages/../room_store.py", "pages/%2e%2e/room_store.py", "pages//etc/passwd", "deck/../../room.sqlite"):
        assert room.ask(path)[0] in (403, 404)


def test_a_port_that_is_taken_is_said_and_another_one_proposed(room, tmp_path):
    other = Room(tmp_path / "other.sqlite", room.port)
    assert other.end() == ""
    assert other.process.returncode == 1
    assert f"make room PORT={room.port + 1}" in "".join(other.printed)


@pytest.mark.slow
def test_below_a_prefix_and_at_an_address_of_a_hub_it_says_so(tmp_path):
    hub = Room(
        tmp_path / "room.sqlite", None, "--prefix", "/services/room", "--address", "https://hub.example/services/room/"
    )
    try:
        assert hub.printed[0] == "For the phones:   https://hub.example/services/room/\n"
        assert hub.printed[1].startswith("For the lecturer: https://hub.example/services/room/counts?token=")
        assert "<title>Predict</title>" in hub.ask("services/room/")[1]
        assert hub.ask("services/room/open")[1]["name"] is None
        assert hub.ask("")[0] == 404
    finally:
        hub.end()


def test_slides_beside_it_are_served_and_their_browser_is_the_lecturers(tmp_path):
    (tmp_path / "deck").mkdir()
    (tmp_path / "deck" / "index.html").write_text("<title>Slides</title>")
    room = Room(tmp_path / "room.sqlite", None, "--deck", tmp_path / "deck")
    try:
        assert room.ask("deck/") == (200, "<title>Slides</title>")
        reply = urllib.request.urlopen(f"{room.address}deck/index.html?token={room.token}")
        assert reply.headers["Set-Cookie"] == f"room-{room.port}={room.token}; HttpOnly; Path=/; SameSite=Strict"
        assert urllib.request.urlopen(f"{room.address}deck/?token=wrong").headers["Set-Cookie"] is None
    finally:
        room.end()


def test_a_store_that_is_none_is_named(tmp_path):
    (tmp_path / "room.sqlite").write_text("not a database, but long enough to be looked at by sqlite" * 20)
    room = Room(tmp_path / "room.sqlite")
    room.end()
    assert "room.sqlite is no file of a room" in "".join(room.printed)
    assert room.process.returncode == 1


def test_the_qr_code_holds_the_address(room):
    pytest.importorskip("segno", reason="the QR code needs segno: pip install segno")
    status, code = room.ask("qr.svg")
    assert status == 200
    assert code.startswith("<?xml")
    assert re.search(r"<path [^>]*d=\"M", code)
    assert 'src="qr.svg"' in room.ask("counts", headers={"Cookie": f"room-{room.port}={room.token}"})[1]


# the pages


@pytest.fixture
def page(browser):
    """page(address) -> a page of a browser of its own; what goes wrong on it fails the test."""
    contexts, wrong = [], []

    def show(address, *, width=390, height=664, csp=True):
        view = {"width": width, "height": height}
        context = browser.new_context(viewport=view, bypass_csp=not csp)
        contexts.append(context)
        shown = context.new_page()
        shown.set_default_timeout(60_000)  # beside other work a browser may be slow
        shown.on("pageerror", lambda error: wrong.append(str(error)))
        shown.on("console", lambda said: wrong.append(said.text) if "Security" in said.text else None)
        shown.goto(address)
        return shown

    yield show
    for context in contexts:
        context.close()
    assert wrong == []


def lecturer(room, page, **options):
    shown = page(f"{room.address}counts?token={room.token}", width=1280, height=720, **options)
    assert shown.url == f"{room.address}counts", "no projector shows the token"
    return shown


@pytest.mark.slow
def test_a_phone_answers_changes_its_mind_and_follows_the_lecturer(room, page):
    phone = page(room.address)
    phone.get_by_role("button", name="b", exact=True).click()
    status = phone.get_by_role("status")
    expect(status).to_have_text("Noted: (b). Another tap changes it.")
    expect(phone.get_by_role("button", name="b", exact=True)).to_have_attribute("aria-pressed", "true")
    phone.get_by_role("button", name="c", exact=True).press("Enter")
    expect(status).to_have_text("Noted: (c). Another tap changes it.")
    assert room.counts("02-1") == {"a": 0, "b": 0, "c": 1}
    phone.reload()
    expect(status).to_have_text("Noted: (c). Another tap changes it.")
    room.open("mine-1", 5, HOSTILE)
    expect(phone.locator(".about")).to_have_text(HOSTILE)
    expect(phone.get_by_role("button")).to_have_count(5)
    expect(status).to_have_text("Choose a letter.")
    room.open("02-1")
    expect(status).to_have_text("Noted: (c). Another tap changes it.")
    room.ask("anew", {"name": "02-1"}, token=room.token)
    expect(status).to_have_text("Choose a letter.")
    assert phone.evaluate("document.cookie") == ""


@pytest.mark.slow
def test_everything_on_a_phone_fits_and_is_large_to_touch(room, page, axe):
    phone = page(room.address, csp=False)
    buttons = phone.locator(".letters button")
    expect(buttons).to_have_count(3)
    for width, height, scheme in ((320, 568, "dark"), (390, 664, "light")):
        phone.set_viewport_size({"width": width, "height": height})
        phone.emulate_media(color_scheme=scheme)
        boxes = [button.bounding_box() for button in buttons.all()]
        assert min(min(box["width"], box["height"]) for box in boxes) >= 64
        assert max(box["y"] + box["height"] for box in boxes) <= height
        assert phone.evaluate("document.documentElement.scrollWidth") <= width
        wrong, passed = axe(phone)
        assert wrong == []
        assert passed > 5


@pytest.mark.slow
def test_a_letter_that_meets_no_network_is_sent_again(room, page):
    phone = page(room.address)
    phone.route("**/letter", lambda route: route.abort())
    phone.get_by_role("button", name="a", exact=True).click()
    expect(phone.get_by_role("status")).to_have_text("Not noted yet: (a). Trying again …")
    phone.unroute("**/letter")
    expect(phone.get_by_role("status")).to_have_text("Noted: (a). Another tap changes it.")
    assert room.counts("02-1")["a"] == 1


@pytest.mark.slow
def test_a_restarted_service_is_found_again_by_the_pages(tmp_path, page):
    room = Room(tmp_path / "room.sqlite")
    room.open("02-1")
    phone = page(room.address)
    expect(phone.get_by_role("button")).to_have_count(3)
    room.kill()
    phone.get_by_role("button", name="b", exact=True).click()
    expect(phone.get_by_role("status")).to_have_text("Not noted yet: (b). Trying again …")
    again = Room(room.store, room.port)
    try:
        expect(phone.get_by_role("status")).to_have_text("Noted: (b). Another tap changes it.")
        again.open("01-8")
        expect(phone.get_by_role("button")).to_have_count(2)
    finally:
        again.end()


@pytest.mark.slow
def test_120_letters_are_on_the_lecturers_page_within_a_second(room, page):
    shown = lecturer(room, page, csp=False)
    expect(shown.locator(".bars tr")).to_have_count(3)
    shown.keyboard.press("s")
    shown.evaluate("""() => {
      const all = document.querySelector('.all');
      const look = () => { if (all.textContent === '120 answers') window.seen ??= Date.now(); };
      new MutationObserver(look).observe(all, { childList: true, characterData: true, subtree: true });
    }""")
    burst(room, "abc" * 40, within=0.9)
    last = 1000 * time.time()
    seen = shown.wait_for_function("window.seen").json_value()
    print(f"seen {seen - last:.0f} ms after the last answer")
    assert seen - last < 1000
    assert shown.locator(".bars td:last-child").all_inner_texts() == ["40 (33 %)"] * 3


@pytest.mark.slow
def test_the_lecturer_hides_shows_goes_on_asks_a_question_of_their_own_and_starts_anew(room, page):
    shown = lecturer(room, page)
    room.note("02-1", "b")
    expect(shown.locator(".all")).to_have_text("1 answer")
    assert shown.locator(".bars td:last-child").all_inner_texts() == ["", "", ""]
    assert shown.locator(".bar").nth(1).bounding_box()["width"] == 0
    shown.keyboard.press("s")
    assert shown.locator(".bars td:last-child").all_inner_texts() == ["0 (0 %)", "1 (100 %)", "0 (0 %)"]
    shown.keyboard.press("n")
    expect(shown.locator("h1")).to_have_text("Prediction 2")
    assert shown.locator(".bars td:last-child").all_inner_texts() == ["", "", ""]
    shown.get_by_label("The open question").select_option("01-8")
    expect(shown.locator(".bars tr")).to_have_count(2)

    # a question of one's own, in the same page
    shown.get_by_text("A question of your own").click()
    shown.get_by_label("Choices").fill("4")
    shown.get_by_label("In words").fill(HOSTILE)
    shown.get_by_role("button", name="Open it").click()
    expect(shown.locator(".asked .about")).to_have_text(HOSTILE)
    room.note("mine-1", "d")
    expect(shown.locator(".all")).to_have_text("1 answer")
    shown.once("dialog", lambda dialog: dialog.accept())
    shown.get_by_role("button", name="Start anew").click()
    expect(shown.locator(".all")).to_have_text("0 answers")
    room.ask("mistake", {"key": HOSTILE, "who": learner()})
    shown.get_by_text("Mistakes that checks have named").click()
    expect(shown.locator(".mistakes tbody td")).to_have_text([HOSTILE, "1"])


@pytest.mark.slow
def test_the_lecturers_page_is_for_everybody(room, page, axe):
    shown = lecturer(room, page, csp=False)
    shown.keyboard.press("s")
    for summary in shown.locator("summary").all():
        summary.click()
    for scheme in ("light", "dark"):
        shown.emulate_media(color_scheme=scheme)
        wrong, passed = axe(shown)
        assert wrong == []
        assert passed > 5
    shown.set_viewport_size({"width": 320, "height": 640})
    assert shown.evaluate("document.documentElement.scrollWidth") <= 320


# from a kernel


@pytest.fixture
def told(monkeypatch):
    """The client side of a room, as in a fresh kernel."""
    from gdviz.exercises import room as client

    client._sender.cache_clear()
    yield lambda address: monkeypatch.setenv("GDVIZ_ROOM", address)
    client._sender.cache_clear()


def wait_until(holds):
    end = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_predict_sends_its_letter_and_a_check_its_mistake(room, told, capsys):
    from IPython.utils.capture import capture_output

    from gdviz.exercises import check_number, predict

    told(room.address)
    predict("02-1", "a")
    predict("02-1", "(B)")
    predict("02-2", "?")
    predict("mine-1", "c", choices=3)
    with capture_output():
        check_number(6, 3, mistakes={"[half] Carry the 1/2.": 6})._ipython_display_()
        check_number(3, 3)._ipython_display_()
    wait_until(lambda: room.ask("mistakes.json", token=room.token)[1]["mistakes"] == [["half", 1]])
    assert room.counts("02-1") == {"a": 0, "b": 1, "c": 0}
    room.open("mine-1", 3)
    assert room.counts("mine-1")["c"] == 1


@pytest.mark.parametrize("room_is", ["unreachable", "silent", "no address", "refusing"])
def test_a_learner_neither_waits_for_a_room_nor_sees_its_errors(told, room_is, capfd, request):
    from gdviz.exercises import predict

    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        port = silent.getsockname()[1]
        where = {"silent": f"http://127.0.0.1:{port}", "unreachable": "http://192.0.2.1:9", "no address": "§ ☃"}
        told(where.get(room_is) or f"{request.getfixturevalue('room').address}nowhere")
        start = time.perf_counter()
        for letter in "abc" * 10:
            predict("02-1", letter)
        assert time.perf_counter() - start < 0.5
    assert capfd.readouterr().out.count("Prediction 1: (") == 30
    assert capfd.readouterr().err == ""


def test_without_the_variable_nothing_is_loaded_or_started(monkeypatch):
    import sys

    from gdviz.exercises import room as client

    monkeypatch.delenv("GDVIZ_ROOM", raising=False)
    before, threads = set(sys.modules), threading.active_count()
    client._sender.cache_clear()
    client.tell("letter", name="02-1", letter="a")
    assert client._sender.cache_info().currsize == 0
    assert set(sys.modules) - before == set()
    assert threading.active_count() == threads
