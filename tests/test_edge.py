"""The numbers of notebook 09: clipping, schedules, the edge of stability, bfloat16, accumulation, widths."""

import math

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy, mse_loss
from torch.nn.utils import clip_grad_norm_, clip_grad_value_, parameters_to_vector

from gdviz import data, theory
from gdviz.descent import grid, minimize
from gdviz.networks import TorchOptimizer, landscape
from gdviz.optimizers import (
    ClippedByNorm,
    ClippedByValue,
    GradientDescent,
    Momentum,
    Schedule,
    cosine,
    linear,
    warmup_stable_decay,
)

f64 = torch.float64
UNITS, EVERY = 10, 25  # of the small network; an odd number of steps, for at the edge each second one is alike
LATE = slice(-500, None, EVERY)


def quartic(w):
    return w[..., 0] ** 4 / 4


def small_network():
    """20 points of sin 5x, 10 tanh units, mean squared error, seed 0."""
    x = torch.linspace(-1, 1, 20, dtype=f64)
    start = 0.3 * torch.randn(3 * UNITS + 1, generator=torch.Generator().manual_seed(0)).double()
    return landscape.tanh_loss(x, torch.sin(5 * x), UNITS), start


def sharpness(run):
    return theory.curvatures(run.loss, run.params[LATE])[..., -1].mean(0)


def test_clipping_by_norm_keeps_the_direction_and_by_value_turns_it():  # NUMBERS 37
    g = torch.tensor([3.0, 4.0], dtype=f64)
    by_norm, by_value = ClippedByNorm(lr=1.0).clipped(g), ClippedByValue(lr=1.0).clipped(g)
    assert by_norm.tolist() == pytest.approx([0.6, 0.8])
    assert by_value.tolist() == [1, 1]
    turned = math.degrees(math.acos(float(by_value @ g / (by_value.norm() * g.norm()))))
    assert turned == pytest.approx(8.13, abs=5e-3)


def test_short_gradients_are_left_alone():
    g = torch.tensor([0.3, -0.4], dtype=f64)
    for rule in (ClippedByNorm(lr=1.0), ClippedByValue(lr=1.0)):
        assert rule.clipped(g).tolist() == pytest.approx(g.tolist(), rel=1e-15)
        assert rule.clipped(0 * g).tolist() == [0, 0]


def test_clipping_reaches_the_minimum_from_where_plain_descent_diverges():  # NUMBERS 37
    edge = math.sqrt(2 / 0.1)
    assert edge == pytest.approx(4.47, abs=5e-3)
    plain = minimize(quartic, GradientDescent(lr=0.1), [[0.999 * edge], [1.001 * edge]], 200)
    assert plain.diverged.tolist() == [False, True]
    run = minimize(quartic, ClippedByNorm(lr=0.1, max_norm=1.0), [4.5], 200)
    assert run.params[-1].item() == pytest.approx(0.170, abs=5e-4)


@pytest.mark.parametrize(
    ("rule", "clip"),
    [(ClippedByNorm(0.1, 0.5), clip_grad_norm_), (ClippedByValue(0.1, 0.05), clip_grad_value_)],
)
def test_a_network_is_clipped_as_torch_clips_it(rule, clip):
    torch.manual_seed(0)
    models = [nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 2)).double() for _ in range(2)]
    models[1].load_state_dict(models[0].state_dict())
    x, y = torch.randn(20, 3).double(), 4 * torch.randn(20, 2).double()
    ours, theirs = TorchOptimizer(models[0].parameters(), rule), torch.optim.SGD(models[1].parameters(), lr=0.1)
    cut = 0
    for _ in range(50):
        for model, optimizer in zip(models, (ours, theirs)):
            optimizer.zero_grad()
            mse_loss(model(x), y).backward()
            if optimizer is theirs:
                before = parameters_to_vector(p.grad for p in model.parameters())
                clip(model.parameters(), 0.5 if clip is clip_grad_norm_ else 0.05)
                after = parameters_to_vector(p.grad for p in model.parameters())
                cut += not torch.allclose(before, after)
            optimizer.step()
    assert cut > 10
    for a, b in zip(models[0].parameters(), models[1].parameters()):
        assert torch.allclose(a, b, rtol=1e-4 if clip is clip_grad_norm_ else 1e-12, atol=1e-5)  # torch adds 1e-6


def valley(rate, run_for=1000, **numbers):
    """The expected losses of NUMBERS 38 at lr 0.5: hill of curvature 1 with noise 1, river of 0.003, start 10."""
    rule = theory.RiverValley(lr=0.5)
    return minimize(rule.loss, Schedule(rule, rate, lr=0.5, **numbers), [0.0, 100.0], run_for).losses


