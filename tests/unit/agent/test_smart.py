"""smartctl as the agent calls it: a stand-in hangs, asks for a type, or is another drive."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from agent import smart

CAPTURED = Path(__file__).parents[1] / "drives" / "captured"


@pytest.fixture
def smartctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Put a shell script in smartctl's place."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setenv("BURNIN_MEMORY_DIR", str(tmp_path / "memory"))
    smart._lock_folder.cache_clear()
    monkeypatch.setattr(smart, "LOCK_SECONDS", 0.2)

    def install(script: str) -> None:
        program = folder / "smartctl"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)

    yield install
    smart._lock_folder.cache_clear()


def test_a_bridge_that_smartctl_does_not_know_is_told_to_it(smartctl: Any) -> None:
    plain = CAPTURED / "smartctl_info_hitachi_autodetect.json"
    sat = CAPTURED / "smartctl_info_hitachi_sat.json"
    smartctl(f'case " $* " in *" -d sat "*) cat {sat};; *) cat {plain}; exit 4;; esac')
    found = smart.read("/dev/sda")
    assert found.type == "sat"
    assert found.serial == "MK0000000000000"


def test_a_drive_that_no_type_helps_keeps_its_first_answer(smartctl: Any) -> None:
    plain = CAPTURED / "smartctl_info_hitachi_autodetect.json"
    smartctl(f'case " $* " in *" -d "*) echo "{{}}"; exit 2;; *) cat {plain}; exit 4;; esac')
    found = smart.read("/dev/sda")
    assert (found.type, found.serial, found.exit) == ("", None, 4)


def test_a_bridge_that_hangs_on_every_type_is_given_up(
    smartctl: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each for half a minute would be more than the caller waits for all drives of the host."""
    monkeypatch.setattr(smart, "SECONDS", 0.5)
    plain, calls = CAPTURED / "smartctl_info_hitachi_autodetect.json", tmp_path / "calls"
    smartctl(
        f'echo >> {calls}; case " $* " in *" -d "*) exec sleep 60;; *) cat {plain}; exit 4;; esac'
    )
    assert smart.read("/dev/sda").exit == 4, "its first answer"
    assert len(calls.read_text()) == 2, "and one type"


def test_one_that_hangs_holds_up_no_other(smartctl: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smart, "SECONDS", 1)
    answer = json.dumps({"smartctl": {"exit_status": 0}, "serial_number": "A"})
    smartctl(f"case \"$*\" in *hung*) exec sleep 60;; *) echo '{answer}';; esac")
    begun = time.monotonic()
    found = smart.read_all(["/dev/hung", "/dev/a", "/dev/b"])
    assert time.monotonic() - begun < 30
    assert "did not answer" in str(found["/dev/hung"].error)
    assert found["/dev/a"].serial == found["/dev/b"].serial == "A"


def test_a_drive_whose_smartctl_still_hangs_is_not_asked_again(smartctl: Any) -> None:
    folder = smart._lock_folder()
    assert folder is not None
    held = smart._lock("/dev/sda")
    try:
        smartctl("echo '{}'")
        assert "has not ended yet" in str(smart.read("/dev/sda").error)
        assert smart.read("/dev/sdb").error is None
    finally:
        assert held is not None
        os.close(held)
    assert smart.read("/dev/sda").error is None


@pytest.mark.parametrize(
    ("platform", "path", "asked"),
    [
        ("freebsd13", "/dev/nvd3", "/dev/nvme3"),
        ("freebsd13", "/dev/nda12", "/dev/nvme12"),
        ("freebsd13", "/dev/ada0", "/dev/ada0"),
        ("linux", "/dev/nvme0n1", "/dev/nvme0n1"),
    ],
)
def test_freebsds_nvme_disks_are_asked_by_their_controller(
    smartctl: Any, monkeypatch: pytest.MonkeyPatch, platform: str, path: str, asked: str
) -> None:
    monkeypatch.setattr(smart.sys, "platform", platform)
    smartctl('for word; do last=$word; done; echo "{\\"serial_number\\": \\"$last\\"}"')
    assert smart.read(path).serial == asked


def test_no_other_drive_is_commanded(smartctl: Any, tmp_path: Path) -> None:
    """By that path smartctl reaches another drive than the one that was identified."""
    calls = tmp_path / "calls"
    answer = json.dumps({"smartctl": {"exit_status": 0}, "serial_number": "OTHER"})
    smartctl(f"echo \"$*\" >> {calls}; echo '{answer}'")
    assert smart.start("/dev/sda", "short", "MINE")[0] is False
    assert smart.abort("/dev/sda", "MINE")[0] is False
    assert smart.abort("/dev/sda", None)[0] is False
    assert "-t" not in calls.read_text().split()
    assert "-X" not in calls.read_text().split()
    assert smart.abort("/dev/sda", "OTHER")[0] is True


def test_a_test_that_runs_already_is_not_begun(smartctl: Any) -> None:
    answer = json.dumps({"smartctl": {"exit_status": 0}, "serial_number": "A"})
    words = "Can't start self-test without aborting current test (90% remaining)"
    smartctl(f'case " $* " in *" -t "*) echo "{words}";; *) echo \'{answer}\';; esac')
    begun, said = smart.start("/dev/sda", "short", "A")
    assert not begun
    assert "without aborting" in said
