"""Minimisation: the gradient, sweeps, the description of a trajectory, and bad input."""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gdviz import data, optimizers, surfaces
from gdviz.descent import gradient, grid, minimize
from gdviz.networks.torch_optimizer import TorchOptimizer
from gdviz.optimizers import (
    Adam,
    AdamW,
    AMSGrad,
    GradientDescent,
    Momentum,
)

BOWL = surfaces.bowl(10, angle=30)
RULE = GradientDescent(lr=0.05)


@pytest.mark.slow
@given(w=st.floats(-50, 50), b=st.floats(-50, 250))
def test_gradient_of_a_line_equals_the_formula_by_hand(w, b):
    patients = data.diabetes().standardized()
    residual = w * patients.x + b - patients.y
    by_hand = torch.stack([(2 * residual * patients.x).mean(), (2 * residual).mean()])
    assert torch.allclose(gradient(surfaces.linear_model(patients), [w, b]), by_hand, rtol=1e-12, atol=1e-9)


@pytest.mark.slow
@given(start=st.tuples(st.floats(-3, 3), st.floats(-3, 3)))
def test_gradient_equals_central_differences(start):
    def loss(w):
        return torch.sin(w[..., 0]) * torch.exp(w[..., 1] / 2) + w[..., 0] ** 2

    params, h = torch.tensor(start, dtype=torch.float64), 1e-6
    nudges = h * torch.eye(2, dtype=torch.float64)
    central = (loss(params + nudges) - loss(params - nudges)) / (2 * h)
    assert torch.allclose(gradient(loss, params), central, rtol=1e-6, atol=1e-7)


@pytest.mark.slow
def test_gradient_descent_from_zero_finds_the_least_norm_solution():  # NUMBERS 23
    generator = torch.Generator().manual_seed(0)
    a = torch.randn(5, 12, generator=generator, dtype=torch.float64)
    y = torch.randn(5, generator=generator, dtype=torch.float64)
    lr = 1 / torch.linalg.matrix_norm(a, 2) ** 2
    descent = minimize(
        lambda w: ((w @ a.T - y) ** 2).sum(-1) / 2, GradientDescent(lr=lr), torch.zeros(12).double(), 4000
    )
    assert (descent.params[-1] - torch.linalg.pinv(a) @ y).norm() < 1e-12


def test_early_stopping_filters_each_direction_by_its_curvature():  # NUMBERS 23: 1 - (1 - lr * lambda)^k
    curvature, best = torch.tensor([5.0, 1.0, 0.1]).double(), torch.tensor([1.0, -2.0, 3.0]).double()
    descent = minimize(lambda w: 0.5 * (curvature * (w - best) ** 2).sum(-1), RULE, torch.zeros(3).double(), 30)
    for k in (1, 10, 30):
        assert torch.allclose(descent.params[k], best * (1 - (1 - 0.05 * curvature) ** k), rtol=1e-12)


def test_a_sweep_equals_its_runs_one_by_one():
    lrs = torch.tensor([0.01, 0.05, 0.15, 0.3], dtype=torch.float64)
    starts = torch.tensor([[1.0, 2.0], [-3.0, 4.0], [5.0, -6.0]], dtype=torch.float64)
    together = minimize(BOWL, GradientDescent(**grid(lr=lrs)), starts[:, None], 25)
    assert together.params.shape == (26, 3, 4, 2)
    assert together.losses.shape == (26, 3, 4)
    assert together.grads.shape == (25, 3, 4, 2)
    for i, start in enumerate(starts):
        for j, lr in enumerate(lrs):
            alone = minimize(BOWL, GradientDescent(lr=lr.item()), start, 25)
            assert torch.equal(together.params[:, i, j], alone.params)
            assert torch.equal(together.losses[:, i, j], alone.losses)
            assert torch.equal(together.grads[:, i, j], alone.grads)
            assert together.diverged[i, j] == alone.diverged


def test_grid_gives_each_hyperparameter_its_axis():
    fields = grid(lr=[0.1, 0.2, 0.3], momentum=[0.0, 0.9], beta2=0.5)
    assert {name: tuple(v.shape) for name, v in fields.items()} == {
        "lr": (3, 1, 1, 1), "momentum": (1, 2, 1, 1), "beta2": (1, 1, 1, 1),
    }  # fmt: skip


