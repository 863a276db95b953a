"""TorchOptimizer keeps torch's contract. (That its steps are torch's is in test_equals_torch.py.)"""

import copy
import pickle
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pytest
import torch
from torch.optim import lr_scheduler
from torch.optim.swa_utils import SWALR

from gdviz.descent import grid
from gdviz.networks.torch_optimizer import TorchOptimizer
from gdviz.optimizers import LBFGS, Adam, AdamW, AMSGrad, GradientDescent, Momentum, Nesterov


def parameters(*values):
    return [torch.nn.Parameter(torch.tensor(value, dtype=torch.float64)) for value in values]


def test_a_parameter_without_gradient_is_left_alone_with_its_state():
    w, b = parameters([1.0, 2.0], [3.0])
    optimizer = TorchOptimizer([w, b], Adam(lr=0.1))
    for gradient in (None, torch.ones(1).double()):
        w.grad, b.grad = torch.ones(2).double(), gradient
        optimizer.step()
    assert b.item() == pytest.approx(3.0 - 0.1)  # one step of Adam, its first: corrected as such
    assert torch.allclose(w, torch.tensor([0.8, 1.8]).double())
    assert (optimizer.state[w]["t"].item(), optimizer.state[b]["t"].item()) == (2, 1)


def test_lbfgs_takes_a_missing_gradient_as_zero_as_torch_does():
    ours, theirs = parameters([1.0, 2.0], [3.0]), parameters([1.0, 2.0], [3.0])
    optimizer, twin = TorchOptimizer(ours, LBFGS()), torch.optim.LBFGS(theirs, max_iter=1)
    for _ in range(5):
        for w, _ in (ours, theirs):
            w.grad = 2 * w.detach()
        optimizer.step()
        twin.step(lambda: torch.zeros(()))
        assert all(torch.allclose(a, b, rtol=1e-12) for a, b in zip(ours, theirs))
    assert ours[1].item() == 3.0


def test_a_step_without_any_gradient_changes_nothing():
    for rule in (Adam(), LBFGS()):
        (w,) = parameters([1.0])
        optimizer = TorchOptimizer([w], rule)
        assert optimizer.step() is None
        assert (w.item(), dict(optimizer.state)) == (1.0, {})


def test_groups_have_their_own_hyperparameters():
    w, b = parameters([1.0], [1.0])
    optimizer = TorchOptimizer([{"params": [w]}, {"params": [b], "lr": 0.5, "name": "bias"}], GradientDescent(lr=0.1))
    w.grad, b.grad = torch.ones(1).double(), torch.ones(1).double()
    optimizer.step()
    assert (w.item(), b.item()) == (pytest.approx(0.9), 0.5)
    optimizer.param_groups[1]["lr"] = 0.0  # a schedule may end there
    optimizer.step()
    assert b.item() == 0.5


def test_a_group_that_comes_later_begins_at_t_0():
    w, late = parameters([1.0], [1.0])
    optimizer = TorchOptimizer([w], Adam(lr=0.1))
    w.grad, late.grad = torch.ones(1).double(), torch.ones(1).double()
    optimizer.step()
    optimizer.add_param_group({"params": [late], "lr": 0.01})
    optimizer.step()
    assert late.item() == pytest.approx(1 - 0.01)
    assert optimizer.state[late]["t"].item() == 1


def test_a_closure_runs_once_with_gradients_and_its_loss_comes_back():
    (w,) = parameters([3.0])
    optimizer, calls = TorchOptimizer([w], GradientDescent(lr=0.1)), []

    def closure():
        calls.append(torch.is_grad_enabled())
        optimizer.zero_grad()
        loss = (w**2).sum()
        loss.backward()
        return loss

    with torch.no_grad():
        assert optimizer.step(closure).item() == 9.0
    assert calls == [True]
    assert w.item() == pytest.approx(3 - 0.6)


