"""REST API v2.0 of TrueNAS CORE 13.0, as far as disks, pools and self-tests go.

Bodies: a method with one argument takes it as the whole body, one with more an object by their
names. Errors: 422 {"attribute": [{message, errno}]}, 404 {message}, 500 {message, traceback}, 400
for what is no JSON or no argument.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from . import filters, smart
from .clock import ejson
from .drives import BOOT_POOL, Drive, device_number
from .jobs import Jobs
from .nas import Nas
from .releases import Release

EINVAL = 22
#: A disk that is gone is forgotten after a week.
EXPIRES_SECONDS = 7 * 86400
NO_KEY_NEEDED = {"/system/product_type"}
#: What a PUT to /disk/id/… may change.
SETTINGS = {
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


class Refused(Exception):
    """An answer that is no 200."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(body)
        self.status, self.body = status, body


def invalid(attribute: str, message: str) -> Refused:
    return Refused(422, _wrong(attribute, message))


def _wrong(attribute: str, message: str) -> dict[str, Any]:
    return {attribute: [{"message": message, "errno": EINVAL}]}


def _key_error(key: Any) -> dict[str, str]:
    traceback = f"Traceback (most recent call last):\nKeyError: {key!r}\n"
    return {"message": repr(key), "traceback": traceback}


def _dict(body: Any) -> dict[str, Any]:
    return body if isinstance(body, dict) else {}


def _named(body: Any, *names: str) -> dict[str, Any]:
    """Arguments of a method that has several: an object by their names."""
    unknown = set(body) - set(names) if isinstance(body, dict) else {"not an object"}
    if unknown and body is not None:
        raise Refused(400, {"message": f"Unknown argument: {', '.join(sorted(unknown))}"})
    return _dict(body)


