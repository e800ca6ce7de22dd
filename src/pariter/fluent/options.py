"""Options that travel with a plan: where it runs, how it is cut, and what it does when time runs out."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, TypeVar

from pariter.fluent import checks
from pariter.fluent.positional import Positional
from pariter.plan import guard

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from pariter.fluent.iter import ParIter
    from pariter.pools import Pool

T_co = TypeVar("T_co", covariant=True)


class Options(Positional[T_co]):
    """The part of `ParIter` that sets options."""

    __slots__ = ()

    def with_min_len(self, n: int) -> ParIter[T_co]:
        """Let no worker begin a run of fewer than `n` items, unless there are fewer in all.

        >>> par_iter(range(100)).with_min_len(60).fold(int, int.__add__).count()
        1
        """
        return self._with(min_len=max(1, checks.at_least(0, "with_min_len", "length", n)))

    def with_max_len(self, n: int) -> ParIter[T_co]:
        """Cut runs so that none is longer than `n` items, unless `with_min_len` forbids it.

        >>> par_iter(range(4)).with_max_len(1).fold(list, lambda run, n: [*run, n]).collect()
        [[0], [1], [2], [3]]
        """
        return self._with(max_len=max(1, checks.at_least(0, "with_max_len", "length", n)))

    def on(self, pool: Pool | Executor | str) -> ParIter[T_co]:
        """Run on `pool`, or on the engine named `"threads"`, `"processes"` or `"serial"`.

        Without it a plan runs on the pool of the enclosing `with pool:`, else on the engine that
        `PARITER_ENGINE` names, else on threads where there is no GIL and on processes where there is.

        >>> par_iter([1, 2]).on("serial").sum()
        3
        """
        from pariter import current

        return self._with(pool=current.check(pool))

    def buffered(self, n: int) -> ParIter[T_co]:
        """When the plan is iterated, run at most `n` items ahead of whoever iterates.

        >>> list(par_iter(range(5)).buffered(2))
        [0, 1, 2, 3, 4]
        """
        return self._with(buffered=checks.at_least(1, "buffered", "count", n))

    def by_uniform_blocks(self, n: int) -> ParIter[T_co]:
        """Run blocks of `n` items one after another, each in parallel.

        Bounds what is in memory at a time, and a search ends with the block in which it succeeds.

        Raises ValueError at the call if `n` is less than 1.

        >>> par_iter(range(100)).by_uniform_blocks(10).find_first(lambda n: n == 25)
        25
        """
        return self._with(blocks=checks.at_least(1, "by_uniform_blocks", "block size", n))

    def by_exponential_blocks(self) -> ParIter[T_co]:
        """Run blocks that double in size one after another, each in parallel: for searches near the front.

        >>> par_iter(range(10_000)).by_exponential_blocks().find_first(lambda n: n == 4999)
        4999
        """
        return self._with(blocks=0)

    def unordered(self) -> ParIter[T_co]:
        """Give up the order of results: iterating takes what is done first.

        >>> sorted(par_iter(range(5)).unordered())
        [0, 1, 2, 3, 4]
        """
        return self._with(ordered=False)

    def reproducible(self) -> ParIter[T_co]:
        """Fix the cuts by length alone, so that a float result has the same bits every time.

        On every engine, number of workers and run; they need not be those of the plain loop.

        >>> plan = par_iter([0.1] * 1000).reproducible()
        >>> plan.on("threads").sum() == plan.on("serial").sum()
        True
        """
        return self._with(reproducible=True)

    def on_error(self, policy: str) -> ParIter[T_co]:
        """What happens when a function raises for an item.

        `"raise"` ends the run with the first exception; `"skip"` goes on without the item; `"return"` puts the
        exception into the item's place among the results; `"group"` goes on to the end and then raises all
        exceptions as one ExceptionGroup, in source order. Holds for the functions of adapters that handle
        each item alone (and of `for_each`), not for those of `fold` or of a terminal method.

        >>> par_iter(["1", "x", "3"]).map(int).on_error("skip").collect()
        [1, 3]
        """
        if policy not in guard.POLICIES:
            raise ValueError(f"on_error() needs one of {', '.join(map(repr, guard.POLICIES))}, got {policy!r}")
        return self._with(on_error=policy)

    def timeout(self, seconds: float) -> ParIter[T_co]:
        """Raise TimeoutError if the whole run takes longer.

        Functions that look at `cancelled()` hear of it and may leave. On processes, those that are still at it
        half a second later are killed with their worker, which is replaced; on threads, serially and on executors
        the call waits for them, because a thread cannot be stopped.

        >>> par_iter(range(10)).timeout(60).sum()
        45
        """
        if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
            raise TypeError(f"timeout() needs a number of seconds, got {seconds!r}")
        if not seconds > 0:
            raise ValueError(f"timeout() needs a positive number of seconds, got {seconds!r}")
        return self._with(timeout=float(seconds))

    def progress(self, desc: str | None = None, *, total: int | None = None) -> ParIter[T_co]:
        """Show a tqdm progress bar of finished items while the plan runs.

        `total` is taken from the plan where its length is known. Needs tqdm: `pip install "pariter[progress]"`.

        >>> par_iter(["b", "a"]).progress("words").map(str.upper).collect()
        ['B', 'A']
        """
        if desc is not None and not isinstance(desc, str):
            raise TypeError(f"progress() needs a text as desc, got {desc!r}")
        if importlib.util.find_spec("tqdm") is None:
            raise ImportError('progress() needs tqdm, which is not installed: pip install "pariter[progress]"')
        return self._with(progress=(desc, total))
