"""Reading and writing a medium: past the cache where the kernel allows it, every byte of it,
whatever its size.

The medium is opened first and judged by the guard after, so that what is written is the very object
that was judged. An odd tail that direct I/O can't reach goes through a second, buffered descriptor.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
import threading
import time

from .identity import Identity, disk_sequence, identify, node_of, opened_sequence
from .pattern import Buffer

O_DIRECT = getattr(os, "O_DIRECT", 0)
FILE_ALIGN = 4096
LOCK_SECONDS = 2
GONE = (errno.ENODEV, errno.ENXIO, errno.ENOTCONN, errno.ESTALE, errno.EBADF)


def advise(descriptor: int, advice: str, offset: int = 0, length: int = 0) -> None:
    """DONTNEED: what is read next comes from the medium. A character device, as FreeBSD's disks
    are, has no cache, and there takes no advice. Raises OSError.
    """
    if hasattr(os, "posix_fadvise") and not stat.S_ISCHR(os.fstat(descriptor).st_mode):
        os.posix_fadvise(descriptor, offset, length, getattr(os, f"POSIX_FADV_{advice}"))


class Changed(OSError):
    """The path no longer leads to what was opened."""


class Medium:
    """An open drive. Offsets and lengths in bytes; buffers must be page-aligned. Raises OSError."""

    def __init__(self, drive: Identity) -> None:
        self.drive = drive
        self.size = drive.size_bytes
        self.warnings: list[str] = []
        self.in_flight: dict[int, tuple[int, float]] = {}
        self.last_done = time.monotonic()
        flags = os.O_RDWR | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0)
        if drive.kind != "file":
            flags |= os.O_EXCL
        align = FILE_ALIGN if drive.kind == "file" else drive.logical_sector_bytes
        self._direct_fd = self._open_direct(flags, align) if O_DIRECT else None
        self.direct = self._direct_fd is not None
        self._direct_end = self.size - self.size % align if self.direct else 0
        # O_EXCL is held by the first descriptor; a second exclusive one of the same process would
        # be refused.
        self._plain_fd = -1
        try:
            self._plain_fd = os.open(drive.path, flags & ~os.O_EXCL if self.direct else flags)
        except OSError:
            self.close()
            raise
        self._check_same()
        self._sequence = opened_sequence(self._plain_fd) or disk_sequence(drive.node)
        self._lock()
        if not self.direct:
            self.how = "buffered, cache dropped before each read"
            self.warnings.append("direct I/O is refused here; each read drops the cache first")
        elif self._direct_end < self.size:
            self.how = f"O_DIRECT, last {self.size - self._direct_end} bytes buffered"
        else:
            self.how = "O_DIRECT"

    def _open_direct(self, flags: int, align: int) -> int | None:
        try:
            descriptor = os.open(self.drive.path, flags | O_DIRECT)
        except OSError as error:
            if error.errno in (errno.EINVAL, errno.EOPNOTSUPP):
                return None
            raise
        try:  # some file systems only refuse at the first read
            os.preadv(descriptor, [Buffer(max(align, 4096)).view[:align]], 0)
        except OSError as error:
            if error.errno in (errno.EINVAL, errno.EOPNOTSUPP):
                os.close(descriptor)
                return None
        return descriptor

    def _lock(self) -> None:
        """Held as long as it is open: two agents with two state folders, and udev, keep off."""
        end = time.monotonic() + LOCK_SECONDS
        while True:
            try:
                fcntl.flock(self._descriptors()[0], fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except OSError as error:
                if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
                    self.warnings.append(f"it can't be locked: {error.strerror}")
                    return
                if time.monotonic() >= end:
                    self.close()
                    raise OSError(errno.EBUSY, "another program has locked it") from error
            time.sleep(0.1)

    def _check_same(self) -> None:
        for descriptor in self._descriptors():
            if (
                node_of(os.fstat(descriptor)) != self.drive.node
                or os.lseek(descriptor, 0, os.SEEK_END) != self.size
            ):
                self.close()
                raise Changed(errno.ESTALE, "what was opened is not what was identified")

    def _descriptors(self) -> list[int]:
        return [fd for fd in (self._direct_fd, self._plain_fd) if fd not in (None, -1)]

    @property
    def opens(self) -> int:
        """How often this process has it open."""
        return len(self._descriptors())

    def same_as(self, drive: Identity | None) -> bool:
        """Is it still the opened object, by node, serial, model and size?"""
        return (
            drive is not None
            and (drive.node, drive.serial, drive.model, drive.size_bytes)
            == (self.drive.node, self.drive.serial, self.drive.model, self.size)
            and disk_sequence(drive.node) == self._sequence
        )

    def _busy(self, offset: int) -> None:
        self.in_flight[threading.get_ident()] = (offset, time.monotonic())

    def _idle(self) -> None:
        self.in_flight.pop(threading.get_ident(), None)
        self.last_done = time.monotonic()

    def write(self, view: memoryview, offset: int) -> None:
        """All of it or OSError."""
        self._busy(offset)
        try:
            done = 0
            while done < len(view):
                descriptor, end = self._part(offset + done, offset + len(view))
                written = os.pwritev(descriptor, [view[done : end - offset]], offset + done)
                if written <= 0:
                    raise OSError(errno.EIO, "nothing was written")
                done += written
        finally:
            self._idle()

    def read(self, view: memoryview, offset: int) -> None:
        """All of it or OSError; never from a cache that can be dropped."""
        self._busy(offset)
        try:
            done = 0
            while done < len(view):
                descriptor, end = self._part(offset + done, offset + len(view))
                if descriptor == self._plain_fd:
                    to_end = 0 if end >= self.size else end - offset - done
                    advise(descriptor, "DONTNEED", (offset + done) // 4096 * 4096, to_end)
                taken = os.preadv(descriptor, [view[done : end - offset]], offset + done)
                if taken <= 0:
                    raise OSError(errno.ENXIO, "the medium ends here")
                done += taken
        finally:
            self._idle()

    def look(self, offset: int, length: int) -> bytes:
        """A few bytes. `offset` at a sector."""
        buffer = Buffer(length)
        self.read(buffer.view, offset)
        return bytes(buffer.view)

    def _part(self, offset: int, end: int) -> tuple[int, int]:
        """Which descriptor serves the bytes from offset on, and up to where."""
        if self._direct_fd is not None and offset < self._direct_end and offset % 512 == 0:
            return self._direct_fd, min(end, self._direct_end)
        return self._plain_fd, end

    def flush(self, offset: int) -> None:
        """What was written before this call is on the medium after it. Offset: where a stall would
        be reported.
        """
        self._busy(offset)
        try:
            for descriptor in self._descriptors():
                os.fsync(descriptor)
        finally:
            self._idle()

    def alive(self) -> bool:
        """Does the same drive still answer? One sector at either end or in the middle is enough."""
        try:
            if not self.same_as(identify(self.drive.path)):
                return False
        except Exception:
            return False
        buffer = Buffer(4096)
        middle = self.size // 2 // 4096 * 4096
        for offset in (0, middle, max(self.size - 4096, 0) // 4096 * 4096):
            try:
                self.read(buffer.view[: min(4096, self.size - offset)], offset)
                return True
            except OSError:
                continue
        return False

    def close(self) -> None:
        descriptors = self._descriptors()
        self._direct_fd, self._plain_fd = None, -1  # first: no thread shall take up a number again
        for descriptor in descriptors:
            with contextlib.suppress(OSError):
                os.close(descriptor)
