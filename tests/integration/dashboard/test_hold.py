"""Freezing everything, and releasing old data, as people do it on the page."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from audit.models import AuditEvent, Kind
from burnin import orchestrator
from burnin.models import Job
from config.models import freeze
from drives.models import Drive, System
from tests.integration.rows import a_job

pytestmark = pytest.mark.django_db
JSON = {"headers": {"accept": "application/json"}}


def test_freeze_and_thaw_by_an_operator(as_: Callable[[str], Client], nas: System) -> None:
    operator = as_("operator")
    for _ in range(2):
        assert operator.post("/freeze", **JSON).json() == {"frozen": True}
    frozen = freeze()
    assert frozen is not None and frozen.by == "operator"
    page = operator.get("/").content.decode()
    assert "All writing is frozen" in page and "/thaw" in page
    assert operator.post("/thaw", **JSON).json() == {"frozen": False}
    assert "All writing is frozen" not in operator.get("/").content.decode()
    kinds = AuditEvent.objects.filter(kind__in=[Kind.FREEZE, Kind.THAW]).order_by("pk")
    assert list(kinds.values_list("kind", flat=True)) == [Kind.FREEZE, Kind.THAW]


def test_a_viewer_may_not_freeze(as_: Callable[[str], Client]) -> None:
    assert as_("viewer").post("/freeze", **JSON).status_code == 403
    assert freeze() is None


def test_nothing_is_admitted_while_frozen(drive: Drive) -> None:
    job = a_job(drive)
    orchestrator.freeze_all(by="olga")
    orchestrator.admit(drive.system_id)
    assert Job.objects.get(pk=job.pk).state == "queued"
    orchestrator.thaw_all(by="olga")
    orchestrator.admit(drive.system_id)
    assert Job.objects.get(pk=job.pk).state == "running"
