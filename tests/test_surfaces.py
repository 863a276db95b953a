"""Surfaces: curvature, minima and the loss of a line against its closed form."""

import math
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LinearRegression
from sklearn.metrics import mean_squared_error

from gdviz import data, surfaces, theory
from gdviz.descent import gradient, minimize
from gdviz.optimizers import Adam, GradientDescent
from gdviz.surfaces import bowl, linear_model


@pytest.mark.slow
@given(condition=st.floats(1, 1e4), smallest=st.floats(0.01, 10), angle=st.floats(-360, 360))
def test_a_bowl_has_the_curvatures_asked_for_in_the_direction_asked_for(condition, smallest, angle):
    surface = bowl(condition, smallest=smallest, angle=angle)
    hessian = torch.autograd.functional.hessian(surface, torch.zeros(2, dtype=torch.float64))
    wanted = smallest * torch.tensor([1, condition], dtype=torch.float64)
    assert torch.allclose(torch.linalg.eigvalsh(hessian), wanted, rtol=1e-9)
    along = torch.tensor([math.cos(math.radians(angle)), math.sin(math.radians(angle))], dtype=torch.float64)
    assert torch.allclose(hessian @ along, smallest * along, atol=1e-9 * condition * smallest)


def test_a_tensor_of_condition_numbers_is_a_bowl_for_each_run():
    kappa = torch.tensor([1.0, 10.0, 100.0])
    together = bowl(kappa)(torch.tensor([3.0, 4.0], dtype=torch.float64).expand(3, 2))
    alone = [bowl(k.item())(torch.tensor([3.0, 4.0], dtype=torch.float64)).item() for k in kappa]
    assert together.tolist() == alone


@pytest.mark.parametrize("feature", data.DIABETES)
def test_least_squares_line_equals_scikit_learn(feature):  # NUMBERS 25
    for patients in (data.diabetes(feature), data.diabetes(feature).standardized()):
        surface = linear_model(patients)
        fitted = LinearRegression().fit(patients.x[:, None], patients.y)
        ((w, b),) = surface.minima
        assert np.allclose([w, b], [fitted.coef_[0], fitted.intercept_], rtol=1e-10)
        place = torch.tensor([w, b], dtype=torch.float64)
        assert np.isclose(
            surface(place), mean_squared_error(patients.y, fitted.predict(patients.x[:, None])), rtol=1e-10
        )
        assert gradient(surface, place).abs().max() < 1e-7 * (1 + patients.x.abs().max()) * patients.y.abs().max()


def test_the_loss_of_data_is_the_mean_over_its_examples():
    tones = data.toy_tone(50)
    for surface, many in ((linear_model(data.diabetes()), 442), (surfaces.tone(tones), 50)):
        params = torch.tensor([surface.start, surface.minima[0]], dtype=torch.float64)
        each = surface.example_loss(params, torch.arange(many))
        assert each.shape == (2, many)
        assert surface.examples == many
        assert torch.allclose(each.mean(-1), surface(params), rtol=1e-12)
    by_hand = (torch.sin(3.0 * tones.x) - tones.y) ** 2
    assert torch.allclose(surface.example_loss(torch.tensor([3.0]), torch.arange(50)), by_hand, rtol=1e-12)


@pytest.mark.slow
def test_the_start_on_a_tone_leads_into_a_valley_that_is_not_the_lowest():
    end = minimize(TONE, GradientDescent(0.01), TONE.start, 2000).params[-1]
    lowest = min(TONE(torch.tensor(place, dtype=torch.float64)).item() for place in TONE.minima)
    assert TONE(end) > lowest + 0.1


def test_a_tone_is_best_fitted_by_its_own_frequency():
    clean = surfaces.tone(data.toy_tone(frequency=3.0, noise=0.0))
    values = [clean(torch.tensor(place, dtype=torch.float64)).item() for place in clean.minima]
    assert len(values) > 1
    assert clean.minima[int(np.argmin(values))] == pytest.approx((3.0,), abs=1e-9)
    assert min(values) == pytest.approx(0, abs=1e-12)


