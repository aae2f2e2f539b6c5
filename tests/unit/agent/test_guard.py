"""The guard fails closed: what isn't known refuses, and nothing is opened for writing before."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from agent import guard, openers, opening, release, use, zfs
from agent.clock import pace
from agent.device import advise
from agent.explained import Own
from agent.identity import Fact, Identity, node_of
from agent.signatures import sample_places
from agent.state import new

SIZE = 1 << 20
IO = {"direct": True, "how": "O_DIRECT", "threads": 1, "chunk_bytes": 1 << 20}


@pytest.fixture
def drive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Identity:
    path = tmp_path.resolve() / "da0"
    path.write_bytes(bytes(SIZE))
    (tmp_path / "da0.drive.json").write_text('{"name": "da0", "serial": "S", "use": []}')
    monkeypatch.setenv("BURNIN_MEDIA", str(tmp_path))
    return Identity(
        str(path), "da0", "file", "S", None, None, SIZE, 512, 4096, True, node_of(os.stat(path)), ()
    )


def states(path: str, serial: str | None = "S") -> dict[str, str]:
    return guard.judge(path, serial, SIZE).answer()["facts"]


def test_all_questions_are_asked(drive: Identity) -> None:
    assert set(states(drive.path)) == set(guard.ASKED)
    assert set(states(drive.path).values()) == {"clear"}


@pytest.mark.parametrize(
    "question", ["_mounts", "_swap", "_holders", "openers.loops", "openers.opened"]
)
def test_a_question_without_an_answer_refuses(
    drive: Identity, monkeypatch: pytest.MonkeyPatch, question: str
) -> None:
    def unanswered(*_: Any) -> list[Fact]:
        raise OSError(13, "Permission denied")

    place, _, name = f"use.{question}".rpartition(".")
    monkeypatch.setattr(f"agent.{place.split('.')[-1]}.{name}", unanswered)
    judgement = guard.judge(drive.path, "S", SIZE)
    assert not judgement.allowed
    assert [reason["state"] for reason in judgement.reasons] == ["unknown"]


def test_a_question_that_was_forgotten_refuses(
    drive: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard.use, "facts", lambda *_: [])
    judgement = guard.judge(drive.path, "S", SIZE)
    assert not judgement.allowed
    assert {"mount", "swap", "open"} <= {reason["fact"] for reason in judgement.reasons}


def test_an_identity_that_breaks_refuses(drive: Identity, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(path: str) -> Identity:
        raise RuntimeError("what?")

    monkeypatch.setattr(guard, "identify", broken)
    judgement = guard.judge(drive.path, "S", SIZE)
    assert not judgement.allowed and judgement.reasons[0]["fact"] == "identity"


def test_another_drive_is_not_even_opened(drive: Identity, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "identify", lambda path: drive._replace(kind="disk", serial="OTHER"))
    monkeypatch.setattr(opening, "Medium", lambda drive: pytest.fail("opened"))
    with pytest.raises(opening.Refused, match="expected serial S, found OTHER"):
        opening.opened(drive.path, "S", SIZE, None, guard.NOBODY)


def test_another_object_at_the_path_is_not_written(
    drive: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the question and the opening somebody puts another file there."""
    asked = guard.judge_identity

    def swapped(path: str, serial: str | None, size: int | None) -> guard.Judgement:
        answer = asked(path, serial, size)
        os.rename(path, path + ".old")
        Path(path).write_bytes(bytes(SIZE))
        return answer

    monkeypatch.setattr(opening.guard, "judge_identity", swapped)
    with pytest.raises(opening.Refused, match="not what was identified"):
        opening.opened(drive.path, "S", SIZE, None, guard.NOBODY)
    assert Path(drive.path).read_bytes() == bytes(SIZE)


