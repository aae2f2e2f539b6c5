"""How the agent is laid down on a host: whole, and never through a link."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from drives.hosts.agent import KEEP_FILE


def test_a_link_at_its_name_leads_nowhere(tmp_path: Path) -> None:
    """Who may write into the state folder could have a disk overwritten by root."""
    disk = tmp_path / "disk"
    disk.write_bytes(bytes(4096))
    file = tmp_path / "bin" / "agent-0.pyz"
    file.parent.mkdir()
    (file.parent / "agent-0.pyz.partial").symlink_to(disk)
    file.symlink_to(disk)
    for content in (b"the agent", b"a newer one"):
        subprocess.run([sys.executable, "-c", KEEP_FILE, str(file)], input=content, check=True)
        assert file.read_bytes() == content and not file.is_symlink()
    assert disk.read_bytes() == bytes(4096)
    assert [each.name for each in file.parent.iterdir()] == [file.name]
