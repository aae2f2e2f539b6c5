"""Who has a medium open right now, as Linux says: descriptors and memory maps of other processes,
loop devices that stand on it.

Nothing is opened for writing here; what can't be read raises OSError, which the guard takes for
"unknown".
"""

from __future__ import annotations

import fcntl
import os
import stat
import struct
import time
from collections.abc import Iterator

from .identity import Device, Fact, Identity, is_drive, number_of

LOOP_GET_STATUS64 = 0x4C05
LOOKS, PAUSE = 4, 0.3
#: Of the space in which all processes of a machine are seen: the kernel gives it this number.
HOST_PROCESSES = "pid:[4026531836]"
FileKey = tuple[Device, int]


def processes(proc: str) -> list[str]:
    return [name for name in os.listdir(proc) if name.isdigit()]


# --- loop devices -----------------------------------------------------------------------------
def loop_backing(path: str) -> tuple[Device, int, int]:
    """(device, inode, rdev) of what a loop device stands on; rdev is 0 for a file. Raises OSError
    (ENXIO when it is free).
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        info = fcntl.ioctl(descriptor, LOOP_GET_STATUS64, bytes(232))
    finally:
        os.close(descriptor)
    device, inode, rdevice = struct.unpack_from("<QQQ", info)
    return _decode(device), inode, rdevice


def _decode(number: int) -> Device:
    """A device number as the kernel hands it to user space (huge_encode_dev)."""
    return (number >> 8) & 0xFFF, (number & 0xFF) | (number >> 12) & 0xFFF00


def _file_of(drive: Identity) -> FileKey | None:
    """The file that holds the drive's bytes; None for a disk, or a loop device on a device."""
    if drive.kind == "file":
        return number_of(drive.node[0]), drive.node[1]
    if drive.kind == "loop":
        device, inode, rdevice = loop_backing(drive.path)
        return None if rdevice else (device, inode)
    return None


def loops(drive: Identity, devices: set[Device], sys: str, dev: str) -> list[Fact]:
    """In use: the drive, a partition of it, its file, or a file system on it carries a loop device,
    whatever is done with that one; and a loop device that stands on another device.
    """
    mine = _file_of(drive)
    found = []
    if drive.kind == "loop" and mine is None:
        found.append(Fact("loop", "in_use", "the loop device stands on another device"))
    for name in sorted(os.listdir(f"{sys}/block")):
        backing = f"{sys}/block/{name}/loop/backing_file"
        if not name.startswith("loop") or not os.path.exists(backing):
            continue
        if drive.kind == "loop" and name == drive.name:
            continue
        on = _stands_on(f"{dev}/{name}", backing, drive, devices, mine)
        if on:
            found.append(Fact("loop", "in_use", f"/dev/{name} stands on {on}"))
    return found


def _stands_on(
    loop: str, backing: str, drive: Identity, devices: set[Device], mine: FileKey | None
) -> str:
    """What of the drive a loop device stands on, or "". Raises OSError where that isn't known."""
    try:
        device, inode, rdevice = loop_backing(loop)
    except OSError:  # no node, not root, or free by now
        return _stands_on_by_name(backing, drive, devices, mine)
    if rdevice:
        return "it" if _decode(rdevice) in devices else ""
    if (device, inode) == mine:
        return "the same file"
    return "a file that lies on it" if device in devices else ""


def _stands_on_by_name(
    backing: str, drive: Identity, devices: set[Device], mine: FileKey | None
) -> str:
    try:
        with open(backing, encoding="utf-8", errors="surrogateescape") as file:
            path = file.read().rstrip("\n")
    except FileNotFoundError:
        return ""  # it is free by now
    if is_drive(path, drive, devices):
        return "it"
    try:
        found = os.stat(path)
    except OSError:
        if drive.kind == "file":
            return ""  # of another container, in which this file has no name
        raise
    same = (number_of(found.st_dev), found.st_ino) == mine
    return "the same file" if same else ""


# --- open in another process ------------------------------------------------------------------
def opened(
    drive: Identity, devices: set[Device], generic: set[Device], proc: str, looks: int
) -> list[Fact]:
    """Descriptors and maps of other processes, of the drive and of a loop device's file. A short
    look by udev or a monitor is waited out. A process that lets nobody look makes a disk unknown,
    and so does a container, from which those of its host aren't seen. `generic`: character devices
    by which it can be written past the block device (sg, bsg, ng).
    """
    mine = _file_of(drive)
    if drive.kind == "disk" and os.readlink(f"{proc}/self/ns/pid") != HOST_PROCESSES:
        raise OSError("this is a container, from which the host's processes aren't seen")
    found: list[str] = []
    for look in range(looks):
        found = _openers(drive, devices, generic, proc, mine)
        if not found:
            return []
        if look + 1 < looks:
            time.sleep(PAUSE)
    return [Fact("open", "in_use", detail) for detail in found]


def _openers(
    drive: Identity,
    devices: set[Device],
    generic: set[Device],
    proc: str,
    mine: FileKey | None,
) -> list[str]:
    found = []
    others: set[tuple[str, str]] = set()  # mapped files that are not the drive
    for pid in processes(proc):
        if int(pid) == os.getpid():
            continue
        try:
            tables = _tables(f"{proc}/{pid}", pid)
            if any(_has_open(table, devices, generic, mine) for table in tables):
                found.append(f"open in process {pid}")
            elif _has_mapped(f"{proc}/{pid}", devices, mine, others):
                found.append(f"mapped by process {pid}")
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended
        except OSError:
            if drive.kind == "disk":
                raise
            continue  # a demo's or a test's medium, beside processes of others
    return found


def _tables(home: str, pid: str) -> Iterator[str]:
    """Folders of a process's descriptors: of its main thread, which all others share as a rule; and
    of those that have others: because the main thread has ended, or they left the common ones.
    """
    yield f"{home}/fd"
    common = set(os.listdir(f"{home}/fd"))
    for thread in os.listdir(f"{home}/task"):
        folder = f"{home}/task/{thread}/fd"
        try:
            if thread != pid and set(os.listdir(folder)) != common:
                yield folder
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended


def _has_open(
    folder: str, devices: set[Device], generic: set[Device], mine: FileKey | None
) -> bool:
    for link in os.listdir(folder):
        try:
            if not os.readlink(f"{folder}/{link}").startswith("/"):
                continue
            found = os.stat(f"{folder}/{link}")
            if _is_it(found, devices, mine):
                return True
            if stat.S_ISCHR(found.st_mode) and number_of(found.st_rdev) in generic:
                return True
        except PermissionError:
            raise
        except OSError:
            continue  # closed by now
    return False


def _has_mapped(
    home: str, devices: set[Device], mine: FileKey | None, others: set[tuple[str, str]]
) -> bool:
    """A map needs no descriptor any more."""
    with open(f"{home}/maps", encoding="utf-8", errors="surrogateescape") as file:
        lines = file.readlines()
    for line in lines:
        fields = line.split(None, 5)
        if len(fields) < 6 or fields[4] == "0" or (fields[3], fields[4]) in others:
            continue
        first, last = (f"{int(end, 16):x}" for end in fields[0].split("-"))
        try:
            found = os.stat(f"{home}/map_files/{first}-{last}")
        except PermissionError:
            raise
        except OSError:
            continue  # unmapped by now
        if _is_it(found, devices, mine):
            return True
        others.add((fields[3], fields[4]))
    return False


def _is_it(found: os.stat_result, devices: set[Device], mine: FileKey | None) -> bool:
    if found.st_rdev and number_of(found.st_rdev) in devices:
        return True
    return (number_of(found.st_dev), found.st_ino) == mine
