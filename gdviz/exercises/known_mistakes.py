"""The table of known mistakes in update rules: a row is what is changed in the formula, and the words for it.

Sources: published tutorials and courses; each is a kind of mistake that several of them have made.
"""

from gdviz.exercises.adam_mistakes import ADAM
from gdviz.exercises.matrix_mistakes import MUON
from gdviz.exercises.mistake_kinds import Mistake, begins, forgets, root, step
from gdviz.exercises.since_adam_mistakes import SINCE_ADAM

VELOCITY = "self.momentum * state.velocity + grads"
VELOCITIES = [
    Mistake(
        "averaged-velocity",
        "with an averaged velocity, momentum * v + (1 - momentum) * g: here the gradient enters whole",
        {VELOCITY: "self.momentum * state.velocity + (1 - self.momentum) * grads"},
    ),
    Mistake(
        "exchanged",
        "with momentum and 1 - momentum exchanged in the velocity",
        {VELOCITY: "(1 - self.momentum) * state.velocity + self.momentum * grads"},
    ),
    Mistake("undamped", "with a velocity that nothing slows down: momentum * v", {VELOCITY: "state.velocity + grads"}),
    Mistake(
        "damps-both",
        "with momentum on the gradient as well: momentum * v + g, not momentum * (v + g)",
        {VELOCITY: "self.momentum * (state.velocity + grads)"},
    ),
    Mistake(
        "damps-the-gradient",
        "with momentum on the gradient and not on the velocity: momentum * v + g",
        {VELOCITY: "state.velocity + self.momentum * grads"},
    ),
    forgets("Velocity(velocity)", "velocity"),
    begins("a velocity", "velocity"),
]
LOOK_AHEAD = "(grads + self.momentum * velocity)"

LION_M = "self.beta2 * state.m + (1 - self.beta2) * grads"
LION = "(self.beta1 * state.m + (1 - self.beta1) * grads)"
MEAN_SO_FAR = "(state[0] + grads) / (state[1] + 1), (state[0] + grads, state[1] + 1)"
ROOT = "(G.sqrt() + self.eps)"
V = "self.alpha * state.v + (1 - self.alpha) * grads**2"

