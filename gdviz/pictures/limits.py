"""The limits of an Axes: all of its steps, and of the numbers over them what can be drawn."""

import math
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, LogLocator, NullLocator, StrMethodFormatter

HIGHEST = 1e305  # larger numbers have no place in a picture: a few of them together are inf
ENDS = (1e-322, 1e307)  # of a log axis: matplotlib cannot draw beyond them


def step_limits(steps: Any) -> tuple[float, float]:
    """The ends of the axis of these steps: the first and the last one; of a single step one more."""
    first, last = float(np.min(steps)), float(np.max(steps))
    return first, max(last, first + 1)


def span(values: Any) -> tuple[float, float]:
    """The smallest and the largest of the finite values, apart; -1 and 1 without any."""
    finite = np.asarray(values, dtype=float)
    finite = finite[np.abs(finite) <= HIGHEST]
    low, high = (finite.min(), finite.max()) if len(finite) else (-1.0, 1.0)
    return (low, high) if low < high else (low - 1, high + 1)


def hold_steps(ax: Axes, steps: Any) -> None:
    """Let the x axis, where nobody has set it, hold all these steps, whatever becomes of the numbers over them."""
    ax.update_datalim([(end, 1) for end in step_limits(steps)], updatey=False)
    ax.autoscale_view(scaley=False)


def hold_log(ax: Axes, axis: str = "y") -> None:
    """Make an axis logarithmic; where nobody has set it, it holds all that is positive on the Axes."""
    if getattr(ax, f"get_autoscale{axis}_on")():
        low, high = getattr(ax.dataLim, f"minpos{axis}"), getattr(ax.dataLim, f"{axis}1")
        log_axis(ax, low, high, margin=_margins(ax)[axis == "y"], axis=axis)
        getattr(ax, f"set_autoscale{axis}_on")(True)  # the next curve may widen it
    else:
        _set_scale(ax, axis, "log")


def loss_axis(ax: Axes, losses: np.ndarray) -> None:
    """The y axis for the losses (steps, ...) on an Axes: a log one where none is negative and one is positive."""
    finite = losses[np.isfinite(losses)]
    narrow = len(finite) > 0 and finite.min() < finite.max() < 1.1 * finite.min()  # there all powers of ten are equal
    if (finite > 0).any() and not (finite < 0).any() and not narrow:
        return hold_log(ax)
    free, shown = ax.get_autoscaley_on(), losses[usual(losses)]
    _set_scale(ax, "y", "linear")
    if free and len(shown) < len(finite):
        room = _margins(ax)[1] * np.ptp(shown) or 1
        ax.set_ylim(shown.min() - room, shown.max() + room)
    else:
        ax.set_autoscaley_on(free)


def usual(values: np.ndarray, axis: int = 0, *, times: float = 1000) -> np.ndarray:
    """Where values are no larger than what a window holds: so many times the largest first one along this axis.

    What ends calmly, its last quarter at most twice as large as before, has not run away, however small it began: the
    window holds it, too, unless most runs end lower. Where all begin with 0, all that is finite.
    """
    sizes = np.abs(values)
    first = np.take(sizes, 0, axis)
    largest = first.max(where=np.isfinite(first), initial=0)
    late = np.moveaxis(sizes, axis, 0)[3 * (sizes.shape[axis] - 1) // 4 :]
    ends = late.max(0)
    calm = np.sort(ends[(ends <= HIGHEST) & (ends <= 2 * late[0])], axis=None)
    middle = float(calm[(len(calm) - 1) // 2]) if len(calm) else 0.0
    return sizes <= (max(times * min(largest, HIGHEST / times), largest and 2 * middle) or HIGHEST)


def log_axis(ax: Axes, low: float, high: float, *, margin: float = 0, axis: str = "y") -> None:
    """Make an axis logarithmic, from low to high: upright, and within what matplotlib can draw.

    An end that is not positive and finite gives way to the other; without any, it goes from 0.1 to 10. margin: the
    share of its length by which it is longer at both ends. axis: x or y.
    """
    ends = np.clip([end for end in (low, high) if 0 < end < math.inf] or [0.1, 10], *ENDS)
    low, high = (ends.min(), ends.max()) if np.ptp(ends) else (ends[0] / 10, ends[0] * 10)
    if margin:
        room = margin * (math.log10(high) - math.log10(low))
        low, high = 10.0 ** np.clip([math.log10(low) - room, math.log10(high) + room], *np.log10(ENDS))
    _set_scale(ax, axis, "log")
    getattr(ax, f"set_{axis}lim")(low, high)
    if _far(low, high):
        first, last = math.ceil(math.log10(low)), math.floor(math.log10(high))
        where = getattr(ax, f"{axis}axis")
        powers = range(first, last + 1, max(1, (last - first) // 6))
        where.set_major_locator(FixedLocator([10.0**power for power in powers]))
        where.set_minor_locator(NullLocator())


def _margins(ax: Axes) -> tuple[float, float]:
    """The room around what is drawn, as shares of it along x and y."""
    margins = ax.margins()
    assert margins is not None  # asked without arguments, it tells
    return margins


def _set_scale(ax: Axes, axis: str, scale: str) -> None:
    """Make an axis log or linear and its limits fixed: those that matplotlib would look for now may overflow."""
    getattr(ax, f"set_autoscale{axis}_on")(False)
    if getattr(ax, f"get_{axis}scale")() != scale:  # once more would take its ticks away
        getattr(ax, f"set_{axis}scale")(scale)


def _far(low: float, high: float) -> bool:
    """Whether matplotlib, which looks for ticks outside of the limits too, would find numbers that overflow."""
    low, high = math.log10(low), math.log10(high)
    return max(-low, high) + (high - low) / 3 > 307


def plain_ticks(ax: Axes, *, few: bool, axis: str = "y") -> None:
    """On a log axis numbers such as 0.1 and 20 for words: at powers of ten, and unless few at 2 and 5 times them."""
    if _far(*getattr(ax, f"get_{axis}lim")()):
        return
    where = getattr(ax, f"{axis}axis")
    where.set_major_locator(LogLocator(subs=(1,) if few else (1, 2, 5)))
    where.set_major_formatter(StrMethodFormatter("{x:g}"))
