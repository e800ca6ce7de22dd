"""The pools of other machines: a Dask client's workers, and Ray's.

Functions, data and results travel by pickle, as to worker processes; pariter must be installed over there. What
the cluster does with a call, queueing it, retrying it, telling that a worker died, is the cluster's affair.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from concurrent.futures import Executor, Future
from contextlib import suppress
from typing import Any, ParamSpec, TypeVar

from pariter._describe import describe_value
from pariter._futures import FutureScope, join_futures
from pariter._given import packed
from pariter.engines import cluster
from pariter.engines.base import Engine
from pariter.engines.executors import ExecutorEngine, ExecutorSlot
from pariter.engines.serial import SerialEngine
from pariter.engines.tasks import Task
from pariter.engines.worker_process import is_worker_here
from pariter.errors import PoolClosed
from pariter.pools import Pool

T = TypeVar("T")
P = ParamSpec("P")


class ClusterPool(Pool):
    """What pools of other machines have in common."""

    def __init__(self, executor: Executor) -> None:
        from pariter.engines.mailbox import Mailbox

        self._tokens = []
        self._executor = executor
        self._slot = ExecutorSlot(executor)
        self._closed = False
        self._mailbox = Mailbox(shows_itself=True)

    @property
    @abstractmethod
    def num_workers(self) -> int:
        """How many functions run at the same time, at most, as far as is known now."""

    @abstractmethod
    def _everywhere(self) -> list[Executor]:
        """An executor for each worker, in the order of their indices."""

    @abstractmethod
    def _scatter(self, content: bytes) -> Any:
        """Something that stands for `content` in a call, and that the cluster's workers fetch once."""

    def engine(self, *, always: bool = True) -> Engine:
        self._check_open()
        if is_worker_here():
            return SerialEngine()
        return ExecutorEngine(self._executor, self.num_workers, self._scatter)

    def _check_open(self) -> None:
        if self._closed:
            raise PoolClosed("this pool is closed: it takes no new work")

    def close(self, *, cancel: bool = False) -> None:
        self._closed = True
        self._slot.end(cancel=cancel)
        with suppress(Warning):  # nobody asked for the result
            self._mailbox.show()

    def join(self, a: Callable[[], Any], b: Callable[[], Any], *more: Callable[[], Any]) -> Any:
        return join_futures([self.spawn(f) for f in (a, b, *more)])

    def scope(self) -> Any:
        return FutureScope(self.spawn)

    def spawn(self, f: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        self._check_open()
        return Task(packed("the task", (f, args, kwargs)), self._mailbox).send(self._slot)

    def broadcast(self, f: Callable[[], T]) -> list[T]:
        self._check_open()
        content = packed("the function", (f, (), {}))
        slots = [ExecutorSlot(executor) for executor in self._everywhere()]
        return list(join_futures([Task(content, self._mailbox).send(slot) for slot in slots]))


class DaskPool(ClusterPool):
    """The workers of a Dask cluster, through a `dask.distributed.Client`, which stays its maker's to close.

    `broadcast` calls its function once in each worker process, in the order of their addresses. `close()` waits
    for what is running, or cancels it. Raises `TypeError` for anything that is no client.

    >>> from dask.distributed import Client
    >>> with Client(processes=False, dashboard_address=":0") as client:
    ...     DaskPool(client).par_iter(range(1_000)).map(lambda n: n * n).sum()
    332833500
    """

    def __init__(self, client: Any) -> None:
        if not hasattr(client, "get_executor"):
            raise TypeError(f"DaskPool() needs a dask.distributed.Client, got {describe_value(client)}")
        super().__init__(cluster.dask_executor(client))
        self._client = client

    def __repr__(self) -> str:
        return f"DaskPool({self._client!r})"

    @property
    def num_workers(self) -> int:
        return max(1, sum(cluster.dask_threads(self._client).values()))

    def _scatter(self, content: bytes) -> Any:
        return cluster.dask_scatter(self._client, content)

    def _everywhere(self) -> list[Executor]:
        return [
            self._client.get_executor(pure=False, workers=[address], allow_other_workers=False)
            for address in cluster.dask_threads(self._client)
        ]


class RayPool(ClusterPool):
    """The CPUs of the Ray cluster that this process has joined; else Ray is started on this machine.

    `broadcast` calls its function once on each node. `close()` waits for what is running, or cancels it, and
    leaves Ray as it is.

    >>> import ray
    >>> _ = ray.init(num_cpus=2, ignore_reinit_error=True, include_dashboard=False, logging_level="ERROR")
    >>> RayPool().par_iter(range(1_000)).map(lambda n: n * n).sum()
    332833500
    """

    def __init__(self) -> None:
        cluster.ray_nodes()
        super().__init__(cluster.RayExecutor())

    def __repr__(self) -> str:
        return "RayPool()"

    @property
    def num_workers(self) -> int:
        return max(1, sum(cluster.ray_nodes().values()))

    def _scatter(self, content: bytes) -> Any:
        return cluster.ray_scatter(content)

    def _everywhere(self) -> list[Executor]:
        return [cluster.RayExecutor(node) for node in cluster.ray_nodes()]
