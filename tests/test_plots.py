"""Pictures, by the data of their artists."""

import io

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from matplotlib.path import Path
from PIL import Image, ImageColor

from gdviz import data, pictures, plots, style, surfaces
from gdviz.descent import grid, minimize
from gdviz.optimizers import GradientDescent
from gdviz.pictures import ellipses

BOWL = surfaces.bowl(4)


@pytest.fixture
def ax():
    figure, ax = plt.subplots()
    yield ax
    plt.close(figure)


def test_contours_say_their_loss_on_both_sides_of_0_and_a_map_does_not(ax):
    lines = plots.contours(surfaces.saddle(), ax=ax)
    said = np.array([float(text.get_text().replace("\N{MINUS SIGN}", "-")) for text in ax.texts])
    assert {-1, 1} == set(np.sign(said))  # one sees which side is up
    assert (np.abs(said[:, None] - lines.levels).min(1) <= 0.05 * np.abs(said)).all()
    ax.clear()
    plots.contours(surfaces.saddle(), ax=ax, filled=True)
    assert not ax.texts


@pytest.mark.parametrize("share", [0.5, 0.95])
def test_an_ellipse_holds_its_share_of_a_normal_cloud(ax, share):
    root = torch.tensor([[2.0, 0.0], [1.5, 0.5]]).double()
    cloud = torch.randn(40_000, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64) @ root.T
    (line,) = plots.ellipse([0, 0], root @ root.T, ax=ax, share=share)
    inside = Path(line.get_xydata()).contains_points(cloud)
    assert inside.mean() == pytest.approx(share, abs=0.01)


def test_an_ellipse_lies_on_its_equation_and_many_broadcast(ax):
    C = torch.tensor([[[4.0, 1.0], [1.0, 2.0]], [[1.0, -0.5], [-0.5, 1.0]]]).double()
    centres = torch.tensor([[1.0, -1.0], [10.0, 3.0]]).double()
    points = ellipses.ellipses(centres, C)
    assert points.shape == (2, 61, 2)
    for curve, centre, covariance in zip(points, centres, C):
        away = torch.tensor(curve) - centre
        assert torch.allclose((away @ covariance.inverse() * away).sum(-1), torch.tensor(-2 * np.log(0.05)), rtol=1e-9)
    assert len(plots.ellipse(centres, C, ax=ax)) == 2
    assert ellipses.ellipses(centres[:, None], C).shape == (2, 2, 61, 2)


def test_an_ellipse_of_no_noise_is_a_point_and_of_nan_nothing():
    assert np.array_equal(ellipses.ellipses([1, 2], np.zeros((2, 2))), np.tile([1.0, 2.0], (61, 1)))
    some = np.stack([np.eye(2), np.full((2, 2), np.nan)])
    assert np.isnan(ellipses.ellipses([1, 2], some)).all((1, 2)).tolist() == [False, True]


@pytest.mark.parametrize(
    ("centre", "covariance", "share", "message"),
    [
        ([0, 0], np.eye(2), 1.0, "share must be between 0 and 1, got 1.0"),
        ([0, 0, 0], np.eye(3), 0.5, r"an ellipse is of two parameters: .* got \(3,\) and \(3, 3\)"),
        ([0, 0], [[1, 0], [0, -1]], 0.5, "covariance must have no negative variance, got -1"),
        ([0, 0], [[1, 0], [0, -0.1]], 0.5, "covariance must have no negative variance, got -0.1"),
        ([0, 0], [[1, 5], [0, 1]], 0.5, "covariance must be symmetric, got"),
    ],
)
def test_an_ellipse_refuses(centre, covariance, share, message):
    with pytest.raises(ValueError, match=message):
        ellipses.ellipses(centre, covariance, share)


