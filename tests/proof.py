"""What the tests of equality found, as the table of PROOF.md and the badge of notebook 04: `make proof` writes both."""

import json
import re
from pathlib import Path

import torch
from torch_pairs import PAIRS

ROOT = Path(__file__).parents[1]
BROWSER = "in the browser"
WHERE = ("random losses", "surfaces", "a network", BROWSER)
found: dict = {}  # (rule, where) -> the largest difference so far, in this run


def note(rule, where, difference):
    """Keep the difference, if it is the largest so far; the difference itself."""
    found[rule, where] = max(found.get((rule, where), 0.0), difference)
    return difference


def complete():
    """Whether this run tested every rule everywhere."""
    return set(found) == {(rule, where) for rule in PAIRS for where in WHERE}


def largest():
    """Of the differences from torch.optim: in the browser the rule is compared with itself."""
    return max(difference for (_, where), difference in found.items() if where != BROWSER)


def table():
    """The lines of PROOF.md: each rule, torch's name, the largest relative difference in each place."""
    rows = [f"| gdviz | torch.optim {version()} | {' | '.join(WHERE)} |", "|---|---|" + "---|" * len(WHERE)]
    for rule, pair in PAIRS.items():
        shown = " | ".join(f"{found[rule, where]:.0e}" for where in WHERE)
        rows.append(f"| {rule.__name__} | {pair.name} | {shown} |")
    return "\n".join(rows)


def badge():
    """One sentence, the Markdown of notebook 04."""
    return (
        f"**Proven:** each of the {len(PAIRS)} optimizers that gdviz shares with torch equals torch.optim {version()} "
        "to rounding, tested on random losses, on every surface of the course and on a network. "
        f"The largest relative difference is {largest():.0e}."
    )


def version():
    return torch.__version__.split("+")[0]


def between(text, mark, new):
    """The text with what stands between <!-- mark --> and <!-- /mark --> replaced by new."""
    pattern = rf"(<!-- {mark} -->\n).*?(<!-- /{mark} -->)"
    changed, count = re.subn(pattern, lambda match: match[1] + new + "\n" + match[2], text, flags=re.DOTALL)
    if count != 1:
        raise ValueError(f"expected one place marked {mark}, found {count}")
    return changed


def write():
    page, path = ROOT / "PROOF.md", ROOT / "notebooks" / "04_momentum_and_adam.ipynb"
    notebook = json.loads(path.read_text())
    (cell,) = (cell for cell in notebook["cells"] if "<!-- proof -->" in "".join(cell["source"]))
    cell["source"] = between("".join(cell["source"]), "proof", badge()).splitlines(keepends=True)
    page.write_text(between(page.read_text(), "proof", table()))
    path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n")