class Api:
    """Every method of the NAS. `call` is the one way in."""

    def __init__(self, nas: Nas, release: Release) -> None:
        self.nas, self.release = nas, release
        self.jobs = Jobs()
        self._lock = threading.Lock()
        self._temperatures: dict[str, int | None] = {}
        self._temperatures_at: float | None = None
        self._routes: list[tuple[str, re.Pattern[str], Callable[..., Any]]] = [
            (method, re.compile(pattern), function)
            for method, pattern, function in (
                ("GET", "/alert/list", list),
                ("GET", "/core/ping", lambda: "pong"),
                ("GET", "/core/get_jobs", self._get_jobs),
                ("POST", "/core/job_abort", self._job_abort),
                ("GET", "/system/version", lambda: release.version),
                ("GET", "/system/product_type", lambda: release.product_type),
                ("GET", "/system/ready", lambda: True),
                ("GET", "/system/state", lambda: "READY"),
                ("GET", "/system/info", self._system_info),
                ("GET", "/boot/get_disks", nas.boot_disks),
                ("GET", "/disk", self._disk_query),
                ("GET", "/disk/id/(.+)", self._disk_by_id),
                ("PUT", "/disk/id/(.+)", self._disk_update),
                ("POST", "/disk/temperature", self._temperature),
                ("POST", "/disk/temperatures", self._all_temperatures),
                ("POST", "/disk/get_unused", self._unused),
                ("GET", "/pool", self._pool_query),
                ("GET", r"/pool/id/(\d+)", self._pool_by_id),
                ("POST", r"/pool/id/(\d+)/get_disks", self._pool_disks),
                ("GET", "/smart/test", self._schedules),
                ("POST", "/smart/test", self._schedule),
                ("GET", r"/smart/test/id/(\d+)", self._schedule_by_id),
                ("PUT", r"/smart/test/id/(\d+)", self._reschedule),
                ("DELETE", r"/smart/test/id/(\d+)", self._unschedule),
                ("POST", "/smart/test/manual_test", self._manual_test),
                ("POST", "/smart/test/disk_choices", self._disk_choices),
                ("GET", "/smart/test/results", self._results),
            )
        ]

    def call(self, method: str, path: str, query: list[tuple[str, str]], body: Any) -> Any:
        """The answer's JSON; Refused for any other status. `body` is None where none came."""
        known = [(m, f, found) for m, p, f in self._routes if (found := p.fullmatch(path))]
        if not known:
            raise Refused(404, {"message": "404: Not Found"})
        function, found = next(((f, found) for m, f, found in known if m == method), (None, None))
        if function is None or found is None:
            raise Refused(405, {"message": "405: Method Not Allowed"})
        arguments: list[Any] = [unquote(group) for group in found.groups()]
        queries = (
            self._disk_query,
            self._pool_query,
            self._get_jobs,
            self._schedules,
            self._results,
        )
        if function in queries:
            arguments.append(_filters(query, body))
        elif method in ("POST", "PUT") and function != self._pool_disks:
            arguments.append(body)
        with self.nas.lock:
            self.nas.read()
            try:
                return function(*arguments)
            except filters.NotFound:
                raise Refused(404, {"message": "Object does not exist"}) from None
            except filters.BadFilter as error:
                raise Refused(422, {"message": str(error), "errno": EINVAL}) from None

    # --- system -------------------------------------------------------------------------------
    def _system_info(self) -> dict[str, Any]:
        uptime = time.time() - self.nas.booted
        return {
            "version": self.release.version,
            "hostname": "truenas.local",
            "physmem": 34_273_755_136,
            "model": "Intel(R) Xeon(R) CPU E3-1230 v5 @ 3.40GHz",
            "cores": 8,
            "physical_cores": 4,
            "loadavg": [0.4, 0.3, 0.3],
            "uptime": f"{uptime:.0f} seconds",
            "uptime_seconds": uptime,
            "system_serial": "MOCK",
            "system_product": "MOCK",
            "license": None,
            "boottime": ejson(self.nas.booted),
            "datetime": ejson(time.time()),
            "timezone": "Etc/UTC",
            "system_manufacturer": "MOCK",
            "ecc_memory": True,
        }

    def _get_jobs(self, wanted: tuple[Any, Any]) -> Any:
        return filters.apply(self.jobs.listed(self.nas, time.time()), *wanted)

    def _job_abort(self, number: Any) -> None:
        try:
            self.jobs.abort(number, time.time())
        except (KeyError, TypeError):
            raise Refused(500, _key_error(number)) from None

    # --- disks --------------------------------------------------------------------------------
    def _disk_query(self, wanted: tuple[Any, Any]) -> Any:
        chosen, options = wanted
        extra = (options or {}).get("extra") or {}
        drives = self.nas.present()
        if extra.get("include_expired"):
            drives += [drive for drive in self.nas.drives.values() if drive.vanished]
        entries = [self._disk(drive, bool(extra.get("pools"))) for drive in drives]
        return filters.apply(entries, chosen, options)

    def _disk(self, drive: Drive, with_pools: bool) -> dict[str, Any]:
        entry: dict[str, Any] = {
            "identifier": drive.identifier,
            "name": drive.name,
            "subsystem": "".join(letter for letter in drive.name if not letter.isdigit()),
            "number": device_number(drive.name),
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
            "model": drive.model,
            "rotationrate": drive.rotation_rate or None,
            "type": "HDD" if drive.rotation_rate else "SSD",
            "zfs_guid": str(9_000_000 + drive.number) if drive.pool else None,
            "bus": "AHCICH" if drive.name.startswith("ada") else "MPS",
            "enclosure": None,
            # Filled only when extra.pools was asked for.
            "pool": drive.pool if with_pools else None,
            "devname": drive.name,
            "multipath_name": "",
            "multipath_member": "",
        }
        return entry | drive.settings

    def _disk_by_id(self, identifier: str) -> Any:
        # CORE filters on a column that this table doesn't have.
        raise Refused(500, _key_error("id"))

    def _disk_update(self, identifier: str, body: Any) -> dict[str, Any]:
        drive = self.nas.drive(identifier=identifier)
        if drive is None:
            raise Refused(404, {"message": "Object does not exist"})
        if not isinstance(body, dict):
            raise invalid("disk_update", "A dict was expected")
        for name, value in body.items():
            if name not in SETTINGS:
                raise invalid(f"disk_update.{name}", "Field was not expected")
            if not isinstance(value, SETTINGS[name]):
                words = f"A {SETTINGS[name].__name__} was expected"
                raise invalid(f"disk_update.{name}", words)
        with self.nas.change():
            self.nas.drives[drive.key].settings.update(body)
        return self._disk(self.nas.drives[drive.key], False)

    def _temperature(self, body: Any) -> int | None:
        name = _named(body, "name", "powermode").get("name")
        if not isinstance(name, str):
            raise invalid("name", "attribute required")
        drive = self.nas.drive(name=name)
        return self.nas.temperature(drive) if drive else None

    def _all_temperatures(self, body: Any) -> dict[str, int | None]:
        names = _named(body, "names", "powermode").get("names", [])
        if not isinstance(names, list):
            raise invalid("names", "Not a list")
        names = names or [drive.name for drive in self.nas.present() if self._is_watched(drive)]
        with self._lock:
            now, at = time.time(), self._temperatures_at
            # 13.0-U1 and later keep one result and one time, whatever names were asked.
            age_limit = self.release.temperature_cache_seconds / self.nas.speed
            if at is None or now - at > age_limit:
                found = {name: self.nas.drive(name=name) for name in names}
                self._temperatures = {
                    name: self.nas.temperature(drive) if drive else None
                    for name, drive in found.items()
                }
                self._temperatures_at = now
            return self._temperatures

    def forget_temperatures(self) -> None:
        with self._lock:
            self._temperatures_at = None

    def _is_watched(self, drive: Drive) -> bool:
        """Whether its temperature is read when no names are given."""
        entry = self._disk(drive, False)
        return bool(entry["togglesmart"]) and entry["hddstandby"] == "ALWAYS ON"

    def _unused(self, with_partitions: Any) -> list[dict[str, Any]]:
        partitions: dict[str, Any] = {"partitions": []} if with_partitions else {}
        unused = [drive for drive in self.nas.present() if drive.pool is None]
        return [self._disk(drive, False) | partitions for drive in unused]

    # --- pools --------------------------------------------------------------------------------
    def _pools(self) -> list[dict[str, Any]]:
        members: dict[str, list[Drive]] = {}
        for drive in self.nas.present():
            if drive.pool and drive.pool != BOOT_POOL:
                members.setdefault(drive.pool, []).append(drive)
        return [
            self._pool(number, name, members[name])
            for number, name in enumerate(sorted(members), 1)
        ]

    def _pool(self, number: int, name: str, members: list[Drive]) -> dict[str, Any]:
        leaves: list[dict[str, Any]] = [
            {
                "name": f"/dev/gptid/{drive.key}",
                "type": "DISK",
                "path": f"/dev/gptid/{drive.key}",
                "guid": str(9_000_000 + drive.number),
                "status": "ONLINE",
                "stats": {},
                "children": [],
                "device": f"{drive.name}p2",
                "disk": drive.name,
                "unavail_disk": None,
            }
            for drive in members
        ]
        data = leaves
        if len(leaves) > 1:
            mirror = {
                "type": "MIRROR",
                "path": None,
                "guid": str(8_000_000 + number),
                "status": "ONLINE",
            }
            data = [
                mirror | {"name": "mirror-0", "stats": {}, "children": leaves, "unavail_disk": None}
            ]
        size = min(drive.size_bytes for drive in members)
        offline = name in self.nas.offline_pools
        topology = {"data": data, "log": [], "cache": [], "spare": [], "special": [], "dedup": []}
        return {
            "id": number,
            "name": name,
            "guid": str(7_000_000 + number),
            "encrypt": 0,
            "encryptkey": "",
            "path": f"/mnt/{name}",
            "status": "OFFLINE" if offline else "ONLINE",
            "scan": None if offline else {"function": None, "state": None},
            "topology": None if offline else topology,
            "healthy": not offline,
            "status_detail": None,
            "size": size,
            "allocated": size // 3,
            "free": size - size // 3,
            "autotrim": {"value": "off", "rawvalue": "off", "parsed": "off", "source": "DEFAULT"},
            "encryptkey_path": None,
            "is_decrypted": True,
        }

    def _pool_query(self, wanted: tuple[Any, Any]) -> Any:
        return filters.apply(self._pools(), *wanted)

    def _pool_by_id(self, number: str) -> Any:
        return filters.apply(self._pools(), [["id", "=", int(number)]], {"get": True})

    def _pool_disks(self, number: str) -> list[str]:
        name = self._pool_by_id(number)["name"]
        return [drive.name for drive in self.nas.present() if drive.pool == name]

    # --- self-tests ---------------------------------------------------------------------------
    def _schedules(self, wanted: tuple[Any, Any]) -> Any:
        return filters.apply(list(self.nas.schedules.values()), *wanted)

    def _schedule_by_id(self, number: str) -> Any:
        return filters.apply(
            list(self.nas.schedules.values()), [["id", "=", int(number)]], {"get": True}
        )

    def _schedule(self, body: Any) -> dict[str, Any]:
        """smart.test.create: a recurring test. Without a schedule it is every hour, for ever."""
        body = _dict(body)
        disks = body.get("disks", [])
        wrong = [disk for disk in disks if self.nas.drive(identifier=disk) is None]
        if wrong:
            raise invalid(
                "smart_test_create.disks",
                f"The following disks are invalid: {', '.join(map(str, wrong))}",
            )
        if body.get("type") not in smart.SECONDS:
            raise invalid("smart_test_create.type", "Invalid choice")
        every = {"hour": "*", "dom": "*", "month": "*", "dow": "*"}
        with self.nas.change():
            number = max((int(one) for one in self.nas.schedules), default=0) + 1
            entry = {
                "id": number,
                "schedule": every | (body.get("schedule") or {}),
                "desc": body.get("desc", ""),
                "all_disks": bool(body.get("all_disks", False)),
                "disks": disks,
                "type": body["type"],
            }
            self.nas.schedules[str(number)] = entry
        return entry

    def _reschedule(self, number: str, body: Any) -> dict[str, Any]:
        entry: dict[str, Any] = self._schedule_by_id(number)
        changes = {name: value for name, value in _dict(body).items() if name in entry}
        with self.nas.change():
            self.nas.schedules[number] = entry | changes | {"id": entry["id"]}
        return self.nas.schedules[number]

    def _unschedule(self, number: str) -> bool:
        self._schedule_by_id(number)
        with self.nas.change():
            del self.nas.schedules[number]
        return True

    def _testable(self) -> list[Drive]:
        return [drive for drive in self.nas.present() if self._disk(drive, False)["togglesmart"]]

    def _disk_choices(self, full_disk: Any) -> dict[str, Any]:
        return {
            drive.identifier: self._disk(drive, False) if full_disk else drive.name
            for drive in self._testable()
        }

    def _manual_test(self, body: Any) -> list[dict[str, Any]]:
        if not isinstance(body, list):
            raise invalid("disks", "Not a list")
        if not body:
            raise invalid("disks", "Please specify at least one disk.")
        known = {drive.identifier for drive in self._testable()}
        wrong: dict[str, Any] = {}
        for index, entry in enumerate(body):
            entry = _dict(entry)
            for name in ("identifier", "type"):
                if name not in entry:
                    wrong |= _wrong(f"disks.{index}.{name}", "attribute required")
            if entry.get("type", "LONG") not in smart.SECONDS:
                wrong |= _wrong(f"disks.{index}.type", f"Invalid choice: {entry['type']}")
            if entry.get("mode", "BACKGROUND") not in ("BACKGROUND", "FOREGROUND"):
                wrong |= _wrong(f"disks.{index}.mode", f"Invalid choice: {entry['mode']}")
            identifier = entry.get("identifier")
            if identifier is not None and identifier not in known:
                words = f"{identifier} is not valid. Please provide a valid disk identifier."
                wrong |= _wrong(f"disks.{index}.identifier", words)
        if wrong:
            raise Refused(422, wrong)  # the whole call: nothing was started
        return [self._start_test(entry) for entry in body]

    def _start_test(self, entry: dict[str, Any]) -> dict[str, Any]:
        now, speed = time.time(), self.nas.speed
        with self.nas.change():
            drive = self.nas.drive(identifier=entry["identifier"])
            assert drive is not None
            error = smart.start(drive, entry["type"], now, speed)
        answer: dict[str, Any] = {"disk": drive.name, "identifier": drive.identifier}
        if error:
            return answer | {"error": error}
        argument = answer | {"type": entry["type"], "mode": entry.get("mode", "BACKGROUND")}
        job = self.jobs.add(drive.key, argument, now, smart.SECONDS[entry["type"]] / speed, speed)
        return answer | {"expected_result_time": ejson(job.expected), "job": job.id}

    def _results(self, wanted: tuple[Any, Any]) -> Any:
        now = time.time()
        rows = [smart.results(drive, now) for drive in self.nas.present()]
        return filters.apply(rows, *wanted)


def _filters(query: list[tuple[str, str]], body: Any) -> tuple[Any, Any]:
    """The body is read only where the query string gave nothing."""
    chosen, options = filters.of_query_string(query)
    if not chosen and not options and isinstance(body, dict):
        return body.get("query-filters", []), body.get("query-options", {})
    return chosen, options
