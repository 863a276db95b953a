"""For problem sheets: a check that says only whether there is an answer, and the points of one that says more."""

import ast
import inspect
import textwrap
from collections.abc import Callable
from typing import Any

from gdviz.exercises.feedback import BEGIN, Feedback, Missing
from gdviz.exercises.page import functions


class Note(str):
    """A sentence that a notebook shows without quotation marks.

    Example:
        >>> Note("Here.")
        Here.
    """

    __repr__ = str.__str__


def attempted(*things: Any) -> Note:
    """Whether each thing is there and has no three dots left where an answer belongs, as a sentence.

    Args:
        things: the learner's, as `my.name`.

    Returns:
        The sentence.

    Example:
        >>> attempted(0.45)
        ● There is an answer. Your points will tell whether it is right.
        >>> attempted(...)[:20]
        '○ Not attempted yet.'
    """
    hints = [thing.hint if isinstance(thing, Missing) else BEGIN for thing in things if _open(thing)]
    if hints:
        return Note(f"○ Not attempted yet. {hints[0]}")
    return Note("● There is an answer. Your points will tell whether it is right.")


def score(points: float, *found: Feedback) -> float:
    """The share of the points that the right ones of several Feedbacks make; each is printed, without its picture.

    As the last line of a test cell it is the number that nbgrader takes.

    Args:
        points: for all of them.
        found: what the checks found.

    Returns:
        The points.

    Example:
        >>> score(2, Feedback(True), Feedback(False, "Carry the 2."))
        ✓ Right.
        ✗ Not yet. Carry the 2.
        1.0
    """
    print(*found, sep="\n")
    return points * sum(map(bool, found)) / len(found)


def _open(thing: Any) -> bool:
    return thing is None or thing is ... or isinstance(thing, Missing) or any(map(_has_dots, functions(thing)))


def _has_dots(function: Callable) -> bool:
    """Whether a function contains three dots, but for those of an index, as in p[..., 0]."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, SyntaxError):  # no source is known
        return False
    places = [place for node in ast.walk(tree) if isinstance(node, ast.Subscript) for place in ast.walk(node.slice)]
    dots = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and node.value is ...]
    return any(all(dot is not place for place in places) for dot in dots)
