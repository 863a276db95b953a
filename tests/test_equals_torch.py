"""The proof: each rule equals its optimizer of torch to rounding, on random losses, on every surface, on a network.

What is found goes into the table of PROOF.md and into the badge of notebook 04: see proof.py.
"""

import io
from typing import NamedTuple

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
from gdviz.optimizers.rule import is_for_matrices

TOLERANCE = 1e-10
STEPS = 1000
VECTORS = [rule for rule in PAIRS if not is_for_matrices(rule)]  # test_matrices.py has the others
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


def made(rule, given):
    """The rule as torch computes it."""
    return (PAIRS[rule].ours or rule)(**given)


def thinned(rule, grads, step):
    """The gradients; where zeros matter, about half of them are made zero, others in each step."""
    if not PAIRS[rule].sparse:
        return grads
    drawn = torch.rand(grads.shape, generator=torch.Generator().manual_seed(step))
    return torch.where(drawn < 0.5, 0.0, grads)


class Contest(NamedTuple):
    """A rule beside torch's with the same hyperparameters, from the same start."""

    rule: type
    given: dict
    start: torch.Tensor


def largest_differences(loss, contests, steps, *, ours=None):
    """Of each contest, while all step together, so that one computation finds their gradients: loss of all params.

    Both sides follow the gradients at torch's params: near a minimum Adam's m / sqrt(v) jumps with the sign of a
    gradient that is only rounding, and there two programs part that are both right.
    """
    theirs = [torch.nn.Parameter(start.clone()) for _, _, start in contests]
    optimizers = [PAIRS[rule].make([param], **given) for param, (rule, given, _) in zip(theirs, contests)]
    rules = [ours or checked(made(rule, given)) for rule, given, _ in contests]
    params = [start for _, _, start in contests]
    states = [rule.init(start) for rule, start in zip(rules, params)]
    paths = [torch.empty(2, steps, *start.shape, dtype=torch.float64) for start in params]
    for step in range(steps):
        for param in theirs:
            param.grad = None
        loss(theirs).backward()
        for k, (param, (rule, _, _)) in enumerate(zip(theirs, contests)):
            param.grad = thinned(rule, param.grad, step)
            params[k], states[k] = rules[k].update(params[k], param.grad, states[k])
            optimizers[k].step((lambda param=param: loss([param])) if rule is LBFGS else None)
            paths[k][0, step], paths[k][1, step] = params[k], param.detach()
    return [difference(*path) for path in paths]


def rows(param):
    """Params as rows, each a start: a vector is one, a matrix has one in each column."""
    return param.mT if param.ndim > 1 else param[None]


def on_one(loss):
    """loss, which takes a row of params, of all rows of all params together."""
    return lambda params: loss(torch.cat([rows(param) for param in params])).sum()


def equal(where, contests, found):
    """Note what has been found of each, and fail with the names of those that differ."""
    noted = {contest.rule: note(contest.rule, where, apart) for contest, apart in zip(contests, found)}
    assert {rule.__name__: apart for rule, apart in noted.items() if not apart <= TOLERANCE} == {}


THREE = torch.tensor([1, 0.5, -1], dtype=torch.float64)


@pytest.mark.slow
@settings(max_examples=5, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(draw=st.data(), start=st.lists(st.floats(-5, 5), min_size=1, max_size=5), seed=st.integers(0, 2**31))
def test_every_rule_equals_torch_optim_on_random_losses(draw, start, seed):
    start, contests = torch.tensor(start, dtype=torch.float64), {True: [], False: []}
    for rule, pair in PAIRS.items():
        given = {name: draw.draw(strategy, label=f"{rule.__name__} {name}") for name, strategy in pair.drawn.items()}
        begin = start[:, None] * THREE if is_for_matrices(rule) else start
        contests[rule is LBFGS].append(Contest(rule, given, begin))
    for convex, some in contests.items():
        loss = smooth_loss(len(start), seed, waves=0 if convex else 0.3)
        equal("random losses", some, largest_differences(on_one(loss), some, STEPS))


SURFACES = [make() for make in CLASSICS]


@pytest.mark.slow
def test_every_rule_equals_torch_optim_on_every_surface():
    """All surfaces at once, a row of params for each, of one matrix."""
    flat, slow = [s for s in SURFACES if len(s.start) == 2], (GradientDescent, Momentum, Nesterov, ASGD)

    def losses(params):
        of_each = torch.stack(params, 1)
        return sum(surface(of_each[k]).sum() for k, surface in enumerate(flat))

    start = torch.tensor([surface.start for surface in flat], dtype=torch.float64)
    contests = [
        Contest(rule, pair.usual | ({"lr": 1e-4} if rule in slow else {}), start)
        for rule, pair in PAIRS.items()
        if rule is not LBFGS
    ]
    equal("surfaces", contests, largest_differences(losses, contests, STEPS))


@pytest.mark.parametrize("surface", SURFACES, ids=lambda surface: surface.name)
def test_lbfgs_which_mixes_the_coordinates_equals_torch_optim_on_a_surface(surface):
    start = torch.tensor(surface.start, dtype=torch.float64)
    contest = Contest(LBFGS, {"lr": 0.1, "history_size": 5}, start)
    (found,) = largest_differences(on_one(surface), [contest], 50)
    assert note(LBFGS, "surfaces", found) <= TOLERANCE


@pytest.mark.parametrize("rule", VECTORS, ids=lambda rule: rule.__name__)
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
    ("rule", "name"), [(rule, name) for rule in VECTORS if rule is not LBFGS for name in PAIRS[rule].usual]
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


def network(bias=True):
    generator = torch.Generator().manual_seed(0)
    layers = torch.nn.Linear(5, 8, bias=bias), torch.nn.Tanh(), torch.nn.Linear(8, 3, bias=bias)
    model = torch.nn.Sequential(*layers).double()
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


@pytest.mark.slow
@each
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_network_trains_as_with_torch_optim_under_every_schedule_saved_and_loaded(rule, schedule):
    usual, bias = PAIRS[rule].usual, PAIRS[rule].bias
    model, twin = network(bias), network(bias)

    def remake():
        again = network(bias)
        return again, TorchOptimizer(
            again.parameters(), made(rule, usual | {"lr": 1.0})
        )  # the rate comes with the state

    optimizer = TorchOptimizer(model.parameters(), made(rule, usual))
    ours = training(model, optimizer, schedule, rule, saved_at=77, remake=remake)
    theirs = training(twin, PAIRS[rule].make(twin.parameters(), **usual), schedule, rule)
    start = torch.cat([p.detach().flatten() for p in network(bias).parameters()])
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
    loss = on_one(smooth_loss(3, 5, waves=0.3))
    contest = Contest(rule, PAIRS[rule].usual, torch.ones(3, dtype=torch.float64))
    assert largest_differences(loss, [contest], 100)[0] <= TOLERANCE
    assert largest_differences(loss, [contest], 100, ours=wrong(**contest.given))[0] > 100 * TOLERANCE
