"""What programs and files of the host say: understood as documented; anything else is unreadable.

The texts in `texts/` say in their first line where they come from.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agent import freebsd, texts

FOLDER = Path(__file__).with_name("texts")


def text(name: str) -> str:
    head, whole = (FOLDER / f"{name}.txt").read_text().split("\n", 1)
    assert head.startswith("# ")
    return whole


def test_zpool_status_on_linux() -> None:
    found = texts.zpool_status(text("zpool_status_linux"))
    roles = {(vdev.pool, vdev.path or vdev.was): vdev.role for vdev in found}
    assert roles[("boot-pool", "/dev/sda3")] == "data"
    assert [roles[("tank", f"/dev/sd{letter}1")] for letter in "bcde"] == ["data"] * 4
    assert roles[("tank", "/dev/nvme0n1p1")] == "special"
    assert roles[("tank", "/dev/nvme2n1p1")] == "log"
    assert roles[("tank", "/dev/nvme3n1p1")] == "cache"
    assert roles[("tank", "/dev/sdg1")] == "spare"
    assert [vdev.state for vdev in found if not vdev.path] == ["UNAVAIL"]


def test_zpool_status_on_freebsd() -> None:
    found = texts.zpool_status(text("zpool_status_freebsd"))
    assert [(vdev.pool, vdev.path) for vdev in found] == [
        ("freenas-boot", "/dev/ada0p2"),
        ("tank", "/dev/gptid/5c2f4b3e-0f7a-11ee-9d5c-3cecef000001"),
        ("tank", "/dev/da1p2"),
    ]
    assert texts.zpool_status("no pools available\n") == []


@pytest.mark.parametrize("name", ["zpool_status_linux", "zpool_status_freebsd"])
def test_a_zpool_status_that_is_cut_off_anywhere(name: str) -> None:
    """Never fewer members than the whole text tells."""
    whole = text(name)
    members = len(texts.zpool_status(whole))
    for length in range(0, len(whole) - len("No known data errors\n") - 2, 7):
        try:
            found = texts.zpool_status(whole[:length])
        except texts.Unreadable:
            continue
        assert whole[:length].rstrip().count("errors:") == 1 and len(found) < members
        assert "  pool: tank" not in whole[:length]  # the first pool was whole


@pytest.mark.parametrize(
    "changed",
    ["", "garbage", "pool", "internal error: cannot iterate filesystems", "\tNAME STATE\n"],
)
def test_what_is_no_zpool_status(changed: str) -> None:
    with pytest.raises(texts.Unreadable):
        texts.zpool_status(changed)


def test_a_member_of_a_new_kind_is_unreadable() -> None:
    with pytest.raises(texts.Unreadable, match="neither a path nor a group"):
        texts.zpool_status(text("zpool_status_linux").replace("raidz2-0", "anyraid-0"))


def test_mdstat() -> None:
    assert texts.mdstat(text("mdstat")) == {
        "md127": ["sdb1", "sda1"],
        "md5": ["sdc", "nvme0n1p2"],
        "md6": ["sdd1", "sde1", "sdf1"],
    }
    assert texts.mdstat("Personalities : \nunused devices: <none>\n") == {}


def test_swaps_and_mounts_of_linux() -> None:
    assert texts.swaps(text("swaps")) == ["/dev/sda2", "/swap file"]
    found = {
        mount.point: (mount.device, mount.source) for mount in texts.mountinfo(text("mountinfo"))
    }
    assert found["/mnt/my disk"] == ((8, 17), "/dev/sdb1")
    assert found["/mnt/tank"] == ((0, 44), "tank")


def test_the_kernel_s_command_line() -> None:
    told = texts.command_line("BOOT_IMAGE=/vmlinuz root=UUID=12-34 ro quiet resume=/dev/sda3\n")
    assert told == {"root": "UUID=12-34", "resume": "/dev/sda3"}


def test_swap_and_mounts_of_freebsd() -> None:
    assert texts.swapinfo(text("swapinfo")) == ["/dev/ada0p3.eli", "/dev/mirror/swap0.eli"]
    assert ("/dev/ada0p2", "/") in texts.mount_p(text("mount_p"))


@pytest.mark.parametrize(
    ("read", "name"),
    [
        (texts.mdstat, "mdstat"),
        (texts.swaps, "swaps"),
        (texts.mountinfo, "mountinfo"),
        (texts.geom_disks, "confxml"),
    ],
)
def test_empty_garbage_and_cut_off(read: Any, name: str) -> None:
    whole = text(name)
    for told in ("", "\n", "garbage", whole[: len(whole) * 2 // 3].rstrip(), whole[40:]):
        with pytest.raises(texts.Unreadable):
            read(told)


@pytest.mark.parametrize(
    ("read", "whole"), [(texts.swapinfo, text("swapinfo")), (texts.mount_p, text("mount_p"))]
)
def test_empty_garbage_and_cut_off_of_freebsd(read: Any, whole: str) -> None:
    for told in ("", "garbage", whole[:-1], whole[:-20], whole + "what?\n"):
        with pytest.raises(texts.Unreadable):
            read(told)


def test_disks_of_geom() -> None:
    disks = {disk["name"]: disk for disk in texts.geom_disks(text("confxml"))}
    assert list(disks) == ["ada0", "da1", "da2", "da3"]
    assert (disks["da1"]["serial"], disks["da1"]["rotational"]) == ("ZL2AAAAA", True)
    assert (disks["ada0"]["rotational"], disks["ada0"]["physical_sector_bytes"]) == (False, 4096)
    assert disks["da2"]["logical_sector_bytes"] == 4160 and disks["da2"]["rotational"] is None


def use(disk: str) -> set[tuple[str, str]]:
    swaps = texts.swapinfo(text("swapinfo"))
    mounts = texts.mount_p(text("mount_p"))
    vdevs = texts.zpool_status(text("zpool_status_freebsd"))
    found = freebsd.disk_use(disk, text("confxml"), swaps, mounts, vdevs)
    return {(fact, state) for fact, state, _ in found}


def opened_da1(mode: str) -> str:
    closed = "<mode>r0w0e0</mode><name>da1</name>"
    assert closed in text("confxml")
    return text("confxml").replace(closed, f"<mode>{mode}</mode><name>da1</name>")


@pytest.mark.parametrize(
    ("mode", "opens", "clear"),
    [
        ("r2w2e0", 2, True),
        ("r3w2e0", 2, False),
        ("r3w3e1", 2, False),
        ("r2w2e0", 0, False),
        ("r1w0e0", 0, False),
        ("r0w0e0", 2, False),
    ],
)
def test_the_agent_s_own_openings_of_freebsd_s_disk(mode: str, opens: int, clear: bool) -> None:
    """As often as it has it open itself, no more: any other count is somebody else's."""
    found = freebsd.disk_use("da1", opened_da1(mode), [], [], [], opens=opens)
    assert [fact for fact, *_ in found] == ([] if clear else ["open"])


