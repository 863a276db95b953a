"""How nbgrader grades the sheets of this folder."""

from nbconvert.preprocessors import CSSHTMLHeaderPreprocessor
from nbgrader.preprocessors import ClearHiddenTests, GetGrades


def seconds(cell):
    """How long a cell may take: a test (a check stops what computes, not what sleeps), one that imports, any other."""
    marks = cell.metadata.get("nbgrader", {})
    if marks.get("grade"):
        return 30
    return 120 if marks.get("locked") else 5


c = get_config()  # noqa: F821  nbgrader gives it
c.CourseDirectory.course_id = "gdviz"
c.ClearSolutions.code_stub = {"python": ""}  # what the student begins with stands above the solution
c.ClearSolutions.text_stub = "*Replace this with your two sentences.*"
c.Execute.timeout_func = seconds
c.OverwriteCells.add_missing_cells = True
c.GenerateFeedback.preprocessors = [GetGrades, CSSHTMLHeaderPreprocessor, ClearHiddenTests]  # answers stay here
