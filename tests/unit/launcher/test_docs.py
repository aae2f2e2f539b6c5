"""What the documents name is there: commands with their options, files, tests."""

from __future__ import annotations

import re
from argparse import ArgumentParser
from functools import cache
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class

from launcher.__main__ import USAGE
from launcher.environment import ROOT

DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
#: A line of a block, or what stands between backquotes.
CODE = re.compile(r"^```sh\n(.*?)^```|`([^`\n]+)`", re.MULTILINE | re.DOTALL)
MANAGED = re.compile(r"(?:\./run manage|python manage\.py) +(.*)")
ROOMS = "agent|audit|burnin|burnin_site|config|dashboard|drives|tests|truenas_mock"
FILE = re.compile(rf"(?<![\w/])(?:{ROOMS})/[\w./*]+")


@cache
def parser_of(command: str) -> ArgumentParser:
    return load_command_class(get_commands()[command], command).create_parser("manage.py", command)


def code_of(document: Path) -> list[str]:
    """Each command line or quoted word; one that goes on in the next line is one."""
    text = document.read_text().replace("\\\n", " ")
    found = []
    for block, quoted in CODE.findall(text):
        found += block.splitlines() if block else [quoted]
    return [line.strip() for line in found]


def managed(line: str) -> str:
    """What of it is a command of Django's command line: its name first; empty where nothing is."""
    if called := MANAGED.search(line):
        return called[1]
    words = line.split()
    return line if len(words) > 1 and words[0] in get_commands() and words[0] != "test" else ""


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_commands_and_their_options_exist(document: Path) -> None:
    ours = set(re.findall(r"^  \./run (\w+)", USAGE, re.MULTILINE))
    for line in code_of(document):
        called = re.match(r"(?:\S+=\S+ )*\./run (\w+)", line)
        assert called is None or called[1] in ours, line
        name, *words = managed(line).replace("[", " ").replace("]", " ").split() or [""]
        if name and name not in ("NAME", "…"):
            assert name in get_commands(), line
            known = parser_of(name)._option_string_actions
            options = [word.split("=")[0] for word in words if word.startswith("--")]
            assert set(options) <= set(known), line


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_files_and_tests_exist(document: Path) -> None:
    for line in code_of(document):
        for name in FILE.findall(line) if " " not in line else []:
            assert list(ROOT.glob(name)), line
        for name in re.findall(r"^test_\w+\.py$", line):
            assert list((ROOT / "tests").rglob(name)), line
