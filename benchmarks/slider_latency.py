"""From the input to changed pixels, in JupyterLab in headless Chromium: our player, `interact` with inline, ipympl.

One picture of notebook 01 three times, and the two players of notebook 04 with the most to draw. Each is driven by
the arrow keys on its real slider, ours also by dragging its start and a data point; the time runs from the event to
the frame after which other pixels are on the screen. The kernel is next door, or behind a proxy on loopback that
delays each direction by half the round trip, or dead; and the same player is saved as a page, which has neither
kernel nor network. `make bench`.
"""

import asyncio
import os
import shutil
import signal
import statistics
import sys
import tempfile
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import nbformat
import psutil
from playwright.sync_api import sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
sys.path.insert(0, str(Path(__file__).parents[1] / "notebooks" / "tools"))
import write_decks
from lab import FLAGS, free_port, jupyter_server, open_notebook, run_all

ROOT = Path(__file__).parents[1]

PRESSES = 60
DRAGGED = (-95.0, 15.0)  # the start
SETUP = """
import ipywidgets
import matplotlib.pyplot as plt
from gdviz import data, plots, surfaces, views
from gdviz.descent import minimize
from gdviz.optimizers import GradientDescent
plt.style.use("gdviz.course")
patients = data.diabetes().standardized()
loss = surfaces.linear_model(patients, xlim=(-110, 200), ylim=(-3, 307))
rule = GradientDescent(lr=0.1)
descent = minimize(loss, rule, [-95.0, 15.0], 200)
x_line = plots.lines(patients, descent.params)
"""
AXES = """
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(12.6, 4.4))
    plots.examples(patients, ax=left)
    plots.contours(loss, ax=middle)
    right.set(yscale="log", xlim=(0, 200), ylim=(3000, 100000))
    (line,) = left.plot(*x_line[step].T)
    (path,) = middle.plot(*descent.params[: step + 1].T, ".-")
    (curve,) = right.plot(descent.losses[: step + 1])
"""
WAYS = {
    "gdviz player": SETUP + "views.line_fit(patients, loss, descent, at={'step': 100})",
    "interact + inline": SETUP + f"def draw(step):{AXES}    plt.show()\n"
    "ipywidgets.interact(draw, step=ipywidgets.IntSlider(value=100, max=200));",
    "ipympl": "%matplotlib widget\n" + SETUP + f"def make(step):{AXES}    return figure, line, path, curve\n"
    "figure, line, path, curve = make(100)\n"
    "slider = ipywidgets.IntSlider(value=100, max=200)\n"
    """
def move(change):
    step = change.new
    line.set_data(*x_line[step].T)
    path.set_data(*descent.params[: step + 1].T)
    curve.set_data(range(step + 1), descent.losses[: step + 1])
    figure.canvas.draw_idle()

slider.observe(move, "value")
display(slider)
""",
}
HEAVIEST = """
import matplotlib.pyplot as plt
from gdviz import optimizers, surfaces, views
from gdviz.descent import grid, minimize
plt.style.use("gdviz.course")
"""
WAYS["player of 04, lr and momentum"] = (
    HEAVIEST
    + """
rates, momenta = [0.07 * k for k in range(1, 15)], [0.095 * k for k in range(10)]
ravine = surfaces.ravine()
balls = minimize(ravine, optimizers.Momentum(**grid(lr=rates, momentum=momenta)), ravine.start, steps=60)
sliders = {"learning rate": rates, "momentum": momenta}
views.momentum.rate_map(ravine, balls, [0.2, 4.0], sliders=sliders, at={"step": 30})
"""
)
WAYS["player of 04, race of seven"] = (
    HEAVIEST
    + """
rules = [optimizers.GradientDescent(lr=0.05), optimizers.Momentum(lr=0.03), optimizers.Nesterov(lr=0.01),
         optimizers.AdaGrad(lr=0.6), optimizers.RMSProp(lr=0.02), optimizers.Adam(lr=0.3), optimizers.LBFGS(lr=0.5)]
wells = surfaces.two_wells()
runs = {type(rule).__name__: minimize(wells, rule, [[1.0, 1.7]], steps=100) for rule in rules}
views.momentum.race(wells, runs, {name: [0.5] for name in runs}, ["swept"], at={"step": 50})
"""
)
WAYS["player of 03, clouds of 200"] = """
import matplotlib.pyplot as plt
import torch
from gdviz import minibatches, optimizers, surfaces, theory, views
from gdviz.descent import grid, minimize
plt.style.use("gdviz.course")
rates, momenta, bowl = [0.02, 0.05, 0.1], [0, 0.5, 0.9], surfaces.bowl(2, smallest=2)
swept = {name: values[..., None] for name, values in grid(lr=rates, momentum=momenta).items()}
noisy = minibatches.noisy_loss(bowl, 1.0, runs=(1, 1, 200), generator=torch.Generator().manual_seed(0))
balls = minimize(bowl, optimizers.Momentum(**swept), [5.0, 4.0], 200, sampled_loss=noisy)
H = torch.diag(torch.tensor([2.0, 4.0]))
ball = theory.ball(H, torch.eye(2), torch.tensor(rates)[:, None], torch.tensor(momenta))
sliders = {"step": range(0, 201, 5), "learning rate": rates, "momentum": momenta}
views.noise.clouds(bowl, balls.params[::5], sliders, ball=ball, at={"step": 20})
"""
PLACE = "(document.querySelector('.jp-OutputArea-output:has(canvas, img)') ?? document)"
PICTURE = f"['canvas', 'img'].map((tag) => {PLACE}.querySelector(tag)).find(Boolean)"
HANDLE = ".noUi-handle, .slider input"
MEASURE = """([type, part]) => {
  // what is shown: the address of an image, or the pixels of a canvas right of this part of its width
  const look = () => {
    const picture = PICTURE;
    if (!picture) return null;
    if (picture.tagName === 'IMG') return picture.complete ? picture.src : null;
    const left = Math.floor(picture.width * part);
    const { data } = picture.getContext('2d').getImageData(left, 0, picture.width - left, picture.height);
    const words = new Uint32Array(data.buffer);
    let hash = 0;
    for (let i = 0; i < words.length; i += 1) hash = (Math.imul(hash, 31) + words[i]) | 0;
    return hash;
  };
  const before = look();
  window.measured = new Promise((done) => window.addEventListener(type, () => {
    const start = performance.now(), painted = new MessageChannel();
    const frame = () => requestAnimationFrame(() => painted.port2.postMessage(0));
    painted.port1.onmessage = () => { // a task of its own, after the frame has been drawn
      const time = performance.now() - start, now = look();
      if (now !== null && now !== before) done(time);
      else if (time > 10000) done(null);
      else frame();
    };
    frame();
  }, { once: true, capture: true }));
}""".replace("PICTURE", PICTURE)

