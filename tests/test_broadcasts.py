"""A loss that compares every output with every target is refused, and a right one never is."""

import pandas as pd
import pytest
import torch
from torch import distributions, nn
from torch.nn import functional as F

from gdviz import surfaces
from gdviz.descent import minimize
from gdviz.networks import landscape
from gdviz.networks.pairs import checked_pair
from gdviz.networks.torch_optimizer import TorchOptimizer
from gdviz.networks.training import evaluate, fit
from gdviz.optimizers import GradientDescent


def normal(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(len(shape)))


class Given(nn.Module):
    """A model whose output is its input."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, x):
        return self.scale * x


def door(outputs, targets, loss):
    checked_pair(Given(), loss, (outputs, targets), trains=True)


def square(o, t):
    return ((o - t) ** 2).mean()


N = 30
COLUMN, FLAT, THREE = normal(N, 1), normal(N), normal(N, 3)
SIGN = (FLAT > 0).float()
CLASSES = torch.arange(N) % 3

WRONG = {
    "the square by hand": square,
    "exchanged": lambda o, t: ((t - o) ** 2).mean(),
    "mse_loss": F.mse_loss,
    "l1_loss": F.l1_loss,
    "smooth_l1_loss": F.smooth_l1_loss,
    "huber_loss": F.huber_loss,
    "MSELoss": nn.MSELoss(),
    "the root of the mean": lambda o, t: square(o, t).sqrt(),
    "a norm": lambda o, t: (o - t).norm(),
    "torch.dist": torch.dist,
    "log cosh": lambda o, t: (o - t).cosh().log().mean(),
    "relative": lambda o, t: ((o - t) / t).abs().mean(),
    "one minus R squared": lambda o, t: ((o - t) ** 2).sum() / ((t - t.mean()) ** 2).sum(),
    "a quantile": lambda o, t: torch.maximum(0.9 * (t - o), -0.1 * (t - o)).mean(),
    "a Huber loss by hand": lambda o, t: torch.where((o - t).abs() < 1, (o - t) ** 2, (o - t).abs()).mean(),
    "logistic": lambda o, t: F.softplus(-o * t).mean(),
    "a hinge": lambda o, t: (1 - o * t).clamp(min=0).mean(),
    "cross entropy by hand": lambda o, t: -(t * F.logsigmoid(o) + (1 - t) * F.logsigmoid(-o)).mean(),
    "kl_div": F.kl_div,
    "poisson_nll_loss": F.poisson_nll_loss,
    "hinge_embedding_loss": F.hinge_embedding_loss,
    "gaussian_nll_loss": lambda o, t: F.gaussian_nll_loss(o, t, torch.ones_like(o)),
    "a distribution": lambda o, t: -distributions.Normal(o, 1.0).log_prob(t).mean(),
    "with a penalty": lambda o, t: square(o, t) + 0.1 * (o**2).mean(),
    "a copy of the targets": lambda o, t: square(o, t.clone().float()),
    "pairwise_distance": lambda o, t: F.pairwise_distance(o, t).mean(),
}


@pytest.mark.filterwarnings("ignore:reduction. 'mean'")
@pytest.mark.parametrize("loss", WRONG.values(), ids=WRONG)
def test_a_loss_that_compares_every_output_with_every_target_is_refused_with_the_cure(loss):
    with pytest.raises(ValueError, match=r"outputs \(30, 1\) with targets \(30,\), .* give y\[:, None\]$"):
        door(COLUMN, FLAT, loss)
    door(COLUMN, FLAT[:, None], loss)  # the cure
    with pytest.raises(ValueError, match=r"outputs \(30,\) with targets \(30, 1\), .* give y\[:, 0\]$"):
        door(FLAT, COLUMN, loss)


@pytest.mark.parametrize(
    ("outputs", "targets", "loss", "message"),
    [
        (COLUMN, COLUMN, lambda o, t: square(o.squeeze(-1), t), r"where \(30,\) meets \(30, 1\).*; give y\[:, 0\]"),
        (COLUMN, COLUMN, lambda o, t: square(o, t[:, 0]), r"where \(30, 1\) meets \(30,\), every output"),
        (COLUMN, CLASSES, F.mse_loss, r"outputs \(30, 1\) with targets \(30,\).*; give y\[:, None\]"),
        (COLUMN[:, None], FLAT, square, r"outputs \(30, 1, 1\) with targets \(30,\)"),
        (COLUMN[:, None], COLUMN, square, r"outputs \(30, 1, 1\) with targets \(30, 1\).*; give y\[:, None\]"),
        (normal(N, 4, 1), normal(N, 4), lambda o, t: square(o.view(-1, 1), t.flatten()), r"\(120, 1\) meets \(120,\)"),
        (COLUMN, torch.stack([FLAT, SIGN], 1), lambda o, t: (t[:, 1] * (o - t[:, :1]) ** 2).mean(), "every target"),
        (
            THREE,
            CLASSES,
            lambda o, t: (o.softmax(1).gather(1, t[:, None]) * F.cross_entropy(o, t, reduction="none")).mean(),
            r"where \(30, 1\) meets \(30,\)",
        ),
    ],
)  # fmt: skip
def test_it_is_seen_wherever_it_happens_in_the_loss(outputs, targets, loss, message):
    with pytest.raises(ValueError, match=message):
        door(outputs, targets, loss)


def of_classes(o, t):
    return F.cross_entropy(o, t, reduction="none")


def of_letters(o, t):
    return F.cross_entropy(o.reshape(-1, 3), t.reshape(-1))


def ctc(o, t):
    return F.ctc_loss(o.log_softmax(2), t, torch.full((len(t),), 9), torch.full((len(t),), t.shape[1]))


def mixture(o, t):
    parts = distributions.Normal(o[:, 2:4], o[:, 4:].exp()).log_prob(t[:, None])
    return -torch.logsumexp(o[:, :2].log_softmax(1) + parts, 1).mean()


RIGHT = {
    "mse_loss of columns": (COLUMN, COLUMN + 1, F.mse_loss),
    "mse_loss of numbers": (FLAT, FLAT + 1, F.mse_loss),
    "squeezed in the loss": (COLUMN, FLAT, lambda o, t: square(o.squeeze(-1), t)),
    "the first column": (COLUMN, FLAT, lambda o, t: square(o[:, 0], t)),
    "flattened": (COLUMN, FLAT, lambda o, t: F.mse_loss(o.flatten(), t)),
    "an axis for the targets": (COLUMN, FLAT, lambda o, t: square(o, t[:, None])),
    "many outputs": (normal(N, 2, 3), normal(N, 2, 3) + 1, F.mse_loss),
    "784 outputs": (normal(N, 784), normal(N, 784) + 1, F.mse_loss),
    "cross_entropy": (THREE, CLASSES, F.cross_entropy),
    "weights of classes": (THREE, CLASSES, lambda o, t: F.cross_entropy(o, t, weight=torch.tensor([1.0, 2.0, 3.0]))),
    "weights by class": (THREE, CLASSES, lambda o, t: (torch.tensor([1.0, 2.0, 3.0])[t] * of_classes(o, t)).mean()),
    "shares of classes": (THREE, THREE.softmax(1), F.cross_entropy),
    "sequences": (normal(N, 3, 4), torch.zeros(N, 4).long(), F.cross_entropy),
    "flat sequences": (normal(N, 4, 3), torch.zeros(N, 4).long(), of_letters),
    "nll_loss": (THREE.log_softmax(1), CLASSES, F.nll_loss),
    "multi_margin_loss": (THREE, CLASSES, F.multi_margin_loss),
    "binary": (FLAT, SIGN, F.binary_cross_entropy_with_logits),
    "binary columns": (COLUMN, SIGN[:, None], F.binary_cross_entropy_with_logits),
    "one-hot": (THREE, CLASSES, lambda o, t: square(o.softmax(1), F.one_hot(t, 3))),
    "one-hot with weights": (THREE, CLASSES, lambda o, t: (torch.ones(3) * (o - torch.eye(3)[t]) ** 2).mean()),
    "indexed": (THREE, CLASSES, lambda o, t: -o.log_softmax(1)[torch.arange(len(t)), t].mean()),
    "gathered": (THREE, CLASSES, lambda o, t: -o.log_softmax(1).gather(1, t[:, None]).mean()),
    "by a mask": (COLUMN, CLASSES, lambda o, t: F.softplus(-o[t == 1]).sum() + F.softplus(o[t == 0]).sum()),
    "summed by class": (COLUMN, CLASSES, lambda o, t: torch.zeros(3, 1).index_add(0, t, o).square().mean()),
    "mean and variance": (THREE, FLAT, lambda o, t: F.gaussian_nll_loss(o[:, 0], t, o[:, 1].exp())),
    "quantiles": (THREE, FLAT, lambda o, t: (torch.tensor([0.1, 0.5, 0.9]) * (t[:, None] - o)).mean()),
    "a mixture": (normal(N, 6), FLAT, mixture),
    "a distribution": (THREE, CLASSES, lambda o, t: -distributions.Categorical(logits=o).log_prob(t).mean()),
    "ctc_loss": (normal(N, 9, 3), torch.ones(N, 2).long(), lambda o, t: ctc(o.transpose(0, 1), t)),
    "cosine_embedding_loss": (normal(N, 4), 2 * SIGN - 1, lambda o, t: F.cosine_embedding_loss(o[:, :2], o[:, 2:], t)),
    "contrastive": (normal(N, 4), normal(N, 4) + 1, lambda o, t: F.cross_entropy(o @ t.T, torch.arange(len(o)))),
    "supervised pairs": (normal(N, 4), CLASSES, lambda o, t: -((o @ o.T).log_softmax(1) * (t[:, None] == t)).mean()),
    "ranks": (FLAT, FLAT + 1, lambda o, t: F.relu(1 - (o[:, None] - o) * (t[:, None] - t).sign()).mean()),
    "pairs of residuals": (FLAT, FLAT**2, lambda o, t: ((o - t)[:, None] - (o - t)[None]).square().mean()),
    "every output with every target, said": (COLUMN, FLAT, lambda o, t: (o - t[None, :]).abs().mean()),
    "means": (COLUMN, FLAT, lambda o, t: (o.mean() - t.mean()) ** 2),
    "a correlation": (COLUMN, FLAT, lambda o, t: -torch.corrcoef(torch.stack([o[:, 0], t]))[0, 1]),
    "one by one": (COLUMN, FLAT, lambda o, t: sum((a[0] - b) ** 2 for a, b in zip(o, t)) / len(t)),
    "vmap": (COLUMN, FLAT, lambda o, t: torch.vmap(lambda a, b: ((a - b) ** 2).sum())(o, t).mean()),
    "the targets left out": (COLUMN, FLAT, lambda o, t: (o**2).mean()),
    "changed in place": (COLUMN, COLUMN + 1, lambda o, t: o.sub_(t).square().mean()),
}  # fmt: skip


@pytest.mark.parametrize("case", RIGHT.values(), ids=RIGHT)
def test_a_right_loss_is_never_refused(case):
    door(*case)


def test_a_time_axis_may_come_first():
    class TimeFirst(Given):
        def forward(self, x):
            return super().forward(x).transpose(0, 1)

    checked_pair(TimeFirst(), ctc, (normal(N, 9, 3), torch.ones(N, 2).long()), trains=True)


COLUMNS = torch.linspace(-1, 1, 40)[:, None]
WANTED = 2 * COLUMNS[:, 0] + 1
REFUSED = r"outputs \(40, 1\) with targets \(40,\), .*; give y\[:, None\]"


def test_fit_evaluate_and_the_landscape_have_one_door():
    torch.manual_seed(0)
    model = nn.Linear(1, 1)
    optimizer = TorchOptimizer(model.parameters(), GradientDescent(lr=0.1))
    right, wrong, options = (COLUMNS, WANTED[:, None]), (COLUMNS, WANTED), {"epochs": 30, "batch_size": 10}
    before = model.weight.item()
    with pytest.raises(ValueError, match="data: the loss takes " + REFUSED):
        fit(model, square, wrong, optimizer, **options)
    with pytest.raises(ValueError, match="validation: the loss takes " + REFUSED):
        fit(model, square, right, optimizer, validation=wrong, **options)
    for look in (
        lambda: evaluate(model, square, wrong),
        lambda: landscape.losses_at(model, square, wrong),
        lambda: landscape.plane(model, square, wrong, torch.ones(2, 2)),
        lambda: landscape.gradient_change(model, square, wrong, [0.1]),
    ):
        with pytest.raises(ValueError, match=REFUSED):
            look()
    assert model.weight.item() == before
    fit(model, square, right, optimizer, **options)
    assert (model.weight.item(), model.bias.item()) == pytest.approx((2, 1), abs=1e-2)


def test_a_column_of_pandas_gets_a_cure_that_works_for_it():
    inputs, column = pd.DataFrame(COLUMN.numpy()), pd.Series(FLAT.numpy())
    with pytest.raises(ValueError, match=r"give y.to_numpy\(\)\[:, None\]$"):
        door(inputs, column, square)
    door(inputs, column.to_numpy()[:, None], square)


X, Y = COLUMNS.double(), WANTED.double()


@pytest.mark.parametrize(
    "loss",
    [
        lambda w: ((w[0] * X + w[1] - Y) ** 2).mean(),
        lambda w: ((Y[:, None] - w[0] * X[:, 0] - w[1]) ** 2).mean(),
        lambda w: ((torch.cat([X, X**0], 1) @ w[:, None] - Y) ** 2).mean(),
        lambda w: torch.subtract(w[0] * X + w[1], Y).abs().mean(),
        lambda w: -(Y * torch.log(torch.sigmoid(w[0] * X + w[1]))).mean(),  # of a cross-entropy
        lambda w: -(torch.nn.functional.logsigmoid(w[0] * X[:, 0] + w[1]) * Y[:, None]).mean(),
    ],
)
def test_minimize_refuses_predictions_that_meet_all_data(loss):
    with pytest.raises(ValueError, match=r"loss compares \(40.* with \(40.*, each number with all others; .*x\[:, 0\]"):
        minimize(loss, GradientDescent(0.1), [0.0, 0.0], 3)


@pytest.mark.parametrize(
    ("loss", "start"),
    [
        (lambda w: ((w[..., :1] * X[:, 0] + w[..., 1:] - Y) ** 2).mean(-1), torch.zeros(40, 2)),  # 40 runs
        (lambda w: ((w[0] * X + w[1] - Y[:, None]) ** 2).mean(), [0.0, 0.0]),
        (lambda w: ((X - w) ** 2).min(-1).values.mean(), [-0.5, 0.5]),  # two centres
        (lambda w: ((X - w) ** 2).min(-1).values.mean(), torch.linspace(-1, 1, 40) / 2),  # as many centres as points
        (lambda w: w.sum() * ((X - X[:, 0]) ** 2).mean(), [1.0, 2.0]),  # the data against each other
        (lambda w: -(Y * torch.log(torch.sigmoid(w[0] * X[:, 0] + w[1]))).mean(), [0.0, 0.0]),
        (lambda w: torch.relu(w[:40, None] * X[:, 0]).mean(), torch.zeros(41)),  # as many hidden units as examples
        (surfaces.rosenbrock(), [-1.0, 1.0]),
    ],
)
def test_minimize_takes_losses_that_are_right(loss, start):
    assert minimize(loss, GradientDescent(0.01), start, 3).steps == 3
