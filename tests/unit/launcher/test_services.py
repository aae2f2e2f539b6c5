"""The processes are the same wherever they are started: launcher, containers, documentation."""

from __future__ import annotations

import json
import re

import yaml

from launcher import services
from launcher.environment import PYTHON, ROOT


def words(command: list[str]) -> list[str]:
    assert command[0] == str(PYTHON)
    return ["python", *command[1:]]


def test_containers_run_what_the_launcher_runs() -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    assert compose["worker"]["command"] == words(services.WORKER)
    assert compose["beat"]["command"] == words(services.BEAT)
    (web,) = re.findall(r"^CMD (\[.*\])$", (ROOT / "Dockerfile").read_text(), re.M)
    assert json.loads(web)[: len(services.WEB)] == words(services.WEB)
