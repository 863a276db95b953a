"""How a learner's update rule walks: whatever form it has, it takes steps from a start, by given gradients."""

import copy
import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import torch
from torch import Tensor

from gdviz.exercises.page import on_copies
from gdviz.exercises.sandbox import Blank, Trouble, fits, is_own
from gdviz.hyperparameters import short
from gdviz.optimizers import Rule
from gdviz.optimizers.rule import is_for_matrices

Gradients = Callable[[Tensor, int], Tensor]  # (w, step) -> g
Walk = Callable[[Tensor, Gradients, int], Tensor]  # (start, gradients, steps) -> (steps + 1, d or m n)
CURVATURES = (0.1, 0.6)  # of the bowl, over lr: along x it creeps, along y it is quick


class Problem(NamedTuple):
    """A start (d,) or (m, n), gradients that may depend on the place, and how many steps to take."""

    start: Tensor
    gradients: Gradients
    steps: int


def problems(reference: Any) -> list[Problem]:
    """Given gradients of several sizes; tiny ones (as small as eps) and a zero; a bowl, on which errors feed back.

    A rule for matrices gets the same with more rows than columns, with a gradient of rank one; the bowl is one row.
    """
    matrix = is_for_matrices(reference)
    shape, scale = ((4, 3), [[1.0], [0.1], [10.0], [0.0]]) if matrix else ((3,), [1.0, 0.1, 10.0])
    generator = torch.Generator().manual_seed(1)
    given = torch.randn(12, *shape, generator=generator, dtype=torch.float64)
    given = (given + (given[..., :1] if matrix else 0)) * torch.tensor(scale)
    if matrix:
        given[0] = given[0, :, :1] * given[0, :1]
    start = torch.tensor([1.0, -2.0, 3.0], dtype=torch.float64).expand(shape)
    tiny = given[:6] * torch.tensor([1.0, 10.0, 0.0]) * getattr(reference, "eps", 1e-8)
    curvature = torch.tensor(CURVATURES, dtype=torch.float64) / reference.lr
    far = 11.7 * reference.lr * torch.tensor([1.0, 0.7], dtype=torch.float64)
    return [
        Problem(start.clone(), lambda w, step: given[step], 12),
        Problem(torch.zeros(shape, dtype=torch.float64), lambda w, step: tiny[step], 6),
        Problem(far[None] if matrix else far, lambda w, step: curvature * w, 20),
    ]


def walk(thing: Any, reference: Rule) -> Walk:
    """What takes the steps of a learner's thing; the data of its page are the same before each walk and afterwards."""
    take = walk_on(thing, reference)

    def afresh(start: Tensor, gradients: Gradients, steps: int) -> Tensor:
        with on_copies(thing):
            return take(start, gradients, steps)

    return afresh


def walk_on(thing: Any, reference: Rule) -> Walk:
    """What takes the steps of a learner's thing; what it keeps on its page stays there for the next walk."""
    rule = as_rule(thing, reference)
    if rule is not None:
        return way(rule)
    if isinstance(thing, type):
        return _torch_way(lambda params: _made(thing, reference, params))
    numbers = accepted(thing, hyperparameters(reference))
    return _torch_way(lambda params: thing(params, **numbers))


def as_rule(thing: Any, reference: Rule) -> Any:
    """A learner's thing as a new object with init and update; None for what makes a torch.optim.Optimizer."""
    if isinstance(thing, type):
        made = _made(thing, reference)
        return made if is_rule(made) else None
    if isinstance(thing, torch.optim.Optimizer):
        raise Trouble("Give a function of the parameters that makes the optimizer: lambda params: MyAdam(params, ...).")
    if is_rule(thing):
        return copy.deepcopy(thing)
    if not callable(thing):
        what = f"{short(repr(thing), 40)} ({type(thing).__name__})"
        raise Trouble(f"A rule has the methods init and update; yours is {what}.{_near(thing)}")
    if fits(thing, (reference,), **accepted(thing, hyperparameters(reference))):  # one argument: the parameters
        return None
    return FromFunction(thing, reference)


def _made(kind: type, reference: Rule, params: Any = None) -> Any:
    """An object of the learner's class, with the reference's hyperparameters that its __init__ names."""
    numbers = hyperparameters(reference)
    if "beta1" in numbers:
        numbers["betas"] = (numbers["beta1"], numbers["beta2"])
    torchs = issubclass(kind, torch.optim.Optimizer)
    first: list[Any] = [params or [torch.zeros(1, requires_grad=True)]] if torchs else []
    given = accepted(kind, numbers)
    if is_own(kind) and not torchs and not fits(kind, (), **given):
        called = f"__init__ is called with {', '.join(given)}; yours takes {inspect.signature(kind)}."
        raise Trouble(misnamed(kind, reference) or called)
    made = kind(*first, **given)
    if not torchs and not is_rule(made):
        raise Trouble(f"A rule has the methods init and update; {kind.__name__} does not have both.{_near(made)}")
    return made


