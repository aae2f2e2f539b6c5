"""Looks at a system as an engineer would before the first burn-in there: what it can do, what is
missing, and what to do next. It writes nothing but the agent and a trial file into its own folder.
"""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from . import capabilities, clients
from .hosts.agent import SEARCHED, AgentHost, SudoRefused
from .hosts.ssh import HostError, HostKeyChanged, fingerprint
from .hosts.types import HostDevice
from .models import System
from .truenas.types import NasDrive, NasError, NasView

OLDEST_PYTHON = (3, 9)
#: What the agent asks beside Python; without zpool it can't tell what is in a pool.
NEEDED = ("smartctl", "zpool")
USEFUL = {"FreeBSD": ("sysctl", "mount", "swapinfo", "iostat", "mdconfig", "fstat"), "Linux": ()}
#: What to do about one of NEEDED that a host without TrueNAS doesn't have.
ELSEWHERE = {
    "smartctl": "install smartmontools there: without it each of its drives is refused",
    "zpool": "needed only where that host uses ZFS; without it such a host’s drives are refused",
}
IN_MEMORY = {"tmpfs", "ramfs", "devtmpfs", "mfs"}
CLOCK_SECONDS = 5
NAMED = 8
TRY_TO_WRITE = (
    "import os,sys,tempfile;r=sys.argv[1];os.umask(0o77);os.makedirs(r,exist_ok=True);"
    "f=tempfile.NamedTemporaryFile(dir=r);f.write(b'x');f.flush();os.fsync(f.fileno())"
)


class State(StrEnum):
    OK = "ok"
    NOTE = "note"
    MISSING = "MISSING"


@dataclass(frozen=True)
class Finding:
    """One line. `step`: what to do about it; MISSING is what no burn-in works without."""

    state: State
    what: str
    found: str
    step: str = ""


@dataclass(frozen=True)
class Checkup:
    """All findings of one look. `is_ready`: nothing is missing for a burn-in there."""

    findings: tuple[Finding, ...]

    @property
    def is_ready(self) -> bool:
        return all(one.state is not State.MISSING for one in self.findings)


def probe_system(**facts: Any) -> Checkup:
    """Look at a system that isn't added yet (or with changed facts): fields of System.

    Nothing is stored here; there the agent is shipped. Takes up to a minute or two.
    """
    return Checkup(tuple(look(System(**{"name": "it", **facts}))))


def look(system: System) -> Iterator[Finding]:
    """Ask API and host of everything, one after the other."""
    if system.stopped:
        what, step = "stopped", f"./run manage confirm_host_key {system.name}"
        if system.paused_by:
            what, step = "paused", "Resume polling on its card first"
        yield Finding(State.MISSING, what, system.stopped, step)
        return
    view = None
    try:
        with clients.nas(system) as nas:
            view = nas.view()
    except NasError as error:
        if system.kind != System.Kind.HOST:  # a plain host's shell is asked below
            found = f"{system.base_url}: {error}"
            yield Finding(State.MISSING, "API", found, step_of_api(str(error)))
    else:
        yield from _api(system, view)
    try:
        yield from _host(system, clients.host(system), view)
    except HostKeyChanged as error:
        step = f"./run manage confirm_host_key {system.name}"
        yield Finding(State.MISSING, "host key", str(error), step)
    except HostError as error:
        yield Finding(State.MISSING, "SSH", str(error), step_of_host(str(error), system))


# --- the API ----------------------------------------------------------------------------------
def _api(system: System, view: NasView) -> Iterator[Finding]:
    if system.kind != System.Kind.HOST:
        found = f"{system.base_url} accepts the key, by {view.dialect}"
        yield Finding(State.OK, "API", found)
        if system.base_url.startswith("https") and not system.verify_tls:
            step = "a certificate that this machine trusts, then add_system without --no-verify-tls"
            yield Finding(State.NOTE, "TLS", "the certificate is not verified", step)
    yield Finding(State.OK, "version", view.version)
    for one in capabilities.assess(system, view):
        state = State.OK if one.works else State.NOTE
        yield Finding(state, one.name.replace("_", " "), f"by {one.how}", one.why)
    yield Finding(State.OK, "listed", f"{len(view.drives)} in the API")
    nameless = [drive.name for drive in view.drives if not drive.serial]
    if nameless:
        yield Finding(State.NOTE, "serials", f"none of {_names(nameless)}", "they are refused")
    boot = [name for name, use in view.uses.items() if use.startswith("Boot")]
    yield Finding(State.OK, "boot disks", _names(boot))
    pools = Counter(view.pools.values())
    told = ", ".join(f"{pool} ({count})" for pool, count in sorted(pools.items()))
    yield Finding(State.OK, "pools", told or "none")
    measured = sum(drive.name in view.temperatures for drive in view.drives)
    yield Finding(State.OK, "measured", f"{measured} of {len(view.drives)} drives")
    if view.jobs is None:
        yield Finding(State.NOTE, "jobs", "the API doesn’t tell its self-test jobs")


