"""Reading and refusing settings: each problem names its variable and says what is wrong."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured
from django.core.management.utils import get_random_secret_key

env = environ.Env()

#: The bounds of each numeric setting that was read, by name: what changes it later keeps to them.
LIMITS: dict[str, tuple[float, float]] = {}


def read_env_file(base: Path) -> None:
    """Load `.env` beside manage.py, or the file that BURNIN_ENV_FILE names; empty reads none."""
    name = os.environ.get("BURNIN_ENV_FILE", str(base / ".env"))
    if name and Path(name).is_file():
        env.read_env(name)


def whole(name: str, default: int, low: int, high: int) -> int:
    """An integer setting within [low, high]."""
    LIMITS[name] = (low, high)
    raw = os.environ.get(name, "").strip()
    if not raw:
        return default
    try:
        value = int(raw)
    except ValueError:
        raise ImproperlyConfigured(f"{name}={raw!r} is not a whole number") from None
    if not low <= value <= high:
        raise ImproperlyConfigured(f"{name}={value} is not within {low} to {high}")
    return value


def number(name: str, default: float, low: float, high: float) -> float:
    """A decimal setting within [low, high]."""
    LIMITS[name] = (low, high)
    raw = os.environ.get(name, "").strip()
    if not raw:
        return default
    try:
        value = float(raw)
    except ValueError:
        raise ImproperlyConfigured(f"{name}={raw!r} is not a number") from None
    if not low <= value <= high:
        raise ImproperlyConfigured(f"{name}={raw} is not within {low:g} to {high:g}")
    return value


def truth(name: str, default: bool) -> bool:
    """A yes-or-no setting: true/false, yes/no, on/off, 1/0."""
    raw = os.environ.get(name, "").strip().lower()
    if not raw:
        return default
    if raw in {"true", "yes", "on", "1"}:
        return True
    if raw in {"false", "no", "off", "0"}:
        return False
    raise ImproperlyConfigured(f"{name}={raw!r} is neither true nor false")


def choice(name: str, default: str, allowed: set[str]) -> str:
    """One of a closed list of words."""
    value = os.environ.get(name, "").strip() or default
    if value not in allowed:
        raise ImproperlyConfigured(f"{name}={value!r} is not one of {', '.join(sorted(allowed))}")
    return value


def url(name: str, default: str, schemes: set[str]) -> str:
    """An address with one of the given schemes; empty stays empty."""
    value = os.environ.get(name, "").strip() or default
    if not value:
        return ""
    parts = urlsplit(value)
    try:
        usable = parts.scheme in schemes and bool(parts.netloc or parts.path)
        _ = parts.port
    except ValueError:
        usable = False
    if not usable:
        raise ImproperlyConfigured(
            f"{name} is not an address that starts with {' or '.join(sorted(schemes))}"
        )
    return value


def networks(name: str) -> list[IPv4Network | IPv6Network]:
    """Addresses and CIDRs, separated by commas; none when empty."""
    found = []
    for part in filter(None, map(str.strip, os.environ.get(name, "").split(","))):
        try:
            found.append(ip_network(part))
        except ValueError as error:
            raise ImproperlyConfigured(f"{name}: {error}") from None
    return found


def text(name: str, default: str = "") -> str:
    """A free text, stripped."""
    return os.environ.get(name, "").strip() or default


def listed(name: str, default: str = "") -> tuple[str, ...]:
    """Words, addresses or names, separated by commas."""
    return tuple(filter(None, (part.strip() for part in text(name, default).split(","))))


def system_zone() -> str:
    """The machine's own time zone, as Europe/Berlin; UTC where it can't be told."""
    _, found, name = os.path.realpath("/etc/localtime").partition("/zoneinfo/")
    return name if found and not name.startswith(("posix/", "right/")) else "UTC"


def database(name: str, fallback: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """DATABASE_URL as Django wants it (PostgreSQL only), or the fallback when it is empty."""
    value = url(name, "", {"postgres", "postgresql"})
    return dict(env.db_url_config(value)) if value else fallback()


def _make_secret_key(file: Path) -> None:
    """Whole or not at all, and the first of two that start at once wins."""
    temporary = file.with_name(f"{file.name}.{os.getpid()}")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as out:
        out.write(get_random_secret_key())
        out.flush()
        os.fsync(out.fileno())
    with contextlib.suppress(FileExistsError):
        os.link(temporary, file)
    temporary.unlink()


def kept_secret_key(file: Path) -> str:
    """SECRET_KEY, else the one kept in `file`, which is made at the first start with mode 0600.

    It signs sessions and encrypts stored secrets, so it belongs into every backup.
    """
    given = text("SECRET_KEY")
    if given:
        if len(given) < 32:
            raise ImproperlyConfigured("SECRET_KEY has fewer than 32 characters")
        return given
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        if not file.exists():
            _make_secret_key(file)
        key = file.read_text().strip()
    except OSError as error:
        raise ImproperlyConfigured(
            f"SECRET_KEY is empty and {file} can’t be used: {error.strerror}"
        ) from None
    if len(key) < 32:
        raise ImproperlyConfigured(f"SECRET_KEY in {file} has fewer than 32 characters")
    return key
