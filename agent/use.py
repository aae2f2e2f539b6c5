"""Who uses a medium right now, as Linux says: mounts, swap, holders, partitions, loop devices, open
descriptors.

Each question answers with facts; one that can't be answered is "unknown", which refuses. Nothing is
opened for writing here.
"""

from __future__ import annotations

import fcntl
import os
import struct
import sys
import time
from collections.abc import Iterator
from typing import Callable

from . import freebsd
from .identity import Fact, Identity, sysfs

LOOP_GET_STATUS64 = 0x4C05
OPENER_LOOKS, OPENER_PAUSE = 4, 0.3
Device = tuple[int, int]


def facts(drive: Identity, state_dir: str | None, looks: int) -> list[Fact]:
    """All questions, each with at least one fact. `looks`: for an opener that goes away."""
    if sys.platform.startswith("freebsd"):
        return _freebsd(drive, state_dir)
    found: list[Fact] = []
    questions: list[tuple[str, Callable[[], list[Fact]]]] = [
        ("mount", lambda: _mounts(drive)),
        ("swap", lambda: _swap(drive)),
        ("holder", lambda: _holders(drive)),
        ("partition", lambda: _partitions(drive)),
        ("loop", lambda: _loops(drive)),
        ("open", lambda: _open(drive, looks)),
        ("state_dir", lambda: _state_dir(drive, state_dir)),
    ]
    for fact, ask in questions:
        try:
            found += ask() or [Fact(fact, "clear", "")]
        except (OSError, ValueError, IndexError) as error:
            found.append(Fact(fact, "unknown", f"{fact} can't be read: {error}"))
    return found


def _numbers(text: str) -> Device:
    major, minor = text.strip().split(":")
    return int(major), int(minor)


def _children(drive: Identity) -> list[str]:
    """sysfs folders of the kernel's partitions of a block device."""
    if drive.kind == "file":
        return []
    home = sysfs(drive.node)
    return [
        f"{home}/{name}"
        for name in sorted(os.listdir(home))
        if os.path.exists(f"{home}/{name}/partition")
    ]


def _devices(drive: Identity) -> set[Device]:
    """Device numbers that are this drive: itself and its partitions; none for a file."""
    if drive.kind == "file":
        return set()
    numbers = {(os.major(drive.node[2]), os.minor(drive.node[2]))}
    for child in _children(drive):
        with open(child + "/dev", encoding="ascii") as file:
            numbers.add(_numbers(file.read()))
    return numbers


def _unescape(text: str) -> str:
    for code, char in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, char)
    return text


def _is_drive(path: str, drive: Identity, devices: set[Device]) -> bool:
    """Does the path lead to the drive (or a partition of it), by whatever name?"""
    try:
        found = os.stat(path)
    except OSError:
        return False
    if drive.kind == "file":
        return (found.st_dev, found.st_ino) == drive.node[:2]
    return found.st_rdev != 0 and (os.major(found.st_rdev), os.minor(found.st_rdev)) in devices


def _processes() -> list[str]:
    return [name for name in os.listdir("/proc") if name.isdigit()]


def _mountinfos() -> Iterator[str]:
    """This process's mounts first (must be readable), then those of every other mount namespace
    that can be seen.
    """
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
        yield file.read()
    seen = {os.readlink("/proc/self/ns/mnt")}
    for pid in _processes():
        try:
            space = os.readlink(f"/proc/{pid}/ns/mnt")
            if space not in seen:
                seen.add(space)
                with open(
                    f"/proc/{pid}/mountinfo", encoding="utf-8", errors="surrogateescape"
                ) as file:
                    yield file.read()
        except OSError:
            continue  # gone meanwhile, or another user's


def _mounts(drive: Identity) -> list[Fact]:
    devices = _devices(drive)
    found: list[Fact] = []
    for text in _mountinfos():
        for line in text.splitlines():
            left, right = line.split(" - ", 1)
            fields, source = left.split(), _unescape(right.split()[1])
            point = _unescape(fields[4])
            here = _numbers(fields[2]) in devices
            by_source = source.startswith("/") and _is_drive(source, drive, devices)
            bound = drive.kind == "file" and point == drive.path
            if here or by_source or bound:
                found.append(Fact("mount", "in_use", f"mounted at {point}"))
    return list(dict.fromkeys(found))


def _swap(drive: Identity) -> list[Fact]:
    devices = _devices(drive)
    with open("/proc/swaps", encoding="utf-8", errors="surrogateescape") as file:
        paths = [_unescape(line.split()[0]) for line in file.read().splitlines()[1:]]
    return [
        Fact("swap", "in_use", f"{path} is swap")
        for path in paths
        if _is_drive(path, drive, devices)
    ]


