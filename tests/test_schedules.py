"""A rate that is a formula of the step: as a function of the step, as a scheduler of torch, and turned by sliders."""

import pytest
import torch

from gdviz import surfaces, views
from gdviz.descent import minimize
from gdviz.optimizers import GradientDescent, Momentum, Range, Schedule, cosine, linear, warmup_stable_decay

BOWL = surfaces.bowl(10)


def test_a_formula_of_the_step_is_a_function_of_the_step():
    formula = Schedule(Momentum(lr=1.0, momentum=0.9), lambda t, factor: 0.1 * factor**t, factor=0.9)
    ours = minimize(BOWL, formula, BOWL.start, 40)
    theirs = minimize(BOWL, lambda step: Momentum(lr=0.1 * 0.9**step, momentum=0.9), BOWL.start, 40)
    torch.testing.assert_close(ours.params, theirs.params, rtol=1e-12, atol=1e-14)
    assert ours.scheduled


def test_its_rates_are_those_of_torchs_schedulers():
    param = torch.nn.Parameter(torch.zeros(1))
    for make, rate in (
        (lambda sgd: torch.optim.lr_scheduler.StepLR(sgd, 10, gamma=0.5), lambda t: 0.4 * 0.5 ** (t / 10).floor()),
        (
            lambda sgd: torch.optim.lr_scheduler.LinearLR(sgd, 0.1, total_iters=10),
            lambda t: 0.4 * (0.1 + 0.09 * t.clamp(max=10)),
        ),
        (
            lambda sgd: torch.optim.lr_scheduler.CosineAnnealingLR(sgd, 40),
            lambda t: 0.2 * (1 + torch.cos(torch.pi * t / 40)),
        ),
    ):
        sgd = torch.optim.SGD([param], lr=0.4)
        scheduler, theirs = make(sgd), []
        for _ in range(40):
            theirs.append(sgd.param_groups[0]["lr"])
            sgd.step()
            scheduler.step()
        ours = Schedule(GradientDescent(lr=0.4), rate).rates(torch.arange(40, dtype=torch.float64))
        torch.testing.assert_close(ours, torch.tensor(theirs, dtype=torch.float64), rtol=1e-12, atol=1e-15)


def test_plain_numbers_are_doubles_and_the_usual_type_stays():
    drop = Schedule(GradientDescent(lr=1.0), lambda t, at: torch.where(t < at, 0.15, 0.015), at=3)
    assert [drop(step).lr for step in (2, 3)] == [0.15, 0.015]
    assert torch.get_default_dtype() == torch.float32


def test_a_range_in_it_is_a_dial_that_the_kernel_turns_too():
    at = Range(0, 20, 8, name="drop")
    drop = Schedule(GradientDescent(lr=1.0), lambda t, at: torch.where(t < at, 0.15, 0.015), at=at)
    player = views.descents(BOWL, minimize(BOWL, drop, BOWL.start, 20), at={"step": -1})
    assert [dial["name"] for dial in player.dials] == ["drop"]
    assert not any(mark.kind == "contours" for mark in player._marks), "the loss stands still"
    player.dialed = [3.0]
    end = minimize(BOWL, lambda step: GradientDescent(lr=0.15 if step < 3 else 0.015), BOWL.start, 20).losses[-1]
    assert f"loss {end.item():.4g}" in player.describe()
    assert float(drop(5).lr) == 0.15, "afterwards it is as it was"


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: Schedule(GradientDescent(lr=1.0), 0.1), TypeError, "rate must be a function of the step, got 0.1"),
        (lambda: Schedule(object(), lambda t: t), ValueError, "rule must be a dataclass with a field lr, got <object"),
        (
            lambda: Schedule(GradientDescent, lambda t: t),
            ValueError,
            "rule must be a dataclass with a field lr, got <class",
        ),
        (lambda: Schedule(GradientDescent(lr=1.0), lambda t, a: t, a="x"), TypeError, "a must be a number, got 'x'"),
        (lambda: Schedule(GradientDescent(lr=1.0), lambda t, a: t, a=float("nan")), ValueError, "a must be finite"),
        (lambda: Schedule(GradientDescent(lr=1.0), lambda t: 0.1)(0), ValueError, "it returned float"),
        (lambda: Schedule(GradientDescent(lr=1.0), lambda t: torch.ones(3))(0), ValueError, r"it returned \(3,\)"),
        (lambda: minimize(BOWL, Schedule(GradientDescent(lr=1.0), lambda t: -t - 1), BOWL.start, 3), ValueError, "lr"),
    ],
)
def test_what_is_no_schedule_is_refused(make, error, words):
    with pytest.raises(error, match=words):
        make()


def test_a_range_that_makes_a_rate_negative_is_refused_by_the_player():
    falling = Schedule(GradientDescent(lr=1.0), lambda t, slope: 0.3 - slope * t, slope=Range(0, 0.11, 0.001))
    run = minimize(BOWL, falling, BOWL.start, 20)
    with pytest.raises(ValueError, match=r"with slope = 0.11 the learning rate of step 3 is -0.03; narrow the range"):
        views.descents(BOWL, run)
    assert float(falling.numbers["slope"]) == 0.001


REFUSED = {
    "warm-up": (lambda t: cosine(t, lr=0.01, steps=100, warmup=200), "warmup=200, steps=100"),
    "all warm-up": (lambda t: linear(t, lr=0.01, steps=100, warmup=100), "less than steps"),
    "no steps": (lambda t: cosine(t, lr=0.01, steps=0), "steps=0"),
    "decay in steps": (lambda t: warmup_stable_decay(t, lr=0.1, steps=1000, decay=100), "100 steps are 0.1"),
    "negative decay": (lambda t: warmup_stable_decay(t, lr=0.1, steps=1000, decay=-0.1), "a share of the steps"),
}


@pytest.mark.parametrize(("rate", "words"), REFUSED.values(), ids=REFUSED)
def test_a_plan_that_never_reaches_its_rate_is_refused(rate, words):
    with pytest.raises(ValueError, match=words):
        rate(torch.arange(3.0))


def test_a_rate_does_not_take_the_place_of_several():
    with pytest.raises(ValueError, match=r"its 2 values of lr would be lost"):
        Schedule(GradientDescent(lr=torch.tensor([0.1, 0.2])), lambda t: 0.1 / (t + 1))


def test_a_rate_that_depends_on_which_other_steps_are_asked_for_is_refused():
    by_length = Schedule(GradientDescent(lr=1.0), lambda t: 0.1 * (1 - t / len(t)))
    with pytest.raises(ValueError, match=r"each step its own, .* step 1 has 0 alone and 0.05 together with step 0"):
        minimize(BOWL, by_length, BOWL.start, 3)
