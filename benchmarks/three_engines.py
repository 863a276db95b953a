"""From the input to changed pixels on a saved page, in three browser engines: a key on a slider, and the start dragged.

The player of notebook 01, opened from its file, in headless Chromium and Firefox and in WebKit's MiniBrowser (GTK's,
which is not Safari), all drawn by the CPU. The time runs from the DOM event to the end of the first frame after which
other pixels are on the canvas, as in slider_latency.py. Three rounds, each with its own browsers: `make bench`.
"""

import os
import shutil
import statistics
import sys
import tempfile
from contextlib import closing, contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
sys.path.insert(0, str(Path(__file__).parent))
import engines
from lab import FLAGS
from playwright.sync_api import sync_playwright
from slider_latency import MEASURE, made, places

EVENTS, ROUNDS = 60, 3
BARS = {"chromium": 33, "firefox": 33, "webkit": 35}  # ms, at the 95th percentile
NAMES = {"chromium": "Chromium", "firefox": "Firefox", "webkit": "WebKit (GTK)"}
WAYS = ("a key on the slider", "the start dragged")
TO_AND_FRO = ("ArrowLeft", "ArrowRight")
REST = "() => new Promise((done) => setTimeout(() => done(true), 60))"
BOX = """() => {
  const { x, y, width, height } = document.querySelector("canvas").getBoundingClientRect();
  return [x, y, width, height];
}"""


def main(names=BARS, events=EVENTS, rounds=ROUNDS):
    print(f"load {os.getloadavg()[0]:.1f}", file=sys.stderr)
    player = made()
    start, _ = places(player)
    found = {(name, what): [] for name in names for what in WAYS}
    with tempfile.TemporaryDirectory() as folder:
        player.save(Path(folder, "page.html"))
        for _ in range(rounds):
            for name in names:
                with window(name) as engine:
                    engine.resize(1500, 900)
                    engine.open(Path(folder, "page.html").as_uri())
                    engine.until("() => document.querySelector('canvas')?.getAttribute('aria-label')")
                    left, top, width, height = engine.run(BOX)
                    place = left + width * start[0], top + height * start[1]
                    for what, times in zip(WAYS, (keys(engine, events), drags(engine, place, events))):
                        found[name, what].append(times)
    print("| engine | what | median | p95 of each round | bar |")
    print("|---|---|---|---|---|")
    for (name, what), times in found.items():
        middle = statistics.median(time for one in times for time in one)
        tails = ", ".join(f"{statistics.quantiles(one, n=20)[-1]:.0f}" for one in times)
        print(f"| {NAMES[name]} | {what} | {middle:.0f} ms | {tails} ms | {BARS[name]} ms |")
    return found


@contextmanager
def window(name):
    """A browser of this engine, closed after the block."""
    if name == "chromium":
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
            yield engines.Chromium(browser)
            browser.close()
    else:
        with closing(engines.WebKit(quick=True) if name == "webkit" else engines.Firefox()) as engine:
            yield engine


def keys(engine, events):
    """Milliseconds of each press, to and fro."""
    engine.run("() => document.querySelector('.slider input').focus()")
    return [timed(engine, "keydown", lambda k=k: engine.press(TO_AND_FRO[k % 2])) for k in range(events)]


def drags(engine, place, events):
    """Milliseconds of each move of the start, held at this place; the loss curve, on the right, must change."""
    x, y = place
    engine.drag((x, y), up=False)
    ways = [(x + 2 * (1 + k % 20), y - 1 - k % 20) for k in range(events)]
    times = [timed(engine, "pointermove", lambda way=way: moved(engine, *way), 0.7) for way in ways]
    engine.drag(ways[-1])
    return times


def moved(engine, x, y):
    """Move the mouse, its button as it is."""
    move = {"type": "pointerMove", "x": round(x), "y": round(y), "duration": 0}
    engine.act({"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}, "actions": [move]})


def timed(engine, event, act, part=0):
    engine.run(f"(args) => {{ ({MEASURE})(args); }}", [event, part])
    act()
    milliseconds = engine.run("() => measured")
    if milliseconds is None:
        raise TimeoutError(f"no other pixels within 10 s of a {event} in {engine.name}")
    engine.run(REST)  # let the rest of the page come to rest
    return milliseconds


if __name__ == "__main__":
    main(sys.argv[1:] or BARS)
