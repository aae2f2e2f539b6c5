"""What FreeBSD says of disks and of their use, by its own commands: GEOM's XML, mounts, swap, md,
fstat.

Written from the manual pages; not run on a real FreeBSD yet. While only regular files may be
written there, a mistake here can refuse a run or leave a column empty; it can't allow a disk.
"""

from __future__ import annotations

import subprocess
from typing import Any


def output(*command: str) -> str:
    """stdout of a system command. Raises OSError when it fails or takes over 20 s."""
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=20, check=True
        )
    except subprocess.SubprocessError as error:
        raise OSError(f"{command[0]}: {error}") from error
    return done.stdout.decode("utf-8", "replace")


def disks() -> list[dict[str, Any]]:
    """One dict for each provider of class DISK in kern.geom.confxml. Sizes in bytes."""
    import xml.etree.ElementTree as ElementTree  # slow to import; only needed here

    found = []
    tree = ElementTree.fromstring(output("sysctl", "-b", "kern.geom.confxml").rstrip("\0\n"))
    for cls in tree.iter("class"):
        if cls.findtext("name") != "DISK":
            continue
        for provider in cls.iter("provider"):

            def text(key: str, provider: Any = provider) -> str | None:
                return (
                    provider.findtext(key) or provider.findtext("config/" + key) or ""
                ).strip() or None

            logical = int(text("sectorsize") or 512)
            rate = text("rotationrate")
            found.append(
                {
                    "name": text("name") or "",
                    "serial": text("ident"),
                    "lunid": text("lunid"),
                    "model": text("descr"),
                    "size_bytes": int(text("mediasize") or 0),
                    "logical_sector_bytes": logical,
                    "physical_sector_bytes": max(logical, int(text("stripesize") or 0)),
                    "rotational": None if rate in (None, "unknown") else rate != "0",
                    "mode": text("mode") or "unknown",
                }
            )
    return found


def file_use(path: str) -> list[Any]:
    """(fact, detail) for each use of a regular file that FreeBSD reports; empty when none. Raises
    OSError.
    """
    used = []
    if any(line.split()[:1] == [path] for line in output("mount", "-p").splitlines()):
        used.append(("mount", f"{path} is mounted"))
    if any(line.split()[:1] == [path] for line in output("swapctl", "-l").splitlines()):
        used.append(("swap", f"{path} is swap"))
    if any(path in line.split() for line in output("mdconfig", "-lv").splitlines()):
        used.append(("loop", f"{path} backs a memory disk"))
    openers = output("fstat", path).splitlines()[1:]
    if openers:
        used.append(("open", f"open in {len(openers)} places: {' '.join(openers[0].split()[:3])}"))
    return used
