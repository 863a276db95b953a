"""The palette and, for each optimizer, one colour, dash and marker for the whole course.

The style sheet is beside this file: plt.style.use("gdviz.course"). Under another one, such as dark_background, each
colour stays what it is where it can be seen there.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

# Okabe & Ito 2008: colour-blind readers tell them apart. As thin lines on white BLACK, BLUE, VERMILLION, GREEN and
# PURPLE keep a contrast of 3:1; the other three are for areas.
BLACK, ORANGE, SKY, GREEN = "#000000", "#e69f00", "#56b4e9", "#009e73"
YELLOW, BLUE, VERMILLION, PURPLE = "#f0e442", "#0072b2", "#d55e00", "#cc79a7"
GREY, PALE = "#767676", "#949494"  # for words 4.5:1, for lines in the background 3:1
RUST = "#b04a00"  # VERMILLION for small words, 4.5:1
PALETTE = (BLACK, ORANGE, SKY, GREEN, YELLOW, BLUE, VERMILLION, PURPLE, GREY, "#ffffff")


class Look(NamedTuple):
    """How an optimizer is drawn.

    Attributes:
        color: as #rrggbb.
        dash: on and off, in line widths; () is solid.
        marker: matplotlib's.

    Example:
        >>> look("Adam").marker
        '^'
    """

    color: str
    dash: tuple[float, ...] = ()
    marker: str = "o"

    @property
    def linestyle(self) -> str | tuple:
        """The dash in matplotlib's words."""
        return (0, self.dash) if self.dash else "-"


LOOKS = {  # no two have the same dash and marker: they are told apart without colours, too
    "GradientDescent": Look(BLUE),
    "Momentum": Look(VERMILLION, marker="s"),
    "Nesterov": Look(VERMILLION, (3, 1.5), "D"),
    "ASGD": Look(BLUE, (3, 1.5), "^"),
    "Rprop": Look(GREEN, (3, 1.5, 1, 1.5)),
    "AdaGrad": Look(GREEN, (3, 1.5)),
    "RMSProp": Look(GREEN, marker="D"),
    "Adadelta": Look(GREEN, (1, 1), "s"),
    "Lion": Look(VERMILLION, (1, 1), "D"),
    "Adam": Look(PURPLE, marker="^"),
    "AMSGrad": Look(PURPLE, (3, 1.5), "s"),
    "AdamW": Look(PURPLE, (1, 1), "^"),
    "Adamax": Look(PURPLE, (3, 1.5, 3, 1.5, 1, 1.5), "s"),
    "NAdam": Look(VERMILLION, (3, 1.5, 1, 1.5), "^"),
    "RAdam": Look(GREEN, (3, 1.5, 1, 1.5, 1, 1.5), "^"),
    "SparseAdam": Look(PURPLE, (1, 3)),
    "LBFGS": Look(BLACK, (1, 1)),
    "Muon": Look(BLACK, (6, 1.5, 3, 1.5), "D"),
    "Adafactor": Look(BLUE, (6, 1.5, 3, 1.5), "^"),
    "Shampoo": Look(GREEN, (6, 1.5, 3, 1.5), "s"),
    "SAM": Look(BLACK, (6, 1.5, 1, 1.5)),
    "ScheduleFreeSGD": Look(BLACK, (6, 1.5, 1, 1.5, 1, 1.5), "s"),
    "ScheduleFreeAdamW": Look(BLACK, (6, 1.5, 6, 1.5, 1, 1.5), "^"),
}


def look(rule: object) -> Look:
    """The look of a rule, or of an optimizer's name.

    Args:
        rule: the rule, or its name.

    Returns:
        Its look; black for one that the course does not know.

    Example:
        >>> look("Momentum").color == VERMILLION
        True
    """
    return LOOKS.get(rule if isinstance(rule, str) else type(rule).__name__, Look(BLACK))


OWN = (  # for rules that have none, or of which there are several
    Look(BLACK, (6, 1.5), "^"),
    Look(BLUE, (6, 1.5), "s"),
    Look(VERMILLION, (6, 1.5), "D"),
    Look(GREEN, (6, 1.5)),
    Look(PURPLE, (6, 1.5, 1, 1.5), "s"),
    Look(BLACK, (6, 1.5, 1, 1.5), "D"),
)


