"""A room of one's own on a free port, as `make room` starts it: for the tests and the benchmark."""

import contextlib
import http.client
import json
import re
import secrets
import subprocess
import sys
import threading
import time
from pathlib import Path

from lab import free_port

SERVICE = Path(__file__).parents[1] / "notebooks" / "tools" / "room_service.py"


class Room:
    """A running service: its process, its port and the lecturer's token."""

    def __init__(self, store, port=None, *options):
        self.store, self.port = store, port or free_port()
        command = [sys.executable, SERVICE, "--port", str(self.port), "--host", "127.0.0.1", "--store", store, *options]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.printed = [self.process.stdout.readline()]
        while self.printed[-1] and not self.printed[-1].startswith("It lives"):
            self.printed.append(self.process.stdout.readline())
        self.token = (re.findall(r"token=(\w+)", "".join(self.printed)) or [""])[0]
        self.address = f"http://127.0.0.1:{self.port}/"

    def ask(self, path, words=None, *, token="", headers=(), body=None, connection=None):
        """The status and the answer, from JSON where it is JSON."""
        sent = {"Content-Type": "application/json"} | ({"Authorization": f"token {token}"} if token else {})
        body = json.dumps(words) if body is None and words is not None else body
        with contextlib.closing(connection or http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)) as line:
            line.request("GET" if body is None else "POST", f"/{path}", body, sent | dict(headers))
            reply = line.getresponse()
            text = reply.read().decode()
        return reply.status, json.loads(text) if "json" in reply.headers.get("Content-Type", "") else text

    def open(self, name, choices=None, about=None):
        words = {"name": name, "choices": choices, "about": about}
        status, answer = self.ask("open", words, token=self.token)
        assert status == 200, answer
        return answer

    def note(self, name, letter, who=None, **more):
        return self.ask("letter", {"name": name, "letter": letter, "who": who or learner()} | more)

    def counts(self, name):
        return self.ask(f"counts.json?name={name}")[1]["counts"]

    def kill(self):
        self.process.kill()  # kill -9
        self.process.communicate()

    def end(self):
        """End it as Ctrl-C does, and give what it has printed since it started."""
        with contextlib.suppress(OSError):
            self.process.terminate()
        return self.process.communicate(timeout=30)[0]


def learner():
    return secrets.token_hex(16)


def burst(room, letters, name="02-1", within=0.0, killed_after=None):
    """Send these letters, each from a learner with a thread; those acknowledged, as (learner, letter, seconds).

    within: the seconds over which they are spread. killed_after: the service is killed after so many.
    """
    noted, ready = [], threading.Barrier(len(letters))

    def send(k, letter):
        who, words = learner(), None
        connection = http.client.HTTPConnection("127.0.0.1", room.port, timeout=30)
        ready.wait()
        time.sleep(within * k / len(letters))
        start = time.perf_counter()
        with contextlib.suppress(OSError, http.client.HTTPException):
            words = room.ask("letter", {"name": name, "letter": letter, "who": who}, connection=connection)
        if words and words[0] == 200:
            noted.append((who, letter, time.perf_counter() - start))
            if len(noted) == killed_after:
                room.process.kill()

    threads = [threading.Thread(target=send, args=pair) for pair in enumerate(letters)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return noted
