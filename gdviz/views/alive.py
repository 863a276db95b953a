"""Players whose descents the browser computes anew: from another start, at another rate."""

from collections.abc import Callable, Mapping, Sequence
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

WORDS = {"lr": "learning rate"}


def said(runs: Mapping[str, Trajectory]) -> str:
    """What these descents say of themselves, each after its name.

    Args:
        runs: by name; "" is none.

    Returns:
        The sentences.

    Example:
        >>> from gdviz.descent import minimize
        >>> from gdviz.optimizers import GradientDescent
        >>> said({"a": minimize(lambda w: w.square().sum(-1), GradientDescent(lr=0.25), [8.0], steps=2)})
        'a: GradientDescent with lr 0.25, 2 steps from (8) to (2): the loss goes from 64 to 4.'
    """
    return " ".join(f"{name}: {run.describe()}" if name else run.describe() for name, run in runs.items())


def follow(
    player: Player,
    ax: Axes | None,
    runs: Trajectory | Mapping[str, Trajectory],
    marks: Mapping[Any, Any],
    caption: Callable[[Mapping[str, Trajectory]], str] = said,
    *,
    handles: Sequence[Mapping[str, Any]] = (),
) -> None:
    """Let one drag the start of these descents on an Axes, and turn each hyperparameter that is a range.

    The browser computes them, or, where it cannot, the kernel. Where a slider chooses the start, it cannot be dragged.

    Args:
        player: its first slider is the step, and the next ones are the axes of the runs.
        ax: where the start is dragged; it has the coordinates of the params. None: it stays.
        runs: one, or several by name.
        marks: what each mark draws of a trajectory: its array, or that and where it has diverged; of several runs such
            a mapping for each name.
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
        >>> drawn = {player.path(ax, run.params): lambda run: run.params}
        >>> follow(player, ax, run, drawn)
    """
    if isinstance(runs, Trajectory):
        runs, marks = {"": runs}, {"": marks}
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