def test_the_window_holds_start_and_minima():
    for surface in (bowl(5, angle=20), linear_model(data.diabetes()), linear_model(data.toy_line())):
        for x, y in (surface.start, *surface.minima):
            assert surface.xlim[0] < x < surface.xlim[1]
            assert surface.ylim[0] < y < surface.ylim[1]


def test_mesh_has_rows_of_y():
    x, y, z = linear_model(data.toy_line()).mesh(7)
    surface = linear_model(data.toy_line())
    assert z[5, 2] == surface(torch.stack([x[2], y[5]]))


@pytest.mark.parametrize("condition", [0.5, 0, -1, math.nan, math.inf])
def test_a_condition_number_below_one_is_refused(condition):
    with pytest.raises(ValueError, match="condition must be at least 1"):
        bowl(condition)


def test_other_bad_bowls_are_refused():
    with pytest.raises(ValueError, match="smallest must be positive"):
        bowl(3, smallest=0)
    with pytest.raises(ValueError, match="angle must be finite"):
        bowl(3, angle=math.nan)


def test_params_of_another_width_are_refused():
    with pytest.raises(ValueError, match=r"has two parameters, so params are \(..., 2\); got shape \(5, 3\)"):
        bowl(3)(torch.zeros(5, 3))


CLASSICS = {  # surface: the published values of its minima, rounded as published
    surfaces.ravine: [0],
    surfaces.rosenbrock: [0],
    surfaces.himmelblau: [0, 0, 0, 0],
    surfaces.beale: [0],
    surfaces.booth: [0],
    surfaces.rastrigin: None,  # 121 of them: only the global one is published
    surfaces.styblinski_tang: [-78.33233, -64.19561, -64.19561, -50.05889],
    surfaces.six_hump_camel: [-1.0316285, -1.0316285, -0.2154638, -0.2154638, 2.1042503, 2.1042503],
    surfaces.saddle: [],
    surfaces.monkey_saddle: [],
    surfaces.plateau: [0],
    surfaces.double_well: None,
    partial(surfaces.double_well, parameters=2): None,
    surfaces.two_wells: [-2.0630902, -1.0927320],
}
TONE = surfaces.tone(data.toy_tone())
each = pytest.mark.parametrize("surface", [*(make() for make in CLASSICS), TONE], ids=lambda surface: surface.name)


ELSEWHERE = {  # each formula worked out by hand, away from the minima
    "ravine": {(1, 1): 2.1, (-5, -2): 10.5},
    "Rosenbrock": {(0, 0): 1, (-1.2, 1): 24.2},
    "Himmelblau": {(0, 0): 170, (1, 2): 68},
    "Beale": {(0, 0): 14.203125, (1, 1): 14.203125, (2, -1): 13.203125},
    "Booth": {(0, 0): 74, (1, 1): 20, (0, 1): 41},
    "Rastrigin": {(0.5, 0.5): 40.5, (1, 0): 1, (0.25, 0): 10.0625},
    "Styblinski-Tang": {(0, 0): 0, (1, 2): -24},
    "six-hump camel": {(1, 0): 2.9 - 2 / 3, (0, 0.5): -0.75, (1, 1): 2.9 + 1 - 2 / 3},
    "saddle": {(1, 0): 0.5, (0, 1): -0.5},
    "monkey saddle": {(1, 0): 1, (1, 1): -2},
    "plateau": {(1, 1): 1 - math.exp(-1), (3, 0): 1 - math.exp(-4.5)},
    "bowl with two wells": {(0, 0): -5 * math.exp(-5), (0, 1): 1 - 5 * math.exp(-10), (1, 0): -1 - 3 * math.exp(-20)},
}


@pytest.mark.parametrize("make", CLASSICS)
def test_a_surface_has_its_published_formula(make):
    surface = make()
    wells = {(x, 1.0)[: len(surface.start)]: x**4 / 4 - x**2 / 2 + 0.2 * x for x in (-1.0, 0.5, 2.0)}
    places = ELSEWHERE.get(surface.name) or {p: f + 0.5 * (len(p) - 1) for p, f in wells.items()}
    for place, value in places.items():
        assert surface(torch.tensor(place, dtype=torch.float64)).item() == pytest.approx(value, abs=1e-12), place


