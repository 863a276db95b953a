"""The training loop: it is the loop that one would write by hand, and it keeps what happened."""

import copy
import math
import re
import time

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.optim import lr_scheduler

from gdviz.minibatches import Minibatches
from gdviz.networks import Epoch, History, Step, evaluate, fit, stacked
from gdviz.networks.inputs import check_record
from gdviz.networks.landscape import output_change
from gdviz.networks.torch_optimizer import TorchOptimizer
from gdviz.optimizers import Adam, GradientDescent, Momentum


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


X = torch.randn(50, 3, generator=seeded(1), dtype=torch.float64)
Y = (X[:, 0] + 0.5 * X[:, 1] ** 2 > 0.3).long() + (X[:, 2] > 0.8).long()  # three classes
NUMBERS = X @ torch.tensor([1.0, -2.0, 0.5]).double()
MAKERS = {
    "torch SGD": lambda p: torch.optim.SGD(p, lr=0.3, momentum=0.9),
    "torch Adam": lambda p: torch.optim.Adam(p, lr=0.01),
    "our Momentum": lambda p: TorchOptimizer(p, Momentum(lr=0.3, momentum=0.9)),
    "our Adam": lambda p: TorchOptimizer(p, Adam(lr=0.01)),
}


def network(seed=0, outputs=3):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, outputs)).double()


def vector(model):
    return nn.utils.parameters_to_vector(model.parameters()).detach().clone()


def by_hand(model, optimizer, epochs, size):
    """The loop of any introduction to torch, over the batches of the same generator."""
    batches, losses, hits = Minibatches(50, size, generator=seeded()), [], []
    for step in range(epochs * batches.steps_per_epoch):
        x, y = X[batches(step)], Y[batches(step)]
        output = model(x)
        loss = F.cross_entropy(output, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        hits.append((output.argmax(1) == y).double().mean().item())
    return losses, hits


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_fit_is_the_loop_by_hand(make):
    ours, theirs = network(), network()
    history = fit(ours, F.cross_entropy, (X, Y), make(ours.parameters()), epochs=4, batch_size=16)
    losses, hits = by_hand(theirs, make(theirs.parameters()), 4, 16)
    assert torch.equal(vector(ours), vector(theirs))
    assert history.losses == losses
    assert history.accuracies == pytest.approx(hits, rel=1e-12)
    assert history.lrs == [make(theirs.parameters()).param_groups[0]["lr"]] * 16


def test_our_rules_train_as_those_of_torch():
    ends = {name: network() for name in MAKERS}
    for name, model in ends.items():
        fit(model, F.cross_entropy, (X, Y), MAKERS[name](model.parameters()), epochs=10, batch_size=16)
    assert torch.allclose(vector(ends["torch SGD"]), vector(ends["our Momentum"]), rtol=1e-10)
    assert torch.allclose(vector(ends["torch Adam"]), vector(ends["our Adam"]), rtol=1e-10)


def test_an_epoch_is_the_mean_over_its_examples_and_all_are_counted():
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-12)  # it stands still: every batch sees the same network
    history = fit(model, F.cross_entropy, (X, Y), optimizer, epochs=2, batch_size=16, validation=(X, Y))
    loss, share = evaluate(model, F.cross_entropy, (X, Y))
    assert history.epoch_losses == pytest.approx([loss] * 2, rel=1e-9)  # the last batch has 2 examples
    assert history.epoch_accuracies == pytest.approx([share] * 2, rel=1e-12)
    assert history.validation_losses == pytest.approx([loss] * 2, rel=1e-9)
    assert history.examples == [16, 32, 48, 50, 66, 82, 98, 100]
    assert len(history.seconds) == 8
    assert np.all(np.diff(history.seconds) > 0)


def test_the_full_batch_falls_and_the_sentence_has_the_numbers():
    model = network()
    optimizer = TorchOptimizer(model.parameters(), GradientDescent(lr=0.5))
    history = fit(model, F.cross_entropy, (X, Y), optimizer, epochs=30, batch_size=50)
    assert np.all(np.diff(history.losses) < 0)
    accuracies = history.epoch_accuracies
    assert str(history) == (
        f"30 steps, 30 epochs; loss {history.losses[0]:.3g} to {history.losses[-1]:.3g}; "
        f"accuracy {accuracies[0]:.1%} to {accuracies[-1]:.1%}."
    )


@pytest.mark.parametrize(("width", "threads"), [(8, 1), (200_000, 2)])
def test_a_small_step_is_computed_on_one_thread_and_a_large_one_on_all_there_are(width, threads):
    before, used = torch.get_num_threads(), set()

    class Watched(torch.optim.SGD):
        def step(self, closure=None):
            used.add(torch.get_num_threads())
            return super().step(closure)

    torch.set_num_threads(2)
    try:
        model = nn.Linear(width, 1)
        data = torch.zeros(6, width), torch.zeros(6, 1)
        fit(model, nn.functional.mse_loss, data, Watched(model.parameters(), lr=0.1), epochs=1, batch_size=6)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert used == {threads}


def test_numbers_as_targets_have_no_accuracy():
    model = network(outputs=1)

    def loss(output, y):
        return F.mse_loss(output[:, 0], y)

    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    history = fit(model, loss, (X.numpy(), NUMBERS.numpy()), optimizer, epochs=5, batch_size=10)
    assert history.losses[-1] < history.losses[0]
    assert history.accuracies == history.epoch_accuracies == []
    assert evaluate(model, loss, (X, NUMBERS))[1] is None


