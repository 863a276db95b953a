"""Minimisation: follow a rule down a loss and keep everything that happened."""

import time
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor

from gdviz.doors.broadcasts import Differences, Reductions
from gdviz.doors.calls import called, probed, updated
from gdviz.doors.settled import checked_start, counted_examples, is_schedule, settle, widened
from gdviz.hyperparameters import as_tensor, hyperparameters, whole
from gdviz.optimizers import Rule
from gdviz.optimizers.rule import is_for_matrices
from gdviz.progress import watched
from gdviz.trajectory import Trajectory

__all__ = ["Loss", "Trajectory", "gradient", "grid", "minimize"]

Loss = Callable[[Tensor], Tensor]


def minimize(
    loss: Loss,
    rule: Rule | Callable[[int], Rule],
    start: Any,
    steps: int,
    *,
    sampled_loss: Callable[[Tensor, int], Tensor] | None = None,
    matrix: bool = False,
) -> Trajectory:
    """w_{t+1} = update(w_t, gradient of the loss at w_t), `steps` times from `start`.

    A rule with a probe gets the gradient at the probe, of the same minibatch: see Rule.
    A hyperparameter of shape (n, 1) or (n, 1, 1) is a sweep: see `grid`. A run that diverges is a result, not an error.

    Args:
        loss: takes params (..., d) and returns (...): index the last axis, w[..., 0].
        rule: an optimizer; or, as a schedule, a function of the step (0, 1, ...) that returns one.
        start: (d,) or a batch (*runs, d), finite. Whole numbers and lists become float64; a float32 tensor stays so.
        steps: a whole number, 0 or more.
        sampled_loss: f(params, step), the loss that a step differentiates (its minibatch); `losses` stays the full
            loss. If it has `runs`, such as those of gdviz.minibatches, the start is repeated for each of them; a sweep
            needs an axis of 1 in them. If it has `examples`, a number or a function of the step, these are counted.
        matrix: whether params are matrices: read (m, n) for d, here and in the loss. A rule for matrices, such as Muon,
            says so by itself. A sweep still has one last axis of 1.

    Returns:
        The Trajectory.

    Raises:
        ValueError: before the first step: a loss that raises, has no gradient or returns another shape; a
            hyperparameter out of its range; a schedule with a bad rule at any of its steps; a trajectory of more than 4
            GB.
        TypeError: loss, rule or start is of the wrong kind.

    Example:
        >>> from gdviz.optimizers import Momentum
        >>> from gdviz.surfaces import bowl
        >>> rates = [0.01, 0.1, 0.5]
        >>> print(minimize(bowl(10), Momentum(**grid(lr=rates)), [10.0, 4.0], steps=50).diverged.tolist())
        [False, False, True]
    """
    steps = whole("steps", steps, 0)
    if not callable(loss):
        raise TypeError(f"loss must be a function of params (..., d), got {loss!r}")
    if sampled_loss is not None and not callable(sampled_loss):
        raise TypeError(f"sampled_loss must be a function of params (..., d) and the step, got {sampled_loss!r}")
    params, state, rules = settle(rule, start, steps, getattr(sampled_loss, "runs", ()), matrix)
    axes = 2 if matrix or is_for_matrices(rules[0]) else 1
    runs, steppers = params.shape[:-axes], widened(rules, axes)
    examples = counted_examples(sampled_loss or loss, rules[:steps], runs)
    history, all_grads, seconds = [(params, state)], [], [0.0]
    differentiated = sampled_loss or (lambda params, step: loss(params))
    losses = params.new_empty((steps + 1, *runs))
    if sampled_loss:
        _value(loss, params, 0, axes)  # one that does not fit is refused before the first step
    watch, mixing = Differences(params.shape[-1]), Reductions(params)
    for step in watched(range(steps), "minimize"):
        began = time.perf_counter()
        with watch if params.ndim == 1 and step == 0 else nullcontext():
            value, grads = _value_and_gradient(differentiated, params, step, axes)
        if watch.met:
            met = " with ".join(map(str, watch.met))
            raise ValueError(f"loss compares {met}, each number with all others; give both the same shape: x[:, 0]")
        if hasattr(rules[step], "probe"):
            point = probed(steppers[step], params, grads, f"at step {step}")
            _, grads = _value_and_gradient(differentiated, point, step, axes)
        with mixing if runs and step == 0 else nullcontext():
            params, state = updated(steppers[step], params, grads, state, f"at step {step}", keeps=True)
        if mixing.met:
            cure = f"that of each run is .{mixing.met}(dim=-1, keepdim=True)"
            raise ValueError(f"update takes the {mixing.met} over all runs of the sweep together; {cure}")
        seconds.append(seconds[-1] + time.perf_counter() - began)
        losses[step] = value
        all_grads.append(grads)
        history.append((params, state))
    unseen = range(
        0 if sampled_loss else steps, steps + 1
    )  # computed now, not between two steps: that would scatter the memory
    for step in watched(unseen, "full loss"):
        losses[step] = _value(loss, history[step][0], step, axes)
    return Trajectory(
        params=torch.stack([params for params, _ in history]),
        losses=losses,
        grads=torch.stack(all_grads) if all_grads else params.new_empty((0, *params.shape)),
        states=_stacked([state for _, state in history]),
        rule=rules[0],
        examples=examples,
        seconds=torch.tensor(seconds, dtype=torch.float64),
        scheduled=is_schedule(rule),
        loss=loss,
        asked=rule,
        sampled_loss=sampled_loss,
        lrs=_lrs(rules[:steps], runs),
    )


