"""ASGD, Rprop, Lion and what was made of Adam: laws and figures of their papers, then equality, then bad input."""

import inspect
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from lion_pytorch import Lion as LionOfPyPI
from node import case, repeated
from test_equals_torch import STEPS, TOLERANCE, Contest, difference, largest_differences, on_one, smooth_loss
from torch_pairs import LR, PAIRS, SHARE

from gdviz import surfaces, theory
from gdviz.descent import grid, minimize
from gdviz.exercises.mistakes import Mistake, mistaken
from gdviz.networks.torch_optimizer import TorchOptimizer
from gdviz.optimizers import ASGD, Adam, Adamax, Lion, NAdam, RAdam, Rprop, SparseAdam


def test_every_optimizer_of_torch_has_a_row_in_the_proof():
    kinds = [kind for kind in vars(torch.optim).values() if inspect.isclass(kind)]
    names = {kind.__name__ for kind in kinds if issubclass(kind, torch.optim.Optimizer)} - {"Optimizer"}
    proven = {pair.name.partition("(")[0] for pair in PAIRS.values()}
    assert names == proven


def slope(w):
    return w.sum(-1)


def half_square(w):
    return (w**2).sum(-1) / 2


def steps_in_lr(rule, count):
    """The steps against a constant gradient of 1, with lr = 1 and eps = 0."""
    params = minimize(slope, rule(lr=1.0, eps=0.0), [0.0], count).params[:, 0]
    return params[:-1] - params[1:]


@pytest.mark.parametrize(("before", "limit"), [(10, 0.861), (100, 5.706), (1000, 9.000)])
def test_lion_turns_only_when_a_lone_gradient_outweighs_its_memory(before, limit):  # NUMBERS 30
    exact = 9 * (1 - 0.99**before)
    assert exact == pytest.approx(limit, abs=5e-4)
    rule, w, one = Lion(lr=1.0), torch.zeros(2).double(), torch.ones(2).double()
    state = rule.init(w)
    for _ in range(before):
        w, state = rule.update(w, one, state)
    assert w.tolist() == [-before, -before]
    moved, _ = rule.update(w, -exact * torch.tensor([0.999, 1.001]), state)
    assert (moved - w).tolist() == [-1, 1]


def test_lion_never_rests():  # NUMBERS 30
    params = minimize(half_square, Lion(lr=0.1), [1.0], 400).params[:, 0]
    assert torch.allclose(params.diff().abs(), torch.tensor(0.1).double())
    assert params[-20:].abs().max().item() == pytest.approx(0.1)


@pytest.mark.slow
def test_nadam_begins_with_more_than_lr_and_then_takes_less():  # NUMBERS 31
    steps = steps_in_lr(NAdam, 1000)
    assert steps[:3].tolist() == pytest.approx([1.0565, 0.7837, 0.7322], abs=5e-5)
    assert (int(steps.argmax()), int(steps.argmin())) == (0, 3)
    assert steps[3].item() == pytest.approx(0.7311, abs=5e-5)
    assert steps[-1].item() == pytest.approx(1, abs=1e-4)


def test_nadam_with_beta1_0_is_adam_with_beta1_0():
    runs = [minimize(surfaces.bowl(5), rule(lr=0.1, beta1=0.0), [3.0, -2.0], 50) for rule in (NAdam, Adam)]
    assert torch.allclose(runs[0].params, runs[1].params, rtol=1e-13)


@pytest.mark.slow
def test_radam_is_momentum_for_five_steps_and_then_warms_up():  # NUMBERS 32
    t, beta2 = torch.tensor([1, 2, 3, 4, 5, 6, 100, 1000]).double(), 0.999
    full = 2 / (1 - beta2) - 1
    rho = full - 2 * t * beta2**t / (1 - beta2**t)
    assert full == pytest.approx(1999)
    assert rho[:6].tolist() == pytest.approx([1, 1.999, 2.999, 3.997, 4.996, 5.994], abs=6e-4)
    steps = steps_in_lr(RAdam, 1000)
    assert torch.allclose(steps[:5], torch.ones(5).double())
    assert steps[[5, 99, 999]].tolist() == pytest.approx([0.0258, 0.215, 0.645], abs=4e-4)


