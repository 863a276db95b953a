"""Rules for matrices: Muon, Adafactor and Shampoo, their published numbers, and matrices in minimize."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
import torch
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from node import case, repeated
from test_equals_torch import difference, network, training

from gdviz.descent import gradient, grid, minimize
from gdviz.networks import TorchOptimizer
from gdviz.optimizers import (
    LBFGS,
    SAM,
    Adafactor,
    Adam,
    AdamW,
    GradientDescent,
    Momentum,
    Muon,
    Shampoo,
    newton_schulz,
)

TORCH_MUON = torch.optim.Muon
DIAGONAL = torch.diag(torch.tensor([3.0, 1.0]).double())


def double(numbers):
    return torch.tensor(numbers, dtype=torch.float64)


def polynomial(x, times=5):
    for _ in range(times):
        x = 3.4445 * x - 4.775 * x**3 + 2.0315 * x**5
    return x


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def orthogonal(G):
    """U V' of G = U S V': what Newton-Schulz approaches."""
    U, _, Vt = torch.linalg.svd(G, full_matrices=False)
    return U @ Vt


@dataclass(frozen=True, eq=False)
class Turned:
    """w <- w - lr * turn(g): a rule without a state."""

    lr: float
    turn: Callable
    matrix: ClassVar[bool] = True

    def init(self, params):
        return ()

    def update(self, params, grads, state):
        return params - self.lr * self.turn(grads), state


# --- Newton-Schulz (NUMBERS 26, 27) -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after"), [(0.01, 0.699), (0.1, 0.712), (0.3162, 1.134), (0.9487, 0.753), (1, 0.696)]
)
def test_five_times_the_polynomial_brings_a_singular_value_near_one(before, after):
    assert polynomial(before) == pytest.approx(after, abs=5e-4)
    other = math.sqrt(1 - before**2)  # the Frobenius norm is 1, so nothing is divided by
    assert newton_schulz(torch.diag(double([before, other])))[0, 0].item() == pytest.approx(
        polynomial(before), rel=1e-9
    )


def test_between_0_003_and_1_the_polynomial_stays_between_0_682_and_1_202():
    reached = polynomial(torch.linspace(0.003, 1, 100_001, dtype=torch.float64))
    assert reached.min().item() == pytest.approx(0.682, abs=1e-3)
    assert reached.max().item() == pytest.approx(1.202, abs=1e-3)


def test_the_faintest_singular_values_grow_485_times():
    assert polynomial(1e-9) / 1e-9 == pytest.approx(3.4445**5, rel=1e-6)
    assert pytest.approx(485, abs=0.5) == 3.4445**5


@pytest.mark.parametrize("shape", [(5, 5), (3, 7), (7, 3), (1, 4), (2, 4, 3)])
def test_newton_schulz_changes_singular_values_and_turns_no_singular_vector(shape):
    G = random(*shape)
    U, S, Vt = torch.linalg.svd(G, full_matrices=False)
    wanted = U @ torch.diag_embed(polynomial(S / S.norm(dim=-1, keepdim=True))) @ Vt
    assert torch.allclose(newton_schulz(G), wanted, rtol=1e-9, atol=1e-9)


def test_the_order_of_two_directions_turns_round():
    assert newton_schulz(DIAGONAL).diag().tolist() == pytest.approx([0.753, 1.134], abs=5e-4)


def test_for_a_vector_muon_is_normalised_descent():
    step = newton_schulz(double([[3, 4]]))
    assert step[0].tolist() == pytest.approx([0.696 * 0.6, 0.696 * 0.8], abs=5e-4)


def test_a_loss_times_1000_changes_no_step_of_muon():
    target = random(4, 3)
    loss = lambda W: (W - target).square().sum((-2, -1))  # noqa: E731
    one, other = (minimize(f, Muon(lr=0.05), torch.zeros(4, 3), 50) for f in (loss, lambda W: 1000 * loss(W)))
    assert torch.allclose(one.params, other.params, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("rule", [Muon(lr=0.1), Adafactor(), Shampoo(lr=0.1, eps=0.0), Muon(lr=0.1, bfloat16=True)])
def test_a_gradient_of_zeros_gives_no_nan(rule):
    W = random(3, 2)
    moved, _ = rule.update(W, torch.zeros(3, 2).double(), rule.init(W))
    assert torch.isfinite(moved).all()
    assert torch.allclose(moved, (1 - getattr(rule, "lr", 0) * getattr(rule, "weight_decay", 0)) * W)


# --- equality with torch and with the singular value decomposition ---------------------------------------------------


def largest_difference(rule, theirs, W, steps=200, seed=1):
    """Both follow the same gradients, taken at torch's weights."""
    generator, target = torch.Generator().manual_seed(seed), random(*W.shape, seed=seed + 1)
    param = torch.nn.Parameter(W.clone())
    optimizer, state, largest = theirs([param]), rule.init(W), 0.0
    for _ in range(steps):
        noise = torch.randn(*W.shape, generator=generator, dtype=torch.float64)
        param.grad = param.detach() - target + 0.3 * noise
        W, state = rule.update(W, param.grad, state)
        optimizer.step()
        largest = max(largest, ((W - param.detach()).abs() / param.detach().abs().clamp(min=1)).max().item())
    return largest


