"""What was made of which sources: a file that is still there, of sources that are still the same, is not made again."""

import hashlib
import os
import sys
from functools import cache
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).parents[2]
KEYS = ROOT / ".cache" / "made"


def unchanged(target: Path, key: str) -> bool:
    """Whether this file was made of what the key stands for, and has stayed since."""
    return target.exists() and _note(target).exists() and _note(target).read_text() == f"{key} {_content(target)}"


def write_whole(target: Path, text: str, key: str = "") -> None:
    """Write a file whole, or leave the one before; with a key, remember of what it was made."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    if key:
        KEYS.mkdir(parents=True, exist_ok=True)
        _note(target).write_text(f"{key} {_content(target)}")


def key_of(*sources: str) -> str:
    """A name for these texts with the package, the tools and what they stand on as they are."""
    return hashlib.sha256("\0".join([_package(), *sources]).encode()).hexdigest()[:24]


@cache
def _package() -> str:
    versions = [sys.version, *map(version, ("torch", "numpy", "matplotlib", "scikit-learn"))]
    seen = hashlib.sha256(repr(versions).encode())
    for folder in ("gdviz", "notebooks/tools"):
        for file in sorted(file for file in (ROOT / folder).rglob("*") if file.is_file() and file.suffix != ".pyc"):
            seen.update(file.relative_to(ROOT).as_posix().encode() + b"\0" + file.read_bytes())
    return seen.hexdigest()


def _note(target: Path) -> Path:
    return KEYS / hashlib.sha256(str(target.resolve()).encode()).hexdigest()[:24]


def _content(target: Path) -> str:
    return hashlib.sha256(target.read_bytes()).hexdigest()[:24]
