"""Minimisation: follow a rule down a loss and keep all that happened."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gdviz.hyperparameters import as_tensor, checked, hyperparameters
from gdviz.optimizers import Rule
from gdviz.progress import watched

Loss = Callable[[Tensor], Tensor]


@dataclass(frozen=True, eq=False)
class Trajectory:
    """What `minimize` saw: time is the first axis, then one axis for each swept hyperparameter or start.

    params (steps + 1, *runs, d), losses (steps + 1, *runs), grads (steps, *runs, d): the gradient that each step used;
    states: the rule's state with its fields stacked to (steps + 1, ...), states[t] belongs to params[t];
    rule: the rule, of a schedule that of step 0; scheduled: whether there was a schedule.
    examples (steps + 1, *runs), whole numbers: of how many examples the gradient was computed on the way there (a loss
    without data counts 1 a step); divided by n these are epochs. seconds (steps + 1,): what gradients and updates of
    all runs together took, without the `losses` that are only looked at.
    """

    params: Tensor
    losses: Tensor
    grads: Tensor
    states: Any
    rule: Rule
    examples: Tensor
    seconds: Tensor
    scheduled: bool = False

    @property
    def steps(self) -> int:
        """How many updates were made."""
        return len(self.grads)

    @property
    def runs(self) -> tuple[int, ...]:
        """The sizes of the swept axes: () for a single run."""
        return tuple(self.losses.shape[1:])

    @property
    def diverged(self) -> Tensor:
        """(*runs), bool: the end is not finite, or worse (by more than rounding) than where the run started."""
        first, end = self.losses[0], self.losses[-1]
        worse = end - first > 1e-9 * first.abs()
        return ~torch.isfinite(end) | ~torch.isfinite(self.params[-1]).all(-1) | worse

    def describe(self) -> str:
        """One sentence with the numbers: caption, alt text and what a screen reader says."""
        first, last = self.losses[0], self.losses[-1]
        setting, name = _setting(self), type(self.rule).__name__
        if not self.runs:
            fell = f"the loss goes from {_short(first)} to {_short(last)}"
            ending = f"it diverges, {fell}" if self.diverged else fell
            way = f"from {_point(self.params[0])} to {_point(self.params[-1])}"
            return f"{name} with {setting}, {self.steps} steps {way}: {ending}."
        ends = torch.where(self.diverged, torch.inf, last)
        rounding = 1e-9 * ends.min().abs() + 1e-12 * first.abs().max()
        place = tuple((ends <= ends.min() + rounding).nonzero()[0])  # the first of the best
        many = " x ".join(str(n) for n in self.runs)
        lowest = f"the lowest final loss is {_short(last[place])} at {_setting(self, place)}"
        share = f"{int(self.diverged.sum())} of {self.diverged.numel()} diverge"
        ending = "every run diverges" if self.diverged.all() else f"{lowest}; {share}"
        return f"{many} runs of {name} with {setting}, {self.steps} steps each: {ending}."

    __repr__ = __str__ = describe


def minimize(
    loss: Loss,
    rule: Rule | Callable[[int], Rule],
    start: Any,
    steps: int,
    *,
    sampled_loss: Callable[[Tensor, int], Tensor] | None = None,
) -> Trajectory:
    """w_{t+1} = update(w_t, gradient of the loss at w_t), `steps` times from `start`.

    loss: takes params (..., d) and returns (...): index the last axis, w[..., 0].
    rule: an optimizer; or, as a schedule, a function of the step (0, 1, ...) that returns one.
    start: (d,) or a batch (*runs, d), finite. Whole numbers and lists become float64; a float32 tensor stays so.
    steps: a whole number, 0 or more.
    sampled_loss: f(params, step), the loss that a step differentiates (its minibatch); `losses` stays the full loss. If
    it has `runs`, such as those of gdviz.minibatches and gdviz.noise, the start is repeated for each of them; a sweep
    needs an axis of 1 in them. If it has `examples`, a number or a function of the step, these are counted.

    A hyperparameter of shape (n, 1) or (n, 1, 1) is a sweep: see `grid`. A run that diverges is a result, not an error.
    Refused, before the first step: see the messages; a loss that raises or returns another shape; one without gradient.
    """
    if isinstance(steps, bool) or not isinstance(steps, Integral) or steps < 0:
        raise ValueError(f"steps must be a whole number, 0 or more, got {steps!r}")
    if not callable(loss):
        raise TypeError(f"loss must be a function of params (..., d), got {loss!r}")
    if sampled_loss is not None and not callable(sampled_loss):
        raise TypeError(f"sampled_loss must be a function of params (..., d) and the step, got {sampled_loss!r}")
    scheduled = callable(rule) and not isinstance(rule, type) and not hasattr(rule, "update")
    rule_at = rule if scheduled else lambda step: rule
    start = _start(start)
    first = rule_now = checked(rule_at(0), start.dtype)
    params = _broadcast(start, first, getattr(sampled_loss, "runs", ()))
    examples = _counted(sampled_loss or loss, steps, params.shape[:-1])
    state = _called("init", 0, first.init, params)
    history, all_grads, seconds = [(params, state)], [], [0.0]
    differentiated = sampled_loss or (lambda params, step: loss(params))
    losses = params.new_empty((steps + 1, *params.shape[:-1]))
    if sampled_loss:
        _value(loss, params, 0)  # one that does not fit is refused before the first step
    for step in watched(range(steps), "minimize"):
        if scheduled and step:
            rule_now = checked(rule_at(step), start.dtype)
        began = time.perf_counter()
        value, grads = _value_and_gradient(differentiated, params, step)
        params, state = _updated(rule_now, params, grads, state, step)
        seconds.append(seconds[-1] + time.perf_counter() - began)
        losses[step] = value
        all_grads.append(grads)
        history.append((params, state))
    unseen = range(
        0 if sampled_loss else steps, steps + 1
    )  # looked at now and not between two steps: that would scatter the memory
    for step in watched(unseen, "full loss"):
        losses[step] = _value(loss, history[step][0], step)
    return Trajectory(
        params=torch.stack([params for params, _ in history]),
        losses=losses,
        grads=torch.stack(all_grads) if all_grads else params.new_empty((0, *params.shape)),
        states=_stacked([state for _, state in history]),
        rule=first,
        examples=examples,
        seconds=torch.tensor(seconds, dtype=torch.float64),
        scheduled=scheduled,
    )


def gradient(loss: Loss, params: Any) -> Tensor:
    """The gradient of the loss at params (..., d), by torch's autograd: the same shape (..., d).

    Refused: params that are not finite, a loss of another shape than (...), a loss that does not depend on params.
    """
    return _value_and_gradient(lambda params, step: loss(params), _start(params, "params"), 0)[1]


def grid(**values: Any) -> dict[str, Tensor]:
    """The outer product of hyperparameters, ready for a rule: Momentum(**grid(lr=lrs, momentum=betas)).

    Each value is a number or a list of n numbers; the k-th of them gets the k-th axis of the runs, and all get a last
    axis of 1 that broadcasts against the d parameters. With starts (k, d) pass start=starts[:, None] to combine both.
    """
    tensors = {name: as_tensor(value).flatten() for name, value in values.items()}
    for name, tensor in tensors.items():
        if tensor.numel() == 0:
            raise ValueError(f"{name} is empty; give at least one number")
    shapes = {name: [1] * i + [-1] + [1] * (len(tensors) - i) for i, name in enumerate(tensors)}
    return {name: tensor.reshape(shapes[name]) for name, tensor in tensors.items()}


def _start(start: Any, name: str = "start") -> Tensor:
    try:
        tensor = as_tensor(start).detach()
        tensor = tensor if tensor.is_floating_point() else tensor.double()
    except (TypeError, ValueError, RuntimeError) as error:
        raise TypeError(f"{name} must be numbers of shape (d,) or (*runs, d), got {start!r}") from error
    if tensor.ndim == 0 or tensor.numel() == 0:
        raise ValueError(f"{name} must have shape (d,) or (*runs, d), got {start!r}; one parameter is [3.0]")
    if not bool(torch.isfinite(tensor).all()):
        raise ValueError(f"{name} must be finite, got {start!r}")
    return tensor


def _broadcast(start: Tensor, rule: Rule, runs: tuple[int, ...]) -> Tensor:
    """The start, repeated for each run that a swept hyperparameter or a sampled loss asks for."""
    try:
        shape = np.broadcast_shapes(start.shape, (*runs, 1))
    except ValueError as error:
        given = f"start of shape {tuple(start.shape)} does not broadcast against the runs {runs} of sampled_loss"
        raise ValueError(f"{given}; give the start an axis of 1 for each of them") from error
    params = tuple(shape)
    for name, value in hyperparameters(rule).items():
        given = tuple(value.shape)
        try:
            shape = np.broadcast_shapes(shape, given)
        except ValueError:
            shape = (*shape[:-1], -1)
        if shape[-1] != start.shape[-1]:
            swept = len(given) > 1 and given[-1] == 1
            cure = f"for a sweep give it a last axis of 1: {name}={name}s[:, None] or **grid({name}={name}s)"
            if swept and runs:
                cure = f"to sweep with the runs {runs} of sampled_loss, give these an axis of 1: runs={(*runs, 1)}"
            elif swept:
                cure = "to combine a sweep with many starts, give the starts an axis for it: starts[:, None]"
            raise ValueError(f"{name} of shape {given} does not broadcast against params {params}; {cure}")
    return start.expand(shape).clone()


def _counted(loss: Callable, steps: int, runs: tuple[int, ...]) -> Tensor:
    """(steps + 1, *runs): how many examples the gradients before each step touched; a view that takes no memory."""
    count = getattr(loss, "examples", 1)
    try:
        each = [torch.as_tensor(count(step) if callable(count) else count) for step in range(steps)]
        total = torch.stack([torch.zeros_like(each[0]), *each]).cumsum(0) if each else torch.zeros(1, dtype=torch.int64)
        return total.reshape(steps + 1, *[1] * (len(runs) - total.ndim + 1), *total.shape[1:]).expand(steps + 1, *runs)
    except (TypeError, ValueError, RuntimeError) as error:
        wanted = f"a number, or a function of the step that returns one or a tensor that broadcasts against {runs}"
        raise ValueError(f"examples of the loss must be {wanted}, got {count!r}") from error


def _value(loss: Loss, params: Tensor, step: int) -> Tensor:
    with torch.no_grad():
        return _shaped(_called("loss", step, loss, params), params).to(params.dtype)


def _value_and_gradient(loss: Callable, params: Tensor, step: int) -> tuple[Tensor, Tensor]:
    with torch.enable_grad():
        leaf = params.detach().requires_grad_()
        value = _shaped(_called("loss", step, loss, leaf, step), leaf)
        grads = torch.autograd.grad(value.sum(), leaf, allow_unused=True)[0] if value.requires_grad else None
    if grads is None:
        raise ValueError(
            "loss has no gradient: it does not depend on params through torch operations "
            "(a constant, or .item(), .detach(), numpy or no_grad inside it?)"
        )
    return value.detach().to(params.dtype), grads


def _called(what: str, step: int, function: Callable, *args: Any) -> Any:
    try:
        return function(*args)
    except Exception as error:
        at = f"at step {step} with params of shape {tuple(args[0].shape)}"
        raise ValueError(f"{what} raised {type(error).__name__} {at}: {error}") from error


def _shaped(value: Any, params: Tensor) -> Tensor:
    wanted = tuple(params.shape[:-1])
    if not isinstance(value, Tensor):
        raise TypeError(f"loss must return a tensor of shape {wanted}, got {type(value).__name__}")
    if tuple(value.shape) != wanted:
        raise ValueError(
            f"loss must return shape {wanted} for params {tuple(params.shape)}, got {tuple(value.shape)}; "
            "index and sum over the last axis: w[..., 0], .sum(-1)"
        )
    return value


def _updated(rule: Rule, params: Tensor, grads: Tensor, state: Any, step: int) -> tuple[Tensor, Any]:
    untouched = params._version, grads._version
    returned = _called("update", step, rule.update, params, grads, state)
    if (params._version, grads._version) != untouched:
        raise ValueError(
            f"update changed params or grads in place at step {step}; return new tensors: params - lr * grads"
        )
    if not (isinstance(returned, tuple) and len(returned) == 2 and isinstance(returned[0], Tensor)):
        raise TypeError(f"update must return (params, state), got {type(returned).__name__} at step {step}")
    if returned[0].shape != params.shape:
        given = tuple(returned[0].shape)
        raise ValueError(f"update must keep the shape of params {tuple(params.shape)}, got {given} at step {step}")
    return returned


def _stacked(states: list) -> Any:
    """One state whose fields have the steps as their first axis; None for a rule that keeps no tuple."""
    if not isinstance(states[0], tuple):
        return None
    stacked = (torch.stack([torch.as_tensor(value) for value in values]) for values in zip(*states, strict=True))
    return type(states[0])(*stacked)


def _setting(trajectory: Trajectory, place: tuple | None = None) -> str:
    """What tells the runs apart: 'lr 0.1 to 0.5' over all of them; at one place 'lr 0.3', or 'start (1, 2)'."""
    values = hyperparameters(trajectory.rule)
    if place is not None:
        swept = {name: value for name, value in values.items() if value.numel() > 1}
        if not swept:
            return f"start {_point(trajectory.params[0][place])}"
        values = {name: value.expand(trajectory.params.shape[1:])[place] for name, value in swept.items()}
    ends = {name: (_short(value.min()), _short(value.max())) for name, value in values.items()}
    parts = [f"{name} {low}" if low == high else f"{name} {low} to {high}" for name, (low, high) in ends.items()]
    return (", ".join(parts) or "no hyperparameter") + (" at first" if trajectory.scheduled and place is None else "")


def _short(number: Any) -> str:
    return f"{float(number):.4g}"


def _point(params: Tensor) -> str:
    shown = [_short(value) for value in params[:4].where(params[:4].abs() > 1e-9, 0.0)]  # no digits of rounding noise
    return f"({', '.join(shown)}{', ...' if len(params) > 4 else ''})"
