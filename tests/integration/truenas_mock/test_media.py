"""Drives that are real files: the real agent runs on the host, and smartctl has a stand-in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.nas import MockNas
from tests.waiting import wait_for

from .conftest import Rest
from .host import Host

MIB = 1 << 20
LIMIT = f"--rate-limit={32 * MIB}"


@pytest.fixture
def host(media_nas: MockNas) -> Iterator[Host]:
    with Host(media_nas) as connected:
        connected.ship()
        yield connected


@pytest.fixture
def rest(media_nas: MockNas) -> Rest:
    return Rest(media_nas)


def medium(nas: MockNas, name: str) -> Path:
    assert nas.media
    return nas.media / f"{name}.img"


def smartctl(host: Host, *words: str) -> tuple[int | None, str]:
    done = host.run(f"smartctl {' '.join(words)}")
    return done.status, done.out.decode()


def test_nas_and_host_tell_the_same_drives(media_nas: MockNas, rest: Rest, host: Host) -> None:
    told = {one["serial"]: one for one in host.agent("probe", status=None)["devices"]}
    for entry in rest.get("disk"):
        device = told[entry["serial"]]
        assert (device["name"], device["size_bytes"]) == (entry["name"], entry["size"])
        assert device["path"] == str(medium(media_nas, entry["name"]))
    assert [leaf["disk"] for leaf in rest.get("pool")[0]["topology"]["data"]] == ["da2"]
    assert told["FILE0003"]["use"][0] == {
        "fact": "pool",
        "state": "in_use",
        "detail": "In pool tank",
    }


def test_smartctl_tells_what_the_nas_tells(media_nas: MockNas, rest: Rest, host: Host) -> None:
    file = str(medium(media_nas, "da0"))
    before = rest.post("disk/temperature", {"name": "da0"})
    (device,) = host.agent("probe", file, "--smart", status=None)["devices"]
    assert device["smartctl"]["serial_number"] == "FILE0001"
    assert device["smartctl_exit"] == 0 and device["smartctl_error"] is None
    # It may have moved by a degree meanwhile.
    after = rest.post("disk/temperature", {"name": "da0"})
    assert min(before, after) <= device["temperature_c"] <= max(before, after)
    status, output = smartctl(host, "-t", "long", file)
    assert (status, "Testing has begun" in output) == (0, True)
    (found,) = rest.get("smart/test/results?disk=da0")
    assert found["tests"][0]["description"] == "Extended offline"
    assert found["current_test"] is not None
    status, output = smartctl(host, "-t", "short", file)
    assert (status, "without aborting current test" in output) == (4, True)
    done = host.agent("smart", "abort", file, "--expect-serial=FILE0001")
    assert done["done"]
    (found,) = rest.get("smart/test/results?disk=da0")
    assert (found["current_test"], found["tests"][0]["status_verbose"]) == (None, "Aborted by host")
    log = json.loads(smartctl(host, "-j", "-a", file)[1])["ata_smart_self_test_log"]["extended"]
    assert log["table"][0]["status"]["string"] == "Aborted by host"


def test_a_test_started_by_the_nas_is_in_smartctls_log(
    media_nas: MockNas, rest: Rest, host: Host
) -> None:
    identifier = rest.drive("da1")["identifier"]
    rest.post("smart/test/manual_test", [{"identifier": identifier, "type": "SHORT"}])
    media_nas.debug("complete-all-jobs")
    report = json.loads(smartctl(host, "--json=c", "-x", str(medium(media_nas, "da1")))[1])
    newest = report["ata_smart_self_test_log"]["extended"]["table"][0]
    assert (newest["type"]["value"], newest["status"]["passed"]) == (1, True)


def test_smartctl_of_what_is_not_there(host: Host) -> None:
    status, output = smartctl(host, "-j", "-x", "/dev/nosuch")
    assert status == 2
    assert json.loads(output)["smartctl"]["exit_status"] == 2


def test_a_flipped_bit_is_found_at_its_place(media_nas: MockNas, host: Host) -> None:
    media_nas.debug("flip-bit", {"name": "da0", "at_fraction": 0.5})
    host.start("da0", "run-f", LIMIT)
    head = wait_for(lambda: (now := host.head("run-f"))["verdict"] and now, 60, "it ends")
    assert head["verdict"]["verdict"] == "failed"
    (error,) = head["verdict"]["errors"]
    assert (error["class"], error["phase"]) == ("corrupt", "verify")
    assert error["offset_bytes"] <= 16 * MIB < error["offset_bytes"] + error["length_bytes"]
    detail = host.agent("surface", "detail", "--state", host.run_dir("run-f"))["detail"]
    assert detail["errors"][0]["bits"] == 1
    assert media_nas.debug("state")["flips"] == []


def test_a_bit_is_flipped_at_once(media_nas: MockNas) -> None:
    before = medium(media_nas, "da1").read_bytes()
    media_nas.debug("flip-bit", {"name": "da1", "at_fraction": 0.25, "now": True})
    after = medium(media_nas, "da1").read_bytes()
    pieces = range(0, len(before), MIB)
    changed = [at for at in pieces if before[at : at + MIB] != after[at : at + MIB]]
    assert changed == [8 * MIB]
    assert (before[8 * MIB] ^ after[8 * MIB]).bit_count() == 1


def test_a_drive_goes_and_comes_back_and_is_another(
    media_nas: MockNas, rest: Rest, host: Host
) -> None:
    def serials() -> list[str]:
        devices = host.agent("probe", status=None)["devices"]
        return [one["serial"] for one in devices if one["kind"] == "file"]

    media_nas.debug("drive/da0", {"vanished": True})
    assert [entry["name"] for entry in rest.get("disk")] == ["da1", "da2"]
    assert serials() == ["FILE0002", "FILE0003"]
    media_nas.debug("drive/da0", {"vanished": False, "serial": "OTHER001"})
    assert rest.drive("da0")["serial"] == "OTHER001"
    assert serials() == ["OTHER001", "FILE0002", "FILE0003"]


def test_a_drive_joins_a_pool_for_nas_and_host(media_nas: MockNas, rest: Rest, host: Host) -> None:
    media_nas.debug("drive/da0", {"pool": "tank"})
    (mirror,) = rest.get("pool")[0]["topology"]["data"]
    assert [leaf["disk"] for leaf in mirror["children"]] == ["da0", "da2"]
    refused = host.start("da0", "run-p", status=2)
    assert {"fact": "pool", "state": "in_use", "reason": "In pool tank"} in refused["reasons"]


def test_two_writers_lose_nothing_of_each_other(media_nas: MockNas, rest: Rest, host: Host) -> None:
    """The mock and the smartctl of its host keep one state."""
    names = ["da0", "da1", "da2"]
    urls = [f"disk/id/{quote(rest.drive(name)['identifier'])}" for name in names]
    files = " ".join(str(medium(media_nas, name)) for name in names)
    with ThreadPoolExecutor() as pool:
        each = "for i in 1 2 3; do smartctl -t long $file & done"
        started = pool.submit(host.run, f"for file in {files}; do {each}; done; wait")
        turn = 0
        while not started.done() or turn < 5:
            turn += 1
            for url in urls:
                assert rest.ask("PUT", url, {"description": f"turn {turn}"}).status_code == 200
        said = started.result().out.decode()
    assert said.count("Testing has begun") == 3, "once for each drive"
    for name in names:
        assert rest.drive(name)["description"] == f"turn {turn}"
        (found,) = rest.get(f"smart/test/results?disk={name}")
        assert [test["status"] for test in found["tests"]] == ["RUNNING"]
