"""Players whose descents the browser computes anew: from another start, at another rate."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any

import torch
from matplotlib.axes import Axes
from torch import Tensor

from gdviz.descent import Trajectory, minimize
from gdviz.hyperparameters import Range
from gdviz.player import Player
from gdviz.player.formula import NotFollowed
from gdviz.player.marks import Mark
from gdviz.views.formula import formula
from gdviz.views.given import changed, dragged, fed, given, number_of, ranges, refuse_negative_rates, turned, with_loss

WORDS = {"lr": "learning rate", "condition": "condition number"}


def said(runs: Mapping[str, Trajectory], ended: bool = True) -> str:
    """What these descents say of themselves, each after its name.

    Args:
        runs: by name; "" is none.
        ended: whether they say how they ended.

    Returns:
        The sentences.

    Example:
        >>> from gdviz.descent import minimize
        >>> from gdviz.optimizers import GradientDescent
        >>> said({"a": minimize(lambda w: w.square().sum(-1), GradientDescent(lr=0.25), [8.0], steps=2)})
        'a: GradientDescent with lr 0.25, 2 steps from (8) to (2): the loss goes from 64 to 4.'
    """
    sentences = {name: run.describe(ended) for name, run in runs.items()}
    return " ".join(f"{name}: {sentence}" if name else sentence for name, sentence in sentences.items())


def follow(
    player: Player,
    ax: Axes | None,
    runs: Trajectory | Mapping[str, Trajectory],
    marks: Mapping[Any, Any],
    caption: Callable[[Mapping[str, Trajectory]], str] = said,
    *,
    handles: Sequence[Mapping[str, Any]] = (),
    shown: Mapping[str, int] | None = None,
    alone: Collection[Any] = (),
) -> None:
    """Let one drag the start of these descents on an Axes, and turn each hyperparameter that is a range.

    The browser computes them, or, where it cannot, the kernel. A slider that chooses the start takes it back from the
    hand. Of a loss that can be changed, by ranges or by data that are dragged, the contours and minima on the Axes
    follow.

    Args:
        player: its first slider is the step, and the next ones are the axes of the runs.
        ax: where the start is dragged; it has the coordinates of the params. None: it stays where it is.
        runs: one, or several by name.
        marks: what each mark draws of a trajectory: its array, or that and where it has diverged; of several runs such
            a mapping for each name.
        caption: the sentence about all of them.
        handles: what else can be dragged, as for player.live; `dials` are names of hyperparameters, and a handle whose
            hyperparameters are not Ranges is left out; `data` are those of the points.
        shown: of descents among which the last slider chooses, at which of its positions each is shown. What they draw
            has an axis of 1 for it; a mark of several holds theirs one beside the other, as `beside` makes it.
        alone: marks that draw each step by itself, without gradients and learning rates: the browser computes them at
            the step that is shown, where those of all steps would take too long.

    Example:
        >>> from gdviz.descent import minimize
        >>> from gdviz.optimizers import GradientDescent
        >>> from gdviz.surfaces import ravine
        >>> figure, ax = plt.subplots(figsize=(5, 4))
        >>> _ = ax.set(xlim=(-6, 6), ylim=(-3, 3))
        >>> run = minimize(ravine(), GradientDescent(lr=0.4), (-5.0, -2.0), steps=20)
        >>> player = Player(figure, {"step": range(21)})
        >>> drawn = {player.path(ax, run.params): lambda run: run.params}
        >>> follow(player, ax, run, drawn)
    """
    if isinstance(runs, Trajectory):
        runs, marks = {"": runs}, {"": marks}
    player.opening = said(runs, ended=False)
    plane, shown = ax, shown or {}
    dials = _dials(runs)
    data = next((handle["data"] for handle in handles if "data" in handle), None)
    for run in runs.values():
        refuse_negative_rates(run)

    def again(start: list[float], dialed: list[float], points: list[float]) -> tuple[dict[Mark, tuple], str]:
        values = dict(zip(dials, dialed))
        with changed([*turned(runs, values), *dragged(data, points)]):
            moved = {name: _again(run, start, values) for name, run in runs.items()}
            every = [(mark, moved[name], draw) for name, drawn in marks.items() for mark, draw in drawn.items()]
            arrays = {mark: beside(*((run, draw) for one, run, draw in every if one is mark)) for mark, *_ in every}
            return arrays, caption(moved)

    changes = any(getattr(run.loss, "ranges", {}) for run in runs.values())
    try:
        formulas = [{**formula(run, given(run, data)), "shown": shown.get(name)} for name, run in runs.items()]
        if changes or (data is not None and fed(formulas, data)):
            marks, changes = with_loss(player, plane, runs, marks, all_of_them=bool(shown)), False
        drawn = [_drawn(run, made, marks[name]) for (name, run), made in zip(runs.items(), formulas)]
        for dial, places in dials.values():
            dial["feeds"] = [[i, number_of(formulas[i], what)] for i, what in places]
        found = _handles(ax, dials, handles, formulas, _choosing(runs))
        player.live(found, formulas, drawn, [dial for dial, _ in dials.values()], again, alone)
    except NotFollowed as reason:
        player.unfollowed = str(reason)
        marks = with_loss(player, plane, runs, marks, all_of_them=bool(shown)) if changes else marks
        clicked = None if _choosing(runs) else ax
        _ask_the_kernel(player, clicked, next(iter(runs.values())).params.shape[-1], dials, again)


def _handles(
    ax: Axes | None,
    dials: Mapping,
    more: Sequence[Mapping[str, Any]],
    formulas: Sequence[Mapping[str, Any]],
    chosen: list[int],
) -> list[dict[str, Any]]:
    keys = [dial["key"] for dial, _ in dials.values()]
    start = {"kind": "start", "ax": ax, **({"chosen": chosen} if chosen else {})}
    handles: list[dict[str, Any]] = [] if ax is None else [start]
    for handle in more:
        if "data" in handle:
            feeds = fed(formulas, handle["data"])
            handles += [{"kind": "points", "ax": handle["ax"], "mark": handle["mark"], "feeds": feeds}] if feeds else []
            continue
        names = handle.get("dials", ())
        if set(names) <= set(keys) and (names or ax is not None):
            handles.append({**handle, **({"dials": [keys.index(name) for name in names]} if names else {})})
    return handles


def _choosing(runs: Mapping[str, Trajectory]) -> list[int]:
    """The numbers of the sliders that choose the start: along their axes of runs it is another."""
    starts = [run.params[0] for run in runs.values()]
    axes = range(max(start.ndim for start in starts) - 1)
    return [k + 1 for k in axes if any(k < s.ndim - 1 and bool((s != s.narrow(k, 0, 1)).any()) for s in starts)]


def _ask_the_kernel(player: Player, ax: Axes | None, d: int, dials: Mapping, again: Callable) -> None:
    """A click and a turned hyperparameter go to the kernel, which computes what the browser cannot."""
    now: dict[str, list[float]] = {"start": [], "dialed": [], "points": []}

    def show(**moves: list[float]) -> None:
        arrays, sentence = again(**(now | moves))
        now.update(moves)
        for mark, (array, *diverged) in arrays.items():
            mark.set_data(array, **({"diverged": diverged[0]} if diverged else {}))
        player.caption = sentence

    if ax is not None:
        player.on_click(lambda *place: show(start=list(place[:d])), ax=ax)
    if dials:
        player.on_dials([{**dial, "feeds": []} for dial, _ in dials.values()], lambda dialed: show(dialed=dialed))


def _dials(runs: Mapping[str, Trajectory]) -> dict[int, tuple[dict[str, Any], list[tuple[int, Any]]]]:
    """For each range in the rules, losses and schedules, by its id: its slider, and what it is in which descents.

    What: the name of a hyperparameter, or a tensor of the loss or the schedule.
    """
    found: dict[int, tuple[dict[str, Any], list[tuple[int, Any]]]] = {}
    for i, run in enumerate(runs.values()):
        of_rule = [(field, value, field) for field, value in _ranges(run.rule).items() if not _moves(run, field)]
        others = [(name, value, tensor) for name, (value, tensor) in ranges(run).items()]
        for name, value, what in of_rule + others:
            if id(value) not in found:
                ends = {"low": value.low, "high": value.high, "value": float(value), "log": value.log}
                found[id(value)] = {**ends, "unit": value.unit, "named": list(value.named.items())}, []
            dial, places = found[id(value)]
            places.append((i, what))
            of_all = {place for place, _ in places} == set(range(len(runs)))
            known, first = WORDS.get(name, name.replace("_", " ")), list(runs)[places[0][0]]
            dial["name"] = value.name or (known if of_all else f"{first}: {known}")
            dial["key"] = name if of_all else f"{first}.{name}"
    return found


def _moves(run: Trajectory, field: str) -> bool:
    """Whether a schedule moves this hyperparameter."""
    steps = range(run.steps if run.scheduled else 0)
    return any(getattr(run.asked(step), field) != getattr(run.rule, field) for step in steps)


def _ranges(rule: Any) -> dict[str, Range]:
    if not is_dataclass(rule):
        return {}
    values = {field.name: getattr(rule, field.name) for field in fields(rule) if field.init}
    return {name: value for name, value in values.items() if isinstance(value, Range)}


def _again(run: Trajectory, start: list[float], turned: Mapping[int, float]) -> Trajectory:
    """The same descent, of all runs, from another start, and with other values of its ranges."""
    first = run.params[0]
    place = torch.tensor(start, dtype=first.dtype).expand(first.shape) if start else first

    def set_by(rule: Any) -> Any:
        new: dict[str, Any] = {name: turned[key] for name, value in named.items() if (key := id(value)) in turned}
        return replace(rule, **new) if new else rule

    named = _ranges(run.rule)
    asked = (lambda step: set_by(run.asked(step))) if run.scheduled else set_by(run.asked)
    return minimize(run.loss, asked, place, run.steps, sampled_loss=run.sampled_loss)


def beside(*drawn: tuple[Trajectory, Callable]) -> tuple:
    """What several descents draw of one mark, one beside the other along the slider that chooses among them.

    Args:
        drawn: each descent with what draws it, which leaves an axis of 1 behind those of the runs.

    Returns:
        The array, and of a text where it has diverged. Of a single descent, what it draws.

    Example:
        >>> from gdviz.descent import minimize
        >>> from gdviz.optimizers import GradientDescent
        >>> run = minimize(lambda w: w.square().sum(-1), GradientDescent(lr=0.25), [8.0], steps=2)
        >>> (array,) = beside((run, lambda run: run.losses[:, None]), (run, lambda run: -run.losses[:, None]))
        >>> array.tolist()
        [[64.0, -64.0], [16.0, -16.0], [4.0, -4.0]]
    """
    parts = [_parts(draw(run)) for run, draw in drawn]
    if len(parts) == 1:
        return parts[0]
    return tuple(torch.cat(some, 1 + len(drawn[0][0].runs)) for some in zip(*parts, strict=True))


def _parts(drawn: Any) -> tuple:
    return drawn if isinstance(drawn, tuple) else (drawn,)


def _drawn(run: Trajectory, made: Mapping[str, Any], marks: Mapping[Mark, Callable]) -> dict[Mark, Callable]:
    """For each mark: its array, of the params, losses, gradients, learning rates, rates and states of a single run."""

    def of(draw: Callable) -> Callable[..., tuple]:
        def drawn(params: Tensor, losses: Tensor, grads: Tensor, lrs: Tensor, *rest: Tensor) -> tuple:
            first = len(made["names"]) + made["batches"] + len(made["given"])  # of the states
            rates, states = dict(zip(made["names"], rest)), rest[first:]
            kind: Any = type(run.states)
            state = kind(*states) if hasattr(kind, "_fields") else states
            rule = replace(run.rule, **rates) if rates else run.rule
            now = {"params": params, "losses": losses, "grads": grads, "states": state, "rule": rule}
            return _parts(draw(replace(run, **now, lrs=None if made["lr"] is None else lrs)))

        return drawn

    return {mark: of(draw) for mark, draw in marks.items()}
