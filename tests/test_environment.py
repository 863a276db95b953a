"""environment.yml says to conda and Binder what pyproject.toml says to pip."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
RUN = {Requirement(text).name: Requirement(text).specifier for text in PROJECT["dependencies"]}
TEST = {Requirement(text).name: Requirement(text).specifier for text in PROJECT["optional-dependencies"]["test"]}
CONDA = {"torch": "pytorch-cpu", "matplotlib": "matplotlib-base"}  # where conda-forge's name is another

ENVIRONMENT = yaml.safe_load((ROOT / "environment.yml").read_text())
PYTHON, *LISTED, BY_PIP = ENVIRONMENT["dependencies"]
BOUNDS = {Requirement(text).name: Requirement(text).specifier for text in LISTED}


@pytest.mark.parametrize("name", RUN)
def test_conda_has_every_run_time_dependency_with_its_bound(name):
    """With one missing, pip would fetch it from PyPI: for torch, gigabytes of CUDA."""
    assert BOUNDS[CONDA.get(name, name)] == RUN[name]


def test_what_else_it_has_opens_and_tests_notebooks():
    others = set(BOUNDS) - {CONDA.get(name, name) for name in RUN}
    assert others == {"jupyterlab", "nbval", "pip"}
    assert {name: BOUNDS[name] for name in others & set(TEST)} == {name: TEST[name] for name in others - {"pip"}}


def test_python_is_one_minor_version_that_the_package_takes():
    """Binder has a frozen base for `python=3.12`; `python>=3.12` and `python=3.12.*` give it another one."""
    assert re.fullmatch(r"python=3\.\d+", PYTHON)
    assert Requirement(f"python{PROJECT['requires-python']}").specifier.contains(PYTHON.removeprefix("python="))


def test_conda_forge_is_the_only_channel():
    assert ENVIRONMENT["channels"] == ["conda-forge", "nodefaults"]


def test_pip_installs_this_package_alone():
    assert BY_PIP == {"pip": ["-e ."]}


def test_nothing_hides_it_from_binder():
    """repo2docker looks into binder/ and .binder/ first, and then no longer at the root."""
    assert [name for name in ("binder", ".binder", "Dockerfile") if (ROOT / name).exists()] == []
