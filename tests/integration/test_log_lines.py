"""S3: what web, worker and beat print is log lines of JSON, whose ids lead from a request to what
it made happen on a host."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from burnin.models import Job
from burnin.tasks import poll_systems
from dashboard import tokens
from drives import poll
from drives.models import Drive
from launcher import ports, services
from launcher.environment import ROOT
from tests.integration.dashboard.conftest import a_user
from tests.integration.dashboard.web import database
from tests.integration.rows import system_of
from tests.nas import MockNas
from tests.waiting import wait_for


@pytest.fixture
def start(tmp_path: Path, valkey: str, transactional_db: None) -> Iterator[Callable[..., Path]]:
    """Start one of the product's commands on this test's database; gives its log."""
    running: list[subprocess.Popen[bytes]] = []
    env = os.environ | database() | {
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "TEST_REDIS_URL": valkey,
        # To root, whom nobody should be, Celery speaks before it asks how to log.
        "PYTHONWARNINGS": "ignore",
    }  # fmt: skip

    def run(name: str, *command: str) -> Path:
        log = tmp_path / f"{name}.log"
        with log.open("wb") as out:
            running.append(subprocess.Popen(command, cwd=ROOT, env=env, stdout=out, stderr=out))
        return log

    yield run
    for process in running:
        process.kill()
        process.wait()


def lines(log: Path) -> list[dict[str, Any]]:
    """Those that are whole, each an object."""
    found = [json.loads(line) for line in log.read_text().splitlines(keepends=True) if "\n" in line]
    assert all({"time", "level", "logger", "message"} <= line.keys() for line in found)
    return found


def celery(command: list[str]) -> list[str]:
    return [word.replace("burnin_site", "tests.integration.notifications.app") for word in command]


@pytest.mark.timeout(240)
def test_a_request_is_followed_through_every_process(
    start: Callable[..., Path], mock_nas: Callable[..., MockNas], tmp_path: Path
) -> None:
    system = system_of(mock_nas(names="sd"))
    assert poll.run(system.pk)
    drive = Drive.objects.get(devname="sdc")
    pace, _ = IntervalSchedule.objects.get_or_create(every=1, period="seconds")
    PeriodicTask.objects.create(name="poll", task=poll_systems.name, interval=pace)
    port = ports.kept(tmp_path / "ports.json", ["web"])["web"]
    here = f"http://127.0.0.1:{port}"
    app = "tests.integration.dashboard.asgi:application"
    logs = [
        start("web", *services.WEB, "-b", "127.0.0.1", "-p", str(port), app),
        start("worker", *celery(services.WORKER)),
        start("beat", *celery(services.BEAT)),
    ]
    web, worker, beat = logs

    def is_up() -> bool:
        try:
            return requests.get(f"{here}/health/live?token=in-a-query", timeout=30).ok
        except requests.ConnectionError:
            return False

    wait_for(is_up, 120, f"the page answers; {web}")
    _, token = tokens.issue(a_user("operator"), name="x", role="operator", expires_at=None)
    answer = requests.post(
        f"{here}/api/v1/burnin/start",
        json={"drive_ids": [drive.pk], "run_surface": False, "run_long": False},
        headers={"Authorization": f"Bearer {token}"},
        timeout=60,
    )
    assert answer.status_code == 201, answer.text
    request = answer.headers["X-Request-ID"]

    def said(log: Path, words: str) -> list[dict[str, Any]]:
        return [line for line in lines(log) if words in line["message"]]

    (asked,) = said(web, "/burnin/start")
    assert asked["message"].startswith("POST /api/v1/burnin/start 201 in ")
    assert asked["request"] == request
    assert "in-a-query" not in web.read_text()

    def of_the_job() -> list[dict[str, Any]]:
        return [line for line in said(worker, "agent on") if line.get("request") == request]

    wait_for(of_the_job, 60, f"the worker asked the host; {worker}")
    (line, *_) = of_the_job()
    assert (line["level"], line["task"]) == ("INFO", "burnin.tasks.step_stage")
    assert (line["system"], line["drive"]) == (system.pk, drive.pk)
    assert line["job"] == Job.objects.get().pk
    for log in logs:
        assert "Traceback" not in log.read_text()
    # Nobody tells each task that comes and goes, and a poll is one.
    assert not [line for log in (worker, beat) for line in lines(log) if "Task " in line["message"]]
