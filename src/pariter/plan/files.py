"""Lines of text files, read by the workers that handle them.

Files are cut by bytes. A line belongs to where its first byte is, so a leaf looks for the first line that
begins in its range and reads on to the end of the last one. A file that cannot be entered in the middle
(it is compressed, is no regular file, or its encoding does not tell where a line begins) is read whole, by one worker.
How many lines there are is not known before; their places are bytes.
"""

from __future__ import annotations

import codecs
import errno
import gzip
import os
import stat
import sys
from bisect import bisect_right
from collections.abc import Callable, Generator, Iterable, Iterator
from itertools import accumulate, chain
from operator import length_hint
from typing import Any, ClassVar, NamedTuple

from pariter._describe import describe_value
from pariter.plan.origins import Origin
from pariter.plan.place import Block, Place, Site
from pariter.plan.sources import Source

AT_ONCE = 1 << 18
"""So many bytes are read and decoded at a time."""
_UNITS = 1 << 16
_LARGEST_UNIT = 64
"""A unit of the span is so many bytes, or fewer where files are small: also ten slow lines are to be shared."""


class TextForm(NamedTuple):
    """How bytes become lines."""

    encoding: str
    errors: str
    keepends: bool
    bom: bool
    """Whether a byte order mark at the beginning is no part of the text."""
    whole: bool
    """Whether only reading from the beginning tells where a line begins."""


class Part(NamedTuple):
    """The lines of a file that begin in `low <= byte < high`; all of them if `high` is None."""

    path: str
    low: int
    high: int | None


