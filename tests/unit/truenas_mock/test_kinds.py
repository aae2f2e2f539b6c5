"""Drives of other kinds, as smartctl 7.2 to 7.5 tells of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from truenas_mock import agent, smart, smartctl
from truenas_mock.disks import kernel_number
from truenas_mock.drives import KINDS, catalogue, others, sd_name
from truenas_mock.nas import Nas

VERSIONS = sorted(smartctl.VERSIONS)


def nas_with(
    folder: Path, version: tuple[int, int] = (7, 4), system: str = "Linux", speed: float = 1
) -> Nas:
    folder.mkdir(exist_ok=True)
    nas = Nas(folder)
    nas.power_on(speed, "sd", None, system, version, [*KINDS])
    return nas


def report(nas: Nas, key: str, *words: str) -> dict[str, Any]:
    status, output = smartctl.run(nas, ["--json=co", *words, nas.drives[key].path])
    found: dict[str, Any] = json.loads(output)
    assert found["smartctl"]["exit_status"] == status
    return found


def test_their_names_and_serials_are_nobody_elses() -> None:
    kinds = [*KINDS, *["nvme", "sas", "ssd"] * 160]
    for names in ("sd", "core"):
        drives = catalogue(names, 0) | others(kinds, names, 0)
        assert len({drive.name for drive in drives.values()}) == 15 + len(kinds)
        assert len({drive.serial for drive in drives.values()}) == 15 + len(kinds)
        assert "nvme0n1" not in {drive.name for drive in drives.values()}


def test_the_kernels_names() -> None:
    assert [sd_name(number) for number in (0, 25, 26, 701, 702)] == [
        "sda", "sdz", "sdaa", "sdzz", "sdaaa",
    ]  # fmt: skip
    assert kernel_number("sdu") == 16704, "as one was seen: 65:64"


@pytest.mark.parametrize("version", VERSIONS)
def test_what_each_version_tells(tmp_path: Path, version: tuple[int, int]) -> None:
    nas = nas_with(tmp_path, version)
    for key in ("sas-1", "nvme-1", "ssd-1"):
        smartctl.run(nas, ["-t", "short", nas.drives[key].path])
    sas, nvme, ssd = (report(nas, key, "-x") for key in ("sas-1", "nvme-1", "ssd-1"))
    for one in (sas, nvme, ssd):
        assert one["smartctl"]["version"] == list(version)
        assert one["smart_status"]["passed"] is True
        assert ("smart_support" in one) == (version >= (7, 3))
    assert sas["model_name"] == "HGST HUH721212AL5200"
    assert ("scsi_vendor" in sas) != ("vendor" in sas)
    assert ("scsi_self_test_0" in sas) == (version >= (7, 3))
    assert "Self-test execution status:\t\t90% of test remaining" in sas["smartctl"]["output"]
    assert ("nvme_self_test_log" in nvme) == (version >= (7, 4))
    assert nvme["nvme_smart_health_information_log"]["critical_warning"] == 0
    assert ssd["rotation_rate"] == 0 and ssd["trim"]["supported"] is True
    assert smart.current(nas.drives["nvme-1"], smart_now(nas)) is not None or version < (7, 4)


def smart_now(nas: Nas) -> float:
    return nas.drives["ssd-1"].tests[-1].started + 1


def test_self_tests_of_sas(tmp_path: Path) -> None:
    nas = nas_with(tmp_path)
    path = nas.drives["sas-1"].path
    status, output = smartctl.run(nas, ["-t", "long", path])
    assert status == 0 and "Extended Background Self Test has begun" in output
    status, output = smartctl.run(nas, ["-t", "short", path])
    assert status == 255 and "Can't start self-test without aborting current test" in output
    running = report(nas, "sas-1", "-x")["scsi_self_test_0"]
    assert running["self_test_in_progress"] is True and "power_on_time" not in running
    smartctl.run(nas, ["-X", path])
    aborted = report(nas, "sas-1", "-x")["scsi_self_test_0"]
    assert aborted["result"] == {"value": 1, "string": "Aborted (by user command)"}
    with nas.change():
        nas.drives["sas-1"].fail = True
    smartctl.run(nas, ["-t", "short", path])
    with nas.change():
        test = nas.drives["sas-1"].tests[-1]
        test.started -= 1000
    failed = report(nas, "sas-1", "-x")
    assert failed["scsi_self_test_0"]["lba_first_failure"]["value"] > 0
    assert failed["smartctl"]["exit_status"] == 128


def test_self_tests_of_nvme(tmp_path: Path) -> None:
    nas = nas_with(tmp_path)
    path = nas.drives["nvme-1"].path
    assert smartctl.run(nas, ["-t", "long", path])[0] == 0
    status, output = smartctl.run(nas, ["-t", "short", path])
    assert status == 4 and "(10% completed)" in output
    log = report(nas, "nvme-1", "-x")["nvme_self_test_log"]
    assert log["current_self_test_operation"]["value"] == 2
    assert log["current_self_test_completion_percent"] == 10 and "table" not in log
    smartctl.run(nas, ["-X", path])
    (entry,) = report(nas, "nvme-1", "-x")["nvme_self_test_log"]["table"]
    assert entry["self_test_result"]["value"] == 1
    status, output = smartctl.run(nas, ["-t", "short", nas.drives["nvme-basic-1"].path])
    assert status == 4 and "not supported" in output
    assert "nvme_self_test_log" not in report(nas, "nvme-basic-1", "-x")


def test_before_7_4_a_self_test_of_nvme_is_not_even_refused(tmp_path: Path) -> None:
    nas = nas_with(tmp_path, (7, 3))
    status, _ = smartctl.run(nas, ["-t", "short", nas.drives["nvme-1"].path])
    assert status == 0 and not nas.drives["nvme-1"].tests


def test_shingled_locked_and_odd_sectors(tmp_path: Path) -> None:
    nas = nas_with(tmp_path)
    assert report(nas, "smr-1", "-x")["zoned_device"] == {"capabilities": "device_managed"}
    locked = report(nas, "locked-1", "-i", "-g", "security")["ata_security"]
    assert locked["locked"] is True and "**LOCKED**" in locked["string"]
    assert report(nas, "ssd-1", "-g", "security")["ata_security"]["enabled"] is False
    odd = report(nas, "520-1", "-i")
    assert odd["logical_block_size"] == 520
    assert odd["user_capacity"]["bytes"] == odd["user_capacity"]["blocks"] * 520


@pytest.mark.parametrize(("key", "fact"), [("520-1", "sector"), ("locked-1", "security")])
def test_the_guard_refuses_them_for_good(tmp_path: Path, key: str, fact: str) -> None:
    nas = nas_with(tmp_path)
    drive = nas.drives[key]
    argv = ["guard", drive.path, "--expect-serial", drive.serial]
    status, output = agent.answer(nas, [*argv, "--expect-size", str(drive.size_bytes)], b"")
    answer = json.loads(output)
    assert status == 2 and not answer["allowed"]
    (reason,) = answer["reasons"]
    assert (reason["fact"], reason["state"], reason.get("release")) == (fact, "unknown", None)


def test_a_drive_that_refuses(tmp_path: Path) -> None:
    nas = nas_with(tmp_path)
    with nas.change():
        nas.drives["sda"].refuses = True
    before = nas.drives["sda"].tests
    status, output = smartctl.run(nas, ["-t", "short", nas.drives["sda"].path])
    assert status == 4 and "Input/output error" in output
    assert nas.drives["sda"].tests == before


def test_the_host_tells_what_it_runs_on(tmp_path: Path) -> None:
    for system in ("Linux", "FreeBSD"):
        nas = nas_with(tmp_path / system, system=system)
        _, output = agent.answer(nas, ["probe"], b"")
        assert json.loads(output)["host"]["system"] == system
        assert system.lower() in report(nas, "sda", "-i")["smartctl"]["platform_info"].lower()
