"""Which websockets are ours: a browser sends our cookies with anybody's, so each must name our Host
and come from a page of that very host and port.

Host must be one of ALLOWED_HOSTS; Origin must name that host and port, or be APP_URL's (a proxy may
rewrite Host). Cookies don't tell ports apart, so another program on this host is another site.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http.request import split_domain_port, validate_host

from .allowlist import App, Receive, Scope, Send

DEFAULT_PORTS = {"http": 80, "https": 443}


class OwnPagesOnly:
    """ASGI application: HTTP 403 for a websocket from elsewhere."""

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> Any:
        if is_own(_only(scope, b"host"), _only(scope, b"origin")):
            return await self.app(scope, receive, send)
        await receive()  # its connect
        await send({"type": "websocket.close", "code": 4403})  # before accept: HTTP 403


def is_own(host: str, origin: str) -> bool:
    domain, port = split_domain_port(host)
    if not domain or not validate_host(domain, settings.ALLOWED_HOSTS):
        return False
    try:
        page = urlsplit(origin)
        usual = DEFAULT_PORTS[page.scheme]
        page_port = page.port or usual
        app = urlsplit(settings.APP_URL)
        is_app = (page.scheme, page.hostname, page_port) == (
            app.scheme,
            app.hostname,
            app.port or DEFAULT_PORTS[app.scheme],
        )
        own_port = int(port) if port else usual
    except (KeyError, ValueError):
        return False
    named = split_domain_port(page.netloc)[0]
    return is_app or (named == domain and page_port == own_port)


def _only(scope: Scope, name: bytes) -> str:
    """A header's value; empty when it is missing or there are several."""
    values = [value for key, value in scope["headers"] if key == name]
    return values[0].decode("latin-1") if len(values) == 1 else ""
