"""The pages of a burn-in and of a drive: what they say, and what they hand out."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audit.models import AuditEvent, Kind
from burnin.models import Job, JobState, StageKind, StageState
from drives.models import Drive, SmartReading, TemperatureSample
from tests.integration.dashboard.test_pages import text
from tests.integration.rows import a_drive, a_job
from tests.story import smart
from tests.story.surface import detail, error

pytestmark = pytest.mark.django_db


@pytest.fixture
def viewer(as_: Callable[[str], Client]) -> Client:
    return as_("viewer")


def ended(drive: Drive, hours_ago: float = 49, **facts: Any) -> Job:
    """A passed burn-in with a measured surface and temperatures."""
    end = timezone.now() - timedelta(hours=hours_ago)
    claims = [
        {"claim": "Every byte was verified", "holds": True, "found": "all", "source": "run"},
        {"claim": "No counter rose", "holds": None, "found": "none read", "source": "smartctl"},
        {"claim": "It reads back", "holds": False, "found": "=1+1", "source": "run"},
    ]
    job = a_job(
        drive,
        **{
            "state": JobState.PASSED,
            "holds_drive": False,
            "started_at": end - timedelta(hours=20),
            "finished_at": end,
            "claims": claims,
        }
        | facts,
    )
    job.stages.update(
        state=StageState.PASSED, started_at=end - timedelta(hours=20), finished_at=end
    )
    bad = [error(7_812_939_776, 8, note="EIO, 3 of 3 tries")]
    job.stages.filter(kind=StageKind.SURFACE_VALIDATE).update(
        run_id="run-1",
        evidence={
            "run_id": "run-1",
            "detail": detail(drive.size_bytes, 1, seed=4, errors=bad),
            "head": {"io": {"chunk_bytes": 4 << 20}},
        },
    )
    TemperatureSample.objects.bulk_create(
        TemperatureSample(drive=drive, taken_at=end - timedelta(hours=h), celsius=35 + h)
        for h in range(20)
    )
    return job


# --- a burn-in ---------------------------------------------------------------------------------
def test_the_report_has_evidence_with_failures_first_map_curve_and_temperature(
    viewer: Client, drive: Drive
) -> None:
    job = ended(drive)
    html = viewer.get(f"/history/{job.pk}").content.decode()
    said = re.sub(r"<[^>]*>", " ", html)
    assert (
        said.index("It reads back") < said.index("No counter rose") < said.index("Every byte was")
    )
    assert "3 claims, 1 hold" in said
    assert 'role="slider"' in html and "Mean time of a 4 MiB chunk" in said
    assert "7,812,939,776" in said and "EIO, 3 of 3 tries" in said
    assert "Throughput over the drive" in said and "35–54 °C" in said
    assert html.count('aria-current="true"') == 1 and "Verify 1" in said
    other = viewer.get(f"/history/{job.pk}?phase=write-1").content.decode()
    assert 'aria-label="Latency map, write 1.' in other
    assert viewer.get(f"/history/{job.pk}?phase=<script>").status_code == 200


def test_pauses_and_turns_stand_under_their_stage(viewer: Client, drive: Drive) -> None:
    job = ended(drive)
    assert job.started_at
    for kind, hours, note in (
        (Kind.BURNIN_PAUSED, 3, "Surface: paused at 56 °C"),
        (Kind.BURNIN_RESUMED, 4, "Surface: goes on at 47 °C"),
    ):
        field = AuditEvent._meta.get_field("at")
        field.auto_now_add = False  # type: ignore[union-attr]
        try:
            AuditEvent.objects.create(
                kind=kind, job_id=job.pk, note=f"Burn-in {job.pk} of sda SER-sda: {note}",
                at=job.started_at + timedelta(hours=hours),
            )  # fmt: skip
        finally:
            field.auto_now_add = True  # type: ignore[union-attr]
    html = viewer.get(f"/history/{job.pk}").content.decode()
    timeline = html[html.index('class="timeline"') : html.index("</ol>", html.index("timeline"))]
    assert "paused at 56 °C" in timeline and "goes on at 47 °C" in timeline
    assert '<rect class="warn" x="15.0%" width="4.7%"' in html
    assert "held still for 1 h" in html


def test_it_is_handed_out_as_json_and_csv_without_formulas(viewer: Client, drive: Drive) -> None:
    job = ended(drive)
    told = viewer.get(f"/history/{job.pk}/report.json")
    assert "attachment" in told["Content-Disposition"]
    body = told.json()
    assert body["sentence"].startswith("Passed") and len(body["stages"]) == 5
    assert len(body["stages"][3]["evidence"]["detail"]["regions"]["verify-1"]) == 1024
    lines = viewer.get(f"/history/{job.pk}/report.csv").content.decode().splitlines()
    assert lines[0] == "part,name,state,started_at,finished_at,found,source"
    assert any(line.startswith("claim,It reads back,fails,,,'=1+1,run") for line in lines)
    assert any(line.startswith("error,read_error,verify-1") for line in lines)
    regions = viewer.get(f"/history/{job.pk}/surface.csv").content.decode().splitlines()
    assert len(regions) == 1 + 2 * 1024


def test_the_sheet_leads_back_by_its_qr_code(viewer: Client, drive: Drive, settings: Any) -> None:
    import segno

    settings.APP_URL = "https://burnin.example"
    job = ended(drive)
    answer = viewer.get(f"/history/{job.pk}/print")
    html = answer.content.decode()
    wanted = segno.make(f"https://burnin.example/history/{job.pk}", error="m", micro=False)
    path = re.search(r' d="([^"]+)"', wanted.svg_inline(omitsize=True, border=0))
    assert path and path[1] in html
    assert f"https://burnin.example/history/{job.pk}" in html
    assert not re.search(r"\sstyle=|<style", html)


# --- a drive -----------------------------------------------------------------------------------
def test_a_drive_says_first_whether_it_may_be_used(viewer: Client, drive: Drive) -> None:
    def first(one: Drive) -> str:
        html = viewer.get(f"/drives/{one.pk}").content.decode()
        return text_of(html[html.index("<h1") : html.index("</h1>")])

    assert first(drive) == "Never burned in."
    ended(drive)
    assert first(drive).startswith("Passed 2 d 1 h ago: 12,000,000,000,000 bytes verified twice")
    a_job(drive, state=JobState.RUNNING)
    assert first(drive) == "Running: Precheck, 0.0 % of the whole."
    used = a_drive(drive.system, "sdb", use_reason="in pool tank")
    assert first(used) == "In use: in pool tank."
    why = "1 sector could not be read back, the first at LBA 8 (0 % of the drive)"
    ended(used, state=JobState.FAILED, error_text=why)
    before = text(viewer.get(f"/drives/{used.pk}"))
    assert "while it is. Last burn-in: failed 2 d 1 h ago: 1 sector" in before and "LBA 8" in before
    gone = a_drive(drive.system, "sdc", present=False)
    assert first(gone) == "Absent: nas-1 hasn’t listed it."


def test_what_holds_a_burn_in_is_the_first_thing_that_its_pages_say(
    viewer: Client, drive: Drive
) -> None:
    job = a_job(drive, state=JobState.RUNNING, started_at=timezone.now())
    heat = {"paused": {"by": "temperature", "reason": "56 °C, goes on below 48 °C"}}
    surface = job.stages.filter(kind=StageKind.SURFACE_VALIDATE)
    job.stages.filter(position__lt=surface.get().position).update(state=StageState.PASSED)
    surface.update(state=StageState.RUNNING, percent=0, progress=heat)
    for path in (f"/history/{job.pk}", f"/drives/{drive.pk}"):
        page = text(viewer.get(path))
        assert "Paused: 56 °C, Surface at" in page and "Goes on below 48 °C." in page
        assert "It goes on by itself" not in page and "Done about" not in page
    page = viewer.get(f"/history/{job.pk}").content.decode()
    assert "Keep burn-in paused" in page and "Pause burn-in" not in page
    assert '<li class="warn">' in page and '<li class="run">' not in page
    Job.objects.filter(pk=job.pk).update(pause_requested_by="alice")
    assert "Paused by alice, until somebody resumes it." in text(viewer.get(f"/history/{job.pk}"))


def test_what_waits_for_its_host_is_not_called_running(viewer: Client, drive: Drive) -> None:
    job = a_job(drive, state=JobState.RUNNING, started_at=timezone.now())
    surface = job.stages.filter(kind=StageKind.SURFACE_VALIDATE)
    job.stages.filter(position__lt=surface.get().position).update(state=StageState.PASSED)
    surface.update(state=StageState.RUNNING, waiting_for="Can’t reach nas-1; the run goes on there")
    for path in (f"/history/{job.pk}", f"/drives/{drive.pk}"):
        page = text(viewer.get(path))
        assert "Waiting: Surface, " in page and "Can’t reach nas-1; the run goes on there." in page


def test_a_running_burn_in_says_when_it_is_done(viewer: Client, drive: Drive) -> None:
    job = a_job(drive, state=JobState.RUNNING, started_at=timezone.now())
    surface = job.stages.filter(kind=StageKind.SURFACE_VALIDATE)
    job.stages.filter(position__lt=surface.get().position).update(state=StageState.PASSED)
    ends = timezone.now() + timedelta(hours=30)
    surface.update(state=StageState.RUNNING, eta_at=ends, progress={"spread_seconds": 600})
    for path in (f"/history/{job.pk}", f"/drives/{drive.pk}"):
        assert "Done about" in text(viewer.get(path))


def test_a_queued_burn_in_says_its_place_and_when_it_starts(viewer: Client, drive: Drive) -> None:
    for name in ("sdb", "sdc"):
        job = a_job(a_drive(drive.system, name))
    for path in (f"/history/{job.pk}", f"/drives/{job.drive_id}"):
        said = text(viewer.get(path))
        assert "Queued, 2nd in line." in said and "Starts about" in said


def text_of(html: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", html).split())


def test_a_drive_shows_attributes_self_tests_and_both_runs(viewer: Client, drive: Drive) -> None:
    ended(drive, hours_ago=900)
    job = ended(drive, hours_ago=49)
    entry = smart.log_entry("long", 21_199)
    job.stages.filter(kind=StageKind.LONG_SMART).update(evidence={"log_entry": entry})
    for hours, raw in (
        (900, smart.ata("S", "M", 34)),
        (1, smart.ata("S", "M", 38, id197=12, id9=21_263)),
    ):
        SmartReading.objects.create(
            drive=drive, taken_at=timezone.now() - timedelta(hours=hours), health="ok", raw=raw,
            self_tests=[entry, smart.log_entry("short", 20_844, "aborted")],
        )  # fmt: skip
    said = text(viewer.get(f"/drives/{drive.pk}"))
    assert "Pending sectors 197 0 12 +12" in said
    assert "others that didn’t change" in said
    assert f"long Completed 21,199 h burn-in {job.pk}" in said
    assert "short Aborted 20,844 h not this program" in said
    assert "beside the run that ended" in said and "earlier run" in said
    assert "One thing to know: pending sectors +12 since the first reading." in said


def test_a_drive_with_a_long_history_takes_no_more_queries(viewer: Client, drive: Drive) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as caught:
            assert viewer.get(f"/drives/{drive.pk}").status_code == 200
            assert viewer.get(f"/history/{job.pk}").status_code == 200
        return len(caught)

    ended(drive, hours_ago=900)
    job = ended(drive)
    viewer.get("/")
    few = queries()
    for number in range(5):
        ended(drive, hours_ago=1000 + number * 30)
        AuditEvent.objects.create(
            kind=Kind.DRIVE_EDITED, note="x", drive_id=drive.pk, job_id=job.pk
        )
    assert queries() == few


def test_garbled_evidence_is_left_out(viewer: Client, drive: Drive) -> None:
    job = ended(drive)
    for evidence in (
        {"detail": {"regions": 3}},
        {"detail": None, "verdict": {"errors": [{}, 3]}},
        {},
    ):
        job.stages.filter(kind=StageKind.SURFACE_VALIDATE).update(evidence=evidence)
        assert viewer.get(f"/history/{job.pk}").status_code == 200
        assert viewer.get(f"/history/{job.pk}/print").status_code == 200
        assert viewer.get(f"/history/{job.pk}/surface.csv").status_code == 200
        assert viewer.get(f"/drives/{drive.pk}").status_code == 200
    assert json.dumps(viewer.get(f"/history/{job.pk}/report.json").json())


def test_a_pool_drive_that_is_gone_is_absent_and_not_in_use(viewer: Client, drive: Drive) -> None:
    Drive.objects.update(present=False, absent_since=timezone.now(), pool="tank")
    page = viewer.get(f"/drives/{drive.pk}").content.decode()
    assert "Absent: nas-1 hasn’t listed it" in page
    assert "In use: in pool tank" not in page
