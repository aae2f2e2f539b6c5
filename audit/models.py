"""AuditEvent: plain ids and names, no foreign keys, so that it outlives what it speaks of."""

from __future__ import annotations

from typing import Any

from django.db import models


class Kind(models.TextChoices):
    """Every event there is; nothing else is ever recorded."""

    DRIVE_SEEN = "drive_seen", "Drive seen"
    DRIVE_ABSENT = "drive_absent", "Drive absent"
    DRIVE_RETURNED = "drive_returned", "Drive returned"
    DRIVE_MOVED = "drive_moved", "Drive moved"
    DRIVE_EDITED = "drive_edited", "Drive edited"
    SMART_STARTED = "smart_started", "Self-test started"
    SMART_CANCELLED = "smart_cancelled", "Self-test cancelled"
    SMART_FINISHED = "smart_finished", "Self-test finished"
    BURNIN_QUEUED = "burnin_queued", "Burn-in queued"
    BURNIN_REFUSED = "burnin_refused", "Burn-in refused"
    BURNIN_STARTED = "burnin_started", "Burn-in started"
    BURNIN_PAUSED = "burnin_paused", "Burn-in paused"
    BURNIN_RESUMED = "burnin_resumed", "Burn-in resumed"
    BURNIN_REATTACHED = "burnin_reattached", "Burn-in re-attached"
    BURNIN_CANCEL_REQUESTED = "burnin_cancel_requested", "Cancel requested"
    BURNIN_CANCELLED = "burnin_cancelled", "Burn-in cancelled"
    BURNIN_PASSED = "burnin_passed", "Burn-in passed"
    BURNIN_FAILED = "burnin_failed", "Burn-in failed"
    BURNIN_UNKNOWN = "burnin_unknown", "Burn-in inconclusive"
    BURNIN_STUCK = "burnin_stuck", "Burn-in stuck"
    RELEASE_GRANTED = "release_granted", "Release granted"
    HISTORY_EDITED = "history_edited", "History edited"
    FREEZE = "freeze", "Freeze"
    THAW = "thaw", "Thaw"
    STAGE_STARTED = "stage_started", "Stage started"
    STAGE_FINISHED = "stage_finished", "Stage finished"
    SYSTEM_ADDED = "system_added", "System added"
    SYSTEM_CHANGED = "system_changed", "System changed"
    SYSTEM_FAILING = "system_failing", "System failing"
    SYSTEM_RECOVERED = "system_recovered", "System recovered"
    SETTINGS_CHANGED = "settings_changed", "Settings changed"
    NOTIFICATION_FAILED = "notification_failed", "Notification failed"
    RESET = "reset", "Reset"
    LOGIN = "login", "Login"
    LOGIN_FAILED = "login_failed", "Login failed"
    LOGIN_LOCKED = "login_locked", "Login locked"
    TOKEN_CREATED = "token_created", "Token created"
    TOKEN_REVOKED = "token_revoked", "Token revoked"
    USER_ADDED = "user_added", "User added"
    USER_CHANGED = "user_changed", "User changed"


class AuditEvent(models.Model):
    """One thing that happened. Times are UTC; `note` is a sentence for people."""

    at = models.DateTimeField(auto_now_add=True, db_index=True)
    kind = models.CharField(max_length=40, choices=Kind.choices, db_index=True)
    actor = models.CharField(max_length=150, blank=True)
    source_ip = models.GenericIPAddressField(null=True, blank=True)
    system_id = models.BigIntegerField(null=True, blank=True, db_index=True)
    system_name = models.CharField(max_length=100, blank=True)
    drive_id = models.BigIntegerField(null=True, blank=True, db_index=True)
    drive_serial = models.CharField(max_length=200, blank=True)
    job_id = models.BigIntegerField(null=True, blank=True, db_index=True)
    note = models.TextField()
    data: models.JSONField[dict[str, Any], dict[str, Any]] = models.JSONField(default=dict)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.kind}: {self.note}"
