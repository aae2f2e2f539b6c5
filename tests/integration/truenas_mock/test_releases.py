"""Where the releases differ, each by its own REST and websocket: the traps that a client falls into
who has read only one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import pytest

from tests.waiting import wait_for
from truenas_mock.releases import ORDER

from .site import Old, Site, each_release

KINDS = ("sas", "nvme", "late")
WITH_REST = [number for number in ORDER if number != "26"]
CORE = ["12.0", "13.0-RELEASE", "13.0", "13.3"]
SCALE = ["22.12.1", "22.12", "23.10", "24.04", "24.10", "25.04"]


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Site]]:
    with each_release(tmp_path_factory, speed=60, kinds=KINDS) as site:
        yield site


def identifiers(site: Site) -> dict[str, str]:
    """The NAS's identifier of each drive, by the key that /debug knows."""
    return {drive.key: drive.identifier for drive in site.nas.present()}


def start(site: Site, key: str, kind: str = "SHORT") -> dict[str, Any]:
    entry = {"identifier": identifiers(site)[key], "type": kind}
    (told,) = site.rest("POST", "smart/test/manual_test", [entry])
    return dict(told)


def result_of(site: Site, key: str) -> dict[str, Any]:
    name = site.nas.drives[key].name
    (found,) = site.rest("GET", f"smart/test/results?disk={name}")
    return dict(found)


@pytest.mark.parametrize("number", WITH_REST)
def test_who_it_is(sites: Callable[[str], Site], number: str) -> None:
    site = sites(number)
    version = site.rest("GET", "system/version")
    assert number.removesuffix("-RELEASE") in version and version.startswith("TrueNAS-")
    assert ("SCALE" in version) == ("22.12" <= number < "25")
    product = site.ask("GET", "api/v2.0/system/product_type", key=None).json()
    known = {"1": "CORE", "2": "SCALE"}[number[0]]
    assert product == ("COMMUNITY_EDITION" if number >= "25" else known)
    assert site.get("api/versions").status_code == (200 if number >= "25" else 404)


@pytest.mark.parametrize("number", WITH_REST)
def test_pools_of_disks_and_how_options_travel(sites: Callable[[str], Site], number: str) -> None:
    site = sites(number)
    core = number in CORE

    def members(query: str, body: Any = None) -> set[str]:
        return {disk["name"] for disk in site.rest("GET", f"disk{query}", body) if disk["pool"]}

    assert members("") == set()
    body = {"query-options": {"extra": {"pools": True}}}
    both = {"da2", "da3"} if core else {"sdi", "sdj"}
    assert members("", body) == both
    if core:
        assert site.rest("GET", "disk?extra.pools=1") == [], "200, and no disks"
        name = site.nas.drives["sda"].identifier
        assert site.get(f"api/v2.0/disk/id/{quote(name)}").status_code == 500
    else:
        assert members("?extra.pools=true") == both
        identifier = quote(identifiers(site)["sdi"], safe="")
        one = site.rest("GET", f"disk/id/{identifier}?extra.pools=true")
        assert (one["name"], one["pool"]) == ("sdi", "tank")
    assert len(site.rest("GET", "disk?size__gt=15000000000000")) == 2


@pytest.mark.parametrize("number", WITH_REST)
def test_fields_of_a_disk(sites: Callable[[str], Site], number: str) -> None:
    (disk,) = sites(number).rest("GET", f"disk?serial={sites(number).nas.drives['sda'].serial}")
    fields = set(disk)
    assert ("lunid" in fields) == ("bus" in fields) == (number != "12.0")
    assert ("togglesmart" in fields) == (number < "25.10")
    assert ("multipath_name" in fields) == (number in CORE)
    assert ("supports_smart" in fields) == ("22" < number < "25.10")
    assert not {"temperature", "smart_status"} & fields
    assert disk["number"] == (0 if number in CORE else 8 << 8)


