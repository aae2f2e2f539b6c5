"""Who uses a medium right now, as Linux says: pools, boot, mounts, swap, hibernation, holders,
partitions, exports; loop devices and whoever has it open are asked of `openers`.

Each question answers with facts; one that can't be answered is "unknown", which refuses. Nothing is
opened for writing here.
"""

from __future__ import annotations

import contextlib
import glob
import os
import re
import stat
import sys
from collections.abc import Iterator
from typing import Callable

from . import freebsd, openers, programs, texts
from .host import boot_id
from .identity import Device, Fact, Identity, disk_sequence, is_drive, number_of
from .release import part

#: Where the kernel tells; a test puts a made-up machine there.
SYS, PROC, DEV, HOST_ID = "/sys", "/proc", "/dev", "/etc/hostid"
#: Block devices that the kernel lends to other machines, and by which text each names its disk.
EXPORTS = (
    ("iSCSI or FC target", "/kernel/config/target/core/*/*/udev_path"),
    ("NVMe target", "/kernel/config/nvmet/subsystems/*/namespaces/*/device_path"),
    ("NVMe target", "/kernel/config/nvmet/subsystems/*/passthru/device_path"),
    ("SCST target", "/kernel/scst_tgt/devices/*/filename"),
)


def facts(drive: Identity, state_dir: str | None, looks: int, opens: int) -> list[Fact]:
    """All questions, each with at least one fact. `looks`: for an opener that goes away; with 0
    that stays unknown. `opens`: how often this process has it open itself.
    """
    if sys.platform.startswith("freebsd"):
        return _freebsd(drive, opens)
    found: list[Fact] = []
    questions: list[tuple[str, Callable[[], list[Fact]]]] = [
        ("pool", lambda: pools(drive)),
        ("boot", lambda: _boot(drive)),
        ("hibernation", lambda: _hibernation(drive)),
        ("export", lambda: _exports(drive)),
        ("mount", lambda: _mounts(drive)),
        ("swap", lambda: _swap(drive)),
        ("holder", lambda: _holders(drive)),
        ("partition", lambda: _partitions(drive)),
        ("loop", lambda: openers.loops(drive, _devices(drive), SYS, DEV)),
        ("open", lambda: _opened(drive, looks)),
        ("state_dir", lambda: _state_dir(drive, state_dir)),
    ]
    for fact, ask in questions:
        try:
            found += ask() or [Fact(fact, "clear", "")]
        except Exception as error:  # whatever it is: the question has no answer
            found.append(Fact(fact, "unknown", f"{fact} can't be read: {error}"))
    return found


def _read(path: str) -> str:
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        return file.read()


def _home(drive: Identity) -> str:
    """The drive's folder in sysfs."""
    return f"{SYS}/dev/block/{os.major(drive.node[2])}:{os.minor(drive.node[2])}"


def _children(drive: Identity) -> list[str]:
    """sysfs folders of the kernel's partitions of a block device."""
    if drive.kind == "file":
        return []
    home = _home(drive)
    return [
        f"{home}/{name}"
        for name in sorted(os.listdir(home))
        if os.path.exists(f"{home}/{name}/partition")
    ]


def _devices(drive: Identity) -> set[Device]:
    """Device numbers that are this drive: itself and its partitions; none for a file."""
    if drive.kind == "file":
        return set()
    numbers = {number_of(drive.node[2])}
    for child in _children(drive):
        numbers.add(texts.numbers(_read(child + "/dev")))
    return numbers


def _generic(drive: Identity) -> set[Device]:
    """Character devices that take commands for the drive: nothing exclusive keeps them off."""
    if drive.kind != "disk":
        return set()
    home = glob.escape(_home(drive))
    places = glob.glob(f"{home}/device/scsi_generic/*/dev") + glob.glob(f"{home}/device/bsg/*/dev")
    name = os.path.basename(os.path.realpath(_home(drive)))
    if name.startswith("nvme"):
        places += glob.glob(f"{glob.escape(SYS)}/class/nvme-generic/ng{name[4:]}/dev")
        # Its controller; several where the kernel joins its paths.
        places += [
            place
            for place in glob.glob(f"{home}/device/dev") + glob.glob(f"{home}/device/nvme*/dev")
            if re.fullmatch(r"(device|nvme\d+)", place.split("/")[-2])
        ]
    return {texts.numbers(_read(place)) for place in places}


def _names(drive: Identity) -> set[str]:
    """Kernel names of the drive and its partitions."""
    if drive.kind == "file":
        return set()
    return {os.path.basename(os.path.realpath(home)) for home in [_home(drive), *_children(drive)]}


# --- questions --------------------------------------------------------------------------------
def pools(drive: Identity) -> list[Fact]:
    """Members of imported pools, as `zpool status` tells. `imported` looks at labels too."""
    devices = _devices(drive)
    return [
        Fact("pool", "in_use", f"in pool {vdev.pool} ({vdev.role}, {vdev.state})")
        for vdev in imported()
        if vdev.path and is_drive(vdev.path, drive, devices)
    ]


