"""The agent's door: one command, one JSON object on stdout. Messages for people go to stderr.

A poll asks for status again and again, and most of its time would go into compiling what it doesn't
use: so each command imports its own modules. A run has all of them before its first write.

Exit status: 0 done, 2 refused or (run) inconclusive, 1 (run) failed, 3 an error, told as {"answer":
"error"}.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import TYPE_CHECKING, Any, NoReturn

from . import PROTOCOL, RELEASE, files, host
from .clock import iso
from .files import Garbled
from .folder import Folder
from .pattern import MAX_CHUNK, UNIT
from .state import CHUNK_BYTES, NO_LIMIT, THREADS, Limits

if TYPE_CHECKING:
    from . import start

STOP_SECONDS = 35


class Failed(Exception):
    """Told to the caller as the answer `error`."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise Failed(f"{self.prog}: {message}")


def main(argv: list[str] | None = None) -> NoReturn:
    os.umask(0o077)
    try:
        arguments = _parser().parse_args(argv)
        code = arguments.do(arguments)
    except (Failed, Garbled) as error:
        code = _error(str(error))
    except OSError as error:
        code = _error(str(error))
    except Exception as error:
        code = _error(f"{type(error).__name__}: {error}")
    sys.stdout.flush()
    sys.exit(code)


def _say(answer: str, **content: Any) -> None:
    told = {"protocol": PROTOCOL, "release": RELEASE, "answer": answer, **content}
    print(json.dumps(told, separators=(",", ":")), flush=True)


def _error(text: str) -> int:
    print(text, file=sys.stderr)
    _say("error", error=text[:500] or "an error without words")
    return 3


# --- commands ---------------------------------------------------------------------------------
def _probe(arguments: argparse.Namespace) -> int:
    from . import probe

    _say("probe", host=host.facts(), devices=probe.devices(arguments.devices, arguments.smart))
    return 0


def _guard(arguments: argparse.Namespace) -> int:
    from . import guard

    judgement = guard.judge(
        arguments.device,
        arguments.expect_serial,
        arguments.expect_size,
        released=_released(arguments),
    )
    _say("guard", **judgement.answer())
    return 0 if judgement.allowed else 2


def _released(arguments: argparse.Namespace) -> tuple[str, ...]:
    from . import release

    try:
        return release.parse(arguments.release, arguments.expect_serial or None)
    except release.Unreadable as error:
        raise Failed(str(error)) from error


def _start(arguments: argparse.Namespace) -> int:
    from . import start

    request = _request(arguments)
    outcome = start.start(request)
    run_id = os.path.basename(os.path.abspath(request.state_dir))
    _say("start", run_id=run_id, **vars(outcome))
    return 2 if outcome.outcome == "refused" else 0


def _run(arguments: argparse.Namespace) -> int:
    from . import start

    outcome, verdict = start.run(
        _request(arguments), lambda state: _say("run", run=state.head(alive=True))
    )
    if verdict is None:
        reasons = [reason["reason"] for reason in outcome.reasons]
        if outcome.outcome == "running":
            reasons = ["the run goes on in another process"]
        verdict = _nothing_done(arguments, outcome, reasons)
    _say("verdict", **verdict)
    return {"passed": 0, "failed": 1}.get(verdict["verdict"], 2)


def _nothing_done(
    arguments: argparse.Namespace, outcome: start.Outcome, reasons: list[str]
) -> dict[str, Any]:
    head = outcome.run or {}
    return {
        "verdict": "refused" if outcome.outcome == "refused" else "inconclusive",
        "reasons": reasons or ["asked to leave before the end; it can be resumed"],
        "size_bytes": arguments.expect_size or 0,
        "passes": arguments.passes or (1 if arguments.sample else 2),
        "sample": None,
        "bytes_written": head.get("bytes_written", 0),
        "bytes_verified": head.get("bytes_verified", 0),
        "bytes_zeroed": head.get("bytes_zeroed", 0),
        "error_count": head.get("error_count", 0),
        "errors": [],
        "resumed": head.get("resumed", 0),
    }