@pytest.mark.parametrize("number", WITH_REST)
def test_temperatures(sites: Callable[[str], Site], number: str) -> None:
    site = sites(number)
    first, second = (site.nas.drives[key].name for key in ("sda", "sdb"))

    def ask(*names: str, **more: Any) -> Any:
        key = "name" if number == "25.10" else "names"
        return site.rest("POST", "disk/temperatures", {key: list(names), **more})

    assert list(ask(first)) == [first]
    site.debug("drive/sda", temperature=58)
    site.debug("drive/sdb", temperature=59)
    if number in ("12.0", "13.0-RELEASE"):
        assert ask(first, second) == {first: 58, second: 59}, "live"
    elif number in CORE:
        assert list(ask(second)) == [first], "one result, whatever was asked"
    else:
        again = ask(first, second)
        assert again[first] != 58 and again[second] == 59, "each from its own cache"
        assert isinstance(again[second], float) == (number == "25.10")
    if number == "25.10":
        (limit,) = ask(second, include_thresholds=True).values()
        assert limit == [59.0, 65.0]
        assert site.ask("POST", "api/v2.0/disk/temperature", json=first).status_code == 404
    else:
        assert site.rest("POST", "disk/temperature", {"name": first}) == 58
    if number in SCALE:
        third = site.nas.drives["sdc"].name
        assert ask(first, third, options={"only_cached": True}) == {first: 58}, "just read"
        assert ask(first, options={"cache": None})[first] == 58
        window = site.rest("POST", "disk/temperature_agg", {"names": [first]})
        assert window == {first: {"min": None, "max": None, "avg": None}}


@pytest.mark.parametrize("number", WITH_REST)
def test_an_exported_pool(sites: Callable[[str], Site], number: str) -> None:
    site = sites(number)
    site.debug("pool/tank", exported=True)
    member = site.nas.drives["sdi"].name
    assert site.rest("GET", "pool") == []
    if number < "25":
        unused = {disk["name"]: disk for disk in site.rest("POST", "disk/get_unused", True)}
        if number in CORE:
            kinds = [one["partition_type"] for one in unused[member]["partitions"]]
            assert kinds == ["516e7cba-6ecf-11d6-8ff8-00022d09712b"], "nothing else tells"
        elif number == "24.10":
            assert member not in unused
        else:
            assert unused[member]["exported_zpool"] == "tank"
    else:
        assert site.ask("POST", "api/v2.0/disk/get_unused", json=True).status_code == 404
    if number >= "24.10":
        found = site.rest("POST", "disk/details", {})
        (used,) = [disk for disk in found["used"] if disk["name"] == member]
        assert (used["imported_zpool"], used["exported_zpool"]) == (None, "tank")
        assert member not in {disk["name"] for disk in found["unused"]}
    with Old(site) as client:
        job = client.call("pool.import_find")
        wait_for(lambda: client.call("core.get_jobs", [["id", "=", job]])[0]["result"], 10, "found")
        (pool,) = client.call("core.get_jobs", [["id", "=", job]])[0]["result"]
        assert set(pool) == {"name", "guid", "status", "hostname"}


@pytest.mark.parametrize("number", [*CORE, *SCALE])
def test_a_self_test_by_rest(sites: Callable[[str], Site], number: str) -> None:
    site = sites(number)
    told = start(site, "sda", "LONG")
    assert set(told["expected_result_time"]) == {"$date"}
    assert ("error" in told) == (number in SCALE)
    (job,) = site.rest("GET", f"core/get_jobs?id={told['job']}")
    assert (job["method"], job["state"]) == ("smart.test.wait", "RUNNING")
    assert job["arguments"][0]["identifier"] == identifiers(site)["sda"]
    assert ("credentials" in job) == (number >= "23.10")
    if number == "12.0":
        assert "current_test" not in result_of(site, "sda")
    else:
        assert 0 < result_of(site, "sda")["current_test"]["progress"] < 100
    again = start(site, "sda")
    assert "without aborting current test" in again["error"] and "job" not in again
    assert ("serial" in result_of(site, "sda")) == (number in SCALE)
    site.debug("complete-all-jobs")
    (job,) = site.rest("GET", f"core/get_jobs?id={told['job']}")
    assert (job["state"], job["progress"]["percent"]) == ("SUCCESS", 100)
    newest = result_of(site, "sda")["tests"][0]
    assert newest["num"] == (0 if number == "25.04" else 1)
    assert newest["status"] == "SUCCESS" and newest["remaining"] == 0
    assert ("power_on_hours_ago" in newest) == (number == "25.04")
    assert isinstance(job["result"], dict) == (number == "12.0")


