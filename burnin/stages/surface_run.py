"""The procedure of a surface run, of the whole drive or of a sample: a detached run of the agent
does it on the host.

begin finds the drive and calls the agent's start, which starts, finds, resumes or reports the run,
after its guard has looked at the disk once more. check reads what the poll saw of the run.
"""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

from django.utils import timezone

from config import runtime
from drives import clients, readings
from drives.apply import note_run
from drives.health import age_in_words
from drives.hosts.ssh import HostError, NoSuchRun
from drives.hosts.types import RunHead
from drives.models import HostRun

from .. import eta, verdict
from ..locate import locate
from ..models import StageKind, StageState
from ..outcomes import Again, Claim, Ended, Going, Outcome, Refused
from ..temperature import limits
from . import Context

RESTARTS_WITHOUT_PROGRESS = 5
SAMPLE_PASSES = 1


def begin(context: Context, *, sample: bool) -> Outcome:
    """1. Give the run its id. 2. Find the drive. 3. Start or resume. 4. Where it is over: judge."""
    job, drive = context.job, context.drive
    run = HostRun.objects.filter(run_id=context.stage.run_id).first()
    if run is None:
        # Random, so that no run of an earlier database can be taken for this one; stored first,
        # so that whatever happens to the answer, the run is found again.
        run = HostRun(run_id=f"job{job.pk}-{uuid4().hex[:12]}", system=context.system, drive=drive)
        context.remember(run_id=run.run_id)
        run.save()
    host = clients.host(context.system)
    if run.head and _head(run).verdict is not None:
        return _collect(context, run)
    if context.hold:
        return _hold(context, run)
    if context.stage.attempts > RESTARTS_WITHOUT_PROGRESS:
        _close(run)
        return Ended(
            StageState.UNKNOWN,
            f"The run ended {context.stage.attempts} times on the host without progress",
            (Claim(verdict.WHOLE[sample], None, _so_far(run), "Surface run"),),
            {"run_id": run.run_id},
        )
    is_first = context.stage.state == StageState.PENDING
    located = locate(drive, context.system, smart=is_first)
    if located.is_incomplete:
        why = "; ".join(located.reasons)
        return _going(context, _head(run), waiting_for=why) if run.head else Going(waiting_for=why)
    if located.reasons or located.device is None:
        return Refused(located.reasons)
    if is_first and (reading := readings.of_drive(located.device, drive.serial)) is not None:
        readings.store(drive, located.device, reading, context.now)
    lost = run.missing_since is not None and bool(run.head)
    host.ship()
    context.remember()  # nobody wants it otherwise by now: from here on something is written
    warmth = limits(drive, runtime.current())
    started = host.start_surface(
        run.run_id,
        located.device.path,
        serial=job.serial,
        size_bytes=job.size_bytes,
        passes=SAMPLE_PASSES if sample else job.passes,
        sample=sample,
        temp_pause_c=warmth.pause,
        temp_resume_c=warmth.resume,
        temp_abort_c=warmth.abort,
        rate_limit_bytes_per_second=runtime.current().surface_rate_limit_mbps * 1_000_000,
        release=job.release,
        restore=run.head if lost else None,
    )
    if started.outcome == "refused":
        return Refused(tuple(fact.reason for fact in started.reasons) or ("The host refuses",))
    if started.run is None:
        raise HostError("the agent started a run and told nothing of it")
    note_run(run, started.run, timezone.now())
    if started.outcome == "finished":
        return _collect(context, run)
    # The guard took its time: what was wished meanwhile holds.
    if hold := context.asks_again():
        return _hold(replace(context, hold=hold), run)
    if _is_held(started.run):
        head = host.resume_surface(run.run_id, by="operator")
        note_run(run, head, timezone.now())
        return _going(context, head)
    note = ""
    if context.stage.state == StageState.RUNNING and started.outcome == "started":
        note = f"its process was gone from the host; resumed at {started.run.percent:.1f} %"
        if lost:
            note = (
                f"the host had lost the run; resumed from our copy at {started.run.percent:.1f} %"
            )
    return _going(context, started.run, note=note, began=started.outcome == "started")


