"""The run that minimize made as a formula for any start: what the browser repeats."""

import math
from collections.abc import Callable, Sequence
from dataclasses import fields, is_dataclass, replace
from itertools import product
from typing import Any

import torch
from torch import Tensor

from gdviz.descent import Trajectory
from gdviz.hyperparameters import as_tensor, hyperparameters
from gdviz.minibatches import SampledLoss
from gdviz.optimizers import Schedule
from gdviz.player.formula import NotFollowed, traced

MANY = 100_000  # indices of minibatches, of two bytes each
SLACK = 1e-9  # relative: how far a repeated step may be from that of minimize


def formula(run: Trajectory, given: Sequence[Tensor] = ()) -> dict[str, Any]:
    """A descent as what the browser repeats: one step, its loss and gradient, for any params, rates and state.

    Args:
        run: from minimize, with axes of runs or without.
        given: tensors that the loss computes with, such as data.x, which may change between two descents.

    Returns:
        `init` and `advance`, traces as of player.formula.traced, for one run; `names` of the hyperparameters that are
        numbers, and `rates`, of each (steps or 1, *runs or 1) in float64, then the minibatches, where there are any
        (`batches` is 1), as indices (steps, *runs or 1, B), and what is `given`, each (1, *ones, ...); `start`
        (*runs, d); `steps`; `lr`, which rate is the learning rate, or None; `schedule`, how it follows from what is
        given, or None.

    Raises:
        NotFollowed: what cannot be followed, and in which line.

    Example:
        >>> from gdviz.descent import minimize
        >>> from gdviz.optimizers import GradientDescent
        >>> run = minimize(lambda w: w.square().sum(-1), GradientDescent(lr=0.1), [1.0, 2.0], steps=3)
        >>> formula(run)["rates"][0].tolist()
        [0.1]
    """
    batches = _batches(run)
    rules = [run.asked(step) for step in range(max(run.steps, 1))] if run.scheduled else [run.rule]
    names, rates = _rates(rules, len(run.runs))
    rule, start = rules[0], run.params[(0, *[0] * len(run.runs))]
    picked = [rate[(0, *[0] * len(run.runs))].clone() for rate in rates]
    first_batch = [one[(0, *[0] * len(run.runs))].clone() for one in batches]
    many = len(names) + len(batches) + len(given)

    def given_rule(values: tuple[Tensor, ...]) -> Any:
        return replace(rule, **dict(zip(names, values))) if names else rule

    def init(params: Tensor, *values: Tensor) -> tuple[Tensor, ...]:
        return _state(given_rule(values[: len(names)]).init(params))[1]

    def differentiated(params: Tensor, rest: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
        leaf = params.detach().requires_grad_()
        with torch.enable_grad():
            value = run.loss(leaf)
            sought = _of_batch(run.sampled_loss, leaf, rest[len(names)]) if batches else value
        if not isinstance(value, Tensor) or value.shape != ():
            raise NotFollowed("the loss is another for each run")
        return value, torch.autograd.grad(sought, leaf)[0]

    def advance(params: Tensor, *rest: Tensor) -> tuple[Tensor, ...]:
        value, grads = differentiated(params, rest)
        one, kept = given_rule(rest[: len(names)]), remade(rest[many:])
        before = dict(getattr(one, "__dict__", {}))
        if hasattr(one, "probe"):
            _, grads = differentiated(one.probe(params.detach().clone(), grads), rest)
        moved, after = one.update(params.detach().clone(), grads, kept)
        _refuse_memory(one, before)
        return value.detach(), grads, moved, *_state(after)[1]

    try:
        remade = _state(rule.init(start))[0]
        _refuse_other_steps(run, init, advance, [*rates, *batches, *_for_all(run, given)])
        first = [start.clone(), *picked, *first_batch, *given]
        kept = [value.clone() for value in init(*first)]
        return {
            "init": traced(init, *first),
            "advance": traced(advance, start.clone(), *picked, *first_batch, *given, *kept),
            "names": names,
            "rates": [*rates, *batches, *_for_all(run, given)],
            "batches": len(batches),
            "lr": names.index("lr") if run.lrs is not None and "lr" in names else None,
            "schedule": _schedule(run, names, len(batches), given),
            "given": list(given),
            "start": run.params[0],
            "steps": run.steps,
        }
    except NotFollowed:
        raise
    except (RuntimeError, TypeError, ValueError) as error:
        raise NotFollowed(f"the loss or the rule cannot be run for one start alone ({error})") from error


def _batches(run: Trajectory) -> list[Tensor]:
    """The examples that each step sees, (steps, *runs or 1, B) in float64; -1 where a batch has fewer."""
    sampled = run.sampled_loss
    if sampled is None:
        return []
    if not isinstance(sampled, SampledLoss):
        raise NotFollowed("the minibatches, or the noise, of this sampled_loss are drawn by the kernel")
    largest, inner = max(one.batch_size for one in sampled.batches), sampled.batches[0].runs
    shape = (max(run.steps, 1), len(sampled.batches), *inner, largest)
    if math.prod(shape) > MANY:
        raise NotFollowed(f"the minibatches are {math.prod(shape):,} numbers; up to {MANY:,} travel")
    drawn = torch.full(shape, -1.0, dtype=torch.float64)
    for step, (k, batches) in product(range(run.steps), enumerate(sampled.batches)):
        chosen = batches(step)
        drawn[step, k, ..., : chosen.shape[-1]] = chosen
    drawn = drawn if sampled.many else drawn[:, 0]
    return [drawn.reshape(len(drawn), *[1] * (len(run.runs) - drawn.ndim + 2), *drawn.shape[1:])]


def _of_batch(sampled: SampledLoss, params: Tensor, drawn: Tensor) -> Tensor:
    """The loss of one minibatch, from its indices as numbers."""
    losses = sampled.loss.example_loss(params, drawn.clamp(min=0).long())
    there = (drawn >= 0).double()
    total = (losses * there).sum(-1)
    return total / there.sum(-1) if sampled.reduce == "mean" else total


def _for_all(run: Trajectory, given: Sequence[Tensor]) -> list[Tensor]:
    """What is the same for each step and run, with axes for them."""
    return [one.reshape(*[1] * (1 + len(run.runs)), *one.shape) for one in given]


def _schedule(run: Trajectory, names: list[str], batches: int, given: Sequence[Tensor]) -> dict[str, Any] | None:
    """Of a rate with a formula: its trace, which rate it is, and which ones are the numbers in it. None without any."""
    if not isinstance(run.asked, Schedule) or not run.asked.ranges or not run.steps:
        return None
    numbers, steps = [tensor for _, tensor in run.asked.ranges.values()], torch.arange(run.steps, dtype=torch.float64)
    known = [id(one) for one in given]
    return {
        "trace": traced(lambda *_: run.asked.rates(steps), *numbers),
        "rate": names.index("lr"),
        "numbers": [len(names) + batches + known.index(id(number)) for number in numbers],
    }


def _rates(rules: list[Any], runs: int) -> tuple[list[str], list[Tensor]]:
    """The hyperparameters that are real numbers, and of each (steps or 1, *runs or 1)."""
    kinds = {type(rule) for rule in rules}
    if len(kinds) > 1:
        raise NotFollowed("the schedule changes from one kind of rule to another")
    if not is_dataclass(rules[0]):
        if len({id(rule) for rule in rules}) > 1:
            raise NotFollowed("the schedule makes rules that are no dataclasses")
        return [], []
    given = [{field.name: getattr(rule, field.name) for field in fields(rule) if field.init} for rule in rules]
    values = [hyperparameters(rule) for rule in rules]
    names = [name for name in given[0] if _is_rate([one[name] for one in given], runs)]
    for name in given[0].keys() - set(names):
        if not all(_same(one[name], given[0][name]) for one in given):
            raise NotFollowed(f"the schedule changes {name}, which is neither a number nor a sweep")
    rates = []
    for name in names:
        rows = torch.stack([one[name].double() for one in values])
        rows = rows if bool((rows != rows[:1]).any()) else rows[:1]
        shape = rows.shape[1:-1]  # without the axis of 1 at the end of a sweep; a number has none
        rates.append(rows.reshape(len(rows), *[1] * (runs - len(shape)), *shape))
    return names, rates


def _is_rate(values: list[Any], runs: int) -> bool:
    """Whether these values of a field, one for each step, are numbers, or sweeps over the runs.

    A whole number that stays, such as history_size, is a part of the formula.
    """
    if all(isinstance(value, int) for value in values):  # True and False, too
        return any(value != values[0] for value in values)
    tensors = [as_tensor(value) for value in values if isinstance(value, float | int | Tensor)]
    fits = (one.ndim == 0 or (one.ndim <= runs + 1 and one.shape[-1] == 1) for one in tensors)
    return len(tensors) == len(values) and all(fits)


def _same(one: Any, other: Any) -> bool:
    """Whether two values of a field are the same."""
    return one is other or (torch.equal(one, other) if isinstance(one, Tensor) else bool(one == other))


def _state(state: Any) -> tuple[Callable[[Any], Any], tuple[Tensor, ...]]:
    """What makes a state of its tensors, and these."""
    if not isinstance(state, tuple) or not all(isinstance(part, Tensor | int | float) for part in state):
        raise NotFollowed(f"the state is a {type(state).__name__}; a tuple of tensors could be followed")
    parts = tuple(part if isinstance(part, Tensor) else torch.tensor(float(part)).double() for part in state)
    kind: Any = type(state)
    return (lambda values: kind(*values)) if hasattr(kind, "_fields") else (lambda values: kind(values)), parts


def _refuse_memory(rule: Any, before: dict[str, Any]) -> None:
    changed = [name for name, value in getattr(rule, "__dict__", {}).items() if before.get(name) is not value]
    if changed:
        kept = ", ".join(f"self.{name}" for name in changed)
        raise NotFollowed(f"{type(rule).__name__} keeps {kept} on itself; return it as a part of the state")


def _refuse_other_steps(run: Trajectory, init: Callable, advance: Callable, rates: list[Tensor]) -> None:
    """Repeat the first steps, of the first run, as torch; refused where they are not those that minimize made."""
    place = (0,) * len(run.runs)
    params, state = run.params[(0, *place)], None
    for t in range(min(run.steps, 3)):
        now = [rate[(min(t, len(rate) - 1), *place)] for rate in rates]
        state = init(params, *now) if state is None else state
        value, grads, moved, *state = advance(params, *now, *state)
        wanted = run.losses[(t, *place)], run.grads[(t, *place)], run.params[(t + 1, *place)]
        for got, known in zip((value, grads, moved), wanted):
            if not torch.allclose(got.double(), known.double(), rtol=SLACK, atol=SLACK, equal_nan=True):
                raise NotFollowed("the same step comes out differently when it is made again")
        params = moved
