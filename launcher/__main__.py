"""What `./run` does: one command a line below, each with its own module."""

from __future__ import annotations

import os
import sys

from . import environment
from .errors import Trouble

USAGE = """\
Burns in hard drives before they are trusted with data.

  ./run demo             everything on this machine, against two mock NAS; Ctrl-C stops it
  ./run up               the product, for real NAS, with the settings of .env
  ./run test [ARG…]      the tests; arguments go to pytest (then only pytest runs)
  ./run long             the whole product, its pages in a browser, kills, long tables of cases
  ./run smoke            real and simulated burn-ins from end to end, in a minute and a half
  ./run check            format, lint, types, import direction, migrations; in seconds
  ./run mock [OPTION…]   a mock NAS: --port --ssh-port --release --names --speed --media
  ./run manage [ARG…]    Django's command line, with the settings of .env
  ./run bench surface    the surface engine beside badblocks
  ./run bench pages      bytes, paint and updates of the home page with 500 drives
  ./run screenshots      every page and dialog of a made-up shelf, light and dark, wide and narrow
  ./run lighthouse       what Lighthouse says of each page, as a table
"""


def main(arguments: list[str]) -> int:
    if not arguments or arguments[0] in {"-h", "--help", "help"}:
        print(USAGE, end="")
        return 0
    command, rest = arguments[0], arguments[1:]
    try:
        match command:
            case "demo":
                from . import demo

                return demo.main(rest)
            case "up":
                from . import up

                return up.main(rest)
            case "smoke":
                from . import smoke

                return smoke.main(rest)
            case "test":
                from . import suite

                return suite.main(rest)
            case "long":
                from . import suite

                return suite.long()
            case "check":
                from . import checks

                return checks.main(rest)
            case "mock":
                from . import mock

                return mock.main(rest)
            case "manage":
                environment.enter(environment.RUNTIME)
                _become([str(environment.PYTHON), "manage.py", *rest])
            case "bench":
                environment.enter(environment.RUNTIME)
                _become([str(environment.PYTHON), "-m", "bench", *rest])
            case "screenshots" | "lighthouse":
                environment.enter(environment.DEVELOPMENT)
                _become([str(environment.PYTHON), "-m", f"tests.story.{command}", *rest])
            case _:
                print(f"run: there is no {command!r}.\n\n{USAGE}", end="", file=sys.stderr)
                return 2
    except Trouble as trouble:
        print(f"run: {trouble}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _become(command: list[str]) -> None:
    sys.stdout.flush()
    os.execv(command[0], command)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
