"""The training loop: it is the loop that one would write by hand, and it keeps what happened."""

import copy
import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.optim import lr_scheduler

from gdviz.minibatches import Minibatches
from gdviz.optimizers import Adam, GradientDescent, Momentum
from gdviz.torch_optimizer import TorchOptimizer
from gdviz.training import evaluate, fit


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
    assert history.examples[-1] == sum(calls) - 2  # two examples were for the check at the door
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


NAN = X.clone()
NAN[7, 1] = math.nan
OUTSIDE = Y.clone()
OUTSIDE[[4, 9]] = torch.tensor([3, -1])


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"data": (X[:, :2], Y)}, ValueError, r"the model does not take inputs of shape \(50, 2\): mat1 and mat2"),
        ({"data": (X, OUTSIDE)}, ValueError, r"has 3 classes, 0 to 2; the target of example 4 is 3 \(2 such\)"),
        ({"validation": (X, OUTSIDE)}, ValueError, "the target of example 4 is 3"),
        (
            {"data": (X, Y[:-1])},
            ValueError,
            r"data: inputs and targets must be of one length, got shapes \(50, 3\) and \(49,\)",
        ),
        ({"data": (X[:0], Y[:0])}, ValueError, "data holds no examples"),
        ({"data": (NAN, Y)}, ValueError, "data: inputs must be finite"),
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
        ({"loss": F.mse_loss}, ValueError, r"the loss does not take outputs \(2, 3\) and targets \(2,\)"),
        ({"epochs": 0}, ValueError, "epochs must be a whole number, 1 or more, got 0"),
        ({"epochs": 1.5}, ValueError, "epochs must be a whole number"),
        ({"patience": 0}, ValueError, "patience must be a whole number, 1 or more, got 0"),
        ({"record": -1}, ValueError, "record must be a whole number"),
        ({"batch_size": 0}, ValueError, "batch_size must be a whole number from 1 to 50, got 0"),
        ({"batch_size": 51}, ValueError, "all 50 are the full batch"),
        ({"generator": 3}, TypeError, "generator must be a torch.Generator"),
    ],
)
@pytest.mark.filterwarnings("ignore:Using a target size")
def test_what_cannot_be_trained_is_refused_before_anything_changes(changed, error, message):
    arguments, options = call(**changed)
    model = arguments[0]
    before = vector(model) if isinstance(model, nn.Module) and list(model.parameters()) else None
    with pytest.raises(error, match=message):
        fit(*arguments, **options)
    assert before is None or torch.equal(vector(model), before)


def test_a_float32_model_takes_numbers_in_double_precision():
    model = network().float()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    history = fit(model, F.cross_entropy, (X, Y), optimizer, epochs=1, batch_size=50)
    assert math.isfinite(history.losses[0])
