"""Writes every byte of a medium and reads every byte back: capacity probe, then write and verify
for each pass.

The main thread keeps the books (wishes, checkpoints, progress, watchdog) and is the only one that
touches the state; a few worker threads move chunks. A place counts as done when all before it are
done; a checkpoint claims it only after a flush, and only when each error before it is in
`detail.json`.
"""

from __future__ import annotations

import signal
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable
from typing import Any

from . import files, guard
from .clock import iso
from .closely import Closely, Vanished
from .device import Medium
from .errors import FAULTS_OF_OTHERS, Errors, Finding
from .identity import identify
from .opening import Refused, opened
from .pattern import Buffer, Pattern, Window
from .phase import Phase
from .places import probed
from .regions import Regions
from .state import Folder, State, verdict_of

TICK_SECONDS = 0.1
PROGRESS_SECONDS = 1
DETAIL_SECONDS = 300
STALL_SECONDS = 20
PATIENCE_AFTER_STOP = 30
VANISHED_SECONDS = 3600
RETURN_SECONDS = 1
EVENTS = 500
OPENER_LOOKS_IN_A_RUN = 100  # half a minute: a smartctl that reads it is no reason to end a run
CAPACITY_CLASSES = {"misplaced", "constant", "stale"}


class Ended(Exception):
    """The run is over, with this verdict."""

    def __init__(self, verdict: str, *reasons: str) -> None:
        super().__init__(verdict)
        self.verdict, self.reasons = verdict, list(reasons)


class Left(Exception):
    """The process was asked to go; the run will be resumed."""


