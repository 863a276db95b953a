"""The notebooks as committed: budgets, rhythm, outputs. (nbval runs every cell and compares the text.)"""

import importlib
import re
import statistics
import sys
from pathlib import Path

import cost
import nbformat
import pytest

from gdviz.exercises.predictions import TABLE

FOLDER = Path(__file__).parents[1] / "notebooks"
sys.path.append(str(FOLDER / "tools"))
needed = importlib.import_module("needed")
PATHS = sorted(FOLDER.glob("*.ipynb"))
NOTEBOOKS = [nbformat.read(path, as_version=4) for path in PATHS]
each = pytest.mark.parametrize("notebook", NOTEBOOKS, ids=[path.stem for path in PATHS])
EXEMPT = ("nbval-skip", "nbval-ignore-output", "nbval-raises-exception", "NBVAL_SKIP", "NBVAL_IGNORE_OUTPUT")


def code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def lines(cell):
    return [line for line in cell.source.splitlines() if line.strip() and not line.strip().startswith("#")]


def prose(notebook):
    return "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


def outputs(notebook):
    return [output for cell in code(notebook) for output in cell.outputs]


def test_there_are_notebooks():
    assert [path.stem for path in PATHS][:2] == ["00_start_here", "01_linear_regression"]


@each
def test_budgets(notebook):
    sizes = [len(lines(cell)) for cell in code(notebook)]
    words = len(re.sub(r"<[^>]+>|\$[^$]*\$", " ", prose(notebook)).split())
    assert statistics.median(sizes) <= 4
    assert max(sizes) <= 20
    assert 10 <= words / sum(sizes) <= 25
    assert len(notebook.cells) <= 70
    kinds = "".join(cell.cell_type[0] for cell in notebook.cells)
    assert "cccc" not in kinds
    pictures = [any("image/png" in output.get("data", {}) for output in cell.outputs) for cell in code(notebook)]
    assert pictures.index(True) < 3
    imports = next(cell for cell in code(notebook) if "from gdviz" in cell.source)
    ours = [line for line in lines(imports) if "find_spec" not in line]  # is how Colab's line asks
    assert sum(line.startswith(("import", "from")) for line in ours) <= 6


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_a_notebook_is_under_500_kb_with_its_outputs(path):
    assert path.stat().st_size < 500_000


@each
def test_outputs_are_complete_and_clean(notebook):
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert all(cell.execution_count for cell in code(notebook))
    assert not [o for o in outputs(notebook) if o.output_type == "error" or o.get("name") == "stderr"]
    for output in outputs(notebook):
        data = output.get("data", {})
        assert "application/vnd.jupyter.widget-view+json" not in data
        if "image/png" in data:
            assert output.metadata["image/png"]["alt"] == data["text/plain"]
            assert len(data["text/plain"]) > 40


@each
def test_no_cell_is_exempt_from_comparison(notebook):
    assert not [cell for cell in code(notebook) if any(tag in EXEMPT for tag in cell.metadata.get("tags", []))]
    assert not any(word in cell.source for cell in code(notebook) for word in EXEMPT)


@each
def test_the_rhythm(notebook):
    text = prose(notebook)
    titles = [line for cell in notebook.cells if cell.cell_type == "markdown" for line in cell.source.splitlines()]
    assert sum(line.startswith("# ") for line in titles) == 1
    assert notebook.cells[0].source.startswith("# ")
    assert "you will be able to" in notebook.cells[0].source
    assert notebook.cells[0].source.count("\n- ") == 3
    assert "**Time:**" in notebook.cells[0].source
    assert all("slideshow" in cell.metadata for cell in notebook.cells)
    players = sum("image/png" in output.get("data", {}) for output in outputs(notebook))
    assert players
    assert text.count("**Predict") >= players
    assert text.count("*What to see:") >= players
    assert text.count("<details>") >= 1
    assert "Common mistake" in text


