"""Imports only point up the list of rooms, and the core loads neither matplotlib nor a widget."""

import ast
import subprocess
import sys
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "gdviz"
DRAWING = {"descent", "limits", "marks", "player", "plots", "sliders", "style", "surfaces", "words"}
ROOMS = {  # room: what of gdviz it may know
    "progress": set(),
    "hyperparameters": set(),
    "calls": set(),
    "broadcasts": {"calls"},
    "optimizers": {"hyperparameters"},
    "settled": {"calls", "hyperparameters", "optimizers"},
    "surfaces": {"progress"},
    "tables": set(),
    "data": {"tables"},
    "minibatches": set(),
    "ngrams": set(),
    "noise": {"hyperparameters", "minibatches"},
    "descent": {"broadcasts", "calls", "hyperparameters", "optimizers", "progress", "settled"},
    "torch_optimizer": {"calls", "hyperparameters", "optimizers"},
    "examples": {"calls", "hyperparameters"},
    "pairs": {"broadcasts", "calls", "examples"},
    "doors": {"calls", "examples", "hyperparameters", "minibatches"},
    "training": {"progress", "calls", "doors", "examples", "minibatches", "pairs"},
    "landscape": {"calls", "examples", "hyperparameters", "pairs", "surfaces"},
    "style": set(),
    "words": set(),
    "limits": set(),
    "marks": {"style", "words"},
    "levels": {"limits", "marks", "surfaces"},
    "plots": {"descent", "levels", "limits", "marks", "style", "surfaces", "words"},
    "twin": {"marks", "words"},
    "sliders": set(),
    "film": {"plots", "progress"},
    "export": {"film", "marks"},
    "cells": set(),
    "player": {"cells", "export", "limits", "marks", "sliders", "plots", "style", "twin", "words"},
    "views": DRAWING,
    "views_rate": DRAWING | {"views"},
    "views_noise": DRAWING | {"minibatches", "noise", "optimizers", "views"},
    "views_momentum": DRAWING | {"levels", "optimizers", "views"},
    "views_names": DRAWING | {"views"},
    "views_zoo": DRAWING | {"views"},
    "views_training": DRAWING | {"landscape", "views"},
    "time_limit": set(),
    "guard": {"time_limit"},
    "feedback": {"guard", "style"},
    "known_mistakes": set(),
    "mistakes": {"known_mistakes", "optimizers"},
    "page": {"guard"},
    "walks": {"guard", "optimizers", "page"},
    "memory": {"optimizers", "page", "walks"},
    "diagnosis": {"memory", "optimizers", "walks"},
    "rule_checks": {"diagnosis", "mistakes", "optimizers", "page", "walks"},
    "check_pictures": {"optimizers", "plots", "rule_checks", "style", "walks"},
    "predictions": {"guard", "player"},
    "surface_check": {"descent", "feedback", "guard", "surfaces"},
    "outputs": {"guard"},
    "exercises": {"check_pictures", "descent", "feedback", "guard", "optimizers", "outputs", "predictions"}
    | {"rule_checks", "surface_check", "walks"},
    "__init__": {"data", "descent", "optimizers", "surfaces"},
}


def imported(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module == "gdviz":
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("gdviz."):
            yield node.module.split(".")[1]
        elif isinstance(node, ast.Import):
            yield from (alias.name.split(".")[1] for alias in node.names if alias.name.startswith("gdviz."))


def test_imports_only_point_up():
    found = {path.stem: set(imported(path)) for path in PACKAGE.glob("*.py")}
    assert set(found) == set(ROOMS), "a new room: say here what it may import"
    assert {room: extra for room in found if (extra := found[room] - ROOMS[room])} == {}


def test_import_gdviz_loads_no_matplotlib_and_no_widget():
    names = ("matplotlib", "ipywidgets", "anywidget", "sklearn", "pandas")
    code = f"import sys, gdviz; print([name for name in {names} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
