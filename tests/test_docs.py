"""The docstrings: each example runs, and all that is public says what it takes, returns and refuses."""

import doctest
import importlib
import inspect
import re
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import pytest
import torch

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "gdviz"
sys.path.append(str(ROOT / "notebooks" / "tools"))
PUBLIC = importlib.import_module("documents").PUBLIC
FILES = sorted(".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts) for path in PACKAGE.rglob("*.py"))
FILES = [name.removesuffix(".__init__") for name in FILES]


@pytest.mark.parametrize("name", FILES)
def test_examples_run(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # what an example saves
    module = importlib.import_module(name)
    names = vars(module) | {"torch": torch, "plt": plt, "__name__": "__main__"}
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    said = []
    runner = doctest.DocTestRunner(optionflags=flags)
    for test in doctest.DocTestFinder(exclude_empty=True).find(module, name, globs=names):
        runner.run(test, out=said.append)
    assert not runner.failures, "".join(said)


IN_RULE = ("init", "update", "probe", "answer")  # explained there, once


def public(module):
    """Name -> each function and class that a module hands on, and the methods of these classes."""
    names = getattr(module, "__all__", None) or [
        name
        for name, thing in vars(module).items()
        if not name.startswith("_") and getattr(thing, "__module__", "") == module.__name__
    ]
    found = {name: getattr(module, name) for name in names}
    found = {name: thing for name, thing in found.items() if inspect.isfunction(thing) or inspect.isclass(thing)}
    for name, thing in list(found.items()):
        methods = vars(thing).items() if inspect.isclass(thing) else ()
        for method, what in methods:
            what = getattr(what, "__func__", what)
            if inspect.isfunction(what) and method[0] != "_" and method not in IN_RULE:
                found[f"{name}.{method}"] = what
    return found


def sections(thing):
    """Heading -> what stands under it in the docstring, indented."""
    parts = re.split(r"^(Args|Attributes|Returns|Yields|Raises|Examples?):\n", inspect.getdoc(thing) or "", flags=re.M)
    return dict(zip(parts[1::2], parts[2::2]))


def missing(name, thing):
    """What a reader, or a tool, does not find in the docstring."""
    found = sections(thing)
    try:
        parameters = [p for p in inspect.signature(thing).parameters if p not in ("self", "cls")]
    except ValueError:
        parameters = []
    if getattr(thing, "_is_protocol", False) or (inspect.isclass(thing) and issubclass(thing, BaseException)):
        parameters = []
    said = found.get("Args", "") + found.get("Attributes", "")
    yield from (f"Args: {p}" for p in parameters if not re.search(rf"^ +\*{{0,2}}{p}\b[^:\n]*:", said, re.M))
    if inspect.isfunction(thing):
        returned = inspect.signature(thing).return_annotation
        if returned not in (None, "None", inspect.Signature.empty) and not {"Returns", "Yields"} & set(found):
            yield "Returns"
        if re.search(r"^\s+raise \w+Error", inspect.getsource(thing), re.M) and "Raises" not in found:
            yield "Raises"
    if "." not in name and not re.search(r"^ *>>> ", inspect.getdoc(thing) or "", re.M):
        yield "Example"


@pytest.mark.parametrize("name", PUBLIC)
def test_what_is_public_says_what_it_takes_returns_and_refuses(name):
    module = importlib.import_module(name)
    things = public(module)
    assert things
    assert {name: gaps for name, thing in things.items() if (gaps := list(missing(name, thing)))} == {}
