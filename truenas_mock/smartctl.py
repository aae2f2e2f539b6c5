"""smartctl of a host with file-backed drives: `python -m truenas_mock.smartctl DATA OPTION…
DEVICE`.

Reports (-x, -a, -j), starts (-t short|long) and stops (-X) self-tests, as smartctl 7.4 does.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from . import smart
from .nas import Nas

WITH_VALUE = {"-d", "-n", "-t", "-T", "-q", "-r", "-l", "-f"}


def run(nas: Nas, arguments: list[str]) -> tuple[int, str]:
    """(exit status, standard output) of smartctl with these arguments."""
    options: dict[str, str] = {}
    devices = []
    words = iter(arguments)
    for word in words:
        if word in WITH_VALUE:
            options[word] = next(words, "")
        elif word.startswith("-"):
            options[word.partition("=")[0]] = ""
        else:
            devices.append(word)
    drive = nas.drive(path=devices[-1]) if devices else None
    if drive is None:
        return 2, f"Smartctl open device: {devices[-1] if devices else ''} failed: No such device\n"
    now = time.time()
    if "-X" in options:
        with nas.change():
            if test := smart.current(nas.drives[drive.key], now):
                test.end(now, smart.ABORTED)
        return 0, "Self-testing aborted!\n"
    if "-t" in options:
        with nas.change():
            error = smart.start(nas.drives[drive.key], options["-t"].upper(), now, nas.speed)
        return (4, error) if error else (0, "Testing has begun.\n")
    document = smart.smartctl_json(drive, now, nas.temperature(drive), ["smartctl", *arguments])
    return document["smartctl"]["exit_status"], json.dumps(document) + "\n"


if __name__ == "__main__":
    status, output = run(Nas(Path(sys.argv[1])), sys.argv[2:])
    sys.stdout.write(output)
    sys.exit(status)
