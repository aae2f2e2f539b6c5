"""One mock NAS at life's speed for all tests that leave its process alone; reset before each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.nas import MockNas

from .host import Host


class Rest:
    """The NAS's API as any client speaks it."""

    def __init__(self, nas: MockNas, authorization: str | None = "Bearer mock-key") -> None:
        self.root = f"{nas.url}/api/v2.0"
        self.session = requests.Session()
        self.session.trust_env = False
        if authorization:
            self.session.headers["Authorization"] = authorization

    def ask(self, method: str, path: str, body: Any = None) -> requests.Response:
        """`body` None sends none."""
        url = f"{self.root}/{path}"
        if body is None:
            return self.session.request(method, url, timeout=10)
        return self.session.request(method, url, json=body, timeout=10)

    def get(self, path: str, body: Any = None) -> Any:
        answer = self.ask("GET", path, body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, body: Any = None) -> Any:
        answer = self.ask("POST", path, body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def drive(self, name: str) -> dict[str, Any]:
        (found,) = self.get(f"disk?name={name}")
        return dict(found)


@pytest.fixture(scope="package")
def _shared_nas(ssh_keys: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MockNas]:
    nas = MockNas(tmp_path_factory.mktemp("nas"), ssh_keys, speed=1).start()
    yield nas
    nas.stop()


@pytest.fixture
def nas(_shared_nas: MockNas) -> MockNas:
    """Fifteen simulated drives, sda to sdo, as new."""
    _shared_nas.debug("reset")
    return _shared_nas


@pytest.fixture
def rest(nas: MockNas) -> Rest:
    return Rest(nas)


@pytest.fixture
def host(nas: MockNas) -> Iterator[Host]:
    with Host(nas) as connected:
        yield connected
