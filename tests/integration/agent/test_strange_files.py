"""What is no file where the agent looks for one of its files: neither hangs nor misleads it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from agent import start
from agent.__main__ import _parser, _request
from tests.integration.agent.host import Host, digest
from tests.untrusted import as_link, of_another


def fifo(path: Path, _: Path) -> None:
    os.mkfifo(path)


def folder(path: Path, _: Path) -> None:
    path.mkdir()


def link(path: Path, to: Path) -> None:
    """To a file that would do."""
    to.write_text('{"name": "da0", "serial": "SERIAL-da0", "model": "TEST", "use": []}')
    path.symlink_to(to)


def zero(path: Path, _: Path) -> None:
    path.symlink_to("/dev/zero")


def device(path: Path, _: Path) -> None:
    os.mknod(path, 0o600 | 0o020000, os.makedev(1, 5))


def huge(path: Path, _: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 40)


Strange = Callable[[Path, Path], None]
STRANGE: list[Strange] = [fifo, folder, link, zero, huge]
if os.geteuid() == 0:
    STRANGE.append(device)


@pytest.mark.parametrize("strange", STRANGE)
def test_as_a_drive_s_description(host: Host, tmp_path: Path, strange: Strange) -> None:
    drive, other = host.drive("da0"), host.drive("da1")
    beside = drive.with_name("da0.drive.json")
    beside.unlink()
    strange(beside, tmp_path / "to")
    before = digest(drive)
    answer = host.start("r1", drive)
    assert answer["outcome"] == "refused"
    assert answer["reasons"][0]["fact"] == "identity"
    assert digest(drive) == before
    assert [one["name"] for one in host.ask("probe", other)["devices"]] == ["da1"]
    expect = ["--expect-serial=SERIAL-da1", f"--expect-size={other.stat().st_size}"]
    assert host.ask("guard", other, *expect)["allowed"]


@pytest.mark.parametrize("name", ["state.json", "lock"])
@pytest.mark.parametrize("strange", STRANGE)
def test_in_a_run_s_folder(host: Host, tmp_path: Path, strange: Strange, name: str) -> None:
    drive = host.drive("da0")
    host.state_dir("r1").mkdir(parents=True)
    strange(host.state_dir("r1") / name, tmp_path / "to")
    if (name, strange) == ("lock", huge):
        return  # a lock's content is not read
    before = digest(drive)
    answer = host.start("r1", drive)
    assert answer["answer"] == "error" or answer["outcome"] == "refused", answer
    assert digest(drive) == before
    assert host.ask("status", "--root", host.root)["runs"] == []


def test_a_link_where_a_file_is_about_to_be_written(host: Host, tmp_path: Path) -> None:
    """A disk of somebody's at the temporary name: it is replaced, not written to."""
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    drive = host.drive("da0")
    host.state_dir("r1").mkdir(parents=True)
    for name in ("state.json.tmp", "detail.json.tmp", "control.json.tmp"):
        (host.state_dir("r1") / name).symlink_to(victim)
    assert host.burn("r1", drive, passes=1)["verdict"] == "passed"
    assert victim.read_bytes() == b"precious"


@pytest.mark.parametrize("place", ["", "runs", "runs/r1"])
@pytest.mark.parametrize(
    ("change", "told"),
    [
        (as_link, "is a link"),
        (lambda folder: folder.chmod(0o777), "others may write"),
        (lambda folder: folder.chmod(0o770), "others may write"),
        pytest.param(
            of_another, "another user", marks=pytest.mark.skipif(os.geteuid() != 0, reason="root")
        ),
    ],
)
def test_a_state_folder_that_others_get_at(
    host: Host, monkeypatch: pytest.MonkeyPatch, place: str, change: Strange, told: str
) -> None:
    """Whoever writes there could begin a run of his own making, or lead ours astray."""
    drive = host.drive("da0")
    before = digest(drive)
    monkeypatch.setenv("BURNIN_MEMORY_DIR", str(host.memory))
    monkeypatch.setenv("BURNIN_MEDIA", str(host.media))
    host.state_dir("r1").mkdir(parents=True)
    change(host.root / place)  # type: ignore[call-arg]
    argv = _parser().parse_args(host.run_argv("run", "r1", drive))
    with pytest.raises(OSError, match=told):  # which the dashboard waits out
        start.run(_request(argv), lambda state: None)
    assert digest(drive) == before