def test_contours_of_a_bowl_lie_on_ellipses_of_equal_loss(ax):
    drawn = plots.contours(BOWL, ax=ax)
    for level, paths in zip(drawn.levels[1:-1], drawn.get_paths()[1:-1]):
        losses = BOWL(torch.tensor(paths.vertices))
        assert np.allclose(losses, level, atol=0.02 * drawn.levels[-1])
    assert ax.get_xlim() == BOWL.xlim
    assert ax.get_ylim() == BOWL.ylim
    assert ax.lines[0].get_xydata().tolist() == [[0, 0]]  # the cross on the minimum


def test_the_lowest_point_of_the_drawn_map_is_the_minimum(ax):
    x, y, z = surfaces.linear_model(data.toy_line()).mesh(201)
    row, column = divmod(int(z.argmin()), 201)
    ((w, b),) = surfaces.linear_model(data.toy_line()).minima
    assert abs(x[column] - w) <= x[1] - x[0]
    assert abs(y[row] - b) <= y[1] - y[0]


def test_a_surface_stands_at_the_height_of_its_loss():
    figure = plt.figure()
    ax = figure.add_subplot(projection="3d")
    plots.surface3d(BOWL, ax=ax)
    assert ax.get_zlim() == pytest.approx((0, float(BOWL.mesh(61)[2].max())))
    plt.close(figure)


def test_a_surface_on_flat_axes_is_refused(ax):
    with pytest.raises(ValueError, match="needs a 3-D Axes"):
        plots.surface3d(BOWL, ax=ax)


def test_a_path_and_a_curve_show_each_run(ax):
    descent = minimize(BOWL, GradientDescent(**grid(lr=[0.1, 0.2])), [5.0, 3.0], 9)
    for i, line in enumerate(plots.path(descent, ax=ax, color="#000000")):
        assert np.array_equal(line.get_xydata(), descent.params[:, i])
        assert line.get_color() == "#000000"
    for i, line in enumerate(plots.loss_curve(descent, ax=ax)):
        assert np.array_equal(line.get_ydata(), descent.losses[:, i])
    assert ax.get_yscale() == "log"


def test_a_path_of_three_parameters_says_to_choose_two(ax):
    descent = minimize(lambda w: (w**2).sum(-1), GradientDescent(lr=0.1), [1.0, 2.0, 3.0], 2)
    with pytest.raises(ValueError, match="drawn for two parameters, got 3"):
        plots.path(descent, ax=ax)


def test_the_fitted_line_has_its_slope_and_intercept(ax):
    toy = data.toy_line()
    (line,) = plots.fitted_line(toy, [2.0, -1.0], ax=ax)
    assert np.allclose(line.get_ydata(), 2 * np.array(line.get_xdata()) - 1)
    assert np.array_equal(ax.collections[0].get_offsets(), np.column_stack([toy.x, toy.y]))


def test_the_ends_of_a_line_for_each_params():
    ends = plots.lines(data.toy_line(), torch.zeros(4, 5, 2) + torch.tensor([3.0, 1.0]))
    assert ends.shape == (4, 5, 2, 2)
    assert np.allclose(ends[..., 1], 3 * ends[..., 0] + 1)


def test_final_loss_crosses_out_the_runs_that_diverged(ax):
    rates = [0.1, 0.4, 0.6, 0.7]
    descent = minimize(BOWL, GradientDescent(**grid(lr=rates)), [5.0, 3.0], 30)
    line, crosses = plots.final_loss(rates, descent, ax=ax)
    assert np.array_equal(line.get_ydata()[:2], descent.losses[-1, :2])
    assert np.isnan(line.get_ydata()[2:]).all()
    assert crosses.get_xdata().tolist() == [0.6, 0.7]
    with pytest.raises(ValueError, match="one for each run"):
        plots.final_loss(rates[:2], descent, ax=ax)


def test_plots_leave_rcparams_alone(ax):
    before = dict(plt.rcParams)
    plots.contours(BOWL, ax=ax, filled=True)
    plots.fitted_line(data.toy_line(), [1.0, 2.0], ax=ax)
    assert dict(plt.rcParams) == before