def test_the_trajectory_holds_the_gradient_that_each_step_used():
    descent = minimize(BOWL, RULE, [3.0, 4.0], 8)
    assert torch.allclose(descent.params[1:], descent.params[:-1] - 0.05 * descent.grads, rtol=1e-14)
    assert torch.equal(descent.losses, BOWL(descent.params))


def test_a_schedule_is_a_rule_for_each_step():
    descent = minimize(BOWL, lambda step: GradientDescent(lr=0.1 / (1 + step)), [3.0, 4.0], 8)
    assert "with lr 0.1 at first, 8 steps" in descent.describe()
    lrs = 0.1 / (1 + torch.arange(8))[:, None]
    assert torch.allclose(descent.params[1:], descent.params[:-1] - lrs * descent.grads, rtol=1e-6)


def test_a_sampled_loss_is_differentiated_and_the_full_loss_recorded():
    scale = torch.tensor([1.0, 3.0, 0.5])
    descent = minimize(BOWL, RULE, [3.0, 4.0], 3, sampled_loss=lambda w, step: scale[step] * BOWL(w))
    assert torch.equal(descent.losses, BOWL(descent.params))
    for step in range(3):
        assert torch.allclose(descent.grads[step], scale[step] * gradient(BOWL, descent.params[step]))


def test_the_state_is_stacked_over_the_steps():
    from typing import NamedTuple

    class Count(NamedTuple):
        t: int
        sum: torch.Tensor

    @dataclass(frozen=True, eq=False)
    class Counting:
        lr: float

        def init(self, params):
            return Count(0, torch.zeros_like(params))

        def update(self, params, grads, state):
            return params - self.lr * grads, Count(state.t + 1, state.sum + grads)

    descent = minimize(BOWL, Counting(lr=0.05), [3.0, 4.0], 5)
    assert descent.states.t.tolist() == [0, 1, 2, 3, 4, 5]
    assert torch.allclose(descent.states.sum[1:], descent.grads.cumsum(0))


def test_float32_stays_and_other_starts_become_float64():
    assert minimize(BOWL, RULE, torch.ones(2), 1).params.dtype == torch.float32
    assert minimize(BOWL, GradientDescent(**grid(lr=[0.1, 0.2])), torch.ones(2), 1).params.dtype == torch.float32
    assert minimize(BOWL, RULE, [1, 1], 1).params.dtype == torch.float64
    assert minimize(BOWL, RULE, torch.tensor([1, 1]), 1).params.dtype == torch.float64


def test_a_state_may_be_a_plain_tuple_and_one_that_cannot_be_stacked_is_left_out():
    class Sums(GradientDescent):
        def init(self, params):
            return torch.zeros_like(params), torch.zeros(())

        def update(self, params, grads, state):
            return params - self.lr * grads, (state[0] + grads, state[1] + 1)

    sums, counts = minimize(BOWL, Sums(lr=0.05), [3.0, 4.0], 5).states
    assert (sums.shape, counts.tolist()) == ((6, 2), [0, 1, 2, 3, 4, 5])

    class Keeps(GradientDescent):
        def init(self, params):
            return ([],)

        def update(self, params, grads, state):
            return params - self.lr * grads, ([*state[0], grads],)

    assert minimize(BOWL, Keeps(lr=0.05), [3.0, 4.0], 5).states is None


def test_starts_and_grids_may_be_arrays_of_every_make_and_columns_of_pandas():
    wanted, still = minimize(BOWL, RULE, [1.0, 2.0], 3).params, np.array([1.0, 2.0])
    still.setflags(write=False)
    for start in (pd.Series([1.0, 2.0]), still, np.array([2.0, 1.0])[::-1], np.array([1, 2], ">i4"), (1, 2)):
        assert torch.equal(minimize(BOWL, RULE, start, 3).params, wanted)
    frame = pd.DataFrame([[1.0, 2.0], [3.0, 4.0]], columns=["x", "y"])
    assert minimize(BOWL, RULE, frame, 3).runs == (2,)
    assert grid(lr=pd.Series([0.1, 0.2]))["lr"].tolist() == [[0.1], [0.2]]
    with pytest.raises(TypeError, match="lr must be a number or a list of numbers, got 'fast'"):
        grid(lr="fast")


