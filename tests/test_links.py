"""One address everywhere: badges, first cells and links name the same repository, and a fork renames them all."""

import importlib
import re
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import nbformat
import pytest

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT / "notebooks" / "tools"))
write_links = importlib.import_module("write_links")
Place = write_links.Place
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
HERE = write_links.place()
THEIRS = Place("gitlab.com", "group/course")
OWN = Place("git.uni.edu:8443", "maths/ana.lysis/course", "spring-2027")


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
    """A copy of all files that git knows, without pictures."""
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in tracked.splitlines():
        if not name.endswith((".png", ".gif")) and (ROOT / name).exists():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def naming(folder, place):
    """The files that name this repository in any way: with slashes, percent-encoded, by ssh."""
    path = "(?:/|%2F)".join(map(re.escape, place.path.split("/")))
    ours = re.compile(rf"(?:{re.escape(place.host)}|{quote(place.host)}|/gh|/gl|/github)(?:/|%2F|:){path}(?![\w-])")
    texts = {path: path.read_text() for path in folder.rglob("*") if path.is_file()}
    return {str(path.relative_to(folder)) for path, text in texts.items() if ours.search(text)}


def differing(folder):
    return [str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file() and p.read_bytes() != there(folder, p)]


def there(folder, path):
    return (ROOT / path.relative_to(folder)).read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("repo", "branch", "place"),
    [
        ("alice-b/my.course", "", Place("github.com", "alice-b/my.course")),
        ("alice-b/my.course", "spring-2027", Place("github.com", "alice-b/my.course", "spring-2027")),
        (f"{HERE.url}-2", "", Place(HERE.host, f"{HERE.path}-2")),
        (HERE.url, "lecture/week.3", Place(HERE.host, HERE.path, "lecture/week.3")),
        ("https://gitlab.com/group/course", "", THEIRS),
        ("https://git.uni.edu:8443/maths/ana.lysis/course", "spring-2027", OWN),
    ],
)
def test_a_fork_is_named_everywhere_and_nothing_else_is_changed(fork, repo, branch, place):
    before = naming(fork, HERE)
    assert {"pyproject.toml", "README.md", "CITATION.cff", *(f"notebooks/{path.name}" for path in NOTEBOOKS)} <= before
    changed = write_links.main(repo, branch, fork)
    assert {str(path.relative_to(fork)) for path in changed} <= before
    assert write_links.place(fork) == place
    assert naming(fork, place) - {"tests/test_links.py"} == before
    assert naming(fork, HERE) == (before if place.path == HERE.path else set())
    for path in NOTEBOOKS:
        cells = nbformat.read(fork / "notebooks" / path.name, as_version=4).cells
        assert cells[0].source.endswith("\n\n" + write_links.badges(path.name, place))
        assert any(cell.source.startswith(write_links.bring(place) + "\n") for cell in cells)
    write_links.main(HERE.url, HERE.branch, fork)  # and back
    assert differing(fork) == []


@pytest.mark.parametrize(
    ("place", "badge", "git", "page"),
    [
        (
            Place("github.com", "o/n"),
            "[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]"
            "(https://colab.research.google.com/github/o/n/blob/main/notebooks/a.ipynb) "
            "[![Open in Binder](https://mybinder.org/badge_logo.svg)]"
            "(https://mybinder.org/v2/gh/o/n/HEAD?labpath=notebooks/a.ipynb)",
            "git+https://github.com/o/n",
            "https://github.com/o/n/blob/HEAD/README.md",
        ),
        (
            THEIRS,
            "[![Open in Binder](https://mybinder.org/badge_logo.svg)]"
            "(https://mybinder.org/v2/gl/group%2Fcourse/HEAD?labpath=notebooks/a.ipynb)",
            "git+https://gitlab.com/group/course",
            "https://gitlab.com/group/course/-/blob/HEAD/README.md",
        ),
        (
            OWN,
            "[![Open in Binder](https://mybinder.org/badge_logo.svg)](https://mybinder.org/v2/git/https%3A%2F%2Fgit.uni.edu"
            "%3A8443%2Fmaths%2Fana.lysis%2Fcourse/spring-2027?labpath=notebooks/a.ipynb)",
            "git+https://git.uni.edu:8443/maths/ana.lysis/course@spring-2027",
            "https://git.uni.edu:8443/maths/ana.lysis/course/-/blob/spring-2027/README.md",
        ),
    ],
)
def test_only_github_has_a_badge_of_colab_and_each_host_its_own_addresses(place, badge, git, page):
    assert write_links.badges("a.ipynb", place) == badge
    assert (place.git, place.page("README.md")) == (git, page)


