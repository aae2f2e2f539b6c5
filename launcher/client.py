"""A small client of the product's API, as a script would be one: log in, look, start, cancel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import requests

TIMEOUT_SECONDS = 30


class RefusedRequest(Exception):
    """The product refuses what was asked. `status`: 409 or 422; `reasons`: sentences."""

    def __init__(self, status: int, reasons: list[str]) -> None:
        super().__init__("; ".join(reasons))
        self.status, self.reasons = status, reasons


@dataclass(frozen=True)
class Stage:
    """`evidence` is the whole of it; that of a surface stage holds the run's verdict."""

    kind: str
    state: str
    percent: float
    error_text: str
    run_id: str
    evidence: dict[str, Any]


@dataclass(frozen=True)
class Job:
    id: int
    state: str
    percent: float
    error_text: str
    claims: list[dict[str, Any]]
    stages: tuple[Stage, ...]

    def stage(self, kind: str) -> Stage:
        return next(stage for stage in self.stages if stage.kind == kind)

    @property
    def is_over(self) -> bool:
        return self.state not in {"queued", "running"}


@dataclass(frozen=True)
class Drive:
    """`job` is its latest burn-in."""

    id: int
    name: str
    serial: str
    model: str
    system: str
    size_bytes: int
    present: bool
    job: Job | None


class Client:
    """Every method raises requests.RequestException where the product doesn't answer rightly."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy of the environment can't reach 127.0.0.1

    def log_in(self, user: str, password: str) -> None:
        page = self._session.get(f"{self.url}/login", timeout=TIMEOUT_SECONDS)
        page.raise_for_status()
        answer = self._session.post(
            f"{self.url}/login",
            data={"user": user, "password": password},
            headers=self._ours(),
            timeout=TIMEOUT_SECONDS,
        )
        answer.raise_for_status()
        if "sessionid" not in self._session.cookies:
            raise requests.HTTPError(f"{self.url} refuses {user}'s password", response=answer)

    def drives(self) -> list[Drive]:
        return [self._drive(source) for source in self._get("drives?limit=500")["items"]]

    def start(
        self, drive: Drive, stages: list[str], *, passes: int = 2, typed_serial: str = ""
    ) -> int:
        """Ask for a burn-in; gives the job's id. Raises RefusedRequest."""
        wish = {"drive_ids": [drive.id], "stage_order": stages, "passes": passes}
        (outcome,) = self._post("burnin/start", wish | {"serial": typed_serial})["outcomes"]
        job: int = outcome["job_id"]
        return job

    def cancel(self, job: int) -> None:
        """Raises RefusedRequest."""
        self._post(f"burnin/{job}/cancel")

    def _get(self, path: str) -> Any:
        answer = self._session.get(f"{self.url}/api/v1/{path}", timeout=TIMEOUT_SECONDS)
        answer.raise_for_status()
        return answer.json()

    def _post(self, path: str, body: dict[str, Any] | None = None) -> Any:
        answer = self._session.post(
            f"{self.url}/api/v1/{path}", json=body, headers=self._ours(), timeout=TIMEOUT_SECONDS
        )
        if answer.status_code in (409, 422):
            problem = answer.json()
            raise RefusedRequest(answer.status_code, problem["reasons"] or [problem["detail"]])
        answer.raise_for_status()
        return answer.json()

    def _ours(self) -> dict[str, str]:
        return {
            "X-CSRFToken": self._session.cookies.get("csrftoken") or "",
            "Origin": self.url,
        }

    def _drive(self, source: dict[str, Any]) -> Drive:
        burnin = source["burnin"]
        return Drive(
            id=source["id"],
            name=source["devname"],
            serial=source["serial"],
            model=source["model"],
            system=source["system"]["name"],
            size_bytes=source["size_bytes"],
            present=source["present"],
            job=_job(self._get(f"burnin/{burnin['id']}")) if burnin else None,
        )


def _job(source: dict[str, Any]) -> Job:
    stages = tuple(
        Stage(
            kind=stage["kind"],
            state=stage["state"],
            percent=stage["percent"],
            error_text=stage["error_text"],
            run_id=stage["run_id"],
            evidence=source["evidence"][stage["kind"]],
        )
        for stage in source["stages"]
    )
    facts = {name: source[name] for name in Job.__annotations__ if name != "stages"}
    return Job(**facts, stages=stages)
