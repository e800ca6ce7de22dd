"""What `import pariter` costs: the best of many starts, against those of an empty interpreter.

The best and not the mean, for whatever else the machine does can only add to a start. Both kinds of
start take turns, so that a slow minute falls on both alike. Bytecode is cached, as it is for any
installed package, in a folder of our own.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time

ROUNDS = 20
BUDGET_MS = 60


def start_ms(code: str, env: dict[str, str]) -> float:
    """How long one fresh interpreter takes to run `code`, in milliseconds."""
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], env=env, check=True)
    return (time.perf_counter() - begun) * 1e3


def main() -> None:
    with tempfile.TemporaryDirectory() as cache:
        env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        env["PYTHONPYCACHEPREFIX"] = cache
        start_ms("import pariter", env)  # fills the cache
        rounds = [(start_ms("pass", env), start_ms("import pariter", env)) for _ in range(ROUNDS)]
    empty, loaded = (min(times) for times in zip(*rounds, strict=True))

    print(f"python {sys.version.split()[0]}, best of {ROUNDS} starts")
    print(f"  empty interpreter  {empty:6.1f} ms")
    print(f"  import pariter     {loaded:6.1f} ms")
    print(f"  difference         {loaded - empty:6.1f} ms  (budget {BUDGET_MS} ms)")


if __name__ == "__main__":
    main()
