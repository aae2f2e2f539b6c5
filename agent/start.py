"""Starts a run, or finds it running, finished, or to be resumed; in the foreground or detached from
everything.

The lock of a run is taken by the command and inherited by the detached process: between the two
there is no instant at which a second start could slip in, and whoever holds the lock is the run.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from . import fences, files
from .device import Medium
from .engine import Engine
from .explained import Own
from .files import Garbled
from .folder import Folder
from .host import IN_MEMORY, boot_id, file_system
from .opening import Refused, opened
from .resume import resume_place
from .state import Limits, State, new, parse

ANSWER_SECONDS = 50


@dataclass(frozen=True)
class Request:
    """What a start asks for. `serial` None: the drive has none. `restore`: a HEAD that somebody
    kept, or None. `sample`, `zero`: of a new run; one that exists goes on as it
    was begun. `limits`: of its temperature; those of before where all are None.
    """

    state_dir: str
    device: str
    serial: str | None
    size_bytes: int
    passes: int | None
    rate_limit: int | None
    max_bad_sectors: int | None
    chunk_bytes: int
    threads: int
    checkpoint_seconds: float | None
    restore: dict[str, Any] | None
    released: tuple[str, ...] = ()
    sample: bool = False
    zero: bool = False
    limits: Limits = Limits()


@dataclass(frozen=True)
class Outcome:
    """started, running, finished or refused; `reasons` and `run` as in the protocol."""

    outcome: str
    reasons: list[dict[str, Any]]
    run: dict[str, Any] | None


def start(request: Request) -> Outcome:
    """Detached: returns as soon as the run has stored its first state, or why it can't."""
    return _locked(request, lambda folder, lock: _detach(request, folder, lock))


def run(request: Request, tell: Callable[[State], None]) -> tuple[Outcome, dict[str, Any] | None]:
    """In the foreground: to the verdict. (outcome, verdict or None when it was asked to leave)"""
    verdict: list[dict[str, Any] | None] = [None]

    def here(folder: Folder, lock: int) -> Outcome:
        engine = _prepare(request, folder, tell)
        verdict[0] = engine.run()
        return Outcome("started", [], engine.state.head(alive=False))

    outcome = _locked(request, here)
    if outcome.outcome == "finished" and outcome.run:
        verdict[0] = outcome.run["verdict"]
    return outcome, verdict[0]


def _locked(request: Request, go: Callable[[Folder, int], Outcome]) -> Outcome:
    """1. Only one of all starts goes on. 2. A run that has its verdict is over. 3. Go, or say why
    not.
    """
    folder = Folder(request.state_dir)
    folder.make()
    lock = files.lock(folder.lock)
    if lock is None:
        return Outcome("running", [], _head_of_the_other(folder))
    try:
        try:
            state = folder.load()
        except Garbled:
            state = None
        if state is not None and state.verdict is not None:
            return Outcome("finished", [], state.head(alive=False))
        _refuse_fenced(folder)
        if state is None:  # one that was begun there goes on
            for place in (folder.root, os.path.dirname(folder.path), folder.path):
                if told := files.untrusted(place):
                    raise OSError(f"no run begins there: {told}")
        return go(folder, lock)
    except Refused as refused:
        return Outcome("refused", refused.reasons, state.head(alive=False) if state else None)
    finally:
        os.close(lock)
        folder.remove_if_empty()


def _refuse_fenced(folder: Folder) -> None:
    """Raises Refused."""
    fenced = fences.told(folder.root, folder.run_id)
    if fenced:
        raise Refused([_reason("run", "in_use", fenced)])


def _head_of_the_other(folder: Folder) -> dict[str, Any] | None:
    """HEAD of the process that holds the lock; it may be about to store its first one."""
    end = time.monotonic() + 15
    while time.monotonic() < end:
        try:
            head = folder.head()
        except Garbled:
            head = None
        if head is not None:
            return head
        if not folder.is_alive():
            break
        time.sleep(0.05)
    return None


