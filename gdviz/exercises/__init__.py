"""Exercises that name the mistake, and predictions before the picture moves.

Checks load no widget; what asks for a prediction does, when it is first asked for.
"""

from typing import TYPE_CHECKING, Any

from gdviz.exercises.checks import (
    check_choice,
    check_function,
    check_gradient,
    check_number,
    check_outcome,
    check_rule,
)
from gdviz.exercises.feedback import Feedback, my
from gdviz.exercises.mistakes import suspect
from gdviz.exercises.sheets import attempted, score
from gdviz.exercises.surface import check_surface

if TYPE_CHECKING:
    from gdviz.exercises.predictions import predict, predict_by_click, revisit

__all__ = ["Feedback", "attempted", "check_choice", "check_function", "check_gradient", "check_number", "check_outcome"]
__all__ += ["check_rule", "check_surface", "my", "predict", "predict_by_click", "revisit", "score", "suspect"]


def __getattr__(name: str) -> Any:
    if name not in ("predict", "predict_by_click", "revisit"):
        raise AttributeError(name)
    from gdviz.exercises import predictions

    return getattr(predictions, name)
