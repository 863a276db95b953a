"""The rules of diagnose, in the order of the checklist: first what one step measures, then what the curves say.

A rule takes the Evidence and returns a sentence with its numbers, or nothing. Each threshold has its reason beside it.
"""

import math
from collections.abc import Callable
from statistics import median

from gdviz.clinic.evidence import TOO_FEW, Evidence, mean

UNIT = 2.0, 5.0  # |mean| and deviation: standardised inputs have 0 and 1; twice or three times that does no harm
FAINT = 0.005  # the greatest deviation: grey values from 0 to 1 have about 0.3; divided by 255 once more, 0.001
TWINS = 0.2  # of the held-out examples: honest tables hold some rows twice, seldom a fifth
SAME = 0.02  # relative: two float32 sums of the same gradients agree far better, another gradient changes far more
STILL = 0.3  # of the weights with a gradient: float32 keeps nearly all updates, bfloat16 has 8 bits
DEAD = 0.9  # of a layer's units: a few die in healthy networks, and what is left then carries the layer
HALF = 0.5  # of a weight in one update: what the weights had been is gone
QUARTER = 0.25  # of each matrix: gradients alone differ from layer to layer by more than ten times, Adam's steps do not
SMALL = 1e-4  # of a weight in one update: a tenth of the thousandth that is usual
FAR = 0.1  # of a weight in all updates together, even if all had gone one way: too little to learn anything
JUMP = 1.1  # times the loss at the start, over three steps: minibatches differ by less
OVER = 0.4  # of the steps at a rate below a ten-thousandth of the highest: schedules end with a few such steps
SHRUNK = 0.85  # of the length at the start: weights that learn grow, a usual decay takes a few per cent
USUAL = 1.0  # a decoupled decay: AdamW's are 0.01 to 0.1
CEILING = 0.1  # of accuracy: batch normalisation on few examples and mild dropout cost the training side up to 0.07
BETTER = 0.1  # of accuracy above the share of the largest class: guessing on a hundred examples stays below
LEARNT = 0.01  # of the loss of guessing: by so much training examples are known by heart, however little it is
GUESS = 0.95  # of the loss of guessing


def no_backward(e: Evidence) -> str:
    """No gradient and no update in any examined step."""
    silent = [all(layer.gradient == layer.added == layer.update == 0 for layer in v.layers) for v in e.vitals]
    if not e.vitals or not all(silent):
        return ""
    return f"In each step that was examined ({len(e.vitals)}) every gradient and every update is exactly 0."


def not_zeroed(e: Evidence) -> str:
    """The gradient that steps use differs from what their backward passes add, and often longer."""
    odd = []
    for v in e.vitals[1:]:
        off = [
            layer for layer in v.layers if abs(layer.gradient - layer.added) > SAME * max(layer.gradient, layer.added)
        ]
        grown = any(layer.gradient > (1 + SAME) * layer.added for layer in off)
        odd += [(v.step, off)] if grown and len(off) > len(v.layers) / 2 else []
    if len(odd) <= len(e.vitals[1:]) / 2:
        return ""
    step, off = odd[0]
    layer = next(layer for layer in off if layer.gradient > layer.added)
    times = f"{layer.gradient / layer.added:.3g} times" if layer.added else "not"
    return (
        f"In step {step} the gradient of {layer.name} is {times} what that step's backward pass has added "
        f"({layer.gradient:.2g} against {layer.added:.2g}), and so in {len(odd)} of {len(e.vitals) - 1} later steps."
    )


def mean_of_means(e: Evidence) -> str:
    """The loss of a step is the mean of the means of micro-batches of unlike size."""
    found = []
    for v in e.vitals:
        if len({n for n, _ in v.parts}) < 2 or v.step >= len(e.history.steps):
            continue
        loss, n = e.history.steps[v.step].loss, sum(n for n, _ in v.parts)
        right, wrong = sum(n_i * l_i for n_i, l_i in v.parts) / n, sum(l_i for _, l_i in v.parts) / len(v.parts)
        close = 1e-5 * max(abs(right), abs(wrong))
        found.append((abs(loss - wrong) <= close < abs(loss - right), v, loss, right))
    if not found or sum(hit for hit, *_ in found) <= len(found) / 2:
        return ""
    _, v, loss, right = next(entry for entry in found if entry[0])
    sizes = " and ".join(str(n) for n, _ in v.parts)
    return (
        f"In step {v.step} the loss is {loss:.4g}, the mean of the means of micro-batches of {sizes} examples; "
        f"the mean over the examples is {right:.4g}."
    )