def test_hooks_run_before_and_after_a_step():
    (w,) = parameters([1.0])
    w.grad, seen = torch.ones(1).double(), []
    optimizer = TorchOptimizer([w], GradientDescent(lr=0.25))
    optimizer.register_step_pre_hook(lambda *_: seen.append(w.item()))
    optimizer.register_step_post_hook(lambda *_: seen.append(w.item()))
    optimizer.step()
    assert seen == [1.0, 0.75]


@pytest.mark.parametrize(
    "again", [copy.deepcopy, lambda both: pickle.loads(pickle.dumps(both))], ids=["copy", "pickle"]
)
@pytest.mark.parametrize("rule", [Adam(lr=0.1), GradientDescent(lr=0.1), LBFGS()], ids=lambda rule: type(rule).__name__)
def test_a_copy_goes_on_like_the_original(again, rule):
    (w,) = parameters([1.0, -2.0])
    optimizer = TorchOptimizer([w], rule)
    w.grad = w.detach().clone()
    optimizer.step()
    other, (twin,) = again((optimizer, [w]))
    for one, p in ((optimizer, w), (other, twin)):
        p.grad = p.detach().clone()
        one.step()
    assert twin is not w
    assert torch.equal(w, twin)


SCHEDULERS = {
    "LambdaLR": lambda o: lr_scheduler.LambdaLR(o, lambda step: 1 / (1 + step)),
    "MultiplicativeLR": lambda o: lr_scheduler.MultiplicativeLR(o, lambda step: 0.9),
    "StepLR": lambda o: lr_scheduler.StepLR(o, 3),
    "MultiStepLR": lambda o: lr_scheduler.MultiStepLR(o, [2, 5]),
    "ConstantLR": lambda o: lr_scheduler.ConstantLR(o),
    "LinearLR": lambda o: lr_scheduler.LinearLR(o),
    "ExponentialLR": lambda o: lr_scheduler.ExponentialLR(o, 0.9),
    "PolynomialLR": lambda o: lr_scheduler.PolynomialLR(o),
    "CosineAnnealingLR": lambda o: lr_scheduler.CosineAnnealingLR(o, 10),
    "CosineAnnealingWarmRestarts": lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 4),
    "SequentialLR": lambda o: lr_scheduler.SequentialLR(
        o, [lr_scheduler.LinearLR(o), lr_scheduler.ExponentialLR(o, 0.8)], [4]
    ),
    "ChainedScheduler": lambda o: lr_scheduler.ChainedScheduler(
        [lr_scheduler.ConstantLR(o), lr_scheduler.ExponentialLR(o, 0.8)]
    ),
    "CyclicLR": lambda o: lr_scheduler.CyclicLR(o, 0.01, 0.1, step_size_up=3),
    "OneCycleLR": lambda o: lr_scheduler.OneCycleLR(o, 0.2, total_steps=20),
    "ReduceLROnPlateau": lambda o: lr_scheduler.ReduceLROnPlateau(o, patience=1),
    "SWALR": lambda o: SWALR(o, 0.01),
}


@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_every_scheduler_of_torch_sets_the_rates_that_it_sets_for_torch(scheduler):
    """CyclicLR and OneCycleLR move momentum too, as the rule has a field of that name."""
    seen = []
    for make in (
        lambda p: TorchOptimizer(p, Momentum(lr=0.1, momentum=0.9)),
        lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9),
    ):
        (w,) = parameters([1.0])
        w.grad = torch.ones(1).double()
        optimizer = make([w])
        schedule, values = SCHEDULERS[scheduler](optimizer), []
        for _ in range(15):
            optimizer.step()
            schedule.step(*([1.0] if scheduler == "ReduceLROnPlateau" else []))
            values.append((optimizer.param_groups[0]["lr"], optimizer.param_groups[0]["momentum"], w.item()))
        seen.append(torch.tensor(values, dtype=torch.float64))
    assert torch.allclose(*seen, rtol=1e-12)
    assert len(set(seen[0][:, 0].tolist())) > 1


def test_all_of_torchs_schedulers_are_in_this_test():
    named = {name for name in lr_scheduler.__all__ if name not in ("LRScheduler", "SWALR")}
    assert named - set(SCHEDULERS) == set()


