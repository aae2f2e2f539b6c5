"""The main job against a mock NAS over real HTTP and SSH, with a real worker and broker."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from audit.models import AuditEvent, Kind
from burnin import orchestrator
from burnin.models import Job, JobState, StageState
from burnin.orchestrator import RequestRefused
from burnin.precheck_now import guard_answer
from burnin.stages import surface_run
from drives.hosts import ssh
from drives.hosts.agent import AgentHost
from drives.models import HostRun, SmartReading, SmartTest
from tests import needs
from tests.nas import MockNas
from tests.waiting import wait_for

from .conftest import Site

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]
MIB = 1024 * 1024
Sites = Callable[[MockNas], Site]


def medium(nas: MockNas, serial: str) -> Path:
    """The file behind a file-backed drive."""
    assert nas.media is not None
    return next(
        description.with_name(description.name.removesuffix(".drive.json"))
        for description in nas.media.glob("*.drive.json")
        if serial in description.read_text()
    )


def digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def running_surface(site: Site, job: Job) -> Job:
    return site.until(
        job,
        lambda now: site.stage(now, "surface_validate").progress.get("bytes_written", 0) > 2 * MIB,
        "the surface run writes",
    )


def agent_processes(site: Site) -> list[int]:
    """The processes of agents that work for this mock NAS."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if str(site.nas.state_dir).encode() in words and b"surface\0start" in words:
                found.append(int(entry.name))
    return found


def test_a_simulated_drive_goes_all_the_way(mock_nas: Callable[..., MockNas], site: Sites) -> None:
    here = site(mock_nas(speed=60))
    job = here.until_over(here.start("sdc", "short_smart", "long_smart", "surface_validate"))
    assert (job.state, job.error_text) == (JobState.PASSED, ""), here.describe(job)
    assert {stage.state for stage in job.stages.all()} == {StageState.PASSED}
    assert job.claims and all(claim["holds"] is True for claim in job.claims)
    assert not job.holds_drive
    evidence = here.stage(job, "surface_validate").evidence
    assert evidence["verdict"]["bytes_verified"] == job.size_bytes * 2
    assert here.stage(job, "short_smart").evidence["log_entry"]["outcome"] == "passed"
    assert SmartReading.objects.filter(drive=job.drive).count() >= 4, "before, between and after"
    told = list(AuditEvent.objects.filter(job_id=job.pk).values_list("kind", flat=True))
    assert told.count(Kind.STAGE_STARTED) == 3
    assert told.count(Kind.STAGE_FINISHED) == 5
    assert told.count(Kind.BURNIN_PASSED) == 1


def test_a_drive_that_fails_its_self_test_fails_there(
    mock_nas: Callable[..., MockNas], site: Sites
) -> None:
    here = site(mock_nas(speed=60))
    job = here.until_over(here.start("sdn", "short_smart", "surface_validate"))
    assert job.state == JobState.FAILED
    assert "SMART short failed" in job.error_text
    states = [stage.state for stage in job.stages.all()]
    assert states == ["passed", "failed", "skipped", "skipped"]
    assert job.claims[0]["claim"] == "SMART short" and job.claims[0]["holds"] is False
    assert here.stage(job, "short_smart").error_text == job.error_text
    here.until(job, lambda now: not now.closing_reading_due, "the closing reading is taken")


def test_a_real_medium_is_written_and_verified_whole(media_nas: MockNas, site: Sites) -> None:
    here = site(media_nas)
    job = here.until_over(here.start("da0", "short_smart", "surface_validate"))
    assert job.state == JobState.PASSED, here.describe(job)
    verdict = here.stage(job, "surface_validate").evidence["verdict"]
    assert verdict["bytes_verified"] == verdict["bytes_written"] == 2 * 32 * MIB
    assert not HostRun.objects.get().is_open
    assert "2" in next(c["found"] for c in job.claims if c["claim"] == "Every byte was verified")


