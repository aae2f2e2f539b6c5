"""What may not be written: a pool's disk, another drive, old data that nobody released."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest

from audit.models import AuditEvent, Kind
from burnin import orchestrator
from burnin.models import Job, JobState
from burnin.orchestrator import RequestRefused
from burnin.precheck_now import guard_answer
from tests import needs
from tests.nas import MockNas

from .runs import Sites, digest, medium, running_surface

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]


def test_a_drive_in_a_pool_is_refused_with_nothing_written(media_nas: MockNas, site: Sites) -> None:
    here = site(media_nas)
    file = medium(media_nas, "FILE0003")
    before = digest(file)
    with pytest.raises(RequestRefused, match="pool tank"):
        here.start("da2", "surface_validate")
    assert not Job.objects.exists()
    assert digest(file) == before


@pytest.mark.parametrize(
    ("change", "named"),
    [({"pool": "tank"}, "tank"), ({"serial": "OTHER001"}, "FILE0002")],
    ids=["it joins a pool", "another is in its place"],
)
def test_what_changed_after_the_request_is_refused_with_nothing_written(
    media_nas: MockNas, site: Sites, settings: Any, change: dict[str, str], named: str
) -> None:
    settings.MAX_PARALLEL_BURNINS = 1
    settings.SURFACE_RATE_LIMIT_MBPS = 8
    here = site(media_nas)
    file = medium(media_nas, "FILE0002")
    before = digest(file)
    first = here.start("da0", "surface_validate")
    waiting = here.start("da1", "surface_validate")
    running_surface(here, first)
    here.nas.debug("drive/da1", change)
    orchestrator.cancel(first, by="olga")
    job = here.until_over(waiting)
    assert job.state == JobState.CANCELLED
    assert job.error_text.startswith("refused: ") and named in job.error_text
    assert digest(file) == before


@pytest.mark.needs("mkfs")
def test_old_data_is_written_over_only_when_it_was_released_by_name(
    media_nas: MockNas, site: Sites, settings: Any
) -> None:
    here = site(media_nas)
    file = medium(media_nas, "FILE0001")
    subprocess.run([needs.need("mkfs"), "-q", "-F", "-L", "holidays", str(file)], check=True)
    before = digest(file)
    with pytest.raises(RequestRefused, match="ext"):
        here.start("da0", "surface_validate")
    findings = guard_answer(here.drive("da0")).releasable
    assert findings
    with pytest.raises(RequestRefused, match="ext"):
        here.start("da0", "surface_validate", release=["signature:00000000"])
    assert digest(file) == before

    release = [finding.release for finding in findings]
    job = here.until_over(here.start("da0", "surface_validate", release=release))
    assert job.state == JobState.PASSED, here.describe(job)
    granted = AuditEvent.objects.get(kind=Kind.RELEASE_GRANTED)
    assert granted.actor == "olga" and "ext" in granted.note


@pytest.mark.needs("mkfs")
def test_a_release_does_not_cover_what_came_later(
    media_nas: MockNas, site: Sites, settings: Any
) -> None:
    settings.MAX_PARALLEL_BURNINS = 1
    settings.SURFACE_RATE_LIMIT_MBPS = 8
    here = site(media_nas)
    file = medium(media_nas, "FILE0002")
    mkfs = [needs.need("mkfs"), "-q", "-F"]
    subprocess.run([*mkfs, str(file)], check=True)
    first = running_surface(here, here.start("da0", "surface_validate"))
    release = [finding.release for finding in guard_answer(here.drive("da1")).releasable]
    waiting = here.start("da1", "surface_validate", release=release)
    subprocess.run([*mkfs, "-L", "new", str(file)], check=True)
    before = digest(file)
    orchestrator.cancel(first, by="olga")
    job = here.until_over(waiting)
    assert job.state == JobState.CANCELLED
    assert job.error_text.startswith("refused: ") and "ext" in job.error_text
    assert digest(file) == before