def step_of_api(error: str) -> str:
    for sign, step in {
        "refuses the API key": "make a new key in the web interface and give it with add_system",
        "plain http": "give an https address with add_system",
        "certificate": "a certificate that this machine trusts, or add_system --no-verify-tls",
        "not known": "does this machine resolve the name? Else give the address",
        "refused": "is the address right, and does a firewall stand between?",
    }.items():
        if sign in error:
            return step
    return "open that address in a browser on this machine"


# --- the host ---------------------------------------------------------------------------------
def _host(system: System, host: AgentHost, view: NasView | None) -> Iterator[Finding]:
    began = time.time()
    facts = _facts(host)
    told = facts.get("time", "")
    clock = int(told) - (began + time.time()) / 2 if re.fullmatch(r"[0-9]{1,15}", told) else None
    if system.is_local:
        yield Finding(State.OK, "shell", f"this very host, as {facts.get('user', '?')}")
    else:
        yield Finding(State.OK, "SSH", f"{system.ssh_host} port {system.ssh_port}")
        yield Finding(State.OK, "host key", f"{fingerprint(system.ssh_host_key)}, as confirmed")
        how = "key" if system.ssh_key_file else "password"
        yield Finding(State.OK, "login", f"{facts.get('user', '?')} by {how}")
    yield Finding(
        State.OK, "host", f"{facts.get('system', '?')} {facts.get('release', '')}".strip()
    )
    python = facts.get("python3", "")
    if not python:
        step = "TrueNAS brings one; is it in the PATH of a login without a terminal?"
        yield Finding(State.MISSING, "python3", "not found", step)
        return
    version = facts.get("version", "")
    if _numbers(version) < OLDEST_PYTHON:
        step = "the agent needs 3.9 or newer: upgrade the NAS"
        yield Finding(State.MISSING, "python3", f"{python} is {version or 'broken'}", step)
        return
    yield Finding(State.OK, "python3", f"{python} {version}")
    yield from _programs(system, facts)
    if clock is None:
        yield Finding(State.NOTE, "clock", "the host doesn’t tell its time")
    elif abs(clock) > CLOCK_SECONDS:
        step = "switch NTP on, on both machines"
        yield Finding(State.NOTE, "clock", f"{clock:+.0f} s from this machine", step)
    else:
        yield Finding(State.OK, "clock", "the same as this machine’s, to a few seconds")
    if not host.is_root:
        try:
            host.python("-c", "")
        except SudoRefused as error:
            yield Finding(State.MISSING, "sudo", str(error), sudo_step(system, facts))
            return
        yield Finding(State.OK, "sudo", f"{host.target.user} may call python3 as root")
    yield from _agent(system, host, view)


def _facts(host: AgentHost) -> dict[str, str]:
    """What a plain shell there tells, before anything of ours is called."""
    names = sorted({*NEEDED, "python3", *(name for names in USEFUL.values() for name in names)})
    version = "import sys; print('%d.%d.%d' % sys.version_info[:3])"
    done = host.shell(
        f"{SEARCHED}; export PATH; "
        'echo "user=$(id -un)"; echo "system=$(uname -s)"; echo "release=$(uname -r)"; '
        'echo "time=$(date +%s)"; '
        f'for name in {" ".join(names)}; do echo "$name=$(command -v $name)"; done; '
        f'echo "version=$(python3 -I -c "{version}" 2>/dev/null)"'
    )
    lines = done.stdout.decode(errors="replace").splitlines()
    return {name: value for name, _, value in (line.partition("=") for line in lines) if value}


def _programs(system: System, facts: dict[str, str]) -> Iterator[Finding]:
    for name in NEEDED:
        if name in facts:
            yield Finding(State.OK, name, facts[name])
            continue
        needed = system.kind == System.Kind.TRUENAS
        step = "TrueNAS brings it: is this the NAS itself, and not a jail or a container?"
        state = State.MISSING if needed else State.NOTE
        yield Finding(state, name, "not found", step if needed else ELSEWHERE[name])
    useful = USEFUL.get(facts.get("system", ""), ())
    gone = [name for name in useful if name not in facts]
    if gone:
        step = "what these would tell stays unknown, and unknown refuses a drive"
        yield Finding(State.NOTE, "programs", f"not found: {', '.join(gone)}", step)


def sudo_step(system: System, facts: dict[str, str]) -> str:
    """What to paste. TrueNAS writes its sudoers itself, from what its own users are given."""
    python, user = facts.get("python3", "python3"), system.ssh_user
    if facts.get("system") == "FreeBSD":
        given = {"sudo": True, "sudo_nopasswd": True, "sudo_commands": [python]}
    else:
        given = {"sudo_commands_nopasswd": [python]}
    return (
        "on TrueNAS, as root: midclt call user.update "
        f'$(midclt call user.query \'[["username","=","{user}"]]\' \'{{"get":true}}\' '
        f"| python3 -c 'import json,sys;print(json.load(sys.stdin)[\"id\"])') "
        f"'{json.dumps(given)}'; elsewhere, in sudoers: {user} ALL=(root) NOPASSWD: {python}"
    )


