"""From the NAS's answers to one vocabulary; the same shapes by REST and JSON-RPC. Pure functions.

Garbled is NasError, never a guess. `pool` of disk.query is null for every disk unless extra.pools
is asked for, and lags even then: so pool.query and boot.get_disks decide, and a drive counts as
free only where the NAS says that it is unused.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from ..values import get, text, whole
from .types import NasDrive, NasError, SelfTestJob, SelfTestStart

#: Of a pool's member that is no longer there, the NAS can't name the disk.
GONE = {"UNAVAIL", "REMOVED", "OFFLINE"}
WITH_POOLS = {"extra": {"pools": True}}


def drives(answer: Any) -> Iterator[NasDrive]:
    """disk.query."""
    if not isinstance(answer, list):
        raise NasError("the NAS’s list of disks can’t be read")
    for entry in answer:
        if not isinstance(entry, dict) or not isinstance(entry.get("identifier"), str):
            raise NasError("the NAS’s list of disks can’t be read")
        if "pool" not in entry:  # each release has it, be it null
            raise NasError("the NAS’s list of disks doesn’t tell whether they are in a pool")
        if entry.get("expiretime") is not None:
            continue  # a disk that was there once
        name, identifier = text(entry.get("name"), 100), text(entry["identifier"], 500)
        if not name or not identifier:
            raise NasError("the NAS lists a disk without a usable name")
        yield NasDrive(
            identifier=identifier,
            name=name,
            serial=text(entry.get("serial"), 200),
            lunid=text(entry.get("lunid"), 100),
            model=text(entry.get("model"), 200),
            size_bytes=whole(entry.get("size"), 2**62) or 0,
            rotational={"HDD": True, "SSD": False}.get(text(entry.get("type"), 20)),
            pool=text(entry.get("pool"), 200),
        )


def boot_disks(answer: Any) -> list[str]:
    """boot.get_disks."""
    if not answer or not isinstance(answer, list) or not all(isinstance(n, str) for n in answer):
        raise NasError("the NAS did not tell its boot disks")
    return answer


def pool_members(answer: Any, names: set[str]) -> tuple[dict[str, str], dict[str, str]]:
    """pool.query: (device name → pool, device name → why it may not be written)."""
    pools: dict[str, str] = {}
    uses: dict[str, str] = {}
    if not isinstance(answer, list):
        raise NasError("the NAS’s list of pools can’t be read")
    for pool in answer:
        if not isinstance(pool, dict) or not isinstance(pool.get("name"), str):
            raise NasError("the NAS’s list of pools can’t be read")
        topology = pool.get("topology")
        if not isinstance(topology, dict):
            raise NasError(
                f"pool {pool['name']} is offline, so the NAS can’t tell which drives are in it"
            )
        members = 0
        for role, vdevs in topology.items():
            if not isinstance(vdevs, list):
                raise NasError(f"the members of pool {pool['name']} can’t be read")
            for index, vdev in enumerate(vdevs):
                for disk, kind in _leaves(vdev, pool["name"]):
                    where = f"{kind.lower()}-{index}" if role == "data" else role
                    members += 1
                    if disk not in names:
                        raise NasError(f"pool {pool['name']} has a member {disk}, no known disk")
                    pools[disk] = pool["name"]
                    uses[disk] = f"In pool {pool['name']} · {where}"[:500]
        if not members:
            raise NasError(f"the NAS tells no member of pool {pool['name']}")
    return pools, uses


def _leaves(vdev: Any, pool: str) -> Iterator[tuple[str, str]]:
    """(device name, kind of the top vdev) of each disk under a vdev of pool.query's topology."""

    def walk(node: Any, top: str) -> Iterator[tuple[str, str]]:
        if not isinstance(node, dict):
            raise NasError(f"the members of pool {pool} can’t be read")
        children = node.get("children") or []
        if not isinstance(children, list):
            raise NasError(f"the members of pool {pool} can’t be read")
        if not children:
            disk, status = node.get("disk"), node.get("status")
            if isinstance(disk, str) and disk:
                yield disk, top
            elif not isinstance(status, str) or status not in GONE:
                raise NasError(f"pool {pool} has a member whose disk the NAS doesn’t tell")
        for child in children:
            yield from walk(child, top)

    yield from walk(vdev, str(vdev.get("type", "vdev")) if isinstance(vdev, dict) else "vdev")


