"""The host's key is confirmed once; another one stops the system until it is confirmed again."""

from __future__ import annotations

import asyncio
import io
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncssh
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from audit.models import AuditEvent
from drives import clients, poll
from drives.health import is_stale, system_state
from drives.hosts import ssh
from drives.hosts.ssh import HostError, HostKeyChanged
from drives.models import HostRun, System
from drives.truenas.types import NasError
from tests.integration.rows import system_of
from tests.nas import MockNas

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(120)]
Start = Callable[..., MockNas]


def arguments(nas: MockNas, *more: str) -> list[str]:
    return [
        "add_system", "nas-1", f"--base-url={nas.url}", "--api-key=mock-key",
        "--ssh-host=127.0.0.1", f"--ssh-port={nas.ssh_port}", f"--state-dir={nas.state_dir}",
        "--kind=mock", *(more or [f"--ssh-key-file={nas.key_file}"]),
    ]  # fmt: skip


def open_run(system: System) -> None:
    """Something of ours goes on there, so that each poll asks the host."""
    drive = system.drives.first()
    assert drive is not None
    HostRun.objects.create(run_id="job1-0123", system=system, drive=drive)


def with_another_key(nas: MockNas) -> None:
    """The NAS is installed anew: same address, other key."""
    nas.kill9()
    (nas.data / "ssh_host_ed25519_key").unlink()
    nas.restart()


def answer(command: list[str], typed: str | None, monkeypatch: pytest.MonkeyPatch) -> str:
    """Call a command; `typed` is what somebody types at a terminal, None where nobody is there."""
    terminal = io.StringIO(typed or "")
    terminal.isatty = lambda: typed is not None  # type: ignore[method-assign]
    monkeypatch.setattr(sys, "stdin", terminal)
    out = io.StringIO()
    call_command(*command, stdout=out)
    return out.getvalue()


@pytest.mark.needs("ssh")
def test_the_fingerprint_is_the_one_of_ssh_keygen(mock_nas: Start, tmp_path: Path) -> None:
    nas = mock_nas()
    file = tmp_path / "key.pub"
    file.write_text(ssh.offered_host_key("127.0.0.1", nas.ssh_port))
    keygen = shutil.which("ssh-keygen")
    assert keygen
    said = subprocess.run([keygen, "-lf", file], capture_output=True, text=True, check=True)
    assert ssh.fingerprint(nas.host_key) == said.stdout.split()[1]