@pytest.mark.parametrize(("make", "values"), [(make, values) for make, values in CLASSICS.items() if values])
def test_minima_have_the_published_values(make, values):
    surface = make()
    found = [surface(torch.tensor(place, dtype=torch.float64)).item() for place in surface.minima]
    assert sorted(found) == pytest.approx(sorted(values), abs=6e-6)


@each
def test_at_every_minimum_the_gradient_vanishes_and_the_curvature_is_positive(surface):
    for place in torch.tensor(surface.minima, dtype=torch.float64):
        hessian = torch.autograd.functional.hessian(surface, place)
        curvatures = torch.linalg.eigvalsh(hessian)
        assert curvatures.min() > 0
        assert gradient(surface, place).norm() < 1e-12 * curvatures.max()


def derivatives(surface, places):
    """Gradients (n, d) and Hessians (n, d, d) at places (n, d)."""
    leaf = places.detach().requires_grad_()
    grads = torch.autograd.grad(surface(leaf).sum(), leaf, create_graph=True)[0]
    rows = [torch.autograd.grad(column.sum(), leaf, retain_graph=True)[0] for column in grads.unbind(-1)]
    return grads.detach(), torch.stack(rows, -2)


@each
def test_no_minimum_is_missing(surface):
    """Descents of small steps from all over the window, mended by Newton's, end at the listed minima and at all of
    those inside.
    """
    limits = torch.tensor([surface.xlim, surface.ylim][: len(surface.start)], dtype=torch.float64)
    axes = [torch.linspace(low, high, 42, dtype=torch.float64)[1:-1] for low, high in limits]
    starts = torch.cartesian_prod(*axes).reshape(-1, len(limits))
    ends = minimize(surface, Adam(lr=0.02), starts, 750).params[-1]
    for _ in range(20):
        _, hessians = derivatives(surface, ends)
        curvatures = torch.linalg.eigvalsh(hessians)
        ends = ends[curvatures[:, 0] > 1e-4 * curvatures[:, -1].abs()]
        grads, hessians = derivatives(surface, ends)
        ends = ends - torch.linalg.solve(hessians, grads[..., None])[..., 0]
    settled = derivatives(surface, ends)[0].norm(dim=-1) < 1e-8
    inside = settled & ((ends >= limits[:, 0]) & (ends <= limits[:, 1])).all(-1)
    listed = torch.tensor(surface.minima, dtype=torch.float64).reshape(-1, len(limits))
    distances = torch.cdist(ends[inside], listed)
    if not len(listed):
        assert not inside.any()
        return
    assert (distances.amin(1) < 1e-6).all()
    assert set(distances.argmin(1).tolist()) == set(range(len(listed)))


@each
def test_the_window_holds_the_start_and_every_minimum(surface):
    limits = [surface.xlim, surface.ylim]
    for place in (surface.start, *surface.minima):
        assert all(low <= value <= high for value, (low, high) in zip(place, limits, strict=False))


@each
def test_a_surface_takes_any_batch_and_refuses_another_width(surface):
    d = len(surface.start)
    batch = torch.tensor(surface.start, dtype=torch.float64).expand(3, 2, d)
    assert surface(batch).shape == (3, 2)
    with pytest.raises(ValueError, match=rf"params are \(..., {d}\); got shape \(5,\)"):
        surface(torch.zeros(5))


@pytest.mark.slow
def test_rosenbrock_conditioning():  # NUMBERS 20
    hessian = torch.autograd.functional.hessian(surfaces.rosenbrock(), torch.ones(2, dtype=torch.float64))
    smallest, largest = torch.linalg.eigvalsh(hessian).tolist()
    assert (smallest, largest) == (pytest.approx(0.399, abs=5e-4), pytest.approx(1001.6, abs=0.05))
    assert largest / smallest == pytest.approx(2508, abs=0.5)
    assert 2 / largest == pytest.approx(0.0019968, abs=5e-8)
    for lr, diverges in ((0.001996, False), (0.001998, True)):  # beside the minimum, along the steepest direction
        start = torch.ones(2, dtype=torch.float64) + 1e-6 * torch.linalg.eigh(hessian).eigenvectors[:, -1]
        end = minimize(surfaces.rosenbrock(), GradientDescent(lr=lr), start, 3000).params[-1]
        assert bool((end - 1).norm() > 1e-6) == diverges


