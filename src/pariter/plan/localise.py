"""Give each worker its own copy of a function, where nobody can tell the copy from the function.

On an interpreter without a GIL a function made inside another one is a counted object, and so are its cells
and what they hold: threads that call it, or read its variables, pass the cache lines with the counts to and
fro, and two of them are slower than one. Copies remove that. What is copied, and why it is sound:

*   A cell, if what it holds can never change again, or not before the plan is over. That is known if only
    functions of the plan refer to it, and they do not bind it; or if the function that it belongs to binds
    it once; or if that function waits for this very plan, and the code nested in it does not bind it.
*   A number, because which object a number is means nothing. (Not a NaN, which containers find by identity.)
*   A tuple or a frozenset, if it is only subscripted, searched, looped over (by `zip`, `sum` and the like, too) or
    measured, so that it goes nowhere.
*   A list, dict or set, if in addition nothing but its cell refers to it and nothing that has the cell
    does more to it, so that nobody can change it. Large ones stay shared: copying them costs too much.
*   A function held in a cell, if it is only called, and asked for its name.
*   The object that a method belongs to, if the method merely reads plain attributes: see `receivers`.

Everything else stays shared. What is done behind Python's back (`cell_contents = ...`) is not seen.
"""

from __future__ import annotations

import functools
import itertools
import sys
from collections.abc import Callable, Iterable
from inspect import CO_NESTED
from types import BuiltinFunctionType, CellType, CodeType, FrameType, FunctionType, MethodType, ModuleType
from typing import Any, TypeVar

from pariter._describe import describe_callable
from pariter.plan import owners, receivers, usage
from pariter.plan.blame import Told
from pariter.plan.stages import Function, Step

F = TypeVar("F", bound=Function)
S = TypeVar("S", bound=Step)
Copy = Callable[["Copies", Any], Any]
"""Makes a worker's copy of what a cell holds."""

LARGEST = 10_000
"""Collections with more items than this stay shared."""
_FEW = 100
_CALLING = {usage.CALL, usage.NAME}

_READING: dict[type, set[str]] = {
    tuple: {usage.SUBSCRIPT, usage.CONTAINS, usage.LOOP, usage.ITERATE, usage.LEN},
    frozenset: {usage.CONTAINS, usage.LEN},
    list: {usage.SUBSCRIPT, usage.CONTAINS, usage.LOOP, usage.LEN},
    dict: {usage.SUBSCRIPT, usage.CONTAINS, usage.LOOP, usage.LEN, usage.GET},
    set: {usage.CONTAINS, usage.LEN},
}
_BUILTINS = {"len", *usage.CONSUMING, *usage.PASSING_ON}
_IMMUTABLE = (tuple, frozenset)
_NUMBERS = (int, float, complex)
_COUNTED_WELL = (type, ModuleType, BuiltinFunctionType, bool, type(None), str, bytes, *_NUMBERS)


def localise(fn: F) -> F:
    """A copy of `fn` for the calling thread, as far as that is sound; `fn` itself if there is nothing to copy.

    The function that `fn` was made in counts as waiting if it is among the callers.
    """
    copy: F = Copies(Survey([fn], sys._getframe(1))).function(fn)
    return copy


def _is_inner(fn: object) -> bool:
    """Whether `fn` is a counted function: those of modules and classes are not."""
    return isinstance(fn, FunctionType) and bool(fn.__code__.co_flags & CO_NESTED)


