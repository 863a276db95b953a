"""The clinic: each fault is one line, twins differ in nothing else, and diagnose says no more than was recorded."""

import inspect
import math
import random
import sys
import time
from functools import cache
from statistics import median
from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from gdviz.clinic import FAULTS, confusion, diagnose, from_columns, problem, read_events, read_log, trained, twins
from gdviz.clinic.evidence import medians
from gdviz.clinic.rules import RULES
from gdviz.clinic.training import train
from gdviz.networks import Epoch, History, Step, fit
from gdviz.networks.vitals import Layer, Vitals, examined


@cache
def sick(name):
    return trained(name, data="wine", width=24, seed=200)


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_fault_is_one_line_of_the_training(fault):
    lines = [line.strip() for line in inspect.getsource(train).splitlines()]
    assert lines.count(fault.right) == 1
    assert fault.wrong not in lines
    assert fault.seen.endswith(".")


def test_there_are_fifteen_and_a_rule_for_each_in_the_same_order():
    assert len(FAULTS) == 15
    assert list(RULES) == list(FAULTS)


@pytest.mark.slow
def test_twins_have_the_same_seed_and_one_runs_the_line_that_is_shown():
    ill, well = twins("gradients not zeroed", data="wine", width=16, seed=3)
    assert ill.losses[0] == well.losses[0]
    assert ill.lrs == well.lrs
    later = [(v.layers[0].gradient, v.layers[0].added) for v in ill.vitals[1:]]
    assert all(abs(g - added) > 0.01 * max(g, added) for g, added in later)
    assert all(layer.gradient == pytest.approx(layer.added, rel=1e-4) for v in well.vitals for layer in v.layers)


def test_a_training_leaves_torchs_generator_alone():
    torch.manual_seed(5)
    before = torch.get_rng_state()
    trained("no backward pass", data="iris", width=8)
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.slow
def test_most_faults_are_named_first_on_a_seed_that_the_rules_have_not_seen():
    counted = confusion(data=["wine"], widths=[24], seeds=[200])
    assert sum(map(sum, counted.counts)) == 20
    assert counted.first >= 0.9, counted
    assert counted.first_two >= 0.9, counted
    assert counted.healthy >= 0.8, counted


@pytest.mark.slow
def test_a_diagnosis_gives_its_numbers_and_what_to_try():
    found = diagnose(sick("gradients not zeroed")).findings[0]
    assert found.name == "gradients not zeroed"
    v = sick("gradients not zeroed").vitals[1]
    assert f"In step {v.step}" in found.evidence
    assert f"{v.layers[0].gradient:.2g} against {v.layers[0].added:.2g}" in found.evidence
    assert "zero_grad" in found.first
    assert found.evidence in str(diagnose(sick("gradients not zeroed")))


# What is measured in a step


def network(seed=0, *, bias=True):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(4, 6, bias=bias), nn.ReLU(), nn.Linear(6, 3, bias=bias))


def one_step(model, optimizer, x, y, seen, zero=True):
    with examined(model, seen, len(seen)):
        if zero:
            optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()


def test_lengths_are_those_of_the_formula():
    with torch.random.fork_rng():
        model, x, y, seen = network(), torch.randn(8, 4), torch.arange(8) % 3, []
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    one_step(model, torch.optim.SGD(model.parameters(), lr=0.5), x, y, seen)
    for layer, (name, p) in zip(seen[0].layers, model.named_parameters()):
        assert layer.name == name
        assert layer.weight == pytest.approx(float(before[name].norm()), rel=1e-5)
        assert layer.gradient == pytest.approx(float(p.grad.norm()), rel=1e-5)
        assert layer.update == pytest.approx(0.5 * layer.gradient, rel=1e-4)
        pulled = -float((p.detach() - before[name]).flatten() @ before[name].flatten()) / layer.weight**2
        assert layer.shrunk == pytest.approx(pulled, rel=1e-3, abs=1e-7)
        assert layer.matrix == (p.ndim > 1)


def test_a_unit_is_dead_that_is_silent_on_all_examples_of_all_parts():
    model, seen = network(), []
    with torch.no_grad():
        model[0].weight.zero_()
        model[0].bias.copy_(torch.tensor([-1.0, -1.0, -1.0, 1.0, 0.0, 0.0]))
        model[0].weight[4, 0], model[0].weight[5, 0] = 1.0, 1.0
    with examined(model, seen, 0):
        model(-torch.ones(2, 4))  # the last two are silent here
        model(torch.ones(2, 4))  # and not here
    assert seen[0].dead == {"1": 0.5}


