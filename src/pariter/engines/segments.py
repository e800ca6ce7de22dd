"""Named shared memory as the operating system has it: made and unlinked by its owner, mapped by others.

As `multiprocessing.shared_memory`, whose names and resource tracker it uses, but: a full disk of memory is an
OSError and not a fatal signal; a mapping is read-only; it goes when the last view of it does, without complaint;
and whoever merely maps it tells no resource tracker, which up to Python 3.12 would take that for ownership.

A segment has a head, whose first byte is for a word between owner and borrower, and a body.
"""

from __future__ import annotations

import mmap
import os
import sys
from typing import Any

HEAD = mmap.ALLOCATIONGRANULARITY
"""Where the body begins: mappings begin at multiples of this."""
_WRITES = sys.platform == "linux"
"""Whether files in shared memory can be written to, which needs no mapping and tells when there is no room."""


class Segment:
    """A segment, owned."""

    def __init__(self, name: str, size: int) -> None:
        self.name = name
        self.size = size
        self._file = -1
        self._is_tracked = False
        self._map: Any = None

    def create(self) -> None:
        """Make it, empty; OSError if that is not possible."""
        if sys.platform == "win32":
            self._map = mmap.mmap(-1, HEAD + self.size, tagname=self.name)
            return
        import _posixshmem  # type: ignore[import-not-found, unused-ignore]
        from multiprocessing import resource_tracker

        self._is_tracked = True
        resource_tracker.register(f"/{self.name}", "shared_memory")
        self._file = _posixshmem.shm_open(f"/{self.name}", os.O_CREAT | os.O_EXCL | os.O_RDWR, mode=0o600)
        os.ftruncate(self._file, HEAD + self.size)
        if not _WRITES:
            self._map = mmap.mmap(self._file, HEAD + self.size)

    def write(self, content: memoryview, at: int = HEAD) -> None:
        """Write the beginning of the body; OSError if there is no room."""
        if self._map is not None:
            self._map[at : at + len(content)] = content
            return
        while content:
            written = os.pwrite(self._file, content, at)
            content, at = content[written:], at + written

    def reserve(self) -> None:
        """Make room for all of it; OSError if there is none."""
        if _WRITES:
            os.posix_fallocate(self._file, 0, HEAD + self.size)

    def take(self) -> None:
        """Say in the head that it is lent."""
        self.write(memoryview(b"\0"), 0)

    def take_back(self) -> bool:
        """Take it again if it was given back; whether it was."""
        head = self._map[:1] if self._map is not None else os.pread(self._file, 1, 0)
        if head != b"\1":
            return False
        self.take()
        return True

    def give_back(self) -> None:
        """Say in the head that it is not lent."""
        self.write(memoryview(b"\1"), 0)

    def mapping(self) -> Mapping:
        """Its memory, seen from here, which outlives the name."""
        return Mapping(self.name, self.size)

    def unlink(self) -> None:
        """Let nobody open it any more; its memory goes with the last mapping."""
        if sys.platform != "win32" and self._is_tracked:
            import _posixshmem  # type: ignore[import-not-found, unused-ignore]
            from multiprocessing import resource_tracker

            self._is_tracked = False
            try:
                _posixshmem.shm_unlink(f"/{self.name}")
            except FileNotFoundError:
                pass
            resource_tracker.unregister(f"/{self.name}", "shared_memory")
        file, self._file = self._file, -1
        if file >= 0:
            os.close(file)
        self._map = None


class Mapping:
    """A segment, mapped: `body` to be read, `places` to be written to."""

    def __init__(self, name: str, size: int) -> None:
        if sys.platform == "win32":
            self._head: Any = mmap.mmap(-1, HEAD + size, tagname=name)
            self.places = memoryview(self._head)[HEAD:]
            self.body = self.places.toreadonly()
            return
        import _posixshmem  # type: ignore[import-not-found, unused-ignore]

        file = _posixshmem.shm_open(f"/{name}", os.O_RDWR, mode=0o600)
        try:
            self._head = mmap.mmap(file, HEAD)
            self.body = memoryview(mmap.mmap(file, size, prot=mmap.PROT_READ, offset=HEAD))
            self.places = memoryview(mmap.mmap(file, size, offset=HEAD))
        finally:
            os.close(file)

    def give_back(self) -> None:
        """Say in the head that nobody here looks at it any more."""
        self._head[0] = 1
