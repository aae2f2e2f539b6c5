"""`python -m truenas_mock --data DIR --authorized-key FILE …`: one process is one NAS.

It listens on loopback, unless --host says otherwise, and writes DATA/ready.json once it does.
SIGTERM powers the NAS off, which ends the processes of its host; SIGKILL ends only this program, as
a crash of the middleware would.
"""

from __future__ import annotations

import argparse
import asyncio
import fcntl
import json
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

from . import auth, flips, host, web
from .debug import Debug
from .drives import KINDS
from .faults import Faults
from .middleware import Middleware
from .nas import Nas
from .releases import Release, release
from .shell import USER, Shell
from .tls import Certificate


def main() -> None:
    options = _options()
    options.data.mkdir(parents=True, exist_ok=True)
    with (options.data / "nas.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            sys.exit(f"Another mock NAS runs in {options.data}")
        nas = Nas(options.data)
        if not nas.boot_id:
            host.kill_all(nas)  # nothing of a host outlives its power
        played = options.release
        names = options.names or played.names
        nas.power_on(
            options.speed,
            names,
            options.media,
            played.system,
            played.smartctl,
            options.kinds,
            options.machine,
        )
        host.prepare(nas)
        try:
            asyncio.run(_serve(nas, options))
        except OSError as error:
            sys.exit(f"The mock NAS can't listen: {error}")


async def _serve(nas: Nas, options: argparse.Namespace) -> None:
    faults = Faults()
    middleware = Middleware(nas, options.release)
    who = (options.ssh_user, options.ssh_password)
    shell = Shell(nas, faults, options.authorized_key, *who, host=options.host)
    await shell.start(options.ssh_port)
    debug = Debug(nas, middleware, faults, shell)
    answers = web.handler(None if options.linux else middleware, debug, faults)
    servers = [web.listen(answers, options.host, options.port)]
    if options.tls_port is not None:
        certificate = Certificate(nas.data)
        servers.append(web.listen(answers, options.host, options.tls_port, certificate))
    if nas.media:
        flips.watch(nas)
    off = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, off.set)
    ports = [one.server_address[1] for one in servers]
    ready = {"pid": os.getpid(), "ssh_port": shell.port, "port": ports[0]}
    ready |= {"tls_port": ports[1]} if ports[1:] else {}
    _write(nas.data / "ready.json", json.dumps(ready | {"host_key": shell.public_key}))
    print(
        f"{options.release.version} on http://127.0.0.1:{ready['port']} (key {auth.KEY}), "
        f"SSH on port {shell.port}",
        flush=True,
    )
    await off.wait()
    (nas.data / "ready.json").unlink()
    for one in servers:
        one.shutdown()
        one.server_close()
    await shell.stop()
    with nas.change():
        nas.lose_power()
    host.kill_all(nas)
    os._exit(0)  # threads that still wait for something have nobody left to answer


def _write(file: Path, text: str) -> None:
    temporary = file.with_name(file.name + ".tmp")
    temporary.write_text(text)
    temporary.replace(file)


def _release(text: str) -> Release:
    try:
        return release(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _kinds(text: str) -> list[str]:
    kind, _, number = text.partition("*")
    if kind not in KINDS or not (number or "1").isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is no KIND[*NUMBER]")
    return [kind] * int(number or "1")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m truenas_mock", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of its state")
    parser.add_argument("--port", type=int, default=0, help="of the API; 0 takes a free one")
    parser.add_argument("--tls-port", type=int, help="of the API by https too; 0 takes a free one")
    parser.add_argument(
        "--host", default="127.0.0.1", metavar="ADDRESS", help="where API and SSH listen"
    )
    parser.add_argument("--ssh-port", type=int, default=0)
    parser.add_argument("--release", type=_release, default=release("13.0"))
    parser.add_argument("--linux", action="store_true", help="no TrueNAS: SSH alone, no API")
    parser.add_argument(
        "--drive",
        type=_kinds,
        action="extend",
        default=[],
        dest="kinds",
        metavar="KIND[*NUMBER]",
        help=f"more simulated drives, of one kind: {', '.join(KINDS)}; may come again",
    )
    parser.add_argument(
        "--machine",
        default="",
        metavar="NAME",
        help="gives the simulated drives serials of their own, where several mocks run",
    )
    parser.add_argument("--names", choices=("sd", "core"), help="of the simulated drives")
    parser.add_argument("--speed", type=float, default=1.0, help="how much faster than life")
    parser.add_argument("--media", type=Path, help="folder of file-backed drives")
    parser.add_argument("--authorized-key", type=Path, required=True, help="who may log in")
    parser.add_argument("--ssh-user", default=USER, help="the one who may")
    parser.add_argument("--ssh-password", help="lets that user in too")
    options = parser.parse_args()
    if options.linux:
        options.release = replace(release("25.10"), version="Linux without an API")
    if options.speed <= 0:
        parser.error("--speed must be more than 0")
    for file in filter(None, (options.authorized_key, options.media)):
        if not file.exists():
            parser.error(f"{file} does not exist")
    return options


if __name__ == "__main__":
    main()
