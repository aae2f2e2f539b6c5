"""`./run demo`: the whole product against two mock NAS, until Ctrl-C."""

from __future__ import annotations

import argparse
import contextlib
import time
from pathlib import Path

from . import environment
from .errors import Trouble
from .product import ADMIN, Options, Product
from .supervisor import Supervisor


def main(arguments: list[str]) -> int:
    options = _options(arguments)
    environment.enter(environment.RUNTIME)
    began = time.monotonic()
    try:
        with Supervisor(options.data, say) as supervisor:
            product = Product(options, supervisor, lambda what: say(f"starting {what}"))
            product.start()
            say(f"ready after {time.monotonic() - began:.1f} s\n\n{_welcome(product)}")
            while True:
                supervisor.tend()
                time.sleep(0.2)
    except KeyboardInterrupt:
        say("stopped; nothing is left running")
    return 0


def say(line: str) -> None:
    # The terminal may be gone (SIGHUP, a closed pipe): that must not keep the stop from finishing.
    with contextlib.suppress(OSError):
        print(line, flush=True)


def _welcome(product: Product) -> str:
    return (
        f"  Burn-in is at  {product.url}\n"
        f"  log in as      {ADMIN}\n"
        f"  password       {product.password}\n\n"
        f"  nas-1 simulates 15 drives, {product.options.speed:g} times faster than life.\n"
        "  nas-2 has 4 real ones of 256 MiB: files that the agent writes and verifies over SSH.\n"
        f"  Data and logs: {product.data}. Ctrl-C stops everything."
    )


def _options(arguments: list[str]) -> Options:
    parser = argparse.ArgumentParser(prog="./run demo", description=__doc__)
    default = Options(environment.VAR / "demo")
    parser.add_argument("--port", type=int, default=default.port, help="of the page (8080)")
    parser.add_argument("--data", type=Path, default=default.data, help="folder (var/demo)")
    parser.add_argument("--speed", type=float, default=default.speed, help="of the mocks (10)")
    parser.add_argument("--poll-seconds", type=int, default=default.poll_seconds)
    parser.add_argument("--rate-limit-mbps", type=int, default=default.rate_limit_mbps)
    parser.add_argument("--parallel", type=int, default=default.parallel)
    given = parser.parse_args(arguments)
    if not 0 <= given.port <= 65535:
        raise Trouble(f"--port {given.port} is not within 0 to 65535")
    return Options(**(vars(given) | {"data": given.data.resolve()}))
