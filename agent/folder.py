"""The folder of a run: how it is stored, and what somebody asks of it.

`runs/<run_id>/state.json`, at most a few KB, says how far the run is *on the medium*. Where the run
is at this moment goes to memory only (`host.memory_dir`). `control.json` is what operators want;
only commands write it, only the run reads it. `detail.json` belongs to `errors` and `regions`,
`samples.json` to `explained`.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from typing import Any

from . import files
from .files import Garbled
from .host import memory_dir
from .state import State, parse

#: of state.json, whatever it has to tell.
MOST_BYTES = 4096


class Folder:
    """`runs/<run_id>` of one run, and its place in memory."""

    def __init__(self, path: str) -> None:
        self.path = os.path.abspath(path)
        self.run_id = os.path.basename(self.path)
        self.root = os.path.dirname(os.path.dirname(self.path))
        self.state, self.detail, self.control, self.samples, self.lock = (
            os.path.join(self.path, name)
            for name in ("state.json", "detail.json", "control.json", "samples.json", "lock")
        )
        memory = memory_dir()
        key = hashlib.sha256(self.path.encode()).hexdigest()[:12]
        self.memory = os.path.join(memory, f"{key}-{self.run_id}.json") if memory else None

    def make(self) -> None:
        """Make the folder and those above it. Raises OSError."""
        os.makedirs(self.path, mode=0o700, exist_ok=True)
        os.makedirs(os.path.join(self.root, "locks"), mode=0o700, exist_ok=True)

    def drive_lock(self, identity: dict[str, Any]) -> str:
        """The lock that only one run of a drive can hold: by serial, else by path."""
        name = identity["serial"] or identity["path"]
        plain = re.sub(r"[^A-Za-z0-9._-]", "_", name)[-60:]
        key = hashlib.sha256(name.encode()).hexdigest()[:12]
        return os.path.join(self.root, "locks", f"{plain}-{key}")

    def load(self) -> State | None:
        """As stored; None when there is nothing. Raises Garbled, OSError."""
        stored = files.read(self.state)
        if stored is None:
            return None
        state = parse(stored.get("head"), stored.get("settings"))
        if state.run_id != self.run_id:
            raise Garbled(f"{self.state} tells of the run {state.run_id!r}")
        return state

    def save(self, state: State) -> None:
        """Store what is certain: the run at its checkpoint. Raises OSError."""
        certain = state.at_checkpoint()
        content = {"head": certain.head(alive=False), "settings": state.settings()}
        files.write_whole(self.state, _fitted(content))

    def released_samples(self) -> dict[int, str]:
        """Of unknown data that was released, place → hash; empty where that can't be read, so that
        the data refuses.
        """
        try:
            kept = files.read(self.samples) or {}
            return {int(at): str(told) for at, told in kept.items()}
        except (Garbled, OSError, ValueError):
            return {}

    def save_released_samples(self, samples: dict[int, str]) -> None:
        """Before the first byte is written over one of them. Raises OSError."""
        files.write_whole(self.samples, {str(at): told for at, told in samples.items()})

    def save_progress(self, state: State) -> None:
        """Where the run is at this moment, in memory; nothing where there is no such place."""
        if self.memory:
            try:
                files.write_whole(self.memory, state.head(alive=True), durable=False)
            except OSError:
                return  # the next one, or the checkpoint, says it

    def is_alive(self) -> bool:
        return files.is_locked(self.lock)

    def head(self) -> dict[str, Any] | None:
        """HEAD now: the living process's, else the stored; None for no run. Raises Garbled."""
        alive = self.is_alive()
        if alive and self.memory:
            try:
                progress = files.read(self.memory)
                if progress is not None and parse(progress).run_id == self.run_id:
                    return {**progress, "alive": True}
            except (Garbled, OSError):
                pass
        state = self.load()
        if state is None:
            return None
        return state.head(alive)

    def forget_progress(self) -> None:
        """Take the progress out of memory: what is stored is newer."""
        if self.memory:
            try:
                os.unlink(self.memory)
            except OSError:
                return

    def wishes(self) -> dict[str, Any]:
        """Asked of the run: {pause: {by, reason, since}|null, stop: {by}|null, rate_limit}."""
        try:
            return files.read(self.control) or {}
        except (Garbled, OSError) as error:
            # It may have asked the run to hold still: so the run does, until somebody asks anew.
            return {"pause": {"reason": f"what was asked of the run can't be read: {error}"}}

    def wish(self, **changes: Any) -> None:
        """Ask something of the run; it looks several times a second. Raises OSError."""
        with files.alone(self.path):
            files.write_whole(self.control, {**self.wishes(), **changes})

    def remove_if_empty(self) -> None:
        """A start that was refused leaves nothing that looks like a run."""
        try:
            left = {os.path.join(self.path, name) for name in os.listdir(self.path)}
            if self.lock in left and left <= {self.lock, self.control}:
                with files.alone(self.path):
                    for path in left:
                        os.unlink(path)
                    os.rmdir(self.path)
        except OSError:
            return

    def remove(self) -> None:
        """Forget the run. Raises OSError."""
        self.forget_progress()
        shutil.rmtree(self.path)


def _fitted(content: dict[str, Any]) -> dict[str, Any]:
    """In MOST_BYTES: the last warnings go, then the last errors of the verdict, which are in the
    detail too.
    """
    head = content["head"]
    while len(files.encoded(content)) > MOST_BYTES:
        verdict = head["verdict"]
        if len(head["warnings"]) > 1:
            head["warnings"] = head["warnings"][:-1]
        elif verdict and len(verdict["errors"]) > 1:
            head["verdict"] = {**verdict, "errors": verdict["errors"][:-1]}
        else:
            break
    return content