def test_no_steps_is_the_start_alone():
    descent = minimize(BOWL, RULE, [3.0, 4.0], 0)
    assert descent.params.tolist() == [[3.0, 4.0]]
    assert descent.grads.shape == (0, 2)
    assert not descent.diverged


def test_minimize_works_inside_no_grad():
    with torch.no_grad():
        assert minimize(BOWL, RULE, [3.0, 4.0], 5).losses[-1] < BOWL(torch.tensor([3.0, 4.0]))


def test_divergence_is_a_result():
    bowl = surfaces.bowl(10)
    descent = minimize(bowl, GradientDescent(**grid(lr=[0.19, 0.2, 0.21, 5.0, 1e200])), [1.0, 1.0], 300)
    assert descent.diverged.tolist() == [False, False, True, True, True]  # 0.2 is the limit 2/L: it swings forever
    assert "lr 0.19; 3 of 5 diverge" in descent.describe()


def test_describe_is_one_sentence_with_the_numbers():
    descent = minimize(lambda w: (w**2).sum(-1), GradientDescent(lr=0.2), [10.0], 10)
    assert descent.describe() == (
        "GradientDescent with lr 0.2, 10 steps from (10) to (0.06047): the loss goes from 100 to 0.003656."
    )
    assert repr(descent) == descent.describe()
    worse = minimize(lambda w: (w**2).sum(-1), GradientDescent(lr=1.1), [10.0], 3)
    assert worse.describe().endswith("(-17.28): it diverges, the loss goes from 100 to 298.6.")
    starts = minimize(BOWL, RULE, torch.tensor([[1.0, 2.0], [0.1, 0.0]]), 3)
    assert "at start (0.1, 0); 0 of 2 diverge" in starts.describe()
    every = minimize(BOWL, GradientDescent(**grid(lr=[3.0, 4.0])), [1.0, 2.0], 3)
    assert every.describe() == "2 runs of GradientDescent with lr 3 to 4, 3 steps each: every run diverges."


@pytest.mark.parametrize("steps", [-1, 2.5, "10", None, True, math.nan])
def test_steps_must_be_a_whole_number(steps):
    with pytest.raises(ValueError, match="steps must be a whole number, 0 or more, got"):
        minimize(BOWL, RULE, [1.0, 1.0], steps)


@pytest.mark.parametrize(
    ("start", "message"),
    [
        ([1.0, 2.0, 3.0], r"has two parameters, so params are \(\.\.\., 2\); got shape \(3,\)"),
        ([1.0, math.nan], "start must be finite"),
        ([math.inf, 1.0], "start must be finite"),
        (3.0, r"start must have shape \(d,\)"),
        ([], r"start must have shape \(d,\)"),
        ("here", "start must be numbers"),
        ([[1.0, 2.0], [3.0]], "start must be numbers"),
        (None, "start must be numbers"),
    ],
)
def test_a_bad_start_is_refused(start, message):
    with pytest.raises((ValueError, TypeError), match=message):
        minimize(BOWL, RULE, start, 3)


@pytest.mark.parametrize("lr", [torch.rand(40) + 0.1, torch.rand(3, 3) + 0.1, torch.tensor([0.1, 0.2]), [0.1, 0.2]])
def test_a_sweep_needs_an_axis_of_its_own_and_is_never_taken_for_rates_of_the_coordinates(lr):
    with pytest.raises(ValueError, match=r"lr has shape .*last axis of 1: lr=lrs\[:, None\] or \*\*grid\(lr=lrs\)"):
        minimize(BOWL, GradientDescent(lr=lr), [1.0, 1.0], 3)