def test_freebsd_s_crash_dumps() -> None:
    found = freebsd.disk_use("da1", text("confxml"), [], [], [], dumps=["ada0p3", "da1"])
    assert [(fact, state) for fact, state, _ in found] == [("hibernation", "in_use")]


def test_the_use_of_freebsd_s_disks() -> None:
    in_use = {("pool", "in_use"), ("open", "in_use"), ("mount", "in_use"), ("boot", "in_use")}
    assert in_use <= use("ada0")
    assert use("da1") == set()
    assert use("da2") == {("partition", "old_data")}
    assert use("da3") == {("holder", "in_use")}
    with pytest.raises(texts.Unreadable):
        use("da9")


@pytest.mark.parametrize(
    ("security", "locked"),
    [
        (None, False),
        ({"state": 0x21, "string": "Disabled, NOT FROZEN [SEC1]"}, False),
        ({"state": 0x29, "string": "Disabled, frozen [SEC2]"}, False),
        ({"state": 0x23, "string": "ENABLED, PW level HIGH, not locked, NOT FROZEN"}, False),
        ({"state": 0x27, "string": "ENABLED, PW level HIGH, **LOCKED** [SEC4]"}, True),
        ({"string": "ENABLED, PW level MAX, **LOCKED** [SEC4]"}, True),
    ],
)
def test_a_password_s_lock(security: object, locked: bool) -> None:
    told = {} if security is None else {"ata_security": security}
    assert texts.is_locked(told) is locked


def test_a_lock_that_can_t_be_read() -> None:
    for told in ("yes", {}, []):
        with pytest.raises(texts.Unreadable):
            texts.is_locked({"ata_security": told})


def test_how_much_was_written() -> None:
    assert texts.iostat(text("iostat"), "ada0") == "1523417.0 83205128.0"
    assert texts.sectors_written(text("stat")) == 13229884


@pytest.mark.parametrize(
    "told", ["", "garbage", text("iostat")[:-60], text("iostat").replace("1523417.0", "-")]
)
def test_what_was_written_by_an_iostat_that_can_t_be_read(told: str) -> None:
    with pytest.raises(texts.Unreadable):
        texts.iostat(told, "ada0")
    with pytest.raises(texts.Unreadable):
        texts.iostat(text("iostat"), "ada1")


@pytest.mark.parametrize("told", ["", "1 2 3", "a " * 17, "-1 " * 17])
def test_what_was_written_by_a_stat_that_can_t_be_read(told: str) -> None:
    with pytest.raises(texts.Unreadable):
        texts.sectors_written(told)
