"""The SSH client against a connection that misbehaves."""

from __future__ import annotations

import asyncio
from typing import Any
from unittest.mock import AsyncMock, MagicMock

from drives.hosts import ssh

TARGET = ssh.Target("127.0.0.1", 22, "root", "/nowhere/key", "")


def process_that_answers(stdout: bytes, exit_status: int) -> MagicMock:
    process = MagicMock()
    process.__aenter__ = AsyncMock(return_value=process)
    process.__aexit__ = AsyncMock(return_value=None)
    process.stdout.read = AsyncMock(side_effect=[stdout, b""])
    process.stderr.read = AsyncMock(return_value=b"")
    process.wait_closed = AsyncMock()
    process.exit_status = exit_status
    return process


def run(process: MagicMock) -> ssh.Completed:
    connection: Any = MagicMock()
    connection.is_closed.return_value = False
    connection.create_process = AsyncMock(return_value=process)
    connections = ssh._Connections()
    connections._kept[TARGET] = connection
    return asyncio.run(connections.run(TARGET, "true", b""))


def test_a_command_that_ends_before_its_input_is_sent_is_no_error() -> None:
    process = process_that_answers(b"done", 0)
    process.stdin.write.side_effect = BrokenPipeError("Channel not open for sending")
    assert run(process) == ssh.Completed(0, b"done", b"")
