"""What code does with the variables of the functions around it, read from its bytecode.

`localise` asks, to find out whether a copy of such a variable could be told from the variable itself.
Every answer errs towards "it could": an instruction not listed here counts as any use whatever, and so
does a stack effect that differs from the listed one. The stack layout is that of CPython 3.13 and later,
which are the ones that run without a GIL; before them every use is `OTHER`.
"""

from __future__ import annotations

import dis
import inspect
import sys
from collections.abc import Iterator
from functools import lru_cache
from types import CodeType
from typing import NamedTuple

SUBSCRIPT = "subscript"
CONTAINS = "contains"
LOOP = "loop"
ITERATE = "iterate"
LEN = "len"
GET = "get"
CALL = "call"
NAME = "name"
OTHER = "other"

CONSUMING = frozenset(("all", "any", "list", "max", "min", "set", "sorted", "sum"))
"""Builtins that go through their argument and keep nothing of it but its items."""
PASSING_ON = frozenset(("enumerate", "filter", "map", "reversed", "zip"))
"""Builtins that go through their argument when somebody goes through their result."""

_RESUMABLE = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR
_TOUCHES_NO_CONTENT = ("MAKE_CELL", "COPY_FREE_VARS", "LOAD_CLOSURE", "LOAD_FAST")
_KNOWN_LAYOUT = sys.version_info >= (3, 13)
_SUBSCRIPT_OPERATOR = 26  # of BINARY_OP, from 3.14 on

# Pops and pushes of instructions that take what they need off the top of the stack.
_MOVES = {
    **dict.fromkeys(("NOP", "NOT_TAKEN", "RESUME", "EXTENDED_ARG", "CACHE", "JUMP_FORWARD"), (0, 0)),
    **dict.fromkeys(("LOAD_FAST", "LOAD_FAST_CHECK", "LOAD_FAST_BORROW", "LOAD_CONST"), (0, 1)),
    **dict.fromkeys(("LOAD_SMALL_INT", "LOAD_COMMON_CONSTANT", "LOAD_DEREF", "PUSH_NULL"), (0, 1)),
    **dict.fromkeys(("LOAD_FAST_LOAD_FAST", "LOAD_FAST_BORROW_LOAD_FAST_BORROW"), (0, 2)),
    **dict.fromkeys(("STORE_FAST", "STORE_DEREF", "STORE_GLOBAL", "POP_TOP", "RETURN_VALUE"), (1, 0)),
    **dict.fromkeys(("UNARY_NEGATIVE", "UNARY_INVERT", "UNARY_NOT", "TO_BOOL", "GET_ITER"), (1, 1)),
    **dict.fromkeys(("FORMAT_SIMPLE", "CONVERT_VALUE", "MAKE_FUNCTION"), (1, 1)),
    **dict.fromkeys(("BINARY_OP", "BINARY_SUBSCR", "COMPARE_OP", "CONTAINS_OP", "IS_OP"), (2, 1)),
    **dict.fromkeys(("POP_JUMP_IF_TRUE", "POP_JUMP_IF_FALSE"), (1, 0)),
    **dict.fromkeys(("POP_JUMP_IF_NONE", "POP_JUMP_IF_NOT_NONE"), (1, 0)),
    **dict.fromkeys(("LIST_EXTEND", "SET_UPDATE", "DICT_UPDATE", "DICT_MERGE"), (1, 0)),  # of what stands below
    "CALL_INTRINSIC_1": (1, 1),
    "STORE_FAST_STORE_FAST": (2, 0),
    "BINARY_SLICE": (3, 1),
}
_LAST = ("RETURN_VALUE", "RETURN_CONST", "RAISE_VARARGS", "RERAISE")


class _Facts(NamedTuple):
    """What is read off a code object, once."""

    instructions: list[dis.Instruction]
    at_offset: dict[int, int]
    stored: frozenset[str]
    """Variables that this code, or code nested in it, binds or deletes."""
    nested: tuple[CodeType, ...]


@lru_cache(maxsize=512)
def _facts(code: CodeType) -> _Facts:
    instructions = list(dis.get_instructions(code))
    nested = tuple(const for const in code.co_consts if isinstance(const, CodeType))
    stored = {
        str(ins.argval)
        for ins in instructions
        if ins.opcode in dis.hasfree and not (ins.opname.startswith("LOAD_") or ins.opname in _TOUCHES_NO_CONTENT)
    }
    stored.update(*(_facts(inner).stored for inner in nested))
    at_offset = {ins.offset: at for at, ins in enumerate(instructions)}
    return _Facts(instructions, at_offset, frozenset(stored), nested)


def code_in(code: CodeType) -> Iterator[CodeType]:
    """`code` and all code nested in it, at any depth."""
    yield code
    for nested in _facts(code).nested:
        yield from code_in(nested)


def stores(code: CodeType, name: str) -> bool:
    """Whether `code`, or code nested in it, may bind `name` to something else."""
    return name in _facts(code).stored


