"""A copy of a function cannot be told from the function, whatever it captures and whoever writes to that."""

from __future__ import annotations

import functools
import math
import sys
from collections.abc import Callable, Iterator
from types import FunctionType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pariter.plan import blame, owners, usage
from pariter.plan.localise import LARGEST, Copies, Survey, localise
from pariter.plan.stages import Map

READS_BYTECODE = sys.version_info >= (3, 13)  # what a variable is used for; that it is bound, everywhere
BIG = 10**6  # small integers are one object, whoever makes them


def variables(fn: Any) -> dict[str, Any]:
    return {name: cell.cell_contents for name, cell in owners.cells(fn)}


def shares_cell(fn: Any, copy: Any, name: str) -> bool:
    at = fn.__code__.co_freevars.index(name)
    shared: bool = fn.__closure__[at] is copy.__closure__[at]
    return shared


def shares_content(fn: Any, copy: Any, name: str) -> bool:
    return variables(fn)[name] is variables(copy)[name]


def adder(amount: Any) -> Callable[[Any], Any]:
    return lambda x: x + amount


# -- What is copied ---------------------------------------------------------------------------------


def test_a_closure_whose_maker_has_returned_gets_cells_and_numbers_of_its_own() -> None:
    fn = adder(BIG)

    copy = localise(fn)

    assert copy is not fn
    assert copy(1) == BIG + 1
    assert not shares_cell(fn, copy, "amount")
    assert not shares_content(fn, copy, "amount")


@pytest.mark.parametrize("number", [BIG, -BIG, 2.5, -0.0, math.inf, 2.5 - 0.0j])
def test_a_copied_number_is_the_same_to_the_last_bit(number: Any) -> None:
    copy = variables(localise(adder(number)))["amount"]

    assert type(copy) is type(number)
    assert repr(copy) == repr(number)


def test_a_variable_of_the_caller_that_waits_is_copied_even_if_it_is_bound_anew_in_a_loop() -> None:
    for amount in (BIG, BIG + 1):
        fn = lambda x: x + amount  # noqa: B023

        copy = localise(fn)

        assert not shares_cell(fn, copy, "amount")
        assert copy(0) == amount


def test_a_collection_that_is_only_looked_into_and_referred_to_by_nothing_else_is_copied() -> None:
    table, row, pair, seen, stop = {1: "a"}, ["b"], ("c", 2.5), {3}, frozenset((4,))

    def fn(x: int) -> Any:
        return (
            table[x],
            table.get(x),
            x in table,
            row[0],
            len(row),
            pair[1] * x,
            x in seen,
            x in stop,
            [*map(str, pair)],
        )

    copy = localise(fn)

    assert copy(1) == fn(1)
    for name in ("table", "row", "seen", "stop"):
        assert shares_content(fn, copy, name) is not READS_BYTECODE, name
    assert shares_content(fn, copy, "pair")  # it is an argument as well


def test_functions_in_variables_are_copied_as_far_as_they_are_only_called() -> None:
    def composed(f: Any, g: Any) -> Callable[[Any], Any]:
        return lambda x: f(g(x))

    fn = composed(adder(BIG), adder(2.5))

    copy = localise(fn)

    assert copy(1) == fn(1)
    assert shares_content(fn, copy, "f") is not READS_BYTECODE
    if READS_BYTECODE:
        assert not shares_content(variables(fn)["f"], variables(copy)["f"], "amount")


def test_a_decorated_function_is_copied_with_what_the_decorator_calls() -> None:
    counted: list[str] = []

    def logged(fn: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(fn)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            counted.append(fn.__name__)
            return fn(*args, **kwargs)

        @functools.wraps(wrapper)
        def around(x: Any, *args: Any, **kwargs: Any) -> Any:
            return wrapper(x, *args, **{"y": 0, **kwargs})

        return around

    fn = logged(lambda x, y: x + y + BIG)

    copy = localise(fn)

    assert copy(1, y=2) == fn(1, y=2) == BIG + 3
    assert counted == ["<lambda>"] * 2
    inner, its_copy = variables(fn)["wrapper"], variables(copy)["wrapper"]
    assert (its_copy is inner) is not READS_BYTECODE
    assert (variables(its_copy)["fn"] is variables(inner)["fn"]) is not READS_BYTECODE
    assert (Survey([fn]).shared(fn) is None) is READS_BYTECODE


def test_a_recursive_function_calls_its_copy() -> None:
    def fibonacci(n: int) -> int:
        return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)

    copy = localise(fibonacci)

    assert copy(10) == 55
    assert (variables(copy)["fibonacci"] is copy) is READS_BYTECODE


