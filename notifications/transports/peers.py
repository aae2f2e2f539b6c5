"""HTTP that looks whom it really talks to: a name may lead to this very machine, or to a cloud's
metadata service, also when it led elsewhere a moment before. So it is the peer of the open
connection that counts, and nothing is sent before it was looked at."""

from __future__ import annotations

from functools import partial
from ipaddress import IPv4Address, IPv6Address, ip_address
from socket import socket
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool


class LocalAddress(Exception):
    """Loopback, link-local or the like, and nobody has allowed that."""


def is_local(address: str) -> bool:
    """Whether it leads to this machine, its own segment's unrouted addresses, or nowhere."""
    ip: IPv4Address | IPv6Address = ip_address(address.partition("%")[0])
    if isinstance(ip, IPv6Address) and ip.ipv4_mapped:
        ip = ip.ipv4_mapped
    return ip.is_loopback or ip.is_link_local or ip.is_unspecified or ip.is_multicast


class _Looks:
    """Mixed into a connection: it looks at its peer as soon as it has one."""

    session: Session

    def _new_conn(self) -> socket:
        sock: socket = super()._new_conn()  # type: ignore[misc]
        peer = str(sock.getpeername()[0])
        if is_local(peer) and not self.session.allow_local:
            sock.close()
            raise LocalAddress(peer)
        self.session.opened = self
        return sock


class _Adapter(HTTPAdapter):
    def __init__(self, session: Session) -> None:
        self._session = session
        super().__init__(max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        own = {"session": self._session}
        self.poolmanager.pool_classes_by_scheme = {
            scheme: partial(_pool, pool, type("Looks", (_Looks, connection), own))
            for scheme, pool, connection in (
                ("http", HTTPConnectionPool, HTTPConnection),
                ("https", HTTPSConnectionPool, HTTPSConnection),
            )
        }


def _pool(kind: Any, connection: type, *args: Any, **kwargs: Any) -> Any:
    pool = kind(*args, **kwargs)
    pool.ConnectionCls = connection
    return pool


class Session(requests.Session):
    """One request's. No proxies or passwords of the environment: they would hide who the peer is.

    `opened` is the connection in use, whose `sock` can be shut.
    """

    def __init__(self, *, allow_local: bool) -> None:
        super().__init__()
        self.allow_local = allow_local
        self.opened: Any = None
        self.trust_env = False
        for scheme in ("http://", "https://"):
            self.mount(scheme, _Adapter(self))

    def sock(self) -> socket | None:
        return getattr(self.opened, "sock", None)