def stored_inside(code: CodeType, name: str) -> bool:
    """Whether code nested in `code` may bind `name` to something else."""
    return any(stores(inner, name) for inner in _facts(code).nested)


def binds_once(code: CodeType, name: str) -> bool:
    """Whether `name`, a variable of `code` itself, is bound only once in each call of it."""
    facts = _facts(code)
    arguments = code.co_argcount + code.co_kwonlyargcount
    arguments += bool(code.co_flags & inspect.CO_VARARGS) + bool(code.co_flags & inspect.CO_VARKEYWORDS)
    bound = int(name in code.co_varnames[:arguments])
    loops = [
        (ins.argval, ins.offset)
        for ins in facts.instructions
        if (ins.opcode in dis.hasjrel or ins.opcode in dis.hasjabs) and ins.argval <= ins.offset
    ]
    for ins in facts.instructions:
        if ins.opcode not in dis.hasfree or ins.argval != name or ins.opname in _TOUCHES_NO_CONTENT:
            continue
        if ins.opname == "STORE_DEREF":
            in_loop = any(begin <= ins.offset <= end for begin, end in loops)
            bound += 2 if in_loop else 1
        elif not ins.opname.startswith("LOAD_"):
            return False
    return bound == 1 and not stored_inside(code, name)


def captures_from(owner: CodeType, inner: CodeType, name: str) -> bool:
    """Whether `name` in the function of code `inner` is the variable of `owner`, which encloses it."""
    return name in owner.co_cellvars and _reaches(owner, inner, name)


def _reaches(outer: CodeType, inner: CodeType, name: str) -> bool:
    return any(
        nested is inner or _reaches(nested, inner, name)
        for nested in _facts(outer).nested
        if name in nested.co_freevars
    )


def captured_inside(code: CodeType, name: str) -> list[CodeType]:
    """The code nested in `code`, at any depth, that uses the variable `name` of the functions around it."""
    found = []
    for nested in _facts(code).nested:
        if name in nested.co_freevars:
            found += [nested, *captured_inside(nested, name)]
    return found


def may_use_later(code: CodeType, name: str) -> bool:
    """Whether a call of `code` may leave something behind that uses `name` after the call."""
    return bool(code.co_flags & _RESUMABLE or captured_inside(code, name))


def compares_identity(code: CodeType) -> bool:
    """Whether `code`, or code nested in it, may ask which object a number is."""
    facts = _facts(code)
    before = ""
    for ins in facts.instructions:
        if ins.opname == "IS_OP" and before not in ("LOAD_CONST", "LOAD_COMMON_CONSTANT"):
            return True
        before = ins.opname
    return "id" in code.co_names or any(map(compares_identity, facts.nested))


def uses(code: CodeType, name: str) -> frozenset[str]:
    """All that `code`, and code nested in it, does with what the variable `name` holds."""
    found: set[str] = set()
    for each in (code, *captured_inside(code, name)):
        found |= _own_uses(each, name)
    return frozenset(found)


@lru_cache(maxsize=512)
def _own_uses(code: CodeType, name: str) -> frozenset[str]:
    facts = _facts(code)
    found: set[str] = set()
    for at, ins in enumerate(facts.instructions):
        if ins.opcode in dis.hasfree and ins.argval == name and ins.opname not in _TOUCHES_NO_CONTENT:
            known = _KNOWN_LAYOUT and ins.opname == "LOAD_DEREF"
            found.update(_ends(facts, at) if known else (OTHER,))
    return frozenset(found)


def _ends(facts: _Facts, start: int) -> Iterator[str]:
    """What takes the value that instruction `start` pushed, on every way the code can go."""
    instructions = facts.instructions
    waiting = [(start + 1, 0)]  # where to go on, and how many values lie above ours
    seen: set[tuple[int, int]] = set()
    while waiting:
        state = waiting.pop()
        if state in seen:
            continue
        seen.add(state)
        at, above = state
        ins = instructions[at]
        moves = _moves(ins)
        if moves is None:
            yield OTHER
            return
        pops, pushes = moves
        if pops > above:
            yield from _uses_at(facts, start, at, above)
        elif ins.opname not in _LAST:
            above += pushes - pops
            if ins.opcode in dis.hasjrel:
                waiting.append((facts.at_offset[ins.argval], above))
            if ins.opname != "JUMP_FORWARD":
                waiting.append((at + 1, above))


def _uses_at(facts: _Facts, start: int, at: int, above: int) -> Iterator[str]:
    """What instruction `at` does with the value; what is done with its result, if that goes through the value."""
    use = _use(facts.instructions, start, at, above)
    if use == OTHER and _is_consumed(facts.instructions, at, above):
        yield LOOP
    elif use == OTHER and _is_passed_on(facts.instructions, at, above):
        yield from (LOOP if each == LOOP else OTHER for each in _ends(facts, at))
    elif use == ITERATE and _feeds_generator(facts.instructions, at + 1):
        yield from (LOOP if each == LOOP else ITERATE for each in _ends(facts, at + 1))
    else:
        yield use