def test_weights_that_layers_share_are_there_once_and_frozen_ones_not():
    model = network()
    model[2].weight.requires_grad_(False)
    twice = nn.Sequential(*model, nn.Linear(3, 4), model[0], nn.ReLU(), nn.Linear(6, 3))
    seen = []
    optimizer = torch.optim.SGD([p for p in twice.parameters() if p.requires_grad], lr=0.1)
    one_step(twice, optimizer, torch.randn(8, 4), torch.arange(8) % 3, seen)
    names = [layer.name for layer in seen[0].layers]
    assert "2.weight" not in names
    assert len(names) == len(set(names)) == len(list(twice.parameters())) - 1
    shared = seen[0].layers[names.index("0.weight")]
    assert shared.gradient == pytest.approx(shared.added, rel=1e-4) != 0


def test_bfloat16_loses_updates_and_float32_does_not():
    shares = {}
    for dtype in (torch.float32, torch.bfloat16):
        model, seen = network().to(dtype), []
        one_step(
            model, torch.optim.SGD(model.parameters(), lr=1e-3), torch.randn(8, 4).to(dtype), torch.arange(8) % 3, seen
        )
        shares[dtype] = max(layer.still for layer in seen[0].layers if layer.matrix)
    assert shares[torch.bfloat16] > 0.9
    assert shares[torch.float32] < 0.1


def wine(seed=0):
    x, y = problem("wine")
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(seed))
    x = ((x - x.mean(0)) / x.std(0))[order]
    return (x[40:], y[order][40:]), (x[:40], y[order][:40])


def fitted(model, optimizer=None, **kwargs):
    optimizer = optimizer or torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.1, momentum=0.9)
    data, validation = wine()
    given = {"epochs": 15, "batch_size": 32, "validation": validation, "vitals": 5} | kwargs
    return fit(model, F.cross_entropy, data, optimizer, **given)


def mlp(seed=0, width=16):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(13, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 3))


def test_fit_with_vitals_trains_to_the_same_bits():
    ends = []
    for vitals in (None, 1, 7):
        model = mlp()
        history = fitted(model, vitals=vitals)
        ends.append(nn.utils.parameters_to_vector(model.parameters()))
        steps = len(history.steps)
        assert [v.step for v in history.vitals] == (list(range(0, steps, vitals)) if vitals else [])
    assert torch.equal(ends[0], ends[1])
    assert torch.equal(ends[0], ends[2])


def test_fit_notes_what_the_data_tell():
    history = fitted(mlp())
    assert sum(history.classes) == pytest.approx(1)
    assert len(history.classes) == 3
    assert history.shared == 0
    assert history.spread[0] == pytest.approx(1, rel=0.2)
    with pytest.raises(ValueError, match="vitals must be"):
        fitted(mlp(), vitals=0)


# Trainings that are odd but not sick, and sick ones that no rule knows


@pytest.mark.parametrize("kind", ["one layer", "shared", "frozen"])
def test_unusual_networks_are_healthy(kind):
    model = nn.Linear(13, 3) if kind == "one layer" else mlp()
    if kind == "shared":
        model = nn.Sequential(*model[:4], model[2], nn.ReLU(), model[4])
    if kind == "frozen":
        model[0].requires_grad_(False)
    assert diagnose(fitted(model)).name == "healthy"


class Clipped(torch.optim.SGD):
    """Clips all gradients to a length that is far too small."""

    def step(self, closure=None):
        loss = closure()
        nn.utils.clip_grad_norm_(self.param_groups[0]["params"], 1e-4)
        super().step()
        return loss


@pytest.mark.parametrize("kind", ["clipped", "zero", "softmax"])
def test_faults_that_no_rule_knows_are_unknown(kind):
    model = mlp()
    if kind == "zero":
        for p in model.parameters():
            nn.init.zeros_(p)
    if kind == "softmax":
        model.append(nn.Softmax(1))
    optimizer = (Clipped if kind == "clipped" else torch.optim.SGD)(model.parameters(), lr=0.1, momentum=0.9)
    found = diagnose(fitted(model, optimizer, epochs=40 if kind == "softmax" else 15))
    assert (found.name, found.findings) == ("unknown", ())
    assert {"clipped": "scaled", "zero": "are 0, and stay 0", "softmax": "disagree"}[kind] in str(found)


