"""What a caller wants to hear of its workers: logging levels and warnings filters, packed there and in force here.

Levels are taken over, so that a record nobody wants is not made. Filters are too, because a warning that is an
error must be raised where it is given, as in a loop; one that is shown at all is shown once a piece or always,
and how often the caller shows it is decided by the caller's own filters.
"""

from __future__ import annotations

import logging
import os
import pickle
import re
import sys
import warnings
from typing import Any

from pariter._pickle import dumps

_TOKEN = os.urandom(8)
_ACTIONS = {"error": "error", "ignore": "ignore", "always": "always", "all": "always"}
"""What a filter's action becomes in a worker; what is missing becomes `"default"`."""

_Filter = tuple[str, str, "str | bytes", str, int]


class _Forgetful(Warning):
    """Never given."""


def at_home() -> tuple[int, bytes]:
    """What tells this process from all others, also from forks of it and from those of other machines."""
    return os.getpid(), _TOKEN


def wanted() -> bytes:
    """What the caller wants to hear now, ready to be sent."""
    root = logging.getLogger()
    levels = {"": int(root.level)}
    for name, logger in root.manager.loggerDict.copy().items():
        if isinstance(logger, logging.Logger) and logger.level:
            levels[name] = int(logger.level)
    filters = [sent for entry in _current_filters() if (sent := _as_sent(*entry)) is not None]
    return pickle.dumps((at_home(), int(root.manager.disable), levels, filters), pickle.HIGHEST_PROTOCOL)


def _current_filters() -> list[Any]:
    # From 3.14 on, filters may belong to the context instead of the module.
    of_context = getattr(warnings, "_get_filters", None)
    return list(warnings.filters if of_context is None else of_context())


def _as_sent(action: str, message: Any, category: type, module: Any, lineno: int) -> _Filter | None:
    kind = _name_or_copy(category)
    if kind is None:
        return None
    return _ACTIONS.get(action, "default"), _pattern(message), kind, _pattern(module), lineno


def _pattern(part: Any) -> str:
    """A part of a filter as `filterwarnings` takes it; the interpreter's own filters have texts to be equal to."""
    if part is None:
        return ""
    return re.escape(part) + r"\Z" if isinstance(part, str) else str(part.pattern)


def _name_or_copy(category: type) -> str | bytes | None:
    """A category by its name, or pickled if no worker can have it by name; None if neither is possible."""
    name = f"{category.__module__}:{category.__qualname__}"
    if category.__module__ != "__main__" and _named(name) is category:
        return name
    try:
        return dumps(category)
    except Exception:
        return None


def _named(name: str) -> Any:
    """The object of that name in a module that is imported already: no filter is worth an import."""
    module, _, path = name.partition(":")
    found: Any = sys.modules.get(module)
    for part in path.split("."):
        found = getattr(found, part, None)
    return found


def _category(kind: str | bytes) -> Any:
    if isinstance(kind, str):
        return _named(kind)
    try:
        return pickle.loads(kind)
    except Exception:
        return None


class InForce:
    """What is in force in this process: a caller's wishes, and what this process had set up by itself.

    A block of it is where functions run: only there a warning may be an error. To unpickle functions a worker imports
    what the caller had imported before, and in a loop nothing is pickled.
    """

    def __init__(self) -> None:
        self._packed = b""
        self._wanted: list[_Filter] = []
        self._is_partial = False
        self._has_errors = False
        self._filters = self._first_filters = _current_filters()
        self._levels: dict[str, int] = {}
        self._disabled: int | None = None

    def put(self, packed: bytes) -> None:
        """Let the wishes `packed` be in force from now on, and forget which warnings were shown."""
        if packed != self._packed:
            _, disabled, levels, self._wanted = pickle.loads(packed)
            self._has_errors = any(action == "error" for action, *_ in self._wanted)
            self._put_levels(disabled, levels)
            self._put_filters(errors="ignore")
            self._packed = packed
        _forget_shown()

    def __enter__(self) -> None:
        if self._is_partial or self._has_errors:  # by now all categories are imported
            self._put_filters(errors="error")

    def __exit__(self, *error: object) -> None:
        if self._has_errors:
            self._put_filters(errors="ignore")

    def restore(self) -> None:
        """Put back the levels this process had; its filters are put back by whoever saved them."""
        self._put_levels(0, {})
        self._disabled = None
        self._filters = self._first_filters
        self._packed = b""

    def _put_levels(self, disabled: int, levels: dict[str, int]) -> None:
        if self._disabled is None:
            self._disabled = logging.root.manager.disable
        logging.disable(max(disabled, self._disabled))
        for name in [name for name in self._levels if name not in levels]:
            logging.getLogger(name).setLevel(self._levels.pop(name))
        for name, level in levels.items():
            logger = logging.getLogger(name)
            before = self._levels.setdefault(name, logger.level)
            if has_own_handler(logger):  # it gets what it got before
                level = min(level, before or (logger.parent or logger).getEffectiveLevel())
            if logger.level != level:
                logger.setLevel(level)

    def _put_filters(self, *, errors: str) -> None:
        usable = [
            (errors if action == "error" else action, message, category, module, lineno)
            for action, message, kind, module, lineno in self._wanted
            if isinstance(category := _category(kind), type) and issubclass(category, Warning)
        ]
        self._is_partial = len(usable) < len(self._wanted)
        own = [
            (action, _pattern(message), category, _pattern(module), lineno)
            for action, message, category, module, lineno in _current_filters()
            if (action, message, category, module, lineno) not in self._filters
        ]
        warnings.resetwarnings()
        for entry in reversed(usable):
            _insert(*entry)
        _forget_shown()
        self._filters = _current_filters()
        for entry in reversed(own):
            _insert(*entry)


def _forget_shown() -> None:
    """Let Python forget which warnings were shown: it does when a filter is added, also one that is there."""
    warnings.filterwarnings("default", category=_Forgetful, append=True)


def _insert(action: Any, message: str, category: type[Warning], module: str, lineno: int) -> None:
    warnings.filterwarnings(action, message, category, module, lineno)


def has_own_handler(logger: logging.Logger, level: int = logging.CRITICAL, but: logging.Handler | None = None) -> bool:
    """Whether this process has a handler of its own, `but` one, for what `logger` logs at `level`."""
    here: logging.Logger | None = logger
    while here is not None:
        for handler in here.handlers:
            if handler is not but and handler.level <= level and not isinstance(handler, logging.NullHandler):
                return True
        here = here.parent if here.propagate else None
    return False


in_force = InForce()
