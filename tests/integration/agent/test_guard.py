"""What may not be written is not written: refused with its reason, and not one byte is changed."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import needs
from tests.integration.agent import schema
from tests.integration.agent.conftest import Loops
from tests.integration.agent.host import MIB, PACE, SAMPLED, Host, digest, size_of

RUN_TOO = {"identity", "size", "pool", "mount", "kind"}
NO_MEDIUM = "it is neither a drive nor a file in BURNIN_MEDIA"


def assert_refused(host: Host, device: Path | str, fact: str, word: str, **expect: object) -> None:
    """By guard, start and run, with the whole medium as it was."""
    before = digest(device)
    known = {
        "expect_serial": f"SERIAL-{Path(device).name}" if Path(device).parent == host.media else "",
        "expect_size": size_of(device),
        **expect,
    }
    options = [f"--{name.replace('_', '-')}={value}" for name, value in known.items()]
    done = host.call("guard", device, *options)
    guard = json.loads(done.stdout)
    schema.check(guard)
    assert done.returncode == 2 and not guard["allowed"]
    assert guard["facts"][fact] != "clear"
    assert any(one["fact"] == fact and word in one["reason"] for one in guard["reasons"]), guard

    started = host.start("r1", device, **known)
    assert started["outcome"] == "refused" and started["run"] is None
    assert any(one["fact"] == fact and word in one["reason"] for one in started["reasons"]), started
    if fact in RUN_TOO:  # what run and start do before the first write is the same code
        verdict = host.burn("r1", device, **known)
        assert verdict["verdict"] == "refused" and verdict["bytes_written"] == 0
        assert any(word in reason for reason in verdict["reasons"])

    assert host.pids() == []
    assert list((host.root / "runs").iterdir()) == []
    assert digest(device) == before, "bytes were written"


@pytest.fixture
def loop(loops: Loops, tmp_path: Path) -> Iterator[tuple[Path, Loops]]:
    backing = tmp_path / "backing"
    backing.write_bytes(bytes(32 * MIB))
    yield backing, loops


def test_another_serial(host: Host) -> None:
    assert_refused(host, host.drive("da0"), "identity", "OTHER", expect_serial="OTHER")


def test_no_serial_where_one_is(host: Host) -> None:
    assert_refused(host, host.drive("da0"), "identity", "expected serial none", expect_serial="")


def test_another_size(host: Host) -> None:
    assert_refused(host, host.drive("da0"), "size", "bytes", expect_size=16 * MIB - 512)


def test_in_a_pool(host: Host) -> None:
    use = [{"fact": "pool", "state": "in_use", "detail": "tank"}]
    assert_refused(host, host.drive("da0", use=use), "pool", "tank")


def test_a_use_that_is_not_known(host: Host) -> None:
    use = [{"fact": "pool", "state": "unknown", "detail": "the pools can't be read"}]
    assert_refused(host, host.drive("da0", use=use), "pool", "can't be read")


@pytest.mark.parametrize(
    "told",
    [
        "{half of it",
        "[]",
        '{"serial": 5}',
        '{"serial": "SERIAL-da0", "use": [{}]}',
        '{"serial": "SERIAL-da0", "use": [{"fact": "pool", "state": "fine", "detail": ""}]}',
        '{"serial": "SERIAL-da0", "use": null}',
    ],
)
def test_an_identity_that_can_t_be_read(host: Host, told: str) -> None:
    drive = host.drive("da0")
    host.declare(drive, told)
    assert_refused(host, drive, "identity", "can't be read")


@pytest.mark.parametrize(
    ("offset", "data", "fact", "word"),
    [
        (510, b"\x55\xaa", "partition", "MBR"),
        (512, b"EFI PART", "partition", "GPT"),
        (16 * MIB - 512, b"EFI PART", "partition", "GPT"),
        (0, b"XFSB", "signature", "xfs"),
        (4096, b"\xfc\x4e\x2b\xa9", "signature", "md RAID"),
        (16 * 1024 + 64, b"pool_guid", "pool", "ZFS label"),
        (SAMPLED[0], bytes(range(256)) * 16, "data", "unknown data"),
    ],
    ids=["mbr", "gpt", "gpt-copy", "xfs", "md", "zfs", "unknown"],
)
def test_old_data(host: Host, offset: int, data: bytes, fact: str, word: str) -> None:
    drive = host.drive("da0")
    with drive.open("r+b") as file:
        file.seek(offset)
        file.write(data)
    assert_refused(host, drive, fact, word)


@pytest.mark.needs("mkfs")
def test_a_file_system(host: Host) -> None:
    drive = host.drive("da0")
    subprocess.run([needs.need("mkfs"), "-q", "-F", str(drive)], check=True)
    assert_refused(host, drive, "signature", "ext")


def test_open_in_another_process(host: Host) -> None:
    drive = host.drive("da0")
    with drive.open("rb"):
        assert_refused(host, drive, "open", f"process {os.getpid()}")


def test_a_file_with_a_second_name(host: Host, tmp_path: Path) -> None:
    drive = host.drive("da0")
    os.link(drive, tmp_path / "other")
    assert_refused(host, drive, "kind", "hard link")


def test_a_file_outside_of_the_media_folder(host: Host, tmp_path: Path) -> None:
    drive = tmp_path / "disk"
    drive.write_bytes(bytes(8 * MIB))
    assert_refused(host, drive, "kind", NO_MEDIUM)


def test_a_media_file_where_no_media_are_declared(host: Host) -> None:
    drive = host.drive("da0")
    del host.env["BURNIN_MEDIA"]
    assert_refused(host, drive, "kind", NO_MEDIUM)
    assert all(device["kind"] != "file" for device in host.ask("probe")["devices"])


@pytest.mark.parametrize("name", ["link", "../media/da0"])
def test_another_way_to_the_path(host: Host, name: str) -> None:
    drive = host.drive("da0")
    before = digest(drive)
    (host.media / "link").symlink_to(drive)
    answer = host.start("r1", f"{host.media}/{name}", expect_serial="SERIAL-da0")
    assert answer["outcome"] == "refused"
    assert answer["reasons"][0]["fact"] == "kind"
    assert digest(drive) == before


def test_nothing_there(host: Host) -> None:
    answer = host.start("r1", host.media / "da9", expect_serial="X", expect_size=4096)
    assert answer["outcome"] == "refused"


@pytest.mark.skipif(os.geteuid() != 0, reason="makes device nodes")
@pytest.mark.parametrize(("major", "minor"), [(8, 240), (1, 3), (259, 1000)])
def test_device_nodes_in_the_media_folder(host: Host, major: int, minor: int) -> None:
    """A node that only looks like a drive: an unused disk number, /dev/null's, an NVMe number."""
    node = host.media / "da0"
    os.mknod(node, 0o600 | 0o060000, os.makedev(major, minor))
    host.declare(node, '{"name": "da0", "serial": "S", "use": []}')
    assert host.ask("guard", node, "--expect-serial=S", "--expect-size=4096")["allowed"] is False
    answer = host.start("r1", node, expect_serial="S", expect_size=4096)
    assert answer["outcome"] == "refused"
    assert str(node) not in [device["path"] for device in host.ask("probe")["devices"]]