class Survey:
    """What may be copied of some functions: those of one run.

    Made in the thread that waits for the run, with its `frame`; without one, no function counts as waiting.
    """

    def __init__(self, functions: Iterable[Function], frame: FrameType | None = None) -> None:
        self._frame = frame
        self._found: dict[int, FunctionType] = {}
        self._holders: dict[int, list[FunctionType]] = {}
        self._later: set[int] = set()
        functions = list(functions)
        for fn in functions:
            self._explore(fn)
        self._read = {id(fn): names for fn in map(_innermost, functions) if (names := _read_by(fn, functions))}
        self._copies = {
            id(cell): copy
            for fn in self._found.values()
            for name, cell in owners.cells(fn)
            if (copy := self._copy_of(cell, name)) is not None
        }
        self._frame = None

    def _explore(self, fn: Any) -> None:
        """Find `fn` and the functions that it, or they, call by their variables."""
        waiting = [(fn, False)]
        while waiting:
            fn, later = waiting.pop()
            fn = _innermost(fn)
            if not _is_inner(fn) or (id(fn) in self._found and (id(fn) in self._later or not later)):
                continue
            for name, cell in owners.cells(fn):
                if id(fn) not in self._found:
                    self._holders.setdefault(id(cell), []).append(fn)
                if not owners.is_empty(cell) and usage.uses(fn.__code__, name) <= _CALLING:
                    waiting.append((cell.cell_contents, later or usage.may_use_later(fn.__code__, name)))
            self._found[id(fn)] = fn
            if later:
                self._later.add(id(fn))

    def _copy_of(self, cell: CellType, name: str) -> Copy | None:
        """How to copy a cell's content, None to share the cell."""
        holders = self._holders[id(cell)]
        codes = [fn.__code__ for fn in holders]
        if owners.is_empty(cell) or any(usage.stores(code, name) for code in codes):
            return None
        readers: list[CodeType] | None = codes
        if not owners.is_held_by_these_only(cell, holders):
            owner = owners.owner_of(cell, name, holders[0], self._frame)
            if owner is None:
                return None
            waits = owner.waits and not any(map(self._may_use_later, holders, itertools.repeat(name)))
            if not (usage.binds_once(owner.code, name) or (waits and not usage.stored_inside(owner.code, name))):
                return None
            readers = usage.captured_inside(owner.code, name) if waits else None
        return self._content_copy(cell, name, holders, readers)

    def _may_use_later(self, fn: FunctionType, name: str) -> bool:
        """Whether the variable `name` of `fn` may be used when the plan is over."""
        return id(fn) in self._later or usage.may_use_later(fn.__code__, name)

    def _content_copy(
        self, cell: CellType, name: str, holders: list[FunctionType], readers: list[CodeType] | None
    ) -> Copy:
        """How to copy the content of a cell that may be copied; `readers` is all code that may use it meanwhile."""
        is_alone = owners.is_alone(cell)
        value = cell.cell_contents
        kind = type(value)
        codes = [fn.__code__ for fn in holders]
        if kind in _NUMBERS:
            return _same if any(map(usage.compares_identity, codes)) else Copies.number
        if kind in (FunctionType, functools.partial):
            return Copies.called if _uses(codes, name) <= _CALLING else _same
        if kind not in _READING or len(value) > LARGEST or any(_BUILTINS & fn.__globals__.keys() for fn in holders):
            return _same
        if kind not in _IMMUTABLE:
            if readers is None or not is_alone:
                return _same
            codes = readers
        return Copies.collection if _uses(codes, name) <= _READING[kind] else _same

    def read_by(self, fn: Any) -> frozenset[str] | None:
        """The attributes that are all `fn` uses of the object it is called on; None if that stays shared."""
        return self._read.get(id(fn))

    def how(self, cell: CellType) -> Copy | None:
        """How to copy a cell's content, None to share the cell."""
        return self._copies.get(id(cell))

    def shared(self, fn: Any) -> str | None:
        """What all threads will count when they call `fn`, in words; None if that is nothing of weight."""
        fn = _innermost(fn)
        if self.read_by(fn) is not None:
            return None
        if isinstance(fn, MethodType):
            return f"the {type(fn.__self__).__name__} that {describe_callable(fn)} belongs to"
        if not isinstance(fn, FunctionType):
            return None if isinstance(fn, _COUNTED_WELL) else f"the {type(fn).__name__} itself"
        for name, cell in owners.cells(fn):
            how = self.how(cell)
            if how is None:
                return f"the variable {name!r}, which may be bound anew"
            if how is _same and not isinstance(cell.cell_contents, _COUNTED_WELL):
                return f"the {type(cell.cell_contents).__name__} in the variable {name!r}"
        return None


def _read_by(fn: Any, functions: list[Function]) -> frozenset[str] | None:
    """What a method, or an object with `__call__`, reads of its object, if nobody in the plan sets it."""
    found = receivers.receiver_of(fn)
    names = None if found is None else receivers.attributes_read(*found)
    if not names:
        return None
    codes = [code for each in functions for code in receivers.codes_of(_innermost(each))]
    codes += [inner for code in codes for inner in usage.code_in(code)]
    return None if any(receivers.may_set(code, names) for code in codes) else names


def _innermost(fn: Any) -> Any:
    while isinstance(fn, (functools.partial, Told)):
        fn = fn.func if isinstance(fn, functools.partial) else fn.fn
    return fn


