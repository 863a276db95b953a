"""What diagnose says beside its findings: why a run is not healthy, what is no fault, and what was not recorded."""

import math
import re

from gdviz.clinic.evidence import FALL, TOO_FEW, Evidence
from gdviz.clinic.rules import DEAD, FLAT, SAME

UNSURE = 0.15  # of log(classes): so far above the loss of outputs that are as sure as they are right
TURNED = 1.2  # times its least value: a held-out loss that has turned for good


def strange(e: Evidence) -> list[str]:
    """Why a history in which no rule finds its fault is not healthy."""
    first = e.history.losses[:1]
    if (first and not math.isfinite(first[0])) or (e.spoilt and not e.steps):
        return ["The loss is not finite before the first step, where no rate has acted: look at the data and the loss."]
    if e.spoilt:
        known = "no update that was examined before is large" if e.vitals else "it has not risen just before"
        look = "the log of 0, 0 divided by 0, an empty batch, a number too large for float16"
        bad = next((v.step for v in e.vitals for layer in v.layers if not math.isfinite(layer.update)), None)
        if bad is not None:
            return [f"The update of step {bad} is not finite: look in its gradient for {look}, or the root of 0."]
        end = f"The loss is finite up to step {e.counted(e.steps - 1)} and not after it, and {known}."
        return [f"{end} Look at the next batch for {look}."]
    if re.search(r"\b(nan|inf|not finite)\b", e.history.stopped):  # of the weights, a rate, a validation
        return [e.history.stopped]
    if e.steps < TOO_FEW:
        many = f"{e.steps} step{'s' * (e.steps != 1)}"
        what = many if e.length <= len(e.history.steps) else f"{e.steps} records of {e.length} steps"
        return [f"{what} are too few to judge a curve: at least {TOO_FEW} are needed."]
    found = odd(e)
    if e.signed:
        found.append("Losses below 0: no share of the first loss says how far they have come, so it is not judged.")
    elif e.fell < FALL:
        fallen = "has risen" if e.end > 1.1 * e.start else "has hardly fallen"
        found.append(f"The loss {fallen}: from {e.start:.3g} to {e.end:.3g}.")
        found += [] if e.vitals else [f"Without vitals it may be any of these: {', '.join(FLAT)}."]
    return found


def seen(e: Evidence) -> list[str]:
    """What the curves show and what is no fault, or need not be one."""
    found, late = [], e.looks[len(e.looks) // 2 :]
    best = min(e.looks, key=lambda look: look.loss) if e.looks else None
    turned = best and len(late) > 1 and all(look.loss > TURNED * best.loss for look in late[-2:])
    if best and turned and not e.signed and late[-1].train_loss <= best.train_loss:
        found.append(f"The held-out loss came down to {best.loss:.3g} and ends at {late[-1].loss:.3g}: overfitting.")
    if e.history.shared is None and len(late) > 2 and all(look.loss <= look.train_loss for look in late):
        both = f"{late[-1].loss:.3g} against {late[-1].train_loss:.3g} at the end"
        why = "dropout, augmentation and a single epoch do this, and so does a leak: count common examples"
        what = f"In the last {len(late)} looks the held-out loss is no higher than the training loss"
        found.append(f"{what} ({both}): {why}.")
    return found


def missing(e: Evidence) -> list[str]:
    """What was not recorded, and which faults cannot be seen without it."""
    single = "no backward pass, gradients not zeroed, mean of means, bfloat16, dead units, a rate too low, decay"
    wanted = {
        "the vitals of single steps": (e.vitals, f"{single}, shuffled targets"),
        "learning rates": (e.lrs, "a schedule that ends too early, decay through Adam"),
        "a validation": (e.looks, "wrong labels, shuffled targets"),
        "the inputs": (e.history.spread, "features of unlike scale"),
        "the examples of both parts": (e.history.shared is not None, "a leak"),
    }
    return [f"Without {what} nothing is said of: {faults}." for what, (there, faults) in wanted.items() if not there]


def odd(e: Evidence) -> list[str]:
    """What single steps and looks show though no rule names it."""
    found = []
    for v in e.vitals:
        scaled = [layer for layer in v.layers if layer.gradient < (1 - SAME) * layer.added]
        zeroed = all(layer.gradient == 0 and layer.update for layer in scaled)  # after the update: as good
        if scaled and not zeroed and e.fell < 0.5 and len(scaled) == len([layer for layer in v.layers if layer.added]):
            share = scaled[0].gradient / scaled[0].added
            found.append(f"In step {v.step} all gradients are scaled by {share:.2g} between backward pass and update.")
            break
    still = [{layer.name for layer in v.layers if layer.update == 0 < layer.gradient} for v in e.vitals]
    kept = sorted(set.intersection(*still)) if still else []
    if kept and any(layer.update for layer in e.vitals[0].layers):
        found.append(f"{', '.join(kept)} have a gradient in each step, and never move: are they in the optimizer?")
    zero = [{layer.name for layer in e.matrices(v) if layer.weight == layer.update == 0} for v in e.vitals]
    flat = sorted(zero[0] & zero[-1]) if zero else []
    found += [f"All weights of {', '.join(flat)} are 0, and stay 0."] if flat else []
    lost = [v.step for v in e.vitals if all(x.gradient == x.update == 0 < x.added for x in v.layers) and v.layers]
    if lost:
        words = "backward passes add gradients, and none is there when the optimizer steps"
        found.append(f"In step {lost[0]} {words}: is zero_grad() between them?")
    born = {name for name, share in e.vitals[0].dead.items() if share >= DEAD} if e.vitals else set()
    died = {name: share for name, share in e.vitals[-1].dead.items() if share >= DEAD} if e.vitals else {}
    for name, share in died.items():
        if name not in born:
            found.append(f"{share:.0%} of the units of layer {name!r} have died on the way: try a smaller rate.")
    if blind := sum(not math.isfinite(loss) for loss in e.history.validation_losses):
        found.append(f"The held-out loss is not finite in {blind} of {len(e.history.validation_losses)} looks.")
    gaps = len(e.history.losses) - e.steps
    if gaps and not e.spoilt:
        many = f"{gaps} of {len(e.history.losses)} losses are not finite, and later ones are finite again"
        found.append(f"{many}. Where nothing was logged, write None.")
    if e.climbs:
        low = f"down to {e.smooth[e.low]:.3g} in step {e.counted(e.low)}"
        found.append(f"The loss comes {low}, then rises to {e.end:.3g}, and no update that was examined is large.")
    last = e.history.epochs[-1] if e.history.epochs else None
    if last and last.accuracy and e.guess and len(e.history.classes) > 1:
        sure = _sure(last.accuracy, len(e.history.classes))
        if last.loss > sure + UNSURE * math.log(len(e.history.classes)):
            found.append(
                f"Loss and accuracy disagree: {last.accuracy:.0%} are right with a loss of {last.loss:.3g}, "
                f"where outputs that are as sure as they are right would have {sure:.3g}."
            )
    return found


def _sure(accuracy: float, classes: int) -> float:
    """The loss of outputs that give the class they name the probability `accuracy`, and the others the rest."""
    accuracy = min(accuracy, 1.0)
    wrong = 1 - accuracy
    return -accuracy * math.log(accuracy) - (wrong * math.log(wrong / (classes - 1)) if wrong else 0.0)
