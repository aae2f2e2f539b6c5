"""CORE 13.0's REST API over real HTTP, with the traps that a real NAS has."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import quote

import pytest

from tests.nas import MockNas

from .conftest import Rest

WITH_POOLS = {"query-filters": [], "query-options": {"extra": {"pools": True}}}
MEMBERS = ["sdi", "sdj"]


def pools(entries: list[dict[str, Any]]) -> dict[str, str]:
    return {entry["name"]: entry["pool"] for entry in entries if entry["pool"]}


def test_the_fifteen_drives(rest: Rest) -> None:
    entries = rest.get("disk")
    assert [entry["name"] for entry in entries] == [f"sd{letter}" for letter in "abcdefghijklmno"]
    models = [entry["model"] for entry in entries]
    assert {model: models.count(model) for model in models} == {
        "ST12000NM0008": 3,
        "WD80EFAX": 3,
        "ST16000NM001G": 2,
        "ST4000VN008": 2,
        "TOSHIBA MG06ACA10TE": 2,
        "HGST HUS728T8TAL5200": 1,
        "ST6000DM003": 1,
        "FAIL001": 1,
    }
    assert entries[13]["serial"] == "FAIL001"
    assert len({entry["serial"] for entry in entries}) == 15
    for entry in entries:
        assert entry["identifier"] == f"{{serial_lunid}}{entry['serial']}_{entry['lunid']}"
        assert entry["size"] % 4096 == 0
        assert not {"temperature", "smart_health", "passwd"} & set(entry)


def test_pool_is_null_for_every_disk_unless_asked_for_in_the_body(rest: Rest) -> None:
    assert pools(rest.get("disk")) == {}
    assert pools(rest.get("disk", WITH_POOLS)) == dict.fromkeys(MEMBERS, "tank")


def test_extra_in_the_query_string_is_a_filter_that_matches_nothing(rest: Rest) -> None:
    assert rest.get("disk?extra.pools=1") == []
    assert rest.get("disk?extra.pools=true", WITH_POOLS) == [], "and then no body is read"


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("name=sdc", ["sdc"]),
        ("name__regex=sd[ab]", ["sda", "sdb"]),
        ("model__neq=ST12000NM0008&limit=1", ["sdd"]),
        ("size__lt=5000000000000", MEMBERS),
        ("offset=14", ["sdo"]),
        ("name=nosuch", []),
    ],
)
def test_filters_of_the_query_string(rest: Rest, query: str, names: list[str]) -> None:
    assert [entry["name"] for entry in rest.get(f"disk?{query}")] == names


def test_filters_and_options_of_the_body(rest: Rest) -> None:
    def ask(filters: Any, **options: Any) -> Any:
        return rest.get("disk", {"query-filters": filters, "query-options": options})

    assert ask([["name", "=", "sdb"]], get=True)["name"] == "sdb"
    assert ask([["name", "in", ["sda", "sdo"]]], count=True) == 2
    assert [entry["name"] for entry in ask([], order_by=["-name"], limit=1)] == ["sdo"]
    either = ["OR", [["name", "=", "sda"], ["name", "=", "sdn"]]]
    assert [entry["name"] for entry in ask([either])] == ["sda", "sdn"]


def test_get_that_matches_nothing_is_404(rest: Rest) -> None:
    body = {"query-filters": [["name", "=", "nosuch"]], "query-options": {"get": True}}
    answer = rest.ask("GET", "disk", body)
    assert (answer.status_code, list(answer.json())) == (404, ["message"])


def test_a_filter_that_makes_no_sense_breaks_the_method(rest: Rest) -> None:
    """CORE doesn't look at it before. An option that there isn't is found."""
    answer = rest.ask("GET", "disk", {"query-filters": [["name", "resembles", "sda"]]})
    assert answer.status_code == 500
    assert answer.json()["message"] == "Invalid operation: resembles"
    answer = rest.ask("GET", "disk?sort=name")
    assert (answer.status_code, list(answer.json())) == (422, ["sort"])
    assert rest.ask("GET", "disk?limit=many").json()["limit"][0]["message"] == "Not an integer"


def test_disk_by_id_is_an_error_on_core_but_can_be_changed(rest: Rest) -> None:
    identifier = rest.drive("sda")["identifier"]
    answer = rest.ask("GET", f"disk/id/{quote(identifier)}")
    assert (answer.status_code, set(answer.json())) == (500, {"message", "traceback"})
    (found,) = rest.get(f"disk?identifier={quote(identifier)}")
    assert found["description"] == ""
    changed = rest.ask("PUT", f"disk/id/{quote(identifier)}", {"description": "bay 7"})
    assert (changed.status_code, changed.json()["description"]) == (200, "bay 7")
    assert rest.drive("sda")["description"] == "bay 7"
    wrong = rest.ask("PUT", f"disk/id/{quote(identifier)}", {"pool": "tank"})
    assert wrong.status_code == 422
    assert list(wrong.json()) == ["disk_update.pool"]


def test_the_pool_and_the_boot_disks(rest: Rest) -> None:
    (tank,) = rest.get("pool")
    (mirror,) = tank["topology"]["data"]
    assert mirror["type"] == "MIRROR"
    assert [leaf["disk"] for leaf in mirror["children"]] == MEMBERS
    assert rest.get("pool/id/1")["name"] == "tank"
    assert rest.post("pool/id/1/get_disks") == MEMBERS
    assert rest.ask("GET", "pool/id/9").status_code == 404
    (boot,) = rest.get("boot/get_disks")
    assert boot not in MEMBERS
    unused = [entry["name"] for entry in rest.post("disk/get_unused", True)]
    assert len(unused) == 13 and not set(MEMBERS) & set(unused)


def test_an_offline_pool_has_no_topology(nas: MockNas, rest: Rest) -> None:
    nas.debug("pool/tank", {"offline": True})
    (tank,) = rest.get("pool")
    assert (tank["status"], tank["topology"]) == ("OFFLINE", None)


def test_temperatures_come_from_one_shared_cache(nas: MockNas, rest: Rest) -> None:
    """Whatever names are asked within 300 s, the first answer is given again."""
    ask = {"names": ["sda"], "powermode": "NEVER"}
    first = rest.post("disk/temperatures", ask)
    assert list(first) == ["sda"]
    nas.debug("drive/sda", {"temperature": 58})
    assert rest.post("disk/temperatures", ask | {"names": ["sdb"]}) == first
    assert rest.post("disk/temperature", {"name": "sda", "powermode": "NEVER"}) == 58
    assert rest.post("disk/temperature", {"name": "nosuch"}) is None


def test_temperatures_of_all_are_those_watched_by_smart(rest: Rest) -> None:
    identifier = rest.drive("sdb")["identifier"]
    rest.ask("PUT", f"disk/id/{quote(identifier)}", {"togglesmart": False})
    found = rest.post("disk/temperatures", {"names": []})
    assert len(found) == 14 and "sdb" not in found
    assert all(isinstance(celsius, int) and 20 < celsius < 50 for celsius in found.values())


def test_arguments_by_other_names_are_400(rest: Rest) -> None:
    answer = rest.ask("POST", "disk/temperatures", {"name": "sda"})
    assert answer.status_code == 400
    assert "name" in answer.json()["message"]
    assert rest.ask("POST", "disk/temperatures", ["sda"]).status_code == 400
    assert rest.ask("GET", "disk", {"filters": []}).status_code == 400
    missing = rest.ask("POST", "disk/temperature", {"powermode": "NEVER"})
    assert missing.json() == {"message": "name attribute expected."}


def test_a_body_that_is_no_json_is_400(nas: MockNas, rest: Rest) -> None:
    answer = rest.session.post(f"{rest.root}/smart/test/manual_test", data="{", timeout=10)
    assert answer.status_code == 400
    assert rest.get("core/ping") == "pong", "the connection lives on"


@pytest.mark.parametrize("authorization", [None, "Bearer wrong", "Basic !!!", "Token mock-key"])
def test_without_the_key_everything_is_401(nas: MockNas, authorization: str | None) -> None:
    rest = Rest(nas, authorization)
    for path in ("disk", "pool"):
        answer = rest.ask("GET", path)
        assert (answer.status_code, answer.text) == (401, "401: Unauthorized")
        assert answer.headers["Content-Type"].startswith("text/plain")
    assert rest.ask("GET", "nosuch").status_code == 404, "which nobody asks a key for"
    assert rest.get("system/product_type") == "CORE", "which needs none"


@pytest.mark.parametrize(
    "authorization",
    [f"Bearer 1-{'aB3' * 21}x", f"Basic {base64.b64encode(b'root:mock-key').decode()}"],
)
def test_a_key_of_the_real_form_and_a_password_open_too(nas: MockNas, authorization: str) -> None:
    assert Rest(nas, authorization).get("core/ping") == "pong"


def test_what_is_not_there(rest: Rest) -> None:
    answer = rest.ask("GET", "nosuch")
    assert (answer.status_code, answer.text) == (404, "404: Not Found")
    assert rest.ask("GET", "smart/test/results/sda").status_code == 404, "it takes ?disk="
    assert rest.ask("POST", "smart/test/abort", "sda").status_code == 404, "CORE has none"
    assert rest.ask("DELETE", "disk").status_code == 405
    assert rest.session.get(rest.root.replace("v2.0", "versions"), timeout=10).status_code == 404


def test_the_system_tells_what_it_is(rest: Rest) -> None:
    assert rest.get("system/version") == "TrueNAS-13.0-U6.8"
    info = rest.get("system/info")
    assert info["version"] == "TrueNAS-13.0-U6.8"
    assert set(info["boottime"]) == {"$date"}
    assert rest.get("system/state") == "READY"
    assert rest.get("alert/list") == []


def test_a_vanished_disk_is_only_listed_as_expired(nas: MockNas, rest: Rest) -> None:
    nas.debug("drive/sda", {"vanished": True})
    assert rest.get("disk?name=sda") == []
    body = {"query-filters": [["name", "=", "sda"]]}
    (entry,) = rest.get("disk", body | {"query-options": {"extra": {"include_expired": True}}})
    assert set(entry["expiretime"]) == {"$date"}
    nas.debug("drive/sda", {"vanished": False})
    assert rest.drive("sda")["expiretime"] is None


def test_a_drive_joins_a_pool_changes_its_serial_and_its_name(nas: MockNas, rest: Rest) -> None:
    nas.debug("drive/sdc", {"pool": "fast"})
    assert pools(rest.get("disk", WITH_POOLS))["sdc"] == "fast"
    fast = next(pool for pool in rest.get("pool") if pool["name"] == "fast")
    assert [(leaf["type"], leaf["disk"]) for leaf in fast["topology"]["data"]] == [("DISK", "sdc")]
    nas.debug("drive/sdc", {"pool": None, "serial": "OTHER001"})
    assert rest.drive("sdc")["serial"] == "OTHER001"
    assert "OTHER001" in rest.drive("sdc")["identifier"]
    nas.debug("drive/sdc", {"rename": "sdz"})
    assert rest.get("disk?name=sdc") == []
    assert rest.drive("sdz")["serial"] == "OTHER001"


def test_a_drive_joins_the_boot_pool(nas: MockNas, rest: Rest) -> None:
    nas.debug("drive/sdc", {"pool": "boot-pool"})
    assert "sdc" in rest.get("boot/get_disks")
    assert [pool["name"] for pool in rest.get("pool")] == ["tank"]
