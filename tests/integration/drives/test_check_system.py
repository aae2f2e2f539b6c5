"""`check_system`: everything that is there, everything that is missing, and the next step."""

from __future__ import annotations

import fcntl
import io
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from audit.models import AuditEvent
from drives import checkup, clients
from drives.hosts import agent
from drives.hosts.ssh import HostError
from drives.models import Drive, HostRun, System
from tests.integration.rows import a_drive, a_job, a_system, system_of
from tests.nas import MockNas
from tests.untrusted import as_link, of_another

from .test_host_key import with_another_key

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(120)]
Start = Callable[..., MockNas]


@pytest.fixture(scope="module")
def one_nas(ssh_keys: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MockNas]:
    """For tests that change nothing but folders of their own on it."""
    nas = MockNas(tmp_path_factory.mktemp("nas"), ssh_keys, media=["da0:FILE0001:TEST-32M:32"])
    yield nas.start()
    nas.stop()


def check(*more: str) -> tuple[str, str]:
    """What it prints, and what it fails with."""
    out = io.StringIO()
    try:
        call_command("check_system", "nas-1", *more, stdout=out)
    except CommandError as error:
        return out.getvalue(), str(error)
    return out.getvalue(), ""


def found(said: str, state: str, what: str, words: str) -> bool:
    return any(
        line.startswith(state.ljust(8) + what) and words in line for line in said.splitlines()
    )


def test_all_that_is_there_is_told(media_nas: MockNas) -> None:
    system_of(media_nas)
    said, error = check()
    assert error == "", said
    assert found(said, "ok", "API", "accepts the key")
    assert found(said, "ok", "version", "TrueNAS-13.0")
    assert found(said, "ok", "listed", "4 in the API") or found(
        said, "ok", "listed", "3 in the API"
    )
    assert found(said, "ok", "boot disks", "")
    assert found(said, "ok", "pools", "tank (1)")
    assert found(said, "ok", "host key", "SHA256:")
    assert found(said, "ok", "login", "by key")
    assert found(said, "ok", "python3", "3.")
    assert found(said, "ok", "smartctl", "/smartctl")
    assert found(said, "ok", "clock", "the same")
    assert re.search(r"state folder +\S+/\.burnin on \w+", said), said
    assert found(said, "ok", "agent", "shipped; 0 runs")
    assert found(said, "ok", "drives", "3 of the API’s")
    assert found(said, "ok", "SMART data", "of da")
    assert "guard" in said
    assert list(media_nas.state_dir.glob("bin/agent-*.pyz"))
    assert "mock-key" not in said


def test_drives_that_one_side_does_not_know_are_named(
    media_nas: MockNas, monkeypatch: pytest.MonkeyPatch
) -> None:
    system_of(media_nas)
    really = agent.AgentHost.probe

    def probe(self: agent.AgentHost, *paths: str, smart: bool = False) -> Any:
        return [one for one in really(self, *paths, smart=smart) if one.serial != "FILE0002"]

    monkeypatch.setattr(agent.AgentHost, "probe", probe)
    said, _ = check()
    assert "only in the API: " in said and "da1 FILE0002" in said


@pytest.mark.parametrize(
    ("facts", "what", "words", "step"),
    [
        ({"api_key": "1-wrong"}, "API", "refuses the API key", "make a new key"),
        ({"base_url": "http://nas.example"}, "API", "plain http", "https"),
        ({"base_url": "http://127.0.0.1:1"}, "API", "connection refused", "address"),
        ({"ssh_port": 1}, "SSH", "connection refused", "SSH service"),
        ({"ssh_user": "nobody"}, "SSH", "refuses nobody’s SSH key", "user’s form"),
        ({"ssh_key_file": "/nowhere/key"}, "SSH", "can’t be read", "readable key"),
        ({"state_dir": "/proc/nothing/here"}, "state folder", "/proc/nothing", "--state-dir"),
    ],
)
def test_what_is_missing_comes_with_the_next_step(
    mock_nas: Start, facts: dict[str, Any], what: str, words: str, step: str
) -> None:
    system_of(mock_nas())
    System.objects.update(**{name: value for name, value in facts.items() if name != "api_key"})
    if "api_key" in facts:
        system = System.objects.get()
        system.api_key = facts["api_key"]
        system.save()
    said, error = check()
    assert "not ready" in error
    assert found(said, "MISSING", what, words), said
    assert step in said[said.index("MISSING") :].splitlines()[1], said


def test_the_line_for_sudo_is_told(mock_nas: Start) -> None:
    nas = mock_nas(options=["--ssh-user", "burnin"])
    system = system_of(nas, ssh_user="burnin")
    said, error = check()
    assert "not ready" in error
    python = nas.data / "bin" / "python3"
    assert f"burnin ALL=(root) NOPASSWD: {python}" in said
    assert f'"sudo_commands_nopasswd": ["{python}"]' in said
    on_core = checkup.sudo_step(system, {"system": "FreeBSD", "python3": "/usr/local/bin/python3"})
    assert '"sudo_nopasswd": true, "sudo_commands": ["/usr/local/bin/python3"]' in on_core
    (nas.data / "sudo-nopasswd").touch()
    said, error = check()
    assert found(said, "ok", "sudo", "burnin") and not error, said


@pytest.mark.parametrize(
    ("script", "words"), [("exit 127", "broken"), ("echo 3.8.1", "3.8.1")], ids=["none", "old"]
)
def test_a_python_that_is_missing_or_old(mock_nas: Start, script: str, words: str) -> None:
    nas = mock_nas()
    system_of(nas)
    (nas.data / "bin" / "python3").write_text(f"#!/bin/sh\n{script}\n")
    said, error = check()
    assert error and found(said, "MISSING", "python3", words), said


