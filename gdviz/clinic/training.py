"""The small training in which faults are planted: each line that a fault changes stands here once, as it should be."""

import copy
import math
from contextlib import nullcontext

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gdviz.networks.history import Epoch, History, Step
from gdviz.networks.vitals import drift, examined, facts

STEPS, LOOK, EACH = 200, 20, 5  # after how many steps it looks at the held-out examples, and examines a step
BATCH, PART = 36, 32  # a minibatch is taken in parts of 32, as if the memory held no more


def train(raw: Tensor, labels: Tensor, *, rate: float, width: int, norm: bool, adam: bool, seed: int) -> History:
    """A network with two hidden layers learns three quarters of the examples and is judged on the others."""
    torch.manual_seed(seed)
    order = torch.randperm(len(raw))
    raw, labels = raw[order], labels[order]
    held_out = torch.arange(len(raw) // 4)
    held_out = held_out[labels[held_out].argsort()]  # class by class, as many data sets are kept
    fitted = torch.arange(len(raw) // 4, len(raw))
    x = standardised(raw, fitted)
    y = labels
    bias = 0.0
    dtype = torch.float32
    model = network(x.shape[1], width, int(labels.max()) + 1, norm, bias).to(dtype)
    optimizer = torch.optim.SGD(model.parameters(), lr=rate, momentum=0.9)
    if adam:
        optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.1)
    peak = rate
    warm_up = STEPS // 10
    end = STEPS
    told = facts((x[fitted], y[fitted]), (x[held_out], y[held_out]))
    history = History(weight_decay=optimizer.param_groups[0]["weight_decay"], **told)
    for step in range(STEPS):
        lr = peak * min(1, (step + 1) / warm_up) * max(0, 1 - step / end)
        optimizer.param_groups[0]["lr"] = lr
        at = step % (len(fitted) // BATCH) * BATCH
        if at == 0:
            fitted = fitted[torch.randperm(len(fitted))]
        batch, parts, hits, total = fitted[at : at + BATCH], [], 0, 0.0
        with examined(model, history.vitals, step, parts) if step % EACH == 0 else nullcontext():
            optimizer.zero_grad()
            for part in batch.split(PART):
                output = model(x[part].to(dtype)).float()
                loss = F.cross_entropy(output, y[part])
                share = len(part) / len(batch)
                (share * loss).backward()
                total += share * loss.item()
                hits += int((output.argmax(1) == y[part]).sum())
                parts.append((len(part), loss.item()))
            if not math.isfinite(total):
                history.stopped = f"The loss is {total} in step {step}."
                break
            optimizer.step()
        history.steps.append(Step(total, hits / len(batch), lr, (step + 1) * BATCH))
        if (step + 1) % LOOK == 0:
            model.eval()
            history.epochs.append(judged(model, x[held_out].to(dtype), y[held_out], history.steps))
            model.train()
    return history


def network(features: int, width: int, classes: int, norm: bool, bias: float) -> nn.Module:
    """Two hidden layers of rectified units, with batch normalisation if norm; the first begins with this bias."""
    between = [nn.BatchNorm1d(width)] if norm else []
    first, second = nn.Linear(features, width), nn.Linear(width, width)
    nn.init.constant_(first.bias, bias)
    hidden = [first, *between, nn.ReLU(), second, *copy.deepcopy(between), nn.ReLU()]
    return nn.Sequential(*hidden, nn.Linear(width, classes))


def standardised(raw: Tensor, fitted: Tensor) -> Tensor:
    """Each feature with mean 0 and deviation 1 over the examples to train on; one that is constant there is shifted."""
    deviation = raw[fitted].std(0)
    return (raw - raw[fitted].mean(0)) / torch.where(deviation > 0, deviation, 1)


def mislabelled(labels: Tensor, among: Tensor) -> Tensor:
    """The labels, of which two fifths of those among these examples are replaced by chance."""
    spoilt = among[: 2 * len(among) // 5]
    drawn = torch.randint(int(labels.max()) + 1, (len(spoilt),), generator=torch.Generator().manual_seed(0))
    return labels.index_put((spoilt,), drawn)


@torch.no_grad()
def judged(model: nn.Module, x: Tensor, y: Tensor, steps: list[Step]) -> Epoch:
    """The means over the steps since the last look, and a look at the held-out examples.

    They come about 8 at a time, which matters in training mode alone: there batch normalisation looks at its batch.
    """
    before = [buffer.clone() for buffer in model.buffers()]
    some = x.chunk(max(1, len(x) // 8)) if model.training else [x]
    outputs = torch.cat([model(few).float() for few in some])
    loss, accuracy = float(F.cross_entropy(outputs, y)), float((outputs.argmax(1) == y).double().mean())
    both = [(step.loss, step.accuracy or 0.0) for step in steps[-LOOK:]]
    mean, share = (sum(values) / LOOK for values in zip(*both))
    return Epoch(len(steps), mean, share, loss, accuracy, drift(model.buffers(), before))
