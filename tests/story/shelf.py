"""The two systems of the story: a shelf in every state, and one that doesn't answer."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from audit.models import Kind
from burnin.models import Job, JobState
from drives.models import Drive, SmartTest, System
from tests.story import smart
from tests.story.evidence import proof, proofs, surface
from tests.story.surface import error
from tests.story.write import (
    FINAL,
    FULL,
    LONG,
    PRE,
    SHORT,
    SURFACE,
    drive,
    event,
    going,
    job,
    reading,
    temperatures,
)

#: An unused public key of the form that hosts have.
HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB1wUnNoYXJkb3JvbmVvZnRoZWlyb3duc29ydDE="


def a_system(name: str, polled_at: datetime, **facts: Any) -> System:
    return System.objects.create(
        name=name,
        kind=System.Kind.MOCK,
        base_url=f"http://{name}.lan",
        api_key="mock-key",
        ssh_host=f"{name}.lan",
        ssh_key_file="/data/ssh/id_ed25519",
        ssh_host_key=HOST_KEY,
        version="TrueNAS-13.0-U6.1",
        last_polled_at=polled_at,
        **facts,
    )


def tests(drive: Drive, ended: datetime, **facts: Any) -> None:
    for type in SmartTest.Type:
        SmartTest.objects.create(
            **{"drive": drive, "type": type, "state": "passed", "finished_at": ended} | facts
        )


def the_shelf(now: datetime) -> None:
    """nas-1: what somebody with a tray of new drives sees on a Thursday morning."""
    nas = a_system("nas-1", now, host_answered_at=now)
    seagate, wd = "ST12000NM0008-2H3101", "WD80EFAX-68KNBN0"

    passed = drive(
        nas,
        "sdc",
        "ZHZ0A9QT",
        seagate,
        12.0,
        location="Bay 3",
        temperature_c=38,
        notes="RMA replacement for ZHZ09K11, arrived 9 Nov in antistatic bag, box undamaged.",
        created_at=now - timedelta(days=259),
    )
    earlier = now - timedelta(days=258)
    job(
        passed,
        earlier,
        kinds=(PRE, SURFACE, FINAL),
        passes=1,
        claims=proofs(passed, 15_020),
        evidence={SURFACE: surface(passed, 1, seed=1, rate=243e6)},
    )
    job(
        passed,
        now - timedelta(days=54),
        state=JobState.CANCELLED,
        fails_at=SURFACE,
        share=0.27,
        reason="Cancelled by bob",
        by="bob",
        cancel_requested_by="bob",
    )
    ended = now - timedelta(days=2, hours=1)
    last = job(
        passed,
        ended,
        claims=proofs(passed, 21_181),
        evidence={
            SURFACE: surface(
                passed,
                seed=2,
                slow=(
                    (611, 4),
                    (612, 5),
                    (613, 7),
                    (614, 26),
                    (240, 5),
                    (401, 4.5),
                    (742, 5),
                    (837, 4),
                ),
            ),
            SHORT: {"log_entry": smart.log_entry("short", 21_181)},
            LONG: {"log_entry": smart.log_entry("long", 21_199)},
        },
    )
    assert last.started_at
    temperatures(
        passed,
        last.started_at - timedelta(hours=3),
        ended + timedelta(days=2),
        (31, 33, 38, 39, 39, 41, 42, 39, 41, 43, 40, 39, 41, 38, 38),
    )
    log = [
        smart.log_entry("long", 21_199),
        smart.log_entry("short", 21_181),
        smart.log_entry("short", 20_844),
        smart.log_entry("long", 20_102, "aborted"),
    ]
    reading(passed, earlier, smart.ata(passed.serial, seagate, 35), log[2:])
    reading(
        passed,
        now,
        smart.ata(
            passed.serial,
            seagate,
            38,
            id9=21_263,
            id189=3,
            id193=415,
            id194=38,
            id241=197_332_881_112,
        ),
        log,
    )
    tests(passed, ended)
    event(
        Kind.DRIVE_EDITED,
        "Location of sdc ZHZ0A9QT: “” → “Bay 3”",
        ended + timedelta(hours=6),
        of=passed,
        actor="alice",
        source_ip="192.168.1.20",
    )

    failed = drive(
        nas, "sdn", "FAIL001", "ST12000NM0008", 12.0, location="Bay 14", temperature_c=42
    )
    bad = (
        error(7_812_939_776, 8, note="EIO, 3 of 3 tries, 2.9 s each"),
        error(7_812_939_904, 3, note="EIO, 3 of 3 tries, 3.1 s each"),
        error(7_812_940_152, 1, "unstable", "2 of 3 reads differ", bits=14),
    )
    why = "12 sectors could not be read back, the first at LBA 7,812,939,776 (33 % of the drive)"
    ended = now - timedelta(hours=5)
    last = job(
        failed,
        ended,
        state=JobState.FAILED,
        fails_at=SURFACE,
        share=0.42,
        reason=why,
        evidence={
            SURFACE: surface(
                failed,
                seed=3,
                until=("verify-1", 342),
                errors=bad,
                slow=((336, 3), (337, 4), (338, 6), (339, 9), (340, 18), (341, 60)),
            ),
            SHORT: {"log_entry": smart.log_entry("short", 21_326)},
            LONG: {"log_entry": smart.log_entry("long", 21_344)},
        },
        claims=proofs(
            failed,
            21_326,
            proof("Every byte read back as written", why, "Surface run on the host", False),
            proof(
                "No counter rose",
                "Pending sectors 0 → 12, Reported uncorrectable errors 0 → 12",
                "SMART readings at start and end",
                False,
            ),
            proof(
                "Every byte was verified",
                "3,998,211,375,104 of 24,000,277,250,048 bytes (size × 2)",
                "Surface run on the host",
                None,
            ),
        ),
    )
    assert last.started_at
    temperatures(failed, last.started_at, ended, (34, 39, 42, 42, 43, 44, 43, 42, 51, 46, 43, 43))
    event(
        Kind.BURNIN_REATTACHED,
        "SMART long turned up again and goes on",
        last.started_at + timedelta(hours=5),
        of=last,
    )
    event(
        Kind.BURNIN_PAUSED,
        "Surface: paused at 51 °C",
        ended - timedelta(hours=9, minutes=48),
        of=last,
    )
    event(
        Kind.BURNIN_RESUMED,
        "Surface: goes on at 45 °C",
        ended - timedelta(hours=9, minutes=24),
        of=last,
    )
    reading(failed, last.started_at, smart.ata(failed.serial, "ST12000NM0008", 34, id9=21_325), [])
    reading(
        failed,
        ended,
        smart.ata(failed.serial, "ST12000NM0008", 43, id9=21_365, id197=12, id187=12, id198=4),
        [],
    )

    write = {"phase": "write", "pass": 2, "rate_bytes_per_second": 205_000_000}
    here = drive(nas, "sda", "ZHZ0ABCD", seagate, 12.0, location="Bay 1", temperature_c=44)
    going(here, now, SURFACE, 57.3, progress=write | {"bytes_verified": here.size_bytes})
    temperatures(here, now - timedelta(days=2), now, (33, 39, 43, 44, 44), 20)
    hot = drive(nas, "sdb", "ZHZ0B771", seagate, 12.0, location="Bay 2", temperature_c=56)
    paused = {"by": "temperature", "reason": "56 °C, goes on below 48 °C", "since": ""}
    going(hot, now, SURFACE, 31.4, progress=write | {"pass": 1, "paused": paused})
    long = drive(nas, "sdd", "VKG1N4XX", wd, 8.0, location="Bay 4", temperature_c=39)
    going(long, now, LONG, 63.0, by="bob")
    SmartTest.objects.create(drive=long, type="long", state="running", percent=63.0)
    for place, (name, serial) in enumerate((("sde", "VKG1N5AB"), ("sdf", "VKG1N5QX"))):
        queued = drive(nas, name, serial, wd, 8.0, location=f"Bay {5 + place}", temperature_c=34)
        made = Job.objects.create(
            drive=queued,
            system=nas,
            serial=serial,
            size_bytes=queued.size_bytes,
            profile="full",
            operator_name="bob",
            created_at=now - timedelta(minutes=50 - place),
        )
        for position, kind in enumerate(FULL):
            made.stages.create(position=position, kind=kind)
        event(
            Kind.BURNIN_QUEUED,
            "queued: SMART short, SMART long, Surface",
            made.created_at,
            of=made,
            actor="bob",
            source_ip="192.168.1.33",
        )
    unsure = drive(nas, "sdg", "ZL2018KD", "ST16000NM001G-2KK103", 16.0, location="Bay 7")
    why = "SMART long gave no result. The host rebooted, and the drive’s log has no entry for it"
    job(
        unsure,
        now - timedelta(days=1, hours=3),
        state=JobState.UNKNOWN,
        fails_at=LONG,
        share=0.6,
        reason=why,
        claims=[proof("SMART long", "No entry", "The drive’s self-test log", None)],
    )
    cancelled = drive(nas, "sdh", "ZL2018M2", "ST16000NM001G-2KK103", 16.0, location="Bay 8")
    job(
        cancelled,
        now - timedelta(hours=19),
        state=JobState.CANCELLED,
        fails_at=SURFACE,
        share=0.41,
        reason="Cancelled by bob",
        by="bob",
        cancel_requested_by="bob",
    )
    drive(
        nas,
        "sdi",
        "Z2107P1K",
        "ST4000VN008-2DR166",
        4.0,
        pool="tank",
        temperature_c=35,
        use_reason="in pool tank",
    )
    drive(
        nas,
        "sdj",
        "Z2107P2M",
        "ST4000VN008-2DR166",
        4.0,
        pool="tank",
        temperature_c=35,
        use_reason="in pool tank",
    )
    drive(nas, "sdk", "X0Q3K1F9", "TOSHIBA MG06ACA10TE", 10.0, temperature_c=36)
    refused = drive(nas, "sdl", "X0Q3K2G1", "TOSHIBA MG06ACA10TE", 10.0, temperature_c=36)
    job(
        refused,
        now - timedelta(hours=2),
        state=JobState.CANCELLED,
        fails_at=PRE,
        reason="refused: an ext4 file system labelled “old-media” was found on it",
    )
    sas = drive(nas, "sdm", "V8GX12RD", "HUS728T8TAL5200", 8.0, location="Bay 13", temperature_c=41)
    job(
        sas,
        now - timedelta(days=4),
        claims=proofs(sas, 12_345),
        evidence={SURFACE: surface(sas, seed=5, rate=228e6)},
    )
    reading(sas, now - timedelta(days=9), smart.sas(sas.serial, sas.model, 39, 12_225), [])
    reading(sas, now, smart.sas(sas.serial, sas.model, 41, 12_345), [])
    # Too hot to begin: a batch that asks for it gets it refused.
    drive(nas, "sdo", "WCT4L0P7", "ST6000DM003-2CY186", 6.0, temperature_c=52)
    tests(sas, now - timedelta(days=4))
    for place, one in enumerate(Drive.objects.filter(system=nas, temperatures=None).order_by("pk")):
        warm = one.temperature_c or 0
        rise = (0, 1, -1, 2, 0, 1) if place % 2 else (-2, -1, -1, 0, -1, 0)
        temperatures(one, now - timedelta(hours=24), now, [warm + by for by in rise], 60)


def the_other(now: datetime) -> None:
    """nas-2: has not answered for two hours, while a burn-in goes on there."""
    polled = now - timedelta(hours=2)
    nas = a_system(
        "nas-2",
        polled,
        last_error="connection refused",
        host_error="connection refused",
        failing_since=polled,
    )
    ssd = drive(
        nas, "nvd0", "S6Z2NF0W", "Samsung SSD 990 PRO 2TB", 2.0, rotational=False, temperature_c=46
    )
    job(
        ssd,
        now - timedelta(days=6),
        kinds=(PRE, SURFACE, FINAL),
        passes=1,
        slower=0.1,
        claims=proofs(ssd, 310),
        evidence={SURFACE: surface(ssd, 1, seed=7, rate=2.1e9, flat=True)},
    )
    reading(ssd, now - timedelta(days=7), smart.nvme(ssd.serial, ssd.model, 41, 310), [])
    reading(ssd, now - timedelta(days=6), smart.nvme(ssd.serial, ssd.model, 46, 312, 4), [])
    away = drive(nas, "da1", "VLKZ81AA", "WD80EFAX-68KNBN0", 8.0, temperature_c=40)
    going(away, now, SURFACE, 71.9, waiting_for="Can’t reach nas-2 for 2 h; the run goes on there")
    old = drive(nas, "da2", "WCT4L0Q9", "ST6000DM003-2CY186", 6.0, temperature_c=37)
    job(
        old,
        now - timedelta(days=8),
        state=JobState.FAILED,
        fails_at=FINAL,
        by="bob",
        reason="SMART counters rose: Reallocated sectors 0 → 24",
        acknowledged_at=now - timedelta(days=7),
        claims=proofs(
            old,
            8_100,
            proof(
                "No counter rose",
                "Reallocated sectors 0 → 24",
                "SMART readings at start and end",
                False,
            ),
        ),
    )
    drive(
        nas,
        "da3",
        "VLKZ81AB",
        "WD80EFAX-68KNBN0",
        8.0,
        present=False,
        absent_since=now - timedelta(days=1),
    )
