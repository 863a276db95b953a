"""SAM and the schedule-free rules, which take the gradient at one point and have their weights at another."""

import copy
import io
import math
import pickle

import numpy as np
import pytest
import torch
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from test_equals_torch import difference, network, smooth_loss
from torch.nn import functional as F
from torch.optim import lr_scheduler
from torch_pairs import TWO_POINTS

from gdviz import data, surfaces
from gdviz.descent import gradient, grid, minimize
from gdviz.hyperparameters import checked
from gdviz.minibatches import Minibatches, sampled_loss
from gdviz.networks import TorchOptimizer, evaluate, fit
from gdviz.optimizers import SAM, Adam, GradientDescent, ScheduleFreeAdamW, ScheduleFreeSGD
from gdviz.theory import effective_rate

TOLERANCE = 1e-10
FREE = [ScheduleFreeSGD, ScheduleFreeAdamW]
each = pytest.mark.parametrize("rule", TWO_POINTS, ids=lambda rule: rule.__name__)
each_free = pytest.mark.parametrize("rule", FREE, ids=lambda rule: rule.__name__)


def parabola(curvature):
    return lambda w: curvature / 2 * w.square().sum(-1)


# --- laws -------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_sam_on_a_parabola_ends_bouncing_at_lr_lambda_rho_over_2_minus_lr_lambda():  # NUMBERS 35
    swept = grid(lr=[0.1, 0.5, 1.0], rho=[0.01, 0.05, 0.3])
    for curvature in (0.5, 1.0, 1.9):
        ends = minimize(parabola(curvature), SAM(**swept), [3.0], 1000).params[-2:, ..., 0]
        a = swept["lr"][..., 0] * curvature
        assert torch.allclose(ends.abs(), a * swept["rho"][..., 0] / (2 - a), rtol=1e-10)
        assert (ends[0] * ends[1] < 0).all()
    usual = minimize(parabola(1.0), SAM(lr=0.1), [3.0], 1000).params[-1].abs().item()
    assert usual == pytest.approx(0.00263, abs=5e-6)


@pytest.mark.slow
def test_schedule_free_on_a_parabola_comes_down_below_2_over_1_minus_beta_lambda():  # NUMBERS 36
    for beta, curvature in ((0.0, 1.0), (0.5, 4.0), (0.9, 1.0)):
        limit = 2 / ((1 - beta) * curvature)
        run = minimize(
            parabola(curvature), ScheduleFreeSGD(**grid(lr=[0.95 * limit, 1.05 * limit]), beta=beta), [1.0], 2000
        )
        for weights in (run.params, run.answers):
            assert weights[-1, 0].abs() < 1e-2
            assert weights[-1, 1].abs() > 1e20
    run = minimize(parabola(1.0), ScheduleFreeSGD(**grid(lr=[19.9, 20.1]), beta=0.9), [1.0], 10_000)
    below, above = run.params[..., 0].abs().unbind(-1)
    assert (below.max().item(), int(below.argmax())) == (pytest.approx(1.3e20, rel=0.02), 896)
    assert below[-1] < 1e-8
    assert above[-1] > 1e70


def test_schedule_free_keeps_y_between_z_and_x_the_mean_of_all_z():  # NUMBERS 36
    for rule in (ScheduleFreeSGD(0.3, beta=0.8), ScheduleFreeAdamW(0.1, beta1=0.8, weight_decay=0.1)):
        run = minimize(surfaces.ravine(), rule, (-5.0, -2.0), 50)
        z, x = run.states.z, run.states.x
        means = z[1:].cumsum(0) / torch.arange(1, 51)[:, None]  # without the start
        assert torch.allclose(x[1:], means, rtol=1e-12)
        assert torch.allclose(run.params, 0.2 * z + 0.8 * x, rtol=1e-13)
        assert torch.equal(run.answers, x)
    sgd = minimize(surfaces.ravine(), ScheduleFreeSGD(0.3, beta=0.8), (-5.0, -2.0), 50)
    assert torch.allclose(sgd.states.z[1:], sgd.states.z[:-1] - 0.3 * sgd.grads, rtol=1e-13)


