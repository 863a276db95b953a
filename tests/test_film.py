"""A film shows what the player shows, picture by picture, at the rate and in the size that were asked for."""

import io
import json
import os
import shutil
import subprocess

import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image, ImageSequence

from gdviz import surfaces
from gdviz.descent import grid, minimize
from gdviz.optimizers import GradientDescent
from gdviz.player import Player, film

RATES = [0.05, 0.45, 0.9, 1.1]
DESCENT = minimize(surfaces.bowl(2), GradientDescent(**grid(lr=RATES)), [8.0, 4.0], 12)


@pytest.fixture
def player():
    figure, axes = plt.subplots(1, 2, figsize=(6.01, 3))  # 601 px: an odd number
    axes[0].set(xlim=(-11, 11), ylim=(-6, 6))
    shown = Player(figure, {"learning rate": RATES, "step": range(13), "one": ["x"]}, at={"step": 3})
    shown.path(axes[0], DESCENT.params.permute(1, 0, 2)[:, :, None], label="GD")
    shown.curve(axes[1], DESCENT.losses.T[:, :, None].clamp(max=1e3))
    shown.text(axes[0], DESCENT.losses.T[:, :, None], "loss {:.3g}")
    return shown


def twin_at(player, **positions):
    names = [spec["name"] for spec in player.sliders]
    for name, position in positions.items():
        setattr(player, f"slider_{names.index(name.replace('_', ' '))}", position)
    return np.asarray(Image.open(io.BytesIO(player.twin())).convert("RGB")).astype(int)


def pictures(file):
    with Image.open(file) as gif:
        return [np.asarray(frame.convert("RGB")).astype(int) for frame in ImageSequence.Iterator(gif)]


def apart(one, other):
    """The share of pixels that clearly differ."""
    return (np.abs(one - other).max(-1) > 40).mean()


@pytest.mark.slow
def test_each_picture_of_a_gif_is_the_twin_at_that_position(player, tmp_path):
    before = player.index
    player.save(tmp_path / "a.gif")
    shown = pictures(tmp_path / "a.gif")
    assert player.index == before
    assert len(shown) == 13  # along the step
    twins = [twin_at(player, step=k) for k in range(13)]
    for k in (0, 1, 6, 12):
        assert apart(shown[k], twins[k]) < 1e-3
    assert apart(shown[0], twins[6]) > 3e-3


@pytest.mark.slow
def test_a_gif_goes_along_the_slider_that_is_named(player, tmp_path):
    player.save(tmp_path / "a.gif", along="learning rate")
    shown = pictures(tmp_path / "a.gif")
    assert len(shown) == 4
    assert apart(shown[0], twin_at(player, learning_rate=0)) < 1e-3
    assert apart(shown[3], twin_at(player, learning_rate=3)) < 1e-3


@pytest.mark.slow
def test_rate_and_size_are_those_asked_for_and_the_end_stays(player, tmp_path):
    player.save(tmp_path / "a.gif", fps=10, width=300)
    with Image.open(tmp_path / "a.gif") as gif:
        times = [frame.info["duration"] for frame in ImageSequence.Iterator(gif)]
        assert gif.size == (300, 149)
        assert gif.info["loop"] == 0
    assert times == [100] * 12 + [2000]
    assert player.figure.dpi == plt.rcParams["figure.dpi"]
    assert player.twin() == player.twin()


def test_about_eight_seconds_are_usual(player):
    assert film.plan(player).fps == 2
    figure, ax = plt.subplots()
    long = Player(figure, {"step": range(161)})
    long.curve(ax, np.zeros(161))
    assert film.plan(long).fps == 161 / 8
    assert film.plan(long).count == 161


@pytest.mark.parametrize("suffix", [".gif", ".mp4"])
@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"along": "rate"}, "along is one of the sliders learning rate, step; got 'rate'"),
        ({"along": "one"}, "along is one of the sliders learning rate, step; got 'one'"),
        ({"fps": 0}, "fps is how many pictures a second: 1 to 50, got 0"),
        ({"fps": float("nan")}, "fps is how many pictures a second"),
        ({"fps": "10"}, "fps is how many pictures a second: 1 to 50, got '10'"),
        ({"width": 99}, "width is a whole number of px: 100 to 3840, got 99"),
        ({"width": 300.5}, "width is a whole number of px"),
    ],
)
def test_a_film_that_cannot_be_is_refused_and_leaves_nothing(player, tmp_path, suffix, options, complaint):
    with pytest.raises(ValueError, match=complaint):
        player.save(tmp_path / f"a{suffix}", **options)
    assert list(tmp_path.iterdir()) == []


