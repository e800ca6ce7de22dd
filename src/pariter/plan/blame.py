"""The note on a user's exception: which step raised it, at which item, on which worker.

A leaf is a chain of C iterators, so nothing records where it is. When something was raised, the
traceback tells the step (the first frame that is not ours runs the code of one of the plan's
functions) and the spots tell the item. Only functions that could be mistaken for one another, of
the same code or without Python code, are wrapped beforehand in one Python call that tells them apart.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Sequence
from traceback import walk_tb
from types import CodeType, FrameType, FunctionType, MethodType
from typing import Any, TypeVar

from pariter._describe import describe_callable, describe_value
from pariter.plan.place import Site
from pariter.plan.stages import Function, Step

S = TypeVar("S", bound=Step)
PREFIX = "pariter: raised by "
_GENERATOR = 0x20 | 0x80 | 0x200
"""The flags of generators and coroutines, as in `inspect`, which takes long to import."""


def told_apart(step: S, seen: set[object]) -> S:
    """`step` with those functions wrapped that a traceback could not tell from the ones before.

    `seen` holds what identifies the functions met so far in a plan, and learns the new ones.
    """
    wrapped = {}
    for name, fn in step.calls().items():
        key = _code_of(fn)
        if key in seen:
            wrapped[name] = Told(fn, step)
        seen.add(key)
    return step.with_calls(wrapped) if wrapped else step


class Told:
    """A function that says which step it belongs to, in its frame."""

    __slots__ = ("fn", "step")

    def __init__(self, fn: Function, step: Step) -> None:
        self.fn = fn
        self.step = step

    def __call__(self, *args: Any) -> Any:
        return self.fn(*args)

    def __repr__(self) -> str:
        return describe_callable(self.fn)


_TOLD_CODE = Told.__call__.__code__


def _code_of(fn: Any) -> CodeType | None:
    """The code that runs first when `fn` is called, None where that is C or cannot be known."""
    function = _function_of(fn)
    return None if function is None else function.__code__


def _function_of(fn: Any) -> FunctionType | None:
    while isinstance(fn, (functools.partial, MethodType)):
        fn = fn.func if isinstance(fn, functools.partial) else fn.__func__
    if not isinstance(fn, (FunctionType, type)):
        fn = getattr(type(fn), "__call__", None)  # noqa: B004 - its code is what is wanted
    return fn if isinstance(fn, FunctionType) else None


def annotate(error: BaseException, site: Site, sink: Step, worker: str) -> None:
    """Add the note, unless the exception comes out of a plan inside this one or out of a barrier."""
    met = [(step, below) for below in site.walk() for step in below.steps]
    step, raised_before = _culprit(error, [step for step, _ in met], sink)
    if raised_before and _noted(error):
        return
    place = next((below for each, below in met if _is_of(step, each)), site).place()
    where = "" if place is None else f" at {place.words or f'item {place.index}'}"
    if step is not None and place is not None:
        where += f" ({describe_value(place.item)})"
    name = "the source" if step is None else step.describe()
    _note(error, f"{PREFIX}{name}{where}, on {worker}")


def annotate_key(error: BaseException, step: Step, items: Sequence[Any], worker: str) -> None:
    """Add the note of an exception that was raised while `items` were sorted, outside any leaf."""
    codes = {_code_of(fn) for fn in step.calls().values()} - {None}
    where = ""
    for frame, _ in walk_tb(error.__traceback__):
        if frame.f_code in codes:
            arguments = [each for value in frame.f_locals.values() for each in (value, *_if_tuple(value))]
            met = (at for at, item in enumerate(items) if any(item is argument for argument in arguments))
            if (at := next(met, None)) is not None:
                where = f" at item {at} ({describe_value(items[at])})"
            break
    _note(error, f"{PREFIX}{step.describe()}{where}, on {worker}")


def _if_tuple(value: Any) -> tuple[Any, ...]:
    return value if type(value) is tuple else ()


def _is_of(culprit: Step | None, step: Step) -> bool:
    """Whether `culprit` is `step`, or what a function of it says it belongs to: `step` before it was wrapped."""
    return culprit is step or any(isinstance(fn, Told) and fn.step is culprit for fn in step.calls().values())


def annotate_merge(error: BaseException, step: Step, worker: str, at: tuple[int, Any] | None = None) -> None:
    """Add the note of an exception that was raised while results were combined, `at` an index and its item."""
    if not _noted(error):
        where = ", combining results" if at is None else f" at item {at[0]} ({describe_value(at[1])})"
        _note(error, f"{PREFIX}{step.describe()}{where}, on {worker}")


def _noted(error: BaseException) -> bool:
    return any(str(note).startswith(PREFIX) for note in getattr(error, "__notes__", ()))


def _note(error: BaseException, note: str) -> None:
    notes = getattr(error, "__notes__", None)
    if notes:  # an exception object that is raised again carries the note of its last time
        notes[:] = [old for old in notes if not str(old).startswith(PREFIX)]
    with contextlib.suppress(Exception):  # a class that refuses attributes is raised as it is
        error.add_note(note)


def _comes_from(frame: FrameType, caller: FrameType | None) -> bool:
    """Whether `frame` was called by `caller`, as far as can be known: a generator that ended forgets who did."""
    if frame.f_back is None:
        return bool(frame.f_code.co_flags & _GENERATOR)
    return frame.f_back is caller


_GO_THROUGH_ALL = (sum, min, max, any, all, sorted, list, tuple, set, frozenset, dict)
"""Functions without Python code that may as well have refused what cannot be iterated."""


def _likely(error: BaseException, steps: list[Step], sink: Step, opaque: list[Step]) -> Step:
    """Whom to name if no frame of a function tells: `opaque` are the steps whose functions have none."""
    functions = [fn for step in opaque for fn in step.calls().values()]
    if not any(fn is each for fn in functions for each in _GO_THROUGH_ALL):
        if (told := _by_message(error, steps, sink)) is not None:
            return told
    silent = [step for step in steps if not step.calls()]
    return next(iter((*opaque, *silent, *(steps[-1:] if sink.is_passive else ()))), sink)


def _by_message(error: BaseException, steps: list[Step], sink: Step) -> Step | None:
    """The step that the interpreter's own words point to, where it raised before any function had a frame."""
    if type(error) is not TypeError:
        return None
    text = str(error)
    called, _, misfit = text.partition("() ")
    if "argument" in misfit:
        for step in (*steps, sink):
            if any(function.__qualname__ == called for function in _functions(step)):
                return step
    if "not iterable" in text or "non-iterator" in text or text.startswith("iteration over"):
        return next((step for step in steps if step.iterates), None)
    return None


