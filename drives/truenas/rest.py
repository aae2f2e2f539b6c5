"""REST API v2.0, as CORE 12 and 13 and SCALE 22.12 to 24.10 speak it; up to 25.10 on request.

CORE takes the options of a query from a JSON body on the GET, and reads `?extra.pools=true` as a
filter that nothing matches; the body is understood by all.
"""

from __future__ import annotations

import json
import time
from typing import Any

import requests
from urllib3 import HTTPResponse
from urllib3.exceptions import HTTPError

from .address import cause, check_may_carry_key
from .answers import WITH_POOLS
from .release import LAST_WITH_SMART, Release
from .types import NasError, NoSuchMethod, NotAllowed, Rejected

TIMEOUT_SECONDS = (5, 30)
WHOLE_ANSWER_SECONDS = 60
BIGGEST_ANSWER_BYTES = 32 * 1024 * 1024


class Rest:
    """One NAS over HTTP: a Dialect."""

    label = "REST"

    def __init__(
        self, base_url: str, api_key: str, *, verify_tls: bool, allow_http: bool = False
    ) -> None:
        check_may_carry_key(base_url, allow_http=allow_http)
        self._root = base_url.rstrip("/") + "/api/v2.0"
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers["Authorization"] = f"Bearer {api_key}"
        self._session.verify = verify_tls

    def close(self) -> None:
        self._session.close()

    def version(self) -> Any:
        return self._call("GET", "/system/version")

    def disks(self) -> Any:
        return self._call("GET", "/disk", {"query-filters": [], "query-options": WITH_POOLS})

    def boot_disks(self) -> Any:
        return self._call("GET", "/boot/get_disks")

    def pools(self) -> Any:
        return self._call("GET", "/pool")

    def unused(self) -> Any:
        return self._call("POST", "/disk/get_unused", False)

    def details(self) -> Any:
        return self._call("POST", "/disk/details", {"type": "BOTH", "join_partitions": False})

    def temperatures(self, names: list[str], release: Release) -> Any:
        body: dict[str, Any]
        if release.is_core:
            body = {"names": names, "powermode": "NEVER"}
        elif release.line <= LAST_WITH_SMART:
            body = {"names": names, "options": {}}
        else:
            body = {"name": names, "include_thresholds": False}
        return self._call("POST", "/disk/temperatures", body)

    def has_smart(self, release: Release) -> bool:
        return release.has_smart

    def jobs(self) -> Any:
        return self._call("GET", "/core/get_jobs?method=smart.test.wait")

    def manual_test(self, tests: list[dict[str, str]]) -> Any:
        return self._call("POST", "/smart/test/manual_test", tests)

    def abort_job(self, job_id: int) -> Any:
        return self._call("POST", "/core/job_abort", job_id)

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        """One request; the JSON of its answer. `body` None sends none."""
        data = None if body is None else json.dumps(body)
        headers = {} if data is None else {"Content-Type": "application/json"}
        try:
            with self._session.request(
                method,
                self._root + path,
                data=data,
                headers=headers,
                timeout=TIMEOUT_SECONDS,
                allow_redirects=False,
                stream=True,
            ) as response:
                status, content = response.status_code, whole(response.raw, path)
        except (requests.RequestException, OSError, HTTPError) as error:
            raise NasError(cause(error)) from None
        if status == 401:
            raise NasError(f"the NAS refuses the API key (HTTP {status})")
        if status == 403:
            raise NotAllowed(f"the NAS refuses the API key for {method} {path} (HTTP {status})")
        if status in (404, 405):
            raise NoSuchMethod(f"HTTP {status} to {method} {path}: {_message(content)}")
        if status == 422:
            raise Rejected(f"the NAS rejects {path}: {_message(content)}")
        if status >= 300:
            raise NasError(f"HTTP {status} to {method} {path}: {_message(content)}")
        try:
            return json.loads(content)
        except (ValueError, RecursionError):
            raise NasError(f"the answer to {path} is not whole JSON") from None


def whole(body: HTTPResponse, path: str) -> bytes:
    """All of an answer, within limits of size and time: one that drips holds nobody up for long."""
    content, end = bytearray(), time.monotonic() + WHOLE_ANSWER_SECONDS
    while piece := body.read1(65536, decode_content=True):
        content += piece
        if len(content) > BIGGEST_ANSWER_BYTES:
            raise NasError(f"the answer to {path} is bigger than 32 MB")
        if time.monotonic() > end:
            raise NasError(f"the answer to {path} took more than {WHOLE_ANSWER_SECONDS} s")
    return bytes(content)


def _message(content: bytes) -> str:
    try:
        answer = json.loads(content)
        told = answer.get("message") if isinstance(answer, dict) and "message" in answer else answer
        text = str(told)
    except (ValueError, RecursionError):
        text = content.decode(errors="replace")
    return " ".join(text.split())[:200]
