"""Compare a learner's update rule with the right one, and with all known mistakes, by the steps that they take."""

import copy
import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

import torch
from torch import Tensor

from gdviz.guard import Blank, Trouble, fits, short
from gdviz.mistakes import variants
from gdviz.optimizers import Rule

Gradients = Callable[[Tensor, int], Tensor]  # (w, step) -> g
Walk = Callable[[Tensor, Gradients, int], Tensor]  # (start, gradients, steps) -> (steps + 1, d)


@dataclass(frozen=True, eq=False)
class Problem:
    """A start (d,), gradients that may depend on the place, and how many steps to take."""

    start: Tensor
    gradients: Gradients
    steps: int


def problems(reference: Rule) -> list[Problem]:
    """Given gradients of several sizes; tiny ones (as small as eps) and a zero; a bowl, on which errors feed back."""
    generator = torch.Generator().manual_seed(1)
    given = torch.randn(12, 3, generator=generator, dtype=torch.float64) * torch.tensor([1.0, 0.1, 10.0])
    tiny = given[:6] * torch.tensor([1.0, 10.0, 0.0]) * getattr(reference, "eps", 1e-8)
    curvature = torch.tensor([0.1, 1.0], dtype=torch.float64) / reference.lr
    far = 12 * reference.lr * torch.tensor([1.0, 0.7], dtype=torch.float64)
    return [
        Problem(torch.tensor([1.0, -2.0, 3.0], dtype=torch.float64), lambda w, step: given[step], 12),
        Problem(torch.zeros(3, dtype=torch.float64), lambda w, step: tiny[step], 6),
        Problem(far, lambda w, step: curvature * w, 20),
    ]


@dataclass(frozen=True, eq=False)
class Comparison:
    """hint: "" where the learner's rule is right. yours, right: their ways (steps + 1, 2) on the bowl."""

    hint: str
    yours: Tensor
    right: Tensor


def compare(thing: Any, reference: Rule) -> Comparison:
    """Walk through all problems with the learner's thing and with the reference.

    thing: a rule; a class of rules; a function (params, grads, *state) -> (params, *state); a function or class that
    makes a torch.optim.Optimizer of parameters. Classes and functions get the reference's hyperparameters by name.
    Raises Blank, and Trouble where the thing does not run; and whatever its own code raises.
    """
    tried = problems(reference)
    right = [_way(reference)(*_parts(problem)) for problem in tried]
    yours = [walk(thing, reference)(*_parts(problem)) for problem in tried]
    same = [_agree(*pair) for pair in zip(yours, right)]
    if all(n == problem.steps for n, problem in zip(same, tried)):
        hint = _hard_coded(thing, reference, tried) or ""
    else:
        hint = _known(yours, reference, tried, min(same)) or _measured(yours[0], right[0], tried[0])
        hint += _first_step(yours[0], right[0])
    return Comparison(hint, yours[-1], right[-1])


def remembers(thing: Any, reference: Rule) -> bool:
    """Whether a second walk with the same rule differs from the first: it keeps something outside of its state."""
    if not is_rule(thing):
        return False
    parts, once = _parts(problems(reference)[0]), copy.deepcopy(thing)
    return not torch.equal(_way(once)(*parts), _way(once)(*parts))


def walk(thing: Any, reference: Rule) -> Walk:
    """What takes the steps of a learner's thing, anew for each walk."""
    if isinstance(thing, type):
        made = _made(thing, reference)
        return _way(made) if is_rule(made) else _torch_way(lambda params: _made(thing, reference, params))
    if isinstance(thing, torch.optim.Optimizer):
        raise Trouble("Give a function of the parameters that makes the optimizer: lambda params: MyAdam(params, ...).")
    if is_rule(thing):
        return _way(copy.deepcopy(thing))
    if not callable(thing):
        what = f"{short(repr(thing), 40)} ({type(thing).__name__})"
        raise Trouble(f"A rule has the methods init and update; yours is {what}.{_near(thing)}")
    if fits(thing, (reference,)):  # one argument: the parameters
        return _torch_way(thing)
    return _way(FromFunction(thing, reference))


def _made(kind: type, reference: Rule, params: Any = None) -> Any:
    """An object of the learner's class, with the reference's hyperparameters that its __init__ names."""
    numbers = _hyperparameters(reference)
    if "beta1" in numbers:
        numbers["betas"] = (numbers["beta1"], numbers["beta2"])
    torchs = issubclass(kind, torch.optim.Optimizer)
    first = [params or [torch.zeros(1, requires_grad=True)]] if torchs else []
    made = kind(*first, **_accepted(kind, numbers))
    if not torchs and not is_rule(made):
        raise Trouble(f"A rule has the methods init and update; {kind.__name__} has not both.{_near(made)}")
    return made


