"""`.env.example` lists every setting of the code, with its default."""

from __future__ import annotations

import ast
import re

from launcher.environment import ROOT

#: A setting as the file shows it: commented out, with its default.
LINE = re.compile(r"^#?([A-Z][A-Z0-9_]*)=(.*)$", re.MULTILINE)
READERS = {
    "text", "whole", "number", "truth", "choice", "url", "database", "networks", "listed"
}  # fmt: skip


def in_code() -> dict[str, object]:
    """Each setting's name, and its default where that is a plain value, else None."""
    found: dict[str, object] = {"SECRET_KEY": None}
    tree = ast.parse((ROOT / "burnin_site" / "settings.py").read_text())
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Name)
            and (node.func.value.id, node.func.attr in READERS) == ("env", True)
        ):
            name, *default = [
                argument.value if isinstance(argument, ast.Constant) else None
                for argument in node.args[:2]
            ]
            found[str(name)] = default[0] if default else ""
    return found


def in_file() -> dict[str, str]:
    return dict(LINE.findall((ROOT / ".env.example").read_text()))


def test_every_setting_is_listed_and_no_other() -> None:
    assert set(in_file()) == set(in_code())


def test_the_defaults_are_those_of_the_code() -> None:
    shown = in_file()
    for name, default in in_code().items():
        if default is not None:
            word = str(default).lower() if isinstance(default, bool) else str(default)
            assert shown[name] == word, name


def test_no_setting_is_in_force_by_mere_copying() -> None:
    assert not re.search(r"^[A-Z]", (ROOT / ".env.example").read_text(), re.MULTILINE)
