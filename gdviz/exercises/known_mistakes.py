"""The table of known mistakes in update rules: a row is what is changed in the formula, and the words for it.

Sources: published tutorials and courses; each is a kind of mistake that several of them have made.
"""

from typing import NamedTuple


class Mistake(NamedTuple):
    """phrase completes "This is Adam ..."; changes: parts of the source of `init` and `update`, old -> new."""

    phrase: str
    changes: dict[str, str]

    def of(self, name: str) -> str:
        """The sentence's end: "Adam with ...", or "Adam, but it ..."."""
        return f"{name}{', ' if self.phrase.startswith('but ') else ' '}{self.phrase}"


def _step(old: str) -> list[Mistake]:
    """What goes wrong with the step of any rule; old: how it begins, "params - self.lr"."""
    uphill, squared = old.replace(" - ", " + "), old + " * self.lr"
    return [
        Mistake("with a plus where the minus belongs: a step goes against the gradient", {old + " *": uphill + " *"}),
        Mistake("without the learning rate, which multiplies the step", {old + " * ": old.replace("self.lr", "")}),
        Mistake("with the learning rate multiplied in twice", {old + " *": squared + " *"}),
    ]


def _forgets(line: str, what: str) -> Mistake:
    return Mistake(f"but each step starts afresh: return the new {what} for the next one", {line: "state"})


def _begins(name: str, field: str) -> Mistake:
    """A state that begins at 1; field: as in the source of init."""
    right = f"{field}=torch.zeros_like(params)"
    return Mistake(f"with {name} that begins at 1; it begins at 0", {right: right.replace("zeros", "ones")})


VELOCITY = "self.momentum * state.velocity + grads"
VELOCITIES = [
    Mistake(
        "with an averaged velocity, momentum * v + (1 - momentum) * g: here the gradient enters whole",
        {VELOCITY: "self.momentum * state.velocity + (1 - self.momentum) * grads"},
    ),
    Mistake(
        "with momentum and 1 - momentum exchanged in the velocity",
        {VELOCITY: "(1 - self.momentum) * state.velocity + self.momentum * grads"},
    ),
    Mistake("with a velocity that nothing slows down: momentum * v", {VELOCITY: "state.velocity + grads"}),
    Mistake(
        "with momentum on the gradient as well: momentum * v + g, not momentum * (v + g)",
        {VELOCITY: "self.momentum * (state.velocity + grads)"},
    ),
    Mistake(
        "with momentum on the gradient and not on the velocity: momentum * v + g",
        {VELOCITY: "state.velocity + self.momentum * grads"},
    ),
    _forgets("Velocity(velocity)", "velocity"),
    _begins("a velocity", "velocity"),
]
LOOK_AHEAD = "(grads + self.momentum * velocity)"

MEAN_SO_FAR = "(state[0] + grads) / (state[1] + 1), (state[0] + grads, state[1] + 1)"
ROOT = "(G.sqrt() + self.eps)"
V = "self.alpha * state.v + (1 - self.alpha) * grads**2"


def _root(name: str, mean: str = "v") -> list[Mistake]:
    """What goes wrong under the fraction line of a rule that divides by name.sqrt() + eps."""
    root = f"({name}.sqrt() + self.eps)"
    return [
        Mistake(f"without the root: divide by the root of {name}", {root: f"({name} + self.eps)"}),
        Mistake("with eps inside the root; here it is added outside", {root: f"({name} + self.eps).sqrt()"}),
        Mistake(
            "without eps under the fraction line: where the gradient is zero it is 0 / 0", {root: f"{name}.sqrt()"}
        ),
        Mistake(
            f"with {name}**1/2, which Python reads as half of {name}: write {name}**0.5",
            {root: f"({name}**1/2 + self.eps)"},
        ),
    ]


