"""What a NAS tells, in one vocabulary for all its dialects."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from config.redaction import redact


class NasError(Exception):
    """The NAS did not answer, or not in a form that can be believed. The text is for people: it
    goes to pages and the audit log, so what a library or the NAS quotes of our key is taken out."""

    def __init__(self, text: str) -> None:
        super().__init__(redact(text))


class NoSuchMethod(NasError):
    """The NAS answered, and has no such method: another release."""


class NotAllowed(NasError):
    """The key's rights don't reach that far: nothing was done."""


class Rejected(NasError):
    """The NAS answered that this is nothing it does for such a drive: nothing was done."""


@dataclass(frozen=True)
class NasDrive:
    """One entry of disk.query.

    identifier: the NAS's own key; name: device name, moves across reboots; size_bytes: 0 when the
    NAS doesn't know it; rotational: None when unknown; pool: as the disk's own entry names it,
    which may lag, so an empty one says nothing.
    """

    identifier: str
    name: str
    serial: str
    lunid: str
    model: str
    size_bytes: int
    rotational: bool | None
    pool: str = ""


@dataclass(frozen=True)
class SelfTestJob:
    """A `smart.test.wait` job. SUCCESS only means that no test is running any more."""

    job_id: int
    identifier: str
    type: str
    state: str
    percent: float | None
    started_at: datetime | None


@dataclass(frozen=True)
class SelfTestStart:
    """How the start of a self-test went. error: why it did not start, empty where it did; job_id:
    the NAS's job that waits for it, None where the host's smartctl started it.
    """

    job_id: int | None
    expected_at: datetime | None
    error: str


@dataclass(frozen=True)
class NasView:
    """One poll's answers. `uses` says for a device name why it may not be written.

    asked_temperatures: not at each poll where the question wakes every drive. jobs: None when they
    can't be told, empty where the release has none. release: as CORE 13.0; dialect: how it was
    asked. tells_exported: its lists of free disks know of exported pools.
    """

    version: str
    drives: tuple[NasDrive, ...]
    uses: dict[str, str]
    pools: dict[str, str]
    temperatures: dict[str, int]
    jobs: tuple[SelfTestJob, ...] | None
    release: str = ""
    dialect: str = ""
    tests_by_api: bool = False
    tests_nvme_by_api: bool = False
    tells_exported: bool = False
    asked_temperatures: bool = True
