"""Ready-made players of notebook 04: what momentum and Adam add to a step."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.lines import Line2D
from matplotlib.patheffects import Normal, Stroke

from gdviz import plots
from gdviz.descent import Trajectory
from gdviz.optimizers import Adam, Momentum, Nesterov
from gdviz.pictures.limits import HIGHEST, log_axis, step_limits
from gdviz.pictures.words import label, plain
from gdviz.player import Player
from gdviz.player.templates import escaped
from gdviz.plots.levels import without
from gdviz.style import BLACK, BLUE, GREEN, GREY, LOOKS, VERMILLION, ink
from gdviz.surfaces import Surface
from gdviz.theory import effective_rate, heavy_ball_rate
from gdviz.theory.rates import refuse_other_runs
from gdviz.views.frames import highest, lost, mark_look, pair


def rate_map(
    surface: Surface,
    trajectory: Trajectory,
    rates: Sequence[float],
    momenta: Sequence[float],
    curvatures: Sequence[float],
    **options: Any,
) -> Player:
    """The heavy ball on a quadratic, with lr and momentum on sliders, and the map of its rate with the current point.

    trajectory: two axes of runs, the rates and the momenta. curvatures: the smallest and the largest. At the head two
    arrows, that add up to the next step: against the gradient, and along the velocity. On the map bright is slow, and
    beyond the thick line the ball diverges.
    """
    refuse_other_runs("the map", trajectory, Momentum)
    figure, left, right = pair(surface)
    lr, beta = torch.linspace(0, 1.08 * max(rates), 181).double(), torch.linspace(0, 0.99, 181).double()
    worst = heavy_ball_rate(lr[None, :, None], beta[:, None, None], torch.tensor(curvatures)).amax(-1)
    stable = worst.where(worst <= 1, torch.nan)
    right.contourf(lr, beta, stable, levels=np.linspace(0.5, 1, 11), cmap="viridis", extend="min")
    with without("No contour levels were found"):  # where no rate of these is slow, or none diverges
        lines = right.contour(lr, beta, stable, levels=[0.7, 0.8, 0.9], colors="#ffffff", linewidths=1)
        right.contour(lr, beta, worst, levels=[1 - 1e-9], colors=ink(right), linewidths=3)
    for number in right.clabel(lines, fmt="%.1f", fontsize=15, colors=BLACK):
        number.set_path_effects([Stroke(linewidth=4, foreground="white"), Normal()])
    words = {"color": ink(right), "path_effects": plots.halo(right, 4), "weight": "bold", "size": 16}
    right.text(0.97, 0.05, "diverges", transform=right.transAxes, ha="right", **words)
    label(right, title="share of the error left by a step", xlabel="learning rate", ylabel="momentum", ylim=(0, 0.99))

    sliders = {"step": range(trajectory.steps + 1), "learning rate": rates, "momentum": momenta}
    player = Player(figure, sliders, caption=trajectory.describe(), **options)
    player.path(left, trajectory.params, **mark_look(trajectory.rule))
    lrs, betas = (torch.as_tensor(values, dtype=torch.float64) for values in (rates, momenta))
    still = torch.zeros_like(trajectory.params[:1])
    slope = torch.cat([-lrs[:, None, None] * trajectory.grads, still])  # of the step that comes next
    carried = -lrs[:, None, None] * betas[:, None] * trajectory.states.velocity
    player.arrow(left, torch.stack([trajectory.params, trajectory.params + slope], -2), color=BLACK)
    player.arrow(left, torch.stack([trajectory.params, trajectory.params + carried], -2), color=GREEN)
    player.text(left, trajectory.losses, "loss {:.3g}", diverged=lost(trajectory))
    spots = torch.stack(torch.broadcast_tensors(lrs[:, None], betas), -1)[None, ..., None, :]
    player.points(right, spots, color=VERMILLION, size=13, casing=3.5)
    here = heavy_ball_rate(lrs[:, None, None], betas[:, None], torch.tensor(curvatures)).amax(-1)
    player.text(right, here[None], "factor {:.3f}", at=(0.97, 0.98), align="right")
    return player


def look_ahead(surface: Surface, ball: Trajectory, nesterov: Trajectory, **options: Any) -> Player:
    """Heavy ball and Nesterov side by side: the way along the velocity, then the way against the gradient.

    The black dot is where the gradient is measured: where the ball is, or where its velocity is about to carry it.
    """
    refuse_other_runs("the left side", ball, Momentum)
    refuse_other_runs("the right side", nesterov, Nesterov)
    figure, panels = plt.subplots(1, 2, figsize=(12, 4.8), sharey=True, layout="constrained")
    sliders = {"step": range(ball.steps)}
    player = Player(figure, sliders, caption=f"{ball.describe()} {nesterov.describe()}", **options)
    for ax, run, name in zip(panels, (ball, nesterov), ("heavy ball", "Nesterov")):
        plots.contours(surface, ax=ax)
        label(ax, title=name, xlabel="parameter x")
        carried = -run.rule.lr * run.rule.momentum * run.states.velocity[:-1]
        slope = -run.rule.lr * run.grads
        measured = run.params[:-1]
        place = measured if run is ball else measured - carried  # torch's params of Nesterov look ahead already
        player.path(ax, place, **mark_look(run.rule) | {"size": 9})
        player.arrow(ax, torch.stack([place, place + carried], -2), color=GREEN)
        player.arrow(ax, torch.stack([place + carried, place + carried + slope], -2), color=BLACK)
        player.points(ax, measured[:, None], color=BLACK, size=11)
    label(panels[0], ylabel="parameter y")
    return player


def ladder(surface: Surface, runs: Mapping[str, Trajectory], **options: Any) -> Player:
    """One term added at a time: each rule's path and effective rate along x and y; a slider chooses the rule."""
    figure, left, right = pair(surface)
    steps = next(iter(runs.values())).steps
    rates = torch.stack([effective_rate(run) for run in runs.values()], 1)  # (steps, rules, 2)
    rates = torch.cat([rates[:1], rates])
    label(right, title="effective learning rate", xlabel="step", ylabel="learning rate", xlim=step_limits([0, steps]))
    finite = rates[torch.isfinite(rates) & (rates > 0)].tolist()
    log_axis(right, 0.5 * min(finite, default=0), 10 * max(finite, default=0))
    handles = [Line2D([], [], color=ink(right, BLUE), marker="o", label="of x, flat")]
    style = {"color": ink(right, VERMILLION), "linestyle": (0, (3, 1.5)), "marker": "s"}
    handles += [Line2D([], [], **style, label="of y, steep")]
    right.legend(handles=handles, loc="upper right")
    caption = " ".join(run.describe() for run in runs.values())
    player = Player(figure, {"step": range(steps + 1), "rule": list(runs)}, caption=caption, **options)
    params = torch.stack([run.params for run in runs.values()], 1)
    losses = torch.stack([run.losses for run in runs.values()], 1)
    player.path(left, params, color=BLACK)
    player.text(left, losses, "loss {:.3g}")
    player.curve(right, rates[..., 0], color=BLUE)
    player.curve(right, rates[..., 1], color=VERMILLION, dash=(3, 1.5), marker="s")
    return player


