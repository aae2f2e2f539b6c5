"""A bad setting is refused at start, by its name."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


def start(
    folder: Path, program: str = "import burnin_site.settings", *arguments: str, **settings: str
) -> subprocess.CompletedProcess[str]:
    """Load the settings in a process of their own."""
    env = {
        "PATH": os.environ["PATH"],
        "BURNIN_ENV_FILE": "",
        "DB_PATH": str(folder / "app.db"),
        **settings,
    }
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
    )


#: Loads the settings once for each of these, in a child that has Django already.
EACH = """
import importlib, json, os, sys
import django.conf, environ, django.utils.log, burnin_site.env
for name, value in json.loads(sys.argv[1]):
    if os.fork() == 0:
        os.environ[name] = value
        try:
            importlib.import_module("burnin_site.settings")
            print("accepted")
        except Exception as error:
            print(type(error).__name__, str(error).replace(chr(10), " "))
        sys.stdout.flush()
        os._exit(0)
    os.wait()
"""
BAD = [
    ("APP_PORT", "http"),
    ("APP_PORT", "70000"),
    ("APP_URL", "nas.example"),
    ("POLL_INTERVAL_SECONDS", "0"),
    ("STALE_THRESHOLD_SECONDS", "-1"),
    ("MAX_PARALLEL_BURNINS", "many"),
    ("SURFACE_PASSES", "17"),
    ("STUCK_JOB_HOURS", "nan"),
    ("TEMP_START_MAX_C", "400"),
    ("TEMP_START_MAX_C", "56"),
    ("TEMP_RESUME_C", "55"),
    ("IO_VALIDATE_SECONDS", "long"),
    ("SMTP_MODE", "tls"),
    ("WEBHOOK_URL", "hooks.example"),
    ("TRUENAS_VERIFY_TLS", "perhaps"),
    ("DATABASE_URL", "mysql://x/y"),
    ("REDIS_URL", "127.0.0.1"),
    ("ALLOWED_IPS", "192.0.2.0/33"),
    ("ALLOWED_IPS", "192.0.2.7/24"),
    ("TRUSTED_PROXIES", "proxy.example"),
    ("LOG_LEVEL", "LOUD"),
    ("LOG_FORMAT", "xml"),
    ("TZ", "Europe/Nowhere"),
    ("SECRET_KEY", "short"),
    ("ADMIN_USER", "only"),
    ("TRUENAS_SSH_KEY_FILE", "/nowhere/key"),
]


@pytest.fixture(scope="module")
def refusals(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], str]:
    folder = tmp_path_factory.mktemp("settings")
    told = start(folder, EACH, json.dumps(BAD)).stdout.splitlines()
    return dict(zip(BAD, told, strict=True))


@pytest.mark.parametrize(("name", "value"), BAD)
def test_a_bad_setting_is_refused_by_its_name(
    refusals: dict[tuple[str, str], str], name: str, value: str
) -> None:
    kind, _, words = refusals[name, value].partition(" ")
    assert kind == "ImproperlyConfigured"
    assert name in words


def test_a_bad_setting_ends_the_start(tmp_path: Path) -> None:
    done = start(tmp_path, APP_PORT="http")
    assert done.returncode != 0
    assert "APP_PORT" in done.stderr.strip().splitlines()[-1]


def test_the_secret_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    assert start(tmp_path).returncode == 0
    file = tmp_path / "secret_key"
    assert file.stat().st_mode & 0o777 == 0o600
    first = file.read_text()
    assert start(tmp_path).returncode == 0
    assert file.read_text() == first


def test_what_is_written_is_for_its_owner_alone(tmp_path: Path) -> None:
    """The database holds the sessions of admins."""
    program = f"import burnin_site.settings; open({str(tmp_path / 'new')!r}, 'w')"
    assert start(tmp_path, program).returncode == 0
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o600
