"""Slices of a network's loss: what they go through, how their directions are scaled, and the path in them."""

import copy
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from gdviz.descent import gradient, minimize
from gdviz.networks import landscape
from gdviz.networks.training import evaluate, fit
from gdviz.optimizers import GradientDescent


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


X = torch.randn(40, 3, generator=seeded(1), dtype=torch.float64)
Y = (X[:, 0] + X[:, 1] ** 2 > 0.5).long()
DATA = (X, Y)


def network(seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return nn.Sequential(nn.Linear(3, 6), nn.ReLU(), nn.Linear(6, 2)).double()


def directions(model, seed=0, **options):
    return landscape.random_directions(model, generator=seeded(seed), **options)


@pytest.mark.slow
@given(a=st.floats(-2, 2), b=st.floats(-2, 2))
def test_a_slice_is_the_loss_of_the_network_with_moved_weights(a, b):
    model, moved = network(), network()
    both = directions(model)
    surface = landscape.plane(model, F.cross_entropy, DATA, both)
    vector_to_parameters(parameters_to_vector(model.parameters()) + a * both[0] + b * both[1], moved.parameters())
    wanted = F.cross_entropy(moved(X), Y).item()
    assert surface(torch.tensor([a, b], dtype=torch.float64)).item() == pytest.approx(wanted, rel=1e-9)


def test_a_slice_takes_any_batch_and_has_a_gradient():
    model = network()
    surface = landscape.plane(model, F.cross_entropy, DATA, directions(model), xlim=(-0.5, 0.5))
    points = torch.rand(3, 50, 2, generator=seeded(), dtype=torch.float64) - 0.5
    together = surface(points)
    assert together.shape == (3, 50)
    assert torch.allclose(together[1, 7], surface(points[1, 7]), rtol=1e-12)
    h = torch.tensor([1e-6, 0.0]).double()
    assert gradient(surface, points[0, 0])[0].item() == pytest.approx(
        ((surface(points[0, 0] + h) - surface(points[0, 0] - h)) / 2e-6).item(), rel=1e-4, abs=1e-8
    )
    descent = minimize(surface, GradientDescent(0.01), [0.3, 0.3], 5)
    assert descent.losses[-1] < descent.losses[0]
    assert (surface.xlim, surface.ylim, surface.examples) == ((-0.5, 0.5), (-1.0, 1.0), 40)


def test_a_slice_stays_when_the_network_is_trained_on_and_leaves_it_alone():
    model = network().train()
    surface = landscape.plane(model, F.cross_entropy, DATA, directions(model))
    before = surface(torch.zeros(2).double())
    fit(model, F.cross_entropy, DATA, torch.optim.SGD(model.parameters(), lr=0.5), epochs=3, batch_size=10)
    assert surface(torch.zeros(2).double()) == before
    assert model.training


@pytest.mark.slow
@given(seed=st.integers(0, 50), factor=st.floats(0.05, 20))
def test_filter_normalisation_removes_the_scale_freedom_of_a_relu_network(seed, factor):  # NUMBERS 21
    """W1, b1 times the factor and W2 over it is the same function: normalised slices agree, raw ones need not."""
    model, scaled = network(), network()
    with torch.no_grad():
        scaled[0].weight.mul_(factor), scaled[0].bias.mul_(factor), scaled[2].weight.div_(factor)
    points = torch.rand(20, 2, generator=seeded(9), dtype=torch.float64) * 2 - 1
    normal = [landscape.plane(m, F.cross_entropy, DATA, directions(m, seed))(points) for m in (model, scaled)]
    assert torch.allclose(*normal, rtol=1e-8)


def test_a_raw_slice_depends_on_the_scale_of_the_layers():  # NUMBERS 21
    model, scaled = network(), network()
    with torch.no_grad():
        scaled[0].weight.mul_(10), scaled[0].bias.mul_(10), scaled[2].weight.div_(10)
    points = torch.rand(20, 2, generator=seeded(9), dtype=torch.float64) * 2 - 1
    raw = [landscape.plane(m, F.cross_entropy, DATA, directions(m, normalize=False))(points) for m in (model, scaled)]
    assert raw[1].max() > 2 * raw[0].max()


def test_each_filter_of_a_direction_is_as_long_as_that_of_the_network_and_biases_stay():
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(16, 5))
    for vector in directions(model):
        d = copy.deepcopy(model)
        vector_to_parameters(vector, d.parameters())
        assert torch.allclose(d[0].weight.flatten(1).norm(dim=1), model[0].weight.flatten(1).norm(dim=1), rtol=1e-5)
        assert torch.allclose(d[3].weight.norm(dim=1), model[3].weight.norm(dim=1), rtol=1e-5)
        for part in (d[0].bias, d[1].weight, d[1].bias, d[3].bias):
            assert (part == 0).all()
    first, second = directions(model)
    assert not torch.equal(first, second)
    assert torch.equal(first, directions(model)[0])


