"""What Adam adds, term by term, and the race of all."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.lines import Line2D
from torch import Tensor

from gdviz.descent import Trajectory
from gdviz.hyperparameters import as_tensor
from gdviz.optimizers import Adam
from gdviz.pictures.limits import HIGHEST, log_axis, step_limits
from gdviz.pictures.words import label, plain
from gdviz.player import Player
from gdviz.player.templates import escaped
from gdviz.style import BLACK, BLUE, GREY, LOOKS, VERMILLION, ink
from gdviz.surfaces import Surface
from gdviz.theory import effective_rate
from gdviz.theory.rates import refuse_other_runs
from gdviz.views.alive import beside, follow
from gdviz.views.frames import highest, mark_look, mark_looks, pair


def ladder(surface: Surface, runs: Mapping[str, Trajectory], **options: Any) -> Player:
    """One term added at a time: each rule's path and effective rate along x and y; a slider chooses the rule.

    The start can be dragged.

    Args:
        surface: of two parameters.
        runs: name -> a single run.
        options: at=..., as for Player.

    Returns:
        The player.

    Example:
        >>> from gdviz.descent import minimize
        >>> from gdviz.optimizers import AdaGrad, Adam, RMSProp
        >>> from gdviz.surfaces import ravine
        >>> surface, rules = ravine(), {"AdaGrad": AdaGrad(0.5), "RMSProp": RMSProp(0.1, 0.9), "Adam": Adam(0.3)}
        >>> player = ladder(surface, {name: minimize(surface, rule, surface.start, 40) for name, rule in rules.items()})
    """
    figure, left, right = pair(surface)
    steps = next(iter(runs.values())).steps
    finite = torch.cat([effective_rate(run) for run in runs.values()])
    finite = finite[torch.isfinite(finite) & (finite > 0)].tolist()
    label(left, title="where does the rule go?")
    label(
        right,
        title="which rate does each parameter get?",
        xlabel="step",
        ylabel="learning rate",
        xlim=step_limits([0, steps]),
    )
    log_axis(right, 0.5 * min(finite, default=0), 10 * max(finite, default=0))
    steep: dict[str, Any] = {"color": VERMILLION, "marker": "s", "dash": (3, 1.5)}
    handles = [Line2D([], [], color=ink(right, BLUE), marker="o", label="of x, flat")]
    style = {"color": ink(right, VERMILLION), "linestyle": (0, steep["dash"]), "marker": "s"}
    handles += [Line2D([], [], **style, label="of y, steep")]
    right.legend(handles=handles, loc="upper right")

    def told(runs: Mapping[str, Trajectory]) -> str:
        return " ".join(run.describe() for run in runs.values())

    def place(run: Trajectory) -> Tensor:
        return run.params[:, None]

    def loss(run: Trajectory) -> Tensor:
        return run.losses[:, None]

    def rate(run: Trajectory, i: int) -> Tensor:
        rates = effective_rate(run)[..., i]
        return torch.cat([rates[:1], rates])[:, None]

    def of(draw: Callable[[Trajectory], Tensor]) -> Tensor:
        return beside(*((run, draw) for run in runs.values()))[0]

    of_x, of_y = partial(rate, i=0), partial(rate, i=1)
    player = Player(figure, {"step": range(steps + 1), "rule": list(runs)}, caption=told(runs), **options)
    drawn = {
        player.path(left, of(place), color=BLACK): place,
        player.text(left, of(loss), "loss {:.3g}"): loss,
        player.curve(right, of(of_x), color=BLUE): of_x,
        player.curve(right, of(of_y), **steep): of_y,
    }
    positions = {name: k for k, name in enumerate(runs)}
    follow(player, left, runs, dict.fromkeys(runs, drawn), told, shown=positions)
    return player


def xray(surface: Surface, trajectory: Trajectory, **options: Any) -> Player:
    """Adam's numbers substituted into its formula for the next step, for x or for y.

    The start can be dragged, and lr, beta1 and beta2 be turned where they are Ranges.

    Args:
        surface: of two parameters.
        trajectory: a single run of Adam.
        options: at=..., as for Player.

    Returns:
        The player.

    Raises:
        ValueError: another run.

    Example:
        >>> from gdviz.descent import minimize
        >>> from gdviz.optimizers import Adam, Range
        >>> from gdviz.surfaces import ravine
        >>> player = xray(ravine(), minimize(ravine(), Adam(Range(0.01, 1, 0.3)), ravine().start, steps=30))
    """
    refuse_other_runs("an X-ray", trajectory, Adam)
    figure, left, right = pair(surface, figsize=(13, 5.2), width_ratios=(1, 1.35))
    right.axis("off")
    label(left, title="where does Adam go?")
    sliders = {"step": range(trajectory.steps), "coordinate": ["x (flat)", "y (steep)"]}
    player = Player(figure, sliders, caption=trajectory.describe(), **options)

    def place(run: Trajectory) -> Tensor:
        return run.params[:-1, None]

    drawn: dict[Any, Any] = {player.path(left, place(trajectory), **mark_look(trajectory.rule)): place}
    lines = (
        (BLACK, "t = {:.0f}     gradient g = {:+.3g}", "t g"),
        (BLUE, "m = {:.4g} × {:+.3g} + {:.4g} × {:+.3g} = {:+.3g}", "b1 m_before c1 g m"),
        (VERMILLION, "v = {:.4g} × {:.3g} + {:.4g} × {:.3g} = {:.3g}", "b2 v_before c2 g_squared v"),
        (BLUE, "m̂ = {:+.3g} / (1 − {:.4g}^{:.0f}) = {:+.3g}", "m b1 t m_hat"),
        (VERMILLION, "v̂ = {:.3g} / (1 − {:.4g}^{:.0f}) = {:.3g}", "v b2 t v_hat"),
        (BLACK, "effective rate = {:.3g} / (√{:.3g} + ε) = {:.3g}", "lr v_hat rate"),
        (BLACK, "step = − {:.3g} × {:+.3g} = {:+.3g}", "rate m_hat step"),
        (GREY, "a plain step would be − lr g = {:+.3g}", "plain"),
    )
    for i, (color, template, names) in enumerate(lines):

        def numbers(run: Trajectory, names: str = names) -> Tensor:
            terms = _terms(run)
            fields = [terms[name].expand(run.grads.shape) for name in names.split()]
            return torch.stack(fields, -1) if len(fields) > 1 else fields[0]

        look = {"color": color, "size": 20, "at": (0.0, 1.0 - 0.125 * i)}
        drawn[player.text(right, numbers(trajectory), template, **look)] = numbers
    follow(player, left, trajectory, drawn)
    return player


def _terms(run: Trajectory) -> dict[str, Tensor]:
    """The terms of Adam's steps by name, each (steps, d) or less."""
    state, g = run.states, run.grads
    b1, b2, lr = (as_tensor(value).double() for value in (run.rule.beta1, run.rule.beta2, run.rule.lr))
    t, m, v = state.t[1:, None], state.m[1:], state.v[1:]
    m_hat, v_hat, rate = m / (1 - b1**t), v / (1 - b2**t), effective_rate(run)
    terms = {"t": t, "g": g, "g_squared": g**2, "m": m, "v": v, "m_before": state.m[:-1], "v_before": state.v[:-1]}
    terms |= {"m_hat": m_hat, "v_hat": v_hat, "rate": rate, "step": -rate * m_hat, "plain": -lr * g}
    return terms | {"b1": b1, "b2": b2, "c1": 1 - b1, "c2": 1 - b2, "lr": lr}


