"""A bad setting is refused at start, by its name."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


def start(folder: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """Load the settings in a process of their own."""
    env = {
        "PATH": os.environ["PATH"],
        "BURNIN_ENV_FILE": "",
        "DB_PATH": str(folder / "app.db"),
        **settings,
    }
    return subprocess.run(
        [sys.executable, "-c", "import burnin_site.settings"],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
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
    ],
)
def test_a_bad_setting_is_refused_by_its_name(tmp_path: Path, name: str, value: str) -> None:
    done = start(tmp_path, **{name: value})
    assert done.returncode != 0
    last = done.stderr.strip().splitlines()[-1]
    assert name in last
    assert "ImproperlyConfigured" in last


def test_the_secret_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    assert start(tmp_path).returncode == 0
    file = tmp_path / "secret_key"
    assert file.stat().st_mode & 0o777 == 0o600
    first = file.read_text()
    assert start(tmp_path).returncode == 0
    assert file.read_text() == first
