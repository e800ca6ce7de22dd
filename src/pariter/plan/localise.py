"""Give each worker its own copy of a function, where nobody can tell the copy from the function.

On an interpreter without a GIL a function made inside another one is a counted object, and so are its cells
and what they hold: threads that call it, or read its variables, pass the cache lines with the counts to and
fro, and two of them are slower than one. Copies remove that. What is copied, and why it is sound:

*   A cell, if what it holds can never change again, or not before the plan is over. That is known if only
    functions of the plan refer to it, and they do not bind it; or if the function that it belongs to binds
    it once; or if that function waits for this very plan, and the code nested in it does not bind it.
*   A number, because which object a number is means nothing. (Not a NaN, which containers find by identity.)
*   A tuple or a frozenset, if it is only subscripted, searched, looped over or measured, so that it goes nowhere.
*   A list, dict or set, if in addition nothing but its cell refers to it and nothing that has the cell
    does more to it, so that nobody can change it. Large ones stay shared: copying them costs too much.
*   A function held in a cell, if it is only called.

Everything else stays shared. What was done behind Python's back (`cell_contents = ...`) is not seen.
"""

from __future__ import annotations

from typing import TypeVar

from pariter.plan import usage
from pariter.plan.stages import Function, Step

F = TypeVar("F", bound=Function)
S = TypeVar("S", bound=Step)

LARGEST = 10_000
"""Collections with more items than this stay shared."""

_LOOKUPS = frozenset((usage.SUBSCRIPT, usage.CONTAINS, usage.LEN, usage.CALL and usage.GET))
_READING = {
    tuple: frozenset((usage.SUBSCRIPT, usage.CONTAINS, usage.LOOP, usage.ITERATE, usage.LEN)),
    frozenset: frozenset((usage.CONTAINS, usage.LEN)),
    list: frozenset((usage.SUBSCRIPT, usage.CONTAINS, usage.LOOP, usage.LEN)),
    dict: frozenset((usage.SUBSCRIPT, usage.CONTAINS, usage.LOOP, usage.LEN, usage.GET)),
    set: frozenset((usage.CONTAINS, usage.LEN)),
}