def _uses(codes: list[CodeType], name: str) -> frozenset[str]:
    return frozenset().union(*(usage.uses(code, name) for code in codes))


def _same(copies: Copies, value: Any) -> Any:
    return value


class Copies:
    """The copies of one worker in one run; made, and used, in the worker's thread."""

    def __init__(self, survey: Survey) -> None:
        self._survey = survey
        self._functions: dict[int, FunctionType] = {}
        self._cells: dict[int, CellType] = {}
        self._stages: dict[int, tuple[Any, Any]] = {}
        self._unfilled: list[FunctionType] = []
        self._receivers: dict[int, receivers.Receiver] = {}

    def refresh(self) -> None:
        """Between two blocks: see what was set on objects whose copies are called."""
        for receiver in self._receivers.values():
            receiver.refresh()

    def stages(self, stages: tuple[S, ...]) -> tuple[S, ...]:
        """The same steps with this worker's functions."""
        known = self._stages.get(id(stages))
        if known is None:
            known = self._stages[id(stages)] = stages, tuple(map(self.step, stages))
        return known[1]

    def step(self, step: S) -> S:
        """The same step with this worker's functions."""
        calls = step.calls()
        copies = {field: copy for field, fn in calls.items() if (copy := self.function(fn)) is not fn}
        return step.with_calls(copies) if copies else step

    def function(self, fn: Any) -> Any:
        """This worker's `fn`."""
        copy = self.called(fn)
        while self._unfilled:
            self._fill(self._unfilled.pop())
        return copy

    def called(self, fn: Any) -> Any:
        """This worker's `fn`, the cells of which may still be empty."""
        if type(fn) is Told:
            return Told(self.called(fn.fn), fn.step)
        if type(fn) is functools.partial:
            inner = self.called(fn.func)
            return fn if inner is fn.func else functools.partial(inner, *fn.args, **fn.keywords)
        if (names := self._survey.read_by(fn)) is not None:
            return self._on_copy(fn, names)
        if not _is_inner(fn):
            return fn
        return self._functions.get(id(fn)) or self._copied(fn)

    def _on_copy(self, fn: Any, names: frozenset[str]) -> Any:
        """The method, or the object with `__call__`, of this worker's copy of its object."""
        found = receivers.receiver_of(fn)
        assert found is not None
        original, method = found
        receiver = self._receivers.get(id(fn))
        if receiver is None:
            receiver = self._receivers[id(fn)] = receivers.Receiver(original, names, self.number)
        return MethodType(self.called(method), receiver.copy) if isinstance(fn, MethodType) else receiver.copy

    def _copied(self, fn: FunctionType) -> FunctionType:
        # Attributes and annotations stay behind: a copy is called, and nobody gets to see it.
        closure = None if fn.__closure__ is None else tuple(map(self._cell, fn.__closure__))
        copy = FunctionType(fn.__code__, fn.__globals__, fn.__name__, None, closure)
        copy.__qualname__ = fn.__qualname__
        fresh = _same if usage.compares_identity(fn.__code__) else Copies.number
        if fn.__defaults__:
            copy.__defaults__ = tuple(fresh(self, value) for value in fn.__defaults__)
        if fn.__kwdefaults__:
            copy.__kwdefaults__ = {key: fresh(self, value) for key, value in fn.__kwdefaults__.items()}
        self._functions[id(fn)] = copy
        self._unfilled.append(fn)
        return copy

    def _cell(self, cell: CellType) -> CellType:
        if self._survey.how(cell) is None:
            return cell
        copy = self._cells.get(id(cell))
        if copy is None:
            copy = self._cells[id(cell)] = CellType()
        return copy

    def _fill(self, fn: FunctionType) -> None:
        for cell in fn.__closure__ or ():
            how, copy = self._survey.how(cell), self._cells.get(id(cell))
            if how is not None and copy is not None and owners.is_empty(copy):
                copy.cell_contents = how(self, cell.cell_contents)

    def number(self, value: Any) -> Any:
        """An equal number that this thread made; anything else as it is."""
        if type(value) in _NUMBERS and value == value:
            negative = -value
            return -negative
        return value

    def collection(self, value: Any) -> Any:
        """A collection of the same items that this thread made."""
        if type(value) in (tuple, list):
            items = list(map(self.number, value) if len(value) <= _FEW else value)
            return tuple(items) if type(value) is tuple else items
        # A set of a set calls no __hash__, and can be searched as well as a frozenset.
        return set(value) if type(value) is frozenset else value.copy()
