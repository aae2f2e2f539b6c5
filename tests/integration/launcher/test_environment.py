"""Making the environment, and what it says where it can't."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from launcher import environment
from launcher.environment import ROOT
from launcher.errors import Trouble


def test_a_folder_that_cannot_be_written_is_named() -> None:
    # /proc refuses new files to root too, as a read-only mount does.
    with pytest.raises(Trouble, match=r"^/proc can't be written .* folder of your own"):
        environment.check_writable(Path("/proc"))


def test_without_a_network_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "VAR", tmp_path)
    for name in ("PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL", "PIP_NO_INDEX"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:1/simple")
    with pytest.raises(Trouble, match="no network") as raised:
        environment.install(tmp_path / "venv", environment.RUNTIME)
    assert "\n" not in str(raised.value)
    # The next start tries again.
    assert not list((tmp_path / "venv").glob(".installed-*"))


def test_what_is_installed_is_not_installed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "_run", lambda *_: pytest.fail("nothing is to be done"))
    files = environment.DEVELOPMENT
    environment._stamp(tmp_path, files).write_text(environment._digest(files))
    assert environment.install(tmp_path, files) == tmp_path / "bin" / "python"
    # What the tests need holds what the product needs.
    environment.install(tmp_path, environment.RUNTIME)


def test_changed_requirements_are_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[list[str]] = []
    monkeypatch.setattr(environment, "VAR", tmp_path)
    monkeypatch.setattr(environment, "_run", lambda command, log: ran.append(command) or 0)
    environment._stamp(tmp_path, environment.RUNTIME).write_text("of an older release")
    environment.install(tmp_path, environment.RUNTIME)
    assert ran[-1][-2:] == ["-r", str(ROOT / "requirements.txt")]


def test_without_python_run_says_so_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "run").write_bytes((ROOT / "run").read_bytes())
    done = subprocess.run(
        ["/bin/sh", str(tmp_path / "run"), "demo"],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("run: no Python 3.11 or newer was found")
    assert done.stderr.count("\n") == 1


def test_run_alone_lists_what_it_can_do_from_any_folder(tmp_path: Path) -> None:
    done = subprocess.run([ROOT / "run"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0
    for command in ("demo", "test", "smoke", "check", "mock", "manage"):
        assert f"./run {command}" in done.stdout


def test_an_unknown_command_is_refused() -> None:
    done = subprocess.run([ROOT / "run", "dance"], capture_output=True, text=True)
    assert done.returncode == 2
    assert "there is no 'dance'" in done.stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("POLL_INTERVAL_SECONDS", "soon"),
        ("APP_PORT", "80808"),
        ("DATABASE_URL", "mysql://localhost/burnin"),
        ("TZ", "Mars/Olympus"),
    ],
)
def test_a_bad_setting_is_refused_by_its_name_in_one_line(
    name: str, value: str, tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "BURNIN_ENV_FILE": "", "DB_PATH": f"{tmp_path}/app.db"}
        | {name: value},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stderr.startswith(f"manage.py: {name}")
    assert done.stderr.count("\n") == 1
