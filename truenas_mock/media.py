"""File-backed drives: NAME.img is the drive, NAME.img.drive.json beside it says who it is and how
it is used.

    python -m truenas_mock.media DIR --drive NAME:SERIAL:MODEL:MIB[:pool=POOL] …

makes them, as sparse files; those already there are left alone. The files are read at each look,
because the agent on the same host reads them too: what one sees, the other does.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
from pathlib import Path
from typing import Any

from .drives import Drive

#: Where the files of a drive go that /debug lets vanish.
ATTIC = ".vanished"
IN_POOL = "In pool "


def sidecar(image: Path) -> Path:
    return image.with_name(image.name + ".drive.json")


def pool_use(pool: str | None) -> list[dict[str, str]]:
    """The `use` of a drive.json for a member of that pool, or of none."""
    return [{"fact": "pool", "state": "in_use", "detail": IN_POOL + pool}] if pool else []


def is_member(use: dict[str, str]) -> bool:
    """Does this entry of `use` say that the drive is in a pool of this NAS?"""
    return use["fact"] == "pool" and use["state"] == "in_use"


def drives(folder: Path, known: dict[str, Drive], now: float) -> dict[str, Drive]:
    """All drives of the folder by key, vanished ones too; what the NAS itself knows of each is
    taken from `known`."""
    found = {}
    for image in sorted([*folder.glob("*.img"), *(folder / ATTIC).glob("*.img")]):
        if not sidecar(image).is_file():
            continue
        facts = json.loads(sidecar(image).read_bytes())
        key = image.stem
        drive = known.get(key) or Drive(key, "", "", "", None, "", 0, since=now, hours=3)
        drive.name, drive.serial, drive.lunid = facts["name"], facts["serial"], facts.get("lunid")
        drive.model, drive.size_bytes = facts["model"], image.stat().st_size
        drive.rotation_rate = 7200 if facts.get("rotational", True) else 0
        drive.use = facts.get("use", [])
        pools = [use["detail"].removeprefix(IN_POOL) for use in drive.use if is_member(use)]
        drive.pool = pools[0] if pools else None
        drive.vanished = image.parent.name == ATTIC
        drive.path = str(folder / image.name)
        found[key] = drive
    return found


def change(folder: Path, key: str, **facts: Any) -> None:
    """Sets facts (name, serial, use) in a drive's drive.json."""
    file = sidecar(_image(folder, key))
    _replace(file, json.loads(file.read_bytes()) | facts)


def vanish(folder: Path, key: str, gone: bool) -> None:
    """Takes a drive's files out of the folder, or puts them back. A process that has one open keeps
    it."""
    image = _image(folder, key)
    goal = folder / ATTIC if gone else folder
    if image.parent != goal:
        goal.mkdir(exist_ok=True)
        # The sidecar goes first and comes last, so that an image without one is never listed as
        # half a drive.
        for file in [sidecar(image), image] if gone else [image, sidecar(image)]:
            file.rename(goal / file.name)


def _image(folder: Path, key: str) -> Path:
    image = folder / f"{key}.img"
    return image if image.exists() else folder / ATTIC / f"{key}.img"


def _replace(file: Path, facts: dict[str, Any]) -> None:
    temporary = file.with_name(file.name + ".tmp")
    temporary.write_text(json.dumps(facts, indent=1))
    temporary.replace(file)


def make(folder: Path, name: str, serial: str, model: str, mib: int, pool: str | None) -> Path:
    """One drive, if it isn't there yet: a sparse file of that many MiB and its drive.json."""
    folder.mkdir(parents=True, exist_ok=True)
    image = folder / f"{name}.img"
    if not image.exists():
        with image.open("xb") as file:
            os.truncate(file.fileno(), mib << 20)
    if not sidecar(image).exists():
        lunid = "5000c500" + hashlib.sha256(serial.encode()).hexdigest()[:8]
        facts = {"name": name, "serial": serial, "lunid": lunid, "model": model, "rotational": True}
        _replace(sidecar(image), facts | {"use": pool_use(pool)})
    return image


def drive_option(text: str) -> tuple[str, str, str, int, str | None]:
    """NAME:SERIAL:MODEL:MIB[:pool=POOL] in its parts; ValueError where it isn't."""
    name, serial, model, mib, *rest = text.split(":")
    pool = None
    for word in rest:
        key, _, pool = word.partition("=")
        if key != "pool" or not pool:
            raise ValueError(text)
    return name, serial, model, int(mib), pool


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m truenas_mock.media", description="Makes file-backed drives."
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--drive", type=drive_option, action="append", required=True, dest="drives")
    arguments = parser.parse_args()
    for drive in arguments.drives:
        print(make(arguments.folder, *drive))


if __name__ == "__main__":
    main()
