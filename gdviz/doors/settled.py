"""What `minimize` settles before its first step: the start, the runs, the rule of each step, and the memory."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from gdviz.doors.calls import called
from gdviz.hyperparameters import as_tensor, checked, hyperparameters, ranges
from gdviz.optimizers import Rule
from gdviz.optimizers.rule import is_for_matrices

if TYPE_CHECKING:
    from typing_extensions import TypeIs

LARGEST = 4e9  # bytes of a trajectory; most laptops have as many to spare
OVERHEAD = 500  # bytes of a tensor beside its numbers


def settle(
    rule: Rule | Callable[[int], Rule], start: Any, steps: int, runs: tuple[int, ...], matrix: bool = False
) -> tuple[Tensor, Any, list[Rule]]:
    """params (*runs, d), or (*runs, m, n), and the rule's state at step 0, and the rule of each step."""
    start = checked_start(start)
    first = checked_rule(rule, 0, start.dtype)
    axes = 2 if matrix or is_for_matrices(first) else 1
    if start.ndim < axes:
        who = "matrix=True" if matrix else type(first).__name__
        cure = "a vector is a matrix of one row: [[1.0, 2.0]]"
        raise ValueError(f"{who} needs a start (m, n) or (*runs, m, n), got shape {tuple(start.shape)}; {cure}")
    if axes == 2 and not (is_for_matrices(first) or getattr(first, "elementwise", True)):
        name, (m, n) = type(first).__name__, start.shape[-2:]
        cure = f"start from start.flatten(), and let the loss begin with W = w.reshape(*w.shape[:-1], {m}, {n})"
        raise ValueError(f"{name} takes params for one vector, which a matrix is not here: {cure}")
    params = start.expand(_broadcast(start, first, runs, axes)).clone()
    (ready,) = widened([first], axes)
    state = called("init", f"with params of shape {tuple(params.shape)}", ready.init, params)
    refuse_too_large(params, state, steps)
    return (
        params,
        state,
        [first, *later_rules(rule, params, state, steps, axes)] if is_schedule(rule) else [first] * max(steps, 1),
    )


def checked_start(start: Any, name: str = "start") -> Tensor:
    """The start as a floating tensor (d,) or (*runs, d); refused: anything else, and what is not finite or not real."""
    try:
        tensor = as_tensor(start).detach()
    except (TypeError, ValueError, RuntimeError) as error:
        raise TypeError(f"{name} must be numbers of shape (d,) or (*runs, d), got {start!r}") from error
    if tensor.is_complex():
        raise TypeError(f"{name} must be real numbers, got {start!r}; torch.view_as_real(z) makes two of each")
    tensor = tensor if tensor.dtype in (torch.float32, torch.float64) else tensor.double()  # eps is 0 in float16
    if tensor.ndim == 0 or tensor.numel() == 0:
        raise ValueError(f"{name} must have shape (d,) or (*runs, d), got {start!r}; one parameter is [3.0]")
    if not bool(torch.isfinite(tensor).all()):
        raise ValueError(f"{name} must be finite, got {start!r}")
    return tensor


def widened(rules: list[Rule], axes: int) -> list[Rule]:
    """The rules whose sweeps broadcast against params (*runs, m, n): one more axis of 1, where there are two axes."""
    wide: dict[int, Rule] = {}
    for rule in rules if axes == 2 else ():
        if id(rule) not in wide:
            swept = {name: value[..., None] for name, value in hyperparameters(rule).items() if value.ndim}
            wide[id(rule)] = replace(rule, **swept) if swept else rule  # pyright: ignore[reportArgumentType]
    return [wide.get(id(rule), rule) for rule in rules]


def is_schedule(rule: Rule | Callable[[int], Rule]) -> "TypeIs[Callable[[int], Rule]]":
    """Whether this is a function that returns a rule for each step, and not a rule."""
    return callable(rule) and not isinstance(rule, type) and not hasattr(rule, "update")


def checked_rule(rule: Rule | Callable[[int], Rule], step: int, dtype: torch.dtype) -> Rule:
    """The rule of this step, its hyperparameters in their ranges; rule: one, or a schedule that returns one."""
    if not is_schedule(rule):
        return checked(rule, dtype)
    return checked(called("the schedule", f"at step {step}", rule, step), dtype, f"at step {step}")


