"""Rows for tests, most of them without a NAS."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import asyncssh
from django.contrib.auth.models import User
from django.utils import timezone

from burnin.models import CHOSEN_KINDS, Job, Stage, StageKind
from drives import systems
from drives.models import Drive, System
from drives.truenas.types import NasDrive, NasView
from tests.nas import MockNas

HOST_KEY = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
SIZE = 12 * 10**12
KINDS = (StageKind.PRECHECK, *CHOSEN_KINDS, StageKind.FINAL_CHECK)


def a_system(name: str = "nas-1", **facts: Any) -> System:
    """A system that nobody listens behind."""
    return System.objects.create(
        name=name,
        kind=System.Kind.MOCK,
        base_url="http://127.0.0.1:1",
        api_key="mock-key",
        ssh_host="127.0.0.1",
        ssh_port=1,
        ssh_key_file="/nowhere/key",
        ssh_host_key=HOST_KEY,
        **({"last_polled_at": timezone.now()} | facts),
    )


def system_of(nas: MockNas, name: str = "nas-1", **facts: Any) -> System:
    """The system behind which this mock NAS listens, not polled yet."""
    reached = {
        "kind": System.Kind.MOCK,
        "base_url": nas.url,
        "api_key": "mock-key",
        "ssh_host": "127.0.0.1",
        "ssh_port": nas.ssh_port,
        "ssh_key_file": str(nas.key_file),
        "ssh_host_key": nas.host_key,
        "state_dir": str(nas.state_dir),
    }
    return systems.keep(name, actor="test", **reached | facts)


def a_drive(system: System, devname: str = "sda", **facts: Any) -> Drive:
    serial = facts.pop("serial", f"SER-{devname}")
    return Drive.objects.create(
        **{
            "identity": f"{serial}|{devname}",
            "serial": serial,
            "model": "ST12000NM0008",
            "size_bytes": SIZE,
            "system": system,
            "identifier": f"{{serial}}{serial}",
            "devname": devname,
        }
        | facts
    )


def a_job(drive: Drive, **facts: Any) -> Job:
    """A job with all five stages, queued unless said otherwise."""
    job = Job.objects.create(
        **{
            "drive": drive,
            "system": drive.system,
            "serial": drive.serial,
            "size_bytes": drive.size_bytes,
            "profile": "full",
            "operator_name": "olga",
        }
        | facts
    )
    Stage.objects.bulk_create(
        Stage(job=job, position=position, kind=kind) for position, kind in enumerate(KINDS)
    )
    return job


def an_operator(name: str = "olga") -> User:
    return User.objects.get_or_create(username=name)[0]


def a_nas_drive(name: str = "sda", **facts: Any) -> NasDrive:
    serial = facts.pop("serial", f"SER-{name}")
    return NasDrive(
        **{
            "identifier": f"{{serial_lunid}}{serial}_5000{name}",
            "name": name,
            "serial": serial,
            "lunid": f"5000{serial}",
            "model": "ST12000NM0008",
            "size_bytes": SIZE,
            "rotational": True,
        }
        | facts
    )


def a_view(*drives: NasDrive, **facts: Any) -> NasView:
    return NasView(
        **{
            "version": "TrueNAS-13.0-U6.1",
            "drives": drives,
            "uses": {},
            "pools": {},
            "temperatures": {},
            "jobs": (),
        }
        | facts
    )


def now() -> datetime:
    return timezone.now()
