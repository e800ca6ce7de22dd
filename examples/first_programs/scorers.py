"""Documents scored on four threads with names of their own."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter

from pariter import ThreadPool, par_iter

DOCUMENTS = 10_000
WORDS = ["to", "be", "or", "not", "that", "is", "the", "question"]
LENGTH = 16


def score(document: str) -> tuple[int, str]:
    """How many words the document has, and which thread counted them."""
    return len(document.split()), threading.current_thread().name


def main() -> None:
    rng = random.Random(7)
    documents = [" ".join(rng.choices(WORDS, k=LENGTH)) for _ in range(DOCUMENTS)]

    began = time.perf_counter()
    expected = [score(document)[0] for document in documents]
    loop_s = time.perf_counter() - began

    with ThreadPool(4, thread_name="scorer-{}") as pool:
        names = pool.broadcast(lambda: threading.current_thread().name)
        plan = par_iter(documents).map(score)
        began = time.perf_counter()
        scores, scorers = pool.install(plan.unzip)  # on the pool's threads only, not on this one
        plan_s = time.perf_counter() - began

    print(f"{len(scores):,} documents score {sum(scores):,}, the highest {max(scores)}.")
    print(f"    the pool's threads are {', '.join(names)}")
    for name, times in sorted(Counter(scorers).items()):
        print(f"    {name} scored {times:,}")
    print(f"    loop {loop_s:.3f} s, plan {plan_s:.3f} s")
    assert scores == expected
    assert set(scorers) <= set(names)


if __name__ == "__main__":
    main()
