"""A class on one machine: N learners with notebook 02 open, each dragging a slider 10 times a second.

Each learner has a Jupyter server and a kernel, as on a hub, and all cells run; the first player of the notebook is
there a second time, as `interact` that draws its picture inline. What JupyterLab sends to the kernel for each drag of
either is recorded in Chromium; then all learners send it at once, with the throttle of ipywidgets: a widget has one
message under way, and what follows is merged into the next. The player moves in the browser, so its latency is that of
the recording browser alone. With `interact` a drag is answered by the first picture of its value or of a newer one,
timed until that message arrives: what the browser then needs to show it comes on top.

python benchmarks/classroom.py [--learners 20] [--seconds 10]: 0.6 GB a learner, and seven minutes on two cores.
"""

import argparse
import asyncio
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
import uuid
from collections import deque
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import nbformat
import psutil
from jupyter_server.services.kernels.connection.base import deserialize_msg_from_ws_v1, serialize_msg_to_ws_v1
from playwright.sync_api import sync_playwright
from slider_latency import keys
from tornado.httpclient import AsyncHTTPClient
from tornado.websocket import websocket_connect

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from lab import FLAGS, NOTEBOOKS, jupyter_server, open_notebook, run_all

RATE = 10  # drags a second
POSITIONS = 20  # drags that are recorded, from one end of the slider on
LATE = 100  # ms
MACHINE = 24 * 1024**3  # bytes
PARTS = ("kernel", "server")
OURS, THEIRS = "gdviz player", "interact + inline"
SLIDERS = {OURS: ".noUi-handle >> nth=0", THEIRS: ".widget-interact .noUi-handle >> nth=0"}
INTERACT = """
import ipywidgets

from gdviz import plots

rates = [k / 50 for k in range(1, 31)]
swept = minimize(ravine, GradientDescent(**grid(lr=rates)), ravine.start, steps=60)


def with_interact(surface, runs, rates):
    last = [loss if loss < 1e3 else 1e3 for loss in runs.losses[-1].tolist()]

    def draw(step, rate):
        figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4.8))
        plots.contours(surface, ax=left)
        left.plot(*runs.params[: step + 1, rate].T, ".-", scalex=False, scaley=False)
        left.set(title=f"loss {runs.losses[step, rate]:.3g}", xlabel="parameter x", ylabel="parameter y")
        right.plot(rates, last)
        right.plot(rates[rate], last[rate], "o", color="black", markersize=14)
        right.set(title="loss after 60 steps", xlabel="learning rate", ylabel="loss", yscale="log")
        plt.show()

    labels = [(f"{rate:.3g}", k) for k, rate in enumerate(rates)]
    step = ipywidgets.IntSlider(value=60, max=60)
    return ipywidgets.interact(draw, step=step, rate=ipywidgets.SelectionSlider(options=labels, value=8))


with_interact(ravine, swept, rates);
"""


class Message(NamedTuple):
    """What the browser sent in a drag: new values for a widget, and after how many pictures of this drag."""

    widget: int  # counted in the order in which the kernel opened them
    model: str
    state: dict
    pictures: int
    size: int  # bytes


class Round(NamedTuple):
    """Some seconds of dragging: what was sent and answered, the CPU seconds it took, and latencies in ms."""

    drags: int
    messages: int
    pictures: int
    kernel: float
    server: float
    latencies: list


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--learners", type=int, default=20)
    options.add_argument("--seconds", type=int, default=10)
    given = options.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"  # as CLASSROOM.md sets it
    with tempfile.TemporaryDirectory() as folder:
        drags, in_browser = recorded(Path(folder) / "recording")
        asyncio.run(classroom(given.learners, given.seconds, drags, in_browser, Path(folder)))


def cells():
    """The code of notebook 02, with the same picture as `interact` after its first player."""
    notebook = nbformat.read(NOTEBOOKS / "02_learning_rate.ipynb", 4)
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    first = next(i for i, source in enumerate(code) if "views.rate.sweep(" in source)
    return [*code[: first + 1], INTERACT.strip(), *code[first + 1 :]]


# --- what a drag sends, recorded once ---


