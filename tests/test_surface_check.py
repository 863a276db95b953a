"""A learner's own surface: right, or one sentence for each way in which it is none; shown only where it is right."""

import math

import pytest
import torch

from gdviz.descent import gradient
from gdviz.exercises.feedback import my
from gdviz.exercises.surface import check_surface
from gdviz.surfaces import Surface


def valleys(p):
    x, y = p[..., 0], p[..., 1]
    return x**4 / 8 - x**2 + y**2 + x / 2


RIGHT = {
    "two valleys": valleys,
    "a sum over the last axis": lambda p: (p**2).sum(-1),
    "unbound": lambda p: p.unbind(-1)[0] ** 2 + torch.sin(p.unbind(-1)[1]),
    "a kink that no point hits": lambda p: p[..., 0].abs() + p[..., 1].abs(),
    "a branch by torch.where": lambda p: torch.where(p[..., 0] > 0, p[..., 0] ** 2, p[..., 0].abs()),
    "flat along y": lambda p: p[..., 0] ** 2,
    "steep": lambda p: 1e8 * (p**2).sum(-1),
    "shallow": lambda p: 1e-3 * (p**2).sum(-1),
    "high up": lambda p: 1e3 + (p**2).sum(-1),
    "shallow indeed": lambda p: 1e-9 * (p**2).sum(-1),
    "steep along x only": lambda p: 1e6 * p[..., 0] ** 2 + p[..., 1] ** 2,
    "flat along x": lambda p: p[..., 1] ** 4,
    "a plateau with a small well": lambda p: -torch.exp(-40 * ((p - 1.3) ** 2).sum(-1)),
    "flat in half of it": lambda p: p[..., 0].relu() + p[..., 1].relu() ** 2,
    "a cusp": lambda p: p[..., 0].abs().sqrt() + p[..., 1].abs() ** (2 / 3),
    "a cliff": lambda p: torch.tanh(200 * p[..., 0]) + p[..., 1] ** 2,
    "ripples": lambda p: (p**2).sum(-1) + torch.sin(300 * p[..., 0]),
    "infinite at the edge alone": lambda p: torch.log(p[..., 0] + 3) + p[..., 1],
}


@pytest.mark.parametrize("function", RIGHT.values(), ids=RIGHT)
def test_a_surface_is_right_and_told_how_it_was_checked(function):
    found = check_surface(function)
    assert str(found) == "✓ Right. torch's gradient agrees with central differences at 25 places."


def mixing(p):
    return (p[..., 0] - p[..., 0].mean()) ** 2 + p[..., 1] ** 2


def with_if(p):
    return p[..., 0] ** 2 if p[..., 1] > 0 else p[..., 0]


class WrongGradient(torch.autograd.Function):
    """x^2 + y^2 with the gradient of half of it."""

    @staticmethod
    def forward(ctx, p):
        ctx.save_for_backward(p)
        return (p**2).sum(-1)

    @staticmethod
    def backward(ctx, out):
        (p,) = ctx.saved_tensors
        return out[..., None] * p


def hidden_root(p):
    return torch.where(p[..., 0] > 0, p[..., 0].sqrt(), -p[..., 0]) + p[..., 1]


