"""What a fork inherits (workflows, forms, metadata, the installation) holds together, as far as can be tried here."""

import importlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from datetime import date
from pathlib import Path

import pytest
import yaml
from sklearn import datasets

import gdviz

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT / "notebooks" / "tools"))
write_links = importlib.import_module("write_links")
GITHUB = ROOT / ".github"
WORKFLOWS = {path.stem: yaml.load(path.read_text(), yaml.BaseLoader) for path in (GITHUB / "workflows").glob("*.yml")}
FORMS = {path.stem: yaml.safe_load(path.read_text()) for path in (GITHUB / "ISSUE_TEMPLATE").glob("*.yml")}
CONFIG = FORMS.pop("config")
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text())
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
COMMANDS = {  # what a workflow may run: what a person runs, and what brings ffmpeg, WebKit, Orca and the newest torch
    "make test",
    "make test-slow",
    "make site",
    "make .venv/ready",
    ".venv/bin/python -m pip install --upgrade torch",
    "sudo apt-get update && sudo apt-get install --yes "
    "ffmpeg webkit2gtk-driver xvfb orca at-spi2-core dbus-x11 openbox xdotool",
}
STEPS = [step for flow in WORKFLOWS.values() for job in flow["jobs"].values() for step in job["steps"]]


def test_workflows_run_the_commands_that_people_run():
    assert {step["run"] for step in STEPS if "run" in step} == COMMANDS
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M)
    assert {"test", "site"} <= set(targets)


def test_workflows_use_github_s_own_actions_by_major_version():
    used = {step["uses"] for step in STEPS if "uses" in step}
    assert all(re.fullmatch(r"actions/[\w-]+@v\d+", name) for name in used)
    assert len(used) == len({name.partition("@")[0] for name in used}), "one version of each"


def test_the_tests_run_on_three_systems_and_on_every_python_that_is_named():
    runs = WORKFLOWS["test"]["jobs"]["test"]["strategy"]["matrix"]["include"]
    assert {run["os"] for run in runs} == {"ubuntu-latest", "macos-latest", "windows-latest"}
    pythons = sorted({run["python"] for run in runs if run["os"] == "ubuntu-latest"})
    names = [f"Programming Language :: Python :: {python}" for python in pythons]
    assert [name for name in PROJECT["project"]["classifiers"] if "Python :: 3." in name] == names
    assert PROJECT["project"]["requires-python"] == f">={pythons[0]}"


def test_only_the_page_that_publishes_may_write():
    for flow in WORKFLOWS.values():
        for name, job in flow["jobs"].items():
            rights = job.get("permissions", flow["permissions"])
            assert set(rights.values()) == ({"write"} if name == "publish" else {"read"})


def test_the_site_waits_until_it_is_switched_on():
    build, publish = WORKFLOWS["site"]["jobs"]["build"], WORKFLOWS["site"]["jobs"]["publish"]
    assert build["if"] == "vars.PAGES == 'true' || github.event_name == 'workflow_dispatch'"
    assert publish["needs"] == "build"
    assert 'ROOT / "site"' in (ROOT / "notebooks" / "tools" / "write_site.py").read_text()
    assert build["steps"][-1]["with"] == {"path": "site"}


def test_the_newest_torch_is_tried_every_week():
    (when,) = WORKFLOWS["newest-torch"]["on"]["schedule"]
    assert re.fullmatch(r"\d+ \d+ \* \* [0-6]", when["cron"])


@pytest.mark.parametrize("name", FORMS)
def test_a_form_has_what_github_asks_of_it(name):
    form = FORMS[name]
    assert {"name", "description", "labels", "body"} == set(form)
    ids = [field["id"] for field in form["body"]]
    labels = [field["attributes"]["label"] for field in form["body"]]
    assert len(set(ids)) == len(set(labels)) == len(form["body"])
    assert {field["type"] for field in form["body"]} <= {"input", "textarea", "dropdown", "checkboxes"}
    assert any(field.get("validations", {}).get("required") for field in form["body"])


def test_the_line_that_a_bug_report_asks_for_prints_the_versions(capsys):
    (field,) = (field for field in FORMS["bug"]["body"] if field["id"] == "versions")
    exec(re.search("`(.*)`", field["attributes"]["description"])[1], {})
    assert f"gdviz {gdviz.__version__} torch 2." in capsys.readouterr().out


