"""`python -m tests.story.worlds NAME`: what a page must bear, into the empty database of the
environment: 500 drives, names as long as they may be, a table that is gone.
"""

from __future__ import annotations

import os
import sys
from datetime import timedelta

import django

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "burnin_site.settings")
    django.setup()

#: The drive of the world of long names that has failed.
LONG = "multipath/disk107"
WORDS = "Backup storage of the third floor, left rack, second shelf from below, at the blue door"
MODEL = "ULTRASTAR-DATA-CENTRE-HELIUM-WUH722222ALE6L4-SELF-ENCRYPTING-FIRMWARE-LIMITED-WORKLOAD"
POOL = "archive_of_everything_that_was_ever_measured_in_the_laboratory_since_nineteen_ninety_eight"
PERSON = "maximilian.hohenstein-wallensteinberg@laboratory.example.com"
WHY = (
    "4,012 sectors could not be read back, the first at LBA 7,812,939,776 (33 % of the drive), and "
    "the drive answered none of the last 300 requests within 30 s, which no other drive on that "
    "controller did; the host reset its link 14 times meanwhile"
)


def many() -> None:
    """500 drives of two systems, 50 of them running."""
    from bench.shelf import fill

    fill(500, 50)


def long() -> None:
    """Two drives: one has failed at length, one runs on a system whose name ends nowhere."""
    from django.utils import timezone

    from audit.models import Kind
    from burnin.models import JobState
    from tests.story import smart
    from tests.story.evidence import RUN, proof, surface
    from tests.story.shelf import a_system
    from tests.story.surface import error
    from tests.story.write import SURFACE, drive, event, going, in_order, job, own_times, reading

    now = timezone.now()
    with own_times():
        nas = a_system(WORDS[:90], now, host_answered_at=now)
        other = a_system("storage-" * 11 + "end", now - timedelta(hours=3), last_error=WHY)
        facts = {"location": WORDS + ", no. 7", "notes": f"{WORDS}. " * 20 + "x" * 200}
        bad = drive(nas, LONG, "WWN-5000CCA2B0D1E5F7-2", MODEL, 22.0, **facts)
        job(
            bad,
            now - timedelta(hours=3),
            state=JobState.FAILED,
            fails_at=SURFACE,
            share=0.4,
            reason=WHY,
            by=PERSON,
            found=[proof("Every byte read back as written", WHY, RUN, False)],
            evidence={
                SURFACE: surface(
                    bad,
                    seed=3,
                    until=("verify-1", 342),
                    errors=[error(7_812_939_776, 8, note=WHY)],
                )
            },
            label=WORDS,
            notes=f"{WORDS}. " * 5,
        )
        reading(bad, now, smart.ata(bad.serial, bad.model, 43, id197=4012), [])
        event(Kind.DRIVE_EDITED, f"{LONG}: notes none → “{WORDS}”", now, of=bad, actor=PERSON)
        here = drive(other, "nvme10n1", "S" * 40, "Model " * 12, 4.0, location="x" * 100)
        going(here, now, SURFACE, 99.9, by=PERSON, waiting_for=WHY)
        drive(other, "nvme11n1", "T" * 20, MODEL, 4.0, pool=POOL, use_reason=f"in pool {POOL}")
        in_order()


def broken() -> None:
    """The stages are gone: whatever asks for them breaks."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE burnin_stage RENAME TO burnin_stage_gone")


if __name__ == "__main__":
    {"many": many, "long": long, "broken": broken}[sys.argv[1]]()
