"""What real drives said: each captured report means what an engineer reads in it."""

from __future__ import annotations

import copy
import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drives import smart

COPIED = Path(__file__).parent / "captured"
ALL = Path(os.environ.get("BURNIN_TESTDATA", "/nowhere")) / "smartctl"

NO_READING: dict[str, Any] = {}
WD14 = {
    "form": "hdd", "serial": "9RK1XXXX", "health": "ok", "power_on_hours": 1730,
    "temperature_c": 32, "size_bytes": 14_000_519_643_136, "physical_sector_bytes": 4096,
    "running": True, "running_percent": 90.0, "entries": 21,
    "counters": {"reallocated_sectors": 0, "pending_sectors": 0, "offline_uncorrectable": 0,
                 "udma_crc_errors": 0},
    "log": [("short", "passed", 1708, None), ("short", "passed", 1684, None),
            ("short", "passed", 1661, None), ("short", "passed", 1636, None),
            ("long", "passed", 1624, None)],
    "minutes": (2, 1479),
}  # fmt: skip
MEGARAID = {
    "protocol": "ata", "form": "hdd", "health": "ok", "temperature_c": 36, "running": False,
    "serial": "XXXXXXXXXXXX", "size_bytes": 4_000_787_030_016,
}  # fmt: skip
SEAGATE_SAS = {
    "protocol": "scsi", "form": "hdd", "health": "unknown", "power_on_hours": 43549,
    "temperature_c": 34, "temperature_critical_c": 68, "entries": None, "running": None,
}  # fmt: skip
EXPECTED: dict[str, dict[str, Any]] = {
    "smart-ata.json": WD14,
    "smart-ata-date.json": WD14,
    "smart-ata-date2.json": WD14 | {
        "power_on_hours": 3030, "temperature_c": 62,
        "counters": {"reallocated_sectors": 10, "pending_sectors": 10,
                     "offline_uncorrectable": 10, "udma_crc_errors": 10},
    },
    "smart-ata-failed-scrutiny.json": {
        "form": "ssd", "health": "ok", "locked": False, "temperature_limit_c": 70, "entries": 0,
        "counters": {"reallocated_sectors": 0, "reported_uncorrectable": 0, "udma_crc_errors": 108},
    },
    "smart-ata-farm.json": {"protocol": "ata", "serial": "", "health": "unknown", "counters": {},
                            "entries": None, "running": None, "temperature_c": None},
    "smart-ata-full.json": {
        "form": "ssd", "model": "Samsung SSD 860 EVO 500GB", "locked": False, "zoned": "",
        "power_on_hours": 14551, "temperature_c": 36, "temperature_limit_c": 70, "running": False,
        "entries": 19, "minutes": (2, 85),
        "log": [("short", "passed", 14417, None), ("short", "passed", 13985, None),
                ("short", "passed", 12689, None), ("long", "passed", 12667, None)],
        "counters": {"reallocated_sectors": 0, "reported_uncorrectable": 0, "udma_crc_errors": 0},
    },
    "smart-ata-issue587-realssd-m4.json": {
        "form": "ssd", "health": "ok", "temperature_c": None, "temperature_limit_c": 70,
        "temperature_critical_c": 75, "locked": False, "entries": 0, "zoned": "",
        "power_on_hours": 4179, "size_bytes": 128_035_676_160, "minutes": (2, 9),
        "counters": {"reallocated_sectors": 0, "reported_uncorrectable": 0, "command_timeouts": 0,
                     "pending_sectors": 0, "offline_uncorrectable": 0, "udma_crc_errors": 0},
    },
    "smart-ata2.json": {
        "form": "ssd", "health": "ok", "entries": 0, "power_on_hours": 846, "temperature_c": 32,
        "counters": {"reallocated_sectors": 0, "reported_uncorrectable": 0, "udma_crc_errors": 0},
    },
    "smart-fail.json": NO_READING,
    "smart-fail2.json": {
        "form": "hdd", "health": "failed", "power_on_hours": 65592, "temperature_c": 25,
        "entries": 21, "minutes": (1, 79),
        # Its own counter has passed 65,535, its log's begins anew.
        "log": [("short", "passed", 42, None), ("short", "passed", 18, None),
                ("long", "failed", 4, 104_870_168), ("short", "passed", 65530, None)],
        "counters": {"reallocated_sectors": 1975, "pending_sectors": 8, "offline_uncorrectable": 0,
                     "udma_crc_errors": 0},
    },
    "smart-megaraid0.json": MEGARAID | {
        "power_on_hours": 37787,
        "log": [("short", "passed", 35990, None), ("short", "passed", 3, None),
                ("other", "passed", 3, None), ("short", "passed", 1, None)],
        "counters": {"reallocated_sectors": 0, "pending_sectors": 0, "offline_uncorrectable": 0,
                     "udma_crc_errors": 0},
    },
    "smart-megaraid1.json": MEGARAID | {
        "power_on_hours": 37788,
        "log": [("short", "aborted", 35990, None), ("short", "passed", 35990, None)],
        "counters": {"reallocated_sectors": 387, "pending_sectors": 0, "offline_uncorrectable": 0,
                     "udma_crc_errors": 0},
    },
    "smart-nvme-failed.json": {
        "protocol": "nvme", "form": "nvme", "health": "ok", "serial": "S466NX0M776250H",
        "temperature_c": 35, "power_on_hours": 12798, "size_bytes": 500_107_862_016,
        "wear_percent": 3, "running": None, "entries": None,
        "counters": {"critical_warning": 0, "media_errors": 7, "percentage_used": 3,
                     "available_spare_percent": 99},
    },
    "smart-nvme.json": {
        "form": "nvme", "health": "ok", "power_on_hours": 2401, "temperature_c": 36,
        "wear_percent": 0, "size_bytes": 1_024_209_543_168,
        "counters": {"critical_warning": 0, "media_errors": 0, "percentage_used": 0,
                     "available_spare_percent": 100},
    },
    "smart-nvme2.json": {
        "form": "nvme", "health": "ok", "power_on_hours": 6487, "temperature_c": 38,
        "wear_percent": 1, "size_bytes": 480_103_981_056,
        "counters": {"critical_warning": 0, "media_errors": 0, "percentage_used": 1,
                     "available_spare_percent": 100},
    },
    "smart-pass.json": {"health": "ok", "serial": "", "counters": {}, "entries": None,
                        "running": None, "form": ""},
    "smart-raid.json": {"protocol": "scsi", "serial": "Volume1", "health": "unknown",
                        "temperature_c": None, "counters": {}, "entries": None, "running": None},
    "smart-sat.json": {"health": "unknown", "temperature_c": 29, "power_on_hours": None,
                       "counters": {"reallocated_sectors": 0, "reported_uncorrectable": 0,
                                    "command_timeouts": 0, "pending_sectors": 0,
                                    "offline_uncorrectable": 0, "udma_crc_errors": 0}},
    "smart-scsi.json": SEAGATE_SAS | {
        "counters": {"grown_defects": 0, "read_uncorrected": 0, "write_uncorrected": 0}},
    "smart-scsi-failed.json": SEAGATE_SAS | {
        "counters": {"grown_defects": 5, "read_uncorrected": 3, "write_uncorrected": 0}},
    "smart-scsi-sas-env-temp.json": {
        "protocol": "scsi", "form": "hdd", "health": "ok", "temperature_c": 38,
        "temperature_critical_c": None, "power_on_hours": 12345, "size_bytes": 18_000_207_937_536,
        "counters": {"grown_defects": 0, "read_uncorrected": 0, "write_uncorrected": 0},
    },
    "smart-scsi2.json": {
        "protocol": "scsi", "form": "hdd", "health": "ok", "temperature_c": 31,
        "temperature_critical_c": 60, "power_on_hours": 5675, "size_bytes": 1_200_243_695_616,
        "counters": {"grown_defects": 0, "read_uncorrected": 0, "write_uncorrected": 0},
    },
    "smartctl_info_hitachi_autodetect.json": {"protocol": "scsi", "form": "", "health": "unknown",
                                              "size_bytes": None, "serial": ""},
    "smartctl_info_hitachi_sat.json": {"protocol": "ata", "form": "hdd", "health": "unknown",
                                       "serial": "MK0000000000000"},
    "smartctl_info_jmb39x_exit4.json": {"protocol": "ata", "form": "hdd",
                                        "serial": "WD-WCC7K0000000", "health": "unknown",
                                        "physical_sector_bytes": 4096},
    "smartctl_info_nvme.json": {"form": "nvme", "serial": "61Q0A05UT7B8", "health": "unknown",
                                "temperature_c": None},
    "smartctl_scan_megaraid.json": NO_READING,
    "smartctl_scan_nvme.json": NO_READING,
    "smartctl_scan_simple.json": NO_READING,
}  # fmt: skip


