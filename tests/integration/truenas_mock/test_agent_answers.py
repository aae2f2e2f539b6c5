"""The agent's protocol on simulated drives: every answer holds to agent/protocol.schema.json.

`Host.agent` validates each one; here stands what they say.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.nas import MockNas
from tests.waiting import wait_for

from .conftest import Rest
from .host import Host


@pytest.fixture
def host(host: Host) -> Host:
    host.ship()
    return host


def surface(
    host: Host, action: str, run_id: str, *more: str, status: int | None = 0
) -> dict[str, Any]:
    state = host.run_dir(run_id)
    return dict(host.agent("surface", action, "--state", state, *more, status=status))


def test_probe_tells_what_the_nas_tells(rest: Rest, host: Host) -> None:
    answer = host.agent("probe")
    assert answer["host"]["system"] == "FreeBSD"
    told = {one["name"]: (one["serial"], one["size_bytes"]) for one in answer["devices"]}
    assert told == {one["name"]: (one["serial"], one["size"]) for one in rest.get("disk")}
    used = {one["name"]: one["use"] for one in answer["devices"] if one["use"]}
    assert used == dict.fromkeys(
        ["sdi", "sdj"], [{"fact": "pool", "state": "in_use", "detail": "In pool tank"}]
    )
    assert all(one["smartctl"] is None for one in answer["devices"])


def test_probe_of_one_with_smart(host: Host) -> None:
    path = host.device("sda")["path"]
    answer = host.agent("probe", path, "/dev/mock/nosuch", "--smart")
    (device,) = answer["devices"]
    report = device["smartctl"]
    assert report["serial_number"] == device["serial"]
    assert report["smart_status"] == {"passed": True}
    assert device["temperature_c"] == report["temperature"]["current"]
    counters = {row["id"]: row["raw"]["value"] for row in report["ata_smart_attributes"]["table"]}
    assert {5, 187, 188, 197, 198, 199} <= set(counters)


def test_smart_of_host_and_nas_tell_the_same_test(nas: MockNas, rest: Rest, host: Host) -> None:
    identifier = rest.drive("sdk")["identifier"]
    rest.post("smart/test/manual_test", [{"identifier": identifier, "type": "LONG"}])
    path = host.device("sdk")["path"]
    root = str(host.nas.state_dir)

    def log() -> tuple[int, str]:
        (device,) = host.agent("status", "--root", root, "--smart", path)["devices"]
        report = device["smartctl"]
        (section,) = report["ata_smart_self_test_log"].values()
        running = report["ata_smart_data"]["self_test"]["status"]["value"] >> 4 == 15
        return running, section["table"][0]["status"]["string"]

    assert log() == (True, "Self-test routine in progress")
    done = host.agent("smart", "abort", path, f"--expect-serial={rest.drive('sdk')['serial']}")
    assert done["done"] and "aborted" in done["output"]
    assert log() == (False, "Aborted by host")
    (found,) = rest.get("smart/test/results?disk=sdk")
    assert (found["current_test"], found["tests"][0]["status"]) == (None, "FAILED")
    assert found["tests"][0]["status_verbose"] == "Aborted by host"


def test_abort_of_another_drive_is_an_error(host: Host) -> None:
    path = host.device("sda")["path"]
    answer = host.agent("smart", "abort", path, "--expect-serial=OTHER", status=3)
    assert answer["answer"] == "error"


def test_guard(host: Host) -> None:
    def ask(name: str, status: int, **other: object) -> dict[str, str]:
        facts = host.device(name) | other
        answer = host.agent(
            "guard", facts["path"], f"--expect-serial={facts['serial']}",
            f"--expect-size={facts['size_bytes']}", status=status,
        )  # fmt: skip
        assert answer["allowed"] == (status == 0) == (set(answer["facts"].values()) == {"clear"})
        return {reason["fact"]: reason["state"] for reason in answer["reasons"]}

    assert ask("sda", 0) == {}
    assert ask("sdi", 2) == {"pool": "in_use"}
    assert ask("sda", 2, serial="OTHER") == {"identity": "unknown"}
    assert ask("sda", 2, size_bytes=512) == {"size": "unknown"}
    assert ask("sda", 2, path="/dev/mock/nosuch") == {"kind": "unknown"}


def test_a_run_from_start_to_verdict(nas: MockNas, host: Host) -> None:
    started = host.start("sda", "run-1", "--passes", "2")
    assert (started["run_id"], started["outcome"]) == ("run-1", "started")
    size = started["run"]["identity"]["size_bytes"]
    assert started["run"]["bytes_total"] == 4 * size
    assert host.start("sda", "run-1")["outcome"] == "running"
    wait_for(lambda: host.head("run-1")["percent"] > 0, 10, "it moves by itself")
    nas.debug("complete-all-jobs")
    head = host.head("run-1")
    assert (head["phase"], head["alive"], head["percent"]) == ("done", False, 100)
    verdict = head["verdict"]
    assert (verdict["verdict"], verdict["reasons"], verdict["errors"]) == ("passed", [], [])
    assert verdict["bytes_written"] == verdict["bytes_verified"] == 2 * size
    assert host.start("sda", "run-1")["outcome"] == "finished"
    detail = surface(host, "detail", "run-1")["detail"]
    assert set(detail["regions"]) == {"write-1", "verify-1", "write-2", "verify-2"}
    assert all(None not in regions for regions in detail["regions"].values())
    status = host.agent("status", "--root", str(nas.state_dir))
    assert [run["run_id"] for run in status["runs"]] == ["run-1"]
    surface(host, "remove", "run-1")
    assert surface(host, "status", "run-1", status=3)["error"] == "there is no run run-1"


def test_a_sample_takes_less_and_says_that_it_is_one(nas: MockNas, host: Host) -> None:
    started = host.start("sda", "run-s", "--sample")["run"]
    assert started["sample"] is True and started["passes"] == 1
    nas.debug("complete-all-jobs")
    verdict = host.head("run-s")["verdict"]
    assert verdict["verdict"] == "passed"
    sampled = verdict["sample"]["bytes"]
    assert verdict["bytes_written"] == verdict["bytes_verified"] == sampled
    assert sampled < verdict["size_bytes"] / 100
    assert started["bytes_total"] == 2 * sampled


def test_a_run_pauses_in_heat_goes_on_and_ends_before_it_burns(nas: MockNas, host: Host) -> None:
    limits = ["--temp-pause=55", "--temp-resume=48", "--temp-abort=62"]
    assert host.start("sda", "run-h", *limits)["run"]["temperature_c"] > 20
    nas.debug("drive/sda", {"temperature": 56})
    hot = host.head("run-h")
    assert (hot["paused"]["by"], hot["temperature_c"]) == ("temperature", 56)
    nas.debug("drive/sda", {"temperature": 50})
    assert host.head("run-h")["paused"], "not below the resume limit yet"
    nas.debug("drive/sda", {"temperature": 47})
    assert host.head("run-h")["paused"] is None
    nas.debug("drive/sda", {"temperature": 62})
    verdict = host.head("run-h")["verdict"]
    assert verdict["verdict"] == "failed"
    assert verdict["reasons"] == ["temperature: 62 °C, the limit is 62 °C"]
    assert surface(host, "detail", "run-h")["detail"]["temperatures"]


def test_the_failing_drive_fails_at_thirty_percent(nas: MockNas, host: Host) -> None:
    host.start("sdn", "run-n")
    nas.debug("complete-all-jobs")
    head = host.head("run-n")
    verdict = head["verdict"]
    assert verdict["verdict"] == "failed" and 29 <= head["percent"] <= 31
    (error,) = verdict["errors"]
    assert error["class"] == "read_error"
    assert error["lba"] * 512 == error["offset_bytes"] > 0
    assert verdict["error_count"] > 0 and head["first_error"] == error
    detail = surface(host, "detail", "run-n")["detail"]
    assert detail["errors"][0]["lba"] == error["lba"]
    (device,) = host.agent("probe", host.device("sdn")["path"], "--smart")["devices"]
    table = device["smartctl"]["ata_smart_attributes"]["table"]
    assert next(row for row in table if row["id"] == 197)["raw"]["value"] > 0


def test_pause_limit_resume_stop(host: Host) -> None:
    host.start("sda", "run-2", "--rate-limit=1000000")
    paused = surface(host, "pause", "run-2", "--by=olga")["run"]
    assert paused["paused"]["by"] == "operator" and "olga" in paused["paused"]["reason"]
    assert host.head("run-2")["percent"] == paused["percent"]
    assert surface(host, "resume", "run-2")["run"]["paused"] is None
    assert surface(host, "limit", "run-2", "--rate=0")["run"]["alive"]
    assert surface(host, "remove", "run-2", status=3)["answer"] == "error"
    stopped = surface(host, "stop", "run-2", "--by=olga")["run"]
    assert not stopped["alive"]
    assert stopped["verdict"]["verdict"] == "inconclusive"
    assert stopped["verdict"]["reasons"] == ["stopped: by olga"]


def test_refused_starts(host: Host) -> None:
    refused = host.start("sdi", "run-3", status=2)
    assert (refused["outcome"], refused["run"]) == ("refused", None)
    assert [reason["fact"] for reason in refused["reasons"]] == ["pool"]
    host.start("sda", "run-4")
    second = host.start("sda", "run-5", status=2)
    assert [reason["fact"] for reason in second["reasons"]] == ["lock"]
    assert surface(host, "status", "run-5", status=3)["answer"] == "error"


def test_a_run_goes_on_from_the_callers_copy(nas: MockNas, host: Host) -> None:
    host.start("sda", "run-6")
    wait_for(lambda: host.head("run-6")["percent"] > 1, 10, "it is under way")
    copy = host.head("run-6")
    nas.debug("reset")  # the host has lost everything
    again = host.start("sda", "run-6", "--restore", stdin=json.dumps(copy).encode())
    assert again["outcome"] == "started"
    assert (again["run"]["seed"], again["run"]["resumed"]) == (copy["seed"], 1)
    assert again["run"]["percent"] >= copy["percent"] - 1
    wrong = host.start("sdb", "run-7", "--restore", stdin=json.dumps(copy).encode(), status=2)
    assert wrong["outcome"] == "refused"


def test_a_run_waits_for_a_drive_that_is_gone(nas: MockNas, host: Host) -> None:
    host.start("sda", "run-8")
    nas.debug("drive/sda", {"vanished": True})
    head = host.head("run-8")
    assert head["paused"]["by"] == "state" and head["verdict"] is None
    assert "sda" not in [one["name"] for one in host.agent("probe")["devices"]]
    nas.debug("drive/sda", {"vanished": False})
    assert host.head("run-8")["paused"] is None


@pytest.mark.parametrize(
    "argv", [["nosuch"], ["surface", "start"], ["surface", "limit", "--state", "/x"], []]
)
def test_what_it_does_not_understand_is_an_error(host: Host, argv: list[str]) -> None:
    assert host.agent(*argv, status=3)["answer"] == "error"


def test_the_agent_must_have_been_shipped(host: Host) -> None:
    host.zipapp.unlink()
    done = host.run(f"exec python3 -I -B {host.zipapp} probe")
    assert (done.status, done.out) == (2, b"")
    assert b"can't open file" in done.errors