@pytest.mark.parametrize("number", [*CORE, *SCALE])
def test_aborting(sites: Callable[[str], Site], number: str) -> None:
    site = sites(number)
    told = start(site, "sdb", "LONG")
    assert site.rest("POST", "core/job_abort", told["job"]) is None
    (job,) = site.rest("GET", f"core/get_jobs?id={told['job']}")
    assert job["state"] == "ABORTED"
    stops = number >= "24.10"
    running = result_of(site, "sdb")["tests"][0]["status"] == "RUNNING"
    assert running != stops, "below 24.10 the drive goes on"
    name = site.nas.drives["sdb"].name
    abort = site.ask("POST", "api/v2.0/smart/test/abort", json=name)
    assert abort.status_code == (200 if stops else 404)
    site.debug("reset")
    start(site, "sdb", "LONG")
    site.debug("drive/sdb", interrupt=True)
    newest = result_of(site, "sdb")["tests"][0]
    assert newest["status_verbose"] == "Interrupted (host reset)"
    knows = number in SCALE and number != "22.12.1"
    assert newest["status"] == ("ABORTED" if knows else "FAILED")


def test_25_04_shows_a_stale_progress_after_an_abort(sites: Callable[[str], Site]) -> None:
    site = sites("25.04")
    told = start(site, "sdb", "LONG")
    site.rest("POST", "core/job_abort", told["job"])
    found = result_of(site, "sdb")
    assert found["tests"][0]["status"] == "ABORTED"
    assert found["current_test"] is not None, "though nothing runs"


@pytest.mark.parametrize(
    ("number", "progress"), [("13.0", None), ("22.12", 0), ("24.10", 0), ("25.04", None)]
)
def test_sas_progress(sites: Callable[[str], Site], number: str, progress: int | None) -> None:
    site = sites(number)
    told = start(site, "sas-1", "LONG")
    found = result_of(site, "sas-1")
    assert found["tests"][0]["status"] == "RUNNING"
    expected = None if progress is None else {"progress": progress}
    assert found["current_test"] == expected
    assert found["tests"][0]["lifetime"] is None
    if progress is None:
        job = f"core/get_jobs?id={told['job']}"
        ended = lambda: site.rest("GET", job)[0]["state"] == "SUCCESS"  # noqa: E731
        wait_for(ended, 10, "the job ends at once, the test does not")


@pytest.mark.parametrize("number", [*CORE, *SCALE])
def test_nvme(sites: Callable[[str], Site], number: str) -> None:
    site = sites(number)
    choices = site.rest("POST", "smart/test/disk_choices")
    identifier = identifiers(site)["nvme-1"]
    entry = [{"identifier": identifier, "type": "SHORT"}]
    answer = site.ask("POST", "api/v2.0/smart/test/manual_test", json=entry)
    if number < "24.10":
        assert identifier not in choices
        (words,) = answer.json()["disks.0.identifier"]
        expected = "not valid" if number in CORE else "does not support S.M.A.R.T test"
        assert answer.status_code == 422 and expected in words["message"]
        return
    assert answer.json()[0]["job"]
    assert result_of(site, "nvme-1")["current_test"]["progress"] >= 0
    site.debug("complete-all-jobs")
    newest = result_of(site, "nvme-1")["tests"][0]
    assert (newest["num"], newest["description"], newest["status"]) == (0, "Short", "SUCCESS")
    assert newest["sct"] == (0 if number == "25.04" else "0x0")


def test_a_drive_that_logs_late_looks_idle_on_25_04(sites: Callable[[str], Site]) -> None:
    site = sites("25.04")
    start(site, "late-1", "LONG")
    assert result_of(site, "late-1")["current_test"] is None


