"""Exceptions of functions, wherever in a plan they are raised."""

from __future__ import annotations

import gc
import threading
import traceback
import weakref
from collections.abc import Callable, Iterator
from operator import add
from typing import Any

import pytest

from pariter import ParIter, Pool, ThreadPool, par_iter
from tests.acceptance.functions import increment


class Odd(Exception):
    """An exception with more than its arguments."""

    def __init__(self, n: int, *, where: str = "here") -> None:
        super().__init__(f"odd {n}", n)
        self.where = where


def raise_at_49152(n: int) -> int:
    """The item, but for one."""
    if n == 49152:
        raise Odd(n, where="there")
    return n


def raise_at_the_end_of_a_hundred(n: int) -> int:
    """The item, but for the last of every hundred."""
    if n % 100 == 99:
        raise Odd(n)
    return n


def raise_odd(*_items: Any) -> Any:
    """Raise, whatever the arguments."""
    raise Odd(0)


def usable(pool: Pool) -> bool:
    """Whether the pool runs plans."""
    return pool.par_iter(range(100)).map(increment).sum() == 5050


def test_it_keeps_its_class_arguments_attributes_and_traceback(pools: dict[str, Pool]) -> None:
    for name in ["threads-1", "threads-2", "threads-3", "threads-7", "processes-2"]:
        with pytest.raises(Odd) as caught:
            pools[name].par_iter(range(65536)).for_each(raise_at_49152)

        error = caught.value
        text = "".join(traceback.format_exception(error))
        assert error.args == ("odd 49152", 49152)
        assert error.where == "there"
        assert "raise_at_49152" in text
        assert "raise Odd(n" in text
        assert [note for note in error.__notes__ if "for_each(raise_at_49152) at item 49152" in note]
        assert usable(pools[name])


def test_work_to_the_right_of_it_is_stopped(one: ThreadPool) -> None:
    seen: list[int] = []

    def noted(n: int) -> None:
        seen.append(n)
        if n == 10:
            raise Odd(n)

    with pytest.raises(Odd):
        one.par_iter(range(65536)).with_max_len(1).for_each(noted)

    assert seen[:11] == list(range(11))
    assert len(seen) < 65536


@pytest.mark.parametrize("build", [lambda p: p, lambda p: p.rev(), lambda p: p.with_max_len(1)], ids=["", "rev", "max"])
def test_of_many_the_first_is_raised(build: Callable[[ParIter[int]], ParIter[int]], pool: Pool) -> None:
    plan = build(pool.par_iter(range(1000)))
    first = next(n for n in build(par_iter(range(1000)).on("serial")) if n % 100 == 99)

    with pytest.raises(Odd) as caught:
        plan.map(raise_at_the_end_of_a_hundred).collect()

    assert caught.value.args == (f"odd {first}", first)


def test_of_two_the_one_further_left_is_raised_though_it_comes_later(threads: ThreadPool) -> None:
    right_has_raised = threading.Event()

    def waits_on_the_left(n: int) -> None:
        if n == 1:
            right_has_raised.set()
        else:
            right_has_raised.wait(30)
        raise Odd(n)

    with pytest.raises(Odd) as caught:
        threads.par_iter([0, 1]).for_each(waits_on_the_left)

    assert caught.value.args == ("odd 0", 0)


def failing_source() -> Iterator[int]:
    """Some items, and an exception."""
    yield from range(50)
    raise Odd(50)


class FailingSequence:
    """A sequence with a hole."""

    def __len__(self) -> int:
        return 100

    def __getitem__(self, at: int) -> int:
        if not 0 <= at < 100:
            raise IndexError(at)
        if at == 50:
            raise Odd(at)
        return at


def failing_inner(n: int) -> Iterator[int]:
    """An iterable that fails underway."""
    yield n
    raise_odd()