def test_without_their_second_point_they_are_gradient_descent():
    descent = minimize(surfaces.ravine(), GradientDescent(0.3), (-5.0, -2.0), 50)
    assert torch.equal(minimize(surfaces.ravine(), SAM(0.3, rho=0.0), (-5.0, -2.0), 50).params, descent.params)
    free = minimize(surfaces.ravine(), ScheduleFreeSGD(0.3, beta=0.0), (-5.0, -2.0), 50)
    assert torch.allclose(free.params, descent.params, rtol=1e-13)
    assert torch.allclose(free.answers[-1], descent.params[1:].mean(0), rtol=1e-12)
    assert descent.answers is descent.params


def test_the_gradient_of_sam_is_that_of_the_point_rho_up_the_slope_and_its_losses_are_those_of_the_weights():
    loss = surfaces.beale()
    run = minimize(loss, SAM(0.01, rho=0.2), (1.0, 1.0), 30)
    for w, g, moved in zip(run.params, run.grads, run.params[1:]):
        up = gradient(loss, w)
        assert torch.allclose(g, gradient(loss, w + 0.2 * up / up.norm()), rtol=1e-12)
        assert torch.allclose(moved, w - 0.01 * g, rtol=1e-13)
    assert torch.equal(run.losses, loss(run.params))


def test_a_gradient_of_zero_leaves_sam_where_it_is():
    runs = minimize(parabola(1.0), SAM(0.1), [[0.0, 0.0], [1.0, 0.0]], 3)
    assert (runs.params[:, 0] == 0).all()
    assert torch.isfinite(runs.params).all()
    (w,) = parameters([0.0, 0.0])
    optimizer = TorchOptimizer([w], SAM(0.1))
    optimizer.step(closure_of(optimizer, lambda: (w**2).sum()))
    assert w.tolist() == [0.0, 0.0]


def test_both_gradients_are_of_the_steps_own_minibatch_and_both_are_counted():
    seen = []

    def of_the_step(w, step):
        seen.append(step)
        return (step + 1) * parabola(1.0)(w)

    of_the_step.examples = lambda step: 10 + step
    run = minimize(parabola(1.0), SAM(0.1), [1.0], 3, sampled_loss=of_the_step)
    assert seen[-6:] == [0, 0, 1, 1, 2, 2]
    assert run.examples.tolist() == [0, 20, 42, 66]
    mixed = minimize(parabola(1.0), lambda step: SAM(0.1) if step < 2 else GradientDescent(0.1), [1.0], 4)
    assert mixed.examples.tolist() == [0, 2, 4, 5, 6]


# --- proof ------------------------------------------------------------------------------------------------------------


def ascent_of_the_paper(g, rho, p=2):
    """Foret et al. 2021, equation 2, for any p: 1/p + 1/q = 1."""
    q = 1 / (1 - 1 / p)
    return rho * np.sign(g) * np.abs(g) ** (q - 1) / (np.abs(g) ** q).sum() ** (1 / p)


def schedule_free_of_the_paper(grads, start, lr, beta, scaled=lambda gs, y: gs[-1]):
    """Defazio et al. 2024, algorithm 1: y of each step. x is the mean of all z, written as such."""
    zs, ys = [start], [start]
    for t in range(1, len(grads) + 1):
        zs.append(zs[-1] - lr * scaled(grads[:t], ys[-1]))
        x = np.mean(zs[1:], axis=0)
        ys.append(x + (1 - beta) * (zs[-1] - x))
    return np.array(ys)


def adam_scaled(beta2, eps, decay):
    """The gradient over the root of v_hat, written as a weighted sum of all squares so far."""

    def scaled(grads, y):
        ages = np.arange(len(grads))[::-1]
        weights = beta2**ages * (1 - beta2) / (1 - beta2 ** len(grads))
        return grads[-1] / (np.sqrt((weights[:, None] * grads**2).sum(0)) + eps) + decay * y

    return scaled


