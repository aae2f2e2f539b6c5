"""Freezing everything, and releasing old data, as people do it on the page."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.template.loader import render_to_string
from django.test import Client

from audit.models import AuditEvent, Kind
from burnin import orchestrator
from burnin.models import Job
from burnin.precheck_now import GuardAnswer
from config.models import freeze
from drives.hosts.types import Fact
from drives.models import Drive, System
from tests.integration.rows import a_job

pytestmark = pytest.mark.django_db


def test_freeze_and_thaw_by_an_operator(as_: Callable[[str], Client], nas: System) -> None:
    operator = as_("operator")
    for _ in range(2):
        assert operator.post("/freeze")["Location"] == "/"
    frozen = freeze()
    assert frozen is not None and frozen.by == "operator"
    page = operator.get("/").content.decode()
    assert "All writing is frozen" in page and "/thaw" in page
    assert operator.post("/thaw")["Location"] == "/"
    assert "All writing is frozen" not in operator.get("/").content.decode()
    kinds = AuditEvent.objects.filter(kind__in=[Kind.FREEZE, Kind.THAW]).order_by("pk")
    assert list(kinds.values_list("kind", flat=True)) == [Kind.FREEZE, Kind.THAW]


def test_a_viewer_may_not_freeze(as_: Callable[[str], Client]) -> None:
    assert as_("viewer").post("/freeze").status_code == 403
    assert freeze() is None


def test_nothing_is_admitted_while_frozen(drive: Drive) -> None:
    job = a_job(drive)
    orchestrator.freeze_all(by="olga")
    orchestrator.admit(drive.system_id)
    assert Job.objects.get(pk=job.pk).state == "queued"
    orchestrator.thaw_all(by="olga")
    orchestrator.admit(drive.system_id)
    assert Job.objects.get(pk=job.pk).state == "running"


OTHER = Fact("other_host", "old_data", "pool tank was never exported", "other_host:" + "a" * 12)
POOL = Fact("pool", "old_data", "ZFS pool tank", "pool:" + "b" * 12)


def test_a_pool_of_another_host_has_a_tick_of_its_own(drive: Drive) -> None:
    """For one drive and in a batch; nothing posts its name that nobody has ticked."""
    answer = GuardAnswer([OTHER.reason, POOL.reason], {}, (OTHER, POOL))
    one = render_to_string("dashboard/_guard.html", {"drive": drive, "releasable": [OTHER, POOL]})
    many = render_to_string("dashboard/_verdicts.html", {"judged": [(drive, [], answer)]})
    assert "Another system may be using it" in one
    for page, name in ((one, "release"), (many, f"release-{drive.pk}")):
        ticks = re.findall(r'<input type="checkbox"[^>]*>', page)
        (its,) = [tick for tick in ticks if OTHER.release in tick]
        assert f'name="{name}"' in its and page.count(OTHER.release) == 1
        assert page.count(POOL.release) == 1 and page.count("Pool tank was never exported") == 1
    (hidden,) = re.findall(r'<input type="hidden"[^>]*>', many)
    assert POOL.release in hidden