def _holders(drive: Identity) -> list[Fact]:
    if drive.kind == "file":
        return []
    homes = [sysfs(drive.node)] + _children(drive)
    held = [name for home in homes for name in os.listdir(home + "/holders")]
    return [Fact("holder", "in_use", f"held by {name}") for name in held]


def _partitions(drive: Identity) -> list[Fact]:
    return [
        Fact("partition", "old_data", f"partition {os.path.basename(child)}")
        for child in _children(drive)
    ]


def loop_backing(path: str) -> tuple[Device, int, int]:
    """(device, inode, rdev) of what a loop device stands on. Raises OSError (ENXIO when it is
    free).
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        info = fcntl.ioctl(descriptor, LOOP_GET_STATUS64, bytes(232))
    finally:
        os.close(descriptor)
    device, inode, rdevice = struct.unpack_from("<QQQ", info)
    return _decode(device), inode, rdevice


def _decode(number: int) -> Device:
    """A device number as the kernel hands it to user space (huge_encode_dev)."""
    return (number >> 8) & 0xFFF, (number & 0xFF) | (number >> 12) & 0xFFF00


def _loops(drive: Identity) -> list[Fact]:
    """In use: a file that backs a loop device, and a loop device whose file backs another one."""
    mine: tuple[Device, int] | None = None
    if drive.kind == "file":
        mine = ((os.major(drive.node[0]), os.minor(drive.node[0])), drive.node[1])
    elif drive.kind == "loop":
        device, inode, rdevice = loop_backing(drive.path)
        if rdevice:
            return [Fact("loop", "in_use", "the loop device stands on another device")]
        mine = (device, inode)
    else:
        return []
    found = []
    for name in sorted(os.listdir("/sys/block")):
        backing = f"/sys/block/{name}/loop/backing_file"
        if not name.startswith("loop") or not os.path.exists(backing):
            continue
        if drive.kind == "loop" and os.path.realpath(f"/sys/block/{name}") == os.path.realpath(
            sysfs(drive.node)
        ):
            continue
        try:
            device, inode, _ = loop_backing("/dev/" + name)
            same = (device, inode) == mine
        except OSError:  # no node, or not root: the name is all there is
            with open(backing, encoding="utf-8", errors="surrogateescape") as file:
                path = file.read().rstrip("\n")
            same = drive.kind == "loop" or os.path.realpath(path) == os.path.realpath(drive.path)
        if same:
            found.append(Fact("loop", "in_use", f"the same file backs /dev/{name}"))
    return found


def _openers(drive: Identity, devices: set[Device]) -> list[str]:
    found = []
    root = os.geteuid() == 0
    for pid in _processes():
        if int(pid) == os.getpid():
            continue
        try:
            links = os.listdir(f"/proc/{pid}/fd")
        except PermissionError:
            if drive.kind != "file" or root:
                raise
            continue  # not root: other users' processes are hidden, their files not writable
        except OSError:
            continue
        for link in links:
            try:
                if not os.readlink(f"/proc/{pid}/fd/{link}").startswith("/"):
                    continue
            except OSError:
                continue
            if _is_drive(f"/proc/{pid}/fd/{link}", drive, devices):
                found.append(f"open in process {pid}")
                break
    return found


def _open(drive: Identity, looks: int) -> list[Fact]:
    """Descriptors of other processes. A short look by udev or a monitor is waited out."""
    devices = _devices(drive)
    found: list[str] = []
    for look in range(looks):
        found = _openers(drive, devices)
        if not found:
            return []
        if look + 1 < looks:
            time.sleep(OPENER_PAUSE)
    return [Fact("open", "in_use", detail) for detail in found]


def _state_dir(drive: Identity, state_dir: str | None) -> list[Fact]:
    if state_dir is None:
        return []
    device = os.stat(state_dir).st_dev
    if (os.major(device), os.minor(device)) in _devices(drive):
        return [Fact("state_dir", "in_use", f"the state folder {state_dir} lies on it")]
    return []


def _freebsd(drive: Identity, state_dir: str | None) -> list[Fact]:
    names = ("mount", "swap", "holder", "partition", "loop", "open", "state_dir")
    if drive.kind != "file":
        return [Fact(name, "unknown", "disks are not looked at yet") for name in names]
    try:
        used = {fact: Fact(fact, "in_use", detail) for fact, detail in freebsd.file_use(drive.path)}
    except OSError as error:
        return [Fact(name, "unknown", f"can't be read: {error}") for name in names]
    return [used.get(name, Fact(name, "clear", "")) for name in names]
