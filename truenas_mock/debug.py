"""/debug of the mock: look at it, reset it, and let things go wrong. Not a part of TrueNAS.

GET  state
POST reset, complete-all-jobs, reboot
POST restart-middleware {"seconds"}: jobs and sessions are lost, nginx shows its 502 meanwhile
POST network          {"far", "redirects"}: callers are taken to be on another machine, which
                      revokes a key that comes in clear; plain http is sent on to https
POST fault            {"where": "api"|"ssh", "what": …, "path", "times", "seconds"}, see faults;
                      {} takes all away
POST drive/NAME       {"pool", "vdev", "serial", "lunid", "rename", "vanished", "temperature",
                      "fail", "use", "refuses", "mute", "interrupt"}, any of them; "refuses"
                      self-tests from now on; "mute": smartctl hangs on it; "interrupt" is a reset,
                      which ends a self-test; "use" is what the host's probe finds:
                      [{"fact", "state", "detail"}]
POST pool/NAME        {"offline", "exported"}
POST flip-bit         {"name", "at_fraction"}: when a run is about to verify it (see flips);
                      with "now": true at once
"""

from __future__ import annotations

import time
from typing import Any

from . import flips, heads, host, media, smart, surface
from .clock import iso
from .drives import Drive
from .faults import Faults
from .middleware import Middleware
from .nas import Nas
from .shell import Shell


