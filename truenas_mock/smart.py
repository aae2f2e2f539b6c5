"""Self-tests as a function of the clock, and how smartctl tells of them.

The drive runs the test, not the NAS: nothing here needs the mock to be alive. What the NAS makes of
them is in `results`.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .drives import Drive

TICK_SECONDS = 5
FAILS_AT = 0.3
#: Where on its surface a failing drive is bad. A surface run of two passes finds it at 30 % of its
#: way too.
BAD_PLACE = 0.2
#: How long each type takes, in simulated seconds.
SECONDS = {"SHORT": 90, "LONG": 480, "CONVEYANCE": 120, "OFFLINE": 60}
DESCRIPTIONS = {
    "SHORT": (1, "Short offline"),
    "LONG": (2, "Extended offline"),
    "CONVEYANCE": (3, "Conveyance offline"),
    "OFFLINE": (0, "Offline"),
}
LOG_SIZE = 21

COMPLETED = "Completed without error"
ABORTED = "Aborted by host"
RESET = "Interrupted (host reset)"
READ_FAILURE = "Completed: read failure"
RUNNING = "Self-test routine in progress"
#: The high nibble of ATA's status byte, and what smartctl says of the last test outside of the log.
STATUS = {
    COMPLETED: (0x0, "completed without error", True),
    ABORTED: (0x1, "was aborted by the host", None),
    RESET: (0x2, "was interrupted by the host with a reset", None),
    READ_FAILURE: (0x7, "completed with error (read test element)", False),
    RUNNING: (0xF, "in progress", None),
}

ATTRIBUTES = [
    (5, "Reallocated_Sector_Ct", 51, 10),
    (9, "Power_On_Hours", 50, 0),
    (12, "Power_Cycle_Count", 50, 0),
    (187, "Reported_Uncorrect", 50, 0),
    (188, "Command_Timeout", 50, 0),
    (194, "Temperature_Celsius", 34, 0),
    (197, "Current_Pending_Sector", 18, 0),
    (198, "Offline_Uncorrectable", 16, 0),
    (199, "UDMA_CRC_Error_Count", 62, 0),
]


@dataclass
class SelfTest:
    """One self-test in a drive's log.

    Attributes:
        kind: SHORT, LONG, CONVEYANCE or OFFLINE.
        started: seconds since the epoch.
        seconds: real seconds that it takes when nothing stops it.
        tick: real seconds between two steps of its progress.
        hours: the drive's power-on hours at its start.
        fails: ends with a read failure at FAILS_AT of its way.
        stopped: seconds since the epoch at which somebody ended it, or None.
        outcome: how it was ended then: ABORTED, RESET or COMPLETED.
    """

    kind: str
    started: float
    seconds: float
    tick: float
    hours: int
    fails: bool = False
    stopped: float | None = None
    outcome: str | None = None

    @property
    def ends(self) -> float:
        """Seconds since the epoch at which it is, or will be, over."""
        return self.stopped or self.started + self.seconds * (FAILS_AT if self.fails else 1)

    def running(self, now: float) -> bool:
        return now < self.ends

    def status(self, now: float) -> tuple[str, int]:
        """What the log says of it at `now`: the status text, and the percent remaining in ATA's
        steps of ten."""
        elapsed = min(now, self.ends) - self.started
        done = math.floor(elapsed / self.tick) * self.tick / self.seconds
        remaining = max(10, min(90, math.ceil(10 - 10 * done) * 10))
        if self.running(now):
            return RUNNING, remaining
        if self.stopped:
            return self.outcome or ABORTED, 0 if self.outcome == COMPLETED else remaining
        return (READ_FAILURE, 70) if self.fails else (COMPLETED, 0)

    def end(self, now: float, outcome: str) -> None:
        """Ends it now, if it still runs. Completing one that is bound to fail lets it fail."""
        if self.running(now):
            if outcome == COMPLETED and self.fails:
                self.started = now - self.seconds * FAILS_AT
            else:
                self.stopped, self.outcome = now, outcome


def current(drive: Drive, now: float) -> SelfTest | None:
    """The self-test that this drive runs at `now`."""
    return drive.tests[-1] if drive.tests and drive.tests[-1].running(now) else None


def start(drive: Drive, kind: str, now: float, speed: float) -> str:
    """Starts a test as `smartctl -t` would.

    Returns: an empty string, or smartctl's output when another test is running (exit status 4,
        which the NAS doesn't take for an error).
    """
    if running := current(drive, now):
        return (
            "smartctl 7.4 2023-08-01 r5530 [FreeBSD 13.1-RELEASE-p9 amd64] (local build)\n"
            "Copyright (C) 2002-23, Bruce Allen, Christian Franke, www.smartmontools.org\n\n"
            "Can't start self-test without aborting current test "
            f"({running.status(now)[1]}% remaining),\n"
            "add '-t force' option to override, or run 'smartctl -X' to abort test.\n"
        )
    test = SelfTest(
        kind,
        now,
        SECONDS[kind] / speed,
        TICK_SECONDS / speed,
        power_on_hours(drive, now),
        drive.fail,
    )
    drive.tests = [*drive.tests[1 - LOG_SIZE :], test]
    return ""


def stop(drive: Drive, now: float) -> None:
    """`smartctl -X`: ends the running test, if there is one."""
    if test := current(drive, now):
        test.end(now, ABORTED)


def power_on_hours(drive: Drive, now: float) -> int:
    return drive.hours + int(max(0, now - drive.since) // 3600)


def bad_lba(drive: Drive) -> int:
    """The first bad sector of a drive that fails, on a 4 KiB border."""
    return int(drive.size_bytes * BAD_PLACE) // 4096 * 8


def smartctl_json(drive: Drive, now: float, temperature: int, argv: list[str]) -> dict[str, Any]:
    """The document of `smartctl -j -x PATH` for an ATA drive; smartctl.exit_status is the program's
    exit status."""
    failed = sum(test.status(now)[0] == READ_FAILURE for test in drive.tests)
    exit_status = 128 if failed else 0
    document: dict[str, Any] = {
        "json_format_version": [1, 0],
        "smartctl": {
            "version": [7, 4],
            "pre_release": False,
            "svn_revision": "5530",
            "platform_info": "FreeBSD 13.1-RELEASE-p9 amd64",
            "build_info": "(local build)",
            "argv": argv,
            "drive_database_version": {"string": "7.3/5528"},
            "exit_status": exit_status,
        },
        "local_time": {
            "time_t": int(now),
            "asctime": time.strftime("%a %b %d %H:%M:%S %Y UTC", time.gmtime(now)),
        },
        "device": {"name": drive.path, "info_name": drive.path, "type": "sat", "protocol": "ATA"},
        "model_name": drive.model,
        "serial_number": drive.serial,
        **({"wwn": wwn(drive.lunid)} if drive.lunid else {}),
        "firmware_version": "SN04",
        "user_capacity": {"blocks": drive.size_bytes // 512, "bytes": drive.size_bytes},
        "logical_block_size": 512,
        "physical_block_size": 4096,
        "rotation_rate": drive.rotation_rate,
        "form_factor": {"ata_value": 2, "name": "3.5 inches"},
        "trim": {"supported": False},
        "in_smartctl_database": True,
        "ata_version": {
            "string": "ACS-4 (minor revision not indicated)",
            "major_value": 4064,
            "minor_value": 65535,
        },
        "sata_version": {"string": "SATA 3.3", "value": 511},
        "smart_support": {"available": True, "enabled": True},
        "smart_status": {"passed": True},
        "ata_smart_data": {
            "offline_data_collection": {
                "status": {"value": 130, "string": "was completed without error", "passed": True},
                "completion_seconds": 559,
            },
            "self_test": {
                "status": execution_status(drive, now),
                "polling_minutes": {
                    "short": 1,
                    "extended": max(2, drive.size_bytes // (180 * 10**6 * 60)),
                },
            },
            "capabilities": {
                "values": [123, 3],
                "self_tests_supported": True,
                "error_logging_supported": True,
            },
        },
        "ata_smart_attributes": {"revision": 10, "table": attributes(drive, now, temperature)},
        "power_on_time": {"hours": power_on_hours(drive, now)},
        "power_cycle_count": 4 + drive.number % 9,
        "temperature": {"current": temperature},
        "ata_smart_self_test_log": self_test_log(drive, now, failed),
    }
    return document


def wwn(lunid: str) -> dict[str, int]:
    value = int(lunid, 16)
    return {"naa": value >> 60, "oui": value >> 36 & 0xFFFFFF, "id": value & 0xFFFFFFFFF}


def execution_status(drive: Drive, now: float) -> dict[str, Any]:
    """The drive's live self-test status, outside of its log."""
    verbose, remaining = drive.tests[-1].status(now) if drive.tests else (COMPLETED, 0)
    nibble, text, passed = STATUS[verbose]
    status: dict[str, Any] = {"value": nibble << 4 | remaining // 10, "string": text}
    if verbose == RUNNING:
        status["string"] += f", {remaining}% remaining"
    if remaining:
        status["remaining_percent"] = remaining
    if passed is not None:
        status["passed"] = passed
    return status


def self_test_log(drive: Drive, now: float, failed: int) -> dict[str, Any]:
    """Newest first, without `table` when empty; TOSHIBA's lack the extended log, so that smartctl
    shows the standard."""
    entries = []
    for test in reversed(drive.tests):
        verbose, remaining = test.status(now)
        value, description = DESCRIPTIONS[test.kind]
        nibble, _, passed = STATUS[verbose]
        status: dict[str, Any] = {"value": nibble << 4 | remaining // 10, "string": verbose}
        if remaining:
            status["remaining_percent"] = remaining
        if passed is not None:
            status["passed"] = passed
        entry = {
            "type": {"value": value, "string": description},
            "status": status,
            "lifetime_hours": test.hours,
        }
        if verbose == READ_FAILURE:
            entry["lba"] = bad_lba(drive)
        entries.append(entry)
    log: dict[str, Any] = {"revision": 1}
    if drive.model.startswith("TOSHIBA"):
        name = "standard"
    else:
        name, log["sectors"] = "extended", 1
    if entries:
        log["table"] = entries
    log["count"] = len(entries)
    if entries:
        log |= {"error_count_total": failed, "error_count_outdated": 0}
    return {name: log}


def attributes(drive: Drive, now: float, temperature: int) -> list[dict[str, Any]]:
    """The attribute table; raw values are plain counts, but for 194 as its drives write it."""
    raw = {9: power_on_hours(drive, now), 12: 4 + drive.number % 9, 194: temperature}
    raw |= {187: drive.bad_sectors, 197: drive.bad_sectors, 198: drive.bad_sectors}
    raw[199] = drive.crc_errors
    table = []
    for number, name, flags, threshold in ATTRIBUTES:
        letters = "".join(
            letter if flags >> bit & 1 else "-" for bit, letter in enumerate("POSRCK")
        )
        value = raw.get(number, 0)
        string = f"{value} (Min/Max 19/{value + 6})" if number == 194 else str(value)
        table.append(
            {
                "id": number,
                "name": name,
                "value": max(1, 100 - min(value, 99)) if number in (187, 197, 198) else 100,
                "worst": 100,
                "thresh": threshold,
                "when_failed": "",
                "flags": {
                    "value": flags,
                    "string": letters + " ",
                    "prefailure": bool(flags & 1),
                    "updated_online": bool(flags & 2),
                    "performance": bool(flags & 4),
                    "error_rate": bool(flags & 8),
                    "event_count": bool(flags & 16),
                    "auto_keep": bool(flags & 32),
                },
                "raw": {"value": value, "string": string},
            }
        )
    return table
