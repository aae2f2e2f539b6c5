"""A click's request id stands in the log lines of all it leads to: web, task, call to the host."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client

from audit.trace import current
from burnin.models import Job
from burnin.tasks import read_drives
from burnin_site.logs import JsonLine
from tests.integration.burnin.conftest import Site
from tests.integration.dashboard.conftest import a_user
from tests.nas import MockNas
from tests.waiting import wait_for

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def lines() -> Iterator[list[dict[str, Any]]]:
    """All log lines of this process, as a program that reads them sees them."""
    found: list[dict[str, Any]] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            found.append(json.loads(self.format(record)))

    handler = Keep()
    handler.setFormatter(JsonLine())
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield found
    root.removeHandler(handler)
    root.setLevel(level)


def test_ids_follow_a_click_to_the_host(
    site: Callable[[MockNas], Site], media_nas: MockNas, lines: list[dict[str, Any]]
) -> None:
    here = site(media_nas)
    drive = here.drive("da0")
    client = Client()
    client.force_login(a_user("operator"))
    form = {"stages": "surface_validate", "passes": "1", "serial": drive.serial}
    clicked = client.post(f"/drives/{drive.pk}/start", form)
    request = clicked["X-Request-ID"]
    job = Job.objects.get()
    assert clicked.status_code == 302 and request and current() == {}

    def of_the_start() -> list[dict[str, Any]]:
        return [line for line in lines if "surface start" in line["message"]]

    wait_for(of_the_start, 60, "the run was started on the host")
    (line,) = of_the_start()
    ids = {name: line.get(name) for name in ("request", "task", "system", "drive", "job")}
    assert ids == {
        "request": request,
        "task": "burnin.tasks.step_stage",
        "system": here.system.pk,
        "drive": job.drive_id,
        "job": job.pk,
    }
    # The guard's look at the request is of the click itself, before there was a job.
    (guard,) = [
        each
        for each in lines
        if "agent on" in each["message"] and " guard " in each["message"] and "task" not in each
    ]
    assert guard["request"] == request and "job" not in guard
    here.until_over(job)


def test_the_daily_reading_tells_of_which_system(
    site: Callable[[MockNas], Site], mock_nas: Callable[..., MockNas], lines: list[dict[str, Any]]
) -> None:
    here = site(mock_nas())
    read_drives.delay(here.system.pk)

    def asked() -> list[dict[str, Any]]:
        said = [each for each in lines if each.get("task") == "burnin.tasks.read_drives"]
        return [each for each in said if "agent on" in each["message"]]

    wait_for(asked, 60, "the host was asked")
    assert {each.get("system") for each in asked()} == {here.system.pk}