def check(context: Context) -> Outcome:
    """Read off the run's row, which the poll keeps."""
    run = HostRun.objects.filter(run_id=context.stage.run_id).first()
    if run is None or not run.head:
        return Again("nothing is known of the run yet")
    head = _head(run)
    if head.verdict is not None and not run.alive:
        return Again("the run is over", is_over=True)
    system = context.system
    if system.host_error:
        age = ""
        if run.seen_at:
            age = f" for {age_in_words(int((context.now - run.seen_at).total_seconds()))}"
        why = f"Can’t reach {system.name}{age}: {system.host_error}. The run goes on there"
        return _going(context, head, waiting_for=why)
    if context.hold and not run.alive:
        return _going(context, head, waiting_for=context.hold)
    if run.missing_since is not None or not run.alive:
        return Again("its process is gone from the host", is_gone=True)
    if bool(context.hold) != _is_held(head) and not head.stopping:
        return Again("it is to pause" if context.hold else "it may go on")
    return _going(context, head)


def stop(context: Context) -> bool:
    """Ask the run to stop; True once its process is gone."""
    run = HostRun.objects.filter(run_id=context.stage.run_id).first()
    if run is None:
        return True
    by = context.job.cancel_requested_by or "the dashboard"
    try:
        head = clients.host(context.system).stop_surface(run.run_id, by=by)
    except NoSuchRun:
        _close(run)
        return True
    note_run(run, head, timezone.now())
    if not head.alive:
        _close(run)
    return not head.alive


def _hold(context: Context, run: HostRun) -> Outcome:
    """Nothing is started or resumed; what runs is asked to hold still."""
    head = _head(run) if run.head else None
    # Without a head its start may still be in the guard; the wish is kept there.
    if head is None or (run.alive and not _is_held(head)):
        try:
            head = clients.host(context.system).pause_surface(run.run_id, by=context.hold)
        except NoSuchRun:
            if head is None:
                return Going(waiting_for=context.hold)
            raise
        note_run(run, head, timezone.now())
    return _going(context, head, waiting_for="" if head.alive else context.hold)


def _is_held(head: RunHead) -> bool:
    """Paused by us; a run that pauses because it can't store its state goes on by itself."""
    return head.paused is not None and head.paused.get("by") == "operator"


def _collect(context: Context, run: HostRun) -> Outcome:
    """Fetch the whole evidence from the host and judge it."""
    try:
        head, detail = clients.host(context.system).surface_detail(run.run_id)
    except NoSuchRun:
        # The host has lost the folder; the verdict came whole with an earlier poll.
        head, detail = _head(run), {}
        _close(run)
    else:
        note_run(run, head, timezone.now())
    if head.verdict is None:
        raise HostError("the run had a verdict and has none any more")
    if head.alive:
        return _going(context, head)
    job = context.job
    whole = context.stage.kind == StageKind.SURFACE_VALIDATE
    evidence = {"run_id": run.run_id, "verdict": head.raw["verdict"], "detail": detail}
    evidence["curve"] = context.stage.progress.get("curve")
    evidence["head"] = {name: value for name, value in head.raw.items() if name != "verdict"}
    if head.verdict.verdict == "refused":
        return Refused(head.verdict.reasons or ("The host refuses",), evidence)
    ended = verdict.surface(
        head.verdict,
        serial_found=head.serial,
        serial=job.serial,
        size_bytes=job.size_bytes,
        passes=job.passes if whole else SAMPLE_PASSES,
        sample=not whole,
    )
    return Ended(ended.state, ended.reason, ended.claims, evidence)


def _going(
    context: Context, head: RunHead, *, waiting_for: str = "", note: str = "", began: bool = False
) -> Going:
    learnt = eta.learnt(context.stage, head)
    left = None
    if not (head.paused or waiting_for):
        left = eta.run_left(context.stage, head, learnt, context.now)
    eta_at, facts = eta.progress_facts(left, context.now)
    progress = {
        "phase": head.phase,
        "pass": head.pass_number,
        "rate_bytes_per_second": head.rate_bytes_per_second,
        "bytes_written": head.bytes_written,
        "bytes_verified": head.bytes_verified,
        "bytes_total": head.bytes_total,
        "paused": head.paused,
        "error_count": head.error_count,
        "curve": learnt.as_json(),
        **facts,
    }
    return Going(head.percent, progress, eta_at, waiting_for, note, began)


def _head(run: HostRun) -> RunHead:
    return RunHead.parse(run.head)


def _so_far(run: HostRun) -> str:
    if not run.head:
        return "Nothing is known of it"
    head = _head(run)
    return f"{head.bytes_verified:,} of {head.bytes_total // 2:,} bytes"


def _close(run: HostRun) -> None:
    HostRun.objects.filter(pk=run.pk).update(is_open=False, alive=False)
