"""Files that are whole or absent, and locks that end with their process.

A file is written to a temporary name, flushed, renamed, and its folder flushed: after a power cut
it is the old one or the new one. Locks are flock(2): held by an open descriptor, so whoever holds
one lives.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import stat
import time
from collections.abc import Iterator
from typing import Any

BIGGEST_BYTES = 64 * 1024 * 1024


class Garbled(ValueError):
    """A file of ours that can't be what we wrote."""


def encoded(content: dict[str, Any]) -> bytes:
    return json.dumps(content, separators=(",", ":")).encode()


def write_whole(path: str, content: dict[str, Any], durable: bool = True) -> None:
    """Replace the file by this JSON object. Raises OSError and leaves the old one."""
    temporary = f"{path}.tmp"
    with contextlib.suppress(FileNotFoundError):
        os.unlink(temporary)  # never through whatever may lie there
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        data = memoryview(encoded(content))
        while data:
            data = data[os.write(descriptor, data) :]
        if durable:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
    os.rename(temporary, path)
    if durable:
        folder = os.open(os.path.dirname(path), os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def read(path: str) -> dict[str, Any] | None:
    """The JSON object in the file; None when there is no file. Raises Garbled, OSError."""
    try:
        content = json.loads(whole(path))
    except FileNotFoundError:
        return None
    except Garbled:
        raise
    except (ValueError, RecursionError) as error:
        raise Garbled(f"{path} is no JSON: {error}") from error
    if not isinstance(content, dict):
        raise Garbled(f"{path} holds no JSON object")
    return content


def whole(path: str, most: int = BIGGEST_BYTES) -> bytes:
    """All of a regular file. Raises Garbled for anything else at that path (a pipe would hang, a
    link lead elsewhere) and for more than so many bytes; OSError.
    """
    descriptor = _opened(path, os.O_RDONLY)
    try:
        if os.fstat(descriptor).st_size > most:
            raise Garbled(f"{path} has more than {most} bytes")
        with open(descriptor, "rb", closefd=False) as file:
            return file.read(most)
    finally:
        os.close(descriptor)


def _opened(path: str, flags: int) -> int:
    """A descriptor of a regular file. Raises Garbled, OSError."""
    try:
        safe = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        descriptor = os.open(path, flags | safe, 0o600)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.EMLINK, errno.ENXIO, errno.EISDIR):
            raise Garbled(f"{path} is no regular file") from error
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise Garbled(f"{path} is no regular file")
    return descriptor


def lock(path: str, wait_seconds: float = 0.5) -> int | None:
    """A descriptor that holds the lock, or None when another holds it.

    A look by `is_locked` takes it for an instant; so it is asked for more than once. Raises
    Garbled, OSError.
    """
    end = time.monotonic() + wait_seconds
    while True:
        descriptor = _opened(path, os.O_RDWR | os.O_CREAT)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_at(path, descriptor):  # else its run was removed meanwhile: lock the new one
                return descriptor
        except OSError:
            if time.monotonic() >= end:
                os.close(descriptor)
                return None
            time.sleep(0.05)
        os.close(descriptor)


def _is_at(path: str, descriptor: int) -> bool:
    try:
        return os.path.samestat(os.stat(path), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def is_locked(path: str) -> bool:
    """Does a process hold the lock?"""
    try:
        descriptor = _opened(path, os.O_RDONLY)
    except (OSError, Garbled):
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return False
    except OSError:
        return True
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def alone(folder: str) -> Iterator[None]:
    """Nobody else is inside this for the same folder."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def untrusted(folder: str) -> str:
    """Why what lies in the folder may be somebody else's work, for people; "" where it can't, or
    there is no such folder yet. Raises OSError.
    """
    try:
        found = os.lstat(folder)
    except FileNotFoundError:
        return ""
    if not stat.S_ISDIR(found.st_mode):
        return f"{folder} is a link or no folder"
    if found.st_uid != os.geteuid():
        return f"{folder} belongs to another user (uid {found.st_uid})"
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return f"others may write to {folder} (chmod 700 cures it)"
    return ""


def stamp(path: str) -> tuple[int, int] | None:
    """Another value whenever the file was replaced; None where there is none."""
    try:
        found = os.lstat(path)
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns
