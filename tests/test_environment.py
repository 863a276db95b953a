"""environment.yml says to conda what pyproject.toml says to pip; the settings of CLASSROOM.md can be read."""

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from urllib.parse import parse_qs

import pytest
import yaml
from jupyter_server.services.kernels.kernelmanager import MappingKernelManager
from packaging.requirements import Requirement
from traitlets.config import Config

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
RUN = {Requirement(text).name: Requirement(text).specifier for text in PROJECT["dependencies"]}
TEST = {Requirement(text).name: Requirement(text).specifier for text in PROJECT["optional-dependencies"]["test"]}
CONDA = {"torch": "pytorch-cpu", "matplotlib": "matplotlib-base"}  # where conda-forge's name is another

ENVIRONMENT = yaml.safe_load((ROOT / "environment.yml").read_text())
PYTHON, *LISTED, BY_PIP = ENVIRONMENT["dependencies"]
CLASSROOM = (ROOT / "CLASSROOM.md").read_text()
BOUNDS = {Requirement(text).name: Requirement(text).specifier for text in LISTED}


@pytest.mark.parametrize("name", RUN)
def test_conda_has_every_run_time_dependency_with_its_bound(name):
    """With one missing, pip would fetch it from PyPI: for torch, gigabytes of CUDA."""
    assert BOUNDS[CONDA.get(name, name)] == RUN[name]


def test_what_else_it_has_opens_and_tests_notebooks():
    others = set(BOUNDS) - {CONDA.get(name, name) for name in RUN}
    assert others == {"jupyterlab", "nbval", "pip"}
    assert [BOUNDS[name] == TEST[name] for name in ("jupyterlab", "nbval")] == [True, True]


def test_python_is_one_minor_version_that_the_package_takes():
    """repo2docker reads what follows the = and takes the base for it; a >= it does not see."""
    assert re.fullmatch(r"python=3\.\d+", PYTHON)
    assert Requirement(f"python{PROJECT['requires-python']}").specifier.contains(PYTHON.removeprefix("python="))


def test_conda_forge_is_the_only_channel():
    assert ENVIRONMENT["channels"] == ["conda-forge", "nodefaults"]


def test_pip_installs_this_package_alone():
    assert BY_PIP == {"pip": ["-e ."]}


def test_nothing_hides_it_from_binder():
    """repo2docker looks into binder/ and .binder/ first, and then no longer at the root."""
    assert [name for name in ("binder", ".binder", "Dockerfile") if (ROOT / name).exists()] == []


def test_the_link_for_a_class_opens_a_notebook_that_is_there():
    (link,) = re.findall(r"^https://<hub>/hub/user-redirect/git-pull\?(.*)$", CLASSROOM, re.MULTILINE)
    options = {name: value for name, (value,) in parse_qs(link, strict_parsing=True).items()}
    assert list(options) == ["repo", "branch", "targetPath", "urlpath"]
    assert options["repo"] == PROJECT["urls"]["Repository"]
    begin, query = f"lab/tree/{options['targetPath']}/", "?autodecode"
    assert options["urlpath"].startswith(begin)
    assert options["urlpath"].endswith(query)
    assert (ROOT / options["urlpath"].removeprefix(begin).removesuffix(query)).is_file()


def test_its_settings_can_be_read_and_bound_the_same_threads():
    bound = dict.fromkeys(["OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"], "1")
    (line,) = re.findall(r"^echo '(.*)' \|$", CLASSROOM, re.MULTILINE)
    config = Config()
    exec(line, {"c": config})
    assert config.Spawner.environment.get_value({"PATH": "/bin"}) == {"PATH": "/bin"} | bound
    (values,) = re.findall(r"^```yaml\n(.*?)^```", CLASSROOM, re.MULTILINE | re.DOTALL)
    assert yaml.safe_load(values)["singleuser"]["extraEnv"] == bound
    (kernels,) = re.findall(r"`(\{\"MappingKernelManager.*\})`", CLASSROOM)
    for name, value in json.loads(kernels)["MappingKernelManager"].items():
        assert isinstance(value, type(getattr(MappingKernelManager(), name)))


def test_binder_starts_with_one_thread():
    show = [sys.executable, "-c", "import os; print(os.environ['OMP_NUM_THREADS'])"]
    assert subprocess.run(["bash", ROOT / "start", *show], capture_output=True, text=True, check=True).stdout == "1\n"


@pytest.mark.parametrize(("user", "given"), [("0", True), ("1000", False)])
def test_make_lab_opens_in_a_container_too_where_one_is_root(tmp_path, user, given):
    (tmp_path / "id").write_text(f"#!/bin/sh\necho {user}\n")
    (tmp_path / "id").chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    told = subprocess.run(
        ["make", "-n", "lab"], cwd=ROOT, env=os.environ | {"PATH": path}, check=True, capture_output=True, text=True
    ).stdout
    assert ("jupyter lab --allow-root" in told) == given
