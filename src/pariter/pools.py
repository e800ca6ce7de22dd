"""The pools users make, the current and the global one, and which of them runs a plan.

A pool is where functions run: threads that share memory, processes that do not, or the calling thread.
`with pool:` and `pool.install` make it the current one; without either there is a global pool of each
kind, made when it is first needed.
"""

from __future__ import annotations

import contextvars
import weakref
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future
from contextvars import Token
from types import TracebackType
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from pariter import choice
from pariter._futures import FutureScope, join_futures
from pariter._given import packed, size
from pariter.engines.base import Engine, enclosing
from pariter.engines.crews import Crew
from pariter.engines.processes import ProcessEngine
from pariter.engines.serial import SerialEngine
from pariter.engines.slots import Slot
from pariter.engines.tasks import Task
from pariter.engines.threads import ThreadEngine
from pariter.errors import PoolClosed
from pariter.sched.broadcast import broadcast
from pariter.sched.join import join
from pariter.sched.pool import WorkerPool
from pariter.sched.scope import scope
from pariter.sched.spawn import install, spawn

if TYPE_CHECKING:
    from typing import Self

    from pariter.fluent.iter import ParIter

T = TypeVar("T")
P = ParamSpec("P")


_owners: weakref.WeakKeyDictionary[WorkerPool, weakref.ref[ThreadPool]] = weakref.WeakKeyDictionary()


def owner_of(workers: WorkerPool) -> ThreadPool | None:
    """The thread pool whose machinery `workers` is."""
    owner = _owners.get(workers)
    return None if owner is None else owner()


