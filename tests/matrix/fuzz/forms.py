"""Forms and addresses with hostile values. Which fields a view reads is found out by asking it, so
a new form is tried without being told of here."""

from __future__ import annotations

import logging
import random
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch
from urllib.parse import quote

from django.test import Client
from django.utils.datastructures import MultiValueDict

from .hostile import BODIES, TEXTS

#: A page that takes longer hangs; a busy machine needs far less.
PATIENCE_SECONDS = 20
#: So many times what reads no field is called.
WITHOUT_FIELDS = 9
METHODS = ("POST", "PATCH", "DELETE", "GET", "PUT")
NOTHING = {"csrfmiddlewaretoken", "_method"}
NUMBERS = ("0", "1", "2", "77", str(2**31), str(2**63 - 1), str(2**63), "9" * 40)
WORDS = ("short", "long", "api", "host-key", "host", "mail", "webhook", "x", "%00", "..", "a%0Ab",
         "%F0%9D%95%8F", "%ED%A0%80", "x" * 2000, "auth", "user", "1", "0")  # fmt: skip
TYPES = ("application/json", "multipart/form-data", "multipart/form-data; boundary=x",
         "application/x-www-form-urlencoded; charset=utf-16", "text/plain", "", "\xff",
         "application/x-www-form-urlencoded",
         "multipart/form-data; boundary=" + "b" * 300)  # fmt: skip
HEADERS: tuple[dict[str, str], ...] = (
    {},
    {},
    {"Accept": "application/json"},
    {"HX-Request": "true", "HX-Current-URL": "http://[", "HX-Target": "\xff"},
    {"HX-Request": "true", "HX-Current-URL-URI-AutoEncoded": "true", "HX-Current-URL": "%ff"},
    {"Accept": "*/*;q=x,,", "Accept-Language": "\xff;q=9,,x", "Accept-Encoding": ",gzip;q=y"},
    {"X-Forwarded-For": "a, ::1%x, 999.1.1.1", "Referer": "http://[", "If-Modified-Since": "x"},
    {"Authorization": "Bearer \xff", "Range": "bytes=9-1", "X-Request-ID": "a\tb"},
)


class Trouble(Exception):
    """What no input may bring about; its words can be pasted into a test."""


@contextmanager
def errors_logged() -> Iterator[list[str]]:
    """What is logged as an error, with its traceback."""
    found: list[str] = []

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.name.startswith("django.security."):
                return  # a request that was refused with 400
            found.append(logging.Formatter().format(record)[-2000:])

    listener = Listener(logging.ERROR)
    logging.getLogger().addHandler(listener)
    try:
        yield found
    finally:
        logging.getLogger().removeHandler(listener)


@contextmanager
def fields_read() -> Iterator[set[str]]:
    """Which names are looked for in forms, files and query strings."""
    names: set[str] = set()

    def watched(method: str) -> Any:
        real = getattr(MultiValueDict, method)

        def read(self: Any, key: Any, *more: Any, **named: Any) -> Any:
            if isinstance(key, str):
                names.add(key)
            return real(self, key, *more, **named)

        return patch.object(MultiValueDict, method, read)

    with watched("get"), watched("getlist"), watched("__getitem__"):
        yield names


