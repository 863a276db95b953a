"""A learner's code is stopped by the time that it computes: never too early, never in an import, always in the end."""

import contextlib
import gc
import signal
import subprocess
import sys
import threading
import time

import pytest
import torch

from gdviz.exercises import time_limit
from gdviz.exercises.feedback import Feedback, attempt
from gdviz.exercises.sandbox import Trouble, guarded

ENDLESS = "It was not finished after 0.05 seconds"
WAITED = "It was not finished after 0.6 seconds"


@pytest.fixture(autouse=True)
def no_collection():
    """A collection of all that other tests have left takes 0.3 s: six times as long as what these tests let compute."""
    gc.disable()
    yield
    gc.enable()


def told(work, seconds=0.05, patience=10_000):
    """The sentence for what work() raises; the clock on the wall does not count, unless patience is small."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time_limit, "PATIENCE", patience)
        with pytest.raises(Trouble) as caught, guarded(seconds):
            work()
    return str(caught.value)


def compute(seconds):
    began = time.thread_time()
    while time.thread_time() - began < seconds:
        pass


def test_a_loop_that_never_ends_is_stopped_and_its_line_named(learner):
    sentence = told(learner("def work():\n    x = 1\n    while x > 0:\n        x = x + 1\n"))
    assert sentence.startswith(f"{ENDLESS} in your line `")
    assert sentence.endswith("`: a loop that never ends?")
    assert any(line in sentence for line in ("while x > 0:", "x = x + 1"))


@pytest.mark.parametrize("wait", ["time.sleep(1e6)", "threading.Event().wait()", "held.acquire()"])
def test_what_waits_is_stopped_later_and_told_so(learner, wait):
    held = "held = threading.Lock()\nheld.acquire()\n"  # nobody will release it
    sentence = told(learner(f"import threading, time\n{held}def work():\n    {wait}\n"), patience=12)
    assert sentence.startswith(f"{WAITED} in your line `{wait}`: it computed for only 0.0")
    assert sentence.endswith(" of them. Does it sleep or wait, or is the machine very busy?")


def test_what_rings_does_not_ring_again_on_its_way_out(learner, monkeypatch):
    source = "def slow(self, said, cause):\n    sleep(0.1)\n    self.said, self.cause = said, cause\n"
    names = {"sleep": time.sleep}
    exec(compile(source, time_limit.__file__, "exec"), names)
    monkeypatch.setattr(time_limit.TimeUp, "__init__", names["slow"])  # some ticks long, as on a busy machine
    assert told(learner("import time\ndef work():\n    time.sleep(1e6)\n"), patience=12).startswith(WAITED)


@pytest.fixture
def busy():
    """Four processes that compute without end."""
    others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(4)]
    yield
    for other in others:
        other.kill()
        other.wait()


@pytest.mark.slow
def test_beside_four_busy_processes_a_right_answer_is_right(busy):
    def work():
        compute(0.8)
        return Feedback(True)

    began = time.monotonic()
    assert attempt(work, seconds=2.0) == Feedback(True)  # 24 by the clock on the wall
    assert time.monotonic() - began >= 0.8


def test_a_pause_is_not_computing():
    with guarded(0.2):
        time.sleep(0.4)


SWALLOWS = {
    "a loop": "while True:\n        try:\n            x = 1\n        except:\n            pass",
    "a pause": "while True:\n        try:\n            time.sleep(9)\n        except:\n            pass",
    "a loop in a loop": "while True:\n        try:\n            while True: x = 1\n        except BaseException: x = 2",
    "a loop after a loop": "try:\n        while True: x = 1\n    except:\n        while True: x = 2",
    "suppress": "while True:\n        with contextlib.suppress(BaseException):\n            time.sleep(9)",
    "finally": "while True:\n        try:\n            time.sleep(9)\n        finally:\n            continue",
    "a function": "def f():\n        try:\n            time.sleep(9)\n        except:\n            return 1\n"
    "    while f(): pass",
}


@pytest.mark.slow
@pytest.mark.parametrize("body", SWALLOWS.values(), ids=SWALLOWS)
def test_what_swallows_every_exception_is_stopped_all_the_same(learner, body):
    tracer = sys.gettrace()
    work = learner(f"import contextlib, time\ndef work():\n    {body}\n")
    assert told(work, patience=40).startswith("It was not finished after ")
    assert sys.gettrace() is tracer


@pytest.mark.parametrize("loop", ["while True: x = 2", "time.sleep(9)"])
def test_the_second_ring_ends_the_block_and_not_the_lines_around_it(learner, loop):
    work = learner(
        f"import time\ndef work():\n    try:\n        time.sleep(9)\n    except:\n        pass\n    {loop}\n"
    )
    assert told(work, patience=12).startswith(WAITED)


@pytest.fixture
def library(tmp_path, monkeypatch):
    """library(source) -> the name of a module with this source, which counts as a library's."""

    def write(source):
        (tmp_path / "a_library.py").write_text(source)
        monkeypatch.syspath_prepend(str(tmp_path))
        monkeypatch.setattr(time_limit, "OURS", (*time_limit.OURS, str(tmp_path)))
        return "a_library"

    yield write
    sys.modules.pop("a_library", None)