def test_a_changed_key_is_told_and_stops(mock_nas: Start) -> None:
    nas = mock_nas()
    system_of(nas)
    with_another_key(nas)
    for what in ("host key", "stopped"):
        said, error = check()
        assert error and found(said, "MISSING", what, "host key"), said
        assert "./run manage confirm_host_key nas-1" in said


def test_a_state_folder_in_memory_is_lost_at_reboot(
    mock_nas: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Everything(set[str]):
        def __contains__(self, _: object) -> bool:
            return True

    monkeypatch.setattr("drives.checkup.IN_MEMORY", Everything())
    system_of(mock_nas(media=["da0:FILE0001:TEST-32M:32"]))
    said, _ = check()
    assert found(said, "note", "state folder", "lost at reboot"), said


@pytest.mark.parametrize("place", ["", "bin", "runs"])
@pytest.mark.parametrize(
    ("change", "words"),
    [
        (as_link, "is a link"),
        (lambda folder: folder.chmod(0o770), "others may write to"),
        pytest.param(
            of_another, "another user", marks=pytest.mark.skipif(os.geteuid() != 0, reason="root")
        ),
    ],
    ids=["link", "mode", "owner"],
)
def test_a_state_folder_that_others_get_at_is_missing_and_gets_no_agent(
    one_nas: MockNas, place: str, change: Callable[[Path], None], words: str
) -> None:
    """The agent begins no run there; and what lies there, root executes."""
    system = system_of(one_nas, state_dir=str(one_nas.data / f"{words}-{place}".replace(" ", "")))
    folder = Path(system.state_dir) / place
    folder.mkdir(parents=True, mode=0o700)
    change(folder)
    said, error = check()
    assert error and found(said, "MISSING", "state folder", words), said
    assert "mode 700; or give another folder" in said
    with pytest.raises(HostError, match=f"isn’t put there.*{words}"):
        clients.host(system).probe()
    assert not [each for each in Path(system.state_dir).rglob("*") if each.is_file()]


# --- --remove ---------------------------------------------------------------------------------
def test_remove_takes_all_of_ours_and_nothing_else(media_nas: MockNas) -> None:
    system = system_of(media_nas)
    clients.host(system).ship()
    drive = next(d for d in clients.host(system).probe() if d.serial == "FILE0001")
    host = clients.host(system)
    host.start_surface(
        "job1-gone",
        drive.path,
        serial="FILE0001",
        size_bytes=drive.size_bytes,
        passes=1,
        rate_limit_bytes_per_second=1_000_000,
    )
    _, error = check("--remove")
    assert "job1-gone" in error, "the host itself says what goes on there"
    host.stop_surface("job1-gone", by="test")
    stranger = media_nas.state_dir / "notes.txt"
    stranger.write_text("mine")
    said, error = check("--remove")
    assert not error and "notes.txt" in said
    assert [file.name for file in media_nas.state_dir.iterdir()] == ["notes.txt"]
    assert not list((media_nas.data / "run").glob("*job1-gone*"))
    assert AuditEvent.objects.filter(note__contains="everything of ours was removed").exists()
    stranger.unlink()
    _, error = check("--remove")
    assert not error and not media_nas.state_dir.exists()
    _, error = check("--remove")
    assert not error, "once more is harmless"


def test_a_living_run_whose_state_cannot_be_read_is_not_removed(media_nas: MockNas) -> None:
    system_of(media_nas)
    folder = media_nas.state_dir / "runs" / "job1-garbled"
    folder.mkdir(parents=True)
    (folder / "state.json").write_text("{")
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert "job1-garbled" in check("--remove")[1]
        assert folder.exists()
    assert check("--remove")[1] == "" and not media_nas.state_dir.exists()


@pytest.mark.parametrize("script", ["echo 1000000000", "echo nonsense; echo =x", "exit 1"])
def test_a_clock_that_is_wrong_or_not_told(mock_nas: Start, script: str) -> None:
    nas = mock_nas()
    system_of(nas)
    date = nas.data / "bin" / "date"
    date.write_text(f"#!/bin/sh\n{script}\n")
    date.chmod(0o755)
    said, error = check()
    assert found(said, "note", "clock", "" if "1000" not in script else " s from this"), said
    assert not error


def test_remove_is_refused_while_anything_is_open(media_nas: MockNas) -> None:
    system = system_of(media_nas)
    clients.host(system).ship()
    drive: Drive = a_drive(system)
    run = HostRun.objects.create(run_id="job1-x", system=system, drive=drive)
    assert "not over" in check("--remove")[1]
    run.delete()
    a_job(drive)
    assert "not over" in check("--remove")[1]
    assert list(Path(media_nas.state_dir).glob("bin/agent-*.pyz"))


def test_an_unknown_name_is_told_with_those_that_are_known(mock_nas: Start) -> None:
    system_of(mock_nas())
    with pytest.raises(CommandError, match="known: nas-1"):
        call_command("check_system", "other")


def test_what_a_host_without_truenas_is_told_to_install() -> None:
    told = {
        (one.state, one.what): one.step
        for kind in (System.Kind.TRUENAS, System.Kind.HOST)
        for one in checkup._programs(System(kind=kind), {"system": "FreeBSD"})
    }
    assert "TrueNAS brings it" in told[checkup.State.MISSING, "zpool"]
    assert "install smartmontools" in told[checkup.State.NOTE, "smartctl"]
    assert "only where that host uses ZFS" in told[checkup.State.NOTE, "zpool"]


@pytest.mark.django_db
def test_one_that_is_paused_is_told_how_it_goes_on() -> None:
    system = a_system(stopped="paused by olga", paused_by="olga")
    (only,) = checkup.look(system)
    assert (only.what, only.step) == ("paused", "Resume polling on its card first")