def imported() -> list[texts.Vdev]:
    """Leaves of the pools that this host has imported. Raises OSError, Unreadable."""
    loaded = any(os.path.exists(path) for path in (f"{SYS}/module/zfs", f"{DEV}/zfs"))
    if programs.find("zpool") is None and not loaded:
        return []
    try:
        return texts.zpool_status(programs.output("zpool", "status", "-LP"))
    except OSError as error:
        if not loaded and "modules cannot be auto-loaded" in str(error):
            return []
        raise


def host_id() -> int | None:
    """This host's number as ZFS writes it into its labels; None where it has none or it can't be
    read.
    """
    try:
        if sys.platform.startswith("freebsd"):
            return int(programs.output("sysctl", "-n", "kern.hostid")) or None
        with contextlib.suppress(FileNotFoundError):
            if told := int(_read(f"{SYS}/module/spl/parameters/spl_hostid")):
                return told
        with open(HOST_ID, "rb") as file:
            return int.from_bytes(file.read(4), sys.byteorder) or None
    except (OSError, ValueError):
        return None


def zones(drive: Identity) -> str:
    """none, host-aware or host-managed, as Linux says; "" where nobody tells."""
    if drive.kind != "disk" or sys.platform.startswith("freebsd"):
        return ""
    with contextlib.suppress(FileNotFoundError):
        return _read(f"{_home(drive)}/queue/zoned").strip()
    return ""


def written(drive: Identity) -> str:
    """Another text once anything was written to it, by whatever way, or its host was started anew,
    which counts from zero. Raises OSError, Unreadable.
    """
    if drive.kind == "file":
        return str(os.stat(drive.path).st_mtime_ns)
    boot = boot_id()
    if boot == "unknown":
        raise OSError("this start of the host can't be told from another")
    if sys.platform.startswith("freebsd"):
        return f"{boot} {freebsd.written(drive.name)}"
    home = _home(drive)
    if _read(f"{home}/queue/iostats").strip() != "1":
        raise OSError("the kernel was told not to count (queue/iostats)")
    # A disk that was taken out and put back counts from zero again.
    plugged = disk_sequence(drive.node) or str(os.stat(os.path.realpath(home)).st_ino)
    return f"{boot} {plugged} {texts.sectors_written(_read(f'{home}/stat'))}"


def _mountinfos() -> Iterator[str]:
    """This process's mounts first (must be readable), then those of every other mount namespace
    that can be seen.
    """
    yield _read(f"{PROC}/self/mountinfo")
    seen = {os.readlink(f"{PROC}/self/ns/mnt")}
    for pid in openers.processes(PROC):
        try:
            space = os.readlink(f"{PROC}/{pid}/ns/mnt")
            if space in seen:
                continue
            text = _read(f"{PROC}/{pid}/mountinfo")
        except OSError:
            continue  # gone meanwhile, or another user's
        if text:  # empty: it ended at this moment
            seen.add(space)
            yield text


def _mounts(drive: Identity) -> list[Fact]:
    devices = _devices(drive)
    found: list[Fact] = []
    for text in _mountinfos():
        for mount in texts.mountinfo(text):
            by_source = mount.source.startswith("/") and is_drive(mount.source, drive, devices)
            bound = drive.kind == "file" and mount.point == drive.path
            if mount.device in devices or by_source or bound:
                found.append(Fact("mount", "in_use", f"mounted at {mount.point}"))
    for member in glob.glob(f"{SYS}/fs/btrfs/*/devices/*"):  # the second of several isn't a source
        if os.path.basename(os.path.realpath(member)) in _names(drive):
            found.append(Fact("mount", "in_use", "member of a mounted btrfs"))
    return list(dict.fromkeys(found))


def _boot(drive: Identity) -> list[Fact]:
    """What the kernel was told to start from, and what the first process has as its root."""
    devices = _devices(drive)
    told = texts.command_line(_read(f"{PROC}/cmdline"))
    found = []
    if _is_named(told.get("root", ""), drive, devices):
        found.append(Fact("boot", "in_use", f"the system starts from it: root={told['root']}"))
    for text in _mountinfos():
        for mount in texts.mountinfo(text):
            if mount.point in ("/", "/boot", "/boot/efi", "/usr") and mount.device in devices:
                found.append(Fact("boot", "in_use", f"the system runs from it: {mount.point}"))
    return list(dict.fromkeys(found))


def _opened(drive: Identity, looks: int) -> list[Fact]:
    if not looks:
        raise OSError("it was not asked")
    return openers.opened(drive, _devices(drive), _generic(drive), PROC, looks)


def _is_named(told: str, drive: Identity, devices: set[Device]) -> bool:
    """Does a kernel parameter (a path, UUID=…, PARTUUID=…, LABEL=…) lead to the drive?"""
    key, equals, value = told.partition("=")
    if equals and key in ("UUID", "PARTUUID", "LABEL", "PARTLABEL"):
        told = f"{DEV}/disk/by-{key.lower()}/{value}"
    return told.startswith("/") and is_drive(told, drive, devices)