SHAPES = st.tuples(st.integers(1, 6), st.integers(1, 6))
EACH = settings(max_examples=8, phases=[Phase.explicit, Phase.reuse, Phase.generate])


@pytest.mark.slow
@EACH
@given(
    shape=SHAPES,
    lr=st.floats(1e-4, 0.1),
    momentum=st.floats(0, 0.99),
    weight_decay=st.floats(0, 0.5),
    nesterov=st.booleans(),
    adjust_lr_fn=st.sampled_from(["original", "match_rms_adamw"]),
    seed=st.integers(0, 2**31),
)
def test_muon_in_bfloat16_equals_torch(shape, seed, **given):
    found = largest_difference(
        Muon(**given, bfloat16=True), lambda p: TORCH_MUON(p, **given), random(*shape, seed=seed), seed=seed
    )
    assert found <= 1e-10


@pytest.mark.parametrize("shape", [(4, 4), (3, 7), (7, 3)])
def test_the_step_of_muon_is_torch_s_to_the_last_bit(shape):
    G = random(*shape, seed=3)
    param = torch.nn.Parameter(torch.zeros(*shape, dtype=torch.float64))
    param.grad = G.clone()
    TORCH_MUON([param], lr=1.0, momentum=0.0, nesterov=False, weight_decay=0.0).step()
    rule, W = Muon(lr=1.0, momentum=0.0, nesterov=False, weight_decay=0.0, bfloat16=True), torch.zeros(*shape).double()
    assert torch.equal(rule.update(W, G, rule.init(W))[0], param.detach())


def test_eight_bits_are_one_to_two_percent_from_all_of_them():
    """Relative to the largest singular value, over 50 matrices."""
    rules = Muon(lr=1.0, weight_decay=0.0), Muon(lr=1.0, weight_decay=0.0, bfloat16=True)
    apart = []
    for seed in range(50):
        W = torch.zeros(8, 8, dtype=torch.float64)
        exact, torchs = (rule.update(W, random(8, 8, seed=seed), rule.init(W))[0] for rule in rules)
        apart.append((torch.linalg.matrix_norm(exact - torchs, 2) / torch.linalg.matrix_norm(exact, 2)).item())
    assert 0.005 < np.median(apart) < 0.03


@pytest.mark.slow
@EACH
@given(
    shape=SHAPES,
    lr=st.floats(1e-4, 0.1),
    beta2_decay=st.floats(-1, -0.1),
    d=st.floats(1, 3),
    weight_decay=st.floats(0, 0.5),
    eps2=st.floats(1e-6, 1e-2),
    seed=st.integers(0, 2**31),
)
def test_adafactor_equals_torch(shape, seed, eps2, **given):
    rule = Adafactor(**given, eps2=eps2)
    found = largest_difference(
        rule, lambda p: torch.optim.Adafactor(p, eps=(None, eps2), **given), random(*shape, seed=seed), seed=seed
    )
    assert found <= 1e-10


def test_adafactor_on_a_vector_is_that_on_a_matrix_of_one_row():
    row, flat = random(1, 5), torch.nn.Parameter(random(1, 5)[0])
    optimizer, rule = torch.optim.Adafactor([flat], lr=0.1), Adafactor(lr=0.1)
    state = rule.init(row)
    for seed in range(30):
        G = random(1, 5, seed=seed)
        row, state = rule.update(row, G, state)
        flat.grad = G[0].clone()
        optimizer.step()
    assert torch.allclose(row[0], flat.detach(), rtol=1e-12)


