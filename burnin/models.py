"""Job and Stage. Only burnin.orchestrator changes their state."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q

from drives.models import Drive, System

JSONDict = dict[str, Any]


class JobState(models.TextChoices):
    QUEUED = "queued", "Queued"
    RUNNING = "running", "Running"
    PASSED = "passed", "Passed"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"
    UNKNOWN = "unknown", "Inconclusive"


ACTIVE_JOB_STATES = [JobState.QUEUED, JobState.RUNNING]


class StageState(models.TextChoices):
    PENDING = "pending", "Pending"
    RUNNING = "running", "Running"
    PASSED = "passed", "Passed"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"
    UNKNOWN = "unknown", "Inconclusive"
    SKIPPED = "skipped", "Skipped"


class StageKind(models.TextChoices):
    PRECHECK = "precheck", "Precheck"
    SHORT_SMART = "short_smart", "SMART short"
    LONG_SMART = "long_smart", "SMART long"
    SURFACE_VALIDATE = "surface_validate", "Surface"
    IO_VALIDATE = "io_validate", "I/O sample"
    FINAL_CHECK = "final_check", "Final check"


#: What can be chosen one by one; the I/O sample comes by the quick profile alone (B2).
CHOSEN_KINDS = [StageKind.SHORT_SMART, StageKind.LONG_SMART, StageKind.SURFACE_VALIDATE]
DESTRUCTIVE_KINDS = [StageKind.SURFACE_VALIDATE, StageKind.IO_VALIDATE]


class Job(models.Model):
    """One burn-in of one drive: an ordered list of stages and, at its end, a verdict."""

    drive = models.ForeignKey(Drive, on_delete=models.PROTECT, related_name="jobs")
    system = models.ForeignKey(System, on_delete=models.PROTECT, related_name="jobs")
    serial = models.CharField(max_length=200, help_text="the drive's serial at the request")
    size_bytes = models.BigIntegerField(help_text="the drive's size at the request")
    state = models.CharField(max_length=10, choices=JobState.choices, default=JobState.QUEUED)
    profile = models.CharField(max_length=20)
    passes = models.PositiveSmallIntegerField(default=2)
    operator = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    operator_name = models.CharField(max_length=150)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    error_text = models.TextField(blank=True)
    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    cancel_requested_by = models.CharField(max_length=150, blank=True)
    pause_requested_by = models.CharField(
        max_length=150, blank=True, help_text="who wants it to hold still; empty: nobody"
    )
    released: models.JSONField[list[JSONDict], list[JSONDict]] = models.JSONField(
        default=list, help_text="old data that may be overwritten: [{fact, reason, release}]"
    )
    holds_drive = models.BooleanField(
        default=True, help_text="until it has ended and nothing of it runs on the host"
    )
    claims: models.JSONField[list[JSONDict], list[JSONDict]] = models.JSONField(
        default=list, help_text="the evidence: [{claim, holds, found, source}]"
    )
    closing_reading_due = models.BooleanField(default=False)
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    label = models.CharField(max_length=100, blank=True)
    notes = models.TextField(blank=True)

    class Meta:
        verbose_name = "burn-in"
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["drive"], condition=Q(holds_drive=True), name="one_active_job_a_drive"
            ),
            models.CheckConstraint(
                condition=~Q(state__in=[s.value for s in ACTIVE_JOB_STATES]) | Q(holds_drive=True),
                name="an_active_job_holds_its_drive",
            ),
        ]

    def __str__(self) -> str:
        return f"burn-in {self.pk} of {self.serial}"

    @property
    def release(self) -> list[str]:
        """What of the host's findings was released for this job."""
        return [finding["release"] for finding in self.released]

    @property
    def is_active(self) -> bool:
        return self.state in ACTIVE_JOB_STATES

    @property
    def is_unacknowledged(self) -> bool:
        """It failed or is inconclusive, and nobody has said that he has seen it."""
        return self.state in {JobState.FAILED, JobState.UNKNOWN} and self.acknowledged_at is None


class Stage(models.Model):
    """One step of a job. `evidence` is what it found; `progress` is what the page shows of it."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="stages")
    position = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=20, choices=StageKind.choices)
    state = models.CharField(max_length=10, choices=StageState.choices, default=StageState.PENDING)
    percent = models.FloatField(default=0)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    eta_at = models.DateTimeField(null=True, blank=True)
    expected_seconds = models.FloatField(
        null=True, blank=True, help_text="how long it should take, as known at the request"
    )
    error_text = models.TextField(blank=True)
    lease_until = models.DateTimeField(
        null=True, blank=True, help_text="somebody talks to the host for this stage until then"
    )
    lease_holder = models.CharField(max_length=16, blank=True)
    run_id = models.CharField(max_length=100, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    checked_at = models.DateTimeField(null=True, blank=True)
    idle_seconds = models.FloatField(
        default=0, help_text="without progress, counted only while the host answered"
    )
    waiting_for = models.CharField(
        max_length=500, blank=True, help_text="why it can't go on just now, as a sentence"
    )
    progress: models.JSONField[JSONDict, JSONDict] = models.JSONField(default=dict)
    evidence: models.JSONField[JSONDict, JSONDict] = models.JSONField(default=dict)

    class Meta:
        ordering = ["job", "position"]
        constraints = [
            models.UniqueConstraint(fields=["job", "position"], name="one_stage_a_position"),
            models.UniqueConstraint(
                fields=["job"], condition=Q(state="running"), name="one_running_stage_a_job"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.job}"
