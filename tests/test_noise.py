"""The noise of a gradient: predicted and measured, with the numbers of the literature."""

import math
from dataclasses import replace
from itertools import combinations, product

import numpy as np
import pytest
import scipy.linalg
import torch
from hypothesis import given
from hypothesis import strategies as st

from gdviz import data, surfaces, theory
from gdviz.descent import gradient, minimize
from gdviz.minibatches import Minibatches, noisy_loss, sampled_loss
from gdviz.optimizers import GradientDescent, Momentum
from gdviz.theory import averaged, covariance, example_gradients, gradient_covariance

RUNS = 4000
PATIENTS = data.diabetes().standardized()
LOSS = surfaces.linear_model(PATIENTS)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def in_the_long_run(loss, rule, noisy, steps, since):
    """The covariance of the cloud around 0, averaged over every 20th step from `since` on."""
    cloud = minimize(loss, rule, torch.zeros(2).double(), steps, sampled_loss=noisy).params[since::20]
    return covariance(cloud).mean(0)


@pytest.mark.slow
def test_the_noise_ball_of_additive_noise():  # NUMBERS 7: .02778, .01563, loss floor .0590
    bowl = surfaces.bowl(2, smallest=2)  # curvatures 2 and 4
    noisy = noisy_loss(bowl, 1.0, runs=RUNS, generator=seeded())
    ball = minimize(bowl, GradientDescent(0.1), torch.zeros(2).double(), 400, sampled_loss=noisy)
    found = covariance(ball.params[100::20]).mean(0)
    assert found.diagonal().tolist() == pytest.approx([0.02778, 0.01563], rel=0.05)
    assert abs(found[0, 1]) < 0.001
    assert ball.losses[100:].mean().item() == pytest.approx(0.0590, rel=0.05)
    predicted = theory.ball(torch.diag(torch.tensor([2.0, 4.0])), torch.eye(2), lr=0.1)
    assert predicted.diagonal().tolist() == pytest.approx([0.1 / (2 * 1.8), 0.1 / (4 * 1.6)], rel=1e-12)
    assert (predicted.diagonal() * torch.tensor([1.0, 2.0])).sum().item() == pytest.approx(0.0590, abs=5e-5)


@pytest.mark.slow
def test_the_noise_ball_of_the_heavy_ball():  # NUMBERS 7: .0501
    noisy = noisy_loss(lambda w: (w**2).sum(-1) / 2, 1.0, runs=RUNS, generator=seeded())
    found = in_the_long_run(lambda w: (w**2).sum(-1) / 2, Momentum(lr=0.01, momentum=0.9), noisy, 400, 250)
    assert found.diagonal().tolist() == pytest.approx([0.0501] * 2, rel=0.05)
    assert theory.ball([[1.0]], [[1.0]], lr=0.01, momentum=0.9).item() == pytest.approx(0.0501, abs=5e-5)


@given(
    lr=st.floats(0.001, 0.3), beta=st.floats(0, 0.95), curvature=st.floats(0.5, 5), s2=st.floats(0.1, 9),
    size=st.integers(1, 99),
)  # fmt: skip
def test_the_noise_ball_is_the_published_formula(lr, beta, curvature, s2, size):
    found = theory.ball([[curvature]], [[s2 / size]], lr, beta).item()
    wanted = lr * s2 * (1 + beta) / (size * curvature * (1 - beta) * (2 * (1 + beta) - lr * curvature))
    assert found == pytest.approx(wanted, rel=1e-9)


@pytest.mark.slow
@given(angle=st.floats(0, 3), beta=st.floats(0, 0.9), lr=st.floats(0.01, 0.2))
def test_the_noise_ball_of_noise_along_other_axes_solves_lyapunovs_equation(angle, beta, lr):
    turn = torch.tensor([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]).double()
    H, C = torch.diag(torch.tensor([1.0, 5.0]).double()), turn @ torch.diag(torch.tensor([3.0, 0.2]).double()) @ turn.T
    one, H_, C_ = np.eye(2), H.numpy(), C.numpy()
    A = np.block([[one - lr * H_, -lr * beta * one], [H_, beta * one]])
    Q = np.block([[lr**2 * C_, -lr * C_], [-lr * C_, C_]])
    assert np.allclose(theory.ball(H, C, lr, beta), scipy.linalg.solve_discrete_lyapunov(A, Q)[:2, :2], rtol=1e-8)


