"""What goes into a host's shell arrives as it was sent, whatever a drive calls itself."""

from __future__ import annotations

import shlex
import shutil
import subprocess

import pytest

from drives.hosts.agent import in_shell
from drives.hosts.ssh import HostError

#: csh where it is installed: it is a usual login shell of TrueNAS CORE.
SHELLS = [shell for shell in ("sh", "bash", "tcsh") if shutil.which(shell)]
HOSTILE = [
    "WD-1!2",
    "!!",
    "a'b\"c",
    "$(touch /tmp/owned)",
    "`id`",
    "; rm -rf /",
    "-rf",
    "--release=X",
    "a b  c",
    "*?[a]~",
    "\\",
    "ends with \\",
    "'\\!'",
    "Größe ✓",
    "%s%n",
    "",
]


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("told", HOSTILE)
def test_a_hostile_serial_arrives_as_it_was_sent(shell: str, told: str) -> None:
    script = "exec printf '<%s>' " + shlex.join([told, "next"])
    done = subprocess.run([shell, "-c", in_shell(script)], capture_output=True, text=True)
    assert done.stdout == f"<{told}><next>", done.stderr


@pytest.mark.parametrize("control", ["\n", "\r", "\0", "\x1b", "\x7f", "\t"])
def test_a_control_character_is_refused(control: str) -> None:
    with pytest.raises(HostError, match="control character"):
        in_shell(f"echo 'WD{control}1'")
