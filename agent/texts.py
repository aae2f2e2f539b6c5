"""What programs and files of the host say, as values: pure functions, one for each format.

A text that is empty, cut off or not understood raises Unreadable, which the guard takes for
"unknown". Written from the documented formats; nothing here asks anything.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple


class Unreadable(ValueError):
    """Not what this format looks like, or not the whole of it."""


# --- ZFS --------------------------------------------------------------------------------------
class Vdev(NamedTuple):
    """A leaf of an imported pool. `path` is "" where only its guid is told; then `was` has the last
    known path. `role`: data, log, cache, spare, special, dedup.
    """

    pool: str
    role: str
    path: str
    state: str
    was: str


_ROLES = {
    "logs": "log",
    "cache": "cache",
    "spares": "spare",
    "special": "special",
    "dedup": "dedup",
}
_GROUP = re.compile(r"(mirror|raidz[123]?|draid[123]?|replacing|spare|indirect|root)\b")


def zpool_status(text: str) -> list[Vdev]:
    """`zpool status -LP`: every leaf of every imported pool."""
    if text.strip() == "no pools available":
        return []
    found: list[Vdev] = []
    pool, role, in_config, open_pool = "", "data", False, False
    for line in text.splitlines():
        key, _, value = line.strip().partition(":")
        if not line.startswith("\t") and key == "pool":
            if open_pool:
                raise Unreadable(f"zpool status: pool {pool} is cut off")
            pool, role, in_config, open_pool = value.strip(), "data", False, True
        elif not line.startswith("\t") and key == "config":
            in_config = True
        elif not line.startswith("\t") and key == "errors":
            if not in_config or not any(vdev.pool == pool for vdev in found):
                raise Unreadable(f"zpool status: pool {pool} has no members")
            in_config = open_pool = False
        elif in_config and line.strip():
            role = _vdev_line(line, pool, role, found)
    if open_pool or not pool:
        raise Unreadable("zpool status: empty or cut off")
    return found


def _vdev_line(line: str, pool: str, role: str, found: list[Vdev]) -> str:
    """Takes one line of `config:`; the role that holds from it on."""
    words = line.split()
    name = words[0]
    if not line.startswith("\t"):
        raise Unreadable(f"zpool status: {line.strip()!r} stands among the members")
    if name == "NAME" or name == pool:
        return role
    if len(words) == 1 and name in _ROLES:
        return _ROLES[name]
    if len(words) < 2:
        raise Unreadable(f"zpool status: {line.strip()!r} is no member")
    was = words[words.index("was") + 1] if "was" in words[2:-1] else ""
    if name.startswith("/"):
        found.append(Vdev(pool, role, name, words[1], was))
    elif name.isdigit():
        found.append(Vdev(pool, role, "", words[1], was))
    elif not _GROUP.match(name):
        raise Unreadable(f"zpool status: {name!r} is neither a path nor a group")
    return role


# --- Linux ------------------------------------------------------------------------------------
class Mount(NamedTuple):
    device: tuple[int, int]
    point: str
    source: str


def unescape(text: str) -> str:
    """The kernel's octal escapes of blanks and backslashes."""
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found.group(1), 8)), text)


def numbers(text: str) -> tuple[int, int]:
    """major:minor"""
    found = re.fullmatch(r"(\d+):(\d+)", text.strip())
    if found is None:
        raise Unreadable(f"{text.strip()!r} is no device number")
    return int(found.group(1)), int(found.group(2))


def mountinfo(text: str) -> list[Mount]:
    """/proc/PID/mountinfo; a process always has at least its root mounted."""
    found = []
    for line in text.splitlines():
        left, dash, right = line.partition(" - ")
        fields, told = left.split(" "), right.split(" ")
        if not dash or len(fields) < 6 or len(told) < 2:
            raise Unreadable(f"mountinfo: {line[:100]!r}")
        found.append(Mount(numbers(fields[2]), unescape(fields[4]), unescape(told[1])))
    if not found or not text.endswith("\n"):
        raise Unreadable("mountinfo: empty or cut off")
    return found


