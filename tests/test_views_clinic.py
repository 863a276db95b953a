"""The charts of notebook 09 show what was recorded, and a twin only after a diagnosis; the checklist has one source."""

import importlib
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from shown import arrays, look_of_the_course  # noqa: F401

from gdviz import views
from gdviz.clinic import CHECKLIST, FAULTS, trained, twins
from gdviz.clinic.rules import RULES
from gdviz.networks import History

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT / "notebooks" / "tools"))
wall, printing = map(importlib.import_module, ("wall", "printing"))
NAMES = ("no backward pass", "rate too low", "dead units")


@pytest.fixture(scope="module")
def cases():
    return {name: twins(name, data="iris", width=8) for name in NAMES}


@pytest.fixture(scope="module")
def healthy():
    return trained(data="iris", width=8)


def position(player, fault):
    """The case in which this fault is."""
    for k in range(len(NAMES)):
        player.slider_1, player.slider_2 = k, 1 + sorted(NAMES).index(fault)
        if "✓ Yes." in player.describe():
            return k
    raise AssertionError(fault)


@pytest.mark.slow
def test_a_chart_says_the_numbers_of_the_step(healthy):
    player = views.clinic.chart({"iris": healthy})
    player.slider_0 = 50
    said, vitals = player.describe(), next(v for v in healthy.vitals if v.step == 50)
    look = [epoch for epoch in healthy.epochs if epoch.end <= 50][-1]
    assert f"matrix 1: {vitals.layers[0].ratio:.1e}" in said
    assert f"rate {healthy.lrs[50]:.2g}" in said
    assert f"training {sum(healthy.losses[50:55]) / 5:.3g}" in said
    assert f"loss used {healthy.losses[50]:.3g}" in said
    assert f"held out {100 * look.validation_accuracy:.0f} %" in said


@pytest.mark.slow
def test_before_the_first_look_nothing_is_said_of_the_held_out_examples(healthy):
    assert "held out –" in views.clinic.chart({"iris": healthy}).describe()


@pytest.mark.slow
def test_the_twin_is_not_there_until_a_diagnosis(cases):
    twin = arrays(views.clinic.ward(cases), "path")[0][..., 1]  # (steps, cases, diagnoses)
    assert np.isnan(twin[:, :, 0]).all()
    assert np.isfinite(twin[:, :, 1:]).all()


@pytest.mark.slow
def test_the_verdict_knows_every_case(cases):
    player = views.clinic.ward(cases)
    assert "Your diagnosis opens" in player.describe()
    places = {fault: position(player, fault) for fault in cases}
    assert sorted(places.values()) == [0, 1, 2]
    player.slider_1, player.slider_2 = places["dead units"], 1 + sorted(NAMES).index("rate too low")
    assert "✗ No." in player.describe()
    assert "Look again: Is a whole layer" in player.describe()
    player.slider_2 = 1 + sorted(NAMES).index("dead units")
    assert FAULTS["dead units"].wrong in player.describe()


@pytest.mark.slow
def test_the_order_of_the_cases_gives_nothing_away(cases):
    player = views.clinic.ward(cases)
    assert [position(player, fault) for fault in cases] != [0, 1, 2]
    assert [position(player, fault) for fault in sorted(cases)] != [0, 1, 2]


def test_a_ward_refuses_what_is_no_fault():
    nothing = (History(), History())
    with pytest.raises(ValueError, match="a ward has two or more of the faults"):
        views.clinic.ward({})
    with pytest.raises(ValueError, match=r"got .*hiccups"):
        views.clinic.ward({"hiccups": nothing, "dead units": nothing})


@pytest.mark.parametrize("given", [{}, {"mine": History()}])
def test_a_chart_refuses_what_has_no_vitals(given):
    with pytest.raises(ValueError, match="a chart needs training runs that record vitals, as fit"):
        views.clinic.chart(given)


@pytest.mark.slow
def test_a_chart_refuses_other_steps(healthy):
    rarer = History(healthy.steps, healthy.epochs, vitals=healthy.vitals[::2])
    with pytest.raises(ValueError, match="examined at the same steps; those of 'rarer'"):
        views.clinic.chart({"iris": healthy, "rarer": rarer})


def test_the_checklist_has_every_fault_in_the_order_of_diagnose():
    assert [check.fault for check in CHECKLIST] == list(RULES)
    assert set(RULES) == set(FAULTS)
    parts = [check.when for check in CHECKLIST]
    assert parts == sorted(parts, key=["before the first step", "one step", "the whole curve"].index)


def test_the_page_for_the_wall_is_made_of_the_list():
    """`make notebooks` writes it anew."""
    page = (ROOT / "notebooks" / "checklist.html").read_text(encoding="utf-8")
    assert page == wall.page()
    assert all(check.look.replace("'", "&#39;") in page for check in CHECKLIST)


@pytest.mark.slow
def test_the_pdf_for_the_wall_is_one_page(tmp_path):
    if not any(map(shutil.which, printing.BROWSERS)):
        pytest.skip("needs Chromium, Chrome or Edge: apt-get install chromium")
    wall.write(tmp_path)
    pdf = (tmp_path / "checklist.pdf").read_bytes()
    assert pdf[:5] == b"%PDF-"
    assert pdf.count(b"/Type /Page\n") == 1
