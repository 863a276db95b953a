"""Every view that is alive: each of its marks, as the browser computes it, is where minimize and matplotlib have it."""

import base64
import json
import subprocess
from dataclasses import dataclass
from functools import partial

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from node import HERE, node
from torch import nn
from torch.nn.functional import cross_entropy

from gdviz import data, surfaces, views
from gdviz.descent import grid, minimize
from gdviz.exercises import suspect
from gdviz.minibatches import Minibatches, sampled_loss
from gdviz.networks import landscape, reproducible
from gdviz.optimizers import (
    SAM,
    Adam,
    AdamW,
    ClippedByNorm,
    ClippedByValue,
    GradientDescent,
    Momentum,
    Nesterov,
    Range,
    RMSProp,
    Schedule,
    ScheduleFreeAdamW,
    ScheduleFreeSGD,
    cosine,
    warmup_stable_decay,
)
from gdviz.player import Player, scripts
from gdviz.theory import RiverValley
from gdviz.views.alive import follow

RAVINE, TOY = surfaces.ravine(), data.toy_line(30)
BOWL = surfaces.bowl(4, angle=Range(-90, 90, 20))
LR, BETA = Range(0.01, 0.45, 0.1, log=True), Range(0, 0.9, 0.5)


def down(rule, surface=RAVINE, steps=20, start=None):
    return minimize(surface, rule, surface.start if start is None else start, steps)


def square(w):
    return w[..., 0] ** 2


def race():
    kinds = {"Momentum": Momentum, "Adam": Adam}
    runs = {name: down(kind(**grid(lr=[0.05, 0.1]))) for name, kind in kinds.items()}
    return views.momentum.race(RAVINE, runs, {name: [0.5, 1.0] for name in runs}, ["a", "b"])


def schedules():
    rule, factor = GradientDescent(lr=0.4), Range(0.5, 1.0, 0.9)
    decaying = Schedule(rule, lambda t, factor: 0.2 * factor**t, factor=factor)
    rules = {"constant": rule, "step": lambda step: GradientDescent(lr=0.1 if step < 4 else 0.02), "decaying": decaying}
    return views.rate.schedules(RAVINE, {name: down(one) for name, one in rules.items()})


def basins():
    rules = {"slow": GradientDescent(LR), "fast": Momentum(LR, BETA)}
    return views.rate.basins(RAVINE, {name: down(one) for name, one in rules.items()})


def line():
    loss = surfaces.linear_model(TOY)
    return views.line_fit(TOY, loss, down(GradientDescent(LR), loss, start=[0.0, 0.0]))


def of_data(data, **window):
    loss = surfaces.linear_model(data, **window)
    return views.line_fit(data, loss, down(GradientDescent(LR), loss, start=[0.5, 0.25]))


def bowls():
    bowl = surfaces.bowl(Range(1, 30, 10), angle=Range(-90, 90, 20))
    return views.descents(bowl, {"a": down(Momentum(LR, BETA), bowl), "b": down(GradientDescent(0.02), bowl)})


FEW = data.own([50.0, 62, 75, 80, 96, 110], [310.0, 350, 420, 460, 520, 610])
BETWEEN = data.diabetes().rescaled(shift=Range(0, 1, 0.2), scale=Range(0, 1, 0.3))


def wobble():
    loss = surfaces.linear_model(TOY)
    f = sampled_loss(loss, [Minibatches(30, size, generator=torch.Generator().manual_seed(1)) for size in (1, 8, 30)])
    run = minimize(loss, GradientDescent(LR), loss.start, 25, sampled_loss=f)
    return views.noise.wobble(TOY, loss, run, f)


def students():
    loss = surfaces.linear_model(TOY)
    f = sampled_loss(loss, Minibatches(30, 4, 5, True, generator=torch.Generator().manual_seed(1)), reduce="sum")
    run = minimize(loss, Momentum(Range(0.001, 0.02, 0.01), BETA), loss.start, 25, sampled_loss=f)
    return views.descents(loss, run, sliders={"student": range(5)})


def dropping():
    drop, factor = Range(0, 25, 8, name="drop"), Range(0.8, 1, 0.95)
    rules = {"a": Schedule(Momentum(0.1, BETA), lambda t, drop: torch.where(t < drop, 0.15, 0.015), drop=drop)}
    rules["b"] = Schedule(GradientDescent(0.4), lambda t, factor, first: first * factor**t, factor=factor, first=0.3)
    return views.descents(RAVINE, {name: down(rule) for name, rule in rules.items()})


