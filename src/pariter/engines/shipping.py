"""How a plan, its pieces and its results travel to another process and back.

A plan's functions are pickled once a run, by cloudpickle, and named by the digest of the result, so
that a worker unpickles them once. A piece is a part of the source, pickled by plain pickle; where it
holds functions itself, it refers to those of the plan. Results and exceptions come back the same way.
"""

from __future__ import annotations

import io
import pickle
import sys
from collections.abc import Callable, Sequence
from types import FunctionType, GenericAlias, ModuleType
from typing import Any

from pariter import _pickle
from pariter._describe import describe_value, where_defined
from pariter.engines.memory import Lender
from pariter.errors import CannotSend
from pariter.plan.leases import local_steps
from pariter.plan.piped import Piped
from pariter.plan.sinks import Sink
from pariter.plan.stages import Stage, Step

UNOPENED = "a worker process cannot unpickle what it was sent"
"""How the message begins with which a worker says so."""


def steps_in_words(piped: Any, sink: Any) -> str:
    """The steps of a plan that call functions, in the order in which items pass them; else its terminal."""
    steps = [step.describe() for group in reversed(stages_of(piped)) for step in group if step.calls()]
    return ", ".join(steps) or str(sink.describe())


def stages_of(source: Any) -> list[tuple[Stage, ...]]:
    """The stages of every pipe in a source, outermost first."""
    found: list[tuple[Stage, ...]] = []
    waiting = [source]
    while waiting:
        here = waiting.pop()
        if isinstance(here, Piped):
            found.append(here.stages)
            waiting.append(here.source)
        else:
            waiting.extend(getattr(here, "parts", ()))
    return found


class Parcel:
    """The functions of one run, pickled."""

    def __init__(self, piped: Piped, sink: Sink, lender: Lender | None = None) -> None:
        self._reducers = {} if lender is None else lender.reducers()
        self.most_items = sys.maxsize if lender is None else lender.most_items(piped)
        self._pipes = list(dict.fromkeys(map(_Same, stages_of(piped))))
        stages = [same.stages for same in self._pipes]
        try:
            if lender is None:
                self.content = _pickle.dumps((stages, sink))
            else:
                self.content = lender.dumps((stages, lender.sink_for(sink, piped)))
        except Exception as error:
            steps = [step for group in stages for step in group]
            raise _cannot_send([*steps, sink], error) from error
        from hashlib import blake2b

        from pariter.engines.wanted import wanted

        self.wanted = wanted()
        self.digest = blake2b(self.content + self.wanted, digest_size=16).digest()
        self.keeps_state = any(local_steps(step for group in stages for step in group))
        self._numbers = {same: number for number, same in enumerate(self._pipes)}

    def piece(self, piped: Piped, at: int = 0) -> bytes:
        """A piece of the run's source that begins at position `at`, whose functions are those of this parcel."""
        try:
            return _dump((piped, at), {Piped: self._refer, **self._reducers})
        except CannotSend:
            raise
        except Exception as error:
            raise CannotSend(
                f"the items of the source cannot travel to a worker process: {error}.\n    Let the items be "
                f"plain data (a path for an open file), or run the plan on threads: .on('threads')"
            ) from error

    def _refer(self, piped: Piped) -> tuple[Any, ...]:
        return _pipe_of, (self._numbers.get(_Same(piped.stages), piped.stages), piped.source)


class _Same:
    """Stages compared by identity."""

    __slots__ = ("stages",)

    def __init__(self, stages: tuple[Stage, ...]) -> None:
        self.stages = stages

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.stages is self.stages

    def __hash__(self) -> int:
        return id(self.stages)


_open_parcel: list[tuple[Stage, ...]] = []


def _pipe_of(stages: int | tuple[Stage, ...], source: Any) -> Piped:
    return Piped(source, _open_parcel[stages] if isinstance(stages, int) else stages)


def open_piece(content: bytes, stages: list[tuple[Stage, ...]]) -> tuple[Piped, int]:
    """The piece, with the functions of its plan, and where it begins."""
    _open_parcel[:] = stages
    try:
        return pickle.loads(content)  # type: ignore[no-any-return]
    finally:
        _open_parcel.clear()


