"""The same methods without blocking an event loop."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any, TypeVar, cast

from pariter.fluent import checks
from pariter.fluent.grouped import Grouped

if TYPE_CHECKING:
    import asyncio

    from pariter.fluent.iter import ParIter

T_co = TypeVar("T_co", covariant=True)
A = TypeVar("A")

_END: Any = object()


class Asynchronous(Grouped[T_co]):
    """The part of `ParIter` for `async` functions."""

    __slots__ = ()

    async def run_async(self, run: Callable[[ParIter[T_co]], A]) -> A:
        """`run(plan)`, on a thread of its own, while the event loop goes on.

        Cancelling the task does not stop the run; its result is dropped. Use `timeout` to bound it.

        >>> import asyncio
        >>> asyncio.run(par_iter(range(5)).run_async(lambda plan: plan.sum()))
        10
        """
        checks.function("run_async", run, "run")
        return await _beside(lambda: run(cast("ParIter[T_co]", self)))

    async def __aiter__(self) -> AsyncIterator[T_co]:
        """The items in order, while workers run a bounded window ahead.

        >>> import asyncio
        >>> async def main():
        ...     return [n async for n in par_iter(range(3)).map(lambda n: n * n)]
        >>> asyncio.run(main())
        [0, 1, 4]
        """
        items: Any = iter(self)
        one_at_a_time = threading.Lock()  # a task that is cancelled leaves a thread waiting for the next item

        def take() -> Any:
            with one_at_a_time:
                return next(items, _END)

        def close() -> None:
            with one_at_a_time:
                items.close()

        try:
            while True:
                item = await _beside(take)
                if item is _END:
                    return
                yield item
        finally:
            await _beside(close)


def _beside(call: Callable[[], A]) -> asyncio.Future[A]:
    """The result of `call`, made on a thread of its own in a copy of the caller's context."""
    import asyncio

    loop = asyncio.get_running_loop()
    future: asyncio.Future[A] = loop.create_future()
    context = contextvars.copy_context()

    def settle(error: BaseException | None, result: Any) -> None:
        if future.cancelled():
            return
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)

    def work() -> None:
        error: BaseException | None = None
        result: Any = None
        try:
            result = context.run(call)
        except BaseException as raised:
            error = raised
            if isinstance(error, StopIteration):
                error = RuntimeError("a function of the plan raised StopIteration")
        try:
            loop.call_soon_threadsafe(settle, error, result)
        except RuntimeError:  # the loop was closed meanwhile: nobody wants the result
            pass

    threading.Thread(target=work, name="pariter-async", daemon=True).start()
    return future
