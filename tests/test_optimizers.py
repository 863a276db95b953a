"""Update rules: laws first, then equality with torch.optim, then bad input."""

import inspect
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from gdviz import optimizers
from gdviz.descent import grid, minimize
from gdviz.optimizers import LBFGS, RULES, Adadelta, Adam, AdamW, AMSGrad, GradientDescent, Momentum, Nesterov, RMSProp
from gdviz.surfaces import bowl
from gdviz.theory import convert_lr

ACCEPTED = "lr must be positive, or 0 to rest, or a tensor of such rates, got "


def square(w):
    return (w**2).sum(-1)


def test_gradient_descent_on_a_parabola_shrinks_by_one_minus_lr_lambda():  # NUMBERS 1
    descent = minimize(square, GradientDescent(lr=0.2), [10.0], 10)
    steps = torch.arange(11, dtype=torch.float64)
    assert torch.allclose(descent.params[:, 0], 10 * 0.6**steps, rtol=1e-14)


@pytest.mark.parametrize(
    ("lr_lambda", "way"), [(0.99, "monotone"), (1.5, "zig-zag"), (1.99, "zig-zag"), (2.01, "diverges")]
)
def test_gradient_descent_is_monotone_zig_zags_or_diverges(lr_lambda, way):  # NUMBERS 1: 1/L and 2/L
    curvature = 4.0
    descent = minimize(lambda w: curvature / 2 * square(w), GradientDescent(lr=lr_lambda / curvature), [1.0], 60)
    changes_side = (descent.params[1:, 0] * descent.params[:-1, 0] < 0).all()
    assert bool(changes_side) == (way != "monotone")
    assert bool(descent.diverged) == (way == "diverges")


@pytest.mark.parametrize("lr", [-1, -0.1, -1e-300, math.nan, math.inf, -math.inf, np.float32(-1)])
def test_a_rate_out_of_range_is_refused_with_what_was_given(lr):
    with pytest.raises(ValueError, match=ACCEPTED) as caught:
        minimize(bowl(), GradientDescent(lr=lr), [1.0, 1.0], 3)
    assert str(caught.value).endswith(repr(lr))


@pytest.mark.parametrize("lr", ["fast", None, 1j, True, [0.1, "x"], {}])
def test_a_rate_that_is_no_number_is_refused(lr):
    with pytest.raises(TypeError, match=ACCEPTED):
        minimize(bowl(), GradientDescent(lr=lr), [1.0, 1.0], 3)


def test_one_bad_rate_in_a_sweep_is_refused():
    with pytest.raises(ValueError, match=ACCEPTED):
        minimize(bowl(), GradientDescent(**grid(lr=[0.1, -0.1])), [1.0, 1.0], 3)


def test_an_empty_sweep_is_refused():
    with pytest.raises(ValueError, match="lr is empty"):
        grid(lr=[])


@pytest.mark.parametrize("lr", [[[0.1], [0.2]], np.array([[0.1], [0.2]]), torch.tensor([[0.1], [0.2]])])
def test_lists_arrays_and_tensors_are_all_sweeps(lr):
    assert minimize(bowl(), GradientDescent(lr=lr), [1.0, 1.0], 3).runs == (2,)


def test_a_rule_class_in_place_of_a_rule_is_named():
    with pytest.raises(TypeError, match=r"class GradientDescent; write a rule, such as GradientDescent\(lr=0.1\)"):
        minimize(bowl(), GradientDescent, [1.0, 1.0], 3)


def test_what_is_no_rule_is_told_what_a_rule_has():
    with pytest.raises(TypeError, match=r"init\(params\) -> state and update"):
        minimize(bowl(), 0.1, [1.0, 1.0], 3)


def test_every_first_order_update_has_at_most_eight_lines():
    for rule in RULES:
        body = inspect.getsource(rule.update).rstrip().splitlines()[1:]
        assert len(body) <= 8 or rule is LBFGS, rule


KAPPA = bowl(100)  # mu = 1, L = 100


def steps_to(rule, share=1e-6):
    start = torch.tensor([1.0, 1.0], dtype=torch.float64)
    descent = minimize(KAPPA, rule, start, 1000)
    distance = descent.params.norm(dim=-1) / start.norm()
    return int((distance > share).nonzero()[-1]) + 1


def test_best_fixed_rate_of_gradient_descent():  # NUMBERS 2
    lr = 2 / 101
    descent = minimize(KAPPA, GradientDescent(lr=lr), [1.0, 1.0], 50)
    assert lr == pytest.approx(0.019802, abs=5e-7)
    assert (descent.params[50].norm() / descent.params[49].norm()).item() == pytest.approx(0.980198, abs=5e-7)
    assert steps_to(GradientDescent(lr=lr)) == 691


