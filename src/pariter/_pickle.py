"""Pickling with cloudpickle, which is imported when something first needs it."""

from __future__ import annotations

import functools
import os
import pickle
import sys
import threading
from typing import Any

MAIN = b"_main__"
"""Is in each pickle that refers to the program by name, `__main__` or `__mp_main__`: no worker imports that."""

_BY_VALUE = b"cloudpickle"
"""Is in each pickle that defines a function or a class anew, or once more."""

by_value = threading.RLock()
"""Held by who pickles by cloudpickle or unpickles that: a class that comes back is written to while it may be read."""


def _after_fork_in_child() -> None:
    global by_value
    by_value = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)


@functools.cache
def cloud() -> Any:
    """The module cloudpickle, for which children of multiprocessing define what they do in the program itself."""
    import cloudpickle

    main = sys.modules.get("__mp_main__")
    if main is not None and main.__name__ == "__mp_main__":
        cloudpickle.register_pickle_by_value(main)
    return cloudpickle


def dumps(value: object) -> bytes:
    """`value` pickled by cloudpickle: functions, closures and classes that have no importable name too."""
    with by_value:
        packed: bytes = cloud().dumps(value)
    return packed


def loads(content: bytes) -> Any:
    """What was pickled, by whichever."""
    if _BY_VALUE not in content:
        return pickle.loads(content)
    with by_value:
        return pickle.loads(content)


def dumps_plainly(value: object) -> bytes:
    """`value` pickled by plain pickle where that works, which is much faster, else by cloudpickle."""
    try:
        return pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
    except Exception:
        return dumps(value)
