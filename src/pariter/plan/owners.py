"""Who can reach a cell: which functions and frames hold it, and the function it is a variable of."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from inspect import unwrap
from types import CellType, CodeType, FrameType, FunctionType
from typing import Any, NamedTuple

from pariter.plan import usage

_NOTHING = object()


class Owner(NamedTuple):
    """The code of the function that a cell is a variable of."""

    code: CodeType
    waits: bool
    """Whether the call of it that made the cell is among the callers of this thread."""


def cells(fn: FunctionType) -> Iterator[tuple[str, CellType]]:
    """The variables of enclosing functions that `fn` uses, by name."""
    return zip(fn.__code__.co_freevars, fn.__closure__ or (), strict=True)


def is_empty(cell: CellType) -> bool:
    """Whether the variable is not bound yet, or no more."""
    try:
        cell.cell_contents  # noqa: B018
    except ValueError:
        return True
    return False


def _references(held: tuple[Any, ...], at: int) -> int:
    return sys.getrefcount(held[at])


def _references_to_content(cell: CellType) -> int:
    return sys.getrefcount(cell.cell_contents)


def _references_to_closure(fn: FunctionType) -> int:
    return sys.getrefcount(fn.__closure__)


def _a_closure(variable: object = None) -> FunctionType:
    return lambda: variable  # type: ignore[return-value]


# What these count for an object that nothing else refers to; interpreters differ.
_ONE_TUPLE = _references((object(),), 0)
_ONE_CELL = _references_to_content(CellType(object()))
_ONE_FUNCTION = _references_to_closure(_a_closure())


def is_alone(cell: CellType) -> bool:
    """Whether nothing but `cell` refers to what it holds."""
    return _references_to_content(cell) == _ONE_CELL


def is_held_by_these_only(cell: CellType, functions: list[FunctionType]) -> bool:
    """Whether nothing but the closures of these functions refers to `cell`: no frame and no other function."""
    if any(_references_to_closure(fn) != _ONE_FUNCTION for fn in functions):
        return False
    closure = functions[0].__closure__ or ()
    at = next(at for at, other in enumerate(closure) if other is cell)
    return _references(closure, at) == _ONE_TUPLE + len(functions) - 1


def owner_of(cell: CellType, name: str, fn: FunctionType, frame: FrameType | None) -> Owner | None:
    """The owner of `cell`, the variable `name` of `fn`; None if it cannot be found.

    A frame from `frame` outwards owns it if its code does and its variable holds the same object. That it might be
    another call of the same code, which got the same object, only means that somebody binds the variable anew
    during the plan: then either value may be seen.
    """
    code, value = fn.__code__, cell.cell_contents
    while frame is not None:
        owner = frame.f_code
        if usage.captures_from(owner, code, name) and frame.f_locals.get(name, _NOTHING) is value:
            return Owner(owner, True)
        frame = frame.f_back
    owners = (outer for outer in _around(fn) if usage.captures_from(outer, code, name))
    return next((Owner(outer, False) for outer in owners), None)


def _around(fn: FunctionType) -> Iterator[CodeType]:
    """All code of the outermost function that `fn` was made in, if its name still means that one."""
    first, *path = fn.__code__.co_qualname.partition(".<locals>")[0].split(".")
    found: Any = fn.__globals__.get(first)
    for part in path:
        found = vars(found).get(part) if isinstance(found, type) else None
    found = getattr(found, "__func__", found)  # of a static or class method
    with contextlib.suppress(ValueError):  # a function that wraps itself
        found = unwrap(found) if isinstance(found, FunctionType) else found
    if isinstance(found, FunctionType):
        yield from usage.code_in(found.__code__)
