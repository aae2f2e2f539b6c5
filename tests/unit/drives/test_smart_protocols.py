"""Self-tests and health of SAS and NVMe drives, shaped as smartmontools writes them."""

from __future__ import annotations

from typing import Any

import pytest

from drives import smart
from drives.smart.reading import NO_SELF_TESTS

from .reports import ata


def parsed(report: dict[str, Any]) -> smart.Reading:
    reading = smart.parse(report)
    assert reading is not None
    return reading


def scsi(output: list[str] | None = None, **more: Any) -> dict[str, Any]:
    head: dict[str, Any] = {"version": [7, 4], "exit_status": 0}
    if output is not None:
        head["output"] = output
    return {
        "smartctl": head,
        "device": {"protocol": "SCSI", "type": "scsi"},
        "serial_number": "SAS0001",
        "smart_status": {"passed": True},
        "temperature": {"current": 33, "drive_trip": 65},
    } | more


def sas_entry(result: int, words: str, hours: int | None = 100, code: int = 1) -> dict[str, Any]:
    row: dict[str, Any] = {"code": {"value": code}, "result": {"value": result, "string": words}}
    if hours is None:
        row["self_test_in_progress"] = True
    else:
        row["power_on_time"] = {"hours": hours}
    return row


class TestSas:
    def test_a_log_in_json(self) -> None:
        reading = parsed(
            scsi(
                scsi_self_test_0=sas_entry(0, "Completed", 3943, code=2),
                scsi_self_test_1=sas_entry(1, "Aborted (by user command)"),
                scsi_self_test_2=sas_entry(4, "Completed, segment failed"),
            )
        )
        assert reading.self_tests is not None
        outcomes = [(entry.type, entry.outcome) for entry in reading.self_tests]
        assert outcomes == [("long", "passed"), ("short", "aborted"), ("short", "failed")]
        assert reading.running is False

    def test_progress_stands_in_the_newest_entry(self) -> None:
        reading = parsed(scsi(scsi_self_test_0=sas_entry(15, "Self test in progress ...", None)))
        assert reading.running is True
        assert reading.running_percent is None

    def test_progress_by_the_newer_status(self) -> None:
        status = {"in_progress": True, "completion_percent": 42}
        reading = parsed(scsi(scsi_self_test_status=status))
        assert (reading.running, reading.running_percent) == (True, 42.0)
        assert reading.self_tests is None

    def test_progress_by_the_text_beside(self) -> None:
        left = "Self-test execution status:\t\t58% of test remaining"
        reading = parsed(scsi([left], scsi_self_test_0=sas_entry(0, "Completed")))
        assert (reading.running, reading.running_percent) == (True, 42.0)

    def test_a_log_of_which_only_the_text_tells(self) -> None:
        lines = [
            "SMART Self-test log",
            "Num  Test              Status                 segment  LifeTime  LBA_first_err",
            "# 1  Background long   Completed                   -    3943                 -"
            " [-   -    -]",
            "# 2  Background short  Failed in segment -->       3      12            123456"
            " [0x3 0x11 0x0]",
            "# 3  Background short  Self test in progress ...   -     NOW                 -"
            " [-   -    -]",
        ]
        reading = parsed(scsi(lines))
        assert reading.self_tests is not None
        assert [entry.outcome for entry in reading.self_tests] == ["passed", "failed", "running"]
        assert reading.self_tests[0].hours == 3943
        assert reading.self_tests[1].lba == 123456
        assert reading.running is True

    def test_a_line_that_cannot_be_read_makes_the_log_unknown(self) -> None:
        assert parsed(scsi(["# 1  Background long   Complet"])).self_tests is None

    def test_an_empty_log_is_told_by_the_text_alone(self) -> None:
        reading = parsed(scsi(["No Self-tests have been logged"]))
        assert (reading.self_tests, reading.running) == ((), False)
        assert parsed(scsi()).self_tests is None
        assert parsed(scsi(["Device does not support Self Test logging"])).self_tests is None

    def test_a_hole_in_the_log_makes_it_unknown(self) -> None:
        assert parsed(scsi(scsi_self_test_1=sas_entry(0, "Completed"))).self_tests is None

    def test_a_zoned_drive_says_who_manages_its_zones(self) -> None:
        assert parsed(scsi(device_type={"scsi_value": 0, "name": "disk"})).zoned == ""
        managed = {"scsi_value": 0x14, "name": "host managed zoned block"}
        assert parsed(scsi(device_type=managed)).zoned == "host_managed"
        assert parsed(scsi(scsi_host_aware_zoned_block_capable=True)).zoned == "host_aware"

    def test_counters(self) -> None:
        errors = {"read": {"total_uncorrected_errors": 3}, "write": {}, "verify": None}
        reading = parsed(
            scsi(
                scsi_grown_defect_list=5,
                scsi_error_counter_log=errors,
                scsi_pending_defects={"count": 2},
            )
        )
        assert reading.counters == {"grown_defects": 5, "pending_defects": 2, "read_uncorrected": 3}


