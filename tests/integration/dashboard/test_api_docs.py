"""docs/api.md: each shell example runs, against a real server."""

from __future__ import annotations

import os
import re
import subprocess

import pytest

from config import runtime
from dashboard import tokens
from dashboard.api.burnins import StartIn, StartOut
from dashboard.api.drives import DriveEdit, SelfTestIn
from dashboard.api.settings import SettingsIn
from dashboard.api.systems import SystemEdit, SystemIn
from dashboard.api.v1 import api, operations
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


def test_every_body_has_examples_that_are_right() -> None:
    """Whoever sends one gets no 422 for its shape."""
    described = api.get_openapi_schema()
    shapes = {
        content["schema"]["$ref"].rsplit("/", 1)[-1]
        for methods in described["paths"].values()
        for operation in methods.values()
        for content in operation.get("requestBody", {}).get("content", {}).values()
    }
    models = {
        one.__name__: one
        for one in (StartIn, DriveEdit, SelfTestIn, SettingsIn, SystemIn, SystemEdit)
    }
    assert shapes == set(models)
    for name in shapes:
        examples = described["components"]["schemas"][name]["examples"]
        assert examples
        for body in examples:
            assert models[name](**body).model_dump(exclude_unset=True) == body
            for setting, value in body.get("settings", {}).items():
                assert value is None or runtime.parse(setting, value) is not None
    for body in described["components"]["schemas"]["StartOut"]["examples"]:
        assert StartOut(**body).model_dump() == body


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
