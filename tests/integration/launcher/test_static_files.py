"""Collecting static files, when more than one start from the same checkout."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from launcher.environment import ROOT, VENV

PREPARE = """
import os, sys
from pathlib import Path
from launcher.services import Services
from launcher.supervisor import Supervisor

data = Path(sys.argv[1])
env = {"PATH": os.environ["PATH"], "BURNIN_ENV_FILE": "", "DB_PATH": str(data / "app.db")}
Services(data, Supervisor(data, print), env, host="127.0.0.1", port=1).prepare()
"""


def test_two_first_starts_at_once_collect_them_once(tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    apart = shutil.ignore_patterns(".git", ".venv", "var", "staticfiles", "*cache*", "tests")
    shutil.copytree(ROOT, checkout, ignore=apart)
    (checkout / ".venv").symlink_to(VENV)
    folders = [tmp_path / name for name in ("one", "two")]
    for folder in folders:
        (folder / "log").mkdir(parents=True)
    starts = [
        subprocess.Popen(
            [sys.executable, "-c", PREPARE, str(folder)],
            cwd=checkout,
            env={"PATH": os.environ["PATH"]},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for folder in folders
    ]
    for start in starts:
        said = start.communicate(timeout=100)[0]
        assert start.returncode == 0, said
    logs = [(folder / "log" / "manage.log").read_text() for folder in folders]
    assert sum("static files copied" in log for log in logs) == 1
    collected = checkout / "staticfiles"
    served = json.loads((collected / "staticfiles.json").read_text())["paths"].values()
    assert [name for name in served if not (collected / name).is_file()] == []
