"""What the agent would answer on a host whose drives are simulated: its protocol, without its
work."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator
from typing import Any

from . import heads, smartctl, surface
from .clock import iso
from .drives import Drive
from .guard import Reason, Trouble, because, judged, unknown, uses
from .nas import Nas
from .surface import RELEASE, Run
from .system import HOSTNAME

PROTOCOL = 1
DEFAULT_PASSES, DEFAULT_BAD_SECTORS = 2, 100
HANGS = "smartctl did not answer within 30 s"


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> Any:
        raise Trouble(message)


def answer(nas: Nas, argv: list[str], stdin: bytes) -> tuple[int, str]:
    """(exit status, standard output) of the agent called with these arguments."""
    with nas.lock:
        nas.read()
        try:
            options = _parser().parse_args(argv)
            command = _COMMANDS[options.command, getattr(options, "action", None)]
            _feel(nas)
            kind, status, facts = command(nas, options, stdin)
        except Trouble as trouble:
            kind, status, facts = "error", 3, {"error": str(trouble)}
        except (ValueError, TypeError, KeyError) as error:
            kind, status, facts = "error", 3, {"error": f"{type(error).__name__}: {error}"}
    return status, json.dumps(
        {"protocol": PROTOCOL, "release": RELEASE, "answer": kind} | facts
    ) + "\n"


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="agent", add_help=False)
    commands = parser.add_subparsers(dest="command", required=True, parser_class=_Parser)
    probe = commands.add_parser("probe")
    probe.add_argument("devices", nargs="*")
    probe.add_argument("--smart", action="store_true")
    guard = commands.add_parser("guard")
    guard.add_argument("device")
    status = commands.add_parser("status")
    status.add_argument("--root", required=True)
    status.add_argument("--smart", nargs="*", default=[], metavar="PATH")
    actions = commands.add_parser("smart").add_subparsers(
        dest="action", required=True, parser_class=_Parser
    )
    abort = actions.add_parser("abort")
    abort.add_argument("device")
    begin = actions.add_parser("start")
    begin.add_argument("device")
    begin.add_argument("--type", choices=("short", "long"), required=True)
    actions = commands.add_parser("surface").add_subparsers(
        dest="action", required=True, parser_class=_Parser
    )
    for name in ("start", "status", "pause", "resume", "stop", "remove", "limit", "detail"):
        action = actions.add_parser(name)
        action.add_argument("--state", required=True)
        action.add_argument("--by", default="operator")
        if name == "start":
            action.add_argument("--device", required=True)
            action.add_argument("--passes", type=int)
            action.add_argument("--sample", action="store_true")
            action.add_argument("--zero", action="store_true")
            action.add_argument("--continue", action="store_true")
            for limit in ("pause", "resume", "abort"):
                action.add_argument(f"--temp-{limit}", type=int)
            action.add_argument("--chunk", type=int)
            action.add_argument("--threads", type=int)
            action.add_argument("--checkpoint", type=float)
            action.add_argument("--max-bad-sectors", type=int, default=DEFAULT_BAD_SECTORS)
            action.add_argument("--rate-limit", type=int)
            action.add_argument("--restore", action="store_true")
        if name == "limit":
            action.add_argument("--rate", type=int, required=True)
    for one in (guard, abort, begin, actions.choices["start"]):
        one.add_argument("--expect-serial", default="")
        one.add_argument("--expect-size", type=int)
        one.add_argument("--release", default="", metavar="SERIAL:FINDING,FINDING")
    return parser


Answer = tuple[str, int, dict[str, Any]]


# --- drives -----------------------------------------------------------------------------------
def _device(nas: Nas, drive: Drive, with_smart: bool, use: list[dict[str, str]]) -> dict[str, Any]:
    asked = with_smart and not drive.mute  # without the half minute that it takes to give it up
    report = smartctl.document(nas, drive, ["--json=co", "-x", drive.path]) if asked else None
    return {
        "name": drive.name,
        "path": drive.path,
        "kind": "disk",
        "serial": drive.serial or None,
        "lunid": drive.lunid,
        "model": drive.model,
        "size_bytes": drive.size_bytes,
        **_sectors(drive),
        "rotational": bool(drive.rotation_rate),
        "use": use,
        "temperature_c": nas.temperature(drive) if report else None,
        "smartctl": report,
        "smartctl_exit": report["smartctl"]["exit_status"] if report else None,
        "smartctl_error": HANGS if with_smart and drive.mute else None,
    }


def _sectors(drive: Drive) -> dict[str, int]:
    physical = 4096 if drive.sector_bytes == 512 and drive.rotation_rate else drive.sector_bytes
    return {"logical_sector_bytes": drive.sector_bytes, "physical_sector_bytes": physical}


def _host(nas: Nas) -> dict[str, Any]:
    return {
        "hostname": HOSTNAME,
        "system": nas.system,
        "boot_id": nas.boot_id,
        "now": iso(time.time()),
    }


def _named(nas: Nas, paths: list[str]) -> list[Drive]:
    return [drive for path in paths if (drive := nas.drive(path=path))]


def _probe(nas: Nas, options: argparse.Namespace, stdin: bytes) -> Answer:
    drives = _named(nas, options.devices) if options.devices else nas.present()
    devices = [_device(nas, drive, options.smart, uses(nas, drive)) for drive in drives]
    return "probe", 0, {"host": _host(nas) | {"python": "3.9.18"}, "devices": devices}


def _guard(nas: Nas, options: argparse.Namespace, stdin: bytes) -> Answer:
    drive, facts, reasons = judged(nas, options)
    return (
        "guard",
        2 if reasons else 0,
        {
            "device": options.device,
            "serial": drive.serial if drive else None,
            "model": drive.model if drive else None,
            "size_bytes": drive.size_bytes if drive else 0,
            "allowed": not reasons,
            "facts": facts,
            "reasons": reasons,
        },
    )


def _abort(nas: Nas, options: argparse.Namespace, stdin: bytes) -> Answer:
    drive = nas.drive(path=options.device)
    if drive is None or drive.serial != options.expect_serial:
        raise Trouble(f"{options.device} is not the drive with serial {options.expect_serial}")
    status, output = smartctl.run(nas, ["-X", drive.path])
    return "smart", 0, {"path": drive.path, "done": status == 0, "output": output.strip()}


def _start_self_test(nas: Nas, options: argparse.Namespace, stdin: bytes) -> Answer:
    drive = nas.drive(path=options.device)
    if drive is None or drive.serial != options.expect_serial:
        raise Trouble(f"{options.device} is not the drive with serial {options.expect_serial}")
    status, output = smartctl.run(nas, ["-t", options.type, drive.path])
    return "smart", 0, {"path": drive.path, "done": status == 0, "output": output.strip()}


# --- runs -------------------------------------------------------------------------------------
def _run(nas: Nas, options: argparse.Namespace) -> Run:
    try:
        return nas.runs[options.state]
    except KeyError:
        raise Trouble(f"there is no run {os.path.basename(options.state)}") from None


def _start(nas: Nas, options: argparse.Namespace, stdin: bytes) -> Answer:
    now, run_id = time.time(), os.path.basename(options.state)

    def told(outcome: str, reasons: list[Reason]) -> Answer:
        run = nas.runs.get(options.state)
        facts = {"run_id": run_id, "outcome": outcome, "reasons": reasons}
        return (
            "start",
            2 if reasons else 0,
            facts | {"run": _head(nas, run, now) if run else None},
        )

    with nas.change():
        run = nas.runs.get(options.state)
        if run:
            there = surface.at(run, now)
            if there.alive:
                return told("running", [])
            if there.verdict:
                return told("finished", [])
        copy = json.loads(stdin) if options.restore and run is None else None
        drive, _, reasons = judged(nas, options)
        if run:  # what it was released over, it has begun to overwrite
            reasons = [reason for reason in reasons if reason["state"] != "old_data"]
        if copy and copy["run_id"] != run_id:
            reasons = [*reasons, unknown("state", "the copy is of another run")]
        if drive and any(
            other.drive_key == drive.key and surface.at(other, now).alive
            for other in nas.runs.values()
        ):
            text = "another run holds the lock of this drive"
            reasons = [*reasons, because("lock", "in_use", text)]
        if reasons or drive is None:
            return told("refused", reasons)
        if run is None:
            run = nas.runs[options.state] = _new_run(nas, drive, options, run_id, now)
            if copy:
                _restore(run, copy)
            surface.settle(run, now, "resumed" if copy else "started")
        else:
            surface.settle(run, now, "resumed")
            run.alive, run.resumed, run.boot_id = True, run.resumed + 1, nas.boot_id
        if options.rate_limit is not None:
            run.rate_limit = options.rate_limit or None
        limits = [options.temp_pause, options.temp_resume, options.temp_abort]
        run.limits = limits if any(limits) else run.limits
    return told("started", [])


def _new_run(nas: Nas, drive: Drive, options: argparse.Namespace, run_id: str, now: float) -> Run:
    if options.sample:
        whole = float(os.environ.get("IO_VALIDATE_SECONDS") or 25)
    else:
        whole = float(os.environ.get("SURFACE_VALIDATE_SECONDS") or 45)
    run = Run(
        state_dir=options.state,
        run_id=run_id,
        drive_key=drive.key,
        identity={
            "serial": drive.serial,
            "model": drive.model,
            "size_bytes": drive.size_bytes,
            **_sectors(drive),
            "path": drive.path,
        },
        sample=options.sample,
        zero=options.zero,
        passes=options.passes or (1 if options.sample else DEFAULT_PASSES),
        seconds=whole / nas.speed,
        speed=nas.speed,
        seed=hashlib.sha256(run_id.encode()).hexdigest()[:32],
        boot_id=nas.boot_id,
        started=now,
        anchored=now,
        max_bad_sectors=options.max_bad_sectors,
    )
    if drive.fail:
        run.bad_step, run.bad_x = surface.bad_place(run.passes)
    return run


def _restore(run: Run, head: dict[str, Any]) -> None:
    """Go on where the caller's copy of HEAD says that it was."""
    phase, number = head.get("phase"), int(head.get("pass") or 1)
    run.step = {"write": 2 * number - 1, "verify": 2 * number}.get(str(phase), 0)
    run.x = int(head.get("checkpoint_bytes") or 0) / run.size
    run.resumed = int(head.get("resumed") or 0) + 1
    run.seed, run.passes = str(head["seed"]), int(head["passes"])
    run.paused, run.sample = head.get("paused"), head.get("sample") is True


