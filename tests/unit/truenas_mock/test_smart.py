"""Self-tests as a function of the clock."""

from __future__ import annotations

from itertools import pairwise

import pytest

from truenas_mock import ata, results, smart
from truenas_mock.drives import CATALOGUE, Drive, catalogue
from truenas_mock.releases import release
from truenas_mock.smart import ABORTED, COMPLETED, READ_FAILURE

CORE = release("13.0")
NOW = 1_800_000_000.0


@pytest.fixture
def drives() -> dict[str, Drive]:
    return catalogue("sd", NOW)


@pytest.mark.parametrize(("kind", "seconds"), [("SHORT", 90), ("LONG", 480)])
@pytest.mark.parametrize("speed", [1, 20])
def test_how_long_it_takes(
    drives: dict[str, Drive], kind: str, seconds: float, speed: float
) -> None:
    drive = drives["sda"]
    assert smart.start(drive, kind, NOW, speed)
    assert smart.current(drive, NOW + seconds / speed - 0.01)
    assert smart.current(drive, NOW + seconds / speed + 0.01) is None
    assert drive.tests[-1].status(NOW + 1000) == (COMPLETED, 0)


def test_progress_moves_in_tens_and_never_back(drives: dict[str, Drive]) -> None:
    drive = drives["sda"]
    smart.start(drive, "LONG", NOW, 1)
    told = [results.entry(CORE, drive, NOW + second)["current_test"] for second in range(480)]
    progress = [one["progress"] for one in told]
    assert set(progress) == set(range(10, 100, 10))
    assert all(before <= after for before, after in pairwise(progress))


def test_the_failing_drive_fails_at_thirty_percent(drives: dict[str, Drive]) -> None:
    drive = drives["sdn"]
    smart.start(drive, "LONG", NOW, 1)
    assert smart.current(drive, NOW + 143) and not smart.current(drive, NOW + 145)
    assert drive.tests[-1].status(NOW + 145) == (READ_FAILURE, 70)
    status, report = ata.document(drive, NOW + 145, 30, (7, 4), False)
    assert status == 128
    assert report["ata_smart_self_test_log"]["extended"]["table"][0]["lba"] == smart.bad_lba(drive)


def test_an_aborted_test_has_no_passed_and_keeps_what_remained(drives: dict[str, Drive]) -> None:
    drive = drives["sda"]
    smart.start(drive, "LONG", NOW, 1)
    drive.tests[-1].end(NOW + 100, ABORTED)
    log = ata.self_test_log(drive, NOW + 5000, 0)["extended"]
    assert log["table"][0]["status"] == {"value": 0x18, "string": ABORTED, "remaining_percent": 80}
    assert results.entry(CORE, drive, NOW + 5000)["tests"][0]["status"] == "FAILED", (
        "CORE calls it so"
    )


def test_the_log_holds_twenty_one(drives: dict[str, Drive]) -> None:
    drive = drives["sda"]
    for number in range(30):
        assert smart.start(drive, "SHORT", NOW + number * 100, 1)
    assert len(drive.tests) == 21


def test_an_empty_log_has_no_table(drives: dict[str, Drive]) -> None:
    new = next(drive for drive in drives.values() if not drive.tests)
    (section,) = ata.self_test_log(new, NOW, 0).values()
    assert section["count"] == 0 and "table" not in section


def test_some_drives_have_only_the_standard_log(drives: dict[str, Drive]) -> None:
    assert list(ata.self_test_log(drives["sdk"], NOW, 0)) == ["standard"]


def test_names_of_core() -> None:
    names = [drive.name for drive in catalogue("core", NOW).values()]
    assert names == [core for _, core, _ in CATALOGUE]
    assert all(name.startswith(("ada", "da")) for name in names)


def test_a_drive_survives_being_written_down(drives: dict[str, Drive]) -> None:
    smart.start(drives["sdn"], "SHORT", NOW, 1)
    for drive in drives.values():
        assert Drive.from_json(drive.to_json()) == drive
