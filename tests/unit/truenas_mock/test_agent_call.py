"""Which command lines call the agent, and are answered by the simulation."""

from __future__ import annotations

import pytest

from truenas_mock.shell import _agent_call

ZIPAPP = "/h/.burnin/bin/agent-0123.pyz"


@pytest.mark.parametrize(
    "command",
    [
        f"python3 -I -B {ZIPAPP} probe --smart",
        f'PATH="$PATH:/usr/local/bin:/sbin" exec python3 -I -B {ZIPAPP} probe --smart',
        f"exec /usr/bin/python3.9 {ZIPAPP} probe --smart",
    ],
)
def test_a_call(command: str) -> None:
    assert _agent_call(command) == (ZIPAPP, ["probe", "--smart"])


@pytest.mark.parametrize(
    "command",
    [
        f"python3 -I -B -c 'import sys' {ZIPAPP}",
        f"sh -c 'umask 077; cat > {ZIPAPP}.partial && mv {ZIPAPP}.partial {ZIPAPP}'",
        f"ls -l {ZIPAPP}",
        "python3 -I -B other.py probe",
        "echo 'unclosed",
        "",
    ],
)
def test_anything_else(command: str) -> None:
    assert _agent_call(command) is None