WORK = """
window.work = [];
const asked = window.requestAnimationFrame.bind(window);
window.requestAnimationFrame = (draw) => asked((now) => {
  const start = performance.now();
  draw(now);
  window.work.push(performance.now() - start);
});
"""


def main():
    rows, player = Rows(), made()
    spots = places(player)
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder, jupyter_server(folder) as address:
        for way, source in WAYS.items():
            cell = nbformat.v4.new_code_cell(source.strip())
            kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
            nbformat.write(
                nbformat.v4.new_notebook(cells=[cell], metadata={"kernelspec": kernel}), f"{folder}/{way}.ipynb"
            )
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        for delay in (0, 100):
            with delayed(address, delay) as nearer:
                where = f"{delay} ms round trip" if delay else "kernel next door"
                for way in WAYS:
                    page = browser.new_page(viewport={"width": 1600, "height": 900})
                    open_notebook(page, nearer, f"{way}.ipynb")
                    run_all(page, f"{PICTURE} && document.querySelector('.noUi-handle')")
                    rows.append((way, where, keys(page)))
                    if way == "gdviz player":
                        dragged(rows, where, page, spots)
                    if way == "gdviz player" and not delay:
                        cost = kernel_seconds(page, spots[0])
                        kill_kernel(page)
                        rows.append((way, "kernel killed", keys(page)))
                        dragged(rows, "kernel killed", page, spots)
                    page.evaluate("jupyterapp.serviceManager.sessions.shutdownAll()")  # each way has the machine alone
                    page.close()
        page = saved_page(browser, player, Path(folder, "page.html"))
        rows.append(("gdviz player", "saved page, no network", keys(page)))
        dragged(rows, "saved page, no network", page, spots)
        for what, spot in zip(("start", "data point"), spots, strict=True):
            rows.append((f"of it the player's own, {what}", "saved page, no network", own_work(page, spot)))
        rows.append(("gdviz player", "slide of 1920 x 1080, no network", keys(slide(browser, Path(folder, "decks")))))
        browser.close()
    report(rows)
    print(f"\nTen seconds of dragging cost the kernel {cost:.3f} s of CPU.")


