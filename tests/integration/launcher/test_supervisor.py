"""The supervisor: it restarts the dead, and leaves nothing behind.

Each launcher here is a process of its own, since it takes over the signals.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from launcher import record
from launcher.environment import ROOT
from tests.waiting import wait_for

LAUNCHER = """
import sys, time
from pathlib import Path
from launcher.errors import Trouble
from launcher.supervisor import Supervisor

say = lambda line: print(line, flush=True)
folder, *programs = sys.argv[1:]
try:
    with Supervisor(Path(folder), say) as supervisor:
        for program in programs:
            supervisor.start(program.split()[0], program.split(), {"PATH": "/usr/bin:/bin"})
        say("started")
        while True:
            supervisor.tend()
            time.sleep(0.02)
except Trouble as trouble:
    say(f"trouble: {trouble}")
except KeyboardInterrupt:
    say("stopped")
"""


class Launcher:
    """A launcher on a folder, with programs that are each a command."""

    def __init__(self, folder: Path, *programs: str) -> None:
        self.folder = folder
        self.output = folder / f"output-{len(list(folder.glob('output-*')))}"
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-c", LAUNCHER, str(folder), *programs],
                cwd=ROOT,
                stdout=output,
                stderr=output,
            )

    def said(self) -> str:
        return self.output.read_text()

    def wait_until(self, words: str) -> None:
        wait_for(lambda: words in self.said(), 20, f"it says {words!r}; it said: {self.said()}")

    def end(self) -> None:
        self.process.send_signal(signal.SIGINT)
        self.process.wait(30)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    for row in record.read(tmp_path):
        with contextlib.suppress(ProcessLookupError):
            os.kill(row["pid"], signal.SIGKILL)


def pids(folder: Path) -> dict[str, int]:
    return {row["name"]: row["pid"] for row in record.read(folder)}


def test_a_killed_child_is_started_again(folder: Path) -> None:
    launcher = Launcher(folder, "sleep 1000")
    launcher.wait_until("started")
    first = pids(folder)["sleep"]
    os.kill(first, signal.SIGKILL)
    second = wait_for(
        lambda: pids(folder).get("sleep") not in (None, first) and pids(folder)["sleep"],
        20,
        "it runs again",
    )
    assert "sleep ended (killed by signal 9); starting it again" in launcher.said()
    launcher.end()
    assert record.born(second) is None


def test_one_that_dies_again_and_again_waits_longer_each_time(folder: Path) -> None:
    launcher = Launcher(folder, "false")
    for delay in ("0.5 s", "1 s", "2 s"):
        launcher.wait_until(f"false ended (exit status 1); starting it again in {delay}")
    launcher.end()


def test_ctrl_c_ends_all_children(folder: Path) -> None:
    launcher = Launcher(folder, "sleep 1000", "tail -f /dev/null")
    launcher.wait_until("started")
    running = pids(folder)
    assert set(running) == {"sleep", "tail"}
    launcher.end()
    assert launcher.said().endswith("stopped\n")
    assert [record.born(pid) for pid in running.values()] == [None, None]
    assert pids(folder) == {}


def test_the_orphans_of_a_killed_launcher_are_ended_by_the_next(folder: Path) -> None:
    first = Launcher(folder, "sleep 1000")
    first.wait_until("started")
    orphan = pids(folder)["sleep"]
    first.process.kill()
    first.process.wait()
    assert record.born(orphan), "a kill -9 of the launcher doesn't reach its children"
    second = Launcher(folder, "sleep 1000")
    second.wait_until("started")
    assert f"ending sleep, left by a killed launcher (process {orphan})" in second.said()
    assert record.born(orphan) is None
    second.end()


def test_a_process_that_only_has_the_same_id_is_left_alone(folder: Path) -> None:
    with subprocess.Popen(["sleep", "1000"]) as stranger:
        record.write(folder, {"web": stranger.pid})
        file = folder / "children.json"
        file.write_text(file.read_text().replace(str(record.born(stranger.pid)), "1"))
        record.end_orphans(folder, print)
        assert stranger.poll() is None
        stranger.kill()


def test_two_launchers_never_share_a_folder(folder: Path) -> None:
    first = Launcher(folder, "sleep 1000")
    first.wait_until("started")
    second = Launcher(folder, "sleep 1000")
    second.wait_until("trouble: It runs already")
    second.process.wait(20)
    first.end()