def test_functions_that_call_one_another_are_copied_together() -> None:
    def even(n: int) -> bool:
        return n == 0 or odd(n - 1)

    def odd(n: int) -> bool:
        return n > 0 and even(n - 1)

    copy = localise(even)

    assert [copy(n) for n in range(4)] == [True, False, True, False]
    if READS_BYTECODE:
        assert variables(variables(copy)["odd"])["even"] is copy


def test_a_chain_of_a_thousand_functions_is_copied_without_recursion() -> None:
    def after(f: Callable[[int], int]) -> Callable[[int], int]:
        return lambda x: f(x)

    start: Callable[[int], int] = adder(BIG)
    chain = functools.reduce(lambda f, _: after(f), range(5000), start)

    copy = localise(chain)

    assert copy is not chain


def test_defaults_and_keyword_defaults_come_along_with_numbers_of_their_own() -> None:
    kept: list[int] = []

    def fn(x: int, /, big: int = BIG, kept: list[int] = kept, *, scale: float = 2.5) -> Any:
        kept.append(x)
        return x + big, scale

    copy = localise(fn)

    assert copy(1) == (BIG + 1, 2.5)
    assert kept == [1]
    assert copy.__defaults__ is not None
    assert copy.__defaults__[0] is not BIG
    assert copy.__defaults__[1] is kept
    assert copy.__kwdefaults__ == {"scale": 2.5}


def test_a_copy_has_the_code_and_the_names_of_its_function() -> None:
    fn = adder(1)

    copy = localise(fn)

    assert copy.__code__ is fn.__code__
    assert copy.__globals__ is fn.__globals__
    assert (copy.__name__, copy.__qualname__, copy.__module__) == (fn.__name__, fn.__qualname__, fn.__module__)


def test_a_partial_is_copied_with_the_function_in_it() -> None:
    def scaled(factor: int, x: int, *, offset: int) -> int:
        return factor * x + offset

    fn = functools.partial(scaled, 3, offset=BIG)

    copy = localise(fn)

    assert copy(2) == 6 + BIG
    assert copy.func is not fn.func
    assert (copy.args, copy.keywords) == (fn.args, fn.keywords)


def test_a_generator_function_is_copied() -> None:
    def outer(count: int) -> Callable[[int], Iterator[int]]:
        def spread(x: int) -> Iterator[int]:
            for _ in range(count):
                yield x + BIG

        return spread

    fn = outer(2)
    copy = localise(fn)

    assert list(copy(1)) == [BIG + 1, BIG + 1]
    assert not shares_cell(fn, copy, "count")


# -- What stays shared ------------------------------------------------------------------------------


def module_level(x: int) -> int:
    return x


class Scale:
    def __init__(self, factor: int) -> None:
        self.factor = factor

    def __call__(self, x: int) -> int:
        return self.method(x)

    def method(self, x: int) -> int:
        self.last = x
        return x * self.factor


SCALE = Scale(2)


@pytest.mark.parametrize("fn", [module_level, abs, int, SCALE, SCALE.method, Scale.method, functools.partial(abs)])
def test_what_is_not_counted_or_might_change_is_left_alone(fn: Any) -> None:
    assert localise(fn) is fn


def counter() -> tuple[Callable[[int], int], Callable[[int], int]]:
    total = 0

    def add(x: int) -> int:
        nonlocal total
        total += x
        return total

    return add, lambda x: x + total


def test_a_function_that_binds_a_variable_shares_it() -> None:
    add, peek = counter()

    copies = [localise(add), localise(add)]

    assert [copies[0](1), copies[1](1), add(1), peek(0)] == [1, 2, 3, 3]


def test_a_function_whose_variable_another_function_binds_shares_it() -> None:
    add, peek = counter()

    copy = localise(peek)
    add(5)

    assert copy(0) == 5


def test_a_function_whose_variable_a_nested_function_binds_shares_it() -> None:
    def outer() -> Callable[[int], int]:
        calls = 0

        def fn(x: int) -> int:
            def note() -> None:
                nonlocal calls
                calls += 1

            note()
            return calls

        return fn

    fn = outer()

    assert [localise(fn)(0), localise(fn)(0), fn(0)] == [1, 2, 3]


def suspended() -> Iterator[Callable[[int], int]]:
    amount = 1
    yield lambda x: x + amount
    amount = 2
    yield lambda x: x + amount