def test_a_picture_is_shown_with_its_sentence(ax, monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda *args, **kwargs: shown.append((args, kwargs)))
    pictures.picture(ax.figure, "A bowl.")
    (((bundle,), options),) = shown
    assert bundle["text/plain"] == "A bowl."
    assert options["metadata"]["image/png"]["alt"] == "A bowl."
    assert not plt.fignum_exists(ax.figure.number)


def test_a_png_has_the_dots_asked_for(ax):
    image = Image.open(io.BytesIO(pictures.png(ax.figure, dpi=50)))
    assert image.size == tuple((ax.figure.get_size_inches() * 50).astype(int))


@pytest.mark.parametrize("color", [style.BLACK, style.BLUE, style.VERMILLION, style.GREEN, style.PURPLE, style.GREY])
def test_colours_of_thin_lines_have_contrast_three_to_one(color):
    assert style.contrast(color) >= 3


def test_contrast_is_that_of_the_standard():
    assert style.contrast("#000000") == pytest.approx(21)
    assert style.contrast("#777777") == pytest.approx(4.48, abs=0.01)


def test_each_optimizer_has_its_own_look():
    looks = list(style.LOOKS.values())
    assert len({(look.color, look.dash) for look in looks}) == len(looks)
    assert style.look(GradientDescent(lr=1)).color == style.BLUE
    assert style.look("unknown").color == style.BLACK


def test_rules_of_ones_own_are_told_apart_by_themselves_or_as_one_says():
    every = [*style.LOOKS.values(), *style.OWN]
    assert len({(look.dash, look.marker) for look in every}) == len(every), "without colours, too"
    looks = style.looks_of({"a": "Lynx", "b": "Adam", "c": "Tiger", "d": "Adam"})
    assert looks["b"] == style.LOOKS["Adam"]
    assert [looks[name] for name in "acd"] == list(style.OWN[:3])
    told = style.looks_of({"a": "Lynx", "b": "Lynx"}, {"Lynx": {"color": "#0072b2"}, "b": style.OWN[1]})
    assert told == {"a": style.Look("#0072b2"), "b": style.OWN[1]}
    assert len(style.looks_of({str(i): "Lynx" for i in range(20)})) == 20
    taken = style.looks_of({"a": "Foo", "b": "Bar", "c": "Nesterov"}, {"b": style.OWN[0], "a": style.LOOKS["Nesterov"]})
    assert len(set(taken.values())) == 3
    with pytest.raises(ValueError, match=r"looks\['a'\] is a Look or a dict .* got {'color': 'red'}"):
        style.looks_of({"a": "Lynx"}, {"a": {"color": "red"}})
    with pytest.raises(ValueError, match="looks names 'Tiger'; there are a, Lynx"):
        style.looks_of({"a": "Lynx"}, {"Tiger": {"color": "#000000"}})
    with pytest.raises(ValueError, match=r"looks\['a'\] is a Look or a dict such as .* got 'red'"):
        style.looks_of({"a": "Lynx"}, {"Lynx": "red"})


@pytest.mark.slow
def test_a_png_keeps_the_colours_of_the_palette(ax):
    ax.set_axis_off()
    for i, color in enumerate(style.PALETTE[:-1]):
        ax.add_patch(plt.Rectangle((0.1 * i, 0), 0.08, 1, color=color, lw=0))
    ax.imshow(np.random.default_rng(0).random((40, 40, 3)), extent=(0, 1, 1.1, 2), aspect="auto")  # crowds the palette
    ax.set(xlim=(0, 1), ylim=(0, 2))
    image = np.array(Image.open(io.BytesIO(pictures.png(ax.figure, colors=48))).convert("RGB")).reshape(-1, 3)
    shown, counts = np.unique(image, axis=0, return_counts=True)
    large = {tuple(color) for color, count in zip(shown.tolist(), counts) if count > 400}
    assert {ImageColor.getrgb(color) for color in style.PALETTE} <= large