def test_torchs_pair_of_betas_is_told_that_they_are_two_fields():
    for rule in (Adam(0.1, (0.9, 0.999)), AMSGrad(0.1, [0.9, 0.999]), AdamW(0.1, torch.tensor([0.9, 0.999]))):
        with pytest.raises(ValueError, match=r"beta1 must be one number, got two: .* beta1=0.9, beta2=0.999"):
            minimize(BOWL, rule, [1.0, 1.0], 3)
        with pytest.raises(ValueError, match=r"beta1=0\.9, beta2=0.999"):
            TorchOptimizer([torch.nn.Parameter(torch.ones(2))], rule)


@dataclass(frozen=True, eq=False)
class Preconditioned:
    """A field of another name than those of gdviz may have a value for each coordinate."""

    rates: torch.Tensor

    def init(self, params):
        return ()

    def update(self, params, grads, state):
        return params - self.rates * grads, state


def test_a_rule_of_ones_own_may_have_a_rate_for_each_coordinate():
    descent = minimize(surfaces.bowl(10), Preconditioned(torch.tensor([1.0, 0.1])), [3.0, 4.0], 1)
    assert torch.allclose(descent.params[-1], torch.zeros(2).double(), atol=1e-6)  # 1 / lambda for each: in one step


def test_a_sweep_beside_many_starts_is_told_how_to_combine_them():
    with pytest.raises(ValueError, match=r"give the starts an axis for it: starts\[:, None\]"):
        minimize(BOWL, GradientDescent(**grid(lr=[0.1, 0.2, 0.3])), torch.ones(5, 2), 3)


def test_a_rate_that_carries_a_gradient_leaves_no_graph_behind():
    rates = torch.tensor([[0.1], [0.2]], requires_grad=True)
    assert not minimize(BOWL, GradientDescent(lr=rates), [1.0, 1.0], 3).params.requires_grad


def test_a_sweep_without_its_last_axis_does_not_add_parameters():
    with pytest.raises(ValueError, match=r"lr has shape \(2,\); for a sweep"):
        minimize(lambda w: (w**2).sum(-1), GradientDescent(lr=torch.tensor([0.1, 0.2])), [1.0], 3)


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (
            lambda w: w**2,
            r"loss must return shape \(2,\) for params \(2, 2\), got \(2, 2\); index and sum over the last",
        ),
        (lambda w: 1.0, "loss must return a tensor of shape .*got float"),
        (lambda w: torch.ones(w.shape[:-1]), "loss has no gradient"),
        (lambda w: (w.detach() ** 2).sum(-1), "loss has no gradient"),
        (lambda w: w[..., 7], "loss raised IndexError at step 0 with params of shape"),
    ],
)
def test_a_bad_loss_is_refused_with_the_reason(loss, message):
    with pytest.raises((ValueError, TypeError), match=message):
        minimize(loss, RULE, [[1.0, 1.0], [2.0, 2.0]], 3)


def test_a_loss_that_is_no_function_is_refused():
    with pytest.raises(TypeError, match="loss must be a function"):
        minimize(3.0, RULE, [1.0, 1.0], 3)


def test_an_update_that_changes_in_place_is_refused():
    class InPlace(GradientDescent):
        def update(self, params, grads, state):
            params -= self.lr * grads
            return params, state

    with pytest.raises(ValueError, match="update changed params or grads in place at step 0"):
        minimize(BOWL, InPlace(lr=0.1), [1.0, 1.0], 3)


@pytest.mark.parametrize(
    ("returned", "message"),
    [(lambda p: p, "must return .params, state"), (lambda p: (p[..., :1], ()), "keep the shape")],
)
def test_an_update_that_returns_something_else_is_refused(returned, message):
    class Other(GradientDescent):
        def update(self, params, grads, state):
            return returned(params)

    with pytest.raises((ValueError, TypeError), match=message):
        minimize(BOWL, Other(lr=0.1), [1.0, 1.0], 3)