def test_a_variable_of_a_suspended_generator_stays_shared() -> None:
    steps = suspended()
    copy = localise(next(steps))
    next(steps)

    assert copy(0) == 2


def test_a_variable_of_a_function_that_does_not_wait_stays_shared_if_it_binds_it_again() -> None:
    def caller() -> tuple[Any, int]:
        wanted = True
        fn = lambda x: x if wanted else None
        copy = Copies(Survey([fn])).function(fn)  # as seen from a thread that `caller` does not wait for
        wanted = False
        return copy(1), 0

    assert caller() == (None, 0)


def test_what_outlives_its_call_sees_the_variable_as_it_is_later() -> None:
    amount = 1

    def later(x: int) -> Callable[[], int]:
        return lambda: x + amount

    def lazily(x: int) -> Iterator[int]:
        yield x + amount

    def through(x: int) -> Callable[[], Any]:
        return lambda: current(x)

    def current(x: int) -> int:
        return x + amount

    made, generated, called = localise(later)(0), localise(lazily)(0), localise(through)(0)
    amount = 2

    assert (made(), next(generated), called()) == (2, 2, 2)


@pytest.mark.parametrize(
    "escape",
    [
        "return",
        "argument",
        "second argument",
        "start",
        "result",
        "kept result",
        "keyword",
        "alias",
        "attribute",
        "slice",
        "compare",
    ],
)
def test_a_list_that_goes_anywhere_stays_shared(escape: str) -> None:
    row = [1, 2]
    made: dict[str, Callable[[Any], Any]] = {
        "return": lambda x: row,
        "argument": lambda x: repr(row),
        "second argument": lambda x: max(x, row),
        "start": lambda x: sum(x, row),
        "result": lambda x: zip(x, row, strict=True),
        "kept result": lambda x: (pairs := zip(row, x, strict=True)) and list(pairs),
        "keyword": lambda x: sorted(x, key=row),
        "alias": lambda x: (other := row)[0] + len(other),
        "attribute": lambda x: row.append(x),
        "slice": lambda x: row[0:1] or row,
        "compare": lambda x: row is x,
    }
    fn = made[escape]

    copy = localise(fn)

    assert shares_content(fn, copy, "row")


def test_a_list_that_builtins_go_through_is_copied() -> None:
    row = [1.5, 2.5]

    def dot(other: Any) -> tuple[float, ...]:
        total = 0.0
        for a, b in zip(row, other, strict=True):
            total += a * b
        pairs = sum(a * b for a, b in zip(other, row, strict=True))
        return total, pairs, sum(row), sum(map(abs, row)), max(row), min(row, key=abs), [*map(str, other)] == row

    copy = localise(dot)

    assert copy([2.0, 4.0]) == dot([2.0, 4.0])
    assert shares_content(dot, copy, "row")  # it is compared as well

    query = [1.5, 2.5]

    def merely(other: Any) -> float:
        return sum(a * b for a, b in zip(other, query, strict=True)) + max(query) + sum(map(abs, query))

    copy = localise(merely)

    assert copy([2.0, 4.0]) == merely([2.0, 4.0])
    assert shares_content(merely, copy, "query") is not READS_BYTECODE


def test_a_list_that_something_else_refers_to_stays_shared() -> None:
    row = [1, 2]
    alias = row
    fn = lambda x: row[x]

    copy = localise(fn)
    alias[0] = 5

    assert copy(0) == 5


def test_a_list_that_another_function_changes_stays_shared() -> None:
    row = [1, 2]
    fn = lambda x: row[x]
    change = lambda x: row.append(x)

    copy = localise(fn)
    change(3)

    assert copy(2) == 3


def test_a_large_collection_stays_shared() -> None:
    row = list(range(LARGEST + 1))
    fn = lambda x: row[x]

    assert shares_content(fn, localise(fn), "row")


def test_a_subclass_of_a_collection_stays_shared() -> None:
    class Table(dict[int, int]):
        def __missing__(self, key: int) -> int:
            return -key

    table = Table()
    fn = lambda x: table[x]

    copy = localise(fn)

    assert copy(5) == -5
    assert shares_content(fn, copy, "table")


def test_a_number_whose_identity_is_asked_for_stays_shared() -> None:
    def outer(marker: int) -> Callable[[Any], bool]:
        return lambda x: x is marker

    fn = outer(BIG)
    marker = variables(fn)["marker"]

    assert localise(fn)(marker)


def test_a_nan_stays_the_object_it_is() -> None:
    def outer(value: float) -> Callable[[Any], bool]:
        return lambda x: value in x

    nan = float("nan")
    fn = outer(nan)

    assert localise(fn)([nan])


