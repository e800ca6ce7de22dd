"""The global pool: set once, before it is first used, and never again."""

from __future__ import annotations

from pariter import GlobalPoolAlreadyInitialized, ThreadPool, build_global, current_num_threads


def main() -> None:
    build_global(ThreadPool(3))
    print(f"The global pool has {current_num_threads()} threads.")
    assert current_num_threads() == 3

    try:
        build_global(ThreadPool(5))
    except GlobalPoolAlreadyInitialized as error:
        print(f"A second call raises {type(error).__name__}: {error}")
    else:
        raise AssertionError("a second call has replaced the global pool")
    assert current_num_threads() == 3


if __name__ == "__main__":
    main()
