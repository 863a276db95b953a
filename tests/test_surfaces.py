"""Surfaces: curvature, minima and the loss of a line against its closed form."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LinearRegression
from sklearn.metrics import mean_squared_error

from gdviz import data
from gdviz.descent import gradient
from gdviz.surfaces import bowl, linear_model


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