def unused(answer: Any) -> tuple[set[str], dict[str, str]]:
    """disk.get_unused: the names that the NAS would offer for a new pool, and why some of them may
    not be written all the same (22.12 to 24.04 offer members of exported pools).
    """
    entries = _entries(answer, "its unused disks")
    return {name for name, _ in entries}, _flags(entries)


def details(answer: Any, drives: tuple[NasDrive, ...]) -> tuple[set[str], dict[str, str]]:
    """disk.details (24.10 and later): the same, by identifier: a name alone is not enough."""
    if not isinstance(answer, dict) or not {"used", "unused"} <= set(answer):
        raise NasError("the NAS’s list of its unused disks can’t be read")
    free = _entries(answer["unused"], "its unused disks")
    taken = _entries(answer["used"], "its used disks")
    identifiers = {drive.name: drive.identifier for drive in drives}
    names = {name for name, entry in free if entry.get("identifier") == identifiers.get(name)}
    return names - {name for name, _ in taken}, _flags([*free, *taken])


def _entries(answer: Any, what: str) -> list[tuple[str, dict[str, Any]]]:
    if not isinstance(answer, list):
        raise NasError(f"the NAS’s list of {what} can’t be read")
    found = [(text(entry.get("name"), 100), entry) for entry in answer if isinstance(entry, dict)]
    if len(found) != len(answer) or not all(name for name, _ in found):
        raise NasError(f"the NAS’s list of {what} can’t be read")
    return found


def _flags(entries: list[tuple[str, dict[str, Any]]]) -> dict[str, str]:
    """What the NAS says against single disks that no imported pool and no boot disk tells."""
    uses: dict[str, str] = {}
    for name, entry in entries:
        if entry.get("duplicate_serial"):
            uses[name] = "The NAS sees its serial on another disk too"
        if entry.get("unsupported_md_devices"):
            uses[name] = "It belongs to an MD array"
        if exported := entry.get("exported_zpool"):
            uses[name] = f"In pool {text(exported, 200) or '?'}, which is exported"
    return uses


def temperatures(answer: Any) -> dict[str, int]:
    """disk.temperatures: °C by name; ints up to 25.04, floats from 25.10 on."""
    if not isinstance(answer, dict):
        raise NasError("the NAS’s temperatures can’t be read")
    return {
        name: round(value)
        for name, value in answer.items()
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 150
    }


def jobs(answer: Any) -> Iterator[SelfTestJob]:
    """core.get_jobs of smart.test.wait."""
    if not isinstance(answer, list):
        raise NasError("the NAS’s list of jobs can’t be read")
    for job in answer:
        told, number = get(job, "arguments"), whole(get(job, "id"), 2**62)
        test = told[0] if isinstance(told, list) and told else None
        words = (get(test, "identifier"), get(test, "type"), get(job, "state"))
        identifier, type, state = (text(word, 500) for word in words)
        if number is None or not identifier or not type or not state:
            raise NasError("the NAS’s list of jobs can’t be read")
        yield SelfTestJob(
            job_id=number,
            identifier=identifier,
            type=type.lower(),
            state=state,
            percent=_percent(get(job, "progress", "percent")),
            started_at=date(get(job, "time_started")),
        )


def _percent(value: Any) -> float | None:
    usable = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 100
    return float(value) if usable else None


def self_test_start(answer: Any, identifier: str) -> SelfTestStart:
    """smart.test.manual_test. HTTP 200 says nothing: an entry without a job, or with an error, did
    not start.
    """
    entry = answer[0] if isinstance(answer, list) and len(answer) == 1 else None
    if not isinstance(entry, dict) or entry.get("identifier") != identifier:
        raise NasError("the NAS’s answer to the start of a self-test can’t be read")
    job = whole(entry.get("job"), 2**62)
    if entry.get("error") or job is None:
        error = " ".join(str(entry.get("error") or "the NAS started no job").split())
        return SelfTestStart(None, None, error[:500])
    return SelfTestStart(job, date(entry.get("expected_result_time")), "")


def date(value: Any) -> datetime | None:
    """TrueNAS writes datetimes as {"$date": milliseconds since the epoch, UTC}."""
    if isinstance(value, dict) and isinstance(value.get("$date"), int | float):
        with contextlib.suppress(OverflowError, ValueError, OSError):
            return datetime.fromtimestamp(value["$date"] / 1000, UTC)
    return None