@pytest.mark.slow
def test_a_stable_rate_with_a_late_decay_beats_cosine_and_may_be_read_at_any_time():  # NUMBERS 38
    constant, long = valley(lambda t, lr: lr + 0 * t), valley(cosine, steps=1000)
    assert constant[-1].item() == pytest.approx(0.174, abs=5e-4)
    assert long[-1].item() == pytest.approx(0.0366, abs=5e-5)
    assert valley(linear, steps=1000)[-1].item() == pytest.approx(0.0384, abs=5e-5)
    assert valley(warmup_stable_decay, steps=1000, decay=0.1)[-1].item() == pytest.approx(0.0248, abs=5e-5)
    assert long[500].item() == pytest.approx(0.116, abs=5e-4)
    short, branch = (valley(rate, 500, steps=500)[-1].item() for rate in (cosine, warmup_stable_decay))
    assert short == pytest.approx(0.0757, abs=5e-5)
    assert branch == pytest.approx(0.0591, abs=5e-5)


def test_the_expected_loss_of_the_valley_is_the_mean_of_many_noisy_descents():
    noise = torch.randn(30, 20_000, generator=torch.Generator().manual_seed(0)).double()
    curvatures = torch.tensor([1.0, 0.003], dtype=f64)

    def noisy(w, step):
        return (curvatures * w**2).sum(-1) / 2 + w[..., 0] * noise[step]

    def plain(w):
        return (curvatures * w**2).sum(-1) / 2

    rule = theory.RiverValley(lr=0.5)
    starts = torch.tensor([0.0, 10.0], dtype=f64).expand(20_000, 2)
    runs = minimize(plain, Schedule(GradientDescent(0.5), cosine, lr=0.5, steps=30), starts, 30, sampled_loss=noisy)
    exact = minimize(rule.loss, Schedule(rule, cosine, lr=0.5, steps=30), [0.0, 100.0], 30)
    assert torch.allclose(runs.losses.mean(1), exact.losses, rtol=0.02)


def test_schedules_are_those_of_torch():
    steps, t = 40, torch.arange(40, dtype=f64)
    param = [nn.Parameter(torch.zeros(1))]
    for ours, make in (
        (cosine(t, 0.5, steps), lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, steps)),
        (linear(t, 0.5, steps), lambda o: torch.optim.lr_scheduler.LinearLR(o, 1.0, 0.0, steps)),
    ):
        optimizer = torch.optim.SGD(param, lr=0.5)
        scheduler, theirs = make(optimizer), []
        for _ in range(steps):
            theirs.append(scheduler.get_last_lr()[0])
            optimizer.step()
            scheduler.step()
        assert ours.tolist() == pytest.approx(theirs, abs=1e-12)


def test_warm_up_reaches_the_whole_rate_after_its_steps_and_a_decay_of_1_is_a_line():
    t = torch.arange(101, dtype=f64)
    for rate in (cosine, linear, warmup_stable_decay):
        rates = rate(t, 0.5, 100, warmup=9)
        assert rates[:9].tolist() == pytest.approx([0.05 * k for k in range(1, 10)])
        assert rates[9].item() == pytest.approx(0.5)
        assert rates[-1] == 0
    assert torch.allclose(warmup_stable_decay(t, 0.5, 100, decay=1.0), linear(t, 0.5, 100))


def test_the_vector_of_the_small_network_is_that_of_torchs_modules():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(1, UNITS), nn.Tanh(), nn.Linear(UNITS, 1)).double()
    x = torch.linspace(-1, 1, 20, dtype=f64)
    loss, weights = landscape.tanh_loss(x, torch.sin(5 * x), UNITS), parameters_to_vector(model.parameters()).detach()
    assert loss(weights).item() == pytest.approx(mse_loss(model(x[:, None])[:, 0], torch.sin(5 * x)).item(), rel=1e-14)
    of_module = landscape.losses_at(model, mse_loss, (x[:, None], torch.sin(5 * x)[:, None]))
    many = weights * torch.tensor([[0.5], [1.0], [2.0]])
    assert torch.allclose(loss(many), of_module(many), rtol=1e-12)


@pytest.mark.slow
def test_the_sharpness_of_a_network_settles_at_2_over_lr_at_four_rates():  # NUMBERS 39, within 2 %
    """Its network (sin 3x, 20 units) hovers around 2/lr in waves of 5 to 10 %; on sin 5x it settles."""
    loss, start = small_network()
    rates = torch.tensor([0.2, 0.22, 0.25, 0.3], dtype=f64)
    run = minimize(loss, GradientDescent(**grid(lr=rates)), start, 2500)
    found = sharpness(run)
    assert found.tolist() == pytest.approx([10, 9.09, 8, 6.67], rel=0.02)
    assert torch.allclose(found, theory.edge(rates), rtol=0.02)
    assert float(theory.curvatures(loss, start)[-1]) < 5  # it has climbed there
    assert not run.diverged.any()