@pytest.mark.slow
def test_best_heavy_ball():  # NUMBERS 3
    lr, beta = 4 / (10 + 1) ** 2, ((10 - 1) / (10 + 1)) ** 2
    assert (lr, beta, beta**0.5) == pytest.approx((0.0330579, 0.669421, 0.818182), abs=1e-6)
    descent = minimize(KAPPA, Momentum(lr=lr, momentum=beta), [1.0, 1.0], 200)
    distance = descent.params.norm(dim=-1) / 2**0.5
    assert steps_to(Momentum(lr=lr, momentum=beta)) == 93
    assert distance.max().item() == pytest.approx(2.68, abs=0.01)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rule", "limit"),
    [
        (lambda lr: Momentum(lr=lr, momentum=0.9), 3.8),  # NUMBERS 4: 2 (1 + beta)
        (lambda lr: Momentum(lr=convert_lr(lr, 0.9, source="averaged", target="torch"), momentum=0.9), 38),
        (lambda lr: Nesterov(lr=lr, momentum=0.9), 1.35714),  # NUMBERS 5: (2 + 2 beta) / (1 + 2 beta)
    ],
    ids=["heavy ball", "averaged", "Nesterov"],
)
def test_stability_limits_with_momentum(rule, limit):
    below_and_above = torch.tensor([[0.999 * limit], [1.001 * limit]], dtype=torch.float64)
    descent = minimize(lambda w: square(w) / 2, rule(below_and_above), [1.0], 6_000)
    assert (descent.params[-1, :, 0].abs() > 1).tolist() == [False, True]


@pytest.mark.slow
def test_nesterov_rates():  # NUMBERS 5
    assert steps_to(Nesterov(lr=1 / 100, momentum=9 / 11)) == 154
    beta = (301**0.5 - 2) / (301**0.5 + 2)
    lr = 4 / 301
    matrix = torch.tensor([[(1 + beta) * (1 - lr), -beta * (1 - lr)], [1.0, 0.0]], dtype=torch.float64)
    assert torch.linalg.eigvals(matrix).abs().max().item() == pytest.approx(0.884722, abs=1e-6)
    assert steps_to(Nesterov(lr=lr, momentum=beta)) == 132


def test_adam_first_step_has_size_lr_whatever_the_scale_of_the_loss():  # NUMBERS 11
    small = minimize(bowl(5), Adam(lr=0.1, eps=1e-12), [3.0, -2.0], 100)
    large = minimize(lambda w: 1000 * bowl(5)(w), Adam(lr=0.1, eps=1e-12), [3.0, -2.0], 100)
    assert torch.allclose(small.params[1] - small.params[0], torch.tensor([-0.1, 0.1]).double(), rtol=1e-9)
    assert torch.allclose(small.params, large.params, rtol=1e-6, atol=1e-6)


