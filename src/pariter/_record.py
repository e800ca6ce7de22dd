"""Frozen records declared by their annotations, at a fraction of what generating code for each would cost.

`@dataclass` writes and compiles source for every class; with a class for each method of the vocabulary that
alone would take longer than the rest of the import. A record derives the same from one table of fields.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self, dataclass_transform


@dataclass_transform(frozen_default=True)
class Record:
    """Immutable, equal by class and fields, with an `__init__` that takes the fields in order or by name."""

    fields: ClassVar[tuple[str, ...]] = ()
    defaults: ClassVar[Mapping[str, Any]] = {}

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        own = [name for name, kind in cls.__annotations__.items() if not str(kind).startswith("ClassVar")]
        fresh = tuple(name for name in own if name not in cls.fields and not name.startswith("_"))
        cls.fields = cls.fields + fresh
        setattr(cls, "__match_args__", cls.fields)  # noqa: B010 - for `match`; type checkers take it for constant
        cls.defaults = {**cls.defaults, **{name: vars(cls)[name] for name in own if name in vars(cls)}}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        values = self.__dict__
        if not kwargs and len(args) == len(self.fields):  # in most cases, and this is on the way of every plan
            values.update(zip(self.fields, args, strict=False))
            return
        if len(args) > len(self.fields):
            raise TypeError(f"{type(self).__name__} takes {len(self.fields)} fields, got {len(args)}")
        values.update(self.defaults)
        values.update(zip(self.fields, args, strict=False))
        values.update(kwargs)
        if len(values) != len(self.fields) or (kwargs and any(name not in values for name in self.fields)):
            raise TypeError(f"{type(self).__name__} needs the fields {', '.join(self.fields)}, got {list(values)}")

    def replace(self, **changes: Any) -> Self:
        """The same record with other values in some fields."""
        if not changes.keys() <= self.__dict__.keys():
            raise TypeError(f"{type(self).__name__} has the fields {', '.join(self.fields)}, not {list(changes)}")
        changed = object.__new__(type(self))
        changed.__dict__.update(self.__dict__, **changes)
        return changed

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"{type(self).__name__} is immutable")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__} is immutable")

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self.__dict__ == other.__dict__

    def __hash__(self) -> int:
        return hash((type(self), *map(self.__dict__.__getitem__, self.fields)))

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.fields)
        return f"{type(self).__name__}({shown})"
