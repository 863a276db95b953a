"""Descents that mislead: a lucky start, a planted mistake."""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch

from gdviz import plots
from gdviz.descent import Trajectory
from gdviz.pictures.limits import step_limits
from gdviz.pictures.words import label
from gdviz.player import Player
from gdviz.player.templates import escaped
from gdviz.style import BLUE, GREY, VERMILLION, ink
from gdviz.surfaces import Surface
from gdviz.views.frames import key, mark_look, pair


def lucky(
    surface: Surface,
    runs: Mapping[str, Trajectory],
    shares: Mapping[str, Sequence[float]],
    sliders: Mapping[str, Sequence],
    **options: Any,
) -> Player:
    """Descents from one start at one rate, and what they hide: the share of many starts that arrive, for every rate.

    The dots on the right are at the rate of the left side.

    Args:
        surface: of two parameters.
        runs: by name, each with two axes of runs, starts and rates.
        shares: by name, one for each rate.
        sliders: the names and values of both, in this order.
        options: at=..., as for Player.

    Returns:
        The player.

    Example:
        >>> from gdviz.descent import grid, minimize
        >>> from gdviz.optimizers import Adam, GradientDescent
        >>> from gdviz.surfaces import himmelblau
        >>> starts, rates = torch.tensor([[0.0, 0.0], [-2.0, -2.0]]).double(), [0.001, 0.01]
        >>> runs = {
        ...     kind.__name__: minimize(himmelblau(), kind(**grid(lr=rates)), starts[:, None], steps=30)
        ...     for kind in (GradientDescent, Adam)
        ... }
        >>> sliders = {"start": ["middle", "lower left"], "learning rate": rates}
        >>> player = lucky(himmelblau(), runs, {name: [0.2, 0.9] for name in runs}, sliders)
    """
    figure, left, right = pair(surface)
    first, rates = next(iter(runs.values())), np.asarray(list(sliders.values())[1], dtype=float)
    label(right, title="starts that find the lowest minimum", xlabel="learning rate", ylim=(0, 1), xscale="log")
    label(right, ylabel="share of the starts")
    best = {name: (rates[np.argmax(share)], max(share)) for name, share in shares.items()}
    caption = " ".join(
        f"{name}: at best {share:.0%} of the starts, with lr {lr:g}." for name, (lr, share) in best.items()
    )
    player = Player(figure, {"step": range(first.steps + 1), **sliders}, caption=caption, **options)
    for place, (name, run) in enumerate(runs.items()):
        drawn, share = mark_look(run.rule), np.asarray(shares[name], dtype=float)
        right.plot(rates, share, color=ink(right, drawn["color"]))
        player.path(left, run.params, **drawn)
        spots = np.stack([rates, share], -1)[None, None, :, None]
        player.points(right, spots, color=drawn["color"], marker=drawn["marker"], size=16)
        at = (0.03, 0.98 - 0.1 * place)
        player.text(right, 100 * share[None, None], f"{escaped(name)}: {{:.0f}} %", color=drawn["color"], at=at)
    return player


