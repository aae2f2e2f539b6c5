"""A mock NAS behind nas-1, so that a dialog's question whether a drive may be written gets a real
answer: clear for three drives, old data on the fourth. Nobody polls it."""

from __future__ import annotations

import json
from pathlib import Path

from tests.nas import MockNas

#: Free drives of the story that the mock has too, under these names.
FREE = ("sdh", "sdk", "sdl", "sdo")
OLD_DATA = {
    "fact": "signature",
    "state": "old_data",
    "detail": "an ext4 file system labelled “old-media”",
}


def start(nas: MockNas, note: Path) -> None:
    """Start it, and leave for the seed how it is reached and who its drives are."""
    nas.start()
    nas.debug("drive/sdl", {"use": [OLD_DATA]})
    drives = {drive["name"]: drive for drive in nas.debug("state")["drives"]}
    told = {
        "reached": {
            "base_url": nas.url,
            "ssh_host": "127.0.0.1",
            "ssh_port": nas.ssh_port,
            "ssh_key_file": str(nas.key_file),
            "ssh_host_key": nas.host_key,
            "state_dir": str(nas.state_dir),
        },
        "drives": {name: drives[name] for name in FREE},
    }
    note.write_text(json.dumps(told))
