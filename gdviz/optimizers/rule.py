"""What `minimize` asks of an optimizer."""

from typing import Any, Protocol

from torch import Tensor


class Rule(Protocol):
    """What `minimize` asks of an optimizer: w_0 gives the state at t = 0; w_t, g_t and the state give w_{t+1}.

    A rule that mixes the coordinates of params says so with a class attribute, elementwise = False: see TorchOptimizer.
    One that takes the last two axes of params for a matrix says matrix = True; and vectors = True, if it takes the
    vectors of a network as matrices of one row.

    Two more methods are optional. A rule that takes a second gradient, such as SAM, has probe(params, grads) -> params:
    the point where it is taken, given the gradient at params. `update` then gets the second gradient. A rule whose
    params are not the weights to evaluate and to keep, such as ScheduleFreeSGD, has answer(params, state) -> params,
    which returns those.

    Example:
        >>> class Halve:
        ...     def init(self, params):
        ...         return ()
        ...     def update(self, params, grads, state):
        ...         return params / 2, state
        >>> from gdviz.descent import minimize
        >>> minimize(lambda w: w.square().sum(-1), Halve(), [8.0], steps=3).params.flatten().tolist()
        [8.0, 4.0, 2.0, 1.0]
    """

    def init(self, params: Tensor) -> Any:
        """The state at t = 0, a NamedTuple of tensors that broadcast against params (..., d)."""
        ...

    def update(self, params: Tensor, grads: Tensor, state: Any) -> tuple[Tensor, Any]:
        """One step: the new params (..., d) and the new state."""
        ...


def is_for_matrices(rule: Any) -> bool:
    """Whether a rule takes the last two axes of params for a matrix.

    Args:
        rule: any.

    Returns:
        Whether it says matrix = True.

    Example:
        >>> from gdviz.optimizers import Adam, Muon
        >>> is_for_matrices(Muon()), is_for_matrices(Adam())
        (True, False)
    """
    return bool(getattr(rule, "matrix", False))
