"""A progress bar for what takes longer than two seconds; what is quicker shows none."""

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

PATIENCE = 2.0  # seconds
VIEW = "application/vnd.jupyter.widget-view+json"


def watched(parts: Sequence, what: str, unit: str = "step") -> Iterator:
    """The parts of some work, one by one, with a bar of that name from the third second on.

    tqdm draws it: in a terminal on stderr; in a notebook as a widget, gone when the work ends. A widget is not text, so
    a notebook prints the same on a slow machine. TQDM_DISABLE=1 turns it off.

    Args:
        parts: the work, of a known length.
        what: the name of the bar.
        unit: what one part is.

    Yields:
        Each part.

    Example:
        >>> sum(watched(range(4), "adding"))
        6
    """
    quiet = os.environ.get("TQDM_DISABLE", "0") not in ("", "0")
    update, close, began = None, lambda: None, time.perf_counter()
    try:
        for done, part in enumerate(parts):
            if update is None and not quiet and time.perf_counter() - began > PATIENCE:
                update, close = _drawn({"desc": what, "total": len(parts), "initial": done, "unit": unit})
            yield part
            if update is not None:
                update()
    finally:  # also where the work ends early
        close()


def _drawn(look: dict[str, Any]) -> tuple[Callable, Callable]:
    """A new bar: what moves it on, and what takes it away."""
    look |= {"leave": False, "mininterval": 0.5}
    ipython = sys.modules.get("IPython")
    if not hasattr(ipython and ipython.get_ipython(), "kernel"):
        from tqdm import tqdm

        bar = tqdm(**look)
        return bar.update, bar.close
    from IPython.display import display
    from tqdm.notebook import tqdm

    bar = tqdm(display=False, **look)
    view = {"version_major": 2, "version_minor": 0, "model_id": bar.container.model_id}
    shown = display({VIEW: view}, raw=True, display_id=True)

    def close() -> None:
        bar.total = bar.n  # else an early end would be red, and stay
        bar.close()
        assert shown is not None  # there is an id
        shown.update({"text/plain": ""}, raw=True)

    return bar.update, close
