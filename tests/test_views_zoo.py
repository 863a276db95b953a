"""The players of notebook 07 show what the formulas say; the four suspects make the mistakes that are meant."""

import math
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from shown import arrays, look_of_the_course, readouts  # noqa: F401

from gdviz import surfaces, views
from gdviz.descent import grid, minimize
from gdviz.exercises import check_rule
from gdviz.exercises.mistakes import suspect
from gdviz.optimizers import Adam, AdamW, GradientDescent, Momentum, Range

RAVINE, WELLS, DOUBLE, BOWL = surfaces.ravine(), surfaces.two_wells(), surfaces.double_well(), surfaces.bowl(100)
RATES = [0.1, 0.2, 0.3]
PRODUCT = surfaces.Surface(lambda w: (1 - w[..., 0] * w[..., 1]) ** 2 / 2, (-2, 5), (-3, 4), (4.0, 0.02), (), "product")
CLAIMS = {"A": Adam, "B": Momentum, "C": Adam, "D": AdamW}


@pytest.mark.parametrize(
    ("letter", "phrase"),
    [
        ("A", ", but its step counter t stays at 1"),
        ("B", " with an averaged velocity"),
        ("C", ", but it multiplies by 1 - beta^t where the paper divides"),
        ("D", " with the decay in the gradient"),
    ],
)
def test_a_suspect_makes_its_mistake_and_no_other(letter, phrase):
    found = check_rule(suspect(letter, lr=0.1), CLAIMS[letter](lr=0.1))
    assert not found.correct
    assert found.hint.startswith(f"This is {CLAIMS[letter].__name__}{phrase}")


def test_a_suspect_can_be_swept_and_has_the_hyperparameters_of_its_claim():
    rule = suspect("D", **grid(lr=RATES), weight_decay=0.5)
    assert isinstance(rule, AdamW)
    assert rule.weight_decay == 0.5
    assert minimize(RAVINE, rule, RAVINE.start, 3).runs == (3,)


def test_another_suspect_is_refused():
    with pytest.raises(ValueError, match="the suspects are A, B, C, D; got 'E'"):
        suspect("E")


def test_the_dots_of_the_lucky_race_are_the_shares_at_the_rate():
    runs = {"Adam": minimize(WELLS, Adam(Range(0.1, 0.3, 0.3)), [1.0, 1.5], 5)}
    player = views.zoo.lucky(WELLS, runs, {"Adam": [0.2, 0.7, 0.4]}, RATES)
    assert player.caption == "Adam: at best 70% of the starts, with lr 0.2."
    for rate, share in (*zip(RATES, [0.2, 0.7, 0.4]), (0.02**0.5, 0.45)):  # halfway on the log axis, half the way up
        player.dialed = [rate]
        with player.moved():
            assert np.allclose(arrays(player, "points")[0], [rate, share])
            assert readouts(player, (5,)) == [f"Adam: {100 * share:.0f} %"]
    assert arrays(player, "path")[0].shape == (6, 2)


@pytest.mark.slow
def test_a_run_of_one_parameter_lies_on_the_curve_of_the_loss():
    runs = {"Momentum": minimize(DOUBLE, Momentum(lr=0.1), [[1.0], [1.7]], 8)}
    player = views.zoo.along(DOUBLE, runs, {"start": [1, 1.7]}, every=2)
    on_the_loss, against_the_step = arrays(player, "path")
    assert np.allclose(on_the_loss[..., 0], runs["Momentum"].params[::2, :, 0])
    assert np.allclose(on_the_loss[..., 1], runs["Momentum"].losses[::2])
    assert against_the_step[:, 0, 0].tolist() == [0, 2, 4, 6, 8]
    assert np.allclose(against_the_step[..., 1], on_the_loss[..., 0])
    ends = runs["Momentum"].params[-1, :, 0].tolist()
    assert player.caption == f"Momentum after 8 steps: w = {ends[0]:.2f} at start 1, w = {ends[1]:.2f} at start 1.7."
    assert player.handles == [{"kind": "start", "axes": 0, "chosen": [1]}]
    one = views.zoo.along(DOUBLE, {"Momentum": minimize(DOUBLE, Momentum(lr=0.1), [1.7], 8)}, every=2)
    assert one.caption == f"Momentum after 8 steps: w = {ends[1]:.2f}."
    assert [handle["kind"] for handle in one.handles] == ["start"]


