"""What a descent costs in the browser's own engine, in node, against torch in the same run. `make bench`.

The same formula, traced from Python: 200 steps in two dimensions, over 442 patients, and of the network of notebook 05
that parts two moons; seven racers of 100 steps; and the contours of the patients' loss, against torch and contourpy,
which draws them for matplotlib.
"""

import base64
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
import contourpy
from node import HERE, case, node, repeated
from torch import nn
from torch.nn.functional import cross_entropy

from gdviz import data, surfaces, views
from gdviz.descent import minimize
from gdviz.networks import landscape, reproducible
from gdviz.optimizers import AdaGrad, Adam, AdamW, GradientDescent, Momentum, Nesterov, RMSProp
from gdviz.pictures.levels import heights
from gdviz.player import scripts

EXAMPLES = data.diabetes().standardized()
ROSENBROCK, PATIENTS = surfaces.rosenbrock(), surfaces.linear_model(EXAMPLES)
RACERS = [GradientDescent(lr=1e-3), Momentum(lr=1e-3, momentum=0.9), Nesterov(lr=1e-3, momentum=0.9)]
RACERS += [AdaGrad(lr=0.1), RMSProp(lr=0.01), Adam(lr=0.1), AdamW(lr=0.1)]


def network(units):
    """Loss and start of the network of notebook 05."""
    with reproducible(1):
        model = nn.Sequential(nn.Linear(2, units), nn.Tanh(), nn.Linear(units, 2))
    start = nn.utils.parameters_to_vector(model.parameters()).detach()
    return landscape.losses_at(model, cross_entropy, data.toy_moons()), start


NETWORKS = {units: network(units) for units in (3, 8)}
WORK = {
    "200 steps, two dimensions": [(ROSENBROCK, Adam(lr=0.05), ROSENBROCK.start, 200)],
    "200 steps, 442 patients": [(PATIENTS, GradientDescent(lr=0.1), PATIENTS.start, 200)],
    "seven racers x 100 steps": [(ROSENBROCK, rule, ROSENBROCK.start, 100) for rule in RACERS],
} | {
    f"200 steps, network of {units} hidden units, 200 points": [(loss, Adam(lr=0.1), start, 200)]
    for units, (loss, start) in NETWORKS.items()
}


def main():
    groups, torchs = [], []
    for parts in WORK.values():
        runs = [minimize(*part) for part in parts]
        groups.append([case(run) for run in runs])
        torchs.append(statistics.median(timed(parts) for _ in range(5)))
    sizes = [max(len(json.dumps([c["init"], c["advance"]], default=weight)) for c in group) for group in groups]
    print("| what | browser's engine | torch | torch / engine | trace |")
    print("|---|---|---|---|---|")
    for what, ours, theirs, size in zip(WORK, repeated(groups, "time"), torchs, sizes):
        print(f"| {what} | {ours:.2f} ms | {theirs:.0f} ms | {theirs / ours:.0f} | {size / 1000:.1f} kB |")

    ours, theirs, size = contours()
    what = "contours of 442 patients, mesh of 101 x 101"
    print(f"| {what} | {ours:.2f} ms | {theirs:.0f} ms | {theirs / ours:.0f} | {size / 1000:.1f} kB |")


def contours():
    """Milliseconds in the engine, and by torch and contourpy, of contours over new data; bytes of the trace."""
    run = minimize(PATIENTS, GradientDescent(lr=0.1), PATIENTS.start, 40)
    traits = views.line_fit(EXAMPLES, PATIENTS, run).state()["traits"]
    place = next(i for i, mark in enumerate(traits["marks"]) if mark["kind"] == "contours")
    (sent,), mark = traits["descents"], traits["marks"][place]
    trace = next(trace for mark, trace, _ in sent["marks"] if mark == place)
    given = [rate["data"] for rate in sent["rates"][-2:]]
    asked = {"trace": trace, "given": given} | {name: mark[name] for name in ("window", "levels", "quadratic")}
    told = json.dumps(asked, default=lambda value: {"base64": base64.b64encode(value).decode()})
    command = [node(), str(HERE / "levels.node.mjs"), str(scripts.STATIC), "time"]
    ours = float(subprocess.run(command, input=told, capture_output=True, text=True, check=True).stdout)
    times = []
    for _ in range(5):
        began = time.perf_counter()
        x, y, z = PATIENTS.mesh(101)
        lines = contourpy.contour_generator(x, y, z, name="mpl2014")
        for height in heights(12, z.numpy()):
            lines.lines(height)
        times.append(1000 * (time.perf_counter() - began))
    return ours, statistics.median(times), len(json.dumps(trace, default=weight))


def timed(parts):
    """Milliseconds that minimize takes."""
    began = time.perf_counter()
    for part in parts:
        minimize(*part)
    return 1000 * (time.perf_counter() - began)


def weight(values):
    """Bytes as a page writes them, without the data of examples: arrays of more than 16 numbers."""
    return "" if len(values) > 128 else values.hex()


if __name__ == "__main__":
    main()
