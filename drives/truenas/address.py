"""Whether a key may be sent to an address, and what went wrong on the way there, in words."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from .types import NasError


def check_may_carry_key(base_url: str, *, allow_http: bool) -> None:
    """Raises NasError: a NAS that sees its key in clear revokes it (25.04 and later)."""
    try:
        address = urlsplit(base_url)
    except ValueError as error:
        raise NasError(f"this is no address: {error}") from None
    if address.scheme == "https" or (
        address.scheme == "http" and (allow_http or _is_loopback(address.hostname or ""))
    ):
        return
    raise NasError(
        "the API key isn’t sent over plain http, because the NAS may revoke it: use https"
    )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def cause(error: BaseException) -> str:
    text = str(error)
    for sign, words in (
        ("Connection refused", "connection refused"),
        ("timed out", "no answer in time"),
        ("Name or service not known", "the host name is not known"),
        ("CERTIFICATE_VERIFY_FAILED", "its TLS certificate can’t be verified"),
        ("No route to host", "no route to the host"),
        ("Connection aborted", "it cut the connection"),
        ("IncompleteRead", "it cut the connection in mid-answer"),
        ("Connection broken", "it cut the connection in mid-answer"),
    ):
        if sign in text:
            return words
    return " ".join(text.split())[:200] or type(error).__name__
