"""The words of a readout: a template whose fields are numbers, or choices of words."""

import re
from string import Formatter

import numpy as np

SPEC = re.compile(r"\+?(\.\d{1,2})?[feg]|[^{}]*\|[^{}]*")


def template_parts(template: str) -> list[tuple[str, str | None]]:
    """'loss {:.3g}' as [('loss ', '.3g')]: words, each with the format of the number that follows it, or None.

    A format with | in it is a choice of words: {:no|yes} shows "no" for 0 and "yes" for 1.
    """
    try:
        parsed = list(Formatter().parse(template))
    except (TypeError, ValueError) as error:
        raise ValueError(f"template must be text with fields such as {{:.3g}}, got {template!r}") from error
    for _, name, spec, conversion in parsed:
        if name is not None and (name or conversion or not SPEC.fullmatch(spec or "")):
            raise ValueError(
                "a field of a template is {:.3f}, {:.3e} or {:.3g}, + before it for a sign, or words, {:no|yes}; "
                f"got {template!r}"
            )
    return [(words, spec) for words, _, spec, _ in parsed]


def escaped(words: str) -> str:
    """Words for a template that may hold braces."""
    return words.replace("{", "{{").replace("}", "}}")


def shown(number: float, spec: str) -> str:
    """A number as this format writes it, or the word that it chooses."""
    if "|" in spec:
        return spec.split("|")[int(number)]
    return "NaN" if np.isnan(number) else format(number, spec)
