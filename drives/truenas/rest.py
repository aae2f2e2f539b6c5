"""REST API v2.0 as TrueNAS CORE 12 and 13 speak it.

Two traps are built in: `pool` of disk.query is null for every disk unless extra.pools is asked for
in a JSON body on the GET, and even then lags, so pool.query and boot.get_disks decide; and
/smart/test creates a recurring schedule, so a test is started with /smart/test/manual_test.
"""

from __future__ import annotations

import contextlib
import ipaddress
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import requests
from urllib3 import HTTPResponse
from urllib3.exceptions import HTTPError

from .types import NasDrive, NasError, NasView, SelfTestJob, SelfTestStart

TIMEOUT_SECONDS = (5, 30)
WHOLE_ANSWER_SECONDS = 60
BIGGEST_ANSWER_BYTES = 32 * 1024 * 1024
#: Of a pool's member that is no longer there, the NAS can't name the disk.
GONE = {"UNAVAIL", "REMOVED", "OFFLINE"}


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class RestClient:
    """One NAS over HTTP. Every method raises NasError when the answer is missing or garbled."""

    def __init__(
        self, base_url: str, api_key: str, *, verify_tls: bool, allow_http: bool = False
    ) -> None:
        address = urlsplit(base_url)
        if address.scheme == "http" and not (allow_http or _is_loopback(address.hostname or "")):
            raise NasError(
                "the API key isn't sent over plain http, because the NAS may revoke it: use https"
            )
        self._root = base_url.rstrip("/") + "/api/v2.0"
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers["Authorization"] = f"Bearer {api_key}"
        self._session.verify = verify_tls

    def close(self) -> None:
        self._session.close()

    def __enter__(self) -> RestClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def view(self) -> NasView:
        """Everything a poll needs, in a constant number of questions.

        Raises NasError when disks, pools or boot disks can't be told for certain. Temperatures
        and jobs are less: without them the rest still stands.
        """
        version = self._call("GET", "/system/version")
        if not isinstance(version, str) or not _text(version, 100):
            raise NasError("the NAS did not tell its version")
        drives = tuple(self._drives())
        if not drives:
            raise NasError("the NAS lists no disk at all, which can't be")
        pools, uses = self._uses({drive.name for drive in drives})
        unused = self._unused()
        for drive in drives:
            if drive.pool:
                uses.setdefault(drive.name, f"In pool {drive.pool}"[:500])
            elif drive.name not in unused:
                uses.setdefault(drive.name, "The NAS doesn't count it among the unused disks")
        try:
            temperatures = self._temperatures([drive.name for drive in drives])
        except NasError:
            temperatures = {}
        try:
            jobs: tuple[SelfTestJob, ...] | None = tuple(self._jobs())
        except NasError:
            jobs = None
        return NasView(version, drives, uses, pools, temperatures, jobs)

    def start_self_test(self, identifier: str, type: str) -> SelfTestStart:
        """Start a `short` or `long` self-test in the background (smart.test.manual_test).

        HTTP 200 says nothing: an entry without a job, or with an error, did not start.
        """
        answer = self._call(
            "POST",
            "/smart/test/manual_test",
            [{"identifier": identifier, "type": type.upper(), "mode": "BACKGROUND"}],
        )
        entry = answer[0] if isinstance(answer, list) and len(answer) == 1 else None
        if not isinstance(entry, dict) or entry.get("identifier") != identifier:
            raise NasError("the NAS's answer to the start of a self-test can't be read")
        job = entry.get("job")
        if entry.get("error") or not isinstance(job, int):
            error = " ".join(str(entry.get("error") or "the NAS started no job").split())
            return SelfTestStart(None, None, error)
        return SelfTestStart(job, _date(entry.get("expected_result_time")), "")

    def forget_self_test(self, job_id: int) -> None:
        """End the NAS's waiting (core.job_abort). The drive itself is stopped on the host."""
        self._call("POST", "/core/job_abort", job_id)

    # --- the single questions -----------------------------------------------------------------
    def _drives(self) -> Iterator[NasDrive]:
        body = {"query-filters": [], "query-options": {"extra": {"pools": True}}}
        answer = self._call("GET", "/disk", body)
        if not isinstance(answer, list):
            raise NasError("the NAS's list of disks can't be read")
        for entry in answer:
            if not isinstance(entry, dict) or not isinstance(entry.get("identifier"), str):
                raise NasError("the NAS's list of disks can't be read")
            if entry.get("expiretime") is not None:
                continue  # a disk that was there once
            name, size = _text(entry.get("name"), 100), entry.get("size")
            identifier = _text(entry["identifier"], 500)
            if not name or not identifier:
                raise NasError("the NAS lists a disk without a usable name")
            yield NasDrive(
                identifier=identifier,
                name=name,
                serial=_text(entry.get("serial"), 200),
                lunid=_text(entry.get("lunid"), 100),
                model=_text(entry.get("model"), 200),
                size_bytes=size if isinstance(size, int) and 0 < size < 2**62 else 0,
                rotational={"HDD": True, "SSD": False}.get(_text(entry.get("type"), 20)),
                pool=_text(entry.get("pool"), 200),
            )

    def _uses(self, names: set[str]) -> tuple[dict[str, str], dict[str, str]]:
        """(device name → pool, device name → why it may not be written)."""
        pools: dict[str, str] = {}
        uses: dict[str, str] = {}
        boot = self._call("GET", "/boot/get_disks")
        if not boot or not isinstance(boot, list) or not all(isinstance(n, str) for n in boot):
            raise NasError("the NAS did not tell its boot disks")
        for name in boot:
            uses[name] = "Boot disk of the NAS"
        answer = self._call("GET", "/pool")
        if not isinstance(answer, list):
            raise NasError("the NAS's list of pools can't be read")
        for pool in answer:
            if not isinstance(pool, dict) or not isinstance(pool.get("name"), str):
                raise NasError("the NAS's list of pools can't be read")
            topology = pool.get("topology")
            if not isinstance(topology, dict):
                raise NasError(
                    f"pool {pool['name']} is offline, so the NAS can't tell which drives are in it"
                )
            members = 0
            for role, vdevs in topology.items():
                if not isinstance(vdevs, list):
                    raise NasError(f"the members of pool {pool['name']} can't be read")
                for index, vdev in enumerate(vdevs):
                    for disk, kind in _leaves(vdev, pool["name"]):
                        where = f"{kind.lower()}-{index}" if role == "data" else role
                        members += 1
                        if disk not in names:
                            raise NasError(
                                f"pool {pool['name']} has a member {disk}, no known disk"
                            )
                        pools[disk] = pool["name"]
                        uses[disk] = f"In pool {pool['name']} · {where}"[:500]
            if not members:
                raise NasError(f"the NAS tells no member of pool {pool['name']}")
        return pools, uses

    def _unused(self) -> set[str]:
        """Names of the disks that the NAS would offer for a new pool: not in an imported pool, no
        boot disk, no iSCSI extent. Positive evidence: who isn't in it is in use.
        """
        answer = self._call("POST", "/disk/get_unused", False)
        if not isinstance(answer, list):
            raise NasError("the NAS's list of unused disks can't be read")
        names = [_text(entry.get("name"), 100) for entry in answer if isinstance(entry, dict)]
        if len(names) != len(answer) or not all(names):
            raise NasError("the NAS's list of unused disks can't be read")
        return set(names)

    def _temperatures(self, names: list[str]) -> dict[str, int]:
        # All names in one call: from 13.0-U1 one cache of 300 s answers whatever was asked.
        answer = self._call("POST", "/disk/temperatures", {"names": names, "powermode": "NEVER"})
        if not isinstance(answer, dict):
            raise NasError("the NAS's temperatures can't be read")
        return {
            name: round(value)
            for name, value in answer.items()
            if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 150
        }

    def _jobs(self) -> Iterator[SelfTestJob]:
        answer = self._call("GET", "/core/get_jobs?method=smart.test.wait")
        if not isinstance(answer, list):
            raise NasError("the NAS's list of jobs can't be read")
        for job in answer:
            try:
                what = job["arguments"][0]
                percent = (job.get("progress") or {}).get("percent")
                if not 0 <= int(job["id"]) < 2**62:
                    raise ValueError
                yield SelfTestJob(
                    job_id=int(job["id"]),
                    identifier=str(what["identifier"]),
                    type=str(what["type"]).lower(),
                    state=str(job["state"]),
                    percent=float(percent) if percent is not None else None,
                    started_at=_date(job.get("time_started")),
                )
            except (KeyError, IndexError, TypeError, ValueError):
                raise NasError("the NAS's list of jobs can't be read") from None

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        """One request; the JSON of its answer. `body` None sends none."""
        data = None if body is None else json.dumps(body)
        headers = {} if data is None else {"Content-Type": "application/json"}
        try:
            with self._session.request(
                method,
                self._root + path,
                data=data,
                headers=headers,
                timeout=TIMEOUT_SECONDS,
                allow_redirects=False,
                stream=True,
            ) as response:
                status, content = response.status_code, _whole(response.raw, path)
        except (requests.RequestException, OSError, HTTPError) as error:
            raise NasError(_cause(error)) from None
        if status in (401, 403):
            raise NasError(f"the NAS refuses the API key (HTTP {status})")
        if status >= 300:
            raise NasError(f"HTTP {status} to {method} {path}: {_message(content)}")
        try:
            return json.loads(content)
        except ValueError:
            raise NasError(f"the answer to {path} is not whole JSON") from None


