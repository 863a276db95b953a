"""The clinic: training runs with planted faults, the same without them, and what their curves tell."""

from gdviz.clinic.checklist import CHECKLIST, Check
from gdviz.clinic.confusion import Confusion, confusion
from gdviz.clinic.diagnosis import Diagnosis, Finding, diagnose
from gdviz.clinic.faults import FAULTS, Fault, trained, twins
from gdviz.clinic.logs import from_columns, read_events, read_log
from gdviz.clinic.problems import PROBLEMS, problem

__all__ = ["CHECKLIST", "FAULTS", "PROBLEMS", "Check", "Confusion", "Diagnosis", "Fault", "Finding"]
__all__ += ["confusion", "diagnose", "from_columns", "problem", "read_events", "read_log", "trained", "twins"]