def test_principal_directions_find_the_plane_of_a_path_and_its_share():
    axes = torch.linalg.qr(torch.randn(30, 3, generator=seeded(), dtype=torch.float64)).Q.T
    places = torch.randn(200, 3, generator=seeded(1), dtype=torch.float64) * torch.tensor([10.0, 4.0, 1.0])
    places[-1] = 0
    found, shares = landscape.principal_directions(places @ axes + 7)
    variances = (places**2).sum(0)
    assert (found @ axes.T).abs()[:, :2].diagonal().tolist() == pytest.approx([1, 1], abs=0.02)
    assert shares.tolist() == pytest.approx((variances[:2] / variances.sum()).tolist(), rel=0.05)
    assert torch.allclose(found @ found.T, torch.eye(2).double(), atol=1e-9)


def test_a_path_lies_where_its_weights_are_in_the_plane():
    model = network()
    both, places = directions(model), torch.tensor([[0.0, 0.0], [1.0, -2.0], [0.3, 0.7]]).double()
    path = parameters_to_vector(model.parameters()).detach() + places @ both
    assert torch.allclose(landscape.project(path, model, both), places, atol=1e-9)
    assert torch.allclose(landscape.project(list(path), model, both), places, atol=1e-9)


def test_the_path_of_a_training_ends_in_the_middle_of_its_own_plane():
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.3)
    history = fit(model, F.cross_entropy, DATA, optimizer, epochs=20, batch_size=10, record=4)
    both, shares = landscape.principal_directions(history.weights)
    places = landscape.project(history.weights, model, both)
    assert places[-1].norm() < 1e-9
    assert 0.5 < shares.sum() <= 1
    surface = landscape.plane(model, F.cross_entropy, DATA, both)
    assert surface(places[-1]).item() == pytest.approx(F.cross_entropy(model(X), Y).item(), rel=1e-9)
    assert surface(places[-1]) < surface(places[0])


# in rounding, 6 points of a line
LINE = torch.arange(6.0)[:, None] * torch.randn(50, generator=seeded(1)) + torch.randn(50, generator=seeded(2))
LINE64 = torch.arange(6.0).double()[:, None] * LINE[0].double() + LINE[1].double()
SPOILED = network()
with torch.no_grad():
    SPOILED[0].weight[0, 0] = math.nan


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: landscape.plane(SPOILED, F.cross_entropy, DATA, torch.zeros(2, 38)), "weights that are not finite"),
        (lambda: directions(SPOILED), "weights that are not finite"),
        (
            lambda: landscape.plane(network(), F.cross_entropy, DATA, torch.zeros(2, 7)),
            r"\(2, 38\), got shape \(2, 7\)",
        ),
        (lambda: landscape.plane(network(), F.cross_entropy, DATA, torch.full((2, 38), math.nan)), "must be finite"),
        (lambda: landscape.plane(network(), F.cross_entropy, (X, Y[:3]), torch.zeros(2, 38)), "the same length"),
        (lambda: landscape.principal_directions(torch.zeros(2, 5)), "does not leave a line; record more steps"),
        (lambda: landscape.principal_directions([]), "the path is empty"),
        (lambda: landscape.principal_directions(torch.zeros(3, 4, 5)), r"a path is numbers \(k, parameters\)"),
        (lambda: landscape.principal_directions(torch.arange(4.0)[:, None]), "does not leave a line"),
        (lambda: landscape.principal_directions(torch.full((4, 5), math.nan)), "has points that are not finite"),
        (lambda: landscape.principal_directions(LINE), "does not leave a line"),
        (lambda: landscape.principal_directions(LINE64), "does not leave a line"),
        (lambda: landscape.principal_directions(torch.zeros(4, 5).long()), "a path is numbers"),
        (lambda: landscape.project(torch.zeros(3, 38), network(), torch.zeros(3, 38)), r"directions \(2, 38\)"),
        (lambda: landscape.project(torch.zeros(3, 38), network(), torch.full((2, 38), math.nan)), "finite; got"),
        (lambda: landscape.losses_at(nn.Tanh(), F.cross_entropy, DATA), "with parameters, got Tanh"),
        (lambda: landscape.project(LINE, network(), torch.zeros(2, 38)), r"path must be \(k, 38\)"),
        (lambda: landscape.plane(nn.Tanh(), F.cross_entropy, DATA, torch.zeros(2, 1)), "with parameters, got Tanh"),
        (
            lambda: landscape.plane(network(), F.cross_entropy, (X[:, :2], Y), torch.zeros(2, 38)),
            "does not take inputs",
        ),
        (
            lambda: landscape.plane(network(), F.cross_entropy, (X, Y + 9), torch.zeros(2, 38)),
            "the target of example 0 is",
        ),
        (lambda: landscape.gradient_change(network(), F.cross_entropy, (X, Y + 9), [1]), "the target of example 0 is"),
        (lambda: landscape.principal_directions(torch.arange(4.0)[:, None] * torch.ones(5)), "does not leave a line"),
    ],
)
def test_what_has_no_slice_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_the_gradient_of_a_quadratic_changes_by_the_rate_times_its_curvature():
    model = nn.Linear(1, 1, bias=False).double()  # J = mean of (w x)^2 / 2: curvature mean of x^2
    x = torch.tensor([[1.0], [2.0], [3.0]]).double()
    change = landscape.gradient_change(model, lambda output, target: (output**2).mean() / 2, (x, x), [0.1, 1, 3])
    assert torch.allclose(change, torch.tensor([0.1, 1, 3]).double() * (x**2).mean(), rtol=1e-12)