HYPERBOLA = surfaces.Surface(
    lambda w: (1 - w[..., 0] * w[..., 1]) ** 2 / 2, (-2.2, 5), (-3, 4.2), (4.0, 0.02), (), "½ (1 − xy)²"
)


def draws():
    loss = surfaces.linear_model(TOY)
    f = sampled_loss(loss, [Minibatches(30, size, 4, generator=torch.Generator().manual_seed(1)) for size in (1, 8)])
    return views.noise.wobble(TOY, loss, minimize(loss, GradientDescent(LR), loss.start, 9, sampled_loss=f), f)


def few_in_order():
    slopes = torch.tensor([3.0, -1.0, -1.0]).double()
    examples = {"examples": 3, "example_loss": lambda w, i: slopes[i] * w}
    slope = surfaces.Surface(
        lambda w: w[..., 0] / 3, (-1, 1), (-0.5, 0.5), (0.0,), ((-1.0,),), "mean of the examples", **examples
    )
    f = sampled_loss(slope, Minibatches(3, 1, shuffle=False))
    runs = {"Adam": Adam(lr=0.02, beta1=0.0, beta2=Range(0.1, 0.99, 0.3)), "GradientDescent": GradientDescent(0.01)}
    runs = {name: minimize(slope, rule, slope.start, 40, sampled_loss=f) for name, rule in runs.items()}
    return views.zoo.along(slope, runs, every=4)


def kinks():
    def kinked(w):
        return torch.where(w[..., 0] < 1, 12.5 * w[..., 0] ** 2, w[..., 0] ** 2 / 2 + 12)

    surface = surfaces.Surface(kinked, (-4, 4), (0, 130), (3.3,), ((0.0,),), "with a kink")
    return views.zoo.along(surface, {"Momentum": down(Momentum(LR, BETA), surface)})


def turned():
    @dataclass(frozen=True)
    class Turned(Adam):
        degrees: float = 0.0

        def update(self, params, grads, state):
            angle = torch.deg2rad(torch.as_tensor(self.degrees, dtype=torch.float64))
            R = torch.stack([angle.cos(), -angle.sin(), angle.sin(), angle.cos()]).reshape(2, 2)
            moved, state = super().update(R @ params, R @ grads, state)
            return R.T @ moved, state

    rule = Turned(LR, degrees=Range(0, 90, 45, name="angle"))
    return views.zoo.turned((1, 30), {"Adam": down(rule, surfaces.bowl(30), start=[1.0, 1.0])})


def shrinking():
    rules = {"a": AdamW(0.05, weight_decay=Range(0, 0.4, 0.1)), "b": GradientDescent(LR)}
    return views.zoo.shrinking(RAVINE, {name: down(rule) for name, rule in rules.items()}, every=2)


def lucky():
    wells, shares = surfaces.two_wells(), {"Momentum": [0.2, 0.7, 0.4], "Adam": [0.1, 0.5, 0.5]}
    runs = {kind.__name__: down(kind(LR), wells) for kind in (Momentum, Adam)}
    return views.zoo.lucky(wells, runs, shares, [0.02, 0.1, 0.4])


def suspects():
    decays, claims = {"D": {"weight_decay": 0.5}}, {"A": Adam, "B": Momentum, "D": AdamW}
    pairs = {
        letter: [down(rule(lr=LR, **decays.get(letter, {}))) for rule in (partial(suspect, letter), right)]
        for letter, right in claims.items()
    }
    return views.zoo.suspects(RAVINE, pairs)


def ladder():
    ravine = surfaces.ravine(angle=Range(-90, 90, 10))
    rules = {"plain": GradientDescent(LR), "RMSProp": RMSProp(0.1), "Adam": Adam(LR, BETA)}
    return views.momentum.ladder(ravine, {name: down(rule, ravine) for name, rule in rules.items()})


def moons():
    moons, trained = data.toy_moons(), {}
    for units in (1, 3):
        with reproducible(1):
            model = nn.Sequential(nn.Linear(2, units), nn.Tanh(), nn.Linear(units, 2))
        loss = landscape.losses_at(model, cross_entropy, moons)
        weights = nn.utils.parameters_to_vector(model.parameters()).detach()
        trained[f"{units}"] = (model, minimize(loss, Adam(LR), weights, 21))
    return views.training.decision(moons, trained, range(0, 22, 3))