def test_lbfgs_gets_its_closure_and_every_look_is_counted():
    model, calls = network(), []

    def loss(output, y):
        calls.append(len(y))
        return F.cross_entropy(output, y)

    optimizer = torch.optim.LBFGS(model.parameters(), lr=0.5, max_iter=4)
    history = fit(model, loss, (X, Y), optimizer, epochs=5, batch_size=50)
    assert history.losses[-1] < history.losses[0]
    assert history.examples[-1] == sum(calls) - 7  # seven examples were for the check at the door
    assert history.examples[-1] > 5 * 50
    assert len(history.losses) == 5


def test_schedulers_are_called_after_the_epoch_or_after_the_step():
    def lrs(make, **options):
        model = network()
        optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
        return fit(
            model, F.cross_entropy, (X, Y), optimizer, epochs=3, batch_size=25, scheduler=make(optimizer), **options
        ).lrs

    assert lrs(lambda o: lr_scheduler.StepLR(o, 1, gamma=0.1)) == pytest.approx([1, 1, 0.1, 0.1, 0.01, 0.01])
    rising = lrs(lambda o: lr_scheduler.OneCycleLR(o, max_lr=2.0, total_steps=6, cycle_momentum=False))
    assert len(set(rising)) == 6
    plateau = lrs(lambda o: lr_scheduler.ReduceLROnPlateau(o, factor=0.1, patience=0, threshold=0.9))
    assert plateau == pytest.approx([1, 1, 1, 1, 0.1, 0.1])  # at this threshold no fall of the loss is good enough


def test_it_stops_when_the_watched_loss_no_longer_falls_and_takes_the_best_weights_back():
    model, watched, states = network(), [3.0, 1.0, 2.0, 2.0, 0.5], []

    def loss(output, y):
        if not model.training and len(y) == 10:
            states.append(vector(model))
            return torch.tensor(watched[len(states) - 1])
        return F.cross_entropy(output, y)

    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    held_out = (X[:10], Y[:10])
    history = fit(model, loss, (X, Y), optimizer, epochs=9, batch_size=25, validation=held_out, patience=2)
    assert history.validation_losses == [3.0, 1.0, 2.0, 2.0]
    assert history.stopped == "Stopped early: the loss has not fallen below 1 for 2 epochs."
    assert torch.equal(vector(model), states[1])


@pytest.mark.parametrize("make", [MAKERS["torch SGD"], MAKERS["our Adam"]])
def test_the_stop_button_keeps_the_history_and_a_usable_model(make):
    model, calls = network(), []

    def loss(output, y):
        calls.append(1)
        if len(calls) == 8:  # one of them at the door
            raise KeyboardInterrupt
        return F.cross_entropy(output, y)

    history = fit(model, loss, (X, Y), make(model.parameters()), epochs=5, batch_size=16)
    assert history.stopped == "Stopped by hand after 6 steps."
    for values in (history.losses, history.accuracies, history.lrs, history.examples, history.seconds):
        assert len(values) == 6
    assert len(history.epoch_losses) == 1
    assert torch.isfinite(vector(model)).all()
    again = fit(model, F.cross_entropy, (X, Y), make(model.parameters()), epochs=1, batch_size=16)
    assert len(again.losses) == 4


def test_a_loss_that_is_not_finite_stops_before_it_spoils_the_weights():
    model, calls = network(), []

    def loss(output, y):
        calls.append(vector(model))
        return F.cross_entropy(output, y) * (math.inf if len(calls) == 5 else 1)

    optimizer = torch.optim.SGD(model.parameters(), lr=0.25)
    history = fit(model, loss, (X, Y), optimizer, epochs=5, batch_size=10)
    assert history.stopped == "The loss is inf in step 3 (the first is 0) with learning rate 0.25; try a smaller rate."
    assert len(history.losses) == 3
    assert torch.equal(vector(model), calls[4])


def test_a_rate_that_is_too_large_is_a_sentence_and_no_stack_trace():
    model = network(outputs=1)

    def loss(output, y):
        return F.mse_loss(output[:, 0], y)

    optimizer = TorchOptimizer(model.parameters(), GradientDescent(lr=1e6))
    history = fit(model, loss, (X, NUMBERS), optimizer, epochs=200, batch_size=50)
    assert "with learning rate 1e+06; try a smaller rate." in history.stopped


def test_validation_is_in_eval_mode_and_changes_nothing():
    model = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 3)).double()
    model.train()
    before = copy.deepcopy(model.state_dict())
    torch.manual_seed(3)
    first, second = (evaluate(model, F.cross_entropy, (X, Y)) for _ in range(2))
    assert first == second
    assert model.training
    assert all(torch.equal(value, model.state_dict()[name]) for name, value in before.items())
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    history = fit(model, F.cross_entropy, (X, Y), optimizer, epochs=1, batch_size=25, validation=(X, Y))
    assert history.validation_losses[-1] == evaluate(model, F.cross_entropy, (X, Y))[0]
    assert model.training


def test_the_weights_are_recorded_at_the_start_after_every_so_many_steps_and_at_the_end():
    model = network()
    start, optimizer = vector(model), torch.optim.SGD(model.parameters(), lr=0.1)
    history = fit(model, F.cross_entropy, (X, Y), optimizer, epochs=2, batch_size=10, record=4)  # ten steps
    assert len(history.weights) == 4  # after 0, 4, 8 and 10
    assert torch.equal(history.weights[0], start)
    assert torch.equal(history.weights[-1], vector(model))
    again = network()
    fit(again, F.cross_entropy, (X, Y), torch.optim.SGD(again.parameters(), lr=0.1), epochs=1, batch_size=10)
    assert not torch.equal(history.weights[1], history.weights[2])


def test_the_same_call_has_the_same_batches_and_a_generator_its_own():
    def losses(generator=None):
        model = network()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        return fit(model, F.cross_entropy, (X, Y), optimizer, epochs=1, batch_size=10, generator=generator).losses

    torch.manual_seed(1)
    first = losses()
    torch.manual_seed(2)
    assert losses() == first
    assert losses(seeded(5)) != first