# Histories as they come


def falling(n, start=2.3, rate=0.97):
    return [start * rate**k for k in range(n)]


def test_three_steps_are_too_few():
    found = diagnose(History([Step(2.3), Step(2.2), Step(9.9)]))
    assert found.name == "unknown"
    assert "3 steps are too few" in str(found)
    assert diagnose(History()).name == "unknown"


def test_three_steps_are_enough_for_what_one_step_measures():
    silent = [Vitals(k, (Layer("0.weight", weight=1.0),)) for k in range(3)]
    assert diagnose(History([Step(2.3)] * 3, vitals=silent)).name == "no backward pass"


def test_nan_from_the_start_blames_no_rate():
    for losses in ([math.nan] * 40, [math.inf, *[math.nan] * 39]):
        found = diagnose(from_columns({"loss": losses, "lr": [0.1] * 40}))
        assert found.name == "unknown"
        assert "no rate has acted" in str(found)
    stopped = History(stopped="The loss is nan before the first step, where no rate has acted: make the model anew.")
    assert diagnose(stopped).name == "unknown"


def test_nan_after_a_rise_blames_the_rate():
    losses = [2.3, 2.4, 3.0, 9.0, 80.0, 900.0, *[math.nan] * 30]
    assert diagnose(from_columns({"loss": losses})).name == "rate too high"


def test_a_curve_alone_is_called_flat_and_not_by_one_name():
    found = diagnose(from_columns({"loss": [2.3, 2.31] * 30}))
    assert found.name == "unknown"
    assert "rate too low" in str(found)
    assert "no backward pass" in str(found)


def test_a_rate_that_ends_too_early_is_seen_in_a_log_and_not_without_rates():
    losses, rates = [*falling(40), *[0.69, 0.7] * 40], [*[0.1] * 40, *[0.0] * 80]
    assert diagnose(from_columns({"loss": losses, "lr": rates})).name == "schedule ends too early"
    without = diagnose(from_columns({"loss": losses}))
    assert without.name == "healthy"
    assert "Without learning rates nothing is said" in str(without)
    assert "After step 39 of 120 the rate is 0 or nearly so; the loss is 0.7" in str(
        diagnose(from_columns({"loss": losses, "lr": rates}))
    )


def looked(losses, held_out, train_accuracy=None, accuracy=None, **more):
    """A history with looks at equal distances."""
    each = len(losses) // len(held_out)
    steps = [Step(loss, train_accuracy) for loss in losses]
    seen = [Epoch((k + 1) * each, 0.0, train_accuracy, loss, accuracy) for k, loss in enumerate(held_out)]
    return History(steps, seen, **more)


def test_a_held_out_loss_below_the_other_is_told_and_accuses_nobody():
    losses = falling(100)
    found = diagnose(looked(losses, [0.9 * losses[end] for end in range(9, 100, 10)]))
    assert found.name == "healthy"
    assert "the held-out loss is no higher than the training loss" in str(found)
    assert "so does a leak: count common examples" in str(found)
    once = [3.3 + 7.5 * 0.95**k for k in range(200)]  # a language model in its only epoch
    assert "no higher" not in str(diagnose(looked(once, [1.01 * once[end] for end in range(19, 200, 20)])))


def vitals(*layers, dead=None):
    return [Vitals(step, layers, dead or {}) for step in (0, 10, 20)]


