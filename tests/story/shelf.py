"""nas-1 of the story: a shelf in every state."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from audit.models import Kind
from burnin import verdict
from burnin.models import Job, JobState
from drives import capabilities
from drives.models import Drive, SmartTest, System
from drives.truenas.types import NasView
from tests.story import smart
from tests.story.evidence import COUNTERS, LOG, proof, surface
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

Known = dict[str, dict[str, Any]]
VERSION = "TrueNAS-13.0-U6.1"
#: An unused public key of the form that hosts have.
HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB1wUnNoYXJkb3JvbmVvZnRoZWlyb3duc29ydDE="


def a_system(name: str, polled_at: datetime, **facts: Any) -> System:
    system = System(
        name=name,
        kind=System.Kind.MOCK,
        base_url=f"http://{name}.lan",
        api_key="mock-key",
        ssh_host=f"{name}.lan",
        ssh_key_file="/data/ssh/id_ed25519",
        ssh_host_key=HOST_KEY,
        version=VERSION,
        last_polled_at=polled_at,
        **facts,
    )
    answered = NasView(VERSION, (), {}, {}, {"sda": 36}, jobs=(), dialect="REST", tests_by_api=True)
    system.capabilities = capabilities.as_json(capabilities.assess(system, answered))
    system.save()
    return system


def tests(drive: Drive, ended: datetime, **facts: Any) -> None:
    for type in SmartTest.Type:
        SmartTest.objects.create(
            **{"drive": drive, "type": type, "state": "passed", "finished_at": ended} | facts
        )


def free(nas: System, name: str, known: Known, **facts: Any) -> Drive:
    """A drive that the mock NAS behind nas-1 has too, so that it can be asked about it."""
    is_ = known[name]
    lunid = is_["lunid"] or ""
    return drive(
        nas,
        name,
        is_["serial"],
        is_["model"],
        0,
        **{"size_bytes": is_["size_bytes"], "lunid": lunid, "identity": f"{is_['serial']}|{lunid}"},
        **facts,
    )


def the_shelf(now: datetime, known: Known) -> None:
    """nas-1: what somebody with a tray of new drives sees on a Thursday morning.

    known: who the mock's drives are, by name (host.py).
    """
    nas = a_system("nas-1", now, host_answered_at=now)
    seagate, wd = "ST12000NM0008", "WD80EFAX-68KNBN0"

    passed = drive(
        nas,
        "sdc",
        "ZHZ0A9QT",
        seagate,
        12.0,
        location="Bay 3",
        temperature_c=38,
        notes="RMA replacement for ZHZ09K11; antistatic bag, box undamaged.",
        created_at=now - timedelta(days=259),
    )
    earlier = now - timedelta(days=258)
    job(
        passed,
        earlier,
        kinds=(PRE, SURFACE, FINAL),
        passes=1,
        hours=15_035,
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
        hours=21_124,
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
            SHORT: {"log_entry": smart.log_entry("short", 21_124)},
            LONG: {"log_entry": smart.log_entry("long", 21_142)},
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
        smart.log_entry("long", 21_142),
        smart.log_entry("short", 21_124),
        smart.log_entry("short", 20_844),
        smart.log_entry("long", 20_102, "aborted"),
    ]
    reading(passed, earlier, smart.ata(passed.serial, seagate, 35, id9=15_071), [])
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
        "sdc ZHZ0A9QT: location none → “Bay 3”",
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
    run = "Surface run on the host"
    counted = verdict.counters(
        COUNTERS, COUNTERS | {"pending_sectors": 12, "reported_uncorrectable": 12}
    )
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
        hours=21_326,
        found=[
            proof("Every byte read back as written", why, run, False),
            proof(
                "Every byte was verified",
                "3,998,211,375,104 of 24,000,277,250,048 bytes (size × 2)",
                run,
                False,
            ),
            proof(
                "Same drive at the end of the surface run",
                f"Serial {failed.serial}, {failed.size_bytes:,} bytes",
                run,
            ),
        ],
        closing=[claim.as_json() for claim in counted.claims],
    )
    assert last.started_at
    temperatures(failed, last.started_at, ended, (34, 39, 42, 42, 43, 44, 43, 42, 57, 46, 43, 43))
    event(
        Kind.BURNIN_REATTACHED,
        "SMART long turned up again and goes on",
        last.started_at + timedelta(hours=5),
        of=last,
    )
    event(
        Kind.BURNIN_PAUSED,
        "Surface is paused: 56 °C, goes on below 48 °C",
        ended - timedelta(hours=9, minutes=48),
        of=last,
    )
    event(
        Kind.BURNIN_RESUMED,
        "Surface goes on",
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
    temperatures(here, now - timedelta(hours=60), now, (33, 35, 38, 43, 44, 44, 43, 44), 20)
    reading(here, now - timedelta(hours=60), smart.ata(here.serial, seagate, 33), [])
    reading(
        here,
        now - timedelta(hours=41),
        smart.ata(here.serial, seagate, 38, id9=21_199, id194=38),
        [smart.log_entry("long", 21_198), smart.log_entry("short", 21_180)],
    )
    hot = drive(nas, "sdb", "ZHZ0B771", seagate, 12.0, location="Bay 2", temperature_c=56)
    since = now - timedelta(minutes=14)
    why = "56 °C, goes on below 48 °C"
    paused = {"by": "temperature", "reason": why, "since": since.isoformat()}
    held = going(hot, now, SURFACE, 31.4, progress=write | {"pass": 1, "paused": paused})
    event(Kind.BURNIN_PAUSED, f"Surface is paused: {why}", since, of=held)
    temperatures(hot, now - timedelta(hours=41), now, (34, 38, 41, 44, 44, 45, 45, 46, 46, 56), 20)
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
    unsure = drive(nas, "sdg", "ZL2018KD", "ST16000NM001G", 16.0, location="Bay 7")
    why = "SMART long gave no result. The host rebooted, and the drive’s log has no entry for it"
    job(
        unsure,
        now - timedelta(days=1, hours=3),
        state=JobState.UNKNOWN,
        fails_at=LONG,
        share=0.6,
        reason=why,
        found=[
            proof(
                "SMART long",
                "The host rebooted, and the drive’s log has no entry for it",
                LOG,
                None,
            )
        ],
    )
    cancelled = free(nas, "sdh", known, location="Bay 8")
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
        "ST4000VN008",
        4.0,
        location="Bay 9",
        pool="tank",
        temperature_c=35,
        use_reason="in pool tank",
    )
    drive(
        nas,
        "sdj",
        "Z2107P2M",
        "ST4000VN008",
        4.0,
        location="Bay 10",
        pool="tank",
        temperature_c=35,
        use_reason="in pool tank",
    )
    # Has just come: it wasn't read yet.
    unread = {"smart_health": "unknown", "smart_read_at": None}
    free(nas, "sdk", known, location="Bay 11", temperature_c=36, **unread)
    refused = free(nas, "sdl", known, location="Bay 12", temperature_c=36)
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
        hours=12_240,
        evidence={SURFACE: surface(sas, seed=5, rate=228e6)},
    )
    reading(sas, now - timedelta(days=9), smart.sas(sas.serial, sas.model, 39, 12_129), [])
    reading(sas, now, smart.sas(sas.serial, sas.model, 41, 12_345), [])
    # Too hot to begin: a batch that asks for it gets it refused.
    free(nas, "sdo", known, location="Bay 15", temperature_c=52)
    tests(sas, now - timedelta(days=4))
    others = Drive.objects.filter(system=nas, readings=None, smart_health="ok").order_by("pk")
    for place, one in enumerate(others):
        hours = 4_310 + 617 * place
        log = [smart.log_entry("short", hours - 30)]
        reading(
            one, now - timedelta(days=1), smart.ata(one.serial, one.model, 36, id9=hours - 24), log
        )
        warm = one.temperature_c or 37
        reading(one, now, smart.ata(one.serial, one.model, warm, id9=hours, id194=warm), log)
    for place, one in enumerate(Drive.objects.filter(system=nas, temperatures=None).order_by("pk")):
        warm = one.temperature_c or 0
        rise = (0, 1, -1, 2, 0, 1) if place % 2 else (-2, -1, -1, 0, -1, 0)
        temperatures(one, now - timedelta(hours=24), now, [warm + by for by in rise], 60)