def _agent(system: System, host: AgentHost, view: NasView | None) -> Iterator[Finding]:
    folder = system.state_dir
    step = "give another folder with add_system --state-dir"
    try:
        told = host.untrusted()
        if not told:
            host.python("-c", TRY_TO_WRITE, folder)
    except HostError as error:
        yield Finding(State.MISSING, "state folder", f"{folder}: {error}", step)
        return
    if told:
        words = f"it must be a folder of root’s own, with mode 700; or {step}"
        yield Finding(State.MISSING, "state folder", told, words)
        return
    host.ship()
    status = host.status([])
    where = f"{folder} on {status.state_fs or 'an unknown file system'}"
    if status.state_fs in IN_MEMORY:
        words = f"{where}, which is in memory: lost at reboot"
        yield Finding(State.NOTE, "state folder", words, step)
    else:
        yield Finding(State.OK, "state folder", where)
    alive = sum(run.alive for run in status.runs)
    yield Finding(State.OK, "agent", f"shipped; {alive} runs go on there")
    devices = host.probe()
    if view is None:
        words = f"{len(devices)} on the host; without the API they can’t be compared"
        yield Finding(State.NOTE, "drives", words)
        return
    yield from _drives(view, devices)
    yield from _one_drive(host, view, devices)


def _drives(view: NasView, devices: list[HostDevice]) -> Iterator[Finding]:
    """The API's drives and the host's, matched by serial."""
    here = Counter(device.serial for device in devices if device.serial)
    there = Counter(drive.serial for drive in view.drives if drive.serial)
    matched = [serial for serial in there if serial in here]
    state = State.OK if matched else State.MISSING
    words = f"{len(matched)} of the API’s {len(view.drives)} are on the host, by serial"
    yield Finding(state, "drives", words, "" if matched else "is it the same machine?")
    alone = [f"{drive.name} {drive.serial}" for drive in view.drives if drive.serial not in here]
    if alone:
        yield Finding(State.NOTE, "drives", f"only in the API: {_names(alone)}", "they are refused")
    alone = [f"{one.name} {one.serial}".strip() for one in devices if one.serial not in there]
    if alone:
        yield Finding(State.NOTE, "drives", f"only on the host: {_names(alone)}")
    twice = [serial for serial in matched if here[serial] > 1 or there[serial] > 1]
    if twice:
        yield Finding(State.NOTE, "drives", f"two with one serial: {_names(twice)}", "refused")
    sizes = {device.serial: device.size_bytes for device in devices}
    odd = [
        one.serial for one in view.drives if sizes.get(one.serial, one.size_bytes) != one.size_bytes
    ]
    if odd:
        words = f"API and host give other sizes for {_names(odd)}"
        yield Finding(State.NOTE, "drives", words, "they are refused")


def _one_drive(host: AgentHost, view: NasView, devices: list[HostDevice]) -> Iterator[Finding]:
    """smartctl and the guard, tried on one drive that the API knows of no use for."""
    paths = {device.serial: device.path for device in devices if device.serial}
    free = [one for one in view.drives if one.serial in paths and one.name not in view.uses]
    if not free:
        yield Finding(State.NOTE, "a free drive", "there is none to try smartctl and the guard on")
        return
    drive: NasDrive = free[0]
    (seen,) = host.probe(paths[drive.serial], smart=True)[:1] or (None,)
    if seen is not None and seen.smartctl is not None:
        yield Finding(State.OK, "SMART data", f"of {drive.name}, by smartctl")
    else:
        why = seen.smartctl_error if seen else "the drive is gone"
        step = "try smartctl -x there; self-tests of such a drive end inconclusive"
        yield Finding(State.NOTE, "SMART data", f"of {drive.name}: {why}", step)
    size = seen.size_bytes if seen else drive.size_bytes
    guard = host.guard(paths[drive.serial], serial=drive.serial, size_bytes=size)
    if guard.allowed:
        yield Finding(State.OK, "guard", f"{drive.name} may be written; nothing was")
    else:
        reasons = "; ".join(fact.reason for fact in guard.reasons)
        yield Finding(State.NOTE, "guard", f"{drive.name} would be refused: {reasons}")


def step_of_host(error: str, system: System) -> str:
    for sign, step in {
        "’s SSH key": f"the public half of {system.ssh_key_file} belongs into the user’s form",
        "’s password": "allow password login for that user, or better use a key",
        "refused": "switch the SSH service on, in the web interface under Services",
        "key file": "give a readable key without passphrase with add_system",
    }.items():
        if sign in error:
            return step
    return f"try ssh -p {system.ssh_port} {system.ssh_user}@{system.ssh_host} from this machine"


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:2])


def _names(names: list[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
