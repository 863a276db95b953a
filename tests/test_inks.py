"""Nothing is black on black: under every style of matplotlib the inks stand out from the ground they are on."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.colors import to_hex

from gdviz import data, plots, style, surfaces, views
from gdviz.descent import grid, minimize
from gdviz.optimizers import LBFGS, Adam, GradientDescent, Momentum
from gdviz.player import Player
from gdviz.style import contrast

THIN = (style.BLACK, style.BLUE, style.VERMILLION, style.GREEN, style.PURPLE, style.GREY, style.PALE, style.RUST)
GROUNDS = st.tuples(*[st.integers(0, 255)] * 3).map(lambda rgb: "#{:02x}{:02x}{:02x}".format(*rgb))
STYLES = ["default", "gdviz.course", "dark_background", "ggplot", "grayscale", "Solarize_Light2", "bmh", "classic"]
STYLES += [{"axes.facecolor": "black"}, {"axes.facecolor": "#777777", "figure.facecolor": "none"}]
RAVINE = surfaces.ravine()
RATES = [0.1, 0.3, 0.51]
SWEEP = minimize(RAVINE, GradientDescent(**grid(lr=RATES)), RAVINE.start, 9)


@pytest.mark.slow
@given(ground=GROUNDS)
def test_every_ink_stands_out_from_every_ground_and_from_its_halo(ground):
    ink, halo = style.inks(ground)
    assert contrast(ink, ground) >= 4.5
    assert contrast(ink, halo) == pytest.approx(21)
    for color in THIN:
        assert contrast(style.seen(color, ground), ground) >= 3
        assert contrast(style.seen(color, ground), halo) >= 3


def test_on_white_every_colour_stays_as_it_is():
    for color in (*style.PALETTE, *THIN, "#ffff00", "#ffffff"):
        assert style.seen(color) == color


def test_on_black_only_what_would_vanish_changes():
    assert style.inks("#000000") == ("#ffffff", "#000000")
    assert style.seen(style.BLACK, "#000000") == "#ffffff"
    assert style.seen(style.BLUE, "#000000") == style.BLUE
    assert style.seen("#ffff00", "#000000") == "#ffff00"


def test_the_ground_is_what_is_seen_behind_the_axes():
    figure, ax = plt.subplots(facecolor="#204060")
    assert style.ground(ax) == "#ffffff"
    assert style.ground(ax, outside=True) == "#204060"
    ax.set_facecolor((0, 0, 0, 0.5))
    assert style.ground(ax) == "#102030"
    ax.set_facecolor("none")
    assert style.ground(ax) == "#204060"
    ax.set_facecolor("white")
    ax.axis("off")
    assert style.ground(ax) == "#204060"
    figure.set_facecolor("none")
    assert style.ground(ax) == "#ffffff"


def players():
    runs = {"gradient descent": GradientDescent(0.1), "ball": Momentum(0.1), "Adam": Adam(0.3), "L-BFGS": LBFGS()}
    yield views.descents(RAVINE, {name: minimize(RAVINE, rule, RAVINE.start, 9) for name, rule in runs.items()})
    yield views.rate.sweep(RAVINE, SWEEP, RATES, largest=4)
    yield views.rate.modes(RAVINE, SWEEP, RATES)
    yield views.momentum.xray(RAVINE, minimize(RAVINE, Adam(0.3), RAVINE.start, 9))
    yield views.zoo.edge(RAVINE, SWEEP, RATES)
    yield views.zoo.ridge(SWEEP.params[..., :2, :], SWEEP.params[..., :2, 0], {"degrees": [0, 90]})
    yield views.training.panels({"loss": {"a": [1.0, 0.5]}}, {"step": range(2)}, log=["loss"])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["gdviz.course", "dark_background", STYLES[-1]], ids=str)
def test_marks_lines_words_and_keys_stand_out_under_a_style(name):
    with plt.style.context(name):
        for player in players():
            assert player.twin()
            for mark in player.marks:
                ax = player.figure.axes[mark["axes"]]
                outside = mark["kind"] == "text" and not 0 < mark["at"][1] <= 1
                for color in {"color", "warn"} & set(mark):
                    assert contrast(mark[color], style.ground(ax, outside=outside)) >= 3
            for ax in player.figure.axes:
                drawn = [line.get_color() for line in ax.lines] + [text.get_color() for text in ax.texts]
                drawn += [color for lines in ax.collections for color in lines.get_edgecolor()]
                for color in drawn:
                    assert contrast(to_hex(color), style.ground(ax)) >= 3
                for line in ax.get_legend().get_lines() if ax.get_legend() else ():
                    assert contrast(to_hex(line.get_color()), style.ground(ax, outside=True)) >= 3


@pytest.mark.parametrize("name", STYLES, ids=str)
def test_plots_stand_out_under_a_style(name):
    toy = data.toy_line()
    with plt.style.context(name):
        ax = plt.figure().add_subplot()
        drawn = [plots.contours(RAVINE, ax=ax, n=21).get_edgecolor()[0]]
        drawn += [line.get_color() for line in ax.lines]  # the cross
        drawn += [
            plots.examples(toy, ax=ax).get_facecolor()[0][:3],
            plots.fitted_line(toy, [1, 2], ax=ax)[0].get_color(),
        ]
        drawn += [line.get_color() for line in plots.path(SWEEP, ax=ax) + plots.loss_curve(SWEEP, ax=ax)]
        drawn += [line.get_color() for line in plots.ellipse([0, 0], np.eye(2), ax=ax)]
        drawn += [line.get_color() for line in plots.final_loss(RATES, SWEEP, ax=plt.figure().add_subplot())]
        drawn += [line.get_color() for line in plots.profile(surfaces.double_well(), ax=plt.figure().add_subplot())]
        assert min(contrast(to_hex(color), style.ground(ax)) for color in drawn) >= 3


def test_a_map_is_the_same_under_a_dark_style_and_its_crosses_are_seen():
    wells = surfaces.two_wells()
    starts, ends = torch.zeros(2, 2, 2), torch.full((2, 2, 2), torch.nan)
    with plt.style.context("dark_background"):
        ax = plt.figure().add_subplot()
        drawn = plots.basins(wells, starts, ends, ax=ax)
        assert to_hex(drawn.cmap(np.nan)) == "#ffffff"
        assert to_hex(ax.lines[0].get_color()) == style.BLACK
        ax = plt.figure().add_subplot()
        plots.contours(wells, ax=ax, filled=True, n=21)
        (halo, _), cross = ax.lines[0].get_path_effects(), ax.lines[0].get_color()
        assert contrast(cross, to_hex(halo._gc["foreground"])) == pytest.approx(21)


def test_a_colour_of_ones_own_stays_where_it_can_be_seen():
    with plt.style.context("dark_background"):
        figure, ax = plt.subplots()
        player = Player(figure, {"step": range(2)})
        player.path(ax, [[0, 0], [1, 1]], color="yellow")
        player.path(ax, [[0, 0], [1, 1]], color="black")
        player.twin()
    assert [(mark["color"], mark["halo"]) for mark in player.marks] == [("#ffff00", "#000000"), ("#ffffff", "#000000")]
    assert player.axes[0]["ink"] == "#ffffff"
    assert player.axes[0]["paper"] == "#000000"
