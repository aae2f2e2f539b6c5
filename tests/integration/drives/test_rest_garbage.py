"""A NAS that answers garbage over real HTTP: NasError with a sentence, or a view that is right."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from drives.truenas.client import NasClient
from drives.truenas.connect import offers_jsonrpc
from drives.truenas.rest import Rest
from drives.truenas.session import Login
from drives.truenas.types import NasError

DISK = {
    "identifier": "{serial}A",
    "name": "sda",
    "serial": "A",
    "lunid": None,
    "model": "M",
    "size": 512,
    "type": "HDD",
    "expiretime": None,
    "pool": None,
}
POOL = {
    "name": "tank",
    "topology": {"data": [{"type": "MIRROR", "children": [{"disk": "sda", "children": []}]}]},
}
WHOLE: dict[str, Any] = {
    "/system/version": "TrueNAS-13.0-U6.1",
    "/disk": [DISK],
    "/boot/get_disks": ["sdz"],
    "/pool": [POOL],
    "/disk/get_unused": [],
    "/disk/temperatures": {"sda": 31},
    "/core/get_jobs": [],
}


class Garbage:
    """Answers as told: a JSON value, or (status, bytes) as they are."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = dict(WHOLE)
        self.drip_seconds = 0.0
        garbage, answers = self, self.answers

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path = self.path.partition("?")[0].removeprefix("/api/v2.0")
                answer = answers[path]
                status, body = (
                    answer if isinstance(answer, tuple) else (200, json.dumps(answer).encode())
                )
                self.send_response(status)
                self.send_header("Content-Length", str(len(body) + 9 * (status == 206)))
                self.send_header("Location", "http://127.0.0.1:1/elsewhere")
                self.end_headers()
                step = 2000 if garbage.drip_seconds else len(body) or 1
                with contextlib.suppress(OSError):
                    for start in range(0, len(body), step):
                        self.wfile.write(body[start : start + step])
                        time.sleep(garbage.drip_seconds)

            do_POST = do_GET

            def log_message(self, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def view(self) -> Any:
        with NasClient(Rest(self.url, "mock-key", verify_tls=False)) as client:
            return client.view()


@pytest.fixture
def nas() -> Iterator[Garbage]:
    garbage = Garbage()
    yield garbage
    garbage.server.shutdown()


def test_a_whole_answer(nas: Garbage) -> None:
    view = nas.view()
    assert view.drives[0].size_bytes == 512
    assert view.uses == {"sda": "In pool tank · mirror-0", "sdz": "Boot disk of the NAS"}
    assert view.temperatures == {"sda": 31}


@pytest.mark.parametrize("path", ["/disk", "/boot/get_disks"])
def test_an_empty_list_is_not_believed(nas: Garbage, path: str) -> None:
    nas.answers[path] = []
    with pytest.raises(NasError):
        nas.view()


@pytest.mark.parametrize("path", ["/disk", "/boot/get_disks", "/pool", "/disk/get_unused"])
@pytest.mark.parametrize(
    "answer",
    [
        None,
        {},
        "no",
        [None],
        [7],
        [{}],
        (500, b"<html>Internal Server Error</html>"),
        (401, b""),
        (403, b""),
        (302, b""),
        (206, b'[{"identifier": "'),
        (200, b'[{"identifier": "'),
        (200, b"\xff\xfe"),
        (200, b"[" * 100_000),
        (500, b'{"message":' * 100_000),
    ],
    ids=lambda answer: repr(answer)[:60],
)
def test_what_says_which_drives_are_in_use_must_be_whole(
    nas: Garbage, path: str, answer: Any
) -> None:
    nas.answers[path] = answer
    with pytest.raises(NasError) as caught:
        nas.view()
    assert "Traceback" not in str(caught.value) and len(str(caught.value)) < 400


@pytest.mark.parametrize(
    "topology",
    [
        None,
        [],
        {"data": None},
        {"data": [None]},
        {"data": [{"children": [7]}]},
        {"data": [{"type": "DISK", "disk": None, "status": "ONLINE", "children": []}]},
        {"log": [{"type": "DISK", "children": []}]},
        {},
        {"data": [], "log": []},
        {"data": [{"type": "DISK", "disk": None, "status": "UNAVAIL", "children": []}]},
        {"data": [{"type": "DISK", "disk": "multipath/disk1", "children": []}]},
    ],
    ids=repr,
)
def test_a_pool_whose_members_cannot_be_read_stops_the_poll(nas: Garbage, topology: Any) -> None:
    nas.answers["/pool"] = [{"name": "tank", "topology": topology}]
    with pytest.raises(NasError, match="tank"):
        nas.view()


def test_a_disk_must_be_told_to_be_unused_and_in_no_pool(nas: Garbage) -> None:
    nas.answers["/pool"] = []
    assert nas.view().uses["sda"] == "The NAS doesn’t count it among the unused disks"
    nas.answers["/disk/get_unused"] = [DISK]
    assert "sda" not in nas.view().uses
    nas.answers["/disk"] = [DISK | {"pool": "tank"}]
    assert nas.view().uses["sda"] == "In pool tank"


def test_disks_of_one_name_are_not_told_apart_by_it(nas: Garbage) -> None:
    nas.answers["/disk"] = [DISK, DISK | {"identifier": "{serial}B", "serial": "B"}]
    nas.answers["/disk/get_unused"] = [DISK]
    nas.answers["/pool"] = []
    assert nas.view().uses["sda"] == "The NAS lists 2 disks named sda"


def test_a_member_that_is_gone_does_not_stop_the_poll(nas: Garbage) -> None:
    gone = {"type": "DISK", "disk": None, "status": "UNAVAIL", "children": []}
    left = {"type": "DISK", "disk": "sda", "status": "ONLINE", "children": []}
    mirror = {"type": "MIRROR", "children": [gone, left]}
    nas.answers["/pool"] = [{"name": "tank", "topology": {"data": [mirror]}}]
    assert nas.view().uses["sda"] == "In pool tank · mirror-0"


@pytest.mark.parametrize(
    ("field", "value", "read"),
    [
        ("size", 10**30, 0),
        ("size", -1, 0),
        ("size", "512", 0),
        ("serial", "A\0B", ""),
        ("serial", "A" * 201, ""),
        ("model", "M\x1b[31m", ""),
        ("lunid", 7, ""),
    ],
)
def test_a_fact_that_can_not_be_right_is_unknown(
    nas: Garbage, field: str, value: Any, read: Any
) -> None:
    nas.answers["/disk"] = [DISK | {field: value}]
    drive = nas.view().drives[0]
    assert {"size": drive.size_bytes}.get(field, getattr(drive, field, None)) == read


def test_a_list_of_versions_that_drips_ends(nas: Garbage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drives.truenas.rest.WHOLE_ANSWER_SECONDS", 0.3)
    nas.answers["/api/versions"], nas.drip_seconds = ["v25.04.0"] * 3000, 0.05
    with pytest.raises(NasError, match="took more than"):
        offers_jsonrpc(Login(nas.url, "key", user="", verify_tls=True, allow_http=True))


def test_an_answer_that_drips_ends(nas: Garbage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drives.truenas.rest.WHOLE_ANSWER_SECONDS", 0.2)
    nas.drip_seconds = 0.05
    nas.answers["/disk"] = [DISK] * 500
    with pytest.raises(NasError, match="took more than"):
        nas.view()


@pytest.mark.parametrize("role", ["log", "cache", "spare", "special", "dedup"])
def test_every_role_in_a_pool_is_in_use(nas: Garbage, role: str) -> None:
    leaf = {"type": "DISK", "disk": "sda", "children": []}
    nas.answers["/pool"] = [{"name": "tank", "topology": {"data": [], role: [leaf]}}]
    assert nas.view().uses["sda"] == f"In pool tank · {role}"


@pytest.mark.parametrize(
    "answer", [None, [], "x", (500, b""), {"sda": None, "sdb": -1, "sdc": "3"}]
)
def test_temperatures_are_missing_rather_than_wrong(nas: Garbage, answer: Any) -> None:
    nas.answers["/disk/temperatures"] = answer
    assert nas.view().temperatures == {}


@pytest.mark.parametrize("answer", [None, {}, [{}], [{"id": 1, "arguments": []}], (500, b"")])
def test_jobs_that_cannot_be_read_are_unknown_not_none(nas: Garbage, answer: Any) -> None:
    nas.answers["/core/get_jobs"] = answer
    assert nas.view().jobs is None


def test_a_key_never_travels_over_plain_http_to_another_machine() -> None:
    with pytest.raises(NasError, match="plain http"):
        Rest("http://192.0.2.1", "key", verify_tls=False)


def test_a_list_of_disks_that_says_nothing_of_pools_is_not_believed(nas: Garbage) -> None:
    """A CORE that did not understand what it was asked for."""
    nas.answers["/disk"] = [{key: value for key, value in DISK.items() if key != "pool"}]
    with pytest.raises(NasError, match="in a pool"):
        nas.view()


def test_extra_pools_ignored_frees_no_member(nas: Garbage) -> None:
    """Then `pool` is null for each disk: the pools themselves and the unused disks decide."""
    nas.answers["/disk"] = [{**DISK, "pool": None}, {**DISK, "name": "sdb", "identifier": "b"}]
    nas.answers["/disk/get_unused"] = [{"name": "sdb"}]
    uses = nas.view().uses
    assert "tank" in uses["sda"] and "sdb" not in uses
    nas.answers["/disk/get_unused"] = []
    assert "unused" in nas.view().uses["sdb"]


FREE = {"name": "sda", "identifier": "{serial}A", "exported_zpool": None, "duplicate_serial": []}


@pytest.mark.parametrize(
    ("used", "unused", "reason"),
    [
        ([], [FREE], None),
        ([], [], "The NAS doesn’t count it among the unused disks"),
        ([FREE | {"imported_zpool": "tank"}], [], "The NAS doesn’t count it among"),
        ([FREE], [FREE], "The NAS doesn’t count it among"),
        ([], [FREE | {"identifier": "{serial}B"}], "The NAS doesn’t count it among"),
        ([], [FREE | {"identifier": None}], "The NAS doesn’t count it among"),
        ([FREE | {"exported_zpool": "old"}], [], "In pool old, which is exported"),
        ([], [FREE | {"exported_zpool": "old"}], "In pool old, which is exported"),
        ([], [FREE | {"duplicate_serial": ["sdb"]}], "its serial on another disk too"),
    ],
)
def test_what_disk_details_says_of_a_disk_in_no_pool(
    nas: Garbage, used: list[Any], unused: list[Any], reason: str | None
) -> None:
    """24.10 and later. A name alone frees nothing, nor does being in neither list."""
    nas.answers["/system/version"] = "TrueNAS-SCALE-24.10.2.4"
    nas.answers["/pool"] = []
    nas.answers["/disk/details"] = {"used": used, "unused": unused}
    use = nas.view().uses.get("sda")
    assert use is None if reason is None else use and reason in use


@pytest.mark.parametrize("answer", [None, [], {}, {"used": []}, {"used": [], "unused": [7]}])
def test_disk_details_that_cannot_be_read_stop_the_poll(nas: Garbage, answer: Any) -> None:
    nas.answers["/system/version"] = "TrueNAS-SCALE-24.10.2.4"
    nas.answers["/disk/details"] = answer
    with pytest.raises(NasError):
        nas.view()


@pytest.mark.parametrize(
    ("flag", "reason"),
    [
        ({"exported_zpool": "old"}, "In pool old, which is exported"),
        ({"unsupported_md_devices": ["md127"]}, "It belongs to an MD array"),
        ({"duplicate_serial": ["sdb"]}, "its serial on another disk too"),
    ],
)
def test_what_22_12_to_24_04_offer_all_the_same(
    nas: Garbage, flag: dict[str, Any], reason: str
) -> None:
    nas.answers["/system/version"] = "TrueNAS-SCALE-22.12.4.2"
    nas.answers["/pool"] = []
    nas.answers["/disk/get_unused"] = [DISK | flag]
    assert reason in nas.view().uses["sda"]