class Engine:
    """One run, in this process. `tell` is called now and then with the state, for a run in the
    foreground.
    """

    def __init__(
        self,
        folder: Folder,
        state: State,
        medium: Medium,
        tell: Callable[[State], None] | None = None,
    ) -> None:
        self.folder, self.state, self.medium = folder, state, medium
        self._tell = tell
        self._chunk = state.io["chunk_bytes"]
        self._threads = state.io["threads"]
        self.errors = Errors(state.identity["logical_sector_bytes"])
        self.regions = Regions(state.size)
        self.events: list[dict[str, str]] = []
        self._base_missing = (0, 0)
        self._patterns: dict[int, Pattern] = {}
        self._patterns_lock = threading.Lock()
        self._leaving = False
        self._stop_by: str | None = None
        self._state_trouble = ""
        self._rates: deque[tuple[float, int]] = deque()
        self._last = {"progress": 0.0, "checkpoint": time.monotonic(), "detail": time.monotonic()}
        self._told = -1
        self._phase: Phase | None = None
        self._control_seen: tuple[int, int] | None = (0, 0)

    # --- the course of a run ------------------------------------------------------------------
    def begin(self, event: str, detail: str = "") -> None:
        """Take up what is stored, and store that the run goes on from here. Raises OSError."""
        self._load_detail()
        self.state.first_error = self.state.first_error or self.errors.first
        self.note(event, detail)
        self._read_wishes()
        self._save_detail()
        self._save_state()
        self.folder.save_progress(self.state)

    def run(self) -> dict[str, Any] | None:
        """To the verdict; None when the process was asked to leave before."""
        state = self.state
        signal.signal(signal.SIGTERM, self._on_signal)
        signal.signal(signal.SIGINT, self._on_signal)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        try:
            self._phases()
            verdict, reasons = self._judge()
        except Ended as ended:
            verdict, reasons = ended.verdict, ended.reasons
            if verdict == "failed" and self.errors.sectors:
                reasons += self._error_reasons()
        except Left:
            self.note("left", "the process was asked to go; the run can be resumed")
            try:
                self._flush()
            except (Ended, Vanished):
                state.position = state.checkpoint
            self._keep_trying(self._finish_books)
            return None
        except Exception as error:  # whatever it is, the run must not end without a word
            last = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{last.filename.rsplit('/', 1)[-1]}:{last.lineno}"
            verdict, reasons = "inconclusive", [f"the agent failed: {error!r} at {where}"]
        self._close(verdict, reasons)
        return state.verdict

    def _phases(self) -> None:
        state = self.state
        while True:
            try:
                if state.phase == "probe":
                    self._probe_capacity()
                    self._enter(1, "write")
                self._work()
                if state.phase == "write":
                    self._enter(state.pass_number, "verify")
                elif state.pass_number < state.passes:
                    self._enter(state.pass_number + 1, "write")
                else:
                    return
            except Vanished as gone:
                self._wait_for_device(gone)

    def _enter(self, pass_number: int, phase: str) -> None:
        """The next phase, after another look at what is about to be written or read."""
        state = self.state
        if phase == "write":
            self._guard_again()
        elif not self.medium.same_as(_identify_or_none(self.medium.drive.path)):
            raise Vanished(0, "its path no longer leads to the same drive")
        state.pass_number, state.phase = pass_number, phase
        state.position = state.checkpoint = 0
        self._rates.clear()
        self.note("phase", f"pass {pass_number}: {phase}")
        self._keep_trying(self._finish_books)

    def _guard_again(self) -> None:
        drive, size = self.medium.drive, self.medium.size
        written = self.state.phase != "probe"
        judgement = guard.judge(
            drive.path,
            drive.serial,
            size,
            self.folder.path,
            written,
            OPENER_LOOKS_IN_A_RUN,
            self.state.released,
            begun=True,
        )
        if not self.medium.same_as(judgement.drive):
            raise Vanished(0, "its path no longer leads to the same drive")
        if not judgement.allowed:
            raise Ended("refused", *(reason["reason"] for reason in judgement.reasons))

    def _judge(self) -> tuple[str, list[str]]:
        """A pass is only what is proved: each byte of each pass written and verified, no error."""
        state = self.state
        if self.errors.sectors or state.bad_sectors:
            return "failed", self._error_reasons()
        whole = state.places.total * state.passes
        if state.bytes_written != whole or state.bytes_verified != whole:
            counted = f"{state.bytes_written} written and {state.bytes_verified} verified"
            return "inconclusive", [f"{counted} of {whole} bytes, without an error: not proved"]
        return "passed", []

    def _error_reasons(self) -> list[str]:
        told = [
            f"{error['class']} at LBA {error['lba']}, {error['length_bytes']} bytes,"
            f" pass {error['pass']} {error['phase']}"
            for error in self.errors.ranges[:5]
        ]
        count = self.errors.sectors
        return [f"{count} bad sector{'s' * (count != 1)}", *told]

    def _close(self, verdict: str, reasons: list[str]) -> None:
        """Store the verdict, however long it takes the state's disk to accept it."""
        state = self.state
        self._update_counts()
        state.paused = state.stall = None
        state.stopping = False
        state.verdict = verdict_of(state, verdict, reasons, self.errors.ranges)
        state.checkpoint = state.position
        self.note("verdict", f"{verdict}: {'; '.join(reasons)}" if reasons else verdict)
        state.updated_at = iso()
        self._keep_trying(self._store)
        self.folder.forget_progress()
        self.medium.close()

    # --- phases -------------------------------------------------------------------------------
    def _work(self) -> None:
        """The phase of the state, from its place to the end."""
        state = self.state
        pattern = self._pattern(state.pass_number)
        self._forget_patterns_before(state.pass_number)
        state.position = state.checkpoint = state.position // self._chunk * self._chunk
        ahead = state.places.offsets[state.places.index(state.position) :]
        phase = Phase(ahead, state.size, self._chunk)
        self._run_phase(phase, pattern, state.phase)
        self._flush()
        state.position = state.size
        self._keep_trying(self._finish_books)

    def _probe_capacity(self) -> None:
        """Is the medium as big as it says? Stamps far apart, all written, then all read."""
        places = probed(self.state.size, self._chunk, bytes.fromhex(self.state.seed))
        pattern = self._pattern(0)
        size = self.state.size
        self._run_phase(Phase(places, size, self._chunk), pattern, "probe", write=True)
        self._flush()
        self._run_phase(Phase(places, size, self._chunk), pattern, "probe", write=False)

    def _run_phase(
        self, phase: Phase, pattern: Pattern, name: str, write: bool | None = None
    ) -> None:
        """Let the workers do it and keep the books meanwhile."""
        self._phase = phase
        writes = name == "write" if write is None else write
        over = threading.Semaphore(0)

        def work() -> None:
            try:
                self._worker(phase, pattern, name, writes)
            except BaseException as error:
                phase.stop(error)
            finally:
                over.release()

        phase.set(self.state.paused is not None, self.state.rate_limit)
        count = min(self._threads, -(-self.state.size // self._chunk))
        for _ in range(count):
            threading.Thread(target=work, daemon=True).start()
        running = count
        give_up: float | None = None
        while running:
            if over.acquire(timeout=TICK_SECONDS):
                running -= 1
                continue
            try:
                self._tick(name)
            except Exception as trouble:  # the workers must be done before anything else happens
                phase.stop(trouble)
            if self._leaving or self._stop_by is not None:
                phase.stop()
                give_up = give_up or time.monotonic() + PATIENCE_AFTER_STOP
                if time.monotonic() > give_up:
                    self.state.warn("the device did not answer any more when the run ended")
                    break
        if name != "probe":
            self.state.position = phase.position
        self._phase = None
        self._update_counts()
        if phase.failure is not None:
            raise phase.failure
        if self._stop_by is not None:
            raise Ended("inconclusive", f"stopped: by {self._stop_by}")
        if self._leaving:
            raise Left

    def _worker(self, phase: Phase, pattern: Pattern, name: str, writes: bool) -> None:
        medium, window = self.medium, Window(pattern)
        buffer = None if writes else Buffer(self._chunk)
        closely = Closely(medium, pattern, self._pattern)
        while True:
            taken = phase.take()
            if taken is None:
                return
            number, offset, length = taken
            failed: OSError | None = None
            right = True
            view = window.set(offset, length)
            crowd = len(medium.in_flight) + 1
            began = time.monotonic()
            try:
                if buffer is None:
                    medium.write(view, offset)
                else:
                    medium.read(buffer.view[:length], offset)
            except OSError as error:
                failed = error
            took = time.monotonic() - began
            if buffer is not None and failed is None:
                right = window.holds(buffer, length)
            if failed is not None or not right:
                if buffer is None:
                    assert failed is not None
                    findings = closely.written(offset, length, failed, self._enough())
                else:
                    first = None if failed else bytes(buffer.view[:length])
                    skip = self.errors.unwritten(pattern.pass_number, offset, offset + length)
                    findings = closely.read(offset, length, first, failed, skip, self._enough())
                if self._found(phase, findings, name):
                    return  # the run ends here: this chunk is not done
            if name != "probe":
                self.regions.add(name, self.state.pass_number, offset, length, took, took / crowd)
            phase.done(number)

    def _enough(self) -> int:
        """How many more bad sectors it takes to know the answer."""
        return max(1, self.state.max_bad_sectors - self.errors.sectors)

    def _found(self, phase: Phase, findings: list[Finding], name: str) -> bool:
        """Keep them. Is the answer known with them?"""
        self.errors.add(findings, self.state.pass_number, name)
        others = [finding for finding in findings if finding.cls in FAULTS_OF_OTHERS]
        if others:
            lba = others[0].offset // self.state.identity["logical_sector_bytes"]
            phase.stop(
                Ended("inconclusive", f"somebody else wrote on it, LBA {lba}: {others[0].note}")
            )
            return True
        elsewhere = [finding for finding in findings if finding.cls in CAPACITY_CLASSES]
        if name == "probe" and elsewhere:
            what = f"is not where it was written: {elsewhere[0].cls}, {elsewhere[0].note}"
            phase.stop(Ended("failed", f"the capacity probe found data that {what}"))
            return True
        if self.errors.sectors >= self.state.max_bad_sectors:
            limit = f"{self.errors.sectors} bad sectors: the limit of this run is reached"
            phase.stop(Ended("failed", limit))
            return True
        return False

    # --- the books ----------------------------------------------------------------------------
    def note(self, event: str, detail: str = "") -> None:
        """One line in the run's diary."""
        self.events.append({"at": iso(), "event": event, "detail": detail[:500]})
        if len(self.events) > EVENTS:
            del self.events[1]  # how it began is worth keeping

    def _tick(self, name: str) -> None:
        now = time.monotonic()
        was_paused = self.state.paused is not None
        self._read_wishes()
        if self._phase is not None:
            if was_paused and self.state.paused is None:
                self._guard_again()  # much may have happened meanwhile
            self._phase.set(self.state.paused is not None, self.state.rate_limit)
            if name != "probe":
                self.state.position = self._phase.position
        self._watch(now)
        due = now - self._last["checkpoint"]
        if due >= self.state.checkpoint_seconds or (not self.errors.stored and due >= 2):
            self._checkpoint(name)
        landed = self.state.paused is not None and self.state.position != self._told
        if landed or now - self._last["progress"] >= PROGRESS_SECONDS:
            self._progress(now)

    def _progress(self, now: float) -> None:
        self._last["progress"] = now
        state = self.state
        self._update_counts()
        if state.paused is not None:
            self._rates.clear()
        self._rates.append((now, state.passed_bytes))
        while now - self._rates[0][0] > 15:
            self._rates.popleft()
        since, before = self._rates[0]
        moved = state.passed_bytes - before
        state.rate = int(moved / (now - since)) if now - since > 0.5 else None
        state.updated_at = iso()
        self._told = state.position
        self.folder.save_progress(state)
        if self._tell:
            self._tell(state)

    def _watch(self, now: float) -> None:
        """Say so when a chunk takes too long, even while its thread hangs in the kernel."""
        oldest = min(list(self.medium.in_flight.values()), key=lambda one: one[1], default=None)
        stalled = oldest is not None and now - oldest[1] > STALL_SECONDS
        if stalled and oldest is not None:
            if self.state.stall is None:
                self.note("stall", f"no answer at byte {oldest[0]} for {STALL_SECONDS} s")
            self.state.stall = {"offset_bytes": oldest[0], "seconds": round(now - oldest[1], 1)}
        elif self.state.stall is not None:
            self.note("stall over", f"after {self.state.stall['seconds']} s")
            self.state.stall = None

    def _checkpoint(self, name: str) -> None:
        """Claim what is certain. Where the state can't be stored, the run pauses and says so."""
        self._last["checkpoint"] = time.monotonic()
        try:
            if name == "write":
                position = self._phase.position if self._phase else self.state.position
                self._flush()
                self.state.position = position
            self._finish_books()
        except OSError as error:
            self._pause_for_state(error)
        else:
            self._state_is_stored()

    def _flush(self) -> None:
        try:
            self.medium.flush(self.state.position)
        except OSError as error:
            if not self.medium.alive():
                raise Vanished(error.errno, "the device is gone") from error
            raise Ended("failed", f"the device could not flush its cache: {error}") from error

    def _finish_books(self) -> None:
        """Detail first, so that the state passes no error that isn't stored. Raises OSError."""
        self.state.checkpoint = self.state.position
        self._update_counts()
        self.state.updated_at = iso()
        if not self.errors.stored or time.monotonic() - self._last["detail"] > DETAIL_SECONDS:
            self._save_detail()
        self._save_state()
        self._last["checkpoint"] = time.monotonic()
        self._last["progress"] = time.monotonic()
        self.folder.save_progress(self.state)
        if self._tell:
            self._tell(self.state)

    def _store(self) -> None:
        self._save_detail()
        self._save_state()
        if self._tell:
            self._tell(self.state)

    def _keep_trying(self, store: Callable[[], None]) -> None:
        """Between phases the state must be stored before anything goes on."""
        while True:
            try:
                store()
                self._state_is_stored()
                return
            except OSError as error:
                self._pause_for_state(error)
                if self._leaving:
                    return
                time.sleep(1)

    def _pause_for_state(self, error: OSError) -> None:
        if not self._state_trouble:
            self._state_trouble = f"the state can't be stored: {error.strerror or error}"
            self.note("paused", self._state_trouble)
        pause = {"by": "state", "reason": self._state_trouble, "since": iso()}
        self.state.paused = self.state.paused or pause
        self.folder.save_progress(self.state)
        # Try again soon.
        self._last["checkpoint"] = time.monotonic() - self.state.checkpoint_seconds + 1

    def _state_is_stored(self) -> None:
        if self._state_trouble:
            self.note("resumed", "the state can be stored again")
            self._state_trouble = ""
            self._control_seen = (0, 0)  # look again at what operators want

    def _save_state(self) -> None:
        self.folder.save(self.state)

    def _save_detail(self) -> None:
        self.errors.stored = True
        try:
            files.write_whole(self.folder.detail, self.detail())
        except OSError:
            self.errors.stored = False
            raise
        self._last["detail"] = time.monotonic()

    def detail(self) -> dict[str, Any]:
        """As the protocol has it."""
        return {
            "errors": self.errors.in_order(),
            "errors_beyond": self.errors.beyond,
            **self.regions.detail(),
            "events": list(self.events),
        }

    def _load_detail(self) -> None:
        """What an earlier process had found; the state's count wins over a lost file."""
        state = self.state
        try:
            detail = files.read(self.folder.detail) or {}
            kept = [dict(error) for error in detail.get("errors", [])]
            for error in kept:
                for key in ("offset_bytes", "length_bytes", "pass", "lba"):
                    error[key] = int(error[key])
                str(error["class"]), str(error["phase"])
            beyond = int(detail.get("errors_beyond", 0))
            events = [dict(event) for event in detail.get("events", [])]
            if detail:
                self.regions.load(detail)
        except (files.Garbled, OSError, KeyError, TypeError, ValueError, AttributeError) as error:
            state.warn(f"the detail of the run was lost: {error}")
            kept, beyond, events = [], 0, []
        self.errors.load(kept, beyond, max(state.bad_sectors, len(kept) + beyond))
        self.events = events
        written, verified = self.errors.missing(state.pass_number, state.phase, state.position)
        self._base_missing = (
            max(0, state.unwritten - written),
            max(0, state.unverified - verified),
        )

    def _update_counts(self) -> None:
        state = self.state
        written, verified = self.errors.missing(state.pass_number, state.phase, state.position)
        state.unwritten = written + self._base_missing[0]
        state.unverified = verified + self._base_missing[1]
        self._update_counts_of_errors()

    def _update_counts_of_errors(self) -> None:
        self.state.bad_sectors = self.errors.sectors
        self.state.first_error = self.state.first_error or self.errors.first

    def _read_wishes(self) -> None:
        """Pause, stop, rate limit: looked at whenever the control file is another one."""
        seen = files.stamp(self.folder.control)
        if seen == self._control_seen:
            return
        self._control_seen = seen
        self._last["progress"] = 0.0  # who asked wants to see it
        wishes, state = self.folder.wishes(), self.state
        stop = wishes.get("stop")
        if isinstance(stop, dict) and self._stop_by is None:
            self._stop_by = str(stop.get("by") or "operator")
            state.stopping = True
            self.note("stopping", f"by {self._stop_by}")
        limit = wishes.get("rate_limit")
        if isinstance(limit, int) and limit >= 0 and limit != state.rate_limit:
            state.rate_limit = limit
            self.note("limit", f"{limit} bytes per second" if limit else "none")
        pause = wishes.get("pause")
        if isinstance(pause, dict):
            if state.paused is None:
                self.note("paused", str(pause.get("reason")))
            state.paused = {
                "by": "operator",
                "reason": str(pause.get("reason") or "paused"),
                "since": str(pause.get("since") or iso()),
            }
        elif state.paused is not None and not self._state_trouble:
            self.note("resumed")
            state.paused = None

    # --- a device that went away --------------------------------------------------------------
    def _wait_for_device(self, gone: Vanished) -> None:
        """Until the same drive is back, and may be written. Ends the run when it doesn't come."""
        state, drive = self.state, self.medium.drive
        self.medium.close()
        state.position = state.checkpoint
        self.note("vanished", str(gone.strerror or gone))
        state.warn(f"the device was gone at {iso()}")
        self._keep_trying(self._finish_books)
        end = time.monotonic() + VANISHED_SECONDS
        while time.monotonic() < end:
            self._tick("vanished")
            if self._stop_by is not None:
                raise Ended("inconclusive", f"stopped: by {self._stop_by}")
            if self._leaving:
                raise Left
            if _identify_or_none(drive.path) is not None:
                try:
                    self.medium = opened(
                        drive.path,
                        drive.serial,
                        state.size,
                        self.folder.path,
                        state.phase != "probe",
                        state.released,
                        begun=True,
                    )
                    if self.medium.alive():
                        self.note("returned", "the same drive is back")
                        return
                    self.medium.close()
                except Refused as refused:
                    state.warn(f"back, but not to be written: {refused}")
                except OSError as error:
                    state.warn(f"back, but it can't be opened: {error.strerror}")
            time.sleep(RETURN_SECONDS)
        raise Ended("inconclusive", f"vanished: the device was gone for {VANISHED_SECONDS} s")

    # --- patterns -----------------------------------------------------------------------------
    def _pattern(self, pass_number: int) -> Pattern:
        with self._patterns_lock:
            if pass_number not in self._patterns:
                run = self.state.pattern_run
                self._patterns[pass_number] = Pattern(run, pass_number, self._chunk)
            return self._patterns[pass_number]

    def _forget_patterns_before(self, pass_number: int) -> None:
        with self._patterns_lock:
            for number in [number for number in self._patterns if number < pass_number]:
                del self._patterns[number]

    def _on_signal(self, number: int, frame: Any) -> None:
        self._leaving = True


def _identify_or_none(path: str) -> Any:
    try:
        return identify(path)
    except Exception:
        return None
