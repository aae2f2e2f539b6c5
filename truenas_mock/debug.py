"""/debug of the mock: look at it, reset it, and let things go wrong. Not a part of TrueNAS.

GET  state
POST reset, complete-all-jobs, reboot
POST fault            {"where": "api"|"ssh", "what": …, "path", "times", "seconds"}, see faults;
                      {} takes all away
POST drive/NAME       {"pool", "serial", "rename", "vanished", "temperature", "fail", "use"}, any of
                      them; "use" is what the host's probe finds: [{"fact", "state", "detail"}]
POST pool/NAME        {"offline"}
POST flip-bit         {"name", "at_fraction"}: when a run is about to verify it (see flips);
                      with "now": true at once
"""

from __future__ import annotations

import time
from typing import Any

from . import flips, host, media, smart, surface
from .api import Api
from .clock import iso
from .drives import Drive
from .faults import Faults
from .nas import Nas
from .shell import Shell


class Debug:
    """Its one way in is `call`. ValueError, TypeError and LookupError say what was wrong."""

    def __init__(self, nas: Nas, api: Api, faults: Faults, shell: Shell) -> None:
        self.nas, self.api, self.faults, self.shell = nas, api, faults, shell

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
                self.shell.follow_faults()
            case "POST", "drive":
                self._change(rest, **body)
            case "POST", "pool":
                with self.nas.change():
                    others = [name for name in self.nas.offline_pools if name != rest]
                    self.nas.offline_pools = others + [rest] * bool(body["offline"])
            case "POST", "flip-bit":
                self._flip(str(body["name"]), float(body["at_fraction"]), bool(body.get("now")))
            case _:
                raise LookupError(f"there is no {method} /debug/{what}")
        return {"done": True}

    def _state(self) -> dict[str, Any]:
        now = time.time()
        return {
            "version": self.api.release.version,
            "boot_id": self.nas.boot_id,
            "speed": self.nas.speed,
            "drives": [
                drive.to_json() | {"name": drive.name} for drive in self.nas.drives.values()
            ],
            "runs": [surface.head(run, now) for run in self.nas.runs.values()],
            "jobs": self.api.jobs.listed(self.nas, now),
            "faults": self.faults.to_json(),
            "flips": self.nas.flips,
            "host_processes": host.processes(self.nas),
        }

    def _reset(self) -> None:
        self.faults.clear()
        self.shell.follow_faults()
        self.api.jobs.lose()
        self.api.forget_temperatures()
        with self.nas.change():
            self.nas.reset()
        self.nas.read()

    def _complete_all(self) -> None:
        now = time.time()
        with self.nas.change():
            for drive in self.nas.drives.values():
                if test := smart.current(drive, now):
                    test.end(now, smart.COMPLETED)
            for run in self.nas.runs.values():
                surface.finish(run, now)
            self.api.jobs.look_at_once(self.nas, time.time())

    def _reboot(self) -> None:
        self.shell.hang_up()
        with self.nas.change():
            self.nas.lose_power()
            host.kill_all(self.nas)
            self.nas.boot()
        self.api.jobs.lose()
        self.api.forget_temperatures()

    def _drive(self, name: str) -> Drive:
        for drive in self.nas.drives.values():
            if name in (drive.name, drive.key):
                return drive
        raise LookupError(f"there is no drive {name}")

    def _change(
        self,
        name: str,
        pool: str | None | bool = False,
        serial: str | None = None,
        rename: str | None = None,
        vanished: bool | None = None,
        temperature: float | None | bool = False,
        fail: bool | None = None,
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
            if folder is None:
                if pool is not False:
                    drive.pool = str(pool) if pool else None
                drive.serial = serial or drive.serial
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
