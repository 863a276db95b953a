"""The race of notebook 08: rates chosen on one part of the data, judged on another."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import torch
from matplotlib.ticker import LogLocator, NullLocator
from torch import Tensor

from gdviz.pictures.limits import log_axis
from gdviz.pictures.words import label, plain
from gdviz.player import Player
from gdviz.player.templates import escaped
from gdviz.style import BLACK, ink
from gdviz.views.frames import mark_looks


def race(
    scores: Mapping[str, Tensor],
    rates: Mapping[str, Sequence[float]],
    costs: Mapping[str, float],
    *,
    every: int = 1,
    **options: Any,
) -> Player:
    """Losses after each budget: on one part against the rate, and on another part at the best of these rates.

    The switch `same` gives all the same number of gradients, or the same work: a rule whose gradients cost c times as
    much, with all that it does with them, takes 1 / c of them.

    Args:
        scores: by name, (checks, 2, rates, seeds): the losses on the part to choose on and on the part to judge on.
        rates: by name, in ascending order.
        costs: by name, the work for each gradient, in gradients.
        every: how many gradients lie between two checks.
        options: at=..., as for Player.

    Returns:
        The player.

    Raises:
        ValueError: a name with |, { or }.

    Example:
        >>> falls = torch.exp(-torch.arange(1, 9.0))[:, None, None, None] + torch.rand(8, 2, 3, 4) / 9
        >>> one = {"Adam": [0.01, 0.02, 0.04], "Muon": [0.03, 0.06, 0.12]}
        >>> player = race({"Adam": falls, "Muon": falls**2}, one, {"Adam": 1.0, "Muon": 2.0}, every=10)
    """
    if any(set(name) & set("|{}") for name in scores):
        raise ValueError(f"the name of a rule must not contain |, {{ or }}; got {list(scores)}")
    figure, (left, right) = plt.subplots(1, 2, figsize=(13, 6.5), layout="constrained")
    checks, rows = len(next(iter(scores.values()))), range(len(scores) - 1, -1, -1)
    label(
        left, title="part 1: the rate is chosen", xlabel="learning rate", ylabel="loss, mean of the seeds", xscale="log"
    )
    low, high = _ends(scores)
    log_axis(left, low, high)
    every_rate = [rate for some in rates.values() for rate in some]
    left.set_xlim(min(every_rate) / 1.5, 1.5 * max(every_rate))
    label(right, title="part 2: judged at that rate", xlabel="loss of each seed", ylim=(-0.6, len(scores) + 0.4))
    log_axis(right, low, high, axis="x")
    for axis in (left.yaxis, right.xaxis):
        axis.set_major_locator(LogLocator(subs=(1, 2, 5) if high > 8 * low else (1, 1.5, 2, 3, 5, 7)))
        axis.set_major_formatter("{x:g}")
        axis.set_minor_locator(NullLocator())
    right.set_yticks(rows, scores)
    for tick in right.get_yticklabels():
        plain(tick)
    looks = mark_looks({name: name for name in scores})
    sliders = {"gradients": range(every, every * checks + 1, every), "same": ["gradients", "work"]}
    player = Player(figure, sliders, caption=_told(scores, costs), opening="", **{"at": {"same": 0}} | options)
    judged: list[Tensor] = []
    for row, (name, score) in zip(rows, scores.items()):
        at = torch.stack([torch.arange(checks), _afforded(checks, costs[name])], -1)  # (checks, 2)
        means, best = chosen(score)
        color, x = looks[name]["color"], torch.as_tensor(rates[name], dtype=torch.float64)
        heights = means[at].clamp(max=1e3)  # (checks, 2, rates)
        player.line(
            left, torch.stack([x.expand_as(heights), heights], -1), color=color, dash=looks[name]["dash"], width=2
        )
        low = torch.stack([x[best[at]], means.gather(1, best[:, None])[:, 0][at]], -1)
        player.points(left, low[:, :, None], color=color, marker=looks[name]["marker"], size=12)
        seeds = score[torch.arange(checks), 1, best].clamp(max=1e3)  # (checks, seeds)
        places = torch.stack([seeds[at], torch.full_like(seeds[at], float(row))], -1)
        player.points(right, places, color=color, marker=looks[name]["marker"], size=11)
        mean = seeds.mean(-1)[at]
        judged.append(mean)
        bar = torch.stack([mean, mean], -1)
        height = torch.tensor([row - 0.32, row + 0.32], dtype=bar.dtype)
        player.line(right, torch.stack([bar, height.expand_as(bar)], -1), color=ink(right, BLACK), width=3)
    found = torch.stack(judged, -1)  # (checks, 2, rules)
    lowest = torch.stack([found.argmin(-1).to(found.dtype), found.amin(-1)], -1)
    player.text(
        right, lowest, f"lowest: {{:{'|'.join([*map(escaped, scores), ''])}}} {{:.3f}}", at=(0.98, 0.99), align="right"
    )
    return player


def chosen(score: Tensor) -> tuple[Tensor, Tensor]:
    """The mean losses of the seeds on the first part, (checks, rates), and at each check which rate is best, (checks,).

    Args:
        score: (checks, 2, rates, seeds).

    Returns:
        Both; a loss that is not finite is the worst.

    Example:
        >>> chosen(torch.tensor([[[[3.0], [1.0]], [[2.0], [2.0]]]]))[1].tolist()
        [1]
    """
    means = score[:, 0].nan_to_num(1e3, 1e3).mean(-1)
    return means, means.argmin(1)


def _ends(scores: Mapping[str, Tensor]) -> tuple[float, float]:
    """Of the axes of losses: the lowest of all, and what the slowest rule has at the first check, with some room."""
    lowest = min(score[score.isfinite()].min().item() for score in scores.values())
    first = max(chosen(score)[0][0].min().item() for score in scores.values())
    return 0.8 * lowest, 1.5 * max(first, lowest)


def _afforded(checks: int, cost: float) -> Tensor:
    """(checks,): at which check a rule is when one whose gradients cost 1 is at each of them; the first at least."""
    return ((torch.arange(checks) + 1) / cost).floor().long().sub(1).clamp(min=0)


def _told(scores: Mapping[str, Tensor], costs: Mapping[str, float]) -> str:
    ends = {name: chosen(score)[1][-1] for name, score in scores.items()}
    words = [f"{name}: {score[-1, 1, ends[name]].mean():.2f}" for name, score in scores.items()]
    return f"Mean losses on the second part with all gradients: {', '.join(words)}."
