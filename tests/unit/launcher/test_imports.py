"""Imports point down, never up or sideways."""

from __future__ import annotations

from pathlib import Path

from launcher.environment import ROOT
from launcher.imports import unknown_rooms, wrong_imports


def test_the_tree_obeys() -> None:
    assert list(wrong_imports(ROOT)) == []
    assert unknown_rooms(ROOT) == []


def test_an_import_upwards_is_named_with_its_line(tmp_path: Path) -> None:
    _write(tmp_path / "drives" / "poll.py", "import os\nfrom burnin.models import Job\n")
    assert list(wrong_imports(tmp_path)) == [
        "drives/poll.py:2: drives must not import burnin.models"
    ]


def test_an_import_inside_a_function_counts_too(tmp_path: Path) -> None:
    _write(tmp_path / "agent" / "guard.py", "def look():\n    import drives.models\n")
    assert list(wrong_imports(tmp_path)) == [
        "agent/guard.py:2: agent must not import drives.models"
    ]


def test_nobody_imports_tests(tmp_path: Path) -> None:
    _write(tmp_path / "launcher" / "smoke.py", "from tests.waiting import wait_for\n")
    assert len(list(wrong_imports(tmp_path))) == 1


def test_imports_down_and_within_the_room_are_fine(tmp_path: Path) -> None:
    _write(tmp_path / "burnin" / "a.py", "from drives.models import Drive\nfrom . import b\n")
    assert list(wrong_imports(tmp_path)) == []


def test_a_room_without_a_rule_is_named(tmp_path: Path) -> None:
    _write(tmp_path / "helpers" / "__init__.py", "")
    assert unknown_rooms(tmp_path) == ["helpers"]


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True)
    file.write_text(text)