LAYER = Layer("0.weight", weight=1.0, gradient=0.1, added=0.1, update=0.01, bits=32)
SILENT = Layer("lora_B", weight=0.0, gradient=0.1, added=0.1, update=0.01, bits=32)
SPREAD = {"spread": (0.9, 3.2, 0.4), "shared": 0.0, "classes": (0.1,) * 10}
NOISY = [1.6, 1.4, 1.5, *[1.3, 1.2, 1.9, 1.1] * 10]
SURE = [2.3 * 0.96**k for k in range(200)]
TOLD = {
    "falls, then blows up": (
        from_columns({"loss": [*(10.8 * 0.98**k for k in range(84)), *[9.0] * 100]}),
        "rate too high",
        "comes down to 2",
    ),
    "falls, then rises with small updates": (
        History([Step(x) for x in [*falling(60), *[2.0] * 60]], vitals=vitals(LAYER)),
        "unknown",
        "no update that was examined is large",
    ),
    "overfits": (
        looked(falling(100), [1.2, 0.8, 0.75, 0.9, 1.4, 2.5]),
        "healthy",
        "came down to 0.75 and ends at 2.5: overfitting",
    ),
    "held out NaN": (looked(falling(100), [math.nan] * 5), "unknown", "held-out loss is not finite in 5 of 5 looks"),
    "weights not finite": (
        History(
            [Step(x) for x in falling(100)],
            stopped="The weights are not finite after the last step; try a smaller rate.",
        ),
        "unknown",
        "The weights are not finite after the last step",
    ),
    "inputs too small": (
        History([Step(x) for x in falling(100)], **SPREAD | {"spread": (1e-4, 1.2e-3, 2e-3)}),
        "inputs not standardised",
        "to 0.0012",
    ),
    "inputs a little wide": (History([Step(x) for x in falling(100)], **SPREAD), "healthy", ""),
    "noise of minibatches": (from_columns({"loss": NOISY}), "unknown", ""),
    "noise at the start": (from_columns({"loss": [2.3, 2.35, 2.25, 2.6, *falling(96, 2.2, 0.96)]}), "healthy", ""),
    "a jump at a full rate": (
        from_columns({"loss": [2.3, 2.35, 2.25, 9.6, *falling(96)], "lr": [0.1] * 100}),
        "no warm-up",
        "from 2.3 to 9.6 in step 3",
    ),
    "below 0": (
        from_columns({"loss": [-1 - 0.02 * k for k in range(100)], "lr": [0.1] * 100}),
        "unknown",
        "Losses below 0",
    ),
    "begins at 0": (
        History([Step(x, lr=0.1) for x in falling(100)], vitals=[*vitals(SILENT, LAYER)[:1], *vitals(LAYER)[1:]]),
        "healthy",
        "",
    ),
    "stays at 0": (
        History([Step(x, lr=0.1) for x in falling(100)], vitals=vitals(SILENT._replace(update=0.0), LAYER)),
        "unknown",
        "lora_B are 0",
    ),
    "long and gentle": (
        History([Step(1.4 - 1.4e-5 * k, number=k) for k in range(20_000)], vitals=vitals(LAYER._replace(update=5e-5))),
        "healthy",
        "",
    ),
    "short and too gentle": (
        History([Step(1.4 - 1e-3 * k) for k in range(200)], vitals=vitals(LAYER._replace(update=5e-5))),
        "rate too low",
        "moves the most",
    ),
    "NaN out of nothing": (
        from_columns({"loss": [*falling(100), math.nan]}),
        "unknown",
        "step 99 and not after it, and it has not risen just before. Look at the next batch for the log of 0",
    ),
    "NaN first": (from_columns({"loss": [math.nan, *falling(40)]}), "unknown", "no rate has acted"),
    "NaN second": (from_columns({"loss": [2.3, math.nan]}), "unknown", "up to step 0 and not after it"),
    "NaN between": (
        from_columns({"loss": [2.3, math.nan, 2.2, math.nan, *falling(40)]}),
        "unknown",
        "2 of 44 losses are not finite",
    ),
    "sure and right": (
        looked(SURE, [2.4, 2.9, 3.5], 1.0, 0.79, vitals=vitals(LAYER), classes=(0.1,) * 10),
        "healthy",
        "overfitting",
    ),
    "float32 that hardly moves": (
        History([Step(2.3, lr=1e-6)] * 60, vitals=vitals(LAYER._replace(update=1e-9, still=0.9))),
        "rate too low",
        "1e-09 times",
    ),
    "zeroed after the step": (
        History([Step(x) for x in falling(100)], vitals=vitals(LAYER._replace(gradient=0.0))),
        "healthy",
        "",
    ),
    "unscaled": (
        History([Step(x) for x in falling(100)], vitals=vitals(LAYER._replace(gradient=0.1 / 65536))),
        "healthy",
        "",
    ),
    "shrinks without a decay": (
        History(
            [Step(x, lr=1e-3) for x in falling(100)],
            weight_decay=0.0,
            vitals=[Vitals(k, (LAYER._replace(weight=w, shrunk=0.01),)) for k, w in ((0, 1.0), (20, 0.7))],
        ),
        "healthy",
        "",
    ),
    "dies on the way": (
        History(
            [Step(x) for x in falling(100)], vitals=[Vitals(0, (LAYER,), {"1": 0.1}), Vitals(20, (LAYER,), {"1": 0.95})]
        ),
        "unknown",
        "have died on the way",
    ),
}


