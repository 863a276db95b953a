"""Each rule of gdviz beside the optimizer that it equals, a row for each: of torch for tests and proof, of others for
the tests.
"""

from collections.abc import Callable
from typing import NamedTuple
from unittest import mock

import torch
from hypothesis import strategies as st

from gdviz.optimizers import (
    ASGD,
    LBFGS,
    SAM,
    Adadelta,
    AdaGrad,
    Adam,
    Adamax,
    AdamW,
    AMSGrad,
    GradientDescent,
    Momentum,
    NAdam,
    Nesterov,
    RAdam,
    RMSProp,
    Rprop,
    ScheduleFreeAdamW,
    ScheduleFreeSGD,
    SparseAdam,
)


class Pair(NamedTuple):
    """name: what a user of torch writes; make(params, **hyperparameters): torch's; drawn: where they are drawn from;
    usual: hyperparameters for a small network; sparse: whether some gradients must be zero to try it.
    """

    name: str
    make: Callable
    drawn: dict
    usual: dict
    sparse: bool = False


def adam(make, **fixed):
    return lambda p, beta1, beta2, **rest: make(p, betas=(beta1, beta2), **rest, **fixed)


def rprop(p, lr, etaminus, etaplus, step_size_min, step_size_max):
    return torch.optim.Rprop(p, lr, (etaminus, etaplus), (step_size_min, step_size_max))


def in_float64(kind):
    """Torch's optimizer with all its numbers in float64: it keeps some in torch's default type, which is float32."""

    class InFloat64(kind):
        def step(self, closure=None):
            usual = torch.get_default_dtype()
            torch.set_default_dtype(torch.float64)
            try:
                return super().step(closure)
            finally:
                torch.set_default_dtype(usual)

    return InFloat64


class WithoutZeros(torch.optim.SparseAdam):
    """SparseAdam, which takes no gradients but sparse ones; these list what is not zero."""

    def step(self, closure=None):
        loss = closure() if closure else None
        for group in self.param_groups:
            for p in group["params"]:
                p.grad = p.grad.to_sparse()
        super().step()
        return loss


LR = st.floats(1e-4, 0.1)
SHARE = st.floats(0, 0.999)
SMALL = st.floats(1e-10, 1e-3)
MOMENTS = {"lr": LR, "beta1": SHARE, "beta2": SHARE, "eps": SMALL}
BALL = {"lr": 0.05, "momentum": 0.9}
STEADY = {"lr": 0.01, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8}

