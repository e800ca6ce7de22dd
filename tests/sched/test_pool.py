"""The pool: seats, threads, options, offers, its end."""

from __future__ import annotations

import gc
import threading
import weakref

import pytest

from pariter.sched import _platform
from pariter.sched.broadcast import broadcast
from pariter.sched.join import join
from pariter.sched.latch import Latch
from pariter.sched.pool import WorkerPool
from pariter.sched.scope import scope
from pariter.sched.spawn import install, spawn
from pariter.sched.thread import _live
from pariter.sched.worker import Worker, current_worker
from tests.sched.helpers import MEETING_S, Thing, a_pool, dies, in_threads, index, meet, sizes


def thread_name() -> str:
    return threading.current_thread().name


def ends(thread: threading.Thread) -> bool:
    thread.join(MEETING_S)
    return not thread.is_alive()


# --- seats -----------------------------------------------------------------------------------------------------


@sizes
def test_a_guest_has_an_index_while_it_has_a_seat_and_keeps_it_when_it_enters_again(size: int) -> None:
    with a_pool(size) as pool:
        worker = pool.enter()
        again = pool.enter()

        assert again is worker
        assert current_worker() is worker
        assert worker.pool is pool
        pool.leave(again)
        assert current_worker() is worker
        pool.leave(worker)
        assert current_worker() is None


@sizes
def test_never_more_than_n_at_once_and_indexes_are_unique(size: int) -> None:
    lock = threading.Lock()
    inside: set[int] = set()
    most = 0

    def visit() -> None:
        nonlocal most
        position = index()
        with lock:
            assert position not in inside
            inside.add(position)
            most = max(most, len(inside))
        threading.Event().wait(0.0005)
        with lock:
            inside.remove(position)

    def caller(place: int) -> None:
        for _ in range(5):
            if place % 2:
                pool.seated(visit)
            else:
                spawn(pool, visit).result()

    with a_pool(size) as pool:
        in_threads(8, caller)

    assert 1 <= most <= size


def test_guests_without_a_seat_wait_in_order_and_can_be_seen_waiting() -> None:
    order: list[int] = []
    with a_pool(1) as pool:
        worker = pool.enter()
        assert pool.guests_waiting == 0
        threads = []
        for place in range(3):
            threads.append(threading.Thread(target=pool.seated, args=(order.append, place)))
            threads[-1].start()
            while pool.guests_waiting != place + 1:
                pass
        assert pool.guests_waiting == 3
        pool.leave(worker)
        for thread in threads:
            thread.join()

        assert order == [0, 1, 2]
        assert pool.guests_waiting == 0


def test_try_enter_gives_none_when_all_seats_are_taken() -> None:
    with a_pool(1) as pool:
        worker = pool.enter()
        taken: list[Worker | None] = []
        in_threads(1, lambda _: taken.append(pool.try_enter()))

        assert taken == [None]
        pool.leave(worker)


def test_the_thread_of_a_seat_sleeps_while_a_guest_has_it_and_wakes_for_what_the_guest_leaves() -> None:
    with a_pool(1) as pool:
        worker = pool.enter()
        future = spawn(pool, thread_name)
        assert not future.running()
        assert not future.done()
        pool.leave(worker)

        assert future.result(MEETING_S) == "pariter-0"


# --- what is offered -------------------------------------------------------------------------------------------


class Meeting:
    """Helps once per worker, when all are there."""

    def __init__(self, size: int) -> None:
        self.barrier = threading.Barrier(size)
        self.seen: list[int] = []
        self.done = Latch()

    def help(self, worker: Worker) -> bool:
        if worker.index in self.seen:
            return False
        self.barrier.wait(MEETING_S)
        self.seen.append(worker.index)
        if len(self.seen) == self.barrier.parties:
            self.done.set()
        return True


@sizes
def test_all_idle_workers_help_with_what_is_offered(size: int) -> None:
    with a_pool(size) as pool:
        meeting = Meeting(size)
        pool.offer(meeting)
        assert meeting.done.wait(MEETING_S)
        pool.withdraw(meeting)

        assert sorted(meeting.seen) == list(range(size))


