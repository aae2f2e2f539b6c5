"""Ships the agent to a host and calls it.

The zipapp's name holds its hash, so an upgrade never replaces a file that a run still uses.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import logging
import posixpath
import shlex
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from agent import files
from agent.build import build

from .local import Local
from .ssh import Completed, HostError, HostKeyChanged, NoSuchRun, Target
from .types import Guard, HostDevice, HostStatus, RunHead, Started, field

logger = logging.getLogger(__name__)

PROTOCOL = 1
NO_SUCH_RUN = "there is no run "
ROOT_USER = "root"
# A login without a terminal on FreeBSD has neither /usr/local/bin nor /usr/sbin in its PATH.
SEARCHED = 'PATH="$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/sbin" '
HASH_OF_FILE = (
    "import hashlib,os,sys;p=sys.argv[1];"
    "print(hashlib.sha256(open(p,'rb').read()).hexdigest() if os.path.isfile(p) else 'missing')"
)
#: Whole, by its SHA-256, or not at all; its folders are for their owner only. Always a new file of
#: its own: never through what may lie at a name, as a link to a disk, and beside whoever keeps the
#: same one now.
KEEP_FILE = (
    "import hashlib,os,sys,tempfile;p,d=sys.argv[1:];os.umask(0o77);"
    "os.makedirs(os.path.dirname(p),exist_ok=True);"
    "f=tempfile.NamedTemporaryFile(dir=os.path.dirname(p),prefix=os.path.basename(p)+'.',"
    "delete=False);"
    "c=sys.stdin.buffer.read();f.write(c);f.close();w=hashlib.sha256(c).hexdigest()==d;"
    "os.replace(f.name,p) if w else os.unlink(f.name);w or sys.exit('it did not arrive whole')"
)
#: The agent's own rule, asked before anything of ours lies there: root executes what does.
UNTRUSTED = (
    "import os, stat, sys\n" + inspect.getsource(files.untrusted) + "root = sys.argv[1]\n"
    "places = [root, *(os.path.join(root, name) for name in ('bin', 'runs'))]\n"
    "print(next(filter(None, map(untrusted, places)), ''))\n"
)
#: Takes its program from the input: csh, which may be between, breaks at a new line.
OF_INPUT = "import sys;exec(sys.stdin.read())"
#: All of ours under the state folder, and nothing else that may lie there. A run whose state can't
#: be read is in no answer of the agent's, but while it lives it holds its lock. The folder may be
#: somebody's by mistake: a folder "runs" of his stays.
REMOVE_ALL = """
import fcntl, glob, hashlib, os, shutil, sys
root = os.path.abspath(sys.argv[1])
within = glob.escape(root)
held = []
for path in glob.glob(within + "/runs/*/lock") + glob.glob(within + "/locks/*"):
    file = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        held.append(path)
    os.close(file)
if held:
    sys.exit("a run goes on there: " + ", ".join(held))
for file in glob.glob(within + "/bin/agent-*.pyz*"):
    os.unlink(file)
for folder in glob.glob(within + "/runs/*"):
    ours = any(os.path.isfile(os.path.join(folder, name)) for name in ("lock", "state.json"))
    if ours and not os.path.islink(folder):
        shutil.rmtree(folder)
locks, fences = within + "/locks/*-" + 12 * "[0-9a-f]", within + "/fences/*.json*"
for file in glob.glob(locks) + glob.glob(fences):
    os.unlink(file)
for name in ("runs", "locks", "fences"):
    folder = os.path.join(root, name)
    if os.path.isdir(folder) and not os.listdir(folder):
        os.rmdir(folder)
for memory in ("/run/burnin", "/var/run/burnin"):
    for file in glob.glob(memory + "/smartctl-*.lock"):
        os.unlink(file)
    for file in glob.glob(memory + "/*-*.json"):  # what a run told last; of this root alone
        key, run = os.path.basename(file)[:-5].split("-", 1)
        if hashlib.sha256(os.path.join(root, "runs", run).encode()).hexdigest()[:12] == key:
            os.unlink(file)
for folder in (os.path.join(root, "bin"), root, "/run/burnin", "/var/run/burnin"):
    if os.path.isdir(folder) and not os.listdir(folder):
        os.rmdir(folder)
