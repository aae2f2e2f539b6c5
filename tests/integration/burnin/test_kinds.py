"""Drives that can't be written as others are: refused, with the reason and the cure (B16)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from burnin.orchestrator import RequestRefused
from drives.models import Drive
from tests.nas import MockNas

from .conftest import Site

pytestmark = pytest.mark.django_db(transaction=True)
KINDS = ("520", "locked", "smr", "smr-host")


def test_each_kind_is_refused_with_its_cure_or_named(
    mock_nas: Callable[..., MockNas], site: Callable[[MockNas], Site]
) -> None:
    options = [word for kind in KINDS for word in ("--drive", kind)]
    here = site(mock_nas(release="25.10", speed=200, options=options))

    def devname(model: str) -> str:
        return Drive.objects.get(model__contains=model).devname

    with pytest.raises(RequestRefused, match="520 bytes: format it to 512 or 4096 first"):
        here.start(devname("X477_SMEGX04TA07"), "surface_validate")
    with pytest.raises(RequestRefused, match="a password locks it: unlock it"):
        here.start(devname("WD40EFRX"), "surface_validate")

    zoned = here.until_over(here.start(devname("HSH721414AL52M0"), "surface_validate"))
    assert zoned.state == "cancelled"
    assert zoned.error_text.startswith("refused: Its zones are managed by the host (SMR)")
    assert not here.nas.debug("state")["runs"], "not a byte"

    slow = here.until_over(here.start(devname("ST8000DM004"), "surface_validate", passes=1))
    slow.drive.refresh_from_db()
    assert (slow.state, slow.drive.zoned) == ("passed", "device_managed")