def test_radam_goes_over_at_a_rho_of_5_as_torch_does_and_not_at_4_as_the_paper():  # NUMBERS 32: rho_5 = 4.996
    usual, start = PAIRS[RAdam].usual, torch.ones(3).double()
    paper = mistaken(RAdam(**usual), Mistake("4", "the paper's", {"rho > 5": "rho > 4"}))
    loss, contests = on_one(smooth_loss(3, 5, waves=0.3)), [Contest(RAdam, usual, start)]
    assert largest_differences(loss, contests, 4, ours=paper)[0] <= TOLERANCE
    assert largest_differences(loss, contests, 5, ours=paper)[0] > 0.01


def test_radam_with_a_short_memory_stays_momentum():
    run = minimize(half_square, RAdam(lr=0.1, beta1=0.0, beta2=2 / 3), [1.0], 50)
    assert torch.allclose(run.params[:, 0], 0.9 ** torch.arange(51).double(), rtol=1e-12)


def test_the_first_step_of_adamax_has_size_lr_and_an_outlier_makes_it_wait():
    first = minimize(surfaces.bowl(5), Adamax(lr=0.1, eps=0.0), [3.0, -2.0], 1).params
    assert (first[1] - first[0]).tolist() == pytest.approx([-0.1, 0.1])
    rule, w = Adamax(lr=1.0, beta1=0.0, eps=0.0), torch.zeros(1).double()
    state = rule.init(w)
    for gradient in (100.0, *[1.0] * 10):
        before = w
        w, state = rule.update(w, torch.tensor([gradient]).double(), state)
    assert (before - w).item() == pytest.approx(1 / (100 * 0.999**10))


def test_rprop_goes_from_1_to_minus_013():  # NUMBERS 34
    params = minimize(half_square, Rprop(lr=0.5), [1.0], 7).params[1:, 0]
    assert params.tolist() == pytest.approx([0.5, -0.1, -0.1, 0.2, 0.2, 0.05, -0.13])


def test_rprop_cannot_have_minibatches():  # NUMBERS 34
    """Nine gradients of 0.1 and one of -0.9 have mean 0, where descent by their mean would stay."""
    gradients, rule, w = [*[0.1] * 9, -0.9], Rprop(lr=0.01), torch.zeros(1).double()
    assert sum(gradients) == pytest.approx(0)
    state, ends = rule.init(w), []
    for _ in range(6):
        for gradient in gradients:
            w, state = rule.update(w, torch.tensor([gradient]).double(), state)
        ends.append(w.item())
    assert ends == pytest.approx([-0.208, -0.655, -1.62, -3.68, -8.13, -17.7], rel=3e-3)


def test_after_its_first_step_the_rate_of_rprop_has_no_effect():
    constant, halved = Rprop(lr=0.5), lambda step: Rprop(lr=0.5 if step == 0 else 0.01)
    runs = [minimize(half_square, rule, [1.0], 7).params for rule in (constant, halved)]
    assert torch.equal(*runs)


@pytest.mark.slow
def test_the_mean_of_asgd_is_that_of_its_points_and_noise_moves_it_less():
    noise = torch.randn(2000, 1, generator=torch.Generator().manual_seed(0)).double()

    def noisy(w, step):
        return half_square(w) + (w * noise[step]).sum(-1)

    run = minimize(half_square, ASGD(lr=0.5, lambd=0.0, t0=100.0), [0.0], 2000, sampled_loss=noisy)
    assert torch.equal(run.states.ax[:102], run.params[:102])
    for t in (102, 500, 2000):
        assert run.states.ax[t].item() == pytest.approx(run.params[102 : t + 1].mean().item(), abs=1e-12)
    assert run.params[1000:].std() > 10 * run.states.ax[1000:].abs().max()


def test_the_mean_of_asgd_equals_that_of_torch():
    usual, loss = PAIRS[ASGD].usual, smooth_loss(3, 5, waves=0.3)
    run = minimize(loss, ASGD(**usual), [1.0, 2.0, -1.0], 100)
    param = torch.nn.Parameter(torch.tensor([1.0, 2.0, -1.0]).double())
    theirs = PAIRS[ASGD].make([param], **usual)
    for _ in range(100):
        theirs.zero_grad()
        loss(param).backward()
        theirs.step()
    assert difference(run.states.ax[-1], theirs.state[param]["ax"]) <= TOLERANCE
    assert difference(run.states.ax[-1], param.detach()) > 1e-6