def recorded(folder):
    """For each way the messages of each drag, by JupyterLab in Chromium; and the player's latency there, in ms."""
    folder.mkdir()
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in cells()])
    notebook.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
    with sync_playwright() as playwright, jupyter_server(folder) as address:
        nbformat.write(notebook, folder / "class.ipynb")
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        page, frames = browser.new_page(viewport={"width": 1600, "height": 900}), []
        page.on("websocket", lambda socket: listen(socket, frames))
        open_notebook(page, address, "class.ipynb")
        run_all(page, "document.querySelector('.gdviz-player canvas') && document.querySelector('.widget-interact')")
        drags = {way: recorded_drags(page, frames, page.locator(slider)) for way, slider in SLIDERS.items()}
        times = keys(page)
        browser.close()
    return drags, times


def listen(socket, frames):
    if "/channels" in socket.url:
        socket.on("framesent", lambda data: frames.append((True, len(data), *parsed(data))))
        socket.on("framereceived", lambda data: frames.append((False, len(data), *parsed(data))))


def parsed(data):
    """The kind of a message, its id, its parent's id, and its content where that is asked for below."""
    header, parent, _, content = deserialize_msg_from_ws_v1(data)[1][:4]
    header = json.loads(header)
    wanted = header["msg_type"] in ("comm_open", "comm_msg", "status", "execute_reply")
    found = json.loads(content) if wanted else {}
    return header["msg_type"], header["msg_id"], json.loads(parent).get("msg_id"), found


def recorded_drags(page, frames, handle):
    handle.scroll_into_view_if_needed()
    box, width = handle.bounding_box(), handle.locator("xpath=../..").bounding_box()["width"]
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    on = 1 if x < handle.locator("xpath=../..").bounding_box()["x"] + width / 2 else -1  # to where there is room
    page.mouse.move(x, y)
    page.mouse.down()
    drags = []
    for k in range(1, POSITIONS + 1):
        before = len(frames)
        page.mouse.move(x + on * 0.04 * k * width, y)
        wait_until_done(page, frames, before)
        drags.append(messages(frames, before))
    page.mouse.up()
    return drags


def wait_until_done(page, frames, before):
    """Until the kernel has done with all that was sent, and nothing more has come for a fifth of a second."""
    end, seen = time.monotonic() + 60, 0
    while time.monotonic() < end:
        sent = {name for out, _, _, name, _, _ in frames[before:] if out}
        done = {parent for *_, parent, content in frames[before:] if is_idle(content)}
        if sent and sent <= done and len(frames) == seen:
            return
        seen = len(frames)
        page.wait_for_timeout(200)
    raise TimeoutError("the kernel has not done with a drag after a minute")


def messages(frames, before):
    opened = [content for out, _, kind, _, _, content in frames if kind == "comm_open" and not out]
    order = {content["comm_id"]: (i, model(content)) for i, content in enumerate(opened)}
    pictures, found = 0, []
    for out, size, kind, _, _, content in frames[before:]:
        pictures += kind == "display_data"
        if out and kind == "comm_msg":
            found.append(Message(*order[content["comm_id"]], content["data"]["state"], pictures, size))
    return found


def is_idle(content):
    return content.get("execution_state") == "idle"


def model(content):
    return content["data"].get("state", {}).get("_model_name", "")


# --- the learners ---


