"""Ready-made players of notebook 06: what a recogniser says of a name, and how fast it has learned."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from torch import Tensor

from gdviz.pictures.arrays import as_array
from gdviz.pictures.limits import log_axis, plain_ticks
from gdviz.pictures.words import label, plain
from gdviz.player import Player
from gdviz.player.marks import Mark
from gdviz.player.templates import escaped
from gdviz.style import BLUE, VERMILLION, ink, look
from gdviz.views.frames import below


def guesses(
    probabilities: Any, classes: Sequence[str], truth: Sequence[int], sliders: Mapping[str, Any], **options: Any
):
    """The probability of each class as a bar, for some names and while the network is trained.

    The bar of the right class is blue, the others are vermillion.

    Args:
        probabilities: (steps, names, classes).
        classes: their names.
        truth: of each name the number of its class.
        sliders: the steps, a range, and the names.
        options: at=..., as for Player.

    Returns:
        The player.

    Raises:
        ValueError: probabilities of another shape, or a name that the picture cannot show.

    Example:
        >>> scores = torch.linspace(0, 2, 11)[:, None, None] * torch.tensor([[2.0, 0, 1], [0, 2, 1]])
        >>> sliders = {"step": range(11), "name": ["Wien", "Ulm"]}
        >>> player = guesses(scores.softmax(-1), ["de", "en", "fr"], [0, 0], sliders)
    """
    p, names = _probabilities(probabilities, classes), [str(name) for name in [*sliders.values()][-1]]
    if len(sliders) != 2 or p.ndim != 3 or p.shape[1] != len(names):
        raise ValueError(f"probabilities are (steps, names, classes) for two sliders; got {p.shape}, {list(sliders)}")
    if len(truth) != len(names) or not all(k in range(len(classes)) for k in truth):
        raise ValueError(f"truth must be one class, 0 to {len(classes) - 1}, for each of the {len(names)} names")
    if any(set(name) & set("|{}") for name in names):
        raise ValueError(f"a name must not contain |, {{ or }}; got {names}")
    last = p.reshape(-1, *p.shape[-2:])[-1]  # (names, classes) at the end
    said = [f"{name}: {classes[row.argmax()]} {row.max():.0%}" for name, row in zip(names, last)]
    figure, ax = _bars(classes)
    player = Player(figure, sliders, caption=f"At the end {'; '.join(said)}.", opening="", **options)
    right = np.eye(len(classes), dtype=bool)[np.asarray(truth)]  # (names, classes)
    player.line(ax, _segments(np.where(right, np.nan, p)), color=VERMILLION, width=16, cap="butt")
    player.line(ax, _segments(np.where(right, p, np.nan)), color=BLUE, width=16, cap="butt")
    _shares(player, ax, p)
    time = next(iter(sliders))
    ax.set_title(" ", size=26)  # room for which name it is, and when
    steps = np.asarray(next(iter(sliders.values())), dtype=float)[:, None]
    which = np.stack(np.broadcast_arrays(np.arange(len(names), dtype=float), steps), -1)
    player.text(ax, which, f"{{:{'|'.join([*names, ''])}}}, {escaped(time)} {{:.0f}}", at=(0, 1.075), size=20)
    return player


def typed(
    predict: Callable[[str], Tensor], classes: Sequence[str], word: str, *, label: str = "a name", **options: Any
) -> Player:
    """The probability of each class for a word that the learner types.

    Args:
        predict: a word -> (classes,).
        classes: their names.
        word: what is there first.
        label: of the field.
        options: at=..., as for Player.

    Returns:
        The player.

    Example:
        >>> def predict(word):
        ...     return torch.tensor([float(word.count(letter)) for letter in "aeiou"]).softmax(0)
        >>> player = typed(predict, list("aeiou"), "banana", label="a word")
    """
    p = _probabilities(predict(word), classes)
    figure, ax = _bars(classes)
    player = Player(figure, {}, caption="The network's probabilities for what is typed in the field.", **options)
    bars = player.line(ax, _segments(p), color=BLUE, width=16, cap="butt")
    shares = _shares(player, ax, p)

    def changed(text: str) -> None:
        p = _probabilities(predict(text), classes)
        bars.set_data(_segments(p))
        for mark, share in zip(shares, p):
            mark.set_data(100 * share)

    player.on_text(changed, label=label, value=word)
    return player


def race(histories: Mapping[str, Any], start: float, *, parts: int = 100, **options: Any) -> Player:
    """The held-out accuracy of several training runs against the seconds that they took; the slider is the time.

    The small dots are what was measured, at the end of each epoch. The caption tells no seconds: they depend on the
    machine and the hour.

    Args:
        histories: of fit with validation, by names that end with that of an optimizer, such as "full batch, Adam": its
            look; those of a full batch are dashed.
        start: the accuracy before all of them.
        parts: into how many the slider divides the time.
        options: at=..., as for Player.

    Returns:
        The player.

    Raises:
        ValueError: no history, or one without held-out accuracy.

    Example:
        >>> from gdviz.networks import Epoch, History, Step
        >>> steps = [Step(1.0, seconds=0.1 * (k + 1)) for k in range(4)]
        >>> history = History(steps, [Epoch(2, validation_accuracy=0.5), Epoch(4, validation_accuracy=0.8)])
        >>> player = race({"minibatches, Adam": history}, start=0.1)
    """
    measured = {}
    for name, history in histories.items():
        shares = history.validation_accuracies
        if not shares:
            raise ValueError(f"{name} has no held-out accuracy: fit(..., validation=...) looks at it after each epoch")
        measured[name] = np.asarray(history.epoch_seconds), np.asarray(shares)
    if not measured:
        raise ValueError("a race needs histories, got none")
    budget, first = (pick(times[k] for times, _ in measured.values()) for pick, k in ((max, -1), (min, 0)))
    if not first > 0:
        raise ValueError(f"an epoch takes a positive time; the shortest of these took {first:g} s")
    figure, ax = plt.subplots(figsize=(6.6, 6.4), layout="constrained")
    label(ax, title="held-out accuracy", xlabel="seconds", ylim=(0, 1))
    log_axis(ax, first / 3, 1.1 * budget, axis="x")
    plain_ticks(ax, few=budget > 1e3 * first, axis="x")
    ax.minorticks_off()
    caption = " ".join(f"{name}: {shares[0]:.2f} to {shares[-1]:.2f}." for name, (_, shares) in measured.items())
    player = Player(figure, {"time, in %": range(parts + 1)}, caption=caption, opening="", **options)
    spent, looks = np.geomspace(first / 3, budget, parts + 1), {}
    for name, (times, shares) in measured.items():
        drawn = look(name.split(", ")[-1])._asdict() | {"dash": (3, 1.5) if name.startswith("full") else ()}
        reached = np.interp(spent, [first / 3, *times], [start, *shares], right=np.nan)
        reached[np.searchsorted(spent, times[-1]) :][:1] = shares[-1]  # where it ends
        player.path(ax, np.stack([spent, reached], -1), **drawn, dots=0)
        dots = np.stack([times, shares], -1)
        player.points(ax, dots[None], color=drawn["color"], marker=drawn["marker"], size=7)
        looks[name] = drawn | {"linewidth": 3}
    below(ax, looks, columns=1, at=(-0.12, -0.15), handlelength=3)
    return player


def durations(seconds: Mapping[str, float], *, ax: Axes | None = None, **kwargs: Any) -> Any:
    """Seconds as bars on a log axis, each with its name and number.

    Args:
        seconds: name -> seconds.
        ax: left out, the current Axes.
        kwargs: of matplotlib's barh.

    Returns:
        The bars.

    Raises:
        ValueError: seconds that are not positive.

    Example:
        >>> len(durations({"loop": 2.0, "one tensor": 0.01}))
        2
    """
    if not seconds or not all(0 < value < np.inf for value in seconds.values()):
        raise ValueError(f"durations must be positive seconds, got {dict(seconds)}")
    ax = plt.gca() if ax is None else ax
    rows = range(len(seconds))
    bars = ax.barh(rows, list(seconds.values()), **({"color": ink(ax, BLUE), "height": 0.55} | kwargs))
    _names(ax, "y", seconds)
    words = [f" {value:.2g} s" if value >= 0.01 else f" {1000 * value:.2g} ms" for value in seconds.values()]
    ax.bar_label(bars, words, size=16)
    low, high = min(seconds.values()), max(seconds.values())
    label(ax, xlabel="seconds for one gradient")
    log_axis(ax, low / 3, 12 * high, axis="x")
    ax.invert_yaxis()
    ax.tick_params("y", length=0)
    return bars


def confusion(counts: Any, classes: Sequence[str], *, ax: Axes | None = None, **kwargs: Any) -> Any:
    """How often a name of one class (rows) was taken for another (columns), as a map with its numbers.

    Args:
        counts: (classes, classes).
        classes: their names.
        ax: left out, the current Axes.
        kwargs: of matplotlib's imshow.

    Returns:
        The image.

    Example:
        >>> confusion([[8, 2], [1, 9]], ["de", "en"]).get_array().shape
        (2, 2)
    """
    ax = plt.gca() if ax is None else ax
    counts = np.asarray(counts)
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    image = ax.imshow(shares, **({"cmap": "Blues", "vmin": 0, "vmax": 1} | kwargs))
    for i, j in zip(*np.nonzero(counts)):
        ax.text(j, i, counts[i, j], ha="center", va="center", color="white" if shares[i, j] > 0.5 else "black", size=13)
    _names(ax, "x", classes, rotation=90)
    _names(ax, "y", classes)
    label(ax, xlabel="taken for", ylabel="language of the name")
    return image


def _probabilities(values: Any, classes: Sequence[str]) -> np.ndarray:
    p = as_array("probabilities", values)
    if p.shape[-1:] != (len(classes),) or not ((p >= -1e-6) & (p <= 1 + 1e-6)).all():  # rounding of float32
        raise ValueError(f"probabilities are numbers from 0 to 1 (..., {len(classes)}), a class each; got {values!r}")
    return p


def _bars(classes: Sequence[str]):
    figure, ax = plt.subplots(figsize=(6.6, 0.36 * len(classes) + 0.9), layout="constrained")
    label(ax, xlim=(0, 1.22), ylim=(len(classes) - 0.4, -0.6), xlabel="probability", xticks=[0, 0.5, 1])
    _names(ax, "y", classes)
    ax.tick_params("y", length=0)
    return figure, ax


def _names(ax: Axes, axis: str, names: Iterable[str], **style: Any) -> None:
    """Names at 0, 1, ... of an axis, as they stand."""
    names = list(names)
    getattr(ax, f"set_{axis}ticks")(range(len(names)), names, **style)
    for tick in getattr(ax, f"get_{axis}ticklabels")():
        plain(tick)


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
            escaped(name) + " {:.0f} %",
            at=(0.99, (k - 0.24 - low) / (high - low)),
            align="right",
            size=15,
        )
        for k, name in enumerate(ax_label.get_text() for ax_label in ax.get_yticklabels())
    ]
