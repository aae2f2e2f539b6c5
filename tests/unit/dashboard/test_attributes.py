"""SMART attributes in plain words, with what changed between two readings."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from dashboard.attributes import compared, firmware, is_folded, sectors
from drives.models import SmartReading
from tests.story import smart


def reading(raw: dict[str, Any]) -> SmartReading:
    return SmartReading(raw=raw, counters={})


def test_faults_come_first_then_wear_then_what_decides() -> None:
    first = reading(smart.ata("S", "M", 34))
    now = reading(smart.ata("S", "M", 38, id197=12, id9=21_263, id193=415, id194=38))
    lines = compared(first, now)
    assert [line.name for line in lines[:4]] == [
        "Pending sectors", "High-fly writes", "Power-on hours", "Load cycles",
    ]  # fmt: skip
    bad = lines[0]
    assert bad.is_bad and bad.change_text == "+12" and bad.now and bad.now.text == "12"
    assert lines[1].is_standing_fault
    assert lines[2].change_text == "+83 h" and not lines[2].is_bad
    names = [line.name for line in lines if not is_folded(line)]
    assert "Reallocated sectors" in names and "Seek error rate" not in names


def test_packed_raw_values_are_no_counts() -> None:
    raw = smart.ata("S", "M", 34, id188=(3 << 32) + (2 << 16) + 7, id1=2**40, id240=(9 << 32) + 500)
    lines = {line.name: line for line in compared(None, reading(raw))}
    assert lines["Command timeouts"].now and lines["Command timeouts"].now.text == "7"
    assert lines["Read error rate"].now and lines["Read error rate"].now.text == "82"
    assert lines["Head flying hours"].now and lines["Head flying hours"].now.text == "500 h"
    assert lines["Command timeouts"].change_text == "–"


def test_a_fault_that_was_there_before_is_still_told() -> None:
    raw = smart.ata("S", "M", 34, id5=8)
    line = compared(reading(raw), reading(raw))[0]
    assert line.name == "Reallocated sectors" and line.is_standing_fault and not line.is_bad


def test_sas_and_nvme_have_their_own() -> None:
    sas = compared(
        reading(smart.sas("S", "M", 39, 100)), reading(smart.sas("S", "M", 41, 220, defects=2))
    )
    assert (sas[0].name, sas[0].change_text, sas[0].is_bad) == ("Grown defects", "+2", True)
    assert any(line.name == "Uncorrected read errors" for line in sas)
    nvme = compared(
        reading(smart.nvme("S", "M", 41, 310)), reading(smart.nvme("S", "M", 46, 312, used=4))
    )
    used = next(line for line in nvme if line.name == "Life used")
    assert used.now and used.now.text == "4 %" and used.change_text == "+1 %"
    assert any(line.now and line.now.text == "8.24 TB" for line in nvme if line.name == "Written")


def test_identity_is_told_where_it_is_known() -> None:
    told = reading(smart.ata("S", "M", 34))
    assert firmware(told) == "SN02" and sectors(told) == "4,096-byte sectors (512 emulated)"
    assert firmware(None) == "" and sectors(reading({})) == ""


@pytest.mark.parametrize(
    "raw",
    [
        {},
        {"ata_smart_attributes": {"table": [None, {}, {"id": "5"}, {"id": 5, "raw": 3}]}},
        {"nvme_smart_health_information_log": {"media_errors": None, "temperature": "hot"}},
        {"scsi_error_counter_log": [], "scsi_grown_defect_list": "many"},
    ],
)
def test_nonsense_is_left_out(raw: dict[str, Any]) -> None:
    assert compared(reading(raw), reading(raw)) == []


@pytest.mark.skipif("BURNIN_TESTDATA" not in os.environ, reason="no captured reports here")
def test_captured_reports_are_all_shown() -> None:
    files = sorted((Path(os.environ["BURNIN_TESTDATA"]) / "smartctl").glob("*.json"))
    shown = 0
    for file in files:
        raw = json.loads(file.read_text())
        lines = compared(reading(raw), reading(raw))
        assert all(line.name and line.now and line.now.text for line in lines), file.name
        shown += bool(lines)
    assert shown >= 15
