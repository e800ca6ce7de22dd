"""How many workers a pool has by default, and which engine a plan gets by default."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

ENGINES = ("threads", "processes", "serial")
FOR_THE_GIL = "because this interpreter has a GIL"
"""Why a plan that nobody decides about gets processes, unless it waits more than it computes."""


def default_size() -> int:
    """`PARITER_NUM_THREADS` if it is a positive integer, else the CPUs this process may use."""
    wanted = os.environ.get("PARITER_NUM_THREADS", "")
    if wanted.strip().isdecimal() and int(wanted) > 0:
        return int(wanted)
    return usable_cpus()


def usable_cpus() -> int:
    """The CPUs this process may use, by its affinity and its control group's quota; at least 1."""
    if hasattr(os, "sched_getaffinity"):
        cpus = len(os.sched_getaffinity(0))
    else:
        cpus = os.cpu_count() or 1
    return max(1, min(cpus, _cgroup_quota() or cpus))


def _cgroup_quota() -> int | None:
    """The CPUs a Linux control group grants, rounded up; None without a limit."""
    try:
        with open("/sys/fs/cgroup/cpu.max", encoding="ascii") as file:
            quota, period = file.read().split()
        return None if quota == "max" else -(-int(quota) // int(period))
    except (OSError, ValueError):
        return None


def has_gil() -> bool:
    """Whether a GIL is on in this interpreter now."""
    is_enabled = getattr(sys, "_is_gil_enabled", None)
    return is_enabled is None or bool(is_enabled())


def is_daemon() -> bool:
    """Whether this is a daemon process of multiprocessing's, which may not start processes."""
    loaded = sys.modules.get("multiprocessing.process")  # a daemon process has it
    return loaded is not None and bool(loaded.current_process().daemon)


def check_may_start_processes() -> None:
    """Raise RuntimeError where multiprocessing would refuse to start a process."""
    if is_daemon():
        raise RuntimeError(
            "a daemon process may not start worker processes: it would leave them behind.\n"
            "    Run the plan on threads, .on('threads'), or start this process with daemon=False"
        )


def default_engine(*, effect: bool) -> tuple[str, str]:
    """The engine of a plan that nothing else decides about, and why."""
    wanted = os.environ.get("PARITER_ENGINE", "")
    if wanted:
        if wanted not in ENGINES:
            raise ValueError(f"PARITER_ENGINE must be one of {', '.join(ENGINES)}, got {wanted!r}")
        return wanted, f"because PARITER_ENGINE is {wanted!r}"
    if not has_gil():
        return "threads", "because this interpreter runs without a GIL"
    if effect:
        return "threads", "because for_each is there for its effect, which a process would keep to itself"
    if is_daemon():
        return "threads", "because this is a daemon process, which may not start processes"
    return "processes", FOR_THE_GIL


def check_callables(pool: str, **functions: object) -> None:
    """Raise TypeError for the first that is neither callable nor None."""
    for role, fn in functions.items():
        if fn is not None and not callable(fn):
            raise TypeError(f"{pool}() needs a callable {role}, got {fn!r}")


def process_settings(processes: int, inner_threads: int | None, env: dict[str, str] | None) -> dict[str, str]:
    """The environment of a pool's workers: limits for numeric libraries, and `env`, which goes before them."""
    if inner_threads is not None and (not isinstance(inner_threads, int) or inner_threads < 0):
        kind = ValueError if isinstance(inner_threads, int) else TypeError
        raise kind(f"ProcessPool() needs inner_threads of at least 0, got {inner_threads!r}")
    if not isinstance(env or {}, Mapping):
        raise TypeError(f"ProcessPool() needs a mapping of texts as env, got {env!r}")
    for name, value in (env or {}).items():
        if not (isinstance(name, str) and isinstance(value, str)):
            raise TypeError(f"ProcessPool() needs an env of texts, got {name!r}: {value!r}")
    return {**_inner_thread_limits(inner_threads or max(1, usable_cpus() // processes)), **(env or {})}


def _inner_thread_limits(threads: int) -> dict[str, str]:
    """The environment that keeps numeric libraries in a worker to `threads` threads each."""
    names = ("OMP", "OPENBLAS", "MKL", "BLIS", "NUMEXPR")
    limits = {f"{name}_NUM_THREADS": str(threads) for name in names}
    limits["VECLIB_MAXIMUM_THREADS"] = str(threads)
    return {name: value for name, value in limits.items() if name not in os.environ}