def test_sparse_adam_leaves_alone_what_has_no_gradient_and_adam_does_not():
    w, both, one = (torch.tensor(numbers).double() for numbers in ([1.0, 1.0], [1.0, 1.0], [1.0, 0.0]))
    ends = {}
    for rule in (SparseAdam(lr=0.1), Adam(lr=0.1)):
        params, state = rule.update(w, both, rule.init(w))
        ends[type(rule)], later = rule.update(params, one, state)
        untouched = [part[1] == before[1] for part, before in ((later.m, state.m), (later.v, state.v))]
        assert untouched == [isinstance(rule, SparseAdam)] * 2
    assert ends[SparseAdam].tolist() == pytest.approx([0.8, 0.9])
    assert ends[Adam][1] < 0.85


def test_sparse_adam_counts_the_steps_that_a_coordinate_waits_through():
    rule, w, g = SparseAdam(lr=0.1, eps=0.0), torch.ones(1).double(), torch.ones(1).double()
    state = rule.init(w)
    for _ in range(9):
        w, state = rule.update(w, 0 * g, state)
    assert w.item() == 1
    moved, _ = rule.update(w, g, state)
    correction = (1 - 0.999**10) ** 0.5 / (1 - 0.9**10)  # that of step 10, though m and v have one gradient
    assert (w - moved).item() == pytest.approx(0.1 * correction * 0.1 / 0.001**0.5)


def lion_of_the_paper(w, gradients, eta, beta1, beta2, decay):
    """Algorithm 2 of Chen et al. 2023, line by line: the decay stands in the update."""
    m = np.zeros_like(w)
    for g in gradients:
        c = beta1 * m + (1 - beta1) * g
        w = w - eta * (np.sign(c) + decay * w)
        m = beta2 * m + (1 - beta2) * g
        yield w


LION = {"lr": LR, "beta1": SHARE, "beta2": SHARE, "weight_decay": st.floats(0, 0.5)}


@pytest.mark.slow
@settings(max_examples=5)
@given(draw=st.data(), seed=st.integers(0, 2**31))
def test_lion_equals_the_papers_and_that_of_lion_pytorch(draw, seed):
    usual = {name: draw.draw(strategy, label=name) for name, strategy in LION.items()}
    generator = torch.Generator().manual_seed(seed)
    gradients = torch.randn(STEPS, 4, generator=generator).double()
    rule, param = Lion(**usual), torch.nn.Parameter(torch.ones(4).double())
    betas = usual["beta1"], usual["beta2"]
    theirs = LionOfPyPI([param], lr=usual["lr"], betas=betas, weight_decay=usual["weight_decay"])
    paper = lion_of_the_paper(np.ones(4), gradients.numpy(), *usual.values())
    params = param.detach().clone()
    state = rule.init(params)
    for gradient, written in zip(gradients, paper, strict=True):
        params, state = rule.update(params, gradient, state)
        param.grad = gradient
        theirs.step()
        assert difference(params, param.detach()) <= TOLERANCE
        assert difference(params, torch.as_tensor(written)) <= TOLERANCE


def test_lion_trains_a_network_as_lion_pytorch_does():
    torch.manual_seed(0)
    models = [torch.nn.Linear(3, 2).double() for _ in range(2)]
    models[1].load_state_dict(models[0].state_dict())
    x, y = torch.randn(20, 3).double(), torch.randn(20, 2).double()
    ours = TorchOptimizer(models[0].parameters(), Lion(lr=0.01, weight_decay=0.1))
    theirs = LionOfPyPI(models[1].parameters(), lr=0.01, weight_decay=0.1)
    for _ in range(100):
        for model, optimizer in zip(models, (ours, theirs)):
            optimizer.zero_grad()
            ((model(x) - y) ** 2).mean().backward()
            optimizer.step()
    for a, b in zip(models[0].parameters(), models[1].parameters()):
        assert difference(a.detach(), b.detach()) <= TOLERANCE