def test_a_flipped_bit_fails_with_class_and_lba(
    media_nas: MockNas, site: Sites, settings: Any
) -> None:
    settings.SURFACE_RATE_LIMIT_MBPS = 32
    here = site(media_nas)
    job = here.start("da0", "surface_validate")
    here.nas.debug("flip-bit", {"name": "da0", "at_fraction": 0.3})
    job = here.until_over(job)
    assert job.state == JobState.FAILED, here.describe(job)
    (error,) = here.stage(job, "surface_validate").evidence["verdict"]["errors"]
    assert error["class"] == "corrupt"
    assert abs(error["lba"] * 512 - 0.3 * 32 * MIB) < 4096
    assert "came back changed" in job.error_text and f"{error['lba']:,}" in job.error_text


def test_a_drive_in_a_pool_is_refused_with_nothing_written(media_nas: MockNas, site: Sites) -> None:
    here = site(media_nas)
    file = medium(media_nas, "FILE0003")
    before = digest(file)
    with pytest.raises(RequestRefused, match="pool tank"):
        here.start("da2", "surface_validate")
    assert not Job.objects.exists()
    assert digest(file) == before


def test_a_drive_that_joins_a_pool_after_the_request_is_refused_with_nothing_written(
    media_nas: MockNas, site: Sites, settings: Any
) -> None:
    settings.MAX_PARALLEL_BURNINS = 1
    settings.SURFACE_RATE_LIMIT_MBPS = 24
    here = site(media_nas)
    file = medium(media_nas, "FILE0002")
    before = digest(file)
    first = here.start("da0", "surface_validate")
    waiting = here.start("da1", "surface_validate")
    running_surface(here, first)
    here.nas.debug("drive/da1", {"pool": "tank"})
    orchestrator.cancel(first, by="olga")
    job = here.until_over(waiting)
    assert job.state == JobState.CANCELLED
    assert job.error_text.startswith("refused: ") and "tank" in job.error_text
    assert digest(file) == before


def test_another_drive_in_its_place_is_refused_with_nothing_written(
    media_nas: MockNas, site: Sites, settings: Any
) -> None:
    settings.MAX_PARALLEL_BURNINS = 1
    settings.SURFACE_RATE_LIMIT_MBPS = 24
    here = site(media_nas)
    file = medium(media_nas, "FILE0002")
    before = digest(file)
    first = here.start("da0", "surface_validate")
    waiting = here.start("da1", "surface_validate")
    running_surface(here, first)
    here.nas.debug("drive/da1", {"serial": "OTHER001"})
    orchestrator.cancel(first, by="olga")
    job = here.until_over(waiting)
    assert job.state == JobState.CANCELLED
    assert "FILE0002" in job.error_text
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
    settings.SURFACE_RATE_LIMIT_MBPS = 16
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


def test_cancelling_a_surface_run_ends_it_on_the_host(
    media_nas: MockNas, site: Sites, settings: Any
) -> None:
    settings.SURFACE_RATE_LIMIT_MBPS = 8
    here = site(media_nas)
    job = running_surface(here, here.start("da0", "surface_validate"))
    assert agent_processes(here)
    orchestrator.cancel(job, by="olga")
    job = here.until_over(job)
    assert (job.state, job.error_text) == (JobState.CANCELLED, "Cancelled by olga")
    assert here.stage(job, "surface_validate").state == StageState.CANCELLED
    assert here.stage(job, "final_check").state == StageState.SKIPPED
    assert not job.holds_drive
    wait_for(lambda: not agent_processes(here), 10, "the agent's process ends")
    job = here.until(job, lambda now: not now.closing_reading_due, "the closing reading is taken")
    assert job.claims


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