def xray(surface: Surface, trajectory: Trajectory, **options: Any) -> Player:
    """Adam's numbers substituted into its formula, at the step that led to where the head is, for x or for y."""
    refuse_other_runs("an X-ray", trajectory, Adam)
    rule, state = trajectory.rule, trajectory.states
    figure, left, right = pair(surface, figsize=(13, 5.2), width_ratios=(1, 1.35))
    right.axis("off")
    sliders = {"step": range(1, trajectory.steps + 1), "coordinate": ["x (flat)", "y (steep)"]}
    player = Player(figure, sliders, caption=trajectory.describe(), **options)
    player.path(left, trajectory.params[1:, None], **mark_look(rule))
    g, t = trajectory.grads, state.t[1:, None].expand_as(trajectory.grads)
    m, v, m_before, v_before = state.m[1:], state.v[1:], state.m[:-1], state.v[:-1]
    m_hat, v_hat = m / (1 - rule.beta1**t), v / (1 - rule.beta2**t)
    rate = effective_rate(trajectory)
    b1, b2, c1, c2 = (f"{value:.4g}" for value in (rule.beta1, rule.beta2, 1 - rule.beta1, 1 - rule.beta2))
    lines = (
        (BLACK, "t = {:.0f}     gradient g = {:+.3g}", t, g),
        (BLUE, f"m = {b1} × {{:+.3g}} + {c1} × {{:+.3g}} = {{:+.3g}}", m_before, g, m),
        (VERMILLION, f"v = {b2} × {{:.3g}} + {c2} × {{:.3g}} = {{:.3g}}", v_before, g**2, v),
        (BLUE, f"m̂ = {{:+.3g}} / (1 − {b1}^{{:.0f}}) = {{:+.3g}}", m, t, m_hat),
        (VERMILLION, f"v̂ = {{:.3g}} / (1 − {b2}^{{:.0f}}) = {{:.3g}}", v, t, v_hat),
        (BLACK, f"effective rate = {rule.lr:.3g} / (√{{:.3g}} + ε) = {{:.3g}}", v_hat, rate),
        (BLACK, "step = − {:.3g} × {:+.3g} = {:+.3g}", rate, m_hat, -rate * m_hat),
        (GREY, "a plain step would be − lr g = {:+.3g}", -rule.lr * g),
    )
    for i, (color, template, *numbers) in enumerate(lines):
        fields = torch.stack(numbers, -1) if len(numbers) > 1 else numbers[0]
        player.text(right, fields, template, color=color, size=20, at=(0.0, 1.0 - 0.125 * i))
    return player


