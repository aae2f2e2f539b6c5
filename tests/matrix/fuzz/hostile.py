"""What nobody means well with, and what nobody thought of."""

from __future__ import annotations

from typing import Any

#: As texts, in a form or an address.
TEXTS = (
    "", " ", "\0", "a\0b", "\ud800", "\ufeff", "\u202e", "\u2028", "é" * 3, "𝕏", "²", "١٢", "Ⅷ",
    "0", "-1", "1", "2", "1,2,3", "1,,x", "1.5", "1e400", "nan", "inf", "-0", "+1", "0x10", "1_0",
    "9" * 19, "9" * 40, "9" * 5000, str(2**31), str(2**63 - 1), str(2**63), "-" + "9" * 30,
    "x" * 300, "x" * 70_000, "ä" * 1001, "%", "%00", "%s%n", "{}", "{{7*7}}", "[]", "null", "true",
    "on", "\r\nSet-Cookie: a=b", "a\nb", "\t", "\x1b[31m", "<script>alert(1)</script>",
    "' OR 1=1 --", "\\", "../../etc/passwd", "file:///etc/passwd", "http://", "http://[",
    "http://[::1", "http://127.0.0.1:99999/", "https://user:pass@x/", "http://\0", "//x", "a@b@c",
    "a@b.example", "Ä <ä@ö.example>", "<a@b.example", "0001-01-01", "9999-12-31", "2026-02-30",
    "2026-11-26T25:00", "9999-12-31T23:59:59-14:00", "short", "surface_validate", "quick", "passed",
    "ssh-ed25519 AAAA", "ssh-ed25519 " + "A" * 68, "-----BEGIN", "truenas", "host", "mock", "admin",
    "udma_crc_errors=5", "=", "=5", "json://127.0.0.1:1", "json://[", "://", "starttls",
)  # fmt: skip

#: As values of JSON, where another type was meant.
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 1.5, -0.0, 1e308, 2**31, 2**53, 2**63 - 1, 2**63, -(2**63) - 1,
    10**400, [], {}, [[]], [None], [1, "x"], {"": ""}, {"a": {"b": {"c": None}}}, "", "\0", "a\0b",
    "\ud800", "x" * 70_000, "1", "true", "NaN", [0] * 3000, {str(n): n for n in range(300)},
    "9" * 5000, "\u202e", "<b>", "ONLINE", "sda", "-", " ", "\n", "2026-11-26T00:00:00Z",
)  # fmt: skip

#: As whole bodies.
BODIES = (
    b"", b" ", b"\0", b"\xff\xfe\x00", b"{", b"}", b"[]", b"[[", b"null", b"1", b'"x"', b"{}" * 2,
    b'{"a":1,"a":2}', b"NaN", b"Infinity", b'{"drive_ids": [NaN]}', b'"\\ud800"', b'{"\\ud800": 1}',
    b"[" * 20_000, b'{"a":' * 20_000, b'{"a": ' + b"9" * 5000 + b"}", b"\xef\xbb\xbf{}",
    b'{"settings": {"smtp_host": "\\ud800"}}', b'{"settings": {"\\ud800": null}}',
    b'{"settings": {"smtp_to": [["a"]]}}', b'{"settings": ' + b"[" * 900 + b"]" * 900 + b"}",
    b'{"location": "\\udfff"}', b'{"notes": "\\u0000"}', b'{"type": "short", "x": {}}',
    b" " * 3_000_000, b'{"drive_ids": [1]}' + b" " * 2_700_000,
    b'{"drive_ids": [9223372036854775808]}', b'{"drive_ids": [1], "release": {"1": ["\\ud800"]}}',
)  # fmt: skip
