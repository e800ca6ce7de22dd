"""Name any callable or value in at most 60 characters, never failing."""

from __future__ import annotations

import functools
import os
import reprlib
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any

LONGEST = 60

_short = reprlib.Repr()
_short.maxstring = _short.maxother = LONGEST
_short.maxlist = _short.maxtuple = _short.maxset = _short.maxdict = 4


def shorten(text: str) -> str:
    """Cut `text` in the middle so that it fits into `LONGEST` characters."""
    if len(text) <= LONGEST:
        return text
    half = (LONGEST - 3) // 2
    return f"{text[:half]}...{text[-half:]}"


def describe_value(value: object) -> str:
    """A short `repr` of any value; a `repr` that raises is replaced by the class's name."""
    try:
        return shorten(_short.repr(value))
    except Exception:
        return f"<{type(value).__name__} object>"


def describe_callable(fn: object) -> str:
    """The name a reader would call `fn` by: `parse`, `Tree.walk`, `partial(mul, 3)`, `<lambda>`."""
    try:
        return shorten(_name(fn))
    except Exception:
        return f"<{type(fn).__name__} object>"


def where_defined(fn: object) -> str:
    """The callable's name and, for a Python function, its file and line: `<lambda> (app.py:12)`."""
    name = describe_callable(fn)
    code = getattr(_unwrap(fn), "__code__", None)
    if code is None:
        return name
    return f"{name} ({os.path.basename(code.co_filename)}:{code.co_firstlineno})"


def _unwrap(fn: object) -> object:
    while isinstance(fn, functools.partial):
        fn = fn.func
    return fn.__func__ if isinstance(fn, MethodType) else fn


def _name(fn: Any) -> str:
    if isinstance(fn, functools.partial):
        inner = [_name(fn.func), *map(describe_value, fn.args)]
        inner += [f"{key}={describe_value(value)}" for key, value in fn.keywords.items()]
        return f"partial({', '.join(inner)})"
    if isinstance(fn, FunctionType):
        return fn.__qualname__.rpartition("<locals>.")[2]
    if isinstance(fn, (MethodType, BuiltinFunctionType, type)) or hasattr(fn, "__qualname__"):
        return str(fn.__qualname__).rpartition("<locals>.")[2]
    return _short.repr(fn)
