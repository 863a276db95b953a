"""A bar from the third second on, which is no text in a notebook."""

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from gdviz import progress
from gdviz.progress import watched


def test_what_is_quick_shows_nothing(capsys):
    assert list(watched(range(3), "work")) == [0, 1, 2]
    assert capsys.readouterr() == ("", "")


@pytest.fixture
def at_once(monkeypatch):
    monkeypatch.setattr(progress, "PATIENCE", -1.0)
    monkeypatch.delenv("TQDM_DISABLE", raising=False)  # a tool that another test has called leaves it behind


def test_what_takes_longer_shows_a_bar_with_its_name_and_unit(at_once, capsys, monkeypatch):
    monkeypatch.setattr("time.perf_counter", iter(range(100)).__next__)
    assert list(watched("abc", "work", "letter")) == ["a", "b", "c"]
    said = capsys.readouterr().err
    assert "work:   0%" in said
    assert "/3 [" in said
    assert said.endswith("\r")  # taken away


def test_the_bar_goes_when_the_work_ends_early(at_once, capsys):
    for part in watched(range(5), "work"):
        if part == 3:
            break
    assert capsys.readouterr().err.endswith("\r")


def test_it_can_be_turned_off(at_once, capsys, monkeypatch):
    monkeypatch.setenv("TQDM_DISABLE", "1")
    assert list(watched(range(3), "work")) == [0, 1, 2]
    assert capsys.readouterr().err == ""


def test_no_work_at_all(at_once, capsys):
    assert list(watched([], "work")) == []
    assert capsys.readouterr().err == ""


@pytest.mark.slow
def test_in_a_notebook_it_is_a_widget_that_nbval_does_not_see(tmp_path):
    """On a slow machine every training shows its bar: the outputs are compared as if there was none."""
    alone = (
        f"import sys\nsys.path.insert(0, {str(Path(progress.__file__).parent)!r})\nimport progress\n"  # without torch
    )
    slow = alone + "progress.PATIENCE = -1.0\nprint(sum(progress.watched(range(9), 'work')))"
    printed = [nbformat.v4.new_output("stream", name="stdout", text="36\n")]
    cells = [nbformat.v4.new_code_cell(slow, outputs=printed, execution_count=1)]
    metadata = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=metadata), tmp_path / "slow.ipynb")
    ask = [sys.executable, "-m", "pytest", "--nbval", "--nbval-current-env", "-p", "no:cacheprovider"]
    said = subprocess.run([*ask, "slow.ipynb"], cwd=tmp_path, capture_output=True, text=True)
    assert said.returncode == 0, said.stdout