PLACES: dict[str, Callable[[Pool], Any]] = {
    "map": lambda p: p.par_iter(range(100)).map(raise_odd).collect(),
    "starmap": lambda p: p.par_iter([(1, 2)]).starmap(raise_odd).collect(),
    "filter": lambda p: p.par_iter(range(100)).filter(raise_odd).collect(),
    "filter_map": lambda p: p.par_iter(range(100)).filter_map(raise_odd).collect(),
    "flat_map": lambda p: p.par_iter(range(100)).flat_map(raise_odd).collect(),
    "inside flat_map": lambda p: p.par_iter(range(100)).flat_map(failing_inner).collect(),
    "inspect": lambda p: p.par_iter(range(100)).inspect(raise_odd).collect(),
    "map_init, make": lambda p: p.par_iter(range(100)).map_init(raise_odd, add).collect(),
    "map_init": lambda p: p.par_iter(range(100)).map_init(int, raise_odd).collect(),
    "map_local, make": lambda p: p.par_iter(range(100)).map_local(raise_odd, add).collect(),
    "map_local": lambda p: p.par_iter(range(100)).map_local(int, raise_odd).collect(),
    "map_batches": lambda p: p.par_iter(range(100)).map_batches(raise_odd).collect(),
    "fold, make": lambda p: p.par_iter(range(100)).fold(raise_odd, add).collect(),
    "fold": lambda p: p.par_iter(range(100)).fold(int, raise_odd).collect(),
    "fold_chunks": lambda p: p.par_iter(range(100)).fold_chunks(7, int, raise_odd).collect(),
    "take_while": lambda p: p.par_iter(range(100)).take_while(raise_odd).collect(),
    "skip_while": lambda p: p.par_iter(range(100)).skip_while(raise_odd).collect(),
    "positions": lambda p: p.par_iter(range(100)).positions(raise_odd).collect(),
    "scan": lambda p: p.par_iter(range(100)).scan(raise_odd).collect(),
    "take_any_while": lambda p: p.par_iter(range(100)).take_any_while(raise_odd).collect(),
    "skip_any_while": lambda p: p.par_iter(range(100)).skip_any_while(raise_odd).collect(),
    "before a barrier": lambda p: p.par_iter(range(100)).map(raise_odd).filter(None).enumerate().collect(),
    "for_each": lambda p: p.par_iter(range(100)).for_each(raise_odd),
    "reduce, make": lambda p: p.par_iter(range(100)).reduce(raise_odd, add),
    "reduce": lambda p: p.par_iter(range(100)).reduce(int, raise_odd),
    "reduce_with": lambda p: p.par_iter(range(100)).reduce_with(raise_odd),
    "min": lambda p: p.par_iter(range(100)).min(key=raise_odd),
    "sorted": lambda p: p.par_iter(range(100)).sorted(key=raise_odd),
    "nlargest": lambda p: p.par_iter(range(100)).nlargest(3, key=raise_odd),
    "group_by": lambda p: p.par_iter(range(100)).group_by(raise_odd),
    "count_by": lambda p: p.par_iter(range(100)).count_by(raise_odd),
    "partition": lambda p: p.par_iter(range(100)).partition(raise_odd),
    "partition_map": lambda p: p.par_iter(range(100)).partition_map(raise_odd),
    "find_first": lambda p: p.par_iter(range(100)).find_first(raise_odd),
    "find_last": lambda p: p.par_iter(range(100)).find_last(raise_odd),
    "find_any": lambda p: p.par_iter(range(100)).find_any(raise_odd),
    "any": lambda p: p.par_iter(range(100)).any(raise_odd),
    "all": lambda p: p.par_iter(range(100)).all(raise_odd),
    "position_first": lambda p: p.par_iter(range(100)).position_first(raise_odd),
    "try_for_each": lambda p: p.par_iter(range(100)).try_for_each(raise_odd),
    "into": lambda p: p.par_iter(range(100)).collect(raise_odd),
    "an iterator": lambda p: p.par_iter(failing_source()).collect(),
    "a sequence": lambda p: p.par_iter(FailingSequence()).collect(),
    "iteration": lambda p: list(p.par_iter(range(100)).map(raise_odd)),
}


@pytest.mark.parametrize("run", PLACES.values(), ids=PLACES)
def test_it_is_raised_wherever_it_comes_from_and_the_pool_lives_on(run: Callable[[Pool], Any], pool: Pool) -> None:
    with pytest.raises(Odd):
        run(pool)

    assert usable(pool)


class Tracked:
    """Something that weak references can follow."""


def test_nothing_of_a_failed_run_is_kept(thread_pool: ThreadPool) -> None:
    made: list[weakref.ref[Tracked]] = []

    def make(n: int) -> Tracked:
        if n == 500:
            raise Odd(n)
        tracked = Tracked()
        made.append(weakref.ref(tracked))
        return tracked

    with pytest.raises(Odd):
        thread_pool.par_iter(range(1000)).map(make).collect()
    gc.collect()  # Without a GIL, what other threads made waits for them to look, or for this.

    assert made
    assert [ref for ref in made if ref() is not None] == []


def test_a_failed_run_leaves_what_it_should_fill_as_it_was(pool: Pool) -> None:
    out = [None] * 100

    with pytest.raises(Odd):
        pool.par_iter(range(100)).map(raise_at_the_end_of_a_hundred).collect_into(out)

    assert out == [None] * 100


def test_a_false_length_is_found_out(pool: Pool) -> None:
    out = [None] * 3

    with pytest.raises(ValueError):
        pool.par_iter(range(4)).collect_into(out)
    with pytest.raises(ValueError):
        pool.par_iter(range(4)).filter(None).chain([0]).collect_into(out)
    assert out == [None] * 3


def test_an_exception_beyond_what_is_taken_is_never_raised(pool: Pool) -> None:
    plan = pool.par_iter(range(1000)).map(raise_at_the_end_of_a_hundred)

    assert plan.take(99).collect() == list(range(99))
    assert plan.filter(lambda n: n % 2 == 0).take(49).collect() == list(range(0, 98, 2))
    assert plan.take_while(lambda n: n < 98).collect() == list(range(98))
    assert plan.find_first(lambda n: n == 98) == 98


def test_exit_in_a_function_is_its_exception(pool: Pool) -> None:
    with pytest.raises(SystemExit) as caught:
        pool.par_iter(range(100)).for_each(exit_with_three)

    assert caught.value.code == 3
    assert usable(pool)


def exit_with_three(_item: int) -> None:
    """As `sys.exit(3)`."""
    raise SystemExit(3)
