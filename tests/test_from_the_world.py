"""What people bring along: models, losses, data and rules that run and mean nothing, told at the door."""

from dataclasses import InitVar, dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import lr_scheduler
from torch.utils.data import DataLoader, TensorDataset

from gdviz import data, plots, surfaces, theory, views
from gdviz.clinic import diagnose, from_columns, read_log
from gdviz.descent import grid, minimize
from gdviz.networks import fit
from gdviz.networks.torch_optimizer import TorchOptimizer
from gdviz.optimizers import SAM, GradientDescent

DRAWN = torch.Generator().manual_seed(0)
X = torch.randn(60, 4, generator=DRAWN)
SEQUENCES = torch.randn(60, 5, 3, generator=DRAWN)
CLASSES, NUMBERS = (X[:, 0] > 0).long(), 2 * X[:, :1]


def trained(model, loss, pair, make=lambda params: torch.optim.SGD(params, 0.1), epochs=3, **more):
    return fit(model, loss, pair, make(model.parameters()), epochs=epochs, batch_size=20, **more)


class Recurrent(nn.Module):
    """A GRU over (B, steps, features), if batch_first."""

    def __init__(self, batch_first):
        super().__init__()
        self.gru, self.head = nn.GRU(3, 16, batch_first=batch_first), nn.Linear(16, 2)

    def forward(self, x):
        return self.head(self.gru(x)[0][:, -1])


class Listed(nn.Module):
    """A layer in a list, which torch does not look into."""

    def __init__(self):
        super().__init__()
        self.layers, self.head = [nn.Linear(4, 4)], nn.Linear(4, 2)

    def forward(self, x):
        return self.head(self.layers[0](x))


def each_number():
    return nn.Sequential(nn.Unflatten(1, (4, 1)), nn.Linear(1, 1))


SENSELESS = {
    "an axis is missing at the end": (each_number(), F.mse_loss, (X, X), r"give y\[\.\.\., None\]$"),
    "each place with each": (
        each_number(),
        lambda o, t: ((o - t) ** 2).mean(),
        (X, X[:, None]),
        r"where \(60, 4, 1\) ",
    ),
    "three outputs for one": (
        nn.Linear(4, 3),
        F.mse_loss,
        (X, NUMBERS),
        r"outputs \(3,\) and targets \(1,\), and torch",
    ),
    "time first": (
        Recurrent(False),
        F.cross_entropy,
        (SEQUENCES, CLASSES),
        "depends on the others .* batch_first=True",
    ),
    "softmax over examples": (
        nn.Sequential(nn.Linear(4, 2), nn.LogSoftmax(0)),
        F.nll_loss,
        (X, CLASSES),
        "depends on the others .* dim=0",
    ),
    "a layer in a list": (Listed(), F.cross_entropy, (X, CLASSES), r"tensor \(4, 4\) .* nn.ModuleList"),
    "one class": (nn.Linear(4, 1), F.cross_entropy, (X, CLASSES[:, None].float()), "of one class is always 0"),
    "examples as classes": (
        nn.Sequential(nn.Linear(4, 1), nn.Flatten(0)),
        F.cross_entropy,
        (X, CLASSES.float()),
        "takes the examples for classes",
    ),
    "no logarithms": (nn.Linear(4, 2), nn.NLLLoss(), (X, CLASSES), "nll_loss wants log_softmax"),
    "targets -1 and 1": (
        nn.Linear(4, 1),
        nn.BCEWithLogitsLoss(),
        (X, 2 * CLASSES[:, None].float() - 1),
        r"from -1 to 1: give \(t \+ 1\) / 2$",
    ),
    "grey values": (nn.Linear(4, 1), nn.BCEWithLogitsLoss(), (X, 255.0 * CLASSES[:, None]), "give t / 255$"),
    "seconds since 1970": (
        nn.Linear(1, 1),
        F.mse_loss,
        ((torch.arange(60.0).double() + 1.7e9)[:, None], NUMBERS),
        "in torch.float32, 60 different inputs become 1; subtract the mean",
    ),
    "counts": (
        nn.Linear(4, 2),
        lambda o, t: F.gaussian_nll_loss(o[:, 0], t, o[:, 1].exp()),
        (X, torch.arange(60)),
        "if the targets are numbers and no classes, give them as floats$",
    ),
}


@pytest.mark.parametrize(("model", "loss", "pair", "words"), SENSELESS.values(), ids=SENSELESS)
def test_what_trains_and_means_nothing_is_refused(model, loss, pair, words):
    with pytest.raises(ValueError, match=words):
        trained(model, loss, pair)