def swaps(text: str) -> list[str]:
    """/proc/swaps: paths of swap areas."""
    lines = text.splitlines()
    if not lines or lines[0].split()[:2] != ["Filename", "Type"] or not text.endswith("\n"):
        raise Unreadable("/proc/swaps: empty or cut off")
    if any(len(line.split()) < 5 for line in lines[1:]):
        raise Unreadable("/proc/swaps: a line is cut off")
    return [unescape(line.split()[0]) for line in lines[1:]]


def mdstat(text: str) -> dict[str, list[str]]:
    """/proc/mdstat: array → names of its members, inactive arrays too."""
    lines = text.splitlines()
    if not lines or not lines[0].startswith("Personalities"):
        raise Unreadable("/proc/mdstat: its head is missing")
    if not any(line.startswith("unused devices:") for line in lines):
        raise Unreadable("/proc/mdstat: cut off")
    found = {}
    for line in lines[1:]:
        array, colon, rest = line.partition(" : ")
        if colon and re.fullmatch(r"md\S*", array):
            if rest.split()[:1] not in (["active"], ["inactive"], ["broken"]):
                raise Unreadable(f"/proc/mdstat: {line[:100]!r}")
            found[array] = re.findall(r"(\S+?)\[\d+\]", rest)
    return found


def sectors_written(text: str) -> int:
    """/sys/block/NAME/stat: sectors written since the host started, its partitions' too."""
    fields = text.split()
    if len(fields) < 11 or not all(field.isdigit() for field in fields):
        raise Unreadable(f"stat of the disk: {text[:100]!r}")
    return int(fields[6])


def command_line(text: str) -> dict[str, str]:
    """/proc/cmdline: `root` and `resume` as told, where they are."""
    pairs = (word.partition("=") for word in text.split())
    return {key: value for key, _, value in pairs if key in ("root", "resume") and value}


# --- FreeBSD ----------------------------------------------------------------------------------
class Layer(NamedTuple):
    """Something that GEOM has built on a disk: its class, its name, its access counts (r0w0e0), and
    its other names (nvd0p2 of nda0p2).
    """

    kind: str
    name: str
    mode: str
    aliases: tuple[str, ...] = ()


UNUSED = "r0w0e0"


def _geom(xml: str) -> Any:
    from xml.etree import ElementTree  # slow to import; only needed here

    try:
        tree = ElementTree.fromstring(xml.rstrip("\0\n "))
    except ElementTree.ParseError as error:
        raise Unreadable(f"kern.geom.confxml: {error}") from error
    if tree.tag != "mesh" or tree.find("class") is None:
        raise Unreadable("kern.geom.confxml: no mesh of classes")
    return tree


def _number(text: str | None, of: str) -> int:
    if text is None or not text.isdigit():
        raise Unreadable(f"kern.geom.confxml: {of} {text!r} is no number")
    return int(text)


def geom_disks(xml: str) -> list[dict[str, Any]]:
    """One dict for each provider of class DISK in kern.geom.confxml. Sizes in bytes."""
    found = []
    for provider in _geom(xml).iterfind("class[name='DISK']/geom/provider"):

        def text(key: str, provider: Any = provider) -> str | None:
            told = provider.findtext(key) or provider.findtext("config/" + key) or ""
            return told.strip() or None

        logical = _number(text("sectorsize"), "sectorsize")
        rate = text("rotationrate")
        found.append(
            {
                "name": text("name") or "",
                "serial": text("ident"),
                "lunid": text("lunid"),
                "model": text("descr"),
                "size_bytes": _number(text("mediasize"), "mediasize"),
                "logical_sector_bytes": logical,
                "physical_sector_bytes": max(logical, _number(text("stripesize") or "0", "stripe")),
                "rotational": None if rate in (None, "unknown") else rate != "0",
                "mode": text("mode") or "unknown",
            }
        )
    return found