def test_first_contact_shows_the_key_and_wants_a_yes(
    mock_nas: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    nas = mock_nas()
    shown = ssh.fingerprint(nas.host_key)
    with pytest.raises(CommandError, match="not confirmed"):
        answer(arguments(nas), "y\n", monkeypatch)
    assert not System.objects.exists()
    assert shown in answer(arguments(nas), "yes\n", monkeypatch)
    assert System.objects.get().ssh_host_key.split()[:2] == nas.host_key.split()[:2]
    # The same key needs no second confirmation.
    assert shown not in answer(arguments(nas), None, monkeypatch)


def test_without_a_terminal_the_fingerprint_must_be_given(
    mock_nas: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    nas = mock_nas()
    shown = ssh.fingerprint(nas.host_key)
    with pytest.raises(CommandError, match=f"--accept-host-key {shown}".replace("+", r"\+")):
        answer(arguments(nas), None, monkeypatch)
    wrong = [*arguments(nas), "--accept-host-key=SHA256:wrong"]
    with pytest.raises(CommandError, match="another key"):
        answer(wrong, None, monkeypatch)
    assert not System.objects.exists()
    answer([*arguments(nas), f"--accept-host-key={shown}"], None, monkeypatch)
    assert System.objects.count() == 1


def test_a_changed_key_stops_everything_of_the_system(
    mock_nas: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    nas = mock_nas()
    system = system_of(nas)
    assert poll.run(system.pk)
    open_run(system)
    before = System.objects.get()
    assert not before.stopped
    with_another_key(nas)
    poll.run(system.pk)
    system = System.objects.get()
    new = ssh.fingerprint(nas.host_key)
    assert new in system.stopped and "confirm_host_key nas" in system.stopped
    assert system.last_polled_at == before.last_polled_at, "its API isn't believed either"
    assert is_stale(system, timezone.now())
    assert system_state(system, timezone.now()).words == "stopped"
    with pytest.raises(NasError, match="host key changed"):
        clients.nas(system)
    with pytest.raises(HostError, match="host key changed"):
        clients.host(system)
    nas.kill9()  # whoever asked it now would get another error
    poll.run(system.pk)
    assert "host key changed" in System.objects.get().last_error
    assert AuditEvent.objects.filter(note__contains="is stopped").count() == 1
    nas.restart()

    with pytest.raises(CommandError, match="--accept-host-key"):
        answer(["confirm_host_key", "nas-1"], None, monkeypatch)
    assert System.objects.get().stopped
    HostRun.objects.all().delete()
    answer(["confirm_host_key", "nas-1"], "yes\n", monkeypatch)
    poll.run(system.pk)
    system = System.objects.get()
    assert (system.stopped, system.last_error, system.host_error) == ("", "", "")
    assert system.last_polled_at and before.last_polled_at
    assert system.last_polled_at > before.last_polled_at
    assert AuditEvent.objects.filter(note__contains=new, actor="command line").exists()


def test_adding_it_again_does_not_take_the_stop_back(
    mock_nas: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    nas = mock_nas()
    system = system_of(nas)
    System.objects.filter(pk=system.pk).update(stopped="its SSH host key changed")
    with pytest.raises(CommandError, match="--accept-host-key"):
        answer(arguments(nas), None, monkeypatch)
    assert System.objects.get().stopped
    answer(arguments(nas), "yes\n", monkeypatch)
    assert not System.objects.get().stopped, "the key that it shows again was confirmed"


class Impostor(asyncssh.SSHServer):
    """Another machine at the address of the NAS: it takes whatever it gets."""

    heard: list[str] = []

    def begin_auth(self, username: str) -> bool:
        self.heard.append(f"user {username}")
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        self.heard.append(f"password {password}")
        return True


@pytest.fixture
def impostor() -> Any:
    """Start it with a host key: its port."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    Impostor.heard = []

    def start(key: asyncssh.SSHKey) -> int:
        async def listen() -> int:
            server = await asyncssh.create_server(Impostor, "127.0.0.1", 0, server_host_keys=[key])
            return server.get_port()

        return asyncio.run_coroutine_threadsafe(listen(), loop).result(10)

    yield start
    loop.call_soon_threadsafe(loop.stop)
    thread.join()


@pytest.mark.parametrize("kind", ["ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256"])
def test_nothing_is_sent_to_a_host_with_another_key(
    impostor: Callable[[asyncssh.SSHKey], int], kind: str
) -> None:
    other = asyncssh.generate_private_key(kind)
    port = impostor(other)
    pinned = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    target = ssh.Target("127.0.0.1", port, "root", "", pinned, "a-secret-password")
    with pytest.raises(HostKeyChanged, match="not the one that was pinned") as caught:
        ssh.run(target, "true", timeout=10)
    assert Impostor.heard == []
    assert other.get_fingerprint() in str(caught.value)


# --- how it logs in ---------------------------------------------------------------------------
def test_a_password_logs_in_and_is_kept_secret(mock_nas: Start) -> None:
    nas = mock_nas(options=["--ssh-password", "a-good-password"])
    system = system_of(nas, ssh_key_file="", ssh_password="a-good-password")
    assert len(clients.host(system).probe()) == 15
    with connection.cursor() as cursor:
        cursor.execute("SELECT ssh_password FROM drives_system")
        assert "a-good-password" not in cursor.fetchone()[0]
    assert "a-good-password" not in repr(clients.target(system))
    system_of(nas, ssh_key_file="", ssh_password="a-wrong-password")
    system.refresh_from_db()
    with pytest.raises(HostError, match="refuses root’s password") as caught:
        clients.host(system).probe()
    assert "a-wrong-password" not in str(caught.value)
    told = " ".join(AuditEvent.objects.values_list("note", flat=True))
    assert "a-wrong-password" not in told and "ssh_password" in told


def test_a_key_file_with_a_passphrase_is_told(mock_nas: Start, tmp_path: Path) -> None:
    file = tmp_path / "locked"
    key = asyncssh.generate_private_key("ssh-ed25519")
    file.write_bytes(key.export_private_key("pkcs8-pem", passphrase="x"))
    system = system_of(mock_nas(), ssh_key_file=str(file))
    with pytest.raises(HostError, match="has a passphrase"):
        clients.host(system).probe()


@pytest.mark.parametrize("options", [{}, {"media": ["da0:FILE0001:TEST-32M:32"]}])
def test_who_is_not_root_goes_through_sudo(mock_nas: Start, options: dict[str, Any]) -> None:
    nas = mock_nas(options=["--ssh-user", "burnin"], **options)
    system = system_of(nas, ssh_user="burnin")
    with pytest.raises(HostError, match="sudo doesn’t let burnin .*check_system"):
        clients.host(system).probe()
    assert not list(nas.state_dir.glob("bin/*"))
    (nas.data / "sudo-nopasswd").touch()
    assert clients.host(system).probe()
    assert list(nas.state_dir.glob("bin/agent-*.pyz"))


def test_a_host_that_hangs_is_given_up_after_the_limit(mock_nas: Start) -> None:
    nas = mock_nas()
    target = clients.target(system_of(nas))
    nas.debug("fault", {"where": "ssh", "what": "hang", "seconds": 30})
    began = timezone.now()
    with pytest.raises(HostError, match="no answer within 1 s"):
        ssh.run(target, "true", timeout=1)
    assert (timezone.now() - began).total_seconds() < 5


def test_one_connection_is_kept(mock_nas: Start) -> None:
    nas = mock_nas()
    host = clients.host(system_of(nas))
    for _ in range(3):
        host.shell("true")
    table = Path(f"/proc/{nas.pid}/net/tcp").read_text().splitlines()[1:]
    end = f":{nas.ssh_port:04X}"
    assert sum(row.split()[1].endswith(end) and row.split()[3] == "01" for row in table) == 1