def test_noise_balls_broadcast_and_none_is_left_where_a_step_diverges():
    rates = torch.tensor([0.01, 0.1, 0.49, 0.51]).double()
    balls = theory.ball(torch.diag(torch.tensor([1.0, 4.0])), torch.eye(2), rates[:, None], torch.tensor([0.0, 0.5]))
    assert balls.shape == (4, 2, 2, 2)
    assert torch.isfinite(balls[:3]).all()
    assert torch.isnan(balls[3, 0]).all()  # above 2 / L
    assert torch.isfinite(balls[3, 1]).all()  # below 2 (1 + 0.5) / L
    alone = theory.ball(torch.diag(torch.tensor([1.0, 4.0])), torch.eye(2), 0.1, 0.5)
    assert torch.allclose(balls[1, 1], alone, rtol=1e-12)


def well_specified(n, spread=0.2):
    """y = 2 x + 1 + noise of variance 1: half the loss has the condition number 1 / spread^2, about."""
    generator = seeded(3)
    x = spread * torch.randn(n, generator=generator, dtype=torch.float64)
    loss = surfaces.linear_model(data.Data(x, 2 * x + 1 + torch.randn(n, generator=generator, dtype=torch.float64)))
    minimum = torch.tensor(loss.minima[0]).double()
    hessian = torch.autograd.functional.hessian(loss, minimum) / 2
    return loss, minimum, hessian


def nothing(params):
    """In the place of the full loss of 4,000 runs, which nobody looks at."""
    return 0 * params.sum(-1)


def half(loss):
    return replace(loss, example_loss=lambda params, i: loss.example_loss(params, i) / 2)


def cloud_of(loss, minimum, lr, size, steps, since):
    batches = Minibatches(loss.examples, size, RUNS, replacement=True, generator=seeded(size))
    run = minimize(nothing, GradientDescent(lr), minimum, steps, sampled_loss=sampled_loss(half(loss), batches))
    return covariance(run.params[since::50]).mean(0)


@pytest.mark.slow
def test_real_minibatch_noise_on_well_specified_least_squares_is_round():  # NUMBERS 8: .003125, whatever kappa
    loss, minimum, hessian = well_specified(n=40_000)
    assert 22 < torch.linalg.cond(hessian) < 28
    found = cloud_of(loss, minimum, lr=0.05, size=8, steps=2200, since=1600)
    s2 = float(loss(minimum))  # of the residuals: 1, but for the sample
    assert found.diagonal().tolist() == pytest.approx([0.05 * s2 / (2 * 8)] * 2, rel=0.05)
    assert abs(found[0, 1]) < 0.05 * 0.003125
    batches = Minibatches(loss.examples, 8, replacement=True, generator=seeded())
    assert torch.allclose(gradient_covariance(half(loss), minimum, batches), s2 * hessian / 8, atol=0.06 / 8)


@pytest.mark.slow
def test_isotropic_noise_in_the_same_valley_is_not_round():  # NUMBERS 8: .0033 and .0787
    H = torch.diag(torch.tensor([0.97, 0.97 / 24.7]).double())
    noisy = noisy_loss(lambda w: (H.diagonal() * w**2).sum(-1) / 2, 1 / 8, runs=RUNS, generator=seeded())
    found = in_the_long_run(lambda w: (H.diagonal() * w**2).sum(-1) / 2, GradientDescent(0.05), noisy, 3000, 1500)
    assert found.diagonal().tolist() == pytest.approx([0.0033, 0.0787], rel=0.05)
    assert theory.ball(H, torch.eye(2) / 8, 0.05).diagonal().tolist() == pytest.approx([0.0033, 0.0787], rel=0.03)


