"""Both kinds of websocket, as clients that others wrote for TrueNAS use them."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from .site import KEY, New, Old, Site, each_release

RPC = {"jsonrpc": "2.0"}
DIALECTS = [("13.0", Old), ("24.10", Old), ("25.04", Old), ("25.04", New), ("26", Old), ("26", New)]


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Site]]:
    with each_release(tmp_path_factory) as site:
        yield site


@pytest.fixture(params=DIALECTS, ids=lambda one: f"{one[0]}-{one[1].__name__}")
def client(request: pytest.FixtureRequest, sites: Callable[[str], Site]) -> Iterator[Any]:
    """One that is logged in, with its NAS as `site`."""
    number, kind = request.param
    site = sites(number)
    with kind(site) as connected:
        connected.site = site
        yield connected


async def log_in_over_tls(site: Site, kind: Any) -> Any:
    """What the login by key answers. Not with the client that has a thread for reading: Python's
    TLS connections don't bear that up to 3.12."""
    context = ssl.create_default_context(cadata=site.certificate.der)
    url = f"wss://127.0.0.1:{site.tls_port}{kind.path}"
    method = {"id": "1", "method": "auth.login_with_api_key", "params": [KEY]}
    async with connect(url, ssl=context) as socket:
        if kind is Old:
            await socket.send(json.dumps({"msg": "connect", "version": "1"}))
            await socket.recv()
        await socket.send(json.dumps(method | ({"msg": "method"} if kind is Old else RPC)))
        return json.loads(await socket.recv())["result"]


def test_disks_pools_and_the_system(client: Any) -> None:
    site = client.site
    assert client.call("core.ping") == "pong"
    assert client.call("system.version") == site.release.version
    disks = client.call("disk.query")
    assert len(disks) == 15 and {disk["pool"] for disk in disks} == {None}
    query = [[["pool", "!=", None]], {"extra": {"pools": True}, "select": ["name", "pool"]}]
    members = client.call("disk.query", *query)
    assert {disk["pool"] for disk in members} == {"tank"} and len(members) == 2
    one = client.call("disk.query", [["name", "=", site.first]], {"get": True})
    assert one["serial"].startswith("ZL2")
    (tank,) = client.call("pool.query")
    (mirror,) = tank["topology"]["data"]
    assert [leaf["disk"] for leaf in mirror["children"]] == [disk["name"] for disk in members]
    assert client.call("pool.get_disks") == [disk["name"] for disk in members]
    assert len(client.call("boot.get_disks")) == 1


def test_what_is_wrong_with_a_call(client: Any) -> None:
    new = isinstance(client, New)

    def extra(error: dict[str, Any]) -> Any:
        return error["data"]["extra"] if new else error["extra"]

    wrong = client.failure("disk.query", "name")
    assert (wrong["code"] if new else wrong["type"]) == (-32602 if new else "VALIDATION")
    ((attribute, message, number),) = extra(wrong)
    told = "filters" if client.site.release.pydantic else "query-filters"
    assert (attribute, number) == (told, 22)
    pydantic = "Input should be a valid list"
    assert message == (pydantic if client.site.release.pydantic else "Not a list")
    ((attribute, message, _),) = extra(client.failure("disk.get_instance"))
    assert attribute == "id" and "required" in message
    assert "Too many arguments" in extra(client.failure("system.version", 1))[0][1]
    missing = client.failure("smart.nosuch")
    if new:
        assert missing == {"code": -32601, "message": "Method does not exist"}
    else:
        assert missing["error"] == 201 and "ENOMETHOD" in missing["reason"]
    crashed = client.failure("core.job_abort", 4711)
    told = crashed["data"] if new else crashed
    assert told["error"] == 22 and "4711" in told["reason"]
    assert told["trace"]["class"] == "KeyError"