class Learner:
    """A learner's browser without the browser: runs cells, drags, and notes when the picture of a drag has come."""

    def __init__(self):
        self.widgets, self.replies = [], {}  # (id, model) as they were opened; message -> the future of its reply
        self.under_way, self.later = {}, {}  # message -> (widget, drag); widget -> (values, drag) that wait for it
        self.waiting = deque()  # (drag, when), of which no picture has come
        self.begin([])

    def begin(self, drags):
        self.drags, self.latencies, self.pictures, self.sent = drags, [], 0, 0

    async def open(self, address):
        """Start a kernel on this server and connect to it, as JupyterLab does."""
        client = AsyncHTTPClient()
        page = await client.fetch(f"{address}/lab")
        cookie = next(c for c in page.headers.get_list("Set-Cookie") if c.startswith("_xsrf")).split(";")[0]
        headers = {"Cookie": cookie, "X-XSRFToken": cookie.removeprefix("_xsrf=")}
        kernel = await client.fetch(f"{address}/api/kernels", method="POST", headers=headers, body="{}")
        name = json.loads(kernel.body)["id"]
        ours = psutil.Process().children(recursive=True)
        self.kernel = next(process for process in ours if any(name in part for part in process.cmdline()))
        self.server = self.kernel.parent()
        url = f"{address.replace('http', 'ws')}/api/kernels/{name}/channels"
        protocol = ["v1.kernel.websocket.jupyter.org"]
        self.socket = await websocket_connect(url, on_message_callback=self.receive, subprotocols=protocol)

    async def run(self, source):
        reply = asyncio.get_running_loop().create_future()
        self.replies[self.send("execute_request", {"code": source, "silent": False, "stop_on_error": True})] = reply
        answer = await reply
        if answer["status"] != "ok":
            raise RuntimeError(f"{answer['ename']}: {answer['evalue']} in\n{source}")

    def send(self, kind, content):
        header = {"msg_id": uuid.uuid4().hex, "msg_type": kind, "username": "", "session": "class", "version": "5.3"}
        message = {"header": header | {"date": "2000-01-01T00:00:00Z"}, "parent_header": {}, "metadata": {}}
        data = serialize_msg_to_ws_v1(message | {"content": content}, "shell", lambda part: json.dumps(part).encode())
        self.socket.write_message(data, binary=True)
        return header["msg_id"]

    def receive(self, data):
        kind, _, parent, content = parsed(data) if data else ("", "", "", {})
        if kind == "comm_open":
            self.widgets.append((content["comm_id"], model(content)))
        elif kind == "execute_reply" and parent in self.replies:
            self.replies.pop(parent).set_result(content)
        elif kind == "display_data" and parent in self.under_way:
            self.shown(self.under_way[parent][1])
        elif is_idle(content) and parent in self.under_way:
            message, _ = self.under_way.pop(parent)
            if message.widget in self.later:
                self.update(*self.later.pop(message.widget))

    def drag(self, count):
        """One more position of the slider."""
        self.waiting.append((count, time.perf_counter()))
        for message in self.drags[count % len(self.drags)]:
            if not message.pictures:
                self.update(message, count)

    def update(self, message, count):
        """New values for a widget: at once, or merged until the kernel has done with the last ones."""
        if any(message.widget == other.widget for other, _ in self.under_way.values()):
            merged = self.later[message.widget][0].state if message.widget in self.later else {}
            self.later[message.widget] = message._replace(state=merged | message.state), count
            return
        name, found = self.widgets[message.widget]
        if found != message.model:
            raise RuntimeError(f"widget {message.widget} was a {message.model} in the recording, and here is a {found}")
        data = {"method": "update", "state": message.state, "buffer_paths": []}
        self.under_way[self.send("comm_msg", {"comm_id": name, "data": data})] = message, count
        self.sent += 1

    def shown(self, count):
        """The picture of a drag is here: it answers all drags up to this one; the browser sends it to its widget."""
        self.pictures += 1
        while self.waiting and self.waiting[0][0] <= count:
            self.latencies.append(1000 * (time.perf_counter() - self.waiting.popleft()[1]))
        for message in self.drags[count % len(self.drags)]:
            if message.pictures:
                self.update(message, count)


async def classroom(many, seconds, drags, in_browser, folder):
    learners = [Learner() for _ in range(many)]
    with ExitStack() as stack:
        for k, learner in enumerate(learners):
            (folder / str(k)).mkdir()
            await learner.open(stack.enter_context(jupyter_server(folder / str(k))))
            tell(f"{k + 1} of {many} servers")
        stack.callback(lambda: [learner.server.terminate() for learner in learners])  # all, and then wait for each
        start = time.perf_counter()
        await asyncio.gather(*(run_cells(learner) for learner in learners))
        opening = time.perf_counter() - start, cpu(learners, "kernel") / many
        idle = await measured(learners, [], [], seconds)
        rounds = {}
        for way, n in ((way, n) for way in drags for n in sorted({1, 2, many})):
            rounds[way, n] = await measured(learners, learners[:n], drags[way], seconds)
            tell(f"{way}, {n} at once: {rounds[way, n]._replace(latencies=[])}")
        report(many, drags, rounds, in_browser)
        report_machine(many, seconds, opening, idle, learners)


async def run_cells(learner):
    for source in cells():
        await learner.run(source)


