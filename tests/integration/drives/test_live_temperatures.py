"""CORE 12 reads every drive at each question for temperatures: it is asked once a minute."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from drives import poll
from drives.models import Drive
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
    Drive.objects.update(temperature_at=now() - timedelta(seconds=61))
    assert celsius() == 43
