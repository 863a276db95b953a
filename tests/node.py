"""Descents repeated in node by the very module that a page runs, for the tests and a benchmark."""

import base64
import json
import shutil
import subprocess
from pathlib import Path

import torch

from gdviz.player import scripts
from gdviz.views.formula import formula

HERE = Path(__file__).parent


def node():
    """The program node: this machine's, or playwright's own."""
    if found := shutil.which("node"):
        return found
    from playwright._impl._driver import compute_driver_executable

    return compute_driver_executable()[0]


def case(run):
    """A run without axes of runs, with its formula, as formula.node.mjs takes it."""
    found = formula(run)
    states = [torch.as_tensor(part) for part in run.states]
    arrays = {"params": run.params, "losses": run.losses, "grads": run.grads}
    return found | arrays | {"states": states, "rates": found["rates"]}


def repeated(groups, how="", module=scripts.STATIC / "formula.mjs"):
    """What node says of each group of cases: their largest differences, or how many ms they take together."""

    def written(value):
        data = value if isinstance(value, bytes) else value.double().contiguous().numpy().tobytes()
        return {"base64": base64.b64encode(data).decode()}

    command = [node(), str(HERE / "formula.node.mjs"), str(module), how]
    ran = subprocess.run(command, input=json.dumps(groups, default=written), capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    return [[float("inf") if one is None else one for one in found] if isinstance(found, list) else found
            for found in json.loads(ran.stdout)]  # fmt: skip
