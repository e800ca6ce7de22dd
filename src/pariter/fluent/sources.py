"""More sources for plans: slices of sequences, plans side by side, repeated values, trees, lines of files."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal, TypeVar, overload

from pariter._describe import describe_value
from pariter.fluent import checks
from pariter.fluent.adapters import plan_of
from pariter.fluent.iter import ParIter
from pariter.plan import slices
from pariter.plan.origins import Origin, Repeated
from pariter.plan.pipeline import Plan
from pariter.plan.reshape import Zip
from pariter.plan.stages import Step

T = TypeVar("T")
A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
S = TypeVar("S", bound=Sequence[Any])


def _over(origin: Origin, *steps: Step) -> ParIter[Any]:
    return ParIter(Plan(origin, steps))


# Slices of a sequence.


@overload
def par_chunks(seq: S, size: int, *, exact: bool = False) -> ParIter[S]: ...
@overload
def par_chunks(seq: Any, size: int, *, exact: bool = False) -> ParIter[Any]: ...
def par_chunks(seq: Any, size: int, *, exact: bool = False) -> ParIter[Any]:
    """Slices of `size` neighbouring items of a sequence; the last may be shorter, or, if `exact`, is left out.

    The items of the plan are what slicing `seq` gives: lists of a list, strings of a string, views of an array.
    They are cut by the worker that handles them; nothing is copied before. `par_iter(x).chunks(size)`
    makes lists of the items of any plan.

    Raises TypeError if `seq` is no sequence and ValueError if `size` is less than 1, both at the call.

    >>> par_chunks("abcdefg", 3).collect()
    ['abc', 'def', 'g']
    >>> par_chunks("abcdefg", 3, exact=True).collect()
    ['abc', 'def']
    """
    size = checks.at_least(1, "par_chunks", "size", size)
    return _over(slices.ChunkSlices(slices.sliceable("par_chunks", seq), size, bool(exact)))


@overload
def par_rchunks(seq: S, size: int) -> ParIter[S]: ...
@overload
def par_rchunks(seq: Any, size: int) -> ParIter[Any]: ...
def par_rchunks(seq: Any, size: int) -> ParIter[Any]:
    """As `par_chunks`, cut from the right end: the first slice is the last of the sequence.

    The order of items within a slice is that of the sequence. The last slice, which is the leftmost one, may
    be shorter.

    Raises TypeError if `seq` is no sequence and ValueError if `size` is less than 1, both at the call.

    >>> par_rchunks("abcdefg", 3).collect()
    ['efg', 'bcd', 'a']
    """
    size = checks.at_least(1, "par_rchunks", "size", size)
    return _over(slices.ReverseChunkSlices(slices.sliceable("par_rchunks", seq), size))


@overload
def par_windows(seq: S, size: int) -> ParIter[S]: ...
@overload
def par_windows(seq: Any, size: int) -> ParIter[Any]: ...
def par_windows(seq: Any, size: int) -> ParIter[Any]:
    """Overlapping slices of `size` items, one for each position of a sequence that has so many.

    They are cut by the worker that handles them, so large windows cost memory only while they are in hand.

    Raises TypeError if `seq` is no sequence and ValueError if `size` is less than 1, both at the call.

    >>> par_windows([1, 2, 3, 4], 3).map(sum).collect()
    [6, 9]
    """
    size = checks.at_least(1, "par_windows", "size", size)
    return _over(slices.WindowSlices(slices.sliceable("par_windows", seq), size))


@overload
def par_chunk_by(seq: S, same: Callable[[Any, Any], object]) -> ParIter[S]: ...
@overload
def par_chunk_by(seq: Any, same: Callable[[Any, Any], object]) -> ParIter[Any]: ...
def par_chunk_by(seq: Any, same: Callable[[Any, Any], object]) -> ParIter[Any]:
    """Slices of a sequence, as long as `same(item, next_item)` is true for all neighbours in them.

    `same` is called exactly once for each pair of neighbours, in parallel, before the first slice is cut.
    An exception that it raises stands in the place of the slice whose end it was to find.

    Raises TypeError at the call if `seq` is no sequence.

    >>> par_chunk_by([1, 1, 2, 3, 3], lambda a, b: a == b).collect()
    [[1, 1], [2], [3, 3]]
    """
    seq = slices.sliceable("par_chunk_by", seq)
    return _over(slices.Whole(seq), slices.Alike(seq, checks.function("par_chunk_by", same)))


@overload
def par_split(seq: S, is_separator: Callable[[Any], object]) -> ParIter[S]: ...
@overload
def par_split(seq: Any, is_separator: Callable[[Any], object]) -> ParIter[Any]: ...
def par_split(seq: Any, is_separator: Callable[[Any], object]) -> ParIter[Any]:
    """Slices of a sequence between the items for which `is_separator(item)` is true.

    With n separators there are n + 1 slices, empty ones between neighbours and at the ends.
    `is_separator` is called exactly once for each item, in parallel, before the first slice is cut.

    Raises TypeError at the call if `seq` is no sequence.

    >>> par_split([1, 2, 0, 3, 0], lambda n: n == 0).collect()
    [[1, 2], [3], []]
    """
    seq = slices.sliceable("par_split", seq)
    return _over(slices.Whole(seq), slices.Separated(seq, checks.function("par_split", is_separator)))


# Other plans.


@overload
def par_zip(a: Iterable[A], /) -> ParIter[tuple[A]]: ...
@overload
def par_zip(a: Iterable[A], b: Iterable[B], /) -> ParIter[tuple[A, B]]: ...
@overload
def par_zip(a: Iterable[A], b: Iterable[B], c: Iterable[C], /) -> ParIter[tuple[A, B, C]]: ...
@overload
def par_zip(*sources: Any) -> ParIter[tuple[Any, ...]]: ...
def par_zip(*sources: Any) -> ParIter[Any]:
    """Tuples of the items at the same position of all sources, as the builtin `zip`: up to the shortest.

    >>> par_zip([1, 2, 3], "ab", range(10)).collect()
    [(1, 'a', 0), (2, 'b', 1)]
    """
    if not sources:
        return empty()
    first, *others = (plan_of(source, "par_zip") for source in sources)
    return ParIter(first.then(Zip(tuple(others))))


# Values.


def once(x: T) -> ParIter[T]:
    """A plan with one item.

    >>> once("a").chain("bc").collect()
    ['a', 'b', 'c']
    """
    return _over(Repeated(x, 1))


def empty() -> ParIter[Any]:
    """A plan without items.

    >>> empty().count()
    0
    """
    return _over(Repeated(None, 0))


def repeat(x: T, n: int | None = None) -> ParIter[T]:
    """The same object `n` times, or without end.

    A plan that is known never to end raises ValueError at the call of a method that would need all of it.

    >>> repeat("ab", 2).flatten().collect()
    ['a', 'b', 'a', 'b']
    >>> repeat(4).take(3).sum()
    12
    """
    return _over(Repeated(x, None if n is None else checks.at_least(0, "repeat", "count", n)))


# Files.

Path = str | bytes | os.PathLike[str] | os.PathLike[bytes]


def par_lines(
    path_or_paths: Path | Iterable[Path],
    *,
    encoding: str = "utf-8",
    errors: str = "strict",
    keepends: bool = False,
) -> ParIter[str]:
    r"""The lines of text files, one file after another, read by the workers themselves.

    Files are cut by ranges of bytes; each worker, thread or process, opens the file and reads its own range,
    some hundred kilobytes at a time. The caller reads nothing, and neither holds the file: folds and reductions
    over files of any size run in constant memory. Takes one path or any iterable of paths, as from a glob.

    Lines end at `\n` or `\r\n`, which are stripped unless `keepends`; a lone `\r` ends none. `encoding` and
    `errors` are those of `open`. Read whole, by one worker each, are files in encodings in which a line cannot be found
    from the middle (UTF-16, UTF-32, UTF-7, Shift JIS and other such), files whose names end in `.gz`, which are
    decompressed, and what is no regular file.

    How many lines there are is not known before, so `enumerate` and others that need positions put a barrier.
    `with_min_len` and its kin count bytes here, or up to 64 of them in large files.

    Raises at the call FileNotFoundError, IsADirectoryError, and LookupError for an unknown encoding or error handler.
    A line that cannot be decoded raises UnicodeDecodeError at its place.

    >>> import pathlib, tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = pathlib.Path(folder.name, "numbers.txt")
    >>> path.write_text("1\n2\n3\n")
    6
    >>> par_lines(path).map(int).sum()
    6
    >>> folder.cleanup()
    """
    from pariter.plan import files

    return _over(files.text_files(path_or_paths, encoding, errors, keepends))


# Trees.


def split(data: T, halve: Callable[[T], tuple[T, T] | None]) -> ParIter[T]:
    """The pieces of `data`: `halve(d)` returns `(left, right)`, or None if `d` is to be an item of the plan.

    Pieces come from left to right. `halve` is called once for each part, by many workers at a time; first for
    the largest parts, so that everybody has one. When the plan is iterated, by one worker at a time.

    >>> def halves(r):
    ...     middle = len(r) // 2
    ...     return (r[:middle], r[middle:]) if len(r) > 3 else None
    >>> split(range(10), halves).map(list).collect()
    [[0, 1], [2, 3, 4], [5, 6], [7, 8, 9]]
    """
    from pariter.plan import trees

    return _over(trees.Start(data), trees.Split(data, checks.function("split", halve)))


def walk_tree(root: T, children: Callable[[T], Iterable[T]], *, order: Literal["pre", "post"] = "pre") -> ParIter[T]:
    """The nodes of a tree: a node before its children (`order="pre"`) or after them (`"post"`).

    `children` is called exactly once for each node, by many workers at a time, and may return any iterable,
    which is empty for a leaf; children come in its order. The tree may be deep. It may even be endless, for
    methods that need a part of it only. When the plan is iterated, or so many items are taken, nodes are
    asked for their children by one worker at a time, and not further than wanted.

    Raises ValueError at the call if `order` is anything else.

    >>> tree = {"a": "bc", "b": "de", "c": "", "d": "", "e": ""}
    >>> walk_tree("a", tree.get).collect(str)
    'abdec'
    >>> walk_tree("a", tree.get, order="post").collect(str)
    'debca'
    """
    if order not in ("pre", "post"):
        raise ValueError(f"walk_tree() needs an order of 'pre' or 'post', got {describe_value(order)}")
    from pariter.plan import trees

    return _over(trees.Start(root), trees.WalkTree(root, checks.function("walk_tree", children), order))
