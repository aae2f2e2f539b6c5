"""A run's folder on the host goes once its evidence is stored here.

An inconclusive job whose run told no verdict keeps its folder: somebody may want to look into it.
"""

from __future__ import annotations

import logging
from datetime import timedelta

from django.db.models import Q, QuerySet
from django.utils import timezone

from drives import clients
from drives.hosts.ssh import HostError, NoSuchRun
from drives.leases import leased
from drives.models import HostRun, System

from .models import ACTIVE_JOB_STATES, JobState, Stage

logger = logging.getLogger(__name__)

TRY_AGAIN_AFTER = timedelta(minutes=10)


def is_due(system: System) -> bool:
    return not (system.stopped or system.last_error) and _due(system).exists()


def sweep(system: System) -> None:
    """Remove what is due. A folder that can't be removed stays, and is tried again later."""
    for stage in _due(system):
        with leased(Stage.objects.filter(pk=stage.pk), "lease") as lease:
            # Read again under the lease: from here on nobody else talks to the run.
            if lease is None or not _due(system).filter(pk=stage.pk).exists():
                continue
            run = HostRun.objects.filter(run_id=stage.run_id)
            run.update(removal_tried_at=timezone.now())
            try:
                clients.host(system).remove_run(stage.run_id)
            except NoSuchRun:
                pass
            except HostError as error:
                logger.info("the folder of %s stays for now: %s", stage.run_id, error)
                continue
            run.update(removed_at=timezone.now())


def _due(system: System) -> QuerySet[Stage]:
    """Stages whose run is over, whose job lets go of the drive, and whose evidence is here."""
    tried = Q(removal_tried_at=None) | Q(removal_tried_at__lt=timezone.now() - TRY_AGAIN_AFTER)
    runs = HostRun.objects.filter(tried, system=system, is_open=False, alive=False, removed_at=None)
    is_stored = Q(evidence__has_key="verdict") | Q(job__state=JobState.CANCELLED)
    return Stage.objects.filter(
        is_stored, run_id__in=runs.values("run_id"), job__holds_drive=False
    ).exclude(job__state__in=ACTIVE_JOB_STATES)
