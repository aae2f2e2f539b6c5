"""The NAS's memory: drives, surface runs and what else must outlive a kill -9, in one file
DATA/state.json.

Everything that moves is a function of the clock, so the file changes only when somebody acts. It
has two writers, the mock and the smartctl stand-in that a host's processes call; each change is
made under a lock, on what the file says then, and replaces the file whole. API jobs live in memory
only: the middleware loses them at each restart.
"""

from __future__ import annotations

import fcntl
import json
import os
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from . import media, smart, surface
from .drives import BOOT_POOL, Drive, catalogue, others
from .surface import Run

#: What state.json has just as it is here.
PLAIN = (
    "speed", "names", "machine", "system", "kinds", "boot_id", "booted", "schedules", "roots",
    "offline_pools", "exported_pools", "flips", "revoked_keys",
)  # fmt: skip


class Nas:
    """One NAS, as its data folder has it.

    Attributes:
        data: folder of the state; also holds the host's home, bin and volatile folder.
        media: folder of the file-backed drives, or None for the fifteen simulated ones.
        speed: how many simulated seconds pass in a real one.
        names: "sd" or "core".
        machine: which of several it is: each has drives of its own.
        system: of the host: "FreeBSD" or "Linux".
        smartctl: its version there.
        kinds: of the drives beside the fifteen, see drives.KINDS.
        boot_id, booted: of the host; kept over kill -9, new after a power off or a reboot.
        drives: by key; vanished ones too.
        runs: simulated surface runs, by state folder.
        schedules: recurring self-tests (smart.test.query), by id.
        roots: state folders of the agent that its callers have named.
        offline_pools: names of pools that are there, but can't be opened.
        exported_pools: names of pools that this NAS has exported: only their disks tell of them.
        flips: bits still to be flipped in file-backed drives: {key, at_fraction}.
        revoked_keys: digests of API keys that came in clear from another machine.
        lock: held by a thread while it looks at the drives, so that no other exchanges them.
    """

    def __init__(self, data: Path) -> None:
        self.data = data.resolve()
        self.media: Path | None = None
        self.speed = 1.0
        self.names = "sd"
        self.machine = ""
        self.system = "FreeBSD"
        self.smartctl = (7, 4)
        self.kinds: list[str] = []
        self.boot_id = ""
        self.booted = 0.0
        self.drives: dict[str, Drive] = {}
        self.runs: dict[str, Run] = {}
        self.schedules: dict[str, dict[str, Any]] = {}
        self.roots: list[str] = []
        self.offline_pools: list[str] = []
        self.exported_pools: list[str] = []
        self.revoked_keys: list[str] = []
        self.flips: list[dict[str, Any]] = []
        self.lock = threading.RLock()
        self._version: tuple[int, int] | None = None
        self.read()

    @property
    def _file(self) -> Path:
        return self.data / "state.json"

    def read(self) -> None:
        """Takes up what another process has written since, and which media there are now."""
        with self.lock:
            self._read()

    def _read(self) -> None:
        try:
            status = self._file.stat()
        except FileNotFoundError:
            return
        version = (status.st_ino, status.st_mtime_ns)
        if version != self._version:
            state = json.loads(self._file.read_bytes())
            self.media = Path(state["media"]) if state["media"] else None
            for name in PLAIN:
                setattr(self, name, state.get(name, getattr(self, name)))
            major, minor = state.get("smartctl", self.smartctl)
            self.smartctl = (major, minor)
            self.drives = {drive["key"]: Drive.from_json(drive) for drive in state["drives"]}
            self.runs = {run["state_dir"]: Run(**run) for run in state["runs"]}
            self._version = version
        if self.media:
            self.drives = media.drives(self.media, self.drives, time.time())
        for run in self.runs.values():
            drive = self.drives.get(run.drive_key)
            fails = run.bad_step is not None
            if drive and fails and surface.at(run, time.time()).verdict == "failed":
                drive.bad_sectors = max(8, run.max_bad_sectors)

    @contextmanager
    def change(self) -> Iterator[Nas]:
        """Everything changed on the NAS inside of this block is in the file after it."""
        with self.lock, (self.data / "state.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.read()
            yield self
            self._write()

    def _write(self) -> None:
        state = {
            "format": 1,
            "media": str(self.media) if self.media else None,
            "smartctl": self.smartctl,
            **{name: getattr(self, name) for name in PLAIN},
            "drives": [drive.to_json() for drive in self.drives.values()],
            "runs": [asdict(run) for run in self.runs.values()],
        }
        temporary = self._file.with_name(f"state.json.{os.getpid()}")
        temporary.write_text(json.dumps(state, indent=1))
        temporary.replace(self._file)
        status = self._file.stat()
        self._version = (status.st_ino, status.st_mtime_ns)

    def power_on(
        self,
        speed: float,
        names: str,
        media_folder: Path | None,
        system: str = "FreeBSD",
        smartctl: tuple[int, int] = (7, 4),
        kinds: Sequence[str] = (),
        machine: str = "",
    ) -> None:
        """Takes up the state of the data folder, or makes a new one.

        Args: as the attributes; speed counts for what is started from now on, kinds, names and
            machine for drives that are made now.
        """
        with self.change():
            self.speed, self.names, self.system = speed, names, system
            self.smartctl, self.kinds, self.machine = smartctl, list(kinds), machine
            self.media = media_folder.resolve() if media_folder else None
            if not self.boot_id:
                self.boot()
            if not self.media and not self.drives:
                self.drives = self._new_drives()
        self.read()

    def _new_drives(self) -> dict[str, Drive]:
        now = time.time()
        return catalogue(self.names, now, self.machine) | others(
            self.kinds, self.names, now, self.machine
        )

    def boot(self) -> None:
        self.boot_id, self.booted = str(uuid.uuid4()), time.time()

    def lose_power(self) -> None:
        """What an end of power does to drives and runs: self-tests are interrupted, runs die at
        their checkpoint."""
        now = time.time()
        for drive in self.drives.values():
            if test := smart.current(drive, now):
                test.end(now, smart.RESET)
        for run in self.runs.values():
            surface.die(run, now)
        self.boot_id = ""

    def reset(self) -> None:
        """Back to new drives and no runs; file-backed drives keep their files, and lose their
        history."""
        self.runs, self.schedules, self.flips = {}, {}, []
        self.offline_pools, self.exported_pools, self.revoked_keys = [], [], []
        self.drives = {} if self.media else self._new_drives()

    def present(self) -> list[Drive]:
        """The drives that can be seen now, in the order in which they were made."""
        return [drive for drive in self.drives.values() if not drive.vanished]

    def drive(self, **wanted: str) -> Drive | None:
        """The present drive with that name, path, serial or identifier: `drive(name="sda")`."""
        for drive in self.present():
            if all(getattr(drive, name) == value for name, value in wanted.items()):
                return drive
        return None

    def busy(self, drive: Drive, now: float) -> bool:
        """Whether a self-test or a simulated surface run keeps it warm."""
        working = any(
            run.drive_key == drive.key and surface.at(run, now).working
            for run in self.runs.values()
        )
        return working or smart.current(drive, now) is not None

    def temperature(self, drive: Drive) -> int:
        now = time.time()
        return drive.temperature(now, self.speed, self.busy(drive, now))

    def boot_disks(self) -> list[str]:
        """Names of the boot pool's disks: one beside the drives, and those that /debug put into
        that pool."""
        own = "nvme0n1" if self.names == "sd" else "nvd0"
        return [own, *(drive.name for drive in self.present() if drive.pool == BOOT_POOL)]