def test_a_second_object_while_it_is_open_is_not_written(
    drive: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged = guard.judge

    def swapped(*arguments: Any, **more: Any) -> guard.Judgement:
        os.rename(drive.path, drive.path + ".old")
        Path(drive.path).write_bytes(bytes(SIZE))
        return judged(*arguments, **more)

    monkeypatch.setattr(opening.guard, "judge", swapped)
    with pytest.raises(opening.Refused, match="another drive now"):
        opening.opened(drive.path, "S", SIZE, None, guard.NOBODY)


def test_another_object_at_the_path_is_not_looked_at(
    drive: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the question what it is and the look at what lies on it."""
    asked = guard.judge_identity

    def swapped(path: str, serial: str | None, size: int | None) -> guard.Judgement:
        answer = asked(path, serial, size)
        os.rename(path, path + ".old")
        Path(path).write_bytes(bytes(SIZE))
        return answer

    monkeypatch.setattr(guard, "judge_identity", swapped)
    Path(drive.path).write_bytes(b"XFSB" + bytes(SIZE - 4))
    judgement = guard.judge(drive.path, "S", SIZE)
    assert "what was opened is not what was identified" in str(judgement.reasons)


@pytest.mark.parametrize(("kind", "seconds"), [("file", 0.5), ("loop", 0.5), ("disk", 30)])
def test_the_environment_hurries_no_look_at_a_disk(
    drive: Identity, monkeypatch: pytest.MonkeyPatch, kind: str, seconds: float
) -> None:
    """Another host's pool is watched for half a minute, whoever set a variable."""
    slept: list[float] = []
    monkeypatch.setenv("BURNIN_TXG_SECONDS", "0.5")
    monkeypatch.setattr(guard.time, "sleep", slept.append)
    label = zfs.Label(0, {"name": "tank"}, 1, 0, b"")
    monkeypatch.setattr(guard, "_labels", lambda *_: [label])
    assert guard._watched(drive._replace(kind=kind), [], None) == []
    assert slept == [seconds]
    assert pace("BURNIN_TXG_SECONDS", 60, kind) == (60 if kind == "disk" else 0.5)


def test_a_release_ends_with_the_next_write_wherever_it_lies(
    drive: Identity, tmp_path: Path
) -> None:
    """A file stored on a released FAT changes neither its boot sector nor, mostly, a sample."""
    size = 8 << 20
    Path(drive.path).write_bytes(b"\xeb\x3c\x90" + bytes(51) + b"FAT16   " + bytes(size - 62))
    found = guard.judge(drive.path, "S", size)
    tokens = [reason["release"] for reason in found.reasons]
    assert tokens and guard.judge(drive.path, "S", size, released=tokens).allowed
    between = next(at for at in range(2 << 20, size, 4096) if at not in sample_places(size))
    with open(drive.path, "r+b") as file:
        file.seek(between)
        file.write(b"twelve holiday pictures")
    refused = guard.judge(drive.path, "S", size, released=tokens)
    assert not refused.allowed
    assert all("it was released, but since then" in each["reason"] for each in refused.reasons)
    assert "since then" not in str(found.reasons)
    state = new("r1", "boot", drive.head(), 1, IO)
    assert not guard.judge(drive.path, "S", size, own=Own({}, state), released=tokens).allowed
    state.begun = True
    own = Own({}, state)
    assert guard.judge(drive.path, "S", size, own=own, released=tokens).allowed, "its own writes"


def test_a_release_takes_a_count_of_writes(
    drive: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable(*_: Any) -> str:
        raise OSError(2, "No such file or directory")

    monkeypatch.setattr(guard.use, "written", unreadable)
    assert guard.judge(drive.path, "S", SIZE).allowed, "nothing is to be released"
    Path(drive.path).write_bytes(b"XFSB" + bytes(SIZE - 4))
    told = [(one["state"], one["reason"]) for one in guard.judge(drive.path, "S", SIZE).reasons]
    assert any(state == "unknown" and "can't be known" in reason for state, reason in told)


def test_what_counts_as_a_write(drive: Identity, monkeypatch: pytest.MonkeyPatch) -> None:
    """To a disk: sectors since this start of the host; to a file: when it was written last."""
    monkeypatch.setattr(use, "boot_id", lambda: "boot-1")
    told = {"stat": "1 2 3 4 5 6 700 8 9 10 11\n", "iostats": "1\n"}
    monkeypatch.setattr(use, "_read", lambda path: told[path.split("/")[-1]])
    monkeypatch.setattr(use, "disk_sequence", lambda node: "4711")
    disk = drive._replace(kind="disk")
    assert use.written(disk) == "boot-1 4711 700"
    told["iostats"] = "0\n"
    with pytest.raises(OSError, match="told not to count"):
        use.written(disk)
    monkeypatch.setattr(use, "boot_id", lambda: "unknown")
    with pytest.raises(OSError, match="this start of the host"):
        use.written(disk)


def a_label(state: int | None = 0, **pairs: object) -> zfs.Label:
    told = {"name": "tank", "hostid": 0xCAFE, "hostname": "nas-9", "state": state, **pairs}
    kept = {key: value for key, value in told.items() if value is not None}
    return zfs.Label(0, kept, 7, 1767225600, repr(kept).encode())


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ([a_label()], "pool tank, last used by host nas-9 (hostid 0x0000cafe), was never exported"),
        ([a_label(hostname=None)], "pool tank, last used by a host (hostid 0x0000cafe)"),
        ([a_label(hostid=None, hostname=None)], "whose label names no host"),
        ([a_label(3, name=None, hostid=None, hostname=None)], "a pool, whose label names no host"),
        ([a_label(4, name=None, hostid=0xBEEF)], "a pool, last used by host nas-9"),
        ([zfs.Label(0, {}, 7, 0, b"?")], "a pool, whose label names no host"),
        ([a_label(1), a_label(0)], "pool tank, last used by host nas-9"),
        ([a_label(1)], ""),
        ([a_label(2)], ""),
        ([a_label(hostid=0xBEEF)], ""),
    ],
)
def test_a_pool_that_nobody_exported_takes_a_confirmation_of_its_own(
    monkeypatch: pytest.MonkeyPatch, labels: list[zfs.Label], said: str
) -> None:
    """Imported elsewhere and quiet it shows no rising txg; this host is 0xBEEF."""
    monkeypatch.setattr(use, "host_id", lambda: 0xBEEF)
    monkeypatch.setattr(use, "imported", list)
    facts = guard._pool_labels(labels)
    assert [fact.state for fact in facts] == ["old_data"] * len(facts)
    pool = [fact for fact in facts if fact.fact == "pool"]
    others = [fact for fact in facts if fact.fact == "other_host"]
    assert pool and len(others) == bool(said)
    for other in others:
        assert said in other.detail and "confirm that no running system uses it" in other.detail
        tokens = [str(release.token(fact)) for fact in pool]
        left = release.applied(facts, tokens)
        assert [fact.state for fact in left if fact.fact == "other_host"] == ["old_data"]
        left = release.applied(facts, [*tokens, str(release.token(other))])
        assert {fact.state for fact in left} == {"released"}


def test_the_number_of_this_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(use, "SYS", str(tmp_path))
    monkeypatch.setattr(use, "HOST_ID", str(tmp_path / "hostid"))
    assert use.host_id() is None
    (tmp_path / "hostid").write_bytes(bytes(4))
    assert use.host_id() is None, "a zero is none"
    (tmp_path / "hostid").write_bytes((0xCAFE).to_bytes(4, "little"))
    assert use.host_id() == 0xCAFE
    module = tmp_path / "module" / "spl" / "parameters"
    module.mkdir(parents=True)
    for told, number in (("0", 0xCAFE), ("4711", 4711), ("?", None)):
        (module / "spl_hostid").write_text(told + "\n")
        assert use.host_id() == number


@pytest.mark.parametrize("joined", [False, True], ids=["one path", "joined paths"])
def test_an_nvme_drive_that_is_lent_by_its_controller(
    drive: Identity, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, joined: bool
) -> None:
    """A target that passes all commands through opens no block device. /dev/null stands for it."""
    sys = tmp_path / "sys"
    home = sys / "devices" / "nvme0n1"
    controller = home / "device" / "nvme3" if joined else home / "device"
    controller.mkdir(parents=True)
    null = os.stat("/dev/null").st_rdev
    (controller / "dev").write_text(f"{os.major(null)}:{os.minor(null)}\n")
    block = os.stat(drive.path).st_dev
    (sys / "dev" / "block").mkdir(parents=True)
    (sys / "dev" / "block" / f"{os.major(block)}:{os.minor(block)}").symlink_to(home)
    monkeypatch.setattr(use, "SYS", str(sys))
    disk = drive._replace(kind="disk", node=(0, 0, block))
    assert use._exports(disk) == []
    lent = sys / "kernel" / "config" / "nvmet" / "subsystems" / "a" / "passthru" / "device_path"
    lent.parent.mkdir(parents=True)
    lent.write_text("/dev/zero\n")
    assert use._exports(disk) == []
    lent.write_text("/dev/null\n")
    (fact,) = use._exports(disk)
    assert (fact.fact, fact.state) == ("export", "in_use")
    assert openers._has_open(str(opened_null(tmp_path)), set(), use._generic(disk), None)


def opened_null(folder: Path) -> Path:
    """A table of descriptors with /dev/null in it."""
    table = folder / "fd"
    table.mkdir()
    (table / "3").symlink_to("/dev/null")
    return table


def test_a_character_device_takes_no_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    """FreeBSD's disks are such: its kernel refuses the question itself."""
    asked: list[int] = []
    monkeypatch.setattr(os, "posix_fadvise", lambda descriptor, *_: asked.append(descriptor))
    for path, times in (("/dev/zero", 0), (__file__, 1)):
        with open(path, "rb") as file:
            advise(file.fileno(), "DONTNEED")
        assert len(asked) == times


def test_a_label_says_nothing_that_turns_a_line_around() -> None:
    name = "tank\x1b[2J\u202e" + "x" * 100_000
    label = a_label(name=name, hostname=name)
    for told in (label.told(), guard._not_let_go([label])[0].detail):
        assert told.isprintable() and len(told) < 1000 and "tank" in told
    assert label.pool == name, "to be compared as it is"


@pytest.mark.parametrize(("zones", "state"), [("host-managed", "unknown"), ("none", "clear")])
def test_a_drive_that_bears_writing_in_order_only(
    drive: Identity, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, zones: str, state: str
) -> None:
    block = os.stat(drive.path).st_dev
    queue = tmp_path / "sys" / "dev" / "block" / f"{os.major(block)}:{os.minor(block)}" / "queue"
    queue.mkdir(parents=True)
    monkeypatch.setattr(use, "SYS", str(tmp_path / "sys"))
    disk = drive._replace(kind="disk", node=(0, 0, block))
    assert guard._sector(disk).state == "clear", "a kernel that knows no zones"
    (queue / "zoned").write_text(zones + "\n")
    assert guard._sector(disk).state == state
