"""Ports, on 127.0.0.1 where nothing else is said."""

from __future__ import annotations

import json
import socket
from pathlib import Path


def is_free(port: int) -> bool:
    """Whether a server could listen there now."""
    return why_not(port) == ""


def why_not(port: int, host: str = "127.0.0.1") -> str:
    """Why no server could listen there now; empty where one could."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        return error.strerror or str(error)
    return ""


def kept(file: Path, names: list[str]) -> dict[str, int]:
    """A free port for each name: the one that `file` remembers where it is still free, else a new
    one. The file is written anew."""
    try:
        old: dict[str, int] = json.loads(file.read_text())
    except (OSError, ValueError):
        old = {}
    probes, ports = [], {}
    for name in names:
        port = old.get(name, 0)
        probe = socket.socket()  # held open until all are found, so that no two get the same
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        ports[name] = probe.getsockname()[1]
        probes.append(probe)
    for probe in probes:
        probe.close()
    file.write_text(json.dumps(ports))
    return ports
