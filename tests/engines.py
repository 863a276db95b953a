"""Three browser engines behind one small interface, each driven by a protocol of its own.

Chromium by playwright, Firefox by WebDriver BiDi, WebKit (GTK's, which is not Safari) by WebDriver. A gesture is a list
of WebDriver's actions, which Firefox and WebKit understand, and Chromium is taught.
"""

import base64
import contextlib
import io
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

KEYS = {"ArrowLeft": "\ue012", "ArrowUp": "\ue013", "ArrowRight": "\ue014", "ArrowDown": "\ue015", "End": "\ue010"}
KEYS |= {"Home": "\ue011", "Enter": "\ue007", "Tab": "\ue004", "Shift": "\ue008", "Backspace": "\ue003"}
NEEDS = {
    "chromium": ("apt-get install chromium", ["chromium or google-chrome"]),
    "firefox": ("apt-get install firefox-esr", ["firefox-esr or firefox"]),
    "webkit": ("apt-get install webkit2gtk-driver xvfb", ["WebKitWebDriver", "Xvfb"]),
}
NARROWEST = 500  # px: WebKit's window
WAIT = 60  # seconds, beside other work
CANNOT = {  # what the driver of an engine cannot do, by the test that needs it
    "test_a_swipe_scrolls_the_page_and_sets_nothing": {"webkit": "its driver makes a mouse of a finger"},
    "test_two_fingers_are_left_to_the_browser": dict.fromkeys(("firefox", "webkit"), "its driver has one finger"),
    "test_what_is_moved_while_nobody_sees_it_is_shown_as_it_is": dict.fromkeys(
        ("chromium", "webkit"), "its driver cannot hide a page"
    ),
    "test_on_paper_path_and_picture_agree_and_values_are_words": {"webkit": "its driver cannot print"},
}
TRIED = {  # the rows of README's table, each with its tests, in test_engines or test_engines_lab
    "sliders, Play, a start, a data point, by mouse and keys; typed numbers; Keep": (
        "test_keys_and_drags_move_a_slider_and_the_picture_is_the_twins",
        "test_play_pauses_ends_begins_anew_and_says_so",
        "test_a_start_is_dragged_and_put_back",
        "test_a_data_point_is_dragged_and_line_and_numbers_follow",
        "test_a_number_is_typed_a_wrong_one_is_named_and_a_setting_is_kept",
    ),
    "touch: dragging and tapping": ("test_a_start_is_dragged_and_put_back", "test_a_tap_sets_and_so_does_a_long_press"),
    "touch: swiping scrolls the page and moves no slider": ("test_a_swipe_scrolls_the_page_and_sets_nothing",),
    "phone width, 200 % zoom, dark mode": (
        "test_narrow_dense_and_at_twice_the_size_nothing_is_lost",
        "test_on_a_phone_the_slider_stays_in_sight_of_each_panel",
        "test_in_the_dark_every_word_stands_out",
    ),
    "a site, a slide, JupyterLab, its kernel dead": (
        "test_a_site_and_a_slide_are_moved_by_keys_and_dragged",
        "test_notebooks_live_with_their_kernel_and_without",
    ),
    "a screen reader (a virtual one); axe-core: WCAG 2.2 A, AA": (
        "test_going_along_a_page_one_hears_the_picture_and_each_control_with_its_name",
        "test_after_a_pause_one_hears_once_what_changed",
        "test_a_guess_is_made_without_the_picture_and_the_focus_goes_on_to_play",
        "test_axe_finds_no_violation",
    ),
    "paper": ("test_on_paper_path_and_picture_agree_and_values_are_words",),
    "without JavaScript or canvas: a still picture": (
        "test_where_scripts_may_not_there_is_the_still_picture_and_a_sentence",
        "test_in_a_frame_without_rights_there_is_the_still_picture",
    ),
}


