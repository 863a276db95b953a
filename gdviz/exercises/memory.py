"""Is the memory of a wrong rule at fault, or its formula? Its first wrong step is taken again from the right state.

If the step is then right, what was handed on to it was not.
"""

import contextlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor

from gdviz.exercises.page import on_copies
from gdviz.exercises.walks import FromFunction, Problem, as_rule, one_step
from gdviz.optimizers import Rule

Parts = dict[str, Tensor]  # of a state, by name


class Again(NamedTuple):
    """One step taken again from the right state: whether it leads to the right place, and three states beside it.

    own: what the rule itself had before the step; handed: the right one; made, right: what it should be after the step.
    """

    fits: bool
    own: Parts
    handed: Parts
    made: Parts
    right: Parts


def states(reference: Rule, problem: Problem, steps: int) -> list[Parts]:
    """The states of the right rule before each step and after the last, by the names of their parts."""
    w, state = problem.start, reference.init(problem.start)
    found = [_named(state)]
    for step in range(steps):
        w, state = reference.update(w, problem.gradients(w, step), state)
        found.append(_named(state))
    return found


def taken_again(thing: Any, reference: Rule, problem: Problem, right: Tensor, k: int) -> Again | None:
    """Step k + 1 of a learner's rule from the state that the right rule has there.

    None where the learner keeps something else, which cannot be replaced. A right rule that remembers nothing hands on
    nothing: the learner's then has what it begins with.
    """
    rule, (handed, after) = as_rule(thing, reference), states(reference, problem, k + 1)[-2:]
    right = right.view(-1, *problem.start.shape)
    with contextlib.suppress(Exception), on_copies(thing):
        state = rule.init(right[0].clone())
        for step in range(k if handed else 0):
            state = one_step(rule, right[step], problem.gradients(right[step], step), state)[1]
        own = _read(rule, state, handed)
        if _in_another_order(rule, state, own, handed):
            return None
        state = _with(rule, state, {name: value.clone() for name, value in handed.items()})
        place, state = one_step(rule, right[k], problem.gradients(right[k], k), state)
        return Again(same(place, right[k + 1], right - right[0]), own, handed, _read(rule, state, handed), after)
    return None


def _in_another_order(rule: Any, state: Any, own: Parts, handed: Parts) -> bool:
    """Whether a part of an unnamed state has the value of another one: a class may keep them in any order."""
    if isinstance(rule, FromFunction) or not isinstance(state, tuple | list) or hasattr(state, next(iter(own), "")):
        return False
    pairs = [(own[one], handed[other], handed[one]) for one in own for other in own if one != other]
    return any(a.shape == b.shape and bool(b.any()) and same(a, b) and not same(b, mine) for a, b, mine in pairs)


def same(one: Tensor, other: Tensor, scale: Tensor | None = None) -> bool:
    """Whether two tensors are equal to a millionth of the largest number in scale, or in the other; float32 to less."""
    share = 1e-6 if one.dtype == other.dtype else 1e-4
    within = share * float((other if scale is None else scale).nan_to_num(0, 0, 0).abs().max())
    one, other = torch.broadcast_tensors(one.to(other.dtype), other)
    return torch.allclose(one, other, rtol=0, atol=within, equal_nan=True)


def _named(state: Any) -> Parts:
    """The parts of the right rule's state; none where there is nothing, or nothing that has a name."""
    if isinstance(state, Tensor):
        return {"the state": state}
    named = state._asdict() if hasattr(state, "_asdict") else state if isinstance(state, Mapping) else {}
    return {name: value for name, value in named.items() if isinstance(value, Tensor)}


def _read(rule: Any, state: Any, names: Parts) -> Parts:
    """The parts with these names in a learner's state, by name or else by their order; or on the rule itself."""
    if isinstance(state, Tensor) and len(names) == 1:
        values = [state]
    elif isinstance(state, Mapping):
        values = [state[name] for name in names]
    elif all(hasattr(state, name) for name in names):
        values = [getattr(state, name) for name in names]
    elif isinstance(state, tuple | list) and len(state) == len(names):
        values = list(state)
    else:
        values = [vars(rule)[name] for name in names]
    tensors = [torch.as_tensor(value).detach() for value in values]
    return {name: value if value.is_floating_point() else value.double() for name, value in zip(names, tensors)}


def _with(rule: Any, state: Any, parts: Parts) -> Any:
    """A learner's state with these parts in the places where _read finds them."""
    if isinstance(state, Tensor) and len(parts) == 1:
        return next(iter(parts.values()))
    if isinstance(state, Mapping):
        return {**state, **parts}
    if isinstance(state, tuple) and hasattr(state, "_replace") and all(hasattr(state, name) for name in parts):
        return state._replace(**parts)  # pyright: ignore[reportAttributeAccessIssue]  a NamedTuple's
    if isinstance(state, tuple | list) and len(state) == len(parts):
        return type(state)(*parts.values()) if hasattr(state, "_fields") else type(state)(parts.values())
    owner = state if all(hasattr(state, name) for name in parts) else rule
    for name, value in parts.items():
        setattr(owner, name, value)
    return state
