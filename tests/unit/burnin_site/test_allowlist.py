"""Who may talk to us: v4, v6, mapped addresses, proxies, and what a client forges (S2)."""

from __future__ import annotations

import asyncio
from ipaddress import ip_network
from typing import Any

import pytest

from burnin_site.allowlist import AllowList, client_of

LAN = [ip_network("192.0.2.0/24"), ip_network("2001:db8::/64")]
PROXIES = [ip_network("198.51.100.1/32"), ip_network("198.51.100.2/32")]


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("192.0.2.7", [], "192.0.2.7"),
        ("::ffff:192.0.2.7", [], "192.0.2.7"),
        ("2001:db8::7", [], "2001:db8::7"),
        ("203.0.113.9", ["192.0.2.7"], "203.0.113.9"),
        ("198.51.100.1", ["192.0.2.7"], "192.0.2.7"),
        ("198.51.100.1", ["192.0.2.7, 203.0.113.9"], "203.0.113.9"),
        ("198.51.100.1", ["192.0.2.7", "203.0.113.9"], "203.0.113.9"),
        ("198.51.100.1", ["203.0.113.9, 198.51.100.2"], "203.0.113.9"),
        ("198.51.100.1", [], "198.51.100.1"),
        ("198.51.100.1", ["192.0.2.7, nonsense"], None),
        ("198.51.100.1", ["192.0.2.7:4711"], None),
        ("198.51.100.1", [""], None),
        ("", ["192.0.2.7"], None),
        ("unix:", [], None),
    ],
)
def test_who_asks(peer: str, forwarded: list[str], client: str | None) -> None:
    found = client_of(peer, forwarded, PROXIES)
    assert (str(found) if found else None) == client


def ask(kind: str, peer: str | None, *forwarded: bytes) -> tuple[str | None, list[dict[str, Any]]]:
    """(the client that the application behind it saw, or None; what was sent)."""
    seen: list[str] = []
    sent: list[dict[str, Any]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["client"][0])

    async def receive() -> dict[str, Any]:
        return {"type": f"{kind}.connect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": kind,
        "client": (peer, 4711) if peer else None,
        "headers": [(b"x-forwarded-for", value) for value in forwarded],
    }
    asyncio.run(AllowList(app, LAN, PROXIES)(scope, receive, send))
    return (seen or [None])[0], sent


@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("192.0.2.7", [], "192.0.2.7"),
        ("2001:db8::1", [], "2001:db8::1"),
        ("198.51.100.1", [b"192.0.2.7"], "192.0.2.7"),
        ("203.0.113.9", [], None),
        ("203.0.113.9", [b"192.0.2.7"], None),
        ("198.51.100.1", [b"203.0.113.9"], None),
        ("198.51.100.1", [b"192.0.2.7, 203.0.113.9"], None),
        ("2001:db8:0:1::1", [], None),
        ("198.51.100.1", [b"\xff\xfe"], None),
        (None, [], None),
    ],
)
def test_only_the_allowed_get_through(
    kind: str, peer: str | None, forwarded: list[bytes], client: str | None
) -> None:
    seen, sent = ask(kind, peer, *forwarded)
    assert seen == client
    if client is None and kind == "http":
        assert sent[0]["status"] == 403
    if client is None and kind == "websocket":
        assert sent[0]["type"] == "websocket.close"


def test_an_empty_list_allows_all() -> None:
    seen: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["client"][0])

    scope = {"type": "http", "client": ("203.0.113.9", 1), "headers": []}
    asyncio.run(AllowList(app, [], [])(scope, app, app))  # type: ignore[arg-type]
    assert seen == ["203.0.113.9"]
