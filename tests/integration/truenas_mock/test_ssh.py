"""The host's SSH server, by asyncssh's client and once by OpenSSH's."""

from __future__ import annotations

import subprocess
from pathlib import Path

import asyncssh
import pytest

from launcher.product import make_ssh_key
from tests.nas import MockNas
from tests.needs import need

from .host import Host


def test_a_command_runs_in_a_real_shell(host: Host) -> None:
    done = host.run("echo out; echo err >&2; cat; exit 7", b"in\x00\xff")
    assert (done.status, done.out, done.errors) == (7, b"out\nin\x00\xff", b"err\n")


def test_much_goes_through(host: Host) -> None:
    much = bytes(range(256)) * 40_000
    assert host.run("cat", much).out == much


def test_the_environment_is_the_hosts(nas: MockNas, host: Host) -> None:
    done = host.run("pwd; echo $HOME; echo $BURNIN_MOCK_HOST; command -v smartctl")
    home = str(nas.data / "home")
    stand_in = str(nas.data / "bin" / "smartctl")
    assert done.out.decode().split() == [home, home, str(nas.data), stand_in]
    assert host.run("echo ${BURNIN_MEDIA-unset}").out == b"unset\n"
    assert host.run("python3 -I -c 'import sys; print(sys.version_info >= (3, 9))'").out


def test_a_command_that_is_killed_says_so(host: Host) -> None:
    assert host.run("kill -9 $$").status == -1


def test_only_the_authorized_key_of_root(nas: MockNas, tmp_path: Path) -> None:
    other = tmp_path / "other"
    make_ssh_key(other)
    with Host(nas, key_file=other) as stranger, pytest.raises(asyncssh.PermissionDenied):
        stranger.run("true")
    with Host(nas, user="admin") as admin, pytest.raises(asyncssh.PermissionDenied):
        admin.run("true")


def test_what_a_command_leaves_running_outlives_its_connection(
    nas: MockNas, tmp_path: Path
) -> None:
    pipe = tmp_path / "pipe"
    with Host(nas) as host:
        command = f"mkfifo {pipe}; (cat {pipe} > {tmp_path}/got) >/dev/null 2>&1 </dev/null &"
        assert host.run(command).status == 0
    pipe.write_text("still here")  # blocks for ever where nobody reads
    with Host(nas) as host:
        wait = f"until grep -q here {tmp_path}/got; do sleep 0.05; done"
        assert host.run(wait).status == 0


@pytest.mark.needs("ssh")
def test_by_the_openssh_client(nas: MockNas, tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    known.write_text(f"[127.0.0.1]:{nas.ssh_port} {nas.host_key}\n")
    options = [
        "BatchMode=yes", "IdentitiesOnly=yes", "StrictHostKeyChecking=yes",
        f"UserKnownHostsFile={known}", "GlobalKnownHostsFile=/dev/null",
    ]  # fmt: skip
    command = [need("ssh"), "-F", "none", "-i", str(nas.key_file), "-p", str(nas.ssh_port)]
    for option in options:
        command += ["-o", option]
    done = subprocess.run(
        [*command, "root@127.0.0.1", "cat; echo err >&2; exit 3"],
        input=b"through", capture_output=True, timeout=20,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (3, b"through")
    assert b"err" in done.stderr


# --- faults -----------------------------------------------------------------------------------
def test_refused_until_it_is_taken_away(nas: MockNas, host: Host) -> None:
    host.run("true")
    nas.debug("fault", {"where": "ssh", "what": "refuse"})
    with pytest.raises(ConnectionRefusedError):
        host.run("true")
    with pytest.raises(ConnectionRefusedError):
        host.run("true")
    nas.debug("fault", {})
    assert host.run("true").status == 0


def test_cut_after_the_command_was_done(nas: MockNas, host: Host, tmp_path: Path) -> None:
    nas.debug("fault", {"where": "ssh", "what": "cut", "times": 1})
    mark = tmp_path / "mark"
    done = host.run(f"echo done > {mark}; echo 12345678")
    assert (done.status, done.out[4:]) == (None, b"")
    assert mark.exists(), "only the answer was lost"
    assert host.run("echo 12345678").out == b"12345678\n"


def test_garbage_and_no_answer(nas: MockNas, host: Host) -> None:
    nas.debug("fault", {"where": "ssh", "what": "garbage", "times": 1})
    done = host.run("echo 12345678")
    assert done.status == 0
    assert done.out.startswith(b"1234") and b"12345678" not in done.out
    nas.debug("fault", {"where": "ssh", "what": "hang", "seconds": 0.1, "times": 1})
    assert host.run("echo 12345678").status is None