def call(**changed):
    model = network()
    usual = {
        "model": model, "loss": F.cross_entropy, "data": (X, Y), "epochs": 1, "batch_size": 10,
        "optimizer": torch.optim.SGD(model.parameters(), lr=0.1),
    }  # fmt: skip
    given = usual | changed
    return [given.pop(name) for name in ("model", "loss", "data", "optimizer")], given


def one_number(output, y):
    return (output[:, 0] - y).square().mean()


NAN = X.clone()
NAN[7, 1] = math.nan
OUTSIDE = Y.clone()
OUTSIDE[[4, 9]] = torch.tensor([3, -1])


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        (
            {"data": (X[:, :2], Y)},
            ValueError,
            r"the model does not take inputs of shape \(50, 2\), torch.float64: mat1 and mat2",
        ),
        ({"data": (X, OUTSIDE)}, ValueError, r"has 3 classes, 0 to 2; the target of example 4 is 3 \(2 such\)"),
        ({"validation": (X, OUTSIDE)}, ValueError, "the target of example 4 is 3"),
        (
            {"data": (X, Y[:-1])},
            ValueError,
            r"data: inputs and targets must have the same length, got shapes \(50, 3\) and \(49,\)",
        ),
        ({"data": (X[:0], Y[:0])}, ValueError, "data holds no examples"),
        ({"data": (NAN, Y)}, ValueError, "data: inputs must be finite"),
        ({"validation": (X[:, :2], Y)}, ValueError, r"validation: the model does not take inputs of shape \(50, 2\)"),
        ({"validation": (X, Y.double())}, ValueError, r"validation: the loss does not take .*; give y.long\(\)$"),
        ({"optimizer": torch.optim.SGD}, TypeError, r"; write TorchOptimizer\(model.parameters\(\), Adam\(lr=0.01\)\)"),
        ({"data": X}, TypeError, r"data must be a pair \(inputs, targets\), got Tensor"),
        ({"data": (["a"], ["b"])}, TypeError, "data must hold tensors or arrays of numbers"),
        (
            {"optimizer": torch.optim.SGD(network().parameters(), lr=0.1)},
            ValueError,
            "the optimizer belongs to another model",
        ),
        (
            {"optimizer": GradientDescent(0.1)},
            TypeError,
            "optimizer must be a TorchOptimizer or one of torch.optim, got",
        ),
        ({"model": nn.Tanh()}, ValueError, "the model has no parameters to train: Tanh"),
        ({"model": torch.tanh}, TypeError, "model must be a torch.nn.Module, got"),
        ({"loss": None}, TypeError, "loss must be a function of the output and the targets, got None"),
        ({"loss": lambda o, y: F.cross_entropy(o, y, reduction="none")}, ValueError, "the loss must return one number"),
        ({"loss": F.mse_loss}, ValueError, r"the loss does not take outputs \(50, 3\) with targets \(50,\)"),
        ({"epochs": 0}, ValueError, "epochs must be a whole number, 1 or more, got 0"),
        ({"epochs": 1.5}, ValueError, "epochs must be a whole number"),
        ({"patience": 0}, ValueError, "patience must be a whole number, 1 or more, got 0"),
        ({"record": -1}, ValueError, "record must be a whole number"),
        ({"batch_size": 0}, ValueError, "batch_size must be a whole number from 1 to 50, got 0"),
        ({"batch_size": 51}, ValueError, "all 50 are the full batch"),
        ({"generator": 0}, TypeError, "generator must be a torch.Generator"),
        ({"data": (torch.where(X > 2, math.inf, X), Y)}, ValueError, "inputs must be finite"),
        ({"data": (X, NAN[:, 1]), "loss": one_number}, ValueError, "targets must be finite"),
        ({"data": (torch.tensor(1.0), torch.tensor(1))}, ValueError, "the same length, got shapes"),
        ({"loss": lambda o, y: F.cross_entropy(o, y)[None]}, ValueError, "the loss must return one number"),
        ({"loss": lambda o, y: F.cross_entropy(o, y).item()}, ValueError, "the loss must return one number"),
        ({"epochs": None}, ValueError, "epochs must be a whole number"),
        ({"epochs": True}, ValueError, "epochs must be a whole number"),
        ({"model": network().requires_grad_(False)}, ValueError, "the model has no parameters to train"),
        ({"model": nn.LSTM(3, 4).double()}, ValueError, "the optimizer belongs to another model"),
        ({"scheduler": "cosine"}, ValueError, "scheduler must be of torch.optim.lr_scheduler and of this optimizer"),
        ({"scheduler": lr_scheduler.StepLR}, ValueError, "scheduler must be of torch.optim.lr_scheduler"),
        (
            {"scheduler": lr_scheduler.StepLR(MAKERS["torch SGD"](network().parameters()), 1)},
            ValueError,
            "scheduler must be",
        ),
    ],
)
def test_what_cannot_be_trained_is_refused_before_anything_changes(changed, error, message):
    arguments, options = call(**changed)
    model = arguments[0]
    before = vector(model) if isinstance(model, nn.Module) and list(model.parameters()) else None
    with pytest.raises(error, match=message):
        fit(*arguments, **options)
    assert before is None or torch.equal(vector(model), before)


def flat(outputs=1):
    return nn.Sequential(nn.Linear(3, outputs), nn.Flatten(0)).double()


WHOLE, IMAGES = torch.arange(150).reshape(50, 3), torch.zeros(50, 8, 8)
EMBEDDED = nn.Sequential(nn.Embedding(150, 2), nn.Flatten(), nn.Linear(6, 3))
ONE_OUTPUT = "; classes need an output for each, and the model has one output"