def test_a_start_whose_answer_was_lost_is_stopped_when_it_is_cancelled(
    media_nas: MockNas, site: Sites, settings: Any, lost_answers: list[str]
) -> None:
    settings.SURFACE_RATE_LIMIT_MBPS = 4
    here = site(media_nas)
    lost_answers.append("surface start")
    job = here.start("da0", "surface_validate")
    here.until(job, lambda now: agent_processes(here), "the run has begun on the host")
    here.until(job, lambda now: here.stage(now, "surface_validate").waiting_for, "it is not known")
    orchestrator.cancel(job, by="olga")
    job = here.until_over(job)
    assert job.state == JobState.CANCELLED and not job.holds_drive
    wait_for(lambda: not agent_processes(here), 10, "the agent's process ends")


def test_a_refusal_after_a_lost_answer_stops_the_run_before_the_drive_is_free(
    media_nas: MockNas, site: Sites, settings: Any, lost_answers: list[str]
) -> None:
    settings.SURFACE_RATE_LIMIT_MBPS = 4
    here = site(media_nas)
    lost_answers.append("surface start")
    job = here.start("da0", "surface_validate")
    here.until(job, lambda now: agent_processes(here), "the run has begun on the host")
    here.nas.debug("drive/da0", {"pool": "tank"})
    job = here.until(job, lambda now: not now.holds_drive, "the drive is free")
    assert job.state == JobState.CANCELLED and "tank" in job.error_text
    wait_for(lambda: not agent_processes(here), 10, "the agent's process ends")
    here.until(job, lambda now: not HostRun.objects.get().is_open, "the host is left alone")


@pytest.mark.parametrize("wish", ["cancel", "freeze", "pause"])
def test_a_wish_that_comes_while_the_drive_is_looked_up_is_heard_before_the_start(
    media_nas: MockNas, site: Sites, monkeypatch: pytest.MonkeyPatch, wish: str
) -> None:
    here = site(media_nas)
    before = digest(medium(media_nas, "FILE0001"))
    really_locate = surface_run.locate

    def locate(*args: Any, **options: Any) -> Any:
        found = really_locate(*args, **options)
        job = Job.objects.get()
        if wish == "freeze":
            orchestrator.freeze_all(by="olga")
        elif job.cancel_requested_at is None:
            getattr(orchestrator, wish)(job, by="olga")
        return found

    monkeypatch.setattr(surface_run, "locate", locate)
    job = here.start("da0", "surface_validate")
    if wish == "cancel":
        assert here.until_over(job).state == JobState.CANCELLED
    else:
        here.until(job, lambda now: here.stage(now, "surface_validate").waiting_for, "it waits")
    assert not agent_processes(here)
    assert digest(medium(media_nas, "FILE0001")) == before


def test_a_run_that_nobody_holds_any_more_is_stopped(
    media_nas: MockNas, site: Sites, settings: Any
) -> None:
    settings.SURFACE_RATE_LIMIT_MBPS = 4
    here = site(media_nas)
    job = running_surface(here, here.start("da0", "surface_validate"))
    Job.objects.filter(pk=job.pk).update(state=JobState.CANCELLED, holds_drive=False)
    here.until(job, lambda now: not agent_processes(here), "the agent's process ends")
    here.until(job, lambda now: not HostRun.objects.get().is_open, "the host is left alone")


def test_a_verdict_that_was_seen_before_the_folder_was_lost_is_judged(
    media_nas: MockNas, site: Sites, settings: Any, lost_answers: list[str]
) -> None:
    here = site(media_nas)
    lost_answers.append("surface detail")
    job = here.start("da0", "surface_validate")
    here.until(job, lambda now: HostRun.objects.filter(is_open=False).exists(), "it is over")
    shutil.rmtree(media_nas.state_dir / "runs")
    lost_answers.clear()
    job = here.until_over(job)
    assert job.state == JobState.PASSED, here.describe(job)


