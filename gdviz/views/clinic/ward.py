"""Several training runs with a fault each: look, diagnose, and see the same seed without it."""

import textwrap
from collections.abc import Mapping
from typing import Any

import torch

from gdviz.clinic import CHECKLIST, FAULTS
from gdviz.networks.history import History
from gdviz.player import Player
from gdviz.style import BLACK, GREEN, RUST
from gdviz.views.clinic.chart import FLOOR, TOP, WORDS, draw, frame, note, together

LINES, WIDE = 3, 38  # of a verdict
LATER = "not yet"


def ward(cases: Mapping[str, tuple[History, History]], **options: Any) -> Player:
    """Runs with faults, without their names, and a slider for the diagnosis: it opens the twin and the verdict.

    The cases come in an order of their own. What is shown of each is that of chart. Green, once a diagnosis is made, is
    the same seed without the fault.

    Args:
        cases: the name of a fault -> (sick, healthy), as gdviz.clinic.twins returns them; the slider of the diagnosis
            has these names, in order of the alphabet.
        options: at=..., as for Player.

    Returns:
        The player.

    Raises:
        ValueError: fewer than two cases, a fault that there is not; and what chart refuses.

    Example:
        >>> from gdviz.clinic import twins
        >>> names = "rate too low", "no backward pass"
        >>> player = ward({name: twins(name, data="iris") for name in names})
    """
    if len(cases) < 2 or not set(cases) <= set(FAULTS):
        raise ValueError(f"a ward has two or more of the faults {', '.join(FAULTS)}; got {list(cases)}")
    order = torch.randperm(len(cases), generator=torch.Generator().manual_seed(len(cases))).tolist()
    cases = {name: cases[name] for name in [list(cases)[k] for k in order]}
    sick = {name: pair[0] for name, pair in cases.items()}
    steps, seen = together(sick)
    _, without = together({name: pair[1] for name, pair in cases.items()})
    names = sorted(cases)
    sliders = {"step": steps, "case": list(range(1, len(cases) + 1)), "diagnosis": [LATER, *names]}
    figure, axes = frame(seen | {f"{name}, without": case for name, case in without.items()}, steps)
    at = {"case": 0, "diagnosis": 0}
    player = Player(
        figure, sliders, caption=f"{len(cases)} training runs, each with a fault.", opening="", **{"at": at} | options
    )
    opened = torch.tensor([torch.nan] + [1.0] * len(names)).double()  # (diagnoses,)
    for ax, what, low in ((axes[0], "loss", 0.0), (axes[1], "ratio", FLOOR * 1.2)):
        twin = torch.stack([case[what] for case in without.values()], 1)[..., None]  # (steps, cases, 1 or layers, 1)
        twin = twin if what == "loss" else twin.amax(2)
        player.curve(ax, twin.clamp(low, TOP if low else None) * opened, color=GREEN, dash=(3, 1.5), marker="D")
    draw(player, axes, seen, more=1)
    verdicts = [_verdict(fault, name) for fault in cases for name in [LATER, *names]]
    chosen = torch.arange(len(verdicts)).reshape(1, len(cases), len(names) + 1)
    for line in range(LINES + 1):
        look = {"color": RUST if line else BLACK, "size": WORDS}
        note(player, axes[2], chosen, [said[line] for said in verdicts], row=11.2 + line, **look)
    return player


def _verdict(fault: str, name: str) -> list[str]:
    """What is said when this fault is diagnosed as that: the lines of the readout."""
    if name == LATER:
        return ["Your diagnosis opens the twin", *[""] * LINES]
    if name == fault:
        first, words = "✓ Yes. Green: the same seed without it.", FAULTS[fault].wrong
    else:
        look = next(check.look for check in CHECKLIST if check.fault == fault)
        first, words = "✗ No. Green: the same seed without it.", f"Look again: {look}"
    wrapped = textwrap.wrap(words, WIDE, max_lines=LINES, placeholder=" …")
    return [first, *wrapped, *[""] * (LINES - len(wrapped))]
