"""A program that others wrote for TrueNAS works against the mock as it is: aiotruenas-client, which
logs in by key over the older websocket, and asks for disks, temperatures and pools.

It wants an older version of a part of ours, so it gets a folder of its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.nas import MockNas

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment in which the client is found."""
    folder = tmp_path_factory.mktemp("clients")
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(folder)]
    done = subprocess.run(
        [*install, "-r", str(HERE / "requirements.txt")], capture_output=True, text=True
    )
    if done.returncode:
        pytest.skip(f"aiotruenas-client can't be installed here: {done.stderr[-300:]}")
    return os.environ | {"PYTHONPATH": str(folder)}


@pytest.mark.parametrize("release", ["12.0", "13.0", "22.12", "24.10", "25.04", "25.10"])
def test_disks_temperatures_and_pools(
    client: dict[str, str], mock_nas: Callable[..., MockNas], release: str
) -> None:
    nas = mock_nas(release=release)
    command = [sys.executable, str(HERE / "talk.py"), f"127.0.0.1:{nas.port}"]
    done = subprocess.run(command, env=client, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads(done.stdout)
    known = {one["name"]: one for one in nas.debug("state")["drives"]}
    assert {name: facts[:2] for name, facts in told["disks"].items()} == {
        name: [one["serial"], one["size_bytes"]] for name, one in known.items()
    }
    assert all(20 < facts[2] < 50 for facts in told["disks"].values())
    assert told["pools"] == {"tank": ["ONLINE", 1]}