def race(
    surface: Surface,
    runs: Mapping[str, Trajectory],
    shares: Mapping[str, Sequence[float]],
    rates: Sequence[str],
    *,
    looks: Mapping[str, Any] | None = None,
    **options: Any,
) -> Player:
    """All optimizers on one surface, and the share of many starts from which each finds the global minimum.

    The bars do not move with the step: they are of the finished descents. The start of the paths can be dragged. A rule
    that the course does not know has the name of its class at the head.

    Args:
        surface: of two parameters.
        runs: by name, each with one axis of runs, how the rates were chosen.
        shares: by name, one for each way of choosing.
        rates: the names of these ways, a switch.
        looks: as for views.descents.
        options: at=..., as for Player.

    Returns:
        The player.

    Example:
        >>> from gdviz.descent import grid, minimize
        >>> from gdviz.optimizers import Adam, GradientDescent
        >>> from gdviz.surfaces import himmelblau
        >>> surface, rules = himmelblau(), {"GradientDescent": GradientDescent, "Adam": Adam}
        >>> runs = {
        ...     name: minimize(surface, kind(**grid(lr=[0.005, 0.01])), (-1.0, -1.0), steps=40)
        ...     for name, kind in rules.items()
        ... }
        >>> player = race(surface, runs, {name: [0.5, 0.75] for name in runs}, ["one for all", "each its own"])
    """
    figure, left, right = pair(surface, figsize=(13, 5.4), width_ratios=(1.25, 1))
    places = np.arange(len(runs))[::-1]
    label(left, title="where do the paths lead?")
    label(right, title="who finds the lowest minimum?", xlabel="share of the starts", xlim=(0, 1.15))
    right.set(ylim=(-0.6, len(runs) - 0.4))
    right.set_yticks(places, runs)
    for tick in right.get_yticklabels():
        plain(tick)
    right.tick_params("y", length=0)
    right.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "25 %", "50 %", "75 %", "100 %"])
    first = next(iter(runs.values()))
    caption = " ".join(f"{name}: {', '.join(f'{share:.0%}' for share in shares[name])}." for name in runs)
    caption = f"Share of starts that reach the global minimum ({', '.join(rates)}). {caption}"
    player = Player(figure, {"step": range(first.steps + 1), "learning rates": rates}, caption=caption, **options)
    paths: dict[str, dict] = {}
    seen = mark_looks({name: run.rule for name, run in runs.items()}, looks)
    for name, run in runs.items():  # the head of a rule of one's own says which it is
        seen[name] |= {} if type(run.rule).__name__ in LOOKS else {"label": type(run.rule).__name__}
    for place, (name, run) in zip(places, runs.items()):
        drawn, share = seen[name], np.asarray(shares[name], dtype=float)
        ends = np.stack([np.stack([0 * share, share], -1), np.full((len(share), 2), place)], -1)  # (rates, 2, 2)
        paths[name] = {player.path(left, run.params, dots=0, **drawn): lambda run: run.params}
        player.line(right, ends[None], color=drawn["color"], width=14)
        player.points(right, ends[None, :, 1:], color=drawn["color"], marker=drawn["marker"], size=24)
    follow(player, left, runs, paths, lambda _: caption)
    return player


