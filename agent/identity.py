"""What a path is: a regular file, a loop device or a disk, with serial, model, size and sector
sizes.

Read from lstat, sysfs and udev's database (Linux) or GEOM (FreeBSD). A media file may have
`<file>.drive.json` beside it that gives it a serial and a use; such a declaration speaks for that
file only, never for another path.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import stat
import struct
import sys
from typing import Any, NamedTuple

from . import files, freebsd

LOOP_MAJOR = 7
#: Where the kernel and udev tell; a test puts a made-up machine there.
SYS, UDEV = "/sys", "/run/udev/data"
BLKGETDISKSEQ = 0x80081280
FILE_LOGICAL, FILE_PHYSICAL = 512, 4096
MINIMUM_BYTES = 4096
DECLARATION_BYTES = 1 << 20


class Fact(NamedTuple):
    """One thing known of a drive's use. state: clear, in_use, old_data, unknown, or released (old
    data that somebody has released). parts: hashes of what was found, for old data (see release).
    """

    fact: str
    state: str
    detail: str
    parts: tuple[str, ...] = ()


class Unidentified(Exception):
    """The path can't be said to be a drive; `fact` names which question stayed open."""

    def __init__(self, fact: str, reason: str) -> None:
        super().__init__(reason)
        self.fact, self.reason = fact, reason


class Identity(NamedTuple):
    """Sizes in bytes. `node` is (st_dev, st_ino, st_rdev): the very object, whatever its name
    becomes.
    """

    path: str
    name: str
    kind: str
    serial: str | None
    lunid: str | None
    model: str | None
    size_bytes: int
    logical_sector_bytes: int
    physical_sector_bytes: int
    rotational: bool | None
    node: tuple[int, int, int]
    declared: tuple[Fact, ...]

    @property
    def file_name(self) -> str:
        return os.path.basename(self.path)

    def head(self) -> dict[str, Any]:
        """As `identity` of a run's HEAD."""
        keys = (
            "serial",
            "model",
            "size_bytes",
            "logical_sector_bytes",
            "physical_sector_bytes",
            "path",
        )
        return {key: getattr(self, key) for key in keys}


Device = tuple[int, int]


def number_of(device: int) -> Device:
    """(major, minor)"""
    return os.major(device), os.minor(device)


def is_drive(path: str, drive: Identity, devices: set[Device]) -> bool:
    """Does the path lead to the drive, by whatever name? `devices`: its number, its partitions'."""
    try:
        found = os.stat(path)
    except OSError:
        return False
    if drive.kind == "file":
        return (found.st_dev, found.st_ino) == drive.node[:2]
    return found.st_rdev != 0 and number_of(found.st_rdev) in devices


def node_of(found: os.stat_result) -> tuple[int, int, int]:
    block = stat.S_ISBLK(found.st_mode) or stat.S_ISCHR(found.st_mode)
    return (found.st_dev, found.st_ino, found.st_rdev if block else 0)


def identify(path: str) -> Identity:
    """Raises Unidentified for what is missing, a symlink, or neither file nor block device."""
    if not os.path.isabs(path) or os.path.normpath(path) != path:
        raise Unidentified("kind", f"{path} is not a plain absolute path")
    try:
        found = os.lstat(path)
    except OSError as error:
        raise Unidentified("kind", f"{path}: {error.strerror}") from error
    if stat.S_ISLNK(found.st_mode):
        raise Unidentified("kind", f"{path} is a symbolic link")
    if stat.S_ISREG(found.st_mode):
        return _file(path, found)
    if stat.S_ISBLK(found.st_mode) and sys.platform.startswith("linux"):
        return _linux_block(path, found)
    if stat.S_ISCHR(found.st_mode) and sys.platform.startswith("freebsd"):
        return _freebsd_disk(path, found)
    raise Unidentified("kind", f"{path} is neither a regular file nor a disk")


