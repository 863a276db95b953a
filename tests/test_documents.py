"""The guide and the gallery: each block runs as it stands, prints what it says and shows its picture."""

import importlib
import os
import re
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import pytest
import torch
from bs4 import BeautifulSoup

from gdviz.player import Player

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT / "notebooks" / "tools"))
documents, npm_files, running = map(importlib.import_module, ("documents", "npm_files", "running"))
TEXT = documents.GUIDE.read_text()
BLOCKS = [(block[1], block[2] or "") for block in documents.BLOCK.finditer(TEXT)]
KINDS = ["surface", "rule", "data", "player", "exercise", "prediction", "notebook"]


@pytest.mark.slow
def test_the_guide_has_a_page_of_ten_lines_and_a_picture_for_each_kind():
    assert re.findall(r"^## (?:An?|) ?(\w+)$", TEXT, re.M) == ["surface", "rule", "Data", *KINDS[3:]]
    assert documents.guide_pictures() == [f"images/own_{kind}.png" for kind in KINDS]
    for code, _ in BLOCKS:
        assert len([line for line in code.splitlines() if line and not line.startswith(("from ", "import "))]) <= 10
    assert all((ROOT / "notebooks" / name).stat().st_size > 3000 for name in documents.guide_pictures())


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return running.executed(documents.guide(), tmp_path_factory.mktemp("guide"))


@pytest.mark.slow
def test_each_block_of_the_guide_prints_what_it_says_and_shows_its_picture(run):
    cells = [cell for cell in run.cells if cell.cell_type == "code"]
    assert [cell.source for cell in cells] == [code for code, _ in BLOCKS]
    for cell, (_, said) in zip(cells, BLOCKS):
        data = [output.get("data", {}) for output in cell.outputs]
        assert sum("image/png" in one for one in data) == 1
        if said:
            assert data[0]["text/plain"] + "\n" == said


@pytest.mark.slow
def test_links_of_the_guide_lead_to_files():
    for target in re.findall(r"\]\(([^)]+)\)", TEXT):
        assert (ROOT / target).exists(), target


ENTRIES = {
    name: code for entries in (documents.marks, documents.ready_made, documents.losses) for name, _, code in entries()
}


@pytest.mark.slow
@pytest.mark.parametrize("name", ENTRIES)
def test_the_lines_of_the_gallery_make_its_player(name):
    names = {"torch": torch, "plt": plt}
    exec(ENTRIES[name], names)
    assert isinstance(names["player"], Player)
    assert names["player"].describe()


@pytest.mark.slow
def test_the_gallery_has_every_mark_view_and_surface():
    assert {f"Player.{name}" for name in documents.MARKS} < set(ENTRIES)
    assert sum(name.startswith("views.") for name in ENTRIES) >= 25
    assert {"surfaces.himmelblau", "surfaces.tone", "surfaces.bowl", "surfaces.double_well"} < set(ENTRIES)


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reference")
    documents.write_reference(folder)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("name", documents.PUBLIC)
def test_the_reference_has_a_page_for_what_is_public_that_needs_no_network(reference, name):
    page = (reference / f"{name.replace('.', '/')}.html").read_text()
    html = BeautifulSoup(page, "html.parser")
    assert html.select_one("nav a[href$='../gallery.html']")
    assert [tag for tag in html.select("[src], link[href]") if "http" in (tag.get("src") or tag["href"])[:5]] == []
    assert html.select("section[id]"), "names with their docstrings"


@pytest.mark.slow
@pytest.mark.browser
def test_axe_finds_no_violation_of_level_a_or_aa_in_the_reference(reference, browser, tmp_path):
    try:
        npm_files.write_files(["axe-core"], tmp_path)
    except ConnectionError as error:
        pytest.fail(str(error)) if os.environ.get("CI") else pytest.skip(f"needs npm's registry once: {error}")
    page = browser.new_page()
    page.goto((reference / "gdviz" / "style.html").as_uri())  # a short page with all that a page has
    page.evaluate("for (const box of document.querySelectorAll('.view-source-toggle-state')) box.checked = true")
    page.add_script_tag(path=tmp_path / "axe.min.js")
    found = page.evaluate(
        "(tags) => axe.run({ runOnly: tags })", ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
    )
    page.close()
    assert [(one["id"], one["nodes"][0]["html"]) for one in found["violations"]] == []
