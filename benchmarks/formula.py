"""What a descent costs in the browser's own engine, in node, against torch in the same run. `make bench`.

The same formula, traced from Python: 200 steps in two dimensions, 200 steps over 442 patients, seven racers of 100
steps.
"""

import json
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from node import case, repeated

from gdviz import data, surfaces
from gdviz.descent import minimize
from gdviz.optimizers import AdaGrad, Adam, AdamW, GradientDescent, Momentum, Nesterov, RMSProp

ROSENBROCK, PATIENTS = surfaces.rosenbrock(), surfaces.linear_model(data.diabetes().standardized())
RACERS = [GradientDescent(lr=1e-3), Momentum(lr=1e-3, momentum=0.9), Nesterov(lr=1e-3, momentum=0.9)]
RACERS += [AdaGrad(lr=0.1), RMSProp(lr=0.01), Adam(lr=0.1), AdamW(lr=0.1)]
WORK = {
    "200 steps, two dimensions": [(ROSENBROCK, Adam(lr=0.05), 200)],
    "200 steps, 442 patients": [(PATIENTS, GradientDescent(lr=0.1), 200)],
    "seven racers x 100 steps": [(ROSENBROCK, rule, 100) for rule in RACERS],
}


def main():
    groups, torchs = [], []
    for parts in WORK.values():
        runs = [minimize(loss, rule, loss.start, steps) for loss, rule, steps in parts]
        groups.append([case(run) for run in runs])
        torchs.append(statistics.median(timed(parts) for _ in range(5)))
    sizes = [max(len(json.dumps([c["init"], c["advance"]], default=weight)) for c in group) for group in groups]
    print("| what | browser's engine | torch | torch / engine | trace |")
    print("|---|---|---|---|---|")
    for what, ours, theirs, size in zip(WORK, repeated(groups, "time"), torchs, sizes):
        print(f"| {what} | {ours:.2f} ms | {theirs:.0f} ms | {theirs / ours:.0f} | {size / 1000:.1f} kB |")


def timed(parts):
    """Milliseconds that minimize takes."""
    began = time.perf_counter()
    for loss, rule, steps in parts:
        minimize(loss, rule, loss.start, steps)
    return 1000 * (time.perf_counter() - began)


def weight(values):
    """Bytes as a page writes them, without the data of examples: arrays of more than 16 numbers."""
    return "" if len(values) > 128 else values.hex()


if __name__ == "__main__":
    main()