WRONG = {
    "text": ("x**2 + y**2", "✗ Not yet. A surface is a function (def ...); yours is 'x**2 + y**2'."),
    "a number": (3.5, "✗ Not yet. A surface is a function (def ...); yours is 3.5."),
    "returns a number": (lambda p: 3.0, "It must return a tensor, made by torch's operations; yours returns 3.0."),
    "returns nothing": (lambda p: None, "It must return a tensor, made by torch's operations; yours returns None."),
    "numpy": (lambda p: p.numpy()[..., 0], "It must return a tensor, made by torch's operations"),
    "the wrong axis": (lambda p: p[0] ** 2 + p[1] ** 2, "25 heights (25,), yours gives (2,): use p[..., 0]"),
    "one height for all": (lambda p: (p**2).sum(), "25 heights (25,), yours gives ()"),
    "no sum": (lambda p: p**2, "25 heights (25,), yours gives (25, 2)"),
    "a logarithm": (
        lambda p: torch.log(p[..., 0]),
        "it is NaN (not a number): the root or the logarithm of something neg",
    ),
    "a root": (lambda p: p[..., 0] + p[..., 1].sqrt(), "it is NaN (not a number): the root or the logarithm of"),
    "infinite": (lambda p: p[..., 0] ** 2 + math.inf, "it is infinite: a division by zero, or the logarithm of zero?"),
    "NaN in a corner": (lambda p: (p[..., 0] + 2.7).sqrt() + p[..., 1], "At (-2.88, -2.88) it is NaN (not a number)"),
    "a pole": (lambda p: 1 / p[..., 0] ** 2 + p[..., 1] ** 2, "it is infinite: a division by zero"),
    "a hole": (lambda p: p[..., 0].sin() / p[..., 0] + p[..., 1], "it is NaN (not a number)"),
    "NaN in the gradient": (hidden_root, "torch's gradient is NaN (not a number): torch.where computes both branches"),
    "flat": (lambda p: 0 * p.sum(-1), "It has the same height everywhere: nothing descends on it."),
    "flat and high": (lambda p: 0 * p.sum(-1) + 5, "It has the same height everywhere: nothing descends on it."),
    "flat but for rounding": (lambda p: 5 + 1e-15 * p.sum(-1), "It has the same height everywhere"),
    "rounded heights": (lambda p: (p**2).sum(-1).round(), "it is flat almost everywhere: a round, floor, sign or"),
    "floors": (lambda p: p.floor().sum(-1), "it is flat almost everywhere: a round, floor, sign or comparison"),
    "signs": (lambda p: p.sign().sum(-1), "it is flat almost everywhere"),
    "steps": (lambda p: torch.where(p[..., 0] > 0, 1.0, 2.0) + 0 * p.sum(-1), "it is flat almost everywhere"),
    "a floor along x": (lambda p: p[..., 0].floor() + p[..., 1] ** 2, "its height jumps, which no gradient can tell."),
    "a step in a bowl": (lambda p: (p**2).sum(-1) + (p[..., 0] > 0.7), "At (0.70, -2.22) its height jumps"),
    "branches that do not meet": (
        lambda p: torch.where(p[..., 1] > 0, p[..., 0] ** 2, p[..., 0] ** 2 + 1),
        "At (-2.22, 0.00) its height jumps",
    ),
    "noise": (
        lambda p: (p**2).sum(-1) + 1e-9 * torch.rand(len(p)) if p.ndim > 1 else (p**2).sum(-1),
        "other heights when",
    ),
    "too high": (lambda p: 1e40 * (p**2).sum(-1), "Its heights reach 2e+41: too large to draw or to descend on."),
    "high up and hardly different": (
        lambda p: 1e9 + (p**2).sum(-1),
        "Its heights differ by 2e+01 only, at a height of",
    ),
    "a coordinate detached, the other steep": (
        lambda p: 1e6 * p[..., 0] ** 2 + p[..., 1].detach() ** 2,
        "is not what the heights around say",
    ),
    "detached and small": (
        lambda p: 1e-9 * (p[..., 0] ** 2 + p[..., 1].detach() ** 2),
        "is not what the heights around say",
    ),
    "a part of x detached": (lambda p: p[..., 0] ** 2 + p[..., 0].detach() + p[..., 1], "is not what the heights"),
    "points mixed": (mixing, "All points at once give other heights than one by one"),
    "constant": (lambda p: torch.ones(p.shape[:-1]), "torch finds no gradient: is it constant"),
    "detached": (lambda p: (p.detach() ** 2).sum(-1), "torch finds no gradient"),
    "half detached": (lambda p: p[..., 0] ** 2 + p[..., 1].detach() ** 2, "is not what the heights around say"),
    "another gradient": (WrongGradient.apply, "is not what the heights around say: a jump, a rounding, a detach?"),
    "rounded": (lambda p: (p**2).sum(-1).float(), "is not what the heights around say"),
    "raises": (lambda p: p.nothing, "AttributeError in your line"),
    "an if": (with_if, "One number is wanted in your line"),
    "in place": (lambda p: (p.sub_(1) ** 2).sum(-1), "in-place operation"),
    "two parameters": (lambda x, y: x**2 + y**2, "TypeError"),
    "no parameter": (lambda: 0, "TypeError"),
}


@pytest.mark.parametrize(("function", "sentence"), WRONG.values(), ids=WRONG)
def test_what_is_no_surface_is_told_why_and_not_shown(function, sentence):
    shown = []
    found = check_surface(function, show=shown.append)
    assert str(found).startswith("✗ Not yet. ")
    assert sentence in str(found)
    found._ipython_display_()
    assert shown == []


def blank(p):
    return ...


def not_yet(p):
    raise NotImplementedError


@pytest.mark.parametrize("function", [..., None, blank, not_yet])
def test_what_is_left_empty_is_not_attempted_and_not_shown(function):
    shown = []
    found = check_surface(function, show=shown.append)
    assert str(found).startswith("○ Not attempted yet. Replace the three dots")
    found._ipython_display_()
    assert shown == []


def test_a_name_that_does_not_exist_is_said():
    assert str(check_surface(my.no_such_surface)).startswith("○ Not attempted yet. There is no `no_such_surface` here")


def test_the_place_that_is_not_finite_is_said_and_is_one():
    said = str(check_surface(lambda p: torch.log(p[..., 1] + 2), xlim=(-2, 2), ylim=(-3, 3)))
    x, y = (float(part) for part in said.partition("At (")[2].partition(")")[0].split(","))
    assert -2 < x < 2
    assert -3 < y < -2


def test_a_right_surface_is_shown_once_when_it_is_displayed_and_not_before():
    shown = []
    found = check_surface(valleys, xlim=(-3, 3), ylim=(-2, 4), start=(0.5, 1.0), show=shown.append)
    assert shown == []
    found._ipython_display_()
    (surface,) = shown
    assert isinstance(surface, Surface)
    assert (surface.xlim, surface.ylim, surface.start) == ((-3, 3), (-2, 4), (0.5, 1.0))
    place = torch.tensor([0.5, 1.0], dtype=torch.float64)
    assert torch.equal(gradient(surface, place), gradient(valleys, place))


def test_left_out_the_start_is_near_the_upper_left_corner():
    shown = []
    check_surface(valleys, xlim=(-3, 3), ylim=(-1, 1), show=shown.append)._ipython_display_()
    assert shown[0].start == pytest.approx((-2.1, 0.7))


def test_without_show_a_right_surface_has_no_picture():
    assert check_surface(valleys).picture is None


def test_only_the_window_is_looked_at():
    assert not check_surface(lambda p: p.log().sum(-1)).correct
    assert check_surface(lambda p: p.log().sum(-1), xlim=(1, 3), ylim=(1, 3)).correct
