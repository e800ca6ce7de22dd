"""Error notes behind prefix results name the position among all results, however the runs were cut."""

from __future__ import annotations

import pytest

from pariter import Pool, par_iter


def fails_at_ten(total: int) -> bool:
    if total == 45:
        raise ValueError(total)
    return True


@pytest.mark.parametrize("longest", [1, 3, 100])
def test_the_item_index_behind_scan_does_not_depend_on_the_cuts(every_engine: Pool, longest: int) -> None:
    plan = par_iter(range(20)).on(every_engine).with_max_len(longest).scan(int.__add__).filter(fails_at_ten)

    with pytest.raises(ValueError, match="45") as caught:
        plan.collect()

    assert "raised by filter(fails_at_ten) at item 9 (" in caught.value.__notes__[0]
