"""Checks say kindly what they find, whatever is left in the cell, and raise nothing but the author's errors."""

import functools
import re
import threading
import time
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from traitlets.config import Config

from gdviz import optimizers
from gdviz.exercises import (
    Feedback,
    check_choice,
    check_function,
    check_gradient,
    check_number,
    check_outcome,
    check_rule,
    checks,
    feedback,
    my,
    surface,
    time_limit,
)
from gdviz.exercises.feedback import BEGIN, Mine, Missing
from gdviz.exercises.walks import CURVATURES
from gdviz.optimizers import Adam, GradientDescent, Momentum

GD = GradientDescent(lr=0.1)


def square(w):
    return (w**2).sum(-1)


CHECKS = {
    "rule": lambda thing: check_rule(thing, GD),
    "rule with a state": lambda thing: check_rule(thing, Momentum(lr=0.1)),
    "number": lambda thing: check_number(thing, 3.25, unit="m", mistakes={"four": 4}),
    "choice": lambda thing: check_choice(thing, "down", ["up", "down"]),
    "function": lambda thing: check_function(thing, lambda a: 2.125 * a + 1, [(1.0,), (2.0,)]),
    "function of tensors": lambda thing: check_function(thing, lambda a: 2.125 * a + 1, [(torch.ones(3),)]),
    "gradient": lambda thing: check_gradient(thing, square, [[1.0, 2.0], [3.0, -1.0]]),
    "outcome": lambda thing: check_outcome(thing, lambda f: f(), {"Not a seven.": lambda x: x == 7.25}),
}
every_check = pytest.mark.parametrize("check", CHECKS.values(), ids=CHECKS)


# numbers


@pytest.mark.parametrize(
    "number",
    [3, 3.0, 3.002, np.float64(3), np.array([3.0]), np.int64(3), torch.tensor(3.0), torch.tensor([[3]]), True + 2],
)
def test_a_right_number_is_right_in_any_clothes(number):
    assert check_number(number, 3) == Feedback(True)


@pytest.mark.parametrize(
    ("number", "hint"),
    [
        (3.02, "Almost. Give one or two more digits: compute it here instead of rounding."),
        (-3, "The size is right, the sign is not."),
        (1 / 3, "Turned upside down: it is 1 over yours."),
        (300, "It is 100 times too large: is it in another unit, or in per cent?"),
        (0.003, "It is 1000 times too small: is it in another unit, or in per cent?"),
        (3.5, "It is too large."),
        (-30, "It is too small."),
        (1e300, "It is too large."),
        (0, "It is too small."),
        (5e-324, "It is too small."),
        (5, "Did you forget to subtract 2?"),
        ("3", "Write the number alone, without quotation marks; you have text, '3'."),
        (torch.ones(2), "One number is wanted; yours has the shape (2,)."),
        (np.ones(0), "One number is wanted; yours has the shape (0,)."),
        (float("nan"), "A finite number is wanted; yours is NaN (not a number)."),
        (10**400, "A finite number is wanted; yours is infinite."),
        (True, "One number is wanted; yours is True (bool)."),
        (3 + 0j, "One number is wanted; yours is (3+0j) (complex)."),
        ([3], "One number is wanted; yours is [3] (list)."),
        (len, "One number is wanted; yours is <built-in function len> (builtin_function_or_method)."),
    ],
)
def test_a_wrong_number_is_told_how(number, hint):
    assert check_number(number, 3, mistakes={"Did you forget to subtract 2?": 5}) == Feedback(False, hint)


@pytest.mark.parametrize(
    ("number", "hint"),
    [
        (0.4, "Almost. Give one or two more digits: compute it here instead of rounding."),
        (0.448, "Almost. Give one or two more digits: compute it here instead of rounding."),
        (0.44712345, "Near, but not equal: is something rounded on the way, or a descent not at its end?"),
        (0.48, "Near, but not equal: is something rounded on the way, or a descent not at its end?"),
    ],
)
def test_a_number_is_called_rounded_only_where_it_has_few_digits(number, hint):
    assert check_number(number, 4 / 9, tolerance=0.001 if 0.41 < number < 0.47 else 0.011).hint == hint


def test_the_ends_of_the_float_range_are_numbers_too():
    assert check_number(1e308, 1e-10).hint == "It is too large."
    assert check_number(5e-324, 1e308).hint == "It is too small."
    assert check_number(-0.0, 0.0).correct
    assert check_number(1e-13, 0).correct
    assert check_number(1e-3, 0).hint == "It is too large."


def test_the_unit_is_in_the_hints_that_may_be_about_it():
    asked = functools.partial(check_number, right=3, unit="metres")
    assert asked(3000).hint.endswith("is it in another unit, or in per cent? Give it in metres.")
    assert asked(4).hint == "It is too large. Give it in metres."
    assert asked("x").hint.startswith("Write the number alone (in metres), without")
    assert asked([1]).hint.startswith("One number is wanted (in metres); ")
    assert asked(3.02).hint.endswith("Give it in metres.")