def _request(arguments: argparse.Namespace) -> start.Request:
    from . import start

    restore = None
    if arguments.restore:
        try:
            restore = json.loads(sys.stdin.buffer.read(files.BIGGEST_BYTES))
        except ValueError as error:
            raise Failed(f"the state on stdin is no JSON: {error}") from error
    if arguments.sample and arguments.zero:
        raise Failed("--zero goes with the whole drive, not with --sample")
    size = arguments.expect_size
    if size is None:
        raise Failed("--expect-size is missing")
    return start.Request(
        state_dir=arguments.state,
        device=arguments.device,
        serial=arguments.expect_serial or None,
        size_bytes=size,
        passes=arguments.passes,
        rate_limit=arguments.rate_limit,
        max_bad_sectors=arguments.max_bad_sectors,
        chunk_bytes=arguments.chunk,
        threads=arguments.threads,
        checkpoint_seconds=arguments.checkpoint,
        restore=restore,
        released=_released(arguments),
        sample=arguments.sample,
        zero=arguments.zero,
        limits=_limits(arguments),
    )


def _limits(arguments: argparse.Namespace) -> Limits:
    limits = Limits(arguments.temp_pause, arguments.temp_resume, arguments.temp_abort)
    inclining = (limits.resume, limits.pause, limits.abort)
    told = [celsius for celsius in inclining if celsius is not None]
    if told != sorted(told):
        raise Failed("--temp-resume must not be above --temp-pause, nor that above --temp-abort")
    return limits


def _folder(arguments: argparse.Namespace) -> Folder:
    return Folder(arguments.state)


def _tell_run(folder: Folder) -> int:
    head = folder.head() if os.path.isdir(folder.path) else None
    if head is None:
        raise Failed(f"there is no run {folder.run_id}")
    _say("run", run=head)
    return 0


def _surface_status(arguments: argparse.Namespace) -> int:
    return _tell_run(_folder(arguments))


def _wish(arguments: argparse.Namespace, **changes: Any) -> int:
    folder = _folder(arguments)
    if not os.path.isdir(folder.path) or folder.head() is None:
        if not folder.is_alive():
            raise Failed(f"there is no run {folder.run_id}")
        folder.wish(**changes)  # read before its first byte
        raise Failed(f"the run {folder.run_id} is about to begin; it was told")
    folder.wish(**changes)
    return _tell_run(folder)


def _pause(arguments: argparse.Namespace) -> int:
    reason = f"paused by {arguments.by}"
    return _wish(arguments, pause={"by": arguments.by, "reason": reason, "since": iso()})


def _resume(arguments: argparse.Namespace) -> int:
    return _wish(arguments, pause=None)


def _limit(arguments: argparse.Namespace) -> int:
    return _wish(arguments, rate_limit=arguments.rate)


def _stop(arguments: argparse.Namespace) -> int:
    from . import ending

    head = ending.stop(_folder(arguments), arguments.by, STOP_SECONDS)
    if head is None:
        raise Failed(f"there is no run {_folder(arguments).run_id}")
    _say("run", run=head)
    return 0


def _remove(arguments: argparse.Namespace) -> int:
    """Forget a run that is over; a living one stays."""
    from . import ending

    folder = _folder(arguments)
    try:
        head = ending.remove(folder, arguments.by)
    except BlockingIOError as error:
        raise Failed(str(error.strerror)) from error
    if head is None:
        raise Failed(f"there is no run {folder.run_id}")
    _say("run", run=head)
    return 0


def _detail(arguments: argparse.Namespace) -> int:
    folder = _folder(arguments)
    head = folder.head() if os.path.isdir(folder.path) else None
    if head is None:
        raise Failed(f"there is no run {folder.run_id}")
    detail = files.read(folder.detail)
    empty: dict[str, Any] = {"errors": [], "errors_beyond": 0, "regions": {}, "slowest": []}
    empty.update(temperatures=[], events=[])
    _say("detail", run=head, detail=empty if detail is None else detail)
    return 0


def _status(arguments: argparse.Namespace) -> int:
    """A run whose state can't be read is left out: to the caller it is lost, and its copy restores
    it.
    """
    runs = []
    home = os.path.join(arguments.root, "runs")
    for name in sorted(os.listdir(home)) if os.path.isdir(home) else []:
        try:
            head = Folder(os.path.join(home, name)).head()
        except (Garbled, OSError) as error:
            print(f"{name}: {error}", file=sys.stderr)
            continue
        if head is not None:
            runs.append(head)
    paths = [path for group in arguments.smart or [] for path in group]
    devices: list[dict[str, Any]] = []
    if paths:
        from . import probe

        devices = probe.smart_devices(paths)
    _say("status", host=host.status_facts(arguments.root), runs=runs, devices=devices)
    return 0


