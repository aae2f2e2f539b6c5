"""Who may come in: keys and passwords, sessions, the limits for those who haven't logged in.

Keys: `mock-key` may do everything, `mock-key-readonly` only read, `mock-key-expired` is too old;
KEYS has them in the real form too (number, dash, 64 letters and digits). Any other key of that form
opens as well, so that what is configured for a NAS may be pointed at the mock; SCRAM, where the NAS
must know the key, takes only those of KEYS. All belong to root, whose password is `mock-key`.
"""

from __future__ import annotations

import base64
import errno
import hashlib
import random
import re
import secrets
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from . import scram
from .errors import CallError, invalid
from .methods import Method, Parameter, needs, takes
from .nas import Nas
from .releases import Release

KEY = "mock-key"
FULL, READ_ONLY, EXPIRED = "1-" + "mock" * 16, "2-" + "read" * 16, "3-" + "aged" * 16
KEYS = {"mock-key": FULL, "mock-key-readonly": READ_ONLY, "mock-key-expired": EXPIRED}
REAL_KEY = re.compile(r"\d+-[A-Za-z0-9]{64}")
USER = "root"
TOKEN_SECONDS = 600
CALLS, PER_SECONDS = 20, 60.0
LOOPBACK = re.compile(r"127\.|::1$|::ffff:127\.")


@dataclass
class Session:
    """One connection, or one REST call.

    Attributes:
        address: of the caller, without the port.
        clear: what it sends can be read on the way: no TLS, and from another machine.
        credentials: {type, data} once logged in.
        read_only: it may change nothing.
        new_jobs: the answer to a job's call is its result, not its id.
        scram: the exchange that it is in.
        late: seconds by which the answer to this call is held back: an unknown key is told late.
        certificate: of the NAS, in DER, where it came by TLS.
    """

    address: str
    clear: bool
    id: str = field(default_factory=lambda: secrets.token_hex(16))
    credentials: dict[str, Any] | None = None
    read_only: bool = False
    new_jobs: bool = False
    scram: scram.Exchange | None = None
    certificate: bytes | None = None
    late: float = 0.0

    def log_in(self, kind: str, read_only: bool = False) -> None:
        self.credentials = {"type": kind, "data": {"username": USER}}
        self.read_only = read_only

    def log_out(self) -> None:
        self.credentials = None


