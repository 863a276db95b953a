"""Lines of equal loss in the browser: their heights are those of plots.contours, and they run where matplotlib's do."""

import json
import runpy
import subprocess
from itertools import pairwise

import contourpy
import numpy as np
import pytest
from node import HERE, node

from gdviz import surfaces
from gdviz.pictures.levels import heights
from gdviz.player import scripts

RANDOM = np.random.default_rng(0)
MESHES = {
    "bowl": (surfaces.bowl(7, angle=20).mesh(41)[2].numpy(), 12),
    "banana": (surfaces.rosenbrock().mesh(61)[2].numpy(), 12),
    "saddles in every other cell": (RANDOM.normal(size=(30, 30)), 7),
    "heights of one's own": (surfaces.himmelblau().mesh(51)[2].numpy(), [3.3, 40.7, 1000.2]),
    "a line that is not there": (surfaces.himmelblau().mesh(51)[2].numpy(), [-5.0]),
    "a plain": (np.full((20, 20), 3.0), 5),
}


def in_the_browser(*asked):
    told = json.dumps(
        [{"mesh": [None if np.isnan(v) else v for v in z.ravel().tolist()], "levels": levels} for z, levels in asked]
    )
    command = [node(), str(HERE / "levels.node.mjs"), str(scripts.STATIC)]
    ran = subprocess.run(command, input=told, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def written(lines):
    """The pieces of lines, whichever end comes first; those without a length left out."""
    pairs = [np.round(np.asarray(pair, float), 6) + 0.0 for line in lines for pair in pairwise(line)]
    return sorted(tuple(sorted(map(tuple, pair))) for pair in pairs if (pair[0] != pair[1]).any())


@pytest.mark.browser
@pytest.mark.parametrize("name", MESHES)
def test_the_lines_run_where_matplotlib_draws_them(name):
    z, levels = MESHES[name]
    (ours,) = in_the_browser((z, levels))
    np.testing.assert_allclose(ours["heights"], heights(levels, z), rtol=1e-13)
    drawn = contourpy.contour_generator(z=z, name="mpl2014")
    lines = [line for height in heights(levels, z) for line in drawn.lines(height)[0]]
    assert written(ours["lines"]) == written(lines)
    assert len(ours["lines"]) == len(lines), "each is one line, so that no joint is seen"


@pytest.mark.browser
def test_where_the_loss_is_not_a_number_no_line_runs():
    z = surfaces.bowl(3).mesh(31)[2].numpy().copy()
    z[10:20, 5:12] = np.nan
    (ours,) = in_the_browser((z, 9))
    np.testing.assert_allclose(ours["heights"], heights(9, z), rtol=1e-13)
    x, y = np.array([np.mean(pair, 0) for line in ours["lines"] for pair in pairwise(line)]).T
    assert len(x) > 100
    assert not ((x > 4) & (x < 12) & (y > 9) & (y < 20)).any()


@pytest.mark.browser
def test_the_benchmark_of_contours_times_the_engine_and_matplotlib():
    ours, theirs, size = runpy.run_path(str(HERE.parent / "benchmarks" / "formula.py"))["contours"]()
    assert min(ours, theirs) > 0
    assert size < 50_000