def _dump(value: object, reducers: dict[type, Callable[[Any], Any]]) -> bytes:
    buffer = io.BytesIO()
    pickler = pickle.Pickler(buffer, pickle.HIGHEST_PROTOCOL)
    pickler.dispatch_table = reducers
    try:
        pickler.dump(value)
        content = buffer.getvalue()
        if _pickle.MAIN not in content:
            return content
    except Exception:
        pass  # what does not pickle plainly may still travel
    buffer = io.BytesIO()
    careful = _pickle.cloud().Pickler(buffer, pickle.HIGHEST_PROTOCOL)
    careful.dispatch_table = {**careful.dispatch_table, **reducers}
    with _pickle.by_value:
        careful.dump(value)
    return buffer.getvalue()


# Saying what cannot travel.


def _cannot_send(steps: list[Any], error: BaseException) -> CannotSend:
    for step in steps:
        for fn in step.calls().values():
            if not _travels(fn):
                return CannotSend(
                    f"{step.name}() cannot send {where_defined(fn)} to a worker process: "
                    f"{_what_is_held(fn, error)}.\n    Give it what it needs in another way (open or make it "
                    f"inside the function, or with map_init), or run the plan on threads: .on('threads')"
                )
    for step in steps:
        if not _travels(step):
            return CannotSend(f"{step!r} cannot travel to a worker process: {error}")
    return CannotSend(f"the plan cannot travel to a worker process: {error}")


def _travels(value: object) -> bool:
    try:
        _pickle.dumps(value)
    except Exception:
        return False
    return True


def _what_is_held(fn: Any, error: BaseException) -> str:
    for name, value in held_by(fn):
        if not _travels(value):
            return f"{name} is {_a(type(value))}, which cannot be pickled"
    return f"{error}"


def _a(kind: type) -> str:
    name = f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins.").replace("_thread.", "threading.")
    return f"a {name}"


def held_by(fn: Any) -> list[tuple[str, Any]]:
    """What a function takes with it when it travels, each with the name a reader knows it by."""
    found: list[tuple[str, Any]] = []
    while not isinstance(fn, FunctionType) and hasattr(fn, "func") and hasattr(fn, "args") and hasattr(fn, "keywords"):
        found += [(f"argument {describe_value(value)}", value) for value in fn.args]
        found += [(f"argument {name!r}", value) for name, value in fn.keywords.items()]
        fn = fn.func
    owner = getattr(fn, "__self__", None)
    if owner is not None and not isinstance(owner, ModuleType):
        found.append((f"the object {describe_value(owner)}", owner))
        found += [(f"its attribute {name!r}", value) for name, value in vars_of(owner).items()]
    fn = getattr(fn, "__func__", fn)
    if isinstance(fn, FunctionType):
        for name, cell in zip(fn.__code__.co_freevars, fn.__closure__ or (), strict=True):
            try:
                found.append((f"its variable {name!r}", cell.cell_contents))
            except ValueError:  # an empty cell
                continue
        if fn.__module__ in ("__main__", "__mp_main__") or "<locals>" in fn.__qualname__ or fn.__name__ == "<lambda>":
            known = fn.__globals__
            found += [(f"the global {name!r}", known[name]) for name in fn.__code__.co_names if name in known]
        found += [(f"a default, {describe_value(value)}", value) for value in fn.__defaults__ or ()]
    else:
        found += [(f"its attribute {name!r}", value) for name, value in vars_of(fn).items()]
    return found


def vars_of(value: object) -> dict[str, Any]:
    """The attributes of an object that keeps them in a dict; none of a function, class, alias of one or module."""
    if isinstance(value, (type, FunctionType, GenericAlias, ModuleType)):
        return {}
    return dict(getattr(value, "__dict__", {}))


def check_travel(steps: Sequence[Step]) -> None:
    """Raise CannotSend for a step that holds something whose class says at once that it cannot travel.

    Costs microseconds, so that a plan which may never leave the process can be checked as well.
    """
    for step in steps:
        for fn in step.calls().values():
            held = [value for _, value in held_by(fn)]
            held += [inner for value in held for inner in vars_of(value).values()]
            if any(map(_never_travels, held)):
                raise _cannot_send([step], TypeError("it holds what cannot be pickled"))


_BY_CLOUDPICKLE = ("function", "module", "NoneType", "type", "method", "property", "cell")


def _never_travels(value: object) -> bool:
    kind = type(value)
    if (kind.__module__ == "builtins" and kind.__name__ in _BY_CLOUDPICKLE) or isinstance(value, type):
        return False
    if kind.__reduce__ is not object.__reduce__ or kind.__reduce_ex__ is not object.__reduce_ex__:
        return False
    try:
        value.__reduce_ex__(2)
    except TypeError:
        return not _travels(value)
    except Exception:
        return False
    return False