print(" ".join(sorted(os.listdir(root))) if os.path.isdir(root) else "")
"""


class SudoRefused(HostError):
    """The user isn't root, and sudo doesn't let it call python3 without a password."""


def in_shell(script: str) -> str:
    """A script for /bin/sh, whatever the user's login shell is: csh is usual on TrueNAS CORE.

    csh takes ! for its history even between quotes, and ends a command at a new line whatever is
    open; no argument of ours needs a control character. Raises HostError for one.
    """
    if any(ord(letter) < 32 or ord(letter) == 127 for letter in script):
        raise HostError("a command for the host holds a control character")
    return "exec /bin/sh -c " + shlex.quote(script).replace("!", "'\\!'")


@cache
def zipapp() -> tuple[bytes, str]:
    """The agent as it goes over the wire, and its SHA-256."""
    content = build()
    return content, hashlib.sha256(content).hexdigest()


def _storable(value: Any) -> Any:
    """Without NUL, which no database takes; drives do put it into their texts."""
    if isinstance(value, str):
        return value.replace("\0", "")
    if isinstance(value, list):
        return [_storable(each) for each in value]
    if isinstance(value, dict):
        return {_storable(name): _storable(each) for name, each in value.items()}
    return value


def _release(serial: str, facts: Sequence[str]) -> list[str]:
    """A release is good for that serial and those findings only."""
    return [f"--release={serial}:{','.join(facts)}"] if facts else []


@dataclass(frozen=True)
class AgentHost:
    """The agent on one host. Every method raises HostError; `state_dir` is absolute.

    Who isn't root calls it through `sudo -n`. `key_changed` is told of a host key that isn't the
    pinned one, before the HostKeyChanged is raised.
    """

    target: Target | Local
    state_dir: str
    key_changed: Callable[[HostKeyChanged], None] | None = None

    def ship(self) -> None:
        """Make sure that this very agent lies on the host, whole. Never put where others write."""
        content, digest = zipapp()
        path = self._zipapp_path()
        if self._digest(path) == digest:
            return
        if told := self.untrusted():
            raise HostError(f"the agent isn’t put there: {told}")
        self.python("-c", KEEP_FILE, path, digest, stdin=content, timeout=60)

    def untrusted(self) -> str:
        """Why what lies in the state folder may be somebody else’s; empty where it can’t be."""
        return self.python("-c", OF_INPUT, self.state_dir, stdin=UNTRUSTED.encode()).strip()

    def _digest(self, path: str) -> str:
        return self.python("-c", HASH_OF_FILE, path).strip()

    def describe(self) -> str:
        """What system it runs, in the words of its maker: Debian GNU/Linux 13 (trixie)."""
        script = (
            '. /etc/os-release 2>/dev/null; [ -n "$PRETTY_NAME" ] || PRETTY_NAME=$(uname -sr); '
            'printf %s "$PRETTY_NAME"'
        )
        return " ".join(self.shell(script).stdout.decode(errors="replace").split())[:100]

    def probe(self, *paths: str, smart: bool = False) -> list[HostDevice]:
        """Identity and use of the given devices, or of all of the host."""
        argv = ["probe", *paths, *(["--smart"] if smart else [])]
        answer = self._ask("probe", argv, timeout=90)
        return [HostDevice.parse(device) for device in field(answer, "devices", list)]

    def guard(
        self, path: str, *, serial: str, size_bytes: int, release: Sequence[str] = ()
    ) -> Guard:
        """May this device be written? The agent asks itself the same right before it writes.

        release: what of its findings somebody has released, by their `Fact.release`.
        """
        argv = ["guard", path, f"--expect-serial={serial}", f"--expect-size={size_bytes}"]
        guard = Guard.parse(self._ask("guard", argv + _release(serial, release), timeout=90))
        if guard.allowed and (guard.serial, guard.size_bytes) != (serial, size_bytes):
            raise HostError("the guard allows writing to another drive than was asked for")
        return guard

    def start_surface(
        self,
        run_id: str,
        path: str,
        *,
        serial: str,
        size_bytes: int,
        passes: int,
        sample: bool = False,
        zero: bool = False,
        temp_pause_c: int | None = None,
        temp_resume_c: int | None = None,
        temp_abort_c: int | None = None,
        rate_limit_bytes_per_second: int = 0,
        release: Sequence[str] = (),
        restore: dict[str, Any] | None = None,
    ) -> Started:
        """Start a detached surface run, or find it running, finished, or resume it.

        Call `ship` before it. sample: write and verify a stratified sample only; the run's head
        and its verdict say so. zero: set it to zero after the last pass. The run pauses at
        temp_pause_c or above until it is below temp_resume_c, and fails at temp_abort_c; None is
        no such limit. `restore` is our copy of the run's state, used where the host has
        lost its own.
        """
        argv = ["surface", "start", "--state", self._run_dir(run_id), "--device", path]
        argv += [f"--expect-serial={serial}", f"--expect-size={size_bytes}", f"--passes={passes}"]
        if sample:
            argv += ["--sample"]
        if zero:
            argv += ["--zero"]
        limits = {"pause": temp_pause_c, "resume": temp_resume_c, "abort": temp_abort_c}
        argv += [f"--temp-{name}={c}" for name, c in limits.items() if c is not None]
        if rate_limit_bytes_per_second:
            argv += [f"--rate-limit={rate_limit_bytes_per_second}"]
        argv += _release(serial, release)
        stdin = b""
        if restore is not None:
            argv += ["--restore"]
            stdin = json.dumps(restore).encode()
        started = Started.parse(self._ask("start", argv, stdin=stdin, timeout=60))
        if started.run is not None and started.run.run_id != run_id:
            raise HostError("the agent answered for another run")
        return started

    def stop_surface(self, run_id: str, *, by: str) -> RunHead:
        """Ask a run to stop and wait until it is gone; `alive` of the answer says whether it is."""
        argv = ["surface", "stop", "--state", self._run_dir(run_id), f"--by={by}"]
        return self._run_answer(run_id, self._ask("run", argv, timeout=45))

    def pause_surface(self, run_id: str, *, by: str) -> RunHead:
        """Ask a run to hold still; it says so in its head once it does."""
        return self._of_run("pause", run_id, by)

    def resume_surface(self, run_id: str, *, by: str) -> RunHead:
        return self._of_run("resume", run_id, by)

    def surface_detail(self, run_id: str) -> tuple[RunHead, dict[str, Any]]:
        """The run's head and its errors, regions and events."""
        answer = self._ask("detail", ["surface", "detail", "--state", self._run_dir(run_id)])
        return self._run_answer(run_id, answer), field(answer, "detail", dict)

    def status(self, smart_paths: list[str]) -> HostStatus:
        """All runs of this host, and smartctl's answer for the given devices."""
        argv = ["status", "--root", self.state_dir]
        if smart_paths:
            argv += ["--smart", *smart_paths]
        return HostStatus.parse(self._ask("status", argv, timeout=90))

    def start_self_test(self, path: str, type: str, *, serial: str) -> tuple[bool, str]:
        """Start a `short` or `long` self-test. (begun, smartctl's words)

        That it runs is for the drive to say: read it again.
        """
        argv = ["smart", "start", path, f"--expect-serial={serial}", f"--type={type}"]
        answer = self._ask("smart", argv, timeout=90)
        return bool(field(answer, "done", bool)), field(answer, "output", str)

    def abort_self_test(self, path: str, *, serial: str) -> bool:
        """Stop the drive's self-test (`smartctl -X`). False when smartctl could not."""
        answer = self._ask(
            "smart", ["smart", "abort", path, f"--expect-serial={serial}"], timeout=90
        )
        return bool(field(answer, "done", bool))

    def remove_run(self, run_id: str) -> None:
        """Forget a run that is over; raises NoSuchRun where there is none, HostError while it is
        alive."""
        argv = ["surface", "remove", "--state", self._run_dir(run_id)]
        self._run_answer(run_id, self._ask("run", argv))

    def remove_all(self) -> list[str]:
        """Take everything of ours off the host; raises HostError while a run is alive.

        Returns the names of what else lies in the state folder and therefore stays.
        """
        status = self.status([])
        alive = [run.run_id for run in status.runs if run.alive]
        if alive:
            raise HostError(f"a run goes on there: {', '.join(alive)}")
        for run in status.runs:
            self.remove_run(run.run_id)  # what it has in memory too
        program = REMOVE_ALL.encode()
        return self.python("-c", OF_INPUT, self.state_dir, stdin=program, timeout=60).split()

    # --- how ----------------------------------------------------------------------------------
    def _of_run(self, verb: str, run_id: str, by: str) -> RunHead:
        argv = ["surface", verb, "--state", self._run_dir(run_id), f"--by={by}"]
        return self._run_answer(run_id, self._ask("run", argv))

    def _run_answer(self, run_id: str, answer: dict[str, Any]) -> RunHead:
        head = RunHead.parse(field(answer, "run", dict))
        if head.run_id != run_id:
            raise HostError("the agent answered for another run")
        return head

    def _zipapp_path(self) -> str:
        return posixpath.join(self.state_dir, "bin", f"agent-{zipapp()[1][:16]}.pyz")

    def _run_dir(self, run_id: str) -> str:
        return posixpath.join(self.state_dir, "runs", run_id)

    def _ask(
        self, kind: str, argv: list[str], *, stdin: bytes = b"", timeout: float = 30
    ) -> dict[str, Any]:
        """Call the agent; ship it first where the host doesn't have it."""
        began = time.monotonic()
        try:
            return self._answer(kind, argv, stdin=stdin, timeout=timeout)
        finally:
            # A status is asked for at each poll.
            level = logging.DEBUG if argv[0] == "status" else logging.INFO
            said, took = " ".join(argv[:2]), time.monotonic() - began
            logger.log(level, "agent on %s: %s took %.2f s", self.target.where, said, took)

    def _answer(
        self, kind: str, argv: list[str], *, stdin: bytes, timeout: float
    ) -> dict[str, Any]:
        argv = [self._zipapp_path(), *argv]
        done = self._python(argv, stdin=stdin, timeout=timeout)
        if not done.stdout.strip() and done.exit_status == 2:
            # python3 says "can't open file" with status 2: it isn't there (yet, or any more).
            self.ship()
            done = self._python(argv, stdin=stdin, timeout=timeout)
        try:
            answer = _storable(json.loads(done.stdout, parse_constant=lambda _: None))
        except (ValueError, RecursionError):
            said = " ".join((done.stderr or done.stdout).decode(errors="replace").split())
            raise HostError(f"the agent’s answer can’t be read: {said[:300]}") from None
        if not isinstance(answer, dict) or answer.get("protocol") != PROTOCOL:
            raise HostError("the agent on the host speaks another protocol")
        if answer.get("answer") == "error":
            said = str(answer.get("error") or "the agent failed without a reason")[:500]
            raise (NoSuchRun if said.startswith(NO_SUCH_RUN) else HostError)(said)
        if answer.get("answer") != kind:
            raise HostError(f"the agent answered {answer.get('answer')!r} to a question for {kind}")
        return answer

    def python(self, *argv: str, stdin: bytes = b"", timeout: float = 30) -> str:
        """What the host's own python3 prints, called as the agent is; a failure is a HostError."""
        done = self._python(argv, stdin=stdin, timeout=timeout)
        if done.exit_status != 0:
            lines = done.stderr.decode(errors="replace").strip().splitlines()
            said = " ".join(lines[-1].split())[:300] if lines else str(done.exit_status)
            raise HostError(f"a command failed on the host: {said}")
        return done.stdout.decode(errors="replace")

    def _python(self, argv: Sequence[str], *, stdin: bytes = b"", timeout: float) -> Completed:
        sudo = "" if self.is_root else "sudo -n -- "
        script = f"{SEARCHED}exec {sudo}python3 -I -B {shlex.join(argv)}"
        done = self.shell(script, stdin=stdin, timeout=timeout)
        said = done.stderr.decode(errors="replace").strip()
        if sudo and not done.stdout and done.exit_status in (1, 127) and _is_of_sudo(said):
            raise SudoRefused(
                f"sudo doesn’t let {self.target.user} call python3 without a password"
                f" ({' '.join(said.split())[:100]}); check_system prints the line that does"
            )
        return done

    @property
    def is_root(self) -> bool:
        return self.target.user == ROOT_USER

    def shell(self, script: str, *, stdin: bytes = b"", timeout: float = 30) -> Completed:
        """Run a script of /bin/sh as the user who logs in."""
        try:
            return self.target.run(in_shell(script), stdin=stdin, timeout=timeout)
        except HostKeyChanged as error:
            if self.key_changed:
                self.key_changed(error)
            raise


def _is_of_sudo(said: str) -> bool:
    return "sudo:" in said or said.startswith("Sorry, user")