@dataclass(frozen=True)
class FromFunction:
    """An update function as a rule: it takes params, grads and each field of the state, and returns all but grads."""

    function: Callable
    reference: Rule

    def init(self, params: Tensor) -> tuple:
        """The fields of the reference's state, one by one."""
        return tuple(self.reference.init(params))

    def update(self, params: Tensor, grads: Tensor, state: tuple) -> tuple:
        """What the learner's function returns, as a rule does."""
        names = ", ".join(("params", "grads", *getattr(self.reference.init(params), "_fields", ())))
        numbers = accepted(self.function, hyperparameters(self.reference))
        if not fits(self.function, (params, grads, *state), **numbers):
            called = f"It is called with {', '.join((names, *numbers))}"
            taken = f"{called}; yours takes {inspect.signature(self.function)}."
            raise Trouble(misnamed(self.function, self.reference) or taken)
        returned = self.function(params, grads, *state, **numbers)
        if state and isinstance(returned, tuple) and len(returned) != 1 + len(state):
            raise Trouble(f"It returns {len(returned)} things; it must return {names.replace('grads, ', '')}.")
        return (returned[0], returned[1:]) if state and isinstance(returned, tuple) else (returned, state)


def way(rule: Any) -> Walk:
    """The places that a rule goes through."""

    def take(start: Tensor, gradients: Gradients, steps: int) -> Tensor:
        places, state = [start], rule.init(start.clone())
        for step in range(steps):
            place, state = one_step(rule, places[-1], gradients(places[-1], step), state)
            places.append(place)
        return torch.stack([w.to(places[-1].dtype) for w in places]).flatten(1)  # float32 if the learner's are

    return take


def one_step(rule: Any, w: Tensor, g: Tensor, state: Any) -> tuple[Tensor, Any]:
    """The new place and the new state; refused where w or g is changed in place, or something else is returned."""
    given = w.clone(), g.clone()
    returned = rule.update(*given, state)
    if not (torch.equal(given[0], w) or given[0].isnan().any()):
        raise Trouble("It changes params in place; return new ones, params - ..., and leave the old as they are.")
    if not (torch.equal(given[1], g) or given[1].isnan().any()):
        raise Trouble("It changes grads in place; make a new tensor instead.")
    if returned is ...:
        raise Blank
    if not isinstance(returned, tuple) or len(returned) != 2:
        raise Trouble(f"update returns two things, the new params and the new state; yours {_a(returned)}")
    if isinstance(returned[1], Tensor) and not isinstance(returned[0], Tensor | type(...)):
        raise Trouble("update returns the new params first, then the new state; yours seem to have changed places.")
    return _place(returned[0], w), returned[1]


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
        return torch.stack(places).flatten(1)

    return take


def _place(place: Any, start: Tensor) -> Tensor:
    """The new params of one step, if they can be."""
    if place is ...:
        raise Blank
    if not isinstance(place, Tensor):
        raise Trouble(f"The new params must be a tensor like params; yours {_a(place)}")
    if place.shape != start.shape:
        two = " Is it written for two parameters? A line with the whole tensor does for any number of them."
        said = f"The new params must keep the shape {tuple(start.shape)}; yours have {tuple(place.shape)}."
        raise Trouble(said + (two if place.shape == (2,) else ""))
    if not place.is_floating_point():
        raise Trouble(f"The new params must be real numbers with a fraction; yours are {place.dtype}.")
    return place.detach()


def agree(yours: Tensor, right: Tensor, tolerance: float = 1e-6) -> int:
    """How many steps, from the first on, lead to the same places, to this share of the whole way; float32 to 1e-4."""
    yours, tolerance = yours.to(right.dtype), tolerance if yours.dtype == right.dtype else 1e-4
    way = (right - right[0]).nan_to_num(0, 0, 0).abs().max()
    equal = torch.isclose(yours, right, rtol=0, atol=tolerance * float(way), equal_nan=True).all(-1)
    return int(equal[1:].int().cumprod(0).sum())


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
    if isinstance(thing, tuple) and len(thing) == 1:
        return "gives a tuple of one thing: is there a comma at the end of the line?"
    return (
        f"gives {len(thing)} things." if isinstance(thing, tuple) else f"gives a thing of type {type(thing).__name__}."
    )


def hyperparameters(reference: Any) -> dict[str, Any]:
    """The fields of a rule, by name."""
    return {field.name: getattr(reference, field.name) for field in fields(reference)}


def named(thing: Any) -> list[str]:
    """The names of the parameters of a function or class."""
    try:
        return list(inspect.signature(thing).parameters)
    except (TypeError, ValueError):
        return []


def misnamed(thing: Any, reference: Rule) -> str:
    """A sentence if a class or function has another name for a hyperparameter, which it gets by its name; else ""."""
    numbers, names, args = hyperparameters(reference), named(thing), []
    if not isinstance(thing, type):
        args = [None, None, *reference.init(torch.zeros(2, 2))]
    others = [name for name in names[len(args) :] if name not in (*numbers, "betas")]
    missing = [name for name in numbers if name not in names and not (name[:-1] == "beta" and "betas" in names)]
    known = ", ".join(missing[: len(others)])
    if not others or not known or (missing[0] != "lr" and len(missing) != len(others)):
        return ""
    its, it = ("their names", "them") if "," in known else ("its name", "it")
    who = "__init__" if isinstance(thing, type) else "It"
    return f"{who} is given {known} by {its}, and yours takes {', '.join(others)}: call {it} {known}."


def accepted(thing: Any, numbers: dict[str, Any]) -> dict[str, Any]:
    """Those of the numbers that a function or class takes by name."""
    names = named(thing)
    return {name: value for name, value in numbers.items() if name in names}
