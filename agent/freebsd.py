"""What FreeBSD says of disks and of their use, by its own commands: GEOM's XML, mounts, swap, ZFS,
md, fstat.

Written from the manual pages; not run on a real FreeBSD yet.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from . import texts
from .programs import output


def confxml() -> str:
    """GEOM's whole mesh. Raises OSError."""
    return output("sysctl", "-b", "kern.geom.confxml")


def disks() -> list[dict[str, Any]]:
    """One dict for each provider of class DISK. Sizes in bytes. Raises OSError, Unreadable."""
    return texts.geom_disks(confxml())


def dumps() -> list[str]:
    """Names of the devices that the kernel writes to when it crashes. Raises OSError."""
    told = output("sysctl", "-n", "kern.shutdown.dumpdevname")
    return [name.rpartition("/")[2] for name in re.split(r"[,\s]+", told) if name]


def written(disk: str) -> str:
    """Another text whenever something was written to the disk. Raises OSError, Unreadable."""
    return texts.iostat(output("iostat", "-Ix", disk), disk)


# Of these classes a layer is no use by itself: each partition table, label and device node has one.
IDLE_CLASSES = ("DISK", "DEV", "LABEL", "PART", "MULTIPATH")
WHOSE = {"ZFS::VDEV": "pool", "SWAP": "swap", "VFS": "mount", "FFS": "mount"}


def disk_use(
    disk: str,
    xml: str,
    swaps: list[str],
    mounts: list[tuple[str, str]],
    vdevs: list[texts.Vdev],
    dumps: Sequence[str] = (),
    opens: int = 0,
) -> list[Any]:
    """(fact, state, detail) for each use of a disk, from what FreeBSD's commands told; pure.
    `opens`: how often the agent itself has it open, to read and write: no more, no fewer.

    Raises Unreadable.
    """
    layers = texts.geom_layers(xml, disk)
    nodes = {"/dev/" + name for layer in layers for name in (layer.name, *layer.aliases)}
    used: list[Any] = []
    used += [
        ("hibernation", "in_use", f"the kernel's crash dumps go to {name}")
        for name in dumps
        if "/dev/" + name in nodes
    ]
    for layer in layers:
        mine = f"r{opens}w{opens}e0" if layer.kind == "DISK" else texts.UNUSED
        if layer.mode != mine:
            fact = WHOSE.get(layer.kind, "open")
            used.append((fact, "in_use", f"{layer.kind} {layer.name}: open {layer.mode}"))
        elif layer.kind == "PART":
            used.append(("partition", "old_data", f"partition {layer.name}"))
        elif layer.kind not in IDLE_CLASSES:
            used.append(("holder", "in_use", f"held by {layer.kind} {layer.name}"))
    used += [("swap", "in_use", f"{path} is swap") for path in swaps if path in nodes]
    used += [
        ("pool", "in_use", f"in pool {vdev.pool} ({vdev.role}, {vdev.state})")
        for vdev in vdevs
        if vdev.path in nodes
    ]
    for source, point in mounts:
        if source in nodes:
            used.append(("mount", "in_use", f"mounted at {point}"))
            if point in ("/", "/boot", "/boot/efi"):
                used.append(("boot", "in_use", f"the system starts from it: {point}"))
    return used


def file_use(path: str) -> list[Any]:
    """(fact, detail) for each use of a regular file that FreeBSD reports; empty when none. Raises
    OSError.
    """
    used = []
    if any(source == path for source, _ in texts.mount_p(output("mount", "-p"))):
        used.append(("mount", f"{path} is mounted"))
    if path in texts.swapinfo(output("swapinfo", "-k")):
        used.append(("swap", f"{path} is swap"))
    if any(path in line.split() for line in output("mdconfig", "-lv").splitlines()):
        used.append(("loop", f"{path} backs a memory disk"))
    openers = output("fstat", path).splitlines()[1:]
    if openers:
        used.append(("open", f"open in {len(openers)} places: {' '.join(openers[0].split()[:3])}"))
    return used