class Rows(list):
    """The measured rows; each is told on stderr as it comes."""

    def append(self, row):
        way, where, times = row
        print(f"{way}, {where}: median {statistics.median(times):.1f} ms of {len(times)}", file=sys.stderr)
        super().append(row)


def made():
    """The player of notebook 01."""
    names = {}
    exec(SETUP, names)
    player = names["views"].line_fit(names["patients"], names["loss"], names["descent"], at={"step": 100})
    player.state()
    return player


def places(player):
    """Of what is dragged, the start and the first patient: where it is, in parts of the picture."""
    found = []
    for kind in ("start", "points"):
        handle = next(handle for handle in player.handles if handle["kind"] == kind)
        axes = player.axes[handle["axes"]]
        place = DRAGGED if kind == "start" else player._marks[handle["mark"]].array.reshape(-1, 2)[0]
        parts = [(value - low) / (high - low) for value, (low, high) in zip(place, (axes["xlim"], axes["ylim"]))]
        (left, top, width, height), size = axes["box"], player.size
        found.append(((left + parts[0] * width) / size[0], (top + (1 - parts[1]) * height) / size[1]))
    return found


def saved_page(browser, player, file):
    """The player, saved, and opened from its file."""
    player.save(file)
    page = browser.new_context(viewport={"width": 1600, "height": 900}, offline=True).new_page()
    page.add_init_script(WORK)
    page.goto(file.as_uri())
    page.wait_for_function("document.querySelector('canvas')?.ariaLabel")
    return page


def slide(browser, folder):
    """The first player of the lecture of 45 minutes, on a screen of 1920 x 1080."""
    decks = write_decks.read_decks(ROOT / "notebooks" / "decks.toml")
    write_decks.write([decks["one_lecture"]], ROOT / "INSTRUCTORS.md", folder)
    page = browser.new_context(viewport={"width": 1920, "height": 1080}, offline=True).new_page()
    page.goto((folder / "one_lecture.html").as_uri())
    page.wait_for_function("'ready' in document.documentElement.dataset")
    page.evaluate(
        "Reveal.slide([...document.querySelectorAll('.slides > section')].findIndex((s) => s.querySelector('canvas')))"
    )
    return page


def dragged(rows, where, page, spots):
    for what, spot in zip(("start", "data point"), spots, strict=True):
        rows.append((f"gdviz player, {what} dragged", where, drags(page, spot)))