@pytest.mark.slow
@each
@settings(max_examples=5, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(draw=st.data(), seed=st.integers(0, 2**31))
def test_a_rule_is_the_pseudo_code_of_its_paper(rule, draw, seed):
    hyper = {name: draw.draw(strategy, label=name) for name, strategy in TWO_POINTS[rule].drawn.items()}
    loss = smooth_loss(3, seed, waves=0.3)
    run = minimize(loss, rule(**hyper), [2.0, -1.0, 0.5], 300)
    params, grads = run.params.numpy(), run.grads.numpy()
    if rule is SAM:
        climbs = np.array([ascent_of_the_paper(gradient(loss, w).numpy(), hyper["rho"]) for w in run.params[:-1]])
        at_the_probe = gradient(loss, run.params[:-1] + torch.tensor(climbs)).numpy()
        wanted = np.concatenate([params[:1], params[:-1] - hyper["lr"] * at_the_probe])
    elif rule is ScheduleFreeSGD:
        wanted = schedule_free_of_the_paper(grads, params[0], **hyper)
    else:
        scaled = adam_scaled(hyper["beta2"], hyper["eps"], hyper["weight_decay"])
        wanted = schedule_free_of_the_paper(grads, params[0], hyper["lr"], hyper["beta1"], scaled)
    assert difference(run.params, torch.tensor(wanted)) <= TOLERANCE


def closure_of(optimizer, loss):
    def closure():
        optimizer.zero_grad()
        value = loss()
        value.backward()
        return value

    return closure


def their_step(theirs, rule, closure):
    """One step of the other package, the way that its documentation says."""
    if rule is SAM:
        closure()
        return theirs.step(closure)
    theirs.train()
    return theirs.step(closure)


def largest_difference(loss, rule, hyper, start, steps, ours=None):
    """Of the weights at each step, and of those to evaluate at the end; both follow the gradients at their params."""
    known = {name: value for name, value in hyper.items() if name != "exact"}
    ours, params, param = ours or checked(rule(**known)), start.clone(), torch.nn.Parameter(start.clone())
    theirs, state, largest = TWO_POINTS[rule].make([param], **hyper), ours.init(params), 0.0
    for _ in range(steps):
        grads = gradient(loss, param)
        if rule is SAM:
            grads = gradient(loss, ours.probe(param.detach(), grads))
        params, state = ours.update(params, grads, state)
        their_step(theirs, rule, closure_of(theirs, lambda: loss(param).sum()))
        largest = max(largest, difference(params, param.detach()))
    if rule is not SAM:
        theirs.eval()
        largest = max(largest, difference(ours.answer(params, state), param.detach()))
    return largest


@pytest.mark.slow
@each
@settings(max_examples=5, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(draw=st.data(), start=st.lists(st.floats(-5, 5), min_size=1, max_size=5), seed=st.integers(0, 2**31))
def test_a_rule_equals_a_public_implementation_on_random_losses(rule, draw, start, seed):
    hyper = {name: draw.draw(strategy, label=name) for name, strategy in TWO_POINTS[rule].drawn.items()}
    loss = smooth_loss(len(start), seed, waves=0.3)
    assert largest_difference(loss, rule, hyper, torch.tensor(start).double(), 500) <= TOLERANCE


def training(model, optimizer, step, steps=150):
    """Full-batch training; yields all parameters as one vector after each step."""
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(60, 5, generator=generator, dtype=torch.float64)
    y = torch.randint(0, 3, (60,), generator=generator)
    for _ in range(steps):
        step(closure_of(optimizer, lambda: F.cross_entropy(model(x), y)))
        yield vector(model)


def vector(model):
    return torch.nn.utils.parameters_to_vector(model.parameters()).detach().clone()


@pytest.mark.slow
@each
def test_a_network_trains_as_with_the_public_implementation_and_ends_at_its_weights(rule):
    usual, model, twin = TWO_POINTS[rule].usual, network(), network()
    optimizer, theirs = (
        TorchOptimizer(model.parameters(), rule(**usual)),
        TWO_POINTS[rule].make(twin.parameters(), **usual),
    )
    both = (
        training(model, optimizer, optimizer.step),
        training(twin, theirs, lambda closure: their_step(theirs, rule, closure)),
    )
    assert max(difference(a, b) for a, b in zip(*both, strict=True)) <= TOLERANCE
    assert (vector(model) - vector(network())).norm() > 0.1
    if rule is not SAM:
        trained = vector(model)
        optimizer.eval()
        theirs.eval()
        assert difference(vector(model), vector(twin)) <= TOLERANCE
        assert (vector(model) - trained).norm() > 1e-3


def test_sam_equals_the_package_as_it_is_to_the_float32_in_which_that_measures_a_gradient():
    usual, loss = TWO_POINTS[SAM].usual, smooth_loss(3, 5, waves=0.3)
    found = largest_difference(loss, SAM, usual | {"exact": False}, torch.ones(3).double(), 100)
    assert TOLERANCE < found < 1e-7


class Behind(SAM):
    """A mistake: the second gradient down the slope."""

    def probe(self, params, grads):
        return 2 * params - super().probe(params, grads)


class CountsTheStart(ScheduleFreeSGD):
    """Another: c = 1 / (t + 1) for t from 1, with the start in the mean."""

    def update(self, params, grads, state):
        t = state.t + 1
        z = state.z - self.lr * grads
        x = state.x + (z - state.x) / (t + 1)
        return (1 - self.beta) * z + self.beta * x, type(state)(z, x, t)


@pytest.mark.slow
@pytest.mark.parametrize(("rule", "wrong"), [(SAM, Behind), (ScheduleFreeSGD, CountsTheStart)])
def test_the_proof_sees_a_wrong_formula(rule, wrong):
    usual, start, loss = TWO_POINTS[rule].usual, torch.ones(3).double(), smooth_loss(3, 5, waves=0.3)
    assert largest_difference(loss, rule, usual, start, 100) <= TOLERANCE
    assert largest_difference(loss, rule, usual, start, 100, ours=wrong(**usual)) > 100 * TOLERANCE


@pytest.mark.slow
@pytest.mark.parametrize(("rule", "name"), [(rule, name) for rule in TWO_POINTS for name in TWO_POINTS[rule].usual])
def test_every_hyperparameter_can_be_swept(rule, name):
    loss, usual = smooth_loss(2, 3, waves=0), TWO_POINTS[rule].usual
    values = [usual[name], usual[name] / 2]
    starts = torch.tensor([[1.0, -2.0], [0.3, 0.1], [4.0, 2.0]]).double()
    together = minimize(loss, rule(**usual | grid(**{name: values})), starts[:, None], 40)
    assert together.runs == (3, 2)
    for k, i in np.ndindex(3, 2):
        alone = minimize(loss, rule(**usual | {name: values[i]}), starts[k], 40)
        assert torch.allclose(together.params[:, k, i], alone.params, rtol=1e-12, atol=1e-14)
        assert torch.allclose(together.answers[:, k, i], alone.answers, rtol=1e-12, atol=1e-14)


@pytest.mark.slow
def test_minibatches_and_float32_are_taken():
    loss = surfaces.linear_model(data.diabetes().standardized())
    batches = Minibatches(442, 20, runs=4, generator=torch.Generator().manual_seed(0))
    for rule in (SAM(0.05), ScheduleFreeSGD(0.5), ScheduleFreeAdamW(2.0)):
        run = minimize(loss, rule, torch.zeros(2), 200, sampled_loss=sampled_loss(loss, batches))
        assert run.answers.shape == (201, 4, 2)
        assert run.answers.dtype == torch.float32
        assert (loss(run.answers[-1]) < 0.75 * run.losses[0]).all()
        assert run.examples[-1].tolist() == [3856 * (1 + isinstance(rule, SAM))] * 4  # of 23 batches the last has 2


# --- a network --------------------------------------------------------------------------------------------------------


def parameters(*values):
    return [torch.nn.Parameter(torch.tensor(value, dtype=torch.float64)) for value in values]


def test_the_closure_of_sam_is_called_at_the_weights_and_at_the_probe_and_its_first_loss_comes_back():
    w, still = parameters([3.0, 4.0], [7.0])
    optimizer, seen = TorchOptimizer([w, still], SAM(lr=0.1, rho=0.5)), []

    def closure():
        seen.append(w.tolist())
        optimizer.zero_grad()
        loss = (w**2).sum()
        loss.backward()
        return loss

    with torch.no_grad():
        assert optimizer.step(closure).item() == 25.0
    assert seen == [[3.0, 4.0], pytest.approx([3.3, 4.4])]
    assert w.tolist() == pytest.approx([3.0 - 0.1 * 6.6, 4.0 - 0.1 * 8.8])
    assert (still.item(), optimizer.steps) == (7.0, 1)


def test_a_closure_that_forgets_to_zero_the_gradients_gets_those_of_the_probe_alone():
    (w,) = parameters([3.0, 4.0])
    optimizer = TorchOptimizer([w], SAM(lr=0.1, rho=0.5))

    def closure():
        (w**2).sum().backward()

    optimizer.step(closure)
    assert w.tolist() == pytest.approx([3.0 - 0.1 * 6.6, 4.0 - 0.1 * 8.8])


def test_each_parameter_group_of_sam_has_its_own_rho_and_its_own_length():
    w, b, c = parameters([3.0], [4.0], [5.0])
    groups = [{"params": [w, b]}, {"params": [c], "rho": 1.0}]
    optimizer, seen = TorchOptimizer(groups, SAM(lr=0.1, rho=0.5)), []

    def loss():
        seen.append([w.item(), b.item(), c.item()])
        return (w**2 + b**2 + c**2).sum()

    optimizer.step(closure_of(optimizer, loss))
    assert seen[1] == pytest.approx([3.3, 4.4, 6.0])


def test_sam_without_a_closure_is_told_what_to_write():
    (w,) = parameters([1.0])
    w.grad = torch.ones(1).double()
    optimizer = TorchOptimizer([w], SAM(lr=0.1))
    with pytest.raises(
        ValueError, match=r"SAM takes a second gradient: write optimizer.step\(closure\), where closure"
    ):
        optimizer.step()
    assert (w.item(), optimizer.steps) == (1.0, 0)


@pytest.mark.parametrize("fails_at", [1, 2])
def test_a_closure_that_fails_leaves_sam_at_its_weights_bit_by_bit(fails_at):
    w, b = parameters([0.1, 0.2], [0.3])
    optimizer, calls = TorchOptimizer([w, b], SAM(lr=0.1, rho=0.7)), []

    def closure():
        calls.append(1)
        if len(calls) == fails_at:
            raise ZeroDivisionError
        optimizer.zero_grad()
        ((w**2).sum() + b.sum() ** 2).backward()

    with pytest.raises(ZeroDivisionError):
        optimizer.step(closure)
    assert (w.tolist(), b.tolist(), optimizer.steps, len(calls)) == ([0.1, 0.2], [0.3], 0, fails_at)


def test_a_bad_rho_is_refused_also_when_a_hand_has_set_it_and_before_the_probe():
    for bad, error in ((-0.1, ValueError), (math.nan, ValueError), ("far", TypeError)):
        with pytest.raises(error, match="rho must be 0 or more, got"):
            minimize(parabola(1.0), SAM(0.1, rho=bad), [1.0], 3)
    (w,) = parameters([1.0])
    optimizer, seen = TorchOptimizer([w], SAM(lr=0.1)), []
    optimizer.param_groups[0]["rho"] = -1.0
    with pytest.raises(ValueError, match=r"rho must be 0 or more, got -1\.0 at step 0"):
        optimizer.step(closure_of(optimizer, lambda: seen.append(w.item()) or (w**2).sum()))
    assert (seen, w.item()) == ([1.0], 1.0)
    for rule in (ScheduleFreeSGD(0.1, beta=1.0), ScheduleFreeAdamW(beta1=-0.1)):
        with pytest.raises(ValueError, match=r"must be in \[0, 1\)"):
            minimize(parabola(1.0), rule, [1.0], 3)


@pytest.mark.parametrize(
    ("probe", "message"),
    [
        (lambda self, params, grads: params.add_(grads), "probe changed params or grads in place at step 0"),
        (lambda self, params, grads: params.sum(-1), r"probe must return params of shape \(2,\), got \(\) at step 0"),
        (lambda self, params, grads: None, r"probe must return params of shape \(2,\), got NoneType"),
        (lambda self, params, grads: 1 / 0, "probe raised ZeroDivisionError at step 0"),
    ],
)
def test_a_probe_of_ones_own_is_checked_as_an_update_is(probe, message):
    own = type("Own", (SAM,), {"probe": probe})(lr=0.1)
    with pytest.raises(ValueError, match=message):
        minimize(parabola(1.0), own, [1.0, 2.0], 3)
    (w,) = parameters([1.0, 2.0])
    optimizer = TorchOptimizer([w], own)
    with pytest.raises(ValueError, match=message):
        optimizer.step(closure_of(optimizer, lambda: (w**2).sum()))
    assert w.tolist() == [1.0, 2.0]


class Ahead(GradientDescent):
    """A rule of one's own that looks at each parameter for itself."""

    def probe(self, params, grads):
        return params - self.lr * grads


def test_an_elementwise_rule_may_have_a_probe_and_one_that_mixes_coordinates_an_answer():
    w, b = parameters([1.0, 2.0], [3.0])
    optimizer = TorchOptimizer([w, b], Ahead(lr=0.1))
    optimizer.step(closure_of(optimizer, lambda: (w**2).sum() + (b**2).sum()))
    assert torch.allclose(torch.cat([w, b]), torch.tensor([1.0, 2.0, 3.0]).double() * (1 - 0.2 * 0.8))

    class Mixes(ScheduleFreeSGD):
        elementwise = False

        def answer(self, params, state):
            return params / params.norm()

    optimizer = TorchOptimizer([w, b], Mixes(lr=0.1))
    optimizer.step(closure_of(optimizer, lambda: (w**2).sum() + (b**2).sum()))
    optimizer.eval()
    assert torch.cat([w, b]).norm().item() == pytest.approx(1.0)


def trained(rule, steps=20):
    model = network()
    optimizer = TorchOptimizer(model.parameters(), rule(**TWO_POINTS[rule].usual))
    for _ in training(model, optimizer, optimizer.step, steps):
        pass
    return model, optimizer


@each_free
def test_eval_puts_x_into_the_network_and_train_puts_y_back_bit_by_bit(rule):
    model, optimizer = trained(rule)
    y = vector(model)
    x = torch.cat([optimizer.state[p]["x"].flatten() for p in model.parameters()])
    for _ in range(2):
        optimizer.eval()
        optimizer.eval()  # there already
        assert torch.equal(vector(model), x)
        optimizer.train()
        optimizer.train()
        assert torch.equal(vector(model), y)
    assert not torch.allclose(x, y)


@each_free
def test_a_step_in_eval_mode_is_refused_with_the_cure(rule):
    model, optimizer = trained(rule)
    optimizer.eval()
    x, calls = vector(model), []
    with pytest.raises(RuntimeError, match=r"stands at the weights to evaluate, .* call optimizer.train\(\) first"):
        optimizer.step(lambda: calls.append(1))
    assert torch.equal(vector(model), x)
    assert (calls, optimizer.steps) == ([], 20)
    optimizer.train()
    optimizer.step()


@pytest.mark.parametrize("rule", [Adam(0.1), SAM(0.1)], ids=lambda rule: type(rule).__name__)
def test_without_an_answer_eval_and_train_do_nothing(rule):
    model = network()
    optimizer = TorchOptimizer(model.parameters(), rule)
    for _ in training(model, optimizer, optimizer.step, 5):
        there = vector(model)
        optimizer.eval()
        assert torch.equal(vector(model), there)
    assert optimizer.state_dict()["trained"] is None


def test_before_the_first_step_and_for_a_parameter_without_gradient_both_points_are_one():
    w, b = parameters([1.0], [2.0])
    optimizer = TorchOptimizer([w, b], ScheduleFreeSGD(0.1))
    optimizer.eval()
    optimizer.train()
    w.grad = torch.ones(1).double()
    for _ in range(2):
        optimizer.step()
    optimizer.eval()
    (late,) = parameters([5.0])
    optimizer.add_param_group({"params": [late]})
    assert (w.item(), b.item()) == (pytest.approx(0.85), 2.0)
    optimizer.train()
    assert (w.item(), b.item(), late.item()) == (pytest.approx(0.845), 2.0, 5.0)


@each_free
@pytest.mark.parametrize("mode", ["train", "eval"])
def test_saved_in_either_mode_and_loaded_a_training_goes_on_bit_by_bit(rule, mode):
    model, optimizer = trained(rule)
    getattr(optimizer, mode)()
    file = io.BytesIO()
    torch.save([model.state_dict(), optimizer.state_dict()], file)
    file.seek(0)
    again = network()
    other = TorchOptimizer(again.parameters(), rule(lr=1.0))
    for part, state in zip((again, other), torch.load(file)):
        part.load_state_dict(state)
    assert torch.equal(vector(again), vector(model))
    if mode == "eval":
        with pytest.raises(RuntimeError, match=r"optimizer.train\(\)"):
            other.step()
    for one in (optimizer, other):
        one.train()
    for a, b in zip(
        training(model, optimizer, optimizer.step, 10), training(again, other, other.step, 10), strict=True
    ):
        assert torch.equal(a, b)


@pytest.mark.parametrize("wrong", ["many", [], [torch.ones(2)] * 4])
def test_weights_of_another_network_in_a_state_are_refused_and_nothing_is_loaded(wrong):
    _, optimizer = trained(ScheduleFreeSGD)
    before = repr(optimizer.state_dict())
    with pytest.raises(ValueError, match="state of other parameters"):
        optimizer.load_state_dict(trained(ScheduleFreeSGD, 3)[1].state_dict() | {"trained": wrong})
    assert repr(optimizer.state_dict()) == before


@pytest.mark.parametrize(
    "again", [copy.deepcopy, lambda both: pickle.loads(pickle.dumps(both))], ids=["copy", "pickle"]
)
def test_a_copy_that_was_made_in_eval_mode_goes_on_like_the_original(again):
    model, optimizer = trained(ScheduleFreeAdamW)
    optimizer.eval()
    twin, other = again((model, optimizer))
    for one in (optimizer, other):
        one.train()
    for a, b in zip(training(model, optimizer, optimizer.step, 5), training(twin, other, other.step, 5), strict=True):
        assert torch.equal(a, b)


# --- fit --------------------------------------------------------------------------------------------------------------

GENERATOR = torch.Generator().manual_seed(5)
X = torch.randn(60, 5, generator=GENERATOR, dtype=torch.float64)
Y = (X[:, 0] > 0).long() + (X[:, 1] > 0).long()
HELD_OUT = X[:20], Y[:20]


def fitted(optimizer_of, **options):
    model = network()
    optimizer = optimizer_of(model.parameters())
    options = {"epochs": 4, "batch_size": 20, "validation": HELD_OUT} | options
    return model, optimizer, fit(model, F.cross_entropy, (X, Y), optimizer, **options)


def test_fit_gives_sam_its_two_gradients_and_counts_both():
    model, _, history = fitted(lambda p: TorchOptimizer(p, SAM(0.3, rho=0.1)))
    assert history.examples == [40 * k for k in range(1, 13)]
    twin, batches = network(), Minibatches(60, 20, generator=torch.Generator().manual_seed(0))
    losses = []
    for step in range(12):
        x, y = X[batches(step)], Y[batches(step)]
        w = vector(twin)
        torch.nn.utils.vector_to_parameters(w, twin.parameters())
        g, value = slope(twin, x, y)
        torch.nn.utils.vector_to_parameters(w + 0.1 * g / g.norm(), twin.parameters())
        torch.nn.utils.vector_to_parameters(w - 0.3 * slope(twin, x, y)[0], twin.parameters())
        losses.append(value)
    assert history.losses == pytest.approx(losses, rel=1e-10)
    assert torch.allclose(vector(model), vector(twin), rtol=1e-10)


def slope(model, x, y):
    loss = F.cross_entropy(model(x), y)
    return torch.cat([g.flatten() for g in torch.autograd.grad(loss, [*model.parameters()])]), loss.item()


def test_fit_stops_where_the_second_loss_of_sam_is_not_finite_and_spoils_no_weight():
    model = network()

    def loss(output, y):
        return F.cross_entropy(output, y) * (math.inf if (vector(model) - start).norm() > 1 else 1)

    start = vector(model)
    history = fit(model, loss, (X, Y), TorchOptimizer(model.parameters(), SAM(0.1, rho=50.0)), epochs=2, batch_size=60)
    assert history.stopped == (
        "The loss is inf where step 0 takes its second gradient (the first step is 0); "
        "try a smaller rho or a smaller rate."
    )
    assert torch.equal(vector(model), start)


@pytest.mark.slow
@pytest.mark.parametrize("theirs", [False, True], ids=["gdviz", "schedulefree"])
def test_fit_evaluates_records_and_ends_at_x(theirs):
    def optimizer_of(params):
        usual = TWO_POINTS[ScheduleFreeSGD].usual
        return (
            TWO_POINTS[ScheduleFreeSGD].make(params, **usual)
            if theirs
            else TorchOptimizer(params, ScheduleFreeSGD(**usual))
        )

    model, optimizer, history = fitted(optimizer_of, record=3)
    assert evaluate(model, F.cross_entropy, HELD_OUT)[0] == pytest.approx(history.validation_losses[-1], rel=1e-12)
    assert torch.equal(history.weights[-1], vector(model))
    assert len(history.weights) == 5 + theirs  # the package finds x anew, with its rounding
    twin = network()
    for weights, loss in zip(history.weights[1:], history.validation_losses):
        torch.nn.utils.vector_to_parameters(weights.clone(), twin.parameters())
        assert evaluate(twin, F.cross_entropy, HELD_OUT)[0] == pytest.approx(loss, rel=1e-12)
    x = vector(model)
    optimizer.train()
    assert not torch.allclose(vector(model), x)
    optimizer.eval()
    assert torch.allclose(vector(model), x, rtol=1e-12)
    more = fit(model, F.cross_entropy, (X, Y), optimizer, epochs=40, batch_size=20, validation=HELD_OUT)
    assert more.validation_losses[-1] < history.validation_losses[-1]


def test_fit_of_the_two_implementations_is_one():
    usual = TWO_POINTS[ScheduleFreeAdamW].usual
    ours, _, history = fitted(lambda p: TorchOptimizer(p, ScheduleFreeAdamW(**usual)))
    theirs, _, other = fitted(lambda p: TWO_POINTS[ScheduleFreeAdamW].make(p, **usual))
    assert history.losses == pytest.approx(other.losses, rel=1e-10)
    assert history.validation_losses == pytest.approx(other.validation_losses, rel=1e-10)
    assert difference(vector(ours), vector(theirs)) <= TOLERANCE


def test_early_stopping_keeps_x_of_the_best_epoch():
    model, _, history = fitted(lambda p: TorchOptimizer(p, ScheduleFreeSGD(60.0)), epochs=30, patience=2, record=3)
    assert history.stopped.startswith("Stopped early")
    best = min(range(len(history.epochs)), key=lambda k: history.validation_losses[k])
    assert torch.equal(vector(model), history.weights[1 + best])


def test_a_scheduler_that_turns_the_rate_round_ends_a_schedule_free_training_at_x():
    model = network()
    optimizer = TorchOptimizer(model.parameters(), ScheduleFreeSGD(0.5))
    scheduler = lr_scheduler.LambdaLR(optimizer, lambda epoch: 1 - epoch)
    history = fit(model, F.cross_entropy, (X, Y), optimizer, epochs=5, batch_size=60, scheduler=scheduler)
    assert history.stopped.startswith("Refused: lr must be positive")
    assert torch.equal(vector(model), torch.cat([optimizer.state[p]["x"].flatten() for p in model.parameters()]))


# --- around -----------------------------------------------------------------------------------------------------------


def test_the_effective_rate_of_a_schedule_free_rule_is_refused():
    for rule in FREE:
        with pytest.raises(ValueError, match=f"not of {rule.__name__}"):
            effective_rate(minimize(parabola(1.0), rule(lr=0.1), [1.0], 3))
    assert effective_rate(minimize(parabola(1.0), SAM(0.1), [1.0], 3)).flatten().tolist() == [0.1] * 3
