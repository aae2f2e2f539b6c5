"""A database older than what this machine has seen starts nothing by itself."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from burnin import orchestrator, restored
from burnin.models import Job, JobState
from burnin.tasks import keep_house
from config.models import freeze
from drives.models import System
from tests.integration.rows import a_drive, a_job, a_system

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _own_data(tmp_path: Path, settings: Any) -> None:
    settings.DATA_DIR = tmp_path


def polled(minutes_ago: float) -> None:
    System.objects.update(poll_finished_at=timezone.now() - timedelta(minutes=minutes_ago))


def test_a_restored_backup_is_frozen_until_somebody_has_looked(capsys: Any) -> None:
    job = a_job(a_drive(a_system()), state=JobState.QUEUED)
    polled(0)
    keep_house()
    call_command("prepare", verbosity=0)
    assert freeze() is None, "the same database, started again"
    polled(60)
    call_command("prepare", verbosity=0)
    frozen = freeze()
    assert frozen is not None and frozen.by == "the restore of a backup"
    assert "older than it was" in capsys.readouterr().out
    orchestrator.admit(job.system_id)
    assert Job.objects.get().state == JobState.QUEUED
    orchestrator.thaw_all(by="olga")
    call_command("prepare", verbosity=0)
    assert freeze() is None, "somebody has looked"


def test_a_program_that_was_off_for_a_week_goes_on() -> None:
    a_job(a_drive(a_system()), state=JobState.QUEUED)
    polled(7 * 24 * 60)
    restored.remember()
    assert not restored.freeze_if_restored()


def test_without_the_file_or_with_another_nothing_is_known(tmp_path: Path) -> None:
    a_system()
    polled(60)
    assert not restored.freeze_if_restored()
    (tmp_path / "newest_poll").write_text("yesterday")
    assert not restored.freeze_if_restored()