SLOW = """
import time
began = time.thread_time()
while time.thread_time() - began < 0.9:
    pass
done = True
"""


@pytest.mark.slow
@pytest.mark.parametrize("source", [SLOW, f"exec({SLOW!r})"], ids=["lines", "made of text, as of a dataclass"])
def test_the_import_of_a_library_is_neither_cut_nor_counted(library, source):
    name = library(source)
    with guarded(0.5):  # beside busy processes: it waits for twelve times as long
        module = __import__(name)
        compute(0.05)
    assert module.done


@pytest.mark.slow
def test_what_is_computed_after_an_import_counts(library):
    name = library(SLOW)
    assert told(lambda: (__import__(name), compute(60))).startswith(ENDLESS)
    assert sys.modules[name].done


def test_a_learners_own_code_made_of_text_is_stopped():
    assert told(lambda: exec("while True:\n    pass")).startswith(ENDLESS)


def test_a_learners_own_module_without_end_is_stopped(tmp_path, monkeypatch):
    (tmp_path / "mine_without_end.py").write_text("while True:\n    pass\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert told(lambda: __import__("mine_without_end")).startswith(ENDLESS)


FIRST = """
import torch
from gdviz.exercises.sandbox import guarded
with guarded(0.5):  # torch.optim now imports torch._dynamo, which takes longer
    torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
w = torch.ones(1, requires_grad=True)
optimizer = torch.optim.Adam([w], lr=0.5)
w.sum().backward()
optimizer.step()
print(round(w.item(), 3))
"""


@pytest.mark.slow
def test_torchs_own_first_import_in_a_check_leaves_torch_whole():
    ran = subprocess.run([sys.executable, "-c", FIRST], capture_output=True, text=True)
    assert (ran.returncode, ran.stdout) == (0, "0.5\n"), ran.stderr


def test_the_alarm_and_its_handler_are_put_back():
    def handler(*_):
        pytest.fail("the alarm of a check rang after it")

    before = signal.signal(signal.SIGALRM, handler)
    told(lambda: time.sleep(60), patience=12)
    with guarded():
        pass
    assert signal.signal(signal.SIGALRM, before) is handler
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_a_check_within_a_check_leaves_the_outer_limit():
    def work():
        with guarded(5):
            pass
        compute(60)

    assert told(work).startswith(ENDLESS)


def test_torch_computes_with_one_thread_in_it_and_with_all_afterwards():
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with guarded():
            assert torch.get_num_threads() == 1
        with contextlib.suppress(Trouble), guarded():
            torch.set_num_threads(4)
            raise ValueError
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)


def test_beside_the_main_thread_there_is_no_time_limit_and_no_error():
    said = []
    thread = threading.Thread(target=lambda: said.append(told(lambda: 1 / 0, 0.001)))
    thread.start()
    thread.join()
    assert said[0].startswith("ZeroDivisionError")


@pytest.fixture
def windows(monkeypatch):
    monkeypatch.delattr(signal, "setitimer")


def test_without_an_alarm_a_thread_looks_at_the_clock(windows):
    handler = signal.getsignal(signal.SIGINT)
    assert told(lambda: compute(60)).startswith(ENDLESS)
    with guarded(0.2):
        time.sleep(0.4)
    assert signal.getsignal(signal.SIGINT) is handler


def test_without_an_alarm_the_stop_button_stops(windows):
    with pytest.raises(KeyboardInterrupt), guarded():
        signal.raise_signal(signal.SIGINT)
