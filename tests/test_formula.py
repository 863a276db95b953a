"""The formula in the browser: what node computes with the module of a page is what torch computes."""

import json
import subprocess
from dataclasses import dataclass
from typing import Any, NamedTuple

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from node import case, node, repeated
from proof import BROWSER, note
from test_surfaces import CLASSICS
from torch import nn
from torch_pairs import PAIRS, TWO_POINTS

from gdviz import data, surfaces
from gdviz.descent import grid, minimize
from gdviz.minibatches import Minibatches, sampled_loss
from gdviz.networks import landscape, reproducible
from gdviz.optimizers import LBFGS, SAM, Adam, GradientDescent, Momentum
from gdviz.optimizers.rule import is_for_matrices
from gdviz.player import Player, scripts
from gdviz.player.formula import NotFollowed, traced
from gdviz.views.formula import formula

TOLERANCE = 1e-12
LOSSES = [*(make() for make in CLASSICS), surfaces.linear_model(data.diabetes())]
each = pytest.mark.parametrize("rule", PAIRS, ids=lambda rule: rule.__name__)


@pytest.mark.slow
@each
@settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck))
@given(draw=st.data(), seed=st.integers(0, 2**31))
def test_every_rule_on_every_surface_is_in_the_browser_what_it_is_in_torch(rule, draw, seed):
    generator = torch.Generator().manual_seed(seed)
    hyper = {name: draw.draw(strategy, label=name) for name, strategy in PAIRS[rule].drawn.items()}
    starts = [torch.tensor(s.start).double() + torch.randn(len(s.start), generator=generator).double() for s in LOSSES]
    if is_for_matrices(rule):  # two rows, each a start
        both = [(lambda W, loss=loss: loss(W).sum(-1), torch.stack([w, w / 2])) for loss, w in zip(LOSSES, starts)]
        runs = [minimize(loss, rule(**hyper), start, 20) for loss, start in both]
    else:
        runs = [minimize(loss, rule(**hyper), start, 20) for loss, start in zip(LOSSES, starts)]
    (found,) = repeated([[case(run) for run in runs]])
    assert note(rule, BROWSER, max(found)) <= TOLERANCE


@pytest.mark.slow
@pytest.mark.parametrize("rule", TWO_POINTS, ids=lambda rule: rule.__name__)
@settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck))
@given(draw=st.data(), seed=st.integers(0, 2**31))
def test_every_rule_with_two_points_is_in_the_browser_what_it_is_in_torch(rule, draw, seed):
    generator = torch.Generator().manual_seed(seed)
    hyper = {name: draw.draw(strategy, label=name) for name, strategy in TWO_POINTS[rule].drawn.items()}
    starts = [torch.tensor(s.start).double() + torch.randn(len(s.start), generator=generator).double() for s in LOSSES]
    if is_for_matrices(rule):  # two rows, each a start
        both = [(lambda W, loss=loss: loss(W).sum(-1), torch.stack([w, w / 2])) for loss, w in zip(LOSSES, starts)]
        runs = [minimize(loss, rule(**hyper), start, 20) for loss, start in both]
    else:
        runs = [minimize(loss, rule(**hyper), start, 20) for loss, start in zip(LOSSES, starts)]
    (found,) = repeated([[case(run) for run in runs]])
    assert max(found) <= TOLERANCE


@pytest.mark.parametrize("rule", TWO_POINTS, ids=lambda rule: rule.__name__)
def test_a_whole_descent_by_minibatches_takes_both_gradients_of_sam_from_the_steps_own(rule):
    loss = surfaces.linear_model(data.diabetes())
    batches = Minibatches(loss.examples, 30, generator=torch.Generator().manual_seed(1))
    run = minimize(loss, rule(lr=1e-2), [1.0, 2.0], 40, sampled_loss=sampled_loss(loss, batches))
    (found,) = repeated([[case(run)]], "whole")
    assert max(found) <= 1e-9