def test_the_tolerance_is_a_share_and_zero_is_exact():
    assert check_number(301, 300, tolerance=0.01).correct
    assert not check_number(304, 300, tolerance=0.01).correct
    assert check_number(145, 145, tolerance=0).correct
    assert check_number(146, 145, tolerance=0).hint == "It is too large."
    assert check_number(1450, 145, tolerance=0).hint.startswith("It is 10 times too large")


@pytest.mark.slow
@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(-1e300, 1e300))
def test_any_number_beside_any_other_has_a_hint_or_is_right(number, right):
    found = check_number(number, right)
    assert found.correct == (abs(number - right) <= max(1e-3 * abs(right), 1e-12))
    assert found.correct == (found.hint == "")
    assert "Error" not in found.hint


# choices


def test_a_choice_is_right_whatever_its_case_and_its_spaces():
    for choice in ("down", "Down", " DOWN\n"):
        assert check_choice(choice, "down", ["up", "down"]) == Feedback(True)


def test_a_wrong_choice_is_told_why_it_is_not_this_one():
    assert check_choice("up", "down", ["up", "down"]).hint == "Not this one."
    told = check_choice("UP", "down", ["up", "down"], mistakes={"up": "That is against the slope."})
    assert told == Feedback(False, "That is against the slope.")


@pytest.mark.parametrize("choice", ["left", "", "u", 0, True, ["up"], b"up", print])
def test_what_is_no_choice_is_told_the_choices(choice):
    hint = check_choice(choice, "down", ["up", "down"]).hint
    assert hint.startswith('Choose one of "up", "down", with its quotation marks; you have ')


# functions


def line(w, b):
    return w * 2 + b


AT = [(1.0, 2.0), (3.0, -1.0), (0.5, 0.25)]


def test_a_right_function_is_right():
    assert check_function(lambda w, b: 2 * w + b, line, AT) == Feedback(True)
    assert check_function(lambda w, b: np.float32(2 * w + b), line, AT).correct
    assert check_function(lambda w, b: [torch.tensor(w), 3], lambda w, b: (w, 3), AT).correct


@pytest.mark.parametrize(
    ("function", "hint"),
    [
        (lambda w, b: -line(w, b), "The sign is wrong, everything else is right."),
        (lambda w, b: line(w, b) / 2, "It is always 0.5 times the right one: a factor is missing, or is there twice."),
        (
            lambda w, b: -3 * line(w, b),
            "It is always 3 times the right one and has the wrong sign: a factor is missing, or is there twice.",
        ),
        (lambda w, b: 0.0, "It is always zero."),
        (
            lambda w, b: line(w, b) * (1 + 4e-6),
            "It is right to a few digits only: is something rounded, or float32?",
        ),
        (lambda w, b: float("nan"), "At (1, 2) it gives NaN (not a number): 0 divided by 0, or the root of a negative"),
        (
            lambda w, b: float("inf") if w > 2 else 4,
            "At (3, -1) it gives infinity: a division by zero, or an overflow?",
        ),
        (lambda w, b: w + b, "It forgets the 2."),
        (lambda w, b: line(w, b) + (w == 3), "At (3, -1) it must be 5; yours is 6."),
        (lambda w, b: (w, b), "It must return one thing; yours returns 2."),
        (lambda w, b: (w,), "At (1, 2) it must be 4; yours is 1."),
        (lambda w, b: [w, b, 3], "It must return one thing; yours returns 3."),
        (lambda w, b: torch.ones(3), "It must return one number; yours has the shape (3,). Over which axis must it"),
        (lambda w, b: None, "It returns nothing (None): is there a `return`?"),
        (lambda w, b: (), "It returns nothing (None): is there a `return`?"),
        (lambda w, b: "4", "It must return numbers; yours returns '4' (str)."),
        (lambda w, b: 1j, "It must return real numbers; yours are complex."),
        (lambda w, b: (x for x in (1,)), "It must return numbers; yours returns <generator object"),
        (lambda w: w, "It is called with 2 arguments, and yours takes (w)."),
        (4.0, "It must be a function (def ...); yours is 4.0 (float)."),
        (lambda w, b: 1 / 0, "ZeroDivisionError in your line `"),
    ],
)
def test_a_wrong_function_is_told_how(function, hint):
    found = check_function(function, line, AT, mistakes={"It forgets the 2.": lambda w, b: w + b})
    assert (found.correct, found.attempted) == (False, True)
    assert found.hint.startswith(hint)


def test_a_function_of_one_argument_is_told_in_the_singular():
    assert (
        check_function(lambda: 1, lambda x: x, [(1.0,)]).hint == "It is called with one argument, and yours takes ()."
    )


def test_an_argument_that_makes_no_difference_is_named():
    def power(w, rate, steps):
        return w * rate**steps

    at = [(2.0, 3.0, 2), (5.0, 3.0, 2), (2.0, 4.0, 2), (2.0, 3.0, 4)]
    another = "Another {} makes no difference: is a number written in its place?"
    assert check_function(lambda w, rate, steps: 2 * rate**steps, power, at).hint == another.format("w")
    assert check_function(lambda w, lr, steps: w * 3**steps, power, at).hint == another.format("lr")
    assert check_function(lambda w, rate, n: w * rate**2, power, at).hint == another.format("n")
    assert check_function(lambda *args: 7, power, at).hint == another.format("args")
    assert check_function(lambda w, rate, steps: w * rate * steps, power, at).hint.startswith("At (2, 3, 2) it must be")


