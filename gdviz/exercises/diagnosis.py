"""What can be said of an update rule that is wrong in no known way: where it goes wrong, and in which of its parts."""

import math
from typing import Any

import torch
from torch import Tensor

from gdviz.exercises.memory import Again, Parts, same, states, taken_again
from gdviz.exercises.walks import Problem, agree, walk, way
from gdviz.optimizers.rule import is_for_matrices


def diagnosed(thing: Any, reference: Any, tried: list[Problem], yours: list[Tensor], right: list[Tensor]) -> str:
    """The sentence on the problem that goes wrong first; on tiny gradients where the others are right, or nearly so."""
    done = [agree(*pair) for pair in zip(yours, right)]
    wrong = [k for k, problem in enumerate(tried) if done[k] < problem.steps]
    nearly = all(agree(yours[k], right[k], 1e-4) == tried[k].steps for k in (0, 2))
    k = 1 if nearly and 1 in wrong else min((k for k in wrong if k != 1), key=lambda k: done[k])
    one, other, problem = yours[k], right[k], tried[k]
    if k == 1:
        said = _all_alike(one, other, reference.lr) or _by_step(thing, reference, problem, one, other)
        return _at(thing, reference, problem, one, other) + said
    if not bool(one[done[k] + 1].isfinite().all()):
        return _by_step(thing, reference, problem, one, other)
    said = _swapped(yours[0], reference, tried[0]) or _by_sign(thing, reference, tried[0]) if 0 in wrong else ""
    said = said or _all_alike(one, other, reference.lr) or _by_coordinate(thing, reference, problem, one, other)
    return said or _by_step(thing, reference, problem, one, other)


def no_number(place: Tensor, k: int) -> str:
    """What is said of step k if it leads to NaN or to infinity; else ""."""
    if bool(place.isnan().any()):
        return f"Step {k} is NaN (not a number): is 0 divided by 0, or the root of a negative number taken?"
    return f"Step {k} is infinite: is something divided by zero?" if bool(place.isinf().any()) else ""


def _all_alike(yours: Tensor, right: Tensor, lr: float) -> str:
    """What all steps have in common."""
    steps = yours.diff(dim=0)
    if not bool(steps.any()):
        return "Nothing moves: the new params are the old ones. Is the result of a line not assigned, or not returned?"
    moves = right.diff(dim=0).any(0)  # where a gradient is always 0, nothing says how long a step is
    if bool(steps[:, ~moves].any()):
        return ""
    ratio = (steps / right.diff(dim=0))[:, moves]
    if not bool(torch.isclose(ratio, ratio[0, 0], rtol=1e-6).all()):
        return ""
    times = float(ratio[0, 0])
    causes = {-1.0: "the sign is wrong", 1 / lr: "the learning rate is missing", lr: "the learning rate is there twice"}
    cause = next((f": {cause}" for size, cause in causes.items() if math.isclose(times, size, rel_tol=1e-6)), "")
    return f"Each of your steps is {times:.3g} times the right one{cause}."


def _swapped(yours: Tensor, reference: Any, problem: Problem) -> str:
    """Whether what is returned first is a part of the new state."""
    new = states(reference, problem, 1)[1]
    first = [name for name, value in new.items() if value.shape == yours[1].shape and same(yours[1], value)]
    return f"What you return first is {first[0]}: return the new params first, then the state." if first else ""


def _by_sign(thing: Any, reference: Any, problem: Problem) -> str:
    """Whether the rule is right as long as all gradients have one sign."""
    fine = []
    for sign, other in ((1, "negative"), (-1, "positive")):
        one = problem._replace(gradients=lambda w, step, sign=sign: sign * problem.gradients(w, step).abs())
        if agree(walk(thing, reference)(*one), way(reference)(*one)) == problem.steps:
            fine.append(other)
    if len(fine) != 1:  # right with each of the signs: then it is the change of the sign
        return ""
    return f"Where a gradient is {fine[0]} it goes wrong: is its size taken somewhere, or its sign lost?"


def _by_coordinate(thing: Any, reference: Any, problem: Problem, yours: Tensor, right: Tensor) -> str:
    if is_for_matrices(reference):
        return ""  # it takes no coordinate by itself
    n = right.shape[-1]
    wrong = [i for i in range(n) if agree(yours[:, [i]], right[:, [i]]) < len(right) - 1]
    fine = [i for i in range(n) if i not in wrong]
    if not fine:
        return ""
    if not bool(yours[:, wrong].diff(dim=0).any()):
        stays = "stays where it is" if len(wrong) == 1 else "stay where they are"
        return f"{_coordinates(wrong)} {stays}: is it written for {len(fine)} only? Move the whole tensor at once."
    alone = torch.ones(n, dtype=torch.float64)
    alone[fine] = -1
    others = walk(thing, reference)(problem.start, lambda w, k: alone * problem.gradients(w, k), problem.steps)
    if agree(others[:, wrong], yours[:, wrong]) == problem.steps:  # the gradients of the others play no part in it
        return ""
    verbs = ["is" if len(some) == 1 else "are" for some in (fine, wrong)]
    others = _coordinates(wrong).split(" ", 1)[1]
    return f"{_coordinates(fine)} {verbs[0]} right, {others} {verbs[1]} not: does each use its own gradient?"


