"""Minibatches: which examples a step sees, what their gradients are, what they cost, and bad input."""

import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gdviz import data, surfaces
from gdviz.descent import gradient, grid, minimize
from gdviz.minibatches import Minibatches, sampled_loss
from gdviz.optimizers import GradientDescent, Momentum
from gdviz.theory import example_gradients

PATIENTS = data.diabetes().standardized()
LOSS = surfaces.linear_model(PATIENTS)
N = len(PATIENTS)
sizes = st.integers(1, 60).flatmap(lambda n: st.tuples(st.just(n), st.integers(1, n)))


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def batches_of(size, runs=(), n=N, **options):
    return Minibatches(n, size, runs, generator=seeded(), **options)


@pytest.mark.slow
@given(sizes=sizes, runs=st.sampled_from([(), 3, (2, 1)]), epoch=st.integers(0, 3), seed=st.integers(0, 2**40))
def test_without_replacement_every_example_comes_once_in_an_epoch(sizes, runs, epoch, seed):
    n, size = sizes
    batches = Minibatches(n, size, runs, generator=seeded(seed))
    assert batches.steps_per_epoch == math.ceil(n / size)
    steps = range(epoch * batches.steps_per_epoch, (epoch + 1) * batches.steps_per_epoch)
    dealt = torch.cat([batches(step) for step in steps], -1)
    assert torch.equal(dealt.sort(-1).values, torch.arange(n).expand(*batches.runs, n))
    assert [batches(step).shape[-1] for step in steps] == [batches.examples(step) for step in steps]


@given(sizes=sizes, replacement=st.booleans(), step=st.integers(0, 100))
def test_the_same_step_has_the_same_batch_in_any_order(sizes, replacement, step):
    batches = Minibatches(*sizes, 4, replacement, generator=seeded())
    first = batches(step)
    batches(step + 50), batches(0)
    assert torch.equal(batches(step), first)
    assert torch.equal(Minibatches(*sizes, 4, replacement, generator=seeded())(step), first)


@pytest.mark.parametrize("replacement", [False, True])
def test_runs_epochs_and_seeds_have_batches_of_their_own(replacement):
    batches = batches_of(8, 2, replacement=replacement)
    assert not torch.equal(batches(0)[0], batches(0)[1])
    assert not torch.equal(batches(0), batches(batches.steps_per_epoch))
    other = Minibatches(N, 8, 2, replacement, generator=seeded(1))
    assert not torch.equal(batches(0), other(0))


def test_every_run_of_every_axis_has_its_own_batches():
    shuffled = batches_of(N, (2, 3))(0).reshape(6, N)
    assert len({tuple(run.tolist()) for run in shuffled}) == 6


def test_a_hundred_samplers_of_one_generator_have_seeds_of_their_own():
    generator = seeded()
    assert len({tuple(Minibatches(N, 4, generator=generator)(0).tolist()) for _ in range(100)}) == 100


def test_a_batch_that_is_changed_in_place_does_no_harm():
    batches = batches_of(3)
    first = batches(0).clone()
    batches(0).add_(100)
    assert torch.equal(batches(0), first)


def test_whole_numbers_of_numpy_are_taken():
    batches = Minibatches(np.int64(N), np.int64(8), np.int64(2), generator=seeded())
    assert torch.equal(batches(np.int64(3)), batches_of(8, 2)(3))
    fresh = Minibatches(np.int64(N), np.int64(8), replacement=True, generator=seeded())
    assert fresh(np.int64(3)).shape == (8,)


def test_draws_with_replacement_have_no_smaller_batch():
    fresh = batches_of(4, n=10, replacement=True)
    assert [fresh.examples(step) for step in range(6)] == [4] * 6
    assert [batches_of(4, n=10).examples(step) for step in range(6)] == [4, 4, 2, 4, 4, 2]


def test_two_samplers_of_one_generator_differ_and_global_randomness_is_untouched():
    torch.manual_seed(5)
    wanted = torch.rand(3)
    torch.manual_seed(5)
    generator = seeded()
    first, second = (Minibatches(N, 8, generator=generator) for _ in range(2))
    assert not torch.equal(first(0), second(0))
    assert torch.equal(torch.rand(3), wanted)


@pytest.mark.parametrize(("replacement", "share"), [(False, 1.0), (True, 1 - 1 / math.e)])
def test_the_share_of_examples_that_one_epoch_touches(replacement, share):  # NUMBERS 24: 63.2 %
    batches = batches_of(1, 4000, replacement=replacement)
    seen = torch.zeros(4000, N)
    for step in range(N):
        seen.scatter_(1, batches(step), 1.0)
    assert seen.mean().item() == pytest.approx(share, rel=2e-3)
    assert seen.mean().item() == pytest.approx(1 - (1 - 1 / N) ** N if replacement else 1, rel=2e-3)