def later_rules(schedule: Callable[[int], Rule], params: Tensor, state: Any, steps: int, axes: int) -> list[Rule]:
    """The rules of the steps after step 0, in their order and before any step: a bad one costs no run."""
    rules, known = [checked_rule(schedule, step, params.dtype) for step in range(1, steps)], {}
    for step, rule in enumerate(rules, 1):
        wanted = _broadcast(params, rule, (), axes)
        if wanted != params.shape:
            raise ValueError(f"the rule at step {step} needs params {wanted}, that at step 0 {tuple(params.shape)}")
        kind = type(rule)
        if kind not in known:
            known[kind] = called("init", f"at step {step}", rule.init, params)
        if isinstance(known[kind], tuple) and known[kind] and type(known[kind]) is not type(state):
            both = f"{type(state).__name__} is kept at step 0, and {kind.__name__} at step {step} needs"
            raise ValueError(f"a schedule cannot go on with another state: {both} {type(known[kind]).__name__}")
    return rules


def _broadcast(start: Tensor, rule: Rule, runs: tuple[int, ...], axes: int) -> tuple[int, ...]:
    """The shape of params (*runs, d), or (*runs, m, n), that start, rule and runs make together."""
    if axes == 2:
        return (*_broadcast(start[..., 0], rule, runs, 1), start.shape[-1])
    try:
        shape = np.broadcast_shapes(start.shape, (*runs, 1))
    except ValueError as error:
        given = f"start of shape {tuple(start.shape)} does not broadcast against the runs {runs} of sampled_loss"
        raise ValueError(f"{given}; give the start an axis of 1 for each of them") from error
    params = tuple(shape)
    for name, value in hyperparameters(rule).items():
        given = tuple(value.shape)
        if (
            name in ranges(rule) and given and given[-1] != 1
        ):  # silently one value for each coordinate, or nothing at all
            cure = f"for a sweep give it a last axis of 1: {name}={name}s[:, None] or **grid({name}={name}s)"
            raise ValueError(f"{name} has shape {given}; {cure}")
        try:
            shape = np.broadcast_shapes(shape, given)
        except ValueError:
            shape = (*shape[:-1], -1)
        if shape[-1] != start.shape[-1]:
            cure = "to combine a sweep with many starts, give the starts an axis for it: starts[:, None]"
            if runs:
                cure = f"to sweep with the runs {runs} of sampled_loss, give these an axis of 1: runs={(*runs, 1)}"
            raise ValueError(f"{name} of shape {given} does not broadcast against params {params}; {cure}")
    return tuple(shape)


def refuse_too_large(params: Tensor, state: Any, steps: int) -> None:
    """Refused: params, gradients and states that would take more than LARGEST bytes (twice, as they are stacked)."""
    kept = state if isinstance(state, tuple) else ()
    parts = [params, params, *(part for part in kept if isinstance(part, Tensor))]
    size = (steps + 1) * sum(2 * part.numel() * part.element_size() + OVERHEAD for part in parts)
    if size > LARGEST:
        many = f"{steps} steps of {params.numel()} numbers, with gradients and states"
        raise ValueError(f"{many}, take {size / 1e9:.1f} GB; up to {LARGEST / 1e9:g} are kept: fewer steps or runs")


def counted_examples(loss: Callable, rules: list[Rule], runs: tuple[int, ...]) -> Tensor:
    """(steps + 1, *runs): how many examples the gradients before each step touched; a view that takes no memory.

    rules: of each step. One that has a probe takes two gradients.
    """
    steps, looks = len(rules), [1 + hasattr(rule, "probe") for rule in rules]
    count = getattr(loss, "examples", 1)
    try:
        each = [looks[step] * torch.as_tensor(count(step) if callable(count) else count) for step in range(steps)]
        total = torch.stack([torch.zeros_like(each[0]), *each]).cumsum(0) if each else torch.zeros(1, dtype=torch.int64)
        return total.reshape(steps + 1, *[1] * (len(runs) - total.ndim + 1), *total.shape[1:]).expand(steps + 1, *runs)
    except (TypeError, ValueError, RuntimeError) as error:
        wanted = f"a number, or a function of the step that returns one or a tensor that broadcasts against {runs}"
        raise ValueError(f"examples of the loss must be {wanted}, got {count!r}") from error
