"""How long each notebook computes, against a fixed computation in the same run. `make bench`.

Seconds of the processor, of a fresh kernel on one thread with all imports: waiting for other processes does not count,
but beside them a core is slower, so the computation is timed before and after. 10,000 steps of Adam by torch.optim on
a 100 x 100 matrix.
"""

import time

import nbformat
import torch
from binder import NOTEBOOKS, kernel


def main():
    print("| notebook | seconds | times the fixed computation |\n|---|---|---|")
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        before = fixed()
        seconds = of(path)
        print(f"| {path.stem} | {seconds:.1f} s | {2 * seconds / (before + fixed()):.1f} |")


def of(path):
    with kernel(1) as (run, process):
        for cell in nbformat.read(path, 4).cells:
            if cell.cell_type == "code":
                run(cell.source)
        return sum(process.cpu_times()[:2])


def fixed():
    torch.set_num_threads(1)
    w = torch.ones(100, 100, dtype=torch.float64, requires_grad=True)
    adam, began = torch.optim.Adam([w], lr=0.01, foreach=False), time.process_time()
    for _ in range(10_000):
        w.grad = w.detach()
        adam.step()
    return time.process_time() - began


if __name__ == "__main__":
    main()
