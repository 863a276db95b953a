"""The proof: each rule equals its optimizer of torch to rounding, on random losses, on every surface, on a network.

What is found goes into the table of PROOF.md and into the badge of notebook 04: see proof.py.
"""

import io

import pytest
import torch
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from proof import note
from test_surfaces import CLASSICS
from torch.optim import lr_scheduler
from torch_pairs import PAIRS

from gdviz.descent import grid, minimize
from gdviz.hyperparameters import checked
from gdviz.networks.torch_optimizer import TorchOptimizer
from gdviz.optimizers import ASGD, LBFGS, Adam, GradientDescent, Moments, Momentum, Nesterov, RMSProp, SquaredMean

TOLERANCE = 1e-10
STEPS = 1000
each = pytest.mark.parametrize("rule", PAIRS, ids=lambda rule: rule.__name__)


def difference(ours, theirs):
    """The largest |ours - theirs| / max(1, |theirs|) over the coordinates; infinite for what is not a number.

    What has fallen off a saddle in both is compared until it is 1e6 away: soon after, its numbers overflow.
    """
    apart = (ours - theirs).abs() / theirs.abs().clamp(min=1)
    both_lost = ~(ours.abs() <= 1e6) & ~(theirs.abs() <= 1e6)
    return torch.where(both_lost, 0.0, apart).nan_to_num(torch.inf).max().item()


def random_matrix(d, generator):
    matrix = torch.randn(d, d, generator=generator, dtype=torch.float64)
    return matrix / torch.linalg.matrix_norm(matrix, 2)


def smooth_loss(d, seed, *, waves):
    """Curvature between 0.1 and 1.1; with waves neither convex nor a quadratic."""
    generator = torch.Generator().manual_seed(seed)
    matrix, other = random_matrix(d, generator), random_matrix(d, generator)
    target = torch.randn(d, generator=generator, dtype=torch.float64)

    def loss(w):
        quadratic = 0.5 * ((w @ matrix - target) ** 2).sum(-1) + 0.05 * (w**2).sum(-1)
        return quadratic + waves * torch.cos(3 * w @ other).sum(-1)

    return loss


def thinned(rule, grads, step):
    """The gradients; where zeros matter, about half of them are made zero, others in each step."""
    if not PAIRS[rule].sparse:
        return grads
    drawn = torch.rand(grads.shape, generator=torch.Generator().manual_seed(step))
    return torch.where(drawn < 0.5, 0.0, grads)


def largest_difference(loss, rule, given, start, steps, *, ours=None):
    """Both follow the gradients at torch's params: near a minimum Adam's m / sqrt(v) jumps with the sign of a gradient
    that is only rounding, and there two programs part that are both right.
    """
    optimizer, param = ours or checked(rule(**given)), torch.nn.Parameter(start.clone())
    theirs = PAIRS[rule].make([param], **given)
    params, largest = start.clone(), 0.0
    state = optimizer.init(params)
    for step in range(steps):
        param.grad = None
        loss(param).sum().backward()
        param.grad = thinned(rule, param.grad, step)
        params, state = optimizer.update(params, param.grad, state)
        theirs.step((lambda: loss(param).sum()) if rule is LBFGS else None)
        largest = max(largest, difference(params, param.detach()))
    return largest