def _smart(arguments: argparse.Namespace) -> int:
    """Start or end a self-test, only on the very drive that is meant."""
    from . import identity, smart

    try:
        drive = identity.identify(arguments.path)
    except identity.Unidentified as error:
        raise Failed(error.reason) from error
    expected = arguments.expect_serial or None
    if drive.serial != expected:
        raise Failed(f"expected serial {expected or 'none'}, found {drive.serial or 'none'}")
    if arguments.action == "start":
        done, output = smart.start(drive.path, arguments.type, expected)
    else:
        done, output = smart.abort(drive.path, expected)
    _say("smart", path=drive.path, done=done, output=output)
    return 0


# --- arguments --------------------------------------------------------------------------------
def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="agent", allow_abbrev=False)
    commands = parser.add_subparsers(required=True, dest="command", parser_class=_Parser)

    command = commands.add_parser("probe")
    command.add_argument("devices", nargs="*", metavar="DEVICE")
    command.add_argument("--smart", action="store_true")
    command.set_defaults(do=_probe)

    command = commands.add_parser("guard")
    command.add_argument("device")
    _expectations(command)
    command.set_defaults(do=_guard)

    command = commands.add_parser("status")
    command.add_argument("--root", required=True)
    command.add_argument("--smart", nargs="*", action="append", metavar="PATH")
    command.set_defaults(do=_status)

    smart_commands = commands.add_parser("smart").add_subparsers(
        required=True, dest="action", parser_class=_Parser
    )
    for name in ("start", "abort"):
        command = smart_commands.add_parser(name)
        command.add_argument("path")
        command.add_argument("--expect-serial", required=True)
        if name == "start":
            command.add_argument("--type", choices=("short", "long"), required=True)
        command.set_defaults(do=_smart)

    surface = commands.add_parser("surface").add_subparsers(
        required=True, dest="action", parser_class=_Parser
    )
    for name, do in (("start", _start), ("run", _run)):
        command = surface.add_parser(name)
        command.add_argument("--state", required=True, metavar="DIR")
        command.add_argument("--device", required=True)
        _expectations(command)
        command.add_argument("--passes", type=_between(1, 100))
        command.add_argument("--sample", action="store_true", help="a part of it only")
        command.add_argument("--rate-limit", type=_between(0, 1 << 50), metavar="BYTES_PER_SECOND")
        command.add_argument("--max-bad-sectors", type=_between(1, 1 << 50))
        command.add_argument(
            "--continue",
            action="store_const",
            const=NO_LIMIT,
            dest="max_bad_sectors",
            help="map all bad sectors, however many",
        )
        command.add_argument("--zero", action="store_true", help="zeros after the last pass")
        for limit in ("pause", "resume", "abort"):
            command.add_argument(f"--temp-{limit}", type=_between(1, 119), metavar="CELSIUS")
        command.add_argument("--chunk", type=_chunk, default=CHUNK_BYTES, metavar="BYTES")
        command.add_argument("--threads", type=_between(1, 16), default=THREADS)
        command.add_argument("--checkpoint", type=_seconds, metavar="SECONDS")
        command.add_argument("--restore", action="store_true", help="HEAD comes on stdin")
        command.set_defaults(do=do)
    for name, do in (
        ("status", _surface_status),
        ("pause", _pause),
        ("resume", _resume),
        ("stop", _stop),
        ("remove", _remove),
        ("detail", _detail),
        ("limit", _limit),
    ):
        command = surface.add_parser(name)
        command.add_argument("--state", required=True, metavar="DIR")
        command.add_argument("--by", default="operator")
        if name == "limit":
            command.add_argument("--rate", type=_between(0, 1 << 50), required=True)
        command.set_defaults(do=do)
    return parser


def _expectations(command: argparse.ArgumentParser) -> None:
    command.add_argument("--expect-serial", default="")
    command.add_argument("--expect-size", type=_between(1, 1 << 62), required=True)
    command.add_argument("--release", default="", metavar="SERIAL:FINDING,FINDING")


def _between(least: int, most: int) -> Any:
    def number(text: str) -> int:
        value = int(text)
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{value} is not between {least} and {most}")
        return value

    return number


def _chunk(text: str) -> int:
    value = int(text)
    if value % UNIT or not UNIT <= value <= MAX_CHUNK:
        raise argparse.ArgumentTypeError(f"no multiple of {UNIT} up to {MAX_CHUNK}")
    return value


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 3600:
        raise argparse.ArgumentTypeError(f"{value} is not between 0 and 3600")
    return value


if __name__ == "__main__":
    main()
