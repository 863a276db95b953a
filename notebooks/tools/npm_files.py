"""Single files out of packages of the npm registry, each package pinned by version and sha512 and kept in a folder."""

import base64
import hashlib
import os
import tarfile
import urllib.request
from collections.abc import Iterable
from pathlib import Path

CACHE = Path(__file__).parents[2] / ".cache"
REGISTRY = "https://registry.npmjs.org"
PACKAGES = {  # package: version, sha512, and under which name each of its files is wanted
    "reveal.js": (
        "5.2.1",
        "r7//6mIM5p34hFiDMvYfXgyjXqGRta+/psd9YtytsgRlrpRzFv4RbH76TXd2qD+7ZPZEbpBDhdRhJaFgfQ7zNQ==",
        {
            "dist/reveal.js": "reveal.js",
            "dist/reveal.css": "reveal.css",
            "plugin/notes/notes.js": "notes.js",
            "LICENSE": "reveal.LICENSE",
        },
    ),
    "mathjax": (
        "3.2.2",
        "Bt+SSVU8eBG27zChVewOicYs7Xsdt40qm4+UpHyX7k0/O9NliPc+x77k1/FEsPsjKPZGJvtRZM1vO+geW0OhGw==",
        {"es5/tex-svg-full.js": "tex-svg-full.js", "LICENSE": "mathjax.LICENSE"},
    ),
    "axe-core": (  # for the tests
        "4.14.1",
        "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ==",
        {"axe.min.js": "axe.min.js"},
    ),
}


def write_files(names: Iterable[str], folder: Path, cache: Path = CACHE) -> None:
    """Write the wanted files of these packages into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        version, sha512, files = PACKAGES[name]
        with tarfile.open(tarball(name, version, sha512, cache)) as archive:
            for inside, wanted in files.items():
                (folder / wanted).write_bytes(archive.extractfile(f"package/{inside}").read())


def tarball(name: str, version: str, sha512: str, cache: Path = CACHE) -> Path:
    """The package as a file of the cache, fetched when it is not there; refused when its sha512 is another one."""
    packed = f"{name.rpartition('/')[2]}-{version}.tgz"  # without the scope of @scope/name
    file, address = cache / packed, f"{REGISTRY}/{name}/-/{packed}"
    data = file.read_bytes() if file.exists() else fetched(address)
    digest = base64.b64encode(hashlib.sha512(data).digest()).decode()
    if digest != sha512:
        file.unlink(missing_ok=True)
        raise ValueError(f"{address} must have the sha512 {sha512}, got {digest}; nothing of it was kept")
    if not file.exists():
        cache.mkdir(parents=True, exist_ok=True)
        part = file.with_suffix(f".{os.getpid()}")
        part.write_bytes(data)
        part.replace(file)
    return file


def fetched(address: str) -> bytes:
    try:
        with urllib.request.urlopen(address, timeout=60) as answer:
            return answer.read()
    except OSError as error:
        raise ConnectionError(f"{address} is not reachable ({error}); it is needed once, then it is kept") from error
