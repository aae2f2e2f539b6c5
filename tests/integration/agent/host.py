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

from tests.integration.agent import schema
from tests.waiting import wait_for

MIB = 1 << 20
TIME_LIMIT = 60


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
        """`surface start` or `run`; expectations are right unless given. rate_limit=5 → --rate-limit=5"""
        known: dict[str, object] = {"expect_serial": "", "expect_size": size_of(device)}
        if Path(device).parent == self.media:
            known["expect_serial"] = f"SERIAL-{Path(device).name}"
        argv = ["surface", action, "--state", str(self.state_dir(run_id)), "--device", str(device)]
        for name, value in {**known, **options}.items():
            if value is not None:
                argv.append(f"--{name.replace('_', '-')}={value}")
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

        def over() -> dict[str, Any] | None:
            head = self.head(run_id)
            assert head["alive"] or head["verdict"], f"the run is gone: {head}"
            return head["verdict"] if not head["alive"] else None

        verdict: dict[str, Any] = wait_for(over, TIME_LIMIT, f"a verdict of {run_id}")
        return verdict

    def until(self, run_id: str, what: str, **wanted: Any) -> dict[str, Any]:
        """Wait until HEAD has these values."""

        def found() -> dict[str, Any] | None:
            head = self.head(run_id)
            return head if all(head[key] == value for key, value in wanted.items()) else None

        head: dict[str, Any] = wait_for(found, TIME_LIMIT, what)
        return head

    def paused_in(self, run_id: str, device: Path, phase: str, pass_number: int) -> dict[str, Any]:
        """Start a slow run and pause it in this phase, with its last bytes still to come.

        Nothing moves afterwards: the position stands.
        """
        self.start(run_id, device, rate_limit=8 * MIB, chunk=64 * 1024, checkpoint=0.1)
        self.until(run_id, f"{phase} {pass_number}", **{"phase": phase, "pass": pass_number})
        self.surface("pause", run_id)
        return self.standing(run_id)

    def standing(self, run_id: str) -> dict[str, Any]:
        """Wait until a paused run stands still: what was in flight has landed."""
        seen: list[Any] = []

        def still() -> dict[str, Any] | None:
            head = self.head(run_id)
            seen.append((head["position_bytes"], head["updated_at"]) if head["paused"] else None)
            same = [one for one in seen if one and one[0] == head["position_bytes"]]
            return head if head["paused"] and len(set(same)) >= 3 else None

        head: dict[str, Any] = wait_for(still, TIME_LIMIT, "the run stands still")
        return head

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
