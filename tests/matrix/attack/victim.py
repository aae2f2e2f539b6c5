"""A drive that is attacked: what it is, what its run would be, how it is brought back to new."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from agent import guard, start
from agent.identity import identify
from agent.pattern import Pattern
from agent.state import new
from tests import needs

MIB = 1 << 20
SIZE = 4 * MIB
CHUNK = MIB
RUN = "r1"


class Victim:
    """`stack` holds what an attack has to undo; `monkeypatch` is the test's."""

    kind = ""
    path = ""
    serial: str | None = None

    def begin(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.monkeypatch = folder, monkeypatch
        self.stack = contextlib.ExitStack()
        self.root = folder / "root"
        self.moving = 0  # so many bytes at its start are written by the attack, again and again
        self.still = SIZE  # so many bytes at its start nobody else writes: swap is written by Linux
        self.others: list[Path] = []  # media that must stay as they are, too
        (folder / "memory").mkdir()
        monkeypatch.setenv("BURNIN_MEMORY_DIR", str(folder / "memory"))
        self.fill(bytes(SIZE))

    def end(self) -> None:
        self.stack.close()
        self.monkeypatch.undo()

    # --- the medium ---------------------------------------------------------------------------
    def fill(self, content: bytes) -> None:
        self.put(0, content)

    def put(self, offset: int, data: bytes) -> None:
        """By the host's own path, whatever /proc and /sys were made to say."""
        descriptor = os.open(self.medium, os.O_WRONLY)
        try:
            os.pwrite(descriptor, data, offset)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    @property
    def medium(self) -> str:
        """Where its bytes are, whatever becomes of its name."""
        return self.path

    def content(self) -> bytes:
        """Of the medium, and of the others."""
        media = [Path(self.medium), *self.others]
        return b"".join(path.read_bytes() for path in media)[self.moving :][
            : self.still + SIZE * len(self.others)
        ]

    # --- what is asked of the agent -----------------------------------------------------------
    def judge(self, *released: str) -> guard.Judgement:
        return guard.judge(self.path, self.serial, SIZE, str(self.folder), released=released)

    def request(
        self, restore: dict[str, Any] | None = None, released: tuple[str, ...] = ()
    ) -> start.Request:
        return start.Request(
            state_dir=str(self.root / "runs" / RUN),
            device=self.path,
            serial=self.serial,
            size_bytes=SIZE,
            passes=2,
            rate_limit=None,
            max_bad_sectors=None,
            chunk_bytes=CHUNK,
            threads=2,
            checkpoint_seconds=None,
            restore=restore,
            released=released,
        )

    def interrupted(self, phase: str, pass_number: int) -> dict[str, Any]:
        """HEAD of a run whose process is gone; its first pass lies on the medium."""
        io = {"direct": True, "how": "O_DIRECT", "threads": 2, "chunk_bytes": CHUNK}
        state = new(RUN, "boot", identify(self.path).head(), 2, io)
        state.phase, state.pass_number = phase, pass_number
        state.position = state.checkpoint = SIZE if phase == "verify" else 0
        self.fill(bytes(Pattern(state.pattern_run, 1, CHUNK).expected(0, SIZE)))
        return state.head(alive=False)


class FileVictim(Victim):
    kind = "file"
    serial = "SERIAL-1"

    def __init__(self, media: Path) -> None:
        media.mkdir()
        self.media = media
        self.path = str(media / "da0")
        self._medium = self.path
        Path(self.path).write_bytes(bytes(SIZE))
        self.declare()

    def begin(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("BURNIN_MEDIA", str(self.media))
        super().begin(folder, monkeypatch)

    def declare(self, name: str = "da0", **changes: Any) -> None:
        told = {"name": name, "serial": self.serial, "model": "TEST", "use": [], **changes}
        self.sidecar(name).write_text(json.dumps(told))

    def sidecar(self, name: str = "da0") -> Path:
        return self.media / f"{name}.drive.json"

    def another(self, name: str, content: bytes, **declared: Any) -> Path:
        """One more file-backed drive of this host."""
        path = self.media / name
        path.write_bytes(content)
        self.declare(name, **declared)
        self.others.append(path)
        return path

    def rename(self, name: str) -> None:
        os.rename(self.path, self.media / name)
        self._medium = str(self.media / name)

    @property
    def medium(self) -> str:
        return self._medium


class LoopVictim(Victim):
    kind = "loop"

    def __init__(self, folder: Path) -> None:
        self.backing = folder / "backing"
        self.backing.write_bytes(bytes(SIZE))
        command = [needs.need("loop"), "--find", "--show", "--partscan", str(self.backing)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        self.path = done.stdout.strip()

    @property
    def name(self) -> str:
        return os.path.basename(self.path)

    def detach(self) -> None:
        subprocess.run([needs.need("loop"), "-d", self.path], check=True)
