"""Functions that run side by side without a plan, and questions about the pool the caller runs in."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, ParamSpec, TypeVar, overload

from pariter.current import current_thread_pool, enclosing_pool
from pariter.fluent import checks
from pariter.plan.place import dropped
from pariter.pools import Pool
from pariter.sched import spawn as _spawn
from pariter.sched.join import join as _join
from pariter.sched.scope import Scope
from pariter.sched.scope import scope as _scope
from pariter.sched.worker import current_worker

T = TypeVar("T")
A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
P = ParamSpec("P")


@overload
def join(a: Callable[[], A], b: Callable[[], B], /) -> tuple[A, B]: ...
@overload
def join(a: Callable[[], A], b: Callable[[], B], c: Callable[[], C], /) -> tuple[A, B, C]: ...
@overload
def join(a: Callable[[], Any], b: Callable[[], Any], /, *more: Callable[[], Any]) -> tuple[Any, ...]: ...
def join(a: Callable[[], Any], b: Callable[[], Any], /, *more: Callable[[], Any]) -> tuple[Any, ...]:
    """Run all and return their results in order: `a` here and now, the others wherever a worker is idle.

    Runs on the current pool if it is a thread pool, else on the global thread pool. All run to their end;
    if several raise, the leftmost exception is raised and the others are its notes. A waiting worker only
    runs what belongs to this call, so it may recurse as deep as plain calls may.

    >>> join(lambda: 1 + 1, lambda: "b")
    (2, 'b')
    """
    if not (callable(a) and callable(b) and all(map(callable, more))):
        for f in (a, b, *more):
            checks.function("join", f)
    return _join(current_thread_pool().workers, a, b, *more)


def scope() -> Scope:
    """A `with` block that ends when everything spawned in it has ended, also what its tasks spawned.

    The block's body runs here, its tasks on the current thread pool. All tasks run to their end; what they
    raised comes as one ExceptionGroup, the body's exception first; KeyboardInterrupt and SystemExit come
    as themselves.

    >>> squares = [0] * 4
    >>> with scope() as s:
    ...     for i in range(4):
    ...         _ = s.spawn(squares.__setitem__, i, i * i)
    >>> squares
    [0, 1, 4, 9]
    """
    return _scope(current_thread_pool().workers)


def spawn(f: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
    """Run `f(*args, **kwargs)` on the current thread pool and return its future at once.

    Waiting for the future on a worker of the pool helps with the work instead of blocking. An exception
    waits in the future.

    >>> spawn(pow, 2, 10).result()
    1024
    """
    return current_thread_pool().spawn(checks.function("spawn", f), *args, **kwargs)


def broadcast(f: Callable[[], T]) -> list[T]:
    """Call `f` once on every worker of the current thread pool; the results by worker index.

    All calls are made, whatever raises; then the exception of the lowest index is raised.

    >>> with ThreadPool(3):
    ...     broadcast(current_thread_index)
    [0, 1, 2]
    """
    return current_thread_pool().broadcast(checks.function("broadcast", f))


def current_pool() -> Pool:
    """The pool the caller is running in or under, else the global thread pool.

    >>> with ThreadPool(2) as pool:
    ...     current_pool() is pool
    True
    """
    return enclosing_pool() or current_thread_pool()


def current_num_threads() -> int:
    """How many workers the current pool has.

    >>> with ThreadPool(3):
    ...     current_num_threads()
    3
    """
    return current_pool().num_workers


def current_thread_index() -> int | None:
    """The index of the worker the caller runs as, below `current_num_threads()`; None outside of all pools.

    >>> current_thread_index() is None
    True
    """
    worker = current_worker()
    return None if worker is None else worker.index


def cancelled() -> bool:
    """Whether the run that the caller is part of no longer wants its results: return soon, with anything.

    For functions that take long for a single item: a thread cannot be stopped, and a worker process is killed if it
    has not left half a second after this became true. It does when the time of `timeout` is up, when the answer is
    known or an exception came first, at Ctrl-C, when an iterator is closed early, and in a task of a process pool that
    is closed with `cancel=True`. In a nested plan, also when nobody wants the results of the plan around it.

    Costs less than a microsecond. False outside of a run, and on the processes of an executor or a cluster,
    which cannot be told.

    >>> cancelled()
    False
    """
    asked = dropped.get(None)
    return asked is not None and asked.anywhere()


def yield_now() -> bool | None:
    """Run one waiting job of the caller's pool: True if there was one, False if not, None outside of a pool.

    For loops that poll. It may run anything, so no lock that a job needs may be held.

    >>> yield_now() is None
    True
    """
    return _spawn.yield_now()