def test_a_function_that_is_not_only_called_stays_the_object_it_is() -> None:
    def named(x: int) -> Any:
        named.calls += 1  # type: ignore[attr-defined]
        return named

    named.calls = 0  # type: ignore[attr-defined]

    assert localise(named)(1) is named
    assert named.calls == 1  # type: ignore[attr-defined]


def test_an_empty_cell_stays_shared_until_it_is_bound() -> None:
    fn = lambda x: x + unbound

    copy = localise(fn)
    unbound = 1

    assert copy(0) == 1


# -- Workers ----------------------------------------------------------------------------------------


def test_two_functions_with_one_variable_have_one_copy_of_it_in_each_worker() -> None:
    def pair(amount: int) -> tuple[Any, Any]:
        return lambda x: x + amount, lambda x: x - amount

    survey = Survey(pair(BIG), None)
    functions = list(survey._found.values())
    here, there = Copies(survey), Copies(survey)
    copies = [here.function(fn) for fn in functions]

    assert copies[0].__closure__[0] is copies[1].__closure__[0]
    assert there.function(functions[0]).__closure__[0] is not copies[0].__closure__[0]


def test_stages_are_copied_once() -> None:
    stages = (Map(adder(BIG)), Map(abs))
    copies = Copies(Survey([stages[0].f]))

    copied = copies.stages(stages)

    assert copies.stages(stages) is copied
    assert copied[0].f is not stages[0].f
    assert copied[1] is stages[1]


def test_functions_that_were_wrapped_to_be_told_apart_still_know_their_step() -> None:
    step = Map(adder(BIG))
    told = blame.Told(step.f, step)

    copy = localise(told)

    assert isinstance(copy, blame.Told)
    assert copy.step is step
    assert copy.fn is not step.f


# -- What is said to be shared ----------------------------------------------------------------------


def test_what_stays_shared_is_told() -> None:
    add, _ = counter()

    def outer(scale: Scale) -> Callable[[int], int]:
        return lambda x: scale.method(x)

    fn = outer(Scale(1))

    told = [Survey([each]).shared(each) for each in (add, SCALE.method, SCALE, fn, abs, module_level, adder(1))]

    assert told == [
        "the variable 'total', which may be bound anew",
        "the Scale that Scale.method belongs to",
        "the Scale itself",
        "the Scale in the variable 'scale'",
        None,
        None,
        None,
    ]


# -- Any closure ------------------------------------------------------------------------------------

EXPRESSIONS = (
    "x + a",
    "x * b",
    "row[x % len(row)]",
    "len(row)",
    "row",
    "row.append(x)",
    "[y for y in row]",
    "sum(y for y in row)",
    "(y + a for y in row)",
    "iter(row)",
    "row[:2]",
    "sum(row)",
    "max(row)",
    "max(row, other)",
    "min(row, key=lambda y: y + a)",
    "sorted(row)",
    "list(row)",
    "any(row)",
    "sum(map(abs, row))",
    "sum(row, a)",
    "zip(row, pair)",
    "list(zip(row, pair))",
    "[*zip(row, row)]",
    "list(enumerate(row))",
    "list(map(lambda y: row, row))",
    "sum(y * z for y, z in zip(row, pair))",
    "list(y + a for y in row)",
    "row == other",
    "table[x % 3]",
    "table.get(x, b)",
    "table.setdefault(x, a)",
    "table.items()",
    "x in table",
    "[key for key in table]",
    "pair[0] + x",
    "pair",
    "[y for y in pair]",
    "x in seen",
    "seen.add(x)",
    "seen",
    "x in stop",
    "lambda: (a, row[0], table[0])",
    "lambda: bump(1)",
    "(lambda y: y + a)(x)",
    "(lambda: row.append(a))()",
    "helper(x)",
    "helper(*(x,))",
    "helper(*[x], **{})",
    "(lambda *args, **others: helper(*args, **others))(x)",
    "helper",
    "helper.__name__",
    "f(x - 1) if x > 0 else a",
    "f",
    "bump(x)",
    "poke(x)",
    "a if x else b",
    "row[x % 2] if x in seen else table[0]",
    "[row[y] + a for y in (0, 1)]",
    "a is b",
    "other[0]",
    "(a := x)",
)