DRAWN = torch.Generator().manual_seed(0)
RANDOM = (2 * (1 + 0.25 * torch.randn(1000, generator=DRAWN))).abs().tolist()
COARSE = LAYER._replace(bits=16, still=0.9)
FURTHER = {  # found by a reader of the rules
    "one spike": ([2.3] * 3 + [1.6] * 30 + [8.0] + [1.6] * 30, {}, "healthy", ""),
    "a loss that hops": ([2.0] * 3 + ([1.2] * 5 + [2.8] * 5) * 20, {}, "unknown", "hardly fallen"),
    "random noise": (RANDOM, {}, "unknown", "The loss has"),
    "a bump, and NaN much later": ([2.3, 2.35, 2.3, 3.2, *falling(200), math.nan], {}, "unknown", "up to step 203"),
    "rises from the start": ([2.3] + [4.5] * 60, {}, "unknown", "has risen: from 3.77 to 4.5"),
    "rises at the end": (
        [2.3, 900.0, math.nan],
        {},
        "rate too high",
        "from 2.3 to 900 in step 1, then is no longer finite",
    ),
    "gaps before NaN": ([2.3, math.nan, 2.2, 2.1, math.nan], {}, "unknown", "up to step 3"),
    "one coarse layer": (
        falling(60),
        {"vitals": [Vitals(0, (LAYER,)), Vitals(10, (COARSE,))]},
        "update lost in bfloat16",
        "step 10",
    ),
    "unknown precision": (falling(60), {"vitals": vitals(COARSE._replace(bits=0))}, "healthy", ""),
    "one examined step": (falling(60), {"vitals": vitals(SILENT, LAYER)[:1]}, "healthy", ""),
    "an update of NaN": (
        [2.3, math.nan],
        {"vitals": [Vitals(0, (LAYER._replace(update=math.nan),))]},
        "unknown",
        "update of step 0 is not",
    ),
    "a rate that is refused": (
        falling(60),
        {"stopped": "Refused: lr must be 0 or more, got nan in step 60."},
        "unknown",
        "Refused: lr",
    ),
    "zeroed between": (
        [2.3] * 40,
        {"vitals": vitals(LAYER._replace(gradient=0.0, update=0.0))},
        "unknown",
        "is zero_grad() between them?",
    ),
    "one-hot inputs": (falling(60), {"spread": (0.014, 0.014, 0.0002)}, "healthy", ""),
    "constant inputs": (falling(60), {"spread": (0.0, 0.0, 1.0)}, "healthy", ""),
}


@pytest.mark.parametrize(("losses", "more", "name", "said"), FURTHER.values(), ids=FURTHER)
def test_a_diagnosis_is_no_guess(losses, more, name, said):
    found = diagnose(History([Step(loss, lr=0.1 * ("vitals" in more)) for loss in losses], **more))
    assert found.name == name, found
    assert said in str(found)


def test_a_diverged_run_whose_validation_is_nan_too_is_no_gap():
    history = from_columns({"loss": [*falling(40), math.nan, math.nan], "validation_loss": [math.nan] * 42})
    assert len(history.losses) == 42
    assert diagnose(history).name == "unknown"
    assert "finite up to step 39" in str(diagnose(history))


def test_rows_of_a_step_from_pandas_are_joined_in_any_order():
    nan = math.nan
    for order in (slice(None), slice(None, None, -1)):
        rows = {"step": [0.0, 0, 1, 1][order], "loss": [2.3, nan, 2.2, nan][order], "lr": [nan, 0.1, nan, 0.1][order]}
        assert (from_columns(rows).losses, from_columns(rows).lrs) == ([2.3, 2.2], [0.1, 0.1])


def test_several_rows_of_an_epoch_are_steps_in_their_order(tmp_path):
    assert read_log(written(tmp_path, ["epoch,batch,loss", "0,0,2.3", "0,1,2.2"])).losses == [2.3, 2.2]


def test_a_log_from_1_is_as_long_as_it_is():
    ten = from_columns({"loss": falling(10), "step": [float(k) for k in range(1, 11)]})
    assert "10 steps are too few" in str(diagnose(ten))
    halves = from_columns({"loss": falling(4), "step": [0.0, 0.5, 1.0, 1.5]})
    assert [step.number for step in halves.steps] == [None] * 4
    with pytest.raises(ValueError, match="step 0 is there twice"):
        from_columns({"loss": [1.0, 2.0], "step": [0.0, 0.0]})