def geom_layers(xml: str, disk: str) -> list[Layer]:
    """The disk itself, then all that stands on it: partitions, labels, mirrors, ZFS, file systems.

    A layer's mode is that of its provider (who has it open), or of the consumer that opened below.
    """
    tree = _geom(xml)
    above: dict[str, list[tuple[str, Any, str]]] = {}
    for cls in tree.iterfind("class"):
        kind = (cls.findtext("name") or "").strip()
        for geom in cls.iterfind("geom"):
            for consumer in geom.iterfind("consumer"):
                below = consumer.find("provider")
                mode = (consumer.findtext("mode") or "").strip()
                if below is not None:
                    above.setdefault(below.get("ref") or "", []).append((kind, geom, mode))
    roots = [
        provider
        for provider in tree.iterfind("class[name='DISK']/geom/provider")
        if (provider.findtext("name") or "").strip() == disk
    ]
    if len(roots) != 1:
        raise Unreadable(f"kern.geom.confxml: {len(roots)} disks are called {disk}")
    found: list[Layer] = []
    queue: list[tuple[str, Any]] = [("DISK", roots[0])]
    seen = set()
    while queue:
        kind, provider = queue.pop(0)
        if provider.get("id") in seen:
            continue
        seen.add(provider.get("id"))
        name, mode = ((provider.findtext(key) or "").strip() for key in ("name", "mode"))
        if not re.fullmatch(r"r\d+w\d+e\d+", mode):
            raise Unreadable(f"kern.geom.confxml: {name} has no access counts")
        aliases = tuple((alias.text or "").strip() for alias in provider.iterfind("alias"))
        found.append(Layer(kind, name, mode, aliases))
        for upper, geom, opened in above.get(provider.get("id") or "", []):
            providers = geom.findall("provider")
            if not providers and upper != "DEV":
                found.append(Layer(upper, (geom.findtext("name") or "").strip(), opened))
            queue += [(upper, one) for one in providers]
    return found


def swapinfo(text: str) -> list[str]:
    """`swapinfo -k` or `swapctl -l`: paths of swap areas."""
    lines = text.splitlines()
    if not lines or not lines[0].startswith("Device"):
        raise Unreadable("swapinfo: empty, or its head is missing")
    rows = [line.split() for line in lines[1:] if not line.startswith(("Total", "["))]
    if not text.endswith("\n") or any(len(row) < 5 or row[0][0] != "/" for row in rows):
        raise Unreadable("swapinfo: a line is cut off or not understood")
    return [line.split()[0] for line in lines[1:] if line.startswith("/")]


def mount_p(text: str) -> list[tuple[str, str]]:
    """`mount -p`: (source, point)."""
    rows = [line.split() for line in text.splitlines() if line.strip()]
    if not rows or not text.endswith("\n") or any(len(row) < 4 for row in rows):
        raise Unreadable("mount -p: empty or cut off")
    return [(row[0], row[1]) for row in rows]


def iostat(text: str, disk: str) -> str:
    """`iostat -Ix DISK`: writes and KiB written since the host started, as it tells them."""
    rows = [line.split() for line in text.splitlines()]
    heads = [row for row in rows if row[:1] == ["device"] and {"w/i", "kw/i"} <= set(row)]
    told = [row for row in rows if row[:1] == [disk]]
    if len(heads) != 1 or len(told) != 1 or len(told[0]) < len(heads[0]):
        raise Unreadable(f"iostat: it doesn't tell what was written to {disk}")
    counts = [told[0][heads[0].index(key)] for key in ("w/i", "kw/i")]
    if not all(re.fullmatch(r"\d+\.\d", count) for count in counts):
        raise Unreadable(f"iostat: {counts} are no counts")
    return " ".join(counts)


# --- smartctl ---------------------------------------------------------------------------------
SECURITY_ENABLED, SECURITY_LOCKED = 0x0002, 0x0004


def is_locked(smartctl: dict[str, Any]) -> bool:
    """Does `smartctl --json -g security` say that an ATA password locks the drive?"""
    security = smartctl.get("ata_security")
    if security is None:
        return False  # SCSI and NVMe have none; an old smartctl doesn't tell
    if not isinstance(security, dict):
        raise Unreadable("smartctl: ata_security is no object")
    state, words = security.get("state"), str(security.get("string", ""))
    if not isinstance(state, int) and not words:
        raise Unreadable("smartctl: ata_security says nothing")
    locked = isinstance(state, int) and state & SECURITY_ENABLED and state & SECURITY_LOCKED
    return bool(locked) or "LOCKED" in words.split(", ")[-1].replace("*", " ").split()
