"""What Colab gets: gdviz by the first cell of a notebook, and a player as one message that has a picture, too."""

import base64
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from contextlib import contextmanager
from pathlib import Path

import ipywidgets
import nbformat
import pytest
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import KernelManager

import gdviz

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
FIRST = {path.stem: next(c.source for c in nbformat.read(path, 4).cells if c.cell_type == "code") for path in NOTEBOOKS}
VIEW = "application/vnd.jupyter.widget-view+json"
PLAYER = """
import matplotlib.pyplot as plt
import numpy as np
from gdviz.player import Player

figure, ax = plt.subplots()
player = Player(figure, {"step": range(3), "rate": [0.1, 0.2]}, caption="A walk.")
player.path(ax, np.zeros((3, 2, 2)))
player
"""


@contextmanager
def kernel(folder, python, env):
    """run(code) -> the messages that a front end gets for this cell, from a kernel of this Python."""
    spec = {"argv": [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"], "language": "python"}
    (folder / "kernels" / "this").mkdir(parents=True)
    (folder / "kernels" / "this" / "kernel.json").write_text(json.dumps(spec | {"display_name": "this"}))
    specs = KernelSpecManager(kernel_dirs=[str(folder / "kernels")])
    manager = KernelManager(kernel_name="this", kernel_spec_manager=specs)
    manager.start_kernel(env=env, cwd=str(folder))
    client = manager.client()
    client.start_channels()

    def run(code):
        messages = []
        client.execute_interactive(code, output_hook=messages.append, allow_stdin=False, timeout=300)
        return [(message["msg_type"], message["content"]) for message in messages]

    try:
        client.wait_for_ready(timeout=300)
        yield run
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def printed(messages):
    """What a cell that raises nothing prints."""
    for kind, content in messages:
        assert kind != "error", "\n".join(content["traceback"])
    return "".join(content["text"] for kind, content in messages if kind == "stream")


@pytest.mark.slow
def test_a_player_is_one_display_data_of_picture_words_and_view_in_the_output_of_its_controls_and_links(tmp_path):
    with kernel(tmp_path, sys.executable, os.environ | {"PYTHONPATH": str(ROOT)}) as run:
        messages = run(PLAYER)
    assert printed(messages) == ""
    ((kind, shown),) = [message for message in messages if message[0] in ("display_data", "execute_result")]
    assert kind == "display_data"
    assert set(shown["data"]) == {"text/plain", "image/png", VIEW}
    assert shown["data"]["text/plain"].startswith("A walk. Sliders: step 0 to 2")
    assert shown["metadata"]["image/png"]["alt"] == shown["data"]["text/plain"]
    assert base64.b64decode(shown["data"]["image/png"]).startswith(b"\x89PNG\r\n")
    assert shown["data"][VIEW]["version_major"] == 2
    opened = [content for kind, content in messages if kind == "comm_open"]
    models = {content["comm_id"]: content["data"]["state"]["_model_name"] for content in opened}
    assert models[shown["data"][VIEW]["model_id"]] == "VBoxModel"
    assert list(models.values()).count("LinkModel") == 2


@pytest.mark.skipif(not ipywidgets.__version__.startswith("7"), reason="needs the packages of Colab: make test-colab")
def test_the_first_cell_brings_gdviz_in_one_line_replaces_nothing_and_then_does_nothing(tmp_path):
    python, env = colab(tmp_path)
    before = packages(python, env)
    with kernel(tmp_path, python, env) as run:
        said = printed(run(FIRST["01_linear_regression"]))
        assert said.count("\n") <= 1, said
        package = Path(printed(run("import gdviz; print(gdviz.__path__[0])")).strip())
        assert package.is_relative_to(tmp_path)
        assert files(package) == files(ROOT / "gdviz")
        after = packages(python, env)
        assert (after - before, before - after) == ({("gdviz", gdviz.__version__)}, set())
        run("asked = []\nget_ipython().register_magic_function(asked.append, magic_name='pip')")
        assert {printed(run(source)) for source in FIRST.values()} <= {"", "All parts are there. Go on.\n"}
        assert printed(run("print(asked)")) == "[]\n"


def colab(folder):
    """The Python of a new environment that sees the packages of this one, and the variables it runs with.

    With these git finds the address of the first cell in a repository made of the files here, and pip follows no
    settings of this machine (a mirror, say, that warns).
    """
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "venv"], check=True)
    site = sysconfig.get_path("purelib", vars={"base": str(folder / "venv")})
    Path(site, "here.pth").write_text(sysconfig.get_path("purelib"))
    address = re.search(r"git\+(\S+)", FIRST["01_linear_regression"])[1]
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    env |= {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_VALUE_0": address}
    env |= {"GIT_CONFIG_KEY_0": f"url.{repository(folder)}.insteadOf"}
    env |= {"PIP_CONFIG_FILE": os.devnull, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    return folder / "venv" / "bin" / "python", env


def repository(folder):
    """The address of a git repository with what is needed here to install gdviz."""
    here = folder / "repository"
    parts = ("gdviz", "pyproject.toml", "README.md", "LICENSE", "LICENSE-text")
    for name in git(ROOT, "ls-files", "--cached", "--others", "--exclude-standard", *parts).splitlines():
        if (ROOT / name).exists():
            (here / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, here / name)
    git(here, "init", "--quiet")
    git(here, "add", ".")
    git(here, "-c", "user.name=x", "-c", "user.email=x", "commit", "--quiet", "--message=x")
    return here.as_uri()


def git(folder, *words):
    return subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True, text=True).stdout


def packages(python, env):
    """Name and version of each package that this Python sees."""
    listed = subprocess.run([python, "-m", "pip", "list", "--format=json"], env=env, check=True, capture_output=True)
    return {(package["name"], package["version"]) for package in json.loads(listed.stdout)}


def files(folder):
    return {path.relative_to(folder) for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc"}
