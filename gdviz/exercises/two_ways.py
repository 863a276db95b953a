"""The small picture under a check: the learner's path beside the right one."""

from collections.abc import Callable

import torch

from gdviz.exercises.rules import Comparison
from gdviz.exercises.walks import CURVATURES
from gdviz.optimizers import Rule


def two_ways(found: Comparison, reference: Rule) -> Callable[[], None]:
    """What shows both paths on the bowl: the right one broad, in the look of the reference, and the learner's in black.

    A path that leaves the picture is cut at its edge, and ends where it is no longer a number.
    """

    def show() -> None:
        import matplotlib.pyplot as plt

        from gdviz import pictures
        from gdviz.style import PALE, ink, look

        name, reach = type(reference).__name__, 1.3 * float(found.right.abs().max())
        figure, ax = plt.subplots(figsize=(6, 4.2))
        x = torch.linspace(-reach, reach, 101)
        height = (CURVATURES[0] * x**2 + CURVATURES[1] * x[:, None] ** 2).sqrt()  # rows are the second parameter
        ax.contour(x, x, height, levels=8, colors=ink(ax, PALE))
        ax.plot(*found.right.T, color=ink(ax, look(reference).color), linewidth=10, label=f"{name}, right")
        dashed = {"color": ink(ax), "linestyle": (0, (3, 1.5)), "marker": "s", "markersize": 5, "linewidth": 2}
        ax.plot(*found.yours.T, **dashed, label="yours")
        ax.plot(*found.right[0], "o", color=ink(ax), markersize=10)
        ax.set(xlim=(-reach, reach), ylim=(-reach, reach), xlabel="parameter x", ylabel="parameter y")
        ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2, handlelength=3)
        ends = [f"({', '.join(f'{float(value):.3g}' for value in way[-1])})" for way in (found.yours, found.right)]
        same = "" if found.hint else "; they are the same path"
        alt = f"Twenty steps on a bowl: your path ends at {ends[0]}, that of {name} at {ends[1]}{same}."
        pictures.picture(figure, alt)

    return show
