"""Descents that mislead: a lucky start, a planted mistake."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import product
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import Tensor

from gdviz import plots
from gdviz.descent import Trajectory
from gdviz.hyperparameters import as_tensor
from gdviz.pictures.limits import step_limits
from gdviz.pictures.words import label
from gdviz.player import Player
from gdviz.player.templates import escaped
from gdviz.style import BLUE, VERMILLION, ink
from gdviz.surfaces import Surface
from gdviz.views.alive import beside, follow
from gdviz.views.frames import below, mark_looks, pair


def lucky(
    surface: Surface,
    runs: Mapping[str, Trajectory],
    shares: Mapping[str, Sequence[float]],
    rates: Sequence[float],
    **options: Any,
) -> Player:
    """Descents from one start at one rate, and what they hide: the share of many starts that arrive, for every rate.

    The start can be dragged, and a rate given as a Range be turned. The dots on the right are at the rate of the left
    side, on the straight lines between the shares.

    Args:
        surface: of two parameters.
        runs: by name, each a single run.
        shares: by name, one for each of the rates.
        rates: in ascending order, two or more.
        options: at=..., as for Player.

    Returns:
        The player.

    Example:
        >>> from gdviz.descent import minimize
        >>> from gdviz.optimizers import Adam, GradientDescent, Range
        >>> from gdviz.surfaces import himmelblau
        >>> lr, rates = Range(0.001, 0.1, 0.01, log=True), [0.001, 0.01, 0.1]
        >>> runs = {
        ...     kind.__name__: minimize(himmelblau(), kind(lr), [-2.0, -2.0], steps=30)
        ...     for kind in (GradientDescent, Adam)
        ... }
        >>> player = lucky(himmelblau(), runs, {name: [0.2, 0.9, 0.5] for name in runs}, rates)
    """
    figure, left, right = pair(surface)
    label(right, title="starts that find the lowest minimum", xlabel="learning rate", ylim=(0, 1), xscale="log")
    label(right, ylabel="share of the starts")
    best = {name: (rates[int(np.argmax(share))], max(share)) for name, share in shares.items()}
    caption = " ".join(
        f"{name}: at best {share:.0%} of the starts, with lr {lr:g}." for name, (lr, share) in best.items()
    )
    player = Player(figure, {"step": range(next(iter(runs.values())).steps + 1)}, caption=caption, **options)
    drawn: dict[str, dict] = {}
    looks = mark_looks({name: run.rule for name, run in runs.items()})
    for row, (name, run) in enumerate(runs.items()):
        look, known = looks[name], torch.tensor(shares[name], dtype=torch.float64)
        right.plot(rates, known, color=ink(right, look["color"]))

        def share(run: Trajectory, known: Tensor = known) -> Tensor:
            places = torch.tensor(rates, dtype=torch.float64).log()
            ways = (as_tensor(run.rule.lr).double().log() - places[:-1]) / places.diff()
            return (known[0] + (ways.clamp(0, 1) * known.diff()).sum()).reshape(1)

        def dot(run: Trajectory, share: Callable[[Trajectory], Tensor] = share) -> Tensor:
            return torch.stack([as_tensor(run.rule.lr).double().reshape(1), share(run)], -1)[:, None]

        def percent(run: Trajectory, share: Callable[[Trajectory], Tensor] = share) -> Tensor:
            return 100 * share(run)

        words: dict[str, Any] = {"color": look["color"], "at": (0.03, 0.98 - 0.1 * row)}
        drawn[name] = {
            player.path(left, run.params, **look): lambda run: run.params,
            player.points(right, dot(run), color=look["color"], marker=look["marker"], size=16): dot,
            player.text(right, percent(run), f"{escaped(name)}: {{:.0f}} %", **words): percent,
        }
    follow(player, left, runs, drawn, lambda _: caption)
    return player


def along(
    surface: Surface,
    runs: Mapping[str, Trajectory],
    sliders: Mapping[str, Sequence] | None = None,
    *,
    every: int = 1,
    **options: Any,
) -> Player:
    """Descents of one parameter: where they are on the curve of the loss, and the parameter against the step.

    The start can be dragged, and what is given as a Range can be turned.

    Args:
        surface: of one parameter.
        runs: by name, each with an axis of runs for each of the sliders; a name that is an optimizer's has its look.
        sliders: name -> values.
        every: how many steps the slider moves at once.
        options: at=..., as for Player.

    Returns:
        The player.

    Example:
        >>> from gdviz.descent import minimize
        >>> from gdviz.optimizers import Momentum, Range
        >>> from gdviz.surfaces import double_well
        >>> run = minimize(double_well(), Momentum(Range(0.05, 0.2, 0.1)), [1.7], steps=40)
        >>> player = along(double_well(), {"Momentum": run})
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4.8), layout="constrained")
    plots.profile(surface, ax=left)
    label(left, title=surface.name)
    left.locator_params("x", nbins=6)
    sliders, steps = sliders or {}, range(0, next(iter(runs.values())).steps + 1, every)
    label(right, title="where it is", xlabel="step", ylabel="parameter w", xlim=step_limits(steps), ylim=surface.xlim)
    looks = mark_looks({name: name for name in runs})
    below(right, looks)

    def told(runs: Mapping[str, Trajectory]) -> str:
        return " ".join(f"{name} after {steps[-1]} steps: {_ends(run, sliders)}." for name, run in runs.items())

    def place(run: Trajectory) -> Tensor:
        return run.params[::every, ..., 0]

    def on_the_curve(run: Trajectory) -> Tensor:
        return torch.stack([place(run), surface(run.params[::every])], -1)

    player = Player(figure, {"step": steps, **sliders}, caption=told(runs), **options)
    drawn: dict[str, dict] = {}
    for name, run in runs.items():
        path = player.path(left, on_the_curve(run), width=1, **looks[name])
        drawn[name] = {path: on_the_curve, player.curve(right, place(run), **looks[name]): place}
    follow(player, left, runs, drawn, told)
    return player


