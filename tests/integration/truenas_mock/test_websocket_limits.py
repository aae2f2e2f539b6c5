"""Both kinds of websocket: how much they take, a restart of the middleware, and faults."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from tests.waiting import wait_for

from .site import KEY, New, Old, Site, each_release


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Site]]:
    with each_release(tmp_path_factory) as site:
        yield site


@pytest.mark.parametrize(("key", "size", "code"), [(None, 9000, 1007), (KEY, 70000, 1009)])
def test_messages_may_be_only_so_long(
    sites: Callable[[str], Site], key: str | None, size: int, code: int
) -> None:
    with New(sites("25.10"), key=key) as client:
        client.send({"jsonrpc": "2.0", "id": 1, "method": "core.ping", "params": ["x" * size]})
        assert client.closed_with() == code


def test_twenty_calls_at_a_time(sites: Callable[[str], Site]) -> None:
    site = sites("25.10")
    with New(site) as client:
        site.faults.add({"what": "slow", "seconds": 0.3, "times": 20, "path": "/core"})
        for number in range(21):
            client.send({"jsonrpc": "2.0", "id": number + 100, "method": "core.ping"})
        answers = {one["id"]: one for one in (client.receive() for _ in range(21))}
        refused = [one for one in answers.values() if "error" in one]
        assert [one["error"]["code"] for one in refused] == [-32000]
        assert len(answers) == 21


def test_calls_without_login_are_limited(sites: Callable[[str], Site]) -> None:
    site = sites("24.10")
    with Old(site) as client:
        errors: list[Any] = []
        for _ in range(21):
            try:
                client.call("core.ping")
            except Exception as error:
                errors.append(error)
        assert [one.error["error"] for one in errors] == [16], "24.10 counts the logged in too"
    site = sites("25.10")
    with New(site) as client:
        assert {client.call("core.ping") for _ in range(25)} == {"pong"}


def test_a_restart_of_the_middleware(sites: Callable[[str], Site]) -> None:
    site = sites("25.04")
    with New(site) as client:
        number = client.call("pool.import_find")
        site.debug("restart-middleware", seconds=0.5)
        page = site.get("api/v2.0/core/ping")
        assert (page.status_code, page.headers["Content-Type"]) == (502, "text/html")
        assert client.closed_with() == 1006
    wait_for(lambda: site.get("api/v2.0/core/ping").status_code == 200, 10, "it is back")
    with New(site) as client:
        assert client.call("core.get_jobs") == []
        assert client.call("pool.import_find") <= number, "they are numbered from 1 again"


@pytest.mark.parametrize(
    "what", ["500", "401", "429", "garbage", "half", "cut", "hang"]
)  # fmt: skip
@pytest.mark.parametrize(("number", "kind"), [("13.0", Old), ("25.10", New)])
def test_faults(sites: Callable[[str], Site], number: str, kind: Any, what: str) -> None:
    site = sites(number)
    with kind(site) as client:
        site.faults.add({"what": what, "times": 1, "path": "/disk", "seconds": 0.2})
        assert client.call("core.ping") == "pong", "another method is not hit"
        if what in ("cut", "hang"):
            with pytest.raises(Exception, match="no close frame|ConnectionClosed|reset"):
                client.call("disk.query")
            return
        if what in ("garbage", "half"):
            with pytest.raises(ValueError):
                client.call("disk.query")
            return
        error = client.failure("disk.query")
        number = (error.get("data") or error)["error"]
        unknown = 207 if kind is New else 13
        assert number == {"500": 22, "401": unknown, "429": 16}[what]
        if what == "401":
            assert client.failure("disk.query"), "the session is over"
        else:
            assert len(client.call("disk.query")) == 15


def test_the_handshake_can_fail_too(sites: Callable[[str], Site]) -> None:
    site = sites("25.10")
    site.faults.add({"what": "500", "times": 1, "path": "/api/current"})
    with pytest.raises(InvalidStatus):
        New(site)
    with New(site):
        """The next one is answered."""


def test_many_at_once_lose_nothing(sites: Callable[[str], Site]) -> None:
    site = sites("26")
    counted: list[int] = []

    def ask() -> None:
        with New(site) as client:
            counted.extend(client.call("disk.query", [], {"count": True}) for _ in range(20))

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counted == [15] * 120
