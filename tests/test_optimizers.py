"""Update rules: laws first, then equality with torch.optim, then bad input."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gdviz.descent import grid, minimize
from gdviz.optimizers import GradientDescent
from gdviz.surfaces import bowl

ACCEPTED = "lr must be positive or a tensor of positive rates, got "


def square(w):
    return (w**2).sum(-1)


def test_gradient_descent_on_a_parabola_shrinks_by_one_minus_lr_lambda():  # NUMBERS 1
    descent = minimize(square, GradientDescent(lr=0.2), [10.0], 10)
    steps = torch.arange(11, dtype=torch.float64)
    assert torch.allclose(descent.params[:, 0], 10 * 0.6**steps, rtol=1e-14)


@pytest.mark.parametrize(
    ("lr_lambda", "way"), [(0.99, "monotone"), (1.5, "zig-zag"), (1.99, "zig-zag"), (2.01, "diverges")]
)
def test_gradient_descent_is_monotone_zig_zags_or_diverges(lr_lambda, way):  # NUMBERS 1: 1/L and 2/L
    curvature = 4.0
    descent = minimize(lambda w: curvature / 2 * square(w), GradientDescent(lr=lr_lambda / curvature), [1.0], 60)
    changes_side = (descent.params[1:, 0] * descent.params[:-1, 0] < 0).all()
    assert bool(changes_side) == (way != "monotone")
    assert bool(descent.diverged) == (way == "diverges")


@given(
    lr=st.floats(1e-4, 0.5),
    start=st.lists(st.floats(-5, 5), min_size=1, max_size=6),
    seed=st.integers(0, 2**31),
)
@settings(max_examples=30)
def test_gradient_descent_equals_torch_sgd_to_rounding(lr, start, seed):
    generator = torch.Generator().manual_seed(seed)
    matrix = torch.randn(len(start), len(start), generator=generator, dtype=torch.float64)

    matrix /= torch.linalg.matrix_norm(matrix, 2)

    def loss(w):  # not convex; curvature at most 3, so that no rate below 2/3 makes chaos of rounding
        return torch.cos(w @ matrix).mean(-1) + torch.log1p(square(w))

    descent = minimize(loss, GradientDescent(lr=lr), start, 100)
    param = torch.nn.Parameter(torch.tensor(start, dtype=torch.float64))
    sgd = torch.optim.SGD([param], lr=lr)
    for ours in descent.params[1:]:
        sgd.zero_grad()
        loss(param).backward()
        sgd.step()
        assert torch.allclose(ours, param, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("lr", [0, 0.0, -0.1, math.nan, math.inf, np.float32(-1)])
def test_a_rate_out_of_range_is_refused_with_what_was_given(lr):
    with pytest.raises(ValueError, match=ACCEPTED) as caught:
        minimize(bowl(), GradientDescent(lr=lr), [1.0, 1.0], 3)
    assert str(caught.value).endswith(repr(lr))


@pytest.mark.parametrize("lr", ["fast", None, 1j, True, [0.1, "x"], {}])
def test_a_rate_that_is_no_number_is_refused(lr):
    with pytest.raises(TypeError, match=ACCEPTED):
        minimize(bowl(), GradientDescent(lr=lr), [1.0, 1.0], 3)


def test_one_bad_rate_in_a_sweep_is_refused():
    with pytest.raises(ValueError, match=ACCEPTED):
        minimize(bowl(), GradientDescent(**grid(lr=[0.1, -0.1])), [1.0, 1.0], 3)


def test_an_empty_sweep_is_refused():
    with pytest.raises(ValueError, match="lr is empty"):
        grid(lr=[])


@pytest.mark.parametrize("lr", [[[0.1], [0.2]], np.array([[0.1], [0.2]]), torch.tensor([[0.1], [0.2]])])
def test_lists_arrays_and_tensors_are_all_sweeps(lr):
    assert minimize(bowl(), GradientDescent(lr=lr), [1.0, 1.0], 3).runs == (2,)


def test_a_rule_class_in_place_of_a_rule_is_named():
    with pytest.raises(TypeError, match=r"class GradientDescent; write a rule, such as GradientDescent\(lr=0.1\)"):
        minimize(bowl(), GradientDescent, [1.0, 1.0], 3)


def test_what_is_no_rule_is_told_what_a_rule_has():
    with pytest.raises(TypeError, match=r"init\(params\) -> state and update"):
        minimize(bowl(), 0.1, [1.0, 1.0], 3)