def test_sam_where_a_gradient_is_zero_does_not_move_in_the_browser_either():
    run = minimize(cup, SAM(lr=0.1), [0.0, 0.0], 3)
    ((found,),) = repeated([[case(run)]])
    assert found == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("was", "planted"),
    [
        ("o[k] = a[k * i] - b[k * j]", "o[k] = a[k * i] - b[k * j] * (1 + 1e-11)"),
        ("1 / (1 + Math.exp(-a))", "1 / (1 + Math.exp(a))"),
        ("out[to[k]] = a.values[k]; }; // the rest", "out[to[k]] = a.values[0]; }; // the rest"),
    ],
)
def test_a_mistake_planted_in_the_interpreter_is_seen(tmp_path, was, planted):
    text = (scripts.STATIC / "formula.mjs").read_text()
    assert text.count(was) == 1
    module = tmp_path / "planted.mjs"
    module.write_text(text.replace(was, planted))
    x = torch.linspace(-1, 1, 7).double()

    def loss(w):
        return (torch.sigmoid((w[..., :2] ** 2).sum(-1, keepdim=True) * x - w[..., 2:]) - 0.3).square().sum(-1)

    cases = [[case(minimize(loss, Momentum(lr=0.1, momentum=0.9), [0.5, -0.4, 0.2], 20))]]
    ((right,), (wrong,)) = *repeated(cases), *repeated(cases, module=module)
    assert right <= TOLERANCE < wrong


@pytest.mark.slow
def test_a_whole_descent_with_a_schedule_is_that_of_minimize():
    rosenbrock = surfaces.rosenbrock()
    runs = [
        minimize(rosenbrock, lambda step: GradientDescent(lr=1e-3 / (1 + step / 50)), rosenbrock.start, 200),
        minimize(rosenbrock, LBFGS(), rosenbrock.start, 30),
        minimize(surfaces.ravine(), Adam(lr=0.2), (-5.0, -2.0), 200),
    ]
    (found,) = repeated([[case(run) for run in runs]], "whole")
    assert max(found) <= 1e-9  # rounding, and what 200 steps make of it


@pytest.mark.parametrize(
    ("between", "reduction", "classes"),
    [(nn.Tanh(), "mean", 2), (nn.ReLU(), "mean", 3), (nn.Sigmoid(), "sum", 2)],
    ids=lambda value: str(value),
)
def test_a_network_of_torch_is_in_the_browser_what_it_is_in_torch(between, reduction, classes):
    inputs, labels = (part[:40] for part in data.toy_moons())
    with reproducible(3):
        model = nn.Sequential(nn.Linear(2, 4), between, nn.Linear(4, classes))
    loss = landscape.losses_at(model, nn.CrossEntropyLoss(reduction=reduction), (inputs, labels))
    start = nn.utils.parameters_to_vector(model.parameters()).detach()
    (found,) = repeated([[case(minimize(loss, rule, start, 20)) for rule in (Adam(0.1), Momentum(0.002, 0.5))]])
    assert max(found) <= TOLERANCE


@pytest.mark.parametrize(
    "loss",
    [
        lambda w: w.abs().max() + (w**2).sum(),
        lambda w: (w**2).sum() - (w + 1).min(),
        lambda w: torch.max(w**2, 2 * w).sum(),
        lambda w: torch.min(w.abs(), w**2).sum(),
    ],
)
def test_the_largest_and_the_least_are_in_the_browser_what_they_are_in_torch(loss):
    (found,) = repeated([[case(minimize(loss, Momentum(0.1, 0.5), [0.5, -1.4, 3.0], 20))]])
    assert max(found) <= TOLERANCE


def test_the_largest_along_an_axis_with_its_place_is_named():
    run = minimize(lambda w: (w**2).max(-1).values, GradientDescent(0.1), [0.5, -1.4], 3)
    with pytest.raises(NotFollowed, match="max along an axis with the places; amax gives the numbers alone in line"):
        formula(run)


