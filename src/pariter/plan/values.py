"""Values with a meaning of their own: early ends, two-way choices, and the absence of a value."""

from __future__ import annotations

from typing import Any, Final, Generic, TypeVar

from pariter._record import Record

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