def _of_run(
    act: Callable[[Nas, Run, argparse.Namespace, float], None] | None,
) -> Callable[..., Answer]:
    """A command on one run, which answers its HEAD."""

    def command(nas: Nas, options: argparse.Namespace, stdin: bytes) -> Answer:
        now = time.time()
        if act is None:
            return "run", 0, {"run": _head(nas, _run(nas, options), now)}
        with nas.change():
            run = _run(nas, options)
            act(nas, run, options, now)
            return "run", 0, {"run": _head(nas, run, now)}

    return command


def _pause(nas: Nas, run: Run, options: argparse.Namespace, now: float) -> None:
    if surface.at(run, now).verdict is None:
        surface.settle(run, now, "paused", f"by {options.by}")
        run.paused = {"by": "operator", "reason": f"paused by {options.by}", "since": iso(now)}


def _resume(nas: Nas, run: Run, options: argparse.Namespace, now: float) -> None:
    if run.paused:
        surface.settle(run, now, "resumed", f"by {options.by}")
        run.paused = None


def _stop(nas: Nas, run: Run, options: argparse.Namespace, now: float) -> None:
    if surface.at(run, now).verdict is None:
        surface.settle(run, now, "stopped", f"by {options.by}")
        run.stopped_by, run.alive, run.paused, run.finished = options.by, False, None, now


