"""Words are shown as they stand: no mathematics in a $, each letter in a font that has it, nothing cut off."""

import logging
from dataclasses import dataclass

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text
from shown import readouts

from gdviz import data, pictures, plots, surfaces, views
from gdviz.descent import grid, minimize
from gdviz.networks import Epoch, History, Step
from gdviz.optimizers import Adam, GradientDescent
from gdviz.pictures import words
from gdviz.player import Player

NAMES = ["$_$", "from $5 to $10 学习率 🚀 שלום", "_mine {x} 50 % \\$ ^a_b"]
BOWL = surfaces.bowl(4)
RUN = minimize(BOWL, GradientDescent(**grid(lr=[0.1, 0.2])), [5.0, 3.0], 5)
ONE = minimize(BOWL, GradientDescent(lr=0.1), [5.0, 3.0], 5)


def named(surface, name):
    return surfaces.Surface(surface.fn, surface.xlim, surface.ylim, surface.start, surface.minima, name)


def pixels(figure):
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())


def texts(figure):
    figure.draw_without_rendering()
    return [text.get_text() for text in figure.findobj(Text)]


def test_a_dollar_is_drawn_as_a_dollar():
    shown, wanted = plt.figure(), plt.figure()
    words.label(shown.add_subplot(), title="from $5 to $10", xlabel="$_$", ylabel="$x$")
    wanted.add_subplot().set(title=r"from \$5 to \$10", xlabel=r"\$_\$", ylabel=r"\$x\$")
    assert np.array_equal(pixels(shown), pixels(wanted))


def line_fit(name):
    toy = data.Data(data.toy_line().x, data.toy_line().y, name, name)
    loss = named(surfaces.linear_model(toy), name)
    return views.line_fit(toy, loss, minimize(loss, GradientDescent(lr=0.1), [0.0, 0.0], 3))


def clouds(name):
    cloud = torch.randn(3, 4, 2, generator=torch.Generator().manual_seed(0)).double()
    return views.noise.clouds(named(BOWL, name), {name: cloud, "b": cloud}, {name + " ": range(3)}, names=(name, name))


def seconds(name):
    epochs = [Epoch(1, validation_accuracy=0.5), Epoch(2, validation_accuracy=0.9)]
    history = History([Step(1.0, seconds=0.1), Step(1.0, seconds=0.2)], epochs)
    return views.names.race({name: history}, 0.1)


@dataclass(frozen=True)
class Turned(GradientDescent):
    degrees: float = 30.0


