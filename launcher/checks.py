"""`./run check`: what a machine can say about the code in seconds, without starting it."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time

from . import environment
from .environment import PYTHON, ROOT
from .imports import unknown_rooms, wrong_imports


def main(arguments: list[str]) -> int:
    environment.enter(environment.DEVELOPMENT)
    began = time.monotonic()
    module = [str(PYTHON), "-m"]
    with tempfile.TemporaryDirectory() as folder:
        # No `.env`, no database of the user: the answer depends on the code alone.
        env = os.environ | {
            "BURNIN_ENV_FILE": "",
            "DB_PATH": f"{folder}/app.db",
            "DATABASE_URL": "",
            "DJANGO_SETTINGS_MODULE": "burnin_site.settings",
        }
        running = {
            name: subprocess.Popen(
                command,
                cwd=ROOT,
                env=env,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            for name, command in {
                "lint": [*module, "ruff", "check", "."],
                "format": [*module, "ruff", "format", "--check", "."],
                "types": [*module, "mypy"],
                "migrations": [str(PYTHON), "manage.py", "makemigrations", "--check", "--dry-run"],
            }.items()
        }
        strangers = [f"{room}: no rule in launcher/imports.py" for room in unknown_rooms(ROOT)]
        answers = {"import direction": "\n".join([*wrong_imports(ROOT), *strangers])}
        for name, process in running.items():
            output = process.communicate()[0].strip()
            answers[name] = (output or "failed") if process.returncode else ""
    for name, complaint in answers.items():
        print(f"{'FAILED' if complaint else 'ok':<8}{name}")
        if complaint:
            print(complaint + "\n")
    print(f"checked in {time.monotonic() - began:.1f} s")
    return 1 if any(answers.values()) else 0