def _limit(nas: Nas, run: Run, options: argparse.Namespace, now: float) -> None:
    surface.settle(run, now, "limit", f"{options.rate} bytes per second")
    run.rate_limit = options.rate or None


def _remove(nas: Nas, run: Run, options: argparse.Namespace, now: float) -> None:
    if surface.at(run, now).alive:
        raise Trouble(f"the run {run.run_id} is alive")
    del nas.runs[options.state]


def _detail(nas: Nas, options: argparse.Namespace, stdin: bytes) -> Answer:
    run, now = _run(nas, options), time.time()
    return (
        "detail",
        0,
        {
            "run": _head(nas, run, now),
            "detail": heads.detail(run, now, list(_temperatures(nas, run, now))),
        },
    )


def _head(nas: Nas, run: Run, now: float) -> dict[str, Any]:
    return heads.head(run, now, nas.temperature(nas.drives[run.drive_key]))


def _temperatures(nas: Nas, run: Run, now: float) -> Iterator[tuple[float, int]]:
    """As it read them: once a simulated minute, and at most 500."""
    drive, end = nas.drives[run.drive_key], run.finished or now
    count = min(500, 1 + int((end - run.started) * nas.speed / 60))
    for number in range(count):
        when = run.started + (end - run.started) * number / count
        yield when, drive.temperature(when, nas.speed, True)


def _feel(nas: Nas) -> None:
    """Runs that their drive's temperature makes pause, go on or end, do so when somebody looks."""
    now = time.time()
    for path in list(nas.runs):
        celsius = nas.temperature(nas.drives[nas.runs[path].drive_key])
        if surface.feel(nas.runs[path], celsius, now):
            with nas.change():
                run = nas.runs[path]
                surface.act(run, surface.feel(run, celsius, now), celsius, now)


def _status(nas: Nas, options: argparse.Namespace, stdin: bytes) -> Answer:
    now, prefix = time.time(), options.root.rstrip("/") + "/runs/"
    runs = [_head(nas, run, now) for path, run in nas.runs.items() if path.startswith(prefix)]
    # As the agent does: who uses them is not asked here.
    devices = [_device(nas, drive, True, []) for drive in _named(nas, options.smart)]
    return "status", 0, {"host": _host(nas) | {"state_fs": "zfs"}, "runs": runs, "devices": devices}


_COMMANDS: dict[tuple[str, str | None], Callable[..., Answer]] = {
    ("probe", None): _probe,
    ("guard", None): _guard,
    ("status", None): _status,
    ("smart", "abort"): _abort,
    ("smart", "start"): _start_self_test,
    ("surface", "start"): _start,
    ("surface", "status"): _of_run(None),
    ("surface", "pause"): _of_run(_pause),
    ("surface", "resume"): _of_run(_resume),
    ("surface", "stop"): _of_run(_stop),
    ("surface", "limit"): _of_run(_limit),
    ("surface", "remove"): _of_run(_remove),
    ("surface", "detail"): _detail,
}