async def measured(learners, dragging, drags, seconds):
    """These learners drag RATE times a second, not all at the same moment; then until the kernels have done."""
    for learner in dragging:
        learner.begin(drags)
    before, start = [cpu(learners, part) for part in PARTS], time.perf_counter()

    async def hand(learner, offset):
        for count in range(seconds * RATE):
            await asyncio.sleep(start + offset + count / RATE - time.perf_counter())
            learner.drag(count)
        while learner.under_way:
            await asyncio.sleep(0.05)
        learner.waiting.clear()

    hands = (hand(learner, k / len(dragging) / RATE) for k, learner in enumerate(dragging))
    await asyncio.gather(asyncio.sleep(seconds), *hands)
    used = [cpu(learners, part) - at_first for part, at_first in zip(PARTS, before)]
    sent, pictures = (sum(getattr(learner, name) for learner in dragging) for name in ("sent", "pictures"))
    latencies = [time for learner in dragging for time in learner.latencies]
    return Round(len(dragging) * seconds * RATE, sent, pictures, *used, latencies)


def cpu(learners, part):
    return sum(sum(getattr(learner, part).cpu_times()[:2]) for learner in learners)


# --- the report ---


def report(many, drags, rounds, in_browser):
    sizes, costs = sorted({1, 2, many}), [cost(rounds[way, many], drags[way][0]) for way in drags]
    print(f"| {many} learners, {psutil.cpu_count()} cores | {' | '.join(drags)} |\n|---|---|---|")
    row("messages to the kernel for a drag", *(said(some[0]) for some in drags.values()))
    row("CPU for an answered drag, kernel + server", *(f"{kernel:.1f} + {server:.1f} ms" for kernel, server in costs))
    row("so many learners for a core (computed)", *(f"{1000 / RATE / sum(both):.2g}" for both in costs))
    for n in sizes:
        row(f"{n} dragging: latency, median (p95)", latency(in_browser), latency(rounds[THEIRS, n].latencies))
    for n in sizes:
        whole = [rounds[way, n].messages / rounds[way, n].drags / len(drags[way][0]) for way in drags]
        row(f"{n} dragging: messages that were not merged", *(f"{share:.0%}" for share in whole))
    row(f"dragging at once, median under {LATE} ms", *(in_time(rounds, way, sizes, in_browser) for way in drags))


def in_time(rounds, way, sizes, in_browser):
    """The most learners, of the numbers that were tried, whose picture is not late."""
    times = {n: in_browser if way == OURS else rounds[way, n].latencies for n in sizes}
    return max((n for n in sizes if statistics.median(times[n]) < LATE), default=0)


def row(name, ours, theirs):
    print(f"| {name} | {ours} | {theirs} |")


def said(messages):
    return f"{len(messages)}, {sum(message.size for message in messages) / 1e3:.1f} kB"


def cost(round, messages):
    """ms of kernel and server for a drag that was answered: by a picture, or, where none is asked for, not merged."""
    answered = round.pictures or round.messages / len(messages)
    return 1000 * round.kernel / answered, 1000 * round.server / answered


def latency(times):
    return f"{statistics.median(times):.0f} ms ({statistics.quantiles(times, n=20)[-1]:.0f} ms)"


def report_machine(many, seconds, opening, idle, learners):
    """What a learner takes of the machine; memory is what no other process has (USS), the rest is common to all."""
    full = [[getattr(learner, part).memory_full_info() for learner in learners] for part in PARTS]
    kernel, server = (statistics.mean(m.uss for m in part) / 1e6 for part in full)
    common = sum(m.pss - m.uss for part in full for m in part) / 1e6
    room = (MACHINE / 1e6 - common) / (kernel + server)
    print(
        f"\nMemory: {kernel:.0f} MB for a kernel and {server:.0f} MB for its server; {common:.0f} MB for all together."
    )
    print(f"{MACHINE / 1024**3:.0f} GiB hold {room:.0f} learners (computed).")
    print(f"All {many} ran all cells at once in {opening[0]:.0f} s, with {opening[1]:.1f} s of CPU each.")
    print(f"Nobody dragging for {seconds} s: {idle.kernel:.2f} s of CPU in kernels, {idle.server:.2f} s in servers.")


def tell(what):
    print(what, file=sys.stderr)


if __name__ == "__main__":
    main()