class Debug:
    """Its one way in is `call`. ValueError, TypeError and LookupError say what was wrong. `shell`
    is None where nobody serves SSH."""

    def __init__(
        self, nas: Nas, middleware: Middleware, faults: Faults, shell: Shell | None = None
    ) -> None:
        self.nas, self.middleware, self.faults, self.shell = nas, middleware, faults, shell

    def call(self, method: str, what: str, body: dict[str, Any]) -> Any:
        if not isinstance(body, dict):
            raise TypeError("the body must be an object")
        name, _, rest = what.partition("/")
        self.nas.read()
        match method, name:
            case "GET", "state":
                return self._state()
            case "POST", "reset":
                self._reset()
            case "POST", "complete-all-jobs":
                self._complete_all()
            case "POST", "reboot":
                self._reboot()
            case "POST", "fault":
                if body:
                    self.faults.add(body)
                else:
                    self.faults.clear()
                self._follow_faults()
            case "POST", "drive":
                self._change(rest, **body)
            case "POST", "pool":
                self._change_pool(rest, **body)
            case "POST", "restart-middleware":
                self.middleware.restart(float(body.get("seconds", 0)))
            case "POST", "network":
                self._change_network(**body)
            case "POST", "flip-bit":
                self._flip(str(body["name"]), float(body["at_fraction"]), bool(body.get("now")))
            case _:
                raise LookupError(f"there is no {method} /debug/{what}")
        return {"done": True}

    def _state(self) -> dict[str, Any]:
        now = time.time()
        return {
            "version": self.middleware.release.version,
            "boot_id": self.nas.boot_id,
            "speed": self.nas.speed,
            "drives": [
                drive.to_json() | {"name": drive.name} for drive in self.nas.drives.values()
            ],
            "runs": [heads.head(run, now) for run in self.nas.runs.values()],
            "jobs": self._jobs(now),
            "faults": self.faults.to_json(),
            "flips": self.nas.flips,
            "host_processes": host.processes(self.nas),
        }

    def _jobs(self, now: float) -> list[dict[str, Any]]:
        with self.nas.lock:
            return self.middleware.jobs.listed(now)

    def _reset(self) -> None:
        self.faults.clear()
        self._follow_faults()
        self._change_network(far=False, redirects=False)
        self.middleware.restart(0)
        with self.nas.change():
            self.nas.reset()
        self.nas.read()

    def _follow_faults(self) -> None:
        if self.shell:
            self.shell.follow_faults()

    def _complete_all(self) -> None:
        now = time.time()
        with self.nas.change():
            for drive in self.nas.drives.values():
                if test := smart.current(drive, now):
                    test.end(now, smart.COMPLETED)
            for run in self.nas.runs.values():
                surface.finish(run, now)
            self.middleware.jobs.look_at_once(time.time())

    def _reboot(self) -> None:
        if self.shell:
            self.shell.hang_up()
        with self.nas.change():
            self.nas.lose_power()
            host.kill_all(self.nas)
            self.nas.boot()
        self.middleware.restart(0)

    def _change_network(self, far: bool | None = None, redirects: bool | None = None) -> None:
        accounts = self.middleware.accounts
        accounts.far = accounts.far if far is None else far
        accounts.redirects = accounts.redirects if redirects is None else redirects

    def _change_pool(
        self, name: str, offline: bool | None = None, exported: bool | None = None
    ) -> None:
        with self.nas.change():
            for wanted, known in ((offline, "offline_pools"), (exported, "exported_pools")):
                others = [one for one in getattr(self.nas, known) if one != name]
                if wanted is not None:
                    setattr(self.nas, known, others + [name] * wanted)

    def _drive(self, name: str) -> Drive:
        for drive in self.nas.drives.values():
            if name in (drive.name, drive.key):
                return drive
        raise LookupError(f"there is no drive {name}")

    def _change(
        self,
        name: str,
        pool: str | None | bool = False,
        vdev: str | None = None,
        serial: str | None = None,
        lunid: str | None = None,
        rename: str | None = None,
        vanished: bool | None = None,
        temperature: float | None | bool = False,
        fail: bool | None = None,
        refuses: bool | None = None,
        mute: bool | None = None,
        interrupt: bool = False,
        use: list[dict[str, str]] | None = None,
    ) -> None:
        if use is not None and not all(set(one) == {"fact", "state", "detail"} for one in use):
            raise ValueError("use is a list of {fact, state, detail}")
        key = self._drive(name).key
        with self.nas.change():
            drive = self.nas.drives[key]
            folder = self.nas.media
            if temperature is not False:
                drive.temperature_set = temperature
            if fail is not None:
                drive.fail = fail
            if refuses is not None:
                drive.refuses = refuses
            if mute is not None:
                drive.mute = mute
            if interrupt:
                smart.interrupt(drive, time.time())
            if folder is None:
                if pool is not False:
                    drive.pool = str(pool) if pool else None
                drive.vdev = vdev or ("data" if pool is not False else drive.vdev)
                drive.serial = drive.serial if serial is None else serial
                drive.lunid = lunid or drive.lunid
                drive.name = rename or drive.name
                drive.use = drive.use if use is None else use
                if vanished is not None:
                    self._vanish(drive, vanished)
                return
            facts: dict[str, Any] = {}
            if pool is not False or use is not None:
                member = drive.pool if pool is False else str(pool) if pool else None
                others = [one for one in drive.use if not media.is_member(one)]
                facts["use"] = media.pool_use(member) + (others if use is None else use)
            facts |= {"serial": serial} if serial else {}
            facts |= {"name": rename} if rename else {}
            if facts:
                media.change(folder, key, **facts)
            if vanished is not None:
                media.vanish(folder, key, vanished)
        self.nas.read()

    def _vanish(self, drive: Drive, gone: bool) -> None:
        """A simulated drive goes or comes back; its run waits for it, as the agent's would."""
        now = time.time()
        drive.vanished = gone
        waiting = {"by": "state", "reason": "the device is gone"}
        for run in self.nas.runs.values():
            if run.drive_key != drive.key or surface.at(run, now).verdict:
                continue
            if gone and not run.paused:
                surface.settle(run, now, "vanished")
                run.paused = {**waiting, "since": iso(now)}
            elif not gone and run.paused and run.paused["by"] == "state":
                surface.settle(run, now, "returned")
                run.paused = None

    def _flip(self, name: str, at_fraction: float, at_once: bool) -> None:
        key = self._drive(name).key
        if not self.nas.media:
            raise ValueError("only file-backed drives have bits")
        if not 0 <= at_fraction < 1:
            raise ValueError("at_fraction must be at least 0 and less than 1")
        if at_once:
            flips.now(self.nas, key, at_fraction)
            return
        with self.nas.change():
            self.nas.flips = [*self.nas.flips, {"key": key, "at_fraction": at_fraction}]