class Engine:
    """A window of a browser. Its size is in CSS pixels; density: the dots for each of them, where it can be chosen."""

    name = ""
    patience = WAIT

    def open(self, address):
        """Go to an address and wait until it is loaded."""
        raise NotImplementedError

    def run(self, script, *args):
        """What a JavaScript function gives for these arguments, awaited."""
        raise NotImplementedError

    def act(self, *sources):
        """Let mouse, finger and keys do what the lists of WebDriver's actions say."""
        raise NotImplementedError

    def resize(self, width, height, density=1):
        """Give the page this size."""
        raise NotImplementedError

    def shot(self):
        """What the window shows, uint8 (height, width, 3)."""
        raise NotImplementedError

    def pdf(self):
        """The page on paper (A4), as the bytes of a PDF; None where the engine has no command for it."""
        return None

    def until(self, script, *args):
        """Wait until a JavaScript function gives something true, and return that."""
        end = time.monotonic() + self.patience
        while not (found := self.run(script, *args)):
            assert time.monotonic() < end, f"in {self.name} never true: {script}"
            time.sleep(0.05)
        return found

    def press(self, *keys, times=1):
        """Press these keys after one another; a key of more letters by its name, "Shift+Tab" together."""
        actions = []
        for key in keys * times:
            down = [KEYS.get(one, one) for one in (key.split("+") if len(key) > 1 else [key])]
            actions += [{"type": "keyDown", "value": one} for one in down]
            actions += [{"type": "keyUp", "value": one} for one in reversed(down)]
        self.act({"type": "key", "id": "keys", "actions": actions})

    def drag(self, *places, finger=False, up=True, twice=False):
        """Press at the first place, x and y in the window, go to the others, and let go."""
        moves = [{"type": "pointerMove", "x": round(x), "y": round(y), "duration": 20} for x, y in places]
        press = [{"type": "pointerDown", "button": 0}, {"type": "pointerUp", "button": 0}]
        actions = [moves[0], *(press if twice else []), press[0], *moves[1:], *(press[1:] if up else [])]
        kind = "touch" if finger else "mouse"
        self.act({"type": "pointer", "id": kind, "parameters": {"pointerType": kind}, "actions": actions})

    def click(self, x, y):
        self.drag((x, y))


class Chromium(Engine):
    name = "chromium"

    def __init__(self, browser, **options):
        self.page = browser.new_page(**options)
        self.page.set_default_timeout(1000 * WAIT)
        self.session = self.page.context.new_cdp_session(self.page)

    def open(self, address):
        self.page.goto(address)

    def run(self, script, *args):
        return self.page.evaluate(f"(args) => ({script})(...args)", list(args))

    def act(self, *sources):
        named = {value: name for name, value in KEYS.items()}
        for source in sources:
            finger, place = source.get("parameters", {}).get("pointerType") == "touch", None
            for action in source["actions"]:
                kind = action["type"]
                if kind == "keyDown":
                    self.page.keyboard.down(named.get(action["value"], action["value"]))
                elif kind == "keyUp":
                    self.page.keyboard.up(named.get(action["value"], action["value"]))
                elif kind == "pause":
                    self.page.wait_for_timeout(action["duration"])
                elif kind == "pointerMove":
                    place = action["x"], action["y"]
                    if not finger:
                        self.page.mouse.move(*place)
                    elif getattr(self, "touching", False):
                        self._touch("touchMove", place)
                elif finger:
                    self.touching = kind == "pointerDown"
                    self._touch("touchStart" if self.touching else "touchEnd", place if self.touching else None)
                elif kind == "pointerDown":
                    self.page.mouse.down()
                else:
                    self.page.mouse.up()

    def _touch(self, kind, place):
        points = [{"x": place[0], "y": place[1]}] if place else []
        self.session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    def resize(self, width, height, density=1):
        size = {"width": width, "height": height, "deviceScaleFactor": density, "mobile": False}
        self.session.send("Emulation.setDeviceMetricsOverride", size)

    def shot(self):
        return image(self.page.screenshot())

    def pdf(self):
        return self.page.pdf(format="A4", print_background=True)

    def close(self):
        self.page.context.close()