M_HAT, V_HAT = "m / (1 - self.beta1**t)", "v / (1 - self.beta2**t)"
M, SQUARE = "(1 - self.beta1) * grads", "(1 - self.beta2) * grads**2"
MEANS = {  # the lines of m and v -> with beta and 1 - beta exchanged
    f"self.beta1 * state.m + {M}": "(1 - self.beta1) * state.m + self.beta1 * grads",
    f"self.beta2 * state.v + {SQUARE}": "(1 - self.beta2) * state.v + self.beta2 * grads**2",
}
BETAS = {  # a number that is raised to the power of t -> another one
    "self.beta1**t": "(1 - self.beta1) ** t",
    "self.beta2**t": "(1 - self.beta2) ** t",
}
MOMENTS = [
    Mistake(
        "but it multiplies by 1 - beta^t where the paper divides",
        {M_HAT: "m * (1 - self.beta1**t)", V_HAT: "v * (1 - self.beta2**t)"},
    ),
    Mistake("but it multiplies m by 1 - beta1^t where the paper divides", {M_HAT: "m * (1 - self.beta1**t)"}),
    Mistake("but it multiplies v by 1 - beta2^t where the paper divides", {V_HAT: "v * (1 - self.beta2**t)"}),
    Mistake("without bias correction: m and v begin at zero, and 1 - beta^t undoes it", {M_HAT: "m", V_HAT: "v"}),
    Mistake("with m where m_hat is meant: its bias is not corrected", {M_HAT: "m"}),
    Mistake("with sqrt(v) where sqrt(v_hat) is meant: its bias is not corrected", {V_HAT: "v"}),
    Mistake("but its step counter t stays at 1: count each step", {"state.t + 1": "state.t * 0 + 1"}),
    Mistake("but its step counter t stays at 0, so that it divides by 0", {"state.t + 1": "state.t"}),
    Mistake("but it counts its steps from 2: the first is t = 1", {"state.t + 1": "state.t + 1 + (state.t == 0)"}),
    Mistake("but it counts each step twice", {"state.t + 1": "state.t + 2"}),
    Mistake("with beta * t where beta to the power of t is meant", {"beta1**t": "beta1 * t", "beta2**t": "beta2 * t"}),
    Mistake(
        "with beta1 and beta2 exchanged",
        {"self.beta1": "self.BETA", "self.beta2": "self.beta1", "self.BETA": "self.beta2"},
    ),
    Mistake("with the whole gradient in m: (1 - beta1) * g", {M: "grads"}),
    Mistake("with the whole square in v: (1 - beta2) * g^2", {SQUARE: "grads**2"}),
    Mistake("with the gradient in v where its square belongs", {SQUARE: "(1 - self.beta2) * grads"}),
    Mistake("with the square of m in v; it is the square of the gradient", {SQUARE: "(1 - self.beta2) * m**2"}),
    Mistake(
        "but it keeps the corrected m_hat and v_hat for the next step: keep m and v",
        {"Moments(m, v": "Moments(m_hat, v_hat"},
    ),
    _forgets("Moments(m, v, t)", "m, v and t"),
    *_root("v_hat"),
    Mistake("with beta^2 where beta to the power of t is meant", {"beta1**t": "beta1**2", "beta2**t": "beta2**2"}),
    Mistake(
        "but t goes up once for each coordinate: it counts steps",
        {"state.t + 1": "state.t + torch.where(state.t > 0, params.shape[-1], 1 + torch.arange(params.shape[-1]))"},
    ),
    Mistake(
        "but it returns the old m and v: return the new ones", {"Moments(m, v, t)": "Moments(state.m, state.v, t)"}
    ),
    Mistake("but it returns the old m: return the new one", {"Moments(m, v, t)": "Moments(state.m, v, t)"}),
    Mistake("but it returns the old v: return the new one", {"Moments(m, v, t)": "Moments(m, state.v, t)"}),
    Mistake("with beta and 1 - beta exchanged in m and v", MEANS),
    Mistake("with 1 - beta where beta is meant, everywhere", MEANS | BETAS),
    Mistake(
        "with a v that never changes: assign the new one, v = ...", {f"self.beta2 * state.v + {SQUARE}": "state.v"}
    ),
    Mistake(
        "with m / 1 - beta1^t, which lacks its brackets: m / (1 - beta1^t)",
        {M_HAT: "m / 1 - self.beta1**t"},
    ),
    Mistake(
        "with 1 - beta1 * g, which lacks its brackets: (1 - beta1) * g",
        {M: "1 - self.beta1 * grads", SQUARE: "1 - self.beta2 * grads**2"},
    ),
    _begins("a v", "v"),
]
LARGER, V_MAX_HAT = "torch.maximum(state.v_max, v)", "v_max / (1 - self.beta2**t)"
DECAYED = "(1 - self.lr * self.weight_decay) * params"
TAIL = "return decayed - self.lr * m_hat / (v_hat.sqrt() + self.eps)"

