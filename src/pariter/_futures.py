"""`join` and `scope` over futures, for pools whose tasks share nothing with the caller."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Future
from types import TracebackType
from typing import Any, Self

from pariter._describe import describe_value


def join_futures(futures: Iterable[Future[Any]]) -> tuple[Any, ...]:
    """The results of all; if some raised, the leftmost exception, with the others as its notes."""
    futures = list(futures)
    errors = [error for future in futures if (error := future.exception()) is not None]
    if errors:
        for other in errors[1:]:
            errors[0].add_note(f"pariter: another call of the join raised {describe_value(other)}")
        try:
            raise errors[0]
        finally:
            errors.clear()
    return tuple(future.result() for future in futures)


class FutureScope:
    """A block that ends when everything spawned in it has."""

    def __init__(self, spawn: Callable[..., Future[Any]]) -> None:
        self._spawn = spawn
        self._futures: list[Future[Any]] = []
        self._ended = False

    def spawn(self, f: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run `f(*args, **kwargs)`; the block waits for it."""
        if self._ended:
            raise RuntimeError("this scope has ended: it spawns nothing more")
        future = self._spawn(f, *args, **kwargs)
        self._futures.append(future)
        return future

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if isinstance(error, KeyboardInterrupt):
            for future in self._futures:
                future.cancel()
            return
        errors = [] if error is None else [error]
        for future in self._futures:  # grows while we wait, if tasks spawn more
            if not future.cancelled() and (raised := future.exception()) is not None:
                errors.append(raised)  # noqa: PERF401
        self._ended = True
        for one in errors:
            if isinstance(one, (KeyboardInterrupt, SystemExit)):
                raise one
        if errors:
            try:
                raise BaseExceptionGroup("unhandled errors in a scope", errors) from None
            finally:
                errors.clear()