def test_one_element_is_one_number_and_a_list_is_not_a_tensor():
    assert check_function(lambda x: torch.tensor([2 * x]), lambda x: 2 * x, [(3.0,)]).correct
    found = check_function(lambda x: [x[0], x[1]], lambda x: x, [(torch.ones(2, 4),)])
    assert found.hint == "It must return one thing; yours returns 2. torch.stack makes one tensor of a list."


def test_small_numbers_are_shown_with_their_digits():
    found = check_function(lambda x: 3e-7 + x * 1e-9, lambda x: 2e-7 * x, [(1.0,), (2.0,)])
    assert found.hint == "At (1) it must be 2e-07; yours is 3.01e-07."


def test_three_dots_in_a_function_are_not_attempted():
    for dots in (lambda x: ..., lambda x: (x, ...)):
        assert check_function(dots, lambda x: x, [(1.0,)]) == Feedback(False, BEGIN, attempted=False)
    assert check_gradient(lambda w: ..., square, [[1.0]]) == Feedback(False, BEGIN, attempted=False)


def test_a_known_mistake_may_have_another_shape():
    def mistake(x):
        return x.sum()

    check = functools.partial(
        check_function, reference=lambda x: x, at=[(torch.ones(3),)], mistakes={"A sum.": mistake}
    )
    assert check(lambda x: 3 * x).hint.startswith("It is always 3 times the right one")  # 3 is the sum, too


def test_several_results_must_all_be_right():
    both = functools.partial(check_function, reference=lambda x: (x.mean(), x - x.mean()), at=[(torch.arange(3.0),)])
    assert both(lambda x: (x.mean(), x - x.mean())).correct
    assert both(lambda x: (x.mean(), x)).hint.startswith("For the first example that goes wrong it must be 1, [-1,")
    assert both(lambda x: x).hint == "It must return 2 things; yours returns 1."
    assert both(lambda x: (x.mean(), x[:2])).hint.startswith("It must return the shape (3,); yours has the shape (2,).")


def test_a_result_that_is_zero_where_it_must_be_and_a_multiple_elsewhere_is_a_multiple():
    assert "0.5 times" in check_function(lambda x: x / 2, lambda x: x, [(0.0,), (1.0,), (2.0,)]).hint
    assert "times" not in check_function(lambda x: x / 2 or 0.1, lambda x: x, [(0.0,), (1.0,), (2.0,)]).hint


@pytest.mark.parametrize("start", [torch.ones(2), np.ones(2)])
def test_arguments_changed_in_place_are_told_and_the_course_keeps_its_own(start):
    def function(x):
        x *= 2
        return x

    found = check_function(function, lambda x: 2 * x, [(start,)])
    assert found.hint.startswith("It changes its arguments in place")
    assert start.tolist() == [1, 1]


def test_a_list_that_a_function_empties_is_full_for_the_next_one():
    at = [([1.0, 2.0],)]
    assert check_function(lambda x: x.pop() + x.pop(), sum, at).correct
    assert at == [([1.0, 2.0],)]


# gradients

POINTS = [[1.0, 2.0], [3.0, -1.0]]


def valley(w):
    return w[..., 0] ** 2 + 10 * w[..., 1] ** 2


def slope(w):
    return torch.stack([2 * w[0], 20 * w[1]])


@pytest.mark.parametrize(
    "function",
    [
        slope,
        lambda x, y: (2 * x, 20 * y),
        lambda x, y: [2 * x, 20 * y],
        lambda w: np.array([2 * w[0], 20 * w[1]]),
        lambda w: (2 * w[0], 20 * w[1]),
    ],
)
def test_a_right_gradient_is_right_in_any_form(function):
    assert check_gradient(function, valley, POINTS) == Feedback(True)


def test_of_one_parameter_the_gradient_may_be_a_number():
    assert check_gradient(lambda w: 2 * w, square, [[3.0], [-1.0]]).correct
    assert check_gradient(lambda w: 2 * w.item(), square, [[3.0], [-1.0]]).correct


def test_what_a_gradient_takes_beside_the_point_is_given():
    def loss(w):
        return 3 * square(w)

    assert check_gradient(lambda w, k: 2 * k * w, loss, POINTS, extra=(3,)).correct
    assert check_gradient(lambda x, y, k: (2 * k * x, 2 * k * y), loss, POINTS, extra=(3,)).correct
    assert check_gradient(lambda w: 6 * w, loss, POINTS, extra=(3,)).hint == (
        "It is called with 3 arguments, and yours takes (w)."
    )


