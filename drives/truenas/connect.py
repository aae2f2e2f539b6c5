"""Which dialect does this NAS speak? By what it has said last, else by asking, without a key."""

from __future__ import annotations

import json
import re

import requests
from urllib3.exceptions import HTTPError

from .address import cause, check_may_carry_key
from .client import Dialect, NasClient
from .jsonrpc import JsonRpc
from .release import HAS_JSONRPC, LAST_WITH_REST, Release
from .rest import Rest, whole
from .session import Login
from .types import NasError

ASK_SECONDS = (5, 10)
VERSIONS = "/api/versions"
VERSION_ROUTE = re.compile(r"v[0-9]{2}\.[0-9]{2}(\.[0-9]+)?")


def client(login: Login, *, known_version: str = "", rest_wanted: bool = False) -> NasClient:
    """The client for the dialect of the version that it told last; asked where there is none.

    rest_wanted: somebody has asked for REST; granted where that release may have it.
    Raises NasError.
    """
    check_may_carry_key(login.base_url, allow_http=login.allow_http)
    line = _line(known_version)
    speaks_jsonrpc = line >= HAS_JSONRPC if line else offers_jsonrpc(login)
    if rest_wanted and (line is None or line <= LAST_WITH_REST):
        speaks_jsonrpc = False

    def found() -> Dialect | None:
        now = offers_jsonrpc(login)
        return None if now == speaks_jsonrpc else _dialect(login, now)

    return NasClient(_dialect(login, speaks_jsonrpc), found)


def _dialect(login: Login, speaks_jsonrpc: bool) -> Dialect:
    if speaks_jsonrpc:
        return JsonRpc(login)
    return Rest(
        login.base_url, login.api_key, verify_tls=login.verify_tls, allow_http=login.allow_http
    )


def offers_jsonrpc(login: Login) -> bool:
    """GET /api/versions lists the routes of JSON-RPC (25.04 and later). No key is sent.

    Raises NasError when nobody answers: then nothing is known.
    """
    try:
        with requests.Session() as session:
            session.trust_env = False
            with session.get(
                login.base_url.rstrip("/") + VERSIONS,
                timeout=ASK_SECONDS,
                verify=login.verify_tls,
                allow_redirects=False,
                stream=True,
            ) as response:
                status, content = response.status_code, whole(response.raw, VERSIONS)
    except (requests.RequestException, OSError, HTTPError) as error:
        raise NasError(cause(error)) from None
    if status >= 500:
        raise NasError(f"HTTP {status} to GET {VERSIONS}")
    try:
        found = json.loads(content) if status == 200 else None
    except (ValueError, RecursionError):
        return False
    return isinstance(found, list) and any(
        isinstance(one, str) and VERSION_ROUTE.fullmatch(one) for one in found
    )


def _line(version: str) -> tuple[int, int] | None:
    try:
        return Release.parse(version).line if version else None
    except NasError:
        return None
