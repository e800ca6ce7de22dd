"""The pools users make, the current and the global one, and which of them runs a plan.

A pool is where functions run: threads that share memory, processes that do not, or the calling thread.
`with pool:` and `pool.install` make it the current one; without either there is a global pool of each
kind, made when it is first needed.
"""

from __future__ import annotations

import contextvars
import os
import pickle
import threading
import weakref
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future
from contextvars import Token
from types import TracebackType
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from pariter import _pickle, choice
from pariter._caught import Caught
from pariter._describe import describe_value
from pariter._futures import FutureScope, join_futures
from pariter.engines import worker_process
from pariter.engines.base import Engine, enclosing
from pariter.engines.processes import ProcessEngine
from pariter.engines.serial import SerialEngine
from pariter.engines.slots import Crew, NotStarted, Slot, inner_thread_limits
from pariter.engines.threads import ThreadEngine
from pariter.errors import CannotSend, GlobalPoolAlreadyInitialized, PoolClosed
from pariter.plan.pipeline import Plan
from pariter.sched.broadcast import broadcast
from pariter.sched.join import join
from pariter.sched.pool import WorkerPool
from pariter.sched.scope import scope
from pariter.sched.spawn import install, spawn
from pariter.sched.worker import current_worker

if TYPE_CHECKING:
    from typing import Self

    from pariter.fluent.iter import ParIter

T = TypeVar("T")
P = ParamSpec("P")


class Pool(ABC):
    """Where functions run. Also a `with` block, in which it is the current pool, closed at its end."""

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
        """Take no new work, wait for what is running (with `cancel`: drop what is not) and end."""

    def install(self, f: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Call `f(*args, **kwargs)` with this pool as the current one.

        On a thread pool it runs on one of the pool's threads, and the caller waits.
        """
        context = contextvars.copy_context()
        context.run(enclosing.set, self)
        return context.run(self._install, f, args, kwargs)

    def _install(self, f: Callable[..., T], args: Any, kwargs: Any) -> T:
        return f(*args, **kwargs)

    def par_iter(self, source: Iterable[T]) -> ParIter[T]:
        """`par_iter(source).on(self)`."""
        from pariter.fluent.iter import par_iter

        return par_iter(source).on(self)

    @abstractmethod
    def join(self, a: Callable[[], Any], b: Callable[[], Any], *more: Callable[[], Any]) -> Any:
        """Run all and return their results; see `pariter.join`."""

    @abstractmethod
    def scope(self) -> Any:
        """A block that ends when everything spawned in it has; see `pariter.scope`."""

    @abstractmethod
    def spawn(self, f: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run `f(*args, **kwargs)` beside the caller; see `pariter.spawn`."""

    @abstractmethod
    def broadcast(self, f: Callable[[], T]) -> list[T]:
        """Call `f` once on every worker; results by worker index."""

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
    `PARITER_NUM_THREADS`, else the CPUs this process may use.

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
    ) -> None:
        self._tokens = []
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
        self._workers.close(cancel=cancel)

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
        self._workers.close(wait=wait, cancel=cancel_futures)


class ProcessPool(Pool, Executor):
    """`num_processes` worker processes that share nothing with this one.

    Functions, closures and lambdas travel by cloudpickle and work on copies. A plan on a pool given
    explicitly always runs in its processes. A process that dies breaks the run that was using it; the
    pool heals and the next run works.

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
        if initializer is not None and not callable(initializer):
            raise TypeError(f"ProcessPool() needs a callable initializer, got {initializer!r}")
        packed = None if initializer is None else _pack("its initializer", (initializer, tuple(initargs)))
        threads = inner_threads or max(1, choice.usable_cpus() // many)
        settings = {**inner_thread_limits(threads), **(env or {})}
        self._crew = Crew([Slot(index, packed, settings) for index in range(many)])
        self._closed = False

    def __repr__(self) -> str:
        return f"ProcessPool({self.num_workers})"

    @property
    def num_workers(self) -> int:
        return len(self._crew.slots)

    def engine(self, *, always: bool = True) -> Engine:
        self._check_open()
        return ProcessEngine(self._crew, always=always)

    def _check_open(self) -> None:
        if self._closed:
            raise PoolClosed("this pool is closed: it takes no new work")

    def close(self, *, cancel: bool = False) -> None:
        self._closed = True
        for slot in self._crew.slots:
            slot.close(kill=cancel)

    def join(self, a: Callable[[], Any], b: Callable[[], Any], *more: Callable[[], Any]) -> Any:
        return join_futures([self.spawn(f) for f in (a, b, *more)])

    def scope(self) -> Any:
        return FutureScope(self.spawn)

    def spawn(self, f: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        self._check_open()
        content = _pack("the task", (f, args, kwargs))
        return _Sent(content).send(min(self._crew.slots, key=len))

    def broadcast(self, f: Callable[[], T]) -> list[T]:
        self._check_open()
        content = _pack("the function", (f, (), {}))
        futures = [_Sent(content).send(slot) for slot in self._crew.slots]
        return list(join_futures(futures))

    # The interface of concurrent.futures.

    def submit(self, f: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """As `spawn`."""
        return self.spawn(f, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """As `close`."""
        self.close(cancel=cancel_futures)


class _Sent(Future[Any]):
    """The future of one task in a worker process."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self._content = content

    def send(self, slot: Slot) -> Future[Any]:
        self.set_running_or_notify_cancel()
        self._send(slot)
        return self

    def _send(self, slot: Slot) -> None:
        slot.send_call(self._content).add_done_callback(lambda done: self._received(slot, done))

    def _received(self, slot: Slot, done: Future[bytes]) -> None:
        error = done.exception()
        if isinstance(error, NotStarted):
            self._send(slot)
            return
        self._content = b""
        if error is not None:
            self.set_exception(error)
            return
        try:
            answer = pickle.loads(done.result())
        except Exception as failure:
            self.set_exception(CannotSend(f"the result cannot be unpickled here: {failure}"))
            return
        if isinstance(answer, Caught):
            self.set_exception(answer.error)
        else:
            self.set_result(answer[0])


