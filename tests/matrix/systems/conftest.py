"""The systems that were tried, listed at the end of the run."""

from __future__ import annotations

from typing import Any

from tests.integration.conftest import django_db_setup  # noqa: F401

from .cells import CELLS


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if not CELLS:
        return
    terminalreporter.section("systems that were tried")
    for name in dict.fromkeys(name for name, _ in CELLS):
        told = ", ".join(f"{kind}: {state}" for (of, kind), state in CELLS.items() if of == name)
        terminalreporter.write_line(f"{name:<13} {told}")
    terminalreporter.write_line(f"{len(CELLS)} cases ended as they should")