def averaged():
    run = down(ScheduleFreeAdamW(LR, BETA, weight_decay=Range(0, 0.4, 0.1)))
    figure, ax = plt.subplots()
    ax.set(xlim=RAVINE.xlim, ylim=RAVINE.ylim)
    player = Player(figure, {"step": range(21)})
    drawn = {player.path(ax, run.params): lambda run: run.params, player.path(ax, run.answers): lambda run: run.answers}
    follow(player, ax, run, drawn)
    return player


def sharpness_aware():
    runs = {"SAM": down(SAM(LR, rho=Range(0, 1, 0.3))), "free": down(ScheduleFreeSGD(LR, BETA))}
    return views.descents(RAVINE, runs)


def valleys():
    lr, valley = Range(0.05, 1.9, 0.5), RiverValley(0.5, noise=Range(0, 4, 1.0))
    rules = {
        "cosine": Schedule(valley, cosine, lr=lr, steps=20),
        "stable": Schedule(
            valley, warmup_stable_decay, lr=lr, steps=20, warmup=Range(0, 9, 3), decay=Range(0.1, 1, 0.3)
        ),
    }
    runs = {name: minimize(valley.loss, rule, [0.0, 100.0], 20) for name, rule in rules.items()}
    return views.edge.schedules(runs, every=2)


def clipping():
    most = Range(0.1, 10, 1.0)
    rules = {"plain": GradientDescent(LR), "norm": ClippedByNorm(LR, most), "value": ClippedByValue(LR, most)}
    return views.edge.clipping(RAVINE, {name: down(rule) for name, rule in rules.items()})


ALIVE = {
    "rates in a valley": valleys,
    "clipping": clipping,
    "the mean of a schedule-free rule": averaged,
    "SAM": sharpness_aware,
    "sweep of SAM": lambda: views.rate.sweep(RAVINE, down(SAM(LR, rho=Range(0, 1, 0.3)), steps=8), largest=4),
    "a network": moons,
    "examples in order": few_in_order,
    "kinks": kinks,
    "a rule that sees it turned": turned,
    "shrinking": shrinking,
    "lucky": lucky,
    "suspects": suspects,
    "ladder": ladder,
    "wobble, drawn again": draws,
    "rates that drop": dropping,
    "wobble": wobble,
    "students": students,
    "line over few data": lambda: of_data(FEW.standardized()),
    "line over many data": lambda: of_data(data.diabetes("bp").standardized()),
    "line over rescaled data": lambda: of_data(BETWEEN, xlim=(-30, 100), ylim=(-160, 220)),
    "bowls that turn": bowls,
    "valley": lambda: views.valley(square, minimize(square, GradientDescent(LR), [10.0], 20)),
    "valley, a grid": lambda: views.valley(
        square, minimize(square, GradientDescent(**grid(lr=[0.1, 0.9])), [10.0], 20), [0.1, 0.9]
    ),
    "sweep": lambda: views.rate.sweep(RAVINE, down(GradientDescent(LR)), largest=4),
    "sweep of another rule": lambda: views.rate.sweep(RAVINE, down(Momentum(LR, BETA), steps=8), largest=4),
    "sweep over a bowl that turns": lambda: views.rate.sweep(BOWL, down(GradientDescent(LR), BOWL), largest=4),
    "a start by a slider": lambda: views.descents(
        surfaces.saddle(), down(GradientDescent(LR), start=[[1.0, 0.1], [1.0, 1e-6]]), sliders={"offset": [0.1, 1e-6]}
    ),
    "sweep, a grid": lambda: views.rate.sweep(
        RAVINE, down(GradientDescent(**grid(lr=[0.1, 0.4]))), [0.1, 0.4], largest=4
    ),
    "modes": lambda: views.rate.modes(RAVINE, down(GradientDescent(LR))),
    "modes, a grid": lambda: views.rate.modes(RAVINE, down(GradientDescent(**grid(lr=[0.1, 0.4]))), [0.1, 0.4]),
    "schedules": schedules,
    "basins": basins,
    "edge": lambda: views.zoo.edge(HYPERBOLA, down(GradientDescent(Range(0.05, 0.3, 0.2)), HYPERBOLA)),
    "curvature": lambda: views.rate.curvature(
        surfaces.himmelblau(), down(GradientDescent(Range(0.001, 0.02, 0.01)), surfaces.himmelblau())
    ),
    "line": line,
    "descents": lambda: views.descents(RAVINE, {"a": down(Momentum(LR, BETA)), "b": down(RMSProp(LR, alpha=BETA))}),
    "one descent": lambda: views.descents(RAVINE, down(Adam(LR, beta1=BETA))),
    "map": lambda: views.momentum.rate_map(RAVINE, down(Momentum(LR, BETA)), [0.2, 4.0]),
    "map, a grid": lambda: views.momentum.rate_map(
        RAVINE,
        down(Momentum(**grid(lr=[0.1, 0.3], momentum=[0.0, 0.8]))),
        [0.2, 4.0],
        sliders={"learning rate": [0.1, 0.3], "momentum": [0.0, 0.8]},
    ),
    "look ahead": lambda: views.momentum.look_ahead(RAVINE, down(Momentum(LR, BETA)), down(Nesterov(LR, BETA))),
    "X-ray": lambda: views.momentum.xray(RAVINE, down(Adam(LR, BETA, Range(0, 0.9999, 0.99)))),
    "race": race,
    "spectrum": lambda: views.since_adam.spectrum({"A": torch.diag(torch.tensor([3.0, 1.0])), "B": torch.ones(2, 2)}),
}


