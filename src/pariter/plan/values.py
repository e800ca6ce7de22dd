"""Values with a meaning of their own: early ends, two-way choices, and the absence of a value."""

from __future__ import annotations

from typing import Any, Final, Generic, TypeVar

from pariter._describe import describe_value
from pariter._record import Record

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Missing:
    """The one value that stands for no value, in this process and after any journey."""

    def __repr__(self) -> str:
        return "MISSING"

    def __reduce__(self) -> str:
        return "MISSING"


MISSING: Final = Missing()


class Break(Record, Generic[T_co]):
    """Returned by a function to stop a `try_*` method, which then returns it.

    >>> par_iter([3, 0, 5]).try_for_each(lambda n: Break("zero") if n == 0 else None)
    Break(value='zero')
    """

    value: T_co


class Shared(Generic[T_co]):
    """What `shared` returns; `value` is the object, or a worker process's copy of it."""

    __slots__ = ("__weakref__", "_value")

    def __init__(self, value: T_co) -> None:
        self._value = value

    @property
    def value(self) -> T_co:
        """The object."""
        return self._value

    def __repr__(self) -> str:
        return f"shared({describe_value(self._value)})"

    def __reduce__(self) -> tuple[Any, ...]:
        return Shared, (self._value,)


def shared(obj: T) -> Shared[T]:
    """A handle on `obj` that any function may capture: `handle.value` is the object.

    On threads and serially that is `obj` itself. On a `ProcessPool` it is a copy: pickled once in a run, however
    many functions of the plan captured the handle, and unpickled once in each worker process. What a function
    changes in the copy is lost. On clusters it is scattered once in a run, where it is large, and unpickled with
    each piece; on other executors it travels with each piece, as captured values do.

    >>> words = shared({"one": 1, "two": 2})
    >>> par_iter(["two", "one"]).map(lambda word: words.value[word]).collect()
    [2, 1]
    """
    return Shared(obj)


class Left(Record, Generic[T_co]):
    """What `partition_map` puts into its first list.

    >>> Left(1).value
    1
    """

    value: T_co


class Right(Record, Generic[T_co]):
    """What `partition_map` puts into its second list.

    >>> Right(1).value
    1
    """

    value: T_co


Either = Left[Any] | Right[Any]