def _file(path: str, found: os.stat_result) -> Identity:
    if found.st_size < MINIMUM_BYTES:
        raise Unidentified(
            "size", f"{path} holds {found.st_size} bytes, fewer than {MINIMUM_BYTES}"
        )
    if os.path.realpath(path).startswith(("/proc/", "/sys/")):
        raise Unidentified("kind", f"{path} is no file on a medium")
    declared = _declaration(path)
    return Identity(
        path,
        str(declared.get("name") or os.path.basename(path)),
        "file",
        declared.get("serial"),
        declared.get("lunid"),
        declared.get("model"),
        found.st_size,
        FILE_LOGICAL,
        FILE_PHYSICAL,
        declared.get("rotational"),
        node_of(found),
        tuple(_declared(use) for use in declared.get("use", [])),
    )


def _declared(use: dict[str, Any]) -> Fact:
    fact, state, detail = str(use["fact"]), str(use["state"]), str(use.get("detail", ""))
    words = hashlib.sha256(f"{fact} {detail}".encode()).hexdigest()[:12]
    return Fact(fact, state, detail, (words,) if state == "old_data" else ())


def _declaration(path: str) -> dict[str, Any]:
    beside = path + ".drive.json"
    try:
        declared = json.loads(files.whole(beside, DECLARATION_BYTES))
        for key in ("name", "serial", "lunid", "model"):
            if not isinstance(declared.get(key), (str, type(None))):
                raise ValueError(f"{key} is no string")
        for use in declared.get("use", []):
            if use["state"] not in ("clear", "in_use", "old_data", "unknown"):
                raise ValueError(f"use state {use['state']!r}")
            use["fact"]
        return declared
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Unidentified("identity", f"{beside} can't be read: {error}") from error


def _text(path: str) -> str | None:
    try:
        with open(path, "rb") as file:
            return file.read().decode("utf-8", "replace").strip("\0 \n") or None
    except OSError:
        return None


def sysfs(node: tuple[int, int, int]) -> str:
    return f"{SYS}/dev/block/{os.major(node[2])}:{os.minor(node[2])}"


def disk_sequence(node: tuple[int, int, int]) -> str | None:
    """The kernel's number of this very medium: another one whenever something else stands behind
    the same device number. None where the kernel has none.
    """
    return _text(sysfs(node) + "/diskseq") if node[2] else None


def opened_sequence(descriptor: int) -> str | None:
    """The same of an open disk, whatever its name or number leads to by now."""
    try:
        return str(struct.unpack("=Q", fcntl.ioctl(descriptor, BLKGETDISKSEQ, bytes(8)))[0])
    except OSError:
        return None  # no disk, or a kernel before 5.15


def _linux_block(path: str, found: os.stat_result) -> Identity:
    node = node_of(found)
    home = sysfs(node)
    real = os.path.realpath(home)
    name = os.path.basename(real)
    sectors = _text(home + "/size")
    if sectors is None:
        raise Unidentified("kind", f"{path}: nothing in sysfs for it")
    size = int(sectors) * 512
    if size < MINIMUM_BYTES:
        raise Unidentified("size", f"{path} holds {size} bytes")
    if os.path.exists(home + "/partition"):
        raise Unidentified("kind", f"{path} is a partition, not a whole disk")
    loop = os.major(node[2]) == LOOP_MAJOR and os.path.isdir(home + "/loop")
    if not loop and "/devices/virtual/" in real and "/nvme-subsystem/" not in real:
        # md, device mapper, zvol, nbd, zram: what they stand on would be written.
        raise Unidentified("kind", f"{path} is no physical drive")
    queue = home + "/queue" if os.path.isdir(home + "/queue") else home + "/../queue"
    logical = int(_text(queue + "/logical_block_size") or 512)
    physical = int(_text(queue + "/physical_block_size") or logical)
    rotational = {"0": False, "1": True}.get(_text(queue + "/rotational") or "")
    udev = _udev(node)
    # A SAS drive's ID_SERIAL_SHORT is its address; the serial on its label is the other one.
    serial = udev.get("ID_SCSI_SERIAL") or udev.get("ID_SERIAL_SHORT") or _text(home + "/serial")
    serial = serial or _text(home + "/device/serial") or _vpd_serial(home)
    told = _kernels_serial(home, real, udev)
    if told and serial and _bare(told) != _bare(serial):
        # udev hasn't seen yet that another disk stands behind this number.
        raise Unidentified("identity", f"{path}: udev tells serial {serial}, the kernel {told}")
    model = udev.get("ID_MODEL") or _text(home + "/device/model")
    lunid = udev.get("ID_WWN") or _text(home + "/device/wwid") or _text(home + "/wwid")
    if loop:
        serial = model = lunid = None
    kind = "loop" if loop else "disk"
    return Identity(
        path, name, kind, serial, lunid, model, size, logical, physical, rotational, node, ()
    )


