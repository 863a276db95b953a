"""diagnose: what a history says is wrong, in the order of a checklist, and no more than it holds."""

import math
from dataclasses import dataclass
from typing import NamedTuple

from gdviz.clinic.evidence import TOO_FEW, Evidence
from gdviz.clinic.rules import FLAT, RULES, odd
from gdviz.networks.history import History

LEARNT = 0.1  # of the loss at the start: a fall by less than a tenth is no training that one could call healthy


class Finding(NamedTuple):
    """A fault that fits what was recorded.

    Attributes:
        name: of the fault, as in FAULTS.
        evidence: the sentence with the numbers.
        first: what to try first.

    Example:
        >>> Finding("rate too high", "The loss rises.", "Divide the rate by 10.").name
        'rate too high'
    """

    name: str
    evidence: str
    first: str


@dataclass(frozen=True)
class Diagnosis:
    """What a history says.

    Attributes:
        name: "healthy", "unknown", or the likely fault, that of the first finding.
        findings: all faults that fit, in the order in which to look.
        notes: what else there is to say: why it is unknown, and what was not recorded.

    Example:
        >>> Diagnosis("unknown", (), ("3 steps are too few to judge a curve.",))
        unknown
          3 steps are too few to judge a curve.
    """

    name: str
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        lines = [self.name if not self.findings else f"Look here first: {self.name}"]
        for place, finding in enumerate(self.findings, 1):
            lines.append(f"  {place}. {finding.name}. {finding.evidence} Try first: {finding.first}")
        return "\n".join([*lines, *(f"  {note}" for note in self.notes)])


def diagnose(history: History) -> Diagnosis:
    """The faults whose rule fits what was recorded, in the order of the checklist; else "healthy", or "unknown".

    Each rule asks for its own numbers, and is silent where they were not recorded: `fit(..., vitals=25)` records them.
    First come what the data and single steps show, which is measured, then what the curves say, which is likely.

    Args:
        history: of `fit`, of the clinic, or of a log (`read_log`).

    Returns:
        The Diagnosis.

    Raises:
        TypeError: what is not a History.

    Example:
        >>> from gdviz.clinic import trained
        >>> diagnose(trained("dead units", data="iris")).findings[0].evidence
        "In step 0 100% of the units of layer '1' are 0 on all examples, before any update."
    """
    if not isinstance(history, History):
        raise TypeError(f"diagnose takes a History, such as fit returns or read_log; got {type(history).__name__}")
    e = Evidence(history)
    found = {name: said for name, (rule, _) in RULES.items() if (said := rule(e))}
    findings = tuple(Finding(name, said, RULES[name][1]) for name, said in found.items())
    if findings:
        return Diagnosis(findings[0].name, findings, tuple(_missing(e)))
    strange = _strange(e)
    return Diagnosis("unknown" if strange else "healthy", (), (*strange, *_missing(e)))


def _strange(e: Evidence) -> list[str]:
    """Why a history in which no rule finds its fault is not healthy."""
    first = e.history.losses[:1]
    if (first and not math.isfinite(first[0])) or (e.spoilt and not e.steps):
        return ["The loss is not finite before the first step, where no rate has acted: look at the data and the loss."]
    if e.spoilt:
        return [f"The loss is not finite after {e.steps} steps, and no update before was large."]
    if e.steps < TOO_FEW:
        return [f"{e.steps} steps are too few to judge a curve; {TOO_FEW} are the least."]
    strange = odd(e)
    if e.fell < LEARNT:
        strange.append(f"The loss has hardly fallen: from {e.start:.3g} to {e.end:.3g}.")
        strange += [] if e.vitals else [f"Without vitals it may be any of these: {', '.join(FLAT)}."]
    return strange


def _missing(e: Evidence) -> list[str]:
    """What was not recorded, and which faults cannot be seen without it."""
    wanted = {
        "the vitals of single steps": (e.vitals, "no backward pass, gradients not zeroed, dead units, bfloat16, decay"),
        "learning rates": (e.lrs, "a schedule that ends too early"),
        "a validation": (e.looks, "a leak, wrong labels, shuffled targets"),
    }
    return [f"Without {what} nothing is said of: {faults}." for what, (there, faults) in wanted.items() if not there]