def test_small_crosses_mark_local_minima_and_large_ones_the_lowest(ax):
    plots.contours(surfaces.styblinski_tang(), ax=ax)
    lowest, others = ax.lines
    assert lowest.get_xydata().tolist() == [list(surfaces.styblinski_tang().minima[0])]
    assert len(others.get_xydata()) == 3
    assert others.get_markersize() < lowest.get_markersize()


def test_contours_at_given_heights(ax):
    assert plots.contours(surfaces.plateau(), ax=ax, levels=[0.25, 0.5]).levels.tolist() == [0.25, 0.5]


def test_a_profile_is_the_curve_of_the_loss(ax):
    (line,) = plots.profile(surfaces.double_well(0.1), ax=ax)
    x, y = line.get_data()
    assert np.allclose(y, x**4 / 4 - x**2 / 2 + 0.1 * x)
    with pytest.raises(ValueError, match="a profile is of one parameter; ravine has two"):
        plots.profile(surfaces.ravine(), ax=ax)


def test_basins_show_the_minimum_that_each_start_reached(ax):
    surface = surfaces.two_wells()
    starts = torch.tensor([[[-1.0, 0.0], [1.0, 0.0]], [[-1.0, 1.0], [1.0, 1.0]]], dtype=torch.float64)
    ends = torch.tensor([[surface.minima[0], surface.minima[1]], [surface.minima[1], (0.0, 1.9)]], dtype=torch.float64)
    shown = plots.basins(surface, starts, ends, ax=ax).get_array()
    assert shown[0].tolist() == [0, 1]
    assert shown[1, 0] == 1
    assert np.ma.getmaskarray(shown)[1, 1] or np.isnan(shown[1, 1])  # reached none


def test_near_a_minimum_is_a_hundredth_of_the_window_and_each_has_its_colour(ax):
    surface = surfaces.himmelblau()  # 10 wide
    starts = torch.zeros(1, 6, 2).double()
    ends = torch.tensor([[*surface.minima, (3.0, 2.09), (3.0, 2.11)]], dtype=torch.float64)
    drawn = plots.basins(surface, starts, ends, ax=ax)
    assert np.ma.filled(drawn.get_array()[0], np.nan).tolist()[:5] == [0, 1, 2, 3, 0]
    assert np.isnan(np.ma.filled(drawn.get_array()[0], np.nan)[5])
    assert len({tuple(drawn.cmap(drawn.norm(k))) for k in range(4)}) == 4


def test_basins_refuses_what_it_has_no_colours_for_and_other_shapes(ax):
    camel = surfaces.six_hump_camel()
    with pytest.raises(ValueError, match="colours for 1 to 4 minima; six-hump camel has 6"):
        plots.basins(camel, np.zeros((2, 2, 2)), np.zeros((2, 2, 2)), ax=ax)
    with pytest.raises(ValueError, match=r"both \(n, m, 2\), got \(4, 2\)"):
        plots.basins(surfaces.two_wells(), np.zeros((4, 2)), np.zeros((4, 2)), ax=ax)


def test_the_rings_of_a_round_bowl_lie_at_equal_distances(ax):
    drawn = plots.contours(
        surfaces.Surface(lambda w: (w**2).sum(-1), (-1, 1), (-1, 1), (1, 1), ((0, 0),), "round"), ax=ax
    )
    inside = np.sqrt([level for level in drawn.levels if 0.1 < level < 0.7])  # in the corners the window cuts them
    assert np.allclose(np.diff(inside), np.diff(inside).mean(), rtol=0.1)


def test_the_cross_lies_at_the_minimum(ax):
    plots.contours(surfaces.booth(), ax=ax)
    assert ax.lines[0].get_xydata().tolist() == [[1.0, 3.0]]


def test_contours_of_a_loss_with_weights_of_its_own(ax):
    weights = torch.ones(2, dtype=torch.float64, requires_grad=True)
    own = surfaces.Surface(lambda w: (weights * w**2).sum(-1), (-1, 1), (-1, 1), (1, 1), ((0, 0),), "own")
    assert len(plots.contours(own, ax=ax, levels=np.int64(5)).levels) > 3
