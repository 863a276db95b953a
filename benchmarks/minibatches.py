"""SGD with many seeds: one call of minimize against a loop over torch's DataLoader and torch.optim.SGD.

The same data (442 patients), the same batches, the same start: the two must take the same path, and each keeps all of
it; neither looks at the loss of all patients. Then 4,000 noisy runs x 400 steps on a quadratic, in a process of its
own: seconds, what the trajectory holds, and the peak of memory over that of one run. `make bench`.
"""

import resource
import statistics
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import torch
from torch.utils.data import DataLoader, TensorDataset

from gdviz import data, surfaces
from gdviz.descent import minimize
from gdviz.minibatches import Minibatches, noisy_loss, sampled_loss
from gdviz.optimizers import GradientDescent

RUNS, EPOCHS, LR = 100, 3, 0.05
PATIENTS = data.diabetes().standardized()
LOSS = surfaces.linear_model(PATIENTS)


def batches(size):
    return Minibatches(len(PATIENTS), size, RUNS, generator=torch.Generator().manual_seed(size))


def in_one_call(size):
    many = batches(size)
    f = sampled_loss(LOSS, many)
    steps = EPOCHS * many.steps_per_epoch
    return minimize(lambda w: 0 * w.sum(-1), GradientDescent(LR), LOSS.start, steps, sampled_loss=f).params


def in_a_loop(size):
    many = batches(size)
    dealt = [many(step) for step in range(EPOCHS * many.steps_per_epoch)]
    examples, paths = TensorDataset(PATIENTS.x, PATIENTS.y), []
    for run in range(RUNS):
        loader = DataLoader(examples, batch_sampler=[chosen[run].tolist() for chosen in dealt])
        param = torch.nn.Parameter(torch.zeros(2, dtype=torch.float64))
        optimizer, path = torch.optim.SGD([param], lr=LR), [param.detach().clone()]
        for x, y in loader:
            optimizer.zero_grad()
            ((param[0] * x + param[1] - y) ** 2).mean().backward()
            optimizer.step()
            path.append(param.detach().clone())
        paths.append(torch.stack(path))
    return torch.stack(paths, 1)


def seconds(way, *args, rounds):
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        result = way(*args)
        times.append(time.perf_counter() - start)
    return statistics.median(times), result


def noisy(runs):
    bowl = surfaces.bowl(2, smallest=2)
    f = noisy_loss(bowl, 1.0, runs=runs, generator=torch.Generator().manual_seed(0))
    return minimize(bowl, GradientDescent(0.1), [0.0, 0.0], 400, sampled_loss=f)


def alone(runs):
    """Seconds; what the trajectory holds and the peak of this process, in MB."""
    noisy(1)
    took, kept = seconds(noisy, runs, rounds=3)
    held = sum(tensor.nbytes for tensor in (kept.params, kept.losses, kept.grads)) / 1e6
    return took, held, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)


def main():
    print(f"{RUNS} runs x {EPOCHS} epochs of {len(PATIENTS)} examples\n")
    print("| batch size | steps | one call | DataLoader and torch.optim.SGD | ratio |\n|---|---|---|---|---|")
    for size in (1, 8, 64):
        ours, path = seconds(in_one_call, size, rounds=3)
        theirs, other = seconds(in_a_loop, size, rounds=1)
        torch.testing.assert_close(path, other, rtol=1e-9, atol=1e-9)
        print(f"| {size} | {len(path) - 1} | {ours:.2f} s | {theirs:.1f} s | {theirs / ours:.0f} |")
    with ProcessPoolExecutor(1, mp_context=get_context("spawn"), max_tasks_per_child=1) as fresh:
        (_, _, one), (took, held, peak) = fresh.map(alone, (1, 4000))
    print(f"\n4,000 noisy runs x 400 steps: {took:.2f} s; the trajectory holds {held:.0f} MB, peak {peak - one:.0f} MB")


if __name__ == "__main__":
    main()