def looks_of(rules: Mapping[str, object], told: Mapping[str, Any] | None = None) -> dict[str, Look]:
    """Looks that tell several descents apart, even of rules that the course does not know, or of one rule twice.

    Args:
        rules: by name, each a rule or an optimizer's name.
        told: looks of your own, for the name of a descent or of a rule's class: a Look, or its fields as a dict.

    Returns:
        A look for each name; from the seventh rule of your own on they repeat.

    Raises:
        ValueError: a look for an unknown name, or with an unknown field.

    Example:
        >>> looks = looks_of({"a": "Lynx", "b": "Adam", "c": "Tiger"}, {"Tiger": {"color": "#00608f"}})
        >>> [look.color for look in looks.values()]
        ['#000000', '#cc79a7', '#00608f']
    """
    told = told or {}
    kinds = {name: rule if isinstance(rule, str) else type(rule).__name__ for name, rule in rules.items()}
    if strange := [name for name in told if name not in {*kinds, *kinds.values()}]:
        raise ValueError(f"looks names {strange[0]!r}; there are {', '.join(dict.fromkeys([*kinds, *kinds.values()]))}")
    looks = {
        name: _look(name, told.get(name, told.get(kind))) for name, kind in kinds.items() if {name, kind} & set(told)
    }
    free = [own for own in OWN if own not in looks.values()] or list(OWN)
    for name, kind in kinds.items():
        if name not in looks:
            known = LOOKS.get(kind)
            if known is None or known in looks.values():
                known = free.pop(0)
                free = free or list(OWN)
            looks[name] = known
    return {name: looks[name] for name in rules}


def _look(name: str, fields: Any) -> Look:
    fields = fields._asdict() if isinstance(fields, Look) else fields
    color, dash = (fields.get("color"), fields.get("dash", ())) if isinstance(fields, Mapping) else (None, ())
    right = isinstance(color, str) and re.fullmatch("#[0-9a-fA-F]{6}", color)
    right = right and isinstance(dash, tuple | list) and all(isinstance(part, int | float) for part in dash)
    if not right or not isinstance(fields, Mapping) or not {"color"} <= set(fields) <= set(Look._fields):
        raise ValueError(
            f'looks[{name!r}] is a Look or a dict such as {{"color": "#0072b2", "dash": (3, 1.5), "marker":'
            f' "s"}}; got {fields!r}'
        )
    return Look(**fields)


def contrast(color: str, ground: str = "#ffffff") -> float:
    """(L1 + 0.05) / (L2 + 0.05), the contrast of two colours (WCAG 2.2, relative luminance).

    Args:
        color: one of them, as #rrggbb.
        ground: the other.

    Returns:
        Between 1 and 21.

    Example:
        >>> round(contrast("#000000"))
        21
    """
    lighter, darker = sorted((_luminance(color), _luminance(ground)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def ground(ax: Any, *, outside: bool = False) -> str:
    """The colour an Axes draws on: its face over its figure's over white.

    Args:
        ax: the Axes.
        outside: of the figure alone.

    Returns:
        The colour as #rrggbb.

    Example:
        >>> ground(plt.figure().add_subplot())
        '#ffffff'
    """
    faces = [ax.figure.get_facecolor()]
    if ax.axison and ax.patch.get_visible() and not outside:
        faces.append(ax.get_facecolor())
    under = [1.0, 1.0, 1.0]
    for *face, alpha in faces:
        under = [alpha * above + (1 - alpha) * below for above, below in zip(face, under)]
    return _hex(under)


def inks(ground: str = "#ffffff") -> tuple[str, str]:
    """The colour of words on this ground and the colour of the halo around them.

    Args:
        ground: as #rrggbb.

    Returns:
        Black and white, or white and black.

    Example:
        >>> inks("#202020")
        ('#ffffff', '#000000')
    """
    dark = contrast(BLACK, ground) >= contrast("#ffffff", ground)
    return (BLACK, "#ffffff") if dark else ("#ffffff", BLACK)


def seen(color: str, ground: str = "#ffffff") -> str:
    """The colour itself where it stands out from this ground; else mixed with the colour of words until it does.

    It stands out with a contrast of 3:1 with the ground and with the halo; one that has less on white needs no more.

    Args:
        color: what matplotlib knows.
        ground: as #rrggbb.

    Returns:
        The colour as #rrggbb.

    Example:
        >>> seen(BLUE) == BLUE
        True
    """
    (ink, halo), on_white = inks(ground), contrast(color)

    def clear(color: str) -> float:
        return min(contrast(color, ground), contrast(color, halo))

    if clear(color) >= min(on_white, 3):
        return color
    mixed = (_mixed(color, ink, part / 32) for part in range(1, 32))
    return ink if color == BLACK else next((some for some in mixed if clear(some) >= min(on_white, 4.5)), ink)


def ink(ax: Any, color: str = BLACK) -> str:
    """The colour as it is seen on this Axes.

    Args:
        ax: the Axes.
        color: what matplotlib knows.

    Returns:
        The colour as #rrggbb.

    Example:
        >>> ink(plt.figure().add_subplot()) == BLACK
        True
    """
    return seen(color, ground(ax))


def _mixed(one: str, other: str, part: float) -> str:
    return _hex([(1 - part) * a + part * b for a, b in zip(_channels(one), _channels(other))])


def _channels(color: str) -> list[float]:
    return [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]


def _hex(channels: Iterable[float]) -> str:
    return "#" + "".join(f"{round(255 * channel):02x}" for channel in channels)


def _luminance(color: str) -> float:
    linear = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in _channels(color))
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
