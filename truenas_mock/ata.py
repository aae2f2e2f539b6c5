"""What smartctl says of an ATA drive, as 7.2 to 7.5 write it."""

from __future__ import annotations

from typing import Any

from . import smart
from .drives import Drive

#: The high nibble of ATA's status byte, and what smartctl says of the last test outside of the log.
STATUS = {
    smart.COMPLETED: (0x0, "completed without error", True),
    smart.ABORTED: (0x1, "was aborted by the host", None),
    smart.RESET: (0x2, "was interrupted by the host with a reset", None),
    smart.READ_FAILURE: (0x7, "completed with error (read test element)", False),
    smart.RUNNING: (0xF, "in progress", None),
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
#: Of a solid-state drive: what it wears out.
WEAR = (177, "Wear_Leveling_Count", 19, 0)
LOCKED = {
    "state": 7,
    "string": "ENABLED, PW level HIGH, **LOCKED** [SEC4]",
    "enabled": True,
    "pw_level_max": False,
    "locked": True,
    "pw_attempts_exceeded": False,
}
UNLOCKED = {
    "state": 41,
    "string": "Disabled, frozen [SEC2]",
    "enabled": False,
    "frozen": True,
}


def document(
    drive: Drive, now: float, temperature: int, version: tuple[int, int], security: bool
) -> tuple[int, dict[str, Any]]:
    """Exit status, and what stands in the JSON beside its head; `security` for `-g security`."""
    failed = sum(test.status(now)[0] == smart.READ_FAILURE for test in drive.tests)
    solid = not drive.rotation_rate
    extended = max(2, drive.size_bytes // (180 * 10**6 * 60))
    found: dict[str, Any] = {
        "device": {"name": drive.path, "info_name": drive.path, "type": "sat", "protocol": "ATA"},
        "model_name": drive.model,
        "serial_number": drive.serial,
        **({"wwn": wwn(drive.lunid)} if drive.lunid else {}),
        "firmware_version": "SN04",
        "user_capacity": {"blocks": drive.size_bytes // 512, "bytes": drive.size_bytes},
        "logical_block_size": 512,
        "physical_block_size": 512 if solid else 4096,
        "rotation_rate": drive.rotation_rate,
        "form_factor": {"ata_value": 3, "name": "2.5 inches"}
        if solid
        else {"ata_value": 2, "name": "3.5 inches"},
        "trim": {"supported": True, "deterministic": True, "zeroed": True}
        if solid
        else {"supported": False},
        **({"zoned_device": {"capabilities": "device_managed"}} if drive.zoned else {}),
        "in_smartctl_database": True,
        "ata_version": {
            "string": "ACS-4 (minor revision not indicated)",
            "major_value": 4064,
            "minor_value": 65535,
        },
        "sata_version": {"string": "SATA 3.3", "value": 511},
    }
    if version >= (7, 3):
        found["smart_support"] = {"available": True, "enabled": True}
    if security:
        found["ata_security"] = LOCKED if drive.locked else UNLOCKED
    found |= {
        "smart_status": {"passed": True},
        "ata_smart_data": {
            "offline_data_collection": {
                "status": {"value": 130, "string": "was completed without error", "passed": True},
                "completion_seconds": 559,
            },
            "self_test": {
                "status": execution_status(drive, now),
                "polling_minutes": {"short": 1, "extended": extended},
            },
            "capabilities": {
                "values": [123, 3],
                "self_tests_supported": True,
                "error_logging_supported": True,
            },
        },
        "ata_smart_attributes": {"revision": 10, "table": attributes(drive, now, temperature)},
        "power_on_time": {"hours": smart.power_on_hours(drive, now)},
        "power_cycle_count": 4 + drive.number % 9,
        "temperature": {"current": temperature},
        "ata_smart_self_test_log": self_test_log(drive, now, failed),
    }
    return 128 if failed else 0, found


def start(drive: Drive, running: smart.SelfTest | None, now: float) -> tuple[int, str]:
    """Exit status and words of `-t`; `running` is a test that was there already."""
    if running:
        return 4, (
            "Can't start self-test without aborting current test "
            f"({running.status(now)[1]}% remaining),\n"
            "add '-t force' option to override, or run 'smartctl -X' to abort test.\n"
        )
    return 0, "Testing has begun.\n"


ABORTED = 'Sending command: "Abort SMART off-line mode self-test routine".\nSelf-testing aborted!\n'


def wwn(lunid: str) -> dict[str, int]:
    value = int(lunid, 16)
    return {"naa": value >> 60, "oui": value >> 36 & 0xFFFFFF, "id": value & 0xFFFFFFFFF}


def execution_status(drive: Drive, now: float) -> dict[str, Any]:
    """The drive's live self-test status, outside of its log."""
    verbose, remaining = drive.tests[-1].status(now) if drive.tests else (smart.COMPLETED, 0)
    nibble, text, passed = STATUS[verbose]
    status: dict[str, Any] = {"value": nibble << 4 | remaining // 10, "string": text}
    if verbose == smart.RUNNING:
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
        if drive.logs_late and test.running(now):
            continue
        verbose, remaining = test.status(now)
        value, description = smart.DESCRIPTIONS[test.kind]
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
        if verbose == smart.READ_FAILURE:
            entry["lba"] = smart.bad_lba(drive)
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
    raw = {9: smart.power_on_hours(drive, now), 12: 4 + drive.number % 9, 194: temperature}
    raw |= {187: drive.bad_sectors, 197: drive.bad_sectors, 198: drive.bad_sectors}
    raw |= {199: drive.crc_errors, WEAR[0]: 1}
    table = []
    for number, name, flags, threshold in ATTRIBUTES + [WEAR] * (not drive.rotation_rate):
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
