"""What pools are given: how many workers, and what is sent to them."""

from __future__ import annotations

from typing import Any

from pariter import _pickle, choice
from pariter._describe import describe_value
from pariter.errors import CannotSend


def packed(what: str, content: Any) -> bytes:
    """What travels to a process, pickled; `CannotSend` says of `what` that it cannot."""
    try:
        return _pickle.dumps(content)
    except Exception as error:
        raise CannotSend(f"{what} cannot travel to a worker process: {error}") from error


def size(kind: str, wanted: int | None) -> int:
    """The number of workers for a pool that was asked for `wanted`."""
    if wanted is None:
        return choice.default_size()
    if isinstance(wanted, bool) or not hasattr(wanted, "__index__"):
        raise TypeError(f"{kind}() needs an integer number of workers, got {describe_value(wanted)}")
    if wanted < 0:
        raise ValueError(f"{kind}() needs a number of workers that is not negative, got {wanted}")
    return int(wanted) or choice.default_size()
