"""A database older than what this machine has seen starts nothing by itself."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import OperationalError
from django.utils import timezone

from burnin import orchestrator, restored
from burnin.models import Job, JobState
from burnin.tasks import keep_house
from burnin_site.celery import look_at_the_database
from config.models import freeze
from drives.models import System
from tests.integration.rows import a_drive, a_job, a_system

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _own_data(tmp_path: Path, settings: Any) -> None:
    settings.DATA_DIR = tmp_path


def polled(minutes_ago: float) -> None:
    System.objects.update(poll_finished_at=timezone.now() - timedelta(minutes=minutes_ago))


def queued(released: bool = False) -> Job:
    findings = [{"fact": "data", "reason": "unknown data", "release": "data:x"}]
    job = a_job(a_drive(a_system()), state=JobState.QUEUED)
    Job.objects.filter(pk=job.pk).update(released=findings if released else [])
    return job


def start() -> bool:
    """Whether it is frozen after a start."""
    call_command("prepare", verbosity=0)
    return freeze() is not None


def test_a_restored_backup_is_frozen_until_somebody_has_looked(capsys: Any) -> None:
    job = queued()
    polled(0)
    keep_house()
    assert not start(), "the same database, started again"
    polled(60)
    restored.remember()  # a worker that was started before
    assert start()
    assert "older than it was" in capsys.readouterr().out
    orchestrator.admit(job.system_id)
    assert Job.objects.get().state == JobState.QUEUED
    orchestrator.thaw_all(by="olga")
    assert not start(), "somebody has looked"


@pytest.mark.parametrize("released", [False, True])
def test_after_a_week_only_what_may_write_over_old_data_waits(released: bool) -> None:
    queued(released)
    polled(7 * 24 * 60)
    restored.remember()
    assert start() == released
    orchestrator.thaw_all(by="olga")
    polled(0)
    assert not start()


@pytest.mark.parametrize("released", [False, True])
@pytest.mark.parametrize("content", [None, "yesterday"])
def test_on_a_machine_that_remembers_nothing_too(
    tmp_path: Path, released: bool, content: str | None
) -> None:
    queued(released)
    polled(60)
    if content:
        (tmp_path / "newest_poll").write_text(content)
    assert start() == released
    orchestrator.thaw_all(by="olga")
    assert not start()


def test_a_worker_looks_before_its_first_task() -> None:
    queued()
    polled(0)
    restored.remember()
    polled(60)
    look_at_the_database()
    assert freeze() is not None


def test_a_worker_that_can_t_look_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> str:
        raise OperationalError("could not connect")

    monkeypatch.setattr(restored, "freeze_if_restored", away)
    with pytest.raises(SystemExit, match="could not connect"):
        look_at_the_database()


def test_frozen_and_thawed_from_the_console() -> None:
    call_command("freeze")
    frozen = freeze()
    assert frozen is not None and frozen.by == "the console"
    call_command("freeze", "--thaw")
    assert freeze() is None
