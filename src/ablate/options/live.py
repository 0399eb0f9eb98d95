"""What a function or class says that has no source to be read: one that was typed into a notebook or a prompt.

Known by its compiled code, its defaults and the values that it is made of or names, and so are functions and classes of
the same module that it names. What another module holds under its name counts by that name, and the module is told. All
other objects are looked into as pickle does; where that can't be done they are refused: by its type alone an object
would be the same after a change, and one that counts as new each time would part the seeds of an arm.

Other versions of Python compile otherwise, and take the code for another one.
"""

from __future__ import annotations

import copyreg
import dis
import functools
import hashlib
import sys
import types
from collections.abc import Iterator
from operator import attrgetter
from types import CodeType, FunctionType, ModuleType
from typing import Any

PLAIN = (int, float, complex, str, bool, type(None), type(...), type(NotImplemented))
GLOBAL = ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS")
HEAP = 1 << 9  # Py_TPFLAGS_HEAPTYPE: a class that was made when its module was carried out
BUILT_IN = (
    types.MemberDescriptorType, types.GetSetDescriptorType, types.MethodDescriptorType, types.WrapperDescriptorType,
    types.ClassMethodDescriptorType,
)  # fmt: skip


class Opaque(TypeError):
    """An object can't be looked into; says its type."""


def digest(root: Any, home: str) -> tuple[str, tuple[str, ...]]:
    """The digest of an object of the module `home`, and the other modules that it names.

    Raises:
        Opaque: an object that it names can't be looked into.
    """
    modules: dict[str, None] = {}
    key = "\n".join([str(sys.version_info[:2]), *_words(root, home, modules)])
    return hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest()[:16], tuple(modules)


def _words(root: Any, home: str, modules: dict[str, None]) -> Iterator[str]:
    """home: the module whose functions and classes are looked into; all others are noted in `modules`."""
    todo = [root]
    seen: dict[int, tuple[int, Any]] = {}  # what is in here isn't freed, so that its id is no other object's
    while todo:
        item = todo.pop()
        kind = type(item)
        if isinstance(item, PLAIN):
            yield f"{kind.__name__} {item!r}"
            continue
        if id(item) in seen:
            yield f"again {seen[id(item)][0]}"
            continue
        if not isinstance(item, tuple | frozenset):  # equal ones are one object or two, as the compiler likes
            seen[id(item)] = len(seen), item
        if isinstance(item, bytes | bytearray):
            yield f"{kind.__name__} {hashlib.sha256(item).hexdigest()}"
        elif kind in (list, tuple):
            yield f"{kind.__name__} {len(item)}"
            todo += reversed(item)
        elif kind in (set, frozenset, dict, types.MappingProxyType):
            yield f"{kind.__name__} {len(item)}"
            pairs = [(each, None) for each in item] if isinstance(item, set | frozenset) else item.items()
            todo += sorted(pairs, key=lambda pair: repr(pair[0]))  # sets have another order in every process
        elif isinstance(item, CodeType):
            yield f"code {item.co_code.hex()} {item.co_names} {item.co_varnames} {item.co_freevars}"
            modules |= dict.fromkeys(_argued(item, "IMPORT_NAME"))
            todo += reversed(item.co_consts)
        elif isinstance(item, ModuleType):
            modules[item.__name__] = None
            yield item.__name__
        elif isinstance(item, FunctionType | type):
            module = item.__module__ if isinstance(item, type) else item.__globals__.get("__name__", home)
            yield f"{module}.{item.__qualname__}"
            if module != home:
                modules[module] = None
            if module == home or not _is_held(item, module):
                todo.append(_function(item, module == home) if isinstance(item, FunctionType) else _class(item))
        else:
            yield kind.__name__
            todo.append(_parts(item, modules))


def _is_held(item: Any, module: str) -> bool:
    """Whether the module has it under its own name, or it is built in: what it is follows from its source."""
    if isinstance(item, type) and not item.__flags__ & HEAP:
        return True
    try:
        return attrgetter(item.__qualname__)(sys.modules[module]) is item
    except (AttributeError, KeyError):
        return False


def _parts(item: Any, modules: dict[str, None]) -> Any:
    """What any other object is made of.

    Raises:
        Opaque: it doesn't tell.
    """
    if hasattr(item, "__wrapped__") and callable(item):  # functools.lru_cache
        return item.__wrapped__
    if isinstance(item, staticmethod | classmethod):
        return item.__func__
    if isinstance(item, property):
        return item.fget, item.fset, item.fdel
    if isinstance(item, functools.cached_property):
        return item.func
    if isinstance(item, BUILT_IN):
        return item.__objclass__.__qualname__, item.__name__
    if isinstance(item, types.BuiltinFunctionType):
        bound = item.__self__
        return item.__module__, item.__qualname__, None if isinstance(bound, ModuleType | type) else bound
    modules[type(item).__module__] = None
    try:
        if (torch := sys.modules.get("torch")) and isinstance(item, torch.Tensor):
            values = item.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
            return type(item), str(item.dtype), tuple(item.shape), item.requires_grad, values
        reduce = copyreg.dispatch_table.get(type(item))
        made = reduce(item) if reduce else item.__reduce_ex__(4)
        return (
            made if isinstance(made, str) else [list(part) if i > 2 and part else part for i, part in enumerate(made)]
        )
    except Exception as error:  # whatever an object may raise that isn't meant to be pickled
        raise Opaque(f"{type(item).__module__}.{type(item).__qualname__}") from error


def _function(function: FunctionType, is_home: bool) -> tuple[Any, ...]:
    """is_home: or else it was made by a function of another module, whose source says what it names there."""
    cells = []
    for cell in function.__closure__ or ():
        try:
            cells.append(cell.cell_contents)
        except ValueError:  # not filled yet
            continue
    wanted = dict.fromkeys(_names(function.__code__)) if is_home else ()
    named = {name: function.__globals__[name] for name in wanted if name in function.__globals__}
    return _undocumented(function), function.__defaults__, function.__kwdefaults__, cells, vars(function), named


def _undocumented(function: FunctionType) -> CodeType:
    code = function.__code__
    return code.replace(co_consts=tuple(None if const == function.__doc__ else const for const in code.co_consts))


def _names(code: CodeType) -> Iterator[str]:
    yield from _argued(code, *GLOBAL)
    for const in code.co_consts:
        if isinstance(const, CodeType):
            yield from _names(const)


def _argued(code: CodeType, *operations: str) -> list[str]:
    return [each.argval for each in dis.get_instructions(code) if each.opname in operations]


def _class(made: type) -> tuple[Any, ...]:
    silent = (
        "__module__",
        "__doc__",
        "__dict__",
        "__weakref__",
        "__firstlineno__",
        "__static_attributes__",
        "_abc_impl",
    )
    own = {name: value for name, value in vars(made).items() if name not in silent}
    return made.__bases__, own
