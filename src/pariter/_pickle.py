"""Pickling with cloudpickle, which is imported when something first needs it."""

from __future__ import annotations

import pickle


def dumps(value: object) -> bytes:
    """`value` pickled by cloudpickle: functions, closures and classes that have no importable name too."""
    import cloudpickle

    packed: bytes = cloudpickle.dumps(value)
    return packed


def dumps_plainly(value: object) -> bytes:
    """`value` pickled by plain pickle where that works, which is much faster, else by cloudpickle."""
    try:
        return pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
    except Exception:
        return dumps(value)
