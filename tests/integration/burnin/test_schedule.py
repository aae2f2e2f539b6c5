"""What beat does by itself: rows of the database, made once however often it is prepared."""

from __future__ import annotations

from typing import Any

import pytest
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from burnin_site.celery import app
from burnin_site.management.commands.prepare import _schedule


@pytest.mark.django_db
def test_each_has_one_row_its_pace_and_its_end(settings: Any) -> None:
    for seconds in (12, 30, 30):
        settings.POLL_INTERVAL_SECONDS = seconds
        _schedule()
    app.loader.import_default_modules()
    found = {
        task.task: (task.interval.every, task.interval.period, task.expire_seconds, task.enabled)
        for task in PeriodicTask.objects.select_related("interval")
    }
    assert found == {
        "burnin.tasks.poll_systems": (30, IntervalSchedule.SECONDS, 30, True),
        "burnin.tasks.keep_house": (60, IntervalSchedule.SECONDS, 60, True),
        "notifications.tasks.deliver": (10, IntervalSchedule.SECONDS, 10, True),
    }
    assert PeriodicTask.objects.count() == 3 and set(found) <= set(app.tasks)