def test_the_disk_that_this_machine_runs_from(host: Host) -> None:
    """Asked, never started: with all that is expected of it right."""
    root = os.stat("/").st_dev
    home = os.path.realpath(f"/sys/dev/block/{os.major(root)}:{os.minor(root)}")
    disks = [disk for disk in host.ask("probe")["devices"] if disk["kind"] == "disk"]
    mine = [disk for disk in disks if f"/{disk['name']}" in home]
    if not mine:
        pytest.skip("/ lies on no disk that can be told")
    for disk in mine:
        expect = [f"--expect-serial={disk['serial'] or ''}", f"--expect-size={disk['size_bytes']}"]
        answer = host.ask("guard", disk["path"], *expect)
        assert not answer["allowed"]
        assert {"mount", "boot"} <= {one["fact"] for one in answer["reasons"]}
        assert all("release" not in one for one in answer["reasons"] if one["state"] == "in_use")


# --- loop devices -----------------------------------------------------------------------------
@pytest.mark.needs("loop", "mkfs")
def test_a_mounted_loop_device(host: Host, loop: tuple[Path, Loops], tmp_path: Path) -> None:
    backing, loops = loop
    device = loops.attach(backing)
    subprocess.run([needs.need("mkfs"), "-q", device], check=True)
    point = tmp_path / "mounted"
    point.mkdir()
    # Read-only: what the kernel writes to a mounted file system isn't ours.
    subprocess.run(["mount", "-o", "ro", device, str(point)], check=True)
    try:
        assert_refused(host, device, "mount", f"mounted at {point}")
    finally:
        subprocess.run(["umount", str(point)], check=True)


