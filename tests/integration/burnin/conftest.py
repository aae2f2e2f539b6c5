"""A real worker on a real broker, a real mock NAS, and the poll called by the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from burnin import orchestrator
from burnin.models import Job, Stage
from burnin.plan import Plan
from burnin.tasks import poll_system
from drives.hosts import ssh
from drives.models import Drive, System
from tests.integration.rows import system_of
from tests.nas import MockNas
from tests.waiting import wait_for


@dataclass
class Site:
    """One system, with what a test does to it."""

    nas: MockNas
    system: System

    def poll(self) -> None:
        """What beat and worker do each POLL_INTERVAL_SECONDS."""
        poll_system(self.system.pk)
        self.system.refresh_from_db()

    def drive(self, devname: str) -> Drive:
        return Drive.objects.select_related("system").get(system=self.system, devname=devname)

    def start(
        self, devname: str, *stages: str, passes: int = 2, release: Sequence[str] = ()
    ) -> Job:
        from tests.integration.rows import an_operator

        drive = self.drive(devname)
        plan = Plan.from_choice(stages, passes)
        return orchestrator.request(
            drive, plan, operator=an_operator(), typed_serial=drive.serial, release=release
        )

    def until(
        self, job: Job, condition: Callable[[Job], Any], what: str, timeout: float = 60
    ) -> Job:
        """Poll until the condition holds for the job as it is now."""

        def look() -> Any:
            self.poll()
            return condition(Job.objects.get(pk=job.pk))

        try:
            wait_for(look, timeout, what, every=0.25)
        except AssertionError as error:
            raise AssertionError(f"{error}; {self.describe(job)}") from None
        return Job.objects.get(pk=job.pk)

    def until_over(self, job: Job, timeout: float = 60) -> Job:
        return self.until(job, lambda now: not now.is_active, "the job is over", timeout)

    def stage(self, job: Job, kind: str) -> Stage:
        return job.stages.get(kind=kind)

    def describe(self, job: Job) -> str:
        job = Job.objects.get(pk=job.pk)
        system = System.objects.get(pk=self.system.pk)
        lines = [f"job {job.state} {job.error_text}; {system.last_error}; {system.host_error}"]
        lines += [
            f"{s.kind} {s.state} {s.percent} {s.waiting_for} {s.error_text} {s.progress}"
            for s in job.stages.all()
        ]
        return "\n".join(lines)


@pytest.fixture
def worker(valkey: str, transactional_db: None) -> Iterator[None]:
    """A Celery worker of this process, with real messages through the real broker."""
    from celery.contrib.testing.worker import start_worker

    from burnin_site.celery import app

    app.loader.import_default_modules()
    with start_worker(app, pool="threads", concurrency=4, perform_ping_check=False):
        yield


@pytest.fixture
def site(worker: None, settings: Any) -> Callable[[MockNas], Site]:
    """Make a mock NAS known and poll it once."""
    settings.SMART_INTERVAL_SECONDS = 0

    def add(nas: MockNas) -> Site:
        system = system_of(nas, f"nas-{System.objects.count() + 1}")
        found = Site(nas, system)
        found.poll()
        return found

    return add


@pytest.fixture
def caught(media_nas: MockNas, site: Callable[[MockNas], Site], settings: Any) -> tuple[Site, Job]:
    """A surface run of da0 that writes, slow enough to be caught on its way."""
    from tests.integration.burnin.runs import running_surface

    settings.SURFACE_RATE_LIMIT_MBPS = 4
    here = site(media_nas)
    return here, running_surface(here, here.start("da0", "surface_validate"))


@pytest.fixture
def lost_answers(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Connections break after the command has reached the host, for commands with these words."""
    lost: list[str] = []
    really_run = ssh.run

    def run(target: ssh.Target, command: str, **options: Any) -> ssh.Completed:
        done = really_run(target, command, **options)
        if any(word in command for word in lost):
            raise ssh.HostError("the connection broke before the command had ended")
        return done

    monkeypatch.setattr(ssh, "run", run)
    return lost
