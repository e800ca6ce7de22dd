"""What runs inside a worker process: prepare it once, then open pieces and run them.

Everything here is called by name from the parent. A worker keeps the functions of a plan, by digest,
until the parent says that the run is over.
"""

from __future__ import annotations

import importlib
import multiprocessing
import os
import pickle
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from contextvars import ContextVar
from typing import Any

from pariter._caught import Caught
from pariter._describe import describe_callable
from pariter._pickle import dumps_plainly
from pariter.engines import asking, borrowing, shipping
from pariter.errors import CannotSend
from pariter.plan.leases import MapLocal, local_steps
from pariter.plan.piped import WholeFeed, run_leaf
from pariter.plan.place import Dropped, dropped

is_worker = False
"""Whether this process is a worker and nothing else."""
_is_lent: ContextVar[bool] = ContextVar("pariter_is_lent", default=False)
"""Whether the calling thread works for a plan elsewhere, in a process that is somebody else's."""

_parcels: dict[bytes, tuple[Any, Any]] = {}
_wanted: dict[bytes, bytes] = {}
_failed: bytes | None = None

Letter = tuple[bytes, bytes]
"""What is sent, pickled, and what the caller wants to hear meanwhile: see `wanted`."""


class Told:
    """An answer with which messages come: what was logged and warned of, pickled."""

    __slots__ = ("answer", "messages")

    def __init__(self, answer: bytes, messages: bytes) -> None:
        self.answer = answer
        self.messages = messages

    def __reduce__(self) -> tuple[Any, ...]:
        return Told, (self.answer, self.messages)


Answer = bytes | Told
Running = Callable[[], AbstractContextManager[None]]
"""Makes a block in which a user's functions run."""
Work = Callable[[Running], bytes]
"""What gives an answer."""


def is_worker_here() -> bool:
    """Whether the caller is run by a worker: then plans inside it run serially."""
    return is_worker or _is_lent.get()


PARENT_LOOK_S = 1.0
"""How often a worker looks whether its parent is still there."""


UNKNOWN = b""
"""The answer to a piece of a run whose functions are not here: they went to the process before this one."""

UNWANTED = b"-"
"""The answer to what nobody wanted any more when this process came to it."""


def prepare(
    name: str, parent: int, path: list[str], env: dict[str, str], where: asking.Where | None, initializer: bytes | None
) -> None:
    """Make this process a worker. If its initializer raises, that answers every call."""
    global is_worker, _failed
    is_worker = True
    multiprocessing.current_process().name = name
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})  # blocked while it started
    if os.name == "posix":
        threading.Thread(target=_end_with, args=(parent,), name="pariter-parent", daemon=True).start()
    _close_state_when_replaced()
    asking.look_at(where)
    os.environ.update(env)
    sys.path[:] = list(dict.fromkeys([*path, *sys.path]))
    importlib.import_module("pariter.engines.messages")  # now, to know what the initializer changes
    if initializer is not None:
        try:
            function, arguments = pickle.loads(initializer)
            function(*arguments)
        except BaseException as error:
            error.add_note("pariter: raised by the initializer of a worker process")
            _failed = _packed(Caught(error))


def is_prepared() -> bool:
    """Whether the initializer did not raise; the first call of every worker."""
    return _failed is None


def _close_state_when_replaced() -> None:
    """Let a process that loky replaces in the middle of a run close the state it keeps for it."""
    from multiprocessing import util

    util.Finalize(None, _forget_all, exitpriority=1)


def _forget_all() -> None:
    for digest in list(_parcels):
        _end(_steps_of(digest))


def _end_with(parent: int) -> None:
    """End this process when its parent is gone: one that was killed could tell nobody.

    The pipes do not tell either, because each worker holds both their ends.
    """
    while os.getppid() == parent:
        time.sleep(PARENT_LOOK_S)
    os._exit(1)


def asked(number: int, function: Callable[..., Answer], *arguments: Any) -> Answer:
    """What `function` answers, which hears when nobody wants the shipment `number` any more."""
    if _failed is not None:
        return _failed
    is_unwanted = asking.unwanted(number)
    if is_unwanted():
        return UNWANTED
    token = dropped.set(Dropped(is_unwanted))
    try:
        return function(*arguments)
    finally:
        dropped.reset(token)


def run_piece(digest: bytes, letter: Letter | None, piece: bytes, name: str) -> Answer:
    """Run one leaf: its partial result, whether it was left early and the seconds; or its exception."""
    parcel = None
    if letter is not None:
        parcel, _wanted[digest] = letter
    return _collecting(_wanted.get(digest, b""), lambda running: _run_piece(digest, parcel, piece, name, running))


