"""Compare a learner's update rule with the right one, and with all known mistakes, by the steps that they take."""

import copy
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from numbers import Number
from typing import Any

import torch
from torch import Tensor

from gdviz.guard import Blank, Trouble, fits, is_own, short
from gdviz.mistakes import variants
from gdviz.optimizers import Rule

Gradients = Callable[[Tensor, int], Tensor]  # (w, step) -> g
Walk = Callable[[Tensor, Gradients, int], Tensor]  # (start, gradients, steps) -> (steps + 1, d)
CURVATURES = (0.1, 0.6)  # of the bowl, over lr: along x it creeps, along y it is quick


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
    curvature = torch.tensor(CURVATURES, dtype=torch.float64) / reference.lr
    far = 12 * reference.lr * torch.tensor([1.0, 0.7], dtype=torch.float64)
    return [
        Problem(torch.tensor([1.0, -2.0, 3.0], dtype=torch.float64), lambda w, step: given[step], 12),
        Problem(torch.zeros(3, dtype=torch.float64), lambda w, step: tiny[step], 6),
        Problem(far, lambda w, step: curvature * w, 20),
    ]


AGAIN = "A second descent with it would go on where the first one ended: keep everything in the state."


@dataclass(frozen=True, eq=False)
class Comparison:
    """hint: "" where the learner's rule is right. yours, right: their ways (steps + 1, 2) on the bowl."""

    hint: str
    yours: Tensor
    right: Tensor


def compare(thing: Any, reference: Rule, mistakes: Mapping[str, Rule] | None = None) -> Comparison:
    """Walk through all problems with the learner's thing and with the reference.

    thing: a rule; a class of rules; a function (params, grads, *state) -> (params, *state); a function or class that
    makes a torch.optim.Optimizer of parameters. Classes and functions get the reference's hyperparameters by name.
    mistakes: hint -> the rule that makes this mistake; they come before the known ones.
    Raises Blank, and Trouble where the thing does not run; and whatever its own code raises.
    """
    tried = problems(reference)
    right = [_way(reference)(*_parts(problem)) for problem in tried]
    yours = [walk(thing, reference)(*_parts(problem)) for problem in tried]
    same = [_agree(*pair) for pair in zip(yours, right)]
    if all(n == problem.steps for n, problem in zip(same, tried)):
        hint = _hard_coded(thing, reference, tried) or ""
    else:
        hint = _listed(yours, mistakes or {}, tried) or _known(yours, reference, tried, min(same))
        hint = hint and hint + _first_step(yours[0], right[0])
        hint = hint or (AGAIN if remembers(thing, reference) else _unknown(yours, right, tried, same))
    return Comparison(hint, yours[-1], right[-1])


def remembers(thing: Any, reference: Rule) -> bool:
    """Whether a second walk with the same rule differs from the first: it keeps something outside of its state."""
    parts, take = _parts(problems(reference)[0]), walk(thing, reference)
    return not torch.allclose(take(*parts), take(*parts), equal_nan=True)


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
    numbers = _accepted(thing, _hyperparameters(reference))
    if fits(thing, (reference,), **numbers):  # one argument: the parameters
        return _torch_way(lambda params: thing(params, **numbers))
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
        numbers = _accepted(self.function, _hyperparameters(self.reference))
        if not fits(self.function, (params, grads, *state), **numbers):
            raise Trouble(f"It is called with {names}; yours takes {inspect.signature(self.function)}.")
        returned = self.function(params, grads, *state, **numbers)
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
                raise Trouble(f"update returns two things, the new params and the new state; yours {_a(returned)}")
            place, state = returned
            places.append(_place(place, start))
        return torch.stack([w.to(places[-1].dtype) for w in places])  # float32 if the learner's are

    return take


def _torch_way(make: Callable) -> Walk:
    def take(start: Tensor, gradients: Gradients, steps: int) -> Tensor:
        w, places = start.clone().requires_grad_(), [start]
        optimizer = make([w])
        if optimizer is ...:
            raise Blank
        if not isinstance(optimizer, torch.optim.Optimizer):
            raise Trouble(f"A function of the parameters must return a torch.optim.Optimizer; yours {_a(optimizer)}")
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
        raise Trouble(f"The new params must be a tensor like params; yours {_a(place)}")
    if place.shape != start.shape:
        raise Trouble(f"The new params must keep the shape {tuple(start.shape)}; yours have {tuple(place.shape)}.")
    if not place.is_floating_point():
        raise Trouble(f"The new params must be real numbers with a fraction; yours are {place.dtype}.")
    return place.detach()