def keys(page):
    """Milliseconds of each of the presses, to and fro."""
    page.locator(HANDLE).first.focus()
    return [
        timed(page, "keydown", lambda k=k: page.keyboard.press(k)) for k in ["ArrowRight", "ArrowLeft"] * (PRESSES // 2)
    ]


def drags(page, spot):
    """Milliseconds of each move of what is held; the loss curve, right of the middle, must be another."""
    with held(page, spot) as path:
        return [timed(page, "pointermove", lambda place=place: page.mouse.move(*place), 0.7) for place in path]


def own_work(page, spot):
    """Milliseconds of JavaScript in each frame while something is dragged: the rest of a drag is the browser's."""
    with held(page, spot) as path:
        page.evaluate("work.length = 0")
        for place in path:
            page.mouse.move(*place)
            page.wait_for_timeout(60)
        return [time for time in page.evaluate("work") if time > 0.3]  # else nothing was drawn


@contextmanager
def held(page, spot, moves=40):
    """What is at this part of the picture, held by the mouse; gives the places to move it to."""
    area = page.locator(".gdviz-player canvas").bounding_box()
    x, y = area["x"] + area["width"] * spot[0], area["y"] + area["height"] * spot[1]
    page.mouse.move(x, y)
    page.mouse.down()
    yield [(x + 2 * (1 + k % 20), y - 1 - k % 20) for k in range(moves)]
    page.mouse.up()


def kernel_seconds(page, spot):
    """CPU that the kernel uses while the start is dragged for ten seconds."""
    (kernel,) = kernels(page)
    before, end = sum(kernel.cpu_times()[:2]), time.monotonic() + 10
    with held(page, spot, 10_000) as path:
        for place in path:
            page.mouse.move(*place)
            if time.monotonic() > end:
                break
    page.wait_for_timeout(500)
    return sum(kernel.cpu_times()[:2]) - before


def timed(page, event, act, part=0):
    page.evaluate(f"(args) => {{ ({MEASURE})(args); }}", [event, part])
    act()
    milliseconds = page.evaluate("measured")
    if milliseconds is None:
        raise TimeoutError(f"no other pixels within 10 s of a {event}")
    page.wait_for_timeout(60)  # let the rest of the page come to rest
    return milliseconds


def kernels(page):
    kernel, found = page.evaluate("jupyterapp.shell.currentWidget.sessionContext.session.kernel.id"), []
    for process in psutil.Process(os.getpid()).children(recursive=True):
        with suppress(psutil.Error):  # a helper of Chromium that has just gone
            found += [process] if any(kernel in part for part in process.cmdline()) else []
    return found


def kill_kernel(page):
    for process in kernels(page):
        process.send_signal(signal.SIGKILL)
    page.locator(".jp-Dialog button.jp-mod-accept").click()


@contextmanager
def delayed(address, round_trip):
    """The address of a proxy that delays what goes through, each way by half the round trip (in ms)."""
    target, port = int(address.rsplit(":", 1)[1]), free_port()
    loop = asyncio.new_event_loop()

    async def pipe(reader, writer):
        queue = asyncio.Queue()

        async def deliver():
            while True:
                due, data = await queue.get()
                await asyncio.sleep(max(0, due - loop.time()))
                if not data:
                    return writer.close()
                writer.write(data)
                await writer.drain()

        delivering = loop.create_task(deliver())
        data = b"more"
        while data:
            data = await reader.read(1 << 16)
            queue.put_nowait((loop.time() + round_trip / 2000, data))
        await delivering

    async def connect(reader, writer):
        to, back = await asyncio.open_connection("127.0.0.1", target)
        await asyncio.gather(pipe(reader, back), pipe(to, writer), return_exceptions=True)

    threading.Thread(target=loop.run_forever, daemon=True).start()
    starting = asyncio.start_server(connect, "127.0.0.1", port)
    server = asyncio.run_coroutine_threadsafe(starting, loop).result(10)
    yield f"http://127.0.0.1:{port}"
    loop.call_soon_threadsafe(server.close)


def report(rows):
    ours = {where: statistics.median(times) for way, where, times in rows if way == "gdviz player"}
    print("| way | where | median | p95 | times the player's median |")
    print("|---|---|---|---|---|")
    for way, where, times in rows:
        median, p95 = statistics.median(times), statistics.quantiles(times, n=20)[-1]
        print(f"| {way} | {where} | {median:.0f} ms | {p95:.0f} ms | {median / ours[where]:.0f} |")


if __name__ == "__main__":
    main()