def along(
    surface: Surface,
    runs: Mapping[str, Trajectory],
    sliders: Mapping[str, Sequence],
    *,
    every: int = 1,
    levels: Sequence[float] = (),
    **options: Any,
) -> Player:
    """Descents of one parameter: where they are on the curve of the loss, and the parameter against the step.

    Args:
        surface: of one parameter.
        runs: by name, each with an axis of runs for each of the sliders; a name that is an optimizer's has its look.
        sliders: name -> values.
        every: how many steps the slider moves at once.
        levels: parameters at which a thin line is drawn on the right.
        options: at=..., as for Player.

    Returns:
        The player.

    Example:
        >>> from gdviz.descent import grid, minimize
        >>> from gdviz.optimizers import Momentum
        >>> from gdviz.surfaces import double_well
        >>> rates = [0.05, 0.2]
        >>> run = minimize(double_well(), Momentum(**grid(lr=rates)), [1.7], steps=40)
        >>> player = along(double_well(), {"Momentum": run}, {"learning rate": rates})
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4.8), layout="constrained")
    plots.profile(surface, ax=left)
    label(left, title=surface.name)
    left.locator_params("x", nbins=6)
    steps = range(0, next(iter(runs.values())).steps + 1, every)
    label(right, title="where it is", xlabel="step", ylabel="parameter w", xlim=step_limits(steps), ylim=surface.xlim)
    for level in levels:
        right.axhline(level, color=ink(right, GREY), linewidth=1, linestyle=":")
    key(right, {name: name for name in runs})
    caption = " ".join(f"{name} after {steps[-1]} steps: {_ends(run, sliders)}." for name, run in runs.items())
    player = Player(figure, {"step": steps, **sliders}, caption=caption, **options)
    for name, run in runs.items():
        places = run.params[::every]
        player.path(left, torch.cat([places, surface(places)[..., None]], -1), width=1, **mark_look(name))
        player.curve(right, places[..., 0], **mark_look(name))
    return player


def suspects(
    surface: Surface,
    pairs: Mapping[str, tuple[Trajectory, Trajectory]],
    rates: Sequence[float],
    **options: Any,
) -> Player:
    """An optimizer under suspicion beside the right one: both paths, and the size of each step as a multiple of lr.

    The size of a step is that of its larger coordinate.

    Args:
        surface: of two parameters.
        pairs: letter -> (the suspect's, the right one's), each with one axis of runs, the rates.
        rates: their values.
        options: at=..., as for Player.

    Returns:
        The player.

    Raises:
        ValueError: no step: the size of each is shown.

    Example:
        >>> from gdviz.descent import grid, minimize
        >>> from gdviz.exercises import suspect
        >>> from gdviz.optimizers import Momentum
        >>> from gdviz.surfaces import ravine
        >>> rates = grid(lr=[0.05, 0.1])
        >>> both = [minimize(ravine(), rule, ravine().start, 40) for rule in (suspect("B", **rates), Momentum(**rates))]
        >>> player = suspects(ravine(), {"B": tuple(both)}, [0.05, 0.1])
    """
    figure, left, right = pair(surface)
    names = [type(rule.rule).__name__ for _, rule in pairs.values()]
    steps = next(iter(pairs.values()))[0].steps
    if not steps:
        raise ValueError("suspects need at least one step: the size of each is shown")
    lr = torch.as_tensor(rates, dtype=torch.float64)
    label(right, title="size of each step", xlabel="step", ylabel="size in lr", yscale="log", ylim=(1e-2, 100))
    right.set_xlim(step_limits([0, steps]))
    worse = [int((one.losses[-1] > other.losses[-1]).sum()) for one, other in pairs.values()]
    caption = ", ".join(f"{letter} {n} of {len(rates)}" for letter, n in zip(pairs, worse))
    caption = f"Rates at which a suspect ends with a higher loss than the right rule: {caption}."
    sliders = {"step": range(steps + 1), "suspect": list(pairs), "learning rate": rates}
    player = Player(figure, sliders, caption=caption, **options)
    looks = ({"color": VERMILLION, "marker": "s", "dash": (3, 1.5)}, {"color": BLUE})
    which = torch.arange(len(names), dtype=torch.float64)[:, None].expand(-1, len(rates))
    for k in (1, 0):
        params, losses = (
            torch.stack([getattr(two[k], what) for two in pairs.values()], 1) for what in ("params", "losses")
        )
        sizes = params.diff(dim=0).abs().amax(-1) / lr  # (steps, suspects, rates)
        sizes = torch.cat([sizes[:1], sizes])  # at step t the size of the step that led there
        player.path(left, params, **looks[k])
        player.curve(right, sizes.clamp(min=1e-30), **looks[k])
        word = "suspect" if k == 0 else f"{{:{'|'.join([*names, ''])}}}"  # a choice, also of one
        numbers = [sizes, losses] if k == 0 else [which.expand(len(sizes), -1, -1), sizes, losses]
        template = f"{word}: step {{:.2f}} lr, loss {{:.2g}}"
        at = (0.97, 0.98 - 0.1 * (1 - k))
        player.text(right, torch.stack(numbers, -1), template, color=looks[k]["color"], at=at, align="right")
    return player


def _ends(run: Trajectory, sliders: Mapping[str, Sequence]) -> str:
    """Where the runs of one parameter end, in words: "w = 0.00 at start 1, w = -1.80 at start 3.3"."""
    labels = [
        " ".join(f"{name} {value}" for name, value in zip(sliders, values)) for values in product(*sliders.values())
    ]
    ends = run.params[-1, ..., 0].flatten().tolist()
    return ", ".join(f"w = {round(end, 2) + 0.0:.2f} at {label}" for end, label in zip(ends, labels, strict=True))
