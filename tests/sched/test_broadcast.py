"""broadcast: once on every worker."""

from __future__ import annotations

import threading

import pytest

from pariter.sched.broadcast import broadcast
from pariter.sched.join import join
from pariter.sched.scope import scope
from pariter.sched.spawn import install, spawn
from tests.sched.helpers import MEETING_S, a_pool, in_threads, index, meet, sizes


@sizes
def test_results_come_by_worker_index(size: int) -> None:
    with a_pool(size) as pool:
        assert broadcast(pool, index) == list(range(size))
        assert install(pool, broadcast, pool, index) == list(range(size))
        assert pool.seated(broadcast, pool, index) == list(range(size))


@sizes
def test_all_calls_run_at_once(size: int) -> None:
    barrier = threading.Barrier(size)
    with a_pool(size) as pool:
        assert broadcast(pool, lambda: meet(barrier)) == list(range(size))


@sizes
def test_all_calls_are_made_and_the_error_of_the_lowest_index_is_raised(size: int) -> None:
    ran = []

    def fail() -> None:
        ran.append(index())
        if index() >= size // 2:
            raise LookupError(index())

    with a_pool(size) as pool:
        with pytest.raises(LookupError, match=str(size // 2)) as caught:
            broadcast(pool, fail)

        assert sorted(ran) == list(range(size))
        assert len(getattr(caught.value, "__notes__", ())) == size - size // 2 - 1
        assert broadcast(pool, index) == list(range(size))


@sizes
def test_broadcasts_in_broadcasts_and_in_tasks_end(size: int) -> None:
    counted = []
    with a_pool(size) as pool, scope(pool) as s:
        s.spawn(broadcast, pool, lambda: broadcast(pool, lambda: counted.append(index())))

    assert sorted(counted) == sorted(list(range(size)) * size)


@sizes
def test_broadcasts_from_many_threads_reach_everybody(size: int) -> None:
    def caller(place: int) -> None:
        for _ in range(20):
            if place % 2:
                assert pool.seated(broadcast, pool, index) == list(range(size))
            else:
                assert broadcast(pool, index) == list(range(size))

    with a_pool(size) as pool:
        in_threads(6, caller)


def test_a_worker_that_waits_in_a_join_serves_its_mailbox() -> None:
    begun, served = threading.Event(), threading.Event()

    def stolen() -> bool:
        begun.set()
        return served.wait(MEETING_S)

    def serve() -> None:
        if index() == 0:
            served.set()

    def joiner() -> tuple[bool, ...]:
        assert index() == 0
        return join(pool, lambda: begun.wait(MEETING_S), stolen)

    with a_pool(2) as pool:
        answers: list[tuple[bool, ...]] = []
        thread = threading.Thread(target=lambda: answers.append(pool.seated(joiner)))
        thread.start()
        begun.wait(MEETING_S)
        broadcast(pool, serve)
        thread.join()

        assert answers == [(True, True)]


def test_a_guest_serves_the_mailbox_of_its_seat_when_it_leaves() -> None:
    with a_pool(1) as pool:
        worker = pool.enter()
        names: list[list[str]] = []
        thread = threading.Thread(target=lambda: names.append(broadcast(pool, lambda: threading.current_thread().name)))
        thread.start()
        while not worker.mailbox:
            pass
        pool.leave(worker)
        thread.join()

        assert names == [[threading.current_thread().name]]


def test_busy_workers_run_it_after_what_they_have_in_hand() -> None:
    begun, may_end = threading.Event(), threading.Event()
    order: list[str] = []

    def slow() -> None:
        begun.set()
        may_end.wait(MEETING_S)
        order.append("slow")

    with a_pool(1) as pool:
        spawn(pool, slow)
        begun.wait(MEETING_S)
        threading.Timer(0.01, may_end.set).start()
        broadcast(pool, lambda: order.append("broadcast"))

    assert order == ["slow", "broadcast"]