def test_sparse_gradients_are_taken_as_their_dense_sums():
    table = torch.nn.Embedding(4, 2, sparse=True)
    before = table.weight.detach().clone()
    optimizer = TorchOptimizer(table.parameters(), Momentum(lr=0.1))
    table(torch.tensor([1, 1])).sum().backward()
    optimizer.step()
    assert torch.allclose(before - table.weight, torch.tensor([[0.0], [0.2], [0.0], [0.0]]).expand(4, 2), atol=1e-7)


class Last(NamedTuple):
    gradient: torch.Tensor
    first: torch.Tensor


@dataclass(frozen=True)
class Remembers:
    """A rule whose state holds the very tensors that it was given."""

    lr: float = 0.1

    def init(self, params):
        return Last(gradient=params, first=params)

    def update(self, params, grads, state):
        return params - self.lr * grads, Last(gradient=grads, first=state.first)


def test_what_a_rule_keeps_does_not_change_with_the_network():
    (w,) = parameters([1.0])
    optimizer = TorchOptimizer([w], Remembers())
    (2 * w).sum().backward()
    optimizer.step()
    optimizer.zero_grad(set_to_none=False)
    kept = optimizer.state[w]
    assert (kept["gradient"].item(), kept["first"].item(), w.item()) == (2.0, 1.0, pytest.approx(0.8))


class Plain:
    """A rule without hyperparameters whose state is no tuple."""

    def init(self, params):
        return 0

    def update(self, params, grads, state):
        return params - grads / (1 + state), state + 1


def test_a_rule_of_ones_own_needs_neither_fields_nor_a_named_tuple():
    (w,) = parameters([1.0])
    optimizer = TorchOptimizer([w], Plain())
    w.grad = torch.ones(1).double()
    optimizer.step()
    again = TorchOptimizer([w], Plain())
    again.load_state_dict(optimizer.state_dict())
    again.step()
    assert (w.item(), again.state[w]) == (1 - 1 - 0.5, {"state": 2})


def test_what_is_no_parameters_is_refused_with_the_cure():
    model = torch.nn.Linear(2, 1)
    used = model.parameters()
    list(used)
    for nothing in ([], used, torch.nn.Flatten().parameters()):
        with pytest.raises(ValueError, match="holds no parameters; give model"):
            TorchOptimizer(nothing, Adam())
    for no_list in (None, 3, torch.nn.Parameter(torch.ones(()))):
        with pytest.raises(TypeError, match=r"params must be what model.parameters\(\) gives, a list of tensors; got"):
            TorchOptimizer(no_list, Adam())
    with pytest.raises(TypeError, match=r"got a Linear: write model.parameters\(\)"):
        TorchOptimizer(model, Adam())
    with pytest.raises(TypeError, match=r"must be float32 or float64, got torch.float16; model.float\(\)"):
        TorchOptimizer(torch.nn.Linear(2, 1).half().parameters(), Adam())


def test_a_parameter_that_is_there_twice_is_refused_also_across_groups_and_by_its_memory():
    (w,) = parameters([1.0, 2.0])
    same = torch.nn.Parameter(w.detach())
    for twice in ([w, w], [{"params": [w]}, {"params": w}], [("a", w), ("b", w)], [w, same]):
        with pytest.raises(ValueError, match=r"a parameter is there twice.*give list\(dict.fromkeys\(params\)\)"):
            TorchOptimizer(twice, GradientDescent(lr=0.1))
    optimizer = TorchOptimizer([w], GradientDescent(lr=0.1))
    with pytest.raises(ValueError, match="there twice"):
        optimizer.add_param_group({"params": [same]})
    assert len(optimizer.param_groups) == 1
    once = TorchOptimizer(list(dict.fromkeys([w, w])), GradientDescent(lr=0.1))
    w.grad = torch.ones(2).double()
    once.step()
    assert w.tolist() == [0.9, 1.9]


def test_weights_that_two_layers_share_move_once():
    model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Linear(2, 2))
    model[1].weight = model[0].weight
    optimizer = TorchOptimizer(model.parameters(), GradientDescent(lr=0.1))
    before = model[0].weight.detach().clone()
    model[0].weight.grad = torch.ones(2, 2)
    optimizer.step()
    assert torch.allclose(before - model[0].weight, torch.full((2, 2), 0.1), atol=1e-6)


