"""A random run on a sound medium, cut off and held up at random: it must pass, with every byte."""

from __future__ import annotations

import random
from typing import Any

from tests.integration.agent.host import MIB, Host
from tests.integration.agent.test_resume import kill_after
from tests.waiting import wait_for

KIB = 1 << 10


def run(host: Host, name: str, chance: random.Random) -> dict[str, Any]:
    """Its verdict. The medium is new, of an odd size; at most three things happen to the run."""
    size = chance.choice([MIB, 2 * MIB, 3 * MIB]) + chance.choice([0, 512, 4096, 12_345])
    drive = host.drive(name, size)
    options: dict[str, Any] = {
        "passes": chance.choice([1, 1, 2]),
        "chunk": chance.choice([64 * KIB, 128 * KIB, MIB]),
        "threads": chance.choice([1, 2, 4]),
        "checkpoint": chance.choice([0, 0.05, 30]),
        "sample": chance.random() < 0.2,
    }
    options["zero"] = not options["sample"] and chance.random() < 0.2
    rate = chance.choice([0, 4 * MIB, 16 * MIB])
    host.start(name, drive, rate_limit=rate, **options)
    for _ in range(chance.randrange(4)):
        what = chance.choice(["kill", "pause", "limit"])
        if what == "kill":
            kill_after(host, chance.randrange(size))
            wait_for(lambda: not host.pids(), 30, "the process is gone")
            if host.start(name, drive, **options)["outcome"] == "finished":
                break
        elif what == "pause":
            reason = {"by": "test", "reason": "paused by test", "since": "2026-01-01T00:00:00Z"}
            host.wish(name, pause=reason)
            host.wish(name, pause=None)
        else:
            host.wish(name, rate_limit=chance.choice([8 * MIB, 32 * MIB]))
    host.wish(name, rate_limit=0, pause=None)
    verdict = host.verdict(name)
    told = (options, verdict, host.detail(name)["events"])
    assert verdict["verdict"] == "passed", told
    assert (verdict["error_count"], verdict["errors"], verdict["reasons"]) == (0, [], []), told
    whole = verdict["sample"]["bytes"] if options["sample"] else size
    assert verdict["bytes_written"] == verdict["bytes_verified"] == whole * options["passes"], told
    assert verdict["bytes_zeroed"] == (size if options["zero"] else 0), told
    assert host.detail(name)["errors"] == [], told
    drive.unlink()
    return verdict