class Pool(ABC):
    """Where functions run. Also a `with` block, in which it is the current pool, closed at its end.

    >>> with ThreadPool(2) as pool:
    ...     current_pool() is pool, par_iter(range(5)).sum()
    (True, 10)
    """

    _tokens: list[Token[Any]]

    @property
    @abstractmethod
    def num_workers(self) -> int:
        """How many functions run at the same time, at most."""

    @abstractmethod
    def engine(self, *, always: bool = True) -> Engine:
        """The engine that runs plans here; without `always` it may keep cheap ones in the caller."""

    @abstractmethod
    def close(self, *, cancel: bool = False) -> None:
        """Take no new work, wait for what is running (with `cancel`: drop what is not) and end.

        >>> pool = ThreadPool(2)
        >>> pool.close()
        >>> pool.spawn(abs, -1)
        Traceback (most recent call last):
        pariter.errors.PoolClosed: this pool is closed: it takes no new work
        """

    def install(self, f: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Call `f(*args, **kwargs)` with this pool as the current one.

        On a thread pool it runs on one of the pool's threads, and the caller waits.

        >>> with ThreadPool(2) as pool:
        ...     pool.install(lambda: par_iter(range(1_000_001)).sum())
        500000500000
        """
        context = contextvars.copy_context()
        context.run(enclosing.set, self)
        return context.run(self._install, f, args, kwargs)

    def _install(self, f: Callable[..., T], args: Any, kwargs: Any) -> T:
        return f(*args, **kwargs)

    def par_iter(self, source: Iterable[T]) -> ParIter[T]:
        """`par_iter(source).on(self)`.

        >>> with ThreadPool(2) as pool:
        ...     pool.par_iter(["b", "a"]).map(str.upper).collect()
        ['B', 'A']
        """
        from pariter.fluent.iter import par_iter

        return par_iter(source).on(self)

    @abstractmethod
    def join(self, a: Callable[[], Any], b: Callable[[], Any], *more: Callable[[], Any]) -> Any:
        """Run all here and return their results; see `pariter.join`.

        On processes all of them travel, by cloudpickle.

        >>> with ProcessPool(2) as pool:
        ...     pool.join(lambda: 1, lambda: 2)
        (1, 2)
        """

    @abstractmethod
    def scope(self) -> Any:
        """A block that ends when everything spawned in it has; see `pariter.scope`.

        >>> with ThreadPool(2) as pool:
        ...     with pool.scope() as s:
        ...         futures = [s.spawn(pow, 2, n) for n in range(4)]
        >>> [future.result() for future in futures]
        [1, 2, 4, 8]
        """

    @abstractmethod
    def spawn(self, f: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run `f(*args, **kwargs)` beside the caller and return its future; see `pariter.spawn`.

        >>> with ThreadPool(2) as pool:
        ...     pool.spawn(pow, 2, 10).result()
        1024
        """

    @abstractmethod
    def broadcast(self, f: Callable[[], T]) -> list[T]:
        """Call `f` once on every worker; results by worker index, see `pariter.broadcast`.

        >>> with ThreadPool(3) as pool:
        ...     pool.broadcast(current_thread_index)
        [0, 1, 2]
        """

    def __enter__(self) -> Self:
        self._tokens.append(enclosing.set(self))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        enclosing.reset(self._tokens.pop())
        if not self._tokens:
            self.close(cancel=kind is not None and not issubclass(kind, Exception))

    def __reduce__(self) -> Any:
        raise TypeError(f"{self!r} cannot travel to another process; make a pool there")


class SerialPool(Pool):
    """Everything in the calling thread, in the order of the loop: for debugging and comparison.

    >>> with SerialPool():
    ...     par_iter([1, 2]).map(str).collect()
    ['1', '2']
    """

    def __init__(self) -> None:
        self._tokens = []

    def __repr__(self) -> str:
        return "SerialPool()"

    @property
    def num_workers(self) -> int:
        return 1

    def engine(self, *, always: bool = True) -> Engine:
        return SerialEngine()

    def close(self, *, cancel: bool = False) -> None:
        """Do nothing: there is nothing to end."""

    def join(self, a: Callable[[], Any], b: Callable[[], Any], *more: Callable[[], Any]) -> Any:
        return join_futures([self.spawn(f) for f in (a, b, *more)])

    def scope(self) -> Any:
        return FutureScope(self.spawn)

    def spawn(self, f: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        future: Future[T] = Future()
        future.set_running_or_notify_cancel()
        try:
            future.set_result(self.install(f, *args, **kwargs))
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            future.set_exception(error)
        return future

    def broadcast(self, f: Callable[[], T]) -> list[T]:
        return [self.install(f)]


class ThreadPool(Pool, Executor):
    """`num_threads` workers that share memory and steal work from one another.

    The calling thread takes part in its own runs and counts as one of the workers while it does, so at
    most `num_threads` functions run at once. With an `initializer`, called once on each of the pool's
    threads before anything else (`finalizer` after all else), functions run on those threads only.

    `thread_name` is a format string or a callable of the index, `stack_size` in bytes. None or 0 threads:
    `PARITER_NUM_THREADS`, else the CPUs this process may use. `inner_threads` limits what numeric libraries start
    in functions, until the pool is closed by the thread that made it; it needs threadpoolctl, and acts as an
    `initializer` does.

    >>> with ThreadPool(2) as pool:
    ...     pool.join(lambda: 1, lambda: 2)
    (1, 2)
    """

    def __init__(
        self,
        num_threads: int | None = None,
        *,
        thread_name: str | Callable[[int], str] = "pariter-{}",
        initializer: Callable[[], object] | None = None,
        finalizer: Callable[[], object] | None = None,
        stack_size: int | None = None,
        inner_threads: int | None = None,
    ) -> None:
        self._tokens = []
        choice.check_callables("ThreadPool", initializer=initializer, finalizer=finalizer)
        self._end_limit: Callable[[], object] = int
        if inner_threads is not None:
            from pariter._inner import Limit

            limit = Limit(inner_threads)
            initializer = limit.before(initializer)
            self._end_limit = weakref.finalize(self, limit.end)
        self._workers = WorkerPool(
            size("ThreadPool", num_threads),
            thread_name=thread_name,
            initializer=initializer,
            finalizer=finalizer,
            stack_size=stack_size,
        )
        _owners[self._workers] = weakref.ref(self)

    def __repr__(self) -> str:
        return f"ThreadPool({self.num_workers})"

    @property
    def num_workers(self) -> int:
        return self._workers.num_threads

    @property
    def workers(self) -> WorkerPool:
        """The machinery behind this pool."""
        return self._workers

    def engine(self, *, always: bool = True) -> Engine:
        self._workers.check_open()
        return ThreadEngine(self._workers, self)

    def close(self, *, cancel: bool = False) -> None:
        try:
            self._workers.close(cancel=cancel)
        finally:
            self._end_limit()

    def _install(self, f: Callable[..., T], args: Any, kwargs: Any) -> T:
        result: T = install(self._workers, f, *args, **kwargs)
        return result

    def _here(self, call: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        context = contextvars.copy_context()
        context.run(enclosing.set, self)
        return context.run(call, self._workers, *args, **kwargs)

    def join(self, a: Callable[[], Any], b: Callable[[], Any], *more: Callable[[], Any]) -> Any:
        return self._here(join, a, b, *more)

    def scope(self) -> Any:
        return scope(self._workers)

    def spawn(self, f: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        return self._here(spawn, f, *args, **kwargs)

    def broadcast(self, f: Callable[[], T]) -> list[T]:
        return self._here(broadcast, f)

    # The interface of concurrent.futures.

    def submit(self, f: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """As `spawn`."""
        return self.spawn(f, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """As `close`, without waiting if so wished."""
        try:
            self._workers.close(wait=wait, cancel=cancel_futures)
        finally:
            self._end_limit()


class ProcessPool(Pool, Executor):
    """`num_processes` worker processes that share nothing with this one.

    Functions, closures and lambdas travel by cloudpickle and work on copies. What they log and warn of
    reaches the caller's handlers and filters. A plan on a pool given explicitly always runs in its processes.
    A process that dies breaks the run that was using it; the pool heals and the next run works.

    `initializer(*initargs)` is called once in each process; `env` is set there first. `inner_threads`
    limits what numeric libraries start in each (None: the CPUs divided by the workers).

    >>> with ProcessPool(2) as pool:
    ...     pool.par_iter(range(4)).map(lambda n: n * n).sum()
    14
    """

    def __init__(
        self,
        num_processes: int | None = None,
        *,
        initializer: Callable[..., object] | None = None,
        initargs: tuple[Any, ...] = (),
        env: dict[str, str] | None = None,
        inner_threads: int | None = None,
    ) -> None:
        self._tokens = []
        many = size("ProcessPool", num_processes)
        choice.check_callables("ProcessPool", initializer=initializer)
        if not isinstance(initargs, (tuple, list)):
            raise TypeError(f"ProcessPool() needs a tuple as initargs, got {initargs!r}")
        settings = choice.process_settings(many, inner_threads, env)
        prepare = None if initializer is None else packed("its initializer", (initializer, tuple(initargs)))
        self._crew = Crew([Slot(index, prepare, settings) for index in range(many)])
        self._closed = False

    def __repr__(self) -> str:
        return f"ProcessPool({self.num_workers})"

    @property
    def num_workers(self) -> int:
        return len(self._crew.slots)

    def engine(self, *, always: bool = True, threads: Callable[[], WorkerPool] | None = None) -> Engine:
        self._check_open()
        return ProcessEngine(self._crew, always=always, threads=threads)

    def _check_open(self) -> None:
        if self._closed:
            raise PoolClosed("this pool is closed: it takes no new work")
        choice.check_may_start_processes()

    def close(self, *, cancel: bool = False) -> None:
        self._closed = True
        self._crew.close(kill=cancel)

    def join(self, a: Callable[[], Any], b: Callable[[], Any], *more: Callable[[], Any]) -> Any:
        return join_futures([self.spawn(f) for f in (a, b, *more)])

    def scope(self) -> Any:
        return FutureScope(self.spawn)

    def spawn(self, f: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        self._check_open()
        content = packed("the task", (f, args, kwargs))
        return Task(content, self._crew.mailbox).send(min(self._crew.slots, key=len))

    def broadcast(self, f: Callable[[], T]) -> list[T]:
        self._check_open()
        content = packed("the function", (f, (), {}))
        futures = [Task(content, self._crew.mailbox).send(slot) for slot in self._crew.slots]
        return list(join_futures(futures))

    # The interface of concurrent.futures.

    def submit(self, f: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """As `spawn`."""
        return self.spawn(f, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """As `close`."""
        self.close(cancel=cancel_futures)
