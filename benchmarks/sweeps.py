"""1,000 learning rates x 200 steps: one call of minimize, a loop over torch.optim, torch.func.vmap of a step.

The three must take the same path, and each keeps all of it. Then how minimize grows from 1 to 100,000 runs, each size
in a process of its own: seconds, what the trajectory holds, and the peak of memory over that of one run. Writes
sweeps.png beside this file. `make bench`.
"""

import resource
import statistics
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import matplotlib.pyplot as plt
import torch

from gdviz.descent import grid, minimize
from gdviz.optimizers import Adam, Momentum, Muon
from gdviz.style import BLUE, VERMILLION
from gdviz.surfaces import ravine

STEPS, RUNS, SIZES = 200, 1000, (1, 10, 100, 1000, 10_000, 100_000)
SURFACE = ravine()
START = torch.tensor(SURFACE.start, dtype=torch.float64)
OPTIMIZERS = {
    Momentum: lambda p, lr: torch.optim.SGD(p, lr=lr, momentum=0.9),
    Adam: lambda p, lr: torch.optim.Adam(p, lr=lr),
}


def rates(runs):
    return torch.logspace(-3, -0.5, runs, dtype=torch.float64)


def in_one_call(rule, lrs):
    return minimize(SURFACE, rule(**grid(lr=lrs)), START, STEPS)


def in_a_loop(rule, lrs):
    paths = []
    for lr in lrs.tolist():
        param = torch.nn.Parameter(START.clone())
        optimizer, path = OPTIMIZERS[rule]([param], lr), [START]
        for _ in range(STEPS):
            optimizer.zero_grad()
            SURFACE(param).backward()
            optimizer.step()
            path.append(param.detach().clone())
        paths.append(torch.stack(path))
    return torch.stack(paths, 1)


def in_vmap(rule, lrs):
    gradient = torch.func.grad(SURFACE)
    step = torch.func.vmap(lambda w, state, lr: rule(lr=lr).update(w, gradient(w), state))
    path = [START.expand(len(lrs), 2)]
    state = torch.func.vmap(rule(lr=1.0).init)(path[0])
    for _ in range(STEPS):
        params, state = step(path[-1], state, lrs)
        path.append(params)
    return torch.stack(path)


TARGET = torch.randn(8, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def to_target(W):
    return (W - TARGET).square().sum((-2, -1)) / 2


def muons_in_one_call(lrs):
    return minimize(to_target, Muon(**grid(lr=lrs)), torch.zeros_like(TARGET), STEPS).params


def muons_in_a_loop(lrs):
    paths = []
    for lr in lrs.tolist():
        param = torch.nn.Parameter(torch.zeros_like(TARGET))
        optimizer, path = torch.optim.Muon([param], lr), [param.detach().clone()]
        for _ in range(STEPS):
            optimizer.zero_grad()
            to_target(param).backward()
            optimizer.step()
            path.append(param.detach().clone())
        paths.append(torch.stack(path))
    return torch.stack(paths, 1)


def seconds(way, *args, rounds):
    times = []
    for _ in range(rounds):
        result = None  # the last round's memory is free before the next begins
        start = time.perf_counter()
        result = way(*args)
        times.append(time.perf_counter() - start)
    return statistics.median(times), result


def alone(runs):
    """Seconds; what the trajectory holds and the peak of this process, in MB."""
    in_one_call(Adam, rates(1))
    took, kept = seconds(in_one_call, Adam, rates(runs), rounds=3)
    held = sum(tensor.nbytes for tensor in (kept.params, kept.losses, kept.grads, *kept.states)) / 1e6
    return took, held, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)


def main():
    print(f"{RUNS} learning rates x {STEPS} steps\n\n| rule | way | seconds | times one call |\n|---|---|---|---|")
    for rule in OPTIMIZERS:
        ours, path = seconds(in_one_call, rule, rates(RUNS), rounds=9)
        for way, rounds in ((in_one_call, 0), (in_vmap, 3), (in_a_loop, 1)):
            took, other = seconds(way, rule, rates(RUNS), rounds=rounds) if rounds else (ours, path)
            other = other if way is not in_one_call else other.params
            torch.testing.assert_close(path.params, other, rtol=1e-9, atol=1e-12)
            print(f"| {rule.__name__} | {way.__name__.replace('_', ' ')} | {took:.3f} | {took / ours:.0f} |")

    lrs = torch.logspace(-3, -1, 100, dtype=torch.float64)
    (ours, path), (took, other) = seconds(muons_in_one_call, lrs, rounds=9), seconds(muons_in_a_loop, lrs, rounds=1)
    apart = ((path - other).flatten(2).norm(dim=-1).amax() / TARGET.norm()).item()
    print(
        f"\n100 rates of Muon x {STEPS} steps, 8 x 8: one call {ours:.3f} s, a loop over torch.optim.Muon {took:.2f} s,"
    )
    print(
        f"{took / ours:.0f} times; torch computes with eight bits, and the paths part by at most {apart:.1%} of the way"
    )

    with ProcessPoolExecutor(1, mp_context=get_context("spawn"), max_tasks_per_child=1) as fresh:
        grown = list(fresh.map(alone, SIZES))
    print("\n| runs of Adam | seconds | the trajectory holds | peak over one run |\n|---|---|---|---|")
    for runs, (took, held, peak) in zip(SIZES, grown):
        print(f"| {runs:,} | {took:.3f} | {held:,.2f} MB | {peak - grown[0][2]:.0f} MB |")
    plot(grown)


def plot(grown):
    took, held, peak = zip(*grown)
    with plt.style.context("gdviz.course"):
        figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.4))
        left.loglog(SIZES, took, "o-", color=BLUE)
        left.loglog(SIZES, [took[0] * runs for runs in SIZES], ":", color=VERMILLION)
        left.text(300, took[0] * 1000, "one by one", color=VERMILLION, ha="right")
        left.text(20, 2 * took[0], "one call", color=BLUE)
        left.set(title=f"seconds for {STEPS} steps of Adam", xlabel="runs in one call", ylabel="seconds")
        right.loglog(SIZES, held, "o-", color=BLUE)
        right.loglog(SIZES[4:], [high - peak[0] for high in peak[4:]], "s-", color=VERMILLION)
        right.text(3000, held[3], "the trajectory", color=BLUE, va="top")
        right.text(5000, (peak[4] - peak[0]) * 2, "peak", color=VERMILLION, ha="right")
        right.set(title="memory over that of one run", xlabel="runs in one call", ylabel="MB")
        figure.savefig(Path(__file__).with_suffix(".png"), dpi=80)


if __name__ == "__main__":
    main()
