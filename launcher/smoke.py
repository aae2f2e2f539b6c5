"""`./run smoke`: the whole product headless, real and simulated burn-ins from end to end.

Each case knows its true verdict; the exit status is 0 only if every drive got that one.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from . import environment
from .demo import say
from .errors import Trouble
from .product import ADMIN, Options, Product
from .supervisor import Supervisor

if TYPE_CHECKING:
    from .client import Client, Drive, Job

T = TypeVar("T")
LIMIT_SECONDS = 200.0
PASSES = 2
SURFACE = ["surface_validate"]
FULL = ["short_smart", "long_smart", "surface_validate"]
#: Where the mock flips one bit of da1: once its run verifies, and before it comes there.
FLIP_AT = 0.3


@dataclass(frozen=True)
class Result:
    """What became of a request. Of a refused one there is no job."""

    drive: Drive
    job: Job | None
    reasons: list[str]

    @property
    def state(self) -> str:
        return self.job.state if self.job else "refused"

    @property
    def verdict(self) -> dict[str, Any]:
        """The verdict line of the surface run; empty when there is none."""
        found: dict[str, Any] = {}
        if self.job:
            found = self.job.stage("surface_validate").evidence.get("verdict", {})
        return found

    @property
    def reason(self) -> str:
        """What the product says of it, short enough for a table."""
        if self.state == "passed":
            return f"{self.verdict.get('bytes_verified', 0):,} bytes verified"
        return "; ".join(self.reasons) if not self.job else self.job.error_text


@dataclass(frozen=True)
class Case:
    """`is_true` looks at the evidence behind the expected state."""

    system: str
    name: str
    what: str
    stages: list[str]
    expected: str
    is_true: Callable[[Result], bool]


def main(arguments: list[str]) -> int:
    if arguments:
        raise Trouble("smoke takes no options")
    environment.enter(environment.RUNTIME)
    import requests

    folder = Path(tempfile.mkdtemp(prefix="smoke-", dir=environment.VAR))
    good = False
    try:
        good = _smoke(folder)
    except requests.RequestException as error:
        raise Trouble(f"The product does not answer as it should: {error}") from None
    finally:
        shutil.rmtree(folder / "media", ignore_errors=True)
        if good:
            shutil.rmtree(folder)
        else:
            say(f"Its logs are kept in {folder / 'log'}")
    return 0 if good else 1


def _smoke(folder: Path) -> bool:
    from .client import Client

    began = time.monotonic()
    # The limit makes a run last long enough for the mock to meet it at its place.
    options = Options(folder, port=0, speed=30, poll_seconds=1, rate_limit_mbps=60, parallel=4)
    with Supervisor(folder, say) as supervisor:
        product = Product(options, supervisor, lambda what: say(f"starting {what}"))
        product.start()
        client = Client(product.url)
        client.log_in(ADMIN, product.password)
        say(f"ready after {time.monotonic() - began:.0f} s")
        cases = _cases()
        drives = _until(supervisor, lambda: _all_there(client, cases), 30, "all drives are listed")
        product.debug("nas-2", "flip-bit", {"name": "da1", "at_fraction": FLIP_AT})
        refused = {case.name: _start(client, drives[case.name], case) for case in cases}
        say(f"started {sum(not reasons for reasons in refused.values())} burn-ins")

        def ended() -> dict[str, Drive] | None:
            now = _all_there(client, cases)
            jobs = [now[case.name].job for case in cases if not refused[case.name]]
            return now if all(job and job.is_over for job in jobs) else None

        left = LIMIT_SECONDS - (time.monotonic() - began)
        try:
            drives = _until(supervisor, ended, left, "all burn-ins have ended")
        except Trouble as trouble:
            say(str(trouble))
            drives = _all_there(client, cases)
        deaths = [child.name for child in supervisor.children if child.deaths]
    results = [
        Result(drives[case.name], drives[case.name].job, refused[case.name]) for case in cases
    ]
    right = [_is_right(case, result) for case, result in zip(cases, results, strict=True)]
    say("\n" + _table(cases, results, right) + "\n")
    for name in deaths:
        say(f"{name} died on the way")
    say(
        f"{sum(right)} of {len(cases)} verdicts are the true ones, "
        f"after {time.monotonic() - began:.0f} s"
    )
    return all(right) and not deaths


def _cases() -> list[Case]:
    return [
        Case("nas-2", "da0", "good", SURFACE, "passed", _is_whole),
        Case("nas-2", "da1", f"a bit flips at {FLIP_AT:.0%}", SURFACE, "failed", _names_the_flip),
        Case("nas-2", "da2", "in a pool", SURFACE, "refused", _names_the_pool),
        Case("nas-2", "da3", "good, self-tests too", FULL, "passed", _is_whole),
        Case("nas-1", "sda", "simulated, good", FULL, "passed", _is_whole),
        Case("nas-1", "sdd", "simulated, good", SURFACE, "passed", _is_whole),
        Case("nas-1", "sdn", "simulated, fails at 30 %", SURFACE, "failed", _names_a_place),
    ]


def _is_whole(result: Result) -> bool:
    wanted = result.drive.size_bytes * PASSES
    return wanted > 0 and result.verdict.get("bytes_verified") == wanted


def _names_the_flip(result: Result) -> bool:
    lba = round(result.drive.size_bytes * FLIP_AT) // 512
    return any(
        error["class"] == "corrupt" and abs(error["lba"] - lba) <= 8
        for error in result.verdict.get("errors", [])
    )


def _names_the_pool(result: Result) -> bool:
    return any("tank" in reason for reason in result.reasons)


def _names_a_place(result: Result) -> bool:
    return any(error["class"] and error["lba"] > 0 for error in result.verdict.get("errors", []))


def _is_right(case: Case, result: Result) -> bool:
    return result.state == case.expected and case.is_true(result)


def _all_there(client: Client, cases: list[Case]) -> dict[str, Drive]:
    """The drives of the cases by name; empty until all are known."""
    wanted = {(case.system, case.name) for case in cases}
    found = {
        drive.name: drive
        for drive in client.drives()
        if drive.present and (drive.system, drive.name) in wanted
    }
    return found if len(found) == len(wanted) else {}


def _start(client: Client, drive: Drive, case: Case) -> list[str]:
    """Ask for the burn-in; the reasons when it is refused, else none."""
    from .client import RefusedRequest

    try:
        client.start(drive, case.stages, passes=PASSES, typed_serial=drive.serial)
    except RefusedRequest as refused:
        return refused.reasons
    return []


def _until(
    supervisor: Supervisor, condition: Callable[[], T | None], seconds: float, what: str
) -> T:
    end = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > end:
            raise Trouble(f"Waited {seconds:.0f} s in vain until {what}")
        supervisor.tend()
        time.sleep(0.25)
    return found


def _table(cases: list[Case], results: list[Result], right: list[bool]) -> str:
    rows = [("", "drive", "serial", "what it is", "expected", "verdict", "evidence")]
    for case, result, good in zip(cases, results, right, strict=True):
        drive, mark = result.drive, "ok" if good else "WRONG"
        where = f"{case.system} {case.name}"
        rows.append(
            (mark, where, drive.serial, case.what, case.expected, result.state, result.reason)
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    return "\n".join(
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]])
        for row in rows
    )
