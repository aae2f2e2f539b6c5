"""System, Drive and what a poll saw of them. Sizes are bytes, temperatures °C, times UTC."""

from __future__ import annotations

from typing import Any

from django.db import models

from config.secrets import EncryptedTextField

JSONDict = dict[str, Any]


class CurrentSystems(models.Manager["System"]):
    """Without those that were removed: their rows stay for the history alone."""

    def get_queryset(self) -> models.QuerySet[System]:
        return super().get_queryset().filter(removed_at=None)


REMOVED_AT = " (removed "


class System(models.Model):
    """A NAS or host: how to reach it, what it can do, and when it last answered.

    A plain host has no API, and a local one no SSH: what those need is empty there.
    """

    class Kind(models.TextChoices):
        TRUENAS = "truenas", "TrueNAS"
        HOST = "host", "Linux or FreeBSD host"
        MOCK = "mock", "Mock NAS"

    class Api(models.TextChoices):
        AUTO = "auto", "Whatever the release speaks best"
        REST = "rest", "REST while the release has it"

    name = models.CharField(max_length=100, unique=True)
    kind = models.CharField(max_length=20, choices=Kind.choices, default=Kind.TRUENAS)
    base_url = models.URLField(blank=True)
    api_key = EncryptedTextField(blank=True)
    api_user = models.CharField(
        max_length=100, blank=True, help_text="whom the key belongs to (TrueNAS 25.04 and later)"
    )
    api = models.CharField(max_length=10, choices=Api.choices, default=Api.AUTO)
    verify_tls = models.BooleanField(default=True)
    is_local = models.BooleanField(
        default=False, help_text="this program runs on that very host: no SSH"
    )
    ssh_host = models.CharField(max_length=255, blank=True)
    ssh_port = models.PositiveIntegerField(default=22)
    ssh_user = models.CharField(max_length=100, default="root")
    ssh_key_file = models.CharField(max_length=1000, blank=True)
    ssh_password = EncryptedTextField(blank=True, help_text="used where there is no key file")
    ssh_host_key = models.TextField(blank=True, help_text="the host's public key, pinned")
    state_dir = models.CharField(max_length=1000, default="/root/.burnin")

    stopped = models.TextField(
        blank=True, help_text="why nothing is asked of it until an admin says so"
    )
    paused_by = models.CharField(max_length=150, blank=True)
    removed_at = models.DateTimeField(null=True, blank=True)
    version = models.CharField(max_length=100, blank=True)
    release = models.CharField(max_length=100, blank=True, help_text="as CORE 13.0")
    capabilities: models.JSONField[list[JSONDict], list[JSONDict]] = models.JSONField(
        default=list, blank=True, help_text="what it can do and how; see drives/capabilities.py"
    )
    last_polled_at = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(blank=True, help_text="why the API did not answer last time")
    host_error = models.TextField(blank=True, help_text="why the shell did not answer last time")
    host_answered_at = models.DateTimeField(null=True, blank=True)
    failing_since = models.DateTimeField(null=True, blank=True)
    poll_finished_at = models.DateTimeField(
        null=True, blank=True, help_text="when a poll last came to an end, whatever it found"
    )
    poll_failures = models.PositiveIntegerField(
        default=0, help_text="polls in a row without answer"
    )
    next_poll_at = models.DateTimeField(
        null=True, blank=True, help_text="not before: it didn't answer several times"
    )
    poll_lease_until = models.DateTimeField(null=True, blank=True)
    poll_lease_holder = models.CharField(max_length=16, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = CurrentSystems()
    everything = models.Manager["System"]()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def known_as(self) -> str:
        """As it was called: removing it puts a note of that behind its name, which is free then."""
        return self.name.partition(REMOVED_AT)[0]

    @property
    def showed_another_key(self) -> bool:
        """Its host did, and nobody has confirmed one since."""
        return bool(self.stopped) and not self.paused_by


class Drive(models.Model):
    """One physical drive, known by its serial and lunid wherever it is plugged in.

    `system`, `identifier` and `devname` are its present (or last) place; `present` says whether
    the last poll of that system saw it there. It is never deleted while it has a history.
    """

    class Health(models.TextChoices):
        OK = "ok", "OK"
        FAILED = "failed", "Failed"
        UNKNOWN = "unknown", "Unknown"

    class Form(models.TextChoices):
        HDD = "hdd", "Hard disk"
        SSD = "ssd", "SSD"
        NVME = "nvme", "NVMe"

    class Zoned(models.TextChoices):
        DEVICE_MANAGED = "device_managed", "SMR"
        HOST_AWARE = "host_aware", "SMR, host aware"
        HOST_MANAGED = "host_managed", "SMR, host managed"

    identity = models.CharField(
        max_length=500, unique=True, help_text="serial|lunid, else serial|model|size|identifier"
    )
    serial = models.CharField(max_length=200, db_index=True)
    lunid = models.CharField(max_length=100, blank=True)
    model = models.CharField(max_length=200, blank=True)
    size_bytes = models.BigIntegerField(default=0)
    rotational = models.BooleanField(null=True)
    form = models.CharField(max_length=10, choices=Form.choices, blank=True)
    zoned = models.CharField(
        max_length=20, choices=Zoned.choices, blank=True, help_text="how an SMR drive is shingled"
    )
    logical_sector_bytes = models.PositiveIntegerField(null=True, blank=True)
    physical_sector_bytes = models.PositiveIntegerField(null=True, blank=True)
    locked = models.BooleanField(null=True, help_text="by an ATA password")
    temperature_limit_c = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="the highest at which its maker lets it work"
    )
    temperature_critical_c = models.PositiveSmallIntegerField(null=True, blank=True)
    wear_percent = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="of an SSD's specified endurance; may pass 100"
    )

    system = models.ForeignKey(System, on_delete=models.PROTECT, related_name="drives")
    identifier = models.CharField(max_length=500, help_text="the NAS's own key for it")
    devname = models.CharField(max_length=100, help_text="sda, ada0: moves across reboots")
    host_path = models.CharField(
        max_length=500, blank=True, help_text="what the agent's probe last called it on its host"
    )
    present = models.BooleanField(default=True)
    also_on = models.ForeignKey(
        System,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="another system that lists the same drive, last at also_at",
    )
    also_at = models.DateTimeField(null=True, blank=True)
    absent_since = models.DateTimeField(null=True, blank=True)
    last_polled_at = models.DateTimeField(null=True, blank=True)

    temperature_c = models.IntegerField(null=True, blank=True)
    temperature_at = models.DateTimeField(null=True, blank=True)
    smart_health = models.CharField(max_length=10, choices=Health.choices, default=Health.UNKNOWN)
    smart_read_at = models.DateTimeField(null=True, blank=True)
    #: By a poll, whether or not smartctl answered.
    smart_asked_at = models.DateTimeField(null=True, blank=True)
    pool = models.CharField(max_length=200, blank=True)
    use_reason = models.CharField(
        max_length=500,
        blank=True,
        help_text="why it may not be written; empty when nothing is known",
    )

    location = models.CharField(max_length=100, blank=True)
    notes = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["system__name", "devname"]

    def __str__(self) -> str:
        return f"{self.devname} {self.serial}"

    @property
    def is_flash(self) -> bool:
        """By the drive's own word or its name, else by the NAS's, which doesn't tell it of each."""
        if self.form:
            return self.form != Drive.Form.HDD
        return self.rotational is False


