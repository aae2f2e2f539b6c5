"""`python -m tests.story.seed JOBS NOTE`: the story, into the empty database of the environment.

NOTE is what tests/story/host.py has left of the mock NAS behind it.
"""

from __future__ import annotations

import json
import os
import random
import sys
from datetime import datetime, timedelta
from pathlib import Path

import django

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "burnin_site.settings")
    django.setup()

from django.contrib.auth.models import Group, User  # noqa: E402
from django.utils import timezone  # noqa: E402

from audit.models import Kind  # noqa: E402
from burnin.models import Job, JobState  # noqa: E402
from dashboard.roles import ROLES  # noqa: E402
from drives.models import Drive, System  # noqa: E402
from tests.story.evidence import LOG, RUN, proof, proven  # noqa: E402
from tests.story.people import PASSWORD, PEOPLE  # noqa: E402
from tests.story.shelf import a_system, the_shelf  # noqa: E402
from tests.story.silent import the_silent  # noqa: E402
from tests.story.write import (  # noqa: E402
    FINAL,
    LONG,
    SURFACE,
    drive,
    event,
    in_order,
    job,
    own_times,
)

MODELS = (
    ("ST12000NM0008", 12.0, 1.0),
    ("WD80EFAX-68KNBN0", 8.0, 1.12),
    ("ST16000NM001G", 16.0, 0.93),
    ("TOSHIBA MG06ACA10TE", 10.0, 1.02),
    ("HUS728T8TAL5200", 8.0, 1.05),
)
#: So many drives of the old bench; each was burned in more than once.
GONE = 30


def people() -> None:
    for name, role in PEOPLE.items():
        user = User.objects.create_user(name, password=PASSWORD, is_superuser=role == "admin")
        user.groups.add(Group.objects.get(name=role))
    User.objects.create_user("nina", password=PASSWORD)
    assert set(PEOPLE.values()) == set(ROLES)


def a_year(now: datetime, dice: random.Random, jobs: int) -> None:
    """Burn-ins of a bench that was removed yesterday, for History and Stats; one drive is slower
    than its peers."""
    removed = now - timedelta(hours=20)
    nas = a_system("nas-0", removed)
    shelf: dict[int, Drive] = {}
    ages = (
        timedelta(days=1 + 330 * (1 - (number + 1) / jobs) ** 1.5, hours=dice.randrange(20))
        for number in range(jobs)
    )
    for number, age in enumerate(sorted(ages, reverse=True)):
        model, tb, slower = MODELS[number % len(MODELS)]
        place = number % GONE
        if place not in shelf:
            serial = f"{'ZVXWK'[number % 5]}{number:03d}{dice.randrange(16**4):04X}"
            shelf[place] = drive(
                nas, f"sd{'abcdefgh'[number % 8]}", serial, model, tb, present=False,
                created_at=now - age - timedelta(days=7), absent_since=removed,
            )  # fmt: skip
        gone = shelf[place]
        ended, by, roll = now - age, ("alice", "bob")[number % 3 == 0], dice.random()
        pace = slower * dice.gauss(1, 0.02) * (1.24 if number == jobs - 7 else 1)
        if roll < 0.045:
            lba, count = dice.randrange(10**9, 10**10), dice.randrange(1, 80)
            word = "sector" if count == 1 else "sectors"
            why = f"{count} {word} could not be read back, the first at LBA {lba:,}"
            job(
                gone,
                ended,
                state=JobState.FAILED,
                fails_at=SURFACE,
                share=dice.random(),
                by=by,
                reason=why,
                acknowledged_at=ended,
                slower=pace,
                evidence={SURFACE: {"verdict": {"errors": [{"class": "read_error", "lba": lba}]}}},
                found=[proof("Every byte read back as written", why, RUN, False)],
            )
        elif roll < 0.06:
            job(
                gone,
                ended,
                state=JobState.FAILED,
                fails_at=LONG,
                share=0.5,
                by=by,
                acknowledged_at=ended,
                reason="SMART long failed. The drive says: Completed: read failure",
                found=[proof("SMART long", "Completed: read failure, at 12,009 h", LOG, False)],
            )
        elif roll < 0.075:
            rose = dice.randrange(1, 60)
            job(
                gone,
                ended,
                state=JobState.FAILED,
                fails_at=FINAL,
                by=by,
                slower=pace,
                acknowledged_at=ended,
                reason=f"SMART counters rose: Reallocated sectors 0 → {rose}",
                found=proven(FINAL, gone, rose={"reallocated_sectors": rose}),
            )
        elif roll < 0.1:
            job(
                gone,
                ended,
                state=JobState.CANCELLED,
                fails_at=SURFACE,
                share=0.3,
                by=by,
                reason=f"Cancelled by {by}",
                cancel_requested_by=by,
            )
        elif roll < 0.115:
            job(
                gone,
                ended,
                state=JobState.UNKNOWN,
                fails_at=FINAL,
                by=by,
                slower=pace,
                reason="Interface CRC errors 0 → 3: this points to cable, bridge or host, "
                "not to the drive",
                found=proven(FINAL, gone, rose={"udma_crc_errors": 3}),
            )
        else:
            job(gone, ended, by=by, slower=pace)
    event(
        Kind.SYSTEM_CHANGED, "nas-0 removed; its history stays", removed,
        actor="olga", source_ip="192.168.1.21", system_id=nas.pk, system_name="nas-0",
    )  # fmt: skip
    nas.name = f"nas-0 (removed {removed:%Y-%m-%d %H:%M:%S})"
    nas.removed_at, nas.stopped = removed, "removed by olga"
    nas.save()


def tell(now: datetime, jobs: int, note: Path) -> None:
    """All of it, in one transaction."""
    with own_times():
        told = json.loads(note.read_text())
        people()
        the_shelf(now, told["drives"])
        the_silent(now)
        a_year(now, random.Random(7), jobs)
        # nas-1 is the mock NAS of host.py.
        System.objects.filter(name="nas-1").update(**told["reached"])
        event(
            Kind.LOGIN,
            "alice logged in",
            now - timedelta(minutes=31),
            actor="alice",
            source_ip="192.168.1.20",
        )
        event(
            Kind.SYSTEM_FAILING,
            "nas-2 doesn’t answer: connection refused",
            now - timedelta(hours=2),
            system_name="nas-2",
        )
        in_order()


def main() -> None:
    tell(timezone.now(), int(sys.argv[1]), Path(sys.argv[2]))
    print(f"{Drive.objects.count()} drives, {Job.objects.count()} burn-ins")


if __name__ == "__main__":
    main()
