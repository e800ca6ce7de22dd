"""Parallel iterators: replace a slow loop by a plan, and get the same answer on every core.

    >>> from pariter import par_iter
    >>> par_iter(range(1, 5)).map(lambda n: n * n).filter(lambda n: n % 2 == 0).sum()
    20

A plan is lazy and immutable. A terminal method runs it: on work-stealing threads where the interpreter has
no GIL, on worker processes where it has one, in the calling thread while that is cheaper.
"""

from pariter.calls import (
    broadcast,
    cancelled,
    current_num_threads,
    current_pool,
    current_thread_index,
    join,
    scope,
    spawn,
    yield_now,
)
from pariter.clusters import DaskPool, RayPool
from pariter.current import build_global
from pariter.errors import (
    CannotSend,
    ConsumedError,
    GlobalPoolAlreadyInitialized,
    PoolClosed,
    RemoteTraceback,
    WorkerDied,
)
from pariter.fluent.iter import ParIter, par_iter
from pariter.fluent.sorting import par_sort, par_sorted
from pariter.fluent.sources import (
    empty,
    once,
    par_chunk_by,
    par_chunks,
    par_lines,
    par_rchunks,
    par_split,
    par_windows,
    par_zip,
    repeat,
    split,
    walk_tree,
)
from pariter.plan.values import Break, Left, Right, shared
from pariter.pools import Pool, ProcessPool, SerialPool, ThreadPool

__version__ = "0.1.0"

__all__ = [
    "Break",
    "CannotSend",
    "ConsumedError",
    "DaskPool",
    "GlobalPoolAlreadyInitialized",
    "Left",
    "ParIter",
    "Pool",
    "PoolClosed",
    "ProcessPool",
    "RayPool",
    "RemoteTraceback",
    "Right",
    "SerialPool",
    "ThreadPool",
    "WorkerDied",
    "broadcast",
    "build_global",
    "cancelled",
    "current_num_threads",
    "current_pool",
    "current_thread_index",
    "empty",
    "join",
    "once",
    "par_chunk_by",
    "par_chunks",
    "par_iter",
    "par_lines",
    "par_rchunks",
    "par_sort",
    "par_sorted",
    "par_split",
    "par_windows",
    "par_zip",
    "repeat",
    "scope",
    "shared",
    "spawn",
    "split",
    "walk_tree",
    "yield_now",
]