def race(
    surface: Surface,
    runs: Mapping[str, Trajectory],
    shares: Mapping[str, Sequence[float]],
    rates: Sequence[str],
    **options: Any,
) -> Player:
    """All optimizers on one surface, and the share of many starts from which each finds the global minimum.

    runs: by name, each with one axis of runs, how the rates were chosen (rates: their names, a switch). shares: by
    name, one for each way of choosing. The bars do not move with the step: they are of the finished descents.
    A rule that the course does not know is black and dashed, with the name of its class at the head.
    """
    figure, left, right = pair(surface, figsize=(13, 5.4), width_ratios=(1.25, 1))
    places = np.arange(len(runs))[::-1]
    label(right, title="starts that find the lowest minimum", xlabel="share of the starts", xlim=(0, 1.15))
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
    for place, (name, run) in zip(places, runs.items()):
        drawn, share = _own_look(run.rule), np.asarray(shares[name], dtype=float)
        ends = np.stack([np.stack([0 * share, share], -1), np.full((len(share), 2), place)], -1)  # (rates, 2, 2)
        player.path(left, run.params, dots=0, **drawn)
        player.line(right, ends[None], color=drawn["color"], width=14)
        player.points(right, ends[None, :, 1:], color=drawn["color"], marker=drawn["marker"], size=24)
    return player


def _own_look(rule: Any) -> dict[str, Any]:
    """The look of a rule; of one without a look, such as a learner's, one that can be told from all others."""
    name = type(rule).__name__
    return mark_look(rule) | ({} if name in LOOKS else {"dash": (3, 1.5), "marker": "^", "label": name})


def step_sizes(runs: Mapping[str, Trajectory], sliders: Mapping[str, Any], **options: Any) -> Player:
    """How far each step goes, as a multiple of lr, for descents of one parameter.

    runs: by name, with one axis of runs for each of the sliders.
    """
    for run in runs.values():
        refuse_other_runs("a step size", run, object)
    sizes = {name: (run.params.diff(dim=0).abs() / run.rule.lr)[..., 0] for name, run in runs.items()}
    first = next(iter(runs.values()))
    figure, ax = plt.subplots(figsize=(7, 4.6), layout="constrained")
    label(ax, title="size of each step", xlabel="step", ylabel="size in lr", xlim=step_limits([1, first.steps]))
    log_axis(ax, 0.2, 3 * max(1.0, *(min(highest(size), HIGHEST) for size in sizes.values())))
    caption = " ".join(f"{name}: at most {float(size.max()):.2f} lr." for name, size in sizes.items())
    player = Player(figure, {"step": range(1, first.steps + 1), **sliders}, caption=caption, **options)
    for place, (name, size) in enumerate(sizes.items()):
        drawn = mark_look(runs[name].rule)
        player.curve(ax, size, **drawn)
        at = (0.97, 0.98 - 0.1 * place)
        player.text(ax, size, f"{escaped(name)}: {{:.2f}} lr", color=drawn["color"], at=at, align="right")
    return player