@pytest.mark.parametrize("replacement", [False, True])
@pytest.mark.parametrize("size", [1, 7, 100])
def test_the_gradient_of_a_minibatch_is_unbiased(size, replacement):
    """Its mean over 4,000 runs is the gradient of the full batch, within four standard errors."""
    sampled = sampled_loss(LOSS, batches_of(size, 4000, replacement=replacement))
    found = minimize(LOSS, GradientDescent(0.1), [3.0, 40.0], 1, sampled_loss=sampled).grads[0]
    error = found.std(0) / 4000**0.5
    assert error.max() < 0.05 * gradient(LOSS, [3.0, 40.0]).norm()
    assert ((found.mean(0) - gradient(LOSS, [3.0, 40.0])).abs() < 4 * error).all()


def test_the_gradient_of_a_minibatch_is_the_mean_of_its_examples_gradients():
    batches, params = batches_of(5, 3), [3.0, 40.0]
    found = minimize(LOSS, GradientDescent(0.1), params, 1, sampled_loss=sampled_loss(LOSS, batches)).grads[0]
    each = example_gradients(LOSS, params)
    assert torch.allclose(found, each[batches(0)].mean(1), rtol=1e-12)


@given(size=st.integers(1, 30), step=st.integers(0, 40), w=st.floats(-50, 50), b=st.floats(-50, 250))
def test_the_sum_is_the_mean_times_the_size_also_of_the_last_batch(size, step, w, b):
    batches, params = Minibatches(30, size, 2, generator=seeded()), torch.tensor([[w, b]]).double().expand(2, 2)
    line = surfaces.linear_model(data.toy_line(30))
    mean, total = (sampled_loss(line, batches, reduce=way) for way in ("mean", "sum"))
    of_mean, of_sum = (gradient(lambda p, f=f: f(p, step), params) for f in (mean, total))
    assert torch.allclose(of_sum, batches.examples(step) * of_mean, rtol=1e-12)


def test_a_sum_steps_as_a_mean_with_a_rate_B_times_as_large():
    line, paths = surfaces.linear_model(data.toy_line(40)), []
    for reduce, lr in (("sum", 0.01), ("mean", 0.08)):
        f = sampled_loss(line, batches_of(8, n=40), reduce=reduce)
        paths.append(minimize(line, GradientDescent(lr), line.start, 30, sampled_loss=f).params)
    assert torch.allclose(*paths, rtol=1e-9)


def test_the_full_batch_is_plain_descent():
    sampled = sampled_loss(LOSS, batches_of(N, 2))
    noisy = minimize(LOSS, Momentum(lr=0.05), LOSS.start, 40, sampled_loss=sampled)
    plain = minimize(LOSS, Momentum(lr=0.05), LOSS.start, 40)
    assert torch.allclose(noisy.params, plain.params[:, None].expand(-1, 2, -1), rtol=1e-9)
    assert torch.allclose(noisy.losses, plain.losses[:, None].expand(-1, 2), rtol=1e-9)
    assert torch.equal(noisy.examples, plain.examples[:, None].expand(-1, 2))


def test_batch_sizes_seeds_and_rates_are_axes_of_one_run():
    many = [batches_of(size, (3, 1)) for size in (1, 10, N)]
    rates = [0.01, 0.1]
    together = minimize(LOSS, GradientDescent(**grid(lr=rates)), LOSS.start, 12, sampled_loss=sampled_loss(LOSS, many))
    assert together.params.shape == (13, 3, 3, 2, 2)
    for k, batches in enumerate(many):
        for j, lr in enumerate(rates):
            alone = minimize(
                LOSS, GradientDescent(lr), torch.zeros(3, 1, 2).double(), 12,
                sampled_loss=sampled_loss(LOSS, batches),
            )  # fmt: skip
            assert torch.allclose(together.params[:, k, :, j], alone.params[..., 0, :], rtol=1e-9)
            assert torch.equal(together.examples[:, k, :, j], alone.examples[..., 0])


@pytest.mark.parametrize("rates", [[0.01, 0.1], [0.01, 0.05, 0.1]])
def test_a_sweep_may_stand_left_of_the_batch_sizes(rates):
    f = sampled_loss(LOSS, [batches_of(1, 3), batches_of(N, 3)])
    lr = torch.tensor(rates, dtype=torch.float64)[:, None, None, None]
    together = minimize(LOSS, GradientDescent(lr), LOSS.start, 20, sampled_loss=f)
    assert together.params.shape == (21, len(rates), 2, 3, 2)
    for j, rate in enumerate(rates):
        for k, size in enumerate((1, N)):
            one = sampled_loss(LOSS, batches_of(size, 3))
            alone = minimize(LOSS, GradientDescent(rate), LOSS.start, 20, sampled_loss=one)
            assert torch.allclose(together.params[:, j, k], alone.params, rtol=1e-9)
            assert torch.equal(together.examples[:, j, k], alone.examples)


