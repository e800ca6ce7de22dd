"""Sorting as the builtin `sorted` does it, with dear keys computed in parallel and, without a GIL, long runs too.

Runs are sorted by the C sort and merged by it: it finds the runs in their concatenation and merges them
(Tim Peters, `listsort.txt` in CPython). That is done for values whose order leaves only one stable result;
for others, such as floats that are not numbers, the result is the serial sort's because it makes it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from functools import lru_cache, partial
from itertools import chain, islice
from types import CodeType, FunctionType
from typing import Any, ClassVar

from pariter import choice
from pariter.engines import driver
from pariter.engines.base import Engine, enclosing, this_thread
from pariter.plan.blame import annotate_key
from pariter.plan.collecting import Collect
from pariter.plan.origins import Sliceable
from pariter.plan.pipeline import Options, Plan
from pariter.plan.stages import Map

WORTH_SHARING_S = 0.003
"""Keys that take no longer in all are computed by the caller alone."""
WORTH_SENDING_S = 1e-6
"""A key that takes no longer is not sent to another process."""
SHORTEST_RUN = 100_000
_SAMPLE = 64
_TOTAL_ORDERS: tuple[set[type], ...] = ({int}, {bool, int}, {str}, {bytes}, {float})


class SortKey(Map):
    """`key(item)`."""

    name: ClassVar[str] = "sorted"


def sort_items(
    source: Iterable[Any], key: Callable[[Any], Any] | None, reverse: bool, choose: Callable[[], Engine]
) -> list[Any]:
    """A sorted list of the items of `source`; `key` is called once for each, by the engine that `choose` gives."""
    if key is None:
        if choice.has_gil() or not isinstance(source, list) or len(source) < 2 * SHORTEST_RUN:
            return sorted(source, reverse=reverse)
        return _sorted_runs(source, reverse, choose())
    items = source if isinstance(source, list) else list(source)
    known: list[Any] = []
    try:
        if not isolates() and _is_cheap(key):
            return sorted(items, key=key, reverse=reverse)
        engine = _engine_that_pays(key, items, known, choose)
        if engine is None:
            # `next(keys, item)`: the keys we know, and then those that the sort asks for, in its own order.
            keys = chain(known, map(key, islice(items, len(known), None)))
            return sorted(items, key=partial(next, keys), reverse=reverse)
    except BaseException as error:
        annotate_key(error, SortKey(key), items, this_thread())
        raise
    plan = Plan(Sliceable(items[len(known) :] if known else items), (SortKey(key),))
    found = known + driver.run(plan, Collect(), engine)
    order = sorted(range(len(items)), key=found.__getitem__, reverse=reverse)
    return list(map(items.__getitem__, order))


def _is_cheap(key: Callable[[Any], Any]) -> bool:
    """Whether a key takes no longer than asking how long it takes: it is C, or Python without calls and loops."""
    return _has_no_loops(key.__code__) if isinstance(key, FunctionType) else not isinstance(key, partial)


@lru_cache(maxsize=256)
def _has_no_loops(code: CodeType) -> bool:
    import dis

    return not any(
        instruction.opname.startswith(("CALL", "FOR_ITER", "JUMP_BACKWARD", "GET_ITER"))
        for instruction in dis.get_instructions(code)
    )


def isolates() -> bool:
    """Whether a pool that keeps functions out of the caller may enclose it."""
    return enclosing.get() is not None


def _engine_that_pays(
    key: Callable[[Any], Any], items: list[Any], known: list[Any], choose: Callable[[], Engine]
) -> Engine | None:
    """The engine for the keys, None if they are cheap; those computed to find out are put into `known`."""
    engine = choose() if isolates() else None
    if engine is not None and engine.isolates:
        return engine
    key_s = 0.0
    for item in islice(items, 2):  # the first call of a function says little
        began = time.perf_counter()
        known.append(key(item))
        key_s = time.perf_counter() - began
    if key_s * (len(items) - len(known)) < WORTH_SHARING_S:
        return None
    engine = engine or choose()
    if engine.name == "serial" or (engine.name == "threads" and choice.has_gil()):
        return None
    return None if engine.name != "threads" and key_s < WORTH_SENDING_S else engine


def _sorted_runs(items: list[Any], reverse: bool, engine: Engine) -> list[Any]:
    """`sorted(items)`, from runs that were sorted side by side."""
    many = min(engine.num_workers, len(items) // SHORTEST_RUN)
    if many < 2 or engine.name != "threads" or not _is_shuffled(items):
        return sorted(items, reverse=reverse)
    size = -(-len(items) // many)
    bounds = [(low, low + size) for low in range(0, len(items), size)]
    plan = Plan(Sliceable(bounds), (Map(partial(_sorted_run, items, reverse)),), Options(max_len=1))
    runs: list[list[Any] | None] = driver.run(plan, Collect(), engine)
    if None in runs or len({type(run[0]) for run in runs if run}) > 1:
        return sorted(items, reverse=reverse)
    result = [item for run in runs if run for item in run]
    result.sort(reverse=reverse)
    return result


def _sorted_run(items: list[Any], reverse: bool, bounds: tuple[int, int]) -> list[Any] | None:
    """The part of `items` within `bounds`, sorted; None if their order may leave several results."""
    run = items[slice(*bounds)]
    kinds = set(map(type, run))
    if kinds not in _TOTAL_ORDERS or (kinds == {float} and any(map(math.isnan, run))):
        return None
    run.sort(reverse=reverse)
    return run


def _is_shuffled(items: list[Any]) -> bool:
    """Whether a sample shows no order that the serial sort would make use of."""
    step = len(items) // _SAMPLE
    pairs = [(items[at], items[at + 1]) for at in range(0, step * (_SAMPLE - 1), step)]
    if {type(item) for pair in pairs for item in pair} not in _TOTAL_ORDERS:
        return False
    rising = sum(1 for left, right in pairs if left < right)
    return _SAMPLE // 4 < rising < _SAMPLE * 3 // 4
