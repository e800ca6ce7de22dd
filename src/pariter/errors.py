"""Every exception pariter raises, each under the builtin a caller already catches."""

from __future__ import annotations


class ConsumedError(RuntimeError):
    """A plan over a one-shot iterator was run a second time."""


class GlobalPoolAlreadyInitialized(RuntimeError):
    """`build_global` came after the global pool was set or used."""


class PoolClosed(RuntimeError):
    """Work was given to a pool after `close()`."""


class WorkerDied(RuntimeError):
    """A worker process ended while it held items of this run."""


class CannotSend(TypeError):
    """Something that would have to travel to another process cannot be pickled."""


class RemoteTraceback(Exception):
    """Carries, as text, the traceback of an exception that was raised in another process."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return f'\n"""\n{self.text}"""'
