"""Lines of equal loss in the browser: their heights are those of plots.contours, and they run where matplotlib's do."""

import json
import runpy
import subprocess
from itertools import pairwise

import contourpy
import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from node import HERE, node

from gdviz import plots, surfaces
from gdviz.pictures.levels import heights, labels
from gdviz.player import Player, scripts

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
    expected = labels(z, heights(levels, z))
    assert [words for *_, words in ours["labels"]] == [words for *_, words in expected]
    np.testing.assert_allclose([place for *place, _ in ours["labels"]], [place for *place, _ in expected], rtol=1e-12)


def test_the_numbers_stand_on_their_lines_and_grow_from_the_lowest_point_outwards():
    bowl = surfaces.bowl(4)
    x, y, z = (one.numpy() for one in bowl.mesh(201))
    found = labels(z, heights(12, z))
    places = [(x[0] + u * (x[-1] - x[0]), y[0] + v * (y[-1] - y[0])) for u, v, _ in found]
    numbers = [float(words) for *_, words in found]
    assert len(found) >= 3
    assert numbers == sorted(numbers)
    losses = bowl(torch.tensor(places, dtype=torch.float64)).tolist()
    np.testing.assert_allclose(losses, numbers, rtol=0.05)  # two digits
    gaps = np.linalg.norm(np.diff([(0.5, 0.5), *(place[:2] for place in found)], axis=0), axis=1)
    assert gaps.min() >= 0.1


def test_a_still_picture_and_a_moving_one_have_the_same_numbers():
    figure, ax = plt.subplots()
    plots.contours(surfaces.himmelblau(), ax=ax, n=101)
    still = [(text.get_position(), text.get_text()) for text in ax.texts]
    assert len(still) >= 3
    figure, ax = plt.subplots()
    mark = Player(figure, {"step": range(3)}).contours(ax, surfaces.himmelblau())
    (x0, x1), (y0, y1) = surfaces.himmelblau().xlim, surfaces.himmelblau().ylim
    z = mark.array[0]
    moving = [((x0 + u * (x1 - x0), y0 + v * (y1 - y0)), words) for u, v, words in labels(z, heights(12, z))]
    assert moving == still


def test_a_ring_round_a_well_has_at_least_two_numbers():
    z = surfaces.plateau().mesh(101)[2].numpy()
    assert len(labels(z, heights(np.arange(0.1, 1.0, 0.1), z))) >= 2


@pytest.mark.browser
def test_where_the_loss_is_not_a_number_no_line_runs():
    z = surfaces.bowl(3).mesh(31)[2].numpy().copy()
    z[10:20, 5:12] = np.nan
    (ours,) = in_the_browser((z, 9))
    np.testing.assert_allclose(ours["heights"], heights(9, z), rtol=1e-13)
    x, y = np.array([np.mean(pair, 0) for line in ours["lines"] for pair in pairwise(line)]).T
    assert len(x) > 100
    assert not ((x > 4) & (x < 12) & (y > 9) & (y < 20)).any()


@pytest.mark.slow
@pytest.mark.browser
def test_the_benchmark_of_contours_times_the_engine_and_matplotlib():
    ours, theirs, size = runpy.run_path(str(HERE.parent / "benchmarks" / "formula.py"))["contours"]()
    assert min(ours, theirs) > 0
    assert size < 50_000
