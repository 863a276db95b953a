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
from gdviz.networks import fit

PLACES = [("cancer", 40), ("digits", 20), ("cancer", 20), ("digits", 56), ("iris", 40), ("cancer", 56), ("digits", 40)]
FIRST_SEED, EVERY, EPOCHS, ROUNDS = 100, 10, 10, 21
(X, Y), _ = data.digits()


def judged(times):
    """As many training runs with each fault, and as many fives of healthy ones, as there are places, times over."""
    found = []
    for k in range(times * len(PLACES)):
        name, width = PLACES[k % len(PLACES)]
        found += confusion(data=[name], widths=[width], seeds=[FIRST_SEED + k]).named
    return Confusion(tuple(found))


def seconds(vitals, size):
    """The CPU time of one training."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    adam = torch.optim.Adam(model.parameters(), lr=0.01)
    start = time.process_time()
    fit(model, F.cross_entropy, (X, Y), adam, epochs=EPOCHS, batch_size=size, vitals=vitals)
    return time.process_time() - start


def cost():
    print(
        f"\n{EPOCHS} epochs of {len(X)} digits, every {EVERY}th step examined, CPU time, median of {ROUNDS}, by turns\n"
    )
    print("| batch size | without | with vitals | ratio |\n|---|---|---|---|")
    for size in (32, 256):
        pairs = [(seconds(None, size), seconds(EVERY, size)) for _ in range(ROUNDS)]
        without, recorded = (statistics.median(taken) for taken in zip(*pairs))
        print(f"| {size} | {1000 * without:.0f} ms | {1000 * recorded:.0f} ms | {recorded / without:.3f} |")


def main():
    torch.set_num_threads(1)
    cost()
    print(f"\n{judged(3)}")  # 105 healthy runs and 315 sick ones


if __name__ == "__main__":
    main()
