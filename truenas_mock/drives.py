"""The drives of the NAS as it knows them: identity, place, warmth and their self-tests.

Fifteen simulated ones stand in CATALOGUE; file-backed ones come from `media`. `key` never changes,
whatever a drive is renamed to. What a self-test does is in `smart`, what a surface run does in
`surface`.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import asdict, dataclass, field
from typing import Any

from .smart import SelfTest

#: model, its serials' prefix, size in bytes (LBA count of that class × 512), rpm
MODELS = {
    "ST12000NM0008": ("ZL2", 23437770752 * 512, 7200),
    "WD80EFAX": ("VDH", 15628053168 * 512, 5400),
    "ST16000NM001G": ("ZL6", 31251759104 * 512, 7200),
    "ST4000VN008": ("ZDH", 7814037168 * 512, 5980),
    "TOSHIBA MG06ACA10TE": ("Y0A", 19532873728 * 512, 7200),
    "HGST HUS728T8TAL5200": ("VAG", 15628053168 * 512, 7200),
    "ST6000DM003": ("WF2", 11721045168 * 512, 5425),
    "FAIL001": ("FAIL001", 15628053168 * 512, 7200),
}

#: (sd name, core name, model)
CATALOGUE = [
    ("sda", "ada0", "ST12000NM0008"),
    ("sdb", "ada1", "ST12000NM0008"),
    ("sdc", "ada2", "ST12000NM0008"),
    ("sdd", "ada3", "WD80EFAX"),
    ("sde", "ada4", "WD80EFAX"),
    ("sdf", "ada5", "WD80EFAX"),
    ("sdg", "da0", "ST16000NM001G"),
    ("sdh", "da1", "ST16000NM001G"),
    ("sdi", "da2", "ST4000VN008"),
    ("sdj", "da3", "ST4000VN008"),
    ("sdk", "da4", "TOSHIBA MG06ACA10TE"),
    ("sdl", "da5", "TOSHIBA MG06ACA10TE"),
    ("sdm", "da6", "HGST HUS728T8TAL5200"),
    ("sdn", "da7", "FAIL001"),
    ("sdo", "da8", "ST6000DM003"),
]


@dataclass(frozen=True)
class Kind:
    """A drive of another kind than those fifteen, as `--drive KIND` adds it."""

    model: str
    prefix: str
    sectors: int
    rotation_rate: int = 7200
    facts: dict[str, Any] = field(default_factory=dict)


KINDS = {
    "sas": Kind(
        "HUH721212AL5200", "8CK", 23437770752, facts={"protocol": "scsi", "vendor": "HGST"}
    ),
    "nvme": Kind("Samsung SSD 980 PRO 1TB", "S5GX", 1953525168, 0, {"protocol": "nvme"}),
    "nvme-basic": Kind(
        "INTEL SSDPEKNW512G8", "BTNH", 1000215216, 0, {"protocol": "nvme", "self_tests": False}
    ),
    "ssd": Kind("Samsung SSD 870 EVO 1TB", "S6PU", 1953525168, 0),
    "smr": Kind("ST8000DM004-2CX188", "WCT", 15628053168, 5425, {"zoned": True}),
    "smr-host": Kind(
        "HSH721414AL52M0", "VEG", 27344764928,
        facts={"protocol": "scsi", "vendor": "HGST", "zoned": True},
    ),
    "520": Kind(
        "X477_SMEGX04TA07", "Z4D", 7501476528,
        facts={"protocol": "scsi", "vendor": "NETAPP", "sector_bytes": 520},
    ),
    "locked": Kind("WDC WD40EFRX-68N32N0", "WD-WCC7", 7814037168, 5400, {"locked": True}),
    "late": Kind("ST2000LM015-2E8174", "WDZ", 3907029168, 5400, {"logs_late": True}),
}  # fmt: skip
POOL = "tank"
POOL_MEMBERS = ("sdi", "sdj")
POOL_HOURS = 11873
#: Bought used: many hours, and interface errors from a bad cable in its former life.
USED, USED_HOURS, USED_CRC_ERRORS = "sdo", 24310, 3
BOOT_POOL = "boot-pool"


@dataclass
class Drive:
    """One drive.

    Attributes:
        key: its name for ever: the catalogue's sd name, or the media file's stem.
        name: the device's present name.
        path: what the host opens. Never a node that could exist on the machine that plays the NAS.
        pool: name of the pool that it is a member of, or None.
        vdev: as what: data, log, cache, spare, special or dedup.
        protocol: ata, scsi or nvme.
        sector_bytes: a logical sector.
        logs_late: a self-test appears in its log only once it is over.
        vendor: of a SCSI drive.
        zoned: shingled, which the drive itself manages; a SCSI one leaves it to the host.
        locked: by an ATA password.
        self_tests: an NVMe drive that has them.
        refuses: it takes no self-test now.
        mute: smartctl hangs on it.
        temperature_set: °C that /debug put it at, or None: drifting around its own warmth.
        hours: power-on hours at `since`.
        since: seconds since the epoch at which this NAS first saw it.
        bad_sectors: pending sectors that a failed surface run has left behind.
        crc_errors: UDMA CRC errors counted so far.
        fail: each self-test and simulated surface run fails at about 30 %.
        vanished: no longer seen by NAS and host.
        settings: what was PUT to /disk/id/….
        use: what the host's probe says of its use, beyond the pool: [{fact, state, detail}].
        tests: its self-test log, oldest first.
    """

    key: str
    name: str
    path: str
    serial: str
    lunid: str | None
    model: str
    size_bytes: int
    rotation_rate: int = 7200
    pool: str | None = None
    vdev: str = "data"
    protocol: str = "ata"
    sector_bytes: int = 512
    logs_late: bool = False
    vendor: str = ""
    zoned: bool = False
    locked: bool = False
    self_tests: bool = True
    refuses: bool = False
    mute: bool = False
    temperature_set: float | None = None
    hours: int = 0
    since: float = 0.0
    bad_sectors: int = 0
    crc_errors: int = 0
    fail: bool = False
    vanished: bool = False
    settings: dict[str, Any] = field(default_factory=dict)
    use: list[dict[str, str]] = field(default_factory=list)
    tests: list[SelfTest] = field(default_factory=list)

    @property
    def identifier(self) -> str:
        """The key of the NAS's disk table."""
        if not self.serial:
            return f"{{devicename}}{self.name}"
        if not self.lunid:
            return f"{{serial}}{self.serial}"
        return f"{{serial_lunid}}{self.serial}_{self.lunid}"

    @property
    def number(self) -> int:
        """A number from 0 to 2^32 - 1 of this drive's own, the same each time."""
        return int.from_bytes(hashlib.sha256(self.key.encode()).digest()[:4], "big")

    def temperature(self, now: float, speed: float, busy: bool) -> int:
        """Degrees Celsius at `now`: a slow wave around the drive's own warmth, more while it
        works."""
        if self.temperature_set is not None:
            return round(self.temperature_set)
        own_warmth = 29 + self.number % 6
        wave = 1.6 * math.sin(now * speed / 400 + self.number % 7)
        return round(own_warmth + wave + (4 if busy else 0))

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Drive:
        return cls(**{**data, "tests": [SelfTest(**test) for test in data["tests"]]})