@pytest.mark.slow
def test_a_small_rate_ends_below_its_edge_and_a_large_one_diverges():  # NUMBERS 39
    loss, start = small_network()
    run = minimize(loss, GradientDescent(**grid(lr=[0.05, 0.5])), start, 2500)
    assert run.diverged.tolist() == [False, True]
    assert 10 < sharpness(run)[0] < 0.5 * theory.edge(0.05)
    assert sharpness(run)[1].isnan()


@pytest.mark.slow
def test_with_momentum_the_sharpness_settles_at_2_and_twice_beta_over_lr():  # NUMBERS 39
    """In slow waves: at lr 0.2 it is not there yet after these steps, and beyond 0.35 the first wave throws it out."""
    loss, start = small_network()
    rates = torch.tensor([0.22, 0.26, 0.28, 0.3], dtype=f64)
    run = minimize(loss, Momentum(**grid(lr=rates, momentum=[0.5])), start, 2500)
    found = sharpness(run)[:, 0]
    assert torch.allclose(found, theory.edge(rates, momentum=0.5), rtol=0.02)
    assert (found > 1.4 * theory.edge(rates)).all()


@pytest.mark.slow
def test_beyond_the_edge_a_quadratic_diverges_and_below_it_does_not():
    for beta in (0.0, 0.5, 0.9):
        rates = 2 * (1 + beta) * torch.tensor([0.99, 1.01], dtype=f64)
        run = minimize(lambda w: w[..., 0] ** 2 / 2, Momentum(**grid(lr=rates), momentum=beta), [1.0], 1000)
        assert (theory.edge(rates, beta) > 1).tolist() == [True, False]
        assert run.diverged.tolist() == [False, True]


def test_curvatures_of_a_diverged_descent_are_nan_and_those_beside_it_are_not():
    loss, start = small_network()
    found = theory.curvatures(loss, torch.stack([start, start * torch.nan, start * torch.inf]))
    assert found.isnan().all(-1).tolist() == [False, True, True]
    assert torch.equal(found[0], theory.curvatures(loss, start[None])[0])


def test_bfloat16_loses_a_small_update():  # NUMBERS 40
    assert theory.bfloat16([1 - 0.0019, 256.0 + 1.0]).tolist() == [1, 256]
    assert theory.bfloat16([1 - 0.002]).item() < 1
    x = torch.randn(1000, generator=torch.Generator().manual_seed(0))
    assert torch.equal(theory.bfloat16(x), x.bfloat16().float())


def test_an_optimizer_of_torch_in_bfloat16_stands_still():  # NUMBERS 40
    for dtype, moved in ((torch.bfloat16, 0.0), (torch.float32, 0.19)):
        w = nn.Parameter(torch.ones(1, dtype=dtype))
        optimizer = torch.optim.SGD([w], lr=0.0019)
        for _ in range(100):
            w.grad = torch.ones_like(w)
            optimizer.step()
        assert 1 - w.item() == pytest.approx(moved, abs=1e-5)


def test_rounding_at_random_is_right_on_average_and_keeps_what_is_exact():
    chance = torch.Generator().manual_seed(0)
    for x in (1 - 0.0019, -3.14159, 1e-3):
        many = theory.bfloat16(torch.full((100_000,), x), chance).double()
        assert len(many.unique()) == 2
        assert many.mean().item() == pytest.approx(torch.tensor(x).item(), abs=4 * float(many.std()) / 100_000**0.5)
    exact = torch.tensor([1.0, -0.5, 256.0, 0.0])
    assert torch.equal(theory.bfloat16(exact, chance), exact)


def test_random_rounding_or_a_master_copy_saves_the_swallowed_update():  # NUMBERS 40
    ways = theory.swallowed(torch.full((500,), 0.0019), 100, generator=torch.Generator().manual_seed(0))
    ends = {name: w[-1].double() for name, w in ways.items()}
    assert ends["bfloat16"].unique().tolist() == [1]
    assert ends["float32"].mean().item() == pytest.approx(0.81, abs=1e-4)
    assert ends["float32 master copy"].mean().item() == pytest.approx(0.81, abs=0.002)
    rounded = ends["bfloat16, rounded at random"]
    assert rounded.mean().item() == pytest.approx(0.81, abs=4 * float(rounded.std()) / 500**0.5)


def test_the_mean_of_means_is_not_the_mean():  # NUMBERS 41
    wrong, right = theory.mean_of_means([4.0, 1.0], [1, 3])
    assert (wrong.item(), right.item()) == (2.5, 1.75)
    wrong, right = theory.mean_of_means([4.0, 1.0], [3, 3])
    assert wrong == right


