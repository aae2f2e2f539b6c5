"""/metrics for Prometheus: read from the database at each scrape, by a constant number of queries.

So it doesn't matter which process is asked, nor when it was started.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from django.utils import timezone
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from burnin.models import Job, JobState
from config.models import freeze

from .rows import STANDINGS, Row, load_rows
from .summary import load_chips


class _Now(Collector):
    def collect(self) -> Iterator[Metric]:
        now = timezone.now()
        rows = load_rows(brief=True)
        yield from _drives(rows)
        jobs = GaugeMetricFamily(
            "burnin_jobs", "Burn-ins by state, all that ever were", labels=["state"]
        )
        states = Counter(Job.objects.values_list("state", flat=True))
        for state in JobState.values:
            jobs.add_metric([state], states[state])
        yield jobs
        up = GaugeMetricFamily(
            "burnin_system_up", "1 while a system answers as it should", labels=["system"]
        )
        age = GaugeMetricFamily(
            "burnin_system_answered_seconds", "Since its last answer", labels=["system"]
        )
        for chip in load_chips(now):
            up.add_metric([chip.system.name], int(not chip.is_troubled))
            if chip.system.last_polled_at:
                seconds = (now - chip.system.last_polled_at).total_seconds()
                age.add_metric([chip.system.name], seconds)
        yield up
        yield age
        yield GaugeMetricFamily(
            "burnin_frozen", "1 while all writing is frozen", value=int(freeze() is not None)
        )


def _drives(rows: list[Row]) -> Iterator[Metric]:
    drives = GaugeMetricFamily(
        "burnin_drives", "Drives by standing, those absent for long too", labels=["system", "state"]
    )
    heat = GaugeMetricFamily(
        "burnin_drive_temperature_celsius", "As last read", labels=["system", "serial", "drive"]
    )
    counted = Counter((row.drive.system.name, row.standing) for row in rows)
    for system in sorted({name for name, _ in counted}):
        for standing in STANDINGS:
            drives.add_metric([system, standing], counted[system, standing])
    for row in rows:
        drive = row.drive
        if drive.present and drive.temperature_c is not None:
            labels = [drive.system.name, drive.serial, drive.devname]
            heat.add_metric(labels, drive.temperature_c)
    yield drives
    yield heat


def text() -> bytes:
    """The exposition format, version 0.0.4."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Now())
    return generate_latest(registry)
