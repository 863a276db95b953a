"""What `import gdviz` costs over `import torch`, each in a fresh process, in turn. `make bench`."""

import statistics
import subprocess
import sys
import time

ROUNDS = 9


def seconds(statement):
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", statement], check=True)
    return time.perf_counter() - start


def main():
    seconds("import gdviz")  # warm the disk
    pairs = [(seconds("import torch"), seconds("import gdviz")) for _ in range(ROUNDS)]
    torch, ours = (statistics.median(column) for column in zip(*pairs))
    ratio = statistics.median(b / a for a, b in pairs)
    print("| import | median |\n|---|---|")
    print(f"| torch | {torch:.2f} s |\n| gdviz | {ours:.2f} s, {100 * (ratio - 1):+.0f} % |")


if __name__ == "__main__":
    main()
