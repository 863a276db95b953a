"""The laws of the house: imports only point up the list of rooms, and some rooms never reach others, however far."""

import ast
import re
import subprocess
import sys
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "gdviz"
ROOMS = {  # room, a file or a folder of gdviz: which others its files may import
    "progress": set(),
    "style": set(),
    "hyperparameters": set(),
    "tables": {"hyperparameters"},
    "optimizers": {"hyperparameters"},
    "surfaces": {"hyperparameters", "progress"},
    "data": {"hyperparameters", "tables"},
    "minibatches": {"hyperparameters"},
    "doors": {"hyperparameters", "optimizers"},
    "trajectory": {"hyperparameters"},
    "descent": {"doors", "hyperparameters", "optimizers", "progress", "trajectory"},
    "theory": {"descent", "hyperparameters", "minibatches", "surfaces"},
    "pictures": {"style"},
    "plots": {"descent", "pictures", "style", "surfaces"},
    "networks": {"doors", "hyperparameters", "minibatches", "optimizers", "progress", "surfaces"},
    "player": {"pictures", "progress", "style"},
    "clinic": {"data", "doors", "hyperparameters", "networks", "progress", "tables"},
    "exercises": {"descent", "doors", "hyperparameters", "optimizers", "pictures", "player", "style", "surfaces"},
    "views": {"descent", "minibatches", "networks", "optimizers", "pictures", "player", "plots", "style", "surfaces"}
    | {"clinic", "hyperparameters", "theory"},
    "__init__": {"data", "descent", "optimizers", "surfaces"},
}
DRAWING = ("matplotlib", "PIL", "ipywidgets", "anywidget", "IPython", "traitlets")
WIDGETS = ("ipywidgets", "anywidget")
LOSSES = ("gdviz.optimizers", "gdviz.surfaces", "gdviz.data", "gdviz.descent", "gdviz.theory", "gdviz.networks")
NEVER = {  # a module: what of it and all that it imports may never be
    **dict.fromkeys(
        ("optimizers", "surfaces", "data", "trajectory", "descent", "minibatches", "theory", "networks", "clinic"),
        DRAWING,
    ),
    "player": LOSSES,
    "exercises": WIDGETS,
    "exercises.checks": (*WIDGETS, "gdviz.player"),
}


def module_of(path):
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {module_of(path): path for path in PACKAGE.rglob("*.py")}


def room(module):
    return (*module.split("."), "__init__")[1]


@cache
def imported(module, deep):
    """The modules that one imports as soon as it is imported itself; deep: also those within its functions."""
    tree, found = ast.parse(FILES[module].read_text(encoding="utf-8")), set()
    for node in ast.walk(tree) if deep else at_once(tree):
        if isinstance(node, ast.ImportFrom):
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names if f"{node.module}.{alias.name}" in FILES}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found | {name.rpartition(".")[0] for name in found if name in FILES} - {
        ""
    }  # a package comes before its files


def at_once(node):
    """The nodes that run when a module is imported: not those of functions, nor what only a type checker reads."""
    if isinstance(node, ast.FunctionDef) or (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)):
        return
    yield node
    for child in ast.iter_child_nodes(node):
        yield from at_once(child)


def reached(module):
    """All that is imported when a module is, its own packages and what they import too."""
    found, new = set(), {module}
    while new:
        found |= new
        new = set().union(*(imported(name, False) for name in new if name in FILES)) - found - {"gdviz"}
    return found


@pytest.mark.slow
def test_imports_only_point_up_the_list():
    between = {}
    for module in FILES:
        rooms = {room(name) for name in imported(module, True) if name.startswith("gdviz.")}
        between.setdefault(room(module), set()).update(rooms - {room(module)})
    assert set(between) == set(ROOMS), "a new room: say here what it may import"
    assert {name: extra for name in between if (extra := between[name] - ROOMS[name])} == {}
    assert {name: spare for name in between if (spare := ROOMS[name] - between[name])} == {}
    order = list(ROOMS)
    assert [(name, other) for name in order for other in ROOMS[name] if order.index(other) > order.index(name)] == []


@pytest.mark.parametrize("start", NEVER)
def test_a_room_never_reaches_however_far(start):
    modules = [name for name in FILES if name == f"gdviz.{start}" or name.startswith(f"gdviz.{start}.")]
    if start == "exercises":
        modules.remove("gdviz.exercises.predictions")  # which asks before a picture moves, in widgets
    assert modules
    for module in modules:
        met = {name for name in reached(module) if name.startswith(tuple(NEVER[start]))}
        assert met == set(), module


def test_no_file_imports_itself_on_the_way():
    links = {
        name: {other for other in imported(name, False) & set(FILES) if not name.startswith(other)} for name in FILES
    }
    TopologicalSorter(links).prepare()  # else a CycleError, which names them


@pytest.mark.slow
@pytest.mark.parametrize("imports", ["gdviz", "gdviz.descent, gdviz.theory, gdviz.networks"])
def test_what_computes_loads_no_matplotlib_and_no_widget(imports):
    names = ("matplotlib", "ipywidgets", "anywidget", "sklearn", "pandas", "PIL")
    code = f"import sys, {imports}; print([name for name in {names} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.mark.slow
def test_checks_load_no_widget():
    code = "import sys; from gdviz.exercises import check_rule, my; print([w for w in ('ipywidgets', 'anywidget', "
    code += "'gdviz.player') if w in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


LONGEST = 300  # lines: what is longer holds more than one subject


@pytest.mark.parametrize("ending", ["py", "mjs"])
def test_no_file_is_too_long_to_be_read_at_once(ending):
    lengths = {path.name: len(path.read_text(encoding="utf-8").splitlines()) for path in PACKAGE.rglob(f"*.{ending}")}
    assert {name: length for name, length in lengths.items() if length > LONGEST} == {}


def test_no_two_modules_of_the_view_have_a_name_in_common():
    """They are joined as text, and then share one scope."""
    texts = [path.read_text(encoding="utf-8") for path in (PACKAGE / "player" / "static").glob("*.mjs")]
    found = [re.findall(r"^(?:export )?(?:async )?(?:function|const) (\w+)", text, re.M) for text in texts]
    names = [name for some in found for name in some]
    assert len(names) > 30
    assert [name for name in names if names.count(name) > 1] == []
