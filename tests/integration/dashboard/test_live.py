"""Over a real websocket from a real web process, with a real Valkey between."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from channels.layers import get_channel_layer
from django.core.signing import TimestampSigner
from django.db import transaction
from django.test import Client

from audit.events import record
from audit.models import Kind
from dashboard.flusher import Flusher
from drives.models import Drive
from live.changes import changed, server
from tests import broker
from tests.integration.dashboard.web import Web
from tests.integration.dashboard.websocket import Closed, WebSocket
from tests.integration.rows import a_drive, a_job
from tests.waiting import wait_for

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(120)]
Open = Callable[..., WebSocket]


@pytest.fixture
def page(web: Web, as_: Callable[[str], Client]) -> Iterator[Open]:
    """Open the websocket of a page of somebody with that role; None isn't logged in."""
    opened: list[WebSocket] = []

    def connect(role: str | None = "viewer", wanted: str = "rows", **facts: str) -> WebSocket:
        cookie = "" if role is None else f"sessionid={as_(role).cookies['sessionid'].value}"
        url = f"ws://127.0.0.1:{web.port}/live/{wanted}"
        opened.append(WebSocket(url, cookie=cookie, **facts))
        return opened[-1]

    yield connect
    for one in opened:
        one.close()


def heat(drive: Drive, celsius: int) -> None:
    with transaction.atomic():
        Drive.objects.filter(pk=drive.pk).update(temperature_c=celsius)
        changed([drive.pk])


def row_of(message: dict[str, object], drive: Drive) -> str:
    found = re.search(rf'<hx-partial hx-target="#drive-{drive.pk}".*?</hx-partial>',
                      str(message["content"]), re.DOTALL)  # fmt: skip
    assert found, message
    return found[0]


def test_only_changed_rows_travel_and_every_page_gets_the_same(drive: Drive, page: Open) -> None:
    other = a_drive(drive.system, "sdb")
    first, second, ids = page(), page("operator"), page(wanted="ids")
    hello = first.message()
    assert set(hello) == {"sequence"}
    heat(drive, 47)
    message = first.until("drives")
    assert message["drives"] == [drive.pk]
    assert "47 °C" in row_of(message, drive)
    assert f"#drive-{other.pk}" not in message["content"]
    assert second.until("drives") == message
    brief = ids.until("drives")
    assert (brief["drives"], brief["sequence"]) == ([drive.pk], message["sequence"])
    assert f"#drive-{drive.pk}" not in brief.get("content", "")
    heat(drive, 48)
    assert first.until("drives")["sequence"] > message["sequence"]


def test_what_has_ended_is_told_once_on_every_page(drive: Drive, page: Open) -> None:
    rows, ids = page(), page("operator", wanted="ids")
    for socket in (rows, ids):
        socket.message()
    job = a_job(drive, state="failed", holds_drive=False, error_text="12 bad sectors")
    with transaction.atomic():
        event = record(Kind.BURNIN_FAILED, "it failed", drive=drive, job_id=job.pk)
        changed([drive.pk])
    ended = {
        "event": event.pk,
        "job": job.pk,
        "drive": drive.pk,
        "state": "failed",
        "title": "sda failed",
        "text": "ST12000NM0008 SER-sda. 12 bad sectors",
        "url": f"/history/{job.pk}",
    }
    for socket in (rows, ids):
        assert socket.until("ended")["ended"] == [ended]
    heat(drive, 47)
    assert "ended" not in rows.until("drives")


def test_a_quiet_page_hears_a_heartbeat(drive: Drive, page: Open) -> None:
    socket = page()
    before = socket.message()["sequence"]
    # The first looks at everything, so it may bring what stands above the table.
    first = socket.message(timeout=15)
    again = socket.message(timeout=15)
    assert before <= first["sequence"] <= again["sequence"]


def test_without_a_login_or_a_role_it_is_closed_with_a_reason(page: Open) -> None:
    for role, code in ((None, 4401), ("", 4403)):
        with pytest.raises(Closed) as closed:
            page(role).message()
        assert closed.value.code == code


def test_another_site_can_not_listen(page: Open) -> None:
    assert page(origin="http://evil.example").status == 403


def test_a_flushed_valkey_shows_as_a_jump_of_the_number_and_updates_go_on(
    drive: Drive, page: Open, valkey: str
) -> None:
    socket = page()
    socket.message()
    heat(drive, 40)
    number = socket.until("drives")["sequence"]
    redis.Redis.from_url(valkey).flushall()
    heat(drive, 41)
    message = socket.until("drives")
    assert "41 °C" in row_of(message, drive)
    assert message["sequence"] > number + 1000