def test_no_rate_is_invented_before_the_first_that_was_logged():
    rates = [None] * 10 + [0.1] * 90
    assert diagnose(from_columns({"loss": [2.3, 2.35, 2.25, 9.6, *falling(96)], "lr": rates})).name == "healthy"


def test_a_run_that_explodes_does_not_overfit():
    losses = [*falling(60, 2.3, 0.98), *[9.0] * 60]
    found = diagnose(looked(losses, [1.5, 1.0, 0.8, 9.0, 9.2, 9.4]))
    assert found.name == "rate too high"
    assert "overfitting" not in str(found)


@pytest.mark.parametrize(("history", "name", "said"), TOLD.values(), ids=TOLD)
def test_a_diagnosis_says_no_more_than_the_history_holds(history, name, said):
    found = diagnose(history)
    assert found.name == name, found
    assert said in str(found)


def test_a_log_of_every_fiftieth_step_is_told_in_its_steps(tmp_path):
    losses = [*falling(10, 2.3, 0.9), *[9.0] * 20]
    log = read_log(written(tmp_path, ["step,loss", *(f"{50 * k},{loss}" for k, loss in enumerate(losses))]))
    assert "to 9 in step 500 and ends at 9" in str(diagnose(log))
    few = read_log(written(tmp_path, ["step,loss", *(f"{500 * k},{loss}" for k, loss in enumerate(losses[:10]))]))
    assert "10 records of 4501 steps are too few" in str(diagnose(few))


def test_a_rate_that_is_logged_now_and_then_holds_between():
    rates = [0.1, *[None] * 99, 0.05, *[None] * 99]
    history = from_columns({"loss": falling(200), "lr": rates})
    assert history.lrs == [0.1] * 100 + [0.05] * 100
    assert diagnose(history).name == "healthy"


def test_gaps_of_pandas_are_gaps():
    nan = math.nan
    rows = {"loss": [2.3, nan, 2.1, 2.0], "validation_loss": [nan, 2.2, nan, nan], "lr": [0.1, nan, nan, 0.1]}
    history = from_columns(rows)
    assert (history.losses, history.validation_losses, history.lrs) == ([2.3, 2.1, 2.0], [2.2], [0.1] * 3)
    with pytest.raises(ValueError, match="each row needs its step"):
        from_columns({"loss": [2.3, 2.2], "step": [0.0, nan]})


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"loss": [1.0], "accuracy": [70.3]}, "share from 0 to 1; got 70.3: are these per cent"),
        ({"loss": [1.0], "validation_loss": [1.0], "validation_accuracy": [91.0]}, "share from 0 to 1; got 91"),
        ({"loss": [1.0], "lr": [-0.1]}, "a learning rate is 0 or more; got -0.1"),
    ],
)
def test_what_cannot_be_is_refused(columns, message):
    with pytest.raises(ValueError, match=message):
        from_columns(columns)


def test_a_history_with_accuracies_in_per_cent_is_refused():
    with pytest.raises(ValueError, match="are these per cent"):
        diagnose(looked(falling(60), [0.6] * 3, 91.0))


def test_the_logs_of_others_are_read_and_what_is_not_needed_may_be_anything(tmp_path):
    rows = ["epoch,train_loss,valid_loss,accuracy,time", "0,0.9,0.8,0.7,00:12", "1,0.5,0.6,0.75,00:12"]
    fastai = read_log(written(tmp_path, rows))
    assert (fastai.losses, fastai.validation_losses) == ([0.9, 0.5], [0.8, 0.6])
    assert (fastai.accuracies, fastai.validation_accuracies) == ([], [0.7, 0.75])
    keras = read_log(written(tmp_path, ["epoch,accuracy,loss,val_accuracy,val_loss", "0,0.7,0.9,0.6,1.0"]))
    assert (keras.accuracies, keras.validation_accuracies) == ([0.7], [0.6])


def test_curves_of_different_lengths_are_refused():
    with pytest.raises(ValueError, match=r"one length, with None where there is a gap; got {'loss': 3, 'lr': 2}"):
        from_columns({"loss": [1.0, 0.9, 0.8], "lr": [0.1, 0.1]})


def written(tmp_path, rows):
    path = tmp_path / "log.csv"
    path.write_text("\n".join(rows), encoding="utf-8")
    return path


