"""Objects whose methods a plan calls: which of their attributes a method reads, if reading is all it does.

A bound method counts the object it belongs to, and so does an object with `__call__`: two threads that call one
are slower than one. A worker may call a copy of the object instead if the method's own code does nothing with
`self` but read attributes that are plain values, calls nothing that could reach the object in another way, and
no other function of the plan sets attributes of those names. What somebody else sets meanwhile is seen at the
next block: see `Receiver.refresh`.
"""

from __future__ import annotations

import builtins
import dis
import inspect
import sys
from collections.abc import Callable, Iterator
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

_KNOWN_LAYOUT = sys.version_info >= (3, 13)
_PLAIN = (int, float, complex, bool, str, bytes, type(None), tuple, frozenset, list, dict, set, range)
_LOADS_OF_TWO = ("LOAD_FAST_LOAD_FAST", "LOAD_FAST_BORROW_LOAD_FAST_BORROW", "STORE_FAST_LOAD_FAST")
_LOADS = ("LOAD_FAST", "LOAD_FAST_CHECK", "LOAD_FAST_BORROW", *_LOADS_OF_TWO)
_REFUSED = ("STORE_ATTR", "DELETE_ATTR", "STORE_GLOBAL", "DELETE_GLOBAL", "STORE_DEREF", "IMPORT_NAME")
_SETTERS = {"setattr", "delattr", "vars", "__dict__", "__setattr__", "__delattr__", "exec", "eval"}
_HEAP_TYPE = 1 << 9
_UNBOUND = object()


class Receiver:
    """One worker's copy of an object, which has the attributes that are read."""

    __slots__ = ("_fresh", "_original", "_seen", "copy")

    def __init__(self, original: Any, names: frozenset[str], fresh: Callable[[Any], Any]) -> None:
        self._original = original
        self._fresh = fresh
        self._seen: dict[str, Any] = dict.fromkeys(names, _UNBOUND)
        self.copy = object.__new__(type(original))
        self.refresh()

    def refresh(self) -> None:
        """Set what was set on the original since the last time."""
        own = self._original.__dict__
        for name, seen in self._seen.items():
            value = own.get(name, _UNBOUND)
            if value is seen:
                continue
            if value is _UNBOUND:
                object.__delattr__(self.copy, name)
            else:
                object.__setattr__(self.copy, name, self._fresh(value))
            self._seen[name] = value


def receiver_of(fn: Any) -> tuple[Any, FunctionType] | None:
    """The object that `fn` is called on and the function that is called; None if there is none in Python."""
    if type(fn) is MethodType and isinstance(fn.__func__, FunctionType):
        return fn.__self__, fn.__func__
    call = getattr(type(fn), "__call__", None)  # noqa: B004 - the function is wanted
    if isinstance(call, FunctionType) and not isinstance(fn, type):
        return fn, call
    return None


def attributes_read(receiver: Any, method: FunctionType) -> frozenset[str] | None:
    """The attributes of `receiver` itself that `method` reads; None if it may do more, or they are no plain values."""
    if not _is_plain_object(receiver):
        return None
    names = _names_read(method)
    if names is None:
        return None
    own: dict[str, Any] = receiver.__dict__
    for name in names:
        on_type = inspect.getattr_static(type(receiver), name, None)
        value = own.get(name, on_type)
        if hasattr(type(on_type), "__get__") or type(value) not in _PLAIN:
            return None
    return names & own.keys()


def may_set(code: CodeType, names: frozenset[str]) -> bool:
    """Whether `code`, or code nested in it, sets attributes of one of these names, or of any name at all."""
    if not _SETTERS.isdisjoint(code.co_names):
        return True
    for ins in dis.get_instructions(code):
        if ins.opname in ("STORE_ATTR", "DELETE_ATTR") and ins.argval in names:
            return True
    return any(may_set(const, names) for const in code.co_consts if isinstance(const, CodeType))


def _is_plain_object(receiver: Any) -> bool:
    """Whether all there is to an object are the attributes in its `__dict__`, looked up as usual."""
    kind = type(receiver)
    return (
        all(base.__flags__ & _HEAP_TYPE for base in kind.__mro__[:-1])
        and all(getattr(kind, name) is getattr(object, name) for name in ("__getattribute__", "__setattr__"))
        and not any(hasattr(kind, name) for name in ("__getattr__", "__del__"))
        and isinstance(getattr(receiver, "__dict__", None), dict)
    )


def _names_read(method: FunctionType) -> frozenset[str] | None:
    code = method.__code__
    if not _KNOWN_LAYOUT or not code.co_argcount or code.co_varnames[0] in code.co_cellvars:
        return None
    if code.co_flags & (inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR):
        return None
    if any(isinstance(const, CodeType) for const in code.co_consts):
        return None
    own = code.co_varnames[0]
    names: set[str] = set()
    instructions = list(dis.get_instructions(code))
    for at, ins in enumerate(instructions):
        if ins.opname in _REFUSED or "WITH" in ins.opname:
            return None
        if ins.opname == "LOAD_GLOBAL" and (ins.arg or 0) & 1 and not _is_harmless(method, str(ins.argval)):
            return None
        if ins.opname == "LOAD_ATTR" and (ins.arg or 0) & 1:  # a method of an item, say: who knows what it does
            return None
        if ins.opname == "PUSH_NULL" and not _is_function_of_module(method, instructions[at - 2 : at]):
            return None
        if own not in _locals_used(ins):
            continue
        after = instructions[at + 1]
        is_last = ins.opname in _LOADS and _locals_used(ins)[-1] == own and _locals_used(ins).count(own) == 1
        if not is_last or after.opname != "LOAD_ATTR" or (after.arg or 0) & 1:
            return None
        names.add(str(after.argval))
    return frozenset(names)


def _locals_used(ins: dis.Instruction) -> tuple[Any, ...]:
    """The local variables that an instruction names, the one that ends up on top of the stack last."""
    if "_FAST" not in ins.opname:
        return ()
    return ins.argval if isinstance(ins.argval, tuple) else (ins.argval,)


def _is_harmless(method: FunctionType, name: str) -> bool:
    """Whether calling the global `name` runs code of the interpreter only."""
    value = method.__globals__.get(name, getattr(builtins, name, None))
    return name not in _SETTERS and (
        isinstance(value, BuiltinFunctionType) or (isinstance(value, type) and not value.__flags__ & _HEAP_TYPE)
    )


def _is_function_of_module(method: FunctionType, before: list[dis.Instruction]) -> bool:
    """Whether what is called is a module's function in C, as in `math.sqrt(x)`."""
    if [ins.opname for ins in before] != ["LOAD_GLOBAL", "LOAD_ATTR"]:
        return False
    module = method.__globals__.get(str(before[0].argval))
    found = getattr(module, str(before[1].argval), None)
    return isinstance(module, ModuleType) and isinstance(found, BuiltinFunctionType)


def codes_of(fn: Any) -> Iterator[CodeType]:
    """The code of a function, method or object with `__call__`, if it has any."""
    found = receiver_of(fn)
    inner = fn if found is None else found[1]
    if isinstance(inner, FunctionType):
        yield inner.__code__