def test_basin_is_the_nearest_minimum():
    himmelblau = surfaces.himmelblau()
    assert himmelblau.basin(torch.tensor(himmelblau.minima) + 0.1).tolist() == [0, 1, 2, 3]
    with pytest.raises(ValueError, match=r"two parameters, so params are \(..., 2\); got shape \(5, 1\)"):
        himmelblau.basin(torch.zeros(5, 1))
    with pytest.raises(ValueError, match="saddle has no minimum"):
        surfaces.saddle().basin(torch.zeros(2))


@pytest.mark.parametrize("tilt", [0.39, -1, math.nan])
def test_a_double_well_that_has_lost_a_well_is_refused(tilt):
    with pytest.raises(ValueError, match="tilt must be below"):
        surfaces.double_well(tilt)


def test_a_surface_of_one_parameter_has_no_mesh():
    with pytest.raises(ValueError, match=r"one parameter; plots.profile draws it"):
        surfaces.double_well().mesh()
    with pytest.raises(ValueError, match="parameters must be 1 or 2, got 3"):
        surfaces.double_well(parameters=3)


@pytest.mark.parametrize("window", [(3, -3), (1, 1), (math.nan, 1), (0, math.inf), (1,), (0, 1, 2), "ab", None, 5])
@pytest.mark.parametrize("side", ["xlim", "ylim"])
def test_a_window_that_is_none_is_refused(side, window):
    given = {"xlim": (-1, 1), "ylim": (-1, 1)} | {side: window}
    with pytest.raises(ValueError, match=f"{side} of own must be \\(low, high\\), two finite numbers"):
        surfaces.Surface(lambda w: w.sum(-1), **given, start=(0.0, 0.0), minima=(), name="own")


def test_a_surface_of_three_parameters_is_refused_and_a_start_outside_is_not():
    with pytest.raises(ValueError, match="one or two parameters; the start of own has 3"):
        surfaces.Surface(lambda w: w.sum(-1), (-1, 1), (-1, 1), (0.0, 0.0, 0.0), (), "own")
    assert surfaces.Surface(lambda w: w.sum(-1), (-1, 1), (-1, 1), (9.0, 9.0), (), "own").start == (9.0, 9.0)


def test_a_mesh_needs_two_points_a_side_and_a_loss_for_each():
    with pytest.raises(ValueError, match="at least 2 points along each side, got 1"):
        bowl(3).mesh(1)
    mean = surfaces.Surface(lambda w: w.mean(), (-1, 1), (-1, 1), (0.0, 0.0), (), "own")
    with pytest.raises(ValueError, match=r"own must give a loss for each of 7 points, \(7,\); it gave \(\)"):
        mean.mesh(7)


@pytest.mark.parametrize("d", [1, 2, 3])
def test_curvatures_are_the_eigenvalues_of_the_hessian(d):
    def loss(w):
        return (w**4).sum(-1) + torch.sin(w.sum(-1)) + (w[..., 0] * w[..., -1]) ** 2

    places = torch.randn(5, d, generator=torch.Generator().manual_seed(d), dtype=torch.float64)
    found = theory.curvatures(loss, places)
    for place, one in zip(places, found, strict=True):
        hessian = torch.autograd.functional.hessian(loss, place)
        assert torch.allclose(one, torch.linalg.eigvalsh(hessian), rtol=1e-9, atol=1e-12)


def test_a_plane_is_not_curved():
    assert theory.curvatures(lambda w: 3 * w[..., 0] - w[..., 1], [1.0, 2.0]).tolist() == [0.0, 0.0]
    assert theory.curvatures(lambda w: torch.ones(w.shape[:-1]), [1.0, 2.0]).tolist() == [0.0, 0.0]
    assert theory.curvatures(lambda w: w[..., 0] ** 2 + w[..., 1], [1.0, 2.0]).tolist() == [0.0, 2.0]
    assert theory.curvatures(lambda w: 0.3 * w[..., 0].abs() + w[..., 1].abs(), [1.0, 2.0]).tolist() == [0.0, 0.0]