def test_a_place_that_rounds_to_zero_has_no_sign():
    run = minimize(lambda w: w[..., 0] ** 2, GradientDescent(lr=0.1), [[-1e-9], [1e-9]], 1)
    assert "-0.00" not in views.zoo.along(DOUBLE, {"GradientDescent": run}, {"start": [1, 2]}).caption


@pytest.mark.parametrize("curvatures", [(1, 100), (4, 1), (1, -1), (1, -4)])
def test_level_lines_are_at_one_height_each_however_turned(curvatures):
    a, b = curvatures
    for angle, lines in zip((0, 30, 90), views.zoo.level_lines(curvatures, [0, 30, 90]).numpy()):
        cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
        x, y = lines @ [cos, sin], lines @ [-sin, cos]
        heights = a * x**2 + b * y**2
        assert np.isnan(heights).any()
        for line in np.split(heights, np.flatnonzero(np.isnan(heights))):
            assert np.ptp(line[np.isfinite(line)], axis=0) < 1e-6 if np.isfinite(line).any() else True


@dataclass(frozen=True)
class Turned(GradientDescent):
    """It is all the same to it."""

    degrees: float = 0.0


def test_bowl_and_path_are_turned_by_what_the_rule_sees_and_the_losses_are_told():
    run = minimize(BOWL, Turned(0.018, degrees=Range(0, 90, 30)), [1.0, 1.0], 7)
    player = views.zoo.turned((1, 100), {"GradientDescent": run})
    for angle in (0, 30, 90):
        player.dialed = [angle]
        with player.moved():
            (rings,), (path, losses) = arrays(player, "line"), arrays(player, "path")
            cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
            assert np.allclose(path, run.params.numpy() @ [[cos, sin], [-sin, cos]])
            assert np.allclose(rings[0], views.zoo.level_lines((1, 100), angle), equal_nan=True)
            assert np.allclose(losses[:, 1], run.losses)
            assert readouts(player, (7,)) == [f"GradientDescent: loss {run.losses[-1]:.3g}"]


def test_the_share_of_a_weight_that_is_left():
    still = minimize(lambda w: 0 * w.sum(-1), AdamW(lr=0.1, weight_decay=Range(0, 0.5, 0.1)), [4.0, 3.0], 10)
    player = views.zoo.shrinking(RAVINE, {"AdamW": still}, every=5)
    for decay in (0.1, 0.5):
        player.dialed = [decay]
        with player.moved():
            path, *shares = arrays(player, "path")
            assert np.allclose(path, [(4 * left, 3 * left) for left in (1 - 0.1 * decay) ** np.array([0, 5, 10])])
            assert len(shares) == 2
            for share in shares:
                assert np.allclose(share[:, 1], (1 - 0.1 * decay) ** np.array([0, 5, 10]))


