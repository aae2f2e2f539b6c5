"""What comes from outside is fuzzed, and a new door to it doesn't stay without."""

from __future__ import annotations

import re

from dashboard.routing import websocket_urlpatterns
from launcher.environment import ROOT
from tests.matrix.fuzz.garble import GARBLED


def test_whoever_reads_a_nas_is_garbled() -> None:
    """tests/matrix/fuzz/test_nas_answers.py changes what these modules' json loads."""
    reads = {
        str(file.relative_to(ROOT))
        for folder in ("drives", "burnin")
        for file in (ROOT / folder).rglob("*.py")
        if re.search(r"\bjson\.loads?\(|\.json\(\)|from json import", file.read_text())
    }
    # A line for a shell to paste has a json.load of its own.
    reads -= {"drives/checkup.py"}
    assert reads == {module.__name__.replace(".", "/") + ".py" for module in GARBLED}


def test_every_websocket_is_sent_nonsense() -> None:
    """tests/matrix/fuzz/test_websockets.py: to /live/ alone."""
    assert [str(route.pattern) for route in websocket_urlpatterns] == ["live/<str:wanted>"]
