"""Name another repository in every badge, in Colab's line and in pyproject: `make links REPO=owner/name`.

pyproject.toml is where the address is kept; all other places are rewritten from there.
"""

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
FILES = ["pyproject.toml", "*.md", "notebooks/*.ipynb"]
NAME = r"[A-Za-z0-9][\w.-]*"
BEFORE = r"(?:github\.com(?:/|%2F|:)|/gh/|/github/)"  # GitHub, nbgitpuller, ssh; Binder; Colab
BINDER, COLAB = "https://mybinder.org", "https://colab.research.google.com"


def address(root: Path = ROOT) -> str:
    """The owner/name that pyproject.toml gives as the repository."""
    urls = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"]
    return urls["Repository"].removeprefix("https://github.com/")


def badges(notebook: str, repository: str) -> str:
    """The line of a notebook that opens it in Colab or Binder."""
    colab = f"{COLAB}/github/{repository}/blob/main/notebooks/{notebook}"
    binder = f"{BINDER}/v2/gh/{repository}/HEAD?labpath=notebooks/{notebook}"
    in_colab = f"[![Open in Colab]({COLAB}/assets/colab-badge.svg)]({colab})"
    return f"{in_colab} [![Open in Binder]({BINDER}/badge_logo.svg)]({binder})"


def bring(repository: str) -> str:
    """How the first code cell of a notebook begins: in Colab, which lacks gdviz, it brings it."""
    return (
        "from importlib.util import find_spec\n\n"
        'if not find_spec("gdviz"):  # in Colab; elsewhere this does nothing\n'
        f"    %pip install --quiet git+https://github.com/{repository}\n"
    )


def renamed(text: str, old: str, new: str) -> str:
    """The text with the new repository wherever an address names the old one."""
    owner, name = map(re.escape, old.split("/"))
    pattern = rf"({BEFORE}){owner}(/|%2F){name}(?![\w-]|\.(?!git\b)\w)"
    slashed = new.split("/")
    return re.sub(pattern, lambda found: f"{found[1]}{slashed[0]}{found[2]}{slashed[1]}", text)


def main(new: str, root: Path = ROOT) -> list[Path]:
    """Rewrite all files; the changed ones."""
    if not re.fullmatch(f"{NAME}/{NAME}", new) or new.endswith(".git"):
        raise ValueError(f"make links REPO=owner/name, such as REPO=gdviz/gdviz; got {new!r}")
    old, changed = address(root), []
    for path in sorted(path for pattern in FILES for path in root.glob(pattern)):
        text = path.read_bytes().decode()
        if (after := renamed(text, old, new)) != text:
            path.write_bytes(after.encode())
            changed.append(path)
    return changed


if __name__ == "__main__":
    try:
        changed = main(sys.argv[1] if len(sys.argv) > 1 else "")
    except ValueError as error:
        sys.exit(str(error))
    print(f"{len(changed)} files name {address()}")
