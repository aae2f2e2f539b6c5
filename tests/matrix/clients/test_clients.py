"""Programs that others wrote for TrueNAS work against the mock as they are: aiotruenas-client by
the older websocket, truenaspy by REST, pytruenas by JSON-RPC. They log in by key, ask for disks by
filters and options, temperatures, pools and the system, wait for jobs, subscribe, and understand
what is refused.

They want other versions of parts of ours, so they get a folder of their own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.nas import MockNas

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment in which they are found."""
    folder = tmp_path_factory.mktemp("clients")
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(folder)]
    done = subprocess.run(
        [*install, "-r", str(HERE / "requirements.txt")], capture_output=True, text=True
    )
    if done.returncode:
        pytest.skip(f"the clients can't be installed here: {done.stderr[-300:]}")
    return os.environ | {"PYTHONPATH": str(folder)}


def told_by(program: str, nas: MockNas, clients: dict[str, str]) -> dict[str, Any]:
    command = [sys.executable, str(HERE / program), f"127.0.0.1:{nas.port}"]
    done = subprocess.run(command, env=clients, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr[-2000:]
    return dict(json.loads(done.stdout))


def known_of(nas: MockNas) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in nas.debug("state")["drives"]}


@pytest.mark.parametrize("release", ["12.0", "13.0", "22.12", "24.10", "25.04", "25.10"])
def test_the_older_websocket(
    clients: dict[str, str], mock_nas: Callable[..., MockNas], release: str
) -> None:
    nas = mock_nas(release=release)
    told, known = told_by("websocket_of_old.py", nas, clients), known_of(nas)
    assert {name: facts[:2] for name, facts in told["disks"].items()} == {
        name: [one["serial"], one["size_bytes"]] for name, one in known.items()
    }
    assert all(20 < facts[2] < 50 for facts in told["disks"].values())
    assert told["pools"] == {"tank": ["ONLINE", 1]}


@pytest.mark.parametrize("release", ["22.12", "24.04"])
def test_rest(clients: dict[str, str], mock_nas: Callable[..., MockNas], release: str) -> None:
    """Its own range: CORE has no version_short, 24.10 no is_freenas."""
    nas = mock_nas(release=release)
    told, known = told_by("rest.py", nas, clients), known_of(nas)
    assert {name: facts[0] for name, facts in told["disks"].items()} == {
        name: one["serial"] for name, one in known.items()
    }
    assert all(20 < facts[1] < 50 for facts in told["disks"].values())
    assert told["pools"] == {"tank": "ONLINE", "boot-pool": "ONLINE"}
    assert release in told["version"] and "smartd" in told["services"]
    assert (told["alerts"], told["key"], told["path"]) == (
        [], "AuthenticationFailed", "NotFoundError"
    )  # fmt: skip


@pytest.mark.parametrize("release", ["25.04", "25.10", "26"])
def test_json_rpc(clients: dict[str, str], mock_nas: Callable[..., MockNas], release: str) -> None:
    nas = mock_nas(release=release, speed=5)
    told, known = told_by("json_rpc.py", nas, clients), known_of(nas)
    assert told["disks"] == {name: one["serial"] for name, one in known.items()}
    assert (told["members"], told["count"]) == (["sdi", "sdj"], 15)
    assert told["pools"] == {"tank": "ONLINE"} and release in told["version"]
    assert (told["found"], told["seen"][0], told["seen"][-1]) == ([], "RUNNING", "SUCCESS")
    where = "query-options" if release == "25.04" else "options"
    assert told["invalid"] == ["invalid", [f"{where}.sort"]]
    assert told["nothing"] == [22, "MatchNotFound()"]
    assert told["missing"] == [None, "Method does not exist"]
