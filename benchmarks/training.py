"""fit on the digits against the loop of any introduction to torch: the same batches, the same weights in the end.

The loop by hand keeps nothing; fit keeps losses, accuracies, rates, examples and seconds of every step. `make bench`.
"""

import statistics
import time

import torch
from torch import nn
from torch.nn import functional as F

from gdviz import data
from gdviz.minibatches import Minibatches
from gdviz.networks.torch_optimizer import TorchOptimizer
from gdviz.networks.training import fit
from gdviz.optimizers import Adam

EPOCHS, ROUNDS = 10, 21
(X, Y), _ = data.digits()


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))


def by_hand(size, make):
    model = network()
    optimizer, batches = make(model.parameters()), Minibatches(len(X), size, generator=torch.Generator().manual_seed(0))
    for step in range(EPOCHS * batches.steps_per_epoch):
        chosen = batches(step)
        loss = F.cross_entropy(model(X[chosen]), Y[chosen])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return nn.utils.parameters_to_vector(model.parameters())


def by_fit(size, make):
    model = network()
    fit(model, F.cross_entropy, (X, Y), make(model.parameters()), epochs=EPOCHS, batch_size=size)
    return nn.utils.parameters_to_vector(model.parameters())


def main():
    torch.set_num_threads(1)  # so small a network is not faster with two
    print(f"{EPOCHS} epochs of {len(X)} digits, median of {ROUNDS}, by turns\n")
    print("| optimizer | batch size | by hand | fit | ratio |\n|---|---|---|---|---|")
    ways = {
        "torch.optim.Adam": lambda params: torch.optim.Adam(params, lr=0.01),
        "TorchOptimizer(Adam)": lambda params: TorchOptimizer(params, Adam(lr=0.01)),
    }
    for name, make in ways.items():
        for size in (32, 256):
            times = {by_hand: [], by_fit: []}
            for _ in range(ROUNDS):
                ends = []
                for way, taken in times.items():
                    start = time.perf_counter()
                    ends.append(way(size, make))
                    taken.append(time.perf_counter() - start)
                torch.testing.assert_close(*ends, rtol=0, atol=0)
            hand, ours = (statistics.median(taken) for taken in times.values())
            print(f"| {name} | {size} | {1000 * hand:.0f} ms | {1000 * ours:.0f} ms | {ours / hand:.3f} |")


if __name__ == "__main__":
    main()
