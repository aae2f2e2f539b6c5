"""pool.* and boot.*: which disks are members of what."""

from __future__ import annotations

import time
from typing import Any

from . import filters
from .disks import partition
from .drives import BOOT_POOL, Drive
from .errors import InstanceNotFound, NotFound
from .jobs import Job, Jobs
from .methods import FILTERS, OPTIONS, Method, needs, takes
from .nas import Nas
from .releases import Release
from .system import HOSTNAME

ROLES = ("data", "log", "cache", "spare", "special", "dedup")
IMPORT_FIND_SECONDS = 5


class Pools:
    def __init__(self, nas: Nas, release: Release, jobs: Jobs) -> None:
        self.nas, self.release, self.jobs = nas, release, jobs

    def methods(self) -> list[Method]:
        return [
            Method("pool.query", self._query, (FILTERS, OPTIONS)),
            Method("pool.get_instance", self._instance, (needs("id", int), OPTIONS)),
            Method("pool.get_disks", self._disks, (takes("id", None, int),), item=True),
            Method("pool.import_find", self._import_find, job=True),
            Method("boot.get_disks", self.nas.boot_disks),
            Method("boot.get_state", self._boot_state),
        ]

    def _members(self, exported: bool = False) -> dict[str, list[Drive]]:
        members: dict[str, list[Drive]] = {}
        for drive in self.nas.present():
            if drive.pool and drive.pool != BOOT_POOL:
                members.setdefault(drive.pool, []).append(drive)
        return {
            name: members[name]
            for name in sorted(members)
            if (name in self.nas.exported_pools) == exported
        }

    def _all(self) -> list[dict[str, Any]]:
        return [
            self._pool(number, name, members)
            for number, (name, members) in enumerate(self._members().items(), 1)
        ]

    def _pool(self, number: int, name: str, members: list[Drive]) -> dict[str, Any]:
        size = min(drive.size_bytes for drive in members)
        offline = name in self.nas.offline_pools
        topology = {role: self._vdevs(number, role, members) for role in ROLES}
        pool: dict[str, Any] = {
            "id": number,
            "name": name,
            "guid": str(7_000_000 + number),
            "path": f"/mnt/{name}",
            "status": "OFFLINE" if offline else "ONLINE",
            "scan": None if offline else {"function": None, "state": None},
            "topology": None if offline else topology,
            "healthy": not offline,
            "status_detail": None,
            "size": None if offline else size,
            "allocated": None if offline else size // 3,
            "free": None if offline else size - size // 3,
            "autotrim": {"value": "off", "rawvalue": "off", "parsed": "off", "source": "DEFAULT"},
        }
        if self.release.has("12.0", "24.10"):
            pool |= {"encrypt": 0, "encryptkey": ""}
        if self.release.has("12.0", "13.3"):
            pool |= {"encryptkey_path": None, "is_decrypted": True}
        if self.release.has("22.12.1"):
            pool |= {"freeing": 0, "fragmentation": "0", "warning": False, "status_code": "OK"}
        return pool

    def _vdevs(self, number: int, role: str, members: list[Drive]) -> list[dict[str, Any]]:
        leaves = [self._leaf(drive) for drive in members if drive.vdev == role]
        if role != "data" or len(leaves) < 2:
            return leaves
        mirror: dict[str, Any] = {
            "name": "mirror-0",
            "type": "MIRROR",
            "path": None,
            "guid": str(8_000_000 + number),
            "status": "ONLINE",
            "stats": {},
            "children": leaves,
            "unavail_disk": None,
        }
        return [mirror]

    def _leaf(self, drive: Drive) -> dict[str, Any]:
        uuid = f"00000000-0000-4000-8000-{drive.number:012x}"
        core = self.release.system == "FreeBSD"
        path = f"/dev/gptid/{drive.key}" if core else f"/dev/disk/by-partuuid/{uuid}"
        return {
            "name": path if core else uuid,
            "type": "DISK",
            "path": path,
            "guid": str(9_000_000 + drive.number),
            "status": "ONLINE",
            "stats": {},
            "children": [],
            "device": partition(self.release, drive),
            "disk": drive.name,
            "unavail_disk": None,
        }

    def _query(self, chosen: Any, options: Any) -> Any:
        return filters.apply(self.release, self._all(), chosen, options)

    def _instance(self, number: int, options: Any) -> Any:
        try:
            return self._query([["id", "=", number]], {**options, "get": True})
        except NotFound:
            raise InstanceNotFound("Pool", number) from None

    def _disks(self, number: int | None) -> list[str]:
        """Of one pool, or of all; SCALE skips pools that are offline."""
        wanted = None if number is None else self._instance(number, {})["name"]
        scale = self.release.system == "Linux"
        return [
            drive.name
            for name, members in self._members().items()
            for drive in members
            if wanted in (None, name)
            and not (number is None and scale and name in self.nas.offline_pools)
        ]

    def _boot_state(self) -> dict[str, Any]:
        core = self.release.system == "FreeBSD"
        leaves = [
            {
                "name": f"{disk}p2" if core else f"{disk}p3",
                "type": "DISK",
                "path": f"/dev/{disk}p2" if core else f"/dev/{disk}p3",
                "status": "ONLINE",
                "disk": disk,
                "children": [],
            }
            for disk in self.nas.boot_disks()
        ]
        return {
            "id": BOOT_POOL,
            "name": BOOT_POOL,
            "status": "ONLINE",
            "healthy": True,
            "groups": {role: leaves if role == "data" else [] for role in ROLES},
        }

    def _import_find(self) -> Job:
        """A job; its result names pools, never disks."""

        def found() -> list[dict[str, Any]]:
            return [
                {
                    "name": name,
                    "guid": str(7_500_000 + members[0].number),
                    "status": "ONLINE",
                    "hostname": HOSTNAME,
                }
                for name, members in self._members(exported=True).items()
            ]

        seconds = IMPORT_FIND_SECONDS / self.nas.speed
        return Job("pool.import_find", [], time.time(), seconds, found)
