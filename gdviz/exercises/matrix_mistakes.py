"""The known mistakes in Muon: published code and notes have made each of them."""

from gdviz.exercises.mistake_kinds import Mistake, step

M = "self.momentum * state.M + (1 - self.momentum) * grads"
AHEAD = "self.momentum * M + (1 - self.momentum) * grads if self.nesterov else M"
ORTHOGONAL = "(_in_bfloat16 if self.bfloat16 else newton_schulz)"
MADE = f"{ORTHOGONAL}(ahead, self.ns_steps, self.eps)"
LENGTH = "_at_least(ahead.square().sum((-2, -1), keepdim=True).sqrt(), self.eps)"
DECAYED = "(1 - self.lr * self.weight_decay) * params"


CUBIC = "(3 * orthogonal - orthogonal @ orthogonal.mT @ orthogonal) / 2"
QUINTIC = (
    "3.4445 * orthogonal + (2.0315 * orthogonal @ orthogonal.mT @ orthogonal @ orthogonal.mT"
    " - 4.775 * orthogonal @ orthogonal.mT) @ orthogonal"
)


def begins_with(matrix: str, polynomial: str) -> dict[str, str]:
    """A Newton-Schulz of its own, from this matrix on."""
    return {MADE: f"{matrix}\n    for _ in range(self.ns_steps): orthogonal = {polynomial}"}


MUON: dict[str, list[Mistake]] = {
    "Muon": [
        *step("params - self.lr", f"{DECAYED} - self.lr"),
        Mistake(
            "rank-one-vanishes",
            "with a Newton-Schulz that begins at length sqrt(3): (3x - x^3) / 2 is 0 there, so that a gradient of rank "
            "one moves nothing; begin at length 1",
            begins_with(f"ahead * 3**0.5 / {LENGTH}", CUBIC),
        ),
        Mistake(
            "cubic",
            "with the cubic (3x - x^3) / 2, which needs more steps; here it is 3.4445x - 4.775x^3 + 2.0315x^5",
            begins_with(f"ahead / {LENGTH}", CUBIC),
        ),
        Mistake(
            "orthogonalises-early",
            "but it orthogonalises the gradient before the momentum is added: the mean of such matrices is not one",
            {f"M = {M}": f"grads = {ORTHOGONAL}(grads, self.ns_steps, self.eps)\n    M = {M}", MADE: "ahead"},
        ),
        Mistake(
            "looks-ahead-late",
            "but it looks ahead after orthogonalising, so that the gradient comes in with its own size",
            {
                AHEAD: "M",
                MADE: f"self.momentum * {ORTHOGONAL}(M, self.ns_steps, self.eps) + (1 - self.momentum) * grads",
            },
        ),
        Mistake("no-look-ahead", "with M where the step looks ahead: momentum * M + (1 - momentum) * G", {AHEAD: "M"}),
        Mistake(
            "no-newton-schulz",
            "without Newton-Schulz: the matrix is only divided by its length",
            {MADE: f"ahead / {LENGTH}"},
        ),
        Mistake(
            "not-divided",
            "but it does not divide by the length before Newton-Schulz, which works from 0 to 1 alone",
            begins_with("ahead", QUINTIC),
        ),
        Mistake("signs", "with the sign of each number: that sees numbers, not a matrix", {MADE: "ahead.sign()"}),
        Mistake("old-momentum", "with the M of the step before", {AHEAD: "state.M"}),
        Mistake(
            "exchanged",
            "with momentum and 1 - momentum exchanged in M",
            {M: "(1 - self.momentum) * state.M + self.momentum * grads"},
        ),
        Mistake(
            "scale-without-root",
            "without the root in the factor sqrt(max(1, m / n))",
            {"self.lr * scale": "self.lr * scale**2"},
        ),
        Mistake(
            "half-scale",
            "with max(1, m / n)**1/2, which Python reads as half of it: write **0.5",
            {"self.lr * scale": "self.lr * scale**2 / 2"},
        ),
        Mistake(
            "scale-upside-down",
            "with n / m in the factor: it is m / n, rows by columns",
            {"ADJUST[self.adjust_lr_fn](*params.shape[-2:])": "ADJUST[self.adjust_lr_fn](*params.shape[:-3:-1])"},
        ),
        Mistake(
            "longer-side",
            "with max(m, n) in the factor, which is sqrt(max(1, m / n))",
            {"self.lr * scale": "self.lr * max(params.shape[-2:]) ** 0.5"},
        ),
        Mistake(
            "decays-after",
            "but it decays after the step, which shrinks the step as well",
            {DECAYED: "(1 - self.lr * self.weight_decay) * (params", "orthogonal, Mat": "orthogonal), Mat"},
        ),
        Mistake(
            "no-scale",
            "without the factor sqrt(max(1, m / n)) for more rows than columns, or with m // n, which rounds it",
            {"self.lr * scale": "self.lr"},
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
            "l2",
            "with the decay in the gradient: then it goes through Newton-Schulz, and its size is lost",
            {M: M.replace("grads", "(grads + self.weight_decay * params)"), DECAYED: "params"},
        ),
        Mistake(
            "forgets",
            "with the gradient alone orthogonalised: M belongs in what newton_schulz gets, and is returned",
            {"MatrixMomentum(M)": "state"},
        ),
    ],
}