X = Place("github.com", "x/y")


@pytest.mark.parametrize(
    ("text", "new", "after"),
    [
        ("github.com/x/y.git", Place("github.com", "a/b"), "github.com/a/b.git"),
        ("see github.com/x/y.", Place("github.com", "a/b"), "see github.com/a/b."),
        ("https://github.com/x/y/issues", Place("github.com", "a/b"), "https://github.com/a/b/issues"),
        ("https://github.com/x/y/issues", THEIRS, "https://gitlab.com/group/course/-/issues"),
        ("git@github.com:x/y.git", THEIRS, "git@gitlab.com:group/course.git"),
        ("https://github.com/x/y/blob/HEAD/a.md", OWN, f"{OWN.pages}blob/spring-2027/a.md"),
        ("https://github.com/x/y/blob/v1/a.md", OWN, f"{OWN.pages}blob/v1/a.md"),
        ("git+https://github.com/x/y", OWN, f"git+{OWN.url}@spring-2027"),
        ("git+https://github.com/x/y@v1", OWN, f"git+{OWN.url}@v1"),
        ("mybinder.org/v2/gh/x/y/HEAD", THEIRS, "mybinder.org/v2/gl/group%2Fcourse/HEAD"),
        ("mybinder.org/v2/gh/x/y/v1?labpath=a", THEIRS, "mybinder.org/v2/gl/group%2Fcourse/v1?labpath=a"),
        ("google.com/github/x/y/blob/main/a", Place("github.com", "a/b", "dev"), "google.com/github/a/b/blob/dev/a"),
        ("google.com/github/x/y/blob/v1/a", Place("github.com", "a/b", "dev"), "google.com/github/a/b/blob/v1/a"),
        ("?repo=https%3A%2F%2Fgithub.com%2Fx%2Fy&branch=main", Place("github.com", "x/y", "dev"),
         "?repo=https%3A%2F%2Fgithub.com%2Fx%2Fy&branch=dev"),
        ("?repo=https%3A%2F%2Fgithub.com%2Fx%2Fy&branch=main", THEIRS,
         "?repo=https%3A%2F%2Fgitlab.com%2Fgroup%2Fcourse&branch=main"),
    ],
)  # fmt: skip
def test_every_way_to_write_the_address_is_renamed_and_back(text, new, after):
    assert write_links.renamed(text, X, new) == after
    assert write_links.renamed(after, new, X) == text


@pytest.mark.parametrize(
    "text", ["github.com/x/y-more", "github.com/x/y.io", "other/x/y", "x.y", "git+https://github.com/x/y2", "/gh/x/yz/"]
)
def test_only_this_repository_is_renamed(text):
    for new in (Place("github.com", "a/b"), THEIRS):
        assert write_links.renamed(text, X, new) == text


def test_a_project_inside_a_group_of_the_same_name_is_another_one():
    assert write_links.renamed("https://gitlab.com/group/course/other", THEIRS, X).endswith("group/course/other")


