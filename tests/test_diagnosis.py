"""A hint names the part of a wrong rule that is at fault: memory, formula, a coordinate, a sign, a zero, the page."""

from collections import namedtuple
from typing import NamedTuple

import pytest
import torch

from gdviz.exercises.rules import AGAIN, compare, remembers
from gdviz.optimizers import AdaGrad, Adam, AdamW, AMSGrad, GradientDescent, Momentum, Nesterov, RMSProp

RULES = [GradientDescent(0.01), Momentum(0.01), Nesterov(0.01), AdaGrad(0.01), RMSProp(0.01, 0.9), Adam(0.01)]
RULES += [AMSGrad(0.01), AdamW(0.01, weight_decay=0.1)]
each = pytest.mark.parametrize("rule", RULES, ids=lambda rule: type(rule).__name__)
remembering = pytest.mark.parametrize("rule", RULES[1:], ids=lambda rule: type(rule).__name__)


def hint(thing, reference):
    return compare(thing, reference).hint


def parts(rule):
    return rule.init(torch.zeros(1))._fields


def part(rule):
    """The part of its state that all rules with a memory use: velocity, G, v."""
    return next(name for name in ("velocity", "G", "v") if name in parts(rule))


class Wrong(NamedTuple):
    """A rule whose right step is then spoilt: spoil(rule, params, grads, state, new params, new state)."""

    rule: object
    spoil: object

    def init(self, params):
        return self.rule.init(params)

    def update(self, params, grads, state):
        new = self.rule.update(params, grads, state)
        return self.spoil(self.rule, params, grads, state, *new)


def as_function(rule):
    """The same as a function of params, grads and each part of the state."""
    state = type(rule.init(torch.zeros(1)))

    def update(params, grads, *parts):
        params, new = rule.update(params, grads, state(*parts))
        return (params, *new) if parts else params

    return update


class AsDict(NamedTuple):
    rule: object

    def init(self, params):
        return self.rule.init(params)._asdict()

    def update(self, params, grads, state):
        params, new = self.rule.update(params, grads, type(self.rule.init(params))(**state))
        return params, new._asdict()


class OnSelf:
    """The same with each part of the state on self."""

    def __init__(self, rule):
        self.rule = rule

    def init(self, params):
        vars(self).update(self.rule.init(params)._asdict())

    def update(self, params, grads, state):
        kind = type(self.rule.init(params))
        params, new = self.rule.update(params, grads, kind(*(getattr(self, name) for name in kind._fields)))
        vars(self).update(new._asdict())
        return params, None


class OtherNames(NamedTuple):
    """The same with letters of its own for the state."""

    rule: object

    def init(self, params):
        state = self.rule.init(params)
        return namedtuple("Own", [f"own_{name}" for name in state._fields])(*state)

    def update(self, params, grads, state):
        params, new = self.rule.update(params, grads, type(self.rule.init(params))(*state))
        return params, type(state)(*new)


FORMS = {"rule": lambda rule: rule, "function": as_function, "dict": AsDict, "self": OnSelf, "names": OtherNames}
forms = pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)


@forms
@remembering
def test_of_a_rule_that_hands_on_the_wrong_memory_the_formula_is_called_right(rule, form):
    def twice(rule, params, grads, state, new, kept):
        return new, kept._replace(**{part(rule): 3 * getattr(kept, part(rule))})

    said = hint(form(Wrong(rule, twice)), rule)
    assert said.startswith("Step 2 is the first that is wrong. Given the right ")
    assert f"the formula is right and the memory is not: after step 1 {part(rule)} must be " in said


@forms
@remembering
def test_of_a_rule_with_a_wrong_step_the_memory_is_called_right(rule, form):
    def more(rule, params, grads, state, new, kept):
        return new + 0.3 * rule.lr * getattr(state, part(rule)).sign(), kept

    said = hint(form(Wrong(rule, more)), rule)
    assert said.startswith("Step 2 is the first that is wrong. It stays wrong when given the right ")
    assert "the memory is right, the formula is not. The new " in said
    assert said.endswith(" right: look at the line of the new params.")