def _kernels_serial(home: str, real: str, udev: dict[str, str]) -> str | None:
    """What must be the same as udev's serial; None where the kernel has it from another source (a
    USB bridge, an HBA that translates).
    """
    bus = udev.get("ID_BUS")
    if os.path.basename(real).startswith("nvme"):
        return _text(home + "/device/serial") if udev else None
    if "/usb" in real or not (bus == "scsi" or (bus == "ata" and "/ata" in real)):
        return None
    return _vpd_serial(home)


def _bare(serial: str) -> str:
    """Without what udev makes of blanks."""
    return "".join(letter for letter in serial if letter.isalnum())


def _vpd_serial(home: str) -> str | None:
    try:
        with open(home + "/device/vpd_pg80", "rb") as file:
            return file.read()[4:].decode("ascii", "replace").strip("\0 ") or None
    except OSError:
        return None


def _udev(node: tuple[int, int, int]) -> dict[str, str]:
    text = _text(f"{UDEV}/b{os.major(node[2])}:{os.minor(node[2])}") or ""
    pairs = (
        line[2:].split("=", 1)
        for line in text.splitlines()
        if line.startswith("E:") and "=" in line
    )
    return dict(pairs)


def _freebsd_disk(path: str, found: os.stat_result) -> Identity:
    for disk in freebsd.disks():
        if disk["name"] == os.path.basename(path):
            return Identity(
                path,
                disk["name"],
                "disk",
                disk["serial"],
                disk["lunid"],
                disk["model"],
                disk["size_bytes"],
                disk["logical_sector_bytes"],
                disk["physical_sector_bytes"],
                disk["rotational"],
                node_of(found),
                (),
            )
    raise Unidentified("kind", f"{path} is not a disk that GEOM knows")


def media_folder() -> str | None:
    """The folder of file-backed drives, by its real path; None where BURNIN_MEDIA is not set."""
    folder = os.environ.get("BURNIN_MEDIA")
    return os.path.realpath(folder) if folder else None


def media_files() -> list[str]:
    """Paths of the file-backed drives: regular files with a .drive.json beside them."""
    folder = media_folder()
    try:
        names = sorted(os.listdir(folder)) if folder else []
    except OSError:
        return []
    paths = [os.path.join(folder or "", name) for name in names if name + ".drive.json" in names]
    return [path for path in paths if os.path.isfile(path) and not os.path.islink(path)]


def whole_disks() -> list[str]:
    """Paths of the host's whole disks; no loop, ram, zram, md or dm, no optical drives."""
    if sys.platform.startswith("freebsd"):
        return ["/dev/" + disk["name"] for disk in freebsd.disks()]
    skip = ("loop", "ram", "zram", "md", "dm-", "sr", "fd", "nbd", "zd")
    try:
        names = sorted(os.listdir(f"{SYS}/block"))
    except OSError:
        return []
    return [
        "/dev/" + name
        for name in names
        if not name.startswith(skip)
        and (_text(f"{SYS}/block/{name}/size") or "0") != "0"
        and os.path.exists("/dev/" + name)
    ]