@pytest.mark.parametrize(
    ("model", "loss", "data", "message"),
    [
        (network(), F.cross_entropy, (WHOLE, Y), "shape .50, 3., torch.int64: mat1 .* dtype.*; give x.float()"),
        (network(), F.cross_entropy, (X > 0, Y), "torch.bool: .*; give x.float()"),
        (EMBEDDED, F.cross_entropy, (WHOLE.double(), Y), "indices.*; give x.long()"),
        (EMBEDDED, F.cross_entropy, (WHOLE + 1, Y), "index out of range .*beyond the table of an embedding"),
        (nn.Linear(1, 3), F.cross_entropy, (X[:, 0], Y), "inputs of shape .50,., .*; give x[:, None]"),
        (nn.Linear(1, 3), F.cross_entropy, (WHOLE[:, 0], Y), "; give x[:, None].float()"),
        (nn.Linear(64, 3), F.cross_entropy, (IMAGES, Y), "; give x.flatten(1)"),
        (nn.Linear(64, 3), F.cross_entropy, (IMAGES.byte(), Y), "; give x.flatten(1).float()"),
        (nn.Sequential(nn.Conv2d(1, 3, 8), nn.Flatten()), F.cross_entropy, (IMAGES, Y), "; give x[:, None]"),
        (nn.Linear(7, 3), F.cross_entropy, (X[:, 0], Y), "for each example; 7 inputs .7,. gave an output .3,."),
        (network(), F.cross_entropy, (X, Y.double()), "; give y.long()"),
        (network(), F.cross_entropy, (X, Y[:, None]), "targets .50, 1. .tried with 7 of them.*; give y[:, 0]"),
        (network(), F.cross_entropy, (X, Y[:, None].double()), "; give y[:, 0].long()"),
        (network(outputs=1), F.cross_entropy, (X, Y), ONE_OUTPUT),
        (network(outputs=1), F.cross_entropy, (X, Y.double()), ONE_OUTPUT),
        (network(outputs=1), F.cross_entropy, (X, 0 * Y), "cross_entropy does not take .*" + ONE_OUTPUT),
        (network(outputs=1), F.multi_margin_loss, (X, Y), ONE_OUTPUT),
        (flat(), F.cross_entropy, (X, Y), ONE_OUTPUT),
        (flat(), F.binary_cross_entropy_with_logits, (X, Y.clamp(max=1)), "; give y.float()"),
        (flat(), F.huber_loss, (X, Y), "Found dtype Long.*; give y.float()"),  # forwards it works
        (network(outputs=1), F.binary_cross_entropy_with_logits, (X, Y), "; give y[:, None].float()"),
        (network(outputs=1), F.soft_margin_loss, (X, NUMBERS), "; give y[:, None]"),
        (network(), F.mse_loss, (X, NUMBERS), "with targets .50,. .tried with 7.*singleton dimension 1"),
        (network(outputs=7), lambda o, y: (o - y).square().mean(), (X, NUMBERS), "outputs .50, 7. with targets .50,."),
    ],
)  # fmt: skip
def test_a_cure_is_tried_before_it_is_named(model, loss, data, message):
    wanted = re.sub(r"([\[\]()])", r"\\\1", message) + "$"
    with pytest.raises(ValueError, match=wanted if "give" in message or "classes" in message else message):
        fit(model, loss, data, sgd(model), epochs=1, batch_size=10)


@pytest.mark.parametrize(
    ("loss", "error", "message"),
    [
        (nn.MSELoss, TypeError, r"got <class .*; write MSELoss\(\)"),
        (lambda o, y: None, ValueError, "got NoneType: is the return missing"),
        (lambda o, y: F.cross_entropy(o, y, reduction="none"), ValueError, r"got \(7,\), take .mean\(\)"),
        (lambda o, y: F.cross_entropy(o, y).item(), ValueError, r"got a plain number, .* leave out .item\(\)"),
        (lambda o, y: F.cross_entropy(o, y) + 0j, ValueError, r"got torch.complex128, take .abs\(\)"),
        (lambda o, y: F.cross_entropy(o.detach(), y), ValueError, "the loss has no gradient: .* .detach"),
        (lambda o, y: (o.argmax(1) != y).double().mean(), ValueError, "the loss has no gradient: .* argmax"),
    ],
)
def test_a_loss_that_cannot_be_followed_down_is_told_why(loss, error, message):
    model = network()
    with pytest.raises(error, match=message):
        fit(model, loss, (X, Y), sgd(model), epochs=1, batch_size=10)


def test_a_model_without_numbers_is_refused_everywhere():
    other = sgd(network())
    for model, message in (
        (nn.Linear(3, 3, device="meta"), "weight on the meta device, which holds no numbers; make it on the cpu"),
        (nn.LazyLinear(3), r"weight without a size yet; call it once, model\(x\[:2\]\)"),
    ):
        with pytest.raises(ValueError, match=message):
            fit(model, F.cross_entropy, (X, Y), other, epochs=1, batch_size=10)
        with pytest.raises(ValueError, match=message):
            evaluate(model, F.cross_entropy, (X, Y))
    with pytest.raises(TypeError, match=r"data must be real numbers: torch.view_as_real\(x\)"):
        evaluate(network(), F.cross_entropy, (X + 0j, Y))


