"""The README keeps its word."""

import json
import re
from pathlib import Path

import engines
import proof
import pytest
from torch_pairs import PAIRS

ROOT = Path(__file__).parents[1]
PAGES = {name: (ROOT / f"{name}.md").read_text() for name in ("README", "PROOF", "BENCHMARKS", "ARCHITECTURE")}
README, PROOF = PAGES["README"], PAGES["PROOF"]


def test_the_readme_is_a_screen_and_a_half_and_begins_with_a_moving_picture():
    assert len(README.splitlines()) <= 92
    (picture,) = re.findall(r"^!\[[^\]]+\]\((.+)\)$", README, re.M)
    assert picture.endswith(".gif")
    assert (ROOT / picture).stat().st_size < 500_000


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_to_files(name):
    targets = [target for target in re.findall(r"\]\(([^)]+)\)", PAGES[name]) if not target.startswith("https://")]
    assert [target for target in targets if not (ROOT / target).exists()] == []


def test_every_notebook_is_in_its_table():
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        assert f"(notebooks/{path.name})" in README


def test_requirements_satisfy_the_ranges_and_install_the_package():
    import tomllib

    from packaging.requirements import Requirement

    pins = {}
    for line in (ROOT / "requirements.txt").read_text().splitlines():
        if "==" in line and not line.startswith("#"):
            requirement = Requirement(line)
            pins[requirement.name.lower()] = next(iter(requirement.specifier)).version
    assert "-e ." in (ROOT / "requirements.txt").read_text()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for text in project["dependencies"] + project["optional-dependencies"]["test"]:
        requirement = Requirement(text)
        assert pins[requirement.name] in requirement.specifier, text


def test_colab_satisfies_the_ranges_as_it_is():
    import tomllib

    from packaging.requirements import Requirement

    colab = {  # August 2026
        "torch": "2.11", "matplotlib": "3.10.0", "numpy": "2.1", "ipywidgets": "7.7.1", "anywidget": "0.9.21",
        "scikit-learn": "1.6", "tqdm": "4.67",
    }  # fmt: skip
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for text in project["dependencies"]:
        requirement = Requirement(text)
        assert colab[requirement.name] in requirement.specifier, text


def test_the_table_of_proof_is_what_the_tests_find():
    """Rounding differs from machine to machine, so up to 100 times more is allowed. `make proof` writes it anew."""
    rows = re.search(r"<!-- proof -->\n(.*?)\n<!-- /proof -->", PROOF, re.DOTALL)[1].splitlines()
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    pinned = re.search(r"^torch==(\S+)", (ROOT / "requirements.txt").read_text(), re.MULTILINE)[1]
    assert cells[0] == ["gdviz", f"torch.optim {pinned}", *proof.WHERE]
    assert [row[:2] for row in cells[2:]] == [[rule.__name__, pair.name] for rule, pair in PAIRS.items()]
    for rule, row in zip(PAIRS, cells[2:]):
        for where, shown in zip(proof.WHERE, row[2:]):
            assert float(shown) <= 1e-10
            if (rule, where) in proof.found:
                assert proof.found[rule, where] <= 100 * max(float(shown), 1e-15), "run make proof"


def test_the_badge_of_notebook_04_says_what_the_table_says():
    notebook = json.loads((ROOT / "notebooks" / "04_momentum_and_adam.ipynb").read_text())
    text = "".join("".join(cell["source"]) for cell in notebook["cells"])
    badge = re.search(r"<!-- proof -->(.*?)<!-- /proof -->", text, re.DOTALL)[1]
    table = re.search(r"<!-- proof -->\n(.*?)\n<!-- /proof -->", PROOF, re.DOTALL)[1]
    version = re.search(r"torch.optim (\S+) \|", table)[1]
    figures = [float(cell) for row in table.splitlines()[2:] for cell in row.strip("|").split("|")[2:]]
    assert f"each of the {len(PAIRS)} optimizers" in badge
    assert f"torch.optim {version} to rounding" in badge
    assert f"largest relative difference is {max(figures):.0e}." in badge


def test_the_check_says_what_the_readme_says():
    from gdviz.exercises import check_rule
    from gdviz.exercises.mistakes import MISTAKES, mistaken
    from gdviz.optimizers import Adam

    multiplies = next(mistake for mistake in MISTAKES["Adam"] if "multiplies by 1 - beta^t" in mistake.phrase)
    said = re.search(r"check_rule\(my.my_adam, Adam\(lr=0.05\)\)\n```\n```\n(.*?)\n```", README)[1]
    assert str(check_rule(mistaken(Adam(lr=0.05), multiplies), Adam(lr=0.05))) == said


def test_the_lecturers_minutes_are_those_of_the_notebooks():
    text = (ROOT / "INSTRUCTORS.md").read_text()
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        first = "".join(json.loads(path.read_text())["cells"][0]["source"])
        table = re.search(rf"### {path.name[:2]} .*?\n(.*?)(?=\n##)", text, re.S)[1]
        rows = re.findall(r"^\| ([^|]+) \| (\d+) \|", table, re.M)
        minutes, more = re.search(r"\*\*Time:\*\* (\d+) minutes(?:, and (\d+) more)?", first).groups()
        optional = [int(row) for title, row in rows if title.startswith("Optional: ")]
        assert sum(int(row) for _, row in rows) - sum(optional) == int(minutes), path.stem
        assert sum(optional) == int(more or 0), path.stem
        if without := re.search(r"or (\d+) without the parts marked \*optional\*", first):
            parts = map(int, re.findall(r"\*Optional, (\d+) minutes\.\*", path.read_text()))
            assert abs(int(minutes) - sum(parts) - int(without[1])) <= 1, path.stem


def test_the_lecturer_is_told_how_many_mistakes_the_checks_know():
    from gdviz.exercises.mistakes import MISTAKES

    assert "about 280 wrong rules" in " ".join((ROOT / "INSTRUCTORS.md").read_text().split())
    assert 270 <= sum(map(len, MISTAKES.values())) <= 290


def test_the_lecturers_links_lead_to_files():
    for target in re.findall(r"\]\(([^)]+)\)", (ROOT / "INSTRUCTORS.md").read_text()):
        assert target.startswith("https://") or (ROOT / target).exists(), target


def test_each_cell_of_the_table_of_engines_is_what_its_tests_try():
    rows = [
        line.strip("| ").split(" | ")
        for line in README.splitlines()
        if line.endswith("| ✓ |") or line.endswith("| – |")
    ]
    assert [label for label, *_ in rows] == list(engines.TRIED)
    sources = "".join((ROOT / "tests" / f"{name}.py").read_text() for name in ("test_engines", "test_engines_lab"))
    for label, *cells in rows:
        for cell, engine in zip(cells, engines.NEEDS, strict=True):
            untried = [test for test in engines.TRIED[label] if engine in engines.CANNOT.get(test, {})]
            assert cell == ("–" if untried else "✓"), (label, engine)
        assert all(f"\ndef {test}(" in sources for test in engines.TRIED[label])
