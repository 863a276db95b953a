"""A limit on how long a learner's code computes, and a wider one on how long it takes.

What counts is the processor time of this thread, so that a busy machine calls no right answer endless. The import of a
library counts for nothing and is never cut: a half-imported torch would stay broken for the rest of the session.
"""

import contextlib
import signal
import sys
import sysconfig
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

from gdviz.doors.threads import one_thread

SECONDS = 5.0  # of computing, for all that one check runs
PATIENCE = 12  # times as long by the clock on the wall, for what sleeps, and for a busy machine
TICK = 0.05  # seconds between two looks at the clocks
OURS = (
    str(Path(__file__).parents[1]),
    *(sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")),
    "<frozen",
)
# Where a block that has rung is on its way out: a second ring would cut that short.
LEAVING = (__file__, str(Path(__file__).with_name("sandbox.py")), contextlib.__file__)


class TimeUp(BaseException):
    """Raised in the midst of a learner's code; no `except Exception` catches it. said, cause: parts of a sentence."""

    def __init__(self, said: str, cause: str):
        super().__init__(said, cause)
        self.said, self.cause = said, cause


@contextlib.contextmanager
def time_limit(seconds: float = SECONDS) -> Iterator[None]:
    """A block that raises TimeUp when it has computed for so many seconds, or has taken PATIENCE times as long.

    In it torch computes with one thread, whose time is counted. Beside the main thread there is no limit.
    """
    with one_thread():
        if threading.current_thread() is not threading.main_thread():
            yield
        elif hasattr(signal, "setitimer"):
            with _looking_by_alarm(Clock(seconds, time.thread_time)):
                yield
        else:  # Windows
            with _looking_from_a_thread(Clock(seconds, time.process_time)):
                yield


class Clock:
    """What a block has computed (by spent()) and taken so far, but for the imports of libraries."""

    def __init__(self, seconds: float, spent: Callable[[], float]):
        self.seconds, self.spent, self.tick = seconds, spent, min(TICK, seconds / 4)
        self.computed = self.taken = 0.0
        self.at = spent(), time.monotonic()
        self.rung = self.done = False
        self.outside = set(_stack(sys._getframe()))  # who waits for the block: a ring there would cut its way out short

    def up(self, frame: FrameType | None) -> bool:
        """Look at both clocks; whether one of them is up, where no library is being imported."""
        before, self.at = self.at, (self.spent(), time.monotonic())
        if self.done or _imports_a_library(frame):
            return False
        self.computed += self.at[0] - before[0]
        self.taken += self.at[1] - before[1]
        return self.computed > self.seconds or self.taken > PATIENCE * self.seconds

    def ring(self, frame: FrameType | None) -> None:
        """Raise TimeUp; from the second time on in the next line of the learner's as well: an `except:` caught it."""
        if self.rung:
            if frame and frame.f_code.co_filename in LEAVING:
                return  # the next tick looks again
            self._insist(frame)
        self.rung = True
        raise self._time_up()

    def end(self) -> None:
        """Ring no more, and let go of what it holds."""
        self.done = True
        self.outside.clear()

    def _time_up(self) -> TimeUp:
        if self.computed > self.seconds:
            return TimeUp(f"It was not finished after {self.seconds:g} seconds", "a loop that never ends?")
        cause = f"it computed for only {self.computed:.1g} of them. Does it sleep or wait, or is the machine very busy?"
        return TimeUp(f"It was not finished after {PATIENCE * self.seconds:g} seconds", cause)

    def _insist(self, frame: FrameType | None) -> None:
        def again(frame: FrameType, event: str, _: Any) -> Any:
            if event == "line" and not self.done:
                raise self._time_up()
            return again

        sys.settrace(lambda *_: None)
        for within in _stack(frame):
            if within not in self.outside and not within.f_code.co_filename.startswith(OURS):
                within.f_trace = again


def _stack(frame: FrameType | None) -> Iterator[FrameType]:
    while frame:
        yield frame
        frame = frame.f_back


@contextlib.contextmanager
def _looking_by_alarm(clock: Clock) -> Iterator[None]:
    tracer = sys.gettrace()
    handler = signal.signal(signal.SIGALRM, lambda _, frame: clock.up(frame) and clock.ring(frame))
    timer = signal.setitimer(signal.ITIMER_REAL, clock.tick, clock.tick)
    try:
        yield
    finally:
        clock.end()  # first: from here on nothing rings
        signal.setitimer(signal.ITIMER_REAL, *timer)
        signal.signal(signal.SIGALRM, handler if callable(handler) else _late)
        sys.settrace(tracer)


def _late(*_: Any) -> None:
    """For an alarm that another thread delivers when it is over; where no function is set, Python would complain."""


@contextlib.contextmanager
def _looking_from_a_thread(clock: Clock) -> Iterator[None]:
    main, finished, tracer = threading.get_ident(), threading.Event(), sys.gettrace()

    def look() -> None:
        while not finished.wait(clock.tick):
            if clock.up(sys._current_frames()[main]):
                rings.append(1)
                signal.raise_signal(signal.SIGINT)  # wakes a sleep, too

    def ring(number: int, frame: FrameType | None) -> None:
        if not rings:
            signal.default_int_handler(number, frame)  # the stop button
        rings.clear()
        if not clock.done:
            clock.ring(frame)

    rings: list[int] = []
    handler = signal.signal(signal.SIGINT, ring)
    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield
    finally:
        clock.end()
        finished.set()
        thread.join()
        signal.signal(signal.SIGINT, handler)
        sys.settrace(tracer)


def _imports_a_library(frame: FrameType | None) -> bool:
    """Whether this frame, with no line of the learner's in between, is part of an import.

    Code made of text, as a dataclass makes its methods, belongs to whoever runs it.
    """
    while frame and frame.f_code.co_filename.startswith((*OURS, "<string>")):
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False