def suspects(surface: Surface, pairs: Mapping[str, tuple[Trajectory, Trajectory]], **options: Any) -> Player:
    """An optimizer under suspicion beside the right one: both paths, and the size of each step as a multiple of lr.

    The size of a step is that of its larger coordinate. The start can be dragged, a Range be turned.

    Args:
        surface: of two parameters.
        pairs: letter -> (the suspect's, the right one's), each a single run.
        options: at=..., as for Player.

    Returns:
        The player.

    Raises:
        ValueError: no step: the size of each is shown.

    Example:
        >>> from gdviz.descent import minimize
        >>> from gdviz.exercises import suspect
        >>> from gdviz.optimizers import Momentum, Range
        >>> from gdviz.surfaces import ravine
        >>> lr = Range(0.03, 0.3, 0.1, log=True)
        >>> both = [minimize(ravine(), rule, ravine().start, 40) for rule in (suspect("B", lr=lr), Momentum(lr))]
        >>> player = suspects(ravine(), {"B": tuple(both)})
    """
    figure, left, right = pair(surface)
    rules = [type(right_one.rule).__name__ for _, right_one in pairs.values()]
    steps = next(iter(pairs.values()))[0].steps
    if not steps:
        raise ValueError("suspects need at least one step: the size of each is shown")
    label(right, title="size of each step", xlabel="step", ylabel="size in lr", yscale="log", ylim=(1e-2, 100))
    right.set_xlim(step_limits([0, steps]))
    named = {f"{word} {letter}": run for letter, two in pairs.items() for word, run in zip(("suspect", "right"), two)}
    positions = {name: k // 2 for k, name in enumerate(named)}

    def told(runs: Mapping[str, Trajectory]) -> str:
        ends = [float(run.losses[-1].nan_to_num(torch.inf)) for run in runs.values()]
        worse = [letter for letter, wrong, good in zip(pairs, ends[::2], ends[1::2]) if wrong > good]
        rate = f"With lr {float(next(iter(runs.values())).rule.lr):.4g} "
        return rate + f"these end with a higher loss than the right rule: {', '.join(worse) or 'none'}."

    def place(run: Trajectory) -> Tensor:
        return run.params[:, None]

    def sizes(run: Trajectory) -> Tensor:
        sizes = run.params.diff(dim=0).abs().amax(-1) / run.rule.lr
        return torch.cat([sizes[:1], sizes])[:, None]  # at step t the size of the step that led there

    def size(run: Trajectory) -> Tensor:
        return sizes(run).clamp(min=1e-30)

    def numbers(run: Trajectory, which: int) -> Tensor:
        told = [torch.full_like(run.losses, which), sizes(run)[:, 0], run.losses]
        return torch.stack(told, -1)[:, None]

    player = Player(figure, {"step": range(steps + 1), "suspect": list(pairs)}, caption=told(named), **options)
    drawn: dict[str, dict] = {}
    for word, names, look in (
        ("right", rules, {"color": BLUE}),
        ("suspect", ["suspect"] * len(pairs), {"color": VERMILLION, "marker": "s", "dash": (3, 1.5)}),
    ):
        own = {name: run for name, run in named.items() if name.startswith(word)}
        says = {name: partial(numbers, which=k) for k, name in enumerate(own)}
        path = player.path(left, *beside(*((run, place) for run in own.values())), **look)
        curve = player.curve(right, *beside(*((run, size) for run in own.values())), **look)
        template = f"{{:{'|'.join([*names, ''])}}}: step {{:.2f}} lr, loss {{:.3g}}"  # a choice, also of one
        at = {"at": (0.97, 0.88 + 0.1 * (word == "right")), "align": "right", "color": look["color"]}
        text = player.text(right, beside(*((run, says[name]) for name, run in own.items()))[0], template, **at)
        drawn |= {name: {path: place, curve: size, text: says[name]} for name in own}
    follow(player, left, named, drawn, told, shown=positions)
    return player


def _ends(run: Trajectory, sliders: Mapping[str, Sequence]) -> str:
    """Where the runs of one parameter end, in words: "w = 0.00 at start 1, w = -1.80 at start 3.3"."""
    labels = [
        " ".join(f"{name} {value}" for name, value in zip(sliders, values)) for values in product(*sliders.values())
    ]
    ends = [f"w = {round(end, 2) + 0.0:.2f}" for end in run.params[-1, ..., 0].flatten().tolist()]
    return ", ".join(f"{end} at {label}" if label else end for end, label in zip(ends, labels, strict=True))
