"""system.* and alert.list: what this NAS is, and what it worries about."""

from __future__ import annotations

import hashlib
import time
from typing import Any

from . import filters, smart
from .clock import ejson
from .methods import FILTERS, OPTIONS, Method
from .nas import Nas
from .releases import Release

HOSTNAME = "truenas.local"
BUILT = 1_700_000_000


class System:
    """
    Attributes:
        rest_used: somebody has called REST since the middleware's start.
    """

    def __init__(self, nas: Nas, release: Release) -> None:
        self.nas, self.release = nas, release
        self.rest_used = False

    def methods(self) -> list[Method]:
        version = self.release.version
        return [
            Method("system.version", lambda: version),
            Method("system.version_short", lambda: version.rpartition("-")[2]
                   if self.release.number != "26" else version.removeprefix("TrueNAS-"),
                   since="22.12.1"),
            Method("system.product_type", lambda: self.release.product_type, no_auth=True),
            Method("system.is_freenas", lambda: self.release.system == "FreeBSD", until="24.04",
                   no_auth=True),
            Method("system.ready", lambda: True),
            Method("system.state", lambda: "READY"),
            Method("system.info", self._info),
            Method("system.boot_id", lambda: self.nas.boot_id),
            Method("system.host_id", lambda: hashlib.sha256(HOSTNAME.encode()).hexdigest()),
            Method("alert.list", self.alerts),
            Method("service.query", self._services, (FILTERS, OPTIONS)),
        ]  # fmt: skip

    def _info(self) -> dict[str, Any]:
        uptime = time.time() - self.nas.booted
        found = {
            "version": self.release.version,
            "buildtime": ejson(BUILT),
            "hostname": HOSTNAME,
            "physmem": 34_273_755_136,
            "model": "Intel(R) Xeon(R) CPU E3-1230 v5 @ 3.40GHz",
            "cores": 8,
            "physical_cores": 4,
            "loadavg": [0.4, 0.3, 0.3],
            "uptime": f"{uptime:.0f} seconds",
            "uptime_seconds": uptime,
            "system_serial": "MOCK",
            "system_product": "MOCK",
            "system_product_version": None,
            "license": None,
            "boottime": ejson(self.nas.booted),
            "datetime": ejson(time.time()),
            "birthday": None,
            "timezone": "Etc/UTC",
            "system_manufacturer": "MOCK",
            "ecc_memory": True,
        }
        if not self.release.has("22.12.1"):
            del found["physical_cores"]
        if self.release.has("24.10"):
            del found["birthday"]
        return found

    def _services(self, chosen: Any, options: Any) -> Any:
        names = ["ssh", "cifs", "nfs", *(["smartd"] if self.release.has("12.0", "25.04") else [])]
        rows = [
            {
                "id": number,
                "service": name,
                "enable": name in ("ssh", "smartd"),
                "state": "RUNNING" if name in ("ssh", "smartd") else "STOPPED",
                "pids": [1000 + number] if name in ("ssh", "smartd") else [],
            }
            for number, name in enumerate(names, 1)
        ]
        return filters.apply(self.release, rows, chosen, options)

    # --- alerts -------------------------------------------------------------------------------
    def alerts(self) -> list[dict[str, Any]]:
        """Failed self-tests, revoked keys, and REST where it is on its way out."""
        now, found = time.time(), []
        for drive in self.nas.present():
            bad = [test for test in drive.tests if test.status(now)[0] == smart.READ_FAILURE]
            if bad and self.release.has("25.10"):
                text = f"Disk {drive.name} ({drive.serial}) failed a SMART self-test."
                arguments = {"device": drive.name, "serial": drive.serial}
                found.append(self._alert("SMARTFailedSelfTest", arguments, text, bad[-1].ends))
            elif bad:
                message = f"Self-Test Log error count increased from 0 to {len(bad)}"
                text = f"Device: /dev/{drive.name}, {message}."
                arguments = {"device": f"/dev/{drive.name}", "message": message}
                found.append(self._alert("SMART", arguments, text, bad[-1].ends))
        if self.nas.revoked_keys:
            text = "API key has been revoked: it was used over an insecure transport."
            found.append(self._alert("ApiKeyRevoked", {}, text, self.nas.booted))
        if self.rest_used and self.release.rest_alert:
            text = "The deprecated REST API was used to authenticate in the last 24 hours."
            found.append(self._alert("RESTAPIUsage", {}, text, self.nas.booted))
        return found

    def _alert(self, klass: str, arguments: dict[str, Any], text: str, at: float) -> dict[str, Any]:
        key = hashlib.sha256(f"{klass} {text}".encode()).hexdigest()
        return {
            "uuid": f"{key[:8]}-{key[8:12]}-{key[12:16]}-{key[16:20]}-{key[20:32]}",
            "source": "" if klass == "SMART" else klass,
            "klass": klass,
            "args": arguments,
            "node": "Controller A" if self.release.system == "FreeBSD" else "A",
            "key": key,
            "datetime": ejson(at),
            "last_occurrence": ejson(at),
            "dismissed": False,
            "mail": None,
            "text": text,
            "id": key,
            "level": "CRITICAL" if klass.startswith("SMART") else "WARNING",
            "formatted": text,
            "one_shot": klass == "SMART",
        }
