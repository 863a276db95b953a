"""The known mistakes in Adam's successors and in Rprop.

ASGD has none: its steps are those of gradient descent, and the mean that it is about is not among the params that a
check compares.
"""

from gdviz.exercises.mistake_kinds import Mistake, forgets, root, step

STAYS_ONE = Mistake(
    "t-stays-one", "but its step counter t stays at 1: count each step", {"state.t + 1": "state.t * 0 + 1"}
)
MU = "self._mu(t), self._mu(t + 1)"
M_HAT = "mu_next * m / (1 - product * mu_next) + (1 - mu) * grads / (1 - product)"
LARGER = "torch.maximum(self.beta2 * state.u, grads.abs() + self.eps)"
SCALED = "(1 - self.beta2**t).sqrt() / (v.sqrt() + self.eps)"
TURNED = "torch.where(kept < 0, self.etaminus * s, s)"

SINCE_ADAM: dict[str, list[Mistake]] = {
    "NAdam": [
        *step("params - self.lr"),
        Mistake(
            "no-momentum-decay",
            "without the momentum decay: mu begins near half of beta1 and grows",
            {MU: "self.beta1, self.beta1"},
        ),
        Mistake("one-mu", "with mu_t on m as well: looking ahead, it is mu_{t+1}", {MU: "self._mu(t), self._mu(t)"}),
        Mistake(
            "mu-late", "with the mu of one step before: mu_1 belongs to the first", {MU: "self._mu(t - 1), self._mu(t)"}
        ),
        Mistake("no-look-ahead", "without the look ahead: its m_hat is m alone", {M_HAT: "m / (1 - product)"}),
        Mistake(
            "powers",
            "with 1 - beta1^t where 1 minus the product of all mu is meant",
            {"(1 - product * mu_next)": "(1 - self.beta1 ** (t + 1))", "(1 - product)": "(1 - self.beta1**t)"},
        ),
        Mistake("no-product", "with mu_t where the product of all mu is meant", {"state.mu_product * mu": "mu"}),
        Mistake(
            "whole-gradient", "with the whole gradient in m_hat: (1 - mu_t) * g", {"+ (1 - mu) * grads": "+ grads"}
        ),
        Mistake(
            "v-uncorrected",
            "with sqrt(v) where sqrt(v_hat) is meant: its bias is not corrected",
            {"v / (1 - self.beta2**t)": "v"},
        ),
        *root("v_hat"),
        forgets("NAdamState(m, v, product, t)", "m, v, product and t"),
    ],
    "RAdam": [
        *step("params - self.lr"),
        Mistake(
            "at-once",
            "but it rectifies from the first step on: while rho is 5 or less it is momentum, and between 2 and 4 the "
            "root in r would be that of a negative number",
            {f"torch.where(rho > 5, r * {SCALED}, 1.0)": f"r * {SCALED}"},
        ),
        Mistake(
            "above-four", "but it rectifies above rho = 4, as the paper does; here, above 5", {"rho > 5": "rho > 4"}
        ),
        Mistake("no-r", "without the factor r: after its first steps it is Adam at once", {f"r * {SCALED}": SCALED}),
        Mistake(
            "stands-still", "but it stands still while rho is 5 or less: there it is momentum", {", 1.0)": ", 0.0)"}
        ),
        Mistake(
            "adam-at-first",
            "with Adam's step while rho is 5 or less: there it is momentum, without v",
            {f"r * {SCALED}, 1.0)": f"r, 1.0) * {SCALED}"},
        ),
        Mistake("no-root-in-r", "without the root in r", {"* rho)).sqrt()": "* rho))"}),
        Mistake(
            "longer",
            "with a rho_inf that lacks its - 1: it is 2 / (1 - beta2) - 1",
            {"2 / (1 - self.beta2) - 1": "2 / (1 - self.beta2)"},
        ),
        Mistake(
            "m-uncorrected", "with m where m_hat is meant: its bias is not corrected", {"m / (1 - self.beta1**t)": "m"}
        ),
        Mistake(
            "v-uncorrected",
            "with sqrt(v) where sqrt(v_hat) is meant: its bias is not corrected",
            {SCALED: "1 / (v.sqrt() + self.eps)"},
        ),
        *root("v"),
        STAYS_ONE,
        forgets("Moments(m, v, t)", "m, v and t"),
    ],
    "Adamax": [
        *step("params - self.lr"),
        Mistake(
            "decays-the-max",
            "with beta2 on the larger of the two: it belongs on the older u alone",
            {LARGER: "self.beta2 * torch.maximum(state.u, grads.abs() + self.eps)"},
        ),
        Mistake(
            "u-grows", "with a u that never forgets: the older one is multiplied by beta2", {"self.beta2 * s": "s"}
        ),
        Mistake(
            "mean",
            "with a running mean of |g| where the larger of two is meant",
            {LARGER: "self.beta2 * state.u + (1 - self.beta2) * (grads.abs() + self.eps)"},
        ),
        Mistake("no-size", "with g in u where its size |g| belongs", {"grads.abs()": "grads"}),
        Mistake(
            "one-for-all",
            "with the largest gradient of all coordinates: each has its own",
            {LARGER: "torch.maximum(self.beta2 * state.u, grads.abs().max() + self.eps)"},
        ),
        Mistake(
            "eps-outside",
            "with eps added to u; here it is added to |g|, before the larger is taken",
            {"grads.abs() + self.eps": "grads.abs()", "* u)": "* (u + self.eps))"},
        ),
        Mistake(
            "no-eps",
            "without eps: where all gradients so far are zero it is 0 / 0",
            {"grads.abs() + self.eps": "grads.abs()"},
        ),
        Mistake(
            "m-uncorrected",
            "with m where m_hat is meant: its bias is not corrected",
            {"((1 - self.beta1**t) * u)": "u"},
        ),
        Mistake(
            "u-corrected",
            "but it divides u by 1 - beta2^t: u begins at the first gradient and has no bias",
            {"* u)": "* u / (1 - self.beta2**t))"},
        ),
        STAYS_ONE,
        forgets("MaxNorm(m, u, t)", "m, u and t"),
    ],
    "Rprop": [
        Mistake(
            "uphill",
            "with a plus where the minus belongs: a step goes against the gradient",
            {"params - s": "params + s"},
        ),
        Mistake("no-sign", "with the gradient where its sign is meant: its size plays no part", {"g.sign()": "g"}),
        Mistake(
            "keeps-its-step",
            "but its step size stays the same where the sign changes: there it is multiplied by etaminus",
            {TURNED: "s"},
        ),
        Mistake("never-grows", "but its step size never grows: multiply it by etaplus", {"self.etaplus * s": "s"}),
        Mistake(
            "exchanged",
            "with etaplus and etaminus exchanged",
            {"self.etaplus": "self.ETA", "self.etaminus": "self.etaplus", "self.ETA": "self.etaminus"},
        ),
        Mistake(
            "does-not-wait",
            "but it moves where the sign has just changed: there it waits for one step",
            {"torch.where(kept < 0, 0.0, grads)": "grads"},
        ),
        Mistake(
            "remembers-the-turn",
            "but it keeps the gradient that has changed its sign: keep 0, and the next step counts as no change",
            {"prev=g": "prev=grads"},
        ),
        forgets("OwnSteps(prev=g, step_size=s)", "prev and step_size"),
    ],
    "Adafactor": [
        Mistake(
            "uphill",
            "with a plus where the minus belongs: a step goes against the gradient",
            {"params - alpha": "params + alpha"},
        ),
        Mistake(
            "not-relative",
            "without the size of the weights, rms(W), which multiplies the step",
            {"_at_least(_rms(params), self.eps2) * ": ""},
        ),
        Mistake("not-capped", "without the division by max(1, rms(U) / d)", {" / _at_least(_rms(U) / self.d, 1)": ""}),
        Mistake(
            "sum",
            "with the sum of R where its mean is meant: R and C are means, too",
            {"R.mean(-2": "R.sum(-2"},
        ),
        Mistake("no-root", "without the root: divide by the root of R C / mean(R)", {"(v.sqrt(), ": "(v, "}),
        forgets("RowsAndColumns(R, C, t)", "R, C and t"),
    ],
}