def test_a_log_with_gaps_without_rates_and_in_another_order(tmp_path):
    rows = [f"{k},{loss:.17g},{loss * 1.3 if k % 10 == 9 else ''}" for k, loss in enumerate(falling(60))]
    straight = read_log(written(tmp_path, ["step,train_loss,val_loss", *rows]))
    turned = read_log(
        written(
            tmp_path, ["val_loss;step;train_loss", *(";".join(r.split(",")[k] for k in (2, 0, 1)) for r in rows[::-1])]
        )
    )
    assert straight.losses == turned.losses == falling(60)
    assert straight.validation_losses == turned.validation_losses
    assert len(straight.epochs) == 6
    assert diagnose(straight).name == diagnose(turned).name == "healthy"


def test_rows_of_one_step_are_joined_and_nan_is_a_loss(tmp_path):
    log = read_log(written(tmp_path, ["step,loss,eval_loss", "0,0.5,", "0,,0.6", "1,nan,"]))
    assert log.validation_losses == [0.6]
    assert math.isnan(log.losses[1])


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["step,value", "0,1"], "no column of losses .* say which it is: loss=..."),
        (["step,loss", "0,1", "0,2"], "step 0 is there twice, with loss 1 and 2; keep one run"),
        (["step,loss", "0,1", ",2"], "each row needs its step"),
        (["step,loss", "0,1,5"], "line 2 has 3 cells for 2 names"),
        (["step,loss", "0,1%"], "line 2, column 'loss': '1%' is not a number"),
        (["loss,loss", "0,1"], "2 columns named 'loss'"),
        (["step,loss"], "is empty"),
        (["step,loss", "0,"], "no loss in any of its 1 rows"),
    ],
)
def test_a_log_that_cannot_be_read_is_told_why(tmp_path, rows, message):
    with pytest.raises(ValueError, match=message):
        read_log(written(tmp_path, rows))


def test_a_column_may_have_any_name(tmp_path):
    path = written(tmp_path, ["my loss", "0.5", "0.4"])
    assert read_log(path, loss="my loss").losses == [0.5, 0.4]
    with pytest.raises(ValueError, match="no column 'theirs' for loss; it has my loss"):
        read_log(path, loss="theirs")
    with pytest.raises(TypeError, match="there is no rate"):
        read_log(path, rate="my loss")