def lost(e: Evidence) -> str:
    """Weights with a gradient do not move, though the rate is not 0."""
    moving = [v for v in e.vitals if (e.lrs[v.step] if v.step < len(e.lrs) else 1) > 0]
    coarse = [
        (v, [layer for layer in e.matrices(v) if 0 < layer.bits < 32]) for v in moving
    ]  # else the rate is too low
    most = [(v, max(layers, key=lambda layer: layer.still)) for v, layers in coarse if layers]
    shares = [layer.still for _, layer in most]
    if not shares or median(shares) < STILL or (e.lrs and early(e)):
        return ""
    v, layer = sorted(most, key=lambda p: p[1].still)[len(most) // 2]
    return (
        f"In step {v.step} {layer.still:.0%} of the numbers of {layer.name} that have a gradient do not move at all; "
        f"in half of the steps it is {median(shares):.0%} or more in some layer."
    )


def eval_forgotten(e: Evidence) -> str:
    """A look at the held-out examples moves running statistics."""
    drifts = [epoch.drift for epoch in e.history.epochs if epoch.drift is not None]
    if not drifts or min(drifts) == 0:
        return ""
    moved = f"changes the model's running statistics, by up to {max(drifts):.2g}"
    return f"Each evaluation on the held-out examples ({len(drifts)} in all) {moved}."


def inputs(e: Evidence) -> str:
    """Features far from mean 0 and deviation 1: too large, or hardly anything."""
    if e.history.spread is None:
        return ""
    least, most, centre = e.history.spread
    if centre <= UNIT[0] and (FAINT <= most <= UNIT[1] or most == 0):
        return ""
    known = e.guess and e.losses
    first = f" The first loss is {e.losses[0]:.3g}, that of guessing {e.guess:.3g}." if known else ""
    return f"The features have standard deviations from {least:.2g} to {most:.3g} and means up to {centre:.3g}.{first}"


def leaks(e: Evidence) -> str:
    """Held-out examples among those to train on, counted."""
    share = e.history.shared or 0.0
    return f"{share:.0%} of the held-out examples are among those to train on." if share >= TWINS else ""


def dead(e: Evidence) -> str:
    """A layer whose units are all silent at the first examined step."""
    first = e.vitals[0] if e.vitals else None
    full = {name: share for name, share in first.dead.items() if share >= DEAD} if first else {}
    if not first or not full or any(layer.weight == 0 for layer in e.matrices(first)):
        return ""  # where weights are 0 units are silent for another reason
    name, share = next(iter(full.items()))
    when = ", before any update" if first.step == 0 else ""
    return f"In step {first.step} {share:.0%} of the units of layer {name!r} are 0 on all examples{when}."


def high(e: Evidence) -> str:
    """The loss rises and does not come back, with an update of the size of the weights where that is known."""
    begins = bool(e.history.losses) and math.isfinite(e.history.losses[0])
    if e.steps < 2 or not begins or e.signed or (e.steps < TOO_FEW and not e.spoilt):
        return ""
    large = [v for v in e.vitals if HALF < e.largest(v).ratio < math.inf]
    if e.vitals and not large:
        return ""
    curve = e.losses if e.spoilt else e.smooth  # in minibatches a single loss may be any
    top = max(range(e.steps), key=curve.__getitem__)
    if e.spoilt:
        risen = max(e.losses[-3:]) > 1.2 * e.start
    else:
        stays = e.end >= 0.6 * e.start if large else min(e.tail) > 0.9 * e.start
        risen = curve[top] > 1.2 * max(e.start, e.smooth[0]) and stays and top > 0
    if not (risen or e.climbs or (e.spoilt and large)):
        return ""
    if risen:
        said = f"The loss rises from {e.losses[0]:.3g} to {curve[top]:.3g} in step {e.counted(top)}"
        said += ", then is no longer finite." if e.spoilt else f" and ends at {e.end:.3g}."
    elif e.climbs:
        said = f"The loss comes down to {e.smooth[e.low]:.3g} in step {e.counted(e.low)}, then rises to {e.end:.3g}."
    else:
        said = f"The loss is finite up to step {e.counted(e.steps - 1)}, and then no longer."
    if large:
        layer = e.largest(large[0])
        said += f" The update is {layer.ratio:.2g} times the weight in {layer.name} in step {large[0].step}."
    return said


def cold(e: Evidence) -> str:
    """The first update is of the size of each layer, or the loss jumps and comes back, at a rate that begins high."""
    if e.steps < TOO_FEW or e.spoilt or e.signed:
        return ""
    peak = max(range(1, min(10, e.steps)), key=e.losses.__getitem__)
    crest = max(mean(e.losses[k : k + 3]) for k in range(1, 9))  # a single loss may be any
    jumps = crest > JUMP * e.start
    full = not e.lrs or e.lrs[0] > 0.5 * max(e.lrs)
    first = e.largest(e.vitals[0]) if e.vitals and e.vitals[0].step == 0 else None
    large = first is not None and HALF < first.ratio < math.inf
    matrices = e.matrices(e.vitals[0]) if large else []
    everywhere = len(matrices) > 1 and min(layer.ratio for layer in matrices) > QUARTER
    alone = jumps and bool(e.lrs) and not e.vitals and e.end < 0.6 * e.start  # the rates must be known to begin high
    if not full or not (everywhere or (jumps and (large or alone))):
        return ""
    at = f"{e.losses[peak]:.3g} in step {e.counted(peak)}"
    said = [f"The loss jumps from {e.losses[0]:.3g} to {at}"] if jumps else []
    said += [f"the first update is {first.ratio:.2g} times the weight in {first.name}"] if first and large else []
    if e.lrs:
        highest = "its highest" if e.lrs[0] == max(e.lrs) else f"and is {max(e.lrs):.2g} at most"
        said += [f"the rate begins at {e.lrs[0]:.2g}, {highest}"]
    words = "; ".join(said) + "."
    return words[0].upper() + words[1:]


def early(e: Evidence) -> str:
    """The rate is nearly 0 for a large last part of the training."""
    if not e.lrs or e.steps < TOO_FEW:
        return ""
    floor = 1e-4 * max(e.lrs)
    up = [k for k, lr in enumerate(e.lrs) if lr >= floor]
    if len(e.lrs) - 1 - up[-1] < OVER * len(e.lrs):
        return ""
    there = [smooth for place, smooth in zip(e.places, e.smooth) if place <= up[-1]] or e.smooth
    of = f"After step {e.number(up[-1])} of {e.length} the rate is 0 or nearly so"
    return f"{of}; the loss is {there[-1]:.3g} there and {e.end:.3g} at the end."


def decay(e: Evidence) -> str:
    """The weights shrink, and faster than a decoupled decay of a usual size."""
    if len(e.vitals) < 2 or e.history.weight_decay == 0:
        return ""
    lengths = [sum(layer.weight**2 for layer in e.matrices(v)) ** 0.5 for v in e.vitals]
    least = min(range(len(lengths)), key=lengths.__getitem__)
    if lengths[0] == 0 or lengths[least] > SHRUNK * lengths[0]:
        return ""
    said = f"The weights shrink to {lengths[least] / lengths[0]:.0%} of their length by step {e.vitals[least].step}"
    pulls = [
        max(layer.shrunk for layer in e.matrices(v)) / e.lrs[v.step]
        for v in e.vitals[: least + 1]
        if v.step < len(e.lrs) and e.lrs[v.step] > 0
    ]
    if not pulls or median(pulls) < USUAL:  # without rates no decay can be told from weights that shrink by themselves
        return ""
    return f"{said}: AdamW would need weight_decay={median(pulls):.2g} for that."


def low(e: Evidence) -> str:
    """Updates so small that all together are a part of the weights, and a loss that has not come far."""
    if e.steps < TOO_FEW or not e.vitals or e.fell > 0.5:
        return ""
    clipped = any(layer.gradient < 0.5 * layer.added for v in e.vitals for layer in v.layers)
    if not 0 < e.ratio() < min(SMALL, FAR / e.length) or e.signed or clipped or early(e):
        return ""
    layer = e.largest(e.vitals[len(e.vitals) // 2])
    return (
        f"In half of the steps no update is more than {e.ratio():.1g} times its weight ({layer.name} moves the most); "
        f"the loss has gone from {e.start:.3g} to {e.end:.3g}."
    )


def ceiling(e: Evidence) -> str:
    """A held-out accuracy clearly above the training accuracy at the same time, again and again."""
    both = [
        (x.accuracy - x.train_accuracy, x) for x in e.looks if x.accuracy is not None and x.train_accuracy is not None
    ]
    above = sorted((gap, k) for k, (gap, _) in enumerate(both))
    many = sum(gap >= CEILING for gap, _ in both)
    if many < max(3, len(both) / 4):
        return ""
    look = both[above[-2][1]][1]
    return (
        f"In {many} of {len(both)} looks the held-out accuracy is clearly above the training accuracy at that time, "
        f"such as {look.accuracy:.0%} against {look.train_accuracy:.0%}."
    )


def shuffled(e: Evidence) -> str:
    """Training examples are learnt, held-out ones never better than by guessing."""
    if len(e.looks) < 3 or e.guess is None or e.steps < TOO_FEW:
        return ""
    best = min(e.looks, key=lambda look: look.loss)
    learnt = mean([look.train_loss for look in e.looks[len(e.looks) // 2 :]])
    moved = e.vitals and e.ratio() >= SMALL
    right = [look.accuracy for look in e.looks if look.accuracy is not None]
    if right and median(right) > (e.most or 0.0) + BETTER:
        return ""  # better than guessing, however sure it is of what it has wrong
    late = e.looks[len(e.looks) // 2 :]
    apart = sum(look.loss - look.train_loss for look in late) / len(late)
    if not moved or best.loss < GUESS * e.guess or apart < LEARNT * e.guess or learnt > e.guess:
        return ""
    return (
        f"The held-out loss is {best.loss:.3g} at best, where guessing has {e.guess:.3g}; the training loss is lower "
        f"by {apart:.2g} on average: what it learns does not carry over to other examples."
    )


Rule = Callable[[Evidence], str]
RULES: dict[str, tuple[Rule, str]] = {  # name -> the rule, and what to try first
    "inputs not standardised": (inputs, "subtract each feature's mean and divide by its deviation."),
    "validation leaks": (leaks, "count how many held-out examples are also in the training data; split anew."),
    "no backward pass": (no_backward, "look for loss.backward() before optimizer.step(), and for detach() or no_grad."),
    "gradients not zeroed": (
        not_zeroed,
        "call zero_grad() once per step; if you accumulate, examine all parts as one step.",
    ),
    "mean of means": (mean_of_means, "weight each micro-batch by its share of the examples, or sum and divide once."),
    "update lost in bfloat16": (lost, "keep the weights in float32, and compute in bfloat16 by autocast."),
    "eval forgotten": (eval_forgotten, "call model.eval() before the validation and model.train() after it."),
    "dead units": (dead, "look at the first weights and biases; begin with biases of 0."),
    "rate too high": (high, "divide the rate by 10."),
    "no warm-up": (
        cold,
        "let the rate grow from near 0, over a tenth of a short run or a thousand steps of a long one.",
    ),
    "schedule ends too early": (early, "let the schedule last as long as the training; is it stepped too often?"),
    "decay through Adam": (decay, "use AdamW; if it is AdamW, a smaller weight_decay."),
    "rate too low": (low, "multiply the rate by 10, until all updates add up to the length of the weights."),
    "labels wrong": (
        ceiling,
        "read the 20 training examples with the largest loss. (Dropout and mixup look the same.)",
    ),
    "targets shuffled": (shuffled, "print ten inputs with their targets, just before the model. Is every label wrong?"),
}
FLAT = ("no backward pass", "rate too low", "dead units", "targets shuffled")