def _collecting(wanted: bytes, work: Work) -> Answer:
    """What `work` answers, with what was logged and warned of meanwhile."""
    from pariter.engines.messages import Collected

    with Collected(wanted, alone=_is_lent.get()) as collected:
        answer = work(collected.running)
    messages = collected.packed()
    return answer if messages is None else Told(answer, messages)


def _run_piece(digest: bytes, parcel: bytes | None, piece: bytes, name: str, running: Running) -> bytes:
    try:
        if parcel is not None:
            _parcels[digest] = pickle.loads(parcel)
        elif digest not in _parcels:
            return UNKNOWN
        stages, sink = _parcels[digest]
        piped, at = shipping.open_piece(piece, stages)
    except BaseException as error:
        return _failure(error, shipping.UNOPENED)
    span = piped.span
    assert span is not None
    began = time.perf_counter()
    try:
        with running():
            leaf = run_leaf(piped, sink, WholeFeed(span), f"{name} (pid {os.getpid()})", at)
    except BaseException as error:
        return _packed(Caught(error))
    try:
        return _packed((leaf.partial, leaf.left_early, time.perf_counter() - began))
    except Exception as error:
        return _packed(Caught(_cannot_return(piped, sink, error)))


def run_alone(parcel: bytes, wanted: bytes, piece: bytes) -> Answer:
    """As `run_piece`, in a process that is somebody else's and keeps nothing."""
    return _lent(wanted, lambda running: _run_whole(parcel, piece, running))


def _lent(wanted: bytes, work: Work) -> Answer:
    token = _is_lent.set(True)
    try:
        return _collecting(wanted, work)
    finally:
        _is_lent.reset(token)


def _run_whole(parcel: bytes, piece: bytes, running: Running) -> bytes:
    digest = os.urandom(16)
    answer = _run_piece(digest, parcel, piece, "process", running)
    return _ended(_steps_of(digest), running) or answer


def forget(digest: bytes) -> Answer:
    """The run is over: keep nothing of it, and close its state; the answer is what closing raised, or empty."""
    wanted = _wanted.pop(digest, b"")
    steps = _steps_of(digest)
    return _collecting(wanted, lambda running: _ended(steps, running)) if steps else b""


def _steps_of(digest: bytes) -> list[MapLocal]:
    """The steps that keep state, of a run that is forgotten now."""
    stages, _ = _parcels.pop(digest, ((), None))
    return list(local_steps(step for group in stages for step in group))


def _end(steps: list[MapLocal]) -> None:
    for step in steps:
        step.end()


def _ended(steps: list[MapLocal], running: Running) -> bytes:
    try:
        with running():
            _end(steps)
    except BaseException as error:
        return _packed(Caught(error))
    return b""


def forget_memory(token: str) -> None:
    """The run is over: let go of what was lent for it."""
    borrowing.forget(token)


def call(letter: Letter) -> Answer:
    """Run one task that was submitted by itself: its result in a tuple, or its exception."""
    content, wanted = letter
    return _collecting(wanted, lambda running: _call(content, running))


def call_alone(letter: Letter) -> Answer:
    """As `call`, in a process that is somebody else's."""
    content, wanted = letter
    return _lent(wanted, lambda running: _call(content, running))


def _call(content: bytes, running: Running) -> bytes:
    try:
        function, args, kwargs = pickle.loads(content)
        with running():
            value = function(*args, **kwargs)
    except BaseException as error:
        return _packed(Caught(error))
    try:
        return _packed((value,))
    except Exception as error:
        return _failure(error, f"the result of {describe_callable(function)} cannot travel back from its process")


def _packed(value: object) -> bytes:
    return dumps_plainly(value)


def _failure(error: BaseException, text: str) -> bytes:
    failure = CannotSend(f"{text}: {type(error).__name__}: {error}")
    failure.__cause__ = error
    return _packed(Caught(failure))


def _cannot_return(piped: Any, sink: Any, error: BaseException) -> CannotSend:
    steps = [step for group in shipping.stages_of(piped) for step in reversed(group)]
    named = next((step.describe() for step in steps if step.calls()), sink.describe())
    return CannotSend(
        f"{named} returned what cannot travel back from a worker process: "
        f"{str(error) or type(error).__name__}.\n"
        f"    Return plain data instead (a list for a generator), or run the plan on threads: "
        f".on('threads')"
    )
