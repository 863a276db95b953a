"""The known mistakes in Adam, AMSGrad and AdamW."""

from gdviz.exercises.mistake_kinds import Mistake, begins, forgets, root, step

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
        "multiplies",
        "but it multiplies by 1 - beta^t where the paper divides",
        {M_HAT: "m * (1 - self.beta1**t)", V_HAT: "v * (1 - self.beta2**t)"},
    ),
    Mistake(
        "multiplies-m", "but it multiplies m by 1 - beta1^t where the paper divides", {M_HAT: "m * (1 - self.beta1**t)"}
    ),
    Mistake(
        "multiplies-v", "but it multiplies v by 1 - beta2^t where the paper divides", {V_HAT: "v * (1 - self.beta2**t)"}
    ),
    Mistake(
        "no-correction",
        "without bias correction: m and v begin at zero, and 1 - beta^t undoes it",
        {M_HAT: "m", V_HAT: "v"},
    ),
    Mistake("m-uncorrected", "with m where m_hat is meant: its bias is not corrected", {M_HAT: "m"}),
    Mistake("v-uncorrected", "with sqrt(v) where sqrt(v_hat) is meant: its bias is not corrected", {V_HAT: "v"}),
    Mistake("t-stays-one", "but its step counter t stays at 1: count each step", {"state.t + 1": "state.t * 0 + 1"}),
    Mistake("t-stays-zero", "but its step counter t stays at 0, so that it divides by 0", {"state.t + 1": "state.t"}),
    Mistake(
        "t-from-two",
        "but it counts its steps from 2: the first is t = 1",
        {"state.t + 1": "state.t + 1 + (state.t == 0)"},
    ),
    Mistake("t-twice", "but it counts each step twice", {"state.t + 1": "state.t + 2"}),
    Mistake(
        "times-t",
        "with beta * t where beta to the power of t is meant",
        {"beta1**t": "beta1 * t", "beta2**t": "beta2 * t"},
    ),
    Mistake(
        "betas-exchanged",
        "with beta1 and beta2 exchanged",
        {"self.beta1": "self.BETA", "self.beta2": "self.beta1", "self.BETA": "self.beta2"},
    ),
    Mistake("whole-gradient", "with the whole gradient in m: (1 - beta1) * g", {M: "grads"}),
    Mistake("whole-square", "with the whole square in v: (1 - beta2) * g^2", {SQUARE: "grads**2"}),
    Mistake("v-of-gradients", "with the gradient in v where its square belongs", {SQUARE: "(1 - self.beta2) * grads"}),
    Mistake(
        "v-of-m", "with the square of m in v; it is the square of the gradient", {SQUARE: "(1 - self.beta2) * m**2"}
    ),
    Mistake(
        "keeps-hats",
        "but it keeps the corrected m_hat and v_hat for the next step: keep m and v",
        {"Moments(m, v": "Moments(m_hat, v_hat"},
    ),
    forgets("Moments(m, v, t)", "m, v and t"),
    *root("v_hat"),
    Mistake(
        "beta-squared",
        "with beta^2 where beta to the power of t is meant",
        {"beta1**t": "beta1**2", "beta2**t": "beta2**2"},
    ),
    Mistake(
        "t-by-coordinate",
        "but t goes up once for each coordinate: it counts steps",
        {"state.t + 1": "state.t + torch.where(state.t > 0, params.shape[-1], 1 + torch.arange(params.shape[-1]))"},
    ),
    Mistake(
        "returns-old",
        "but it returns the old m and v: return the new ones",
        {"Moments(m, v, t)": "Moments(state.m, state.v, t)"},
    ),
    Mistake(
        "returns-old-m", "but it returns the old m: return the new one", {"Moments(m, v, t)": "Moments(state.m, v, t)"}
    ),
    Mistake(
        "returns-old-v", "but it returns the old v: return the new one", {"Moments(m, v, t)": "Moments(m, state.v, t)"}
    ),
    Mistake("means-exchanged", "with beta and 1 - beta exchanged in m and v", MEANS),
    Mistake("one-minus-everywhere", "with 1 - beta where beta is meant, everywhere", MEANS | BETAS),
    Mistake(
        "v-constant",
        "with a v that never changes: assign the new one, v = ...",
        {f"self.beta2 * state.v + {SQUARE}": "state.v"},
    ),
    Mistake(
        "no-brackets-hat",
        "with m / 1 - beta1^t, which lacks its brackets: m / (1 - beta1^t)",
        {M_HAT: "m / 1 - self.beta1**t"},
    ),
    Mistake(
        "no-brackets-mean",
        "with 1 - beta1 * g, which lacks its brackets: (1 - beta1) * g",
        {M: "1 - self.beta1 * grads", SQUARE: "1 - self.beta2 * grads**2"},
    ),
    begins("a v", "v"),
]
LARGER, V_MAX_HAT = "torch.maximum(state.v_max, v)", "v_max / (1 - self.beta2**t)"
DECAYED = "(1 - self.lr * self.weight_decay) * params"
TAIL = "return decayed - self.lr * m_hat / (v_hat.sqrt() + self.eps)"

