"""Descents that the browser computes anew: the run that minimize made, as a formula for any start."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any

import torch
from matplotlib.axes import Axes
from torch import Tensor

from gdviz.descent import Trajectory, minimize
from gdviz.hyperparameters import Range, as_tensor, hyperparameters
from gdviz.player import Player
from gdviz.player.formula import NotFollowed, traced
from gdviz.player.marks import Mark

SLACK = 1e-9  # relative: how far a repeated step may be from that of minimize


def formula(run: Trajectory) -> dict[str, Any]:
    """A descent as what the browser repeats: one step, its loss and gradient, for any params, rates and state.

    Args:
        run: from minimize, with axes of runs or without.

    Returns:
        `init` and `advance`, traces as of player.formula.traced, for one run; `names` of the hyperparameters that are
        numbers, and `rates`, of each (steps or 1, *runs or 1) in float64; `start` (*runs, d); `steps`.

    Raises:
        NotFollowed: what cannot be followed, and in which line.

    Example:
        >>> from gdviz.descent import minimize
        >>> from gdviz.optimizers import GradientDescent
        >>> run = minimize(lambda w: w.square().sum(-1), GradientDescent(lr=0.1), [1.0, 2.0], steps=3)
        >>> formula(run)["rates"][0].tolist()
        [0.1]
    """
    if run.sampled_loss is not None:
        raise NotFollowed("the minibatches are drawn by the kernel")
    rules = [run.asked(step) for step in range(max(run.steps, 1))] if run.scheduled else [run.rule]
    names, rates = _rates(rules, len(run.runs))
    rule, start = rules[0], run.params[(0, *[0] * len(run.runs))]
    picked = [rate[(0, *[0] * len(run.runs))].clone() for rate in rates]

    def given(values: tuple[Tensor, ...]) -> Any:
        return replace(rule, **dict(zip(names, values))) if names else rule

    def init(params: Tensor, *values: Tensor) -> tuple[Tensor, ...]:
        return _state(given(values).init(params))[1]

    def advance(params: Tensor, *rest: Tensor) -> tuple[Tensor, ...]:
        leaf = params.detach().requires_grad_()
        with torch.enable_grad():
            value = run.loss(leaf)
        if not isinstance(value, Tensor) or value.shape != ():
            raise NotFollowed("the loss is another for each run")
        (grads,) = torch.autograd.grad(value, leaf)
        one, kept = given(rest[: len(names)]), remade(rest[len(names) :])
        before = dict(getattr(one, "__dict__", {}))
        moved, after = one.update(params.detach().clone(), grads, kept)
        _refuse_memory(one, before)
        return value.detach(), grads, moved, *_state(after)[1]

    try:
        remade = _state(rule.init(start))[0]
        _refuse_other_steps(run, init, advance, rates)
        first = [start.clone(), *(value.clone() for value in picked)]
        kept = [value.clone() for value in init(*first)]
        return {
            "init": traced(init, *first),
            "advance": traced(advance, start.clone(), *(v.clone() for v in picked), *kept),
            "names": names,
            "rates": rates,
            "start": run.params[0],
            "steps": run.steps,
        }
    except NotFollowed:
        raise
    except (RuntimeError, TypeError, ValueError) as error:
        raise NotFollowed(f"the loss or the rule cannot be run for one start alone ({error})") from error


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
            raise NotFollowed(f"the schedule changes {name}, which is no number or sweep")
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


def follow(
    player: Player,
    ax: Axes | None,
    runs: Mapping[str, Trajectory],
    marks: Mapping[str, Mapping[Mark, Callable[[Trajectory], Any]]],
    caption: Callable[[Mapping[str, Trajectory]], str],
    handles: Sequence[Mapping[str, Any]] = (),
) -> None:
    """Let one drag the start of these descents on an Axes, and turn each hyperparameter that is a range.

    The browser computes them, or, where it cannot, the kernel. Where a slider chooses the start, it cannot be dragged.

    Args:
        player: its first slider is the step, and the next ones are the axes of the runs.
        ax: where the start is dragged; it has the coordinates of the params. None: it stays.
        runs: by name.
        marks: by the same name; what each mark draws of a trajectory: its array, or that and where it has diverged.
        caption: the sentence about all of them.
        handles: what else can be dragged, as for player.live; `dials` are names of hyperparameters, and a handle whose
            hyperparameters are no Ranges is left out.

    Example:
        >>> from gdviz.descent import minimize
        >>> from gdviz.optimizers import GradientDescent
        >>> from gdviz.surfaces import ravine
        >>> figure, ax = plt.subplots(figsize=(5, 4))
        >>> _ = ax.set(xlim=(-6, 6), ylim=(-3, 3))
        >>> run = minimize(ravine(), GradientDescent(lr=0.4), (-5.0, -2.0), steps=20)
        >>> player = Player(figure, {"step": range(21)})
        >>> drawn = {"": {player.path(ax, run.params): lambda run: run.params}}
        >>> follow(player, ax, {"": run}, drawn, lambda runs: runs[""].describe())
    """
    if any(bool((run.params[0] != run.params[(0, *[0] * len(run.runs))]).any()) for run in runs.values()):
        ax = None  # a slider chooses the start
    dials = _dials(runs)

    def again(start: list[float], turned: list[float]) -> tuple[dict[Mark, tuple], str]:
        values = dict(zip(dials, turned))
        moved = {name: _again(run, start, values) for name, run in runs.items()}
        arrays = {mark: _parts(draw(moved[name])) for name, drawn in marks.items() for mark, draw in drawn.items()}
        return arrays, caption(moved)

    try:
        formulas = [formula(run) for run in runs.values()]
        drawn = [_drawn(run, made["names"], marks[name]) for (name, run), made in zip(runs.items(), formulas)]
        for dial, places in dials.values():
            dial["feeds"] = [[i, formulas[i]["names"].index(name)] for i, name in places]
        player.live(_handles(ax, dials, handles), formulas, drawn, [dial for dial, _ in dials.values()], again)
    except NotFollowed as reason:
        player.unfollowed = str(reason)
        _ask_the_kernel(player, ax, next(iter(runs.values())).params.shape[-1], dials, again)


def _handles(ax: Axes | None, dials: Mapping, more: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    keys = [dial["key"] for dial, _ in dials.values()]
    handles: list[dict[str, Any]] = [] if ax is None else [{"kind": "start", "ax": ax}]
    for handle in more:
        names = handle.get("dials", ())
        if set(names) <= set(keys) and (names or ax is not None):
            handles.append({**handle, **({"dials": [keys.index(name) for name in names]} if names else {})})
    return handles


def _ask_the_kernel(player: Player, ax: Axes | None, d: int, dials: Mapping, again: Callable) -> None:
    """A click and a turned hyperparameter go to the kernel, which computes what the browser cannot."""
    now: dict[str, list[float]] = {"start": [], "turned": []}

    def show(**changed: list[float]) -> None:
        arrays, sentence = again(**(now | changed))
        now.update(changed)
        for mark, (array, *diverged) in arrays.items():
            mark.set_data(array, **({"diverged": diverged[0]} if diverged else {}))
        player.caption = sentence

    if ax is not None:
        player.on_click(lambda *place: show(start=list(place[:d])), ax=ax)
    if dials:
        player.on_dials([{**dial, "feeds": []} for dial, _ in dials.values()], lambda turned: show(turned=turned))


def _dials(runs: Mapping[str, Trajectory]) -> dict[int, tuple[dict[str, Any], list[tuple[int, str]]]]:
    """Of each range in the rules, by its id: its slider, and in which descents it is which hyperparameter."""
    found: dict[int, tuple[dict[str, Any], list[tuple[int, str]]]] = {}
    for i, run in enumerate(runs.values()):
        for field, value in _ranges(run.rule).items():
            if run.scheduled and any(getattr(run.asked(step), field) != value for step in range(run.steps)):
                continue  # a schedule moves it
            if id(value) not in found:
                ends = {"low": value.low, "high": value.high, "value": float(value), "log": value.log}
                found[id(value)] = {**ends, "unit": value.unit, "named": list(value.named.items())}, []
            dial, places = found[id(value)]
            places.append((i, field))
            of_all = {place for place, _ in places} == set(range(len(runs)))
            known, first = WORDS.get(field, field.replace("_", " ")), list(runs)[places[0][0]]
            dial["name"] = value.name or (known if of_all else f"{first}: {known}")
            dial["key"] = field if of_all else f"{first}.{field}"
    return found


WORDS = {"lr": "learning rate"}


def _ranges(rule: Any) -> dict[str, Range]:
    if not is_dataclass(rule):
        return {}
    values = {field.name: getattr(rule, field.name) for field in fields(rule) if field.init}
    return {name: value for name, value in values.items() if isinstance(value, Range)}


def _again(run: Trajectory, start: list[float], turned: Mapping[int, float]) -> Trajectory:
    """The same descent, of all runs, from another start, and with other values of its ranges."""
    first = run.params[0]
    place = torch.tensor(start, dtype=first.dtype).reshape(*[1] * len(run.runs), -1) if start else first

    def set_by(rule: Any) -> Any:
        new: dict[str, Any] = {name: turned[key] for name, value in named.items() if (key := id(value)) in turned}
        return replace(rule, **new) if new else rule

    named = _ranges(run.rule)
    asked = (lambda step: set_by(run.asked(step))) if run.scheduled else set_by(run.asked)
    return minimize(run.loss, asked, place, run.steps, sampled_loss=run.sampled_loss)


def _parts(drawn: Any) -> tuple:
    return drawn if isinstance(drawn, tuple) else (drawn,)


def _drawn(run: Trajectory, names: Sequence[str], marks: Mapping[Mark, Callable]) -> dict[Mark, Callable]:
    """For each mark: its array, of the params, losses, gradients, rates and states of a single run."""

    def of(draw: Callable) -> Callable[..., tuple]:
        def drawn(params: Tensor, losses: Tensor, grads: Tensor, *rest: Tensor) -> tuple:
            rates, states = dict(zip(names, rest)), rest[len(names) :]
            kind: Any = type(run.states)
            state = kind(*states) if hasattr(kind, "_fields") else states
            rule = replace(run.rule, **rates) if rates else run.rule
            return _parts(draw(replace(run, params=params, losses=losses, grads=grads, rule=rule, states=state)))

        return drawn

    return {mark: of(draw) for mark, draw in marks.items()}