class Idle:
    """Has nothing to do, and counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0

    def help(self, worker: Worker) -> bool:
        self.asked += 1
        return False


def test_nobody_spins_on_an_offer_that_has_nothing_to_give() -> None:
    with a_pool(2) as pool:
        idle = Idle()
        pool.offer(idle)
        threading.Event().wait(0.02)
        assert idle.asked <= 2
        before = idle.asked
        pool.announce()
        threading.Event().wait(0.02)

        assert before <= idle.asked <= before + 2
        pool.withdraw(idle)


def test_an_offer_that_raises_is_withdrawn_and_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    reports: list[BaseException] = []
    monkeypatch.setattr(_platform, "report", reports.append)

    class Bad:
        def help(self, worker: Worker) -> bool:
            raise ZeroDivisionError

    with a_pool(1) as pool:
        pool.offer(Bad())
        assert spawn(pool, int).result() == 0
        while pool.offers.helpables:
            pass

    assert [type(error) for error in reports] == [ZeroDivisionError]


def test_no_offer_is_passed_over_because_another_goes_meanwhile() -> None:
    class Ending(Idle):
        def help(self, worker: Worker) -> bool:
            pool.withdraw(self)
            return super().help(worker)

    with a_pool(1) as pool:
        guest = pool.enter()
        last = Meeting(1)
        for offer in (Ending(), last):
            pool.offer(offer)
        pool.leave(guest)

        assert last.done.wait(MEETING_S)
        pool.withdraw(last)


def test_nothing_of_what_was_offered_is_kept_alive() -> None:
    class Watched(Meeting):
        pass

    with a_pool(2) as pool:
        meeting = Watched(2)
        pool.offer(meeting)
        meeting.done.wait(MEETING_S)
        pool.withdraw(meeting)
        ref = weakref.ref(meeting)
        del meeting

        assert dies(ref)


# --- threads and options ---------------------------------------------------------------------------------------


def test_no_thread_is_started_before_it_is_needed() -> None:
    before = threading.active_count()
    pool = WorkerPool(3)
    pool.seated(int)

    assert threading.active_count() == before
    pool.close()


def test_threads_are_named_by_a_format_or_a_callable() -> None:
    with a_pool(2, thread_name="scorer-{}") as pool:
        assert broadcast(pool, thread_name) == ["scorer-0", "scorer-1"]
    with a_pool(2, thread_name=lambda k: "ab"[k]) as pool:
        assert broadcast(pool, thread_name) == ["a", "b"]


def test_a_thread_name_that_raises_does_so_where_the_pool_is_made() -> None:
    before = threading.active_count()

    def name(k: int) -> str:
        if k >= 5:
            raise LookupError(k)
        return str(k)

    with pytest.raises(LookupError):
        WorkerPool(10, thread_name=name)
    assert threading.active_count() == before
    with pytest.raises(TypeError, match="thread_name"):
        WorkerPool(2, thread_name=3)  # type: ignore[arg-type]


def test_a_pool_needs_a_thread() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        WorkerPool(0)


@sizes
def test_initializer_and_finalizer_run_once_on_every_thread(size: int) -> None:
    log: list[tuple[str, str]] = []
    with a_pool(
        size,
        initializer=lambda: log.append(("start", thread_name())),
        finalizer=lambda: log.append(("end", thread_name())),
    ) as pool:
        assert install(pool, thread_name).startswith("pariter-")
        assert join(pool, index, index) is not None
        with scope(pool) as s:
            s.spawn(index)
        with pytest.raises(RuntimeError, match="own threads only"):
            pool.enter()

    names = [f"pariter-{k}" for k in range(size)]
    assert sorted(name for what, name in log if what == "start") == names
    assert sorted(name for what, name in log if what == "end") == names


@sizes
def test_an_initializer_that_raises_is_named_to_whoever_needs_the_pool_and_the_pool_lives_on(size: int) -> None:
    broken = True

    def prepare() -> None:
        if broken:
            raise LookupError("no licence")

    with a_pool(size, initializer=prepare) as pool:
        for need in (lambda: spawn(pool, int), lambda: install(pool, int), lambda: pool.offer(Idle())):
            with pytest.raises(RuntimeError, match=r"prepare.*'pariter-\d'.*no licence") as caught:
                need()
            assert isinstance(caught.value.__cause__, LookupError)
        broken = False

        assert install(pool, lambda: 5) == 5


def test_a_finalizer_that_raises_is_reported_and_harms_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    reports: list[BaseException] = []
    monkeypatch.setattr(_platform, "report", reports.append)
    with a_pool(2, finalizer=lambda: 1 / 0) as pool:
        broadcast(pool, int)

    assert len(reports) == 2


def test_threads_have_the_stack_they_were_given_and_others_the_usual_one() -> None:
    before = threading.stack_size()
    with a_pool(2, stack_size=256 * 1024) as pool:
        assert install(pool, int) == 0

    assert threading.stack_size() == before


def test_a_stack_that_cannot_be_had_is_an_error_where_the_pool_is_made() -> None:
    before = threading.active_count()
    with pytest.raises(ValueError, match="size"):
        WorkerPool(2, stack_size=1)
    with pytest.raises((ValueError, RuntimeError)):
        WorkerPool(2, stack_size=1 << 60)

    assert threading.active_count() == before


def no_threads(monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    start = _platform.start_thread
    left = [after]

    def limited(target: object, args: object, name: str, stack_size: int | None = None) -> _platform.Thread:
        if name.startswith("pariter-") and name != "pariter-ticker":
            left[0] -= 1
            if left[0] < 0:
                raise RuntimeError("can't start new thread")
        return start(target, args, name, stack_size)  # type: ignore[arg-type]

    monkeypatch.setattr(_platform, "start_thread", limited)


@pytest.mark.parametrize("stack_size", [None, 1 << 20])
def test_an_interrupt_that_a_starting_thread_makes_an_error_of_stays_one(
    stack_size: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = threading.Thread.start

    def interrupted(thread: threading.Thread) -> None:
        start(thread)
        monkeypatch.setattr(threading.Thread, "start", start)
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt:
            threading.Lock().release()  # as a condition does that was kept from taking its lock back

    with a_pool(1, stack_size=stack_size) as pool:
        monkeypatch.setattr(threading.Thread, "start", interrupted)
        with pytest.raises(KeyboardInterrupt):
            spawn(pool, int)

        assert spawn(pool, int).result(MEETING_S) == 0


def test_a_thread_that_was_told_twice_to_end_calls_the_finalizer_and_ends() -> None:
    class Told:
        def acquire(self) -> None:
            pass

        def release(self) -> None:
            raise RuntimeError("release unlocked lock")

    worker = Worker(0, "pariter-0")
    worker.token = Told()  # type: ignore[assignment]
    ended: list[int] = []
    thread = threading.Thread(target=_live, args=(worker, lambda: ended.append(1)))
    thread.start()
    thread.join(MEETING_S)

    assert ended == [1]


@sizes
def test_without_threads_the_caller_does_everything_alone(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    no_threads(monkeypatch, after=0)
    with a_pool(size) as pool:
        pool.offer(idle := Idle())
        assert join(pool, lambda: 1, lambda: 2, lambda: 3) == (1, 2, 3)
        with scope(pool) as s:
            future = s.spawn(index)
        assert future.result(0) < size
        late = pool.seated(spawn, pool, index)
        assert late.result(MEETING_S) < size
        pool.withdraw(idle)
        for need in (lambda: spawn(pool, int), lambda: install(pool, int)):
            with pytest.raises(RuntimeError, match="needs a thread"):
                need()
        with pytest.raises(RuntimeError, match="has no thread"):
            broadcast(pool, int)


def test_with_too_few_threads_the_pool_goes_on_with_those_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    no_threads(monkeypatch, after=2)
    with a_pool(7) as pool:
        assert [spawn(pool, abs, -k).result() for k in range(50)] == list(range(50))
        assert join(pool, *[lambda: 1] * 20) == (1,) * 20


# --- installs between pools ------------------------------------------------------------------------------------


def test_install_in_the_same_pool_is_a_plain_call() -> None:
    with a_pool(1) as pool:
        assert install(pool, lambda: install(pool, lambda: install(pool, index))) == 0


def test_install_raises_what_the_function_raises_and_the_pool_lives_on() -> None:
    with a_pool(1) as pool:
        with pytest.raises(ZeroDivisionError):
            install(pool, lambda: 1 / 0)

        assert install(pool, abs, -1) == 1


@pytest.mark.parametrize("chains", [1, 2, 5])
def test_mutual_installs_do_not_deadlock(chains: int) -> None:
    with a_pool(1) as first, a_pool(1) as second:
        pools = [first, second]

        def chain(here: int, depth: int) -> int:
            return 1 + install(pools[here], chain, 1 - here, depth - 1) if depth else 0

        def caller(place: int) -> None:
            assert chain(place % 2, 10) == 10

        in_threads(chains, caller)


def test_joins_to_and_fro_between_two_pools_do_not_deadlock() -> None:
    with a_pool(1) as first, a_pool(1) as second:
        pools = [first, second]

        def chain(here: int, depth: int) -> int:
            if not depth:
                return 0
            return sum(join(pools[here], lambda: chain(1 - here, depth - 1), lambda: 1))

        def caller(place: int) -> None:
            assert chain(place % 2, 6) == 6

        in_threads(6, caller)


# --- the end ---------------------------------------------------------------------------------------------------


@sizes
def test_close_waits_for_what_is_queued_and_for_what_that_spawns(size: int) -> None:
    ran = []
    begun, may_go_on = threading.Event(), threading.Event()

    def job(depth: int) -> None:
        begun.set()
        may_go_on.wait(MEETING_S)
        ran.append(depth)
        if depth:
            spawn(pool, job, depth - 1)

    pool = WorkerPool(size)
    spawn(pool, job, 3)
    begun.wait(MEETING_S)
    threading.Timer(0.01, may_go_on.set).start()
    pool.close()

    assert ran == [3, 2, 1, 0]
    assert all(worker.thread is None or not worker.thread.is_alive() for worker in pool.workers)
    pool.close()


def test_a_closed_pool_takes_nothing_and_says_so() -> None:
    pool = WorkerPool(1)
    pool.close()

    for need in (
        lambda: spawn(pool, int),
        lambda: install(pool, int),
        lambda: broadcast(pool, int),
        lambda: join(pool, int, int),
        lambda: pool.enter(),
        lambda: scope(pool).__enter__().spawn(int),
    ):
        with pytest.raises(RuntimeError, match="closed"):
            need()


def test_cancel_drops_what_is_queued_and_waits_for_what_runs() -> None:
    begun, may_end = threading.Event(), threading.Event()

    def slow() -> str:
        begun.set()
        may_end.wait(MEETING_S)
        return "done"

    pool = WorkerPool(1)
    running = spawn(pool, slow)
    begun.wait(MEETING_S)
    queued = [spawn(pool, int) for _ in range(5)]
    threading.Timer(0.01, may_end.set).start()
    pool.close(cancel=True)

    assert running.result(0) == "done"
    assert all(future.cancelled() for future in queued)


def test_closing_from_inside_is_an_error_and_not_a_deadlock() -> None:
    with a_pool(1) as pool:
        with pytest.raises(RuntimeError, match="from outside"):
            install(pool, pool.close)
        with pytest.raises(RuntimeError, match="from outside"):
            pool.seated(pool.close)

        assert install(pool, int) == 0


def test_a_pool_nobody_knows_any_more_lets_its_threads_end() -> None:
    finalized = []
    pool = WorkerPool(2, finalizer=lambda: finalized.append(1))
    broadcast(pool, int)
    threads = [worker.thread for worker in pool.workers]
    ref = weakref.ref(pool)
    del pool

    assert dies(ref)
    assert all(isinstance(thread, threading.Thread) and ends(thread) for thread in threads)
    assert finalized == [1, 1]


def test_a_dropped_pool_still_runs_what_it_was_given() -> None:
    begun, may_end, ran = threading.Event(), threading.Event(), []

    def job() -> None:
        begun.set()
        may_end.wait(MEETING_S)
        worker = current_worker()
        assert worker is not None
        spawn(worker.pool, ran.append, 1).add_done_callback(lambda _: done.set())

    done = threading.Event()
    pool = WorkerPool(1)
    spawn(pool, job)
    begun.wait(MEETING_S)
    ref = weakref.ref(pool)
    del pool
    gc.collect()
    may_end.set()

    assert done.wait(MEETING_S)
    assert ran == [1]
    assert dies(ref)


@sizes
def test_idle_workers_keep_nothing_of_what_they_ran(size: int) -> None:
    with a_pool(size) as pool:
        barrier = threading.Barrier(size)

        def work(thing: Thing) -> Thing:
            meet(barrier)
            return thing

        things = [Thing() for _ in range(size)]
        refs: list[weakref.ref[object]] = [weakref.ref(thing) for thing in things]
        futures = [spawn(pool, work, thing) for thing in things]
        assert [future.result() for future in futures] == things
        del futures, things

        assert all(dies(ref) for ref in refs)