@pytest.mark.parametrize(
    ("p", "cure"),
    [
        (torch.ones(2, dtype=torch.complex64), r"got torch.complex64; torch.view_as_real\(p.detach\(\)\)"),
        (torch.ones(2, dtype=torch.float16), r"got torch.float16; model.float\(\)"),
        (torch.ones(2, dtype=torch.bfloat16), r"got torch.bfloat16; model.float\(\)"),
        (torch.ones(2, dtype=torch.int64), "got torch.int64; leave them out"),
        (torch.ones(2, device="meta"), "got one on the meta device"),
    ],
)
def test_what_cannot_be_trained_gets_its_own_cure(p, cure):
    with pytest.raises(TypeError, match=cure):
        TorchOptimizer([torch.nn.Parameter(p, requires_grad=False)], Adam())
    with pytest.raises(TypeError, match="without a size; call the model once"):
        TorchOptimizer(torch.nn.LazyLinear(1).parameters(), Adam())


def test_complex_numbers_train_as_pairs_of_real_ones():
    z = torch.tensor([3.0 + 4.0j])
    (pair,) = [torch.nn.Parameter(torch.view_as_real(z))]
    optimizer = TorchOptimizer([pair], GradientDescent(lr=0.25))
    (torch.view_as_complex(pair).abs() ** 2).sum().backward()
    optimizer.step()
    assert torch.view_as_complex(pair.detach()).tolist() == [1.5 + 2j]


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        (
            {"lr": -0.1},
            ValueError,
            "lr must be .* got -0.1 at step 2 .the first is 0.; nothing has moved",
        ),
        ({"lr": float("nan")}, ValueError, "lr must be .* got nan at step 2"),
        ({"lr": float("inf")}, ValueError, "lr must be .* got inf at step 2"),
        ({"lr": "fast"}, TypeError, "lr must be .* got 'fast' at step 2"),
        ({"lr": torch.tensor([0.1, 0.2])}, ValueError, "a network takes one lr, got 2 of them"),
        ({"momentum": 1.5}, ValueError, r"momentum must be in \[0, 1\).* got 1.5 at step 2"),
        ({"momentum": -0.5}, ValueError, r"momentum must be in \[0, 1\).* got -0.5 at step 2"),
    ],
)
def test_a_hyperparameter_changed_by_hand_is_checked_at_its_step_before_anything_moves(changed, error, message):
    first, last = parameters([1.0], [1.0])
    optimizer = TorchOptimizer([{"params": [first]}, {"params": [last]}], Momentum(lr=0.1))
    first.grad, last.grad = torch.ones(1).double(), torch.ones(1).double()
    optimizer.step()
    optimizer.step()
    before = first.item(), last.item(), copy.deepcopy(optimizer.state_dict()["state"])
    optimizer.param_groups[1].update(changed)
    with pytest.raises(error, match=message):
        optimizer.step()
    assert (first.item(), last.item(), optimizer.state_dict()["state"]) == before


def test_a_scheduler_may_let_a_rate_rest_but_not_turn_it_round():
    (w,) = parameters([1.0])
    optimizer = TorchOptimizer([w], GradientDescent(lr=0.1))
    scheduler = lr_scheduler.LambdaLR(optimizer, lambda step: 1 - step / 2)
    w.grad, places = torch.ones(1).double(), []
    for _ in range(3):
        optimizer.step()
        places.append(w.item())
        scheduler.step()
    assert places == pytest.approx([0.9, 0.85, 0.85])
    with pytest.raises(ValueError, match=r"got -0.05 at step 3 \(the first is 0\)"):
        optimizer.step()
    assert w.item() == places[-1]


