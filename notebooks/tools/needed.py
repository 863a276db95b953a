"""Which statements of a notebook a cell needs: those that bind the names it reads, and what these need in turn."""

import ast
import symtable
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from IPython.core.inputtransformer2 import TransformerManager

COMPREHENSIONS = ("listcomp", "setcomp", "dictcomp", "genexpr")
BLOCKS = (ast.If, ast.For, ast.While, ast.With)
BRANCHES = (ast.If, ast.For, ast.While, ast.Try, ast.Match)  # may leave a name as it was


class Names(NamedTuple):
    """What code binds or changes, what it reads at once, and what its functions read when they are called."""

    bound: set[str]
    now: set[str]
    later: set[str]


@dataclass(frozen=True)
class Statement:
    """A statement at the top of a cell, with the number of its cell."""

    cell: int
    source: str
    node: ast.stmt
    names: Names

    @property
    def imports(self) -> bool:
        """Whether it is an import."""
        return isinstance(self.node, ast.Import | ast.ImportFrom)

    def only(self, wanted: set[str]) -> str:
        """The source; of an import the names alone that are wanted."""
        if not self.imports or self.node.names[0].name == "*":
            return self.source
        aliases = [alias for alias in self.node.names if bound_by(alias) in wanted]
        return ast.unparse(type(self.node)(**vars(self.node) | {"names": aliases}))


def statements(source: str, cell: int) -> list[Statement]:
    """The statements of a cell, as Python: a line of IPython's own, such as %pip, is a call."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        source = TransformerManager().transform_cell(source)
        tree = ast.parse(source)
    lines, found = source.splitlines(), []
    for node in tree.body:
        decorated = getattr(node, "decorator_list", [])
        text = ast.get_source_segment(source, node) or ""
        if decorated:
            text = "\n".join(lines[decorated[0].lineno - 1 : node.end_lineno])
        found.append(Statement(cell, text, node, names_of(node, text)))
    return found


def names_of(node: ast.stmt, source: str) -> Names:
    """The names of one statement."""
    changed = changes(node)
    bound, now, later = set(changed), set(changed), set()
    tables = [(symtable.symtable(source, "", "exec"), now)]
    while tables:
        table, read = tables.pop()
        top = table.get_type() == "module"
        for symbol in table.get_symbols():
            if symbol.is_referenced() and (top or symbol.is_global()):
                read.add(symbol.get_name())
            if top and (symbol.is_assigned() or symbol.is_imported()):
                bound.add(symbol.get_name())
        for child in table.get_children():
            at_once = child.get_type() == "class" or child.get_name() in COMPREHENSIONS
            tables.append((child, read if at_once else later))
    return Names(bound, (now & first_read(node)) | changed if isinstance(node, BLOCKS) else now, later)


def first_read(node: ast.stmt) -> set[str]:
    """The names that a statement with a block reads before it binds them itself."""
    free, bound = set(), set()
    if isinstance(node, ast.For):
        bound |= loaded(node.target, ast.Store)
        free |= loaded(node.iter)
    elif isinstance(node, ast.With):
        for item in node.items:
            free |= loaded(item.context_expr) - bound
            bound |= loaded(item.optional_vars, ast.Store) if item.optional_vars else set()
    else:
        free |= loaded(node.test)
    for line in [*node.body, *getattr(node, "orelse", [])]:
        names = names_of(line, ast.unparse(line))
        free |= names.now - bound
        if not isinstance(line, BRANCHES):
            bound |= names.bound - names.now
    return free


def loaded(tree: ast.AST, how: type = ast.Load) -> set[str]:
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, how)}


def changes(node: ast.stmt) -> set[str]:
    """The names whose objects a statement may change: x += 1, x[0] = 1, x.field = 1 and x.method() for itself."""
    found = set()
    for part in outside_functions(node):
        if isinstance(part, ast.AugAssign):
            found.add(root(part.target))
        elif isinstance(part, ast.Attribute | ast.Subscript) and not isinstance(part.ctx, ast.Load):
            found.add(root(part))
        elif isinstance(part, ast.Expr) and isinstance(part.value, ast.Call):
            found.add(root(part.value.func) if isinstance(part.value.func, ast.Attribute) else "")
    return found - {""}


def outside_functions(node: ast.AST) -> Iterable[ast.AST]:
    if not isinstance(node, ast.FunctionDef | ast.Lambda | ast.ClassDef):
        yield node
        for child in ast.iter_child_nodes(node):
            yield from outside_functions(child)


def root(node: ast.expr) -> str:
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def bound_by(alias: ast.alias) -> str:
    return alias.asname or alias.name.split(".")[0]


def reads(source: str) -> set[str]:
    """The names that a cell reads and does not bind itself before."""
    parts = statements(source, 0)
    bound, free = set(), set()
    for part in parts:
        free |= part.names.now - bound
        if not isinstance(part.node, BRANCHES):
            bound |= part.names.bound
    return free.union(*(part.names.later - bound for part in parts))


def needed(before: list[Statement], wanted: set[str]) -> tuple[list[Statement], set[str]]:
    """Those of the statements that these names need, in order, and all the names that these need."""
    modules = {name for part in before if part.imports for name in part.names.bound}
    at_end, kept, every, seen = set(wanted), [], set(wanted), set()
    while not seen >= at_end:  # a function reads its names when it is called: as they are at the end
        seen |= at_end
        kept, open_names, every = [], set(at_end), set(at_end)
        for part in reversed(before):
            binds = part.names.bound if part.imports else part.names.bound - (changes(part.node) & modules)
            if binds & open_names or (part.imports and part.node.names[0].name == "*"):
                kept.insert(0, part)
                if not isinstance(part.node, BRANCHES):
                    open_names -= binds
                open_names |= part.names.now | part.names.later
                every |= part.names.now
                at_end |= part.names.later
    return kept, every | at_end
