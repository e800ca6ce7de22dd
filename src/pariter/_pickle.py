"""Pickling with cloudpickle, which is imported when something first needs it."""

from __future__ import annotations

import functools
import pickle
import sys
from typing import Any

MAIN = b"_main__"
"""Is in each pickle that refers to the program by name, `__main__` or `__mp_main__`: no worker imports that."""


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
    packed: bytes = cloud().dumps(value)
    return packed


def dumps_plainly(value: object) -> bytes:
    """`value` pickled by plain pickle where that works, which is much faster, else by cloudpickle."""
    try:
        return pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
    except Exception:
        return dumps(value)
