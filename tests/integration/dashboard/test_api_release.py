"""Old data is released by API with the names that the refusal gave, and with nothing else."""

from __future__ import annotations

import pytest

from burnin.models import Job
from drives import poll
from drives.models import Drive
from tests.integration.dashboard.test_api import Call, call
from tests.integration.rows import system_of
from tests.nas import MockNas

__all__ = ["call"]
pytestmark = pytest.mark.django_db(transaction=True)


def test_refused_then_released_by_name(call: Call, media_nas: MockNas) -> None:
    assert media_nas.media is not None
    file = next(each for each in media_nas.media.glob("*.img") if "da0" in each.name)
    with file.open("r+b") as medium:
        medium.write(b"XFSB" + bytes(508))
    system = system_of(media_nas)
    assert poll.run(system.pk)
    drive = Drive.objects.get(devname="da0")
    wish = {"drive_ids": [drive.pk], "serial": drive.serial, "run_long": False}
    status, body = call("operator", "post", "burnin/start", wish)
    assert status == 409, body
    (refused,) = body["outcomes"]
    assert [each["reason"] for each in refused["releasable"]] == refused["reasons"] != []
    names = [each["release"] for each in refused["releasable"]]
    for strange in (["data:0123456789ab"], names[:-1] if len(names) > 1 else []):
        status, body = call(
            "operator", "post", "burnin/start", wish | {"release": {drive.pk: strange}}
        )
        assert status == 409, body
    status, body = call("operator", "post", "burnin/start", wish | {"release": {drive.pk: names}})
    assert status == 201, body
    assert Job.objects.get().release == names