SOUND = {
    "batch first": (Recurrent(True), F.cross_entropy, (SEQUENCES, CLASSES)),
    "each number": (each_number(), F.mse_loss, (X, X[..., None])),
    "log_softmax": (nn.Sequential(nn.Linear(4, 2), nn.LogSoftmax(1)), nn.NLLLoss(), (X, CLASSES)),
    "shares": (nn.Linear(4, 1), nn.BCEWithLogitsLoss(), (X, CLASSES[:, None].float())),
    "left out": (nn.Linear(4, 2), F.cross_entropy, (X, CLASSES.where(torch.arange(60) > 0, -100))),
    "statistics of the batch": (
        nn.Sequential(nn.BatchNorm1d(4, track_running_stats=False), nn.Linear(4, 2)),
        F.cross_entropy,
        (X, CLASSES),
    ),
}


@pytest.mark.parametrize(("model", "loss", "pair"), SOUND.values(), ids=SOUND)
def test_what_is_sound_trains(model, loss, pair):
    assert len(trained(model, loss, pair).losses) == 9


WHOLE = np.arange(240).reshape(60, 4)
CURES = {
    "whole numbers of numpy": (nn.Linear(4, 1), F.mse_loss, (WHOLE, NUMBERS), r"give torch.tensor\(x\).float\(\)$"),
    "a frame": (
        nn.Linear(4, 1),
        F.mse_loss,
        (pd.DataFrame(WHOLE), NUMBERS),
        r"tensor\(x.to_numpy\(\)\).float\(\)$",
    ),
    "classes in a column of floats": (
        nn.Linear(4, 2),
        F.cross_entropy,
        (X, pd.Series(CLASSES.numpy().astype(float))),
        r"give torch.tensor\(y.to_numpy\(\)\).long\(\)$",
    ),
    "lists": (nn.Linear(4, 1), F.mse_loss, (X.tolist(), NUMBERS[:, 0].tolist()), r"give torch.tensor\(y\)\[:, None\]$"),
}


@pytest.mark.parametrize(("model", "loss", "pair", "words"), CURES.values(), ids=CURES)
def test_a_cure_works_for_what_was_given(model, loss, pair, words):
    with pytest.raises(ValueError, match=words) as refused:
        trained(model, loss, pair)
    x, y = pair
    names = {"x": x, "y": y, "torch": torch}
    written = str(refused.value).rpartition("give ")[2]
    mended = (eval(written, names), y) if "x" in written else (x, eval(written, names))
    assert trained(model, loss, mended).losses


def test_columns_of_unlike_rows_are_no_pairs():
    frame = pd.DataFrame({"a": [1, np.nan, 3, 4, 5], "b": [10, 20, np.nan, 40, 50]})
    with pytest.raises(ValueError, match="rows with different labels"):
        data.own(frame.a.dropna(), frame.b.dropna())
    assert data.own(frame.dropna().a, frame.dropna().b).y.tolist() == [10, 40, 50]
    shuffled = pd.DataFrame(X.numpy()).sample(frac=1, random_state=0)
    with pytest.raises(ValueError, match="rows with different labels"):
        trained(nn.Linear(4, 1), F.mse_loss, (shuffled, pd.DataFrame(NUMBERS.numpy())))


@pytest.mark.parametrize(
    ("pair", "words"),
    [
        (DataLoader(TensorDataset(X, CLASSES)), "got DataLoader; give its tensors, dataset.tensors"),
        ((X, ["a", "b"] * 30), r"text instead of numbers; labels become numbers by pandas.factorize"),
        ((pd.DataFrame({"a": [1, pd.NA, 3]}), CLASSES[:3]), r"drop rows with a missing value \(df.dropna\(\)\)"),
    ],
)
def test_what_holds_no_numbers_is_told_what_to_do(pair, words):
    with pytest.raises(TypeError, match=words):
        trained(nn.Linear(4, 2), F.cross_entropy, pair)


def test_a_part_in_eval_mode_stays_there():
    model = nn.Sequential(nn.BatchNorm1d(4), nn.Linear(4, 2))
    model[0].eval()
    trained(model, F.cross_entropy, (X + 3, CLASSES))
    assert not model[0].training
    assert model[0].running_mean.tolist() == [0.0] * 4
    model.eval()
    trained(model, F.cross_entropy, (X + 3, CLASSES))  # as a whole it is switched on
    assert model[0].training


def test_schedules_are_counted_in_epochs():
    model = nn.Linear(4, 2)
    sgd = torch.optim.SGD(model.parameters(), 0.1)
    options = {"epochs": 12, "batch_size": 20}
    with pytest.raises(ValueError, match="CosineAnnealingLR once for each epoch: make it with T_max=12"):
        fit(model, F.cross_entropy, (X, CLASSES), sgd, scheduler=lr_scheduler.CosineAnnealingLR(sgd, 36), **options)
    cycle = lr_scheduler.OneCycleLR(sgd, 0.1, total_steps=36)
    fit(model, F.cross_entropy, (X, CLASSES), sgd, scheduler=cycle, **options)
    with pytest.raises(ValueError, match="of which 36 are over: make it anew"):
        fit(model, F.cross_entropy, (X, CLASSES), sgd, scheduler=cycle, **options)