def test_a_player_without_a_slider_has_no_film(tmp_path):
    figure, ax = plt.subplots()
    still = Player(figure, {"one": ["x"]})
    still.points(ax, np.zeros((1, 1, 2)))
    with pytest.raises(ValueError, match=r"a slider of more than one value; this player has none, save it as \.png"):
        still.save(tmp_path / "a.gif")


@pytest.mark.slow
def test_a_film_that_is_stopped_leaves_the_older_one(player, tmp_path, monkeypatch):
    (tmp_path / "a.gif").write_text("older")
    monkeypatch.setattr(film, "taken", lambda draw, shots: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        player.save(tmp_path / "a.gif")
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("a.gif", "older")]
    assert player.figure.dpi == plt.rcParams["figure.dpi"]


def test_without_ffmpeg_a_sentence_says_so(player, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RuntimeError, match=r"an \.mp4 needs the program ffmpeg, which .* A \.gif needs nothing"):
        player.save(tmp_path / "a.mp4")
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def ffprobe():
    """ffprobe(file) -> what is in the film; without ffmpeg the test is skipped, except in CI."""
    if shutil.which("ffmpeg") is None:
        message = "needs ffmpeg: apt-get install ffmpeg"
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)

    def probe(file):
        command = ["ffprobe", "-v", "error", "-count_frames", "-show_streams", "-of", "json", str(file)]
        return json.loads(subprocess.run(command, capture_output=True, check=True).stdout)["streams"]

    return probe


@pytest.mark.slow
def test_an_mp4_has_the_pictures_rate_and_an_even_size(player, tmp_path, ffprobe):
    player.save(tmp_path / "a.mp4", fps=10)
    (stream,) = ffprobe(tmp_path / "a.mp4")
    assert (stream["codec_name"], stream["pix_fmt"], stream["r_frame_rate"]) == ("h264", "yuv420p", "10/1")
    assert (stream["width"], stream["height"]) == (602, 300)
    assert int(stream["nb_read_frames"]) == 13 + 2 * 10
    command = ["ffmpeg", "-loglevel", "error", "-i", tmp_path / "a.mp4", "-vf", "select=eq(n\\,6)", "-frames:v", "1"]
    subprocess.run([*command, tmp_path / "six.png"], check=True)
    six = np.asarray(Image.open(tmp_path / "six.png").convert("RGB")).astype(int)[:, :601]
    assert apart(six, twin_at(player, step=6)) < 0.01
    assert apart(six, twin_at(player, step=0)) > 0.01


@pytest.mark.slow
@pytest.mark.parametrize(
    "script",
    [
        "exit 0",
        "echo half > film.mp4",
        'ffmpeg "$@" && [ -f film.mp4 ] && head -c 4000 film.mp4 > half && mv half film.mp4',
        'for last; do :; done; [ "$last" = - ] || ffmpeg "$@" -frames:v 5 -y',
    ],
)
def test_a_film_that_is_not_whole_does_not_take_the_place_of_a_good_one(player, tmp_path, ffprobe, monkeypatch, script):
    (tmp_path / "films").mkdir()
    (tmp_path / "films" / "a.mp4").write_text("older")
    fake = tmp_path / "fake"
    fake.write_text(f"#!/bin/sh\n{script}\nexit 0\n")
    fake.chmod(0o755)
    monkeypatch.setitem(plt.rcParams, "animation.ffmpeg_path", str(fake))
    with pytest.raises(RuntimeError, match=r"nothing is saved: the film that ffmpeg wrote is not whole .*full"):
        player.save(tmp_path / "films" / "a.mp4")
    assert [(file.name, file.read_text()) for file in (tmp_path / "films").iterdir()] == [("a.mp4", "older")]


def test_what_ffmpeg_complains_of_is_said(player, tmp_path, ffprobe, monkeypatch):
    fake = tmp_path / "ffmpeg"
    fake.write_text("#!/bin/sh\necho 'Unknown encoder' >&2\nexit 3\n")
    fake.chmod(0o755)
    monkeypatch.setitem(plt.rcParams, "animation.ffmpeg_path", str(fake))
    with pytest.raises(RuntimeError, match="ffmpeg ended with 3: Unknown encoder"):
        player.save(tmp_path / "a.mp4")
    assert [file.name for file in tmp_path.iterdir()] == ["ffmpeg"]