@forms
@remembering
def test_of_a_rule_with_a_wrong_line_that_line_is_named(rule, form):
    def slower(rule, params, grads, state, new, kept):  # as if the old part had been multiplied by 0.3 less
        less = state._replace(**{part(rule): 0.7 * getattr(state, part(rule))})
        return rule.update(params, grads, less)

    said = hint(form(Wrong(rule, slower)), rule)
    assert said.startswith("Step 2 is the first that is wrong. It stays wrong when given the right ")
    assert said.endswith(f"the memory is right, the formula is not. Look at the line of {part(rule)}.")


@remembering
def test_of_a_rule_that_is_wrong_in_both_the_formula_comes_first(rule):
    def both(rule, params, grads, state, new, kept):
        new = new + 0.3 * rule.lr * getattr(state, part(rule)).sign()
        return new, kept._replace(**{part(rule): 3 * getattr(kept, part(rule))})

    said = hint(Wrong(rule, both), rule)
    assert said.startswith("Step 2 is the first that is wrong. It stays wrong when given the right ")
    assert said.endswith(": look at the formula first.")


@forms
@remembering
def test_of_a_rule_whose_first_step_is_wrong_the_wrong_part_is_named(rule, form):
    def shifted(rule, params, grads, state, new, kept):
        kept = kept._replace(**{part(rule): getattr(kept, part(rule)) + grads**2 + 1})
        return new + 0.3 * rule.lr, kept

    said = hint(form(Wrong(rule, shifted)), rule)
    assert said.startswith("From w = 1 with the gradient -0.311 the first step must lead to ")
    assert f"Look at {part(rule)} first: after this step it must be " in said


@forms
@remembering
def test_of_a_rule_whose_first_step_alone_is_wrong_the_state_is_called_right(rule, form):
    said = hint(form(Wrong(rule, lambda rule, w, g, state, new, kept: (new + 0.3 * rule.lr, kept))), rule)
    assert said.startswith("From w = 1 with the gradient -0.311 the first step must lead to ")
    assert said.endswith(" right: look at the line of the new params.")


@pytest.mark.parametrize("form", [FORMS["rule"], FORMS["dict"], FORMS["self"], FORMS["names"]])
@remembering
def test_of_a_rule_that_begins_with_the_wrong_state_the_right_one_is_named(rule, form):
    class Begins(Wrong):
        def init(self, params):
            state = self.rule.init(params)
            return state._replace(**{part(self.rule): getattr(state, part(self.rule)) + 0.3})

    said = hint(form(Begins(rule, lambda rule, w, g, state, *new: new)), rule)
    assert f"It would be right if {part(rule)} began at 0; yours begins at 0.3." in said


@each
@pytest.mark.parametrize(
    ("spoilt", "said"),
    [
        (lambda g: g[0] + 0 * g, "Coordinate 1 is right, 2 and 3 are not: does each use its own gradient?"),
        (lambda g: torch.cat([g[:1], g[:1], g[2:]]), "Coordinates 1 and 3 are right, 2 is not: does each use its own"),
        (lambda g: g.abs(), "Where a gradient is negative it goes wrong: "),
        (lambda g: g.clamp(max=0), "Where a gradient is positive it goes wrong: "),
        (lambda g: g.sqrt() ** 2, "Step 1 is NaN (not a number): is 0 divided by 0, or the root of a negative number"),
        (lambda g: g**2 / g, "Where a gradient is zero it goes wrong. Step 1 is NaN (not a number)"),
        (lambda g: g + 3e-9 * (g == 0), "Where a gradient is zero it goes wrong. From w = 0 with the gradient 0 the"),
        (lambda g: g * (1 + 2 * (g.abs() < 1e-6)), "Where gradients are tiny it goes wrong. "),
    ],
)
def test_a_gradient_that_is_spoilt_is_told_where(rule, spoilt, said):
    class Spoils(Wrong):
        def update(self, params, grads, state):
            return self.rule.update(params, spoilt(grads), state)

    found = hint(Spoils(rule, None), rule)
    assert found.startswith(said)
    assert ("tiny" in found) == ("tiny" in said)