def test_a_scheduler_that_raises_costs_nothing_of_what_is_known():
    model = nn.Linear(4, 2)
    sgd = torch.optim.SGD(model.parameters(), 0.1)
    short = lr_scheduler.LambdaLR(sgd, lambda epoch: [1, 0.5, 0.1][epoch])
    history = fit(model, F.cross_entropy, (X, CLASSES), sgd, epochs=5, batch_size=20, scheduler=short)
    assert (len(history.losses), len(history.epochs)) == (9, 3)
    assert history.stopped.startswith("The scheduler raised IndexError after 9 steps")


def test_sparse_gradients_are_examined():
    model = nn.Sequential(nn.EmbeddingBag(10, 4, sparse=True), nn.Linear(4, 2))
    numbers = torch.randint(0, 10, (60, 3), generator=torch.Generator().manual_seed(0))
    history = trained(model, F.cross_entropy, (numbers, CLASSES), vitals=1)
    assert history.vitals[0].layers[0].gradient > 0


def test_a_second_gradient_of_a_step_is_not_taken_for_clipping():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 2))
    history = trained(model, F.cross_entropy, (X, CLASSES), lambda p: TorchOptimizer(p, SAM(lr=0.1)), 10, vitals=1)
    assert "scaled" not in str(diagnose(history))


def test_layers_that_no_optimizer_moves_are_noticed():
    model = nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 4))
    sgd = torch.optim.SGD(model.parameters(), 0.1)
    model.append(nn.Linear(4, 2))
    history = fit(model, F.cross_entropy, (X, CLASSES), sgd, epochs=10, batch_size=20, vitals=1)
    assert "3.bias, 3.weight have a gradient in each step, and never move" in str(diagnose(history))


@pytest.mark.parametrize("features", [1, 4])
def test_a_line_that_grows_from_small_weights_needs_no_warm_up(features):
    for seed in range(4):
        drawn = torch.Generator().manual_seed(seed)
        x = torch.randn(45, features, generator=drawn)
        y = 3 * x.sum(1, keepdim=True) + torch.randn(45, 1, generator=drawn)
        torch.manual_seed(seed)
        assert diagnose(trained(nn.Linear(features, 1), F.mse_loss, (x, y), epochs=15, vitals=1)).name == "healthy"


def test_equal_inputs_with_other_targets_are_no_leak():
    age = data.diabetes("age").standardized()
    pair = age.x.float()[:, None], age.y.float()[:, None] / 100
    fitted, held_out = [t[:350] for t in pair], [t[350:] for t in pair]
    history = trained(nn.Linear(1, 1), F.mse_loss, fitted, validation=held_out, vitals=1)
    assert history.shared < 0.2
    leaking = trained(nn.Linear(1, 1), F.mse_loss, fitted, validation=[t[:50] for t in fitted], vitals=1)
    assert leaking.shared == 1


def test_the_training_side_of_a_look_is_that_of_its_time():
    log = {
        "loss": [1.5, 1.2, 0.9, 0.7, 0.5, 0.3, 0.184],
        "accuracy": [0.25, 0.45, 0.60, 0.70, 0.77, 0.82, 0.85],
        "validation_loss": [1.4, 1.1, 0.85, 0.65, 0.5, 0.4, 0.35],
        "validation_accuracy": [0.40, 0.57, 0.68, 0.75, 0.80, 0.83, 0.85],
    }
    assert diagnose(from_columns(log, classes=10)).name == "unknown"


def quadratic(w):
    return w.square().sum(-1)


class Memory(NamedTuple):
    v: Tensor


@dataclass
class Normed:
    """A step of the length lr."""

    lr: float = 0.1
    dim: int | None = None

    def init(self, params):
        return ()

    def update(self, params, grads, state):
        length = grads.norm() if self.dim is None else grads.norm(dim=self.dim, keepdim=True)
        return params - self.lr * grads / length, state


@dataclass
class InPlace:
    """Momentum that changes its velocity in place."""

    lr: float = 0.1

    def init(self, params):
        return Memory(torch.zeros_like(params))

    def update(self, params, grads, state):
        state.v.mul_(0.9).add_(grads)
        return params - self.lr * state.v, state


@dataclass
class Halved(Normed):
    def __post_init__(self):
        self.lr = self.lr / 2