def test_accumulated_gradients_are_those_of_the_whole_batch_only_with_the_right_weights():  # NUMBERS 41
    torch.manual_seed(0)
    model, x, y = nn.Linear(2, 1).double(), torch.randn(4, 2).double(), torch.randn(4, 1).double()

    def accumulated(weights):
        model.zero_grad()
        for part, weight in zip((slice(0, 1), slice(1, 4)), weights):
            (weight * mse_loss(model(x[part]), y[part])).backward()
        return model.weight.grad.clone()

    model.zero_grad()
    mse_loss(model(x), y).backward()
    whole = model.weight.grad.clone()
    assert torch.allclose(accumulated([1 / 4, 3 / 4]), whole)
    assert not torch.allclose(accumulated([1 / 2, 1 / 2]), whole, rtol=0.1)


def adam(share):
    return lambda model: torch.optim.Adam(model.parameters(), lr=0.001 * share)


def test_one_step_of_adam_changes_the_output_in_proportion_to_the_width_unless_the_rate_falls_with_it():  # NUMBERS 42
    assert theory.first_change([64, 4096], 0.001).tolist() == pytest.approx([0.051, 3.27], abs=3e-3)
    for n in (64, 4096):
        changes = []
        for seed in range(20):
            torch.manual_seed(seed)
            model, h = nn.Linear(n, 1, bias=False).double(), torch.randn(1, n).double()
            pair = h, torch.full((1, 1), 100.0).double()
            changes.append([landscape.output_change(model, mse_loss, pair, adam(share)) for share in (1, 64 / n)])
        one_rate, falling = torch.tensor(changes).mean(0).tolist()
        assert one_rate == pytest.approx(float(theory.first_change(n, 0.001)), rel=0.05)
        assert falling == pytest.approx(0.051, rel=0.05)


def test_mu_p_holds_the_first_step_of_a_network_on_the_digits_at_every_width():  # NUMBERS 42
    (x, y), _ = data.digits()

    def change(n, scaled):
        torch.manual_seed(0)
        model, share = nn.Sequential(nn.Linear(64, n), nn.ReLU(), nn.Linear(n, 10)), 64 / n if scaled else 1
        with torch.no_grad():
            model[2].weight *= share**0.5  # torch's own are ~ n^-1/2, those of mu-P ~ 1/n

        def optimizer(model):
            first, last = model[0].parameters(), model[2].parameters()
            return torch.optim.Adam([{"params": first}, {"params": last, "lr": 0.001 * share}], lr=0.001)

        return landscape.output_change(model, cross_entropy, (x[:64], y[:64]), optimizer)

    assert change(1024, scaled=False) > 5 * change(64, scaled=False)
    assert change(1024, scaled=True) == pytest.approx(change(64, scaled=True), rel=0.3)


def test_output_change_leaves_the_model_as_it_is():
    model, x = nn.Linear(2, 1).double(), torch.ones(3, 2).double()
    before = parameters_to_vector(model.parameters()).clone()
    assert landscape.output_change(model, mse_loss, (x, 9 * torch.ones(3, 1).double()), adam(1)) > 0
    assert torch.equal(parameters_to_vector(model.parameters()), before)
    assert all(p.grad is None for p in model.parameters())


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: theory.edge(-0.1), "lr must be positive"),
        (lambda: theory.edge(0.1, momentum=1.0), r"momentum must be in \[0, 1\)"),
        (lambda: minimize(quartic, ClippedByNorm(0.1, 0.0), [1.0], 1), "max_norm must be more than 0"),
        (lambda: minimize(quartic, ClippedByValue(0.1, -1.0), [1.0], 1), "max_value must be more than 0"),
        (lambda: theory.RiverValley(0.1, noise=-1.0), None),
        (lambda: landscape.tanh_loss([1.0], [1.0, 2.0], 3), r"must both be \(n,\)"),
        (lambda: landscape.tanh_loss([1.0], [1.0], 0), "units must be a whole number, 1 or more"),
        (lambda: landscape.tanh_loss([1.0], [1.0], 3)(torch.zeros(9)), r"weights must be \(..., 10\)"),
        (lambda: theory.swallowed(0.1, -1, generator=torch.Generator()), "steps must be a whole number, 0 or more"),
    ],
)
def test_what_does_not_fit_is_refused(call, message):
    if message is None:
        rule = call()
        with pytest.raises(ValueError, match="noise must be 0 or more"):
            minimize(rule.loss, rule, [0.0, 1.0], 1)
    else:
        with pytest.raises(ValueError, match=message):
            call()