def _prepare(
    request: Request, folder: Folder, tell: Callable[[State], None] | None = None
) -> Engine:
    """Everything that has to be right before the first byte is written. Raises Refused, OSError.

    1. What is known of this run? 2. No other run of this drive. 3. The guard, with the drive open.
    4. The same drive as before. 5. The state is on the disk.
    """
    folder.forget_progress()  # what a former process told is not certain
    state = _known(request, folder)
    key = {"serial": request.serial or None, "path": request.device}
    drive_lock = files.lock(folder.drive_lock(key))
    if drive_lock is None:
        raise Refused([_reason("run", "in_use", "another burn-in writes this drive")])
    try:
        own = Own(folder.released_samples() if state else {}, state)
        released = [*(state.released if state else []), *request.released]
        medium = opened(
            request.device, request.serial, request.size_bytes, folder.path, own, released
        )
    except BaseException:
        os.close(drive_lock)
        raise
    try:
        _refuse_fenced(folder)  # the guard may have taken a minute
        return _taken_up(request, folder, state, own, medium, released, tell)
    except BaseException:
        medium.close()
        os.close(drive_lock)
        raise


def _taken_up(
    request: Request,
    folder: Folder,
    state: State | None,
    own: Own,
    medium: Medium,
    released: list[str],
    tell: Callable[[State], None] | None,
) -> Engine:
    """Steps 4 and 5."""
    identity = medium.drive.head()
    io = {
        "direct": medium.direct,
        "how": medium.how,
        "threads": request.threads,
        "chunk_bytes": request.chunk_bytes,
    }
    resumed = state is not None
    if state is None:
        passes = request.passes or (1 if request.sample else 2)
        state = new(folder.run_id, boot_id(), identity, passes, io, request.sample, request.zero)
    else:
        known = state.identity
        if (known["serial"], known["model"], known["size_bytes"]) != (
            identity["serial"],
            identity["model"],
            identity["size_bytes"],
        ):
            raise Refused([_reason("identity", "unknown", "the run was begun on another drive")])
        state.identity = identity
        state.io = {**io, "chunk_bytes": state.io["chunk_bytes"]}
        state.resumed += 1
    own.state = state
    if own.samples:
        folder.save_released_samples(own.samples)
    state.released = list(dict.fromkeys(released))
    if request.rate_limit is not None:
        state.rate_limit = request.rate_limit
    if request.max_bad_sectors is not None:
        state.max_bad_sectors = request.max_bad_sectors
    if request.checkpoint_seconds is not None:
        state.checkpoint_seconds = request.checkpoint_seconds
    if request.limits != Limits():
        state.limits = request.limits
    kind = file_system(folder.root)
    if kind in IN_MEMORY:
        state.warn(f"the state lies in memory ({kind}): it is lost at a reboot")
    for warning in medium.warnings:
        state.warn(warning)
    engine = Engine(folder, state, medium, own, tell)
    event, detail = resume_place(state, medium, own) if resumed else ("started", medium.how)
    state.stopping, state.stall, state.rate = False, None, None
    engine.begin(event, detail)
    return engine


def _known(request: Request, folder: Folder) -> State | None:
    """The run as stored here; else the copy that came along; None for a new run. Raises Refused."""
    trouble = ""
    try:
        state = folder.load()
    except Garbled as error:
        state, trouble = None, str(error)
    if state is not None:
        return state
    if request.restore is not None:
        try:
            state = parse(request.restore)
        except Garbled as error:
            raise Refused(
                [_reason("state", "unknown", f"the copy of the state: {error}")]
            ) from error
        if state.run_id != folder.run_id:
            raise Refused([_reason("state", "unknown", "the copy is of another run")])
        # What somebody saw may be ahead of what lay on the medium, never its checkpoint.
        state.position = state.checkpoint
        if state.paused is not None and state.paused.get("by") == "operator":
            folder.wish(pause=state.paused)
        return state
    if trouble:
        # Never begin anew where something was: the page decides, with its copy.
        raise Refused([_reason("state", "unknown", f"the state can't be read: {trouble}")])
    return None


