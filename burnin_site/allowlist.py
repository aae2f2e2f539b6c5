"""Who may talk to us at all (ALLOWED_IPS), for pages, API and websockets alike.

A proxy's X-Forwarded-For is believed only where TRUSTED_PROXIES names the proxy, and from its right
end: what is further left was written by the client and may be forged.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any

from .middleware import HEADERS

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[Any]]


def address_of(text: str) -> Address | None:
    """The address in a text; an IPv4 address mapped into IPv6 is that IPv4 address."""
    try:
        address = ip_address(text.strip())
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        # A link-local peer comes with its interface (fe80::1%eth0), which no list names.
        return address.ipv4_mapped or IPv6Address(int(address))
    return address


def is_in(address: Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks)


def client_of(
    peer: str, forwarded: Sequence[str], trusted_proxies: Sequence[Network]
) -> Address | None:
    """Who asks: the peer, or the last of X-Forwarded-For that is no proxy of ours.

    forwarded: the values of all X-Forwarded-For headers, in order. None when it can't be told.
    """
    client = address_of(peer)
    hops = [hop for value in forwarded for hop in value.split(",")]
    while client is not None and is_in(client, trusted_proxies) and hops:
        client = address_of(hops.pop())
    return client


class AllowList:
    """Outermost ASGI application: 403 for whoever isn't allowed; puts the client into the scope."""

    def __init__(
        self, app: App, allowed: Sequence[Network], trusted_proxies: Sequence[Network]
    ) -> None:
        self.app, self.allowed, self.trusted_proxies = app, allowed, trusted_proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> Any:
        if scope["type"] not in ("http", "websocket"):
            return await self.app(scope, receive, send)
        peer, port = scope.get("client") or ("", 0)
        forwarded = [
            value.decode("latin-1")
            for name, value in scope["headers"]
            if name == b"x-forwarded-for"
        ]
        client = client_of(peer, forwarded, self.trusted_proxies)
        if self.allowed and (client is None or not is_in(client, self.allowed)):
            return await _refuse(scope["type"], receive, send)
        return await self.app(scope | {"client": (str(client or peer), port)}, receive, send)


async def _refuse(kind: str, receive: Receive, send: Send) -> None:
    if kind == "websocket":
        await receive()  # its connect
        await send({"type": "websocket.close", "code": 4403})  # before accept: HTTP 403
        return
    body = b"Your address is not in ALLOWED_IPS.\n"
    headers = [
        (b"content-type", b"text/plain"),
        (b"content-length", str(len(body)).encode()),
        *((name.lower().encode(), value.encode()) for name, value in HEADERS.items()),
    ]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": body})