def in_the_browser(player, settings):
    def written(value):
        return {"base64": base64.b64encode(value).decode()}

    told = json.dumps({"traits": player.state()["traits"], "settings": settings}, default=written)
    command = [node(), str(HERE / "follow.node.mjs"), str(scripts.STATIC)]
    ran = subprocess.run(command, input=told, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def at(mark, index):
    """The numbers of a mark at these positions; an axis of length 1 serves every position."""
    pixels = mark.pixels()
    place = tuple(k if n > 1 else 0 for k, n in zip(index, pixels.shape))
    return pixels[place].reshape(-1)


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.parametrize("name", ALIVE)
def test_each_mark_of_a_moved_player_is_where_minimize_has_it(name):
    player, random = ALIVE[name](), np.random.default_rng(len(name))
    player.state()
    assert not player.unfollowed
    dragged = player.handles[0]["axes"] if player.handles else None
    (x0, x1), (y0, y1) = (player.axes[dragged or 0][limits] for limits in ("xlim", "ylim"))
    d = player.descents[0]["init"]["inputs"][0][0]
    settings, dots = [], next((handle["mark"] for handle in player.handles if handle["kind"] == "points"), None)
    for k in range(6):
        start = [float(random.uniform(x0, x1)), float(random.uniform(y0, y1))][:d]
        dialed = [float(random.uniform(dial["low"], dial["high"])) for dial in player.dials]
        index = [int(random.integers(len(slider["labels"]))) for slider in player.sliders]
        setting = {
            "start": start if k % 3 and dragged is not None else [],
            "dialed": dialed if k % 3 < 2 else [],
            "index": index,
            "placed": [],
        }
        if dots is not None and k < 5:
            (u0, u1), (v0, v1) = (player.axes[0][limits] for limits in ("xlim", "ylim"))
            for which in random.choice(player.marks[dots]["shape"][-2], k, replace=False):
                setting["placed"] += [int(which), float(random.uniform(u0, u1)), float(random.uniform(v0, v1))]
        settings.append(setting)
    changed = 0
    for setting, marks in zip(settings, in_the_browser(player, settings), strict=True):
        player.start, player.dialed, player.placed = (setting[name] for name in ("start", "dialed", "placed"))
        first = [at(mark, setting["index"]) for mark in player._marks]
        with player.moved():
            for mark, ours, before in zip(player._marks, marks, first, strict=True):
                ours, theirs = np.array(ours, float), at(mark, setting["index"])
                if mark.kind == "line":  # whose gaps may be longer than they need
                    ours, theirs = (one[np.isfinite(one)] for one in (ours, theirs))
                numbers = mark.kind in ("text", "contours")
                close = {"rtol": 1e-9, "atol": 1e-12} if numbers else {"rtol": 0, "atol": 0.02}
                np.testing.assert_allclose(ours, theirs, err_msg=f"{mark.kind} of {mark.look}", **close)
                changed += not np.array_equal(before, theirs, equal_nan=True)
    assert changed >= 3