def test_the_version_stands_in_one_place_and_citation_and_changelog_follow():
    assert "version" not in PROJECT["project"]
    assert PROJECT["project"]["dynamic"] == ["version"]
    assert (ROOT / PROJECT["tool"]["hatch"]["version"]["path"]).samefile(gdviz.__file__)
    releases = re.findall(r"^## (\S+) - (\S+)$", (ROOT / "CHANGELOG.md").read_text(), re.M)
    assert releases[0] == (CITATION["version"], CITATION["date-released"]) == (gdviz.__version__, releases[0][1])
    assert [date.fromisoformat(day) for _, day in releases] == sorted((date.fromisoformat(d) for _, d in releases))[
        ::-1
    ]


def test_the_citation_says_what_the_metadata_say():
    project = PROJECT["project"]
    assert CITATION["repository-code"] == project["urls"]["Repository"]
    assert CITATION["license"] == project["license"]
    assert [author["name"] for author in CITATION["authors"]] == [author["name"] for author in project["authors"]]
    assert set(CITATION["keywords"]) <= set(project["keywords"])


def test_ruff_has_one_version():
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    (rev,) = (repo["rev"] for repo in hooks if repo["repo"].endswith("ruff-pre-commit"))
    assert f"\nruff=={rev.removeprefix('v')}\n" in (ROOT / "requirements.txt").read_text()


def test_a_codespace_installs_as_make_lab_does():
    container = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text())
    assert container["postCreateCommand"] in COMMANDS
    assert container["forwardPorts"] == [8888]  # JupyterLab's
    python = container["image"].rpartition(":")[2]
    assert f"Programming Language :: Python :: {python}" in PROJECT["project"]["classifiers"]


@pytest.mark.parametrize("name", ["CHANGELOG.md", "CODE_OF_CONDUCT.md", ".github/PULL_REQUEST_TEMPLATE.md"])
def test_links_lead_to_files(name):
    for target in re.findall(r"\]\(([^)]+)\)", (ROOT / name).read_text()):
        assert target.startswith("https://") or ((ROOT / name).parent / target).exists(), target


def test_the_addresses_of_the_metadata_are_those_of_the_repository():
    here, urls = write_links.place(), PROJECT["project"]["urls"]
    assert (urls["Repository"], urls["Issues"]) == (here.url, here.pages + "issues")
    assert urls["Notebooks"] == f"{here.pages}tree/{here.branch or 'HEAD'}/notebooks"
    assert urls["Changelog"] == here.page("CHANGELOG.md")
    assert CONFIG["contact_links"][0]["url"] == here.page("CONTRIBUTING.md")


def test_the_table_of_scikit_learn_has_its_notice_beside_it():
    notice = (ROOT / "gdviz" / "data" / "LICENSE.diabetes").read_text()
    described = (Path(datasets.__file__).parent / "descr" / "diabetes.rst").read_text()
    assert re.search(r"https://www4\S+diabetes.html", described)[0] in notice
    for words in (
        "Efron",
        "Least Angle Regression",
        "The scikit-learn developers",
        "BSD 3-Clause",
        "WITHOUT ANY WARRANTY",
    ):
        assert words.replace("WITHOUT ANY WARRANTY", "IMPLIED WARRANTIES") in notice
    for name in PROJECT["project"]["license-files"]:
        assert (ROOT / name).is_file()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel's files; where hatchling is not installed, what it would pack: all that git knows of the package."""
    packed = tmp_path_factory.mktemp("wheel") / "gdviz.whl"
    if importlib.util.find_spec("hatchling"):
        command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--quiet"]
        subprocess.run([*command, "--wheel-dir", packed.parent, ROOT], check=True)
        (packed,) = packed.parent.glob("*.whl")
    else:
        assert PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"] == {"packages": ["gdviz"]}
        tracked = subprocess.run(["git", "ls-files", "gdviz"], cwd=ROOT, capture_output=True, text=True, check=True)
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in tracked.stdout.splitlines():
                archive.write(ROOT / name, name)
    return packed


