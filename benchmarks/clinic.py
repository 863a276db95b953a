"""How often diagnose is right on training runs that its rules have not seen, and what recording costs. `make bench`.

The thresholds were found on digits, wine and names, with seeds below 100 and widths 16, 24, 32, 48, 64 (the rate that
needs a warm-up also on cancer). Judged are iris, cancer, and digits with other seeds and widths.
"""

import statistics
import time

import torch
from torch import nn
from torch.nn import functional as F

from gdviz import data
from gdviz.clinic import Confusion, confusion
from gdviz.networks.vitals import examined

PLACES = [("cancer", 40), ("digits", 20), ("cancer", 20), ("digits", 56), ("iris", 40), ("cancer", 56), ("digits", 40)]
FIRST_SEED, STEPS = 100, 3000
(X, Y), _ = data.digits()


def judged(times):
    """As many training runs with each fault, and as many fives of healthy ones, as there are places, times over."""
    found = []
    for k in range(times * len(PLACES)):
        name, width = PLACES[k % len(PLACES)]
        found += confusion(data=[name], widths=[width], seeds=[FIRST_SEED + k]).named
    return Confusion(tuple(found))


def cost(size):
    """The median CPU time in ms of one step of a training run, and of one that is examined, by turns."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    adam = torch.optim.Adam(model.parameters(), lr=0.01)

    def step():
        chosen = torch.randint(len(X), (size,))
        adam.zero_grad()
        F.cross_entropy(model(X[chosen]), Y[chosen]).backward()
        adam.step()

    taken = []
    for k in range(STEPS):
        begun = time.process_time()
        step()
        between = time.process_time()
        with examined(model, [], k):
            step()
        taken.append((between - begun, time.process_time() - between))
    return [1000 * statistics.median(times) for times in zip(*taken)]


def costs():
    print(f"\n{STEPS} steps on {len(X)} digits\n")
    print("| batch size | a step | examined | every 10th | every 25th |\n|---|---|---|---|---|")
    for size in (32, 256):
        plain, seen = cost(size)
        shares = (f"{(seen / plain - 1) / every:.1%}" for every in (10, 25))
        print(f"| {size} | {plain:.2f} ms | {seen:.2f} ms | {' | '.join(shares)} |")


def main():
    torch.set_num_threads(1)
    costs()
    print(f"\n{judged(3)}")  # 105 healthy runs and 315 sick ones


if __name__ == "__main__":
    main()
