"""Arguments are checked when the method is called, at the line the user wrote."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import Any, TypeVar

from pariter._describe import describe_callable, describe_value

F = TypeVar("F")


def function(method: str, fn: F, name: str = "") -> F:
    """`fn` if it can be called."""
    if not callable(fn):
        role = f" as {name}" if name else ""
        raise TypeError(f"{method}() needs a callable{role}, got {describe_value(fn)}")
    return fn


def optional_function(method: str, fn: F, name: str = "") -> F:
    """`fn` if it can be called or is None."""
    return fn if fn is None else function(method, fn, name)


def maker(method: str, make: F, then: str) -> F:
    """`make` if it can be called; the mistake everybody makes once is to give the value itself."""
    if callable(make):
        return make
    hint = "a callable that makes the first accumulator"
    shown = describe_value(make)
    if type(make) in (int, float, str, list, dict, set, tuple, bool) and not make:
        hint = f"write {method}({type(make).__name__}, {then}) or {method}(lambda: {shown}, {then})"
    elif then:
        hint = f"write {method}(lambda: {shown}, {then})"
    raise TypeError(f"{method}() needs a callable that makes its start value, got {shown}; {hint}")


def at_least(least: int, method: str, name: str, value: Any) -> int:
    """`value` as an integer not below `least`."""
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{method}() needs an integer {name}, got {describe_value(value)}") from None
    if number < least:
        raise ValueError(f"{method}() needs a {name} of at least {least}, got {number}")
    return number


def integer(method: str, name: str, value: Any) -> int:
    """`value` as an integer."""
    try:
        return operator.index(value)
    except TypeError:
        raise TypeError(f"{method}() needs an integer {name}, got {describe_value(value)}") from None


def places(method: str, out: Any) -> None:
    """TypeError or ValueError if nothing can be assigned to all elements of `out` at once."""
    fits = hasattr(out, "__setitem__") and hasattr(out, "__len__")
    if not fits or isinstance(out, (Mapping, memoryview)):
        raise TypeError(f"{method}() needs a list, an array or an ndarray, got {describe_value(out)}")
    if not getattr(getattr(out, "flags", None), "writeable", True):
        raise ValueError(f"{method}() needs an array that can be written to, and this one is read-only")


def ends(method: str, endless: bool) -> None:
    """ValueError if the plan is known never to end."""
    if endless:
        raise ValueError(
            f"{method}() would never end: the source is infinite; put take(n) or take_while(keep) before it"
        )


def fn_name(fn: object) -> str:
    """How the message calls a function."""
    return describe_callable(fn) if callable(fn) else "op"
