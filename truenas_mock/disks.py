"""disk.*: what disks there are and how each is used. Their temperatures: temperatures.py."""

from __future__ import annotations

import errno
import time
from typing import Any

from . import filters, smart, smartctl
from .clock import ejson
from .drives import BOOT_POOL, Drive, device_number
from .errors import CallError, InstanceNotFound, NotFound, invalid
from .methods import FILTERS, OPTIONS, Method, fields, needs, takes
from .nas import Nas
from .releases import Release
from .temperatures import Temperatures

#: A disk that is gone is forgotten after a week.
EXPIRES_SECONDS = 7 * 86400
#: Linux gives 16 disks to each of these.
SD_MAJORS = (8, *range(65, 72), *range(128, 136))
#: What disk.update may change, in the releases that have the field.
SETTINGS: dict[str, type] = {
    "description": str,
    "hddstandby": str,
    "hddstandby_force": bool,
    "advpowermgmt": str,
    "acousticlevel": str,
    "togglesmart": bool,
    "smartoptions": str,
    "critical": int,
    "difference": int,
    "informational": int,
}


class Disks:
    def __init__(self, nas: Nas, release: Release) -> None:
        self.nas, self.release = nas, release
        self._temperatures = Temperatures(nas, release, self.is_watched)

    def forget_temperatures(self) -> None:
        self._temperatures.forget()

    def methods(self) -> list[Method]:
        identifier, name = needs("id", str), needs("name", str)
        joined = takes("join_partitions", False, bool)
        args = (needs("name", str), needs("args", list), takes("options", {}, dict))
        return [
            Method("disk.query", self.query, (FILTERS, OPTIONS)),
            Method("disk.get_instance", self._instance, (identifier, OPTIONS)),
            Method("disk.update", self._update, (identifier, needs("disk_update", dict)),
                   item=True, changes=True),
            Method("disk.get_unused", self._unused, (joined,), private_since="25.04"),
            Method("disk.get_used", self._used, (joined,), since="24.10", private_since="25.04"),
            Method("disk.details", self._details, (takes("options", {}, dict),), since="24.10"),
            Method("disk.smart_attributes", self._attributes, (name,), until="25.04"),
            Method("disk.smartctl", self._smartctl, args, until="25.04", private_since="12.0",
                   changes=True),
            Method("disk.smart_test", self._smart_test,
                   (needs("type", str), needs("disks", list)), since="25.10",
                   private_since="25.10", changes=True),
            *self._temperatures.methods(),
        ]  # fmt: skip

    # --- entries ------------------------------------------------------------------------------
    def entry(self, drive: Drive, extra: dict[str, Any] | None = None) -> dict[str, Any]:
        """One row of disk.query, with what the options' `extra` asks for."""
        extra = extra or {}
        core = self.release.system == "FreeBSD"
        seen = not drive.vanished and drive.pool not in self.nas.exported_pools
        entry: dict[str, Any] = {
            "identifier": drive.identifier,
            "name": drive.name,
            "subsystem": _letters(drive.name) if core else _subsystem(drive),
            "number": device_number(drive.name) if core else kernel_number(drive.name),
            "serial": drive.serial,
            "lunid": drive.lunid,
            "size": drive.size_bytes,
            "description": "",
            "transfermode": "Auto",
            "hddstandby": "ALWAYS ON",
            "hddstandby_force": False,
            "togglesmart": True,
            "advpowermgmt": "DISABLED",
            "acousticlevel": "DISABLED",
            "smartoptions": "",
            "expiretime": ejson(time.time() + EXPIRES_SECONDS) if drive.vanished else None,
            "critical": None,
            "difference": None,
            "informational": None,
            "supports_smart": True if extra.get("supports_smart") else None,
            "model": drive.model,
            "rotationrate": drive.rotation_rate or None,
            "type": "HDD" if drive.rotation_rate else "SSD",
            "zfs_guid": str(9_000_000 + drive.number) if drive.pool else None,
            "bus": self._bus(drive),
            "enclosure": None,
            # Filled only when extra.pools was asked for.
            "pool": drive.pool if extra.get("pools") and seen else None,
            "devname": drive.name,
            "multipath_name": "",
            "multipath_member": "",
            "sed": False,
            "sed_status": "UNSUPPORTED",
        } | drive.settings
        shown = {name: entry[name] for name in self.release.disk_fields}
        if extra.get("passwords"):
            shown |= {"passwd": "", "kmip_uid": None}
        if extra.get("real_names") and self.release.has("25.04"):
            shown["real_name"] = drive.name
        return shown

    def _bus(self, drive: Drive) -> str:
        if self.release.system == "FreeBSD":
            buses = {"ada": "AHCICH", "da": "MPS", "nvd": "UNKNOWN", "sd": "MPS"}
            return buses.get(_letters(drive.name), "UNKNOWN")
        return {"ata": "ATA", "scsi": "SCSI", "nvme": "UNKNOWN"}[drive.protocol]

    def query(self, chosen: Any, options: Any) -> Any:
        extra = options.get("extra") or {}
        drives = self._listed()
        if extra.get("include_expired"):
            drives += [drive for drive in self.nas.drives.values() if drive.vanished]
        entries = [self.entry(drive, extra) for drive in drives]
        found = filters.apply(self.release, entries, chosen, options)
        if extra.get("supports_smart") and isinstance(found, list) and len(found) > 1:
            raise CallError("supports_smart can only be requested for a single disk", errno.EINVAL)
        return found

    def _listed(self) -> list[Drive]:
        """CORE takes a second disk of the same identifier for another path to the first."""
        drives = self.nas.present()
        if self.release.system == "Linux":
            return drives
        return list({drive.identifier: drive for drive in reversed(drives)}.values())[::-1]

    def _instance(self, identifier: Any, options: Any) -> Any:
        try:
            return self.query([["identifier", "=", identifier]], {**options, "get": True})
        except NotFound:
            raise InstanceNotFound("Disk", identifier) from None

    def _update(self, identifier: str, body: dict[str, Any]) -> dict[str, Any]:
        drive = self.nas.drive(identifier=identifier)
        if drive is None:
            raise NotFound
        known = {name: kind for name, kind in SETTINGS.items() if name in self.release.disk_fields}
        fields(self.release, "disk_update", body, known)
        with self.nas.change():
            self.nas.drives[drive.key].settings.update(body)
        return self.entry(self.nas.drives[drive.key])

    def is_watched(self, drive: Drive) -> bool:
        """Whether its temperature is read when no names are given."""
        setting = {"togglesmart": True, "hddstandby": "ALWAYS ON"} | drive.settings
        awake = not self.release.standby_watched or setting["hddstandby"] == "ALWAYS ON"
        return self.release.temperatures == "sensors" or bool(setting["togglesmart"] and awake)

    def drive(self, name: str) -> Drive:
        drive = self.nas.drive(name=name)
        if drive is None:
            raise CallError(f"Disk {name!r} not found", errno.ENOENT)
        return drive

    # --- how they are used --------------------------------------------------------------------
    def _unused(self, joined: bool) -> list[dict[str, Any]]:
        """CORE: the disks of no imported pool. 22.12 to 24.04 tell which of them are in an
        exported one; from 24.10 those are left out."""
        found = []
        for drive in self.nas.present():
            exported = drive.pool if drive.pool in self.nas.exported_pools else None
            if drive.pool and not exported or exported and self.release.has("24.10"):
                continue
            found.append(self._described(drive, joined))
        return found

    def _used(self, joined: bool) -> list[dict[str, Any]]:
        return [self._described(drive, joined) for drive in self.nas.present() if drive.pool]

    def _details(self, options: dict[str, Any]) -> Any:
        allowed: dict[str, type] = {"type": str, "join_partitions": bool}
        fields(self.release, "options", options, allowed)
        kind, joined = options.get("type", "BOTH"), options.get("join_partitions", False)
        if kind not in ("USED", "UNUSED", "BOTH"):
            raise invalid("options.type", "Input should be 'USED', 'UNUSED' or 'BOTH'")
        both = {"used": self._used(joined), "unused": self._unused(joined)}
        return both if kind == "BOTH" else both[kind.lower()]

    def _described(self, drive: Drive, joined: bool) -> dict[str, Any]:
        """A disk of get_unused, get_used and details."""
        exported = drive.pool if drive.pool in self.nas.exported_pools else None
        entry = self.entry(drive)
        if self.release.has("22.12.1"):
            same = [one.name for one in self.nas.present()
                    if one.serial == drive.serial and one.key != drive.key]  # fmt: skip
            entry |= {"exported_zpool": exported, "duplicate_serial": same}
        if self.release.has("22.12.1", "24.04"):
            entry["unsupported_md_devices"] = []
        if self.release.has("24.10"):
            sectors = drive.size_bytes // drive.sector_bytes
            entry |= {
                "imported_zpool": None if exported else drive.pool,
                "blocks": sectors,
                "sectorsize": drive.sector_bytes,
                "dif": False,
                "driver": "nvme" if drive.protocol == "nvme" else "sd",
                "hctl": None if drive.protocol == "nvme" else f"0:0:{drive.number % 32}:0",
            }
        if joined:
            entry["partitions"] = self._partitions(drive)
        return entry

    def _partitions(self, drive: Drive) -> list[dict[str, Any]]:
        """A pool's member has a ZFS partition, imported or not."""
        if not drive.pool or drive.pool == BOOT_POOL:
            return []
        core = self.release.system == "FreeBSD"
        kind = "516e7cba-6ecf-11d6-8ff8-00022d09712b" if core else (
            "6a898cc3-1dd2-11b2-99a6-080020736631")  # fmt: skip
        name = partition(self.release, drive)
        return [
            {
                "name": name,
                "partition_type": kind,
                "partition_number": int(name[-1]),
                "partition_uuid": f"00000000-0000-4000-8000-{drive.number:012x}",
                "disk": drive.name,
                "size": drive.size_bytes - (2 << 30),
                "id": name,
                "path": f"/dev/{name}",
                "encrypted_provider": None,
            }
        ]

    # --- smartctl -----------------------------------------------------------------------------
    def _attributes(self, name: str) -> Any:
        drive = self.drive(name)
        if drive.protocol != "ata" and not self.release.has("25.04"):
            words = "Only ATA device support S.M.A.R.T. attributes"
            raise CallError(words, errno.ENOTSUP)
        document = smartctl.document(self.nas, drive, ["-a", "-j"])
        if drive.protocol == "nvme":
            return document["nvme_smart_health_information_log"]
        if drive.protocol == "scsi":
            return {name: value for name, value in document.items() if name.startswith("scsi_")}
        return document["ata_smart_attributes"]["table"]

    def _smartctl(self, name: str, arguments: list[str], options: dict[str, Any]) -> str:
        """The private way to smartctl; bits 0 and 1 of its status are an error."""
        status, output = smartctl.run(self.nas, [*arguments, self.drive(name).path])
        if status & 3:
            raise CallError(f"smartctl failed for disk {name}:\n{output}")
        return output

    def _smart_test(self, kind: str, disks: list[str]) -> None:
        """Starts it and looks no further: neither job nor result, and no word of a refusal."""
        if kind not in smart.SECONDS:
            raise invalid("type", f"Invalid choice: {kind}")
        for drive in self.nas.present():
            if disks == ["*"] or drive.identifier in disks:
                smartctl.run(self.nas, ["-t", kind.lower(), drive.path])


def _letters(name: str) -> str:
    return "".join(letter for letter in name if not letter.isdigit())


def _subsystem(drive: Drive) -> str:
    return "nvme" if drive.protocol == "nvme" else "scsi"


def kernel_number(name: str) -> int:
    """Linux's dev_t of a whole disk: sdb is 8:16, sdu 65:64."""
    if not (name.startswith("sd") and name[2:].isalpha()):
        return 259 << 8 | device_number(name) % 256
    index = -1
    for letter in name[2:]:
        index = (index + 1) * 26 + ord(letter) - ord("a")
    major = SD_MAJORS[index // 16 % len(SD_MAJORS)]
    return major << 8 | index % 16 * 16 | index // 256 << 20


def partition(release: Release, drive: Drive) -> str:
    """The name of its data partition: behind one for swap, up to 24.04."""
    number = 1 if release.has("24.10") else 2
    if release.system == "FreeBSD":
        return f"{drive.name}p{number}"
    return f"{drive.name}{'p' if drive.name[-1].isdigit() else ''}{number}"