def nvme(**more: Any) -> dict[str, Any]:
    return {
        "smartctl": {"version": [7, 4], "exit_status": 0},
        "device": {"protocol": "NVMe", "type": "nvme"},
        "serial_number": "NVME0001",
        "smart_status": {"passed": True, "nvme": {"value": 0}},
        "nvme_smart_health_information_log": {
            "critical_warning": 0, "media_errors": 0, "percentage_used": 101, "temperature": 40,
            "power_on_hours": 77,
        },
    } | more  # fmt: skip


def nvme_row(result: int, code: int = 1, hours: int = 70) -> dict[str, Any]:
    return {
        "self_test_code": {"value": code},
        "self_test_result": {"value": result, "string": "words"},
        "power_on_hours": hours,
    }


class TestNvme:
    def test_null_gaps_of_the_log_are_no_entries(self) -> None:
        table = [nvme_row(0, 2), None, nvme_row(1), None, nvme_row(7)]
        operation = {"value": 0, "string": "No self-test in progress"}
        log = {"current_self_test_operation": operation, "table": table}
        reading = parsed(nvme(nvme_self_test_log=log))
        assert reading.self_tests is not None
        assert [(e.type, e.outcome) for e in reading.self_tests] == [
            ("long", "passed"), ("short", "aborted"), ("short", "failed")
        ]  # fmt: skip
        assert reading.running is False

    def test_progress(self) -> None:
        log = {"current_self_test_operation": {"value": 2},
               "current_self_test_completion_percent": 0}  # fmt: skip
        reading = parsed(nvme(nvme_self_test_log=log))
        assert (reading.running, reading.running_percent) == (True, 0.0)
        assert reading.self_tests == ()

    def test_a_drive_without_self_tests_says_so(self) -> None:
        reading = parsed(nvme(nvme_optional_admin_commands={"self_test": False}))
        assert reading.tests.why_none == NO_SELF_TESTS
        assert (reading.running, reading.self_tests) == (None, None)

    def test_an_old_smartctl_knows_no_self_tests_of_nvme(self) -> None:
        for version, none in (([7, 3], True), ([7, 4], False), (None, False), (["7", 3], False)):
            reading = parsed(nvme(smartctl={"version": version, "exit_status": 0}))
            assert bool(reading.tests.why_none) is none

    def test_wear_may_pass_a_hundred(self) -> None:
        reading = parsed(nvme())
        assert reading.wear_percent == 101
        assert (reading.temperature_c, reading.power_on_hours) == (40, 77)

    @pytest.mark.parametrize(("bits", "health"), [(2, "unknown"), (4, "failed"), (6, "failed")])
    def test_a_warning_of_heat_alone_is_no_failed_drive(self, bits: int, health: str) -> None:
        report = nvme(smart_status={"passed": False})
        report["nvme_smart_health_information_log"]["critical_warning"] = bits
        reading = parsed(report)
        assert reading.health == health
        assert reading.warnings


class TestAta:
    @pytest.mark.parametrize(
        ("number", "raw", "words", "count"),
        [
            (5, 2000 << 32 | 7, "7 (2000 0)", 7),
            (5, 2**48 - 1, "281474976710655", None),
            (5, 70_000, "70000", 70_000),
            (188, 1 << 32 | 1 << 16 | 3, "4295032835", 3),
            (197, -1, "-1", None),
            (197, 1.0, "1", None),
            (197, True, "1", None),
        ],
    )
    def test_raw_values_that_hold_more_than_a_count(
        self, number: int, raw: Any, words: str, count: int | None
    ) -> None:
        report = ata()
        row = {"id": number, "raw": {"value": raw, "string": words}}
        report["ata_smart_attributes"]["table"] = [row]
        assert list(parsed(report).counters.values()) == ([] if count is None else [count])

    def test_a_rotating_drive_that_takes_trim_is_shingled(self) -> None:
        facts = {"rotation_rate": 5400, "user_capacity": {"bytes": 6 * 10**12}}
        assert parsed(ata() | facts).zoned == ""
        assert parsed(ata() | facts | {"trim": {"supported": True}}).zoned == "device_managed"
        assert parsed(ata() | facts | {"model_name": "ST6000DM003-2CY186"}).zoned
        ssd = facts | {"rotation_rate": 0, "trim": {"supported": True}}
        assert parsed(ata() | ssd).zoned == ""

    @pytest.mark.parametrize(
        ("security", "locked"),
        [
            ({"enabled": False, "frozen": True}, False),
            ({"enabled": True, "locked": True}, True),
            ({"enabled": True, "locked": False}, False),
            ({"enabled": True}, None),
            (None, None),
        ],
    )
    def test_a_password_lock(self, security: Any, locked: bool | None) -> None:
        assert parsed(ata() | {"ata_security": security}).locked is locked
