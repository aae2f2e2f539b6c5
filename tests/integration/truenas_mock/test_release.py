"""Old data on the mock's drives: found, named, released; and what can't be released."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.nas import MockNas

from .host import Host

OLD = {"fact": "signature", "state": "old_data", "detail": "ext at byte 1024"}
USED = {"fact": "mount", "state": "in_use", "detail": "mounted at /mnt"}


def ask(host: Host, what: str, name: str, release: str = "", run_id: str = "r1") -> Any:
    device = host.device(name)
    argv = ["guard", device["path"]]
    if what == "start":
        argv = ["surface", "start", "--state", host.run_dir(run_id), "--device", device["path"]]
    argv += [f"--expect-serial={device['serial']}", f"--expect-size={device['size_bytes']}"]
    return host.agent(*argv, *([f"--release={release}"] if release else []), status=None)


def released(host: Host, name: str) -> str:
    found = ask(host, "guard", name)["reasons"]
    return f"{host.device(name)['serial']}:{','.join(one['release'] for one in found)}"


@pytest.fixture(params=["simulated", "file-backed"])
def drive(
    request: pytest.FixtureRequest, nas: MockNas, mock_nas: Callable[..., MockNas]
) -> tuple[MockNas, str]:
    if request.param == "simulated":
        return nas, "sda"
    media = mock_nas(media=["da0:FILE0001:TEST-32M:32"], env={"BURNIN_TXG_SECONDS": "0"})
    return media, "da0"


def test_old_data_is_released_by_its_name_only(drive: tuple[MockNas, str]) -> None:
    nas, name = drive
    with Host(nas) as host:
        host.ship()
        nas.debug(f"drive/{name}", {"use": [OLD]})
        refused = ask(host, "guard", name)
        assert refused["facts"]["signature"] == "old_data" and not refused["allowed"]
        token = released(host, name)
        assert ask(host, "start", name)["outcome"] == "refused"

        nas.debug(f"drive/{name}", {"use": [OLD, {**OLD, "detail": "xfs at byte 0"}]})
        (left,) = ask(host, "guard", name, token)["reasons"]
        assert left["reason"] == "xfs at byte 0"
        assert ask(host, "start", name, token)["outcome"] == "refused"

        nas.debug(f"drive/{name}", {"use": [OLD]})
        allowed = ask(host, "guard", name, token)
        assert allowed["allowed"] and allowed["facts"]["signature"] == "released"
        assert allowed["reasons"] == []
        assert ask(host, "guard", name, token.replace(":", "X:", 1))["answer"] == "error"
        assert ask(host, "start", name, token)["outcome"] == "started"


def test_what_is_in_use_has_no_name_to_release(drive: tuple[MockNas, str]) -> None:
    nas, name = drive
    with Host(nas) as host:
        host.ship()
        nas.debug(f"drive/{name}", {"use": [OLD]})
        token = released(host, name)
        nas.debug(f"drive/{name}", {"use": [OLD, USED]})
        answer = ask(host, "guard", name, token)
        assert [one.get("release") for one in answer["reasons"]] == [None]
        assert ask(host, "start", name, token)["outcome"] == "refused"
