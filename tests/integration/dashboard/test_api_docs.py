"""docs/api.md: each shell example runs, against a real server."""

from __future__ import annotations

import os
import re
import subprocess

import pytest

from dashboard import tokens
from dashboard.api.v1 import operations
from launcher.environment import ROOT
from tests.integration.dashboard.conftest import a_user
from tests.integration.dashboard.web import Web
from tests.integration.rows import a_drive, a_system

TEXT = (ROOT / "docs" / "api.md").read_text()


@pytest.mark.django_db(transaction=True, reset_sequences=True)
def test_the_examples_run(web: Web) -> None:
    drive = a_drive(a_system())
    _, token = tokens.issue(a_user("admin"), name="docs", role="admin", expires_at=None)
    blocks = re.findall(r"```sh\n(.*?)```", TEXT, re.S)
    script = "\n".join(blocks).replace("drives/1", f"drives/{drive.pk}")
    script = script.replace("[1]", f"[{drive.pk}]")
    script = re.sub(r"^export .*$", "set -e", script, flags=re.M)
    done = subprocess.run(
        ["bash", "-c", script],
        env=os.environ | {"BURNIN": web.url, "TOKEN": token},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"outcome": "queued"' in done.stdout and "burnin_drives" in done.stdout
    assert "shelf 2, bay 7" in done.stdout


def test_every_path_is_named() -> None:
    """By its last word, whatever stands before it."""
    missing = {
        path
        for _, path in operations()
        if path.rsplit("/", 1)[-1]
        .strip("{}")
        .replace("int:drive_id", "id")
        .replace("int:job_id", "id")
        .replace("int:system_id", "id")
        not in TEXT
    }
    assert not missing
