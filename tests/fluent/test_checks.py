"""Bad arguments raise at the call, with the method's name, the value and what to do."""

from __future__ import annotations

import operator
import sys
from typing import Any

import numpy
import pytest

import pariter
from pariter import par_iter

plan: Any = par_iter(range(9))

TYPE_ERRORS = {
    "par_iter(5)": r"par_iter\(\) takes a sequence, a collection.* got 5 of type int",
    "par_iter(None)": r"par_iter\(\) takes .* got None of type NoneType",
    "plan.map(3)": r"map\(\) needs a callable, got 3",
    "plan.filter('x')": r"filter\(\) needs a callable, got 'x'",
    "plan.starmap(None)": r"starmap\(\) needs a callable, got None",
    "plan.map_init(list, 1)": r"map_init\(\) needs a callable as f, got 1",
    "plan.for_each(0)": r"for_each\(\) needs a callable, got 0",
    "plan.min(key=3)": r"min\(\) needs a callable as key, got 3",
    "plan.collect(3)": r"collect\(\) needs a callable as into, got 3",
    "plan.fold(0, operator.add)": r"write fold\(int, add\) or fold\(lambda: 0, add\)",
    "plan.fold([], lambda a, b: a)": r"write fold\(list, <lambda>\) or fold\(lambda: \[\], <lambda>\)",
    "plan.reduce(0, operator.add)": r"write reduce\(int, add\)",
    "plan.take('3')": r"take\(\) needs an integer count, got '3'",
    "plan.chunks(2.5)": r"chunks\(\) needs an integer size, got 2.5",
    "plan.enumerate('a')": r"enumerate\(\) needs an integer start, got 'a'",
    "plan.map_rng(3, seed=1)": r"map_rng\(\) needs a callable, got 3",
    "plan.map_rng(abs, seed='x')": r"map_rng\(\) needs an integer seed, got 'x'",
    "plan.map_rng(abs, seed=None)": r"map_rng\(\) needs an integer seed, got None",
    "plan.zip(5)": r"zip\(\) takes a sequence.* got 5 of type int",
    "plan.chain(5)": r"chain\(\) takes a sequence.* got 5 of type int",
    "plan.on(3)": r"on\(\) needs a pool.* got 3",
    "plan.collect_into(5)": r"collect_into\(\) needs a list, an array or an ndarray, got 5",
    "plan.sum('')": r"sum\(\) cannot add str objects; use collect\(str\)",
    # a mapping and what takes only its own kind have places of another sort
    "plan.collect_into(dict.fromkeys(range(9)))": r"collect_into\(\) needs a list, an array or an ndarray, got \{0: ",
    "plan.collect_into(memoryview(bytearray(9)))": r"collect_into\(\) needs a list, an array or an ndarray, got <mem",
    "pariter.par_lines(5)": r"par_lines\(\) needs a path or paths of files, got 5",
    "pariter.ThreadPool(1, initializer=5)": r"ThreadPool\(\) needs a callable initializer, got 5",
    "pariter.ThreadPool(1, finalizer=5)": r"ThreadPool\(\) needs a callable finalizer, got 5",
    "pariter.ProcessPool(1, initializer=5)": r"ProcessPool\(\) needs a callable initializer, got 5",
    "pariter.ProcessPool(1, initializer=int, initargs=5)": r"ProcessPool\(\) needs a tuple as initargs, got 5",
    "pariter.ProcessPool(1, env=5)": r"ProcessPool\(\) needs a mapping of texts as env, got 5",
    "pariter.ProcessPool(1, inner_threads='2')": r"ProcessPool\(\) needs inner_threads of at least 0, got '2'",
    "len(plan.filter())": r"count\(\) runs it",
}
VALUE_ERRORS = {
    "plan.chunks(0)": r"chunks\(\) needs a size of at least 1, got 0",
    "plan.windows(0)": r"windows\(\) needs a size of at least 1, got 0",
    "plan.step_by(0)": r"step_by\(\) needs a step of at least 1, got 0",
    "plan.take(-1)": r"take\(\) needs a count of at least 0, got -1",
    "plan.skip(-1)": r"skip\(\) needs a count of at least 0, got -1",
    "plan.buffered(0)": r"buffered\(\) needs a count of at least 1, got 0",
    "plan.by_uniform_blocks(0)": r"by_uniform_blocks\(\) needs a .* of at least 1, got 0",
    "plan.map_rng(abs, seed=-1, numpy=True)": r"map_rng\(numpy=True\) needs a seed of at least 0, got -1",
    "pariter.ProcessPool(1, inner_threads=-1)": r"ProcessPool\(\) needs inner_threads of at least 0, got -1",
    "plan.on('gpu')": r"on\(\) needs one of 'threads', 'processes', 'serial', got 'gpu'",
    "plan.zip([1], strict=True)": r"zip\(strict=True\) needs equal lengths, got 9 and 1",
    "plan.collect_into([0])": r"collect_into\(\) has 9 items for 1 places",
    "plan.take(0).min()": r"min\(\) of no items; give default=",
    "plan.take(0).reduce_with(max)": r"reduce_with\(\) of no items; give default=",
}


@pytest.mark.parametrize("code", TYPE_ERRORS)
def test_the_wrong_kind_of_argument_is_a_type_error_at_the_call(code: str) -> None:
    with pytest.raises(TypeError, match=TYPE_ERRORS[code]):
        eval(code)


@pytest.mark.parametrize("code", VALUE_ERRORS)
def test_a_wrong_value_is_a_value_error_at_the_call(code: str) -> None:
    with pytest.raises(ValueError, match=VALUE_ERRORS[code]):
        eval(code)


def test_a_read_only_array_is_refused_before_anything_runs() -> None:
    out = numpy.zeros(9)
    out.flags.writeable = False
    called: list[int] = []

    with pytest.raises(ValueError, match=r"collect_into\(\) needs an array that can be written to"):
        plan.on("serial").inspect(called.append).collect_into(out)

    assert not called


def test_a_pool_of_a_cluster_that_is_not_installed_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)

    with pytest.raises(ImportError, match=r'RayPool\(\) needs Ray, .*pip install "pariter\[ray\]"'):
        pariter.RayPool()


def test_a_fold_whose_op_returns_none_says_to_return_the_accumulator() -> None:
    with pytest.raises(TypeError, match="needs an op that returns the accumulator, and .*append returned None"):
        plan.fold(list, list.append).collect()


@pytest.mark.parametrize("step", [lambda p: p.map(lambda n: n + 1), lambda p: p.filter(lambda n: n % 2)])
def test_plans_over_enormous_ranges_work(step: Any) -> None:
    enormous = par_iter(range(10**27))

    assert step(enormous).find_first(lambda n: n >= 5) == 5
    assert step(enormous).take(2).count() == 2
    assert enormous.skip(10**26).step_by(10**20).map(operator.neg).take(2).collect() == [-(10**26), -(10**26 + 10**20)]
    assert enormous.rev().take(1).collect() == [10**27 - 1]
    assert enormous.chunks(10**26).take(0).collect() == []
    assert enormous.any(lambda n: n > 100)


def test_only_the_length_of_an_enormous_plan_overflows() -> None:
    with pytest.raises(OverflowError):
        len(par_iter(range(10**27)))

    assert len(par_iter(range(sys.maxsize))) == sys.maxsize
    assert len(par_iter(range(10**27)).take(5)) == 5
