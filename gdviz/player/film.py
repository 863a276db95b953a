"""A film along one slider of a player: a GIF by Pillow, an MP4 by the program ffmpeg."""

import io
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import rcParams
from PIL import Image

from gdviz.pictures.figure import palette
from gdviz.progress import watched

HOLD = 2  # seconds that the last picture stays
WIDTHS, RATES = range(100, 3841), (1, 50)  # px; pictures a second


@dataclass(frozen=True)
class Shots:
    """What a film is made of: drawing() is a context of draw(k), the k-th of `count` pictures, (height, width, 3)."""

    drawing: Callable[[], Any]
    count: int
    fps: float


def plan(player: Any, along: str | None = None, fps: float | None = None, width: int | None = None) -> Shots:
    """The pictures along one slider, refused where there is no such slider, or a rate or size that no film has."""
    names = [spec["name"] for spec in player.sliders if len(spec["labels"]) > 1]
    if not names:
        raise ValueError("a film goes along a slider of more than one value; this player has none, save it as .png")
    trail = player.sliders[player.trail]["name"] if player.trail >= 0 else names[0]
    along = (trail if trail in names else names[0]) if along is None else along
    if along not in names:
        raise ValueError(f"along is one of the sliders {', '.join(names)}; got {along!r}")
    slider = [spec["name"] for spec in player.sliders].index(along)
    count = len(player.sliders[slider]["labels"])
    fps = min(max(count / 8, 2), 30) if fps is None else fps  # about eight seconds from end to end, as Play
    if not isinstance(fps, Real) or not RATES[0] <= fps <= RATES[1]:
        raise ValueError(f"fps is how many pictures a second: {RATES[0]} to {RATES[1]}, got {fps!r}")
    if width is not None and width not in WIDTHS:
        raise ValueError(f"width is a whole number of px: {WIDTHS[0]} to {WIDTHS[-1]}, got {width!r}")
    return Shots(lambda: player.drawing(slider, width), count, float(fps))


def gif(shots: Shots) -> bytes:
    """The pictures in 256 colours, over and over. A GIF counts time in hundredths of a second, so fps is nearly met."""
    with shots.drawing() as draw:
        ends = np.concatenate([draw(k) for k in (0, shots.count // 2, shots.count - 1)])
        colors = palette(Image.fromarray(ends), 256)
        pictures = (Image.fromarray(p).quantize(palette=colors, dither=Image.Dither.NONE) for p in taken(draw, shots))
        first, pace = next(pictures), max(20, round(100 / shots.fps) * 10)  # browsers slow down what is faster
        times, film = [pace] * (shots.count - 1) + [1000 * HOLD], io.BytesIO()
        first.save(film, "GIF", save_all=True, append_images=pictures, duration=times, loop=0, disposal=1)
    return film.getvalue()


def mp4(shots: Shots) -> bytes:
    """H.264 in the colour format that every player knows; an odd side gets a line more, in the colour of the corner."""
    program = shutil.which(rcParams["animation.ffmpeg_path"])
    if program is None:
        raise RuntimeError(
            "an .mp4 needs the program ffmpeg, which is not on this machine's path: apt-get, brew, winget or conda "
            "install ffmpeg. A .gif needs nothing."
        )
    program = os.path.abspath(program)
    with shots.drawing() as draw, tempfile.TemporaryDirectory() as folder:
        height, width, _ = draw(0).shape
        given = f"-f rawvideo -pix_fmt rgb24 -s {width}x{height} -r {shots.fps:g} -i -".split()
        corner = draw(0)[-1, -1].tobytes().hex()
        even = f"pad=ceil(iw/2)*2:ceil(ih/2)*2:color=0x{corner},tpad=stop_mode=clone:stop_duration={HOLD}"
        wanted = ["-vf", even, *["-c:v", "libx264", "-crf", "18", "-pix_fmt", "yuv420p", "-movflags", "+faststart"]]
        chunks = (picture.tobytes() for picture in taken(draw, shots))
        _run([program, *given, *wanted, "film.mp4"], folder, chunks)  # ffmpeg sees no name that a user gave
        _refuse_half(program, folder, shots.count)
        return Path(folder, "film.mp4").read_bytes()


def _refuse_half(program: str, folder: str, count: int) -> None:
    """Decode the film: where the disk is full, ffmpeg may say that all is well and leave broken bytes."""
    try:
        decoded = _run([program, "-xerror", "-i", "film.mp4", "-f", "framecrc", "-"], folder)
        found = sum(not line.startswith(b"#") for line in decoded.splitlines())  # a line for each picture
        if found < count:
            raise RuntimeError(f"of {count} pictures it holds {found}")
    except RuntimeError as error:
        full = f"is the disk of {tempfile.gettempdir()} full?"
        raise RuntimeError(f"nothing is saved: the film that ffmpeg wrote is not whole ({error}); {full}") from error


def _run(command: list[str], folder: str, chunks: Iterable[bytes] = ()) -> bytes:
    """What ffmpeg, run in this folder and fed with these chunks, writes to its output."""
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as complaints:
        options = {"stdin": subprocess.PIPE, "stdout": said, "stderr": complaints, "cwd": folder}
        with subprocess.Popen([command[0], "-y", "-loglevel", "error", *command[1:]], **options) as process:
            _feed(process, chunks)
        said.seek(0)
        complaints.seek(0)
        if process.returncode:
            complaint = complaints.read().decode(errors="replace").strip()
            raise RuntimeError(f"ffmpeg ended with {process.returncode}: {complaint or 'it does not say why'}")
        return said.read()


def _feed(process: subprocess.Popen, chunks: Iterable[bytes]) -> None:
    assert process.stdin is not None  # a pipe
    try:
        for chunk in chunks:
            process.stdin.write(chunk)
        process.stdin.close()
    except BrokenPipeError:
        pass  # it has ended, and says why
    except BaseException:
        process.kill()
        raise


def taken(draw: Callable[[int], np.ndarray], shots: Shots) -> Iterator[np.ndarray]:
    """All pictures, with a progress bar where they take more than two seconds."""
    return (draw(k) for k in watched(range(shots.count), "film", "picture"))


WRITERS = {".gif": gif, ".mp4": mp4}