class TextFiles(Origin):
    """Text files, by their absolute paths."""

    paths: tuple[str, ...]
    form: TextForm
    code: str
    """The call that made it."""
    knows_positions: ClassVar[bool] = False

    def bind(self) -> Source[str]:
        parts = tuple(self._part(path) for path in self.paths)
        total = sum(part.high for part in parts if part.high is not None)
        return Lines(parts, self.form, min(_LARGEST_UNIT, max(1, total // _UNITS)))

    def _part(self, path: str) -> Part:
        found = os.stat(path)
        # A size of 0 may mean that the size is not known before reading.
        whole = self.form.whole or not stat.S_ISREG(found.st_mode) or not found.st_size or _is_compressed(path)
        return Part(path, 0, None if whole else found.st_size)

    def summary(self) -> str:
        many = len(self.paths)
        return f"lines of {many} file{'s' * (many != 1)}, read by the workers"

    def __repr__(self) -> str:
        return self.code


def text_files(paths: Any, encoding: str, errors: str, keepends: bool) -> TextFiles:
    """Describe files for a plan; raises what opening them would, where that shows already."""
    if not isinstance(encoding, str) or not isinstance(errors, str):
        wrong = describe_value(errors if isinstance(encoding, str) else encoding)
        raise TypeError(f"par_lines() needs the names of an encoding and of an error handler, got {wrong}")
    form = text_form(encoding, errors, keepends)
    if not isinstance(paths, (str, bytes, os.PathLike, Iterable)):
        raise TypeError(f"par_lines() needs a path or paths of files, got {describe_value(paths)}")
    given = list(paths) if isinstance(paths, Iterable) and not isinstance(paths, (str, bytes, os.PathLike)) else paths
    names = tuple(map(_checked, given if isinstance(given, list) else [given]))
    arguments = [
        describe_value(given) if isinstance(given, list) else repr(given),
        *[f"encoding={encoding!r}"] * (encoding != "utf-8"),
        *[f"errors={errors!r}"] * (errors != "strict"),
        *["keepends=True"] * keepends,
    ]
    return TextFiles(names, form, f"par_lines({', '.join(arguments)})")


def _checked(path: Any) -> str:
    if not isinstance(path, (str, bytes, os.PathLike)):
        raise TypeError(f"par_lines() needs paths of files, got {describe_value(path)}")
    name = os.path.abspath(os.fsdecode(path))  # a worker may be somewhere else
    if stat.S_ISDIR(os.stat(name).st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), os.fsdecode(path))
    return name


def _is_compressed(path: str) -> bool:
    return path.lower().endswith(".gz")


_BYTE_BY_BYTE = ("utf-8", "utf-8-sig", "ascii", "iso8859-1")
"""Encodings in which the byte of a newline is a newline, wherever it is; others are asked for their table."""


def text_form(encoding: str, errors: str, keepends: bool) -> TextForm:
    """How to read text; LookupError for names that nobody knows."""
    codec: Any = codecs.lookup(encoding)
    if not codec._is_text_encoding or codec.incrementaldecoder is None:
        raise LookupError(f"par_lines() needs a text encoding, and {encoding!r} is none")
    codecs.lookup_error(errors)
    bom = codec.name == "utf-8-sig"
    table = getattr(sys.modules.get(codec.incrementaldecoder.__module__), "decoding_table", "")
    enters = codec.name in _BYTE_BY_BYTE or (len(table) == 256 and table[10] == "\n" and table.count("\n") == 1)
    return TextForm("utf-8" if bom else encoding, errors, bool(keepends), bom, not enters)


class Lines(Source[str]):
    """The lines of parts of files, cut by units of so many bytes."""

    __slots__ = ("_ends", "_form", "_parts", "_unit")
    exact = False
    carries_data = False

    def __init__(self, parts: tuple[Part, ...], form: TextForm, unit: int) -> None:
        self._parts = parts
        self._form = form
        self._unit = unit
        self._ends = list(accumulate(map(self._units, parts)))

    def _units(self, part: Part) -> int:
        return 1 if part.high is None else -(-(part.high - part.low) // self._unit)

    @property
    def span(self) -> int:
        return self._ends[-1] if self._ends else 0

    def view(self, indices: range) -> Source[str]:
        raise TypeError("the lines of a file have no positions")

    def cut(self, low: int, high: int) -> Lines:
        return Lines(tuple(part for _, part in self._between(low, high)), self._form, self._unit)

    def _between(self, low: int, high: int) -> Iterator[tuple[int, Part]]:
        """The parts of units `low` up to `high`, each with the number of the whole part."""
        at = bisect_right(self._ends, low)
        while low < high:
            part, end = self._parts[at], self._ends[at]
            begin = end - self._units(part)
            stop = min(end, high)
            if part.high is not None:
                bounds = [min(part.low + (unit - begin) * self._unit, part.high) for unit in (low, stop)]
                part = Part(part.path, *bounds)
            yield at, part
            low, at = stop, at + 1

    def open(self, blocks: Iterable[Block], site: Site) -> Iterator[str]:
        spot = site.spot = LineSpot()
        runs = self._runs(blocks, spot)
        site.at_end(runs.close)
        return chain.from_iterable(runs)

    def _runs(self, blocks: Iterable[Block], spot: LineSpot) -> Generator[Iterator[str], None, None]:
        reader: Reader | None = None
        at = -1
        try:
            for low, high in blocks:
                for number, part in self._between(low, high):
                    if number != at or reader is None:
                        if reader is not None:
                            reader.close()
                        reader = Reader(part, self._form, spot)
                        at = number
                    yield from reader.runs(part.high)
        finally:
            if reader is not None:
                reader.close()

    def __reduce__(self) -> tuple[Any, ...]:
        return Lines, (self._parts, self._form, self._unit)


class LineSpot:
    """The place of a line: where it begins in its file, or its number, where bytes say nothing."""

    __slots__ = ("_data", "_items", "_lines", "before", "begin", "path")

    def __init__(self) -> None:
        self.path = ""
        self.begin = 0
        self.before: int | None = None
        self._data = b""
        self._lines: list[str] = []
        self._items: Iterator[str] = iter(())

    def enter(self, begin: int, data: bytes, lines: list[str]) -> Iterator[str]:
        """Hand out `lines`, which were `data`, from byte `begin` on."""
        self.begin = begin
        self._data = data
        self._lines = lines
        self._items = iter(lines)
        return self._items

    def passed(self) -> None:
        """All lines entered were handed out."""
        if self.before is not None:
            self.before += len(self._lines)

    def place(self) -> Place | None:
        at = len(self._lines) - length_hint(self._items) - 1
        if at < 0:
            return None
        if self.before is not None:
            words = f"line {self.before + at + 1} of {self.path!r}"
        else:
            offset = 0
            for _ in range(at):
                offset = self._data.index(b"\n", offset) + 1
            words = f"the line beginning at byte {self.begin + offset} of {self.path!r}"
        return Place(-1, self._lines[at], words)


class Reader:
    """Reads one part of a file, from its left to its right."""

    def __init__(self, part: Part, form: TextForm, spot: LineSpot) -> None:
        self._form = form
        self._spot = spot
        self._file: Any = fetch(gzip.open if _is_compressed(part.path) else open, part.path, "rb")
        self._at = part.low
        self._in_line = part.low > 0
        if self._in_line:
            self._at -= 1  # a line begins at `low` if this byte ends one
            self._file.seek(self._at)
        spot.path = os.path.basename(part.path)
        spot.before = 0 if part.high is None else None

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def runs(self, end: int | None) -> Iterator[Iterator[str]]:
        """The lines that begin before byte `end`, some thousand at a time."""
        if self._form.whole:
            return self._from_texts()
        return self._from_bytes(sys.maxsize if end is None else end)

    def _from_bytes(self, end: int) -> Iterator[Iterator[str]]:
        spot, form = self._spot, self._form
        while data := self._next_lines(end):
            begin, self._at = self._at, self._at + len(data)
            if not begin and form.bom and data.startswith(codecs.BOM_UTF8):
                begin, data = len(codecs.BOM_UTF8), data.removeprefix(codecs.BOM_UTF8)
            try:
                lines = split_lines(data.decode(form.encoding, form.errors), form.keepends)
            except UnicodeError:
                yield from self._one_by_one(begin, data)
            else:
                yield spot.enter(begin, data, lines)
                spot.passed()

    def _next_lines(self, end: int) -> bytes:
        """The next lines that begin before `end`, as they are in the file; nothing if there are none."""
        while self._in_line and self._at < end:
            passed = fetch(self._file.readline, min(end - self._at, AT_ONCE))
            if not passed:
                return b""
            self._at += len(passed)
            self._in_line = not passed.endswith(b"\n")
        if self._at >= end:
            return b""
        data: bytes = fetch(self._file.read, min(end - self._at, AT_ONCE))
        return data if data.endswith(b"\n") or not data else data + fetch(self._file.readline)

    def _one_by_one(self, begin: int, data: bytes) -> Iterator[Iterator[str]]:
        """Lines of which one cannot be decoded: those before it are handed out first."""
        spot, form = self._spot, self._form
        for line in data.split(b"\n"):
            next(spot.enter(begin, line, [""]))
            text = fetch((line + b"\n").decode, form.encoding, form.errors)
            yield spot.enter(begin, line, split_lines(text, form.keepends))
            spot.passed()
            begin += len(line) + 1

    def _from_texts(self) -> Iterator[Iterator[str]]:
        spot, keepends = self._spot, self._form.keepends
        rest: list[str] = []
        for text in self._texts():
            if "\n" not in text:
                rest.append(text)
                continue
            end = text.rindex("\n") + 1
            yield spot.enter(0, b"", split_lines("".join((*rest, text[:end])), keepends))
            spot.passed()
            rest = [text[end:]]
        yield spot.enter(0, b"", split_lines("".join(rest), keepends))

    def _texts(self) -> Iterator[str]:
        """The text, a part at a time, up to what cannot be decoded."""
        decoder = codecs.getincrementaldecoder(self._form.encoding)(self._form.errors)
        data, text = b"...", ""
        while data:
            data = fetch(self._file.read, AT_ONCE)
            state = decoder.getstate()
            try:
                text = decoder.decode(data, not data)
            except UnicodeError as error:
                decoder.setstate(state)
                yield "".join(_decodable(decoder, data))
                next(self._spot.enter(0, b"", [""]))
                fetch(_raise, error)
            yield text


def _decodable(decoder: codecs.IncrementalDecoder, data: bytes) -> Iterator[str]:
    """What comes before the byte at which `decoder` fails."""
    for at in range(len(data)):
        try:
            yield decoder.decode(data[at : at + 1])
        except UnicodeError:
            return


def fetch(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call `function`; an error note takes what is raised under this name for the source's."""
    return function(*arguments)


def _raise(error: Exception) -> None:
    raise error


def split_lines(text: str, keepends: bool) -> list[str]:
    r"""Lines that end at `\n` or `\r\n`, and at nothing else.

    >>> split_lines("a\nb\r\n\x0c\rc", False)
    ['a', 'b', '\x0c\rc']
    """
    if not keepends and "\r" in text:
        text = text.replace("\r\n", "\n")
    lines = text.split("\n")
    rest = lines.pop()
    if keepends:
        lines = [line + "\n" for line in lines]
    if rest:
        lines.append(rest)
    return lines