def _listed(yours: list[Tensor], mistakes: Mapping[str, Rule], tried: list[Problem]) -> str:
    """The hint of the first of these mistakes whose steps these are."""
    for hint, wrong in mistakes.items():
        ways = (_way(wrong)(*_parts(problem)) for problem in tried)
        if all(_agree(one, way) == problem.steps for one, way, problem in zip(yours, ways, tried)):
            return hint
    return ""


def _known(yours: list[Tensor], reference: Rule, tried: list[Problem], known: int) -> str:
    """The mistakes whose steps these are: all of them, or the first three and more than are right."""
    exact, best, phrase_of_best = [], max(2, known), ""
    for phrase, wrong in variants(reference):
        if _agree(yours[0], _way(wrong)(*_parts(tried[0]))) <= best:
            continue
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
        if name not in _names(thing) or not isinstance(value, Number):
            continue
        other = replace(reference, **{name: value / 2})
        ways = [(walk(thing, other)(*_parts(p)), _way(other)(*_parts(p))) for p in tried]
        if any(_agree(*pair) < problem.steps for pair, problem in zip(ways, tried)):
            return f"With {name}={value:g} it is right, with {name}={value / 2:g} it is not: is it written as a number?"
    return ""


def _unknown(yours: list[Tensor], right: list[Tensor], tried: list[Problem], same: list[int]) -> str:
    """What can be said of steps that no known mistake makes, on the problem that they get wrong first."""
    wrong = [k for k, problem in enumerate(tried) if same[k] < problem.steps]
    k = min(wrong, key=lambda k: same[k]) if bool(torch.isfinite(yours[1]).all()) else 1
    where = "Where gradients are tiny, or zero, it goes wrong. " if k == 1 else ""
    return where + _measured(yours[k], right[k], tried[k])


def _measured(yours: Tensor, right: Tensor, problem: Problem) -> str:
    """What can be said of steps on one problem."""
    steps, rights = yours.diff(dim=0), right.diff(dim=0)
    if not bool(torch.isfinite(yours).all()):
        k = int((~torch.isfinite(yours)).any(-1).nonzero()[0])
        return f"Step {k} is not a number: is something divided by zero, or the root of a negative number taken?"
    if not bool(steps.any()):
        return "Nothing moves: the new params are the old ones."
    ratio = steps / rights
    if bool(torch.isclose(ratio, ratio[0, 0], rtol=1e-6).all()):
        return f"Each of your steps is {float(ratio[0, 0]):.3g} times the right one."
    same = [_agree(yours[:, [i]], right[:, [i]]) == len(steps) for i in range(len(problem.start))]
    if any(same):
        which = f"Coordinate {same.index(True) + 1} of {len(same)} is right, another is not"
        return f"{which}: what is different about their gradients?"
    if _agree(yours[:2], right[:2]) == 1:
        k = _agree(yours, right) + 1
        return f"Step {k} is the first that is wrong: what must be remembered from one step to the next?"
    i = next((i for i in range(len(right[1])) if f"{yours[1, i]:.6g}" != f"{right[1, i]:.6g}"), 0)
    w, g = float(problem.start[i]), float(problem.gradients(problem.start, 0)[i])
    there = f"must lead to {right[1, i]:.6g}; yours leads to {yours[1, i]:.6g}"
    return f"From w = {w:g} with the gradient {g:.3g} the first step {there}."


def _first_step(yours: Tensor, right: Tensor) -> str:
    """How long the first step is, where all coordinates agree on it."""
    ratio = (yours[1] - yours[0]) / (right[1] - right[0])
    times = float(ratio[0]) if bool(torch.isclose(ratio, ratio[0], rtol=1e-3).all()) else 0.0
    told = times and abs(times - 1) > 1e-3
    return f" Your first step is {times:.3g} times the right one." if told else ""


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
    own = vars(type(thing)) if is_own(type(thing)) else {}
    methods = [name for name in own if not name.startswith("_")]
    lacking = [name for name in ("init", "update") if not callable(getattr(thing, name, None))]
    others = [name for name in methods if name not in ("init", "update")]
    return f" It has {', '.join(others)}, and lacks {' and '.join(lacking)}." if others else ""


def _a(thing: Any) -> str:
    """The end of the sentence about a thing that does not fit: "gives something of type str."."""
    if thing is None:
        return "gives nothing (None): is there a return?"
    return (
        f"gives {len(thing)} things." if isinstance(thing, tuple) else f"gives a thing of type {type(thing).__name__}."
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