@pytest.mark.parametrize(
    ("repo", "place"),
    [
        (" a/b ", Place("github.com", "a/b")),
        ("a/b.git", Place("github.com", "a/b")),
        ("a/b/", Place("github.com", "a/b")),
        ("a_b/c_d.e", Place("github.com", "a_b/c_d.e")),
        ("github.com/a/b", Place("github.com", "a/b")),
        ("https://github.com/a/b", Place("github.com", "a/b")),
        ("https://www.GitHub.com/a/b.git/", Place("github.com", "a/b")),
        ("git@github.com:a/b.git", Place("github.com", "a/b")),
        ("git@gitlab.com:group/sub/name.git", Place("gitlab.com", "group/sub/name")),
        ("ssh://git@git.uni.edu/a/b.git", Place("git.uni.edu", "a/b")),
    ],
)
def test_an_address_is_understood_however_it_was_copied(repo, place):
    assert write_links.place_of(repo) == place


@pytest.mark.parametrize(
    "repo",
    ["", " ", "gdviz", "a/b/c", "a /b", "-a/b", "a/", "/b", "a//b", "a/..", "a/.git", "a/b.git.git", "ä/b",
     'a/"b', "a/b?x=1", "https://github.com/a", "https://github.com/a/b/tree/dev", "https://gitlab.com/a",
     "https://gitlab.com/a/b/-/tree/dev",
     "https://token@gitlab.com/a/b", "https://gitlab.com:x/a/b", "file:///a/b", "gitlab.com", "a/b c/d"],
)  # fmt: skip
def test_what_is_no_repository_is_refused_and_nothing_is_written(fork, repo):
    with pytest.raises(ValueError, match=r"make links takes REPO=owner/name for GitHub or .*; got REPO="):
        write_links.main(repo, "", fork)
    assert differing(fork) == []


@pytest.mark.parametrize("branch", ["a b", "/a", "a/", "-a", "a..b", "a.lock", "a//b", "a/.b", "ä", 'a"', "a?", "a."])
def test_what_is_no_branch_is_refused(branch):
    with pytest.raises(ValueError, match=r"BRANCH is the name of a branch, such as main or spring-2027; got BRANCH="):
        write_links.place_of("a/b", branch)


def test_without_a_branch_or_with_head_it_is_the_default_branch():
    assert write_links.place_of("a/b", "HEAD") == write_links.place_of("a/b", " ") == Place("github.com", "a/b")


@pytest.mark.slow
def test_a_link_that_only_github_can_follow_is_refused_by_its_file_and_nothing_is_written(fork):
    write_links.main("x/y", "", fork)
    with (fork / "README.md").open("a") as file:
        file.write("https://codespaces.new/x/y")
    before = {path: path.read_bytes() for path in fork.rglob("*") if path.is_file()}
    with pytest.raises(ValueError, match=r"README.md: it links to codespaces.new/x/y, which works with GitHub only"):
        write_links.main(THEIRS.url, "", fork)
    assert {path: path.read_bytes() for path in fork.rglob("*") if path.is_file()} == before
    write_links.main("a/b", "", fork)
    assert (fork / "README.md").read_text().endswith("https://codespaces.new/a/b")


def test_where_one_file_cannot_be_written_none_is(fork, monkeypatch):
    monkeypatch.setattr(Path, "write_bytes", full_after(3, Path.write_bytes))
    with pytest.raises(OSError, match="No space left"):
        write_links.main("a/b", "", fork)
    assert differing(fork) == []


def full_after(many, write):
    calls = iter(range(100))

    def write_bytes(path, data):
        if next(calls) >= many:
            raise OSError(28, "No space left on device")
        return write(path, data)

    return write_bytes


def test_a_mistyped_command_says_what_it_takes_without_a_traceback():
    run = subprocess.run(
        [sys.executable, ROOT / "notebooks/tools/write_links.py", "a b"], capture_output=True, text=True
    )
    assert run.returncode == 1
    assert run.stderr.startswith("make links takes REPO=owner/name")
    assert run.stderr.count("\n") == 1