def _is_consumed(instructions: list[dis.Instruction], at: int, above: int) -> bool:
    """Whether instruction `at` calls a builtin that goes through the value, and keeps and returns no trace of it."""
    callee, index, many = _called(instructions, at, above)
    if callee is None or callee.opname != "LOAD_GLOBAL" or callee.argval not in CONSUMING:
        return False
    return index == 0 and (many == 1 or callee.argval == "sum")  # max(a, b) may be b itself


def _is_passed_on(instructions: list[dis.Instruction], at: int, above: int) -> bool:
    """Whether instruction `at` calls a builtin whose result goes through the value."""
    callee, index, many = _called(instructions, at, above)
    if callee is None or callee.opname != "LOAD_GLOBAL" or callee.argval not in PASSING_ON:
        return False
    return index == 0 if callee.argval in ("enumerate", "reversed") else (callee.argval != "zip") <= index < many


def _feeds_generator(instructions: list[dis.Instruction], at: int) -> bool:
    """Whether instruction `at` makes a generator expression go over the iterator on top of the stack."""
    callee, _, many = _called(instructions, at, 0)
    return callee is not None and callee.opname == "MAKE_FUNCTION" and many == 0


def _called(instructions: list[dis.Instruction], at: int, above: int) -> tuple[dis.Instruction | None, int, int]:
    """What pushed the callee of the call at `at`, which argument has so many values above it, and how many there are.

    Arguments by position alone are counted. None if that is no call, or if it cannot be told.
    """
    ins = instructions[at]
    arg, by_name = ins.arg or 0, int(ins.opname == "CALL_KW")
    if ins.opname not in ("CALL", "CALL_KW"):
        return None, 0, 0
    many = arg - (len(instructions[at - 1].argval) if by_name else 0)
    depth = arg + 1 + by_name  # how many values lie above the callee
    for before in reversed(instructions[:at]):
        moves = _moves(before)
        if moves is None or before.is_jump_target or before.opcode in dis.hasjrel:
            break
        pops, pushes = moves
        if depth < pushes:  # LOAD_GLOBAL pushes what goes with a callee as well
            is_callee = depth == pushes - 1 and (pushes == 1 or before.opname == "LOAD_GLOBAL")
            return (before if is_callee else None), arg - 1 - above + by_name, many
        depth += pops - pushes
    return None, 0, 0


def _moves(ins: dis.Instruction) -> tuple[int, int] | None:
    """How many values an instruction takes and leaves; None if it is not known, or does more than that."""
    name, arg = ins.opname, ins.arg or 0
    moves = _MOVES.get(name)
    if name == "LOAD_GLOBAL":
        moves = 0, 1 + (arg & 1)
    elif name == "LOAD_ATTR":
        moves = 1, 1 + (arg & 1)
    elif name in ("BUILD_TUPLE", "BUILD_LIST", "BUILD_STRING", "BUILD_SLICE"):
        moves = arg, 1
    elif name == "CALL":
        moves = arg + 2, 1
    elif name == "CALL_KW":
        moves = arg + 3, 1
    elif name == "BUILD_MAP":
        moves = 2 * arg, 1
    elif name == "CALL_FUNCTION_EX":  # which takes arguments by name where its flag says so; from 3.14 on, always
        moves = 1 - dis.stack_effect(ins.opcode, ins.arg, jump=False), 1
    if moves is None or moves[1] - moves[0] != dis.stack_effect(ins.opcode, ins.arg, jump=False):
        return None
    return moves


def _use(instructions: list[dis.Instruction], start: int, at: int, above: int) -> str:
    """What instruction `at` does with the value that has so many others above it."""
    ins, after = instructions[at], instructions[at + 1 : at + 2]
    name, arg = ins.opname, ins.arg or 0
    if name == "BINARY_SUBSCR" or (name == "BINARY_OP" and arg == _SUBSCRIPT_OPERATOR):
        return SUBSCRIPT if above == 1 else OTHER
    if name == "CONTAINS_OP":
        return CONTAINS if above == 0 else OTHER
    if name == "GET_ITER":
        return LOOP if after and after[0].opname == "FOR_ITER" else ITERATE
    if name == "LOAD_ATTR" and ins.argval == "get" and arg & 1:
        return GET
    if name == "LOAD_ATTR" and ins.argval in ("__name__", "__qualname__"):
        return NAME
    if (name, above) in (("CALL", arg + 1), ("CALL_KW", arg + 2)):
        return CALL
    if name == "CALL_FUNCTION_EX" and above == -dis.stack_effect(ins.opcode, ins.arg, jump=False):
        return CALL
    if name == "CALL" and arg == 1 and at == start + 1:
        before = instructions[start - 1]
        if before.opname == "LOAD_GLOBAL" and before.argval == "len" and (before.arg or 0) & 1:
            return LEN
    return OTHER
