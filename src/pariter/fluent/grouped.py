"""Terminal methods that sort, group, count, compare, or stop at a `Break`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, TypeVar

from pariter import current
from pariter.engines import driver
from pariter.fluent import checks
from pariter.fluent.adapters import plan_of
from pariter.fluent.terminals import Terminals
from pariter.plan import collecting, grouping, searching, sinks
from pariter.plan.pipeline import Plan
from pariter.plan.values import Break

T_co = TypeVar("T_co", covariant=True)
A = TypeVar("A")
K = TypeVar("K")


class Grouped(Terminals[T_co]):
    """The rest of the half of `ParIter` that runs."""

    __slots__ = ()

    # Order.

    def sorted(self, *, key: Callable[[T_co], Any] | None = None, reverse: bool = False) -> list[T_co]:
        """All items in a sorted list, as the builtin `sorted`: stable, `key` called once an item.

        >>> par_iter([3, 1, 2]).map(lambda n: -n).sorted()
        [-3, -2, -1]
        """
        self._ends("sorted")
        key = checks.optional_function("sorted", key, "key")
        items: list[T_co] = self._run(collecting.Collect())
        from pariter.sorting import sort_items

        return sort_items(items, key, bool(reverse), lambda: current.engine_for(self._plan))

    def nlargest(self, n: int, key: Callable[[T_co], Any] | None = None) -> list[T_co]:
        """The `n` greatest items, greatest first, as `heapq.nlargest`; `key` is called once an item.

        >>> par_iter([3, 1, 2]).nlargest(2)
        [3, 2]
        """
        key = checks.optional_function("nlargest", key, "key")
        n = checks.integer("nlargest", "count", n)
        return self._run(grouping.NLargest(n, key)) if n > 0 else []

    def nsmallest(self, n: int, key: Callable[[T_co], Any] | None = None) -> list[T_co]:
        """The `n` least items, least first, as `heapq.nsmallest`; `key` is called once an item.

        >>> par_iter(["ccc", "a", "bb"]).nsmallest(2, key=len)
        ['a', 'bb']
        """
        key = checks.optional_function("nsmallest", key, "key")
        n = checks.integer("nsmallest", "count", n)
        return self._run(grouping.NSmallest(n, key)) if n > 0 else []

    # Groups.

    def group_by(self, key: Callable[[T_co], K]) -> dict[K, list[T_co]]:
        """All items in lists by `key(item)`, in order; the keys in the order in which they first come up.

        >>> par_iter(range(5)).group_by(lambda n: n % 2)
        {0: [0, 2, 4], 1: [1, 3]}
        """
        return self._run(grouping.GroupBy(checks.function("group_by", key)))  # type: ignore[no-any-return]

    def count_by(self, key: Callable[[T_co], K] | None = None) -> Counter[Any]:
        """How often each `key(item)`, or each item, comes up.

        >>> par_iter("banana").count_by()
        Counter({'a': 3, 'n': 2, 'b': 1})
        """
        return self._run(grouping.CountBy(checks.optional_function("count_by", key)))  # type: ignore[no-any-return]

    def fold_by_key(
        self,
        key: Callable[[T_co], K],
        make: Callable[[], A],
        op: Callable[[A, T_co], A],
        merge: Callable[[A, A], A],
    ) -> dict[K, A]:
        """One accumulator for each `key(item)`: `op(accumulator, item)`, beginning with `make()`.

        Accumulators of neighbouring runs are combined by `merge(left, right)`. Keys are in the order in
        which they first come up.

        >>> sales = [("tea", 3), ("milk", 1), ("tea", 4)]
        >>> par_iter(sales).fold_by_key(lambda s: s[0], int, lambda sum, s: sum + s[1], int.__add__)
        {'tea': 7, 'milk': 1}
        """
        key = checks.function("fold_by_key", key, "key")
        make = checks.maker("fold_by_key", make, checks.fn_name(op))
        op = checks.function("fold_by_key", op, "op")
        sink = grouping.FoldByKey(key, make, op, checks.function("fold_by_key", merge, "merge"))
        return self._run(sink)  # type: ignore[no-any-return]

    # Comparisons.

    def cmp(self, other: Iterable[Any]) -> int:
        """-1, 0 or 1, as the lists of both plans compare; nothing right of the first difference is needed.

        >>> par_iter([1, 2]).cmp([1, 3])
        -1
        """
        return int(self._compare(plan_of(other, "cmp"), searching.Compare()))

    def equals(self, other: Iterable[Any]) -> bool:
        """Whether both plans give equal items. If both lengths are known and differ, nothing runs.

        >>> par_iter([1, 2]).map(str).equals(["1", "2"])
        True
        """
        plan = plan_of(other, "equals")
        lengths = self._plan.length(), plan.length()
        if None not in lengths and lengths[0] != lengths[1]:
            return False
        return bool(self._compare(plan, searching.Equal()))

    def _compare(self, other: Plan, sink: searching.Compare | searching.Equal) -> Any:
        run = partial(driver.compare, self._plan, other, sink)
        return self._reported(run, current.engine_for(self._plan))

    # Early ends.

    def try_for_each(self, f: Callable[[T_co], object]) -> Break[Any] | None:
        """Call `f` on every item until one call returns `Break(value)`; returns that, else None.

        Of several, the one of the leftmost item. As for `for_each`, the default engine is `threads`.

        >>> par_iter([1, 0, 2]).try_for_each(lambda n: None if n else Break("zero"))
        Break(value='zero')
        """
        sink = sinks.TryForEach(checks.function("try_for_each", f))
        found: Break[Any] | None = self._drive(self._plan, sink, effect=True)
        return found

    def try_reduce(self, make: Callable[[], A], op: Callable[[A, A], A | Break[Any]]) -> A | Break[Any]:
        """As `reduce`, until an item is a `Break` or `op` returns one; returns that, the leftmost.

        >>> par_iter([5, 6]).try_reduce(int, lambda a, b: a + b if a + b < 10 else Break(a + b))
        Break(value=11)
        """
        make = checks.maker("try_reduce", make, checks.fn_name(op))
        sink = sinks.TryReduce(make, checks.function("try_reduce", op, "op"))
        return self._run(sink, ends=False)  # type: ignore[no-any-return]