def _hibernation(drive: Identity) -> list[Fact]:
    """Where the kernel will put, or look for, the image of a sleeping system."""
    devices = _devices(drive)
    told = texts.command_line(_read(f"{PROC}/cmdline")).get("resume", "")
    try:
        number = texts.numbers(_read(f"{SYS}/power/resume"))
    except FileNotFoundError:
        number = (0, 0)  # a kernel that can't hibernate
    if number in devices or _is_named(told, drive, devices):
        return [Fact("hibernation", "in_use", "the system hibernates to it")]
    return []


def _commands(path: str, generic: set[Device]) -> bool:
    """Is it a character device that takes commands for the drive?"""
    try:
        found = os.stat(path)
    except OSError:
        return False
    return stat.S_ISCHR(found.st_mode) and number_of(found.st_rdev) in generic


def _exports(drive: Identity) -> list[Fact]:
    devices, generic = _devices(drive), _generic(drive)
    found = []
    for kind, pattern in EXPORTS:
        top = SYS + pattern.split("*", 1)[0]
        if os.path.isdir(top):
            os.listdir(top)  # not readable: not known
        for place in glob.glob(SYS + pattern):
            path = _read(place).partition("\n")[0].strip()  # SCST: "[key]" in a second line
            if path and (is_drive(path, drive, devices) or _commands(path, generic)):
                found.append(Fact("export", "in_use", f"{kind} lends it to other machines"))
    return found


def _swap(drive: Identity) -> list[Fact]:
    devices = _devices(drive)
    return [
        Fact("swap", "in_use", f"{path} is swap")
        for path in texts.swaps(_read(f"{PROC}/swaps"))
        if is_drive(path, drive, devices)
    ]


def _holders(drive: Identity) -> list[Fact]:
    """Device mapper, md, LVM, multipath, bcache: all that the kernel lists as holder, and md's own
    list.
    """
    if drive.kind == "file":
        return []
    homes = [_home(drive)] + _children(drive)
    held = [name for home in homes for name in os.listdir(home + "/holders")]
    found = [Fact("holder", "in_use", f"held by {name}{_what(name)}") for name in held]
    if os.path.exists(f"{PROC}/mdstat"):
        names = _names(drive)
        for array, members in texts.mdstat(_read(f"{PROC}/mdstat")).items():
            if names & set(members) and array not in held:
                found.append(Fact("holder", "in_use", f"held by {array}, a RAID"))
    return found


def _what(name: str) -> str:
    """What kind of holder it is, for people."""
    try:
        if name.startswith("dm-"):
            uuid = _read(f"{SYS}/block/{name}/dm/uuid").strip()
            kinds = {"LVM-": "LVM", "mpath-": "multipath", "CRYPT-": "encryption"}
            told = [kind for prefix, kind in kinds.items() if uuid.startswith(prefix)]
            return f", {told[0] if told else 'device mapper'}"
        if name.startswith("md"):
            return f", a RAID ({_read(f'{SYS}/block/{name}/md/level').strip()})"
    except OSError:
        pass
    return ""


def _partitions(drive: Identity) -> list[Fact]:
    """Those that the kernel knows; the table itself is a signature."""
    found = []
    for child in _children(drive):
        place = b" ".join(_read(f"{child}/{of}").strip().encode() for of in ("start", "size"))
        name = os.path.basename(child)
        found.append(Fact("partition", "old_data", f"partition {name}", (part(b"node", place),)))
    return found


def _state_dir(drive: Identity, state_dir: str | None) -> list[Fact]:
    if state_dir is None:
        return []
    device = os.stat(state_dir).st_dev
    if number_of(device) in _devices(drive):
        return [Fact("state_dir", "in_use", f"the state folder {state_dir} lies on it")]
    return []


ALL = (
    "pool",
    "boot",
    "hibernation",
    "export",
    "mount",
    "swap",
    "holder",
    "partition",
    "loop",
    "open",
    "state_dir",
)


def _freebsd(drive: Identity, opens: int) -> list[Fact]:
    """An export, a memory disk, the state's own file system and any other opener show as an access
    count of the disk.
    """
    try:
        if drive.kind == "file":
            told = [(fact, "in_use", detail) for fact, detail in freebsd.file_use(drive.path)]
            told += [(fact.fact, fact.state, fact.detail) for fact in pools(drive)]
        else:
            mounts = texts.mount_p(programs.output("mount", "-p"))
            swaps = texts.swapinfo(programs.output("swapinfo", "-k"))
            told = freebsd.disk_use(
                drive.name, freebsd.confxml(), swaps, mounts, imported(), freebsd.dumps(), opens
            )
        found = [
            Fact(fact, state, detail, (part(detail.encode()),) if state == "old_data" else ())
            for fact, state, detail in told
        ]
    except Exception as error:
        return [Fact(name, "unknown", f"can't be read: {error}") for name in ALL]
    named = {fact.fact for fact in found}
    return found + [Fact(name, "clear", "") for name in ALL if name not in named]