def test_arrays_of_every_make_and_columns_of_pandas_are_taken_without_a_warning():
    wanted = evaluate(network(), F.cross_entropy, (X, Y))
    frame, labels = pd.DataFrame(X.numpy()), pd.Series(Y.numpy())
    still = X.numpy().copy()
    still.setflags(write=False)
    backwards = np.ascontiguousarray(X.numpy()[::-1])[::-1]
    for inputs, targets in (
        (frame, labels),
        (frame.astype("Float64"), labels.astype("Int64")),
        (frame.astype(object), labels.to_list()),
        (still, Y.numpy().astype(">i4")),
        (X.numpy().astype(">f8"), Y.numpy().astype(np.uint16)),
        (backwards, Y),
        (X.numpy().astype(np.longdouble), Y),
        (list(X), list(Y)),
    ):
        assert evaluate(network(), F.cross_entropy, (inputs, targets)) == wanted
    for none, what in ((["a"] * 50, "text"), (np.zeros(50, "M8[D]"), "dates"), ([None] * 50, "objects")):
        with pytest.raises(TypeError, match=f"got Tensor and .*: {what} instead of numbers"):
            evaluate(network(), F.cross_entropy, (X, none))
    with pytest.raises(ValueError, match="inputs must be finite"):
        evaluate(network(), F.cross_entropy, (np.ma.masked_less(X.numpy(), 0), Y))


def test_weights_that_would_fill_the_memory_are_refused_with_the_record_that_fits():
    model = nn.Linear(1000, 1000)
    data, options = (torch.zeros(100, 1000), torch.zeros(100, 1000)), {"epochs": 100, "batch_size": 1}
    message = "record=1 would keep 10002 copies of the 1001000 weights, 40048 MB; up to 1000 MB are kept: record=41"
    with pytest.raises(ValueError, match=message):
        fit(model, F.mse_loss, data, sgd(model), record=1, **options)
    check_record(model, 41, 10_000)
    with pytest.raises(ValueError, match="record=40"):
        check_record(model, 40, 10_000)
    with pytest.raises(ValueError, match="up to 1000 MB are kept: leave record out"):
        check_record(nn.Linear(20_000, 20_000, device="meta"), 1, 1)


def test_an_output_that_is_nan_finds_no_class():
    model = network()
    with torch.no_grad():
        model[2].weight.fill_(math.nan)
    loss, share = evaluate(model, F.cross_entropy, (X, 0 * Y))
    assert (math.isnan(loss), share) == (True, 0)


def test_what_goes_wrong_in_a_later_step_is_said_with_its_step():
    class Remembers(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer, self.last = nn.Linear(3, 3).double(), 0

        def forward(self, x):
            self.last = self.layer(x) + (0 if self.layer.training is False else self.last)
            return self.last

    model = Remembers()
    message = r"the gradient of the loss raised RuntimeError in step 1 .*keep it with .detach\(\)"
    with pytest.raises(ValueError, match=message):
        fit(model, F.cross_entropy, (X, Y), sgd(model), epochs=1, batch_size=25)


def test_the_door_leaves_no_trace_in_a_model_that_remembers():
    class Counts(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer, self.seen = nn.Linear(3, 3).double(), []
            self.register_buffer("calls", torch.zeros(()))

        def forward(self, x):
            self.seen.append(self.layer(x))
            self.calls += 1
            return self.seen[-1]

    model = Counts()
    for _ in range(2):  # the second finds what the first has left, with its graph
        with pytest.raises(ValueError, match="epochs must be"):
            fit(model, F.cross_entropy, (X, Y), sgd(model), epochs=0, batch_size=25)
        fit(model, F.cross_entropy, (X, Y), sgd(model), epochs=1, batch_size=25)
    assert (len(model.seen), model.calls.item()) == (4, 4)
    evaluate(model, F.cross_entropy, (X, Y))
    assert len(model.seen) == 5


def test_a_model_that_changes_its_weights_in_place_is_told_no_grad():
    class Decays(nn.Linear):
        def forward(self, x):
            self.weight.mul_(0.9)
            return super().forward(x)

    model = Decays(3, 3).double()
    with pytest.raises(ValueError, match=r"inside `with torch.no_grad\(\):`"):
        fit(model, F.cross_entropy, (X, Y), sgd(model), epochs=1, batch_size=25)


def test_a_float32_model_takes_numbers_in_double_precision():
    model = network().float()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    history = fit(model, F.cross_entropy, (X, Y), optimizer, epochs=1, batch_size=50)
    assert math.isfinite(history.losses[0])


def normalised():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 3)).double()


def sgd(model, lr=0.1):
    return torch.optim.SGD(model.parameters(), lr=lr)


def test_the_door_leaves_the_statistics_and_a_training_moves_them():
    model, seen = normalised().eval(), []

    def loss(output, y):
        seen.append((model.training, model[1].num_batches_tracked.item(), torch.is_grad_enabled()))
        return F.cross_entropy(output, y)

    fit(model, loss, (X, Y), sgd(model), epochs=1, batch_size=25)
    assert seen == [(False, 0, True), (True, 1, True), (True, 2, True)]


def test_a_refused_call_leaves_modes_statistics_and_chances_alone():
    model, chances = normalised(), seeded()
    model[1].eval()
    before, state = copy.deepcopy(model.state_dict()), chances.get_state()
    torch.manual_seed(5)
    drawn = torch.get_rng_state()
    for changed in ({"epochs": 0}, {"data": (X, Y + 9)}):
        with pytest.raises(ValueError, match=r"epochs|classes"):
            fit(model, F.cross_entropy, changed.pop("data", (X, Y)), sgd(model), generator=chances,
                **({"epochs": 1, "batch_size": 10} | changed))  # fmt: skip
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert [part.training for part in model] == [True, False, True, True]
    assert torch.equal(chances.get_state(), state)
    assert torch.equal(torch.get_rng_state(), drawn)


def test_a_last_batch_of_one_example_is_refused_before_the_first_where_batch_norm_cannot_take_it():
    model = normalised()
    with pytest.raises(
        ValueError, match="cannot train on the last batch of an epoch, of 1: Expected more than 1 value"
    ):
        fit(model, F.cross_entropy, (X, Y), sgd(model), epochs=1, batch_size=49)
    assert model[1].num_batches_tracked == 0
    assert len(fit(model, F.cross_entropy, (X, Y), sgd(model), epochs=1, batch_size=48).losses) == 2


