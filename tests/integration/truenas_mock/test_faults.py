"""What goes wrong on request in the API, and for how long."""

from __future__ import annotations

import time
from typing import Any

import pytest
import requests

from tests.nas import MockNas

from .conftest import Rest


def fault(nas: MockNas, what: str, **more: Any) -> None:
    nas.debug("fault", {"what": what, "times": 1, **more})


@pytest.mark.parametrize("status", [500, 401, 429])
def test_an_error_for_one_call(nas: MockNas, rest: Rest, status: int) -> None:
    fault(nas, str(status))
    answer = rest.ask("GET", "disk")
    assert answer.status_code == status
    assert answer.text == "401: Unauthorized" if status == 401 else "message" in answer.json()
    assert rest.ask("GET", "disk").status_code == 200


def test_for_one_path_until_it_is_taken_away(nas: MockNas, rest: Rest) -> None:
    fault(nas, "500", path="/pool", times=None)
    assert [rest.ask("GET", path).status_code for path in ("disk", "pool", "pool")] == [
        200,
        500,
        500,
    ]
    assert nas.debug("state")["faults"][0]["path"] == "/pool"
    nas.debug("fault", {})
    assert rest.ask("GET", "pool").status_code == 200


def test_the_connection_is_cut_in_mid_answer(nas: MockNas, rest: Rest) -> None:
    fault(nas, "cut")
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        rest.ask("GET", "disk")
    assert len(rest.get("disk")) == 15


def test_half_a_document_as_if_it_were_whole(nas: MockNas, rest: Rest) -> None:
    fault(nas, "half")
    answer = rest.ask("GET", "disk")
    assert answer.status_code == 200
    with pytest.raises(requests.JSONDecodeError):
        answer.json()


def test_an_error_page_of_a_proxy(nas: MockNas, rest: Rest) -> None:
    fault(nas, "garbage")
    answer = rest.ask("GET", "disk")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html")


def test_slow_and_no_answer_at_all(nas: MockNas, rest: Rest) -> None:
    fault(nas, "slow", seconds=0.3)
    began = time.monotonic()
    assert rest.get("core/ping") == "pong"
    assert time.monotonic() - began >= 0.3
    fault(nas, "hang")
    with pytest.raises(requests.Timeout):
        rest.session.get(f"{rest.root}/core/ping", timeout=0.2)
    assert rest.get("core/ping") == "pong"


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("fault", {"what": "nosuch"}, 422),
        ("fault", {"where": "ssh", "what": "500"}, 422),
        ("fault", {"what": "500", "often": 3}, 422),
        ("drive/nosuch", {"vanished": True}, 404),
        ("drive/sda", {"nosuch": True}, 422),
        ("flip-bit", {"name": "sda", "at_fraction": 0.3}, 422),
        ("nosuch", {}, 404),
    ],
)
def test_what_makes_no_sense_is_refused(
    nas: MockNas, path: str, body: dict[str, Any], status: int
) -> None:
    answer = requests.post(f"{nas.url}/debug/{path}", json=body, timeout=10)
    assert (answer.status_code, list(answer.json())) == (status, ["message"])


def test_reset_takes_everything_away(nas: MockNas, rest: Rest) -> None:
    fault(nas, "500", times=None)
    nas.debug("drive/sda", {"vanished": True, "temperature": 70})
    nas.debug("reset")
    state = nas.debug("state")
    assert (state["faults"], state["runs"], state["jobs"]) == ([], [], [])
    assert len(rest.get("disk")) == 15
