"""Numbers of 8 bits, and means of means: two ways in which a training does not compute what is written."""

from typing import Any

import matplotlib.pyplot as plt
import torch

from gdviz.hyperparameters import as_tensor, whole
from gdviz.pictures.limits import step_limits
from gdviz.pictures.words import label
from gdviz.player import Player
from gdviz.player.sliders import labels_of
from gdviz.player.templates import escaped
from gdviz.style import BLACK, BLUE, GREEN, VERMILLION, ink
from gdviz.theory import mean_of_means, swallowed
from gdviz.views.frames import beneath

WAYS = {
    "float32": {"color": BLACK, "dash": (), "marker": "o"},
    "bfloat16": {"color": VERMILLION, "dash": (), "marker": "s"},
    "bfloat16, rounded at random": {"color": GREEN, "dash": (), "marker": "^"},
    "float32 master copy": {"color": BLUE, "dash": (3, 1.5), "marker": "D"},
}


def bfloat16(
    updates: Any, *, steps: int = 200, start: float = 1.0, generator: torch.Generator, **options: Any
) -> Player:
    """A weight from which the same update is taken at each step, kept in float32 and in bfloat16 in three ways.

    Args:
        updates: the values of a slider, (n,).
        steps: how many.
        start: the first weight.
        generator: for stochastic rounding.
        options: at=..., as for Player.

    Returns:
        The player.

    Raises:
        ValueError: updates that are no list of numbers.

    Example:
        >>> player = bfloat16([0.001, 0.0019, 0.003], generator=torch.Generator().manual_seed(0))
    """
    updates, steps = as_tensor(updates), whole("steps", steps)
    if updates.ndim != 1 or not len(updates):
        raise ValueError(f"updates must be a list of numbers, got shape {tuple(updates.shape)}")
    kept = swallowed(updates, steps, start=start, generator=generator)
    figure, ax = plt.subplots(figsize=(7, 5), layout="constrained")
    label(ax, title="a weight, the same update at each step", xlabel="step", ylabel="weight")
    every = torch.stack(list(kept.values()))
    room = 0.08 * float(every.max() - every.min()) or 1.0
    ax.set(xlim=step_limits([0, steps]), ylim=(float(every.min()) - room, float(every.max()) + room))
    beneath(figure, WAYS, columns=2)
    ends = {name: w[-1].tolist() for name, w in kept.items()}
    told = "; ".join(f"{name}: {', '.join(f'{end:.3g}' for end in some)}" for name, some in ends.items())
    sliders = {"step": range(steps + 1), "update": labels_of(updates)}
    caption = f"The weight after {steps} steps, for each update. {told}."
    player = Player(figure, sliders, caption=caption, opening="", **{"at": {"update": 0}} | options)
    for row, (name, w) in enumerate(kept.items()):
        player.curve(ax, w, **WAYS[name], width=9 if name == "float32" else 3)  # what is right shows beside others
        place = (0.03, 0.08 + 0.085 * (len(kept) - 1 - row))  # lower left: the weight falls
        player.text(ax, w, f"{escaped(name)}: {{:.4f}}", at=place, color=WAYS[name]["color"])
    return player


def accumulation(losses: Any, **options: Any) -> Player:
    """The losses of some tokens, cut into two micro-batches: the mean of their means, and the mean of all.

    The slider is the cut.

    Args:
        losses: of each token, (n,), 2 or more.
        options: at=..., as for Player.

    Returns:
        The player.

    Raises:
        ValueError: fewer losses, or another shape.

    Example:
        >>> player = accumulation([4.0, 1.0, 1.0, 1.0])
        >>> print(player.describe().partition("Shown: ")[2])
        tokens in the first micro-batch 1, mean of means 2.5, mean of all 1.75.
    """
    losses = as_tensor(losses).double()
    if losses.ndim != 1 or len(losses) < 2:
        raise ValueError(f"losses must be those of 2 tokens or more, (n,); got shape {tuple(losses.shape)}")
    n, cuts = len(losses), range(1, len(losses))
    places = torch.arange(1, n + 1).double()
    first = torch.stack([losses[:cut].mean() for cut in cuts])
    second = torch.stack([losses[cut:].mean() for cut in cuts])
    counts = torch.tensor([[cut, n - cut] for cut in cuts])
    both, true = mean_of_means(torch.stack([first, second], -1), counts)
    figure, ax = plt.subplots(figsize=(7, 4.4), layout="constrained")
    label(ax, title="loss of each token", xlabel="token", ylabel="loss")
    ax.set(xlim=(0.4, n + 0.6), ylim=(min(0.0, 1.1 * float(losses.min())), 1.45 * float(losses.max())))
    if n <= 20:
        ax.set_xticks(range(1, n + 1))
    ax.axhline(float(true[0]), color=ink(ax, BLACK), linewidth=2)
    caption = f"The mean of all is {true[0]:.4g}; the mean of means is between {both.min():.4g} and {both.max():.4g}."
    sliders = {"tokens in the first micro-batch": list(cuts)}
    player = Player(figure, sliders, caption=caption, opening="", **{"at": {next(iter(sliders)): 0}} | options)
    for ends, means, color in (
        (torch.tensor([[0.55, cut + 0.45] for cut in cuts]).double(), first, BLUE),
        (torch.tensor([[cut + 0.55, n + 0.45] for cut in cuts]).double(), second, GREEN),
    ):
        player.line(ax, torch.stack([ends, means[:, None].expand_as(ends)], -1), color=color, width=4)
        within = (places >= ends[:, :1]) & (places <= ends[:, 1:])
        tokens = torch.stack([places, losses], -1).where(within[..., None], torch.nan)
        player.points(ax, tokens, color=color, size=14, marker="o" if color == BLUE else "s")
    wide = torch.tensor([0.4, n + 0.6]).double().expand(n - 1, 2)
    player.line(ax, torch.stack([wide, both[:, None].expand_as(wide)], -1), color=VERMILLION, dash=(2, 1), width=3)
    words: dict[str, Any] = {"align": "right"}
    player.text(ax, both, "mean of means {:.3g}", at=(0.97, 0.98), color=VERMILLION, **words)
    player.text(ax, true, "mean of all {:.3g}", at=(0.97, 0.89), color=BLACK, **words)
    return player