def test_the_change_of_a_gradient_is_that_of_a_step_by_hand_and_leaves_the_model_alone():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 5), nn.BatchNorm1d(5), nn.Tanh(), nn.Linear(5, 2)).double()
    data = (torch.randn(20, 3).double(), torch.randint(2, (20,)))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    (change,) = landscape.gradient_change(model, F.cross_entropy, data, [0.3])
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(p.grad is None for p in model.parameters())

    def gradient():  # in train mode: by the statistics of these 20
        return torch.autograd.grad(F.cross_entropy(model(data[0]), data[1]), list(model.parameters()))

    first = gradient()
    with torch.no_grad():
        for p, g in zip(model.parameters(), first):
            p -= 0.3 * g
    second = gradient()
    away = sum(((b - a) ** 2).sum() for a, b in zip(first, second)).sqrt()
    assert torch.allclose(change, away / sum((g**2).sum() for g in first).sqrt(), rtol=1e-10)


def test_a_window_holds_the_path_with_a_quarter_around_it():
    path = torch.tensor([[0.0, 1.0], [4.0, 3.0], [2.0, 2.0]])
    assert landscape.window(path) == {"xlim": (-1, 5), "ylim": (0.5, 3.5)}


def test_the_change_of_a_gradient_that_is_zero_is_zero_and_frozen_layers_have_one():
    model = nn.Linear(1, 1, bias=False).double()
    model.requires_grad_(False)
    x = torch.ones(4, 1).double()
    assert landscape.gradient_change(model, lambda output, target: 0 * output.sum(), (x, x), [1.0]).tolist() == [0]
    change = landscape.gradient_change(model, lambda output, target: (output**2).mean() / 2, (x, x), [0.5])
    assert change.tolist() == pytest.approx([0.5])


def test_principal_directions_are_of_the_differences_to_the_last_point():
    path = torch.tensor([[0.0, 3, 0], [0, -3, 0], [1, 3, 0], [1, -3, 0], [10, 0, 0]]).double()
    found, shares = landscape.principal_directions(path)
    assert found[0].abs().tolist() == pytest.approx([1, 0, 0], abs=1e-9)  # about the mean it would be the second axis
    assert shares.tolist() == pytest.approx([362 / 398, 36 / 398])


def test_a_narrow_path_is_no_line():
    path = torch.randn(9, 5, generator=seeded(), dtype=torch.float64) * torch.tensor([1, 1e-4, 0, 0, 0]).double()
    assert landscape.principal_directions(path)[0].abs()[1, 1] == pytest.approx(1, abs=1e-3)


def test_a_slice_with_batch_norm_and_dropout_is_that_of_eval_mode_and_stays():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 3)).double()
    fit(model, F.cross_entropy, DATA, torch.optim.SGD(model.parameters(), lr=0.1), epochs=2, batch_size=25)
    surface = landscape.plane(model, F.cross_entropy, DATA, directions(model))
    wanted, before = evaluate(model, F.cross_entropy, DATA)[0], copy.deepcopy(model.state_dict())
    assert model.training
    assert surface(torch.zeros(2).double()).item() == pytest.approx(wanted, rel=1e-9)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    model(X)  # moves the running statistics
    assert surface(torch.zeros(2).double()).item() == pytest.approx(wanted, rel=1e-9)
    assert surface.minima == ()


