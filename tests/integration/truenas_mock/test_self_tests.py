"""SMART self-tests by the API: what starts one, what its job says, what the drive's log says."""

from __future__ import annotations

from typing import Any

import pytest

from tests.nas import MockNas
from tests.waiting import wait_for

from .conftest import Rest


def start(rest: Rest, name: str, kind: str = "SHORT") -> dict[str, Any]:
    identifier = rest.drive(name)["identifier"]
    (entry,) = rest.post("smart/test/manual_test", [{"identifier": identifier, "type": kind}])
    return dict(entry)


def results(rest: Rest, name: str) -> dict[str, Any]:
    (found,) = rest.get(f"smart/test/results?disk={name}")
    return dict(found)


def job(rest: Rest, number: int) -> dict[str, Any]:
    (found,) = rest.get(f"core/get_jobs?id={number}")
    return dict(found)


def test_a_test_is_started_and_has_a_job(rest: Rest) -> None:
    before = results(rest, "sda")
    assert before["current_test"] is None
    entry = start(rest, "sda")
    assert set(entry) == {"disk", "identifier", "expected_result_time", "job"}
    assert set(entry["expected_result_time"]) == {"$date"}
    (found,) = rest.get("core/get_jobs?method=smart.test.wait")
    assert (found["id"], found["method"]) == (entry["job"], "smart.test.wait")
    assert (found["state"], found["time_finished"]) == ("RUNNING", None)
    assert found["arguments"] == [
        {"disk": "sda", "identifier": entry["identifier"], "type": "SHORT", "mode": "BACKGROUND"},
        entry["expected_result_time"],
    ]
    assert rest.get("core/get_jobs?method=smart.test") == [], "nothing is listed under that name"
    now = results(rest, "sda")
    assert now["current_test"] == {"progress": 10}, "in ATA's steps of ten"
    assert now["tests"][1:] == [test | {"num": test["num"] + 1} for test in before["tests"]]
    assert (now["tests"][0]["num"], now["tests"][0]["status"]) == (1, "RUNNING")


def test_a_test_that_ends_is_success_for_the_job_whatever_the_log_says(
    nas: MockNas, rest: Rest
) -> None:
    good, bad = start(rest, "sda"), start(rest, "sdn", "LONG")
    nas.debug("complete-all-jobs")
    for entry in (good, bad):
        done = job(rest, entry["job"])
        assert (done["state"], done["result"], done["progress"]["percent"]) == (
            "SUCCESS",
            None,
            100,
        )
        assert set(done["time_finished"]) == {"$date"}
    assert results(rest, "sda")["tests"][0]["status_verbose"] == "Completed without error"
    failed = results(rest, "sdn")["tests"][0]
    assert (failed["status"], failed["description"]) == ("FAILED", "Extended offline")
    assert failed["status_verbose"] == "Completed: read failure"
    assert (failed["remaining"], failed["lba_of_first_error"].isdigit()) == (0.7, True)


def test_a_test_ends_by_the_clock(rest: Rest, nas: MockNas, mock_nas: Any) -> None:
    fast = Rest(mock_nas(speed=300))
    entry = start(fast, "sda")
    done = wait_for(lambda: job(fast, entry["job"])["time_finished"], 10, "90 s are over")
    assert results(fast, "sda")["current_test"] is None
    assert done["$date"] >= entry["expected_result_time"]["$date"]


def test_aborting_the_job_lets_the_drive_go_on(rest: Rest) -> None:
    entry = start(rest, "sda")
    assert rest.post("core/job_abort", entry["job"]) is None
    assert job(rest, entry["job"])["state"] == "ABORTED"
    assert results(rest, "sda")["current_test"] is not None
    unknown = rest.ask("POST", "core/job_abort", 4711)
    assert (unknown.status_code, set(unknown.json())) == (500, {"message", "traceback"})


def test_a_second_test_does_not_start_and_that_is_200(rest: Rest) -> None:
    start(rest, "sda", "LONG")
    entry = start(rest, "sda")
    assert "job" not in entry and "expected_result_time" not in entry
    assert "Can't start self-test without aborting current test (90% remaining)" in entry["error"]


@pytest.mark.parametrize(
    ("body", "attribute", "words"),
    [
        ([], "disks", "at least one disk"),
        ([{"identifier": "sda", "type": "SHORT"}], "disks.0.identifier", "sda is not valid"),
        ([{"identifier": "{serial}X", "type": "LONG"}], "disks.0.identifier", "is not valid"),
        (
            [{"identifier": "{serial}X"}],
            "disks",
            "Item#0 is not valid per list types: [type] attribute required",
        ),
        ([{"identifier": "X", "type": "QUICK"}], "disks", "[type] Invalid choice: QUICK"),
        ([{"identifier": "X", "type": "LONG", "a": 1}], "disks", "[a] Field was not expected"),
        (["{serial}X"], "disks", "A dict was expected"),
        ({"disks": []}, "disks", "list"),
    ],
)
def test_refused_calls(rest: Rest, body: Any, attribute: str, words: str) -> None:
    answer = rest.ask("POST", "smart/test/manual_test", body)
    assert answer.status_code == 422
    (error,) = answer.json()[attribute]
    assert words in error["message"] and error["errno"] == 22


def test_one_wrong_disk_rejects_the_whole_call(rest: Rest) -> None:
    good = {"identifier": rest.drive("sda")["identifier"], "type": "SHORT"}
    wrong = {"identifier": "nosuch", "type": "SHORT"}
    answer = rest.ask("POST", "smart/test/manual_test", [good, wrong])
    assert (answer.status_code, list(answer.json())) == (422, ["disks.1.identifier"])
    assert rest.get("core/get_jobs") == []
    assert results(rest, "sda")["current_test"] is None


def test_post_to_smart_test_is_a_schedule_for_ever(rest: Rest) -> None:
    wrong = rest.ask("POST", "smart/test", {"disks": ["sda"], "type": "SHORT"})
    assert (wrong.status_code, list(wrong.json())) == (422, ["smart_test_create.disks"])
    identifier = rest.drive("sda")["identifier"]
    made = rest.post("smart/test", {"disks": [identifier], "type": "SHORT"})
    assert made["schedule"] == {"hour": "*", "dom": "*", "month": "*", "dow": "*"}
    assert rest.get("smart/test") == [made]
    assert results(rest, "sda")["current_test"] is None, "nothing was started"
    changed = rest.ask("PUT", f"smart/test/id/{made['id']}", {"type": "LONG"}).json()
    assert changed["type"] == "LONG"
    assert rest.ask("DELETE", f"smart/test/id/{made['id']}").json() is True
    assert rest.ask("GET", f"smart/test/id/{made['id']}").status_code == 404


def test_results_are_filtered_by_disk_alone(rest: Rest) -> None:
    assert len(rest.get("smart/test/results")) == 15
    assert rest.get("smart/test/results?serial=FAIL001") == []
    assert set(results(rest, "sdn")) == {"disk", "tests", "current_test"}


def test_the_choices_are_identifiers_with_names(rest: Rest) -> None:
    choices = rest.post("smart/test/disk_choices", False)
    assert len(choices) == 15
    assert choices[rest.drive("sdk")["identifier"]] == "sdk"


def test_the_job_of_a_vanished_drive_fails(nas: MockNas, rest: Rest) -> None:
    entry = start(rest, "sda")
    nas.debug("drive/sda", {"vanished": True})
    failed = job(rest, entry["job"])
    assert failed["state"] == "FAILED"
    assert failed["error"] == "[EFAULT] No S.M.A.R.T. test results found for sda"
    assert rest.get("smart/test/results?disk=sda") == []
