"""A room of 120: each sends a letter within the same second, from a phone whose page is open or from a notebook.

How many are counted, how long a sender waits, and how long after the last letter the lecturer's page shows it; and what
is there after the service was killed in the midst of it. `make bench`.
"""

import sqlite3
import statistics
import sys
import threading
import time
import urllib.request
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
from playwright.sync_api import sync_playwright

sys.path.append(str(Path(__file__).parents[1] / "tests"))
from lab import FLAGS
from rooms import Room, burst

LEARNERS, ROUNDS = 120, 5
WATCH = """(many) => {
  const all = document.querySelector('.all');
  window.seen = null;
  const look = () => { if (all.textContent === `${many} answers`) window.seen ??= Date.now(); };
  new MutationObserver(look).observe(all, { childList: true, characterData: true, subtree: true });
}"""


def listening(room):
    """The stream of a phone whose page is open."""
    stream = urllib.request.urlopen(f"{room.address}events?only=question", timeout=600)
    threading.Thread(target=lambda: [None for _ in stream], daemon=True).start()
    return stream


def measured(room, page, within):
    """One round: those counted, the waits in ms, and the ms until the page shows the last letter."""
    room.ask("anew", {"name": "02-1"}, token=room.token)
    page.wait_for_function("document.querySelector('.all').textContent === '0 answers'")
    page.evaluate(WATCH, LEARNERS)
    noted = burst(room, "abc" * (LEARNERS // 3), within=within)
    last = 1000 * time.time()
    seen = page.wait_for_function("window.seen").json_value() - last
    counted = sum(room.counts("02-1").values())
    assert counted == len(noted)
    return counted, [1000 * seconds for _, _, seconds in noted], seen


def rounds(room, page, within):
    """A row of the table."""
    found = [measured(room, page, within) for _ in range(ROUNDS)]
    counted = min(counted for counted, _, _ in found)
    waits = sorted(wait for _, waits, _ in found for wait in waits)
    seen = [max(0, seen) for _, _, seen in found]
    p95 = waits[int(0.95 * len(waits))]
    print(
        f"| {f'within {within:g} s' if within else 'all at once'} | {counted} of {LEARNERS} "
        f"| {statistics.median(waits):.0f} ms, {p95:.0f} ms, {waits[-1]:.0f} ms | {max(seen):.0f} ms |"
    )


def killed(folder):
    """How many letters were acknowledged before the service was killed, and how many of them are there afterwards."""
    acknowledged = kept = 0
    for k in range(ROUNDS):
        room = Room(Path(folder) / f"killed-{k}.sqlite")
        room.open("02-1")
        noted = burst(room, "abc" * (LEARNERS // 3), within=0.3, killed_after=40 + 8 * k)
        room.kill()
        again = Room(room.store, room.port)
        with closing(sqlite3.connect(room.store)) as base:
            there = dict(base.execute("SELECT who, letter FROM letters").fetchall())
        again.end()
        acknowledged += len(noted)
        kept += sum(there.get(who) == letter for who, letter, _ in noted)
    print(f"\nKilled {ROUNDS} times in the midst of it: {kept} of {acknowledged} acknowledged letters are there.")


def main():
    import shutil

    with TemporaryDirectory() as folder, sync_playwright() as playwright:
        room = Room(Path(folder) / "room.sqlite")
        room.open("02-1")
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        page = browser.new_context(bypass_csp=True).new_page()
        page.goto(f"{room.address}counts?token={room.token}")
        page.wait_for_selector(".bars tr")
        page.keyboard.press("s")
        phones = [listening(room) for _ in range(LEARNERS)]
        print("| 120 letters | counted | wait: median, p95, longest | page after the last |\n|---|---|---|---|")
        for within in (1.0, 0.0):
            rounds(room, page, within)
        process = psutil.Process(room.process.pid)
        print(f"\nWith {len(phones)} open pages the service holds {process.memory_info().rss / 1e6:.0f} MB.")
        browser.close()
        room.end()
        killed(folder)


if __name__ == "__main__":
    main()