@pytest.mark.needs("loop")
def test_a_loop_device_with_partitions(host: Host, loop: tuple[Path, Loops]) -> None:
    backing, loops = loop
    table = bytearray(512)
    table[446:462] = (
        bytes.fromhex("0000000083000000")
        + (2048).to_bytes(4, "little")
        + (4096).to_bytes(4, "little")
    )
    table[510:] = b"\x55\xaa"
    with backing.open("r+b") as file:
        file.write(table)
    device = loops.attach(backing, "--partscan")
    assert_refused(host, device, "partition", "MBR")


@pytest.mark.needs("loop")
def test_two_loop_devices_on_one_file(host: Host, loop: tuple[Path, Loops]) -> None:
    backing, loops = loop
    device, other = loops.attach(backing), loops.attach(backing)
    assert_refused(host, device, "loop", os.path.basename(other))


@pytest.mark.needs("loop")
def test_a_media_file_behind_a_loop_device(host: Host, loops: Loops) -> None:
    drive = host.drive("da0")
    loops.attach(drive)
    assert_refused(host, drive, "loop", "stands on the same file")


@pytest.mark.needs("loop")
def test_a_loop_device_that_another_holds(host: Host, loop: tuple[Path, Loops]) -> None:
    backing, loops = loop
    device = loops.attach(backing)
    descriptor = os.open(device, os.O_RDONLY | os.O_EXCL)
    try:
        before = digest(device)
        answer = host.start("r1", device)
        assert answer["outcome"] == "refused"
        assert answer["reasons"][0]["fact"] == "open"
        assert digest(device) == before
    finally:
        os.close(descriptor)


# --- while a run goes on ----------------------------------------------------------------------
def joined_a_pool(host: Host, drive: Path) -> None:
    use = [{"fact": "pool", "state": "in_use", "detail": "tank"}]
    host.declare(drive, {"name": "da0", "serial": "SERIAL-da0", "model": "TEST", "use": use})


def test_joins_a_pool_between_two_passes(host: Host) -> None:
    drive = host.drive("da0")
    host.start("r1", drive, rate_limit=PACE)
    host.until("r1", "verify 1", **{"phase": "verify", "pass": 1})
    joined_a_pool(host, drive)
    before = digest(drive)
    verdict = host.verdict("r1")
    assert (verdict["verdict"], verdict["reasons"]) == ("refused", ["tank"])
    assert digest(drive) == before
    assert verdict["bytes_verified"] == 16 * MIB


def test_joins_a_pool_while_the_run_is_paused(host: Host) -> None:
    drive = host.drive("da0")
    head = host.paused_in("r1", drive, "write", 1)
    joined_a_pool(host, drive)
    before = digest(drive)
    host.go_on("r1")
    verdict = host.verdict("r1")
    assert (verdict["verdict"], verdict["reasons"]) == ("refused", ["tank"])
    assert digest(drive) == before
    assert verdict["bytes_written"] == head["position_bytes"]


@pytest.mark.parametrize("told", ['{"name":"da0","serial":"OTHER","use":[]}', "garbage"])
def test_another_identity_at_the_resume(host: Host, told: str) -> None:
    drive = host.drive("da0")
    host.paused_in("r1", drive, "write", 2)
    host.kill9()
    host.declare(drive, told)
    before = digest(drive)
    answer = host.start("r1", drive)
    assert answer["outcome"] == "refused" and answer["reasons"][0]["fact"] == "identity"
    answer = host.start("r1", drive, expect_serial="OTHER")
    assert answer["outcome"] == "refused"
    assert digest(drive) == before
    assert answer["run"]["verdict"] is None  # it may still be resumed, on its own drive
