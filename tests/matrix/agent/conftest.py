"""The agent's host, loop devices and media that lie, as its shorter tests have them."""

from __future__ import annotations

from tests.integration.agent.conftest import host, loops, lying, zipapp

__all__ = ["host", "loops", "lying", "zipapp"]