class Firefox(Engine):
    """Firefox over WebDriver BiDi, in a new tab: the first one has no focus. screen: its environment, if it has one."""

    name = "firefox"

    def __init__(self, dark=False, screen=None):
        import websocket

        self.profile = tempfile.mkdtemp(prefix="gdviz-firefox-")
        chosen = {
            "dom.disable_beforeunload": True,
            "browser.shell.checkDefaultBrowser": False,
            "app.update.auto": False,
        }
        chosen |= {"network.captive-portal-service.enabled": False, "network.connectivity-service.enabled": False}
        chosen |= {
            "datareporting.policy.dataSubmissionEnabled": False,
            "toolkit.telemetry.reportingpolicy.firstRun": False,
        }
        chosen |= {"dom.w3c_touch_events.enabled": 1, "ui.systemUsesDarkTheme": int(dark)}
        lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in chosen.items()]
        Path(self.profile, "user.js").write_text("\n".join(lines))
        command = [
            shutil.which("firefox-esr") or "firefox",
            *([] if screen else ["--headless"]),
            "--no-remote",
            "--profile",
            self.profile,
            "--remote-debugging-port=0",
        ]
        log = Path(self.profile, "log")
        with log.open("w") as out:
            self.process = subprocess.Popen(command, env=screen, stdout=out, stderr=out)
        end = time.monotonic() + WAIT
        while "WebDriver BiDi listening on " not in log.read_text():
            assert time.monotonic() < end, log.read_text()
            assert self.process.poll() is None, log.read_text()
            time.sleep(0.05)
        address = log.read_text().partition("WebDriver BiDi listening on ")[2].split()[0]
        self.socket = websocket.create_connection(f"{address}/session", timeout=2 * WAIT, suppress_origin=True)
        self.count = 0
        self.ask("session.new", capabilities={})
        self.tab = self.ask("browsingContext.create", type="tab")["context"]

    def ask(self, method, **params):
        self.count += 1
        self.socket.send(json.dumps({"id": self.count, "method": method, "params": params}))
        while (answer := json.loads(self.socket.recv())).get("id") != self.count:
            pass  # an event
        assert answer["type"] == "success", answer
        return answer["result"]

    def open(self, address):
        self.ask("browsingContext.navigate", context=self.tab, url=address, wait="complete")

    def run(self, script, *args):
        whole = f"async () => JSON.stringify(await ({script})(...{json.dumps(args)})) ?? 'null'"
        found = self.ask(
            "script.callFunction", functionDeclaration=whole, awaitPromise=True, target={"context": self.tab}
        )
        assert found["type"] == "success", found["exceptionDetails"]["text"]
        return json.loads(found["result"]["value"])

    def act(self, *sources):
        self.ask("input.performActions", context=self.tab, actions=list(sources))

    def resize(self, width, height, density=1):
        viewport = {"width": width, "height": height}
        self.ask("browsingContext.setViewport", context=self.tab, viewport=viewport, devicePixelRatio=density)

    def shot(self):
        return image(base64.b64decode(self.ask("browsingContext.captureScreenshot", context=self.tab)["data"]))

    def pdf(self):
        page = {"width": 21.0, "height": 29.7}
        return base64.b64decode(self.ask("browsingContext.print", context=self.tab, background=True, page=page)["data"])

    def close(self):
        with contextlib.suppress(OSError):
            self.socket.close()
        self.process.terminate()
        self.process.wait(30)
        shutil.rmtree(self.profile, ignore_errors=True)