def gradient(loss: Loss, params: Any, *, matrix: bool = False) -> Tensor:
    """The gradient of the loss, by torch's autograd.

    Args:
        loss: as for minimize.
        params: (..., d), finite; with matrix=True (..., m, n).
        matrix: as for minimize.

    Returns:
        The same shape as params.

    Raises:
        ValueError: params that are not finite, a loss of another shape than (...), a loss that does not depend on
            params.

    Example:
        >>> gradient(lambda w: w.square().sum(-1), [1.0, 2.0]).tolist()
        [2.0, 4.0]
    """
    return _value_and_gradient(lambda params, step: loss(params), checked_start(params, "params"), 0, 1 + matrix)[1]


def grid(**values: Any) -> dict[str, Tensor]:
    """The outer product of hyperparameters, ready for a rule.

    Args:
        values: name -> a number or a list of n numbers; the k-th of them gets the k-th axis of the runs, and all get a
            last axis of 1 that broadcasts against the d parameters. With starts (k, d) pass start=starts[:, None] to
            combine both.

    Returns:
        The fields of the rule, by name.

    Raises:
        ValueError: values that are not numbers.

    Example:
        >>> {name: tuple(value.shape) for name, value in grid(lr=[0.1, 0.2, 0.3], momentum=[0.5, 0.9]).items()}
        {'lr': (3, 1, 1), 'momentum': (1, 2, 1)}
    """
    tensors = {}
    for name, value in values.items():
        try:
            tensors[name] = as_tensor(value).flatten()
        except (TypeError, ValueError, RuntimeError) as error:
            raise TypeError(f"{name} must be a number or a list of numbers, got {value!r}") from error
        if tensors[name].numel() == 0:
            raise ValueError(f"{name} is empty; give at least one number")
    shapes = {name: [1] * i + [-1] + [1] * (len(tensors) - i) for i, name in enumerate(tensors)}
    return {name: tensor.reshape(shapes[name]) for name, tensor in tensors.items()}


def _value(loss: Loss, params: Tensor, step: int, axes: int) -> Tensor:
    with torch.no_grad():
        return _shaped(called("loss", _at(step, params), loss, params), params, axes).to(params.dtype)


def _value_and_gradient(loss: Callable, params: Tensor, step: int, axes: int) -> tuple[Tensor, Tensor]:
    with torch.enable_grad():
        leaf = params.detach().requires_grad_()
        value = _shaped(called("loss", _at(step, leaf), loss, leaf, step), leaf, axes)
        grads = called("loss", _at(step, leaf), _gradient, value, leaf) if value.requires_grad else None
    if grads is None:
        raise ValueError(
            "loss has no gradient: it does not depend on params through torch operations "
            "(a constant, or .item(), .detach(), numpy or no_grad inside it?)"
        )
    return value.detach().to(params.dtype), grads


def _gradient(value: Tensor, leaf: Tensor) -> Tensor | None:
    return torch.autograd.grad(value.sum(), leaf, allow_unused=True)[0]


def _lrs(rules: list[Rule], runs: tuple[int, ...]) -> Tensor | None:
    """(steps, *runs): the learning rate of each of these rules; a view where all are equal. None: a rule has none."""
    rows = {}
    for rule in rules:
        if id(rule) not in rows:
            lr = hyperparameters(rule).get("lr")
            if lr is None:
                return None
            rows[id(rule)] = (lr[..., 0] if lr.ndim else lr).double().expand(runs)
    if len(rows) < 2:
        return next(iter(rows.values()), torch.zeros(runs, dtype=torch.float64)).expand(len(rules), *runs)
    return torch.stack([rows[id(rule)] for rule in rules])


def _at(step: int, params: Tensor) -> str:
    return f"at step {step} with params of shape {tuple(params.shape)}"


def _shaped(value: Any, params: Tensor, axes: int) -> Tensor:
    wanted = tuple(params.shape[:-axes])
    if not isinstance(value, Tensor) or value.is_complex():
        given = "complex numbers; take .abs() or .real" if isinstance(value, Tensor) else type(value).__name__
        raise TypeError(f"loss must return a tensor of shape {wanted}, got {given}")
    if tuple(value.shape) != wanted:
        cure = "index and sum over the last axis: w[..., 0], .sum(-1)"
        if axes == 2:
            cure = "sum over the last two axes, those of a matrix: .sum((-2, -1))"
        elif params.ndim > 1 and value.shape == params.shape[:-2]:
            cure = "if params are matrices, say matrix=True"
        given = f"loss must return shape {wanted} for params {tuple(params.shape)}, got {tuple(value.shape)}"
        raise ValueError(f"{given}; {cure}")
    return value


def _stacked(states: list) -> Any:
    """One state whose fields have the steps as their first axis; None for a rule whose states are no such tuple."""
    kind = type(states[0])
    if not isinstance(states[0], tuple):
        return None
    try:
        fields = [torch.stack([torch.as_tensor(value) for value in values]) for values in zip(*states, strict=True)]
    except (TypeError, ValueError, RuntimeError):  # a list that grows
        return None
    return kind(*fields) if hasattr(kind, "_fields") else tuple(fields)