def test_adam_without_bias_correction_oversteps():  # NUMBERS 12: a constant gradient, steps in units of lr
    t = torch.arange(1, 1001, dtype=torch.float64)
    steps = (1 - 0.9**t) / (1 - 0.999**t).sqrt()
    assert steps[[0, 9, 99, 999]].tolist() == pytest.approx([3.162, 6.53, 3.24, 1.26], abs=0.005)
    assert (steps.max().item(), int(steps.argmax()) + 1) == (pytest.approx(6.57, abs=0.005), 12)
    ours = minimize(lambda w: w.sum(-1), Adam(lr=1.0, eps=0.0), [0.0], 1000).params[:, 0]
    assert torch.allclose(ours[:-1] - ours[1:], torch.ones(1000).double(), rtol=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize(("rule", "end"), [(Adam, 0.999), (AMSGrad, -0.999)])
def test_adam_can_converge_to_the_worst_point(rule, end):  # NUMBERS 13
    optimizer = rule(lr=0.5, beta1=0.0, beta2=1 / (1 + 9), eps=1e-12)
    params, lr0 = torch.zeros(1, dtype=torch.float64), 0.5
    state = optimizer.init(params)
    for step in range(1, 30_001):
        grads = torch.tensor([3.0 if step % 3 == 1 else -1.0], dtype=torch.float64)
        params, state = replace(optimizer, lr=lr0 / step**0.5).update(params, grads, state)
        params = params.clamp(-1, 1)
    assert params.item() == pytest.approx(end, abs=0.01)


def test_adam_depends_on_the_axes_and_gradient_descent_does_not():  # NUMBERS 14
    turn = torch.tensor([[1.0, -1.0], [1.0, 1.0]], dtype=torch.float64) / 2**0.5
    start = torch.tensor([1.0, 1.0], dtype=torch.float64)
    ends = {}
    for rule in (GradientDescent(lr=0.01), Adam(lr=0.1)):
        aligned = minimize(bowl(100), rule, start, 60).losses
        turned = minimize(bowl(100, angle=45), rule, turn @ start, 60).losses
        ends[type(rule)] = (aligned[-1].item(), turned[-1].item())
    assert ends[GradientDescent][0] == pytest.approx(ends[GradientDescent][1], rel=1e-12)
    assert ends[Adam] == (pytest.approx(0.061, abs=5e-4), pytest.approx(0.385, abs=5e-4))


def test_three_momentum_conventions():  # NUMBERS 15
    lrs = [0.1, 0.01]
    ours = minimize(lambda w: w.sum(-1), lambda step: Momentum(lr=lrs[step], momentum=0.9), [0.0], 2).params[-1].item()
    velocity = w = 0.0
    for lr in lrs:  # tensorflow's
        velocity = 0.9 * velocity - lr
        w += velocity
    assert (ours, w) == (pytest.approx(-0.119), pytest.approx(-0.2))
    assert convert_lr(0.1, 0.9, source="torch", target="averaged") == pytest.approx(1.0)
    assert convert_lr(1.0, 0.9, source="averaged", target="tensorflow") == pytest.approx(0.1)
    with pytest.raises(ValueError, match="one of torch, tensorflow, averaged; got 'keras'"):
        convert_lr(0.1, 0.9, source="keras", target="torch")


def test_tensorflows_documented_example():  # NUMBERS 16
    params = minimize(lambda w: square(w) / 2, Momentum(lr=0.1, momentum=0.9), [1.0], 2).params[:, 0]
    assert (params[:-1] - params[1:]).tolist() == pytest.approx([0.1, 0.18])


@pytest.mark.slow
def test_leaving_a_saddle():  # NUMBERS 17
    def saddle(w):
        return (w[..., 0] ** 2 - w[..., 1] ** 2) / 2

    def leaves(rule):
        offset = minimize(saddle, rule, [1.0, 1e-6], 300).params[:, 1].abs()
        return int((offset > 1).nonzero()[0])

    assert [leaves(GradientDescent(lr=0.1)), leaves(Momentum(lr=0.1)), leaves(Adam(lr=0.1))] == [145, 52, 11]
    assert (minimize(saddle, GradientDescent(lr=0.1), [1.0, 0.0], 300).params[:, 1] == 0).all()


def test_adamw_is_not_adam_with_an_l2_penalty():  # NUMBERS 18: no gradient from the data
    for decay, adamw in ((0.1, 0.9512), (0.001, 0.9995)):
        penalty = minimize(lambda w, d=decay: d / 2 * square(w), Adam(lr=0.01), [1.0], 50).params[-1].item()
        decoupled = minimize(lambda w: 0 * square(w), AdamW(lr=0.01, weight_decay=decay), [1.0], 50).params[-1].item()
        assert decoupled == pytest.approx((1 - 0.01 * decay) ** 50, rel=1e-12)
        assert (penalty, decoupled) == (pytest.approx(0.5368, abs=5e-5), pytest.approx(adamw, abs=5e-5))


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (Momentum(lr=0.1, momentum=1.0), r"momentum must be in \[0, 1\), or a tensor of such, got 1.0"),
        (Nesterov(lr=0.1, momentum=-0.1), r"momentum must be in \[0, 1\)"),
        (RMSProp(alpha=1.5), r"alpha must be in \[0, 1\)"),
        (Adadelta(rho=1), r"rho must be in \[0, 1\)"),
        (Adam(beta1=1.0), r"beta1 must be in \[0, 1\)"),
        (Adam(beta2=math.nan), r"beta2 must be in \[0, 1\)"),
        (AMSGrad(eps=-1e-8), "eps must be 0 or more, got -1e-08"),
        (AdamW(weight_decay=-0.1), "weight_decay must be 0 or more"),
        (LBFGS(history_size=0), "history_size must be a whole number, 1 or more, got 0"),
        (LBFGS(history_size=2.5), "history_size must be a whole number"),
        (Adam(lr="fast"), "lr must be positive"),
    ],
)
def test_every_hyperparameter_out_of_range_is_refused(rule, message):
    with pytest.raises((ValueError, TypeError), match=message):
        minimize(bowl(), rule, [1.0, 1.0], 3)


def test_a_pair_of_torchs_in_the_place_of_one_number_is_told():
    for rule in (optimizers.Rprop(0.01, (0.5, 1.2)), optimizers.Adafactor(0.01, (1e-30, 1e-3))):
        with pytest.raises(ValueError, match=r"must be one number, got \(.*a pair of torch's is two numbers here"):
            minimize(bowl(2), rule, (1.0, 2.0), 3)