class Accounts:
    """Keys, tokens and the rate limit."""

    def __init__(self, nas: Nas, release: Release) -> None:
        self.nas, self.release = nas, release
        self.far = False  #: /debug lets callers on this machine look like others
        self.redirects = False  #: plain http is sent on to https
        #: (may only read, is good once) of each.
        self._tokens: dict[str, tuple[bool, bool]] = {}
        self._calls: dict[tuple[str, str], list[float]] = {}
        self._lock = threading.Lock()

    def session(self, address: str, certificate: bytes | None = None) -> Session:
        """Of a caller at that address; `certificate` is ours where it came by TLS."""
        near = LOOPBACK.match(address) and not self.far
        clear = certificate is None and not near
        return Session(address, clear, certificate=certificate)

    # --- keys ---------------------------------------------------------------------------------
    def check_key(self, key: str) -> str:
        """SUCCESS, EXPIRED or AUTH_ERR."""
        key = KEYS.get(key, key)
        if key == EXPIRED or _digest(key) in self.nas.revoked_keys:
            return "EXPIRED"
        return "SUCCESS" if REAL_KEY.fullmatch(key) else "AUTH_ERR"

    def log_in_by_key(self, session: Session, key: str, username: str | None = None) -> str:
        """As auth.login_with_api_key and auth.login_ex do it."""
        key = KEYS.get(key, key)
        found = self.check_key(key)
        if found == "AUTH_ERR" and self.release.keys == "user":
            session.late = random.uniform(1, 2) / self.nas.speed
        if username not in (None, USER):
            return "AUTH_ERR"
        if found == "SUCCESS" and session.clear and self.release.revokes:
            with self.nas.change():
                self.nas.revoked_keys = [*self.nas.revoked_keys, _digest(key)]
            return "EXPIRED"
        if found == "SUCCESS":
            session.log_in("API_KEY", key == READ_ONLY)
        return found

    def log_in_by_header(self, session: Session, authorization: str) -> bool:
        """As REST does: a key or a password with each call. Nothing is revoked there."""
        kind, _, secret = authorization.partition(" ")
        secret = KEYS.get(secret, secret)
        if kind == "Bearer" and self.check_key(secret) == "SUCCESS":
            session.log_in("API_KEY", secret == READ_ONLY)
        elif kind == "Basic" and _basic(secret) == f"{USER}:{KEY}":
            session.log_in("LOGIN_PASSWORD")
        return session.credentials is not None

    # --- calls --------------------------------------------------------------------------------
    def limit(self, session: Session, method: Method) -> None:
        """Slows down and refuses who calls a method without login too often."""
        how = self.release.rate_limit
        if not method.no_auth or not how or (how == "anonymous" and session.credentials):
            return
        now, window = time.monotonic(), PER_SECONDS / self.nas.speed
        with self._lock:
            calls = self._calls.setdefault((session.address, method.name), [])
            calls[:] = [at for at in calls if now - at < window]
            calls.append(now)
            too_many = len(calls) > CALLS
        if too_many:
            time.sleep(random.uniform(1, 10) / self.nas.speed)
            raise CallError("Rate Limit Exceeded", errno.EBUSY)

    def forget(self) -> None:
        """The middleware restarts."""
        with self._lock:
            self._tokens, self._calls = {}, {}

    # --- methods ------------------------------------------------------------------------------
    def methods(self) -> list[Method]:
        key, user, password = needs("api_key", str), needs("username", str), needs("password", str)
        token = Parameter("ttl", (int,), TOKEN_SECONDS, null=True), takes("attrs", {}, dict)
        origin = takes("match_origin", False, bool)
        return [
            Method("auth.login", self._login, (user, password, takes("otp_token", None, str)),
                   session=True, no_auth=True, websocket_only=True),
            Method("auth.login_with_api_key", self._login_with_key, (key,), session=True,
                   no_auth=True, websocket_only=True),
            Method("auth.login_with_token", self._login_with_token, (needs("token", str),),
                   session=True, no_auth=True, websocket_only=True),
            Method("auth.login_ex", self._login_ex, (needs("login_data", dict),), since="25.04",
                   session=True, no_auth=True, websocket_only=True),
            Method("auth.mechanism_choices", self._mechanisms, since="25.04", session=True,
                   no_auth=True, websocket_only=True),
            Method("auth.generate_token", self._generate_token, token, session=True, until="13.3"),
            Method("auth.generate_token", self._generate_token, (*token, origin), session=True,
                   since="22.12.1", until="24.10"),
            Method("auth.generate_token", self._generate_token,
                   (*token, origin, takes("single_use", False, bool)), session=True, since="25.04"),
            Method("auth.check_user", self._check_user, (user, password), until="24.10"),
            Method("auth.logout", self._logout, session=True, websocket_only=True),
            Method("auth.me", self._me, since="22.12.1", session=True, websocket_only=True),
        ]  # fmt: skip

    def _login(self, session: Session, user: str, password: str, otp: str | None) -> bool:
        if (user, password) != (USER, KEY):
            return False
        session.log_in("LOGIN_PASSWORD")
        return True

    def _login_with_key(self, session: Session, key: str) -> bool:
        return self.log_in_by_key(session, key) == "SUCCESS"

    def _login_with_token(self, session: Session, token: str) -> bool:
        with self._lock:
            read_only, single_use = self._tokens.get(token, (False, False))
            if token not in self._tokens:
                return False
            if single_use:
                del self._tokens[token]
        session.log_in("TOKEN", read_only)
        return True

    def _login_ex(self, session: Session, data: dict[str, Any]) -> dict[str, Any]:
        mechanism = data.get("mechanism")

        def given(name: str) -> str:
            value = data.get(name)
            if not isinstance(value, str):
                words = "Field required" if value is None else "Input should be a valid string"
                raise invalid(f"login_data.{mechanism}.{name}", words)
            return value

        match mechanism:
            case "API_KEY_PLAIN":
                found = self.log_in_by_key(session, given("api_key"), given("username"))
            case "PASSWORD_PLAIN":
                right = self._login(session, given("username"), given("password"), None)
                found = "SUCCESS" if right else "AUTH_ERR"
            case "AUTH_TOKEN_PLAIN":
                right = self._login_with_token(session, given("token"))
                found = "SUCCESS" if right else "AUTH_ERR"
            case "OTP_TOKEN":
                raise CallError("OTP token is not expected at this time", errno.EINVAL)
            case "SCRAM" if self.release.scram:
                return self._scram(session, given("scram_type"), given("rfc_str"))
            case _:
                tags = ", ".join(f"'{one}'" for one in self._known_mechanisms())
                words = (
                    f"Input tag {mechanism!r} found using 'mechanism' does not match any of the "
                    f"expected tags: {tags}"
                )
                raise invalid("login_data", words)
        if found != "SUCCESS":
            return {"response_type": found}
        # The plain mechanisms tell who one is.
        return {
            "response_type": "SUCCESS",
            "user_info": self._me(session),
            "authenticator": "LEVEL_1",
        }

    def _scram(self, session: Session, kind: str, text: str) -> dict[str, Any]:
        try:
            if kind == "CLIENT_FIRST_MESSAGE":
                session.scram = scram.Exchange(text, session.certificate)
                return scram.told("SERVER_FIRST_RESPONSE", session.scram.server_first)
            exchange, session.scram = session.scram, None
            if kind != "CLIENT_FINAL_MESSAGE" or exchange is None:
                return {"response_type": "AUTH_ERR"}
            key = next(key for key in KEYS.values() if key.partition("-")[0] == exchange.key_id)
            answer = exchange.finish(text, key.partition("-")[2])
        except (ValueError, StopIteration):
            return {"response_type": "AUTH_ERR"}
        if exchange.username != USER or self.check_key(key) != "SUCCESS":
            return {"response_type": "AUTH_ERR"}
        session.log_in("API_KEY", key == READ_ONLY)
        return scram.told("SERVER_FINAL_RESPONSE", answer)

    def _known_mechanisms(self) -> list[str]:
        plain = ["API_KEY_PLAIN", "AUTH_TOKEN_PLAIN", "OTP_TOKEN", "PASSWORD_PLAIN"]
        return plain + ["SCRAM"] * self.release.scram

    def _mechanisms(self, session: Session) -> list[str]:
        if session.credentials is None and self.release.broken_mechanisms:
            raise AttributeError("'NoneType' object has no attribute 'may_create_auth_token'")
        return [one for one in self._known_mechanisms() if one != "OTP_TOKEN"]

    def _generate_token(
        self,
        session: Session,
        ttl: int | None,
        attrs: dict[str, Any],
        match_origin: bool = False,
        single_use: bool = False,
    ) -> str:
        token = secrets.token_urlsafe(48)
        with self._lock:
            self._tokens[token] = (session.read_only, single_use)
        return token

    def _check_user(self, user: str, password: str) -> bool:
        return (user, password) == (USER, KEY)

    def _logout(self, session: Session) -> bool:
        session.log_out()
        return True

    def _me(self, session: Session) -> dict[str, Any]:
        role = "READONLY_ADMIN" if session.read_only else "FULL_ADMIN"
        return {
            "pw_name": USER,
            "pw_gecos": "root",
            "pw_dir": "/root",
            "pw_shell": "/usr/bin/zsh",
            "pw_uid": 0,
            "pw_gid": 0,
            "grouplist": None,
            "sid": None,
            "source": "LOCAL",
            "local": True,
            "attributes": {},
            "two_factor_config": None,
            "privilege": {"roles": {"$set": [role]}, "web_shell": True, "webui_access": True},
            "account_attributes": ["LOCAL", "SYS_ADMIN", "API_KEY"],
        }


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def _basic(secret: str) -> str:
    try:
        return base64.b64decode(secret).decode()
    except ValueError:
        return ""
