"""Clusters seen as executors: whoever can run one call somewhere else can run a plan.

Dask brings an executor of its own. Ray has none, so a small one stands here: a call becomes a task, its
future follows the task's, and cancelling it cancels the task.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any


def dask_executor(client: Any) -> Executor:
    """An executor over the workers of a Dask client; equal calls are different calls."""
    executor: Executor = client.get_executor(pure=False)
    return executor


def dask_scatter(client: Any, content: bytes) -> Any:
    """Stands for `content` in calls; the cluster lets go of it when nobody holds this any more."""
    return client.scatter(content, hash=False)


def dask_threads(client: Any) -> dict[str, int]:
    """The number of threads of each worker, by its address."""
    return dict(sorted(client.nthreads().items()))


class RayExecutor(Executor):
    """Calls as Ray tasks of one CPU each, on any node or on the one that is named."""

    def __init__(self, node: str | None = None) -> None:
        import ray

        options: dict[str, Any] = {"max_retries": 0}
        if node is not None:
            from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

            options["scheduling_strategy"] = NodeAffinitySchedulingStrategy(node, soft=False)
        self._call = ray.remote(_called).options(**options)
        self._cancel: Callable[[Any], object] = ray.cancel

    def submit(self, f: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """The future of `f(*args, **kwargs)`."""
        return RayCall(self._call.remote(f, kwargs, *args), self._cancel)


class RayCall(Future[Any]):
    """The future of one Ray task."""

    def __init__(self, ref: Any, cancel: Callable[[Any], object]) -> None:
        super().__init__()
        self._ref = ref
        self._cancel = cancel
        ref.future().add_done_callback(self._ended)

    def cancel(self) -> bool:
        """Cancel the task; True if nobody has its result yet."""
        self._cancel(self._ref)
        return super().cancel()

    def _ended(self, task: Future[Any]) -> None:
        if not self.set_running_or_notify_cancel():
            return
        error = task.exception()
        if error is None:
            self.set_result(task.result())
        else:
            self.set_exception(error)


def ray_nodes() -> dict[str, int]:
    """The CPUs of each node that lives, by its id; starts Ray on this machine if no cluster was joined."""
    try:
        import ray
    except ImportError:
        raise ImportError('RayPool() needs Ray, which is not installed: pip install "pariter[ray]"') from None

    if not ray.is_initialized():
        ray.init()
    return {
        node["NodeID"]: int(node["Resources"]["CPU"])
        for node in sorted(ray.nodes(), key=lambda node: str(node["NodeID"]))
        if node["Alive"] and node["Resources"].get("CPU", 0) >= 1
    }


def ray_scatter(content: bytes) -> Any:
    """Stands for `content` in calls; Ray lets go of it when nobody holds this any more."""
    import ray

    return ray.put(content)


def _called(f: Callable[..., Any], kwargs: dict[str, Any], *args: Any) -> Any:
    return f(*args, **kwargs)