def test_evaluate_gives_every_part_its_mode_back_also_after_an_error():
    model = normalised()
    model[1].eval()
    evaluate(model, F.cross_entropy, (X, Y))
    with pytest.raises(TypeError, match="loss must be a function"):
        evaluate(model, None, (X, Y))
    assert [part.training for part in model] == [True, False, True, True]


def test_a_frozen_layer_stays_and_the_others_train():
    model = network()
    model[0].requires_grad_(False)
    before = copy.deepcopy(model.state_dict())
    fit(model, F.cross_entropy, (X, Y), sgd(model), epochs=1, batch_size=10)
    assert torch.equal(model[0].weight, before["0.weight"])
    assert not torch.equal(model[2].weight, before["2.weight"])


def test_whole_numbers_may_be_targets_of_a_regression():
    model = network(outputs=1)
    history = fit(
        model, lambda o, y: (o[:, 0] - y).square().mean(), (X, 7 * Y - 9), sgd(model), epochs=1, batch_size=10
    )
    assert len(history.losses) == 5
    assert not history.accuracies


def test_targets_may_be_what_another_network_says_and_classes_of_any_whole_type():
    model = network()
    history = fit(model, F.mse_loss, (X, network(seed=1)(X)), sgd(model), epochs=2, batch_size=10)
    assert len(history.losses) == 10
    for kind in (torch.int32, torch.uint8):
        model = network()
        assert fit(model, F.cross_entropy, (X, Y.to(kind)), sgd(model), epochs=1, batch_size=10).accuracies


@pytest.mark.parametrize("factor", [math.inf, math.nan])
def test_infinite_and_undefined_losses_both_stop_it(factor):
    model, calls = network(), []

    def loss(output, y):
        calls.append(1)
        return F.cross_entropy(output, y) * (factor if len(calls) == 5 else 1)

    history = fit(model, loss, (X, Y), sgd(model), epochs=5, batch_size=10)
    assert f"The loss is {factor} in step 3" in history.stopped
    assert history.stopped in str(history)


def test_a_loss_that_is_not_finite_before_the_first_step_blames_no_rate():
    model, calls = network(), []

    def loss(output, y):
        calls.append(1)
        return F.cross_entropy(output, y) * (1 if len(calls) == 1 else math.nan)  # right at the door

    history = fit(model, loss, (X, Y), sgd(model), epochs=5, batch_size=10)
    assert history.stopped.startswith(
        "The loss is nan before the first step, where no rate has acted: make the model anew"
    )
    assert history.losses == []


def test_lbfgs_that_goes_astray_within_its_first_step_may_blame_the_rate():
    model = network()
    optimizer = torch.optim.LBFGS(model.parameters(), lr=1e200, max_iter=4)
    history = fit(model, F.cross_entropy, (X, Y), optimizer, epochs=1, batch_size=50)
    assert "try a smaller rate" in history.stopped


def test_a_model_that_an_earlier_training_spoilt_is_to_be_made_anew():
    spoilt, normal = network(), normalised()
    with torch.no_grad():
        spoilt[2].bias[1] = math.nan
        normal[1].running_var[0] = math.nan
    for model, name in ((spoilt, "2.bias"), (normal, "1.running_var")):
        with pytest.raises(ValueError, match=rf"spoilt by earlier training, {name} is not finite; make the model anew"):
            fit(model, F.cross_entropy, (X, Y), sgd(model), epochs=1, batch_size=10)
    masked = network()
    masked.register_buffer("mask", torch.tensor([0.0, -math.inf]))  # a mask is not spoilt
    assert fit(masked, F.cross_entropy, (X, Y), sgd(masked), epochs=1, batch_size=50).losses


@pytest.mark.parametrize("make", [MAKERS["torch SGD"], MAKERS["our Momentum"]])
def test_a_scheduler_that_turns_the_rate_round_ends_the_training_with_its_step_and_keeps_what_there_is(make):
    model = network()
    optimizer = make(model.parameters())
    scheduler = lr_scheduler.LambdaLR(optimizer, lambda epoch: 1 - epoch / 2)
    weights = fit(model, F.cross_entropy, (X, Y), optimizer, epochs=5, batch_size=50, scheduler=scheduler, record=1)
    assert weights.lrs == pytest.approx([0.3, 0.15, 0])
    assert torch.equal(weights.weights[-1], weights.weights[-2])  # at rate 0 it rests
    assert re.fullmatch(
        r"Refused: lr must be positive, or 0 to rest, .* got -0\.15 in step 3 \(the first is 0\)\.", weights.stopped
    )
    for bad in (-0.1, math.nan, math.inf):
        optimizer.param_groups[0]["lr"] = bad
        with pytest.raises(ValueError, match=f"lr must be positive, or 0 to rest, .* got {bad}"):
            fit(model, F.cross_entropy, (X, Y), optimizer, epochs=1, batch_size=50)


def test_weights_that_the_last_step_has_spoilt_are_said():
    model = network()
    huge = sgd(model, lr=1e300)
    history = fit(model, lambda o, y: 1e30 * F.cross_entropy(o, y), (X, Y), huge, epochs=1, batch_size=50)
    assert history.stopped == "The weights are not finite after the last step; try a smaller rate."


def test_lbfgs_keeps_the_loss_before_its_step():
    model = network()
    before = evaluate(model, F.cross_entropy, (X, Y))[0]
    optimizer = torch.optim.LBFGS(model.parameters(), lr=0.5, max_iter=4)
    history = fit(model, F.cross_entropy, (X, Y), optimizer, epochs=1, batch_size=50)
    assert history.losses[0] == pytest.approx(before, rel=1e-9)


