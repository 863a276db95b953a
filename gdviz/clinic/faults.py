"""The fifteen faults that are planted, each a switch of one line, and training runs with and without them."""

import inspect
from dataclasses import dataclass, field
from typing import Any

import torch

from gdviz.clinic import training
from gdviz.clinic.problems import problem
from gdviz.doors.threads import one_thread
from gdviz.hyperparameters import whole
from gdviz.networks.history import History


@dataclass(frozen=True)
class Fault:
    """One line of the small training that is wrong.

    Attributes:
        name: what it is called.
        right: the line as it should be.
        wrong: what stands there instead.
        seen: what one sees.
        setting: where it is planted: adam, norm, rate; its twin is trained in the same setting.

    Example:
        >>> FAULTS["gradients not zeroed"].right
        'optimizer.zero_grad()'
    """

    name: str
    right: str
    wrong: str
    seen: str
    setting: dict[str, Any] = field(default_factory=dict)


_ADAM = {"adam": True}
_ALL = (
    Fault(
        "inputs not standardised",
        "x = standardised(raw, fitted)",
        "x = raw",
        "The first loss lies far above log(classes), or the first steps are jumpy; the features have unlike scales.",
    ),
    Fault(
        "validation leaks",
        "fitted = torch.arange(len(raw) // 4, len(raw))",
        "fitted = torch.arange(len(raw))",
        "The held-out loss is as low as the training loss, to the end.",
    ),
    Fault(
        "no backward pass",
        "(share * loss).backward()",
        "# (share * loss).backward()",
        "The loss stays where it is; all gradients and all updates are exactly 0.",
    ),
    Fault(
        "gradients not zeroed",
        "optimizer.zero_grad()",
        "# optimizer.zero_grad()",
        "The gradient that a step uses grows beyond what its backward pass adds; the loss falls, then explodes.",
    ),
    Fault(
        "mean of means",
        "share = len(part) / len(batch)",
        "share = 1 / len(batch.split(PART))",
        "Hardly anything; the loss of a step is the mean of its parts' means, though the parts differ in size.",
    ),
    Fault(
        "update lost in bfloat16",
        "dtype = torch.float32",
        "dtype = torch.bfloat16",
        "The loss falls too slowly and stalls; most weights do not move, although they have a gradient.",
        {"rate": 0.03},
    ),
    Fault(
        "eval forgotten",
        "model.eval()",
        "# model.eval()",
        "The held-out loss is terrible, the training loss is not; looking at it moves the running statistics.",
        {"norm": True},
    ),
    Fault(
        "dead units",
        "bias = 0.0",
        "bias = -20.0",
        "The loss stays near log(classes); a whole layer of units is 0 from the first step on.",
    ),
    Fault(
        "rate too high",
        "peak = rate",
        "peak = 100 * rate",
        "The loss rises or jumps and does not come back; updates are as large as the weights.",
    ),
    Fault(
        "no warm-up",
        "warm_up = STEPS // 10",
        "warm_up = 1",
        "The loss jumps in the first steps and then recovers at the same rate; the first updates are far the largest.",
        {"adam": True, "rate": 0.1},
    ),
    Fault(
        "schedule ends too early",
        "end = STEPS",
        "end = STEPS // 3",
        "The loss falls and then stops at once, when the rate has come to 0.",
    ),
    Fault(
        "decay through Adam",
        "optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.1)",
        "optimizer = torch.optim.Adam(model.parameters(), lr=rate, weight_decay=0.1)",
        "The loss stalls high; the weights shrink from the first step on, faster than any decay of AdamW.",
        _ADAM,
    ),
    Fault(
        "rate too low",
        "peak = rate",
        "peak = rate / 1000",
        "The loss hardly falls, smoothly; updates are a hundred-thousandth of the weights.",
    ),
    Fault(
        "labels wrong",
        "y = labels",
        "y = mislabelled(labels, fitted)",
        "The training accuracy has a ceiling, and the held-out accuracy lies above it.",
    ),
    Fault(
        "targets shuffled",
        "raw, labels = raw[order], labels[order]",
        "raw, labels = raw[order], labels",
        "The held-out accuracy stays at that of guessing, while the updates have a healthy size.",
    ),
)
FAULTS = {fault.name: fault for fault in _ALL}  # in the order of the checklist


def trained(
    fault: Fault | str | None = None,
    *,
    data: str = "digits",
    width: int = 32,
    seed: int = 0,
    adam: bool = False,
    norm: bool = False,
    rate: float | None = None,
) -> History:
    """The small training, healthy or with one fault: 200 steps, under a second on a quiet machine.

    The line that the fault names is replaced in the source of gdviz.clinic.training.train, and that is run: so what is
    shown is what went wrong.

    Args:
        fault: one of FAULTS, or its name; left out, none.
        data: one of gdviz.clinic.PROBLEMS.
        width: of both hidden layers.
        seed: of the split, the first weights and the minibatches.
        adam: AdamW instead of SGD with momentum 0.9.
        norm: with batch normalisation.
        rate: the highest learning rate; left out, 0.005 for AdamW and 0.05 for SGD.

    Returns:
        The History, with the vitals of each fifth step.

    Raises:
        ValueError: a fault, or data, that there are not.

    Example:
        >>> history = trained("no backward pass", data="iris")
        >>> {layer.update for layer in history.vitals[0].layers}
        {0.0}
    """
    fault = None if fault is None else _known(fault)
    raw, labels = problem(data)
    rate = (0.005 if adam else 0.05) if rate is None else rate
    with one_thread(), torch.random.fork_rng(devices=[]):
        return _train(fault)(
            raw, labels, rate=rate, width=whole("width", width, 1), norm=norm, adam=adam, seed=whole("seed", seed, 0)
        )


def twins(fault: Fault | str, *, data: str = "digits", width: int = 32, seed: int = 0) -> tuple[History, History]:
    """The same training with and without a fault: the same seed, split, first weights and setting.

    Args:
        fault: one of FAULTS, or its name.
        data: as for trained.
        width: likewise.
        seed: likewise.

    Returns:
        (sick, healthy).

    Raises:
        ValueError: as trained.

    Example:
        >>> sick, healthy = twins("rate too low", data="iris")
        >>> sick.losses[0] == healthy.losses[0], sick.losses[-1] > 5 * healthy.losses[-1]
        (True, True)
    """
    fault = _known(fault)
    where: dict[str, Any] = {"data": data, "width": width, "seed": seed, **fault.setting}
    return trained(fault, **where), trained(None, **where)


def _known(fault: Fault | str) -> Fault:
    """The fault, or that of this name."""
    if isinstance(fault, str) and fault not in FAULTS:
        raise ValueError(f"the faults are {', '.join(FAULTS)}; got {fault!r}")
    return FAULTS[fault] if isinstance(fault, str) else fault


def _train(fault: Fault | None) -> Any:
    """The function train, with the line of the fault instead of the right one."""
    if fault is None:
        return training.train
    lines = inspect.getsource(training.train).splitlines()
    found = [k for k, line in enumerate(lines) if line.strip() == fault.right]
    if len(found) != 1:
        raise ValueError(f"a fault replaces one line of the training; {fault.right!r} is there {len(found)} times")
    lines[found[0]] = lines[found[0]].replace(fault.right, fault.wrong)
    names = dict(vars(training))
    exec(compile("\n".join(lines), f"<{fault.name}>", "exec"), names)
    return names["train"]