# --- published numbers ------------------------------------------------------------------------------------------------


def test_adafactor_makes_v_of_rows_and_columns():
    """NUMBERS 33; the paper adds up rows and columns where torch takes means, which gives the same v."""
    G, rule = double([[1, 2], [3, 4]]), Adafactor(lr=0.01)
    W = torch.ones(2, 2).double()
    moved, state = rule.update(W, G, rule.init(W))
    assert state.R.flatten().tolist() == [2.5, 12.5]
    assert state.C.flatten().tolist() == [5, 10]
    v = state.R * state.C / state.R.mean()
    assert v.flatten().tolist() == pytest.approx([1.667, 3.333, 8.333, 16.667], abs=1e-3)
    assert ((W - moved) / 0.01).flatten().tolist() == pytest.approx([0.775, 1.095, 1.039, 0.980], abs=5e-4)


def test_adafactor_keeps_8192_numbers_of_16_8_million():
    state = Adafactor().init(torch.empty(4096, 4096, device="meta"))
    assert state.R.numel() + state.C.numel() == 8192
    assert pytest.approx(16.8e6, rel=2e-3) == 4096 * 4096


def shampoo_of_the_paper(gradients, lr, eps):
    """Algorithm 1 of Gupta, Koren & Singer 2018, in numpy, with the power of a matrix by scipy."""
    from scipy.linalg import fractional_matrix_power

    m, n = gradients[0].shape
    L, R, W = eps * np.eye(m), eps * np.eye(n), np.zeros((m, n))
    for G in gradients:
        L, R = L + G @ G.T, R + G.T @ G
        W = W - lr * fractional_matrix_power(L, -0.25) @ G @ fractional_matrix_power(R, -0.25)
    return W


@pytest.mark.slow
@EACH
@given(shape=SHAPES, lr=st.floats(1e-3, 1), eps=st.floats(1e-3, 1), seed=st.integers(0, 2**31))
def test_shampoo_equals_the_algorithm_of_its_paper(shape, lr, eps, seed):
    gradients = [random(*shape, seed=seed + k) for k in range(30)]
    rule, W = Shampoo(lr=lr, eps=eps), torch.zeros(*shape, dtype=torch.float64)
    state = rule.init(W)
    for G in gradients:
        W, state = rule.update(W, G, state)
    theirs = torch.tensor(shampoo_of_the_paper([G.numpy() for G in gradients], lr, eps))
    assert ((W - theirs).abs() / theirs.abs().clamp(min=1)).max() <= 1e-10


def test_the_first_step_of_shampoo_is_u_v():
    rule, W = Shampoo(lr=1.0, eps=0.0), torch.zeros(2, 2).double()
    assert torch.allclose(rule.update(W, double([[3, 1], [1, 2]]), rule.init(W))[0], -torch.eye(2).double())
    G, W = random(4, 3), torch.zeros(4, 3).double()
    assert torch.allclose(rule.update(W, G, rule.init(W))[0], -orthogonal(G))


def memory(n, turn=None):
    """Keys and values are orthonormal; example i comes with weight p_i ~ 1 / i: p, the loss, and the error of each."""
    p = 1 / torch.arange(1, n + 1, dtype=torch.float64)
    p = p / p.sum()
    keys = values = torch.eye(n, dtype=torch.float64)
    if turn is not None:
        keys, values = (torch.linalg.qr(random(n, n, seed=2 * turn + k))[0] for k in (1, 2))
    squares = lambda W: (values - W @ keys).square().sum(-2)  # noqa: E731  of the error of each key: 1 where W is 0
    return p, lambda W: (p * squares(W)).sum(-1) / 2, lambda W: squares(W).sqrt()


def steps_to_a_tenth(n, rule, turn=None):
    """How many steps until the largest error is a tenth; of a sweep, those of the quickest run."""
    p, loss, errors = memory(n, turn)
    run = minimize(loss, rule(p), torch.zeros(n, n, dtype=torch.float64), 100, matrix=True)
    return int((errors(run.params).amax(-1) <= 0.1 + 1e-9).reshape(101, -1).any(-1).nonzero()[0])


