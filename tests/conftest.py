"""Fixtures for everybody. Each starts its server at first use and ends it for certain.

The agent's tests run under Python 3.9 with the standard library and pytest alone, and this file is
read there too: so what needs more is imported inside the fixture that needs it.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests import needs

if TYPE_CHECKING:
    from tests.nas import MockNas
    from tests.stack import Stack


def pytest_runtest_setup(item: pytest.Item) -> None:
    for mark in item.iter_markers("needs"):
        for name in mark.args:
            needs.need(name)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    for line in needs.lines(terminalreporter.stats.get("skipped", [])):
        terminalreporter.write_line(line, red=True, bold=True)


@pytest.fixture(scope="session")
def valkey_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The redis:// address of a real Valkey server, for the whole session."""
    from tests.broker import server

    with server(tmp_path_factory.mktemp("valkey")) as url:
        yield url


@pytest.fixture
def valkey(valkey_server: str, settings: Any) -> Iterator[str]:
    """The same, emptied, and set as this test's broker and channel layer."""
    import redis
    from channels.layers import channel_layers

    from burnin_site.celery import app

    redis.Redis.from_url(valkey_server).flushall()
    settings.REDIS_URL = settings.CELERY_BROKER_URL = valkey_server
    settings.CHANNEL_LAYERS = {
        "default": {**settings.CHANNEL_LAYERS["default"], "CONFIG": {"hosts": [valkey_server]}}
    }
    channel_layers.backends.clear()
    before = app.conf.broker_url
    app.conf.broker_url = valkey_server
    _forget_broker(app)
    yield valkey_server
    app.conf.broker_url = before
    _forget_broker(app)
    channel_layers.backends.clear()


def _forget_broker(app: Any) -> None:
    """The first message's connections are kept, and a dead broker is left alone for a while: a test
    that sends something without a broker would spoil it for all after it."""
    from burnin import tasks
    from live.changes import server

    server.cache_clear()
    app._pool = app.amqp._producer_pool = None
    tasks._silent_until = 0.0


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The DATABASE_URL of a real PostgreSQL server, for the whole session."""
    needs.need("postgres")
    from tests.postgres import server

    with server() as url:
        yield url


@pytest.fixture(scope="session")
def ssh_keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the client's key pair: id_ed25519 and id_ed25519.pub."""
    from launcher.product import make_ssh_key

    folder = tmp_path_factory.mktemp("ssh")
    make_ssh_key(folder / "id_ed25519")
    return folder


@pytest.fixture
def home_folder() -> Iterator[Path]:
    """An empty folder that isn't below /tmp, where no real system's agent may be."""
    with tempfile.TemporaryDirectory(prefix=".burnin-test-", dir=Path.home()) as folder:
        yield Path(folder)


@pytest.fixture
def mock_nas(ssh_keys: Path, tmp_path: Path) -> Iterator[Callable[..., MockNas]]:
    """Start a mock NAS: `mock_nas(speed=60, names="sd", release="13.0", media=[…], env={…})`.

    `media` is a list of "NAME:SERIAL:MODEL:MIB[:pool=POOL]"; without it the 15 simulated drives.
    """
    from tests.nas import MockNas

    started: list[MockNas] = []

    def start(**options: Any) -> MockNas:
        nas = MockNas(tmp_path / f"nas-{len(started) + 1}", ssh_keys, **options)
        started.append(nas)
        return nas.start()

    yield start
    for nas in started:
        nas.stop()


@pytest.fixture
def media_nas(mock_nas: Callable[..., MockNas]) -> MockNas:
    """A mock NAS with three real, file-backed drives of 32 MiB, the last one in a pool."""
    return mock_nas(
        media=[
            "da0:FILE0001:TEST-32M:32",
            "da1:FILE0002:TEST-32M:32",
            "da2:FILE0003:TEST-32M:32:pool=tank",
        ]
    )


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    """The whole product, running: see tests/stack.py."""
    from tests.stack import Stack

    running = Stack(tmp_path / "data")
    try:
        yield running.start()
    finally:
        running.stop()


@pytest.fixture(autouse=True)
def _no_ci_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test starts reads no `.env` of the developer's."""
    monkeypatch.setitem(os.environ, "BURNIN_ENV_FILE", "")
