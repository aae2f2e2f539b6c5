"""smart.*: starting self-tests, waiting for them, their results. Gone from 25.10 on."""

from __future__ import annotations

import errno
import time
from typing import Any

from . import filters, results, smart, smartctl
from .clock import ejson
from .disks import Disks
from .drives import Drive
from .errors import Invalid, invalid
from .jobs import Jobs, TestWait
from .methods import FILTERS, OPTIONS, Method, needs, takes
from .nas import Nas
from .releases import Release

LAST = "25.04"
#: What says of a disk how it is to be tested, and the choices.
RUN: dict[str, tuple[str, ...]] = {
    "identifier": (),
    "mode": ("FOREGROUND", "BACKGROUND"),
    "type": tuple(smart.SECONDS),
}
EVERY_HOUR = {"hour": "*", "dom": "*", "month": "*", "dow": "*"}


class SelfTests:
    def __init__(self, nas: Nas, release: Release, jobs: Jobs, disks: Disks) -> None:
        self.nas, self.release, self.jobs, self.disks = nas, release, jobs, disks

    def methods(self) -> list[Method]:
        number = needs("id", int)
        return [
            Method("smart.config", self._config, until=LAST),
            Method("smart.test.query", self._schedules, (FILTERS, OPTIONS), until=LAST),
            Method("smart.test.get_instance", self._schedule, (number, OPTIONS), until=LAST),
            Method("smart.test.query_for_disk", self._schedules_of, (needs("disk", str),),
                   since="22.12.1", until=LAST),
            Method("smart.test.create", self._create, (needs("smart_test_create", dict),),
                   until=LAST, changes=True),
            Method("smart.test.update", self._update, (number, needs("smart_test_update", dict)),
                   until=LAST, item=True, changes=True),
            Method("smart.test.delete", self._delete, (number,), until=LAST, item=True,
                   changes=True),
            Method("smart.test.manual_test", self._manual_test, (needs("disks", list),),
                   until=LAST, changes=True),
            Method("smart.test.abort", self._abort, (needs("disk", str),), since="24.10",
                   until=LAST, changes=True),
            Method("smart.test.disk_choices", self._choices, (takes("full_disk", False, bool),),
                   until=LAST),
            Method("smart.test.results", self._results, (FILTERS, OPTIONS), until=LAST),
        ]  # fmt: skip

    def _config(self) -> dict[str, Any]:
        """The settings of smartd: nothing about the health of a drive."""
        return {
            "interval": 30,
            "powermode": "NEVER",
            "difference": 0,
            "informational": 0,
            "critical": 0,
            "id": 1,
        }

    # --- schedules ----------------------------------------------------------------------------
    def _schedules(self, chosen: Any, options: Any) -> Any:
        return filters.apply(self.release, list(self.nas.schedules.values()), chosen, options)

    def _schedule(self, number: int, options: Any) -> Any:
        return self._schedules([["id", "=", number]], {**options, "get": True})

    def _schedules_of(self, name: str) -> list[dict[str, Any]]:
        drive = self.nas.drive(name=name)
        return [
            one
            for one in self.nas.schedules.values()
            if drive and (one["all_disks"] or drive.identifier in one["disks"])
        ]

    def _create(self, body: dict[str, Any]) -> dict[str, Any]:
        """A recurring test. Without a schedule it is every hour, for ever."""
        disks = body.get("disks", [])
        if not isinstance(disks, list):
            raise invalid("smart_test_create.disks", "Not a list")
        wrong = [disk for disk in disks if self.nas.drive(identifier=disk) is None]
        if wrong:
            words = f"The following disks are invalid: {', '.join(map(str, wrong))}"
            raise invalid("smart_test_create.disks", words)
        if body.get("type") not in smart.SECONDS:
            raise invalid("smart_test_create.type", "Invalid choice")
        with self.nas.change():
            number = max((int(one) for one in self.nas.schedules), default=0) + 1
            entry = {
                "id": number,
                "schedule": EVERY_HOUR | (body.get("schedule") or {}),
                "desc": body.get("desc", ""),
                "all_disks": bool(body.get("all_disks", False)),
                "disks": disks,
                "type": body["type"],
            }
            self.nas.schedules[str(number)] = entry
        return entry

    def _update(self, number: int, body: dict[str, Any]) -> dict[str, Any]:
        entry: dict[str, Any] = self._schedule(number, {})
        changes = {name: value for name, value in body.items() if name in entry}
        with self.nas.change():
            self.nas.schedules[str(number)] = entry | changes | {"id": entry["id"]}
        return self.nas.schedules[str(number)]

    def _delete(self, number: int) -> bool:
        self._schedule(number, {})
        with self.nas.change():
            del self.nas.schedules[str(number)]
        return True

    # --- one test -----------------------------------------------------------------------------
    def _testable(self) -> list[Drive]:
        """NVMe only where the release can test it; on CORE only what smartd watches."""
        return [
            drive
            for drive in self.nas.present()
            if (drive.protocol != "nvme" or self.release.nvme_tests)
            and drive.settings.get("togglesmart", True)
        ]

    def _choices(self, full_disk: bool) -> dict[str, Any]:
        return {
            drive.identifier: self.disks.entry(drive) if full_disk else drive.name
            for drive in self._testable()
        }

    def _manual_test(self, disks: list[Any]) -> list[dict[str, Any]]:
        if not disks:
            raise invalid("disks", "Please specify at least one disk.")
        for index, entry in enumerate(disks):
            if words := self._malformed(entry):
                told = f"Item#{index} is not valid per list types: {words}"
                raise invalid("disks", told)
        testable = {one.identifier for one in self._testable()}
        wrong = [
            (f"disks.{index}.identifier", self._why_not(entry["identifier"]), errno.EINVAL)
            for index, entry in enumerate(disks)
            if entry["identifier"] not in testable
        ]
        if wrong:
            raise Invalid(wrong)  # the whole call: nothing was started
        return [self._start(entry) for entry in disks]

    def _malformed(self, entry: Any) -> str:
        """What the schema finds: CORE the first, SCALE all of one disk."""
        if not isinstance(entry, dict):
            return "[disk_run] A dict was expected"
        found = [(name, "Field was not expected") for name in entry if name not in RUN]
        for name, allowed in RUN.items():
            if name not in entry and name != "mode":
                found.append((name, "attribute required"))
            elif allowed and entry.get(name, "BACKGROUND" if name == "mode" else "") not in allowed:
                found.append((name, f"Invalid choice: {entry[name]}"))
            elif not isinstance(entry.get(name, ""), str):
                found.append((name, "Not a string"))
        if self.release.system == "FreeBSD":
            return "".join(f"[{name}] {words}" for name, words in found[:1])
        return "".join(f"[EINVAL] disk_run.{name}: {words}\n" for name, words in found)

    def _why_not(self, identifier: str) -> str:
        if self.release.error_key and self.nas.drive(identifier=identifier):
            return f"{identifier} does not support S.M.A.R.T test."
        return f"{identifier} is not valid. Please provide a valid disk identifier."

    def _start(self, entry: dict[str, Any]) -> dict[str, Any]:
        """`smartctl -t`. Exit status 4, another test runs, is taken for no exception: the whole of
        what it has said is the error."""
        now, kind = time.time(), entry["type"]
        drive = self.nas.drive(identifier=entry["identifier"])
        assert drive is not None
        had = len(drive.tests)
        answer: dict[str, Any] = {"disk": drive.name, "identifier": drive.identifier}
        status, output = smartctl.run(self.nas, ["-t", kind.lower(), drive.path])
        if status & 3:
            words = f"smartctl failed for disk {drive.name}:\n{output}"
            return answer | {"error": words}
        if status:
            return answer | {"error": output}
        seconds = smart.SECONDS[kind] / self.nas.speed
        job = self._wait(drive, entry, now, seconds, had)
        answer |= {"expected_result_time": ejson(job.expected), "job": job.id}
        return answer | ({"error": None} if self.release.error_key else {})

    def _wait(
        self, drive: Drive, entry: dict[str, Any], now: float, seconds: float, had: int
    ) -> TestWait:
        argument = {
            "disk": drive.name,
            "identifier": drive.identifier,
            "type": entry["type"],
            "mode": entry.get("mode", "BACKGROUND"),
        }
        job = TestWait(
            "smart.test.wait",
            [argument, ejson(now + seconds)],
            now,
            key=drive.key,
            expected=now + seconds,
            interval=max(10 / self.nas.speed, seconds / 100),
            by_clock=self.release.wait == "clock",
            log_was_full=had >= smart.LOG_SIZE,
            progress=lambda one: results.progress(self.release, one, time.time()),
            newest=lambda one: results.entry(self.release, one, time.time())["tests"][0],
        )
        if job.by_clock:
            job.arguments.append(min(had, smart.LOG_SIZE) + 1)
        self.jobs.add(job)
        return job

    def _abort(self, name: str) -> None:
        """`smartctl -X`, and silence, whatever comes of it."""
        drive = self.nas.drive(name=name)
        if drive:
            smartctl.run(self.nas, ["-X", drive.path])

    def _results(self, chosen: Any, options: Any) -> Any:
        extra = options.get("extra") or {}
        now, rows = time.time(), []
        for drive in self.nas.present():
            if drive.protocol == "nvme" and not self.release.nvme_tests:
                continue  # what smartctl says of it has no such log: it is dropped without a word
            if drive.mute:
                continue
            own = self.disks.entry(drive) if self.release.results in ("disk", "json") else {}
            row = own | {"disk": drive.name} | results.entry(self.release, drive, now)
            if extra.get("tests_filter") and own:
                row["tests"] = filters.apply(self.release, row["tests"], extra["tests_filter"], {})
            rows.append(row)
        return filters.apply(self.release, rows, chosen, options)