@each
def test_a_rule_for_two_weights_is_told_which_stay(rule):
    def first_two(rule, params, grads, state, new, kept):
        return torch.cat([new[:2], params[2:]]), kept

    said = hint(Wrong(rule, first_two), rule)
    assert said == "Coordinate 3 stays where it is: is it written for 2 only? Move the whole tensor at once."


@each
def test_a_rule_that_returns_two_of_three_weights_is_told_so(rule):
    from gdviz.exercises.sandbox import Trouble

    with pytest.raises(
        Trouble, match=r"must keep the shape \(3,\); yours have \(2,\)\. Is it written for two parameters\?"
    ):
        hint(Wrong(rule, lambda rule, w, g, state, new, kept: (new[:2], kept)), rule)


@remembering
@pytest.mark.parametrize("form", [FORMS["rule"], FORMS["function"]])
def test_changed_places_of_what_is_returned_are_told(rule, form):
    name = parts(rule)[0]
    wrong = Wrong(rule, lambda rule, w, g, state, new, kept: (getattr(kept, name), kept._replace(**{name: new})))
    assert hint(form(wrong), rule) == f"What you return first is {name}: return the new params first, then the state."


def adds_up(keep):
    """A rule, without a memory of its own, in which a share of the earlier gradients is still there."""

    class Sums:
        def init(self, params):
            return torch.zeros_like(params)

        def update(self, params, grads, total):
            total = keep * total + grads
            return params - 0.01 * total, total

    return Sums()


def test_gradients_that_add_up_in_gradient_descent_are_told():
    assert hint(adds_up(1.0), RULES[0]) == (
        "This is GradientDescent in which the gradients of earlier steps add up; gradient descent remembers nothing."
    )
    assert hint(adds_up(0.3), RULES[0]).endswith(
        "It would be right if it were the first step, and GradientDescent remembers nothing."
    )


ON_THE_PAGE = {
    "a number": ("total = 0", "total = total + g", "total"),
    "a tensor": ("total = torch.zeros(())", "total = total + g", "total"),
    "a dict": ("kept = {'v': 0}", "kept['v'] = kept['v'] + g", "kept['v']"),
    "a list": ("kept = []", "kept.append(g)", "sum(kept)"),
    "None": ("total = None", "total = g if total is None else total + g", "total"),
}


@pytest.mark.parametrize(("begins", "line", "total"), ON_THE_PAGE.values(), ids=ON_THE_PAGE)
def test_gradients_that_add_up_on_the_page_are_told_and_the_page_is_left_as_it_was(begins, line, total):
    page = {"torch": torch}
    source = f"{begins}\ndef update(w, g, lr):\n    global total\n    {line}\n    return w - lr * {total}\n"
    exec(source, page)
    before = {name: repr(value) for name, value in page.items() if name in ("total", "kept")}
    said = hint(page["update"], RULES[0])
    assert said.startswith("This is GradientDescent in which the gradients of earlier steps add up; ")
    assert {name: repr(page[name]) for name in before} == before


class OfTheClass:
    total = 0

    def __init__(self, lr):
        self.lr = lr

    def init(self, params):
        return ()

    def update(self, params, grads, state):
        OfTheClass.total = OfTheClass.total + grads
        return params - self.lr * OfTheClass.total, state