@pytest.mark.slow
def test_the_dial_is_lr_over_batch_size():  # NUMBERS 9
    loss, minimum, _ = well_specified(n=40_000, spread=0.5)
    first, *others = (cloud_of(loss, minimum, 0.01 * k, 4 * k, steps=1200 // k, since=600 // k) for k in (1, 2, 4))
    assert first.diagonal().tolist() == pytest.approx([0.01 * float(loss(minimum)) / (2 * 4)] * 2, rel=0.05)
    for cloud in others:
        assert torch.allclose(cloud, first, rtol=0, atol=0.05 * float(first[0, 0]))


@pytest.mark.parametrize("replacement", [False, True])
@pytest.mark.parametrize("size", [1, 8, 100, 400])
def test_the_predicted_covariance_is_that_of_4000_minibatches(size, replacement):
    """At a point on the way, for real data: each entry within 5 % of the largest."""
    point = [20.0, 60.0]
    batches = Minibatches(442, size, RUNS, replacement, generator=seeded())
    sampled = sampled_loss(LOSS, batches)
    many = [
        gradient(lambda p, s=step: sampled(p, s), torch.tensor(point).expand(RUNS, 2).double())
        for step in range(0, 12 * batches.steps_per_epoch, batches.steps_per_epoch)
    ]
    found, predicted = covariance(torch.cat(many)), gradient_covariance(LOSS, point, batches)
    assert torch.allclose(found, predicted, rtol=0, atol=0.05 * float(predicted.abs().max()))


@pytest.mark.parametrize("replacement", [False, True])
def test_the_predicted_covariance_is_that_of_all_batches_there_are(replacement):
    """Exactly: all 10 pairs of 5 examples, or all 25 draws of two."""
    few = surfaces.linear_model(data.own([0.0, 1.0, 2.0, 4.0, 7.0], [3.0, 1.0, 4.0, 1.0, 5.0]))
    each = example_gradients(few, [0.5, -1.0])
    pairs = list(product(range(5), repeat=2) if replacement else combinations(range(5), 2))
    means = each[torch.tensor(pairs)].mean(1)
    away = means - means.mean(0)
    batches = Minibatches(5, 2, replacement=replacement, generator=seeded())
    assert torch.allclose(gradient_covariance(few, [0.5, -1.0], batches), away.T @ away / len(pairs), rtol=1e-12)


def test_the_covariance_of_a_batch_is_that_of_an_example_over_its_size():
    one, eight = (Minibatches(442, size, replacement=True, generator=seeded()) for size in (1, 8))
    of_one, of_eight = (gradient_covariance(LOSS, [1.0, 2.0], batches) for batches in (one, eight))
    assert torch.allclose(of_one / 8, of_eight, rtol=1e-12)
    everything = Minibatches(442, 442, generator=seeded())
    assert (gradient_covariance(LOSS, [1.0, 2.0], everything) == 0).all()


@pytest.mark.slow
def test_shuffled_epochs_keep_the_flat_direction_quieter_than_fresh_draws():
    """Within an epoch the batches' errors cancel: at its end the ball is far smaller along the flat direction."""
    loss, minimum, _ = well_specified(n=400)
    ends = {}
    for replacement in (False, True):
        batches = Minibatches(400, 8, RUNS, replacement, generator=seeded())
        run = minimize(nothing, GradientDescent(0.05), minimum, 600,
                       sampled_loss=sampled_loss(half(loss), batches))  # fmt: skip
        ends[replacement] = covariance(run.params[-1])[0, 0]
    assert ends[False] < 0.2 * ends[True]


def test_the_gradients_of_the_examples_are_the_formula_and_their_mean_the_gradient():
    params = torch.tensor([[3.0, 40.0], [-5.0, 150.0]]).double()
    each = example_gradients(LOSS, params)
    residual = params[:, :1] * PATIENTS.x + params[:, 1:] - PATIENTS.y
    assert torch.allclose(each, torch.stack([2 * residual * PATIENTS.x, 2 * residual], -1), rtol=1e-12)
    assert torch.allclose(each.mean(1), gradient(LOSS, params), rtol=1e-10)


def test_the_gradients_of_the_examples_are_in_float64_and_of_any_mode():
    with torch.no_grad():
        each = example_gradients(LOSS, torch.tensor([3.0, 40.0]))
    assert each.dtype == torch.float64
    assert torch.equal(each, example_gradients(LOSS, [3.0, 40.0]))


@pytest.mark.parametrize(
    ("loss", "params", "message"),
    [
        (LOSS, 3.0, r"params must have shape \(..., d\), got 3.0"),
        (
            replace(LOSS, example_loss=lambda p, i: LOSS(p)),
            [1.0, 2.0],
            "example_loss must return the loss of each example",
        ),
    ],
)
def test_the_gradients_of_the_examples_refuse(loss, params, message):
    with pytest.raises(ValueError, match=message):
        example_gradients(loss, params)


def test_minibatches_of_other_data_have_no_covariance_here():
    with pytest.raises(ValueError, match="the loss has 442 examples and the Minibatches 44"):
        gradient_covariance(LOSS, [1.0, 2.0], Minibatches(44, 8, generator=seeded()))


def test_covariance_is_numpys():
    cloud = torch.randn(3, 50, 2, generator=seeded(), dtype=torch.float64)
    for found, points in zip(covariance(cloud), cloud, strict=True):
        assert np.allclose(found, np.cov(points.numpy().T), rtol=1e-12)
    assert torch.equal(covariance(cloud.numpy()), covariance(cloud.requires_grad_()))


@given(since=st.integers(0, 20))
def test_the_average_is_the_mean_of_the_iterates_since_a_step(since):
    params = torch.randn(21, 3, 2, generator=seeded(), dtype=torch.float64)
    found = averaged(params, since)
    assert found.shape == params.shape
    assert torch.equal(found[:since], params[:since])
    for t in range(since, 21):
        assert torch.allclose(found[t], params[since : t + 1].mean(0), rtol=1e-9, atol=1e-12)


@pytest.mark.slow
def test_the_average_ends_nearer_than_the_last_iterate():
    bowl = surfaces.bowl(2, smallest=2)
    noisy = noisy_loss(bowl, 1.0, runs=RUNS, generator=seeded())
    run = minimize(bowl, GradientDescent(0.1), torch.zeros(2).double(), 400, sampled_loss=noisy)
    far, near = run.params[-1].square().mean(0), averaged(run.params)[-1].square().mean(0)
    assert near.tolist() == pytest.approx((1 / torch.tensor([4.0, 16.0]) / 400).tolist(), rel=0.1)  # s2 / (lambda^2 t)
    assert (near < 0.1 * far).all()


@pytest.mark.parametrize("variance", [-1, math.nan, math.inf, torch.tensor([1.0, -1.0])])
def test_a_variance_is_not_negative(variance):
    with pytest.raises(ValueError, match="variance must be 0 or more and finite, got"):
        noisy_loss(LOSS, variance, generator=seeded())


@pytest.mark.parametrize("variance", ["much", None, [[1.0], [1.0, 2.0]]])
def test_a_variance_is_a_number(variance):
    with pytest.raises(TypeError, match="variance must be a number or a tensor"):
        noisy_loss(LOSS, variance, generator=seeded())


def test_a_noisy_loss_touches_the_examples_of_its_loss():
    noisy = noisy_loss(LOSS, 1.0, runs=2, generator=seeded())
    run = minimize(LOSS, GradientDescent(0.1), LOSS.start, 2, sampled_loss=noisy)
    assert run.examples.tolist() == [[0, 0], [442, 442], [884, 884]]
    with pytest.raises(TypeError, match="loss must be a function of params"):
        noisy_loss(None, 1.0, generator=seeded())


def test_noise_is_the_same_at_every_call_and_that_of_each_run_its_own():
    noisy = noisy_loss(surfaces.bowl(), 1.0, runs=3, generator=seeded())
    params = torch.ones(3, 2).double()
    assert torch.equal(noisy(params, 7), noisy(params, 7))
    assert not torch.equal(noisy(params, 7), noisy(params, 8))
    assert len(set(noisy(params, 7).tolist())) == 3


def test_noise_takes_a_variance_for_each_batch_size_and_keeps_float32():
    sizes = torch.tensor([1.0, 100.0])
    noisy = noisy_loss(surfaces.bowl(), 1 / sizes[:, None, None], runs=(2, RUNS), generator=seeded())
    run = minimize(surfaces.bowl(), GradientDescent(0.1), torch.zeros(2), 1, sampled_loss=noisy)
    assert run.params.dtype == torch.float32
    assert run.grads[0].std(1).flatten().tolist() == pytest.approx([1, 1, 0.1, 0.1], rel=0.05)


@pytest.mark.parametrize(
    ("lr", "momentum", "message"), [(-0.1, 0, "lr must be positive"), (0.1, 1.0, r"momentum must be in \[0, 1\)")]
)
def test_a_noise_ball_refuses_hyperparameters_out_of_range(lr, momentum, message):
    with pytest.raises(ValueError, match=message):
        theory.ball(torch.eye(2), torch.eye(2), lr, momentum)


def test_gradients_of_examples_need_a_loss_of_examples():
    with pytest.raises(TypeError, match="the loss must be one of data, with examples and example_loss"):
        theory.example_gradients(surfaces.booth(), [0.0, 0.0])


def test_a_rate_that_rests_has_no_ball():
    assert theory.ball(torch.eye(2), torch.eye(2), 0).isnan().all()


@pytest.mark.parametrize(
    ("hessian", "cov"), [(torch.eye(2), torch.eye(3)), ([1.0, 2.0], [1.0, 2.0]), (torch.ones(2, 3), torch.ones(2, 3))]
)
def test_a_noise_ball_needs_square_matrices_of_one_size(hessian, cov):
    with pytest.raises(ValueError, match=r"hessian and covariance must both be \(..., d, d\)"):
        theory.ball(hessian, cov, 0.1)


@pytest.mark.parametrize("wrong", [[[1.0, 2.0], [0.0, 1.0]], [[math.nan, 0.0], [0.0, 1.0]]])
def test_a_noise_ball_needs_symmetric_matrices(wrong):
    with pytest.raises(ValueError, match="hessian and covariance must be symmetric, and the hessian finite"):
        theory.ball(wrong, torch.eye(2), 0.1)


@pytest.mark.parametrize("cloud", [torch.zeros(2), torch.zeros(1, 2)])
def test_a_cloud_has_two_points(cloud):
    with pytest.raises(ValueError, match="a cloud has the shape"):
        covariance(cloud)


@pytest.mark.parametrize("since", [-1, 5, 1.5, True, None])
def test_an_average_begins_at_a_step(since):
    with pytest.raises(ValueError, match="since must be a whole number from 0 to 4, got"):
        averaged(torch.zeros(5, 2), since)