@pytest.mark.parametrize(
    ("function", "hint"),
    [
        (lambda w: slope(w) / 2, "That is the gradient of half the loss: carry the 2 of the square."),
        (lambda w: slope(w).flip(0), "The coordinates have changed places."),
        (lambda w: -slope(w), "The sign is wrong, everything else is right."),
        (lambda w: 3 * slope(w), "It is always 3 times the right one"),
        (lambda w: slope(w) + 1e-4, "Right to a few digits only: by differences over too small a step"),
        (lambda w: 2 * w, "The ten is missing."),
        (lambda w: slope(w) + w, "At (1, 2) it must be [ 2, 40]; yours is [ 3, 42]."),
        (lambda w: slope(w).sum(), "The gradient has 2 numbers, one for each parameter; yours has the shape ()."),
        (lambda w: torch.ones(50, 2), "A mean or a sum over the examples is missing."),
        (lambda w: slope(w) / 0, "At (1, 2) it gives infinity: a division by zero, or an overflow?"),
        (lambda w: slope(w) * w[1].sqrt(), "At (3, -1) it gives NaN (not a number): 0 divided by 0, or the root of a"),
        (lambda w: w.mul_(2), "It changes its arguments in place"),
        (lambda a, b, c: 0, "It is called with 2 arguments, and yours takes (a, b, c)."),
    ],
)
def test_a_wrong_gradient_is_told_how(function, hint):
    found = check_gradient(function, valley, POINTS, mistakes={"The ten is missing.": square})
    assert not found.correct
    assert hint in found.hint


# outcomes


@pytest.mark.parametrize(
    ("slopes", "hint"),
    [
        (
            lambda a, b: (2 * a, 10 * b),
            "The first number is right; the second is always 0.5 times the right one.",
        ),
        (lambda a, b: (-2 * a, 20 * b), "The second number is right; the first has the wrong sign."),
        (
            lambda a, b: (2 * a, 20 * b + 1),
            "The first number is right; the second is not. At (1, 2) it must be 40; yours is 41.",
        ),
        (lambda a, b: (2 * a, float("nan")), "At (1, 2) it gives NaN (not a number)"),
    ],
)
def test_of_a_gradient_that_is_half_right_the_other_number_is_told(slopes, hint):
    assert check_gradient(slopes, valley, POINTS).hint.startswith(hint)


@pytest.mark.parametrize(
    ("thing", "hint"),
    [
        (0.5, "It must be a function (def ...); yours is 0.5 (float)."),
        ([0.5], "It must be a function (def ...); yours is [0.5] (list)."),
        (lambda: 0.5, "It is called with one argument, and yours takes ()."),
        (lambda step, steps: 0.5, "It is called with one argument, and yours takes (step, steps)."),
    ],
)
def test_where_an_outcome_needs_a_function_nothing_else_is_run(thing, hint):
    assert check_outcome(thing, lambda f: f(0), {"no": bool}, calls=1).hint == hint
    assert check_outcome(lambda step: 0.5, lambda f: f(0), {"no": bool}, calls=1).correct


def test_an_outcome_has_all_the_wanted_properties_or_the_hint_of_the_first_it_has_not():
    wanted = {"It must be positive.": lambda x: x > 0, "It must be even.": lambda x: x % 2 == 0}
    check = functools.partial(check_outcome, run=lambda f: f(), wanted=wanted)
    assert check(lambda: 4) == Feedback(True)
    assert check(lambda: 3) == Feedback(False, "It must be even.")
    assert check(lambda: -3) == Feedback(False, "It must be positive.")
    assert not check(lambda: ...).attempted


def test_an_outcome_that_raises_names_the_line():
    def train():
        return {}["loss"]

    assert check_outcome(train, lambda f: f(), {}).hint == "KeyError in your line `return {}[\"loss\"]`: 'loss'"


@pytest.mark.parametrize(("outcome", "drawn"), [(7.0, [7.0]), (3.0, [3.0]), (None, []), (..., [])])
def test_what_came_out_is_drawn_right_or_not_unless_there_is_nothing(outcome, drawn):
    shown = []
    found = check_outcome(outcome, lambda x: x, {"Not a seven.": lambda x: x == 7}, show=shown.append)
    assert found.correct == (outcome == 7.0)
    if found.picture:
        found.picture()
    assert shown == drawn


# rules: what is said of any is in test_rule_checks.py


def test_a_right_rule_is_right_and_a_wrong_one_is_told_its_mistake():
    assert check_rule(GD, GD) == Feedback(True)
    found = check_rule(lambda params, grads: params + 0.1 * grads, GD)
    assert found.hint.startswith("This is GradientDescent with a plus where the minus belongs")


def test_a_right_rule_that_keeps_something_for_the_next_descent_is_right_and_told_so():
    class Keeps:
        v = 0

        def init(self, params):
            return ()

        def update(self, params, grads, state):
            self.v = 0.9 * self.v + grads
            return params - 0.1 * self.v, state

    found = check_rule(Keeps(), Momentum(lr=0.1))
    assert found.correct
    assert found.hint.startswith("A second descent with it would continue where the first one ended")


class NoUpdate:
    def init(self, params):
        return ()

    def step(self, params, grads, state):
        return params, state


class Raises:
    def __init__(self):
        raise ValueError("not today")

    init = update = None


def rule(update, init=lambda params: ()):
    """An object with these two."""
    return type("Rule", (), {"init": staticmethod(init), "update": staticmethod(update)})()


