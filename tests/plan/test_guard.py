"""What `on_error` does to the order in which items are met."""

from __future__ import annotations

import pytest

from pariter import Pool, par_iter

POLICIES = ("raise", "skip", "return", "group")


@pytest.mark.parametrize("policy", POLICIES)
def test_a_search_from_the_right_does_not_pass_the_end_of_a_take_while(policy: str, every_engine: Pool) -> None:
    plan = par_iter([1, 2, 9, 3]).take_while(lambda n: n < 5).on_error(policy).on(every_engine)

    assert plan.find_last(lambda n: n > 0) == 2


@pytest.mark.parametrize("policy", POLICIES)
def test_a_search_from_the_right_meets_the_last_of_each_inner_iterable_first(policy: str, every_engine: Pool) -> None:
    plan = par_iter([3, 4]).flat_map(range).on_error(policy).on(every_engine)

    assert plan.find_last(lambda n: n != 3) == 2
