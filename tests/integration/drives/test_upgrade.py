"""A NAS that is upgraded, or goes back, at the same address: what it can do is judged anew."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from audit.models import AuditEvent, Kind
from drives import capabilities, poll
from drives.models import System
from drives.truenas import session
from tests.integration.rows import system_of
from tests.nas import MockNas

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "nas"
    session.forget_all()


def test_what_it_can_do_is_judged_anew(folder: Path, ssh_keys: Path) -> None:
    nas = MockNas(folder, ssh_keys, release="24.10").start()
    system = system_of(nas, "nas-1")
    told: list[tuple[str, str, bool]] = []
    try:
        for release in ("24.10", "25.10", "24.10"):
            if told:
                nas.stop()
                ports = nas.port, nas.ssh_port
                nas = MockNas(folder, ssh_keys, release=release)
                nas.port, nas.ssh_port = ports
                nas.start()
            poll.run(system.pk)
            system = System.objects.get()
            assert not system.last_error, system.last_error
            starting = {one.name: one for one in capabilities.of(system)}["self_tests"]
            told.append((system.release, starting.how, starting.by_shell))
    finally:
        nas.stop()
    assert told == [
        ("SCALE 24.10", "its REST API", False),
        ("TrueNAS 25.10", "smartctl on the host", True),
        ("SCALE 24.10", "its REST API", False),
    ]
    notes = AuditEvent.objects.filter(kind=Kind.SYSTEM_CHANGED).order_by("pk")
    assert [note.note for note in notes] == [
        "nas-1 runs TrueNAS-25.10.6 now, and ran TrueNAS-SCALE-24.10.2.4 before",
        "nas-1 runs TrueNAS-SCALE-24.10.2.4 now, and ran TrueNAS-25.10.6 before",
    ]