def _reason(fact: str, state: str, reason: str) -> dict[str, Any]:
    return {"fact": fact, "state": state, "reason": reason}


# --- detached ---------------------------------------------------------------------------------
def _detach(request: Request, folder: Folder, lock: int) -> Outcome:
    """The run in a process that nothing of this login's end can reach; its first answer comes by a
    pipe.
    """
    reader, writer = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child == 0:
        os.close(reader)
        try:
            os.setsid()
            if os.fork() == 0:
                _run_detached(request, folder, lock, writer)
        finally:
            os._exit(0)
    os.close(writer)
    os.waitpid(child, 0)
    answer = _read_answer(reader)
    if answer is None:
        if not folder.is_alive():
            raise OSError("the run ended before it had begun")
        return Outcome("running", [], _head_of_the_other(folder))
    if "failed" in answer:
        raise OSError(answer["failed"])
    if answer["outcome"] == "refused":
        head = answer["run"]
        return Outcome("refused", answer["reasons"], head)
    return Outcome(answer["outcome"], [], answer["run"])


def _run_detached(request: Request, folder: Folder, lock: int, writer: int) -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    _close_all_but({lock, writer})
    os.chdir("/")
    os.umask(0o077)
    scope = _leave_login_scope(folder.run_id)
    try:
        engine = _prepare(request, folder)
        if scope:
            engine.note("systemd", scope)
    except Refused as refused:
        _answer(writer, {"outcome": "refused", "reasons": refused.reasons, "run": _stored(folder)})
        return
    except Exception as error:
        _answer(writer, {"failed": f"the run can't begin: {error}"})
        return
    _answer(writer, {"outcome": "started", "run": engine.state.head(alive=True)})
    engine.run()


def _stored(folder: Folder) -> dict[str, Any] | None:
    try:
        state = folder.load()
    except (Garbled, OSError):
        return None
    return state.head(alive=False) if state else None


def _answer(writer: int, content: dict[str, Any]) -> None:
    try:
        data = memoryview(json.dumps(content).encode())
        while data:
            data = data[os.write(writer, data) :]
        os.close(writer)
    except OSError:
        return  # the caller is gone; the run goes on


def _read_answer(reader: int) -> dict[str, Any] | None:
    """None when nothing came in time, or the process died first."""
    data, end = b"", time.monotonic() + ANSWER_SECONDS
    try:
        while time.monotonic() < end:
            if not select.select([reader], [], [], 1)[0]:
                continue
            piece = os.read(reader, 65536)
            if not piece:
                break
            data += piece
    finally:
        os.close(reader)
    try:
        answer: dict[str, Any] = json.loads(data)
        return answer
    except ValueError:
        return None


def _close_all_but(kept: set[int]) -> None:
    """An open descriptor of the login's would keep the SSH call hanging."""
    null = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    first = 3
    for descriptor in sorted(kept):
        os.closerange(first, descriptor)
        first = descriptor + 1
    os.closerange(first, min(os.sysconf("SC_OPEN_MAX"), 65536))


def _leave_login_scope(run_id: str) -> str:
    """Under systemd, ask for a scope of our own, so that the end of the login doesn't take us
    along.
    """
    busctl = shutil.which("busctl")
    if busctl is None or not os.path.isdir("/run/systemd/system") or os.geteuid() != 0:
        return ""
    manager = ("org.freedesktop.systemd1", "/org/freedesktop/systemd1")
    unit = f"burnin-{run_id}-{os.getpid()}.scope"
    command = [busctl, "call", *manager, "org.freedesktop.systemd1.Manager", "StartTransientUnit"]
    command += ["ssa(sv)a(sa(sv))", unit, "fail", "2", "PIDs", "au", "1", str(os.getpid())]
    command += ["Slice", "s", "system.slice", "0"]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=10)
    except (OSError, subprocess.SubprocessError) as error:
        return f"no scope of its own: {error}"
    return unit if done.returncode == 0 else "no scope of its own: systemd refused"