@each
@settings(max_examples=5, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(draw=st.data(), start=st.lists(st.floats(-5, 5), min_size=1, max_size=5), seed=st.integers(0, 2**31))
def test_a_rule_equals_torch_optim_on_random_losses(rule, draw, start, seed):
    given = {name: draw.draw(strategy, label=name) for name, strategy in PAIRS[rule].drawn.items()}
    loss = smooth_loss(len(start), seed, waves=0 if rule is LBFGS else 0.3)
    found = largest_difference(loss, rule, given, torch.tensor(start, dtype=torch.float64), STEPS)
    assert note(rule, "random losses", found) <= TOLERANCE


SURFACES = [make() for make in CLASSICS]


@each
def test_a_rule_equals_torch_optim_on_every_surface(rule):
    """All surfaces at once, a row of params for each. L-BFGS mixes the coordinates: one by one."""
    if rule is LBFGS:
        for surface in SURFACES:
            start = torch.tensor(surface.start, dtype=torch.float64)
            found = largest_difference(surface, rule, {"lr": 0.1, "history_size": 5}, start, 50)
            assert note(rule, "surfaces", found) <= TOLERANCE
        return
    flat = [surface for surface in SURFACES if len(surface.start) == 2]

    def losses(w):
        return torch.stack([surface(row) for surface, row in zip(flat, w)])

    start = torch.tensor([surface.start for surface in flat], dtype=torch.float64)
    given = PAIRS[rule].usual | ({"lr": 1e-4} if rule in (GradientDescent, Momentum, Nesterov, ASGD) else {})
    assert note(rule, "surfaces", largest_difference(losses, rule, given, start, STEPS)) <= TOLERANCE


@each
def test_sweeps_and_batches_of_every_rule_equal_their_runs_one_by_one(rule):
    loss = smooth_loss(2, 3, waves=0)
    lrs = [0.05, 0.1, 0.5]
    starts = torch.tensor([[1.0, 2.0], [-3.0, 0.5]], dtype=torch.float64)
    together = minimize(loss, rule(**grid(lr=lrs)), starts[:, None], 40)
    for i, start in enumerate(starts):
        for j, lr in enumerate(lrs):
            alone = minimize(loss, rule(lr=lr), start, 40)
            assert torch.allclose(together.params[:, i, j], alone.params, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(
    ("rule", "name"), [(rule, name) for rule in PAIRS if rule is not LBFGS for name in PAIRS[rule].usual]
)
def test_every_hyperparameter_of_an_elementwise_rule_can_be_swept(rule, name):
    loss, usual = smooth_loss(2, 3, waves=0), PAIRS[rule].usual
    values = [usual[name], usual[name] * 0.9]
    together = minimize(loss, rule(**usual | grid(**{name: values})), [1.0, -2.0], 40)
    assert together.runs == (2,)
    for i, value in enumerate(values):
        alone = minimize(loss, rule(**usual | {name: value}), [1.0, -2.0], 40)
        assert torch.allclose(together.params[:, i], alone.params, rtol=1e-12, atol=1e-14)


SCHEDULES = {
    "constant": lambda optimizer: None,
    "StepLR": lambda optimizer: lr_scheduler.StepLR(optimizer, 30, gamma=0.5),
    "CosineAnnealingLR": lambda optimizer: lr_scheduler.CosineAnnealingLR(optimizer, 150),
    "ReduceLROnPlateau": lambda optimizer: lr_scheduler.ReduceLROnPlateau(optimizer, patience=3, threshold=0.05),
    "OneCycleLR": lambda optimizer: lr_scheduler.OneCycleLR(optimizer, 0.05, total_steps=150, cycle_momentum=False),
}


def network():
    generator = torch.Generator().manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(5, 8), torch.nn.Tanh(), torch.nn.Linear(8, 3)).double()
    with torch.no_grad():
        for p in model.parameters():
            p.copy_(0.5 * torch.randn(p.shape, generator=generator, dtype=torch.float64))
    return model


def training(model, optimizer, schedule, rule, steps=150, saved_at=None, remake=None):
    """Full-batch training with a small L2 penalty; yields the parameters after each step as one vector.

    At step saved_at all is written to bytes, and goes on with a new model, optimizer and scheduler that read them.
    """
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(60, 5, generator=generator, dtype=torch.float64)
    y = torch.randint(0, 3, (60,), generator=generator)
    scheduler = SCHEDULES[schedule](optimizer)

    def closure():
        optimizer.zero_grad()
        penalty = sum((p**2).sum() for p in model.parameters())
        loss = torch.nn.functional.cross_entropy(model(x), y) + 0.05 * penalty
        loss.backward()
        for p in model.parameters():
            p.grad = thinned(rule, p.grad, step)
        return loss

    for step in range(steps):
        if step == saved_at:
            file = io.BytesIO()
            torch.save([part and part.state_dict() for part in (model, optimizer, scheduler)], file)
            file.seek(0)
            model, optimizer = remake()
            scheduler = SCHEDULES[schedule](optimizer)
            for part, state in zip((model, optimizer, scheduler), torch.load(file)):
                part and part.load_state_dict(state)
        loss = optimizer.step(closure)
        if scheduler:
            scheduler.step(*([loss.item()] if schedule == "ReduceLROnPlateau" else []))
        yield torch.cat([p.detach().flatten() for p in model.parameters()])


@each
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_network_trains_as_with_torch_optim_under_every_schedule_saved_and_loaded(rule, schedule):
    usual = PAIRS[rule].usual
    model, twin = network(), network()

    def remake():
        again = network()
        return again, TorchOptimizer(again.parameters(), rule(**usual | {"lr": 1.0}))  # the rate comes with the state

    optimizer = TorchOptimizer(model.parameters(), rule(**usual))
    ours = training(model, optimizer, schedule, rule, saved_at=77, remake=remake)
    theirs = training(twin, PAIRS[rule].make(twin.parameters(), **usual), schedule, rule)
    start = torch.cat([p.detach().flatten() for p in network().parameters()])
    found = 0.0
    for a, b in zip(ours, theirs, strict=True):
        found = max(found, difference(a, b))
    assert (b - start).norm() > 0.1
    assert note(rule, "a network", found) <= TOLERANCE


class InsideTheRoot(RMSProp):
    """A mistake of many texts: eps under the root."""

    def update(self, params, grads, state):
        v = self.alpha * state.v + (1 - self.alpha) * grads**2
        return params - self.lr * grads / (v + self.eps).sqrt(), SquaredMean(v)


class Multiplies(Adam):
    """Another: the correction multiplies where the paper divides."""

    def update(self, params, grads, state):
        t = state.t + 1
        m = self.beta1 * state.m + (1 - self.beta1) * grads
        v = self.beta2 * state.v + (1 - self.beta2) * grads**2
        step = m * (1 - self.beta1**t) / ((v * (1 - self.beta2**t)).sqrt() + self.eps)
        return params - self.lr * step, Moments(m, v, t)


@pytest.mark.parametrize(("rule", "wrong"), [(RMSProp, InsideTheRoot), (Adam, Multiplies)])
def test_the_proof_sees_a_wrong_formula(rule, wrong):
    given, start = PAIRS[rule].usual, torch.ones(3, dtype=torch.float64)
    loss = smooth_loss(3, 5, waves=0.3)
    assert largest_difference(loss, rule, given, start, 100) <= TOLERANCE
    assert largest_difference(loss, rule, given, start, 100, ours=wrong(**given)) > 100 * TOLERANCE
