"""Takes secrets out of texts that people and logs get to see: the last line of defence.

No text should hold one to begin with. But a library's exception may quote a header, and a NAS may
send back what it was sent. Whoever reads a secret out of settings or database makes it known here;
what has the shape of a secret is taken out even when nobody did.
"""

from __future__ import annotations

import re
from urllib.parse import quote

#: Stands in its place.
TAKEN_OUT = "[secret]"
#: Shorter ones are part of too many innocent words.
SHORTEST = 6

_known: set[str] = set()
_SHAPES = (
    (re.compile(r"(?i)\b(bearer|basic) [\w.~+/=-]{6,}"), rf"\1 {TAKEN_OUT}"),
    (re.compile(r"(://[^/\s:@]*:)[^@\s/]+@"), rf"\1{TAKEN_OUT}@"),
    (re.compile(r"-----BEGIN [A-Z ]*KEY-----.*?(?:-----END [A-Z ]*KEY-----|\Z)", re.S), TAKEN_OUT),
    (re.compile(r"\b\d+-[A-Za-z0-9]{64}\b"), TAKEN_OUT),  # an API key of TrueNAS
    (re.compile(r"\bburnin_[\w-]{40,}"), TAKEN_OUT),  # an API token of ours
    (re.compile(r"\b(?:pbkdf2_sha\d+|argon2\w*|bcrypt\w*|scrypt|md5)\$[^\s'\",)]+"), TAKEN_OUT),
)


def remember(secret: str) -> None:
    """From now on this text is taken out, as it stands and as it is usually quoted."""
    if len(secret) >= SHORTEST:
        for form in (secret, secret.strip()):
            _known.update({form, repr(form)[1:-1], quote(form, safe="")})


def redact(text: str) -> str:
    """The text without secrets."""
    # The longest first: one may be part of another.
    for secret in sorted(_known, key=len, reverse=True):
        text = text.replace(secret, TAKEN_OUT)
    for shape, instead in _SHAPES:
        text = shape.sub(instead, text)
    return text