@dataclass
class Scaled(Normed):
    scale: InitVar[float] = 2.0

    def __post_init__(self, scale):
        self.k = scale


def test_the_runs_of_a_sweep_do_not_move_each_other():
    with pytest.raises(ValueError, match=r"norm over all runs of the sweep .* \.norm\(dim=-1, keepdim=True\)"):
        minimize(quadratic, Normed(**grid(lr=[0.1, 0.2])), [3.0, 4.0], 1)
    apart = minimize(quadratic, Normed(**grid(lr=[0.1, 0.2]), dim=-1), [3.0, 4.0], 1).params[-1]
    alone = [minimize(quadratic, Normed(lr), [3.0, 4.0], 1).params[-1] for lr in (0.1, 0.2)]
    assert torch.allclose(apart, torch.stack(alone))


def test_a_state_that_is_kept_is_not_changed_in_place():
    with pytest.raises(ValueError, match="update changed its state in place at step 0"):
        minimize(quadratic, InPlace(), [3.0, 4.0], 4)
    w = nn.Parameter(torch.ones(2))
    w.grad = torch.ones(2)
    TorchOptimizer([w], InPlace()).step()  # which keeps one state only
    assert w.tolist() == pytest.approx([0.9, 0.9])


@pytest.mark.parametrize("rule", [Halved(0.4), Scaled(0.1, scale=5.0)])
def test_a_rule_whose_copy_is_another_is_refused(rule):
    with pytest.raises(ValueError, match=r"a copy of .* has another"):
        minimize(quadratic, rule, [3.0, 4.0], 1)
    with pytest.raises(ValueError, match=r"a copy of .* has another"):
        TorchOptimizer([nn.Parameter(torch.ones(2))], rule)


@dataclass
class Own:
    """Momentum whose velocity is called v, as the mean of squares is elsewhere."""

    lr: float = 0.1

    def init(self, params):
        return Memory(torch.zeros_like(params))

    def update(self, params, grads, state):
        v = 0.9 * state.v + grads
        return params - self.lr * v, Memory(v)


def test_the_effective_rate_of_a_rule_without_a_scale_is_its_rate():
    assert theory.effective_rate(minimize(quadratic, Own(), [1.0, 2.0], 3)).unique().tolist() == [0.1]


def file_of(tmp_path, *rows):
    (tmp_path / "mine.csv").write_text("\n".join(rows))
    return tmp_path / "mine.csv"


def test_points_between_thousands_are_told(tmp_path):
    with pytest.raises(ValueError, match=r"'price': a point between thousands in '1.200'\?"):
        data.own("size", "price", csv=file_of(tmp_path, "size;price", "50;950", "62;1.200", "75;1.350"))
    small = data.own("size", "price", csv=file_of(tmp_path, "size;price", "50;0.950", "62;1.200", "75;1.350"))
    assert small.y.tolist() == [0.95, 1.2, 1.35]


def test_row_names_without_a_column_name_are_told(tmp_path):
    with pytest.raises(ValueError, match=r"each row has 3 cells, the header 2 \(row names without a column name\?"):
        data.own("size", "price", csv=file_of(tmp_path, "size,price", "1,50,0.9", "2,62,1.2"))


def test_what_is_invisible_in_a_cell_is_read_over(tmp_path):
    found = data.own("size", "price", csv=file_of(tmp_path, "size,price", "\u200b50,0.9", "62\ufeff,1.2"))
    assert found.x.tolist() == [50, 62]


def test_none_in_a_log_is_a_gap(tmp_path):
    log = read_log(file_of(tmp_path, "step,loss,val_loss", "0,0.9,None", "1,0.8,0.7"))
    assert (log.losses, log.validation_losses) == ([0.9, 0.8], [0.7])


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: surfaces.linear_model(([1, 2], [3, 4])), r"such as data.own\(x, y\); got tuple"),
        (lambda: plots.examples([[1, 2], [3, 4]]), r"such as data.own\(x, y\); got list"),
        (lambda: views.clinic.chart([1]), r"chart\(\{'run': history\}\); got list"),
    ],
)
def test_what_must_have_names_or_columns_is_told(call, words):
    with pytest.raises(TypeError, match=words):
        call()


def test_covariances_of_whole_numbers():
    assert theory.covariance([[0, 0], [2, 0], [1, 1]])[0].tolist() == [1.0, 0.0]


def test_gradient_descent_has_no_decay():
    torch.manual_seed(0)
    history = trained(
        nn.Linear(4, 1),
        F.mse_loss,
        (X, torch.randn(60, 1)),
        lambda params: TorchOptimizer(params, GradientDescent(lr=0.02)),
        10,
        vitals=1,
    )
    assert history.weight_decay == 0
    assert diagnose(history).name != "decay through Adam"
