"""Which pool is current, which is global, and which of them runs a plan."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any

from pariter import choice
from pariter._describe import describe_value
from pariter.engines import worker_process
from pariter.engines.base import Engine, enclosing
from pariter.engines.executors import ExecutorEngine, waits_for_us
from pariter.engines.serial import SerialEngine
from pariter.errors import GlobalPoolAlreadyInitialized
from pariter.plan.origins import Sliceable
from pariter.plan.pipeline import Plan
from pariter.pools import Pool, ProcessPool, SerialPool, ThreadPool, owner_of
from pariter.sched.pool import WorkerPool
from pariter.sched.worker import current_worker

# The global pools.

_lock = threading.Lock()
_global: dict[str, Pool] = {}
_built: Pool | None = None


def build_global(pool: Pool) -> None:
    """Make `pool` the global one, which is used where no other is current.

    Raises GlobalPoolAlreadyInitialized if there is one: after an earlier call, or after its first use.

    >>> join(lambda: 1, lambda: 2)
    (1, 2)
    >>> build_global(ThreadPool(2))
    Traceback (most recent call last):
    pariter.errors.GlobalPoolAlreadyInitialized: The global pool has already been initialized.
    """
    global _built
    if not isinstance(pool, Pool):
        raise TypeError(f"build_global() needs a pool, got {describe_value(pool)}")
    with _lock:
        if _global:
            raise GlobalPoolAlreadyInitialized("The global pool has already been initialized.")
        _built = pool
        _global[_kind(pool)] = pool


def _kind(pool: Pool) -> str:
    kinds = {ThreadPool: "threads", ProcessPool: "processes", SerialPool: "serial"}
    return next((name for kind, name in kinds.items() if isinstance(pool, kind)), "other")


def global_pool(kind: str) -> Pool:
    """The global pool of one kind, made now if need be."""
    pool = _global.get(kind)
    if pool is None:
        with _lock:
            pool = _global.get(kind)
            if pool is None:
                makers: dict[str, Callable[[], Pool]] = {
                    "threads": ThreadPool,
                    "processes": ProcessPool,
                    "serial": SerialPool,
                }
                pool = _global[kind] = makers[kind]()
    return pool


def _after_fork_in_child() -> None:
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)


# Which pool.


def check(pool: Any) -> Any:
    """`pool` if a plan can be given to it: a pool, an executor, or the name of an engine."""
    if isinstance(pool, str):
        if pool not in choice.ENGINES:
            raise ValueError(f"on() needs one of {', '.join(map(repr, choice.ENGINES))}, got {pool!r}")
        return pool
    if isinstance(pool, (Pool, Executor)):
        return pool
    raise TypeError(f"on() needs a pool, an executor or the name of an engine, got {describe_value(pool)}")


def enclosing_pool() -> Pool | None:
    """The pool the caller is running in or under, None if there is none."""
    pool = enclosing.get()
    if pool == "serial":
        return global_pool("serial")
    if pool is None and (worker := current_worker()) is not None:
        pool = owner_of(worker.pool)
    return pool  # type: ignore[no-any-return]


def current_thread_pool() -> ThreadPool:
    """The current pool if it is a thread pool, else the global thread pool."""
    pool = enclosing_pool() or _built
    if isinstance(pool, ThreadPool):
        return pool
    pool = global_pool("threads")
    assert isinstance(pool, ThreadPool)
    return pool


def _choose(plan: Plan, effect: bool) -> tuple[Pool | Executor, bool, str]:
    """The pool for a plan, whether it must run there, and why."""
    wanted = plan.options.pool
    if isinstance(wanted, Executor) and not isinstance(wanted, Pool):
        return wanted, True, f"because of .on({wanted!r})"
    if isinstance(wanted, Pool):
        return wanted, True, f"because of .on({wanted!r})"
    if worker_process.is_worker_here():
        return global_pool("serial"), True, "because this is a worker process"
    if wanted == "threads":
        return current_thread_pool(), True, "because of .on('threads')"
    around = enclosing_pool()
    if wanted is not None:
        if isinstance(around, ProcessPool) and wanted == "processes":
            return around, True, f"because of .on('processes') in {around!r}"
        return global_pool(wanted), True, f"because of .on({wanted!r})"
    if around is not None:
        return around, True, f"because {around!r} is the current pool"
    if _built is not None and not (isinstance(_built, ProcessPool) and choice.is_daemon()):
        return _built, not isinstance(_built, ProcessPool), f"because {_built!r} is the global pool"
    kind, why = choice.default_engine(effect=effect)
    return global_pool(kind), False, why


def engine_for(plan: Plan, *, effect: bool = False) -> Engine:
    """The engine that runs a plan; `effect` says that its functions are there for their effect."""
    pool, always, why = _choose(plan, effect)
    return _engine(pool, always, why)


def _engine(pool: Pool | Executor, always: bool, why: str) -> Engine:
    if isinstance(pool, ProcessPool):
        return pool.engine(always=always, threads=_helpers if why is choice.FOR_THE_GIL else None)
    if isinstance(pool, Pool):
        return pool.engine(always=always)
    return SerialEngine() if waits_for_us(pool) else ExecutorEngine(pool)


def _helpers() -> WorkerPool:
    """The threads that help a plan which turned out to wait more than it computes."""
    pool = global_pool("threads")
    assert isinstance(pool, ThreadPool)
    return pool.workers


def choice_for(plan: Plan) -> str:
    """The engine of a plan in words, and why it is this one."""
    pool, always, why = _choose(plan, effect=False)
    engine = _engine(pool, always, why)
    many = f" with {engine.num_workers} workers" if engine.num_workers != 1 else ""
    cheap = "" if always or engine.name != "processes" else "; a cheap plan stays in the caller"
    waiting = ", one that waits gets threads" if why is choice.FOR_THE_GIL else ""
    return f"{engine.name}{many}, {why}{cheap}{waiting}"


def default_engine_here() -> Engine:
    """The engine that a plan without options would get."""
    return engine_for(Plan(Sliceable(())))