@pytest.mark.parametrize(
    ("thing", "hint"),
    [
        ("Adam", "A rule has the methods init and update; yours is 'Adam' (str)."),
        (3, "A rule has the methods init and update; yours is 3 (int)."),
        (torch.zeros(2), "A rule has the methods init and update; yours is tensor([0., 0.]) (Tensor)."),
        (
            NoUpdate,
            "A rule has the methods init and update; NoUpdate does not have both. It has step, and lacks update.",
        ),
        (NoUpdate(), "(NoUpdate). It has step, and lacks update."),
        (Raises, 'ValueError in your line `raise ValueError("not today")`: not today'),
        (
            rule(lambda p, g, s: p - g),
            "update returns two things, the new params and the new state; yours gives a thing",
        ),
        (rule(lambda p, g, s: (p, s, 1)), "the new params and the new state; yours gives 3 things."),
        (rule(lambda p, g, s: None), "the new state; yours gives nothing (None): is there a return?"),
        (lambda params, grads: print, "The new params must be a tensor like params; yours gives a thing of type"),
        (lambda params, grads: (params, grads), "must be a tensor like params; yours gives 2 things."),
        (lambda params, grads: None, "like params; yours gives nothing (None): is there a return?"),
        (lambda params, grads: (params - grads).numpy(), "yours gives a thing of type ndarray."),
        (lambda params, grads: (params - grads).sum(), "must keep the shape (3,); yours have ()."),
        (lambda params, grads: torch.ones(3).long(), "must be real numbers with a fraction; yours are torch.int64."),
        (lambda params, grads: params - 1j * grads, "with a fraction; yours are torch.complex128."),
        (lambda params, grads: params.sub_(0.1 * grads), "It changes params in place; return new ones"),
        (lambda params, grads: params - grads.mul_(0.1), "It changes grads in place; make a new tensor instead."),
        (
            lambda params, grads, lr, mu: params,
            "It is called with params, grads, lr; yours takes (params, grads, lr, mu).",
        ),
        (lambda: 3, "It is called with params, grads; yours takes ()."),
        (lambda params: params, "must return a torch.optim.Optimizer; yours gives a thing of type list."),
        (lambda params: None, "must return a torch.optim.Optimizer; yours gives nothing (None): is there a return?"),
        (torch.optim.SGD([torch.ones(1)], lr=0.1), "Give a function of the parameters that makes the optimizer"),
        (lambda params, grads: (yield params), "yours gives a thing of type generator."),
    ],
)
def test_what_is_no_rule_is_told_what_it_lacks(thing, hint):
    found = check_rule(thing, GD)
    assert (found.correct, found.attempted) == (False, True)
    assert hint in found.hint
    assert not re.search(r"[?!:]\.|\s$|  ", found.hint)


@pytest.mark.parametrize("thing", [torch.zeros(2), np.zeros(2), np.float64(3), "Adam"])
def test_of_a_thing_that_is_not_the_learners_no_methods_are_listed(thing):
    assert "It has " not in check_rule(thing, GD).hint


def test_an_update_function_must_return_its_whole_state():
    found = check_rule(lambda params, grads, m, v, t: (params, m, v), Adam(lr=0.1))
    assert found.hint == "It returns 3 things; it must return params, m, v, t."


@pytest.mark.parametrize("function", [lambda params, grads: ..., lambda params: ...])
def test_three_dots_in_a_rule_are_not_attempted(function):
    assert check_rule(function, GD) == Feedback(False, BEGIN, attempted=False)
    assert check_rule(rule(lambda params, grads, state: ...), GD) == Feedback(False, BEGIN, attempted=False)


# whatever is in the cell


@every_check
@pytest.mark.parametrize("nothing", [..., None])
def test_nothing_is_not_attempted(check, nothing):
    assert check(nothing) == Feedback(False, BEGIN, attempted=False)


@every_check
def test_a_name_that_does_not_exist_is_not_attempted(check):
    found = check(my.velocty)
    assert (found.correct, found.attempted) == (False, False)
    assert found.hint.startswith("There is no `velocty` here yet: run the cell above.")


class Contrary:
    """Raises whatever one asks of it."""

    def __repr__(self):
        raise ValueError("no repr")

    def __eq__(self, other):
        raise ValueError("no eq")

    def __bool__(self):
        raise ValueError("no bool")

    __hash__ = None
    __str__ = __float__ = __iter__ = __len__ = __call__ = __bool__


class Vague:
    def __getattr__(self, name):
        raise RuntimeError(name)


JUNK = [
    "text", 7, b"bytes", [1, [2]], {}, float("nan"), 10**400, 1j, Contrary(), Contrary, Vague(), (x for x in "ab"),
    np.array([1.0, 2.0]), np.array("x"), np.array([None]), torch.tensor(float("nan")), torch.zeros(0), torch.tensor(1j),
    torch.zeros(1, device="meta"), torch.tensor([1.0]).to_sparse(), torch, type, int, len, print, super, Feedback(True),
    my, threading.Lock(), torch.nn.Linear(2, 2), Exception("x"), Exception, type("Empty", (), {}),
]  # fmt: skip


@every_check
@pytest.mark.parametrize("junk", JUNK, ids=lambda junk: type(junk).__name__)
def test_junk_is_told_kindly(check, junk):
    told(check(junk))
    told(check(lambda *args: junk))


def told(found):
    """It is wrong and something is said: on one line, not for long."""
    assert isinstance(found, Feedback)
    assert not found.correct
    assert 10 < len(found.hint) < 500
    assert "\n" not in str(found)