@pytest.mark.parametrize("last", [-0.05, math.nan, math.inf])
def test_every_step_of_a_schedule_is_checked_before_the_first_one_and_named(last):
    looks = []

    def loss(w):
        looks.append(1)
        return BOWL(w)

    with pytest.raises(ValueError, match=f"lr must be positive, or 0 to rest.*, got {last} at step 3"):
        minimize(loss, lambda step: GradientDescent(lr=[0.1, 0.05, 0.0, last][step]), [1.0, 1.0], 4)
    with pytest.raises(ValueError, match="the schedule raised IndexError at step 4: list index out of range"):
        minimize(loss, lambda step: GradientDescent(lr=[0.1, 0.05, 0.0, 0.1][step]), [1.0, 1.0], 5)
    with pytest.raises(TypeError, match=r"a rule has init.*; got 0.1 at step 2"):
        minimize(loss, lambda step: 0.1 if step == 2 else RULE, [1.0, 1.0], 5)
    with pytest.raises(ValueError, match=r"the rule at step 2 needs params \(3, 2\), that at step 0 \(2,\)"):
        minimize(loss, lambda step: GradientDescent(lr=torch.ones(3, 1)) if step == 2 else RULE, [1.0, 1.0], 5)
    with pytest.raises(ValueError, match=r"lr has shape \(2,\)"):
        minimize(loss, lambda step: GradientDescent(lr=[0.1, 0.2]) if step == 2 else RULE, [1.0, 1.0], 5)
    assert not looks


def test_a_schedule_may_change_the_rule_where_the_state_stays_of_its_kind():
    to_adamw = minimize(BOWL, lambda step: Adam(0.1) if step < 2 else AdamW(0.1), [3.0, 4.0], 5)
    assert to_adamw.states.t.tolist() == [0, 1, 2, 3, 4, 5]
    to_descent = minimize(BOWL, lambda step: Adam(0.1) if step < 2 else RULE, [3.0, 4.0], 5)
    assert torch.allclose(to_descent.params[3:], to_descent.params[2:-1] - 0.05 * to_descent.grads[2:])
    with pytest.raises(ValueError, match="Moments is kept at step 0, and Momentum at step 2 needs Velocity"):
        minimize(BOWL, lambda step: Adam(0.1) if step < 2 else Momentum(0.1), [3.0, 4.0], 5)
    with pytest.raises(ValueError, match="GradientDescentState is kept at step 0, and Adam at step 4 needs Moments"):
        minimize(BOWL, lambda step: RULE if step < 4 else Adam(0.1), [3.0, 4.0], 5)


def test_numpy_and_math_in_a_loss_are_told_to_be_torch():
    for loss in (lambda w: np.square(w).sum(-1), lambda w: math.exp(w) * w[..., 0]):
        with pytest.raises(ValueError, match="use torch's own functions"):
            minimize(loss, RULE, [3.0, 4.0], 5)


RESTING = [rule for rule in optimizers.RULES if rule is not optimizers.Rprop]  # for which lr is the first step


@pytest.mark.parametrize("rule", RESTING)
def test_a_rate_of_0_rests(rule):
    assert minimize(BOWL, rule(lr=0), [3.0, 4.0], 5).params.tolist() == [[3.0, 4.0]] * 6


# the rate is a step late, and a mean still moves
NOT_YET = (optimizers.ASGD, optimizers.ScheduleFreeSGD, optimizers.ScheduleFreeAdamW)


@pytest.mark.parametrize("rule", [rule for rule in RESTING if rule not in NOT_YET])
def test_a_rate_that_falls_to_0_comes_to_rest(rule):
    annealed = minimize(BOWL, lambda step: rule(lr=0.05 * (1 - step / 49)), [3.0, 4.0], 50)
    assert torch.equal(annealed.params[-1], annealed.params[-2])
    assert annealed.losses[-1] < annealed.losses[0]


@pytest.mark.slow
def test_what_is_not_a_number_is_called_nan_and_not_0():
    lost = minimize(surfaces.booth(), GradientDescent(lr=1.0), [1.0, 2.0], 2000)
    assert lost.describe() == (
        "GradientDescent with lr 1, 2000 steps from (1, 2) to (nan, nan): it diverges, the loss goes from 5 to nan."
    )
    with_log = minimize(lambda w: w[..., 0].log(), RULE, [-1.0], 3)
    assert with_log.describe().endswith("to (-0.8416): the loss is nan at the start and nan at the end.")
    assert "to (inf)" in minimize(lambda w: -w[..., 0], GradientDescent(lr=1e308), [1e308], 9).describe()