def _functions(step: Step) -> list[FunctionType]:
    return [function for fn in step.calls().values() if (function := _function_of(fn)) is not None]


def _generators(step: Step) -> list[CodeType]:
    """The generator expressions written in functions whose results the step goes through."""
    inner = (part for function in _functions(step) for part in function.__code__.co_consts)
    return [part for part in inner if isinstance(part, CodeType) and part.co_flags & _GENERATOR]


def _is_iterator(code: CodeType) -> bool:
    return bool(code.co_flags & _GENERATOR) or code.co_name in ("__iter__", "__next__")


def _culprit(error: BaseException, steps: list[Step], sink: Step) -> tuple[Step | None, bool]:
    """The step that raised, None for the source; and whether a run before this one met it already."""
    traceback = error.__traceback__
    codes: dict[CodeType, Step] = {}
    opaque: list[Step] = []
    for step in (*steps, sink):
        for fn in step.calls().values():
            code = _code_of(fn)
            if code is None:
                opaque.append(step)
            elif code is not _TOLD_CODE:
                codes.setdefault(code, step)
        if step.iterates:
            for code in _generators(step):
                codes.setdefault(code, step)
    if traceback is None:  # nothing was raised, a function ended its iterator
        opaque = [step for step in steps if step.calls()]
    suspect: Step | None = _likely(error, steps, sink, opaque)
    through = next((step for step in reversed(steps) if step.iterates and not opaque), suspect)
    kinds: dict[Any, Step | None] = {type(step): step for step in steps}
    entered = False  # a function of the plan
    outside = False  # code of others, which may yet come to one: heapq calls what the items come from
    before: FrameType | None = None
    while traceback is not None:
        frame, traceback = traceback.tb_frame, traceback.tb_next
        if (entered or outside) and not _comes_from(frame, before):
            break  # an exception object that is raised again drags along where it was raised before
        before = frame
        module, code = str(frame.f_globals.get("__name__", "")), frame.f_code
        if not module.startswith("pariter."):
            if not entered and (not outside or code in codes):
                suspect = codes.get(code, through if _is_iterator(code) else suspect)
                entered, outside = code in codes, True
        elif entered or outside:
            if ".fluent." in module or code.co_name == "_raise_held":
                return suspect, True
        if entered:
            continue
        if code.co_name == "_refuse" and module.startswith("pariter."):
            suspect, entered = frame.f_locals["self"], True
        elif code is _TOLD_CODE:
            suspect, entered = frame.f_locals["self"].step, True
        elif code.co_name == "fetch" and module.startswith("pariter."):
            suspect, entered = None, True
        elif not opaque:  # what is raised while a stage goes through a function's results is that function's
            suspect = kinds.get(type(frame.f_locals.get("self")), suspect)
    return suspect, False