def test_the_wheel_is_small_typed_and_holds_no_tool(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert wheel.stat().st_size < 500_000
    package = [name for name in names if name.startswith("gdviz/")]
    assert {
        "gdviz/py.typed",
        "gdviz/data/diabetes.csv",
        "gdviz/data/LICENSE.diabetes",
        "gdviz/data/names/LICENSE.unicode",
    } <= set(package)
    assert [name for name in names if not name.startswith("gdviz")] == []
    texts = {path.name for path in (ROOT / "notebooks" / "tools").glob("*.py")}
    assert {Path(name).name for name in package} & texts == set()
    scripts = [name for name in package if name.endswith(".py") and "__main__" in (ROOT / name).read_text()]
    assert scripts == []


PYTHON = """#!/bin/sh
# Stands for Python: venv makes a folder with itself in it, and pip fails once where the file `fails` is.
case "$*" in
  "-m venv "*) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
  "-m pip "*)
    echo "Collecting numpy==2.4.6 (from -r requirements.txt (line 12))"
    echo "Requirement already satisfied: six"
    if rm fails 2>/dev/null; then echo "ERROR: no network" >&2; exit 1; fi
    echo "  Downloading torch-2.13.0-cp311-cp311-manylinux_2_28_x86_64.whl (191.8 MB)"
    echo "Installing collected packages: numpy, torch" ;;
  *) exec REAL "$@" ;;
esac
"""


@pytest.fixture
def fresh(tmp_path):
    """fresh(make's arguments) -> the run, in a copy of what an installation needs."""
    if sys.platform == "win32" or shutil.which("make") is None:
        pytest.skip("needs make and a shell; it runs on Linux and macOS")
    for name in ("Makefile", "requirements.txt", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path / name)
    python = tmp_path / "python"
    python.write_text(PYTHON.replace("REAL", sys.executable))
    python.chmod(0o755)
    command = ["make", f"PYTHON={python}"]
    env = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}  # of ours
    return lambda *what: subprocess.run([*command, *what], cwd=tmp_path, capture_output=True, text=True, env=env)


def test_an_installation_says_what_it_does_in_few_lines(fresh):
    run = fresh(".venv/ready")
    packages = (ROOT / "requirements.txt").read_text().count("==")
    assert run.returncode == 0
    assert run.stdout.splitlines()[0].startswith(f"Installing {packages} packages into .venv")
    said = ["Collecting numpy==2.4.6", "Downloading torch-2.13.0-cp311-cp311-manylinux_2_28_x86_64.whl (191.8 MB)"]
    assert run.stdout.splitlines()[-3:] == [*said, "Installing collected packages"]
    assert "up to date" in fresh(".venv/ready").stdout


@pytest.mark.slow
def test_an_installation_that_fails_is_not_taken_for_ready_and_goes_on_later(fresh, tmp_path):
    (tmp_path / "fails").touch()
    run = fresh(".venv/ready")
    assert run.returncode != 0
    assert "ERROR: no network" in run.stderr
    assert "Not everything is installed. The same command goes on" in run.stdout
    assert not (tmp_path / ".venv" / "ready").exists()
    assert fresh(".venv/ready").returncode == 0
    (tmp_path / "fails").touch()
    os.utime(tmp_path / ".venv" / "ready", (0, 0))  # requirements.txt is newer
    assert fresh(".venv/ready").returncode != 0
    assert not (tmp_path / ".venv" / "ready").exists(), "what was ready is not, once other versions are wanted"


def test_an_old_python_is_named_before_anything_is_made(fresh, tmp_path):
    old = PYTHON.replace('exec REAL "$@"', 'exec REAL -c "import sys; sys.version_info = (3, 9, 2); $2"')
    (tmp_path / "python").write_text(old.replace("REAL", sys.executable))
    run = fresh("lab")
    assert run.returncode != 0
    assert run.stderr.startswith(
        "gdviz needs Python 3.11 or later, this is 3.9. With another one: make PYTHON=python3.12"
    )
    assert not (tmp_path / ".venv").exists()


@pytest.mark.parametrize("what", ["lab", "test"])
def test_make_says_what_it_would_do(fresh, what):
    run = fresh("-n", what)
    assert run.returncode == 0
    assert {"lab": "jupyter lab", "test": "pytest"}[what] in run.stdout


def test_on_windows_make_looks_where_windows_has_its_scripts(fresh):
    assert ".venv/Scripts/jupyter lab" in fresh("-n", "lab", "OS=Windows_NT").stdout