@each
def test_every_player_under_a_prediction_opens_at_its_first_position_and_says_no_end(notebook):
    asked = False
    for cell in notebook.cells:
        asked = (asked or "predict" in cell.source) and "**What happened" not in cell.source
        for said in [o.data.get("text/plain", "") for o in cell.get("outputs", []) if "image/png" in o.get("data", {})]:
            if not asked or "Sliders: " not in said:
                continue
            name, first = re.search(r"Sliders: (.+?) (\S+) to ", said).groups()
            assert re.search(rf"Shown: (?:.*, )?{re.escape(name)} {re.escape(first)}[,.]", said), said
            assert not re.search(r"the loss goes|lead to|lowest final|[Aa]t the end|diverge|ends? |ended", said), said


@each
def test_every_prediction_is_answered_with_its_letter(notebook):
    text = "\n".join(cell.source for cell in notebook.cells)
    asked = re.split(r'predict(?:_by_click)?\("(\d\d)-\d+"', text)
    told = [re.search(r"\*\*What happened(?:: \(([a-h])\))?\.\*\*", part) for part in asked[2::2]]
    assert [found and (found[1] or "") for found in told] == [row.right for row in TABLE[asked[1]]]


@each
def test_every_number_in_the_prose_is_computed_in_the_notebook(notebook):
    computed = "\n".join(cell.source for cell in code(notebook))
    for output in outputs(notebook):
        computed += "\n" + output.get("text", "") + output.get("data", {}).get("text/plain", "")
    elsewhere = (
        r"```.*?```|`[^`]*`|\]\([^)]*\)|https?://\S+|<!-- proof -->.*?<!-- /proof -->"  # the proof has its own test
    )
    plain = re.sub(elsewhere, " ", prose(notebook), flags=re.S)
    plain = re.sub(r"[A-Z][\w-]+(?: and [\w-]+)?,? \(?(?:19|20)\d\d\b", " ", plain)  # a source
    plain = re.sub(r"\*\*Time:\*\*.*", " ", plain)  # minutes are no result; INSTRUCTORS adds them up
    numbers = set(re.findall(r"(?<![\w.^{])\d+\.\d{2,}|(?<![\w.^{])\d{3,}(?![\w.])", plain))
    known = {"23.74", "23.60", "24.84"}  # Goyal and others 2017, cited in 03
    numbers = {number.rstrip("0") if "." in number else number for number in numbers - known}
    there = {number for number in numbers if re.search(rf"(?<![\d.]){re.escape(number)}(?![1-9])", computed)}
    assert numbers - there == set()


@each
def test_what_is_optional_is_folded_and_nothing_else_needs_it(notebook):
    optional, theirs, ours = False, set(), set()
    for cell in notebook.cells:
        if cell.cell_type == "code":
            bound = set().union(*(line.names.bound for line in needed.statements(cell.source, 0)))
            assert optional or not needed.reads(cell.source) & (theirs - ours), cell.source
            (theirs if optional else ours).update(bound)
        elif titles := re.findall(r"^## (.*)", cell.source, re.M):
            optional = titles[-1].startswith("Optional: ")
            assert bool(cell.metadata.get("jp-MarkdownHeadingCollapsed")) == optional, "JupyterLab folds what is below"
            assert not optional or cell.source.startswith(f"## {titles[-1]}\n"), "it folds from the cell of its heading"


@each
def test_links_lead_to_files(notebook):
    for target in re.findall(r"\]\(([^)#]+)\)", prose(notebook)):
        assert target.startswith("https://") or (FOLDER / target).exists(), target


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_a_notebook_needs_under_1_gb_and_its_players_under_1_mb(path):
    """In a kernel of its own: the peak of resident memory, and what each player sends."""
    gigabytes, payloads, _ = cost.of(path)
    print(f"{path.stem}: {gigabytes:.2f} GB, players of {payloads} kB")
    assert gigabytes < 1
    assert payloads
    assert max(payloads) < 1000


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_a_slider_of_every_player_says_more_than_its_place(path):
    """Where a player has readouts, or paths whose heads can be said."""
    assert cost.of(path)[2] == []