def test_a_float32_network_has_a_float64_slice_in_its_own_precision():
    model = network().float()
    surface = landscape.plane(model, F.cross_entropy, DATA, directions(network()))
    assert surface(torch.zeros(4, 2, dtype=torch.float64)).dtype == torch.float64
    assert surface(torch.zeros(2)).item() == pytest.approx(evaluate(model, F.cross_entropy, DATA)[0], rel=1e-5)


def test_a_slice_takes_whole_numbers_and_no_points_at_all():
    surface = landscape.plane(network(), F.cross_entropy, DATA, directions(network()))
    assert surface(torch.tensor([0, 0])) == surface(torch.zeros(2).double())
    assert surface(torch.zeros(0, 2)).shape == (0,)


def test_a_slice_of_a_sparse_embedding_has_a_gradient():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Embedding(5, 3, sparse=True), nn.Flatten(), nn.Linear(6, 3)).double()
    words = (torch.randint(5, (20, 2)), torch.randint(3, (20,)))
    surface = landscape.plane(model, F.cross_entropy, words, directions(model))
    assert model[0].sparse
    assert gradient(surface, torch.ones(2).double()).norm() > 0


class Recurrent(nn.Module):
    def __init__(self, layer):
        super().__init__()
        self.layer, self.last = layer(3, 4, batch_first=True), nn.Linear(4, 2)

    def forward(self, x):
        return self.last(self.layer(x)[0][:, -1])


class Linear(nn.Module):
    """A layer and something after it that torch.func cannot do for many networks at once, or only with care."""

    def __init__(self, after):
        super().__init__()
        self.layer, self.after = nn.Linear(3, 2), after
        self.register_buffer("mean", torch.zeros(2))
        self.register_buffer("spread", torch.ones(2))
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, x):
        return self.after(self, self.layer(x))


def counting(model, h):
    model.calls += 1
    return h * model.calls


ATTENTION = nn.TransformerEncoderLayer(3, 1, 8, batch_first=True)
SERIES = torch.randn(40, 5, 3, generator=seeded(2), dtype=torch.float64)
AWKWARD = {
    "GRU": (Recurrent(nn.GRU), SERIES),
    "LSTM": (Recurrent(nn.LSTM), SERIES),
    "RNN": (Recurrent(nn.RNN), SERIES),
    "a number": (Linear(lambda model, h: h / (1 + h.abs().max().item())), X),
    "numpy": (Linear(lambda model, h: h * float(h.detach().numpy().max())), X),
    "a branch": (Linear(lambda model, h: h if h.sum() > 0 else -h), X),
    "dropout that is always on": (Linear(lambda model, h: F.dropout(h)), X),
    "batch norm in train mode": (Linear(lambda model, h: F.batch_norm(h, model.mean, model.spread, training=True)), X),
    "batch norm without a memory": (nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2, track_running_stats=False)), X),
    "a buffer that changes": (Linear(counting), X),
    "attention": (nn.Sequential(ATTENTION, nn.Flatten(), nn.Linear(15, 2)), SERIES),
}  # fmt: skip


@pytest.mark.parametrize("name", AWKWARD)
def test_a_slice_through_any_network_is_a_function_with_the_gradient_of_its_loss(name):
    with torch.random.fork_rng():
        torch.manual_seed(4)
        model, x = copy.deepcopy(AWKWARD[name][0]).double(), AWKWARD[name][1]
        for p in model.parameters():
            nn.init.normal_(p, std=0.5)
    state, both = copy.deepcopy(model.state_dict()), directions(model)
    surface = landscape.plane(model, F.cross_entropy, (x, Y), both)
    places = torch.tensor([[0.0, 0.0], [0.1, -0.2], [0.3, 0.05]]).double()
    assert torch.equal(surface(places), surface(places))
    for place, value in zip(places, surface(places)):
        moved = copy.deepcopy(model).eval()
        vector_to_parameters(parameters_to_vector(model.parameters()) + place @ both, moved.parameters())
        with torch.random.fork_rng():
            torch.manual_seed(0)
            assert value.item() == pytest.approx(F.cross_entropy(moved(x), Y).item(), rel=1e-9)
    if name not in ("a number", "numpy"):  # which have no gradient
        h = torch.tensor([1e-6, 0.0]).double()
        slope = (surface(places[1] + h) - surface(places[1] - h)) / 2e-6
        assert gradient(surface, places[1])[0].item() == pytest.approx(slope.item(), rel=1e-4, abs=1e-8)
    assert landscape.gradient_change(model, F.cross_entropy, (x, Y), [0.1]).isfinite().all()
    assert all(torch.equal(value, state[key]) for key, value in model.state_dict().items())