PAIRS = {
    GradientDescent: Pair("SGD", torch.optim.SGD, {"lr": LR}, {"lr": 0.1}),
    Momentum: Pair("SGD(momentum)", torch.optim.SGD, {"lr": LR, "momentum": SHARE}, BALL),
    Nesterov: Pair(
        "SGD(momentum, nesterov=True)",
        lambda p, **h: torch.optim.SGD(p, nesterov=True, **h),
        {"lr": LR, "momentum": st.floats(0.01, 0.999)},  # torch refuses nesterov without momentum
        BALL,
    ),
    ASGD: Pair(
        "ASGD",
        in_float64(torch.optim.ASGD),
        {"lr": LR, "lambd": st.floats(0, 0.1), "alpha": st.floats(0, 2), "t0": st.floats(0, 1000)},
        {"lr": 0.1, "lambd": 1e-3, "alpha": 0.75, "t0": 10.0},
    ),
    Rprop: Pair(
        "Rprop",
        rprop,
        {
            "lr": LR,
            "etaminus": st.floats(0.1, 0.9),
            "etaplus": st.floats(1.01, 2),
            "step_size_min": SMALL,
            "step_size_max": st.floats(0.1, 50),
        },
        {"lr": 0.01, "etaminus": 0.5, "etaplus": 1.2, "step_size_min": 1e-6, "step_size_max": 50.0},
    ),
    AdaGrad: Pair("Adagrad", torch.optim.Adagrad, {"lr": LR, "eps": SMALL}, {"lr": 0.05, "eps": 1e-10}),
    RMSProp: Pair(
        "RMSprop",
        torch.optim.RMSprop,
        {"lr": LR, "alpha": SHARE, "eps": SMALL},
        {"lr": 0.01, "alpha": 0.99, "eps": 1e-8},
    ),
    Adadelta: Pair(
        "Adadelta",
        torch.optim.Adadelta,
        {"lr": st.floats(0.1, 2), "rho": SHARE, "eps": SMALL},
        {"lr": 1.0, "rho": 0.9, "eps": 1e-6},
    ),
    Adam: Pair("Adam", adam(torch.optim.Adam), MOMENTS, STEADY),
    AMSGrad: Pair("Adam(amsgrad=True)", adam(torch.optim.Adam, amsgrad=True), MOMENTS, STEADY),
    AdamW: Pair(
        "AdamW",
        adam(torch.optim.AdamW),
        MOMENTS | {"weight_decay": st.floats(0, 0.5)},
        STEADY | {"weight_decay": 0.1},
    ),
    Adamax: Pair("Adamax", adam(torch.optim.Adamax), MOMENTS, STEADY),
    NAdam: Pair(
        "NAdam",
        adam(in_float64(torch.optim.NAdam)),
        MOMENTS | {"momentum_decay": st.floats(0, 0.1)},
        STEADY | {"lr": 0.005, "eps": 0.01, "momentum_decay": 4e-3},  # unstable at OneCycleLR's 0.05 with a smaller eps
    ),
    RAdam: Pair("RAdam", adam(torch.optim.RAdam), MOMENTS, STEADY | {"lr": 0.05}),
    SparseAdam: Pair("SparseAdam", adam(WithoutZeros), MOMENTS, STEADY, sparse=True),
    LBFGS: Pair(
        "LBFGS(max_iter=1)",
        lambda p, **h: torch.optim.LBFGS(p, max_iter=1, **h),
        {"lr": st.floats(0.1, 1), "history_size": st.integers(1, 8)},
        {"lr": 0.5, "history_size": 5},
    ),
}
rules = [*PAIRS]


def sam(params, exact=True, **hyper):
    """exact: with the length of the gradient in float64, which the package rounds to float32."""
    from pytorch_optimizer.optimizer import sam as theirs  # takes seconds: for those tests alone that need it

    def squared_length(groups, **_):
        return sum(p.grad.square().sum() for group in groups for p in group["params"]).reshape(1)

    class Exact(theirs.SAM):
        def first_step(self, zero_grad=False):
            with mock.patch.object(theirs, "get_global_gradient_norm", squared_length):
                super().first_step(zero_grad)

    return (Exact if exact else theirs.SAM)(params, torch.optim.SGD, perturb_eps=0.0, **hyper)


def schedule_free_sgd(params, lr, beta):
    from schedulefree import SGDScheduleFree

    return SGDScheduleFree(params, lr=lr, momentum=beta)


def schedule_free_adamw(params, beta1, beta2, **hyper):
    from schedulefree import AdamWScheduleFree

    return AdamWScheduleFree(params, betas=(beta1, beta2), **hyper)


BETA = st.floats(0.05, 0.999)  # the package finds x by dividing by it
TWO_POINTS = {
    SAM: Pair("pytorch_optimizer.SAM", sam, {"lr": LR, "rho": st.floats(0, 0.5)}, {"lr": 0.1, "rho": 0.05}),
    ScheduleFreeSGD: Pair(
        "schedulefree.SGDScheduleFree", schedule_free_sgd, {"lr": LR, "beta": BETA}, {"lr": 0.5, "beta": 0.9}
    ),
    ScheduleFreeAdamW: Pair(
        "schedulefree.AdamWScheduleFree",
        schedule_free_adamw,
        MOMENTS | {"beta1": BETA, "weight_decay": st.floats(0, 0.5)},
        STEADY | {"weight_decay": 0.1},
    ),
}
