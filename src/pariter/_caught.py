"""An exception kept as a value, which survives a journey to another process whole.

`pickle` rebuilds an exception by calling its class with `args`, which fails or lies for every class
with an `__init__` of its own. Here the object is made by `__new__`, the fields that C classes hold
are set by the nearest built-in class's `__init__`, and the attributes are put back one by one. What
cannot be pickled on the way is replaced by its `repr`. The traceback travels as text and comes back
as the exception's cause, as `concurrent.futures` does it.
"""

from __future__ import annotations

import builtins
import pickle
import traceback
from typing import Any

from pariter._describe import describe_value
from pariter._pickle import dumps_plainly
from pariter.errors import RemoteTraceback

_C_FIELDS = ("name", "path", "name_from", "obj", "filename", "filename2")  # keyword-only, so not in `args`


class Caught:
    """An exception as a value: equal only to itself, raised again by `reraise`."""

    __slots__ = ("error",)

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def __repr__(self) -> str:
        return f"Caught({describe_value(self.error)})"

    def __reduce__(self) -> tuple[Any, ...]:
        error = self.error
        state = {key: sendable(value) for key, value in getattr(error, "__dict__", {}).items()}
        fields = {
            key: sendable(value)
            for key in _C_FIELDS
            if key not in state and (value := getattr(error, key, None)) is not None
        }
        arguments = tuple(map(sendable, error.args))
        if isinstance(error, BaseExceptionGroup):
            arguments = (sendable(error.message), dumps_plainly(tuple(map(Caught, error.exceptions))))
        text = "".join(traceback.format_exception(error)).rstrip()
        return _rebuild, (sendable(type(error)), arguments, state, fields, text)


def sendable(value: object) -> bytes:
    """`value` pickled on its own, or else its short `repr`, so that one bad part spoils nothing."""
    try:
        packed = dumps_plainly(value)
        pickle.loads(packed)
    except Exception:
        return pickle.dumps(describe_value(value))
    return packed


def _rebuild(
    packed_class: bytes,
    packed_args: tuple[bytes, ...],
    packed_state: dict[str, bytes],
    packed_fields: dict[str, bytes],
    text: str,
) -> Caught:
    cls: Any = pickle.loads(packed_class)
    args = tuple(map(pickle.loads, packed_args))
    if isinstance(cls, type) and issubclass(cls, BaseExceptionGroup):
        message, members = args
        error: Any = cls.__new__(cls, message, [caught.error for caught in members])
    elif isinstance(cls, type) and issubclass(cls, BaseException):
        error = cls.__new__(cls, *args)
        _initialise(error, args)
    else:  # the class itself could not travel: its name did
        error = RuntimeError(f"{cls}: {', '.join(map(str, args))}")
    for key, packed in (packed_state | packed_fields).items():
        try:
            setattr(error, key, pickle.loads(packed))
        except Exception:  # a read-only property of the user's class: the rest still arrives
            continue
    error.__cause__ = RemoteTraceback(text)
    return Caught(error)


def _initialise(error: BaseException, args: tuple[Any, ...]) -> None:
    """Set what built-in exception classes keep outside `args`, calling no user's `__init__`."""
    for base in type(error).__mro__:
        if getattr(builtins, base.__name__, None) is base:
            try:
                base.__init__(error, *args)
            except Exception:
                error.args = args
            return