PROGRAM = """
def outer(use, force):
    a, b = 10**6 + 7, 2.5
    row, table, pair, seen, stop = [1, 2, 3], {{0: 1, 1: 2, 2: 3}}, (4, 5.5), {{1, 5}}, frozenset((2, 6))
    other = {alias}
    names = lambda value: next((n for n, v in (("row", row), ("table", table), ("pair", pair), ("seen", seen),
                                               ("helper", helper), ("f", f)) if v is value), None)
    def bump(x):
        {bump}
        return a
    def poke(x):
        {poke}
        return x
    def helper(x):
        return [{helper}]
    def f(x):
        {begin}
        return [{body}]
    found = use(f, poke)
    first = force(found, names)
    {after}
    return first, force(found, names), a, b, row, table, sorted(seen)
"""


def nonlocal_of(expression: str) -> str:
    return "nonlocal a" if ":=" in expression else "pass"


programs = st.builds(
    dict,
    alias=st.sampled_from(("None", "row", "[9]", "[row]")),
    bump=st.sampled_from(("pass", "nonlocal a; a += x")),
    poke=st.sampled_from(("pass", "row.append(x)", "table[x] = x", "row[0] = x", "seen.add(x)")),
    helper=st.lists(st.sampled_from([e for e in EXPRESSIONS if "helper(" not in e and "f(" not in e]), max_size=2),
    body=st.lists(st.sampled_from(EXPRESSIONS), min_size=1, max_size=3),
    after=st.sampled_from(("pass", "a = 5", "row.append(77)", "row = [0, 0]", "table[0] = 99", "b = 1")),
    late=st.booleans(),
)


def forced(value: Any, names: Callable[[Any], str | None]) -> Any:
    """A result with all that is lazy in it run, and with names for objects whose identity counts."""
    if isinstance(value, BaseException):
        return type(value)
    name = names(value)
    if name is not None:
        return name
    if isinstance(value, (list, tuple)):
        return [forced(each, names) for each in value]
    if isinstance(value, FunctionType):
        return ["made", forced(value(), names)]
    if hasattr(value, "__next__") or type(value).__name__ == "dict_items":
        return list(value)
    return value


def outcome(program: dict[str, Any], worker: Callable[[int, Any], Any]) -> Any:
    """What a program comes to if call number k of `f` is one of `worker(k, f)`."""
    parts = {**program, "helper": ", ".join(program["helper"]), "body": ", ".join(program["body"])}
    scope: dict[str, Any] = {}
    text = PROGRAM.format(**parts, begin=nonlocal_of(parts["body"]))
    text = text.replace("def helper(x):\n", f"def helper(x):\n        {nonlocal_of(parts['helper'])}\n")
    exec(compile(text, "<program>", "exec"), scope)

    def use(f: Any, poke: Any) -> list[Any]:
        functions = [worker(k, f) for k in range(2)]
        found: list[Any] = []
        for x in range(4):
            try:
                found.append(functions[x % 2](x))
            except Exception as error:
                found.append(error)
            poke(x)
        return found

    def force(found: list[Any], names: Any) -> Any:
        return [forced(each, names) for each in found] if program["late"] else None

    return scope["outer"](use, force)


@given(programs)
def test_any_closure_does_the_same_when_workers_have_copies_of_it(program: dict[str, Any]) -> None:
    expected = outcome(program, lambda k, f: f)

    assert outcome(program, lambda k, f: localise(f)) == expected


@given(programs)
def test_any_closure_does_the_same_when_copied_where_nobody_waits(program: dict[str, Any]) -> None:
    expected = outcome(program, lambda k, f: f)

    assert outcome(program, lambda k, f: Copies(Survey([f])).function(f)) == expected


# -- Reading bytecode -------------------------------------------------------------------------------


def test_a_variable_bound_in_a_loop_or_twice_is_not_bound_once() -> None:
    def owner(argument: int) -> list[Any]:
        once = argument
        for looped in (1, 2):
            assert looped
        if argument:
            twice = 1
        else:
            twice = 2
        return [lambda: argument, lambda: once, lambda: looped, lambda: twice]

    names = ("argument", "once", "looped", "twice")

    assert [usage.binds_once(owner.__code__, name) for name in names] == [True, True, False, False]


def test_a_variable_shadowed_on_the_way_in_belongs_to_the_nearest_owner() -> None:
    def outer(value: int) -> Any:
        def middle(value: int) -> Any:
            return lambda: value

        return middle(value), lambda: value

    middle = next(code for code in usage.code_in(outer.__code__) if code.co_name == "middle")
    inner = next(code for code in middle.co_consts if hasattr(code, "co_code"))

    assert usage.captures_from(middle, inner, "value")
    assert not usage.captures_from(outer.__code__, inner, "value")
