"""A training run as a doctor reads it: its losses, the size of its updates, and the other numbers of each step."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from gdviz.networks.history import History
from gdviz.pictures.limits import log_axis, step_limits
from gdviz.pictures.words import label
from gdviz.player import Player
from gdviz.player.templates import escaped
from gdviz.style import BLUE, GREY, PURPLE, SKY, VERMILLION, ink
from gdviz.views.frames import highest

FLOOR, TOP = 1e-7, 10.0  # of |update| / |weight|
USUAL = 1e-4, 1e-1  # where healthy runs have it
WORST = 100.0  # losses above are cut
ROW, WORDS = 0.073, 17  # of the numbers: the height of a line as a share, and its size in px
SHARES = "|".join(["–", *(f"{k} %" for k in range(101))])  # a share in per cent, or none yet
LAYERS = (BLUE, "o"), (VERMILLION, "s"), (PURPLE, "^")
Case = Mapping[str, Tensor]


def chart(histories: Mapping[str, History], **options: Any) -> Player:
    """What runs tell: losses on the left, in the middle |update| / |weight| of each matrix, right the other numbers.

    The training loss is the mean of the steps between two that were examined. A second slider chooses the training.

    Args:
        histories: by name, with vitals at the same steps, all of networks with the same number of matrices.
        options: at=..., as for Player.

    Returns:
        The player.

    Raises:
        TypeError: histories without names.
        ValueError: no history, one without vitals, or with others' steps.

    Example:
        >>> from gdviz.clinic import trained
        >>> player = chart({"iris": trained(data="iris"), "wine": trained(data="wine")})
    """
    steps, cases = together(histories)
    sliders: dict[str, Any] = {"step": steps} | ({"training": list(histories)} if len(histories) > 1 else {})
    figure, axes = frame(cases, steps)
    first = {"training": 0} if len(histories) > 1 else {}
    player = Player(figure, sliders, caption=told(histories), opening="", **{"at": first} | options)
    draw(player, axes, cases)
    return player


def told(histories: Mapping[str, History]) -> str:
    """A sentence: the names, and how many steps."""
    return f"{', '.join(histories)}: {max(len(history.steps) for history in histories.values())} steps."


def together(histories: Mapping[str, History]) -> tuple[range, dict[str, Case]]:
    """The steps that were examined, and by name what was seen in them; refused where they do not fit together."""
    if not isinstance(histories, Mapping):
        raise TypeError(
            f"a chart takes training runs by name, chart({{'run': history}}); got {type(histories).__name__}"
        )
    if not histories or any(len(history.vitals) < 2 for history in histories.values()):
        given = {name: len(history.vitals) for name, history in histories.items()}
        raise ValueError(f"a chart needs training runs that record vitals, as fit(..., vitals=25) does; got {given}")
    longest = max(histories.values(), key=lambda history: len(history.vitals)).vitals
    steps = range(longest[0].step, longest[-1].step + 1, longest[1].step - longest[0].step)
    for name, history in histories.items():
        if [v.step for v in history.vitals] != list(steps)[: len(history.vitals)]:
            raise ValueError(f"the runs of a chart are examined at the same steps; those of {name!r} are others")
    return steps, {name: seen(history, steps) for name, history in histories.items()}


def seen(history: History, steps: Sequence[int]) -> Case:
    """What is drawn of a training run, at each of these steps: NaN where there is none."""
    many, each, lrs = len(steps), steps[1] - steps[0], history.lrs
    losses = [[one.loss for one in history.steps[step : step + each]] for step in steps]
    matrices = [[layer for layer in v.layers if layer.matrix] for v in history.vitals]
    looks = [[epoch for epoch in history.epochs if epoch.end <= step] for step in steps]
    numbers: dict[str, list[Any]] = {
        "loss": [sum(some) / len(some) if some else math.nan for some in losses],
        "ratio": [[layer.ratio for layer in v] for v in matrices],
        "gradient": [math.hypot(*(layer.gradient for layer in v.layers)) for v in history.vitals],
        "added": [math.hypot(*(layer.added for layer in v.layers)) for v in history.vitals],
        "weight": [math.hypot(*(layer.weight for layer in v)) for v in matrices],
        "still": [100 * max((layer.still for layer in v), default=0.0) for v in matrices],
        "dead": [100 * max(v.dead.values(), default=0.0) for v in history.vitals],
        "rate": [lrs[step] for step in steps if step < len(lrs)],
        "fitted": [_percent(some[-1].accuracy if some else None) for some in looks],
        "held out": [_percent(some[-1].validation_accuracy if some else None) for some in looks],
        "drift": [some[-1].drift or 0.0 if some else 0.0 for some in looks],
        "parts": [_means(v.parts, loss) for v, loss in zip(history.vitals, history.losses[:: steps[1] - steps[0]])],
    }
    found = {name: _padded(values, many) for name, values in numbers.items()}
    looked = [(float(epoch.end), epoch.validation_loss) for epoch in history.epochs]
    held_out = [(end, math.nan if loss is None else loss) for end, loss in looked] or [(0.0, math.nan)]
    known = torch.tensor([[end <= step + each for end, _ in held_out] for step in steps])
    held = torch.tensor(held_out).double().expand(many, -1, -1).where(known[..., None], torch.nan)
    least, most, centre = history.spread or (0.0, 0.0, 0.0)
    fixed = torch.tensor([least, most, centre]).double().round(decimals=3).expand(many, 3)
    guess = -sum(share * math.log(share) for share in history.classes if share)
    start = torch.tensor([history.losses[0], guess]).double().expand(many, 2)
    shared = torch.tensor(100 * (history.shared or 0.0)).double().expand(many)
    return found | {"held": held, "spread": fixed, "start": start, "shared": shared}


def frame(cases: Mapping[str, Case], steps: range) -> tuple[Figure, list[Axes]]:
    """The figure with its three Axes."""
    figure, axes = plt.subplots(1, 3, figsize=(14, 5.6), width_ratios=(5, 4, 4), layout="constrained")
    left, middle, right = axes
    label(left, title="loss", xlabel="step", ylabel="loss", xlim=step_limits([*steps, steps.stop + steps.step - 1]))
    every = torch.cat([torch.cat([case["loss"], case["held"][..., 1].flatten()]) for case in cases.values()])
    every = every[torch.isfinite(every)]
    low, high = float(every[every > 0].min()) if (every > 0).any() else 0.1, min(highest(every), WORST)
    if (every < 0).any():
        low, high = float(every.min()), max(high, float(every.min()) + 1e-9)
        left.set_ylim(low - 0.05 * (high - low), high + 0.4 * (high - low))
    else:  # with room for the words; what is 0 is at the lower edge
        log_axis(left, 0.6 * low, high * max((high / low) ** 0.3, 1.35))
    label(middle, title="|update| / |weight|", xlabel="step", ylabel="ratio", xlim=step_limits(steps))
    log_axis(middle, FLOOR, TOP)
    middle.axhspan(*USUAL, color=SKY, alpha=0.15, linewidth=0)
    middle.text(0.97, 0.02, "0 is at the lower edge", transform=middle.transAxes, ha="right", color=ink(middle, GREY))
    right.set_axis_off()
    return figure, list(axes)


def draw(player: Player, axes: Sequence[Axes], cases: Mapping[str, Case], *, more: int = 0) -> None:
    """The marks of all cases; more: how many sliders the player has beside the step and that of the cases."""
    left, middle, right = axes

    def of(name: str) -> Tensor:  # (steps, cases if several, 1 for each further slider, ...)
        found = torch.stack([case[name] for case in cases.values()], 1) if len(cases) > 1 else one[name]
        return found.reshape(*found.shape[:axis], *[1] * more, *found.shape[axis:])

    one, axis = next(iter(cases.values())), 1 + (len(cases) > 1)
    words: dict[str, Any] = {"at": (0.97, 0.98), "align": "right"}
    lowest = left.get_ylim()[0] if left.get_yscale() == "log" else -math.inf
    player.curve(left, of("loss").clamp(lowest, 1e6), color=BLUE)
    player.points(left, of("held"), color=VERMILLION, marker="s", size=9)
    player.text(left, of("loss"), "● training {:.3g}", color=BLUE, **words)
    held = of("held out")
    player.text(left, held, f"■ held out, accuracy {{:{SHARES}}}", color=VERMILLION, **words | {"at": (0.97, 0.89)})
    ratios = of("ratio")
    for k, (color, marker) in zip(range(ratios.shape[-1]), LAYERS):
        player.curve(middle, ratios[..., k].clamp(FLOOR * 1.2, TOP), color=color, marker=marker)
        glyph = {"o": "●", "s": "■", "^": "▲"}[marker]
        place = {"at": (0.97, 0.98 - 0.09 * k), "align": "right"}
        player.text(middle, ratios[..., k], f"{glyph} matrix {k + 1}: {{:.1e}}", color=color, **place)
    pair = torch.stack([of("gradient"), of("added")], -1)
    rows = [
        (of("rate"), "rate {:.2g}"),
        (of("start"), "first loss {:.3g}; of guessing {:.3g}"),
        (torch.stack([of("fitted"), of("held out")], -1), f"accuracy {{:{SHARES}}}, held out {{:{SHARES}}}"),
        (pair, "gradient {:.2g}, of this step alone {:.2g}"),
        (of("weight"), "length of the weights {:.3g}"),
        (of("still"), "have a gradient, do not move: {:.0f} %"),
        (of("dead"), "units of a layer that are 0: {:.0f} %"),
        (of("parts"), "loss used {:.3g}, mean of all {:.3g}"),
        (of("drift"), "moved by evaluation: {:.2g}"),
        (of("spread"), "deviations {:.3g} to {:.3g}, means to {:.3g}"),
        (of("shared"), "held-out examples trained on: {:.0f} %"),
    ]
    for k, (values, template) in enumerate(rows):
        player.text(right, values, template, at=(0.0, 1.03 - ROW * k), size=WORDS)


def note(player: Player, ax: Axes, chosen: Tensor, words: Sequence[str], *, row: float, **look: Any) -> None:
    """A line of words that is one of several, by its number."""
    player.text(
        ax, chosen, f"{{:{'|'.join(escaped(some) for some in [*words, ''])}}}", at=(0.0, 1.03 - ROW * row), **look
    )


def _percent(share: float | None) -> float:
    """The number of a word of SHARES."""
    return 0.0 if share is None else 1.0 + round(100 * share)


def _means(parts: Sequence[tuple[int, float]], loss: float) -> list[float]:
    """The loss of a step, and the mean over the examples of its micro-batches, where it has several."""
    return [loss, sum(n * some for n, some in parts) / sum(n for n, _ in parts) if parts else loss]


def _padded(values: Sequence[Any], many: int) -> Tensor:
    """Float64 with NaN at its end, where a run has stopped before."""
    found = torch.tensor(values, dtype=torch.float64)
    return torch.cat([found, torch.full((many - len(found), *found.shape[1:]), torch.nan, dtype=torch.float64)])
