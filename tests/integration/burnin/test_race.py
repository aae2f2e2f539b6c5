"""People, polls and workers at once: whatever the order, nothing writes for an ended job."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from django.db import connection

from burnin import orchestrator
from burnin.models import ACTIVE_JOB_STATES, Job, JobState
from burnin.orchestrator import NotActive, RequestRefused
from drives.models import HostRun
from tests.nas import MockNas
from tests.waiting import wait_for

from .conftest import Site

SECONDS = 12
# On a busy machine little happens in that time: then it goes on until enough has.
AT_MOST_SECONDS = 90
DRIVES = ("sda", "sdb", "sdc", "sdd")


@pytest.mark.django_db(transaction=True)
@pytest.mark.timeout(400)
def test_starts_cancels_pauses_and_polls_at_once(
    mock_nas: Callable[..., MockNas], site: Callable[[MockNas], Site], settings: Any
) -> None:
    settings.MAX_PARALLEL_BURNINS = 3
    here = site(mock_nas(speed=20))
    over = threading.Event()
    troubles: list[BaseException] = []
    most_running = Counter[str]()

    def person(seed: int) -> None:
        dice = random.Random(seed)
        while not over.is_set():
            with suppress(NotActive, RequestRefused):
                act = dice.choice(("start", "start", "cancel", "pause", "resume", "freeze", "thaw"))
                job = Job.objects.filter(state__in=ACTIVE_JOB_STATES).order_by("?").first()
                if act == "start":
                    here.start(dice.choice(DRIVES), "surface_validate")
                elif act == "freeze":
                    orchestrator.freeze_all(by="olga")
                elif act == "thaw":
                    orchestrator.thaw_all(by="olga")
                elif job is not None:
                    getattr(orchestrator, act)(job, by="olga")
            time.sleep(dice.random() / 5)

    def poller() -> None:
        while not over.is_set():
            here.poll()
            running = Job.objects.filter(state=JobState.RUNNING).count()
            most_running["running"] = max(most_running["running"], running)

    def guarded(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:
            troubles.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=guarded, args=(poller,))]
    threads += [
        threading.Thread(target=guarded, args=(lambda seed=seed: person(seed),)) for seed in (1, 2)
    ]
    for thread in threads:
        thread.start()
    begun = time.monotonic()

    def raced() -> bool:
        enough = Job.objects.count() > 10 and HostRun.objects.count() > 3
        return time.monotonic() - begun > SECONDS and (enough or bool(troubles))

    try:
        wait_for(raced, AT_MOST_SECONDS, "the race took place")
    finally:
        over.set()
    for thread in threads:
        thread.join()
    assert not troubles

    def settled() -> bool:
        orchestrator.thaw_all(by="olga")
        for job in Job.objects.filter(state__in=ACTIVE_JOB_STATES):
            with suppress(NotActive):
                orchestrator.cancel(job, by="olga")
        here.poll()
        return not Job.objects.filter(holds_drive=True).exists()

    wait_for(settled, 60, "every job has ended and let go of its drive")
    runs = here.nas.debug("state")["runs"]
    assert [run["run_id"] for run in runs if run["alive"]] == []
    states = set(Job.objects.values_list("state", flat=True))
    assert states <= {JobState.CANCELLED, JobState.PASSED}, "no good drive fails by a race"
    assert 1 <= most_running["running"] <= 3