@dataclass(frozen=True)
class FromFunction:
    """An update function as a rule: it takes params, grads and each field of the state, and returns all but grads."""

    function: Callable
    reference: Rule

    def init(self, params):
        return tuple(self.reference.init(params))

    def update(self, params, grads, state):
        names = ", ".join(("params", "grads", *getattr(self.reference.init(params), "_fields", ())))
        if not fits(self.function, (params, grads, *state)):
            raise Trouble(f"It is called with {names}; yours takes {inspect.signature(self.function)}.")
        returned = self.function(params, grads, *state, **_accepted(self.function, _hyperparameters(self.reference)))
        if state and isinstance(returned, tuple) and len(returned) != 1 + len(state):
            raise Trouble(f"It returns {len(returned)} things; it must return {names.replace('grads, ', '')}.")
        return (returned[0], returned[1:]) if state and isinstance(returned, tuple) else (returned, state)


def _way(rule: Any) -> Walk:
    def take(start: Tensor, gradients: Gradients, steps: int) -> Tensor:
        places, state = [start], rule.init(start.clone())
        for step in range(steps):
            w, g = places[-1].clone(), gradients(places[-1], step).clone()
            returned = rule.update(w, g, state)
            if not (torch.equal(w, places[-1]) or w.isnan().any()):
                raise Trouble(
                    "It changes params in place; return new ones, params - ..., and leave the old as they are."
                )
            if not torch.equal(g, gradients(places[-1], step)) and not g.isnan().any():
                raise Trouble("It changes grads in place; make a new tensor instead.")
            if returned is ...:
                raise Blank
            if not isinstance(returned, tuple) or len(returned) != 2:
                raise Trouble(f"update returns two things, the new params and the new state; yours {_a(returned)}.")
            place, state = returned
            places.append(_place(place, start))
        return torch.stack(places)

    return take


def _torch_way(make: Callable) -> Walk:
    def take(start: Tensor, gradients: Gradients, steps: int) -> Tensor:
        w, places = start.clone().requires_grad_(), [start]
        optimizer = make([w])
        if optimizer is ...:
            raise Blank
        if not isinstance(optimizer, torch.optim.Optimizer):
            raise Trouble(f"A function of the parameters must return a torch.optim.Optimizer; yours {_a(optimizer)}.")
        for step in range(steps):
            w.grad = gradients(places[-1], step).clone()
            optimizer.step()
            places.append(_place(w.detach().clone(), start))
        return torch.stack(places)

    return take


def _place(place: Any, start: Tensor) -> Tensor:
    """The new params of one step, if they can be."""
    if place is ...:
        raise Blank
    if not isinstance(place, Tensor):
        raise Trouble(f"The new params must be a tensor like params; yours {_a(place)}.")
    if place.shape != start.shape:
        raise Trouble(f"The new params must keep the shape {tuple(start.shape)}; yours have {tuple(place.shape)}.")
    if not place.is_floating_point():
        raise Trouble(f"The new params must be real numbers with a fraction; yours are {place.dtype}.")
    return place.detach()


def _known(yours: list[Tensor], reference: Rule, tried: list[Problem], known: int) -> str:
    """The mistakes whose steps these are: all of them, or the first three and more than are right."""
    exact, best, phrase_of_best = [], max(2, known), ""
    for phrase, wrong in variants(reference):
        ways = [_way(wrong)(*_parts(problem)) for problem in tried]
        same = [_agree(*pair) for pair in zip(yours, ways)]
        if all(n == problem.steps for n, problem in zip(same, tried)):
            exact.append(phrase)
        if min(same) > best:
            best, phrase_of_best = min(same), phrase
    if exact:
        return f"Your steps are those of {', or those of '.join(exact)}."
    return (
        phrase_of_best and f"Your first {best} steps are those of {phrase_of_best}. Then something else differs, too."
    )


def _hard_coded(thing: Any, reference: Rule, tried: list[Problem]) -> str:
    """Whether a class or function that is right has a number where a hyperparameter belongs."""
    if is_rule(thing) and not isinstance(thing, type):
        return ""
    for name, value in _hyperparameters(reference).items():
        other = replace(reference, **{name: value / 2})
        ways = [(walk(thing, other)(*_parts(p)), _way(other)(*_parts(p))) for p in tried]
        if name in _names(thing) and any(_agree(*pair) < problem.steps for pair, problem in zip(ways, tried)):
            return f"With {name}={value:g} it is right, with {name}={value / 2:g} it is not: is it written as a number?"
    return ""