VIEWS = {
    "line_fit": line_fit,
    "descents": lambda name: views.descents(named(BOWL, name), {name: ONE, "b": ONE}),
    "clouds": clouds,
    "dial": lambda name: views.noise.dial(
        BOWL, torch.zeros(1, 2, 3, 2), torch.eye(2).expand(1, 2, 2, 2), [1, 2], [name]
    ),
    "panels": lambda name: views.training.panels({name: {name: [1.0, 2.0]}}, {name: range(2)}, ylabel=name),
    "race": lambda name: views.momentum.race(BOWL, {name: RUN}, {name: [0.5, 1.0]}, ["a", "b"]),
    "step sizes": lambda name: views.momentum.step_sizes({name: RUN}, {"learning rate": [0.1, 0.2]}),
    "typed": lambda name: views.names.typed(lambda word: [0.5, 0.5], [name, "b"], "x"),
    "lucky": lambda name: views.zoo.lucky(
        named(BOWL, name),
        {name: minimize(BOWL, GradientDescent(0.1), [5.0, 3.0], 3)},
        {name: [0.5, 1.0]},
        [0.1, 0.2],
    ),
    "turned": lambda name: views.zoo.turned((1, 4), {name: minimize(BOWL, Turned(0.1), [5.0, 3.0], 3)}),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("view", VIEWS)
def test_a_view_shows_a_name_as_it_stands(view, name):
    player = VIEWS[view](name)
    assert player.twin()
    at_end = tuple(len(spec["labels"]) - 1 for spec in player.sliders)
    with words.quiet():
        shown = [*texts(player.figure), *readouts(player, at_end)]
    assert any(name in text for text in shown)
    for text in player.figure.findobj(Text):
        assert name not in text.get_text() or not text.get_parse_math() or not text.get_visible()


@pytest.mark.parametrize("name", NAMES)
def test_a_plot_shows_a_name_as_it_stands(name):
    toy = data.Data(data.toy_line().x, data.toy_line().y, name, name)
    ax = plots.examples(toy).axes
    assert (ax.get_xlabel(), ax.get_ylabel()) == (name, name)
    assert pictures.png(ax.figure)
    plots.digits(np.zeros((1, 64)), [name])
    assert pictures.png(plt.gcf())
    views.names.durations({name: 0.1, "b": 1.0}, ax=plt.figure().add_subplot())
    views.names.confusion([[1, 0], [0, 1]], [name, "b"], ax=plt.figure().add_subplot())
    for number in plt.get_fignums():
        assert pictures.png(plt.figure(number))


def test_mathematics_of_ones_own_stays_mathematics():
    figure, ax = plt.subplots()
    ax.set_xlabel("$w_1$")
    Player(figure, {}).twin()
    assert ax.xaxis.label.get_parse_math()


def test_letters_that_a_font_lacks_come_from_another():
    ax = plt.figure().add_subplot()
    title = ax.set_title("шаг", family="cmr10")  # which has no Cyrillic
    words.plain(title)
    assert title.get_fontfamily() == ["cmr10", "DejaVu Sans"]
    assert words.plain(ax.set_xlabel("pas", family="cmr10")) is None
    assert ax.xaxis.label.get_fontfamily() == ["cmr10"]


def test_words_of_ones_own_get_the_letters_they_lack_when_they_are_shown():
    figure, ax = plt.subplots()
    ax.set_title("шаг", family="cmr10")
    Player(figure, {}).twin()
    assert "DejaVu Sans" in ax.title.get_fontfamily()


def test_a_letter_that_no_font_has_is_told_once_and_the_picture_is_drawn(caplog):
    with caplog.at_level(logging.WARNING, "gdviz"):
        for _ in range(2):
            figure, ax = plt.subplots()
            words.label(ax, title="a \U0010fffd, which is for private use")
            assert pictures.png(figure)
    told = [record.getMessage() for record in caplog.records if record.name == "gdviz"]
    assert len(told) == 1
    assert "No font here has \U0010fffd" in told[0]


@pytest.mark.parametrize("width", [2, 3])
def test_words_of_a_small_player_stay_within_its_figure(width):
    figure, ax = plt.subplots(figsize=(width, 2))
    plots.contours(BOWL, ax=ax, n=21)
    player = Player(figure, {"step": range(6)})
    player.path(ax, ONE.params, label="descent")
    player.text(ax, ONE.losses, "the loss is {:.3g}")
    player.text(ax, ONE.losses, "now it is {:.3g}", at=(0.97, 0.5), align="right")
    with player._drawn((5,)) as artists:
        for text in (artist for artist in artists if isinstance(artist, Text)):
            box = text.get_window_extent()
            assert box.x0 >= -1
            assert box.x1 <= figure.bbox.width + 1
            assert text.get_fontsize() >= 0.5 * 0.72 * 16


def test_the_label_of_a_head_turns_where_it_would_be_cut():
    figure, ax = plt.subplots(figsize=(6, 4))
    ax.set(xlim=(0, 10), ylim=(-1, 1))
    player = Player(figure, {"step": range(3)})
    long, short = ([[0, y], [5, y], [5.5, y]] for y in (0.0, 0.5))
    player.path(ax, long, label="a rather long name of it")
    player.path(ax, short, label="short")
    with player._drawn((2,)) as artists:
        sides = {artist.get_text(): artist.get_ha() for artist in artists if isinstance(artist, Text)}
    assert sides == {"a rather long name of it": "right", "short": "left"}


def test_a_long_label_is_broken_where_its_axis_ends():
    figure, ax = plt.subplots(figsize=(3, 2), layout="constrained")
    words.label(ax, title="a title that is much longer than the figure", ylabel="and such a label of an axis as well")
    assert "\n" in ax.get_title()
    assert "\n" in ax.get_ylabel()
    figure.draw_without_rendering()
    assert ax.title.get_window_extent().x1 <= figure.bbox.width


KEYS = [
    {"gradient descent": GradientDescent(1), "Adam": Adam()},
    {f"a rather long name of run number {k}": Adam() for k in range(7)},
    {"a name " * 20: Adam()},
    {f"run {k}": Adam() for k in range(40)},
]


@pytest.mark.parametrize("style", ["default", "gdviz.course", {"font.size": 20}, {"figure.autolayout": True}])
@pytest.mark.parametrize("rules", KEYS, ids=["two", "seven", "long", "forty"])
def test_the_key_lies_within_the_figure_and_below_the_axis(style, rules):
    with plt.style.context(style):
        figure, _, right = views.frames.pair(BOWL, n=21)
        right.set_xlabel("step")
        views.frames.below(right, views.frames.mark_looks(rules))
        figure.draw_without_rendering()
        key = right.get_legend().get_window_extent()
        assert min(key.x0, key.y0) >= 0
        assert key.x1 <= figure.bbox.width
        assert key.y1 <= right.xaxis.label.get_window_extent().y0 + 4
