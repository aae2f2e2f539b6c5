"""The course of a run: the capacity probe, then write and verify for each pass, then perhaps zeros;
and its verdict.

The main thread decides, keeps the books and watches; it waits for nothing that the device could
keep it from. Worker threads move the chunks (`workers`). A place counts as done when all before it
are done; a checkpoint claims it only after a flush, and only when each error before it is stored.
"""

from __future__ import annotations

import signal
import threading
import time
import traceback
from collections.abc import Callable
from typing import Any

from . import capacity, files, guard
from .books import Books
from .clock import iso
from .closely import Vanished
from .device import Medium
from .explained import Own
from .folder import Folder
from .identity import identify
from .opening import Refused, opened
from .pattern import Pattern, Zeros
from .phase import Phase
from .places import probed
from .state import State, verdict_of
from .thermal import Law, Reading, Thermometer
from .watch import Watch
from .workers import Ended, Workers

TICK_SECONDS = 0.1
PROGRESS_SECONDS = 1
PATIENCE_AFTER_STOP = 30
VANISHED_SECONDS = 3600
RETURN_SECONDS = 1
HOUR = 3600.0
OPENER_LOOKS_IN_A_RUN = 100  # half a minute: a smartctl that reads it is no reason to end a run


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
        own: Own,
        tell: Callable[[State], None] | None = None,
    ) -> None:
        self.folder, self.state, self.medium, self.own = folder, state, medium, own
        self.books = Books(folder, state, tell)
        self.note = self.books.note
        self._chunk = state.io["chunk_bytes"]
        self._patterns: dict[int, Pattern] = {}
        self._patterns_lock = threading.Lock()
        self._leaving = False
        self._stop_by: str | None = None
        self._phase: Phase | None = None
        self._checkpoint_at = time.monotonic()
        self._control_seen: tuple[int, int] | None = (0, 0)
        self._watch = Watch(self.note, state.warn)
        self._law = Law(state.limits, time.time())
        self._thermometer: Thermometer | None = None

    # --- the course of a run ------------------------------------------------------------------
    def begin(self, event: str, detail: str = "") -> None:
        """Take up what is stored, and store that the run goes on from here. Raises OSError."""
        self.books.load()
        self.note(event, detail)
        self._read_wishes()
        self.books.store(all_of_it=True)

    def run(self) -> dict[str, Any] | None:
        """To the verdict; None when the process was asked to leave before."""
        state = self.state
        signal.signal(signal.SIGTERM, self._on_signal)
        signal.signal(signal.SIGINT, self._on_signal)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        self._thermometer = Thermometer(self.medium.drive)
        try:
            self._phases()
            verdict, reasons = self._judge()
        except Ended as ended:
            verdict, reasons = ended.verdict, ended.reasons
            if verdict == "failed" and self.books.errors.sectors:
                reasons += self._error_reasons()
        except Left:
            self.note("left", "the process was asked to go; the run can be resumed")
            try:
                self._flush()
            except (Ended, Left, Vanished):
                state.position = state.checkpoint
            self._keep_trying(self.books.store)
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
                elif state.phase == "verify" and state.pass_number < state.passes:
                    self._enter(state.pass_number + 1, "write")
                elif state.phase == "verify" and state.zero:
                    self._enter(state.pass_number, "zero")
                else:
                    return
            except Vanished as gone:
                self._wait_for_device(gone)

    def _enter(self, pass_number: int, phase: str) -> None:
        """The next phase, after another look at what is about to be written or read."""
        state = self.state
        if phase != "verify":
            self._guard_again()
        elif not self.medium.same_as(_identify_or_none(self.medium.drive.path)):
            raise Vanished(0, "its path no longer leads to the same drive")
        state.pass_number, state.phase = pass_number, phase
        state.position = state.checkpoint = 0
        self.books.new_phase()
        self.note("phase", f"pass {pass_number}: {phase}")
        self._store()

    def _guard_again(self) -> None:
        drive = self.medium.drive
        judgement = guard.judge(
            drive.path,
            drive.serial,
            self.medium.size,
            self.folder.path,
            self.own,
            OPENER_LOOKS_IN_A_RUN,
            self.state.released,
            self.medium,
        )
        if not self.medium.same_as(judgement.drive):
            raise Vanished(0, "its path no longer leads to the same drive")
        if not judgement.allowed:
            verdict = "failed" if self.books.errors.sectors else "refused"
            raise Ended(verdict, *(reason["reason"] for reason in judgement.reasons))

    def _after_a_pause(self) -> None:
        """Much may have happened meanwhile, whoever paused it and wherever the pause was ended."""
        if self.books.has_paused and self.state.paused is None:
            self._guard_again()
            self.books.has_paused = False

    def _judge(self) -> tuple[str, list[str]]:
        """A pass is only what is proved: each byte of each pass written and verified, no error."""
        state = self.state
        if self.books.errors.sectors or state.bad_sectors:
            return "failed", self._error_reasons()
        whole = state.places.total
        done = (state.bytes_written, state.bytes_verified, state.bytes_zeroed)
        if done != (whole * state.passes, whole * state.passes, whole * state.zero):
            counted = "{} written, {} verified and {} zeroed".format(*done)
            return "inconclusive", [f"{counted} of {whole} bytes a pass, without an error"]
        return "passed", []

    def _error_reasons(self) -> list[str]:
        errors = self.books.errors
        told = [
            f"{error['class']} at LBA {error['lba']}, {error['length_bytes']} bytes,"
            f" pass {error['pass']} {error['phase']}"
            for error in errors.ranges[:5]
        ]
        count = errors.sectors
        if self.state.phase != "probe" and "misplaced" in errors.classes:
            law: list[str] = []
            self._patiently(lambda: law.extend(capacity.law_of(self.medium, self.state)))
            told = law + told
        return [f"{count} bad sector{'s' * (count != 1)}", *told]

    def _close(self, verdict: str, reasons: list[str]) -> None:
        """Store the verdict, however long it takes the state's disk to accept it."""
        state = self.state
        self.books.count()
        state.paused = state.stall = None
        state.stopping = False
        state.verdict = verdict_of(state, verdict, reasons, self.books.errors.ranges)
        self.note("verdict", f"{verdict}: {'; '.join(reasons)}" if reasons else verdict)
        self._keep_trying(lambda: self.books.store(all_of_it=True))
        self.folder.forget_progress()
        self.medium.close()

    # --- phases -------------------------------------------------------------------------------
    def _work(self) -> None:
        """The phase of the state, from its place to the end."""
        state = self.state
        if state.phase == "zero":
            pattern: Pattern = Zeros(state.pattern_run, state.pass_number, self._chunk)
        else:
            pattern = self._pattern(state.pass_number)
        self._forget_patterns_before(state.pass_number)
        state.position = state.checkpoint = state.position // self._chunk * self._chunk
        ahead = state.places.offsets[state.places.index(state.position) :]
        phase = Phase(ahead, state.size, self._chunk)
        self._run_phase(phase, pattern, state.phase, state.phase != "verify")
        if state.phase != "verify":
            self._flush()
        state.position = state.size
        self._store()

    def _probe_capacity(self) -> None:
        """Is the medium as big as it says? Stamps far apart, all written, then all read."""
        size = self.state.size
        places = probed(size, self._chunk, bytes.fromhex(self.state.seed))
        pattern = self._pattern(0)
        self._run_phase(Phase(places, size, self._chunk), pattern, "probe", True)
        self._flush()
        reading = Phase(places, size, self._chunk)
        workers = self._run_phase(reading, pattern, "probe", False)
        told = capacity.probe_told(size, places, workers.strange)
        if told:
            raise Ended("failed", told)

    def _run_phase(self, phase: Phase, pattern: Pattern, name: str, writes: bool) -> Workers:
        """Let the workers do it and keep the books meanwhile."""
        self._after_a_pause()
        self._read_wishes()
        self._asked_to_end()  # before the first byte, not a tick after it
        self._phase = phase
        self._set(phase)
        workers = Workers(phase, name, writes, self.medium, pattern, self._pattern, self.books)
        running = min(self.state.io["threads"], -(-self.state.size // self._chunk))
        over = workers.start(running)
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
        self.books.count()
        if phase.failure is not None:
            raise phase.failure
        self._asked_to_end()
        return workers

    def _set(self, phase: Phase) -> None:
        """Let it go on as is wished now; that it may write is stored before its first byte."""
        is_paused = self.state.paused is not None
        if not is_paused and not self.state.begun:
            self.state.begun = True
            self._store()
        phase.set(is_paused, self.state.rate_limit)

    def _asked_to_end(self) -> None:
        if self._stop_by is not None:
            raise Ended("inconclusive", f"stopped: by {self._stop_by}")
        if self._leaving:
            raise Left

    # --- while it goes on ---------------------------------------------------------------------
    def _tick(self, name: str) -> None:
        self._look()
        if self._phase is not None:
            self._after_a_pause()
            self._set(self._phase)
            if name != "probe":
                self.state.position = self._phase.position
        due = time.monotonic() - self._checkpoint_at
        if due >= self.state.checkpoint_seconds or (not self.books.errors.stored and due >= 2):
            self._checkpoint(name)
        self._progress()

    def _look(self) -> None:
        """At wishes, the clock of each request, and the temperature."""
        self._read_wishes()
        self.state.stall = self._watch.look(self.medium, self.state.stall, time.monotonic())
        for reading in self._thermometer.taken() if self._thermometer else ():
            self._felt(reading)

    def _felt(self, reading: Reading) -> None:
        self.state.temperature = reading.celsius
        self.books.temperatures.add(reading)
        action, why = self._law.verdict(reading, "temperature" in self.books.pauses)
        if action == "abort":
            raise Ended("failed", why)
        if action == "pause":
            self.books.pause("temperature", why)
            self._checkpoint_at = -HOUR  # so that the pause outlives this process
        elif action == "go on":
            self.books.go_on("temperature", why)
        elif action == "tell":
            self.note("temperature", why)
            self.state.warn(why)

    def _progress(self) -> None:
        now, state = time.monotonic(), self.state
        landed = state.paused is not None and state.position != self.books.told_position
        if landed or now - self.books.told_at >= PROGRESS_SECONDS:
            self.books.progress(now)

    def _patiently(self, do: Callable[[], None]) -> None:
        """Do it in a thread, and say meanwhile how things are: it may hang in the kernel."""
        raised: list[BaseException] = []

        def work() -> None:
            try:
                do()
            except BaseException as error:
                raised.append(error)

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        give_up: float | None = None
        while True:
            thread.join(TICK_SECONDS)
            if not thread.is_alive():
                break
            self._look()
            self._progress()
            if self._leaving or self._stop_by is not None:
                give_up = give_up or time.monotonic() + PATIENCE_AFTER_STOP
                if time.monotonic() > give_up:
                    self.state.warn("the device did not answer any more when the run ended")
                    self._asked_to_end()
        if raised:
            raise raised[0]

    def _checkpoint(self, name: str) -> None:
        """Claim what is certain. Where the state can't be stored, the run pauses and says so."""
        self._checkpoint_at = time.monotonic()
        if name in ("write", "zero") and self._phase is not None:
            position = self._phase.position
            self._flush()
            self.state.position = position
        try:
            self.books.store()
        except OSError as error:
            self._pause_for_state(error)
        else:
            self._state_is_stored()
        if name in ("write", "zero") and self._phase is not None:
            self.state.position = self._phase.position

    def _flush(self) -> None:
        medium = self.medium
        trouble: list[OSError] = []

        def flush() -> None:
            try:
                medium.flush(self.state.position)
            except OSError as error:
                trouble.append(error)

        self._patiently(flush)
        if trouble:
            error = trouble[0]
            if not medium.alive():
                raise Vanished(error.errno, "the device is gone") from error
            raise Ended("failed", f"the device could not flush its cache: {error}") from error

    def _store(self) -> None:
        self._keep_trying(self.books.store)
        self._checkpoint_at = time.monotonic()

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
        self.books.pause("state", f"the state can't be stored: {error.strerror or error}")
        self.folder.save_progress(self.state)
        # Try again soon.
        self._checkpoint_at = time.monotonic() - self.state.checkpoint_seconds + 1

    def _state_is_stored(self) -> None:
        self.books.go_on("state", "the state can be stored again")

    def _read_wishes(self) -> None:
        """Pause, stop, rate limit: looked at whenever the control file is another one."""
        seen = files.stamp(self.folder.control)
        if seen == self._control_seen:
            return
        self._control_seen = seen
        self.books.told_at = 0.0  # who asked wants to see it
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
            reason = str(pause.get("reason") or "paused")
            self.books.pause("operator", reason, str(pause.get("since") or iso()))
        else:
            self.books.go_on("operator")

    # --- a device that went away --------------------------------------------------------------
    def _wait_for_device(self, gone: Vanished) -> None:
        """Until the same drive is back, and may be written. Ends the run when it doesn't come."""
        state, drive = self.state, self.medium.drive
        self.medium.close()
        state.position = state.checkpoint
        self.note("vanished", str(gone.strerror or gone))
        state.warn(f"the device was gone at {iso()}")
        self._store()
        end = time.monotonic() + VANISHED_SECONDS
        while time.monotonic() < end:
            self._tick("vanished")
            self._asked_to_end()
            if _identify_or_none(drive.path) is not None:
                try:
                    self.medium = opened(
                        drive.path,
                        drive.serial,
                        state.size,
                        self.folder.path,
                        self.own,
                        state.released,
                    )
                    model = self.medium.drive.model
                    if model != drive.model:
                        state.warn(f"back, but another model: {model}")
                    elif self.medium.alive():
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
