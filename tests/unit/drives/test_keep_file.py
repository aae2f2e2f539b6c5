"""What is laid down on a host, never through a link; and taken away, nothing but ours."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

from drives.hosts.agent import KEEP_FILE, REMOVE_ALL
from tests.waiting import wait_for


def keep(file: Path, content: bytes) -> list[str]:
    """The command that keeps this content."""
    digest = hashlib.sha256(content).hexdigest()
    return [sys.executable, "-c", KEEP_FILE, str(file), digest]


def test_a_link_at_its_name_leads_nowhere(tmp_path: Path) -> None:
    """Who may write into the state folder could have a disk overwritten by root."""
    disk = tmp_path / "disk"
    disk.write_bytes(bytes(4096))
    file = tmp_path / "bin" / "agent-0.pyz"
    file.parent.mkdir()
    file.symlink_to(disk)
    for content in (b"the agent", b"a newer one"):
        subprocess.run(keep(file, content), input=content, check=True)
        assert file.read_bytes() == content and not file.is_symlink()
    assert disk.read_bytes() == bytes(4096)
    assert [each.name for each in file.parent.iterdir()] == [file.name]


def test_two_that_keep_it_at_once_leave_it_whole(tmp_path: Path) -> None:
    """A poll and a stage's step may both find that it isn't there yet."""
    file = tmp_path / "bin" / "agent-0.pyz"
    command = keep(file, b"the agent")
    slow = subprocess.Popen(command, stdin=subprocess.PIPE)
    assert slow.stdin is not None
    wait_for(lambda: list(tmp_path.glob("bin/*")), 30, "the first has begun")
    subprocess.run(command, input=b"the agent", check=True)
    assert file.read_bytes() == b"the agent"
    slow.communicate(b"the agent", timeout=30)
    assert slow.returncode == 0 and file.read_bytes() == b"the agent"
    assert [each.name for each in file.parent.iterdir()] == [file.name]


def test_what_is_cut_short_is_not_kept(tmp_path: Path) -> None:
    """A connection that breaks ends the input; half an agent would never be shipped again."""
    file = tmp_path / "bin" / "agent-0.pyz"
    done = subprocess.run(
        keep(file, b"the agent"), input=b"the a", stderr=subprocess.PIPE, text=False
    )
    assert done.returncode != 0 and b"did not arrive whole" in done.stderr
    assert list(file.parent.iterdir()) == []


def test_a_state_folder_that_was_somebody_s_keeps_what_is_his(tmp_path: Path) -> None:
    root = tmp_path / "project"
    for name in ("runs/job1-a/lock", "runs/job1-a/state.json", "locks/S1-0123456789ab",
                 "fences/job1-a.json", "bin/agent-0.pyz"):  # fmt: skip
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("{}")
    for name in ("runs/2026-11/results.csv", "locks/notes.txt"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("his")
    memory = tmp_path / "memory"
    memory.mkdir()
    ours, others = (
        memory / f"{hashlib.sha256(f'{of}/runs/job1-a'.encode()).hexdigest()[:12]}-job1-a.json"
        for of in (root, tmp_path / "another")
    )
    for file in (ours, others, memory / "notes.json"):
        file.write_text("{}")
    program = REMOVE_ALL.replace("/run/burnin", str(memory))
    done = subprocess.run(
        [sys.executable, "-c", program, str(root)], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["locks", "runs"]
    assert sorted(memory.iterdir()) == sorted([others, memory / "notes.json"])
    left = sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())
    assert left == ["locks/notes.txt", "runs/2026-11/results.csv"]
