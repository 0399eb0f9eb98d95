"""What a function or class says that has no source to be read: one that was typed into a notebook or a prompt.

Known by its compiled code, its defaults and the values it is made of, and so are functions and classes of the same
module that it names. Other versions of Python compile otherwise, and take it for another one.
"""

from __future__ import annotations

import functools
import hashlib
import sys
from collections.abc import Iterator
from types import CodeType, FunctionType, ModuleType
from typing import Any

PLAIN = (int, float, complex, str, bytes, bool, type(None), type(...))


def digest(root: Any, home: str) -> tuple[str, tuple[str, ...]]:
    """The digest of an object of the module `home`, and the other modules that it names."""
    modules: dict[str, None] = {}
    key = "\n".join([str(sys.version_info[:2]), *_words(root, home, modules)])
    return hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest()[:16], tuple(modules)


def _words(root: Any, home: str, modules: dict[str, None]) -> Iterator[str]:
    """home: the module whose functions and classes are looked into; all others are noted in `modules`."""
    todo = [root]
    seen: dict[int, Any] = {}  # what is in here isn't freed, so that its id is no other object's
    while todo:
        item = todo.pop()
        if isinstance(item, PLAIN):
            yield f"{type(item).__name__} {item!r}"
            continue
        if id(item) in seen:
            continue
        if not isinstance(item, tuple):  # equal tuples are one object or two, as the compiler likes
            seen[id(item)] = item
        if isinstance(item, list | tuple):
            yield f"{type(item).__name__} {len(item)}"
            todo += reversed(item)
        elif isinstance(item, set | frozenset | dict):
            yield type(item).__name__
            pairs = item.items() if isinstance(item, dict) else [(each, None) for each in item]
            todo += sorted(pairs, key=lambda pair: repr(pair[0]))  # sets have another order in every process
        elif isinstance(item, CodeType):
            yield f"code {item.co_code.hex()} {item.co_names} {item.co_varnames} {item.co_freevars}"
            todo += reversed(item.co_consts)
        elif isinstance(item, ModuleType):
            modules[item.__name__] = None
        elif isinstance(item, functools.partial):
            todo.append((item.func, item.args, item.keywords))
        elif isinstance(item, staticmethod | classmethod):
            todo.append(item.__func__)
        elif isinstance(item, property):
            todo.append((item.fget, item.fset))
        elif not isinstance(item, FunctionType | type):
            todo += [type(item), vars(item) if type(item).__module__ == home and hasattr(item, "__dict__") else None]
        elif item.__module__ != home:
            modules[item.__module__] = None
            yield f"{item.__module__}.{item.__qualname__}"
        else:
            yield item.__qualname__
            todo.append(_function(item) if isinstance(item, FunctionType) else _class(item))


def _function(function: FunctionType) -> tuple[Any, ...]:
    cells = []
    for cell in function.__closure__ or ():
        try:
            cells.append(cell.cell_contents)
        except ValueError:  # not filled yet
            continue
    named = {name: function.__globals__[name] for name in _names(function.__code__) if name in function.__globals__}
    return _undocumented(function), function.__defaults__, function.__kwdefaults__, cells, named


def _undocumented(function: FunctionType) -> CodeType:
    code = function.__code__
    return code.replace(co_consts=tuple(None if const == function.__doc__ else const for const in code.co_consts))


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for const in code.co_consts:
        if isinstance(const, CodeType):
            yield from _names(const)


def _class(made: type) -> tuple[Any, ...]:
    silent = ("__module__", "__doc__", "__dict__", "__weakref__", "__firstlineno__", "__static_attributes__")
    own = {name: value for name, value in vars(made).items() if name not in silent}
    return made.__bases__, own