MISTAKES: dict[str, list[Mistake]] = {
    "GradientDescent": [
        *_step("params - self.lr"),
        Mistake("with a gradient of length 1: its size counts, too", {"* grads": "* grads / grads.norm()"}),
        Mistake("with the sign of the gradient alone: its size counts, too", {"* grads": "* grads.sign()"}),
        Mistake("with one number for all coordinates: each has its own slope", {"* grads": "* grads.sum()"}),
        Mistake("with the mean slope for all coordinates: each has its own", {"* grads": "* grads.mean()"}),
        Mistake("but it returns the step alone: the new place is params - lr * g", {"params - self.lr": "-self.lr"}),
        Mistake(
            "in which the gradients of earlier steps add up; gradient descent remembers nothing",
            {"GradientDescentState()": "0", "* grads, state": "* (state + grads), state + grads"},
        ),
        Mistake(
            "with a mean of all gradients so far; gradient descent remembers nothing",
            {"GradientDescentState()": "0, 0", "* grads, state": f"* {MEAN_SO_FAR}"},
        ),
    ],
    "Momentum": [
        *VELOCITIES,
        *_step("params - self.lr"),
        Mistake("with the velocity of the step before", {"self.lr * velocity": "self.lr * state.velocity"}),
    ],
    "Nesterov": [
        *VELOCITIES,
        *_step("params - self.lr"),
        Mistake(
            "with the old velocity: look ahead with the new one",
            {"self.momentum * velocity)": "self.momentum * state.velocity)"},
        ),
        Mistake(
            "with the whole velocity on top of the gradient: g + momentum * v",
            {"self.momentum * velocity)": "velocity)"},
        ),
        Mistake(
            "without the gradient in the step: g + momentum * v",
            {LOOK_AHEAD: "self.momentum * velocity"},
        ),
        Mistake(
            "with the sign of another convention: here v adds up gradients, and the step is g + momentum * v",
            {LOOK_AHEAD: "(grads - self.momentum * velocity)"},
        ),
        Mistake(
            "with (1 + momentum) * v in the step: g + momentum * v", {LOOK_AHEAD: "(1 + self.momentum) * velocity"}
        ),
        Mistake("with the velocity of the step before", {LOOK_AHEAD: "state.velocity"}),
        Mistake(
            "with momentum times the old velocity on top of the new one: g + momentum * v",
            {LOOK_AHEAD: "(velocity + self.momentum * state.velocity)"},
        ),
    ],
    "AdaGrad": [
        *_step("params - self.lr"),
        *_root("G"),
        Mistake("but it adds up gradients, not their squares", {"grads**2": "grads"}),
        Mistake("but it adds up the sizes of gradients, not their squares", {"grads**2": "grads.abs()"}),
        Mistake("with one sum of squares for all coordinates: each has its own", {"grads**2": "(grads**2).sum()"}),
        Mistake("but it divides by the sum before this gradient is in it", {ROOT: "(state.G.sqrt() + self.eps)"}),
        _forgets("SquaredSum(G)", "sum G"),
        Mistake("with a G that never changes: assign the new one, G = ...", {"state.G + grads**2": "state.G"}),
        _begins("a sum G", "G"),
    ],
    "RMSProp": [
        *_step("params - self.lr"),
        *_root("v"),
        Mistake("with alpha and 1 - alpha exchanged", {V: "(1 - self.alpha) * state.v + self.alpha * grads**2"}),
        Mistake("with the whole square in v: (1 - alpha) * g^2", {V: "self.alpha * state.v + grads**2"}),
        Mistake(
            "with the gradient in v where its square belongs", {V: "self.alpha * state.v + (1 - self.alpha) * grads"}
        ),
        Mistake("but it divides by the mean before this gradient is in it", {"(v.sqrt()": "(state.v.sqrt()"}),
        _forgets("SquaredMean(v)", "mean v"),
        Mistake("with a v that never changes: assign the new one, v = ...", {V: "state.v"}),
        Mistake(
            "with 1 - alpha * g^2, which lacks its brackets: (1 - alpha) * g^2",
            {V: "self.alpha * state.v + 1 - self.alpha * grads**2"},
        ),
        _begins("a mean v", "v"),
    ],
    "Adam": [*_step("params - self.lr"), *MOMENTS],
    "AMSGrad": [
        *_step("params - self.lr"),
        *_root("v_hat"),
        Mistake("with a v_max whose bias is not corrected: divide it by 1 - beta2^t", {V_MAX_HAT: "v_max"}),
        Mistake("with an m whose bias is not corrected: divide it by 1 - beta1^t", {M_HAT: "m"}),
        Mistake("with a v_max that never changes: assign the larger of the two", {LARGER: "state.v_max"}),
        Mistake(
            "with the largest v_hat; here v_max is the largest v, and is corrected afterwards",
            {LARGER: "torch.maximum(state.v_max, v / (1 - self.beta2**t))", V_MAX_HAT: "v_max"},
        ),
        Mistake("but it keeps v_max in v as well: v goes on as in Adam", {"(m, v, v_max, t)": "(m, v_max, v_max, t)"}),
        Mistake("but it forgets v_max: return the new one", {"(m, v, v_max, t)": "(m, v, state.v_max, t)"}),
        _forgets("MaxMoments(m, v, v_max, t)", "m, v, v_max and t"),
    ],
    "AdamW": [
        *_step("decayed - self.lr"),
        Mistake(
            "with the decay in the gradient: that is Adam with an L2 penalty, and m and v swallow it",
            {"t = state.t + 1": "t = state.t + 1; grads = grads + self.weight_decay * params", DECAYED: "params"},
        ),
        Mistake("without the decay: weights shrink by lr * weight_decay of themselves", {DECAYED: "params"}),
        Mistake("but its decay lacks the learning rate", {"self.lr * self.weight_decay": "self.weight_decay"}),
        Mistake("with a plus in the decay: weights grow", {"(1 - self.lr * self.w": "(1 + self.lr * self.w"}),
        Mistake(
            "but it decays after the step, and so the step as well",
            {
                DECAYED: "params",
                TAIL: "return (1 - self.lr * self.weight_decay) * (" + TAIL.removeprefix("return ") + ")",
            },
        ),
        *MOMENTS,
    ],
}
