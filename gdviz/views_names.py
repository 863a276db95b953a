"""Ready-made players of notebook 06: what a recogniser says of a name, and how fast it has learned."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from torch import Tensor

from gdviz.marks import Mark
from gdviz.player import Player
from gdviz.style import BLUE, LOOKS, VERMILLION, look
from gdviz.views_training import CURVES


def guesses(
    probabilities: Any, classes: Sequence[str], truth: Sequence[int], sliders: Mapping[str, Any], **options: Any
):
    """The probability of each class as a bar, for some names and while the network is trained.

    probabilities: (*sliders, classes), of which the last slider is the names; truth: of each name the number of its
    class. The bar of the right class is blue, the others are vermillion.
    """
    p = np.asarray(probabilities, dtype=float)
    names = list(sliders.values())[-1]
    last = p.reshape(-1, *p.shape[-2:])[-1]  # (names, classes) at the end
    said = [f"{name}: {classes[row.argmax()]} {row.max():.0%}" for name, row in zip(names, last)]
    figure, ax = _bars(classes)
    player = Player(figure, sliders, caption=f"At the end {'; '.join(said)}.", **options)
    right = np.eye(len(classes), dtype=bool)[np.asarray(truth)]  # (names, classes)
    player.line(ax, _segments(np.where(right, np.nan, p)), color=VERMILLION, width=16, cap="butt")
    player.line(ax, _segments(np.where(right, p, np.nan)), color=BLUE, width=16, cap="butt")
    _shares(player, ax, p)
    return player


def typed(
    predict: Callable[[str], Tensor], classes: Sequence[str], word: str, *, label: str = "a name", **options: Any
) -> Player:
    """The probability of each class for a word that the learner types. predict: a word -> (classes,)."""
    p = np.asarray(predict(word), dtype=float)
    figure, ax = _bars(classes)
    player = Player(figure, {}, caption="The network's probabilities for what is typed in the field.", **options)
    bars = player.line(ax, _segments(p), color=BLUE, width=16, cap="butt")
    shares = _shares(player, ax, p)

    def changed(text: str) -> None:
        p = np.asarray(predict(text), dtype=float)
        bars.set_data(_segments(p))
        for mark, share in zip(shares, p):
            mark.set_data(100 * share)

    player.on_text(changed, label=label, value=word)
    return player


def race(histories: Mapping[str, Any], start: float, *, parts: int = 100, **options: Any) -> Player:
    """The held-out accuracy of several trainings against the seconds that they took; the slider is the time.

    histories: by name, of training.fit with validation; start: the accuracy before all of them. No number of the
    seconds is in the caption: they are of the machine and the hour.
    """
    seconds, shares = {}, {}
    for name, history in histories.items():
        epochs = len(history.validation_accuracies)
        ends = np.arange(1, epochs + 1) * (len(history.seconds) // epochs) - 1
        seconds[name] = np.asarray(history.seconds)[ends]
        shares[name] = np.asarray(history.validation_accuracies)
    budget = max(times[-1] for times in seconds.values())
    figure, ax = plt.subplots(figsize=(6.6, 5))
    ax.set(title="held-out accuracy", xlabel="seconds", xlim=(0, budget), ylim=(0, 1))
    caption = " ".join(f"{name}: {values[0]:.2f} to {values[-1]:.2f}." for name, values in shares.items())
    player = Player(figure, {"time, in %": range(parts + 1)}, caption=caption, **options)
    spent = budget * np.linspace(0, 1, parts + 1)
    for row, name in enumerate(histories):
        drawn = look(name)._asdict() if name in LOOKS else dict(zip(("color", "marker"), CURVES[row]))
        reached = np.interp(spent, [0, *seconds[name]], [start, *shares[name]], right=np.nan)
        player.path(ax, np.stack([spent, reached], -1), **drawn, dots=0)
        ax.plot([], [], color=drawn["color"], marker=drawn["marker"], linewidth=3, markersize=9, label=name)
    ax.legend(loc="lower right")
    return player


def durations(seconds: Mapping[str, float], *, ax: Axes | None = None, **kwargs: Any) -> Any:
    """Seconds as bars on a log axis, each with its name and number. Returns the bars."""
    ax = plt.gca() if ax is None else ax
    bars = ax.barh(list(seconds), list(seconds.values()), **({"color": BLUE, "height": 0.55} | kwargs))
    words = [f" {value:.2g} s" if value >= 0.01 else f" {1000 * value:.2g} ms" for value in seconds.values()]
    ax.bar_label(bars, words, size=16)
    low, high = min(seconds.values()), max(seconds.values())
    ax.set(xscale="log", xlim=(low / 3, 12 * high), xlabel="seconds for one step")
    ax.invert_yaxis()
    ax.tick_params("y", length=0)
    return bars


def confusion(counts: Any, classes: Sequence[str], *, ax: Axes | None = None, **kwargs: Any) -> Any:
    """How often a name of one class (rows) was taken for another (columns): counts (classes, classes) as a map with
    its numbers. Returns the image."""
    ax = plt.gca() if ax is None else ax
    counts = np.asarray(counts)
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    image = ax.imshow(shares, **({"cmap": "Blues", "vmin": 0, "vmax": 1} | kwargs))
    for i, j in zip(*np.nonzero(counts)):
        ax.text(j, i, counts[i, j], ha="center", va="center", color="white" if shares[i, j] > 0.5 else "black", size=13)
    ax.set_xticks(range(len(classes)), classes, rotation=90)
    ax.set_yticks(range(len(classes)), classes)
    ax.set(xlabel="taken for", ylabel="language of the name")
    return image


def _bars(classes: Sequence[str]):
    figure, ax = plt.subplots(figsize=(6.6, 0.36 * len(classes) + 0.9))
    ax.set(xlim=(0, 1.22), ylim=(len(classes) - 0.4, -0.6), xlabel="probability", xticks=[0, 0.5, 1])
    ax.set_yticks(range(len(classes)), classes)
    ax.tick_params("y", length=0)
    return figure, ax


def _segments(p: np.ndarray) -> np.ndarray:
    """The bars of p (..., classes) as one line with gaps, (..., 3 classes, 2)."""
    rows = np.broadcast_to(np.arange(p.shape[-1], dtype=float), p.shape)
    ends = np.stack([np.stack([0 * p, rows], -1), np.stack([p, rows], -1), np.full((*p.shape, 2), np.nan)], -2)
    return ends.reshape(*p.shape[:-1], -1, 2)


def _shares(player: Player, ax: Axes, p: np.ndarray) -> list[Mark]:
    """Beside each bar its share in per cent."""
    low, high = ax.get_ylim()
    return [
        player.text(
            ax,
            100 * p[..., k],
            f"{name} {{:.0f}} %",
            at=(0.99, (k - 0.3 - low) / (high - low)),
            align="right",
            size=15,
        )
        for k, name in enumerate(ax_label.get_text() for ax_label in ax.get_yticklabels())
    ]
