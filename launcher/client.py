"""A small HTTP client of the product, as a script would be one: log in, look, start, cancel."""

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
        self._session.headers["Accept"] = "application/json"

    def log_in(self, user: str, password: str) -> None:
        page = self._session.get(f"{self.url}/login", timeout=TIMEOUT_SECONDS)
        page.raise_for_status()
        answer = self._post("/login", {"user": user, "password": password})
        answer.raise_for_status()
        if "sessionid" not in self._session.cookies:
            raise requests.HTTPError(f"{self.url} refuses {user}'s password", response=answer)

    def drives(self) -> list[Drive]:
        answer = self._session.get(f"{self.url}/drives.json", timeout=TIMEOUT_SECONDS)
        answer.raise_for_status()
        return [_drive(source) for source in answer.json()["drives"]]

    def start(
        self, drive: Drive, stages: list[str], *, passes: int = 2, typed_serial: str = ""
    ) -> int:
        """Ask for a burn-in; gives the job's id. Raises RefusedRequest."""
        answer = self._post(
            f"/drives/{drive.id}/start",
            {"stages": stages, "passes": str(passes), "serial": typed_serial},
        )
        _raise_refusal(answer)
        job: int = answer.json()["job"]
        return job

    def cancel(self, job: int) -> None:
        """Raises RefusedRequest."""
        _raise_refusal(self._post(f"/jobs/{job}/cancel", {}))

    def _post(self, path: str, form: dict[str, Any]) -> requests.Response:
        return self._session.post(
            f"{self.url}{path}",
            data=form,
            headers={
                "X-CSRFToken": self._session.cookies.get("csrftoken") or "",
                "Origin": self.url,
            },
            timeout=TIMEOUT_SECONDS,
        )


def _raise_refusal(answer: requests.Response) -> None:
    if answer.status_code == 409:
        raise RefusedRequest(409, answer.json()["reasons"])
    if answer.status_code == 422:
        raise RefusedRequest(422, [str(error) for error in _flat(answer.json()["errors"])])
    answer.raise_for_status()


def _flat(errors: Any) -> list[Any]:
    """The sentences of a list, or of Django's {field: [sentence]}."""
    if isinstance(errors, dict):
        return [sentence for each in errors.values() for sentence in _flat(each)]
    return errors if isinstance(errors, list) else [errors]


def _drive(source: dict[str, Any]) -> Drive:
    job = source["job"] and _job(source["job"])
    return Drive(**{name: source[name] for name in Drive.__annotations__ if name != "job"}, job=job)


def _job(source: dict[str, Any]) -> Job:
    stages = tuple(
        Stage(**{name: stage[name] for name in Stage.__annotations__}) for stage in source["stages"]
    )
    facts = {name: source[name] for name in Job.__annotations__ if name != "stages"}
    return Job(**facts, stages=stages)
