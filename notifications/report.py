"""The daily report (N1): what ended since the last one, what goes on, and what needs somebody."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from burnin.models import ACTIVE_JOB_STATES, Job, JobState, Stage
from burnin.progress import current_stage, job_percent
from config import runtime
from drives.health import SystemState, system_state
from drives.models import Drive, System

from . import channels
from .models import Delivery

LONGEST = timedelta(days=7)
KEPT = timedelta(days=90)
#: How the lines are ordered, and the words of their states.
ORDER = (JobState.FAILED, JobState.UNKNOWN, JobState.PASSED, JobState.CANCELLED)
#: One block in the head of the mail; the preview's policy allows just this.
STYLE = """
:root { color-scheme: light dark }
body { font: 14px/20px system-ui, sans-serif; margin: 24px; max-width: 900px }
h1 { font-size: 20px; line-height: 28px; margin: 0 0 4px }
h2 { font-size: 16px; line-height: 24px; margin: 24px 0 4px }
p { margin: 0 0 8px }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; vertical-align: top; padding: 4px 12px 4px 0 }
th { font-size: 12px; border-bottom: 1px solid #7b848f }
td { border-bottom: 1px solid #7b848f55 }
th:first-child, td:first-child { min-width: 50px }
.queued { margin-top: 8px }
.failed { color: #c0232e; font-weight: 600 }
.unknown { color: #8a44c8; font-weight: 600 }
.passed { color: #187a48 }
@media (prefers-color-scheme: dark) {
  body { background: #121212; color: #eee } a { color: #9db8ff }
  .failed { color: #ff8f88 } .unknown { color: #cfa0ff } .passed { color: #5fcf93 }
}
@media (max-width: 600px) { .wide { display: none } th, td { padding-right: 8px } }
"""
STYLE_POLICY = f"'sha256-{base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()}'"


@dataclass(frozen=True)
class Line:
    """One burn-in. `what`: why it ended like that, or how far it is."""

    job: Job
    word: str
    what: str
    url: str


@dataclass(frozen=True)
class Report:
    title: str
    since: datetime
    until: datetime
    ended: tuple[Line, ...]
    going: tuple[Line, ...]
    queued: int
    failing: tuple[Drive, ...]
    systems: tuple[tuple[System, SystemState], ...]
    home: str


def build(now: datetime, since: datetime) -> Report:
    """The same number of queries for 1 and for 500 drives."""
    jobs = Job.objects.select_related("drive__system").defer("claims")
    ended = sorted(
        jobs.filter(finished_at__gt=since, finished_at__lte=now).exclude(
            state__in=ACTIVE_JOB_STATES
        ),
        key=lambda job: (ORDER.index(JobState(job.state)), job.pk),
    )
    stages = Stage.objects.defer("evidence")
    running = list(jobs.filter(state=JobState.RUNNING).order_by("pk"))
    of_job: dict[int, list[Stage]] = {}
    for stage in stages.filter(job__in=running).order_by("position"):
        of_job.setdefault(stage.job_id, []).append(stage)
    for job in running:
        job._prefetched_objects_cache = {"stages": of_job.get(job.pk, [])}  # type: ignore[attr-defined]
    limits = runtime.current()
    return Report(
        title=_title(ended, len(running)),
        since=since,
        until=now,
        ended=tuple(_line(job, job.error_text) for job in ended),
        going=tuple(_line(job, _how_far(job)) for job in running),
        queued=Job.objects.filter(state=JobState.QUEUED).count(),
        failing=tuple(
            Drive.objects.filter(present=True, smart_health=Drive.Health.FAILED).select_related(
                "system"
            )
        ),
        systems=tuple(
            (system, system_state(system, now, limits)) for system in System.objects.all()
        ),
        home=settings.APP_URL,
    )


def render(report: Report) -> tuple[str, str]:
    """Plain text and HTML."""
    context = {"report": report, "style": STYLE}
    return (
        render_to_string("notifications/report.txt", context),
        render_to_string("notifications/report.html", context),
    )


def last_one_before(now: datetime) -> datetime:
    """Since when the next report tells: up to where the last one did, or a day where there was none
    lately. It was stored a moment later than that, and a burn-in may have ended in between."""
    made = Delivery.objects.filter(source__startswith="report-", created_at__gt=now - LONGEST)
    last = made.order_by("-created_at").first()
    if last is None:
        return now - timedelta(days=1)
    return parse_datetime(last.payload.get("until", "")) or last.created_at


def payload(now: datetime) -> dict[str, str]:
    """The report of this moment as it is kept and sent."""
    report = build(now, last_one_before(now))
    text, html = render(report)
    return _bare(now) | {"title": report.title, "text": text, "html": html, "system": ""}


def _bare(now: datetime) -> dict[str, str]:
    return {"event": "report", "title": "Daily report", "until": now.isoformat()}


def make_if_due(now: datetime) -> bool:
    """Today's report once the local hour has come, and once a day: its delivery is unique.

    A day has one report however its hours are changed by daylight saving: it is due when the clock
    shows that hour or a later one. Where mail is off then, that day has none.
    """
    limits = runtime.current()
    local = timezone.localtime(now)
    source = f"report-{local:%Y-%m-%d}"
    if local.hour < limits.smtp_report_hour or Delivery.objects.filter(source=source).exists():
        return False
    mail = channels.channel_of(channels.MAIL, limits)
    wanted = mail is not None and mail.is_on(limits) and limits.smtp_daily_report
    _, is_new = Delivery.objects.get_or_create(
        source=source,
        channel=channels.MAIL,
        defaults={
            "payload": payload(now) if wanted else _bare(now),
            "state": Delivery.State.WAITING if wanted else Delivery.State.SKIPPED,
            "said": "" if wanted else "not wanted that day",
            "next_try_at": now,
        },
    )
    if is_new:
        done = Delivery.objects.filter(created_at__lt=now - KEPT)
        done.exclude(state__in=[Delivery.State.WAITING, Delivery.State.SENDING]).delete()
    return is_new and wanted


def _line(job: Job, what: str) -> Line:
    words = {JobState.UNKNOWN: "inconclusive"}
    word = words.get(JobState(job.state), str(job.state))
    return Line(job, word, what, f"{settings.APP_URL}/history/{job.pk}")


def _how_far(job: Job) -> str:
    stage = current_stage(job)
    name = stage.get_kind_display() if stage else "Ending"
    return f"{name}, {job_percent(job):.1f} %"


def _title(ended: Sequence[Job], running: int) -> str:
    """What matters in a list of mails."""
    words = {JobState.FAILED: "failed", JobState.UNKNOWN: "inconclusive", JobState.PASSED: "passed"}
    states = [job.state for job in ended]
    parts = [f"{states.count(state)} {word}" for state, word in words.items() if state in states]
    if running:
        parts.append(f"{running} running")
    return f"Burn-in report: {', '.join(parts) or 'nothing has happened'}"