text = st.text(max_size=20)
plain = st.none() | st.booleans() | st.floats() | text | st.binary(max_size=20) | st.complex_numbers() | st.just(...)
nested = st.recursive(
    plain,
    lambda inside: st.lists(inside, max_size=4) | st.tuples(inside, inside) | st.dictionaries(text, inside, max_size=4),
    max_leaves=10,
)


@pytest.mark.slow
@every_check
@settings(max_examples=15)
@given(junk=nested)
def test_anything_at_all_is_told_kindly(check, junk):
    told(check(junk))
    told(check(lambda *args: junk))
    told(check(lambda params, grads: junk))
    told(check(rule(lambda *args: junk)))


@pytest.fixture
def quickly(monkeypatch):
    """Checks that give up after a twentieth of a second of computing, however long that takes."""
    monkeypatch.setattr(time_limit, "PATIENCE", 10_000)
    for module in (checks, surface):
        monkeypatch.setattr(module, "attempt", functools.partial(feedback.attempt, seconds=0.05))


FUNCTIONS = {name: check for name, check in CHECKS.items() if name not in ("number", "choice")}


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize(
    ("work", "hint"),
    [
        (lambda *args: [None for _ in iter(int, 1) if _], "It was not finished after 0.05 seconds in your line `"),
        (lambda *args: exit(), "It ends the program in your line `"),
        (lambda *args: torch.zeros(10**6, 10**6), "It asks for too much memory in your line `"),
        (lambda *args: [][0], "IndexError in your line `"),
    ],
    ids=["computes", "exits", "giant", "raises"],
)
def test_no_check_ends_or_swells_with_the_learners_code(quickly, name, work, hint):
    assert FUNCTIONS[name](work).hint.startswith(hint)


@pytest.mark.slow
@pytest.mark.parametrize("name", FUNCTIONS)
def test_no_check_waits_with_the_learners_code(quickly, monkeypatch, name):
    monkeypatch.setattr(time_limit, "PATIENCE", 40)
    sentence = FUNCTIONS[name](lambda *args: time.sleep(60)).hint
    assert sentence.startswith("It was not finished after 2 seconds in your line `")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_stop_button_stops_any_check(name):
    def work(*args):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        FUNCTIONS[name](work)


def test_endless_printing_is_kept_back(quickly, capsys):
    def work():
        while True:
            print("again")

    hint = FUNCTIONS["outcome"](work).hint
    assert hint.startswith("It was not finished after 0.05 seconds in your line")
    assert re.search(r"\? It printed \d+ lines, kept back here: again$", hint)
    assert capsys.readouterr().out == ""


def test_a_remark_stands_behind_what_is_said_also_of_what_is_right():
    def update(params, grads):
        torch.manual_seed(0)
        return params - 0.1 * grads

    before = torch.get_rng_state()
    found = check_rule(update, GD)
    assert str(found).startswith("✓ Right. It draws from the global random numbers, or seeds them;")
    assert torch.equal(torch.get_rng_state(), before)


def test_torchs_defaults_are_put_back_after_a_check():
    def update(params, grads):
        torch.set_default_dtype(torch.float16)
        torch.set_grad_enabled(False)
        return params - 0.1 * grads

    assert "It changes torch's defaults" in check_rule(update, GD).hint
    assert (torch.get_default_dtype(), torch.is_grad_enabled()) == (torch.float32, True)


# the author's errors


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: check_rule(GD, GradientDescent), TypeError, r"reference must be a rule such as Adam\(lr=0\.1\), got"),
        (lambda: check_rule(..., 0.1), TypeError, r"reference must be a rule such as Adam\(lr=0\.1\), got 0\.1"),
        (lambda: check_number(3, "three"), ValueError, "could not convert"),
        (lambda: check_number(..., None), TypeError, "float"),
        (
            lambda: check_choice("up", "left", ["up", "down"]),
            ValueError,
            r"one of the choices \['up', 'down'\], got 'left'",
        ),
        (lambda: check_function(len, lambda x: x / 0, [(1.0,)]), ZeroDivisionError, "division"),
        (lambda: check_function(..., len, [([],)], mistakes={"": max}), ValueError, "empty"),
        (lambda: check_gradient(..., lambda w: w, POINTS), ValueError, "loss"),
    ],
)
def test_an_error_of_the_author_is_raised(call, error, message):
    with pytest.raises(error, match=message):
        call()


# what is said, and how it is shown


def test_of_several_the_first_that_is_not_right_counts():
    right, wrong, other = Feedback(True), Feedback(False, "one"), Feedback(False, "two")
    assert (right & wrong) is wrong
    assert (wrong & right) is wrong
    assert (wrong & other) is wrong
    assert (right & right & right).correct
    assert bool(right) is True
    assert bool(right & wrong) is False


def test_the_three_verdicts_have_words_and_marks_of_their_own():
    assert str(Feedback(True)) == repr(Feedback(True)) == "✓ Right."
    assert str(Feedback(False, "Look at w.")) == "✗ Not yet. Look at w."
    assert str(Feedback(False, "Begin.", attempted=False)) == "○ Not attempted yet. Begin."


