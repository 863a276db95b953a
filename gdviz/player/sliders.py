"""The sliders of a player: what they hold, where they begin, the axes they give an array, and their controls."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import ipywidgets
import numpy as np

from gdviz.pictures.arrays import as_array

JOINER, DOLLAR = "\u2060", "\uff04"  # as in words.mjs


class Positions(NamedTuple):
    """What positions the sliders have together; the array of a mark has an axis for each slider.

    counts: of each slider by name, how many. trail: the slider along which a path grows, -1 for none; values: its own.
    """

    counts: dict[str, int]
    trail: int
    values: np.ndarray

    def fitting(self, what: str, array: Any, *own: int | None) -> np.ndarray:
        """The array as float64; refused unless its axes are the sliders' (or 1), then its own (None: any length)."""
        array = as_array(what, array)
        wanted = [(1, count) for count in self.counts.values()]
        wanted += [(n,) if n else range(1, array.size + 1) for n in own]
        if array.ndim != len(wanted) or any(n not in fits for n, fits in zip(array.shape, wanted)):
            shape = [f"{count} ({name})" for name, count in self.counts.items()] + [str(n or "n") for n in own]
            fits = f"({', '.join(shape)}), where a slider's axis may also be 1"
            raise ValueError(f"the array of a {what} must have the shape {fits}; got {array.shape}")
        return array

    def steps(self, what: str) -> np.ndarray:
        """The values of the slider along which a path grows, shaped to broadcast against the sliders."""
        if self.trail < 0:
            raise ValueError(f'a {what} grows along a slider that is a range, such as "step": range(201); got none')
        return self.values.reshape([-1 if i == self.trail else 1 for i in range(len(self.counts))])


def positions_of(specs: list[dict]) -> Positions:
    """The positions of these sliders; the first range is the one along which a path grows."""
    trail = next((i for i, spec in enumerate(specs) if spec["is_range"]), -1)
    first, stride = (specs[trail]["first"], specs[trail]["stride"]) if trail >= 0 else (0, 1)
    counts = {spec["name"]: len(spec["labels"]) for spec in specs}
    many = len(specs[trail]["labels"]) if trail >= 0 else 0
    return Positions(counts, trail, first + stride * np.arange(many, dtype=float))


class _Quiet(ipywidgets.Widget):
    """A control whose moves reach the other windows of a kernel through the player alone.

    ipywidgets 8 would echo every control to those windows, whose links answer: two values could then chase each other
    forever.
    """

    def trait_metadata(self, traitname: str, key: str, default: Any = None) -> Any:
        """No trait is echoed."""
        return False if key == "echo_update" else super().trait_metadata(traitname, key, default)


class _IntSlider(_Quiet, ipywidgets.IntSlider): ...


class _SelectionSlider(_Quiet, ipywidgets.SelectionSlider): ...


def slider_specs(sliders: Mapping[str, Any]) -> list[dict]:
    """For each slider its name, first value, stride, whether it is a range, and its labels (the numbers or words).

    Refused: a name that is no text or blank, values that are neither a range nor a list (or 1-D array) or are none, a
    range that descends.
    """
    if not isinstance(sliders, Mapping):
        raise TypeError(f'sliders must be a dict such as {{"step": range(201)}}, got {sliders!r}')
    return [_spec(name, values) for name, values in sliders.items()]


