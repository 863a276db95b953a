"""Orca, the screen reader of Linux desktops, beside Firefox, on a screen and with buses of their own.

What it would say is read from its log: no voice is needed, and a desktop's own Orca is left alone.
"""

import os
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import engines

NEEDS = {
    "orca": (
        "apt-get install orca at-spi2-core dbus-x11 openbox xdotool xvfb firefox-esr",
        ["orca", "dbus-daemon", "openbox", "xdotool", "Xvfb", "firefox-esr or firefox"],
    )
}
DESKTOP = ["DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS", "AT_SPI_BUS_ADDRESS", "NO_AT_BRIDGE", "PYTHONPATH"]
VOICELESS = """
import orca.debug, orca.speech
orca.debug.debugLevel = orca.debug.LEVEL_INFO
orca.debug.debugFile.reconfigure(line_buffering=True)
orca.speech.init = lambda: None
"""
SAID = re.compile(r"SPEECH OUTPUT: '(.*?) *'(?: ?[\[{].*)?$", re.MULTILINE)


class Orca:
    """Firefox, and Orca which reads it. firefox: its engine; said(): what was said since a page was opened."""

    def __init__(self):
        self.home, self.started, self.firefox, self.before = Path(tempfile.mkdtemp(prefix="gdviz-orca-")), [], None, 0
        self.log = self.home / "log"
        places = {name: self.home / name for name in ("XDG_RUNTIME_DIR", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "bin")}
        for folder in places.values():
            folder.mkdir(mode=0o700)
        self.env = {name: value for name, value in os.environ.items() if name not in DESKTOP}
        self.env |= {name: str(folder) for name, folder in places.items() if name != "bin"}
        self.env |= {"HOME": str(self.home), "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "LANGUAGE": "en"}
        self.env |= {
            "GNOME_ACCESSIBILITY": "1",
            "GST_PLUGIN_SYSTEM_PATH_1_0": str(self.home),
            "GTK_USE_PORTAL": "0",
            "GSETTINGS_BACKEND": "memory",
        }
        self.env |= {"GDK_BACKEND": "x11", "PATH": f"{places['bin']}:{os.environ['PATH']}"}
        (places["bin"] / "pgrep").write_text("#!/bin/sh\n")  # Orca looks for others, beside which it will not run
        (places["bin"] / "pgrep").chmod(0o700)
        (places["XDG_DATA_HOME"] / "orca").mkdir()
        (places["XDG_DATA_HOME"] / "orca" / "orca-customizations.py").write_text(VOICELESS)
        try:
            self._start()
        except BaseException:
            self.close()
            raise

    def _start(self):
        screen = "Xvfb -displayfd 1 -screen 0 1280x1000x24 -nolisten tcp"
        self.env["DISPLAY"] = f":{self._run(screen)}"
        self.env["DBUS_SESSION_BUS_ADDRESS"] = self._run("dbus-daemon --session --nofork --nopidfile --print-address")
        self._run("openbox", answers=False)
        self._run(f"orca --debug-file {self.log}", answers=False)
        self.firefox = engines.Firefox(screen=self.env)
        self.hears("Screen reader on")

    def _run(self, command, answers=True):
        """Start a program; its first line, where it answers."""
        out = subprocess.PIPE if answers else subprocess.DEVNULL
        self.started.append(
            subprocess.Popen(command.split(), env=self.env, cwd=self.home, stdout=out, stderr=subprocess.DEVNULL)
        )
        return self.started[-1].stdout.readline().decode().strip() if answers else None

    def _all(self):
        return SAID.findall(self.log.read_text(errors="replace")) if self.log.exists() else []

    def open(self, address):
        """Show a page: what was said before it is forgotten."""
        self.before = len(self._all())
        self.firefox.open(address)

    def said(self):
        return self._all()[self.before :]

    def hears(self, words):
        """Wait until something is said that matches this pattern from its beginning, and return it."""
        end = time.monotonic() + engines.WAIT
        while not (found := [one for one in self.said() if re.match(words, one)]):
            assert time.monotonic() < end, f"{words!r} was never said, but {self.said()}"
            time.sleep(0.05)
        return found[-1]

    def press(self, *keys):
        """Press these keys, as X calls them."""
        subprocess.run(["xdotool", "key", "--delay", "100", *keys], env=self.env, check=True, timeout=engines.WAIT)

    def close(self):
        if self.firefox:
            self.firefox.close()
        for process in reversed(self.started):
            process.kill()
            process.wait()
            if process.stdout:
                process.stdout.close()
        shutil.rmtree(self.home, ignore_errors=True)
