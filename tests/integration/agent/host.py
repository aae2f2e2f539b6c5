"""A host with the agent on it: its zipapp, its file-backed drives, its runs. Each answer is held to
the schema; whatever still runs at the end of the test is killed."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from agent.folder import Folder
from agent.signatures import sample_places
from tests.integration.agent import schema
from tests.waiting import wait_for

MIB = 1 << 20
TIME_LIMIT = 60
#: Bytes per second: slow enough to be caught near the beginning of a phase of 16 MiB.
PACE = 20 * MIB
#: Two of the places where the guard looks between the ends of a drive of 16 MiB.
SAMPLED = [at for at in sorted(sample_places(16 * MIB)) if at > 9 * MIB][::16][:2]


class Host:
    """`drives` made here are files in BURNIN_MEDIA; any other device is named by its path."""

    def __init__(self, folder: Path, zipapp: Path) -> None:
        self.zipapp = zipapp
        self.media = folder / "media"
        self.root = folder / "root"
        self.memory = folder / "memory"
        for made in (self.media, self.memory):
            made.mkdir(parents=True)
        self.env = {
            **os.environ,
            "BURNIN_MEDIA": str(self.media),
            "BURNIN_MEMORY_DIR": str(self.memory),
            "BURNIN_TXG_SECONDS": "0.2",
        }

    # --- drives -------------------------------------------------------------------------------
    def drive(
        self, name: str, size: int = 16 * MIB, serial: str | None = "", **declared: Any
    ) -> Path:
        """A file-backed drive; its serial is SERIAL-<name> unless given."""
        path = self.media / name
        with path.open("xb") as file:
            file.truncate(size)
        told = {
            "name": name,
            "serial": f"SERIAL-{name}" if serial == "" else serial,
            "lunid": None,
            "model": "TEST",
            "rotational": True,
            "use": [],
            **declared,
        }
        self.declare(path, told)
        return path

    def declare(self, path: Path, told: Any) -> None:
        """Write the drive's .drive.json, whatever it is."""
        text = told if isinstance(told, str) else json.dumps(told)
        path.with_name(path.name + ".drive.json").write_text(text)

    # --- the agent ----------------------------------------------------------------------------
    def command(self, *argv: object) -> list[str]:
        return [sys.executable, "-I", "-B", str(self.zipapp), *map(str, argv)]

    def call(self, *argv: object, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        """As over SSH: it returns when stdout and stderr are closed."""
        return subprocess.run(
            self.command(*argv), input=stdin, capture_output=True, timeout=TIME_LIMIT, env=self.env
        )

    def ask(self, *argv: object, stdin: bytes = b"") -> dict[str, Any]:
        """The answer, valid by the schema."""
        done = self.call(*argv, stdin=stdin)
        try:
            answer: dict[str, Any] = json.loads(done.stdout)
        except ValueError:
            raise AssertionError(f"no answer: {done.stdout!r} {done.stderr!r}") from None
        schema.check(answer)
        return answer

    def run_argv(
        self, action: str, run_id: str, device: Path | str, **options: object
    ) -> list[str]:
        """`surface start` or `run`; `rate_limit=5` is --rate-limit=5. What is expected of the drive
        is right unless given."""
        known: dict[str, object] = {"expect_serial": "", "chunk": MIB}
        if "expect_size" not in options:
            known["expect_size"] = size_of(device)
        if Path(device).parent == self.media:
            known["expect_serial"] = f"SERIAL-{Path(device).name}"
        argv = ["surface", action, "--state", str(self.state_dir(run_id)), "--device", str(device)]
        for name, value in {**known, **options}.items():
            option = f"--{name.replace('_', '-')}"
            if value is True:
                argv.append(option)
            elif value is not None and value is not False:
                argv.append(f"{option}={value}")
        return argv

    def start(
        self,
        run_id: str,
        device: Path | str,
        restore: dict[str, Any] | None = None,
        **options: object,
    ) -> dict[str, Any]:
        argv = self.run_argv("start", run_id, device, **options)
        if restore is None:
            return self.ask(*argv)
        return self.ask(*argv, "--restore", stdin=json.dumps(restore).encode())

    def burn(self, run_id: str, device: Path | str, **options: object) -> dict[str, Any]:
        """Run it in the foreground, to the verdict line."""
        done = self.call(*self.run_argv("run", run_id, device, **options))
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        for line in lines:
            schema.check(line)
        verdict: dict[str, Any] = lines[-1]
        assert verdict["answer"] == "verdict", (verdict, done.stderr)
        expected = {"passed": 0, "failed": 1}.get(verdict["verdict"], 2)
        assert done.returncode == expected, done.stderr
        return verdict

    def state_dir(self, run_id: str) -> Path:
        return self.root / "runs" / run_id

    def surface(self, action: str, run_id: str, *more: object) -> dict[str, Any]:
        """`surface ACTION` for a run; its HEAD."""
        answer = self.ask("surface", action, "--state", self.state_dir(run_id), *more)
        assert answer["answer"] == "run", answer
        head: dict[str, Any] = answer["run"]
        return head

    def head(self, run_id: str) -> dict[str, Any]:
        return self.surface("status", run_id)

    def detail(self, run_id: str) -> dict[str, Any]:
        answer = self.ask("surface", "detail", "--state", self.state_dir(run_id))
        detail: dict[str, Any] = answer["detail"]
        return detail

    def verdict(self, run_id: str) -> dict[str, Any]:
        """Wait for it."""

        def over() -> bool:
            head = self.peek(run_id)
            assert head["alive"] or head["verdict"], f"the run is gone: {head}"
            return not head["alive"]

        wait_for(over, TIME_LIMIT, f"a verdict of {run_id}")
        verdict: dict[str, Any] = self.head(run_id)["verdict"]
        return verdict

    def peek(self, run_id: str) -> dict[str, Any]:
        """HEAD as `surface status` gives it, without a process for each look."""
        os.environ["BURNIN_MEMORY_DIR"] = str(self.memory)
        try:
            head = Folder(str(self.state_dir(run_id))).head()
        finally:
            del os.environ["BURNIN_MEMORY_DIR"]
        assert head is not None, f"no run {run_id}"
        return head

    def until(self, run_id: str, what: str, **wanted: Any) -> dict[str, Any]:
        """Wait until HEAD has these values."""

        def found() -> dict[str, Any] | None:
            head = self.peek(run_id)
            return head if all(head[key] == value for key, value in wanted.items()) else None

        head: dict[str, Any] = wait_for(found, TIME_LIMIT, what)
        return head

    def paused_in(self, run_id: str, device: Path, phase: str, pass_number: int) -> dict[str, Any]:
        """Start a run and pause it near the beginning of this phase. Nothing moves afterwards."""
        self.start(run_id, device, rate_limit=PACE, chunk=64 * 1024, checkpoint=0.1)
        return self.pause_in(run_id, phase, pass_number)

    def pause_in(self, run_id: str, phase: str, pass_number: int) -> dict[str, Any]:
        self.until(run_id, f"{phase} {pass_number}", **{"phase": phase, "pass": pass_number})
        pause = {"by": "test", "reason": "paused by test", "since": "2026-01-01T00:00:00Z"}
        self.wish(run_id, pause=pause)
        return self.standing(run_id)

    def wish(self, run_id: str, **changes: Any) -> None:
        """What the commands pause, resume and limit do, without a process that takes its time."""
        Folder(str(self.state_dir(run_id))).wish(**changes)

    def standing(self, run_id: str) -> dict[str, Any]:
        """Wait until a run that was asked to pause stands still: what was in flight has landed."""
        (pid,) = self.pids()
        seen: list[int] = []

        def still() -> bool:
            if not self.peek(run_id)["paused"]:
                return False
            seen.append(moved_bytes(pid)[0])
            # Longer than a tick of the agent: then it has told where it stands, too.
            return len(seen) > 8 and len(set(seen[-8:])) == 1

        wait_for(still, TIME_LIMIT, "the run stands still")
        return self.head(run_id)

    def go_on(self, run_id: str) -> None:
        """At full speed."""
        self.surface("limit", run_id, "--rate=0")
        self.surface("resume", run_id)

    # --- its processes ------------------------------------------------------------------------
    def pids(self) -> list[int]:
        """Of the agents that run on this host now; known by their memory folder."""
        mine = f"BURNIN_MEMORY_DIR={self.memory}".encode()
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                environ = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
                line = Path(f"/proc/{pid}/cmdline").read_bytes()
            except OSError:
                continue
            if mine in environ and str(self.zipapp).encode() in line:
                found.append(int(pid))
        return found

    def kill9(self) -> None:
        """As the host's power loss does it to the processes: all at once, without a word."""
        for pid in self.pids():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        wait_for(lambda: not self.pids(), 10, "killed agents are gone")


def moved_bytes(pid: int) -> tuple[int, int]:
    """(read, written) by a process so far, files and media together; huge when it is gone."""
    try:
        lines = Path(f"/proc/{pid}/io").read_text().splitlines()
    except OSError:
        return 1 << 60, 1 << 60
    if len(lines) < 2:
        return 1 << 60, 1 << 60
    return int(lines[0].split()[1]), int(lines[1].split()[1])


def size_of(device: Path | str) -> int:
    with open(device, "rb") as file:
        return file.seek(0, os.SEEK_END)


def digest(path: Path | str) -> str:
    """SHA-256 of a whole medium."""
    with open(path, "rb") as file:
        whole = hashlib.sha256()
        for piece in iter(lambda: file.read(MIB), b""):
            whole.update(piece)
        return whole.hexdigest()
