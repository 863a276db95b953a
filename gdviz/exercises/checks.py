"""Checks that recognise a mistake by what it does, and name it kindly.

A check runs the learner's work on a few problems and compares what comes out with the right result and with those of
known mistakes; it does not read the code. Whatever the learner has left in the cell (nothing, three dots, text, code
that raises, never ends, or eats the memory), the answer is a Feedback, and nothing is raised. Pass `my.name` instead of
`name`, so that a name that does not exist is no error either. For nbgrader: `score(2, check_rule(...))`.

A hint of `mistakes` may begin with a key in brackets, "[no-two] The 2 is missing.": it is not shown, and a class is
counted by it. Without one, it is made of the first words.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from gdviz.descent import gradient
from gdviz.exercises import answers, keys, rules
from gdviz.exercises.feedback import Feedback, Missing, attempt, named
from gdviz.exercises.sandbox import Blank, Trouble, fits
from gdviz.exercises.two_ways import two_ways
from gdviz.exercises.walks import is_rule
from gdviz.hyperparameters import short
from gdviz.optimizers import Rule


def check_rule(rule: Any, reference: Rule, *, mistakes: Mapping[str, Rule] | None = None) -> Feedback:
    """Whether a rule takes the same steps as the reference; if not, which known mistake takes the learner's steps.

    A right rule may keep a different state and compute in a different order: only the points are compared, to a
    millionth of the path. The picture shows both paths on a bowl.

    Args:
        rule: an object with init and update; a class of such; a function (params, grads, *state) -> (params, *state),
            where state are the reference's fields, one by one; or a function of the parameters (or a class) that makes
            a torch.optim.Optimizer. Classes and functions get the reference's hyperparameters by their names.
        reference: a rule of gdviz, each hyperparameter one number, such as Adam(lr=0.1).
        mistakes: hint -> the rule that makes this mistake; they come before the known ones.

    Returns:
        The Feedback.

    Raises:
        TypeError: the reference is not a rule; whatever the learner has written raises nothing.

    Example:
        >>> from gdviz.optimizers import GradientDescent
        >>> check_rule(lambda params, grads: params + 0.1 * grads, GradientDescent(lr=0.1)).hint[:60]
        'This is GradientDescent with a plus where the minus belongs:'
    """
    if not is_rule(reference) or isinstance(reference, type):
        raise TypeError(f"reference must be a rule such as Adam(lr=0.1), got {reference!r}")
    if hasattr(reference, "probe"):
        name = type(reference).__name__
        raise TypeError(
            f"{name} asks for a gradient at a second place, and a check gives one; check_function compares two"
        )

    def work() -> Feedback:
        found = rules.compare(rule, reference, mistakes)
        picture = two_ways(found, reference)
        if found.hint:
            return Feedback(False, found.hint, picture=picture, key=found.key)
        return Feedback(True, rules.AGAIN if rules.remembers(rule, reference) else "", picture=picture)

    return attempt(work, rule)


def check_number(
    number: Any,
    right: float,
    *,
    tolerance: float = 1e-3,
    unit: str = "",
    mistakes: Mapping[str, float] | None = None,
) -> Feedback:
    """Whether a number is right.

    Args:
        number: the learner's.
        right: the right one.
        tolerance: the relative error that is accepted (0: none).
        unit: the unit of the right answer, for the hint.
        mistakes: hint -> the number to which the mistake leads.

    Returns:
        The Feedback.

    Example:
        >>> check_number(6, 3, mistakes={"Carry the 1/2.": 6}).hint
        'Carry the 1/2.'
    """
    expected = float(right)

    def near(value: float, other: float, within: float = tolerance) -> bool:
        return abs(value - other) <= max(within * abs(other), 1e-12)

    def work() -> Feedback:
        value = answers.one_number(number, unit)
        if near(value, expected):
            return Feedback(True)
        for hint, wrong in (mistakes or {}).items():
            if near(value, float(wrong)):
                return named(hint)
        said = f" Give it in {unit}." if unit else ""
        if near(value, expected, 10 * tolerance) and tolerance:
            return Feedback(False, answers.nearly(value, expected, tolerance) + said)
        if near(value, -expected):
            return Feedback(False, "The size is right, the sign is not.")
        if expected and value and near(1 / value, expected):
            return Feedback(False, "Turned upside down: it is 1 over yours.")
        both = value and expected and (value > 0) == (expected > 0)
        power = math.log10(abs(value)) - math.log10(abs(expected)) if both else 0.0
        if 0.5 < abs(power) < 6.5 and near(10.0 ** round(power), 10.0**power):
            times = f"1{'0' * abs(round(power))} times too {'large' if power > 0 else 'small'}"
            hint = f"It is {times}: is it in another unit, or in per cent?{said}"
            return Feedback(False, hint, key="wrong-power-of-ten")
        return Feedback(False, f"It is too {'large' if value > expected else 'small'}.{said}")

    return attempt(work, number)


def check_choice(
    choice: Any, right: str, choices: Sequence[str], *, mistakes: Mapping[str, str] | None = None
) -> Feedback:
    """Whether a word is the right one of the choices; case and spaces around it do not count.

    Args:
        choice: the learner's.
        right: the right one.
        choices: all of them.
        mistakes: choice -> why it is not this one.

    Returns:
        The Feedback.

    Raises:
        ValueError: right is not one of the choices.

    Example:
        >>> check_choice(" Down", "down", ["up", "down"]).correct
        True
    """
    if right not in choices:
        raise ValueError(f"right must be one of the choices {list(choices)}, got {right!r}")

    def work() -> Feedback:
        known = {word.strip().lower(): word for word in choices}
        chosen = known.get(choice.strip().lower()) if isinstance(choice, str) else None
        if chosen is None:
            words = ", ".join(f'"{word}"' for word in choices)
            raise Trouble(f"Choose one of {words}, with its quotation marks; you have {short(repr(choice), 40)}.")
        if chosen == right:
            return Feedback(True)
        hint, _ = keys.split((mistakes or {}).get(chosen, "Not this one."))
        return Feedback(False, hint, key=f"chose {chosen}")

    found = attempt(work, choice)
    quoted = " If it stops with a NameError, a word lacks its quotation marks."
    return replace(found, hint=found.hint + quoted) if isinstance(choice, Missing) else found


def check_function(
    function: Any,
    reference: Callable,
    at: Sequence[tuple],
    *,
    tolerance: float = 1e-6,
    mistakes: Mapping[str, Callable] | None = None,
) -> Feedback:
    """Whether a function returns, for each tuple of arguments, what the reference returns.

    It may return a number, a tensor, or a tuple of these, of the shapes of the reference's.

    Args:
        function: the learner's.
        reference: the right one.
        at: the tuples of arguments.
        tolerance: relative to the largest number.
        mistakes: hint -> the function that makes this mistake.

    Returns:
        The Feedback.

    Example:
        >>> check_function(lambda x: x**2, lambda x: 2 * x, [(3.0,)], mistakes={"Derive it.": lambda x: x**2}).hint
        'Derive it.'
    """
    right = [answers.numbers(reference(*args)) for args in at]
    wrong = {hint: [answers.numbers(other(*args)) for args in at] for hint, other in (mistakes or {}).items()}

    def work() -> Feedback:
        yours = [answers.same_shape(answers.returned(function, args), other) for args, other in zip(at, right)]
        correct, hint = answers.judged(yours, right, at, tolerance, wrong)
        if correct or hint in wrong:
            return named(hint) if hint else Feedback(True)
        return Feedback(False, answers.ignored(function, yours, right, at) or hint)

    return attempt(work, function)


def check_gradient(
    function: Any,
    loss: Callable[[Tensor], Tensor],
    at: Sequence[Sequence[float]],
    *,
    extra: tuple = (),
    mistakes: Mapping[str, Callable[[Tensor], Tensor]] | None = None,
) -> Feedback:
    """Whether a function returns the gradient of the loss, dL/dw_i, at each point.

    Args:
        function: takes the point as one tensor (d,), or its d coordinates one by one, then `extra`; returns d numbers,
            as a tensor or one by one.
        loss: (..., d) -> (...), as for minimize; torch differentiates it.
        at: the points.
        extra: further arguments of the function.
        mistakes: hint -> the loss whose gradient this mistake computes.

    Returns:
        The Feedback.

    Example:
        >>> check_gradient(lambda w: 2 * w, lambda w: w.square().sum(-1), [[1.0, 2.0]]).correct
        True
    """
    points, places = [torch.as_tensor(point, dtype=torch.float64) for point in at], [tuple(point) for point in at]
    right = [[gradient(loss, point)] for point in points]
    wrong = {hint: [[gradient(other, point)] for point in points] for hint, other in (mistakes or {}).items()}
    wrong |= {
        "That is the gradient of half the loss: carry the 2 of the square.": [[g[0] / 2] for g in right],
        "The coordinates have changed places.": [[g[0].flip(0)] for g in right],
    }

    def call(point: Tensor) -> list[Tensor]:
        whole = (point, *extra)
        return answers.returned(function, whole if fits(function, whole) else (*point.tolist(), *extra))

    def work() -> Feedback:
        yours = [answers.flat(call(point), len(point)) for point in points]
        correct, hint = answers.judged(yours, right, places, 1e-6, wrong)
        if not correct and answers.judged(yours, right, places, 1e-3, {})[0]:
            hint = "Right to a few digits only: by differences over too small a step, or too large a one? Derive it."
        elif not correct and hint not in wrong:
            hint = answers.one_by_one(yours, right, places) or hint
        return named(hint) if hint in wrong else Feedback(correct, hint)

    return attempt(work, function)


def check_outcome(
    thing: Any,
    run: Callable[[Any], Any],
    wanted: Mapping[str, Callable[[Any], bool]],
    *,
    calls: int | None = None,
    show: Callable[[Any], None] | None = None,
) -> Feedback:
    """Whether what comes out has each of the wanted properties; the first that does not hold is the hint.

    In a hint {} stands for the outcome: "{:.1f} above the minimum", and {0.name} for a part of it. An outcome of three
    dots is "not attempted yet".

    Args:
        thing: the learner's.
        run: what makes an outcome of it.
        wanted: hint -> a function of the outcome that should hold.
        calls: the number of its arguments, where it must be a function.
        show: called with the outcome, right or not, to draw it below the sentence; not with None.

    Returns:
        The Feedback.

    Example:
        >>> check_outcome(3, lambda n: n**2, {"{} is too small.": lambda square: square > 10}).hint
        '9 is too small.'
    """

    def work() -> Feedback:
        if calls is not None:
            answers.callable_with(thing, (0,) * calls)
        outcome = run(thing)
        if outcome is ...:
            raise Blank
        hint = next((hint for hint, holds in wanted.items() if not holds(outcome)), "")
        shown, key = keys.split(hint)
        picture = None if show is None or outcome is None else partial(show, outcome)
        return Feedback(not hint, shown.format(outcome), key=key, picture=picture)

    return attempt(work, thing)
