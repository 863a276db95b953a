"""Name your own repository in every badge, first cell and link: `make links REPO=owner/name BRANCH=main`.

REPO is owner/name for GitHub, or the address of a repository at GitHub, GitLab or a GitLab server of your own. Without
BRANCH the links follow the default branch. pyproject.toml keeps the address (its Notebooks line); every other place is
rewritten from there.
"""

import re
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

ROOT = Path(__file__).parents[2]
FILES = ("*.md", "CITATION.cff", ".github/**/*", "notebooks/*.ipynb", "pyproject.toml")
GITHUB, GITLAB = "github.com", "gitlab.com"
BINDER, COLAB = "https://mybinder.org", "https://colab.research.google.com"
BADGES = re.compile(
    r"(?:\[!\[Open in Colab\]\(\S+?\)\]\(\S+?\) )?"
    r"\[!\[Open in Binder\]\(\S+?\)\]\((\S+?)\?labpath=notebooks/([\w.-]+)\)"
)

HOST = r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+(?::\d+)?"
SEGMENT = r"[A-Za-z0-9_](?:[\w.-]*[\w-])?"
BRANCH = r"(?!.*(?:\.\.|//|/\.|\.lock(?:/|$)))[A-Za-z0-9_](?:[\w./-]*[\w-])?"
NOTEBOOKS = re.compile(rf"https://({HOST})/(.+?)/(?:-/)?tree/(.+)/notebooks")
USAGE = "make links takes REPO=owner/name for GitHub or REPO=https://gitlab.com/group/name for GitLab, and BRANCH=name"


@dataclass(frozen=True)
class Place:
    """Where the course is kept; branch "" is the default branch, whatever its name."""

    host: str
    path: str
    branch: str = ""

    @property
    def url(self) -> str:
        return f"https://{self.host}/{self.path}"

    @property
    def pages(self) -> str:
        """What the addresses of its pages (files, issues) begin with."""
        return self.url + ("/" if self.host == GITHUB else "/-/")

    @property
    def git(self) -> str:
        return f"git+{self.url}" + (f"@{self.branch}" if self.branch else "")

    @property
    def binder(self) -> str:
        """Binder's path for it: GitHub, gitlab.com, or any other public git server."""
        ref, quoted = self.branch or "HEAD", quote(self.path, safe="")
        kinds = {GITHUB: f"gh/{self.path}", GITLAB: f"gl/{quoted}"}
        return f"/v2/{kinds.get(self.host, 'git/' + quote(self.url, safe=''))}/{ref}"

    def page(self, file: str) -> str:
        """The address of a file."""
        return f"{self.pages}blob/{self.branch or 'HEAD'}/{file}"

    def forms(self) -> list[str]:
        """Every way in which a file may write the address, the longer before the shorter; "" where there is none."""
        ref, main = self.branch or "HEAD", self.branch or "main"  # Colab and nbgitpuller want a name
        bare, pages = f"{self.host}/{self.path}", self.pages.removeprefix("https://")
        quoted, in_github = quote(bare, safe=""), f"/github/{self.path}"  # Colab, nbviewer
        only_github = [f"{in_github}/blob/{main}/", f"{in_github}/", in_github, f"codespaces.new/{self.path}"]
        return [
            *(self.binder, self.binder.removesuffix(ref), self.git, f"{quoted}&branch={main}"),
            *(f"{pages}blob/{ref}/", f"{pages}tree/{ref}/", pages),
            *(form if self.host == GITHUB else "" for form in only_github),
            *(quoted, f"{self.host}:{self.path}", bare),
        ]


def place(root: Path = ROOT) -> Place:
    """The place that pyproject.toml names."""
    urls = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"]
    found = NOTEBOOKS.fullmatch(urls["Notebooks"])
    if not found:
        wanted = "https://<host>/<owner>/<name>/tree/<branch>/notebooks"
        raise ValueError(f"pyproject.toml: Notebooks must be {wanted}, got {urls['Notebooks']}")
    host, path, branch = found.groups()
    return Place(host, path, "" if branch == "HEAD" else branch)