def test_a_job_is_followed_by_events(client: Any) -> None:
    client.subscribe("core.get_jobs")
    number = client.call("pool.import_find")
    assert isinstance(number, int)
    added = client.wait_for_event(lambda one: one["msg"] == "added" and one["id"] == number)
    assert added["collection"] == "core.get_jobs"
    assert added["fields"]["method"] == "pool.import_find"
    ended = client.wait_for_event(
        lambda one: one["msg"] == "changed" and one["fields"]["state"] == "SUCCESS"
    )
    assert ended["fields"]["result"] == [] and ended["fields"]["progress"]["percent"] == 100
    (listed,) = client.call("core.get_jobs", [["id", "=", number]])
    assert listed == ended["fields"]


def test_a_disk_that_is_renamed_or_gone_is_told(client: Any) -> None:
    ident = client.subscribe("disk.query")
    disk = client.call("disk.query", [["name", "=", client.site.first]], {"get": True})
    client.site.debug("drive/sda", rename="sdzz")
    told = client.wait_for_event(lambda one: one["id"] == disk["identifier"])
    assert told["fields"]["disk_name"] == "sdzz"
    client.site.debug("drive/sda", vanished=True)
    gone = client.wait_for_event(lambda one: "fields" not in one)
    if client.site.release.number == "13.0":
        assert gone["msg"] == "changed" and gone["cleared"] is True
    else:
        assert gone["msg"] == "removed"
    if isinstance(client, New):
        client.call("core.unsubscribe", ident)
        over = client.wait_for_event(lambda one: one["method"] == "notify_unsubscribed")
        assert over["collection"] == "disk.query" and over["error"] is None


@pytest.mark.parametrize(("number", "kind"), DIALECTS)
def test_without_a_login(sites: Callable[[str], Site], number: str, kind: Any) -> None:
    with kind(sites(number), key=None) as client:
        error = client.failure("disk.query")
        if kind is New:
            assert error["code"] == -32001 and error["data"]["errname"] == "ENOTAUTHENTICATED"
        else:
            expected = 13 if number == "13.0" else 207
            assert (error["error"], error["reason"]) == (expected, "Not authenticated")
        assert client.call("auth.login_with_api_key", "1-wrong") is False
        assert client.call("auth.login", "root", "wrong") is False
        assert client.call("auth.login", "root", KEY) is True
        assert client.call("auth.logout") is True
        assert client.failure("system.info")


@pytest.mark.parametrize(("number", "kind"), [("13.0", Old), ("24.10", Old), ("26", New)])
def test_tokens_and_what_methods_there_are(
    sites: Callable[[str], Site], number: str, kind: Any
) -> None:
    """Their parameters became more."""
    site = sites(number)
    more = {"13.0": [], "24.10": [True], "26": [True, True]}[number]
    with kind(site) as client:
        token = client.call("auth.generate_token", 60, {}, *more)
        assert client.failure("auth.generate_token", 60, {}, *more, True), "one too many"
        target = [] if number == "13.0" else ["REST"]
        methods = client.call("core.get_methods", "auth", *target)
        assert ("auth.login" in methods) == (number == "13.0")
        assert client.call("core.get_services", *target)["disk"]["type"] == "crud"
        assert client.failure("core.get_services", "WS", "WS")
    with kind(site, key=None) as client:
        assert client.call("auth.login_with_token", token) is True
    with kind(site, key=None) as client:
        assert client.call("auth.login_with_token", token) is (number != "26"), "26: good once"


@pytest.mark.parametrize("number", ["25.04", "26"])
def test_login_ex(sites: Callable[[str], Site], number: str) -> None:
    with New(sites(number), key=None) as client:

        def login(**data: Any) -> Any:
            return client.call("auth.login_ex", data)

        key = {"mechanism": "API_KEY_PLAIN", "username": "root", "api_key": KEY}
        assert login(**key | {"api_key": "9-no"}) == {"response_type": "AUTH_ERR"}
        assert login(**key | {"username": "somebody"}) == {"response_type": "AUTH_ERR"}
        expired = {"api_key": "mock-key-expired"}
        assert login(**key | expired) == {"response_type": "EXPIRED"}
        done = login(**key)
        assert done["response_type"] == "SUCCESS" and done["authenticator"] == "LEVEL_1"
        assert done["user_info"]["pw_name"] == "root"
        wrong = client.failure("auth.login_ex", {"mechanism": "HANDSHAKE"})
        assert wrong["code"] == -32602


