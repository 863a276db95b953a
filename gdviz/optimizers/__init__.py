"""Update rules: an optimizer is its formula.

A rule is a frozen dataclass. Its fields are the hyperparameters, `init(params)` is the state at t = 0, and
`update(params, grads, state)` is the textbook line. A rule only broadcasts: it never branches on a hyperparameter and
never changes a tensor in place. So a hyperparameter may be a number or a tensor (..., 1), and a tensor is a sweep: many
runs at once. Or it is a Range: its value for minimize, a slider in a player.
"""

from gdviz.hyperparameters import Range
from gdviz.optimizers.adam import Adam, AdamW, AMSGrad, MaxMoments, Moments
from gdviz.optimizers.adaptive import Adadelta, AdaGrad, RMSProp, SquaredMean, SquaredMeans, SquaredSum
from gdviz.optimizers.averages import ASGD, ASGDState
from gdviz.optimizers.clipping import ClippedByNorm, ClippedByValue
from gdviz.optimizers.lbfgs import LBFGS, History
from gdviz.optimizers.matrices import (
    Adafactor,
    LeftAndRight,
    MatrixMomentum,
    Muon,
    RowsAndColumns,
    Shampoo,
    newton_schulz,
)
from gdviz.optimizers.momentum import GradientDescent, GradientDescentState, Momentum, Nesterov, Velocity
from gdviz.optimizers.rule import Rule
from gdviz.optimizers.schedule import Schedule
from gdviz.optimizers.schedules import cosine, linear, warmup_stable_decay
from gdviz.optimizers.signs import Lion, MeanGradient, OwnSteps, Rprop
from gdviz.optimizers.since_adam import Adamax, MaxNorm, NAdam, NAdamState, RAdam, SparseAdam
from gdviz.optimizers.two_points import SAM, Averaged, AveragedMoment, SAMState, ScheduleFreeAdamW, ScheduleFreeSGD

RULES = (GradientDescent, Momentum, Nesterov, ASGD, Rprop, AdaGrad, RMSProp, Adadelta, Lion)
RULES += (Adam, AMSGrad, AdamW, Adamax, NAdam, RAdam, SparseAdam, LBFGS)
RULES += (SAM, ScheduleFreeSGD, ScheduleFreeAdamW)

__all__ = ["LBFGS", "RULES", "AMSGrad", "AdaGrad", "Adadelta", "Adam", "AdamW", "GradientDescent"]
__all__ += ["GradientDescentState", "History", "MaxMoments", "Moments", "Momentum", "Nesterov", "Range", "Rule"]
__all__ += ["Schedule", "SquaredMean", "SquaredMeans", "SquaredSum", "Velocity"]
__all__ += ["Adafactor", "LeftAndRight", "MatrixMomentum", "Muon", "RowsAndColumns", "Shampoo", "newton_schulz"]
__all__ += ["SAM", "Averaged", "AveragedMoment", "SAMState", "ScheduleFreeAdamW", "ScheduleFreeSGD"]
__all__ += ["ASGD", "ASGDState", "Adamax", "Lion", "MaxNorm", "MeanGradient", "NAdam", "NAdamState", "OwnSteps"]
__all__ += ["RAdam", "RMSProp", "Rprop", "SparseAdam"]
__all__ += ["ClippedByNorm", "ClippedByValue", "cosine", "linear", "warmup_stable_decay"]
