"""smartctl of the host: DATA OPTION… DEVICE.

Reports (-x, -a, -i, with -j or --json), starts (-t short) and stops (-X) self-tests, as versions
7.2 to 7.5 do: what each says of the three kinds of drive is in `ata`, `scsi` and `nvme`. What it
says of a drive is what the NAS says of it too: both read the same state.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from . import ata, nvme, scsi, smart
from .drives import Drive
from .nas import Nas

WITH_VALUE = {"-d", "-n", "-t", "-T", "-q", "-r", "-l", "-f", "-v", "-o", "-S", "-s", "-g"}
#: Day, revision and year of each version.
VERSIONS = {
    (7, 2): ("2020-12-30", "5155", "20"),
    (7, 3): ("2022-02-28", "5338", "22"),
    (7, 4): ("2023-08-01", "5530", "23"),
    (7, 5): ("2025-04-30", "5714", "25"),
}
PLATFORMS = {
    "FreeBSD": "FreeBSD 13.1-RELEASE-p9 amd64",
    "Linux": "x86_64-linux-6.12.15-production+truenas",
}
ABORTED = {"ata": ata.ABORTED, "scsi": scsi.ABORTED, "nvme": nvme.ABORTED}


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
        return 2, _no_device(nas, device, arguments, "-j" in options)
    if "-X" in options:
        with nas.change():
            smart.stop(nas.drives[drive.key], time.time())
        return 0, _head(nas) + ABORTED[drive.protocol]
    if "-t" in options:
        kind = options["-t"].upper()
        if kind not in smart.SECONDS:
            return 1, _head(nas) + f"=======> INVALID ARGUMENT TO -t: {options['-t']}\n"
        status, words = _start(nas, drive.key, kind)
        return status, _head(nas) + words
    report = document(nas, drive, arguments)
    status = report["smartctl"]["exit_status"]
    return status, _json(report) if "-j" in options else _head(nas) + _text(report)


def _start(nas: Nas, key: str, kind: str) -> tuple[int, str]:
    """`-t`: starts it where nothing speaks against it. A drive that refuses says no more."""
    with nas.change():
        drive, now = nas.drives[key], time.time()
        running = smart.current(drive, now)
        if drive.protocol == "nvme" and nas.smartctl < (7, 4):
            return 0, ""  # it doesn't know of them, and doesn't say so
        if drive.refuses:
            return 4, 'Command "Execute SMART self-test routine" failed: Input/output error\n'
        if drive.protocol == "ata":
            status, words = ata.start(drive, running, now)
        elif drive.protocol == "scsi":
            status, words = scsi.start(drive, running, kind)
        else:
            status, words = nvme.start(drive, running, now, kind)
        if status == 0:
            smart.start(drive, kind, now, nas.speed)
        return status, words


def document(nas: Nas, drive: Drive, arguments: list[str]) -> dict[str, Any]:
    """What `smartctl -j` with these arguments says of a drive."""
    now, version = time.time(), nas.smartctl
    temperature = nas.temperature(drive)
    security = "security" in arguments or "-x" in arguments
    if drive.protocol == "ata":
        status, found = ata.document(drive, now, temperature, version, security)
    elif drive.protocol == "scsi":
        status, found = scsi.document(drive, now, temperature, version)
    else:
        status, found = nvme.document(drive, now, temperature, version)
    head = _told(nas, arguments, status)
    if drive.protocol == "scsi" and any(_wants_text(word) for word in arguments):
        head["output"] = [*_head(nas).splitlines(), *scsi.text(drive, now)]
    return {
        "json_format_version": [1, 0],
        "smartctl": head,
        "local_time": {
            "time_t": int(now),
            "asctime": time.strftime("%a %b %d %H:%M:%S %Y UTC", time.gmtime(now)),
        },
        **found,
    }


def _wants_text(word: str) -> bool:
    """--json=o has the text beside the JSON."""
    return word.startswith("--json=") and "o" in word.partition("=")[2]


def _told(nas: Nas, arguments: list[str], status: int) -> dict[str, Any]:
    newer = {"pre_release": False} if nas.smartctl >= (7, 3) else {}
    return {
        "version": list(nas.smartctl),
        **newer,
        "svn_revision": VERSIONS[nas.smartctl][1],
        "platform_info": PLATFORMS[nas.system],
        "build_info": "(local build)",
        "argv": ["smartctl", *arguments],
        "drive_database_version": {"string": "7.3/5528"},
        "exit_status": status,
    }


def _head(nas: Nas) -> str:
    day, revision, year = VERSIONS[nas.smartctl]
    version = ".".join(map(str, nas.smartctl))
    return (
        f"smartctl {version} {day} r{revision} [{PLATFORMS[nas.system]}] (local build)\n"
        f"Copyright (C) 2002-{year}, Bruce Allen, Christian Franke, www.smartmontools.org\n\n"
    )


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


def _no_device(nas: Nas, device: str, arguments: list[str], as_json: bool) -> str:
    words = f"Smartctl open device: {device} failed: No such device"
    if not as_json:
        return f"{_head(nas)}{words}\n"
    messages = [{"string": words, "severity": "error"}]
    told = _told(nas, arguments, 2) | {"messages": messages}
    return _json({"json_format_version": [1, 0], "smartctl": told})


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