class Attacker:
    """Sends what it likes to one address after the other; the same things for the same seed."""

    def __init__(self, client: Client, seed: int) -> None:
        self.client, self.dice, self.first = client, random.Random(seed), seed
        self.client.raise_request_exception = False
        self.sent = 0

    def try_route(self, route: str, times: int, plausible: dict[str, list[str]]) -> None:
        """Both methods, fields found as it goes; `times` for a form, a few for what reads no field.
        Raises Trouble."""
        fields: set[str] = set()
        for turn in range(times):
            where = self.address(route, plausible)
            method = "get" if turn % 5 == 4 else "post"
            with fields_read() as read:
                self.send(method, where, self.filled(fields, plausible, turn), body=turn % 9 == 8)
            fields |= read - NOTHING
            if turn == WITHOUT_FIELDS and not fields:
                break

    def try_bodies(self, route: str, plausible: dict[str, list[str]]) -> None:
        """Every hostile body by every method, to somewhere that reads bodies. Raises Trouble."""
        for body in BODIES:
            for method in METHODS:
                where, kind = self.address(route, plausible), self.dice.choice(TYPES)
                headers = self.dice.choice(HEADERS)
                if "Authorization" in headers:
                    headers = {}  # a token in place of the login would end it there
                with self._judged(f"{method} {where[:200]} {body[:60]!r} {kind} {headers}") as seen:
                    seen(self.client.generic(method, where, body, kind, headers=headers))

    def address(self, route: str, plausible: dict[str, list[str]]) -> str:
        def fill(found: re.Match[str]) -> str:
            name = found[0].strip("<>()?P").split(":")[-1].split(">")[0]
            kind = found[0].strip("<").split(":")[0]
            if self.dice.random() < 0.7 and name in plausible:
                return self.dice.choice(plausible[name])
            if kind == "selftest":
                return self.dice.choice(("short", "long"))
            return self.dice.choice(NUMBERS if kind == "int" else WORDS)

        filled = re.sub(r"\(\?P<\w+>[^)]*\)|<[^>]+>", fill, route)
        return "/" + filled.replace("^", "").rstrip("$")

    def filled(
        self, fields: set[str], plausible: dict[str, list[str]], turn: int
    ) -> dict[str, list[str]]:
        """Each field absent, right, hostile, or several at once; every hostile text has its turn in
        each field."""
        form: dict[str, list[str]] = {}
        for place, name in enumerate(sorted(fields)):
            chance = self.dice.random()
            right = plausible.get(re.sub(r"\d+", "N", name))
            if chance < 0.1:
                continue
            if chance < 0.45 and right:
                form[name] = [self.dice.choice(right)]
            elif chance < 0.95:
                form[name] = [TEXTS[(self.first + turn + 17 * place) % len(TEXTS)]]
            else:
                form[name] = self.dice.choices(TEXTS, k=3)
        if self.dice.random() < 0.03:
            form |= {f"{self.dice.choice(TEXTS)[:50]}{number}": [""] for number in range(1200)}
        return form

    def send(self, method: str, where: str, form: dict[str, list[str]], *, body: bool) -> None:
        headers = self.dice.choice(HEADERS)
        query = "&".join(f"{_quoted(name)}={_quoted(each)}" for name in form for each in form[name])
        told = {name: [each[:60] for each in some] for name, some in list(form.items())[:30]}
        with self._judged(f"{method} {where[:200]} {told} {headers}") as seen:
            if method == "get":
                answer = self.client.get(f"{where}?{query[:60_000]}", headers=headers)
            elif body:
                sent, kind = self.dice.choice(BODIES), self.dice.choice(TYPES)
                answer = self.client.generic("POST", where, sent, kind, headers=headers)
            else:
                kind = "application/x-www-form-urlencoded"
                answer = self.client.post(where, query, content_type=kind, headers=headers)
            seen(answer)

    @contextmanager
    def _judged(self, words: str) -> Iterator[Callable[[Any], None]]:
        """Takes the answer; Trouble with these words for what no input may bring about."""
        answers: list[Any] = []
        began = time.monotonic()
        with errors_logged() as errors:
            yield answers.append
            (answer,) = answers
            if answer.streaming and not answer.is_async:
                b"".join(answer.streaming_content)
        took = time.monotonic() - began
        self.sent += 1
        if answer.status_code >= 500 or errors or took > PATIENCE_SECONDS:
            said = f"{words}: {answer.status_code} after {took:.1f} s"
            raise Trouble("\n".join([said, *errors]))


def _quoted(text: str) -> str:
    return quote(text, safe="", errors="surrogatepass")
