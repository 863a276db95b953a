"""What a descent was: all that `minimize` saw, and one sentence about it."""

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from gdviz.hyperparameters import hyperparameters


@dataclass(frozen=True, eq=False)
class Trajectory:
    """What `minimize` saw: time is the first axis, then one axis for each swept hyperparameter or start.

    Attributes:
        params: (steps + 1, *runs, d), or (steps + 1, *runs, m, n) where they are matrices.
        losses: (steps + 1, *runs).
        grads: (steps, *runs, d), or as params, the gradient that each step used: of a rule with a probe, that at the
            probe.
        states: the rule's state with its fields stacked to (steps + 1, ...), states[t] belongs to params[t]; or None.
        rule: the rule, of a schedule that of step 0.
        examples: (steps + 1, *runs), whole numbers: how many gradients of examples were computed on the way there (a
            loss without data counts 1 a step, and a rule with a probe twice); divided by n these are epochs.
        seconds: (steps + 1,), what gradients and updates of all runs together took, without the `losses` that are only
            looked at.
        scheduled: whether there was a schedule.
        loss: what was minimized.
        asked: the rule, or the schedule.
        sampled_loss: as for minimize.
        lrs: (steps, *runs), the learning rate of each step; None of a rule without one.

    Example:
        >>> from gdviz.descent import minimize
        >>> from gdviz.optimizers import GradientDescent
        >>> run = minimize(lambda w: w.square().sum(-1), GradientDescent(lr=0.25), [8.0], steps=3)
        >>> run.params.flatten().tolist()
        [8.0, 4.0, 2.0, 1.0]
    """

    params: Tensor
    losses: Tensor
    grads: Tensor
    states: Any
    rule: Any
    examples: Tensor
    seconds: Tensor
    scheduled: bool = False
    loss: Any = None
    asked: Any = None
    sampled_loss: Any = None
    lrs: Tensor | None = None

    @property
    def steps(self) -> int:
        """How many updates were made."""
        return len(self.grads)

    @property
    def runs(self) -> tuple[int, ...]:
        """The sizes of the swept axes: () for a single run."""
        return tuple(self.losses.shape[1:])

    @property
    def answers(self) -> Tensor:
        """(steps + 1, *runs, d): the weights to evaluate and to keep; params, of a rule that has no `answer`.

        Example:
            >>> from gdviz.descent import minimize
            >>> from gdviz.optimizers import ScheduleFreeSGD
            >>> run = minimize(lambda w: w.sum(-1), ScheduleFreeSGD(lr=1.0, beta=0.5), [0.0], steps=3)
            >>> run.answers.flatten().tolist()  # the means of z: -1, -2, -3
            [0.0, -1.0, -1.5, -2.0]
        """
        if not hasattr(self.rule, "answer"):
            return self.params
        axes = [[1] * (self.params.ndim - part.ndim) for part in self.states]  # t is one number for all runs
        parts = [part.reshape(len(part), *ones, *part.shape[1:]) for ones, part in zip(axes, self.states)]
        return self.rule.answer(self.params, type(self.states)(*parts))

    @property
    def swept(self) -> tuple[str, ...]:
        """The names of the hyperparameters that have several values.

        Example:
            >>> from gdviz.descent import grid, minimize
            >>> from gdviz.optimizers import GradientDescent
            >>> minimize(lambda w: w.square().sum(-1), GradientDescent(**grid(lr=[0.1, 0.2])), [1.0], steps=3).swept
            ('lr',)
        """
        return tuple(name for name, value in hyperparameters(self.rule).items() if value.numel() > 1)

    @property
    def diverged(self) -> Tensor:
        """(*runs), bool: the end is not finite, or worse (by more than rounding) than where the run started."""
        first, end = self.losses[0], self.losses[-1]
        worse = end - first > 1e-9 * first.abs()
        return ~torch.isfinite(end) | ~torch.isfinite(self.params[-1]).flatten(len(self.runs)).all(-1) | worse

    def describe(self, ended: bool = True) -> str:
        """One sentence with the numbers: caption, alt text and what a screen reader says.

        Args:
            ended: whether to say how it ended.

        Returns:
            Where it began and ended, or of many runs the best, and how many diverge.
        """
        first, last = self.losses[0], self.losses[-1]
        setting, name = _setting(self), type(self.rule).__name__
        many = " x ".join(str(n) for n in self.runs)
        if not ended:
            runs = f"{many} runs of " if self.runs else ""
            begin = "" if self.runs else f", from {_point(self.params[0])}"
            return f"{runs}{name} with {setting}{begin}, {self.steps} steps."
        if not self.runs:
            fell = f"the loss goes from {_short(first)} to {_short(last)}"
            ending = f"it diverges, {fell}" if self.diverged else fell
            ending = f"the loss is nan at the start and {_short(last)} at the end" if first.isnan() else ending
            way = f"from {_point(self.params[0])} to {_point(self.params[-1])}"
            return f"{name} with {setting}, {self.steps} steps {way}: {ending}."
        if self.diverged.all():
            return f"{many} runs of {name} with {setting}, {self.steps} steps each: every run diverges."
        ends = torch.where(self.diverged, torch.inf, last)
        rounding = 1e-9 * ends.min().abs() + 1e-12 * first.nan_to_num(0, 0, 0).abs().max()
        place = tuple((ends <= ends.min() + rounding).nonzero()[0])  # the first of the best
        lowest = f"the lowest final loss is {_short(last[place])} at {_setting(self, place)}"
        share = f"{int(self.diverged.sum())} of {self.diverged.numel()} diverge"
        return f"{many} runs of {name} with {setting}, {self.steps} steps each: {lowest}; {share}."

    __repr__ = __str__ = describe