@pytest.fixture
def shown():
    """shown(feedback) -> what a notebook gets: the data of each output, and its metadata."""
    shell = InteractiveShell.instance(config=Config({"HistoryManager": {"enabled": False}}))

    def show(found):
        with capture_output() as captured:
            shell.display_formatter.format(found)
        assert captured.stdout == ""
        return [(output.data, output.metadata) for output in captured.outputs]

    yield show
    InteractiveShell.clear_instance()


def test_in_a_notebook_the_words_are_there_as_text_and_as_html(shown):
    for found in (Feedback(True), Feedback(False, "Look at w."), Feedback(False, "Begin.", attempted=False)):
        ((data, _),) = shown(found)
        assert data["text/plain"] == str(found)
        assert re.sub("<style>.*</style>|<[^>]*>", "", data["text/html"]).strip() == str(
            found
        )  # mark and words, not colour alone
        assert 'role="status"' in data["text/html"]
    colors = {
        re.search("solid (#[0-9a-f]+)", shown(f)[0][0]["text/html"])[1] for f in (Feedback(True), Feedback(False))
    }
    assert len(colors) == 2


def test_what_a_learner_wrote_is_escaped(shown):
    def work():
        raise ValueError("<script>alert(1)</script>")

    ((data, _),) = shown(check_outcome(work, lambda f: f(), {}))
    assert "<script>" not in data["text/html"]
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in data["text/html"]
    assert "<script>alert(1)</script>" in data["text/plain"]


def test_the_picture_has_both_ways_and_says_where_they_end(shown):
    found = check_rule(lambda params, grads: params - 0.05 * grads, GD)
    (words, _), (picture, metadata) = shown(found)
    alt = metadata["image/png"]["alt"]
    assert words["text/plain"] == str(found)
    assert len(picture["image/png"]) > 5000
    assert picture["text/plain"] == alt
    ends = []
    for share in (0.5, 1):  # of the right step, from (1.17, 0.819)
        x, y = (w * (1 - share * curvature) ** 20 for w, curvature in zip((1.17, 0.819), CURVATURES))
        ends.append(f"({x:.3g}, {y:.3g})")
    assert alt.startswith(f"Twenty steps on a bowl: your path ends at {ends[0]}, that of GradientDescent at {ends[1]}")
    assert "same path" not in alt


def test_the_picture_of_a_right_rule_says_that_the_ways_are_one(shown):
    assert shown(check_rule(GD, GD))[1][0]["text/plain"].endswith("; they are the same path.")


@pytest.mark.parametrize("factor", [float("nan"), float("inf"), 1e308, -1e20, 0.0])
def test_a_way_that_leaves_the_picture_is_shown_as_well(shown, factor):
    found = check_rule(lambda params, grads: params - factor * grads, GD)
    assert "image/png" in shown(found)[1][0]


def test_without_a_picture_only_words_are_shown(shown):
    assert len(shown(check_rule("text", GD))) == 1


# my


def test_mine_is_what_the_learner_has_called_so(monkeypatch):
    monkeypatch.setitem(globals(), "learning_rate", 0.25)
    assert my.learning_rate == 0.25
    assert my.square is square
    assert check_number(my.learning_rate, 0.25).correct


@pytest.mark.parametrize(
    ("name", "near"), [("learning_rat", "learning_rate"), ("Learning_Rate", "learning_rate"), ("sqare", "square")]
)
def test_a_name_that_is_nearly_there_is_told(monkeypatch, name, near):
    monkeypatch.setitem(globals(), "learning_rate", 0.25)
    missing = getattr_here(name)
    assert isinstance(missing, Missing)
    said = f"There is no `{name}` here yet: run the cell above. You have `{near}`: is that it? Then call it `{name}`."
    assert check_number(missing, 0.25) == Feedback(False, said, attempted=False)


def getattr_here(name):
    """my.name, from this module."""
    return eval(f"my.{name}")


def test_a_name_of_another_kind_suggests_nothing(monkeypatch):
    monkeypatch.setitem(globals(), "_quibble", 1)
    assert my.zzz.hint == "There is no `zzz` here yet: run the cell above."
    assert my.quibble.hint.endswith("run the cell above.")  # what begins with _ is nobody's


def test_notebooks_may_ask_mine_for_how_it_is_shown():
    assert not hasattr(Mine(), "_repr_html_")
    assert not hasattr(my, "_ipython_display_")


def test_a_hint_of_an_outcome_may_hold_a_number_of_it():
    found = check_outcome(3.0, lambda thing: thing / 2, {"It ends at {:.1f}.": lambda end: end > 2})
    assert found.hint == "It ends at 1.5."


def test_three_dots_in_the_middle_of_a_function_are_not_attempted_yet():
    def halfway(w, g):
        v = ...
        return w - 0.1 * g / v.sqrt()

    assert not check_rule(halfway, GradientDescent(lr=0.1)).attempted
    assert not check_function(lambda x: ... + x, lambda x: x, [(1.0,)]).attempted


def test_in_a_notebook_no_line_of_the_cell_with_the_check_is_called_the_learners():
    cell = compile("found = check_outcome(3.0, lambda thing: thing.missing, {})", __file__, "exec")
    names = {"check_outcome": check_outcome, "get_ipython": None}
    exec(cell, names)
    assert names["found"].hint == "AttributeError: 'float' object has no attribute 'missing'"
    del names["get_ipython"]
    exec(cell, names)
    assert "in your line" in names["found"].hint


