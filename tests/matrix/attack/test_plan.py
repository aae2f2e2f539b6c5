"""How many cells there are, as the documentation says."""

from __future__ import annotations

from pathlib import Path

from tests.matrix.attack import test_disk, test_freebsd, test_matrix, test_parts, test_standing


def test_the_table_is_as_big_as_the_documentation_says() -> None:
    planned = {
        (case[0], case[1], kind, moment)
        for module in (test_matrix, test_disk, test_freebsd, test_parts, test_standing)
        for kind, case, moment in module.PLAN
    }
    said = (Path(__file__).resolve().parents[3] / "docs" / "safety.md").read_text()
    wanted = f"{len(planned):,} cells, fact × source × moment"
    assert wanted in said, f"docs/safety.md must say: {wanted}"