def test_tensorboard_that_is_missing_is_said_with_the_cure(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(ImportError, match="pip install tensorboard, or save the scalars as CSV"):
        read_events(tmp_path)
    with pytest.raises(FileNotFoundError, match="there is no runs; give the folder that SummaryWriter has written"):
        read_events("runs")


class Events:
    """Of tensorboard's EventAccumulator what read_events asks for."""

    def __init__(self, folder, size_guidance):
        assert size_guidance == {"scalars": 0}  # all of them
        seen = {"Loss/train": {0: 2.0, 1: 1.5, 3: 1.0}, "lr": {0: 0.1, 1: 0.1, 3: 0.05}, "val_loss": {3: 1.2}}
        self.values = {"cost": {0: 1.0}} if folder.endswith("odd") else seen

    def Reload(self):
        return self

    def Tags(self):
        return {"scalars": list(self.values)}

    def Scalars(self, name):
        return [SimpleNamespace(step=step, value=value) for step, value in self.values[name].items()]


def test_the_scalars_of_tensorboard_are_read_by_their_usual_names(monkeypatch, tmp_path):
    name = "tensorboard.backend.event_processing.event_accumulator"
    monkeypatch.setitem(sys.modules, name, SimpleNamespace(EventAccumulator=Events))
    history = read_events(tmp_path)
    assert (history.losses, history.lrs, history.validation_losses) == ([2.0, 1.5, 1.0], [0.1, 0.1, 0.05], [1.2])
    odd = tmp_path / "odd"
    odd.mkdir()
    twice = [*Events.Scalars(Events("", size_guidance={"scalars": 0}), "lr"), SimpleNamespace(step=0, value=0.3)]
    with monkeypatch.context() as patch:
        patch.setattr(Events, "Scalars", lambda self, name: twice)
        with pytest.raises(ValueError, match=r"step 0 is there twice, with loss 0\.1 and 0\.3; keep one run"):
            read_events(tmp_path)
    assert read_events(odd, loss="cost").losses == [1.0]
    with pytest.raises(ValueError, match="has no scalar of losses; it has cost; say loss="):
        read_events(odd)


def test_what_there_is_not_is_refused():
    with pytest.raises(ValueError, match="the faults are inputs not standardised"):
        twins("bad luck")
    with pytest.raises(ValueError, match="the problems are digits"):
        trained(data="mnist")
    with pytest.raises(TypeError, match="diagnose takes a History"):
        diagnose([2.3, 2.2])


@pytest.mark.slow
def test_a_hundred_thousand_steps_are_diagnosed_in_seconds():
    """Half a second on an idle core; a rule that looks through all losses for each of them takes minutes."""
    drawn = random.Random(0)
    losses = [2.3 * math.exp(-3 * k / 100_000) + 0.2 * drawn.random() for k in range(100_000)]
    history, begun = from_columns({"loss": losses, "lr": [0.001] * len(losses)}), time.process_time()
    assert diagnose(history).name == "healthy"
    assert time.process_time() - begun < 10


@pytest.mark.parametrize("many", [0, 1, 2, 5, 40, 301])
@pytest.mark.parametrize("half", [1, 2, 10, 400])
def test_running_medians_are_those_of_each_window(many, half):
    drawn = random.Random(many)
    values = [round(drawn.random(), 1) for _ in range(many)]  # some are equal
    assert medians(values, half) == [median(values[max(0, k - half) : k + half + 1]) for k in range(many)]


# --- logs as others write them ----------------------------------------------------------------------------------------


def log_of(tmp_path, *rows):
    (tmp_path / "log.csv").write_text("\n".join(rows))
    return tmp_path / "log.csv"


def test_the_columns_of_a_log_may_begin_with_capitals_and_end_with_empty_cells(tmp_path):
    found = read_log(log_of(tmp_path, "Step,Loss,,", "20,0.3,,", "10,0.7,,"))
    assert [(step.number, step.loss) for step in found.steps] == [(10, 0.7), (20, 0.3)]


def test_a_quotation_mark_that_is_not_closed_takes_no_rows_of_a_log(tmp_path):
    rows = ["step,loss,note", "0,0.9,a", '1,0.7,"b', "2,0.6,x", '3,0.4,c"', "4,0.3,a"]
    with pytest.raises(ValueError, match=r"quotation mark in line 3.*is not closed"):
        read_log(log_of(tmp_path, *rows))


def test_how_many_examples_it_took_is_of_the_epoch_that_got_there():
    columns = {"loss": [0.9, 0.8, 0.7, 0.6], "validation_loss": [1.0, 0.9, 0.8, 0.7]}
    found = from_columns(columns | {"validation_accuracy": [None, None, 0.5, 0.95]})
    assert found.examples_until(0.9) is None
    found.steps = [step._replace(examples=100 * (k + 1)) for k, step in enumerate(found.steps)]
    assert (found.examples_until(0.9), found.examples_until(0.5), found.examples_until(0.99)) == (400, 300, None)


def test_a_log_is_read_as_any_other_table(tmp_path):
    excel = read_log(log_of(tmp_path, "sep=;", "step;loss", "0;0.7", "1;0.5"))
    assert excel.losses == [0.7, 0.5]
    composed, apart = "pr\u00fcfung", "pru\u0308fung"
    assert read_log(
        log_of(tmp_path, f"step,loss,{apart}", "0,0.7,0.8"), validation_loss=composed
    ).validation_losses == [0.8]
    named = read_log(log_of(tmp_path, "step;loss, in nats, per word", "0;0.7", "1;0.5"), loss="loss, in nats, per word")
    assert named.losses == [0.7, 0.5]
    assert read_log(log_of(tmp_path, "step,loss,note,note", "0,0.7,a,b")).losses == [0.7]  # nobody asks for a note


def test_lines_above_the_names_of_a_log_are_told(tmp_path):
    with pytest.raises(ValueError, match=r"no column of losses .* line 3 has one: delete the lines above it"):
        read_log(log_of(tmp_path, "my run", "of Monday", "step,loss", "0,0.7"))


def test_a_held_out_accuracy_may_come_without_its_loss():
    history = from_columns({"loss": [0.9, 0.8, 0.7], "validation_accuracy": [None, 0.5, 0.75]})
    assert (history.validation_accuracies, history.validation_losses) == ([0.5, 0.75], [])
    assert diagnose(history).name == "unknown"