def _setting(trajectory: Trajectory, place: tuple | None = None) -> str:
    """What tells the runs apart: 'lr 0.1 to 0.5' over all of them; at one place 'lr 0.3', or 'start (1, 2)'."""
    values = hyperparameters(trajectory.rule)
    if place is not None:
        swept = {name: value for name, value in values.items() if value.numel() > 1}
        if not swept:
            starts = trajectory.params[0]
            digits = _digits(*(end(tuple(range(starts.ndim - 1))) for end in (starts.amin, starts.amax)))
            return f"start {_point(starts[place], digits)}"
        values = {name: value[..., 0].expand(trajectory.runs)[place] for name, value in swept.items()}
    every = {name: hyperparameters(trajectory.rule)[name].flatten().unique() for name in values}
    digits = {name: _digits(of) for name, of in every.items()}
    ends = {name: [f"{float(end):.{digits[name]}g}" for end in (v.min(), v.max())] for name, v in values.items()}
    parts = [f"{name} {low}" if low == high else f"{name} {low} to {high}" for name, (low, high) in ends.items()]
    return (", ".join(parts) or "no hyperparameter") + (" at first" if trajectory.scheduled and place is None else "")


def _digits(values: Tensor, others: Tensor | None = None) -> int:
    """Four, or as many as tell a few values apart, or each from its other."""
    pairs = list(zip(values.tolist(), (values[1:] if others is None else others).tolist()))
    known = [pair for pair in pairs if all(map(math.isfinite, pair))][:100]
    apart = [pair for pair in known if not math.isclose(*pair, rel_tol=1e-12)]
    return next((n for n in range(4, 17) if all(f"{one:.{n}g}" != f"{other:.{n}g}" for one, other in apart)), 17)


def _short(number: Any, digits: int = 4) -> str:
    return f"{float(number):.{digits}g}"


def _point(params: Tensor, digits: int = 4) -> str:
    if params.ndim == 2:
        return f"a matrix ({params.shape[0]} x {params.shape[1]}) of norm {_short(params.norm())}"
    near = params[:4].masked_fill(params[:4].abs() < 1e-9, 0.0)  # no digits of rounding
    shown = [_short(value, digits) for value in near]
    return f"({', '.join(shown)}{', ...' if len(params) > 4 else ''})"
