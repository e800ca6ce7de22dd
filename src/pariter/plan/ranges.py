"""Arithmetic on ranges of indices, of any size."""

from __future__ import annotations


def compose(outer: range, inner: range) -> range:
    """The elements of `outer` at the places `inner`."""
    if not inner:
        return outer[:0]
    start = outer.start + inner[0] * outer.step
    step = outer.step * inner.step
    return range(start, start + length(inner) * step, step)


def length(indices: range) -> int:
    """`len(indices)` for ranges of any size."""
    try:
        return len(indices)
    except OverflowError:
        pass
    if indices.step > 0:
        return max(0, -((indices.start - indices.stop) // indices.step))
    return max(0, -((indices.stop - indices.start) // -indices.step))


def as_slice(indices: range) -> slice:
    """The slice that reads `indices` of a sequence."""
    stop = indices.stop if indices.stop >= 0 else None
    return slice(indices.start, stop, indices.step) if indices else slice(0, 0)


def highest(indices: range, default: int) -> int:
    """The largest of `indices`, at once however many there are."""
    return max(indices[0], indices[-1]) if indices else default