@pytest.mark.filterwarnings("ignore:.torch.jit.trace:DeprecationWarning")
def test_a_network_that_has_no_slice_is_refused_by_its_name():
    calls = []

    def changes(model, h):
        calls.append(1)
        return h * len(calls)

    model = Linear(changes).double()
    with pytest.raises(ValueError, match="the Linear gives another output at each call; a slice needs one"):
        landscape.plane(model, F.cross_entropy, DATA, directions(model))
    script = torch.jit.trace(network(), X)
    with pytest.raises(ValueError, match=r"Jitted modules \(give the module from before torch.jit\)"):
        landscape.plane(script, F.cross_entropy, DATA, directions(script))


def test_what_is_no_path_no_weights_and_no_generator_is_said():
    for path in (None, "path", 3, [[1.0, 2.0], [3.0]], [torch.zeros(2), torch.zeros(3)]):
        with pytest.raises(TypeError, match=r"a path is numbers \(k, parameters\), such as history.weights; got"):
            landscape.window(path)
    assert landscape.window([[0.0, 0.0], [4.0, 4.0]]) == landscape.window(torch.tensor([[0.0, 0.0], [4.0, 4.0]]))
    losses = landscape.losses_at(network(), F.cross_entropy, DATA)
    with pytest.raises(ValueError, match=r"weights must be \(..., 38\), as the model has; got \(7,\)"):
        losses(torch.zeros(7))
    with pytest.raises(TypeError, match=r"generator must be a torch.Generator, .*, got 0"):
        landscape.random_directions(network(), generator=0)


def test_a_change_of_gradient_needs_rates():
    for rate in (-0.1, math.nan, [0.1, math.inf], "fast"):
        with pytest.raises((ValueError, TypeError), match="lr must be positive, or 0 to rest"):
            landscape.gradient_change(network(), F.cross_entropy, DATA, rate)
    assert landscape.gradient_change(network(), F.cross_entropy, DATA, 0.1).shape == (1,)


def test_random_directions_share_their_chances_across_precisions():
    assert torch.allclose(directions(network()), directions(network().float()).double(), rtol=1e-4, atol=1e-6)


def test_dropout_drops_the_same_units_along_a_step_and_chances_stay():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 8), nn.Dropout(0.5), nn.Linear(8, 3)).double()
    drawn = torch.get_rng_state()
    assert landscape.gradient_change(model, F.cross_entropy, DATA, [0.0, 0.0]).tolist() == [0, 0]
    assert torch.equal(torch.get_rng_state(), drawn)


def test_the_change_of_a_gradient_is_that_of_train_mode():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.Linear(8, 3)).double()
    change = landscape.gradient_change(model, F.cross_entropy, DATA, [1.0])
    assert torch.equal(landscape.gradient_change(model.eval(), F.cross_entropy, DATA, [1.0]), change)
    assert not model.training


def test_a_float32_path_with_a_narrow_second_direction_is_no_line():
    path = torch.randn(9, 5, generator=seeded()) * torch.tensor([1, 1e-2, 0, 0, 0])
    assert landscape.principal_directions(path)[0].abs()[1, 1] == pytest.approx(1, abs=1e-3)
    model = network().float()
    flat = parameters_to_vector(model.parameters()).detach()
    both = directions(network())
    assert landscape.project(flat[None] + both[:1].float(), model, both)[0].tolist() == pytest.approx([1, 0], abs=1e-5)


def test_a_window_of_a_path_that_stands_still_is_two_wide():
    assert landscape.window([torch.zeros(2), torch.tensor([4.0, 0.0])]) == {"xlim": (-1, 5), "ylim": (-1, 1)}


def test_the_outputs_at_other_weights_are_those_of_the_model_with_them():
    model, other = network(), network(seed=1)
    both = [parameters_to_vector(net.parameters()).detach() for net in (model, other)]
    found = landscape.outputs_at(model, X)(both)
    assert torch.allclose(found, torch.stack([model(X), other(X)]), rtol=1e-12)
    with pytest.raises(ValueError, match="with parameters, got Tanh"):
        landscape.outputs_at(nn.Tanh(), X)
