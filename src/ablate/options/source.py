"""What code says: a digest of a module's source, and what it imports. Comments, docstrings and formatting don't count.

The digest is of the syntax tree, by kinds of nodes and their values alone, which are the same in every version of
Python that can read the source; what `ast.dump` and `ast.unparse` write is not.
"""

from __future__ import annotations

import ast
import copy
import hashlib
import importlib.util
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

SILENT = ("ctx", "kind", "type_comment")  # fields that follow from others, or change nothing


@dataclass(frozen=True)
class Source:
    """digest: of what it says; imports: full names, in functions too, of modules and of what is taken from them."""

    digest: str
    imports: tuple[str, ...] = ()


def of_module(text: str, package: str) -> Source:
    """package: what relative imports are relative to.

    Raises:
        SyntaxError: it can't be read.
    """
    tree = ast.parse(text)
    return Source(_digest([tree]), tuple(dict.fromkeys(_imports(tree, package))))


def of_function(text: str, name: str) -> Source:
    """A function of a module, with what it names of the module's top level, and what that names, and nothing else."""
    binding: dict[str, list[ast.stmt]] = defaultdict(list)
    for statement in ast.parse(text).body:
        for bound, by in _bound(statement):
            binding[bound].append(by)
    found: dict[str, list[ast.stmt]] = {}
    todo = [name]
    while todo:
        if (wanted := todo.pop()) in binding and wanted not in found:
            found[wanted] = binding[wanted]
            todo += [node.id for own in binding[wanted] for node in ast.walk(own) if isinstance(node, ast.Name)]
    return Source(_digest(statement for key in sorted(found) for statement in found[key]))


def of_bytes(content: bytes) -> Source:
    """What can't be read as Python."""
    return Source(_short(content))


def _digest(trees: Iterable[ast.AST]) -> str:
    return _short("\n".join(word for tree in trees for word in _words(tree)).encode(errors="surrogatepass"))


def _short(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def _words(tree: ast.AST) -> Iterator[str]:
    """A syntax tree, node by node; not by recursion, which long expressions are too deep for."""
    todo: list[Any] = [tree]
    while todo:
        item = todo.pop()
        if isinstance(item, ast.AST):
            yield type(item).__name__
            fields = [(name, value) for name, value in ast.iter_fields(item) if name not in SILENT]
            todo.append(_Mark("end"))
            for name, value in reversed(fields):
                if value is not None and value != []:  # versions of Python differ in what a node may have
                    todo += [value, _Mark(name)]
        elif isinstance(item, list):
            todo += [_Mark("]"), *reversed([each for each in item if not _says_nothing(each)]), _Mark("[")]
        else:
            yield item if isinstance(item, _Mark) else f"{type(item).__name__} {item!r}"


class _Mark(str):
    """A word that is no value of the source."""


def _says_nothing(node: Any) -> bool:
    """A docstring, or any other text that stands by itself."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _imports(tree: ast.AST, package: str) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            try:
                base = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
            except ImportError:  # above the uppermost package; Python says so when it comes to it
                continue
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def _bound(statement: ast.stmt) -> Iterator[tuple[str, ast.stmt]]:
    """The names that a statement gives something, each with what does it: of an import only its own part."""
    if isinstance(statement, ast.Import | ast.ImportFrom):
        for alias in statement.names:
            own = copy.copy(statement)
            own.names = [alias]
            yield (alias.asname or alias.name).partition(".")[0], own
        return
    for node in ast.walk(statement):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name, statement
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id, statement
