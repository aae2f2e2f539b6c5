"""smart.test.results as each release tells it: from smartctl's text up to 24.10, from its JSON in
25.04, each with its own holes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import smart
from .drives import Drive
from .releases import Release
from .smart import SelfTest

ABORTED = {
    "Aborted by host",
    "Interrupted (host reset)",
    "Aborted (by user command)",
    "Aborted (device reset ?)",
}
#: What smartctl writes of each end of a test for SCSI and NVMe.
SCSI = {
    smart.COMPLETED: "Completed",
    smart.ABORTED: "Aborted (by user command)",
    smart.RESET: "Aborted (device reset ?)",
    smart.READ_FAILURE: "Completed, segment failed",
    smart.RUNNING: "Self test in progress ...",
}
NVME = {
    smart.COMPLETED: "Completed without error",
    smart.ABORTED: "Aborted: Self-test command",
    smart.RESET: "Aborted: Controller Reset",
    smart.READ_FAILURE: "Completed: failed segments",
}


def entry(release: Release, drive: Drive, now: float) -> dict[str, Any]:
    """{tests, current_test} of one disk; 12.0 has no current_test."""
    tell: Callable[..., dict[str, Any]] = {"ata": _ata, "scsi": _scsi, "nvme": _nvme}[
        drive.protocol
    ]
    log = [test for test in reversed(drive.tests) if _is_logged(drive, test, now)]
    first = 0 if release.results == "json" or drive.protocol == "nvme" else 1
    tests = []
    for num, test in enumerate(log, first):
        one = {"num": num} | tell(release, drive, test, now)
        if release.results == "json":
            one["power_on_hours_ago"] = smart.power_on_hours(drive, now) - test.hours
        tests.append(one)
    if release.results == "tests":
        return {"tests": tests}
    percent = progress(release, drive, now)
    return {"tests": tests, "current_test": None if percent is None else {"progress": percent}}


def progress(release: Release, drive: Drive, now: float) -> int | None:
    """Percent done of the test that this release believes to run, or None."""
    running = smart.current(drive, now)
    if release.results == "json" and drive.protocol == "ata":
        # Of the newest entry in the log, whatever became of it: after an abort it stays.
        log = [test for test in drive.tests if _is_logged(drive, test, now)]
        remaining = log[-1].status(now)[1] if log else 0
        return 100 - remaining if remaining else None
    if running is None or (drive.protocol == "nvme" and not release.nvme_tests):
        return None
    if drive.protocol == "scsi":
        # No percentage is printed. 22.12 takes the words for 0 %; CORE sees nothing, and 25.04
        # looks in the wrong place.
        return 0 if release.results == "disk" else None
    return 100 - running.status(now)[1]


def status(release: Release, drive: Drive, verbose: str) -> str:
    """SUCCESS, RUNNING, FAILED, and ABORTED where the release knows it."""
    if verbose in ("Completed without error", "Completed"):
        return "SUCCESS"
    if verbose in (smart.RUNNING, SCSI[smart.RUNNING]):
        return "RUNNING"
    aborted = verbose in ABORTED or (drive.protocol == "nvme" and verbose.startswith("Aborted:"))
    return "ABORTED" if aborted and release.tells_aborted else "FAILED"


def _is_logged(drive: Drive, test: SelfTest, now: float) -> bool:
    """NVMe drives log a test at its end, and so do some others."""
    return not test.running(now) or (drive.protocol != "nvme" and not drive.logs_late)


def _ata(release: Release, drive: Drive, test: SelfTest, now: float) -> dict[str, Any]:
    verbose, remaining = test.status(now)
    lba: Any = smart.bad_lba(drive) if verbose == smart.READ_FAILURE else None
    if lba is not None and release.results != "json":
        lba = str(lba)
    return {
        "description": smart.DESCRIPTIONS[test.kind][1],
        "status": status(release, drive, verbose),
        "status_verbose": verbose,
        "remaining": remaining / 100,
        "lifetime": test.hours,
        "lba_of_first_error": lba,
    }


def _scsi(release: Release, drive: Drive, test: SelfTest, now: float) -> dict[str, Any]:
    outcome = test.status(now)[0]
    failed = outcome == smart.READ_FAILURE
    return {
        "description": "Background short" if test.kind == "SHORT" else "Background long",
        "status": status(release, drive, SCSI[outcome]),
        "status_verbose": SCSI[outcome],
        "segment_number": 2 if failed else None,
        "lifetime": None if outcome == smart.RUNNING else test.hours,
        "lba_of_first_error": _lba(release, drive) if failed else None,
    }


def _nvme(release: Release, drive: Drive, test: SelfTest, now: float) -> dict[str, Any]:
    outcome = test.status(now)[0]
    failed = outcome == smart.READ_FAILURE
    as_json = release.results == "json"
    return {
        "description": "Short" if test.kind == "SHORT" else "Extended",
        "status": status(release, drive, NVME[outcome]),
        "status_verbose": NVME[outcome],
        "power_on_hours": test.hours,
        "failing_lba": smart.bad_lba(drive) if failed else None,
        "nsid": 1 if failed else None,
        "seg": 2 if failed else None,
        "sct": 2 if failed and as_json else 0 if as_json else "0x2" if failed else "0x0",
        "code": 0x81 if failed and as_json else 0 if as_json else "0x81" if failed else "0x00",
    }


def _lba(release: Release, drive: Drive) -> Any:
    return smart.bad_lba(drive) if release.results == "json" else str(smart.bad_lba(drive))
