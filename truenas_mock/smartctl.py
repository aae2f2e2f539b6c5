"""smartctl of a host with file-backed drives: DATA OPTION… DEVICE.

Reports (-x, -a, with -j or --json), starts (-t short) and stops (-X) self-tests, as smartctl 7.4
does. What it says of a drive is what the NAS says of it too: both read the same state.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from . import smart
from .drives import Drive
from .nas import Nas

WITH_VALUE = {"-d", "-n", "-t", "-T", "-q", "-r", "-l", "-f", "-v", "-o", "-S", "-s", "-g"}
HEAD = (
    "smartctl 7.4 2023-08-01 r5530 [FreeBSD 13.1-RELEASE-p9 amd64] (local build)\n"
    "Copyright (C) 2002-23, Bruce Allen, Christian Franke, www.smartmontools.org\n\n"
)
ABORTED = 'Sending command: "Abort SMART off-line mode self-test routine".\nSelf-testing aborted!\n'


def main() -> None:
    data, *arguments = sys.argv[1:]
    status, output = run(Nas(Path(data)), arguments)
    sys.stdout.write(output)
    sys.exit(status)


def run(nas: Nas, arguments: list[str]) -> tuple[int, str]:
    """(exit status, standard output) of smartctl with these arguments."""
    options, device = _parse(arguments)
    drive = nas.drive(path=device)
    if drive is None:
        return 2, _no_device(device, arguments, "-j" in options)
    now = time.time()
    if "-X" in options:
        with nas.change():
            smart.stop(nas.drives[drive.key], now)
        return 0, HEAD + ABORTED
    if "-t" in options:
        kind = options["-t"].upper()
        if kind not in smart.SECONDS:
            return 1, HEAD + f"=======> INVALID ARGUMENT TO -t: {options['-t']}\n"
        with nas.change():
            error = smart.start(nas.drives[drive.key], kind, now, nas.speed)
        return (4, error) if error else (0, HEAD + "Testing has begun.\n")
    report = document(nas, drive, arguments)
    status: int = report["smartctl"]["exit_status"]
    return status, _json(report) if "-j" in options else HEAD + _text(report)


def document(nas: Nas, drive: Drive, arguments: list[str]) -> dict[str, Any]:
    """What `smartctl -j` with these arguments says of a drive."""
    words = ["smartctl", *arguments]
    return smart.smartctl_json(drive, time.time(), nas.temperature(drive), words)


def _parse(arguments: list[str]) -> tuple[dict[str, str], str]:
    options: dict[str, str] = {}
    device = ""
    words = iter(arguments)
    for word in words:
        if word in WITH_VALUE:
            options[word] = next(words, "")
        elif word == "-j" or word.startswith("--json"):
            options["-j"] = ""
        elif word.startswith("--test="):
            options["-t"] = word.partition("=")[2]
        elif word == "--abort":
            options["-X"] = ""
        elif word.startswith("-"):
            options[word] = ""
        else:
            device = word
    return options, device


def _no_device(device: str, arguments: list[str], as_json: bool) -> str:
    words = f"Smartctl open device: {device} failed: No such device"
    if not as_json:
        return f"{HEAD}{words}\n"
    messages = [{"string": words, "severity": "error"}]
    told = {"version": [7, 4], "argv": ["smartctl", *arguments], "messages": messages}
    return _json({"json_format_version": [1, 0], "smartctl": told | {"exit_status": 2}})


def _json(document: dict[str, Any]) -> str:
    return json.dumps(document) + "\n"


def _text(document: dict[str, Any]) -> str:
    """A short one: whoever wants more asks for JSON."""
    return (
        "=== START OF INFORMATION SECTION ===\n"
        f"Device Model:     {document['model_name']}\n"
        f"Serial Number:    {document['serial_number']}\n"
        f"User Capacity:    {document['user_capacity']['bytes']:,} bytes\n\n"
        "=== START OF READ SMART DATA SECTION ===\n"
        "SMART overall-health self-assessment test result: PASSED\n"
    )


if __name__ == "__main__":
    main()
