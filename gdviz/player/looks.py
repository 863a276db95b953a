"""The look of a mark, in the words that canvas and matplotlib share."""

from numbers import Number
from typing import Any

from matplotlib.colors import to_hex

MARKERS = ("o", "s", "^", "D", "+")
CHOICES = {"marker": MARKERS, "cap": ("round", "butt"), "align": ("left", "center", "right")}
COUNTS = {"dash": (0, 2, 4, 6), "at": (2,)}  # how many numbers a tuple may have


def checked_look(kind: str, usual: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """The look with what was given, in the words that canvas and matplotlib share; refused: what they do not."""
    if unknown := set(given) - set(usual):
        raise TypeError(f"a {kind} has no {', '.join(sorted(unknown))}; it has {', '.join(usual)}")
    look = usual | given
    try:
        look["color"] = to_hex(look["color"])
    except ValueError as error:
        raise ValueError(f"color must be one that matplotlib knows, got {look['color']!r}") from error
    for name, words in CHOICES.items():
        if look.get(name, words[0]) not in words:
            known = " ".join(words) if name == "marker" else f"{', '.join(words[:-1])} or {words[-1]}"
            raise ValueError(f"{name} must be {'one of ' * (name == 'marker')}{known}, got {look[name]!r}")
    for name in {"width", "size", "dots", "casing"} & set(look):
        if not (isinstance(look[name], int | float) and 0 <= look[name] < 1000):
            raise ValueError(f"{name} must be a number of pixels, got {look[name]!r}")
    for name, count in COUNTS.items():
        value = look.get(name, (0, 0))
        if not (isinstance(value, tuple | list) and len(value) in count and all(isinstance(v, Number) for v in value)):
            raise ValueError(f"{name} must be a tuple of {' or '.join(map(str, count))} numbers, got {value!r}")
    return look
