"""What `import gdviz` costs over `import torch`, and the first picture of notebook 01 over `import torch, matplotlib`.

Imports in a fresh process each, the picture in a fresh kernel, from its first message on; the two of a pair in turn.
`make bench`.
"""

import statistics
import subprocess
import sys
import time

from binder import cells, kernel

ROUNDS = 9


def process(statement):
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", statement], check=True)
    return time.perf_counter() - start


def in_a_kernel(statement):
    with kernel() as (run, _):
        start = time.perf_counter()
        run(statement)
        return time.perf_counter() - start


def first_picture():
    with kernel() as (run, _):
        start = time.perf_counter()
        for source in cells():
            if run(source):
                return time.perf_counter() - start


def compare(base, base_seconds, ours, our_seconds):
    """Both in turn; the medians, and the median of the ratios."""
    our_seconds()  # warm the disk
    pairs = [(base_seconds(), our_seconds()) for _ in range(ROUNDS)]
    first, second = (statistics.median(column) for column in zip(*pairs))
    ratio = statistics.median(b / a for a, b in pairs)
    print(f"| {base} | {first:.2f} s |\n| {ours} | {second:.2f} s, {ratio:.2f} times as long |")


def main():
    print("| | median |\n|---|---|")
    compare("import torch", lambda: process("import torch"), "import gdviz", lambda: process("import gdviz"))
    for bare in ("import torch, matplotlib", "import torch, matplotlib.pyplot"):
        compare(f"kernel: {bare}", lambda bare=bare: in_a_kernel(bare), "first picture of notebook 01", first_picture)


if __name__ == "__main__":
    main()