def test_a_decimal_comma_is_told_as_such():
    for number in ((0, 45), (0.45,)):
        assert check_number(number, 0.45).hint == (
            "Write a decimal point, as in 0.45: with a comma Python reads several numbers."
        )


def test_of_two_answers_the_hint_has_the_name_of_the_wrong_one():
    def both(one, other):
        return check_number(one, 1).about("limit") & check_number(other, 2).about("best_rate")

    assert both(1, 2) == Feedback(True)
    assert both(3, 2).hint == "limit: It is too large."
    assert both(1, 3).hint == "best_rate: It is too large."
    assert both(..., 2).hint == BEGIN
    assert both(my.limit, 2).hint == "There is no `limit` here yet: run the cell above."  # which names it


def test_a_word_that_is_not_there_may_lack_its_quotation_marks():
    assert check_choice(my.no_word, "up", ["up", "down"]).hint == (
        "There is no `no_word` here yet: run the cell above. "
        "If it stops with a NameError, a word lacks its quotation marks."
    )


def test_half_of_two_answers_is_not_called_nothing():
    half = check_number(1, 1) & check_number(..., 2)
    assert half.attempted
    assert half.hint.startswith("The first part is right. Now the next one.")
    assert not (check_number(..., 1) & check_number(2, 2)).attempted


# --- what a learner of today writes -----------------------------------------------------------------------------------


def test_a_caret_is_no_power_and_nothing_is_not_attempted():
    said = check_function(lambda x: torch.tensor(x) ^ 2, lambda x: x**2, [(3.0,)])
    assert said.attempted
    assert "^ is not a power in Python: write **" in said.hint
    assert "^ is not a power" in check_function(lambda x: x ^ 2, lambda x: x**2, [(3.0,)]).hint
    assert "torch.maximum" in check_function(lambda x: max(x, 2 * x), lambda x: 2 * x, [(torch.ones(2),)]).hint


def later(x):
    raise NotImplementedError("later")


def test_what_somebody_has_put_off_is_not_attempted():
    assert not check_function(later, lambda x: x, [(1.0,)]).attempted


@pytest.mark.parametrize(
    "direction", [lambda g: torch.where(g > 0, 1.0, -1.0), lambda g: g / (g.abs() + 1e-8), lambda g: g.clamp(-1, 1)]
)
def test_nobody_is_asked_for_his_own_gradient_who_uses_it(direction):
    sign = my_rule(lambda g: g.sign())
    assert "own gradient" not in check_rule(my_rule(direction), sign).hint


@pytest.mark.parametrize("right", [lambda g: g.sign().float(), lambda g: torch.tensor(1.0) * g.sign()])
def test_sign_descent_is_right_in_any_arithmetic(right):
    assert check_rule(my_rule(right), my_rule(lambda g: g.sign())).correct


def my_rule(direction):
    @dataclass(frozen=True)
    class Mine:
        lr: float = 0.1

        def init(self, params):
            return ()

        def update(self, params, grads, state):
            return params - self.lr * direction(grads), state

    return Mine()


def test_who_uses_the_gradients_of_others_is_asked_for_his_own():
    assert "own gradient" in check_rule(my_rule(lambda g: g[0] * torch.ones_like(g)), my_rule(lambda g: g)).hint


def test_a_rule_for_matrices_is_not_asked_for_single_coordinates():
    def my_muon(params, grads, M, lr, momentum, weight_decay):
        M = momentum * M + (1 - momentum) * grads
        n, m = params.shape[-2:]  # exchanged
        ahead = momentum * M + (1 - momentum) * grads
        step = max(1, m / n) ** 0.5 * optimizers.newton_schulz(ahead)
        return (1 - lr * weight_decay) * params - lr * step, M

    said = check_rule(my_muon, optimizers.Muon(lr=0.1))
    assert not said.correct
    assert "oordinate" not in said.hint


def test_lion_whose_memory_comes_first_is_named():
    def my_lion(params, grads, m, lr, beta1, beta2):
        m = beta2 * m + (1 - beta2) * grads
        return params - lr * (beta1 * m + (1 - beta1) * grads).sign(), m

    assert "uses m as it was before" in check_rule(my_lion, optimizers.Lion(lr=0.1)).hint


def test_a_rule_that_asks_for_a_second_gradient_is_no_reference():
    with pytest.raises(TypeError, match="SAM asks for a gradient at a second place"):
        check_rule(optimizers.GradientDescent(0.1), optimizers.SAM(0.1))


def test_a_pair_of_numbers_is_no_decimal_comma():
    assert "decimal point" not in check_number((-0.5, 12.3), 3.0).hint
    assert "decimal point" in check_number((0, 45), 0.45).hint


def test_what_is_in_a_list_stays_as_it_is():
    def halve(gradients):
        for g in gradients:
            g *= 0.5
        return gradients

    told = check_function(halve, lambda gs: [g / 2 for g in gs], [([torch.ones(2)],)])
    assert "changes its arguments in place" in told.hint