def test_an_update_that_fails_for_one_parameter_moves_none():
    class Fails(GradientDescent):
        def update(self, params, grads, state):
            if len(params) == 1:
                raise ZeroDivisionError("division by zero")
            return params - self.lr * grads, state

    w, b = parameters([1.0, 2.0], [3.0])
    optimizer = TorchOptimizer([w, b], Fails(lr=0.1))
    w.grad, b.grad = torch.ones(2).double(), torch.ones(1).double()
    with pytest.raises(ValueError, match=r"update raised ZeroDivisionError at step 0 with params of shape \(1,\)"):
        optimizer.step()
    assert (w.tolist(), b.tolist(), dict(optimizer.state)) == ([1.0, 2.0], [3.0], {})


def test_an_update_that_changes_in_place_is_refused_as_in_minimize():
    class InPlace(GradientDescent):
        def update(self, params, grads, state):
            params -= self.lr * grads
            return params, state

    (w,) = parameters([1.0])
    w.grad = torch.ones(1).double()
    with pytest.raises(ValueError, match="update changed params or grads in place at step 0"):
        TorchOptimizer([w], InPlace(lr=0.1)).step()
    assert w.item() == 1.0


def test_a_parameter_changed_in_place_in_a_closure_is_told_no_grad():
    (w,) = parameters([1.0])

    def closure():
        w.sub_(0.1)

    with pytest.raises(RuntimeError, match=r"inside `with torch.no_grad\(\):`"):
        TorchOptimizer([w], GradientDescent(lr=0.1)).step(closure)


def stepped(*values, rule=None):
    params = parameters(*values)
    optimizer = TorchOptimizer(params, rule or Adam())
    for p in params:
        p.grad = torch.ones_like(p)
    optimizer.step()
    return optimizer


GOOD = stepped([1.0, 2.0], [3.0]).state_dict()
GROUP = GOOD["param_groups"][0]


@pytest.mark.parametrize(
    ("state", "error", "message"),
    [
        (None, TypeError, r"state_dict must be what state_dict\(\) returned, a dict; got NoneType"),
        ([GOOD], TypeError, "a dict; got list"),
        (stepped([1.0]), TypeError, "a dict; got TorchOptimizer"),
        ({}, ValueError, "has a dict 'state' and a list 'param_groups'; got nothing"),
        ({"model": 1, "optimizer": GOOD}, ValueError, "got 'model', 'optimizer'"),
        (torch.nn.Linear(2, 1).state_dict(), ValueError, "got 'weight', 'bias'"),
        ({"state": GOOD["state"], "rule": "Adam"}, ValueError, "'param_groups'; got 'state', 'rule'"),
        (GOOD | {"state": None}, ValueError, "has a dict 'state'"),
        (GOOD | {"param_groups": [{}]}, ValueError, "has no beta1, beta2, eps, lr, params"),
        (GOOD | {"param_groups": [GROUP | {"params": None}]}, ValueError, "are no list, but None"),
        (GOOD | {"param_groups": [GROUP | {"lr": -1.0}]}, ValueError, "lr must be positive.*got -1.0"),
        (GOOD | {"param_groups": [GROUP, GROUP]}, ValueError, "different number of parameter groups"),
        (stepped([1.0, 2.0]).state_dict(), ValueError, "doesn't match the size"),
        (stepped([3.0], [1.0, 2.0]).state_dict(), ValueError, r"state of other parameters: .* shape \(2,\)"),
        (stepped([1.0, 2.0], [3.0, 4.0]).state_dict(), ValueError, r"state of other parameters: .* shape \(1,\)"),
        (GOOD | {"state": {0: {"v": torch.ones(2)}}}, ValueError, "state of other parameters"),
        (GOOD | {"state": {0: GOOD["state"][0] | {"m": None}}}, ValueError, "state of other parameters"),
        (GOOD | {"steps": "many"}, ValueError, "steps of this state must be a whole number, got 'many'"),
    ],
)
def test_what_is_no_state_of_this_optimizer_is_refused_and_nothing_is_loaded(state, error, message):
    optimizer = stepped([1.0, 2.0], [3.0])
    before = repr(optimizer.state_dict())
    with pytest.raises(error, match=message):
        optimizer.load_state_dict(state)
    assert repr(optimizer.state_dict()) == before
    optimizer.step()