@pytest.mark.slow
def test_the_edge_shows_the_limit_and_published_numbers():
    rates = [0.05, 0.1, 0.2, 0.3]
    runs = minimize(PRODUCT, GradientDescent(**grid(lr=rates)), PRODUCT.start, 100)
    player = views.zoo.edge(PRODUCT, runs, rates)
    one = views.zoo.edge(PRODUCT, minimize(PRODUCT, GradientDescent(Range(0.05, 0.3, 0.2)), PRODUCT.start, 100))
    assert readouts(one, (100,)) == ["x² + y² = 2.17", "limit 2/lr = 10.00"]
    assert [dial["name"] for dial in one.dials] == ["learning rate"]
    assert one.caption == "x² + y² after 100 steps with lr 0.2, from 16.00: 2.17."
    one.dialed = [0.3]
    with one.moved() as caption:
        assert caption == "x² + y² after 100 steps with lr 0.3, from 16.00: diverges."
    assert "0.05: 16.09, 0.1: 15.91, 0.2: 2.17, 0.3: diverges." in player.caption
    (limit,) = arrays(player, "line")
    assert np.allclose(limit[0, :, :, 1], 2 / np.array(rates)[:, None])
    curvature = arrays(player, "path")[1][..., 1]
    assert np.allclose(curvature[:, 0], (runs.params[:, 0] ** 2).sum(-1))
    assert readouts(player, (100, 2)) == ["x² + y² = 2.17", "limit 2/lr = 10.00"]
    assert "diverged" in readouts(player, (100, 3))[0]
    assert player.twin()


def test_x2_plus_y2_is_the_larger_curvature_of_the_floor():
    place = torch.tensor([0.5, 2.0]).double()
    curvatures = torch.linalg.eigvalsh(torch.autograd.functional.hessian(PRODUCT, place))
    assert curvatures.tolist() == pytest.approx([0, 0.25 + 4], abs=1e-12)


@pytest.mark.slow
def test_a_run_that_leaves_the_ridge_is_told():
    offsets = torch.tensor([0.0, 1e-9, 0.5, 2.0]).double()[:, None, None] * torch.tensor([0.0, -1.0]).double()[:, None]
    params = torch.zeros(4, 2, 1, 2).double()
    player = views.zoo.ridge(params, offsets, {"angle": [0, 30], "numbers": ["64 bits"]})
    assert player.caption == "1 of 2 runs stay on the ridge for 3 steps; all others leave it."
    assert readouts(player, (3, 0, 0)) == ["on the ridge"]
    assert readouts(player, (2, 1, 0)) == ["on the ridge"]
    assert readouts(player, (3, 1, 0)) == ["has left it"]
    assert arrays(player, "path")[1][1:, 1, 0, 1].tolist() == pytest.approx([1e-9, 0.5, 2.0])
    assert player.twin()


def test_a_suspect_stands_beside_the_right_rule_with_the_size_of_its_steps():
    lr = Range(0.1, 0.3, 0.1)
    pairs = {
        letter: [minimize(RAVINE, rule, RAVINE.start, 6) for rule in (suspect(letter, lr=lr), right(lr))]
        for letter, right in (("C", Adam), ("B", Momentum))
    }
    player = views.zoo.suspects(RAVINE, pairs)
    right, right_size, wrong, wrong_size = arrays(player, "path")
    assert np.allclose(wrong[:, 1], pairs["B"][0].params)
    assert np.allclose(right[:, 0], pairs["C"][1].params)
    assert np.allclose(wrong_size[1, 0, 1], 10)  # Adam that multiplies: ten times too long
    assert np.allclose(right_size[1, 0, 1], 1)
    assert np.allclose(wrong_size[1, 1, 1], 0.8)  # a tenth of the steepest slope
    assert readouts(player, (1, 1))[0].startswith("Momentum: step 8.00 lr, loss ")
    assert readouts(player, (1, 0))[1].startswith("suspect: step 10.00 lr, loss ")
    for dialed, rate in (([], 0.1), ([0.3], 0.3)):
        ends = [
            [minimize(RAVINE, rule, RAVINE.start, 6).losses[-1] for rule in (suspect(letter, lr=rate), right(rate))]
            for letter, right in (("C", Adam), ("B", Momentum))
        ]
        worse = [letter for letter, (wrong, right) in zip("CB", ends) if wrong > right]
        player.dialed = dialed
        with player.moved() as caption:
            said = f"With lr {rate} these end with a higher loss than the right rule: {', '.join(worse) or 'none'}."
            assert caption == said