def _measured(yours: Tensor, right: Tensor, problem: Problem) -> str:
    """What can be said of steps that no known mistake makes."""
    steps, rights = yours.diff(dim=0), right.diff(dim=0)
    if not bool(torch.isfinite(yours).all()):
        k = int((~torch.isfinite(yours)).any(-1).nonzero()[0])
        return f"Step {k} is not a number: is something divided by zero, or the root of a negative number taken?"
    if not bool(steps.any()):
        return "Nothing moves: the new params are the old ones."
    ratio = steps / rights
    if bool(torch.isclose(ratio, ratio[0, 0], rtol=1e-6).all()):
        return f"Each of your steps is {float(ratio[0, 0]):.3g} times the right one."
    same = torch.isclose(yours, right, rtol=1e-6).all(0)
    if bool(same.any()):
        k = int(same.nonzero()[0]) + 1
        return f"Coordinate {k} of {len(same)} is right, another is not: each has its own gradient."
    if _agree(yours[:2], right[:2]) == 1:
        k = _agree(yours, right) + 1
        return f"Your steps are right until step {k}: what must be remembered from one step to the next?"
    w, g = float(problem.start[0]), float(problem.gradients(problem.start, 0)[0])
    there = f"must lead to {right[1, 0]:.4g}; yours leads to {yours[1, 0]:.4g}"
    return f"From w = {w:g} with the gradient {g:.3g} the first step {there}."


def _first_step(yours: Tensor, right: Tensor) -> str:
    """How long the first step is, where all coordinates agree on it."""
    ratio = (yours[1] - yours[0]) / (right[1] - right[0])
    told = bool(torch.isclose(ratio, ratio[0], rtol=1e-4).all()) and abs(float(ratio[0]) - 1) > 1e-3
    return f" Your first step is {float(ratio[0]):.3g} times the right one." if told and ratio[0] != 0 else ""


def _agree(yours: Tensor, right: Tensor) -> int:
    """How many steps, from the first on, lead to the same places, to a millionth of the whole way."""
    yours, tolerance = yours.to(right.dtype), 1e-6 if yours.dtype == right.dtype else 1e-4
    way = (right - right[0]).nan_to_num(0, 0, 0).abs().max()
    equal = torch.isclose(yours, right, rtol=0, atol=tolerance * float(way), equal_nan=True).all(-1)
    return int(equal[1:].int().cumprod(0).sum())


def _parts(problem: Problem) -> tuple[Tensor, Gradients, int]:
    return problem.start, problem.gradients, problem.steps


def is_rule(thing: Any) -> bool:
    """Whether a thing has the two methods of a rule."""
    return (
        not isinstance(thing, type)
        and callable(getattr(thing, "init", None))
        and callable(getattr(thing, "update", None))
    )


def _near(thing: Any) -> str:
    """Of an object that is nearly a rule: which method it lacks."""
    own = {} if type(thing).__module__ == "builtins" else vars(type(thing))
    methods = [name for name in own if not name.startswith("_")]
    lacking = [name for name in ("init", "update") if not callable(getattr(thing, name, None))]
    others = [name for name in methods if name not in ("init", "update")]
    return f" It has {', '.join(others)}, and lacks {' and '.join(lacking)}." if others else ""


def _a(thing: Any) -> str:
    """How a thing that does not fit is named: "gives a str"."""
    if thing is None:
        return "gives nothing (None): is there a return?"
    return (
        f"gives {len(thing)} things" if isinstance(thing, tuple) else f"gives something of type {type(thing).__name__}"
    )


def _hyperparameters(reference: Rule) -> dict[str, Any]:
    return {field.name: getattr(reference, field.name) for field in fields(reference)}


def _names(thing: Any) -> set[str]:
    try:
        return set(inspect.signature(thing).parameters)
    except (TypeError, ValueError):
        return set()


def _accepted(thing: Any, numbers: dict[str, Any]) -> dict[str, Any]:
    names = _names(thing)
    return {name: value for name, value in numbers.items() if name in names}


def picture(found: Comparison, reference: Rule) -> Callable[[], None]:
    """What shows the learner's way on the bowl beside the right one, in the look of the reference."""

    def show() -> None:
        import matplotlib.pyplot as plt

        from gdviz import plots
        from gdviz.style import BLACK, look

        name, (start, *_) = type(reference).__name__, found.right
        reach = 1.3 * float(found.right.abs().max())
        figure, ax = plt.subplots(figsize=(6, 3.6))
        x = torch.linspace(-reach, reach, 101)
        height = (0.1 * x**2 + x[:, None] ** 2).sqrt()  # rows are the second parameter
        ax.contour(x, x, height, levels=8, colors="#a9a9a9")
        drawn = look(reference)
        ax.plot(*found.right.T, color=drawn.color, lw=6, alpha=0.45, label=f"{name}: right")
        ax.plot(*found.yours.nan_to_num(nan=math.nan).T, color=BLACK, ls="--", marker="s", ms=5, label="yours")
        ax.plot(*start, "o", color=BLACK, ms=9)
        ax.set(xlim=(-reach, reach), ylim=(-reach, reach), xlabel="parameter x", ylabel="parameter y")
        ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
        ends = [f"({', '.join(f'{float(value):.3g}' for value in way[-1])})" for way in (found.yours, found.right)]
        away = "the same as" if not found.hint else "another than"
        alt = f"Twenty steps on a bowl: your way ends at {ends[0]}, {away} that of {name}, which ends at {ends[1]}."
        plots.picture(figure, alt)

    return show