@pytest.mark.parametrize(
    "loss", [nn.CrossEntropyLoss(weight=torch.tensor([1.0, 2.0]).double()), nn.CrossEntropyLoss(ignore_index=0)]
)
def test_of_a_cross_entropy_with_weights_or_ignored_classes_it_is_said_that_the_browser_has_none(loss):
    with reproducible(3):
        model = nn.Linear(2, 2)
    run = minimize(landscape.losses_at(model, loss, data.toy_moons()), GradientDescent(0.1), torch.zeros(6).double(), 2)
    with pytest.raises(NotFollowed, match="the browser has no nll_loss of drawn or ignored classes, with weights"):
        formula(run)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["path", "line", "points"])
def test_the_pixels_of_what_is_dragged_are_those_of_python_however_far(kind):
    figure, ax = plt.subplots(figsize=(6, 4))
    ax.set(xlim=(-1, 2), ylim=(1e-3, 1e4), yscale="log")
    player = Player(figure, {"step": range(40)})
    generator, own = torch.Generator().manual_seed(3), {"path": (), "line": (2,), "points": (3,)}[kind]
    size = 10 ** (6 * torch.rand(40, *own, 1, generator=generator).double() - 1)
    x = torch.randn(40, *own, 1, generator=generator).double() * size
    y = torch.exp(40 * torch.randn(40, *own, 1, generator=generator).double())
    mark = getattr(player, kind)(ax, torch.cat([x, y], -1))
    player.twin()
    wanted = mark.pixels()
    assert np.isnan(wanted).any()
    given = {"kind": kind, "values": torch.cat([x, y], -1).flatten().tolist(), "own": [*own, 2], "axes": player.axes[0]}
    script = (
        f"import {{ pixelsOf }} from {json.dumps((scripts.STATIC / 'alive.mjs').as_uri())};"
        f"const {{ kind, values, own, axes }} = {json.dumps(given)};"
        "console.log(JSON.stringify([...pixelsOf(kind, values, own, axes)]));"
    )
    ran = subprocess.run([node(), "--input-type=module", "-e", script], capture_output=True, text=True, check=True)
    found = np.array(json.loads(ran.stdout), float).reshape(wanted.shape)  # JSON has null for NaN
    assert np.allclose(found, wanted, rtol=1e-6, atol=1e-2, equal_nan=True)


class Memory(NamedTuple):
    old: Any


@dataclass(frozen=True)
class Own:
    """A rule of a learner's own: the mean of this step's gradient and the last one's."""

    lr: float

    def init(self, params):
        return Memory(torch.zeros_like(params))

    def update(self, params, grads, state):
        return params - self.lr * (grads + state.old) / 2, Memory(grads)


def test_a_rule_and_a_loss_of_the_learners_own_are_followed():
    X = torch.linspace(-2, 2, 30, dtype=torch.float64).reshape(10, 3)

    def loss(w):
        return torch.where((w @ X.T).relu() > 0.5, (w @ X.T) ** 2, torch.tanh(w @ X.T).abs()).mean(-1) + w.norm(dim=-1)

    ((found,),) = repeated([[case(minimize(loss, Own(lr=0.01), [0.5, -0.4, 0.3], 20))]])
    assert found <= TOLERANCE


def test_traces_of_the_same_thing_are_the_same_and_small():
    def bytes_of(rule):
        found = formula(minimize(surfaces.beale(), rule, (1.0, 1.0), 3))
        return json.dumps([found["init"], found["advance"]], default=lambda value: value.hex()).encode()

    for rule in (Adam(lr=0.1), LBFGS()):
        assert bytes_of(rule) == bytes_of(rule)
        assert len(bytes_of(rule)) < 50_000


def test_two_equal_inputs_are_two():
    one = torch.ones(2).double()
    with pytest.raises(ValueError, match="different tensors"):
        traced(lambda a, b: a - b, one, one)


class Remembers:
    def __init__(self):
        self.m = 0.0

    def init(self, params):
        return ()

    def update(self, params, grads, state):
        self.m = 0.9 * self.m + grads
        return params - 0.1 * self.m, state


@dataclass(frozen=True)
class Branches:
    lr: float = 0.1

    def init(self, params):
        return ()

    def update(self, params, grads, state):
        if grads.abs().sum() > 1:
            return params - self.lr * grads, state
        return params, state