def test_the_best_of_many_runs_is_found_beside_runs_that_begin_where_the_loss_is_nan_or_infinite():
    runs = minimize(lambda w: w[..., 0] - w[..., 0].log(), GradientDescent(lr=0.1), [[-1.0], [0.0], [2.0], [1.0]], 5)
    assert runs.diverged.tolist() == [True, True, False, False]
    assert "the lowest final loss is 1 at start (1); 2 of 4 diverge." in runs.describe()


def test_complex_numbers_are_refused_with_the_cure():
    with pytest.raises(TypeError, match=r"start must be real numbers, .*torch.view_as_real\(z\)"):
        minimize(BOWL, RULE, torch.ones(2, dtype=torch.complex64), 3)
    with pytest.raises(TypeError, match=r"got complex numbers; take .abs\(\) or .real"):
        minimize(lambda w: (1j * w).sum(-1), RULE, [1.0, 1.0], 3)


def test_a_trajectory_that_no_laptop_can_keep_is_refused_before_the_first_step():
    with pytest.raises(ValueError, match=r"1000000000 steps of 2 numbers, .* take \d+\.\d GB; up to 4 are kept: fewer"):
        minimize(BOWL, RULE, [1.0, 1.0], 10**9)
    with pytest.raises(ValueError, match="1000 steps of 1000000 numbers"):
        minimize(lambda w: (w**2).sum(-1), lambda step: Adam(), torch.zeros(10**6), 1000)


def test_a_parameter_changed_in_place_in_the_loss_is_told_no_grad():
    def loss(w):
        w -= 0.1
        return (w**2).sum(-1)

    with pytest.raises(ValueError, match=r"loss raised RuntimeError at step 0 .*inside `with torch.no_grad\(\):`"):
        minimize(loss, RULE, [1.0, 1.0], 3)

    def backwards(w):
        e = torch.exp(w)
        e += 1
        return e.sum(-1)

    with pytest.raises(ValueError, match="make a new tensor, z = z \\+ 1"):
        minimize(backwards, RULE, [1.0, 1.0], 3)


def test_an_update_that_works_on_a_leaf_is_told_no_grad():
    class Leaf(GradientDescent):
        def update(self, params, grads, state):
            params.requires_grad_()
            with torch.enable_grad():
                params -= self.lr * grads
            return params, state

    with pytest.raises(ValueError, match=r"update raised RuntimeError at step 0 .*inside `with torch.no_grad\(\):`"):
        minimize(BOWL, Leaf(lr=0.1), [1.0, 1.0], 3)


def test_the_rate_of_every_step_is_kept_of_each_run_and_of_a_schedule():
    start = [1.0, 2.0]
    assert minimize(BOWL, GradientDescent(0.1), start, 3).lrs.tolist() == [0.1, 0.1, 0.1]
    assert minimize(BOWL, lambda step: Adam(lr=1.0 / (step + 1)), start, 2).lrs.tolist() == [1.0, 0.5]
    swept = minimize(BOWL, Momentum(**grid(lr=[0.1, 0.2], momentum=[0.0, 0.5, 0.9])), start, 4).lrs
    assert swept.shape == (4, 2, 3)
    assert (swept == torch.tensor([0.1, 0.2], dtype=torch.float64)[:, None]).all()
    assert minimize(BOWL, GradientDescent(0.1), start, 0).lrs.shape == (0,)
    many = minimize(BOWL, GradientDescent(0.1), [[1.0, 2.0]] * 100, 50).lrs
    assert many.shape == (50, 100)
    assert many.untyped_storage().nbytes() <= 8, "one number for all"


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_a_start_in_half_precision_is_computed_with_in_float64(dtype):
    run = minimize(lambda w: w.square().sum(-1), Adam(lr=0.1), torch.zeros(2, dtype=dtype), 50)
    assert run.params.dtype == torch.float64
    assert not run.params.any(), "in float16 eps is 0, and 0 / 0 is not a number"
