"""Write assignment/: a course folder for nbgrader with a problem sheet of each notebook, or of those named.

`make assignment`. source/ has solutions, tests and model answers; release/ is what nbgrader makes of it for students.
"""

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from books import is_own, named, notebooks
from sheet import sheet
from write_editions import refuse

ROOT = Path(__file__).parents[2]
CONFIG = Path(__file__).with_name("nbgrader_config.py")
MISSING = "The students' release/ is not written: that takes nbgrader, which make assignment installs."


def main(names: list[str]) -> None:
    paths = named(names, {path.stem: path for path in notebooks() if not is_own(path)})
    write(paths, ROOT / "assignment")
    print(f"assignment/ has the sheets {', '.join(path.stem for path in paths)}.")
    if not find_spec("nbgrader"):
        print(MISSING)


def write(paths: list[Path], course: Path) -> None:
    """Write the sheets of these notebooks, all or none, and let nbgrader make those of the students."""
    sheets = {path.stem: sheet(nbformat.read(path, as_version=4), path) for path in paths}
    course.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".unfinished-", dir=course.parent) as folder:
        for file in (CONFIG, course / CONFIG.name, course / "gradebook.db"):  # settings of one's own, and points, stay
            if file.exists():
                shutil.copy(file, folder)
        for name, notebook in sheets.items():
            place = Path(folder, "source", name)
            place.mkdir(parents=True)
            nbformat.write(notebook, place / f"{name}.ipynb")
        if find_spec("nbgrader"):
            nbgrader(Path(folder), "generate_assignment", "--assignment=*")
        for file in (file for file in Path(folder).rglob("*") if file.is_file()):
            target = course / file.relative_to(folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            file.replace(target)


def nbgrader(course: Path, *command: str) -> str:
    """Run one of nbgrader's commands in a course folder; refused with what it says where it fails."""
    run = [sys.executable, "-m", "nbgrader", *command]
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])  # nbgrader calls alembic
    done = subprocess.run(run, cwd=course, capture_output=True, text=True, env=os.environ | {"PATH": path})
    if done.returncode:
        refuse(f"nbgrader {' '.join(command)} says {done.stderr[-2000:]}")
    return done.stderr


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (ValueError, OSError) as error:
        sys.exit(f"make assignment: {error}")
