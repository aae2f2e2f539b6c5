"""What differs between the TrueNAS releases that can be played: facts only, no code.

Each is a row of differences from the one before it. Which methods a release has stands beside the
methods themselves (`since`, `until`). What is not certain: docs/mock.md.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

#: Every release, oldest first.
ORDER = (
    "12.0", "13.0-RELEASE", "13.0", "13.3", "22.12.1", "22.12", "23.10", "24.04", "24.10",
    "25.04", "25.10", "26",
)  # fmt: skip

_JOB = (
    "id", "method", "arguments", "logs_path", "logs_excerpt", "progress", "result", "error",
    "exception", "exc_info", "state", "time_started", "time_finished",
)  # fmt: skip
_DISK = (
    "identifier", "name", "subsystem", "number", "serial", "size", "description", "transfermode",
    "hddstandby", "hddstandby_force", "togglesmart", "advpowermgmt", "acousticlevel",
    "smartoptions", "expiretime", "critical", "difference", "informational", "model",
    "rotationrate", "type", "zfs_guid", "enclosure", "pool", "devname", "multipath_name",
    "multipath_member",
)  # fmt: skip
_CORE_ONLY = {"hddstandby_force", "acousticlevel", "multipath_name", "multipath_member"}
_SMARTD = {
    "togglesmart", "smartoptions", "critical", "difference", "informational", "supports_smart",
}  # fmt: skip


def _without(fields: tuple[str, ...], gone: set[str]) -> tuple[str, ...]:
    return tuple(field for field in fields if field not in gone)


@dataclass(frozen=True)
class Release:
    """One release's facts.

    Attributes:
        number: its row in ORDER.
        version, product_type: the strings of system.version and system.product_type.
        names: "core" (ada0, da0, nvd0) or "sd" (sda, nvme0n1): how its kernel names disks.
        system: of the host: "FreeBSD" or "Linux".
        smartctl: version of smartctl on the host, as smartctl's JSON has it.
        rest: it has the REST API v2.0.
        rest_alert: the use of REST raises an alert.
        options_in_query_string: REST understands `extra.…` in the query string; CORE takes it for
            a filter, and its options from the GET's body.
        routes: versions of the JSON-RPC API, oldest first; empty where there is only /websocket.
        boot_id: it has GET /api/boot_id.
        disk_fields: keys of a disk.query entry, in their order.
        temperatures: how disk.temperatures works: "live", "shared" (one result for all names),
            "options" ({cache, only_cached, powermode}) or "sensors" (floats, thresholds).
        temperature_cache_seconds: age up to which disk.temperatures answers from what it knows.
        standby_watched: disk.temperatures of no names reads only drives that never spin down.
        results: shape of smart.test.results: "tests", "current", "disk" (all keys of the disk) or
            "json" (25.04: from smartctl's JSON).
        tells_aborted: an aborted self-test reads ABORTED, not FAILED.
        error_key: manual_test says `error: null` where nothing went wrong.
        nvme_tests: manual_test takes NVMe drives.
        abort_stops: aborting a smart.test.wait job runs `smartctl -X`.
        wait: how smart.test.wait watches: "clock" (12.0) or "results".
        job_fields: keys of a job.
        job_percent, job_description: of a job that has just been made.
        keys: whose rights an API key has: "full", "allowlist" or "user".
        not_authenticated: errno of a call on a websocket that hasn't logged in.
        rate_limit: methods that need no login are limited to 20 a minute: "" (never), "always" or
            "anonymous".
        revokes: a right key that comes in clear from another machine is revoked.
        broken_mechanisms: auth.mechanism_choices fails before the login.
        scram: a key can log in without being sent.
        pydantic: what is wrong with the parameters of disks, pools and jobs is said in its words.
        legacy_jobs: JSON-RPC always answers a job's call with its id.
    """

    number: str
    version: str
    product_type: str
    names: str
    system: str
    smartctl: tuple[int, int]
    disk_fields: tuple[str, ...]
    temperatures: str
    results: str
    rest: bool = True
    rest_alert: bool = False
    options_in_query_string: bool = False
    routes: tuple[str, ...] = ()
    boot_id: bool = False
    temperature_cache_seconds: float = 300
    standby_watched: bool = True
    tells_aborted: bool = False
    error_key: bool = False
    nvme_tests: bool = False
    abort_stops: bool = False
    wait: str = "results"
    job_fields: tuple[str, ...] = _JOB
    job_percent: int | None = None
    job_description: str | None = None
    keys: str = "full"
    not_authenticated: int = 13
    rate_limit: str = ""
    revokes: bool = False
    broken_mechanisms: bool = False
    scram: bool = False
    pydantic: bool = False
    legacy_jobs: bool = True

    def has(self, since: str, until: str = ORDER[-1]) -> bool:
        """Is it one of the releases from `since` to `until`?"""
        return ORDER.index(since) <= ORDER.index(self.number) <= ORDER.index(until)


def _with(fields: tuple[str, ...], *more: str) -> tuple[str, ...]:
    return (*fields, *more)


_12_0 = Release(
    number="12.0",
    version="TrueNAS-12.0-U8.1",
    product_type="CORE",
    names="core",
    system="FreeBSD",
    smartctl=(7, 2),
    disk_fields=_DISK,
    temperatures="live",
    results="tests",
    wait="clock",
)
_13_0_RELEASE = replace(
    _12_0,
    number="13.0-RELEASE",
    version="TrueNAS-13.0-RELEASE",
    smartctl=(7, 3),
    disk_fields=_with(_DISK, "lunid", "bus"),
    results="current",
    wait="results",
)
_13_0 = replace(
    _13_0_RELEASE,
    number="13.0",
    version="TrueNAS-13.0-U6.8",
    smartctl=(7, 4),
    temperatures="shared",
)
_13_3 = replace(_13_0, number="13.3", version="TrueNAS-13.3-U1.2")
_22_12_1 = replace(
    _13_3,
    number="22.12.1",
    version="TrueNAS-SCALE-22.12.1",
    product_type="SCALE",
    names="sd",
    system="Linux",
    smartctl=(7, 2),
    options_in_query_string=True,
    disk_fields=_with(_without(_13_3.disk_fields, _CORE_ONLY), "supports_smart"),
    temperatures="options",
    temperature_cache_seconds=290,
    results="disk",
    error_key=True,
    job_fields=_with(_JOB, "transient", "description", "abortable"),
    job_percent=0,
    job_description="",
    keys="allowlist",
    not_authenticated=207,
)
_22_12 = replace(_22_12_1, number="22.12", version="TrueNAS-SCALE-22.12.4.2", tells_aborted=True)
_23_10 = replace(
    _22_12,
    number="23.10",
    version="TrueNAS-SCALE-23.10.2",
    smartctl=(7, 3),
    job_fields=_with(_22_12.job_fields, "credentials"),
)
_24_04 = replace(
    _23_10,
    number="24.04",
    version="TrueNAS-SCALE-24.04.2.5",
    standby_watched=False,
)
_24_10 = replace(
    _24_04,
    number="24.10",
    version="TrueNAS-SCALE-24.10.2.4",
    smartctl=(7, 4),
    nvme_tests=True,
    abort_stops=True,
    job_fields=_with(_24_04.job_fields, "result_encoding_error"),
    rate_limit="always",
)
_25_04 = replace(
    _24_10,
    number="25.04",
    version="TrueNAS-25.04.2.6",
    product_type="COMMUNITY_EDITION",
    routes=("v25.04.0", "v25.04.1", "v25.04.2"),
    results="json",
    keys="user",
    rate_limit="anonymous",
    revokes=True,
    broken_mechanisms=True,
)
_25_10 = replace(
    _25_04,
    number="25.10",
    version="TrueNAS-25.10.6",
    rest_alert=True,
    pydantic=True,
    routes=(*_25_04.routes, *(f"v25.10.{patch}" for patch in range(6))),
    boot_id=True,
    disk_fields=_without(_25_04.disk_fields, _SMARTD),
    temperatures="sensors",
    temperature_cache_seconds=300,
    job_fields=_with(_25_04.job_fields, "message_ids"),
    broken_mechanisms=False,
    legacy_jobs=False,
)
_26 = replace(
    _25_10,
    number="26",
    version="TrueNAS-26.0.0-BETA.3",
    smartctl=(7, 5),
    rest=False,
    rest_alert=False,
    routes=(*_25_10.routes, "v26.0.0"),
    disk_fields=_with(_25_10.disk_fields, "sed", "sed_status"),
    scram=True,
)

RELEASES = {
    one.number: one
    for one in (
        _12_0, _13_0_RELEASE, _13_0, _13_3, _22_12_1, _22_12, _23_10, _24_04, _24_10, _25_04,
        _25_10, _26,
    )
}  # fmt: skip


def release(number: str) -> Release:
    """The release of that number; ValueError with a sentence when it isn't simulated."""
    try:
        return RELEASES[number]
    except KeyError:
        known = ", ".join(ORDER)
        raise ValueError(f"release {number!r} is not simulated; known: {known}") from None