def test_a_full_log_on_12_0_is_waited_for_for_ever(sites: Callable[[str], Site]) -> None:
    site = sites("12.0")
    for _ in range(21):
        start(site, "sda")
        site.debug("complete-all-jobs")
    told = start(site, "sda")
    site.debug("complete-all-jobs")
    (job,) = site.rest("GET", f"core/get_jobs?id={told['job']}")
    assert (job["state"], job["arguments"][2]) == ("RUNNING", 22)


def test_25_10_has_no_smart_api_but_a_private_way(sites: Callable[[str], Site]) -> None:
    site = sites("25.10")
    for path in ("smart/test/results", "smart/test", "disk/smart_attributes"):
        assert site.get(f"api/v2.0/{path}").status_code == 404
    assert site.ask("POST", "api/v2.0/disk/smart_test", json={}).status_code == 404
    with Old(site) as client:
        assert client.failure("smart.test.results")["error"] == 201
        assert client.call("disk.smart_test", "SHORT", [identifiers(site)["sda"]]) is None
        assert client.call("disk.smart_test", "SHORT", [identifiers(site)["sda"]]) is None
        assert client.call("core.get_jobs") == [], "no job, no result"
        assert "RESTAPIUsage" in [one["klass"] for one in client.call("alert.list")]
        site.debug("drive/sdn", fail=True)
        client.call("disk.smart_test", "SHORT", [identifiers(site)["sdn"]])
        site.debug("complete-all-jobs")
        classes = [one["klass"] for one in client.call("alert.list")]
        assert "SMARTFailedSelfTest" in classes
        assert "disk.smart_test" not in client.call("core.get_methods", "disk")


def test_the_progress_of_a_test_can_be_subscribed(sites: Callable[[str], Site]) -> None:
    site = sites("24.10")
    with Old(site) as client:
        start(site, "sda", "LONG")
        client.subscribe("smart.test.progress:sda")
        told = client.wait_for_event(lambda one: one["collection"] == "smart.test.progress:sda")
        assert 0 < told["fields"]["progress"] < 100
        site.debug("complete-all-jobs")
        client.wait_for_event(lambda one: one["fields"] == {"progress": None})
        client.subscribe("smart.test.progress:nosuch")
        client.wait_for_event(lambda one: one["msg"] == "nosub")


def test_rights_by_rest(sites: Callable[[str], Site]) -> None:
    site = sites("24.10")
    assert site.ask("GET", "api/v2.0/disk", key="mock-key-readonly").status_code == 200
    answer = site.ask("POST", "api/v2.0/smart/test/manual_test", key="mock-key-readonly", json=[])
    assert answer.status_code == 403
    assert site.ask("GET", "api/v2.0/disk", key="mock-key-expired").status_code == 401


def test_two_disks_that_say_the_same_of_themselves(sites: Callable[[str], Site]) -> None:
    for number, seen in (("13.0", 1), ("24.10", 2)):
        site = sites(number)
        first = site.nas.drives["sda"]
        site.debug("drive/sdb", serial=first.serial, lunid=first.lunid)
        assert len(site.rest("GET", f"disk?serial={first.serial}")) == seen
    unused = {disk["name"]: disk for disk in site.rest("POST", "disk/get_unused", True)}
    assert unused["sda"]["duplicate_serial"] == ["sdb"]
    site.debug("drive/sdc", serial="")
    (nameless,) = site.rest("GET", "disk?name=sdc")
    assert nameless["identifier"] == "{devicename}sdc"


def test_plain_http_can_be_sent_on_to_https(sites: Callable[[str], Site]) -> None:
    site = sites("25.10")
    site.debug("network", redirects=True)
    answer = site.ask("GET", "api/v2.0/disk", allow_redirects=False)
    assert answer.status_code == 307
    assert answer.headers["Location"] == "https://127.0.0.1/api/v2.0/disk"


def test_the_roles_of_a_pool(sites: Callable[[str], Site]) -> None:
    site = sites("25.04")
    site.debug("drive/sdc", pool="tank", vdev="spare")
    (tank,) = site.rest("GET", "pool")
    assert [leaf["disk"] for leaf in tank["topology"]["spare"]] == ["sdc"]
    assert [leaf["device"] for leaf in tank["topology"]["spare"]] == ["sdc1"]
    assert len(tank["topology"]["data"][0]["children"]) == 2