@pytest.mark.parametrize(("n", "steps"), [(8, 10), (64, 74)])
def test_gradient_descent_waits_for_what_is_rare(n, steps):
    """NUMBERS 29: the error of example i is (1 - lr p_i)^t, at the best rate 2 / (p_1 + p_n)."""
    assert steps_to_a_tenth(n, lambda p: GradientDescent(lr=float(2 / (p[0] + p[-1])))) == steps
    p, loss, errors = memory(n)
    run = minimize(loss, GradientDescent(lr=1.0), torch.zeros(n, n, dtype=torch.float64), 20, matrix=True)
    t = torch.arange(21, dtype=torch.float64)[:, None]
    assert torch.allclose(errors(run.params), (1 - p) ** t)


@pytest.mark.parametrize("n", [8, 64])
@pytest.mark.parametrize("turn", [None, 0])
def test_exact_muon_learns_all_at_the_same_pace(n, turn):
    assert steps_to_a_tenth(n, lambda p: Turned(0.1, orthogonal), turn) == 9
    _, loss, errors = memory(n, turn)
    run = minimize(loss, Turned(0.1, orthogonal), torch.zeros(n, n, dtype=torch.float64), 8)
    assert torch.allclose(errors(run.params), (1 - 0.1 * torch.arange(9).double())[:, None].expand(9, n))


@pytest.mark.slow
def test_in_the_axes_of_the_keys_sign_descent_does_as_well_and_turned_it_does_not():
    """NUMBERS 29 says 9 and 36 for n = 8: how many, turned, depends on the turn. Each has its best of 60 rates."""
    assert steps_to_a_tenth(8, lambda p: Turned(0.1, torch.sign)) == 9
    rates = (0.002 * 1.1 ** torch.arange(60, dtype=torch.float64))[:, None]
    found = [steps_to_a_tenth(8, lambda p: Turned(rates, torch.sign), turn) for turn in range(4)]
    assert found == [25, 31, 34, 26]
    assert max(steps_to_a_tenth(8, lambda p: Turned(rates, orthogonal), turn) for turn in range(4)) <= 2


# --- matrices in minimize ---------------------------------------------------------------------------------------------


def to_target(W):
    return (W - random(3, 2, seed=5)).square().sum((-2, -1))


@pytest.mark.parametrize("rule", [GradientDescent, Momentum, Adam])
def test_on_a_matrix_an_elementwise_rule_does_what_it_does_on_its_numbers(rule):
    W, target = random(3, 2), random(3, 2, seed=5).flatten()
    matrix = minimize(to_target, rule(lr=0.1), W, 20, matrix=True)
    vector = minimize(lambda w: (w - target).square().sum(-1), rule(lr=0.1), W.flatten(), 20)
    assert torch.equal(matrix.params.flatten(1), vector.params)
    assert torch.equal(matrix.lrs, vector.lrs)


def muon_of_torch(**given):
    return Muon(**given, bfloat16=True)


