"""The clinic: trainings with planted faults, the same without them, and what their curves tell."""

from gdviz.clinic.confusion import Confusion, confusion
from gdviz.clinic.diagnosis import Diagnosis, Finding, diagnose
from gdviz.clinic.faults import FAULTS, Fault, trained, twins
from gdviz.clinic.logs import from_columns, read_events, read_log
from gdviz.clinic.problems import PROBLEMS, problem

__all__ = ["FAULTS", "PROBLEMS", "Confusion", "Diagnosis", "Fault", "Finding", "confusion", "diagnose"]
__all__ += ["from_columns", "problem", "read_events", "read_log", "trained", "twins"]
