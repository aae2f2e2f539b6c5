"""Whatever a page sends on its websocket: the server goes on, others hear on, nothing raises."""

from __future__ import annotations

import contextlib
import json
import os
import random
import struct
from collections.abc import Callable

import pytest
import requests
from django.test import Client

from tests.integration.dashboard.conftest import _web, as_, web  # noqa: F401
from tests.integration.dashboard.web import Web
from tests.integration.dashboard.websocket import Closed, WebSocket
from tests.matrix.fuzz.hostile import BODIES, TEXTS, VALUES

SEED = int(os.environ.get("FUZZ_SEED", "1"))
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


def frame(kind: int, payload: bytes, *, last: bool = True, masked: bool = True) -> bytes:
    head = bytes([kind | 0x80 * last])
    length, mark = len(payload), 0x80 * masked
    if length < 126:
        head += bytes([mark | length])
    elif length < 2**16:
        head += bytes([mark | 126]) + struct.pack(">H", length)
    else:
        head += bytes([mark | 127]) + struct.pack(">Q", length)
    return head + (b"\0\0\0\0" if masked else b"") + payload


def messages() -> list[tuple[str, bytes]]:
    """What is sent, each on a connection of its own."""
    dice = random.Random(SEED)
    told = [("body", frame(TEXT, body)) for body in BODIES]
    told += [("text", frame(TEXT, text.encode(errors="replace"))) for text in TEXTS]
    told += [
        ("json", frame(TEXT, json.dumps({"type": value, "sequence": value}, default=str).encode()))
        for value in VALUES
        if value != 10**400
    ]
    told += [("binary", frame(BINARY, dice.randbytes(dice.randrange(5000)))) for _ in range(10)]
    told += [("noise", dice.randbytes(200)) for _ in range(10)]
    told += [
        ("no mask", frame(TEXT, b"{}", masked=False)),
        ("no such kind", frame(3, b"x")),
        ("reserved bits", b"\xf1\x80\0\0\0\0"),
        ("control too long", frame(PING, b"x" * 126)),
        ("control in parts", frame(PING, b"x", last=False)),
        ("never ends", frame(TEXT, b"x", last=False)),
        ("goes on with nothing before", frame(0, b"x")),
        ("half a character", frame(TEXT, "é".encode()[:1])),
        ("says more than it sends", b"\x81\xff" + struct.pack(">Q", 2**62) + b"\0\0\0\0x"),
        ("odd farewell", frame(CLOSE, b"\x03")),
        ("farewell with a wrong number", frame(CLOSE, struct.pack(">H", 9999))),
        ("farewell that is no text", frame(CLOSE, struct.pack(">H", 1000) + b"\xff\xff")),
        ("big", frame(TEXT, b"[" + b"0," * 2_000_000 + b"0]")),
        ("many", frame(TEXT, b"{}") * 3000),
        ("many pings", frame(PING, b"") * 3000),
        ("unasked pongs", frame(PONG, b"x") * 100),
    ]
    return told


@pytest.mark.timeout(240)
@pytest.mark.django_db(transaction=True)
def test_nothing_that_a_page_sends_breaks_it(
    web: Web,  # noqa: F811
    as_: Callable[[str], Client],  # noqa: F811
) -> None:
    cookie = f"sessionid={as_('viewer').cookies['sessionid'].value}"

    def opened(wanted: str = "rows", cookie: str = cookie) -> WebSocket:
        socket = WebSocket(f"ws://127.0.0.1:{web.port}/live/{wanted}", cookie=cookie)
        assert socket.status == 101
        return socket

    quiet = opened()
    quiet.message()
    for name, content in messages():
        for wanted, who in (("rows", cookie), ("ids", "sessionid=\xff")):
            socket = opened(wanted, who)
            with contextlib.suppress(OSError):  # it may close before all of it was sent
                socket._socket.sendall(content)
            if name in {"text", "json", "binary"} and who == cookie:
                assert "sequence" in socket.message(), name  # it goes on
            socket.close()
    for address in ("rows/../ids", "%00", "x" * 3000, "%ff", "rows?x=%00", "", "rows/1"):
        with contextlib.suppress(Closed, OSError):
            WebSocket(f"ws://127.0.0.1:{web.port}/live/{address}", cookie=cookie).close()
    assert requests.get(f"{web.url}/health/live", timeout=30).ok
    assert "sequence" in quiet.message(timeout=30)
    assert opened().message()["sequence"] >= 0
    # Channels tells of an address that it doesn't have as of an error.
    lines = [line for line in web.log.splitlines() if "No route found for path" not in line]
    troubles = [line for line in lines if "Traceback" in line or '"ERROR"' in line]
    assert troubles == [], troubles[0][:3000]