def first_values(specs: list[dict], at: Mapping[str, int]) -> list[int]:
    """The value that each slider begins with: a range's first, of others the middle, or the position `at` names."""
    if not isinstance(at, Mapping):
        raise TypeError(f'at must be a dict such as {{"step": 0}}, got {at!r}')
    lengths = {spec["name"]: len(spec["labels"]) for spec in specs}
    for name, position in at.items():
        if name not in lengths:
            raise ValueError(f"at names a slider {name!r}; the sliders are {', '.join(lengths) or 'none'}")
        if position not in range(-lengths[name], lengths[name]):
            raise ValueError(f"at: slider {name!r} has {lengths[name]} positions, counted from 0; got {position!r}")
    positions = {spec["name"]: 0 if spec["is_range"] else lengths[spec["name"]] // 2 for spec in specs} | dict(at)
    return [spec["first"] + positions[spec["name"]] % lengths[spec["name"]] * spec["stride"] for spec in specs]


class Control(NamedTuple):
    """The control of a slider, the trait of it that holds the position, and the link that joins it to the player."""

    widget: Any
    trait: str
    slider: int
    link: ipywidgets.Widget


def controls(player: Any) -> list[Control]:
    """An IntSlider for each range, a SelectionSlider for the rest, joined to the player by jslink.

    A slider of one value has nothing to choose and gets no control.
    """
    chosen = (i for i, spec in enumerate(player.sliders) if len(spec["labels"]) > 1)
    return [_control(player, i) for i in chosen]


def _control(player: Any, i: int) -> Control:
    spec, joined = player.sliders[i], (player, f"slider_{i}")
    count, value = len(spec["labels"]), getattr(*joined)
    look: dict[str, Any] = {"description": inert(spec["name"]), "style": {"description_width": "initial"}}
    look["layout"] = {"flex": "1 1 280px", "width": "auto", "max_width": "560px"}
    if spec["is_range"]:
        last = spec["first"] + (count - 1) * spec["stride"]
        slider, trait = _IntSlider(min=spec["first"], max=last, step=spec["stride"], value=value, **look), "value"
    else:
        options = [(label, k) for k, label in enumerate(spec["labels"])]
        look["layout"]["margin"] = "2px"  # as an IntSlider has
        slider, trait = _SelectionSlider(options=options, index=value, **look), "index"
    return Control(slider, trait, i, ipywidgets.jslink((slider, trait), joined))


def _spec(name: str, values: Any) -> dict:
    if not isinstance(name, str) or not name.strip():
        raise TypeError(f"the name of a slider is text, got {name!r}")
    if isinstance(values, str) or not hasattr(values, "__len__") or getattr(values, "ndim", 1) != 1:
        raise TypeError(f"the values of slider {name!r} must be a range or a list, got {values!r}")
    if len(values) == 0:
        raise ValueError(f"slider {name!r} has no values; give at least one")
    if isinstance(values, range):
        if values.step < 0:
            raise ValueError(f"the range of slider {name!r} must ascend, got {values}")
        labels = [str(value) for value in values]
        return {"name": name, "first": values[0], "stride": values.step, "is_range": True, "labels": labels}
    try:
        labels = labels_of(values)
    except (TypeError, ValueError, RuntimeError, OverflowError) as error:  # RuntimeError: torch's, of a vector
        raise TypeError(f"the values of slider {name!r} must be numbers or words, got {values!r}") from error
    return {"name": name, "first": 0, "stride": 1, "is_range": False, "labels": labels}


def labels_of(values: Iterable, digits: int = 4) -> list[str]:
    """A label for each value, no two alike: words as they stand, numbers with as few digits as tell them apart.

    digits: at least. Equal values are counted: 0.1, 0.1 (2). ipywidgets finds a position by its label.
    """
    values = [value.item() if hasattr(value, "item") else value for value in values]
    labels = [_written(value, digits) for value in values]
    for more in range(digits + 1, 18):
        shared = Counter(label for label, _ in set(zip(labels, values)))
        labels = [_written(value, more) if shared[label] > 1 else label for label, value in zip(labels, values)]
    taken, seen = set(labels), set()
    for i, label in enumerate(labels):
        if label in seen:
            labels[i] = next(new for k in range(2, len(labels) + 2) if (new := f"{label} ({k})") not in taken)
        seen.add(label)
        taken.add(labels[i])
    return labels


def _written(value: Any, digits: int) -> str:
    """The value with this many digits; whole numbers, and the integer part below a million, in full."""
    if isinstance(value, str | bool) or (isinstance(value, int) and abs(value) < 10**15):
        return str(value)
    number = float(value) + 0.0  # without the sign of -0.0
    if 1e4 <= abs(number) < 1e6:
        digits = max(digits, 6)
    return "NaN" if math.isnan(number) else repr(number) if digits == 17 else f"{number:.{digits}g}"


def inert(words: str) -> str:
    """The words, in which no front end of ipywidgets finds markup or a formula, and which look the same.

    ipywidgets 7 takes the name of a control as HTML, 8 as text, and both give it to MathJax. An invisible word joiner
    (U+2060) after each < and & keeps them from beginning a tag or an entity, and after each backslash a command; a
    dollar sign is written fullwidth. The view puts the words themselves in their place as soon as it is there.
    """
    for letter in "<&\\":
        words = words.replace(letter, letter + JOINER)
    return words.replace("$", DOLLAR + JOINER)