def test_the_steps_are_counted_over_saving_and_copies():
    optimizer, again = stepped([1.0]), stepped([1.0])
    optimizer.step()
    again.load_state_dict(optimizer.state_dict())
    assert (again.steps, copy.deepcopy(again).steps) == (2, 2)


def test_what_is_no_rule_for_a_network_is_refused():
    with pytest.raises(TypeError, match=r"class Adam; write a rule, such as Adam\(lr=0.1\)"):
        TorchOptimizer(parameters([1.0]), Adam)
    with pytest.raises(TypeError, match=r"a rule has init\(params\) -> state and update"):
        TorchOptimizer(parameters([1.0]), torch.optim.Adam(parameters([1.0])))
    with pytest.raises(ValueError, match="a network takes one lr, got 3 of them; a sweep is for minimize"):
        TorchOptimizer(parameters([1.0]), Momentum(**grid(lr=[0.1, 0.2, 0.3])))


def test_a_sweep_in_a_group_is_refused():
    for lr in (torch.tensor([0.1, 0.5]), [0.1, 0.5]):
        with pytest.raises(ValueError, match="a network takes one lr, got 2 of them"):
            TorchOptimizer([{"params": parameters([1.0, 2.0]), "lr": lr}], GradientDescent(lr=0.1))
    one = TorchOptimizer([{"params": parameters([1.0]), "lr": torch.tensor([0.5])}], GradientDescent(lr=0.1))
    assert one.param_groups[0]["lr"] == 0.5


@pytest.mark.parametrize("group", [None, "w", [], {"lr": 0.1}])
def test_what_is_no_group_is_refused(group):
    optimizer = TorchOptimizer(parameters([1.0]), Adam())
    with pytest.raises(
        TypeError, match="a parameter group is a dict with params, name, rule, lr, beta1, beta2, eps; got"
    ):
        optimizer.add_param_group(group)
    with pytest.raises(ValueError, match="a parameter group holds no parameters"):
        optimizer.add_param_group({"params": []})


def test_float32_is_as_exact_as_torch_also_after_loading():
    """1 - beta2^t needs t in float64: in float32 the first step of Adam would be off by 7e-6."""
    generator = torch.Generator().manual_seed(0)
    ours, theirs = (torch.nn.Parameter(torch.ones(50)) for _ in range(2))
    optimizer, twin = TorchOptimizer([ours], Adam(lr=0.01)), torch.optim.Adam([theirs], lr=0.01)
    for step in range(100):
        ours.grad = torch.randn(50, generator=generator)
        theirs.grad = ours.grad.clone()
        if step == 1:
            again = TorchOptimizer([ours], Adam(lr=0.01))
            again.load_state_dict(optimizer.state_dict())
            optimizer = again
        optimizer.step()
        twin.step()
        assert (ours - theirs).abs().max() < 1e-6
    assert optimizer.state[ours]["t"].dtype == torch.float64
    assert optimizer.state[ours]["m"].dtype == torch.float32


def test_lbfgs_keeps_its_groups_apart():
    """Two groups are two problems: as two optimizers of torch, which takes one group only."""
    ours, theirs = parameters([1.0, 2.0], [-3.0]), parameters([1.0, 2.0], [-3.0])
    optimizer = TorchOptimizer([{"params": [ours[0]]}, {"params": [ours[1]], "lr": 0.5}], LBFGS())
    twins = [torch.optim.LBFGS([p], max_iter=1, lr=lr) for p, lr in zip(theirs, (1, 0.5))]
    for _ in range(4):
        for w, b in (ours, theirs):
            w.grad, b.grad = torch.tensor([1.0, 9.0]).double() * w.detach(), 4 * b.detach() ** 3
        optimizer.step()
        for twin in twins:
            twin.step(lambda: torch.zeros(()))
        assert all(torch.allclose(a, b, rtol=1e-12) for a, b in zip(ours, theirs))