@pytest.mark.parametrize("thing", [OfTheClass, OfTheClass(0.01)], ids=["class", "object"])
def test_gradients_that_add_up_in_the_class_are_told_and_the_class_is_left_as_it_was(thing):
    assert hint(thing, RULES[0]).startswith("This is GradientDescent in which the gradients of earlier steps add up; ")
    assert OfTheClass.total == 0


def test_a_right_rule_that_keeps_its_velocity_on_the_page_is_told_to_keep_it_in_the_state():
    page = {}
    exec("v = 0\ndef update(w, g, velocity):\n    global v\n    v = 0.9 * v + g\n    return w - 0.01 * v, v\n", page)
    assert hint(page["update"], RULES[1]) == ""
    assert remembers(page["update"], RULES[1])
    assert page["v"] == 0


class KeptOnSelf:
    """A velocity on self, which no init sets back; factor: of it."""

    def __init__(self, factor):
        self.v, self.factor = 0.0, factor

    def init(self, params):
        return ()

    def update(self, params, grads, state):
        self.v = self.factor * self.v + grads
        return params - 0.01 * self.v, state


def test_of_a_state_kept_on_self_and_wrong_steps_the_steps_come_first():
    said = hint(KeptOnSelf(0.7), RULES[1])
    assert said.startswith("Step 2 is the first that is wrong. ")
    assert said.endswith(AGAIN)
    assert hint(KeptOnSelf(1.0), RULES[1]).startswith("This is Momentum with a velocity that nothing slows down")


class OfThePage:
    def __init__(self, lr):
        self.lr = lr

    def init(self, params):
        return ()

    def update(self, params, grads, state):
        return params - lr * grads, state  # noqa: F821


class OfThePageWithin(OfThePage):
    def update(self, params, grads, state):
        return torch.stack([w - lr * g for w, g in zip(params, grads)]), state  # noqa: F821


@pytest.mark.parametrize("lr", [0.45, 0.01, torch.tensor(0.25), torch.tensor([0.5, 0.5])[0]], ids=repr)
@pytest.mark.parametrize("kind", [OfThePage, OfThePageWithin])
def test_a_name_of_the_page_in_the_place_of_a_field_is_told(monkeypatch, kind, lr):
    monkeypatch.setitem(globals(), "lr", lr)
    said = f"`lr` is read from the page, where it is {lr!s}: write self.lr."
    assert hint(kind, RULES[0]) == said


def test_a_name_of_the_page_that_has_the_right_value_is_refused_and_not_blamed_for_what_is_wrong(monkeypatch):
    monkeypatch.setitem(globals(), "lr", 0.01)
    assert hint(lambda params, grads: params - lr * grads, RULES[0]) == (  # noqa: F821
        "`lr` is read from the page, where it is 0.01: take it as an argument of the function."
    )
    assert hint(OfThePage, RULES[0]) == "`lr` is read from the page, where it is 0.01: write self.lr."
    assert hint(lambda params: torch.optim.SGD(params, lr=lr), RULES[0]) == ""  # noqa: F821
    assert hint(lambda params, grads: params + lr * grads, RULES[0]).startswith("This is GradientDescent with a plus")  # noqa: F821


def test_a_function_is_told_to_take_a_name_of_the_page_as_an_argument(monkeypatch):
    monkeypatch.setitem(globals(), "lr", 0.45)
    assert hint(lambda params, grads: params - lr * grads, RULES[0]) == (  # noqa: F821
        "`lr` is read from the page, where it is 0.45: take it as an argument of the function."
    )


class OfThePageInTorch(torch.optim.Optimizer):
    def __init__(self, params, lr=0.1):
        super().__init__(params, {"lr": lr})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                p.sub_(lr * p.grad)  # noqa: F821


def test_an_optimizer_for_torch_is_told_to_take_a_name_of_the_page_from_its_group(monkeypatch):
    monkeypatch.setitem(globals(), "lr", 0.45)
    assert hint(OfThePageInTorch, RULES[0]) == '`lr` is read from the page, where it is 0.45: take group["lr"].'
