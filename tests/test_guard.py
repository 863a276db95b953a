"""Whatever a learner's code does, it becomes one sentence, and everything is put back."""

import random
import resource
import sys
import threading
import warnings

import numpy as np
import pytest
import torch
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from gdviz.exercises.sandbox import Blank, Printed, Trouble, fits, guarded, is_own, short


def told(work, seconds=5.0):
    """The sentence for what work() raises."""
    with pytest.raises(Trouble) as caught, guarded(seconds):
        work()
    return str(caught.value)


def remarked(work):
    with guarded() as remarks:
        work()
    return remarks


def test_a_block_that_does_its_work_is_not_remarked_upon():
    assert remarked(lambda: torch.ones(3).sum()) == []


def test_the_stop_button_passes_through():
    def work():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), guarded():
        work()


def test_an_exception_is_told_with_the_learners_own_line_also_from_within_torch(learner):
    work = learner("import torch\ndef work():\n    a = torch.ones(3)\n    return a @ torch.ones(4)\n")
    sentence = told(work)
    assert sentence.startswith("RuntimeError in your line `return a @ torch.ones(4)`: ")
    assert "size" in sentence
    assert told(learner("import json\ndef work():\n    json.loads('{')\n")).startswith(
        "JSONDecodeError in your line `json.loads('{')`: "
    )


FIELD = """
class Rule:
    def __init__(self):
        self.lr = 0.1

    def update(self, grads):
        return [lr * g for g in grads]

def work():
    Rule().update([1.0])
"""


def test_a_field_without_self_is_told(learner):
    assert told(learner(FIELD)) == (
        "NameError in your line `return [lr * g for g in grads]`: name 'lr' is not defined. Is self.lr meant?"
    )
    assert told(learner(FIELD.replace("lr * g", "rate * g"))).endswith("name 'rate' is not defined")


TENSORS = "math, float and .item() take one number; a tensor has .sqrt(), .log() and .sign(), or **0.5."
BRACKETS = "A function or method is called with brackets, as in .sign()."
LISTS = "A list or tuple is not multiplied or divided: take its parts, with zip where there are two lists."


@pytest.mark.parametrize(
    ("line", "cure"),
    [
        ("w - lr * 2(w - 3)", "Is a * missing before the bracket?"),
        ("(1 - lr)(grads**2)", "Is a * missing before the bracket?"),
        ("grads(w)", "Is a * missing before the bracket?"),
        ("lr * grads.sign", BRACKETS),
        ("grads.sqrt + lr", BRACKETS),
        ("lr / grads.norm", BRACKETS),
        ("torch.log(grads.sum)", BRACKETS),
        ("grads.square.sum()", BRACKETS),
        ("math.sqrt(grads)", TENSORS),
        ("float(grads)", TENSORS),
        ("math.sqrt(grads.numpy())", TENSORS),
        ("grads.item()", TENSORS),
        ("math.copysign(1, grads)", TENSORS),
        ("torch.log(lr)", "torch.log takes a tensor; for a number there is math.log."),
        ("torch.sqrt(max(1, 2))", "torch.sqrt takes a tensor; for a number there is math.sqrt."),
        ("torch.maximum(0, grads)", "must be Tensor, not int"),
        ("[lr for _ in steps]", "Does a loop run over a number? Write range(...)."),
        ("0.5 / step", "The first step is 0: divide by 1 + step."),
        ("0.5 / math.sqrt(step)", "The first step is 0: divide by 1 + step."),
        ("0.5 / (steps - 3)", "division by zero"),
        ("math.ln(lr)", "The natural logarithm is math.log; of a tensor it is torch.log."),
        ("ln(lr)", "The natural logarithm is math.log; of a tensor it is torch.log."),
        ("sqrt(grads)", "Write math.sqrt for a number and torch.sqrt for a tensor."),
        ("sign(grads)", "Write torch.sign."),
        ("np.sign(grads)", "The line `import numpy as np` is missing."),
        ("lr.sqrt()", "It is a number: write math.sqrt of it."),
        ("gradients * counts", LISTS),
        ("lr * gradients", LISTS),
        ("sum(gradients) / counts", LISTS),
        ("2 * print()", "Something is None here: does a function lack its return?"),
        ("torch.tensor(counts) @ grads", "Two kinds of numbers do not mix here, such as whole ones and fractions"),
    ],
)
@pytest.mark.filterwarnings("ignore:.*object is not callable:SyntaxWarning")
def test_an_error_that_many_meet_has_its_cure(learner, line, cure):
    given = "grads, w, lr, step, steps = torch.ones(2), 2.0, 0.1, 0, 3\ngradients, counts = [grads, grads], [1, 2]\n"
    assert cure in told(learner(f"import math\nimport torch\n{given}def work():\n    return {line}\n"))