def device_number(name: str) -> int:
    """Unit number on CORE (ada3 → 3), the letter's place for sd names (sdc → 2)."""
    digits = "".join(c for c in name if c.isdigit())
    return int(digits) if digits else ord(name[-1]) - ord("a")


def _digest(machine: str, key: str) -> str:
    """What a drive's serial and lunid are made of: hexadecimal digits, the same each time."""
    return hashlib.sha256(f"truenas_mock{machine} {key}".encode()).hexdigest().upper()


def others(kinds: list[str], names: str, now: float, machine: str = "") -> dict[str, Drive]:
    """Drives of other kinds, by key: "sas-1" is the first SAS drive. Their names go on where those
    of the fifteen end.

    Args:
        kinds: of KINDS, one for each drive; the same may come again.
        machine: as for `catalogue`.
    """
    found: dict[str, Drive] = {}
    for place, name in enumerate(kinds):
        kind = KINDS[name]
        key = f"{name}-{kinds[: place + 1].count(name)}"
        digest = _digest(machine, key)
        protocol = kind.facts.get("protocol", "ata")
        found[key] = Drive(
            key=key,
            name=_free_name(protocol, names, place),
            path=f"/dev/mock/{key}",
            serial=kind.prefix + digest[:7],
            lunid=("eui." if protocol == "nvme" else "") + f"5000cca2{digest[8:16].lower()}",
            model=kind.model,
            size_bytes=kind.sectors * kind.facts.get("sector_bytes", 512),
            rotation_rate=kind.rotation_rate,
            since=now,
            hours=int(digest[20:22], 16) % 40,
            **kind.facts,
        )
    return found


def _free_name(protocol: str, names: str, place: int) -> str:
    """The boot disk is the first NVMe drive."""
    if protocol == "nvme":
        return f"nvme{place + 1}n1" if names == "sd" else f"nvd{place + 1}"
    if names == "sd":
        return sd_name(len(CATALOGUE) + place)
    return f"{'ada' if protocol == 'ata' else 'da'}{place + 9}"


def sd_name(number: int) -> str:
    """Linux's name of the disk of that number: sda is 0, sdz 25, sdaa 26."""
    letters = ""
    while number >= 0:
        letters = chr(ord("a") + number % 26) + letters
        number = number // 26 - 1
    return f"sd{letters}"


def catalogue(names: str, now: float, machine: str = "") -> dict[str, Drive]:
    """The fifteen simulated drives, by key.

    Most are new from the box; two are in a pool, one was bought used, one is bound to fail.

    Args:
        names: "sd" or "core".
        now: seconds since the epoch; the old self-tests end before it.
        machine: each has drives of its own, with serials of their own.
    """
    drives = {}
    for sd_name, core_name, model in CATALOGUE:
        prefix, size_bytes, rpm = MODELS[model]
        digest = _digest(machine, sd_name)
        hours = int(digest[20:22], 16) % 40
        if sd_name in POOL_MEMBERS:
            hours = POOL_HOURS
        elif sd_name == USED:
            hours = USED_HOURS
        drive = Drive(
            key=sd_name,
            name=sd_name if names == "sd" else core_name,
            path=f"/dev/mock/{sd_name}",
            serial=prefix if machine == "" and model == "FAIL001" else prefix + digest[:5],
            lunid=f"5000{'c500' if model.startswith('ST') else 'cca2'}{digest[5:13].lower()}",
            model=model,
            size_bytes=size_bytes,
            rotation_rate=rpm,
            pool=POOL if sd_name in POOL_MEMBERS else None,
            fail=model == "FAIL001",
            crc_errors=USED_CRC_ERRORS if sd_name == USED else 0,
            since=now,
            hours=hours,
        )
        if drive.number % 2:  # the others come with an empty log, as new drives do
            before = max(hours - 25, 0)
            drive.tests = [SelfTest("SHORT", now - 90000, seconds=60, tick=5, hours=before)]
        drives[sd_name] = drive
    return drives
