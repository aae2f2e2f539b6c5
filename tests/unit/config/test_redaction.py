"""What must never be read in a log or on a page is taken out of a text."""

from __future__ import annotations

import json
import logging
from urllib.parse import quote

import pytest

from burnin_site.logs import JsonLine, TextLine
from config.redaction import redact, remember

KEY = "1-" + "aB3" * 21 + "x"


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        (f"refused {KEY} today", "refused [secret] today"),
        (f"Authorization: Bearer {KEY}", "Authorization: Bearer [secret]"),
        ("header 'Bearer unknown-key-7'", "header 'Bearer [secret]'"),
        ("redis://:pass-word@127.0.0.1:6379/0", "redis://:[secret]@127.0.0.1:6379/0"),
        ("postgres://burnin:p:w@db/burnin", "postgres://burnin:[secret]@db/burnin"),
        (
            "key -----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\n-----END OPENSSH PRIVATE KEY----- end",
            "key [secret] end",
        ),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIE, cut off", "[secret]"),
        ("row (olga, pbkdf2_sha256$1000$salt$hash=, t)", "row (olga, [secret], t)"),
        # what is none
        ("https://nas.example:443/api/v2.0/disk", "https://nas.example:443/api/v2.0/disk"),
        ("12 sectors at LBA 4096000-4096064", "12 sectors at LBA 4096000-4096064"),
        ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5"),
    ],
)
def test_the_shape_of_a_secret_is_enough(text: str, clean: str) -> None:
    assert redact(text) == clean


def test_a_known_secret_is_found_however_it_is_quoted() -> None:
    secret = 't0p\'s "secret" /key\n'
    remember(secret)
    for form in (secret, secret.strip(), quote(secret.strip(), safe=""), repr(secret)):
        assert "t0p" not in redact(f"before {form} after"), form
    remember("sda")  # too short to tell from a word
    assert redact("sda is hot") == "sda is hot"


def test_neither_form_of_log_line_holds_one() -> None:
    remember("canary-in-a-traceback")
    try:
        raise ValueError("refused: canary-in-a-traceback")
    except ValueError as error:
        facts = (type(error), error, error.__traceback__)
    record = logging.LogRecord("x", 40, "f", 1, "key %s", ("canary-in-a-traceback",), facts)
    line = JsonLine().format(record)
    assert json.loads(line)["message"] == "key [secret]"
    assert "ValueError" in line and "ValueError" in TextLine().format(record)
    assert "canary" not in line + TextLine().format(record)