def test_the_trajectory_counts_the_examples_that_it_touched():
    sampled = sampled_loss(LOSS, [batches_of(size, 2) for size in (100, N)])
    descent = minimize(LOSS, GradientDescent(0.1), LOSS.start, 6, sampled_loss=sampled)
    assert descent.examples[:, 0, 0].tolist() == [0, 100, 200, 300, 400, 442, 542]  # the fifth batch has 42
    assert descent.examples[:, 1, 1].tolist() == [442 * step for step in range(7)]
    assert minimize(LOSS, GradientDescent(0.1), LOSS.start, 3).examples.tolist() == [0, 442, 884, 1326]
    assert minimize(surfaces.bowl(), GradientDescent(0.1), [[1.0, 1.0]] * 2, 2).examples.tolist() == [
        [0, 0],
        [1, 1],
        [2, 2],
    ]
    assert minimize(LOSS, GradientDescent(0.1), LOSS.start, 0).examples.tolist() == [0]


def test_the_trajectory_counts_the_seconds_of_gradients_and_updates_alone():
    def slow_to_look_at(params):
        calls.append(1)
        return LOSS(params)

    calls, sampled = [], sampled_loss(LOSS, batches_of(8))
    seconds = minimize(slow_to_look_at, GradientDescent(0.1), LOSS.start, 20, sampled_loss=sampled).seconds
    assert seconds.shape == (21,)
    assert seconds[0] == 0
    assert (seconds.diff() > 0).all()
    assert len(calls) == 22  # once at the door and once for each entry of losses: no step looks at the full loss


def test_seconds_leave_out_the_full_loss(monkeypatch):
    clock = iter(range(10**6))
    monkeypatch.setattr("time.perf_counter", lambda: float(next(clock)))

    def late(params):
        next(clock), next(clock), next(clock)
        return LOSS(params)

    class SlowRule(GradientDescent):
        def update(self, params, grads, state):
            next(clock)
            return super().update(params, grads, state)

    def slow_schedule(step):
        next(clock), next(clock)
        return SlowRule(0.1)

    sampled = sampled_loss(LOSS, batches_of(8))
    seconds = minimize(late, slow_schedule, LOSS.start, 4, sampled_loss=sampled).seconds
    assert seconds.tolist() == [0, 2, 4, 6, 8]  # one of the clock, one of the update


@pytest.mark.parametrize("size", [0, -3, 2.5, "8", None, True, math.nan, [8]])
def test_a_batch_size_is_a_whole_number_of_examples(size):
    with pytest.raises(ValueError, match=r"batch_size must be a whole number from 1 to 442, got"):
        batches_of(size)


def test_a_batch_above_the_data_is_said_to_be_the_full_batch():
    with pytest.raises(ValueError, match=r"got 500; all 442 are the full batch, batch_size=442"):
        batches_of(500)


@pytest.mark.parametrize("n", [0, -1, 4.5, None])
def test_an_empty_data_set_has_no_minibatches(n):
    with pytest.raises(ValueError, match="n must be how many examples there are, 1 or more, got"):
        Minibatches(n, 1, generator=seeded())


@pytest.mark.parametrize("runs", [0, -2, (3, 0), 2.5, "many", (2, 1.5), True])
def test_runs_are_sizes_of_axes(runs):
    with pytest.raises(ValueError, match="runs must be how many runs there are"):
        batches_of(8, runs)


@pytest.mark.parametrize("generator", [None, 0, 2**63])
def test_a_generator_is_asked_for(generator):
    with pytest.raises(
        TypeError, match=r"generator must be a torch.Generator, torch.Generator\(\).manual_seed\(0\), got"
    ):
        Minibatches(N, 8, generator=generator)
    with pytest.raises(TypeError, match="generator"):
        Minibatches(N, 8)


def test_a_generator_of_another_device_is_refused(monkeypatch):
    class Elsewhere:  # torch makes one of another device only where there is such a device
        device = torch.device("cuda:0")

    monkeypatch.setattr("gdviz.minibatches.batches.torch", SimpleNamespace(Generator=Elsewhere))
    with pytest.raises(ValueError, match="generator must be of the CPU, where the examples are, got one of cuda:0"):
        Minibatches(N, 8, generator=Elsewhere())