@pytest.mark.parametrize("validation", [None, (X[:9], Y[:9])])
def test_a_plateau_is_one_of_the_epoch_or_of_the_validation_loss(validation):
    model, got = network(), []

    class Spy(lr_scheduler.ReduceLROnPlateau):
        def step(self, metrics, epoch=None):
            got.append(metrics)
            super().step(metrics)

    optimizer = sgd(model)
    options = {"epochs": 3, "batch_size": 16, "scheduler": Spy(optimizer), "validation": validation}
    history = fit(model, F.cross_entropy, (X, Y), optimizer, **options)
    assert got == (history.validation_losses if validation else history.epoch_losses)
    assert len(got) == 3


def test_a_loss_that_stands_still_has_not_fallen():
    model = network()
    options = {"epochs": 9, "batch_size": 50, "patience": 2}
    history = fit(model, lambda o, y: F.cross_entropy(o, y) * 0 + 1, (X, Y), sgd(model), **options)
    assert len(history.epoch_losses) == 3


def test_the_last_recorded_weights_are_those_that_the_model_keeps():
    model, watched, looks = network(), [3.0, 1.0, 2.0, 2.0], []

    def loss(output, y):
        if len(y) == 10 and not model.training:
            looks.append(1)
            return torch.tensor(watched[len(looks) - 1])
        return F.cross_entropy(output, y)

    options = {"epochs": 9, "batch_size": 25, "validation": (X[:10], Y[:10]), "patience": 2, "record": 1}
    history = fit(model, loss, (X, Y), sgd(model), **options)
    assert len(history.weights) == 1 + 8 + 1  # the start, eight steps, and back to the best epoch
    assert torch.equal(history.weights[-1], vector(model))
    assert torch.equal(history.weights[4], vector(model))
    assert not any(weights.requires_grad for weights in history.weights)


def test_weights_are_recorded_once_for_each_step_also_where_they_do_not_move():
    model = network()
    options = {"epochs": 2, "batch_size": 25, "record": 1}
    history = fit(model, lambda o, y: 0 * F.cross_entropy(o, y), (X, Y), sgd(model), **options)
    assert len(history.weights) == 5


def test_cyclic_rates_move_after_each_step_and_one_cycle_must_be_long_enough():
    model = network()
    optimizer = sgd(model, lr=1.0)
    cyclic = lr_scheduler.CyclicLR(optimizer, 0.1, 1.0, step_size_up=2, cycle_momentum=False)
    history = fit(model, F.cross_entropy, (X, Y), optimizer, epochs=2, batch_size=25, scheduler=cyclic)
    assert history.lrs == pytest.approx([0.1, 0.55, 1.0, 0.55])
    short = lr_scheduler.OneCycleLR(optimizer, 1.0, total_steps=3, cycle_momentum=False)
    with pytest.raises(ValueError, match="OneCycleLR ends after 3 steps: make it with total_steps=4"):
        fit(model, F.cross_entropy, (X, Y), optimizer, epochs=2, batch_size=25, scheduler=short)


def test_seconds_begin_at_zero():
    model, began = network(), time.perf_counter()
    history = fit(model, F.cross_entropy, (X, Y), sgd(model), epochs=1, batch_size=10)
    assert 0 < history.seconds[0] < history.seconds[-1] < time.perf_counter() - began


def test_a_stop_in_the_middle_of_a_step_leaves_even_lists():
    model = network()
    optimizer, made = sgd(model), []
    update = optimizer.step

    def step(closure):
        made.append(update(closure))
        if len(made) == 3:
            raise KeyboardInterrupt

    optimizer.step = step
    history = fit(model, F.cross_entropy, (X, Y), optimizer, epochs=3, batch_size=10)
    lists = history.losses, history.accuracies, history.lrs, history.examples, history.seconds
    assert [len(values) for values in lists] == [2] * 5
    assert history.stopped == "Stopped by hand after 2 steps."


def test_a_stop_while_looking_at_the_validation_data_gives_the_mode_back():
    model = network()

    def loss(output, y):
        if not model.training and len(y) == 9:
            raise KeyboardInterrupt
        return F.cross_entropy(output, y)

    history = fit(model, loss, (X, Y), sgd(model), epochs=3, batch_size=10, validation=(X[:9], Y[:9]))
    assert history.stopped == "Stopped by hand after 5 steps."
    assert model.training
    assert not history.epoch_losses


def test_a_model_without_one_output_tensor_is_refused():
    model = nn.LSTM(3, 4).double()
    with pytest.raises(ValueError, match="the model must return one tensor, got tuple"):
        fit(model, F.cross_entropy, (X, Y), sgd(model), epochs=1, batch_size=10)


def test_one_parameter_of_another_model_is_enough_to_refuse():
    model, other = network(), network()
    mixed = torch.optim.SGD([model[0].weight, other[0].weight], lr=0.1)
    with pytest.raises(ValueError, match="the optimizer belongs to another model"):
        fit(model, F.cross_entropy, (X, Y), mixed, epochs=1, batch_size=10)


def test_the_seconds_of_epochs_and_the_examples_until_an_accuracy():
    model = network()
    options = {"epochs": 3, "batch_size": 16, "validation": (X, Y)}
    history = fit(model, F.cross_entropy, (X, Y), sgd(model, lr=0.5), **options)
    assert history.epoch_ends == [4, 8, 12]
    assert history.epoch_seconds == [history.seconds[3], history.seconds[7], history.seconds[11]]
    steps = [Step(1.0, examples=examples) for examples in (8, 16, 24, 32, 40)]
    made = History(steps, [Epoch(2, validation_accuracy=0.5), Epoch(4, validation_accuracy=0.7)])
    assert [made.examples_until(share) for share in (0.1, 0.5, 0.6, 0.7)] == [16, 16, 32, 32]
    assert made.examples_until(0.71) is None
    assert History().epoch_seconds == []


