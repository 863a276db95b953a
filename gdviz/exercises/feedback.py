"""What a check says, and how it gets at what the learner wrote."""

import difflib
import html
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from gdviz.exercises import keys
from gdviz.exercises.room import tell
from gdviz.exercises.sandbox import SECONDS, Blank, Trouble, asking, guarded
from gdviz.style import GREEN, GREY, VERMILLION

LATE = "animation:gdviz-said 0s .2s backwards"  # a screen reader says what is new in a region, not what it came with
LATER = "<style>@keyframes gdviz-said{from{visibility:hidden}}</style>"
BEGIN = "Replace the three dots in the cell above, run it, then run this one. Did the cell end in an error? Mend it."


@dataclass(frozen=True)
class Feedback:
    """What a check found. `one & other` is right if both are, else it is the first that is not.

    In a notebook it is shown as a sentence with a mark, ✓ right, ✗ not yet, ○ not attempted yet.

    Args:
        correct: whether it is right.
        hint: whole sentences, which name the mistake; "" where there is none.
        attempted: whether there was anything to check.
        picture: called to show the learner's way beside the right one.
        key: of the mistake, for a count of the class; it is in the HTML, and not seen.

    Example:
        >>> print(Feedback(False, "Carry the 2."))
        ✗ Not yet. Carry the 2.
    """

    correct: bool
    hint: str = ""
    attempted: bool = True
    picture: Callable[[], None] | None = field(default=None, repr=False, compare=False)
    key: str = field(default="", repr=False, compare=False)

    def __and__(self, other: "Feedback") -> "Feedback":
        if self.correct and not other.attempted:
            return Feedback(False, f"The first part is right. Now the next one. {other.hint}")
        return other if self.correct else self

    def about(self, name: str) -> "Feedback":
        """The same, its hint headed by the name that it is about, where a cell has several: "limit: It is too small.".

        Args:
            name: of the part.

        Returns:
            The Feedback.
        """
        if self.correct or not self.attempted:
            return self
        return replace(self, hint=f"{name}: {self.hint}", key=self.key and f"{name}: {self.key}")

    def __bool__(self) -> bool:
        return self.correct

    def __str__(self) -> str:
        mark, verdict, _ = self._verdict()
        return f"{mark} {verdict} {self.hint}".strip()

    __repr__ = __str__

    def _verdict(self) -> tuple[str, str, str]:
        if not self.attempted:
            return "○", "Not attempted yet.", GREY
        return ("✓", "Right.", GREEN) if self.correct else ("✗", "Not yet.", VERMILLION)

    def _ipython_display_(self):
        from IPython.display import display

        mark, verdict, color = self._verdict()
        look = f"border-left: 8px solid {color}; padding: 6px 12px; background: #fff; color: #000"
        words = f'<span style="{LATE}"><b>{mark} {verdict}</b> {html.escape(self.hint)}</span>'
        mistake = f' data-mistake="{html.escape(self.key)}"' if self.key else ""
        shown = f'<div class="mathjax_ignore" role="status"{mistake} style="{look}">{words}</div>{LATER}'
        metadata = {"gdviz": {"mistake": self.key}} if self.key else {}  # for a front end that cleans HTML
        display({"text/plain": str(self), "text/html": shown}, metadata=metadata, raw=True)
        if self.key:
            tell("mistake", key=self.key)
        if self.picture:
            self.picture()


def named(hint: str) -> Feedback:
    """The Feedback that names a mistake, by the hint of its author, which has a key."""
    shown, key = keys.split(hint)
    return Feedback(False, shown, key=key)


class Missing:
    """Stands in for a name that the learner has not defined; `hint` says so."""

    def __init__(self, name: str, near: list[str]):
        perhaps = f" You have `{near[0]}`: is that it? Then call it `{name}`." if near else ""
        self.hint = f"There is no `{name}` here yet: run the cell above.{perhaps}"


class Mine:
    """my.name is what the learner has called `name`, even when there is no such name yet.

    So a check can say kindly that a cell has not been run, or that the name is different.
    """

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        names = asking().f_globals
        if name in names:
            return names[name]
        own = [other for other in names if not other.startswith("_") and other.lower() != name.lower()]
        same = [other for other in names if other.lower() == name.lower()]
        return Missing(name, same + difflib.get_close_matches(name, own, n=1, cutoff=0.7))


my = Mine()


def attempt(work: Callable[[], Feedback], *given: Any, seconds: float = SECONDS) -> Feedback:
    """The Feedback that work() returns; what goes wrong in it, and what was not given at all, as Feedback.

    given: what the learner wrote. work may raise Blank, Trouble(a sentence), or anything else: see sandbox. In a
    notebook the check has a cell of its own, so none of its lines is called the learner's.
    """
    for thing in given:
        if isinstance(thing, Missing):
            return Feedback(False, thing.hint, attempted=False)
        if thing is ... or thing is None:
            return Feedback(False, BEGIN, attempted=False)
    remarks: list[str] = []
    cell = asking()
    asker = cell.f_code.co_filename if "get_ipython" in cell.f_globals else ""
    try:
        with guarded(seconds, asker) as remarks:
            found = work()
    except Blank:
        return Feedback(False, BEGIN, attempted=False)
    except Trouble as trouble:
        found = Feedback(False, str(trouble))
    key = "" if found.correct or not found.attempted else found.key or keys.general(found.hint)
    return replace(found, hint=" ".join([found.hint, *remarks]).strip(), key=key)