def _pack(what: str, content: Any) -> bytes:
    try:
        return _pickle.dumps(content)
    except Exception as error:
        raise CannotSend(f"{what} cannot travel to a worker process: {error}") from error


def size(kind: str, wanted: int | None) -> int:
    """The number of workers for a pool that was asked for `wanted`."""
    if wanted is None:
        return choice.default_size()
    if isinstance(wanted, bool) or not hasattr(wanted, "__index__"):
        raise TypeError(f"{kind}() needs an integer number of workers, got {describe_value(wanted)}")
    if wanted < 0:
        raise ValueError(f"{kind}() needs a number of workers that is not negative, got {wanted}")
    return int(wanted) or choice.default_size()


# The global pools.

_owners: weakref.WeakKeyDictionary[WorkerPool, weakref.ref[ThreadPool]] = weakref.WeakKeyDictionary()
_lock = threading.Lock()
_global: dict[str, Pool] = {}
_built: Pool | None = None


def build_global(pool: Pool) -> None:
    """Make `pool` the global one, which is used where no other is current.

    Raises GlobalPoolAlreadyInitialized if there is one: after an earlier call, or after its first use.
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
    if isinstance(pool, Pool):
        return pool
    raise TypeError(f"on() needs a pool or the name of an engine, got {describe_value(pool)}")


def enclosing_pool() -> Pool | None:
    """The pool the caller is running in or under, None if there is none."""
    pool = enclosing.get()
    if pool == "serial":
        return global_pool("serial")
    if pool is None and (worker := current_worker()) is not None:
        owner = _owners.get(worker.pool)
        pool = None if owner is None else owner()
    return pool  # type: ignore[no-any-return]


def current_thread_pool() -> ThreadPool:
    """The current pool if it is a thread pool, else the global thread pool."""
    pool = enclosing_pool() or _built
    if isinstance(pool, ThreadPool):
        return pool
    pool = global_pool("threads")
    assert isinstance(pool, ThreadPool)
    return pool


def _choose(plan: Plan, effect: bool) -> tuple[Pool, bool, str]:
    """The pool for a plan, whether it must run there, and why."""
    wanted = plan.options.pool
    if isinstance(wanted, Pool):
        return wanted, True, f"because of .on({wanted!r})"
    if worker_process.is_worker:
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
    if _built is not None:
        return _built, not isinstance(_built, ProcessPool), f"because {_built!r} is the global pool"
    kind, why = choice.default_engine(effect=effect)
    return global_pool(kind), False, why


def engine_for(plan: Plan, *, effect: bool = False) -> Engine:
    """The engine that runs a plan; `effect` says that its functions are there for their effect."""
    pool, always, _ = _choose(plan, effect)
    return pool.engine(always=always)


def choice_for(plan: Plan) -> str:
    """The engine of a plan in words, and why it is this one."""
    pool, always, why = _choose(plan, effect=False)
    engine = pool.engine(always=always)
    many = f" with {engine.num_workers} workers" if engine.num_workers != 1 else ""
    cheap = "" if always or engine.name != "processes" else "; a cheap plan stays in the caller"
    return f"{engine.name}{many}, {why}{cheap}"