def place_of(repo: str, branch: str = "") -> Place:
    """What REPO and BRANCH say; an address copied from a browser or from `git remote -v` is understood."""
    text = re.sub(r"^(https?://(www\.)?|ssh://git@)", "", repo.strip())
    text = re.sub(r"^git@([^:/]+):", r"\1/", text).removesuffix("/").removesuffix(".git")
    host, _, path = text.partition("/")
    if "." not in host:
        host, path = GITHUB, text
    names = path.split("/")
    many = len(names) == 2 if host == GITHUB else len(names) >= 2
    named = many and all(re.fullmatch(SEGMENT, name, re.ASCII) and not name.endswith(".git") for name in names)
    if not (named and re.fullmatch(HOST, host, re.ASCII)):
        raise ValueError(f"{USAGE}; got REPO={repo!r}")
    branch = branch.strip()
    if branch and not re.fullmatch(BRANCH, branch, re.ASCII):
        raise ValueError(f"BRANCH is the name of a branch, such as main or spring-2027; got BRANCH={branch!r}")
    return Place(host.lower(), path, "" if branch == "HEAD" else branch)


def badges(notebook: str, place: Place) -> str:
    """The line of a notebook that opens it in Colab, which knows GitHub only, and in Binder."""
    binder = f"[![Open in Binder]({BINDER}/badge_logo.svg)]({BINDER}{place.binder}?labpath=notebooks/{notebook})"
    if place.host != GITHUB:
        return binder
    colab = f"{COLAB}/github/{place.path}/blob/{place.branch or 'main'}/notebooks/{notebook}"
    return f"[![Open in Colab]({COLAB}/assets/colab-badge.svg)]({colab}) {binder}"


def bring(place: Place) -> str:
    """How the first code cell of a notebook begins: in Colab, which lacks gdviz, it brings it."""
    return (
        "from importlib.util import find_spec\n\n"
        'if not find_spec("gdviz"):  # in Colab; elsewhere this does nothing\n'
        f"    %pip install --quiet {place.git}\n"
    )


def renamed(text: str, old: Place, new: Place) -> str:
    """The text with the new place wherever it names the old one. Refused: a link that works with GitHub only."""
    forms = {was: now for was, now in zip(old.forms(), new.forms()) if was}
    ours = re.compile("|".join(re.escape(was) + _end(was) for was in forms))
    text = BADGES.sub(lambda found: badges(found[2], new) if found[1] == BINDER + old.binder else found[0], text)
    stuck = next((found[0] for found in ours.finditer(text) if not forms[found[0]]), None)
    if stuck:
        raise ValueError(f"it links to {stuck}, which works with GitHub only: delete that link, then try again")
    return ours.sub(lambda found: forms[found[0]], text)


def _end(form: str) -> str:
    """What may not follow the address: more of a name, a deeper folder, or another branch than ours."""
    return (
        r"(?=\w)" if form.endswith("/") else r"(?![\w@/-]|\.\w)" if "git+" in form else r"(?![\w-]|/\w|\.(?!git\b)\w)"
    )


def main(repo: str, branch: str = "", root: Path = ROOT) -> list[Path]:
    """Rewrite all files, or none; the changed ones."""
    new, old, changed = place_of(repo, branch), place(root), {}
    for path in (path for pattern in FILES for path in sorted(root.glob(pattern)) if path.is_file()):
        text = path.read_bytes().decode()
        try:
            after = renamed(text, old, new)
        except ValueError as error:
            raise ValueError(f"{path.relative_to(root)}: {error}. Nothing is changed") from error
        if after != text:
            changed[path] = after
    write(changed)
    return sorted(changed)


def write(texts: dict[Path, str]) -> None:
    """Write all files or, where one cannot be written, none."""
    drafts = {path: path.with_name(f".unfinished-{path.name}") for path in texts}
    try:
        for path, text in texts.items():
            drafts[path].write_bytes(text.encode())
        for path, draft in drafts.items():
            draft.replace(path)
    finally:
        for draft in drafts.values():
            draft.unlink(missing_ok=True)


if __name__ == "__main__":
    try:
        changed = main(*sys.argv[1:3])
    except (ValueError, OSError) as error:
        sys.exit(str(error))
    here = place()
    print(f"{len(changed)} files changed: the course is at {here.url}, {here.branch or 'the default branch'}")
    if here.host != GITHUB:
        print("Colab opens GitHub only: its badges are gone. Binder opens it where the repository is public.")
