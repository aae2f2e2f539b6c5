"""Ports are kept from start to start while they are free."""

from __future__ import annotations

import socket
from pathlib import Path

from launcher import ports


def test_the_same_names_get_the_same_ports_again(tmp_path: Path) -> None:
    first = ports.kept(tmp_path / "ports.json", ["web", "valkey"])
    assert len(set(first.values())) == 2
    assert ports.kept(tmp_path / "ports.json", ["web", "valkey"]) == first


def test_a_port_that_somebody_took_is_replaced(tmp_path: Path) -> None:
    first = ports.kept(tmp_path / "ports.json", ["web", "valkey"])
    with socket.create_server(("127.0.0.1", first["web"])):
        assert not ports.is_free(first["web"])
        second = ports.kept(tmp_path / "ports.json", ["web", "valkey"])
    assert second["web"] != first["web"]
    assert second["valkey"] == first["valkey"]


def test_a_garbled_file_is_as_good_as_none(tmp_path: Path) -> None:
    (tmp_path / "ports.json").write_text("{")
    assert ports.kept(tmp_path / "ports.json", ["web"])["web"] > 0