def test_cancelling_a_self_test_ends_it_on_the_drive(
    mock_nas: Callable[..., MockNas], site: Sites
) -> None:
    here = site(mock_nas(speed=1))
    job = here.start("sdc", "long_smart")
    here.until(job, lambda now: here.stage(now, "long_smart").state == "running", "it runs")
    orchestrator.cancel(job, by="olga")
    job = here.until_over(job)
    assert job.state == JobState.CANCELLED
    test = SmartTest.objects.get(drive=job.drive, type="long")
    assert (test.state, test.error_text) == ("aborted", "Cancelled by olga")
    again = here.start("sdc", "short_smart")
    here.until(again, lambda now: here.stage(now, "short_smart").state == "running", "it is free")


def test_a_killed_agent_is_started_again_from_its_checkpoint(
    media_nas: MockNas, site: Sites, settings: Any
) -> None:
    settings.SURFACE_RATE_LIMIT_MBPS = 24
    here = site(media_nas)
    job = running_surface(here, here.start("da0", "surface_validate"))
    run_id = here.stage(job, "surface_validate").run_id
    for process in agent_processes(here):
        os.kill(process, signal.SIGKILL)
    job = here.until_over(job)
    assert job.state == JobState.PASSED, here.describe(job)
    stage = here.stage(job, "surface_validate")
    assert stage.run_id == run_id
    assert stage.evidence["verdict"]["resumed"] >= 1
    assert AuditEvent.objects.filter(job_id=job.pk, kind=Kind.BURNIN_RESUMED).exists()


def test_a_reboot_of_the_host_resumes_the_run(
    media_nas: MockNas, site: Sites, settings: Any
) -> None:
    settings.SURFACE_RATE_LIMIT_MBPS = 24
    here = site(media_nas)
    job = running_surface(here, here.start("da0", "surface_validate"))
    here.nas.debug("reboot")
    job = here.until_over(job)
    assert job.state == JobState.PASSED, here.describe(job)
    verdict = here.stage(job, "surface_validate").evidence["verdict"]
    assert verdict["bytes_verified"] == 2 * 32 * MIB
    assert verdict["resumed"] >= 1


def test_a_host_that_lost_the_runs_folder_goes_on_from_our_copy(
    media_nas: MockNas, site: Sites, settings: Any
) -> None:
    settings.SURFACE_RATE_LIMIT_MBPS = 24
    here = site(media_nas)
    job = running_surface(here, here.start("da0", "surface_validate"))
    for process in agent_processes(here):
        os.kill(process, signal.SIGKILL)
    shutil.rmtree(media_nas.state_dir / "runs")
    shutil.rmtree(media_nas.data / "run", ignore_errors=True)
    job = here.until_over(job)
    assert job.state == JobState.PASSED, here.describe(job)
    note = AuditEvent.objects.filter(job_id=job.pk, kind=Kind.BURNIN_RESUMED).first()
    assert note is not None and "from our copy" in note.note


def test_a_freeze_holds_every_run_still_until_the_thaw(
    media_nas: MockNas, site: Sites, settings: Any
) -> None:
    settings.SURFACE_RATE_LIMIT_MBPS = 4
    here = site(media_nas)
    job = running_surface(here, here.start("da0", "surface_validate"))
    waiting = here.start("da1", "surface_validate")
    orchestrator.freeze_all(by="olga")

    def paused(job: Job) -> Any:
        return here.stage(job, "surface_validate").progress.get("paused")

    job = here.until(job, paused, "the run holds still")
    assert "Frozen by olga" in paused(job)["reason"]
    file = medium(media_nas, "FILE0001")
    before = digest(file)
    (process,) = agent_processes(here)
    os.kill(process, signal.SIGKILL)
    here.until(
        job,
        lambda now: here.stage(now, "surface_validate").waiting_for == "Frozen by olga",
        "it is not started again",
    )
    for _ in range(3):
        here.poll()
    assert not agent_processes(here)
    assert digest(file) == before
    assert not here.stage(waiting, "surface_validate").run_id, "nothing new writes either"
    settings.SURFACE_RATE_LIMIT_MBPS = 0
    orchestrator.thaw_all(by="olga")
    assert here.until_over(job).state == JobState.PASSED, here.describe(job)
    assert here.until_over(waiting).state == JobState.PASSED, here.describe(waiting)