def test_a_killed_web_process_comes_back_with_the_changes_of_meanwhile(
    drive: Drive, page: Open, web: Web
) -> None:
    socket = page()
    known = socket.message()["sequence"]
    web.kill9()
    with pytest.raises((Closed, ConnectionError)):
        while True:
            socket.message()
    heat(drive, 52)
    web.start()
    again = page()
    assert again.message()["sequence"] >= known
    assert "52 °C" in row_of(again.until("drives"), drive)


def test_two_web_processes_send_each_change_once(
    drive: Drive, page: Open, web: Web, tmp_path_factory: pytest.TempPathFactory, valkey: str
) -> None:
    second = Web(tmp_path_factory.mktemp("second"), valkey)
    second.start()
    try:
        here = page()
        here.message()
        there = WebSocket(f"ws://127.0.0.1:{second.port}/live/rows", cookie=_cookie_of(page))
        there.message()
        heat(drive, 44)
        assert here.until("drives") == there.until("drives")
        heat(drive, 45)
        assert here.until("drives") == there.until("drives")
        there.close()
    finally:
        second.kill9()


def test_a_killed_valkey_comes_back_empty_and_the_same_socket_goes_on(
    drive: Drive, as_: Callable[[str], Client], tmp_path: Path, settings: Any
) -> None:
    with broker.server(tmp_path) as url:
        web = Web(tmp_path, url)
        web.start()
    try:
        # Without it the page is there, and its socket is asked to try again.
        cookie = f"sessionid={as_('viewer').cookies['sessionid'].value}"
        address = f"ws://127.0.0.1:{web.port}/live/rows"
        with pytest.raises(Closed) as closed:
            WebSocket(address, cookie=cookie).message()
        assert closed.value.code in {1006, 4013}
        settings.REDIS_URL = url
        server.cache_clear()
        with broker.server(tmp_path):
            socket = WebSocket(address, cookie=cookie)
            number = socket.message()["sequence"]
            heat(drive, 46)
            assert "46 °C" in row_of(socket.until("drives"), drive)
        heat(drive, 47)  # told to nobody; costs a log line
        with broker.server(tmp_path):
            heard = socket.message(timeout=30)
            assert heard["sequence"] > number + 1
            heat(drive, 48)
            assert "48 °C" in row_of(socket.until("drives", 30), drive)
            socket.close()
    finally:
        web.kill9()


def _cookie_of(page: Open) -> str:
    from django.contrib.sessions.models import Session

    return f"sessionid={Session.objects.latest('expire_date').session_key}"


def test_nothing_listens_and_nothing_is_lost(drive: Drive, page: Open, web: Web) -> None:
    web.kill9()
    heat(drive, 55)
    wait_for(lambda: server().scard("burnin:changed-drives"), 5, "the change waits")
    web.start()
    assert "55 °C" in row_of(page().until("drives"), drive)


def test_what_somebody_else_sends_through_the_broker_reaches_no_page(
    drive: Drive, page: Open
) -> None:
    """Whoever reaches the broker could else write HTML into an admin's page."""
    socket = page("admin")
    number = socket.message()["sequence"]
    forged = {"sequence": number, "drives": [], "content": "<div hx-post='/admin/…'>"}
    old = TimestampSigner(salt="another").sign(json.dumps(forged))

    async def send() -> None:
        layer = get_channel_layer()
        for message in ({"message": forged}, {"signed": json.dumps(forged)}, {"signed": old}):
            await layer.group_send("rows", {"type": "live.message", **message})

    asyncio.run(send())
    heat(drive, 47)
    heard = socket.message()
    while "drives" not in heard or drive.pk not in heard["drives"]:
        assert "/admin/…" not in str(heard)
        heard = socket.message()
    assert "/admin/…" not in str(heard)


def test_a_server_that_loses_its_data_in_the_middle_is_noticed(
    drive: Drive, valkey: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page that was rendered on an empty server knows the number 0: what comes after the loss
    must not look like the message after that."""
    sent: list[int] = []

    class Losing:
        def render(self, ids: list[int]) -> dict[str, object]:
            redis.Redis.from_url(valkey).flushall()
            return {"drives": ids}

    async def send(self: Flusher, number: int, message: object) -> None:
        sent.append(number)

    monkeypatch.setattr(Flusher, "_send", send)

    async def flush_once() -> None:
        flusher = Flusher()
        flusher.fragments = Losing()  # type: ignore[assignment]
        await flusher.flush()
        await flusher.redis.aclose()

    asyncio.run(flush_once())
    assert sent[0] > 10**15
