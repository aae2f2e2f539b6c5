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
from tests.story.people import PASSWORD, PEOPLE  # noqa: E402
from tests.story.shelf import the_other, the_shelf  # noqa: E402
from tests.story.write import FINAL, LONG, SURFACE, drive, event, job, own_times  # noqa: E402

MODELS = (
    ("ST12000NM0008", 12.0, 1.0),
    ("WD80EFAX-68KNBN0", 8.0, 1.12),
    ("ST16000NM001G", 16.0, 0.93),
    ("MG06ACA10TE", 10.0, 1.02),
    ("HUS728T8TAL5200", 8.0, 1.05),
)
#: So many drives have left since; each was burned in more than once.
GONE = 15


def people() -> None:
    for name, role in PEOPLE.items():
        user = User.objects.create_user(name, password=PASSWORD, is_superuser=role == "admin")
        user.groups.add(Group.objects.get(name=role))
    User.objects.create_user("nina", password=PASSWORD)
    assert set(PEOPLE.values()) == set(ROLES)


def a_year(now: datetime, dice: random.Random, jobs: int) -> None:
    """Burn-ins of drives that have left since, for History and Stats; one of them slower."""
    nas = System.objects.get(name="nas-1")
    shelf: dict[int, Drive] = {}
    for number in range(jobs):
        model, tb, slower = MODELS[number % len(MODELS)]
        age = timedelta(days=330 * (1 - (number + 1) / jobs) ** 1.5, hours=dice.randrange(20))
        place = number % GONE
        if place not in shelf:
            serial = f"{'ZVXWK'[number % 5]}{number:03d}{dice.randrange(16**4):04X}"
            shelf[place] = drive(
                nas, f"sd{'abcdefgh'[number % 8]}", serial, model, tb, present=False,
                created_at=now - age - timedelta(days=7), absent_since=now - timedelta(days=20),
            )  # fmt: skip
        gone = shelf[place]
        ended, by, roll = now - age, ("alice", "bob")[number % 3 == 0], dice.random()
        pace = slower * dice.gauss(1, 0.02) * (1.24 if number in (22, 58, 101) else 1)
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
            )
        elif roll < 0.075:
            job(
                gone,
                ended,
                state=JobState.FAILED,
                fails_at=FINAL,
                by=by,
                slower=pace,
                acknowledged_at=ended,
                reason=f"SMART counters rose: Reallocated sectors 0 → {dice.randrange(1, 60)}",
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
            )
        else:
            job(gone, ended, by=by, slower=pace)


def meet(note: Path) -> None:
    """The story's nas-1 is that one, and those drives are its."""
    told = json.loads(note.read_text())
    System.objects.filter(name="nas-1").update(**told["reached"])
    for name, facts in told["drives"].items():
        drive = Drive.objects.get(devname=name, present=True, system__name="nas-1")
        known = {field: facts[field] for field in ("serial", "model", "size_bytes")}
        Drive.objects.filter(pk=drive.pk).update(
            **known, lunid=facts["lunid"] or "", identity=f"{facts['serial']}|{facts['lunid']}"
        )
        Job.objects.filter(drive=drive).update(
            serial=facts["serial"], size_bytes=facts["size_bytes"]
        )


def tell(now: datetime, jobs: int, note: Path) -> None:
    """All of it, in one transaction."""
    with own_times():
        people()
        the_shelf(now)
        the_other(now)
        a_year(now, random.Random(7), jobs)
        meet(note)
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


def main() -> None:
    tell(timezone.now(), int(sys.argv[1]), Path(sys.argv[2]))
    print(f"{Drive.objects.count()} drives, {Job.objects.count()} burn-ins")


if __name__ == "__main__":
    main()