@pytest.mark.parametrize("rule", [Muon, muon_of_torch, Adafactor, Shampoo])
def test_sweeps_and_batches_of_matrices_equal_their_runs_one_by_one(rule):
    starts, lrs = random(2, 3, 2), [0.02, 0.05, 0.1]
    together = minimize(to_target, rule(**grid(lr=lrs)), starts[:, None], 20)
    assert together.runs == (2, 3)
    assert together.params.shape == (21, 2, 3, 3, 2)
    assert together.lrs[0].tolist() == [lrs, lrs]
    assert together.diverged.shape == (2, 3)
    for i, start in enumerate(starts):
        for j, lr in enumerate(lrs):
            alone = minimize(to_target, rule(lr=lr), start, 20)
            assert torch.allclose(together.params[:, i, j], alone.params, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(
    ("rule", "name"),
    [(Muon, "momentum"), (Muon, "weight_decay"), (Muon, "eps"), (muon_of_torch, "eps")]
    + [(Adafactor, name) for name in ("beta2_decay", "eps1", "eps2", "d", "weight_decay")]
    + [(Shampoo, "eps")],
)
def test_every_hyperparameter_of_a_matrix_rule_can_be_swept(rule, name):
    values = [-0.8, -0.5] if name == "beta2_decay" else [1.0, 1.5] if name == "d" else [0.5, 0.25]
    together = minimize(to_target, rule(lr=0.1, **grid(**{name: values})), random(3, 2), 10)
    for i, value in enumerate(values):
        alone = minimize(to_target, rule(lr=0.1, **{name: value}), random(3, 2), 10)
        assert torch.allclose(together.params[:, i], alone.params, rtol=1e-10, atol=1e-12)


def test_a_schedule_of_a_matrix_rule():
    run = minimize(to_target, lambda step: Muon(lr=1 / (1 + step), weight_decay=0.0), random(3, 2), 30)
    assert run.lrs[:3].tolist() == pytest.approx([1, 1 / 2, 1 / 3])
    assert run.losses[-1] < run.losses[0] / 10


def test_the_gradient_at_a_matrix():
    W = random(3, 2)
    assert torch.allclose(gradient(to_target, W, matrix=True), 2 * (W - random(3, 2, seed=5)))


def test_a_run_of_matrices_describes_itself():
    run = minimize(to_target, Muon(lr=0.1, weight_decay=0.0), torch.zeros(3, 2), 20)
    assert "20 steps from a matrix (3 x 2) of norm 0 to a matrix (3 x 2) of norm " in str(run)
    assert "nesterov" not in str(run)
    assert "from a matrix (3 x 2) of norm 0, 20 steps." in run.describe(ended=False)
    sweep = minimize(to_target, Muon(**grid(lr=[0.01, 0.1])), torch.zeros(3, 2), 20)
    assert "the lowest final loss is " in str(sweep)
    assert " at lr 0.1; 0 of 2 diverge." in str(sweep)


@pytest.mark.slow
def test_a_run_of_matrices_that_diverges_is_a_result():
    run = minimize(to_target, GradientDescent(**grid(lr=[0.1, 1.5])), random(3, 2), 2000, matrix=True)
    assert run.diverged.tolist() == [False, True]
    assert minimize(to_target, Shampoo(lr=1e200), random(3, 2), 50).diverged


@pytest.mark.parametrize("rule", [Muon(0.1), Adafactor(0.1), Shampoo(0.1)], ids=lambda rule: type(rule).__name__)
def test_a_vector_where_a_matrix_is_expected_is_refused(rule):
    words = (
        rf"{type(rule).__name__} needs a start \(m, n\) or \(\*runs, m, n\), got shape \(2,\); a vector is a matrix of"
    )
    with pytest.raises(ValueError, match=words):
        minimize(lambda w: w.square().sum(-1), rule, [1.0, 2.0], 5)


def test_a_loss_of_a_matrix_without_the_word_is_refused_with_the_cure():
    with pytest.raises(ValueError, match="if params are matrices, say matrix=True"):
        minimize(to_target, GradientDescent(0.1), random(3, 2), 5)
    with pytest.raises(ValueError, match="sum over the last two axes, those of a matrix"):
        minimize(lambda W: W.square().sum(-1), GradientDescent(0.1), random(3, 2), 5, matrix=True)


def test_a_rule_that_mixes_the_numbers_of_a_vector_is_refused_on_a_matrix_and_its_cure_runs():
    with pytest.raises(ValueError, match=r"LBFGS takes params for one vector.*W = w.reshape\(\*w.shape\[:-1\], 3, 2\)"):
        minimize(to_target, LBFGS(), random(3, 2), 5, matrix=True)
    run = minimize(lambda w: to_target(w.reshape(*w.shape[:-1], 3, 2)), LBFGS(), random(3, 2).flatten(), 5)
    assert run.losses[-1] < 1e-9


def test_a_wrong_adjustment_is_refused():
    with pytest.raises(ValueError, match="adjust_lr_fn must be one of original, match_rms_adamw; got 'rms'"):
        Muon(adjust_lr_fn="rms")


@pytest.mark.parametrize("rule", [Muon(lr=0.1), Muon(lr=0.1, nesterov=False), Adafactor(lr=0.1), Momentum(lr=0.1)])
@pytest.mark.parametrize("shape", [(3, 2), (2, 4)])
def test_on_a_matrix_the_browser_does_what_torch_does(rule, shape):
    target = random(*shape, seed=5)
    run = minimize(lambda W: (W - target).square().sum((-2, -1)), rule, random(*shape), 20, matrix=True)
    (found,) = repeated([[case(run)]])
    assert max(found) <= 1e-11


# --- networks ---------------------------------------------------------------------------------------------------------


def split(model):
    """Its matrices, and all else."""
    matrices = [p for p in model.parameters() if p.ndim == 2]
    return matrices, [p for p in model.parameters() if p.ndim != 2]


def muon_and_adamw(model, lr=0.02):
    matrices, others = split(model)
    groups = [{"params": matrices}, {"params": others, "rule": AdamW(lr=0.01)}]
    return TorchOptimizer(groups, Muon(lr=lr, bfloat16=True))


class Both:
    """What torch's documentation of Muon writes: two optimizers, and one step of each."""

    def __init__(self, model):
        matrices, others = split(model)
        self.parts = [torch.optim.Muon(matrices, lr=0.02), torch.optim.AdamW(others, lr=0.01)]

    def zero_grad(self):
        for part in self.parts:
            part.zero_grad()

    def step(self, closure):
        loss = closure()
        for part in self.parts:
            part.step()
        return loss


def furthest(ours, theirs):
    return max(difference(a, b) for a, b in zip(ours, theirs, strict=True))


@pytest.mark.slow
def test_muon_for_matrices_and_adamw_for_the_rest_train_as_in_torch_saved_and_loaded():
    model, twin = network(), network()

    def remake():
        again = network()
        return again, muon_and_adamw(again, lr=1.0)  # the rate comes with the state

    ours = training(model, muon_and_adamw(model), "constant", Muon, saved_at=77, remake=remake)
    assert furthest(ours, training(twin, Both(twin), "constant", Muon)) <= 1e-10


def test_each_group_has_the_numbers_of_its_own_rule():
    optimizer = muon_and_adamw(network())
    assert optimizer.param_groups[0]["lr"] == 0.02
    assert set(optimizer.param_groups[0]) == {"params", "lr", "momentum", "weight_decay", "eps", "ns_steps"}
    assert set(optimizer.param_groups[1]) == {"params", "lr", "beta1", "beta2", "eps", "weight_decay"}
    assert "rule Muon, AdamW" in repr(optimizer)
    torch.optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.5)
    optimizer.step()
    other = TorchOptimizer(network().parameters(), AdamW(lr=0.01))
    with pytest.raises(ValueError, match="the state of Muon, AdamW, and the rule here is AdamW"):
        other.load_state_dict(optimizer.state_dict())
    with pytest.raises(ValueError, match="has params, name, rule, lr, beta1, beta2, eps, weight_decay; got momentum"):
        other.add_param_group({"params": [torch.zeros(2, requires_grad=True)], "momentum": 0.9})