def test_a_freeze_while_the_host_is_asked_to_start_holds_the_run_at_once(
    media_nas: MockNas, site: Sites, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The guard of a start may take minutes, in which nobody else may touch the stage."""
    settings.SURFACE_RATE_LIMIT_MBPS = 4
    here = site(media_nas)
    really_start, frozen = AgentHost.start_surface, []

    def start(host: AgentHost, *args: Any, **options: Any) -> Any:
        started = really_start(host, *args, **options)
        if not frozen:
            orchestrator.freeze_all(by="olga")
            frozen.append(True)
        return started

    monkeypatch.setattr(AgentHost, "start_surface", start)
    job = here.start("da0", "surface_validate")
    here.until(
        job,
        lambda now: here.stage(now, "surface_validate").progress.get("paused"),
        "the run holds still",
    )
    assert HostRun.objects.get().head["bytes_written"] < 32 * MIB
    orchestrator.thaw_all(by="olga")
    here.until(
        job,
        lambda now: not here.stage(now, "surface_validate").progress.get("paused"),
        "it goes on",
    )
    orchestrator.cancel(job, by="olga")
    assert here.until_over(job).state == JobState.CANCELLED, here.describe(job)


def test_a_pause_holds_one_job_still(media_nas: MockNas, site: Sites, settings: Any) -> None:
    settings.SURFACE_RATE_LIMIT_MBPS = 16
    here = site(media_nas)
    job = running_surface(here, here.start("da0", "surface_validate"))
    orchestrator.pause(job, by="olga")
    here.until(
        job, lambda now: here.stage(now, "surface_validate").progress.get("paused"), "it pauses"
    )
    orchestrator.resume(job, by="olga")
    job = here.until_over(job)
    assert job.state == JobState.PASSED, here.describe(job)
    told = list(AuditEvent.objects.filter(job_id=job.pk).values_list("kind", flat=True))
    assert told.count(Kind.BURNIN_PAUSED) == told.count(Kind.BURNIN_RESUMED) == 1


def test_a_nas_that_is_away_is_told_and_the_run_goes_on(
    media_nas: MockNas, site: Sites, settings: Any
) -> None:
    settings.SURFACE_RATE_LIMIT_MBPS = 24
    here = site(media_nas)
    job = running_surface(here, here.start("da0", "surface_validate"))
    (process,) = agent_processes(here)
    here.nas.kill9()
    job = here.until(
        job,
        lambda now: here.stage(now, "surface_validate").waiting_for,
        "the stage says why nothing is known",
    )
    assert "Can't reach nas-1" in here.stage(job, "surface_validate").waiting_for
    assert here.system.failing_since is not None
    assert job.state == JobState.RUNNING
    assert agent_processes(here) == [process]
    here.nas.restart()
    job = here.until_over(job)
    assert job.state == JobState.PASSED, here.describe(job)
    assert here.stage(job, "surface_validate").evidence["verdict"]["resumed"] == 0
    assert here.system.failing_since is None
    kinds = AuditEvent.objects.values_list("kind", flat=True)
    assert list(kinds).count(Kind.SYSTEM_FAILING) == 1
    assert list(kinds).count(Kind.SYSTEM_RECOVERED) == 1


def test_twice_as_many_as_may_run_all_pass_in_their_order(
    mock_nas: Callable[..., MockNas], site: Sites
) -> None:
    here = site(mock_nas(speed=120))
    jobs = [here.start(f"sd{letter}", "short_smart") for letter in "cdef"]
    assert sum(job.state == "queued" for job in jobs) == 4
    for job in jobs:
        here.until_over(job)
    started = Job.objects.order_by("started_at").values_list("pk", flat=True)
    assert list(started) == [job.pk for job in jobs]
    assert set(Job.objects.values_list("state", flat=True)) == {"passed"}
