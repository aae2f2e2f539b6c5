"""What smartctl says of a SCSI (SAS) drive. Its self-tests are in the JSON from 7.3 on; how far one
is stands in the text alone, up to 7.5."""

from __future__ import annotations

from typing import Any

from . import smart
from .drives import Drive

EXTENDED_SECONDS = 65000
CODES = {"SHORT": (1, "Background short"), "LONG": (2, "Background long")}
RESULTS = {
    smart.COMPLETED: (0, "Completed"),
    smart.ABORTED: (1, "Aborted (by user command)"),
    smart.RESET: (2, "Aborted (device reset ?)"),
    smart.READ_FAILURE: (7, "Failed in segment"),
    smart.RUNNING: (15, "Self test in progress ..."),
}
ABORTED = "Self Test returned without error\n"
HEADER = (
    "SMART Self-test log",
    "Num  Test              Status                 segment  LifeTime  LBA_first_err [SK ASC ASQ]",
    "     Description                              number   (hours)",
)


def document(
    drive: Drive, now: float, temperature: int, version: tuple[int, int]
) -> tuple[int, dict[str, Any]]:
    """Exit status, and what stands in the JSON beside its head."""
    own = "" if version < (7, 3) else "scsi_"  # 7.2 called them vendor, product, revision
    failed = any(test.status(now)[0] == smart.READ_FAILURE for test in drive.tests)
    minutes = (now - drive.since) % 3600 // 60
    found: dict[str, Any] = {
        "device": {"name": drive.path, "info_name": drive.path, "type": "scsi", "protocol": "SCSI"},
        f"{own}vendor": drive.vendor,
        f"{own}product": drive.model,
        "model_name": f"{drive.vendor} {drive.model}",
        **({"scsi_model_name": f"{drive.vendor} {drive.model}"} if own else {}),
        f"{own}revision": "A907",
        "scsi_version": "SPC-4",
        "user_capacity": {
            "blocks": drive.size_bytes // drive.sector_bytes,
            "bytes": drive.size_bytes,
        },
        "logical_block_size": drive.sector_bytes,
        **({"physical_block_size": 4096} if drive.sector_bytes == 512 else {}),
        "rotation_rate": drive.rotation_rate,
        "form_factor": {"scsi_value": 2, "name": "3.5 inches"},
        "logical_unit_id": f"0x{drive.lunid}",
        "serial_number": drive.serial,
        "device_type": {
            "scsi_terminology": "Peripheral Device Type [PDT]",
            "scsi_value": 0x14 if drive.zoned else 0,
            "name": "host managed zoned block" if drive.zoned else "disk",
        },
        "scsi_transport_protocol": {"name": "SAS (SPL-4)", "value": 6},
    }
    if version >= (7, 3):
        found["smart_support"] = {"available": True, "enabled": True}
    found |= {
        "smart_status": {"passed": True},
        "temperature": {"current": temperature, "drive_trip": 85},
        "power_on_time": {"hours": smart.power_on_hours(drive, now), "minutes": int(minutes)},
        "scsi_grown_defect_list": drive.bad_sectors,
        "scsi_error_counter_log": {
            "read": _counters(drive.bad_sectors),
            "write": _counters(0),
            "verify": _counters(0),
        },
    }
    if version >= (7, 3):
        for place, test in enumerate(reversed(drive.tests[-20:])):
            found[f"scsi_self_test_{place}"] = _entry(drive, test, now)
        if drive.tests:
            found["scsi_extended_self_test_seconds"] = EXTENDED_SECONDS
    return 128 if failed else 0, found


def _counters(uncorrected: int) -> dict[str, Any]:
    return {
        "errors_corrected_by_eccfast": 0,
        "errors_corrected_by_eccdelayed": 12,
        "errors_corrected_by_rereads_rewrites": 0,
        "total_errors_corrected": 12,
        "correction_algorithm_invocations": 4711,
        "gigabytes_processed": "1204.337",
        "total_uncorrected_errors": uncorrected,
    }


def _entry(drive: Drive, test: smart.SelfTest, now: float) -> dict[str, Any]:
    outcome = test.status(now)[0]
    code, result = _code(test), RESULTS[outcome]
    entry: dict[str, Any] = {
        "code": {"value": code[0], "string": code[1]},
        "result": {"value": result[0], "string": result[1]},
    }
    if outcome == smart.READ_FAILURE:
        entry["failed_segment"] = {"value": 2, "aka": "self_test_number"}
    if outcome == smart.RUNNING:
        return entry | {"self_test_in_progress": True}
    entry["power_on_time"] = {"hours": test.hours, "aka": "accumulated_power_on_hours"}
    if outcome == smart.READ_FAILURE:
        lba = smart.bad_lba(drive)
        entry["lba_first_failure"] = {"value": lba, "aka": "address_of_first_failure"}
        entry["sense_key"] = {"value": 3, "string": "Medium Error"}
        entry |= {"asc": 0x11, "ascq": 0, "vendor_specific": 0}
    return entry


def _code(test: smart.SelfTest) -> tuple[int, str]:
    return CODES.get(test.kind, (0, "Default"))


def text(drive: Drive, now: float) -> list[str]:
    """The lines about self-tests."""
    lines = []
    if running := smart.current(drive, now):
        left = running.status(now)[1]
        lines.append(f"Self-test execution status:\t\t{left}% of test remaining")
    if not drive.tests:
        return [*lines, "No Self-tests have been logged"]
    lines += HEADER
    for place, test in enumerate(reversed(drive.tests[-20:]), 1):
        outcome = test.status(now)[0]
        failed = outcome == smart.READ_FAILURE
        words = RESULTS[outcome][1] + (" -->" if failed else "")
        hours = "NOW" if outcome == smart.RUNNING else str(test.hours)
        lba = str(smart.bad_lba(drive)) if failed else "-"
        sense = "[0x3 0x11 0x0]" if failed else "[-   -    -]"
        segment = "2" if failed else "-"
        lines.append(
            f"#{place:2}  {_code(test)[1]:<16}  {words:<25} {segment:>3}   {hours:>5}{lba:>18} "
            + sense
        )
    return lines


def start(drive: Drive, running: smart.SelfTest | None, kind: str) -> tuple[int, str]:
    """Exit status and words of `-t`; `running` is a test that was there already."""
    if running:
        return 255, "Can't start self-test without aborting current test"
    names = {"SHORT": "Short", "LONG": "Extended"}
    if kind not in names:
        return 4, f"{kind.lower()} self-test is not supported\n"
    words = f"{names[kind]} Background Self Test has begun\n"
    if kind == "LONG":
        words += f"Please wait {EXTENDED_SECONDS // 60} minutes for test to complete.\n"
    return 0, words + "Use smartctl -X to abort test\n"