@pytest.mark.parametrize("replacement", [None, 1, "no"])
def test_replacement_is_true_or_false(replacement):
    with pytest.raises(TypeError, match="replacement must be True or False"):
        batches_of(8, replacement=replacement)


@pytest.mark.parametrize("step", [-1, 0.5, None])
def test_a_step_is_a_whole_number(step):
    with pytest.raises(ValueError, match="step must be a whole number"):
        batches_of(8)(step)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((LOSS, []), TypeError, r"batches must be Minibatches or a list of them, got \(?\[?"),
        ((LOSS, 8), TypeError, "batches must be Minibatches or a list of them, got 8"),
        ((LOSS, [8, 16]), TypeError, r"batches must be Minibatches or a list of them, got \[8, 16\]"),
        (
            (None, batches_of(8)),
            TypeError,
            r"the loss must be one of data, with examples and example_loss\(params, i\), got",
        ),
        ((surfaces.bowl(), batches_of(8)), TypeError, "the loss must be one of data, with examples"),
        ((LOSS, batches_of(8, n=44)), ValueError, "the loss has 442 examples and the Minibatches 44; n=442"),
        ((LOSS, [batches_of(8), batches_of(8, n=44)]), ValueError, "must share n and runs, got n 442 with"),
        (
            (LOSS, [batches_of(8, 2), batches_of(4, 3)]),
            ValueError,
            "must share n and runs, got n 442 with",
        ),
    ],
)
def test_a_sampled_loss_refuses(arguments, error, message):
    with pytest.raises(error, match=message):
        sampled_loss(*arguments)


def test_any_other_way_than_mean_and_sum_is_refused():
    with pytest.raises(ValueError, match='reduce must be "mean" or "sum", got \'max\''):
        sampled_loss(LOSS, batches_of(8), reduce="max")


@pytest.mark.parametrize(
    "wrong", [lambda p, i: LOSS(p), lambda p, i: 3.0, lambda p, i: LOSS.example_loss(p, i).mean(-1)]
)
def test_an_example_loss_of_another_shape_is_refused(wrong):
    loss = replace(LOSS, example_loss=wrong)
    with pytest.raises(ValueError, match=r"example_loss must return the loss of each example, shape \(2, 8\), got"):
        minimize(LOSS, GradientDescent(0.1), LOSS.start, 1, sampled_loss=sampled_loss(loss, batches_of(8, 2)))


def test_a_sweep_without_an_axis_in_the_runs_says_so():
    f = sampled_loss(LOSS, batches_of(8, 3))
    with pytest.raises(
        ValueError, match=r"lr of shape \(2, 1\) does not broadcast against params \(3, 2\); .* runs=\(3, 1\)"
    ):
        minimize(LOSS, GradientDescent(**grid(lr=[0.1, 0.2])), LOSS.start, 1, sampled_loss=f)


@pytest.mark.parametrize("examples", [[1, 2, 3], "many", None])
def test_a_count_of_examples_that_is_no_number_is_refused_at_the_door(examples):
    def loss(params):
        calls.append(1)
        return LOSS(params)

    calls, loss.examples = [], examples
    with pytest.raises(ValueError, match="examples of the loss must be a number, or a function of the step"):
        minimize(loss, GradientDescent(0.1), LOSS.start, 4)
    assert not calls


def test_a_sampled_loss_that_is_no_function_is_refused():
    with pytest.raises(TypeError, match="sampled_loss must be a function of params"):
        minimize(LOSS, GradientDescent(0.1), LOSS.start, 1, sampled_loss=3)


def test_a_start_that_does_not_fit_the_runs_is_refused():
    starts = torch.zeros(5, 2).double()
    with pytest.raises(
        ValueError, match=r"start of shape \(5, 2\) does not broadcast against the runs \(3,\) of sampled"
    ):
        minimize(LOSS, GradientDescent(0.1), starts, 1, sampled_loss=sampled_loss(LOSS, batches_of(8, 3)))


def test_without_shuffling_the_examples_come_in_their_order_for_ever():
    batches = Minibatches(5, 2, 3, shuffle=False)
    assert [batches(step)[0].tolist() for step in range(4)] == [[0, 1], [2, 3], [4], [0, 1]]
    assert batches(7).tolist() == [[2, 3]] * 3
    with pytest.raises(ValueError, match="replacement draws by chance; shuffle=False has an order"):
        Minibatches(5, 2, replacement=True, shuffle=False)
    with pytest.raises(TypeError, match="shuffle must be True or False, got 0"):
        Minibatches(5, 2, shuffle=0)
    with pytest.raises(TypeError, match=r"generator must be a torch\.Generator"):
        Minibatches(5, 2)
