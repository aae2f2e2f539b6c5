"""One NAS by its API, whatever dialect it speaks: the questions of a poll, and self-tests.

Every method raises NasError when the answer is missing or garbled.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, Protocol

from ..values import text
from . import answers
from .release import FLAGS_EXPORTED, HAS_DETAILS, Release
from .types import NasError, NasView, NoSuchMethod, SelfTestJob, SelfTestStart


class Dialect(Protocol):
    """The API's methods in a dialect: each answers as TrueNAS does, unread."""

    #: REST or JSON-RPC, as people know it.
    label: str

    def version(self) -> Any: ...
    def disks(self) -> Any: ...
    def boot_disks(self) -> Any: ...
    def pools(self) -> Any: ...
    def unused(self) -> Any: ...
    def details(self) -> Any: ...
    def temperatures(self, names: list[str], release: Release) -> Any: ...
    def has_smart(self, release: Release) -> bool: ...
    def jobs(self) -> Any: ...
    def manual_test(self, tests: list[dict[str, str]]) -> Any: ...
    def abort_job(self, job_id: int) -> Any: ...
    def close(self) -> None: ...


class NasClient:
    """The client of one system. `with` closes what isn't kept for the next time.

    found: finds the dialect that the NAS speaks by now, where the one at hand doesn't get through
    (it was upgraded, or went back); None when it is the same.
    """

    def __init__(
        self, dialect: Dialect, found: Callable[[], Dialect | None] = lambda: None
    ) -> None:
        self._dialect = dialect
        self._found = found

    def close(self) -> None:
        self._dialect.close()

    def __enter__(self) -> NasClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def release(self) -> Release:
        """Asked anew each time: a NAS is upgraded under us."""
        try:
            version = self._dialect.version()
        except NasError:
            other = self._other()
            if other is None:
                raise
            self._dialect.close()
            self._dialect = other
            version = other.version()
        if not isinstance(version, str) or not text(version, 100):
            raise NasError("the NAS did not tell its version")
        return Release.parse(version)

    def view(self, *, temperatures: bool = True) -> NasView:
        """Everything a poll needs, in a constant number of questions.

        Raises NasError when disks, pools or boot disks can't be told for certain. Temperatures
        and jobs are less: without them the rest still stands. `temperatures`: whether they are
        due; a release that answers from a cache is asked anyway.
        """
        release = self.release()
        drives = tuple(answers.drives(self._dialect.disks()))
        if not drives:
            raise NasError("the NAS lists no disk at all, which can’t be")
        uses = dict.fromkeys(answers.boot_disks(self._dialect.boot_disks()), "Boot disk of the NAS")
        count = Counter(drive.name for drive in drives)
        names = set(count)
        pools, members = answers.pool_members(self._dialect.pools(), names)
        uses |= members
        if release.line >= HAS_DETAILS:
            unused, flags = answers.details(self._dialect.details(), drives)
        else:
            unused, flags = answers.unused(self._dialect.unused())
        for drive in drives:
            if count[drive.name] > 1:
                # What is told by name would hold for both: a pool's member would count as unused.
                uses[drive.name] = f"The NAS lists {count[drive.name]} disks named {drive.name}"
            elif drive.pool:
                uses.setdefault(drive.name, f"In pool {drive.pool}"[:500])
            elif drive.name in flags:
                uses.setdefault(drive.name, flags[drive.name])
            elif drive.name not in unused:
                uses.setdefault(drive.name, "The NAS doesn’t count it among the unused disks")
        has_smart = self._dialect.has_smart(release)
        asks_temperatures = temperatures or not release.reads_temperatures_live
        return NasView(
            version=release.version,
            drives=drives,
            uses=uses,
            pools=pools,
            temperatures=(self._temperatures(sorted(names), release) if asks_temperatures else {}),
            jobs=self._jobs() if has_smart else (),
            release=release.name,
            dialect=self._dialect.label,
            tests_by_api=has_smart,
            tests_nvme_by_api=has_smart and release.tests_nvme,
            tells_exported=release.line >= FLAGS_EXPORTED,
            asked_temperatures=asks_temperatures,
        )

    def start_self_test(self, identifier: str, type: str) -> SelfTestStart:
        """Start a `short` or `long` self-test in the background (smart.test.manual_test).

        Raises NoSuchMethod where this release has it no more. /smart/test, which looks like it,
        creates a recurring schedule.
        """
        test = {"identifier": identifier, "type": type.upper(), "mode": "BACKGROUND"}
        return answers.self_test_start(self._dialect.manual_test([test]), identifier)

    def forget_self_test(self, job_id: int, identifier: str, type: str) -> None:
        """End the NAS's waiting (core.job_abort). The drive itself is stopped on the host.

        Only where the job is still that one: after a restart of the middleware its number is
        another job's, which may be anything.
        """
        for job in answers.jobs(self._dialect.jobs()):
            same = (job.job_id, job.identifier, job.type) == (job_id, identifier, type)
            if same and job.state == "RUNNING":
                self._dialect.abort_job(job_id)

    def _other(self) -> Dialect | None:
        try:
            return self._found()
        except NasError:
            return None  # nobody answers: the first error says it

    def _temperatures(self, names: list[str], release: Release) -> dict[str, int]:
        try:
            # All in one question: CORE from 13.0-U1 answers from one cache, whatever was asked.
            return answers.temperatures(self._dialect.temperatures(names, release))
        except NasError:
            return {}

    def _jobs(self) -> tuple[SelfTestJob, ...] | None:
        try:
            return tuple(answers.jobs(self._dialect.jobs()))
        except NoSuchMethod:
            return ()
        except NasError:
            return None
