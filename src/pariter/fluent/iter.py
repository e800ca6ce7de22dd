"""`ParIter`, the one class users meet, and `par_iter`, which makes it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol, TypeVar, overload

from pariter.fluent.adapters import plan_of
from pariter.fluent.asynchronous import Asynchronous

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class ParIter(Asynchronous[T_co]):
    """A lazy plan: a source, what happens to its items, and how they are run.

    Immutable; every method but the terminal ones returns a new plan, and nothing runs before a
    terminal method is called. It can be run any number of times, except over an iterator, which the
    first run consumes.

    >>> plan = par_iter(range(10)).filter(lambda n: n % 3 == 0)
    >>> plan.sum(), plan.collect()
    (18, [0, 3, 6, 9])
    """

    __slots__ = ("__weakref__",)

    def __repr__(self) -> str:
        return repr(self._plan)


class ParSource(Protocol[T_co]):
    """A class of the user's that says itself what its items are."""

    def __par_source__(self) -> Iterable[T_co]:
        """Anything that `par_iter` takes."""
        ...


@overload
def par_iter(source: ParIter[T]) -> ParIter[T]: ...
@overload
def par_iter(source: ParSource[T]) -> ParIter[T]: ...
@overload
def par_iter(source: Iterable[T]) -> ParIter[T]: ...
@overload
def par_iter(source: Any) -> ParIter[Any]: ...
def par_iter(source: Any) -> ParIter[Any]:
    """A plan over the items of `source`; building it reads none of them.

    Takes what a `for` loop takes, and gives the same items in the same order: sequences, ranges of any
    size, strings and bytes, arrays (NumPy arrays by rows along axis 0), sets and dicts and their views
    (copied when the plan runs), any object with `__len__` and `__getitem__`, iterators and generators
    (pulled in batches, in order, as far ahead as the window allows), other plans, and objects with a method
    `__par_source__`, which is called here and returns any of these.

    Raises TypeError if `source` cannot be iterated.

    >>> par_iter(range(1, 4)).map(lambda n: n * n).sum()
    14
    """
    return ParIter(plan_of(source))