def check(report: dict[str, Any], expected: dict[str, Any]) -> None:
    reading = smart.parse(report)
    if not expected:
        assert reading is None
        return
    assert reading is not None
    for name, value in expected.items():
        if name == "entries":
            entries = reading.self_tests
            assert (None if entries is None else len(entries)) == value, name
        elif name == "log":
            newest = (reading.self_tests or ())[: len(value)]
            assert [(one.type, one.outcome, one.hours, one.lba) for one in newest] == value
        elif name == "minutes":
            assert (reading.tests.short_minutes, reading.tests.long_minutes) == value
        else:
            assert getattr(reading, name) == value, name


@pytest.mark.parametrize("name", sorted(path.name for path in COPIED.glob("*.json")))
def test_a_copied_report_means_what_it_says(name: str) -> None:
    check(json.loads((COPIED / name).read_text()), EXPECTED[name])


@pytest.mark.skipif(not ALL.is_dir(), reason="BURNIN_TESTDATA names no captured reports")
@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_each_captured_report_means_what_it_says(name: str) -> None:
    check(json.loads((ALL / name).read_text()), EXPECTED[name])


@pytest.mark.skipif(not ALL.is_dir(), reason="BURNIN_TESTDATA names no captured reports")
def test_no_captured_report_is_left_out() -> None:
    assert {path.name for path in ALL.glob("*.json")} == set(EXPECTED)


