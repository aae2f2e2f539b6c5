"""Ended burn-ins, and somewhere to tell of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

from audit.events import record
from audit.models import AuditEvent, Kind
from config import runtime
from drives.models import Drive, System
from notifications.models import Cursor
from tests.integration.notifications.servers import (
    PASSWORD,
    USER,
    MailServer,
    Receiver,
    certificate,
    mail_server,
    receiver,
)
from tests.integration.rows import a_drive, a_job, a_system

KINDS = {
    "failed": Kind.BURNIN_FAILED,
    "passed": Kind.BURNIN_PASSED,
    "unknown": Kind.BURNIN_UNKNOWN,
}


@pytest.fixture(autouse=True)
def _reads_from_now_on(request: pytest.FixtureRequest) -> None:
    """As after the migration, whose row goes with the flush of an earlier test."""
    if request.node.get_closest_marker("django_db"):
        request.getfixturevalue("db")
        Cursor.objects.get_or_create(only_one=True, defaults={"position": 0})


@pytest.fixture
def nas(db: None) -> System:
    return a_system()


@pytest.fixture
def ends(nas: System) -> Callable[..., AuditEvent]:
    """End a burn-in of a new drive: `ends("failed", "sdb", error_text="12 bad sectors")`."""

    def end(state: str, devname: str = "sda", *, system: System = nas, **facts: Any) -> AuditEvent:
        drive: Drive = a_drive(system, devname)
        with transaction.atomic():
            job = a_job(drive, state=state, holds_drive=False, **facts)
            return record(KINDS[state], "ended", system=system, drive=drive, job_id=job.pk)

    return end


@pytest.fixture(scope="session")
def cert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def mail_at(
    cert: Path, monkeypatch: pytest.MonkeyPatch, db: None
) -> Iterator[Callable[..., MailServer]]:
    """Start a mail server of that mode and let the settings lead there, on its own port."""
    running: list[Any] = []

    def start(mode: str = "plain", *, trusted: bool = True, **changes: Any) -> MailServer:
        if trusted:
            monkeypatch.setenv("SSL_CERT_FILE", str(cert))
        context = mail_server(mode, cert)
        server = context.__enter__()
        running.append(context)
        monkeypatch.setitem(runtime.SMTP_MODES, mode, (mode, server.port))
        facts = {
            "smtp_host": "localhost",
            "smtp_mode": mode,
            "smtp_user": USER,
            "smtp_password": PASSWORD,
            "smtp_to": "ops@example.org",
        }
        runtime.update(facts | changes, by="ada")
        return server

    yield start
    for context in running:
        context.__exit__(None, None, None)


@pytest.fixture
def hook(db: None) -> Iterator[Receiver]:
    """A receiver on this machine, which the settings lead to and allow."""
    with receiver() as server:
        runtime.update({"webhook_url": server.url, "webhook_allow_local": True}, by="ada")
        yield server
