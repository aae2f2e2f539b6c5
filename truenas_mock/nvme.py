"""What smartctl says of an NVMe drive. It knows their self-tests from 7.4 on."""

from __future__ import annotations

from typing import Any

from . import smart
from .drives import Drive

CODES = {"SHORT": (1, "Short"), "LONG": (2, "Extended")}
RESULTS = {
    smart.COMPLETED: (0, "Completed without error"),
    smart.ABORTED: (1, "Aborted: Self-test command"),
    smart.RESET: (2, "Aborted: Controller Reset"),
    smart.READ_FAILURE: (7, "Completed: failed segments"),
}
ABORTED = "Self-test aborted! (NSID 0xffffffff)\n"
OACS = 0x17


def document(
    drive: Drive, now: float, temperature: int, version: tuple[int, int]
) -> tuple[int, dict[str, Any]]:
    """Exit status, and what stands in the JSON beside its head."""
    size = {"blocks": drive.size_bytes // drive.sector_bytes, "bytes": drive.size_bytes}
    hours, cycles = smart.power_on_hours(drive, now), 4 + drive.number % 9
    failed = any(test.status(now)[0] == smart.READ_FAILURE for test in drive.tests)
    found: dict[str, Any] = {
        "device": {"name": drive.path, "info_name": drive.path, "type": "nvme", "protocol": "NVMe"},
        "model_name": drive.model,
        "serial_number": drive.serial,
        "firmware_version": "5B2QGXA7",
        "nvme_pci_vendor": {"id": 5197, "subsystem_id": 5197},
        "nvme_ieee_oui_identifier": 9528,
        "nvme_total_capacity": drive.size_bytes,
        "nvme_unallocated_capacity": 0,
        "nvme_controller_id": 6,
        "nvme_version": {"string": "1.3", "value": 66304},
        "nvme_number_of_namespaces": 1,
        "nvme_namespaces": [
            {
                "id": 1,
                "size": size,
                "capacity": size,
                "utilization": size,
                "formatted_lba_size": drive.sector_bytes,
                "eui64": {"oui": 9528, "ext_id": drive.number},
            }
        ],
        "user_capacity": size,
        "logical_block_size": drive.sector_bytes,
    }
    if version >= (7, 3):
        found["smart_support"] = {"available": True, "enabled": True}
    if version >= (7, 4):
        oacs = OACS & ~0x10 if not drive.self_tests else OACS
        found["nvme_optional_admin_commands"] = {
            "value": oacs,
            "security_send_receive": True,
            "format_nvm": True,
            "firmware_download": True,
            "namespace_management": False,
            "self_test": drive.self_tests,
        }
        found["nvme_composite_temperature_threshold"] = {"warning": 82, "critical": 85}
    found |= {
        "smart_status": {"passed": True, "nvme": {"value": 0}},
        "nvme_smart_health_information_log": {
            **({"nsid": -1} if version >= (7, 5) else {}),
            "critical_warning": 0,
            "temperature": temperature,
            "available_spare": 100,
            "available_spare_threshold": 10,
            "percentage_used": 1,
            "data_units_read": 6932144,
            "data_units_written": 16093122,
            "host_reads": 29878811,
            "host_writes": 17533252,
            "controller_busy_time": 305,
            "power_cycles": cycles,
            "power_on_hours": hours,
            "unsafe_shutdowns": 4,
            "media_errors": drive.bad_sectors,
            "num_err_log_entries": 0,
            "warning_temp_time": 0,
            "critical_comp_time": 0,
            "temperature_sensors": [temperature, temperature + 5],
        },
        "temperature": {"current": temperature}
        | ({"op_limit_max": 82, "critical_limit_max": 85} if version >= (7, 4) else {}),
        "power_cycle_count": cycles,
        "power_on_time": {"hours": hours},
    }
    if version >= (7, 4) and drive.self_tests:
        found["nvme_self_test_log"] = self_test_log(drive, now)
    return 128 if failed else 0, found


def self_test_log(drive: Drive, now: float) -> dict[str, Any]:
    running = smart.current(drive, now)
    code = CODES[running.kind][0] if running else 0
    words = (
        "No self-test in progress",
        "Short self-test in progress",
        "Extended self-test in progress",
    )
    log: dict[str, Any] = {
        "nsid": -1,
        "current_self_test_operation": {"value": code, "string": words[code]},
    }
    if running:
        log["current_self_test_completion_percent"] = 100 - running.status(now)[1]
    over = [test for test in reversed(drive.tests) if not test.running(now)]
    if over:
        log["table"] = [_entry(drive, test, now) for test in over[:20]]
    return log


def _entry(drive: Drive, test: smart.SelfTest, now: float) -> dict[str, Any]:
    outcome = test.status(now)[0]
    code, result = CODES[test.kind], RESULTS[outcome]
    entry: dict[str, Any] = {
        "self_test_code": {"value": code[0], "string": code[1]},
        "self_test_result": {"value": result[0], "string": result[1]},
        "power_on_hours": test.hours,
    }
    if outcome == smart.READ_FAILURE:
        entry |= {"segment": 2, "nsid": 1, "lba": smart.bad_lba(drive)}
        entry |= {"status_code_type": 2, "status_code": 0x81}
    return entry


def start(drive: Drive, running: smart.SelfTest | None, now: float, kind: str) -> tuple[int, str]:
    """Exit status and words of `-t`; `running` is a test that was there already."""
    if not drive.self_tests:
        return 4, "Self-tests not supported\n\n"
    if kind not in CODES:
        return 1, f"NVMe does not support a {kind.lower()} self-test\n"
    if running:
        done = 100 - running.status(now)[1]
        return 4, (
            f"Can't start self-test without aborting current test ({done:2}% completed)\n"
            "Use smartctl -X to abort test\n"
        )
    return 0, "Self-test has begun (NSID 0xffffffff)\nUse smartctl -X to abort test\n"
