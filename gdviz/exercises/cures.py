"""What to do about an error that many learners meet: a part of Python's or torch's words -> the cure."""

import re

CURES = {  # a pattern in "TypeError in your line `...`: ..." -> what helps; \1 is its first group
    r"'(?:int|float|Tensor)' object is not callable": "Is a * missing before the bracket?",
    r"(?:operand|must be Tensor).*\b(?:builtin_function_or_method|method)\b|_or_method' object has no attribute": (
        "A function or method is called with brackets, as in .sign()."
    ),
    r"only one element tensors|(?:length-1|0-dimensional) arrays|array of size 1|cannot be converted to Scalar": (
        "math, float and .item() take one number; a tensor has .sqrt(), .log() and .sign(), or **0.5."
    ),
    r"(sqrt|exp|log|log2|log10|ceil|floor|sin|cos|tanh)\(\): argument 'input' .*must be Tensor, not (?:int|float)": (
        r"torch.\1 takes a tensor; for a number there is math.\1."
    ),
    r"'int' object is not iterable": "Does a loop run over a number? Write range(...).",
    r"can't multiply sequence|operand.*'(?:list|tuple)'": (
        "A list or tuple is not multiplied or divided: take its parts, with zip where there are two lists."
    ),
    r"operand.*'NoneType'": "Something is None here: does a function lack its return?",
    r"ZeroDivisionError.*/.*\b(step|epoch|t)\b.*`": r"The first \1 is 0: divide by 1 + \1.",
    r"(?:attribute|name) 'ln'": "The natural logarithm is math.log; of a tensor it is torch.log.",
    r"name '(sqrt|exp|log|ceil|floor|sin|cos|tanh)' is not defined": (
        r"Write math.\1 for a number and torch.\1 for a tensor."
    ),
    r"name '(sign|maximum|minimum|where)' is not defined": r"Write torch.\1.",
    r"name '(math|torch)' is not defined": r"The line `import \1` is missing.",
    r"name 'np' is not defined": "The line `import numpy as np` is missing.",
    r"'(?:int|float)' object has no attribute '(sqrt|exp|log|ceil|floor)'": r"It is a number: write math.\1 of it.",
    r"to have (?:the )?same dtype|expected scalar type": (
        "Two kinds of numbers do not mix here, such as whole ones and fractions: use .to(other.dtype)."
    ),
}


def cure(said: str) -> str:
    """The sentence that helps with an error, as it is told; "" where none is known."""
    found = ((re.search(pattern, said), words) for pattern, words in CURES.items())
    return next((match.expand(words) for match, words in found if match), "")