MISTAKES: dict[str, list[Mistake]] = {
    "GradientDescent": [
        *step("params - self.lr"),
        Mistake(
            "unit-length", "with a gradient of length 1: its size counts, too", {"* grads": "* grads / grads.norm()"}
        ),
        Mistake("sign", "with the sign of the gradient alone: its size counts, too", {"* grads": "* grads.sign()"}),
        Mistake("summed", "with one number for all coordinates: each has its own slope", {"* grads": "* grads.sum()"}),
        Mistake("averaged", "with the mean slope for all coordinates: each has its own", {"* grads": "* grads.mean()"}),
        Mistake(
            "adds-gradients",
            "in which the gradients of earlier steps add up; gradient descent remembers nothing",
            {"GradientDescentState()": "0", "* grads, state": "* (state + grads), state + grads"},
        ),
        Mistake(
            "averages-gradients",
            "with a mean of all gradients so far; gradient descent remembers nothing",
            {"GradientDescentState()": "0, 0", "* grads, state": f"* {MEAN_SO_FAR}"},
        ),
    ],
    "Momentum": [
        *VELOCITIES,
        *step("params - self.lr"),
        Mistake(
            "old-velocity-step",
            "with the velocity of the step before",
            {"self.lr * velocity": "self.lr * state.velocity"},
        ),
    ],
    "Nesterov": [
        *VELOCITIES,
        *step("params - self.lr"),
        Mistake(
            "old-look-ahead",
            "with the old velocity: look ahead with the new one",
            {"self.momentum * velocity)": "self.momentum * state.velocity)"},
        ),
        Mistake(
            "whole-velocity",
            "with the whole velocity on top of the gradient: g + momentum * v",
            {"self.momentum * velocity)": "velocity)"},
        ),
        Mistake(
            "no-gradient",
            "without the gradient in the step: g + momentum * v",
            {LOOK_AHEAD: "self.momentum * velocity"},
        ),
        Mistake(
            "other-convention",
            "with the sign of another convention: here v adds up gradients, and the step is g + momentum * v",
            {LOOK_AHEAD: "(grads - self.momentum * velocity)"},
        ),
        Mistake(
            "one-plus-momentum",
            "with (1 + momentum) * v in the step: g + momentum * v",
            {LOOK_AHEAD: "(1 + self.momentum) * velocity"},
        ),
        Mistake("old-velocity-step", "with the velocity of the step before", {LOOK_AHEAD: "state.velocity"}),
        Mistake(
            "momentum-on-both",
            "with momentum times the old velocity on top of the new one: g + momentum * v",
            {LOOK_AHEAD: "(velocity + self.momentum * state.velocity)"},
        ),
    ],
    "AdaGrad": [
        *step("params - self.lr"),
        *root("G"),
        Mistake("adds-gradients", "but it adds up gradients, not their squares", {"grads**2": "grads"}),
        Mistake("adds-sizes", "but it adds up the sizes of gradients, not their squares", {"grads**2": "grads.abs()"}),
        Mistake(
            "one-sum", "with one sum of squares for all coordinates: each has its own", {"grads**2": "(grads**2).sum()"}
        ),
        Mistake(
            "divides-early",
            "but it divides by the sum before this gradient is in it",
            {ROOT: "(state.G.sqrt() + self.eps)"},
        ),
        forgets("SquaredSum(G)", "sum G"),
        Mistake(
            "g-constant", "with a G that never changes: assign the new one, G = ...", {"state.G + grads**2": "state.G"}
        ),
        begins("a sum G", "G"),
    ],
    "RMSProp": [
        *step("params - self.lr"),
        *root("v"),
        Mistake(
            "exchanged", "with alpha and 1 - alpha exchanged", {V: "(1 - self.alpha) * state.v + self.alpha * grads**2"}
        ),
        Mistake(
            "whole-square", "with the whole square in v: (1 - alpha) * g^2", {V: "self.alpha * state.v + grads**2"}
        ),
        Mistake(
            "v-of-gradients",
            "with the gradient in v where its square belongs",
            {V: "self.alpha * state.v + (1 - self.alpha) * grads"},
        ),
        Mistake("sizes", "with the sizes of gradients in v, not their squares", {"grads**2": "grads.abs()"}),
        Mistake(
            "one-sum", "with one sum of squares for all coordinates: each has its own", {"grads**2": "(grads**2).sum()"}
        ),
        Mistake(
            "one-mean", "with the mean square of all coordinates: each has its own", {"grads**2": "(grads**2).mean()"}
        ),
        Mistake(
            "divides-early",
            "but it divides by the mean before this gradient is in it",
            {"(v.sqrt()": "(state.v.sqrt()"},
        ),
        forgets("SquaredMean(v)", "mean v"),
        Mistake("v-constant", "with a v that never changes: assign the new one, v = ...", {V: "state.v"}),
        Mistake(
            "no-brackets-mean",
            "with 1 - alpha * g^2, which lacks its brackets: (1 - alpha) * g^2",
            {V: "self.alpha * state.v + 1 - self.alpha * grads**2"},
        ),
        begins("a mean v", "v"),
    ],
    "Lion": [
        *step("params - self.lr", "(1 - self.lr * self.weight_decay) * params - self.lr"),
        Mistake(
            "no-sign", "without the sign: each coordinate moves by lr, whatever the mix is", {f"{LION}.sign()": LION}
        ),
        Mistake(
            "sign-descent",
            "with the sign of the gradient alone, or nearly: beta1 * m belongs in it, and the new m is returned",
            {LION: "grads"},
        ),
        Mistake("memory-alone", "with the sign of m alone: the new gradient belongs in it, too", {LION: "state.m"}),
        Mistake(
            "one-beta-1",
            "with beta1 in the memory, too: m has beta2",
            {LION_M: "self.beta1 * state.m + (1 - self.beta1) * grads"},
        ),
        Mistake(
            "one-beta-2",
            "with beta2 in the step, too: the step has beta1",
            {LION: "(self.beta2 * state.m + (1 - self.beta2) * grads)"},
        ),
        Mistake(
            "m-first",
            "with the new m in the step: the step uses m as it was before this gradient, which enters it afterwards",
            {LION: f"(self.beta1 * ({LION_M}) + (1 - self.beta1) * grads)"},
        ),
        Mistake(
            "whole-gradient",
            "with the whole gradient in the memory: beta2 * m + (1 - beta2) * g",
            {LION_M: "self.beta2 * state.m + grads"},
        ),
        Mistake(
            "mix-as-memory",
            "with the mix of the step as the old m in the memory: keep the mix under another name",
            {LION_M: f"self.beta2 * {LION} + (1 - self.beta2) * grads"},
        ),
        Mistake(
            "keeps-direction",
            "with the direction in the memory: m is a mean of gradients, without a sign",
            {LION_M: f"{LION}.sign()"},
        ),
        Mistake(
            "sign-in-memory",
            "with the sign of the new m in the memory: m keeps its size",
            {LION_M: f"({LION_M}).sign()"},
        ),
        Mistake(
            "exchanged-in-memory",
            "with beta2 and 1 - beta2 exchanged in the memory: beta2 * m + (1 - beta2) * g",
            {LION_M: "(1 - self.beta2) * state.m + self.beta2 * grads"},
        ),
    ],
    **ADAM,
    **MUON,
    **SINCE_ADAM,
}
