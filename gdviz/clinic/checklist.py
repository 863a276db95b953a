"""What to check when a loss does not do what it should, in the order in which diagnose does."""

from html import escape
from typing import NamedTuple

from gdviz.clinic.rules import RULES


class Check(NamedTuple):
    """One line of the checklist.

    Attributes:
        fault: its name in gdviz.clinic.FAULTS.
        when: what one needs for it: "before the first step", "one step" or "the whole curve".
        look: the question.
        first: what to try first if the answer is yes.

    Example:
        >>> CHECKLIST[0].look
        'Are the inputs far from mean 0 and standard deviation 1?'
    """

    fault: str
    when: str
    look: str
    first: str


_BEFORE, _STEP, _CURVE = "before the first step", "one step", "the whole curve"
_WORDS = {
    "inputs not standardised": (
        _BEFORE,
        "Are the inputs far from mean 0 and standard deviation 1?",
        "Standardise, with the training set's numbers.",
    ),
    "validation leaks": (_BEFORE, "Are held-out examples among the training set?", "Split first, then do the rest."),
    "no backward pass": (_STEP, "Is every gradient exactly 0?", "Call loss.backward() before step()."),
    "gradients not zeroed": (_STEP, "Does the gradient hold more than this step's?", "Call zero_grad() in every step."),
    "mean of means": (_STEP, "Does the loss average unequal parts?", "Weight each part by its examples."),
    "update lost in bfloat16": (_STEP, "Do weights that have a gradient fail to move?", "Keep the weights in float32."),
    "eval forgotten": (_STEP, "Is model.training True when you evaluate?", "model.eval() before, train() after."),
    "dead units": (_STEP, "Is a whole layer of units 0?", "Fix the initial weights and biases."),
    "rate too high": (_CURVE, "Does the loss rise and not come back?", "Divide the rate by 10."),
    "no warm-up": (_CURVE, "Does it jump at the start, then recover?", "Let the rate grow: 1 to 10 % of the steps."),
    "schedule ends too early": (_CURVE, "Does it stop when the rate reaches 0?", "Plan the rate for all the steps."),
    "decay through Adam": (_CURVE, "Do the weights shrink from the start?", "Use AdamW, not Adam with weight_decay."),
    "rate too low": (_CURVE, "Do all updates add up to under a tenth of the weights?", "Multiply the rate by 10."),
    "labels wrong": (_CURVE, "Is it far better held out, without dropout?", "Read twenty labels."),
    "targets shuffled": (_CURVE, "Does the held-out loss never beat guessing?", "Print ten inputs with their targets."),
}  # fmt: skip


class Checklist(tuple[Check, ...]):
    """The lines in their order; a notebook shows them as a table."""

    def __repr__(self) -> str:
        return "\n".join(f"{k:2}. {check.look} {check.first}" for k, check in enumerate(self, 1))

    def _repr_html_(self) -> str:
        left = ' style="text-align: left"'  # JupyterLab puts cells to the right
        heads = "".join(f"<th{left}>{head}</th>" for head in ("", "look at", "if this is so", "try first", "the fault"))
        rows = ""
        for k, check in enumerate(self, 1):
            cells = (str(k), check.when, check.look, check.first, check.fault)
            rows += f"<tr>{''.join(f'<td{left}>{escape(cell)}</td>' for cell in cells)}</tr>"
        return f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"


CHECKLIST = Checklist(Check(name, *_WORDS[name]) for name in RULES)