class SmartTest(models.Model):
    """The current or last self-test of a type on a drive. One row a drive and type."""

    class Type(models.TextChoices):
        SHORT = "short", "SMART short"
        LONG = "long", "SMART long"

    class State(models.TextChoices):
        IDLE = "idle", "Idle"
        RUNNING = "running", "Running"
        PASSED = "passed", "Passed"
        FAILED = "failed", "Failed"
        ABORTED = "aborted", "Aborted"
        UNKNOWN = "unknown", "Unknown"

    drive = models.ForeignKey(Drive, on_delete=models.CASCADE, related_name="smart_tests")
    type = models.CharField(max_length=10, choices=Type.choices)
    state = models.CharField(max_length=10, choices=State.choices, default=State.IDLE)
    percent = models.FloatField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    eta_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    error_text = models.TextField(blank=True)
    nas_job_id = models.BigIntegerField(null=True, blank=True)
    log_before: models.JSONField[list[JSONDict] | None, list[JSONDict] | None] = models.JSONField(
        null=True, blank=True, help_text="the drive's self-test log before the start, newest first"
    )
    log_entry: models.JSONField[JSONDict | None, JSONDict | None] = models.JSONField(
        null=True, blank=True, help_text="the log entry that settled it"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["drive", "type"], name="one_current_test_of_a_type")
        ]

    def __str__(self) -> str:
        return f"{self.drive} {self.type} {self.state}"


class SmartReading(models.Model):
    """What the drive said of itself at one moment: `smartctl -x --json`, and what we understood."""

    drive = models.ForeignKey(Drive, on_delete=models.CASCADE, related_name="readings")
    taken_at = models.DateTimeField(db_index=True)
    health = models.CharField(max_length=10, choices=Drive.Health.choices)
    power_on_hours = models.IntegerField(null=True, blank=True)
    temperature_c = models.IntegerField(null=True, blank=True)
    counters: models.JSONField[dict[str, int], dict[str, int]] = models.JSONField(
        default=dict, help_text="counter name to count; only what this drive reports"
    )
    self_tests: models.JSONField[list[JSONDict] | None, list[JSONDict] | None] = models.JSONField(
        null=True, help_text="self-test log, newest first; null when it could not be read"
    )
    raw: models.JSONField[JSONDict, JSONDict] = models.JSONField(default=dict)

    class Meta:
        ordering = ["-taken_at"]

    def __str__(self) -> str:
        return f"{self.drive} {self.taken_at:%Y-%m-%d %H:%M}"


class TemperatureSample(models.Model):
    """One temperature of a drive, °C."""

    drive = models.ForeignKey(Drive, on_delete=models.CASCADE, related_name="temperatures")
    taken_at = models.DateTimeField()
    celsius = models.IntegerField()

    class Meta:
        indexes = [models.Index(fields=["drive", "taken_at"])]

    def __str__(self) -> str:
        return f"{self.drive} {self.celsius} °C"


class HostRun(models.Model):
    """A surface run as the last poll saw it: the copy that survives a lost folder on the host."""

    run_id = models.CharField(max_length=100, unique=True)
    system = models.ForeignKey(System, on_delete=models.PROTECT, related_name="runs")
    drive = models.ForeignKey(Drive, on_delete=models.PROTECT, related_name="runs")
    head: models.JSONField[JSONDict, JSONDict] = models.JSONField(
        default=dict, help_text="the run's state as the agent told it"
    )
    alive = models.BooleanField(default=False)
    is_open = models.BooleanField(
        default=True, help_text="until the host says that it has a verdict and no process"
    )
    seen_at = models.DateTimeField(null=True, blank=True)
    missing_since = models.DateTimeField(
        null=True, blank=True, help_text="the host answered and did not know this run"
    )
    removed_at = models.DateTimeField(
        null=True, blank=True, help_text="its folder is gone from the host since"
    )
    removal_tried_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.run_id
