"""One address everywhere: badges, Colab's line and pyproject name the same repository, and a fork renames them all."""

import importlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT / "notebooks" / "tools"))
write_links = importlib.import_module("write_links")
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
HERE = write_links.address()


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_has_its_badges_and_brings_gdviz_where_it_is_missing(path):
    cells = nbformat.read(path, as_version=4).cells
    assert cells[0].source.endswith("\n\n" + write_links.badges(path.name, HERE))
    first = next(cell for cell in cells if cell.cell_type == "code")
    assert first.source.startswith(write_links.bring(HERE) + "\n")
    assert sum("%pip" in cell.source for cell in cells) == 1


def test_the_badges_of_the_readme_open_the_first_notebook():
    assert write_links.badges("00_start_here.ipynb", HERE) in (ROOT / "README.md").read_text()


@pytest.fixture
def fork(tmp_path):
    """A copy of all files that name the repository, with git's list of them."""
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in tracked.splitlines():
        if not name.endswith(".png") and (ROOT / name).exists():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def naming(folder, repository):
    """The files in which an address names the repository."""
    owner, name = repository.split("/")
    pattern = re.compile(rf"{write_links.BEFORE}{re.escape(owner)}(/|%2F){re.escape(name)}\b")
    texts = {path: path.read_text() for path in folder.rglob("*") if path.is_file()}
    return {str(path.relative_to(folder)) for path, text in texts.items() if pattern.search(text)}


def test_a_fork_is_named_everywhere_and_nothing_else_is_changed(fork):
    before = naming(fork, HERE)
    assert {"pyproject.toml", "README.md", *(f"notebooks/{path.name}" for path in NOTEBOOKS)} <= before
    assert write_links.main("alice-b/my.course", fork) == sorted(fork / name for name in before)
    assert naming(fork, HERE) == set()
    assert naming(fork, "alice-b/my.course") == before
    assert write_links.address(fork) == "alice-b/my.course"
    for path in NOTEBOOKS:
        assert (
            nbformat.read(fork / "notebooks" / path.name, as_version=4).cells[0].source.count("alice-b/my.course") == 2
        )
    write_links.main(HERE, fork)  # and back
    assert [name for name in before if (fork / name).read_bytes() != (ROOT / name).read_bytes()] == []


def test_only_this_repository_is_renamed():
    text = "github.com/x/y.git github.com/x/y-more github.com/x/y.io other/x/y x.y github.com/x/y. /gh/x/y/HEAD"
    after = "github.com/a/b.git github.com/x/y-more github.com/x/y.io other/x/y x.y github.com/a/b. /gh/a/b/HEAD"
    assert write_links.renamed(text, "x/y", "a/b") == after
    encoded = "?repo=https%3A%2F%2Fgithub.com%2Fx%2Fy&branch=main"
    assert write_links.renamed(encoded, "x/y", "a/b") == encoded.replace("x%2Fy", "a%2Fb")


@pytest.mark.parametrize("repo", ["", "gdviz", "a/b/c", "https://github.com/a/b", "a/b.git", "a /b", "-a/b"])
def test_what_is_no_repository_is_refused(fork, repo):
    with pytest.raises(ValueError, match=r"make links REPO=owner/name, such as REPO=gdviz/gdviz; got"):
        write_links.main(repo, fork)
    assert write_links.address(fork) == HERE