def step_sizes(runs: Mapping[str, Trajectory], sliders: Mapping[str, Any], **options: Any) -> Player:
    """How far each step goes, as a multiple of lr, for descents of one parameter.

    Args:
        runs: by name, with one axis of runs for each of the sliders.
        sliders: name -> values.
        options: at=..., as for Player.

    Returns:
        The player.

    Example:
        >>> from gdviz.descent import grid, minimize
        >>> from gdviz.optimizers import Adam, RMSProp
        >>> rates = [0.01, 0.1]
        >>> runs = {
        ...     kind.__name__: minimize(lambda w: w.square().sum(-1), kind(**grid(lr=rates)), [5.0], steps=30)
        ...     for kind in (Adam, RMSProp)
        ... }
        >>> player = step_sizes(runs, {"learning rate": rates})
    """
    for run in runs.values():
        refuse_other_runs("a step size", run, object)
    sizes = {name: (run.params.diff(dim=0).abs() / run.rule.lr)[..., 0] for name, run in runs.items()}
    first = next(iter(runs.values()))
    figure, ax = plt.subplots(figsize=(7, 4.6), layout="constrained")
    label(ax, title="how long is each step?", xlabel="step", ylabel="size in lr", xlim=step_limits([1, first.steps]))
    log_axis(ax, 0.2, 3 * max(1.0, *(min(highest(size), HIGHEST) for size in sizes.values())))
    caption = " ".join(f"{name}: at most {highest(size):.2f} lr." for name, size in sizes.items())
    player = Player(figure, {"step": range(1, first.steps + 1), **sliders}, caption=caption, opening="", **options)
    looks = mark_looks({name: run.rule for name, run in runs.items()})
    for place, (name, size) in enumerate(sizes.items()):
        drawn = looks[name]
        player.curve(ax, size, **drawn)
        at = (0.97, 0.98 - 0.1 * place)
        player.text(ax, size, f"{escaped(name)}: {{:.2f}} lr", color=drawn["color"], at=at, align="right")
    return player