def test_of_several_numbers_where_one_is_wanted_both_cures_are_told(learner):
    work = learner("import torch\ndef work():\n    return max(torch.ones(2), torch.zeros(2))\n")
    assert told(work) == (
        "One number is wanted in your line `return max(torch.ones(2), torch.zeros(2))`, and this has several: is a "
        ".sum() or .mean() missing? Or for each number by itself take torch.maximum, torch.minimum or torch.where."
    )


def test_a_line_of_the_course_is_not_called_the_learners(learner):
    work = learner("from gdviz.descent import gradient\ndef work():\n    gradient(lambda w: w, [1.0])\n")
    assert "in your line `gradient(lambda w: w, [1.0])`: " in told(work)


def test_code_without_a_line_has_none_named():
    made = {}
    exec("def work():\n    1 / 0", made)
    assert told(made["work"]) == "ZeroDivisionError in your line `work()`: division by zero"  # the line that calls it


class Unspeakable(Exception):
    def __str__(self):
        raise SystemExit


class OwnBase(BaseException):
    pass


@pytest.mark.parametrize(
    ("raised", "sentence"),
    [
        ("ValueError('bad')", "ValueError in your line `raise ValueError('bad')`: bad"),
        ("ValueError", "ValueError in your line `raise ValueError`."),
        ("KeyError('lr')", "KeyError in your line `raise KeyError('lr')`: 'lr'"),
        ("Unspeakable", "Unspeakable in your line `raise Unspeakable`: a Unspeakable"),
        ("OwnBase('x')", "OwnBase in your line `raise OwnBase('x')`: x"),
        ("GeneratorExit", "GeneratorExit in your line `raise GeneratorExit`."),
        ("StopIteration", "StopIteration in your line `raise StopIteration`."),
        ("SystemExit(3)", "It ends the program in your line `raise SystemExit(3)`: leave that out."),
        ("MemoryError", "It asks for too much memory in your line `raise MemoryError`: what shape does it have?"),
    ],
)
def test_each_exception_has_its_sentence(learner, raised, sentence):
    work = learner(f"def work():\n    raise {raised}\n")
    work.__globals__.update(Unspeakable=Unspeakable, OwnBase=OwnBase)
    assert told(work) == sentence


def test_the_exit_of_a_notebook_is_told_and_ends_no_kernel():
    class Shell(InteractiveShell):
        def ask_exit(self):
            self.exit_now = True

    shell = Shell.instance(config=Config({"HistoryManager": {"enabled": False}}))
    try:
        with guarded():
            assert told(shell.user_ns["exit"]).startswith("It ends the program")
            with pytest.raises(SystemExit):
                shell.user_ns["exit"]()
        assert not shell.exit_now
        shell.ask_exit()  # afterwards it is IPython's own
        assert shell.exit_now
    finally:
        Shell.clear_instance()


def test_exit_and_a_function_without_end_are_told():
    def without_end():
        return without_end()

    assert told(lambda: sys.exit("bye")).startswith("It ends the program in your line")
    assert told(without_end).startswith("RecursionError in your line `return without_end()`")


@pytest.mark.parametrize(
    "work", [lambda: torch.zeros(10**6, 10**6), lambda: np.ones((10**6, 10**5)), lambda: [0] * 10**11]
)
def test_a_giant_array_is_told_as_such_and_the_limit_is_put_back(work):
    before = resource.getrlimit(resource.RLIMIT_AS)
    assert told(work).startswith("It asks for too much memory in your line `")
    assert resource.getrlimit(resource.RLIMIT_AS) == before


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the memory limit holds on Linux")
def test_memory_that_the_machine_has_and_a_check_does_not_need_is_refused():
    assert "too much memory" in told(lambda: torch.empty(3_000_000_000, dtype=torch.uint8))
    assert torch.empty(3_000_000_000, dtype=torch.uint8).numel() == 3_000_000_000  # afterwards it may


def test_what_is_not_attempted_is_blank(learner):
    with pytest.raises(Blank), guarded():
        raise Blank
    work = learner("def work():\n    raise NotImplementedError('your turn')\n")
    with pytest.raises(Blank), guarded():
        work()