class WebKit(Engine):
    """WebKit's MiniBrowser on a screen of its own that nobody sees. quick: without layers, and without shots."""

    name = "webkit"

    def __init__(self, dark=False, quick=False):
        self.screen = subprocess.Popen(
            ["Xvfb", "-displayfd", "1", "-screen", "0", "1600x1200x24", "-nolisten", "tcp"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        display = f":{self.screen.stdout.readline().decode().strip()}"
        more = {"WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS": "1"}  # it runs as root
        more |= {"GTK_THEME": "Adwaita:dark"} if dark else {}
        more |= {"WEBKIT_DISABLE_COMPOSITING_MODE": "1"} if quick else {}
        port = free()
        self.driver = subprocess.Popen(
            ["WebKitWebDriver", f"--port={port}"],
            env=os.environ | more | {"DISPLAY": display, "GDK_BACKEND": "x11", "NO_AT_BRIDGE": "1"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.address, self.frame = f"http://127.0.0.1:{port}", None
        self.around = Path(tempfile.mkdtemp(prefix="gdviz-webkit-"), "around.html")
        end = time.monotonic() + WAIT
        while True:
            with contextlib.suppress(OSError):
                self.ask("GET", "/status")
                break
            assert time.monotonic() < end
            time.sleep(0.05)
        found = shutil.which("MiniBrowser") or next(Path("/usr").glob("lib*/**/webkit2gtk-4.*/MiniBrowser"))
        chosen = {"webkitgtk:browserOptions": {"binary": str(found), "args": ["--automation"]}}
        session = self.ask("POST", "/session", {"capabilities": {"alwaysMatch": chosen}})
        self.address += f"/session/{session['sessionId']}"
        self.ask("POST", "/timeouts", {"script": 2000 * WAIT, "pageLoad": 2000 * WAIT})

    def ask(self, how, what, body=None):
        data = None if how == "GET" else json.dumps(body or {}).encode()
        asked = urllib.request.Request(self.address + what, data, {"Content-Type": "application/json"}, method=how)
        try:
            with urllib.request.urlopen(asked, timeout=2 * WAIT) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise AssertionError(error.read().decode()) from None

    def open(self, address):
        if self.frame is None:
            return self.ask("POST", "/url", {"url": address})
        width, height = self.frame
        inner = f'<iframe src="{address}" style="border: 0; width: {width}px; height: {height}px"></iframe>'
        self.around.write_text(f'<!doctype html><body style="margin: 0">{inner}', encoding="utf-8")
        self.ask("POST", "/url", {"url": self.around.as_uri()})
        self.ask("POST", "/frame", {"id": 0})

    def run(self, script, *args):
        whole = f"""const args = [...arguments], done = args.pop();
        const told = (value) => done([value ?? null]), failed = (error) => done([null, `${{error}}`]);
        (async () => await ({script})(...args))().then(told, failed);"""
        value, *wrong = self.ask("POST", "/execute/async", {"script": whole, "args": list(args)})
        assert not wrong, wrong
        return value

    def act(self, *sources):
        self.ask("POST", "/actions", {"actions": list(sources)})

    def resize(self, width, height, density=1):
        """Narrower than its window can be, the next page is opened in a frame. Its density is 1."""
        self.ask("POST", "/frame", {"id": None})
        self.frame = (width, height) if width < NARROWEST else None
        width = max(width, NARROWEST)
        for _ in range(2):  # the frame of the window takes what it takes
            have = self.run("() => [innerWidth, innerHeight]")
            box = self.ask("GET", "/window/rect")
            size = {"width": box["width"] + width - have[0], "height": box["height"] + height - have[1]}
            self.ask("POST", "/window/rect", size)
            end = time.monotonic() + 2
            while self.run("() => [innerWidth, innerHeight]") != [width, height] and time.monotonic() < end:
                time.sleep(0.02)

    def shot(self):
        return image(base64.b64decode(self.ask("GET", "/screenshot")))

    def close(self):
        with contextlib.suppress(OSError, AssertionError):
            self.ask("DELETE", "")
        for process in (self.driver, self.screen):
            process.terminate()
            process.wait(30)
        self.screen.stdout.close()
        shutil.rmtree(self.around.parent)


OTHERS = {"firefox": Firefox, "webkit": WebKit}


def image(png):
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def free():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def missing(name, needs=NEEDS):
    """Skip, saying how to get it, where an engine is not installed; in CI that is a failure."""
    how, programs = needs[name]
    if absent := [names for names in programs if not any(map(shutil.which, names.split(" or ")))]:
        message = f"needs {name} ({', '.join(absent)}): {how}"
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
