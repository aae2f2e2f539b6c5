"""CORE 12 reads every drive at each question for temperatures: it is asked once a minute."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from burnin.locate import ask
from drives import capabilities, poll
from drives.models import Drive, System
from tests.integration.rows import now, system_of
from tests.nas import MockNas

pytestmark = pytest.mark.django_db(transaction=True)


def test_they_are_asked_once_a_minute(mock_nas: Callable[..., MockNas]) -> None:
    nas = mock_nas(release="12.0")
    system = system_of(nas)

    def celsius() -> int | None:
        assert poll.run(system.pk)
        return Drive.objects.get(devname="sda").temperature_c

    nas.debug("drive/sda", {"temperature": 41})
    assert celsius() == 41
    nas.debug("drive/sda", {"temperature": 43})
    assert celsius() == 41, "not asked"
    able = {one.name: one for one in capabilities.of(System.objects.get())}["temperatures"]
    assert (able.works, able.why) == (True, ""), "and still said to be told"
    Drive.objects.update(temperature_at=now() - timedelta(seconds=61))
    assert celsius() == 43


def test_who_looks_a_drive_up_does_not_ask_for_them(mock_nas: Callable[..., MockNas]) -> None:
    nas = mock_nas(release="12.0")
    system = system_of(nas)
    nas.debug("fault", {"what": "500", "path": "/disk/temperatures", "times": 1})
    assert ask(system).view.temperatures == {}
    (left,) = nas.debug("state")["faults"]
    assert left["times"] == 1, "nobody has met it"