def _whole(body: HTTPResponse, path: str) -> bytes:
    """All of an answer, within limits of size and time: one that drips holds nobody up for long."""
    content, end = bytearray(), time.monotonic() + WHOLE_ANSWER_SECONDS
    while piece := body.read1(65536, decode_content=True):
        content += piece
        if len(content) > BIGGEST_ANSWER_BYTES:
            raise NasError(f"the answer to {path} is bigger than 32 MB")
        if time.monotonic() > end:
            raise NasError(f"the answer to {path} took more than {WHOLE_ANSWER_SECONDS} s")
    return bytes(content)


def _leaves(vdev: Any, pool: str) -> Iterator[tuple[str, str]]:
    """(device name, kind of the top vdev) of each disk under a vdev of pool.query's topology."""

    def walk(node: Any, top: str) -> Iterator[tuple[str, str]]:
        if not isinstance(node, dict):
            raise NasError(f"the members of pool {pool} can't be read")
        children = node.get("children") or []
        if not children:
            disk = node.get("disk")
            if isinstance(disk, str) and disk:
                yield disk, top
            elif node.get("status") not in GONE:
                raise NasError(f"pool {pool} has a member whose disk the NAS doesn't tell")
        for child in children:
            yield from walk(child, top)

    yield from walk(vdev, str(vdev.get("type", "vdev")) if isinstance(vdev, dict) else "vdev")


