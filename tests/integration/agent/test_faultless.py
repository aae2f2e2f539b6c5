"""Sound media, random kills, pauses and limits: no run ever reports an error.

A thousand of them are in tests/matrix/agent.
"""

from __future__ import annotations

import random

from tests.integration.agent import faultless
from tests.integration.agent.host import Host

RUNS = 3


def test_a_sound_medium_passes_whatever_happens_to_the_run(host: Host) -> None:
    for number in range(RUNS):
        faultless.run(host, f"da{number}", random.Random(20261126 + number))