def test_histories_are_stacked_side_by_side():
    two = [History([Step(loss) for loss in losses]) for losses in ([1, 2, 3], [4, 5, 6])]
    assert stacked(two, "losses").tolist() == [[1, 4], [2, 5], [3, 6]]
    for histories, name in (([], "losses"), ([History()], "losses")):
        with pytest.raises(ValueError, match=r"there are no losses in [01] histories"):
            stacked(histories, name)
    for histories, name in ((two, "loss"), (two, "weights"), (two[0], "losses")):
        with pytest.raises(ValueError, match="stacked takes a list of histories and one of losses, accuracies"):
            stacked(histories, name)
    with pytest.raises(ValueError, match=r"the histories must have the same length; their losses have \[3, 1\]"):
        stacked([two[0], History([Step(1)])], "losses")


def test_the_rate_is_that_of_the_first_group_and_the_sentence_has_the_validation():
    model = network()
    groups = [{"params": model[0].parameters(), "lr": 0.1}, {"params": model[2].parameters(), "lr": 0.2}]
    history = fit(model, F.cross_entropy, (X, Y), torch.optim.SGD(groups), epochs=1, batch_size=25, validation=(X, Y))
    assert history.lrs == [0.1, 0.1]
    assert f"validation loss {history.validation_losses[0]:.3g}" in str(history)


def test_a_validation_loss_that_is_not_finite_ends_the_waiting():
    model = network()

    def loss(output, y):
        return F.cross_entropy(output, y) * (1 if model.training or len(y) == 7 else math.nan)

    options = {"epochs": 5, "batch_size": 25, "validation": (X[:9], Y[:9]), "patience": 2}
    history = fit(model, loss, (X, Y), sgd(model), **options)
    assert history.stopped == "The loss of the epoch is nan; try a smaller rate."
    assert len(history.epoch_losses) == 1


def test_the_last_batch_is_tried_in_train_mode_and_draws_nothing():
    model = normalised().eval()
    torch.manual_seed(3)
    drawn = torch.get_rng_state()
    with pytest.raises(ValueError, match="the last batch of an epoch, of 1"):
        fit(model, F.cross_entropy, (X, Y), sgd(model), epochs=1, batch_size=49)
    assert torch.equal(torch.get_rng_state(), drawn)
    assert not model.training


def test_epochs_may_be_of_numpy_and_an_output_without_gradient_is_refused():
    model = network()
    assert len(fit(model, F.cross_entropy, (X, Y), sgd(model), epochs=np.int64(2), batch_size=50).losses) == 2

    class Detached(nn.Linear):
        def forward(self, x):
            return super().forward(x).detach()

    model = Detached(3, 3).double()
    with pytest.raises(ValueError, match="the output of the model has no gradient"):
        fit(model, F.cross_entropy, (X, Y), sgd(model), epochs=1, batch_size=10)
    with pytest.raises(TypeError, match="data must be dense tensors"):
        evaluate(network(), F.cross_entropy, (X.to_sparse(), Y))
    with pytest.raises(ValueError, match="the target of example 0 is"):
        evaluate(network(), F.cross_entropy, (X, Y + 9))


def one_layer():
    return nn.Sequential(nn.Linear(2, 1)).double(), (torch.randn(8, 2).double(), torch.zeros(8, 1).double())


def test_an_optimizer_of_frozen_parameters_alone_is_refused():
    model, data = one_layer()
    model.append(nn.Linear(1, 1).double())
    sgd = torch.optim.SGD(model[0].parameters(), lr=0.1)
    model[0].requires_grad_(False)
    with pytest.raises(ValueError, match="all parameters of the optimizer are frozen"):
        fit(model, nn.functional.mse_loss, data, sgd, epochs=1, batch_size=8)


def test_a_plateau_of_what_should_rise_is_refused():
    model, data = one_layer()
    sgd = torch.optim.SGD(model.parameters(), lr=0.1)
    plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(sgd, mode="max")
    with pytest.raises(ValueError, match="mode='min', not 'max'"):
        fit(model, nn.functional.mse_loss, data, sgd, epochs=1, batch_size=8, scheduler=plateau)


def test_the_change_of_the_output_is_of_an_optimizer_of_that_model():
    model, data = one_layer()
    with pytest.raises(ValueError, match="belongs to another model"):
        output_change(model, nn.functional.mse_loss, data, lambda _: torch.optim.SGD(model.parameters(), lr=0.1))


@pytest.mark.parametrize(
    "loss",
    [nn.MSELoss(reduction="sum"), lambda o, t: ((o - t) ** 2).sum(), lambda o, t: F.mse_loss(o, t, reduction="sum")],
)
def test_a_loss_that_is_a_sum_is_refused(loss):
    model, x = nn.Linear(1, 1), torch.linspace(-1, 1, 16)[:, None]
    with pytest.raises(ValueError, match=r"data: the loss must be the mean over the minibatch; .* so it is a sum"):
        fit(model, loss, (x, 2 * x), torch.optim.SGD(model.parameters(), 0.1), epochs=1, batch_size=4)


@pytest.mark.parametrize(
    "loss",
    [
        lambda o, t: ((o - t) ** 2).sum() / len(o),
        lambda o, t: (torch.softmax(t, 0) * (o - t) ** 2).sum(),  # a mean with weights
        lambda o, t: ((o - t) ** 2).mean(0).sum(),
    ],
)
def test_a_mean_that_is_written_with_a_sum_is_none(loss):
    model, x = nn.Linear(1, 1), torch.linspace(-1, 1, 16)[:, None]
    assert fit(model, loss, (x, 2 * x), torch.optim.SGD(model.parameters(), 0.1), epochs=1, batch_size=4).losses