def test_lbfgs_takes_sparse_gradients_too():
    table = torch.nn.Embedding(4, 2, sparse=True)
    before = table.weight.detach().clone()
    table(torch.tensor([1])).sum().backward()
    TorchOptimizer(table.parameters(), LBFGS()).step()
    assert torch.allclose((before - table.weight).sum(1), torch.tensor([0.0, 1.0, 0.0, 0.0]), atol=1e-6)


def test_a_rule_with_a_field_of_its_own_making_and_a_rule_for_matrices():
    @dataclass(frozen=True)
    class Orthogonal:
        lr: float = 0.1
        half: float = field(init=False, default=0.5)

        def init(self, params):
            return torch.eye(params.shape[1])  # wants a matrix

        def update(self, params, grads, state):
            return params - self.lr * self.half * grads @ state, state

    (w,) = [torch.nn.Parameter(torch.ones(2, 3))]
    w.grad = torch.ones(2, 3)
    TorchOptimizer([w], Orthogonal()).step()
    assert torch.allclose(w, torch.full((2, 3), 0.95))


def test_init_runs_once_for_each_parameter():
    calls = []

    class Counts(Plain):
        def init(self, params):
            calls.append(params.shape)
            return 0

    w, b = parameters([1.0, 1.0], [1.0])
    w.grad, b.grad = torch.ones(2).double(), torch.ones(1).double()
    optimizer = TorchOptimizer([w, b], Counts())
    for _ in range(3):
        optimizer.step()
    assert calls == [w.shape, b.shape]


@pytest.mark.parametrize("size", [5.0, np.int64(5), torch.tensor(5)])
def test_a_history_size_may_be_any_whole_number(size):
    (w,) = parameters([1.0])
    w.grad = torch.ones(1).double()
    optimizer = TorchOptimizer([w], LBFGS(history_size=size))
    optimizer.step()
    assert optimizer.state[w]["s"].shape == (5, 1)


def test_a_group_with_an_unknown_or_bad_field_is_refused_and_nothing_stays():
    (w, b) = parameters([1.0], [1.0])
    optimizer = TorchOptimizer([w], Momentum(lr=0.1))
    with pytest.raises(ValueError, match=r"here has params, name, rule, lr, momentum; got betas, weight_decay"):
        optimizer.add_param_group({"params": [b], "betas": (0.9, 0.99), "weight_decay": 0.1})
    with pytest.raises(ValueError, match="momentum must be in"):
        optimizer.add_param_group({"params": [b], "momentum": 1.5})
    with pytest.raises(TypeError, match="float32 or float64"):
        optimizer.add_param_group({"params": [torch.nn.Parameter(torch.ones(1, dtype=torch.bfloat16))]})
    assert len(optimizer.param_groups) == 1


def test_the_state_of_another_rule_is_refused():
    def stepped(rule):
        (w,) = parameters([1.0])
        w.grad = torch.ones(1).double()
        optimizer = TorchOptimizer([w], rule)
        optimizer.step()
        return optimizer

    pairs = [(Momentum(lr=0.1), Adam()), (Adam(), AMSGrad()), (Momentum(lr=0.1), Nesterov(lr=0.1)), (AdamW(), Adam())]
    for theirs, ours in pairs:
        names = f"the state of {type(theirs).__name__}, and the rule here is {type(ours).__name__}"
        with pytest.raises(ValueError, match=names):
            stepped(ours).load_state_dict(stepped(theirs).state_dict())
    with pytest.raises(ValueError, match="the state of an optimizer that is not of gdviz, and the rule here is Adam"):
        stepped(Adam()).load_state_dict(torch.optim.Adam(parameters([1.0])).state_dict())


def test_an_update_of_another_shape_is_refused():
    @dataclass(frozen=True)
    class Sums:
        lr: float = 0.1

        def init(self, params):
            return ()

        def update(self, params, grads, state):
            return (params - self.lr * grads).sum(0, keepdim=True), state

    (w,) = parameters([1.0, 2.0])
    w.grad = torch.ones(2).double()
    with pytest.raises(ValueError, match=r"must keep the shape of params \(2,\), got \(1,\)"):
        TorchOptimizer([w], Sums()).step()
    assert w.tolist() == [1.0, 2.0]