@pytest.mark.parametrize("name", ["lr", "beta1", "beta2", "weight_decay"])
def test_every_hyperparameter_of_lion_can_be_swept(name):
    usual = {"lr": 0.05, "beta1": 0.9, "beta2": 0.99, "weight_decay": 0.1}
    values = [usual[name], usual[name] / 2]
    together = minimize(surfaces.bowl(5), Lion(**usual | grid(**{name: values})), [1.0, -2.0], 100)
    for i, value in enumerate(values):
        alone = minimize(surfaces.bowl(5), Lion(**usual | {name: value}), [1.0, -2.0], 100)
        assert torch.allclose(together.params[:, i], alone.params, rtol=1e-12, atol=1e-14)


def test_lion_is_in_the_browser_what_it_is_in_torch():
    runs = [
        minimize(surface, Lion(lr=0.01, weight_decay=0.1), surface.start, 50)
        for surface in (surfaces.rosenbrock(), surfaces.ravine(), surfaces.beale())
    ]
    (found,) = repeated([[case(run) for run in runs]])
    assert max(found) <= 1e-12


def test_rprop_and_radam_cross_their_thresholds_in_the_browser_as_in_torch():
    rules = (Rprop(lr=0.5), RAdam(lr=0.1), SparseAdam(lr=0.1), NAdam(lr=0.1), ASGD(lr=0.1, t0=3.0), Adamax(lr=0.1))
    runs = [minimize(surfaces.bowl(5), rule, [1.0, -2.0], 30) for rule in rules]
    (found,) = repeated([[case(run) for run in runs]], "whole")
    assert max(found) <= 1e-9


@pytest.mark.parametrize("rule", [NAdam(), RAdam(), Adamax(), SparseAdam(), ASGD(), Rprop(), Lion()])
def test_float32_stays_float32_and_the_states_of_all_steps_are_kept(rule):
    start = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    swept = replace(rule, **grid(lr=[0.1, 0.2, 0.3]))
    for run in (minimize(surfaces.bowl(5), rule, [1.0, 2.0], 8), minimize(surfaces.bowl(5), swept, start, 8)):
        assert run.states is not None
        assert all(len(part) == 9 for part in run.states)
    assert minimize(surfaces.bowl(5), swept, start, 8).params.dtype == torch.float32
    exact = minimize(surfaces.bowl(5), swept, start.double(), 8).params
    assert torch.allclose(run.params.double(), exact, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("rule", [NAdam(), RAdam(), Adamax(), SparseAdam(), ASGD(), Rprop(), Lion()])
def test_a_rule_with_another_scale_has_no_effective_rate(rule):
    run = minimize(surfaces.bowl(5), rule, [1.0, 2.0], 5)
    with pytest.raises(ValueError, match=f"not of {type(rule).__name__}"):
        theory.effective_rate(run)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (Lion(beta2=2.0), r"beta2 must be in \[0, 1\), or a tensor of such, got 2.0"),
        (Lion(weight_decay=-1), "weight_decay must be 0 or more, got -1"),
        (Lion(lr=-1e-4), "lr must be positive, or 0 to rest"),
        (Rprop(etaminus=1.0), "etaminus must be more than 0 and less than 1, got 1.0"),
        (Rprop(etaminus=0.0), "etaminus must be more than 0 and less than 1, got 0.0"),
        (Rprop(etaplus=1.0), "etaplus must be more than 1, got 1.0"),
        (Rprop(**grid(etaplus=[1.2, 0.5])), "etaplus must be more than 1"),
        (Rprop(lr=-0.1), "lr must be 0 or more, got -0.1"),
        (Rprop(step_size_min=-1e-6), "step_size_min must be 0 or more"),
        (NAdam(momentum_decay=-4e-3), "momentum_decay must be 0 or more"),
        (NAdam(beta1=1.0), r"beta1 must be in \[0, 1\)"),
        (RAdam(beta2=1.0), r"beta2 must be in \[0, 1\)"),
        (Adamax(eps="small"), "eps must be 0 or more, got 'small'"),
        (SparseAdam(eps=-1.0), "eps must be 0 or more"),
        (ASGD(t0=-1.0), "t0 must be 0 or more"),
        (ASGD(lambd=float("nan")), "lambd must be 0 or more, got nan"),
    ],
)
def test_every_hyperparameter_out_of_range_is_refused(rule, message):
    with pytest.raises((ValueError, TypeError), match=message):
        minimize(surfaces.bowl(5), rule, [1.0, 1.0], 3)