def test_mechanisms_that_25_04_fails_to_tell(sites: Callable[[str], Site]) -> None:
    with New(sites("25.04"), key=None) as client:
        reason = client.failure("auth.mechanism_choices")["data"]["reason"]
        assert "may_create_auth_token" in reason
    with New(sites("26"), key=None) as client:
        assert "SCRAM" in client.call("auth.mechanism_choices")


@pytest.mark.parametrize("kind", [Old, New])
def test_a_right_key_in_clear_from_elsewhere_is_revoked(
    sites: Callable[[str], Site], kind: Any
) -> None:
    site = sites("25.04")
    site.debug("network", far=True)
    assert asyncio.run(log_in_over_tls(site, kind)) is True
    with kind(site, key=None) as client:
        assert client.call("auth.login_with_api_key", "1-wrong") is False
        assert client.call("auth.login_with_api_key", KEY) is False
    site.debug("network", far=False)
    with kind(site, key=None) as client:
        assert client.call("auth.login_with_api_key", KEY) is False, "for good"
        assert client.call("auth.login", "root", KEY) is True
        assert [one["klass"] for one in client.call("alert.list")] == ["ApiKeyRevoked"]
    assert site.get("api/v2.0/core/get_jobs").status_code == 401


@pytest.mark.parametrize("number", ["12.0", "13.3", "24.04", "24.10"])
def test_there_is_no_json_rpc_before_25_04(sites: Callable[[str], Site], number: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        New(sites(number))
    assert refused.value.response.status_code == 404
    assert sites(number).get("api/versions", key=None).status_code == 404


def test_older_routes_stay_and_bring_nothing_back(sites: Callable[[str], Site]) -> None:
    site = sites("26")
    versions = site.get("api/versions", key=None).json()
    assert versions[0] == "v25.04.0" and versions[-1] == "v26.0.0"
    assert site.get("api/boot_id", key=None).json() == site.nas.boot_id
    with New(site, path="/api/v25.04.0") as client:
        assert client.failure("smart.test.results")["code"] == -32601
    assert site.get("api/v2.0/system/version").status_code == 404, "26 has no REST"


@pytest.mark.parametrize(
    ("message", "code", "call_id"),
    [
        ("{", -32700, None),
        ([{"jsonrpc": "2.0", "method": "core.ping"}], -32700, None),
        ({"method": "core.ping", "id": 7}, -32600, 7),
        ({"jsonrpc": "1.0", "method": "core.ping", "id": "a"}, -32600, "a"),
        ({"jsonrpc": "2.0", "method": "core.ping", "params": {}, "id": 7}, -32600, 7),
        ({"jsonrpc": "2.0", "id": None}, -32600, None),
    ],
)
def test_what_is_no_request(
    sites: Callable[[str], Site], message: Any, code: int, call_id: Any
) -> None:
    with New(sites("25.10")) as client:
        client.send(message)
        answer = client.receive()
        assert (answer["error"]["code"], answer["id"]) == (code, call_id)
        assert client.call("core.ping") == "pong"


def test_a_call_without_an_id_is_answered_by_nothing(sites: Callable[[str], Site]) -> None:
    """Neither a good one, nor one of no method, nor one that is no request."""
    with New(sites("25.10")) as client:
        for more in ({"method": "core.ping"}, {"method": "no.such"}, {"params": {}}):
            client.send(RPC | more)
        client.send(RPC | {"method": "core.ping", "id": 99, "more": "is borne"})
        assert client.receive() == RPC | {"result": "pong", "id": 99}


@pytest.mark.parametrize(("number", "kind"), DIALECTS)
def test_filters_and_options_that_make_no_sense(
    sites: Callable[[str], Site], number: str, kind: Any
) -> None:
    site = sites(number)
    told = {
        "13.0": ("limit", None), "24.10": ("query-options.limit", "query-filters"),
        "25.04": ("query-options.limit", "query-filters"), "26": ("options.limit", "filters"),
    }[number]  # fmt: skip
    with kind(site) as client:

        def attributes(*params: Any) -> list[str]:
            error = client.failure("disk.query", *params)
            return [one[0] for one in (error.get("data") or error)["extra"] or []]

        assert attributes([], {"limit": "many"}) == [told[0]]
        assert attributes([["name", "resembles", "sda"]]) == ([told[1]] if told[1] else [])


@pytest.mark.parametrize("number", ["13.0", "22.12", "24.10"])
def test_the_error_of_old(sites: Callable[[str], Site], number: str) -> None:
    core = number == "13.0"
    with Old(sites(number)) as client:
        error = client.failure("disk.get_instance")
        assert (error["error"], error["type"]) == (11, "VALIDATION")
        assert ("errname" in error) == ("repr" in error["trace"]) == (not core)
        assert error["trace"]["class"] == "ValidationErrors"
        client.send({"msg": "method", "id": "m", "method": "core.ping", "params": {"a": 1}})
        answer = client.receive()
        assert ("must be a list" in answer["error"]["reason"]) == (number == "24.10")
    with Old(sites(number), key=None) as client:
        client.send({"msg": "sub", "id": "s", "name": "disk.query"})
        error = client.receive()["error"]
        words = "Not authenticated" if core else "Not authorized"
        assert (error["error"], error["reason"]) == (13, words)
        client.send("{")
        assert client.closed_with() == 1007
    with Old(sites(number)) as client:
        client.send({"no": "msg"})
        assert client.closed_with() == 1011


def test_core_tells_the_progress_of_a_drive_once_a_connection(
    sites: Callable[[str], Site],
) -> None:
    with Old(sites("13.0")) as client:
        client.subscribe("smart.test.progress:ada0")
        client.send({"msg": "sub", "id": "again", "name": "smart.test.progress:ada0"})
        told = client.wait_for_event(lambda one: one["msg"] == "nosub")
        assert (told["id"], told["error"]) == ("again", {"error": "Already subscribed"})


def test_jobs_of_the_new_kind_answer_at_their_end(sites: Callable[[str], Site]) -> None:
    with New(sites("25.10"), key=None) as client:
        options = client.call("core.set_options", {"legacy_jobs": False})
        assert options["legacy_jobs"] is False
        client.call("auth.login_with_api_key", KEY)
        client.subscribe("core.get_jobs")
        assert (
            client.call("core.bulk", "core.ping", [[], []])
            == [{"job_id": None, "error": None, "result": "pong"}] * 2
        )
        told = client.wait_for_event(lambda one: one["fields"]["method"] == "core.bulk")
        assert told["fields"]["message_ids"], "which call it belongs to"


def test_25_04_always_answers_with_the_jobs_id(sites: Callable[[str], Site]) -> None:
    with New(sites("25.04")) as client:
        assert client.failure("core.set_options", {"legacy_jobs": False})["code"] == -32602
        assert client.call("core.set_options", {"py_exceptions": False}) is None
        assert isinstance(client.call("pool.import_find"), int)


def test_old_pings_and_what_comes_before_connect(sites: Callable[[str], Site]) -> None:
    with Old(sites("13.0")) as client:
        client.send({"msg": "ping", "id": "p"})
        assert client.receive() == {"msg": "pong", "id": "p"}
        client.open = lambda: None
        client.send({"msg": "connect", "version": "9"})
        assert client.receive() == {"msg": "failed", "version": "1"}
        client.send({"msg": "method", "method": "core.ping", "id": "1"})
        assert client.receive() == {"msg": "failed", "version": "1"}


def test_a_read_only_key(sites: Callable[[str], Site]) -> None:
    with Old(sites("24.10"), key="mock-key-readonly") as client:
        assert client.call("disk.query", [], {"count": True}) == 15
        error = client.failure("smart.test.manual_test", [])
        assert (error["error"], error["reason"]) == (13, "Not authorized")
        assert client.call("core.get_jobs") == []