# --- what may have happened to a report on its way ------------------------------------------
REPORTS = {path.name: json.loads(path.read_text()) for path in sorted(COPIED.glob("*.json"))}
HOSTILE = [
    None, True, -1, -(2**70), 2**80, 1.5, float("nan"), float("inf"), "", "0", "\x00", "9" * 5000,
    [], [[]], {}, {"value": None},
]  # fmt: skip
Path_ = tuple[Any, ...]


def paths(value: Any, here: Path_ = ()) -> list[Path_]:
    found = [here] if here else []
    inner = value.items() if isinstance(value, dict) else []
    if isinstance(value, list):
        inner = list(enumerate(value))
    for key, each in inner:
        found += paths(each, (*here, key))
    return found


PATHS = {name: paths(report) for name, report in REPORTS.items()}


def reordered(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: reordered(each) for key, each in reversed(list(value.items()))}
    return [reordered(each) for each in value] if isinstance(value, list) else value


def damaged(report: dict[str, Any], path: Path_, how: str, value: Any) -> dict[str, Any]:
    copied = copy.deepcopy(report)
    inner: Any = copied
    for key in path[:-1]:
        try:
            inner = inner[key]
        except (KeyError, IndexError, TypeError):
            return copied  # an earlier damage took it away
    key = path[-1]
    try:
        if how == "set":
            inner[key] = value
        elif how == "drop":
            del inner[key]
        elif isinstance(inner, list):  # cut
            del inner[key:]
    except (KeyError, IndexError, TypeError):
        pass
    return copied


def numbers(reading: smart.Reading) -> dict[str, Any]:
    plain = {
        name: getattr(reading, name)
        for name in ("size_bytes", "logical_sector_bytes", "physical_sector_bytes",
                     "power_on_hours", "temperature_limit_c", "temperature_c")
    }  # fmt: skip
    return plain | reading.counters


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_damage_makes_things_unknown_and_invents_nothing(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(REPORTS)))
    report = REPORTS[name]
    before = smart.parse(report)
    assert before is not None
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(PATHS[name]))
        how = data.draw(st.sampled_from(["set", "set", "drop", "cut"]))
        report = damaged(report, path, how, data.draw(st.sampled_from(HOSTILE)))
    if data.draw(st.booleans()):
        report = reordered(report)
    after = smart.parse(report)
    if after is None:
        return
    known = numbers(before)
    for what, number in numbers(after).items():
        assert number is None or number == known.get(what), what
    if before.health == "failed":
        assert (
            after.health != "ok" or "smart_status" not in report or report.get("smartctl") is None
        )
    then, now = before.self_tests or (), after.self_tests or ()
    assert sum(e.outcome == "passed" for e in now) <= sum(e.outcome == "passed" for e in then)
    if before.running:
        assert after.running in (True, None)


def test_the_order_of_keys_means_nothing() -> None:
    for report in REPORTS.values():
        assert smart.parse(reordered(report)) == smart.parse(report)
