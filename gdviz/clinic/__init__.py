"""The clinic: trainings with planted faults, the same without them, and what their curves tell."""

from gdviz.clinic.checklist import CHECKLIST, Check
from gdviz.clinic.faults import FAULTS, Fault, trained, twins
from gdviz.clinic.problems import PROBLEMS, problem

__all__ = ["CHECKLIST", "FAULTS", "PROBLEMS", "Check", "Fault", "problem", "trained", "twins"]