def _coordinates(some: list[int]) -> str:
    return f"Coordinate{'s' if len(some) > 1 else ''} {_listed([str(i + 1) for i in some])}"


def _listed(words: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def _at(thing: Any, reference: Any, problem: Problem, yours: Tensor, right: Tensor) -> str:
    """What is special about the problem with tiny gradients, which begins at w = 0 and has a gradient of 0."""
    aside = walk(thing, reference)(problem.start + 1, *problem[1:])
    if bool(aside.isfinite().all()) and not bool(yours.isfinite().all()):
        return "Where a parameter is 0 it goes wrong. "
    tiny = agree(yours[:, :-1], right[:, :-1]) < problem.steps
    return f"Where {'gradients are tiny' if tiny else 'a gradient is zero'} it goes wrong. "


def _by_step(thing: Any, reference: Any, problem: Problem, yours: Tensor, right: Tensor) -> str:
    """What is wrong in the first wrong step: what it is handed, or what it makes of it."""
    k = agree(yours, right)
    again, said = taken_again(thing, reference, problem, right, k), no_number(yours[k + 1], k + 1)
    if k and states(reference, problem, 0)[0]:
        return f"{said or f'Step {k + 1} is the first that is wrong.'} {_in_a_later(again, k)}"
    more = _remembers(again, reference, k) if k else _in_the_first(again, reference)
    return f"{said or _numbers(k, yours, right, problem)} {more}".strip()


def _numbers(k: int, yours: Tensor, right: Tensor, problem: Problem) -> str:
    told = [i for i in range(right.shape[-1]) if f"{yours[k + 1, i]:.6g}" != f"{right[k + 1, i]:.6g}"]
    i = told[0] if told else int((yours[k + 1] - right[k + 1]).abs().argmax())
    g = problem.gradients(right[k].view_as(problem.start), k).flatten()
    w, g = float(right[k, i]), float(g[i]) + 0.0  # of -0 as well
    there, here = _apart(float(right[k + 1, i]), float(yours[k + 1, i]))
    step = f"step {k + 1}" if k else "the first step"
    return f"From w = {w:.6g} with the gradient {g:.3g} {step} must lead to {there}; yours leads to {here}."


def _apart(one: float, other: float) -> tuple[str, str]:
    """Both numbers, with so many digits that they differ."""
    texts = [(f"{one:.{digits}g}", f"{other:.{digits}g}") for digits in (6, 9, 12, 17)]
    return next((pair for pair in texts if pair[0] != pair[1]), texts[-1])


def _remembers(again: Again | None, reference: Any, k: int) -> str:
    """Of a rule that remembers nothing: whether its step would be right as a first step."""
    if again is None or not again.fits:
        return ""
    return f"It would be right if it were the first step, and {type(reference).__name__} remembers nothing."


def _in_the_first(again: Again | None, reference: Any) -> str:
    """Which part of the state is wrong before or after the first step, or that none is."""
    if again is None or not again.right:
        return ""
    if again.fits and (name := _differs(again.own, again.handed)):
        zero, yours = _two(name, again.handed, again.own)
        return f"It would be right if {name} began at {zero}; yours begins at {yours}."
    name = _differs(again.made, again.right)
    if not name:
        return f"The new {_kept(again)} right: look at the line of the new params."
    if bool(
        torch.isclose((again.made[name] / again.right[name]).abs(), again.right[name].new_tensor(reference.lr)).all()
    ):
        return ""  # a velocity with the learning rate in it: another convention
    right, yours = _two(name, again.right, again.made)
    return f"Look at {name} first: after this step it must be {right}; yours is {yours}."


def _in_a_later(again: Again | None, k: int) -> str:
    if again is None:
        return "Look at what is kept from one step to the next, and at what is done with it."
    names, kept, made = _listed(list(again.right)), _differs(again.own, again.handed), _differs(again.made, again.right)
    if again.fits and not kept:
        return "Each step is a little off: is something small in the wrong place, such as eps?"
    if again.fits:
        right, yours = _two(kept, again.handed, again.own)
        memory = f"after step {k} {kept} must be {right}; yours is {yours}."
        return f"Given the right {names} it is right, so the formula is right and the memory is not: {memory}"
    if kept:
        return f"It stays wrong when given the right {names}: look at the formula first."
    line = (
        f"Look at the line of {made}." if made else f"The new {_kept(again)} right: look at the line of the new params."
    )
    return f"It stays wrong when given the right {names}: the memory is right, the formula is not. {line}"


def _kept(again: Again) -> str:
    """The names of the state, and a verb for them."""
    return f"{_listed(list(again.right))} {'is' if len(again.right) == 1 else 'are'}"


def _differs(one: Parts, other: Parts) -> str:
    """The first part that is not the same in both."""
    return next((name for name in other if not same(one[name], other[name])), "")


def _two(name: str, right: Parts, yours: Parts) -> tuple[str, str]:
    """The number of this part that differs most, in both."""
    one, other = torch.broadcast_tensors(right[name].double(), yours[name].double())
    i = int((one - other).abs().argmax())
    return _apart(float(one.flatten()[i]), float(other.flatten()[i]))