@dataclass(frozen=True)
class Trembles(Branches):
    def update(self, params, grads, state):
        return params - self.lr * grads * torch.rand(2), state


@dataclass(frozen=True)
class Lists(Branches):
    def init(self, params):
        return [0]


def cup(w):
    return w.square().sum(-1)


BOWLS = surfaces.bowl(torch.tensor([2.0, 3.0]))


@pytest.mark.parametrize(
    ("loss", "rule", "reason"),
    [
        (cup, Remembers(), "Remembers keeps self.m on itself; return it as a part of the state"),
        (cup, Branches(), r"of a value in line \d+ of update, 'if grads.abs\(\).sum\(\) > 1:'"),
        (cup, Trembles(), r"random numbers are drawn \(rand\) in line \d+ of update|comes out differently"),
        (cup, Lists(), "the state is a list; a tuple of tensors could be followed"),
        (lambda w: w.sort(-1).values[..., 0] ** 2, Adam(), r"the browser has no sort in line \d+ of <lambda>"),
        (lambda w: (w.float() ** 2).sum(-1).double(), Adam(), "numbers are float32"),
        (lambda w: torch.tensor(w[..., 0].item()) * w.sum(-1), Adam(), "a Python number is made of a value"),
    ],
)
def test_what_cannot_be_followed_is_a_sentence_with_its_line(loss, rule, reason):
    with pytest.raises(NotFollowed, match=reason):
        formula(minimize(loss, rule, [1.0, 2.0], 5))


def test_a_loss_that_differs_from_run_to_run_and_minibatches_are_named():
    with pytest.raises(NotFollowed, match="another for each run"):
        formula(minimize(BOWLS, GradientDescent(lr=0.1), torch.ones(2, 2).double(), 3))
    with pytest.raises(NotFollowed, match="minibatches"):
        formula(minimize(cup, GradientDescent(lr=0.1), [1.0, 2.0], 3, sampled_loss=lambda w, step: cup(w)))


def test_sweeps_travel_as_one_number_for_each_run():
    run = minimize(cup, Momentum(**grid(lr=[0.1, 0.2, 0.3], momentum=[0.5, 0.9])), [1.0, 2.0], 5)
    assert [tuple(rate.shape) for rate in formula(run)["rates"]] == [(1, 3, 1), (1, 1, 2)]


@dataclass(frozen=True)
class Scaled(Branches):
    scale: Any = 1.0

    def update(self, params, grads, state):
        return params - self.lr * self.scale * grads, state


@dataclass
class Changing:
    lr: float = 0.1
    m: Any = 0.0

    def init(self, params):
        return ()

    def update(self, params, grads, state):
        self.m = 0.9 * self.m + grads
        return params - self.lr * self.m, state


def test_a_whole_number_at_first_and_a_scale_for_each_coordinate_are_followed():
    scale = torch.tensor([0.5, 2.0]).double()
    runs = [
        minimize(cup, lambda step: GradientDescent(lr=1 if step < 5 else 0.1), [1.0, 2.0], 10),
        minimize(cup, lambda step: GradientDescent(lr=1 + (step > 5)), [1.0, 2.0], 10),
        minimize(cup, Scaled(lr=0.1, scale=scale), [1.0, 2.0], 10),
    ]
    (found,) = repeated([[case(run) | {"states": []} for run in runs]], "whole")
    assert max(found) <= TOLERANCE


def test_what_a_schedule_or_a_step_hides_is_named():
    scales = [torch.tensor([1.0, 1.0]).double(), torch.tensor([1.0, 3.0]).double()]
    with pytest.raises(NotFollowed, match="the schedule changes scale"):
        formula(minimize(cup, lambda step: Scaled(scale=scales[step > 6]), [1.0, 2.0], 9))
    with pytest.raises(NotFollowed, match=r"Changing keeps self\.m on itself"):
        formula(minimize(cup, Changing(), [1.0, 2.0], 5))
    with pytest.raises(NotFollowed, match=r"the browser has no softplus in line \d+ of <lambda>"):
        formula(minimize(lambda w: torch.nn.functional.softplus(w).sum(-1), Adam(), [1.0, 2.0], 5))
