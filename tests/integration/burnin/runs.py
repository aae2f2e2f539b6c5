"""Surface runs of tests: their media, and their processes on the host."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from burnin.models import Job
from tests.nas import MockNas

from .conftest import Site

MIB = 1024 * 1024
#: For a run that is started again, once what was to be caught on its way has been.
FULL_SPEED_MBPS = 1000
Sites = Callable[[MockNas], Site]


def medium(nas: MockNas, serial: str) -> Path:
    """The file behind a file-backed drive."""
    assert nas.media is not None
    return next(
        description.with_name(description.name.removesuffix(".drive.json"))
        for description in nas.media.glob("*.drive.json")
        if serial in description.read_text()
    )


def digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def running_surface(site: Site, job: Job) -> Job:
    return site.until(
        job,
        lambda now: site.stage(now, "surface_validate").progress.get("bytes_written", 0) > 2 * MIB,
        "the surface run writes",
    )


def at_full_speed(site: Site, job: Job) -> Job:
    """The same for a run that goes on."""
    (agent,) = (site.nas.state_dir / "bin").glob("agent-*.pyz")
    folder = site.nas.state_dir / "runs" / site.stage(job, "surface_validate").run_id
    limit = ["surface", "limit", "--state", str(folder), "--rate=0"]
    subprocess.run(
        [sys.executable, "-I", "-B", str(agent), *limit], check=True, capture_output=True
    )
    return job


def agent_processes(site: Site) -> list[int]:
    """The processes of agents that work for this mock NAS."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if str(site.nas.state_dir).encode() in words and b"surface\0start" in words:
                found.append(int(entry.name))
    return found
