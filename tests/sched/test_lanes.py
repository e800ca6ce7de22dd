"""Lanes: every position is handed out once, and no leaf is shorter or longer than asked for."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from pariter.sched.lanes import Cuts, Lane


def test_a_thief_who_comes_when_the_owner_pauses_leaves_the_rest_long_enough() -> None:
    lane = Lane(0, 40, Cuts(shortest=10))
    lane.next_leaf()
    lane.take(19)

    assert lane.pause()
    stolen = lane.steal()

    assert stolen is not None
    assert lane.remaining >= 10
    assert stolen.remaining >= 10


def test_a_lane_does_not_pause_where_a_leaf_would_be_too_short() -> None:
    lane = Lane(0, 25, Cuts(shortest=10))
    lane.next_leaf()

    lane.take(9)
    assert not lane.pause()
    lane.take(1)
    assert lane.pause()
    lane.next_leaf()
    lane.take(10)
    assert not lane.pause()


@given(
    size=st.integers(0, 200),
    shortest=st.integers(1, 30),
    longest=st.none() | st.integers(1, 30),
    quantum=st.none() | st.integers(1, 30),
    seed=st.integers(0, 2**32),
)
def test_whatever_owners_and_thieves_do_all_is_handed_out_once_in_leaves_of_allowed_length(
    size: int, shortest: int, longest: int | None, quantum: int | None, seed: int
) -> None:
    cuts = Cuts(quantum=quantum) if quantum else Cuts(shortest, longest)
    rng = random.Random(seed)
    lanes = [Lane(0, size, cuts)]
    taken: list[tuple[int, int]] = []
    leaves: list[list[int]] = []
    opened: dict[int, list[int]] = {}

    def close(lane: Lane) -> None:
        leaf = opened.pop(id(lane), None)
        if leaf is not None:
            leaves.append(leaf)

    while any(lane.remaining for lane in lanes) or opened:
        lane = rng.choice(lanes)
        action = rng.randrange(4)
        if action == 0 and (stolen := lane.steal()) is not None:
            lanes.append(stolen)
        elif id(lane) not in opened:
            if (begin := lane.next_leaf()) is not None:
                opened[id(lane)] = [begin, begin]
        elif action == 1 and lane.pause():
            close(lane)
        elif (block := lane.take(rng.randrange(1, 9))) is not None:
            taken.append(block)
            opened[id(lane)][1] = block[1]
        else:
            close(lane)

    assert sorted(n for low, high in taken for n in range(low, high)) == list(range(size))
    lengths = [high - low for low, high in leaves]
    assert sum(lengths) == size
    if quantum:
        assert all(low % quantum == 0 and high - low <= quantum for low, high in leaves)
    else:
        assert len(lengths) <= 1 or min(lengths) >= shortest
        assert longest is None or max(lengths, default=0) <= max(longest, 2 * shortest - 1)
