"""Run a learner's code so that whatever it does becomes one sentence.

Time and memory are limited, what it prints is kept back, what is global (random numbers, torch's defaults) is put back
afterwards, and what it raises is told with the learner's own line.
"""

import contextlib
import inspect
import io
import random
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import torch

from gdviz.exercises.cures import cure
from gdviz.exercises.time_limit import OURS, SECONDS, TimeUp, time_limit
from gdviz.hyperparameters import short

PACKAGE = str(Path(__file__).parents[1])
MEMORY = 2_000_000_000  # bytes beyond what the kernel has already


def asking() -> FrameType:
    """The frame of the code that asks: the first outside of this package, such as the cell with the check.

    It is looked for here alone, and found however deep we are, so that a cell may say `my.name` and no more.
    """
    frame = sys._getframe()
    while frame.f_code.co_filename.startswith(PACKAGE) and frame.f_back:
        frame = frame.f_back
    return frame


class Trouble(Exception):
    """What is to be said to the learner, as whole sentences."""


class Blank(Exception):
    """Not attempted yet: three dots, nothing, or a NotImplementedError where an answer belongs."""


@contextlib.contextmanager
def guarded(seconds: float = SECONDS, asker: str = "") -> Iterator[list[str]]:
    """A block that runs a learner's code; yields a list, which then holds remarks on what it did besides its work.

    Raises Trouble (or Blank) and nothing else, except the KeyboardInterrupt of the stop button. seconds: of computing,
    in the main thread, where a kernel runs its cells (time_limit); the memory limit holds on Linux. asker: the file, or
    cell, of the one who asks: no line of it is called the learner's.
    """
    remarks: list[str] = []
    with contextlib.ExitStack() as stack:
        printed = Printed()
        stack.callback(lambda: remarks.extend(printed.remarks()))
        stack.enter_context(contextlib.redirect_stdout(printed))
        stack.enter_context(contextlib.redirect_stderr(printed))
        stack.enter_context(warnings.catch_warnings(action="ignore"))
        stack.enter_context(_as_before(remarks))
        try:
            with _memory_limit(), _exit_only_raises(), time_limit(seconds):
                yield remarks
        except (Trouble, Blank, KeyboardInterrupt):
            raise
        except BaseException as error:
            raise _told(error, asker) from error


class Printed(io.TextIOBase):
    """Stands in for stdout: keeps the first words and counts the lines."""

    def __init__(self):
        self.text, self.lines = "", 0

    def write(self, text: str) -> int:
        """Keep the beginning, and count the lines."""
        self.text += text[: max(0, 60 - len(self.text))]
        self.lines += text.count("\n")
        return len(text)

    def remarks(self) -> list[str]:
        """What is said of what was printed, if anything was."""
        first = self.text.strip().split("\n")[0]
        lines = "1 line" if self.lines < 2 else f"{self.lines} lines"
        return [f"It printed {lines}, kept back here: {first}"] if first else []


def is_own(kind: type) -> bool:
    """Whether a class is the learner's, and not Python's or a library's."""
    file = getattr(sys.modules.get(kind.__module__), "__file__", None) or ""
    return kind.__module__ != "builtins" and not file.startswith(OURS)


def shell() -> Any:
    """IPython's shell, in which a notebook's cells run; None outside of it."""
    return getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()


def fits(function: Callable, args: tuple, **named: Any) -> bool:
    """Whether a function can be called with these arguments; true where it does not say."""
    try:
        inspect.signature(function).bind(*args, **named)
    except TypeError:
        return False
    except ValueError:
        return True
    return True


def _told(error: BaseException, asker: str) -> Trouble | Blank:
    """What is said of an exception that came out of a learner's code."""
    frames = traceback.extract_tb(error.__traceback__)
    at, text = _at([frame for frame in frames if frame.filename != asker]), short(error, 160)
    if isinstance(error, TypeError | AttributeError) and "ellipsis" in text:
        return Blank()  # somebody computes with three dots
    own = not frames[-1].filename.startswith(OURS)
    if isinstance(error, NotImplementedError) and own and (not text or "raise" in (frames[-1].line or "")):
        return Blank()
    if "bitwise_xor" in text or "for ^" in text:
        return Trouble(f"^ is not a power in Python: write **{at}.")
    if "Boolean value of Tensor with more than one" in text or "truth value of an array" in text:
        each = "for each number by itself take torch.maximum, torch.minimum or torch.where."
        return Trouble(f"One number is wanted{at}, and this has several: is a .sum() or .mean() missing? Or {each}")
    if isinstance(error, TimeUp):
        return Trouble(f"{error.said}{at}: {error.cause}")
    if isinstance(error, SystemExit):
        return Trouble(f"It ends the program{at}: leave that out.")
    if isinstance(error, MemoryError) or "allocate memory" in text:
        return Trouble(f"It asks for too much memory{at}: what shape does it have?")
    said = f"{type(error).__name__}{at}{f': {text}' if text else '.'}"
    more = _field(error) or cure(said)
    return Trouble(f"{said.rstrip('.')}. {more}" if more else said)


def _field(error: BaseException) -> str:
    """For a name that is not there, but is a field of the learner's object: that self. is missing."""
    name, back = getattr(error, "name", None), error.__traceback__
    while isinstance(error, NameError) and name and back:
        own = back.tb_frame.f_locals.get("self")
        if is_own(type(own)) and hasattr(own, name):
            return f"Is self.{name} meant?"
        back = back.tb_next
    return ""


def _at(frames: list[traceback.FrameSummary]) -> str:
    """The learner's own line in which an error arose, if there is one."""
    lines = [frame.line for frame in frames if not frame.filename.startswith(OURS) and frame.line]
    return f" in your line `{short(lines[-1], 160)}`" if lines else ""


@contextlib.contextmanager
def _memory_limit() -> Iterator[None]:
    try:
        import resource

        now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    except (ImportError, OSError):  # not Linux
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    limits = [limit for limit in (soft, hard, now + MEMORY) if limit != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_AS, (min(limits), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


@contextlib.contextmanager
def _exit_only_raises() -> Iterator[None]:
    """Let exit() and quit() of a notebook raise SystemExit, as Python's do; IPython's end the kernel."""
    notebook = shell()
    if notebook is None:
        yield
        return
    before = set(vars(notebook))
    notebook.ask_exit = sys.exit  # on the object, before its class's
    try:
        yield
    finally:
        if "ask_exit" not in before:  # else this check is within another
            del notebook.ask_exit


@contextlib.contextmanager
def _as_before(remarks: list[str]) -> Iterator[None]:
    """Put the global random numbers and torch's defaults back, and remark that they were changed."""
    states = torch.get_rng_state(), np.random.get_state(), random.getstate()  # noqa: NPY002
    dtype, grad = torch.get_default_dtype(), torch.is_grad_enabled()
    try:
        yield
    finally:
        drawn = not torch.equal(states[0], torch.get_rng_state()) or random.getstate() != states[2]
        drawn = drawn or str(np.random.get_state()) != str(states[1])  # noqa: NPY002
        if drawn:
            remarks.append("It draws from the global random numbers, or seeds them; pass a torch.Generator instead.")
        torch.set_rng_state(states[0])
        np.random.set_state(states[1])  # noqa: NPY002
        random.setstate(states[2])
        if (dtype, grad) != (torch.get_default_dtype(), torch.is_grad_enabled()):
            remarks.append("It changes torch's defaults for everything that follows; they are put back.")
        torch.set_default_dtype(dtype)
        torch.set_grad_enabled(grad)
