"""What a learner's rule reads from the page around it, and what it keeps there."""

import contextlib
import copy
import dis
import inspect
from collections.abc import Callable, Iterator
from functools import partial
from numbers import Number
from types import CodeType
from typing import Any

import numpy as np
import torch

from gdviz.exercises.sandbox import is_own
from gdviz.hyperparameters import short

DATA = (Number, torch.Tensor, np.ndarray, list, dict, set, type(None))  # what is copied, so that it stays as it was


def functions(thing: Any) -> list[Callable]:
    """The learner's own functions in a thing: itself, or the methods of its class."""
    kind = thing if isinstance(thing, type) else type(thing)
    found = [thing] if inspect.isfunction(thing) else vars(kind).values() if is_own(kind) else []
    return [inspect.unwrap(function) for function in found if inspect.isfunction(function)]


def names(code: CodeType) -> Iterator[str]:
    """The names that a function, with those defined in it, reads from its page or writes to it."""
    yield from (line.argval for line in dis.get_instructions(code) if line.opname in ("LOAD_GLOBAL", "STORE_GLOBAL"))
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from names(inner)


@contextlib.contextmanager
def on_copies(thing: Any) -> Iterator[None]:
    """A block in which a thing finds copies of the data of its page and its class; what it keeps there is then gone."""
    before = list(_kept(thing))
    for put, name, value in before:
        with contextlib.suppress(RuntimeError):  # a tensor within a graph
            put(name, copy.deepcopy(value))
    try:
        yield
    finally:
        for put, name, value in before:
            put(name, value)


def _kept(thing: Any) -> Iterator[tuple[Callable, str, Any]]:
    """What puts a value back, its name, and the value: of the page, as far as it is read, and of the class."""
    for function in functions(thing):
        page = function.__globals__
        for name in set(names(function.__code__)) & page.keys():
            if isinstance(page[name], DATA):
                yield page.__setitem__, name, page[name]
    kind = thing if isinstance(thing, type) else type(thing)
    for name, value in vars(kind).items() if is_own(kind) else ():
        if isinstance(value, DATA) and not name.startswith("__"):
            yield partial(setattr, kind), name, value


def read_from_the_page(thing: Any, numbers: dict[str, Any]) -> str:
    """A sentence if one of these numbers of a rule is read from the page, where that name has another value."""
    for function in functions(thing):
        page = function.__globals__
        for name in numbers.keys() & page.keys() & set(names(function.__code__)):
            if not (isinstance(page[name], Number) and page[name] == numbers[name]):
                return f"`{name}` is read from the page, where it is {short(page[name], 40)}: {_own(thing, name)}."
    return ""


def read_for_another(function: Callable, given: list[str]) -> str:
    """A sentence if a function leaves an argument alone, and reads a number of the page, perhaps in its place."""
    if not inspect.isfunction(function):
        return ""
    code, page = function.__code__, function.__globals__
    used = {line.argval for line in dis.get_instructions(code) if line.opname.startswith("LOAD")}
    used |= {name for line in dis.get_instructions(code) if isinstance(line.argval, tuple) for name in line.argval}
    left = [name for name in given if name not in used]
    read = [name for name in dict.fromkeys(names(code)) if isinstance(page.get(name), Number)]
    if len(left) != 1 or len(read) != 1:
        return ""
    return f"`{read[0]}` is read from the page, where it is {short(page[read[0]], 40)}: is {left[0]} meant?"


def _own(thing: Any, name: str) -> str:
    kind = thing if isinstance(thing, type) else type(thing)
    if inspect.isfunction(thing):
        return "take it as an argument of the function"
    return f'take group["{name}"]' if issubclass(kind, torch.optim.Optimizer) else f"write self.{name}"
