"""Methods that merely read plain attributes are called on a worker's copy of their object; all others are not."""

from __future__ import annotations

import math
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest

from pariter import ThreadPool, par_iter
from pariter.engines import own
from pariter.plan.localise import Copies, Survey, localise
from tests.eager import eager

READS_BYTECODE = sys.version_info >= (3, 13)  # before, nobody needs copies
BIG = 10**6


class Base:
    unit = 7

    def __init__(self) -> None:
        self.factor = BIG
        self.table = {1: 2}
        self.lock = threading.Lock()

    def scaled(self, x: int) -> int:
        return x * self.factor

    def by_type(self, x: int) -> int:
        return x * self.unit + self.factor

    def looked_up(self, x: int) -> int:
        return self.table.__len__() if x else self.table[1]

    def with_builtins(self, x: int) -> float:
        return max(abs(x), len(str(x)), math.floor(self.factor))

    def __call__(self, x: int) -> int:
        return x + self.factor

    def returns_self(self, x: int) -> Any:
        return self

    def calls_a_method(self, x: int) -> int:
        return self.scaled(x)

    def writes(self, x: int) -> int:
        self.factor = x
        return x

    def locks(self, x: int) -> int:
        with self.lock:
            return x + self.factor

    def calls_anything(self, x: int) -> int:
        return helper(x) + self.factor

    def calls_its_item(self, x: Callable[[], int]) -> int:
        return x() + self.factor

    def calls_a_method_of_its_item(self, x: Any) -> int:
        return x.bit_length() + self.factor

    def captured(self, x: int) -> int:
        return sum(self.factor for _ in range(x))

    def compares(self, x: Any) -> bool:
        return self is x

    def reads_a_property(self, x: int) -> int:
        return x + self.doubled

    def reads_what_is_not_plain(self, x: int) -> bool:
        return self.lock is None

    def rebinds(self, x: int) -> int:
        self = Base()  # noqa: PLW0642 - what is looked for
        return x + self.factor

    @property
    def doubled(self) -> int:
        return 2 * self.factor


def helper(x: int) -> int:
    return x


class WithSlots:
    __slots__ = ("factor",)

    def __init__(self) -> None:
        self.factor = 2

    def scaled(self, x: int) -> int:
        return x * self.factor


class Watches(Base):
    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)


class Intercepts(Base):
    def __getattribute__(self, name: str) -> Any:
        return object.__getattribute__(self, name)


class Ends(Base):
    def __del__(self) -> None:
        """Seen by somebody."""


class Numbers(list[int]):
    factor = 3

    def scaled(self, x: int) -> int:
        return x * self.factor


@pytest.mark.parametrize("name", ["scaled", "by_type", "with_builtins"])
def test_a_method_that_merely_reads_gets_an_object_of_its_own(name: str) -> None:
    base = Base()
    method = getattr(base, name)

    copy = localise(method)

    assert type(copy.__self__) is Base
    assert copy(-5) == method(-5)
    assert copy.__self__.factor == BIG
    assert (copy.__self__ is not base) is READS_BYTECODE
    assert (copy.__self__.factor is not base.factor) is READS_BYTECODE
    assert (Survey([method]).shared(method) is None) is READS_BYTECODE


def test_an_object_with_call_that_merely_reads_is_copied() -> None:
    base = Base()

    copy = localise(base)

    assert (copy is not base) is READS_BYTECODE
    assert copy(1) == BIG + 1


SHARED = [
    "returns_self",
    "calls_a_method",
    "looked_up",
    "writes",
    "locks",
    "calls_anything",
    "calls_its_item",
    "calls_a_method_of_its_item",
    "captured",
    "compares",
    "reads_a_property",
    "reads_what_is_not_plain",
    "rebinds",
]


@pytest.mark.parametrize("name", SHARED)
def test_a_method_that_may_do_more_keeps_its_object(name: str) -> None:
    method = getattr(Base(), name)

    assert localise(method) is method
    assert Survey([method]).shared(method) is not None


@pytest.mark.parametrize("kind", [WithSlots, Watches, Intercepts, Ends, Numbers])
def test_an_object_that_is_more_than_its_attributes_is_shared(kind: type[Any]) -> None:
    method = kind().scaled

    assert localise(method) is method


def test_an_object_is_shared_if_another_function_of_the_plan_sets_what_is_read() -> None:
    base = Base()

    def sets(x: int) -> int:
        base.factor = x
        return x

    def sets_by_name(x: int) -> int:
        setattr(base, "factor", x)  # noqa: B010 - what is looked for
        return x

    def sets_another(x: int) -> int:
        base.lock = None  # type: ignore[assignment]
        return x

    for fn, is_shared in ((sets, True), (sets_by_name, True), (base.writes, True), (sets_another, False)):
        method = base.scaled
        assert (Copies(Survey([method, fn])).function(method).__self__ is base) is (is_shared or not READS_BYTECODE)


def test_what_others_set_is_seen_after_a_refresh() -> None:
    base = Base()
    method = base.by_type
    copies = Copies(Survey([method]))
    copy = copies.function(method)

    base.factor = 1
    before = copy(0)
    copies.refresh()
    after = copy(0)
    del base.factor
    base.factor = 2
    copies.refresh()

    assert (before, after, copy(0)) == (BIG if READS_BYTECODE else 1, 1, 2)


class Flag:
    """Set by another thread, so that whoever looks for it sees it."""

    def __init__(self) -> None:
        self.stopped = False

    def number(self, x: int) -> int:
        return -1 if self.stopped else x


def test_a_helper_sees_a_flag_that_is_set_during_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own, "pays", lambda: True)
    flag = Flag()
    caller = threading.current_thread()
    helped = threading.Event()
    seen = threading.Event()

    def watch(x: int) -> int:
        if threading.current_thread() is not caller:
            if x == -1:
                seen.set()
            helped.set()
        elif helped.wait(0.001):
            flag_setter(flag)
        return x

    with ThreadPool(2) as pool, eager():
        plan = par_iter(range(10**7)).map(flag.number).map(watch).on(pool)
        assert plan.any(lambda x: seen.is_set()) is True


def flag_setter(flag: Flag) -> None:
    flag.stopped = True