ADAM: dict[str, list[Mistake]] = {
    "Adam": [*step("params - self.lr"), *MOMENTS],
    "AMSGrad": [
        *step("params - self.lr"),
        *root("v_hat"),
        Mistake(
            "v-max-uncorrected",
            "with a v_max whose bias is not corrected: divide it by 1 - beta2^t",
            {V_MAX_HAT: "v_max"},
        ),
        Mistake("m-uncorrected", "with an m whose bias is not corrected: divide it by 1 - beta1^t", {M_HAT: "m"}),
        Mistake(
            "no-correction",
            "without bias correction: m and v_max begin at zero, and 1 - beta^t undoes it",
            {M_HAT: "m", V_MAX_HAT: "v_max"},
        ),
        Mistake(
            "multiplies",
            "but it multiplies by 1 - beta^t where it must divide",
            {M_HAT: "m * (1 - self.beta1**t)", V_MAX_HAT: "v_max * (1 - self.beta2**t)"},
        ),
        Mistake(
            "times-t",
            "with beta * t where beta to the power of t is meant",
            {"beta1**t": "beta1 * t", "beta2**t": "beta2 * t"},
        ),
        Mistake(
            "no-brackets-hats",
            "with m / 1 - beta1^t, which lacks its brackets: m / (1 - beta1^t), and likewise v_max",
            {M_HAT: "m / 1 - self.beta1**t", V_MAX_HAT: "v_max / 1 - self.beta2**t"},
        ),
        Mistake("no-momentum", "with the gradient where m_hat is meant", {M_HAT: "grads"}),
        Mistake(
            "beta1-in-both",
            "with beta1 in the correction of v_max, too: divide it by 1 - beta2^t",
            {V_MAX_HAT: "v_max / (1 - self.beta1**t)"},
        ),
        Mistake(
            "largest-square",
            "with the square of the gradient in v_max: it is the largest v",
            {LARGER: "torch.maximum(state.v_max, grads**2)"},
        ),
        Mistake(
            "largest-coordinate",
            "with the largest of all coordinates in v_max: each has its own, torch.maximum(v_max, v)",
            {LARGER: "v.max()"},
        ),
        Mistake(
            "corrected-twice",
            "with the largest v_hat, which is corrected once more: v_max is the largest v",
            {LARGER: "torch.maximum(state.v_max, v / (1 - self.beta2**t))"},
        ),
        Mistake(
            "v-max-constant", "with a v_max that never changes: assign the larger of the two", {LARGER: "state.v_max"}
        ),
        Mistake(
            "largest-hat",
            "with the largest v_hat; here v_max is the largest v, and is corrected afterwards",
            {LARGER: "torch.maximum(state.v_max, v / (1 - self.beta2**t))", V_MAX_HAT: "v_max"},
        ),
        Mistake(
            "v-max-in-v",
            "but it keeps v_max in v as well: v goes on as in Adam",
            {"(m, v, v_max, t)": "(m, v_max, v_max, t)"},
        ),
        Mistake(
            "forgets-v-max", "but it forgets v_max: return the new one", {"(m, v, v_max, t)": "(m, v, state.v_max, t)"}
        ),
        forgets("MaxMoments(m, v, v_max, t)", "m, v, v_max and t"),
    ],
    "AdamW": [
        *step("decayed - self.lr"),
        Mistake(
            "l2",
            "with the decay in the gradient: that is Adam with an L2 penalty, and m and v swallow it",
            {"t = state.t + 1": "t = state.t + 1; grads = grads + self.weight_decay * params", DECAYED: "params"},
        ),
        Mistake(
            "no-decay", "without the decay: weights shrink by lr * weight_decay of themselves", {DECAYED: "params"}
        ),
        Mistake(
            "decay-without-rate",
            "but its decay lacks the learning rate",
            {"self.lr * self.weight_decay": "self.weight_decay"},
        ),
        Mistake("grows", "with a plus in the decay: weights grow", {"(1 - self.lr * self.w": "(1 + self.lr * self.w"}),
        Mistake(
            "decays-after",
            "but it decays after the step, which shrinks the step as well",
            {
                DECAYED: "params",
                TAIL: "return (1 - self.lr * self.weight_decay) * (" + TAIL.removeprefix("return ") + ")",
            },
        ),
        *MOMENTS,
    ],
}