def test_a_rule_for_matrices_refuses_a_bias_and_says_the_split_which_runs():
    model = network()
    with pytest.raises(TypeError, match=r"Muon takes parameters with two axes, got one of shape \(8,\)") as refused:
        TorchOptimizer(model.parameters(), Muon(lr=0.02))
    code = str(refused.value).partition("of their own, ")[2].partition(", with ")
    names = {"TorchOptimizer": TorchOptimizer, "AdamW": AdamW, "Muon": Muon, "model": model}
    names["matrices"], names["others"] = split(model)
    optimizer = eval(code[0].replace("...", "lr=0.02"), names)
    assert [type(rule).__name__ for rule in optimizer.rules] == ["Muon", "AdamW"]
    with pytest.raises(TypeError, match=r"Adafactor takes parameters with two axes, got one of shape \(4, 2, 3, 3\)"):
        TorchOptimizer(torch.nn.Conv2d(2, 4, 3).parameters(), Adafactor())


def test_a_rule_with_a_probe_and_one_without_step_side_by_side():
    """The second gradient is that of the first group alone."""
    w, v = (torch.nn.Parameter(double([2.0, 1.0])) for _ in range(2))
    optimizer = TorchOptimizer(
        [{"params": [w]}, {"params": [v], "rule": GradientDescent(lr=0.1)}], SAM(lr=0.1, rho=0.5)
    )

    def closure():
        optimizer.zero_grad()
        loss = (w.square().sum() + v.square().sum() + (w * v).sum()) / 2
        loss.backward()
        return loss

    g = double([3.0, 1.5])  # of both, at the start
    optimizer.step(closure)
    looked = double([2.0, 1.0]) + 0.5 * g / g.norm()
    assert torch.allclose(v.detach(), double([2.0, 1.0]) - 0.1 * g)
    assert torch.allclose(w.detach(), double([2.0, 1.0]) - 0.1 * (looked + double([1.0, 0.5])))