def _text(value: Any, longest: int) -> str:
    """A plain text, stripped; empty (unknown) when it is longer or holds control characters."""
    text = value.strip() if isinstance(value, str) else ""
    return text if len(text) <= longest and text.isprintable() else ""


def _date(value: Any) -> datetime | None:
    """TrueNAS writes datetimes as {"$date": milliseconds since the epoch, UTC}."""
    if isinstance(value, dict) and isinstance(value.get("$date"), int | float):
        with contextlib.suppress(OverflowError, ValueError, OSError):
            return datetime.fromtimestamp(value["$date"] / 1000, UTC)
    return None


def _message(content: bytes) -> str:
    try:
        answer = json.loads(content)
        text = answer.get("message") if isinstance(answer, dict) and "message" in answer else answer
    except ValueError:
        text = content.decode(errors="replace")
    return " ".join(str(text).split())[:200]


def _cause(error: BaseException) -> str:
    text = str(error)
    for sign, words in (
        ("Connection refused", "connection refused"),
        ("timed out", "no answer in time"),
        ("Name or service not known", "the host name is not known"),
        ("CERTIFICATE_VERIFY_FAILED", "its TLS certificate can't be verified"),
        ("No route to host", "no route to the host"),
        ("Connection aborted", "it cut the connection"),
        ("IncompleteRead", "it cut the connection in mid-answer"),
        ("Connection broken", "it cut the connection in mid-answer"),
    ):
        if sign in text:
            return words
    return " ".join(text.split())[:200] or type(error).__name__
