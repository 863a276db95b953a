"""diagnose: what a history says is wrong, in the order of a checklist, and no more than it holds."""

from dataclasses import dataclass
from typing import NamedTuple

from gdviz.clinic.evidence import Evidence
from gdviz.clinic.notes import missing, seen, strange
from gdviz.clinic.rules import RULES
from gdviz.networks.history import History


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
        notes: what else there is to say: why it is unknown, what is no fault, and what was not recorded.

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
        ValueError: an accuracy that is not a share from 0 to 1.

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
        return Diagnosis(findings[0].name, findings, (*seen(e), *missing(e)))
    why = strange(e)
    return Diagnosis("unknown" if why else "healthy", (), (*why, *seen(e), *missing(e)))