def test_what_torch_has_not_implemented_is_no_blank():
    class Net(torch.nn.Module):
        pass  # forward is missing

    assert told(lambda: Net()(torch.ones(1))).startswith("NotImplementedError in your line")


def test_trouble_is_passed_on_as_it_is():
    with pytest.raises(Trouble, match=r"^Look at w\.$"), guarded():
        raise Trouble("Look at w.")


def test_what_is_printed_is_kept_back_and_remarked_upon(capsys):
    remarks = remarked(lambda: print("\n loss is\n3"))
    assert remarks == ["It printed 3 lines, kept back here: loss is"]
    assert remarked(lambda: print("one", file=sys.stderr)) == ["It printed 1 line, kept back here: one"]
    assert remarked(lambda: print("  ")) == []
    assert capsys.readouterr() == ("", "")


def test_endless_printing_fills_no_memory():
    printed = Printed()
    for _ in range(1000):
        assert printed.write("x" * 1000 + "\n") == 1001
    assert (len(printed.text), printed.lines) == (60, 1000)


def test_a_warning_of_the_learner_is_no_error():
    assert remarked(lambda: warnings.warn("look", stacklevel=1)) == []
    with pytest.raises(UserWarning):
        warnings.warn("look", stacklevel=1)


def numbers():
    """One number from each of the three global generators, which are left as they were."""
    states = torch.get_rng_state(), np.random.get_state(), random.getstate()  # noqa: NPY002
    drawn = torch.rand(1).item(), np.random.rand(), random.random()  # noqa: NPY002
    torch.set_rng_state(states[0])
    np.random.set_state(states[1])  # noqa: NPY002
    random.setstate(states[2])
    return drawn


@pytest.mark.parametrize(
    "work",
    [
        lambda: torch.manual_seed(7),
        lambda: torch.rand(2),
        lambda: np.random.seed(7),  # noqa: NPY002
        lambda: np.random.rand(),  # noqa: NPY002
        lambda: random.seed(7),
        lambda: random.random(),
    ],
)
def test_global_random_numbers_are_put_back_and_remarked_upon(work):
    before = numbers()
    remarks = remarked(work)
    assert remarks == ["It draws from the global random numbers, or seeds them; pass a torch.Generator instead."]
    assert numbers() == before


def test_a_generator_of_ones_own_is_not_remarked_upon():
    assert remarked(lambda: torch.rand(2, generator=torch.Generator().manual_seed(7))) == []


@pytest.mark.parametrize(
    "work", [lambda: torch.set_default_dtype(torch.float64), lambda: torch.set_grad_enabled(False)]
)
def test_torchs_defaults_are_put_back_and_remarked_upon(work):
    assert remarked(work) == ["It changes torch's defaults for everything that follows; they are put back."]
    assert (torch.get_default_dtype(), torch.is_grad_enabled()) == (torch.float32, True)


def test_all_is_put_back_and_remarked_upon_also_after_an_exception(capsys):
    def work():
        torch.set_default_dtype(torch.float64)
        torch.manual_seed(7)
        print("here")
        raise ValueError

    before = numbers()
    with pytest.raises(Trouble), guarded() as remarks:
        work()
    assert len(remarks) == 3
    assert (numbers(), torch.get_default_dtype(), capsys.readouterr().out) == (before, torch.float32, "")


def test_short_is_one_line_and_not_long():
    assert short("a\n  b") == "a b"
    assert short("x" * 80) == "x" * 80
    assert short("x" * 81) == "x" * 77 + "..."
    assert short(list(range(100)), 10) == "[0, 1, ..."
    assert short(Unspeakable()) == "a Unspeakable"


def test_fits_binds_the_arguments():
    assert fits(lambda a, b: 0, (1, 2))
    assert not fits(lambda a, b: 0, (1,))
    assert fits(lambda a, lr: 0, (1,), lr=0.1)
    assert not fits(lambda a: 0, (1,), lr=0.1)
    assert fits(dict.fromkeys, (1,))  # says nothing of its arguments, or fits
    assert fits(print, (1, 2, 3))


def test_classes_of_the_learner_are_told_from_those_of_libraries():
    assert is_own(OwnBase)
    assert not any(is_own(kind) for kind in (int, torch.Tensor, np.ndarray, np.float64, Printed, threading.Thread))
