"""Each rule of gdviz beside the optimizer of torch that it equals, a row for each: for the tests and the proof."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from hypothesis import strategies as st

from gdviz.optimizers import (
    LBFGS,
    Adadelta,
    AdaGrad,
    Adam,
    AdamW,
    AMSGrad,
    GradientDescent,
    Momentum,
    Nesterov,
    RMSProp,
)


class Pair(NamedTuple):
    """name: what a user of torch writes; make(params, **hyperparameters): torch's; drawn: where they are drawn from;
    usual: hyperparameters for a small network.
    """

    name: str
    make: Callable
    drawn: dict
    usual: dict


def adam(make, **fixed):
    return lambda p, beta1, beta2, **rest: make(p, betas=(beta1, beta2), **rest, **fixed)


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
    LBFGS: Pair(
        "LBFGS(max_iter=1)",
        lambda p, **h: torch.optim.LBFGS(p, max_iter=1, **h),
        {"lr": st.floats(0.1, 1), "history_size": st.integers(1, 8)},
        {"lr": 0.5, "history_size": 5},
    ),
}
rules = [*PAIRS]
